//! Every exchange, for tests and for counting requests.
//!
//! Invariant: the token is never kept.

use serde::Serialize;
use serde_json::Value;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exchange {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path, `/v2/droplets`.
    pub path: String,
    /// The query without its `?`; empty if there is none.
    pub query: String,
    /// `Bearer ***` if a token came with it.
    pub authorization: Option<String>,
    /// The request's body, null if there is none; a body that is no JSON is a string.
    pub request: Value,
    /// The status that was answered (or would have been, had the line not been cut).
    pub status: u16,
    /// The answer's body, null if there is none.
    pub response: Value,
    /// The effect of a fault on this exchange, for example `reset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Exchange {
    /// Whether it asks for a change.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.method != "GET" && self.method != "HEAD"
    }
}
