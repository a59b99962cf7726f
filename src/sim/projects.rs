//! Projects: the default one, which holds everything that was put into no other, and those that were made.
//!
//! Invariant: a name is unique; a project that holds something is not deleted. What is put nowhere lies in the default one, which
//! stays the same.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::ids;
use super::objects::project::Project;
use super::refusal::Refusal;
use super::time::{EPOCH, timestamp};
use super::wire::{Call, Reply};
use super::world::{Made, World};

/// The longest name, and the longest description.
const LONGEST: [usize; 2] = [175, 255];

/// The purposes that are offered; any other one is kept with a word before it.
const PURPOSES: [&str; 9] = [
    "Just trying out DigitalOcean",
    "Class project / Educational purposes",
    "Website or blog",
    "Web Application",
    "Service or API",
    "Mobile Application",
    "Machine learning / AI / Data processing",
    "IoT",
    "Operational / Developer tooling",
];

/// Plain families whose objects lie in projects: what their names begin with, the collection, and how links call it.
const PLAIN: [(&str, &str, &str); 5] = [
    ("do:app:", "/v2/apps", "apps"),
    ("do:dbaas:", "/v2/databases", "databases"),
    ("do:kubernetes:", "/v2/kubernetes/clusters", "kubernetes/clusters"),
    ("do:loadbalancer:", "/v2/load_balancers", "load_balancers"),
    ("do:volume:", "/v2/volumes", "volumes"),
];

/// The default project's identifier.
pub(super) fn default_id(world: &World) -> String {
    ids::uuid(world.seed, &["default project"])
}

/// The project that an address lies in.
pub(super) fn of_address(world: &World, ip: Ipv4Addr) -> String {
    world.reserved_ips.get(&ip).and_then(|ip| ip.project.clone()).unwrap_or_else(|| default_id(world))
}

/// Refuses a project that is not there; `None` is the default one.
pub(super) fn must_be(world: &World, id: &str) -> Result<Option<String>, Refusal> {
    if id == default_id(world) {
        return Ok(None);
    }
    let known = world.projects.contains_key(id);
    if known { Ok(Some(id.to_owned())) } else { Err(Refusal::unprocessable(format!("project {id} could not be found"))) }
}

fn show_default(world: &World) -> Value {
    show(
        world,
        &Project {
            id: default_id(world),
            name: "Simulated".to_owned(),
            description: "The project of a simulated account.".to_owned(),
            purpose: "Just trying out DigitalOcean".to_owned(),
            environment: "Development".to_owned(),
            created: EPOCH.0,
        },
    )
}

pub(super) fn show(world: &World, project: &Project) -> Value {
    let (made, owner) = (timestamp(project.created), ids::uuid(world.seed, &["account"]));
    json!({
        "id": project.id, "owner_uuid": owner, "owner_id": ids::number(world.seed, &["owner"], |_| false), "name": project.name,
        "description": project.description, "purpose": project.purpose, "environment": project.environment,
        "created_at": made, "updated_at": made, "is_default": project.id == default_id(world),
    })
}

/// `GET /v2/projects`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let made: Vec<String> = world.projects.keys().cloned().collect();
    let mut shown = vec![show_default(world)];
    for id in made.into_iter().filter(|id| world.listed(&format!("project:{id}"))).collect::<Vec<_>>() {
        shown.extend(world.projects.get(&id).map(|project| show(world, project)));
    }
    call.page("projects", &shown, Value::clone)
}

/// `POST /v2/projects`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (name, purpose) = (call.body.required("name")?, call.body.required("purpose")?);
    let (description, environment) = (call.body.text("description")?, call.body.text("environment")?);
    let description = description.unwrap_or_default();
    must_fit(world, None, &name, &description)?;
    let nth = world.nth("project", &name);
    let id = ids::uuid(world.seed, &["project", &name, &nth.to_string()]);
    let id = world.id_or(id);
    let created = world.now.0;
    let project = Project {
        id: id.clone(),
        name,
        description,
        purpose: kept(purpose),
        environment: environment.unwrap_or_else(|| "Development".to_owned()),
        created,
    };
    let shown = show(world, &project);
    world.projects.insert(id.clone(), project);
    world.note(Made::Other(format!("project:{id}")));
    Ok(Reply::created(json!({ "project": shown })))
}

/// Refuses a name that is taken, and what is too long.
fn must_fit(world: &World, own: Option<&str>, name: &str, description: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > LONGEST[0] || description.len() > LONGEST[1] {
        return Err(Refusal::unprocessable("name is too long (175 characters at most), or description (255)"));
    }
    if world.projects.values().any(|project| project.name == name && own != Some(&project.id)) || name == "Simulated" {
        return Err(Refusal::conflict("name is already in use"));
    }
    Ok(())
}

