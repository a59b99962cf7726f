//! Volumes and snapshots: what is done to them by actions, and who holds them.
//!
//! Invariant: plain families; only their behaviour is here. A volume hangs on one droplet at most, in its own region, and one that
//! hangs is not deleted. A name is unique in its region.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::actions::Begin;
use super::catalog::{self, Region};
use super::objects::action::{Action, Effect, Resource};
use super::plain::family::Object;
use super::refusal::Refusal;
use super::scopes::Scopes;
use super::time::timestamp;
use super::wire::{Call, Reply};
use super::world::{Made, World};
use super::{ids, tags};

const VOLUMES: &str = "/v2/volumes";
const SNAPSHOTS: &str = "/v2/snapshots";
/// The largest volume, in GiB.
const LARGEST: u64 = 16 * 1024;

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-z][a-z0-9-]{0,63}$").ok());

/// Refuses a name, a size or a place that does not fit; makes the tags that it names.
pub(super) fn validate(world: &mut World, call: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    if !NAME.as_ref().is_some_and(|form| form.is_match(text("name"))) {
        return Err(Refusal::unprocessable("name is invalid: it has up to 64 lowercase letters, digits and dashes, a letter first"));
    }
    if !catalog::find_region(text("region")).is_some_and(|region| region.available) {
        return Err(Refusal::unprocessable("Region is not available."));
    }
    let size = fields.get("size_gigabytes").and_then(Value::as_u64).unwrap_or_default();
    if !(1..=LARGEST).contains(&size) {
        return Err(Refusal::unprocessable("size_gigabytes must be between 1 and 16384"));
    }
    let snapshot = call.body.text("snapshot_id")?;
    if snapshot.is_some_and(|id| world.object(SNAPSHOTS, &id).is_none()) {
        return Err(Refusal::unprocessable("The snapshot could not be found."));
    }
    take_tags(world, call)
}

/// Makes the tags that a body names.
pub(super) fn take_tags(world: &mut World, call: &Call<'_>) -> Result<(), Refusal> {
    let wanted = call.body.texts("tags")?.unwrap_or_default();
    if !wanted.is_empty() {
        call.scopes.need("tag:create")?;
    }
    for tag in &wanted {
        tags::check_name(tag)?;
    }
    for tag in &wanted {
        world.ensure_tag(tag);
    }
    Ok(())
}

/// Its region whole, and its tags in their first spelling.
pub(super) fn render(world: &World, scopes: &Scopes, fields: &mut Map<String, Value>) {
    let region = fields.get("region").and_then(Value::as_str).and_then(catalog::find_region).map(Region::show);
    fields.insert("region".to_owned(), json!(region));
    render_snapshot(world, scopes, fields);
}

/// Its tags in their first spelling, if they may be seen.
pub(super) fn render_snapshot(world: &World, scopes: &Scopes, fields: &mut Map<String, Value>) {
    spell_tags(world, fields);
    if !scopes.has("tag:read") {
        fields.remove("tags");
    }
}

/// Its tags in their first spelling.
pub(super) fn spell_tags(world: &World, fields: &mut Map<String, Value>) {
    let tags = fields.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let spelt = |tag: &str| world.tags.get(&tag.to_lowercase()).cloned();
    let mut tags: Vec<String> = tags.iter().filter_map(|tag| spelt(tag.as_str()?)).collect();
    tags.dedup();
    fields.insert("tags".to_owned(), json!(tags));
}

/// Refuses the end of a volume that hangs on a droplet.
pub(super) fn before_delete(world: &mut World, id: &str) -> Result<(), Refusal> {
    if world.holder(id).is_some() { Err(Refusal::conflict("failed to delete volume: attached volume cannot be deleted")) } else { Ok(()) }
}

/// The identity of a volume in actions.
fn on(id: &str) -> Resource {
    Resource::Volume(ids::hash(0, &["volume", id]))
}

impl World {
    pub(super) fn object(&self, family: &str, id: &str) -> Option<&Object> {
        self.plain.get(family)?.get(id)
    }

    /// The droplet that a volume hangs on.
    fn holder(&self, volume: &str) -> Option<u64> {
        self.object(VOLUMES, volume)?.fields.get("droplet_ids")?.as_array()?.first()?.as_u64()
    }

    /// The volumes that hang on a droplet.
    pub(super) fn volumes_of(&self, droplet: u64) -> Vec<String> {
        let all = self.plain.get(VOLUMES).into_iter().flat_map(|all| all.keys());
        all.filter(|id| self.holder(id) == Some(droplet)).cloned().collect()
    }

