//! A public key.
//!
//! Invariant: plain data.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SshKey {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) public_key: String,
    pub(crate) fingerprint: String,
}

impl SshKey {
    pub(crate) fn show(&self) -> Value {
        json!({ "id": self.id, "fingerprint": self.fingerprint, "public_key": self.public_key, "name": self.name })
    }
}
