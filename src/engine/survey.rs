//! From configuration and memory to a plan that was held against the account: what plan, apply and destroy have in common,
//! and what apply does with it.
//!
//! Invariant: `survey` writes nothing, ever; `execute` makes what was found durable before anything else.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join3, try_join_all, try_join3};
use tokio::sync::watch;

use super::apply::{self, Left, Manner, Run};
use super::change::{Action, Base, Event};
use super::desired::of_complaint;
use super::doubles;
use super::foreign;
use super::health::{self, Configuration};
use super::held;
use super::import::{self, Wish};
use super::lost;
use super::owner;
use super::plan::{self, Input, Options, Planned};
use super::pointers::Picture;
use super::record;
use super::recover::{self, Claims};
use super::refresh::{self, Observed, Seen};
use super::saved::Saved;
use super::trouble::{Stop, lacking, of_api};
use super::upkeep::{self, Upkeep};
use crate::api::client::Client;
use crate::api::error::ApiError;
use crate::base::address::Address;
use crate::base::clock::Clock;
use crate::base::desired::Resolve;
use crate::base::diag::Diagnostic;
use crate::base::identity::{Id, Mark, Ours};
use crate::base::value::{Origin, Term, Value};
use crate::kinds::erased::{AnyKind, Job};
use crate::kinds::scopes::{Operation, needed};
use crate::kinds::{account, kind, project};
use crate::state::State;
use crate::state::journal::{Entry, Replayed};
use crate::state::store::{Loaded, Locked, Opening};

/// What a survey starts from.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The configuration.
    pub resolve: &'a dyn Resolve,
    /// Its digest.
    pub config: &'a str,
    /// What is remembered.
    pub loaded: &'a Loaded,
    /// The state of a stack that was never applied: its lineage and salt.
    pub fresh: &'a State,
    /// The API.
    pub api: &'a Client,
    /// The API's address.
    pub endpoint: &'a str,
    /// Whether the account is a simulated one.
    pub simulated: bool,
    /// The time.
    pub clock: &'a Clock,
    /// What was asked for.
    pub options: &'a Options,
    /// Whether objects are read; without it the records are believed (`-refresh=false`).
    pub refresh: bool,
    /// Whether an interrupted run is looked into. A plan beside a running apply leaves that alone.
    pub recover: bool,
    /// Whether a stack without a state is new by the user's word, whatever the account holds.
    pub new_stack: bool,
}

/// A plan and what it rests on.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// The plan.
    pub planned: Planned,
    /// The state, an interrupted run settled.
    pub state: State,
    /// What is there.
    pub observed: Observed,
    /// What an interrupted run had made, and was found.
    pub adopted: Vec<(Address, Id)>,
    /// How records came to be where they are.
    pub upkeep: Upkeep,
    /// Objects that are not ours, whatever they look like.
    pub claims: Claims,
    /// Whether the account's projects were read, and none of them is the stack's.
    pub no_project: bool,
}

/// The tag of a stack's objects.
#[must_use]
pub fn mark(stack: &str, lineage: &str) -> Mark {
    let stack: String = stack.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' }).collect();
    Mark(format!("dofloat:{stack}-{lineage}"))
}