    /// The snapshots of a droplet.
    pub(super) fn snapshots_of(&self, droplet: u64) -> Vec<u64> {
        let all = self.plain.get(SNAPSHOTS).into_iter().flat_map(|all| all.values());
        let id = droplet.to_string();
        let own = all.filter(|kept| kept.fields["resource_type"] == "droplet" && kept.fields["resource_id"] == id);
        own.filter_map(|kept| kept.fields["id"].as_str()?.parse().ok()).collect()
    }

    /// The snapshots of droplets: images that are the account's own.
    pub(super) fn own_images(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let all = self.plain.get(SNAPSHOTS).into_iter().flat_map(|all| all.values());
        all.map(|kept| &kept.fields).filter(|fields| fields["resource_type"] == "droplet")
    }

    /// Refuses volumes that cannot be given to a new droplet.
    pub(super) fn must_be_free(&self, volumes: &[String], region: &str) -> Result<(), Refusal> {
        let fits =
            |id: &String| self.holder(id).is_none() && self.object(VOLUMES, id).is_some_and(|volume| volume.fields["region"] == region);
        if volumes.iter().all(fits) { Ok(()) } else { Err(Refusal::unprocessable("One or more volumes could not be found.")) }
    }

    /// Hangs a volume on a droplet, or on none; nothing if it is gone.
    pub(super) fn hang(&mut self, volume: &str, droplet: Option<u64>) -> Option<()> {
        let droplet = droplet.filter(|id| self.droplets.contains_key(id));
        let object = self.plain.get_mut(VOLUMES)?.get_mut(volume)?;
        object.fields.insert("droplet_ids".to_owned(), json!(droplet.into_iter().collect::<Vec<_>>()));
        Some(())
    }

    /// Makes a volume larger; nothing if it is gone.
    pub(super) fn enlarge(&mut self, volume: &str, size: u64) -> Option<()> {
        let object = self.plain.get_mut(VOLUMES)?.get_mut(volume)?;
        object.fields.insert("size_gigabytes".to_owned(), json!(size));
        Some(())
    }

    /// Looks at what is being done to a volume.
    pub(super) fn poll_volume(&mut self, id: &str) {
        self.poll_actions_on(on(id));
    }

    /// Keeps a copy of a volume or a droplet.
    pub(super) fn keep_snapshot(&mut self, name: &str, of: (&str, &str), region: &str, size: u64) -> String {
        let (kind, source) = of;
        let nth = self.nth("snapshot", &format!("{source} {name}"));
        let words = ["snapshot", source, name, &nth.to_string()];
        let id = if kind == "volume" {
            ids::uuid(self.seed, &words)
        } else {
            ids::number(self.seed, &words, |id| self.object(SNAPSHOTS, &id.to_string()).is_some()).to_string()
        };
        let fields = json!({
            "id": id, "name": name, "created_at": timestamp(self.now.0), "regions": [region], "min_disk_size": size,
            "size_gigabytes": 1.5, "resource_id": source, "resource_type": kind, "tags": [],
        });
        let fields = fields.as_object().cloned().unwrap_or_default();
        self.plain.entry(SNAPSHOTS.to_owned()).or_default().insert(id.clone(), Object { parents: Vec::new(), fields, pending: None });
        self.note(Made::Other(format!("snapshots:{id}")));
        id
    }
}

/// `POST /v2/volumes/{volume_id}/actions`
pub(super) fn act(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.part(0).to_owned();
    let volume = world.object(VOLUMES, &id).ok_or_else(Refusal::not_found)?;
    let region = volume.fields["region"].as_str().unwrap_or_default().to_owned();
    let size = volume.fields["size_gigabytes"].as_u64().unwrap_or_default();
    let holder = world.holder(&id);
    let droplet = || call.body.number("droplet_id")?.ok_or_else(|| Refusal::unprocessable("droplet_id can't be blank"));
    let (kind, droplet, effect) = match call.body.required("type")?.as_str() {
        "attach" => {
            let droplet = droplet()?;
            if holder.is_some() {
                return Err(Refusal::unprocessable("Volume is already attached to a Droplet."));
            }
            if world.droplets.get(&droplet).is_none_or(|droplet| droplet.region != region) {
                return Err(Refusal::unprocessable("Droplet could not be found in the region of the volume."));
            }
            world.idle(droplet)?;
            ("attach_volume", Some(droplet), Effect::Hang { volume: id.clone(), droplet: Some(droplet) })
        }
        "detach" => {
            let droplet = droplet()?;
            if holder != Some(droplet) {
                return Err(Refusal::unprocessable("Volume is not attached to the Droplet."));
            }
            world.idle(droplet)?;
            ("detach_volume", Some(droplet), Effect::Hang { volume: id.clone(), droplet: None })
        }
        "resize" => {
            let wanted = call.body.number("size_gigabytes")?.unwrap_or_default();
            if wanted <= size || wanted > LARGEST {
                return Err(Refusal::unprocessable("size_gigabytes must be larger than the volume is, and at most 16384"));
            }
            ("resize_volume", None, Effect::Enlarge { volume: id.clone(), size: wanted })
        }
        other => return Err(Refusal::unprocessable(format!("{other} is not a valid action type"))),
    };
    let action = world.begin(Begin { kind, on: on(&id), droplet, region, effect });
    Ok(Reply::accepted(json!({ "action": world.actions.get(&action).map(Action::show) })))
}

