//! Values at the border between the layers: `Value` is known, `Term` may be unknown or secret.
//!
//! Invariant: a `Value` holds no unknown and no secret, so state cannot either. The language has richer values of its own
//! (`lang::value`), which know set from list; here a set is a sorted list.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address::Address;
use super::number::Number;
use super::secret::Secret;

/// A known, open value. In JSON it is what it looks like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Absent.
    Null,
    /// True or false.
    Bool(bool),
    /// A decimal number.
    Number(Number),
    /// A text.
    Str(String),
    /// A list, or a set in sorted order.
    List(Vec<Value>),
    /// A map or an object.
    Map(BTreeMap<String, Value>),
}

/// The attributes of an object by name, nulls left out.
pub type Body = BTreeMap<String, Value>;

/// The attributes of one object, as far as they are known.
pub type Terms = BTreeMap<String, Term>;

/// Where an unknown value will come from: for display and for static checks, never to steer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The resource whose attribute it is, if it is one.
    pub address: Option<Address>,
    /// The attribute's path in it, for example `ipv4_address`.
    pub path: String,
    /// Whether the value will be secret.
    pub sensitive: bool,
}

/// A value that may be unknown until apply, or secret, in whole or in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Known and open.
    Value(Value),
    /// Known and not to be shown.
    Secret(Secret<Value>),
    /// Known after apply.
    Unknown(Origin),
    /// A list with a part that is unknown or secret.
    List(Vec<Term>),
    /// A map with a part that is unknown or secret.
    Map(BTreeMap<String, Term>),
}

impl Value {
    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or(serde_json::Value::Null)
    }

    /// Reads JSON.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(bool) => Self::Bool(*bool),
            serde_json::Value::Number(number) => Number::try_from(number).map_or(Self::Null, Self::Number),
            serde_json::Value::String(text) => Self::Str(text.clone()),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => Self::Map(map.iter().map(|(k, v)| (k.clone(), Self::from_json(v))).collect()),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Number(number) => number.serialize(serializer),
            Self::Str(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(map) => serializer.collect_map(map),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_json(&serde_json::Value::deserialize(deserializer)?))
    }
}

impl Term {
    /// Null.
    #[must_use]
    pub fn null() -> Self {
        Self::Value(Value::Null)
    }

    /// A list, in its simplest form: a `Value` where every item is one.
    #[must_use]
    pub fn list(items: Vec<Term>) -> Self {
        if !items.iter().all(|item| matches!(item, Self::Value(_))) {
            return Self::List(items);
        }
        let values = items.into_iter().filter_map(|item| if let Self::Value(value) = item { Some(value) } else { None });
        Self::Value(Value::List(values.collect()))
    }

    /// A map, in its simplest form: a `Value` where every entry is one.
    #[must_use]
    pub fn map(entries: BTreeMap<String, Term>) -> Self {
        if !entries.values().all(|entry| matches!(entry, Self::Value(_))) {
            return Self::Map(entries);
        }
        let values =
            entries.into_iter().filter_map(|(name, entry)| if let Self::Value(value) = entry { Some((name, value)) } else { None });
        Self::Value(Value::Map(values.collect()))
    }

    /// The entries of a map of either form; `None` for anything else.
    #[must_use]
    pub fn entries(&self) -> Option<BTreeMap<String, Term>> {
        match self {
            Self::Value(Value::Map(map)) => Some(map.iter().map(|(k, v)| (k.clone(), Self::Value(v.clone()))).collect()),
            Self::Map(map) => Some(map.clone()),
            _ => None,
        }
    }

