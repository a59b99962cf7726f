//! A data source: where its objects are listed, by which arguments one is picked, and what is given of it.
//!
//! Invariant: what is asked for stands in the row; nothing is guessed where several objects fit.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::OnceLock;

use serde_json::Value as Json;

use super::filter;
use super::listed::{self, Listed};
use super::miss::{Miss, complaint, shown, wrong};
use super::record::{From, fitted, record};
use crate::attr::{Attr, Change, Presence, Reads, Ty};
use crate::complaints::{self, Complaints};
use crate::erased::{Complaint, Fut, is_mark, opened};
use crate::kind;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::machine::Machine;
use dofloat_base::diag::did_you_mean;
use dofloat_base::digest::sha256_hex;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Terms, Value};

/// Objects that the API lists.
pub(super) struct Family {
    /// One of them, in words.
    pub noun: &'static str,
    /// Where they are listed; `{name}` is an argument's value.
    pub path: &'static str,
    /// The field of the list.
    pub many: &'static str,
    /// The field of a single one.
    pub one: &'static str,
    /// What further is asked, from the arguments.
    pub query: fn(&Body) -> Vec<(&'static str, &'static str)>,
    /// What is given of each.
    pub rows: &'static [Attr],
    /// Where that is found, if not in the field of its name.
    pub from: &'static [(&'static str, From)],
    /// What else has to be asked of each: an attribute, from the texts in a list below its own path.
    pub also: Option<Also>,
    /// How a person sees what there is.
    pub see: &'static str,
    /// The scopes of reading them.
    pub scopes: &'static [&'static str],
}

/// An attribute that has a list of its own: its name, the last part of the path, the list's field, and the text in each item.
#[derive(Clone, Copy)]
pub(super) struct Also {
    pub name: &'static str,
    pub part: &'static str,
    pub many: &'static str,
    pub text: &'static str,
}

