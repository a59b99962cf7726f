//! Pools of nodes, those that are written with their cluster and the others.
//!
//! Invariant: what DigitalOcean and the official provider mark pools with is not the user's, and is put back with every change.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::attr::{Attr, CREATED_AT, Change, EditName, Lit, Ty};
use crate::compare::{TAGS, or_empty};
use crate::complaints::{self, Complaints};
use crate::erased::{Fut, Scopes};
use crate::plain::{Collection, Hooks, Plain, Ready, Taken, Unique, Update};
use crate::valid::Valid;
use crate::{form, if_there, no_edit};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::wait::Poll;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// The type of the resource that pools lie in, and where those lie.
pub(super) const CLUSTER: &str = "digitalocean_kubernetes_cluster";
pub(super) const CLUSTERS: &str = "/kubernetes/clusters";
/// The official provider waits as long.
pub(super) const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The edit of a pool, also of the one that is written with its cluster.
pub(super) const OF_POOL: Change = Change::InPlace("node_pool");
/// The tag of the pool that is written with its cluster.
pub(super) const DEFAULT: &str = "terraform:default-node-pool";

const NAME: Attr =
    Attr::required("name", Ty::String, OF_POOL, "Its name.").valid(Valid::Asked(crate::form::short, "It has up to 255 characters."));
const SIZE: Attr = Attr::required("size", Ty::String, Change::Replace, "The slug of its nodes' size.");
const COUNT: Attr = Attr::chosen("node_count", Ty::Number, OF_POOL, "How many nodes it has.")
    .wire("count", "/count")
    .follows(&["node_pool"])
    .valid(Valid::Between(0, 1000));
const ACTUAL: Attr = Attr::computed("actual_node_count", Ty::Number, "How many nodes it has now.").at("/count").follows(&["node_pool"]);
const AUTO: Attr =
    Attr::optional("auto_scale", Ty::Bool, OF_POOL, "Whether it scales by itself, within its limits.").default(Lit::Bool(false));
const LEAST: Attr = or_empty(Attr::optional("min_nodes", Ty::Number, OF_POOL, "The fewest nodes that it scales to."));
const MOST: Attr = or_empty(Attr::optional("max_nodes", Ty::Number, OF_POOL, "The most nodes that it scales to."));
const OWN_TAGS: Attr = Attr::optional("tags", Ty::Set(&Ty::String), OF_POOL, "Its tags.")
    .compare(TAGS)
    .valid(Valid::Form(form::tag, crate::tag::ALPHABET))
    .scopes(&["tag:create"]);
const LABELS: Attr = or_empty(Attr::optional("labels", Ty::Map(&Ty::String), OF_POOL, "The labels of its nodes."));
const NODES: Attr = Attr::computed("nodes", Ty::List(&Ty::Object(NODE)), "Its nodes.").follows(&["node_pool"]);
const TAINTS: Attr =
    Attr::optional("taint", Ty::Set(&Ty::Object(TAINT)), OF_POOL, "What keeps pods from its nodes.").blocks().wire("taints", "/taints");

const TAINT: &[Attr] = &[
    Attr::required("key", Ty::String, OF_POOL, "What it is called."),
    Attr::required("value", Ty::String, OF_POOL, "What it says."),
    Attr::required("effect", Ty::String, OF_POOL, "What it does: NoSchedule, PreferNoSchedule or NoExecute.").valid(Valid::OneOf(&[
        "NoSchedule",
        "PreferNoSchedule",
        "NoExecute",
    ])),
];
const NODE: &[Attr] = &[
    Attr::computed("id", Ty::String, "The node's uuid."),
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("status", Ty::String, "provisioning, running, draining or deleting.").at("/status/state"),
    Attr::computed("droplet_id", Ty::String, "The number of its droplet."),
    CREATED_AT,
    Attr::computed("updated_at", Ty::String, "When it was changed."),
];

/// A pool that is written with its cluster.
pub(super) const WITHIN: &[Attr] =
    &[Attr::computed("id", Ty::String, "The pool's uuid."), NAME, SIZE, COUNT, ACTUAL, AUTO, LEAST, MOST, OWN_TAGS, LABELS, TAINTS, NODES];

