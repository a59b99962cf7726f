//! The request budget: 5000 an hour and 250 a minute for a token, 10 lists of SSH keys a minute, and in some accounts so many new
//! reserved addresses a minute.
//!
//! Invariant: all clones of a client share one budget. What the API says in its headers counts: the minute's limit, which is
//! only documented, is kept where the headers show that requests are counted, and what others use of the same account is seen
//! in what the headers lose beyond our own requests. A part is left to them. A refusal that could be foreseen is not asked for.

mod side;

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

use self::side::Side;
use super::request::{Method, Request};
use dofloat_base::clock::{Clock, Moment, Tick};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The documented limit of the list of SSH keys, a minute.
const KEY_LISTS: usize = 10;
/// For so many changes one more look is needed, more or less.
const SHARED: u64 = 10;
/// When it is looked again whether something under way was answered.
const SOON: Duration = Duration::from_millis(100);

/// Which limit a request counts against, beside the common one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    Common,
    /// The list of SSH keys has a limit of its own.
    KeyList,
    /// So may the reservation of addresses: 12 a minute, by an older document.
    Address,
}

impl Bucket {
    pub(crate) fn of(request: &Request) -> Self {
        match (request.method, request.path.as_str()) {
            (Method::Get, "/account/keys") => Self::KeyList,
            (Method::Post, "/reserved_ips") => Self::Address,
            _ => Self::Common,
        }
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

/// By how many seconds `now` is ahead of the clock that an answer's `date` goes by.
pub(crate) fn ahead(headers: &HeaderMap, now: Moment) -> Option<i64> {
    let theirs = seconds(headers.get("date")?.to_str().ok()?.trim())?;
    i64::try_from(now.0 / 1000).ok()?.checked_sub(i64::try_from(theirs).ok()?)
}

/// The seconds since 1970 of an HTTP date.
fn seconds(text: &str) -> Option<u64> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    u64::try_from(time.as_second()).ok()
}

/// Which limit holds a request up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// That of a minute.
    Minute,
    /// That of an hour.
    Hour,
    /// That of the list of SSH keys.
    KeyList,
    /// That of new reserved addresses.
    Address,
    /// The rate that the user asks for.
    Configured,
}

/// The budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Which limit it is.
    pub limit: Limit,
    /// How many requests it allows.
    pub most: u64,
    /// How many of them are left, those for others included.
    pub left: u64,
    /// When it goes on.
    pub until: Moment,
}

/// What is left of the budget, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Requests that can be sent at once.
    pub now: u64,
    /// Requests in each further minute.
    pub a_minute: u64,
    /// Requests that are left of the hour.
    pub of_hour: u64,
    /// When the first of the hour's requests stops counting.
    pub until: Moment,
    /// Requests an hour.
    pub an_hour: u64,
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

/// A request that was let in. It counts as under way until this goes.
#[derive(Debug)]
pub(crate) struct Entry<'a>(&'a Pace);

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.0.book().ended(self.0.clock.tick());
    }
}

/// One that waits to change something.
struct Queued<'a>(&'a Pace);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.book().changes -= 1;
    }
}

impl Pace {
    /// A gate; `rate` is requests a second, 0 for no limit of ours, `reserve` requests a minute that are left to others.
    pub(crate) fn new(clock: Clock, rate: f64, reserve: u64) -> Self {
        let period = if rate > 0.0 { Duration::try_from_secs_f64(1.0 / rate).ok() } else { None };
        let quota = period.and_then(Quota::with_period).map(|quota| quota.allow_burst(NonZeroU32::MIN));
        let rate = quota.map(|quota| RateLimiter::direct_with_clock(quota, Ticks(clock.clone())));
        Self { clock, rate, book: Mutex::new(Book { reserve, ..Book::new() }) }
    }

