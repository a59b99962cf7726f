//! SSH keys.
//!
//! Invariant: a public key is on the account once; its fingerprint is the MD5 of the key's own bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::json;

use super::ids;
use super::objects::ssh_key::SshKey;
use super::refusal::Refusal;
use super::wire::{Call, Reply};
use super::world::{Made, World};

impl World {
    /// The key of this number or fingerprint.
    pub(super) fn find_key(&self, text: &str) -> Option<u64> {
        let fits = |key: &&SshKey| key.id.to_string() == text || key.fingerprint == text;
        self.ssh_keys.values().find(fits).map(|key| key.id)
    }
}

/// `GET /v2/account/keys`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let all: Vec<u64> = world.ssh_keys.keys().copied().collect();
    let shown: Vec<u64> = all.into_iter().filter(|id| world.listed(&format!("ssh_key:{id}"))).collect();
    call.page("ssh_keys", &shown, |id| world.ssh_keys.get(id).map(SshKey::show).unwrap_or_default())
}

/// `GET /v2/account/keys/{ssh_key_identifier}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = world.find_key(call.part(0)).ok_or_else(Refusal::not_found)?;
    world.found(&format!("ssh_key:{id}"))?;
    Ok(Reply::ok(json!({ "ssh_key": world.ssh_keys.get(&id).map(SshKey::show) })))
}

/// `POST /v2/account/keys`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (name, public_key) = (call.body.required("name")?, call.body.required("public_key")?);
    if let Some(wanted) = public_key.strip_prefix(STAND_IN) {
        return Ok(placeholder(world, name, wanted));
    }
    let fingerprint = fingerprint(&public_key)
        .ok_or_else(|| Refusal::unprocessable("Fingerprint could not be generated, please make sure your key is valid"))?;
    if world.find_key(&fingerprint).is_some() {
        return Err(Refusal::unprocessable("SSH Key is already in use on your account"));
    }
    let nth = world.nth("ssh_key", &fingerprint);
    let id = ids::number(world.seed, &["ssh_key", &fingerprint, &nth.to_string()], |id| world.ssh_keys.contains_key(&id));
    let key = SshKey { id, name, public_key, fingerprint };
    let shown = key.show();
    world.ssh_keys.insert(id, key);
    world.note(Made::Other(format!("ssh_key:{id}")));
    Ok(Reply::created(json!({ "ssh_key": shown })))
}

/// How a public key begins that nobody has: `simulated ID` makes the key of that number or fingerprint, which nothing else could
/// give. So a configuration can be tried that names a key of a real account.
const STAND_IN: &str = "simulated ";

fn placeholder(world: &mut World, name: String, wanted: &str) -> Reply {
    let id = match wanted.parse() {
        Ok(id) => id,
        Err(_) => ids::number(world.seed, &["ssh_key", wanted], |id| world.ssh_keys.contains_key(&id)),
    };
    let key = world.ssh_keys.entry(id).or_insert_with(|| {
        let hex: Vec<String> = Md5::digest(wanted).iter().map(|byte| format!("{byte:02x}")).collect();
        let fingerprint = if wanted.parse::<u64>().is_ok() { hex.join(":") } else { wanted.to_owned() };
        SshKey { id, name, public_key: format!("{STAND_IN}{wanted}"), fingerprint }
    });
    Reply::created(json!({ "ssh_key": key.show() }))
}

/// `PUT /v2/account/keys/{ssh_key_identifier}`
pub(super) fn update(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = world.find_key(call.part(0)).ok_or_else(Refusal::not_found)?;
    let name = call.body.required("name")?;
    let key = world.ssh_keys.get_mut(&id).ok_or_else(Refusal::not_found)?;
    key.name = name;
    Ok(Reply::ok(json!({ "ssh_key": key.show() })))
}

/// `DELETE /v2/account/keys/{ssh_key_identifier}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = world.find_key(call.part(0)).ok_or_else(Refusal::not_found)?;
    world.ssh_keys.remove(&id);
    Ok(Reply::nothing())
}

/// The MD5 of the key's bytes, in pairs; none if it is no key in the OpenSSH form.
fn fingerprint(public_key: &str) -> Option<String> {
    let mut words = public_key.split_whitespace();
    let (kind, blob) = (words.next()?, STANDARD.decode(words.next()?).ok()?);
    let length = usize::try_from(u32::from_be_bytes(blob.get(..4)?.try_into().ok()?)).ok()?;
    if blob.get(4..4 + length)? != kind.as_bytes() || blob.len() <= 4 + length {
        return None;
    }
    let pairs: Vec<String> = Md5::digest(&blob).iter().map(|byte| format!("{byte:02x}")).collect();
    Some(pairs.join(":"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_fingerprint_is_that_of_openssh() {
        // `ssh-keygen -l -E md5` says so of this key.
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example";
        assert_eq!(fingerprint(key).unwrap(), "0f:a2:0a:d7:38:3e:65:45:08:6b:63:84:1c:ff:dc:ba");
    }

    #[test]
    fn what_is_no_key_has_none() {
        let other_kind = "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
        for bad in ["", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-rsa AAAA", other_kind] {
            assert_eq!(fingerprint(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_is_there_once_and_found_both_ways() {
        use super::super::test_world::{KEY, TestWorld};
        let mut test = TestWorld::new();
        let key = test.ok("POST /account/keys", json!({ "name": "k", "public_key": KEY }))["ssh_key"].clone();
        test.refused("POST /account/keys", json!({ "name": "other", "public_key": KEY }), 422, "already in use");
        test.refused("POST /account/keys", json!({ "name": "other", "public_key": "x" }), 422, "Fingerprint");
        for id in [key["id"].to_string(), key["fingerprint"].as_str().unwrap().to_owned()] {
            assert_eq!(test.get(&format!("/account/keys/{id}"))["ssh_key"]["name"], "k");
        }
        let renamed = test.ok(&format!("PUT /account/keys/{}", key["id"]), json!({ "name": "new", "public_key": "ignored" }));
        assert_eq!((&renamed["ssh_key"]["name"], &renamed["ssh_key"]["public_key"]), (&json!("new"), &json!(KEY)));
        test.ok(&format!("DELETE /account/keys/{}", key["id"]), Value::Null);
        assert_eq!(test.get("/account/keys")["meta"]["total"], 0);
    }
}
