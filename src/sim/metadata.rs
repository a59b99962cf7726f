//! A droplet's metadata service.
//!
//! Invariant: read from the world when asked, so that a reserved IP shows as active as soon as it is assigned, unless a lag is
//! asked for. Paths end with `/` when they are an index: asked without it they are a redirection.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use super::objects::droplet::{self, Droplet, Power};
use super::world::World;
use dofloat_base::clock::Moment;

/// Which droplet holds a reserved IP.
pub(super) type Holders = BTreeMap<Ipv4Addr, u64>;

/// The holders as they were some time ago.
#[derive(Clone, Debug)]
pub(super) struct DelayedView {
    lag: Duration,
    /// The views and from when on each was true, the oldest first; never empty after the first poll.
    seen: Vec<(Moment, Holders)>,
}

impl DelayedView {
    pub(super) const fn new(lag: Duration) -> Self {
        Self { lag, seen: Vec::new() }
    }

    /// The view that is shown now, where `holders` are the true ones.
    pub(super) fn show(&mut self, now: Moment, holders: Holders) -> Holders {
        if self.seen.last().is_none_or(|(_, last)| *last != holders) {
            self.seen.push((now, holders));
        }
        let due = self.seen.iter().rposition(|(since, _)| now.since(*since) >= self.lag).unwrap_or(0);
        self.seen.drain(..due);
        self.seen.first().map(|(_, shown)| shown.clone()).unwrap_or_default()
    }
}

/// An answer of the metadata service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Metadata {
    Text(String),
    Json(String),
    /// An index that was asked for without its slash.
    Moved(String),
    NotFound,
}

/// A file with its text, or a folder.
enum Node {
    Leaf(String),
    Folder(BTreeMap<String, Node>),
}

impl World {
    /// Who holds which reserved IP.
    pub(super) fn holders(&self) -> Holders {
        self.reserved_ips.values().filter_map(|ip| Some((ip.ip, ip.droplet?))).collect()
    }

    /// Answers `path` (`metadata/v1/hostname`) as the service of this droplet does, which takes these for the holders.
    pub(super) fn metadata(&self, droplet: u64, path: &str, holders: &Holders) -> Metadata {
        let Some(droplet) = self.droplets.get(&droplet).filter(|droplet| droplet.power != Power::New) else {
            return Metadata::NotFound;
        };
        if path == "metadata/v1.json" {
            return Metadata::Json(self.all(droplet, holders).to_string());
        }
        let Some(rest) = path.strip_prefix("metadata/v1") else { return Metadata::NotFound };
        if rest.is_empty() {
            return Metadata::Moved("v1/".to_owned());
        }
        let Some(rest) = rest.strip_prefix('/') else { return Metadata::NotFound };
        walk(&self.tree(droplet, holders), rest)
    }

    fn keys_of(&self, droplet: &Droplet) -> Vec<String> {
        droplet.ssh_keys.iter().filter_map(|id| self.ssh_keys.get(id)).map(|key| key.public_key.clone()).collect()
    }

    fn tags_of(&self, droplet: &Droplet) -> Vec<String> {
        droplet.tags.iter().map(|tag| self.tags.get(tag).unwrap_or(tag).clone()).collect()
    }

    fn private_mask(&self, droplet: &Droplet) -> Ipv4Addr {
        self.vpcs.get(&droplet.vpc).map_or(Ipv4Addr::new(255, 255, 240, 0), |vpc| vpc.range.netmask())
    }

