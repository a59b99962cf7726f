//! The sum of what a plan's objects cost a month, before it and after it.
//!
//! Invariant: what has no price is counted and named, never guessed. The sizes are asked for only where something is done and a price
//! is needed that no object has shown.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change, Order, Plan};
use super::cost::{Cost, Sum};
use dofloat_api::client::Client;
use dofloat_base::value::{Body, Term, Value};
use dofloat_kinds::price::{self, BySize, Price};

/// The cost of what a plan was made of and leads to.
pub(super) async fn cost(api: &Client, plan: &Plan) -> Cost {
    let mut sizes = shown(plan);
    // Where nothing is done nothing is told.
    let changes = plan.changes.iter().any(|change| !matches!(change.action, Action::Keep));
    if changes && needed(plan).iter().any(|slug| !sizes.contains_key(slug)) {
        sizes.extend(price::sizes(api).await);
    }
    sum(plan, &sizes)
}

/// The prices that the objects themselves show.
fn shown(plan: &Plan) -> BTreeMap<String, f64> {
    let of = |body: &Body| {
        let Value::Number(price) = body.get("price_monthly")? else { return None };
        Some((body.get("size")?.as_str()?.to_lowercase(), price.as_f64()?))
    };
    plan.changes.iter().filter_map(|change| of(change.before.as_ref()?)).collect()
}

/// The sizes whose prices are needed.
fn needed(plan: &Plan) -> BTreeSet<String> {
    let bodies =
        plan.changes.iter().flat_map(|change| [before(change), after(change)].into_iter().flatten().map(move |body| (change, body)));
    let by_size = bodies.filter_map(|(change, body)| match price::price(&change.address.kind, &body) {
        Price::BySize(by_size) => Some(by_size.servers),
        _ => None,
    });
    by_size.flatten().map(|(slug, _)| slug).collect()
}

fn before(change: &Change) -> Option<Term> {
    change.before.clone().map(|body| Term::Value(Value::Map(body)))
}

fn after(change: &Change) -> Option<Term> {
    match change.action {
        Action::Delete | Action::Forget => None,
        Action::Keep | Action::Adopt { .. } => change.after.clone().or_else(|| before(change)),
        _ => change.after.clone(),
    }
}

fn sum(plan: &Plan, sizes: &BTreeMap<String, f64>) -> Cost {
    let was = side(plan.changes.iter().filter_map(|change| Some((change, before(change)?))), sizes);
    let will = side(plan.changes.iter().filter_map(|change| Some((change, after(change)?))), sizes);
    // What is replaced by something that comes first, and what goes after all else has come.
    let beside = |change: &&Change| matches!(change.action, Action::Replace { order: Order::CreateFirst, .. });
    let twice = side(plan.changes.iter().filter(beside).filter_map(|change| Some((change, before(change)?))), sizes);
    Cost { peak: was.dollars.max(will.dollars + twice.dollars), before: was, after: will }
}

/// The sum of one side.
fn side<'a>(bodies: impl Iterator<Item = (&'a Change, Term)>, sizes: &BTreeMap<String, f64>) -> Sum {
    let bodies: Vec<(&Change, Term)> = bodies.collect();
    let mut assigned = Assigned::of(&bodies);
    let mut sum = Sum::default();
    for (change, body) in &bodies {
        let dollars = match price::price(&change.address.kind, body) {
            Price::Dollars(dollars) => Some(dollars),
            Price::Unassigned(dollars) => Some(if assigned.takes(&body.get("ip_address")) { 0.0 } else { dollars }),
            Price::BySize(by_size) => of_servers(&by_size, sizes),
            Price::Unknown => None,
        };
        match dollars {
            Some(dollars) => sum.dollars += dollars,
            None => *sum.unpriced.entry(change.address.kind.clone()).or_default() += 1,
        }
    }
    sum
}

fn of_servers(by_size: &BySize, sizes: &BTreeMap<String, f64>) -> Option<f64> {
    let all = by_size.servers.iter().map(|(slug, count)| {
        #[expect(clippy::cast_precision_loss, reason = "a count of servers")]
        let count = *count as f64;
        Some(sizes.get(slug)? * count)
    });
    Some(all.sum::<Option<f64>>()? * (1.0 + by_size.besides) + by_size.fixed)
}

/// The addresses that resources of their own assign.
struct Assigned {
    known: BTreeSet<String>,
    unknown: usize,
}

impl Assigned {
    fn of(bodies: &[(&Change, Term)]) -> Self {
        let assignments = bodies.iter().filter(|(change, _)| change.address.kind.ends_with("_ip_assignment"));
        let addresses = assignments.map(|(_, body)| body.get("ip_address").value().and_then(Value::as_str).map(str::to_owned));
        let (known, unknown): (Vec<_>, Vec<_>) = addresses.partition(Option::is_some);
        Self { known: known.into_iter().flatten().collect(), unknown: unknown.len() }
    }

    /// Whether this address is one of them. Which of the new ones is assigned by what is not known yet.
    fn takes(&mut self, address: &Term) -> bool {
        if let Some(address) = address.value().and_then(Value::as_str) {
            return self.known.contains(address);
        }
        let is_one = self.unknown > 0;
        self.unknown = self.unknown.saturating_sub(1);
        is_one
    }
}
