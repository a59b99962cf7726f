//! How clusters of Kubernetes behave beyond their fields: the pools that come with them, nodes that begin to run, upgrades, and
//! credentials, of which there are others each time that somebody asks.
//!
//! Invariant: a pool is an object of its own, in its cluster. Nodes are no droplets here.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::scopes::Scopes;
use super::super::time::{Wait, timestamp};
use super::super::wire::{Call, Reply};
use super::super::world::World;
use super::super::{catalog, ids};
use super::family::{Object, Pending};
use dofloat_base::clock::Moment;

const CLUSTERS: &str = "/v2/kubernetes/clusters";
const POOLS: &str = "/v2/kubernetes/clusters/{cluster_id}/node_pools";
/// The versions on offer, the newest first.
const VERSIONS: [&str; 4] = ["1.33.1-do.2", "1.32.5-do.2", "1.32.4-do.0", "1.31.9-do.2"];
/// A week, for which credentials are good where nobody says otherwise.
const WEEK: u64 = 7 * 24 * 60 * 60;

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The version that is meant by one, the beginning of one, or `latest`.
fn version(wanted: &str) -> Option<&'static str> {
    let begins = |version: &&&str| {
        wanted == "latest" || **version == wanted || version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    VERSIONS.iter().find(begins).copied()
}

/// Refuses a place, a version or pools that are not.
pub(super) fn validate_cluster(_: &mut World, call: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    if !call.path.is_empty() {
        return Ok(());
    }
    if !catalog::find_region(&text(fields, "region")).is_some_and(|region| region.available) {
        return Err(Refusal::unprocessable("Region is not available."));
    }
    if version(&text(fields, "version")).is_none() {
        return Err(Refusal::unprocessable("version is not one that is offered"));
    }
    let pools = fields.get("node_pools").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if pools.is_empty() {
        return Err(Refusal::unprocessable("a cluster needs a node pool"));
    }
    pools.iter().filter_map(Value::as_object).try_for_each(must_have_nodes)
}

/// Refuses a pool of a size that is not, or without nodes.
pub(super) fn validate_pool(_: &mut World, call: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    if call.path.len() == 1 { must_have_nodes(fields) } else { Ok(()) }
}

fn must_have_nodes(pool: &Map<String, Value>) -> Result<(), Refusal> {
    if catalog::find_size(&text(pool, "size")).is_none() {
        return Err(Refusal::unprocessable("size is not one that is offered"));
    }
    if pool.get("count").and_then(Value::as_u64).unwrap_or_default() == 0 {
        return Err(Refusal::unprocessable("a node pool needs a node"));
    }
    Ok(())
}

/// Completes a cluster as the API does, with its first pools.
pub(super) fn complete_cluster(world: &mut World, id: &str, fields: &mut Map<String, Value>) {
    if let Some(found) = version(&text(fields, "version")) {
        fields.insert("version".to_owned(), json!(found));
    }
    if let Some(Value::Array(pools)) = fields.remove("node_pools") {
        for (nth, pool) in pools.into_iter().enumerate() {
            let Value::Object(mut pool) = pool else { continue };
            let own = ids::uuid(world.seed, &["node pool", id, &nth.to_string()]);
            pool.insert("id".to_owned(), json!(own));
            for tag in pool.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                world.ensure_tag(tag);
            }
            complete_pool(world, &own, &mut pool);
            let due = world.settings.clock.due(Wait::Action, world.now, "node pool");
            let pending = Some(Pending { field: "state".to_owned(), then: "running".to_owned(), due });
            world.plain.entry(POOLS.to_owned()).or_default().insert(own, Object { parents: vec![id.to_owned()], fields: pool, pending });
        }
    }
    let region = text(fields, "region");
    let own = world.vpcs.values().find(|vpc| vpc.initial && vpc.region == region).map(|vpc| vpc.id.clone());
    let endpoint = format!("https://{id}.k8s.ondigitalocean.com");
    for (name, value) in [
        ("vpc_uuid", json!(own)),
        ("worker_subnet_uuid", json!(ids::uuid(0, &["subnet", id]))),
        ("cluster_subnet", json!("10.244.0.0/16")),
        ("service_subnet", json!("10.245.0.0/16")),
        ("ha", json!(false)),
        ("registry_enabled", json!(false)),
        ("endpoint", json!(endpoint)),
        ("ipv4", json!("192.0.2.77")),
        ("control_plane_firewall", json!({ "enabled": false, "allowed_addresses": [] })),
        ("routing_agent", json!({ "enabled": false })),
    ] {
        fields.entry(name).or_insert(value);
    }
    let mut policy = fields.get("maintenance_policy").filter(|policy| policy.is_object()).cloned().unwrap_or_else(|| json!({}));
    for (name, value) in [("day", "any"), ("start_time", "05:00"), ("duration", "4h0m0s")] {
        if policy[name].is_null() {
            policy[name] = json!(value);
        }
    }
    fields.insert("maintenance_policy".to_owned(), policy);
}

