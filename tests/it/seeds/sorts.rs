//! The sorts of resources that a seed draws: what is written of each, and what the account must show then.
//!
//! Invariant: what is wanted can be had: whatever two configurations a seed draws one after the other, a run can lead from the
//! one to the other. What is wrong by itself is the business of other tests.

use super::config::{Config, Part};

/// A sort of resource.
pub(crate) struct Sort {
    pub(crate) word: &'static str,
    pub(crate) kind: &'static str,
    /// The sorts without whose resource of the same label it is not written.
    pub(crate) needs: &'static [&'static str],
    /// Whether it may be taken out of the state without its object, and imported again.
    pub(crate) is_importable: bool,
    pub(crate) body: fn(&View<'_>) -> Vec<(&'static str, String)>,
    /// The faces of its objects.
    pub(crate) faces: fn(&View<'_>) -> Vec<String>,
}

/// A resource among the others.
pub(crate) struct View<'a> {
    pub(crate) config: &'a Config,
    pub(crate) part: &'a Part,
    pub(crate) secret: &'a str,
}

const SIZES: [&str; 4] = ["s-1vcpu-1gb", "s-1vcpu-2gb", "s-2vcpu-2gb", "s-2vcpu-4gb"];
const IMAGES: [&str; 3] = ["ubuntu-22-04-x64", "ubuntu-24-04-x64", "debian-12-x64"];
const REGION: (&str, &str) = ("region", "\"nyc3\"");

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn at<T: Copy>(of: &[T], nth: u64) -> T {
    of[usize::try_from(nth).expect("it is small") % of.len()]
}

impl View<'_> {
    /// The other resource of the same label, if it is written.
    fn beside(&self, word: &str) -> Option<View<'_>> {
        let part = self.config.written(word, self.part.label)?;
        Some(View { part, ..*self })
    }

    fn attribute(&self, word: &str, name: &str) -> Option<String> {
        self.beside(word).map(|view| format!("{}.{name}", view.part.address()))
    }

    /// A name that no other resource has, in either stack.
    pub(crate) fn name(&self) -> String {
        let Part { sort, label, name, .. } = self.part;
        format!("{}-{sort}-{label}{name}", self.config.stack)
    }

    /// A name that the other stack's may have too.
    fn common_name(&self) -> String {
        format!("{}-{}{}", self.part.sort, self.part.label, self.part.name)
    }

    fn name_of(&self, word: &str) -> Option<String> {
        self.beside(word).map(|view| view.own_name())
    }

    /// What its object is called.
    pub(crate) fn own_name(&self) -> String {
        match self.part.sort {
            "vm" => self.common_name(),
            "zone" => self.zone(),
            _ => self.name(),
        }
    }

    fn knob(&self, nth: usize) -> u64 {
        self.part.knobs[nth]
    }

    /// A number that no other resource of the sort has, in either stack.
    fn number(&self) -> u64 {
        let stack = u64::from(self.config.stack != "web");
        (stack * 4 + u64::from(self.part.label as u8 - b'a')) * 10
    }

    fn range(&self) -> String {
        format!("10.{}.{}.0/24", 40 + self.number(), self.knob(0))
    }

    /// Whether a resource is in a net decides its image, since only a new one leaves a net.
    fn image(&self) -> &'static str {
        at(&IMAGES, self.knob(0) + u64::from(self.beside("net").is_some()))
    }

    fn tags(&self) -> Vec<String> {
        let bits = self.knob(2);
        ["blue", "green", "red"].into_iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, tag)| tag.to_owned()).collect()
    }

    fn public_key(&self) -> String {
        use base64::Engine as _;
        let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
        let own = [u8::try_from(self.number()).expect("it is small"), u8::try_from(self.knob(0)).expect("it is small")];
        blob.extend(own.into_iter().cycle().take(32));
        format!("ssh-ed25519 {}", base64::engine::general_purpose::STANDARD.encode(blob))
    }

    fn zone(&self) -> String {
        format!("{}.example", self.name())
    }
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

fn droplet(view: &View<'_>) -> Vec<(&'static str, String)> {
    let mut body = vec![
        (REGION.0, REGION.1.to_owned()),
        ("size", quoted(at(&SIZES, view.knob(1).min(3)))),
        ("image", quoted(view.image())),
        ("tags", list(view.tags().iter().map(|tag| quoted(tag)).chain(view.attribute("tag", "name")))),
    ];
    body.extend(view.attribute("net", "id").map(|net| ("vpc_uuid", net)));
    body.extend(view.attribute("key", "id").map(|key| ("ssh_keys", format!("[{key}]"))));
    body
}

