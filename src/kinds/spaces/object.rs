//! Objects in buckets of Spaces.
//!
//! Invariant: an object is made and changed by the same PUT, so making it again does no harm. One that is there before and holds
//! something else is never overwritten unasked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::{Map, Value as Json, json};

use super::bucket::{must_have_key, region};
use super::wire::{Delete, Deleted, Named, Versions, with, with_digest};
use crate::attr::{Attr, Change, Compare, EditName, Lit, Presence, Ty};
use crate::compare::or_empty;
use crate::complaints::{self, Complaints};
use crate::erased::{Complaint, Job, Scopes};
use crate::valid::Valid;
use crate::{Candidate, Kind, NewObject, if_there};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::space_request::{SpaceAnswer, SpaceRequest, Verb};
use dofloat_base::digest::hex;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term, Value};

const PUT: Change = Change::InPlace("put");
const CONTENTS: [&str; 3] = ["source", "content", "content_base64"];
/// Attributes that are headers, and which.
const HEADERS: [(&str, &str); 6] = [
    ("cache_control", "cache-control"),
    ("content_disposition", "content-disposition"),
    ("content_encoding", "content-encoding"),
    ("content_language", "content-language"),
    ("content_type", "content-type"),
    ("website_redirect", "x-amz-website-redirect-location"),
];
const METADATA: &str = "x-amz-meta-";

/// `digitalocean_spaces_bucket_object`.
pub(crate) struct Object;

const ATTRS: &[Attr] = &[
    Attr::computed("id", Ty::String, "The object's name."),
    Attr { presence: Presence::Required, default: None, ..region() },
    Attr::required("bucket", Ty::String, Change::Replace, "The name of the bucket.")
        .identity()
        .names(&["digitalocean_spaces_bucket"], &["name", "id"]),
    Attr::required("key", Ty::String, Change::Replace, "Its name.").identity().compare(Compare::Normal(key_form)),
    Attr::optional("source", Ty::String, PUT, "The file that it holds.").write_only(),
    Attr::optional("content", Ty::String, PUT, "The text that it holds.").write_only(),
    Attr::optional("content_base64", Ty::String, PUT, "What it holds, in base64.").write_only(),
    Attr::optional("acl", Ty::String, Change::InPlace("acl"), "Who may read it: private or public-read.")
        .default(Lit::Str("private"))
        .valid(Valid::OneOf(&["private", "public-read"]))
        .write_only(),
    or_empty(Attr::optional("cache_control", Ty::String, PUT, "For how long it may be kept by others.")),
    or_empty(Attr::optional("content_disposition", Ty::String, PUT, "How it is to be shown.")),
    or_empty(Attr::optional("content_encoding", Ty::String, PUT, "How its content is packed.")),
    or_empty(Attr::optional("content_language", Ty::String, PUT, "The language that it is in.")),
    Attr::chosen("content_type", Ty::String, PUT, "What it is: text/html."),
    or_empty(Attr::optional("website_redirect", Ty::String, PUT, "Where it leads to.")),
    or_empty(Attr::optional("metadata", Ty::Map(&Ty::String), PUT, "More words about it, by names in lower case.")),
    Attr::chosen("etag", Ty::String, PUT, "The MD5 digest of its content: `filemd5` of the source lets a changed file be sent.")
        .follows(&["put"]),
    Attr::optional("force_destroy", Ty::Bool, Change::Local, "Accepted; Spaces hold no object against its deletion.")
        .default(Lit::Bool(false))
        .write_only(),
    Attr::computed("version_id", Ty::String, "Its version, where the bucket keeps some.").follows(&["put"]),
];

/// A name without the slashes that do not count.
fn key_form(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |key| plain(key).into())
}

fn plain(key: &str) -> String {
    let parts: Vec<&str> = key.split('/').filter(|part| !part.is_empty()).collect();
    parts.join("/")
}

fn place(region: &str, bucket: &str, key: &str) -> Id {
    Id(format!("{},{bucket},{}", region.to_lowercase(), plain(key)))
}

/// Region, bucket and name.
fn parts(id: &Id) -> Result<(&str, &str, &str), ApiError> {
    let mut parts = id.0.splitn(3, ',').filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(region), Some(bucket), Some(key)) => Ok((region, bucket, key)),
        _ => Err(ApiError::Unsettled { what: format!("{id} is not the identity of an object; it has the form REGION,BUCKET,KEY") }),
    }
}

