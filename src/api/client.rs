//! The client.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::action::ActionEnd;
use super::error::ApiError;
use super::wait::{Look, Waiting};
use crate::base::clock::Clock;
use crate::base::rng::Rng;
use crate::base::secret::Secret;

/// What a client is made from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The API's address, for example `https://api.digitalocean.com`; `/v2` is added unless it ends so already.
    pub base: Url,
    /// The token.
    pub token: Secret<String>,
    /// How many times a failed request is repeated.
    pub retry_max: u32,
    /// The first pause before a repetition.
    pub retry_wait_min: Duration,
    /// The longest pause before a repetition.
    pub retry_wait_max: Duration,
    /// How many requests a second; 0 for as many as the API's own limits let through.
    pub requests_per_second: f64,
    /// The time limit of one attempt.
    pub timeout: Duration,
    /// The time.
    pub clock: Clock,
    /// Random numbers for jitter.
    pub rng: Arc<Rng>,
    /// A file of root certificates (PEM) to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// Why no client could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Not written yet.
    #[error("not written yet")]
    Unwritten,
}

/// The client of one account. Clones share connections and budget.
#[derive(Clone)]
pub struct Client;

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// If the address, the token or the root certificates will not do.
    pub fn new(_settings: Settings) -> Result<Self, ClientError> {
        Err(ClientError::Unwritten)
    }

    /// A client that asks each distinct GET once: concurrent askers share the one answer, and later ones get it from memory.
    /// Errors are not remembered. For one refresh or plan.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        self.clone()
    }

    /// A client that tells `f` whenever something waits.
    #[must_use]
    pub fn watched(&self, _f: Arc<dyn Fn(&Waiting) + Send + Sync>) -> Self {
        self.clone()
    }

    /// Reads one object.
    pub async fn get<T: DeserializeOwned>(&self, _path: &str, _query: &[(&str, &str)]) -> Result<T, ApiError> {
        unwritten()
    }

    /// Reads a whole list, page by page; `key` is the field that holds it (`droplets`).
    pub async fn list<T: DeserializeOwned>(&self, _path: &str, _query: &[(&str, &str)], _key: &str) -> Result<Vec<T>, ApiError> {
        unwritten()
    }

    /// POST that makes something or starts an action: repeated only if it surely was not seen.
    pub async fn create<T: DeserializeOwned>(&self, _path: &str, _body: &(impl Serialize + Sync + ?Sized)) -> Result<T, ApiError> {
        unwritten()
    }

    /// PUT to a final value.
    pub async fn put<T: DeserializeOwned>(&self, _path: &str, _body: &(impl Serialize + Sync + ?Sized)) -> Result<T, ApiError> {
        unwritten()
    }

    /// PATCH to a final value.
    pub async fn patch<T: DeserializeOwned>(&self, _path: &str, _body: &(impl Serialize + Sync + ?Sized)) -> Result<T, ApiError> {
        unwritten()
    }

    /// POST whose repetition does no harm: tagging, members of a firewall.
    pub async fn repeatable_post(&self, _path: &str, _body: &(impl Serialize + Sync + ?Sized)) -> Result<(), ApiError> {
        unwritten()
    }

    /// Deletes; what is not there is deleted.
    pub async fn delete(&self, _path: &str, _query: &[(&str, &str)]) -> Result<(), ApiError> {
        unwritten()
    }

    /// Deletes what a body names (untagging, members of a firewall); what is not there is deleted.
    pub async fn delete_with(&self, _path: &str, _body: &(impl Serialize + Sync + ?Sized)) -> Result<(), ApiError> {
        unwritten()
    }

    /// Looks at once, and then again with growing pauses, until `look` gives a value. `what` completes "waiting for …":
    /// "droplet 123 to be active".
    pub async fn wait<T, F, Fut>(&self, what: &str, limit: Duration, mut look: F) -> Result<T, ApiError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<Option<T>, ApiError>> + Send,
    {
        let _ = (what, limit, &mut look);
        unwritten()
    }

    /// As `wait`; the error at the limit says what was seen last.
    pub async fn wait_saying<T, F, Fut>(&self, what: &str, limit: Duration, mut look: F) -> Result<T, ApiError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<Look<T>, ApiError>> + Send,
    {
        let _ = (what, limit, &mut look);
        unwritten()
    }

    /// Waits for an action: `/droplets/1/actions/2`.
    pub async fn action(&self, _path: &str, _what: &str, _limit: Duration) -> Result<ActionEnd, ApiError> {
        unwritten()
    }

    /// Repeats `attempt` while the API answers that another event is pending.
    pub async fn pending_retry<T, F, Fut>(&self, what: &str, limit: Duration, attempt: F) -> Result<T, ApiError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T, ApiError>> + Send,
    {
        self.retry_while(what, limit, |_| false, attempt).await
    }

    /// Repeats `attempt` while `passing` says that its error will pass, for example `|e| said(e) == Some(Said::HasMembers)`.
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
        let _ = (what, limit, passing, &mut attempt);
        unwritten()
    }
}

/// A text as one segment of a path, percent-encoded.
#[must_use]
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn unwritten<T>() -> Result<T, ApiError> {
    Err(ApiError::Unsettled { what: "the client is not written yet".into() })
}
