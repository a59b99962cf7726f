//! Diagnostics: what is wrong, where in the user's file, and what to do next.
//!
//! Invariant: plain data. Rendering is the ui's business; a diagnostic never holds a secret.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// A piece of a source file, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// The file as it is shown to the user, for example `plans/web.tf`.
    pub file: Arc<str>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The command fails.
    Error,
    /// The command goes on, and this is to be read before all else.
    Alarm,
    /// The command goes on.
    Warning,
    /// Nothing is wrong; it is good to know.
    Note,
}

/// One message to the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, one sentence in the present tense.
    pub message: String,
    /// Where, if it is in a file.
    pub span: Option<Span>,
    /// Which resource it concerns, if one.
    pub address: Option<String>,
    /// Further places that belong to it, each with a few words.
    pub related: Vec<(Span, String)>,
    /// What to do next.
    pub hint: Option<String>,
}

/// The longest message, in bytes.
const LONGEST_MESSAGE: usize = 2000;

fn shortened(message: String) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message;
    }
    let (head, tail) = (message.floor_char_boundary(LONGEST_MESSAGE / 2), message.ceil_char_boundary(message.len() - LONGEST_MESSAGE / 4));
    format!("{} … {}", &message[..head], &message[tail..])
}

impl Diagnostic {
    /// An error without position. Of a message that quotes a very long text, the middle is left out.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: shortened(message.into()), span: None, address: None, related: Vec::new(), hint: None }
    }

    /// A warning without position.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// A note without position.
    pub fn note(message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(message) }
    }

    /// The same, to be read before all else.
    #[must_use]
    pub fn alarm(mut self) -> Self {
        self.severity = Severity::Alarm;
        self
    }

    /// The same at a position.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, about a resource.
    #[must_use]
    pub fn about(mut self, address: impl fmt::Display) -> Self {
        self.address = Some(address.to_string());
        self
    }

    /// The same with a further place.
    #[must_use]
    pub fn related(mut self, span: Span, words: impl Into<String>) -> Self {
        self.related.push((span, words.into()));
        self
    }

    /// The same, as a warning.
    #[must_use]
    pub fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Whether it is to be read before all else.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        self.severity == Severity::Alarm
    }

    /// Whether it is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The name among `known` that a mistyped `word` most likely means.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known.into_iter().map(|name| (distance(word, name), name)).filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}

/// The number of letters to insert, delete, replace, or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_quotes_a_book_is_cut_in_the_middle() {
        let message = Diagnostic::error(format!("There is no \"{}\" here.", "ä".repeat(1_000_000))).message;
        assert!(message.len() < 2000 && message.starts_with("There is no \"ä") && message.ends_with("ä\" here."), "{message}");
    }

    #[test]
    fn a_slip_of_the_hand_is_understood() {
        let known = ["region", "image", "size", "user_data"];
        assert_eq!(did_you_mean("regoin", known), Some("region"));
        assert_eq!(did_you_mean("userdata", known), Some("user_data"));
        assert_eq!(did_you_mean("colour", known), None);
    }
}
