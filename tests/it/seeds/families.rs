//! The families of objects that a seed may bring about: where they lie at the API, and what of one must be as wanted.
//!
//! Invariant: read from the simulated account alone; nothing here is asked of the program.

use std::collections::BTreeMap;

use dofloat::sim::World;
use serde_json::{Value, json};

/// Objects of one collection.
pub(crate) struct Family {
    /// As the account shows them.
    pub(crate) label: &'static str,
    /// Where they lie, `*` for one part.
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    /// The kinds whose objects they are.
    pub(crate) kinds: &'static [&'static str],
    /// What must be as wanted.
    pub(crate) face: fn(&Value, &Names) -> String,
    /// What a person sends to make one of this name.
    pub(crate) made_by_hand: Option<fn(&str) -> Value>,
}

/// What other objects are called.
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    pub(crate) fn of(world: &World) -> Self {
        let named = ["droplets", "vpcs", "volumes"];
        let all = named.into_iter().flat_map(|family| world.show(family));
        Self(all.map(|object| (text(&object["id"]), text(&object["name"]))).collect())
    }

    fn get(&self, id: &Value) -> String {
        self.0.get(&text(id)).cloned().unwrap_or_else(|| format!("?{id}"))
    }

    fn all(&self, ids: &Value) -> String {
        let mut names: Vec<String> = ids.as_array().into_iter().flatten().map(|id| self.get(id)).collect();
        names.sort();
        names.join("+")
    }
}

/// A text as it is, anything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What cannot be read back has no face but its name.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

