//! The pair: its block, what its nodes are told, fencing, the arbiter, and power.

mod arbiter;
mod bootstrap;
mod drill;
mod fencing;
mod handover;
mod pair;
pub(crate) mod played;
mod power;
mod scopes;
