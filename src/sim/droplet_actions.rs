//! The actions on a droplet that exists.
//!
//! Invariant: one at a time: a busy droplet refuses with "pending event". The effect takes place when the action completes.

use serde_json::{Value, json};

use super::actions::Begin;
use super::catalog;
use super::droplets;
use super::objects::action::{Action, Effect, Resource};
use super::objects::droplet::{Backups, Power};
use super::refusal::Refusal;
use super::wire::{Call, Reply};
use super::world::World;

/// `GET /v2/droplets/{droplet_id}/actions`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(0)?;
    world.droplet_at(id)?;
    world.list_actions(call, |action| action.on == Resource::Droplet(id))
}

/// `GET /v2/droplets/{droplet_id}/actions/{action_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (id, action) = (call.number(0)?, call.number(1)?);
    world.droplet_at(id)?;
    if world.actions.get(&action).is_none_or(|action| action.on != Resource::Droplet(id)) {
        return Err(Refusal::not_found());
    }
    Ok(Reply::ok(json!({ "action": world.read_action(action)?.show() })))
}

/// `POST /v2/droplets/{droplet_id}/actions`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(0)?;
    world.droplet_at(id)?;
    let action = begin(world, call, id)?;
    Ok(Reply::created(json!({ "action": shown(world, action) })))
}

/// `POST /v2/droplets/actions?tag_name=`
pub(super) fn create_by_tag(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    call.scopes.need("tag:read")?;
    let tag = call.asked_for("tag_name").ok_or_else(|| Refusal::unprocessable("tag_name can't be blank"))?.to_lowercase();
    let ids: Vec<u64> = world.droplets.values().filter(|droplet| droplet.tags.contains(&tag)).map(|droplet| droplet.id).collect();
    let mut begun = Vec::new();
    for id in ids {
        let action = begin(world, call, id)?;
        begun.push(shown(world, action));
    }
    Ok(Reply::created(json!({ "actions": begun })))
}

fn shown(world: &World, action: u64) -> Value {
    world.actions.get(&action).map(Action::show).unwrap_or_default()
}

fn begin(world: &mut World, call: &Call<'_>, id: u64) -> Result<u64, Refusal> {
    let (kind, effect) = wanted(world, call, id)?;
    world.idle(id)?;
    let region = world.droplets.get(&id).map(|droplet| droplet.region.clone()).unwrap_or_default();
    Ok(world.begin(Begin { kind, on: Resource::Droplet(id), droplet: Some(id), region, effect }))
}

/// The action that the body asks for, checked against the droplet as it is.
fn wanted(world: &World, call: &Call<'_>, id: u64) -> Result<(&'static str, Effect), Refusal> {
    let droplet = world.droplets.get(&id).ok_or_else(Refusal::not_found)?;
    let body = &call.body;
    let when = |power: Power, refusal: &str| {
        if droplet.power == power || world.is_busy(id) { Ok(()) } else { Err(Refusal::unprocessable(refusal)) }
    };
    Ok(match body.required("type")?.as_str() {
        "power_on" => {
            when(Power::Off, "Droplet is already powered on.")?;
            ("power_on", Effect::Power(Power::Active))
        }
        "power_off" => {
            when(Power::Active, "Droplet is already powered off.")?;
            ("power_off", Effect::Power(Power::Off))
        }
        "shutdown" => {
            when(Power::Active, "Droplet is already powered off.")?;
            ("shutdown", Effect::Power(Power::Off))
        }
        "reboot" => {
            when(Power::Active, "Droplet is powered off.")?;
            ("reboot", Effect::Nothing)
        }
        "power_cycle" => ("power_cycle", Effect::Power(Power::Active)),
        "rename" => {
            let name = body.required("name")?;
            droplets::check_name(&name)?;
            ("rename", Effect::Rename(name))
        }
        "resize" => ("resize", resize(world, call, id)?),
        "snapshot" => {
            call.scopes.need("image:create")?;
            ("snapshot", Effect::Snapshot(body.required("name")?))
        }
        "enable_ipv6" if droplet.ipv6 => return Err(Refusal::unprocessable("IPv6 is already enabled on this Droplet.")),
        "enable_ipv6" if droplet.public.is_none() => return Err(Refusal::unprocessable("The Droplet has no public networking.")),
        "enable_ipv6" => ("enable_ipv6", Effect::Ipv6),
        "enable_backups" if droplet.backups.is_some() => {
            return Err(Refusal::unprocessable("Backups are already enabled on this Droplet."));
        }
        "enable_backups" => ("enable_backups", Effect::Backups(Some(Backups::read(body.object("backup_policy")?.as_ref())?))),
        "change_backup_policy" if droplet.backups.is_none() => {
            return Err(Refusal::unprocessable("Backups are not enabled on this Droplet."));
        }
        "change_backup_policy" => ("change_backup_policy", Effect::Backups(Some(Backups::read(body.object("backup_policy")?.as_ref())?))),
        "disable_backups" if droplet.backups.is_none() => return Err(Refusal::unprocessable("Backups are not enabled on this Droplet.")),
        "disable_backups" => ("disable_backups", Effect::Backups(None)),
        other => return Err(Refusal::unprocessable(format!("{other} is not a valid action type"))),
    })
}

