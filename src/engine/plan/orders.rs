//! From what becomes of each instance to what is to be done with it, yet without order.
//!
//! Invariant: pure; every action of a change is work here, and nothing else is.

use std::collections::BTreeMap;

use super::walk::Walk;
use crate::change::{Action, Order};
use crate::order::Work;
use dofloat_base::address::Address;
use dofloat_state::Record;

impl Walk<'_> {
    pub(super) fn work(&self) -> BTreeMap<Address, Work> {
        let mut work: BTreeMap<Address, Work> = BTreeMap::new();
        for change in self.changes.values() {
            let mut entry = Work::default();
            match &change.action {
                Action::Keep => {}
                Action::Create => entry.create = true,
                Action::Edit { edits, disruptive } => {
                    entry.edits = Some(edits.clone());
                    entry.disruptive = *disruptive;
                    entry.rises = change.brings_back();
                }
                Action::Replace { order, .. } => {
                    entry.create = true;
                    entry.delete = change.id.clone();
                    entry.order = Some(*order);
                }
                Action::Delete => entry.delete = change.id.clone(),
                Action::Adopt { found } => entry.settle = Some(found.clone()),
                Action::Forget => entry.forget = change.id.clone(),
                Action::Read => entry.read = true,
            }
            let unfinished = self.input.state.records.get(&change.address).filter(|record| record.health.is_unfinished());
            // What it was built upon goes first: it would be waited for in vain, and the edit brings it about anew.
            let waits = |record: &&Record| !record.after.iter().any(|before| self.is_deleted_first(before));
            if let (Some(record), Some(_)) = (unfinished.filter(waits), &entry.edits) {
                entry.settle = Some(record.id.clone());
            }
            if entry != Work::default() {
                work.insert(change.address.clone(), entry);
            }
        }
        for (address, id) in self.input.state.deposed.keys() {
            if self.is_chosen(address) {
                work.entry(address.clone()).or_default().deposed.insert(id.clone());
            }
        }
        work
    }

    /// Whether an object is deleted before another one takes its place, if any does.
    fn is_deleted_first(&self, address: &Address) -> bool {
        let action = self.changes.get(address).map(|change| &change.action);
        matches!(action, Some(Action::Delete | Action::Replace { order: Order::DeleteFirst, .. }))
    }
}
