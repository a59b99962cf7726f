//! `destroy`: as `apply`, towards nothing.

use super::apply::{Order, carry_out};
use super::exit::Ended;
use super::options::Planning;
use super::session::Session;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct DestroyArgs {
    /// The stack
    pub stack: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub auto_approve: bool,
    /// Only objects that carry the stack's mark and are not in the state
    #[arg(long, conflicts_with_all = ["target", "replace", "refresh_only"])]
    pub strays: bool,
    /// After a failure, continue with everything that does not depend on it
    #[arg(long)]
    pub keep_going: bool,
    /// How the plan is made.
    #[command(flatten)]
    pub planning: Planning,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from being done whole.
pub async fn run(args: &DestroyArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let order = Order {
        stack: args.stack.as_deref(),
        saved: None,
        auto_approve: args.auto_approve,
        keep_going: args.keep_going,
        planning: &args.planning,
        destroy: true,
        strays: args.strays,
    };
    carry_out(order, session, view).await
}
