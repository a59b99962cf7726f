//! The object-safe face of a kind: bodies at the border, boxed futures.
//!
//! Invariant: this is where a secret is opened to build a Spec, and where the stack's mark is stripped from what the API says.
//! It must not know any kind.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use super::attr::{Attr, EditName, Reads};
use super::complaints::Complaints;
pub use super::job::{Complaint, Job, Severity};
use super::operation::{Operation, Request};
use super::{Kind, unique_key};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::secret::Secret;
use dofloat_base::typed::value_of;
use dofloat_base::value::{Body, Origin, Term, Value};

/// A boxed future of an API operation.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// Objects that are there by the names they were sought by, each with its region if it has one.
pub type Places = BTreeMap<String, Option<String>>;

/// An object that was found by its identity, mark or name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its identity.
    pub id: Id,
    /// Its attributes.
    pub body: Body,
    /// How sure it is that this is what was looked for.
    pub certainty: Certainty,
    /// The stacks' marks that it carries.
    pub marks: Vec<Mark>,
    /// The project that it lies in, for what is known by that.
    pub project: Option<Id>,
}

/// How sure it is that an object is the one that a create has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It carries the stack's mark, or was asked for by its identity.
    Ours,
    /// It is the stack's own if another object is, as a record is in a zone: that one's kind and identity.
    Within(&'static str, Id),
    /// It has the name that was wanted, which no second one can have. Within the run that saw that there was none, and where
    /// all that was written is equal, it is the one; later on somebody else may have made it.
    Named,
    /// It looks like it, and others may too: a spare address, a droplet whose tags cannot be seen yet.
    Alike,
}