    fn tree(&self, droplet: &Droplet, holders: &Holders) -> Node {
        let ipv4 = |address: Ipv4Addr, netmask: Ipv4Addr, gateway: Ipv4Addr| {
            folder([("address", leaf(address)), ("netmask", leaf(netmask)), ("gateway", leaf(gateway))])
        };
        let mut interfaces = BTreeMap::new();
        if let Some(public) = droplet.public {
            let (anchor, mask) = (anchor(droplet), Ipv4Addr::new(255, 255, 0, 0));
            let mut parts = vec![
                ("mac", leaf(mac(droplet.id, 1))),
                ("type", leaf("public")),
                ("ipv4", ipv4(public, Ipv4Addr::new(255, 255, 240, 0), droplet::gateway(public))),
                ("anchor_ipv4", ipv4(anchor, mask, Ipv4Addr::new(10, 17, 0, 1))),
            ];
            if droplet.ipv6 {
                let address = super::ids::public_v6(droplet.id);
                parts.push(("ipv6", folder([("address", leaf(address)), ("cidr", leaf(64)), ("gateway", leaf("2001:db8::1"))])));
            }
            interfaces.insert("public".to_owned(), folder([("0", folder(parts))]));
        }
        let private = folder([
            ("mac", leaf(mac(droplet.id, 2))),
            ("type", leaf("private")),
            ("ipv4", ipv4(droplet.private, self.private_mask(droplet), Ipv4Addr::UNSPECIFIED)),
        ]);
        interfaces.insert("private".to_owned(), folder([("0", private)]));
        let reserved = || {
            let mut parts = vec![("active", leaf(reserved_of(droplet, holders).is_some()))];
            parts.extend(reserved_of(droplet, holders).map(|ip| ("ip_address", leaf(ip))));
            folder([("ipv4", folder(parts))])
        };
        let tags: BTreeMap<String, Node> = self.tags_of(droplet).into_iter().map(|tag| (tag, Node::Leaf(String::new()))).collect();
        let mut all = vec![
            ("id", leaf(droplet.id)),
            ("hostname", leaf(&droplet.name)),
            ("region", leaf(&droplet.region)),
            ("vendor-data", leaf(VENDOR_DATA)),
            ("public-keys", leaf(self.keys_of(droplet).join("\n"))),
            ("tags", Node::Folder(tags)),
            ("dns", folder([("nameservers", leaf("67.207.67.3\n67.207.67.2"))])),
            ("interfaces", Node::Folder(interfaces)),
            ("reserved_ip", reserved()),
            ("floating_ip", reserved()),
            ("features", folder([("dhcp_enabled", leaf(false))])),
        ];
        if let Some(user_data) = &droplet.user_data {
            all.push(("user-data", leaf(user_data)));
        }
        folder(all)
    }

    fn all(&self, droplet: &Droplet, holders: &Holders) -> Value {
        let public: Vec<Value> = droplet
            .public
            .map(|public| {
                json!({
                    "mac": mac(droplet.id, 1), "type": "public",
                    "ipv4": { "ip_address": public, "netmask": "255.255.240.0", "gateway": droplet::gateway(public) },
                    "anchor_ipv4": { "ip_address": anchor(droplet), "netmask": "255.255.0.0", "gateway": "10.17.0.1" },
                })
            })
            .into_iter()
            .collect();
        let private = json!([{
            "mac": mac(droplet.id, 2), "type": "private",
            "ipv4": { "ip_address": droplet.private, "netmask": self.private_mask(droplet), "gateway": "0.0.0.0" },
        }]);
        let reserved = match reserved_of(droplet, holders) {
            Some(ip) => json!({ "ipv4": { "ip_address": ip, "active": true } }),
            None => json!({ "ipv4": { "active": false } }),
        };
        json!({
            "droplet_id": droplet.id, "hostname": droplet.name, "region": droplet.region, "user_data": droplet.user_data.as_deref().unwrap_or(""),
            "vendor_data": VENDOR_DATA, "public_keys": self.keys_of(droplet), "tags": self.tags_of(droplet),
            "dns": { "nameservers": ["67.207.67.3", "67.207.67.2"] }, "interfaces": { "public": public, "private": private },
            "reserved_ip": reserved, "floating_ip": reserved, "features": { "dhcp_enabled": false },
        })
    }
}

