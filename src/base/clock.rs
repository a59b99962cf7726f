//! Time: the only file that reads the wall clock.
//!
//! Invariant: everything that waits or stamps does it through a `Clock`, so that a test can make time virtual. A virtual
//! sleep moves the clock to its end at once and lets other tasks run. Spans are measured between `Tick`s and never between
//! `Moment`s: people and NTP set the wall clock, and two machines never agree on it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

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
        Self(self.0.saturating_add(millis(span)))
    }

    /// RFC 3339 in UTC with six digits behind the seconds, as Terraform's stream has it: `2026-11-22T22:20:29.042000Z`.
    #[must_use]
    pub fn to_rfc3339_micros(self) -> String {
        let seconds = self.to_rfc3339();
        format!("{}.{:03}000Z", seconds.trim_end_matches('Z'), self.0 % 1000)
    }

    /// RFC 3339 in UTC with seconds, for example `2026-11-22T22:20:29Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(0);
        jiff::Timestamp::from_second(seconds).map(|t| t.to_string()).unwrap_or_default()
    }
}

/// A point of the monotonic clock: milliseconds since its `Clock` was made. Nobody can set it; it means nothing to another
/// process, or to another clock of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The time from `earlier` to this tick, zero if it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This tick and `span` more.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

/// The system's time, at its own speed or faster, or a virtual one.
#[derive(Clone, Debug)]
pub struct Clock(Inner, Option<Arc<Setting>>);

/// A wall clock that is wrong, or that somebody sets.
#[derive(Debug)]
struct Setting {
    /// By so many milliseconds.
    by: i64,
    /// How often it is read before.
    left: AtomicU64,
}

#[derive(Clone, Debug)]
enum Inner {
    System(Instant),
    Fast(Instant, u32),
    Virtual(Arc<Stage>),
    Stepped(Arc<Steps>),
}

/// Time that moves from sleeper to sleeper.
#[derive(Debug)]
struct Steps {
    start: Moment,
    passed: AtomicU64,
    /// By their ends, and in the order in which they went to sleep.
    sleepers: Mutex<BTreeMap<(u64, u64), oneshot::Sender<()>>>,
    order: AtomicU64,
}

/// How often everything else may go on before a stepped clock takes it that all of it sleeps. A wake-up passes through a few
/// tasks (a channel, a lock) on its way to the next sleep; each takes one turn.
const TURNS: usize = 100;

impl Steps {
    async fn sleep(&self, span: Duration) {
        let (wake, woken) = oneshot::channel();
        let key = (self.passed.load(Ordering::SeqCst).saturating_add(millis(span)), self.order.fetch_add(1, Ordering::SeqCst));
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner).insert(key, wake);
        // The sender goes only with the clock, which this future borrows.
        let _ = woken.await;
    }

    /// Moves on to the end of the first sleep that somebody still waits for, and ends all that end then.
    fn step(&self) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        sleepers.retain(|_, wake| !wake.is_closed());
        let Some((&(end, _), _)) = sleepers.first_key_value() else { return };
        self.passed.fetch_max(end, Ordering::SeqCst);
        while let Some(entry) = sleepers.first_entry().filter(|entry| entry.key().0 <= end) {
            let _ = entry.remove().send(());
        }
    }
}