/// How one object is picked.
pub(super) enum Way {
    /// By its own path, which ends in this argument's value.
    Own(&'static str),
    /// By an attribute that is equal, where one object only has it.
    Equal(&'static str),
    /// The same among those of which this holds.
    EqualAmong(&'static str, fn(&Body) -> bool),
    /// By an attribute that is equal; the first counts.
    First(&'static str),
    /// By an attribute that is a list and holds the argument's value.
    Holds(&'static str, &'static str),
    /// Where no argument names one: at this path.
    Else(&'static str),
}

impl Way {
    fn argument(&self) -> Option<&'static str> {
        match self {
            Self::Own(name) | Self::Equal(name) | Self::EqualAmong(name, _) | Self::First(name) | Self::Holds(name, _) => Some(name),
            Self::Else(_) => None,
        }
    }
}

enum Look {
    One(&'static Family, &'static [Way]),
    Many(&'static Family, &'static str, Ty),
    /// An object of a resource type, with all that it reads of one, by this argument.
    Kind(&'static str, &'static str, &'static str),
    /// The same, by one of several arguments, found in the list of all.
    Listed(&'static Listed),
    /// What asks no API.
    Local(&'static Local),
    /// What is asked for by code of its own.
    Asked(&'static Asked),
}

/// A data source that is asked for by code of its own.
pub(super) struct Asked {
    /// The attribute table.
    pub rows: &'static [Attr],
    /// What its list can be filtered and sorted by.
    pub records: &'static [Attr],
    /// What is not there where the answer is 404, in words, and the argument that names it; nothing if that says nothing.
    pub lacks: Option<(&'static str, &'static str)>,
    /// The scopes of a read.
    pub scopes: &'static [&'static str],
    /// What it gives.
    pub read: for<'a> fn(&'a Client, &'a Body) -> Fut<'a, Body>,
}

/// What a data source gives that asks no API.
pub(super) struct Local {
    /// The attribute table.
    pub rows: &'static [Attr],
    /// Checks the arguments beyond their rows.
    pub check: fn(&Term, &mut Complaints),
    /// What it gives.
    pub read: Read,
}

/// How it is found out.
pub(super) enum Read {
    /// On this machine.
    Now(fn(&Machine, &Body) -> Result<Body, String>),
    /// By asking a server of the configuration's choice.
    Fetch(for<'a> fn(&'a Client, &'a Body) -> Answer<'a>),
    /// By a program of the configuration.
    Run(for<'a> fn(&'a Client, &'a Body) -> Answer<'a>),
}

/// What a server will have answered, or a program given.
pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Body, String>> + Send + 'a>>;

/// A data source.
pub struct Source {
    /// The official provider's name.
    pub name: &'static str,
    look: Look,
    more: &'static [Attr],
    rows: OnceLock<Vec<Attr>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// An argument of a data source beside what its records hold.
pub(super) const fn argument(name: &'static str, ty: Ty, doc: &'static str) -> Attr {
    Attr::optional(name, ty, Change::Local, doc)
}

impl Source {
    /// One object of a family.
    pub(super) const fn one(name: &'static str, of: &'static Family, ways: &'static [Way]) -> Self {
        Self { name, look: Look::One(of, ways), more: &[], rows: OnceLock::new() }
    }

    /// All objects of a family in a list of that name; `ty` is `list` of the family's records.
    pub(super) const fn many(name: &'static str, of: &'static Family, into: &'static str, ty: Ty) -> Self {
        Self { name, look: Look::Many(of, into, ty), more: &[], rows: OnceLock::new() }
    }

    /// An object of a resource type, in words, by this argument.
    pub(super) const fn of_kind(kind: &'static str, noun: &'static str, by: &'static str) -> Self {
        Self { name: kind, look: Look::Kind(kind, noun, by), more: &[], rows: OnceLock::new() }
    }

    /// An object of a resource type that is found among all of them.
    pub(super) const fn listed(name: &'static str, how: &'static Listed) -> Self {
        Self { name, look: Look::Listed(how), more: &[], rows: OnceLock::new() }
    }

    /// What is asked for by code of its own.
    pub(super) const fn asked(name: &'static str, how: &'static Asked) -> Self {
        Self { name, look: Look::Asked(how), more: &[], rows: OnceLock::new() }
    }

    /// What asks no API.
    pub(super) const fn local(name: &'static str, local: &'static Local) -> Self {
        Self { name, look: Look::Local(local), more: &[], rows: OnceLock::new() }
    }

    /// Whether it asks no API.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.look, Look::Local(_))
    }

    /// Whether it asks a server other than the API.
    #[must_use]
    pub fn asks_a_server(&self) -> bool {
        matches!(self.look, Look::Local(Local { read: Read::Fetch(_), .. }))
    }

    /// Whether it runs a program of the configuration.
    #[must_use]
    pub fn runs_a_program(&self) -> bool {
        matches!(self.look, Look::Local(Local { read: Read::Run(_), .. }))
    }

    /// The file that it reads and that is not there, where something is taken for it.
    #[must_use]
    pub fn stood_in(&self, machine: &Machine, terms: &Terms) -> Option<PathBuf> {
        let path = terms.get("filename").filter(|_| self.is_local())?.value()?;
        let path = path.as_str()?;
        machine.stood_in(path).map(|_| machine.place(path))
    }

    /// The same with further arguments.
    pub(super) const fn with(mut self, more: &'static [Attr]) -> Self {
        self.more = more;
        self
    }

    /// The attribute table.
    #[must_use]
    pub fn rows(&'static self) -> &'static [Attr] {
        self.rows.get_or_init(|| {
            let mut rows: Vec<Attr> = self.more.to_vec();
            let put = |rows: &mut Vec<Attr>, row: Attr| {
                if !rows.iter().any(|known| known.name == row.name) {
                    rows.push(row);
                }
            };
            match &self.look {
                Look::One(family, ways) => {
                    let sole = ways.len() == 1;
                    for row in family.rows {
                        let named = ways.iter().any(|way| way.argument() == Some(row.name));
                        put(&mut rows, if named { asked(row, sole) } else { *row });
                    }
                }
                Look::Many(_, into, ty) => {
                    rows.extend(filter::BLOCKS);
                    put(&mut rows, Attr::computed(into, *ty, "Those that were found."));
                }
                Look::Local(local) => rows.extend(local.rows),
                Look::Asked(how) => rows.extend(how.rows),
                Look::Kind(name, _, by) => {
                    let read = kind(name).map_or(&[][..], |kind| kind.attrs()).iter().filter(|row| row.reads != Reads::WriteOnly);
                    for row in read {
                        put(&mut rows, if row.name == *by { asked(row, true) } else { given(row) });
                    }
                    put(&mut rows, Attr::required(by, Ty::String, Change::Local, "Its id."));
                }
                Look::Listed(how) => {
                    let read = kind(how.kind).map_or(&[][..], |kind| kind.attrs()).iter().filter(|row| row.reads != Reads::WriteOnly);
                    for row in read {
                        let named = how.by.contains(&row.name);
                        let is_asked = named || how.within.contains(&row.name);
                        put(&mut rows, if is_asked { asked(row, named && how.by.len() == 1) } else { given(row) });
                    }
                }
            }
            put(&mut rows, Attr::computed("id", Ty::String, "What it is known by."));
            rows
        })
    }

    /// The scopes that a read needs.
    #[must_use]
    pub fn scopes(&self) -> Vec<&'static str> {
        match &self.look {
            Look::One(family, _) | Look::Many(family, ..) => family.scopes.to_vec(),
            Look::Listed(how) if !how.scopes.is_empty() => how.scopes.to_vec(),
            Look::Kind(name, ..) | Look::Listed(Listed { kind: name, .. }) => {
                let needed = kind(name).map(|kind| crate::scopes::needed(kind, crate::scopes::Operation::Read, &Term::null()));
                needed.into_iter().flatten().collect()
            }
            Look::Local(_) => Vec::new(),
            Look::Asked(how) => how.scopes.to_vec(),
        }
    }

    /// Checks the arguments without any request, as far as they are known.
    #[must_use]
    pub fn check(&self, body: &Term) -> Vec<Complaint> {
        match &self.look {
            Look::One(_, ways) => self.check_ways(ways, body),
            Look::Many(family, ..) => filter::check(family.rows, body),
            Look::Asked(how) => filter::check(how.records, body),
            Look::Kind(..) => Vec::new(),
            Look::Local(local) => {
                let mut complaints = Complaints::default();
                crate::complaints::rows(local.rows, body, &[], &mut complaints);
                (local.check)(body, &mut complaints);
                complaints.into_vec()
            }
            Look::Listed(how) => self.check_names(how.by.to_vec(), how.by.len() < 2, body),
        }
    }

    fn check_ways(&self, ways: &[Way], body: &Term) -> Vec<Complaint> {
        let names: Vec<&str> = ways.iter().filter_map(Way::argument).collect();
        let may_be_none = names.len() < 2 || ways.iter().any(|way| way.argument().is_none());
        self.check_names(names, may_be_none, body)
    }

    fn check_names(&self, mut names: Vec<&str>, may_be_none: bool, body: &Term) -> Vec<Complaint> {
        names.sort_unstable();
        let given: Vec<&str> = names.iter().copied().filter(|name| complaints::is_given(body, name)).collect();
        let may_be_none = may_be_none || names.iter().any(|name| !body.get(name).is_null());
        let list = || match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => {
                format!("{} or `{last}`", rest.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
            }
            _ => names.iter().map(|name| format!("`{name}`")).collect(),
        };
        let wrong = |path: &[&str], message: String| vec![complaint(path, message, String::new())];
        match given.as_slice() {
            [] if !may_be_none => wrong(&[], format!("One of {} must be given.", list())),
            [_, second, ..] => wrong(&[second], format!("Only one of {} can be given.", list())),
            // What only says among which images a name is looked for.
            [one] if *one != "name" && !body.get("source").is_null() && body.get("source") != Term::from("user") => {
                wrong(&["source"], "`source` has a meaning with `name` only.".to_owned())
            }
            _ => Vec::new(),
        }
    }

    /// Looks it up. The arguments are wholly known.
    ///
    /// # Errors
    /// If the account has no such object, or several; a read that fails.
    pub async fn read(&'static self, api: &Client, terms: &Terms) -> Result<Body, Miss> {
        let given = opened(self.name, &Term::map(terms.clone()))?;
        let mut found = match &self.look {
            Look::One(family, ways) => one(api, family, ways, &given).await?,
            Look::Many(family, into, _) => {
                let records = filter::chosen(family.rows, all(api, family, &given).await?, &given);
                let list = Value::List(records.into_iter().map(Value::Map).collect());
                let id = format!("{into}/{}", &sha256_hex(list.to_json().to_string().as_bytes())[..16]);
                Body::from([((*into).to_owned(), list), ("id".to_owned(), id.into())])
            }
            Look::Kind(name, noun, by) => of_kind(api, (name, noun, by), &given).await?,
            Look::Local(local) => match local.read {
                Read::Now(read) => read(api.machine(), &given),
                Read::Fetch(read) | Read::Run(read) => read(api, &given).await,
            }
            .map_err(|what| ApiError::Local { what })?,
            Look::Listed(how) => listed::find(api, how, &given).await?,
            Look::Asked(how) => (how.read)(api, &given).await.map_err(|error| missed(how, error, &given))?,
        };
        for row in self.rows().iter().filter(|row| row.presence == Presence::Computed && row.name != "id") {
            found.entry(row.name.to_owned()).or_insert_with(|| Value::from_json(&fitted(row.ty, None)));
        }
        if !found.contains_key("id") {
            let named = ["uuid", "slug", "name"].iter().find_map(|name| found.get(*name)).cloned();
            found.insert("id".to_owned(), named.unwrap_or(Value::Null));
        }
        Ok(found)
    }
}

/// Why nothing is given: what is asked for may not be there.
fn missed(how: &Asked, error: ApiError, given: &Body) -> Miss {
    match how.lacks.filter(|_| error.is_not_found()) {
        Some((noun, by)) => wrong(by, format!("There is no {noun} `{}`.", given.get(by).map(shown).unwrap_or_default()), String::new()),
        None => error.into(),
    }
}

/// An attribute by which an object may be named.
fn asked(row: &Attr, sole: bool) -> Attr {
    let presence = if sole { Presence::Required } else { Presence::OptionalComputed };
    Attr { presence, change: Change::Local, default: None, ..*row }
}

/// An attribute of a resource type, only read.
fn given(row: &Attr) -> Attr {
    Attr { presence: Presence::Computed, change: Change::Never, default: None, block: false, points: None, ..*row }
}

/// A path with the arguments' values in it.
fn filled(path: &str, given: &Body) -> String {
    let mut path = path.to_owned();
    for (name, value) in given {
        path = path.replace(&format!("{{{name}}}"), &segment(&shown(value)));
    }
    path
}

async fn of_kind(api: &Client, (name, noun, by): (&str, &str, &str), given: &Body) -> Result<Body, Miss> {
    let id = given.get(by).map(shown).unwrap_or_default();
    let found = match kind(name) {
        Some(kind) => kind.read(api, &Id(id.clone())).await?,
        None => None,
    };
    let Some(found) = found else {
        return Err(wrong(by, format!("There is no {noun} `{id}` in this account."), String::new()));
    };
    let mut body = found.body;
    body.insert(by.to_owned(), id.clone().into());
    body.insert("id".to_owned(), id.into());
    Ok(body)
}

async fn one(api: &Client, family: &Family, ways: &[Way], given: &Body) -> Result<Body, Miss> {
    let way = ways.iter().find(|way| way.argument().is_none_or(|name| given.get(name).is_some_and(|value| *value != Value::Null)));
    let (argument, value) = match way.and_then(Way::argument) {
        Some(name) => (name, given.get(name).cloned().unwrap_or(Value::Null)),
        None => ("", Value::Null),
    };
    let fits = |record: &Body, name: &str| record.get(name).is_some_and(|found| shown(found) == shown(&value));
    match way {
        None => Err(wrong("", format!("Nothing says which {} is meant.", family.noun), String::new())),
        Some(Way::Else(path)) => at(api, family, path, given).await,
        Some(Way::Own(_)) => match at(api, family, &format!("{}/{}", family.path, segment(&shown(&value))), given).await {
            Err(Miss::Api(error)) if error.is_not_found() => Err(missing(family, argument, &value, &[])),
            other => other,
        },
        Some(way) => {
            let records = match all(api, family, given).await {
                Err(Miss::Api(error)) if error.is_not_found() && family.path.contains('{') => {
                    return Err(wrong("domain", format!("There is no domain `{}` in this account.", domain(given)), family.see.to_owned()));
                }
                other => other?,
            };
            let mut found: Vec<&Body> = records
                .iter()
                .filter(|record| match way {
                    Way::EqualAmong(name, holds) => fits(record, name) && holds(record),
                    Way::Holds(_, list) => record.get(*list).and_then(Value::as_list).is_some_and(|items| items.contains(&value)),
                    _ => fits(record, argument),
                })
                .collect();
            if matches!(way, Way::First(_)) {
                found.truncate(1);
            }
            match found.as_slice() {
                [] => Err(missing(family, argument, &value, &records)),
                [one] => Ok((*one).clone()),
                several => Err(wrong(
                    argument,
                    format!("There are {} {}s whose {argument} is `{}`.", several.len(), family.noun, shown(&value)),
                    format!("One must be told from the others: name it in another way, or rename it. {}", family.see),
                )),
            }
        }
    }
}

fn domain(given: &Body) -> String {
    given.get("domain").map(shown).unwrap_or_default()
}

/// What is said of an object that the account does not have.
fn missing(family: &Family, argument: &str, value: &Value, records: &[Body]) -> Miss {
    let (noun, value) = (family.noun, shown(value));
    let names: Vec<String> = records.iter().filter_map(|record| record.get(argument)).map(shown).collect();
    let meant = did_you_mean(&value, names.iter().map(String::as_str)).map(|meant| format!("Did you mean `{meant}`? "));
    let message = format!("There is no {noun} whose {argument} is `{value}` in this account.");
    wrong(argument, message, format!("{}{}", meant.unwrap_or_default(), family.see))
}

async fn at(api: &Client, family: &Family, path: &str, given: &Body) -> Result<Body, Miss> {
    let answer: Json = api.get(&filled(path, given), &[]).await?;
    let object = answer.get(family.one).cloned().unwrap_or_default();
    whole(api, family, &object, given).await
}

/// All objects of a family.
async fn all(api: &Client, family: &Family, given: &Body) -> Result<Vec<Body>, Miss> {
    let objects: Vec<Json> = api.list(&filled(family.path, given), &(family.query)(given), family.many).await?;
    let mut records = Vec::new();
    for object in objects {
        // What only marks a stack's own is not the user's.
        if object.get("name").and_then(Json::as_str).is_some_and(is_mark) {
            continue;
        }
        records.push(whole(api, family, &object, given).await?);
    }
    Ok(records)
}

/// The record of an object, with what has to be asked of it apart.
async fn whole(api: &Client, family: &Family, object: &Json, given: &Body) -> Result<Body, Miss> {
    let mut body = record(family.rows, family.from, object)?;
    if let Some(domain) = given.get("domain").filter(|_| family.rows.iter().any(|row| row.name == "domain")) {
        body.insert("domain".to_owned(), domain.clone());
    }
    if let Some(also) = family.also {
        let id = body.get("id").map(shown).unwrap_or_default();
        let path = format!("{}/{}/{}", family.path, segment(&id), also.part);
        let items: Vec<Json> = api.list(&path, &[], also.many).await?;
        let texts = items.iter().filter_map(|item| item.get(also.text)?.as_str()).map(Value::from);
        body.insert(also.name.to_owned(), Value::List(texts.collect()));
    }
    Ok(body)
}
