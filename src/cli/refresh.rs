//! `refresh`: brings the records up to date with what is there, and does nothing else.

use super::apply;
use super::args::{ApplyArgs, RefreshArgs};
use super::exit::{Ended, Failure};
use super::session::Session;
use crate::base::diag::Diagnostic;
use crate::ui::view::View;

/// Runs the command.
///
/// # Errors
/// As `apply -refresh-only`.
pub async fn run(args: &RefreshArgs, session: &Session<'_>, view: &mut View) -> Ended {
    if !args.planning.replace.is_empty() || !args.planning.refresh {
        return Err(Failure::usage(Diagnostic::error("`refresh` only looks: -replace and -refresh=false do not go with it.")));
    }
    let mut planning = args.planning.clone();
    planning.refresh_only = true;
    let apply = ApplyArgs { what: args.stack.clone(), auto_approve: true, destroy: false, keep_going: false, planning };
    apply::apply(&apply, session, view).await
}
