//! The resources that a cluster is made of: which there are, what follows what, and what stands in each.
//!
//! Invariant: pure; what is not known yet is unknown in the body too. The user-data in a node's body is the list of what it is
//! made from, with digests in place of secrets: that is what is compared and remembered, so that better scripts replace nobody's
//! servers.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::{self, Arbiter, Block, names, number, text};
use super::user_data::Release;
use dofloat_base::address::Address;
use dofloat_base::desired::Known;
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::value::{Origin, Term, Value};

/// The meaning of the list of inputs; a change of it replaces nodes.
const INPUTS_FORMAT: i64 = 1;

/// The default of `token_timeout` at first, in milliseconds.
const FIRST_TOKEN_TIMEOUT: i64 = 1000;

/// The ports that corosync uses; the rule covers all addresses of the peers, so both links.
const COROSYNC_PORTS: &str = "5404-5406";

/// One resource of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// The digests of the cluster's secrets and of its nodes' scripts, and how corosync talks.
    Keys,
    /// The tag by which the nodes find each other.
    Tag,
    /// The private network, where it is the cluster's own.
    Vpc,
    /// The firewall.
    Firewall,
    /// The address.
    Address,
    /// The first assignment of the address.
    Assignment,
    /// The arbiter, where it is the cluster's own.
    Arbiter,
    /// The arbiter's firewall.
    ArbiterFirewall,
    /// A node.
    Node(&'a str),
}

const KEYS: (&str, &str) = ("terraform_data", "keys");
const TAG: (&str, &str) = ("digitalocean_tag", "nodes");
const VPC: (&str, &str) = ("digitalocean_vpc", "private");
const FIREWALL: (&str, &str) = ("digitalocean_firewall", "nodes");
const ADDRESS: (&str, &str) = ("digitalocean_reserved_ip", "address");
const ASSIGNMENT: (&str, &str) = ("digitalocean_reserved_ip_assignment", "address");
/// No node can have this name, since a node's has no `_`.
const ARBITER: (&str, &str) = ("digitalocean_droplet", "the_arbiter");
const ARBITER_FIREWALL: (&str, &str) = ("digitalocean_firewall", "the_arbiter");
const NODE: &str = "digitalocean_droplet";

/// Where an arbiter listens.
const ARBITER_PORT: &str = "5403";

impl<'a> Part<'a> {
    /// Which part of its cluster an address is.
    #[must_use]
    pub fn of(address: &'a Address) -> Option<Self> {
        match (address.kind.as_str(), address.name.as_str()) {
            KEYS => Some(Self::Keys),
            TAG => Some(Self::Tag),
            VPC => Some(Self::Vpc),
            FIREWALL => Some(Self::Firewall),
            ADDRESS => Some(Self::Address),
            ASSIGNMENT => Some(Self::Assignment),
            ARBITER => Some(Self::Arbiter),
            ARBITER_FIREWALL => Some(Self::ArbiterFirewall),
            (NODE, name) => Some(Self::Node(name)),
            _ => None,
        }
    }

    /// Its address in a cluster.
    #[must_use]
    pub fn at(self, cluster: &Address) -> Address {
        let (kind, name) = match self {
            Self::Keys => KEYS,
            Self::Tag => TAG,
            Self::Vpc => VPC,
            Self::Firewall => FIREWALL,
            Self::Address => ADDRESS,
            Self::Assignment => ASSIGNMENT,
            Self::Arbiter => ARBITER,
            Self::ArbiterFirewall => ARBITER_FIREWALL,
            Self::Node(name) => (NODE, name),
        };
        Address { parent: Some(Box::new(cluster.clone())), ..Address::new(kind, name) }
    }

    /// The argument of the block that an attribute comes from.
    #[must_use]
    pub fn argument(self, attribute: Option<&str>) -> &'static str {
        match (self, attribute) {
            (Self::Keys, _) => "failover_token",
            (Self::Arbiter | Self::ArbiterFirewall, _) => "arbiter",
            (Self::Node(_), Some("name")) => "nodes",
            (Self::Node(_), Some("image")) => "image",
            (Self::Node(_), Some("size")) => "size",
            (Self::Node(_), Some("vpc_uuid")) => "vpc_uuid",
            (Self::Node(_), Some("user_data")) => "user_data",
            (Self::Node(_), Some("ssh_keys")) => "ssh_keys",
            (Self::Node(_), Some("tags")) => "tags",
            (Self::Node(_), Some("monitoring")) => "monitoring",
            (Self::Node(_), Some("backups")) => "backups",
            (Self::Firewall, Some("inbound_rule")) => "health_sources",
            (_, Some("region")) => "region",
            _ => "",
        }
    }
}

