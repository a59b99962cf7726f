//! Objects that carry the stack's mark and are in no record: a plan that deletes them, and nothing else.
//!
//! Invariant: only what the API shows with this stack's very mark, and what no record and no open step claims, is in the plan.
//! They are found anew for it, under the lock.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Base, Change, Plan, Reason, Step, StepId};
use super::claims::claims;
use super::diff::{There, unmade};
use super::error::{EngineError, from_api};
use super::lost::is_new;
use super::moves::Moves;
use super::observed::{Observed, Stray};
use super::owner::owner;
use super::planned::{Planned, Surveyed};
use super::recover::reconciled;
use super::request::SurveyContext;
use dofloat_api::client::Client;
use dofloat_base::address::{Address, Key};
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::value::Body;
use dofloat_kinds::account::family;
use dofloat_kinds::{KINDS, kind, project};
use dofloat_state::State;
use dofloat_state::journal::Op;

/// Plans the end of all strays.
///
/// # Errors
/// A read that fails, or why one of them cannot go.
pub async fn survey(context: SurveyContext<'_>) -> Result<Surveyed, EngineError> {
    let owner = owner(context, context.api).await?;
    is_new(context, context.api).await?;
    let (mut state, adopted) = reconciled(context, context.loaded.state.as_ref().unwrap_or(context.fresh)).await?;
    state.project = known_project(context.api, context.stack, &state).await?;
    let strays = find(context, &state, |_| true).await?;
    let mut plan = Plan {
        base: Base {
            stack: context.stack.to_owned(),
            lineage: state.lineage.clone(),
            serial: state.serial,
            journal_end: context.loaded.journal.as_ref().map_or(0, |journal| journal.last_n),
            owner,
            endpoint: context.endpoint.to_owned(),
            config: context.config.to_owned(),
        },
        drift: Vec::new(),
        changes: Vec::new(),
        steps: Vec::new(),
        outputs: BTreeMap::new(),
        notes: Vec::new(),
        secrets: BTreeMap::new(),
        variables: BTreeMap::new(),
        refresh_only: false,
        destroy: true,
        is_complete: true,
        configuration: None,
        planned_at: None,
        cost: None,
    };
    for (number, stray) in (0..).zip(&strays) {
        may_go(context, &state, stray, &mut plan.notes).await?;
        plan.changes.push(change(stray));
        plan.steps.push(Step {
            id: StepId(number),
            address: address(stray),
            op: Op::Delete { id: stray.id.clone() }.into(),
            needs: BTreeSet::new(),
        });
    }
    let planned = Planned { plan, known: BTreeMap::new(), terms: BTreeMap::new(), jobs: BTreeMap::new(), queries: Vec::new() };
    let claims = claims(&state, None);
    let (observed, moves) = (Observed::default(), Moves::default());
    Ok(Surveyed { planned, state, observed, adopted, moves, claims, no_project: false })
}

/// Everything of some kinds that carries the mark and is in no record.
///
/// # Errors
/// A read that fails.
pub(super) async fn find(context: SurveyContext<'_>, state: &State, of: impl Fn(&str) -> bool) -> Result<Vec<Stray>, EngineError> {
    // Two spellings of one kind show the same objects.
    let (mark, mut claims) = (Mark::of_stack(context.stack, &state.lineage), claims(state, None));
    let ours = Ours { mark: &mark, project: state.project.as_ref() };
    let mut strays = Vec::new();
    for kind in KINDS.iter().filter(|kind| (kind.markable() || kind.marked_by_project()) && of(kind.name())) {
        let doing = format!("look for objects of kind {} that carry the mark", kind.name());
        let found = kind.list(context.api, &[], ours).await.map_err(|error| EngineError::from(from_api(&error, &doing)))?;
        let strange = found.into_iter().filter(|found| claims.insert((family(kind.name()), found.id.clone())));
        let open = |mut body: Body| {
            body.retain(|name, _| !kind.attrs().iter().any(|row| row.name == name && row.holds_secret()));
            body
        };
        strays.extend(strange.map(|found| Stray {
            kind: kind.name(),
            name: found.body.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned(),
            id: found.id,
            body: open(found.body),
        }));
    }
    Ok(strays)
}

/// The stack's project: what is remembered, else the one of its name.
///
/// # Errors
/// A read that fails.
async fn known_project(api: &Client, stack: &str, state: &State) -> Result<Option<Id>, EngineError> {
    if state.project.is_some() {
        return Ok(state.project.clone());
    }
    project::find(api, &Mark::of_stack(stack, &state.lineage))
        .await
        .map_err(|error| EngineError::from(from_api(&error, "read the projects")))
}

async fn may_go(context: SurveyContext<'_>, state: &State, stray: &Stray, notes: &mut Vec<Diagnostic>) -> Result<(), EngineError> {
    let Some(kind) = kind(stray.kind) else { return Ok(()) };
    let ours: Vec<_> = state.records.values().chain(state.deposed.values()).map(|record| record.id.clone()).collect();
    let doing = format!("check whether {} can be deleted", address(stray));
    let complaints = kind.before_delete(context.api, &stray.id, &stray.body, &ours).await.map_err(|error| from_api(&error, &doing))?;
    let (warnings, errors): (Vec<_>, Vec<_>) = complaints
        .into_iter()
        .map(|complaint| super::desired::from_complaint(context.resolve, &address(stray), complaint))
        .partition(|diagnostic| !diagnostic.is_error());
    notes.extend(warnings);
    if errors.is_empty() { Ok(()) } else { Err(EngineError::failed(errors)) }
}

/// An address to speak of it by: it has none of its own.
fn address(stray: &Stray) -> Address {
    Address::new(stray.kind, "stray").with_key(Some(Key::Name(stray.id.0.clone())))
}

fn change(stray: &Stray) -> Change {
    let there = There { body: &stray.body, digests: &BTreeMap::new() };
    Change {
        address: address(stray),
        action: Action::Delete,
        reason: Some(Reason::Stray),
        before: Some(stray.body.clone()),
        after: None,
        attrs: kind(stray.kind).map(|kind| unmade(kind.attrs(), there)).unwrap_or_default(),
        arguments: Vec::new(),
        id: Some(stray.id.clone()),
        provenance: None,
    }
}
