//! What we can manage: one file each, and the table of all.
//!
//! Invariant: a kind says what an object is and how the API changes it; it never decides whether to.
//! It must not know plan, state or configuration.

pub mod account;
pub mod attr;
pub mod erased;

use erased::AnyKind;

/// Every resource type.
pub static KINDS: &[&dyn AnyKind] = &[];

/// The kind of that name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static dyn AnyKind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}
