//! `init` and `get`: what has to be there before a plan can be made. Nothing is installed.
//!
//! Invariant: what Terraform's `init` does for providers and backends has no counterpart, so its switches for those are accepted
//! and change nothing.

use clap::ArgAction;

use super::exit::{Ended, Exit};
use super::history;
use super::session::Session;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct InitArgs {
    /// The stack
    pub stack: Option<String>,
    /// Take the newest versions; nothing has one
    #[arg(long, alias = "update", hide = true)]
    pub upgrade: bool,
    /// Ask for what is missing; nothing is
    #[arg(long, hide = true, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub input: bool,
    /// Set up the backend; there is nothing to set up
    #[arg(long, hide = true, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub backend: bool,
    /// Set up the backend anew; there is nothing to set up
    #[arg(long, hide = true)]
    pub reconfigure: bool,
}

/// Runs the command.
///
/// # Errors
/// If there is no such stack.
pub fn run(args: &InitArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let place = session.find(args.stack.as_deref())?;
    view.line(&format!("Nothing has to be installed for the stack {}: `dofloat plan` can be run at once.", place.name));
    if !place.store().state.exists()
        && let Some(offer) = history::terraform_state(&place)
    {
        view.diagnostics(&[offer.into_warning()], &std::collections::BTreeMap::new());
    }
    Ok(Exit::Done)
}
