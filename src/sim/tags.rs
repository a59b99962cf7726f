//! Tags.
//!
//! Invariant: a tag has one spelling, the first; droplets make the tags that they name, everything else needs them there.

use serde_json::{Value, json};

use super::plain::family::Object;
use super::refusal::{Refusal, TAG_ERROR};
use super::wire::{Call, Fields, Reply};
use super::world::{Made, World};

/// Checks a tag's name.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let fine = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':'));
    if !name.is_empty() && name.len() <= 255 && fine {
        return Ok(());
    }
    Err(Refusal::unprocessable("Tag names may only contain letters, numbers, colons, dashes, and underscores, at most 255"))
}

/// The other types that can be tagged: type and collection.
const PLAIN: [(&str, &str); 4] =
    [("volume", "/v2/volumes"), ("volume_snapshot", "/v2/snapshots"), ("database", "/v2/databases"), ("image", "/v2/images")];

impl World {
    /// Objects of a plain family that carry a tag.
    fn tagged<'a>(&'a self, family: &str, key: &'a str) -> impl Iterator<Item = &'a Object> {
        let all = self.plain.get(family).into_iter().flat_map(|all| all.values());
        all.filter(move |object| object.tags().any(|tag| tag.eq_ignore_ascii_case(key)))
    }

    /// Makes a tag if it is not there.
    pub(super) fn ensure_tag(&mut self, name: &str) {
        self.tags.entry(name.to_lowercase()).or_insert_with(|| name.to_owned());
    }

    /// A tag as the API shows it.
    pub(super) fn show_tag(&self, name: &str, base: &str) -> Value {
        let key = name.to_lowercase();
        let tagged: Vec<u64> = self.droplets.values().filter(|droplet| droplet.tags.contains(&key)).map(|droplet| droplet.id).collect();
        let mut droplets = json!({ "count": tagged.len() });
        let [volumes, snapshots, databases, images] = PLAIN.map(|(_, family)| self.tagged(family, &key).count());
        let mut all = json!({
            "count": tagged.len() + volumes + snapshots + databases + images, "images": { "count": images }, "volumes": { "count": volumes },
            "volume_snapshots": { "count": snapshots }, "databases": { "count": databases },
        });
        if let Some(last) = tagged.last() {
            let uri = Value::String(format!("{base}/v2/droplets/{last}"));
            for object in [&mut droplets, &mut all] {
                if let Value::Object(fields) = object {
                    fields.insert("last_tagged_uri".to_owned(), uri.clone());
                }
            }
        }
        if let Value::Object(fields) = &mut all {
            fields.insert("droplets".to_owned(), droplets);
        }
        json!({ "name": name, "resources": all })
    }

    /// The first spelling of the tag that a path names; another spelling is not found.
    fn tag_at(&self, call: &Call<'_>) -> Result<String, Refusal> {
        let asked = call.part(0);
        self.tags.get(&asked.to_lowercase()).filter(|name| *name == asked).cloned().ok_or_else(Refusal::not_found)
    }
}

/// `GET /v2/tags`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let all: Vec<String> = world.tags.values().cloned().collect();
    let shown: Vec<String> = all.into_iter().filter(|name| world.listed(&format!("tag:{name}"))).collect();
    call.page("tags", &shown, |name| world.show_tag(name, call.base))
}

/// `GET /v2/tags/{tag_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let name = world.tag_at(call)?;
    world.found(&format!("tag:{name}"))?;
    Ok(Reply::ok(json!({ "tag": world.show_tag(&name, call.base) })))
}

/// `POST /v2/tags`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let name = call.body.text("name")?.unwrap_or_default();
    check_name(&name).map_err(|refusal| Refusal::new(400, TAG_ERROR, refusal.message))?;
    world.ensure_tag(&name);
    let name = world.tags.get(&name.to_lowercase()).cloned().unwrap_or(name);
    world.note(Made::Other(format!("tag:{name}")));
    Ok(Reply::created(json!({ "tag": world.show_tag(&name, call.base) })))
}

/// `DELETE /v2/tags/{tag_id}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let key = world.tag_at(call)?.to_lowercase();
    world.tags.remove(&key);
    for droplet in world.droplets.values_mut() {
        droplet.tags.remove(&key);
    }
    for firewall in world.firewalls.values_mut() {
        firewall.tags.remove(&key);
    }
    for (_, family) in PLAIN {
        world.plain.get_mut(family).into_iter().flat_map(|all| all.values_mut()).for_each(|object| object.tag(&key, false));
    }
    Ok(Reply::nothing())
}

/// `POST /v2/tags/{tag_id}/resources`
pub(super) fn tag(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    change(world, call, true)
}

/// `DELETE /v2/tags/{tag_id}/resources`
pub(super) fn untag(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    change(world, call, false)
}

