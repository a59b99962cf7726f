//! What no two objects of an account share, held against the plan and the account; and which object a create may have made.
//!
//! Invariant: two spellings of one thing are the same here, as the rows compare them. Nothing here asks the API.

use super::table::{Plain, Taken, Unique};
use crate::attr::Reads;
use crate::complaints::{self, Complaints};
use crate::job::{Complaint, Job};
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// Complaints of jobs that want what another one wants, or what the account has.
pub(super) fn taken(kind: &Plain, jobs: &[Job], existing: &[(Id, Body)]) -> Vec<Complaint> {
    let mut complaints = Complaints::default();
    for unique in kind.unique {
        let Some(first) = unique.attrs.first() else { continue };
        complaints::no_two(jobs, first, unique.noun, |body| key(kind, unique, &known(unique, body)?), &mut complaints);
        for job in jobs {
            let Some(wanted) = known(unique, &job.body).and_then(|body| key(kind, unique, &body)) else { continue };
            let others = existing.iter().filter(|(id, _)| job.id.as_ref() != Some(id));
            let Some((id, _)) = others.into_iter().find(|(_, there)| key(kind, unique, there).as_ref() == Some(&wanted)) else { continue };
            complaints.about(job);
            let Taken::Refuse = unique.taken;
            complaints.error(
                &[first],
                format!("The account has {} of the {} `{wanted}` already, {id}.", article(kind.noun), unique.noun),
                format!("Take another, or adopt it: dofloat import '{}' {id}", job.address),
            );
        }
    }
    complaints.into_vec()
}

/// Whether an object may be the one that a create of this body has made: by what is unique, else by all that was written.
pub(super) fn may_be(kind: &Plain, wanted: &Body, there: &Body) -> bool {
    match kind.unique.first() {
        Some(unique) => key(kind, unique, wanted).is_some_and(|wanted| key(kind, unique, there) == Some(wanted)),
        None => kind.attrs.iter().filter(|row| row.settable() && row.reads != Reads::WriteOnly).all(|row| {
            let nothing = Value::Null;
            let value = wanted.get(row.name).filter(|value| **value != Value::Null);
            value.is_none_or(|value| row.normal(value, wanted) == row.normal(there.get(row.name).unwrap_or(&nothing), there))
        }),
    }
}

/// The unique attributes of a body, where all are known and open.
fn known(unique: &Unique, body: &Term) -> Option<Body> {
    unique.attrs.iter().map(|name| Some(((*name).to_owned(), complaints::text(body, name)?.into()))).collect()
}

fn key(kind: &Plain, unique: &Unique, body: &Body) -> Option<String> {
    let part = |name: &&str| {
        let value = body.get(*name)?;
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
