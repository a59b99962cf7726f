//! Random configurations: what a seed wishes for, as text and as the world that it should bring about.
//!
//! Invariant: every wish can be granted, and so can the change from any to the next: what is wrong by itself is the
//! business of other tests. Names are unique by resource, so that nothing is taken by what is about to go.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dofloat::base::rng::Rng;

const SIZES: [&str; 4] = ["s-1vcpu-1gb", "s-1vcpu-2gb", "s-2vcpu-2gb", "s-2vcpu-4gb"];
const IMAGES: [&str; 3] = ["ubuntu-22-04-x64", "ubuntu-24-04-x64", "debian-12-x64"];
const TAGS: [&str; 3] = ["red", "green", "blue"];
const TTLS: [u64; 3] = [60, 300, 1800];
const NETS: [&str; 2] = ["front", "back"];
const GROUPS: [&str; 3] = ["web", "db", "solo"];
const KEYS: [&str; 2] = ["ops", "dev"];

/// What is wished for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WantedStack {
    /// By label: a version of the name and the number of the range.
    nets: BTreeMap<&'static str, (u64, u64)>,
    groups: BTreeMap<&'static str, Group>,
    /// Reserved addresses, and whether the nth is assigned to the nth droplet of `web`.
    ips: u64,
    assigned: bool,
    zone: Option<Zone>,
    wall: Option<Wall>,
    /// By label: versions of name and key.
    keys: BTreeMap<&'static str, (u64, u64)>,
    /// A version of its name.
    tag: Option<u64>,
    /// Whether the older names of resource types are used; the same for ever.
    old_names: bool,
}

/// Droplets of one block: `web` by count, `db` by key, `solo` alone.
#[derive(Clone, Debug, PartialEq)]
struct Group {
    /// How many, or a set of bits.
    members: u64,
    name: u64,
    /// Whether all have the same name, as the API allows.
    alike: bool,
    size: usize,
    image: usize,
    data: Option<u64>,
    tags: BTreeSet<&'static str>,
    tagged: bool,
    net: Option<&'static str>,
    key: Option<&'static str>,
    create_first: bool,
    backups: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Zone {
    name: u64,
    records: BTreeMap<u64, Entry>,
}

/// A record: an address or a text, whose version is in the value.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    to_address: bool,
    value: u64,
    ttl: u64,
    name: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Wall {
    name: u64,
    droplets: bool,
    tagged: bool,
    ports: BTreeSet<u64>,
}

fn pick<T: Copy>(rng: &Rng, of: &[T]) -> T {
    of[usize::try_from(rng.below(of.len() as u64)).expect("it is small")]
}

fn chance(rng: &Rng, percent: u64) -> bool {
    rng.below(100) < percent
}

impl Group {
    fn random(rng: &Rng, label: &str) -> Self {
        let mut group = Self {
            members: 1,
            name: rng.below(9),
            alike: chance(rng, 20),
            size: usize::from(chance(rng, 30)),
            image: usize::from(chance(rng, 50)),
            data: chance(rng, 40).then(|| rng.below(9)),
            tags: TAGS.into_iter().filter(|_| chance(rng, 25)).collect(),
            tagged: chance(rng, 30),
            net: chance(rng, 60).then(|| pick(rng, &NETS)),
            key: chance(rng, 40).then(|| pick(rng, &KEYS)),
            create_first: chance(rng, 30),
            backups: chance(rng, 15),
        };
        group.resize(rng, label);
        group
    }

    fn resize(&mut self, rng: &Rng, label: &str) {
        self.members = match label {
            "web" => rng.below(4),
            "db" => rng.below(8),
            _ => 1,
        };
    }

    /// The instances: key and name.
    fn instances(&self, label: &str) -> Vec<(String, String)> {
        let base = format!("{label}-{}", self.name);
        let named = |key: String, part: &str| (key, if self.alike { base.clone() } else { format!("{base}-{part}") });
        match label {
            "web" => (0..self.members).map(|n| named(format!("[{n}]"), &n.to_string())).collect(),
            "db" => self.letters().iter().map(|letter| named(format!("[\"{letter}\"]"), letter)).collect(),
            _ => vec![(String::new(), base)],
        }
    }

    fn letters(&self) -> Vec<&'static str> {
        ["a", "b", "c"].into_iter().enumerate().filter(|(bit, _)| self.members >> bit & 1 == 1).map(|(_, letter)| letter).collect()
    }
}

