//! Who holds a reserved address, as a resource of its own. Its identity is the address.
//!
//! Invariant: only what the address itself says counts as the holder; an address that went to another droplet is not ours
//! to unassign.

use std::marker::PhantomData;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::attr::{Attr, Change, EditName, Ty};
use super::complaints::{self, Complaints};
use super::droplet::Droplet;
use super::erased::{Certainty, Complaint, Job, Scopes};
use super::reserved_ip::{self, Floating, Reserved, Spelling, Wire};
use super::wire::id_number;
use super::{Candidate, Kind, NewObject, form};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term, Value};

pub(crate) struct Assignment<S>(PhantomData<S>);

#[derive(Deserialize)]
pub(crate) struct Spec {
    ip_address: String,
    #[serde(deserialize_with = "id_number")]
    droplet_id: u64,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    ip_address: String,
    droplet_id: u64,
}

impl<S: Spelling> Kind for Assignment<S> {
    const NAME: &'static str = S::ASSIGNMENT;
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The address."),
        Attr::required("ip_address", Ty::String, Change::Replace, "The reserved address.")
            .names_near(&[S::IP, Reserved::IP, Floating::IP], &["ip_address", "id"])
            .identity(),
        Attr::required("droplet_id", Ty::Number, Change::InPlace("assign"), "The droplet that holds it.")
            .names_near(&[Droplet::NAME], &["id"]),
    ];
    const SCOPES: Scopes = Scopes {
        read: &["reserved_ip:read", "droplet:read"],
        create: &["reserved_ip:update", "reserved_ip:read", "droplet:read"],
        update: &["reserved_ip:update", "reserved_ip:read", "droplet:read"],
        delete: &["reserved_ip:update", "reserved_ip:read", "droplet:read"],
    };
    const UNIQUE_KEY: &'static [&'static str] = &["ip_address"];
    // An address that is spelt in the old way is no other one.
    const UNIQUE_AMONG: &'static str = "addresses";
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        if let Some(address) = complaints::text(body, "ip_address")
            && !form::ipv4(&address)
        {
            complaints.error(&["ip_address"], format!("`{address}` is not an IPv4 address."), "");
        }
    }

    async fn preflight(_: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        let address = |body: &Term| complaints::text(body, "ip_address");
        complaints::no_two(jobs, "ip_address", "address", address, &mut complaints);
        let droplet = |body: &Term| complaints::number(body, "droplet_id").map(|id| id.to_string());
        complaints::no_two(jobs, "droplet_id", "droplet (which holds one reserved address)", droplet, &mut complaints);
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let wire = reserved_ip::assign(api, &spec.ip_address, spec.droplet_id).await?;
        let id = Id(wire.ip.clone());
        Ok(NewObject { live: live(&id, &wire)?, id })
    }

    async fn bulk(api: &Client, ids: &[Id], _: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        let all = reserved_ip::all(api).await?;
        let mut found = Vec::new();
        for id in ids {
            let Some(wire) = all.iter().find(|wire| address(id).as_deref() == Some(&wire.ip)) else { continue };
            found.extend(live(id, wire)?.map(|live| (id.clone(), live)));
        }
        Ok(found)
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        let Some(ip) = address(id) else { return Err(bad_id(id)) };
        match reserved_ip::one(api, &ip).await? {
            Some(wire) => live(id, &wire),
            None => Ok(None),
        }
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, _: &Body) -> Result<(), ApiError> {
        if edit != "assign" {
            return Err(super::no_edit(Self::NAME, id, edit));
        }
        reserved_ip::assign(api, &spec.ip_address, spec.droplet_id).await.map(|_| ())
    }

    async fn delete(api: &Client, id: &Id, seen: &Body) -> Result<(), ApiError> {
        let ip = address(id).ok_or_else(|| bad_id(id))?;
        reserved_ip::let_go(api, &ip, seen).await
    }

    /// That a droplet holds an address is so whoever brought it about: making it again would find nothing to do.
    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let (Some(ip), Some(Value::Number(droplet))) = (body.get("ip_address").and_then(Value::as_str), body.get("droplet_id")) else {
            return Ok(Vec::new());
        };
        let id = Id(ip.to_owned());
        let Some(wire) = reserved_ip::one(api, ip).await? else { return Ok(Vec::new()) };
        let held = live(&id, &wire)?.filter(|live| Some(live.droplet_id) == droplet.as_u64());
        Ok(held.map(|live| Candidate { id, live, certainty: Certainty::Ours }).into_iter().collect())
    }

    fn identity(body: &Body) -> Option<Id> {
        body.get("ip_address")?.as_str().map(|ip| Id(ip.to_owned()))
    }
}

/// Nothing if nobody holds it.
fn live(id: &Id, wire: &Wire) -> Result<Option<Live>, ApiError> {
    Ok(wire.holder()?.map(|droplet_id| Live { id: id.0.clone(), ip_address: wire.ip.clone(), droplet_id }))
}

/// The address in an identity: ours (`IP`), that of an import (`IP,DROPLET`), or the official provider's (`DROPLET-IP-STAMP`).
fn address(id: &Id) -> Option<String> {
    id.0.split([',', '-']).map(str::trim).find(|part| part.parse::<Ipv4Addr>().is_ok()).map(str::to_owned)
}

fn bad_id(id: &Id) -> ApiError {
    ApiError::Unsettled { what: format!("`{id}` is not an assignment ID: that is the reserved address") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_every_form_of_identity() {
        for (id, ip) in [
            ("203.0.113.2", Some("203.0.113.2")),
            ("203.0.113.2,500000139", Some("203.0.113.2")),
            ("500000139-203.0.113.2-20261122222052607300000001", Some("203.0.113.2")),
            ("500000139", None),
        ] {
            assert_eq!(address(&Id(id.to_owned())).as_deref(), ip, "{id}");
        }
    }
}
