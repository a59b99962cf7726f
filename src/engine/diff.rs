//! What differs: an attribute table, what is wanted, and what is there.
//!
//! Invariant: pure, and the same for every kind; all that is special about an attribute stands in its row.

use std::collections::BTreeMap;

use super::change::{AttrChange, Shown};
use super::parts;
use dofloat_base::desired::Ignore;
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::planted::{Bug, planted};
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Term, Terms, Value};
use dofloat_kinds::attr::{Attr, Change, Presence, Reads, Secrecy, Ty};

/// One side of a comparison: attributes, and digests of those that are not shown.
#[derive(Clone, Copy, Debug)]
pub struct There<'a> {
    /// The attributes.
    pub body: &'a Body,
    /// The digests.
    pub digests: &'a BTreeMap<String, Digest>,
}

/// One attribute that differs from what is wanted.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Its row.
    pub row: &'static Attr,
    /// How it is made what is wanted.
    pub change: Change,
    /// Fit to be shown.
    pub shown: AttrChange,
}

/// What differs between what is wanted and what is there, in the order of the table. Attributes that the user leaves to the
/// API are no difference, nor are those that are to be ignored. `last` is what was remembered.
#[must_use]
pub fn wanted(rows: &'static [Attr], wanted: &Terms, there: There<'_>, last: &Body, ignore: &Ignore, salt: &Salt) -> Vec<Difference> {
    rows.iter()
        .filter(|row| row.settable() && !ignores(ignore, row.name))
        .filter(|row| !same(row, wanted, there, salt) || is_taken_out(row, wanted, there, last))
        .map(|row| {
            let change = change_of(row, wanted.get(row.name), there.body.get(row.name));
            let beside = there.body.get(row.name).filter(|_| row.has_sealed_parts() && !there.digests.contains_key(row.name));
            let shown = AttrChange {
                name: row.name.to_owned(),
                before: beside.map_or_else(|| shown_there(row, there), |value| parts::shown(row, value, wanted.get(row.name))),
                after: wanted.get(row.name).map_or(Shown::Absent, |term| shown_term(row, term)),
                replaces: change == Change::Replace,
                disrupts: matches!(row.change, Change::Disruptive(_)),
            };
            Difference { row, change, shown }
        })
        .collect()
}

/// How the change of an attribute from what is there to what is wanted is made.
fn change_of(row: &Attr, wanted: Option<&Term>, there: Option<&Value>) -> Change {
    row.change_to(wanted.and_then(Term::value).unwrap_or(&Value::Null), there.unwrap_or(&Value::Null))
}

/// Whether an attribute is left alone.
#[must_use]
pub fn ignores(ignore: &Ignore, name: &str) -> bool {
    match ignore {
        Ignore::Nothing => false,
        Ignore::Names(names) => names.contains(name),
        Ignore::All => true,
    }
}

/// Whether it was set by the last apply, is still so, and is not wanted any more. What somebody else has set since is not ours.
fn is_taken_out(row: &Attr, wanted: &Terms, there: There<'_>, last: &Body) -> bool {
    let leaves = row.reads == Reads::WhenSet && row.presence == Presence::Optional && !wanted.contains_key(row.name);
    leaves && last.get(row.name).is_some_and(|last| there.body.get(row.name) == Some(last))
}

/// Whether an attribute is as it is wanted: by its normal form, and by digest where that is all that is known.
pub(super) fn same(row: &Attr, terms: &Terms, there: There<'_>, salt: &Salt) -> bool {
    let is_none = |value: &Value| is_empty(&normal(row, value, there.body));
    let Some(term) = terms.get(row.name) else {
        return match row.presence {
            _ if row.reads == Reads::WhenSet => true,
            Presence::OptionalComputed | Presence::Computed => true,
            Presence::Required | Presence::Optional => {
                !there.digests.contains_key(row.name) && there.body.get(row.name).is_none_or(is_none)
            }
        };
    };
    if matches!(row.ty, Ty::Set(_)) && planted(Bug::ComparesNoSets) {
        return true;
    }
    if term.has_unknown() || !parts::are_as_sent(row, term, there.digests, salt) {
        return false;
    }
    let open = open(terms);
    if let Some(digest) = there.digests.get(row.name) {
        return term.sealed().is_some_and(|sealed| digest.matches(&sealed.map(|wanted| normal(row, wanted, &open)), salt));
    }
    let Some(value) = there.body.get(row.name) else {
        return term.value().is_some_and(|value| is_empty(&normal(row, value, &open)));
    };
    let suits = |wanted: &Value| row.suits.is_some_and(|suits| suits((wanted, &open), (value, there.body)));
    let is = |wanted: &Value| normal(row, &row.filled(wanted, value), &open) == normal(row, value, there.body);
    match term.value() {
        Some(wanted) => is(wanted) || suits(wanted),
        None => term.sealed().is_some_and(|sealed| sealed.map(is) == Secret::new(true)),
    }
}

/// The attributes that are known and open.
#[must_use]
pub fn open(terms: &Terms) -> Body {
    terms.iter().filter_map(|(name, term)| Some((name.clone(), term.value()?.clone()))).collect()
}

