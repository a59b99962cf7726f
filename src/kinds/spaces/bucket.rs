//! Buckets of Spaces.
//!
//! Invariant: a bucket's name is one for all accounts. One that is there before the create is never taken for the one that it made:
//! the checks before the first write say whose it is. What a bucket is set to is set once it can be seen, and may be set again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::settings;
use super::wire::{Contents, Delete, Deleted, Named, Policy, Versions, with};
use crate::attr::{Attr, Change, Compare, EditName, Lit, Reads, Ty, URN};
use crate::complaints::{self, Complaints};
use crate::erased::{Certainty, Complaint, Job, Scopes};
use crate::valid::Valid;
use crate::{Candidate, Kind, NewObject, if_there};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::space_request::{SpaceAnswer, SpaceRequest, Verb};
use dofloat_api::wait::Poll;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Origin, Term, Value};

/// Where buckets are looked for that nobody says the region of: as the official provider does.
pub(crate) const LISTED: [&str; 8] = ["ams3", "blr1", "fra1", "nyc3", "sfo2", "sfo3", "sgp1", "syd1"];
/// Where there are Spaces.
const REGIONS: [&str; 12] = ["ams3", "atl1", "blr1", "fra1", "lon1", "nyc3", "ric1", "sfo2", "sfo3", "sgp1", "syd1", "tor1"];
/// The zone of all buckets.
pub(crate) const ZONE: &str = "digitaloceanspaces.com";
/// The official provider waits as long for a new bucket.
const LIMIT: Duration = Duration::from_secs(5 * 60);
/// How many objects are taken away at once.
const HANDFUL: usize = 1000;

/// `digitalocean_spaces_bucket`.
pub(crate) struct Bucket;

const ATTRS: &[Attr] = &[
    Attr::computed("id", Ty::String, "The bucket's name."),
    Attr::required("name", Ty::String, Change::Replace, "Its name, unique among all of DigitalOcean's.").identity().valid(Valid::Asked(
        is_name,
        "It has from 3 to 63 lowercase letters, digits and dashes, and begins and ends with a letter or a digit.",
    )),
    region(),
    Attr::optional("acl", Ty::String, Change::InPlace("acl"), "Who may list it: private or public-read.")
        .default(Lit::Str("private"))
        .valid(Valid::OneOf(&["private", "public-read"])),
    Attr::optional(
        "cors_rule",
        Ty::List(&Ty::Object(settings::CORS_RULE)),
        Change::InPlace("cors"),
        "Which pages may ask for its objects.",
    )
    .blocks()
    .reads(Reads::WhenSet),
    Attr::chosen("versioning", Ty::List(&Ty::Object(settings::VERSIONING)), Change::InPlace("versioning"), "Whether versions are kept.")
        .single(),
    Attr::optional(
        "lifecycle_rule",
        Ty::List(&Ty::Object(settings::LIFECYCLE_RULE)),
        Change::InPlace("lifecycle"),
        "What becomes of its objects by themselves.",
    )
    .blocks(),
    Attr::optional("force_destroy", Ty::Bool, Change::Local, "Whether its objects are deleted with it.")
        .default(Lit::Bool(false))
        .write_only(),
    Attr::computed("bucket_domain_name", Ty::String, "Its own domain name."),
    Attr::computed("endpoint", Ty::String, "The domain name of the region's Spaces."),
    URN,
];

/// The region of what lies in Spaces.
pub(super) const fn region() -> Attr {
    Attr::optional("region", Ty::String, Change::Replace, "The slug of the region that it is in.")
        .default(Lit::Str("nyc3"))
        .compare(Compare::NoCase)
        .identity()
        .valid(Valid::Form(is_region, "It is one of ams3, atl1, blr1, fra1, lon1, nyc3, ric1, sfo2, sfo3, sgp1, syd1, tor1."))
}

fn is_region(text: &str) -> bool {
    REGIONS.iter().any(|region| region.eq_ignore_ascii_case(text))
}

pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = |byte: u8| is_plain(byte) || byte == b'-' || byte == b'.';
    let ends = name.bytes().next().is_some_and(is_plain) && name.bytes().last().is_some_and(is_plain);
    (3..=63).contains(&name.len()) && name.bytes().all(fits) && ends && !name.contains("..")
}

/// Region and name.
pub(super) fn parts(id: &Id) -> Result<(&str, &str), ApiError> {
    let form = || ApiError::Unsettled { what: format!("{id} is not the identity of a bucket; it has the form REGION,NAME") };
    id.0.split_once(',').filter(|(region, name)| !region.is_empty() && !name.is_empty()).ok_or_else(form)
}

