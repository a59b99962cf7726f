//! A bucket as the world holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A bucket.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Space {
    pub(crate) region: String,
    /// Whether it is of another account: then only its name is known here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_foreign: bool,
    pub(crate) created: u64,
    pub(crate) acl: String,
    /// Whether versions are kept; nothing if that was never said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) versioned: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cors: Vec<Cors>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lifecycle: Vec<Lifecycle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    /// Where accesses are logged: the bucket, and the beginning of the logs' names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<(String, String)>,
    /// The versions of each object, the newest last.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) objects: BTreeMap<String, Vec<Version>>,
}

/// Who may ask for what lies in a bucket from a page of another origin.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cors {
    pub(crate) id: Option<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) exposed: Vec<String>,
    pub(crate) seconds: Option<i32>,
}

/// The lifecycle rules of objects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lifecycle {
    pub(crate) id: String,
    pub(crate) prefix: String,
    pub(crate) is_enabled: bool,
    pub(crate) abort_days: Option<i32>,
    pub(crate) expires: bool,
    /// In the form of RFC 3339.
    pub(crate) date: Option<String>,
    pub(crate) days: Option<i32>,
    pub(crate) marker: Option<bool>,
    pub(crate) noncurrent_days: Option<i32>,
}

/// A version of an object, or the mark that it was deleted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) is_deleted: bool,
    pub(crate) made: u64,
    pub(crate) acl: String,
    /// The content in base64.
    pub(crate) content: String,
    pub(crate) etag: String,
    /// Headers that are given back as they came.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) metadata: BTreeMap<String, String>,
}
