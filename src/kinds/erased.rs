//! The object-safe face of a kind: bodies at the border, boxed futures.
//!
//! Invariant: this is where a secret is opened to build a Spec, and where the stack's mark is stripped from what the API says.
//! It must not know any kind.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use super::attr::{Attr, EditName};
use crate::api::client::Client;
use crate::api::error::ApiError;
use crate::base::address::Address;
use crate::base::identity::{Id, Mark};
use crate::base::value::{Body, Term};

/// A boxed future of an API operation.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// An object that was found by its mark or name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its identity.
    pub id: Id,
    /// Its attributes.
    pub body: Body,
    /// Whether it surely is the one: it carries the mark, or nothing else in the account can have its name. Where it is
    /// not sure (a droplet of the right name whose tags are not there yet), a human decides once the looks are over.
    pub certain: bool,
}

/// An object that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its identity.
    pub id: Id,
    /// Its attributes, where it is usable at once; otherwise `settle` waits and gives them.
    pub body: Option<Body>,
}

/// What the plan is about to do with one resource, for checks before the first write.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which resource.
    pub address: Address,
    /// The object that it has already, if it has one.
    pub id: Option<Id>,
    /// What is wanted, as far as it is known.
    pub body: Term,
    /// Whether a new object is made (at first, or in place of an old one).
    pub creates: bool,
}

/// Something wrong with a resource's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Which resource, where one call checks several.
    pub address: Option<Address>,
    /// Which attribute: `["inbound_rule", "0", "port_range"]`; empty for the whole.
    pub path: Vec<String>,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether the plan may go on (a warning).
    pub warning: bool,
}

/// The token scopes of a kind's operations, beside those of the attributes that are set.
#[derive(Clone, Copy, Debug)]
pub struct Scopes {
    /// To read it (refresh), and for the checks before a plan.
    pub read: &'static [&'static str],
    /// To make it, waiting included.
    pub create: &'static [&'static str],
    /// To change it in place.
    pub update: &'static [&'static str],
    /// To delete it.
    pub delete: &'static [&'static str],
}

/// A kind without its types, as the engine sees it.
///
/// Bodies that go in (`body`) are wholly known maps; secret parts are opened here and nowhere else. Bodies that come out hold
/// every readable attribute of the table that is not null, and never the mark.
pub trait AnyKind: Send + Sync {
    /// The resource type's name in the language.
    fn name(&self) -> &'static str;
    /// The attribute table.
    fn attrs(&self) -> &'static [Attr];
    /// The scopes.
    fn scopes(&self) -> &'static Scopes;
    /// Whether an object can carry the stack's mark (droplets and volumes can be tagged).
    fn markable(&self) -> bool;
    /// Checks a body without any request: forms of names, ranges, what goes together. Unknown parts are passed over.
    fn check(&self, body: &Term) -> Vec<Complaint>;
    /// Checks against the account before the first write; reads only. All jobs of the kind at once.
    fn preflight<'a>(&'a self, api: &'a Client, jobs: &'a [Job]) -> Fut<'a, Vec<Complaint>>;
    /// Makes the object. Returns as soon as it has an identity; where it is usable at once, with its body, and there is
    /// nothing to settle.
    fn create<'a>(&'a self, api: &'a Client, address: &'a Address, body: &'a Term, mark: &'a Mark) -> Fut<'a, Created>;
    /// Waits until the object is usable, and reads it.
    fn settle<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, Body>;
    /// Reads the objects with these identities, in bulk. What is not there is absent from the answer.
    fn list<'a>(&'a self, api: &'a Client, ids: &'a [Id], mark: &'a Mark) -> Fut<'a, Vec<Found>>;
    /// Reads one object by its own address, the other way beside `list`; `None` if the API says that it is not there.
    fn look<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, Option<Body>>;
    /// Brings one edit about and waits for it. `body` is what is wanted; `seen` what was there.
    fn edit<'a>(&'a self, api: &'a Client, id: &'a Id, edit: EditName, body: &'a Term, seen: &'a Body) -> Fut<'a, ()>;
    /// Deletes the object and waits until it is gone as far as others depend on that. What is not there is deleted.
    fn delete<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, ()>;
    /// Finds objects that a create with this body and mark may have made (its open attributes are enough).
    fn find<'a>(&'a self, api: &'a Client, body: &'a Body, mark: &'a Mark) -> Fut<'a, Vec<Found>>;
    /// What a destroy of this object would take with it that is not ours, or why it cannot go, before the first write.
    fn before_delete<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body, ours: &'a [Id]) -> Fut<'a, Vec<Complaint>>;
    /// One line that is worth telling of an observed object although no attribute differs, for example
    /// "is powered off"; shown by plan as a note.
    fn remark(&self, seen: &Body) -> Option<String>;
    /// Computed attributes that follow from the others without the API, as far as those are known: to be laid over the
    /// wanted body, at plan as at apply.
    fn derived(&self, body: &Term) -> BTreeMap<String, Term>;
    /// The identity of an object that another tool recorded with these attributes.
    fn identity(&self, body: &Body) -> Option<Id>;
}
