//! What an interrupted run has made: looked for by identity, by mark and by name, never guessed.
//!
//! Invariant: reads only, and in memory; apply makes what was found durable before anything else. Objects that were there
//! before the run, or that another record or intent claims, are never taken. Doubt stops with the choices.

use std::collections::BTreeSet;
use std::time::Duration;

use super::refresh::is_there;
use super::trouble::{Stop, of_api};
use crate::api::client::Client;
use crate::api::error::ApiError;
use crate::api::wait::{Cause, Waiting};
use crate::base::address::Address;
use crate::base::clock::{Clock, Tick};
use crate::base::diag::Diagnostic;
use crate::base::identity::{Id, Mark};
use crate::base::value::Body;
use crate::kinds::account::{UNNAMED, address_id, family};
use crate::kinds::erased::{AnyKind, Found};
use crate::kinds::kind;
use crate::state::journal::{Begin, Op, Power, Replayed};
use crate::state::{Health, Record, State};

/// When the object of a lost answer is looked for, counted from the start of the search by this process's own clock: that of
/// the machine which began may be an hour off. New droplets are missing from lists for seconds, and tags come later still; what
/// has neither is not known to lag, but one look is no proof.
const LOOKS_MARKED: [Duration; 3] = [Duration::ZERO, Duration::from_secs(20), Duration::from_secs(60)];
const LOOKS_PLAIN: [Duration; 3] = [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(15)];

/// Whose objects are not to be taken.
pub type Claims = BTreeSet<(String, Id)>;

/// What was found of a lost answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// This object.
    One(Found),
    /// It never happened.
    Nothing,
    /// More objects than lost answers: a person must decide.
    Many(Vec<Found>),
}

/// What was lost: the intent of a create.
#[derive(Clone, Copy, Debug)]
pub struct Lost<'a> {
    /// Of which resource.
    pub address: &'a Address,
    /// What was wanted, as far as it is open.
    pub body: &'a Body,
    /// The stack's mark.
    pub mark: &'a Mark,
    /// When it was begun, or the search for what an interrupted run has made.
    pub since: Tick,
    /// How many lost creates of the same kind want the same: their objects are interchangeable.
    pub alike: usize,
}

/// Looks for the object of a lost answer.
///
/// # Errors
/// A read that fails.
pub async fn locate(kind: &dyn AnyKind, api: &Client, lost: Lost<'_>, claims: &Claims, clock: &Clock) -> Result<Located, ApiError> {
    let looks: &[Duration] = if kind.markable() { &LOOKS_MARKED } else { &LOOKS_PLAIN };
    let mut doubtful = Vec::new();
    for look in looks {
        until(lost.since, *look, api, lost.address, clock).await;
        let mut found = kind.find(api, lost.body, lost.mark).await?;
        found.retain(|object| !claims.contains(&(family(kind.name()), object.id.clone())));
        found.sort_by(|a, b| a.id.cmp(&b.id));
        let (mut certain, rest): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|object| object.certain);
        if certain.len() > lost.alike {
            return Ok(Located::Many(certain));
        }
        if !certain.is_empty() {
            return Ok(Located::One(certain.swap_remove(0)));
        }
        doubtful = rest;
    }
    Ok(if doubtful.is_empty() { Located::Nothing } else { Located::Many(doubtful) })
}

/// Sleeps until a look is due.
async fn until(start: Tick, look: Duration, api: &Client, address: &Address, clock: &Clock) {
    let pause = start.plus(look).since(clock.tick());
    if !pause.is_zero() {
        let what = format!("{address} to show up, as it may have been made");
        let limit = LOOKS_MARKED.last().copied();
        api.tell(&Waiting { what, elapsed: clock.tick().since(start), limit, pause, cause: Cause::Settling });
        clock.sleep(pause).await;
    }
}

/// The objects that a state and an interrupted run speak of.
#[must_use]
pub fn claims(state: &State, journal: Option<&Replayed>) -> Claims {
    let records = state.records.iter().map(|(address, record)| (address, &record.id));
    let deposed = state.deposed.keys().map(|(address, id)| (address, id));
    let mut claims: Claims = records.chain(deposed).map(|(address, id)| (family(&address.kind), id.clone())).collect();
    if let Some(journal) = journal {
        for step in &journal.open {
            if let Some(id) = &step.id {
                claims.insert((family(&step.begin.address.kind), id.clone()));
            }
        }
        for kind in crate::kinds::KINDS {
            let before = journal.header.marked.iter().filter(|_| kind.markable()).cloned();
            claims.extend(before.map(|id| (family(kind.name()), id)));
        }
        claims.extend(journal.header.addresses.iter().map(|ip| (UNNAMED.to_owned(), address_id(ip))));
    }
    claims
}

