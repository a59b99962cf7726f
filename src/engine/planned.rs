//! What a plan is: what it is made from, what it was worked out with, and what it rests on.
//!
//! Invariant: plain values. What makes them (`plan`, `survey`, `strays`) and what uses them (`saved`, `execute`) know them, and
//! they know neither.

use std::collections::BTreeMap;

use super::change::Plan;
use super::claims::Claims;
use super::data::Query;
use super::moves::Moves;
use super::observed::Observed;
use super::request::Options;
use dofloat_base::address::Address;
use dofloat_base::desired::Resolve;
use dofloat_base::identity::Id;
use dofloat_base::value::{Term, Terms};
use dofloat_kinds::erased::Job;
use dofloat_state::State;

/// Everything that a plan is made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The desired resources.
    pub resolve: &'a dyn Resolve,
    /// The recorded state, with an interrupted run reconciled.
    pub state: &'a State,
    /// The observed objects.
    pub observed: &'a Observed,
    /// The request.
    pub options: &'a Options,
    /// How records came to be where they are.
    pub moves: &'a Moves,
}

/// A plan, and what it was worked out with.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The known attributes of each instance, by address.
    pub known: BTreeMap<Address, Term>,
    /// The desired attributes of each instance; ignored ones are taken from the existing object.
    pub terms: BTreeMap<Address, Terms>,
    /// The requests per kind, for the checks against the account.
    pub jobs: BTreeMap<&'static str, Vec<Job>>,
    /// The data sources that are to be read before the plan is whole.
    pub queries: Vec<Query>,
}

/// A plan and what it rests on.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// The plan.
    pub planned: Planned,
    /// The state, an interrupted run settled.
    pub state: State,
    /// The observed objects.
    pub observed: Observed,
    /// The objects that an interrupted run had created and that were found.
    pub adopted: Vec<(Address, Id)>,
    /// How records came to be where they are.
    pub moves: Moves,
    /// Objects that are not ours, whatever they look like.
    pub claims: Claims,
    /// Whether the account's projects were read, and none of them is the stack's.
    pub no_project: bool,
}