/// `digitalocean_kubernetes_node_pool`.
pub(crate) static POOL: Plain = Plain {
    name: "digitalocean_kubernetes_node_pool",
    noun: "node pool",
    scopes: Scopes {
        read: &["kubernetes:read"],
        create: &["kubernetes:update", "kubernetes:read"],
        update: &["kubernetes:update", "kubernetes:read"],
        delete: &["kubernetes:update", "kubernetes:read"],
    },
    at: Collection { path: "/kubernetes/clusters/{cluster_id}/node_pools", one: "node_pool", many: "node_pools", id: "id", key: None },
    update: Update::Put,
    unique: &[Unique { attrs: &["cluster_id", "name"], noun: "cluster and name", taken: Taken::Refuse }],
    ready: Some(Ready { attr: "", is: &[], never: &[], limit: LIMIT }),
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The pool's uuid."),
        Attr::required("cluster_id", Ty::String, Change::Replace, "The cluster that it is in.").names(&[CLUSTER], &["id"]),
        NAME,
        SIZE,
        COUNT,
        ACTUAL,
        AUTO,
        LEAST,
        MOST,
        OWN_TAGS,
        LABELS,
        TAINTS,
        NODES,
        crate::attr::TIMEOUTS,
    ],
    hooks: Hooks { check, sent: Some(sent), seen: Some(seen), yet, edit: Some(edit), end: Some(end), ..Hooks::NONE },
    ..Plain::NOTHING
};

fn check(body: &Term, complaints: &mut Complaints) {
    check_count(body, &[], complaints);
}

/// Complains of a pool that nobody says the size of.
pub(super) fn check_count(pool: &Term, at: &[&str], complaints: &mut Complaints) {
    let is_set = |name: &str| !pool.get(name).is_null();
    let scales = pool.get("auto_scale").has_unknown() || complaints::is_true(pool, "auto_scale");
    if !is_set("node_count") && !scales {
        complaints.error(at, "A pool that does not scale needs the argument `node_count`.", "Add it.");
    }
    if complaints::is_true(pool, "auto_scale") && !(is_set("min_nodes") && is_set("max_nodes")) {
        complaints.error(at, "A pool that scales needs the arguments `min_nodes` and `max_nodes`.", "Add them.");
    }
}

/// Makes a pool of a request what the API takes: it always says how many nodes, and is marked.
pub(super) fn completed(pool: &mut Json, marks: &[&str]) {
    let least = pool["min_nodes"].as_u64().unwrap_or(1).max(1);
    if pool["count"].is_null() {
        pool["count"] = json!(least);
    }
    let tags = pool["tags"].as_array().cloned().unwrap_or_default();
    pool["tags"] = tags.into_iter().chain(marks.iter().map(|mark| json!(mark))).collect();
}

fn sent<'a>(_: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    let mut pool = Json::Object(std::mem::take(fields));
    completed(&mut pool, &[]);
    if let Json::Object(whole) = pool {
        *fields = whole;
    }
    Box::pin(async { Ok(()) })
}

fn seen<'a>(_: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    bodies.iter_mut().for_each(strip);
    Box::pin(async { Ok(()) })
}

/// Takes off the tags that are not the user's.
pub(super) fn strip(body: &mut Body) {
    if let Some(Value::List(tags)) = body.get_mut("tags") {
        tags.retain(|tag| !tag.as_str().is_some_and(is_mark));
    }
}

fn is_mark(tag: &str) -> bool {
    tag == "k8s" || tag.starts_with("k8s:") || tag.starts_with("terraform:")
}

/// Leaves the pool that is written with the cluster: the one that is marked, or the only one.
pub(super) fn keep_own(pools: &mut Vec<Value>) {
    let is_marked = |pool: &Value| {
        let tags = pool.as_map().and_then(|pool| pool.get("tags")?.as_list()).unwrap_or_default();
        tags.iter().any(|tag| tag.as_str() == Some(DEFAULT))
    };
    if pools.len() > 1 {
        pools.retain(is_marked);
    }
    pools.truncate(1);
}

