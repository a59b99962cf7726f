//! How apps behave beyond their fields: what is secret of one is never shown, and each create and each change is a deployment, which
//! is at work for a while and can fail.
//!
//! Invariant: a plain family; only its behaviour is here. A component whose build command is `false` cannot be built.

use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::projects;
use super::super::refusal::Refusal;
use super::super::scopes::Scopes;
use super::super::time::{Wait, timestamp};
use super::super::wire::{Call, Reply};
use super::super::world::World;
use super::family::{Object, Pending};

const APPS: &str = "/v2/apps";
const DEPLOYMENTS: &str = "/v2/apps/{app_id}/deployments";
/// The components of a spec.
const COMPONENTS: [&str; 5] = ["services", "static_sites", "workers", "jobs", "functions"];
/// Names of fields that are secret wherever they stand.
const SECRET: [&str; 4] = ["registry_credentials", "api_key", "token", "password"];
/// The beginning and the end of a secret that is shown.
const SEALED: &str = "EV[";

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}

fn components(spec: &Value) -> impl Iterator<Item = &Value> {
    COMPONENTS.iter().flat_map(|name| list(spec, name))
}

/// Refuses a name that is taken, components of one name, and an app of nothing.
pub(super) fn validate(world: &mut World, call: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    let nothing = Value::Null;
    let spec = fields.get("spec").unwrap_or(&nothing);
    let own = call.path.first();
    let mut others = world.plain.get(APPS).into_iter().flatten().filter(|(id, _)| Some(*id) != own);
    if others.any(|(_, app)| app.fields["spec"]["name"] == spec["name"]) {
        return Err(Refusal::conflict("an app of this name is there already"));
    }
    let mut names: Vec<&str> = components(spec).chain(list(spec, "databases")).filter_map(|of| of["name"].as_str()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() < count {
        return Err(Refusal::bad_request("the names of components must differ"));
    }
    if count == 0 { Err(Refusal::bad_request("an app needs a component")) } else { Ok(()) }
}

/// Seals what is secret.
fn seal(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(seal),
        Value::Object(fields) => {
            let is_secret = fields.get("type") == Some(&json!("SECRET"));
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if (SECRET.contains(&name.as_str()) || is_secret && name == "value") && !text.starts_with(SEALED) => {
                        let [nonce, cipher] = [1, 2].map(|seed| format!("{:016x}", ids::hash(seed, &[text])));
                        *value = json!(format!("{SEALED}1:{nonce}:{cipher}]"));
                    }
                    Some(_) => {}
                    None => seal(value),
                }
            }
        }
        _ => {}
    }
}

/// Completes an app as the API does, and begins its deployment.
pub(super) fn complete(world: &mut World, id: &str, fields: &mut Map<String, Value>) {
    let mut spec = fields.get("spec").cloned().unwrap_or_default();
    seal(&mut spec);
    fill_in(&mut spec);
    let name = spec["name"].as_str().unwrap_or_default();
    let host = format!("{name}-{}.ondigitalocean.app", &id[..5.min(id.len())]);
    let now = timestamp(world.now.0);
    let fails = components(&spec).any(|of| of["build_command"] == "false");
    for (name, value) in [
        ("default_ingress", json!(format!("https://{host}"))),
        ("live_url", json!(format!("https://{host}"))),
        ("live_url_base", json!(format!("https://{host}"))),
        ("live_domain", json!(host)),
    ] {
        // It keeps them, whatever it is called later.
        fields.entry(name).or_insert(value);
    }
    fields.insert("updated_at".to_owned(), json!(now));
    let project = projects::default_id(world);
    fields.entry("project_id").or_insert_with(|| json!(project));
    fields.insert("spec".to_owned(), spec);
    begin(world, id, fails);
}

