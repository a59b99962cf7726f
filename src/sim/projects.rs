//! Projects: the default one, which holds everything; read only.

use serde_json::{Value, json};

use super::ids;
use super::time::EPOCH;
use super::wire::{Call, Refusal, Reply};
use super::world::World;

/// The default project's identifier.
pub(super) fn default_id(world: &World) -> String {
    ids::uuid(world.seed, &["default project"])
}

fn show(world: &World) -> Value {
    let (began, owner) = (World::timestamp(EPOCH.0), ids::uuid(world.seed, &["account"]));
    json!({
        "id": default_id(world), "owner_uuid": owner, "owner_id": ids::number(world.seed, &["owner"], |_| false), "name": "Simulated",
        "description": "The project of a simulated account.", "purpose": "Just trying out DigitalOcean", "environment": "Development",
        "created_at": began, "updated_at": began, "is_default": true,
    })
}

/// `GET /v2/projects`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    call.page("projects", &[()], |()| show(world))
}

/// `GET /v2/projects/default`
pub(super) fn read_default(world: &mut World, _: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(json!({ "project": show(world) })))
}

/// `GET /v2/projects/{project_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    is_default(world, call)?;
    read_default(world, call)
}

/// `GET /v2/projects/{project_id}/resources`
pub(super) fn resources(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    is_default(world, call)?;
    default_resources(world, call)
}

/// `GET /v2/projects/default/resources`
pub(super) fn default_resources(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let droplets = world.droplets.keys().map(|id| (format!("do:droplet:{id}"), format!("droplets/{id}")));
    let ips = world.reserved_ips.keys().map(|ip| (format!("do:floatingip:{ip}"), format!("floating_ips/{ip}")));
    let domains = world.domains.keys().map(|name| (format!("do:domain:{name}"), format!("domains/{name}")));
    let all: Vec<(String, String)> = droplets.chain(ips).chain(domains).collect();
    let since = World::timestamp(EPOCH.0);
    call.page(
        "resources",
        &all,
        |(urn, path)| json!({ "urn": urn, "assigned_at": since, "links": { "self": format!("{}/v2/{path}", call.base) }, "status": "ok" }),
    )
}

fn is_default(world: &World, call: &Call<'_>) -> Result<(), Refusal> {
    if call.part(0) == default_id(world) { Ok(()) } else { Err(Refusal::not_found()) }
}
