//! The zones of the account, as the API lists them.
//!
//! Invariant: what a zone is as a resource, and what lies in it, is not known here.

use serde::Deserialize;

use dofloat_api::client::Client;
use dofloat_api::error::ApiError;

/// The resource type of a zone.
pub(super) const NAME: &str = "digitalocean_domain";

/// A zone.
#[derive(Deserialize)]
pub(super) struct Zone {
    pub(super) name: String,
    #[serde(default)]
    pub(super) ttl: Option<u32>,
}

/// Every zone of the account.
pub(super) async fn all(api: &Client) -> Result<Vec<Zone>, ApiError> {
    api.list("/domains", &[], "domains").await
}
