//! Volumes of block storage.
//!
//! Invariant: a volume grows in place and never shrinks; who holds it is another resource's matter.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::attr::{Attr, Change, Compare, EditName, TIMEOUTS, Ty, URN};
use super::compare::or_empty;
use super::complaints::{self, Complaints};
use super::erased::{Fut, Scopes};
use super::job::Job;
use super::plain::{Collection, Hooks, Plain, Taken, Unique};
use super::valid::Valid;
use super::{form, no_edit, tagging};
use dofloat_api::action::Order;
use dofloat_api::client::{Client, segment};
use dofloat_api::looks::{List, Place, Seen};
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// How long an action on a volume may take.
pub(super) const ACTION_LIMIT: Duration = Duration::from_secs(600);

/// `digitalocean_volume`.
pub(crate) static VOLUME: Plain = Plain {
    name: "digitalocean_volume",
    noun: "volume",
    scopes: Scopes {
        read: &["block_storage:read"],
        create: &["block_storage:create", "block_storage:read"],
        update: &["block_storage_action:create", "block_storage:read"],
        delete: &["block_storage:delete"],
    },
    at: Collection { path: "/volumes", one: "volume", many: "volumes", id: "id", key: None },
    unique: &[Unique { attrs: &["name", "region"], noun: "name and region", taken: Taken::Refuse }],
    urn: "volume",
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The volume's uuid."),
        Attr::required("region", Ty::String, Change::Replace, "The region's slug.").compare(Compare::NoCase).wire("region", "/region/slug"),
        Attr::required("name", Ty::String, Change::Replace, "Its name, unique in the region.")
            .valid(Valid::Asked(form::volume_name, "It has up to 64 lowercase letters, digits and dashes, a letter first.")),
        Attr::required("size", Ty::Number, Change::InPlace("resize"), "Its size in GiB; it can grow, not shrink.")
            .wire("size_gigabytes", "/size_gigabytes")
            .valid(Valid::Between(1, 16384))
            .scopes(&["block_storage_action:read"]),
        or_empty(Attr::optional("description", Ty::String, Change::Replace, "Free text.")),
        Attr::optional("snapshot_id", Ty::String, Change::Replace, "The snapshot that it is made from.")
            .write_only()
            .names(&["digitalocean_volume_snapshot"], &["id"]),
        Attr::optional("initial_filesystem_type", Ty::String, Change::Replace, "How it is formatted: ext4 or xfs.")
            .write_only()
            .wire("filesystem_type", "/filesystem_type")
            .valid(Valid::OneOf(&["ext4", "xfs"])),
        Attr::optional("initial_filesystem_label", Ty::String, Change::Replace, "The label of its file system.")
            .write_only()
            .wire("filesystem_label", "/filesystem_label")
            .valid(Valid::UpTo(16)),
        Attr::chosen("filesystem_type", Ty::String, Change::Replace, "How it is formatted; `initial_filesystem_type` is to be preferred.")
            .valid(Valid::OneOf(&["ext4", "xfs"])),
        Attr::computed("filesystem_label", Ty::String, "The label of its file system."),
        tagging::ROW,
        Attr::computed("droplet_ids", Ty::Set(&Ty::Number), "The droplet that it hangs on.").volatile(),
        URN,
        TIMEOUTS,
    ],
    hooks: Hooks { check, against, edit: Some(edit), ..Hooks::NONE },
    ..Plain::NOTHING
};

fn check(body: &Term, complaints: &mut Complaints) {
    if ["filesystem_type", "initial_filesystem_type"].iter().all(|name| complaints::is_given(body, name)) {
        complaints.error(&["filesystem_type"], "`filesystem_type` and `initial_filesystem_type` are the same.", "Keep the second.");
    }
}

fn against(job: &Job, seen: &Body, complaints: &mut Complaints) {
    let there = seen.get("size").and_then(|size| match size {
        Value::Number(size) => size.as_i64(),
        _ => None,
    });
    if let (Some(wanted), Some(there), false) = (complaints::number(&job.body, "size"), there, job.creates)
        && wanted < there
    {
        complaints.error(
            &["size"],
            format!("The volume has {there} GiB and cannot shrink to {wanted}."),
            "Write the size that it has, or make a smaller volume with another name and copy what is on it.",
        );
    }
}

fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        match edit {
            "tags" => tagging::change(api, "volume", id, &tagging::texts(wanted, "tags"), &tagging::texts(seen, "tags")).await,
            "resize" => {
                let size = wanted.get("size").map(Value::to_json).unwrap_or_default();
                let body = json!({"type": "resize", "size_gigabytes": size, "region": seen.get("region").and_then(Value::as_str)});
                act(api, id, body, format!("the volume {id} to have {size} GiB"), &[], |volume| volume["size_gigabytes"] == size).await
            }
            _ => Err(no_edit(VOLUME.name, id, edit)),
        }
    })
}

/// Brings a state of a volume about by an action of its own; `beside` are the actions of others that take part.
pub(super) async fn act(
    api: &Client,
    id: &Id,
    body: Json,
    goal: String,
    beside: &[String],
    done: impl Fn(&Json) -> bool + Send + Sync,
) -> Result<(), dofloat_api::error::ApiError> {
    let volume = path(id);
    let path = format!("{volume}/actions");
    let (list, key) = (VOLUME.at.path.into(), VOLUME.at.many);
    let list = List { path: list, query: Vec::new(), key, by: VOLUME.at.id, id: id.0.clone() };
    let place = Place { one: volume, field: VOLUME.at.one, list: Some(list) };
    let order = Order { path: &path, place, body, goal, beside, limit: ACTION_LIMIT, completed_is_enough: false };
    let reached = |seen: Option<Seen>| {
        let volume: Json = seen.ok_or_else(|| order.place.missing())?.decode(&order.place)?;
        Ok(done(&volume).then_some(()))
    };
    api.bring_about(&order, reached).await.map(drop)
}

/// The path of a volume.
pub(super) fn path(id: &Id) -> String {
    format!("{}/{}", VOLUME.at.path, segment(&id.0))
}
