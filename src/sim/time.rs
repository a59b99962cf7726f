//! When something that takes time is done: after so many looks, or at a moment.
//!
//! Invariant: nothing here waits. Under the explicit clock the world's time stands still unless it is advanced, so that
//! what is written does not depend on when it was asked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use dofloat_base::clock::Moment;

/// The moment at which time stands under the explicit clock: 2026-01-05T09:00:00Z.
pub(super) const EPOCH: Moment = Moment(1_767_603_600_000);

/// How time passes in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// Something unfinished is seen so this many times and is finished at the next look. With 0 it is finished at the
    /// first look.
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
}

impl Default for ClockMode {
    fn default() -> Self {
        Self::Explicit { looks: 0 }
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Droplet,
    Action,
}

impl ClockMode {
    /// When something that begins now is done.
    pub(super) fn due(self, what: Wait, now: Moment) -> Due {
        match (self, what) {
            (Self::Explicit { looks }, _) => Due::Looks(looks),
            (Self::Real { droplet, .. }, Wait::Droplet) => Due::At(now.plus(droplet).0),
            (Self::Real { action, .. }, Wait::Action) => Due::At(now.plus(action).0),
        }
    }

    /// How long every request takes.
    pub(super) fn latency(self) -> Duration {
        match self {
            Self::Explicit { .. } => Duration::ZERO,
            Self::Real { request, .. } => request,
        }
    }
}

/// When something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Due {
    /// After this many looks that see it unfinished.
    Looks(u32),
    /// At a moment, in milliseconds.
    At(u64),
    /// Not by itself.
    Never,
}

impl Due {
    /// Looks at it: whether it is done now.
    pub(super) fn look(&mut self, now: Moment) -> bool {
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

    /// Whether it is done the moment it begins: finished at the first look.
    pub(super) fn at_once(self) -> bool {
        self == Self::Looks(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_count_down_and_moments_pass() {
        let mut due = ClockMode::Explicit { looks: 1 }.due(Wait::Action, EPOCH);
        assert!(!due.look(EPOCH));
        assert!(due.look(EPOCH));
        let clock = ClockMode::Real { request: Duration::ZERO, droplet: Duration::from_secs(3), action: Duration::from_secs(2) };
        let mut due = clock.due(Wait::Droplet, EPOCH);
        assert!(!due.look(EPOCH.plus(Duration::from_secs(2))));
        assert!(due.look(EPOCH.plus(Duration::from_secs(3))));
    }
}
