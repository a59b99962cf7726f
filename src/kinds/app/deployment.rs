//! The deployments of an app: what every create and every change of it waits for.
//!
//! Invariant: the newest one tells. No answer to a change names the one that it begins, so it is the first that was not there before;
//! where none comes, nothing was to be deployed.

use std::time::Duration;

use serde::Deserialize;

use crate::erased::Fut;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::wait::Poll;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// The official provider waits as long for a build.
pub(super) const LIMIT: Duration = Duration::from_secs(30 * 60);
/// How long a change may take until its deployment is listed.
const UNLISTED: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    deployments: Option<Vec<Deployment>>,
}

#[derive(Deserialize)]
pub(super) struct Deployment {
    id: String,
    #[serde(default)]
    phase: String,
    #[serde(default)]
    progress: Progress,
}

#[derive(Default, Deserialize)]
struct Progress {
    #[serde(default)]
    success_steps: u64,
    #[serde(default)]
    total_steps: u64,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    reason: Option<Reason>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Default, Deserialize)]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Step {
    /// The first of its innermost steps that failed, with the reason.
    fn failure(&self) -> Option<String> {
        if let Some(inner) = self.steps.iter().find_map(Self::failure) {
            return Some(inner);
        }
        let why = self.reason.as_ref().map(|reason| if reason.message.is_empty() { &reason.code } else { &reason.message });
        let why = why.filter(|why| !why.is_empty()).map(|why| format!(": {why}")).unwrap_or_default();
        (self.status == "ERROR").then(|| format!("the step `{}` failed{why}", self.name))
    }
}

impl Deployment {
    fn is_lost(&self) -> bool {
        matches!(self.phase.as_str(), "ERROR" | "CANCELED")
    }

    /// How it stands: `None` once it is over and well.
    fn pending(&self, id: &Id) -> Result<Option<String>, ApiError> {
        if self.is_lost() {
            let why = self.progress.steps.iter().find_map(Step::failure).map(|why| format!(": {why}")).unwrap_or_default();
            let word = if self.phase == "ERROR" { "failed" } else { "was cancelled" };
            let what = format!("the deployment {} of the app {id} {word}{why}; see https://cloud.digitalocean.com/apps/{id}", self.id);
            return Err(ApiError::Unsettled { what });
        }
        let is_over = matches!(self.phase.as_str(), "ACTIVE" | "SUPERSEDED");
        let (done, all) = (self.progress.success_steps, self.progress.total_steps);
        Ok((!is_over).then(|| format!("its phase is {}, {done} of {all} steps are done", self.phase)))
    }
}

/// The newest deployment of an app.
pub(super) async fn newest(api: &Client, id: &Id) -> Result<Option<Deployment>, ApiError> {
    let path = format!("/apps/{}/deployments", segment(&id.0));
    let page: Page = api.get(&path, &[("page", "1"), ("per_page", "1")]).await?;
    Ok(page.deployments.and_then(|all| all.into_iter().next()))
}

/// Waits until a deployment that is newer than `before` is active.
pub(super) async fn until_active(api: &Client, id: &Id, before: Option<&Deployment>) -> Result<(), ApiError> {
    let began = api.clock().now().0;
    let what = format!("the app {id} to be deployed");
    let look = || async {
        let found = newest(api, id).await?;
        let is_new = |found: &Deployment| before.is_none_or(|before| before.id != found.id);
        let has_time = u128::from(api.clock().now().0.saturating_sub(began)) < UNLISTED.as_millis();
        Ok(match found {
            Some(found) if is_new(&found) => found.pending(id)?.map_or(Poll::Ready(()), Poll::Pending),
            _ if has_time => Poll::Pending("its deployment has not begun yet".to_owned()),
            _ => Poll::Ready(()),
        })
    };
    api.wait_saying(&what, LIMIT, look).await
}

/// Waits for the first one of a new app.
pub(super) fn first<'a>(api: &'a Client, id: &'a Id, _: &'a Term) -> Fut<'a, ()> {
    Box::pin(until_active(api, id, None))
}

/// Why an app is not ready.
pub(super) fn yet(body: &Body) -> Option<String> {
    let active = body.get("active_deployment_id").and_then(Value::as_str).unwrap_or_default();
    active.is_empty().then(|| "no deployment of it is active".to_owned())
}

/// Whether an app that was never deployed will not be by itself.
pub(super) fn has_failed<'a>(api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, bool> {
    Box::pin(async move { Ok(yet(seen).is_some() && newest(api, id).await?.is_some_and(|newest| newest.is_lost())) })
}
