//! What the program knows to be secret, cut out of whatever it prints.
//!
//! Invariant: every stream of the program goes through one of these; a text that goes in may hold a secret (an API repeats what
//! it was sent, a panic quotes a value), what comes out holds none that was learnt: neither as it is, nor in the forms in which
//! texts carry texts (JSON, URLs, base64), nor a line of it, nor what is left of it where a text was cut short. It knows no
//! source of secrets. What is too short to be told from ordinary words is left.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use super::secret::Secret;
use super::value::{Term, Value};

/// What stands for a secret.
pub const MASK: &str = "(sensitive)";

/// In bytes: less is an ordinary word (`web`, `nyc3`), and is not cut out.
const LEAST: usize = 5;
/// In bytes: less is cut out only where it stands by itself, not in the middle of a word.
const LONG: usize = 8;
/// In bytes: the least line of a text that was computed from a secret, of which most lines are nobody's secret.
const LINE: usize = 16;

/// A growing set of secrets. Clones share it.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<BTreeSet<Form>>>);

/// A spelling of a secret, in small letters: an API may answer in those. Longer ones come first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    rank: std::cmp::Reverse<usize>,
    text: String,
}

impl Redactor {
    /// Learns a secret text, and each of its lines.
    pub fn learn(&self, secret: &Secret<String>) {
        self.add(secret.expose(), LONG);
    }

    /// Learns every text and number of a secret value.
    pub fn learn_value(&self, secret: &Secret<Value>) {
        self.walk(secret.expose(), LONG);
    }

    /// Learns what is secret in a term. It may be a long text of which only a part is: of that the longer lines.
    pub fn learn_term(&self, term: &Term) {
        match term {
            Term::Secret(secret) => self.walk(secret.expose(), LINE),
            Term::List(items) => items.iter().for_each(|item| self.learn_term(item)),
            Term::Map(entries) => entries.values().for_each(|entry| self.learn_term(entry)),
            Term::Value(_) | Term::Unknown(_) => {}
        }
    }