pub(crate) static FAMILIES: &[Family] = &[
    Family {
        label: "droplets",
        path: "/v2/droplets",
        id: "id",
        kinds: &["digitalocean_droplet"],
        face: droplet,
        made_by_hand: Some(|name| json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"})),
    },
    Family {
        label: "reserved_ips",
        path: "/v2/reserved_ips",
        id: "ip",
        kinds: &["digitalocean_reserved_ip", "digitalocean_floating_ip"],
        face: |ip, _| {
            let holder = if ip["droplet"].is_null() { "nobody".to_owned() } else { text(&ip["droplet"]["name"]) };
            // Who of a pair serves is the pair's own business.
            format!("address held by {}", if is_of_pair(&holder) { "a pair" } else { &holder })
        },
        made_by_hand: Some(|_| json!({"region": "nyc3"})),
    },
    Family {
        label: "vpcs",
        path: "/v2/vpcs",
        id: "id",
        kinds: &["digitalocean_vpc"],
        face: |net, _| match text(&net["name"]) {
            name if is_of_pair(&name) => format!("net of {name}"),
            name => format!("net {name} {} {}", text(&net["ip_range"]), text(&net["description"])),
        },
        made_by_hand: Some(|name| json!({"name": name, "region": "nyc3"})),
    },
    Family {
        label: "firewalls",
        path: "/v2/firewalls",
        id: "id",
        kinds: &["digitalocean_firewall"],
        face: firewall,
        made_by_hand: Some(
            |name| json!({"name": name, "inbound_rules": [{"protocol": "tcp", "ports": "9", "sources": {"addresses": ["192.0.2.1"]}}]}),
        ),
    },
    Family {
        label: "domains",
        path: "/v2/domains",
        id: "name",
        kinds: &["digitalocean_domain"],
        face: |zone, _| format!("zone {}", text(&zone["name"])),
        made_by_hand: Some(|name| json!({"name": name})),
    },
    Family {
        label: "records",
        path: "/v2/domains/*/records",
        id: "id",
        kinds: &["digitalocean_record"],
        face: |record, _| {
            let value = if record["type"] == "A" { "an address".to_owned() } else { text(&record["data"]) };
            format!("record {} {} {value} {}", text(&record["type"]), text(&record["name"]), record["ttl"])
        },
        made_by_hand: None,
    },
    Family {
        label: "ssh_keys",
        path: "/v2/account/keys",
        id: "id",
        kinds: &["digitalocean_ssh_key"],
        face: |key, _| format!("key {} {}", text(&key["name"]), text(&key["public_key"])),
        made_by_hand: Some(|name| json!({"name": name, "public_key": format!("{KEY} {name}")})),
    },
    Family {
        label: "tags",
        path: "/v2/tags",
        id: "name",
        kinds: &["digitalocean_tag"],
        face: |tag, _| match text(&tag["name"]) {
            name if name.starts_with("dofloat:") => "tag of a pair".to_owned(),
            name => format!("tag {name}"),
        },
        made_by_hand: Some(|name| json!({"name": name})),
    },
    Family {
        label: "projects",
        path: "/v2/projects",
        id: "id",
        kinds: &["digitalocean_project"],
        face: |project, _| format!("project {} {}", text(&project["name"]), text(&project["description"])),
        made_by_hand: Some(|name| json!({"name": name, "purpose": "Service or API"})),
    },
    Family {
        label: "volumes",
        path: "/v2/volumes",
        id: "id",
        kinds: &["digitalocean_volume"],
        face: |volume, names| {
            let (name, on) = (text(&volume["name"]), names.all(&volume["droplet_ids"]));
            format!("volume {name} {} {} on {on}", volume["size_gigabytes"], text(&volume["description"]))
        },
        made_by_hand: Some(|name| json!({"name": name, "region": "nyc3", "size_gigabytes": 5})),
    },
    Family {
        label: "snapshots",
        path: "/v2/volumes/*/snapshots",
        id: "id",
        kinds: &["digitalocean_volume_snapshot"],
        face: |snapshot, _| format!("snapshot {}", text(&snapshot["name"])),
        made_by_hand: None,
    },
    Family {
        label: "load_balancers",
        path: "/v2/load_balancers",
        id: "id",
        kinds: &["digitalocean_loadbalancer"],
        face: |of, names| format!("balancer {} {} before {}", text(&of["name"]), of["size_unit"], names.all(&of["droplet_ids"])),
        made_by_hand: None,
    },
    Family {
        label: "uptime/checks",
        path: "/v2/uptime/checks",
        id: "id",
        kinds: &["digitalocean_uptime_check"],
        face: |check, _| format!("check {} {} {}", text(&check["name"]), text(&check["target"]), check["enabled"]),
        made_by_hand: Some(|name| json!({"name": name, "target": "https://example.net", "type": "https", "regions": [], "enabled": true})),
    },
    Family {
        label: "uptime/checks/{check_id}/alerts",
        path: "/v2/uptime/checks/*/alerts",
        id: "id",
        kinds: &["digitalocean_uptime_alert"],
        face: |alert, _| format!("uptime alert {} {}", text(&alert["name"]), alert["threshold"]),
        made_by_hand: None,
    },
    Family {
        label: "monitoring/alerts",
        path: "/v2/monitoring/alerts",
        id: "uuid",
        kinds: &["digitalocean_monitor_alert"],
        face: |alert, _| {
            let droplets = alert["entities"].as_array().map_or(0, Vec::len);
            format!("monitor {} {} of {droplets}", text(&alert["description"]), alert["value"])
        },
        made_by_hand: None,
    },
    Family {
        label: "certificates",
        path: "/v2/certificates",
        id: "id",
        kinds: &["digitalocean_certificate"],
        face: |of, _| format!("certificate {}", text(&of["name"])),
        made_by_hand: None,
    },
    Family {
        label: "reserved_ipv6",
        path: "/v2/reserved_ipv6",
        id: "ip",
        kinds: &["digitalocean_reserved_ipv6"],
        face: |ip, names| {
            let holder = names.0.get(&text(&ip["droplet"]));
            format!("address of six held by {}", holder.map_or("nobody", String::as_str))
        },
        made_by_hand: Some(|_| json!({"region_slug": "nyc3"})),
    },
    Family {
        label: "cdn/endpoints",
        path: "/v2/cdn/endpoints",
        id: "id",
        kinds: &["digitalocean_cdn"],
        face: |of, _| format!("cdn {} {}", text(&of["origin"]), of["ttl"]),
        made_by_hand: None,
    },
    Family {
        label: "databases",
        path: "/v2/databases",
        id: "id",
        kinds: &["digitalocean_database_cluster"],
        face: |of, _| format!("database {} {}", text(&of["name"]), of["num_nodes"]),
        made_by_hand: None,
    },
    Family {
        label: "databases/{database_cluster_uuid}/dbs",
        path: "/v2/databases/*/dbs",
        id: "name",
        kinds: &["digitalocean_database_db"],
        face: |of, _| format!("database within {}", text(&of["name"])),
        made_by_hand: None,
    },
    Family {
        label: "kubernetes/clusters",
        path: "/v2/kubernetes/clusters",
        id: "id",
        kinds: &["digitalocean_kubernetes_cluster"],
        face: |of, _| format!("kubernetes {} {}", text(&of["name"]), of["auto_upgrade"]),
        made_by_hand: None,
    },
    Family {
        label: "kubernetes/clusters/{cluster_id}/node_pools",
        path: "/v2/kubernetes/clusters/*/node_pools",
        id: "id",
        kinds: &["digitalocean_kubernetes_node_pool"],
        face: |of, _| format!("node pool {} of {}", text(&of["name"]), of["count"]),
        made_by_hand: None,
    },
    Family {
        label: "apps",
        path: "/v2/apps",
        id: "id",
        kinds: &["digitalocean_app"],
        face: |of, _| {
            let service = &of["spec"]["services"][0];
            format!("app {} {} of {}", text(&of["spec"]["name"]), service["instance_count"], service["http_port"])
        },
        made_by_hand: None,
    },
    Family {
        label: "registries",
        path: "/v2/registries",
        id: "name",
        kinds: &["digitalocean_container_registry"],
        face: |of, _| format!("registry {}", text(&of["name"])),
        made_by_hand: None,
    },
];

fn droplet(droplet: &Value, names: &Names) -> String {
    let all: Vec<String> = droplet["tags"].as_array().into_iter().flatten().map(text).collect();
    let own = |tag: &&str| tag.starts_with("dofloat:");
    let mut tags: Vec<&str> = all.iter().map(String::as_str).filter(|tag| !own(tag)).collect();
    tags.sort_unstable();
    let net = names.get(&droplet["vpc_uuid"]);
    let net = if net.starts_with("default-") { "-" } else { &net };
    let (name, size, image) = (text(&droplet["name"]), text(&droplet["size_slug"]), text(&droplet["image"]["slug"]));
    let mut line = format!("droplet {name} {size} {image} in {net} with {}", tags.join("+"));
    if droplet["status"] != "active" {
        line.push_str(" but is not active");
    }
    line
}

/// Whether something is of a pair, by its name.
pub(crate) fn is_of_pair(name: &str) -> bool {
    name.contains("-pair-")
}

fn firewall(wall: &Value, names: &Names) -> String {
    if is_of_pair(&text(&wall["name"])) {
        return format!("wall of {} with {} rules", text(&wall["name"]), wall["inbound_rules"].as_array().map_or(0, Vec::len));
    }
    let mut ports: Vec<String> = wall["inbound_rules"].as_array().into_iter().flatten().map(|rule| text(&rule["ports"])).collect();
    ports.sort();
    let tags: Vec<String> = wall["tags"].as_array().into_iter().flatten().map(text).collect();
    format!("wall {} guards {} and {} lets in {}", text(&wall["name"]), names.all(&wall["droplet_ids"]), tags.join("+"), ports.join("+"))
}

impl Family {
    /// The field by which a state knows an object.
    pub(crate) fn known_by(&self) -> &'static str {
        if self.label == "certificates" { "name" } else { self.id }
    }
}