/// A state after an interrupted run: what is done is in it, and what was found of open steps.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The state.
    pub state: State,
    /// What was found: instances that an interrupted run had begun to make.
    pub adopted: Vec<(Address, Id)>,
}

/// Brings a state and the journal of an interrupted run together.
///
/// # Errors
/// A read that fails, or a doubt that a person must decide.
pub async fn settle(state: &State, journal: &Replayed, api: &Client, clock: &Clock) -> Result<Settled, Stop> {
    let mut settled = Settled { state: journal.settle_into(state), adopted: Vec::new() };
    let mut claims = claims(&settled.state, Some(journal));
    let nobody = Mark(String::new());
    // One start for all, so that many lost answers take no longer than one.
    let since = clock.tick();
    for (place, step) in journal.open.iter().enumerate() {
        let Begin { address, op, .. } = &step.begin;
        let Some(kind) = kind(&address.kind) else { continue };
        let stop = |error: &ApiError| Stop::from(of_api(error, &format!("find out what became of {address}")).about(address));
        match (op, &step.id) {
            (Op::Create, Some(id)) => {
                if look(kind, api, id, address, since, clock).await.map_err(|error| stop(&error))? {
                    settled.adopt(address, step.begin.unfinished(id.clone()));
                }
            }
            (Op::Create, None) => {
                let alike =
                    journal.open.iter().skip(place).filter(|other| same_wish(&other.begin, &step.begin) && other.id.is_none()).count();
                let lost = Lost { address, body: &step.begin.body, mark: step.begin.mark.as_ref().unwrap_or(&nobody), since, alike };
                match locate(kind, api, lost, &claims, clock).await.map_err(|error| stop(&error))? {
                    Located::One(found) => {
                        claims.insert((family(&address.kind), found.id.clone()));
                        settled.adopt(address, step.begin.unfinished(found.id));
                    }
                    Located::Nothing => {}
                    Located::Many(found) => return Err(Stop::decision(vec![too_many(address, &found)])),
                }
            }
            (Op::Edit { .. }, _) => {
                if step.begin.power == Some(Power::On)
                    && let Some(record) = settled.state.records.get_mut(address)
                {
                    record.health = Health::Unfinished;
                }
            }
            (Op::Delete { id }, _) => {
                let mark = mark_of(&settled.state, address, id).unwrap_or(&nobody);
                if !is_there(api, kind, id, mark).await.map_err(|error| stop(&error))? {
                    settled.state.apply(address, op, &crate::state::journal::Outcome::Gone);
                }
            }
            (Op::Settle { .. } | Op::Forget { .. }, _) => {}
        }
    }
    Ok(settled)
}

/// The mark that an object carries, by its record.
fn mark_of<'a>(state: &'a State, address: &Address, id: &Id) -> Option<&'a Mark> {
    let present = state.records.get(address).filter(|record| record.id == *id);
    present.or_else(|| state.deposed.get(&(address.clone(), id.clone())))?.mark.as_ref()
}

fn same_wish(a: &Begin, b: &Begin) -> bool {
    a.op == Op::Create && family(&a.address.kind) == family(&b.address.kind) && a.body == b.body
}

/// Whether the object is there; a new one may not be visible yet.
async fn look(kind: &dyn AnyKind, api: &Client, id: &Id, address: &Address, since: Tick, clock: &Clock) -> Result<bool, ApiError> {
    for wait in LOOKS_MARKED {
        until(since, wait, api, address, clock).await;
        if kind.look(api, id).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The message where more objects were found than were lost.
#[must_use]
pub fn too_many(address: &Address, found: &[Found]) -> Diagnostic {
    let choices: Vec<String> = found.iter().map(|object| object.id.to_string()).collect();
    Diagnostic::error(format!(
        "The answer to the creation of {address} was lost, and more than one object may be it: {}.",
        choices.join(", ")
    ))
    .about(address)
    .hint("Somebody else made one of the same sort at the same time. Delete the ones that nobody needs, then run the same command again.")
}

impl Settled {
    fn adopt(&mut self, address: &Address, record: Record) {
        self.adopted.push((address.clone(), record.id.clone()));
        self.state.apply(address, &Op::Create, &crate::state::journal::Outcome::Record(Box::new(record)));
    }
}
