//! Thinking and doing: from what is wanted, remembered and seen to a plan, and from a plan to the world.
//!
//! Invariant: nothing decides at apply time except "go, stop, failed"; the engine prints nothing and reads no environment.
//! It must not know a kind by name, the language, or who answers.

pub mod adopt;
pub mod apply;
mod arguments;
pub mod change;
pub mod check;
pub mod claims;
mod clashes;
pub mod cluster;
pub mod cost;
pub mod data;
mod data_loss;
pub mod desired;
pub mod diff;
pub mod discover;
mod doubles;
pub mod error;
pub mod execute;
pub mod foreign;
pub mod graph;
mod held;
pub mod import;
pub mod known;
mod lost;
pub mod moves;
pub mod needs;
pub mod observed;
pub mod order;
mod owner;
pub mod parts;
pub mod placeholder;
pub mod plan;
pub mod planned;
mod pointers;
mod preflight;
mod pricing;
mod provision;
mod publish;
pub mod record;
pub mod recover;
pub mod refresh;
pub mod request;
pub mod saved;
pub mod schedule;
pub mod strays;
pub mod survey;
mod tainted;
mod target;
pub mod tfstate;
mod work;

#[cfg(test)]
mod import_tests;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod refresh_tests;
#[cfg(test)]
mod sketch_tests;
