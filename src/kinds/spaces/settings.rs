//! Settings of a bucket: versioning, lifecycle rules and CORS.
//!
//! Invariant: rows and documents say the same; what was never set reads as nothing.

use serde_json::{Map, Value as Json, json};

use super::wire::{Abort, Cors, CorsRule, Expiration, Filter, Lifecycle, LifecycleRule, Noncurrent, Versioning, with};
use crate::attr::{Attr, Change, Compare, EditName, Lit, Ty};
use crate::compare::or_empty;
use crate::complaints::Complaints;
use crate::valid::Valid;
use crate::{if_there, no_edit};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::space_request::{SpaceAnswer, SpaceRequest, Verb};
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// The settings that a create does not take.
const LATER: [&str; 3] = ["cors_rule", "versioning", "lifecycle_rule"];
const CORS: Change = Change::InPlace("cors");
const LIFECYCLE: Change = Change::InPlace("lifecycle");
const TEXTS: Ty = Ty::List(&Ty::String);

/// Those of a bucket.
pub(super) const CORS_RULE: &[Attr] = &cors_rows(CORS);
/// Those of a resource of their own.
pub(super) const CORS_RULES: &[Attr] = &cors_rows(Change::InPlace("put"));

const fn cors_rows(change: Change) -> [Attr; 4] {
    [
        Attr::required("allowed_methods", TEXTS, change, "The methods that may be used.")
            .valid(Valid::OneOf(&["GET", "PUT", "POST", "DELETE", "HEAD"])),
        Attr::required("allowed_origins", TEXTS, change, "The origins of the pages."),
        Attr::optional("allowed_headers", TEXTS, change, "The headers that may be sent."),
        or_empty(Attr::optional("max_age_seconds", Ty::Number, change, "For how many seconds a browser may remember that.")),
    ]
}

pub(super) const VERSIONING: &[Attr] =
    &[Attr::optional("enabled", Ty::Bool, Change::InPlace("versioning"), "Whether they are.").default(Lit::Bool(false))];

pub(super) const LIFECYCLE_RULE: &[Attr] = &[
    Attr::chosen("id", Ty::String, LIFECYCLE, "The rule's name."),
    Attr::optional("prefix", Ty::String, LIFECYCLE, "What the names of the objects begin with."),
    Attr::required("enabled", Ty::Bool, LIFECYCLE, "Whether the rule is in force."),
    or_empty(Attr::optional(
        "abort_incomplete_multipart_upload_days",
        Ty::Number,
        LIFECYCLE,
        "After how many days an upload in parts is given up.",
    )),
    Attr::optional("expiration", Ty::List(&Ty::Object(EXPIRATION)), LIFECYCLE, "When objects are deleted.").single(),
    Attr::optional("noncurrent_version_expiration", Ty::List(&Ty::Object(NONCURRENT)), LIFECYCLE, "When old versions are deleted.")
        .single(),
];

const EXPIRATION: &[Attr] = &[
    Attr::optional("date", Ty::String, LIFECYCLE, "The day on which they are: 2030-01-31.").compare(Compare::Normal(day)),
    or_empty(Attr::optional("days", Ty::Number, LIFECYCLE, "How many days after they were made.")),
    Attr::optional("expired_object_delete_marker", Ty::Bool, LIFECYCLE, "Whether marks of deleted objects go once no version is left."),
];

const NONCURRENT: &[Attr] = &[or_empty(Attr::optional("days", Ty::Number, LIFECYCLE, "How many days after there was a newer one."))];

/// A date without its time.
fn day(value: &Value) -> Value {
    match value.as_str() {
        Some(text) => text.get(..10).filter(|_| text.as_bytes().get(10) == Some(&b'T')).unwrap_or(text).into(),
        None => value.clone(),
    }
}