fn of<'a>(spec: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    spec.get(name).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// The content that it is to hold.
fn content(api: &Client, spec: &Map<String, Json>) -> Result<Vec<u8>, ApiError> {
    let local = |what: String| ApiError::Local { what };
    if let Some(path) = of(spec, "source") {
        let path = api.machine().readable(path);
        return std::fs::read(&path).map_err(|error| local(format!("the file {} cannot be read: {error}", path.display())));
    }
    match (of(spec, "content"), of(spec, "content_base64")) {
        (Some(text), _) => Ok(text.as_bytes().to_vec()),
        (_, Some(text)) => STANDARD.decode(text.trim()).map_err(|_| local("`content_base64` is not base64".to_owned())),
        _ => Ok(Vec::new()),
    }
}

async fn put(api: &Client, id: &Id, spec: &Map<String, Json>) -> Result<(), ApiError> {
    let (region, bucket, key) = parts(id)?;
    let mut request = with_digest(SpaceRequest::new(Verb::Put, region, bucket, "").of(key), content(api, spec)?);
    request = request.header("x-amz-acl", of(spec, "acl").unwrap_or("private"));
    for (name, header) in HEADERS {
        if let Some(text) = of(spec, name) {
            request = request.header(header, text);
        }
    }
    for (name, value) in spec.get("metadata").and_then(Json::as_object).into_iter().flatten() {
        request = request.header(format!("{METADATA}{name}"), value.as_str().unwrap_or_default());
    }
    api.space(&request).await.map(drop)
}

fn shown(answer: &SpaceAnswer) -> Map<String, Json> {
    let text = |name: &str| answer.header(name).unwrap_or_default().to_owned();
    let mut body: Map<String, Json> = HEADERS.iter().map(|(name, header)| ((*name).to_owned(), text(header).into())).collect();
    let metadata = answer.headers().filter_map(|(name, value)| Some((name.strip_prefix(METADATA)?.to_owned(), Json::from(value))));
    body.insert("metadata".to_owned(), Json::Object(metadata.collect()));
    body.insert("etag".to_owned(), text("etag").trim_matches('"').into());
    body.insert("version_id".to_owned(), text("x-amz-version-id").into());
    body
}

async fn live(api: &Client, id: &Id) -> Result<Option<Map<String, Json>>, ApiError> {
    let (region, bucket, key) = parts(id)?;
    let Some(answer) = if_there(api.space(&SpaceRequest::new(Verb::Head, region, bucket, "").of(key)).await)? else { return Ok(None) };
    let mut body = shown(&answer);
    for (name, value) in [("id", key), ("key", key), ("bucket", bucket), ("region", region)] {
        body.insert(name.to_owned(), json!(value));
    }
    Ok(Some(body))
}

/// Takes every version of it away.
async fn remove_versions(api: &Client, (region, bucket, key): (&str, &str, &str)) -> Result<(), ApiError> {
    let request = SpaceRequest::new(Verb::Get, region, bucket, "versions").asking("prefix", key);
    let Some(answer) = if_there(api.space(&request).await)? else { return Ok(()) };
    let listed: Versions = answer.xml()?;
    let object: Vec<Named> = listed.version.into_iter().chain(listed.delete_marker).filter(|of| of.key == key).collect();
    if object.is_empty() {
        return Ok(());
    }
    let request = with(SpaceRequest::new(Verb::Post, region, bucket, "delete"), "Delete", &Delete { object, quiet: true })?;
    let left: Deleted = api.space(&request).await?.xml()?;
    match left.error.first() {
        Some(failure) => Err(ApiError::Unsettled { what: format!("a version of {} cannot be deleted: {}", failure.key, failure.code) }),
        None => Ok(()),
    }
}

