//! What would be made a second time: an object that is wanted, while one like it carries the stack's mark and is in no record.
//!
//! Invariant: nothing is doubled without a person's decision, whatever the state that is here knows. Reads only.

use std::collections::BTreeSet;

use super::error::EngineError;
use super::observed::{Observed, Stray};
use super::planned::Planned;
use super::request::SurveyContext;
use super::strays;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::planted::{Bug, planted};
use dofloat_base::value::{Term, Value};
use dofloat_kinds::account::family;
use dofloat_kinds::erased::Job;
use dofloat_kinds::kind;
use dofloat_state::State;

/// Everything that the plan would double; where the objects were not read, those with the mark are looked for first.
///
/// # Errors
/// A read that fails.
pub(super) async fn doubled(
    context: SurveyContext<'_>,
    state: &State,
    observed: &Observed,
    planned: &Planned,
) -> Result<Vec<Diagnostic>, EngineError> {
    // What a run makes that is at work just now is not in the state yet, and not left over.
    if !context.recover || planted(Bug::DoublesOnOlderState) {
        return Ok(Vec::new());
    }
    let made: Vec<(&'static str, &Job)> = planned
        .jobs
        .iter()
        .flat_map(|(kind, jobs)| jobs.iter().map(|job| (*kind, job)))
        .filter(|(_, job)| job.creates && job.id.is_none())
        .filter(|(_, job)| !context.options.duplicates.iter().any(|allowed| allowed.covers(&job.address)))
        .collect();
    let kinds: BTreeSet<&str> = made.iter().map(|(kind, _)| *kind).collect();
    let looked_for;
    let strays = if context.refresh {
        &observed.strays
    } else {
        looked_for = strays::find(context, state, |kind| kinds.contains(kind)).await?;
        &looked_for
    };
    let of = |stray: &Stray| {
        let fits = |(kind, job): &&(&'static str, &Job)| family(kind) == family(stray.kind) && is_alike(&job.body, stray);
        made.iter().find(fits).map(|(_, job)| &job.address)
    };
    Ok(strays.iter().filter_map(|stray| Some(told(context, of(stray)?, stray))).collect())
}

/// Whether a stray may be what is wanted: it has the very name, or its kind has none and it is in the same place.
fn is_alike(wanted: &Term, stray: &Stray) -> bool {
    let named = kind(stray.kind).is_some_and(|kind| kind.attrs().iter().any(|attr| attr.name == "name"));
    let identifying = if named { "name" } else { "region" };
    let known = |value: &Value| value.as_str().map(str::to_lowercase);
    match (wanted.get(identifying).value().and_then(known), stray.body.get(identifying).and_then(known)) {
        (Some(wanted), Some(there)) => wanted == there,
        _ => !named,
    }
}

fn told(context: SurveyContext<'_>, address: &Address, stray: &Stray) -> Diagnostic {
    let (kind, id) = (stray.kind, &stray.id);
    let name = if stray.name.is_empty() { String::new() } else { format!(" `{}`", stray.name) };
    Diagnostic::error(format!(
        "{address} would be created a second time: the {kind}{name} with id {id} carries this stack's mark and is not in the state."
    ))
    .at(context.resolve.span(address, &[]))
    .about(address)
    .hint(format!(
        "The state here may be an older one: restore the newest. If it is lost, `dofloat import {address} {id}` imports that object, \
         and `dofloat destroy -strays` shows and deletes all such objects. `-allow-duplicate={address}` creates a second one. \
         Nothing was changed."
    ))
}
