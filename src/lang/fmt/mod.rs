//! `fmt`: a text of the language as it is usually written, by editing its tokens' places.
//!
//! Invariant: what cannot be read is left alone; what is written means the same. It must not know files.

mod layout;
mod rewrite;
mod token;

use super::syntax;
use dofloat_base::diag::Diagnostic;

/// The text in its usual form.
///
/// # Errors
/// What keeps the text from being read.
pub fn format(name: &str, text: &str) -> Result<String, Vec<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    syntax::body(name, text)?;
    let formatted = layout::laid_out(&rewrite::modern(&token::tokens(text)));
    // A template so strange that its tokens were misread is better left as it is than broken.
    Ok(if syntax::body(name, &formatted).is_ok() { formatted } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(text: &str) -> String {
        format("a.tf", text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
    }

    #[test]
    fn tokens_and_spaces_are_the_text() {
        for text in [
            "a = \"x${ b[\"c\"] }y\" # c\r\n\tb { c = 1 }\n",
            "a = <<-EOT\n  x ${ f( 1 ) ~}\n  %{ if b }$${%{ else }\\${c}%{ endif ~}\n  EOT\n/* d\n */ e = {}",
            "a = 1.5e-3 ... :: ~ é_\u{301} => \"\\\"é\"\n",
        ] {
            let all = token::tokens(text);
            let joined: String = all.iter().flat_map(|token| [token.space, token.text]).collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn only_spaces_change_but_for_what_is_old() {
        let text = "resource \"k\" \"n\" {\na=f( 1 ,- b)\n  dd  = [ for x in y:x if (x) ] // e\n}\n";
        assert_eq!(formatted(text), "resource \"k\" \"n\" {\n  a  = f(1, -b)\n  dd = [for x in y : x if (x)] // e\n}\n");
        assert_eq!(formatted("variable a {\n  type = \"string\"\n}\nb = \"${c}\"\n"), "variable \"a\" {\n  type = string\n}\nb = c\n");
    }

    #[test]
    fn a_value_that_needs_its_quotes_keeps_them() {
        for text in ["a = \"${b}${c}\"\n", "a = \"${\n  b\n}\"\n", "a = [\"${b}\"]\n", "a = { b = \"${c}\" }\n"] {
            assert_eq!(formatted(text), text);
        }
    }

    #[test]
    fn a_heredoc_keeps_its_text() {
        let text = "a = <<-EOT\n   x\n\n     ${f( [\n        1\n    ] )}   \n   EOT\n";
        assert_eq!(formatted(text), "a = <<-EOT\n   x\n\n     ${f([\n        1\n    ])}   \n   EOT\n");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["a {\n", "a = 'x'\n", "a = 1 b = 2\n", "a = 1\na = 2\n", "a = foo.\n"] {
            assert!(format("a.tf", text).is_err(), "{text}");
        }
    }
}
