//! What the language takes and the parser does not: keys that are written twice in one object, of which the last one counts, and
//! some line breaks.
//!
//! Invariant: what is parsed in place of a text has the same places, and differs from it in white space and in names of keys alone,
//! which are read from the text itself.

use std::ops::Range;

use hcl_edit::parser::Error;

use super::joined::joined;

/// How many of a text's keys may be written twice.
const MOST: usize = 100;

/// Parses a text: as it stands, or else without the line breaks that mean nothing. What is wrong is told of it as it stands.
pub(super) fn parsed<T>(text: &str, parse: impl Fn(&str) -> Result<T, Error>) -> Result<T, Error> {
    renamed(text, &parse).or_else(|error| renamed(&joined(text), &parse).map_err(|_| error))
}

/// Parses a text, with each key that is written twice under another name.
fn renamed<T>(text: &str, parse: &impl Fn(&str) -> Result<T, Error>) -> Result<T, Error> {
    let mut tried = text.to_owned();
    for nth in 0..MOST {
        match parse(&tried) {
            Err(error) if error.message().contains("redefined object key") => {
                let Some(key) = word(&tried, error.location().offset()) else { return Err(error) };
                let name: String = (0..key.len()).scan(nth, |rest, _| Some(letter(rest))).collect();
                tried.replace_range(key, &name);
            }
            found => return found,
        }
    }
    parse(&tried)
}

fn letter(rest: &mut usize) -> char {
    let letter = ('a'..='z').nth(*rest % 26).unwrap_or('a');
    *rest /= 26;
    letter
}

/// The place of a key that is a word, in quotes or not.
fn word(text: &str, at: usize) -> Option<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let quoted = text.as_bytes().get(at) == Some(&b'"');
    let start = at + usize::from(quoted);
    let len = text.as_bytes().get(start..)?.iter().take_while(|byte| is_part(byte)).count();
    let closes = !quoted || text.as_bytes().get(start + len) == Some(&b'"');
    (len > 0 && closes).then(|| start..start + len)
}

/// A key as it stands in the text: the word at a place, without its quotes.
pub(super) fn written(text: &str, range: Range<usize>) -> Option<&str> {
    let key = word(text, range.start)?;
    (key.end + (key.start - range.start) == range.end).then(|| &text[key])
}
