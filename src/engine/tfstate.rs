//! A `terraform.tfstate` of version 4 as the official provider writes it: what of it can be taken over, and what cannot.
//!
//! Invariant: pure. A file is read as a whole or refused; nothing is left out in silence; what is sensitive in it comes out as
//! a digest or sealed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use uuid::Uuid;

use super::diff::normal;
use super::request::ImportTarget;
use dofloat_base::address::{Address, Key};
use dofloat_base::diag::Diagnostic;
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::identity::Id;
use dofloat_base::secret::Secret;
use dofloat_base::types::Type;
use dofloat_base::value::{Body, Value};
use dofloat_kinds::attr::{Attr, Reads, Secrecy};
use dofloat_kinds::erased::AnyKind;
use dofloat_kinds::{kind, name_in_vault};
use dofloat_state::{Health, Record, SavedOutput};

/// The content of a file.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    /// The objects that can be imported.
    pub targets: Vec<ImportTarget>,
    /// The objects that cannot, by address, and why.
    pub left: Vec<(String, String)>,
    /// The outputs.
    pub outputs: BTreeMap<String, SavedOutput>,
    /// The values of those that are sensitive.
    pub secrets: BTreeMap<String, Secret<Value>>,
    /// What is secret of objects that this machine made, by the names that a vault keeps it by.
    pub kept: BTreeMap<String, Secret<Value>>,
    /// Objects that Terraform would have made anew.
    pub tainted: Vec<Address>,
}

const NOTHING: &str = "Nothing was changed.";

/// Reads a file. `file` is its name for messages.
///
/// # Errors
/// If it is no whole state of version 4.
pub fn read(bytes: &[u8], file: &str, salt: &Salt) -> Result<Foreign, Box<Diagnostic>> {
    let refused = |why: String, hint: &str| Err(Box::new(Diagnostic::error(format!("{file} {why}.")).hint(format!("{hint}{NOTHING}"))));
    let json: Json = match serde_json::from_slice(bytes) {
        Ok(json) => json,
        Err(error) if error.is_eof() => {
            return refused(
                format!("is truncated: it ends at line {}", error.line()),
                "Use the last complete version, for example from a backup or with `terraform state pull`. ",
            );
        }
        Err(error) => {
            return refused(format!("is damaged: {error}"), "Use the last complete version, for example with `terraform state pull`. ");
        }
    };
    if json.get("format").is_some() && json.get("salt").is_some() {
        return refused("is a state of dofloat, not of Terraform".to_owned(), "Use `dofloat state push` for it. ");
    }
    if json.get("encrypted_data").is_some() {
        return refused("is encrypted".to_owned(), "Decrypt it with `tofu state pull` first. ");
    }
    match json.get("version").map(Json::as_u64) {
        Some(Some(4)) => {}
        Some(Some(version)) => {
            return refused(
                format!("has version {version}, and only version 4 can be read"),
                "Terraform 0.12 and later write version 4: let one of those write it again. ",
            );
        }
        _ => return refused("is not a Terraform state: it has no `version`".to_owned(), ""),
    }
    whole(&json, salt)
        .or_else(|why| refused(format!("is damaged: {why}"), "Use the last complete version, for example with `terraform state pull`. "))
}

