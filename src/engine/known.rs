//! What expressions see of an object, from the first plan on to when it is there; and what stands in for what the user does not
//! want compared.
//!
//! Invariant: an attribute that is as it is wanted has one value: the spelling that its row foresees of what is written. What is
//! planned from that value still holds when the object is there, whatever the API makes of it. A secret stays one, whoever
//! gives it back; what is hidden shows as its digest. Pure.

use super::diff::{self, There};
use dofloat_base::address::Address;
use dofloat_base::desired::Wanted;
use dofloat_base::diag::Diagnostic;
use dofloat_base::digest::{Salt, sha1_hex};
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Origin, Term, Terms, Value};
use dofloat_kinds::attr::{Attr, Compare, Echo, Presence, Reads, Secrecy, Ty};

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
        Some(term) => {
            let term = spelt(row, term, &open).unwrap_or_else(|| unknown(address, row, term.has_secret()));
            Some(completed(row, term, None, address))
        }
        None if matches!(row.presence, Presence::Computed | Presence::OptionalComputed) => {
            Some(unknown(address, row, row.repeats_secret(|of| is_secret(terms, of))))
        }
        None => unset(row),
    };
    rows.iter().filter_map(|row| Some((row.name.to_owned(), one(row)?))).collect()
}

/// What expressions see of an object that is there: what is wanted where it is so, else what the API says; secrets still marked,
/// and the digest of what is hidden. `secrets` are those that the API has computed.
#[must_use]
pub fn known_of(rows: &[Attr], terms: &Terms, there: There<'_>, secrets: &Terms, salt: &Salt) -> Term {
    let open = diff::open(terms);
    let There { body, digests } = there;
    let one = |row: &Attr| {
        if let Some(secret) = secrets.get(row.name) {
            return Some(secret.clone());
        }
        let (term, value) = (terms.get(row.name), body.get(row.name));
        match (term, value) {
            (Some(term), _) if row.secrecy == Secrecy::Hidden => return Some(hidden(term)),
            (Some(term), Some(value)) if is_completed(row) && !term.has_secret() && diff::same(row, terms, there, salt) => {
                return Some(Term::Value(value.clone()));
            }
            (Some(term), _) if diff::same(row, terms, there, salt) => {
                if let Some(term) = spelt(row, term, &open) {
                    return Some(completed_by(row, term, value, &|_| None));
                }
            }
            _ => {}
        }
        match (term, value) {
            _ if digests.contains_key(row.name) => Some(unknown_secret(row)),
            (Some(term), Some(value)) if term.has_secret() => Some(Term::Secret(Secret::new(value.clone()))),
            (None, Some(value)) if row.repeats_secret(|of| is_secret(terms, of)) => Some(Term::Secret(Secret::new(value.clone()))),
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

/// Whether the API completes what is written.
fn is_completed(row: &Attr) -> bool {
    row.has_chosen_parts() || row.suits.is_some()
}

/// Blocks with the parts that the API sets: those of what is there, unknown where there is nothing.
pub(super) fn completed(row: &Attr, term: Term, there: Option<&Value>, address: &Address) -> Term {
    completed_by(row, term, there, &|part| Some(unknown(address, part, false)))
}

/// The same, with what `missing` says of parts of which nothing is there.
fn completed_by(row: &Attr, term: Term, there: Option<&Value>, missing: &dyn Fn(&Attr) -> Option<Term>) -> Term {
    let (Some(rows), Some(items)) = (row.inner().filter(|_| row.has_chosen_parts()), term.items()) else { return term };
    // Blocks of a set have no places.
    let there = there.filter(|_| matches!(row.ty, Ty::List(_)));
    let complete = |(at, item): (usize, Term)| {
        let Some(mut fields) = item.entries() else { return item };
        let there = there.and_then(|there| there.as_list()?.get(at)?.as_map());
        for part in rows {
            let known = there.and_then(|there| there.get(part.name));
            let is_left = match part.presence {
                Presence::Computed => true,
                Presence::OptionalComputed => fields.get(part.name).is_none_or(Term::is_null),
                Presence::Required | Presence::Optional => false,
            };
            let term = match fields.remove(part.name) {
                _ if is_left => {
                    known.filter(|_| part.follows.is_empty()).map_or_else(|| missing(part), |value| Some(Term::Value(value.clone())))
                }
                Some(term) => Some(completed_by(part, term, known, missing)),
                None => None,
            };
            if let Some(term) = term {
                fields.insert(part.name.to_owned(), term);
            }
        }
        Term::map(fields)
    };
    Term::list(items.into_iter().enumerate().map(complete).collect())
}

/// What the API has computed as expressions see it: what is secret of it marked.
pub(super) fn revealed(row: &Attr, value: Value) -> Term {
    match (row.inner(), value) {
        (_, value) if row.secrecy == Secrecy::Sensitive => Term::Secret(Secret::new(value)),
        (Some(rows), Value::List(items)) => Term::list(items.into_iter().map(|item| revealed_parts(rows, item)).collect()),
        (_, value) => Term::Value(value),
    }
}

fn revealed_parts(rows: &[Attr], item: Value) -> Term {
    let Value::Map(fields) = item else { return Term::Value(item) };
    let part = |(name, value): (String, Value)| {
        let row = rows.iter().find(|row| row.name == name);
        let term = row.map_or_else(|| Term::Value(value.clone()), |row| revealed(row, value.clone()));
        (name, term)
    };
    Term::map(fields.into_iter().map(part).collect())
}

/// Takes what holds secrets that the API computes out of what was read, as expressions see it.
pub(super) fn apart(rows: &[Attr], body: &mut Body) -> Terms {
    let holding = rows.iter().filter(|row| row.holds_secret());
    holding.filter_map(|row| Some((row.name.to_owned(), revealed(row, body.remove(row.name)?)))).collect()
}

/// An unset attribute as expressions see it, where it is known.
#[must_use]
pub fn unset(row: &Attr) -> Option<Term> {
    Some(row.unset()).filter(|value| *value != Value::Null).map(Term::Value)
}

/// The attributes that are known only after the create. Of a block of which there is one it is known which parts will be secret.
pub(super) fn unknown(address: &Address, row: &Attr, sensitive: bool) -> Term {
    match row.inner().filter(|_| row.wire.single && row.holds_secret()) {
        Some(rows) => Term::list(vec![Term::map(rows.iter().map(|row| (row.name.to_owned(), unknown(address, row, sensitive))).collect())]),
        None => {
            let sensitive = sensitive || row.holds_secret();
            Term::Unknown(Origin { address: Some(address.clone()), path: row.name.to_owned(), sensitive })
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_kinds::attr::Change;
    use serde_json::json;

    const ACCESS: &[Attr] = &[Attr::computed("host", Ty::String, "Where."), Attr::computed("token", Ty::String, "With what.").sensitive()];
    const ROWS: &[Attr] = &[
        Attr::required("name", Ty::String, Change::Replace, "The name."),
        Attr::computed("password", Ty::String, "The password.").sensitive(),
        Attr::computed("access", Ty::List(&Ty::Object(ACCESS)), "How to get in.").single(),
    ];

    fn body() -> Body {
        let json = json!({ "name": "a", "password": "hunter2", "access": [{ "host": "h", "token": "hunter3" }] });
        Value::from_json(&json).as_map().unwrap().clone()
    }

    #[test]
    fn what_the_api_computes_and_is_secret_is_known_and_marked() {
        let (mut body, terms) = (body(), Terms::from([("name".to_owned(), Term::Value("a".into()))]));
        let secrets = apart(ROWS, &mut body);
        assert_eq!(body.keys().collect::<Vec<_>>(), ["name"]);
        let digests = std::collections::BTreeMap::new();
        let known = known_of(ROWS, &terms, There { body: &body, digests: &digests }, &secrets, &Salt::new([0; 32]));
        assert_eq!(known.get("password"), Term::Secret(Secret::new("hunter2".into())));
        let access = &known.get("access").items().unwrap()[0];
        assert_eq!((access.get("host"), access.get("token")), (Term::Value("h".into()), Term::Secret(Secret::new("hunter3".into()))));
        assert!(!format!("{known:?}").contains("hunter"));
    }

    #[test]
    fn which_parts_will_be_secret_is_known_before_they_are_there() {
        let address: Address = "digitalocean_tag.x".parse().unwrap();
        let known = Term::map(foreseen(ROWS, &Terms::from([("name".to_owned(), Term::Value("a".into()))]), &address));
        let is = |term: Term| match term {
            Term::Unknown(origin) => Some(origin.sensitive),
            _ => None,
        };
        let access = &known.get("access").items().unwrap()[0];
        assert_eq!((is(known.get("password")), is(access.get("host")), is(access.get("token"))), (Some(true), Some(false), Some(true)));
    }

    #[test]
    fn a_record_holds_digests_of_what_is_secret() {
        let frame = crate::record::Frame {
            id: dofloat_base::identity::Id("1".to_owned()),
            mark: None,
            arguments: Body::new(),
            after: std::collections::BTreeSet::new(),
            create_before_destroy: false,
        };
        let record = crate::record::ready(ROWS, &Terms::new(), &body(), frame, &Salt::new([0; 32]));
        assert_eq!(record.body.keys().collect::<Vec<_>>(), ["name"]);
        assert_eq!(record.digests.keys().collect::<Vec<_>>(), ["access", "password"]);
    }
}