pub(super) fn check(body: &Term, complaints: &mut Complaints) {
    for (at, rule) in body.get("lifecycle_rule").items().unwrap_or_default().iter().enumerate() {
        let at = at.to_string();
        let is_set = |name: &str| rule.get(name).items().is_none_or(|items| !items.is_empty());
        let aborts = !rule.get("abort_incomplete_multipart_upload_days").is_null();
        if !is_set("expiration") && !is_set("noncurrent_version_expiration") && !aborts {
            complaints.error(
                &["lifecycle_rule", &at],
                "This rule does nothing.".to_owned(),
                "Write an `expiration` or a `noncurrent_version_expiration` block.",
            );
        }
        for block in rule.get("expiration").items().unwrap_or_default() {
            let date = crate::complaints::text(&block, "date").unwrap_or_default();
            let is_day = date.get(..10).is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok());
            if !date.is_empty() && !is_day {
                complaints.error(
                    &["lifecycle_rule", &at, "expiration", "0", "date"],
                    format!("`{date}` is not a date."),
                    "It looks like 2030-01-31.",
                );
            }
        }
    }
}

pub(super) fn versioning(answer: Option<SpaceAnswer>) -> Result<Json, ApiError> {
    let found: Versioning = answer.map_or(Ok(Versioning::default()), |answer| answer.xml())?;
    Ok(json!([{ "enabled": found.status == "Enabled" }]))
}

pub(super) fn cors(answer: Option<SpaceAnswer>) -> Result<Json, ApiError> {
    let found: Cors = answer.map_or(Ok(Cors::default()), |answer| answer.xml())?;
    let rule = |rule: CorsRule| {
        json!({
            "allowed_methods": rule.methods, "allowed_origins": rule.origins, "allowed_headers": rule.headers,
            "max_age_seconds": rule.max_age_seconds.unwrap_or_default(),
        })
    };
    Ok(found.rules.into_iter().map(rule).collect())
}

pub(super) fn lifecycle(answer: Option<SpaceAnswer>) -> Result<Json, ApiError> {
    let found: Lifecycle = answer.map_or(Ok(Lifecycle::default()), |answer| answer.xml())?;
    let rule = |rule: LifecycleRule| {
        let expiration = rule.expiration.map(|of| {
            let date = of.date.unwrap_or_default();
            json!({
                "date": date.get(..10).unwrap_or(&date), "days": of.days.unwrap_or_default(),
                "expired_object_delete_marker": of.expired_object_delete_marker,
            })
        });
        let noncurrent = rule.noncurrent_version_expiration.map(|of| json!({ "days": of.noncurrent_days }));
        json!({
            "id": rule.id, "prefix": if rule.filter.prefix.is_empty() { rule.prefix } else { rule.filter.prefix },
            "enabled": rule.status == "Enabled", "expiration": Vec::from_iter(expiration),
            "abort_incomplete_multipart_upload_days": rule.abort_incomplete_multipart_upload.map_or(0, |of| of.days_after_initiation),
            "noncurrent_version_expiration": Vec::from_iter(noncurrent),
        })
    };
    Ok(found.rules.into_iter().map(rule).collect())
}

/// A bucket that a create may just have made, with what is only set once it can be seen: nothing of it is there yet.
pub(super) fn as_it_will_be(mut live: Map<String, Json>, wanted: &Body) -> Map<String, Json> {
    for name in LATER {
        let is_nothing =
            live.get(name).is_none_or(|there| there.is_null() || *there == json!([]) || *there == json!([{ "enabled": false }]));
        if let Some(wanted) = wanted.get(name).filter(|wanted| is_nothing && **wanted != Value::Null) {
            live.insert(name.to_owned(), wanted.to_json());
        }
    }
    live
}

