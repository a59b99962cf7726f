//! A cloud firewall. Every change sends the whole of it; rules are sets that the API groups by protocol and ports.
//!
//! Invariant: it counts as there once the API has told all its droplets.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attr::{Attr, CREATED_AT, Change, Echo, EditName, Ty};
use super::compare::{RULES, SET, TAGS, rules_shown};
use super::complaints::{self, Complaints};
use super::droplet::Droplet;
use super::erased::{Certainty, Complaint, Job, Scopes};
use super::wire::{id_numbers, or_default, present, seen};
use super::{Candidate, Kind, NOT_YET, NewObject, form, if_there};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::looks::{List, Place, Seen};
use dofloat_api::wait::Poll;
use dofloat_api::watching::Goal;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term, Value};

/// How long its droplets may take to learn of a change.
const SPREAD_LIMIT: Duration = Duration::from_secs(300);

const EDIT: Change = Change::InPlace("update");
const TEXTS: Ty = Ty::Set(&Ty::String);
const NUMBERS: Ty = Ty::Set(&Ty::Number);
const DROPLETS: &[&str] = &[Droplet::NAME];
const ACTION: Attr = Attr::optional("action", Ty::String, EDIT, "What becomes of what fits: `allow` is all that there is.");
const PROTOCOL: Attr = Attr::required("protocol", Ty::String, EDIT, "tcp, udp or icmp.");
const PORTS: Attr = Attr::optional("port_range", Ty::String, EDIT, "A port, a range, or `all`; needed for tcp and udp.");

const INBOUND: &[Attr] = &[
    ACTION,
    PROTOCOL,
    PORTS,
    Attr::optional("source_addresses", TEXTS, EDIT, "Addresses and ranges."),
    Attr::optional("source_droplet_ids", NUMBERS, EDIT, "Droplets.").names(DROPLETS, &["id"]),
    Attr::optional("source_load_balancer_uids", TEXTS, EDIT, "Load balancers."),
    Attr::optional("source_kubernetes_ids", TEXTS, EDIT, "Kubernetes clusters."),
    Attr::optional("source_tags", TEXTS, EDIT, "Droplets by their tags.").scopes(&["tag:read"]),
];
const OUTBOUND: &[Attr] = &[
    ACTION,
    PROTOCOL,
    PORTS,
    Attr::optional("destination_addresses", TEXTS, EDIT, "Addresses and ranges."),
    Attr::optional("destination_droplet_ids", NUMBERS, EDIT, "Droplets.").names(DROPLETS, &["id"]),
    Attr::optional("destination_load_balancer_uids", TEXTS, EDIT, "Load balancers."),
    Attr::optional("destination_kubernetes_ids", TEXTS, EDIT, "Kubernetes clusters."),
    Attr::optional("destination_tags", TEXTS, EDIT, "Droplets by their tags.").scopes(&["tag:read"]),
];
const PENDING: &[Attr] = &[
    Attr::computed("droplet_id", Ty::Number, "The droplet."),
    Attr::computed("removing", Ty::Bool, "Whether the firewall is taken off it."),
    Attr::computed("status", Ty::String, "How far that is."),
];

const SHOWN_IN: Echo = Echo::Form(|value, _| Some(rules_shown(value, INBOUND)));
const SHOWN_OUT: Echo = Echo::Form(|value, _| Some(rules_shown(value, OUTBOUND)));

pub(crate) struct Firewall;

#[derive(Deserialize)]
pub(crate) struct Spec {
    name: String,
    #[serde(default, deserialize_with = "id_numbers")]
    droplet_ids: Vec<u64>,
    #[serde(default, deserialize_with = "or_default")]
    tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    inbound_rule: Vec<Inbound>,
    #[serde(default, deserialize_with = "or_default")]
    outbound_rule: Vec<Outbound>,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    name: String,
    droplet_ids: Vec<u64>,
    tags: Option<Vec<String>>,
    inbound_rule: Vec<Inbound>,
    outbound_rule: Vec<Outbound>,
    status: String,
    created_at: String,
    pending_changes: Vec<PendingChange>,
}

/// A rule as the user writes it.
#[derive(Serialize, Deserialize)]
struct Inbound {
    protocol: String,
    #[serde(default, deserialize_with = "or_default")]
    port_range: String,
    #[serde(default, deserialize_with = "or_default")]
    source_addresses: Vec<String>,
    #[serde(default, deserialize_with = "id_numbers")]
    source_droplet_ids: Vec<u64>,
    #[serde(default, deserialize_with = "or_default")]
    source_load_balancer_uids: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    source_kubernetes_ids: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    source_tags: Vec<String>,
}

