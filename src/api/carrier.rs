//! A way to the API that is no connection: a function, for an API in the same process.
//!
//! Invariant: what it is given is the whole request but for the token, which goes nowhere. Nothing of how an answer is lost
//! passes here.

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

/// Brings requests to the API in place of connections: to one in the same process, whose time is the client's.
#[derive(Clone)]
pub struct Carrier(pub Arc<dyn Fn(Carried) -> BoxFuture<'static, Brought> + Send + Sync>);

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carrier")
    }
}
