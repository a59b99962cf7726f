//! What `state mv`, `rm` and `push` have in common: changes of what is remembered that touch no object.

use crate::base::address::Address;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::stack::Place;
use crate::state::State;
use crate::state::store::{Loaded, Locked};
use crate::ui::view::View;

/// Writes the changed state, unless it is only told what would be done.
pub(super) fn finish(dry_run: bool, count: usize, words: &str, state: &State, store: &mut Locked, view: &mut View) -> Ended {
    if dry_run {
        view.line("\nNothing was changed (-dry-run).");
        return Ok(Exit::Done);
    }
    let serial = store.commit(state)?;
    let noun = if count == 1 { "resource" } else { "resources" };
    view.line(&format!("\n{count} {noun} {words}. The state has serial {serial}."));
    Ok(Exit::Done)
}

/// The state, if no run is open: what it did is not in the state yet.
pub(super) fn recorded_state(loaded: Loaded, place: &Place) -> Result<State, Failure> {
    no_open_run(&loaded, place)?;
    match loaded.state {
        Some(state) => Ok(state),
        None => Err(Diagnostic::error(format!("The stack {} has no state yet.", place.name)).hint("The first apply creates it.").into()),
    }
}

/// Refuses a state that a run is changing, or was when it was interrupted.
pub(super) fn no_open_run(loaded: &Loaded, place: &Place) -> Result<(), Failure> {
    if loaded.journal.is_none() {
        return Ok(());
    }
    Err(Diagnostic::error(format!("A run of the stack {} was interrupted, and what it did is not in the state yet.", place.name))
        .hint(format!("`dofloat apply {0}` or `dofloat refresh {0}` completes it and updates the state. Nothing was changed.", place.name))
        .into())
}

/// The error about an address that the state does not have.
pub(super) fn absent(wanted: &Address, state: &State) -> Diagnostic {
    let names: Vec<String> = state.records.keys().map(ToString::to_string).collect();
    let meant = did_you_mean(&wanted.to_string(), names.iter().map(String::as_str)).map(|meant| format!("Did you mean {meant}?"));
    Diagnostic::error(format!("The state has no {wanted}."))
        .hint(meant.unwrap_or_else(|| "`dofloat state list` prints the addresses.".to_owned()))
}
