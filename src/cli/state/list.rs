//! `state list`: the resources that are remembered.

use crate::base::address::Address;
use crate::cli::exit::{Ended, Exit};
use crate::cli::session::Session;
use crate::cli::words::{address, split};
use crate::state::Record;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state list [OPTIONS] [STACK] [ADDRESS]...")]
pub struct StateListArgs {
    /// The stack, then addresses to filter by
    #[arg(value_name = "STACK|ADDRESS")]
    pub words: Vec<String>,
    /// Only the object with this ID
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// If the state cannot be read, or a word is no address.
pub async fn run(args: &StateListArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, words) = split(&args.words, session)?;
    let wanted = words.iter().map(|word| address(word)).collect::<Result<Vec<_>, _>>()?;
    let state = session.remembered(&place).await?;
    let is_wanted = |address: &Address, record: &Record| {
        let named = wanted.is_empty() || wanted.iter().any(|wanted| wanted.covers(address));
        named && args.id.as_ref().is_none_or(|id| record.id.0 == *id)
    };
    let records = state.iter().flat_map(|state| &state.records).filter(|(address, record)| is_wanted(address, record));
    view.records(&records.collect::<Vec<_>>());
    Ok(Exit::Done)
}
