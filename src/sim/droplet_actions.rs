//! What can be done to a droplet that exists.
//!
//! Invariant: one at a time: a busy droplet refuses with "pending event". The effect takes place when the action completes.

use serde_json::{Value, json};

use super::actions::{Action, Begin, Effect, Resource};
use super::catalog;
use super::droplets::{self, Backups, Power};
use super::wire::{Call, Refusal, Reply};
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

/// What the body asks for, checked against the droplet as it is.
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