/// Looks at everything and makes the plan.
///
/// # Errors
/// All that is wrong with the configuration, the account or the memory.
pub async fn survey(ground: Ground<'_>) -> Result<Surveyed, Stop> {
    let snapshot = ground.api.snapshot();
    let remembered = ground.loaded.state.as_ref().unwrap_or(ground.fresh);
    // Whose account it is, and what is in it, are asked side by side; the first decides whether the second counts.
    let provable = owner::provable(ground);
    let asked = async {
        match provable {
            Some(_) => None,
            None => Some(owner::owner(ground, &snapshot).await),
        }
    };
    let (asked, seen, new) = join3(asked, see(ground, remembered, &snapshot), is_new(ground, &snapshot)).await;
    let is_proven = seen.as_ref().is_ok_and(|sight| owner::proven(&sight.state, &sight.observed));
    let owner = match (asked, provable) {
        (Some(asked), _) => asked?,
        (None, Some(owner)) if is_proven => owner.clone(),
        (None, _) => owner::owner(ground, &snapshot).await?,
    };
    let Sight { state, adopted, observed, upkeep, no_project } = seen?;
    new?;
    let base = Base {
        stack: ground.stack.to_owned(),
        lineage: state.lineage.clone(),
        serial: state.serial,
        journal_end: ground.loaded.journal.as_ref().map_or(0, |journal| journal.last_n),
        owner,
        endpoint: ground.endpoint.to_owned(),
        config: ground.config.to_owned(),
    };
    let input = Input { resolve: ground.resolve, state: &state, observed: &observed, options: ground.options, upkeep: &upkeep };
    let mut planned = plan::make(input, base)?;
    if ground.options.adopt.is_some() {
        only_what_came(&mut planned);
    } else {
        foreign::none_is_touched(&snapshot, &state, &observed, &planned, ground.refresh).await?;
        let doubled = doubles::doubled(ground, &state, &observed, &planned).await?;
        let checked = check_account(ground, &snapshot, &state, &observed, &mut planned).await;
        if !doubled.is_empty() {
            // What is wrong beside it may come of the same state, and must not hide this.
            let more = checked.err().map(|stop| stop.diagnostics).unwrap_or_default();
            return Err(Stop::decision(doubled.into_iter().chain(more).collect()));
        }
        checked?;
    }
    let mut claims = recover::claims(&state, None);
    claims.extend(recover::of_others(ground.loaded));
    claims.extend(observed.strays.iter().map(|stray| (account::family(stray.kind), stray.id.clone())));
    Ok(Surveyed { planned, state, observed, adopted, upkeep, claims, no_project })
}

/// What is remembered, an interrupted run settled, and what of that was found.
///
/// # Errors
/// A read that fails, or a doubt that a person must decide.
pub async fn settled(ground: Ground<'_>, remembered: &State) -> Result<(State, Vec<(Address, Id)>), Stop> {
    Ok(match &ground.loaded.journal {
        Some(journal) if ground.recover => {
            let settled = recover::settle(past(ground, remembered, journal)).await?;
            (settled.state, settled.adopted)
        }
        Some(journal) => (journal.settle_into(remembered), Vec::new()),
        None => (remembered.clone(), Vec::new()),
    })
}

/// Leaves of a plan what is told of objects that are taken over; nothing is to be done.
fn only_what_came(planned: &mut Planned) {
    planned.plan.steps.clear();
    planned.plan.outputs.clear();
    planned.plan.drift.clear();
    planned.jobs.clear();
    let about: BTreeSet<String> =
        planned.plan.changes.iter().filter(|change| change.came.is_some()).map(|change| change.address.to_string()).collect();
    planned.plan.notes.retain(|note| note.address.as_ref().is_some_and(|address| about.contains(address)));
}

/// Works a saved plan out anew from what it saw.
///
/// # Errors
/// If what it was made against has moved on, or it comes out otherwise.
pub async fn again(ground: Ground<'_>, saved: &Saved) -> Result<Surveyed, Stop> {
    let owner = account::owner(ground.api, ground.simulated).await.map_err(|error| Stop::from(of_api(&error, "read the account")))?;
    let remembered = ground.loaded.state.as_ref().unwrap_or(ground.fresh);
    let journal_end = ground.loaded.journal.as_ref().map_or(0, |journal| journal.last_n);
    let base = &saved.base;
    let moved = [
        (base.stack != ground.stack, format!("it is of the stack {}", base.stack)),
        (base.owner != owner, format!("it was made for {}, and the token belongs to {owner}", base.owner)),
        (base.endpoint != ground.endpoint, format!("it was made against {}", base.endpoint)),
        (base.lineage != remembered.lineage, "the state is another one".to_owned()),
        (base.serial != remembered.serial || base.journal_end != journal_end, "something was applied since".to_owned()),
        (base.config != ground.config, "the configuration has changed since".to_owned()),
    ];
    if let Some((_, why)) = moved.into_iter().find(|(moved, _)| *moved) {
        return Err(Stop::from(stale(&why)));
    }
    let (mut state, adopted) = match &ground.loaded.journal {
        Some(journal) => {
            let settled = recover::settle(past(ground, remembered, journal)).await?;
            (settled.state, settled.adopted)
        }
        None => (remembered.clone(), Vec::new()),
    };
    let observed = saved.observed();
    let desired = ground.resolve.desired();
    let mut upkeep = upkeep::settle(&mut state, desired);
    import::again(&mut state, &observed.seen, &saved.imported(), desired, &mut upkeep);
    let options = saved.options();
    let input = Input { resolve: ground.resolve, state: &state, observed: &observed, options: &options, upkeep: &upkeep };
    let planned = plan::make(input, base.clone())?;
    if !saved.holds(&planned) {
        return Err(Stop::from(stale("it comes out otherwise now")));
    }
    let mut claims = recover::claims(&state, None);
    claims.extend(recover::of_others(ground.loaded));
    Ok(Surveyed { planned, state, observed, adopted, upkeep, claims, no_project: false })
}

