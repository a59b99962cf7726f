//! Values that somebody gave for variables and that name nothing: words such as "example", and numbers of objects. Where a file is
//! only tried, what an account would say against them is told and is no error.
//!
//! Invariant: pure; only the caller knows whether a file is only tried. A number stands for an object alone, never for a quantity.

use std::collections::BTreeSet;

use dofloat_base::diag::Diagnostic;
use dofloat_base::value::{Term, Value};

/// The values; none where a plan is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placeholders(BTreeSet<String>);

impl Placeholders {
    /// Those among texts: a slug, a range or an address has a digit, so whatever else has one is meant as it is.
    #[must_use]
    pub fn among(texts: impl IntoIterator<Item = String>) -> Self {
        let is_word = |text: &str| text.chars().all(|letter| letter.is_alphabetic() || "_- ".contains(letter));
        let is_number = |text: &str| text.parse::<u64>().is_ok();
        Self(texts.into_iter().filter(|text| !text.trim().is_empty() && (is_word(text) || is_number(text))).collect())
    }

    /// Whether an object is called by one.
    #[must_use]
    pub fn name(&self, object: &str) -> bool {
        self.0.contains(object)
    }

    /// Whether there is one at a path of a value, or below it.
    #[must_use]
    pub fn are_at(&self, path: &[String], value: &Term) -> bool {
        if self.0.is_empty() {
            return false;
        }
        match (path, value.items()) {
            ([], Some(items)) => items.iter().any(|item| self.are_at(&[], item)),
            ([], None) => matches!(value, Term::Value(Value::Str(text)) if self.stands(text)),
            ([part, rest @ ..], Some(items)) => match part.parse::<usize>() {
                Ok(at) => items.get(at).is_some_and(|item| self.are_at(rest, item)),
                Err(_) => self.stands(part),
            },
            ([part, rest @ ..], None) => self.are_at(rest, &value.get(part)),
        }
    }

    fn stands(&self, text: &str) -> bool {
        self.0.contains(text) && text.parse::<u64>().is_err()
    }
}

/// What is told in place of an error.
#[must_use]
pub fn told(error: Diagnostic) -> Diagnostic {
    let hint = "The value was given for a variable, and the plan goes on without it: an account refuses it.";
    error.into_warning().hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_anything_and_numbers_for_objects_alone() {
        let texts = ["example", "7", "nyc3", "512mb", "10.0.0.0/16", " "].map(str::to_owned);
        let all = Placeholders::among(texts);
        assert!(all.name("example") && all.name("7") && !all.name("nyc3") && !all.name("512mb") && !all.name(" "));
        let text = |text: &str| Term::Value(Value::from(text));
        let rule = Term::map([("protocol".to_owned(), text("example")), ("port".to_owned(), text("7"))].into());
        let body = Term::map([("rule".to_owned(), Term::list(vec![rule])), ("tags".to_owned(), Term::list(vec![text("example")]))].into());
        let is_at = |path: &[&str]| all.are_at(&path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>(), &body);
        assert!(is_at(&["rule", "0", "protocol"]) && is_at(&["tags"]) && is_at(&["tags", "example"]));
        assert!(!is_at(&["rule", "0", "port"]) && !is_at(&["rule", "1", "protocol"]) && !is_at(&["name"]));
        assert!(!Placeholders::default().are_at(&[], &text("example")));
    }
}
