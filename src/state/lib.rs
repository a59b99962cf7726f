//! What we remember: the records of a stack.
//!
//! Invariant: a state holds no secret and no unknown; it is the same bytes for the same content. It must not know kinds.

use std::collections::{BTreeMap, BTreeSet};

use dofloat_base::address::Address;
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::identity::{Id, Mark, Owner};
use dofloat_base::types::Type;
use dofloat_base::value::{Body, Value};

pub mod format;
pub mod journal;
pub mod merge;
pub mod secrets;
pub mod store;

/// Everything that is remembered of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The stack's identity for life: a uuid.
    pub lineage: String,
    /// Counts the writes that changed something.
    pub serial: u64,
    /// The key of its digests.
    pub salt: Salt,
    /// Whose objects these are; unknown until the first apply.
    pub owner: Option<Owner>,
    /// The stack's project at DigitalOcean, once it was made.
    pub project: Option<Id>,
    /// The objects, by address.
    pub records: BTreeMap<Address, Record>,
    /// Objects that were replaced and not deleted yet (create before destroy), by address and identity.
    pub deposed: BTreeMap<(Address, Id), Record>,
    /// The outputs of the last apply.
    pub outputs: BTreeMap<String, SavedOutput>,
}

/// One remote object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its identity at the API.
    pub id: Id,
    /// The mark that it carries, if it can carry one.
    pub mark: Option<Mark>,
    /// Its attributes when last seen, those excepted that have a digest.
    pub body: Body,
    /// Digests of the attributes that are hidden or came from a sensitive source, by attribute name.
    pub digests: BTreeMap<String, Digest>,
    /// The arguments that its hidden attributes were made from, digests in place of secrets: to tell what changes, never to decide.
    pub arguments: Body,
    /// The instances that it was built upon: they must outlive it.
    pub after: BTreeSet<Address>,
    /// Whether it is finished.
    pub health: Health,
    /// `create_before_destroy` when it was last applied.
    pub create_before_destroy: bool,
}

impl Record {
    /// The identity by which it is told of.
    #[must_use]
    pub fn shown_id(&self) -> Id {
        shown_id(&self.body, &self.id)
    }
}

/// The identity by which an object is told of: its `id` attribute, as people know it from Terraform. The one at the API or on this
/// machine may hold more.
#[must_use]
pub fn shown_id(body: &Body, id: &Id) -> Id {
    match body.get("id") {
        Some(Value::Str(text)) if !text.is_empty() => Id(text.clone()),
        Some(Value::Number(number)) => Id(number.to_string()),
        _ => id.clone(),
    }
}

/// Whether an object is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As wanted when last applied.
    Ready,
    /// It exists, but an interrupted run never saw it usable: it is waited for, not rebuilt.
    Unfinished,
    /// The same, or it is usable, and none of the provisioners that it wants was begun.
    Bare,
    /// A provisioner of it was begun, and nobody saw the end of it: a person decides.
    Interrupted,
    /// A provisioner of it failed: it is replaced.
    Tainted,
}

impl Health {
    /// Whether it is to be waited for.
    #[must_use]
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Unfinished | Self::Bare)
    }
}

/// An output as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedOutput {
    /// The value; absent if it is sensitive (the age file has it then).
    pub value: Option<Value>,
    /// Its type.
    pub ty: Type,
    /// `sensitive = true`: the digest of the value.
    pub sensitive: Option<Digest>,
}

impl State {
    /// A state that remembers nothing yet.
    #[must_use]
    pub fn new(lineage: String, salt: Salt) -> Self {
        Self {
            lineage,
            serial: 0,
            salt,
            owner: None,
            project: None,
            records: BTreeMap::new(),
            deposed: BTreeMap::new(),
            outputs: BTreeMap::new(),
        }
    }
}