/// A stack that nobody remembers must be one that the account does not know.
///
/// # Errors
/// If it does, or a read fails.
pub(super) async fn is_new(ground: Ground<'_>, snapshot: &Client) -> Result<(), Stop> {
    let wants = |can: fn(&dyn AnyKind) -> bool| {
        let mut wanted = ground.resolve.desired().resources.keys();
        ground.options.destroy || wanted.any(|address| kind(&address.kind).is_some_and(can))
    };
    let by = lost::Marks { tags: wants(|kind| kind.markable()), projects: wants(|kind| kind.lodged()) };
    if ground.loaded.state.is_some() || ground.new_stack {
        return Ok(());
    }
    // Where the droplets are asked for anyway, they tell; else the tags do, whoever carries them.
    let kinds: BTreeSet<&str> = ground.resolve.desired().resources.keys().map(|address| address.kind.as_str()).collect();
    let wanted: Vec<&'static dyn AnyKind> = kinds.into_iter().filter_map(kind).filter(|kind| kind.markable()).collect();
    lost::must_be_new(snapshot, ground.stack, if ground.options.destroy { &[] } else { &wanted }, by).await
}

/// What is remembered, an interrupted run and all upkeep settled, and what is there.
struct Sight {
    state: State,
    adopted: Vec<(Address, Id)>,
    observed: Observed,
    upkeep: Upkeep,
    no_project: bool,
}

async fn see(ground: Ground<'_>, remembered: &State, snapshot: &Client) -> Result<Sight, Stop> {
    let (mut state, adopted) = settled(ground, remembered).await?;
    let desired = ground.resolve.desired();
    let mut upkeep = upkeep::settle(&mut state, desired);
    let wishes: Vec<Wish> = match &ground.options.adopt {
        Some(wishes) => wishes.clone(),
        None if ground.options.destroy || ground.options.refresh_only => Vec::new(),
        None => import::wishes(desired, &state),
    };
    let stack_mark = mark(ground.stack, &state.lineage);
    let taken = import::take(ground.api, &mut state, &wishes, &stack_mark, (desired, ground.options), &mut upkeep).await?;
    if !ground.refresh || ground.options.adopt.is_some() {
        let mut observed = believed(&state);
        observed.seen.extend(taken);
        return Ok(Sight { state, adopted, observed, upkeep, no_project: false });
    }
    // Nothing can carry a mark that was drawn just now; a simulated stack has the same one each time.
    let is_fresh = ground.loaded.state.is_none() && ground.loaded.journal.is_none() && !ground.simulated;
    let wanted = match ground.options.destroy || is_fresh {
        true => BTreeSet::new(),
        false => ground.resolve.desired().resources.keys().map(|address| address.kind.clone()).collect(),
    };
    // An address that is about to be made may have been made before, by a run that nobody remembers.
    let mut no_project = false;
    if !ground.options.destroy && state.project.is_none() && makes_lodgers(ground, &state) {
        let marks = project::marks(snapshot).await.map_err(|error| Stop::from(of_api(&error, "read the projects")))?;
        state.project = marks.iter().flatten().find(|(_, name)| **name == stack_mark).map(|(id, _)| id.clone());
        no_project = marks.is_some() && state.project.is_none();
    }
    let project = state.project.clone();
    let ours = Ours { mark: &stack_mark, project: project.as_ref() };
    let mut observed = refresh::refresh(snapshot, ground.api, &state, ours, &wanted).await?;
    if !ground.options.destroy {
        look_at_pairs(ground, &state, &mut observed).await;
    }
    Ok(Sight { state, adopted, observed, upkeep, no_project })
}

/// Reads the objects that are remembered.
///
/// # Errors
/// The first read that fails.
pub async fn observe(api: &Client, stack: &str, state: &State) -> Result<Observed, Stop> {
    let mark = mark(stack, &state.lineage);
    let ours = Ours { mark: &mark, project: state.project.as_ref() };
    refresh::refresh(&api.snapshot(), api, state, ours, &BTreeSet::new()).await
}

