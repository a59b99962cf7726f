//! How databases behave beyond their fields: connections with passwords, changes that take their time, rules and policies that lie
//! at paths of their own.
//!
//! Invariant: passwords follow from names and seed, so that the same account has the same ones.

use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::refusal::Refusal;
use super::super::time::{Wait, timestamp};
use super::super::wire::{Call, Reply};
use super::super::world::World;
use super::family::{Object, Pending};

const CLUSTERS: &str = "/v2/databases";
const USERS: &str = "/v2/databases/{database_cluster_uuid}/users";

/// Completes a new cluster as the API does.
pub(super) fn complete_cluster(_: &mut World, _: &str, fields: &mut Map<String, Value>) {
    let (id, engine) = (text(fields, "id"), text(fields, "engine"));
    let (scheme, port) = match engine.as_str() {
        "mysql" => ("mysql", 25060),
        "redis" | "valkey" => ("rediss", 25061),
        "mongodb" => ("mongodb+srv", 27017),
        "kafka" => ("kafka", 25073),
        "opensearch" => ("https", 25060),
        _ => ("postgresql", 25060),
    };
    let host = format!("{}-do-user-1-0.db.ondigitalocean.com", text(fields, "name"));
    let first = |host: &str| connection(scheme, host, port, "doadmin", "defaultdb", &id);
    fields.insert("connection".to_owned(), first(&host));
    fields.insert("private_connection".to_owned(), first(&format!("private-{host}")));
    if engine == "opensearch" {
        let mut dashboard = first(&host);
        if let Some(fields) = dashboard.as_object_mut() {
            fields.remove("database");
        }
        fields.insert("ui_connection".to_owned(), dashboard);
    }
    fields.insert("db_names".to_owned(), json!(["defaultdb"]));
    fields.insert("users".to_owned(), json!([{ "name": "doadmin", "role": "primary", "password": password(&id, "doadmin") }]));
    let window = json!({ "day": "tuesday", "hour": "02:00:00", "pending": false, "description": [] });
    for (name, value) in [
        ("maintenance_window", window),
        ("storage_size_mib", json!(61_440)),
        ("private_network_uuid", json!(ids::uuid(0, &["network", &id]))),
        ("project_id", json!(ids::uuid(0, &["project", &id]))),
        ("eviction_policy", json!("noeviction")),
        ("sql_mode", json!("ANSI,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION")),
    ] {
        fields.entry(name).or_insert(value);
    }
}

/// Completes a new sink of logs as the API does.
pub(super) fn complete_sink(_: &mut World, _: &str, fields: &mut Map<String, Value>) {
    if let Some(config) = fields.get_mut("config").and_then(Value::as_object_mut).filter(|config| config.contains_key("url")) {
        config.entry("index_days_max").or_insert_with(|| json!(7));
        config.entry("timeout").or_insert_with(|| json!(10));
    }
}

/// Completes a new connection pool as the API does.
pub(super) fn complete_pool(_: &mut World, _: &str, fields: &mut Map<String, Value>) {
    let (name, user, db) = (text(fields, "name"), text(fields, "user"), text(fields, "db"));
    let of = |host: &str| connection("postgresql", host, 25061, &user, &db, &name);
    let (open, private) = (of("pool.db.ondigitalocean.com"), of("private-pool.db.ondigitalocean.com"));
    fields.insert("connection".to_owned(), open);
    fields.insert("private_connection".to_owned(), private);
}

/// Completes a new replica as the API does.
pub(super) fn complete_replica(_: &mut World, _: &str, fields: &mut Map<String, Value>) {
    let id = text(fields, "id");
    let of = |host: &str| connection("postgresql", host, 25060, "doadmin", "defaultdb", &id);
    let (open, private) = (of("replica.db.ondigitalocean.com"), of("private-replica.db.ondigitalocean.com"));
    fields.insert("connection".to_owned(), open);
    fields.insert("private_connection".to_owned(), private);
    for (name, value) in [
        ("region", json!("nyc3")),
        ("size", json!("db-s-1vcpu-1gb")),
        ("storage_size_mib", json!(61_440)),
        ("private_network_uuid", json!(ids::uuid(0, &["network", &id]))),
    ] {
        fields.entry(name).or_insert(value);
    }
}

