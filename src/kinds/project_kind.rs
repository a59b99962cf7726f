//! Projects, and what lies in them, as resources.
//!
//! Invariant: the stack's own project, which is named by its mark, is none of these ([`super::project`]). What lies in a project that
//! goes is moved to the account's default one; nothing of it is deleted.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::attr::{Attr, CREATED_AT, Change, Compare, EditName, Lit, Reads, TIMEOUTS, Ty};
use super::compare::{URNS, or_empty, own_urn};
use super::complaints::{self, Complaints};
use super::erased::{Fut, Scopes, is_mark};
use super::no_edit;
use super::plain::{Collection, Hooks, Plain, Taken, UPDATE, Unique, Update, scopes};
use super::tagging::texts;
use super::valid::Valid;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

const CHANGED: Change = Change::InPlace(UPDATE);
/// The edit that moves an object from one project to another.
const ASSIGN: EditName = "assign";
const URN: Valid = Valid::Form(
    |text| text.split(':').count() >= 3 && text.starts_with("do:"),
    "It is a uniform resource name, the `urn` of a resource: `do:droplet:1234`.",
);

/// `digitalocean_project`.
pub(crate) static PROJECT: Plain = Plain {
    name: "digitalocean_project",
    noun: "project",
    scopes: scopes!("project"),
    at: Collection { path: "/projects", one: "project", many: "projects", id: "id", key: None },
    update: Update::Patch,
    unique: &[Unique { attrs: &["name"], noun: "name", taken: Taken::Refuse }],
    attrs: &[
        Attr::computed("id", Ty::String, "The project's uuid."),
        Attr::required("name", Ty::String, CHANGED, "Its name, unique in the account.").valid(Valid::UpTo(175)),
        or_empty(Attr::optional("description", Ty::String, CHANGED, "Free text of up to 255 characters."))
            .valid(Valid::Form(|text| text.chars().count() <= 255, "It has up to 255 characters.")),
        Attr::optional("purpose", Ty::String, CHANGED, "What it is for.").default(Lit::Str("Web Application")).valid(Valid::UpTo(255)),
        Attr::chosen("environment", Ty::String, CHANGED, "Development, Staging or Production.")
            .compare(Compare::Normal(|text| text.as_str().map_or_else(|| text.clone(), |text| capitalised(text).into())))
            .valid(Valid::Form(
                |text| ["Development", "Staging", "Production"].contains(&capitalised(text).as_str()),
                "It is one of Development, Staging, Production.",
            )),
        Attr::chosen("is_default", Ty::Bool, Change::Local, "Whether what names no project goes there; only `false` can be written."),
        Attr::chosen("resources", Ty::Set(&Ty::String), Change::InPlace(ASSIGN), "The urns of what lies in it.")
            .compare(URNS)
            .echo(super::attr::Echo::Written)
            .reads(Reads::WhenSet)
            .valid(URN)
            .scopes(&["project:assign_resource"]),
        Attr::computed("owner_uuid", Ty::String, "Whose it is."),
        Attr::computed("owner_id", Ty::Number, "Whose it is, as a number."),
        CREATED_AT,
        Attr::computed("updated_at", Ty::String, "When it was changed.").volatile(),
        TIMEOUTS,
    ],
    hooks: Hooks {
        check,
        sent: Some(sent),
        seen: Some(seen),
        after_create: Some(fill),
        edit: Some(rearrange),
        leave: Some(leave),
        ..Hooks::NONE
    },
    ..Plain::NOTHING
};

/// `digitalocean_project_resources`.
pub(crate) static RESOURCES: Plain = Plain {
    name: "digitalocean_project_resources",
    noun: "project",
    scopes: Scopes {
        read: &["project:read"],
        create: &["project:assign_resource", "project:read"],
        update: &["project:assign_resource", "project:read"],
        delete: &["project:assign_resource"],
    },
    at: Collection { path: "/projects", one: "project", many: "projects", id: "id", key: None },
    repeatable: true,
    unique_key: &["project", "resources"],
    attrs: &[
        Attr::computed("id", Ty::String, "The project's uuid."),
        Attr::required("project", Ty::String, Change::Replace, "The project's uuid.").names(&["digitalocean_project"], &["id"]).at("/id"),
        // Others lie in the project too, so what is read there says nothing of what was put there by this resource: what somebody
        // else moves away is not seen.
        Attr::required("resources", Ty::Set(&Ty::String), Change::InPlace(ASSIGN), "The urns of what is put into it.")
            .compare(URNS)
            .write_only()
            .valid(URN),
    ],
    hooks: Hooks { make: Some(put_in), edit: Some(edit), end: Some(take_out), ..Hooks::NONE },
    ..Plain::NOTHING
};

