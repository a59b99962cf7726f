//! Unique attributes, held against the plan and the account; and which object a create may have made.
//!
//! Invariant: two spellings of one thing are the same here, as the rows compare them. Nothing here asks the API.

use super::table::{Plain, Taken, Unique};
use crate::attr::{Change, Reads};
use crate::complaints::{self, Complaints};
use crate::job::Job;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// Complains of jobs that want what another one wants, or what the account has.
pub(super) fn taken(kind: &Plain, jobs: &[Job], existing: &[(Id, Body)], complaints: &mut Complaints) {
    for unique in kind.unique.iter().filter(|unique| unique.taken == Taken::Refuse) {
        let Some(first) = unique.attrs.first() else { continue };
        complaints::no_two(jobs, first, unique.noun, |body| key(kind, unique, &known(unique, body)?), complaints);
        for job in jobs {
            let Some(wanted) = known(unique, &job.body).and_then(|body| key(kind, unique, &body)) else { continue };
            let others = existing.iter().filter(|(id, _)| job.id.as_ref() != Some(id));
            let Some((id, _)) = others.into_iter().find(|(_, there)| key(kind, unique, there).as_ref() == Some(&wanted)) else { continue };
            complaints.about(job);
            let at: Vec<&str> = first.split_once('.').map_or_else(|| vec![*first], |(block, name)| vec![block, "0", name]);
            complaints.error(
                &at,
                format!("The account has {} of the {} `{wanted}` already, {id}.", article(kind.noun), unique.noun),
                format!("Take another, or adopt it: dofloat import '{}' {id}", job.address),
            );
        }
    }
}

/// Whether an object may be the one that a create of this body has made: by what is unique, else by all that was written.
pub(super) fn may_be(kind: &Plain, wanted: &Body, there: &Body) -> bool {
    match kind.unique.first() {
        Some(unique) => key(kind, unique, wanted).is_some_and(|wanted| key(kind, unique, there) == Some(wanted)),
        None => kind.attrs.iter().filter(|row| row.settable() && row.reads != Reads::WriteOnly).all(|row| {
            let nothing = Value::Null;
            let value = wanted.get(row.name).filter(|value| **value != Value::Null);
            let found = there.get(row.name).unwrap_or(&nothing);
            // What grows may not be all there yet.
            let grows = |value: &Value| matches!(row.change, Change::Grow(_)) && row.change_to(value, found) != Change::Replace;
            value.is_none_or(|value| row.normal(&row.filled(value, found), wanted) == row.normal(found, there) || grows(value))
        }),
    }
}

/// The unique attributes of a body, where all are known and open.
fn known(unique: &Unique, body: &Term) -> Option<Body> {
    let text = |name: &str| match name.split_once('.') {
        Some((block, name)) => complaints::text(complaints::items(body, block).first()?, name),
        None => complaints::text(body, name),
    };
    unique.attrs.iter().map(|name| Some(((*name).to_owned(), text(name)?.into()))).collect()
}

fn key(kind: &Plain, unique: &Unique, body: &Body) -> Option<String> {
    let part = |name: &&str| {
        let in_block = |block: &str, name: &str| body.get(block)?.as_list()?.first()?.as_map()?.get(name);
        let value = body.get(*name).or_else(|| name.split_once('.').and_then(|(block, name)| in_block(block, name)))?;
        let normal = kind.row(name).map_or_else(|| value.clone(), |row| row.normal(value, body));
        normal.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Some(unique.attrs.iter().map(part).collect::<Option<Vec<String>>>()?.join(" "))
}

/// "a volume", "an uptime check".
fn article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
