//! A VPC, and what still counts as a member of one.
//!
//! Invariant: plain data; every open region has a default one from the start.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::time::{EPOCH, timestamp};
use crate::{catalog, ids};

/// A VPC.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) region: String,
    pub(crate) range: Ipv4Net,
    pub(crate) default: bool,
    pub(crate) created: u64,
    /// It was there when the world began.
    pub(crate) initial: bool,
}

/// A droplet that is gone and still counts as a member.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Linger {
    pub(crate) vpc: String,
    pub(crate) droplet: u64,
    pub(crate) name: String,
    pub(crate) looks: u32,
}

impl Vpc {
    pub(crate) fn show(&self) -> Value {
        json!({
            "id": self.id, "urn": format!("do:vpc:{}", self.id), "name": self.name, "description": self.description,
            "region": self.region, "ip_range": self.range, "default": self.default, "created_at": timestamp(self.created),
        })
    }
}

/// The default VPCs of a fresh world, one for each region that is open.
pub(crate) fn defaults(seed: u64) -> BTreeMap<String, Vpc> {
    let open = catalog::REGIONS.iter().enumerate().filter(|(_, region)| region.available);
    open.filter_map(|(place, region)| {
        let id = ids::uuid(seed, &["default vpc", region.slug]);
        let third = u8::try_from(place * 16).ok()?;
        let range = Ipv4Net::new(Ipv4Addr::new(10, 116, third, 0), 20).ok()?;
        let name = format!("default-{}", region.slug);
        let vpc = Vpc {
            id: id.clone(),
            name,
            description: String::new(),
            region: region.slug.to_owned(),
            range,
            default: true,
            created: EPOCH.0,
            initial: true,
        };
        Some((id, vpc))
    })
    .collect()
}
