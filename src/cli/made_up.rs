//! Under `--sim`: what the configuration looks for and the simulated account lacks is made up before the plan, so that a file can
//! be tried without preparing an account for it. What the catalogue knows (images, sizes, regions) is not: a wrong slug is wrong.
//!
//! Invariant: only names that are written, known from data sources, or given by variables, and none of what the stack makes itself;
//! one note for each thing that is made. The engine knows nothing of it, and no saved plan holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;

use super::exit::Failure;
use crate::api::client::{Client, segment};
use crate::api::error::ApiError;
use crate::base::address::Address;
use crate::base::desired::{Reading, Resolve};
use crate::base::diag::Diagnostic;
use crate::base::value::{Body, Origin, Term, Value};
use crate::engine::data::Query;
use crate::engine::placeholder::Placeholders;
use crate::kinds::attr::Attr;
use crate::kinds::data::{Least, Miss, image, is_name, named, public_key};
use crate::kinds::kind;
use crate::lang::inputs::Inputs;
use crate::lang::module::Variable;
use crate::lang::stand_in::{Absent, StandIn, is_personal};

/// What is said of a file that is not there.
pub const KEY_OF_NOBODY: &str = "a key of nobody is taken for it (simulated)";

/// Where something is made up that belongs nowhere.
const REGION: &str = "nyc3";

/// Makes up what is looked for and is not there, or is named by a resource; gives what is to be told.
///
/// # Errors
/// If the simulator refuses to make one.
pub async fn supply(
    resolve: &dyn Resolve,
    inputs: &Inputs,
    given: &BTreeMap<String, Variable>,
    api: &Client,
) -> Result<Vec<Diagnostic>, Failure> {
    let (mut known, mut notes) = (inputs.answers.known.clone(), Vec::new());
    let mut done: BTreeSet<Address> = known.keys().cloned().collect();
    loop {
        let open = |(address, _): &(&Address, _)| !done.contains(*address);
        let ready = known_queries(resolve, resolve.desired().data.iter().filter(open), &known);
        if ready.is_empty() {
            notes.extend(supply_named(resolve, &texts(given), api, &known).await);
            notes.extend(files(resolve, api));
            return Ok(notes);
        }
        for query in ready {
            done.insert(query.address.clone());
            if let Ok(body) = look_up(&query, resolve, api, &mut notes).await {
                known.insert(query.address.clone(), query.known(Some(&body)));
            }
        }
    }
}

/// Which data sources can be read now: nothing but data sources that were read comes before them, and their arguments are known.
pub fn known_queries<'a>(
    resolve: &dyn Resolve,
    among: impl Iterator<Item = (&'a Address, &'a Reading)>,
    known: &BTreeMap<Address, Term>,
) -> Vec<Query> {
    let of = |other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()));
    let ready = among.filter(|(_, reading)| reading.after.iter().all(|before| known.contains_key(before)));
    let queries = ready.filter_map(|(address, _)| Query::new(resolve, address, &of).ok());
    queries.filter(|query| query.waits_for().is_none()).collect()
}

/// Looks up one data source; what it looks for is made up where the account lacks it.
///
/// # Errors
/// If there is no such object all the same; a read that fails.
pub async fn look_up(query: &Query, resolve: &dyn Resolve, api: &Client, notes: &mut Vec<Diagnostic>) -> Result<Body, Miss> {
    let mut found = query.read(api).await;
    if let Err(Miss::Wrong(_)) = found
        && let Some(least) = least(query, api).await
        && least.make(api).await
    {
        let what = &least.what;
        let span = resolve.span(&query.address, &[]);
        let note = Diagnostic::warning(format!("The simulated account had no {what}: {} is made up (simulated).", query.address));
        notes.push(note.at(span).about(&query.address).hint("In a real account it must exist."));
        found = query.read(api).await;
    }
    let mut told = |words: String| notes.push(Diagnostic::warning(words).at(resolve.span(&query.address, &[])).about(&query.address));
    if query.source.asks_a_server() && found.is_ok() {
        told(format!("No server is asked with --sim: the answer of {} is made up (simulated).", query.address));
    }
    if query.source.runs_a_program() && !api.machine().runs_programs {
        told(format!(
            "The program of {} is not run: what it gives is not known (simulated). `-allow-provisioners` runs it.",
            query.address
        ));
    }
    if let Some(path) = query.source.stood_in(api.machine(), &query.terms) {
        told(format!("There is no file {} on this machine: {KEY_OF_NOBODY}.", path.display()));
    }
    found
}

/// The least that makes what a data source looks for, by its name or, where it is an image, as a droplet names it.
async fn least(query: &Query, api: &Client) -> Option<Least> {
    let by_name = query.source.least(&query.terms);
    if by_name.is_some() {
        return by_name;
    }
    let named = BTreeMap::from([(query.source.image(&query.terms)?, query.address.clone())]);
    images(&named, api).await.pop().map(|(least, _)| least)
}

/// What is taken for a key or a token that is not on this machine: the public key of nobody, another one for each path. What would be
/// read as a structure or run has to be there.
#[must_use]
pub fn text_of(absent: &Absent<'_>) -> Option<StandIn> {
    content(absent.path).map(StandIn::Text)
}

/// The same for a file that a data source reads: it has to be where a person keeps what is theirs.
#[must_use]
pub fn personal(path: &Path) -> Option<String> {
    is_personal(path).then(|| content(path)).flatten()
}

fn content(path: &Path) -> Option<String> {
    const READ: [&str; 9] = ["crt", "json", "sh", "tftpl", "tmpl", "toml", "tpl", "yaml", "yml"];
    let read = path.extension().and_then(|end| end.to_str()).is_some_and(|end| READ.contains(&end));
    (!read).then(|| format!("{}\n", public_key(&path.to_string_lossy())))
}

