//! Kubernetes: clusters, and the pools of nodes in them.
//!
//! Invariant: one of a cluster's pools is written with it, and carries the tag by which the official provider knows it too; the others
//! are resources of their own. A cluster is never made anew for what it cannot do in place, an older version or another size of its
//! pool: that is refused before the first write. What opens it is a secret.

mod credentials;
mod edits;
mod pool;
mod version;

use serde_json::{Map, Value as Json};

use super::attr::{AWAIT_READY, Attr, CREATED_AT, Change, Compare, Lit, TIMEOUTS, Ty, URN};
use super::compare::{NETWORK, TAGS, or_empty};
use super::complaints::{self, Complaints};
use super::erased::{Fut, Scopes};
use super::job::Job;
use super::plain::{Collection, Hooks, Plain, Ready, Taken, UPDATE, Unique, Update};
use super::valid::Valid;
use super::{form, vpc};
use dofloat_api::client::Client;
use dofloat_base::value::{Body, Term, Value};

pub(crate) use pool::POOL;
use pool::{LIMIT, OF_POOL};

const CHANGED: Change = Change::InPlace(UPDATE);
const NETWORK_FORM: Valid =
    Valid::Form(|text| text.contains('/') && form::network(text).is_some(), "It is a range in CIDR notation, like 10.244.0.0/16.");

/// An option that is on or off.
const fn switch(name: &'static str, doc: &'static str) -> Attr {
    const SWITCH: &[Attr] = &[Attr::required("enabled", Ty::Bool, CHANGED, "Whether it is on.")];
    Attr::chosen(name, Ty::List(&Ty::Object(SWITCH)), CHANGED, doc).single()
}

/// `digitalocean_kubernetes_cluster`.
pub(crate) static CLUSTER: Plain = Plain {
    name: pool::CLUSTER,
    noun: "Kubernetes cluster",
    scopes: Scopes {
        read: &["kubernetes:read", "kubernetes:access_cluster"],
        // Its pool is made with a tag that tells it from others.
        create: &["kubernetes:create", "kubernetes:read", "kubernetes:access_cluster", "tag:create", "tag:read"],
        update: &["kubernetes:update", "kubernetes:read", "kubernetes:access_cluster"],
        delete: &["kubernetes:delete"],
    },
    at: Collection { path: pool::CLUSTERS, one: "kubernetes_cluster", many: "kubernetes_clusters", id: "id", key: None },
    update: Update::Put,
    // DigitalOcean allows two of one name, which nobody wants to have.
    unique: &[Unique { attrs: &["name", "region"], noun: "name and region", taken: Taken::Allow }],
    ready: Some(Ready { attr: "status", is: &["running"], never: &["error", "deleted"], limit: LIMIT }),
    urn: "kubernetes",
    billed: true,
    attrs: ATTRS,
    hooks: Hooks {
        check,
        against,
        sent: Some(sent),
        seen: Some(seen),
        read_details: Some(credentials::add),
        after_create: Some(edits::after_create),
        edit: Some(edits::edit),
        end: Some(edits::end),
        ..Hooks::NONE
    },
    ..Plain::NOTHING
};