fn face_of_droplet(view: &View<'_>, name: &str) -> String {
    let net = view.name_of("net").unwrap_or_else(|| "-".to_owned());
    let mut tags = view.tags();
    tags.extend(view.name_of("tag"));
    tags.sort();
    format!("droplet {name} {} {} in {net} with {}", at(&SIZES, view.knob(1).min(3)), view.image(), tags.join("+"))
}

/// The ports that a firewall lets in.
fn ports(view: &View<'_>) -> Vec<String> {
    let mut ports = vec!["22".to_owned()];
    ports.extend((0..3).filter(|bit| view.knob(0) >> bit & 1 == 1).map(|bit| (8000 + bit).to_string()));
    ports.sort();
    ports
}

fn wall(view: &View<'_>) -> Vec<(&'static str, String)> {
    let mut body = vec![("name", quoted(&view.name()))];
    body.extend(view.attribute("vm", "id").map(|vm| ("droplet_ids", format!("[{vm}]"))));
    body.extend(view.attribute("tag", "name").map(|tag| ("tags", format!("[{tag}]"))));
    let rule = |port| {
        format!("{{\n    protocol         = \"tcp\"\n    port_range       = \"{port}\"\n    source_addresses = [\"0.0.0.0/0\"]\n  }}")
    };
    body.extend(ports(view).into_iter().map(|port| ("inbound_rule {", rule(port))));
    body
}

fn record(view: &View<'_>) -> Vec<(&'static str, String)> {
    let address = view.attribute("ip", "ip_address").or_else(|| view.attribute("vm", "ipv4_address"));
    let (of, value) = match address.filter(|_| view.knob(0).is_multiple_of(2)) {
        Some(address) => ("A", address),
        None => ("TXT", format!("\"v{}\"", view.knob(1))),
    };
    vec![
        ("domain", view.attribute("zone", "name").unwrap_or_default()),
        ("type", quoted(of)),
        ("name", format!("\"r{}\"", view.part.name)),
        ("value", value),
        ("ttl", (60 * (1 + view.knob(2))).to_string()),
    ]
}

fn face_of_record(view: &View<'_>) -> String {
    let is_address = view.knob(0).is_multiple_of(2) && (view.beside("ip").is_some() || view.beside("vm").is_some());
    let (of, value) = if is_address { ("A", "an address".to_owned()) } else { ("TXT", format!("v{}", view.knob(1))) };
    format!("record {of} r{} {value} {}", view.part.name, 60 * (1 + view.knob(2)))
}

const FORWARD: &str =
    "{\n    entry_protocol  = \"http\"\n    entry_port      = 80\n    target_protocol = \"http\"\n    target_port     = 8080\n  }";
/// The keys of a crowd.
fn members<'v>(view: &'v View<'_>) -> impl Iterator<Item = &'static str> + 'v {
    ["red", "blue", "green"].into_iter().enumerate().filter(|(bit, _)| (1 + view.knob(3)) >> bit & 1 == 1).map(|(_, key)| key)
}

/// What a pair is called, and what is made for it.
fn pair(view: &View<'_>) -> String {
    format!("{}-pair-{}", view.config.stack, view.part.label)
}

/// A block of nodes of Kubernetes.
fn nodes(name: &str, more: u64) -> String {
    format!("{{\n    name       = {name:?}\n    size       = \"s-2vcpu-4gb\"\n    node_count = {}\n  }}", 1 + more)
}

const MAIL: &str = "{\n    email = [\"ops@example.com\"]\n  }";

/// A sort that nothing more is to be said of.
const PLAIN: Sort = Sort { word: "", kind: "", needs: &[], is_importable: false, body: |_| Vec::new(), faces: |_| Vec::new() };

