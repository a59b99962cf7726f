//! One HTTP client of the DigitalOcean API.
//!
//! Invariant: a create is repeated only when it surely was not seen; the token goes to our own host alone.
//! It must not know any kind, nor who answers: it sees a base URL.

pub mod action;
mod carrier;
pub mod client;
mod connect;
mod crowds;
pub mod download;
pub mod error;
mod exchange;
pub mod http;
pub mod looks;
pub mod machine;
mod memory;
pub mod messages;
mod pace;
mod page;
mod permissions;
mod probe;
mod request;
mod retry;
pub mod scopes;
pub mod slots;
pub mod space_request;
pub mod spaces;
mod timing;
pub mod together;
mod trace;
pub mod wait;
mod waiting;
pub mod watching;

pub use carrier::{Broken, Brought, Carried, Carrier};
pub use client::{Client, ClientError, Settings, segment};
pub use connect::connections_to;
