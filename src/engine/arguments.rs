//! The arguments that hidden attributes are made from: which of them changed.
//!
//! Invariant: pure, and for display only: a change of them decides nothing. No secret is kept or shown.

use std::collections::BTreeSet;

use super::change::{AttrChange, Shown};
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::value::{Body, Term, Terms, Value};

/// The arguments that hidden attributes are made from, as a record keeps them: secrets as digests, and nothing of what is unknown.
pub(super) fn kept(terms: &Terms, salt: &Salt) -> Body {
    let shown = |term: &Term| match term.value() {
        Some(value) => Some(value.clone()),
        None => Some(Value::from(Digest::of(&term.sealed()?, salt).as_str())),
    };
    terms.iter().filter(|(_, term)| !term.is_null()).filter_map(|(name, term)| Some((name.clone(), shown(term)?))).collect()
}

/// The arguments that differ between those that were recorded and those that are wanted; what is kept as a digest is not shown.
pub(super) fn changed(recorded: &Body, wanted: &Terms, salt: &Salt) -> Vec<AttrChange> {
    let now = kept(wanted, salt);
    let names: BTreeSet<&String> = recorded.keys().chain(wanted.iter().filter(|(_, term)| !term.is_null()).map(|(name, _)| name)).collect();
    let differs = |name: &&String| recorded.get(*name) != now.get(*name);
    let open = |value: Option<&Value>| match value {
        None => Shown::Absent,
        Some(Value::Str(text)) if Digest::from_text(text).is_some() => Shown::Sensitive,
        Some(value) => Shown::Value(value.clone()),
    };
    let change = |name: &String| AttrChange {
        name: name.clone(),
        before: open(recorded.get(name)),
        after: match now.get(name) {
            None if wanted.get(name).is_some_and(Term::has_unknown) => Shown::Unknown,
            value => open(value),
        },
        replaces: true,
        disrupts: false,
    };
    names.into_iter().filter(differs).map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_base::secret::Secret;
    use dofloat_base::value::Origin;

    #[test]
    fn what_changed_is_named_and_no_secret_is_shown() {
        let salt = Salt::new([1; 32]);
        let secret = |text: &str| Term::Secret(Secret::new(Value::from(text)));
        let terms = |zone: &str, token: &str| {
            Terms::from([
                ("ip".to_owned(), Term::from("203.0.113.1")),
                ("nothing".to_owned(), Term::null()),
                ("timezone".to_owned(), Term::from(zone)),
                ("token".to_owned(), secret(token)),
            ])
        };
        let recorded = kept(&terms("UTC", "hush"), &salt);
        assert_eq!(recorded.keys().collect::<Vec<_>>(), ["ip", "timezone", "token"]);
        assert!(!format!("{recorded:?}").contains("hush"));
        let mut now = terms("Asia/Tokyo", "quiet");
        now.insert("ip".to_owned(), Term::Unknown(Origin::default()));
        let found = changed(&recorded, &now, &salt);
        let found: Vec<_> = found.iter().map(|change| (change.name.as_str(), &change.before, &change.after)).collect();
        let value = |text: &str| Shown::Value(text.into());
        let expected = [
            ("ip", &value("203.0.113.1"), &Shown::Unknown),
            ("timezone", &value("UTC"), &value("Asia/Tokyo")),
            ("token", &Shown::Sensitive, &Shown::Sensitive),
        ];
        assert_eq!(found, expected);
        assert!(changed(&recorded, &terms("UTC", "hush"), &salt).is_empty());
    }
}
