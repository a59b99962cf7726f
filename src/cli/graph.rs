//! `graph`: what depends on what, drawn from the configuration without any request.
//!
//! Invariant: nothing is read but files. What a saved plan does is shown by colour, where one is given.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::cluster::expansion::unbound;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::options::Variables;
use super::saved_plan::read_plan;
use super::session::Session;
use crate::base::address::Address;
use crate::base::desired::Resolve as _;
use crate::base::diag::Diagnostic;
use crate::engine::graph;
use crate::modules::Fetching;
use crate::ui::graph_text::{Act, Node, Picture};
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct GraphArgs {
    /// The stack
    pub stack: Option<String>,
    /// The form of the graph
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Dot)]
    pub format: Format,
    /// Show by colour what this saved plan does
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
}

/// The forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Graphviz, as Terraform prints it
    Dot,
    /// Mermaid, which pages of git hosts draw
    Mermaid,
    /// A picture, which browsers show
    Svg,
    /// JSON
    Json,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the configuration, and a plan that cannot be read.
pub fn run(args: &GraphArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut workspace = session.open_with(place, &disk, Fetching::Never)?;
    let mut inputs = workspace.inputs(&args.variables)?;
    inputs.lenient = true;
    inputs.open_shape = true;
    let configuration = workspace.load(&mut inputs, false, view)?;
    let expanded = unbound(&workspace, &configuration)?;
    let desired = expanded.desired();
    let resources = desired.resources.iter().map(|(address, wanted)| (address, &wanted.after));
    let needs = resources.chain(desired.data.iter().map(|(address, reading)| (address, &reading.after)));
    let mut picture = picture(needs.collect())?;
    if let Some(path) = &args.plan {
        colour(&mut picture, path)?;
    }
    match args.format {
        Format::Dot => view.print(&picture.dot()),
        Format::Mermaid => view.print(&picture.mermaid()),
        Format::Svg => view.print(&picture.svg()),
        Format::Json => view.print(&format!("{:#}\n", picture.json())),
    }
    Ok(Exit::Done)
}

/// The blocks of instances, and what each needs.
fn picture(needs: BTreeMap<&Address, &BTreeSet<Address>>) -> Result<Picture, Failure> {
    let mut nodes = BTreeMap::<Address, Node>::new();
    for address in needs.keys() {
        nodes.entry(address.unkeyed()).or_default().instances += 1;
    }
    let edges = needs.iter().flat_map(|(address, after)| after.iter().map(|before| (before.unkeyed(), address.unkeyed())));
    // Instances of one block need each other nowhere, and a graph of blocks has no arrow to itself.
    let graph = graph::build(nodes.keys().cloned(), edges.filter(|(before, address)| before != address));
    let graph = graph.map_err(|cycle| {
        let blocks: Vec<String> = cycle.0.iter().map(ToString::to_string).collect();
        Failure::from(Diagnostic::error(format!(
            "The instances of these blocks depend on each other, and the blocks form a cycle: {}.",
            blocks.join(", ")
        )))
    })?;
    let edges = graph.without_shortcuts().into_iter().map(|(before, address)| (address, before)).collect();
    Ok(Picture { nodes, edges })
}

/// What a saved plan does with each block; what only the plan knows goes.
fn colour(picture: &mut Picture, path: &Path) -> Result<(), Failure> {
    for change in read_plan(path)?.plan().changes {
        let Some(act) = Act::of(&change.action) else { continue };
        let node = picture.nodes.entry(change.address.unkeyed()).or_default();
        node.instances = node.instances.max(1);
        if !node.actions.contains(&act) {
            node.actions.push(act);
            node.actions.sort_unstable();
        }
    }
    Ok(())
}