/// The differences between a record and the observed object, in the order of the table.
#[must_use]
pub fn drift(rows: &'static [Attr], record: There<'_>, seen: There<'_>) -> Vec<AttrChange> {
    rows.iter()
        .filter(|row| match row.reads {
            Reads::Readable => true,
            Reads::WhenSet => record.body.contains_key(row.name) || record.digests.contains_key(row.name),
            Reads::WriteOnly | Reads::Once | Reads::Volatile => false,
        })
        .filter(|row| {
            let (before, after) = (record.digests.get(row.name), seen.digests.get(row.name));
            if before.is_some() || after.is_some() {
                return before != after && !before.is_some_and(|digest| digest.as_str().starts_with("sha1:"));
            }
            let normal = |body: &Body| body.get(row.name).map(|value| normal(row, value, body)).filter(|value| !is_empty(value));
            normal(record.body) != normal(seen.body)
        })
        .map(|row| AttrChange {
            name: row.name.to_owned(),
            before: shown_there(row, record),
            after: shown_there(row, seen),
            replaces: false,
            disrupts: false,
        })
        .collect()
}

/// Whether it says as little as null.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value in the form in which it is compared: sets sorted, empties left out of objects, each part by its own row.
/// `body` holds the other attributes of its side.
#[must_use]
pub fn normal(row: &Attr, value: &Value, body: &Body) -> Value {
    row.normal(&shaped(row.ty, value), body)
}

fn shaped(ty: Ty, value: &Value) -> Value {
    match (ty, value) {
        (Ty::Object(rows), Value::Map(map)) => Value::Map(
            rows.iter()
                .filter_map(|row| {
                    let field = normal(row, map.get(row.name)?, map);
                    (!is_empty(&field)).then(|| (row.name.to_owned(), field))
                })
                .collect(),
        ),
        (Ty::List(item), Value::List(items)) => Value::List(items.iter().map(|value| shaped(*item, value)).collect()),
        (Ty::Set(item), Value::List(items)) => {
            let mut items: Vec<Value> = items.iter().map(|value| shaped(*item, value)).collect();
            items.sort();
            items.dedup();
            Value::List(items)
        }
        (Ty::Map(item), Value::Map(map)) => Value::Map(map.iter().map(|(name, value)| (name.clone(), shaped(*item, value))).collect()),
        _ => value.clone(),
    }
}

/// The attributes of an object that goes.
#[must_use]
pub fn unmade(rows: &[Attr], there: There<'_>) -> Vec<AttrChange> {
    let shown = rows.iter().map(|row| (row, shown_there(row, there))).filter(|(_, shown)| *shown != Shown::Absent);
    shown
        .map(|(row, before)| AttrChange { name: row.name.to_owned(), before, after: Shown::Absent, replaces: false, disrupts: false })
        .collect()
}

