//! From a plan that was held against the account to what is left of it: what was seen becomes durable, the plan is applied, and
//! what the stack shares (its tag, its project) goes last.
//!
//! Invariant: what was found is made durable before anything else; the journal is closed only once every step's fate is known.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::apply::{self, ApplyOptions, ApplyResult, Run};
use super::change::{Event, Outcome};
use super::claims::Claims;
use super::error::{EngineError, from_api};
use super::held;
use super::import;
use super::needs;
use super::observed::{Observed, Seen};
use super::planned::{Planned, Surveyed};
use super::record;
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_base::address::Address;
use dofloat_base::clock::Clock;
use dofloat_base::desired::Resolve;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Mark;
use dofloat_kinds::erased::{AnyKind, Job};
use dofloat_kinds::{account, kind, project};
use dofloat_state::journal::Entry;
use dofloat_state::store::{ExitClass, Loaded, Locked, RunStart, StoreError};
use dofloat_state::{Record, State};

/// The inputs of an execution besides the survey.
pub struct Execution<'a> {
    /// The survey.
    pub surveyed: &'a Surveyed,
    /// The configuration.
    pub resolve: &'a dyn Resolve,
    /// The state on disk.
    pub loaded: &'a Loaded,
    /// The store, locked.
    pub store: &'a mut Locked,
    /// The API.
    pub api: Client,
    /// The time.
    pub clock: Clock,
    /// How to go about it.
    pub options: ApplyOptions,
    /// Turns true at the first Ctrl-C.
    pub stop: watch::Receiver<bool>,
    /// Is told what happens.
    pub tell: &'a mut dyn FnMut(Event),
}

/// Does what the plan says.
///
/// # Errors
/// If the state cannot be written before the first call; what happens later is in the outcome.
pub async fn execute(execution: Execution<'_>) -> Result<ApplyResult, EngineError> {
    let Execution { surveyed, resolve, loaded, store, api, clock, options, stop, tell } = execution;
    let Surveyed { planned, observed, .. } = surveyed;
    let mut state = up_to_date(&surveyed.state, observed);
    if !planned.plan.refresh_only {
        still_to_do(&mut state, &surveyed.state, resolve);
    }
    import::complete(&mut state, planned, observed, &surveyed.moves);
    state.owner.get_or_insert_with(|| planned.plan.base.owner.clone());
    // Where nothing is left to do, the commit at the end is the only one: until then the journal tells of the mark.
    let moved =
        loaded.journal.is_some() || !surveyed.moves.taken.is_empty() || loaded.state.as_ref().is_some_and(|before| *before != state);
    if moved && !planned.plan.steps.is_empty() {
        state.serial = store.commit(&state).map_err(|error| write_error(&error))?;
    }
    let (mark, mut claims) = (Mark::of_stack(&planned.plan.base.stack, &state.lineage), surveyed.claims.clone());
    api.expect(needs::changes(&planned.plan));
    if !planned.plan.steps.is_empty() {
        claims.extend(open(surveyed, &mut state, store, &api, &mark).await?);
    } else if loaded.state.is_none() && planned.plan.is_empty() {
        return Ok(ApplyResult { outcome: Outcome::default(), state, settled: true });
    }
    let had_mark = may_carry_the_mark(loaded, resolve, planned.plan.destroy);
    let run = Run { planned, resolve, state, store, api: api.of_stack(&mark.0), mark: mark.clone(), clock, claims, options, stop, tell };
    let mut result = apply::run(run).await;
    api.expect(0);
    result.outcome.counts.import = planned.plan.counts().import;
    if !result.settled || !leave(surveyed, loaded, had_mark, &api, &mark, &mut result).await {
        return Ok(result);
    }
    match store.commit(&result.state) {
        Ok(serial) => result.state.serial = serial,
        Err(error) => result.outcome.errors.extend(error.diagnostics()),
    }
    Ok(result)
}