const ATTRS: &[Attr] = &[
    Attr::computed("id", Ty::String, "The cluster's uuid."),
    Attr::required("name", Ty::String, CHANGED, "Its name.").valid(Valid::Asked(form::short, "It has up to 255 characters.")),
    Attr::required("region", Ty::String, Change::Replace, "The region's slug.").compare(Compare::NoCase),
    Attr::required("version", Ty::String, Change::InPlace("upgrade"), "Its version, the beginning of one (1.31), or latest.")
        .suits(version::suits)
        .echo(version::SHOWN),
    Attr::required("node_pool", Ty::List(&Ty::Object(pool::WITHIN)), OF_POOL, "The pool of nodes that it begins with.")
        .blocks()
        .wire("node_pools", "/node_pools"),
    Attr::chosen("vpc_uuid", Ty::String, Change::Replace, "The VPC that it is in.").names(&["digitalocean_vpc"], &["id"]),
    Attr::chosen("worker_subnet_uuid", Ty::String, Change::Replace, "The subnet of the VPC that its nodes are in."),
    Attr::chosen("cluster_subnet", Ty::String, Change::Replace, "The addresses of its pods.").compare(NETWORK).valid(NETWORK_FORM),
    Attr::chosen("service_subnet", Ty::String, Change::Replace, "The addresses of its services.").compare(NETWORK).valid(NETWORK_FORM),
    Attr::optional("auto_upgrade", Ty::Bool, CHANGED, "Whether it gets new patch releases by itself.").default(Lit::Bool(false)),
    Attr::optional("surge_upgrade", Ty::Bool, CHANGED, "Whether an upgrade makes new nodes before old ones go.").default(Lit::Bool(true)),
    Attr::chosen("ha", Ty::Bool, CHANGED, "Whether its control plane is highly available; it stays so."),
    Attr::optional("isolated_workers", Ty::Bool, Change::Replace, "Whether its nodes have hardware of their own.")
        .default(Lit::Bool(false)),
    Attr::optional("registry_integration", Ty::Bool, Change::InPlace("registry"), "Whether it pulls from the account's registry.")
        .default(Lit::Bool(false))
        .wire("registry_enabled", "/registry_enabled"),
    Attr::chosen("maintenance_policy", Ty::List(&Ty::Object(MAINTENANCE)), CHANGED, "When it may be upgraded.").single(),
    Attr::chosen("control_plane_firewall", Ty::List(&Ty::Object(FIREWALL)), CHANGED, "Who may reach its control plane.").single(),
    Attr::optional("cluster_autoscaler_configuration", Ty::List(&Ty::Object(AUTOSCALER)), CHANGED, "How it scales.").single().whole(),
    Attr::chosen("sso", Ty::List(&Ty::Object(SSO)), CHANGED, "How people log in.").single(),
    switch("routing_agent", "The routing agent."),
    switch("p2p_oci_registry_plugin", "The plugin by which nodes give images to each other."),
    switch("amd_gpu_device_plugin", "The plugin for AMD GPUs."),
    switch("amd_gpu_device_metrics_exporter_plugin", "The plugin that tells how AMD GPUs do."),
    switch("nvidia_gpu_device_plugin", "The plugin for NVIDIA GPUs."),
    switch("rdma_shared_device_plugin", "The plugin for shared RDMA devices.").wire("rdma_shared_dev_plugin", "/rdma_shared_dev_plugin"),
    switch("coredns_autoscaler", "What scales CoreDNS with the cluster."),
    Attr::optional("tags", Ty::Set(&Ty::String), CHANGED, "Its tags.")
        .compare(TAGS)
        .valid(Valid::Form(form::tag, super::tag::ALPHABET))
        .scopes(&["tag:create"]),
    Attr::optional("destroy_all_associated_resources", Ty::Bool, Change::Local, "Whether what it has made goes with it.")
        .default(Lit::Bool(false))
        .write_only(),
    Attr::optional("kubeconfig_expire_seconds", Ty::Number, Change::Local, "For how long its credentials are good; 7 days by default.")
        .write_only()
        .valid(Valid::Between(0, i64::MAX)),
    TIMEOUTS,
    Attr::computed("endpoint", Ty::String, "The address of its API.").follows(&[AWAIT_READY]),
    Attr::computed("ipv4_address", Ty::String, "The address of its control plane.").at("/ipv4").follows(&[AWAIT_READY, UPDATE]),
    Attr::computed("status", Ty::String, "provisioning, running, degraded, error and so on.")
        .at("/status/state")
        .follows(&[AWAIT_READY])
        .volatile(),
    CREATED_AT,
    Attr::computed("updated_at", Ty::String, "When it was changed.").volatile(),
    URN,
    // Another one each time that it is asked for: what is kept of it is kept apart.
    Attr::computed("kube_config", Ty::List(&Ty::Object(credentials::ROWS)), "What opens it.").single().volatile().follows(&[AWAIT_READY]),
];

const MAINTENANCE: &[Attr] = &[
    Attr::chosen("day", Ty::String, CHANGED, "monday to sunday, or any.").compare(Compare::NoCase).valid(Valid::Form(
        |day| {
            let day = day.to_lowercase();
            ["any", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].contains(&day.as_str())
        },
        "It is a day of the week, or any.",
    )),
    Attr::chosen("start_time", Ty::String, CHANGED, "The time in UTC, as 04:00."),
    Attr::computed("duration", Ty::String, "How long it takes.").follows(&[UPDATE]),
];

const FIREWALL: &[Attr] = &[
    Attr::required("enabled", Ty::Bool, CHANGED, "Whether it is on."),
    Attr::required("allowed_addresses", Ty::List(&Ty::String), CHANGED, "Addresses and ranges that may."),
];