    /// The items of a list of either form; `None` for anything else.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Term>> {
        match self {
            Self::Value(Value::List(items)) => Some(items.iter().cloned().map(Self::Value).collect()),
            Self::List(items) => Some(items.clone()),
            _ => None,
        }
    }

    /// The attribute of that name, null where it is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Self {
        match self {
            Self::Value(Value::Map(map)) => map.get(name).map_or_else(Self::null, |v| Self::Value(v.clone())),
            Self::Map(map) => map.get(name).cloned().unwrap_or_else(Self::null),
            _ => Self::null(),
        }
    }

    /// The open value, if all of it is known and open.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Value(Value::Null))
    }

    /// Whether some part is unknown.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::List(items) => items.iter().any(Self::has_unknown),
            Self::Map(map) => map.values().any(Self::has_unknown),
            Self::Value(_) | Self::Secret(_) => false,
        }
    }

    /// Whether some part is secret, or will be.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::Unknown(origin) => origin.sensitive,
            Self::List(items) => items.iter().any(Self::has_secret),
            Self::Map(map) => map.values().any(Self::has_secret),
            Self::Value(_) => false,
        }
    }

    /// The whole as one secret, if all of it is known (an open value is wrapped); `None` if some part is unknown.
    #[must_use]
    pub fn sealed(&self) -> Option<Secret<Value>> {
        match self {
            Self::Value(value) => Some(Secret::new(value.clone())),
            Self::Secret(secret) => Some(secret.clone()),
            Self::Unknown(_) => None,
            Self::List(items) => items
                .iter()
                .try_fold(Secret::new(Vec::new()), |sum, item| {
                    Some(sum.zip(&item.sealed()?, |sum, item| [sum.as_slice(), std::slice::from_ref(item)].concat()))
                })
                .map(|items| items.map(|items| Value::List(items.clone()))),
            Self::Map(map) => map
                .iter()
                .try_fold(Secret::new(BTreeMap::new()), |sum, (name, entry)| {
                    Some(sum.zip(&entry.sealed()?, |sum, entry| {
                        let mut sum: BTreeMap<String, Value> = sum.clone();
                        sum.insert(name.clone(), entry.clone());
                        sum
                    }))
                })
                .map(|map| map.map(|map| Value::Map(map.clone()))),
        }
    }

    /// Whether `later` is a possible outcome of this term: equal except where this one is unknown.
    #[must_use]
    pub fn refined_by(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::Unknown(_), _) => true,
            (Self::Value(a), Self::Value(b)) => a == b,
            (Self::Secret(_), _) | (_, Self::Secret(_)) => self.sealed().is_some_and(|a| later.sealed().is_some_and(|b| a == b)),
            _ => match (self.items(), later.items(), self.entries(), later.entries()) {
                (Some(a), Some(b), ..) => a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.refined_by(b)),
                (.., Some(a), Some(b)) => a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| a.refined_by(b))),
                _ => false,
            },
        }
    }
}

impl From<&str> for Term {
    fn from(text: &str) -> Self {
        Self::Value(text.into())
    }
}

impl From<String> for Term {
    fn from(text: String) -> Self {
        Self::Value(text.into())
    }
}

impl From<Value> for Term {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unknown_parts_may_change() {
        let unknown = || Term::Unknown(Origin::default());
        let text = |t: &str| Term::Value(Value::from(t));
        let planned = Term::list(vec![text("a"), unknown()]);
        assert!(planned.refined_by(&Term::list(vec![text("a"), text("b")])));
        assert!(!planned.refined_by(&Term::list(vec![text("c"), text("b")])));
        assert!(!planned.refined_by(&Term::list(vec![text("a")])));
        let secret = |t: &str| Term::Secret(Secret::new(Value::from(t)));
        assert!(secret("a").refined_by(&secret("a")));
        assert!(!secret("a").refined_by(&secret("b")));
    }

    #[test]
    fn sealing_keeps_the_shape() {
        let term = Term::list(vec![Term::Value(Value::from("a")), Term::Secret(Secret::new(Value::from("b")))]);
        assert_eq!(term.sealed(), Some(Secret::new(Value::List(vec!["a".into(), "b".into()]))));
        assert_eq!(Term::list(vec![Term::Unknown(Origin::default())]).sealed(), None);
    }
}
