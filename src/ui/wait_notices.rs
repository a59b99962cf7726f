//! When something that waits is worth a word: after 5 s of silence, then when what is seen changes, and every 30 s otherwise, always
//! with how long it may last.
//!
//! Invariant: pure but for remembering what was mentioned. A wait that announces a long pause is mentioned before it, not after.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::value_text::{clock, visible};
use dofloat_api::wait::{Limit, Shortage, Waiting};
use dofloat_base::clock::Moment;

const FIRST: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_secs(30);
/// What changes all the time is no news at each change.
const APART: Duration = Duration::from_secs(10);

/// The last notice: the moment of the wait that it covers, and what was seen.
#[derive(Clone, Debug)]
pub(super) struct WaitNotices<K>(BTreeMap<K, (Duration, String)>);

impl<K> Default for WaitNotices<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> WaitNotices<K> {
    /// Whether a wait that will have lasted until `until`, of which this was seen last, is to be mentioned now.
    pub(super) fn due(&mut self, what: K, until: Duration, seen: &str) -> bool {
        let is_due = match self.0.get(&what) {
            None => until >= FIRST,
            Some((last, before)) => until >= *last + EVERY || until >= *last + APART && !seen.is_empty() && seen != before,
        };
        if is_due {
            // The next mention counts from a whole ten seconds, so that the lines read 30s, 1m0s, 1m30s.
            self.0.insert(what, (Duration::from_secs(until.as_secs() / 10 * 10), seen.to_owned()));
        }
        is_due
    }

    /// It is over.
    pub(super) fn forget(&mut self, what: &K) {
        self.0.remove(what);
    }
}

/// A pause for the request limit that is worth no word: nobody notices it.
const SHORT: Duration = Duration::from_secs(2);

/// Tells that the request limit is used up: once for each moment at which it goes on, however many wait for it.
#[derive(Clone, Debug, Default)]
pub(super) struct SlowNotices(Option<Moment>);

impl SlowNotices {
    /// A line of text, if it is worth one; `waits` is what waits for it, if that is known.
    pub(super) fn text(&mut self, shortage: &Shortage, pause: Duration, waits: &str) -> Option<String> {
        let is_told = self.0.is_some_and(|told| shortage.until <= told.plus(SHORT));
        if pause < SHORT || is_told {
            return None;
        }
        self.0 = Some(shortage.until);
        let Shortage { most, left, .. } = shortage;
        let which = match shortage.limit {
            Limit::Minute => format!("DigitalOcean's limit of {most} requests a minute"),
            Limit::Hour => format!("DigitalOcean's limit of {most} requests an hour"),
            Limit::KeyList => format!("DigitalOcean's limit of {most} lists of SSH keys a minute"),
            Limit::Address => format!("DigitalOcean's limit of {most} new reserved addresses a minute"),
            Limit::Configured => "the rate that is set (requests_per_second)".to_owned(),
        };
        let left = match left {
            0 => String::new(),
            left => format!(", {left} are left for others"),
        };
        let until = shortage.until.to_rfc3339();
        let until = until.split_once('T').map_or(until.as_str(), |(_, time)| time.trim_end_matches('Z'));
        Some(format!("Slowed down by {which}: it is used up{left}; going on at {until} UTC, in {}.{waits}", clock(pause)))
    }
}

/// The same for machines.
pub(super) fn rate_limit(shortage: &Shortage) -> Json {
    let limit = match shortage.limit {
        Limit::Minute => "minute",
        Limit::Hour => "hour",
        Limit::KeyList => "ssh_key_lists",
        Limit::Address => "reserved_ips",
        Limit::Configured => "configured",
    };
    json!({ "limit": limit, "most": shortage.most, "left": shortage.left, "until": shortage.until.to_rfc3339() })
}

/// Tells of waits that belong to no step of a plan.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    notices: WaitNotices<String>,
    slowed: SlowNotices,
}

impl Waits {
    /// A line of text, if the wait is worth one.
    pub fn text(&mut self, waiting: &Waiting) -> Option<String> {
        if let Some(shortage) = &waiting.shortage {
            return self.slowed.text(shortage, waiting.pause, "");
        }
        if waiting.elapsed.is_zero() {
            self.notices.forget(&waiting.what);
        }
        let until = waiting.elapsed + waiting.pause;
        if !self.notices.due(waiting.what.clone(), until, &waiting.seen) {
            return None;
        }
        let limit = waiting.limit.map(|limit| format!(", up to {}", clock(limit))).unwrap_or_default();
        let pause = if waiting.pause >= FIRST { format!(", next look in {}", clock(waiting.pause)) } else { String::new() };
        Some(format!("Still waiting for {}... [{} elapsed{limit}{pause}]", visible(&waiting.what), clock(waiting.elapsed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_mentioned_after_five_seconds_at_a_change_and_every_thirty() {
        let mut waits = Waits::default();
        let mut told = |seconds: u64, pause: u64, limit: Option<u64>, seen: &str| {
            waits.text(&Waiting {
                seen: seen.to_owned(),
                what: "the answer".to_owned(),
                elapsed: Duration::from_secs(seconds),
                limit: limit.map(Duration::from_secs),
                pause: Duration::from_secs(pause),
                ..Waiting::default()
            })
        };
        assert_eq!(told(0, 1, None, ""), None);
        assert_eq!(told(5, 1, Some(60), "").as_deref(), Some("Still waiting for the answer... [5s elapsed, up to 1m0s]"));
        assert_eq!(told(9, 1, None, "it is new"), Some("Still waiting for the answer... [9s elapsed]".to_owned()));
        assert_eq!(told(15, 1, None, "it is old"), None, "it changes all the time");
        assert_eq!(told(20, 1, None, "it is old").as_deref(), Some("Still waiting for the answer... [20s elapsed]"));
        assert_eq!(told(40, 1, None, "it is old"), None);
        assert_eq!(told(50, 1, None, "").as_deref(), Some("Still waiting for the answer... [50s elapsed]"));
        // A new wait for the same begins anew, and a long pause is announced.
        assert_eq!(told(0, 29, None, "").as_deref(), Some("Still waiting for the answer... [0s elapsed, next look in 29s]"));
    }

    #[test]
    fn the_request_limit_is_told_once_for_each_moment() {
        let mut waits = Waits::default();
        let mut told = |limit, left, until: u64, pause: u64| {
            let shortage = Some(Shortage { limit, most: 5000, left, until: Moment(until) });
            waits.text(&Waiting { what: "GET /x".to_owned(), pause: Duration::from_secs(pause), shortage, ..Waiting::default() })
        };
        assert_eq!(told(Limit::Minute, 0, 1_800_000_001_000, 1), None);
        let expected = "Slowed down by DigitalOcean's limit of 5000 requests an hour: it is used up, 200 are left for others; \
                        going on at 08:53:20 UTC, in 53m20s.";
        assert_eq!(told(Limit::Hour, 200, 1_800_003_200_000, 3_200).as_deref(), Some(expected));
        assert_eq!(told(Limit::Hour, 200, 1_800_003_200_900, 3_100), None);
        assert!(told(Limit::Hour, 0, 1_800_006_800_000, 3_600).is_some());
    }
}
