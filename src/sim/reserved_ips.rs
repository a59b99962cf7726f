//! Reserved IPs, under both spellings.
//!
//! Invariant: an address belongs to a region and to at most one droplet, a droplet holds at most one; `locked` means that
//! something is being done to it.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::actions::{self, Begin};
use super::catalog::{self, Region};
use super::objects::action::{Action, Effect, Resource};
use super::objects::droplet::Power;
use super::objects::reserved_ip::ReservedIp;
use super::refusal::Refusal;
use super::scopes::Scopes;
use super::wire::{Call, Reply};
use super::world::{Made, World};
use super::{ids, projects};

impl World {
    /// A reserved IP as the API shows it to a token of these scopes.
    pub(super) fn show_reserved_ip(&self, ip: &ReservedIp, scopes: &Scopes) -> Value {
        let holder = ip.droplet.filter(|_| scopes.has("droplet:read")).and_then(|id| self.droplets.get(&id));
        let mut shown = json!({
            "ip": ip.ip, "region": catalog::find_region(&ip.region).map(Region::show),
            "droplet": holder.map(|droplet| self.show_droplet(droplet, scopes)), "locked": self.is_locked(ip.ip),
        });
        if let (true, Value::Object(fields)) = (scopes.has("project:read"), &mut shown) {
            fields.insert("project_id".to_owned(), json!(projects::of_address(self, ip.ip)));
        }
        shown
    }

    fn poll_reserved_ip(&mut self, ip: Ipv4Addr) {
        self.poll_actions_of_ip(ip);
    }
}

/// Whether the caller says `floating_ips`.
fn is_old(call: &Call<'_>) -> bool {
    call.asked.starts_with("/v2/floating_ips")
}

fn key(call: &Call<'_>) -> &'static str {
    if is_old(call) { "floating_ip" } else { "reserved_ip" }
}

fn resource(call: &Call<'_>, ip: Ipv4Addr) -> Resource {
    if is_old(call) { Resource::FloatingIp(ip) } else { Resource::ReservedIp(ip) }
}

/// `GET /v2/reserved_ips`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let all: Vec<Ipv4Addr> = world.reserved_ips.keys().copied().collect();
    let shown: Vec<Ipv4Addr> = all.into_iter().filter(|ip| world.listed(&format!("reserved_ip:{ip}"))).collect();
    let key = if is_old(call) { "floating_ips" } else { "reserved_ips" };
    call.page(key, &shown, |ip| {
        world.poll_reserved_ip(*ip);
        world.reserved_ips.get(ip).map(|ip| world.show_reserved_ip(ip, call.scopes)).unwrap_or_default()
    })
}

/// `GET /v2/reserved_ips/{reserved_ip}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let ip = find(world, call)?;
    world.poll_reserved_ip(ip);
    Ok(Reply::ok(json!({ key(call): world.reserved_ips.get(&ip).map(|ip| world.show_reserved_ip(ip, call.scopes)) })))
}

/// `POST /v2/reserved_ips`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (region, droplet) = match (call.body.text("region")?, call.body.number("droplet_id")?) {
        (Some(_), Some(_)) => return Err(Refusal::unprocessable("You can't specify both a region and a droplet.")),
        (None, None) => return Err(Refusal::unprocessable("You must specify either a region or a droplet.")),
        (Some(slug), None) => {
            let region = catalog::find_region(&slug).filter(|region| region.available);
            (region.ok_or_else(|| Refusal::unprocessable("Region is not available."))?.slug.to_owned(), None)
        }
        (None, Some(id)) => {
            assignable(world, id)?;
            (world.droplets.get(&id).map(|droplet| droplet.region.clone()).unwrap_or_default(), Some(id))
        }
    };
    let project = match call.body.text("project_id")? {
        Some(_) if droplet.is_some() => return Err(Refusal::unprocessable("You can't specify both a droplet and a project.")),
        Some(id) => projects::must_be(world, &id)?,
        None => None,
    };
    if world.reserved_ips.len() >= world.settings.limits.reserved_ips {
        return Err(Refusal::unprocessable("You have reached the limit of reserved IPs for your account."));
    }
    let nth = world.nth("reserved_ip", &region);
    let ip = ids::reserved(world.seed, &region, nth);
    world.reserved_ips.insert(ip, ReservedIp { ip, region: region.clone(), droplet: None, pair: None, project });
    world.note(Made::Other(format!("reserved_ip:{ip}")));
    let mut links = json!({});
    if let Some(id) = droplet {
        let (on, effect) = (resource(call, ip), Effect::Assign(id));
        let action = world.begin(Begin { kind: "assign_ip", on, droplet, region, effect });
        let href = format!("{}/v2/droplets/{id}", call.base);
        links =
            json!({ "droplets": [{ "id": id, "rel": "droplet", "href": href }], "actions": [actions::link(call, "assign_ip", action)] });
    }
    let shown = world.reserved_ips.get(&ip).map(|ip| world.show_reserved_ip(ip, call.scopes));
    Ok(Reply::accepted(json!({ key(call): shown, "links": links })))
}

