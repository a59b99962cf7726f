//! Text in lines of a width.
//!
//! Invariant: pure; no word is broken, and none is lost.

/// The text in lines: the first begins with `first`, all others with as many spaces. A word that is longer than a line stands alone.
#[must_use]
pub fn wrap(text: &str, first: &str, width: usize) -> String {
    let indent = first.chars().count();
    hang(text, first, &" ".repeat(indent), width)
}

/// The same, where the other lines begin with `others`.
#[must_use]
pub fn hang(text: &str, first: &str, others: &str, width: usize) -> String {
    let mut lines = vec![first.to_owned()];
    let mut is_begun = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if is_begun && line + 1 + word.chars().count() > width {
            lines.push(others.to_owned());
            is_begun = false;
        }
        if let Some(line) = lines.last_mut() {
            if is_begun {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_begun = true;
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_lines_within_the_width() {
        assert_eq!(wrap("one two three", "- ", 9), "- one two\n  three");
        assert_eq!(wrap("a averyverylongword b", "", 6), "a\naveryverylongword\nb");
        assert_eq!(hang("one two", "  # ", "  # ", 8), "  # one\n  # two");
        assert_eq!(wrap("", "- ", 9), "- ");
    }
}
