//! `state show`: one resource that is remembered.

use crate::base::diag::{Diagnostic, did_you_mean};
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::session::Session;
use crate::cli::words::{address, split};
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state show [OPTIONS] [STACK] <ADDRESS>")]
pub struct StateShowArgs {
    /// The stack, if there are several, and the resource
    #[arg(value_name = "STACK|ADDRESS", num_args = 1..=2, required = true)]
    pub words: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// If the state cannot be read, or does not have it.
pub async fn run(args: &StateShowArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, words) = split(&args.words, session)?;
    let [word] = words else { return Err(Failure::usage(Diagnostic::error("`state show` takes one address."))) };
    let wanted = address(word)?;
    let state = session.remembered(&place).await?;
    let records = state.as_ref().map(|state| &state.records);
    let Some(record) = records.and_then(|records| records.get(&wanted)) else {
        let names: Vec<String> = records.into_iter().flat_map(|records| records.keys()).map(ToString::to_string).collect();
        let diagnostic = Diagnostic::error(format!("The state has no {wanted}."));
        let hint = did_you_mean(word, names.iter().map(String::as_str)).map(|meant| format!("Did you mean {meant}?"));
        return Err(diagnostic.hint(hint.unwrap_or_else(|| "`dofloat state list` prints the addresses.".to_owned())).into());
    };
    view.record(&wanted, record);
    Ok(Exit::Done)
}
