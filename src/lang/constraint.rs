//! Type constraints, and the conversion of values to them.
//!
//! Invariant: what `apply` gives has the constraint's type, sensitive parts stay sensitive, and nothing that is unknown
//! becomes known. A failure names the offending part by its path. Reading a constraint from a text is not done here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::types::{number_of, set_of, text_of, unify};
use super::value::{Data, Val};
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
    fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    fn within(mut self, step: &str) -> Self {
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

    /// Fills in what is absent and optional, and converts.
    ///
    /// # Errors
    /// If the value, or a part of it, does not fit.
    pub fn apply(&self, value: &Val) -> Result<Val, ConvertError> {
        Ok(self.apply_open(value)?.marked(value.sensitive))
    }

    /// The same without regard for the mark on the value itself.
    fn apply_open(&self, value: &Val) -> Result<Val, ConvertError> {
        match &value.data {
            _ if matches!(self, Self::Any) => Ok(Val::from(value.data.clone())),
            Data::Unknown(from, origin) => Ok(Data::Unknown(self.result(from)?, origin.clone()).into()),
            Data::Null(from) => Ok(Data::Null(self.result(from)?).into()),
            known => self.apply_known(known),
        }
    }

    /// The type that a value of type `from` has afterwards, as far as types tell.
    ///
    /// # Errors
    /// If no value of that type fits.
    pub fn result(&self, from: &Type) -> Result<Type, ConvertError> {
        let all = |want: &Self, items: &mut dyn Iterator<Item = &Type>| -> Result<Box<Type>, ConvertError> {
            let items = items.map(|item| want.result(item)).collect::<Result<Vec<_>, _>>()?;
            let common = if items.is_empty() { Some(want.ty()) } else { unify(&items) };
            common.map(Box::new).ok_or_else(|| self.misfit(from))
        };
        Ok(match (self, from) {
            (Self::Any, _) => from.clone(),
            (_, Type::Any) => self.ty(),
            (Self::Bool, Type::Bool | Type::String) => Type::Bool,
            (Self::Number, Type::Number | Type::String) => Type::Number,
            (Self::String, Type::Bool | Type::Number | Type::String) => Type::String,
            (Self::List(want), Type::List(item) | Type::Set(item)) => Type::List(Box::new(want.result(item)?)),
            (Self::Set(want), Type::List(item) | Type::Set(item)) => Type::Set(Box::new(want.result(item)?)),
            (Self::Map(want), Type::Map(item)) => Type::Map(Box::new(want.result(item)?)),
            (Self::List(want), Type::Tuple(items)) => Type::List(all(want, &mut items.iter())?),
            (Self::Set(want), Type::Tuple(items)) => Type::Set(all(want, &mut items.iter())?),
            (Self::Map(want), Type::Object(fields)) => Type::Map(all(want, &mut fields.values())?),
            (Self::Tuple(wants), Type::Tuple(items)) if wants.len() == items.len() => {
                Type::Tuple(wants.iter().zip(items).map(|(want, item)| want.result(item)).collect::<Result<_, _>>()?)
            }
            (Self::Object(wants), Type::Object(_) | Type::Map(_)) => {
                let mut fields = BTreeMap::new();
                for (name, field) in wants {
                    let given = match from {
                        Type::Object(given) => given.get(name),
                        Type::Map(item) => Some(item.as_ref()),
                        _ => None,
                    };
                    let ty = match given {
                        Some(given) => field.constraint.result(given)?,
                        None if field.optional => field.constraint.ty(),
                        None => return Err(self.misfit(from)),
                    };
                    fields.insert(name.clone(), ty);
                }
                Type::Object(fields)
            }
            _ => return Err(self.misfit(from)),
        })
    }

    fn apply_known(&self, value: &Data) -> Result<Val, ConvertError> {
        match (self, value) {
            (Self::Bool, Data::Bool(_)) | (Self::Number, Data::Number(_)) | (Self::String, Data::String(_)) => Ok(value.clone().into()),
            (Self::String, Data::Bool(_) | Data::Number(_)) => {
                text_of(value).map(|text| Val::string(&text)).ok_or_else(|| ConvertError::new("a string is required"))
            }
            (Self::Number, Data::String(text)) => number_of(text).map(Val::number).ok_or_else(|| ConvertError::new("a number is required")),
            (Self::Bool, Data::String(text)) => match text.as_ref() {
                "true" | "1" => Ok(Val::bool(true)),
                "false" | "0" => Ok(Val::bool(false)),
                _ => Err(ConvertError::new("a bool is required: \"true\" or \"false\"")),
            },
            (Self::List(item), Data::Tuple(items) | Data::List(_, items) | Data::Set(_, items)) => {
                let (ty, items) = uniform(item, items.iter().enumerate().map(|(at, value)| (format!("[{at}]"), value)))?;
                Ok(Data::List(ty, Arc::new(items)).into())
            }
            (Self::Set(item), Data::Tuple(items) | Data::List(_, items) | Data::Set(_, items)) => {
                let (ty, items) = uniform(item, items.iter().enumerate().map(|(at, value)| (format!("[{at}]"), value)))?;
                Ok(set_of(ty, items))
            }
            (Self::Map(item), Data::Object(fields) | Data::Map(_, fields)) => {
                let (ty, items) = uniform(item, fields.iter().map(|(name, value)| (step(name), value)))?;
                Ok(Data::Map(ty, Arc::new(fields.keys().cloned().zip(items).collect())).into())
            }
            (Self::Tuple(wanted), Data::Tuple(items)) if wanted.len() == items.len() => {
                let apply = |(at, (want, item)): (usize, (&Self, &Val))| want.apply(item).map_err(|e| e.within(&format!("[{at}]")));
                Ok(Val::tuple(wanted.iter().zip(items.iter()).enumerate().map(apply).collect::<Result<_, _>>()?))
            }
            (Self::Object(wanted), Data::Object(given) | Data::Map(_, given)) => {
                let fields = wanted.iter().map(|(name, field)| Ok::<_, ConvertError>((name.clone(), field.apply(name, given.get(name))?)));
                Ok(Val::object(fields.collect::<Result<_, _>>()?))
            }
            _ => Err(self.misfit(&Val::from(value.clone()).ty())),
        }
    }

    fn misfit(&self, from: &Type) -> ConvertError {
        let article = |ty: &Type| match ty {
            Type::Any => "any value".to_owned(),
            Type::Object(_) => "an object".to_owned(),
            Type::Tuple(_) => "a tuple".to_owned(),
            other => format!("a {other}"),
        };
        ConvertError::new(match (self, from) {
            (Self::Tuple(wanted), Type::Tuple(given)) if wanted.len() != given.len() => {
                format!("a tuple of length {} is required, not of {}", wanted.len(), given.len())
            }
            (Self::Tuple(wanted), _) => format!("a tuple of length {} is required", wanted.len()),
            (Self::Object(wanted), Type::Object(given)) => wanted
                .iter()
                .find(|(name, field)| !field.optional && !given.contains_key(*name))
                .map_or_else(|| "an object of other attributes is required".to_owned(), |(name, _)| missing(name)),
            (Self::List(_), Type::Tuple(_)) | (Self::Set(_), Type::Tuple(_) | Type::List(_)) | (Self::Map(_), Type::Object(_)) => {
                format!("{} is required; the elements here have no type in common", article(&self.ty()))
            }
            _ => format!("{} is required", article(&self.ty())),
        })
    }
}

