//! How a cluster is, as text and as JSON.
//!
//! Invariant: pure. What is played is said to be.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::paint::Paint;
use super::value_text::visible;
use dofloat_engine::cluster::health::{Configuration, Report, Seen};

/// A cluster: what the API sees, and what its nodes tell.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The resource's address.
    pub name: String,
    /// The address that it serves at.
    pub address: Option<String>,
    /// Its nodes as the API sees them.
    pub nodes: Vec<Node>,
    /// Their health reports.
    pub report: Report,
    /// Where its droplets lie; none as long as they are not all made.
    pub place: Option<Place>,
}

/// Where the droplets of a cluster lie.
#[derive(Clone, Debug)]
pub enum Place {
    /// On different physical servers.
    Apart,
    /// On one; what to do about it.
    Shared(String),
    /// Why that could not be asked.
    Unasked(String),
}

/// A node as the API sees it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The droplet.
    pub id: Option<String>,
    /// Its status.
    pub status: Option<String>,
    /// Its public address.
    pub public: Option<String>,
    /// Its private address.
    pub private: Option<String>,
    /// Whether the address is assigned to it.
    pub holds: bool,
    /// The treatment of it, if it is off.
    pub off: Option<PoweredOff>,
}

/// The treatment of a node that is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoweredOff {
    /// An apply powers it on.
    Mended,
    /// The block of its cluster says that it is left so.
    Left,
    /// DigitalOcean is at work on it.
    Busy,
}

impl PoweredOff {
    fn words(self) -> &'static str {
        match self {
            Self::Mended => "it is powered off; `dofloat apply` powers it on",
            Self::Left => "it is powered off and stays off, as `power_state` says",
            Self::Busy => "it is off, and DigitalOcean is working on it",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Mended => "powered-on-by-apply",
            Self::Left => "left",
            Self::Busy => "busy",
        }
    }
}

impl Pair {
    fn health_of(&self, name: &str) -> Option<&Seen> {
        self.report.nodes.iter().find(|(node, _)| node == name).map(|(_, seen)| seen)
    }

    /// The problems of the pair as a whole that need action.
    fn alarms(&self) -> Vec<String> {
        let all_off = !self.nodes.is_empty() && self.nodes.iter().all(|node| node.off.is_some());
        let mended = self.nodes.iter().any(|node| node.off == Some(PoweredOff::Mended));
        let end = if mended { "; `dofloat apply` powers them on, the holder of the address first" } else { "" };
        let mut alarms: Vec<String> = Vec::new();
        alarms.extend(all_off.then(|| format!("all nodes are powered off, so nothing serves{end}")));
        if let Some(Place::Shared(remedy)) = &self.place {
            alarms.push(format!("both droplets lie on one physical server: if it fails, nothing serves; {remedy}"));
        }
        alarms
    }

    fn word(&self) -> &'static str {
        match (self.report.serves(), &self.report.address) {
            (true, _) => "serving",
            (false, Ok(())) => "serving, but degraded",
            (false, Err(_)) => "not serving",
        }
    }
}