/// The attributes of an object that is made, and what it takes the place of.
pub(super) fn made(rows: &[Attr], terms: &Terms, old: Option<(There<'_>, &[String])>) -> Vec<AttrChange> {
    rows.iter()
        .filter_map(|row| {
            let after = match terms.get(row.name) {
                Some(term) => shown_term(row, term),
                None if matches!(row.presence, Presence::Computed | Presence::OptionalComputed) => Shown::Unknown,
                None => Shown::Absent,
            };
            let before = old.map_or(Shown::Absent, |(there, _)| shown_there(row, there));
            let replaces = old.is_some_and(|(_, because)| because.iter().any(|name| name == row.name));
            (before != Shown::Absent || after != Shown::Absent).then(|| AttrChange {
                name: row.name.to_owned(),
                before,
                after,
                replaces,
                disrupts: false,
            })
        })
        .collect()
}

/// An attribute of an object as far as it may be shown.
#[must_use]
pub fn shown_there(row: &Attr, there: There<'_>) -> Shown {
    if there.digests.contains_key(row.name) {
        return Shown::Sensitive;
    }
    match there.body.get(row.name) {
        None => Shown::Absent,
        Some(_) if row.secrecy == Secrecy::Hidden => Shown::Sensitive,
        Some(value) if row.has_sealed_parts() => parts::shown(row, value, None),
        Some(value) => Shown::Value(row.written_parts(value)),
    }
}

/// A wanted attribute as far as it may be shown.
#[must_use]
pub fn shown_term(row: &Attr, term: &Term) -> Shown {
    if row.secrecy == Secrecy::Hidden && !matches!(term, Term::Unknown(_)) {
        return Shown::Sensitive;
    }
    shown(term)
}

/// A term as far as it may be shown.
#[must_use]
pub fn shown(term: &Term) -> Shown {
    match term {
        Term::Value(Value::Null) => Shown::Absent,
        Term::Value(value) => Shown::Value(value.clone()),
        Term::Secret(_) => Shown::Sensitive,
        Term::Unknown(origin) if origin.sensitive => Shown::Sensitive,
        Term::Unknown(_) => Shown::Unknown,
        Term::List(items) => Shown::List(items.iter().map(shown).collect()),
        Term::Map(map) => Shown::Map(map.iter().map(|(name, term)| (name.clone(), shown(term))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_base::value::Origin;
    use dofloat_kinds::attr::Compare;

    fn ports(value: &Value) -> Value {
        if value.as_str() == Some("all") { "0".into() } else { value.clone() }
    }

    const RULE: &[Attr] = &[
        Attr::required("protocol", Ty::String, Change::InPlace("update"), ""),
        Attr::optional("port_range", Ty::String, Change::InPlace("update"), "").compare(Compare::Normal(ports)),
        Attr::optional("addresses", Ty::Set(&Ty::String), Change::InPlace("update"), ""),
    ];
    const ROWS: &[Attr] = &[
        Attr::required("name", Ty::String, Change::InPlace("rename"), "").compare(Compare::NoCase),
        Attr::required("image", Ty::String, Change::Replace, ""),
        Attr::chosen("range", Ty::String, Change::Replace, ""),
        Attr::optional("tags", Ty::Set(&Ty::String), Change::InPlace("tags"), ""),
        Attr::optional("rule", Ty::Set(&Ty::Object(RULE)), Change::InPlace("update"), "").block(),
        Attr::optional("user_data", Ty::String, Change::Replace, "").hidden().write_only(),
        Attr::computed("status", Ty::String, ""),
    ];

    fn body(json: &str) -> Body {
        Value::from_json(&serde_json::from_str(json).unwrap()).as_map().unwrap().clone()
    }

    fn check(want: &str, there: &str, expected: &[&str]) {
        let terms: Terms = body(want).into_iter().map(|(name, value)| (name, Term::Value(value))).collect();
        let (there, salt) = (body(there), Salt::new([0; 32]));
        let found = wanted(ROWS, &terms, There { body: &there, digests: &BTreeMap::new() }, &Body::new(), &Ignore::Nothing, &salt);
        assert_eq!(found.iter().map(|d| d.row.name).collect::<Vec<_>>(), expected, "{want} / {there:?}");
    }

    #[test]
    fn only_real_differences_count() {
        check(r#"{"name": "A", "image": "x"}"#, r#"{"name": "a", "image": "x", "range": "10.0.0.0/8", "status": "off", "tags": []}"#, &[]);
        check(r#"{"name": "b", "image": "y"}"#, r#"{"name": "a", "image": "x"}"#, &["name", "image"]);
        check(r#"{"name": "a", "image": "x", "range": "1"}"#, r#"{"name": "a", "image": "x", "range": "2"}"#, &["range"]);
        check(r#"{"name": "a", "image": "x"}"#, r#"{"name": "a", "image": "x", "tags": ["t"]}"#, &["tags"]);
        check(r#"{"name": "a", "image": "x", "tags": []}"#, r#"{"name": "a", "image": "x"}"#, &[]);
        check(
            r#"{"name": "a", "image": "x", "rule": [{"protocol": "tcp", "port_range": "all"}, {"protocol": "udp"}]}"#,
            r#"{"name": "a", "image": "x", "rule": [{"protocol": "udp", "addresses": []}, {"protocol": "tcp", "port_range": "0"}]}"#,
            &[],
        );
    }

    #[test]
    fn hidden_and_secret_values_are_compared_by_digest_and_never_shown() {
        let salt = Salt::new([7; 32]);
        let secret = Secret::new(Value::from("script"));
        let digests = BTreeMap::from([("user_data".to_owned(), Digest::of(&secret, &salt))]);
        let there_body = body(r#"{"name": "a", "image": "x"}"#);
        let there = There { body: &there_body, digests: &digests };
        let mut terms: Terms =
            body(r#"{"name": "a", "image": "x", "user_data": "script"}"#).into_iter().map(|(n, v)| (n, Term::Value(v))).collect();
        assert!(wanted(ROWS, &terms, there, &Body::new(), &Ignore::Nothing, &salt).is_empty());
        terms.insert("user_data".to_owned(), Term::Value("other".into()));
        let found = wanted(ROWS, &terms, there, &Body::new(), &Ignore::Nothing, &salt);
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0].shown.before, &found[0].shown.after), (&Shown::Sensitive, &Shown::Sensitive));
        assert!(wanted(ROWS, &terms, there, &Body::new(), &Ignore::All, &salt).is_empty());
        terms.remove("user_data");
        assert_eq!(wanted(ROWS, &terms, there, &Body::new(), &Ignore::Nothing, &salt).len(), 1);
    }

    #[test]
    fn unknown_values_count_as_changes() {
        let terms = Terms::from([("name".to_owned(), Term::Unknown(Origin::default())), ("image".to_owned(), Term::Value("x".into()))]);
        let there_body = body(r#"{"name": "a", "image": "x"}"#);
        let found = wanted(
            ROWS,
            &terms,
            There { body: &there_body, digests: &BTreeMap::new() },
            &Body::new(),
            &Ignore::Nothing,
            &Salt::new([0; 32]),
        );
        assert_eq!(found.iter().map(|d| &d.shown.after).collect::<Vec<_>>(), [&Shown::Unknown]);
    }
}
