//! `state mv`: an object is known by another address.

use super::edit::{absent, finish, recorded_state};
use crate::base::address::Address;
use crate::base::diag::Diagnostic;
use crate::cli::exit::{Ended, Failure};
use crate::cli::options::Locking;
use crate::cli::session::{Claim, Session};
use crate::cli::words::{address, split};
use crate::engine::moves;
use crate::kinds::account::is_renamed;
use crate::state::State;
use crate::state::store::Locked;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state mv [OPTIONS] [STACK] <FROM> <TO>")]
pub struct StateMvArgs {
    /// The stack, if there are several; then two addresses: a resource with all its instances, or one instance
    #[arg(value_name = "STACK|FROM|TO", required = true)]
    pub words: Vec<String>,
    /// Only show what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// Runs the command.
///
/// # Errors
/// If there is nothing to move, or the place is taken.
pub async fn run(args: &StateMvArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, words) = split(&args.words, session)?;
    let [from, to] = words else { return Err(Failure::usage(Diagnostic::error("`state mv` takes two addresses, from and to."))) };
    let (from, to) = (address(from)?, address(to)?);
    if from.kind != to.kind && !is_renamed(&from.kind, &to.kind) {
        return Err(Diagnostic::error(format!(
            "A move changes the name or the key, not the type: `{}` cannot become `{}`.",
            from.kind, to.kind
        ))
        .hint("An object keeps its type. Where one type has an old and a new name, a move leads from the one to the other.")
        .into());
    }
    let work =
        async |store: &mut Locked, loaded, view: &mut View| renamed(&from, &to, args.dry_run, recorded_state(loaded, &place)?, store, view);
    let claim = Claim { place: &place, locking: &args.locking, command: "state mv" };
    session.with_state(claim, view, work).await
}

fn renamed(from: &Address, to: &Address, dry_run: bool, mut state: State, store: &mut Locked, view: &mut View) -> Ended {
    let renamed = moves::rename(&mut state, from, to);
    if let Some((from, to)) = renamed.blocked.first() {
        return Err(Diagnostic::error(format!("{from} cannot be moved to {to}: the state has an object there already."))
            .hint("Move that one or remove it from the state first. Nothing was changed.")
            .into());
    }
    if renamed.done.is_empty() {
        return Err(absent(from, &state).into());
    }
    for (from, to) in &renamed.done {
        view.line(&format!("{} {from} to {to}", if dry_run { "Would move" } else { "Moved" }));
    }
    finish(dry_run, renamed.done.len(), "moved", &state, store, view)
}
