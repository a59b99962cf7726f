//! A way to the API that is no connection: a function, for an API in the same process.
//!
//! Invariant: what it is given is the whole request but for the token, which goes nowhere. How far a request came is told as a
//! connection tells it.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;
use url::Url;

/// A request on its way, as a carrier gets it.
#[derive(Clone, Debug)]
pub struct Carried {
    /// `GET`, `POST`, ….
    pub method: &'static str,
    /// The whole address.
    pub url: Url,
    /// The body.
    pub body: Option<Value>,
}

/// What a carrier brings back.
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How a request came to have no whole answer.
#[derive(Clone, Debug)]
pub enum Broken {
    /// No connection came about, so nothing was sent.
    Unsent(String),
    /// It was sent, and nothing came back.
    Lost(String),
    /// The answer had this status, and broke off.
    Off(u16),
}

/// Brings requests to the API in place of connections: to one in the same process, whose time is the client's.
#[derive(Clone)]
pub struct Carrier(pub Arc<dyn Fn(Carried) -> BoxFuture<'static, Result<Brought, Broken>> + Send + Sync>);

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carrier")
    }
}
