//! One step at work: the calls that bring it about, and what it reports to the owner of the run.
//!
//! Invariant: a worker holds no state of the run. The identity of what it made is reported, and on disk, before it waits; an
//! answer that was lost is reported as such and never guessed.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::change::{MARK, StepId};
use super::cluster::health::{self, Goal};
use super::data::Query;
use super::error::from_api;
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::wait::Waiting;
use dofloat_base::address::Address;
use dofloat_base::desired::Watch;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::value::{Body, Term, Terms};
use dofloat_kinds::attr::{Change, Reads};
use dofloat_kinds::data::Miss;
use dofloat_kinds::erased::{AnyKind, Severity};
use dofloat_state::journal::Op;

/// How often an edit whose answer was lost is looked into and made again.
const EDIT_TRIES: usize = 3;

/// The input of a worker.
#[derive(Clone)]
pub(super) struct Task {
    /// The step.
    pub(super) step: StepId,
    /// Which resource.
    pub(super) address: Address,
    /// The operation.
    pub(super) op: Op,
    /// The kind.
    pub(super) kind: &'static dyn AnyKind,
    /// The desired attributes, all known.
    pub(super) terms: Terms,
    /// The attributes that a create sends.
    pub(super) sent: Terms,
    /// The present object.
    pub(super) seen: Body,
    /// The object, if it is known.
    pub(super) id: Option<Id>,
    /// The stack's mark.
    pub(super) mark: Mark,
    /// The stack's project.
    pub(super) project: Option<Id>,
    /// The objects that the stack had at the start of the run.
    pub(super) own: Arc<[Id]>,
}

impl Task {
    /// By what an object is known to be the stack's.
    pub(super) fn ours(&self) -> Ours<'_> {
        Ours { mark: &self.mark, project: self.project.as_ref() }
    }
}

/// A message from a worker to the owner.
pub(super) enum Message {
    /// The object has this identity; the worker goes on when that is on disk.
    Made { step: StepId, id: Id, written: oneshot::Sender<()> },
    /// The answer to a create was lost.
    Lost { step: StepId, error: ApiError },
    /// Where the object of a lost answer was looked for.
    Located { step: StepId, found: Result<super::recover::Located, ApiError> },
    /// It still waits.
    Waiting { step: StepId, waiting: Waiting },
    /// It is done: what there is now, `None` if nothing.
    Done { step: StepId, live: Option<(Id, Body)> },
    /// It failed.
    Failed { step: StepId, why: Diagnostic, doubt: bool },
    /// What a data source gave.
    Read { step: StepId, query: Box<Query>, found: Result<Body, Miss> },
    /// A provisioner printed a line.
    Printed { step: StepId, line: String },
    /// A provisioner has ended.
    Provisioned { step: StepId, ended: Result<(), Diagnostic> },
    /// A gate has opened, or will not.
    Gated { step: StepId, opened: Result<(), Diagnostic> },
}

/// Does the step.
pub(super) async fn perform(task: Task, api: Client, tell: mpsc::Sender<Message>) {
    let step = task.step;
    let api = watched(&api, step, &tell);
    let message = match &task.op {
        Op::Create => match &task.id {
            Some(id) => wait_ready(&task, &api, id.clone(), None).await,
            None => created(&task, &api, &tell).await,
        },
        Op::AwaitReady { id } => wait_ready(&task, &api, id.clone(), None).await,
        Op::Edit { edits } => edited(&task, &api, edits).await,
        Op::Delete { id } => deleted(&task, &api, id).await,
        Op::Forget { id } => forgotten(&task, &api, id).await,
    };
    // The owner is gone only if the whole run is.
    let _ = tell.send(message).await;
}

/// Reads a data source.
pub(super) async fn read(step: StepId, query: Query, api: Client, tell: mpsc::Sender<Message>) {
    let api = watched(&api, step, &tell);
    let found = query.read(&api).await;
    // The owner is gone only if the whole run is.
    let _ = tell.send(Message::Read { step, query: Box::new(query), found }).await;
}