/// The same for what goes out.
#[derive(Serialize, Deserialize)]
struct Outbound {
    protocol: String,
    #[serde(default, deserialize_with = "or_default")]
    port_range: String,
    #[serde(default, deserialize_with = "or_default")]
    destination_addresses: Vec<String>,
    #[serde(default, deserialize_with = "id_numbers")]
    destination_droplet_ids: Vec<u64>,
    #[serde(default, deserialize_with = "or_default")]
    destination_load_balancer_uids: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    destination_kubernetes_ids: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    destination_tags: Vec<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    created_at: String,
    #[serde(default, deserialize_with = "or_default")]
    pending_changes: Vec<PendingChange>,
    #[serde(default, deserialize_with = "present")]
    droplet_ids: Option<Option<Vec<u64>>>,
    #[serde(default, deserialize_with = "present")]
    tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "or_default")]
    inbound_rules: Vec<InboundWire>,
    #[serde(default, deserialize_with = "or_default")]
    outbound_rules: Vec<OutboundWire>,
}

#[derive(Serialize, Deserialize)]
struct PendingChange {
    #[serde(default)]
    droplet_id: Option<u64>,
    #[serde(default)]
    removing: Option<bool>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct InboundWire {
    protocol: String,
    #[serde(default, deserialize_with = "or_default")]
    ports: String,
    #[serde(default, deserialize_with = "or_default")]
    sources: Targets,
}

#[derive(Serialize, Deserialize)]
struct OutboundWire {
    protocol: String,
    #[serde(default, deserialize_with = "or_default")]
    ports: String,
    #[serde(default, deserialize_with = "or_default")]
    destinations: Targets,
}

#[derive(Default, Serialize, Deserialize)]
struct Targets {
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    droplet_ids: Vec<u64>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    load_balancer_uids: Vec<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    kubernetes_ids: Vec<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct One {
    firewall: Wire,
}

impl Kind for Firewall {
    const NAME: &'static str = "digitalocean_firewall";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The firewall's uuid."),
        Attr::required("name", Ty::String, EDIT, "Its name, unique in the account."),
        Attr::optional("droplet_ids", NUMBERS, EDIT, "The droplets that it guards.")
            .compare(SET)
            .names(DROPLETS, &["id"])
            .echo(Echo::Written)
            .scopes(&["droplet:read"])
            .read_scopes(&["droplet:read"]),
        Attr::optional("tags", TEXTS, EDIT, "The tags whose droplets it guards.")
            .compare(TAGS)
            .echo(Echo::Written)
            .scopes(&["tag:create", "tag:read"])
            .read_scopes(&["tag:read"]),
        Attr::optional("inbound_rule", Ty::Set(&Ty::Object(INBOUND)), EDIT, "What is let in.").block().compare(RULES).echo(SHOWN_IN),
        Attr::optional("outbound_rule", Ty::Set(&Ty::Object(OUTBOUND)), EDIT, "What is let out; without one, nothing.")
            .block()
            .compare(RULES)
            .echo(SHOWN_OUT),
        Attr::computed("status", Ty::String, "waiting, succeeded or failed.").volatile(),
        CREATED_AT,
        Attr::computed("pending_changes", Ty::List(&Ty::Object(PENDING)), "Droplets that do not know of the last change yet.").volatile(),
    ];
    const SCOPES: Scopes = Scopes {
        read: &["firewall:read"],
        create: &["firewall:create", "firewall:read"],
        update: &["firewall:update", "firewall:read"],
        delete: &["firewall:delete"],
    };
    const GLOBALLY_UNIQUE: bool = true;
    const UNIQUE_KEY: &'static [&'static str] = &["name"];
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        if let Some(name) = complaints::text(body, "name")
            && !form::firewall_name(&name)
        {
            complaints.malformed(
                &name,
                &["name"],
                format!("`{name}` is not a valid firewall name."),
                "Use letters, digits, dots and dashes only, a letter or digit first, at least two of them.",
            );
        }
        for (at, tag) in complaints::texts(body, "tags") {
            if !form::tag(&tag) {
                complaints.error(&["tags", &at.to_string()], format!("`{tag}` is not a valid tag."), super::tag::ALPHABET);
            }
        }
        let known = |name: &str| !body.get(name).has_unknown();
        let (inbound, outbound) = (complaints::items(body, "inbound_rule"), complaints::items(body, "outbound_rule"));
        if known("inbound_rule") && known("outbound_rule") && inbound.is_empty() && outbound.is_empty() {
            complaints.error(&[], "A firewall needs at least one rule.", "Add an `inbound_rule` or `outbound_rule` block.");
        }
        for (block, side, rules) in [("inbound_rule", "source", inbound), ("outbound_rule", "destination", outbound)] {
            for (at, rule) in rules.iter().enumerate() {
                check_rule(block, side, at, rule, complaints);
            }
        }
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        complaints::no_two(jobs, "name", "firewall name", |body| complaints::text(body, "name"), &mut complaints);
        let existing = all(api).await?;
        for job in jobs {
            let Some(name) = complaints::text(&job.body, "name") else { continue };
            let taken = |other: &&Wire| other.name == name && job.id.as_ref().is_none_or(|id| id.0 != other.id);
            if let Some(other) = existing.iter().find(taken) {
                complaints.about(job);
                complaints.error(
                    &["name"],
                    format!("The account has a firewall `{name}` already, {}.", other.id),
                    format!("Take another name, or adopt it: dofloat import '{}' {}", job.address, other.id),
                );
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let made: One = api.create("/firewalls", &wire(spec)).await?;
        let id = Id(made.firewall.id.clone());
        Ok(NewObject { live: if made.firewall.is_spread() { Some(made.firewall.live()?) } else { None }, id })
    }

    async fn wait_ready(api: &Client, id: &Id, _: &Term) -> Result<Live, ApiError> {
        let what = format!("firewall {id} to reach its droplets");
        let list = List { path: "/firewalls".into(), query: Vec::new(), key: "firewalls", by: "id", id: id.0.clone() };
        let place = &Place { one: path(id), field: "firewall", list: Some(list) };
        let judge = |seen: Option<Seen>| async move {
            let Some(seen) = seen else { return Ok(Poll::Pending(NOT_YET.to_owned())) };
            let wire: Wire = seen.decode(place)?;
            if wire.status == "failed" {
                return Err(ApiError::Unsettled { what: format!("DigitalOcean failed to apply the firewall {id}, and says no reason") });
            }
            if wire.is_spread() {
                return Ok(Poll::Ready(wire.live()?));
            }
            Ok(Poll::Pending(format!("its status is {}, {} changes are pending", wire.status, wire.pending_changes.len())))
        };
        api.watch(Goal { what: &what, sort: "firewall", limit: SPREAD_LIMIT }, place, judge).await
    }

    async fn bulk(api: &Client, _: &[Id], _: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        all(api).await?.into_iter().map(|wire| Ok((Id(wire.id.clone()), wire.live()?))).collect()
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        if_there(api.get::<One>(&path(id), &[]).await)?.map(|one| one.firewall.live()).transpose()
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, _: &Body) -> Result<(), ApiError> {
        if edit != "update" {
            return Err(super::no_edit(Self::NAME, id, edit));
        }
        let put: One = api.put(&path(id), &wire(spec)).await?;
        if put.firewall.is_spread() { Ok(()) } else { Self::wait_ready(api, id, &Term::null()).await.map(|_| ()) }
    }

    async fn delete(api: &Client, id: &Id, _: &Body) -> Result<(), ApiError> {
        api.delete(&path(id), &[]).await
    }

    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let name = body.get("name").and_then(Value::as_str);
        let candidates = all(api).await?.into_iter().filter(|wire| Some(wire.name.as_str()) == name);
        candidates.map(|wire| Ok(Candidate { id: Id(wire.id.clone()), live: wire.live()?, certainty: Certainty::Named })).collect()
    }

