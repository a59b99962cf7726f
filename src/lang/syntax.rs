//! From text to the syntax tree. Only here, and in the formatter, is hcl_edit named.
//!
//! Invariant: every syntax error of a file that can be told apart is reported, at most one a top-level block; all places
//! are bytes of the file as it stands on disk. It must not know what any block means.

mod explain;
mod expression;
mod joined;
mod lenient;
mod outline;
mod source;
mod template;

use super::ast::{Body, Expr};
use super::quotes;
use dofloat_base::diag::Diagnostic;
use explain::{explained, unclosed_text};
use outline::{headers, last_header, next_char, unclosed};
use source::{Source, Style};

/// How many syntax errors of one file are reported.
const MOST_ERRORS: usize = 20;

/// Reads a file in native syntax.
///
/// # Errors
/// The syntax errors; what could be read is lost then.
pub fn body(file: &str, text: &str) -> Result<Body, Vec<Diagnostic>> {
    let (found, errors) = body_partly(file, text);
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// Reads a file as far as it can be read: the blocks without errors, and the errors.
#[must_use]
pub fn body_partly(file: &str, text: &str) -> (Body, Vec<Diagnostic>) {
    let mut source = Source::new(file, text, 0);
    let mut found = Body::default();
    let mut pos = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while pos < text.len() {
        let rest = &text[pos..];
        source.base = pos;
        let Err((at, message)) = source.parse_into(&mut found, rest) else { break };
        let open_quote = quotes::left_open(rest).filter(|open| open.at <= at && !message.contains("heredoc"));
        let (block, at, message) = match (open_quote, unclosed(rest)) {
            (Some(open), _) => (last_header(rest, open.at), open.at, unclosed_text(open)),
            (None, Some(open)) if open <= at && !message.contains("heredoc") => {
                (open, open, "This block is not closed: its `}` is missing.".to_owned())
            }
            // At the end of the text it is a brace that is missing, and nobody can say where but in the last block.
            _ if at >= rest.trim_end().len() && !message.contains("heredoc") => {
                let open = last_header(rest, at);
                (open, open, "This block is not closed: a `}` is missing in it.".to_owned())
            }
            _ => (last_header(rest, at), at, message),
        };
        // What stands before the broken block is fine and is read on its own.
        let _ = source.parse_into(&mut found, &rest[..block]);
        source.error(at..next_char(rest, at), message);
        if source.errors.len() >= MOST_ERRORS {
            break;
        }
        match headers(rest).find(|header| *header > block.max(at)) {
            Some(next) => pos += next,
            None => break,
        }
    }
    (found, source.errors)
}

/// Reads one expression; `base` is where the text stands in the file, for positions.
///
/// # Errors
/// The syntax errors.
pub fn expression(file: &str, text: &str, base: usize) -> Result<Expr, Vec<Diagnostic>> {
    let mut source = Source::new(file, text, base);
    let trimmed = text.trim();
    let lead = text.len() - text.trim_start().len();
    source.base += lead;
    source.text = trimmed;
    match lenient::parsed(trimmed, hcl_edit::parser::parse_expr) {
        Ok(parsed) => {
            let expr = source.expr(&parsed, 0..trimmed.len());
            if source.errors.is_empty() { Ok(expr) } else { Err(source.errors) }
        }
        Err(error) => {
            let (at, message) = explained(&error, trimmed);
            source.error(at..next_char(trimmed, at), message);
            Err(source.errors)
        }
    }
}

/// Reads a text as a template, as `templatefile` does: no quotes, no escapes but `$${` and `%%{`.
///
/// # Errors
/// The syntax errors.
pub fn template(file: &str, text: &str) -> Result<Expr, Vec<Diagnostic>> {
    let mut source = Source::new(file, text, 0);
    match lenient::parsed(text, hcl_edit::parser::parse_template) {
        Ok(parsed) => {
            let expr = source.template(&parsed, 0..text.len(), Style::Bare);
            if source.errors.is_empty() { Ok(expr) } else { Err(source.errors) }
        }
        Err(error) => {
            let (at, message) = explained(&error, text);
            source.error(at..next_char(text, at), message);
            Err(source.errors)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ast::{Kind, Part};
    use super::super::value::{Data, Val};
    use super::*;

    fn text_of(source: &str) -> Result<String, Vec<Diagnostic>> {
        let expr = expression("t.tf", source, 0)?;
        Ok(match expr.kind {
            Kind::Literal(Val { data: Data::String(text), .. }) => text.to_string(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn heredocs_lose_their_common_indentation() {
        for (source, expected) in [
            ("<<EOT\n  a\nEOT", "  a\n"),
            ("<<-EOT\n    four\n  two\n      six\n  EOT", "  four\ntwo\n    six\n"),
            ("<<-EOT\n    a\n  \n    b\n    EOT", "a\n  \nb\n"),
            ("<<-EOT\r\n    a\r\n      b\r\n    EOT", "a\r\n  b\r\n"),
            ("<<EOT\n$${x} %%{y} $$$\nEOT", "${x} %{y} $$$\n"),
        ] {
            assert_eq!(text_of(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn several_errors_of_one_file_are_found() {
        let text = "variable \"a\" {\n  default = \n}\nlocals {\n  fine = 1\n}\noutput \"b\" {\n  value = [1, 2\n}\noutput \"c\" {\n  value = 1\n}\n";
        let (body, errors) = body_partly("t.tf", text);
        assert_eq!(errors.len(), 2, "{errors:?}");
        let lines: Vec<_> = errors.iter().filter_map(|e| e.span.as_ref()).map(|s| text[..s.start].matches('\n').count() + 1).collect();
        assert_eq!(lines, [2, 9]);
        assert_eq!(body.blocks.iter().map(|b| b.kind.as_str()).collect::<Vec<_>>(), ["locals", "output"]);
    }

    #[test]
    fn a_block_that_is_not_closed_is_named_at_its_head() {
        let (_, errors) = body_partly("t.tf", "locals {\n  a = 1\noutput \"c\" {\n  value = 1\n}\n");
        assert_eq!(errors.iter().map(|e| e.span.as_ref().map(|s| s.start)).collect::<Vec<_>>(), [Some(0)]);
    }

    #[test]
    fn places_are_bytes_of_the_file() -> Result<(), Vec<Diagnostic>> {
        let text = "\u{feff}locals {\r\n  é = \"ü${ var.x }\"\r\n}\r\n";
        let body = body("t.tf", text)?;
        let value = &body.blocks[0].body.attrs[0].value;
        assert_eq!(&text[value.span.start..value.span.end], "\"ü${ var.x }\"");
        let Kind::Template(parts) = &value.kind else { panic!("{value:?}") };
        let Part::Insert(insert) = &parts[1] else { panic!("{parts:?}") };
        assert_eq!(&text[insert.span.start..insert.span.end], "var.x");
        Ok(())
    }
}
