//! Orders about the objects of a pair that no configuration has: the power of a droplet, and who holds an address.
//!
//! Invariant: an order that must not be given twice is given once; states are brought about as everywhere, so what was asked for
//! in vain is seen. It must not know pairs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::droplet;
use super::reserved_ip;
use super::wire::or_default;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::clock::Moment;
use dofloat_base::identity::Id;

/// An action as the API lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// How it is called: `assign_ip`, `power_cycle`.
    pub kind: String,
    /// When it was taken, in whole seconds of the API's clock.
    pub started: Option<Moment>,
    /// When it was completed.
    pub completed: Option<Moment>,
}

/// Gives a droplet an order of power (`power_off`, `reboot`, `shutdown`) and does not wait for what comes of it.
///
/// # Errors
/// If the API refuses, or it is not known whether the order was taken.
pub async fn order(api: &Client, id: &Id, kind: &str) -> Result<(), ApiError> {
    api.create::<Value>(&format!("{}/actions", of_droplet(id)), &json!({ "type": kind })).await.map(drop)
}

/// Whether a droplet is on.
///
/// # Errors
/// A read that fails.
pub async fn is_on(api: &Client, id: &Id) -> Result<bool, ApiError> {
    droplet::is_on(api, id).await
}

/// Sees to it that a droplet is on.
///
/// # Errors
/// If the API refuses, or it does not come to be on.
pub async fn switch_on(api: &Client, id: &Id) -> Result<(), ApiError> {
    droplet::power_on(api, id).await
}

/// Gives an address to a droplet and waits until it holds it.
///
/// # Errors
/// If the API refuses, or the droplet does not come to hold it.
pub async fn give(api: &Client, ip: &str, id: &Id) -> Result<(), ApiError> {
    let droplet = id.0.parse().map_err(|_| ApiError::Unsettled { what: format!("`{id}` is not a droplet ID") })?;
    reserved_ip::assign(api, ip, droplet).await.map(drop)
}

/// The droplet that holds an address.
///
/// # Errors
/// A read that fails.
pub async fn holder(api: &Client, ip: &str) -> Result<Option<Id>, ApiError> {
    let found = reserved_ip::one(api, ip).await?;
    Ok(found.map(|wire| wire.holder()).transpose()?.flatten().map(|id| Id(id.to_string())))
}

/// The latest actions on an address, the newest first.
///
/// # Errors
/// A read that fails.
pub async fn actions_of_address(api: &Client, ip: &str) -> Result<Vec<Action>, ApiError> {
    recent(api, &format!("/reserved_ips/{}/actions", segment(ip))).await
}

/// The latest actions on a droplet, the newest first.
///
/// # Errors
/// A read that fails.
pub async fn actions_of_droplet(api: &Client, id: &Id) -> Result<Vec<Action>, ApiError> {
    recent(api, &format!("{}/actions", of_droplet(id))).await
}

async fn recent(api: &Client, path: &str) -> Result<Vec<Action>, ApiError> {
    #[derive(Deserialize)]
    struct Recent {
        actions: Vec<Wire>,
    }
    #[derive(Deserialize)]
    struct Wire {
        #[serde(default, rename = "type", deserialize_with = "or_default")]
        kind: String,
        #[serde(default)]
        started_at: Option<String>,
        #[serde(default)]
        completed_at: Option<String>,
    }
    let moment = |text: Option<String>| {
        let at: jiff::Timestamp = text?.parse().ok()?;
        u64::try_from(at.as_millisecond()).ok().map(Moment)
    };
    let Recent { actions } = api.get(path, &[("per_page", "20")]).await?;
    let all = actions.into_iter().map(|Wire { kind, started_at, completed_at }| Action {
        kind,
        started: moment(started_at),
        completed: moment(completed_at),
    });
    Ok(all.collect())
}

fn of_droplet(id: &Id) -> String {
    format!("/droplets/{}", segment(&id.0))
}
