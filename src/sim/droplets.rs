//! Droplets: create, read, list, delete.
//!
//! Invariant: what can only be given at creation (user data, keys) never stands in an answer; a droplet shows addresses
//! once it has booted, not before.

pub(super) mod create;

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::actions::Begin;
use super::catalog::{self, Image, Region, Size};
use super::objects::action::{Effect, Resource};
use super::objects::droplet::{Backups, Droplet, Power, window};
use super::placeholders::show_snapshot;
use super::refusal::Refusal;
use super::scopes::Scopes;
use super::time::timestamp;
use super::time::{Due, Wait};
use super::wire::{Call, Reply};
use super::world::World;

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]$").ok());

impl Droplet {
    /// Lets an action's effect take place.
    pub(super) fn change(&mut self, effect: Effect) {
        match effect {
            Effect::Power(power) => self.power = power,
            Effect::Rename(name) => self.name = name,
            Effect::Resize { size, disk } => {
                if let Some(found) = catalog::find_size(&size) {
                    if disk {
                        self.disk = self.disk.max(found.disk);
                    }
                    self.size = size;
                }
            }
            Effect::Ipv6 => self.ipv6 = true,
            Effect::Backups(backups) => self.backups = backups,
            Effect::Nothing
            | Effect::Boot
            | Effect::Assign(_)
            | Effect::Unassign
            | Effect::Give { .. }
            | Effect::Hang { .. }
            | Effect::Enlarge { .. }
            | Effect::Transfer { .. }
            | Effect::Snapshot(_) => {}
        }
    }
}

impl World {
    /// A droplet as the API shows it to a token of these scopes.
    pub(super) fn show_droplet(&self, droplet: &Droplet, scopes: &Scopes) -> Value {
        let size = catalog::find_size(&droplet.size);
        let range = self.vpcs.get(&droplet.vpc).map(|vpc| vpc.range);
        let status = match droplet.power {
            Power::New => "new",
            Power::Active => "active",
            Power::Off => "off",
        };
        let tags: Vec<String> = if droplet.tags_hidden > 0 || !scopes.has("tag:read") {
            Vec::new()
        } else {
            droplet.tags.iter().map(|tag| self.tags.get(tag).unwrap_or(tag).clone()).collect()
        };
        let mut shown = json!({
            "id": droplet.id, "name": droplet.name, "memory": size.map(|size| size.memory), "vcpus": size.map(|size| size.vcpus),
            "disk": droplet.disk, "disk_info": [{ "type": "local", "size": { "amount": droplet.disk, "unit": "gib" } }],
            "locked": false, "status": status, "kernel": null, "created_at": timestamp(droplet.created),
            "features": droplet.features(), "backup_ids": [], "next_backup_window": window(droplet.backups.as_ref()),
            "snapshot_ids": self.snapshots_of(droplet.id), "image": catalog::find_image(&droplet.image.to_string()).map(Image::show), "volume_ids": self.volumes_of(droplet.id),
            "size": size.map(Size::show), "size_slug": droplet.size, "networks": droplet.networks(range),
            "region": catalog::find_region(&droplet.region).map(Region::show), "tags": tags,
        });
        if let (true, Value::Object(fields)) = (scopes.has("vpc:read"), &mut shown) {
            fields.insert("vpc_uuid".to_owned(), json!(droplet.vpc));
        }
        shown
    }

    /// Looks at a droplet: completes what it is busy with if that is due, and lets what is late arrive.
    pub(super) fn poll_droplet(&mut self, id: u64) {
        let now = self.now;
        let was_active = self.droplets.get(&id).is_some_and(|droplet| droplet.power != Power::New);
        self.poll_actions_of(id);
        let Some(droplet) = self.droplets.get_mut(&id) else { return };
        let late = droplet.address_hidden + droplet.tags_hidden;
        if was_active {
            droplet.address_hidden = droplet.address_hidden.saturating_sub(1);
        }
        droplet.tags_hidden = droplet.tags_hidden.saturating_sub(1);
        let gone = droplet.deleting.as_mut().is_some_and(|due| due.poll(now));
        if late > 0 || droplet.deleting.is_some() {
            self.touch();
        }
        if gone {
            self.remove_droplet(id);
        }
    }

