//! Tags of objects that can carry them, put on and taken off one by one.
//!
//! Invariant: only the tags that differ are touched; a tag that is not there is made. It knows no kind but by the API's word for it.

use serde_json::json;

use super::attr::{Attr, Change, Ty};
use super::compare::TAGS;
use super::form;
use super::valid::Valid;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};

/// The attribute `tags` of what is tagged by requests of its own.
pub(crate) const ROW: Attr = Attr::optional("tags", Ty::Set(&Ty::String), Change::InPlace("tags"), "Its tags.")
    .compare(TAGS)
    .valid(Valid::Form(form::tag, super::tag::ALPHABET))
    .scopes(&["tag:create", "tag:delete"])
    .read_scopes(&["tag:read"]);

/// Gives an object of a type of resource (`droplet`) the tags that are wanted in place of those that were seen.
///
/// # Errors
/// If the API refuses.
pub(crate) async fn change(api: &Client, resource: &str, id: &Id, wanted: &[String], seen: &[String]) -> Result<(), ApiError> {
    let has = |tags: &[String], tag: &str| tags.iter().any(|other| other.eq_ignore_ascii_case(tag));
    let body = json!({"resources": [{"resource_id": id.0, "resource_type": resource}]});
    let path = |tag: &str| format!("/tags/{}/resources", segment(tag));
    // Two spellings are one tag, which goes by the first.
    let first = |at: usize, tag: &str| !has(&wanted[..at], tag);
    for (_, tag) in wanted.iter().enumerate().filter(|(at, tag)| first(*at, tag) && !has(seen, tag)) {
        match api.repeatable_post(&path(tag), &body).await {
            Err(error) if error.is_not_found() => {
                api.repeatable_post("/tags", &json!({"name": tag})).await?;
                api.repeatable_post(&path(tag), &body).await?;
            }
            other => other?,
        }
    }
    for tag in seen.iter().filter(|tag| !has(wanted, tag)) {
        api.delete_with(&path(tag), &body).await?;
    }
    Ok(())
}

/// The texts of a list of a body.
pub(crate) fn texts(body: &Body, name: &str) -> Vec<String> {
    let items = body.get(name).and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