impl Field {
    fn apply(&self, name: &str, value: Option<&Val>) -> Result<Val, ConvertError> {
        let absent = value.is_none_or(Val::is_null);
        let sensitive = value.is_some_and(|value| value.sensitive);
        match (&self.default, value) {
            (Some(default), _) if absent => self.constraint.apply(default).map(|value| value.marked(sensitive)),
            (_, Some(value)) => self.constraint.apply(value),
            (_, None) if self.optional => Ok(Data::Null(self.constraint.ty()).into()),
            (_, None) => return Err(ConvertError::new(missing(name))),
        }
        .map_err(|error| error.within(&format!(".{name}")))
    }
}

fn missing(name: &str) -> String {
    format!("the attribute \"{name}\" is required")
}

/// How an element of a map or object is written in a path.
fn step(name: &str) -> String {
    format!("[\"{name}\"]")
}

/// Elements brought to one type: each to what is wanted, then all to what they have in common.
fn uniform<'a>(want: &Constraint, items: impl Iterator<Item = (String, &'a Val)>) -> Result<(Type, Vec<Val>), ConvertError> {
    let items = items.map(|(step, item)| want.apply(item).map_err(|error| error.within(&step))).collect::<Result<Vec<_>, _>>()?;
    let mut types: Vec<Type> = items.iter().map(Val::ty).collect();
    types.dedup();
    if types.is_empty() {
        return Ok((want.ty(), items));
    }
    let common = unify(&types).ok_or_else(|| {
        ConvertError::new("all elements must have the same type, and these have none in common; write a tuple or object instead")
    })?;
    if types.len() == 1 && types[0] == common {
        return Ok((common, items));
    }
    let to = Constraint::from(&common);
    let items = items.iter().map(|item| to.apply(item)).collect::<Result<_, _>>()?;
    Ok((common, items))
}

