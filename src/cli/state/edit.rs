//! What `state mv`, `rm`, `untaint` and `push` have in common: changes of what is remembered that touch no object.

use crate::base::address::Address;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::options::Locking;
use crate::cli::session::{Claim, Session};
use crate::cli::stack::Place;
use crate::cli::words::{address, split};
use crate::state::State;
use crate::state::store::{Loaded, Locked};
use crate::ui::view::View;

/// Changes what is recorded of the resources that a command names.
pub(super) async fn with_addresses(
    command: &'static str,
    words: &[String],
    locking: &Locking,
    session: &Session<'_>,
    view: &mut View,
    change: impl FnOnce(&[Address], State, &mut Locked, &mut View) -> Ended,
) -> Ended {
    let (place, words) = split(words, session)?;
    let wanted = words.iter().map(|word| address(word)).collect::<Result<Vec<_>, _>>()?;
    if wanted.is_empty() {
        return Err(Failure::usage(Diagnostic::error(format!("`{command}` takes at least one address."))));
    }
    let work = async |store: &mut Locked, loaded, view: &mut View| change(&wanted, recorded_state(loaded, &place)?, store, view);
    session.with_state(Claim { place: &place, locking, command }, view, work).await
}

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
