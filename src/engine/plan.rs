//! From what is wanted, remembered and seen to a plan: one walk in dependency order.
//!
//! Invariant: pure. Each body is resolved with what is known so far, compared, and its attributes are published to those that
//! come later: observed where the object is kept, unknown where it is made anew. Every mistake of the configuration is found
//! in one go.

mod compare;
mod data;
mod drift;
mod orders;
mod outputs;
mod removed;
mod rollouts;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use self::drift::drifts;
use self::walk::Walk;
use super::change::{Action, Base, Plan, Step};
use super::cluster::alarms;
use super::data_loss;
use super::error::EngineError;
use super::graph::{self, Cycle};
use super::order::{self, Links};
use super::planned::{Input, Planned};
use super::pointers::Picture;
use super::request::Options;
use super::target::chosen;
use dofloat_base::address::Address;
use dofloat_base::desired::Desired;
use dofloat_base::diag::Diagnostic;

/// Makes the plan.
///
/// # Errors
/// All that is wrong with the configuration, with positions.
pub fn make(input: Input<'_>, base: Base) -> Result<Planned, EngineError> {
    let nothing = Desired::default();
    let wanted = if input.options.destroy { &nothing } else { input.resolve.desired() };
    let data = wanted.data.iter().map(|(address, reading)| (address.clone(), reading.after.clone()));
    let after: BTreeMap<Address, BTreeSet<Address>> =
        wanted.resources.iter().map(|(address, wanted)| (address.clone(), wanted.after.clone())).chain(data).collect();
    let pairs = after.iter().flat_map(|(address, after)| after.iter().map(move |before| (before.clone(), address.clone())));
    let graph = graph::build(after.keys().cloned(), pairs).map_err(|cycle| EngineError::from(from_cycle(&cycle, wanted)))?;
    let chosen = chosen(&input, &graph)?;

    let mut walk = Walk {
        input,
        wanted,
        chosen,
        simulated: base.owner.simulated,
        known: BTreeMap::new(),
        changes: BTreeMap::new(),
        jobs: BTreeMap::new(),
        terms: BTreeMap::new(),
        queries: Vec::new(),
        errors: Vec::new(),
        notes: input.moves.notes.clone(),
    };
    for address in graph.order() {
        if address.is_data() { walk.visit_data(&address) } else { walk.visit(&address) }
    }
    walk.removed();
    let outputs = walk.outputs();
    walk.strays();
    walk.notes.extend(data_loss::notes(&walk.changes, input.resolve, input.options.destroy));
    let placeholders = &input.options.placeholders;
    let picture = Picture { terms: &walk.terms, known: &walk.known, jobs: &walk.jobs, resolve: input.resolve, placeholders };
    let region_conflicts = picture.region_conflicts(walk.changes.values());
    walk.errors.extend(region_conflicts);
    let (errors, warnings): (Vec<_>, Vec<_>) = std::mem::take(&mut walk.errors).into_iter().partition(Diagnostic::is_error);
    if !errors.is_empty() {
        return Err(EngineError::failed(errors));
    }
    let steps = if input.options.refresh_only { Vec::new() } else { steps(&mut walk, &after, base.journal_end > 0)? };
    let mut notes: Vec<Diagnostic> = interrupted(&base).into_iter().chain(warnings).collect();
    notes.extend(partial(input.options));
    notes.append(&mut walk.notes);
    let plan = Plan {
        base,
        drift: drifts(&input),
        changes: std::mem::take(&mut walk.changes).into_values().collect(),
        steps,
        outputs,
        notes,
        secrets: BTreeMap::new(),
        variables: BTreeMap::new(),
        refresh_only: input.options.refresh_only,
        destroy: input.options.destroy,
        is_complete: !input.options.is_partial(),
        configuration: None,
        planned_at: None,
        cost: None,
    };
    Ok(Planned { plan, known: walk.known, terms: walk.terms, jobs: walk.jobs, queries: walk.queries })
}

/// What is told where the last run did not come to its end.
fn interrupted(base: &Base) -> Option<Diagnostic> {
    let told = Diagnostic::warning("The last run of this stack was interrupted: this plan goes on from what it did.").alarm();
    (base.journal_end > 0)
        .then(|| told.hint("What it created is kept, and nothing is created twice. `dofloat apply` brings the rest about."))
}

/// What is told where only a part is planned.
fn partial(options: &Options) -> Option<Diagnostic> {
    let option = if options.targets.is_empty() { "-exclude" } else { "-target" };
    let note = options.is_partial().then(|| {
        Diagnostic::warning(format!("Only a part of the stack is planned (`{option}`): what is left out may not match what is changed."))
    })?;
    Some(note.hint(format!("Plan without `{option}` afterwards.")))
}

/// The steps of what the walk has decided, in their order; and what is to be told of the pairs that they touch.
fn steps(walk: &mut Walk<'_>, after: &BTreeMap<Address, BTreeSet<Address>>, interrupted: bool) -> Result<Vec<Step>, EngineError> {
    let records = walk.input.state.records.iter().map(|(address, record)| (address.clone(), record.after.clone())).collect();
    let mut rollouts = walk.rollouts(interrupted);
    let mut work = walk.work();
    let cycle = |cycle: Cycle<Address>| EngineError::from(from_cycle(&cycle, walk.wanted));
    order::spread(&mut work, after).map_err(cycle)?;
    // What is told of a change is what is done.
    for (address, change) in &mut walk.changes {
        if let (Action::Replace { order, .. }, Some(spread)) = (&mut change.action, work.get(address).and_then(|work| work.order)) {
            *order = spread;
        }
    }
    for rollout in &mut rollouts {
        rollout.at_once = order::loses_dependency(&rollout.nodes, &work, after);
    }
    walk.notes.extend(alarms::notes(&rollouts, &walk.input));
    order::steps(&work, Links { wanted: after, records: &records }, &rollouts).map_err(cycle)
}

fn from_cycle(cycle: &Cycle<Address>, wanted: &Desired) -> Diagnostic {
    let names: Vec<String> = cycle.0.iter().map(ToString::to_string).collect();
    let round = names.iter().chain(names.first()).map(String::as_str).collect::<Vec<_>>().join(" needs ");
    let place = |address: &Address| {
        let of_data = || wanted.data.get(address).map(|reading| reading.span.clone());
        wanted.resources.get(address).map(|wanted| wanted.span.clone()).or_else(of_data)
    };
    let mut spans = cycle.0.iter().filter_map(|address| Some((place(address)?, address)));
    let mut diagnostic = Diagnostic::error(format!("These resources depend on each other in a cycle: {round}."))
        .hint("Break the cycle: remove one of the references, or move the value into a variable or a local.");
    if let Some((span, _)) = spans.next() {
        diagnostic = diagnostic.at(span);
    }
    for (span, address) in spans {
        diagnostic = diagnostic.related(span, format!("{address} is part of the cycle"));
    }
    diagnostic
}
