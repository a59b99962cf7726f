//! How a cluster is, as text and as JSON.
//!
//! Invariant: pure. What is played is said to be.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::paint::Paint;
use super::value_text::visible;
use crate::engine::health::{Report, Seen};

/// A cluster: what the API sees, and what its nodes tell.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The resource's address.
    pub name: String,
    /// The address that it serves at.
    pub address: Option<String>,
    /// Its nodes as the API sees them.
    pub nodes: Vec<Node>,
    /// What they tell.
    pub report: Report,
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
}

impl Pair {
    fn heard(&self, name: &str) -> Option<&Seen> {
        self.report.nodes.iter().find(|(node, _)| node == name).map(|(_, seen)| seen)
    }

    fn word(&self) -> &'static str {
        match (self.report.serves(), &self.report.address) {
            (true, _) => "serving",
            (false, Ok(())) => "serving, but not whole",
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
    let played = pair.report.nodes.iter().any(|(_, seen)| matches!(seen, Seen::Told(health) if health.simulated));
    let _ = writeln!(text, "{}: {painted}{}", paint.bold(&pair.name), if played { " (simulated)" } else { "" });
    let at = pair.address.as_deref().unwrap_or("none yet");
    let holder = pair.nodes.iter().find(|node| node.holds).map_or("nobody", |node| &node.name);
    let answer = match &pair.report.address {
        Ok(()) => "answers".to_owned(),
        Err(why) => format!("does not answer: {}", visible(why)),
    };
    let _ = writeln!(text, "  address {at}, held by {holder}, {answer}");
    for node in &pair.nodes {
        let shown = |part: &Option<String>| part.as_deref().unwrap_or("-").to_owned();
        let droplet = match &node.id {
            Some(id) => format!("droplet {id} {}", shown(&node.status)),
            None => "no droplet".to_owned(),
        };
        let told = match pair.heard(&node.name) {
            Some(Seen::Told(health)) => match health.complaint() {
                None => format!("joined, sees {}", health.members.join(", ")),
                Some(why) => visible(&why),
            },
            Some(Seen::Silent(why)) => format!("nothing is heard of it: {}", visible(why)),
            None => "not made yet".to_owned(),
        };
        let _ = writeln!(text, "  {}: {told} ({droplet}, public {}, private {})", node.name, shown(&node.public), shown(&node.private));
        if let Some(Seen::Told(health)) = pair.heard(&node.name) {
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
        let told = match pair.heard(&node.name) {
            Some(Seen::Told(health)) => json!({
                "phase": health.phase, "step": health.step, "steps": health.steps, "error": health.error, "api_error": health.api_error,
                "fencing": health.fencing, "joined": health.joined(), "members": health.members, "quorum": health.quorum, "holder": health.holder,
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
            "ipv4_address_private": node.private, "holds": node.holds, "health": told,
        })
    };
    json!({
        "serving": pair.report.address.is_ok(),
        "whole": pair.report.serves(),
        "address": pair.address,
        "why_not": pair.report.address.as_ref().err(),
        "holder": pair.nodes.iter().find(|node| node.holds).map(|node| &node.name),
        "nodes": pair.nodes.iter().map(node).collect::<Vec<_>>(),
    })
}
