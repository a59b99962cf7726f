//! Which droplets share a physical server: those that a fault has put there.
//!
//! Invariant: reads only; a droplet that shares with nobody is in no set.

use serde_json::json;

use super::refusal::Refusal;
use super::wire::{Call, Reply};
use super::world::World;

/// `GET /v2/reports/droplet_neighbors_ids`
pub(super) fn list(world: &mut World, _: &Call<'_>) -> Result<Reply, Refusal> {
    let sharing: Vec<u64> = world.droplets.values().filter(|droplet| droplet.shares).map(|droplet| droplet.id).collect();
    let sets = if sharing.len() > 1 { vec![sharing] } else { Vec::new() };
    Ok(Reply::ok(json!({ "neighbor_ids": sets })))
}

#[cfg(test)]
mod tests {
    use super::super::test_world::{TestWorld, wanted};
    use serde_json::json;

    #[test]
    fn those_that_share_a_server_are_in_one_set() {
        let mut test = TestWorld::faulty(&["POST /v2/droplets#2x2 shared-server"]);
        let ids = ["a", "b", "c"].map(|name| test.ok("POST /droplets", wanted(name, json!({})))["droplet"]["id"].as_u64().unwrap());
        let set: std::collections::BTreeSet<u64> = ids[1..].iter().copied().collect();
        assert_eq!(test.get("/reports/droplet_neighbors_ids"), json!({ "neighbor_ids": [set] }));
        test.world.outside("DELETE", &format!("/v2/droplets/{}", ids[1]), None);
        assert_eq!(test.get("/reports/droplet_neighbors_ids"), json!({ "neighbor_ids": [] }));
    }
}
