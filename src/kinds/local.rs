//! Kinds that ask no API: what they make lies on this machine, or in the state alone.
//!
//! Invariant: no request. What came about with an object and is not written is kept in the state (`Reads::Once`); an object is there
//! as long as it is as it was made. Attributes and results are those of the official providers (`hashicorp/local`, `null`,
//! `random`, …).

mod certificate;
mod der;
mod digests;
pub(crate) mod file;
mod generator;
pub(crate) mod key;
mod null;
mod random;
mod template;
mod time;
pub(crate) mod tls;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::attr::{Attr, EditName, Reads, Secrecy};
use super::complaints::{self, Complaints};
use super::erased::{AnyKind, Certainty, Complaint, Created, Found, Fut, Job, Places, Scopes, opened};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::machine::Machine;
use dofloat_base::clock::Moment;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Term, Value};

pub(crate) use digests::{DIGESTS, digests};

/// Every local kind.
pub static KINDS: &[&dyn AnyKind] = &[
    &file::FILE,
    &file::SENSITIVE_FILE,
    &null::RESOURCE,
    &random::BYTES,
    &random::RANDOM_ID,
    &random::INTEGER,
    &random::PASSWORD,
    &random::PET,
    &random::SHUFFLE,
    &random::STRING,
    &random::UUID,
    &template::FILE,
    &time::OFFSET,
    &time::ROTATING,
    &time::SLEEP,
    &time::STATIC,
    &certificate::REQUEST,
    &certificate::LOCALLY_SIGNED,
    &tls::PRIVATE_KEY,
    &certificate::SELF_SIGNED,
];

/// The surroundings of a local kind.
pub(crate) struct Context<'a> {
    /// Where its things lie.
    pub(crate) machine: &'a Machine,
    /// The time.
    pub(crate) now: Moment,
}

impl<'a> Context<'a> {
    fn of(api: &'a Client) -> Self {
        Self { machine: api.machine(), now: api.clock().now() }
    }
}

/// By what name a vault keeps the secrets of an object that was made on this machine.
#[must_use]
pub fn name_in_vault(kind: &str, id: &Id) -> String {
    format!("{kind} {id}")
}

/// The result of a create: the identity, where it is known by more than its record, and the attributes; or why there is none.
pub(crate) type Made = Result<(Option<Id>, Body), String>;

/// A kind that asks no API.
pub(crate) struct Local {
    /// The resource type.
    pub(crate) name: &'static str,
    /// The attribute table.
    pub(crate) attrs: &'static [Attr],
    /// Checks a body beyond its rows.
    pub(crate) check: fn(&Term, &mut Complaints),
    /// Makes one: its identity, where it is known by more than its record, and what came about.
    pub(crate) make: fn(&Context<'_>, &Body) -> Made,
    /// Whether it is still as it was made.
    pub(crate) is_there: fn(&Context<'_>, &Id) -> Result<bool, String>,
    /// Takes it away.
    pub(crate) remove: fn(&Machine, &Id) -> Result<(), String>,
    /// The identity of one that another tool recorded with these attributes; `None` if its record is all there is of it.
    pub(crate) identity: fn(&Body) -> Option<Id>,
    /// The attributes that an import ID tells of an object; `None` if it tells none.
    pub(crate) import: fn(&str) -> Option<Body>,
    /// How long a create and a delete take.
    pub(crate) pause: fn(&Body, Doing) -> Duration,
}

/// An operation on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It is made.
    Create,
    /// It is deleted.
    Delete,
}

impl Local {
    /// A kind of nothing, for what the others leave out.
    pub(crate) const NOTHING: Self = Self {
        name: "",
        attrs: &[],
        check: |_, _| {},
        make: |_, _| Ok((None, Body::new())),
        is_there: |_, _| Ok(true),
        remove: |_, _| Ok(()),
        identity: |_| None,
        import: |_| None,
        pause: |_, _| Duration::ZERO,
    };
}

impl Local {
    fn is_own_secret(&self, name: &str) -> bool {
        self.attrs.iter().any(|row| row.name == name && row.secrecy == Secrecy::Sensitive && !row.settable())
    }

    fn has_secrets(&self) -> bool {
        self.attrs.iter().any(|row| self.is_own_secret(row.name))
    }

    /// Keeps what is secret of an object, or forgets it.
    fn keep(&self, api: &Client, id: &Id, secrets: Option<Secret<Value>>) -> Result<(), ApiError> {
        let vault = api.machine().vault.as_ref().ok_or_else(|| failed("there is nowhere to keep secrets".to_owned()))?;
        vault.put(&name_in_vault(self.name, id), secrets).map_err(failed)
    }

    /// The object as it is beside its record; nothing if it is not there, or if its secrets are lost.
    fn there(&self, api: &Client, id: &Id) -> Result<Option<Body>, ApiError> {
        if !(self.is_there)(&Context::of(api), id).map_err(failed)? {
            return Ok(None);
        }
        if !self.has_secrets() {
            return Ok(Some(Body::new()));
        }
        let Some(vault) = &api.machine().vault else { return Ok(None) };
        let kept = vault.get(&name_in_vault(self.name, id)).map_err(failed)?;
        kept.map(|secret| opened(self.name, &Term::Secret(secret))).transpose()
    }
}

fn failed(what: String) -> ApiError {
    ApiError::Local { what }
}

fn found(id: &Id, body: Body) -> Found {
    Found { id: id.clone(), body, certainty: Certainty::Ours, marks: Vec::new(), project: None }
}

impl AnyKind for Local {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_local(&self) -> bool {
        true
    }

