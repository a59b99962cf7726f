//! What is wrong after a run, of which sort, and why.
//!
//! Invariant: two failures of one sort have the same `what`, whatever is told of them, so that a script can be cut down to the
//! same failure.

/// Something that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    pub(crate) what: &'static str,
    pub(crate) why: String,
}

impl Wrong {
    pub(crate) fn new(what: &'static str, why: String) -> Self {
        Self { what, why }
    }
}
