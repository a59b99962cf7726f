//! Apps of the App Platform: what they are made of stands in one block, and each change of it is a deployment.
//!
//! Invariant: an app is there once a deployment of it is active; one that failed is told with its reason. What is secret in its block is
//! never given back by the API in the clear, so it is compared with what was sent.

mod components;
mod deployment;
mod spec;

use serde_json::{Map, Value as Json, json};

use super::attr::{AWAIT_READY, Attr, CREATED_AT, Change, EditName, TIMEOUTS, Ty, URN};
use super::complaints::{self, Complaints};
use super::erased::{Fut, Scopes};
use super::plain::{Collection, Hooks, Plain, Ready, Taken, Unique};
use super::{no_edit, vpc};
use dofloat_api::client::{Client, segment};
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

use components::DEPLOY;

/// `digitalocean_app`.
pub(crate) static APP: Plain = Plain {
    name: "digitalocean_app",
    noun: "app",
    scopes: Scopes {
        read: &["app:read"],
        create: &["app:create", "app:read"],
        update: &["app:update", "app:read"],
        delete: &["app:delete"],
    },
    at: Collection { path: "/apps", one: "app", many: "apps", id: "id", key: None },
    unique: &[Unique { attrs: &["spec.name"], noun: "name", taken: Taken::Refuse }],
    ready: Some(Ready { attr: "", is: &[], never: &[], limit: deployment::LIMIT }),
    urn: "app",
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The app's uuid."),
        Attr::required("spec", Ty::List(&Ty::Object(spec::ROWS)), Change::InPlace(DEPLOY), "What it is made of.").single(),
        Attr::chosen("project_id", Ty::String, Change::Replace, "The project that it lies in.").names(&["digitalocean_project"], &["id"]),
        TIMEOUTS,
        Attr::computed("default_ingress", Ty::String, "Its first URL.").follows(&[AWAIT_READY, DEPLOY]),
        Attr::computed("live_url", Ty::String, "Its URL.").follows(&[AWAIT_READY, DEPLOY]),
        Attr::computed("live_domain", Ty::String, "The domain name of its URL.").follows(&[AWAIT_READY, DEPLOY]),
        Attr::computed("active_deployment_id", Ty::String, "The deployment that is at work.")
            .at("/active_deployment/id")
            .follows(&[AWAIT_READY, DEPLOY])
            .volatile(),
        Attr::computed("dedicated_ips", Ty::List(&Ty::Object(IPS)), "The addresses that are its own.").follows(&[AWAIT_READY, DEPLOY]),
        URN,
        CREATED_AT,
        Attr::computed("updated_at", Ty::String, "When it was changed.").follows(&[AWAIT_READY, DEPLOY]).volatile(),
    ],
    hooks: Hooks {
        check,
        sent: Some(sent),
        seen: Some(seen),
        after_create: Some(deployment::first),
        yet: deployment::yet,
        creation_failed: Some(deployment::has_failed),
        edit: Some(edit),
        ..Hooks::NONE
    },
    ..Plain::NOTHING
};

const IPS: &[Attr] = &[
    Attr::computed("ip", Ty::String, "The address."),
    Attr::computed("id", Ty::String, "Its uuid."),
    Attr::computed("status", Ty::String, "UNKNOWN, ASSIGNING, ASSIGNED or REMOVED."),
];

/// The sources of which a component has one.
const SOURCES: [&str; 5] = ["git", "github", "gitlab", "bitbucket", "image"];

fn check(body: &Term, complaints: &mut Complaints) {
    let is_set = |term: &Term, name: &str| term.get(name).items().is_some_and(|items| !items.is_empty());
    for spec in complaints::items(body, "spec") {
        if is_set(&spec, "domain") && is_set(&spec, "domains") {
            complaints.error(&["spec", "0", "domains"], "`domain` and `domains` exclude each other.", "Keep the blocks `domain`.");
        }
        for component in ["service", "static_site", "worker", "job", "function"] {
            for (at, item) in complaints::items(&spec, component).iter().enumerate() {
                let given: Vec<&str> = SOURCES.into_iter().filter(|source| is_set(item, source)).collect();
                if let [first, second, ..] = given.as_slice() {
                    let message = format!("A {component} has one source, and not both `{first}` and `{second}`.");
                    complaints.error(&["spec", "0", component, &at.to_string(), second], message, "Remove one of them.");
                }
            }
        }
    }
}

/// Domains that are written as names alone are sent as domains.
fn sent<'a>(_: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    if let Some(Json::Object(fields)) = fields.get_mut("spec")
        && let Some(Json::Array(names)) = fields.remove(spec::NAMES)
    {
        let is_empty = fields.get("domains").and_then(Json::as_array).is_none_or(Vec::is_empty);
        if is_empty && !names.is_empty() {
            fields.insert("domains".to_owned(), names.into_iter().map(|name| json!({ "domain": name })).collect());
        }
    }
    Box::pin(async { Ok(()) })
}

/// Domains are shown in both forms, and moments as the official provider shows them.
fn seen<'a>(_: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    for body in bodies {
        for name in ["created_at", "updated_at"] {
            if let Some(text) = body.get(name).and_then(Value::as_str) {
                let text = vpc::moment(text);
                body.insert(name.to_owned(), text.into());
            }
        }
        if let Some(Value::Map(spec)) = body.get_mut("spec").and_then(first_of) {
            let domains = spec.get("domain").and_then(Value::as_list).unwrap_or_default();
            let mut names: Vec<Value> = domains.iter().filter_map(|domain| domain.as_map()?.get("name").cloned()).collect();
            names.sort();
            spec.insert("domains".to_owned(), Value::List(names));
        }
    }
    Box::pin(async { Ok(()) })
}

fn first_of(value: &mut Value) -> Option<&mut Value> {
    match value {
        Value::List(items) => items.first_mut(),
        _ => None,
    }
}

/// The desired app, with the names of its domains as domains: those that are there would be taken for what is left to the API otherwise.
fn with_domains(wanted: &Body) -> Body {
    let mut wanted = wanted.clone();
    if let Some(Value::Map(spec)) = wanted.get_mut("spec").and_then(first_of) {
        let names = spec.get("domains").and_then(Value::as_list).unwrap_or_default();
        let domain = |name: &Value| Value::Map(Body::from([("name".to_owned(), name.clone())]));
        let domains: Vec<Value> = names.iter().map(domain).collect();
        if !domains.is_empty() {
            spec.insert("domain".to_owned(), Value::List(domains));
        }
    }
    wanted
}

fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        if edit != DEPLOY {
            return Err(no_edit(APP.name, id, edit));
        }
        let before = deployment::newest(api, id).await?;
        let sent = APP.replacement(api, edit, &with_domains(wanted), seen).await?;
        api.replace(&format!("{}/{}", APP.at.path, segment(&id.0)), &sent).await?;
        deployment::until_active(api, id, before.as_ref()).await
    })
}
