//! `state rm`: objects are forgotten, and live on.

use super::edit::{absent, finish, with_addresses};
use crate::base::address::Address;
use crate::cli::exit::Ended;
use crate::cli::options::Locking;
use crate::cli::session::Session;
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
    let change = |wanted: &[Address], state, store: &mut Locked, view: &mut View| forgotten(wanted, args.dry_run, state, store, view);
    with_addresses("state rm", &args.words, &args.locking, session, view, change).await
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