/// The text.
#[must_use]
pub fn to_text(pair: &Pair, paint: Paint) -> String {
    let mut text = String::new();
    let word = pair.word();
    let painted = if pair.report.serves() { paint.good(word) } else { paint.bad(word) };
    let simulated = pair.report.nodes.iter().any(|(_, seen)| matches!(seen, Seen::Told(health) if health.simulated));
    let _ = writeln!(text, "{}: {painted}{}", paint.bold(&pair.name), if simulated { " (simulated)" } else { "" });
    for alarm in pair.alarms() {
        let _ = writeln!(text, "  {}: {alarm}", paint.bad("alarm"));
    }
    let at = pair.address.as_deref().unwrap_or("none yet");
    let holder = pair.nodes.iter().find(|node| node.holds).map_or("nobody", |node| &node.name);
    let answer = match &pair.report.address {
        Ok(()) => "answers".to_owned(),
        Err(why) => format!("does not answer: {}", visible(why)),
    };
    let _ = writeln!(text, "  address {at}, held by {holder}, {answer}");
    match &pair.place {
        Some(Place::Apart) => text.push_str("  droplets on different physical servers\n"),
        Some(Place::Unasked(why)) => {
            let _ = writeln!(text, "  droplets: whether they share a physical server is unknown: {}", visible(why));
        }
        Some(Place::Shared(_)) | None => {}
    }
    let Configuration { hand, behind } = pair.report.altered();
    for (what, names) in [("changed by hand, and left as it is", hand), ("not yet as the block says", behind)] {
        if !names.is_empty() {
            let _ = writeln!(text, "  configuration {what}: {}", visible(&names.join(", ")));
        }
    }
    for node in &pair.nodes {
        let shown = |part: &Option<String>| part.as_deref().unwrap_or("-").to_owned();
        let droplet = match &node.id {
            Some(id) => format!("droplet {id} {}", shown(&node.status)),
            None => "no droplet".to_owned(),
        };
        let status = match (pair.health_of(&node.name), node.off) {
            (Some(Seen::Told(health)), _) => match health.complaint() {
                None => format!("joined, sees {}", health.members.join(", ")),
                Some(why) => visible(&why),
            },
            (Some(Seen::Silent(_)), Some(off)) => format!("it does not report: {}", off.words()),
            (Some(Seen::Silent(why)), None) => format!("it does not report: {}", visible(why)),
            (None, _) => "not created yet".to_owned(),
        };
        let _ = writeln!(text, "  {}: {status} ({droplet}, public {}, private {})", node.name, shown(&node.public), shown(&node.private));
        if let Some(Seen::Told(health)) = pair.health_of(&node.name) {
            for note in &health.notes {
                let _ = writeln!(text, "    note: {}", visible(note));
            }
            for resource in &health.resources {
                let place = resource.node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
                let failed = if resource.failed { ", failed" } else { "" };
                let _ = writeln!(text, "    {} {}{place}{failed}", visible(&resource.name), visible(&resource.role));
            }
        }
    }
    text
}

/// The JSON form.
#[must_use]
pub fn to_json(pair: &Pair) -> Json {
    let node = |node: &Node| {
        let status = match pair.health_of(&node.name) {
            Some(Seen::Told(health)) => json!({
                "phase": health.phase, "step": health.step, "steps": health.steps, "error": health.error, "api_error": health.api_error,
                "stopped": health.stopped, "notes": health.notes,
                "fencing": health.fencing, "arbiter": health.arbiter, "joined": health.joined(), "members": health.members, "quorum": health.quorum, "holder": health.holder,
                "holds": health.holds, "simulated": health.simulated, "log": health.log,
                "links": health.links.iter().map(|link| json!({
                    "node": link.node, "network": link.network, "connected": link.connected,
                })).collect::<Vec<_>>(),
                "resources": health.resources.iter().map(|resource| json!({
                    "name": resource.name, "role": resource.role, "node": resource.node, "failed": resource.failed,
                })).collect::<Vec<_>>(),
                "failures": health.failures.iter().map(|failure| json!({
                    "operation": failure.operation, "node": failure.node, "answer": failure.answer, "reason": failure.reason,
                })).collect::<Vec<_>>(),
            }),
            Some(Seen::Silent(why)) => json!({ "silent": why }),
            None => Json::Null,
        };
        json!({
            "name": node.name, "droplet_id": node.id, "status": node.status, "ipv4_address": node.public,
            "ipv4_address_private": node.private, "holds": node.holds, "off": node.off.map(PoweredOff::word), "health": status,
        })
    };
    json!({
        "serving": pair.report.address.is_ok(),
        "whole": pair.report.serves(),
        "address": pair.address,
        "alarms": pair.alarms(),
        "apart": match &pair.place {
            Some(Place::Apart) => json!(true),
            Some(Place::Shared(_)) => json!(false),
            Some(Place::Unasked(_)) | None => Json::Null,
        },
        "configuration": { "hand": pair.report.altered().hand, "behind": pair.report.altered().behind },
        "why_not": pair.report.address.as_ref().err(),
        "holder": pair.nodes.iter().find(|node| node.holds).map(|node| &node.name),
        "nodes": pair.nodes.iter().map(node).collect::<Vec<_>>(),
    })
}
