//! NAT gateways of VPCs.
//!
//! Invariant: rows only. A gateway that is deleted is waited for until it is gone: a VPC that has one cannot be deleted.

use std::time::Duration;

use super::attr::{AWAIT_READY, Attr, CREATED_AT, Change, Compare, Lit, Ty};
use super::plain::{Collection, Plain, Ready, UPDATE, Update};
use super::valid::Valid;

/// The official provider waits as long for one to be active, and to be gone.
const LIMIT: Duration = Duration::from_secs(15 * 60);
const IN_PLACE: Change = Change::InPlace(UPDATE);

/// `digitalocean_vpc_nat_gateway`.
pub(crate) static GATEWAY: Plain = Plain {
    name: "digitalocean_vpc_nat_gateway",
    noun: "NAT gateway",
    at: Collection { path: "/vpc_nat_gateways", one: "vpc_nat_gateway", many: "vpc_nat_gateways", id: "id", key: None },
    update: Update::Put,
    ready: Some(Ready { attr: "state", is: &["ACTIVE"], never: &["ERROR", "INVALID"], limit: LIMIT }),
    gone_within: Some(LIMIT),
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The gateway's uuid."),
        Attr::required("name", Ty::String, IN_PLACE, "Its name."),
        Attr::required("type", Ty::String, Change::Replace, "PUBLIC.").valid(Valid::OneOf(&["PUBLIC"])),
        Attr::required("region", Ty::String, Change::Replace, "The region's slug.").compare(Compare::NoCase),
        Attr::required("size", Ty::Number, IN_PLACE, "Its size, from 1 on."),
        Attr::required("vpcs", Ty::List(&Ty::Object(VPCS)), IN_PLACE, "The VPCs whose traffic goes through it.").blocks(),
        Attr::chosen("udp_timeout_seconds", Ty::Number, IN_PLACE, "After how many seconds a UDP connection is forgotten."),
        Attr::chosen("icmp_timeout_seconds", Ty::Number, IN_PLACE, "After how many seconds an ICMP connection is forgotten."),
        Attr::chosen("tcp_timeout_seconds", Ty::Number, IN_PLACE, "After how many seconds a TCP connection is forgotten."),
        Attr::computed("state", Ty::String, "NEW, PROVISIONING, ACTIVE, DELETING, ERROR or INVALID.").follows(&[AWAIT_READY]).volatile(),
        Attr::computed("egresses", Ty::List(&Ty::Object(EGRESSES)), "Where traffic leaves.").single().follows(&[AWAIT_READY]),
        Attr::computed("project_id", Ty::String, "The project that it is in.").follows(&[AWAIT_READY]).volatile(),
        CREATED_AT,
        Attr::computed("updated_at", Ty::String, "When it was changed last.").follows(&[AWAIT_READY]).volatile(),
    ],
    ..Plain::NOTHING
};

const VPCS: &[Attr] = &[
    Attr::required("vpc_uuid", Ty::String, IN_PLACE, "The VPC.").names(&["digitalocean_vpc"], &["id"]),
    Attr::chosen("subnet_uuid", Ty::String, IN_PLACE, "The subnet of the VPC.").follows(&[UPDATE]),
    Attr::optional("default_gateway", Ty::Bool, IN_PLACE, "Whether the VPC's traffic goes through it where nothing else is said.")
        .default(Lit::Bool(false)),
    Attr::computed("gateway_ip", Ty::String, "Its address in the VPC.").follows(&[UPDATE]),
];

const EGRESSES: &[Attr] = &[Attr::computed("public_gateways", Ty::List(&Ty::Object(PUBLIC)), "Its public addresses.")];
const PUBLIC: &[Attr] = &[Attr::computed("ipv4", Ty::String, "The address.")];