fn text(body: &Map<String, Json>, name: &str) -> String {
    body.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn place(region: &str, name: &str) -> Id {
    Id(format!("{},{name}", region.to_lowercase()))
}

/// The message where there is no key.
pub(super) fn must_have_key(api: &Client, jobs: &[Job]) -> Vec<Complaint> {
    let mut complaints = Complaints::default();
    if let Some(lacks) = api.lacks_spaces_key() {
        for job in jobs {
            complaints.about(job);
            let hint = format!(
                "{lacks} `spaces_access_id` and `spaces_secret_key` of the provider do too. Make a key under Spaces Object Storage, Access Keys."
            );
            complaints.error(&[], "Spaces are opened by a key of their own, and there is none.".to_owned(), hint);
        }
    }
    complaints.into_vec()
}

/// Whether a bucket is there; an error if it is not ours.
async fn is_there(api: &Client, region: &str, name: &str) -> Result<bool, ApiError> {
    Ok(if_there(api.space(&SpaceRequest::new(Verb::Get, region, name, "location")).await)?.is_some())
}

fn is_of_others(error: &ApiError) -> bool {
    matches!(error, ApiError::Rejected { answer, .. } if answer.status == 403 && answer.id == "AccessDenied")
}

async fn setting(api: &Client, (region, name): (&str, &str), part: &str) -> Result<Option<SpaceAnswer>, ApiError> {
    if_there(api.space(&SpaceRequest::new(Verb::Get, region, name, part)).await)
}

async fn live(api: &Client, id: &Id) -> Result<Option<Map<String, Json>>, ApiError> {
    let (region, name) = parts(id)?;
    let at = (region, name);
    // A bucket that is there has one.
    let Some(acl) = setting(api, at, "acl").await? else { return Ok(None) };
    let acl: Policy = acl.xml()?;
    let Json::Object(mut body) = json!({
        "id": name, "name": name, "region": region, "acl": acl.canned(), "urn": format!("do:space:{name}"),
        "bucket_domain_name": format!("{name}.{region}.{ZONE}"), "endpoint": format!("{region}.{ZONE}"),
    }) else {
        return Ok(None);
    };
    body.insert("versioning".to_owned(), settings::versioning(setting(api, at, "versioning").await?)?);
    body.insert("lifecycle_rule".to_owned(), settings::lifecycle(setting(api, at, "lifecycle").await?)?);
    let cors = settings::cors(setting(api, at, "cors").await?)?;
    body.insert("cors_rule".to_owned(), if cors == json!([]) { Json::Null } else { cors });
    Ok(Some(body))
}

/// Takes away all that lies in a bucket, old versions too.
async fn empty(api: &Client, region: &str, name: &str) -> Result<(), ApiError> {
    loop {
        let listed: Versions = api.space(&SpaceRequest::new(Verb::Get, region, name, "versions")).await?.xml()?;
        let all: Vec<Named> = listed.version.into_iter().chain(listed.delete_marker).take(HANDFUL).collect();
        if all.is_empty() {
            return Ok(());
        }
        let request = with(SpaceRequest::new(Verb::Post, region, name, "delete"), "Delete", &Delete { object: all, quiet: true })?;
        let left: Deleted = api.space(&request).await?.xml()?;
        if let Some(failure) = left.error.first() {
            let what = format!("the object {} of the bucket {name} cannot be deleted: {}", failure.key, failure.code);
            return Err(ApiError::Unsettled { what });
        }
    }
}

impl Kind for Bucket {
    const NAME: &'static str = "digitalocean_spaces_bucket";
    const ATTRS: &'static [Attr] = ATTRS;
    // The account's token opens nothing here.
    const SCOPES: Scopes = Scopes { read: &[], create: &[], update: &[], delete: &[] };
    const UNIQUE_KEY: &'static [&'static str] = &["name"];
    type Spec = Map<String, Json>;
    type Live = Map<String, Json>;

    fn check(body: &Term, complaints: &mut Complaints) {
        complaints::rows(ATTRS, body, &[], complaints);
        settings::check(body, complaints);
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let lacks = must_have_key(api, jobs);
        if !lacks.is_empty() {
            return Ok(lacks);
        }
        let mut complaints = Complaints::default();
        complaints::no_two(jobs, "name", "bucket name", |body| complaints::text(body, "name"), &mut complaints);
        for job in jobs.iter().filter(|job| job.creates) {
            let (Some(region), Some(name)) = (complaints::text(&job.body, "region"), complaints::text(&job.body, "name")) else { continue };
            let id = place(&region, &name);
            if job.id.as_ref() == Some(&id) {
                continue;
            }
            complaints.about(job);
            match is_there(api, &region, &name).await {
                Ok(false) => {}
                Ok(true) => complaints.error(
                    &["name"],
                    format!("There is a bucket `{name}` in {region} already, and the key opens it."),
                    format!("Take another name, or adopt it: dofloat import '{}' {id}", job.address),
                ),
                Err(error) if is_of_others(&error) => complaints.error(
                    &["name"],
                    format!(
                        "The bucket `{name}` cannot be looked at with this key: it is another account's, or the key has no grant for it."
                    ),
                    "Names are unique among all of DigitalOcean's: take another one. A key that makes buckets needs full access.",
                ),
                Err(error) => return Err(error),
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Self::Spec, _: Ours<'_>) -> Result<NewObject<Self::Live>, ApiError> {
        let (region, name) = (text(spec, "region"), text(spec, "name"));
        let request = SpaceRequest::new(Verb::Make, &region, &name, "").header("x-amz-acl", text(spec, "acl"));
        api.space(&request).await?;
        Ok(NewObject { id: place(&region, &name), live: None })
    }

    async fn wait_ready(api: &Client, id: &Id, wanted: &Term) -> Result<Self::Live, ApiError> {
        let (region, name) = parts(id)?;
        let poll = || async {
            let there = is_there(api, region, name).await?;
            Ok(if there { Poll::Ready(()) } else { Poll::Pending("it cannot be seen yet".to_owned()) })
        };
        api.wait_saying(&format!("the bucket {name} to be there"), LIMIT, poll).await?;
        settings::begin(api, (region, name), wanted).await?;
        let gone = || ApiError::CreationFailed { what: format!("the bucket {name} is not there any more") };
        live(api, id).await?.ok_or_else(gone)
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Self::Live>, ApiError> {
        live(api, id).await
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Self::Spec, seen: &Body) -> Result<(), ApiError> {
        let (region, name) = parts(id)?;
        if edit == "acl" {
            let request = SpaceRequest::new(Verb::Put, region, name, "acl").header("x-amz-acl", text(spec, "acl"));
            return api.space(&request).await.map(drop);
        }
        settings::change(api, (region, name), edit, spec, seen).await
    }

    async fn delete(api: &Client, id: &Id, seen: &Body) -> Result<(), ApiError> {
        let (region, name) = parts(id)?;
        let request = SpaceRequest::new(Verb::Delete, region, name, "");
        let is_full = |error: &ApiError| matches!(error, ApiError::Rejected { answer, .. } if answer.id == "BucketNotEmpty");
        match if_there(api.space(&request).await) {
            Err(error) if is_full(&error) && seen.get("force_destroy") == Some(&Value::Bool(true)) => {
                if_there(empty(api, region, name).await)?;
                if_there(api.space(&request).await).map(drop)
            }
            other => other.map(drop),
        }
    }

    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Self::Live>>, ApiError> {
        let of = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = place(of("region"), of("name"));
        match live(api, &id).await {
            Ok(found) => {
                let candidate = |live| Candidate { id: id.clone(), live: settings::as_it_will_be(live, body), certainty: Certainty::Named };
                Ok(found.into_iter().map(candidate).collect())
            }
            // It is somebody else's: ours was not made.
            Err(error) if is_of_others(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn before_delete(api: &Client, id: &Id, seen: &Body, ours: &[Id]) -> Result<Vec<Complaint>, ApiError> {
        let (region, name) = parts(id)?;
        if seen.get("force_destroy") == Some(&Value::Bool(true)) {
            return Ok(Vec::new());
        }
        let request = SpaceRequest::new(Verb::Get, region, name, "").asking("list-type", "2");
        let listed: Contents = match if_there(api.space(&request).await)? {
            Some(answer) => answer.xml()?,
            None => return Ok(Vec::new()),
        };
        let is_ours = |of: &Named| ours.contains(&Id(format!("{region},{name},{}", of.key)));
        let mut complaints = Complaints::default();
        if let Some(left) = listed.contents.iter().find(|of| !is_ours(of)) {
            complaints.error(
                &[],
                format!("The bucket {name} is not empty: it has `{}`, which is not of this stack.", left.key),
                "Empty it, or set `force_destroy = true` and apply that first: then all that lies in it is deleted with it.",
            );
        }
        Ok(complaints.into_vec())
    }

    fn data_loss(seen: &Body) -> Option<String> {
        let forced = seen.get("force_destroy") == Some(&Value::Bool(true));
        forced.then(|| "Every object in it is deleted with it (force_destroy).".to_owned())
    }

    fn derived(body: &Term) -> BTreeMap<String, Term> {
        let (name, region) = (complaints::text(body, "name"), complaints::text(body, "region").map(|region| region.to_lowercase()));
        let known = |attr: &str, value: Option<String>| {
            let unknown = || Term::Unknown(Origin { path: attr.to_owned(), ..Origin::default() });
            (attr.to_owned(), value.map_or_else(unknown, |value| Term::Value(Value::Str(value))))
        };
        let domain = name.as_ref().zip(region.as_ref()).map(|(name, region)| format!("{name}.{region}.{ZONE}"));
        BTreeMap::from([
            known("bucket_domain_name", domain),
            known("endpoint", region.map(|region| format!("{region}.{ZONE}"))),
            known("id", name.clone()),
            known("urn", name.map(|name| format!("do:space:{name}"))),
        ])
    }

    fn identity(body: &Body) -> Option<Id> {
        let of = |name: &str| body.get(name).and_then(Value::as_str);
        let id = of("name").or(of("id"))?;
        if id.contains(',') { Some(Id(id.to_owned())) } else { Some(place(of("region").unwrap_or("nyc3"), id)) }
    }

    fn missing(name: &str) -> (String, String) {
        (
            format!("There is no bucket `{name}`."),
            "Name one that there is, or make one with a `digitalocean_spaces_bucket` resource.".to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets() {
        for (name, expected) in [
            ("web", true),
            ("a-1", true),
            ("my.site", true),
            ("ab", false),
            ("Web", false),
            ("-ab", false),
            ("ab-", false),
            ("a..b", false),
            ("a_b", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}