/// The properties by which a driver builds a droplet, by the names of variables.
pub(super) fn facts(world: &World, droplet: &Droplet) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("DROPLET_NAME", droplet.name.clone()),
        ("REGION", droplet.region.clone()),
        ("PRIVATE_MAC", mac(droplet.id, 2)),
        ("PRIVATE_IP", droplet.private.to_string()),
        ("PRIVATE_NETMASK", world.private_mask(droplet).to_string()),
        ("LINK_LOCAL_IP", link_local(droplet).to_string()),
    ];
    if let Some(public) = droplet.public {
        facts.extend([
            ("PUBLIC_MAC", mac(droplet.id, 1)),
            ("PUBLIC_IP", public.to_string()),
            ("GATEWAY", droplet::gateway(public).to_string()),
            ("ANCHOR_IP", anchor(droplet).to_string()),
        ]);
    }
    facts
}

impl World {
    /// The droplet that asks from this address.
    pub(super) fn droplet_from(&self, address: Ipv4Addr) -> Option<u64> {
        let is_it = |droplet: &&Droplet| {
            droplet.public == Some(address) || [droplet.private, anchor(droplet), link_local(droplet)].contains(&address)
        };
        self.droplets.values().find(is_it).map(|droplet| droplet.id)
    }
}

fn reserved_of(droplet: &Droplet, holders: &Holders) -> Option<Ipv4Addr> {
    holders.iter().find(|(_, holder)| **holder == droplet.id).map(|(ip, _)| *ip)
}

const VENDOR_DATA: &str = "#cloud-config\n";

fn walk(node: &Node, path: &str) -> Metadata {
    match (node, path.split_once('/')) {
        (Node::Leaf(text), None) if path.is_empty() => Metadata::Text(text.clone()),
        (Node::Folder(parts), _) if path.is_empty() => Metadata::Text(index(parts)),
        (Node::Folder(parts), None) => match parts.get(path) {
            Some(Node::Leaf(text)) => Metadata::Text(text.clone()),
            Some(Node::Folder(_)) => Metadata::Moved(format!("{path}/")),
            None => Metadata::NotFound,
        },
        (Node::Folder(parts), Some((first, rest))) => match parts.get(first) {
            Some(part @ Node::Folder(_)) => walk(part, rest),
            _ => Metadata::NotFound,
        },
        (Node::Leaf(_), _) => Metadata::NotFound,
    }
}

fn index(parts: &BTreeMap<String, Node>) -> String {
    let lines: Vec<String> =
        parts.iter().map(|(name, part)| if matches!(part, Node::Folder(_)) { format!("{name}/") } else { name.clone() }).collect();
    lines.join("\n")
}

fn leaf(value: impl ToString) -> Node {
    Node::Leaf(value.to_string())
}

fn folder<'a>(parts: impl IntoIterator<Item = (&'a str, Node)>) -> Node {
    Node::Folder(parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect())
}

/// The address on the first interface to which a reserved IP's traffic comes.
fn anchor(droplet: &Droplet) -> Ipv4Addr {
    let low = u8::try_from(droplet.id % 250).unwrap_or(0) + 2;
    let high = u8::try_from(droplet.id / 250 % 256).unwrap_or(0);
    Ipv4Addr::new(10, 17, high, low)
}

/// The address that it may ask from before it knows any other.
fn link_local(droplet: &Droplet) -> Ipv4Addr {
    let [_, _, high, low] = anchor(droplet).octets();
    Ipv4Addr::new(169, 254, high.clamp(1, 254), low)
}

