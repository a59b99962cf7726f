//! A domain with its records.
//!
//! Invariant: plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::record::{DEFAULT_TTL, Record};

/// A domain with its records.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) records: BTreeMap<u64, Record>,
}

impl Domain {
    pub(crate) fn show(&self) -> Value {
        json!({ "name": self.name, "ttl": DEFAULT_TTL, "zone_file": self.zone_file() })
    }

    /// The records that a fresh zone does not have.
    pub(crate) fn own_records(&self) -> impl Iterator<Item = &Record> {
        self.records.values().filter(|record| !record.initial)
    }

    pub(crate) fn zone_file(&self) -> String {
        let mut lines = format!("$ORIGIN {}.\n$TTL {}\n", self.name, DEFAULT_TTL);
        for record in self.records.values() {
            lines.push_str(&record.zone_line());
        }
        lines
    }
}
