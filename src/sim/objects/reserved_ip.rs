//! A reserved IP.
//!
//! Invariant: plain data.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// A reserved IP.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReservedIp {
    pub(crate) ip: Ipv4Addr,
    pub(crate) region: String,
    pub(crate) droplet: Option<u64>,
    /// The pair whose server was given it.
    #[serde(default)]
    pub(crate) pair: Option<String>,
    /// The project that it lies in, if it is not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
}
