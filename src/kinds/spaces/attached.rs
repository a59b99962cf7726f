//! Bucket settings that are resources of their own: the policy, the CORS rules, and where accesses are logged.
//!
//! Invariant: there is one of each in a bucket, and it is made and changed by the same PUT, so making it again does no harm. One that
//! is there before and says something else is never overwritten unasked.

use std::marker::PhantomData;

use serde_json::{Map, Value as Json, json};

use super::bucket::{must_have_key, parts, region};
use super::settings;
use super::wire::{Cors, Logging, LoggingEnabled, with, with_digest};
use crate::attr::{Attr, Change, Compare, EditName, Ty};
use crate::complaints::{self, Complaints};
use crate::erased::{Complaint, Job, Scopes};
use crate::valid::Valid;
use crate::{Candidate, Kind, NewObject, if_there};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::space_request::{SpaceAnswer, SpaceRequest, Verb};
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term, Value};

const PUT: Change = Change::InPlace("put");

/// A part of a bucket.
pub(crate) trait Of: Send + Sync + 'static {
    /// The resource type.
    const NAME: &'static str;
    /// The attribute table.
    const ATTRS: &'static [Attr];
    /// The protocol's name for it.
    const PART: &'static str;
    /// Its attributes, which hold it.
    const HELD: &'static [&'static str];

    /// The setting as it was read, in the order of its attributes; nothing where it is not set.
    fn read(answer: SpaceAnswer) -> Result<Option<Vec<Json>>, ApiError>;
    /// The request that sets it.
    fn put<'a>(request: SpaceRequest<'a>, spec: &Map<String, Json>) -> Result<SpaceRequest<'a>, ApiError>;
    /// The request that takes it away.
    fn end<'a>(region: &'a str, bucket: &'a str) -> Result<SpaceRequest<'a>, ApiError> {
        Ok(SpaceRequest::new(Verb::Delete, region, bucket, Self::PART))
    }
}

/// The kind of a part.
pub(crate) struct Attached<P>(PhantomData<P>);

const fn bucket() -> Attr {
    Attr::required("bucket", Ty::String, Change::Replace, "The name of the bucket.")
        .identity()
        .names(&["digitalocean_spaces_bucket"], &["name", "id"])
}

const fn needed(row: Attr) -> Attr {
    Attr { presence: crate::attr::Presence::Required, default: None, ..row }
}

/// `digitalocean_spaces_bucket_policy`.
pub(crate) struct Policy;

impl Of for Policy {
    const NAME: &'static str = "digitalocean_spaces_bucket_policy";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The bucket's name."),
        needed(region()),
        bucket(),
        Attr::required("policy", Ty::String, PUT, "Who may do what, in JSON.")
            .compare(Compare::Normal(one_form))
            .valid(Valid::Form(is_json, "It is a document in JSON; `jsonencode` writes one.")),
    ];
    const PART: &'static str = "policy";
    const HELD: &'static [&'static str] = &["policy"];

    fn read(answer: SpaceAnswer) -> Result<Option<Vec<Json>>, ApiError> {
        Ok(Some(vec![String::from_utf8_lossy(&answer.body).into_owned().into()]))
    }

    fn put<'a>(request: SpaceRequest<'a>, spec: &Map<String, Json>) -> Result<SpaceRequest<'a>, ApiError> {
        let text = text(spec, "policy").as_bytes().to_vec();
        Ok(with_digest(request, text).header("content-type", "application/json"))
    }
}

fn text<'a>(spec: &'a Map<String, Json>, name: &str) -> &'a str {
    spec.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Map<String, Json>>(text).is_ok()
}

/// A document without regard to spaces and the order of its fields.
fn one_form(value: &Value) -> Value {
    let parsed = value.as_str().and_then(|text| serde_json::from_str::<Json>(text).ok());
    parsed.map_or_else(|| value.clone(), |parsed| parsed.to_string().into())
}

/// `digitalocean_spaces_bucket_cors_configuration`.
pub(crate) struct CorsConfiguration;

impl Of for CorsConfiguration {
    const NAME: &'static str = "digitalocean_spaces_bucket_cors_configuration";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The bucket's name."),
        needed(region()),
        bucket(),
        Attr::required("cors_rule", Ty::List(&Ty::Object(settings::CORS_RULES)), PUT, "Which pages may ask for its objects.").blocks(),
    ];
    const PART: &'static str = "cors";
    const HELD: &'static [&'static str] = &["cors_rule"];

    fn read(answer: SpaceAnswer) -> Result<Option<Vec<Json>>, ApiError> {
        Ok(Some(vec![settings::cors(Some(answer))?]))
    }

    fn put<'a>(request: SpaceRequest<'a>, spec: &Map<String, Json>) -> Result<SpaceRequest<'a>, ApiError> {
        let rules = spec.get("cors_rule").and_then(Json::as_array).into_iter().flatten().map(settings::cors_rule).collect();
        with(request, "CORSConfiguration", &Cors { rules })
    }
}

/// `digitalocean_spaces_bucket_logging`.
pub(crate) struct AccessLog;

