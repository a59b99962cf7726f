//! `unlock`: frees the lock that a killed run left on a shared state.
//!
//! Invariant: it shows who holds the lock before anything else, and frees exactly that lock, not one that was taken since.

use std::io::{self, IsTerminal as _};

use super::exit::{Ended, Exit, Failure};
use super::session::Session;
use crate::base::diag::Diagnostic;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct UnlockArgs {
    /// The stack
    pub stack: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
///
/// # Errors
/// If nobody confirms it, or it cannot be done.
pub async fn run(args: &UnlockArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let place = session.find_remembered(args.stack.as_deref())?;
    view.line(&format!("Stack {}", place.name));
    let Some(holding) = session.holder(&place).await? else {
        view.line("It is not locked. (The lock of a state beside its stack ends with its process.)");
        return Ok(Exit::Done);
    };
    view.line(&format!("It is locked by {}.", holding.note));
    if holding.own {
        view.line("That was a run of this clone. Unlocking publishes what it did, its journal included; the next run, wherever, goes on from there.");
    } else {
        view.line(
            "That was a run of another clone, and what it did since it began is known only there. If that clone still exists, run \
             `dofloat unlock` or the same command there instead. If it is lost, so is its journal: the next plan then names what that \
             run made by the stack's mark, but for what can carry none (records of a domain, reserved addresses).",
        );
    }
    if !args.force && !confirmed(session, view).await? {
        view.line("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    session.free(&place, &holding, view).await?;
    view.line(if holding.own { "It is published and unlocked." } else { "It is unlocked." });
    Ok(Exit::Done)
}

async fn confirmed(session: &Session<'_>, view: &mut View) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Diagnostic::error("There is no terminal on which to ask, and `-force` is not given.")
            .hint("Make sure that the run is over, and add `-force`.")
            .into());
    }
    session.confirmed("Is that run over, and is the lock to be freed?", view).await
}