    /// A droplet boots; none if it is gone, or goes now.
    pub(super) fn boot(&mut self, id: u64) -> Option<()> {
        let droplet = self.droplets.get_mut(&id)?;
        if droplet.vanishes {
            self.remove_droplet(id);
            return None;
        }
        droplet.power = Power::Active;
        let (looks, region) = (std::mem::take(&mut droplet.then_busy), droplet.region.clone());
        if looks > 0 {
            let on = Resource::Droplet(id);
            self.begin_due(Begin { kind: "install_agent", on, droplet: Some(id), region, effect: Effect::Nothing }, Due::Looks(looks));
        }
        Some(())
    }

    /// Removes the droplets whose time has come.
    pub(super) fn finish_due_droplets(&mut self) {
        let now = self.now;
        let gone = |droplet: &&Droplet| droplet.deleting.is_some_and(|due| due.passed(now));
        let gone: Vec<u64> = self.droplets.values().filter(gone).map(|droplet| droplet.id).collect();
        for id in gone {
            self.remove_droplet(id);
        }
    }

    /// Lets everything late arrive.
    pub(super) fn finish_waiting(&mut self) {
        let gone: Vec<u64> = self.droplets.values().filter(|droplet| droplet.deleting.is_some()).map(|droplet| droplet.id).collect();
        for id in gone {
            self.remove_droplet(id);
        }
        for droplet in self.droplets.values_mut() {
            (droplet.address_hidden, droplet.tags_hidden) = (0, 0);
        }
        self.finish_firewalls();
    }

    fn remove_droplet(&mut self, id: u64) {
        self.abandon(id);
        let Some(droplet) = self.droplets.remove(&id) else { return };
        for ip in self.reserved_ips.values_mut().filter(|ip| ip.droplet == Some(id)) {
            ip.droplet = None;
        }
        for volume in self.volumes_of(id) {
            self.hang(&volume, None);
        }
        self.leave_firewalls(id);
        self.leave_vpc(&droplet);
        self.touch();
    }

    /// Deletes a droplet: it goes at once, or later if the clock says so.
    fn delete_droplet(&mut self, id: u64) {
        let due = self.settings.clock.due(Wait::Action, self.now, &format!("droplet {id} delete"));
        for ip in self.reserved_ips.values_mut().filter(|ip| ip.droplet == Some(id)) {
            ip.droplet = None;
        }
        if due.at_once() {
            self.remove_droplet(id);
        } else if let Some(droplet) = self.droplets.get_mut(&id) {
            droplet.deleting.get_or_insert(due);
        }
    }

    /// The droplet that a path names, if it can be seen.
    pub(super) fn droplet_at(&mut self, id: u64) -> Result<&Droplet, Refusal> {
        self.found(&format!("droplet:{id}"))?;
        self.droplets.get(&id).ok_or_else(Refusal::not_found)
    }

    /// Refuses a change of a droplet that is busy or on its way out. The refusal counts as a poll.
    pub(super) fn idle(&mut self, id: u64) -> Result<(), Refusal> {
        let leaving = self.droplets.get(&id).ok_or_else(Refusal::not_found)?.deleting.is_some();
        if leaving || self.is_busy(id) {
            self.poll_droplet(id);
            return Err(Refusal::pending_event());
        }
        Ok(())
    }
}

