//! From configuration and memory to a plan that was held against the account: what plan, apply and destroy have in common.
//!
//! Invariant: it writes nothing, ever.

use std::collections::BTreeSet;

use futures_util::future::{join, join3};

use super::change::{Base, Plan};
use super::claims;
use super::cluster::health::{self, Configuration};
use super::data::{self, Answers};
use super::doubles;
use super::error::{EngineError, from_api};
use super::foreign;
use super::import;
use super::lost;
use super::moves::{self, Moves};
use super::observed::{Observed, Seen};
use super::owner;
use super::plan;
use super::planned::{Input, Planned, Surveyed};
use super::preflight;
use super::pricing;
use super::recover;
use super::refresh;
use super::request::{ImportTarget, Options, SurveyContext};
use super::saved::Saved;
use super::tainted;
use dofloat_api::client::Client;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::value::{Origin, Term, Terms, Value};
use dofloat_kinds::erased::AnyKind;
use dofloat_kinds::{account, kind, project};
use dofloat_state::State;

/// Looks at everything and makes the plan.
///
/// # Errors
/// All that is wrong with the configuration, the account or the memory.
pub async fn survey(context: SurveyContext<'_>) -> Result<Surveyed, EngineError> {
    let snapshot = context.api.snapshot();
    let remembered = context.loaded.state.as_ref().unwrap_or(context.fresh);
    // Whose account it is, and what is in it, are asked side by side; the first decides whether the second counts.
    let provable = owner::provable(context);
    let asked = async {
        match provable {
            Some(_) => None,
            None => Some(owner::owner(context, &snapshot).await),
        }
    };
    let seen = join(see(context, remembered, &snapshot), read_early(context, &snapshot));
    let (asked, (seen, read), new) = join3(asked, seen, lost::is_new(context, &snapshot)).await;
    let is_proven = seen.as_ref().is_ok_and(|baseline| owner::proven(&baseline.state, &baseline.observed));
    let owner = match (asked, provable) {
        (Some(asked), _) => asked?,
        (None, Some(owner)) if is_proven => owner.clone(),
        (None, _) => owner::owner(context, &snapshot).await?,
    };
    let Baseline { state, adopted, mut observed, moves, no_project } = seen?;
    new?;
    Answers { found: observed.data, unread: observed.unread } = read?;
    observed.data.extend(context.read.clone());
    let base = Base {
        stack: context.stack.to_owned(),
        lineage: state.lineage.clone(),
        serial: state.serial,
        journal_end: context.loaded.journal.as_ref().map_or(0, |journal| journal.last_n),
        owner,
        endpoint: context.endpoint.to_owned(),
        config: context.config.to_owned(),
    };
    let mut planned = make(context, &snapshot, &state, &mut observed, context.options, &moves, base).await?;
    if context.options.adopt.is_some() {
        only_what_came(&mut planned);
    } else {
        foreign::none_is_touched(&snapshot, &state, &observed, &planned, context.refresh).await?;
        let doubled = doubles::doubled(context, &state, &observed, &planned).await?;
        let cost = async |plan: &Plan| if context.options.refresh_only { None } else { Some(pricing::cost(&snapshot, plan).await) };
        let (checked, cost) = join(preflight::check(context, &snapshot, &state, &observed, &planned), cost(&planned.plan)).await;
        planned.plan.cost = cost;
        if !doubled.is_empty() {
            // What is wrong beside it may come of the same state, and must not hide this.
            let more = checked.err().map(|stop| stop.diagnostics).unwrap_or_default();
            return Err(EngineError::decision(doubled.into_iter().chain(more).collect()));
        }
        planned.plan.notes.extend(checked?);
    }
    let mut claims = claims::claims(&state, None);
    claims.extend(claims::of_others(context.loaded));
    claims.extend(observed.strays.iter().map(|stray| (account::family(stray.kind), stray.id.clone())));
    Ok(Surveyed { planned, state, observed, adopted, moves, claims, no_project })
}

/// Makes the plan, and reads the data sources that it rests on: those first that nothing comes before, then those that need what
/// the others gave.
async fn make(
    context: SurveyContext<'_>,
    snapshot: &Client,
    state: &State,
    observed: &mut Observed,
    options: &Options,
    moves: &Moves,
    base: Base,
) -> Result<Planned, EngineError> {
    loop {
        let input = Input { resolve: context.resolve, state, observed, options, moves };
        let planned = plan::make(input, base.clone())?;
        if planned.queries.is_empty() {
            return Ok(planned);
        }
        let found = data::read_all(snapshot, context.resolve, &planned.queries).await?;
        observed.data.extend(found.found);
        observed.unread.extend(found.unread);
    }
}

