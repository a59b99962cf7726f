//! How far a run is: the one place that says whether steps start, calls follow, and the state may be written.
//!
//! Invariant: a run only goes on towards its end, it never starts again; what is broken stays so. Pure.

use dofloat_base::clock::Tick;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Steps start as they become ready.
    Running,
    /// A step failed: what runs goes on, nothing new starts.
    Draining,
    /// Ctrl-C was pressed: the same, until this time.
    Interrupted(Tick),
    /// The journal cannot be written: nothing new starts, no call follows; what waits goes on, until a time if Ctrl-C was pressed.
    Broken(Option<Tick>),
    /// What ran was left as it was: the time was up.
    Abandoned,
}

impl Phase {
    /// Whether steps start.
    pub(super) fn starts(self) -> bool {
        self == Self::Running
    }

    /// Whether lines can be written, and calls made.
    pub(super) fn is_sound(self) -> bool {
        !matches!(self, Self::Broken(_) | Self::Abandoned)
    }

    /// When what runs is left as it is; none before Ctrl-C.
    pub(super) fn deadline(self) -> Option<Tick> {
        match self {
            Self::Interrupted(deadline) | Self::Broken(Some(deadline)) => Some(deadline),
            Self::Running | Self::Draining | Self::Broken(None) | Self::Abandoned => None,
        }
    }

    /// After a step failed and nothing new is to start.
    pub(super) fn drained(self) -> Self {
        if self == Self::Running { Self::Draining } else { self }
    }

    /// After Ctrl-C, the first of which counts.
    pub(super) fn interrupted(self, deadline: Tick) -> Self {
        match self {
            Self::Running | Self::Draining => Self::Interrupted(deadline),
            Self::Broken(None) => Self::Broken(Some(deadline)),
            Self::Interrupted(_) | Self::Broken(Some(_)) | Self::Abandoned => self,
        }
    }

    /// After the journal could not be written.
    pub(super) fn broken(self) -> Self {
        match self {
            Self::Abandoned => self,
            _ => Self::Broken(self.deadline()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_run_only_goes_on_towards_its_end() {
        let now = Tick(0);
        let later = now.plus(Duration::from_secs(60));
        let all =
            [Phase::Running, Phase::Draining, Phase::Interrupted(now), Phase::Broken(None), Phase::Broken(Some(now)), Phase::Abandoned];
        let word = |phase: Phase| match phase {
            Phase::Running => "running",
            Phase::Draining => "draining",
            Phase::Interrupted(at) if at == now => "interrupted",
            Phase::Interrupted(_) => "interrupted again",
            Phase::Broken(None) => "broken",
            Phase::Broken(Some(at)) if at == now => "broken, interrupted",
            Phase::Broken(Some(_)) => "broken, interrupted again",
            Phase::Abandoned => "abandoned",
        };
        let told: Vec<String> = all
            .into_iter()
            .map(|phase| {
                let next = [phase.drained(), phase.interrupted(later), phase.broken()].map(word);
                format!("{} -> {}", word(phase), next.join(" | "))
            })
            .collect();
        let expected = [
            "running -> draining | interrupted again | broken",
            "draining -> draining | interrupted again | broken",
            "interrupted -> interrupted | interrupted | broken, interrupted",
            "broken -> broken | broken, interrupted again | broken",
            "broken, interrupted -> broken, interrupted | broken, interrupted | broken, interrupted",
            "abandoned -> abandoned | abandoned | abandoned",
        ];
        assert_eq!(told, expected);
        assert_eq!(all.map(Phase::starts), [true, false, false, false, false, false]);
        assert_eq!(all.map(Phase::is_sound), [true, true, true, false, false, false]);
        assert_eq!(all.map(|phase| phase.deadline().is_some()), [false, false, true, false, true, false]);
    }
}
