//! A DNS record. Its identity is `DOMAIN,NUMBER`; its `id` attribute the number alone, as with the official provider.
//!
//! Invariant: host names in values are sent with a dot at the end and come back without one; what is shown has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attr::{Attr, Change, EditName, Ty};
use super::compare::{RECORD_NAME, RECORD_NAME_SHOWN, RECORD_VALUE, RECORD_VALUE_SHOWN, absolute, names_a_host, or_empty, relative};
use super::complaints::{self, Complaints};
use super::erased::{Certainty, Complaint, Job, Scopes};
use super::wire::or_default;
use super::{Candidate, Kind, NewObject, form, if_there, zone};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::number::Number;
use dofloat_base::value::{Body, Origin, Term, Value};

const TYPES: &[&str] = &["A", "AAAA", "CAA", "CNAME", "MX", "NS", "TXT", "SRV", "SOA"];

pub(crate) struct Record;

#[derive(Deserialize)]
pub(crate) struct Spec {
    domain: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    value: String,
    #[serde(default)]
    port: Option<Number>,
    #[serde(default)]
    priority: Option<Number>,
    #[serde(default)]
    weight: Option<Number>,
    #[serde(default)]
    ttl: Option<Number>,
    #[serde(default)]
    flags: Option<Number>,
    #[serde(default)]
    tag: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    domain: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    value: String,
    port: u32,
    priority: u32,
    weight: u32,
    ttl: u32,
    flags: u32,
    tag: String,
    fqdn: String,
}

/// A record as the API shows it.
#[derive(Clone, Deserialize)]
pub(super) struct Wire {
    id: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    data: String,
    #[serde(default, deserialize_with = "or_default")]
    port: u32,
    #[serde(default, deserialize_with = "or_default")]
    priority: u32,
    #[serde(default, deserialize_with = "or_default")]
    weight: u32,
    #[serde(default, deserialize_with = "or_default")]
    ttl: u32,
    #[serde(default, deserialize_with = "or_default")]
    flags: u32,
    #[serde(default, deserialize_with = "or_default")]
    tag: String,
}

#[derive(Deserialize)]
struct One {
    domain_record: Wire,
}

const EDIT: Change = Change::InPlace("update");

