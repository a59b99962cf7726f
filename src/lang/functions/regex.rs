//! Functions with regular expressions.
//!
//! Invariant: the dialect is RE2's, as Terraform's is: what `\d`, `\w`, `\s` and `\b` fit is ASCII, and a match takes time in
//! proportion to the text.

use std::collections::BTreeMap;

use regex::{Captures, Regex};

use super::{Args, FnError, Function, Outcome, Param, Want, function, list, text};
use crate::value::{Data, Val};
use dofloat_base::types::Type;

const PARAMS: &[Param] = &[text("expression"), text("text")];

pub(super) const TABLE: &[Function] = &[
    function("regex", PARAMS, Want::Any, first, "Gives the first match of an expression: the text, or its groups."),
    function("regexall", PARAMS, Want::List, all, "Gives all matches of an expression."),
];

/// Reads an expression in RE2's dialect.
pub(super) fn compile(expression: &str) -> Result<Regex, String> {
    Regex::new(&translate(expression)).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("the regular expression is wrong: {reason}")
    })
}

/// From RE2's dialect to the library's, which has nested classes, Unicode's digits and other things more.
fn translate(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len() + 16);
    let mut rest = expression;
    let mut class = false;
    while let Some(letter) = rest.chars().next() {
        let tail = &rest[letter.len_utf8()..];
        let mut used = letter.len_utf8();
        match letter {
            '\\' => used += escape(tail, class, &mut out),
            '[' if class && !tail.starts_with(':') => out.push_str("\\["),
            '[' if class => {
                let end = tail.find(":]").map_or(0, |end| end + 2);
                out.push('[');
                out.push_str(&tail[..end]);
                used += end;
            }
            '[' => {
                class = true;
                out.push('[');
                // A bracket that closes right at the beginning is a letter like others.
                for start in ["^", "]"] {
                    if rest[used..].starts_with(start) {
                        out.push_str(if start == "]" { "\\]" } else { start });
                        used += 1;
                    }
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '&' | '~' | '-' if class && tail.starts_with(letter) => out.extend(['\\', letter]),
            '{' if !class && !counts(tail) => out.push_str("\\{"),
            other => out.push(other),
        }
        rest = &rest[used..];
    }
    out
}

/// What follows a backslash, and how many bytes of it were read.
fn escape(tail: &str, class: bool, out: &mut String) -> usize {
    let Some(escaped) = tail.chars().next() else {
        out.push('\\');
        return 0;
    };
    match (escaped, class) {
        ('d', false) => out.push_str("[0-9]"),
        ('d', true) => out.push_str("0-9"),
        ('D', _) => out.push_str("[^0-9]"),
        ('w', false) => out.push_str("[0-9A-Za-z_]"),
        ('w', true) => out.push_str("0-9A-Za-z_"),
        ('W', _) => out.push_str("[^0-9A-Za-z_]"),
        ('s', false) => out.push_str("[\\t\\n\\f\\r ]"),
        ('s', true) => out.push_str("\\t\\n\\f\\r "),
        ('S', _) => out.push_str("[^\\t\\n\\f\\r ]"),
        ('b', false) => out.push_str("(?-u:\\b)"),
        ('<' | '>', _) => out.push(escaped),
        ('Q', false) => {
            let quoted = &tail[1..];
            let end = quoted.find("\\E");
            out.push_str(&regex::escape(&quoted[..end.unwrap_or(quoted.len())]));
            return 1 + end.map_or(quoted.len(), |end| end + 2);
        }
        ('p' | 'P' | 'x', _) if tail[1..].starts_with('{') => {
            let end = tail.find('}').map_or(tail.len(), |end| end + 1);
            out.push('\\');
            out.push_str(&tail[..end]);
            return end;
        }
        _ => out.extend(['\\', escaped]),
    }
    escaped.len_utf8()
}

/// Whether what follows an opening brace makes it a count: `3}`, `3,}` or `3,5}`.
fn counts(tail: &str) -> bool {
    let Some((inside, _)) = tail.split_once('}') else { return false };
    let (from, to) = inside.split_once(',').unwrap_or((inside, ""));
    !from.is_empty() && from.bytes().chain(to.bytes()).all(|byte| byte.is_ascii_digit())
}

/// What a match gives: its text, a tuple of its groups, or an object of its named groups.
enum Shape {
    Whole,
    Groups(usize),
    Names(Vec<String>),
}

impl Shape {
    fn of(expression: &Regex) -> Result<Self, FnError> {
        let names: Vec<Option<&str>> = expression.capture_names().skip(1).collect();
        let named: Vec<String> = names.iter().flatten().map(|name| (*name).to_owned()).collect();
        match (names.len(), named.len()) {
            (0, _) => Ok(Self::Whole),
            (all, 0) => Ok(Self::Groups(all)),
            (all, some) if all == some => Ok(Self::Names(named)),
            _ => Err(FnError::call("either all groups of the expression have names, or none has")),
        }
    }

    fn ty(&self) -> Type {
        match self {
            Self::Whole => Type::String,
            Self::Groups(count) => Type::Tuple(vec![Type::String; *count]),
            Self::Names(names) => Type::Object(names.iter().map(|name| (name.clone(), Type::String)).collect()),
        }
    }

    fn val(&self, found: &Captures<'_>) -> Val {
        let group =
            |group: Option<regex::Match<'_>>| group.map_or_else(|| Data::Null(Type::String).into(), |group| Val::string(group.as_str()));
        match self {
            Self::Whole => group(found.get(0)),
            Self::Groups(count) => Val::tuple((1..=*count).map(|at| group(found.get(at))).collect()),
            Self::Names(names) => Val::object(names.iter().map(|name| (name.clone(), group(found.name(name)))).collect::<BTreeMap<_, _>>()),
        }
    }
}

fn prepare(args: &Args<'_>) -> Result<(Regex, Shape), FnError> {
    let expression = compile(args.text(0)).map_err(|message| FnError::arg(0, message))?;
    let shape = Shape::of(&expression)?;
    Ok((expression, shape))
}

fn first(args: &Args<'_>) -> Outcome {
    let (expression, shape) = prepare(args)?;
    let found = expression.captures(args.text(1)).ok_or_else(|| FnError::call("the expression does not match the text"))?;
    Ok(shape.val(&found))
}

fn all(args: &Args<'_>) -> Outcome {
    let (expression, shape) = prepare(args)?;
    Ok(list(shape.ty(), expression.captures_iter(args.text(1)).map(|found| shape.val(&found)).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse};

    #[test]
    fn matches() {
        check(&[
            ("regex", r#"["(\\d+)-(\\d+)", "10-20"]"#, r#"["10","20"]"#),
            ("regex", r#"["(?P<a>x)|(?P<b>y)", "y"]"#, r#"{"a":null,"b":"y"}"#),
            ("regex", r#"["\\p{L}+", "1é日2"]"#, "\"é日\""),
            ("regex", r#"["[[:alpha:]_]+", "12ab_3"]"#, r#""ab_""#),
            ("regex", r#"["[]a[||-]+", "x[]|a-"]"#, r#""[]|a-""#),
            ("regex", r#"["\\d+", "٣5"]"#, r#""5""#),
            ("regex", r#"["[\\d\\s]+", "a5 6"]"#, r#""5 6""#),
            ("regex", r#"["\\Q.*\\E{", "a.*{"]"#, r#"".*{""#),
            ("regex", r#"["a{2,3}", "aaaa"]"#, r#""aaa""#),
            ("regexall", r#"["x*", "axb"]"#, r#"["","x",""]"#),
            ("regexall", r#"["(a)|b", "ab"]"#, r#"[["a"],[null]]"#),
            ("regexall", r#"["\\bé", "é"]"#, "[]"),
        ]);
        refuse(&[
            ("regex", r#"["(", "a"]"#),
            ("regex", r#"["[", "a"]"#),
            ("regex", r#"["\\", "a"]"#),
            ("regex", r#"["(?=a)", "a"]"#),
            ("regex", r#"["(a)\\1", "aa"]"#),
            ("regex", r#"["(?P<a>x)(y)", "xy"]"#),
            ("regex", r#"["a{3,2}", "a"]"#),
            ("regex", r#"["((a{100}){100}){100}", "a"]"#),
            ("regex", r#"["[a-z]+", "123"]"#),
        ]);
    }
}
