//! What resources name other objects by, held against the plan and the account: an object that is nowhere, and objects that must
//! be in one region and are not.
//!
//! Invariant: reads only, and none for what the stack itself has; a reference that nothing is known of is passed over. It knows
//! the rows of the tables, never a kind.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;

use super::change::Change;
use super::error::{EngineError, from_api};
use super::placeholder::{self, Placeholders};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_base::address::Address;
use dofloat_base::desired::Resolve;
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::value::{Term, Terms, Value};
use dofloat_kinds::attr::{Attr, Points, Ty};
use dofloat_kinds::erased::{Job, Places};
use dofloat_kinds::{KINDS, kind};

/// Resources by type, attribute, and the attribute's value.
type Index<'a> = BTreeMap<(&'a str, &'static str, String), &'a Address>;

/// The resources as a plan knows them.
#[derive(Clone, Copy)]
pub(super) struct Picture<'a> {
    /// The desired attributes of each.
    pub terms: &'a BTreeMap<Address, Terms>,
    /// The known attributes of each.
    pub known: &'a BTreeMap<Address, Term>,
    /// The created or changed resources.
    pub jobs: &'a BTreeMap<&'static str, Vec<Job>>,
    /// The configuration.
    pub resolve: &'a dyn Resolve,
    /// What names nothing.
    pub placeholders: &'a Placeholders,
}

/// A place of a body that names an object, and what it means.
struct Mention<'a> {
    job: &'a Job,
    path: Vec<String>,
    points: Points,
    aim: Aim,
}

/// The target of a mention.
enum Aim {
    /// A resource of this stack.
    Ours(Address),
    /// An object that the stack does not have.
    Foreign(String),
}

/// The region of something that a resource must be in one region with.
struct Region {
    slug: String,
    /// Who is there.
    who: String,
    span: Option<Span>,
}

impl<'a> Picture<'a> {
    /// Everything that what is made or changed names by an attribute that is new.
    fn mentions<'c>(&self, changes: impl Iterator<Item = &'c Change>) -> Vec<Mention<'a>> {
        let index = self.index();
        let changes: BTreeMap<&Address, &Change> = changes.map(|change| (&change.address, change)).collect();
        let mut found = Vec::new();
        for job in self.jobs.values().flatten() {
            let Some((kind, change)) = kind(&job.address.kind).zip(changes.get(&job.address)) else { continue };
            let is_new = |row: &&Attr| change.attrs.iter().any(|attr| attr.name == row.name);
            for row in kind.attrs().iter().filter(is_new) {
                let mut gather = |path: &[String], points: Points, term: &Term| {
                    if let Some(aim) = aim(points, term, &index) {
                        found.push(Mention { job, path: path.to_vec(), points, aim });
                    }
                };
                walk(row, &job.body.get(row.name), &mut vec![row.name.to_owned()], &mut gather);
            }
        }
        found
    }

    /// The stack's own resources by what they may be named by: type, attribute, value.
    fn index(&self) -> Index<'a> {
        let mut names = BTreeSet::new();
        KINDS.iter().for_each(|kind| named_by(kind.attrs(), &mut names));
        let mut index = Index::new();
        for (address, known) in self.known {
            for name in &names {
                if let Some(text) = text(&known.get(name)) {
                    index.entry((&address.kind, name, text.to_lowercase())).or_insert(address);
                }
            }
        }
        index
    }

    /// Where a resource of the stack is, as far as that is known.
    fn region_of(&self, address: &Address) -> Option<Region> {
        let wanted = self.terms.get(address).and_then(|terms| text(terms.get("region")?));
        let slug = wanted.or_else(|| text(&self.known.get(address)?.get("region")))?;
        let slug = Some(slug).filter(|slug| !self.placeholders.name(slug))?;
        Some(Region { slug: slug.to_lowercase(), who: address.to_string(), span: self.resolve.span(address, &["region"]) })
    }

    /// The region conflicts between resources of the stack, found without a request.
    pub(super) fn region_conflicts<'c>(&self, changes: impl Iterator<Item = &'c Change>) -> Vec<Diagnostic> {
        self.compared(&self.mentions(changes), &BTreeMap::new())
    }

    /// What is wrong with objects that the stack names and does not have. What the token may not see is passed over.
    pub(super) async fn check(&self, api: &Client, changes: &[Change]) -> Result<Vec<Diagnostic>, EngineError> {
        let mentions = self.mentions(changes.iter());
        let mut names: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        for mention in &mentions {
            if let (Aim::Foreign(name), Some(kind)) = (&mention.aim, mention.points.kinds.first()) {
                names.entry(kind).or_default().insert(name.clone());
            }
        }
        let asks = names.into_iter().filter_map(|(name, sought)| {
            let kind = kind(name)?;
            Some(async move {
                let sought: Vec<String> = sought.into_iter().collect();
                match kind.lookup(api, &sought).await {
                    Ok(found) => Ok((name, found)),
                    // It may not be seen, or not be asked for in this form: then only the apply can tell.
                    Err(ApiError::Refused { .. } | ApiError::Unseen { .. } | ApiError::Rejected { .. }) => Ok((name, None)),
                    Err(error) => Err(EngineError::from(from_api(&error, "check the plan against the account"))),
                }
            })
        });
        let found: BTreeMap<&str, Option<Places>> = try_join_all(asks).await?.into_iter().collect();
        let missing = mentions.iter().filter_map(|mention| self.missing(mention, &found));
        let mut errors: Vec<Diagnostic> = missing.collect();
        if found.values().flatten().any(|places| places.values().any(Option::is_some)) {
            errors.extend(self.compared(&mentions, &found));
        }
        Ok(errors)
    }

    fn missing(&self, mention: &Mention<'_>, found: &BTreeMap<&str, Option<Places>>) -> Option<Diagnostic> {
        let (Aim::Foreign(name), Some(of)) = (&mention.aim, mention.points.kinds.first()) else { return None };
        if found.get(of)?.as_ref()?.contains_key(name) {
            return None;
        }
        let (message, hint) = kind(of)?.missing(name);
        let error = Diagnostic::error(message).at(self.place(mention)).about(&mention.job.address);
        Some(match hint.is_empty() {
            _ if self.placeholders.name(name) => placeholder::told(error),
            true => error,
            false => error.hint(hint),
        })
    }

    fn place(&self, mention: &Mention<'_>) -> Option<Span> {
        let path: Vec<&str> = mention.path.iter().map(String::as_str).collect();
        self.resolve.span(&mention.job.address, &path)
    }

    /// One complaint of each resource that names what is in another region. Where something was found, only of what was.
    fn compared(&self, mentions: &[Mention<'_>], found: &BTreeMap<&str, Option<Places>>) -> Vec<Diagnostic> {
        let mut near: BTreeMap<&Address, Vec<(bool, Region)>> = BTreeMap::new();
        for mention in mentions.iter().filter(|mention| mention.points.near) {
            let region = match &mention.aim {
                Aim::Ours(address) => self.region_of(address).map(|region| (false, region)),
                Aim::Foreign(name) => mention.points.kinds.first().and_then(|kind| {
                    let slug = found.get(kind)?.as_ref()?.get(name)?.clone()?.to_lowercase();
                    Some((true, Region { slug, who: name.clone(), span: self.place(mention) }))
                }),
            };
            near.entry(&mention.job.address).or_default().extend(region);
        }
        let mut errors = Vec::new();
        for (address, regions) in near {
            let mut all: Vec<(bool, Region)> = self.region_of(address).map(|region| (false, region)).into_iter().collect();
            all.extend(regions);
            for (at, (foreign, region)) in all.iter().enumerate().skip(1) {
                let other = all[..at].iter().find(|(other, first)| first.slug != region.slug && (found.is_empty() || *other || *foreign));
                if let Some((_, first)) = other {
                    errors.push(apart(address, first, region));
                    break;
                }
            }
        }
        errors
    }
}

