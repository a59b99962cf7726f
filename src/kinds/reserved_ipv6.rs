//! Reserved IPv6 addresses, and who holds one.
//!
//! Invariant: an address carries no mark and no name. Only what the address itself says counts as the holder; one that went to another
//! droplet is not ours to take.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::attr::{Attr, Change, Compare, Ty, URN};
use super::erased::{Fut, Scopes};
use super::if_there;
use super::plain::{Collection, Hooks, Plain};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::wait::Poll;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};

/// How long an assignment may take, pending events of the droplet included.
const ASSIGN_LIMIT: Duration = Duration::from_secs(300);
const AT: Collection = Collection { path: "/reserved_ipv6", one: "reserved_ipv6", many: "reserved_ipv6s", id: "ip", key: None };

/// `digitalocean_reserved_ipv6`.
pub(crate) static RESERVED_IPV6: Plain = Plain {
    name: "digitalocean_reserved_ipv6",
    noun: "reserved IPv6 address",
    at: AT,
    urn: "reservedipv6",
    attrs: &[
        Attr::computed("id", Ty::String, "The address."),
        Attr::required("region_slug", Ty::String, Change::Replace, "The region's slug.").compare(Compare::NoCase),
        Attr::computed("ip", Ty::String, "The address."),
        Attr::computed("droplet_id", Ty::Number, "The droplet that holds it; 0 if none does.").at("/droplet/id").volatile(),
        URN,
    ],
    ..Plain::NOTHING
};

/// `digitalocean_reserved_ipv6_assignment`.
pub(crate) static ASSIGNMENT: Plain = Plain {
    name: "digitalocean_reserved_ipv6_assignment",
    noun: "assignment of a reserved IPv6 address",
    scopes: Scopes {
        read: &["reserved_ip:read", "droplet:read"],
        create: &["reserved_ip:update", "reserved_ip:read", "droplet:read"],
        update: &[],
        delete: &["reserved_ip:update", "reserved_ip:read", "droplet:read"],
    },
    at: AT,
    repeatable: true,
    unique_key: &["ip"],
    attrs: &[
        Attr::computed("id", Ty::String, "The address."),
        Attr::required("ip", Ty::String, Change::Replace, "The reserved address.")
            .names(&["digitalocean_reserved_ipv6"], &["ip", "id"])
            .identity(),
        Attr::required("droplet_id", Ty::Number, Change::Replace, "The droplet that holds it.")
            .names(&["digitalocean_droplet"], &["id"])
            .at("/droplet/id"),
    ],
    hooks: Hooks { make: Some(assign), is_there: |body| holder_in(body).is_some(), end: Some(let_go), ..Hooks::NONE },
    ..Plain::NOTHING
};

fn holder_in(body: &Body) -> Option<u64> {
    body.get("droplet_id").map(Value::to_json).and_then(|id| id.as_u64()).filter(|id| *id != 0)
}

fn path(ip: &str) -> String {
    format!("{}/{}", AT.path, segment(ip))
}

#[derive(Deserialize)]
struct One {
    reserved_ipv6: Wire,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    droplet: Option<Holder>,
}

#[derive(Deserialize)]
struct Holder {
    id: u64,
}

/// The droplet that holds an address; nothing also for one that is not there.
async fn holder(api: &Client, ip: &str) -> Result<Option<u64>, ApiError> {
    let found: Option<One> = if_there(api.get(&path(ip), &[]).await)?;
    Ok(found.and_then(|one| one.reserved_ipv6.droplet).map(|droplet| droplet.id))
}

/// Brings a holder about. What is refused because it is so already, as an answer that was lost has brought it about, is no error.
async fn give(api: &Client, ip: &str, body: &Json, wanted: Option<u64>) -> Result<(), ApiError> {
    let what = match wanted {
        Some(droplet) => format!("the address {ip} to be held by droplet {droplet}"),
        None => format!("the address {ip} to be free"),
    };
    let path = format!("{}/actions", path(ip));
    let asked = api.pending_retry(&what, ASSIGN_LIMIT, || async { api.repeatable_post(&path, body).await }).await;
    if let Err(error) = asked {
        return if holder(api, ip).await? == wanted { Ok(()) } else { Err(error) };
    }
    let look = || async {
        Ok(if holder(api, ip).await? == wanted { Poll::Ready(()) } else { Poll::Pending("something is being done to it".to_owned()) })
    };
    api.wait_saying(&what, ASSIGN_LIMIT, look).await
}

fn assign<'a>(api: &'a Client, wanted: &'a Body) -> Fut<'a, Id> {
    Box::pin(async move {
        let ip = wanted.get("ip").and_then(Value::as_str).unwrap_or_default();
        let droplet = holder_in(wanted);
        if holder(api, ip).await? != droplet {
            give(api, ip, &json!({ "type": "assign", "droplet_id": droplet }), droplet).await?;
        }
        Ok(Id(ip.to_owned()))
    })
}

/// One that went to another droplet meanwhile is left there.
fn let_go<'a>(api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        match holder(api, &id.0).await? {
            Some(droplet) if holder_in(seen).is_none_or(|ours| ours == droplet) => {
                give(api, &id.0, &json!({ "type": "unassign" }), None).await
            }
            _ => Ok(()),
        }
    })
}