fn whole(json: &Json, salt: &Salt) -> Result<Foreign, String> {
    let mut foreign = Foreign::default();
    let resources = json.get("resources").and_then(Json::as_array).ok_or("`resources` is missing")?;
    let mut dependencies: Vec<BTreeSet<Address>> = Vec::new();
    for (place, resource) in resources.iter().enumerate() {
        let at = |name: &str| format!("`{name}` is missing in `resources[{place}]`");
        let text = |name: &str| resource.get(name).and_then(Json::as_str).ok_or_else(|| at(name));
        let (mode, block) = (text("mode")?, Address::new(text("type")?, text("name")?));
        let instances = resource.get("instances").and_then(Json::as_array).ok_or_else(|| at("instances"))?;
        let module = resource.get("module").and_then(Json::as_str).filter(|module| !module.is_empty());
        let module = module.map(str::parse::<Address>).transpose().map_err(|why| format!("{why} in `resources[{place}]`"))?;
        for instance in instances {
            let key = key(instance).map_err(|why| format!("{why} in `resources[{place}]`"))?;
            let address = block.with_key(key).inside(module.as_ref());
            let full = address.to_string();
            let mut leave = |why: &str| foreign.left.push((full.clone(), why.to_owned()));
            let kind = match kind(&address.kind) {
                _ if mode == "data" => {
                    let source = block.with_key(address.key.clone());
                    let full = module.as_ref().map_or_else(|| format!("data.{source}"), |module| format!("{module}.data.{source}"));
                    foreign.left.push((full, "a data source is read again and is not in the state".to_owned()));
                    continue;
                }
                _ if instance.get("deposed").is_some_and(|key| !key.is_null()) => {
                    leave("it was replaced and has yet to be deleted: let Terraform delete it, or do it in the control panel");
                    continue;
                }
                None => {
                    leave("its type is not supported");
                    continue;
                }
                Some(kind) => kind,
            };
            let attributes = instance.get("attributes").and_then(Json::as_object);
            let attributes = attributes.ok_or_else(|| format!("{full} has no attributes"))?;
            let body: Body = attributes
                .iter()
                .map(|(name, value)| (name.clone(), Value::from_json(value)))
                .filter(|(_, value)| *value != Value::Null)
                .collect();
            let id = kind.identity(&body).or_else(|| told_apart(kind, &body, &full)).ok_or_else(|| format!("{full} has no id"))?;
            if foreign.targets.iter().any(|target| target.to == address) {
                return Err(format!("{full} occurs twice"));
            }
            if instance.get("status").and_then(Json::as_str) == Some("tainted") {
                foreign.tainted.push(address.clone());
            }
            dependencies.push(depends(instance));
            foreign.kept.extend(own_secrets(kind, &id, &body));
            let told = told(kind, &id, &body, &sensitive(instance), salt, instance.get("create_before_destroy") == Some(&Json::Bool(true)));
            foreign.targets.push(ImportTarget { to: address, id, told: Some(told), span: None });
        }
    }
    link(&mut foreign, dependencies);
    outputs(json, salt, &mut foreign)?;
    Ok(foreign)
}

/// Turns what instances were built upon into addresses of instances that are there.
/// The identity of what is on this machine only, or is one of several that are made of one object: its address tells it apart.
fn told_apart(kind: &dyn AnyKind, body: &Body, full: &str) -> Option<Id> {
    let own = Uuid::new_v5(&Uuid::NAMESPACE_OID, full.as_bytes()).to_string();
    if kind.is_local() { Some(Id(own)) } else { Some(Id(format!("{},{own}", body.get("id")?.as_str()?))) }
}

fn link(foreign: &mut Foreign, dependencies: Vec<BTreeSet<Address>>) {
    let mut all: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
    for target in &foreign.targets {
        all.entry(target.to.unkeyed()).or_default().push(target.to.clone());
    }
    for (target, dependencies) in foreign.targets.iter_mut().zip(dependencies) {
        if let Some(told) = &mut target.told {
            let found = dependencies.iter().filter_map(|of| all.get(of)).flatten();
            told.after = found.filter(|other| **other != target.to).cloned().collect();
        }
    }
}

fn key(instance: &Json) -> Result<Option<Key>, String> {
    match instance.get("index_key") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(name)) => Ok(Some(Key::Name(name.clone()))),
        Some(index) => index.as_u64().map(|index| Some(Key::Index(index))).ok_or_else(|| format!("{index} is not an instance key")),
    }
}

/// The resources that an instance was built upon, without keys.
fn depends(instance: &Json) -> BTreeSet<Address> {
    let names = instance.get("dependencies").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    names.filter_map(|name| name.parse().ok()).collect()
}

/// The attributes that are sensitive, or have a part that is.
fn sensitive(instance: &Json) -> BTreeSet<String> {
    let paths = instance.get("sensitive_attributes").and_then(Json::as_array).into_iter().flatten();
    let first = |path: &Json| Some(path.as_array()?.first()?.get("value")?.as_str()?.to_owned());
    paths.filter_map(first).collect()
}