/// How the pairs are that were made. What holds a pair's address may be gone: as long as one of its servers lives, the pair mends
/// that by itself, and nobody else may.
async fn look_at_pairs(ground: Ground<'_>, state: &State, observed: &mut Observed) {
    let of = |address: &Address| match state.records.get(address) {
        Some(record) => Term::Value(Value::Map(record.body.clone())),
        None => Term::Unknown(Origin::default()),
    };
    for (name, pair) in &ground.resolve.desired().pairs {
        let (resource, attribute) = &pair.holder;
        let gone = observed.seen.get(resource) == Some(&Seen::Gone);
        let Some(record) = state.records.get(resource).filter(|_| pair.gated || gone) else { continue };
        let Some(watch) = ground.resolve.watch(name, &of) else { continue };
        let report = health::look(ground.api, &watch).await;
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
            observed.seen.insert(resource.clone(), Seen::Present { body, digests: record.digests.clone() });
        }
    }
}

/// What an interrupted run is looked into with.
fn past<'a>(ground: Ground<'a>, state: &'a State, journal: &'a Replayed) -> recover::Past<'a> {
    let Ground { stack, loaded, api, clock, .. } = ground;
    recover::Past { stack, loaded, state, journal, api, clock }
}

/// The stack's project: what is remembered, else the one of its name.
///
/// # Errors
/// A read that fails.
pub(super) async fn known_project(api: &Client, stack: &str, state: &State) -> Result<Option<Id>, Stop> {
    if state.project.is_some() {
        return Ok(state.project.clone());
    }
    project::find(api, &mark(stack, &state.lineage)).await.map_err(|error| Stop::from(of_api(&error, "read the projects")))
}

/// Whether something that is wanted and not there would be made in the stack's project.
fn makes_lodgers(ground: Ground<'_>, state: &State) -> bool {
    let unknown = |_: &Address| Term::Unknown(Origin::default());
    let mut new = ground.resolve.desired().resources.keys().filter(|address| !state.records.contains_key(address));
    new.any(|address| {
        let lodges = |kind: &dyn AnyKind| kind.lodged() && ground.resolve.body(address, &unknown).is_ok_and(|body| kind.lodges(&body));
        kind(&address.kind).is_some_and(lodges)
    })
}

/// What the plan makes.
fn made(planned: &Planned) -> impl Iterator<Item = (&'static dyn AnyKind, &Job)> {
    let jobs = planned.jobs.iter().filter_map(|(name, jobs)| Some((kind(name)?, jobs)));
    jobs.flat_map(|(kind, jobs)| jobs.iter().map(move |job| (kind, job))).filter(|(_, job)| job.creates)
}

/// The account's reserved addresses, where the plan makes one that cannot be told by the stack's project: what a lost answer
/// cannot have been about. Where the project is still to be made it will be; should the API refuse that, a spare address is a
/// doubt for a person whether it was there before or not.
async fn addresses_before(api: &Client, planned: &Planned, lodging: bool) -> Result<BTreeSet<String>, Stop> {
    let unmarked = |kind: &dyn AnyKind, job: &Job| kind.lodged() && !(lodging && kind.lodges(&job.body));
    if !made(planned).any(|(kind, job)| unmarked(kind, job)) {
        return Ok(BTreeSet::new());
    }
    let addresses = account::addresses(api).await.map_err(|error| Stop::from(of_api(&error, "read the reserved addresses")))?;
    Ok(addresses.into_iter().map(|address| address.ip).collect())
}

/// Deletes the stack's project, which goes last. What somebody has put into it stays, and it with it.
async fn leave_project(api: &Client, left: &mut Left) -> Result<(), ApiError> {
    let Some(project) = left.state.project.clone() else { return Ok(()) };
    if project::delete(api, &project).await? == project::End::Kept {
        left.outcome.notes.push(
            Diagnostic::warning(format!("The stack's project {project} stays: something lies in it, or the token may not delete it."))
                .hint("Nothing of the stack is left. Delete the project in the control panel once nobody needs it."),
        );
    }
    left.state.project = None;
    Ok(())
}

fn stale(why: &str) -> Diagnostic {
    Diagnostic::error(format!("The saved plan no longer holds: {why}.")).hint("Make it anew with `dofloat plan -out`. Nothing was changed.")
}