/// Fills in what nobody has written.
fn fill_in(spec: &mut Value) {
    for name in ["services", "workers", "jobs"] {
        for component in spec[name].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            component.entry("instance_count").or_insert_with(|| json!(1));
            component.entry("instance_size_slug").or_insert_with(|| json!("apps-s-1vcpu-0.5gb"));
        }
    }
    for service in spec["services"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        service.entry("http_port").or_insert_with(|| json!(8080));
    }
    let routed = components(spec).any(|of| !list(of, "routes").is_empty());
    let is_open = |name: &str| !list(spec, name).is_empty();
    if spec["ingress"].is_null() && !routed && ["services", "static_sites"].into_iter().any(is_open) {
        let answering: Vec<&Value> = ["services", "static_sites"].iter().flat_map(|name| list(spec, name)).collect();
        let rule = |(at, of): (usize, &&Value)| {
            let prefix = if at == 0 { "/".to_owned() } else { format!("/{}", of["name"].as_str().unwrap_or_default()) };
            json!({ "match": { "path": { "prefix": prefix } }, "component": { "name": of["name"] } })
        };
        let rules: Vec<Value> = answering.iter().enumerate().map(rule).collect();
        spec["ingress"] = json!({ "rules": rules });
    }
    if let Value::Object(fields) = spec {
        fields.retain(|_, value| !value.is_null());
        fields.entry("region").or_insert_with(|| json!("ams"));
    }
}

/// Begins a deployment.
fn begin(world: &mut World, app: &str, fails: bool) {
    let nth = world.nth("deployment", app);
    let id = ids::uuid(world.seed, &["deployment", app, &nth.to_string()]);
    let now = timestamp(world.now.0);
    let fields = json!({ "id": id, "phase": "BUILDING", "created_at": now, "updated_at": now, "nth": nth });
    let due = world.settings.clock.due(Wait::Action, world.now, "deployment");
    let then = if fails { "ERROR" } else { "ACTIVE" }.to_owned();
    let pending = Some(Pending { field: "phase".to_owned(), then, due });
    let object = Object { parents: vec![app.to_owned()], fields: fields.as_object().cloned().unwrap_or_default(), pending };
    world.plain.entry(DEPLOYMENTS.to_owned()).or_default().insert(id, object);
}

/// The deployments of an app, the newest first.
fn deployments<'w>(world: &'w World, app: &str) -> Vec<&'w Object> {
    let all = world.plain.get(DEPLOYMENTS).into_iter().flat_map(|all| all.values());
    let mut own: Vec<&Object> = all.filter(|of| of.parents.first().map(String::as_str) == Some(app)).collect();
    own.sort_by_key(|of| std::cmp::Reverse(of.fields["nth"].as_u64()));
    own
}

/// Whoever polls an app polls its deployments.
pub(super) fn on_poll(world: &mut World, id: &str) {
    let now = world.now;
    let all = world.plain.get_mut(DEPLOYMENTS).into_iter().flat_map(|all| all.values_mut());
    all.filter(|of| of.parents.first().map(String::as_str) == Some(id)).for_each(|of| of.poll(now));
    world.touch();
}

/// A deployment as the API shows it; an older one that was active is so no longer.
fn show(deployment: &Object, is_newest_active: bool) -> Value {
    let phase = match deployment.fields["phase"].as_str().unwrap_or_default() {
        "ACTIVE" if !is_newest_active => "SUPERSEDED",
        phase => phase,
    };
    let (status, reason) = match phase {
        "ERROR" => ("ERROR", json!({ "code": "BuildJobExitNonZero", "message": "the build command exited with 1" })),
        "BUILDING" => ("RUNNING", Value::Null),
        _ => ("SUCCESS", Value::Null),
    };
    let mut step = json!({ "name": "build", "status": status });
    if !reason.is_null() {
        step["reason"] = reason;
    }
    let count = |word: &str| u8::from(status == word);
    let mut shown = Value::Object(deployment.fields.clone());
    shown["phase"] = json!(phase);
    shown["progress"] = json!({
        "total_steps": 1, "success_steps": count("SUCCESS"), "error_steps": count("ERROR"), "running_steps": count("RUNNING"),
        "pending_steps": 0, "steps": [step],
    });
    if let Value::Object(fields) = &mut shown {
        fields.remove("nth");
    }
    shown
}