const AUTOSCALER: &[Attr] = &[
    or_empty(Attr::optional("scale_down_utilization_threshold", Ty::Number, CHANGED, "Below which load a node may go, 0 to 1.")),
    Attr::optional("scale_down_unneeded_time", Ty::String, CHANGED, "For how long a node must be idle, as 10m0s."),
    // The official provider's documentation spells one of them otherwise than the API's.
    Attr::optional("expanders", Ty::List(&Ty::String), CHANGED, "How the pool that grows is picked.")
        .compare(Compare::Normal(underscored))
        .valid(Valid::OneOf(&["random", "priority", "least_waste", "least-waste"])),
];

const SSO: &[Attr] = &[
    Attr::required("enabled", Ty::Bool, CHANGED, "Whether it is on."),
    Attr::optional("required", Ty::Bool, CHANGED, "Whether there is no other way.").default(Lit::Bool(false)),
    Attr::optional("issuer_url", Ty::String, CHANGED, "Who says who somebody is."),
    Attr::optional("client_id", Ty::String, CHANGED, "What the cluster is called there."),
];

fn underscored(value: &Value) -> Value {
    let Value::List(items) = value else { return value.clone() };
    Value::List(items.iter().map(|item| item.as_str().map_or_else(|| item.clone(), |text| text.replace('-', "_").into())).collect())
}

fn check(body: &Term, complaints: &mut Complaints) {
    if complaints::items(body, "node_pool").len() > 1 {
        complaints.error(
            &["node_pool", "1"],
            "There is one `node_pool` at most.",
            "Write each further pool as a `digitalocean_kubernetes_node_pool` resource.",
        );
    }
    for pool in complaints::items(body, "node_pool") {
        pool::check_count(&pool, &["node_pool", "0"], complaints);
    }
}

/// Refuses what cannot be done in place: it would take everything that runs in the cluster with it.
fn against(job: &Job, seen: &Body, complaints: &mut Complaints) {
    let anew = || format!("To have a new cluster in its place, and lose what runs in this one: dofloat apply -replace='{}'", job.address);
    let there = seen.get("version").and_then(Value::as_str).unwrap_or_default();
    if let Some(wanted) = complaints::text(&job.body, "version").filter(|wanted| version::is_before(wanted, there))
        && !(complaints::is_true(&job.body, "auto_upgrade") && version::is_later_patch(&wanted, there))
    {
        let message = format!("The cluster is at version {there} already: a cluster never goes back to an older one.");
        complaints.error(&["version"], message, format!("Write the version that it has. {}", anew()));
    }
    if job.body.get("ha") == Term::Value(false.into()) && seen.get("ha") == Some(&true.into()) {
        complaints.error(&["ha"], "A control plane that is highly available stays so.", format!("Remove `ha = false`. {}", anew()));
    }
    let pool = complaints::items(&job.body, "node_pool").first().and_then(|pool| complaints::text(pool, "size"));
    let size = seen.get("node_pool").and_then(|pools| pools.as_list()?.first()?.as_map()?.get("size")?.as_str());
    if let (Some(wanted), Some(there)) = (pool, size)
        && wanted != there
    {
        let message = format!("The pool that is written with a cluster keeps its size, {there}.");
        let hint = "Add nodes of the other size as a `digitalocean_kubernetes_node_pool` resource.";
        complaints.error(&["node_pool", "0", "size"], message, format!("{hint} {}", anew()));
    }
}

fn sent<'a>(_: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    fields.remove("registry_enabled");
    for pool in fields.get_mut("node_pools").and_then(Json::as_array_mut).into_iter().flatten() {
        pool::completed(pool, &[pool::DEFAULT]);
    }
    Box::pin(async { Ok(()) })
}

/// The pool that is its own alone, and no tags but the user's.
fn seen<'a>(_: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    for body in bodies {
        if let Some(Value::List(pools)) = body.get_mut("node_pool") {
            pool::keep_own(pools);
            for pool in pools {
                if let Value::Map(pool) = pool {
                    pool::strip(pool);
                }
            }
        }
        pool::strip(body);
        for name in ["created_at", "updated_at"] {
            if let Some(text) = body.get(name).and_then(Value::as_str) {
                let text = vpc::moment(text);
                body.insert(name.to_owned(), text.into());
            }
        }
    }
    Box::pin(async { Ok(()) })
}