/// The records as they are, without asking.
fn believed(state: &State) -> Observed {
    let seen = |record: &crate::state::Record| Seen::Present { body: record.body.clone(), digests: record.digests.clone() };
    Observed {
        seen: state.records.iter().map(|(address, record)| (address.clone(), seen(record))).collect(),
        deposed: state.deposed.iter().map(|(key, record)| (key.clone(), seen(record))).collect(),
        ..Observed::default()
    }
}

/// Everything about the account that would make a step fail, before the first write.
async fn check_account(ground: Ground<'_>, api: &Client, state: &State, observed: &Observed, planned: &mut Planned) -> Result<(), Stop> {
    if ground.options.refresh_only {
        return Ok(());
    }
    let preflights = planned.jobs.iter().filter_map(|(name, jobs)| {
        let kind = kind(name)?;
        Some(async move {
            let complaints = kind.preflight(api, jobs).await.map_err(|error| {
                let reads = jobs.iter().flat_map(|job| needed(kind, Operation::Create, &job.body)).filter(|scope| scope.ends_with(":read"));
                Stop::from(of_api(&lacking(error, reads), "check the plan against the account"))
            })?;
            Ok::<_, Stop>((jobs.first().map_or_else(|| Address::new(name, ""), |job| job.address.clone()), complaints))
        })
    });
    let ours: Vec<Id> = state.records.values().chain(state.deposed.values()).map(|record| record.id.clone()).collect();
    let ours = &ours;
    let deletes = planned.plan.changes.iter().filter(|change| matches!(change.action, Action::Delete | Action::Replace { .. })).filter_map(
        |change| {
            let kind: &'static dyn AnyKind = kind(&change.address.kind)?;
            let id = change.id.clone()?;
            let seen = match observed.seen.get(&change.address)? {
                Seen::Present { body, .. } => body,
                Seen::Gone => return None,
            };
            Some(async move {
                let doing = format!("check whether {} can be deleted", change.address);
                let complaints = kind.before_delete(api, &id, seen, ours).await.map_err(|error| Stop::from(of_api(&error, &doing)))?;
                Ok::<_, Stop>((change.address.clone(), complaints))
            })
        },
    );
    let picture = Picture { terms: &planned.terms, known: &planned.known, jobs: &planned.jobs, resolve: ground.resolve };
    let pointers = picture.check(api, &planned.plan.changes);
    let (preflights, deletes, mut errors) = try_join3(try_join_all(preflights), try_join_all(deletes), pointers).await?;
    for (address, complaints) in preflights.into_iter().chain(deletes) {
        for complaint in complaints {
            let diagnostic = of_complaint(ground.resolve, &address, complaint);
            if diagnostic.is_error() { errors.push(diagnostic) } else { planned.plan.notes.push(diagnostic) }
        }
    }
    if !ground.recover {
        // Beside a run that is at work this plan is only looked at, and what that run has just made counts as somebody else's.
        planned.plan.notes.extend(errors.drain(..).map(Diagnostic::into_warning));
    }
    if errors.is_empty() { Ok(()) } else { Err(Stop::failed(errors)) }
}

/// What an execution needs beside the survey.
pub struct Execution<'a> {
    /// The survey.
    pub surveyed: &'a Surveyed,
    /// The configuration.
    pub resolve: &'a dyn Resolve,
    /// What was on disk.
    pub loaded: &'a Loaded,
    /// The store, locked.
    pub store: &'a mut Locked,
    /// The API.
    pub api: Client,
    /// The time.
    pub clock: Clock,
    /// How to go about it.
    pub manner: Manner,
    /// Turns true at the first Ctrl-C.
    pub stop: watch::Receiver<bool>,
    /// Is told what happens.
    pub tell: &'a mut dyn FnMut(Event),
}

