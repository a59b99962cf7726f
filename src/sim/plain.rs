//! Requests about objects of plain families.
//!
//! Invariant: the description says which fields there are; here is how they behave: what is made has an identifier and moments of
//! its own, a change by PUT replaces what can be changed, what lies in an object goes with it. The client's tables are unknown here.

pub(super) mod addresses;
pub(super) mod apps;
pub(super) mod databases;
pub(super) mod family;
#[cfg(test)]
mod family_tests;
pub(super) mod images;
pub(super) mod kubernetes;
pub(super) mod networks;
pub(super) mod registries;
mod rules;
pub(super) mod spaces_keys;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::ids;
use super::refusal::Refusal;
use super::time::{Wait, timestamp};
use super::wire::{Call, Reply};
use super::world::{Made, World};
use family::{Family, Fields, Object, Pending, Verb};
use rules::Rules;

/// The fields by which an object is told from others, the first that it has.
const NAMES: [&str; 5] = ["name", "origin", "region_slug", "description", "sink_name"];

/// Does an operation of a family.
pub(super) fn answer(world: &mut World, call: &Call<'_>, family: &'static Family, verb: Verb) -> Result<Reply, Refusal> {
    match verb {
        Verb::List => list(world, call, family),
        Verb::Create => create(world, call, family),
        Verb::Read => {
            let id = find(world, call, family)?;
            world.found(&key(family, &id))?;
            poll(world, family, &id);
            let shown = show(world, call, family, &id);
            Ok(Reply::ok(if family.bare { shown.unwrap_or_default() } else { json!({ &family.one: shown }) }))
        }
        Verb::Update => update(world, call, family),
        Verb::Delete => delete(world, call, family),
    }
}

/// The key of an object's lag.
fn key(family: &Family, id: &str) -> String {
    format!("{}:{id}", family.label())
}

fn show(world: &World, call: &Call<'_>, family: &Family, id: &str) -> Option<Value> {
    let mut shown = world.plain.get(&family.path)?.get(id).map(|object| family.show(object))?;
    if let Value::Object(fields) = &mut shown {
        (Rules::of(family).render)(world, call.scopes, fields);
        family.shown.hide(call.scopes, fields);
    }
    Some(shown)
}

/// The object that a path names, in what the path says that it lies in.
fn find(world: &World, call: &Call<'_>, family: &Family) -> Result<String, Refusal> {
    let (own, parents) = call.path.split_last().ok_or_else(Refusal::not_found)?;
    let id = within(family, parents, own);
    let there = world.plain.get(&family.path).and_then(|all| all.get(&id)).is_some_and(|object| object.parents == parents);
    if there { Ok(id) } else { Err(Refusal::not_found()) }
}

/// By what an object is known in the world: a name is one only in what it lies in.
fn within(family: &Family, parents: &[String], own: &str) -> String {
    if family.id == "name" { parents.iter().map(String::as_str).chain([own]).collect::<Vec<_>>().join("/") } else { own.to_owned() }
}

/// Refuses a path that leads through what is not there.
fn must_have_parents(world: &World, call: &Call<'_>, family: &Family) -> Result<(), Refusal> {
    let Some(parent) = family.parent() else { return Ok(()) };
    let there = call.path.last().is_some_and(|id| world.plain.get(&parent.path).is_some_and(|all| all.contains_key(id)));
    if there { Ok(()) } else { Err(Refusal::not_found()) }
}

fn list(world: &mut World, call: &Call<'_>, family: &Family) -> Result<Reply, Refusal> {
    must_have_parents(world, call, family)?;
    let all = world.plain.get(&family.path).into_iter().flatten();
    let ids: Vec<String> = all.filter(|(_, object)| object.parents == call.path).map(|(id, _)| id.clone()).collect();
    let asked = |id: &String| {
        let filters = call.query.iter().filter(|(name, _)| family.shown.fields.contains_key(name));
        let fields = world.plain.get(&family.path).and_then(|all| all.get(id)).map(|object| &object.fields);
        filters.into_iter().all(|(name, value)| fields.is_some_and(|fields| fields.get(name).and_then(Value::as_str) == Some(value)))
    };
    let ids: Vec<String> = ids.into_iter().filter(asked).collect();
    let shown: Vec<String> = ids.into_iter().filter(|id| world.listed(&key(family, id))).collect();
    for id in &shown {
        poll(world, family, id);
    }
    if !family.paged {
        let all: Vec<Value> = shown.iter().filter_map(|id| show(world, call, family, id)).collect();
        return Ok(Reply::ok(json!({ &family.many: all })));
    }
    call.page(&family.many, &shown, |id| show(world, call, family, id).unwrap_or_default())
}