/// An object that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its identity.
    pub id: Id,
    /// Its attributes, where it is usable at once; otherwise `wait_ready` waits and gives them.
    pub body: Option<Body>,
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
    /// Whether all that it does follows from its table.
    fn is_plain(&self) -> bool {
        false
    }
    /// Whether it asks no API: what it makes lies on this machine, or in the state alone.
    fn is_local(&self) -> bool {
        false
    }
    /// The attribute table.
    fn attrs(&self) -> &'static [Attr];
    /// The scopes, beside those of `requests`.
    fn scopes(&self) -> &Scopes;
    /// The requests that an operation is made of, as far as the table says them.
    fn requests(&self, _operation: Operation) -> Vec<Request> {
        Vec::new()
    }
    /// Whether an object can carry the stack's mark (droplets and volumes can be tagged).
    fn markable(&self) -> bool;
    /// The tags that objects of the account carry, one for each time, mark and strangers' included; for kinds that can carry one.
    fn tags<'a>(&'a self, api: &'a Client) -> Fut<'a, Vec<String>>;
    /// Whether an object costs money: one that is wrongly taken for gone would be paid for twice.
    fn billed(&self) -> bool;
    /// Whether several that differ by name alone are made by one request.
    fn bulk_create(&self) -> bool {
        false
    }
    /// Whether no two accounts can have an object of the same identity: whoever sees it is in the account that it lies in.
    fn globally_unique(&self) -> bool;
    /// The keys that no two objects share, as far as they are known. Who makes an object with a key of one that is there gets that
    /// one, or is refused.
    fn unique_keys(&self, body: &Term) -> Vec<String>;
    /// Whether one object may stand at several addresses: to make one that is there is no error, and gives that one.
    fn shared(&self) -> bool {
        false
    }
    /// Whether an object, which cannot be tagged, can lie in the stack's project and be known by that.
    fn marked_by_project(&self) -> bool;
    /// Whether a create with this body puts the object into the stack's project.
    fn joins_project(&self, body: &Term) -> bool;
    /// Checks a body without any request: forms of names, ranges, what goes together. Unknown parts are passed over.
    fn check(&self, body: &Term) -> Vec<Complaint>;
    /// Checks against the account before the first write; reads only. All jobs of the kind at once.
    fn preflight<'a>(&'a self, api: &'a Client, jobs: &'a [Job]) -> Fut<'a, Vec<Complaint>>;
    /// Makes the object. Returns as soon as it has an identity; where it is usable at once, with its body, and there is
    /// nothing to settle.
    fn create<'a>(&'a self, api: &'a Client, body: &'a Term, ours: Ours<'a>) -> Fut<'a, Created>;
    /// Waits until the object is usable, and reads it. `wanted` is what was asked for, as far as it is known: what was declined
    /// is not waited for.
    fn wait_ready<'a>(&'a self, api: &'a Client, id: &'a Id, wanted: &'a Term) -> Fut<'a, Body>;
    /// Whether an object that was never usable never will be: the API gave up making it. `seen` is what was there.
    fn creation_failed<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, bool>;
    /// Reads the objects with these identities, in bulk, and whatever else carries the mark. What is absent from the answer
    /// may still be there, as lists lag and some kinds have none: only `read` tells.
    fn list<'a>(&'a self, api: &'a Client, ids: &'a [Id], ours: Ours<'a>) -> Fut<'a, Vec<Found>>;
    /// Reads one object by its own address, the other way beside `list`; `None` if the API says that it is not there.
    fn read<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, Option<Found>>;
    /// Brings one edit about and waits for it. `body` is what is wanted; `seen` what was there.
    fn edit<'a>(&'a self, api: &'a Client, id: &'a Id, edit: EditName, body: &'a Term, seen: &'a Body) -> Fut<'a, ()>;
    /// Deletes the object and waits until it is gone as far as others depend on that. What is not there is deleted.
    fn delete<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, ()>;
    /// Finds objects that a create with this body and mark may have made (its open attributes are enough).
    fn find<'a>(&'a self, api: &'a Client, body: &'a Body, ours: Ours<'a>) -> Fut<'a, Vec<Found>>;
    /// Gives an object the stack's mark in place of those of other stacks.
    fn claim<'a>(&'a self, api: &'a Client, id: &'a Id, from: &'a [Mark], ours: Ours<'a>) -> Fut<'a, ()>;
    /// Takes the stack's mark off an object that the stack lets go of.
    fn release<'a>(&'a self, _api: &'a Client, _id: &'a Id, _ours: Ours<'a>) -> Fut<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// Objects that are not ours and that a destroy of this one would take with it, or why it cannot go, before the first write.
    fn before_delete<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body, ours: &'a [Id]) -> Fut<'a, Vec<Complaint>>;
    /// One line that is worth telling of an observed object although no attribute differs, for example
    /// "is powered off"; shown by plan as a note.
    fn note(&self, seen: &Body) -> Option<String>;
    /// Whether an observed object is up: all its attributes can be read. One that an interrupted run made may not be yet.
    fn is_up(&self, seen: &Body) -> bool;
    /// Whether the API is at work on an object, so that what is seen of it is about to change.
    fn is_busy<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, bool>;
    /// Whether an observed object is switched on; `None` for what cannot be switched off.
    fn powered(&self, seen: &Body) -> Option<bool>;
    /// Computed attributes that follow from the others without the API, unknown while those are: to be laid over the
    /// wanted body, at plan as at apply. Null is none.
    fn derived(&self, body: &Term) -> BTreeMap<String, Term>;
    /// The identity of an object that another tool recorded with these attributes.
    fn identity(&self, body: &Body) -> Option<Id>;
    /// Which of these names (as rows that point at this kind give them) the account has, each with its region where it has
    /// one; nothing if that cannot be asked. Reads only, in bulk where there are many.
    fn lookup<'a>(&'a self, api: &'a Client, names: &'a [String]) -> Fut<'a, Option<Places>>;
    /// Every object that there is; `beside` names what they lie in. None of a kind whose table does not say where they are.
    fn all<'a>(&'a self, _api: &'a Client, _beside: &'a Body) -> Fut<'a, Vec<Body>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    /// Adds to what `all` gave of an object what only one that is meant is asked for.
    fn read_details<'a>(&'a self, _api: &'a Client, _body: &'a mut Body) -> Fut<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// The message and the hint for a name that the account does not have.
    fn missing(&self, name: &str) -> (String, String);
    /// Attributes that were read under the other name of this kind, in this one's terms.
    fn renamed(&self, body: Body) -> Body;
    /// The loss that nothing made in its place would mend; one sentence.
    fn data_loss(&self, seen: &Body) -> Option<String>;
}

/// A typed kind behind the object-safe face.
pub(crate) struct Erase<K>(PhantomData<K>);