/// `GET /v2/droplets`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (tag, name) = (call.asked_for("tag_name"), call.asked_for("name"));
    if tag.is_some() {
        call.scopes.need("tag:read")?;
        if name.is_some() {
            return Err(Refusal::unprocessable("name and tag_name can't be used together"));
        }
    }
    if call.asked_for("type") == Some("gpus") {
        return call.page("droplets", &[] as &[u64], |_| Value::Null);
    }
    let fits = |droplet: &Droplet| match (tag, name) {
        (Some(tag), _) => droplet.tags.contains(&tag.to_lowercase()),
        (None, Some(name)) => droplet.name.eq_ignore_ascii_case(name),
        (None, None) => true,
    };
    let candidates: Vec<u64> = world.droplets.values().filter(|droplet| fits(droplet)).map(|droplet| droplet.id).collect();
    let mut shown = Vec::new();
    for id in candidates {
        if !world.listed(&format!("droplet:{id}")) {
            continue;
        }
        let late = world.droplets.get(&id).is_some_and(|droplet| tag.is_some() && droplet.tags_hidden > 0);
        world.poll_droplet(id);
        if !late && world.droplets.contains_key(&id) {
            shown.push(id);
        }
    }
    call.page("droplets", &shown, |id| world.droplets.get(id).map(|droplet| world.show_droplet(droplet, call.scopes)).unwrap_or_default())
}

/// `GET /v2/droplets/{droplet_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(0)?;
    world.droplet_at(id)?;
    world.poll_droplet(id);
    let droplet = world.droplets.get(&id).ok_or_else(Refusal::not_found)?;
    Ok(Reply::ok(json!({ "droplet": world.show_droplet(droplet, call.scopes) })))
}

/// `GET /v2/droplets/{droplet_id}/backups/policy`
pub(super) fn backup_policy(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let droplet = world.droplet_at(call.number(0)?)?;
    let mut policy = json!({ "droplet_id": droplet.id, "backup_enabled": droplet.backups.is_some() });
    if let (Some(backups), Value::Object(fields)) = (&droplet.backups, &mut policy) {
        fields.insert("backup_policy".to_owned(), backups.show());
        fields.insert("next_backup_window".to_owned(), window(Some(backups)));
    }
    Ok(Reply::ok(json!({ "policy": policy })))
}

/// `GET /v2/droplets/{droplet_id}/snapshots` and `…/backups`, of which there are none
pub(super) fn images(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(0)?;
    world.droplet_at(id)?;
    if call.asked.ends_with("/backups") {
        return call.page("backups", &[] as &[u64], |_| Value::Null);
    }
    let id = id.to_string();
    let own: Vec<_> = world.own_images().filter(|fields| fields["resource_id"] == id).collect();
    call.page("snapshots", &own, |snapshot| show_snapshot(snapshot))
}

/// `DELETE /v2/droplets/{droplet_id}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(0)?;
    if !world.droplets.contains_key(&id) {
        return Err(Refusal::not_found());
    }
    world.delete_droplet(id);
    Ok(Reply::nothing())
}

/// `DELETE /v2/droplets?tag_name=`
pub(super) fn delete_by_tag(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    call.scopes.need("tag:read")?;
    let tag = call.asked_for("tag_name").ok_or_else(|| Refusal::unprocessable("tag_name can't be blank"))?.to_lowercase();
    let ids: Vec<u64> = world.droplets.values().filter(|droplet| droplet.tags.contains(&tag)).map(|droplet| droplet.id).collect();
    for id in ids {
        world.delete_droplet(id);
    }
    Ok(Reply::nothing())
}

/// Checks a droplet's name.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    if name.len() > 255 {
        return Err(Refusal::unprocessable("Name is too long (maximum is 255 characters)"));
    }
    if NAME.as_ref().is_some_and(|pattern| pattern.is_match(name)) {
        return Ok(());
    }
    Err(Refusal::unprocessable("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)"))
}

#[cfg(test)]
mod tests {
    use super::super::test_world::{KEY, TestWorld, wanted};
    use super::*;