/// `DELETE /v2/reserved_ips/{reserved_ip}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let ip = call.address(0)?;
    if !world.reserved_ips.contains_key(&ip) {
        return Err(Refusal::not_found());
    }
    unlocked(world, ip)?;
    world.reserved_ips.remove(&ip);
    Ok(Reply::nothing())
}

/// `GET /v2/reserved_ips/{reserved_ip}/actions`
pub(super) fn list_actions(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let ip = find(world, call)?;
    world.list_actions(call, |action| action.on.ip() == Some(ip))
}

/// `GET /v2/reserved_ips/{reserved_ip}/actions/{action_id}`
pub(super) fn read_action(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (ip, action) = (find(world, call)?, call.number(1)?);
    if world.actions.get(&action).is_none_or(|action| action.on.ip() != Some(ip)) {
        return Err(Refusal::not_found());
    }
    Ok(Reply::ok(json!({ "action": world.read_action(action)?.show() })))
}

/// `POST /v2/reserved_ips/{reserved_ip}/actions`
pub(super) fn act(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let ip = find(world, call)?;
    let holder = world.reserved_ips.get(&ip).and_then(|ip| ip.droplet);
    let region = world.reserved_ips.get(&ip).map(|ip| ip.region.clone()).unwrap_or_default();
    let (kind, droplet, effect) = match call.body.required("type")?.as_str() {
        "assign" => {
            let id = call.body.number("droplet_id")?.ok_or_else(|| Refusal::unprocessable("droplet_id can't be blank"))?;
            unlocked(world, ip)?;
            if world.droplets.get(&id).is_some_and(|droplet| droplet.region != region) {
                return Err(Refusal::unprocessable("The Droplet is in another region than the reserved IP."));
            }
            assignable_for(world, id, Some(ip))?;
            ("assign_ip", id, Effect::Assign(id))
        }
        "unassign" => {
            unlocked(world, ip)?;
            let id = holder.ok_or_else(|| Refusal::unprocessable("The reserved IP is not assigned to a Droplet."))?;
            world.idle(id)?;
            ("unassign_ip", id, Effect::Unassign)
        }
        other => return Err(Refusal::unprocessable(format!("{other} is not a valid action type"))),
    };
    let action = world.begin(Begin { kind, on: resource(call, ip), droplet: Some(droplet), region, effect });
    let mut shown = world.actions.get(&action).map(Action::show).unwrap_or_default();
    if let (true, Value::Object(fields)) = (call.scopes.has("project:read"), &mut shown) {
        fields.insert("project_id".to_owned(), json!(projects::of_address(world, ip)));
    }
    Ok(Reply::created(json!({ "action": shown })))
}

fn find(world: &mut World, call: &Call<'_>) -> Result<Ipv4Addr, Refusal> {
    let ip = call.address(0)?;
    world.found(&format!("reserved_ip:{ip}"))?;
    if world.reserved_ips.contains_key(&ip) { Ok(ip) } else { Err(Refusal::not_found()) }
}

/// Refuses a change of an address to which something is being done. The refusal counts as a poll.
fn unlocked(world: &mut World, ip: Ipv4Addr) -> Result<(), Refusal> {
    if world.is_locked(ip) {
        world.poll_reserved_ip(ip);
        return Err(Refusal::unprocessable("The reserved IP has a pending event."));
    }
    Ok(())
}

fn assignable(world: &mut World, id: u64) -> Result<(), Refusal> {
    assignable_for(world, id, None)
}

