//! Objects that are there already become records: looked at by identity, compared with what is wanted, and kept.
//!
//! Invariant: reads only. An object has one record at most. What cannot be read of an object comes from another tool's memory
//! where there is one, else it is taken to be as the configuration says, and that is told.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::error::{EngineError, from_api};
use super::foreign::{self, Labels};
use super::moves::{Moves, Taken};
use super::observed::{Label, Observed, Seen};
use super::parts;
use super::planned::{Planned, Surveyed};
use super::record::{self, Frame, recorded};
use super::refresh;
use super::request::{ImportTarget, Options};
use dofloat_api::client::Client;
use dofloat_base::address::Address;
use dofloat_base::desired::Desired;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Mark};
use dofloat_base::value::Body;
use dofloat_kinds::account::family;
use dofloat_kinds::attr::Reads;
use dofloat_kinds::erased::{AnyKind, Found};
use dofloat_kinds::kind;
use dofloat_state::store::{ExitClass, Locked};
use dofloat_state::{Health, Record, SavedOutput, State};

/// How many objects are looked at side by side.
const CONCURRENT_READS: usize = 8;

/// The `import` blocks whose address has no record yet.
#[must_use]
pub fn targets(desired: &Desired, state: &State) -> Vec<ImportTarget> {
    let new = desired.imports.iter().filter(|(to, _)| !state.records.contains_key(to));
    new.map(|(to, import)| ImportTarget { to: to.clone(), id: Id(import.id.clone()), told: None, span: Some(import.span.clone()) })
        .collect()
}

/// Looks at the objects and puts their records into the state. Gives what was seen. `mark` is the stack's.
///
/// # Errors
/// An object that is not there, that another record or another stack has, or a read that fails.
pub async fn take(
    api: &Client,
    state: &mut State,
    targets: &[ImportTarget],
    mark: &Mark,
    (desired, options): (&Desired, &Options),
    moves: &mut Moves,
) -> Result<BTreeMap<Address, Seen>, EngineError> {
    let found = read(api, targets).await?;
    let foreign = foreign::of_others(api, state, &labels(&found)).await?;
    let mut claimed: BTreeMap<(String, Id), Address> = BTreeMap::new();
    for (address, id) in
        state.records.iter().map(|(address, record)| (address, &record.id)).chain(state.deposed.keys().map(|(a, id)| (a, id)))
    {
        claimed.insert((family(&address.kind), id.clone()), address.clone());
    }
    let (mut seen, mut errors, mut doubts) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (target, kind, id, found) in found {
        let Some(Found { body, marks, .. }) = found else {
            match &target.told {
                Some(_) => drop(moves.missing.insert(target.to.clone(), target.id.clone())),
                None => errors.push(placed(nothing_there(target), target)),
            }
            continue;
        };
        if let Some(other) = claimed.insert((family(kind.name()), id.clone()), target.to.clone()) {
            errors.push(placed(taken_already(target, &other), target));
            continue;
        }
        let from = foreign.get(&(target.to.clone(), id.clone())).cloned().unwrap_or_default();
        if !from.is_empty() && !options.take_over {
            doubts.push(placed(foreign::not_taken(target, &id, &from), target));
            continue;
        }
        let mut provisional = provisional(target, desired, id.clone());
        let ours = marks.into_iter().find(|mark| mark.is_of(&state.lineage));
        provisional.mark = ours.or_else(|| (kind.markable() && !from.is_empty()).then(|| mark.clone()));
        let there = refresh::present(kind.name(), &provisional, body, &state.salt);
        let Seen::Present { body, digests, .. } = &there else { continue };
        state.records.insert(target.to.clone(), Record { body: steady(kind, body), digests: digests.clone(), ..provisional });
        moves.taken.insert(target.to.clone(), Taken { id, told: target.told.is_some(), from });
        seen.insert(target.to.clone(), there);
    }
    build_upon(state, &moves.taken, desired);
    match (errors.is_empty(), doubts.is_empty()) {
        (true, true) => Ok(seen),
        (true, false) => Err(EngineError::decision(doubts)),
        (false, _) => {
            errors.extend(doubts);
            Err(EngineError::failed(errors))
        }
    }
}

/// An object to take over: its kind, its identity, and what was found.
type Read<'a> = (&'a ImportTarget, &'static dyn AnyKind, Id, Option<Found>);

/// Looks at the objects, several at once.
async fn read<'a>(api: &Client, targets: &'a [ImportTarget]) -> Result<Vec<Read<'a>>, EngineError> {
    let reads = targets.iter().map(|target| async move {
        let kind = kind(&target.to.kind).ok_or_else(|| EngineError::from(not_ours(target)))?;
        let unread = |error| {
            EngineError::from(placed(from_api(&error, &format!("read the {} {} for {}", kind.name(), target.id, target.to)), target))
        };
        let found = kind.read(api, &target.id).await.map_err(unread)?;
        // Some objects have several names; records know each by one.
        let id = found.as_ref().and_then(|found| kind.identity(&found.body)).unwrap_or_else(|| target.id.clone());
        let found = if id == target.id { found } else { kind.read(api, &id).await.map_err(unread)? };
        Ok::<_, EngineError>((target, kind, id, found))
    });
    stream::iter(reads.collect::<Vec<_>>()).buffered(CONCURRENT_READS).try_collect().await
}