fn apart(address: &Address, first: &Region, second: &Region) -> Diagnostic {
    let why = if first.who == address.to_string() { String::new() } else { format!(" for {address}") };
    let error = Diagnostic::error(format!(
        "{} is in {}, and {} in {}: they must be in the same region{why}.",
        first.who, first.slug, second.who, second.slug
    ));
    let error = error.at(first.span.clone()).about(address).hint("Give both the same `region`.");
    match &second.span {
        Some(span) => error.related(span.clone(), format!("{} is in {}", second.who, second.slug)),
        None => error,
    }
}

/// Calls `gather` with every part of a value that names an object.
fn walk(row: &Attr, term: &Term, path: &mut Vec<String>, gather: &mut dyn FnMut(&[String], Points, &Term)) {
    let (item, items) = match row.ty {
        Ty::List(item) | Ty::Set(item) => (*item, term.items().unwrap_or_default()),
        ty => (ty, vec![term.clone()]),
    };
    let listed = matches!(row.ty, Ty::List(_) | Ty::Set(_));
    for (at, part) in items.iter().enumerate() {
        if let Some(points) = row.points {
            // A set's order is not the file's: a text finds its place by itself.
            let place = text(part).filter(|_| listed);
            let depth = path.len();
            path.extend(place);
            gather(path, points, part);
            path.truncate(depth);
        }
        if let Ty::Object(rows) = item {
            path.push(at.to_string());
            for row in rows {
                path.push(row.name.to_owned());
                walk(row, &part.get(row.name), path, gather);
                path.pop();
            }
            path.pop();
        }
    }
}

fn named_by(rows: &[Attr], names: &mut BTreeSet<&'static str>) {
    for row in rows {
        names.extend(row.points.into_iter().flat_map(|points| points.by));
        if let Ty::List(Ty::Object(rows)) | Ty::Set(Ty::Object(rows)) = row.ty {
            named_by(rows, names);
        }
    }
}

fn aim(points: Points, term: &Term, index: &Index<'_>) -> Option<Aim> {
    if let Term::Unknown(origin) = term {
        let address = origin.address.as_ref().filter(|address| points.kinds.contains(&address.kind.as_str()))?;
        return points.by.contains(&origin.path.as_str()).then(|| Aim::Ours(address.clone()));
    }
    let name = text(term).filter(|name| !name.is_empty())?;
    let mut ways = points.kinds.iter().flat_map(|kind| points.by.iter().map(move |by| (*kind, *by)));
    let ours = ways.find_map(|(kind, by)| index.get(&(kind, by, name.to_lowercase())));
    Some(ours.map_or(Aim::Foreign(name), |address| Aim::Ours((*address).clone())))
}

/// The text of a known and open term.
fn text(term: &Term) -> Option<String> {
    match term {
        Term::Value(Value::Str(text)) => Some(text.clone()),
        Term::Value(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}
