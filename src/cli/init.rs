//! `init` and `get`: what has to be there before a plan can be made, which are modules that lie elsewhere; and where there is
//! nothing yet, a stack to begin with.
//!
//! Invariant: it says what is wrong with the way to modules, not what is wrong in them. What Terraform's `init` does for providers
//! has no counterpart; of a backend only what its block leaves out is kept.

use clap::ArgAction;

use super::backend_config::{self, BackendArgs};
use super::exit::{Ended, Exit};
use super::files::Disk;
use super::history;
use super::session::Session;
use super::stack;
use super::starter::{self, Template};
use crate::modules::Fetching;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct InitArgs {
    /// The stack
    pub stack: Option<String>,
    /// Write a stack to begin with
    #[arg(long, value_name = "NAME", value_enum, conflicts_with_all = ["stack", "upgrade"])]
    pub template: Option<Template>,
    /// Fetch modules anew, as their sources mean them now
    #[arg(long, alias = "update")]
    pub upgrade: bool,
    /// Ask for what is missing; nothing is
    #[arg(long, hide = true, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub input: bool,
    /// Set up the backend
    #[arg(long, hide = true, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub backend: bool,
    /// What the backend's block leaves out.
    #[command(flatten)]
    pub backend_args: BackendArgs,
}

/// Runs the command.
///
/// # Errors
/// If there is no such stack.
pub fn run(args: &InitArgs, session: &Session<'_>, view: &mut View) -> Ended {
    if let Some(template) = args.template {
        return template.write(view);
    }
    if args.stack.is_none() && session.environment.stack.is_none() && stack::names()?.is_empty() {
        return starter::offer(args.input, view);
    }
    let place = session.find(args.stack.as_deref())?;
    if args.backend {
        backend_config::set_up(&args.backend_args, &place, session.environment, view)?;
    }
    let disk = Disk;
    let workspace = session.open_with(place, &disk, if args.upgrade { Fetching::Upgrade } else { Fetching::Missing })?;
    let place = &workspace.place;
    workspace.fetched().iter().for_each(|note| view.line(note));
    let missing = workspace.missing();
    if !missing.is_empty() {
        return Err(workspace.failed(missing));
    }
    match (workspace.has_fetched(), workspace.fetched().is_empty()) {
        (false, _) => view.line(&format!("Nothing has to be installed for the stack {}: run `dofloat plan`.", place.name)),
        (true, true) => view.line(&format!("All modules of the stack {} are installed.", place.name)),
        (true, false) => view.line("The modules are pinned in modules.lock: commit that file."),
    }
    if !place.store().state.exists()
        && let Some(offer) = history::terraform_state(place)
    {
        view.diagnostics(&[offer.into_warning()], &std::collections::BTreeMap::new());
    }
    Ok(Exit::Done)
}