fn capitalised(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut letters = lower.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn check(body: &Term, complaints: &mut Complaints) {
    if complaints::text(body, "name").is_some_and(|name| is_mark(&name)) {
        complaints.error(&["name"], "The name has the form of dofloat's own marks.", "Take one that does not begin with `dofloat:`.");
    }
    if complaints::is_true(body, "is_default") {
        complaints.error(
            &["is_default"],
            "`is_default = true` is not supported: no file can take it back, as an account always has a default project.",
            "Make the project the default in the control panel.",
        );
    }
}

/// Resource types by their paths; empty for those that have none.
fn sent<'a>(_: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    fields.remove("is_default");
    fields.remove("resources");
    Box::pin(async { Ok(()) })
}

fn seen<'a>(api: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    Box::pin(async move {
        for body in bodies {
            if let Some(purpose) = body.get("purpose").and_then(Value::as_str).and_then(|text| text.strip_prefix("Other: ")) {
                let purpose = purpose.into();
                body.insert("purpose".to_owned(), purpose);
            }
            let id = Id(body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned());
            body.insert("resources".to_owned(), Value::List(held(api, &id).await?.iter().map(|urn| urn.as_str().into()).collect()));
        }
        Ok(())
    })
}

fn fill<'a>(api: &'a Client, id: &'a Id, wanted: &'a Term) -> Fut<'a, ()> {
    Box::pin(async move {
        let urns: Vec<String> = complaints::texts(wanted, "resources").into_iter().map(|(_, urn)| urn).collect();
        assign(api, &id.0, &urns).await
    })
}

/// All that lies in it is named, so that what lies there now counts, whoever put it there.
fn rearrange<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move { exchange(api, id, edit, texts(wanted, "resources"), held(api, id).await?).await })
}

fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move { exchange(api, id, edit, texts(wanted, "resources"), texts(seen, "resources")).await })
}

async fn exchange(api: &Client, id: &Id, edit: EditName, wanted: Vec<String>, there: Vec<String>) -> Result<(), ApiError> {
    if edit != ASSIGN {
        return Err(no_edit(PROJECT.name, id, edit));
    }
    let only = |some: &[String], others: &[String]| -> Vec<String> {
        let is_among = |urn: &String| others.iter().any(|other| own_urn(other) == own_urn(urn));
        some.iter().filter(|urn| !is_among(urn)).cloned().collect()
    };
    assign(api, &id.0, &only(&wanted, &there)).await?;
    assign(api, DEFAULT, &only(&there, &wanted)).await
}

/// Moves its objects to the default project first: the API keeps a project that holds something.
fn leave<'a>(api: &'a Client, id: &'a Id, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move { assign(api, DEFAULT, &held(api, id).await?).await })
}

fn put_in<'a>(api: &'a Client, wanted: &'a Body) -> Fut<'a, Id> {
    Box::pin(async move {
        let project = wanted.get("project").and_then(Value::as_str).unwrap_or_default().to_owned();
        assign(api, &project, &texts(wanted, "resources")).await?;
        Ok(Id(project))
    })
}

fn take_out<'a>(api: &'a Client, _: &'a Id, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move { assign(api, DEFAULT, &texts(seen, "resources")).await })
}

/// The API's name of the default project.
const DEFAULT: &str = "default";

#[derive(Deserialize)]
struct Held {
    urn: String,
}

/// The urns of what lies in a project; none if it is gone.
async fn held(api: &Client, id: &Id) -> Result<Vec<String>, ApiError> {
    let all: Option<Vec<Held>> = super::if_there(api.list(&path(&id.0), &[], "resources").await)?;
    Ok(all.unwrap_or_default().into_iter().map(|held| held.urn).collect())
}

async fn assign(api: &Client, project: &str, urns: &[String]) -> Result<(), ApiError> {
    if urns.is_empty() {
        return Ok(());
    }
    api.repeatable_post(&path(project), &json!({"resources": urns})).await
}

fn path(project: &str) -> String {
    format!("{}/{}/resources", PROJECT.at.path, segment(project))
}
