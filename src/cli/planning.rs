//! How plan, apply and import make a plan: from the stack's files, what is remembered, and what was asked for.

use super::attend::{attended, watched};
use super::exit::Failure;
use super::gateway::Gateway;
use super::options::Planning;
use super::variables::variables_of;
use super::workspace::Site;
use super::{clusters, history};
use crate::api::client::Client;
use crate::base::clock::Clock;
use crate::bootstrap::cluster::Expanded;
use crate::engine::planned::Surveyed;
use crate::engine::request::{Options, SurveyContext};
use crate::engine::survey::survey;
use crate::lang::inputs::Inputs;
use crate::lang::module::Stack;
use crate::state::State;
use crate::state::store::Loaded;
use crate::ui::view::View;

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
