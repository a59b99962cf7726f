//! The language's values: typed, with unknowns and with the mark "sensitive" on any part.
//!
//! Invariant: a set is sorted and has no doubles; the element type of a collection fits all its elements; a sensitive part
//! stays sensitive in whatever is computed from it. For the other layers they become `base::Term`.

use std::collections::BTreeMap;
use std::sync::Arc;

use dofloat_base::number::Number;
use dofloat_base::types::Type;
use dofloat_base::value::Origin;

/// A value of the language.
#[derive(Clone, PartialEq)]
pub struct Val {
    /// What it is.
    pub data: Data,
    /// Whether it must not be shown. Parts may be marked on their own.
    pub sensitive: bool,
}

/// The content of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Known after apply; the type is what is known of it (`Any` if nothing).
    Unknown(Type, Option<Arc<Origin>>),
    /// Null of a type (`Any` for the literal).
    Null(Type),
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text, in normal form C.
    String(Arc<str>),
    /// `list(T)`.
    List(Type, Arc<Vec<Val>>),
    /// `set(T)`, sorted, without doubles.
    Set(Type, Arc<Vec<Val>>),
    /// `tuple([…])`.
    Tuple(Arc<Vec<Val>>),
    /// `map(T)`.
    Map(Type, Arc<BTreeMap<String, Val>>),
    /// `object({…})`.
    Object(Arc<BTreeMap<String, Val>>),
}

impl From<Data> for Val {
    fn from(data: Data) -> Self {
        Self { data, sensitive: false }
    }
}

impl Val {
    /// The type.
    #[must_use]
    pub fn ty(&self) -> Type {
        match &self.data {
            Data::Unknown(ty, _) | Data::Null(ty) => ty.clone(),
            Data::Bool(_) => Type::Bool,
            Data::Number(_) => Type::Number,
            Data::String(_) => Type::String,
            Data::List(item, _) => Type::List(Box::new(item.clone())),
            Data::Set(item, _) => Type::Set(Box::new(item.clone())),
            Data::Map(item, _) => Type::Map(Box::new(item.clone())),
            Data::Tuple(items) => Type::Tuple(items.iter().map(Self::ty).collect()),
            Data::Object(fields) => Type::Object(fields.iter().map(|(name, value)| (name.clone(), value.ty())).collect()),
        }
    }

    /// The literal `null`.
    #[must_use]
    pub fn null() -> Self {
        Data::Null(Type::Any).into()
    }

    /// A text, brought into normal form C as the language does.
    #[must_use]
    pub fn string(text: &str) -> Self {
        use unicode_normalization::UnicodeNormalization as _;
        if unicode_normalization::is_nfc(text) {
            return Data::String(text.into()).into();
        }
        Data::String(text.nfc().collect::<String>().into()).into()
    }

    /// A number.
    #[must_use]
    pub fn number(number: impl Into<Number>) -> Self {
        Data::Number(number.into()).into()
    }

    /// True or false.
    #[must_use]
    pub fn bool(bool: bool) -> Self {
        Data::Bool(bool).into()
    }

    /// A tuple.
    #[must_use]
    pub fn tuple(items: Vec<Self>) -> Self {
        Data::Tuple(Arc::new(items)).into()
    }

    /// An object.
    #[must_use]
    pub fn object(fields: BTreeMap<String, Self>) -> Self {
        Data::Object(Arc::new(fields)).into()
    }

    /// An unknown of a type.
    #[must_use]
    pub fn unknown(ty: Type) -> Self {
        Data::Unknown(ty, None).into()
    }

    /// The same, marked if `sensitive` (a mark is never taken away here).
    #[must_use]
    pub fn marked(mut self, sensitive: bool) -> Self {
        self.sensitive |= sensitive;
        self
    }

    /// The same without any mark, on itself or on a part. Only for computing with it: what comes out must be marked again.
    #[must_use]
    pub fn opened(&self) -> Self {
        if !self.has_sensitive() {
            return self.clone();
        }
        let items = |items: &Arc<Vec<Self>>| Arc::new(items.iter().map(Self::opened).collect());
        let fields = |fields: &Arc<BTreeMap<String, Self>>| Arc::new(fields.iter().map(|(k, v)| (k.clone(), v.opened())).collect());
        Self::from(match &self.data {
            Data::List(ty, of) => Data::List(ty.clone(), items(of)),
            Data::Set(ty, of) => Data::Set(ty.clone(), items(of)),
            Data::Tuple(of) => Data::Tuple(items(of)),
            Data::Map(ty, of) => Data::Map(ty.clone(), fields(of)),
            Data::Object(of) => Data::Object(fields(of)),
            plain => plain.clone(),
        })
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null(_))
    }

    /// Whether it is unknown itself (parts may still be).
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.data, Data::Unknown(..))
    }

    /// Its parts, for walks over all of them.
    pub fn parts(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match &self.data {
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => Box::new(items.iter()),
            Data::Map(_, fields) | Data::Object(fields) => Box::new(fields.values()),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Whether it, or some part, is unknown.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.is_unknown() || self.parts().any(Self::has_unknown)
    }

    /// Whether it, or some part, is sensitive.
    #[must_use]
    pub fn has_sensitive(&self) -> bool {
        self.sensitive || self.parts().any(Self::has_sensitive)
    }
}

impl std::fmt::Debug for Val {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.sensitive { f.write_str("(sensitive value)") } else { self.data.fmt(f) }
    }
}
