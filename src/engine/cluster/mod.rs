//! What the engine knows of clusters: the health of a pair's servers, and what a plan says of a pair that is in trouble.
//!
//! Invariant: a pair is known by which nodes it has and how they are watched; it must not know how they were configured.

pub(super) mod alarms;
pub mod drill;
pub mod health;
pub mod probe;
