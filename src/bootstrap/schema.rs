//! The arguments of `dofloat_cluster`: types, defaults, and what goes with what.
//!
//! Invariant: pure; a complaint names the argument and never quotes a secret. It must not know how a cluster is built.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

pub use arbiter::Arbiter;
pub use block::{Block, Complaint, names, number, text};

use super::user_data::Release;
use super::{user_script, zones};
use dofloat_base::diag::did_you_mean;
use dofloat_base::types::Type;
use dofloat_base::value::{Term, Value};

mod arbiter;
mod block;

/// The resource type.
pub const KIND: &str = "dofloat_cluster";

#[derive(Clone, Copy, Debug)]
enum Shape {
    Text,
    Number,
    Bool,
    Texts,
    /// Checked by hand.
    Any,
}

/// What stands for an argument that is not written.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// Nothing: it must be written.
    Needed,
    /// Nothing: it may be left out.
    Nothing,
    /// A text.
    Text(&'static str),
    /// A number.
    Number(i64),
    /// True or false.
    Bool(bool),
    /// A list of texts.
    Texts(&'static [&'static str]),
}

/// One argument.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    shape: Shape,
    /// What stands for it where it is not written.
    pub default: Default,
    /// The values that it takes, where they are few.
    pub one_of: &'static [&'static str],
    /// What it is.
    pub doc: &'static str,
}

impl Argument {
    /// Its type.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self.shape {
            Shape::Text => Type::String,
            Shape::Number => Type::Number,
            Shape::Bool => Type::Bool,
            Shape::Texts => Type::Set(Box::new(Type::String)),
            Shape::Any => Type::Any,
        }
    }
}

/// Every argument, in the order of their weight.
#[must_use]
pub const fn arguments() -> &'static [Argument] {
    ARGUMENTS
}

const fn argument(name: &'static str, shape: Shape, default: Default, doc: &'static str) -> Argument {
    Argument { name, shape, default, one_of: &[], doc }
}

