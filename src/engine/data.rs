//! Data sources: what is looked up in the account for the configuration's `data` blocks, and what expressions see of it.
//!
//! Invariant: reads only, and no record: nothing of it is in the state. It is read with the plan where its arguments are known and
//! nothing is to be done with what it depends on, else by a step of the run. What an argument keeps secret stays so.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};

use super::change::Reason;
use super::desired::{from_complaint, normalise};
use super::error::{EngineError, from_api};
use super::known::{is_secret, revealed, unknown};
use dofloat_api::client::Client;
use dofloat_base::address::Address;
use dofloat_base::desired::{Known, Resolve};
use dofloat_base::diag::Diagnostic;
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Origin, Term, Terms};
use dofloat_kinds::attr::{Presence, Secrecy};
use dofloat_kinds::data::{Miss, Source, source};

/// How many are looked up at once.
const CONCURRENT_READS: usize = 8;

/// What is asked for one data source.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which.
    pub address: Address,
    /// The data source.
    pub source: &'static Source,
    /// Its arguments.
    pub terms: Terms,
}

impl Query {
    /// What a data source asks for, as far as it is known.
    ///
    /// # Errors
    /// What is wrong with its arguments, with positions.
    pub fn new(resolve: &dyn Resolve, address: &Address, known: &Known<'_>) -> Result<Self, Vec<Diagnostic>> {
        let Some(source) = address.source().and_then(source) else {
            let message = format!("There is no data source `{}`.", address.source().unwrap_or(&address.kind));
            return Err(vec![Diagnostic::error(message).at(resolve.span(address, &[]))]);
        };
        let body = resolve.body(address, known)?;
        let whose = format!("`{}`", address.kind);
        let told = |complaints: Vec<_>| complaints.into_iter().map(|complaint| from_complaint(resolve, address, complaint)).collect();
        let terms = normalise(source.rows(), &body, &whose).map_err(told)?;
        match source.check(&Term::map(terms.clone())) {
            complaints if complaints.is_empty() => Ok(Self { address: address.clone(), source, terms }),
            complaints => Err(told(complaints)),
        }
    }

    /// The argument that is not known yet, if one is not.
    #[must_use]
    pub fn waits_for(&self) -> Option<&str> {
        self.terms.iter().find(|(_, term)| term.has_unknown()).map(|(name, _)| name.as_str())
    }

    /// Looks it up.
    ///
    /// # Errors
    /// If there is no such object, or several; a read that fails.
    pub async fn read(&self, api: &Client) -> Result<Body, Miss> {
        self.source.read(api, &self.terms).await
    }

    /// What expressions see of it: the arguments, and what was found; unknown until then.
    #[must_use]
    pub fn known(&self, found: Option<&Body>) -> Term {
        let rows = self.source.rows().iter();
        let secret = |row: &dofloat_kinds::attr::Attr| row.secrecy != Secrecy::Open || row.repeats_secret(|of| is_secret(&self.terms, of));
        let one = |row: &&'static dofloat_kinds::attr::Attr| {
            let written = self.terms.get(row.name);
            match (row.presence, found) {
                (Presence::Required | Presence::Optional, _) => written.cloned(),
                (_, None) => Some(written.cloned().unwrap_or_else(|| unknown(&self.address, row, secret(row)))),
                (_, Some(found)) => {
                    let value = found.get(row.name)?.clone();
                    let secret = secret(row) || written.is_some_and(Term::has_secret);
                    Some(if secret { Term::Secret(Secret::new(value)) } else { revealed(row, value) })
                }
            }
        };
        Term::map(rows.filter_map(|row| Some((row.name.to_owned(), one(&row)?))).collect())
    }

    /// Why it gives nothing, at its place in the file.
    #[must_use]
    pub fn told(&self, resolve: &dyn Resolve, miss: Miss) -> Diagnostic {
        match miss {
            Miss::Wrong(complaint) => from_complaint(resolve, &self.address, *complaint),
            Miss::Api(error) => {
                from_api(&error, &format!("read {}", self.address)).at(resolve.span(&self.address, &[])).about(&self.address)
            }
        }
    }
}

/// Looks up all that is asked for; `api` may be a snapshot, so that they share answers.
///
/// # Errors
/// What could not be found or read, with positions.
pub async fn read_all(api: &Client, resolve: &dyn Resolve, queries: &[Query]) -> Result<Answers, EngineError> {
    let read = |query: &'_ Query| {
        let query = query.clone();
        let api = api.clone();
        async move {
            let found = query.read(&api).await;
            (query, found)
        }
    };
    let all: Vec<_> = stream::iter(queries).map(read).buffered(CONCURRENT_READS).collect().await;
    let (mut answers, mut errors) = (Answers::default(), Vec::new());
    for (query, one) in all {
        match one {
            Ok(body) => drop(answers.found.insert(query.address, body)),
            Err(miss) => {
                let why = query.told(resolve, miss);
                if is_of_check(resolve, &query.address) {
                    answers.unread.insert(query.address, why.into_warning());
                } else {
                    errors.push(why);
                }
            }
        }
    }
    if errors.is_empty() { Ok(answers) } else { Err(EngineError::failed(errors)) }
}

/// What data sources gave.
#[derive(Debug, Default)]
pub struct Answers {
    /// What was found.
    pub found: BTreeMap<Address, Body>,
    /// Those of checks that gave nothing, and why.
    pub unread: BTreeMap<Address, Diagnostic>,
}

/// Whether a data source belongs to a check.
#[must_use]
pub fn is_of_check(resolve: &dyn Resolve, address: &Address) -> bool {
    resolve.desired().data.get(address).is_some_and(|reading| reading.checks)
}

/// What is asked for whatever else comes out: data sources that nothing comes before, and whose arguments are known.
#[must_use]
pub fn at_once(resolve: &dyn Resolve) -> Vec<Query> {
    let unknown = |_: &Address| Term::Unknown(Origin::default());
    let first = resolve.desired().data.iter().filter(|(_, reading)| reading.after.is_empty());
    let queries = first.filter_map(|(address, _)| Query::new(resolve, address, &unknown).ok());
    queries.filter(|query| query.waits_for().is_none()).collect()
}

/// Why it cannot be read with the plan.
#[must_use]
pub fn reason(query: &Query, is_pending: bool) -> Option<Reason> {
    match query.waits_for() {
        Some(_) => Some(Reason::ConfigUnknown),
        None => is_pending.then_some(Reason::DependencyPending),
    }
}