impl WantedStack {
    /// Something small.
    pub(crate) fn random(rng: &Rng) -> Self {
        let mut wish = Self { old_names: chance(rng, 30), ..Self::default() };
        for label in NETS {
            if chance(rng, 40) {
                wish.nets.insert(label, (rng.below(5), rng.below(5)));
            }
        }
        for label in GROUPS {
            if chance(rng, 50) {
                wish.groups.insert(label, Group::random(rng, label));
            }
        }
        for label in KEYS {
            if chance(rng, 25) {
                wish.keys.insert(label, (rng.below(5), rng.below(5)));
            }
        }
        wish.tag = chance(rng, 30).then(|| rng.below(5));
        wish.ips = rng.below(3);
        wish.assigned = chance(rng, 70);
        if chance(rng, 50) {
            wish.zone = Some(Zone { name: rng.below(5), records: BTreeMap::new() });
            for _ in 0..rng.below(4) {
                wish.record(rng);
            }
        }
        if chance(rng, 35) {
            wish.wall = Some(Wall { name: rng.below(5), droplets: chance(rng, 60), tagged: chance(rng, 40), ports: BTreeSet::from([22]) });
        }
        wish
    }

    /// The same with one to four changes.
    pub(crate) fn changed(&self, rng: &Rng) -> Self {
        let mut next = self.clone();
        for _ in 0..=rng.below(4) {
            next.change(rng);
        }
        // A droplet whose network is not named any more stays where it is, and so does the network: only a new one leaves.
        for (label, group) in &self.groups {
            let left = next.groups.get(label).is_some_and(|then| self.net_of(group).is_some() && next.net_of(then).is_none());
            if left && let Some(then) = next.groups.get_mut(label) {
                then.image = (group.image + 1) % IMAGES.len();
            }
        }
        next
    }

    fn record(&mut self, rng: &Rng) {
        if let Some(zone) = &mut self.zone {
            let entry = Entry { to_address: chance(rng, 60), value: rng.below(9), ttl: pick(rng, &TTLS), name: rng.below(3) };
            zone.records.insert(rng.below(4), entry);
        }
    }

    fn change(&mut self, rng: &Rng) {
        let label = pick(rng, &GROUPS);
        match rng.below(14) {
            0 => self.change_net(rng),
            1 => match self.groups.remove(label) {
                Some(_) => {}
                None => drop(self.groups.insert(label, Group::random(rng, label))),
            },
            2..=7 => {
                if let Some(group) = self.groups.get_mut(label) {
                    group.change(rng, label);
                }
            }
            8 => self.ips = rng.below(3),
            9 => self.assigned = !self.assigned,
            10 => match &mut self.zone {
                None => self.zone = Some(Zone { name: rng.below(5), records: BTreeMap::new() }),
                Some(_) if chance(rng, 15) => self.zone = None,
                Some(zone) if chance(rng, 15) => zone.name = rng.below(5),
                Some(zone) if chance(rng, 30) => drop(zone.records.pop_first()),
                Some(_) => self.record(rng),
            },
            11 => match &mut self.wall {
                None => self.wall = Some(Wall { name: rng.below(5), droplets: true, tagged: false, ports: BTreeSet::from([443]) }),
                Some(_) if chance(rng, 15) => self.wall = None,
                Some(wall) if chance(rng, 30) => wall.name = rng.below(5),
                Some(wall) if chance(rng, 50) => wall.droplets = !wall.droplets,
                Some(wall) => drop(wall.ports.insert(8000 + rng.below(3))),
            },
            12 => {
                let label = pick(rng, &KEYS);
                match self.keys.get_mut(label) {
                    None => drop(self.keys.insert(label, (0, 0))),
                    Some(_) if chance(rng, 20) => drop(self.keys.remove(label)),
                    Some((name, _)) if chance(rng, 50) => *name += 1,
                    Some((_, key)) => *key += 1,
                }
            }
            _ => self.tag = chance(rng, 70).then(|| rng.below(5)),
        }
    }

    fn change_net(&mut self, rng: &Rng) {
        let label = pick(rng, &NETS);
        match self.nets.get_mut(label) {
            None => drop(self.nets.insert(label, (0, 0))),
            Some(_) if chance(rng, 20) => drop(self.nets.remove(label)),
            Some((name, _)) if chance(rng, 50) => *name += 1,
            Some((_, range)) => *range += 1,
        }
    }
}

impl Group {
    fn change(&mut self, rng: &Rng, label: &str) {
        match rng.below(11) {
            0 => self.resize(rng, label),
            1 => self.name = rng.below(9),
            // A disk does not shrink.
            2 => self.size = (self.size + 1).min(SIZES.len() - 1),
            3 => self.image = (self.image + 1) % IMAGES.len(),
            4 => self.data = chance(rng, 70).then(|| rng.below(9)),
            5 => self.tags = TAGS.into_iter().filter(|_| chance(rng, 40)).collect(),
            6 => self.tagged = !self.tagged,
            7 => self.net = chance(rng, 60).then(|| pick(rng, &NETS)),
            8 => self.create_first = !self.create_first,
            9 => self.backups = !self.backups,
            _ => self.key = chance(rng, 50).then(|| pick(rng, &KEYS)),
        }
    }
}

