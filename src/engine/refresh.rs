//! What is really there: the remembered objects, read in bulk.
//!
//! Invariant: a read that fails stops the plan, it never counts as "gone"; and one list that lacks an object is no proof of
//! absence: the object is looked for by its own address before it is believed gone, and what costs money once more, in both
//! ways, after a pause. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::claims::claims;
use super::diff::normal;
use super::error::{EngineError, from_api};
use super::held;
use super::known::revealed;
use super::observed::{Label, Observed, Seen, Stray};
use super::parts;
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::wait::Waiting;
use dofloat_base::address::Address;
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::identity::{Id, Ours};
use dofloat_base::planted::{Bug, planted};
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Terms};
use dofloat_kinds::account::family;
use dofloat_kinds::attr::Reads;
use dofloat_kinds::erased::{AnyKind, Found};
use dofloat_kinds::kind;
use dofloat_state::{Health, Record, State};

/// How many objects are looked for at once.
const CONCURRENT_READS: usize = 8;

/// How long after a list and a look that agree what costs money is looked for again: servers that serve old data do it for
/// seconds, and a second droplet is paid for by the second.
const DOUBT: Duration = Duration::from_secs(3);

/// Reads all remembered objects. `api` may be a snapshot, so that kinds share answers; `fresh` asks anew, for second looks.
/// `wanted` are the kinds that the configuration names: those that can carry the mark are searched for strays.
///
/// # Errors
/// The first read that fails.
pub async fn refresh(
    api: &Client,
    fresh: &Client,
    state: &State,
    ours: Ours<'_>,
    wanted: &BTreeSet<String>,
) -> Result<Observed, EngineError> {
    let mut by_kind: BTreeMap<&str, Vec<(&Address, &Record)>> = BTreeMap::new();
    for name in wanted {
        by_kind.entry(name).or_default();
    }
    let records = state.records.iter().chain(state.deposed.iter().map(|((address, _), record)| (address, record)));
    for (address, record) in records {
        by_kind.entry(&address.kind).or_default().push((address, record));
    }
    let reads = by_kind.iter().filter_map(|(name, records)| {
        let kind = kind(name)?;
        let searched = kind.markable() || kind.marked_by_project() && ours.project.is_some();
        (!records.is_empty() || searched).then(|| read_kind(api, fresh, kind, records, ours))
    });
    let mut observed = Observed::default();
    let mut found: BTreeMap<(&str, Id), Found> = BTreeMap::new();
    for (kind, objects) in try_join_all(reads).await? {
        for object in objects {
            found.insert((kind.name(), object.id.clone()), object);
        }
    }
    let shared = shared(state);
    for (address, record) in &state.records {
        let body = take(&mut observed, &mut found, &shared, address, &record.id);
        if record.health.is_unfinished()
            && let (Some(kind), Some(body)) = (kind(&address.kind), &body)
            && kind.creation_failed(fresh, &record.id, body).await.map_err(|error| unread(kind, &error))?
        {
            observed.failed_creations.insert(address.clone());
        }
        if let (Some(kind), Some(body)) = (kind(&address.kind), &body)
            && held::is_lost(kind.attrs(), body)
            && kind.is_busy(fresh, &record.id).await.map_err(|error| unread(kind, &error))?
        {
            observed.busy.insert(address.clone());
        }
        let is_marked = observed.labels.get(&(address.clone(), record.id.clone())).is_some_and(|label| !label.marks.is_empty());
        if body.is_some() && record.mark.is_some() && record.health == Health::Ready && !is_marked {
            observed.unmarked.insert(address.clone());
        }
        observed.seen.insert(address.clone(), seen(&address.kind, record, body, &state.salt));
    }
    for ((address, id), record) in &state.deposed {
        let body = take(&mut observed, &mut found, &shared, address, id);
        observed.deposed.insert((address.clone(), id.clone()), seen(&address.kind, record, body, &state.salt));
    }
    observed.strays = strays(found, state);
    Ok(observed)
}

