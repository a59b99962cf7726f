//! Types of values, as the language and the attribute tables share them.
//!
//! Invariant: a type says what a value may look like, never what it means.

use std::collections::BTreeMap;
use std::fmt;

/// The type of a value. Optional attributes of type constraints are the language's own business.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Any type ("dynamic").
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(T)`.
    List(Box<Type>),
    /// `set(T)`.
    Set(Box<Type>),
    /// `map(T)`.
    Map(Box<Type>),
    /// `tuple([T, …])`.
    Tuple(Vec<Type>),
    /// `object({name = T, …})`.
    Object(BTreeMap<String, Type>),
}

impl Type {
    /// The JSON form that `output -json` shows: `"string"`, `["list", "string"]`, `["object", {…}]`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Self::Any => json!("dynamic"),
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::List(item) => json!(["list", item.to_json()]),
            Self::Set(item) => json!(["set", item.to_json()]),
            Self::Map(item) => json!(["map", item.to_json()]),
            Self::Tuple(items) => json!(["tuple", items.iter().map(Self::to_json).collect::<Vec<_>>()]),
            Self::Object(fields) => {
                json!(["object", fields.iter().map(|(name, ty)| (name.clone(), ty.to_json())).collect::<serde_json::Map<_, _>>()])
            }
        }
    }

    /// Reads the JSON form.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        if let Some(name) = json.as_str() {
            return match name {
                "dynamic" => Some(Self::Any),
                "bool" => Some(Self::Bool),
                "number" => Some(Self::Number),
                "string" => Some(Self::String),
                _ => None,
            };
        }
        let [name, of] = json.as_array()?.as_slice() else { return None };
        match name.as_str()? {
            "list" => Some(Self::List(Box::new(Self::from_json(of)?))),
            "set" => Some(Self::Set(Box::new(Self::from_json(of)?))),
            "map" => Some(Self::Map(Box::new(Self::from_json(of)?))),
            "tuple" => Some(Self::Tuple(of.as_array()?.iter().map(Self::from_json).collect::<Option<_>>()?)),
            "object" => Some(Self::Object(
                of.as_object()?.iter().map(|(name, ty)| Some((name.clone(), Self::from_json(ty)?))).collect::<Option<_>>()?,
            )),
            _ => None,
        }
    }
}

impl fmt::Display for Type {
    /// The language's spelling, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Set(item) => write!(f, "set({item})"),
            Self::Map(item) => write!(f, "map({item})"),
            Self::Tuple(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "tuple([{}])", items.join(", "))
            }
            Self::Object(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, ty)| format!("{name} = {ty}")).collect();
                write!(f, "object({{{}}})", fields.join(", "))
            }
        }
    }
}

/// What the language may know of resource types: the type of each one's attributes, so that a reference to an attribute
/// that does not exist is found before anything else, and unknown values have their type.
pub trait Schemas {
    /// The object type of a resource type's attributes; `None` if there is no such resource type.
    fn resource(&self, kind: &str) -> Option<Type>;
    /// The names of all resource types, for "did you mean".
    fn resource_names(&self) -> Vec<String>;
    /// The names of all data sources, with `data.` before them as `resource` takes them.
    fn data_names(&self) -> Vec<String> {
        Vec::new()
    }
    /// Whether two resource types are an old and a new name of one, so that an object of the one may become the other's.
    fn is_renamed(&self, _one: &str, _other: &str) -> bool {
        false
    }
}
