//! What is sealed in blocks: it is sent and never read, so it is remembered by a digest of its own beside its attribute.
//!
//! Invariant: nothing sealed is in a record but by digest; the rest of its block is open as it ever was. Pure.

use std::collections::BTreeMap;

use super::change::Shown;
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::value::{Term, Terms, Value};
use dofloat_kinds::attr::{Attr, Presence, Ty};

/// What ends the name of a digest of parts.
const PARTS: &str = "#sealed";

/// Whether a name in a record is that of a digest of parts, which is no attribute.
#[must_use]
pub fn is_of_parts(name: &str) -> bool {
    name.ends_with(PARTS)
}

/// By what a record knows the digest of what is sealed in an attribute.
pub(super) fn name(row: &Attr) -> String {
    format!("{}{PARTS}", row.name)
}

/// The digest of what is sealed in an attribute that is sent, with its name; nothing where nothing is.
pub(super) fn digest(row: &Attr, term: &Term, salt: &Salt) -> Option<(String, Digest)> {
    let parts = term.sealed().filter(|_| row.has_sealed_parts())?.map(|value| row.sealed_parts(value).ok_or(())).transpose().ok()?;
    Some((name(row), Digest::of(&parts, salt)))
}

/// The digest that a record has.
pub(super) fn remembered(row: &Attr, digests: &BTreeMap<String, Digest>) -> Option<(String, Digest)> {
    let name = name(row);
    let digest = digests.get(&name).filter(|_| row.has_sealed_parts())?.clone();
    Some((name, digest))
}

/// Whether what is sealed in an attribute that is wanted is what was sent last. What nobody remembers is not.
pub(super) fn are_as_sent(row: &Attr, term: &Term, digests: &BTreeMap<String, Digest>, salt: &Salt) -> bool {
    if !row.has_sealed_parts() {
        return true;
    }
    match (digest(row, term, salt), digests.get(&name(row))) {
        (Some((_, wanted)), Some(sent)) => wanted == *sent,
        (None, None) => true,
        _ => false,
    }
}

/// What is wanted of an attribute without what is sealed in it.
pub(super) fn without(row: &Attr, term: &Term) -> Term {
    let (Some(rows), Some(items)) = (row.inner().filter(|_| row.has_sealed_parts()), term.items()) else { return term.clone() };
    let item = |item: Term| {
        let Some(fields): Option<Terms> = item.entries() else { return item };
        let part = |(name, term): (String, Term)| match rows.iter().find(|row| row.name == name) {
            Some(row) if row.sealed => None,
            Some(row) => Some((name, without(row, &term))),
            None => Some((name, term)),
        };
        Term::map(fields.into_iter().filter_map(part).collect())
    };
    Term::list(items.into_iter().map(item).collect())
}

/// Blocks that are there as they are shown beside what is wanted of them: what is sealed in them as such, and without what is nothing
/// or is left to the API.
pub(super) fn shown(row: &Attr, value: &Value, wanted: Option<&Term>) -> Shown {
    let (Some(rows), Value::List(items)) = (row.inner(), value) else { return Shown::Value(value.clone()) };
    let wanted = wanted.and_then(Term::items).filter(|_| matches!(row.ty, Ty::List(_)));
    let item = |(at, item): (usize, &Value)| {
        let Value::Map(fields) = item else { return Shown::Value(item.clone()) };
        let wanted: Option<Terms> = wanted.as_ref().and_then(|wanted| wanted.get(at)?.entries());
        let field = |(name, value): (&String, &Value)| {
            let row = rows.iter().find(|row| row.name == name)?;
            let term = wanted.as_ref().map(|wanted| wanted.get(name).cloned().unwrap_or_else(Term::null));
            let is_left = row.presence == Presence::OptionalComputed && term.as_ref().is_some_and(Term::is_null);
            let is_nothing = *value == Value::Null || *value == "".into() || value.as_list().is_some_and(<[Value]>::is_empty);
            match row.sealed {
                true => Some((name.clone(), Shown::Sensitive)),
                false => (!is_left && !is_nothing && row.settable()).then(|| (name.clone(), shown(row, value, term.as_ref()))),
            }
        };
        Shown::Map(fields.iter().filter_map(field).collect())
    };
    Shown::List(items.iter().enumerate().map(item).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_base::secret::Secret;
    use dofloat_kinds::attr::Change;

    const CHANGED: Change = Change::InPlace("update");
    const VARIABLE: &[Attr] =
        &[Attr::required("key", Ty::String, CHANGED, "The name."), Attr::optional("value", Ty::String, CHANGED, "The value.").sealed()];
    const PART: &[Attr] = &[
        Attr::required("name", Ty::String, CHANGED, "The name."),
        Attr::optional("env", Ty::Set(&Ty::Object(VARIABLE)), CHANGED, "Variables.").blocks(),
    ];
    const ROW: Attr = Attr::required("part", Ty::List(&Ty::Object(PART)), CHANGED, "Parts.").blocks();

    fn wanted(key: &str, value: &str) -> Term {
        let variable =
            Term::map(Terms::from([("key".to_owned(), key.into()), ("value".to_owned(), Term::Secret(Secret::new(Value::from(value))))]));
        let part = Terms::from([("name".to_owned(), "web".into()), ("env".to_owned(), Term::list(vec![variable]))]);
        Term::list(vec![Term::map(part)])
    }

    #[test]
    fn what_is_sealed_is_known_by_a_digest_of_its_own() {
        let salt = Salt::new([7; 32]);
        let sent: BTreeMap<String, Digest> = digest(&ROW, &wanted("A", "x"), &salt).into_iter().collect();
        assert_eq!(sent.keys().map(String::as_str).collect::<Vec<_>>(), ["part#sealed"]);
        for (key, value, same) in [("A", "x", true), ("A", "y", false), ("B", "x", false)] {
            assert_eq!(are_as_sent(&ROW, &wanted(key, value), &sent, &salt), same, "{key} {value}");
        }
        // What nobody remembers may be another, and where nothing is sealed nothing is remembered.
        assert!(!are_as_sent(&ROW, &wanted("A", "x"), &BTreeMap::new(), &salt));
        let plain = Term::list(vec![Term::map(Terms::from([("name".to_owned(), "web".into())]))]);
        assert!(digest(&ROW, &plain, &salt).is_none() && are_as_sent(&ROW, &plain, &BTreeMap::new(), &salt));
    }

    #[test]
    fn the_rest_of_a_block_is_open() {
        let rest = without(&ROW, &wanted("A", "x"));
        assert!(!rest.has_secret());
        let expected = serde_json::json!([{ "name": "web", "env": [{ "key": "A" }] }]);
        assert_eq!(rest.value().map(Value::to_json), Some(expected.clone()));
        let there = Value::from_json(&serde_json::json!([{ "name": "web", "env": [{ "key": "A", "value": "EV[1]" }] }]));
        assert_eq!(ROW.normal(&there, &Default::default()).to_json()[0]["env"][0]["value"], serde_json::Value::Null);
        let shown = format!("{:?}", shown(&ROW, &there, None));
        assert!(shown.contains("Sensitive") && !shown.contains("EV["), "{shown}");
    }
}
