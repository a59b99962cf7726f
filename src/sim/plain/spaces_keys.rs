//! How keys of Spaces behave beyond their fields.
//!
//! Invariant: a key's secret is told once and kept nowhere: it follows from the world's seed and the key's identifier.

use serde_json::{Map, Value};

use super::super::ids;
use super::super::refusal::Refusal;
use super::super::wire::Call;
use super::super::world::World;

const FULL: &str = "fullaccess";
const PERMISSIONS: [&str; 4] = ["read", "readwrite", FULL, ""];

/// A key's secret.
pub(in super::super) fn secret(seed: u64, id: &str) -> String {
    let parts = ["one", "two", "three"].map(|part| format!("{:016x}", ids::hash(seed, &["secret of a Spaces key", id, part])));
    parts.concat()[..43].to_owned()
}

fn permissions(fields: &Map<String, Value>) -> Vec<&str> {
    let grants = fields.get("grants").and_then(Value::as_array).into_iter().flatten();
    grants.map(|grant| grant["permission"].as_str().unwrap_or_default()).collect()
}

/// Refuses what no grant is, and a key that would open all from now on, or not any more.
pub(super) fn validate(world: &mut World, call: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    let wanted = permissions(fields);
    if !wanted.iter().all(|permission| PERMISSIONS.contains(permission)) {
        return Err(Refusal::bad_request("invalid permission"));
    }
    let there = call.path.last().and_then(|id| world.plain.get("/v2/spaces/keys")?.get(id));
    match there {
        Some(key) if fields.contains_key("grants") && permissions(&key.fields).contains(&FULL) != wanted.contains(&FULL) => {
            Err(Refusal::bad_request("cannot convert a fullaccess key to a scoped key or vice versa"))
        }
        _ => Ok(()),
    }
}
