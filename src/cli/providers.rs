//! `providers`: the resource types and data sources that are built in, by the providers that Terraform has them from.
//!
//! Invariant: all of it comes from the attribute tables.

use std::collections::BTreeMap;

use clap::Subcommand;

use super::exit::{Ended, Exit, Failure};
use super::help::kinds::cluster_rows;
use crate::base::diag::Diagnostic;
use crate::base::provider::source_address;
use crate::bootstrap::schema;
use crate::kinds::data::{locals, sources};
use crate::kinds::{KINDS, LOCAL};
use crate::ui::schema_json::{self, Table};
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct ProvidersArgs {
    /// What is asked for.
    #[command(subcommand)]
    pub command: Option<ProvidersCommand>,
}

/// The subcommands of `providers`.
#[derive(Clone, Debug, Subcommand)]
pub enum ProvidersCommand {
    /// Print the attributes of all resource types and data sources
    Schema(SchemaArgs),
}

/// The arguments of `providers schema`.
#[derive(Clone, Debug, clap::Args)]
pub struct SchemaArgs {
    /// Print JSON, in Terraform's form; there is no other
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// If a form is asked for that there is not.
pub fn run(args: &ProvidersArgs, view: &mut View) -> Ended {
    let cluster = cluster_rows();
    let mut resources: Vec<Table<'_>> = resources().collect();
    resources.push((schema::KIND, &cluster));
    let data: Vec<Table<'_>> = sources().chain(locals()).map(|source| (source.name, source.rows())).collect();
    match &args.command {
        None => view.print(&listed(&resources, &data)),
        Some(ProvidersCommand::Schema(_)) if !view.is_text() => view.line(&schema_json::document(&resources, &data).to_string()),
        Some(ProvidersCommand::Schema(_)) => {
            let hint = "Write `dofloat providers schema -json`; for people there is `dofloat help kind NAME`.";
            return Err(Failure::usage(Diagnostic::error("The schema is printed as JSON only.").hint(hint)));
        }
    }
    Ok(Exit::Done)
}

fn resources<'a>() -> impl Iterator<Item = Table<'a>> {
    KINDS.iter().chain(LOCAL).map(|kind| -> Table<'a> { (kind.name(), kind.attrs()) })
}

fn listed(resources: &[Table<'_>], data: &[Table<'_>]) -> String {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    resources.iter().for_each(|(name, _)| counts.entry(source_address(name)).or_default().0 += 1);
    data.iter().for_each(|(name, _)| counts.entry(source_address(name)).or_default().1 += 1);
    let line = |(provider, (resources, data)): (&String, &(usize, usize))| {
        format!("  provider[{provider}]: resource types: {resources}, data sources: {data}\n")
    };
    let lines: String = counts.iter().map(line).collect();
    format!("Built in; nothing has to be installed:\n\n{lines}\n`dofloat help kind` lists the resource types and data sources.\n")
}
