//! A droplet, as the account holds it.
//!
//! Invariant: plain data; what is seen of it from outside depends on the rest of the account, and is shown there.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::faults::FaultKind;
use crate::ids;
use crate::refusal::Refusal;
use crate::time::Due;
use crate::wire::Fields;

/// A droplet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Droplet {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) size: String,
    pub(crate) disk: u64,
    pub(crate) image: u64,
    pub(crate) region: String,
    pub(crate) power: Power,
    pub(crate) created: u64,
    /// By lower-case name.
    pub(crate) tags: BTreeSet<String>,
    pub(crate) vpc: String,
    pub(crate) public: Option<Ipv4Addr>,
    pub(crate) private: Ipv4Addr,
    pub(crate) ipv6: bool,
    pub(crate) backups: Option<Backups>,
    pub(crate) monitoring: bool,
    pub(crate) agent: bool,
    pub(crate) user_data: Option<String>,
    pub(crate) ssh_keys: Vec<u64>,
    pub(crate) deleting: Option<Due>,
    /// Looks for which its public address is not shown.
    pub(crate) address_hidden: u32,
    /// Looks for which its tags are not shown.
    pub(crate) tags_hidden: u32,
    /// Looks for which another event is pending after it has booted.
    pub(crate) then_busy: u32,
    /// It will disappear while it is new.
    pub(crate) vanishes: bool,
    /// Looks at its health for which it has not joined its pair.
    #[serde(default)]
    pub(crate) joins_after: u32,
    /// Its first boot gets stuck.
    #[serde(default)]
    pub(crate) stuck: bool,
    /// It lies on the one physical server that droplets share.
    #[serde(default)]
    pub(crate) shares: bool,
}

/// Whether it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Power {
    New,
    Active,
    Off,
}

/// When backups are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backups {
    pub(crate) plan: String,
    pub(crate) weekday: Option<String>,
    pub(crate) hour: u64,
}

impl Droplet {
    /// Lets a fault befall it.
    pub(crate) fn apply_fault(&mut self, what: &FaultKind) {
        match what {
            FaultKind::LateAddress { looks } => self.address_hidden = *looks,
            FaultKind::LateTags { looks } => self.tags_hidden = *looks,
            FaultKind::PendingEvent { looks } => self.then_busy = *looks,
            FaultKind::Vanish => self.vanishes = true,
            FaultKind::LateJoin { looks } => self.joins_after = *looks,
            FaultKind::StuckBoot => self.stuck = true,
            FaultKind::SharedServer => self.shares = true,
            _ => {}
        }
    }

    /// Whether it is being deleted.
    pub(crate) fn is_leaving(&self) -> bool {
        self.deleting.is_some()
    }

    pub(crate) fn disk(&self) -> u64 {
        self.disk
    }

    pub(crate) fn features(&self) -> Vec<&'static str> {
        [
            (self.backups.is_some(), "backups"),
            (self.agent, "droplet_agent"),
            (self.ipv6, "ipv6"),
            (self.monitoring, "monitoring"),
            (true, "private_networking"),
        ]
        .into_iter()
        .filter_map(|(on, feature)| on.then_some(feature))
        .collect()
    }

    pub(crate) fn networks(&self, range: Option<ipnet::Ipv4Net>) -> Value {
        if self.power == Power::New {
            return json!({ "v4": [], "v6": [] });
        }
        let netmask = range.map_or(Ipv4Addr::new(255, 255, 240, 0), |range| range.netmask());
        let mut v4 = vec![json!({ "ip_address": self.private, "netmask": netmask, "gateway": "nil", "type": "private" })];
        if let Some(public) = self.public.filter(|_| self.address_hidden == 0) {
            v4.push(json!({ "ip_address": public, "netmask": "255.255.240.0", "gateway": gateway(public), "type": "public" }));
        }
        let v6: Vec<Value> = self
            .ipv6
            .then(|| json!({ "ip_address": ids::public_v6(self.id), "netmask": 64, "gateway": "2001:db8::1", "type": "public" }))
            .into_iter()
            .collect();
        json!({ "v4": v4, "v6": v6 })
    }
}

/// The first address of the /20 that a public address lies in.
pub(crate) fn gateway(public: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(public) & 0xffff_f000) + 1)
}

impl Backups {
    /// Reads a backup policy.
    pub(crate) fn read(policy: Option<&Fields>) -> Result<Self, Refusal> {
        let Some(policy) = policy else {
            return Ok(Self { plan: "weekly".to_owned(), weekday: Some("SUN".to_owned()), hour: 0 });
        };
        let plan = policy.text("plan")?.unwrap_or_else(|| "weekly".to_owned());
        if plan != "daily" && plan != "weekly" {
            return Err(Refusal::unprocessable("backup_policy.plan must be daily or weekly"));
        }
        let weekday = policy.text("weekday")?;
        if weekday.as_deref().is_some_and(|day| !["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].contains(&day)) {
            return Err(Refusal::unprocessable("backup_policy.weekday is not valid"));
        }
        let hour = policy.number("hour")?.unwrap_or(0);
        if hour > 20 || hour % 4 != 0 {
            return Err(Refusal::unprocessable("backup_policy.hour must be one of 0, 4, 8, 12, 16, 20"));
        }
        let weekday = if plan == "weekly" { Some(weekday.unwrap_or_else(|| "SUN".to_owned())) } else { None };
        Ok(Self { plan, weekday, hour })
    }

    pub(crate) fn show(&self) -> Value {
        let days = if self.plan == "daily" { 7 } else { 28 };
        let mut shown = json!({ "plan": self.plan, "hour": self.hour, "window_length_hours": 4, "retention_period_days": days });
        if let (Some(weekday), Value::Object(fields)) = (&self.weekday, &mut shown) {
            fields.insert("weekday".to_owned(), json!(weekday));
        }
        shown
    }
}

/// The next window after the world's beginning; a fixed one is as good as any.
pub(crate) fn window(backups: Option<&Backups>) -> Value {
    let Some(backups) = backups else { return Value::Null };
    json!({ "start": format!("2026-01-11T{:02}:00:00Z", backups.hour), "end": format!("2026-01-11T{:02}:59:59Z", backups.hour + 3) })
}
