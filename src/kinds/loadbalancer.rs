//! Load balancers.
//!
//! Invariant: certificates are named as the official provider names them; the API knows them by a uuid that changes. Which droplets
//! stand behind one that goes by a tag is the tag's matter.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::attr::{AWAIT_READY, Attr, Change, Compare, Lit, Reads, TIMEOUTS, Ty, URN};
use super::certificate::Names;
use super::compare::{SET, or_empty};
use super::complaints::{self, Complaints};
use super::erased::Fut;
use super::form;
use super::plain::{Collection, Hooks, Plain, Ready, UPDATE, Update};
use super::valid::Valid;
use dofloat_api::client::Client;
use dofloat_base::value::{Body, Term, Value};

const CHANGED: Change = Change::InPlace(UPDATE);

/// `digitalocean_loadbalancer`.
pub(crate) static LOADBALANCER: Plain = Plain {
    name: "digitalocean_loadbalancer",
    noun: "load balancer",
    at: Collection { path: "/load_balancers", one: "load_balancer", many: "load_balancers", id: "id", key: None },
    update: Update::Put,
    urn: "loadbalancer",
    billed: true,
    // The official provider waits ten minutes.
    ready: Some(Ready { attr: "status", is: &["active"], never: &["errored"], limit: Duration::from_secs(600) }),
    attrs: ATTRS,
    hooks: Hooks { check, sent: Some(sent), seen: Some(seen), ..Hooks::NONE },
    ..Plain::NOTHING
};

const ATTRS: &[Attr] = &[
    Attr::computed("id", Ty::String, "The load balancer's uuid."),
    Attr::required("name", Ty::String, CHANGED, "Its name.")
        .valid(Valid::Asked(form::vpc_name, "It has letters, digits, dots and dashes only, at most 255 of them.")),
    Attr::optional("region", Ty::String, Change::Replace, "The region's slug; a GLOBAL one has none.")
        .compare(Compare::NoCase)
        .wire("region", "/region/slug")
        .resent(),
    Attr::chosen("size", Ty::String, CHANGED, "lb-small, lb-medium or lb-large; `size_unit` is finer.")
        .follows(&[UPDATE])
        .valid(Valid::OneOf(&["lb-small", "lb-medium", "lb-large"])),
    Attr::chosen("size_unit", Ty::Number, CHANGED, "How many nodes it has, up to 200.").follows(&[UPDATE]).valid(Valid::Between(1, 200)),
    Attr::optional("algorithm", Ty::String, CHANGED, "round_robin or least_connections; DigitalOcean ignores it.")
        .default(Lit::Str("round_robin"))
        .valid(Valid::OneOf(&["round_robin", "least_connections"])),
    FORWARDING.compare(Compare::Normal(|value| named(FORWARDING, value))),
    Attr::chosen("healthcheck", Ty::List(&Ty::Object(HEALTH)), CHANGED, "How it looks whether a droplet works.")
        .single()
        .wire("health_check", "/health_check"),
    Attr::chosen("sticky_sessions", Ty::List(&Ty::Object(STICKY)), CHANGED, "Whether a visitor stays with a droplet.").single(),
    Attr::chosen("firewall", Ty::List(&Ty::Object(FIREWALL)), CHANGED, "Whom it lets in.").single(),
    Attr::chosen("droplet_ids", Ty::Set(&Ty::Number), CHANGED, "The droplets behind it.")
        .compare(SET)
        .reads(Reads::WhenSet)
        .names(&["digitalocean_droplet"], &["id"])
        .scopes(&["droplet:read"]),
    or_empty(Attr::optional("droplet_tag", Ty::String, CHANGED, "The droplets with this tag stand behind it.")).wire("tag", "/tag"),
    Attr::optional("redirect_http_to_https", Ty::Bool, CHANGED, "Whether who comes by http is sent to https.").default(Lit::Bool(false)),
    Attr::optional("enable_proxy_protocol", Ty::Bool, CHANGED, "Whether droplets are told who asks, by PROXY protocol.")
        .default(Lit::Bool(false)),
    Attr::optional("enable_backend_keepalive", Ty::Bool, CHANGED, "Whether connections to droplets are kept open.")
        .default(Lit::Bool(false)),
    Attr::optional("disable_lets_encrypt_dns_records", Ty::Bool, CHANGED, "Whether no records are made for its certificates.")
        .default(Lit::Bool(false)),
    Attr::chosen("http_idle_timeout_seconds", Ty::Number, CHANGED, "After how long a silent connection is closed, 30 to 600 s.")
        .valid(Valid::Between(30, 600)),
    Attr::chosen("project_id", Ty::String, CHANGED, "The project that it lies in.")
        .names(&["digitalocean_project"], &["id"])
        .scopes(&["project:read"]),
    Attr::chosen("vpc_uuid", Ty::String, Change::Replace, "The VPC; by default the region's own.")
        .compare(Compare::NoCase)
        .names(&["digitalocean_vpc"], &["id"])
        .scopes(&["vpc:read"])
        .resent(),
    Attr::chosen("type", Ty::String, Change::Replace, "REGIONAL, REGIONAL_NETWORK or GLOBAL.")
        .valid(Valid::OneOf(&["REGIONAL", "REGIONAL_NETWORK", "GLOBAL"]))
        .resent(),
    DOMAINS.compare(Compare::Normal(|value| named(DOMAINS, value))),
    Attr::chosen("glb_settings", Ty::List(&Ty::Object(GLOBAL)), CHANGED, "How a GLOBAL one works.").single(),
    Attr::chosen("target_load_balancer_ids", Ty::Set(&Ty::String), CHANGED, "The regional ones behind a GLOBAL one.")
        .compare(SET)
        .names(&["digitalocean_loadbalancer"], &["id"]),
    Attr::chosen("network", Ty::String, Change::Replace, "EXTERNAL or INTERNAL.").valid(Valid::OneOf(&["EXTERNAL", "INTERNAL"])).resent(),
    Attr::chosen("network_stack", Ty::String, Change::Replace, "IPV4 or DUALSTACK.").valid(Valid::OneOf(&["IPV4", "DUALSTACK"])).resent(),
    Attr::chosen("tls_cipher_policy", Ty::String, CHANGED, "DEFAULT or STRONG.").valid(Valid::OneOf(&["DEFAULT", "STRONG"])),
    TIMEOUTS,
    Attr::computed("ip", Ty::String, "Its address.").follows(&[AWAIT_READY]),
    Attr::computed("ipv6", Ty::String, "Its IPv6 address, of a DUALSTACK one.").follows(&[AWAIT_READY]),
    Attr::computed("status", Ty::String, "new, active or errored.").follows(&[AWAIT_READY]),
    URN,
];