fn create(world: &mut World, call: &Call<'_>, family: &Family) -> Result<Reply, Refusal> {
    must_have_parents(world, call, family)?;
    let create = family.create()?;
    may(call, &create.takes)?;
    let mut fields = create.takes.taken(&call.body.0)?;
    let rules = Rules::of(family);
    refuse_taken(world, call, family, &fields)?;
    (rules.validate)(world, call, &fields)?;
    let label = NAMES.iter().find_map(|name| fields.get(*name)?.as_str()).unwrap_or_default().to_owned();
    let place = call.path.join("/");
    let nth = world.nth(&format!("{} {place}", family.label()), &label);
    let words = [family.label(), &place, &label, &nth.to_string()];
    let id = match family.id.as_str() {
        "ip" => ids::reserved_v6(world.seed, &words),
        "access_key" => ids::access_key(world.seed, &words),
        _ if family.is_numbered() => ids::number(world.seed, &words, |id| world.image(&id.to_string()).is_some()).to_string(),
        _ => ids::uuid(world.seed, &words),
    };
    let id = world.id_or(id);
    let field = if family.id == "name" { "id" } else { &family.id };
    fields.insert(field.to_owned(), if family.is_numbered() { json!(id.parse::<u64>().ok()) } else { json!(id) });
    let id = if family.id == "name" { within(family, &call.path, &label) } else { id };
    let now = timestamp(world.now.0);
    for (name, _) in family.shown.fields.iter().filter(|(_, field)| field.is_moment()) {
        fields.entry(name.clone()).or_insert_with(|| now.clone());
    }
    (rules.complete)(world, &id, &mut fields);
    for tag in fields.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        world.ensure_tag(tag);
    }
    let pending = rules.transition.map(|[field, first, then]| {
        fields.insert(field.to_owned(), json!(first));
        Pending { field: field.to_owned(), then: then.to_owned(), due: world.settings.clock.due(Wait::Action, world.now, field) }
    });
    // What is never shown again, a private key, is not kept.
    fields.retain(|name, _| family.shown.fields.contains_key(name));
    let object = Object { parents: call.path.clone(), fields, pending };
    world.note(Made::Other(key(family, &id)));
    world.plain.entry(family.path.clone()).or_default().insert(id.clone(), object);
    let mut shown = show(world, call, family, &id).unwrap_or_default();
    if let Some((field, secret)) = rules.once {
        shown[field] = json!(secret(world.seed, &id));
    }
    Ok(Reply { status: create.status, body: Some(json!({ &family.one: shown })) })
}

/// Refuses a body with something in it for which the token lacks a scope.
fn may(call: &Call<'_>, takes: &Fields) -> Result<(), Refusal> {
    let mut scopes = BTreeSet::new();
    takes.needs(&call.body.0, &mut scopes);
    scopes.into_iter().try_for_each(|scope| call.scopes.need(scope))
}

/// Refuses what another object has that no two may share.
fn refuse_taken(world: &World, call: &Call<'_>, family: &Family, fields: &Map<String, Value>) -> Result<(), Refusal> {
    for names in Rules::of(family).unique {
        let mut others = world.plain.get(&family.path).into_iter().flat_map(|all| all.values()).filter(|other| other.parents == call.path);
        if others.any(|other| names.iter().all(|name| other.fields.get(*name) == fields.get(*name))) {
            return Err(Refusal::unprocessable(format!("{} is already in use", names.join(" and "))));
        }
    }
    Ok(())
}

fn poll(world: &mut World, family: &Family, id: &str) {
    let now = world.now;
    (Rules::of(family).on_poll)(world, id);
    if let Some(object) = world.plain.get_mut(&family.path).and_then(|all| all.get_mut(id)).filter(|object| object.pending.is_some()) {
        object.poll(now);
        world.touch();
    }
}

fn update(world: &mut World, call: &Call<'_>, family: &Family) -> Result<Reply, Refusal> {
    let (id, update) = (find(world, call, family)?, family.update()?);
    may(call, &update.takes)?;
    let given = update.takes.taken(&call.body.0)?;
    let rules = Rules::of(family);
    (rules.validate)(world, call, &given)?;
    let Some(object) = world.plain.get_mut(&family.path).and_then(|all| all.get_mut(&id)) else { return Err(Refusal::not_found()) };
    if update.method == "PUT" && !rules.is_partial {
        let kept = |name: &String| !update.takes.fields.contains_key(name) || *name == family.id;
        let fields: Map<String, Value> = std::mem::take(&mut object.fields).into_iter().filter(|(name, _)| kept(name)).collect();
        object.fields = fields;
    }
    object.fields.extend(given);
    let mut fields = std::mem::take(&mut object.fields);
    (rules.complete)(world, &id, &mut fields);
    if let Some(object) = world.plain.get_mut(&family.path).and_then(|all| all.get_mut(&id)) {
        object.fields = fields;
    }
    if update.status == 204 {
        return Ok(Reply::nothing());
    }
    if update.silent {
        return Ok(Reply { status: update.status, body: None });
    }
    Ok(Reply { status: update.status, body: Some(json!({ &family.one: show(world, call, family, &id) })) })
}

