//! Objects of the account that fit resources which have no record: a takeover without writing identities down.
//!
//! Invariant: reads only. What an object is recognised by is its kind's own business (`find`); an object that a record has is
//! never proposed, and where several fit one resource none is.

use std::collections::BTreeSet;

use super::claims::{self, Claims};
use super::error::{EngineError, from_api};
use super::foreign;
use super::observed::Label;
use super::planned::Surveyed;
use super::recover;
use super::request::{ImportTarget, Options, SurveyContext};
use super::survey::survey;
use dofloat_base::address::Address;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::value::{Body, Terms, Value};
use dofloat_kinds::account::family;
use dofloat_kinds::attr::Presence;
use dofloat_kinds::erased::{AnyKind, Certainty, Found};
use dofloat_kinds::kind;

/// The query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscoverQuery {
    /// Only for these resources.
    pub only: Vec<Address>,
    /// Only objects with this tag.
    pub tag: Option<String>,
    /// Only objects with this name.
    pub name: Option<String>,
    /// Only objects that carry the stack's mark.
    pub marked: bool,
}

/// The result.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// The plan with what was found.
    pub surveyed: Surveyed,
    /// Resources for which several objects fit.
    pub doubtful: Vec<(Address, Vec<Id>)>,
}

/// Looks for objects until no more are found: what is built upon others can be recognised once those are.
///
/// # Errors
/// Errors in the configuration, or a failed read.
pub async fn discover(context: SurveyContext<'_>, query: &DiscoverQuery) -> Result<Discovered, EngineError> {
    let mut targets: Vec<ImportTarget> = Vec::new();
    loop {
        let options = Options { adopt: Some(targets.clone()), ..context.options.clone() };
        let surveyed = survey(SurveyContext { options: &options, ..context }).await?;
        let (found, doubtful) = search(context, &surveyed, query).await?;
        // Each round finds at least one of the resources that have none, so there is an end.
        if found.is_empty() {
            return Ok(Discovered { surveyed, doubtful });
        }
        targets.extend(found);
    }
}

type Round = (Vec<ImportTarget>, Vec<(Address, Vec<Id>)>);

async fn search(context: SurveyContext<'_>, surveyed: &Surveyed, query: &DiscoverQuery) -> Result<Round, EngineError> {
    let mark = Mark::of_stack(context.stack, &surveyed.state.lineage);
    let mut claims: Claims = claims::claims(&surveyed.state, None);
    let ours = Ours { mark: &mark, project: surveyed.state.project.as_ref().filter(|_| query.marked) };
    let (mut targets, mut doubtful) = (Vec::new(), Vec::new());
    for to in context.resolve.desired().resources.keys() {
        let asked = query.only.is_empty() || query.only.iter().any(|only| only.covers(to));
        let (Some(kind), false, true) = (kind(&to.kind), surveyed.state.records.contains_key(to), asked) else { continue };
        let Some(body) = surveyed.planned.terms.get(to).map(known).filter(|body| is_recognisable(kind, body)) else {
            continue;
        };
        let found = recover::candidates(kind, context.api, &body, ours, &claims).await;
        let found = found.map_err(|error| EngineError::from(from_api(&error, &format!("look for {to}")).about(to)))?;
        let label = |found: &Found| Label { marks: found.marks.clone(), project: found.project.clone() };
        let labels = found.iter().map(|found| ((to.clone(), found.id.clone()), label(found))).collect();
        let foreign = foreign::of_others(context.api, &surveyed.state, &labels).await?;
        let fits = |found: &Found| !foreign.contains_key(&(to.clone(), found.id.clone())) && query.fits(kind, found);
        let ids: BTreeSet<Id> = found.iter().filter(|found| fits(found)).map(|found| found.id.clone()).collect();
        match Vec::from_iter(ids).as_slice() {
            [] => {}
            [id] => {
                claims.insert((family(kind.name()), id.clone()));
                targets.push(ImportTarget { to: to.clone(), id: id.clone(), told: None, span: None });
            }
            many => doubtful.push((to.clone(), many.to_vec())),
        }
    }
    Ok((targets, doubtful))
}

fn known(terms: &Terms) -> Body {
    terms.iter().filter_map(|(name, term)| Some((name.clone(), term.value()?.clone()))).collect()
}

/// Whether all is known that the user must set.
fn is_recognisable(kind: &dyn AnyKind, body: &Body) -> bool {
    kind.attrs().iter().all(|row| row.presence != Presence::Required || body.contains_key(row.name))
}

impl DiscoverQuery {
    fn fits(&self, kind: &dyn AnyKind, found: &Found) -> bool {
        let tags = found.body.get("tags").and_then(Value::as_list).unwrap_or_default();
        let tagged = |tag: &String| tags.iter().any(|found| found.as_str() == Some(tag));
        let named = |name: &String| found.body.get("name").and_then(Value::as_str) == Some(name);
        self.tag.as_ref().is_none_or(tagged)
            && self.name.as_ref().is_none_or(named)
            && (!self.marked || (kind.markable() || kind.marked_by_project()) && found.certainty == Certainty::Ours)
    }
}