    /// Waits for the request's turn; `tell` gets each pause. What changes something goes before what only reads.
    pub(crate) async fn enter(&self, bucket: Bucket, changes: bool, tell: impl Fn(Duration, Shortage)) -> Entry<'_> {
        let (start, mut queued) = (self.clock.tick(), None);
        loop {
            // A read that has waited for so long is as urgent as a change: somebody waits for what it tells.
            let urgent = changes || self.clock.tick().since(start) >= MINUTE;
            let Some((pause, shortage)) = self.turn(bucket, urgent, queued.is_some()) else {
                if changes {
                    let mut book = self.book();
                    book.expected = book.expected.saturating_sub(1);
                }
                return Entry(self);
            };
            if urgent && queued.is_none() {
                self.book().changes += 1;
                queued = Some(Queued(self));
            }
            tell(pause, shortage);
            self.clock.sleep(pause).await;
        }
    }

    /// Takes note of an answer.
    pub(crate) fn note(&self, bucket: Bucket, status: u16, limits: &Limits) {
        self.book().note(self.clock.tick(), bucket, status, limits);
    }

    /// Which limit a refused request met.
    pub(crate) fn refused(&self, bucket: Bucket, pause: Duration) -> Option<Shortage> {
        let (limit, most, left) = self.book().met(self.clock.tick(), bucket)?;
        Some(Shortage { limit, most, left, until: self.clock.now().plus(pause) })
    }

    /// Takes note of how many requests are to change something from now on.
    pub(crate) fn expect(&self, changes: u64) {
        self.book().expected = changes;
    }

    /// By how much those who poll should slow down: 1 where the budget is ample.
    pub(crate) fn strain(&self) -> u32 {
        self.book().strain(self.clock.tick())
    }

    /// What is left; nothing where the API counts no requests, or has not said so yet.
    pub(crate) fn left(&self) -> Option<Left> {
        let (now, moment) = (self.clock.tick(), self.clock.now());
        self.book().left(now, moment)
    }

    /// Nothing if it is the request's turn, which then counts.
    fn turn(&self, bucket: Bucket, urgent: bool, queued: bool) -> Option<(Duration, Shortage)> {
        let mut book = self.book();
        let now = self.clock.tick();
        let before = if urgent { 0 } else { book.changes };
        let mut held = book.pause(now, bucket, before);
        if held.is_none()
            && let Some(rate) = &self.rate
            && let Err(early) = rate.check()
        {
            let pause = early.wait_time_from(Ticks(self.clock.clone()).now()).max(Duration::from_millis(1));
            held = Some(Held { pause, limit: Limit::Configured, most: 0, left: 0 });
        }
        let Some(Held { pause, limit, most, left }) = held else {
            book.count(now, bucket);
            return None;
        };
        // One that only lets others pass looks again soon: they may be gone by then.
        let pause = if urgent || queued { pause } else { pause.min(MINUTE) };
        Some((pause, Shortage { limit, most, left, until: self.clock.now().plus(pause) }))
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

/// A request that is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    pause: Duration,
    limit: Limit,
    most: u64,
    left: u64,
}

/// What is known of the budget. Pure.
#[derive(Debug, Default)]
struct Book {
    /// What counts against the minute: when, and how many. Ours are stamped when they are answered, so that by the API's clock
    /// they cannot have come later.
    recent: VecDeque<(Tick, u64)>,
    keys: Side,
    addresses: Side,
    /// Sent, and not answered yet.
    under_way: u64,
    /// Sent since the start.
    sent: u64,
    /// How many wait to change something.
    changes: u64,
    /// How many more are to change something, as far as it is known.
    expected: u64,
    /// How many a minute are left to others.
    reserve: u64,
    /// Until when nothing may be sent, by the API's own word.
    until: Option<(Tick, Limit)>,
    /// Whether the minute's limit was hit once.
    hit: bool,
    account: Option<Account>,
}

/// What the headers tell of the hour.
#[derive(Clone, Copy, Debug)]
struct Account {
    limit: u64,
    /// What was left at the last answer, less what was sent since.
    left: u64,
    remaining: u64,
    reset: Tick,
    /// Whether the count moves: an API that counts nothing says the same each time.
    moves: bool,
    /// What others have used, counted from here.
    base: u64,
    others: u64,
    based: Tick,
}

impl Book {
    fn new() -> Self {
        Self { keys: Side::of(KEY_LISTS), ..Self::default() }
    }