fn change(world: &mut World, call: &Call<'_>, add: bool) -> Result<Reply, Refusal> {
    let key = world.tag_at(call)?.to_lowercase();
    let ids = resources(world, call)?;
    for id in ids {
        match id {
            Carrier::Droplet(id) => {
                let Some(droplet) = world.droplets.get_mut(&id) else { continue };
                if add {
                    droplet.tags.insert(key.clone());
                } else {
                    droplet.tags.remove(&key);
                }
            }
            Carrier::Plain(family, id) => {
                let Some(object) = world.plain.get_mut(family).and_then(|all| all.get_mut(&id)) else { continue };
                object.tag(&key, add);
            }
        }
    }
    Ok(Reply::nothing())
}

/// An object that carries a tag.
enum Carrier {
    Droplet(u64),
    Plain(&'static str, String),
}

/// The resources that the body names.
fn resources(world: &World, call: &Call<'_>) -> Result<Vec<Carrier>, Refusal> {
    let wanted = call.body.items("resources")?.filter(|wanted| !wanted.is_empty());
    let wanted = wanted.ok_or_else(|| Refusal::unprocessable("resources can't be blank"))?;
    let mut ids = Vec::new();
    for resource in &wanted {
        let Value::Object(fields) = resource else { return Err(Refusal::unprocessable("a resource must be an object")) };
        let fields = Fields(fields.clone());
        let kind = fields.required("resource_type")?;
        if let Some((_, family)) = PLAIN.into_iter().find(|(known, _)| *known == kind) {
            let id = fields.required("resource_id")?;
            if !world.plain.get(family).is_some_and(|all| all.contains_key(&id)) {
                return Err(Refusal::not_found());
            }
            ids.push(Carrier::Plain(family, id));
            continue;
        }
        match kind.as_str() {
            "droplet" => call.scopes.need("droplet:update")?,
            other => return Err(Refusal::unprocessable(format!("{other} is not a resource type that can be tagged"))),
        }
        let id = fields.required("resource_id")?.parse().map_err(|_| Refusal::not_found())?;
        if !world.droplets.contains_key(&id) {
            return Err(Refusal::not_found());
        }
        ids.push(Carrier::Droplet(id));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::super::test_world::{TestWorld, wanted};
    use super::*;

    fn droplet(id: &Value) -> Value {
        json!({ "resources": [{ "resource_id": id, "resource_type": "droplet" }] })
    }

    #[test]
    fn the_first_spelling_stays() {
        let mut test = TestWorld::new();
        assert_eq!(test.ok("POST /tags", json!({ "name": "Web:A" }))["tag"]["name"], "Web:A");
        assert_eq!(test.ok("POST /tags", json!({ "name": "web:a" }))["tag"]["name"], "Web:A");
        test.refused("GET /tags/web:a", Value::Null, 404, "could not be found");
        assert_eq!(test.get("/tags/Web:A")["tag"]["resources"]["droplets"]["count"], 0);
    }

    #[test]
    fn a_bad_name_has_an_error_of_its_own_form() {
        let mut test = TestWorld::new();
        for name in ["", "a b", "a.b", &"x".repeat(256)] {
            let response = test.ask("POST /tags", json!({ "name": name }));
            assert_eq!((response.status, response.body.unwrap()["messages"].is_array()), (400, true), "{name}");
        }
    }

    #[test]
    fn tagging_needs_the_tag_and_the_droplet() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let text = json!(id.to_string());
        test.refused("POST /tags/t/resources", droplet(&text), 404, "could not be found");
        test.ok("POST /tags", json!({ "name": "t" }));
        test.refused("POST /tags/t/resources", droplet(&json!("7")), 404, "could not be found");
        test.refused("POST /tags/t/resources", droplet(&json!(id)), 422, "must be a string");
        let address = json!({ "resources": [{ "resource_id": "192.0.2.1", "resource_type": "reserved_ip" }] });
        test.refused("POST /tags/t/resources", address, 422, "can be tagged");
        test.ok("POST /tags/t/resources", droplet(&text));
        assert_eq!(test.get("/tags/t")["tag"]["resources"]["count"], 1);
        test.ok("DELETE /tags/t/resources", droplet(&text));
        assert_eq!(test.get(&format!("/droplets/{id}"))["droplet"]["tags"], json!([]));
    }

    #[test]
    fn a_deleted_tag_leaves_the_droplets() {
        let mut test = TestWorld::new();
        let id = test.ok("POST /droplets", wanted("a", json!({ "tags": ["t"] })))["droplet"]["id"].clone();
        test.ok("DELETE /tags/t", Value::Null);
        assert_eq!(test.get(&format!("/droplets/{id}"))["droplet"]["tags"], json!([]));
        test.refused("DELETE /tags/t", Value::Null, 404, "could not be found");
    }

    #[test]
    fn tagging_needs_the_droplets_scope_too() {
        let mut test = TestWorld::scoped("tag:create,tag:delete");
        let (_, made) = test.world.outside("POST", "/v2/droplets", Some(&wanted("a", json!({ "tags": ["t"] }))));
        let body = droplet(&json!(made["droplet"]["id"].to_string()));
        test.refused("POST /tags/t/resources", body.clone(), 403, "not authorized");
        test.refused("DELETE /tags/t/resources", body, 403, "not authorized");
    }
}
