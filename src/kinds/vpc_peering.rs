//! Peerings of VPCs.
//!
//! Invariant: a peering that is deleted is waited for until it is gone: a VPC that has one cannot be deleted.

use std::time::Duration;

use super::attr::{AWAIT_READY, Attr, CREATED_AT, Change, TIMEOUTS, Ty};
use super::compare::SET;
use super::erased::Fut;
use super::plain::{Collection, Hooks, Plain, Ready, UPDATE, Update, scopes};
use super::valid::Valid;
use super::vpc;
use dofloat_api::client::Client;
use dofloat_base::value::{Body, Value};

/// The official provider waits as long for one to be gone.
const LIMIT: Duration = Duration::from_secs(600);

/// `digitalocean_vpc_peering`.
pub(crate) static PEERING: Plain = Plain {
    name: "digitalocean_vpc_peering",
    noun: "VPC peering",
    scopes: scopes!("vpc_peering"),
    at: Collection { path: "/vpc_peerings", one: "vpc_peering", many: "vpc_peerings", id: "id", key: None },
    update: Update::Patch,
    unique_key: &["vpc_ids"],
    ready: Some(Ready { attr: "status", is: &["ACTIVE"], never: &[], limit: LIMIT }),
    gone_within: Some(LIMIT),
    attrs: &[
        Attr::computed("id", Ty::String, "The peering's uuid."),
        Attr::required("name", Ty::String, Change::InPlace(UPDATE), "Its name.").valid(Valid::Asked(
            |name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "It has letters, digits and dashes only.",
        )),
        Attr::required("vpc_ids", Ty::Set(&Ty::String), Change::Replace, "The two VPCs.")
            .compare(SET)
            .names(&["digitalocean_vpc"], &["id"]),
        TIMEOUTS,
        Attr::computed("status", Ty::String, "PROVISIONING, ACTIVE or DELETING.").follows(&[AWAIT_READY]).volatile(),
        CREATED_AT,
    ],
    hooks: Hooks { seen: Some(seen), ..Hooks::NONE },
    ..Plain::NOTHING
};

fn seen<'a>(_: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    for body in bodies {
        if let Some(text) = body.get("created_at").and_then(Value::as_str) {
            let text = vpc::moment(text);
            body.insert("created_at".to_owned(), text.into());
        }
    }
    Box::pin(async { Ok(()) })
}
