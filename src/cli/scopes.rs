//! `scopes`: the token scopes that a stack needs in its whole life, by what is done, computed from the tables of kinds and requests.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::expansion::unbound;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::offline::offline;
use super::options::Variables;
use super::session::Session;
use super::workspace::Workspace;
use crate::base::desired::Resolve as _;
use crate::base::value::Term;
use crate::bootstrap::cluster::Expanded;
use crate::kinds::data::source;
use crate::kinds::erased::AnyKind;
use crate::kinds::scopes::{Operation, needed};
use crate::kinds::{account, kind};
use crate::lang::inputs::Inputs;
use crate::modules::Fetching;
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
    /// List them by phase: plan, apply, change, destroy …
    #[arg(long)]
    pub by: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The scopes of each resource type.
type ByKind = BTreeMap<String, BTreeSet<&'static str>>;

/// Runs the command.
///
/// # Errors
/// Errors in the configuration.
pub fn run(args: &ScopesArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut workspace = session.open_with(place, &disk, Fetching::Never)?;
    let mut inputs = workspace.inputs(&args.variables)?;
    inputs.lenient = true;
    inputs.open_data = true;
    let configuration = workspace.load(&mut inputs, false, view)?;
    let expanded = unbound(&workspace, &configuration)?;
    let (uses, kinds) = Uses::of(&workspace, &expanded)?;
    let nodes = expanded.clusters().iter().map(|cluster| (cluster.to_string(), expanded.scopes(cluster))).collect();
    view.scopes(&workspace.place.name, &Scopes { phases: uses.phases(), kinds, nodes }, args.by);
    Ok(Exit::Done)
}

/// The scopes that an apply of a stack needs.
///
/// # Errors
/// Errors in the configuration.
pub fn of_apply(workspace: &Workspace<'_>, inputs: &mut Inputs, view: &mut View) -> Result<BTreeSet<&'static str>, Failure> {
    inputs.open_data = true;
    let configuration = workspace.load(inputs, false, view)?;
    let (uses, _) = Uses::of(workspace, &unbound(workspace, &configuration)?)?;
    Ok(uses.phases().into_iter().find(|(phase, _)| *phase == "apply").map(|(_, scopes)| scopes).unwrap_or_default())
}

/// What is asked of the API, by what it is for.
#[derive(Default)]
struct Uses {
    read: BTreeSet<&'static str>,
    look: BTreeSet<&'static str>,
    create: BTreeSet<&'static str>,
    update: BTreeSet<&'static str>,
    delete: BTreeSet<&'static str>,
}

impl Uses {
    /// Those of a whole stack, and the scopes of each resource type.
    fn of(workspace: &Workspace<'_>, expanded: &Expanded<'_>) -> Result<(Self, ByKind), Failure> {
        let planned = offline(workspace, expanded).map_err(|failure| workspace.failed(failure))?;
        let (mut uses, mut kinds) = (Self::default(), BTreeMap::new());
        for (name, jobs) in &planned.jobs {
            let Some(kind) = kind(name) else { continue };
            let mut own = Self::default();
            jobs.iter().for_each(|job| own.add(kind, &job.body));
            kinds.insert((*name).to_owned(), own.phases().into_iter().flat_map(|(_, scopes)| scopes).collect());
            uses.join(own);
        }
        for source in expanded.desired().data.keys().filter_map(|address| source(address.source()?)) {
            uses.look.extend(source.scopes());
        }
        Ok((uses, kinds))
    }

    fn add(&mut self, kind: &dyn AnyKind, body: &Term) {
        let of = |operation| needed(kind, operation, body);
        self.read.extend(of(Operation::Read));
        self.create.extend(of(Operation::Create));
        self.update.extend(of(Operation::Update));
        self.delete.extend(of(Operation::Delete));
        // The checks before the first write are made by a plan.
        self.look.extend(of(Operation::Create).into_iter().filter(|scope| scope.ends_with(":read")));
    }

    fn join(&mut self, other: Self) {
        let Self { read, look, create, update, delete } = other;
        self.read.extend(read);
        self.look.extend(look);
        self.create.extend(create);
        self.update.extend(update);
        self.delete.extend(delete);
    }

    /// Whose token it is, is asked by all.
    fn phases(&self) -> Vec<(&'static str, BTreeSet<&'static str>)> {
        let all = |of: &[&BTreeSet<&'static str>]| of.iter().copied().flatten().chain(&account::SCOPES).copied().collect();
        let Self { read, look, create, update, delete } = self;
        vec![
            ("plan", all(&[read, look])),
            ("refresh", all(&[read])),
            ("import", all(&[read])),
            ("apply", all(&[read, look, create])),
            ("change", all(&[read, look, update])),
            ("replace", all(&[read, look, create, delete])),
            ("destroy", all(&[read, delete])),
        ]
    }
}
