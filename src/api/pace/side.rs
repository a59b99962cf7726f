//! A limit that one sort of request has beside the common one.
//!
//! Invariant: pure. A limit that is documented holds from the start; of one that only some accounts have nothing is assumed until a
//! refusal shows it, and then as many are asked for in a minute as were granted in one.

use std::collections::VecDeque;
use std::time::Duration;

use dofloat_base::clock::Tick;

const MINUTE: Duration = Duration::from_secs(60);

/// What is known of such a limit.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// When requests were sent that were not refused.
    sent: VecDeque<Tick>,
    /// How many of those have no answer yet.
    open: usize,
    /// How many a minute; nothing while none is known.
    most: Option<usize>,
    /// Until when nothing of the sort may be sent, by the API's own word.
    until: Option<Tick>,
}

impl Side {
    /// A documented limit.
    pub(super) fn of(most: usize) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// A request is sent.
    pub(super) fn count(&mut self, now: Tick) {
        self.sent.push_back(now);
        self.open += 1;
    }

    /// A request was granted.
    pub(super) fn granted(&mut self, now: Tick) {
        self.open = self.open.saturating_sub(1);
        self.forget(now);
        let granted = self.granted_lately();
        self.most = self.most.map(|most| most.max(granted));
    }

    /// A request was refused.
    pub(super) fn refused(&mut self, now: Tick, pause: Duration) {
        self.open = self.open.saturating_sub(1);
        self.sent.pop_back();
        self.forget(now);
        let granted = self.granted_lately().max(1);
        self.most = Some(self.most.map_or(granted, |most| most.max(granted)));
        self.until = self.until.max(Some(now.plus(pause)));
    }

    /// How long the next request has to wait, and how many the limit allows.
    pub(super) fn pause(&mut self, now: Tick) -> Option<(Duration, u64)> {
        self.forget(now);
        let most = self.most?;
        let told = self.until.map_or(Duration::ZERO, |until| until.since(now));
        let full = (self.sent.len() >= most).then(|| self.sent[self.sent.len() - most].plus(MINUTE).since(now));
        let pause = told.max(full.unwrap_or_default());
        (!pause.is_zero()).then_some((pause, u64::try_from(most).unwrap_or(u64::MAX)))
    }

    fn granted_lately(&self) -> usize {
        self.sent.len().saturating_sub(self.open)
    }

    fn forget(&mut self, now: Tick) {
        while self.sent.front().is_some_and(|at| now.since(*at) >= MINUTE) {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Tick = Tick(7);

    fn after(seconds: u64) -> Tick {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_limit_is_kept_once_a_refusal_shows_it() {
        let mut side = Side::default();
        for second in 0..13 {
            assert_eq!(side.pause(after(second)), None);
            side.count(after(second));
            if second < 12 { side.granted(after(second)) } else { side.refused(after(second), Duration::ZERO) }
        }
        assert_eq!(side.pause(after(13)), Some((Duration::from_secs(47), 12)));
        assert_eq!(side.pause(after(60)), None);
        // What the API asks for is waited for too.
        side.refused(after(60), Duration::from_secs(29));
        assert_eq!(side.pause(after(61)), Some((Duration::from_secs(28), 12)));
    }

    #[test]
    fn what_was_under_way_at_the_refusal_still_counts() {
        let mut side = Side::default();
        (0..3).for_each(|_| side.count(START));
        side.granted(START);
        side.refused(START, Duration::ZERO);
        side.granted(START);
        assert_eq!(side.pause(START), Some((Duration::from_secs(60), 2)));
    }
}
