//! A failover drill as it is remembered: what was done to a pair, for how long nobody answered, and what that time was made of.
//!
//! Invariant: pure. The parts of a gap add up to it; what was not seen is no part of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::probe::{Gap, Tries};
use dofloat_base::clock::Tick;

/// The version of the form.
pub const FORMAT: u32 = 1;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The power is cut.
    PowerOff,
    /// The node is told to boot again.
    Reboot,
    /// The node is told to shut down.
    Shutdown,
    /// Pacemaker is told that the node may run nothing.
    Standby,
    /// The web server is killed.
    Service,
    /// Nothing runs on the node though it is on.
    Freeze,
    /// The private network between the nodes is cut.
    PrivateLink,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::PowerOff, Self::Reboot, Self::Shutdown, Self::Standby, Self::Service, Self::Freeze, Self::PrivateLink];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PowerOff => "power-off",
            Self::Reboot => "reboot",
            Self::Shutdown => "shutdown",
            Self::Standby => "standby",
            Self::Service => "service",
            Self::Freeze => "freeze",
            Self::PrivateLink => "private-link",
        }
    }

    /// How the API calls it; nothing if it takes a shell.
    #[must_use]
    pub fn order(self) -> Option<&'static str> {
        match self {
            Self::PowerOff => Some("power_off"),
            Self::Reboot => Some("reboot"),
            Self::Shutdown => Some("shutdown"),
            _ => None,
        }
    }

    /// Whether the address is to go to the other node.
    #[must_use]
    pub fn moves(self) -> bool {
        !matches!(self, Self::Service | Self::PrivateLink)
    }

    /// What it does to a node.
    #[must_use]
    pub fn does(self, node: &str) -> String {
        match self {
            Self::PowerOff => format!("cut the power of {node}"),
            Self::Reboot => format!("reboot {node}"),
            Self::Shutdown => format!("shut {node} down"),
            Self::Standby => format!("put {node} in standby"),
            Self::Service => format!("kill the web server on {node}"),
            Self::Freeze => format!("freeze {node}"),
            Self::PrivateLink => format!("cut {node} off from the private network of the pair"),
        }
    }
}

/// A part of a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it was spent with.
    pub name: String,
    /// For how long.
    pub ms: u64,
}

/// Something that was seen, in milliseconds from the order on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at_ms: i64,
    /// What.
    pub what: String,
}

/// A time in which all answers were good, or none was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// From when, in milliseconds from the order on.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
    /// Whether they were good.
    pub good: bool,
}

/// A drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the form.
    pub format: u32,
    /// The version of dofloat.
    pub version: String,
    /// When it began, as RFC 3339.
    pub started: String,
    /// The stack.
    pub stack: String,
    /// The pair.
    pub cluster: String,
    /// The fault.
    pub kind: Kind,
    /// The node that it befell.
    pub node: String,
    /// The address.
    pub address: String,
    /// Who had the address before and after.
    pub holders: [Option<String>; 2],
    /// The longest time between two good answers.
    pub gap_ms: u64,
    /// Whether the address answered again, and went where it should.
    pub passed: bool,
    /// How many requests were sent.
    pub requests: usize,
    /// How many had no good answer.
    pub failed: usize,
    /// What the gap was made of.
    pub parts: Vec<Part>,
    /// What else was seen.
    pub events: Vec<Event>,
    /// The answers.
    pub answers: Vec<Span>,
    /// How long it took from the order until the pair was whole again.
    pub whole_ms: Option<u64>,
    /// Whether the nodes are played, so that the figures mean nothing.
    pub simulated: bool,
}

/// When the address was asked for by the other node, and when it was there, as far as the API tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// When it was asked for.
    pub asked: Option<Tick>,
    /// When it was there.
    pub there: Option<Tick>,
}

/// What a gap is made of. What is seen only to the second can lie outside; it is taken as near as the gap allows.
#[must_use]
pub fn parts(gap: Gap, assignment: Assignment) -> Vec<Part> {
    let within = |at: Tick, from: Tick| at.max(from).min(gap.to);
    let (mut from, mut parts) = (gap.from, Vec::new());
    let steps = [("detection and decision", assignment.asked), ("assignment of the address", assignment.there)];
    for (name, end) in steps {
        if let Some(end) = end {
            let end = within(end, from);
            parts.push(Part { name: name.to_owned(), ms: millis(end.since(from)) });
            from = end;
        }
    }
    let name = if parts.is_empty() { "all of it: nothing in between was seen" } else { "until the first answer" };
    parts.push(Part { name: name.to_owned(), ms: millis(gap.to.since(from)) });
    parts
}

/// The answers as times in which all were good or none was, from a moment on.
#[must_use]
pub fn answers(tries: &Tries, zero: Tick) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for one in tries.all() {
        let at = offset(one.ended, zero);
        match spans.last_mut() {
            Some(span) if span.good == one.good => span.to_ms = at,
            _ => spans.push(Span { from_ms: at, to_ms: at, good: one.good }),
        }
    }
    spans
}

/// A moment in milliseconds from another on.
#[must_use]
pub fn offset(at: Tick, zero: Tick) -> i64 {
    let of = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    if at >= zero { of(at.since(zero)) } else { -of(zero.since(at)) }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::probe::Try;
    use super::*;

    fn lengths(asked: Option<u64>, there: Option<u64>) -> Vec<u64> {
        let gap = Gap { from: Tick(1000), to: Tick(5000) };
        let parts = parts(gap, Assignment { asked: asked.map(Tick), there: there.map(Tick) });
        assert_eq!(parts.iter().map(|part| part.ms).sum::<u64>(), 4000, "{parts:?}");
        parts.iter().map(|part| part.ms).collect()
    }

    #[test]
    fn the_parts_of_a_gap_add_up_whatever_was_seen() {
        assert_eq!(lengths(Some(3000), Some(4500)), [2000, 1500, 500]);
        assert_eq!(lengths(Some(3000), None), [2000, 2000]);
        assert_eq!(lengths(None, None), [4000]);
        // The API tells whole seconds: earlier than the gap, later than its end, in the wrong order.
        assert_eq!(lengths(Some(0), Some(9000)), [0, 4000, 0]);
        assert_eq!(lengths(Some(4000), Some(3000)), [3000, 0, 1000]);
    }

    #[test]
    fn answers_are_kept_as_spans() {
        let one = |ended, good| Try { sent: Tick(ended), ended: Tick(ended), good };
        let tries = Tries::new(vec![one(900, true), one(1000, true), one(1100, false), one(1200, false), one(2000, true)]);
        let spans: Vec<_> = answers(&tries, Tick(1000)).into_iter().map(|span| (span.from_ms, span.to_ms, span.good)).collect();
        assert_eq!(spans, [(-100, 0, true), (100, 200, false), (1000, 1000, true)]);
    }

    #[test]
    fn every_kind_is_known_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
