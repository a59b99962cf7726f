//! The attribute tables of what is shown: of resource types, and of data sources by their `data.` names.
//!
//! Invariant: a lookup only.

use dofloat_kinds::attr::Attr;

/// The attribute tables of all kinds: what `Layout::rows` is outside of tests.
#[must_use]
pub fn rows_of(kind: &str) -> Option<&'static [Attr]> {
    match kind.strip_prefix("data.") {
        Some(source) => dofloat_kinds::data::source(source).map(|source| source.rows()),
        None => dofloat_kinds::kind(kind).map(|kind| kind.attrs()),
    }
}