fn assignable_for(world: &mut World, id: u64, ip: Option<Ipv4Addr>) -> Result<(), Refusal> {
    let droplet = world.droplets.get(&id).ok_or_else(|| Refusal::unprocessable("Droplet could not be found."))?;
    if droplet.public.is_none() {
        return Err(Refusal::unprocessable("The Droplet has no public networking."));
    }
    let stuck = droplet.power == Power::New;
    world.idle(id)?;
    if stuck {
        return Err(Refusal::pending_event());
    }
    if world.reserved_ips.values().any(|other| other.droplet == Some(id) && Some(other.ip) != ip) {
        return Err(Refusal::unprocessable("The Droplet already has a reserved IP."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::test_world::{TestWorld, wanted};
    use super::*;

    #[track_caller]
    fn assign(test: &mut TestWorld, ip: &str, droplet: u64) -> Value {
        let action = test.ok(&format!("POST /reserved_ips/{ip}/actions"), json!({ "type": "assign", "droplet_id": droplet }));
        action["action"].clone()
    }

    fn reserve(test: &mut TestWorld) -> String {
        test.ok("POST /reserved_ips", json!({ "region": "nyc3" }))["reserved_ip"]["ip"].as_str().unwrap().to_owned()
    }

    #[test]
    fn an_address_is_reserved_assigned_moved_and_released() {
        let mut test = TestWorld::new();
        let (a, b) = (test.droplet("a"), test.droplet("b"));
        let ip = reserve(&mut test);
        let action = assign(&mut test, &ip, a);
        assert_eq!((&action["type"], &action["resource_type"]), (&json!("assign_ip"), &json!("reserved_ip")));
        assert_eq!(test.get(&format!("/reserved_ips/{ip}"))["reserved_ip"]["droplet"]["id"], a);
        assign(&mut test, &ip, b);
        assert_eq!(test.get(&format!("/floating_ips/{ip}"))["floating_ip"]["droplet"]["id"], b);
        let types: Vec<Value> =
            test.get(&format!("/reserved_ips/{ip}/actions"))["actions"].as_array().unwrap().iter().map(|a| a["type"].clone()).collect();
        assert_eq!(types, ["assign_ip", "assign_ip"]);
        test.ok(&format!("POST /reserved_ips/{ip}/actions"), json!({ "type": "unassign" }));
        assert_eq!(test.get(&format!("/reserved_ips/{ip}"))["reserved_ip"]["droplet"], Value::Null);
        test.refused(&format!("POST /reserved_ips/{ip}/actions"), json!({ "type": "unassign" }), 422, "not assigned");
        test.ok(&format!("DELETE /reserved_ips/{ip}"), Value::Null);
        test.refused(&format!("GET /reserved_ips/{ip}"), Value::Null, 404, "could not be found");
    }

    #[test]
    fn either_region_or_droplet() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        test.refused("POST /reserved_ips", json!({ "region": "nyc3", "droplet_id": id }), 422, "both");
        test.refused("POST /reserved_ips", json!({}), 422, "either");
        test.refused("POST /reserved_ips", json!({ "region": "mars1" }), 422, "Region");
        let made = test.ok("POST /floating_ips", json!({ "droplet_id": id }));
        assert_eq!((&made["floating_ip"]["locked"], &made["floating_ip"]["droplet"]), (&json!(true), &Value::Null));
        assert_eq!(made["links"]["actions"][0]["rel"], "assign_ip");
        let action = test.get(&format!("/actions/{}", made["links"]["actions"][0]["id"]));
        assert_eq!(action["action"]["resource_type"], "floating_ip");
        let read = test.get(&format!("/floating_ips/{}", made["floating_ip"]["ip"].as_str().unwrap()));
        assert_eq!((&read["floating_ip"]["locked"], &read["floating_ip"]["droplet"]["id"]), (&json!(false), &json!(id)));
    }

    #[test]
    fn limits_and_places_are_kept() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let away = test.ok("POST /reserved_ips", json!({ "region": "fra1" }))["reserved_ip"]["ip"].as_str().unwrap().to_owned();
        let (first, second) = (reserve(&mut test), reserve(&mut test));
        test.refused("POST /reserved_ips", json!({ "region": "nyc3" }), 422, "limit");
        let assign_to = json!({ "type": "assign", "droplet_id": id });
        test.refused(&format!("POST /reserved_ips/{away}/actions"), assign_to.clone(), 422, "another region");
        test.refused(&format!("POST /reserved_ips/{first}/actions"), json!({ "type": "assign" }), 422, "droplet_id");
        test.refused(
            &format!("POST /reserved_ips/{first}/actions"),
            json!({ "type": "assign", "droplet_id": 7 }),
            422,
            "could not be found",
        );
        assign(&mut test, &first, id);
        test.world.finish_all();
        test.refused(&format!("POST /reserved_ips/{second}/actions"), assign_to, 422, "already has");
    }

    #[test]
    fn a_new_droplet_takes_no_address_and_a_deleted_one_leaves_it() {
        let mut test = TestWorld::new();
        let ip = reserve(&mut test);
        let id = test.ok("POST /droplets", wanted("a", json!({})))["droplet"]["id"].as_u64().unwrap();
        let body = json!({ "type": "assign", "droplet_id": id });
        test.refused(&format!("POST /reserved_ips/{ip}/actions"), body, 422, "pending event");
        assign(&mut test, &ip, id);
        test.world.finish_all();
        test.ok(&format!("DELETE /droplets/{id}"), Value::Null);
        assert_eq!(test.get(&format!("/reserved_ips/{ip}"))["reserved_ip"]["droplet"], Value::Null);
    }

    #[test]
    fn a_locked_address_takes_no_other_order() {
        let mut test = TestWorld::slow(1);
        let id = test.droplet("a");
        let ip = reserve(&mut test);
        assign(&mut test, &ip, id);
        test.refused(&format!("POST /reserved_ips/{ip}/actions"), json!({ "type": "unassign" }), 422, "pending event");
        assert_eq!(test.get(&format!("/reserved_ips/{ip}"))["reserved_ip"]["locked"], false);
    }

    #[test]
    fn without_droplet_read_the_holder_is_not_seen() {
        let mut test = TestWorld::scoped("reserved_ip:read,reserved_ip:create,reserved_ip:update");
        let (_, made) = test.world.outside("POST", "/v2/droplets", Some(&wanted("a", json!({}))));
        let ip = reserve(&mut test);
        assign(&mut test, &ip, made["droplet"]["id"].as_u64().unwrap());
        let read = test.get(&format!("/reserved_ips/{ip}"));
        assert_eq!((&read["reserved_ip"]["droplet"], read["reserved_ip"].get("project_id")), (&Value::Null, None));
    }
}
