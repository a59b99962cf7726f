//! `state`: what is remembered. A file for each command below it.

pub mod check;
mod edit;
pub mod list;
pub mod merge;
pub mod mv;
pub mod pull;
pub mod push;
pub mod recipients;
pub mod rm;
pub mod show;
pub mod untaint;

use clap::Subcommand;

use super::exit::Ended;
use super::session::Session;
use crate::ui::view::View;
use check::StateCheckArgs;
use list::StateListArgs;
use merge::StateMergeArgs;
use mv::StateMvArgs;
use pull::StatePullArgs;
use push::StatePushArgs;
use recipients::RecipientsArgs;
use rm::StateRmArgs;
use show::StateShowArgs;
use untaint::StateUntaintArgs;

/// The subcommands of `state`.
#[derive(Clone, Debug, Subcommand)]
pub enum StateCommand {
    /// List the resources in the state
    List(StateListArgs),
    /// Show one resource
    Show(StateShowArgs),
    /// Move a resource to another address
    Mv(StateMvArgs),
    /// Remove resources from the state without destroying them
    Rm(StateRmArgs),
    /// Accept resources whose provisioners failed or were interrupted, as they are
    Untaint(StateUntaintArgs),
    /// Print the state file
    Pull(StatePullArgs),
    /// Replace the state with a file
    Push(StatePushArgs),
    /// Check that state files are safe to commit
    Check(StateCheckArgs),
    /// Manage who can decrypt the stacks' secrets
    Recipients(RecipientsArgs),
    /// Merge the states of two branches: a merge driver for git
    Merge(StateMergeArgs),
}

/// Runs the command.
///
/// # Errors
/// If the state cannot be read, or does not have what is asked for.
pub async fn run(command: &StateCommand, session: &Session<'_>, view: &mut View) -> Ended {
    match command {
        StateCommand::List(args) => list::run(args, session, view).await,
        StateCommand::Show(args) => show::run(args, session, view).await,
        StateCommand::Untaint(args) => untaint::run(args, session, view).await,
        StateCommand::Pull(args) => pull::run(args, session, view).await,
        StateCommand::Mv(args) => mv::run(args, session, view).await,
        StateCommand::Rm(args) => rm::run(args, session, view).await,
        StateCommand::Push(args) => push::run(args, session, view).await,
        StateCommand::Check(args) => check::run(args, session, view),
        StateCommand::Recipients(args) => recipients::run(args.command.as_ref(), session, view).await,
        StateCommand::Merge(args) => merge::run(args, view),
    }
}
