//! A project, the default one aside.
//!
//! Invariant: plain data; what lies in it is told by what lies there.

use serde::{Deserialize, Serialize};

/// A project that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) purpose: String,
    pub(crate) environment: String,
    pub(crate) created: u64,
}
