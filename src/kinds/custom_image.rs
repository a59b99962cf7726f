//! Images of one's own, fetched from a URL.
//!
//! Invariant: an image is fetched to one region; to the others it is given once it is there, and it leaves none. Which images are of
//! this kind their type tells: what is kept of a droplet is an image too.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::attr::{AWAIT_READY, Attr, CREATED_AT, Change, EditName, Lit, TIMEOUTS, Ty};
use super::compare::{SET, TAGS, or_empty};
use super::erased::{Fut, Scopes};
use super::plain::{Collection, Hooks, Plain, Ready, UPDATE, Update};
use super::valid::Valid;
use super::{form, no_edit, tagging};
use dofloat_api::action::Order;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::looks::{Place, Seen};
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// The official provider waits as long for the file to be fetched.
const LIMIT: Duration = Duration::from_secs(120 * 60);
const CHANGED: Change = Change::InPlace(UPDATE);

/// `digitalocean_custom_image`.
pub(crate) static CUSTOM_IMAGE: Plain = Plain {
    name: "digitalocean_custom_image",
    noun: "custom image",
    scopes: Scopes {
        read: &["image:read"],
        create: &["image:create", "image:read"],
        update: &["image:update", "image:read"],
        delete: &["image:delete"],
    },
    at: Collection { path: "/images", one: "image", many: "images", id: "id", key: None },
    among: &[("private", "true")],
    update: Update::Put,
    ready: Some(Ready { attr: "status", is: &["available"], never: &["deleted", "retired"], limit: LIMIT }),
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The image's number, as a text."),
        Attr::required("name", Ty::String, CHANGED, "Its name.").valid(Valid::Asked(form::short, "It has up to 255 characters.")),
        Attr::required(
            "url",
            Ty::String,
            Change::Replace,
            "Where it is fetched from: raw, qcow2, VHDX, VDI or VMDK, by gzip or bzip2 too.",
        )
        .write_only()
        .valid(Valid::Form(|url| !url.is_empty(), "Write a URL.")),
        Attr::required("regions", Ty::Set(&Ty::String), Change::Grow("distribute"), "The slugs of the regions that it is in.")
            .compare(SET)
            .scopes(&["image:update"]),
        or_empty(Attr::optional("description", Ty::String, CHANGED, "What it is.")),
        Attr::optional("distribution", Ty::String, CHANGED, "Whose system it is.")
            .default(Lit::Str("Unknown"))
            .valid(Valid::OneOf(DISTRIBUTIONS)),
        Attr::optional("tags", Ty::Set(&Ty::String), Change::InPlace("tags"), "Its tags.")
            .compare(TAGS)
            .valid(Valid::Asked(form::tag, super::tag::ALPHABET))
            .scopes(&["tag:create", "tag:delete"]),
        TIMEOUTS,
        Attr::computed("image_id", Ty::Number, "The image's number.").at("/id"),
        Attr::computed("type", Ty::String, "custom."),
        Attr::computed("slug", Ty::String, "Its slug; it has none."),
        Attr::computed("public", Ty::Bool, "Whether it is everybody's: never."),
        Attr::computed("min_disk_size", Ty::Number, "The least disk that takes it, in GB.").follows(&[AWAIT_READY]),
        Attr::computed("size_gigabytes", Ty::Number, "How large it is.").follows(&[AWAIT_READY]),
        CREATED_AT,
        Attr::computed("status", Ty::String, "NEW, pending, available, deleted or retired.").follows(&[AWAIT_READY]),
    ],
    hooks: Hooks {
        sent: Some(to_one_region),
        after_create: Some(after_create),
        edit: Some(edit),
        is_there: |body| text(body, "type") == "custom" && text(body, "status") != "deleted",
        ..Hooks::NONE
    },
    ..Plain::NOTHING
};

const DISTRIBUTIONS: &[&str] = &[
    "Arch Linux",
    "CentOS",
    "CoreOS",
    "Debian",
    "Fedora",
    "Fedora Atomic",
    "FreeBSD",
    "Gentoo",
    "openSUSE",
    "RancherOS",
    "Rocky Linux",
    "Ubuntu",
    "Unknown",
];

fn text<'a>(body: &'a Body, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A create names the one region that it is fetched to.
fn to_one_region<'a>(_: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    if let Some(regions) = fields.remove("regions") {
        fields.insert("region".to_owned(), regions[0].clone());
    }
    Box::pin(async { Ok(()) })
}

/// Gives it to the other regions, once it is there.
fn after_create<'a>(api: &'a Client, id: &'a Id, wanted: &'a Term) -> Fut<'a, ()> {
    Box::pin(async move {
        let regions = wanted.get("regions").value().map(|regions| Body::from([("regions".to_owned(), regions.clone())]));
        let regions = regions.map(|regions| tagging::texts(&regions, "regions")).unwrap_or_default();
        if regions.len() < 2 {
            return Ok(());
        }
        let seen = CUSTOM_IMAGE.until_ready(api, id, "create").await?;
        distribute(api, id, &regions, &seen).await
    })
}

fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        match edit {
            "tags" => tagging::change(api, "image", id, &tagging::texts(wanted, "tags"), &tagging::texts(seen, "tags")).await,
            "distribute" => distribute(api, id, &tagging::texts(wanted, "regions"), seen).await,
            _ => Err(no_edit(CUSTOM_IMAGE.name, id, edit)),
        }
    })
}

async fn distribute(api: &Client, id: &Id, regions: &[String], seen: &Body) -> Result<(), ApiError> {
    let there = tagging::texts(seen, "regions");
    let path = format!("{}/{}", CUSTOM_IMAGE.at.path, segment(&id.0));
    for region in regions.iter().filter(|region| !there.contains(region)) {
        let order = Order {
            path: &format!("{path}/actions"),
            place: Place::alone(path.clone(), CUSTOM_IMAGE.at.one),
            body: json!({ "type": "transfer", "region": region }),
            goal: format!("the image {id} to be in {region}"),
            beside: &[],
            limit: LIMIT,
            completed_is_enough: false,
        };
        let reached = |seen: Option<Seen>| {
            let image: Json = seen.ok_or_else(|| order.place.missing())?.decode(&order.place)?;
            let is_there = image["regions"].as_array().is_some_and(|regions| regions.iter().any(|other| other == region));
            Ok(is_there.then_some(()))
        };
        api.bring_about(&order, reached).await?;
    }
    Ok(())
}