    /// The text without what is known to be secret.
    #[must_use]
    pub fn cut<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let forms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if forms.is_empty() {
            return Cow::Borrowed(text);
        }
        let low = text.to_ascii_lowercase();
        let mut found: Vec<Range<usize>> = forms.iter().flat_map(|form| form.places(&low)).collect();
        found.extend(low.match_indices('…').flat_map(|(at, dots)| torn(&forms, &low, at, at + dots.len())));
        if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(without(text, found)) }
    }

    /// The same for a text that may be JSON and stays so: a value is replaced as a whole or within its quotes.
    #[must_use]
    pub fn cut_output<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let cut = self.cut(text);
        if matches!(cut, Cow::Borrowed(_)) || !text.starts_with(['{', '[', '"']) {
            return cut;
        }
        let body = text.trim_end();
        let Ok(mut json) = serde_json::from_str::<Json>(body) else { return cut };
        self.cut_json(&mut json);
        let again = if body.contains('\n') { format!("{json:#}") } else { json.to_string() };
        Cow::Owned(again + &text[body.len()..])
    }

    fn cut_json(&self, json: &mut Json) {
        match json {
            Json::String(text) => {
                if let Cow::Owned(cut) = self.cut(text) {
                    *text = cut;
                }
            }
            Json::Number(number) => {
                if let Cow::Owned(cut) = self.cut(&number.to_string()) {
                    *json = Json::String(cut);
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.cut_json(item)),
            Json::Object(entries) => {
                *entries = std::mem::take(entries)
                    .into_iter()
                    .map(|(name, mut value)| {
                        self.cut_json(&mut value);
                        (self.cut(&name).into_owned(), value)
                    })
                    .collect();
            }
            Json::Null | Json::Bool(_) => {}
        }
    }

    fn walk(&self, value: &Value, line: usize) {
        match value {
            Value::Str(text) => self.add(text, line),
            Value::Number(number) => self.add(&number.to_string(), line),
            Value::List(items) => items.iter().for_each(|item| self.walk(item, line)),
            Value::Map(entries) => entries.values().for_each(|entry| self.walk(entry, line)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add(&self, text: &str, line: usize) {
        let text = text.trim();
        let lines = text.lines().map(str::trim).filter(|part| part.len() >= line && part.len() < text.len());
        let forms: BTreeSet<Form> = std::iter::once(text).chain(lines).flat_map(forms).collect();
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(forms);
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Form {
    fn new(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        (text.len() >= LEAST).then_some(Self { rank: std::cmp::Reverse(text.len()), text })
    }

    fn places<'a>(&'a self, low: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let apart = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
        let found = low.match_indices(&self.text).map(|(at, part)| at..at + part.len());
        found.filter(move |place| {
            self.text.len() >= LONG || apart(low[..place.start].chars().next_back()) && apart(low[place.end..].chars().next())
        })
    }
}

/// The spellings of a secret.
fn forms(text: &str) -> Vec<Form> {
    let json = serde_json::to_string(text).unwrap_or_default();
    let url: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let debug = format!("{text:?}");
    let inner = |quoted: &str| quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let mut all = vec![text.to_owned(), inner(&json), inner(&debug), url.replace('+', "%20"), url];
    // In the base64 of a longer text a secret has one of three forms, by where it begins; the first and the last letters hold
    // bits of its neighbours too.
    for (before, shared) in [(0, 0), (1, 2), (2, 3)] {
        let padded = [&[0; 2][..before], text.as_bytes()].concat();
        let torn = usize::from(padded.len() % 3 != 0);
        for code in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            all.extend(code.get(shared..code.len() - torn).filter(|code| code.len() >= LONG).map(str::to_owned));
        }
    }
    all.iter().filter_map(|text| Form::new(text)).collect()
}

/// What is left of secrets beside the dots with which a text was cut short.
fn torn(forms: &BTreeSet<Form>, low: &str, start: usize, end: usize) -> Vec<Range<usize>> {
    let (before, after) = (low[..start].trim_end(), low[end..].trim_start());
    let at = low.len() - after.len();
    let long = forms.iter().filter(|form| form.text.len() > LONG);
    long.flat_map(|form| {
        let bytes = form.text.as_bytes();
        let head = (LONG..bytes.len()).rev().find(|length| before.as_bytes().ends_with(&bytes[..*length]));
        let tail = (LONG..bytes.len()).rev().find(|length| after.as_bytes().starts_with(&bytes[bytes.len() - length..]));
        head.map(|length| before.len() - length..before.len()).into_iter().chain(tail.map(|length| at..at + length))
    })
    .filter(|place| low.is_char_boundary(place.start) && low.is_char_boundary(place.end))
    .collect()
}

/// The text with a mask in place of these parts, which may overlap.
fn without(text: &str, mut parts: Vec<Range<usize>>) -> String {
    parts.sort_by_key(|part| (part.start, part.end));
    let (mut cut, mut at) = (String::new(), 0);
    for part in parts {
        if part.start >= at {
            cut.push_str(&text[at..part.start]);
            cut.push_str(MASK);
        }
        at = at.max(part.end);
    }
    cut.push_str(&text[at..]);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "dop_v1_Kw8Zr4TopHidden77Qx";

    fn knows(secrets: &[&str]) -> Redactor {
        let known = Redactor::default();
        secrets.iter().for_each(|secret| known.learn(&Secret::new((*secret).to_owned())));
        known
    }

    #[test]
    fn a_secret_is_cut_out_in_every_form() {
        let known = knows(&[TOKEN, "p@ss \"word\"/ü+1"]);
        let base64 = |text: &str| STANDARD_NO_PAD.encode(text);
        for text in [
            TOKEN.to_owned(),
            TOKEN.to_lowercase(),
            format!("a{TOKEN}b"),
            format!("Bearer {TOKEN}, and {TOKEN}"),
            base64(TOKEN),
            base64(&format!("x{TOKEN}")),
            base64(&format!("ab{TOKEN}cd")),
            base64(&format!("user:{TOKEN}@")),
            "p@ss \"word\"/ü+1".to_owned(),
            "p@ss \\\"word\\\"/ü+1".to_owned(),
            "x=p%40ss+%22word%22%2F%C3%BC%2B1".to_owned(),
            "x/p%40ss%20%22word%22%2f%c3%bc%2b1".to_owned(),
        ] {
            let cut = known.cut(&text).into_owned();
            assert!(cut.contains(MASK), "{text}: {cut}");
            assert!(!["kw8zr4", "hidden", "word"].iter().any(|part| cut.to_lowercase().contains(part)), "{text}: {cut}");
            assert!(cut.len() < MASK.len() * 2 + 25, "{text}: {cut}");
        }
        assert_eq!(known.cut("nothing of it"), "nothing of it");
        assert_eq!(known.cut(&format!("{TOKEN}{TOKEN}")), format!("{MASK}{MASK}"));
    }

    #[test]
    fn the_lines_of_a_secret_are_secret() {
        let known = knows(&["-----BEGIN KEY-----\nAAAABBBBCCCC\n  DDDDEEEEFFFF\nend\n"]);
        assert_eq!(known.cut("x AAAABBBBCCCC y DDDDEEEEFFFF end"), format!("x {MASK} y {MASK} end"));
        let script = Term::Secret(Secret::new(Value::from("#!/bin/sh\nhostname example.com\n")));
        let known = Redactor::default();
        known.learn_term(&Term::list(vec![Term::null(), script]));
        assert_eq!(known.cut("#!/bin/sh, hostname example.com, example.com"), format!("#!/bin/sh, {MASK}, example.com"));
    }

    #[test]
    fn what_a_cut_has_left_is_cut_too() {
        let known = knows(&[TOKEN]);
        assert_eq!(known.cut("POST /x: bad dop_v1_Kw8Zr4To… (422)"), format!("POST /x: bad {MASK}… (422)"));
        assert_eq!(known.cut("bad … Hidden77Qx and"), format!("bad … {MASK} and"));
        assert_eq!(known.cut("bad dop… x"), "bad dop… x");
    }

    #[test]
    fn short_secrets_do_not_mangle_everything() {
        let known = knows(&["", "1", "web", "nyc3", "admin"]);
        assert_eq!(known.cut("web-1 in nyc3, administrator, admin-2, admin."), format!("web-1 in nyc3, administrator, admin-2, {MASK}."));
    }

    #[test]
    fn json_stays_json() {
        let known = knows(&[TOKEN, "\"a\":1234567", "30303030"]);
        known.learn_value(&Secret::new(Value::Map([("k".to_owned(), Value::from(40_404_040_i64))].into())));
        let json = serde_json::json!({ "a": 1_234_567, "b": [TOKEN, 30_303_030, 40_404_040], TOKEN: { "c": format!("x \"{TOKEN}\"") } });
        for text in [json.to_string(), format!("{json:#}"), format!("{json}\n")] {
            let cut: Json = serde_json::from_str(&known.cut_output(&text)).expect("it is JSON");
            assert_eq!(cut, serde_json::json!({ "a": 1_234_567, "b": [MASK, MASK, MASK], MASK: { "c": format!("x \"{MASK}\"") } }));
        }
        assert_eq!(known.cut_output(&format!("{{{TOKEN}")), format!("{{{MASK}"));
    }
}