    fn attrs(&self) -> &'static [Attr] {
        self.attrs
    }

    fn scopes(&self) -> &Scopes {
        const { &Scopes { read: &[], create: &[], update: &[], delete: &[] } }
    }

    fn markable(&self) -> bool {
        false
    }

    fn tags<'a>(&'a self, _: &'a Client) -> Fut<'a, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn billed(&self) -> bool {
        false
    }

    fn globally_unique(&self) -> bool {
        false
    }

    fn unique_keys(&self, _: &Term) -> Vec<String> {
        Vec::new()
    }

    fn marked_by_project(&self) -> bool {
        false
    }

    fn joins_project(&self, _: &Term) -> bool {
        false
    }

    fn check(&self, body: &Term) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints::rows(self.attrs, body, &[], &mut complaints);
        (self.check)(body, &mut complaints);
        complaints.into_vec()
    }

    fn preflight<'a>(&'a self, _: &'a Client, _: &'a [Job]) -> Fut<'a, Vec<Complaint>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn create<'a>(&'a self, api: &'a Client, body: &'a Term, _: Ours<'a>) -> Fut<'a, Created> {
        Box::pin(async move {
            let wanted = opened(self.name, body)?;
            let pause = (self.pause)(&wanted, Doing::Create);
            if !pause.is_zero() {
                api.clock().sleep(pause).await;
            }
            let (id, body) = (self.make)(&Context::of(api), &wanted).map_err(failed)?;
            let id = id.unwrap_or_else(|| Id(Uuid::new_v4().to_string()));
            let own = self.attrs.iter().any(|row| row.name == "id") && !body.contains_key("id");
            let body: Body = body.into_iter().chain(own.then(|| ("id".to_owned(), Value::from(id.0.as_str())))).collect();
            if self.has_secrets() {
                let secrets = body.iter().filter(|(name, _)| self.is_own_secret(name)).map(|(name, value)| (name.clone(), value.clone()));
                self.keep(api, &id, Some(Secret::new(Value::Map(secrets.collect()))))?;
            }
            Ok(Created { id, body: Some(body) })
        })
    }

    fn wait_ready<'a>(&'a self, api: &'a Client, id: &'a Id, _: &'a Term) -> Fut<'a, Body> {
        Box::pin(async move {
            let gone = || ApiError::CreationFailed { what: format!("{} {id} is not there any more", self.name) };
            Ok(self.read(api, id).await?.ok_or_else(gone)?.body)
        })
    }

    /// The values that came about with it are known to nobody where the run that made it did not keep them.
    fn creation_failed<'a>(&'a self, _: &'a Client, _: &'a Id, _: &'a Body) -> Fut<'a, bool> {
        Box::pin(async { Ok(self.attrs.iter().any(|row| row.reads == Reads::Once)) })
    }

    fn list<'a>(&'a self, api: &'a Client, ids: &'a [Id], _: Ours<'a>) -> Fut<'a, Vec<Found>> {
        Box::pin(async move {
            let mut all = Vec::new();
            for id in ids {
                all.extend(self.there(api, id)?.map(|body| found(id, body)));
            }
            Ok(all)
        })
    }

    fn read<'a>(&'a self, api: &'a Client, id: &'a Id) -> Fut<'a, Option<Found>> {
        Box::pin(async move {
            let there = self.there(api, id)?;
            Ok(there.map(|body| found(id, (self.import)(&id.0).unwrap_or_default().into_iter().chain(body).collect())))
        })
    }

    fn edit<'a>(&'a self, _: &'a Client, _: &'a Id, _: EditName, _: &'a Term, _: &'a Body) -> Fut<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(&'a self, api: &'a Client, id: &'a Id, seen: &'a Body) -> Fut<'a, ()> {
        Box::pin(async move {
            let pause = (self.pause)(seen, Doing::Delete);
            if !pause.is_zero() {
                api.clock().sleep(pause).await;
            }
            (self.remove)(api.machine(), id).map_err(failed)?;
            if self.has_secrets() { self.keep(api, id, None) } else { Ok(()) }
        })
    }

    fn find<'a>(&'a self, _: &'a Client, _: &'a Body, _: Ours<'a>) -> Fut<'a, Vec<Found>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn claim<'a>(&'a self, _: &'a Client, _: &'a Id, _: &'a [Mark], _: Ours<'a>) -> Fut<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn before_delete<'a>(&'a self, _: &'a Client, _: &'a Id, _: &'a Body, _: &'a [Id]) -> Fut<'a, Vec<Complaint>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn note(&self, _: &Body) -> Option<String> {
        None
    }

    fn is_up(&self, _: &Body) -> bool {
        true
    }

    fn is_busy<'a>(&'a self, _: &'a Client, _: &'a Id) -> Fut<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn powered(&self, _: &Body) -> Option<bool> {
        None
    }

    fn derived(&self, _: &Term) -> BTreeMap<String, Term> {
        BTreeMap::new()
    }

    fn identity(&self, body: &Body) -> Option<Id> {
        (self.identity)(body)
    }

    fn lookup<'a>(&'a self, _: &'a Client, _: &'a [String]) -> Fut<'a, Option<Places>> {
        Box::pin(async { Ok(None) })
    }

    fn missing(&self, name: &str) -> (String, String) {
        (format!("There is no {} `{name}`.", self.name), String::new())
    }

    fn renamed(&self, body: Body) -> Body {
        body
    }

    fn data_loss(&self, _: &Body) -> Option<String> {
        None
    }
}
