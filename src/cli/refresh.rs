//! `refresh`: brings the records up to date with what is there, and does nothing else.

use super::apply::{self, ApplyArgs};
use super::exit::{Ended, Failure};
use super::options::Planning;
use super::session::Session;
use crate::base::diag::Diagnostic;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct RefreshArgs {
    /// The stack
    pub stack: Option<String>,
    /// How the plan is made.
    #[command(flatten)]
    pub planning: Planning,
}

/// Runs the command.
///
/// # Errors
/// As `apply -refresh-only`.
pub async fn run(args: &RefreshArgs, session: &Session<'_>, view: &mut View) -> Ended {
    if !args.planning.replace.is_empty() || !args.planning.refresh {
        return Err(Failure::usage(Diagnostic::error("`refresh` only reads: -replace and -refresh=false cannot be combined with it.")));
    }
    let mut planning = args.planning.clone();
    planning.refresh_only = true;
    let apply = ApplyArgs { what: args.stack.clone(), auto_approve: true, destroy: false, keep_going: false, planning };
    apply::run(&apply, session, view).await
}
