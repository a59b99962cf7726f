//! Changes of a droplet in place.
//!
//! Invariant: an action that completed is not believed, the droplet is; and a resize leaves on what was on, even if it fails.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::super::attr::EditName;
use super::super::wire::or_default;
use super::{Droplet, Spec, Wire, get, path};
use crate::api::action::ActionEnd;
use crate::api::client::{Client, segment};
use crate::api::error::ApiError;
use crate::base::identity::Id;
use crate::base::value::{Body, Value};
use crate::kinds::{Kind, no_edit};

/// How long an action may take, a resize excepted.
const ACTION_LIMIT: Duration = Duration::from_secs(600);
/// How long a resize may take: growing a disk copies it.
const RESIZE_LIMIT: Duration = Duration::from_secs(3600);
/// How long a droplet may take to shut down before its power is cut.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(120);

#[derive(Deserialize)]
struct OneAction {
    action: Action,
}

#[derive(Deserialize)]
struct Action {
    id: u64,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
}

pub(super) async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, seen: &Body) -> Result<(), ApiError> {
    match edit {
        "rename" => act(api, id, &json!({"type": "rename", "name": spec.name}), "the new name of").await,
        "resize" => resize(api, id, spec, seen).await,
        "power_on" => power_on(api, id).await,
        "tags" => tags(api, id, &spec.tags, &texts(seen, "tags")).await,
        "backups" => backups(api, id, spec, seen).await,
        "ipv6" => {
            act(api, id, &json!({"type": "enable_ipv6"}), "the IPv6 address of").await?;
            until(api, id, "have an IPv6 address", ACTION_LIMIT, |droplet| !droplet.networks.v6.is_empty()).await
        }
        "volumes" => volumes(api, id, spec, &texts(seen, "volume_ids")).await,
        _ => Err(no_edit(Droplet::NAME, id, edit)),
    }
}

/// Posts an action, waiting while another event is pending, and waits for its end.
pub(super) async fn act(api: &Client, id: &Id, body: &serde_json::Value, whose: &str) -> Result<(), ApiError> {
    run(api, id, &format!("{}/actions", path(id)), body, whose, ACTION_LIMIT).await
}

async fn run(api: &Client, id: &Id, path: &str, body: &serde_json::Value, whose: &str, limit: Duration) -> Result<(), ApiError> {
    let what = format!("droplet {id} to have no pending event");
    let OneAction { action } = api.pending_retry(&what, ACTION_LIMIT, || async { api.create(path, body).await }).await?;
    if action.status == "completed" {
        return Ok(());
    }
    let what = format!("{whose} droplet {id}");
    match api.action(&format!("{path}/{}", action.id), &what, limit).await? {
        ActionEnd::Completed | ActionEnd::Gone => Ok(()),
        ActionEnd::Errored => {
            let kind = body.get("type").and_then(serde_json::Value::as_str).unwrap_or("action");
            Err(ApiError::Unsettled {
                what: format!("DigitalOcean gave up the {kind} of droplet {id} (action {}) and says no reason", action.id),
            })
        }
    }
}

/// As `act`, but a lost answer is no error: the wait for the droplet that follows tells whether it took effect.
async fn push(api: &Client, id: &Id, body: &serde_json::Value, whose: &str, limit: Duration) -> Result<(), ApiError> {
    match run(api, id, &format!("{}/actions", path(id)), body, whose, limit).await {
        Err(ApiError::Ambiguous { .. }) => Ok(()),
        other => other,
    }
}

async fn until(api: &Client, id: &Id, what: &str, limit: Duration, done: impl Fn(&Wire) -> bool + Send + Sync) -> Result<(), ApiError> {
    let done = &done;
    api.wait(&format!("droplet {id} to {what}"), limit, || async move { Ok(done(&get(api, id).await?).then_some(())) }).await
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
    push(api, id, &body, "the new size of", RESIZE_LIMIT).await?;
    until(api, id, &format!("have the size {wanted}"), RESIZE_LIMIT, |droplet| droplet.size() == wanted).await
}

