//! The XML of the S3 protocol, as far as buckets need it.
//!
//! Invariant: names are those of the protocol; what is left out is nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use dofloat_api::error::ApiError;
use dofloat_api::space_request::{SpaceRequest, xml};

/// The XML namespace of the documents.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Who may read what lies in a bucket from a page of another origin.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Cors {
    #[serde(rename = "CORSRule")]
    pub(super) rules: Vec<CorsRule>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CorsRule {
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(rename = "AllowedOrigin")]
    pub(super) origins: Vec<String>,
    #[serde(rename = "AllowedMethod")]
    pub(super) methods: Vec<String>,
    #[serde(rename = "AllowedHeader")]
    pub(super) headers: Vec<String>,
    #[serde(rename = "ExposeHeader")]
    pub(super) exposed: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_age_seconds: Option<i64>,
}

/// The lifecycle rules of objects.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Lifecycle {
    #[serde(rename = "Rule")]
    pub(super) rules: Vec<LifecycleRule>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LifecycleRule {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) filter: Filter,
    /// The old place of the prefix.
    #[serde(skip_serializing)]
    pub(super) prefix: String,
    pub(super) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) abort_incomplete_multipart_upload: Option<Abort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expiration: Option<Expiration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) noncurrent_version_expiration: Option<Noncurrent>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Filter {
    pub(super) prefix: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Abort {
    pub(super) days_after_initiation: i64,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Expiration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expired_object_delete_marker: Option<bool>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Noncurrent {
    pub(super) noncurrent_days: i64,
}

/// Whether versions are kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Versioning {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) status: String,
}

/// Where accesses are logged.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Logging {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logging_enabled: Option<LoggingEnabled>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LoggingEnabled {
    pub(super) target_bucket: String,
    pub(super) target_prefix: String,
}

/// Who may do what.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Policy {
    pub(super) access_control_list: Grants,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Grants {
    pub(super) grant: Vec<Grant>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Grant {
    pub(super) grantee: Grantee,
    pub(super) permission: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Grantee {
    #[serde(rename = "URI")]
    pub(super) uri: String,
}

impl Policy {
    /// By which name the rights are asked for.
    pub(super) fn canned(&self) -> &'static str {
        let can = |who: &str, what: &str| {
            self.access_control_list
                .grant
                .iter()
                .any(|of| of.grantee.uri.ends_with(who) && [what, "FULL_CONTROL"].contains(&of.permission.as_str()))
        };
        match (can("/AllUsers", "READ"), can("/AllUsers", "WRITE"), can("/AuthenticatedUsers", "READ")) {
            (_, true, _) => "public-read-write",
            (true, ..) => "public-read",
            (.., true) => "authenticated-read",
            _ => "private",
        }
    }
}

/// The versions of objects.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Versions {
    pub(super) version: Vec<Named>,
    pub(super) delete_marker: Vec<Named>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Named {
    pub(super) key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version_id: Option<String>,
}

/// The objects to delete.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    pub(super) object: Vec<Named>,
    pub(super) quiet: bool,
}

/// The objects that could not be deleted.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Deleted {
    pub(super) error: Vec<Failure>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Failure {
    pub(super) key: String,
    pub(super) code: String,
}

/// Objects in a bucket.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Contents {
    pub(super) contents: Vec<Named>,
}

/// A request with a document, and the digest that it needs.
pub(super) fn with<'a>(request: SpaceRequest<'a>, root: &str, document: &impl Serialize) -> Result<SpaceRequest<'a>, ApiError> {
    let body = xml(root, document)?;
    // The namespace belongs to the outermost element.
    let text = String::from_utf8_lossy(&body).replacen(&format!("<{root}"), &format!("<{root} xmlns=\"{NAMESPACE}\""), 1);
    Ok(with_digest(request, text.into_bytes()).header("content-type", "application/xml"))
}

/// A request with a body, and the digest that it needs.
pub(super) fn with_digest(request: SpaceRequest<'_>, body: Vec<u8>) -> SpaceRequest<'_> {
    request.header("content-md5", STANDARD.encode(Md5::digest(&body))).body(body)
}