    fn pause(&mut self, now: Tick, bucket: Bucket, before: u64) -> Option<Held> {
        while self.recent.front().is_some_and(|(at, _)| now.since(*at) >= MINUTE) {
            self.recent.pop_front();
        }
        let told = self.until.filter(|(until, _)| *until > now).map(|(until, limit)| {
            let (most, left) = match (limit, &self.account) {
                (Limit::Hour, Some(account)) => (account.limit, account.remaining),
                _ => (self.minute(), 0),
            };
            Held { pause: until.since(now), limit, most, left }
        });
        let own = self.of_side(now, bucket);
        [told, self.of_minute(now, before), self.of_hour(now), own].into_iter().flatten().max_by_key(|held| held.pause)
    }

    /// The limit that was met last.
    fn met(&mut self, now: Tick, bucket: Bucket) -> Option<(Limit, u64, u64)> {
        if let Some(held) = self.of_side(now, bucket) {
            return Some((held.limit, held.most, 0));
        }
        let (_, limit) = self.until?;
        let most = if limit == Limit::Hour { self.account.map_or(5000, |account| account.limit) } else { self.minute() };
        Some((limit, most, 0))
    }

    /// The limit that a sort of request has of its own.
    fn side(&mut self, bucket: Bucket) -> Option<(&mut Side, Limit)> {
        match bucket {
            Bucket::Common => None,
            Bucket::KeyList => Some((&mut self.keys, Limit::KeyList)),
            Bucket::Address => Some((&mut self.addresses, Limit::Address)),
        }
    }

    fn of_side(&mut self, now: Tick, bucket: Bucket) -> Option<Held> {
        let (side, limit) = self.side(bucket)?;
        let (pause, most) = side.pause(now)?;
        Some(Held { pause, limit, most, left: 0 })
    }

    /// Whether a refusal is by the limit that a sort of request has of its own: an address is refused although the common limits
    /// allow more.
    fn is_own(&self, bucket: Bucket, limits: &Limits) -> bool {
        match bucket {
            Bucket::Common => false,
            Bucket::KeyList => true,
            Bucket::Address => {
                let hour = self.account.is_none_or(|account| account.left > 0);
                hour && (limits.remaining.is_some_and(|remaining| remaining > 0) || self.used() * 2 < self.minute())
            }
        }
    }

    /// How long the minute's limit holds up a request that lets `before` others pass.
    fn of_minute(&self, now: Tick, before: u64) -> Option<Held> {
        let (most, used) = (self.minute(), self.used());
        let ours = most.saturating_sub(self.reserve.min(most / 2));
        let over = (used + before + 1).saturating_sub(ours);
        if !self.keeps_the_minute() || over == 0 {
            return None;
        }
        let mut gone = 0;
        let free = self.recent.iter().find(|(_, count)| {
            gone += count;
            gone >= over
        });
        // What is under way is not stamped yet.
        let pause = free.map_or(SOON, |(at, _)| at.plus(MINUTE).since(now)).max(Duration::from_millis(1));
        Some(Held { pause, limit: Limit::Minute, most, left: most.saturating_sub(used) })
    }

    fn of_hour(&self, now: Tick) -> Option<Held> {
        let account = self.account.filter(|account| account.moves && account.left <= self.of_others(account.limit))?;
        // One may ask once the first of those that count does so no more; its answer tells how many are left by then.
        let pause = if self.under_way > 0 { account.reset.since(now).max(SOON) } else { account.reset.since(now) };
        (!pause.is_zero()).then_some(Held { pause, limit: Limit::Hour, most: account.limit, left: account.remaining })
    }

    /// Whether the minute's limit counts here: some APIs count nothing.
    fn keeps_the_minute(&self) -> bool {
        self.hit || self.account.is_some_and(|account| account.moves)
    }

    /// Of the hour's requests, those that are left to others: as large a part as of a minute's.
    fn of_others(&self, limit: u64) -> u64 {
        let most = self.minute();
        limit.saturating_mul(self.reserve.min(most / 2)) / most.max(1)
    }

    fn used(&self) -> u64 {
        self.under_way + self.recent.iter().map(|(_, count)| count).sum::<u64>()
    }