impl Kind for Record {
    const NAME: &'static str = "digitalocean_record";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The record's number."),
        Attr::required("domain", Ty::String, Change::Replace, "The domain that it belongs to.")
            .names(&[zone::NAME], &["name", "id"])
            .compare(super::attr::Compare::NoCase)
            .identity(),
        Attr::required("type", Ty::String, Change::Replace, "A, AAAA, CAA, CNAME, MX, NS, TXT, SRV or SOA."),
        Attr::required("name", Ty::String, EDIT, "Its name within the domain, `@` for the domain itself.")
            .compare(RECORD_NAME)
            .echo(RECORD_NAME_SHOWN),
        Attr::required("value", Ty::String, EDIT, "What it says: an address, a host name with a dot at the end, a text.")
            .compare(RECORD_VALUE)
            .echo(RECORD_VALUE_SHOWN),
        or_empty(Attr::optional("port", Ty::Number, EDIT, "The port of an SRV record.")),
        or_empty(Attr::optional("priority", Ty::Number, EDIT, "The priority of an MX or SRV record.")),
        or_empty(Attr::optional("weight", Ty::Number, EDIT, "The weight of an SRV record.")),
        Attr::chosen("ttl", Ty::Number, EDIT, "The time to live in seconds, at least 30."),
        or_empty(Attr::optional("flags", Ty::Number, EDIT, "The flags of a CAA record.")),
        or_empty(Attr::optional("tag", Ty::String, EDIT, "The tag of a CAA record: issue, issuewild or iodef.")),
        Attr::computed("fqdn", Ty::String, "Its full name.").repeats(&["name", "domain"]),
    ];
    const SCOPES: Scopes = Scopes {
        read: &["domain:read"],
        create: &["domain:create", "domain:read"],
        update: &["domain:update"],
        delete: &["domain:delete"],
    };
    const UNIQUE_KEY: &'static [&'static str] = &["domain", "type", "name", "value"];
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        let Some(kind) = complaints::text(body, "type") else { return };
        if !TYPES.contains(&kind.as_str()) {
            let hint = match kind.to_uppercase() {
                upper if TYPES.contains(&upper.as_str()) => format!("Write it in capitals: `{upper}`."),
                _ => format!("It is one of {}.", TYPES.join(", ")),
            };
            complaints.error(&["type"], format!("`{kind}` is not a record type that DigitalOcean serves."), hint);
            return;
        }
        check_value(&kind, body, complaints);
        check_numbers(&kind, body, complaints);
        let domain = complaints::text(body, "domain");
        if domain.as_deref() == Some("") {
            complaints.error(&["domain"], "The domain is empty.", "Write its name, for example `example.com`.");
        }
        let domain = domain.unwrap_or_default();
        if let Some(name) = complaints::text(body, "name")
            && !domain.is_empty()
            && (name == domain || name.ends_with(&format!(".{domain}")))
        {
            complaints.warning(
                &["name"],
                format!("The name `{name}` is taken as relative: the record would be `{name}.{domain}`."),
                format!("Write `{}`.", relative(&format!("{name}."), &domain)),
            );
        }
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        let creates: Vec<(&Job, Sketch)> = jobs.iter().filter_map(|job| Some((job, Sketch::of(&job.body)?))).collect();
        for (at, (job, sketch)) in creates.iter().enumerate() {
            complaints.about(job);
            for (other, earlier) in &creates[..at] {
                if sketch.doubles(earlier) {
                    complaints.error(&["name"], format!("{} makes the same record.", other.address), "Leave one of them out.");
                } else if sketch.quarrels(earlier) {
                    complaints.error(&["name"], format!("{} has the same name, and {CNAME_STANDS_ALONE}", other.address), "");
                }
            }
        }
        let creates: Vec<_> = creates.into_iter().filter(|(job, _)| job.creates).collect();
        if creates.is_empty() {
            return Ok(complaints.into_vec());
        }
        // A domain that is made by this plan has no records yet. Its own check asks for all of them; else each domain tells by
        // itself whether it is there.
        let zones: Option<BTreeSet<String>> = match api.has_asked("/domains", "domains") {
            true => Some(zone::all(api).await?.into_iter().map(|zone| zone.name.to_lowercase()).collect()),
            false => None,
        };
        let ours: BTreeSet<&Id> = jobs.iter().filter_map(|job| job.id.as_ref()).collect();
        for (job, sketch) in &creates {
            if zones.as_ref().is_some_and(|zones| !zones.contains(&sketch.domain)) {
                continue;
            }
            complaints.about(job);
            for existing in all(api, &sketch.domain).await? {
                let id = existing.id_in(&sketch.domain);
                let other = Sketch::of_live(&existing, &sketch.domain);
                if ours.contains(&id) {
                    continue;
                }
                if sketch.doubles(&other) {
                    complaints.error(
                        &["name"],
                        format!("The domain `{}` has this record already: {existing}.", sketch.domain),
                        format!("Adopt it: dofloat import '{}' {id}", job.address),
                    );
                } else if sketch.quarrels(&other) {
                    complaints.error(
                        &["name"],
                        format!("The domain `{}` has {existing} already, and {CNAME_STANDS_ALONE}", sketch.domain),
                        "Delete one of them, or take another name.",
                    );
                }
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let domain = spec.domain.to_lowercase();
        let made: One = api.create(&records(&domain), &wire(spec)).await?;
        let record = made.domain_record;
        Ok(NewObject { id: record.id_in(&domain), live: Some(record.live(&domain)) })
    }

    async fn bulk(api: &Client, ids: &[Id], _: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        let domains: BTreeSet<&str> = ids.iter().filter_map(|id| Some(split(id)?.0)).collect();
        let mut found = Vec::new();
        for domain in domains {
            let records = all(api, domain).await?;
            found.extend(records.into_iter().map(|record| (record.id_in(domain), record.live(domain))));
        }
        Ok(found)
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        let (domain, _) = split(id).ok_or_else(|| bad_id(id))?;
        let one = if_there(api.get::<One>(&path(id)?, &[]).await)?;
        Ok(one.map(|one| one.domain_record.live(domain)))
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, _: &Body) -> Result<(), ApiError> {
        if edit != "update" {
            return Err(super::no_edit(Self::NAME, id, edit));
        }
        api.put::<One>(&path(id)?, &wire(spec)).await.map(|_| ())
    }

    async fn delete(api: &Client, id: &Id, _: &Body) -> Result<(), ApiError> {
        api.delete(&path(id)?, &[]).await
    }

    /// A zone may hold many records that say the same, and one that is nobody else's holds none of anybody else.
    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let Some(sketch) = Sketch::of(&Term::Value(Value::Map(body.clone()))) else { return Ok(Vec::new()) };
        let domain = body.get("domain").and_then(Value::as_str).unwrap_or_default();
        let candidates = all(api, domain).await?.into_iter().filter(|record| sketch.doubles(&Sketch::of_live(record, domain)));
        let certainty = || Certainty::Within(zone::NAME, Id(domain.to_owned()));
        Ok(candidates.map(|record| Candidate { id: record.id_in(domain), live: record.live(domain), certainty: certainty() }).collect())
    }

    fn derived(body: &Term) -> BTreeMap<String, Term> {
        let fqdn = match (complaints::text(body, "domain"), complaints::text(body, "name")) {
            (Some(domain), Some(name)) => Term::Value(Value::Str(fqdn(&relative(&name, &domain), &domain))),
            _ => Term::Unknown(Origin { path: "fqdn".to_owned(), ..Origin::default() }),
        };
        BTreeMap::from([("fqdn".to_owned(), fqdn)])
    }

    fn identity(body: &Body) -> Option<Id> {
        let (domain, id) = (body.get("domain")?.as_str()?, body.get("id")?.as_str()?);
        Some(Id(if id.contains(',') { id.to_owned() } else { format!("{domain},{id}") }))
    }
}

