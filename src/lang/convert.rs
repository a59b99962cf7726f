//! Conversion between the language's values and the other layers' terms.
//!
//! Invariant: this is the only place of the language where a secret is opened, and what comes of it is marked sensitive
//! again at once. It must not know what the values are for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::constraint::{Constraint, Field};
use super::conversion;
use super::types;
use super::value::{Data, Val};
use dofloat_base::secret::Secret;
use dofloat_base::types::Type;
use dofloat_base::value::{Origin, Term, Value};

/// A value as a term. A sensitive part becomes a secret, or an unknown that will be one.
#[must_use]
pub fn term(value: &Val) -> Term {
    if value.sensitive {
        return if value.has_unknown() {
            Term::Unknown(Origin { sensitive: true, ..origin(value) })
        } else {
            Term::Secret(Secret::new(plain(&value.opened())))
        };
    }
    match &value.data {
        Data::Unknown(..) => Term::Unknown(origin(value)),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => Term::list(items.iter().map(term).collect()),
        Data::Map(_, fields) | Data::Object(fields) => Term::map(fields.iter().map(|(name, value)| (name.clone(), term(value))).collect()),
        _ => Term::Value(plain(value)),
    }
}

/// The same without the attributes that are null, at any depth that the type knows as an object.
#[must_use]
pub fn sparse(value: &Val, ty: &Type) -> Term {
    if value.sensitive || ty == &Type::Any {
        return term(value);
    }
    match (&value.data, ty) {
        (Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items), Type::List(item) | Type::Set(item)) => {
            Term::list(items.iter().map(|value| sparse(value, item)).collect())
        }
        (Data::Map(_, fields), Type::Map(item)) => {
            Term::map(fields.iter().map(|(name, value)| (name.clone(), sparse(value, item))).collect())
        }
        (Data::Object(fields), Type::Object(types)) => {
            let written = fields.iter().filter(|(_, value)| !value.is_null() || value.sensitive);
            Term::map(written.map(|(name, value)| (name.clone(), sparse(value, types.get(name).unwrap_or(&Type::Any)))).collect())
        }
        _ => term(value),
    }
}

fn origin(value: &Val) -> Origin {
    match &value.data {
        Data::Unknown(_, Some(origin)) => (**origin).clone(),
        _ => Origin::default(),
    }
}