/// What was found and is nobody's.
fn strays(found: BTreeMap<(&str, Id), Found>, state: &State) -> Vec<Stray> {
    // Two spellings of one kind show the same objects.
    let (mut known, mut strays) = (claims(state, None), Vec::new());
    for ((name, id), Found { mut body, .. }) in found {
        if let Some(kind) = kind(name)
            && known.insert((family(name), id.clone()))
        {
            body.retain(|name, _| !kind.attrs().iter().any(|row| row.name == name && row.holds_secret()));
            let name = body.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
            strays.push(Stray { kind: kind.name(), id, name, body });
        }
    }
    strays
}

/// Identities that stand at several addresses: a tag that several blocks have, or a project into which several put something.
fn shared(state: &State) -> BTreeSet<(&str, &Id)> {
    let records = state.records.iter().map(|(address, record)| (address.kind.as_str(), &record.id));
    let deposed = state.deposed.keys().map(|(address, id)| (address.kind.as_str(), id));
    let mut seen = BTreeSet::new();
    records.chain(deposed).filter(|one| !seen.insert(*one)).collect()
}

/// The result of reading a recorded object: its attributes; its label is kept. What stands at several addresses is seen at each.
fn take<'a>(
    observed: &mut Observed,
    found: &mut BTreeMap<(&'a str, Id), Found>,
    shared: &BTreeSet<(&str, &Id)>,
    address: &'a Address,
    id: &Id,
) -> Option<Body> {
    let key = (address.kind.as_str(), id.clone());
    let is_shared = shared.contains(&(address.kind.as_str(), id));
    let Found { body, marks, project, .. } = if is_shared { found.get(&key)?.clone() } else { found.remove(&key)? };
    if !marks.is_empty() || project.is_some() {
        observed.labels.insert((address.clone(), id.clone()), Label { marks, project });
    }
    Some(body)
}

async fn read_kind(
    api: &Client,
    fresh: &Client,
    kind: &'static dyn AnyKind,
    records: &[(&Address, &Record)],
    ours: Ours<'_>,
) -> Result<(&'static dyn AnyKind, Vec<Found>), EngineError> {
    let ids: Vec<Id> = records.iter().map(|(_, record)| record.id.clone()).collect();
    let stop = |error| unread(kind, &error);
    let mut found = kind.list(api, &ids, ours).await.map_err(stop)?;
    let there: BTreeSet<Id> = found.iter().map(|object| object.id.clone()).collect();
    let missing: Vec<Id> = ids.into_iter().filter(|id| !there.contains(id)).collect();
    if planted(Bug::BelievesLists) {
        return Ok((kind, found));
    }
    let (looked, missing) = read_each(fresh, kind, missing).await.map_err(stop)?;
    found.extend(looked);
    if !missing.is_empty() && kind.billed() && !planted(Bug::BelievesTwoLooks) {
        found.extend(read_again(fresh, kind, missing, ours).await.map_err(stop)?);
    }
    Ok((kind, found))
}

/// Looks for each by its own address: those that are there, and the others.
async fn read_each(api: &Client, kind: &dyn AnyKind, ids: Vec<Id>) -> Result<(Vec<Found>, Vec<Id>), ApiError> {
    let look = |id: Id| async move {
        let found = kind.read(api, &id).await?;
        Ok::<_, ApiError>(found.ok_or(id))
    };
    let looked: Vec<Result<Found, Id>> = stream::iter(ids).map(look).buffered(CONCURRENT_READS).try_collect().await?;
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for one in looked {
        match one {
            Ok(found) => there.push(found),
            Err(id) => missing.push(id),
        }
    }
    Ok((there, missing))
}

