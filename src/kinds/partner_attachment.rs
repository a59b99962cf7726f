//! Attachments of VPCs to the networks of partners.
//!
//! Invariant: the key of its BGP session is never read back. An attachment that is deleted is waited for until it is gone.

use std::time::Duration;

use serde_json::Value as Json;

use super::attr::{AWAIT_READY, Attr, CREATED_AT, Change, Compare, EditName, TIMEOUTS, Ty};
use super::compare::{SET, or_empty};
use super::erased::Fut;
use super::plain::{Collection, Hooks, Plain, Ready, UPDATE, Update};
use super::valid::Valid;
use dofloat_api::client::{Client, segment};
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};

/// Twice what the official provider waits for one to be made.
const LIMIT: Duration = Duration::from_secs(600);
const BGP: Change = Change::InPlace("bgp");

/// `digitalocean_partner_attachment`.
pub(crate) static ATTACHMENT: Plain = Plain {
    name: "digitalocean_partner_attachment",
    noun: "partner attachment",
    at: Collection {
        path: "/partner_network_connect/attachments",
        one: "partner_attachment",
        many: "partner_attachments",
        id: "id",
        key: None,
    },
    update: Update::Patch,
    ready: Some(Ready { attr: "state", is: &["CREATED", "ACTIVE"], never: &[], limit: LIMIT }),
    gone_within: Some(LIMIT),
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The attachment's uuid."),
        Attr::required("name", Ty::String, Change::InPlace(UPDATE), "Its name.").valid(Valid::Asked(
            |name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)),
            "It has letters, digits, dashes and dots only.",
        )),
        Attr::required("connection_bandwidth_in_mbps", Ty::Number, Change::Replace, "Its bandwidth: 1000, 2000, 5000 or 10000.")
            .valid(Valid::OneOfNumbers(&[1000, 2000, 5000, 10000])),
        Attr::required("region", Ty::String, Change::Replace, "nyc, sfo, fra, ams or sgp.").compare(Compare::NoCase),
        Attr::required("naas_provider", Ty::String, Change::Replace, "The partner, for example MEGAPORT."),
        Attr::optional("redundancy_zone", Ty::String, Change::Replace, "MEGAPORT_BLUE or MEGAPORT_RED.").write_only(),
        Attr::required("vpc_ids", Ty::Set(&Ty::String), Change::InPlace(UPDATE), "The VPCs that are attached.")
            .compare(SET)
            .names(&["digitalocean_vpc"], &["id"]),
        Attr::chosen("bgp", Ty::List(&Ty::Object(SESSION)), BGP, "Its BGP session.").single(),
        or_empty(Attr::optional("parent_uuid", Ty::String, Change::Replace, "The attachment that this one is the spare of."))
            .names(&["digitalocean_partner_attachment"], &["id"]),
        TIMEOUTS,
        Attr::computed("state", Ty::String, "CREATING, CREATED, ACTIVE or DELETING.").follows(&[AWAIT_READY]).volatile(),
        Attr::computed("children", Ty::List(&Ty::String), "The attachments that are its spares.").volatile(),
        CREATED_AT,
    ],
    hooks: Hooks { seen: Some(seen), edit: Some(edit), ..Hooks::NONE },
    ..Plain::NOTHING
};

const SESSION: &[Attr] = &[
    Attr::required("local_router_ip", Ty::String, BGP, "The address of DigitalOcean's router, in CIDR notation."),
    Attr::required("peer_router_ip", Ty::String, BGP, "The address of the partner's router, in CIDR notation."),
    Attr::required("peer_router_asn", Ty::Number, BGP, "The partner's autonomous system.").wire("peer_router_asn", "/peer_asn"),
    Attr::required("auth_key", Ty::String, BGP, "The session's key.").sealed(),
];

/// The API writes its regions in capitals.
fn seen<'a>(_: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    for body in bodies {
        if let Some(region) = body.get("region").and_then(Value::as_str).map(str::to_lowercase) {
            body.insert("region".to_owned(), region.into());
        }
    }
    Box::pin(async { Ok(()) })
}

/// A session is sent as a whole.
fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        let sent = ATTACHMENT.replacement(api, edit, wanted, seen).await?;
        api.patch::<Json>(&format!("{}/{}", ATTACHMENT.at.path, segment(&id.0)), &sent).await.map(drop)
    })
}