    fn count(&mut self, now: Tick, bucket: Bucket) {
        self.under_way += 1;
        self.sent += 1;
        if let Some(account) = &mut self.account {
            account.left = account.left.saturating_sub(1);
        }
        if let Some((side, _)) = self.side(bucket) {
            side.count(now);
        }
    }

    fn ended(&mut self, now: Tick) {
        self.under_way = self.under_way.saturating_sub(1);
        self.recent.push_back((now, 1));
    }

    fn note(&mut self, now: Tick, bucket: Bucket, status: u16, limits: &Limits) {
        let pause = limits.pause(status).unwrap_or_default();
        let is_own = self.is_own(bucket, limits);
        if let Some((side, _)) = self.side(bucket) {
            if status == 429 && is_own { side.refused(now, pause) } else { side.granted(now) }
        }
        match status {
            429 if is_own => {}
            429 => {
                let limit = if limits.retry_after.is_some() { Limit::Minute } else { Limit::Hour };
                self.hit |= limit == Limit::Minute;
                self.until = self.until.max(Some((now.plus(pause), limit)));
            }
            _ => self.learn(now, limits),
        }
    }

    /// Learns from the headers what is left, and what others have used of it.
    fn learn(&mut self, now: Tick, limits: &Limits) {
        let (Some(limit), Some(remaining)) = (limits.limit, limits.remaining) else { return };
        // It is told in whole seconds.
        let reset = now.plus(limits.reset.unwrap_or(HOUR) + Duration::from_secs(1));
        let used = limit.saturating_sub(remaining);
        let left = remaining.saturating_sub(self.under_way.saturating_sub(1));
        let Some(before) = self.account else {
            // How many of the hour's requests were sent within the last minute is not said; that of the first one is.
            let age = HOUR.saturating_sub(limits.reset.unwrap_or_default()).max(Duration::from_secs(1));
            let earlier = used.saturating_sub(1);
            let late = if age <= MINUTE { earlier } else { earlier.saturating_mul(MINUTE.as_secs()) / age.as_secs() };
            if late > 0 {
                self.recent.push_back((now, late));
            }
            let base = used.saturating_sub(1);
            self.account = Some(Account { limit, left, remaining, reset, moves: false, base, others: 0, based: now });
            return;
        };
        let moves = before.moves || remaining != before.remaining;
        // At least so many are not ours: all that we have sent may be counted already.
        let others = used.saturating_sub(before.base).saturating_sub(self.sent).max(before.others);
        if others > before.others {
            self.recent.push_back((now, others - before.others));
        }
        let (base, others, based) = match now.since(before.based) >= MINUTE && self.under_way <= 1 {
            // What stops counting after an hour hides what comes anew.
            true => (used.saturating_sub(self.sent), 0, now),
            false => (before.base, others, before.based),
        };
        self.account = Some(Account { limit, left, remaining, reset, moves, base, others, based });
    }

    /// Requests a minute: "5% of the hourly total", 250 for most.
    fn minute(&self) -> u64 {
        (self.account.map_or(0, |account| account.limit) / 20).max(250)
    }

    fn strain(&mut self, now: Tick) -> u32 {
        let _ = self.pause(now, Bucket::Common, 0);
        // What is yet to be changed needs its part: a look that takes it holds up a change.
        let expected = self.expected.saturating_add(self.expected / SHARED);
        let (used, most) = (self.used().saturating_add(expected), self.minute());
        let minute = if used * 2 < most || !self.keeps_the_minute() {
            1
        } else if used * 5 < most * 4 {
            2
        } else if used * 10 < most.saturating_sub(self.reserve.min(most / 2)) * 9 {
            4
        } else {
            8
        };
        let hour = match self.account {
            Some(Account { limit, remaining, .. }) if remaining.saturating_mul(10) < limit => 4,
            Some(Account { limit, remaining, .. }) if remaining.saturating_mul(3) < limit => 2,
            _ => 1,
        };
        minute.max(hour)
    }

