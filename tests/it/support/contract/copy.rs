//! The part of the official document that is kept in the repository, so that its judgement needs no other data.
//!
//! Invariant: of the families that dofloat uses nothing that could judge is left out, and nothing of it is altered. Where the
//! copy comes from, and how it is made anew, is said in `fixtures/openapi/README.md`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::support::harness::test_data;

/// The families that client or simulator speak, by how their paths below `/v2/` begin.
const FAMILIES: &[&str] = &[
    "account",
    "actions",
    "cdn",
    "certificates",
    "databases/{database_cluster_uuid}/ca",
    "databases/{database_cluster_uuid}/dbs",
    "databases/{database_cluster_uuid}/eviction_policy",
    "databases/{database_cluster_uuid}/firewall",
    "databases/{database_cluster_uuid}/logsink",
    "databases/{database_cluster_uuid}/maintenance",
    "databases/{database_cluster_uuid}/migrate",
    "databases/{database_cluster_uuid}/pools",
    "databases/{database_cluster_uuid}/replicas",
    "databases/{database_cluster_uuid}/resize",
    "databases/{database_cluster_uuid}/sql_mode",
    "databases/{database_cluster_uuid}/upgrade",
    "databases/{database_cluster_uuid}/users",
    "domains",
    "droplets",
    "firewalls",
    "floating_ips",
    "images",
    "kubernetes/clusters/{cluster_id}/credentials",
    "kubernetes/clusters/{cluster_id}/destroy_with_associated_resources",
    "kubernetes/clusters/{cluster_id}/upgrade",
    "kubernetes/clusters/{cluster_id}/upgrades",
    "kubernetes/options",
    "load_balancers",
    "monitoring/alerts",
    "partner_network_connect/attachments",
    "projects",
    "regions",
    "reports",
    "reserved_ips",
    "reserved_ipv6",
    "sizes",
    "snapshots",
    "spaces/keys",
    "tags",
    "uptime",
    "volumes",
    "vpc_nat_gateways",
    "vpc_peerings",
    "vpcs",
];

/// Paths that we speak, but not all that lies below them.
const ALONE: &[&str] = &[
    "apps",
    "apps/{app_id}/deployments",
    "apps/{app_id}/deployments/{deployment_id}",
    "apps/{id}",
    "databases",
    "databases/{database_cluster_uuid}",
    "kubernetes/clusters",
    "kubernetes/clusters/{cluster_id}",
    "kubernetes/clusters/{cluster_id}/node_pools",
    "kubernetes/clusters/{cluster_id}/node_pools/{node_pool_id}",
    "kubernetes/registry",
    "registries",
    "registries/subscription",
    "registries/{registry_name}/docker-credentials",
    "registries/{registry_name}",
];

/// Whether a path below `/v2/` is of a family that we speak.
pub(crate) fn is_ours(template: &str) -> bool {
    let begins = |family: &&str| template.strip_prefix(*family).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ALONE.contains(&template) || FAMILIES.iter().any(begins)
}

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/openapi/openapi.json.gz")
}

/// The kept paths of the document, and the components that they lead to.
fn pruned(document: &Value) -> Value {
    let paths = document["paths"].as_object().expect("the document lists paths").iter();
    let kept = paths.filter(|(path, _)| path.strip_prefix("/v2/").is_some_and(is_ours));
    let paths: Map<String, Value> = kept.map(|(path, item)| (path.clone(), without_samples(item))).collect();
    let paths = Value::Object(paths);
    // What the live API answers where a path is unknown is judged too.
    let mut open = vec!["#/components/schemas/error".to_owned()];
    references(&paths, &mut open);
    let (mut seen, mut components) = (BTreeSet::new(), Map::new());
    while let Some(reference) = open.pop() {
        if !seen.insert(reference.clone()) {
            continue;
        }
        let [family, name] = reference["#/components/".len()..].split('/').collect::<Vec<_>>()[..] else {
            panic!("{reference} is no component as a whole")
        };
        let component = without_samples(&document["components"][family][name]);
        assert!(!component.is_null(), "{reference} leads nowhere");
        references(&component, &mut open);
        let family = components.entry(family).or_insert_with(|| json!({}));
        family[name] = component;
    }
    json!({
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": document["info"]["version"], "license": document["info"]["license"]},
        "security": document["security"],
        "paths": paths,
        "components": components,
    })
}

/// Everything that a part of the document refers to, also by the mapping of a discriminator.
fn references(part: &Value, found: &mut Vec<String>) {
    match part {
        Value::String(text) if text.starts_with("#/components/") => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| references(field, found)),
        _ => {}
    }
}

fn without_samples(part: &Value) -> Value {
    match part {
        Value::Array(items) => Value::Array(items.iter().map(without_samples).collect()),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "x-codeSamples");
            Value::Object(kept.map(|(name, field)| (name.clone(), without_samples(field))).collect())
        }
        _ => part.clone(),
    }
}

/// Run with `UPDATE_OPENAPI=1` to write the copy anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, and the one file that it writes")]
fn the_copy_is_what_the_document_gives() {
    let Some(whole) = test_data("do-api/openapi.json") else { return };
    let whole = std::fs::read_to_string(&whole).unwrap_or_else(|error| panic!("cannot read {}: {error}", whole.display()));
    let whole: Value = serde_json::from_str(&whole).expect("the document is JSON");
    let expected = format!("{:#}\n", pruned(&whole));
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        let mut packer = flate2::GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), flate2::Compression::best());
        packer.write_all(expected.as_bytes()).expect("memory takes it");
        std::fs::write(place(), packer.finish().expect("memory takes it")).expect("the package's folder is ours");
    }
    assert!(
        dofloat_openapi::text() == expected,
        "the copy is of another document, or of other families; fixtures/openapi/README.md says how it is made"
    );
}