/// Sets what is written of a new bucket.
pub(super) async fn begin(api: &Client, at: (&str, &str), wanted: &Term) -> Result<(), ApiError> {
    let known =
        |name: &str| wanted.get(name).value().map(Value::to_json).filter(|value| value.as_array().is_some_and(|all| !all.is_empty()));
    let written: Map<String, Json> = LATER.into_iter().filter_map(|name| Some((name.to_owned(), known(name)?))).collect();
    for (name, edit) in [("cors_rule", "cors"), ("versioning", "versioning"), ("lifecycle_rule", "lifecycle")] {
        let is_default = name == "versioning" && written.get(name).is_some_and(|of| of[0]["enabled"] != true);
        if written.contains_key(name) && !is_default {
            change(api, at, edit, &written, &Body::new()).await?;
        }
    }
    Ok(())
}

/// Brings about an edit.
pub(super) async fn change(
    api: &Client,
    (region, name): (&str, &str),
    edit: EditName,
    wanted: &Map<String, Json>,
    seen: &Body,
) -> Result<(), ApiError> {
    let blocks = |attr: &str| wanted.get(attr).and_then(Json::as_array).cloned().unwrap_or_default();
    let put = || SpaceRequest::new(Verb::Put, region, name, edit);
    let request = match edit {
        "cors" => {
            let rules: Vec<CorsRule> = blocks("cors_rule").iter().map(cors_rule).collect();
            if rules.is_empty() { None } else { Some(with(put(), "CORSConfiguration", &Cors { rules })?) }
        }
        "versioning" => {
            let on = blocks("versioning").first().is_some_and(|of| of["enabled"] == true);
            let status = if on { "Enabled" } else { "Suspended" }.to_owned();
            Some(with(put(), "VersioningConfiguration", &Versioning { status })?)
        }
        "lifecycle" => {
            let there = seen.get("lifecycle_rule").map(Value::to_json).unwrap_or_default();
            let rules: Vec<LifecycleRule> =
                blocks("lifecycle_rule").iter().enumerate().map(|(at, rule)| lifecycle_rule(at, rule, &there[at])).collect();
            if rules.is_empty() { None } else { Some(with(put(), "LifecycleConfiguration", &Lifecycle { rules })?) }
        }
        other => return Err(no_edit("bucket", &Id(name.to_owned()), other)),
    };
    match request {
        Some(request) => api.space(&request).await.map(drop),
        None => if_there(api.space(&SpaceRequest::new(Verb::Delete, region, name, edit)).await).map(drop),
    }
}

fn texts(block: &Json, name: &str) -> Vec<String> {
    block[name].as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn positive(block: &Json, name: &str) -> Option<i64> {
    block[name].as_i64().filter(|number| *number > 0)
}

pub(super) fn cors_rule(block: &Json) -> CorsRule {
    CorsRule {
        methods: texts(block, "allowed_methods"),
        origins: texts(block, "allowed_origins"),
        headers: texts(block, "allowed_headers"),
        max_age_seconds: positive(block, "max_age_seconds"),
        ..CorsRule::default()
    }
}

/// A rule whose name is not written keeps the one that it has.
fn lifecycle_rule(at: usize, block: &Json, there: &Json) -> LifecycleRule {
    let text = |of: &Json, name: &str| of[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let expiration = block["expiration"][0].as_object().map(|_| {
        let of = &block["expiration"][0];
        Expiration {
            date: text(of, "date").map(|date| format!("{}T00:00:00Z", date.get(..10).unwrap_or(&date))),
            days: positive(of, "days"),
            expired_object_delete_marker: of["expired_object_delete_marker"].as_bool(),
        }
    });
    LifecycleRule {
        id: text(block, "id").or_else(|| text(there, "id")).unwrap_or_else(|| format!("dofloat-lifecycle-{}", at + 1)),
        filter: Filter { prefix: text(block, "prefix").unwrap_or_default() },
        prefix: String::new(),
        status: if block["enabled"] == true { "Enabled" } else { "Disabled" }.to_owned(),
        abort_incomplete_multipart_upload: positive(block, "abort_incomplete_multipart_upload_days")
            .map(|days| Abort { days_after_initiation: days }),
        expiration,
        noncurrent_version_expiration: positive(&block["noncurrent_version_expiration"][0], "days")
            .map(|days| Noncurrent { noncurrent_days: days }),
    }
}