impl<K> Erase<K> {
    /// The face of `K`.
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<K: Kind> AnyKind for Erase<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn attrs(&self) -> &'static [Attr] {
        K::ATTRS
    }

    fn scopes(&self) -> &Scopes {
        const { &K::SCOPES }
    }

    fn markable(&self) -> bool {
        K::MARKABLE
    }

    fn tags<'a>(&'a self, api: &'a Client) -> Fut<'a, Vec<String>> {
        Box::pin(K::tags(api))
    }

    fn billed(&self) -> bool {
        K::BILLED
    }

    fn bulk_create(&self) -> bool {
        K::BULK_CREATE
    }

    fn globally_unique(&self) -> bool {
        K::GLOBALLY_UNIQUE
    }

    fn unique_keys(&self, body: &Term) -> Vec<String> {
        unique_key(K::UNIQUE_AMONG, K::ATTRS, K::UNIQUE_KEY, body).into_iter().collect()
    }

    fn shared(&self) -> bool {
        K::SHARED
    }

    fn marked_by_project(&self) -> bool {
        K::MARKED_BY_PROJECT
    }

    fn joins_project(&self, body: &Term) -> bool {
        K::MARKED_BY_PROJECT && K::joins_project(body)
    }

    fn check(&self, body: &Term) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        K::check(body, &mut complaints);
        complaints.into_vec()
    }

    fn preflight<'a>(&'a self, api: &'a Client, jobs: &'a [Job]) -> Fut<'a, Vec<Complaint>> {
        Box::pin(async move { if jobs.is_empty() { Ok(Vec::new()) } else { K::preflight(api, jobs).await } })
    }

    fn create<'a>(&'a self, api: &'a Client, body: &'a Term, ours: Ours<'a>) -> Fut<'a, Created> {
        Box::pin(async move {
            let made = K::create(api, &spec::<K>(body)?, ours).await?;
            let body = made.live.map(|live| to_body::<K>(&live)).transpose()?;
            Ok(Created { id: made.id, body })
        })
    }

    fn wait_ready<'a>(&'a self, api: &'a Client, id: &'a Id, wanted: &'a Term) -> Fut<'a, Body> {
        Box::pin(async move { to_body::<K>(&K::wait_ready(api, id, wanted).await?) })
    }

    fn creation_failed<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, bool> {
        Box::pin(K::creation_failed(api, id, seen))
    }

    fn list<'a>(&'a self, api: &'a Client, ids: &'a [Id], ours: Ours<'a>) -> Fut<'a, Vec<Found>> {
        Box::pin(async move {
            let project = ours.project.filter(|_| K::MARKED_BY_PROJECT);
            if ids.is_empty() && !K::MARKABLE && project.is_none() {
                return Ok(Vec::new());
            }
            let asked: BTreeSet<&Id> = ids.iter().collect();
            let is_ours = |live: &K::Live| project.is_some_and(|project| K::project(live) == Some(&project.0));
            let found = K::bulk(api, ids, ours).await?.into_iter();
            let found = found.filter(|(id, live)| K::MARKABLE || asked.contains(id) || is_ours(live));
            found.map(|(id, live)| found_of::<K>(id, &live, Certainty::Ours)).collect()
        })
    }

    fn read<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, Option<Found>> {
        Box::pin(async move { K::read(api, id).await?.map(|live| found_of::<K>(id.clone(), &live, Certainty::Ours)).transpose() })
    }

    fn edit<'a>(&'a self, api: &'a Client, id: &'a Id, edit: EditName, body: &'a Term, seen: &'a Body) -> Fut<'a, ()> {
        Box::pin(async move { K::edit(api, id, edit, &spec::<K>(body)?, seen).await })
    }

    fn delete<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, ()> {
        Box::pin(K::delete(api, id, seen))
    }

    fn find<'a>(&'a self, api: &'a Client, body: &'a Body, ours: Ours<'a>) -> Fut<'a, Vec<Found>> {
        Box::pin(async move {
            let candidates = K::find(api, body, ours).await?.into_iter();
            candidates.map(|candidate| found_of::<K>(candidate.id, &candidate.live, candidate.certainty)).collect()
        })
    }

    fn claim<'a>(&'a self, api: &'a Client, id: &'a Id, from: &'a [Mark], ours: Ours<'a>) -> Fut<'a, ()> {
        Box::pin(K::claim(api, id, from, ours))
    }

    fn release<'a>(&'a self, api: &'a Client, id: &'a Id, ours: Ours<'a>) -> Fut<'a, ()> {
        Box::pin(K::release(api, id, ours))
    }

    fn before_delete<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body, ours: &'a [Id]) -> Fut<'a, Vec<Complaint>> {
        Box::pin(K::before_delete(api, id, seen, ours))
    }

    fn note(&self, seen: &Body) -> Option<String> {
        K::note(seen)
    }

    fn is_up(&self, seen: &Body) -> bool {
        K::is_up(seen)
    }

    fn is_busy<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, bool> {
        Box::pin(K::is_busy(api, id))
    }

    fn powered(&self, seen: &Body) -> Option<bool> {
        K::powered(seen)
    }

    fn derived(&self, body: &Term) -> BTreeMap<String, Term> {
        let open = |(name, term): (String, Term)| match term {
            Term::Secret(secret) => (name, Term::Value(secret.expose().clone())),
            other => (name, other),
        };
        let opened = Term::map(body.entries().unwrap_or_default().into_iter().map(open).collect());
        // What no row says anything of is taken to repeat everything.
        let rows = |name: &String| K::ATTRS.iter().find(|row| row.name == name && !row.repeats.is_empty());
        let secret = |name: &String| rows(name).map_or(body.has_secret(), |row| row.repeats_secret(|of| body.get(of).has_secret()));
        let marked = |(name, term): (String, Term)| match term {
            Term::Value(value) if secret(&name) && value != Value::Null => (name, Term::Secret(Secret::new(value))),
            Term::Unknown(origin) if secret(&name) => (name, Term::Unknown(Origin { sensitive: true, ..origin })),
            other => (name, other),
        };
        K::derived(&opened).into_iter().map(marked).collect()
    }

    fn identity(&self, body: &Body) -> Option<Id> {
        K::identity(body)
    }

    fn lookup<'a>(&'a self, api: &'a Client, names: &'a [String]) -> Fut<'a, Option<Places>> {
        Box::pin(K::lookup(api, names))
    }

    fn missing(&self, name: &str) -> (String, String) {
        K::missing(name)
    }

    fn renamed(&self, body: Body) -> Body {
        K::renamed(body)
    }

    fn data_loss(&self, seen: &Body) -> Option<String> {
        K::data_loss(seen)
    }
}

