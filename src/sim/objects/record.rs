//! A DNS record.
//!
//! Invariant: plain data; a name is relative to the zone, and data has no dot at its end.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The zone's default.
pub(crate) const DEFAULT_TTL: u64 = 1800;

/// A record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) priority: Option<u64>,
    pub(crate) port: Option<u64>,
    pub(crate) ttl: u64,
    pub(crate) weight: Option<u64>,
    pub(crate) flags: Option<u64>,
    pub(crate) tag: Option<String>,
    /// It came with the zone.
    pub(crate) initial: bool,
}

impl Record {
    pub(crate) fn show(&self) -> Value {
        json!({
            "id": self.id, "type": self.kind, "name": self.name, "data": self.data, "priority": self.priority, "port": self.port,
            "ttl": self.ttl, "weight": self.weight, "flags": self.flags, "tag": self.tag,
        })
    }

    /// The A record that `ip_address` of a new domain makes.
    pub(crate) fn apex(address: Ipv4Addr) -> Self {
        Self { data: address.to_string(), initial: false, ..plain("A", "") }
    }

    pub(crate) fn zone_line(&self) -> String {
        let numbers: Vec<String> = [self.priority, self.weight, self.port].iter().flatten().map(u64::to_string).collect();
        let mut words = vec![self.name.clone(), self.ttl.to_string(), "IN".to_owned(), self.kind.clone()];
        words.extend(numbers);
        words.push(self.data.clone());
        words.join(" ") + "\n"
    }
}

pub(crate) fn plain(kind: &str, data: &str) -> Record {
    Record {
        id: 0,
        kind: kind.to_owned(),
        name: "@".to_owned(),
        data: data.to_owned(),
        priority: None,
        port: None,
        ttl: DEFAULT_TTL,
        weight: None,
        flags: None,
        tag: None,
        initial: true,
    }
}

/// The records of a fresh zone.
pub(crate) fn initial() -> Vec<Record> {
    let servers = ["ns1.digitalocean.com", "ns2.digitalocean.com", "ns3.digitalocean.com"];
    let soa = plain("SOA", "1800");
    std::iter::once(soa).chain(servers.iter().map(|server| plain("NS", server))).collect()
}
