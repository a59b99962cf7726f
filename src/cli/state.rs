//! `state`: what is remembered. `list`, `show` and `pull` are here, the others in files of their own.

use super::args::{StateCommand, StateListArgs, StatePullArgs, StateShowArgs};
use super::exit::{Ended, Exit, Failure};
use super::session::Session;
use super::stack::Place;
use super::{merge, recipients, state_check, state_edit};
use crate::base::address::Address;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::state::format;
use crate::ui::view::View;

/// Runs the command.
///
/// # Errors
/// If the state cannot be read, or does not have what is asked for.
pub async fn run(command: &StateCommand, session: &Session<'_>, view: &mut View) -> Ended {
    match command {
        StateCommand::List(args) => list(args, session, view).await,
        StateCommand::Show(args) => show(args, session, view).await,
        StateCommand::Pull(args) => pull(args, session, view).await,
        StateCommand::Mv(args) => state_edit::mv(args, session, view).await,
        StateCommand::Rm(args) => state_edit::rm(args, session, view).await,
        StateCommand::Push(args) => state_edit::push(args, session, view).await,
        StateCommand::Check(args) => state_check::run(args, session, view),
        StateCommand::Recipients(args) => recipients::run(args.command.as_ref(), session, view).await,
        StateCommand::Merge(args) => merge::run(args, view),
    }
}

/// A first word that is no address is the stack.
///
/// # Errors
/// If there is no such stack.
pub fn split<'a>(words: &'a [String], session: &Session<'_>) -> Result<(Place, &'a [String]), Failure> {
    match words {
        [first, rest @ ..] if !first.contains('.') => Ok((session.find_remembered(Some(first))?, rest)),
        all => Ok((session.find_remembered(None)?, all)),
    }
}

/// An address as it was typed.
///
/// # Errors
/// If it is none.
pub fn address(word: &str) -> Result<Address, Failure> {
    word.parse().map_err(|error| Failure::usage(Diagnostic::error(format!("{error}."))))
}

async fn pull(args: &StatePullArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let place = session.find_remembered(args.stack.as_deref())?;
    let loaded = session.loaded(&place).await?;
    let Some(state) = &loaded.state else {
        return Err(Diagnostic::error(format!("The stack {} has no state yet.", place.name)).into());
    };
    if loaded.journal.is_some() {
        view.complain("A run is open or was interrupted: what it did is in the journal, and not in this state yet.\n");
    }
    view.reveal(&String::from_utf8_lossy(&format::write(state)));
    Ok(Exit::Done)
}

async fn list(args: &StateListArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, words) = split(&args.words, session)?;
    let wanted = words.iter().map(|word| address(word)).collect::<Result<Vec<_>, _>>()?;
    let Some(state) = session.remembered(&place).await? else { return Ok(Exit::Done) };
    for (address, record) in &state.records {
        let named = wanted.is_empty() || wanted.iter().any(|wanted| wanted.covers(address));
        if named && args.id.as_ref().is_none_or(|id| record.id.0 == *id) {
            view.line(&address.to_string());
        }
    }
    Ok(Exit::Done)
}

async fn show(args: &StateShowArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, words) = split(&args.words, session)?;
    let [word] = words else { return Err(Failure::usage(Diagnostic::error("`state show` takes one address."))) };
    let wanted = address(word)?;
    let state = session.remembered(&place).await?;
    let records = state.as_ref().map(|state| &state.records);
    let Some(record) = records.and_then(|records| records.get(&wanted)) else {
        let names: Vec<String> = records.into_iter().flat_map(|records| records.keys()).map(ToString::to_string).collect();
        let diagnostic = Diagnostic::error(format!("The state has no {wanted}."));
        let hint = did_you_mean(word, names.iter().map(String::as_str)).map(|meant| format!("Did you mean {meant}?"));
        return Err(diagnostic.hint(hint.unwrap_or_else(|| "`dofloat state list` prints the addresses.".to_owned())).into());
    };
    view.record(&wanted, record);
    Ok(Exit::Done)
}
