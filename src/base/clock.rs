//! Time: the only file that reads the wall clock.
//!
//! Invariant: everything that waits or stamps does it through a `Clock`, so that a test can make time virtual. A virtual
//! sleep moves the clock to its end at once and lets other tasks run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time: milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// The time from `earlier` to this moment, zero if it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This moment and `span` more.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// RFC 3339 in UTC with seconds, for example `2026-11-22T22:20:29Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(0);
        jiff::Timestamp::from_second(seconds).map(|t| t.to_string()).unwrap_or_default()
    }
}

/// The system's time, at its own speed or faster, or a virtual one.
#[derive(Clone, Debug)]
pub struct Clock(Inner);

#[derive(Clone, Debug)]
enum Inner {
    System,
    Fast(u32),
    Virtual(Arc<AtomicU64>),
}

/// Where the fast clock and the system's agree.
const MEETING: u64 = 1_790_000_000_000;

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Inner::System)
    }

    /// The system's clock, so many times as fast: what waits seconds takes milliseconds, and nothing happens in another order.
    /// Processes that use it at the same speed agree on the time.
    #[must_use]
    pub fn fast(times: u32) -> Self {
        Self(Inner::Fast(times.max(1)))
    }

    /// A clock that stands at `start` until somebody sleeps by it or advances it.
    #[must_use]
    pub fn virtual_at(start: Moment) -> Self {
        Self(Inner::Virtual(Arc::new(AtomicU64::new(start.0))))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Inner::System => Moment(u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)),
            Inner::Fast(times) => {
                let since = since_1970().saturating_sub(Duration::from_millis(MEETING)).saturating_mul(*times);
                Moment(MEETING).plus(since)
            }
            Inner::Virtual(now) => Moment(now.load(Ordering::SeqCst)),
        }
    }

    /// Waits.
    pub async fn sleep(&self, span: Duration) {
        match &self.0 {
            Inner::System => tokio::time::sleep(span).await,
            Inner::Fast(times) => tokio::time::sleep(span / *times).await,
            Inner::Virtual(now) => {
                let end = self.now().plus(span).0;
                tokio::task::yield_now().await;
                now.fetch_max(end, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits in real time; under a virtual clock for ever, as nothing takes time there of itself. For what is only told.
    pub async fn sleep_in_earnest(&self, span: Duration) {
        match &self.0 {
            Inner::System => tokio::time::sleep(span).await,
            Inner::Fast(times) => tokio::time::sleep(span / *times).await,
            Inner::Virtual(_) => std::future::pending().await,
        }
    }

    /// Moves a virtual clock on; the system's clock, fast or not, stays as it is.
    pub fn advance(&self, span: Duration) {
        if let Inner::Virtual(now) = &self.0 {
            now.fetch_max(self.now().plus(span).0, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_clocks_agree_and_run_ahead() {
        let (one, other) = (Clock::fast(1000), Clock::fast(1000));
        let before = one.now();
        assert!(other.now() >= before);
        assert!(before.0 - MEETING > 500 * (Clock::system().now().0 - MEETING));
    }
}
