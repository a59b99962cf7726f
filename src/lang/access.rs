//! Attributes, indexes and keys: getting at the parts of values.
//!
//! Invariant: a part of a sensitive value is sensitive; of an unknown value only the type is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::conversion;
use super::error::{EvalError, Outcome, error_at, kind_of, suggest};
use super::types;
use super::value::{Data, Val};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;
use dofloat_base::value::Origin;

/// `value.name`.
///
/// # Errors
/// If there is no such attribute.
pub fn attr(value: &Val, name: &str, span: &Span) -> Outcome {
    let found = match &value.data {
        Data::Object(fields) => match fields.get(name) {
            Some(found) => found.clone(),
            None => return Err(no_attr(name, fields.keys().map(String::as_str), span)),
        },
        Data::Map(_, fields) => match fields.get(name) {
            Some(found) => found.clone(),
            None if value.sensitive => return Err(error_at(span, format!("This map has no element \"{name}\"."))),
            None => {
                let error = Diagnostic::error(format!("This map has no element \"{name}\".")).at(span.clone());
                return Err(suggest(error, name, fields.keys().map(String::as_str)));
            }
        },
        Data::Unknown(Type::Object(fields), origin) => match fields.get(name) {
            Some(ty) => Data::Unknown(ty.clone(), below(origin.as_ref(), name)).into(),
            None => return Err(no_attr(name, fields.keys().map(String::as_str), span)),
        },
        Data::Unknown(Type::Map(item), _) => Val::unknown((**item).clone()),
        Data::Unknown(Type::Any, _) => Val::unknown(Type::Any),
        Data::Null(_) => return Err(error_at(span, format!("The value is null, so it has no attribute \"{name}\"."))),
        Data::List(..) | Data::Set(..) | Data::Tuple(_) | Data::Unknown(Type::List(_) | Type::Set(_) | Type::Tuple(_), _) => {
            let error = Diagnostic::error(format!(
                "The value is {}, which has no attributes; \"{name}\" is one of its elements' perhaps.",
                kind_of(value)
            ));
            let hint = match &value.data {
                Data::Set(..) | Data::Unknown(Type::Set(_), _) => {
                    format!("Use `[*].{name}` for all elements, or `one(…)` for the only one.")
                }
                _ => format!("Use `[0].{name}` for one element or `[*].{name}` for all."),
            };
            return Err(Box::new(error.at(span.clone()).hint(hint)));
        }
        _ => return Err(error_at(span, format!("The value is {}, which has no attributes.", kind_of(value)))),
    };
    Ok(found.marked(value.sensitive))
}

fn below(origin: Option<&Arc<Origin>>, name: &str) -> Option<Arc<Origin>> {
    origin.map(|origin| {
        let path = if origin.path.is_empty() { name.to_owned() } else { format!("{}.{name}", origin.path) };
        Arc::new(Origin { path, ..(**origin).clone() })
    })
}

fn no_attr<'a>(name: &str, known: impl Iterator<Item = &'a str>, span: &Span) -> EvalError {
    suggest(Diagnostic::error(format!("This object has no attribute \"{name}\".")).at(span.clone()), name, known)
}

/// `value[key]`.
///
/// # Errors
/// If there is no such element.
pub fn index(value: &Val, key: &Val, span: &Span) -> Outcome {
    if value.is_null() {
        return Err(error_at(span, "The value is null, so it has no elements."));
    }
    if key.is_null() {
        return Err(error_at(span, "The index is null."));
    }
    let secret = value.sensitive || key.sensitive;
    let found = match &value.data {
        Data::Unknown(ty, origin) => of_unknown(ty, origin.as_ref(), key, span, secret)?,
        _ => of_known(value, key, span, secret)?,
    };
    Ok(found.marked(secret))
}

