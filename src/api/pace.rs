//! The request budget: 5000 an hour and 250 a minute for a token, 10 lists of SSH keys a minute.
//!
//! Invariant: all clones of a client share one budget. What the API says in its headers counts; nothing is slowed down
//! before it says so, but for the documented limit of the key list and the rate that the user asks for.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as Ticking;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use reqwest::header::HeaderMap;

use super::request::{Method, Request};
use super::retry::LONGEST_PAUSE;
use dofloat_base::clock::{Clock, Moment, Tick};

const MINUTE: Duration = Duration::from_secs(60);

/// Which limit a request counts against, beside the common one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    Common,
    /// The list of SSH keys has a limit of its own.
    KeyList,
}

impl Bucket {
    pub(crate) fn of(request: &Request) -> Self {
        if request.method == Method::Get && request.path == "/account/keys" { Self::KeyList } else { Self::Common }
    }
}

/// What the headers of an answer say about the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Requests an hour.
    pub(crate) limit: Option<u64>,
    /// How many are left.
    pub(crate) remaining: Option<u64>,
    /// When the oldest request stops counting.
    pub(crate) reset: Option<Duration>,
    /// The pause that is asked for.
    pub(crate) retry_after: Option<Duration>,
}

impl Limits {
    pub(crate) fn read(headers: &HeaderMap, now: Moment) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name: &str| text(name).and_then(|text| text.parse::<u64>().ok());
        // Their clock and ours may differ, so a point in time is taken from their own `date`.
        let theirs = text("date").and_then(seconds).unwrap_or(now.0 / 1000);
        let until = |point: u64| Duration::from_secs(point.saturating_sub(theirs));
        let retry_after = text("retry-after").and_then(|text| match text.parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            Err(_) => seconds(text).map(until),
        });
        Self {
            limit: number("ratelimit-limit"),
            remaining: number("ratelimit-remaining"),
            reset: number("ratelimit-reset").map(until),
            retry_after,
        }
    }

    /// The pause before the next attempt.
    pub(crate) fn pause(&self, status: u16) -> Option<Duration> {
        // Without `retry-after` it is the hour's budget that is used up.
        self.retry_after.or(if status == 429 { self.reset } else { None })
    }
}

/// The seconds since 1970 of an HTTP date.
fn seconds(text: &str) -> Option<u64> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    u64::try_from(time.as_second()).ok()
}

/// The gate that every request passes.
pub(crate) struct Pace {
    clock: Clock,
    rate: Option<RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>>,
    book: Mutex<Book>,
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").finish_non_exhaustive()
    }
}

impl Pace {
    /// A gate; `rate` is requests a second, 0 for no limit of ours.
    pub(crate) fn new(clock: Clock, rate: f64) -> Self {
        let period = if rate > 0.0 { Duration::try_from_secs_f64(1.0 / rate).ok() } else { None };
        let quota = period.and_then(Quota::with_period).map(|quota| quota.allow_burst(NonZeroU32::MIN));
        let rate = quota.map(|quota| RateLimiter::direct_with_clock(quota, Ticks(clock.clone())));
        Self { clock, rate, book: Mutex::default() }
    }

    /// Waits for the request's turn; `tell` gets each pause.
    pub(crate) async fn enter(&self, bucket: Bucket, tell: impl Fn(Duration)) {
        loop {
            let pause = self.turn(bucket);
            if pause.is_zero() {
                return;
            }
            tell(pause);
            self.clock.sleep(pause).await;
        }
    }

    /// Takes note of an answer.
    pub(crate) fn note(&self, bucket: Bucket, status: u16, limits: &Limits) {
        self.book().note(self.clock.tick(), bucket, status, limits);
    }

    /// By how much those who poll should slow down: 1 where the budget is ample.
    pub(crate) fn strain(&self) -> u32 {
        self.book().strain(self.clock.tick())
    }

    /// Zero if it is the request's turn, which then counts.
    fn turn(&self, bucket: Bucket) -> Duration {
        let mut book = self.book();
        let now = self.clock.tick();
        let mut pause = book.pause(now, bucket);
        if pause.is_zero()
            && let Some(rate) = &self.rate
            && let Err(early) = rate.check()
        {
            pause = early.wait_time_from(Ticks(self.clock.clone()).now()).max(Duration::from_millis(1));
        }
        if pause.is_zero() {
            book.count(now, bucket);
        }
        pause
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Our clock, as the rate limiter reads it.
#[derive(Clone)]
struct Ticks(Clock);

impl Ticking for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.tick().0)
    }
}