/// A purpose as it is kept.
fn kept(purpose: String) -> String {
    if PURPOSES.contains(&purpose.as_str()) || purpose.starts_with("Other: ") { purpose } else { format!("Other: {purpose}") }
}

/// `PATCH /v2/projects/{project_id}`
pub(super) fn update(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let refused = || Refusal::unprocessable("the default project stays as it is");
    let id = find(world, call)?.ok_or_else(refused)?;
    if call.body.flag("is_default")? == Some(true) {
        return Err(refused());
    }
    let mut project = world.projects.get(&id).cloned().ok_or_else(Refusal::not_found)?;
    let asked = |name: &str| call.body.text(name);
    project.name = asked("name")?.unwrap_or(project.name);
    project.description = asked("description")?.unwrap_or(project.description);
    project.purpose = asked("purpose")?.map_or(project.purpose, kept);
    project.environment = asked("environment")?.unwrap_or(project.environment);
    must_fit(world, Some(&id), &project.name, &project.description)?;
    let shown = show(world, &project);
    world.projects.insert(id, project);
    Ok(Reply::ok(json!({ "project": shown })))
}

/// `PUT /v2/projects/{project_id}`
pub(super) fn replace(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    for name in ["name", "description", "purpose", "environment"] {
        call.body.required(name)?;
    }
    update(world, call)
}

/// `GET /v2/projects/default`
pub(super) fn read_default(world: &mut World, _: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(json!({ "project": show_default(world) })))
}

/// `GET /v2/projects/{project_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    match find(world, call)? {
        None => read_default(world, call),
        Some(id) => {
            world.found(&format!("project:{id}"))?;
            Ok(Reply::ok(json!({ "project": world.projects.get(&id).map(|project| show(world, project)) })))
        }
    }
}

/// `DELETE /v2/projects/{project_id}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = find(world, call)?.ok_or_else(|| Refusal::new(412, "precondition_failed", "cannot delete the default project"))?;
    if !lodged(world, Some(&id)).is_empty() {
        return Err(Refusal::new(412, "precondition_failed", "cannot delete a project with resources"));
    }
    world.projects.remove(&id);
    Ok(Reply::nothing())
}

/// `GET /v2/projects/{project_id}/resources`
pub(super) fn resources(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    match find(world, call)? {
        None => default_resources(world, call),
        Some(id) => page(call, &lodged(world, Some(&id))),
    }
}

/// `GET /v2/projects/default/resources`
pub(super) fn default_resources(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    page(call, &lodged(world, None))
}

/// `POST /v2/projects/{project_id}/resources`
pub(super) fn assign(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let project = find(world, call)?;
    put(world, call, project.as_deref())
}

/// `POST /v2/projects/default/resources`
pub(super) fn assign_default(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    put(world, call, None)
}

fn put(world: &mut World, call: &Call<'_>, project: Option<&str>) -> Result<Reply, Refusal> {
    let since = timestamp(world.now.0);
    let mut shown = Vec::new();
    for urn in call.body.texts("resources")?.unwrap_or_default() {
        let ip =
            urn.strip_prefix("do:floatingip:").or_else(|| urn.strip_prefix("do:reservedip:")).and_then(|ip| ip.parse::<Ipv4Addr>().ok());
        let is_object = objects(world).iter().any(|(other, _)| *other == urn);
        let address = ip.and_then(|ip| world.reserved_ips.get_mut(&ip));
        let known = address.is_some() || is_object;
        let status = if known { "assigned" } else { "not_found" };
        let project = project.map(str::to_owned);
        match (address, project) {
            (Some(address), project) => address.project = project,
            (None, Some(project)) if known => drop(world.lodging.insert(urn.clone(), project)),
            (None, _) => drop(world.lodging.remove(&urn)),
        }
        let path = ip.map(|ip| format!("floating_ips/{ip}")).unwrap_or_default();
        shown.push(json!({ "urn": urn, "assigned_at": since, "links": { "self": format!("{}/v2/{path}", call.base) }, "status": status }));
    }
    Ok(Reply::ok(json!({ "resources": shown })))
}

/// The objects of a project; those of the default one were put nowhere else.
fn lodged(world: &World, project: Option<&str>) -> Vec<(String, String)> {
    let here = |(urn, _): &(String, String)| world.lodging.get(urn).map(String::as_str) == project;
    let objects = objects(world).into_iter().filter(here);
    objects.chain(addresses(world, project)).collect()
}