/// Waits at a gate.
pub(super) async fn gate(step: StepId, address: Address, watch: Watch, goal: Goal, api: Client, tell: mpsc::Sender<Message>) {
    let api = watched(&api, step, &tell);
    let opened = health::wait(&api, &watch, &goal).await.map_err(|error| {
        Diagnostic::error(format!("{}.", capital(&error.to_string()))).about(&address).hint(match goal {
            Goal::Serving | Goal::Whole => {
                "What was created is kept, and nothing is lost: `dofloat status` shows the nodes' progress, and the same command \
                 waits again. `wait_for = \"created\"` does not wait."
            }
            Goal::MayLeave(_) => {
                "Nothing more was taken down. Repair the other node, or replace it alone with `-replace`; `wait_for = \"created\"` \
                 continues without checking."
            }
        })
    });
    // The owner is gone only if the whole run is.
    let _ = tell.send(Message::Gated { step, opened }).await;
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A client whose waits are told to the owner.
pub(super) fn watched(api: &Client, step: StepId, tell: &mpsc::Sender<Message>) -> Client {
    let watcher = tell.clone();
    api.watched(Arc::new(move |waiting: &Waiting| {
        // A full channel means that the owner is busy: this is only a sign of life.
        let _ = watcher.try_send(Message::Waiting { step, waiting: waiting.clone() });
    }))
}

async fn created(task: &Task, api: &Client, tell: &mpsc::Sender<Message>) -> Message {
    let step = task.step;
    match task.kind.create(api, &Term::map(task.sent.clone()), task.ours()).await {
        Ok(created) => {
            let (written, on_disk) = oneshot::channel();
            if tell.send(Message::Made { step, id: created.id.clone(), written }).await.is_err() || on_disk.await.is_err() {
                return Message::Failed { step, why: Diagnostic::error("The run ended."), doubt: true };
            }
            wait_ready(task, api, created.id, created.body).await
        }
        Err(error @ ApiError::Ambiguous { .. }) => Message::Lost { step, error },
        Err(error) => failed(task, &error, "create"),
    }
}

async fn wait_ready(task: &Task, api: &Client, id: Id, body: Option<Body>) -> Message {
    let live = match body {
        Some(body) => Ok(body),
        None => task.kind.wait_ready(api, &id, &Term::map(task.terms.clone())).await,
    };
    match live {
        Ok(live) => Message::Done { step: task.step, live: Some((id, live)) },
        Err(error) => failed(task, &error, "wait for"),
    }
}

/// What would go with it is looked at again: since the plan was made, minutes may have passed and somebody may have put
/// something into it.
async fn deleted(task: &Task, api: &Client, id: &Id) -> Message {
    let step = task.step;
    match task.kind.before_delete(api, id, &task.seen, &task.own).await {
        Ok(complaints) => {
            if let Some(complaint) = complaints.into_iter().find(|complaint| complaint.severity != Severity::Warning) {
                let why = Diagnostic::error(complaint.message).about(&task.address).hint(complaint.hint.unwrap_or_default());
                return Message::Failed { step, why, doubt: false };
            }
        }
        // It is gone already.
        Err(ApiError::NotFound { .. }) => {}
        Err(error) => return failed(task, &error, "delete"),
    }
    match task.kind.delete(api, id, &task.seen).await {
        Ok(()) => Message::Done { step, live: None },
        Err(error) => failed(task, &error, "delete"),
    }
}

/// What carries the mark and is in no record would be a stray, and be deleted as one.
async fn forgotten(task: &Task, api: &Client, id: &Id) -> Message {
    let step = task.step;
    // What is gone has no record in this run.
    if task.seen.is_empty() {
        return Message::Done { step, live: None };
    }
    match task.kind.release(api, id, task.ours()).await {
        Ok(()) | Err(ApiError::NotFound { .. }) => Message::Done { step, live: None },
        Err(error) => failed(task, &error, "take the stack's mark off"),
    }
}

async fn edited(task: &Task, api: &Client, edits: &[String]) -> Message {
    let step = task.step;
    let Some(id) = task.id.clone() else {
        return Message::Failed { step, why: Diagnostic::error(format!("{} has no object to change.", task.address)), doubt: false };
    };
    let wanted = Term::map(task.terms.clone());
    let mut seen = task.seen.clone();
    for edit in edits {
        if edit == MARK {
            if let Err(error) = task.kind.claim(api, &id, &[], task.ours()).await {
                return failed(task, &error, "put the stack's mark on");
            }
            continue;
        }
        let Some(edit) = task.kind.attrs().iter().find_map(|row| match row.change {
            Change::InPlace(name) | Change::Disruptive(name) | Change::Enable(name) | Change::Grow(name) if name == edit => Some(name),
            _ => row.held.map(|held| held.edit).filter(|name| name == edit),
        }) else {
            continue;
        };
        let mut tries = 1;
        while let Err(error) = task.kind.edit(api, &id, edit, &wanted, &seen).await {
            if !matches!(error, ApiError::Ambiguous { .. }) || tries == EDIT_TRIES {
                return failed(task, &error, "change");
            }
            tries += 1;
            match task.kind.read(api, &id).await {
                Ok(Some(now)) => seen = now.body,
                Ok(None) => return failed(task, &error, "change"),
                Err(error) => return failed(task, &error, "read"),
            }
        }
    }
    match task.kind.read(api, &id).await {
        Ok(Some(mut live)) => {
            let once = task.kind.attrs().iter().filter(|row| row.reads == Reads::Once);
            for (row, value) in once.filter_map(|row| Some((row, task.seen.get(row.name)?))) {
                live.body.entry(row.name.to_owned()).or_insert_with(|| value.clone());
            }
            Message::Done { step, live: Some((id, live.body)) }
        }
        Ok(None) => Message::Failed {
            step,
            why: Diagnostic::error(format!(
                "{} with id {id} no longer exists: somebody deleted it while it was being changed.",
                task.address
            ))
            .about(&task.address)
            .hint("The next plan recreates it."),
            doubt: false,
        },
        Err(error) => failed(task, &error, "read"),
    }
}

fn failed(task: &Task, error: &ApiError, verb: &str) -> Message {
    let doubt = !matches!(
        error,
        ApiError::Rejected { .. }
            | ApiError::Refused { .. }
            | ApiError::NotFound { .. }
            | ApiError::Throttled { .. }
            | ApiError::Untrusted { .. }
            | ApiError::Local { .. }
    );
    Message::Failed { step: task.step, why: from_api(error, &format!("{verb} {}", task.address)).about(&task.address), doubt }
}