impl Of for AccessLog {
    const NAME: &'static str = "digitalocean_spaces_bucket_logging";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The bucket's name."),
        needed(region()),
        bucket(),
        Attr::required("target_bucket", Ty::String, PUT, "The name of the bucket that accesses are logged in; it is in the same region.")
            .names(&["digitalocean_spaces_bucket"], &["name", "id"]),
        Attr::required("target_prefix", Ty::String, PUT, "What the names of the logs begin with."),
    ];
    const PART: &'static str = "logging";
    const HELD: &'static [&'static str] = &["target_bucket", "target_prefix"];

    fn read(answer: SpaceAnswer) -> Result<Option<Vec<Json>>, ApiError> {
        let found: Logging = answer.xml()?;
        Ok(found.logging_enabled.map(|of| vec![of.target_bucket.into(), of.target_prefix.into()]))
    }

    fn put<'a>(request: SpaceRequest<'a>, spec: &Map<String, Json>) -> Result<SpaceRequest<'a>, ApiError> {
        let of = |name| text(spec, name).to_owned();
        let enabled = LoggingEnabled { target_bucket: of("target_bucket"), target_prefix: of("target_prefix") };
        with(request, "BucketLoggingStatus", &Logging { logging_enabled: Some(enabled) })
    }

    /// The protocol has no DELETE of it: it is set to nothing.
    fn end<'a>(region: &'a str, bucket: &'a str) -> Result<SpaceRequest<'a>, ApiError> {
        with(SpaceRequest::new(Verb::Put, region, bucket, Self::PART), "BucketLoggingStatus", &Logging::default())
    }
}

fn place(region: &str, bucket: &str) -> Id {
    Id(format!("{},{bucket}", region.to_lowercase()))
}

impl<P: Of> Attached<P> {
    async fn live(api: &Client, id: &Id) -> Result<Option<Map<String, Json>>, ApiError> {
        let (region, bucket) = parts(id)?;
        let Some(answer) = if_there(api.space(&SpaceRequest::new(Verb::Get, region, bucket, P::PART)).await)? else { return Ok(None) };
        let Some(held) = P::read(answer)? else { return Ok(None) };
        let place = [("id", json!(bucket)), ("bucket", json!(bucket)), ("region", json!(region))];
        let fields = place.into_iter().chain(P::HELD.iter().copied().zip(held));
        Ok(Some(fields.map(|(name, value)| (name.to_owned(), value)).collect()))
    }

    async fn set(api: &Client, id: &Id, spec: &Map<String, Json>) -> Result<(), ApiError> {
        let (region, bucket) = parts(id)?;
        api.space(&P::put(SpaceRequest::new(Verb::Put, region, bucket, P::PART), spec)?).await.map(drop)
    }
}

impl<P: Of> Kind for Attached<P> {
    const NAME: &'static str = P::NAME;
    const ATTRS: &'static [Attr] = P::ATTRS;
    const SCOPES: Scopes = Scopes { read: &[], create: &[], update: &[], delete: &[] };
    const UNIQUE_KEY: &'static [&'static str] = &["region", "bucket"];
    type Spec = Map<String, Json>;
    type Live = Map<String, Json>;

    fn check(body: &Term, complaints: &mut Complaints) {
        complaints::rows(P::ATTRS, body, &[], complaints);
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let lacks = must_have_key(api, jobs);
        if !lacks.is_empty() {
            return Ok(lacks);
        }
        let mut complaints = Complaints::default();
        for job in jobs.iter().filter(|job| job.creates && job.id.is_none()) {
            let (Some(region), Some(bucket)) = (complaints::text(&job.body, "region"), complaints::text(&job.body, "bucket")) else {
                continue;
            };
            let id = place(&region, &bucket);
            let Some(there) = Self::live(api, &id).await? else { continue };
            let is_as_wanted = |row: &Attr| {
                let there = row.normal(&Value::from_json(&there[row.name]), &Body::new());
                job.body.get(row.name).value().is_some_and(|wanted| row.normal(wanted, &Body::new()) == there)
            };
            let Some(differs) = P::ATTRS.iter().find(|row| P::HELD.contains(&row.name) && !is_as_wanted(row)) else { continue };
            complaints.about(job);
            complaints.error(
                &[differs.name],
                format!("The bucket `{bucket}` has another {} already.", P::PART),
                format!("Adopt it: dofloat import '{}' {id}", job.address),
            );
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Self::Spec, _: Ours<'_>) -> Result<NewObject<Self::Live>, ApiError> {
        let id = place(text(spec, "region"), text(spec, "bucket"));
        Self::set(api, &id, spec).await?;
        Ok(NewObject { id, live: None })
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Self::Live>, ApiError> {
        Self::live(api, id).await
    }

    async fn edit(api: &Client, id: &Id, _: EditName, spec: &Self::Spec, _: &Body) -> Result<(), ApiError> {
        Self::set(api, id, spec).await
    }

    async fn delete(api: &Client, id: &Id, _: &Body) -> Result<(), ApiError> {
        let (region, bucket) = parts(id)?;
        if_there(api.space(&P::end(region, bucket)?).await).map(drop)
    }

    /// It is made again instead.
    async fn find(_: &Client, _: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Self::Live>>, ApiError> {
        Ok(Vec::new())
    }

    fn identity(body: &Body) -> Option<Id> {
        let of = |name: &str| body.get(name).and_then(Value::as_str);
        let bucket = of("bucket").or(of("id"))?;
        if bucket.contains(',') { Some(Id(bucket.to_owned())) } else { Some(place(of("region").unwrap_or("nyc3"), bucket)) }
    }
}