const fn choice(name: &'static str, default: Default, one_of: &'static [&'static str], doc: &'static str) -> Argument {
    Argument { name, shape: Shape::Text, default, one_of, doc }
}

const ARGUMENTS: &[Argument] = &[
    argument("region", Shape::Text, Default::Needed, "the region of the nodes and of their address, for example `region = \"nyc3\"`."),
    argument("image", Shape::Text, Default::Needed, "what the nodes boot, for example `image = \"ubuntu-24-04-x64\"`."),
    argument("size", Shape::Text, Default::Needed, "how big each node is, for example `size = \"s-1vcpu-1gb\"`."),
    argument(
        "nodes",
        Shape::Texts,
        Default::Texts(&["primary", "secondary"]),
        "The names of the two nodes, by default primary and secondary; the first holds the address at first.",
    ),
    argument("ssh_keys", Shape::Texts, Default::Nothing, "Numbers or fingerprints of the keys that may log in."),
    argument("timezone", Shape::Text, Default::Text("UTC"), "The nodes' time zone."),
    choice("service", Default::Text("nginx"), &["nginx", "none"], "What serves at the address; `none` is the address alone."),
    argument("failover_token", Shape::Text, Default::Nothing, "The token by which the nodes move the address."),
    argument("cluster_name", Shape::Text, Default::Text("lbcluster"), "Corosync's name of the cluster."),
    choice(
        "fencing",
        Default::Text("none"),
        &["none", "api"],
        "Whether a node that is not seen any more is reset through the API before the other is sure to be alone.",
    ),
    argument(
        "fencing_delay",
        Shape::Number,
        Default::Number(8),
        "In a split, the head start in seconds of the node that has the address; less than 8 count as 8.",
    ),
    choice(
        "no_quorum_policy",
        Default::Text("stop"),
        &["stop", "ignore"],
        "What a node does that has lost sight of the other since it started.",
    ),
    choice("transport", Default::Nothing, &["knet", "udpu"], "How corosync talks; by default the best that the image has."),
    choice(
        "links",
        Default::Nothing,
        &["both", "private"],
        "Over which networks the nodes see each other; by default the private and the public one, where corosync can (knet).",
    ),
    argument(
        "token_timeout",
        Shape::Number,
        Default::Nothing,
        "After how many milliseconds of silence a node counts as dead; by default 1200, so that a freeze of a second does nothing.",
    ),
    argument(
        "arbiter",
        Shape::Any,
        Default::Nothing,
        "A third vote: a droplet of its own, for example `arbiter { region = \"sfo3\" }`, or the address of a host that has one.",
    ),
    argument(
        "user_data",
        Shape::Text,
        Default::Nothing,
        "A script of yours, run on each node before the cluster starts its service. If it fails it is tried again, five times in all.",
    ),
    argument(
        "user_data_timeout",
        Shape::Number,
        Default::Number(600),
        "For how many seconds the script in `user_data` may run; then it is ended, and has failed.",
    ),
    choice("listen", Default::Text("any"), &["any", "anchor"], "On which addresses the service listens."),
    argument("vpc_uuid", Shape::Text, Default::Nothing, "The VPC; one of the cluster's own unless it is written."),
    argument("tags", Shape::Texts, Default::Nothing, "More tags of the nodes."),
    argument("monitoring", Shape::Bool, Default::Bool(false), "Whether the metrics agent is installed on the nodes."),
    argument("backups", Shape::Bool, Default::Bool(false), "Whether the nodes are backed up."),
    argument("health_port", Shape::Number, Default::Number(5480), "The port at which a node tells how it is."),
    argument(
        "health_sources",
        Shape::Texts,
        Default::Nothing,
        "Addresses and ranges that can read the nodes' health. Whoever runs `apply` must be among them, or it waits in vain. By default \
         all.",
    ),
    argument("ssh_sources", Shape::Texts, Default::Nothing, "Addresses and ranges from which one can log in. By default all."),
    argument("health_path", Shape::Text, Default::Text("/health"), "The path at which a node tells how it is."),
    choice(
        "wait_for",
        Default::Text("serving"),
        &["serving", "created"],
        "When an apply is done: when the address answers, or when the nodes run.",
    ),
    choice(
        "power_state",
        Default::Text("on"),
        &["on", "any"],
        "Whether an apply powers on nodes that are off; with `any` they are left as they are.",
    ),
    argument("wait_limit", Shape::Number, Default::Number(900), "How many seconds an apply waits for the nodes at most."),
    argument("api_url", Shape::Text, Default::Nothing, "Where the nodes find the API; by default where dofloat finds it."),
];

/// The object type of the block, its results included. `nodes` is written as a list of names and read as a map by name.
#[must_use]
pub fn object() -> Type {
    let mut fields: BTreeMap<String, Type> = ARGUMENTS.iter().map(|row| (row.name.to_owned(), row.ty())).collect();
    fields.insert("nodes".to_owned(), Type::Any);
    fields.extend(RESULTS.iter().map(|(name, _)| ((*name).to_owned(), Type::String)));
    Type::Object(fields)
}

/// The images that a cluster can be built on.
const IMAGES: [&str; 6] =
    ["ubuntu-24-04-x64", "ubuntu-26-04-x64", "ubuntu-22-04-x64", "debian-13-x64", "debian-12-x64", "ubuntu-14-04-x64"];

/// The computed attributes of a cluster, and what each is.
pub const RESULTS: [(&str, &str); 5] = [
    ("id", "Its identity."),
    ("ip", "The floating (reserved) IP address."),
    ("tag", "The tag of its nodes."),
    ("firewall_id", "The ID of its nodes' firewall."),
    ("arbiter_address", "The address of its arbiter, if it has one."),
];

/// The block with defaults filled in.
///
/// # Errors
/// Every complaint, in the order of the table.
pub fn read(body: &Term) -> Result<Block, Vec<Complaint>> {
    let mut given = body.entries().unwrap_or_default();
    let (mut block, mut complaints) = (Block::new(), Vec::new());
    for row in ARGUMENTS {
        match given.remove(row.name).filter(|term| !term.is_null()) {
            Some(term) => {
                block.insert(row.name.to_owned(), term);
            }
            None => match of_default(row.default) {
                Ok(Some(value)) => {
                    block.insert(row.name.to_owned(), Term::Value(value));
                }
                Ok(None) => {}
                Err(()) => complaints.push(Complaint {
                    argument: "",
                    message: format!("The argument `{}` of `{KIND}` is missing.", row.name),
                    hint: format!("Add `{}`: {}", row.name, row.doc),
                }),
            },
        }
    }
    for name in given.keys() {
        let known = ARGUMENTS.iter().map(|row| row.name);
        let hint = match did_you_mean(name, known.clone()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("It has: {}.", known.collect::<Vec<_>>().join(", ")),
        };
        let message = if RESULTS.iter().any(|(result, _)| result == name) {
            format!("`{name}` cannot be set: it is a result of the cluster.")
        } else {
            format!("There is no argument `{name}` in `{KIND}`.")
        };
        complaints.push(Complaint { argument: "", message, hint });
    }
    complaints.extend(arbiter::fill(&mut block).err());
    let mut checks = Checks { block: &block, complaints };
    checks.all();
    if checks.complaints.is_empty() { Ok(block) } else { Err(checks.complaints) }
}

fn of_default(default: Default) -> Result<Option<Value>, ()> {
    Ok(Some(match default {
        Default::Needed => return Err(()),
        Default::Nothing => return Ok(None),
        Default::Text(text) => text.into(),
        Default::Number(number) => number.into(),
        Default::Bool(bool) => bool.into(),
        Default::Texts(texts) => Value::List(texts.iter().map(|text| Value::from(*text)).collect()),
    }))
}

/// Those of these arguments that have another value than their default.
#[must_use]
pub fn changed(block: &Block, names: &[&str]) -> Block {
    let default = |name: &str| ARGUMENTS.iter().find(|row| row.name == name).and_then(|row| of_default(row.default).ok()?);
    let of = |name: &&str| Some(((*name).to_owned(), block.get(*name)?.clone()));
    names.iter().filter_map(of).filter(|(name, term)| term.value() != default(name).as_ref()).collect()
}

struct Checks<'a> {
    block: &'a Block,
    complaints: Vec<Complaint>,
}

