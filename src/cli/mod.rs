//! The commands: parse, call, print.
//!
//! Invariant: glue, no logic. Only here is the environment read, and a failure turned into an exit code.

pub mod apply;
pub mod args;
pub mod environment;
pub mod exit;
pub mod files;
pub mod plan;
pub mod signals;
pub mod stack;
pub mod token;
pub mod workplace;
