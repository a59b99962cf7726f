//! What was seen of the remembered objects, as values.
//!
//! Invariant: it says nothing of what is wanted. `refresh` reads it, `saved` keeps it.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::health::Configuration;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::digest::Digest;
use dofloat_base::identity::{Id, Mark};
use dofloat_base::value::{Body, Terms};
use dofloat_state::Record;

/// The observed state of the recorded objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// By address.
    pub seen: BTreeMap<Address, Seen>,
    /// Replaced objects that are not deleted yet.
    pub deposed: BTreeMap<(Address, Id), Seen>,
    /// Those that an interrupted run made, and that never will be usable.
    pub failed_creations: BTreeSet<Address>,
    /// Those that have left a state that is held, and that the API is at work on: nobody knows yet how they will be.
    pub busy: BTreeSet<Address>,
    /// Objects that carry the stack's mark and are in no record.
    pub strays: Vec<Stray>,
    /// What data sources gave.
    pub data: BTreeMap<Address, Body>,
    /// Data sources of checks that gave nothing, and why.
    pub unread: BTreeMap<Address, Diagnostic>,
    /// Pairs that do not serve.
    pub down: BTreeSet<Address>,
    /// Pairs whose configuration is not as it is wanted.
    pub altered: BTreeMap<Address, Configuration>,
    /// Those that were made with the stack's mark and carry none any more.
    pub unmarked: BTreeSet<Address>,
    /// By what remembered objects are known to be some stack's, where there is something.
    pub labels: BTreeMap<(Address, Id), Label>,
}

/// By what an object is known to be a stack's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The marks that it carries.
    pub marks: Vec<Mark>,
    /// The project that it lies in.
    pub project: Option<Id>,
}

/// The observation of one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It is there.
    Present {
        /// Its attributes, those left out that have a digest.
        body: Body,
        /// The digests of what is there now in attributes that are remembered by digest.
        digests: BTreeMap<String, Digest>,
        /// What holds secrets that the API computes, as expressions see it. It is never saved.
        secrets: Terms,
    },
    /// The API says that it is not there.
    Gone,
}

/// An object that carries our mark and is in no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its kind's name.
    pub kind: &'static str,
    /// Its identity.
    pub id: Id,
    /// Its name, if it has one.
    pub name: String,
    /// Its attributes.
    pub body: Body,
}

/// An object that is there.
pub(super) struct Present<'a> {
    /// Its record.
    pub(super) record: &'a Record,
    /// Its attributes.
    pub(super) body: &'a Body,
    /// The digests of those that are not shown.
    pub(super) digests: &'a BTreeMap<String, Digest>,
    /// What holds secrets that the API computes.
    pub(super) secrets: &'a Terms,
}
