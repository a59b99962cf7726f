//! `completions`: a script for a shell.

use super::exit::{Ended, Exit};
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Runs the command, for this definition of all commands.
///
/// # Errors
/// None.
pub fn run(args: &CompletionsArgs, mut program: clap::Command, view: &mut View) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "dofloat", &mut script);
    view.print(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
