//! The parser's errors in plain words, at the place where they are best shown.
//!
//! Invariant: the parser's own words are passed on only where nothing better is known.

use super::outline::{lines, open_heredoc};
use crate::quotes;

pub(super) fn unclosed_text(open: quotes::Open) -> String {
    let missing = if open.inserting { "the `}` of one of its insertions, or its closing quote," } else { "the closing quote" };
    format!("A quoted text ends on its line: {missing} is missing.")
}

/// Where the parser's error is best shown, and what it says in plain words.
pub(super) fn explained(error: &hcl_edit::parser::Error, text: &str) -> (usize, String) {
    let mut at = error.location().offset().min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    if let Some(mark) = open_heredoc(before) {
        let end = lines(&text[at..]).find(|(_, line)| line.trim() == mark);
        return match end {
            Some((end, _)) => (at + end, "The heredoc ends here, but one of its `${` or `%{` is not closed, or closed wrongly.".to_owned()),
            None => (text.len(), format!("A heredoc is not closed: a line with `{mark}` alone is missing.")),
        };
    }
    if error.message().contains("escape sequence") {
        return (before.rfind('\\').unwrap_or(at), plain_message(error, text));
    }
    if error.message().contains("traversal operator") {
        // The parser has skipped white space after a dot; the dot is what is wrong.
        return (before.trim_end().len().saturating_sub(1), "A name or an index is expected after the dot.".to_owned());
    }
    (at, plain_message(error, text))
}

/// The parser's message in plain words.
fn plain_message(error: &hcl_edit::parser::Error, text: &str) -> String {
    let at = error.location().offset().min(text.len());
    let found = text.get(at..).and_then(|rest| rest.chars().next());
    let message = error.message();
    let (what, expected) = message.split_once("; expected ").unwrap_or((message, ""));
    let found = match found {
        None => "the end of the file".to_owned(),
        Some('\n' | '\r') => "the end of the line".to_owned(),
        Some(c @ ('“' | '”' | '‘' | '’' | '\'' | '`')) => {
            return format!("`{c}` is no quote here: a text stands between straight double quotes (\").");
        }
        Some(c) => format!("`{c}`"),
    };
    if what.contains("nesting depth") || what.contains("binary operation") && expected.contains("at most") {
        return format!("This is too complex: {expected}.");
    }
    if expected.contains("redefined attribute") {
        return "This argument is written twice.".to_owned();
    }
    if what.contains("escape sequence") {
        return "This escape is unknown: a text knows \\n, \\r, \\t, \\\\, \\\", \\uXXXX and \\UXXXXXXXX.".to_owned();
    }
    if what.contains("expression") {
        return format!("An expression is expected here, not {found}.");
    }
    match expected.trim_start_matches("expected ") {
        "" => format!("This is not understood: {found}."),
        expected => format!("Expected {expected} here, found {found}."),
    }
}