/// Everything that can lie in a project, addresses aside: its name, and its path.
fn objects(world: &World) -> Vec<(String, String)> {
    let droplets = world.droplets.keys().map(|id| (format!("do:droplet:{id}"), format!("droplets/{id}")));
    let domains = world.domains.keys().map(|name| (format!("do:domain:{name}"), format!("domains/{name}")));
    let plain = PLAIN.iter().flat_map(|(urn, family, path)| {
        let ids = world.plain.get(*family).into_iter().flat_map(|all| all.keys());
        ids.map(move |id| (format!("{urn}{id}"), format!("{path}/{id}")))
    });
    let spaces = world.spaces.iter().filter(|(_, space)| !space.is_foreign);
    let spaces = spaces.map(|(name, _)| (format!("do:space:{name}"), format!("spaces/{name}")));
    droplets.chain(domains).chain(spaces).chain(plain).collect()
}

fn addresses(world: &World, project: Option<&str>) -> Vec<(String, String)> {
    let here = world.reserved_ips.values().filter(|ip| ip.project.as_deref() == project);
    here.map(|ip| (format!("do:floatingip:{}", ip.ip), format!("floating_ips/{}", ip.ip))).collect()
}

fn page(call: &Call<'_>, all: &[(String, String)]) -> Result<Reply, Refusal> {
    let since = timestamp(EPOCH.0);
    call.page(
        "resources",
        all,
        |(urn, path)| json!({ "urn": urn, "assigned_at": since, "links": { "self": format!("{}/v2/{path}", call.base) }, "status": "ok" }),
    )
}

/// The project that a path names; `None` is the default one.
fn find(world: &World, call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let id = call.part(0);
    match id == default_id(world) {
        true => Ok(None),
        false if world.projects.contains_key(id) => Ok(Some(id.to_owned())),
        false => Err(Refusal::not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_world::TestWorld;
    use super::*;

    #[test]
    fn a_project_is_made_holds_an_address_and_is_deleted_when_it_holds_none() {
        let mut test = TestWorld::new();
        let made = test.ok("POST /projects", json!({ "name": "a", "purpose": "b" }));
        let id = made["project"]["id"].as_str().unwrap().to_owned();
        test.refused("POST /projects", json!({ "name": "a", "purpose": "b" }), 409, "in use");
        test.refused("POST /projects", json!({ "name": "b" }), 422, "purpose");
        let reserved = test.ok("POST /reserved_ips", json!({ "region": "nyc3", "project_id": id }));
        let ip = reserved["reserved_ip"]["ip"].as_str().unwrap().to_owned();
        assert_eq!(reserved["reserved_ip"]["project_id"], json!(id));
        test.refused("POST /reserved_ips", json!({ "region": "nyc3", "project_id": "x" }), 422, "could not be found");
        assert_eq!(test.get(&format!("/projects/{id}/resources"))["resources"][0]["urn"], json!(format!("do:floatingip:{ip}")));
        test.refused(&format!("DELETE /projects/{id}"), Value::Null, 412, "with resources");
        test.ok("POST /projects/default/resources", json!({ "resources": [format!("do:reservedip:{ip}"), "do:droplet:1"] }));
        let default = test.get("/projects/default")["project"]["id"].clone();
        assert_eq!(test.get(&format!("/reserved_ips/{ip}"))["reserved_ip"]["project_id"], default);
        test.ok(&format!("POST /projects/{id}/resources"), json!({ "resources": [format!("do:floatingip:{ip}")] }));
        let droplet = test.droplet("a");
        let urn = format!("do:droplet:{droplet}");
        let moved = test.ok(&format!("POST /projects/{id}/resources"), json!({ "resources": [urn, "do:droplet:1"] }));
        assert_eq!((&moved["resources"][0]["status"], &moved["resources"][1]["status"]), (&json!("assigned"), &json!("not_found")));
        assert_eq!(test.get(&format!("/projects/{id}/resources"))["meta"]["total"], 2);
        test.ok(&format!("DELETE /droplets/{droplet}"), Value::Null);
        let changed = test.ok(&format!("PATCH /projects/{id}"), json!({ "purpose": "tea" }));
        assert_eq!((&changed["project"]["purpose"], &changed["project"]["name"]), (&json!("Other: tea"), &json!("a")));
        test.refused(&format!("PUT /projects/{id}"), json!({ "name": "c" }), 422, "description");
        test.ok(&format!("DELETE /reserved_ips/{ip}"), Value::Null);
        test.ok(&format!("DELETE /projects/{id}"), Value::Null);
        test.refused(&format!("GET /projects/{id}"), Value::Null, 404, "could not be found");
        assert!(test.world.is_fresh());
    }
}