/// Leaves of a plan what is told of objects that are taken over; nothing is to be done.
fn only_what_came(planned: &mut Planned) {
    planned.plan.steps.clear();
    planned.plan.outputs.clear();
    planned.plan.drift.clear();
    planned.jobs.clear();
    let about: BTreeSet<String> =
        planned.plan.changes.iter().filter(|change| change.provenance.is_some()).map(|change| change.address.to_string()).collect();
    planned.plan.notes.retain(|note| note.address.as_ref().is_some_and(|address| about.contains(address)));
}

/// Works a saved plan out anew from what it saw.
///
/// # Errors
/// If what it was made against has moved on, or it comes out otherwise.
pub async fn again(context: SurveyContext<'_>, saved: &Saved) -> Result<Surveyed, EngineError> {
    let owner =
        account::owner(context.api, context.simulated).await.map_err(|error| EngineError::from(from_api(&error, "read the account")))?;
    let remembered = context.loaded.state.as_ref().unwrap_or(context.fresh);
    let journal_end = context.loaded.journal.as_ref().map_or(0, |journal| journal.last_n);
    let base = &saved.base;
    let moved = [
        (base.stack != context.stack, format!("it is of the stack {}", base.stack)),
        (base.owner != owner, format!("it was made for {}, and the token belongs to {owner}", base.owner)),
        (base.endpoint != context.endpoint, format!("it was made against {}", base.endpoint)),
        (base.lineage != remembered.lineage, "the state is a different one".to_owned()),
        (base.serial != remembered.serial || base.journal_end != journal_end, "something was applied since".to_owned()),
        (base.config != context.config, "the configuration has changed since".to_owned()),
    ];
    if let Some((_, why)) = moved.into_iter().find(|(moved, _)| *moved) {
        return Err(EngineError::from(stale(&why)));
    }
    let (mut state, adopted) = recover::reconciled(context, remembered).await?;
    tainted::must_be_decided(context.stack, context.options, context.resolve, &state)?;
    let mut observed = saved.observed();
    observed.data.extend(context.read.clone());
    let desired = context.resolve.desired();
    let mut moves = moves::apply(&mut state, desired);
    import::again(&mut state, &observed.seen, &saved.imported(), desired, &mut moves);
    refresh::reveal(context.api, &state, &mut observed).await?;
    let options = saved.options();
    let planned = make(context, &context.api.snapshot(), &state, &mut observed, &options, &moves, base.clone()).await?;
    if !saved.holds(&planned) {
        return Err(EngineError::from(stale("the result is different now")));
    }
    let mut claims = claims::claims(&state, None);
    claims.extend(claims::of_others(context.loaded));
    Ok(Surveyed { planned, state, observed, adopted, moves, claims, no_project: false })
}

/// Reads beside all else what is asked for in any case; where a part is planned only, nobody knows yet what that is.
async fn read_early(context: SurveyContext<'_>, snapshot: &Client) -> Result<Answers, EngineError> {
    let options = context.options;
    if options.destroy || options.adopt.is_some() || options.is_partial() {
        return Ok(Answers::default());
    }
    let mut queries = data::at_once(context.resolve);
    queries.retain(|query| !(context.read.contains_key(&query.address) || options.defers_programs && query.source.runs_a_program()));
    data::read_all(snapshot, context.resolve, &queries).await
}

/// The recorded state, with an interrupted run reconciled and all moves applied, and the observed objects.
struct Baseline {
    state: State,
    adopted: Vec<(Address, Id)>,
    observed: Observed,
    moves: Moves,
    no_project: bool,
}

