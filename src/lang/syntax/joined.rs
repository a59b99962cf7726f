//! Line breaks that mean nothing: between brackets, in insertions and in a `for` between braces. The parser minds some of them.
//!
//! Invariant: what is parsed in place of a text has the same places: a line break, and a comment with it, becomes as many spaces.
//! Quoted texts and heredocs stay as they are.

use crate::quotes::{heredoc, until};

/// What a place is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// A quoted text.
    Quote,
    /// Brackets, or braces, between which line breaks mean nothing.
    Loose,
    /// Braces between which a line break ends something.
    Lines,
}

/// The text without line breaks that mean nothing.
pub(super) fn joined(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut stack: Vec<Inside> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        let inside = stack.last().copied().unwrap_or(Inside::Lines);
        let length = if inside == Inside::Quote { quoted(rest, &mut stack) } else { code(text, at, &mut stack) };
        let end = (at + length).min(text.len());
        let is_comment = inside != Inside::Quote && matches!(rest, [b'#', ..] | [b'/', b'/' | b'*', ..]);
        if inside == Inside::Loose && (is_comment || matches!(rest, [b'\n' | b'\r', ..])) {
            bytes[at..end].fill(b' ');
        }
        at = end;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The length of what comes next in a quoted text.
fn quoted(rest: &[u8], stack: &mut Vec<Inside>) -> usize {
    match rest {
        [b'\\', ..] => 2,
        [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => 3,
        [b'$' | b'%', b'{', ..] => {
            stack.push(Inside::Loose);
            2
        }
        [b'"', ..] => {
            stack.pop();
            1
        }
        _ => 1,
    }
}

/// The length of what comes next elsewhere.
fn code(text: &str, at: usize, stack: &mut Vec<Inside>) -> usize {
    match &text.as_bytes()[at..] {
        [b'#', ..] | [b'/', b'/', ..] => until(text, at, "\n"),
        [b'/', b'*', ..] => until(text, at, "*/"),
        [b'<', b'<', ..] => heredoc(&text[at..]).unwrap_or(2),
        [b'"', ..] => {
            stack.push(Inside::Quote);
            1
        }
        [b'(' | b'[', ..] => {
            stack.push(Inside::Loose);
            1
        }
        [b'{', ..] => {
            stack.push(if begins_for(text, at + 1) { Inside::Loose } else { Inside::Lines });
            1
        }
        [b')' | b']' | b'}', ..] => {
            stack.pop();
            1
        }
        _ => 1,
    }
}

/// Whether a `for` stands first between braces.
fn begins_for(text: &str, mut at: usize) -> bool {
    loop {
        match &text.as_bytes()[at..] {
            [b' ' | b'\t' | b'\r' | b'\n', ..] => at += 1,
            [b'#', ..] | [b'/', b'/', ..] => at += until(text, at, "\n"),
            [b'/', b'*', ..] => at += until(text, at, "*/"),
            [b'f', b'o', b'r', b' ' | b'\t' | b'\r' | b'\n', ..] => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_that_mean_nothing_become_spaces() {
        for (text, expected) in [
            ("a = [1,\r\n # ü\n 2]\nb = 1\n", "a = [1,         2]\nb = 1\n"),
            ("a = {\n b = 1\n}\n", "a = {\n b = 1\n}\n"),
            ("a = {\n for k in x :\n k => {\n b = 1\n}\n}\n", "a = {  for k in x :  k => {\n b = 1\n} }\n"),
            ("a = \"${f(\n1)}\n\"\n", "a = \"${f( 1)}\n\"\n"),
            ("a = (<<E\n (\nE\n /* \n */ )\n", "a = (<<E\n (\nE\n         )\n"),
            ("a = [\"\\\"[\"]\nforge {\n}\n", "a = [\"\\\"[\"]\nforge {\n}\n"),
        ] {
            assert_eq!(joined(text), expected);
            assert_eq!(joined(text).len(), text.len());
        }
    }
}