/// What is known of the budget. Pure.
#[derive(Debug, Default)]
struct Book {
    common: Window,
    keys: Window,
    /// Whether the minute's limit was hit once; from then on it is kept by ourselves.
    hit: bool,
    limit: Option<u64>,
    remaining: Option<u64>,
}

/// The requests of the last minute, and until when nothing may be sent.
#[derive(Debug, Default)]
struct Window {
    sent: VecDeque<Tick>,
    until: Option<Tick>,
}

impl Window {
    fn pause(&mut self, now: Tick, most: Option<usize>) -> Duration {
        while self.sent.front().is_some_and(|sent| now.since(*sent) >= MINUTE) {
            self.sent.pop_front();
        }
        let told = self.until.map_or(Duration::ZERO, |until| until.since(now).min(LONGEST_PAUSE));
        let full = most.filter(|most| self.sent.len() >= *most).and_then(|most| self.sent.get(self.sent.len() - most));
        told.max(full.map_or(Duration::ZERO, |oldest| oldest.plus(MINUTE).since(now).min(MINUTE)))
    }

    fn hold(&mut self, now: Tick, pause: Duration) {
        let until = now.plus(pause.min(LONGEST_PAUSE));
        self.until = Some(self.until.map_or(until, |earlier| earlier.max(until)));
    }
}

impl Book {
    fn pause(&mut self, now: Tick, bucket: Bucket) -> Duration {
        let common = self.common.pause(now, self.hit.then(|| self.minute()));
        match bucket {
            Bucket::Common => common,
            Bucket::KeyList => common.max(self.keys.pause(now, Some(10))),
        }
    }

    fn count(&mut self, now: Tick, bucket: Bucket) {
        self.common.sent.push_back(now);
        if bucket == Bucket::KeyList {
            self.keys.sent.push_back(now);
        }
    }

    fn note(&mut self, now: Tick, bucket: Bucket, status: u16, limits: &Limits) {
        self.limit = limits.limit.or(self.limit);
        self.remaining = limits.remaining.or(self.remaining);
        match (status, bucket) {
            (429, Bucket::KeyList) => self.keys.hold(now, limits.pause(status).unwrap_or_default()),
            (429, Bucket::Common) => {
                self.hit |= limits.retry_after.is_some();
                self.common.hold(now, limits.pause(status).unwrap_or_default());
            }
            _ if limits.remaining == Some(0) => self.common.hold(now, limits.reset.unwrap_or_default()),
            _ => {}
        }
    }

    /// Requests a minute: "5% of the hourly total", 250 for most.
    fn minute(&self) -> usize {
        usize::try_from(self.limit.unwrap_or(0) / 20).unwrap_or(usize::MAX).max(250)
    }