/// Virtual time.
#[derive(Debug)]
struct Stage {
    /// Milliseconds since it was set up.
    passed: AtomicU64,
    /// What the wall clock shows beyond that.
    wall: AtomicU64,
    /// By how much the wall clock leaps each time that somebody reads it.
    leap: Duration,
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
        Self(Inner::System(instant()), None)
    }

    /// The system's clock, so many times as fast: what waits seconds takes milliseconds, and nothing happens in another order.
    /// Processes that use it at the same speed agree on the time.
    #[must_use]
    pub fn fast(times: u32) -> Self {
        Self(Inner::Fast(instant(), times.max(1)), None)
    }

    /// A clock that stands at `start` until somebody sleeps by it or advances it.
    #[must_use]
    pub fn virtual_at(start: Moment) -> Self {
        Self::leaping(start, Duration::ZERO)
    }

    /// A virtual clock whose wall clock leaps ahead by so much each time that it is read, as if somebody set it all the time.
    #[must_use]
    pub fn leaping(start: Moment, leap: Duration) -> Self {
        Self(Inner::Virtual(Arc::new(Stage { passed: AtomicU64::new(0), wall: AtomicU64::new(start.0), leap })), None)
    }

    /// A clock that moves on to the end of the next sleep once everything else sleeps: many can wait at a time, and each wakes
    /// at its own moment. It moves only while somebody `drive`s it, on a runtime of one thread, with no input or output under way.
    #[must_use]
    pub fn stepped(start: Moment) -> Self {
        let steps = Steps { start, passed: AtomicU64::new(0), sleepers: Mutex::default(), order: AtomicU64::new(0) };
        Self(Inner::Stepped(Arc::new(steps)), None)
    }

    /// Does the work, and moves a stepped clock on meanwhile.
    pub async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        self.drive_by(TURNS, work).await
    }

    /// The same, where everything else may go on so often before the clock moves. With fewer turns than a wake-up needs, the clock
    /// moves on while somebody is still about to sleep: another order of events, as good as any.
    pub async fn drive_by<T>(&self, turns: usize, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            for _ in 0..turns {
                tokio::select! {
                    biased;
                    done = &mut work => return done,
                    () = tokio::task::yield_now() => {}
                }
            }
            if let Inner::Stepped(steps) = &self.0 {
                steps.step();
            }
        }
    }

    /// The same clock with a wall clock that is set by so many milliseconds once it was read so often: from the start with 0.
    #[must_use]
    pub fn set_by(self, millis: i64, after: u64) -> Self {
        Self(self.0, Some(Arc::new(Setting { by: millis, left: AtomicU64::new(after) })))
    }

    /// What the wall clock shows: for stamps, and for what people read.
    #[must_use]
    pub fn now(&self) -> Moment {
        let right = self.right();
        match &self.1 {
            Some(setting) if setting.is_due() => Moment(right.0.saturating_add_signed(setting.by)),
            _ => right,
        }
    }

    fn right(&self) -> Moment {
        match &self.0 {
            Inner::System(_) => Moment(millis(since_1970())),
            Inner::Fast(_, times) => {
                let since = since_1970().saturating_sub(Duration::from_millis(MEETING)).saturating_mul(*times);
                Moment(MEETING).plus(since)
            }
            Inner::Virtual(stage) => {
                let wall = stage.wall.fetch_add(millis(stage.leap), Ordering::SeqCst);
                Moment(wall.saturating_add(stage.passed.load(Ordering::SeqCst)))
            }
            Inner::Stepped(steps) => Moment(steps.start.0.saturating_add(steps.passed.load(Ordering::SeqCst))),
        }
    }

    /// The present tick of the monotonic clock: for spans, limits and pauses.
    #[must_use]
    pub fn tick(&self) -> Tick {
        match &self.0 {
            Inner::System(start) => Tick(millis(start.elapsed())),
            Inner::Fast(start, times) => Tick(millis(start.elapsed().saturating_mul(*times))),
            Inner::Virtual(stage) => Tick(stage.passed.load(Ordering::SeqCst)),
            Inner::Stepped(steps) => Tick(steps.passed.load(Ordering::SeqCst)),
        }
    }

    /// Waits.
    pub async fn sleep(&self, span: Duration) {
        match &self.0 {
            Inner::System(_) => tokio::time::sleep(span).await,
            Inner::Fast(_, times) => tokio::time::sleep(span / *times).await,
            Inner::Virtual(stage) => {
                let end = self.tick().plus(span).0;
                tokio::task::yield_now().await;
                stage.passed.fetch_max(end, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
            Inner::Stepped(steps) => steps.sleep(span).await,
        }
    }

    /// Waits in real time; under a virtual clock for ever, as nothing takes time there of itself. For what is only told.
    pub async fn sleep_in_earnest(&self, span: Duration) {
        match &self.0 {
            Inner::System(_) => tokio::time::sleep(span).await,
            Inner::Fast(_, times) => tokio::time::sleep(span / *times).await,
            Inner::Virtual(_) | Inner::Stepped(_) => std::future::pending().await,
        }
    }

    /// Moves a virtual clock on; the system's clock, fast or not, stays as it is.
    pub fn advance(&self, span: Duration) {
        if let Inner::Virtual(stage) = &self.0 {
            stage.passed.fetch_max(self.tick().plus(span).0, Ordering::SeqCst);
        }
    }

    /// Sets a virtual clock's wall clock, as a person or NTP does; no time passes.
    pub fn set(&self, to: Moment) {
        if let Inner::Virtual(stage) = &self.0 {
            stage.wall.store(to.0.saturating_sub(stage.passed.load(Ordering::SeqCst)), Ordering::SeqCst);
        }
    }
}

impl Setting {
    /// Counts a reading: whether it was read often enough.
    fn is_due(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the monotonic clock")]
fn instant() -> Instant {
    Instant::now()
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

    #[tokio::test]
    async fn a_stepped_clock_wakes_each_sleeper_at_its_own_moment() {
        let clock = Clock::stepped(Moment(1_000));
        let woken = Mutex::new(Vec::new());
        let sleeper = async |name: &'static str, spans: &[u64]| {
            for span in spans {
                clock.sleep(Duration::from_millis(*span)).await;
                woken.lock().unwrap().push((name, clock.tick().0));
            }
        };
        let left = async { tokio::time::timeout(Duration::ZERO, clock.sleep(Duration::from_millis(10))).await };
        let all = async { tokio::join!(sleeper("a", &[70, 10]), sleeper("b", &[20, 20, 50]), left) };
        let _ = clock.drive(all).await;
        assert_eq!(*woken.lock().unwrap(), [("b", 20), ("b", 40), ("a", 70), ("a", 80), ("b", 90)]);
        assert_eq!(clock.now(), Moment(1_090));
    }

    #[test]
    fn no_span_passes_when_the_wall_clock_is_set() {
        let clock = Clock::virtual_at(Moment(5_000_000));
        clock.advance(Duration::from_secs(1));
        let (tick, hour) = (clock.tick(), 3_600_000);
        for to in [Moment(5_001_000 + hour), Moment(5_001_000 - hour)] {
            clock.set(to);
            assert_eq!((clock.now(), clock.tick()), (to, tick));
        }
        let late = Clock::virtual_at(Moment(9_000)).set_by(-4_000, 2);
        assert_eq!([late.now(), late.now(), late.now(), late.now()].map(|now| now.0), [9_000, 9_000, 5_000, 5_000]);
        let leaping = Clock::leaping(Moment(0), Duration::from_secs(2));
        assert_eq!((leaping.now(), leaping.now(), leaping.tick()), (Moment(0), Moment(2_000), Tick(0)));
    }
}