/// By what the objects to take over are known to be some stack's.
fn labels(found: &[Read<'_>]) -> Labels {
    let label = |found: &Found| Label { marks: found.marks.clone(), project: found.project.clone() };
    found.iter().filter_map(|(target, _, id, found)| Some(((target.to.clone(), id.clone()), label(found.as_ref()?)))).collect()
}

/// Records the configuration's dependencies upon an object.
fn build_upon(state: &mut State, taken: &BTreeMap<Address, Taken>, desired: &Desired) {
    for (address, record) in &mut state.records {
        if let Some(wanted) = desired.resources.get(address) {
            record.after.extend(wanted.after.iter().filter(|before| taken.contains_key(*before)).cloned());
        }
    }
}

/// The same from what a saved plan saw.
pub fn again(state: &mut State, seen: &BTreeMap<Address, Seen>, ids: &BTreeMap<Address, Id>, desired: &Desired, moves: &mut Moves) {
    for target in targets(desired, state) {
        let (Some(id), Some(kind), Some(Seen::Present { body, digests, .. })) =
            (ids.get(&target.to), kind(&target.to.kind), seen.get(&target.to))
        else {
            continue;
        };
        let provisional = provisional(&target, desired, id.clone());
        state.records.insert(target.to.clone(), Record { body: steady(kind, body), digests: digests.clone(), ..provisional });
        moves.taken.insert(target.to, Taken { id: id.clone(), told: false, from: Vec::new() });
    }
    build_upon(state, &moves.taken, desired);
}

fn provisional(target: &ImportTarget, desired: &Desired, id: Id) -> Record {
    let wanted = desired.resources.get(&target.to);
    let told = target.told.as_ref();
    Record {
        id,
        mark: None,
        body: told.map(|record| record.body.clone()).unwrap_or_default(),
        digests: told.map(|record| record.digests.clone()).unwrap_or_default(),
        arguments: Body::new(),
        after: wanted.map(recorded).or_else(|| Some(told?.after.clone())).unwrap_or_default(),
        health: Health::Ready,
        create_before_destroy: wanted
            .map_or(told.is_some_and(|record| record.create_before_destroy), |wanted| wanted.rules.create_before_destroy),
    }
}

/// The attributes that a record keeps of an object without configuration.
fn steady(kind: &dyn AnyKind, body: &Body) -> Body {
    let keeps = |name: &str| {
        kind.attrs().iter().any(|row| row.name == name && matches!(row.reads, Reads::Readable | Reads::WriteOnly | Reads::Once))
    };
    body.iter().filter(|(name, _)| keeps(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Brings the records of objects that were taken over into the form that apply gives them: secrets as digests, and with what
/// the configuration says of attributes that cannot be read.
pub fn complete(state: &mut State, planned: &Planned, observed: &Observed, moves: &Moves) {
    for (address, taken) in &moves.taken {
        let (Some(kind), Some(terms), Some(old), Some(Seen::Present { body, .. })) =
            (kind(&address.kind), planned.terms.get(address), state.records.get(address), observed.seen.get(address))
        else {
            continue;
        };
        let frame = Frame {
            id: old.id.clone(),
            mark: old.mark.clone(),
            arguments: old.arguments.clone(),
            after: old.after.clone(),
            create_before_destroy: old.create_before_destroy,
        };
        let mut new = record::ready(kind.attrs(), terms, body, frame, &state.salt);
        for row in kind.attrs().iter().filter(|row| taken.told && (row.reads == Reads::WriteOnly || old.digests.contains_key(row.name))) {
            new.body.remove(row.name);
            new.digests.remove(row.name);
            new.body.extend(old.body.get(row.name).map(|value| (row.name.to_owned(), value.clone())));
            new.digests.extend(old.digests.get(row.name).map(|digest| (row.name.to_owned(), digest.clone())));
        }
        // Nobody can tell whether what is sealed is what is written: it is sent once more.
        for row in kind.attrs() {
            new.digests.remove(&parts::name(row));
        }
        state.records.insert(address.clone(), new);
    }
}

/// Makes the records of what was taken over durable, and outputs that were not known before; nothing else is done.
///
/// # Errors
/// If the state cannot be written.
pub fn keep(surveyed: &Surveyed, outputs: &BTreeMap<String, SavedOutput>, store: &mut Locked) -> Result<State, EngineError> {
    let mut state = surveyed.state.clone();
    state.owner.get_or_insert_with(|| surveyed.planned.plan.base.owner.clone());
    complete(&mut state, &surveyed.planned, &surveyed.observed, &surveyed.moves);
    for (name, output) in outputs {
        state.outputs.entry(name.clone()).or_insert_with(|| output.clone());
    }
    state.serial = store.commit(&state).map_err(|error| {
        let diagnostics = error.diagnostics();
        if error.class() == ExitClass::Decision { EngineError::decision(diagnostics) } else { EngineError::failed(diagnostics) }
    })?;
    Ok(state)
}

fn placed(diagnostic: Diagnostic, target: &ImportTarget) -> Diagnostic {
    let diagnostic = diagnostic.about(&target.to);
    match &target.span {
        Some(span) => diagnostic.at(span.clone()),
        None => diagnostic,
    }
}

fn not_ours(target: &ImportTarget) -> Diagnostic {
    placed(Diagnostic::error(format!("There is no resource type `{}`.", target.to.kind)), target)
}

fn nothing_there(target: &ImportTarget) -> Diagnostic {
    Diagnostic::error(format!("There is no {} with the id {}.", target.to.kind, target.id)).hint(
        "Use the import ID of the official provider: a number for a droplet, a uuid for a VPC or a firewall, the address \
         of a reserved IP, a name for a domain or a tag, `DOMAIN,ID` for a record. Nothing was changed.",
    )
}

fn taken_already(target: &ImportTarget, other: &Address) -> Diagnostic {
    Diagnostic::error(format!("The {} {} cannot become {}: it is already {other}.", target.to.kind, target.id, target.to)).hint(format!(
        "To give it the other name, move it with a `moved` block or `dofloat state mv '{other}' '{}'`. Nothing was changed.",
        target.to
    ))
}
