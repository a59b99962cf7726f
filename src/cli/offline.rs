//! Plans that are worked out without any request.

use super::exit::Failure;
use super::workspace::Workspace;
use crate::base::desired::Resolve;
use crate::base::digest::Salt;
use crate::base::identity::Owner;
use crate::engine::change::Base;
use crate::engine::moves::Moves;
use crate::engine::observed::Observed;
use crate::engine::plan;
use crate::engine::planned::{Input, Planned};
use crate::engine::request::Options;
use crate::state::State;

/// The plan of making everything anew, worked out without any request: what is wrong with bodies comes out, and what they are.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn offline(workspace: &Workspace<'_>, configuration: &dyn Resolve) -> Result<Planned, Failure> {
    let state = State::new(String::new(), Salt::new([0; 32]));
    let (observed, options) = (Observed::default(), Options::default());
    let moves = Moves::default();
    let input = Input { resolve: configuration, state: &state, observed: &observed, options: &options, moves: &moves };
    let base = Base {
        stack: workspace.place.name.clone(),
        lineage: String::new(),
        serial: 0,
        journal_end: 0,
        owner: Owner { account: String::new(), team: None, simulated: true },
        endpoint: String::new(),
        config: String::new(),
    };
    Ok(plan::make(input, base)?)
}
