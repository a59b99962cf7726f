//! A tag. Its name is its identity; the first spelling of a name is the one that the API keeps. To make one that is there is no
//! error, so modules that each make the tags that they need may stand side by side.
//!
//! Invariant: deleting it takes it off everything, and deletes nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attr::{Attr, Change, Compare, Echo, Ty};
use super::complaints::{self, Complaints};
use super::erased::{Certainty, Complaint, Job, Scopes};
use super::wire::or_default;
use super::{Candidate, Kind, NewObject, form, if_there};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term};

pub(crate) struct Tag;

#[derive(Deserialize)]
pub(crate) struct Spec {
    name: String,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    name: String,
    total_resource_count: u64,
    droplets_count: u64,
    images_count: u64,
    volumes_count: u64,
    volume_snapshots_count: u64,
    databases_count: u64,
}

#[derive(Deserialize)]
struct Wire {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    resources: Resources,
}

#[derive(Default, Deserialize)]
struct Resources {
    #[serde(default, deserialize_with = "or_default")]
    count: u64,
    #[serde(default, deserialize_with = "or_default")]
    droplets: Counted,
    #[serde(default, deserialize_with = "or_default")]
    images: Counted,
    #[serde(default, deserialize_with = "or_default")]
    volumes: Counted,
    #[serde(default, deserialize_with = "or_default")]
    volume_snapshots: Counted,
    #[serde(default, deserialize_with = "or_default")]
    databases: Counted,
}

#[derive(Default, Deserialize)]
struct Counted {
    #[serde(default, deserialize_with = "or_default")]
    count: u64,
}

#[derive(Deserialize)]
struct One {
    tag: Wire,
}

/// A count changes with every tagging, which is no drift.
const fn counted(name: &'static str, doc: &'static str) -> Attr {
    Attr::computed(name, Ty::Number, doc).volatile()
}

impl Kind for Tag {
    const NAME: &'static str = "digitalocean_tag";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The tag's name."),
        Attr::required("name", Ty::String, Change::Replace, "Its name.").compare(Compare::NoCase).echo(Echo::Written).identity(),
        counted("total_resource_count", "How many objects carry it."),
        counted("droplets_count", "How many droplets carry it."),
        counted("images_count", "How many images carry it."),
        counted("volumes_count", "How many volumes carry it."),
        counted("volume_snapshots_count", "How many volume snapshots carry it."),
        counted("databases_count", "How many databases carry it."),
    ];
    const SCOPES: Scopes = Scopes { read: &["tag:read"], create: &["tag:create", "tag:read"], update: &[], delete: &["tag:delete"] };
    const UNIQUE_KEY: &'static [&'static str] = &["name"];
    const SHARED: bool = true;
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        if let Some(name) = complaints::text(body, "name")
            && !form::tag(&name)
        {
            complaints.error(&["name"], format!("`{name}` is not a valid tag."), ALPHABET);
        }
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        let name = |body: &Term| complaints::text(body, "name");
        let mut first: BTreeMap<String, &Job> = BTreeMap::new();
        for job in jobs.iter().filter(|job| job.creates && job.id.is_none()) {
            let Some(name) = name(&job.body) else { continue };
            if let Some(first) = first.get(&name.to_lowercase()) {
                complaints.about(job);
                complaints.warning(
                    &["name"],
                    format!("{} is the tag `{name}` too.", first.address),
                    "There is one of a name: it stays as long as one of the two is in the configuration.",
                );
                continue;
            }
            first.insert(name.to_lowercase(), job);
            if Self::read(api, &Id(name.clone())).await?.is_some() {
                complaints.about(job);
                complaints.warning(
                    &["name"],
                    format!("The tag `{name}` exists already: it becomes this stack's, and destroying the stack deletes it."),
                    "Leave the resource out to use the tag without managing it.",
                );
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let made: One = api.create("/tags", &json!({"name": spec.name})).await?;
        Ok(NewObject { id: Id(made.tag.name.clone()), live: Some(made.tag.into()) })
    }

    async fn bulk(api: &Client, _: &[Id], _: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        Ok(all(api).await?.into_iter().map(|tag| (Id(tag.name.clone()), tag.into())).collect())
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        let one = if_there(api.get::<One>(&path(id), &[]).await)?;
        Ok(one.map(|one| one.tag.into()))
    }

    async fn delete(api: &Client, id: &Id, _: &Body) -> Result<(), ApiError> {
        api.delete(&path(id), &[]).await
    }

    /// A tag is its name: one that nothing carries does nobody any harm, whoever made it.
    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let Some(name) = body.get("name").and_then(|name| name.as_str()) else { return Ok(Vec::new()) };
        let found = match Self::read(api, &Id(name.to_owned())).await? {
            Some(live) => Some(live),
            None => all(api).await?.into_iter().find(|tag| tag.name.eq_ignore_ascii_case(name)).map(Live::from),
        };
        let candidate = |live: Live| {
            let certainty = if live.total_resource_count == 0 { Certainty::Ours } else { Certainty::Named };
            Candidate { id: Id(live.name.clone()), live, certainty }
        };
        Ok(found.map(candidate).into_iter().collect())
    }
}

/// The characters of a tag.
pub(crate) const ALPHABET: &str = "Use letters, digits, `_`, `-` and `:` only, at most 255 of them.";

impl From<Wire> for Live {
    fn from(tag: Wire) -> Self {
        Self {
            id: tag.name.clone(),
            name: tag.name,
            total_resource_count: tag.resources.count,
            droplets_count: tag.resources.droplets.count,
            images_count: tag.resources.images.count,
            volumes_count: tag.resources.volumes.count,
            volume_snapshots_count: tag.resources.volume_snapshots.count,
            databases_count: tag.resources.databases.count,
        }
    }
}

/// Every tag of the account.
async fn all(api: &Client) -> Result<Vec<Wire>, ApiError> {
    api.list("/tags", &[], "tags").await
}

fn path(id: &Id) -> String {
    format!("/tags/{}", segment(&id.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{assert_has, pair};
    use crate::kind;

    #[test]
    fn an_answer_is_read() {
        let (_, answer) = pair(include_str!("../../fixtures/api/tag/create.json"));
        let live: Live = serde_json::from_value::<One>(answer).unwrap().tag.into();
        assert_has(kind(Tag::NAME).unwrap(), &live, &json!({"id": "web", "name": "web", "droplets_count": 1, "volumes_count": 0}));
        assert_eq!(live.total_resource_count, 2);
    }
}