/// What is secret of an object that only its record knows: nothing could read it again.
fn own_secrets(kind: &dyn AnyKind, id: &Id, body: &Body) -> Option<(String, Secret<Value>)> {
    let own = kind.attrs().iter().filter(|row| kind.is_local() && row.holds_secret() && !row.settable());
    let own: Body = own.filter_map(|row| Some((row.name.to_owned(), body.get(row.name)?.clone()))).collect();
    (!own.is_empty()).then(|| (name_in_vault(kind.name(), id), Secret::new(Value::Map(own))))
}

/// The attributes that the API does not return but the file has.
fn told(kind: &dyn AnyKind, id: &Id, body: &Body, sensitive: &BTreeSet<String>, salt: &Salt, create_first: bool) -> Record {
    let mut told = Record {
        id: id.clone(),
        mark: None,
        body: Body::new(),
        digests: BTreeMap::new(),
        arguments: Body::new(),
        after: BTreeSet::new(),
        health: Health::Ready,
        create_before_destroy: create_first,
    };
    for row in kind.attrs() {
        let Some(value) = body.get(row.name).filter(|value| !is_empty(value)) else { continue };
        if row.holds_secret() && row.reads != Reads::WriteOnly {
            // It is read again where it is needed, and the API says whether it is still so.
            continue;
        }
        if row.secrecy != Secrecy::Open || sensitive.contains(row.name) {
            told.digests.insert(row.name.to_owned(), digest(row, value, body, salt));
        } else if matches!(row.reads, Reads::WriteOnly | Reads::Once) {
            told.body.insert(row.name.to_owned(), value.clone());
        }
    }
    told
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

/// Of what is hidden the provider keeps a SHA-1 only.
fn digest(row: &Attr, value: &Value, body: &Body, salt: &Salt) -> Digest {
    match value.as_str() {
        Some(text) if row.secrecy == Secrecy::Hidden && text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Digest::foreign_sha1(text)
        }
        _ => Digest::of(&Secret::new(normal(row, value, body)), salt),
    }
}

