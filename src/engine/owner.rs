//! Whose account the token opens, held against whose the state is.
//!
//! Invariant: nothing is planned or told of a state before it is sure that the account is the state's. An object of the state
//! whose identity no other account can have, seen there, is as good a proof as the account's own word; without one the account
//! is asked. It must not know what is planned.

use super::error::{EngineError, from_api};
use super::observed::{Observed, Seen};
use super::request::SurveyContext;
use dofloat_api::client::Client;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Owner;
use dofloat_kinds::{account, kind};
use dofloat_state::State;

/// Whose account it is: that which the state belongs to, or none yet.
///
/// # Errors
/// If the token is not accepted, or the state belongs to another.
pub(super) async fn owner(context: SurveyContext<'_>, api: &Client) -> Result<Owner, EngineError> {
    let owner = account::owner(api, context.simulated).await.map_err(|error| EngineError::from(from_api(&error, "read the account")))?;
    match recorded(context).filter(|recorded| **recorded != owner) {
        Some(other) => Err(EngineError::from(other_owner(context.stack, other, &owner))),
        None => Ok(owner),
    }
}

/// The state's owner if the objects that are about to be read can prove that the account is theirs, so that it need not be
/// asked beside them. Never after an interrupted run: what that has made is looked for in an account that is sure. And not in
/// a simulated account: two worlds may have one address.
pub(super) fn provable(context: SurveyContext<'_>) -> Option<&Owner> {
    let state = context.loaded.state.as_ref().filter(|_| context.refresh && context.loaded.journal.is_none() && !context.simulated)?;
    let can_prove = state.records.keys().any(|address| kind(&address.kind).is_some_and(|kind| kind.globally_unique()));
    recorded(context).filter(|owner| can_prove && !owner.simulated)
}

/// Whether an object of the state was seen that lies in the state's account and cannot lie in another.
pub(super) fn proven(state: &State, observed: &Observed) -> bool {
    let seen = |address| matches!(observed.seen.get(address), Some(Seen::Present { .. }));
    state.records.keys().any(|address| kind(&address.kind).is_some_and(|kind| kind.globally_unique()) && seen(address))
}

fn recorded(context: SurveyContext<'_>) -> Option<&Owner> {
    let SurveyContext { loaded, fresh, .. } = context;
    let remembered = loaded.state.as_ref().unwrap_or(fresh);
    remembered.owner.as_ref().or(loaded.journal.as_ref().map(|journal| &journal.header.owner))
}

pub(super) fn other_owner(stack: &str, other: &Owner, owner: &Owner) -> Diagnostic {
    Diagnostic::error(format!("The state of stack {stack} belongs to {other}, and the token to {owner}."))
        .hint("Use the token of the account that the stack was made in, or another stack for this account. Nothing was changed.")
}