const CNAME_STANDS_ALONE: &str = "a name with a CNAME record can have no other record.";

fn check_value(kind: &str, body: &Term, complaints: &mut Complaints) {
    let Some(value) = complaints::text(body, "value") else { return };
    let tag = complaints::text(body, "tag").unwrap_or_default();
    match kind {
        "A" if !form::ipv4(&value) => {
            let hint = if form::ipv6(&value) { "It is an IPv6 address: use the type AAAA." } else { "For a host name use the type CNAME." };
            complaints.malformed(&value, &["value"], format!("`{value}` is not an IPv4 address, which an A record needs."), hint);
        }
        "AAAA" if !form::ipv6(&value) => {
            let hint = if form::ipv4(&value) { "It is an IPv4 address: use the type A." } else { "" };
            complaints.malformed(&value, &["value"], format!("`{value}` is not an IPv6 address, which an AAAA record needs."), hint);
        }
        _ if names_a_host(kind, &tag) && value.contains('.') && !value.ends_with('.') => complaints.refusal(
            &["value"],
            format!("The value of a {kind} record ends with a dot."),
            format!("Write `{value}.`; without a dot it would be a name within the domain."),
        ),
        _ if value.is_empty() => complaints.error(&["value"], "The value is empty.", ""),
        _ => {}
    }
}

fn check_numbers(kind: &str, body: &Term, complaints: &mut Complaints) {
    let needs: &[&str] = match kind {
        "MX" => &["priority"],
        "SRV" => &["priority", "port", "weight"],
        "CAA" => &["flags", "tag"],
        _ => &[],
    };
    for name in needs {
        if body.get(name).is_null() {
            complaints.error(&[], format!("A {kind} record needs `{name}`."), format!("Add `{name}`."));
        }
    }
    for (name, from, to) in [("port", 0, 65535), ("priority", 0, 65535), ("weight", 0, 65535), ("flags", 0, 255), ("ttl", 30, i64::MAX)] {
        let Some(number) = complaints::number(body, name) else {
            if matches!(body.get(name), Term::Value(Value::Number(_))) {
                complaints.error(&[name], format!("`{name}` is a whole number."), "");
            }
            continue;
        };
        if name == "ttl" && (1..from).contains(&number) {
            complaints.refusal(
                &[name],
                format!("The time to live is {number} seconds; DigitalOcean takes 30 or more."),
                "Write `ttl = 30`, or leave it out for 1800.",
            );
        } else if !(from..=to).contains(&number) {
            complaints.error(&[name], format!("`{name}` is {number}; it lies between {from} and {to}."), "");
        }
    }
    if let Some(tag) = complaints::text(body, "tag")
        && !matches!(tag.as_str(), "issue" | "issuewild" | "iodef" | "")
    {
        complaints.error(&["tag"], format!("`{tag}` is not a valid tag of a CAA record."), "It is one of issue, issuewild, iodef.");
    }
}

/// The identity of a record's content: type, name and data, in their normal forms.
struct Sketch {
    domain: String,
    kind: String,
    name: String,
    data: Value,
}

impl Sketch {
    fn of(body: &Term) -> Option<Self> {
        let domain = complaints::text(body, "domain")?.trim_end_matches('.').to_lowercase();
        let kind = complaints::text(body, "type")?;
        let name = relative(&complaints::text(body, "name")?, &domain);
        let mut siblings = Body::from([("domain".to_owned(), domain.clone().into()), ("type".to_owned(), kind.clone().into())]);
        if let Some(tag) = complaints::text(body, "tag") {
            siblings.insert("tag".to_owned(), tag.into());
        }
        let row = Record::ATTRS.iter().find(|row| row.name == "value")?;
        let data = complaints::text(body, "value").map_or(Value::Null, |value| row.normal(&value.into(), &siblings));
        Some(Self { domain, kind, name, data })
    }

