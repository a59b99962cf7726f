//! Access keys of Spaces.
//!
//! Invariant: the API tells a key's secret once, in the answer to its create. It is in the stack's encrypted file before the key is
//! known to the run, and is read from there from then on. A key whose answer was lost opens nothing for anybody: it is made anew.

use serde_json::{Map, Value as Json, json};

use crate::attr::{Attr, CREATED_AT, Change, Ty};
use crate::complaints::{self, Complaints};
use crate::erased::{Fut, Scopes, opened};
use crate::job::Job;
use crate::name_in_vault;
use crate::plain::{Collection, Hooks, Plain, UPDATE, Update};
use crate::valid::Valid;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::{ApiError, Asked};
use dofloat_base::identity::Id;
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Term, Value};

const CHANGED: Change = Change::InPlace(UPDATE);
const KEYS: &str = "/spaces/keys";
const NAME: &str = "digitalocean_spaces_key";
const SECRET: &str = "secret_key";
/// The permission that opens every bucket, and names none.
const FULL: &str = "fullaccess";

/// `digitalocean_spaces_key`.
pub(crate) static KEY: Plain = Plain {
    name: NAME,
    noun: "Spaces key",
    scopes: Scopes {
        read: &["spaces_key:read"],
        create: &["spaces_key:create_credentials", "spaces_key:read"],
        update: &["spaces_key:update", "spaces_key:read"],
        delete: &["spaces_key:delete"],
    },
    at: Collection { path: KEYS, one: "key", many: "keys", id: "access_key", key: None },
    update: Update::Put,
    attrs: &[
        Attr::computed("id", Ty::String, "The key's id."),
        Attr::required("name", Ty::String, CHANGED, "Its name."),
        Attr::optional("grant", Ty::List(&Ty::Object(GRANT)), CHANGED, "What it opens; nothing without.")
            .blocks()
            .wire("grants", "/grants"),
        Attr::computed("access_key", Ty::String, "The key's id, as programs are given it."),
        Attr::computed(SECRET, Ty::String, "The key's secret.").sensitive(),
        CREATED_AT,
    ],
    hooks: Hooks { check, against, make: Some(make), read_details: Some(read_details), lost, end: Some(end), ..Hooks::NONE },
    ..Plain::NOTHING
};

const GRANT: &[Attr] = &[
    Attr::required("bucket", Ty::String, CHANGED, "The name of the bucket; empty with `fullaccess`.")
        .names(&["digitalocean_spaces_bucket"], &["name", "id"]),
    Attr::required("permission", Ty::String, CHANGED, "read, readwrite or fullaccess.").valid(Valid::OneOf(&["read", "readwrite", FULL])),
];

/// Whether a key opens every bucket; nothing while that is not known.
fn is_full(body: &Term) -> Option<bool> {
    let grants = body.get("grant").items()?;
    let permissions = grants.iter().map(|grant| complaints::text(grant, "permission"));
    Some(permissions.collect::<Option<Vec<String>>>()?.iter().any(|permission| permission == FULL))
}

fn check(body: &Term, complaints: &mut Complaints) {
    let grants = body.get("grant").items().unwrap_or_default();
    for (at, grant) in grants.iter().enumerate() {
        let at = at.to_string();
        let (bucket, permission) = (complaints::text(grant, "bucket"), complaints::text(grant, "permission"));
        match (bucket.as_deref(), permission.as_deref()) {
            (Some(bucket), Some(FULL)) if !bucket.is_empty() => complaints.error(
                &["grant", &at, "bucket"],
                "`fullaccess` opens every bucket, and names none.".to_owned(),
                "Write `bucket = \"\"`, or `permission = \"readwrite\"`.",
            ),
            (Some(""), Some("read" | "readwrite")) => {
                complaints.error(&["grant", &at, "bucket"], "This grant names no bucket.".to_owned(), "Name one, or grant `fullaccess`.");
            }
            _ => {}
        }
    }
    if grants.len() > 1 && is_full(body) == Some(true) {
        complaints.error(&["grant"], "`fullaccess` goes with no other grant.".to_owned(), "Remove the others.");
    }
}

fn against(job: &Job, seen: &Body, complaints: &mut Complaints) {
    let there = is_full(&Term::Value(Value::Map(seen.clone())));
    if let (Some(wanted), Some(there)) = (is_full(&job.body), there)
        && wanted != there
    {
        complaints.error(
            &["grant"],
            "A key with full access stays one, and no other key becomes one.".to_owned(),
            format!("Make another key, or make this one anew with -replace='{}': its id and its secret will be others.", job.address),
        );
    }
}

/// Makes a key and keeps its secret. One whose secret cannot be kept is of no use, and is taken back.
fn make<'a>(api: &'a Client, wanted: &'a Body) -> Fut<'a, Id> {
    Box::pin(async move {
        let blocks = wanted.get("grant").and_then(Value::as_list).unwrap_or_default();
        let grants: Vec<Json> = blocks.iter().map(Value::to_json).collect();
        let name = wanted.get("name").map_or(Json::Null, Value::to_json);
        let mut answer: Map<String, Json> = api.create(KEYS, &json!({ "name": name, "grants": grants })).await?;
        let mut text = |field: &str| match answer.get_mut("key").map(|key| key[field].take()) {
            Some(Json::String(text)) => Ok(text),
            _ => {
                let asked = Asked { method: "POST", path: KEYS.to_owned(), attempts: 1 };
                Err(ApiError::Ambiguous { asked, why: format!("the answer does not have the form of a Spaces key: `{field}` is missing") })
            }
        };
        let (id, secret) = (Id(text("access_key")?), Value::from(text(SECRET)?));
        if let Some(vault) = &api.machine().vault {
            let kept = Secret::new(Value::Map(Body::from([(SECRET.to_owned(), secret)])));
            if let Err(why) = vault.put(&name_in_vault(NAME, &id), Some(kept)) {
                api.delete(&path(&id), &[]).await?;
                return Err(ApiError::Local { what: format!("the secret of the key cannot be kept, so the key was deleted: {why}") });
            }
        }
        Ok(id)
    })
}

fn path(id: &Id) -> String {
    format!("{KEYS}/{}", segment(&id.0))
}

/// Adds the secrets that are kept.
fn read_details<'a>(api: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    Box::pin(async move {
        let Some(vault) = &api.machine().vault else { return Ok(()) };
        for body in bodies {
            let Some(id) = body.get("access_key").and_then(Value::as_str) else { continue };
            let kept = vault.get(&name_in_vault(NAME, &Id(id.to_owned()))).map_err(|what| ApiError::Local { what })?;
            // What the API does not tell reads as nothing of its type.
            body.remove(SECRET);
            if let Some(secret) = kept {
                body.extend(opened(NAME, &Term::Secret(secret))?);
            }
        }
        Ok(())
    })
}

fn lost(api: &Client, seen: &Body) -> Option<String> {
    let is_lost = api.machine().vault.is_some() && !seen.contains_key(SECRET);
    is_lost.then(|| "its secret was lost with the answer to its create, and is never told again".to_owned())
}

fn end<'a>(api: &'a Client, id: &'a Id, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        api.delete(&path(id), &[]).await?;
        match &api.machine().vault {
            Some(vault) => vault.put(&name_in_vault(NAME, id), None).map_err(|what| ApiError::Local { what }),
            None => Ok(()),
        }
    })
}
