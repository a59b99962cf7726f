//! `scopes`: the token scopes that plan, apply and destroy of a stack need, computed from the attribute tables.

use std::collections::BTreeSet;

use super::cluster::expansion::unbound;
use super::exit::Ended;
use super::exit::Exit;
use super::files::Disk;
use super::offline::offline;
use super::options::Variables;
use super::session::Session;
use crate::base::desired::Resolve as _;
use crate::kinds::data::source;
use crate::kinds::scopes::{Operation, needed};
use crate::kinds::{account, kind};
use crate::ui::reports::Scopes;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct ScopesArgs {
    /// The stack
    pub stack: Option<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Errors in the configuration.
pub fn run(args: &ScopesArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut workspace = session.open(place, &disk)?;
    let mut inputs = workspace.inputs(&args.variables)?;
    inputs.lenient = true;
    let configuration = workspace.load(&mut inputs, false, view)?;
    let expanded = unbound(&workspace, &configuration)?;
    let planned = offline(&workspace, &expanded).map_err(|failure| workspace.failed(failure))?;
    let own: BTreeSet<&'static str> = BTreeSet::from(account::SCOPES);
    let [mut plan, mut apply, mut destroy, mut edit] = [own.clone(), own.clone(), own.clone(), own];
    for (name, jobs) in &planned.jobs {
        let Some(kind) = kind(name) else { continue };
        for job in jobs {
            let of = |operation| needed(kind, operation, &job.body);
            plan.extend(of(Operation::Read));
            plan.extend(of(Operation::Create).into_iter().filter(|scope| scope.ends_with(":read")));
            apply.extend(of(Operation::Create));
            edit.extend(of(Operation::Update));
            destroy.extend(of(Operation::Read));
            destroy.extend(of(Operation::Delete));
        }
    }
    for source in expanded.desired().data.keys().filter_map(|address| source(address.source()?)) {
        plan.extend(source.scopes());
    }
    apply.extend(&plan);
    edit.extend(&plan);
    let nodes = expanded.clusters().iter().map(|cluster| (cluster.to_string(), expanded.scopes(cluster))).collect();
    view.scopes(&workspace.place.name, &Scopes { plan, apply, edit, destroy, nodes });
    Ok(Exit::Done)
}
