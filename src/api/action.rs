//! Waiting for an action.
//!
//! Invariant: `status` alone decides (`completed_at` may stay null), and a word that we do not know means "not yet": in 2021
//! the API answered `done` for a while. It must not know what the action does.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde::Deserialize;

use super::client::Client;
use super::error::ApiError;
use super::wait::Look;

/// The end of an action, as far as the API tells it. Read the resource afterwards in any case: its state can lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionEnd {
    /// It is done.
    Completed,
    /// It failed; the API gives no reason.
    Errored,
    /// The API does not know the action, and went on not knowing it: only the resource can tell.
    Gone,
}

/// A new action may be unknown for a moment, one on a brought address for ever.
const UNKNOWN: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Envelope {
    action: Action,
}

#[derive(Deserialize)]
struct Action {
    status: String,
}

impl Client {
    /// Waits for the end of an action, for example `/droplets/1/actions/2`. `what` completes "waiting for …": "the rename of
    /// droplet 1".
    ///
    /// # Errors
    /// `Unsettled` at the limit; what a read can meet, but for 404.
    pub async fn action(&self, path: &str, what: &str, limit: Duration) -> Result<ActionEnd, ApiError> {
        let missing = Mutex::new(None);
        let look = || async {
            let status = match self.get::<Envelope>(path, &[]).await {
                Ok(Envelope { action }) => action.status,
                Err(error) if error.is_not_found() => {
                    let now = self.clock().tick();
                    let since = *missing.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
                    let gone = now.since(since) >= UNKNOWN;
                    return Ok(if gone { Look::Done(ActionEnd::Gone) } else { Look::Not("the API does not know the action".into()) });
                }
                Err(error) => return Err(error),
            };
            Ok(match status.as_str() {
                "completed" => Look::Done(ActionEnd::Completed),
                "errored" => Look::Done(ActionEnd::Errored),
                other => Look::Not(format!("the action is {other}")),
            })
        };
        self.wait_saying(what, limit, look).await
    }
}
