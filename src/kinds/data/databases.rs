//! Database clusters, and users, pools, replicas and the authority of one.
//!
//! Invariant: attributes and arguments are the official provider's; what is given of an object is what its resource type reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::listed::Listed;
use super::source::{Asked, Source};
use crate::attr::{Attr, Change, Ty};
use crate::erased::Fut;
use dofloat_api::client::{Client, segment};
use dofloat_base::value::{Body, Value};

pub(super) static SOURCES: [Source; 5] = [
    Source::asked("digitalocean_database_ca", &AUTHORITY),
    Source::listed("digitalocean_database_cluster", &CLUSTER),
    Source::listed("digitalocean_database_connection_pool", &POOL).with(IN_CLUSTER),
    Source::listed("digitalocean_database_replica", &REPLICA).with(IN_CLUSTER),
    Source::listed("digitalocean_database_user", &USER).with(IN_CLUSTER),
];

const CLUSTER_ID: Attr = Attr::required("cluster_id", Ty::String, Change::Local, "The cluster's uuid.");
const IN_CLUSTER: &[Attr] = &[CLUSTER_ID];

static CLUSTER: Listed = Listed {
    kind: "digitalocean_database_cluster",
    noun: "database cluster",
    by: &["name"],
    within: &[],
    also: &[],
    scopes: &[],
    see: "`doctl databases list` shows what there is.",
};

static POOL: Listed = Listed {
    kind: "digitalocean_database_connection_pool",
    noun: "connection pool",
    by: &["name"],
    within: &["cluster_id"],
    also: &[],
    scopes: &[],
    see: "`doctl databases pool list CLUSTER` shows what there is.",
};

static REPLICA: Listed = Listed {
    kind: "digitalocean_database_replica",
    noun: "database replica",
    by: &["name"],
    within: &["cluster_id"],
    also: &[],
    scopes: &[],
    see: "`doctl databases replica list CLUSTER` shows what there is.",
};

static USER: Listed = Listed {
    kind: "digitalocean_database_user",
    noun: "database user",
    by: &["name"],
    within: &["cluster_id"],
    also: &[],
    scopes: &[],
    see: "`doctl databases user list CLUSTER` shows what there is.",
};

static AUTHORITY: Asked = Asked {
    rows: &[
        Attr::computed("id", Ty::String, "The cluster's uuid."),
        CLUSTER_ID,
        Attr::computed("certificate", Ty::String, "The certificate of the authority that connections are secured by."),
    ],
    records: &[],
    lacks: None,
    scopes: &["database:read"],
    read: authority,
};

fn authority<'a>(api: &'a Client, given: &'a Body) -> Fut<'a, Body> {
    Box::pin(async move {
        let id = given.get("cluster_id").and_then(Value::as_str).unwrap_or_default();
        let answer: Json = api.get(&format!("/databases/{}/ca", segment(id)), &[]).await?;
        let bytes = STANDARD.decode(answer["ca"]["certificate"].as_str().unwrap_or_default()).unwrap_or_default();
        Ok(Body::from([("id".to_owned(), id.into()), ("certificate".to_owned(), String::from_utf8_lossy(&bytes).into_owned().into())]))
    })
}
