//! Waiting.

use std::time::Duration;

/// Something that waits, told to the watcher each time that it goes to sleep.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// Why something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A request failed and will be repeated.
    Retry,
    /// The request budget is used up.
    Budget,
    /// The API is not ready yet.
    Settling,
}

/// What one look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<T> {
    /// What was waited for.
    Done(T),
    /// Not yet, and what was seen instead: "its status is new".
    Not(String),
}
