//! The arguments of a provisioner or a connection, as the programs that are run need them.
//!
//! Invariant: secrets leave their wrapping here, on their way into a file that nobody else can read or a program's standard input.

use std::collections::BTreeMap;
use std::time::Duration;

use dofloat_base::value::{Term, Value};

/// Known arguments.
pub(super) struct Settings {
    values: BTreeMap<String, Value>,
    secret: bool,
}

impl Settings {
    /// The arguments, all of which must be known.
    pub(super) fn of(terms: &BTreeMap<String, Term>) -> Result<Self, String> {
        let value = |(name, term): (&String, &Term)| {
            let sealed = term.sealed().ok_or_else(|| format!("`{name}` is not known yet"))?;
            Ok((name.clone(), sealed.expose().clone()))
        };
        Ok(Self { values: terms.iter().map(value).collect::<Result<_, String>>()?, secret: terms.values().any(Term::has_secret) })
    }

    /// Whether something of it is sensitive.
    pub(super) fn is_secret(&self) -> bool {
        self.secret
    }

    /// A text; an empty one counts as none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).and_then(plain).filter(|text| !text.is_empty())
    }

    /// Whether it is set to true, or to false, if it is set.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.values.get(name)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The texts of a list.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.values.get(name)? {
            Value::List(items) => Some(items.iter().filter_map(plain).collect()),
            _ => None,
        }
    }

    /// The texts of a map.
    pub(super) fn map(&self, name: &str) -> BTreeMap<String, String> {
        match self.values.get(name) {
            Some(Value::Map(entries)) => entries.iter().filter_map(|(name, value)| Some((name.clone(), plain(value)?))).collect(),
            _ => BTreeMap::new(),
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A time as Terraform writes it: `30s`, `5m`, `1h30m`, `500ms`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut sum) = (text.trim(), Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let unit = match &tail[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        sum = sum.saturating_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()?);
        rest = &tail[end..];
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, expected) in [("30s", Some(30_000)), ("1h30m", Some(5_400_000)), ("500ms", Some(500)), ("5", None), ("x", None)] {
            assert_eq!(duration(text).map(|time| time.as_millis()), expected, "{text}");
        }
    }
}
