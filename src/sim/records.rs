//! DNS records.
//!
//! Invariant: names are kept relative to the zone and data without the dot at its end, as they are read back; what is sent
//! must carry the dot. A CNAME shares its name with nothing.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ids;
use super::wire::{Call, Fields, Refusal, Reply};
use super::world::{Made, World};

/// The zone's default.
pub(super) const DEFAULT_TTL: u64 = 1800;

const KINDS: &[&str] = &["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT"];

/// A record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    id: u64,
    kind: String,
    name: String,
    data: String,
    priority: Option<u64>,
    port: Option<u64>,
    ttl: u64,
    weight: Option<u64>,
    flags: Option<u64>,
    tag: Option<String>,
    /// It came with the zone.
    pub(super) initial: bool,
}

impl Record {
    pub(super) fn show(&self) -> Value {
        json!({
            "id": self.id, "type": self.kind, "name": self.name, "data": self.data, "priority": self.priority, "port": self.port,
            "ttl": self.ttl, "weight": self.weight, "flags": self.flags, "tag": self.tag,
        })
    }

    /// The A record that `ip_address` of a new domain makes.
    pub(super) fn apex(address: Ipv4Addr) -> Self {
        Self { data: address.to_string(), initial: false, ..plain("A", "") }
    }

    pub(super) fn zone_line(&self) -> String {
        let numbers: Vec<String> = [self.priority, self.weight, self.port].iter().flatten().map(u64::to_string).collect();
        let mut words = vec![self.name.clone(), self.ttl.to_string(), "IN".to_owned(), self.kind.clone()];
        words.extend(numbers);
        words.push(self.data.clone());
        words.join(" ") + "\n"
    }
}

fn plain(kind: &str, data: &str) -> Record {
    Record {
        id: 0,
        kind: kind.to_owned(),
        name: "@".to_owned(),
        data: data.to_owned(),
        priority: None,
        port: None,
        ttl: DEFAULT_TTL,
        weight: None,
        flags: None,
        tag: None,
        initial: true,
    }
}

/// The records of a fresh zone.
pub(super) fn initial() -> Vec<Record> {
    let servers = ["ns1.digitalocean.com", "ns2.digitalocean.com", "ns3.digitalocean.com"];
    let soa = plain("SOA", "1800");
    std::iter::once(soa).chain(servers.iter().map(|server| plain("NS", server))).collect()
}

impl World {
    /// Adds a record to a zone and returns its identifier.
    pub(super) fn add_record(&mut self, domain: &str, mut record: Record) -> u64 {
        let key = format!("{domain} {} {} {}", record.kind, record.name, record.data);
        let nth = self.nth("record", &key);
        let taken = |id| self.domains.values().any(|domain| domain.records.contains_key(&id));
        let id = ids::number(self.seed, &["record", &key, &nth.to_string()], taken);
        record.id = id;
        if let Some(domain) = self.domains.get_mut(domain) {
            align(domain.records.values_mut(), &record);
            domain.records.insert(id, record);
        }
        id
    }
}

/// Records of one name and type share one TTL.
fn align<'a>(records: impl Iterator<Item = &'a mut Record>, new: &Record) {
    for record in records.filter(|record| !record.initial && record.kind == new.kind && record.name == new.name) {
        record.ttl = new.ttl;
    }
}

/// `GET /v2/domains/{domain_name}/records`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let domain = world.domain_at(call)?.clone();
    let name = call.asked_for("name").map(str::to_lowercase);
    let kind = call.asked_for("type");
    let fits = |record: &&Record| {
        kind.is_none_or(|kind| record.kind.eq_ignore_ascii_case(kind))
            && name.as_ref().is_none_or(|name| full_name(&record.name, &domain.name) == *name)
    };
    let shown: Vec<&Record> =
        domain.records.values().filter(fits).filter(|record| world.listed(&format!("record:{}", record.id))).collect();
    call.page("domain_records", &shown, |record| record.show())
}