/// Begins the run: its journal, and the stack's project if something is made in it. Gives what is known not to be of this run.
async fn open(surveyed: &Surveyed, state: &mut State, store: &mut Locked, api: &Client, mark: &Mark) -> Result<Claims, EngineError> {
    let Surveyed { planned, observed, .. } = surveyed;
    let marked = state.records.iter().chain(state.deposed.iter().map(|((address, _), record)| (address, record)));
    let marked = marked.filter(|(_, record)| record.mark.is_some()).map(|(_, record)| record.id.clone());
    let marked = marked.chain(observed.strays.iter().map(|stray| stray.id.clone())).collect();
    let addresses = addresses_before(api, planned, surveyed.no_project || state.project.is_some()).await?;
    let claims = addresses.iter().map(|ip| (account::UNNAMED.to_owned(), account::address_id(ip))).collect();
    let opening = RunStart { owner: planned.plan.base.owner.clone(), marked, addresses };
    store.begin(state, opening).map_err(|error| write_error(&error))?;
    if made(planned).any(|(kind, job)| kind.joins_project(&job.body)) {
        // The project's intent; as its name is unique, one whose answer is lost is found by that.
        store.append(Entry::Project { project: None }).map_err(|error| write_error(&error))?;
        let ensured = project::ensure(api, mark, state.project.as_ref(), surveyed.no_project).await;
        state.project = ensured.map_err(|error| EngineError::from(from_api(&error, "create the stack's project")))?;
        store.append(Entry::Project { project: state.project.clone() }).map_err(|error| write_error(&error))?;
    }
    Ok(claims)
}

/// Deletes what the stack shares, its tag and its project, once nothing of it is left there. Whether that came out.
async fn leave(surveyed: &Surveyed, loaded: &Loaded, had_mark: bool, api: &Client, mark: &Mark, result: &mut ApplyResult) -> bool {
    let mut records = result.state.records.values().chain(result.state.deposed.values());
    let Surveyed { planned, observed, .. } = surveyed;
    let strays = |can: fn(&dyn AnyKind) -> bool| observed.strays.iter().any(|stray| kind(stray.kind).is_some_and(can));
    let is_carried = records.any(|record| record.mark.is_some()) || strays(|kind| kind.markable());
    // The tag goes with the last object that carries it, so that a stack of which none does need not ask for it. A run that
    // was interrupted after its last delete has left it behind, and no record tells.
    let marks = planned.plan.steps.iter().any(|step| kind(&step.address.kind).is_some_and(AnyKind::markable));
    if !is_carried && (had_mark || marks || loaded.journal.is_some()) {
        match account::delete_mark(api, mark).await {
            // Who may not touch tags has never made one; and one that nothing carries is worth no error while others stay.
            Err(ApiError::Refused { .. }) if !had_mark || !result.state.records.is_empty() => {}
            Err(error) => {
                // The state or the journal tells the next run that the tag is still there.
                result.outcome.errors.push(from_api(&error, &format!("delete the tag {mark}")));
                return false;
            }
            Ok(()) => {}
        }
    }
    let mut left_of = result.state.records.keys().chain(result.state.deposed.keys().map(|(address, _)| address));
    let has_project =
        left_of.any(|address| kind(&address.kind).is_some_and(AnyKind::marked_by_project)) || strays(|kind| kind.marked_by_project());
    if !has_project && let Err(error) = leave_project(api, result).await {
        result.outcome.errors.push(from_api(&error, "delete the stack's project"));
        return false;
    }
    true
}

/// Why the state or the journal could not be written.
fn write_error(error: &StoreError) -> EngineError {
    let diagnostics = error.diagnostics();
    if error.class() == ExitClass::Decision { EngineError::decision(diagnostics) } else { EngineError::failed(diagnostics) }
}