    fn strain(&mut self, now: Tick) -> u32 {
        self.common.pause(now, None);
        let (used, most) = (self.common.sent.len(), self.minute());
        let minute = if used * 2 < most {
            1
        } else if used * 5 < most * 4 {
            2
        } else {
            4
        };
        let hour = match (self.remaining, self.limit) {
            (Some(left), Some(limit)) if left.saturating_mul(10) < limit => 4,
            (Some(left), Some(limit)) if left.saturating_mul(3) < limit => 2,
            _ => 1,
        };
        minute.max(hour)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const TODAY: Moment = Moment(1_800_000_000_000);
    const START: Tick = Tick(7);

    fn after(seconds: u64) -> Tick {
        START.plus(Duration::from_secs(seconds))
    }

    fn said(limit: u64, remaining: u64, reset: u64, retry_after: Option<u64>) -> Limits {
        let reset = Some(Duration::from_secs(reset));
        Limits { limit: Some(limit), remaining: Some(remaining), reset, retry_after: retry_after.map(Duration::from_secs) }
    }

    fn check(book: &mut Book, at: u64, bucket: Bucket, expected: u64) {
        assert_eq!(book.pause(after(at), bucket), Duration::from_secs(expected), "at {at} {bucket:?}");
    }

    #[test]
    fn headers_are_read() {
        let check = |rows: &[(&'static str, &'static str)], expected: Limits| {
            let headers = rows.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(Limits::read(&headers.collect(), TODAY), expected, "{rows:?}");
        };
        check(&[], Limits::default());
        check(
            &[
                ("ratelimit-limit", "5000"),
                ("ratelimit-remaining", "0"),
                ("ratelimit-reset", "784111807"),
                ("retry-after", "29"),
                ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ],
            said(5000, 0, 30, Some(29)),
        );
        let ours = Limits { reset: Some(Duration::from_secs(7)), ..Limits::default() };
        check(&[("ratelimit-reset", "1800000007")], ours);
        check(&[("ratelimit-reset", "soon"), ("retry-after", "-1"), ("ratelimit-limit", "many")], Limits::default());
        let dated = Limits { retry_after: Some(Duration::from_secs(3)), ..Limits::default() };
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")], dated);
    }

    #[test]
    fn nothing_is_held_up_before_the_api_says_so() {
        let mut book = Book::default();
        for _ in 0..1000 {
            check(&mut book, 0, Bucket::Common, 0);
            book.count(START, Bucket::Common);
        }
        book.note(START, Bucket::Common, 200, &said(5000, 4000, 1800, None));
        check(&mut book, 0, Bucket::Common, 0);
    }

    #[test]
    fn a_refusal_holds_up_everybody() {
        let mut book = Book::default();
        book.note(START, Bucket::Common, 429, &said(5000, 0, 1800, Some(29)));
        check(&mut book, 0, Bucket::Common, 29);
        check(&mut book, 20, Bucket::KeyList, 9);
        check(&mut book, 29, Bucket::Common, 0);
    }

    #[test]
    fn once_hit_the_minute_is_kept() {
        let mut book = Book::default();
        for _ in 0..250 {
            book.count(START, Bucket::Common);
        }
        book.note(START, Bucket::Common, 429, &said(5000, 0, 1800, Some(1)));
        check(&mut book, 2, Bucket::Common, 58);
        check(&mut book, 60, Bucket::Common, 0);
    }

    #[test]
    fn an_hour_used_up_is_waited_for_in_bounds() {
        let mut book = Book::default();
        book.note(START, Bucket::Common, 200, &said(5000, 0, 40, None));
        check(&mut book, 0, Bucket::Common, 40);
        book.note(START, Bucket::Common, 429, &said(5000, 0, 3000, None));
        check(&mut book, 0, Bucket::Common, LONGEST_PAUSE.as_secs());
    }

    #[test]
    fn the_key_list_has_a_limit_of_its_own() {
        let mut book = Book::default();
        for second in 0..10 {
            check(&mut book, second, Bucket::KeyList, 0);
            book.count(after(second), Bucket::KeyList);
        }
        check(&mut book, 10, Bucket::KeyList, 50);
        check(&mut book, 10, Bucket::Common, 0);
        check(&mut book, 60, Bucket::KeyList, 0);
        book.note(after(60), Bucket::KeyList, 429, &said(5000, 0, 1800, Some(7)));
        check(&mut book, 60, Bucket::KeyList, 7);
        check(&mut book, 60, Bucket::Common, 0);
    }

    #[test]
    fn polling_slows_down_as_the_budget_shrinks() {
        let check = |used: usize, remaining: u64, expected: u32| {
            let mut book = Book::default();
            for _ in 0..used {
                book.count(START, Bucket::Common);
            }
            book.note(START, Bucket::Common, 200, &said(5000, remaining, 1800, None));
            assert_eq!(book.strain(START), expected, "{used} used, {remaining} left");
        };
        check(0, 5000, 1);
        check(124, 4000, 1);
        check(125, 4000, 2);
        check(200, 4000, 4);
        check(0, 1600, 2);
        check(0, 400, 4);
    }

    #[tokio::test]
    async fn the_asked_rate_is_kept_on_a_virtual_clock() {
        let clock = Clock::virtual_at(TODAY);
        let start = clock.tick();
        let pace = Pace::new(clock.clone(), 4.0);
        for _ in 0..9 {
            pace.enter(Bucket::Common, |_| ()).await;
        }
        assert_eq!(clock.tick().since(start), Duration::from_secs(2));
    }
}
