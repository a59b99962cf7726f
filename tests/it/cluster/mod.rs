//! The pair: its block, what its nodes are told, fencing, the arbiter, and power.

mod arbiter;
mod bootstrap;
mod fencing;
mod pair;
mod power;
mod scopes;
