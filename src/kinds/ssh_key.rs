//! A public key of the account. It reaches only droplets that are made later.
//!
//! Invariant: keys are read one by one, as listing them has a small limit of its own (10 a minute).

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attr::{Attr, Change, EditName, TIMEOUTS, Ty};
use super::compare::{KEY_LINE, PUBLIC_KEY};
use super::complaints::{self, Complaints};
use super::erased::{Certainty, Complaint, Job, Places, Scopes};
use super::{Candidate, Kind, NewObject, form, if_there};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term};

pub(crate) struct SshKey;

#[derive(Deserialize)]
pub(crate) struct Spec {
    name: String,
    public_key: String,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    name: String,
    public_key: String,
    fingerprint: String,
}

#[derive(Deserialize)]
struct Wire {
    id: u64,
    name: String,
    public_key: String,
    fingerprint: String,
}

#[derive(Deserialize)]
struct One {
    ssh_key: Wire,
}

impl Kind for SshKey {
    const NAME: &'static str = "digitalocean_ssh_key";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The key's number."),
        Attr::required("name", Ty::String, Change::InPlace("rename"), "Its name."),
        Attr::required("public_key", Ty::String, Change::Replace, "The public key, as it stands in a `.pub` file.")
            .compare(PUBLIC_KEY)
            .echo(KEY_LINE),
        Attr::computed("fingerprint", Ty::String, "Its MD5 fingerprint."),
        TIMEOUTS,
    ];
    const SCOPES: Scopes = Scopes {
        read: &["ssh_key:read"],
        create: &["ssh_key:create", "ssh_key:read"],
        update: &["ssh_key:update"],
        delete: &["ssh_key:delete"],
    };
    const GLOBALLY_UNIQUE: bool = true;
    const UNIQUE_KEY: &'static [&'static str] = &["public_key"];
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        if let Some(key) = complaints::text(body, "public_key")
            && form::public_key(&key).is_none()
        {
            // The text is not quoted: it may be a private key by mistake.
            let hint = if key.contains("PRIVATE KEY") {
                "This looks like a private key, which must stay with you: give the file that ends in `.pub`."
            } else {
                "Give the line of a `.pub` file: file(pathexpand(\"~/.ssh/id_ed25519.pub\"))."
            };
            complaints.malformed(&key, &["public_key"], "The public key is not in OpenSSH's form.", hint);
        }
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        let fingerprint = |body: &Term| form::fingerprint(&complaints::text(body, "public_key")?);
        complaints::no_two(jobs, "public_key", "public key", fingerprint, &mut complaints);
        for job in jobs.iter().filter(|job| job.creates) {
            let Some(fingerprint) = fingerprint(&job.body) else { continue };
            let found = if_there(api.get::<One>(&path(&Id(fingerprint)), &[]).await)?;
            if let Some(One { ssh_key }) = found
                && job.id.as_ref().is_none_or(|id| id.0 != ssh_key.id.to_string())
            {
                complaints.about(job);
                complaints.error(
                    &["public_key"],
                    format!("The account has this key already, as `{}` ({}).", ssh_key.name, ssh_key.id),
                    format!("Adopt it: dofloat import '{}' {}", job.address, ssh_key.id),
                );
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let made: One = api.create("/account/keys", &json!({"name": spec.name, "public_key": spec.public_key.trim()})).await?;
        Ok(NewObject { id: Id(made.ssh_key.id.to_string()), live: Some(made.ssh_key.into()) })
    }

    /// The list has a tight limit of its own, so only a key that its own address does not know is looked for there.
    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        if let Some(One { ssh_key }) = if_there(api.get(&path(id), &[]).await)? {
            return Ok(Some(ssh_key.into()));
        }
        let keys: Vec<Wire> = api.list("/account/keys", &[], "ssh_keys").await?;
        Ok(keys.into_iter().find(|key| key.id.to_string() == id.0 || key.fingerprint == id.0).map(Live::from))
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, _: &Body) -> Result<(), ApiError> {
        if edit != "rename" {
            return Err(super::no_edit(Self::NAME, id, edit));
        }
        api.put::<One>(&path(id), &json!({"name": spec.name})).await.map(|_| ())
    }

    async fn delete(api: &Client, id: &Id, _: &Body) -> Result<(), ApiError> {
        api.delete(&path(id), &[]).await
    }

    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let key = body.get("public_key").and_then(|key| key.as_str());
        let Some(fingerprint) = key.and_then(form::fingerprint) else { return Ok(Vec::new()) };
        let found = Self::read(api, &Id(fingerprint)).await?;
        Ok(found.map(|live| Candidate { id: Id(live.id.clone()), live, certainty: Certainty::Named }).into_iter().collect())
    }

    async fn lookup(api: &Client, names: &[String]) -> Result<Option<Places>, ApiError> {
        // Where a data source has read the list already, that tells.
        if api.has_asked("/account/keys", "ssh_keys") {
            let keys: Vec<Wire> = api.list("/account/keys", &[], "ssh_keys").await?;
            let is_there = |name: &&String| keys.iter().any(|key| key.id.to_string() == **name || key.fingerprint == **name);
            return Ok(Some(names.iter().filter(is_there).map(|name| (name.clone(), None)).collect()));
        }
        let looks = names.iter().map(|name| async move {
            let found = if_there(api.get::<One>(&path(&Id(name.clone())), &[]).await)?;
            Ok::<_, ApiError>(found.map(|_| (name.clone(), None)))
        });
        Ok(Some(try_join_all(looks).await?.into_iter().flatten().collect()))
    }

    fn missing(name: &str) -> (String, String) {
        (
            format!("The account has no SSH key `{name}`."),
            "Name one by its fingerprint or its number (doctl compute ssh-key list), or add it with a `digitalocean_ssh_key` resource."
                .to_owned(),
        )
    }
}

impl From<Wire> for Live {
    fn from(key: Wire) -> Self {
        Self { id: key.id.to_string(), name: key.name, public_key: key.public_key, fingerprint: key.fingerprint }
    }
}

fn path(id: &Id) -> String {
    format!("/account/keys/{}", segment(&id.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{assert_has, pair};
    use crate::kind;

    #[test]
    fn an_answer_is_read() {
        let (request, answer) = pair(include_str!("../../fixtures/api/ssh_key/create.json"));
        let live: Live = serde_json::from_value::<One>(answer).unwrap().ssh_key.into();
        let fingerprint = form::fingerprint(request["public_key"].as_str().unwrap());
        assert_has(kind(SshKey::NAME).unwrap(), &live, &json!({"id": "289794", "name": "ops", "fingerprint": fingerprint}));
    }

    #[test]
    fn a_private_key_is_refused_and_not_quoted() {
        let body = json!({"name": "ops", "public_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"});
        let complaints = kind(SshKey::NAME).unwrap().check(&Term::Value(dofloat_base::value::Value::from_json(&body)));
        assert_eq!(complaints.len(), 1);
        assert!(!format!("{complaints:?}").contains("abc"));
    }
}
