//! The request limit: so many an hour, so many a minute, and a smaller one for the list of SSH keys.
//!
//! Invariant: every answer carries the three headers. Where time stands still, whoever is told to wait is taken to have
//! waited: the gate's own clock jumps on.

use std::collections::VecDeque;

use dofloat_base::clock::Moment;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 3_600_000;

/// How many requests a token may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In any hour.
    pub per_hour: u32,
    /// In any minute.
    pub per_minute: u32,
    /// Lists of SSH keys in any minute.
    pub key_lists: u32,
    /// New reserved addresses in any minute; nothing where they have no limit of their own.
    pub addresses: Option<u32>,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_hour: 5000, per_minute: 250, key_lists: 10, addresses: None }
    }
}

/// The requests that still count.
#[derive(Debug, Default)]
pub(super) struct Gate {
    rate: Option<Rate>,
    standing: bool,
    skipped: u64,
    hits: VecDeque<u64>,
    key_lists: VecDeque<u64>,
    addresses: VecDeque<u64>,
}

/// A sort of request that has a limit of its own beside the common ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Common,
    KeyList,
    Address,
}

impl Sort {
    pub(super) fn of(method: &str, path: &str) -> Self {
        match (method, path) {
            ("GET", "/v2/account/keys") => Self::KeyList,
            ("POST", "/v2/reserved_ips" | "/v2/floating_ips") => Self::Address,
            _ => Self::Common,
        }
    }
}

/// The gate's verdict on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) allowed: bool,
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// Unix time at which the oldest request stops counting.
    pub(super) reset: u64,
    /// Seconds, on a burst only.
    pub(super) retry_after: Option<u64>,
}

impl Gate {
    /// `standing`: the world's clock stands still.
    pub(super) fn new(rate: Option<Rate>, standing: bool) -> Self {
        Self { rate, standing, ..Self::default() }
    }

    /// Lets a request in, or not.
    pub(super) fn enter(&mut self, now: Moment, sort: Sort) -> Pass {
        let now = now.0 + self.skipped;
        let Some(rate) = self.rate else {
            return Pass { allowed: true, limit: 5000, remaining: 4999, reset: (now + HOUR) / 1000, retry_after: None };
        };
        while self.hits.front().is_some_and(|hit| hit + HOUR <= now) {
            self.hits.pop_front();
        }
        for own in [&mut self.key_lists, &mut self.addresses] {
            while own.front().is_some_and(|hit| hit + MINUTE <= now) {
                own.pop_front();
            }
        }
        let in_minute = self.hits.iter().rev().take_while(|hit| *hit + MINUTE > now).count();
        let reset = self.hits.front().map_or(now, |hit| *hit) + HOUR;
        let used = u32::try_from(self.hits.len()).unwrap_or(u32::MAX);
        let burst = if in_minute >= rate.per_minute as usize {
            self.hits.iter().rev().nth(rate.per_minute.saturating_sub(1) as usize).copied()
        } else if sort == Sort::KeyList && self.key_lists.len() >= rate.key_lists as usize {
            self.key_lists.front().copied()
        } else {
            None
        };
        if let Some(oldest) = burst {
            let wait = (oldest + MINUTE).saturating_sub(now).div_ceil(1000).max(1);
            self.jump(wait * 1000);
            return Pass { allowed: false, limit: rate.per_hour, remaining: 0, reset: reset / 1000, retry_after: Some(wait) };
        }
        let full = rate.addresses.is_some_and(|most| self.addresses.len() >= most as usize);
        if let Some(oldest) = self.addresses.front().filter(|_| sort == Sort::Address && full) {
            // The common limits have room, and the answer counts as any other.
            let wait = (oldest + MINUTE).saturating_sub(now).div_ceil(1000).max(1);
            self.hits.push_back(now);
            self.jump(wait * 1000);
            let remaining = rate.per_hour.saturating_sub(used + 1);
            return Pass { allowed: false, limit: rate.per_hour, remaining, reset: reset / 1000, retry_after: Some(wait) };
        }
        if used >= rate.per_hour {
            self.jump(reset.saturating_sub(now).max(1000));
            return Pass { allowed: false, limit: rate.per_hour, remaining: 0, reset: reset / 1000, retry_after: None };
        }
        self.hits.push_back(now);
        match sort {
            Sort::Common => {}
            Sort::KeyList => self.key_lists.push_back(now),
            Sort::Address => self.addresses.push_back(now),
        }
        Pass { allowed: true, limit: rate.per_hour, remaining: rate.per_hour - used - 1, reset: reset / 1000, retry_after: None }
    }

    fn jump(&mut self, millis: u64) {
        if self.standing {
            self.skipped += millis;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_000_000_000);

    #[test]
    fn a_burst_is_told_how_long_to_wait_and_then_let_in() {
        let mut gate = Gate::new(Some(Rate { per_hour: 10, per_minute: 2, key_lists: 1, addresses: None }), true);
        assert!(gate.enter(NOW, Sort::Common).allowed);
        assert_eq!(gate.enter(NOW, Sort::Common).remaining, 8);
        let refused = gate.enter(NOW, Sort::Common);
        assert_eq!((refused.allowed, refused.remaining, refused.retry_after), (false, 0, Some(60)));
        assert!(gate.enter(NOW, Sort::Common).allowed);
    }

    #[test]
    fn the_hour_has_no_retry_after() {
        let mut gate = Gate::new(Some(Rate { per_hour: 1, per_minute: 9, key_lists: 1, addresses: None }), false);
        assert!(gate.enter(NOW, Sort::Common).allowed);
        let refused = gate.enter(NOW, Sort::Common);
        assert_eq!((refused.allowed, refused.retry_after, refused.reset), (false, None, (NOW.0 + HOUR) / 1000));
        assert!(gate.enter(Moment(NOW.0 + HOUR), Sort::Common).allowed);
    }

    #[test]
    fn key_lists_have_a_limit_of_their_own() {
        let mut gate = Gate::new(Some(Rate { per_hour: 100, per_minute: 50, key_lists: 1, addresses: None }), false);
        assert!(gate.enter(NOW, Sort::KeyList).allowed);
        assert!(!gate.enter(NOW, Sort::KeyList).allowed);
        assert!(gate.enter(NOW, Sort::Common).allowed);
    }

    #[test]
    fn addresses_may_have_a_limit_of_their_own() {
        let mut gate = Gate::new(Some(Rate { addresses: Some(2), ..Rate::default() }), false);
        assert!((0..2).all(|_| gate.enter(NOW, Sort::Address).allowed));
        let refused = gate.enter(NOW, Sort::Address);
        assert_eq!((refused.allowed, refused.remaining, refused.retry_after), (false, 4997, Some(60)));
        assert!(gate.enter(NOW, Sort::Common).allowed && gate.enter(Moment(NOW.0 + 60_000), Sort::Address).allowed);
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let mut gate = Gate::new(None, true);
        assert!((0..1000).all(|_| gate.enter(NOW, Sort::KeyList).allowed));
    }
}
