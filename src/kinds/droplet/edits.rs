//! Changes of a droplet in place.
//!
//! Invariant: an action that completed is not believed, the droplet is; and a resize leaves on what was on, even if it fails.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::answer::{Wire, get, path, place};
use super::rows::NAME;
use super::spec::Spec;
use crate::attr::EditName;
use crate::no_edit;
use crate::tagging::{self, texts};
use crate::wire::or_default;
use dofloat_api::action::Order;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::looks::{Place, Seen};
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};

/// How long an action may take, a resize excepted.
const ACTION_LIMIT: Duration = Duration::from_secs(600);
/// How long a resize may take: growing a disk copies it.
const RESIZE_LIMIT: Duration = Duration::from_secs(3600);
/// How long a droplet may take to shut down before its power is cut.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(120);

#[derive(Default, Deserialize)]
struct Backups {
    #[serde(default, deserialize_with = "or_default")]
    backup_policy: serde_json::Map<String, serde_json::Value>,
}

pub(super) async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, seen: &Body) -> Result<(), ApiError> {
    match edit {
        "rename" => {
            let named = |droplet: &Wire| droplet.name.eq_ignore_ascii_case(&spec.name);
            act(api, id, json!({"type": "rename", "name": spec.name}), "have its new name", ACTION_LIMIT, named).await
        }
        "resize" => resize(api, id, spec, seen).await,
        "power_on" => power_on(api, id).await,
        "tags" => tags(api, id, &spec.tags, &texts(seen, "tags")).await,
        "backups" => backups(api, id, spec, seen).await,
        "ipv6" => {
            let has = |droplet: &Wire| !droplet.networks.v6.is_empty();
            act(api, id, json!({"type": "enable_ipv6"}), "have an IPv6 address", ACTION_LIMIT, has).await
        }
        "volumes" => volumes(api, id, spec, &texts(seen, "volume_ids")).await,
        _ => Err(no_edit(NAME, id, edit)),
    }
}

/// Brings a state of the droplet about by an action of its own; `what` completes "waiting for droplet 1 to …".
async fn act(
    api: &Client,
    id: &Id,
    body: serde_json::Value,
    what: &str,
    limit: Duration,
    done: impl Fn(&Wire) -> bool + Send + Sync,
) -> Result<(), ApiError> {
    let actions = actions(id);
    let (place, goal) = (place(api, id), format!("droplet {id} to {what}"));
    let order = Order { path: &actions, place, body, goal, beside: &[], limit, completed_is_enough: false };
    bring_about(api, &order, done).await
}

async fn bring_about(api: &Client, order: &Order<'_>, done: impl Fn(&Wire) -> bool + Send + Sync) -> Result<(), ApiError> {
    let reached = |seen: Option<Seen>| {
        let droplet: Wire = seen.ok_or_else(|| order.place.missing())?.decode(&order.place)?;
        Ok(done(&droplet).then_some(()))
    };
    api.bring_about(order, reached).await.map(drop)
}

fn actions(id: &Id) -> String {
    format!("{}/actions", path(id))
}

async fn resize(api: &Client, id: &Id, spec: &Spec, seen: &Body) -> Result<(), ApiError> {
    let was_on = seen.get("status").and_then(Value::as_str) != Some("off");
    let now = get(api, id).await?;
    let wanted = spec.size.to_lowercase();
    let resized = if now.size() == wanted { Ok(()) } else { grow(api, id, spec, &wanted, now.status == "active").await };
    // Whatever became of it: what was on shall be on.
    let powered = if was_on { power_on(api, id).await } else { Ok(()) };
    resized.and(powered)
}

async fn grow(api: &Client, id: &Id, spec: &Spec, wanted: &str, is_on: bool) -> Result<(), ApiError> {
    if is_on {
        power_off(api, id, spec.graceful_shutdown).await?;
    }
    let body = json!({"type": "resize", "size": wanted, "disk": spec.resize_disk.unwrap_or(true)});
    act(api, id, body, &format!("have the size {wanted}"), RESIZE_LIMIT, |droplet| droplet.size() == wanted).await
}