    #[test]
    fn a_new_droplet_has_no_addresses_and_an_active_one_has() {
        let mut test = TestWorld::new();
        let made = test.ok("POST /droplets", wanted("web", json!({ "ipv6": true, "user_data": "secret" })));
        assert_eq!((&made["droplet"]["status"], &made["droplet"]["networks"]), (&json!("new"), &json!({ "v4": [], "v6": [] })));
        assert!(!made.to_string().contains("secret"));
        let read = test.get(&format!("/droplets/{}", made["droplet"]["id"]));
        assert_eq!(read["droplet"]["status"], "active");
        assert_eq!(read["droplet"]["networks"]["v4"].as_array().unwrap().len(), 2);
        assert_eq!(read["droplet"]["networks"]["v6"].as_array().unwrap().len(), 1);
        let action = test.get(&format!("/actions/{}", made["links"]["actions"][0]["id"]));
        assert_eq!(action["action"]["status"], "completed");
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        let mut test = TestWorld::new();
        let cases = [
            (json!({ "name": "a_b" }), "hostname"),
            (json!({ "name": "web." }), "hostname"),
            (json!({ "size": "s-9vcpu-1gb" }), "invalid size"),
            (json!({ "image": "ubuntu-12-04-x64" }), "invalid image"),
            (json!({ "region": "mars1" }), "invalid region"),
            (json!({ "region": "nyc2", "size": "s-1vcpu-1gb-amd" }), "not available in this region"),
            (json!({ "size": "s-1vcpu-512mb-10gb" }), "too large"),
            (json!({ "user_data": "x".repeat(65_537) }), "64 KiB"),
            (json!({ "ssh_keys": ["3b:16", 4] }), "3b:16, 4 are invalid key identifiers"),
            (json!({ "vpc_uuid": "nowhere" }), "could not be found"),
            (json!({ "tags": ["a b"] }), "Tag names"),
            (json!({ "ipv6": true, "public_networking": false }), "public networking"),
            (json!({ "backups": true, "backup_policy": { "hour": 3 } }), "hour"),
            (json!({ "names": ["a"] }), "together"),
        ];
        for (fields, words) in cases {
            test.refused("POST /droplets", wanted("web", fields), 422, words);
        }
        assert!(test.ok("POST /droplets", wanted("web", json!({ "user_data": "x".repeat(65_536) }))).is_object());
        assert!(test.world.tags.is_empty());
    }

    #[test]
    fn several_are_made_by_names() {
        let mut test = TestWorld::new();
        let mut body = wanted("x", json!({ "names": ["a", "b"] }));
        body.as_object_mut().unwrap().remove("name");
        let made = test.ok("POST /droplets", body);
        assert_eq!((made["droplets"].as_array().unwrap().len(), made["links"]["actions"].as_array().unwrap().len()), (2, 2));
    }

    #[test]
    fn the_limit_holds() {
        let mut test =
            TestWorld::with(super::super::Options { limits: super::super::Limits { droplets: 1, reserved_ips: 3 }, ..Default::default() });
        test.droplet("a");
        test.refused("POST /droplets", wanted("b", json!({})), 422, "droplet limit");
    }

    #[test]
    fn lists_filter_by_tag_and_by_name() {
        let mut test = TestWorld::new();
        test.ok("POST /droplets", wanted("Web", json!({ "tags": ["A:b"] })));
        test.ok("POST /droplets", wanted("db", json!({})));
        for (query, count) in [("", 2), ("?tag_name=a:B", 1), ("?name=wEb", 1), ("?name=we", 0), ("?type=gpus", 0)] {
            assert_eq!(test.get(&format!("/droplets{query}"))["meta"]["total"], count, "{query}");
        }
        assert_eq!(test.get("/droplets?name=web")["droplets"][0]["tags"], json!(["A:b"]));
        test.refused("GET /droplets?name=a&tag_name=b", Value::Null, 422, "together");
    }

    #[test]
    fn deletion_by_tag_takes_those_only() {
        let mut test = TestWorld::new();
        test.ok("POST /droplets", wanted("a", json!({ "tags": ["x"] })));
        test.droplet("b");
        test.refused("DELETE /droplets", Value::Null, 422, "tag_name");
        test.ok("DELETE /droplets?tag_name=x", Value::Null);
        assert_eq!(test.get("/droplets")["droplets"][0]["name"], "b");
    }