/// Does what the plan says.
///
/// # Errors
/// If the state cannot be written before the first call; what happens later is in the outcome.
pub async fn execute(execution: Execution<'_>) -> Result<Left, Stop> {
    let Execution { surveyed, resolve, loaded, store, api, clock, manner, stop, tell } = execution;
    let Surveyed { planned, observed, .. } = surveyed;
    let mut state = up_to_date(&surveyed.state, observed);
    if !planned.plan.refresh_only {
        still_to_do(&mut state, &surveyed.state, resolve);
    }
    import::complete(&mut state, planned, observed, &surveyed.upkeep);
    state.owner.get_or_insert_with(|| planned.plan.base.owner.clone());
    let unwritten = |error: &crate::state::store::StoreError| {
        let diagnostics = error.diagnostics();
        if error.class() == crate::state::store::ExitClass::Decision { Stop::decision(diagnostics) } else { Stop::failed(diagnostics) }
    };
    // Where nothing is left to do, the commit at the end is the only one: until then the journal tells of the mark.
    let moved =
        loaded.journal.is_some() || !surveyed.upkeep.taken.is_empty() || loaded.state.as_ref().is_some_and(|before| *before != state);
    if moved && !planned.plan.steps.is_empty() {
        state.serial = store.commit(&state).map_err(|error| unwritten(&error))?;
    }
    let (mark, mut claims) = (mark(&planned.plan.base.stack, &state.lineage), surveyed.claims.clone());
    if !planned.plan.steps.is_empty() {
        let marked = state.records.iter().chain(state.deposed.iter().map(|((address, _), record)| (address, record)));
        let marked = marked.filter(|(_, record)| record.mark.is_some()).map(|(_, record)| record.id.clone());
        let marked = marked.chain(observed.strays.iter().map(|stray| stray.id.clone())).collect();
        let addresses = addresses_before(&api, planned, surveyed.no_project || state.project.is_some()).await?;
        claims.extend(addresses.iter().map(|ip| (account::UNNAMED.to_owned(), account::address_id(ip))));
        let opening = Opening { owner: planned.plan.base.owner.clone(), marked, addresses };
        store.begin(&state, opening).map_err(|error| unwritten(&error))?;
        if made(planned).any(|(kind, job)| kind.lodges(&job.body)) {
            // The project's intent; as its name is unique, one whose answer is lost is found by that.
            store.append(Entry::Lodging { project: None }).map_err(|error| unwritten(&error))?;
            let ensured = project::ensure(&api, &mark, state.project.as_ref(), surveyed.no_project).await;
            state.project = ensured.map_err(|error| Stop::from(of_api(&error, "make the stack's project")))?;
            store.append(Entry::Lodging { project: state.project.clone() }).map_err(|error| unwritten(&error))?;
        }
    } else if loaded.state.is_none() && planned.plan.is_empty() {
        return Ok(Left { outcome: super::change::Outcome::default(), state, settled: true });
    }
    let had_mark = may_carry_the_mark(loaded, resolve, planned.plan.destroy);
    let run = Run { planned, resolve, state, store, api: api.clone(), mark: mark.clone(), clock, claims, manner, stop, tell };
    let mut left = apply::run(run).await;
    left.outcome.counts.import = planned.plan.counts().import;
    if !left.settled {
        return Ok(left);
    }
    let mut records = left.state.records.values().chain(left.state.deposed.values());
    let strays = |can: fn(&dyn AnyKind) -> bool| observed.strays.iter().any(|stray| kind(stray.kind).is_some_and(can));
    let is_carried = records.any(|record| record.mark.is_some()) || strays(|kind| kind.markable());
    // The tag goes with the last object that carries it, so that a stack of which none does need not ask for it. A run that
    // was interrupted after its last delete has left it behind, and no record tells.
    let marks = planned.plan.steps.iter().any(|step| kind(&step.address.kind).is_some_and(AnyKind::markable));
    if !is_carried && (had_mark || marks || loaded.journal.is_some()) {
        match account::delete_mark(&api, &mark).await {
            // Who may not touch tags has never made one; and one that nothing carries is worth no error while others stay.
            Err(ApiError::Refused { .. }) if !had_mark || !left.state.records.is_empty() => {}
            Err(error) => {
                // The state or the journal tells the next run that the tag is still there.
                left.outcome.errors.push(of_api(&error, &format!("delete the tag {mark}")));
                return Ok(left);
            }
            Ok(()) => {}
        }
    }
    let mut left_of = left.state.records.keys().chain(left.state.deposed.keys().map(|(address, _)| address));
    let is_lodged = left_of.any(|address| kind(&address.kind).is_some_and(AnyKind::lodged)) || strays(|kind| kind.lodged());
    if !is_lodged && let Err(error) = leave_project(&api, &mut left).await {
        left.outcome.errors.push(of_api(&error, "delete the stack's project"));
        return Ok(left);
    }
    match store.commit(&left.state) {
        Ok(serial) => left.state.serial = serial,
        Err(error) => left.outcome.errors.extend(error.diagnostics()),
    }
    Ok(left)
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
    let fresh = |address: &Address, record: &crate::state::Record, seen: Option<&Seen>| match seen {
        Some(Seen::Present { body, digests }) => Some(record::refreshed(rows(address), record, body, digests)),
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
