//! States that nobody writes and that are held: what was on when it was last seen and is off now is switched on again.
//!
//! Invariant: pure. A record forgets that an object was in such a state only by the user's word: `-refresh-only`, an import, or a
//! configuration that leaves the state alone. So a run that was killed, failed or did something else first loses nothing. What
//! somebody is at work on is left alone.

use super::change::{Action, AttrChange, Change, Shown};
use super::diff::{Difference, ignores};
use super::observed::Present;
use dofloat_base::address::Address;
use dofloat_base::desired::{Desired, Hold, Lifecycle, Wanted};
use dofloat_base::value::{Body, Value};
use dofloat_kinds::attr::{Attr, EditName, Held};
use dofloat_kinds::erased::AnyKind;
use dofloat_kinds::kind;

/// The note about an object that has left a held state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deviation {
    /// It is brought back.
    Mended,
    /// Somebody is at work on it.
    Busy,
    /// The configuration leaves it alone.
    Ignored,
    /// It was so already when it was last seen.
    Known,
    /// It is brought back, but not by this run.
    Later,
}

impl Change {
    /// Whether it brings back a state that the object has left by other hands: what is off is switched on.
    #[must_use]
    pub fn brings_back(&self) -> bool {
        let Action::Edit { edits, .. } = &self.action else { return false };
        let table = kind(&self.address.kind).map_or(&[][..], AnyKind::attrs);
        edits.iter().any(|name| edit(table, name).is_some())
    }
}

/// The held states of a table.
fn rows(rows: &'static [Attr]) -> impl Iterator<Item = (&'static Attr, Held)> {
    rows.iter().filter_map(|row| Some((row, row.held?)))
}

fn is(body: &Body, row: &Attr, state: &str) -> bool {
    body.get(row.name).and_then(Value::as_str) == Some(state)
}

/// Whether an object has left a state that is held.
pub(super) fn is_lost(table: &'static [Attr], there: &Body) -> bool {
    rows(table).any(|(row, held)| is(there, row, held.lost))
}

/// The edit by that name, if it brings a held state back.
pub(super) fn edit(table: &'static [Attr], name: &str) -> Option<EditName> {
    rows(table).map(|(_, held)| held.edit).find(|edit| *edit == name)
}

fn is_brought_back(row: &Attr, held: Held, there: &Body, last: &Body, rules: &Lifecycle) -> bool {
    let was = rules.hold == Hold::Always || is(last, row, held.state);
    is(there, row, held.lost) && was && !ignores(&rules.ignore_changes, row.name)
}

/// Whether it is restored. `last` is the recorded value.
pub(super) fn differences(table: &'static [Attr], present: &Present<'_>, last: &Body, rules: &Lifecycle) -> Vec<Difference> {
    let shown = |state: &str| Shown::Value(state.into());
    rows(table)
        .filter(|(row, held)| is_brought_back(row, *held, present.body, last, rules))
        .map(|(row, held)| Difference {
            change: row.change,
            row,
            shown: AttrChange {
                name: row.name.to_owned(),
                before: shown(held.lost),
                after: shown(held.state),
                replaces: false,
                disrupts: false,
            },
        })
        .collect()
}

/// The treatment of an object that has left a held state; none if it has not.
pub(super) fn deviation(table: &'static [Attr], present: &Present<'_>, rules: &Lifecycle, mended: bool, busy: bool) -> Option<Deviation> {
    let (row, held) = rows(table).find(|(row, held)| is(present.body, row, held.lost))?;
    Some(match () {
        () if mended => Deviation::Mended,
        () if busy => Deviation::Busy,
        () if ignores(&rules.ignore_changes, row.name) => Deviation::Ignored,
        () if is_brought_back(row, held, present.body, &present.record.body, rules) => Deviation::Later,
        () => Deviation::Known,
    })
}

impl Deviation {
    /// The advice for the user.
    pub(super) fn hint(self, hold: Hold) -> &'static str {
        match (self, hold) {
            (Self::Mended, Hold::Remembered) => {
                "It was on when it was last read, so an apply powers it on. `ignore_changes = [status]` in its `lifecycle` block leaves it \
                 alone; `dofloat apply -refresh-only` takes it as it is now."
            }
            (Self::Mended, Hold::Always) => {
                "An apply powers it on. `power_state = \"any\"` in the block of its cluster leaves the nodes as they are."
            }
            (Self::Busy, _) => "DigitalOcean is working on it, so it is left alone for now. Plan again when that is done.",
            (Self::Ignored, _) => "The configuration leaves that alone.",
            (Self::Known, _) => "It was off when it was last read, so an apply leaves it off.",
            (Self::Later, _) => "An apply without `-target` powers it on.",
        }
    }
}

/// Keeps in what is about to be remembered of an instance what is still to be brought back, by this run or a later one: it may
/// have gone off while something else was done to it. `before` is what was remembered.
pub(super) fn keep(table: &'static [Attr], address: &Address, desired: &Desired, before: &Body, now: &mut Body) {
    let Some(Wanted { rules, .. }) = desired.resources.get(address) else { return };
    for (row, held) in rows(table) {
        if is(before, row, held.state) && is_brought_back(row, held, now, before, rules) {
            now.insert(row.name.to_owned(), held.state.into());
        }
    }
}
