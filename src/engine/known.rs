//! What expressions see of an object, from the first plan on to when it is there; and what stands in for what the user does not
//! want compared.
//!
//! Invariant: an attribute that is as it is wanted has one value: the spelling that its row foresees of what is written. What is
//! planned from that value still holds when the object is there, whatever the API makes of it. A secret stays one, whoever
//! gives it back; what is hidden shows as its digest. Pure.

use std::collections::BTreeMap;

use super::diff::{self, There};
use dofloat_base::address::Address;
use dofloat_base::desired::Wanted;
use dofloat_base::diag::Diagnostic;
use dofloat_base::digest::{Digest, Salt, sha1_hex};
use dofloat_base::value::{Body, Origin, Term, Terms, Value};
use dofloat_kinds::attr::{Attr, Compare, Echo, Presence, Reads, Secrecy};

/// Replaces what is to be ignored by what is there. Of an object that is made nothing is there, and nothing ignored.
#[must_use]
pub fn effective(rows: &[Attr], terms: &Terms, wanted: &Wanted, seen: Option<&Body>) -> Terms {
    let mut terms = terms.clone();
    let Some(seen) = seen else { return terms };
    for row in rows.iter().filter(|row| row.settable() && diff::ignores(&wanted.rules.ignore_changes, row.name)) {
        match seen.get(row.name) {
            Some(value) => {
                terms.insert(row.name.to_owned(), Term::Value(value.clone()));
            }
            None => {
                terms.remove(row.name);
            }
        }
    }
    terms
}

/// A future object as expressions see it: whatever the API chooses is unknown.
#[must_use]
pub fn foreseen(rows: &[Attr], terms: &Terms, address: &Address) -> Terms {
    let open = diff::open(terms);
    let one = |row: &Attr| match terms.get(row.name) {
        Some(Term::Unknown(origin)) if !row.settable() => Some(unknown(address, row, origin.sensitive)),
        Some(term) => Some(spelt(row, term, &open).unwrap_or_else(|| unknown(address, row, term.has_secret()))),
        None if matches!(row.presence, Presence::Computed | Presence::OptionalComputed) => {
            Some(unknown(address, row, row.repeats_secret(|of| is_secret(terms, of))))
        }
        None => unset(row),
    };
    rows.iter().filter_map(|row| Some((row.name.to_owned(), one(row)?))).collect()
}

/// What expressions see of an object that is there: what is wanted where it is so, else what the API says; secrets still marked,
/// and the digest of what is hidden.
#[must_use]
pub fn known_of(rows: &[Attr], terms: &Terms, body: &Body, digests: &BTreeMap<String, Digest>, salt: &Salt) -> Term {
    let open = diff::open(terms);
    let there = There { body, digests };
    let one = |row: &Attr| {
        let (term, value) = (terms.get(row.name), body.get(row.name));
        match (term, value) {
            (Some(term), _) if row.secrecy == Secrecy::Hidden => return Some(hidden(term)),
            (Some(term), _) if diff::same(row, terms, there, salt) => {
                if let Some(term) = spelt(row, term, &open) {
                    return Some(term);
                }
            }
            _ => {}
        }
        match (term, value) {
            _ if digests.contains_key(row.name) => Some(unknown_secret(row)),
            (Some(term), Some(value)) if term.has_secret() => Some(Term::Secret(dofloat_base::secret::Secret::new(value.clone()))),
            (None, Some(value)) if row.repeats_secret(|of| is_secret(terms, of)) => {
                Some(Term::Secret(dofloat_base::secret::Secret::new(value.clone())))
            }
            (_, Some(value)) if row.secrecy == Secrecy::Open => Some(Term::Value(value.clone())),
            (Some(term), None) if term.has_secret() || row.reads == Reads::WriteOnly => Some(term.clone()),
            _ => unset(row),
        }
    };
    Term::map(rows.iter().filter_map(|row| Some((row.name.to_owned(), one(row)?))).collect())
}

/// What is written in the spelling in which it is known once it is there; `None` if that cannot be told yet. `open` holds the
/// other attributes, as far as they are known.
#[must_use]
pub fn spelt(row: &Attr, term: &Term, open: &Body) -> Option<Term> {
    match term {
        _ if row.secrecy == Secrecy::Hidden => Some(hidden(term)),
        Term::Value(value) => row.echoed(value, open).map(Term::Value),
        Term::Secret(secret) => secret.map(|value| row.echoed(value, open).ok_or(())).transpose().ok().map(Term::Secret),
        Term::Unknown(_) => Some(term.clone()),
        // A form of the whole cannot be given of parts.
        Term::List(_) | Term::Map(_) => {
            let whole = matches!(row.echo, Echo::Form(_) | Echo::Unforeseen)
                || matches!((row.echo, row.compare), (Echo::Normal, Compare::Normal(_) | Compare::Within(_)));
            (row.reads == Reads::WriteOnly || !whole).then(|| term.clone())
        }
    }
}

/// An unset attribute as expressions see it, where it is known.
#[must_use]
pub fn unset(row: &Attr) -> Option<Term> {
    Some(row.unset()).filter(|value| *value != Value::Null).map(Term::Value)
}

/// The attributes that are known only after the create.
pub(super) fn unknown(address: &Address, row: &Attr, sensitive: bool) -> Term {
    Term::Unknown(Origin { address: Some(address.clone()), path: row.name.to_owned(), sensitive })
}

/// Whether an attribute is secret by what is written.
pub(super) fn is_secret(terms: &Terms, name: &str) -> bool {
    terms.get(name).is_some_and(Term::has_secret)
}

/// The errors in the attributes that identify the object at the API: none can be secret.
pub(super) fn secret_identities<'a>(rows: &'a [Attr], terms: &'a Terms, kind: &'a str) -> impl Iterator<Item = (&'a str, Diagnostic)> {
    rows.iter().filter(|row| row.identity && is_secret(terms, row.name)).map(move |row| {
        let message =
            format!("`{}` is sensitive, but the API identifies a {kind} by it, so it cannot be kept out of state and output.", row.name);
        (row.name, Diagnostic::error(message).hint("If it is not a secret, remove the mark: `nonsensitive(…)`."))
    })
}

fn unknown_secret(row: &Attr) -> Term {
    Term::Unknown(Origin { address: None, path: row.name.to_owned(), sensitive: true })
}

/// A hidden attribute as expressions see it: the SHA-1 of its text, as with the official provider.
pub(super) fn hidden(term: &Term) -> Term {
    let digest = |value: &Value| match value {
        Value::Str(text) => Value::Str(sha1_hex(text.as_bytes())),
        other => Value::Str(sha1_hex(other.to_json().to_string().as_bytes())),
    };
    match term {
        Term::Value(value) => Term::Value(digest(value)),
        Term::Secret(secret) => Term::Secret(secret.map(digest)),
        other => other.clone(),
    }
}
