//! What a plan says of an instance to those that come after it, and what of that it shows.
//!
//! Invariant: pure; what is kept is known, what is made anew or only comes out of an edit is unknown. Of what an interrupted run
//! left half made nothing counts as known that was never seen of something usable.

use super::change::{Action, AttrChange, Change};
use super::diff::{self, There};
use super::known::{completed, effective, foreseen, known_of, spelt, unknown, unset};
use super::observed::Present;
use dofloat_base::address::Address;
use dofloat_base::desired::Wanted;
use dofloat_base::digest::Salt;
use dofloat_base::planted::{Bug, planted};
use dofloat_base::value::{Term, Terms};
use dofloat_kinds::attr::{AWAIT_READY, Attr, POWER_ON, Presence};
use dofloat_kinds::erased::AnyKind;

/// One wanted instance.
#[derive(Clone, Copy)]
pub(super) struct Instance<'a> {
    /// Its address.
    pub(super) address: &'a Address,
    /// Its desired settings besides its attributes.
    pub(super) wanted: &'a Wanted,
    /// Its kind.
    pub(super) kind: &'a dyn AnyKind,
    /// Its attributes, as far as they are known.
    pub(super) terms: &'a Terms,
}

/// The attributes of one instance as its dependents see them.
pub(super) fn publish(of: Instance<'_>, change: &Change, present: Option<&Present<'_>>, salt: &Salt) -> Term {
    let Instance { address, wanted, kind, terms } = of;
    let rows = kind.attrs();
    let Some(present) = present.filter(|_| !matches!(change.action, Action::Create | Action::Replace { .. })) else {
        return Term::map(foreseen(rows, terms, address));
    };
    let effective = effective(rows, terms, wanted, Some(present.body));
    let mut known = known_of(rows, &effective, There { body: present.body, digests: present.digests }, present.secrets, salt)
        .entries()
        .unwrap_or_default();
    let mut put = |row: &Attr, term: Option<Term>| match term {
        Some(term) => known.insert(row.name.to_owned(), term),
        None => known.remove(row.name),
    };
    let (open, derived) = (diff::open(&effective), kind.derived(&Term::map(effective.clone())));
    let new = |row: &Attr| {
        let term = effective.get(row.name)?;
        let term = spelt(row, term, &open).unwrap_or_else(|| unknown(address, row, term.has_secret()));
        Some(completed(row, term, present.body.get(row.name), address))
    };
    let (done, rises) = (done_to(kind, change, present), is_rising(kind, present));
    for row in rows {
        let follows = row.follows.iter().any(|edit| done.contains(edit));
        let comes = rises && row.name != "id" && row.presence != Presence::Optional && !effective.contains_key(row.name);
        if change.attrs.iter().any(|attr| attr.name == row.name) {
            put(row, row.held.map(|held| Term::Value(held.state.into())).or_else(|| new(row)).or_else(|| unset(row)));
        } else if let (Some(term), true) = (derived.get(row.name), change.action != Action::Keep) {
            put(row, Some(term.clone()).filter(|term| !term.is_null()));
        } else if follows || comes {
            put(row, Some(unknown(address, row, false)));
        } else if rises && row.follows.contains(&AWAIT_READY) {
            put(row, new(row));
        }
    }
    Term::map(known)
}

/// Whether an interrupted run made it and it is still coming up: what was read of it is not all that there will be.
pub(super) fn is_rising(kind: &dyn AnyKind, present: &Present<'_>) -> bool {
    present.record.health.is_unfinished() && !kind.is_up(present.body) && !planted(Bug::KnowsEmptyAddresses)
}

/// The changes of an object that is kept: edits, and power that an interrupted run left off.
fn done_to<'a>(kind: &dyn AnyKind, change: &'a Change, present: &Present<'_>) -> Vec<&'a str> {
    let mut done: Vec<&str> = match &change.action {
        Action::Edit { edits, .. } => edits.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    if present.record.health.is_unfinished() && kind.powered(present.body) == Some(false) {
        done.push(POWER_ON);
    }
    done
}

/// Adds what else comes out otherwise by an edit, as far as that is known: computed from what is edited, or unknown until then.
pub(super) fn followed(rows: &[Attr], known: &Term, present: &Present<'_>, attrs: &mut Vec<AttrChange>) {
    let there = There { body: present.body, digests: present.digests };
    // What holds secrets is told only where it will be another one.
    let told = |row: &&Attr| !row.settable() && (!row.holds_secret() || known.get(row.name).has_unknown());
    for row in rows.iter().filter(told) {
        let change = AttrChange {
            name: row.name.to_owned(),
            before: diff::shown_there(row, there),
            after: diff::shown_term(row, &known.get(row.name)),
            replaces: false,
            disrupts: false,
        };
        if change.before != change.after && !attrs.iter().any(|attr| attr.name == row.name) {
            attrs.push(change);
        }
    }
    attrs.sort_by_key(|attr| rows.iter().position(|row| row.name == attr.name));
}
