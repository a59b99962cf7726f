//! `arbiter`: the script that makes a host of the operator's the arbiter of a stack's pairs.
//!
//! Invariant: reads only. What it prints holds a key, so it prints only what it was asked for.

use super::certificates;
use crate::base::diag::Diagnostic;
use crate::base::value::Value;
use crate::bootstrap::arbiter;
use crate::cli::exit::{Ended, Exit};
use crate::cli::keys::keys;
use crate::cli::session::Session;
use crate::state::secrets;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "It contains a key: pipe it to the host, for example `dofloat arbiter web | ssh root@HOST sh`, and keep no copy.")]
pub struct ArbiterArgs {
    /// The stack
    pub stack: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// If no pair of the stack has an arbiter, or the encrypted file cannot be opened.
pub async fn run(args: &ArbiterArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let place = session.find_remembered(args.stack.as_deref())?;
    session.remembered(&place).await?;
    let kept = secrets::read(&place.store().secrets, &keys(session.environment))?.unwrap_or_default();
    let Some(certificates) = certificates::kept_of_arbiter(&kept) else {
        return Err(Diagnostic::error(format!("No pair of stack {} has an arbiter yet.", place.name))
            .hint(
                "Write `arbiter = \"ADDRESS\"` into the cluster and apply: the certificates of the arbiter and the nodes are created then.",
            )
            .into());
    };
    let script = arbiter::script(&certificates).map(|text| Value::from(text.as_str()));
    if let Value::Str(text) = secrets::reveal(&script) {
        view.reveal(&text);
    }
    Ok(Exit::Done)
}
