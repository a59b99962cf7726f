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
    /// Do not ask for confirmation
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
        view.line("The state is not locked. (The lock of a local state ends with its process.)");
        return Ok(Exit::Done);
    };
    view.line(&format!("The state is locked by {}.", holding.note));
    if holding.own {
        view.line(
            "That was a run of this clone. Unlocking publishes what it did, including its journal; the next run, on any \
             machine, continues from there.",
        );
    } else {
        view.line(
            "That was a run of another clone, and only that clone knows what it did. If that clone still exists, run `dofloat \
             unlock` or the same command there instead. If it is lost, so is its journal: the next plan then finds what that run \
             created by the stack's mark, except for objects that cannot carry one (DNS records, reserved addresses).",
        );
    }
    if !args.force && !confirmed(session, view).await? {
        view.line("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    session.free(&place, &holding, view).await?;
    view.line(if holding.own { "The state is published and unlocked." } else { "The state is unlocked." });
    Ok(Exit::Done)
}

async fn confirmed(session: &Session<'_>, view: &mut View) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Diagnostic::error("There is no terminal for the question, and `-force` is not given.")
            .hint("Make sure that the run has ended, and add `-force`.")
            .into());
    }
    session.confirmed("Has that run ended, and do you want to release its lock?", view).await
}