fn outputs(json: &Json, salt: &Salt, foreign: &mut Foreign) -> Result<(), String> {
    let Some(outputs) = json.get("outputs").filter(|outputs| !outputs.is_null()) else { return Ok(()) };
    for (name, output) in outputs.as_object().ok_or("`outputs` is not an object")? {
        let ty = output.get("type").and_then(Type::from_json).ok_or_else(|| format!("the output \"{name}\" has no type"))?;
        let value = Value::from_json(output.get("value").ok_or_else(|| format!("the output \"{name}\" has no value"))?);
        let saved = if output.get("sensitive") == Some(&Json::Bool(true)) {
            let secret = Secret::new(value);
            let digest = Digest::of(&secret, salt);
            foreign.secrets.insert(name.clone(), secret);
            SavedOutput { value: None, ty, sensitive: Some(digest) }
        } else {
            SavedOutput { value: Some(value), ty, sensitive: None }
        };
        foreign.outputs.insert(name.clone(), saved);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const FILE: &str = r#"{
      "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x",
      "outputs": {"ip": {"value": "192.0.2.1", "type": "string"}, "key": {"value": "hush", "type": "string", "sensitive": true}},
      "resources": [
        {"mode": "managed", "type": "digitalocean_vpc", "name": "net", "instances": [{"attributes": {"id": "v-1", "name": "net"}}]},
        {"mode": "managed", "type": "digitalocean_droplet", "name": "web", "instances": [
          {"index_key": 0, "status": "tainted", "dependencies": ["digitalocean_vpc.net", "module.m.digitalocean_vpc.net", "module.m.thing.x"],
           "sensitive_attributes": [[{"type": "get_attr", "value": "user_data"}]],
           "attributes": {"id": "7", "name": "web", "ssh_keys": ["1"], "user_data": "AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D"}},
          {"index_key": 1, "deposed": "00ff", "attributes": {"id": "8"}}]},
        {"mode": "managed", "type": "digitalocean_nothing", "name": "b", "instances": [{"attributes": {"id": "b"}}]},
        {"mode": "managed", "module": "module.m[\"a\"]", "type": "digitalocean_vpc", "name": "net", "instances": [{"attributes": {"id": "v-2"}}]},
        {"mode": "data", "type": "digitalocean_images", "name": "i", "instances": [{"attributes": {"id": "i"}}]}
      ]}"#;

    fn salt() -> Salt {
        Salt::new([1; 32])
    }

    #[test]
    fn what_is_known_is_taken_and_the_rest_is_named() {
        let foreign = read(FILE.as_bytes(), "a.tfstate", &salt()).unwrap();
        let names: Vec<String> = foreign.targets.iter().map(|target| format!("{}={}", target.to, target.id)).collect();
        assert_eq!(names, ["digitalocean_vpc.net=v-1", "digitalocean_droplet.web[0]=7", r#"module.m["a"].digitalocean_vpc.net=v-2"#]);
        let told = foreign.targets[1].told.as_ref().unwrap();
        assert_eq!(told.digests["user_data"].as_str(), "sha1:aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
        assert_eq!(told.body.keys().collect::<Vec<_>>(), ["ssh_keys"]);
        assert_eq!(
            told.after,
            BTreeSet::from(["digitalocean_vpc.net".parse().unwrap(), r#"module.m["a"].digitalocean_vpc.net"#.parse().unwrap()])
        );
        assert_eq!(foreign.tainted, ["digitalocean_droplet.web[0]".parse().unwrap()]);
        let left: Vec<&str> = foreign.left.iter().map(|(address, _)| address.as_str()).collect();
        assert_eq!(left, ["digitalocean_droplet.web[1]", "digitalocean_nothing.b", "data.digitalocean_images.i"]);
        assert_eq!(foreign.outputs["ip"].value, Some("192.0.2.1".into()));
        assert_eq!(foreign.outputs["key"].value, None);
        assert!(foreign.outputs["key"].sensitive.as_ref().unwrap().matches(&foreign.secrets["key"], &salt()));
    }

    #[test]
    fn every_cut_is_refused() {
        for length in 0..FILE.len() {
            assert!(read(&FILE.as_bytes()[..length], "a.tfstate", &salt()).is_err(), "{length}");
        }
    }

    #[test]
    fn what_is_no_state_is_told_with_a_way_on() {
        let cases = [
            ("cut short", FILE[..200].to_owned()),
            ("no JSON", FILE.replace("\"version\"", "version")),
            ("version 3", FILE.replace("\"version\": 4", "\"version\": 3")),
            ("another file", r#"{"name": "x"}"#.to_owned()),
            ("dofloat's", r#"{"format": 1, "salt": "", "resources": {}}"#.to_owned()),
            ("encrypted", r#"{"version": 4, "encrypted_data": "x"}"#.to_owned()),
            ("no resources", r#"{"version": 4}"#.to_owned()),
            ("no id", FILE.replace(r#"{"id": "v-1", "name": "net"}"#, r#"{"name": "net"}"#)),
            ("no attributes", FILE.replace(r#"{"attributes": {"id": "v-1", "name": "net"}}"#, "{}")),
            (
                "no type",
                FILE.replace(
                    r#""type": "digitalocean_vpc", "name": "net", "instances": [{"attributes": {"id": "v-1""#,
                    r#""name": "net", "instances": [{"attributes": {"id": "v-1""#,
                ),
            ),
            ("one twice", FILE.replace(r#""index_key": 1, "deposed": "00ff","#, r#""index_key": 0,"#)),
            ("a strange key", FILE.replace(r#""index_key": 1,"#, r#""index_key": -1,"#)),
            ("an output without a type", FILE.replace(r#""value": "192.0.2.1", "type": "string""#, r#""value": "192.0.2.1""#)),
        ];
        let told = cases.iter().fold(String::new(), |mut told, (name, text)| {
            let error = read(text.as_bytes(), "terraform.tfstate", &salt()).unwrap_err();
            let _ = writeln!(told, "# {name}\n{}\n  {}\n", error.message, error.hint.unwrap_or_default());
            told
        });
        let golden = include_str!("../../fixtures/golden/tfstate-errors.txt");
        assert!(told == golden, "fixtures/golden/tfstate-errors.txt should be:\n{told}");
    }
}
