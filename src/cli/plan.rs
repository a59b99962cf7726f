//! `plan`: shows what would be done, and may save it. Writes nothing else, ever.

use anyhow::Context as _;

use super::args::{PlanArgs, Planning};
use super::attend::{attended, watched};
use super::clusters::Bent;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::gateway::Gateway;
use super::session::{Memory, Opened, Session};
use super::workplace::{Site, variables_of};
use super::{clusters, history};
use crate::api::client::Client;
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::base::durable::write_atomic;
use crate::bootstrap::cluster::Expanded;
use crate::engine::planned::Surveyed;
use crate::engine::request::{Options, SurveyContext};
use crate::engine::saved;
use crate::engine::survey::survey;
use crate::lang::inputs::Inputs;
use crate::lang::module::Stack;
use crate::state::State;
use crate::state::store::Loaded;
use crate::ui::view::View;

/// Runs the command.
///
/// # Errors
/// Whatever keeps the plan from being made.
pub async fn run(args: &PlanArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut site = session.open(place, &disk)?;
    let mut inputs = site.inputs(&args.planning.variables)?;
    inputs.lenient = args.destroy;
    let ask = args.planning.variables.input;
    let work = async |opened: &Opened<'_>, view: &mut View| {
        let work = async |memory: Memory| shown(args, &site, opened, memory, view).await;
        session.unless_stopped(session.with_memory(&site.place, &args.planning.locking, work)).await
    };
    session.with_api(&site, inputs, ask, view, work).await
}

async fn shown(args: &PlanArgs, site: &Site<'_>, opened: &Opened<'_>, memory: Memory, view: &mut View) -> Ended {
    let Opened { configuration, inputs, gateway } = opened;
    let Memory { loaded, busy } = memory;
    let fresh = site.fresh_state();
    let expanded = clusters::expand(
        site,
        configuration,
        gateway,
        &loaded,
        &fresh,
        Bent { leaving: args.destroy, upgrade: args.planning.upgrade_nodes },
    )?;
    let options = options(&args.planning, args.destroy, &expanded);
    let looking = Looking {
        site,
        configuration,
        expanded: &expanded,
        inputs,
        gateway,
        loaded: &loaded,
        fresh: &fresh,
        options: &options,
        new_stack: args.planning.new_stack,
    };
    let mut surveyed = look(looking, args.planning.refresh, busy.is_none(), view).await?;
    if let Some(holder) = &busy {
        surveyed.planned.plan.notes.push(
            Diagnostic::warning(format!("The state is locked by {holder}, which changes it just now: this plan will not hold."))
                .hint("Plan again when that run has ended."),
        );
    }
    view.plan(&surveyed.planned.plan, &site.sources);
    if let Some(path) = &args.out {
        if busy.is_some() {
            return Err(Failure::new(Exit::Locked, vec![Diagnostic::error("The plan is not saved, since somebody applies just now.")]));
        }
        let bytes = saved::write(&surveyed, &options).context("Failed to write the plan")?;
        write_atomic(path, &bytes, 0o600).with_context(|| format!("Failed to write {}", path.display()))?;
        view.note(&format!("\nThe plan is saved to {0}. `dofloat apply {0}` does exactly this.", path.display()));
    }
    let pending = !surveyed.planned.plan.is_empty();
    Ok(if args.detailed_exitcode && pending { Exit::Pending } else { Exit::Done })
}

/// What was asked for.
#[must_use]
pub fn options(planning: &Planning, destroy: bool, expanded: &Expanded<'_>) -> Options {
    // To replace a cluster is to replace its nodes; its address is given up only where it is named itself.
    let replace = planning.replace.iter().flat_map(|address| expanded.nodes(address).unwrap_or_else(|| vec![address.clone()])).collect();
    let (targets, refresh_only, upgrade_nodes) = (planning.target.clone(), planning.refresh_only, planning.upgrade_nodes);
    Options { targets, replace, refresh_only, destroy, upgrade_nodes, duplicates: planning.allow_duplicate.clone(), ..Options::default() }
}

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Looking<'a> {
    /// The stack's files.
    pub site: &'a Site<'a>,
    /// What they say.
    pub configuration: &'a Stack<'a>,
    /// The same, with clusters expanded.
    pub expanded: &'a Expanded<'a>,
    /// The values of variables.
    pub inputs: &'a Inputs,
    /// The API.
    pub gateway: &'a Gateway,
    /// What is remembered.
    pub loaded: &'a Loaded,
    /// The state of a stack that was never applied.
    pub fresh: &'a State,
    /// What was asked for.
    pub options: &'a Options,
    /// Whether a stack without a state is new by the user's word.
    pub new_stack: bool,
}

impl<'a> Looking<'a> {
    /// The engine's view of it.
    #[must_use]
    pub fn ground(self, api: &'a Client, config: &'a str, clock: &'a Clock, refresh: bool, recover: bool) -> SurveyContext<'a> {
        SurveyContext {
            stack: &self.site.place.name,
            resolve: self.expanded,
            config,
            loaded: self.loaded,
            fresh: self.fresh,
            api,
            endpoint: &self.gateway.endpoint,
            simulated: self.site.global.sim,
            clock,
            options: self.options,
            refresh,
            recover,
            new_stack: self.new_stack,
        }
    }
}

/// Makes the plan, with all that a saved one keeps.
///
/// # Errors
/// Whatever keeps it from being made.
pub async fn look(looking: Looking<'_>, refresh: bool, recover: bool, view: &mut View) -> Result<Surveyed, Failure> {
    if looking.loaded.state.is_none() && !looking.new_stack && !looking.site.global.sim {
        history::must_not_know(&looking.site.place.store().state).await?;
    }
    let clock = looking.site.environment.clock.clone();
    let config = looking.site.config(looking.inputs);
    let (api, waits) = watched(&looking.gateway.client);
    let mut surveyed = attended(survey(looking.ground(&api, &config, &clock, refresh, recover)), waits, view).await?;
    let of_clusters = clusters::notes(looking.expanded, &surveyed, looking.gateway);
    let plan = &mut surveyed.planned.plan;
    (plan.secrets, plan.variables) = variables_of(looking.configuration, &surveyed.state.salt);
    let mut notes = looking.configuration.warnings().to_vec();
    notes.extend(looking.gateway.warnings.iter().cloned());
    notes.extend(of_clusters);
    plan.notes.splice(0..0, notes);
    Ok(surveyed)
}
