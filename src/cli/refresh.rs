//! `refresh`: brings the records up to date with what is there, and does nothing else.

use super::apply;
use super::args::{ApplyArgs, Global, RefreshArgs};
use super::environment::Environment;
use super::exit::{Ended, Failure};
use crate::base::diag::Diagnostic;
use crate::ui::screen::Screen;

/// Runs the command.
///
/// # Errors
/// As `apply -refresh-only`.
pub async fn run(args: &RefreshArgs, global: &Global, environment: &Environment, screen: &mut Screen) -> Ended {
    if !args.planning.replace.is_empty() || !args.planning.refresh {
        return Err(Failure::usage(Diagnostic::error("`refresh` only looks: -replace and -refresh=false do not go with it.")));
    }
    let mut planning = args.planning.clone();
    planning.refresh_only = true;
    let apply = ApplyArgs { what: args.stack.clone(), auto_approve: true, destroy: false, keep_going: false, planning };
    apply::apply(&apply, global, environment, screen).await
}