/// A known value without marks.
fn plain(value: &Val) -> Value {
    match &value.data {
        Data::Unknown(..) | Data::Null(_) => Value::Null,
        Data::Bool(bool) => Value::Bool(*bool),
        Data::Number(number) => Value::Number(number.clone()),
        Data::String(text) => Value::Str(text.to_string()),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => Value::List(items.iter().map(plain).collect()),
        Data::Map(_, fields) | Data::Object(fields) => {
            Value::Map(fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
    }
}

/// A term as a value of a type. What does not fit the type stays as it looks: this checks nothing.
#[must_use]
pub fn value(term: &Term, ty: &Type) -> Val {
    match (term, ty) {
        (Term::Value(value), _) => typed(value, ty),
        (Term::Secret(secret), _) => typed(secret.expose(), ty).marked(true),
        (Term::Unknown(origin), _) => Val::from(Data::Unknown(ty.clone(), Some(Arc::new(origin.clone())))).marked(origin.sensitive),
        (Term::List(items), Type::List(item)) => {
            Data::List((**item).clone(), Arc::new(items.iter().map(|term| value(term, item)).collect())).into()
        }
        (Term::List(items), Type::Set(item)) => types::set_of((**item).clone(), items.iter().map(|term| value(term, item)).collect()),
        (Term::List(items), Type::Tuple(kinds)) if items.len() == kinds.len() => {
            Val::tuple(items.iter().zip(kinds).map(|(term, ty)| value(term, ty)).collect())
        }
        (Term::List(items), _) => Val::tuple(items.iter().map(|term| value(term, &Type::Any)).collect()),
        (Term::Map(fields), Type::Map(item)) => {
            Data::Map((**item).clone(), Arc::new(fields.iter().map(|(name, term)| (name.clone(), value(term, item))).collect())).into()
        }
        (Term::Map(fields), Type::Object(kinds)) => Val::object(
            kinds.iter().map(|(name, ty)| (name.clone(), fields.get(name).map_or_else(|| null(ty), |term| value(term, ty)))).collect(),
        ),
        (Term::Map(fields), _) => Val::object(fields.iter().map(|(name, term)| (name.clone(), value(term, &Type::Any))).collect()),
    }
}

fn null(ty: &Type) -> Val {
    Data::Null(ty.clone()).into()
}

fn typed(value: &Value, ty: &Type) -> Val {
    match (value, ty) {
        (Value::Null, _) => null(ty),
        (Value::List(items), Type::List(item)) => {
            Data::List((**item).clone(), Arc::new(items.iter().map(|value| typed(value, item)).collect())).into()
        }
        (Value::List(items), Type::Set(item)) => types::set_of((**item).clone(), items.iter().map(|value| typed(value, item)).collect()),
        (Value::List(items), Type::Tuple(kinds)) if items.len() == kinds.len() => {
            Val::tuple(items.iter().zip(kinds).map(|(value, ty)| typed(value, ty)).collect())
        }
        (Value::List(items), _) => Val::tuple(items.iter().map(|value| typed(value, &Type::Any)).collect()),
        (Value::Map(fields), Type::Map(item)) => {
            Data::Map((**item).clone(), Arc::new(fields.iter().map(|(name, value)| (name.clone(), typed(value, item))).collect())).into()
        }
        (Value::Map(fields), Type::Object(kinds)) => Val::object(
            kinds.iter().map(|(name, ty)| (name.clone(), fields.get(name).map_or_else(|| null(ty), |value| typed(value, ty)))).collect(),
        ),
        (Value::Map(fields), _) => Val::object(fields.iter().map(|(name, value)| (name.clone(), typed(value, &Type::Any))).collect()),
        (Value::Bool(bool), _) => scalar(Val::bool(*bool), ty),
        (Value::Number(number), _) => scalar(Val::number(number.clone()), ty),
        (Value::Str(text), _) => scalar(Val::string(text), ty),
    }
}

fn scalar(value: Val, ty: &Type) -> Val {
    if value.ty() == *ty { value } else { conversion::convert(&value, ty).unwrap_or(value) }
}

/// The constraint of a resource's argument: its type, every attribute of an object optional.
#[must_use]
pub fn lenient(ty: &Type) -> Constraint {
    match ty {
        Type::List(item) => Constraint::List(Box::new(lenient(item))),
        Type::Set(item) => Constraint::Set(Box::new(lenient(item))),
        Type::Map(item) => Constraint::Map(Box::new(lenient(item))),
        Type::Tuple(items) => Constraint::Tuple(items.iter().map(lenient).collect()),
        Type::Object(fields) => Constraint::Object(
            fields
                .iter()
                .map(|(name, ty)| (name.clone(), Field { constraint: lenient(ty), optional: true, default: None }))
                .collect::<BTreeMap<_, _>>(),
        ),
        other => Constraint::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(items: &[(&str, Val)]) -> Val {
        Val::object(items.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn a_sensitive_part_becomes_a_secret_and_comes_back_sensitive() {
        let ty = Type::Object(BTreeMap::from([("open".to_owned(), Type::Number), ("shut".to_owned(), Type::String)]));
        let value_before = fields(&[("open", Val::number(1_i64)), ("shut", Val::string("s3cret").marked(true))]);
        let term = term(&value_before);
        assert!(!format!("{term:?}").contains("s3cret"), "{term:?}");
        assert!(term.has_secret());
        assert_eq!(value(&term, &ty), value_before);
    }

    #[test]
    fn what_is_absent_is_null_of_its_type() {
        let ty = Type::Object(BTreeMap::from([("a".to_owned(), Type::List(Box::new(Type::String)))]));
        let back = value(&Term::Value(Value::Map(BTreeMap::new())), &ty);
        assert_eq!(back, fields(&[("a", Data::Null(Type::List(Box::new(Type::String))).into())]));
        assert_eq!(sparse(&back, &ty), Term::Value(Value::Map(BTreeMap::new())));
    }

    #[test]
    fn an_unknown_keeps_where_it_comes_from() {
        let origin = Origin { path: "id".to_owned(), sensitive: true, ..Origin::default() };
        let there = value(&Term::Unknown(origin.clone()), &Type::String);
        assert!(there.sensitive);
        assert_eq!(term(&there), Term::Unknown(origin));
    }
}