/// `GET /v2/volumes/{volume_id}/actions`
pub(super) fn list_actions(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.part(0);
    world.object(VOLUMES, id).ok_or_else(Refusal::not_found)?;
    world.list_actions(call, |action| action.on == on(id))
}

/// `GET /v2/volumes/{volume_id}/actions/{action_id}`
pub(super) fn read_action(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (of, id) = (on(call.part(0)), call.number(1)?);
    if world.actions.get(&id).is_none_or(|action| action.on != of) {
        return Err(Refusal::not_found());
    }
    Ok(Reply::ok(json!({ "action": world.read_action(id)?.show() })))
}

/// `POST /v2/volumes/{volume_id}/snapshots`
pub(super) fn snapshot(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let source = call.part(0).to_owned();
    let name = call.body.required("name")?;
    let fields = &world.object(VOLUMES, &source).ok_or_else(Refusal::not_found)?.fields;
    let region = fields["region"].as_str().unwrap_or_default().to_owned();
    let size = fields["size_gigabytes"].as_u64().unwrap_or_default();
    take_tags(world, call)?;
    let id = world.keep_snapshot(&name, ("volume", &source), &region, size);
    let tags = call.body.texts("tags")?.unwrap_or_default();
    let Some(kept) = world.plain.get_mut(SNAPSHOTS).and_then(|all| all.get_mut(&id)) else { return Err(Refusal::not_found()) };
    kept.fields.insert("tags".to_owned(), json!(tags));
    let mut shown = kept.fields.clone();
    render_snapshot(world, call.scopes, &mut shown);
    Ok(Reply::created(json!({ "snapshot": shown })))
}

#[cfg(test)]
mod tests {
    use super::super::test_world::TestWorld;
    use super::*;

    fn wanted(name: &str) -> Value {
        json!({ "name": name, "region": "nyc3", "size_gigabytes": 10, "tags": ["Data"] })
    }

    #[test]
    fn a_volume_is_made_attached_grown_and_detached() {
        let mut test = TestWorld::new();
        let droplet = test.droplet("a");
        let made = test.ok("POST /volumes", wanted("data"))["volume"].clone();
        assert_eq!((&made["region"]["slug"], &made["tags"]), (&json!("nyc3"), &json!(["Data"])));
        test.refused("POST /volumes", wanted("data"), 422, "name and region is already in use");
        test.refused("POST /volumes", wanted("Data"), 422, "name is invalid");
        assert_eq!(test.get("/volumes?name=data&region=nyc3")["meta"]["total"], 1);
        assert_eq!(test.get("/tags/Data")["tag"]["resources"]["volumes"]["count"], 1);
        let at = format!("/volumes/{}", made["id"].as_str().unwrap());
        let actions = format!("POST {at}/actions");
        let action = test.ok(&actions, json!({ "type": "attach", "droplet_id": droplet }))["action"].clone();
        assert_eq!(action["type"], "attach_volume");
        test.get(&format!("{at}/actions/{}", action["id"]));
        assert_eq!(test.get(&at)["volume"]["droplet_ids"], json!([droplet]));
        assert_eq!(test.get(&format!("/droplets/{droplet}"))["droplet"]["volume_ids"], json!([made["id"]]));
        test.refused(&actions, json!({ "type": "attach", "droplet_id": droplet }), 422, "already attached");
        test.refused(&format!("DELETE {at}"), Value::Null, 409, "attached volume");
        test.refused(&actions, json!({ "type": "resize", "size_gigabytes": 5 }), 422, "larger");
        test.ok(&actions, json!({ "type": "resize", "size_gigabytes": 20 }));
        assert_eq!(test.get(&at)["volume"]["size_gigabytes"], 20);
        test.ok(&format!("DELETE /droplets/{droplet}"), Value::Null);
        assert_eq!(test.get(&at)["volume"]["droplet_ids"], json!([]));
        let kept = test.ok(&format!("POST {at}/snapshots"), json!({ "name": "monday", "tags": ["Data"] }))["snapshot"].clone();
        assert_eq!(test.get("/snapshots?resource_type=volume")["snapshots"][0], kept);
        test.ok(&format!("DELETE {at}"), Value::Null);
        test.ok(&format!("DELETE /snapshots/{}", kept["id"].as_str().unwrap()), Value::Null);
        test.ok("DELETE /tags/Data", Value::Null);
        assert!(test.world.is_fresh());
    }
}