fn mac(id: u64, interface: u8) -> String {
    let [.., a, b, c, d] = id.to_be_bytes();
    format!("02:{interface:02x}:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

#[cfg(test)]
mod tests {
    use super::super::test_world::{KEY, TestWorld, wanted};
    use super::*;

    fn text(test: &TestWorld, id: u64, path: &str) -> String {
        match test.world.metadata(id, path, &test.world.holders()) {
            Metadata::Text(text) => text,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_droplet_reads_itself() {
        let mut test = TestWorld::new();
        test.ok("POST /account/keys", json!({ "name": "k", "public_key": KEY }));
        let key = test.get("/account/keys")["ssh_keys"][0]["id"].clone();
        let made = test.ok("POST /droplets", wanted("web", json!({ "user_data": "#!/bin/sh\n", "tags": ["a:b", "c"], "ssh_keys": [key] })));
        let id = made["droplet"]["id"].as_u64().unwrap();
        assert_eq!(test.world.metadata(id, "metadata/v1/id", &test.world.holders()), Metadata::NotFound);
        test.world.finish_all();
        let droplet = test.get(&format!("/droplets/{id}"));
        let public = droplet["droplet"]["networks"]["v4"][1]["ip_address"].as_str().unwrap();
        let cases = [
            ("id", id.to_string()),
            ("hostname", "web".to_owned()),
            ("user-data", "#!/bin/sh\n".to_owned()),
            ("public-keys", KEY.to_owned()),
            ("tags/", "a:b\nc".to_owned()),
            ("interfaces/", "private/\npublic/".to_owned()),
            ("interfaces/public/0/ipv4/address", public.to_owned()),
            ("reserved_ip/ipv4/active", "false".to_owned()),
        ];
        for (path, expected) in cases {
            assert_eq!(text(&test, id, &format!("metadata/v1/{path}")), expected, "{path}");
        }
        assert_eq!(test.world.metadata(id, "metadata/v1/interfaces", &test.world.holders()), Metadata::Moved("interfaces/".to_owned()));
        assert_eq!(test.world.metadata(id, "metadata/v1/nothing", &test.world.holders()), Metadata::NotFound);
        assert_eq!(test.world.metadata(7, "metadata/v1/id", &test.world.holders()), Metadata::NotFound);
    }

    #[test]
    fn a_reserved_address_shows_under_both_names() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let ip = test.ok("POST /reserved_ips", json!({ "droplet_id": id }))["reserved_ip"]["ip"].as_str().unwrap().to_owned();
        test.world.finish_all();
        for name in ["reserved_ip", "floating_ip"] {
            assert_eq!(text(&test, id, &format!("metadata/v1/{name}/ipv4/active")), "true");
            assert_eq!(text(&test, id, &format!("metadata/v1/{name}/ipv4/ip_address")), ip);
        }
        let Metadata::Json(all) = test.world.metadata(id, "metadata/v1.json", &test.world.holders()) else { panic!() };
        let all: Value = serde_json::from_str(&all).unwrap();
        assert_eq!((&all["reserved_ip"]["ipv4"]["ip_address"], &all["droplet_id"]), (&json!(ip), &json!(id)));
    }

    #[test]
    fn a_new_holder_shows_after_the_lag_and_no_sooner() {
        let (a, b) = (Holders::from([(Ipv4Addr::new(203, 0, 113, 7), 1)]), Holders::from([(Ipv4Addr::new(203, 0, 113, 7), 2)]));
        let at = |seconds| super::super::time::EPOCH.plus(Duration::from_secs(seconds));
        let mut delayed = DelayedView::new(Duration::from_secs(30));
        assert_eq!(delayed.show(at(0), a.clone()), a);
        assert_eq!(delayed.show(at(100), b.clone()), a);
        assert_eq!(delayed.show(at(129), b.clone()), a);
        assert_eq!(delayed.show(at(130), b.clone()), b);
        assert_eq!(delayed.show(at(131), a.clone()), b);
        assert_eq!(delayed.show(at(140), b.clone()), b);
        let mut prompt = DelayedView::new(Duration::ZERO);
        assert_eq!(prompt.show(at(0), a.clone()), a);
        assert_eq!(prompt.show(at(0), b.clone()), b);
    }
}
