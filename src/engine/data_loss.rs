//! What a plan loses for good, and what it only seems to lose: an object that is deleted under the one name of its type and made
//! under the other.
//!
//! Invariant: pure; it tells and decides nothing.

use std::collections::BTreeMap;

use super::change::{Action, Change};
use dofloat_base::address::Address;
use dofloat_base::desired::Resolve;
use dofloat_base::diag::Diagnostic;
use dofloat_kinds::account::{family, is_renamed};
use dofloat_kinds::kind;

/// A note for each object that cannot be had again, or that a move would keep.
pub(super) fn notes(changes: &BTreeMap<Address, Change>, resolve: &dyn Resolve, destroy: bool) -> Vec<Diagnostic> {
    let goes = changes.values().filter(|change| matches!(change.action, Action::Delete | Action::Replace { .. }));
    goes.filter_map(|change| {
        let address = &change.address;
        let loss = kind(&address.kind)?.data_loss(change.before.as_ref()?);
        let likely_successor = if change.action == Action::Delete { likely_successor(address, changes) } else { None };
        let keeps = |to: &Address| format!("To keep it, write a `moved` block from {address} to {to}.");
        let (message, hint) = match (loss, likely_successor) {
            (Some(loss), Some(to)) => (loss, keeps(to)),
            (Some(loss), None) if destroy => (loss, format!("`dofloat state rm '{address}'` first keeps the object.")),
            (Some(loss), None) if change.action == Action::Delete => {
                (loss, "To keep it, keep its block, or write a `removed` block with `destroy = false` for it.".to_owned())
            }
            (Some(loss), None) => (loss, "To keep it, undo what forces the replacement.".to_owned()),
            (None, Some(to)) if is_renamed(&address.kind, &to.kind) => {
                (format!("{address} is deleted and {to} is created, which is the same under the other name of its type."), keeps(to))
            }
            (None, _) => return None,
        };
        Some(Diagnostic::warning(message).at(resolve.span(address, &[])).about(address).hint(hint))
    })
    .collect()
}

/// The new resource that may be meant to be the same object: of the same name, or the only one.
fn likely_successor<'a>(of: &Address, changes: &'a BTreeMap<Address, Change>) -> Option<&'a Address> {
    let new = |change: &&Change| change.action == Action::Create && family(&change.address.kind) == family(&of.kind);
    let new: Vec<&Address> = changes.values().filter(new).map(|change| &change.address).collect();
    let alike = |to: &&&Address| to.name == of.name && to.key == of.key && to.parent == of.parent;
    new.iter().find(alike).copied().or(match new.as_slice() {
        [one] => Some(*one),
        _ => None,
    })
}
