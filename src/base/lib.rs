//! Facts about the world of this program: addresses, values, diagnostics, secrets, time, durable files.
//!
//! Invariant: nothing here does IO except `durable` and `readable` (files), `child` (programs), `clock` (time) and `rng` (the system's generator).
//! It must not know any layer above: `base` imports nothing of this crate but itself.

pub mod address;
pub mod child;
pub mod clock;
pub mod crash;
pub mod desired;
pub mod diag;
pub mod digest;
pub mod durable;
pub mod identity;
pub mod number;
pub mod planted;
pub mod provider;
pub mod provision;
pub mod readable;
pub mod redact;
pub mod rng;
pub mod secret;
pub mod typed;
pub mod types;
pub mod unflushed;
pub mod value;
