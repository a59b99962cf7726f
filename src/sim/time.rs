//! When something that takes time is done: after so many polls, or at a moment.
//!
//! Invariant: nothing here waits. Under the explicit clock the world's time stands still unless it is advanced, so that
//! what is written does not depend on when it was asked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use dofloat_base::clock::Moment;

/// The moment at which time stands under the explicit clock: 2026-01-05T09:00:00Z.
pub(super) const EPOCH: Moment = Moment(1_767_603_600_000);

/// A time as the API writes it.
pub(super) fn timestamp(millis: u64) -> Value {
    Value::String(Moment(millis).to_rfc3339())
}

/// How time passes in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// Something unfinished is seen so this many times and is finished at the next poll. With 0 it is finished at the
    /// first poll.
    Explicit {
        /// Looks that see it unfinished.
        looks: u32,
    },
    /// By the system's clock, with latencies.
    Real {
        /// Of every request.
        request: Duration,
        /// From the create of a droplet to `active`.
        droplet: Duration,
        /// Of every other action.
        action: Duration,
    },
    /// By the system's clock, each time drawn from the first to the last of a span: the same for the same thing and seed.
    Drawn {
        /// Of every request.
        request: Duration,
        /// From the create of a droplet to `active`.
        droplet: [Duration; 2],
        /// Of every other action.
        action: [Duration; 2],
        /// The seed of what is drawn.
        seed: u64,
    },
}

impl Default for ClockMode {
    fn default() -> Self {
        Self::Explicit { looks: 0 }
    }
}

/// The sort of wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Droplet,
    Action,
}

impl ClockMode {
    /// When something that begins now is done; `key` tells it from others.
    pub(super) fn due(self, what: Wait, now: Moment, key: &str) -> Due {
        match self {
            Self::Explicit { looks } => Due::Looks(looks),
            _ => Due::At(now.plus(self.lasts(what == Wait::Droplet, key)).0),
        }
    }

    /// How long the start of a droplet or another action takes, by what tells it from others: `droplet 1 create`.
    #[must_use]
    pub fn lasts(self, is_start: bool, key: &str) -> Duration {
        let ([first, last], seed) = match self {
            Self::Explicit { .. } => return Duration::ZERO,
            Self::Real { droplet, action, .. } => return if is_start { droplet } else { action },
            Self::Drawn { droplet, action, seed, .. } => (if is_start { droplet } else { action }, seed),
        };
        // FNV-1a; its upper half is spread well enough.
        let hash = seed
            .to_le_bytes()
            .into_iter()
            .chain(key.bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let part = u32::try_from(hash.rotate_left(17) % 1_000).unwrap_or(0);
        first + last.saturating_sub(first) * part / 1_000
    }

    /// How long every request takes.
    pub(super) fn latency(self) -> Duration {
        match self {
            Self::Explicit { .. } => Duration::ZERO,
            Self::Real { request, .. } | Self::Drawn { request, .. } => request,
        }
    }
}

/// When something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Due {
    /// After this many polls that see it unfinished.
    Looks(u32),
    /// At a moment, in milliseconds.
    At(u64),
    /// Not by itself.
    Never,
}

impl Due {
    /// Polls it: whether it is done now.
    pub(super) fn poll(&mut self, now: Moment) -> bool {
        match self {
            Self::Looks(0) => true,
            Self::Looks(left) => {
                *left -= 1;
                false
            }
            Self::At(moment) => *moment <= now.0,
            Self::Never => false,
        }
    }

    /// Whether it is done without being looked at.
    pub(super) fn passed(self, now: Moment) -> bool {
        matches!(self, Self::At(moment) if moment <= now.0)
    }

    /// Whether it is done the moment it begins: finished at the first poll.
    pub(super) fn at_once(self) -> bool {
        self == Self::Looks(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_count_down_and_moments_pass() {
        let mut due = ClockMode::Explicit { looks: 1 }.due(Wait::Action, EPOCH, "a");
        assert!(!due.poll(EPOCH));
        assert!(due.poll(EPOCH));
        let clock = ClockMode::Real { request: Duration::ZERO, droplet: Duration::from_secs(3), action: Duration::from_secs(2) };
        let mut due = clock.due(Wait::Droplet, EPOCH, "a");
        assert!(!due.poll(EPOCH.plus(Duration::from_secs(2))));
        assert!(due.poll(EPOCH.plus(Duration::from_secs(3))));
        let span = [2, 60].map(Duration::from_secs);
        let drawn =
            |seed: u64| ClockMode::Drawn { request: Duration::ZERO, droplet: span, action: span, seed }.lasts(true, "droplet 1 create");
        assert_eq!(drawn(1), drawn(1));
        let mean = (1..=200).map(|seed| drawn(seed).as_secs_f64()).sum::<f64>() / 200.0;
        assert!((28.0..34.0).contains(&mean), "{mean}");
    }
}
