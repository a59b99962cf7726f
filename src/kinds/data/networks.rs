//! Names, addresses and networks: zones and their records, VPCs, firewalls, reserved addresses.
//!
//! Invariant: attributes and arguments are the official provider's.

use serde_json::{Value as Json, json};

use super::listed::Listed;
use super::miss::is_true;
use super::record::From;
use super::source::{Asked, Family, Source, Way};
use crate::attr::{Attr, CREATED_AT, Change, Ty};
use crate::erased::Fut;
use dofloat_api::client::{Client, segment};
use dofloat_base::value::{Body, Value};

pub(super) static SOURCES: [Source; 13] = [
    Source::one("digitalocean_domain", &ZONE, &[Way::Own("name")]),
    Source::many("digitalocean_domains", &DOMAIN, "domains", Ty::List(&Ty::Object(DOMAIN_ROWS))),
    Source::of_kind("digitalocean_firewall", "firewall", "firewall_id"),
    Source::of_kind("digitalocean_floating_ip", "floating IP", "ip_address"),
    Source::listed("digitalocean_partner_attachment", &ATTACHMENT),
    Source::asked("digitalocean_partner_attachment_service_key", &SERVICE_KEY),
    Source::one("digitalocean_record", &RECORD, &[Way::First("name")]).with(IN_DOMAIN),
    Source::many("digitalocean_records", &LISTED_RECORD, "records", Ty::List(&Ty::Object(LISTED_RECORD_ROWS))).with(IN_DOMAIN),
    Source::of_kind("digitalocean_reserved_ip", "reserved IP", "ip_address"),
    Source::of_kind("digitalocean_reserved_ipv6", "reserved IPv6 address", "ip"),
    Source::listed("digitalocean_vpc_nat_gateway", &GATEWAY),
    Source::listed("digitalocean_vpc_peering", &PEERING),
    Source::one("digitalocean_vpc", &VPC, &[Way::Own("id"), Way::EqualAmong("region", |vpc| is_true(vpc, "default")), Way::Equal("name")]),
];

const DOMAIN_ROWS: &[Attr] = &[
    Attr::computed("name", Ty::String, "The zone's name."),
    Attr::computed("urn", Ty::String, "The uniform resource name."),
    Attr::computed("ttl", Ty::Number, "How long its answers may be kept, in seconds."),
];
const DOMAIN: Family = Family {
    noun: "domain",
    path: "/domains",
    many: "domains",
    one: "domain",
    query: |_| Vec::new(),
    rows: DOMAIN_ROWS,
    from: &[("urn", From::Of(|domain| json!(format!("do:domain:{}", domain["name"].as_str().unwrap_or_default()))))],
    also: None,
    see: "`doctl compute domain list` shows what there is; a `digitalocean_domain` resource adds one.",
    scopes: &["domain:read"],
};

static ZONE: Family = Family {
    rows: &[
        Attr::computed("name", Ty::String, "The zone's name."),
        Attr::computed("urn", Ty::String, "The uniform resource name."),
        Attr::computed("ttl", Ty::Number, "How long its answers may be kept, in seconds."),
        Attr::computed("zone_file", Ty::String, "The zone as a text."),
    ],
    ..DOMAIN
};

const IN_DOMAIN: &[Attr] = &[Attr::required("domain", Ty::String, Change::Local, "The zone.")];
const RECORD_ROWS: &[Attr] = &[
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("type", Ty::String, "Its type."),
    Attr::computed("data", Ty::String, "What it says."),
    Attr::computed("priority", Ty::Number, "Its priority."),
    Attr::computed("port", Ty::Number, "Its port."),
    Attr::computed("ttl", Ty::Number, "How long it may be kept, in seconds."),
    Attr::computed("weight", Ty::Number, "Its weight."),
    Attr::computed("flags", Ty::Number, "Its flags."),
    Attr::computed("tag", Ty::String, "Its tag."),
    Attr::computed("id", Ty::String, "Its number."),
];
const RECORD: Family = Family {
    noun: "record",
    path: "/domains/{domain}/records",
    many: "domain_records",
    one: "domain_record",
    query: |_| Vec::new(),
    rows: RECORD_ROWS,
    from: &[],
    also: None,
    see: "`doctl compute domain records list` shows what there is.",
    scopes: &["domain:read"],
};
const LISTED_RECORD_ROWS: &[Attr] = &[
    Attr::computed("id", Ty::Number, "Its number."),
    Attr::computed("domain", Ty::String, "The zone."),
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("type", Ty::String, "Its type."),
    Attr::computed("value", Ty::String, "What it says."),
    Attr::computed("priority", Ty::Number, "Its priority."),
    Attr::computed("port", Ty::Number, "Its port."),
    Attr::computed("ttl", Ty::Number, "How long it may be kept, in seconds."),
    Attr::computed("weight", Ty::Number, "Its weight."),
    Attr::computed("flags", Ty::Number, "Its flags."),
    Attr::computed("tag", Ty::String, "Its tag."),
];
static LISTED_RECORD: Family = Family { rows: LISTED_RECORD_ROWS, from: &[("value", From::At("/data"))], ..RECORD };