const PROTOCOLS: Valid = Valid::OneOf(&["http", "https", "http2", "http3", "tcp", "udp"]);
const PORT: Valid = Valid::Between(1, 65535);
const CERTIFICATE_NAME: Attr = Attr::optional("certificate_name", Ty::String, CHANGED, "The name of its certificate.")
    .names(&["digitalocean_certificate"], &["name", "id"])
    .scopes(&["certificate:read"]);
const CERTIFICATE_ID: Attr = Attr::optional("certificate_id", Ty::String, CHANGED, "The same; `certificate_name` is to be preferred.")
    .scopes(&["certificate:read"])
    .valid(Valid::Form(|text| !is_uuid(text), "Write `certificate_name`: a certificate has another uuid after each renewal."));

const FORWARDING: Attr = Attr::optional("forwarding_rule", Ty::Set(&Ty::Object(RULE)), CHANGED, "What it sends where.")
    .blocks()
    .wire("forwarding_rules", "/forwarding_rules");

const RULE: &[Attr] = &[
    Attr::required("entry_protocol", Ty::String, CHANGED, "By what it is asked.").valid(PROTOCOLS),
    Attr::required("entry_port", Ty::Number, CHANGED, "Where it is asked.").valid(PORT),
    Attr::required("target_protocol", Ty::String, CHANGED, "By what it asks a droplet.").valid(PROTOCOLS),
    Attr::required("target_port", Ty::Number, CHANGED, "Where it asks a droplet.").valid(PORT),
    CERTIFICATE_NAME,
    CERTIFICATE_ID,
    Attr::optional("tls_passthrough", Ty::Bool, CHANGED, "Whether droplets decrypt.").default(Lit::Bool(false)),
];