/// The parts of a cluster with these nodes, each with those that it is built upon.
#[must_use]
pub fn parts<'a>(nodes: &'a [String], own_vpc: bool, own_arbiter: bool) -> Vec<(Part<'a>, Vec<Part<'a>>)> {
    let mut all = vec![(Part::Keys, vec![]), (Part::Tag, vec![]), (Part::Address, vec![]), (Part::Firewall, vec![Part::Tag])];
    let mut below = vec![Part::Keys, Part::Tag, Part::Address, Part::Firewall];
    if own_vpc {
        all.push((Part::Vpc, vec![]));
        below.push(Part::Vpc);
    }
    if own_arbiter {
        all.push((Part::Arbiter, vec![Part::Keys]));
        all.push((Part::ArbiterFirewall, vec![Part::Arbiter, Part::Tag]));
        below.push(Part::Arbiter);
    }
    all.extend(nodes.iter().map(|name| (Part::Node(name), below.clone())));
    let first = nodes.first().map(|name| Part::Node(name));
    all.push((Part::Assignment, std::iter::once(Part::Address).chain(first).collect()));
    all
}

/// The inputs of a cluster's bodies.
pub struct ClusterContext<'a> {
    /// The cluster.
    pub address: &'a Address,
    /// Its arguments.
    pub block: &'a Block,
    /// The known attributes of its parts.
    pub known: &'a Known<'a>,
    /// The stack's name.
    pub stack: &'a str,
    /// The stack's mark.
    pub mark: &'a str,
    /// Where the nodes find the API, unless the block says so.
    pub api_url: &'a str,
    /// The key of the stack's digests.
    pub salt: &'a Salt,
    /// The digest of the cluster's key, once there is one.
    pub authkey: Option<&'a Digest>,
    /// The digest of the nodes' token, once it is known.
    pub token: Option<&'a Digest>,
    /// The digest of the scripts that the nodes run.
    pub scripts: Option<&'a str>,
    /// The digest of what the pair and its arbiter know each other by.
    pub certificates: Option<&'a Digest>,
    /// The tags of other pairs that the cluster's arbiter may serve.
    pub external_arbiters: &'a [String],
}

