//! Something that waits, and who is told of it.
//!
//! Invariant: plain data; nothing waits here.

use std::sync::Arc;
use std::time::Duration;

use super::pace::Shortage;

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
