//! `state untaint`: objects whose provisioners failed or were interrupted are taken as they are.

use super::edit::{absent, finish, with_addresses};
use crate::base::address::Address;
use crate::base::diag::Diagnostic;
use crate::cli::exit::Ended;
use crate::cli::options::Locking;
use crate::cli::session::Session;
use crate::state::store::Locked;
use crate::state::{Health, State};
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state untaint [OPTIONS] [STACK] <ADDRESS>...")]
pub struct StateUntaintArgs {
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
/// If an address has no record, or nothing is wrong with it.
pub async fn run(args: &StateUntaintArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let change = |wanted: &[Address], state, store: &mut Locked, view: &mut View| taken(wanted, args.dry_run, state, store, view);
    with_addresses("state untaint", &args.words, &args.locking, session, view, change).await
}

fn taken(wanted: &[Address], dry_run: bool, mut state: State, store: &mut Locked, view: &mut View) -> Ended {
    for address in wanted {
        let Some(record) = state.records.get_mut(address) else { return Err(absent(address, &state).into()) };
        match record.health {
            Health::Interrupted | Health::Tainted | Health::Bare => record.health = Health::Ready,
            Health::Ready | Health::Unfinished => return Err(Diagnostic::error(format!("{address} is not tainted.")).into()),
        }
        view.line(&format!("{} {address} [id={}]", if dry_run { "Would take" } else { "Took" }, record.id));
    }
    finish(dry_run, wanted.len(), "taken as they are", &state, store, view)
}
