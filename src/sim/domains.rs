//! Domains.
//!
//! Invariant: a zone has its SOA and three NS records from the start, and takes its records with it when it goes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::json;

use super::objects::domain::Domain;
use super::objects::record::{self, Record};
use super::refusal::Refusal;
use super::wire::{Call, Reply};
use super::world::{Made, World};

/// `GET /v2/domains`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let all: Vec<String> = world.domains.keys().cloned().collect();
    let shown: Vec<String> = all.into_iter().filter(|name| world.listed(&format!("domain:{name}"))).collect();
    call.page("domains", &shown, |name| world.domains.get(name).map(Domain::show).unwrap_or_default())
}

/// `GET /v2/domains/{domain_name}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    world.found(&format!("domain:{}", call.part(0)))?;
    Ok(Reply::ok(json!({ "domain": world.domain_at(call)?.show() })))
}

/// `POST /v2/domains`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let name = call.body.required("name")?.to_lowercase();
    let stands_in = world.wanted_id.take().is_some();
    if !is_domain(&name) && !stands_in {
        return Err(Refusal::unprocessable("Name is not a valid domain name"));
    }
    let address = match call.body.text("ip_address")? {
        None => None,
        Some(text) => Some(text.parse::<Ipv4Addr>().map_err(|_| Refusal::unprocessable("ip_address must be an IPv4 address"))?),
    };
    if world.domains.contains_key(&name) {
        return Err(Refusal::unprocessable("Name already exists"));
    }
    world.domains.insert(name.clone(), Domain { name: name.clone(), records: BTreeMap::new() });
    for record in record::initial() {
        world.add_record(&name, record);
    }
    if let Some(address) = address {
        world.add_record(&name, Record::apex(address));
    }
    world.note(Made::Other(format!("domain:{name}")));
    Ok(Reply::created(json!({ "domain": { "name": name, "ttl": record::DEFAULT_TTL, "zone_file": null } })))
}

/// `DELETE /v2/domains/{domain_name}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let name = world.domain_at(call)?.name.clone();
    world.domains.remove(&name);
    Ok(Reply::nothing())
}

impl World {
    /// The domain that a path names.
    pub(super) fn domain_at(&self, call: &Call<'_>) -> Result<&Domain, Refusal> {
        self.domains.get(&call.part(0).to_lowercase()).ok_or_else(Refusal::not_found)
    }
}

fn is_domain(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let label = |text: &&str| {
        (1..=63).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    };
    labels.len() >= 2 && name.len() <= 253 && labels.iter().all(label)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::test_world::TestWorld;
    use super::*;

    #[test]
    fn a_zone_begins_with_soa_and_name_servers() {
        let mut test = TestWorld::new();
        let made = test.ok("POST /domains", json!({ "name": "Example.com", "ip_address": "192.0.2.7" }));
        assert_eq!(made["domain"], json!({ "name": "example.com", "ttl": 1800, "zone_file": null }));
        for (kind, count) in [("SOA", 1), ("NS", 3), ("A", 1), ("TXT", 0)] {
            assert_eq!(test.get(&format!("/domains/example.com/records?type={kind}"))["meta"]["total"], count, "{kind}");
        }
        assert!(test.get("/domains/example.com")["domain"]["zone_file"].as_str().unwrap().contains("@ 1800 IN A 192.0.2.7"));
        assert_eq!(test.world.summary()["records"], 1);
        test.ok("DELETE /domains/example.com", Value::Null);
        assert!(test.world.is_fresh());
    }

    #[test]
    fn names_are_checked_and_unique() {
        let mut test = TestWorld::new();
        test.ok("POST /domains", json!({ "name": "example.com" }));
        test.refused("POST /domains", json!({ "name": "example.com" }), 422, "already exists");
        for name in ["localhost", "a_b.com", "-a.com", "a..com"] {
            test.refused("POST /domains", json!({ "name": name }), 422, "not a valid domain");
        }
        test.refused("POST /domains", json!({ "name": "b.com", "ip_address": "x" }), 422, "IPv4");
        test.refused("GET /domains/b.com", Value::Null, 404, "could not be found");
    }
}
