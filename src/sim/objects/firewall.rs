//! A firewall and its rules.
//!
//! Invariant: plain data; rules are sets.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::time::Due;

/// A firewall.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Firewall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: u64,
    pub(crate) inbound: BTreeSet<Rule>,
    pub(crate) outbound: BTreeSet<Rule>,
    pub(crate) droplets: BTreeSet<u64>,
    /// By lower-case name.
    pub(crate) tags: BTreeSet<String>,
    pub(crate) waiting: Option<Due>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) protocol: String,
    pub(crate) ports: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) droplets: Vec<u64>,
    pub(crate) tags: Vec<String>,
    pub(crate) load_balancers: Vec<String>,
    pub(crate) clusters: Vec<String>,
}

impl Rule {
    pub(crate) fn show(&self, side: &str) -> Value {
        let mut peers = Map::new();
        let mut put = |name: &str, values: Value| {
            if values.as_array().is_some_and(|values| !values.is_empty()) {
                peers.insert(name.to_owned(), values);
            }
        };
        put("addresses", json!(self.addresses));
        put("droplet_ids", json!(self.droplets));
        put("tags", json!(self.tags));
        put("load_balancer_uids", json!(self.load_balancers));
        put("kubernetes_ids", json!(self.clusters));
        json!({ "protocol": self.protocol, "ports": self.ports, side: peers })
    }
}
