//! Waiting for the API to get there: a first look at once, then at growing distances.
//!
//! Invariant: every wait has a limit, counted by the monotonic clock, and its error says what was waited for and what was seen
//! last. Nothing sleeps for a fixed time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::client::Client;
use super::error::ApiError;
use super::messages::{Said, said};
pub use super::pace::{Left, Limit, Shortage};
use super::timing::distance;

/// Something that waits, told to the watcher each time that it goes to sleep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// What for: "droplet 123 to be active".
    pub what: String,
    /// How long it has lasted.
    pub elapsed: Duration,
    /// How long it may last, where there is a limit.
    pub limit: Option<Duration>,
    /// How long it sleeps now.
    pub pause: Duration,
    /// Why it waits.
    pub cause: Cause,
    /// What was seen last: "its status is new". Empty where nothing was.
    pub seen: String,
    /// Which limit of requests holds it up, where one does.
    pub shortage: Option<Shortage>,
}

/// Who is told when something waits.
pub type Watcher = Arc<dyn Fn(&Waiting) + Send + Sync>;

/// Why something waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// A request failed and will be repeated.
    Retry,
    /// The request budget is used up.
    Budget,
    /// A request was sent, and no answer came yet.
    Answer,
    /// The API is not ready yet.
    #[default]
    Settling,
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
            let pause = distance(elapsed, self.strain(), self.chance()).min(limit.saturating_sub(elapsed)).max(Duration::from_millis(1));
            self.tell(&Waiting { what: what.to_owned(), elapsed, limit: Some(limit), pause, seen, ..Waiting::default() });
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