    #[test]
    fn a_slow_world_shows_things_on_their_way() {
        let mut test = TestWorld::slow(2);
        let id = test.ok("POST /droplets", wanted("a", json!({})))["droplet"]["id"].clone();
        let path = format!("/droplets/{id}");
        let seen: Vec<String> = (0..3).map(|_| test.get(&path)["droplet"]["status"].as_str().unwrap().to_owned()).collect();
        assert_eq!(seen, ["new", "new", "active"]);
        test.ok(&format!("DELETE {path}"), Value::Null);
        let seen: Vec<u16> = (0..3).map(|_| test.ask(&format!("GET {path}"), Value::Null).status).collect();
        assert_eq!(seen, [200, 200, 404]);
    }

    #[test]
    fn missing_scopes_leave_fields_out() {
        let mut test = TestWorld::scoped("droplet:create,droplet:read,image:read");
        test.refused("POST /droplets", wanted("a", json!({ "tags": ["x"] })), 403, "not authorized");
        let id = test.ok("POST /droplets", wanted("a", json!({})))["droplet"]["id"].clone();
        let droplet = test.get(&format!("/droplets/{id}"));
        assert_eq!((&droplet["droplet"]["tags"], droplet["droplet"].get("vpc_uuid")), (&json!([]), None));
        test.refused(&format!("DELETE /droplets/{id}"), Value::Null, 403, "not authorized");
        test.refused("GET /droplets?tag_name=x", Value::Null, 403, "not authorized");
    }

    #[test]
    fn keys_are_found_by_number_and_fingerprint() {
        let mut test = TestWorld::new();
        let key = test.ok("POST /account/keys", json!({ "name": "k", "public_key": KEY }))["ssh_key"].clone();
        for id in [key["id"].clone(), key["fingerprint"].clone(), json!(key["id"].to_string())] {
            test.ok("POST /droplets", wanted("a", json!({ "ssh_keys": [id] })));
        }
        test.refused("POST /droplets", wanted("a", json!({ "ssh_keys": ["k"] })), 422, "k is an invalid key identifier");
    }

    #[test]
    fn droplet_faults_show() {
        let mut test =
            TestWorld::faulty(&["POST /v2/droplets late-address=2", "POST /v2/droplets late-tags=1", "POST /v2/droplets pending-event=1"]);
        let id = test.ok("POST /droplets", wanted("a", json!({ "tags": ["t"] })))["droplet"]["id"].clone();
        assert_eq!(test.get("/droplets?tag_name=t")["meta"]["total"], 0);
        assert_eq!(test.get("/droplets?tag_name=t")["meta"]["total"], 1);
        let seen: Vec<usize> =
            (0..2).map(|_| test.get(&format!("/droplets/{id}"))["droplet"]["networks"]["v4"].as_array().unwrap().len()).collect();
        assert_eq!(seen, [2, 2]);
    }

    #[test]
    fn a_droplet_can_vanish_or_fail_while_it_is_new() {
        let mut test = TestWorld::faulty(&["POST /v2/droplets vanish", "POST /v2/droplets#2 action-errored"]);
        let made = test.ok("POST /droplets", wanted("a", json!({})));
        assert_eq!(test.ask(&format!("GET /droplets/{}", made["droplet"]["id"]), Value::Null).status, 404);
        assert_eq!(test.get(&format!("/actions/{}", made["links"]["actions"][0]["id"]))["action"]["status"], "errored");
        let made = test.ok("POST /droplets", wanted("a", json!({})));
        assert_eq!(test.get(&format!("/droplets/{}", made["droplet"]["id"]))["droplet"]["status"], "new");
        assert_eq!(test.get(&format!("/actions/{}", made["links"]["actions"][0]["id"]))["action"]["status"], "errored");
    }

    #[test]
    fn backups_have_a_policy() {
        let mut test = TestWorld::new();
        let policy = json!({ "plan": "daily", "hour": 8 });
        let made = test.ok("POST /droplets", wanted("a", json!({ "backups": true, "backup_policy": policy })));
        let id = made["droplet"]["id"].clone();
        let policy = test.get(&format!("/droplets/{id}/backups/policy"))["policy"].clone();
        assert_eq!((&policy["backup_enabled"], &policy["backup_policy"]["hour"]), (&json!(true), &json!(8)));
        assert!(test.get(&format!("/droplets/{id}"))["droplet"]["next_backup_window"].is_object());
    }
}
