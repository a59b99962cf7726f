//! How plan, apply and import make a plan: from the stack's files, what is remembered, and what was asked for.

use std::path::PathBuf;

use super::api_session::ApiSession;
use super::cluster::drill::note;
use super::cluster::expansion;
use super::exit::{Exit, Failure};
use super::history;
use super::made_up;
use super::options::Planning;
use super::progress::{watched, with_progress};
use super::variables::variables_of;
use super::workspace::Workspace;
use crate::api::client::Client;
use crate::base::address::Address;
use crate::base::clock::Clock;
use crate::base::desired::Resolve as _;
use crate::base::diag::Diagnostic;
use crate::base::readable;
use crate::bootstrap::cluster::Expanded;
use crate::engine::change::{Action, Change};
use crate::engine::planned::Surveyed;
use crate::engine::request::{Options, SurveyContext};
use crate::engine::survey::survey;
use crate::lang::inputs::Inputs;
use crate::lang::module::Stack;
use crate::state::State;
use crate::state::store::Loaded;
use crate::ui::view::{Refresh, View};

/// The request.
///
/// # Errors
/// If a file of addresses cannot be read.
pub fn options(planning: &Planning, destroy: bool, expanded: &Expanded<'_>) -> Result<Options, Failure> {
    // To replace a cluster is to replace its nodes; its address is given up only where it is named itself.
    let replace = planning.replace.iter().flat_map(|address| expanded.nodes(address).unwrap_or_else(|| vec![address.clone()])).collect();
    let (refresh_only, upgrade_nodes) = (planning.refresh_only, planning.upgrade_nodes);
    Ok(Options {
        targets: addresses(&planning.target, &planning.target_file)?,
        excludes: addresses(&planning.exclude, &planning.exclude_file)?,
        replace,
        refresh_only,
        destroy,
        upgrade_nodes,
        duplicates: planning.allow_duplicate.clone(),
        ..Options::default()
    })
}

/// Addresses, and those of files that hold one a line; what follows a `#` is a comment.
fn addresses(given: &[Address], files: &[PathBuf]) -> Result<Vec<Address>, Failure> {
    let mut all = given.to_vec();
    for file in files {
        let shown = file.display();
        let text = readable::read_text(file).map_err(|error| {
            Diagnostic::error(format!("The file {shown} cannot be read: {error}."))
                .hint("It must contain addresses of resources, one per line.")
        })?;
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            all.push(line.parse().map_err(|why| Diagnostic::error(format!("{shown}:{}: `{line}` is not an address: {why}.", at + 1)))?);
        }
        if all.is_empty() {
            return Err(Diagnostic::error(format!("The file {shown} contains no address."))
                .hint("Without one, the whole stack would be planned.")
                .into());
        }
    }
    Ok(all)
}

/// The inputs of a plan.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    /// The stack's files.
    pub workspace: &'a Workspace<'a>,
    /// Their content.
    pub configuration: &'a Stack<'a>,
    /// The same, with clusters expanded.
    pub expanded: &'a Expanded<'a>,
    /// The values of variables.
    pub inputs: &'a Inputs,
    /// The API.
    pub api_session: &'a ApiSession,
    /// The recorded state.
    pub loaded: &'a Loaded,
    /// The state of a stack that was never applied.
    pub fresh: &'a State,
    /// The request.
    pub options: &'a Options,
    /// Whether a stack without a state is new by the user's word.
    pub new_stack: bool,
    /// Whether what is planned can be done: not where it is only looked at.
    pub binding: bool,
}

