//! From an object as the API shows it to a record with the attributes of a table.
//!
//! Invariant: pure. What the API leaves out or says null of is the type's own nothing (`""`, 0, false, none), as the official
//! provider has it; the stacks' marks are no tags of the user's.

use serde_json::{Value as Json, json};

use crate::attr::{Attr, Ty};
use crate::erased::is_mark;
use dofloat_api::error::ApiError;
use dofloat_base::value::{Body, Value};

/// Where an attribute is found whose field has another name.
pub(super) enum From {
    /// At this JSON pointer.
    At(&'static str),
    /// It follows from the whole object.
    Of(fn(&Json) -> Json),
}

/// The record of an object.
///
/// # Errors
/// If a field is left out that takes a scope to be seen.
pub(super) fn record(rows: &[Attr], from: &[(&str, From)], object: &Json) -> Result<Body, ApiError> {
    let field = |row: &Attr| match from.iter().find(|(name, _)| *name == row.name) {
        Some((_, From::At(pointer))) => object.pointer(pointer).cloned(),
        Some((_, From::Of(make))) => Some(make(object)),
        None => object.get(row.name).cloned(),
    };
    rows.iter()
        .map(|row| {
            let found = field(row);
            if let (None, Some(&scope)) = (&found, row.read_scopes.first()) {
                let name = object.get("name").and_then(Json::as_str).unwrap_or_default();
                return Err(ApiError::Unseen { what: format!("`{}` of `{name}`", row.name), scope });
            }
            let mut json = fitted(row.ty, found.as_ref());
            if let (true, Some(tags)) = (row.name == "tags", json.as_array_mut()) {
                tags.retain(|tag| !tag.as_str().is_some_and(is_mark));
            }
            Ok((row.name.to_owned(), Value::from_json(&json)))
        })
        .collect()
}

/// A field in the form of its type.
pub(super) fn fitted(ty: Ty, field: Option<&Json>) -> Json {
    match (ty, field.filter(|field| !field.is_null())) {
        (Ty::String, None) => json!(""),
        (Ty::Number, None) => json!(0),
        (Ty::Bool, None) => json!(false),
        (Ty::List(_) | Ty::Set(_), None) => json!([]),
        (Ty::Map(_), None) => json!({}),
        (_, None) => Json::Null,
        (Ty::String, Some(Json::Number(number))) => json!(number.to_string()),
        (Ty::Number, Some(Json::String(text))) => text.parse::<serde_json::Number>().map_or(json!(0), Json::Number),
        (Ty::List(item) | Ty::Set(item), Some(Json::Array(items))) => items.iter().map(|one| fitted(*item, Some(one))).collect(),
        // One object where the provider has a list of at most one.
        (Ty::List(item) | Ty::Set(item), Some(one @ Json::Object(_))) => json!([fitted(*item, Some(one))]),
        (Ty::Object(rows), Some(object)) => {
            rows.iter().map(|row| (row.name.to_owned(), fitted(row.ty, object.get(row.name)))).collect::<serde_json::Map<_, _>>().into()
        }
        (_, Some(field)) => field.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VRAM: &[Attr] = &[Attr::computed("amount", Ty::Number, "How much.")];

    #[test]
    fn a_record_has_every_attribute_of_its_table() {
        const ROWS: &[Attr] = &[
            Attr::computed("id", Ty::String, "Its number."),
            Attr::computed("slug", Ty::String, "Its slug."),
            Attr::computed("region", Ty::String, "Its region."),
            Attr::computed("urn", Ty::String, "Its name."),
            Attr::computed("tags", Ty::Set(&Ty::String), "Its tags.").read_scopes(&["tag:read"]),
            Attr::computed("vram", Ty::List(&Ty::Object(VRAM)), "Its memory."),
            Attr::computed("price", Ty::Number, "Its price."),
        ];
        let from = [("region", From::At("/region/slug")), ("urn", From::Of(|object| json!(format!("do:x:{}", object["id"]))))];
        let object = json!({
            "id": 7, "slug": null, "region": {"slug": "nyc3"}, "tags": ["web", "dofloat:web-1"], "vram": {"amount": 2}, "extra": 1,
        });
        let expected = json!({
            "id": "7", "slug": "", "region": "nyc3", "urn": "do:x:7", "tags": ["web"], "vram": [{"amount": 2}], "price": 0,
        });
        assert_eq!(Value::Map(record(ROWS, &from, &object).unwrap()), Value::from_json(&expected));
        let error = record(ROWS, &from, &json!({"id": 7, "name": "web"})).unwrap_err();
        assert_eq!(error.to_string(), "the answer leaves out `tags` of `web`: the token lacks the scope `tag:read`");
    }
}
