//! How reserved IPv6 addresses behave beyond their fields: a droplet of their region can hold one.
//!
//! Invariant: a plain family; only its behaviour is here. What a droplet that is gone held is free.

use serde_json::{Map, Value, json};

use super::super::actions::Begin;
use super::super::ids;
use super::super::objects::action::{Action, Effect, Resource};
use super::super::refusal::Refusal;
use super::super::scopes::Scopes;
use super::super::wire::{Call, Reply};
use super::super::world::World;
use super::family::Object;

const ADDRESSES: &str = "/v2/reserved_ipv6";

/// The identity of an address in actions.
fn on(address: &str) -> Resource {
    Resource::ReservedV6(ids::hash(0, &["reserved_ipv6", address]))
}

/// Its holder as it is.
pub(super) fn render(world: &World, scopes: &Scopes, fields: &mut Map<String, Value>) {
    let holder = fields.get("droplet").and_then(Value::as_u64).and_then(|id| world.droplets.get(&id));
    let shown = holder.filter(|_| scopes.has("droplet:read")).map(|droplet| world.show_droplet(droplet, scopes));
    match shown {
        Some(shown) => drop(fields.insert("droplet".to_owned(), shown)),
        None => drop(fields.remove("droplet")),
    }
}

/// Whoever polls one polls what is being done to it.
pub(super) fn on_poll(world: &mut World, id: &str) {
    world.poll_actions_on(on(id));
}

impl World {
    fn address(&self, address: &str) -> Option<&Object> {
        self.plain.get(ADDRESSES)?.get(address)
    }

    /// Gives an address to a droplet, or to none; nothing if one of them is gone.
    pub(in super::super) fn give_v6(&mut self, address: &str, droplet: Option<u64>) -> Option<()> {
        if droplet.is_some_and(|id| !self.droplets.contains_key(&id)) {
            return None;
        }
        self.plain.get_mut(ADDRESSES)?.get_mut(address)?.fields.insert("droplet".to_owned(), json!(droplet));
        Some(())
    }
}

/// `POST /v2/reserved_ipv6/{reserved_ipv6}/actions`
pub(in super::super) fn act(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let address = call.part(0).to_owned();
    let fields = &world.address(&address).ok_or_else(Refusal::not_found)?.fields;
    let region = fields.get("region_slug").and_then(Value::as_str).unwrap_or_default().to_owned();
    let holder = fields.get("droplet").and_then(Value::as_u64).filter(|id| world.droplets.contains_key(id));
    let (kind, droplet) = match call.body.required("type")?.as_str() {
        "assign" => {
            let id = call.body.number("droplet_id")?.ok_or_else(|| Refusal::unprocessable("droplet_id can't be blank"))?;
            if world.droplets.get(&id).is_none_or(|droplet| droplet.region != region) {
                return Err(Refusal::unprocessable("Droplet could not be found in the region of the address."));
            }
            if holder.is_some() {
                return Err(Refusal::unprocessable("The address is already assigned."));
            }
            world.idle(id)?;
            ("assign", Some(id))
        }
        "unassign" if holder.is_none() => return Err(Refusal::unprocessable("The address is not assigned.")),
        "unassign" => ("unassign", None),
        other => return Err(Refusal::unprocessable(format!("{other} is not a valid action type"))),
    };
    let action =
        world.begin(Begin { kind, on: on(&address), droplet: droplet.or(holder), region, effect: Effect::Give { address, droplet } });
    Ok(Reply::created(json!({ "action": world.actions.get(&action).map(Action::show) })))
}