impl Kind for Object {
    const NAME: &'static str = "digitalocean_spaces_bucket_object";
    const ATTRS: &'static [Attr] = ATTRS;
    const SCOPES: Scopes = Scopes { read: &[], create: &[], update: &[], delete: &[] };
    const UNIQUE_KEY: &'static [&'static str] = &["region", "bucket", "key"];
    type Spec = Map<String, Json>;
    type Live = Map<String, Json>;

    fn check(body: &Term, complaints: &mut Complaints) {
        complaints::rows(ATTRS, body, &[], complaints);
        let given: Vec<&str> = CONTENTS.into_iter().filter(|name| complaints::is_given(body, name)).collect();
        if let [_, second, ..] = given.as_slice() {
            complaints.error(
                &[second],
                format!("Only one of {} can be given.", CONTENTS.map(|name| format!("`{name}`")).join(", ")),
                "Keep the one that is meant.",
            );
        }
        for name in body.get("metadata").entries().into_iter().flatten().map(|(name, _)| name) {
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
            if !name.bytes().all(fits) {
                complaints.error(
                    &["metadata", &name],
                    format!("`{name}` cannot be the name of a word about it."),
                    "It has lowercase letters, digits and dashes.",
                );
            }
        }
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let lacks = must_have_key(api, jobs);
        if !lacks.is_empty() {
            return Ok(lacks);
        }
        let mut complaints = Complaints::default();
        for job in jobs {
            complaints.about(job);
            if let Some(path) = complaints::text(&job.body, "source").filter(|path| !api.machine().readable(path).is_file()) {
                // Another resource may write it first.
                complaints.warning(
                    &["source"],
                    format!("There is no file {path} yet."),
                    "It must be there when the object is made. Its path starts at the folder of the stack's files.",
                );
            }
            let named = ["region", "bucket", "key"].map(|name| complaints::text(&job.body, name));
            let ([Some(region), Some(bucket), Some(key)], true) = (named, job.creates && job.id.is_none()) else { continue };
            let id = place(&region, &bucket, &key);
            let own = plain(&key);
            let head = SpaceRequest::new(Verb::Head, &region, &bucket, "").of(&own);
            let Some(answer) = if_there(api.space(&head).await)? else { continue };
            let there = shown(&answer);
            // What an interrupted run of ours has put is as it is wanted.
            let wanted = CONTENTS.iter().try_fold(Map::new(), |mut spec, name| {
                spec.insert((*name).to_owned(), job.body.get(name).value()?.to_json());
                Some(spec)
            });
            let is_same = match wanted.map(|spec| content(api, &spec)) {
                Some(Ok(bytes)) => of(&there, "etag") == Some(&hex(&Md5::digest(&bytes))),
                Some(Err(_)) => continue,
                None => true,
            };
            if !is_same {
                complaints.error(
                    &["key"],
                    format!("There is an object `{key}` in the bucket {bucket} already, which holds something else."),
                    format!("Take another key, or adopt it: dofloat import '{}' {id}", job.address),
                );
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Self::Spec, _: Ours<'_>) -> Result<NewObject<Self::Live>, ApiError> {
        let text = |name: &str| of(spec, name).unwrap_or_default();
        let id = place(text("region"), text("bucket"), text("key"));
        put(api, &id, spec).await?;
        Ok(NewObject { id, live: None })
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Self::Live>, ApiError> {
        live(api, id).await
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Self::Spec, seen: &Body) -> Result<(), ApiError> {
        let (region, bucket, key) = parts(id)?;
        if edit == "acl" {
            let request =
                SpaceRequest::new(Verb::Put, region, bucket, "acl").of(key).header("x-amz-acl", of(spec, "acl").unwrap_or("private"));
            return api.space(&request).await.map(drop);
        }
        let mut spec = spec.clone();
        if of(&spec, "content_type").is_none() {
            spec.insert("content_type".to_owned(), seen.get("content_type").map_or(Json::Null, Value::to_json));
        }
        put(api, id, &spec).await
    }

    async fn delete(api: &Client, id: &Id, seen: &Body) -> Result<(), ApiError> {
        let (region, bucket, key) = parts(id)?;
        if seen.get("version_id").and_then(Value::as_str).is_some_and(|version| !version.is_empty()) {
            return remove_versions(api, (region, bucket, key)).await;
        }
        if_there(api.space(&SpaceRequest::new(Verb::Delete, region, bucket, "").of(key)).await).map(drop)
    }

    /// It is made again instead.
    async fn find(_: &Client, _: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Self::Live>>, ApiError> {
        Ok(Vec::new())
    }

    fn identity(body: &Body) -> Option<Id> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let key = text("key").or(text("id"))?;
        match text("bucket") {
            Some(bucket) => Some(place(text("region").unwrap_or("nyc3"), bucket, key)),
            None => Some(Id(key.to_owned())),
        }
    }
}
