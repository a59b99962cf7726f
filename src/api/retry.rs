//! Whether a request is sent again, and when.
//!
//! Invariant: a request that acts twice when sent twice is sent again only if it surely did nothing: no connection came
//! about, the API said that it was one too many, or refused it for a reason that broke off. Pure: no clock, no network; the
//! chance is given.

use std::time::Duration;

use super::request::Repeat;

/// The longest pause that the API can impose on us after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A request that is to wait longer than this for the request limit is given up: that of an hour passes within one.
const LONGEST_PATIENCE: Duration = Duration::from_secs(3900);

/// By how much those who were told the same moment come apart.
const APART: Duration = Duration::from_secs(1);

/// How one attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// A whole answer, with the pause that it asks for.
    Answered { status: u16, after: Option<Duration> },
    /// A refusal whose reason broke off on the way: nothing was done, and what to do next depends on the reason.
    Unexplained,
    /// No connection came about; nothing was sent.
    Unsent,
    /// The other side could not prove who it is; nothing was sent.
    Untrusted,
    /// Something was sent, and no usable answer came.
    Lost,
}

impl Attempt {
    /// Whether the API may have acted on it.
    pub(crate) fn may_have_acted(self) -> bool {
        match self {
            Self::Answered { status, .. } => status == 408 || status >= 500,
            Self::Unexplained | Self::Unsent | Self::Untrusted => false,
            Self::Lost => true,
        }
    }
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is what it is: an answer or an error.
    Take,
    /// Again, after a pause.
    Again(Duration),
}

/// How often to try and how long to pause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) retry_max: u32,
    pub(crate) wait_min: Duration,
    pub(crate) wait_max: Duration,
}

/// What was tried before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried {
    /// Attempts that failed.
    pub(crate) failed: u32,
    /// Attempts that were one too many for the request limit.
    pub(crate) throttled: u32,
}

/// Decides; `chance` lies in 0..1 and spreads those who failed together.
pub(crate) fn decide(repeat: Repeat, attempt: Attempt, tried: Tried, patience: &Patience, chance: f64) -> Verdict {
    let repeatable = repeat == Repeat::Safe;
    match attempt {
        Attempt::Answered { status: 429, after } => {
            // The limit passes by itself, so there is more patience with it than with failures.
            let enough = tried.throttled >= patience.retry_max.saturating_mul(5);
            if enough || after.is_some_and(|after| after > LONGEST_PATIENCE) {
                return Verdict::Take;
            }
            match after {
                Some(after) => Verdict::Again(after + APART.mul_f64(chance.clamp(0.0, 1.0))),
                None => Verdict::Again(backoff(tried.throttled, patience, chance)),
            }
        }
        _ if tried.failed >= patience.retry_max => Verdict::Take,
        Attempt::Answered { after, .. } if repeatable && attempt.may_have_acted() => {
            let pause = backoff(tried.failed, patience, chance);
            Verdict::Again(after.map_or(pause, |after| spread(after.min(LONGEST_PAUSE), chance)))
        }
        Attempt::Unsent | Attempt::Unexplained => Verdict::Again(backoff(tried.failed, patience, chance)),
        Attempt::Lost if repeatable => Verdict::Again(backoff(tried.failed, patience, chance)),
        Attempt::Answered { .. } | Attempt::Untrusted | Attempt::Lost => Verdict::Take,
    }
}

/// Doubles with each failure, up to the longest; the later half of it is chance.
fn backoff(failed: u32, patience: &Patience, chance: f64) -> Duration {
    let whole = patience.wait_min.saturating_mul(2_u32.saturating_pow(failed)).min(patience.wait_max.max(patience.wait_min));
    whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// A pause that the API asks for, and up to a tenth more: never less.
fn spread(pause: Duration, chance: f64) -> Duration {
    pause.mul_f64(1.0 + chance.clamp(0.0, 1.0) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { retry_max: 4, wait_min: Duration::from_secs(1), wait_max: Duration::from_secs(30) };

    fn check(repeat: Repeat, attempt: Attempt, failed: u32, expected: Option<u64>) {
        let verdict = decide(repeat, attempt, Tried { failed, throttled: failed }, &PATIENCE, 0.0);
        let expected = expected.map_or(Verdict::Take, |millis| Verdict::Again(Duration::from_millis(millis)));
        assert_eq!(verdict, expected, "{repeat:?} {attempt:?} after {failed}");
    }

    fn status(status: u16) -> Attempt {
        Attempt::Answered { status, after: None }
    }

    #[test]
    fn what_acts_twice_is_repeated_only_if_surely_unseen() {
        for code in [200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 409, 412, 422, 500, 502, 503, 504] {
            check(Repeat::Once, status(code), 0, None);
        }
        check(Repeat::Once, Attempt::Lost, 0, None);
        check(Repeat::Once, Attempt::Unsent, 0, Some(500));
        check(Repeat::Once, Attempt::Unexplained, 0, Some(500));
        check(Repeat::Once, status(429), 0, Some(500));
    }

    #[test]
    fn what_may_be_repeated_is_repeated_for_faults_only() {
        for code in [200, 204, 302, 400, 401, 403, 404, 409, 412, 422] {
            check(Repeat::Safe, status(code), 0, None);
        }
        for code in [408, 429, 500, 502, 503, 504] {
            check(Repeat::Safe, status(code), 0, Some(500));
        }
        check(Repeat::Safe, Attempt::Lost, 0, Some(500));
        check(Repeat::Safe, Attempt::Unsent, 0, Some(500));
        check(Repeat::Safe, Attempt::Unexplained, 0, Some(500));
        check(Repeat::Safe, Attempt::Untrusted, 0, None);
    }

    #[test]
    fn pauses_grow_to_the_longest_and_end() {
        for (failed, expected) in [(0, Some(500)), (1, Some(1000)), (2, Some(2000)), (3, Some(4000)), (4, None), (5, None)] {
            check(Repeat::Safe, Attempt::Lost, failed, expected);
        }
        let many = Patience { retry_max: 100, ..PATIENCE };
        let pause = decide(Repeat::Safe, Attempt::Lost, Tried { failed: 90, throttled: 0 }, &many, 1.0);
        assert_eq!(pause, Verdict::Again(Duration::from_secs(30)));
    }

    #[test]
    fn the_api_s_own_pause_wins_and_is_bounded() {
        let check = |after: u64, chance: f64, expected: Verdict| {
            let attempt = Attempt::Answered { status: 429, after: Some(Duration::from_secs(after)) };
            assert_eq!(decide(Repeat::Once, attempt, Tried::default(), &PATIENCE, chance), expected, "{after}");
        };
        check(29, 0.0, Verdict::Again(Duration::from_secs(29)));
        check(50, 1.0, Verdict::Again(Duration::from_secs(51)));
        // The hour's limit is waited for.
        check(3600, 0.0, Verdict::Again(Duration::from_secs(3600)));
        check(4000, 0.0, Verdict::Take);
    }

    #[test]
    fn no_retries_means_one_attempt() {
        let never = Patience { retry_max: 0, ..PATIENCE };
        for attempt in [Attempt::Unsent, Attempt::Lost, status(429), status(503)] {
            assert_eq!(decide(Repeat::Safe, attempt, Tried::default(), &never, 0.5), Verdict::Take);
        }
    }
}
