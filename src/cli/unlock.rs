//! `unlock`: frees the lock that a killed run left on a shared state.
//!
//! Invariant: it shows who holds the lock before anything else, and frees exactly that lock, not one that was taken since.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::Context as _;

use super::args::{Global, UnlockArgs};
use super::environment::Environment;
use super::exit::{Ended, Exit, Failure};
use super::{stack, store};
use crate::base::diag::Diagnostic;
use crate::ui::screen::Screen;

/// Runs the command.
///
/// # Errors
/// If nobody confirms it, or it cannot be done.
pub async fn run(args: &UnlockArgs, global: &Global, environment: &Environment, screen: &mut Screen) -> Ended {
    let place = stack::find_remembered(args.stack.as_deref(), global, environment)?;
    screen.line(&format!("Stack {}", place.name));
    let store = store::of(&place, environment)?;
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
    if !args.force && !confirmed(screen)? {
        screen.line("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    if holding.own {
        store::publish(&store, environment).await?
    } else {
        store.unlock(&holding).await?
    }
    screen.line(if holding.own { "It is published and unlocked." } else { "It is unlocked." });
    Ok(Exit::Done)
}

fn confirmed(screen: &mut Screen) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Diagnostic::error("There is no terminal on which to ask, and `-force` is not given.")
            .hint("Make sure that the run is over, and add `-force`.")
            .into());
    }
    screen.print("\nIs that run over, and is the lock to be freed?\n  Only \"yes\" is taken as approval.\n\n  Enter a value: ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("Failed to read the answer")?;
    screen.line("");
    Ok(answer.trim() == "yes")
}
