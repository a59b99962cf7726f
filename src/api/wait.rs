//! Waiting for the API to get there: a first look at once, then at growing distances.
//!
//! Invariant: every wait has a limit, counted by the monotonic clock, and its error says what was waited for and what was seen
//! last. Nothing sleeps for a fixed time.

use std::future::Future;
use std::time::Duration;

use super::client::Client;
use super::error::ApiError;
use super::messages::{Said, said};
pub use super::pace::{Left, Limit, Shortage};
use super::timing::distance;
pub use super::waiting::{Cause, Waiting, Watcher};

/// What is waited for, in words, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    /// What completes "waiting for …": "droplet 1 to be active".
    pub what: &'a str,
    /// What waits of this sort have in common, for how long they take.
    pub sort: &'a str,
    /// How long it may take.
    pub limit: Duration,
}

/// What one look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll<T> {
    /// What was waited for.
    Ready(T),
    /// Not yet, and what was seen instead: "its status is new".
    Pending(String),
}

impl Client {
    /// Looks at once, and then again at growing distances, until `look` gives a value. `what` completes "waiting for …":
    /// "droplet 123 to be active".
    ///
    /// # Errors
    /// `Unsettled` at the limit; the first error of `look`.
    pub async fn wait<T, F, Fut>(&self, what: &str, limit: Duration, mut poll: F) -> Result<T, ApiError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<Option<T>, ApiError>> + Send,
    {
        let poll = || {
            let poll = poll();
            async { Ok(poll.await?.map_or_else(|| Poll::Pending(String::new()), Poll::Ready)) }
        };
        self.wait_saying(what, limit, poll).await
    }

    /// As `wait`; the error at the limit says what was seen last.
    ///
    /// # Errors
    /// `Unsettled` at the limit; the first error of `look`.
    pub async fn wait_saying<T, F, Fut>(&self, what: &str, limit: Duration, mut poll: F) -> Result<T, ApiError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<Poll<T>, ApiError>> + Send,
    {
        let start = self.clock().tick();
        loop {
            // Only a look that began at the limit or later is the last one: a slow answer is no reason to give up.
            let begun = self.clock().tick().since(start);
            let seen = match poll().await? {
                Poll::Ready(value) => return Ok(value),
                Poll::Pending(seen) => seen,
            };
            let elapsed = self.clock().tick().since(start);
            if begun >= limit {
                return Err(given_up(what, elapsed, &seen));
            }
            let pause = distance(elapsed, 1, self.strain(), self.chance()).min(limit.saturating_sub(elapsed)).max(Duration::from_millis(1));
            self.tell(&Waiting { what: what.to_owned(), elapsed, limit: Some(limit), pause, seen, ..Waiting::default() });
            self.pause(pause).await;
        }
    }

    /// As `wait_saying` for something that costs no request: the looks come when waits of this sort ended earlier, and do not grow
    /// apart as the budget shrinks.
    ///
    /// # Errors
    /// `Unsettled` at the limit; the first error of `poll`.
    pub async fn wait_freely<T, F, Fut>(&self, goal: Goal<'_>, mut poll: F) -> Result<T, ApiError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<Poll<T>, ApiError>> + Send,
    {
        let (start, mut looks) = (self.clock().tick(), 0_u32);
        loop {
            let begun = self.clock().tick().since(start);
            let seen = match poll().await? {
                Poll::Ready(value) => {
                    // What held at once was not waited for.
                    if looks > 0 {
                        self.took(goal.sort, self.clock().tick().since(start));
                    }
                    return Ok(value);
                }
                Poll::Pending(seen) => seen,
            };
            looks += 1;
            let elapsed = self.clock().tick().since(start);
            if begun >= goal.limit {
                return Err(given_up(goal.what, elapsed, &seen));
            }
            let pause = self.next_free_look(goal.sort, elapsed).min(goal.limit.saturating_sub(elapsed)).max(Duration::from_millis(1));
            let what = goal.what.to_owned();
            self.tell(&Waiting { what, elapsed, limit: Some(goal.limit), pause, seen, ..Waiting::default() });
            self.pause(pause).await;
        }
    }

    /// Repeats `attempt` while the API answers that another event is pending.
    ///
    /// # Errors
    /// `Unsettled` at the limit; any other error of `attempt`.
    pub async fn pending_retry<T, F, Fut>(&self, what: &str, limit: Duration, attempt: F) -> Result<T, ApiError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T, ApiError>> + Send,
    {
        self.retry_while(what, limit, |error| said(error) == Some(Said::PendingEvent), attempt).await
    }

    /// Repeats `attempt` while `passing` says that its error will pass, for example `|e| said(e) == Some(Said::HasMembers)`.
    ///
    /// # Errors
    /// `Unsettled` at the limit; the first error that will not pass.
    pub async fn retry_while<T, F, Fut>(
        &self,
        what: &str,
        limit: Duration,
        passing: impl Fn(&ApiError) -> bool + Send + Sync,
        mut attempt: F,
    ) -> Result<T, ApiError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T, ApiError>> + Send,
    {
        let passing = &passing;
        let poll = || {
            let attempt = attempt();
            async move {
                match attempt.await {
                    Ok(value) => Ok(Poll::Ready(value)),
                    Err(error) if passing(&error) => Ok(Poll::Pending(error.to_string())),
                    Err(error) => Err(error),
                }
            }
        };
        self.wait_saying(what, limit, poll).await
    }
}

/// The error at the limit.
pub(crate) fn given_up(what: &str, elapsed: Duration, seen: &str) -> ApiError {
    let last = if seen.is_empty() { String::new() } else { format!("; at last, {seen}") };
    ApiError::Unsettled { what: format!("gave up waiting for {what} after {}{last}", words(elapsed)) }
}

/// A span of time for people.
fn words(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{} ms", span.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_round_numbers() {
        for (millis, expected) in [(5, "5 ms"), (1_500, "1 s"), (90_000, "90 s"), (120_000, "2 min"), (3_600_000, "60 min")] {
            assert_eq!(words(Duration::from_millis(millis)), expected);
        }
    }
}
