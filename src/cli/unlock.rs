//! `unlock`: frees the lock that a killed run left on a shared state.
//!
//! Invariant: it shows who holds the lock before anything else, and frees exactly that lock, not one that was taken since.

use std::io::{self, IsTerminal as _};

use super::args::{Global, Locking, UnlockArgs};
use super::environment::Environment;
use super::exit::{Ended, Exit, Failure};
use super::session::{Claim, Session};
use super::{stack, store};
use crate::base::diag::Diagnostic;
use crate::state::store::{Locked, Sharing};
use crate::ui::screen::Screen;

/// Runs the command.
///
/// # Errors
/// If nobody confirms it, or it cannot be done.
pub async fn run(args: &UnlockArgs, global: &Global, environment: &Environment, screen: &mut Screen) -> Ended {
    let place = stack::find_remembered(args.stack.as_deref(), global, environment)?;
    screen.line(&format!("Stack {}", place.name));
    let store = store::of(&place, environment)?;
    // A run that is at work here holds the lock of the files, be they all there is or the working copy of a shared state.
    if let Sharing::Busy { holder } = store.share(&environment.clock).await {
        return Err(Failure::new(Exit::Locked, vec![at_work(&holder)]));
    }
    let session = Session::begin(environment, screen);
    let Some(holding) = store.holder().await? else {
        screen.line("It is not locked. (The lock of a state beside its stack ends with its process.)");
        return Ok(Exit::Done);
    };
    screen.line(&format!("It is locked by {}.", holding.note));
    if holding.own {
        screen.line("That was a run of this clone. Unlocking publishes what it did, its journal included; the next run, wherever, goes on from there.");
    } else {
        screen.line(
            "That was a run of another clone, and what it did since it began is known only there. If that clone still exists, run \
             `dofloat unlock` or the same command there instead. If it is lost, so is its journal: the next plan then names what that \
             run made by the stack's mark, but for what can carry none (records of a domain, reserved addresses).",
        );
    }
    if !args.force && !confirmed(&session, screen).await? {
        screen.line("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    if !holding.own {
        store.unlock(&holding).await?;
        screen.line("It is unlocked.");
        return Ok(Exit::Done);
    }
    // Whoever takes the lock over gives it back with what is here.
    let locking = Locking::at_once();
    let claim = Claim { place: &place, locking: &locking, command: "unlock", json: false };
    session.with_lock(claim, screen, async |_: &mut Locked, _: &mut Screen| Ok(Exit::Done)).await?;
    screen.line("It is published and unlocked.");
    Ok(Exit::Done)
}

fn at_work(holder: &str) -> Diagnostic {
    let who = if holder.is_empty() { "another dofloat" } else { holder };
    Diagnostic::error(format!("The state is locked by {who}, which is at work in this folder."))
        .hint("Wait until it ends, or end it: its lock ends with its process. There is nothing to unlock.")
}

async fn confirmed(session: &Session<'_>, screen: &mut Screen) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Diagnostic::error("There is no terminal on which to ask, and `-force` is not given.")
            .hint("Make sure that the run is over, and add `-force`.")
            .into());
    }
    session.confirmed("Is that run over, and is the lock to be freed?", screen).await
}
