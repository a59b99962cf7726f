//! What is asked for: the options of a command, the objects that are to be taken over, and what a survey starts from.
//!
//! Invariant: plain values, which decide and read nothing. It must not know what is planned.

use super::placeholder::Placeholders;
use std::collections::BTreeMap;

use dofloat_api::client::Client;
use dofloat_base::address::Address;
use dofloat_base::clock::Clock;
use dofloat_base::desired::Resolve;
use dofloat_base::diag::Span;
use dofloat_base::identity::Id;
use dofloat_base::value::Body;
use dofloat_state::store::Loaded;
use dofloat_state::{Record, State};

/// The user's request besides the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-target`: only these and what they are built upon.
    pub targets: Vec<Address>,
    /// `-exclude`: all but these and what is built upon them.
    pub excludes: Vec<Address>,
    /// `-replace`.
    pub replace: Vec<Address>,
    /// `-refresh-only`.
    pub refresh_only: bool,
    /// `destroy`.
    pub destroy: bool,
    /// `-upgrade-nodes`.
    pub upgrade_nodes: bool,
    /// `-allow-duplicate`: these are made although an object like them carries the stack's mark and is in no record.
    pub duplicates: Vec<Address>,
    /// `-allow-provisioners`
    pub provisioners: bool,
    /// Whether what programs of the configuration give is left open while planning.
    pub defers_programs: bool,
    /// What was given for variables and names nothing.
    pub placeholders: Placeholders,
    /// `import`: only these objects are taken over, and nothing else is done.
    pub adopt: Option<Vec<ImportTarget>>,
    /// `import -take-over`: even from another stack.
    pub take_over: bool,
}

impl Options {
    /// Whether only a part of the stack is meant.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.targets.is_empty() || !self.excludes.is_empty()
    }

    /// Whether something is named to be left alone, or not named where others are.
    #[must_use]
    pub fn leaves(&self, address: &Address) -> bool {
        let named = |all: &[Address]| all.iter().any(|one| one.covers(address));
        !self.targets.is_empty() && !named(&self.targets) || named(&self.excludes)
    }
}

/// An object that is to become the record of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportTarget {
    /// The address.
    pub to: Address,
    /// The object, as the official provider names it.
    pub id: Id,
    /// The record of another tool.
    pub told: Option<Record>,
    /// Where it is written.
    pub span: Option<Span>,
}

/// The context of a survey.
#[derive(Clone, Copy)]
pub struct SurveyContext<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The configuration.
    pub resolve: &'a dyn Resolve,
    /// Its digest.
    pub config: &'a str,
    /// The recorded state.
    pub loaded: &'a Loaded,
    /// The state of a stack that was never applied: its lineage and salt.
    pub fresh: &'a State,
    /// What data sources gave that were read before, as they decide how much is wanted; they are not read again.
    pub read: &'a BTreeMap<Address, Body>,
    /// The API.
    pub api: &'a Client,
    /// The API's address.
    pub endpoint: &'a str,
    /// Whether the account is a simulated one.
    pub simulated: bool,
    /// The time.
    pub clock: &'a Clock,
    /// The request.
    pub options: &'a Options,
    /// Whether objects are read; without it the records are believed (`-refresh=false`).
    pub refresh: bool,
    /// Whether an interrupted run is looked into. A plan beside a running apply leaves that alone.
    pub recover: bool,
    /// Whether a stack without a state is new by the user's word, whatever the account holds.
    pub new_stack: bool,
}
