//! VPCs.
//!
//! Invariant: names are unique, ranges are private and do not overlap, each region has one default, and a VPC that has
//! members cannot be deleted.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use ipnet::Ipv4Net;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::objects::droplet::Droplet;
use super::objects::vpc::{Linger, Vpc};
use super::plain::networks;
use super::refusal::Refusal;
use super::time::timestamp;
use super::wire::{Call, Reply};
use super::world::{Made, World};
use super::{catalog, ids};

const PEERINGS: &str = "/v2/vpc_peerings";

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-zA-Z0-9\-\.]+$").ok());

/// The region's default VPC.
pub(super) fn default_of(world: &World, region: &str) -> Option<String> {
    world.vpcs.values().find(|vpc| vpc.default && vpc.region == region).map(|vpc| vpc.id.clone())
}

impl World {
    /// A droplet is gone: unless a fault keeps it, it is no member any more.
    pub(super) fn leave_vpc(&mut self, droplet: &Droplet) {
        let (vpc, name) = (droplet.vpc.clone(), droplet.name.clone());
        self.lingering.push(Linger { vpc, droplet: droplet.id, name, looks: 0 });
    }

    fn poll_members(&mut self, vpc: &str) {
        for linger in self.lingering.iter_mut().filter(|linger| linger.vpc == vpc) {
            linger.looks = linger.looks.saturating_sub(1);
        }
        self.lingering.retain(|linger| linger.looks > 0);
        let here: Vec<u64> = self.droplets.values().filter(|droplet| droplet.vpc == vpc).map(|droplet| droplet.id).collect();
        for id in here {
            self.poll_droplet(id);
        }
        self.touch();
    }
}

/// Refuses a peering of what are not two VPCs, or are peers already.
pub(super) fn validate_peering(world: &mut World, call: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    if !call.path.is_empty() {
        return Ok(());
    }
    let of = |fields: &Map<String, Value>| -> BTreeSet<String> {
        let all = fields.get("vpc_ids").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|id| id.as_str().map(str::to_owned)).collect()
    };
    let peers = of(fields);
    if peers.len() != 2 || !peers.iter().all(|id| world.vpcs.contains_key(id)) {
        return Err(Refusal::unprocessable("vpc_ids must be two VPCs that are there"));
    }
    let mut all = world.plain.get(PEERINGS).into_iter().flat_map(|all| all.values());
    if all.any(|other| of(&other.fields) == peers) { Err(Refusal::conflict("these VPCs are peers already")) } else { Ok(()) }
}

/// `GET /v2/vpcs`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let all: Vec<Vpc> = world.vpcs.values().cloned().collect();
    let shown: Vec<Vpc> = all.into_iter().filter(|vpc| world.listed(&format!("vpc:{}", vpc.id))).collect();
    call.page("vpcs", &shown, Vpc::show)
}

/// `GET /v2/vpcs/{vpc_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    world.found(&format!("vpc:{}", call.part(0)))?;
    let vpc = world.vpcs.get(call.part(0)).ok_or_else(Refusal::not_found)?;
    Ok(Reply::ok(json!({ "vpc": vpc.show() })))
}

/// `POST /v2/vpcs`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let name = call.body.required("name")?;
    check_name(world, &name, None)?;
    let region = call.body.required("region")?;
    if catalog::find_region(&region).is_none_or(|region| !region.available) {
        return Err(Refusal::unprocessable("Region is not available."));
    }
    let description = description(call)?.unwrap_or_default();
    let range = match call.body.text("ip_range")? {
        Some(text) => wanted_range(world, &text)?,
        None => free_range(world, &name).ok_or_else(|| Refusal::unprocessable("There is no free IP range left."))?,
    };
    let nth = world.nth("vpc", &name);
    let id = ids::uuid(world.seed, &["vpc", &name, &nth.to_string()]);
    let id = world.id_or(id);
    let default = default_of(world, &region).is_none();
    let vpc = Vpc { id: id.clone(), name, description, region, range, default, created: world.now.0, initial: false };
    let shown = vpc.show();
    world.note(Made::Other(format!("vpc:{id}")));
    world.vpcs.insert(id, vpc);
    Ok(Reply::created(json!({ "vpc": shown })))
}

/// `PUT` and `PATCH /v2/vpcs/{vpc_id}`
pub(super) fn update(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.part(0).to_owned();
    let old = world.vpcs.get(&id).cloned().ok_or_else(Refusal::not_found)?;
    let name = call.body.text("name")?;
    if let Some(name) = &name {
        check_name(world, name, Some(&id))?;
    }
    let description = description(call)?;
    let default = call.body.flag("default")?;
    if default == Some(false) && old.default {
        return Err(Refusal::unprocessable("A default VPC can't be unset; make another one the default."));
    }
    if default == Some(true) {
        for vpc in world.vpcs.values_mut().filter(|vpc| vpc.region == old.region) {
            vpc.default = vpc.id == id;
        }
    }
    let vpc = world.vpcs.get_mut(&id).ok_or_else(Refusal::not_found)?;
    vpc.name = name.unwrap_or(old.name);
    vpc.description = description.unwrap_or(old.description);
    Ok(Reply::ok(json!({ "vpc": vpc.show() })))
}