pub(super) async fn power_off(api: &Client, id: &Id, graceful: bool) -> Result<(), ApiError> {
    let is_off = |droplet: &Wire| droplet.status == "off";
    if graceful {
        // It only asks; a system that does not listen is cut off below.
        let asked = push(api, id, &json!({"type": "shutdown"}), "the shutdown of", SHUTDOWN_LIMIT).await;
        let off = match asked {
            Ok(()) => until(api, id, "be off", SHUTDOWN_LIMIT, is_off).await,
            Err(error) => Err(error),
        };
        match off {
            Err(ApiError::Unsettled { .. }) => {}
            other => return other,
        }
    }
    push(api, id, &json!({"type": "power_off"}), "the power of", ACTION_LIMIT).await?;
    until(api, id, "be off", ACTION_LIMIT, is_off).await
}

async fn power_on(api: &Client, id: &Id) -> Result<(), ApiError> {
    if get(api, id).await?.status == "active" {
        return Ok(());
    }
    push(api, id, &json!({"type": "power_on"}), "the power of", ACTION_LIMIT).await?;
    until(api, id, "be on", ACTION_LIMIT, |droplet| droplet.status == "active").await
}

/// Tags are a set that is ours, the stack's mark excepted, which `seen` does not show.
async fn tags(api: &Client, id: &Id, wanted: &[String], seen: &[String]) -> Result<(), ApiError> {
    let has = |tags: &[String], tag: &str| tags.iter().any(|other| other.eq_ignore_ascii_case(tag));
    let body = json!({"resources": [{"resource_id": id.0, "resource_type": "droplet"}]});
    let path = |tag: &str| format!("/tags/{}/resources", segment(tag));
    for tag in wanted.iter().filter(|tag| !has(seen, tag)) {
        match api.repeatable_post(&path(tag), &body).await {
            Err(error) if error.is_not_found() => {
                api.repeatable_post("/tags", &json!({"name": tag})).await?;
                api.repeatable_post(&path(tag), &body).await?;
            }
            other => other?,
        }
    }
    for tag in seen.iter().filter(|tag| !has(wanted, tag)) {
        api.delete_with(&path(tag), &body).await?;
    }
    Ok(())
}

async fn backups(api: &Client, id: &Id, spec: &Spec, seen: &Body) -> Result<(), ApiError> {
    let were_on = seen.get("backups") == Some(&true.into());
    let policy = spec.backup_policy.first();
    let body = match (were_on, spec.backups) {
        (_, false) => json!({"type": "disable_backups"}),
        (false, true) => match policy {
            Some(policy) => json!({"type": "enable_backups", "backup_policy": policy}),
            None => json!({"type": "enable_backups"}),
        },
        (true, true) => match policy {
            Some(policy) => json!({"type": "change_backup_policy", "backup_policy": policy}),
            None => json!({"type": "change_backup_policy", "backup_policy": {"plan": "daily"}}),
        },
    };
    act(api, id, &body, "the backups of").await
}

async fn volumes(api: &Client, id: &Id, spec: &Spec, seen: &[String]) -> Result<(), ApiError> {
    let number: u64 = id.0.parse().map_err(|_| ApiError::Unsettled { what: format!("`{id}` is no droplet's number") })?;
    let region = get(api, id).await?.region.slug;
    let gone = seen.iter().filter(|volume| !spec.volume_ids.contains(volume)).map(|volume| (volume, "detach"));
    let new = spec.volume_ids.iter().filter(|volume| !seen.contains(volume)).map(|volume| (volume, "attach"));
    for (volume, verb) in gone.chain(new) {
        let body = json!({"type": verb, "droplet_id": number, "region": region});
        run(api, id, &format!("/volumes/{}/actions", segment(volume)), &body, "a volume of", ACTION_LIMIT).await?;
    }
    Ok(())
}

fn texts(body: &Body, name: &str) -> Vec<String> {
    let items = body.get(name).and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
