//! What a run works on, how it goes about it, and what is left after it.
//!
//! Invariant: plain values.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use crate::change::{Event, Outcome};
use crate::claims::Claims;
use crate::planned::Planned;
use dofloat_api::client::Client;
use dofloat_base::clock::Clock;
use dofloat_base::desired::Resolve;
use dofloat_base::identity::Mark;
use dofloat_base::redact::Redactor;
use dofloat_state::State;
use dofloat_state::store::Locked;

/// How to go about it.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// How many requests are under way at once. What waits takes none of them.
    pub parallelism: usize,
    /// Whether steps that need nothing of a failed one still start.
    pub keep_going: bool,
    /// How long running steps may go on after the first Ctrl-C.
    pub grace: Duration,
    /// Where provisioners are run: the stack's folder. Nothing where they are not.
    pub provisioners: Option<PathBuf>,
    /// Is taught the secrets that the API computes, so that nothing says them.
    pub known: Redactor,
}

/// What a run works on.
pub struct Run<'a> {
    /// The plan.
    pub planned: &'a Planned,
    /// The configuration.
    pub resolve: &'a dyn Resolve,
    /// The state that the plan was made from, brought up to date with what was seen.
    pub state: State,
    /// The store: its journal is open.
    pub store: &'a mut Locked,
    /// The API.
    pub api: Client,
    /// The stack's mark.
    pub mark: Mark,
    /// The time.
    pub clock: Clock,
    /// Objects that are not this run's, whatever they look like.
    pub claims: Claims,
    /// How to go about it.
    pub options: ApplyOptions,
    /// Turns true at the first Ctrl-C.
    pub stop: watch::Receiver<bool>,
    /// Is told what happens.
    pub tell: &'a mut dyn FnMut(Event),
}

/// What is left after a run.
#[derive(Debug)]
pub struct ApplyResult {
    /// How it ended.
    pub outcome: Outcome,
    /// The state as it is now.
    pub state: State,
    /// Whether every step's fate is known: the state may be written and the journal closed.
    pub settled: bool,
}
