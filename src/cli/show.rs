//! `show`: the state, or a saved plan.

use std::path::{Path, PathBuf};

use super::exit::{Ended, Exit, Failure};
use super::pages;
use super::saved_plan::{is_plan, read_plan};
use super::session::Session;
use crate::base::diag::Diagnostic;
use crate::base::digest::Salt;
use crate::state::State;
use crate::ui::errors::Sources;
use crate::ui::plan_page;
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
    /// Write it as a page to this file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub html: Option<PathBuf>,
    /// Print a saved plan as Markdown, for the comments of a review
    #[arg(long, conflicts_with_all = ["json", "verbose", "html"])]
    pub markdown: bool,
}

/// Runs the command.
///
/// # Errors
/// If the file or the state cannot be read.
pub async fn run(args: &ShowArgs, session: &Session<'_>, view: &mut View) -> Ended {
    if let Some(what) = &args.what
        && is_plan(what)
    {
        let plan = read_plan(Path::new(what))?.plan();
        match &args.html {
            Some(path) => pages::write(path, &plan_page::plan(&plan, view.layout(&Sources::new())), view)?,
            None => view.plan(&plan, &Sources::new()),
        }
        return Ok(Exit::Done);
    }
    if args.markdown {
        return Err(Failure::usage(
            Diagnostic::error("Only a saved plan is shown as Markdown.").hint("`dofloat plan -out=FILE` saves one."),
        ));
    }
    let place = session.find_remembered(args.what.as_deref())?;
    let state = session.remembered(&place).await?.unwrap_or_else(|| State::new(String::new(), Salt::new([0; 32])));
    match &args.html {
        Some(path) => pages::write(path, &plan_page::state(&place.name, &state, view.layout(&Sources::new())), view)?,
        None => view.state(&state),
    }
    Ok(Exit::Done)
}