fn resize(world: &World, call: &Call<'_>, id: u64) -> Result<Effect, Refusal> {
    call.scopes.need("droplet:create")?;
    let droplet = world.droplets.get(&id).ok_or_else(Refusal::not_found)?;
    let size = call.body.required("size")?;
    let disk = call.body.flag("disk")?.unwrap_or(false);
    let found = catalog::find_size(&size).ok_or_else(|| Refusal::unprocessable("You specified an invalid size."))?;
    if droplet.power != Power::Off && !world.is_busy(id) {
        return Err(Refusal::unprocessable("Droplet must be powered off to be resized."));
    }
    if droplet.size == size {
        return Err(Refusal::unprocessable("Droplet already has this size."));
    }
    if found.disk < droplet.disk() {
        return Err(Refusal::unprocessable("This size is not available because it has a smaller disk."));
    }
    let in_region = catalog::find_region(&droplet.region).is_some_and(|region| found.is_in(region));
    if !in_region {
        return Err(Refusal::unprocessable("Size is not available in this region."));
    }
    Ok(Effect::Resize { size, disk })
}

#[cfg(test)]
mod tests {
    use super::super::test_world::{TestWorld, wanted};
    use super::*;

    #[track_caller]
    fn act(test: &mut TestWorld, id: u64, body: Value) {
        let action = test.ok(&format!("POST /droplets/{id}/actions"), body)["action"].clone();
        assert_eq!((&action["status"], &action["resource_type"]), (&json!("in-progress"), &json!("droplet")));
        let done = test.get(&format!("/droplets/{id}/actions/{}", action["id"]));
        assert_eq!(done["action"]["status"], "completed");
    }