/// Looks for what a list and a look have missed, after a pause.
async fn read_again(api: &Client, kind: &dyn AnyKind, missing: Vec<Id>, ours: Ours<'_>) -> Result<Vec<Found>, ApiError> {
    let what =
        format!("{} {} to be seen, or surely gone", kind.name(), missing.iter().map(|id| id.0.as_str()).collect::<Vec<_>>().join(", "));
    api.tell(&Waiting { what, elapsed: Duration::ZERO, limit: Some(DOUBT), pause: DOUBT, ..Waiting::default() });
    api.clock().sleep(DOUBT).await;
    let (mut found, missing) = read_each(api, kind, missing).await?;
    if !missing.is_empty() {
        let listed = kind.list(api, &missing, ours).await?;
        found.extend(listed.into_iter().filter(|object| missing.contains(&object.id)));
    }
    Ok(found)
}

/// The error of a read of a kind's objects.
pub(super) fn unread(kind: &dyn AnyKind, error: &ApiError) -> EngineError {
    EngineError::from(from_api(error, &format!("read the objects of kind {}", kind.name())))
}

/// Whether an object is there: asked by its own address, and where that says no, by the list.
///
/// # Errors
/// A read that fails.
pub(super) async fn is_there(api: &Client, kind: &dyn AnyKind, id: &Id, ours: Ours<'_>) -> Result<bool, ApiError> {
    if kind.read(api, id).await?.is_some() {
        return Ok(true);
    }
    let found = kind.list(api, std::slice::from_ref(id), ours).await?;
    Ok(found.iter().any(|object| object.id == *id))
}

fn seen(kind_name: &str, record: &Record, body: Option<Body>, salt: &Salt) -> Seen {
    match body {
        None => Seen::Gone,
        Some(body) => present(kind_name, record, body, salt),
    }
}

/// What an object that was read looks like beside its record: what the API never gives back comes from the record, and what
/// is remembered by digest is turned into one.
#[must_use]
pub fn present(kind_name: &str, record: &Record, mut body: Body, salt: &Salt) -> Seen {
    let (mut digests, mut secrets) = (BTreeMap::new(), Terms::new());
    let whole = body.clone();
    for row in kind(kind_name).map_or(&[][..], AnyKind::attrs) {
        let remembered = record.digests.get(row.name);
        digests.extend(parts::remembered(row, &record.digests));
        if matches!(row.reads, Reads::WriteOnly | Reads::Once) {
            match (record.body.get(row.name), remembered) {
                (_, Some(digest)) => {
                    body.remove(row.name);
                    digests.insert(row.name.to_owned(), digest.clone());
                }
                (Some(value), None) => {
                    body.insert(row.name.to_owned(), value.clone());
                }
                (None, None) => {}
            }
        } else if (remembered.is_some() || row.holds_secret())
            && let Some(value) = body.remove(row.name)
        {
            if row.reads == Reads::Readable {
                digests.insert(row.name.to_owned(), Digest::of(&Secret::new(normal(row, &value, &whole)), salt));
            }
            if row.holds_secret() {
                secrets.insert(row.name.to_owned(), revealed(row, value));
            }
        }
    }
    Seen::Present { body, digests, secrets }
}

/// Reads again what no memory and no file may hold: the secrets of objects that are believed to be as they were.
///
/// # Errors
/// The first read that fails.
pub(super) async fn reveal(api: &Client, state: &State, observed: &mut Observed) -> Result<(), EngineError> {
    for (address, seen) in &mut observed.seen {
        let (Some(kind), Some(record), Seen::Present { secrets, .. }) = (kind(&address.kind), state.records.get(address), seen) else {
            continue;
        };
        if !secrets.is_empty() || !kind.attrs().iter().any(dofloat_kinds::attr::Attr::holds_secret) {
            continue;
        }
        let found = kind.read(api, &record.id).await.map_err(|error| unread(kind, &error))?;
        if let Some(Seen::Present { secrets: found, .. }) = found.map(|found| present(kind.name(), record, found.body, &state.salt)) {
            *secrets = found;
        }
    }
    Ok(())
}