const HEALTH: &[Attr] = &[
    Attr::required("protocol", Ty::String, CHANGED, "http, https or tcp.").valid(Valid::OneOf(&["http", "https", "tcp"])),
    Attr::required("port", Ty::Number, CHANGED, "Where it looks.").valid(PORT),
    Attr::optional("path", Ty::String, CHANGED, "What it asks for.").compare(Compare::Within(|path, check| {
        let path = path.as_str().unwrap_or_default();
        let is_tcp = check.get("protocol").and_then(Value::as_str) == Some("tcp");
        if path.is_empty() && !is_tcp && check.contains_key("protocol") { "/".into() } else { path.into() }
    })),
    or_empty(Attr::optional("check_interval_seconds", Ty::Number, CHANGED, "How often, 3 to 300 s."))
        .default(Lit::Int(10))
        .valid(Valid::Between(3, 300)),
    or_empty(Attr::optional("response_timeout_seconds", Ty::Number, CHANGED, "How long it waits, 3 to 300 s."))
        .default(Lit::Int(5))
        .valid(Valid::Between(3, 300)),
    or_empty(Attr::optional("unhealthy_threshold", Ty::Number, CHANGED, "After how many failures one is left out, 2 to 10."))
        .default(Lit::Int(3))
        .valid(Valid::Between(2, 10)),
    or_empty(Attr::optional("healthy_threshold", Ty::Number, CHANGED, "After how many successes it is back, 2 to 10."))
        .default(Lit::Int(5))
        .valid(Valid::Between(2, 10)),
];

const STICKY: &[Attr] = &[
    Attr::optional("type", Ty::String, CHANGED, "none or cookies.").default(Lit::Str("none")).valid(Valid::OneOf(&["none", "cookies"])),
    Attr::optional("cookie_name", Ty::String, CHANGED, "The cookie's name, 2 to 40 characters.").valid(Valid::UpTo(40)),
    or_empty(Attr::optional("cookie_ttl_seconds", Ty::Number, CHANGED, "For how long the cookie is good.")),
];

const FIREWALL: &[Attr] = &[
    Attr::optional("deny", Ty::List(&Ty::String), CHANGED, "Whom not: `ip:192.0.2.1` or `cidr:192.0.2.0/24`.").valid(SOURCE),
    Attr::optional("allow", Ty::List(&Ty::String), CHANGED, "Whom alone: `ip:192.0.2.1` or `cidr:192.0.2.0/24`.").valid(SOURCE),
];
const SOURCE: Valid = Valid::Form(
    |text| match text.split_once(':') {
        Some(("ip", address)) => form::ipv4(address) || form::ipv6(address),
        Some(("cidr", range)) => range.contains('/') && form::network(range).is_some(),
        _ => false,
    },
    "It looks like `ip:192.0.2.1` or `cidr:192.0.2.0/24`.",
);

const DOMAINS: Attr = Attr::chosen("domains", Ty::Set(&Ty::Object(DOMAIN)), CHANGED, "The names of a GLOBAL one.").blocks();
const DOMAIN: &[Attr] = &[
    Attr::required("name", Ty::String, CHANGED, "The name.").valid(Valid::Asked(form::domain_name, "It looks like `www.example.com`.")),
    Attr::optional("is_managed", Ty::Bool, CHANGED, "Whether DigitalOcean keeps its records.").default(Lit::Bool(false)),
    CERTIFICATE_NAME,
    CERTIFICATE_ID,
];

const GLOBAL: &[Attr] = &[
    Attr::required("target_protocol", Ty::String, CHANGED, "http, https or http2.").valid(Valid::OneOf(&["http", "https", "http2"])),
    Attr::required("target_port", Ty::Number, CHANGED, "80 or 443.").valid(Valid::OneOfNumbers(&[80, 443])),
    Attr::optional("cdn", Ty::List(&Ty::Object(CDN)), CHANGED, "Whether answers are kept near.").single(),
    Attr::optional("region_priorities", Ty::Map(&Ty::Number), CHANGED, "Which region comes first: 1 is the highest.").compare(
        Compare::Normal(|map| match map {
            Value::Map(map) if map.is_empty() => Value::Null,
            other => other.clone(),
        }),
    ),
    or_empty(Attr::optional("failover_threshold", Ty::Number, CHANGED, "How many in a hundred must fail before the next region is taken."))
        .valid(Valid::Between(1, 99)),
];
const CDN: &[Attr] = &[Attr::optional("is_enabled", Ty::Bool, CHANGED, "Whether it is on.").default(Lit::Bool(false))];

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// Blocks of which each names its certificate twice, as the official provider shows them.
fn named(row: Attr, value: &Value) -> Value {
    let Value::List(items) = row.normal(value, &Body::new()) else { return value.clone() };
    let twice = |item: Value| {
        let Value::Map(mut fields) = item else { return item };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let name = text("certificate_name").or_else(|| text("certificate_id")).unwrap_or_default();
        fields.insert("certificate_id".to_owned(), name.as_str().into());
        fields.insert("certificate_name".to_owned(), name.into());
        Value::Map(fields)
    };
    let mut items: Vec<Value> = items.into_iter().map(twice).collect();
    items.sort();
    Value::List(items)
}

