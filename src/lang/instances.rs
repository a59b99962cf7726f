//! Which instances there are of a block, and the one that an expression belongs to.
//!
//! Invariant: plain data; how many there are is computed elsewhere (`shape`).

use std::collections::BTreeMap;

use super::conversion;
use super::types;
use super::value::{Data, Val};
use dofloat_base::address::Key;
use dofloat_base::desired::Repeats;
use dofloat_base::types::Type;

/// The instances of a resource block.
#[derive(Clone, Debug)]
pub enum Instances {
    /// One, without a key.
    Once,
    /// So many, by index.
    Count(u64),
    /// None: `enabled` is false.
    Off,
    /// By name, with `each.value` as far as it is known.
    Each(BTreeMap<String, Val>),
    /// Nobody can say yet, for want of a variable's value: `count.index`, or `each.key` and `each.value`, are unknown.
    Open(Here),
}

impl Instances {
    /// The key that an index means, if there is such an instance.
    #[must_use]
    pub fn key(&self, index: &Val) -> Option<Key> {
        match self {
            Self::Once | Self::Off | Self::Open(_) => None,
            Self::Count(count) => match conversion::convert(index, &Type::Number).ok()?.data {
                Data::Number(number) if !matches!(index.data, Data::Bool(_)) => number.as_u64().filter(|at| at < count).map(Key::Index),
                _ => None,
            },
            Self::Each(values) => types::text_of(&index.data).filter(|name| values.contains_key(name)).map(Key::Name),
        }
    }

    /// The keys of all instances.
    #[must_use]
    pub fn keys(&self) -> Vec<Option<Key>> {
        match self {
            Self::Once | Self::Open(_) => vec![None],
            Self::Off => Vec::new(),
            Self::Count(count) => (0..*count).map(|at| Some(Key::Index(at))).collect(),
            Self::Each(values) => values.keys().map(|name| Some(Key::Name(name.clone()))).collect(),
        }
    }

    /// Whether it is known that there is none.
    #[must_use]
    pub fn are_none(&self) -> bool {
        match self {
            Self::Once | Self::Open(_) => false,
            Self::Off => true,
            Self::Count(count) => *count == 0,
            Self::Each(values) => values.is_empty(),
        }
    }

    /// What makes them.
    #[must_use]
    pub fn repeats(&self) -> Repeats {
        match self {
            Self::Once | Self::Off | Self::Open(Here::Plain) => Repeats::Once,
            Self::Count(_) | Self::Open(Here::Count(_)) => Repeats::Count,
            Self::Each(_) | Self::Open(Here::Each(..)) => Repeats::ForEach,
        }
    }

    /// In words, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Once => "it has one, without a key".to_owned(),
            Self::Off => "`enabled` is false".to_owned(),
            Self::Open(_) => "nobody can say yet how many there are".to_owned(),
            Self::Count(0) => "`count` is 0".to_owned(),
            Self::Count(count) => format!("`count` is {count}, so indexes go from 0 to {}", count - 1),
            Self::Each(values) if values.is_empty() => "`for_each` is empty".to_owned(),
            Self::Each(values) => {
                let mut names: Vec<_> = values.keys().take(10).map(|name| format!("\"{name}\"")).collect();
                if values.len() > names.len() {
                    names.push("…".to_owned());
                }
                format!("`for_each` has the keys {}", names.join(", "))
            }
        }
    }

    /// What `count` and `each` are in an instance.
    #[must_use]
    pub fn here(&self, key: Option<&Key>) -> Here {
        match (self, key) {
            (Self::Count(_), Some(Key::Index(at))) => Here::Count(Val::number(*at)),
            (Self::Each(values), Some(Key::Name(name))) => {
                Here::Each(Val::string(name), values.get(name).cloned().unwrap_or_else(Val::null))
            }
            (Self::Open(here), _) => here.clone(),
            _ => Here::Plain,
        }
    }
}

/// The instance that an expression belongs to.
#[derive(Clone, Debug, Default)]
pub enum Here {
    /// None, or one without a key.
    #[default]
    Plain,
    /// `count.index`.
    Count(Val),
    /// `each.key` and `each.value`.
    Each(Val, Val),
}

/// Where the elements of a `for` come from: the key in its collection, by the key in its result.
pub(super) type Sources = BTreeMap<String, Val>;
