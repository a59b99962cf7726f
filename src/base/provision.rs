//! Provisioners: what a resource's block wants run when it was made, or before it is destroyed.
//!
//! Invariant: plain values; what they mean, and whether they are run, is the engine's.

use std::collections::BTreeMap;

use super::diag::Span;
use super::value::Term;

/// When a provisioner is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Once the object was made.
    Create,
    /// Before the object is destroyed.
    Destroy,
}

/// How many provisioners a resource's block has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provisions {
    /// Those that are run once it was made.
    pub create: usize,
    /// Those that are run before it is destroyed.
    pub destroy: usize,
}

impl Provisions {
    /// How many are run at that time.
    #[must_use]
    pub fn at(self, when: When) -> usize {
        match when {
            When::Create => self.create,
            When::Destroy => self.destroy,
        }
    }
}

/// A provisioner of one instance, with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioner {
    /// `remote-exec`, `file`, `local-exec`.
    pub kind: String,
    /// Its arguments; those that are null are absent.
    pub settings: BTreeMap<String, Term>,
    /// How the server is reached: the resource's `connection`, and the provisioner's own over it.
    pub connection: BTreeMap<String, Term>,
    /// `on_failure = continue`: a failure is told, and nothing follows from it.
    pub goes_on: bool,
    /// The header of its block.
    pub span: Span,
}