/// A public key for each label and version.
fn public_key(label: &str, version: u64) -> String {
    use base64::Engine as _;
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend(label.bytes().chain([u8::try_from(version).expect("it is small")]).cycle().take(32));
    format!("ssh-ed25519 {}", base64::engine::general_purpose::STANDARD.encode(blob))
}

fn net_name(label: &str, (name, range): (u64, u64)) -> String {
    format!("{label}-{range}-{name}")
}

impl WantedStack {
    fn tag_name(version: u64) -> String {
        format!("team-{version}")
    }

    fn zone_name(zone: &Zone) -> String {
        format!("zone-{}.example", zone.name)
    }

    fn ip_kind(&self) -> &'static str {
        if self.old_names { "digitalocean_floating_ip" } else { "digitalocean_reserved_ip" }
    }

    fn assignments(&self) -> u64 {
        if self.assigned { self.ips.min(self.groups.get("web").map_or(0, |web| web.members)) } else { 0 }
    }

    fn net_of(&self, group: &Group) -> Option<(&'static str, (u64, u64))> {
        let label = group.net?;
        Some((label, *self.nets.get(label)?))
    }

    fn key_of(&self, group: &Group) -> Option<&'static str> {
        group.key.filter(|label| self.keys.contains_key(label))
    }

    /// What a record's value is: an expression, and its text where that is known without a world.
    fn value_of(&self, entry: &Entry) -> (&'static str, String, Option<String>) {
        let web = self.groups.get("web").map_or(0, |web| web.members);
        if entry.to_address && self.ips > 0 {
            return ("A", format!("{}.ip[0].ip_address", self.ip_kind()), None);
        }
        if entry.to_address && web > 0 {
            return ("A", "digitalocean_droplet.web[0].ipv4_address".to_owned(), None);
        }
        let text = format!("v{}", entry.value);
        ("TXT", format!("{text:?}"), Some(text))
    }

    /// The configuration's text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut say = |line: String| writeln!(out, "{line}").expect("a text takes text");
        for (label, net) in &self.nets {
            let third = net.1 * 2 + u64::from(*label == "back");
            let name = net_name(label, *net);
            say(format!(
                "resource \"digitalocean_vpc\" \"{label}\" {{\n  name = \"{name}\"\n  region = \"nyc3\"\n  ip_range = \"10.40.{third}.0/24\"\n}}"
            ));
        }
        for (label, (name, key)) in &self.keys {
            let key = public_key(label, *key);
            say(format!("resource \"digitalocean_ssh_key\" \"{label}\" {{\n  name = \"{label}-{name}\"\n  public_key = \"{key}\"\n}}"));
        }
        if let Some(version) = self.tag {
            say(format!("resource \"digitalocean_tag\" \"team\" {{\n  name = \"{}\"\n}}", Self::tag_name(version)));
        }
        for (label, group) in &self.groups {
            say(self.group_text(label, group));
        }
        if self.ips > 0 {
            say(format!("resource \"{}\" \"ip\" {{\n  count = {}\n  region = \"nyc3\"\n}}", self.ip_kind(), self.ips));
        }
        if self.assignments() > 0 {
            let (kind, count) = (self.ip_kind(), self.assignments());
            say(format!(
                "resource \"{kind}_assignment\" \"ip\" {{\n  count = {count}\n  ip_address = {kind}.ip[count.index].ip_address\n  droplet_id = digitalocean_droplet.web[count.index].id\n}}"
            ));
        }
        if let Some(zone) = &self.zone {
            say(format!("resource \"digitalocean_domain\" \"zone\" {{\n  name = \"{}\"\n}}", Self::zone_name(zone)));
            for (label, entry) in &zone.records {
                let (kind, value, _) = self.value_of(entry);
                say(format!(
                    "resource \"digitalocean_record\" \"r{label}\" {{\n  domain = digitalocean_domain.zone.name\n  type = \"{kind}\"\n  name = \"r{label}-{}\"\n  value = {value}\n  ttl = {}\n}}",
                    entry.name, entry.ttl
                ));
            }
        }
        if let Some(wall) = &self.wall {
            say(self.wall_text(wall));
        }
        if self.groups.contains_key("web") {
            say("output \"addresses\" {\n  value = digitalocean_droplet.web[*].ipv4_address\n}".to_owned());
        }
        out
    }

    fn group_text(&self, label: &str, group: &Group) -> String {
        let part = match label {
            "web" => "${count.index}",
            "db" => "${each.key}",
            _ => "",
        };
        let dash = if part.is_empty() || group.alike { String::new() } else { format!("-{part}") };
        let mut lines = match label {
            "web" => vec![format!("count = {}", group.members)],
            "db" => vec![format!("for_each = toset({:?})", group.letters())],
            _ => Vec::new(),
        };
        lines.push(format!("name = \"{label}-{}{dash}\"", group.name));
        lines.push("region = \"nyc3\"".to_owned());
        lines.push(format!("size = \"{}\"", SIZES[group.size]));
        lines.push(format!("image = \"{}\"", IMAGES[group.image]));
        if let Some(data) = group.data {
            lines.push(format!("user_data = \"echo {data}\""));
        }
        let mut tags: Vec<String> = group.tags.iter().map(|tag| format!("{tag:?}")).collect();
        if group.tagged && self.tag.is_some() {
            tags.push("digitalocean_tag.team.name".to_owned());
        }
        if !tags.is_empty() {
            lines.push(format!("tags = [{}]", tags.join(", ")));
        }
        if let Some((net, _)) = self.net_of(group) {
            lines.push(format!("vpc_uuid = digitalocean_vpc.{net}.id"));
        }
        if let Some(key) = self.key_of(group) {
            lines.push(format!("ssh_keys = [digitalocean_ssh_key.{key}.id]"));
        }
        if group.backups {
            lines.push("backups = true".to_owned());
        }
        if group.create_first {
            lines.push("lifecycle {\n    create_before_destroy = true\n  }".to_owned());
        }
        format!("resource \"digitalocean_droplet\" \"{label}\" {{\n  {}\n}}", lines.join("\n  "))
    }

    fn wall_text(&self, wall: &Wall) -> String {
        let mut lines = vec![format!("name = \"wall-{}\"", wall.name)];
        if wall.droplets && self.groups.contains_key("web") {
            lines.push("droplet_ids = digitalocean_droplet.web[*].id".to_owned());
        }
        if wall.tagged && self.tag.is_some() {
            lines.push("tags = [digitalocean_tag.team.name]".to_owned());
        }
        for port in &wall.ports {
            lines.push(format!(
                "inbound_rule {{\n    protocol = \"tcp\"\n    port_range = \"{port}\"\n    source_addresses = [\"0.0.0.0/0\"]\n  }}"
            ));
        }
        format!("resource \"digitalocean_firewall\" \"wall\" {{\n  {}\n}}", lines.join("\n  "))
    }

    /// What there should be, one line an object, sorted.
    pub(crate) fn world(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for (label, net) in &self.nets {
            lines.push(format!("vpc {}", net_name(label, *net)));
        }
        for (label, (name, key)) in &self.keys {
            lines.push(format!("key {label}-{name} {}", public_key(label, *key)));
        }
        lines.extend(self.tag.map(|version| format!("tag {}", Self::tag_name(version))));
        for (label, group) in &self.groups {
            let mut tags: BTreeSet<String> = group.tags.iter().map(|tag| (*tag).to_owned()).collect();
            tags.extend(self.tag.filter(|_| group.tagged).map(Self::tag_name));
            let tags: Vec<String> = tags.into_iter().collect();
            let net = self.net_of(group).map_or("-".to_owned(), |(label, net)| net_name(label, net));
            for (_, name) in group.instances(label) {
                let (size, image) = (SIZES[group.size], IMAGES[group.image]);
                lines.push(format!("droplet {name} {size} {image} net {net} tags {} backups {}", tags.join(","), group.backups));
            }
        }
        let names = self.groups.get("web").map(|web| web.instances("web")).unwrap_or_default();
        for n in 0..self.ips {
            let at = usize::try_from(n).expect("it is small");
            let holder = names.get(at).filter(|_| n < self.assignments()).map_or("nobody", |(_, name)| name);
            lines.push(format!("address held by {holder}"));
        }
        if let Some(zone) = &self.zone {
            lines.push(format!("domain {}", Self::zone_name(zone)));
            for (label, entry) in &zone.records {
                let (kind, _, text) = self.value_of(entry);
                let value = text.unwrap_or_else(|| "an address".to_owned());
                lines.push(format!("record {kind} r{label}-{} {value} {}", entry.name, entry.ttl));
            }
        }
        if let Some(wall) = &self.wall {
            let guarded = if wall.droplets { names.len() } else { 0 };
            let tagged = if wall.tagged { self.tag.map(Self::tag_name) } else { None };
            let (tag, ports) = (tagged.unwrap_or_default(), wall.ports.iter().map(u64::to_string).collect::<Vec<_>>().join(","));
            lines.push(format!("firewall wall-{} guards {guarded} and {tag} lets in {ports}", wall.name));
        }
        lines.sort();
        lines
    }
}