/// Whether something may have made the stack's tag: what is remembered from before this run, recovery included. An interrupted
/// destroy may remember none of the objects that carried it; the configuration does.
fn may_carry_the_mark(loaded: &Loaded, resolve: &dyn Resolve, destroy: bool) -> bool {
    let records = loaded.state.iter().flat_map(|state| state.records.values().chain(state.deposed.values()));
    let begun = loaded.journal.iter().flat_map(|journal| {
        let open = journal.open.iter().map(|step| &step.begin);
        journal.done.iter().map(|(begin, _)| begin).chain(open)
    });
    let marked = records.clone().any(|record| record.mark.is_some()) || begun.clone().any(|begin| begin.mark.is_some());
    let mut remembers = records.map(|_| ()).chain(begun.map(|_| ()));
    marked
        || destroy
            && remembers.next().is_some()
            && resolve.desired().resources.keys().any(|address| kind(&address.kind).is_some_and(AnyKind::markable))
}

/// Keeps in the records what is still to be brought back.
fn still_to_do(state: &mut State, before: &State, resolve: &dyn Resolve) {
    for (address, record) in &mut state.records {
        if let (Some(before), Some(kind)) = (before.records.get(address), kind(&address.kind)) {
            held::keep(kind.attrs(), address, resolve.desired(), &before.body, &mut record.body);
        }
    }
}

/// The records with what was seen; what is gone is not in it.
fn up_to_date(state: &State, observed: &Observed) -> State {
    let mut now = state.clone();
    let rows = |address: &Address| kind(&address.kind).map_or(&[][..], AnyKind::attrs);
    let fresh = |address: &Address, record: &Record, seen: Option<&Seen>| match seen {
        Some(Seen::Present { body, digests, .. }) => Some(record::refreshed(rows(address), record, body, digests)),
        Some(Seen::Gone) => None,
        None => Some(record.clone()),
    };
    now.records = state
        .records
        .iter()
        .filter_map(|(address, record)| Some((address.clone(), fresh(address, record, observed.seen.get(address))?)))
        .collect();
    now.deposed = state
        .deposed
        .iter()
        .filter_map(|((address, id), record)| {
            let seen = observed.deposed.get(&(address.clone(), id.clone()));
            Some(((address.clone(), id.clone()), fresh(address, record, seen)?))
        })
        .collect::<BTreeMap<_, _>>();
    now
}

/// The objects that the plan creates.
fn made(planned: &Planned) -> impl Iterator<Item = (&'static dyn AnyKind, &Job)> {
    let jobs = planned.jobs.iter().filter_map(|(name, jobs)| Some((kind(name)?, jobs)));
    jobs.flat_map(|(kind, jobs)| jobs.iter().map(move |job| (kind, job))).filter(|(_, job)| job.creates)
}

/// The account's reserved addresses, where the plan makes one that cannot be told by the stack's project: what a lost answer
/// cannot have been about. Where the project is still to be made it will be; should the API refuse that, a spare address is a
/// doubt for a person whether it was there before or not.
async fn addresses_before(api: &Client, planned: &Planned, lodging: bool) -> Result<BTreeSet<String>, EngineError> {
    let unmarked = |kind: &dyn AnyKind, job: &Job| kind.marked_by_project() && !(lodging && kind.joins_project(&job.body));
    if !made(planned).any(|(kind, job)| unmarked(kind, job)) {
        return Ok(BTreeSet::new());
    }
    let addresses = account::addresses(api).await.map_err(|error| EngineError::from(from_api(&error, "read the reserved addresses")))?;
    Ok(addresses.into_iter().map(|address| address.ip).collect())
}

/// Deletes the stack's project, which goes last. What somebody has put into it stays, and it with it.
async fn leave_project(api: &Client, result: &mut ApplyResult) -> Result<(), ApiError> {
    let Some(project) = result.state.project.clone() else { return Ok(()) };
    if project::delete(api, &project).await? == project::End::Kept {
        result.outcome.notes.push(
            Diagnostic::warning(format!("The stack's project {project} is kept: it is not empty, or the token may not delete it."))
                .hint("The stack's resources are all gone. Delete the project in the control panel when nobody needs it."),
        );
    }
    result.state.project = None;
    Ok(())
}