impl ClusterContext<'_> {
    /// The body of a part.
    #[must_use]
    pub fn body(&self, part: Part<'_>) -> Term {
        let entries: Vec<(&str, Term)> = match part {
            Part::Keys => vec![("input", self.keys()), ("triggers_replace", self.common())],
            Part::Tag => vec![("name", self.tag().into())],
            Part::Vpc => vec![("name", self.name().into()), ("region", self.argument("region"))],
            Part::Firewall => self.firewall(),
            Part::Address => vec![("region", self.argument("region"))],
            Part::Assignment => {
                let first = names(self.block).and_then(|names| names.first().cloned()).unwrap_or_default();
                vec![("ip_address", self.of(Part::Address, "ip_address")), ("droplet_id", self.of(Part::Node(&first), "id"))]
            }
            Part::Arbiter => self.arbiter(),
            Part::ArbiterFirewall => self.arbiter_firewall(),
            Part::Node(name) => self.node(name),
        };
        let entries = entries.into_iter().filter(|(_, term)| !term.is_null());
        Term::map(entries.map(|(name, term)| (name.to_owned(), term)).collect())
    }

    /// The cluster as expressions see it: its arguments, and the results of its parts.
    #[must_use]
    pub fn seen(&self) -> Term {
        let node = |name: &String| {
            let of = |attribute| self.of(Part::Node(name), attribute);
            let attributes = ["id", "urn", "name", "region", "size", "ipv4_address", "ipv4_address_private", "status"];
            Term::map(attributes.into_iter().map(|attribute| (attribute.to_owned(), of(attribute))).collect())
        };
        let nodes = names(self.block).unwrap_or_default().iter().map(|name| (name.clone(), node(name))).collect();
        let mut all = self.block.clone();
        all.insert("nodes".to_owned(), Term::map(nodes));
        all.insert("id".to_owned(), self.tag().into());
        all.insert("tag".to_owned(), self.tag().into());
        all.insert("ip".to_owned(), self.of(Part::Address, "ip_address"));
        all.insert("firewall_id".to_owned(), self.of(Part::Firewall, "id"));
        all.insert("vpc_uuid".to_owned(), self.vpc());
        all.insert("arbiter_address".to_owned(), self.arbiter_address());
        Term::map(all)
    }

    /// The tag by which the nodes find each other.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{}:{}", self.mark, slug(self.address, "_-"))
    }

    /// The name of what must have one that is unique in the account.
    fn name(&self) -> String {
        format!("{}-{}", self.stack, slug(self.address, "-")).replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-")
    }

    fn argument(&self, name: &str) -> Term {
        self.block.get(name).cloned().unwrap_or_else(Term::null)
    }

    /// An attribute of a part, as far as it is known.
    fn of(&self, part: Part<'_>, attribute: &str) -> Term {
        let address = part.at(self.address);
        match (self.known)(&address) {
            Term::Unknown(origin) => {
                Term::Unknown(Origin { address: Some(address), path: attribute.to_owned(), sensitive: origin.sensitive })
            }
            known => known.get(attribute),
        }
    }

    fn vpc(&self) -> Term {
        match self.block.get("vpc_uuid") {
            Some(written) => written.clone(),
            None => self.of(Part::Vpc, "id"),
        }
    }

    /// The inputs that may differ from node to node during a rolling replacement.
    fn keys(&self) -> Term {
        let mut all = vec![("token", self.or_later("token", self.token)), ("scripts", self.or_later("scripts", self.scripts))];
        if Arbiter::of(self.block).is_some() {
            all.push(("arbiter", self.or_later("arbiter", self.certificates)));
        }
        Term::map(all.into_iter().map(|(name, term)| (name.to_owned(), term)).collect())
    }

    /// Where the pair's arbiter is; null if it has none.
    fn arbiter_address(&self) -> Term {
        match Arbiter::of(self.block) {
            None => Term::null(),
            Some(Arbiter::Own(_)) => self.of(Part::Arbiter, "ipv4_address"),
            Some(Arbiter::At(address)) => address,
        }
    }

    /// What members of one cluster have in common. Where it changes the new ones could not join the old, so it is the ground that
    /// they stand on: it goes when all of them are gone, and they come back upon another.
    fn common(&self) -> Term {
        let all = [("authkey", self.or_later("authkey", self.authkey)), ("corosync", self.or_later("corosync", corosync(self.block)))];
        Term::map(all.map(|(name, term)| (name.to_owned(), term)).into())
    }

    fn or_later(&self, path: &str, text: Option<impl ToString>) -> Term {
        match text {
            Some(text) => Term::from(text.to_string()),
            None => Term::Unknown(Origin { address: Some(Part::Keys.at(self.address)), path: path.to_owned(), sensitive: false }),
        }
    }

    fn firewall(&self) -> Vec<(&'static str, Term)> {
        let anywhere = || texts(&["0.0.0.0/0", "::/0"]);
        let rule = |protocol: &str, ports: Option<String>, side: &str, whom: Term| {
            let mut rule = BTreeMap::from([("protocol".to_owned(), protocol.into()), (side.to_owned(), whom)]);
            rule.extend(ports.map(|ports| ("port_range".to_owned(), Term::from(ports))));
            Term::map(rule)
        };
        let open = |port: String| rule("tcp", Some(port), "source_addresses", anywhere());
        let mut inbound: Vec<Term> = match self.block.get("ssh_sources") {
            None => vec![open("22".to_owned())],
            Some(sources) if is_empty(sources) => vec![],
            Some(sources) => vec![rule("tcp", Some("22".to_owned()), "source_addresses", sources.clone())],
        };
        if text(self.block, "service") != Some("none") {
            inbound.push(open("80".to_owned()));
        }
        inbound.push(match (number(self.block, "health_port"), self.block.get("health_sources")) {
            (Some(port), None) => open(port.to_string()),
            // The nodes read each other's, too.
            (Some(port), Some(sources)) => {
                let mut rule = rule("tcp", Some(port.to_string()), "source_tags", texts(&[&self.tag()])).entries().unwrap_or_default();
                rule.extend(
                    Some(sources).filter(|sources| !is_empty(sources)).map(|sources| ("source_addresses".to_owned(), sources.clone())),
                );
                Term::map(rule)
            }
            (None, _) => self.argument("health_port"),
        });
        inbound.push(rule("udp", Some(COROSYNC_PORTS.to_owned()), "source_tags", texts(&[&self.tag()])));
        let out = |protocol: &str, ports: Option<&str>| rule(protocol, ports.map(str::to_owned), "destination_addresses", anywhere());
        let outbound = vec![out("tcp", Some("1-65535")), out("udp", Some("1-65535")), out("icmp", None)];
        vec![
            ("name", self.name().into()),
            ("tags", Term::list(vec![self.of(Part::Tag, "name")])),
            ("inbound_rule", Term::list(inbound)),
            ("outbound_rule", Term::list(outbound)),
        ]
    }

    fn arbiter(&self) -> Vec<(&'static str, Term)> {
        let Some(Arbiter::Own(entries)) = Arbiter::of(self.block) else { return Vec::new() };
        let given = |name: &'static str| (name, entries.get(name).cloned().unwrap_or_else(Term::null));
        let inputs = BTreeMap::from([
            ("format".to_owned(), Term::Value(INPUTS_FORMAT.into())),
            ("certificates".to_owned(), self.of(Part::Keys, "input").get("arbiter")),
        ]);
        let name = format!("{}-arbiter", self.name());
        let user_data = self.compared(Term::map(inputs), Part::Arbiter);
        vec![("name", name.into()), given("region"), given("size"), given("image"), given("ssh_keys"), ("user_data", user_data)]
    }

    fn arbiter_firewall(&self) -> Vec<(&'static str, Term)> {
        let anywhere = || texts(&["0.0.0.0/0", "::/0"]);
        let rule = |protocol: &str, ports: Option<&str>, side: &str, whom: Term| {
            let mut rule = BTreeMap::from([("protocol".to_owned(), protocol.into()), (side.to_owned(), whom)]);
            rule.extend(ports.map(|ports| ("port_range".to_owned(), Term::from(ports))));
            Term::map(rule)
        };
        let pairs = std::iter::once(self.tag()).chain(self.external_arbiters.iter().cloned()).map(Term::from).collect();
        let mut inbound = vec![rule("tcp", Some(ARBITER_PORT), "source_tags", Term::list(pairs))];
        match self.block.get("ssh_sources") {
            None => inbound.push(rule("tcp", Some("22"), "source_addresses", anywhere())),
            Some(sources) if is_empty(sources) => {}
            Some(sources) => inbound.push(rule("tcp", Some("22"), "source_addresses", sources.clone())),
        }
        let out = |protocol: &str, ports: Option<&str>| rule(protocol, ports, "destination_addresses", anywhere());
        let outbound = vec![out("tcp", Some("1-65535")), out("udp", Some("1-65535")), out("icmp", None)];
        let name = format!("{}-arbiter", self.name());
        vec![
            ("name", name.into()),
            ("droplet_ids", Term::list(vec![self.of(Part::Arbiter, "id")])),
            ("inbound_rule", Term::list(inbound)),
            ("outbound_rule", Term::list(outbound)),
        ]
    }

    fn node(&self, name: &str) -> Vec<(&'static str, Term)> {
        let own = self.argument("tags");
        let tags = match own.items() {
            Some(items) => Term::list(std::iter::once(self.tag().into()).chain(items).collect()),
            None if own.is_null() => texts(&[&self.tag()]),
            None => own,
        };
        vec![
            ("name", name.into()),
            ("region", self.argument("region")),
            ("image", self.argument("image")),
            ("size", self.argument("size")),
            ("vpc_uuid", self.vpc()),
            ("ssh_keys", self.argument("ssh_keys")),
            ("monitoring", self.argument("monitoring")),
            ("backups", self.argument("backups")),
            // The other node takes the address while this one shuts down.
            ("graceful_shutdown", Term::Value(true.into())),
            ("tags", tags),
            ("user_data", self.inputs(name)),
        ]
    }

    /// What was the default when nodes were first compared by it still stands for "not given": the default is the scripts' and
    /// comes with them, and nobody's nodes are replaced for another one.
    fn token_timeout(&self) -> Term {
        self.block.get("token_timeout").cloned().unwrap_or_else(|| Term::Value(FIRST_TOKEN_TIMEOUT.into()))
    }

    /// The inputs of the user-data as one text; secrets as digests.
    fn inputs(&self, name: &str) -> Term {
        let given = |name: &'static str| (name, self.argument(name));
        let release = release(self.block);
        let image = || match self.argument("image") {
            unknown @ Term::Unknown(_) => unknown,
            _ => Term::Unknown(Origin::default()),
        };
        let (keys, common) = (self.of(Part::Keys, "input"), self.of(Part::Keys, "triggers_replace"));
        let mut all = BTreeMap::from([
            ("format", Term::Value(INPUTS_FORMAT.into())),
            ("release", release.map_or_else(image, Term::from)),
            ("name", name.into()),
            ("tag", self.tag().into()),
            ("address", self.of(Part::Address, "ip_address")),
            ("api_url", text(self.block, "api_url").unwrap_or(self.api_url).into()),
            ("keys", keys),
            ("common", common),
            ("user_data", self.script()),
            given("cluster_name"),
            given("fencing"),
            given("fencing_delay"),
            given("health_path"),
            given("health_port"),
            given("listen"),
            given("no_quorum_policy"),
            given("nodes"),
            given("service"),
            given("timezone"),
            ("token_timeout", self.token_timeout()),
            given("transport"),
        ]);
        // Nodes that were made before there was this argument are not replaced for its default: better scripts bring it. A node with two
        // links and one with one talk over the one, so they need not go at once.
        if text(self.block, "links") != Some("both") {
            all.extend(self.block.get("links").map(|links| ("links", links.clone())));
        }
        let mut all: BTreeMap<String, Term> = all.into_iter().map(|(name, term)| (name.to_owned(), term)).collect();
        // The same of others that came later: they stand here where they are not as they were before.
        all.extend(schema::changed(self.block, &["user_data_timeout"]));
        // Not even named where there is none: pairs without one are what they were before there were any.
        if Arbiter::of(self.block).is_some() {
            all.insert("arbiter".to_owned(), self.arbiter_address());
        }
        self.compared(Term::map(all), Part::Node(name))
    }

    /// The arguments of the block that a node's user-data is made from, by their names there. What can be long or hold a secret is a
    /// digest.
    #[must_use]
    pub fn made_from(&self) -> BTreeMap<String, Term> {
        const OPEN: [&str; 14] = [
            "api_url",
            "cluster_name",
            "fencing",
            "fencing_delay",
            "health_path",
            "health_port",
            "links",
            "listen",
            "no_quorum_policy",
            "nodes",
            "service",
            "timezone",
            "token_timeout",
            "transport",
        ];
        let keys = self.of(Part::Keys, "input");
        let others = [
            ("arbiter", self.arbiter_address()),
            ("failover_token", keys.get("token")),
            ("ip", self.of(Part::Address, "ip_address")),
            ("scripts", keys.get("scripts")),
            ("user_data", self.script()),
        ];
        let all = OPEN.into_iter().map(|name| (name, self.argument(name))).chain(others);
        all.map(|(name, term)| (name.to_owned(), term)).chain(schema::changed(self.block, &["user_data_timeout"])).collect()
    }

    /// The digest of the user's script.
    fn script(&self) -> Term {
        match self.block.get("user_data") {
            None => Term::null(),
            Some(script) => script.sealed().map_or_else(|| script.clone(), |sealed| Digest::of(&sealed, self.salt).to_string().into()),
        }
    }

    /// A stand-in for user-data: its inputs, as one text.
    fn compared(&self, all: Term, part: Part<'_>) -> Term {
        match all.sealed() {
            Some(_) if all.value().is_some() => all.value().map(|value| value.to_json().to_string()).unwrap_or_default().into(),
            // A secret among what is compared: its digest stands for all.
            Some(sealed) => Digest::of(&sealed, self.salt).to_string().into(),
            None => Term::Unknown(Origin { address: Some(part.at(self.address)), path: "user_data".to_owned(), sensitive: false }),
        }
    }
}