    fn note(seen: &Body) -> Option<String> {
        (seen.get("status") == Some(&"failed".into())).then(|| "did not reach all its droplets: its last change failed".to_owned())
    }
}

fn check_rule(block: &str, side: &str, at: usize, rule: &Term, complaints: &mut Complaints) {
    let at = at.to_string();
    if let Some(action) = complaints::text(rule, "action").filter(|action| action != "allow") {
        let message = match action.as_str() {
            "deny" => "A firewall's rule cannot `deny`: DigitalOcean's API has no such rules.".to_owned(),
            other => format!("`{other}` is not an action of a firewall rule."),
        };
        complaints.error(&[block, &at, "action"], message, "Leave `action` out: rules allow, and what none allows is dropped.");
    }
    let Some(protocol) = complaints::text(rule, "protocol") else { return };
    if !matches!(protocol.as_str(), "tcp" | "udp" | "icmp") {
        let hint = if protocol == "all" { "Write one rule for each of tcp, udp and icmp." } else { "It is one of tcp, udp, icmp." };
        complaints.error(&[block, &at, "protocol"], format!("`{protocol}` is not a protocol that a firewall knows."), hint);
        return;
    }
    let ports = rule.get("port_range");
    match complaints::text(rule, "port_range") {
        Some(text) if !text.is_empty() => {
            if form::ports(&text).is_none() {
                complaints.refusal(
                    &[block, &at, "port_range"],
                    format!("`{text}` is not a valid port range."),
                    "Write one port (`22`), a range (`8000-9000`), or `all`.",
                );
            }
        }
        _ if ports.has_unknown() || ports.has_secret() || protocol == "icmp" => {}
        _ => complaints.error(
            &[block, &at],
            format!("A rule for {protocol} needs `port_range`."),
            "Add `port_range = \"all\"`, or the ports that are meant.",
        ),
    }
    let field = format!("{side}_addresses");
    for (place, address) in complaints::texts(rule, &field) {
        if form::network(&address).is_none() {
            complaints.malformed(
                &address,
                &[block, &at, &field, &place.to_string()],
                format!("`{address}` is neither an address nor a range in CIDR notation."),
                "Write `203.0.113.7`, `10.0.0.0/24` or `::/0`.",
            );
        }
    }
    let sides = ["addresses", "droplet_ids", "load_balancer_uids", "kubernetes_ids", "tags"];
    let empty = |name: &&str| match rule.get(&format!("{side}_{name}")) {
        Term::Value(Value::Null) => true,
        Term::Value(Value::List(items)) => items.is_empty(),
        _ => false,
    };
    if sides.iter().all(empty) {
        complaints.warning(
            &[block, &at],
            format!("The rule names no {side}: it lets nothing through."),
            format!("Add `{field} = [\"0.0.0.0/0\", \"::/0\"]` for the whole internet."),
        );
    }
}

