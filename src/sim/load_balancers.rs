//! Load balancers: what they stand before, and the addresses that they have once they are active.
//!
//! Invariant: a plain family; only its behaviour is here. Droplets are named by number or by a tag, never by both.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::catalog::{self, Region};
use super::refusal::Refusal;
use super::scopes::Scopes;
use super::wire::Call;
use super::world::World;
use super::{ids, projects};

/// Refuses what is not there, and what does not go together.
pub(super) fn validate(world: &mut World, _: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    if !catalog::find_region(text("region")).is_some_and(|region| region.available) {
        return Err(Refusal::unprocessable("Region is not available."));
    }
    let rules = fields.get("forwarding_rules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if rules.is_empty() {
        return Err(Refusal::unprocessable("forwarding_rules can't be blank"));
    }
    let droplets = fields.get("droplet_ids").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if !droplets.is_empty() && !text("tag").is_empty() {
        return Err(Refusal::unprocessable("You can't specify both a tag and droplet ids."));
    }
    for id in droplets {
        let droplet = id.as_u64().and_then(|id| world.droplets.get(&id));
        if droplet.is_none_or(|droplet| droplet.region != text("region")) {
            return Err(Refusal::unprocessable(format!("Droplet {id} could not be found in the region.")));
        }
    }
    if !text("vpc_uuid").is_empty() && !world.vpcs.contains_key(text("vpc_uuid")) {
        return Err(Refusal::unprocessable("VPC could not be found."));
    }
    let known = |id: &str| world.plain.get("/v2/certificates").is_some_and(|all| all.contains_key(id));
    let named = rules.iter().chain(fields.get("domains").and_then(Value::as_array).into_iter().flatten());
    for id in named.filter_map(|of| of["certificate_id"].as_str()).filter(|id| !id.is_empty()) {
        if !known(id) {
            return Err(Refusal::unprocessable(format!("Certificate {id} could not be found.")));
        }
    }
    Ok(())
}

/// The defaults of a new load balancer, and its addresses.
pub(super) fn complete(world: &mut World, id: &str, fields: &mut Map<String, Value>) {
    let units = match fields.get("size").and_then(Value::as_str) {
        Some("lb-medium") => 3,
        Some("lb-large") => 6,
        _ => 1,
    };
    fields.entry("size_unit").or_insert_with(|| json!(units));
    let health = fields.entry("health_check").or_insert_with(|| json!({}));
    for (name, value) in [
        ("protocol", json!("http")),
        ("port", json!(80)),
        ("check_interval_seconds", json!(10)),
        ("response_timeout_seconds", json!(5)),
        ("unhealthy_threshold", json!(5)),
        ("healthy_threshold", json!(3)),
    ] {
        if health[name].is_null() {
            health[name] = value;
        }
    }
    if health["protocol"] != "tcp" && health["path"].is_null() {
        health["path"] = json!("/");
    }
    let sticky = fields.entry("sticky_sessions").or_insert_with(|| json!({}));
    if sticky["type"].is_null() {
        sticky["type"] = json!("none");
    }
    for name in ["allow", "deny"] {
        let firewall = fields.entry("firewall").or_insert_with(|| json!({}));
        if firewall[name].is_null() {
            firewall[name] = json!([]);
        }
    }
    let region = fields.get("region").and_then(Value::as_str).unwrap_or_default().to_owned();
    if fields.get("vpc_uuid").and_then(Value::as_str).unwrap_or_default().is_empty() {
        let own = world.vpcs.values().find(|vpc| vpc.initial && vpc.region == region).map(|vpc| vpc.id.clone());
        fields.insert("vpc_uuid".to_owned(), json!(own));
    }
    if fields.get("project_id").and_then(Value::as_str).unwrap_or_default().is_empty() {
        fields.insert("project_id".to_owned(), json!(projects::default_id(world)));
    }
    let number = ids::hash(world.seed, &["load balancer", id]);
    let last = |bits: u32| u8::try_from((number >> bits) & 0x7f).unwrap_or(1) + 1;
    // TEST-NET-1 is taken by examples; these lie in the range for benchmarks.
    fields.insert("ip".to_owned(), json!(Ipv4Addr::new(198, 19, last(0), last(8))));
    if fields.get("network_stack").is_some_and(|stack| stack == "DUALSTACK") {
        fields.insert("ipv6".to_owned(), json!(ids::public_v6(number >> 16)));
    }
}

/// Its region whole; its droplets as they are; its addresses once it is active.
pub(super) fn render(world: &World, _: &Scopes, fields: &mut Map<String, Value>) {
    let region = fields.get("region").and_then(Value::as_str).and_then(catalog::find_region).map(Region::show);
    fields.insert("region".to_owned(), json!(region));
    let tag = fields.get("tag").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let named = fields.get("droplet_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_before = |id: &u64, tags: &std::collections::BTreeSet<String>| {
        if tag.is_empty() { named.iter().any(|named| named.as_u64() == Some(*id)) } else { tags.contains(&tag) }
    };
    let droplets: Vec<u64> = world.droplets.iter().filter(|(id, droplet)| is_before(id, &droplet.tags)).map(|(id, _)| *id).collect();
    fields.insert("droplet_ids".to_owned(), json!(droplets));
    if fields.get("status").is_some_and(|status| status != "active") {
        fields.insert("ip".to_owned(), json!(""));
        fields.remove("ipv6");
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_world::TestWorld;
    use super::*;

    fn wanted(more: Value) -> Value {
        let rule = json!({ "entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80 });
        let mut body = json!({ "name": "lb", "region": "nyc3", "forwarding_rules": [rule] });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    #[test]
    fn it_becomes_active_and_has_an_address_then() {
        let mut test = TestWorld::slow(1);
        let made = test.ok("POST /load_balancers", wanted(json!({})))["load_balancer"].clone();
        assert_eq!((&made["status"], &made["ip"], &made["region"]["slug"]), (&json!("new"), &json!(""), &json!("nyc3")));
        let at = format!("/load_balancers/{}", made["id"].as_str().unwrap());
        test.get(&at);
        let seen = test.get(&at)["load_balancer"].clone();
        assert_eq!(seen["status"], "active");
        assert!(seen["ip"].as_str().unwrap().starts_with("198.19."), "{seen}");
        assert_eq!((&seen["size_unit"], &seen["health_check"]["path"]), (&json!(1), &json!("/")));
    }

    #[test]
    fn it_stands_before_droplets_that_are_there() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        test.refused("POST /load_balancers", wanted(json!({ "droplet_ids": [7] })), 422, "could not be found");
        test.refused("POST /load_balancers", wanted(json!({ "droplet_ids": [id], "tag": "web" })), 422, "both");
        test.refused("POST /load_balancers", wanted(json!({ "region": "ams1" })), 422, "Region");
        test.refused("POST /load_balancers", wanted(json!({ "forwarding_rules": [] })), 422, "blank");
        let made = test.ok("POST /load_balancers", wanted(json!({ "droplet_ids": [id] })))["load_balancer"].clone();
        assert_eq!(made["droplet_ids"], json!([id]));
        test.ok(&format!("DELETE /droplets/{id}"), Value::Null);
        let at = format!("/load_balancers/{}", made["id"].as_str().unwrap());
        let seen = test.get(&at)["load_balancer"].clone();
        assert_eq!(seen["droplet_ids"], json!([]));
        let changed = test.ok(&format!("PUT {at}"), wanted(json!({ "size_unit": 3 })));
        assert_eq!((&changed["load_balancer"]["size_unit"], &changed["load_balancer"]["ip"]), (&json!(3), &seen["ip"]));
    }
}