/// `GET /v2/domains/{domain_name}/records/{domain_record_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(1)?;
    world.found(&format!("record:{id}"))?;
    let record = world.domain_at(call)?.records.get(&id).ok_or_else(Refusal::not_found)?;
    Ok(Reply::ok(json!({ "domain_record": record.show() })))
}

/// `POST /v2/domains/{domain_name}/records`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let domain = world.domain_at(call)?.name.clone();
    let kind = call.body.required("type")?.to_uppercase();
    if !KINDS.contains(&kind.as_str()) {
        return Err(Refusal::unprocessable(format!("{kind} is not a record type that can be made")));
    }
    let mut record = Record { initial: false, ..plain(&kind, "") };
    let name = match call.body.text("name")? {
        Some(name) if !name.is_empty() => name,
        _ if kind == "MX" || kind == "NS" => "@".to_owned(),
        _ => return Err(Refusal::unprocessable("Name can't be blank")),
    };
    record.name = relative_name(&name, &domain)?;
    if call.body.get("data").is_none() {
        return Err(Refusal::unprocessable("Data can't be blank"));
    }
    fill(&mut record, &call.body, &domain)?;
    no_clash(world, &domain, &record)?;
    let id = world.add_record(&domain, record);
    world.note(Made::Other(format!("record:{id}")));
    let shown = world.domains.get(&domain).and_then(|domain| domain.records.get(&id)).map(Record::show);
    Ok(Reply::created(json!({ "domain_record": shown })))
}

/// `PUT` and `PATCH /v2/domains/{domain_name}/records/{domain_record_id}`
pub(super) fn update(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(1)?;
    let domain = world.domain_at(call)?;
    let name = domain.name.clone();
    let mut record = domain.records.get(&id).cloned().ok_or_else(Refusal::not_found)?;
    if call.body.text("type")?.is_some_and(|kind| !kind.eq_ignore_ascii_case(&record.kind)) {
        return Err(Refusal::unprocessable("the type of a record can't be changed"));
    }
    if record.kind == "SOA" {
        record.ttl = ttl(&call.body)?.unwrap_or(record.ttl);
    } else {
        if let Some(wanted) = call.body.text("name")? {
            record.name = relative_name(&wanted, &name)?;
        }
        fill(&mut record, &call.body, &name)?;
        no_clash(world, &name, &record)?;
    }
    let shown = record.show();
    if let Some(domain) = world.domains.get_mut(&name) {
        align(domain.records.values_mut(), &record);
        domain.records.insert(id, record);
    }
    Ok(Reply::ok(json!({ "domain_record": shown })))
}

/// `DELETE /v2/domains/{domain_name}/records/{domain_record_id}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(1)?;
    let domain = world.domain_at(call)?;
    let (name, record) = (domain.name.clone(), domain.records.get(&id).ok_or_else(Refusal::not_found)?);
    if record.kind == "SOA" {
        return Err(Refusal::unprocessable("the SOA record can't be deleted"));
    }
    if let Some(domain) = world.domains.get_mut(&name) {
        domain.records.remove(&id);
    }
    Ok(Reply::nothing())
}

fn full_name(name: &str, domain: &str) -> String {
    if name == "@" { domain.to_owned() } else { format!("{name}.{domain}") }
}

