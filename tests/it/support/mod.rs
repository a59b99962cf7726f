//! What the tests stand on: a user's folder, an account, the judge of exchanges, scenes and walks.
//!
//! Invariant: a test that belongs to a subject is not in here; what is in here is used by several, and the tests in here are
//! about itself.

pub(crate) mod account;
pub(crate) mod alone;
pub(crate) mod answers;
pub(crate) mod cloud;
pub(crate) mod contract;
pub(crate) mod fleet;
pub(crate) mod git;
pub(crate) mod golden;
pub(crate) mod harness;
pub(crate) mod lost;
pub(crate) mod reconcile;
pub(crate) mod registry;
pub(crate) mod running;
pub(crate) mod scene;
pub(crate) mod smart_http;
pub(crate) mod spaces;
pub(crate) mod storage;
pub(crate) mod terminal;
pub(crate) mod walk;