fn shown(world: &World, app: &str) -> Vec<Value> {
    let all = deployments(world, app);
    let active = all.iter().position(|of| of.fields["phase"] == "ACTIVE");
    all.iter().enumerate().map(|(at, of)| show(of, Some(at) == active)).collect()
}

/// Its deployments, and its URL once it has one.
pub(super) fn render(world: &World, _: &Scopes, fields: &mut Map<String, Value>) {
    let id = fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let all = shown(world, &id);
    let active = all.iter().find(|of| of["phase"] == "ACTIVE");
    match active {
        Some(active) => drop(fields.insert("active_deployment".to_owned(), active.clone())),
        None => ["default_ingress", "live_url", "live_url_base", "live_domain"].iter().for_each(|name| drop(fields.remove(*name))),
    }
    if let Some(newest) = all.first().filter(|of| of["phase"] == "BUILDING") {
        fields.insert("in_progress_deployment".to_owned(), newest.clone());
    }
    for name in ["pinned_deployment", "pending_deployment"] {
        fields.remove(name);
    }
}

/// Its deployments go with it.
pub(super) fn before_delete(world: &mut World, id: &str) -> Result<(), Refusal> {
    if let Some(all) = world.plain.get_mut(DEPLOYMENTS) {
        all.retain(|_, of| of.parents.first().map(String::as_str) != Some(id));
    }
    Ok(())
}

fn app(world: &mut World, call: &Call<'_>) -> Result<String, Refusal> {
    let id = call.part(0).to_owned();
    world.object(APPS, &id).ok_or_else(Refusal::not_found)?;
    on_poll(world, &id);
    Ok(id)
}

/// `GET /v2/apps/{app_id}/deployments`
pub(in super::super) fn list_deployments(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = app(world, call)?;
    call.page("deployments", &shown(world, &id), Value::clone)
}

/// `GET /v2/apps/{app_id}/deployments/{deployment_id}`
pub(in super::super) fn read_deployment(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = app(world, call)?;
    let found = shown(world, &id).into_iter().find(|of| of["id"] == call.part(1));
    found.map(|found| Reply::ok(json!({ "deployment": found }))).ok_or_else(Refusal::not_found)
}

#[cfg(test)]
mod tests {
    use super::super::super::test_world::TestWorld;
    use super::*;

    fn wanted(build: &str) -> Value {
        let env = json!([{ "key": "A", "value": "open" }, { "key": "B", "value": "hidden77", "type": "SECRET" }]);
        json!({ "spec": { "name": "shop", "services": [{ "name": "web", "build_command": build, "envs": env }] } })
    }

    #[test]
    fn an_app_is_deployed_and_its_secrets_are_sealed() {
        let mut test = TestWorld::slow(1);
        let made = test.ok("POST /apps", wanted("make"))["app"].clone();
        let envs = &made["spec"]["services"][0]["envs"];
        assert_eq!((&envs[0]["value"], envs[1]["value"].as_str().unwrap().starts_with("EV[1:")), (&json!("open"), true));
        assert!(!test.world.to_json().to_string().contains("hidden77"));
        assert_eq!((&made["active_deployment"], &made["in_progress_deployment"]["phase"]), (&Value::Null, &json!("BUILDING")));
        test.refused("POST /apps", wanted("make"), 409, "name");
        let at = format!("/apps/{}", made["id"].as_str().unwrap());
        while test.get(&at)["app"]["active_deployment"]["phase"] != "ACTIVE" {}
        assert_eq!(test.get(&at)["app"]["spec"]["ingress"]["rules"][0]["component"]["name"], "web");
        test.ok(&format!("PUT {at}"), wanted("false"));
        while test.get(&format!("{at}/deployments"))["deployments"][0]["phase"] != "ERROR" {}
        let all = test.get(&format!("{at}/deployments"))["deployments"].clone();
        assert_eq!(
            (&all[0]["progress"]["steps"][0]["reason"]["code"], &all[1]["phase"]),
            (&json!("BuildJobExitNonZero"), &json!("ACTIVE"))
        );
        assert_eq!(test.ok(&format!("DELETE {at}"), Value::Null)["id"], made["id"]);
        assert!(test.world.is_fresh());
    }
}
