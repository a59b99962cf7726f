//! Objects that carry another stack's mark: whatever a state says, they are not changed or deleted without a decision.
//!
//! Invariant: reads only. A stack is known by its lineage: its marks of an earlier name are its own. Whoever insists takes an
//! object over for good (`import -take-over`): the mark is put in place of the other, so that each stack knows from then on.

use std::collections::BTreeMap;

use super::change::{Action, Change, Plan, StepOp};
use super::error::{EngineError, from_api};
use super::observed::{Label, Observed};
use super::planned::{Planned, Surveyed};
use super::request::ImportTarget;
use dofloat_api::client::Client;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_kinds::erased::AnyKind;
use dofloat_kinds::{kind, project};
use dofloat_state::State;
use dofloat_state::journal::Op;

/// Objects with the marks by which they are known.
pub(super) type Labels = BTreeMap<(Address, Id), Label>;

/// Those that carry only marks of other stacks, and which.
///
/// # Errors
/// A read that fails.
pub(super) async fn of_others(api: &Client, state: &State, labels: &Labels) -> Result<BTreeMap<(Address, Id), Vec<Mark>>, EngineError> {
    let elsewhere = |label: &Label| label.project.is_some() && label.project != state.project;
    let projects = if labels.values().any(elsewhere) {
        project::marks(api).await.map_err(|error| EngineError::from(from_api(&error, "read the projects")))?.unwrap_or_default()
    } else {
        BTreeMap::new()
    };
    let mut foreign = BTreeMap::new();
    for (object, label) in labels {
        let of_project = label.project.as_ref().filter(|_| elsewhere(label)).and_then(|project| projects.get(project));
        let marks: Vec<Mark> = label.marks.iter().chain(of_project).cloned().collect();
        if !marks.is_empty() && !marks.iter().any(|mark| mark.is_of(&state.lineage)) {
            foreign.insert(object.clone(), marks);
        }
    }
    Ok(foreign)
}

/// Refuses a plan that changes or deletes such an object.
///
/// # Errors
/// If it does, or a read fails.
pub(super) async fn none_is_touched(
    api: &Client,
    state: &State,
    observed: &Observed,
    planned: &Planned,
    read: bool,
) -> Result<(), EngineError> {
    let plan = &planned.plan;
    let mut labels = Labels::new();
    for (address, id) in touched(plan) {
        let Some(kind) = kind(&address.kind).filter(|kind| kind.markable() || kind.marked_by_project()) else { continue };
        let label = match observed.labels.get(&(address.clone(), id.clone())) {
            Some(label) => Some(label.clone()),
            None if read => None,
            // The records were believed; what is to be changed is looked at all the same.
            None => read_label(api, kind, &id).await?,
        };
        labels.extend(label.map(|label| ((address, id), label)));
    }
    let errors: Vec<Diagnostic> = of_others(api, state, &labels)
        .await?
        .iter()
        .map(|((address, id), marks)| {
            Diagnostic::error(format!(
                "This plan would change {address}, and its object {id} carries another stack's mark: {}.",
                listed(marks)
            ))
            .about(address)
            .hint(format!(
                "That stack may still manage it. `dofloat state rm {address}` removes it from this state and keeps the object. To \
                 make it this stack's from now on: `dofloat import -take-over {} {address} {id}` replaces the other mark with this \
                 stack's. \
                 Nothing was changed.",
                plan.base.stack
            ))
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(EngineError::decision(errors)) }
}

/// The objects that the plan changes or deletes.
fn touched(plan: &Plan) -> Vec<(Address, Id)> {
    let changes = |change: &&Change| matches!(change.action, Action::Edit { .. } | Action::Replace { .. } | Action::Delete);
    let present = plan.changes.iter().filter(changes).filter_map(|change| Some((change.address.clone(), change.id.clone()?)));
    let deleted = plan.steps.iter().filter_map(|step| match &step.op {
        StepOp::Object(Op::Delete { id }) => Some((step.address.clone(), id.clone())),
        _ => None,
    });
    present.chain(deleted).collect()
}

async fn read_label(api: &Client, kind: &dyn AnyKind, id: &Id) -> Result<Option<Label>, EngineError> {
    let found = kind.read(api, id).await.map_err(|error| EngineError::from(from_api(&error, &format!("read {} {id}", kind.name()))))?;
    Ok(found.map(|found| Label { marks: found.marks, project: found.project }))
}

/// The refusal to take such an object over.
pub(super) fn not_taken(target: &ImportTarget, id: &Id, marks: &[Mark]) -> Diagnostic {
    Diagnostic::error(format!("The {} {id} carries another stack's mark: {}.", target.to.kind, listed(marks))).about(&target.to).hint(
        format!(
            "That stack may still manage it: remove it there first with `dofloat state rm`. `dofloat import -take-over {} {id}` imports \
             it anyway, and replaces the other mark with this stack's. Nothing was changed.",
            target.to
        ),
    )
}

fn listed(marks: &[Mark]) -> String {
    marks.iter().map(|mark| mark.0.as_str()).collect::<Vec<_>>().join(", ")
}

/// The project that objects which were taken from other stacks are put into, made if need be.
///
/// # Errors
/// If it cannot be told whether it was made.
pub async fn ensure_project(api: &Client, surveyed: &Surveyed, mark: &Mark) -> Result<Option<Id>, EngineError> {
    let mut taken = surveyed.moves.taken.iter().filter(|(_, taken)| !taken.from.is_empty());
    if !taken.any(|(address, _)| kind(&address.kind).is_some_and(AnyKind::marked_by_project)) {
        return Ok(surveyed.state.project.clone());
    }
    let made = project::ensure(api, mark, surveyed.state.project.as_ref(), surveyed.no_project).await;
    made.map_err(|error| EngineError::from(from_api(&error, "create the stack's project")))
}

/// Puts the stack's mark in place of those of other stacks, on what was taken over from them.
///
/// # Errors
/// If the API refuses. The records are written by then; the same command again goes on.
pub async fn claim(api: &Client, surveyed: &Surveyed, ours: Ours<'_>) -> Result<(), EngineError> {
    for (address, taken) in surveyed.moves.taken.iter().filter(|(_, taken)| !taken.from.is_empty()) {
        let Some(kind) = kind(&address.kind) else { continue };
        let claimed = kind.claim(api, &taken.id, &taken.from, ours).await;
        claimed.map_err(|error| EngineError::from(from_api(&error, &format!("put this stack's mark on {address}")).about(address)))?;
    }
    Ok(())
}
