//! `plan`: shows what would be done, and may save it. Writes nothing else, ever.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;

use super::cluster::expansion;
use super::cluster::expansion::Intent;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::forecast::forecast;
use super::made_up;
use super::options::Planning;
use super::pages;
use super::planning::{PlanContext, make_plan, options};
use super::session::{Memory, Opened, Session};
use super::workspace::Workspace;
use crate::base::diag::Diagnostic;
use crate::base::durable::write_atomic;
use crate::engine::placeholder::Placeholders;
use crate::engine::request::Options;
use crate::engine::saved;
use crate::ui::literals::may_show;
use crate::ui::plan_page;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct PlanArgs {
    /// The stack
    pub stack: Option<String>,
    /// Save the plan to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the plan as a page to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print the plan as Markdown, for the comments of a review
    #[arg(long, conflicts_with_all = ["json", "verbose"])]
    pub markdown: bool,
    /// Plan to destroy everything
    #[arg(long, conflicts_with_all = ["refresh_only", "replace"])]
    pub destroy: bool,
    /// Exit with 2 if changes are pending
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// How the plan is made.
    #[command(flatten)]
    pub planning: Planning,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the plan from being made.
pub async fn run(args: &PlanArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut workspace = session.open(place, &disk)?;
    let mut inputs = workspace.inputs(&args.planning.variables)?;
    inputs.lenient = args.destroy;
    inputs.provisioners |= args.planning.allow_provisioners;
    inputs.skip_unsupported |= args.destroy;
    let ask = args.planning.variables.input;
    let work = async |opened: &Opened<'_>, view: &mut View| {
        let work = async |memory: Memory| shown(args, &workspace, opened, memory, view).await;
        session.unless_stopped(session.with_memory(&workspace.place, &args.planning.locking, work)).await
    };
    session.with_api(&workspace, inputs, &BTreeMap::new(), ask, view, work).await
}

async fn shown(args: &PlanArgs, workspace: &Workspace<'_>, opened: &Opened<'_>, memory: Memory, view: &mut View) -> Ended {
    let Opened { configuration, inputs, api_session } = opened;
    let Memory { loaded, busy } = memory;
    let fresh = workspace.fresh_state();
    let expanded = expansion::expand(
        workspace,
        configuration,
        api_session,
        &loaded,
        &fresh,
        Intent { destroying: args.destroy, upgrading: args.planning.upgrade_nodes },
    )?;
    let options = Options {
        provisioners: inputs.provisioners,
        defers_programs: inputs.simulated && !inputs.provisioners,
        placeholders: if inputs.simulated { made_up::placeholders(configuration.variables()) } else { Placeholders::default() },
        ..options(&args.planning, args.destroy, &expanded)?
    };
    let context = PlanContext {
        workspace,
        configuration,
        expanded: &expanded,
        inputs,
        api_session,
        loaded: &loaded,
        fresh: &fresh,
        options: &options,
        new_stack: args.planning.new_stack,
        binding: args.out.is_some(),
    };
    let mut surveyed = make_plan(context, args.planning.refresh, busy.is_none(), view).await?;
    if let Some(holder) = &busy {
        surveyed.planned.plan.notes.push(
            Diagnostic::warning(format!("The state is locked by {holder}, which is changing it: this plan will not hold."))
                .hint("Plan again when that run has ended."),
        );
    }
    view.plan(&surveyed.planned.plan, &workspace.sources);
    let command = if args.destroy { "destroy" } else { "apply" };
    if let Some(line) = forecast(&surveyed.planned.plan, api_session.client.left(), workspace.environment.clock.now(), command) {
        view.log(&line);
    }
    surveyed.planned.plan.planned_at = Some(workspace.environment.clock.now());
    if let Some(path) = &args.html {
        pages::write(path, &plan_page::plan(&surveyed.planned.plan, view.layout(&workspace.sources)), view)?;
    }
    if let Some(path) = &args.out {
        if busy.is_some() {
            return Err(Failure::new(Exit::Locked, vec![Diagnostic::error("The plan is not saved, because an apply is running.")]));
        }
        let plan = &mut surveyed.planned.plan;
        plan.configuration = Some(configuration.outline(&may_show));
        let bytes = saved::write(&surveyed, &options).context("Failed to write the plan")?;
        write_atomic(path, &bytes, 0o600).with_context(|| format!("Failed to write {}", path.display()))?;
        view.note(&format!("\nThe plan is saved to {0}. `dofloat apply {0}` performs exactly these actions.", path.display()));
    }
    let pending = !surveyed.planned.plan.is_empty();
    Ok(if args.detailed_exitcode && pending { Exit::Pending } else { Exit::Done })
}
