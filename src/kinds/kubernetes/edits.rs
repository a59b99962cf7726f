//! Edits of a cluster that have requests of their own.
//!
//! Invariant: an upgrade is waited for, so that the next plan does not ask for it again; all of it may be repeated.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::pool::{CLUSTER, CLUSTERS, LIMIT};
use super::{credentials, pool, version};
use crate::attr::EditName;
use crate::complaints;
use crate::erased::Fut;
use crate::{kept, no_edit};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::wait::Poll;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

fn path(id: &Id) -> String {
    format!("{CLUSTERS}/{}", segment(&id.0))
}

pub(super) fn after_create<'a>(api: &'a Client, id: &'a Id, wanted: &'a Term) -> Fut<'a, ()> {
    Box::pin(async move {
        credentials::prepare(api, id, complaints::number(wanted, "kubeconfig_expire_seconds"));
        if complaints::is_true(wanted, "registry_integration") {
            until_running(api, id, None).await?;
            integrate(api, id, true).await?;
        }
        Ok(())
    })
}

pub(super) fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        match edit {
            "node_pool" => resize(api, id, wanted).await,
            "upgrade" => upgrade(api, id, wanted.get("version").and_then(Value::as_str).unwrap_or_default()).await,
            "registry" => integrate(api, id, wanted.get("registry_integration") == Some(&true.into())).await,
            _ => Err(no_edit(CLUSTER, id, edit)),
        }
    })
}

async fn resize(api: &Client, id: &Id, wanted: &Body) -> Result<(), ApiError> {
    let Some(block) = wanted.get("node_pool").and_then(|pools| pools.as_list()?.first()?.as_map()) else { return Ok(()) };
    let (own, count) = pool::own_of(api, id).await?;
    api.replace(&pool::path(&id.0, &own), &pool::request(block, count, &[pool::DEFAULT])).await?;
    pool::until_running(api, id, &own).await
}

#[derive(Deserialize)]
struct Upgrades {
    #[serde(default)]
    available_upgrade_versions: Option<Vec<Upgrade>>,
}

#[derive(Deserialize)]
struct Upgrade {
    slug: String,
}

async fn upgrade(api: &Client, id: &Id, wanted: &str) -> Result<(), ApiError> {
    let target = if version::is_whole(wanted) {
        wanted.to_owned()
    } else {
        let found: Upgrades = api.get(&format!("{}/upgrades", path(id)), &[]).await?;
        let offered = found.available_upgrade_versions.unwrap_or_default().into_iter().map(|upgrade| upgrade.slug);
        let all: Vec<String> = offered.collect();
        all.iter().find(|slug| version::fits(wanted, slug)).cloned().ok_or_else(|| {
            let what = format!("the cluster {id} cannot be upgraded to {wanted}; it can be to: {}", all.join(", "));
            ApiError::Unsettled { what }
        })?
    };
    api.repeatable_post(&format!("{}/upgrade", path(id)), &json!({ "version": target })).await?;
    until_running(api, id, Some(&target)).await
}

/// Waits until a cluster runs, with a version.
async fn until_running(api: &Client, id: &Id, wanted: Option<&str>) -> Result<(), ApiError> {
    let look = || async {
        let answer: Json = api.get(&path(id), &[]).await?;
        let cluster = &answer["kubernetes_cluster"];
        let (state, version) = (cluster["status"]["state"].as_str().unwrap_or_default(), cluster["version"].as_str().unwrap_or_default());
        if state == "error" {
            let what = format!("the cluster {id} cannot be used: {}", cluster["status"]["message"].as_str().unwrap_or_default());
            return Err(ApiError::Unsettled { what });
        }
        let is_done = state == "running" && wanted.is_none_or(|wanted| wanted == version);
        Ok(if is_done { Poll::Ready(()) } else { Poll::Pending(format!("its status is {state}, its version {version}")) })
    };
    let with = wanted.map(|version| format!(" with version {version}")).unwrap_or_default();
    api.wait_saying(&format!("the cluster {id} to run{with}"), LIMIT, look).await
}

/// Lets it pull from the account's registry, or no longer.
async fn integrate(api: &Client, id: &Id, on: bool) -> Result<(), ApiError> {
    let sent = json!({ "cluster_uuids": [id.0] });
    let registry = "/kubernetes/registry";
    if on { api.repeatable_post(registry, &sent).await } else { api.delete_with(registry, &sent).await }
}

pub(super) fn end<'a>(api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        let takes_all = seen.get("destroy_all_associated_resources") == Some(&true.into());
        let of = if takes_all { "/destroy_with_associated_resources/dangerous" } else { "" };
        api.delete(&format!("{}{of}", path(id)), &[]).await?;
        kept::forget(api, CLUSTER, id);
        Ok(())
    })
}
