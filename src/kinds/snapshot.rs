//! Snapshots of volumes and of droplets.
//!
//! Invariant: both lie in one collection; what they are of tells them apart. They outlive what they are of. A droplet is asked for one by
//! an action that does not name it: as long as such an action is at work nobody can tell what came of it, so that is waited for.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::attr::{Attr, CREATED_AT, Change, EditName, TIMEOUTS, Ty};
use super::compare::SET;
use super::erased::{Fut, Scopes};
use super::plain::{Collection, Hooks, Plain};
use super::valid::Valid;
use super::{form, if_there, no_edit, tagging};
use dofloat_api::action::Order;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::looks::{Place, Seen};
use dofloat_api::wait::Poll;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};

/// How long a snapshot of a droplet may take: its disk is copied.
const SNAPSHOT_LIMIT: Duration = Duration::from_secs(3600);

const AT: Collection = Collection { path: "/snapshots", one: "snapshot", many: "snapshots", id: "id", key: None };
const ID: Attr = Attr::computed("id", Ty::String, "The snapshot's id.");
const NAME: Attr =
    Attr::required("name", Ty::String, Change::Replace, "Its name.").valid(Valid::Asked(form::short, "It has up to 255 characters."));
const REGIONS: Attr = Attr::computed("regions", Ty::Set(&Ty::String), "Where it is.").compare(SET);
const MIN_DISK_SIZE: Attr = Attr::computed("min_disk_size", Ty::Number, "The least disk that takes it, in GiB.");
const SIZE: Attr = Attr::computed("size", Ty::Number, "How large it is, in GiB.").at("/size_gigabytes");

/// `digitalocean_volume_snapshot`.
pub(crate) static OF_VOLUME: Plain = Plain {
    name: "digitalocean_volume_snapshot",
    noun: "snapshot of a volume",
    scopes: Scopes {
        read: &["snapshot:read", "block_storage_snapshot:read"],
        create: &["block_storage_snapshot:create", "block_storage_snapshot:read", "snapshot:read"],
        update: &[],
        delete: &["snapshot:delete", "image:delete"],
    },
    at: AT,
    made_at: Some("/volumes/{volume_id}/snapshots"),
    among: &[("resource_type", "volume")],
    billed: true,
    attrs: &[
        ID,
        NAME,
        Attr::required("volume_id", Ty::String, Change::Replace, "The volume that it is of.")
            .names(&["digitalocean_volume"], &["id"])
            .at("/resource_id"),
        tagging::ROW,
        REGIONS,
        MIN_DISK_SIZE,
        SIZE,
        CREATED_AT,
    ],
    hooks: Hooks { edit: Some(edit), ..Hooks::NONE },
    ..Plain::NOTHING
};

/// `digitalocean_droplet_snapshot`.
pub(crate) static OF_DROPLET: Plain = Plain {
    name: "digitalocean_droplet_snapshot",
    noun: "snapshot of a droplet",
    scopes: Scopes {
        read: &["snapshot:read", "block_storage_snapshot:read"],
        create: &["droplet:update", "droplet:read", "image:create", "snapshot:read", "block_storage_snapshot:read"],
        update: &[],
        delete: &["snapshot:delete", "image:delete"],
    },
    at: AT,
    among: &[("resource_type", "droplet")],
    billed: true,
    attrs: &[
        ID,
        NAME,
        Attr::required("droplet_id", Ty::String, Change::Replace, "The droplet that it is of.")
            .names(&["digitalocean_droplet"], &["id"])
            .at("/resource_id"),
        REGIONS,
        MIN_DISK_SIZE,
        SIZE,
        CREATED_AT,
        TIMEOUTS,
    ],
    hooks: Hooks { make: Some(make), before_find: Some(until_quiet), ..Hooks::NONE },
    ..Plain::NOTHING
};

fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        match edit {
            "tags" => tagging::change(api, "volume_snapshot", id, &tagging::texts(wanted, "tags"), &tagging::texts(seen, "tags")).await,
            _ => Err(no_edit(OF_VOLUME.name, id, edit)),
        }
    })
}

#[derive(Deserialize)]
struct One {
    droplet: Droplet,
}

#[derive(Deserialize)]
struct Droplet {
    #[serde(default)]
    snapshot_ids: Vec<u64>,
}

fn text<'a>(body: &'a Body, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn droplet_path(body: &Body) -> String {
    format!("/droplets/{}", segment(text(body, "droplet_id")))
}

/// A droplet is asked for it by an action, which does not tell what came of it: the droplet does.
fn make<'a>(api: &'a Client, wanted: &'a Body) -> Fut<'a, Id> {
    Box::pin(async move {
        let (droplet, name, path) = (text(wanted, "droplet_id"), text(wanted, "name"), droplet_path(wanted));
        let before = api.get::<One>(&path, &[]).await?.droplet.snapshot_ids;
        let order = Order {
            path: &format!("{path}/actions"),
            place: Place::alone(path, "droplet"),
            body: json!({"type": "snapshot", "name": name}),
            goal: format!("droplet {droplet} to have the snapshot {name}"),
            beside: &[],
            limit: SNAPSHOT_LIMIT,
            completed_is_enough: false,
        };
        let reached = |seen: Option<Seen>| {
            let droplet: Droplet = seen.ok_or_else(|| order.place.missing())?.decode(&order.place)?;
            Ok(droplet.snapshot_ids.iter().any(|id| !before.contains(id)).then_some(droplet.snapshot_ids))
        };
        let there = api.bring_about(&order, reached).await?.unwrap_or_default();
        let all: Vec<Json> = api.list(AT.path, OF_DROPLET.among, AT.many).await?;
        let id = |of: &Json| of["id"].as_str().map(str::to_owned).or_else(|| of["id"].as_u64().map(|id| id.to_string()));
        let is_new = |id: &String| there.iter().any(|new| new.to_string() == *id && !before.contains(new));
        let named = all.iter().filter(|of| of["name"] == name).filter_map(id).find(is_new);
        let new = named.or_else(|| there.iter().find(|id| !before.contains(id)).map(ToString::to_string));
        new.map(Id).ok_or_else(|| ApiError::Unsettled { what: format!("droplet {droplet} has no new snapshot") })
    })
}

#[derive(Deserialize)]
struct Recent {
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
}

/// Waits until no snapshot of the droplet is being made: only then can one that a lost run has begun be found.
fn until_quiet<'a>(api: &'a Client, wanted: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        let path = format!("{}/actions", droplet_path(wanted));
        let look = || async {
            let recent: Option<Recent> = if_there(api.get(&path, &[]).await)?;
            let at_work = |action: &Action| action.kind == "snapshot" && action.status == "in-progress";
            let is_quiet = !recent.iter().flat_map(|recent| &recent.actions).any(at_work);
            Ok(if is_quiet { Poll::Ready(()) } else { Poll::Pending("a snapshot is being made".to_owned()) })
        };
        let what = format!("no snapshot of droplet {} to be at work", text(wanted, "droplet_id"));
        api.wait_saying(&what, SNAPSHOT_LIMIT, look).await
    })
}