static VPC: Family = Family {
    noun: "VPC",
    path: "/vpcs",
    many: "vpcs",
    one: "vpc",
    query: |_| Vec::new(),
    rows: &[
        Attr::computed("id", Ty::String, "Its id."),
        Attr::computed("name", Ty::String, "Its name."),
        Attr::computed("region", Ty::String, "The region's slug."),
        Attr::computed("description", Ty::String, "What it is."),
        Attr::computed("ip_range", Ty::String, "Its addresses."),
        Attr::computed("urn", Ty::String, "The uniform resource name."),
        Attr::computed("default", Ty::Bool, "Whether what names no VPC is in it."),
        Attr::computed("created_at", Ty::String, "When it was made."),
    ],
    from: &[
        ("urn", From::Of(|vpc| json!(format!("do:vpc:{}", vpc["id"].as_str().unwrap_or_default())))),
        ("created_at", From::Of(|vpc| vpc["created_at"].as_str().map_or(Json::Null, |moment| json!(crate::vpc::moment(moment))))),
    ],
    also: None,
    see: "`doctl vpcs list` shows what there is.",
    scopes: &["vpc:read"],
};

static GATEWAY: Listed = Listed {
    kind: "digitalocean_vpc_nat_gateway",
    noun: "NAT gateway",
    by: &["id", "name"],
    within: &[],
    also: &[],
    scopes: &[],
    see: "`doctl vpc-nat-gateway list` shows what there is.",
};

static ATTACHMENT: Listed = Listed {
    kind: "digitalocean_partner_attachment",
    noun: "partner attachment",
    by: &["id", "name"],
    within: &[],
    also: &[],
    scopes: &[],
    see: "`doctl network attachment list` shows what there is.",
};

static SERVICE_KEY: Asked = Asked {
    rows: &[
        Attr::computed("id", Ty::String, "The attachment's uuid."),
        Attr::required("attachment_id", Ty::String, Change::Local, "The attachment's uuid."),
        Attr::computed("value", Ty::String, "The key, by which the partner finds the attachment.").sensitive(),
        Attr::computed("state", Ty::String, "The key's state."),
        CREATED_AT,
    ],
    records: &[],
    lacks: Some(("partner attachment", "attachment_id")),
    scopes: &["partner_network_connect:read"],
    read: service_key,
};

fn service_key<'a>(api: &'a Client, given: &'a Body) -> Fut<'a, Body> {
    Box::pin(async move {
        let id = given.get("attachment_id").and_then(Value::as_str).unwrap_or_default();
        let path = format!("/partner_network_connect/attachments/{}/service_key", segment(id));
        let answer: Json = api.get(&path, &[]).await?;
        let of = |name: &str| (name.to_owned(), Value::from(answer["service_key"][name].as_str().unwrap_or_default()));
        let ids = ["id", "attachment_id"].map(|name| (name.to_owned(), Value::from(id)));
        Ok(["value", "state", "created_at"].map(of).into_iter().chain(ids).collect())
    })
}

static PEERING: Listed = Listed {
    kind: "digitalocean_vpc_peering",
    noun: "VPC peering",
    by: &["id", "name"],
    within: &[],
    also: &[],
    scopes: &[],
    see: "`doctl vpc-peerings list` shows what there is.",
};
