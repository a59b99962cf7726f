//! What the commands do about clusters: their expansion and its secrets, the certificates of a pair and its arbiter, and the
//! commands that only clusters have.
//!
//! Invariant: a stack without clusters comes here in vain, and pays nothing.

pub mod arbiter;
pub mod certificates;
pub mod drill;
pub mod expansion;
pub mod handover;
pub mod pairs;
pub mod shell;
pub mod status;
