//! Clusters of Kubernetes, and the versions that are offered.
//!
//! Invariant: attributes and arguments are the official provider's.

use serde::Deserialize;
use serde_json::Value as Json;

use super::listed::Listed;
use super::source::{Asked, Source, argument};
use crate::attr::{Attr, Ty};
use crate::erased::Fut;
use dofloat_api::client::Client;
use dofloat_base::value::{Body, Value};

pub(super) static SOURCES: [Source; 2] = [
    Source::listed("digitalocean_kubernetes_cluster", &CLUSTER).with(&[argument(
        "kubeconfig_expire_seconds",
        Ty::Number,
        "For how long its credentials are good; 7 days by default.",
    )]),
    Source::asked("digitalocean_kubernetes_versions", &VERSIONS),
];

static CLUSTER: Listed = Listed {
    kind: "digitalocean_kubernetes_cluster",
    noun: "Kubernetes cluster",
    by: &["name"],
    within: &[],
    also: &["kubeconfig_expire_seconds"],
    scopes: &[],
    see: "`doctl kubernetes cluster list` shows what there is.",
};

static VERSIONS: Asked = Asked {
    rows: &[
        Attr::computed("id", Ty::String, "A name for the list."),
        argument("version_prefix", Ty::String, "How they begin, as 1.31.; all otherwise."),
        Attr::computed("latest_version", Ty::String, "The newest of them."),
        Attr::computed("valid_versions", Ty::List(&Ty::String), "All of them, the newest first."),
    ],
    records: &[],
    lacks: None,
    scopes: &["kubernetes:read"],
    read: versions,
};

#[derive(Deserialize)]
struct Version {
    slug: String,
}

fn versions<'a>(api: &'a Client, given: &'a Body) -> Fut<'a, Body> {
    Box::pin(async move {
        let mut answer: Json = api.get("/kubernetes/options", &[]).await?;
        let offered: Vec<Version> = serde_json::from_value(answer["options"]["versions"].take()).unwrap_or_default();
        let prefix = given.get("version_prefix").and_then(Value::as_str).unwrap_or_default();
        let valid: Vec<Value> = offered.iter().filter(|one| one.slug.starts_with(prefix)).map(|one| one.slug.as_str().into()).collect();
        Ok(Body::from([
            ("id".to_owned(), format!("kubernetes_versions/{prefix}").into()),
            ("latest_version".to_owned(), valid.first().cloned().unwrap_or_else(|| "".into())),
            ("valid_versions".to_owned(), Value::List(valid)),
        ]))
    })
}
