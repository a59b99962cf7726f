//! `state rm`: objects are forgotten, and live on.

use super::edit::{absent, finish, recorded_state};
use crate::base::address::Address;
use crate::base::diag::Diagnostic;
use crate::cli::exit::{Ended, Failure};
use crate::cli::options::Locking;
use crate::cli::session::{Claim, Session};
use crate::cli::words::{address, split};
use crate::engine::moves;
use crate::state::State;
use crate::state::store::Locked;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state rm [OPTIONS] [STACK] <ADDRESS>...")]
pub struct StateRmArgs {
    /// The stack, if there are several, and the resources
    #[arg(value_name = "STACK|ADDRESS", required = true)]
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
/// If an address has no record.
pub async fn run(args: &StateRmArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, words) = split(&args.words, session)?;
    let wanted = words.iter().map(|word| address(word)).collect::<Result<Vec<_>, _>>()?;
    if wanted.is_empty() {
        return Err(Failure::usage(Diagnostic::error("`state rm` takes at least one address.")));
    }
    let work =
        async |store: &mut Locked, loaded, view: &mut View| forgotten(&wanted, args.dry_run, recorded_state(loaded, &place)?, store, view);
    let claim = Claim { place: &place, locking: &args.locking, command: "state rm" };
    session.with_state(claim, view, work).await
}

fn forgotten(wanted: &[Address], dry_run: bool, mut state: State, store: &mut Locked, view: &mut View) -> Ended {
    let known = |state: &State| -> Vec<Address> {
        let deposed = state.deposed.keys().map(|(address, _)| address);
        let mut all: Vec<Address> = state.records.keys().chain(deposed).cloned().collect();
        all.sort();
        all.dedup();
        all
    };
    let all = known(&state);
    if let Some(wanted) = wanted.iter().find(|wanted| !all.iter().any(|known| wanted.covers(known))) {
        return Err(absent(wanted, &state).into());
    }
    let gone: Vec<&Address> = all.iter().filter(|known| wanted.iter().any(|wanted| wanted.covers(known))).collect();
    for address in &gone {
        let id = state.records.get(address).map(|record| format!(" [id={}]", record.id)).unwrap_or_default();
        view.line(&format!("{} {address}{id}", if dry_run { "Would remove" } else { "Removed" }));
        moves::forget(&mut state, address);
    }
    finish(dry_run, gone.len(), "removed from the state; the objects still exist", &state, store, view)
}
