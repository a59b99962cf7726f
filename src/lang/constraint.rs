//! Type constraints: what a value must look like, and why one does not.
//!
//! Invariant: plain data. Reading a constraint from a text is not done here, nor is converting to one.

use std::collections::BTreeMap;
use std::fmt;

use super::value::Val;
use dofloat_base::types::Type;

/// What a value must look like: a type whose objects may have optional attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// Anything; inside a collection, one type for all elements.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(T)`.
    List(Box<Constraint>),
    /// `set(T)`.
    Set(Box<Constraint>),
    /// `map(T)`.
    Map(Box<Constraint>),
    /// `tuple([T, …])`.
    Tuple(Vec<Constraint>),
    /// `object({name = T, …})`.
    Object(BTreeMap<String, Field>),
}

/// An attribute of an object constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// What its value must look like.
    pub constraint: Constraint,
    /// Whether it may be absent: then it is the default, or null.
    pub optional: bool,
    /// What stands in for an absent or null value.
    pub default: Option<Val>,
}

/// Why a value does not fit a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertError {
    /// The offending part, for example `.ports[0]`; empty for the value itself.
    pub path: String,
    /// What is wrong with it, for example `a number is required`.
    pub message: String,
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for ConvertError {}

impl ConvertError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    pub(super) fn within(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

impl From<&Type> for Constraint {
    fn from(ty: &Type) -> Self {
        match ty {
            Type::Any => Self::Any,
            Type::Bool => Self::Bool,
            Type::Number => Self::Number,
            Type::String => Self::String,
            Type::List(item) => Self::List(Box::new(item.as_ref().into())),
            Type::Set(item) => Self::Set(Box::new(item.as_ref().into())),
            Type::Map(item) => Self::Map(Box::new(item.as_ref().into())),
            Type::Tuple(items) => Self::Tuple(items.iter().map(Into::into).collect()),
            Type::Object(fields) => {
                let field = |ty: &Type| Field { constraint: ty.into(), optional: false, default: None };
                Self::Object(fields.iter().map(|(name, ty)| (name.clone(), field(ty))).collect())
            }
        }
    }
}

impl Constraint {
    /// The type, without what is said of absent attributes.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List(item) => Type::List(Box::new(item.ty())),
            Self::Set(item) => Type::Set(Box::new(item.ty())),
            Self::Map(item) => Type::Map(Box::new(item.ty())),
            Self::Tuple(items) => Type::Tuple(items.iter().map(Self::ty).collect()),
            Self::Object(fields) => Type::Object(fields.iter().map(|(name, field)| (name.clone(), field.constraint.ty())).collect()),
        }
    }
}