fn is_empty(list: &Term) -> bool {
    list.items().is_some_and(|items| items.is_empty())
}

/// The release that the nodes boot, if it is known.
#[must_use]
pub fn release(block: &Block) -> Option<String> {
    text(block, "image").and_then(Release::of_image).map(|release| format!("{release:?}").to_lowercase())
}

/// How corosync talks on the nodes. Nothing if it is not known yet.
fn corosync(block: &Block) -> Option<String> {
    let transport = match block.get("transport") {
        Some(_) => text(block, "transport")?,
        None => "default",
    };
    Some(format!("{}-{transport}", release(block)?))
}

/// The token scopes that the nodes need.
#[must_use]
pub fn scopes(block: &Block) -> Vec<&'static str> {
    let mut scopes = vec!["droplet:read", "reserved_ip:read", "reserved_ip:update", "tag:read"];
    if text(block, "fencing") == Some("api") {
        // To reset a node.
        scopes.insert(1, "droplet:update");
    }
    scopes
}

fn texts(texts: &[&str]) -> Term {
    Term::Value(Value::List(texts.iter().map(|text| Value::from(*text)).collect()))
}

/// The name and key of a cluster in letters, digits and `more`.
fn slug(address: &Address, more: &str) -> String {
    let whole = match &address.key {
        None => address.name.clone(),
        Some(key) => format!("{}-{}", address.name, key.to_string().trim_matches(['[', ']', '"'])),
    };
    whole.replace(|c: char| !c.is_ascii_alphanumeric() && !more.contains(c), "-")
}

/// The addresses of a cluster's nodes.
#[must_use]
pub fn nodes(cluster: &Address, names: &[String]) -> BTreeSet<Address> {
    names.iter().map(|name| Part::Node(name).at(cluster)).collect()
}
