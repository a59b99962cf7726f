//! How images that are fetched from a URL behave beyond their fields: each to one region, and from there to others by actions.
//!
//! Invariant: a plain family; only its behaviour is here. The public ones and snapshots are images too, and not of this family.

use serde_json::{Map, Value, json};

use super::super::actions::Begin;
use super::super::catalog;
use super::super::objects::action::{Action, Effect, Resource};
use super::super::refusal::Refusal;
use super::super::scopes::Scopes;
use super::super::volumes;
use super::super::wire::{Call, Reply};
use super::super::world::World;
use super::family::{FAMILIES, Object, Verb};
use super::{answer, key, poll, show};

const IMAGES: &str = "/v2/images";

/// Refuses a place that is not, and a URL that is none.
pub(super) fn validate(world: &mut World, call: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    if !call.path.is_empty() {
        return Ok(());
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("name").is_empty() {
        return Err(Refusal::unprocessable("name can't be blank"));
    }
    if !["http://", "https://", "ftp://"].iter().any(|scheme| text("url").starts_with(scheme)) {
        return Err(Refusal::unprocessable("url is not a URL from which an image can be fetched"));
    }
    if !catalog::find_region(text("region")).is_some_and(|region| region.available) {
        return Err(Refusal::unprocessable("Region is not available."));
    }
    volumes::take_tags(world, call)
}

/// Completes an image as the API does.
pub(super) fn complete(_: &mut World, _: &str, fields: &mut Map<String, Value>) {
    if let Some(region) = fields.remove("region") {
        fields.insert("regions".to_owned(), json!([region]));
    }
    for (name, value) in [
        ("type", json!("custom")),
        ("public", json!(false)),
        ("distribution", json!("Unknown")),
        ("min_disk_size", json!(15)),
        ("size_gigabytes", json!(2.5)),
    ] {
        fields.entry(name).or_insert(value);
    }
}

/// Reads one, or refuses.
pub(in super::super) fn read(world: &mut World, call: &Call<'_>) -> Option<Result<Reply, Refusal>> {
    let family = FAMILIES.iter().find(|family| family.path == IMAGES)?;
    world.object(IMAGES, call.part(0))?;
    Some(answer(world, call, family, Verb::Read))
}

/// Lists those that a list shows, whole.
pub(in super::super) fn listed(world: &mut World, call: &Call<'_>) -> Vec<Value> {
    let Some(family) = FAMILIES.iter().find(|family| family.path == IMAGES) else { return Vec::new() };
    let ids: Vec<String> = world.plain.get(IMAGES).into_iter().flat_map(|all| all.keys().cloned()).collect();
    let tag = call.asked_for("tag_name");
    let fits = |object: &Object| tag.is_none_or(|tag| object.tags().any(|other| other.eq_ignore_ascii_case(tag)));
    let shown: Vec<String> = ids.into_iter().filter(|id| world.listed(&key(family, id))).collect();
    shown.iter().for_each(|id| poll(world, family, id));
    let shown = shown.iter().filter(|id| world.object(IMAGES, id).is_some_and(fits));
    shown.filter_map(|id| show(world, call, family, id)).collect()
}

/// Whoever polls one polls what is being done to it.
pub(super) fn on_poll(world: &mut World, id: &str) {
    if let Some(on) = on(id) {
        world.poll_actions_on(on);
    }
}

/// It is as large as it is only once it was fetched.
pub(super) fn render(world: &World, _: &Scopes, fields: &mut Map<String, Value>) {
    if fields.get("status") != Some(&json!("available")) {
        (fields["min_disk_size"], fields["size_gigabytes"]) = (json!(0), Value::Null);
    }
    fields.insert("slug".to_owned(), Value::Null);
    volumes::spell_tags(world, fields);
}

fn on(id: &str) -> Option<Resource> {
    id.parse().ok().map(Resource::Image)
}

impl World {
    /// Whether a droplet can be made of an image that was fetched.
    pub(in super::super) fn has_custom_image(&self, id: &str) -> bool {
        self.object(IMAGES, id).is_some_and(|image| image.fields.get("status") == Some(&json!("available")))
    }

    /// Gives an image to another region; nothing if it is gone.
    pub(in super::super) fn transfer_image(&mut self, image: u64, region: &str) -> Option<()> {
        let fields = &mut self.plain.get_mut(IMAGES)?.get_mut(&image.to_string())?.fields;
        let regions = fields.get_mut("regions")?.as_array_mut()?;
        if !regions.iter().any(|known| known == region) {
            regions.push(json!(region));
        }
        Some(())
    }
}

/// `POST /v2/images/{image_id}/actions`
pub(in super::super) fn act(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(0)?;
    let fields = &world.object(IMAGES, call.part(0)).ok_or_else(Refusal::not_found)?.fields;
    if fields["status"] != "available" {
        return Err(Refusal::unprocessable("Image is not available."));
    }
    let kind = call.body.required("type")?;
    if kind != "transfer" {
        return Err(Refusal::unprocessable(format!("{kind} is not a valid action type")));
    }
    let region = call.body.required("region")?;
    if !catalog::find_region(&region).is_some_and(|region| region.available) {
        return Err(Refusal::unprocessable("Region is not available."));
    }
    let effect = Effect::Transfer { image: id, region: region.clone() };
    let action = world.begin(Begin { kind: "transfer", on: Resource::Image(id), droplet: None, region, effect });
    Ok(Reply::created(json!({ "action": world.actions.get(&action).map(Action::show) })))
}

/// `GET /v2/images/{image_id}/actions`
pub(in super::super) fn list_actions(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.number(0)?;
    world.object(IMAGES, call.part(0)).ok_or_else(Refusal::not_found)?;
    world.list_actions(call, |action| action.on == Resource::Image(id))
}

/// `GET /v2/images/{image_id}/actions/{action_id}`
pub(in super::super) fn read_action(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (of, id) = (Resource::Image(call.number(0)?), call.number(1)?);
    if world.actions.get(&id).is_none_or(|action| action.on != of) {
        return Err(Refusal::not_found());
    }
    Ok(Reply::ok(json!({ "action": world.read_action(id)?.show() })))
}

#[cfg(test)]
mod tests {
    use super::super::super::test_world::TestWorld;
    use super::*;

    #[test]
    fn an_image_is_fetched_to_one_region_and_given_to_another() {
        let mut test = TestWorld::slow(1);
        let wanted = json!({ "name": "nixos", "url": "https://example.com/nixos.qcow2", "region": "nyc3", "tags": ["os"] });
        let made = test.ok("POST /images", wanted.clone())["image"].clone();
        assert_eq!((&made["status"], &made["regions"], &made["type"]), (&json!("NEW"), &json!(["nyc3"]), &json!("custom")));
        let at = format!("/images/{}", made["id"]);
        let transfer = json!({ "type": "transfer", "region": "fra1" });
        test.refused(&format!("POST {at}/actions"), transfer.clone(), 422, "not available");
        while test.get(&at)["image"]["status"] != "available" {}
        assert_eq!(test.get("/images?private=true")["images"][0]["id"], made["id"]);
        test.ok(&format!("POST {at}/actions"), transfer);
        while test.get(&at)["image"]["regions"] != json!(["nyc3", "fra1"]) {}
        let changed = test.ok(&format!("PUT {at}"), json!({ "name": "other" }))["image"].clone();
        assert_eq!((&changed["name"], &changed["tags"]), (&json!("other"), &json!(["os"])));
        test.ok("POST /droplets", json!({ "name": "d", "region": "nyc3", "size": "s-1vcpu-1gb", "image": made["id"] }));
        test.ok(&format!("DELETE {at}"), Value::Null);
        test.refused(&format!("GET {at}"), Value::Null, 404, "could not be found");
        test.refused("POST /images", json!({ "name": "a", "url": "x", "region": "nyc3" }), 422, "url");
    }
}
