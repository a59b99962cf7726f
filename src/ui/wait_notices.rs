//! When something that waits is worth a word: after 5 s of silence, and then every 10 s, always with how long it may last.
//!
//! Invariant: pure but for remembering what was mentioned. A wait that announces a long pause is mentioned before it, not after.

use std::collections::BTreeMap;
use std::time::Duration;

use super::value_text::{clock, visible};
use dofloat_api::wait::Waiting;

const FIRST: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_secs(10);

/// The last notice, and the moment of the wait that it covers.
#[derive(Clone, Debug)]
pub(super) struct WaitNotices<K>(BTreeMap<K, Duration>);

impl<K> Default for WaitNotices<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> WaitNotices<K> {
    /// Whether a wait that will have lasted until `until` is to be mentioned now.
    pub(super) fn due(&mut self, what: K, until: Duration) -> bool {
        let due = self.0.get(&what).map_or(FIRST, |last| *last + EVERY);
        if until < due {
            return false;
        }
        // The next mention counts from a whole ten seconds, so that the lines read 10s, 20s, 30s.
        self.0.insert(what, Duration::from_secs(until.as_secs() / 10 * 10));
        true
    }

    /// It is over.
    pub(super) fn forget(&mut self, what: &K) {
        self.0.remove(what);
    }
}

/// Tells of waits that belong to no step of a plan.
#[derive(Clone, Debug, Default)]
pub struct Waits(WaitNotices<String>);

impl Waits {
    /// A line of text, if the wait is worth one.
    pub fn text(&mut self, waiting: &Waiting) -> Option<String> {
        if waiting.elapsed.is_zero() {
            self.0.forget(&waiting.what);
        }
        let until = waiting.elapsed + waiting.pause;
        if !self.0.due(waiting.what.clone(), until) {
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
    use dofloat_api::wait::Cause;

    #[test]
    fn a_wait_is_mentioned_after_five_seconds_and_then_every_ten() {
        let mut waits = Waits::default();
        let mut told = |seconds: u64, pause: u64, limit: Option<u64>| {
            waits.text(&Waiting {
                what: "the answer".to_owned(),
                elapsed: Duration::from_secs(seconds),
                limit: limit.map(Duration::from_secs),
                pause: Duration::from_secs(pause),
                cause: Cause::Settling,
            })
        };
        assert_eq!(told(0, 1, None), None);
        assert_eq!(told(5, 1, Some(60)).as_deref(), Some("Still waiting for the answer... [5s elapsed, up to 1m0s]"));
        assert_eq!(told(8, 1, None), None);
        assert_eq!(told(10, 1, None).as_deref(), Some("Still waiting for the answer... [10s elapsed]"));
        // A new wait for the same begins anew, and a long pause is announced.
        assert_eq!(told(0, 29, None).as_deref(), Some("Still waiting for the answer... [0s elapsed, next look in 29s]"));
    }
}