/// The nodes of a pool: as many as it is to have.
pub(super) fn complete_pool(world: &mut World, id: &str, fields: &mut Map<String, Value>) {
    let number = |name: &str| fields.get(name).and_then(Value::as_u64).unwrap_or_default();
    let mut count = number("count");
    if fields.get("auto_scale") == Some(&json!(true)) {
        count = count.clamp(number("min_nodes"), number("max_nodes").max(number("min_nodes")));
    }
    fields.insert("count".to_owned(), json!(count));
    let (name, now) = (text(fields, "name"), timestamp(world.now.0));
    let node = |nth: u64| {
        let words = ["node", id, &nth.to_string()];
        json!({
            "id": ids::uuid(0, &words), "name": format!("{name}-{:04x}", ids::hash(0, &words) & 0xffff), "status": { "state": "running" },
            "droplet_id": (100_000_000 + ids::hash(1, &words) % 1_000_000_000).to_string(), "created_at": now, "updated_at": now,
        })
    };
    fields.insert("nodes".to_owned(), (0..count).map(node).collect());
}

/// A cluster's status as an object, its tags, and its pools.
pub(super) fn render_cluster(world: &World, scopes: &Scopes, fields: &mut Map<String, Value>) {
    let (id, state) = (text(fields, "id"), text(fields, "status"));
    fields.insert("status".to_owned(), json!({ "state": state, "message": if state == "running" { "" } else { state.as_str() } }));
    mark(fields, &["k8s", &format!("k8s:{id}")]);
    let all = world.plain.get(POOLS).into_iter().flatten().filter(|(_, pool)| pool.parents.first() == Some(&id));
    let pools = all.map(|(_, pool)| {
        let mut fields = pool.fields.clone();
        render_pool(world, scopes, &mut fields);
        fields.remove("state");
        Value::Object(fields)
    });
    fields.insert("node_pools".to_owned(), pools.collect());
    // The answer that shows one has none of these, whatever its list has.
    fields.remove("registries");
}

/// A pool's tags, and its nodes, which run once it is ready.
pub(super) fn render_pool(world: &World, _: &Scopes, fields: &mut Map<String, Value>) {
    let pool = world.plain.get(POOLS).and_then(|all| all.get(&text(fields, "id")));
    let cluster = pool.and_then(|pool| pool.parents.first().cloned()).unwrap_or_default();
    mark(fields, &["k8s", &format!("k8s:{cluster}"), "k8s:worker"]);
    if pool.is_some_and(|pool| pool.pending.is_some()) {
        for node in fields.get_mut("nodes").and_then(Value::as_array_mut).into_iter().flatten() {
            node["status"] = json!({ "state": "provisioning" });
        }
    }
}

fn mark(fields: &mut Map<String, Value>, marks: &[&str]) {
    let tags = fields.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let others = tags.into_iter().filter(|tag| !marks.iter().any(|mark| tag == mark)).collect::<Vec<_>>();
    fields.insert("tags".to_owned(), marks.iter().map(|mark| json!(mark)).chain(others).collect());
}

/// Whoever polls a cluster polls its pools.
pub(super) fn poll_pools_of(world: &mut World, id: &str) {
    let now = world.now;
    let all = world.plain.get_mut(POOLS).into_iter().flat_map(|all| all.values_mut());
    all.filter(|pool| pool.parents.first().map(String::as_str) == Some(id)).for_each(|pool| pool.poll(now));
}

fn cluster<'w>(world: &'w mut World, call: &Call<'_>) -> Result<&'w mut Object, Refusal> {
    world.plain.get_mut(CLUSTERS).and_then(|all| all.get_mut(call.part(0))).ok_or_else(Refusal::not_found)
}

/// `GET /v2/kubernetes/clusters/{}/credentials`
pub(in super::super) fn credentials(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = text(&cluster(world, call)?.fields, "id");
    let nth = world.nth("credentials", &id);
    let seconds = call.asked_for("expiry_seconds").and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0).unwrap_or(WEEK);
    // They are good for whoever asks, also where the world's time stands still.
    let now = world.asked_at().0;
    let token = format!("dop_v1_{:016x}{:016x}", ids::hash(world.seed, &["token", &id, &nth.to_string()]), ids::hash(1, &[&id]));
    Ok(Reply::ok(json!({
        "server": format!("https://{id}.k8s.ondigitalocean.com"), "certificate_authority_data": "Q0VSVElGSUNBVEU=",
        "client_certificate_data": null, "client_key_data": null, "token": token,
        "expires_at": Moment(now + seconds * 1000).to_rfc3339(),
    })))
}

fn shown(versions: impl Iterator<Item = &'static str>) -> Vec<Value> {
    let features = json!(["cluster-autoscaler", "docr-integration", "ha-control-plane", "token-authentication"]);
    let one = |slug: &str| json!({ "slug": slug, "kubernetes_version": slug.split('-').next(), "supported_features": features });
    versions.map(one).collect()
}

/// `GET /v2/kubernetes/clusters/{}/upgrades`
pub(in super::super) fn upgrades(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let has = text(&cluster(world, call)?.fields, "version");
    let newer = VERSIONS.into_iter().take_while(|version| *version != has);
    Ok(Reply::ok(json!({ "available_upgrade_versions": shown(newer) })))
}

