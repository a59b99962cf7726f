//! What differs: an attribute table, what is wanted, and what is there.
//!
//! Invariant: pure, and the same for every kind; all that is special about an attribute stands in its row.

use std::collections::BTreeMap;

use super::change::{AttrChange, Shown};
use super::desired::Terms;
use crate::base::desired::Ignore;
use crate::base::digest::{Digest, Salt};
use crate::base::value::{Body, Term, Value};
use crate::kinds::attr::{Attr, Change, Compare, Presence, Reads, Secrecy, Ty};

/// What there is of an object on this side: attributes, and digests of those that are not shown.
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
    /// Fit to be shown.
    pub shown: AttrChange,
}

/// What differs between what is wanted and what is there, in the order of the table. Attributes that the user leaves to the
/// API are no difference, nor are those that are to be ignored.
#[must_use]
pub fn wanted(rows: &'static [Attr], wanted: &Terms, there: There<'_>, ignore: &Ignore, salt: &Salt) -> Vec<Difference> {
    rows.iter()
        .filter(|row| row.settable() && !ignores(ignore, row.name))
        .filter(|row| !same(row, wanted.get(row.name), there, salt))
        .map(|row| Difference {
            row,
            shown: AttrChange {
                name: row.name.to_owned(),
                before: shown_there(row, there),
                after: wanted.get(row.name).map_or(Shown::Absent, |term| shown_term(row, term)),
                replaces: row.change == Change::Replace,
                disrupts: matches!(row.change, Change::Disruptive(_)),
            },
        })
        .collect()
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

fn same(row: &Attr, wanted: Option<&Term>, there: There<'_>, salt: &Salt) -> bool {
    let Some(term) = wanted else {
        return match row.presence {
            Presence::OptionalComputed | Presence::Computed => true,
            Presence::Required | Presence::Optional => {
                !there.digests.contains_key(row.name)
                    && there.body.get(row.name).is_none_or(|value| is_empty(&normal(row.ty, row.compare, value)))
            }
        };
    };
    if term.has_unknown() {
        return false;
    }
    if let Some(digest) = there.digests.get(row.name) {
        return term.sealed().is_some_and(|sealed| digest.matches(&sealed.map(|wanted| normal(row.ty, row.compare, wanted)), salt));
    }
    let Some(value) = there.body.get(row.name) else {
        return term.value().is_some_and(|value| is_empty(&normal(row.ty, row.compare, value)));
    };
    match term.value() {
        Some(wanted) => normal(row.ty, row.compare, wanted) == normal(row.ty, row.compare, value),
        None => term.sealed().is_some_and(|sealed| {
            sealed.map(|wanted| normal(row.ty, row.compare, wanted)) == crate::base::secret::Secret::new(normal(row.ty, row.compare, value))
        }),
    }
}

/// What differs between a record and what was seen, in the order of the table.
#[must_use]
pub fn drift(rows: &'static [Attr], record: There<'_>, seen: There<'_>) -> Vec<AttrChange> {
    rows.iter()
        .filter(|row| row.reads == Reads::Readable)
        .filter(|row| {
            let (before, after) = (record.digests.get(row.name), seen.digests.get(row.name));
            if before.is_some() || after.is_some() {
                return before != after && !before.is_some_and(|digest| digest.as_str().starts_with("sha1:"));
            }
            let normal = |body: &Body| body.get(row.name).map(|value| normal(row.ty, row.compare, value)).filter(|value| !is_empty(value));
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

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value in the form in which it is compared: sets sorted, empties left out of objects, each part by its own row.
#[must_use]
pub fn normal(ty: Ty, compare: Compare, value: &Value) -> Value {
    let value = match (ty, value) {
        (Ty::Object(rows), Value::Map(map)) => Value::Map(
            rows.iter()
                .filter_map(|row| {
                    let field = normal(row.ty, row.compare, map.get(row.name)?);
                    (!is_empty(&field)).then(|| (row.name.to_owned(), field))
                })
                .collect(),
        ),
        (Ty::List(item), Value::List(items)) => Value::List(items.iter().map(|value| normal(*item, Compare::Exact, value)).collect()),
        (Ty::Set(item), Value::List(items)) => sorted(items.iter().map(|value| normal(*item, Compare::Exact, value)).collect()),
        (Ty::Map(item), Value::Map(map)) => {
            Value::Map(map.iter().map(|(name, value)| (name.clone(), normal(*item, Compare::Exact, value))).collect())
        }
        _ => value.clone(),
    };
    match (compare, value) {
        (Compare::Set, Value::List(items)) => sorted(items),
        (Compare::NoCase, Value::Str(text)) => Value::Str(text.to_lowercase()),
        (Compare::NoCase, Value::List(items)) => {
            sorted(items.iter().map(|item| item.as_str().map_or_else(|| item.clone(), |text| Value::Str(text.to_lowercase()))).collect())
        }
        (Compare::Normal(form), value) => form(&value),
        (_, value) => value,
    }
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort();
    items.dedup();
    Value::List(items)
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
        Some(value) => Shown::Value(value.clone()),
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
    use crate::base::secret::Secret;
    use crate::base::value::Origin;

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
        let found = wanted(ROWS, &terms, There { body: &there, digests: &BTreeMap::new() }, &Ignore::Nothing, &salt);
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
        assert!(wanted(ROWS, &terms, there, &Ignore::Nothing, &salt).is_empty());
        terms.insert("user_data".to_owned(), Term::Value("other".into()));
        let found = wanted(ROWS, &terms, there, &Ignore::Nothing, &salt);
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0].shown.before, &found[0].shown.after), (&Shown::Sensitive, &Shown::Sensitive));
        assert!(wanted(ROWS, &terms, there, &Ignore::All, &salt).is_empty());
        terms.remove("user_data");
        assert_eq!(wanted(ROWS, &terms, there, &Ignore::Nothing, &salt).len(), 1);
    }

    #[test]
    fn unknown_values_count_as_changes() {
        let terms = Terms::from([("name".to_owned(), Term::Unknown(Origin::default())), ("image".to_owned(), Term::Value("x".into()))]);
        let there_body = body(r#"{"name": "a", "image": "x"}"#);
        let found = wanted(ROWS, &terms, There { body: &there_body, digests: &BTreeMap::new() }, &Ignore::Nothing, &Salt::new([0; 32]));
        assert_eq!(found.iter().map(|d| &d.shown.after).collect::<Vec<_>>(), [&Shown::Unknown]);
    }
}