async fn see(context: SurveyContext<'_>, remembered: &State, snapshot: &Client) -> Result<Baseline, EngineError> {
    let (mut state, adopted) = recover::reconciled(context, remembered).await?;
    tainted::must_be_decided(context.stack, context.options, context.resolve, &state)?;
    let desired = context.resolve.desired();
    let mut moves = moves::apply(&mut state, desired);
    let targets: Vec<ImportTarget> = match &context.options.adopt {
        Some(targets) => targets.clone(),
        None if context.options.destroy || context.options.refresh_only => Vec::new(),
        None => import::targets(desired, &state),
    };
    let stack_mark = Mark::of_stack(context.stack, &state.lineage);
    let taken = import::take(context.api, &mut state, &targets, &stack_mark, (desired, context.options), &mut moves).await?;
    if !context.refresh || context.options.adopt.is_some() {
        let mut observed = believed(&state);
        observed.seen.extend(taken);
        if context.options.adopt.is_none() {
            refresh::reveal(context.api, &state, &mut observed).await?;
        }
        return Ok(Baseline { state, adopted, observed, moves, no_project: false });
    }
    // Nothing can carry a mark that was drawn just now; a simulated stack has the same one each time.
    let is_fresh = context.loaded.state.is_none() && context.loaded.journal.is_none() && !context.simulated;
    let wanted = match context.options.destroy || is_fresh {
        true => BTreeSet::new(),
        false => context.resolve.desired().resources.keys().map(|address| address.kind.clone()).collect(),
    };
    // An address that is about to be made may have been made before, by a run that nobody remembers.
    let mut no_project = false;
    if !context.options.destroy && state.project.is_none() && makes_lodgers(context, &state) {
        let marks = project::marks(snapshot).await.map_err(|error| EngineError::from(from_api(&error, "read the projects")))?;
        state.project = marks.iter().flatten().find(|(_, name)| **name == stack_mark).map(|(id, _)| id.clone());
        no_project = marks.is_some() && state.project.is_none();
    }
    let project = state.project.clone();
    let ours = Ours { mark: &stack_mark, project: project.as_ref() };
    let mut observed = refresh::refresh(snapshot, context.api, &state, ours, &wanted).await?;
    if !context.options.destroy {
        read_pairs(context, &state, &mut observed).await;
    }
    Ok(Baseline { state, adopted, observed, moves, no_project })
}

/// Reads the objects that are remembered.
///
/// # Errors
/// The first read that fails.
pub async fn observe(api: &Client, stack: &str, state: &State) -> Result<Observed, EngineError> {
    let mark = Mark::of_stack(stack, &state.lineage);
    let ours = Ours { mark: &mark, project: state.project.as_ref() };
    refresh::refresh(&api.snapshot(), api, state, ours, &BTreeSet::new()).await
}

/// How the pairs are that were made. What holds a pair's address may be gone: as long as one of its servers lives, the pair mends
/// that by itself, and nobody else may.
async fn read_pairs(context: SurveyContext<'_>, state: &State, observed: &mut Observed) {
    let of = |address: &Address| match state.records.get(address) {
        Some(record) => Term::Value(Value::Map(record.body.clone())),
        None => Term::Unknown(Origin::default()),
    };
    for (name, pair) in &context.resolve.desired().pairs {
        let (resource, attribute) = &pair.holder;
        let gone = observed.seen.get(resource) == Some(&Seen::Gone);
        let Some(record) = state.records.get(resource).filter(|_| pair.gated || gone) else { continue };
        let Some(watch) = context.resolve.watch(name, &of) else { continue };
        let report = health::read(context.api, &watch).await;
        if pair.gated && report.address.is_err() {
            observed.down.insert(name.clone());
        }
        let altered = report.altered();
        if altered != Configuration::default() {
            observed.altered.insert(name.clone(), altered);
        }
        if gone && report.is_alive() {
            let mut body = record.body.clone();
            body.remove(attribute);
            observed.seen.insert(resource.clone(), Seen::Present { body, digests: record.digests.clone(), secrets: Terms::new() });
        }
    }
}

/// Whether something that is wanted and not there would be made in the stack's project.
fn makes_lodgers(context: SurveyContext<'_>, state: &State) -> bool {
    let unknown = |_: &Address| Term::Unknown(Origin::default());
    let mut new = context.resolve.desired().resources.keys().filter(|address| !state.records.contains_key(address));
    new.any(|address| {
        let joins_project = |kind: &dyn AnyKind| {
            kind.marked_by_project() && context.resolve.body(address, &unknown).is_ok_and(|body| kind.joins_project(&body))
        };
        kind(&address.kind).is_some_and(joins_project)
    })
}

fn stale(why: &str) -> Diagnostic {
    Diagnostic::error(format!("The saved plan no longer holds: {why}."))
        .hint("Make a new one with `dofloat plan -out`. Nothing was changed.")
}

/// The records as they are, without asking.
fn believed(state: &State) -> Observed {
    let seen = |record: &dofloat_state::Record| Seen::Present {
        body: record.body.clone(),
        digests: record.digests.clone(),
        secrets: Terms::new(),
    };
    Observed {
        seen: state.records.iter().map(|(address, record)| (address.clone(), seen(record))).collect(),
        deposed: state.deposed.iter().map(|(key, record)| (key.clone(), seen(record))).collect(),
        ..Observed::default()
    }
}