/// `POST /v2/kubernetes/clusters/{}/upgrade`
pub(in super::super) fn upgrade(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted = call.body.required("version")?;
    let due = world.settings.clock.due(Wait::Action, world.now, "upgrade");
    let object = cluster(world, call)?;
    let place = |version: &str| VERSIONS.iter().position(|known| *known == version);
    match (place(&wanted), place(&text(&object.fields, "version"))) {
        (Some(to), Some(from)) if to <= from => {}
        _ => return Err(Refusal::unprocessable("the cluster cannot be upgraded to this version")),
    }
    object.fields.insert("version".to_owned(), json!(wanted));
    object.fields.insert("status".to_owned(), json!("upgrading"));
    object.pending = Some(Pending { field: "status".to_owned(), then: "running".to_owned(), due });
    Ok(Reply { status: 202, body: None })
}

/// `GET /v2/kubernetes/options`
pub(in super::super) fn options(_: &mut World, _: &Call<'_>) -> Result<Reply, Refusal> {
    let regions: Vec<Value> = catalog::REGIONS.iter().map(|region| json!({ "name": region.name, "slug": region.slug })).collect();
    let sizes: Vec<Value> = catalog::SIZES.iter().map(|size| json!({ "name": size.slug, "slug": size.slug })).collect();
    Ok(Reply::ok(json!({ "options": { "regions": regions, "versions": shown(VERSIONS.into_iter()), "sizes": sizes } })))
}

fn integrate(world: &mut World, call: &Call<'_>, on: bool) -> Result<Reply, Refusal> {
    let ids = call.body.texts("cluster_uuids")?.unwrap_or_default();
    for id in &ids {
        let object = world.plain.get_mut(CLUSTERS).and_then(|all| all.get_mut(id)).ok_or_else(Refusal::not_found)?;
        object.fields.insert("registry_enabled".to_owned(), json!(on));
    }
    Ok(Reply::nothing())
}

/// `POST /v2/kubernetes/registry`
pub(in super::super) fn add_registry(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    integrate(world, call, true)
}

/// `DELETE /v2/kubernetes/registry`
pub(in super::super) fn remove_registry(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    integrate(world, call, false)
}

/// `DELETE /v2/kubernetes/clusters/{}/destroy_with_associated_resources/dangerous`
pub(in super::super) fn destroy(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    cluster(world, call)?;
    let id = call.part(0).to_owned();
    world.plain.get_mut(CLUSTERS).map(|all| all.remove(&id));
    if let Some(all) = world.plain.get_mut(POOLS) {
        all.retain(|_, pool| !pool.parents.contains(&id));
    }
    world.plain.retain(|_, all| !all.is_empty());
    Ok(Reply::nothing())
}

#[cfg(test)]
mod tests {
    use super::super::super::test_world::TestWorld;
    use super::*;

    fn wanted() -> Value {
        json!({
            "name": "a", "region": "nyc3", "version": "1.32",
            "node_pools": [{ "name": "p", "size": "s-2vcpu-4gb", "count": 2, "tags": ["web"] }],
        })
    }

    #[test]
    fn a_cluster_comes_with_its_pool_and_begins_to_run() {
        let mut test = TestWorld::slow(1);
        let made = test.ok("POST /kubernetes/clusters", wanted())["kubernetes_cluster"].clone();
        assert_eq!((&made["version"], &made["status"]["state"]), (&json!("1.32.5-do.2"), &json!("provisioning")));
        let at = format!("/kubernetes/clusters/{}", made["id"].as_str().unwrap());
        let pool = made["node_pools"][0].clone();
        assert_eq!((&pool["nodes"][1]["status"]["state"], &pool["tags"][3]), (&json!("provisioning"), &json!("web")));
        test.get(&at);
        let seen = test.get(&at)["kubernetes_cluster"].clone();
        assert_eq!(
            (&seen["status"]["state"], &seen["node_pools"][0]["nodes"][0]["status"]["state"]),
            (&json!("running"), &json!("running"))
        );
        // What is not named stays as it is.
        let changed = test.ok(&format!("PUT {at}"), json!({ "name": "b" }))["kubernetes_cluster"].clone();
        assert_eq!((&changed["name"], &changed["version"], &changed["node_pools"][0]["count"]), (&json!("b"), &seen["version"], &json!(2)));
        let pool = format!("{at}/node_pools/{}", pool["id"].as_str().unwrap());
        test.ok(&format!("PUT {pool}"), json!({ "name": "p", "count": 3 }));
        assert_eq!(test.get(&pool)["node_pool"]["nodes"].as_array().unwrap().len(), 3);
        let tokens: Vec<Value> = (0..2).map(|_| test.get(&format!("{at}/credentials"))["token"].clone()).collect();
        assert_ne!(tokens[0], tokens[1]);
        test.ok(&format!("DELETE {at}"), Value::Null);
        test.refused(&format!("GET {pool}"), Value::Null, 404, "could not be found");
    }
}