/// Opens a body of plain rows, to be sent and dropped again.
pub(crate) fn opened(kind: &str, body: &Term) -> Result<Body, ApiError> {
    match body.sealed().map(|sealed| sealed.expose().clone()) {
        Some(Value::Map(fields)) => Ok(fields),
        _ => Err(ApiError::Unsettled { what: format!("the attributes of {kind} are not all known yet") }),
    }
}

/// The length in bytes of a text that may be secret; the length is not.
pub(crate) fn length(term: &Term) -> Option<usize> {
    *term.sealed()?.map(|value| value.as_str().map(str::len)).expose()
}

/// Opens a body into a Spec. The message names the attribute and never what stands in it.
fn spec<K: Kind>(body: &Term) -> Result<K::Spec, ApiError> {
    let no = |why: String| ApiError::Unsettled { what: format!("the attributes of {} do not fit together: {why}", K::NAME) };
    let sealed = body.sealed().ok_or_else(|| no("some are not known yet".to_owned()))?;
    serde_path_to_error::deserialize(sealed.expose().clone()).map_err(|error| no(format!("look at `{}`", error.path())))
}

fn found_of<K: Kind>(id: Id, live: &K::Live, certainty: Certainty) -> Result<Found, ApiError> {
    let project = K::project(live).map(|project| Id(project.to_owned()));
    Ok(Found { id, body: to_body::<K>(live)?, certainty, marks: K::marks(live), project })
}

/// An object's body as the engine sees it: readable attributes of the table that are not null, without the mark.
fn to_body<K: Kind>(live: &K::Live) -> Result<Body, ApiError> {
    let seen =
        value_of(live).map_err(|error| ApiError::Unsettled { what: format!("what was read of {} cannot be kept: {error}", K::NAME) })?;
    let Value::Map(fields) = seen else { return Ok(Body::new()) };
    let readable = |name: &str| K::ATTRS.iter().any(|row| row.name == name && row.reads != Reads::WriteOnly);
    let mut body: Body = fields.into_iter().filter(|(name, value)| *value != Value::Null && readable(name)).collect();
    if K::MARKABLE
        && let Some(Value::List(tags)) = body.get_mut("tags")
    {
        tags.retain(|tag| !tag.as_str().is_some_and(is_mark));
    }
    Ok(body)
}

/// Whether a tag is a stack's mark, `dofloat:<stack>-<lineage>`: one colon only. The tags by which a cluster's nodes find
/// each other have two; those are ordinary tags here.
pub(crate) fn is_mark(tag: &str) -> bool {
    tag.strip_prefix("dofloat:").is_some_and(|rest| !rest.is_empty() && !rest.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_of_a_stack_is_a_mark() {
        for (tag, expected) in
            [("dofloat:web-5a1f", true), ("dofloat:web-5a1f:cluster", false), ("dofloat:", false), ("dofloat", false), ("web", false)]
        {
            assert_eq!(is_mark(tag), expected, "{tag}");
        }
    }

    #[test]
    fn the_length_of_a_secret_is_told_and_an_unknown_has_none() {
        assert_eq!(length(&Term::Secret(Secret::new(Value::from("äb")))), Some(3));
        assert_eq!(length(&Term::Value(Value::from("ab"))), Some(2));
        assert_eq!(length(&Term::Unknown(dofloat_base::value::Origin::default())), None);
        assert_eq!(length(&Term::null()), None);
    }
}
