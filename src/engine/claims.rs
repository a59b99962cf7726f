//! Objects that somebody's records or intents speak of: none of them is taken for what a lost answer was about, nor for a stray.
//!
//! Invariant: pure; two spellings of one kind claim the same objects.

use std::collections::BTreeSet;

use dofloat_base::identity::Id;
use dofloat_kinds::KINDS;
use dofloat_kinds::account::{UNNAMED, address_id, family};
use dofloat_state::State;
use dofloat_state::journal::Replayed;
use dofloat_state::store::Loaded;

/// Whose objects are not to be taken.
pub type Claims = BTreeSet<(String, Id)>;

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
        for kind in KINDS {
            let before = journal.header.marked.iter().filter(|_| kind.markable() || kind.marked_by_project()).cloned();
            claims.extend(before.map(|id| (family(kind.name()), id)));
        }
        claims.extend(journal.header.addresses.iter().map(|ip| (UNNAMED.to_owned(), address_id(ip))));
    }
    claims
}

/// The objects that the other stacks of the repository know.
#[must_use]
pub fn of_others(loaded: &Loaded) -> Claims {
    loaded.others.iter().map(|(kind, id)| (family(kind), id.clone())).collect()
}