/// The sizes, and how many nodes each means. Terraform's provider takes both where they say the same, and sends the number.
const SIZES: [(&str, i64); 3] = [("lb-small", 1), ("lb-medium", 3), ("lb-large", 6)];

fn check(body: &Term, complaints: &mut Complaints) {
    let may_be_global = body.get("type").has_unknown() || complaints::text(body, "type").as_deref() == Some("GLOBAL");
    let lacks = |term: &Term| term.is_null() || term.items().is_some_and(|items| items.is_empty());
    let is_set = |name: &str| complaints::is_given(body, name) && !lacks(&body.get(name));
    if !may_be_global {
        for (name, what) in [("region", "argument"), ("forwarding_rule", "block")] {
            if lacks(&body.get(name)) {
                complaints.error(&[], format!("A load balancer needs the {what} `{name}`, unless its `type` is GLOBAL."), "Add it.");
            }
        }
    }
    let same_size = complaints::text(body, "size")
        .zip(complaints::number(body, "size_unit"))
        .is_some_and(|(size, units)| SIZES.contains(&(size.as_str(), units)));
    for (one, other) in [("droplet_ids", "droplet_tag"), ("size", "size_unit")] {
        if is_set(one) && is_set(other) && !(one == "size" && same_size) {
            complaints.error(&[one], format!("`{one}` and `{other}` exclude each other."), "Remove one of them.");
        }
    }
}

/// The lists of blocks that name certificates, as the API calls them.
const NAMING: [&str; 2] = ["forwarding_rules", "domains"];

/// Certificates go by their uuids.
fn sent<'a>(api: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    Box::pin(async move {
        if fields.get("size_unit").is_some_and(|units| !units.is_null()) {
            fields.remove("size");
        }
        let mut names = None;
        for block in NAMING.iter().filter_map(|list| fields.remove(*list).map(|blocks| (*list, blocks))).collect::<Vec<_>>() {
            let (list, mut blocks) = block;
            for block in blocks.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
                let name = block.remove("certificate_name").or_else(|| block.get("certificate_id").cloned());
                let Some(name) = name.as_ref().and_then(Json::as_str).filter(|name| !name.is_empty()) else { continue };
                if names.is_none() {
                    names = Some(Names::of(api).await?);
                }
                if let Some(names) = &names {
                    block.insert("certificate_id".to_owned(), json!(names.id(name)?));
                }
            }
            fields.insert(list.to_owned(), blocks);
        }
        Ok(())
    })
}

/// Certificates are shown by their names.
fn seen<'a>(api: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    Box::pin(async move {
        let lists = [("forwarding_rule", FORWARDING), ("domains", DOMAINS)];
        let names_one = |item: &Value| item.as_map().and_then(|of| of.get("certificate_id")?.as_str()).is_some_and(|id| !id.is_empty());
        let any = bodies
            .iter()
            .any(|body| lists.iter().any(|(list, _)| body.get(*list).and_then(Value::as_list).unwrap_or_default().iter().any(names_one)));
        if !any {
            return Ok(());
        }
        let names = Names::of(api).await?;
        for body in bodies {
            for (list, row) in lists {
                let Some(Value::List(items)) = body.get_mut(list) else { continue };
                for item in items.iter_mut() {
                    let Value::Map(of) = item else { continue };
                    let name = of.get("certificate_id").and_then(Value::as_str).map(|id| names.name(id).to_owned()).unwrap_or_default();
                    of.insert("certificate_id".to_owned(), name.as_str().into());
                    of.insert("certificate_name".to_owned(), name.into());
                }
                let sorted = named(row, &Value::List(std::mem::take(items)));
                body.insert(list.to_owned(), sorted);
            }
        }
        Ok(())
    })
}
