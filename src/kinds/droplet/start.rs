//! A droplet comes up: active, with addresses that can be read; or it never will.
//!
//! Invariant: one 404 is no proof that it is gone, and a droplet that stays new is asked whether its creation failed.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde::Deserialize;

use super::super::wire::or_default;
use super::super::{NOT_YET, UNSEEN_LIMIT, if_there};
use super::answer::{Wire, path, place};
use super::edits;
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::looks::Seen;
use dofloat_api::wait::Poll;
use dofloat_base::clock::Tick;
use dofloat_base::identity::Id;

/// Measurements that the starts of droplets share.
pub(super) const START: &str = "droplet create";
/// How long a droplet may take to come up.
pub(super) const START_LIMIT: Duration = Duration::from_secs(900);
/// How long a droplet that was seen may be unknown before it counts as gone: one 404 is no proof.
const MISSING_LIMIT: Duration = Duration::from_secs(10);
/// How far apart a droplet that stays new is asked whether its creation failed.
const DOUBT_AFTER: Duration = Duration::from_secs(30);
/// How long after `active` an address is waited for that was not declined.
const ADDRESS_LIMIT: Duration = Duration::from_secs(45);

/// Watches a droplet come up.
#[derive(Default)]
pub(super) struct Start {
    /// A public address was declined: none will come.
    without_public: bool,
    progress: Mutex<Progress>,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    missing_since: Option<Tick>,
    active_since: Option<Tick>,
    began: Option<Tick>,
    doubted: Option<Tick>,
    was_seen: bool,
    was_powered_on: bool,
}

impl Start {
    /// The start of a droplet, with a public address to come or without.
    pub(super) fn new(without_public: bool) -> Self {
        Self { without_public, ..Self::default() }
    }

    /// Judges a poll: whether the droplet is up.
    pub(super) async fn judge(&self, api: &Client, id: &Id, seen: Option<Seen>) -> Result<Poll<Wire>, ApiError> {
        let droplet: Option<Wire> = seen.map(|seen| seen.decode(&place(api, id))).transpose()?;
        let now = api.clock().tick();
        let progress = self.note(|progress| {
            match &droplet {
                None => {
                    progress.missing_since.get_or_insert(now);
                }
                Some(droplet) => {
                    progress.was_seen = true;
                    progress.missing_since = None;
                    progress.began.get_or_insert(now);
                    progress.doubted.get_or_insert(now);
                    if droplet.status == "active" {
                        progress.active_since.get_or_insert(now);
                    }
                }
            }
            *progress
        });
        let since = |moment: Option<Tick>| moment.map_or(Duration::ZERO, |moment| now.since(moment));
        let Some(droplet) = droplet else {
            let (limit, word) =
                if progress.was_seen { (MISSING_LIMIT, "the API does not know it any more") } else { (UNSEEN_LIMIT, NOT_YET) };
            let vanished = since(progress.missing_since) >= limit;
            return if vanished { Err(vanished_why(api, id).await) } else { Ok(Poll::Pending(word.to_owned())) };
        };
        match droplet.status.as_str() {
            "active" => {
                let public = self.without_public || !droplet.v4("public").is_empty();
                let private = !droplet.v4("private").is_empty();
                let late = since(progress.active_since) >= ADDRESS_LIMIT;
                Ok(if public && private || late && (public || private) {
                    Poll::Ready(droplet)
                } else {
                    Poll::Pending("it is active, but its addresses cannot be read yet".to_owned())
                })
            }
            "archive" => Err(ApiError::Unsettled { what: format!("droplet {id} is archived: DigitalOcean has put it away") }),
            // An interrupted run left it off.
            "off" if !progress.was_powered_on => {
                edits::wake(api, id).await?;
                self.note(|progress| progress.was_powered_on = true);
                Ok(Poll::Pending("it is powering on".to_owned()))
            }
            "new" if since(progress.doubted) >= DOUBT_AFTER && api.may_doubt(START, since(progress.began)) => {
                self.note(|progress| progress.doubted = Some(now));
                match failed_create(api, id).await? {
                    Some(action) => Err(ApiError::CreationFailed { what: failed_create_of(id, action) }),
                    None => Ok(Poll::Pending("its status is new".to_owned())),
                }
            }
            status => Ok(Poll::Pending(format!("its status is {status}"))),
        }
    }

    fn note<T>(&self, f: impl FnOnce(&mut Progress) -> T) -> T {
        f(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Deserialize)]
struct Recent {
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    id: u64,
    status: String,
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    kind: String,
    #[serde(default)]
    resource_id: Option<u64>,
}

impl Recent {
    /// The create of this droplet, if it failed.
    fn failed_create(&self, id: &Id) -> Option<u64> {
        let ours = |action: &&Action| action.resource_id.is_some_and(|of| of.to_string() == id.0);
        self.actions.iter().filter(ours).find(|action| action.kind == "create" && action.status == "errored").map(|action| action.id)
    }
}

/// The latest actions of a droplet, if it is there.
async fn recent(api: &Client, id: &Id) -> Result<Option<Recent>, ApiError> {
    if_there(api.get::<Recent>(&format!("{}/actions", path(id)), &[("per_page", "50")]).await)
}

/// The action by which a droplet was to be made, if DigitalOcean gave it up.
pub(super) async fn failed_create(api: &Client, id: &Id) -> Result<Option<u64>, ApiError> {
    Ok(recent(api, id).await?.and_then(|recent| recent.failed_create(id)))
}

/// Whether an action is under way.
pub(super) async fn is_busy(api: &Client, id: &Id) -> Result<bool, ApiError> {
    Ok(recent(api, id).await?.is_some_and(|recent| recent.actions.iter().any(|action| action.status == "in-progress")))
}

fn failed_create_of(id: &Id, action: u64) -> String {
    format!("DigitalOcean failed to create droplet {id} (action {action}) and says no reason")
}

/// Why a droplet that was promised is not there: the account's list of actions may tell.
async fn vanished_why(api: &Client, id: &Id) -> ApiError {
    let recent = api.get::<Recent>("/actions", &[("per_page", "100")]).await;
    let why = match recent.ok().and_then(|recent| recent.failed_create(id)) {
        Some(action) => failed_create_of(id, action),
        None => "somebody deleted it, or DigitalOcean failed to create it".to_owned(),
    };
    ApiError::CreationFailed { what: format!("droplet {id} vanished: {why}") }
}