    fn left(&mut self, now: Tick, moment: Moment) -> Option<Left> {
        let _ = self.pause(now, Bucket::Common, 0);
        let account = self.account.filter(|account| account.moves)?;
        let (most, of_hour) = (self.minute(), account.left.saturating_sub(self.of_others(account.limit)));
        let a_minute = most.saturating_sub(self.reserve.min(most / 2));
        Some(Left {
            now: a_minute.saturating_sub(self.used()).min(of_hour),
            a_minute,
            of_hour,
            until: moment.plus(account.reset.since(now)),
            an_hour: account.limit,
        })
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

    #[track_caller]
    fn check(book: &mut Book, at: u64, bucket: Bucket, expected: u64) {
        let pause = book.pause(after(at), bucket, 0).map(|held| held.pause).unwrap_or_default();
        assert_eq!(pause, Duration::from_secs(expected), "at {at} {bucket:?}");
    }

    /// Sends so many and answers them, the hour's count going on from `used`.
    fn spend(book: &mut Book, at: u64, count: u64, used: u64) {
        for nth in 1..=count {
            book.count(after(at), Bucket::Common);
            book.note(after(at), Bucket::Common, 200, &said(5000, 5000 - used - nth, 3600 - at, None));
            book.ended(after(at));
        }
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
    fn an_api_that_counts_nothing_holds_nothing_up() {
        let mut book = Book::new();
        for _ in 0..1000 {
            check(&mut book, 0, Bucket::Common, 0);
            book.count(START, Bucket::Common);
            book.note(START, Bucket::Common, 200, &said(5000, 4999, 1800, None));
            book.ended(START);
        }
        assert_eq!(book.left(START, TODAY), None);
    }

    #[test]
    fn the_minute_is_kept_before_it_is_hit_and_a_part_is_left_to_others() {
        let mut book = Book { reserve: 10, ..Book::new() };
        spend(&mut book, 0, 239, 0);
        check(&mut book, 1, Bucket::Common, 0);
        spend(&mut book, 1, 1, 239);
        check(&mut book, 1, Bucket::Common, 59);
        let held = book.pause(after(1), Bucket::Common, 0).expect("it is held up");
        assert_eq!((held.limit, held.most, held.left), (Limit::Minute, 250, 10));
        // What only reads waits until those that change something have passed.
        check(&mut book, 60, Bucket::Common, 0);
        assert_eq!(book.pause(after(60), Bucket::Common, 239).map(|held| held.pause), Some(Duration::from_secs(1)));
    }

    #[test]
    fn what_is_under_way_counts_from_its_answer() {
        let mut book = Book::new();
        spend(&mut book, 0, 2, 0);
        for _ in 0..248 {
            book.count(after(0), Bucket::Common);
        }
        check(&mut book, 30, Bucket::Common, 30);
        book.recent.clear();
        (0..248).for_each(|_| book.ended(after(31)));
        check(&mut book, 60, Bucket::Common, 0);
        (0..2).for_each(|_| book.count(after(60), Bucket::Common));
        check(&mut book, 60, Bucket::Common, 31);
    }

    #[test]
    fn what_others_use_is_seen_in_what_the_headers_lose() {
        let mut book = Book::new();
        // Another one has asked 100 times within the minute before, as the age of the first of them says.
        book.count(START, Bucket::Common);
        book.note(START, Bucket::Common, 200, &said(5000, 4899, 3570, None));
        book.ended(START);
        assert_eq!(book.used(), 101);
        // And asks another 50 times beside our next one.
        book.count(after(1), Bucket::Common);
        book.note(after(1), Bucket::Common, 200, &said(5000, 4848, 3569, None));
        book.ended(after(1));
        assert_eq!(book.used(), 152);
        spend(&mut book, 2, 98, 152);
        check(&mut book, 2, Bucket::Common, 58);
    }

    #[test]
    fn a_refusal_holds_up_everybody() {
        let mut book = Book::new();
        book.note(START, Bucket::Common, 429, &said(5000, 0, 1800, Some(29)));
        check(&mut book, 0, Bucket::Common, 29);
        check(&mut book, 20, Bucket::KeyList, 9);
        check(&mut book, 29, Bucket::Common, 0);
    }

    #[test]
    fn an_hour_used_up_is_waited_for_to_its_end() {
        let mut book = Book { reserve: 10, ..Book::new() };
        let ask = |book: &mut Book, at: u64, remaining: u64, reset: u64| {
            book.count(after(at), Bucket::Common);
            let is_alone = book.pause(after(at), Bucket::Common, 0).is_some();
            book.note(after(at), Bucket::Common, 200, &said(5000, remaining, reset, None));
            book.ended(after(at));
            is_alone
        };
        ask(&mut book, 0, 299, 100);
        ask(&mut book, 0, 298, 100);
        check(&mut book, 0, Bucket::Common, 0);
        // 200 are left to others.
        ask(&mut book, 20, 200, 80);
        check(&mut book, 20, Bucket::Common, 81);
        let held = book.pause(after(20), Bucket::Common, 0).expect("it is held up");
        assert_eq!((held.limit, held.most, held.left), (Limit::Hour, 5000, 200));
        // Then one asks, and the others wait for what it is told.
        check(&mut book, 101, Bucket::Common, 0);
        assert!(ask(&mut book, 101, 449, 3));
        check(&mut book, 101, Bucket::Common, 0);
        // What the API itself says of the hour is waited for as long.
        book.note(after(101), Bucket::Common, 429, &said(5000, 0, 3000, None));
        check(&mut book, 101, Bucket::Common, 3000);
    }

    #[test]
    fn the_key_list_has_a_limit_of_its_own() {
        let mut book = Book::new();
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
    fn a_refused_address_holds_up_addresses_alone() {
        let mut book = Book::new();
        spend(&mut book, 0, 3, 0);
        for nth in 0..13 {
            book.count(after(1), Bucket::Address);
            let status = if nth < 12 { 201 } else { 429 };
            book.note(after(1), Bucket::Address, status, &said(5000, 4990 - nth, 3000, (status == 429).then_some(20)));
            book.ended(after(1));
        }
        check(&mut book, 2, Bucket::Common, 0);
        check(&mut book, 2, Bucket::Address, 59);
        assert_eq!(book.met(after(2), Bucket::Address), Some((Limit::Address, 12, 0)));
        // Where the minute itself is used up everybody waits.
        spend(&mut book, 3, 230, 20);
        book.count(after(61), Bucket::Address);
        book.note(after(61), Bucket::Address, 429, &said(5000, 0, 3000, Some(7)));
        check(&mut book, 61, Bucket::Common, 7);
    }

    #[test]
    fn polling_slows_down_as_the_budget_shrinks() {
        let check = |used: u64, remaining: u64, expected: u32| {
            let mut book = Book { hit: true, ..Book::new() };
            for _ in 0..used {
                book.count(START, Bucket::Common);
            }
            book.learn(START, &said(5000, remaining, 0, None));
            assert_eq!(book.strain(START), expected, "{used} used, {remaining} left");
        };
        check(0, 5000, 1);
        check(100, 4999, 1);
        check(125, 4999, 2);
        check(200, 4999, 4);
        check(250, 4999, 8);
        check(0, 1600, 2);
        check(0, 400, 4);
        let mut expecting = Book { hit: true, expected: 190, ..Book::new() };
        assert_eq!(expecting.strain(START), 4);
        // Where nothing is counted there is no budget that could shrink.
        let mut uncounted = Book::new();
        spend(&mut uncounted, 0, 1, 0);
        (0..240).for_each(|_| uncounted.count(START, Bucket::Common));
        assert_eq!(uncounted.strain(START), 1);
    }

    #[test]
    fn what_is_left_is_known() {
        let mut book = Book { reserve: 10, ..Book::new() };
        spend(&mut book, 0, 20, 80);
        // 80 are of somebody else, of the last minute as the first of them was.
        let expected = Left { now: 140, a_minute: 240, of_hour: 4700, until: TODAY.plus(Duration::from_secs(3601)), an_hour: 5000 };
        assert_eq!(book.left(START, TODAY), Some(expected));
    }

    #[tokio::test]
    async fn the_asked_rate_is_kept_on_a_virtual_clock() {
        let clock = Clock::virtual_at(TODAY);
        let start = clock.tick();
        let pace = Pace::new(clock.clone(), 4.0, 0);
        for _ in 0..9 {
            drop(pace.enter(Bucket::Common, true, |_, _| ()).await);
        }
        assert_eq!(clock.tick().since(start), Duration::from_secs(2));
    }
}
