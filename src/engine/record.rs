//! From what was wanted and what the API says to a record, and to the intent that stands in the journal before a call.
//!
//! Invariant: nothing secret gets into either: what is hidden or came from a sensitive source becomes a digest. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{normal, open};
use super::known::is_secret;
use super::parts;
use dofloat_base::address::Address;
use dofloat_base::desired::Wanted;
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::identity::{Id, Mark};
use dofloat_base::planted::{Bug, planted};
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Term, Terms};
use dofloat_kinds::attr::{Attr, Reads, Secrecy};
use dofloat_state::{Health, Record};

/// The parts of a record besides its attributes.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The object.
    pub id: Id,
    /// The mark that it carries.
    pub mark: Option<Mark>,
    /// The arguments that its hidden attributes are made from.
    pub arguments: Body,
    /// Its dependencies.
    pub after: BTreeSet<Address>,
    /// `create_before_destroy`.
    pub create_before_destroy: bool,
}

/// What a record says that an object is built upon: data sources have no records.
#[must_use]
pub fn recorded(wanted: &Wanted) -> BTreeSet<Address> {
    wanted.after.iter().filter(|before| !before.is_data()).cloned().collect()
}

/// The record of an object that is as wanted, from what was sent and what was read.
#[must_use]
pub fn ready(rows: &[Attr], terms: &Terms, live: &Body, frame: Frame, salt: &Salt) -> Record {
    let (mut body, mut digests) = (Body::new(), BTreeMap::new());
    for row in rows {
        let sent = terms.get(row.name);
        let read = match row.reads {
            Reads::Readable | Reads::Once => live.get(row.name),
            Reads::WhenSet if sent.is_some() => live.get(row.name),
            Reads::WhenSet | Reads::WriteOnly => None,
            Reads::Volatile => continue,
        };
        if let Some((name, digest)) = sent.and_then(|term| parts::digest(row, term, salt)) {
            digests.insert(name, digest);
        }
        let is_hidden = |term: &&Term| row.secrecy == Secrecy::Hidden || parts::without(row, term).has_secret();
        let is_hidden = |term: &&Term| is_hidden(term) && !planted(Bug::RemembersSecrets);
        if let Some(sealed) = sent.filter(is_hidden).and_then(|term| term.sealed()) {
            let value = read.map_or(sealed, |value| Secret::new(value.clone()));
            digests.insert(row.name.to_owned(), Digest::of(&value.map(|value| normal(row, value, live)), salt));
        } else if let Some(value) = read.filter(|_| row.holds_secret() || sent.is_none() && row.repeats_secret(|of| is_secret(terms, of))) {
            digests.insert(row.name.to_owned(), Digest::of(&Secret::new(normal(row, value, live)), salt));
        } else if let Some(value) = read.or_else(|| sent.and_then(Term::value).filter(|_| row.reads == Reads::WriteOnly)) {
            body.insert(row.name.to_owned(), value.clone());
        }
    }
    Record {
        id: frame.id,
        mark: frame.mark,
        body,
        digests,
        arguments: frame.arguments,
        after: frame.after,
        health: Health::Ready,
        create_before_destroy: frame.create_before_destroy,
    }
}

/// The open attributes of what is wanted, and digests of the others: what a journal may hold.
#[must_use]
pub fn intent(rows: &[Attr], terms: &Terms, salt: &Salt) -> (Body, BTreeMap<String, Digest>) {
    let (mut body, mut digests) = (Body::new(), BTreeMap::new());
    let open = open(terms);
    for row in rows {
        let Some(term) = terms.get(row.name) else { continue };
        digests.extend(parts::digest(row, term, salt));
        match parts::without(row, term).value() {
            Some(value) if row.secrecy == Secrecy::Open => {
                body.insert(row.name.to_owned(), value.clone());
            }
            _ => {
                if let Some(sealed) = term.sealed() {
                    digests.insert(row.name.to_owned(), Digest::of(&sealed.map(|value| normal(row, value, &open)), salt));
                }
            }
        }
    }
    (body, digests)
}

/// A record brought up to date with what was seen: attributes that the record knows by digest keep it. What was somebody's to
/// set and is otherwise now, somebody else has set: it is remembered no longer.
#[must_use]
pub fn refreshed(rows: &[Attr], record: &Record, body: &Body, digests: &BTreeMap<String, Digest>) -> Record {
    let keeps = |name: &str| {
        rows.iter().any(|row| {
            row.name == name && row.reads != Reads::Volatile && (row.reads != Reads::WhenSet || record.body.get(name) == body.get(name))
        })
    };
    Record {
        body: body.iter().filter(|(name, _)| keeps(name)).map(|(name, value)| (name.clone(), value.clone())).collect(),
        digests: digests.clone(),
        ..record.clone()
    }
}