impl Checks<'_> {
    fn error(&mut self, argument: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.complaints.push(Complaint { argument, message: message.into(), hint: hint.into() });
    }

    fn all(&mut self) {
        for row in ARGUMENTS.iter().filter(|row| !row.one_of.is_empty()) {
            if let Some(text) = text(self.block, row.name)
                && !row.one_of.contains(&text)
            {
                let choices: Vec<String> = row.one_of.iter().map(|choice| format!("\"{choice}\"")).collect();
                self.error(row.name, format!("`{}` is {}, not \"{text}\".", row.name, choices.join(" or ")), row.doc);
            }
        }
        self.nodes();
        self.image();
        self.forms();
        self.timezone();
        self.user_data();
        self.sources();
        self.numbers();
        self.complaints.extend(arbiter::complaints(self.block));
        if text(self.block, "fencing") == Some("api") && text(self.block, "no_quorum_policy") == Some("ignore") {
            self.error(
                "no_quorum_policy",
                "With fencing, `no_quorum_policy` cannot be \"ignore\": a node that was reset would boot alone and reset the healthy one.",
                "Remove `no_quorum_policy`, or fencing.",
            );
        }
    }

    fn nodes(&mut self) {
        let Some(term) = self.block.get("nodes") else { return };
        if term.has_unknown() || term.has_secret() {
            return;
        }
        let Some(names) = names(self.block) else {
            return self.error("nodes", "`nodes` is a list of two names.", "For example `nodes = [\"primary\", \"secondary\"]`.");
        };
        if names.len() != 2 {
            return self.error("nodes", format!("A cluster has two nodes, not {}.", names.len()), "Only pairs are supported.");
        }
        for name in &names {
            if !label(name) {
                self.error(
                    "nodes",
                    format!("`{name}` is not a valid node name."),
                    "Use up to 63 lower-case letters, digits and dashes, a letter first: it becomes the host name.",
                );
            }
        }
        if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
            self.error("nodes", format!("Both nodes are named `{}`.", names[0]), "Give each a name of its own.");
        }
    }

    fn image(&mut self) {
        let Some(image) = text(self.block, "image") else { return };
        match Release::of_image(image) {
            None => self.error(
                "image",
                format!("A cluster cannot be built on the image `{image}`."),
                format!("Use one of: {}.", IMAGES.join(", ")),
            ),
            Some(Release::Trusty) if text(self.block, "transport") == Some("knet") => {
                self.error("transport", format!("The corosync of {image} has no knet."), "Write \"udpu\", or remove `transport`.");
            }
            Some(release) if text(self.block, "links") == Some("both") => {
                if release == Release::Trusty || text(self.block, "transport") == Some("udpu") {
                    let message = "Two links need knet, which corosync does not use here: `links` cannot be \"both\".";
                    self.error("links", message, "Remove `links`: there is then one link, over the private network.");
                }
            }
            Some(_) => {}
        }
    }

    fn forms(&mut self) {
        let plain = |text: &str, more: &str| {
            !text.is_empty() && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if let Some(name) = text(self.block, "cluster_name")
            && !plain(name, "_-")
        {
            self.error("cluster_name", format!("`{name}` is not a valid cluster name."), "Use up to 64 letters, digits, `_` and `-`.");
        }
        if let Some(path) = text(self.block, "health_path")
            && (!path.starts_with('/') || !plain(path, "/._-") || path.contains(".."))
        {
            self.error("health_path", format!("`{path}` is not a valid health path."), "Write it like \"/health\".");
        }
        if let Some(url) = text(self.block, "api_url")
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            self.error("api_url", format!("`{url}` is not a valid API address."), "Write it like https://api.digitalocean.com.");
        }
    }

    fn timezone(&mut self) {
        let Some(zone) = text(self.block, "timezone").filter(|zone| !zones::is_known(zone)) else { return };
        let hint = match zones::meant(zone) {
            Some(meant) => format!("Did you mean \"{meant}\"?"),
            None => "Write a name of the tz database, as in \"America/New_York\" or \"UTC\".".to_owned(),
        };
        self.error("timezone", format!("`{zone}` is not a valid time zone."), hint);
    }

    fn user_data(&mut self) {
        let Some(script) = self.block.get("user_data").and_then(Term::sealed) else { return };
        let checked = script.map(|value| value.as_str().map_or(Ok(()), user_script::check));
        if let Err((what, hint)) = checked.transpose() {
            self.error("user_data", format!("`user_data` {what}"), hint);
        }
    }

    fn sources(&mut self) {
        for name in ["ssh_sources", "health_sources"] {
            let Some(items) = self.block.get(name).and_then(Term::value).and_then(Value::as_list) else { continue };
            for item in items.iter().filter_map(Value::as_str).filter(|item| !is_network(item)) {
                self.error(
                    name,
                    format!("`{name}` has \"{item}\", which is neither an address nor a range."),
                    "Write them as in \"203.0.113.7\" or \"203.0.113.0/24\".",
                );
            }
        }
        let heard = |name| self.block.get(name).and_then(Term::value).and_then(Value::as_list).is_none_or(|items| !items.is_empty());
        if !heard("health_sources") && text(self.block, "wait_for") == Some("serving") {
            self.error(
                "health_sources",
                "With an empty `health_sources` nobody can read the nodes' health, and an apply would wait for it in vain.",
                "Add the address from which dofloat is run, or write `wait_for = \"created\"`.",
            );
        }
    }

    fn numbers(&mut self) {
        for (name, from, to, unit) in [
            ("token_timeout", 300, 60_000, " milliseconds"),
            ("fencing_delay", 0, 120, " seconds"),
            ("health_port", 1, 65_535, ""),
            ("wait_limit", 10, 86_400, " seconds"),
            ("user_data_timeout", 1, 86_400, " seconds"),
        ] {
            let known = self.block.get(name).is_some_and(|term| term.value().is_some());
            if known && !number(self.block, name).is_some_and(|number| (from..=to).contains(&number)) {
                self.error(name, format!("`{name}` is a whole number from {from} to {to}{unit}."), "");
            }
        }
    }
}