#[cfg(test)]
mod tests {
    use super::super::functions::tests::{json_of, v};
    use super::*;

    fn list(item: Constraint) -> Constraint {
        Constraint::List(Box::new(item))
    }

    fn object(fields: &[(&str, Constraint, bool, Option<&str>)]) -> Constraint {
        let field = |(name, constraint, optional, default): &(&str, Constraint, bool, Option<&str>)| {
            (name.to_string(), Field { constraint: constraint.clone(), optional: *optional, default: default.map(v) })
        };
        Constraint::Object(fields.iter().map(field).collect())
    }

    fn check(constraint: &Constraint, value: &str, expected: Result<&str, &str>) {
        let found = constraint.apply(&v(value)).map(|val| json_of(&val)).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{value}");
    }

    #[test]
    fn primitives() {
        check(&Constraint::Number, "\"5.50\"", Ok("5.5"));
        check(&Constraint::String, "true", Ok("\"true\""));
        check(&Constraint::Bool, "\"1\"", Ok("true"));
        check(&Constraint::Number, "true", Err("a number is required"));
        check(&Constraint::Number, "\"x\"", Err("a number is required"));
        check(&Constraint::String, "null", Ok("null"));
        check(&Constraint::Any, "[1]", Ok("[1]"));
    }

    #[test]
    fn collections() {
        check(&list(Constraint::Any), "[1, \"a\"]", Ok("[\"1\",\"a\"]"));
        check(&Constraint::Set(Box::new(Constraint::Number)), "[3, \"1\", 3]", Ok("[1,3]"));
        check(&Constraint::Map(Box::new(Constraint::Any)), "{\"a\": [1], \"b\": []}", Ok("{\"a\":[1],\"b\":[]}"));
        check(&Constraint::Tuple(vec![Constraint::String]), "[1]", Ok("[\"1\"]"));
        check(&Constraint::Tuple(vec![Constraint::String]), "[1, 2]", Err("a tuple of length 1 is required, not of 2"));
        check(&list(Constraint::String), "{}", Err("a list(string) is required"));
        assert!(list(Constraint::Any).apply(&v("[1, true]")).is_err());
    }

    #[test]
    fn absent_attributes_get_their_defaults() {
        let inner = object(&[("b", Constraint::String, true, Some("\"deep\""))]);
        let outer = object(&[
            ("a", inner, true, Some("{}")),
            ("c", Constraint::Number, true, None),
            ("d", Constraint::Number, true, Some("\"5\"")),
        ]);
        check(&outer, "{}", Ok("{\"a\":{\"b\":\"deep\"},\"c\":null,\"d\":5}"));
        check(&outer, "{\"a\": null, \"d\": null, \"x\": 1}", Ok("{\"a\":{\"b\":\"deep\"},\"c\":null,\"d\":5}"));
        check(&outer, "null", Ok("null"));
    }

    #[test]
    fn errors_name_the_part() {
        let ports = object(&[("ports", list(Constraint::Number), false, None)]);
        check(&ports, "{\"ports\": [1, \"x\"]}", Err(".ports[1]: a number is required"));
        check(&list(ports), "[{\"ports\": []}, {}]", Err("[1]: the attribute \"ports\" is required"));
        let map = Constraint::Map(Box::new(Constraint::Bool));
        check(&map, "{\"a b\": 1}", Err("[\"a b\"]: a bool is required"));
    }

    #[test]
    fn unknowns_get_the_type_and_marks_stay() {
        let strings = list(Constraint::String);
        assert_eq!(strings.apply(&Val::unknown(Type::Any)), Ok(Val::unknown(strings.ty())));
        assert_eq!(strings.apply(&Val::unknown(Type::Tuple(vec![Type::Number]))), Ok(Val::unknown(strings.ty())));
        assert!(strings.apply(&Val::unknown(Type::Number)).is_err());
        let converted = strings.apply(&Val::tuple(vec![Val::number(1_i64).marked(true), Val::number(2_i64)])).unwrap();
        assert_eq!(converted.parts().map(|part| part.sensitive).collect::<Vec<_>>(), [true, false]);
        assert!(strings.apply(&v("[1]").marked(true)).unwrap().sensitive);
        let optional = object(&[("a", Constraint::String, true, None)]);
        assert_eq!(optional.apply(&Val::unknown(Type::Object(BTreeMap::new()))), Ok(Val::unknown(optional.ty())));
    }
}