    fn of_live(record: &Wire, domain: &str) -> Self {
        let live = record.clone().live(domain);
        let body = Term::map(
            [("domain", domain.to_owned()), ("type", live.kind), ("name", live.name), ("value", live.value), ("tag", live.tag)]
                .map(|(name, text)| (name.to_owned(), Term::Value(text.into())))
                .into(),
        );
        Self::of(&body).unwrap_or(Self { domain: String::new(), kind: String::new(), name: String::new(), data: Value::Null })
    }

    /// A value that is not known yet doubles nothing.
    fn doubles(&self, other: &Self) -> bool {
        self.same_place(other) && self.kind == other.kind && self.data == other.data && self.data != Value::Null
    }

    fn quarrels(&self, other: &Self) -> bool {
        self.same_place(other) && (self.kind == "CNAME" || other.kind == "CNAME")
    }

    fn same_place(&self, other: &Self) -> bool {
        self.domain == other.domain && self.name == other.name
    }
}

impl Wire {
    /// Its identity.
    pub(super) fn id_in(&self, domain: &str) -> Id {
        Id(format!("{domain},{}", self.id))
    }

    /// Whether it was born with the zone: SOA, DigitalOcean's name servers, and the apex address that the zone was given.
    pub(super) fn is_of_the_zone(&self, apex: Option<&str>) -> bool {
        let data = self.data.trim_end_matches('.').to_lowercase();
        match self.kind.as_str() {
            "SOA" => true,
            "NS" => self.name == "@" && data.ends_with(".digitalocean.com"),
            "A" | "AAAA" => self.name == "@" && apex == Some(self.data.as_str()),
            _ => false,
        }
    }

    fn live(self, domain: &str) -> Live {
        let value = if names_a_host(&self.kind, &self.tag) { rooted(&self.data, domain) } else { self.data };
        Live {
            id: self.id.to_string(),
            fqdn: fqdn(&self.name, domain),
            domain: domain.to_owned(),
            kind: self.kind,
            name: self.name,
            value,
            port: self.port,
            priority: self.priority,
            weight: self.weight,
            ttl: self.ttl,
            flags: self.flags,
            tag: self.tag,
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.name, self.data)
    }
}

/// Every record of a zone; none where there is no such zone.
pub(super) async fn all(api: &Client, domain: &str) -> Result<Vec<Wire>, ApiError> {
    Ok(if_there(api.list(&records(domain), &[], "domain_records").await)?.unwrap_or_default())
}

fn wire(spec: &Spec) -> serde_json::Value {
    let tag = spec.tag.as_deref().unwrap_or_default();
    let data = if names_a_host(&spec.kind, tag) { absolute(&spec.value, &spec.domain) } else { spec.value.clone() };
    let mut body = json!({"type": spec.kind, "name": relative(&spec.name, &spec.domain), "data": data});
    let numbers =
        [("port", &spec.port), ("priority", &spec.priority), ("weight", &spec.weight), ("ttl", &spec.ttl), ("flags", &spec.flags)];
    for (name, number) in numbers {
        if let Some(number) = number {
            body[name] = json!(number);
        }
    }
    if !tag.is_empty() {
        body["tag"] = json!(tag);
    }
    body
}

/// A host name as the API answers it, with the dot that it leaves out.
fn rooted(host: &str, domain: &str) -> String {
    match host {
        "@" => absolute(host, domain),
        host if host.ends_with('.') => host.to_owned(),
        host => format!("{host}."),
    }
}

fn fqdn(name: &str, domain: &str) -> String {
    let domain = domain.to_lowercase();
    if name == "@" || name.is_empty() { domain } else { format!("{name}.{domain}") }
}

fn split(id: &Id) -> Option<(&str, u64)> {
    let (domain, number) = id.0.split_once(',')?;
    Some((domain, number.trim().parse().ok()?))
}

fn bad_id(id: &Id) -> ApiError {
    ApiError::Unsettled { what: format!("`{id}` is not a record ID: it is written DOMAIN,NUMBER") }
}

fn records(domain: &str) -> String {
    format!("/domains/{}/records", segment(domain))
}

