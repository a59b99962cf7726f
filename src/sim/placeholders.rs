//! Objects that stand in for those of a real account: a configuration that names one by its identifier can be tried.
//!
//! Invariant: nothing of the API. Whoever makes an object says by a field that no real account reads how it is to be called; an
//! image is the newest one of the catalogue under another name.

use serde_json::{Map, Value, json};

use super::catalog::{self, Image};
use super::refusal::Refusal;
use super::wire::{Fields, Reply, Request};
use super::world::World;

/// The field of a create that says how the object is called.
const FIELD: &str = "simulated_id";

/// The image that placeholders are copies of.
const IMAGE: &str = "ubuntu-24-04-x64";

/// The source of a placeholder snapshot: no object that exists.
const NOBODY: &str = "1";

/// How much room a snapshot that stands in needs, in GB: the smallest droplet has it.
const SNAPSHOT_DISK: u64 = 10;

/// How the object of a request is to be called.
pub(super) fn named(body: &Fields) -> Option<String> {
    body.0.get(FIELD).and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
}

impl World {
    /// The identifier of what is made: the one that is wanted, or else its own.
    pub(super) fn id_or(&mut self, own: String) -> String {
        self.wanted_id.take().unwrap_or(own)
    }

    /// The image of this slug or number, one that stands in and a snapshot of a droplet included.
    pub(super) fn image(&self, key: &str) -> Option<&'static Image> {
        let public = catalog::find_image(key).filter(|image| !self.settings.absent_images.contains(image.slug));
        let is_there = || self.images.contains(key) || self.snapshot(key).is_some() || self.has_custom_image(key);
        public.or_else(|| catalog::find_image(IMAGE).filter(|_| is_there()))
    }

    fn snapshot(&self, key: &str) -> Option<&Map<String, Value>> {
        self.own_images().find(|fields| fields["id"] == key)
    }

    /// The image of this slug or number as the API shows it.
    pub(super) fn show_image(&self, key: &str) -> Result<Value, Refusal> {
        if let Some(snapshot) = self.snapshot(key) {
            return Ok(show_snapshot(snapshot));
        }
        let mut shown = self.image(key).ok_or_else(Refusal::not_found)?.show();
        if self.images.contains(key) {
            match key.parse::<u64>() {
                Ok(id) => (shown["id"], shown["slug"]) = (json!(id), Value::Null),
                Err(_) => shown["slug"] = json!(key),
            }
        }
        Ok(shown)
    }

    /// Makes an image or a snapshot that stands in, if the request is for one.
    pub(super) fn placeholder(&mut self, request: &Request) -> Option<Reply> {
        let path = request.path.as_str();
        if request.method != "POST" || !matches!(path, "/v2/images" | "/v2/snapshots") {
            return None;
        }
        let body = Fields::read(&request.body).ok()?;
        let key = named(&body)?;
        if path == "/v2/images" {
            self.images.insert(key.clone());
            return Some(Reply::accepted(json!({ "image": self.show_image(&key).ok() })));
        }
        let text = |name: &str| body.0.get(name).and_then(Value::as_str).map(str::to_owned);
        let (kind, region) = (text("resource_type")?, text("region")?);
        let id = self.keep_snapshot(&key, (&kind, NOBODY), &region, SNAPSHOT_DISK);
        Some(Reply::accepted(json!({ "snapshot": { "id": id } })))
    }
}

/// A snapshot of a droplet as the image that it is.
pub(super) fn show_snapshot(snapshot: &Map<String, Value>) -> Value {
    let mut shown = catalog::find_image(IMAGE).map(Image::show).unwrap_or_default();
    for field in ["name", "regions", "created_at", "min_disk_size", "size_gigabytes", "tags"] {
        shown[field] = snapshot[field].clone();
    }
    shown["id"] = json!(snapshot["id"].as_str().and_then(|id| id.parse::<u64>().ok()));
    (shown["slug"], shown["public"], shown["type"]) = (Value::Null, json!(false), json!("snapshot"));
    shown
}

#[cfg(test)]
mod tests {
    use super::super::test_world::TestWorld;
    use serde_json::json;

    #[test]
    fn what_stands_in_is_called_as_it_is_wanted() {
        let mut test = TestWorld::new();
        let vpc = "5a4981aa-9653-4bd1-bef5-d6bff52042e4";
        let made = test.ok("POST /vpcs", json!({ "name": "a", "region": "nyc3", "simulated_id": vpc }));
        assert_eq!((&made["vpc"]["id"], &test.get(&format!("/vpcs/{vpc}"))["vpc"]["name"]), (&json!(vpc), &json!("a")));
        let volume = "506f78a4-e098-11e5-ad9f-000f53306ae1";
        test.ok("POST /volumes", json!({ "name": "v", "region": "nyc3", "size_gigabytes": 1, "simulated_id": volume }));
        let droplet =
            json!({ "name": "d", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "docker-20-04", "vpc_uuid": vpc, "volumes": [volume] });
        test.refused("POST /droplets", droplet.clone(), 422, "invalid image");
        test.ok("POST /images", json!({ "simulated_id": "docker-20-04" }));
        test.ok("POST /images", json!({ "simulated_id": "4711" }));
        assert_eq!(test.get("/images/docker-20-04")["image"]["slug"], "docker-20-04");
        assert_eq!(test.get("/images/4711")["image"]["id"], 4711);
        test.ok("POST /droplets", droplet);
    }

    #[test]
    fn a_snapshot_of_a_droplet_is_an_image_to_make_another_of() {
        let mut test = TestWorld::new();
        let one = test.droplet("one");
        let action = test.ok(&format!("POST /droplets/{one}/actions"), json!({ "type": "snapshot", "name": "before" }));
        while test.get(&format!("/actions/{}", action["action"]["id"]))["action"]["status"] != "completed" {}
        let id = test.get(&format!("/droplets/{one}/snapshots"))["snapshots"][0]["id"].clone();
        let image = test.get(&format!("/images/{id}"))["image"].clone();
        assert_eq!((&image["id"], &image["type"], &image["name"]), (&id, &json!("snapshot"), &json!("before")));
        assert_eq!(test.get("/images?private=true")["images"][0], image);
        test.ok("POST /droplets", json!({ "name": "two", "region": "nyc3", "size": "s-1vcpu-1gb", "image": id }));
    }
}