pub(super) async fn power_off(api: &Client, id: &Id, graceful: bool) -> Result<(), ApiError> {
    let is_off = |droplet: &Wire| droplet.status == "off";
    if graceful {
        // It only asks; a system that does not listen is cut off below.
        match act(api, id, json!({"type": "shutdown"}), "be off", SHUTDOWN_LIMIT, is_off).await {
            Err(ApiError::Unsettled { .. }) => {}
            other => return other,
        }
    }
    act(api, id, json!({"type": "power_off"}), "be off", ACTION_LIMIT, is_off).await
}

/// Whether it is on.
pub(crate) async fn is_on(api: &Client, id: &Id) -> Result<bool, ApiError> {
    Ok(get(api, id).await?.status == "active")
}

/// Sees to it that it is on.
pub(crate) async fn power_on(api: &Client, id: &Id) -> Result<(), ApiError> {
    if get(api, id).await?.status == "active" {
        return Ok(());
    }
    wake(api, id).await
}

/// Powers on what was seen to be off.
pub(super) async fn wake(api: &Client, id: &Id) -> Result<(), ApiError> {
    act(api, id, json!({"type": "power_on"}), "be on", ACTION_LIMIT, |droplet| droplet.status == "active").await
}

/// Tags are a set that is ours, the stack's mark excepted, which `seen` does not show.
pub(super) async fn tags(api: &Client, id: &Id, wanted: &[String], seen: &[String]) -> Result<(), ApiError> {
    tagging::change(api, "droplet", id, wanted, seen).await
}

async fn backups(api: &Client, id: &Id, spec: &Spec, seen: &Body) -> Result<(), ApiError> {
    let were_on = seen.get("backups") == Some(&true.into());
    let policy = spec.backup_policy.first();
    match (were_on, spec.backups) {
        (_, false) => {
            let without = |droplet: &Wire| !droplet.has("backups");
            act(api, id, json!({"type": "disable_backups"}), "have no backups", ACTION_LIMIT, without).await
        }
        (false, true) => {
            let mut body = json!({"type": "enable_backups"});
            if let Some(policy) = policy {
                body["backup_policy"] = json!(policy);
            }
            act(api, id, body, "have backups", ACTION_LIMIT, |droplet| droplet.has("backups")).await
        }
        (true, true) => change_policy(api, id, policy.map_or_else(|| json!({"plan": "daily"}), |policy| json!(policy))).await,
    }
}

/// The plan of the backups does not stand in the droplet, so it is read by itself.
async fn change_policy(api: &Client, id: &Id, policy: serde_json::Value) -> Result<(), ApiError> {
    let actions = actions(id);
    let order = Order {
        path: &actions,
        place: Place::alone(format!("{}/backups/policy", path(id)), "policy"),
        body: json!({"type": "change_backup_policy", "backup_policy": policy}),
        goal: format!("droplet {id} to have its new backup policy"),
        beside: &[],
        limit: ACTION_LIMIT,
        completed_is_enough: true,
    };
    let kept = |seen: Option<Seen>| {
        let found = seen.map(|seen| seen.decode::<Backups>(&order.place)).transpose()?.unwrap_or_default().backup_policy;
        let same = |(name, value): (&String, &serde_json::Value)| found.get(name) == Some(value);
        Ok(policy.as_object().is_some_and(|wanted| wanted.iter().all(same)).then_some(()))
    };
    api.bring_about(&order, kept).await.map(drop)
}

async fn volumes(api: &Client, id: &Id, spec: &Spec, seen: &[String]) -> Result<(), ApiError> {
    let number: u64 = id.0.parse().map_err(|_| ApiError::Unsettled { what: format!("`{id}` is not a droplet ID") })?;
    let region = get(api, id).await?.region.slug;
    let gone = seen.iter().filter(|volume| !spec.volume_ids.contains(volume)).map(|volume| (volume, false));
    let new = spec.volume_ids.iter().filter(|volume| !seen.contains(volume)).map(|volume| (volume, true));
    let beside = [actions(id)];
    for (volume, wanted) in gone.chain(new) {
        let verb = if wanted { "attach" } else { "detach" };
        let order = Order {
            path: &format!("/volumes/{}/actions", segment(volume)),
            place: place(api, id),
            body: json!({"type": verb, "droplet_id": number, "region": region}),
            goal: format!("droplet {id} to {verb} the volume {volume}"),
            beside: &beside,
            limit: ACTION_LIMIT,
            completed_is_enough: false,
        };
        bring_about(api, &order, |droplet| droplet.volume_ids.contains(volume) == wanted).await?;
    }
    Ok(())
}
