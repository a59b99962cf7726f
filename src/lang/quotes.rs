//! Where a quoted text was left open, once a file cannot be read.
//!
//! Invariant: a parser reads on to the next quote, which is that of another text, and complains somewhere behind it; this looks
//! at lines, comments, heredocs and insertions only, and never judges a file that can be read.

/// A quoted text that does not end on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// Where its quote stands.
    pub at: usize,
    /// Whether one of its insertions is open there, so that it may be that which is not closed.
    pub inserting: bool,
}

/// What a place is in.
enum Inside {
    /// A quoted text, from its quote on.
    Quote(usize),
    /// An insertion of one, and how many braces are open in it.
    Insertion(usize),
}

/// The first quoted text that does not end on its line.
pub(super) fn left_open(text: &str) -> Option<Open> {
    let mut stack: Vec<Inside> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        let step = match stack.last_mut() {
            Some(Inside::Quote(_)) => match rest {
                [b'\n', ..] => return open(&stack, text, at),
                [b'\\', ..] => 2,
                [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => 3,
                [b'$' | b'%', b'{', ..] => {
                    stack.push(Inside::Insertion(0));
                    2
                }
                [b'"', ..] => {
                    stack.pop();
                    1
                }
                _ => 1,
            },
            inside => match rest {
                [b'#', ..] | [b'/', b'/', ..] => until(text, at, "\n"),
                [b'/', b'*', ..] => until(text, at, "*/"),
                [b'<', b'<', ..] => heredoc(&text[at..]).unwrap_or(2),
                [b'"', ..] => {
                    stack.push(Inside::Quote(at));
                    1
                }
                [b'{', ..] => {
                    if let Some(Inside::Insertion(depth)) = inside {
                        *depth += 1;
                    }
                    1
                }
                [b'}', ..] => {
                    match inside {
                        Some(Inside::Insertion(0)) => drop(stack.pop()),
                        Some(Inside::Insertion(depth)) => *depth -= 1,
                        _ => {}
                    }
                    1
                }
                _ => 1,
            },
        };
        at += step;
    }
    open(&stack, text, text.len())
}

/// The outermost of the open texts that began on the line that ends here.
fn open(stack: &[Inside], text: &str, end: usize) -> Option<Open> {
    let line = text.as_bytes()[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut quotes = stack.iter().filter_map(|inside| match inside {
        Inside::Quote(at) if *at >= line => Some(*at),
        _ => None,
    });
    let at = quotes.next()?;
    Some(Open { at, inserting: quotes.next().is_some() })
}

/// How far it is to the end of something, that included.
pub(super) fn until(text: &str, at: usize, end: &str) -> usize {
    text[at..].find(end).map_or(text.len() - at, |found| found + end.len())
}

/// The length of a heredoc, its last line included.
pub(super) fn heredoc(text: &str) -> Option<usize> {
    let (first, _) = text.split_once('\n')?;
    let mark = first[2..].trim_start_matches('-').trim_end();
    if mark.is_empty() || !mark.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return None;
    }
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        length += line.len();
        if line.trim() == mark {
            return Some(length);
        }
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quote_that_is_not_closed_is_found_on_its_line() {
        for (text, expected) in [
            ("a = \"b\"\nc = \"d\nd = \"e\"\n", Some((12, false))),
            ("a = \"b", Some((4, false))),
            ("a = \"${b}\"\n", None),
            ("a = \"${b\"\nc = \"d\"\n", Some((4, true))),
            ("a = \"${f({\n  b = \"c\"\n})}\"\n", None),
            ("# don't say \"x\na = 1 // \"y\n/* \"z\n */ b = \"ü\"\n", None),
            ("a = <<-EOT\n  say \"x\n  EOT\nb = \"c\n", Some((30, false))),
            ("a = \"$${\"\nb = \"%{ if x }y%{ endif }\"\nc = \"\\\"\"\n", None),
        ] {
            let found = left_open(text).map(|open| (open.at, open.inserting));
            assert_eq!(found, expected, "{text}");
        }
    }
}
