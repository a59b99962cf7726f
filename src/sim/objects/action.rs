//! Actions: changes that take time, and the objects that they change.
//!
//! Invariant: plain data; when it begins and ends is the world's.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::droplet::{Backups, Power};
use crate::catalog;
use crate::faults::FaultKind;
use crate::time::{Due, timestamp};

/// Something in progress, or done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) on: Resource,
    /// The droplet that is busy with it.
    pub(crate) droplet: Option<u64>,
    pub(crate) region: String,
    pub(crate) started: u64,
    pub(crate) completed: Option<u64>,
    pub(crate) state: State,
    pub(crate) due: Due,
    pub(crate) effect: Effect,
    /// It will end as `errored`.
    pub(crate) fails: bool,
    /// It will leave its droplet switched off.
    #[serde(default)]
    pub(crate) strands: bool,
    /// The word that it shows instead of `completed`.
    pub(crate) word: Option<String>,
    /// Looks for which it is 404.
    pub(crate) missing: u32,
}

/// The object that an action changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Resource {
    Droplet(u64),
    ReservedIp(Ipv4Addr),
    FloatingIp(Ipv4Addr),
    /// By a number that follows from its identifier.
    Volume(u64),
    /// Likewise.
    ReservedV6(u64),
    Image(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    InProgress,
    Completed,
    Errored,
}

/// The effect of an action once it completes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    Nothing,
    Boot,
    Power(Power),
    Rename(String),
    Resize { size: String, disk: bool },
    Ipv6,
    Backups(Option<Backups>),
    Assign(u64),
    Unassign,
    Hang { volume: String, droplet: Option<u64> },
    Give { address: String, droplet: Option<u64> },
    Enlarge { volume: String, size: u64 },
    Snapshot(String),
    Transfer { image: u64, region: String },
}

impl Resource {
    pub(crate) fn key(self) -> String {
        match self {
            Self::Droplet(id) => format!("droplet {id}"),
            Self::ReservedIp(ip) | Self::FloatingIp(ip) => format!("ip {ip}"),
            Self::Volume(number) => format!("volume {number}"),
            Self::ReservedV6(number) => format!("reserved_ipv6 {number}"),
            Self::Image(number) => format!("image {number}"),
        }
    }

    /// The address, under either spelling.
    pub(crate) fn ip(self) -> Option<Ipv4Addr> {
        match self {
            Self::Droplet(_) | Self::Volume(_) | Self::ReservedV6(_) | Self::Image(_) => None,
            Self::ReservedIp(ip) | Self::FloatingIp(ip) => Some(ip),
        }
    }
}

impl Action {
    pub(crate) fn show(&self) -> Value {
        let (resource_type, resource_id) = match self.on {
            Resource::Droplet(id) => ("droplet", Some(id)),
            Resource::ReservedIp(ip) => ("reserved_ip", Some(u64::from(u32::from(ip)))),
            Resource::FloatingIp(ip) => ("floating_ip", Some(u64::from(u32::from(ip)))),
            Resource::Volume(_) => ("volume", None),
            Resource::Image(id) => ("image", Some(id)),
            Resource::ReservedV6(number) => ("reserved_ipv6", Some(number % (1 << 31))),
        };
        let status = match self.state {
            State::InProgress => "in-progress",
            State::Completed => self.word.as_deref().unwrap_or("completed"),
            State::Errored => "errored",
        };
        json!({
            "id": self.id, "status": status, "type": self.kind, "started_at": timestamp(self.started),
            "completed_at": self.completed.map(timestamp), "resource_id": resource_id, "resource_type": resource_type,
            "region": catalog::find_region(&self.region).map(catalog::Region::show), "region_slug": self.region,
        })
    }

    /// Lets a fault befall it.
    pub(crate) fn apply_fault(&mut self, what: &FaultKind) {
        match what {
            FaultKind::ActionErrored => self.fails = true,
            FaultKind::ActionLeavesOff => (self.fails, self.strands) = (true, true),
            FaultKind::ActionSlow { millis } => self.due = Due::At(self.started + millis),
            FaultKind::ActionHangs => self.due = Due::Never,
            FaultKind::ActionMissing { looks } => self.missing = *looks,
            FaultKind::ActionWord { word } => self.word = Some(word.clone()),
            _ => {}
        }
    }

    /// Whether it has done what it was to do.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Completed
    }

    pub(crate) fn touches_ip(&self, ip: Ipv4Addr) -> bool {
        self.on.ip() == Some(ip)
    }
}
