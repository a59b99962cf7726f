//! `state pull`: the state file, as it is.

use crate::base::diag::Diagnostic;
use crate::cli::exit::{Ended, Exit};
use crate::cli::session::Session;
use crate::state::format;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct StatePullArgs {
    /// The stack
    pub stack: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// If there is none, or it cannot be read.
pub async fn run(args: &StatePullArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let place = session.find_remembered(args.stack.as_deref())?;
    let loaded = session.loaded(&place).await?;
    let Some(state) = &loaded.state else {
        return Err(Diagnostic::error(format!("The stack {} has no state yet.", place.name)).into());
    };
    if loaded.journal.is_some() {
        view.print_err("A run is in progress or was interrupted: what it did is in the journal, not yet in this state.\n");
    }
    view.reveal(&String::from_utf8_lossy(&format::write(state)));
    Ok(Exit::Done)
}
