//! What an account holds, without identities, and the identities alone; what a state remembers of them.
//!
//! Invariant: two accounts in which the same has been brought about have the same shape, whatever numbers and addresses were
//! given out on the way.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::NODE_TOKEN;

/// What there is, without identities, sorted.
pub(crate) fn shape(world: &Value) -> Value {
    let names = |kind: &str| -> BTreeMap<String, String> {
        let named = world[kind].as_object().into_iter().flatten();
        named.map(|(id, object)| (id.clone(), object["name"].as_str().unwrap_or_default().to_owned())).collect()
    };
    let (droplets, vpcs) = (names("droplets"), names("vpcs"));
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for (ip, address) in objects(&world["reserved_ips"]) {
        let holder = droplets.get(&address["droplet"].to_string()).cloned().unwrap_or_default();
        places.insert(ip.clone(), format!("address held by {holder:?}"));
    }
    for (_, droplet) in objects(&world["droplets"]) {
        let name = droplet["name"].as_str().unwrap_or_default();
        places.insert(droplet["public"].as_str().unwrap_or_default().to_owned(), format!("public address of {name}"));
    }
    let mut all: Vec<Value> = Vec::new();
    for (_, droplet) in objects(&world["droplets"]) {
        let mut kept = keep(droplet, &["name", "size", "disk", "image", "region", "power", "backups", "monitoring", "ipv6", "user_data"]);
        kept["vpc"] = json!(droplet["vpc"].as_str().and_then(|vpc| vpcs.get(vpc)));
        if kept["user_data"].as_str().is_some_and(|text| text.contains(&STANDARD.encode(NODE_TOKEN))) {
            kept["user_data"] = json!("what makes a node of it");
        }
        kept["user_data"] = spoken(&kept["user_data"], &places);
        let tags = droplet["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        kept["tags"] = json!(tags.map(unmarked).collect::<BTreeSet<_>>());
        all.push(json!({ "droplet": kept }));
    }
    for (ip, address) in objects(&world["reserved_ips"]) {
        all.push(json!({ "address": places.get(ip), "region": address["region"] }));
    }
    for (_, volume) in objects(&world["plain"][VOLUMES]) {
        let mut kept = keep(&volume["fields"], &["name", "region", "size_gigabytes"]);
        let holder = volume["fields"]["droplet_ids"].as_array().into_iter().flatten().map(|id| droplets.get(&id.to_string()));
        kept["holder"] = json!(holder.collect::<Vec<_>>());
        all.push(json!({ "volume": kept }));
    }
    for (_, vpc) in objects(&world["vpcs"]).filter(|(_, vpc)| vpc["initial"] != true) {
        all.push(json!({ "vpc": keep(vpc, &["name", "region", "description"]) }));
    }
    for (_, firewall) in objects(&world["firewalls"]) {
        all.push(json!({ "firewall": renamed(firewall, &droplets) }));
    }
    for (name, domain) in objects(&world["domains"]) {
        for (_, record) in objects(&domain["records"]) {
            let mut kept = keep(record, &["kind", "name", "data", "ttl", "priority", "port", "weight", "flags", "tag"]);
            kept["data"] = spoken(&kept["data"], &places);
            all.push(json!({ "domain": name, "record": kept }));
        }
    }
    all.extend(objects(&world["ssh_keys"]).map(|(_, key)| json!({ "ssh_key": keep(key, &["name"]) })));
    all.extend(
        objects(&world["projects"]).map(|(_, project)| json!({ "project": unmarked(project["name"].as_str().unwrap_or_default()) })),
    );
    // A tag that nothing carries is what an edit leaves behind; the stack's mark is not.
    all.extend(objects(&world["tags"]).map(|(tag, _)| json!({ "tag": unmarked(tag) })));
    all.sort_by_key(Value::to_string);
    Value::Array(all)
}

/// A text with the addresses in it by what they lead to.
fn spoken(text: &Value, places: &BTreeMap<String, String>) -> Value {
    let Some(text) = text.as_str() else { return text.clone() };
    let address = |word: &str| places.get(word.trim_matches('"')).map(|place| word.replace(word.trim_matches('"'), place));
    json!(text.split(' ').map(|word| address(word).unwrap_or_else(|| word.to_owned())).collect::<Vec<_>>().join(" "))
}

pub(super) fn objects(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of.as_object().into_iter().flatten()
}

fn keep(of: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), of[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn unmarked(tag: &str) -> String {
    if tag.starts_with("dofloat:") { "the mark".to_owned() } else { tag.to_owned() }
}

/// A firewall with its droplets by name.
fn renamed(of: &Value, droplets: &BTreeMap<String, String>) -> Value {
    match of {
        Value::Object(map) => {
            let kept = map.iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "created" | "created_at" | "pending"));
            kept.map(|(name, value)| (name.clone(), renamed(value, droplets))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| renamed(item, droplets)).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::String(text) if text.starts_with("dofloat:") => json!(unmarked(text)),
        other => droplets.get(&other.to_string()).map_or_else(|| other.clone(), |name| json!(name)),
    }
}

/// Everything in the account that somebody has made, by kind and identity.
pub(crate) fn inventory(world: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let own = |of: &(&String, &Value)| of.1["initial"] != true;
    for (family, kind) in FAMILIES {
        all.extend(objects(&world[family]).filter(own).map(|(id, object)| (format!("{kind} {id}"), object.clone())));
    }
    all.extend(objects(&world["plain"][VOLUMES]).map(|(id, volume)| (format!("volume {id}"), volume.clone())));
    for (name, domain) in objects(&world["domains"]) {
        all.insert(format!("domain {name}"), json!(name));
        all.extend(objects(&domain["records"]).filter(own).map(|(id, record)| (format!("record {id}"), record.clone())));
    }
    all
}

/// The collection of the only plain kind that the estate has.
const VOLUMES: &str = "/v2/volumes";

const FAMILIES: [(&str, &str); 7] = [
    ("droplets", "droplet"),
    ("reserved_ips", "floating_ip"),
    ("vpcs", "vpc"),
    ("firewalls", "firewall"),
    ("ssh_keys", "ssh_key"),
    ("tags", "tag"),
    ("projects", "project"),
];

/// Every object that a state may remember, as kind and identity.
pub(crate) fn identities(world: &Value) -> BTreeSet<String> {
    inventory(world).into_keys().filter(|identity| !identity.starts_with("tag ")).collect()
}

/// The account without these.
pub(crate) fn without(world: &Value, theirs: &BTreeSet<String>) -> Value {
    let mut world = world.clone();
    let drop_from = |family: &mut Value, kind: &str| {
        if let Some(objects) = family.as_object_mut() {
            objects.retain(|id, _| !theirs.contains(&format!("{kind} {id}")));
        }
    };
    for (family, kind) in FAMILIES.into_iter().chain([("domains", "domain")]) {
        drop_from(&mut world[family], kind);
    }
    if let Some(volumes) = world["plain"].get_mut(VOLUMES) {
        drop_from(volumes, "volume");
    }
    for domain in world["domains"].as_object_mut().into_iter().flat_map(|domains| domains.values_mut()) {
        drop_from(&mut domain["records"], "record");
    }
    world
}

/// What a state remembers, as kind and identity.
pub(crate) fn remembered(state: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (address, record) in objects(&state["resources"]) {
        let id = record["id"].as_str().unwrap_or_default();
        let named = identity(address, id);
        if !UNCOUNTED.iter().any(|kind| named.starts_with(kind)) {
            all.insert(named);
        }
    }
    all.extend(state["project"].as_str().map(|id| format!("project {id}")));
    all.extend(state["deposed"].as_array().into_iter().flatten().map(|deposed| format!("deposed {}", deposed["id"])));
    all
}

/// What is no object of its own in the account, or is there by its name alone.
const UNCOUNTED: [&str; 5] = ["floating_ip_assignment ", "reserved_ip_assignment ", "volume_attachment ", "terraform_data ", "tag "];

/// Kind and identity of a resource's object, as the inventory has them.
pub(super) fn identity(address: &str, id: &str) -> String {
    let own = address.trim_start_matches("dofloat_cluster.web.");
    let kind = own.split('.').next().unwrap_or_default().trim_start_matches("digitalocean_");
    match kind {
        "reserved_ip" => format!("floating_ip {id}"),
        "record" => format!("record {}", id.rsplit(['/', ',']).next().unwrap_or_default()),
        kind => format!("{kind} {id}"),
    }
}

/// The lines of which one side has more than the other.
pub(crate) fn differences(expected: &Value, found: &Value) -> String {
    let count = |of: &Value| -> BTreeMap<String, usize> {
        of.as_array().into_iter().flatten().fold(BTreeMap::new(), |mut counts, line| {
            *counts.entry(line.to_string()).or_default() += 1;
            counts
        })
    };
    let (expected, found) = (count(expected), count(found));
    let more = |sign: &str, here: &BTreeMap<String, usize>, there: &BTreeMap<String, usize>| -> Vec<String> {
        let lines = here.iter().filter(|(line, count)| there.get(*line).copied().unwrap_or(0) < **count);
        lines.map(|(line, count)| format!("  {sign} {line} ({count})")).collect()
    };
    [more("missing", &expected, &found), more("too much", &found, &expected)].concat().join("\n")
}