/// Whether an object is no resource: a stack's own project, in which it keeps what carries no tag, and tags that came with what
/// carries them.
pub(crate) fn is_by_the_way(family: &Family, object: &Value) -> bool {
    match family.label {
        "projects" => text(&object["description"]).starts_with("Made by dofloat"),
        "tags" => {
            let name = text(&object["name"]);
            !name.contains("-tag-") && name.split(':').count() < 3
        }
        _ => false,
    }
}

/// The family whose objects a create of this path makes.
pub(crate) fn made_at(path: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| fits(family.path, path) || family.label == "reserved_ips" && path == "/v2/floating_ips")
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut of, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (of.next(), parts.next()) {
            (None, None) => return true,
            (Some(of), Some(part)) if of == "*" || of == part => {}
            _ => return false,
        }
    }
}

/// The object that a request is about: the label of its family, and its identity.
pub(crate) fn target(path: &str) -> Option<(&'static str, String)> {
    let parts: Vec<&str> = path.trim_start_matches("/v2/").split('/').collect();
    let (label, id) = match parts.as_slice() {
        ["domains", _, "records", id] => ("records", id),
        ["account", "keys", id] => ("ssh_keys", id),
        ["uptime", "checks", _, "alerts", id] => ("uptime/checks/{check_id}/alerts", id),
        ["databases", _, "dbs", id] => ("databases/{database_cluster_uuid}/dbs", id),
        ["kubernetes", "clusters", _, "node_pools", id] => ("kubernetes/clusters/{cluster_id}/node_pools", id),
        ["kubernetes", "clusters", id, ..] => ("kubernetes/clusters", id),
        ["uptime", "checks", id, ..] => ("uptime/checks", id),
        ["monitoring", "alerts", id] => ("monitoring/alerts", id),
        ["cdn", "endpoints", id, ..] => ("cdn/endpoints", id),
        ["floating_ips", id, ..] => ("reserved_ips", id),
        [family, id, ..] => (*family, id),
        _ => return None,
    };
    FAMILIES.iter().find(|family| family.label == label).map(|family| (family.label, (*id).to_owned()))
}

/// The path of one object.
pub(crate) fn path_of(world: &World, family: &Family, id: &str) -> Option<String> {
    match family.label {
        "records" => {
            let all = world.to_json();
            let zone = all["domains"].as_object()?.iter().find(|(_, zone)| zone["records"].get(id).is_some())?.0.clone();
            Some(format!("/v2/domains/{zone}/records/{id}"))
        }
        "snapshots" => Some(format!("/v2/snapshots/{id}")),
        label if label.contains('{') => None,
        _ => Some(format!("{}/{id}", family.path)),
    }
}