fn path(id: &Id) -> Result<String, ApiError> {
    let (domain, number) = split(id).ok_or_else(|| bad_id(id))?;
    Ok(format!("{}/{number}", records(domain)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{assert_has, pair};
    use crate::kind;

    fn spec(json: serde_json::Value) -> serde_json::Value {
        wire(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn what_is_sent_is_relative_and_rooted() {
        assert_eq!(
            spec(json!({"domain": "example.com", "type": "CNAME", "name": "www.example.com.", "value": "@", "ttl": 300, "tag": null})),
            json!({"type": "CNAME", "name": "www", "data": "example.com.", "ttl": 300})
        );
        assert_eq!(
            spec(json!({"domain": "example.com", "type": "MX", "name": "@", "value": "mail.example.net.", "priority": 0})),
            json!({"type": "MX", "name": "@", "data": "mail.example.net.", "priority": 0})
        );
        assert_eq!(
            spec(json!({"domain": "e.com", "type": "CAA", "name": "@", "value": "mailto:a@e.com", "flags": 0, "tag": "iodef"})),
            json!({"type": "CAA", "name": "@", "data": "mailto:a@e.com", "flags": 0, "tag": "iodef"})
        );
        assert_eq!(
            spec(json!({"domain": "e.com", "type": "TXT", "name": "_acme", "value": "a b"})),
            json!({"type": "TXT", "name": "_acme", "data": "a b"})
        );
    }

    #[test]
    fn an_adopted_record_gets_its_domain() {
        let body: Body = [("domain".to_owned(), "example.com".into()), ("id".to_owned(), "17".into())].into();
        assert_eq!(Record::identity(&body), Some(Id("example.com,17".into())));
    }

    #[test]
    fn the_full_name_is_known_early() {
        for (name, expected) in [("@", "example.com"), ("www", "www.example.com"), ("www.example.com.", "www.example.com")] {
            let body = json!({"domain": "example.com", "name": name});
            let derived = Record::derived(&Term::Value(Value::from_json(&body)));
            assert_eq!(derived.get("fqdn"), Some(&Term::Value(expected.into())));
        }
    }

    #[test]
    fn an_answer_is_read_with_its_dot() {
        let (request, answer) = pair(include_str!("../../fixtures/api/record/create.json"));
        let written = json!({"domain": "example.com", "type": "CNAME", "name": "www", "value": "lb.example.net.", "ttl": 300});
        assert_eq!(spec(written.clone()), request);
        let live = serde_json::from_value::<One>(answer).unwrap().domain_record.live("example.com");
        assert_has(kind(Record::NAME).unwrap(), &live, &written);
        assert_has(kind(Record::NAME).unwrap(), &live, &json!({"id": "1700000879", "fqdn": "www.example.com", "port": 0, "tag": ""}));
    }

    #[test]
    fn the_check_names_what_the_api_would_refuse() {
        for (body, expected) in [
            (json!({"type": "A", "value": "example.net"}), Some("is not an IPv4 address")),
            (json!({"type": "AAAA", "value": "203.0.113.2"}), Some("is not an IPv6 address")),
            (json!({"type": "CNAME", "value": "lb.example.net"}), Some("ends with a dot")),
            (json!({"type": "CNAME", "value": "www"}), None),
            (json!({"type": "A", "value": "203.0.113.2", "ttl": 29}), Some("takes 30 or more")),
            (json!({"type": "A", "value": "203.0.113.2", "ttl": 30}), None),
            (json!({"type": "MX", "value": "mail.example.net."}), Some("needs `priority`")),
            (json!({"type": "SRV", "value": "a.", "priority": 1, "weight": 1, "port": 70000}), Some("`port` is 70000")),
            (json!({"type": "CAA", "value": "a.", "flags": 0, "tag": "issues"}), Some("is not a valid tag of a CAA record")),
            (json!({"type": "cname", "value": "a."}), Some("is not a record type")),
            (json!({"type": "A", "value": "203.0.113.2", "name": "www.example.com"}), Some("is taken as relative")),
        ] {
            let mut whole = json!({"domain": "example.com", "name": "www"});
            for (name, value) in body.as_object().unwrap() {
                whole[name] = value.clone();
            }
            let complaints = kind(Record::NAME).unwrap().check(&Term::Value(Value::from_json(&whole)));
            let found = complaints.first().map(|complaint| complaint.message.clone());
            assert_eq!(found.is_some(), expected.is_some(), "{body}: {found:?}");
            assert!(expected.is_none_or(|expected| found.is_some_and(|found| found.contains(expected))), "{body}");
        }
    }
}