impl Wire {
    fn is_spread(&self) -> bool {
        self.status == "succeeded" && self.pending_changes.is_empty()
    }

    fn live(self) -> Result<Live, ApiError> {
        let what = |field: &str| format!("`{field}` of the firewall {}", self.id);
        let mut droplet_ids = seen(self.droplet_ids, || what("droplet_ids"), "droplet:read")?;
        droplet_ids.sort_unstable();
        let tags: Vec<String> = seen(self.tags, || what("tags"), "tag:read")?;
        Ok(Live {
            droplet_ids,
            tags: Some(tags).filter(|tags| !tags.is_empty()),
            inbound_rule: self.inbound_rules.into_iter().map(Inbound::from).collect(),
            outbound_rule: self.outbound_rules.into_iter().map(Outbound::from).collect(),
            id: self.id,
            name: self.name,
            status: self.status,
            created_at: self.created_at,
            pending_changes: self.pending_changes,
        })
    }
}

impl From<InboundWire> for Inbound {
    fn from(rule: InboundWire) -> Self {
        Self {
            port_range: form::shown_ports(&rule.protocol, &rule.ports),
            protocol: rule.protocol,
            source_addresses: rule.sources.addresses,
            source_droplet_ids: rule.sources.droplet_ids,
            source_load_balancer_uids: rule.sources.load_balancer_uids,
            source_kubernetes_ids: rule.sources.kubernetes_ids,
            source_tags: rule.sources.tags,
        }
    }
}

impl From<OutboundWire> for Outbound {
    fn from(rule: OutboundWire) -> Self {
        Self {
            port_range: form::shown_ports(&rule.protocol, &rule.ports),
            protocol: rule.protocol,
            destination_addresses: rule.destinations.addresses,
            destination_droplet_ids: rule.destinations.droplet_ids,
            destination_load_balancer_uids: rule.destinations.load_balancer_uids,
            destination_kubernetes_ids: rule.destinations.kubernetes_ids,
            destination_tags: rule.destinations.tags,
        }
    }
}

