//! `show`: the state, or a saved plan.

use std::path::Path;

use super::exit::{Ended, Exit};
use super::saved_plan::{is_plan, read_plan};
use super::session::Session;
use crate::base::digest::Salt;
use crate::state::State;
use crate::ui::errors::Sources;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// The stack whose state is shown, or a file with a saved plan
    #[arg(value_name = "STACK|FILE")]
    pub what: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Show every attribute of every resource that a saved plan changes
    #[arg(long, conflicts_with = "json")]
    pub verbose: bool,
}

/// Runs the command.
///
/// # Errors
/// If the file or the state cannot be read.
pub async fn run(args: &ShowArgs, session: &Session<'_>, view: &mut View) -> Ended {
    if let Some(what) = &args.what
        && is_plan(what)
    {
        view.plan(&read_plan(Path::new(what))?.plan(), &Sources::new());
        return Ok(Exit::Done);
    }
    let place = session.find_remembered(args.what.as_deref())?;
    let state = session.remembered(&place).await?.unwrap_or_else(|| State::new(String::new(), Salt::new([0; 32])));
    view.state(&state);
    Ok(Exit::Done)
}