/// A name relative to the zone. One that ends with a dot is a full one.
fn relative_name(name: &str, domain: &str) -> Result<String, Refusal> {
    let name = name.to_lowercase();
    let relative = match name.strip_suffix('.') {
        None => name,
        Some(full) if full == domain => "@".to_owned(),
        Some(full) => full
            .strip_suffix(domain)
            .and_then(|rest| rest.strip_suffix('.'))
            .ok_or_else(|| Refusal::unprocessable("Name is outside of the domain"))?
            .to_owned(),
    };
    let label = |text: &str| {
        (1..=63).contains(&text.len())
            && (text == "*" || text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
    };
    if relative == "@" || relative.split('.').all(label) {
        Ok(relative)
    } else {
        Err(Refusal::unprocessable("Name Only valid hostname characters are allowed. (a-z, A-Z, 0-9, ., _ and -)"))
    }
}

fn ttl(body: &Fields) -> Result<Option<u64>, Refusal> {
    match body.number("ttl")? {
        Some(ttl) if ttl < 30 => Err(Refusal::unprocessable("record ttl must be greater than 30")),
        Some(ttl) if ttl > 2_147_483_647 => Err(Refusal::unprocessable("record ttl is too large")),
        other => Ok(other),
    }
}

/// Takes the fields that are given, and checks what the type needs.
fn fill(record: &mut Record, body: &Fields, domain: &str) -> Result<(), Refusal> {
    record.ttl = ttl(body)?.unwrap_or(record.ttl);
    let number = |name: &str, old: Option<u64>, most: u64| -> Result<Option<u64>, Refusal> {
        match body.number(name)?.or(old) {
            None => Err(Refusal::unprocessable(format!("{name} can't be blank"))),
            Some(number) if number > most => Err(Refusal::unprocessable(format!("{name} must be at most {most}"))),
            number => Ok(number),
        }
    };
    match record.kind.as_str() {
        "MX" => record.priority = number("priority", record.priority, 65_535)?,
        "SRV" => {
            record.priority = number("priority", record.priority, 65_535)?;
            record.port = number("port", record.port, 65_535)?;
            record.weight = number("weight", record.weight, 65_535)?;
        }
        "CAA" => {
            record.flags = number("flags", record.flags, 255)?;
            let tag = body.text("tag")?.or(record.tag.take());
            if !tag.as_deref().is_some_and(|tag| ["issue", "issuewild", "iodef"].contains(&tag)) {
                return Err(Refusal::unprocessable("tag must be issue, issuewild or iodef"));
            }
            record.tag = tag;
        }
        _ => {}
    }
    if let Some(data) = body.text("data")? {
        record.data = read_data(record, &data, domain)?;
    }
    Ok(())
}

fn read_data(record: &Record, data: &str, domain: &str) -> Result<String, Refusal> {
    match record.kind.as_str() {
        _ if data.is_empty() => Err(Refusal::unprocessable("Data can't be blank")),
        "A" => match data.parse::<Ipv4Addr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => Err(Refusal::unprocessable("IP address did not match IPv4 format (e.g. 127.0.0.1).")),
        },
        "AAAA" => match data.parse::<Ipv6Addr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => Err(Refusal::unprocessable("IP address did not match IPv6 format (e.g. 2001:db8::ff00:42:8329).")),
        },
        "TXT" => Ok(data.to_owned()),
        "CAA" if record.tag.as_deref() == Some("iodef") => Ok(data.to_owned()),
        _ if data == "@" => Ok(data.to_owned()),
        _ => match data.strip_suffix('.') {
            None => Err(Refusal::unprocessable("Data needs to end with a dot (.)")),
            Some(full) if full.eq_ignore_ascii_case(domain) => Ok("@".to_owned()),
            Some(full) => Ok(full.to_lowercase()),
        },
    }
}

fn no_clash(world: &World, domain: &str, record: &Record) -> Result<(), Refusal> {
    let Some(domain) = world.domains.get(domain) else { return Ok(()) };
    let others = || domain.records.values().filter(|other| other.id != record.id && other.name == record.name);
    if record.kind == "CNAME" && others().next().is_some() {
        return Err(Refusal::unprocessable("CNAME records cannot share a name with other records"));
    }
    if record.kind != "CNAME" && others().any(|other| other.kind == "CNAME") {
        return Err(Refusal::unprocessable("A CNAME record with this name already exists"));
    }
    Ok(())
}