/// Where the files go that the configuration writes.
fn files(resolve: &dyn Resolve, api: &Client) -> Option<Diagnostic> {
    let below = api.machine().written_below.as_ref()?;
    let first =
        resolve.desired().resources.keys().find(|address| matches!(address.kind.as_str(), "local_file" | "local_sensitive_file"))?;
    let note = Diagnostic::warning(format!("Files are written below {} with --sim.", below.display()));
    Some(
        note.at(resolve.span(first, &[]))
            .about(first)
            .hint("Their content belongs to the simulated account. Files that exist already stay as they are."),
    )
}

/// What somebody gave for variables without a default and that names nothing.
#[must_use]
pub fn placeholders(variables: BTreeMap<String, Variable>) -> Placeholders {
    Placeholders::among(texts(&variables.into_iter().filter(|(_, variable)| !variable.has_default).collect()))
}

/// Every text that a variable has, or that is in what it has.
fn texts(given: &BTreeMap<String, Variable>) -> BTreeSet<String> {
    let mut open: Vec<Term> = given.values().map(|variable| variable.value.clone()).collect();
    let mut found = BTreeSet::new();
    while let Some(value) = open.pop() {
        found.extend(text(&value));
        open.extend(value.items().into_iter().flatten());
        open.extend(value.entries().into_iter().flatten().map(|(_, entry)| entry));
    }
    found
}

/// What resources name that no other one of the stack makes.
#[derive(Default)]
struct Named {
    /// Kinds and names, with who names them, and the region of that.
    objects: BTreeMap<(&'static str, String), (Address, String)>,
    /// Images, likewise.
    images: BTreeMap<String, Address>,
    /// Kinds and names of what the stack makes itself.
    own: BTreeSet<(&'static str, String)>,
}

impl Named {
    fn gather(&mut self, row: &Attr, term: &Term, by: (&Address, &str)) {
        let items = term.items().unwrap_or_else(|| vec![term.clone()]);
        if let Some(of) = row.points.and_then(|points| points.kinds.first().copied()) {
            for name in items.iter().filter_map(text) {
                self.objects.entry((of, name)).or_insert_with(|| (by.0.clone(), by.1.to_owned()));
            }
        }
        for inner in row.inner().into_iter().flatten() {
            items.iter().for_each(|item| self.gather(inner, &item.get(inner.name), by));
        }
    }
}

/// Makes up what resources name by a number, a fingerprint, a uuid or a name, and the account lacks: a word that stands in a file
/// and cannot be a name of such a thing stays an error.
async fn supply_named(resolve: &dyn Resolve, given: &BTreeSet<String>, api: &Client, known: &BTreeMap<Address, Term>) -> Vec<Diagnostic> {
    let of = |other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()));
    let mut found = Named::default();
    for address in resolve.desired().resources.keys() {
        let (Some(kind), Ok(body)) = (kind(&address.kind), resolve.body(address, &of)) else { continue };
        let region = text(&body.get("region")).filter(|slug| slug.contains(|letter: char| letter.is_ascii_digit()));
        let region = region.unwrap_or_else(|| REGION.to_owned()).to_lowercase();
        found.own.extend(text(&body.get("name")).map(|name| (kind.name(), name)));
        kind.attrs().iter().for_each(|row| found.gather(row, &body.get(row.name), (address, &region)));
        if let Some(image) = text(&body.get("image")).filter(|_| kind.attrs().iter().any(|row| row.name == "image")) {
            found.images.entry(image).or_insert_with(|| address.clone());
        }
    }
    let mut notes = Vec::new();
    let mut told = |what: &str, address: &Address| {
        let note = Diagnostic::warning(format!("The simulated account had no {what}, which {address} names: it is made up (simulated)."));
        notes.push(note.at(resolve.span(address, &[])).about(address).hint("In a real account it must exist."));
    };
    for ((of, name), (address, region)) in &found.objects {
        let gives = given.contains(name);
        if found.own.contains(&(*of, name.clone())) || !gives && !is_name(of, name) {
            continue;
        }
        let (Some(kind), Some(least)) = (kind(of), named(of, name, region, gives)) else { continue };
        let there = kind.lookup(api, std::slice::from_ref(name)).await;
        let lacks = matches!(there, Ok(Some(places)) if !places.contains_key(name));
        if lacks && least.make(api).await {
            told(&least.what, address);
        }
    }
    for (least, address) in images(&found.images, api).await {
        if least.make(api).await {
            told(&least.what, address);
        }
    }
    notes
}

/// The images that the account lacks and that can be made up.
async fn images<'a>(named: &'a BTreeMap<String, Address>, api: &Client) -> Vec<(Least, &'a Address)> {
    if named.is_empty() {
        return Vec::new();
    }
    let all: Vec<Json> = api.list("/images", &[("type", "distribution")], "images").await.unwrap_or_default();
    let known: Vec<String> = all.iter().filter_map(|image| Some(image["slug"].as_str()?.to_owned())).collect();
    let mut lacking = Vec::new();
    for (name, address) in named.iter().filter(|(name, _)| !known.contains(name)) {
        let Some(least) = image(name, &known) else { continue };
        if let Err(ApiError::NotFound { .. }) = api.get::<Json>(&format!("/images/{}", segment(name)), &[]).await {
            lacking.push((least, address));
        }
    }
    lacking
}

/// The text of what is known and open.
fn text(term: &Term) -> Option<String> {
    match term {
        Term::Value(Value::Str(text)) if !text.is_empty() => Some(text.clone()),
        Term::Value(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}
