//! The address of a resource instance: how it is parsed, printed and ordered.
//!
//! Invariant: printing and parsing are inverse, and the order is the order of the state file.
//! It must not know which kinds exist.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands in a module's address where a resource has its type: `module.web["a"]`.
const MODULE: &str = "module";

/// What stands before the type of a data source: a name of a type has no dot of its own.
const DATA: &str = "data.";

/// The instance key of a resource with `count` (an index) or `for_each` (a name).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `[0]`, from `count`.
    Index(u64),
    /// `["a"]`, from `for_each`.
    Name(String),
}

/// Where a resource instance stands in the configuration: `digitalocean_droplet.web[0]`,
/// inside a cluster, `dofloat_cluster.web.digitalocean_droplet.primary`, or in a module, `module.web["a"].digitalocean_droplet.this`.
/// A module instance has an address of the same form, with the type `module`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// What it stands in, if anything: the cluster instance that it was expanded from, or the module instance.
    pub parent: Option<Box<Address>>,
    /// The resource type, for example `digitalocean_droplet`; of a data source with `data.` before it.
    pub kind: String,
    /// The name in the block's second label.
    pub name: String,
    /// The instance key, if the resource has `count` or `for_each`.
    pub key: Option<Key>,
}

impl Address {
    /// An address without instance key.
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        Self { parent: None, kind: kind.to_owned(), name: name.to_owned(), key: None }
    }

    /// The address of a module instance.
    #[must_use]
    pub fn module(name: &str) -> Self {
        Self::new(MODULE, name)
    }

    /// Whether it is a module instance, and no resource.
    #[must_use]
    pub fn is_module(&self) -> bool {
        self.kind == MODULE
    }

    /// The cluster that this is a part of.
    #[must_use]
    pub fn whole(&self) -> Option<&Self> {
        self.parent.as_deref().filter(|parent| !parent.is_module())
    }

    /// The module instance that this stands in, at any depth of clusters.
    #[must_use]
    pub fn module_instance(&self) -> Option<&Self> {
        let parent = self.parent.as_deref()?;
        if parent.is_module() { Some(parent) } else { parent.module_instance() }
    }

    /// The same as it is written within its own module.
    #[must_use]
    pub fn within_module(&self) -> Self {
        Self { parent: self.whole().map(|whole| Box::new(whole.within_module())), ..self.clone() }
    }

    /// The same in a module instance.
    #[must_use]
    pub fn inside(self, module: Option<&Self>) -> Self {
        let parent = match self.parent {
            Some(parent) => Some(Box::new(parent.inside(module))),
            None => module.cloned().map(Box::new),
        };
        Self { parent, ..self }
    }

    /// The same without any instance key: the place in the configuration.
    #[must_use]
    pub fn unkeyed(&self) -> Self {
        Self { parent: self.parent.as_deref().map(|parent| Box::new(parent.unkeyed())), key: None, ..self.clone() }
    }

    /// The type of a data source as addresses have it: `data.digitalocean_image`.
    #[must_use]
    pub fn data_kind(source: &str) -> String {
        format!("{DATA}{source}")
    }

    /// The type of the data source, if it is one and no resource.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.kind.strip_prefix(DATA)
    }

    /// Whether it is a data source, which is only read.
    #[must_use]
    pub fn is_data(&self) -> bool {
        self.source().is_some()
    }

    /// The same resource with another instance key.
    #[must_use]
    pub fn with_key(&self, key: Option<Key>) -> Self {
        Self { key, ..self.clone() }
    }

    /// The same resource without its instance key: the block that it stands for.
    #[must_use]
    pub fn block(&self) -> Self {
        self.with_key(None)
    }

    /// Where `self` is after a move of `from` to `to`, if it is moved by that: an instance by itself, an instance of a block
    /// with its key, and what is inside of a cluster with the cluster.
    #[must_use]
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Self> {
        if self == from {
            return Some(to.clone());
        }
        if from.key.is_none() && to.key.is_none() && self.block() == *from {
            return Some(to.with_key(self.key.clone()));
        }
        let parent = self.parent.as_deref()?.moved(from, to)?;
        Some(Self { parent: Some(Box::new(parent)), ..self.clone() })
    }

    /// Whether `self` names `other` itself, all instances of its block, or the cluster that holds it
    /// (the meaning of `-target` and `-replace`).
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self == other || (self.key.is_none() && *self == other.block()) || other.parent.as_deref().is_some_and(|parent| self.covers(parent))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => {
                let text = serde_json::to_string(name).map_err(|_| fmt::Error)?;
                write!(f, "[{}]", text.replace("${", "$${").replace("%{", "%%{"))
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = &self.parent {
            write!(f, "{parent}.")?;
        }
        write!(f, "{}.{}", self.kind, self.name)?;
        match &self.key {
            Some(key) => key.fmt(f),
            None => Ok(()),
        }
    }
}

/// Why a text is no address. The message fits after "failed to read the address: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(String);

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let mut rest = text;
        let mut found: Option<Self> = None;
        loop {
            let mut kind = word(&mut rest, text)?;
            if kind == "data" {
                rest = rest.strip_prefix('.').ok_or_else(|| bad(text, "a data source is written data.TYPE.NAME"))?;
                kind = Self::data_kind(&word(&mut rest, text)?);
            }
            rest = rest.strip_prefix('.').ok_or_else(|| bad(text, "a resource is written TYPE.NAME"))?;
            let name = word(&mut rest, text)?;
            let key = key(&mut rest, text)?;
            found = Some(Self { parent: found.map(Box::new), kind, name, key });
            if rest.is_empty() {
                return found.ok_or_else(|| bad(text, "it is empty"));
            }
            rest = rest.strip_prefix('.').ok_or_else(|| bad(text, "something follows the instance key"))?;
        }
    }
}