/// `PUT /v2/vpcs/{vpc_id}`: the name is required.
pub(super) fn replace(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    call.body.required("name")?;
    update(world, call)
}

/// `DELETE /v2/vpcs/{vpc_id}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.part(0);
    let vpc = world.vpcs.get(id).ok_or_else(Refusal::not_found)?;
    if vpc.default {
        return Err(Refusal::new(403, "forbidden", "Can not delete default VPCs"));
    }
    let lingers = world.lingering.iter().any(|linger| linger.vpc == id);
    let full = world.droplets.values().any(|droplet| droplet.vpc == id);
    if lingers || full {
        world.poll_members(id);
        // The specification says 403 and the live API has answered 409: a client must take both, so the simulator gives
        // the one for those that linger and the other for those that are there.
        return Err(if full {
            Refusal::new(403, "forbidden", "Can not delete VPC with members")
        } else {
            Refusal::conflict("Can not delete VPC with members")
        });
    }
    if let Some(what) = networks::hanging_on(world, id) {
        return Err(Refusal::new(403, "forbidden", format!("Can not delete VPC with {what}")));
    }
    world.vpcs.remove(id);
    Ok(Reply::nothing())
}

/// `GET /v2/vpcs/{vpc_id}/members`
pub(super) fn members(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.part(0);
    if !world.vpcs.contains_key(id) {
        return Err(Refusal::not_found());
    }
    let wanted = call.asked_for("resource_type").is_none_or(|kind| kind == "droplet");
    let here = world.droplets.values().filter(|droplet| wanted && droplet.vpc == id).map(|droplet| (droplet.id, droplet.name.clone()));
    let gone = world.lingering.iter().filter(|linger| wanted && linger.vpc == id).map(|linger| (linger.droplet, linger.name.clone()));
    let members: Vec<(u64, String)> = here.chain(gone).collect();
    let created = timestamp(world.now.0);
    let reply = call.page(
        "members",
        &members,
        |(droplet, name)| json!({ "urn": format!("do:droplet:{droplet}"), "name": name, "created_at": created }),
    );
    world.poll_members(id);
    reply
}

fn check_name(world: &World, name: &str, own: Option<&str>) -> Result<(), Refusal> {
    if !NAME.as_ref().is_some_and(|pattern| pattern.is_match(name)) || name.len() > 255 {
        return Err(Refusal::unprocessable("name may only contain alphanumeric characters, dashes, and periods"));
    }
    if world.vpcs.values().any(|vpc| vpc.name == name && Some(vpc.id.as_str()) != own) {
        return Err(Refusal::conflict("a VPC with this name already exists"));
    }
    Ok(())
}

fn description(call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let text = call.body.text("description")?;
    if text.as_ref().is_some_and(|text| text.chars().count() > 255) {
        return Err(Refusal::unprocessable("description is too long (maximum is 255 characters)"));
    }
    Ok(text)
}

