//! The stack's project: the mark of what cannot be tagged. Its name is the mark, its content the stack's reserved addresses.
//!
//! Why a project: an address has no name, no tag and no time of creation, so one whose answer was lost cannot be told from one
//! that somebody else reserved at the same moment. Reserved straight into a project of the stack's own, it can, and an address
//! of ours that no record speaks of is found. The name of a project is unique in an account, so making one is harmless to repeat.
//!
//! Invariant: it is made before the first address that lies in it, holds nothing that is not ours, and goes last. An account or
//! a token without projects is no failure: there is no mark then. It must not know plan or state.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::erased::is_mark;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Mark};

/// How often a create whose answer was lost is made again, once no such project is found.
const TRIES: usize = 3;

/// The account's default project, as the API calls it in paths.
pub(crate) const DEFAULT: &str = "default";

/// The answer to a name that is taken.
const CONFLICT: u16 = 409;
/// How long a project whose name is taken may be missing from the list: as long as what carries no tag is looked for after a
/// lost answer.
const UNLISTED_LIMIT: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
struct One {
    project: Project,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    name: String,
}

/// The account's projects whose name is a stack's mark.
///
/// # Errors
/// A read that fails. `None` where the account or the token knows no projects.
pub async fn marks(api: &Client) -> Result<Option<BTreeMap<Id, Mark>>, ApiError> {
    let all: Vec<Project> = match api.list("/projects", &[], "projects").await {
        Err(error) if is_without(&error) => return Ok(None),
        other => other?,
    };
    let marked = all.into_iter().filter(|project| is_mark(&project.name));
    Ok(Some(marked.map(|project| (Id(project.id), Mark(project.name))).collect()))
}

/// The project with the stack's mark, if it was made.
///
/// # Errors
/// As `marks`.
pub async fn find(api: &Client, mark: &Mark) -> Result<Option<Id>, ApiError> {
    Ok(marks(api).await?.and_then(|marks| named(marks, mark)))
}

/// The project whose name is taken, once the list shows it: a run that was killed may have made it just now.
async fn listed(api: &Client, mark: &Mark) -> Result<Option<Id>, ApiError> {
    match api.wait(&format!("the project {mark} to be listed"), UNLISTED_LIMIT, || find(api, mark)).await {
        Ok(found) => Ok(Some(found)),
        Err(ApiError::Unsettled { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The stack's project, made if need be; `None` where the account or the token knows no projects. `known` is where it was;
/// `absent` says that the projects were read by this run already, and that none is the stack's.
///
/// # Errors
/// If nobody can tell whether it was made.
pub async fn ensure(api: &Client, mark: &Mark, known: Option<&Id>, absent: bool) -> Result<Option<Id>, ApiError> {
    if let Some(known) = known {
        match api.get::<One>(&path(known), &[]).await {
            Ok(one) => return Ok(Some(Id(one.project.id))),
            Err(error) if error.is_not_found() => {}
            // It cannot be looked at any more, so nothing is put into it.
            Err(error) if is_without(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let body = json!({
        "name": mark.0,
        "description": "Made by dofloat: what lies in here belongs to this stack. Leave its reserved addresses in it.",
        "purpose": "Operational / Developer tooling",
    });
    for left in (0..TRIES).rev() {
        if !absent || left + 1 < TRIES {
            // Who cannot read projects would not find its addresses in one.
            let Some(marks) = marks(api).await? else { return Ok(None) };
            if let Some(found) = named(marks, mark) {
                return Ok(Some(found));
            }
        }
        match api.create::<One>("/projects", &body).await {
            Ok(one) => return Ok(Some(Id(one.project.id))),
            // Where the list of projects is there, that the path is not is no answer.
            Err(error) if is_without(&error) && !error.is_not_found() => return Ok(None),
            // A lost answer, or one that another run has made since: the list tells.
            Err(ApiError::Ambiguous { .. }) if left > 0 => {}
            Err(ApiError::Rejected { answer, .. }) if answer.status == CONFLICT => return listed(api, mark).await,
            Err(ApiError::Rejected { .. }) => return find(api, mark).await,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// How the end of a project went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is gone.
    Gone,
    /// Something lies in it, which is not ours to delete.
    Kept,
}

/// Deletes the stack's project, unless something lies in it.
///
/// # Errors
/// If the API fails, or does not accept the token at all; that it refuses this is no failure.
pub async fn delete(api: &Client, id: &Id) -> Result<End, ApiError> {
    match api.delete(&path(id), &[]).await {
        Ok(()) => Ok(End::Gone),
        Err(ApiError::Rejected { .. }) => Ok(End::Kept),
        Err(ApiError::Refused { answer, .. }) if answer.status != 401 => Ok(End::Kept),
        Err(error) => Err(error),
    }
}

/// Puts an object into a project.
///
/// # Errors
/// If the API refuses.
pub async fn assign(api: &Client, project: &Id, urn: &str) -> Result<(), ApiError> {
    let path = format!("{}/resources", path(project));
    api.repeatable_post(&path, &json!({"resources": [urn]})).await.map(drop)
}

fn named(marks: BTreeMap<Id, Mark>, mark: &Mark) -> Option<Id> {
    marks.into_iter().find(|(_, name)| name == mark).map(|(id, _)| id)
}

/// Whether the account or the token knows no projects. A token that is not accepted at all is another matter.
fn is_without(error: &ApiError) -> bool {
    match error {
        ApiError::Refused { answer, .. } => answer.status != 401,
        ApiError::NotFound { .. } => true,
        ApiError::Rejected { answer, .. } => answer.status == 405,
        _ => false,
    }
}

fn path(id: &Id) -> String {
    format!("/projects/{}", segment(&id.0))
}