/// An element of a value that is known.
fn of_known(value: &Val, key: &Val, span: &Span, secret: bool) -> Outcome {
    let field = |what: &str, fields: &BTreeMap<String, Val>, name: &str| {
        fields.get(name).cloned().ok_or_else(|| no_element(what, name, fields.keys().map(String::as_str), span, secret))
    };
    match &value.data {
        Data::List(item, items) => {
            Ok(position(key, items.len(), span, secret)?.map_or_else(|| Val::unknown(item.clone()), |at| items[at].clone()))
        }
        Data::Tuple(items) => Ok(position(key, items.len(), span, secret)?.map_or_else(|| Val::unknown(Type::Any), |at| items[at].clone())),
        Data::Map(item, fields) => key_text(key, span)?.map_or_else(|| Ok(Val::unknown(item.clone())), |name| field("map", fields, &name)),
        Data::Object(fields) => key_text(key, span)?.map_or_else(|| Ok(Val::unknown(Type::Any)), |name| field("object", fields, &name)),
        Data::Set(..) => Err(no_order(span)),
        _ => Err(no_elements(value, span)),
    }
}

/// An element of a value of which the type is known at most.
fn of_unknown(ty: &Type, origin: Option<&Arc<Origin>>, key: &Val, span: &Span, secret: bool) -> Outcome {
    let element = match ty {
        Type::Any => Type::Any,
        Type::List(item) => {
            position(key, usize::MAX, span, secret)?;
            (**item).clone()
        }
        Type::Tuple(items) => position(key, items.len(), span, secret)?.map_or(Type::Any, |at| items[at].clone()),
        Type::Map(item) => {
            key_text(key, span)?;
            (**item).clone()
        }
        Type::Object(fields) => {
            let Some(name) = key_text(key, span)? else { return Ok(Val::unknown(Type::Any)) };
            let Some(ty) = fields.get(&name) else {
                return Err(no_element("object", &name, fields.keys().map(String::as_str), span, secret));
            };
            return Ok(Data::Unknown(ty.clone(), below(origin, &name)).into());
        }
        Type::Set(_) => return Err(no_order(span)),
        _ => return Err(no_elements(&Val::unknown(ty.clone()), span)),
    };
    Ok(Val::unknown(element))
}

fn no_order(span: &Span) -> EvalError {
    Box::new(
        Diagnostic::error("A set has no order, so its elements have no index.")
            .at(span.clone())
            .hint("Use `tolist(…)`, `one(…)` or a `for` expression."),
    )
}

fn no_elements(value: &Val, span: &Span) -> EvalError {
    error_at(span, format!("The value is {}, which has no elements.", kind_of(value)))
}

fn no_element<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>, span: &Span, secret: bool) -> EvalError {
    if secret {
        return error_at(span, format!("This {what} has no element of that name."));
    }
    suggest(Diagnostic::error(format!("This {what} has no element \"{name}\".")).at(span.clone()), name, known)
}

/// The place in a list; nothing if it is unknown.
fn position(key: &Val, length: usize, span: &Span, secret: bool) -> Result<Option<usize>, EvalError> {
    if matches!(key.data, Data::Bool(_)) {
        return Err(error_at(span, "The index must be a number, not a bool."));
    }
    let number = conversion::convert(key, &Type::Number)
        .map_err(|_| error_at(span, format!("The index must be a number, not {}.", kind_of(key))))?;
    let Data::Number(number) = &number.data else { return Ok(None) };
    let at = number.as_u64().and_then(|at| usize::try_from(at).ok());
    match at {
        Some(at) if at < length => Ok(Some(at)),
        _ if secret => Err(error_at(span, "The index is out of range.")),
        Some(at) => Err(error_at(span, format!("The index {at} is out of range: there {}.", count(length)))),
        None => Err(error_at(span, format!("The index {number} is not a whole number of at least 0."))),
    }
}

fn count(length: usize) -> String {
    match length {
        0 => "are no elements".to_owned(),
        1 => "is 1 element".to_owned(),
        n => format!("are {n} elements"),
    }
}

/// A value as the key of a map or object; nothing if it is unknown.
///
/// # Errors
/// If it is null, or no text can be made of it.
pub fn key_text(key: &Val, span: &Span) -> Result<Option<String>, EvalError> {
    match &key.data {
        Data::Null(_) => Err(error_at(span, "A key must not be null.")),
        Data::Unknown(ty, _) if conversion::convertible(ty, &Type::String).is_some() => Ok(None),
        data => match types::text_of(data) {
            Some(text) => Ok(Some(text)),
            None => Err(error_at(span, format!("A key must be a string, not {}.", kind_of(key)))),
        },
    }
}