fn wanted_range(world: &World, text: &str) -> Result<Ipv4Net, Refusal> {
    let range: Ipv4Net = text.parse().map_err(|_| Refusal::unprocessable("ip_range must be a CIDR block"))?;
    if range != range.trunc() {
        return Err(Refusal::unprocessable("ip_range must start at the first address of its network"));
    }
    if !(16..=28).contains(&range.prefix_len()) {
        return Err(Refusal::unprocessable("ip_range size must be between /16 and /28"));
    }
    if !range.network().is_private() || !range.broadcast().is_private() {
        return Err(Refusal::unprocessable("ip_range must be in a private (RFC 1918) range"));
    }
    if world.vpcs.values().any(|vpc| overlap(vpc.range, range)) {
        return Err(Refusal::unprocessable("This range/size overlaps with another VPC network in your account"));
    }
    Ok(range)
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// A /20 that nobody uses, by the name.
fn free_range(world: &World, name: &str) -> Option<Ipv4Net> {
    let start = ids::hash(world.seed, &["range", name]) % 1024;
    (0..1024_u64).find_map(|step| {
        let number = u32::try_from((start + step) % 1024).ok()?;
        let range = Ipv4Net::new(Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 120, 0, 0)) + number * 4096), 20).ok()?;
        (!world.vpcs.values().any(|vpc| overlap(vpc.range, range))).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::test_world::{TestWorld, wanted};
    use super::*;

    fn vpc(test: &mut TestWorld, name: &str, range: &str) -> String {
        let made = test.ok("POST /vpcs", json!({ "name": name, "region": "nyc3", "ip_range": range }));
        made["vpc"]["id"].as_str().unwrap().to_owned()
    }

    #[test]
    fn ranges_and_names_have_rules() {
        let mut test = TestWorld::new();
        vpc(&mut test, "net", "10.10.0.0/20");
        let cases = [
            (json!({ "ip_range": "10.10.0.0/15" }), 422, "between /16 and /28"),
            (json!({ "ip_range": "10.20.0.0/29" }), 422, "between /16 and /28"),
            (json!({ "ip_range": "10.20.0.1/24" }), 422, "first address"),
            (json!({ "ip_range": "11.0.0.0/24" }), 422, "RFC 1918"),
            (json!({ "ip_range": "10.10.15.0/24" }), 422, "overlaps"),
            (json!({ "ip_range": "net" }), 422, "CIDR"),
            (json!({ "name": "a_b" }), 422, "alphanumeric"),
            (json!({ "name": "net" }), 409, "already exists"),
            (json!({ "region": "mars1" }), 422, "Region"),
            (json!({ "description": "x".repeat(256) }), 422, "too long"),
        ];
        for (fields, status, words) in cases {
            let mut body = json!({ "name": "other", "region": "nyc3" });
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            test.refused("POST /vpcs", body, status, words);
        }
    }

    #[test]
    fn without_a_range_a_free_one_is_given() {
        let mut test = TestWorld::new();
        let made = test.ok("POST /vpcs", json!({ "name": "net", "region": "nyc3" }));
        let range: Ipv4Net = made["vpc"]["ip_range"].as_str().unwrap().parse().unwrap();
        assert_eq!((range.prefix_len(), made["vpc"]["default"].clone()), (20, json!(false)));
    }

    #[test]
    fn members_hold_it_back_and_may_linger() {
        let mut test = TestWorld::faulty(&["DELETE /v2/droplets/* lingering-members=2"]);
        let id = vpc(&mut test, "net", "10.10.0.0/24");
        let made = test.ok("POST /droplets", wanted("a", json!({ "vpc_uuid": id })));
        test.refused(&format!("DELETE /vpcs/{id}"), Value::Null, 403, "members");
        assert_eq!(test.get(&format!("/vpcs/{id}/members"))["members"][0]["name"], "a");
        test.ok(&format!("DELETE /droplets/{}", made["droplet"]["id"]), Value::Null);
        test.refused(&format!("DELETE /vpcs/{id}"), Value::Null, 409, "members");
        test.refused(&format!("DELETE /vpcs/{id}"), Value::Null, 409, "members");
        test.ok(&format!("DELETE /vpcs/{id}"), Value::Null);
        assert!(test.world.is_fresh());
    }

    #[test]
    fn without_a_fault_nobody_lingers() {
        let mut test = TestWorld::new();
        let id = vpc(&mut test, "net", "10.10.0.0/24");
        let made = test.ok("POST /droplets", wanted("a", json!({ "vpc_uuid": id })));
        test.ok(&format!("DELETE /droplets/{}", made["droplet"]["id"]), Value::Null);
        test.ok(&format!("DELETE /vpcs/{id}"), Value::Null);
    }

    #[test]
    fn a_default_stays() {
        let mut test = TestWorld::new();
        let default = default_of(&test.world, "nyc3").unwrap();
        test.refused(&format!("DELETE /vpcs/{default}"), Value::Null, 403, "default");
        test.refused(&format!("PATCH /vpcs/{default}"), json!({ "default": false }), 422, "default");
        let id = vpc(&mut test, "net", "10.10.0.0/24");
        test.ok(&format!("PATCH /vpcs/{id}"), json!({ "default": true }));
        assert_eq!(test.get(&format!("/vpcs/{default}"))["vpc"]["default"], false);
        test.refused(&format!("PUT /vpcs/{id}"), json!({ "description": "x" }), 422, "name");
        let renamed = test.ok(&format!("PUT /vpcs/{id}"), json!({ "name": "new", "description": "x" }));
        assert_eq!((&renamed["vpc"]["name"], &renamed["vpc"]["ip_range"]), (&json!("new"), &json!("10.10.0.0/24")));
    }

    #[test]
    fn a_droplet_belongs_where_its_region_is() {
        let mut test = TestWorld::new();
        let id = vpc(&mut test, "net", "10.10.0.0/24");
        test.refused("POST /droplets", wanted("a", json!({ "region": "fra1", "vpc_uuid": id })), 422, "another region");
    }
}