fn sent_ports(protocol: &str, ports: &str) -> String {
    if protocol == "icmp" || ports.is_empty() || ports == "all" { "0".to_owned() } else { ports.to_owned() }
}

fn wire(spec: &Spec) -> serde_json::Value {
    let inbound = spec.inbound_rule.iter().map(|rule| InboundWire {
        protocol: rule.protocol.clone(),
        ports: sent_ports(&rule.protocol, &rule.port_range),
        sources: Targets {
            addresses: rule.source_addresses.clone(),
            droplet_ids: rule.source_droplet_ids.clone(),
            load_balancer_uids: rule.source_load_balancer_uids.clone(),
            kubernetes_ids: rule.source_kubernetes_ids.clone(),
            tags: rule.source_tags.clone(),
        },
    });
    let outbound = spec.outbound_rule.iter().map(|rule| OutboundWire {
        protocol: rule.protocol.clone(),
        ports: sent_ports(&rule.protocol, &rule.port_range),
        destinations: Targets {
            addresses: rule.destination_addresses.clone(),
            droplet_ids: rule.destination_droplet_ids.clone(),
            load_balancer_uids: rule.destination_load_balancer_uids.clone(),
            kubernetes_ids: rule.destination_kubernetes_ids.clone(),
            tags: rule.destination_tags.clone(),
        },
    });
    json!({
        "name": spec.name,
        "droplet_ids": spec.droplet_ids,
        "tags": spec.tags,
        "inbound_rules": inbound.collect::<Vec<_>>(),
        "outbound_rules": outbound.collect::<Vec<_>>(),
    })
}

async fn all(api: &Client) -> Result<Vec<Wire>, ApiError> {
    api.list("/firewalls", &[], "firewalls").await
}

fn path(id: &Id) -> String {
    format!("/firewalls/{}", segment(&id.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{assert_has, pair};
    use crate::kind;

    #[test]
    fn rules_are_sent_and_read() {
        let (request, answer) = pair(include_str!("../../fixtures/api/firewall/create.json"));
        let all = json!(["0.0.0.0/0"]);
        let written = json!({
            "name": "ha-fw", "droplet_ids": ["500000139"],
            "inbound_rule": [
                {"protocol": "tcp", "port_range": "22", "source_addresses": ["0.0.0.0/0", "::/0"]},
                {"protocol": "udp", "port_range": "5404-5405", "source_tags": ["ha"]},
            ],
            "outbound_rule": [
                {"protocol": "tcp", "port_range": "all", "destination_addresses": all},
                {"protocol": "icmp", "destination_addresses": all},
            ],
        });
        assert_eq!(wire(&serde_json::from_value(written.clone()).unwrap()), request);
        let firewall = serde_json::from_value::<One>(answer).unwrap().firewall;
        assert!(!firewall.is_spread());
        let mut expected = written;
        expected["droplet_ids"] = json!([500_000_139]);
        assert_has(kind(Firewall::NAME).unwrap(), &firewall.live().unwrap(), &expected);
    }

    #[test]
    fn the_check_names_what_the_api_would_refuse() {
        let rule = |protocol: &str, ports: &str, address: &str| json!([{"protocol": protocol, "port_range": ports, "source_addresses": [address]}]);
        for (rules, expected) in [
            (rule("tcp", "22", "0.0.0.0/0"), None),
            (json!([]), Some("needs at least one rule")),
            (rule("sctp", "22", "::/0"), Some("is not a protocol")),
            (rule("tcp", "ssh", "::/0"), Some("is not a valid port range")),
            (rule("tcp", "", "::/0"), Some("needs `port_range`")),
            (rule("icmp", "", "::/0"), None),
            (rule("udp", "all", "10.0.0.0/33"), Some("is neither an address")),
            (json!([{"protocol": "tcp", "port_range": "22"}]), Some("names no source")),
        ] {
            let body = json!({"name": "web-fw", "inbound_rule": rules});
            let complaints = kind(Firewall::NAME).unwrap().check(&Term::Value(Value::from_json(&body)));
            let found = complaints.first().map(|complaint| complaint.message.clone());
            assert_eq!(found.is_some(), expected.is_some(), "{rules}: {found:?}");
            assert!(expected.is_none_or(|expected| found.is_some_and(|found| found.contains(expected))), "{rules}");
        }
    }
}
