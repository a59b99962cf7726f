//! DNS records.
//!
//! Invariant: names are kept relative to the zone and data without the dot at its end, as they are read back; what is sent
//! must carry the dot. A CNAME shares its name with nothing.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::json;

use super::ids;
use super::objects::record::{Record, plain};
use super::refusal::Refusal;
use super::wire::{Call, Fields, Reply};
use super::world::{Made, World};

const KINDS: &[&str] = &["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT"];

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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::test_world::TestWorld;
    use super::*;

    fn test() -> TestWorld {
        let mut test = TestWorld::new();
        test.ok("POST /domains", json!({ "name": "example.com" }));
        test
    }

    const RECORDS: &str = "POST /domains/example.com/records";

    #[track_caller]
    fn add(test: &mut TestWorld, body: Value) -> Value {
        test.ok(RECORDS, body)["domain_record"].clone()
    }

    #[test]
    fn data_is_sent_with_the_dot_and_read_without() {
        let mut test = test();
        let cases = [
            (json!({ "type": "CNAME", "name": "www", "data": "Other.example.net." }), "other.example.net"),
            (json!({ "type": "CNAME", "name": "w2", "data": "@" }), "@"),
            (json!({ "type": "CNAME", "name": "w3", "data": "example.com." }), "@"),
            (json!({ "type": "MX", "data": "mail.example.com.", "priority": 10 }), "mail.example.com"),
            (
                json!({ "type": "SRV", "name": "_sip._tcp", "data": "s.example.com.", "priority": 1, "port": 5, "weight": 0 }),
                "s.example.com",
            ),
            (json!({ "type": "CAA", "name": "@", "data": "ca.example.net.", "flags": 0, "tag": "issue" }), "ca.example.net"),
            (json!({ "type": "CAA", "name": "@", "data": "mailto:a@example.net", "flags": 0, "tag": "iodef" }), "mailto:a@example.net"),
            (json!({ "type": "TXT", "name": "@", "data": "v=spf1 -all" }), "v=spf1 -all"),
            (json!({ "type": "AAAA", "name": "six", "data": "2001:DB8::0:1" }), "2001:db8::1"),
        ];
        for (body, data) in cases {
            assert_eq!(add(&mut test, body.clone())["data"], data, "{body}");
        }
    }

    #[test]
    fn names_are_relative() {
        let mut test = test();
        for (name, relative) in [("@", "@"), ("example.com.", "@"), ("WWW", "www"), ("a.example.com.", "a"), ("*.b", "*.b")] {
            assert_eq!(add(&mut test, json!({ "type": "A", "name": name, "data": "192.0.2.1" }))["name"], relative, "{name}");
        }
        assert_eq!(test.get("/domains/example.com/records?name=www.example.com&type=A")["meta"]["total"], 1);
        assert_eq!(test.get("/domains/example.com/records?name=www")["meta"]["total"], 0);
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        let mut test = test();
        add(&mut test, json!({ "type": "A", "name": "a", "data": "192.0.2.1" }));
        add(&mut test, json!({ "type": "CNAME", "name": "c", "data": "@" }));
        let cases = [
            (json!({ "type": "SOA", "name": "@", "data": "x" }), "can be made"),
            (json!({ "type": "A", "name": "x", "data": "host" }), "IPv4"),
            (json!({ "type": "AAAA", "name": "x", "data": "192.0.2.1" }), "IPv6"),
            (json!({ "type": "A", "data": "192.0.2.1" }), "Name can't be blank"),
            (json!({ "type": "A", "name": "x" }), "Data can't be blank"),
            (json!({ "type": "A", "name": "x y", "data": "192.0.2.1" }), "hostname characters"),
            (json!({ "type": "A", "name": "x.example.net.", "data": "192.0.2.1" }), "outside"),
            (json!({ "type": "A", "name": "x", "data": "192.0.2.1", "ttl": 29 }), "greater than 30"),
            (json!({ "type": "CNAME", "name": "x", "data": "host" }), "end with a dot"),
            (json!({ "type": "CNAME", "name": "a", "data": "@" }), "share a name"),
            (json!({ "type": "CNAME", "name": "@", "data": "x.example.net." }), "share a name"),
            (json!({ "type": "TXT", "name": "c", "data": "x" }), "CNAME"),
            (json!({ "type": "MX", "name": "@", "data": "m.example.net." }), "priority"),
            (json!({ "type": "SRV", "name": "_a._tcp", "data": "m.example.net.", "priority": 1, "weight": 1 }), "port"),
            (json!({ "type": "CAA", "name": "@", "data": "m.example.net.", "flags": 256, "tag": "issue" }), "flags"),
            (json!({ "type": "CAA", "name": "@", "data": "m.example.net.", "flags": 1, "tag": "x" }), "tag"),
        ];
        for (body, words) in cases {
            test.refused(RECORDS, body, 422, words);
        }
        assert_eq!(add(&mut test, json!({ "type": "A", "name": "x", "data": "192.0.2.1", "ttl": 30 }))["ttl"], 30);
    }

    #[test]
    fn records_change_in_place() {
        let mut test = test();
        let made = add(&mut test, json!({ "type": "CNAME", "name": "www", "data": "a.example.net." }));
        let path = format!("/domains/example.com/records/{}", made["id"]);
        let read_back = json!({ "type": "CNAME", "name": "www", "data": "a.example.net" });
        test.refused(&format!("PUT {path}"), read_back, 422, "end with a dot");
        test.refused(&format!("PATCH {path}"), json!({ "type": "A" }), 422, "type");
        let put = test.ok(&format!("PUT {path}"), json!({ "type": "CNAME", "name": "w", "data": "b.example.net.", "ttl": 60 }));
        assert_eq!((&put["domain_record"]["name"], &put["domain_record"]["data"]), (&json!("w"), &json!("b.example.net")));
        assert_eq!(test.ok(&format!("PATCH {path}"), json!({ "ttl": 90 }))["domain_record"]["data"], "b.example.net");
        test.ok(&format!("DELETE {path}"), Value::Null);
        test.refused(&format!("GET {path}"), Value::Null, 404, "could not be found");
    }

    #[test]
    fn the_soa_changes_its_ttl_only_and_stays() {
        let mut test = test();
        let soa = test.get("/domains/example.com/records?type=SOA")["domain_records"][0]["id"].clone();
        let path = format!("/domains/example.com/records/{soa}");
        assert_eq!(test.ok(&format!("PATCH {path}"), json!({ "ttl": 60 }))["domain_record"]["ttl"], 60);
        test.refused(&format!("DELETE {path}"), Value::Null, 422, "SOA");
    }

    #[test]
    fn records_of_one_name_share_their_ttl() {
        let mut test = test();
        add(&mut test, json!({ "type": "A", "name": "a", "data": "192.0.2.1", "ttl": 60 }));
        add(&mut test, json!({ "type": "A", "name": "a", "data": "192.0.2.2", "ttl": 90 }));
        let records = test.get("/domains/example.com/records?type=A");
        assert_eq!((&records["domain_records"][0]["ttl"], &records["domain_records"][1]["ttl"]), (&json!(90), &json!(90)));
    }

    #[test]
    fn either_scope_makes_a_record() {
        for (scopes, status) in [("domain:create", 201), ("domain:update", 201), ("domain:read", 403)] {
            let mut test = TestWorld::scoped(scopes);
            test.world.outside("POST", "/v2/domains", Some(&json!({ "name": "example.com" })));
            assert_eq!(test.ask(RECORDS, json!({ "type": "A", "name": "a", "data": "192.0.2.1" })).status, status, "{scopes}");
        }
    }
}
