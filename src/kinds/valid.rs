//! Valid values of attributes.
//!
//! Invariant: a rule is a constant of a row, and is checked without any request. It knows no kind.

use super::job::Severity;
use dofloat_base::value::Value;

/// The valid values of an attribute; for a list or a set, those of its items.
#[derive(Clone, Copy, Debug)]
pub enum Valid {
    /// Whatever its type allows.
    Any,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these whole numbers.
    OneOfNumbers(&'static [i64]),
    /// A whole number from the first to the second.
    Between(i64, i64),
    /// A text of at most so many characters, and not empty.
    UpTo(usize),
    /// A text that the function takes, and what such a text looks like.
    Form(fn(&str) -> bool, &'static str),
    /// The same of a text that only DigitalOcean minds: Terraform's provider takes any that is not empty.
    Asked(fn(&str) -> bool, &'static str),
}

impl Valid {
    /// How much it weighs that a value is not valid.
    pub(crate) fn severity(&self, value: &Value) -> Severity {
        let asked = matches!(self, Self::Asked(..)) && value.as_str().is_some_and(|text| !text.is_empty());
        if asked { Severity::Refusal } else { Severity::Error }
    }

    /// The error of a value and its remedy; nothing if it is valid, or of another type.
    #[must_use]
    pub fn wrong(&self, value: &Value) -> Option<(String, String)> {
        let number = |value: &Value| match value {
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        match self {
            Self::Any => None,
            Self::OneOf(words) => {
                let text = value.as_str().filter(|text| !words.contains(text))?;
                Some((format!("`{text}` is not valid"), format!("It is one of {}.", words.join(", "))))
            }
            Self::OneOfNumbers(all) => {
                let Value::Number(given) = value else { return None };
                let words: Vec<String> = all.iter().map(i64::to_string).collect();
                let wrong = given.as_i64().is_none_or(|given| !all.contains(&given));
                wrong.then(|| (format!("{given} is not valid"), format!("It is one of {}.", words.join(", "))))
            }
            Self::Between(least, most) => {
                let given = number(value).filter(|given| !(least..=most).contains(&given))?;
                Some((format!("{given} is out of range"), format!("It is from {least} to {most}.")))
            }
            Self::UpTo(most) => match value.as_str()?.chars().count() {
                0 => Some(("it is empty".to_owned(), format!("Write up to {most} characters."))),
                count if count > *most => Some((format!("it has {count} characters; {most} are allowed"), "Shorten it.".to_owned())),
                _ => None,
            },
            Self::Form(fits, looks) | Self::Asked(fits, looks) => {
                let text = value.as_str().filter(|text| !fits(text))?;
                Some((format!("`{text}` is not valid"), (*looks).to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_what_it_should_be() {
        let check = |valid: Valid, value: Value, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(wrong, right)| (wrong.to_owned(), right.to_owned()));
            assert_eq!(valid.wrong(&value), expected, "{valid:?} {value:?}");
        };
        check(Valid::Any, "x".into(), None);
        check(Valid::OneOf(&["a", "b"]), "b".into(), None);
        check(Valid::OneOf(&["a", "b"]), "c".into(), Some(("`c` is not valid", "It is one of a, b.")));
        check(Valid::OneOfNumbers(&[60, 600]), 600.into(), None);
        check(Valid::OneOfNumbers(&[60, 600]), 61.into(), Some(("61 is not valid", "It is one of 60, 600.")));
        check(Valid::Between(1, 5), 5.into(), None);
        check(Valid::Between(1, 5), 6.into(), Some(("6 is out of range", "It is from 1 to 5.")));
        check(Valid::UpTo(3), "äbc".into(), None);
        check(Valid::UpTo(3), "abcd".into(), Some(("it has 4 characters; 3 are allowed", "Shorten it.")));
        check(Valid::Form(|text| text == "x", "It is x."), "y".into(), Some(("`y` is not valid", "It is x.")));
        check(Valid::UpTo(3), Value::Null, None);
    }
}