fn bad(text: &str, why: &str) -> BadAddress {
    BadAddress(format!("`{text}` is not a resource address: {why}"))
}

fn word(rest: &mut &str, text: &str) -> Result<String, BadAddress> {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
    let (head, tail) = rest.split_at(end);
    if head.is_empty() || head.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return Err(bad(text, "a name is missing"));
    }
    *rest = tail;
    Ok(head.to_owned())
}

fn key(rest: &mut &str, text: &str) -> Result<Option<Key>, BadAddress> {
    let Some(inner) = rest.strip_prefix('[') else { return Ok(None) };
    let mut stream = serde_json::Deserializer::from_str(inner).into_iter::<serde_json::Value>();
    let value = stream.next().and_then(Result::ok).ok_or_else(|| bad(text, "an instance key is a number or a quoted text"))?;
    let key = match value {
        serde_json::Value::String(name) => Key::Name(name.replace("$${", "${").replace("%%{", "%{")),
        other => Key::Index(other.as_u64().ok_or_else(|| bad(text, "an instance key is a number or a quoted text"))?),
    };
    let tail = inner.get(stream.byte_offset()..).unwrap_or_default();
    *rest = tail.strip_prefix(']').ok_or_else(|| bad(text, "`]` is missing"))?;
    Ok(Some(key))
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_and_parsing_are_inverse() {
        for text in [
            "digitalocean_vpc.main",
            "digitalocean_droplet.web[10]",
            r#"digitalocean_droplet.web["a.b]\"c"]"#,
            r#"digitalocean_droplet.web["$${x}"]"#,
            "dofloat_cluster.web.digitalocean_droplet.primary",
            r#"dofloat_cluster.web["eu"].digitalocean_droplet.primary"#,
            r#"module.a["x"].module.b[0].digitalocean_droplet.this[1]"#,
            "module.a.dofloat_cluster.web.digitalocean_droplet.primary",
            "module.a[0]",
            "data.digitalocean_ssh_key.me",
            r#"data.digitalocean_ssh_key.team["ann"]"#,
        ] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "a", "a.", ".b", "a.b[", "a.b[x]", "a.b[1", "a.b[1]c", "a.b[-1]", "a.b[1.5]", "a b.c", "a.b.", "data.a", "data.a."]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_data_source_is_no_resource() -> Result<(), BadAddress> {
        let (data, resource): (Address, Address) = ("data.k.a[0]".parse()?, "k.a[0]".parse()?);
        assert_eq!((data.source(), resource.source()), (Some("k"), None));
        assert!("data.k.a".parse::<Address>()?.covers(&data) && !"k.a".parse::<Address>()?.covers(&data));
        Ok(())
    }

    #[test]
    fn order_is_numeric_in_indexes() {
        let at = |index| Address::new("k", "n").with_key(Some(Key::Index(index)));
        assert!(at(2) < at(10));
    }

    #[test]
    fn a_move_takes_instances_with_their_block_and_children_with_their_cluster() {
        let check = |address: &str, from: &str, to: &str, expected: Option<&str>| {
            let [address, from, to] = [address, from, to].map(|text| text.parse::<Address>().expect("an address"));
            assert_eq!(address.moved(&from, &to).map(|moved| moved.to_string()).as_deref(), expected, "{address}: {from} to {to}");
        };
        check("k.a", "k.a", "k.b", Some("k.b"));
        check("k.a[1]", "k.a", "k.b", Some("k.b[1]"));
        check("k.a", "k.a", "k.a[0]", Some("k.a[0]"));
        check("k.a[1]", "k.a", "k.a[0]", None);
        check("k.a[1]", "k.a[1]", "k.b", Some("k.b"));
        check("k.a[0]", "k.a[1]", "k.b", None);
        check("c.a.k.x[0]", "c.a", "c.b[\"z\"]", Some("c.b[\"z\"].k.x[0]"));
        check("k.b", "k.a", "k.c", None);
        check("module.a[0].k.x", "module.a", "module.b", Some("module.b[0].k.x"));
        check("module.a.k.x[1]", "module.a.k.x", "k.y", Some("k.y[1]"));
        check("module.a.k.x", "module.a", "module.a[\"z\"]", Some("module.a[\"z\"].k.x"));
    }

    #[test]
    fn a_block_covers_its_instances_and_a_cluster_its_children() -> Result<(), BadAddress> {
        let child: Address = "dofloat_cluster.web[0].digitalocean_droplet.primary".parse()?;
        assert!("dofloat_cluster.web".parse::<Address>()?.covers(&child));
        assert!("dofloat_cluster.web[0]".parse::<Address>()?.covers(&child));
        assert!(!"dofloat_cluster.web[1]".parse::<Address>()?.covers(&child));
        let nested: Address = "module.a[0].module.b.dofloat_cluster.web[0].digitalocean_droplet.primary".parse()?;
        for (text, covers) in [("module.a", true), ("module.a[0].module.b", true), ("module.a[1]", false), ("module.b", false)] {
            assert_eq!(text.parse::<Address>()?.covers(&nested), covers, "{text}");
        }
        assert_eq!(nested.module_instance().map(ToString::to_string).as_deref(), Some("module.a[0].module.b"));
        assert_eq!(nested.whole().map(|whole| whole.within_module().to_string()).as_deref(), Some("dofloat_cluster.web[0]"));
        assert_eq!(nested.within_module().inside(nested.module_instance()), nested);
        assert_eq!(nested.unkeyed().to_string(), "module.a.module.b.dofloat_cluster.web.digitalocean_droplet.primary");
        Ok(())
    }
}