fn yet(seen: &Body) -> Option<String> {
    let nodes = seen.get("nodes").and_then(Value::as_list).unwrap_or_default();
    let runs = |node: &&Value| node.as_map().and_then(|node| node.get("status")?.as_str()) == Some("running");
    let count = seen.get("node_count").map(Value::to_json).and_then(|count| count.as_u64()).unwrap_or_default();
    let running = nodes.iter().filter(runs).count() as u64;
    let is_there = running == count && nodes.len() as u64 == count;
    (!is_there).then(|| format!("{running} of {count} nodes run"))
}

/// The whole of what a pool is to be.
pub(super) fn request(pool: &Body, there: u64, marks: &[&str]) -> Json {
    let of = |name: &str| pool.get(name).filter(|value| **value != Value::Null).map(Value::to_json);
    let list = |name: &str| of(name).unwrap_or_else(|| json!([]));
    let number = |name: &str| of(name).unwrap_or_else(|| json!(0));
    let tags = list("tags").as_array().cloned().unwrap_or_default().into_iter().chain(marks.iter().map(|mark| json!(mark)));
    json!({
        "name": of("name"), "count": of("node_count").unwrap_or_else(|| json!(there)), "tags": tags.collect::<Vec<Json>>(),
        "labels": of("labels").unwrap_or_else(|| json!({})), "taints": list("taint"),
        "auto_scale": of("auto_scale") == Some(json!(true)), "min_nodes": number("min_nodes"), "max_nodes": number("max_nodes"),
    })
}

fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        let (Some((cluster, own)), Change::InPlace(name)) = (id.0.split_once(','), OF_POOL) else {
            return Err(no_edit(POOL.name, id, edit));
        };
        if edit != name {
            return Err(no_edit(POOL.name, id, edit));
        }
        let there = seen.get("node_count").map(Value::to_json).and_then(|count| count.as_u64()).unwrap_or(1);
        api.replace(&path(cluster, own), &request(wanted, there, &[])).await?;
        POOL.until_ready(api, id, "update").await.map(drop)
    })
}

/// Its nodes are drained first, which takes a while.
fn end<'a>(api: &'a Client, id: &'a Id, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        let Some((cluster, own)) = id.0.split_once(',') else { return Err(no_edit(POOL.name, id, "delete")) };
        let path = path(cluster, own);
        api.delete(&path, &[]).await?;
        let gone = || async {
            let found: Option<Json> = if_there(api.get(&path, &[]).await)?;
            Ok(if found.is_some() { Poll::Pending("it is still there".to_owned()) } else { Poll::Ready(()) })
        };
        api.wait_saying(&format!("the node pool {id} to be gone"), LIMIT, gone).await
    })
}

pub(super) fn path(cluster: &str, pool: &str) -> String {
    format!("{CLUSTERS}/{}/node_pools/{}", segment(cluster), segment(pool))
}

/// The pool that is written with a cluster, as it is there: its uuid, and how many nodes it has.
///
/// # Errors
/// If there is none, or several and none is marked.
pub(super) async fn own_of(api: &Client, cluster: &Id) -> Result<(String, u64), ApiError> {
    let answer: Json = api.get(&format!("{CLUSTERS}/{}", segment(&cluster.0)), &[]).await?;
    let mut pools: Vec<Value> = answer["kubernetes_cluster"]["node_pools"].as_array().into_iter().flatten().map(Value::from_json).collect();
    keep_own(&mut pools);
    let Some(pool) = pools.first().map(Value::to_json) else {
        let what = format!(
            "none of the node pools of the Kubernetes cluster {cluster} carries the tag `{DEFAULT}`: give it to the one that is meant"
        );
        return Err(ApiError::Unsettled { what });
    };
    Ok((pool["id"].as_str().unwrap_or_default().to_owned(), pool["count"].as_u64().unwrap_or_default()))
}

/// Waits until the nodes of a cluster's pool run.
pub(super) async fn until_running(api: &Client, cluster: &Id, pool: &str) -> Result<(), ApiError> {
    POOL.until_ready(api, &Id(format!("{cluster},{pool}")), "create").await.map(drop)
}