/// An address, or a range of them.
fn is_network(text: &str) -> bool {
    text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok()
}

/// A host name of one label that is also a name in an address.
fn label(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#""region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb""#;

    fn check(more: &str, expected: &[&str]) {
        let json = format!("{{{WHOLE}{}{more}}}", if more.is_empty() { "" } else { ", " });
        let body = Term::Value(Value::from_json(&serde_json::from_str(&json).unwrap()));
        let found = read(&body).err().unwrap_or_default();
        let found: Vec<String> = found.iter().map(|complaint| format!("{}: {}", complaint.argument, complaint.message)).collect();
        assert_eq!(found.len(), expected.len(), "{more}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{more}: {found}");
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        check("", &[]);
        let block = read(&Term::Value(Value::from_json(&serde_json::from_str(&format!("{{{WHOLE}}}")).unwrap()))).unwrap();
        assert_eq!(names(&block), Some(vec!["primary".to_owned(), "secondary".to_owned()]));
        assert_eq!((text(&block, "service"), text(&block, "transport"), number(&block, "token_timeout")), (Some("nginx"), None, None));
    }

    #[test]
    fn every_image_that_is_named_has_a_release() {
        assert!(IMAGES.iter().all(|image| Release::of_image(image).is_some()));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        check(r#""service": "none", "fencing": "api", "transport": "udpu""#, &[]);
        check(r#""fencing": "api", "no_quorum_policy": "ignore""#, &["no_quorum_policy: With fencing"]);
        check(r#""image": "ubuntu-14-04-x64", "transport": "knet""#, &["transport: The corosync of ubuntu-14-04-x64"]);
        check(r#""links": "private", "transport": "udpu""#, &[]);
        check(r#""links": "both", "transport": "udpu""#, &["links: Two links need knet"]);
        check(r#""links": "both", "image": "ubuntu-14-04-x64""#, &["links: Two links need knet"]);
        check(r#""service": "haproxy""#, &["service: `service` is \"nginx\" or \"none\""]);
        check(r#""nodes": ["a"]"#, &["nodes: A cluster has two nodes, not 1."]);
        check(r#""nodes": ["a", "a"]"#, &["nodes: Both nodes are named `a`."]);
        check(r#""nodes": ["a", "B_"]"#, &["nodes: `B_` is not a valid node name"]);
        check(r#""image": "fedora-42-x64""#, &["image: A cluster cannot be built on the image `fedora-42-x64`"]);
        check(r#""token_timeout": 10, "health_path": "health""#, &["health_path: ", "token_timeout: "]);
        check(r#""ip": "1.2.3.4", "sise": "x""#, &[": `ip` cannot be set", ": There is no argument `sise`"]);
        check(r#""timezone": "US/Eastern""#, &[]);
        check(r#""timezone": "america/new_york""#, &["timezone: `america/new_york` is not a valid time zone."]);
        check(r##""user_data": "#cloud-config\n""##, &["user_data: `user_data` is a cloud-init document"]);
        check(r#""ssh_sources": [], "health_sources": ["203.0.113.7", "2001:db8::/32"]"#, &[]);
        check(r#""ssh_sources": ["10.0.0.0/33", "home"]"#, &["ssh_sources: `ssh_sources` has \"10.0.0.0/33\"", "ssh_sources: "]);
        check(r#""health_sources": []"#, &["health_sources: With an empty"]);
        check(r#""health_sources": [], "wait_for": "created""#, &[]);
        check(r#""user_data_timeout": 0"#, &["user_data_timeout: `user_data_timeout` is a whole number from 1"]);
        check(r#""region": null"#, &[": The argument `region` of `dofloat_cluster` is missing."]);
    }
}