impl<'a> PlanContext<'a> {
    /// The engine's view of it.
    #[must_use]
    pub fn survey_context(self, api: &'a Client, config: &'a str, clock: &'a Clock, refresh: bool, recover: bool) -> SurveyContext<'a> {
        SurveyContext {
            stack: &self.workspace.place.name,
            resolve: self.expanded,
            config,
            loaded: self.loaded,
            fresh: self.fresh,
            read: &self.inputs.answers.found,
            api,
            endpoint: &self.api_session.endpoint,
            simulated: self.workspace.global.sim,
            clock,
            options: self.options,
            refresh,
            recover,
            new_stack: self.new_stack,
        }
    }
}

/// Refuses a plan that would do without provisioners, or destroy what is only left out because it refers to something that is
/// not supported.
fn must_leave_nothing(context: PlanContext<'_>) -> Result<(), Failure> {
    let PlanContext { options, inputs, configuration, .. } = context;
    if options.destroy || options.refresh_only {
        return Ok(());
    }
    let left = configuration.left_out();
    if context.binding && !inputs.skip_unsupported && !inputs.simulated {
        configuration.unprovisioned().filter(|_| !inputs.provisioners).map_or(Ok(()), Err)?;
    }
    let unrun = if inputs.provisioners { left.provisioners() } else { Vec::new() };
    if !unrun.is_empty() {
        return Err(unrun.into());
    }
    let records = context.loaded.state.iter().flat_map(|state| state.records.keys());
    let lost = records.filter_map(|address| {
        let (why, help) = match left.holds(address)? {
            (name, Some(on)) => (
                format!("`{name}` is left out, as it refers to {on}"),
                format!("Provide the value of {on} in another way, for example as a variable."),
            ),
            (name, None) => (format!("`{name}` is left out, as it is not there"), "Restore it.".to_owned()),
        };
        let told = Diagnostic::error(format!("{address} has an object, and {why}: it would be destroyed."));
        Some(told.hint(format!("{help} `dofloat state rm {address}` forgets the object.")))
    });
    let lost: Vec<Diagnostic> = lost.collect();
    if lost.is_empty() { Ok(()) } else { Err(lost.into()) }
}

/// Makes the plan, with all that a saved one keeps.
///
/// # Errors
/// Whatever keeps it from being made.
pub async fn make_plan(context: PlanContext<'_>, refresh: bool, recover: bool, view: &mut View) -> Result<Surveyed, Failure> {
    let mut offer = None;
    if context.loaded.state.is_none() && !context.new_stack && !context.workspace.global.sim {
        history::must_not_know(&context.workspace.place.store().state).await?;
        offer = history::terraform_state(&context.workspace.place).filter(|_| !context.options.destroy);
    }
    if let Some(offer) = offer.take_if(|_| context.binding) {
        return Err(Failure::new(Exit::Decision, vec![offer]));
    }
    must_leave_nothing(context)?;
    let clock = context.workspace.environment.clock.clone();
    let config = context.workspace.config(context.inputs);
    // Who takes over what is there, or lets all of it go, looks for nothing else.
    let looks = context.workspace.global.sim && !context.options.destroy && context.options.adopt.is_none();
    let made_up = if looks {
        made_up::supply(context.expanded, context.inputs, &context.configuration.variables(), &context.api_session.client).await?
    } else {
        Vec::new()
    };
    let (api, waits) = watched(&context.api_session.client);
    let refreshed = context.loaded.state.as_ref().filter(|_| refresh);
    refreshed.into_iter().for_each(|state| view.refresh(state, Refresh::Starts));
    let mut surveyed = with_progress(survey(context.survey_context(&api, &config, &clock, refresh, recover)), waits, view).await?;
    refreshed.into_iter().for_each(|state| view.refresh(state, Refresh::Ends));
    let known = context.workspace.computed();
    surveyed.planned.known.values().for_each(|term| known.learn_term(term));
    let unprovisioned = if context.options.provisioners { Vec::new() } else { unprovisioned(context.expanded, &surveyed) };
    let of_clusters = expansion::notes(context.expanded, &surveyed, context.api_session);
    let plan = &mut surveyed.planned.plan;
    (plan.secrets, plan.variables) = variables_of(context.configuration, &surveyed.state.salt);
    let mut notes: Vec<_> = offer.map(Diagnostic::into_warning).into_iter().collect();
    notes.extend(context.configuration.warnings().iter().cloned());
    notes.extend(context.api_session.warnings.iter().cloned());
    notes.extend(of_clusters);
    notes.extend(note::told(&context.workspace.place));
    notes.extend(made_up);
    notes.extend(context.workspace.stood_in(made_up::KEY_OF_NOBODY));
    notes.extend(unprovisioned);
    plan.notes.splice(0..0, notes);
    Ok(surveyed)
}

/// What is told of provisioners that are not run before something is destroyed.
fn unprovisioned(expanded: &Expanded<'_>, surveyed: &Surveyed) -> Vec<Diagnostic> {
    let goes = |change: &&Change| matches!(change.action, Action::Delete | Action::Replace { .. });
    let changes = surveyed.planned.plan.changes.iter().filter(goes);
    let concerned = changes.filter(|change| expanded.provisions(&change.address).destroy > 0);
    let told = |change: &Change| {
        Diagnostic::warning(format!("{} is destroyed without what its provisioners would do before.", change.address))
            .at(expanded.span(&change.address, &[]))
            .about(&change.address)
            .hint("`-allow-provisioners` runs them.")
    };
    concerned.map(told).collect()
}
