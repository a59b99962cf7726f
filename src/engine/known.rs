//! What expressions see of an object that is there, and what of it stands in for what the user does not want compared.
//!
//! Invariant: a secret stays one, whoever gives it back; what is hidden shows as its digest. Pure.

use std::collections::BTreeMap;

use super::desired::Terms;
use super::diff;
use crate::base::desired::Wanted;
use crate::base::digest::{Digest, Salt, sha1_hex};
use crate::base::value::{Body, Origin, Term, Value};
use crate::kinds::attr::{Attr, Reads, Secrecy};

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

/// What the attributes of an object look like to expressions once it is there: what the API says, secrets still marked, and
/// the digest of what is hidden.
#[must_use]
pub fn known_of(rows: &[Attr], terms: &Terms, body: &Body, digests: &BTreeMap<String, Digest>, salt: &Salt) -> Term {
    let mut known = Terms::new();
    for row in rows {
        let term = match (terms.get(row.name), body.get(row.name)) {
            (Some(term), _) if row.secrecy == Secrecy::Hidden => Some(hidden(term)),
            (Some(term), _) if digests.contains_key(row.name) => {
                let sealed = term.sealed().map(|sealed| sealed.map(|value| diff::normal(row, value, body)));
                let same = sealed.is_some_and(|sealed| digests.get(row.name).is_some_and(|digest| digest.matches(&sealed, salt)));
                Some(if same { term.clone() } else { unknown_secret(row) })
            }
            (Some(term), Some(value)) if term.has_secret() => Some(Term::Secret(crate::base::secret::Secret::new(value.clone()))),
            (_, Some(value)) if row.secrecy == Secrecy::Open => Some(Term::Value(value.clone())),
            (None, _) if digests.contains_key(row.name) => Some(unknown_secret(row)),
            (Some(term), None) if term.has_secret() || row.reads == Reads::WriteOnly => Some(term.clone()),
            _ => None,
        };
        if let Some(term) = term {
            known.insert(row.name.to_owned(), term);
        }
    }
    Term::map(known)
}

fn unknown_secret(row: &Attr) -> Term {
    Term::Unknown(Origin { address: None, path: row.name.to_owned(), sensitive: true })
}

/// What an expression sees of a hidden attribute: the SHA-1 of its text, as with the official provider.
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
