//! dofloat builds what a short file describes on DigitalOcean, and keeps it so.
//!
//! # Bird's-eye view
//!
//! Five plain values and four moves between them:
//!
//! ```text
//! plans/x.tf ──lang──► Desired + Resolve ─────────────────┐
//! state/x.json (+ journal) ──store──► State ──refresh──► Observed ──┴► plan ──► Plan ──► text / JSON
//!                                                                        │
//!                            Plan ──apply──► schedule ⇄ workers ⇄ API;  Journal ──► State
//! ```
//!
//! What is asked for ([`engine::request`]) and what a plan is ([`engine::planned`]) are values with rooms of their own.
//! [`engine::survey`] is the way from configuration and memory to a plan that was held against the account; plan, apply and
//! destroy share it. A plan carries its own steps ([`engine::change`], ordered in [`engine::order`]); [`engine::execute`] makes
//! what was seen durable, and [`engine::apply`] walks the steps with one loop that owns state and journal, and decides nothing
//! but "go, stop, failed".
//!
//! # Code map
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`base`] | addresses, values, diagnostics, secrets, time, durable files |
//! | [`lang`] | Terraform's language: text to resources wanted, values unknown or secret included |
//! | [`modules`] | modules that lie elsewhere: fetched once, pinned, kept |
//! | [`bootstrap`] | `dofloat_cluster`: one block to ordinary resources, and what its nodes do when they boot |
//! | [`api`] | one HTTP client, retries by type, the request budget; Spaces, by their own protocol |
//! | [`kinds`] | what can be managed: one file each, an attribute table each; a plain kind is its table; what can be looked up: a row each |
//! | [`state`] | what is remembered: state file, journal, store, encrypted secrets |
//! | [`engine`] | refresh, diff, plan, order, apply, recover; what is moved, taken over, or let go |
//! | [`sim`] | the pretend DigitalOcean, a server on loopback |
//! | [`ui`] | the only printers |
//! | [`cli`] | the commands: parse, call, print |
//!
//! Each layer below `cli` is a package of its own in the folder of its name, so that they are built side by side and a change builds
//! only what lies above it. Imports go one way: `base` knows nothing; `lang`, `bootstrap`, `api`, `state`, `sim` know `base`; `kinds` and `modules` know `api`; `engine` knows `kinds`
//! and `state`; `ui` knows `engine`; `cli` knows all. A test reads the sources for this.
//! `ARCHITECTURE.md` says how a plan and an apply go, and why it is all so.
//!
//! # Invariants
//!
//! - No call before its intent is on disk, no wait before the identity is, no dependent before the result is.
//! - A create is repeated only when it surely was not seen; a lost answer is looked up, never guessed.
//! - What is not certainly the stack's own is never taken: a mark tells, else a person does ([`engine::adopt`]). What carries
//!   another stack's mark is never changed ([`engine::foreign`]).
//! - No secret implements `Serialize`; state and plans hold digests.
//! - No global state; no wall clock below `cli` but in [`base::clock`]; no environment below `cli` but in [`base::child`], which keeps it from children; the engine prints nothing.
//! - A kind is named in its own file, never in the engine; the engine knows tables.
//! - The simulator and the client share no type: one mistake cannot pass on both sides.

pub use dofloat_api as api;
pub use dofloat_base as base;
pub use dofloat_bootstrap as bootstrap;
pub mod cli;
pub use dofloat_engine as engine;
pub use dofloat_kinds as kinds;
pub use dofloat_lang as lang;
pub use dofloat_modules as modules;
pub use dofloat_sim as sim;
pub use dofloat_state as state;
pub use dofloat_ui as ui;
