//! Values as documents for machines have them: an object with every attribute of its kind, and trees that say which parts are
//! sensitive or not known.
//!
//! Invariant: pure; a value that is sensitive or not known is left out of its object, and is null in a list. What is not set is null,
//! so that whoever reads a document can tell it from what is left out.

use std::borrow::Cow;

use serde_json::{Map, Value as Json, json};

use dofloat_base::value::{Body, Value};
use dofloat_engine::change::Shown;
use dofloat_kinds::attr::{Attr, Secrecy, Ty};

/// The attributes of an object, with what is not set.
#[must_use]
pub fn object(shown: &Shown, rows: &[Attr]) -> Json {
    match &*opened(shown) {
        Shown::Map(entries) => {
            let unset =
                rows.iter().filter(|row| row.secrecy == Secrecy::Open && matches!(entries.get(row.name), None | Some(Shown::Absent)));
            let mut json: Map<String, Json> =
                unset.map(|row| (row.name.to_owned(), if row.block && row.name != "timeouts" { json!([]) } else { Json::Null })).collect();
            for (name, entry) in entries.iter().filter(|(_, entry)| !matches!(entry, Shown::Sensitive | Shown::Unknown | Shown::Absent)) {
                let ty = rows.iter().find(|row| row.name == name).map(|row| row.ty);
                json.insert(name.clone(), value(entry, ty));
            }
            json.into()
        }
        shown => value(shown, None),
    }
}

/// A remembered object.
#[must_use]
pub fn body(body: &Body, rows: &[Attr]) -> Json {
    object(&map(body), rows)
}

/// Remembered attributes as a value that may be shown.
#[must_use]
pub fn map(body: &Body) -> Shown {
    Shown::Map(body.iter().map(|(name, value)| (name.clone(), Shown::Value(value.clone()))).collect())
}

/// A value as far as it may be shown; its type says what an object in it could hold.
#[must_use]
pub fn value(shown: &Shown, ty: Option<Ty>) -> Json {
    let shown = opened(shown);
    match (&*shown, ty) {
        (Shown::Absent | Shown::Sensitive | Shown::Unknown, _) => Json::Null,
        (Shown::Value(value), _) => value.to_json(),
        (Shown::Map(_), Some(Ty::Object(rows))) => object(&shown, rows),
        (Shown::Map(entries), ty) => {
            let item = if let Some(Ty::Map(item)) = ty { Some(*item) } else { None };
            let open = entries.iter().filter(|(_, entry)| !matches!(entry, Shown::Sensitive | Shown::Unknown | Shown::Absent));
            open.map(|(name, entry)| (name.clone(), value(entry, item))).collect::<Map<_, _>>().into()
        }
        (Shown::List(items), ty) => {
            let item = if let Some(Ty::List(item) | Ty::Set(item)) = ty { Some(*item) } else { None };
            items.iter().map(|entry| value(entry, item)).collect()
        }
    }
}

/// A tree of the same shape with `true` where the value is of a kind; in maps only such parts are named.
#[must_use]
pub fn tree(shown: &Shown, kind: &Shown) -> Json {
    match shown {
        shown if shown == kind => json!(true),
        Shown::List(items) => items.iter().map(|item| tree(item, kind)).collect(),
        Shown::Map(entries) => entries
            .iter()
            .filter(|(_, entry)| has(entry, kind) || is_composite(entry))
            .map(|(name, entry)| (name.clone(), tree(entry, kind)))
            .collect::<Map<_, _>>()
            .into(),
        Shown::Value(Value::List(_) | Value::Map(_)) => tree(&opened(shown), kind),
        _ => json!(false),
    }
}

/// Whether a part is of a kind.
#[must_use]
pub fn has(shown: &Shown, kind: &Shown) -> bool {
    match shown {
        Shown::List(items) => items.iter().any(|item| has(item, kind)),
        Shown::Map(entries) => entries.values().any(|entry| has(entry, kind)),
        shown => shown == kind,
    }
}

/// Terraform names lists and objects in these trees, whatever is in them.
fn is_composite(shown: &Shown) -> bool {
    matches!(shown, Shown::List(_) | Shown::Map(_) | Shown::Value(Value::List(_) | Value::Map(_)))
}

/// A list or map with its parts apart.
fn opened(shown: &Shown) -> Cow<'_, Shown> {
    match shown {
        Shown::Value(Value::List(items)) => Cow::Owned(Shown::List(items.iter().cloned().map(Shown::Value).collect())),
        Shown::Value(Value::Map(entries)) => {
            Cow::Owned(Shown::Map(entries.iter().map(|(name, value)| (name.clone(), Shown::Value(value.clone()))).collect()))
        }
        shown => Cow::Borrowed(shown),
    }
}