    #[test]
    fn effects_come_with_completion() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let path = format!("/droplets/{id}");
        act(&mut test, id, json!({ "type": "rename", "name": "b" }));
        act(&mut test, id, json!({ "type": "enable_ipv6" }));
        act(&mut test, id, json!({ "type": "enable_backups" }));
        act(&mut test, id, json!({ "type": "power_off" }));
        act(&mut test, id, json!({ "type": "resize", "size": "s-2vcpu-2gb" }));
        let droplet = test.get(&path)["droplet"].clone();
        assert_eq!((&droplet["name"], &droplet["status"], &droplet["size_slug"]), (&json!("b"), &json!("off"), &json!("s-2vcpu-2gb")));
        assert_eq!((&droplet["disk"], &droplet["memory"]), (&json!(25), &json!(2048)));
        assert_eq!(droplet["features"], json!(["backups", "droplet_agent", "ipv6", "private_networking"]));
        act(&mut test, id, json!({ "type": "resize", "size": "s-1vcpu-1gb", "disk": true }));
        act(&mut test, id, json!({ "type": "power_on" }));
        act(&mut test, id, json!({ "type": "disable_backups" }));
        assert_eq!(test.get(&path)["droplet"]["status"], "active");
        assert_eq!(test.get(&format!("{path}/actions"))["meta"]["total"], 9);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let cases = [
            (json!({}), "type can't be blank"),
            (json!({ "type": "dance" }), "not a valid action"),
            (json!({ "type": "power_on" }), "already powered on"),
            (json!({ "type": "resize", "size": "s-2vcpu-2gb" }), "must be powered off"),
            (json!({ "type": "resize", "size": "huge" }), "invalid size"),
            (json!({ "type": "rename", "name": "a_b" }), "hostname"),
            (json!({ "type": "disable_backups" }), "not enabled"),
        ];
        for (body, words) in cases {
            test.refused(&format!("POST /droplets/{id}/actions"), body, 422, words);
        }
        test.refused("POST /droplets/7/actions", json!({ "type": "reboot" }), 404, "could not be found");
    }

    #[test]
    fn a_disk_never_shrinks() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        act(&mut test, id, json!({ "type": "power_off" }));
        act(&mut test, id, json!({ "type": "resize", "size": "s-2vcpu-2gb", "disk": true }));
        let back = json!({ "type": "resize", "size": "s-1vcpu-1gb" });
        test.refused(&format!("POST /droplets/{id}/actions"), back, 422, "smaller disk");
    }

    #[test]
    fn a_busy_droplet_has_a_pending_event_and_the_refusal_is_a_poll() {
        let mut test = TestWorld::slow(1);
        let id = test.ok("POST /droplets", wanted("a", json!({})))["droplet"]["id"].clone();
        let path = format!("POST /droplets/{id}/actions");
        test.refused(&path, json!({ "type": "reboot" }), 422, "pending event");
        test.refused(&path, json!({ "type": "reboot" }), 422, "pending event");
        test.ok(&path, json!({ "type": "reboot" }));
    }

    #[test]
    fn a_fault_leaves_an_event_pending_after_the_boot() {
        let mut test = TestWorld::faulty(&["POST /v2/droplets pending-event=1"]);
        let id = test.ok("POST /droplets", wanted("a", json!({})))["droplet"]["id"].clone();
        assert_eq!(test.get(&format!("/droplets/{id}"))["droplet"]["status"], "active");
        test.refused(&format!("POST /droplets/{id}/actions"), json!({ "type": "reboot" }), 422, "pending event");
        assert_eq!(test.get(&format!("/droplets/{id}/actions"))["meta"]["total"], 2);
        test.ok(&format!("POST /droplets/{id}/actions"), json!({ "type": "reboot" }));
    }

    #[test]
    fn actions_can_fail_be_missing_and_say_odd_words() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let path = format!("POST /v2/droplets/{id}/actions");
        let faults = [format!("{path} action-errored"), format!("{path}#2 action-missing=1"), format!("{path}#3 action-word=done")];
        test.world.set_faults(&faults.map(|fault| fault.parse().unwrap()));
        let begin = |test: &mut TestWorld| {
            test.ok(&format!("POST /droplets/{id}/actions"), json!({ "type": "rename", "name": "b" }))["action"]["id"].clone()
        };
        let failed = begin(&mut test);
        assert_eq!(test.get(&format!("/actions/{failed}"))["action"]["status"], "errored");
        assert_eq!(test.get(&format!("/droplets/{id}"))["droplet"]["name"], "a");
        let missing = begin(&mut test);
        test.refused(&format!("GET /actions/{missing}"), Value::Null, 404, "could not be found");
        assert_eq!(test.get(&format!("/actions/{missing}"))["action"]["status"], "completed");
        let odd = begin(&mut test);
        assert_eq!(test.get(&format!("/actions/{odd}"))["action"]["status"], "done");
    }

    #[test]
    fn actions_can_be_slow_or_hang_or_leave_the_droplet_off() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let path = format!("POST /v2/droplets/{id}/actions");
        // The second is refused while the first is in progress.
        let faults = [format!("{path} action-slow=30000"), format!("{path}#3 action-hangs"), format!("{path}#4 action-leaves-off")];
        test.world.set_faults(&faults.map(|fault| fault.parse().unwrap()));
        let begin = |test: &mut TestWorld| {
            test.ok(&format!("POST /droplets/{id}/actions"), json!({ "type": "power_cycle" }))["action"]["id"].clone()
        };
        let status = |test: &mut TestWorld, action: &Value| test.get(&format!("/actions/{action}"))["action"]["status"].clone();
        let slow = begin(&mut test);
        test.world.advance(29);
        assert_eq!(status(&mut test, &slow), "in-progress");
        test.refused(&format!("POST /droplets/{id}/actions"), json!({ "type": "power_cycle" }), 422, "pending event");
        test.world.advance(1);
        assert_eq!(status(&mut test, &slow), "completed");
        let hung = begin(&mut test);
        test.world.advance(100_000);
        assert_eq!(status(&mut test, &hung), "in-progress");
        test.world.finish_all();
        assert_eq!(status(&mut test, &hung), "completed");
        let left = begin(&mut test);
        assert_eq!(status(&mut test, &left), "errored");
        assert_eq!(test.get(&format!("/droplets/{id}"))["droplet"]["status"], "off");
    }

    #[test]
    fn actions_by_tag_reach_all_with_it() {
        let mut test = TestWorld::new();
        test.ok("POST /droplets", wanted("a", json!({ "tags": ["t"] })));
        test.ok("POST /droplets", wanted("b", json!({ "tags": ["t"] })));
        test.world.finish_all();
        let begun = test.ok("POST /droplets/actions?tag_name=t", json!({ "type": "power_off" }));
        assert_eq!(begun["actions"].as_array().unwrap().len(), 2);
    }
}
