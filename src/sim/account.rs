//! The account.
//!
//! Invariant: who it is derives from the world's seed, so that a state that belongs to one world fits no other.

use serde_json::json;

use super::ids;
use super::refusal::Refusal;
use super::wire::{Call, Reply};
use super::world::World;

/// `GET /v2/account`
pub(super) fn read(world: &mut World, _: &Call<'_>) -> Result<Reply, Refusal> {
    let (uuid, team) = (ids::uuid(world.seed, &["account"]), ids::uuid(world.seed, &["team"]));
    let limits = world.settings.limits;
    Ok(Reply::ok(json!({ "account": {
        "droplet_limit": limits.droplets, "floating_ip_limit": limits.reserved_ips,
        "email": "simulated@example.com", "name": "Simulated Account", "uuid": uuid, "email_verified": true, "status": "active",
        "status_message": "", "team": { "uuid": team, "name": "Simulated Team" },
    } })))
}
