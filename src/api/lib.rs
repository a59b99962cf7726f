//! One HTTP client of the DigitalOcean API.
//!
//! Invariant: a create is repeated only when it surely was not seen; the token goes to our own host alone.
//! It must not know any kind, nor who answers: it sees a base URL.

pub mod action;
mod carrier;
pub mod client;
mod connect;
pub mod error;
mod exchange;
pub mod looks;
mod memory;
pub mod messages;
mod pace;
mod page;
mod probe;
mod request;
mod retry;
pub mod scopes;
pub mod slots;
mod timing;
mod trace;
pub mod wait;
pub mod watching;

pub use carrier::{Brought, Carried, Carrier};
pub use client::{Client, ClientError, Settings, segment};
pub use connect::connections_to;
