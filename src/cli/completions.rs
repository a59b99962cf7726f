//! `completions`: a script for a shell.

use clap::CommandFactory as _;

use super::args::{Args, CompletionsArgs};
use super::exit::{Ended, Exit};
use crate::ui::view::View;

/// Runs the command.
///
/// # Errors
/// None.
pub fn run(args: &CompletionsArgs, view: &mut View) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "dofloat", &mut script);
    view.print(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