/// Completes a new user as the API does.
pub(super) fn complete_user(_: &mut World, _: &str, fields: &mut Map<String, Value>) {
    let name = text(fields, "name");
    fields.insert("role".to_owned(), json!("normal"));
    fields.insert("password".to_owned(), json!(password("user", &name)));
    fields.insert("access_key".to_owned(), json!(password("key", &name)));
    fields.insert("access_cert".to_owned(), json!(password("certificate", &name)));
    number_rules(fields);
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn password(of: &str, user: &str) -> String {
    format!("AVNS_{:016x}{:08x}", ids::hash(0, &["password", of, user]), ids::hash(1, &[of, user]) >> 32)
}

fn connection(scheme: &str, host: &str, port: u16, user: &str, database: &str, of: &str) -> Value {
    let password = password(of, user);
    let uri = format!("{scheme}://{user}:{password}@{host}:{port}/{database}?sslmode=require");
    json!({ "uri": uri, "database": database, "host": host, "port": port, "user": user, "password": password, "ssl": true })
}

/// A Kafka user's access rules have identifiers.
fn number_rules(fields: &mut Map<String, Value>) {
    let rules = fields.get_mut("settings").and_then(|settings| settings.get_mut("acl")).and_then(Value::as_array_mut);
    for (at, rule) in rules.into_iter().flatten().enumerate() {
        rule["id"] = json!(format!("acl{at}"));
    }
}

/// The cluster that a path names.
fn cluster<'w>(world: &'w mut World, call: &Call<'_>) -> Result<&'w mut Object, Refusal> {
    world.plain.get_mut(CLUSTERS).and_then(|all| all.get_mut(call.part(0))).ok_or_else(Refusal::not_found)
}

/// Sets fields of a cluster, which is at work on that for a while.
fn work(world: &mut World, call: &Call<'_>, status: &str, names: &[&str], reply: u16) -> Result<Reply, Refusal> {
    let due = world.settings.clock.due(Wait::Action, world.now, "status");
    let object = cluster(world, call)?;
    for (name, value) in names.iter().filter_map(|name| Some((*name, call.body.0.get(*name)?))) {
        object.fields.insert(name.to_owned(), value.clone());
    }
    object.fields.insert("status".to_owned(), json!(status));
    object.pending = Some(Pending { field: "status".to_owned(), then: "online".to_owned(), due });
    Ok(Reply { status: reply, body: None })
}

/// `GET /v2/databases/{}/ca`
pub(in super::super) fn authority(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    cluster(world, call)?;
    // "AUTHORITY" in PEM's own base64.
    Ok(Reply::ok(json!({ "ca": { "certificate": "QVVUSE9SSVRZ" } })))
}

/// `PUT /v2/databases/{}/resize`
pub(in super::super) fn resize(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    work(world, call, "resizing", &["size", "num_nodes", "storage_size_mib"], 202)
}

/// `PUT /v2/databases/{}/migrate`
pub(in super::super) fn migrate(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    work(world, call, "migrating", &["region"], 202)
}

/// `PUT /v2/databases/{}/upgrade`
pub(in super::super) fn upgrade(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    cluster(world, call)?.fields.extend(call.body.0.clone());
    Ok(Reply::nothing())
}

/// `PUT /v2/databases/{}/maintenance`
pub(in super::super) fn maintenance(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (day, hour) = (call.body.required("day")?, call.body.required("hour")?);
    let hour = if hour.matches(':').count() == 1 { format!("{hour}:00") } else { hour };
    let window = json!({ "day": day, "hour": hour, "pending": false, "description": [] });
    cluster(world, call)?.fields.insert("maintenance_window".to_owned(), window);
    Ok(Reply::nothing())
}

/// `GET /v2/databases/{}/eviction_policy` and the like.
fn policy(world: &mut World, call: &Call<'_>, name: &str) -> Result<Reply, Refusal> {
    let value = cluster(world, call)?.fields.get(name).cloned();
    Ok(Reply::ok(json!({ name: value })))
}

/// `GET /v2/databases/{}/eviction_policy`
pub(in super::super) fn eviction_policy(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    policy(world, call, "eviction_policy")
}

/// `GET /v2/databases/{}/sql_mode`
pub(in super::super) fn sql_mode(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    policy(world, call, "sql_mode")
}

/// `PUT /v2/databases/{}/eviction_policy` and `…/sql_mode`
pub(in super::super) fn set_policy(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let object = cluster(world, call)?;
    for name in ["eviction_policy", "sql_mode"] {
        if let Some(value) = call.body.text(name)? {
            object.fields.insert(name.to_owned(), json!(value));
        }
    }
    Ok(Reply::nothing())
}

/// `GET /v2/databases/{}/firewall`
pub(in super::super) fn rules(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let rules = cluster(world, call)?.fields.get("rules").cloned();
    Ok(Reply::ok(json!({ "rules": rules.unwrap_or_else(|| json!([])) })))
}

/// `PUT /v2/databases/{}/firewall`
pub(in super::super) fn set_rules(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let now = timestamp(world.now.0);
    let id = call.part(0).to_owned();
    let mut rules = call.body.items("rules")?.ok_or_else(|| Refusal::unprocessable("rules is required"))?;
    for rule in &mut rules {
        let (of, what) = (rule["type"].to_string(), rule["value"].to_string());
        rule["uuid"] = json!(ids::uuid(0, &["rule", &id, &of, &what]));
        rule["cluster_uuid"] = json!(id);
        rule["created_at"] = now.clone();
    }
    let object = cluster(world, call)?;
    if rules.is_empty() {
        object.fields.remove("rules");
    } else {
        object.fields.insert("rules".to_owned(), json!(rules));
    }
    Ok(Reply::nothing())
}

/// `POST /v2/databases/{}/users/{}/reset_auth`
pub(in super::super) fn reset_auth(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = format!("{}/{}", call.part(0), call.part(1));
    let object = world.plain.get_mut(USERS).and_then(|all| all.get_mut(&id)).ok_or_else(Refusal::not_found)?;
    object.fields.extend(call.body.0.clone());
    let fields: Map<String, Value> = object.fields.clone();
    Ok(Reply::ok(json!({ "user": fields })))
}

#[cfg(test)]
mod tests {
    use super::super::super::test_world::TestWorld;
    use super::*;

    fn wanted(name: &str) -> Value {
        json!({ "name": name, "engine": "pg", "version": "16", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1 })
    }

    #[test]
    fn a_name_is_one_in_its_cluster_only() {
        let mut test = TestWorld::new();
        let ids: Vec<String> =
            ["a", "b"].map(|name| test.ok("POST /databases", wanted(name))["database"]["id"].as_str().unwrap().to_owned()).into();
        for id in &ids {
            test.ok(&format!("POST /databases/{id}/dbs"), json!({ "name": "app" }));
        }
        test.refused(&format!("POST /databases/{}/dbs", ids[0]), json!({ "name": "app" }), 422, "name is already in use");
        test.ok(&format!("DELETE /databases/{}", ids[0]), Value::Null);
        assert_eq!(test.get(&format!("/databases/{}/dbs/app", ids[1]))["db"]["name"], "app");
        test.refused(&format!("GET /databases/{}/dbs/app", ids[0]), Value::Null, 404, "could not be found");
    }

    #[test]
    fn a_resize_takes_its_time() {
        let mut test = TestWorld::slow(1);
        let made = test.ok("POST /databases", wanted("a"))["database"].clone();
        let at = format!("/databases/{}", made["id"].as_str().unwrap());
        let status = |test: &mut TestWorld| test.get(&at)["database"]["status"].clone();
        assert_eq!([made["status"].clone(), status(&mut test), status(&mut test)], ["creating", "creating", "online"]);
        test.ok(&format!("PUT {at}/resize"), json!({ "size": "db-s-2vcpu-4gb", "num_nodes": 2 }));
        assert_eq!([status(&mut test), status(&mut test)], ["resizing", "online"]);
        assert_eq!(test.get(&at)["database"]["num_nodes"], 2);
    }
}
