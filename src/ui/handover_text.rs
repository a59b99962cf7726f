//! What came of a hand-over on purpose, as text and as a line of the stream.
//!
//! Invariant: pure but for the view; what is played is said to be.

use std::time::Duration;

use serde_json::json;

use super::plan_json::line;
use super::view::View;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The address was moved.
    Failover,
    /// A node runs nothing.
    Standby,
    /// A node may run everything again.
    Online,
}

/// How it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the shell of a node.
    Ssh,
    /// By the API.
    Api,
    /// It was so already.
    Needless,
}

/// What came of a hand-over.
#[derive(Clone, Debug)]
pub struct HandOver {
    /// What was done.
    pub deed: Deed,
    /// To which pair.
    pub cluster: String,
    /// The node that was named, or that has the address now.
    pub node: String,
    /// Who had the address before, and who has it now.
    pub holders: (Option<String>, Option<String>),
    /// The address.
    pub address: String,
    /// How.
    pub way: Way,
    /// How long it took.
    pub took: Duration,
    /// How many requests were sent meanwhile, and how many had no good answer.
    pub requests: (usize, usize),
    /// The longest time between two good answers.
    pub gap: Duration,
    /// Whether the nodes are played.
    pub simulated: bool,
}

impl Deed {
    /// The command.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Standby => "standby",
            Self::Online => "online",
        }
    }
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Api => "api",
            Self::Needless => "none",
        }
    }
}

/// A time in seconds with a tenth, as people read it.
#[must_use]
pub fn seconds(span: Duration) -> String {
    let tenths = (span.as_millis() + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

impl HandOver {
    fn text(&self) -> String {
        let Self { node, address, requests: (sent, failed), .. } = self;
        let simulated = if self.simulated { " (simulated)" } else { "" };
        let done = match (self.deed, self.way) {
            (Deed::Failover, Way::Needless) => return format!("{node} has the address {address} already{simulated}."),
            (Deed::Failover, _) => format!("{node} has the address {address} now"),
            (Deed::Standby, _) => format!("{node} is in standby now"),
            (Deed::Online, _) => format!("{node} is online"),
        };
        let moved = match &self.holders {
            (Some(before), Some(now)) if before != now && self.deed == Deed::Failover => format!(", which {before} had"),
            (Some(before), Some(now)) if before != now => format!(", and the address {address} went from {before} to {now}"),
            _ => String::new(),
        };
        let by = if self.way == Way::Api { "by the API" } else { "by ssh" };
        let mut text = format!(
            "{done}{moved} ({by}, {}){simulated}. {failed} of {sent} requests to it failed; the longest time between two good answers was {}.",
            seconds(self.took),
            seconds(self.gap)
        );
        if self.deed == Deed::Standby {
            text.push_str(&format!("\n`dofloat online {node}` undoes it; until then nobody takes over."));
        }
        text
    }

    fn to_json(&self) -> serde_json::Value {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        json!({
            "deed": self.deed.word(), "cluster": self.cluster, "node": self.node, "address": self.address, "by": self.way.word(),
            "holder_before": self.holders.0, "holder": self.holders.1, "took_ms": millis(self.took),
            "requests": self.requests.0, "failed_requests": self.requests.1, "gap_ms": millis(self.gap), "simulated": self.simulated,
        })
    }
}

impl View {
    /// What came of a hand-over.
    pub fn handed_over(&mut self, done: &HandOver) {
        self.events_of(|now| {
            let mut event = line("handover", &done.text(), now);
            event["handover"] = done.to_json();
            vec![event]
        });
        if self.is_text() {
            self.line(&done.text());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(deed: Deed, way: Way, before: &str, now: &str) -> String {
        HandOver {
            deed,
            cluster: "dofloat_cluster.web".to_owned(),
            node: "a".to_owned(),
            holders: (Some(before.to_owned()), Some(now.to_owned())),
            address: "203.0.113.9".to_owned(),
            way,
            took: Duration::from_millis(2340),
            requests: (40, 1),
            gap: Duration::from_millis(150),
            simulated: way == Way::Api,
        }
        .text()
    }

    #[test]
    fn what_was_done_is_said_with_what_clients_noticed() {
        let tail = "1 of 40 requests to it failed; the longest time between two good answers was 0.2 s.";
        assert_eq!(
            done(Deed::Failover, Way::Api, "b", "a"),
            format!("a has the address 203.0.113.9 now, which b had (by the API, 2.3 s) (simulated). {tail}")
        );
        assert_eq!(done(Deed::Failover, Way::Needless, "a", "a"), "a has the address 203.0.113.9 already.");
        assert_eq!(
            done(Deed::Standby, Way::Ssh, "a", "b"),
            format!(
                "a is in standby now, and the address 203.0.113.9 went from a to b (by ssh, 2.3 s). {tail}\n`dofloat online a` undoes \
                 it; until then nobody takes over."
            )
        );
        assert_eq!(done(Deed::Online, Way::Ssh, "b", "b"), format!("a is online (by ssh, 2.3 s). {tail}"));
    }
}
