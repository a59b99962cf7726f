//! Endpoints of the content delivery network, each before a Space.
//!
//! Invariant: certificates are named as the official provider names them; the API knows them by a uuid that changes.

use serde_json::{Map, Value as Json, json};

use super::attr::{Attr, CREATED_AT, Change, Ty};
use super::certificate::Names;
use super::compare::or_empty;
use super::complaints::Complaints;
use super::erased::Fut;
use super::form;
use super::plain::{Collection, Hooks, Plain, Taken, UPDATE, Unique, Update};
use super::valid::Valid;
use dofloat_api::client::Client;
use dofloat_base::value::{Body, Term, Value};

const CHANGED: Change = Change::InPlace(UPDATE);

/// `digitalocean_cdn`.
pub(crate) static CDN: Plain = Plain {
    name: "digitalocean_cdn",
    noun: "CDN endpoint",
    at: Collection { path: "/cdn/endpoints", one: "endpoint", many: "endpoints", id: "id", key: None },
    update: Update::Put,
    unique: &[Unique { attrs: &["origin"], noun: "origin", taken: Taken::Refuse }],
    attrs: &[
        Attr::computed("id", Ty::String, "The endpoint's uuid."),
        Attr::required("origin", Ty::String, Change::Replace, "The domain name of the Space that it serves.")
            .valid(Valid::Asked(form::domain_name, "It looks like `bucket.nyc3.digitaloceanspaces.com`.")),
        Attr::chosen("ttl", Ty::Number, CHANGED, "For how many seconds it keeps an answer: 60, 600, 3600, 86400 or 604800.")
            .valid(Valid::OneOfNumbers(&[60, 600, 3600, 86400, 604_800])),
        or_empty(Attr::optional("custom_domain", Ty::String, CHANGED, "A name of your own for it; it needs a certificate."))
            .valid(Valid::Form(|text| text.is_empty() || form::domain_name(text), "It looks like `static.example.com`.")),
        Attr::chosen("certificate_name", Ty::String, CHANGED, "The name of the certificate of the custom domain.")
            .names(&["digitalocean_certificate"], &["name", "id"])
            .follows(&[UPDATE])
            .scopes(&["certificate:read"]),
        Attr::chosen("certificate_id", Ty::String, CHANGED, "The same certificate; `certificate_name` is to be preferred.")
            .follows(&[UPDATE])
            .scopes(&["certificate:read"]),
        Attr::computed("endpoint", Ty::String, "The domain name from which it serves."),
        CREATED_AT,
    ],
    hooks: Hooks { check, sent: Some(sent), seen: Some(seen), ..Hooks::NONE },
    ..Plain::NOTHING
};

fn check(body: &Term, complaints: &mut Complaints) {
    let is_set = |name: &str| !matches!(body.get(name), Term::Value(Value::Null)) && body.get(name) != "".into();
    for name in ["certificate_name", "certificate_id"] {
        if is_set(name) && !is_set("custom_domain") {
            complaints.error(&[name], format!("`{name}` is of the custom domain, and there is none."), "Add `custom_domain`.");
        }
    }
}

/// A certificate goes by its uuid; without a domain of its own there is none.
fn sent<'a>(api: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    Box::pin(async move {
        let name = fields.remove("certificate_name").or_else(|| fields.get("certificate_id").cloned());
        if let Some(name) = name.as_ref().and_then(Json::as_str).filter(|name| !name.is_empty()) {
            fields.insert("certificate_id".to_owned(), json!(Names::of(api).await?.id(name)?));
        }
        if fields.get("custom_domain").is_some_and(|domain| domain == "") {
            fields.insert("certificate_id".to_owned(), json!(""));
        }
        Ok(())
    })
}

/// Both attributes show the certificate's name, as with the official provider.
fn seen<'a>(api: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    Box::pin(async move {
        let id = |body: &Body| body.get("certificate_id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
        let names = if bodies.iter().any(|body| id(body).is_some()) { Some(Names::of(api).await?) } else { None };
        for body in bodies {
            let name = id(body).map(|id| names.as_ref().map_or(id.as_str(), |names| names.name(&id)).to_owned()).unwrap_or_default();
            body.insert("certificate_id".to_owned(), name.as_str().into());
            body.insert("certificate_name".to_owned(), name.into());
        }
        Ok(())
    })
}
