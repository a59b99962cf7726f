//! One HTTP client of the DigitalOcean API.
//!
//! Invariant: a create is repeated only when it surely was not seen; the token goes to our own host alone.
//! It must not know any kind, nor who answers: it sees a base URL.

pub mod action;
pub mod client;
mod connect;
pub mod error;
mod memory;
pub mod messages;
mod pace;
mod page;
mod probe;
mod request;
mod retry;
pub mod scopes;
mod trace;
pub mod wait;

pub use client::{Client, ClientError, Settings, segment};
pub use connect::connections_to;
