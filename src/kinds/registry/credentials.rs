//! Docker's credentials for a registry, made when they are asked for.
//!
//! Invariant: the API gives other credentials each time; those that a run with the lock was given are kept in the stack's encrypted file
//! with what was asked for. Nothing of them is in the state. They cannot be taken back: they are good until they expire.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json};

use crate::attr::{Attr, Change, EditName, Lit, Ty};
use crate::erased::{Fut, Scopes};
use crate::plain::{Collection, Hooks, IDENTITY, Plain};
use crate::valid::Valid;
use crate::{kept, no_edit};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

const REGISTRIES: &str = "/registries";
/// About fifty years, in seconds: the most that the API takes, and the official provider's default.
const LONGEST: i64 = 1_576_800_000;
const RENEWED: Change = Change::InPlace("renew");
/// When they expire.
const UNTIL: &str = "credential_expiration_time";
const SECONDS: &str = "expiry_seconds";

/// `digitalocean_container_registry_docker_credentials`.
pub(crate) static CREDENTIALS: Plain = Plain {
    name: "digitalocean_container_registry_docker_credentials",
    noun: "credentials of a container registry",
    scopes: Scopes {
        read: &["registry:read", "registry:update"],
        create: &["registry:read", "registry:update"],
        update: &["registry:read", "registry:update"],
        delete: &[],
    },
    at: Collection { path: REGISTRIES, one: "registry", many: "registries", id: "name", key: None },
    repeatable: true,
    shared: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The registry's name."),
        Attr::required("registry_name", Ty::String, Change::Replace, "The registry that they open.")
            .at("/name")
            .identity()
            .names(&["digitalocean_container_registry"], &["name", "id"]),
        Attr::optional("write", Ty::Bool, RENEWED, "Whether images may be pushed.").default(Lit::Bool(false)).write_only(),
        Attr::optional(SECONDS, Ty::Number, RENEWED, "For how many seconds they are good; 0 for ever.")
            .default(Lit::Int(LONGEST))
            .write_only()
            .valid(Valid::Between(0, LONGEST)),
        Attr::computed("docker_credentials", Ty::String, "What Docker reads, as JSON.").sensitive().follows(&["renew"]).volatile(),
        Attr::computed(UNTIL, Ty::String, "When they expire.").follows(&["renew"]).volatile(),
    ],
    hooks: Hooks {
        make: Some(make),
        after_create: Some(after_create),
        read_details: Some(read_details),
        edit: Some(edit),
        end: Some(end),
        ..Hooks::NONE
    },
    ..Plain::NOTHING
};

/// There is nothing to make but a name for them: a registry may have several.
fn make<'a>(api: &'a Client, wanted: &'a Body) -> Fut<'a, Id> {
    let registry = wanted.get("registry_name").and_then(Value::as_str).unwrap_or_default();
    let own = URL_SAFE_NO_PAD.encode(api.chance().to_bits().to_be_bytes());
    let id = Id(format!("{registry},{own}"));
    Box::pin(async { Ok(id) })
}

/// The request, kept until it is sent.
fn asked(wanted: impl Fn(&str) -> Option<Value>) -> Body {
    ["write", SECONDS].into_iter().filter_map(|name| Some((name.to_owned(), wanted(name)?))).collect()
}

fn after_create<'a>(api: &'a Client, id: &'a Id, wanted: &'a Term) -> Fut<'a, ()> {
    Box::pin(async move {
        if kept::of(api, CREDENTIALS.name, id).is_empty() {
            kept::keep(api, CREDENTIALS.name, id, asked(|name| wanted.get(name).value().cloned()));
        }
        Ok(())
    })
}

fn read_details<'a>(api: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    Box::pin(async move {
        for body in bodies {
            let of = body.remove(IDENTITY).as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            let registry = body.get("registry_name").and_then(Value::as_str).unwrap_or_default();
            let current = current(api, &Id(of), registry).await?;
            body.extend(current.into_iter().filter(|(name, _)| name == UNTIL || name == "docker_credentials"));
        }
        Ok(())
    })
}

/// Those that are kept and still good, else others.
async fn current(api: &Client, id: &Id, registry: &str) -> Result<Body, ApiError> {
    let mut kept = kept::of(api, CREDENTIALS.name, id);
    let is_for_ever = kept.get(UNTIL).is_some_and(|until| *until == Value::from(""));
    if is_for_ever || kept::is_good(api, &kept, UNTIL) {
        return Ok(kept);
    }
    let seconds = match kept.get(SECONDS) {
        Some(Value::Number(seconds)) => seconds.as_i64().unwrap_or(LONGEST),
        _ => LONGEST,
    };
    let may_write = kept.get("write") == Some(&true.into());
    let path = format!("{}/{}/docker-credentials", REGISTRIES, segment(registry));
    let query = [("expiry_seconds", seconds.to_string()), ("read_write", may_write.to_string())];
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer: Map<String, Json> = api.get(&path, &query).await?;
    kept.insert("docker_credentials".to_owned(), Json::Object(answer).to_string().into());
    kept.insert(UNTIL.to_owned(), if seconds == 0 { "".into() } else { expiry(api, seconds).into() });
    kept::keep(api, CREDENTIALS.name, id, kept.clone());
    Ok(kept)
}

/// When what is good for so many seconds expires: the API does not say it.
fn expiry(api: &Client, seconds: i64) -> String {
    let now = i64::try_from(api.clock().now().0 / 1000).unwrap_or_default();
    jiff::Timestamp::from_second(now.saturating_add(seconds)).map(|at| at.to_string()).unwrap_or_default()
}

fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        if edit != "renew" {
            return Err(no_edit(CREDENTIALS.name, id, edit));
        }
        kept::keep(api, CREDENTIALS.name, id, asked(|name| wanted.get(name).cloned()));
        Ok(())
    })
}

fn end<'a>(api: &'a Client, id: &'a Id, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        kept::forget(api, CREDENTIALS.name, id);
        Ok(())
    })
}
