//! Everything about the account that would make a step of a plan fail, before the first write.
//!
//! Invariant: reads only. What is wrong is told all at once.

use std::borrow::Cow;

use futures_util::future::{try_join_all, try_join3};

use super::change::Action;
use super::clashes;
use super::desired::from_complaint;
use super::error::{EngineError, from_api};
use super::observed::{Observed, Seen};
use super::placeholder;
use super::planned::Planned;
use super::pointers::Picture;
use super::request::SurveyContext;
use dofloat_api::client::Client;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Id;
use dofloat_base::value::Term;
use dofloat_kinds::erased::{AnyKind, Complaint, Job};
use dofloat_kinds::kind;
use dofloat_state::State;

/// What a kind complains of.
async fn against_account(kind: &'static dyn AnyKind, api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, EngineError> {
    kind.preflight(api, jobs).await.map_err(|error| EngineError::from(from_api(&error, "check the plan against the account")))
}

/// Everything about the account that would make a step fail, before the first write; what is only worth a note is given back.
///
/// # Errors
/// All that is wrong, or a read that fails.
pub(super) async fn check(
    context: SurveyContext<'_>,
    api: &Client,
    state: &State,
    observed: &Observed,
    planned: &Planned,
) -> Result<Vec<Diagnostic>, EngineError> {
    if context.options.refresh_only {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    let clashes = clashes::find(context.resolve, &planned.plan.changes);
    let clashing = &clashes.of;
    let preflights = planned.jobs.iter().filter_map(|(name, jobs)| {
        let kind = kind(name)?;
        let jobs: Cow<'_, [Job]> = if clashing.is_empty() {
            Cow::Borrowed(jobs)
        } else {
            jobs.iter().filter(|job| !clashing.contains(&job.address)).cloned().collect()
        };
        let first = jobs.first()?.address.clone();
        Some(async move { Ok::<_, EngineError>((first, against_account(kind, api, &jobs).await?)) })
    });
    let ours: Vec<Id> = state.records.values().chain(state.deposed.values()).map(|record| record.id.clone()).collect();
    let ours = &ours;
    let deletes = planned.plan.changes.iter().filter(|change| matches!(change.action, Action::Delete | Action::Replace { .. })).filter_map(
        |change| {
            let kind: &'static dyn AnyKind = kind(&change.address.kind)?;
            let id = change.id.clone()?;
            let seen = match observed.seen.get(&change.address)? {
                Seen::Present { body, .. } => body,
                Seen::Gone => return None,
            };
            Some(async move {
                let doing = format!("check whether {} can be deleted", change.address);
                let complaints =
                    kind.before_delete(api, &id, seen, ours).await.map_err(|error| EngineError::from(from_api(&error, &doing)))?;
                Ok::<_, EngineError>((change.address.clone(), complaints))
            })
        },
    );
    let placeholders = &context.options.placeholders;
    let picture = Picture { terms: &planned.terms, known: &planned.known, jobs: &planned.jobs, resolve: context.resolve, placeholders };
    let pointers = picture.check(api, &planned.plan.changes);
    let (preflights, deletes, pointers) = try_join3(try_join_all(preflights), try_join_all(deletes), pointers).await?;
    let complaints = preflights.into_iter().chain(deletes).flat_map(|(first, all)| all.into_iter().map(move |one| (first.clone(), one)));
    let complaints = complaints.map(|(first, complaint)| {
        let address = complaint.address.as_ref().unwrap_or(&first);
        let given = planned.terms.get(address).is_some_and(|terms| placeholders.are_at(&complaint.path, &Term::map(terms.clone())));
        let diagnostic = from_complaint(context.resolve, &first, complaint);
        if given { placeholder::told(diagnostic) } else { diagnostic }
    });
    let (mut errors, told): (Vec<_>, Vec<_>) = pointers.into_iter().chain(clashes.told).chain(complaints).partition(Diagnostic::is_error);
    notes.extend(told);
    if !context.recover {
        // Beside a run that is at work this plan is only looked at, and what that run has just made counts as somebody else's.
        notes.extend(errors.drain(..).map(Diagnostic::into_warning));
    }
    if errors.is_empty() { Ok(notes) } else { Err(EngineError::failed(errors)) }
}