fn delete(world: &mut World, call: &Call<'_>, family: &Family) -> Result<Reply, Refusal> {
    let id = find(world, call, family)?;
    let shown = show(world, call, family, &id);
    (Rules::of(family).before_delete)(world, &id)?;
    if let Some(all) = world.plain.get_mut(&family.path) {
        all.remove(&id);
    }
    for child in family.children() {
        if let Some(all) = world.plain.get_mut(&child.path) {
            all.retain(|_, object| !object.parents.contains(&id));
        }
    }
    world.plain.retain(|_, all| !all.is_empty());
    Ok(family.gone(&id, shown))
}

#[cfg(test)]
mod tests {
    use super::super::test_world::TestWorld;
    use super::*;

    fn check(name: &str) -> Value {
        json!({ "name": name, "type": "https", "target": "https://example.com", "regions": ["eu_west"], "enabled": true })
    }

    fn alert() -> Value {
        let told = json!({ "email": ["a@example.com"], "slack": [] });
        json!({ "name": "a", "type": "down", "period": "2m", "notifications": told })
    }

    #[test]
    fn an_object_lives_and_dies_with_what_lies_in_it() {
        let mut test = TestWorld::new();
        let id = test.ok("POST /uptime/checks", check("a"))["check"]["id"].as_str().unwrap().to_owned();
        assert_eq!(test.get("/uptime/checks")["checks"][0]["id"], json!(id));
        let alerts = format!("/uptime/checks/{id}/alerts");
        let made = test.ok(&format!("POST {alerts}"), alert())["alert"].clone();
        let at = format!("{alerts}/{}", made["id"].as_str().unwrap());
        assert_eq!(test.get(&at)["alert"], made);
        assert_eq!(test.get(&alerts)["meta"]["total"], 1);
        test.refused(&format!("POST /uptime/checks/{}/alerts", made["id"].as_str().unwrap()), alert(), 404, "could not be found");
        assert_eq!(test.world.summary()["uptime/checks/{check_id}/alerts"], 1);
        test.ok(&format!("DELETE /uptime/checks/{id}"), Value::Null);
        test.refused(&format!("GET {at}"), Value::Null, 404, "could not be found");
        assert!(test.world.is_fresh());
    }

    #[test]
    fn a_body_is_held_against_the_description() {
        let mut test = TestWorld::new();
        let with = |field: &str, value: Value| {
            let mut body = check("a");
            body[field] = value;
            body
        };
        for (field, value, why) in [
            ("type", json!("tcp"), "type is not one of"),
            ("enabled", json!("yes"), "enabled must be of the type boolean"),
            ("regions", json!(["moon"]), "regions is not one of"),
            ("regions", Value::Null, "regions is required"),
        ] {
            test.refused("POST /uptime/checks", with(field, value), 422, why);
        }
        let id = test.ok("POST /uptime/checks", with("id", json!("chosen")))["check"]["id"].clone();
        assert_ne!(id, "chosen", "what is read-only is not taken");
        assert_eq!(test.ask("POST /uptime/alerts", Value::Null).status, 404);
    }

    #[test]
    fn a_certificate_is_verified_in_time_and_its_key_is_not_kept() {
        let mut test = TestWorld::slow(1);
        let wanted = json!({ "name": "web", "type": "custom", "private_key": "P", "leaf_certificate": "L" });
        let made = test.ok("POST /certificates", wanted.clone())["certificate"].clone();
        assert_eq!((&made["state"], &made["dns_names"]), (&json!("pending"), &json!([])));
        test.refused("POST /certificates", wanted, 422, "name is already in use");
        let states: Vec<Value> = (0..2).map(|_| test.get("/certificates?name=web")["certificates"][0]["state"].clone()).collect();
        assert_eq!(states, ["pending", "verified"]);
        assert_eq!(test.get("/certificates?name=other")["meta"]["total"], 0);
        assert!(!test.world.to_json().to_string().contains("private_key"));
    }

    #[test]
    fn a_put_replaces_what_can_be_changed() {
        let mut test = TestWorld::new();
        let id = test.ok("POST /uptime/checks", check("a"))["check"]["id"].as_str().unwrap().to_owned();
        let changed = test.ok(&format!("PUT /uptime/checks/{id}"), json!({ "name": "b", "target": "https://example.org" }));
        let expected = json!({ "id": id, "name": "b", "target": "https://example.org", "regions": [], "enabled": true });
        assert_eq!(changed["check"], expected);
    }
}