pub(crate) static SORTS: &[Sort] = &[
    Sort {
        word: "net",
        kind: "digitalocean_vpc",
        body: |view| {
            let range = ("ip_range", quoted(&view.range()));
            vec![("name", quoted(&view.name())), (REGION.0, REGION.1.to_owned()), range, ("description", format!("\"d{}\"", view.knob(1)))]
        },
        faces: |view| vec![format!("net {} {} d{}", view.name(), view.range(), view.knob(1))],
        ..PLAIN
    },
    Sort {
        word: "key",
        kind: "digitalocean_ssh_key",
        is_importable: true,
        body: |view| vec![("name", quoted(&view.name())), ("public_key", quoted(&view.public_key()))],
        faces: |view| vec![format!("key {} {}", view.name(), view.public_key())],
        ..PLAIN
    },
    Sort {
        word: "tag",
        kind: "digitalocean_tag",
        body: |view| vec![("name", quoted(&view.name()))],
        faces: |view| vec![format!("tag {}", view.name())],
        ..PLAIN
    },
    Sort {
        word: "vm",
        kind: "digitalocean_droplet",
        is_importable: true,
        body: |view| {
            let mut body = droplet(view);
            body.push(("name", quoted(&view.common_name())));
            body.push(("user_data", format!("\"#!/bin/sh\\n# {} {}\\n\"", view.secret, view.knob(3))));
            body
        },
        faces: |view| vec![face_of_droplet(view, &view.common_name())],
        ..PLAIN
    },
    Sort {
        word: "fleet",
        kind: "digitalocean_droplet",
        body: |view| {
            let mut body = droplet(view);
            body.push(("count", (1 + view.knob(3)).to_string()));
            body.push(("name", format!("\"{}-${{count.index}}\"", view.name())));
            body
        },
        faces: |view| (0..=view.knob(3)).map(|nth| face_of_droplet(view, &format!("{}-{nth}", view.name()))).collect(),
        ..PLAIN
    },
    Sort {
        word: "ip",
        kind: "digitalocean_reserved_ip",
        is_importable: true,
        body: |_| vec![(REGION.0, REGION.1.to_owned())],
        faces: |view| {
            let holder = view.beside("hold").and_then(|_| view.name_of("vm")).unwrap_or_else(|| "nobody".to_owned());
            vec![format!("address held by {holder}")]
        },
        ..PLAIN
    },
    Sort {
        word: "hold",
        kind: "digitalocean_reserved_ip_assignment",
        needs: &["ip", "vm"],
        body: |view| {
            let (ip, vm) = (view.attribute("ip", "ip_address"), view.attribute("vm", "id"));
            vec![("ip_address", ip.unwrap_or_default()), ("droplet_id", vm.unwrap_or_default())]
        },
        ..PLAIN
    },
    Sort {
        word: "zone",
        kind: "digitalocean_domain",
        body: |view| vec![("name", quoted(&view.zone()))],
        faces: |view| vec![format!("zone {}", view.zone())],
        ..PLAIN
    },
    Sort { word: "record", kind: "digitalocean_record", needs: &["zone"], body: record, faces: |view| vec![face_of_record(view)], ..PLAIN },
    Sort {
        word: "wall",
        kind: "digitalocean_firewall",
        is_importable: true,
        body: wall,
        faces: |view| {
            let (vm, tag) = (view.name_of("vm").unwrap_or_default(), view.name_of("tag").unwrap_or_default());
            vec![format!("wall {} guards {vm} and {tag} lets in {}", view.name(), ports(view).join("+"))]
        },
        ..PLAIN
    },
    Sort {
        word: "volume",
        kind: "digitalocean_volume",
        is_importable: true,
        body: |view| {
            let size = (10 * (1 + view.knob(1))).to_string();
            let description = ("description", format!("\"d{}\"", view.knob(0)));
            vec![("name", quoted(&view.name())), (REGION.0, REGION.1.to_owned()), ("size", size), description]
        },
        faces: |view| {
            let on = view.beside("mount").and_then(|_| view.name_of("vm")).unwrap_or_default();
            vec![format!("volume {} {} d{} on {on}", view.name(), 10 * (1 + view.knob(1)), view.knob(0))]
        },
        ..PLAIN
    },
    Sort {
        word: "mount",
        kind: "digitalocean_volume_attachment",
        needs: &["volume", "vm"],
        body: |view| {
            let (volume, vm) = (view.attribute("volume", "id"), view.attribute("vm", "id"));
            vec![("volume_id", volume.unwrap_or_default()), ("droplet_id", vm.unwrap_or_default())]
        },
        ..PLAIN
    },
    Sort {
        word: "snapshot",
        kind: "digitalocean_volume_snapshot",
        needs: &["volume"],
        body: |view| vec![("name", quoted(&view.name())), ("volume_id", view.attribute("volume", "id").unwrap_or_default())],
        faces: |view| vec![format!("snapshot {}", view.name())],
        ..PLAIN
    },
    Sort {
        word: "balancer",
        kind: "digitalocean_loadbalancer",
        body: |view| {
            let mut body = vec![("name", quoted(&view.name())), (REGION.0, REGION.1.to_owned()), ("forwarding_rule {", FORWARD.to_owned())];
            body.push(("size_unit", (1 + view.knob(0) % 3).to_string()));
            body.push(("droplet_ids", list(view.attribute("vm", "id"))));
            body
        },
        faces: |view| vec![format!("balancer {} {} before {}", view.name(), 1 + view.knob(0) % 3, view.name_of("vm").unwrap_or_default())],
        ..PLAIN
    },
    Sort {
        word: "project",
        kind: "digitalocean_project",
        body: |view| {
            let mut body = vec![("name", quoted(&view.name())), ("description", format!("\"d{}\"", view.knob(0)))];
            body.push(("resources", list(view.attribute("volume", "urn"))));
            body
        },
        faces: |view| vec![format!("project {} d{}", view.name(), view.knob(0))],
        ..PLAIN
    },
    Sort {
        word: "check",
        kind: "digitalocean_uptime_check",
        is_importable: true,
        body: |view| {
            let target = ("target", format!("\"https://h{}.example\"", view.knob(0)));
            vec![("name", quoted(&view.name())), target, ("enabled", (view.knob(1).is_multiple_of(2)).to_string())]
        },
        faces: |view| vec![format!("check {} https://h{}.example {}", view.name(), view.knob(0), view.knob(1).is_multiple_of(2))],
        ..PLAIN
    },
    Sort {
        word: "alarm",
        kind: "digitalocean_uptime_alert",
        needs: &["check"],
        body: |view| {
            vec![
                ("check_id", view.attribute("check", "id").unwrap_or_default()),
                ("name", quoted(&view.name())),
                ("type", quoted("latency")),
                ("period", quoted("2m")),
                ("comparison", quoted("greater_than")),
                ("threshold", (100 + view.knob(0)).to_string()),
                ("notifications {", MAIL.to_owned()),
            ]
        },
        faces: |view| vec![format!("uptime alert {} {}", view.name(), 100 + view.knob(0))],
        ..PLAIN
    },
    Sort {
        word: "monitor",
        kind: "digitalocean_monitor_alert",
        body: |view| {
            vec![
                ("type", quoted("v1/insights/droplet/cpu")),
                ("compare", quoted("GreaterThan")),
                ("value", (80 + view.knob(0)).to_string()),
                ("window", quoted("5m")),
                ("description", quoted(&view.name())),
                ("entities", list(view.attribute("vm", "id"))),
                ("alerts {", MAIL.to_owned()),
            ]
        },
        faces: |view| vec![format!("monitor {} {} of {}", view.name(), 80 + view.knob(0), usize::from(view.beside("vm").is_some()))],
        ..PLAIN
    },
    Sort {
        word: "paper",
        kind: "digitalocean_certificate",
        body: |view| {
            let key = ("private_key", format!("\"{} {}\"", view.secret, view.knob(0)));
            vec![("name", quoted(&view.name())), key, ("leaf_certificate", quoted("L"))]
        },
        faces: |view| vec![format!("certificate {}", view.name())],
        ..PLAIN
    },
    Sort {
        word: "six",
        kind: "digitalocean_reserved_ipv6",
        body: |_| vec![("region_slug", quoted("nyc3"))],
        faces: |view| {
            let holder = view.beside("hold6").and_then(|_| view.name_of("vm")).unwrap_or_else(|| "nobody".to_owned());
            vec![format!("address of six held by {holder}")]
        },
        ..PLAIN
    },
    Sort {
        word: "hold6",
        kind: "digitalocean_reserved_ipv6_assignment",
        needs: &["six", "vm"],
        body: |view| {
            let (ip, vm) = (view.attribute("six", "ip"), view.attribute("vm", "id"));
            vec![("ip", ip.unwrap_or_default()), ("droplet_id", vm.unwrap_or_default())]
        },
        ..PLAIN
    },
    Sort {
        word: "cdn",
        kind: "digitalocean_cdn",
        body: |view| {
            let origin = ("origin", quoted(&format!("{}.nyc3.digitaloceanspaces.com", view.name())));
            vec![origin, ("ttl", [60, 600, 3600][usize::try_from(view.knob(0) % 3).expect("it is small")].to_string())]
        },
        faces: |view| {
            let ttl = [60, 600, 3600][usize::try_from(view.knob(0) % 3).expect("it is small")];
            vec![format!("cdn {}.nyc3.digitaloceanspaces.com {ttl}", view.name())]
        },
        ..PLAIN
    },
    Sort {
        word: "base",
        kind: "digitalocean_database_cluster",
        body: |view| {
            vec![
                ("name", quoted(&view.name())),
                ("engine", quoted("pg")),
                ("version", quoted("16")),
                ("size", quoted("db-s-1vcpu-2gb")),
                (REGION.0, REGION.1.to_owned()),
                ("node_count", (1 + view.knob(0) % 2).to_string()),
            ]
        },
        faces: |view| vec![format!("database {} {}", view.name(), 1 + view.knob(0) % 2)],
        ..PLAIN
    },
    Sort {
        word: "inner",
        kind: "digitalocean_database_db",
        needs: &["base"],
        body: |view| vec![("cluster_id", view.attribute("base", "id").unwrap_or_default()), ("name", quoted(&view.name()))],
        faces: |view| vec![format!("database within {}", view.name())],
        ..PLAIN
    },
    Sort {
        word: "kube",
        kind: "digitalocean_kubernetes_cluster",
        body: |view| {
            vec![
                ("name", quoted(&view.name())),
                (REGION.0, REGION.1.to_owned()),
                ("version", quoted("1.32.5-do.2")),
                ("auto_upgrade", view.knob(0).is_multiple_of(2).to_string()),
                ("node_pool {", nodes("main", view.knob(1))),
            ]
        },
        faces: |view| vec![format!("kubernetes {} {}", view.name(), view.knob(0).is_multiple_of(2))],
        ..PLAIN
    },
    Sort {
        word: "pool",
        kind: "digitalocean_kubernetes_node_pool",
        needs: &["kube"],
        body: |view| {
            vec![
                ("cluster_id", view.attribute("kube", "id").unwrap_or_default()),
                ("name", quoted(&view.name())),
                ("size", quoted("s-2vcpu-4gb")),
                ("node_count", (1 + view.knob(0)).to_string()),
            ]
        },
        faces: |view| vec![format!("node pool {} of {}", view.name(), 1 + view.knob(0))],
        ..PLAIN
    },
    Sort {
        word: "app",
        kind: "digitalocean_app",
        body: |view| {
            let (count, port) = (1 + view.knob(0), 8000 + view.knob(1));
            let image = "image {\n        registry_type = \"DOCKER_HUB\"\n        registry      = \"library\"\n        repository    = \"nginx\"\n      }";
            let service = format!(
                "service {{\n      name = \"web\"\n      instance_count = {count}\n      http_port = {port}\n      {image}\n    }}"
            );
            vec![("spec {", format!("{{\n    name = {:?}\n    region = \"nyc\"\n    {service}\n  }}", view.name()))]
        },
        faces: |view| vec![format!("app {} {} of {}", view.name(), 1 + view.knob(0), 8000 + view.knob(1))],
        ..PLAIN
    },
    Sort {
        word: "registry",
        kind: "digitalocean_container_registry",
        body: |view| vec![("name", quoted(&view.name())), ("subscription_tier_slug", quoted("basic"))],
        faces: |view| vec![format!("registry {}", view.name())],
        ..PLAIN
    },
    Sort {
        word: "pair",
        kind: "dofloat_cluster",
        body: |view| {
            let name = pair(view);
            vec![
                (REGION.0, REGION.1.to_owned()),
                ("size", quoted(at(&SIZES, view.knob(1).min(3)))),
                ("image", quoted(at(&IMAGES[1..], view.knob(0)))),
                ("cluster_name", quoted(&name)),
                ("nodes", list([1, 2].map(|nth| quoted(&format!("{name}-{nth}"))))),
                ("wait_for", quoted(at(&["serving", "created"], view.knob(2)))),
            ]
        },
        faces: |view| {
            let (name, size, image) = (pair(view), at(&SIZES, view.knob(1).min(3)), at(&IMAGES[1..], view.knob(0)));
            let node = |nth: u64| format!("droplet {name}-{nth} {size} {image} in {name} with ");
            let beside = [
                "address held by a pair".to_owned(),
                "tag of a pair".to_owned(),
                format!("net of {name}"),
                format!("wall of {name} with 4 rules"),
            ];
            [1, 2].map(node).into_iter().chain(beside).collect()
        },
        ..PLAIN
    },
    Sort {
        word: "crowd",
        kind: "digitalocean_droplet",
        body: |view| {
            let mut body = droplet(view);
            body.push(("for_each", format!("toset({})", list(members(view).map(quoted)))));
            // All have one name, as the API allows.
            body.push(("name", quoted(&view.name())));
            body
        },
        faces: |view| members(view).map(|_| face_of_droplet(view, &view.name())).collect(),
        ..PLAIN
    },
    Sort {
        word: "float",
        kind: "digitalocean_floating_ip",
        body: |_| vec![(REGION.0, REGION.1.to_owned())],
        faces: |_| vec!["address held by nobody".to_owned()],
        ..PLAIN
    },
    Sort { word: "data", kind: "terraform_data", body: |view| vec![("input", format!("\"v{}\"", view.knob(0)))], ..PLAIN },
];

/// The sort of that word.
pub(crate) fn sort(word: &str) -> &'static Sort {
    SORTS.iter().find(|sort| sort.word == word).expect("a sort")
}
