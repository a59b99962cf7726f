//! The page of a resource type or data source: an example, its attributes, how it is imported, which token scopes it needs.
//!
//! Invariant: pure; all of it comes from the attribute table and the example, so it cannot say anything that does not hold. One
//! text is read on a terminal and as Markdown: lists rather than tables, lines of eighty columns.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use dofloat_kinds::attr::{Attr, Change, Lit, Presence, Secrecy, Ty};
use dofloat_kinds::examples::Example;
use dofloat_kinds::valid::Valid;

/// The width of a line.
const WIDTH: usize = 80;

/// What a page is made of: a resource type, or the data source of its name.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The heading: "Resource" or "Data source".
    pub title: &'static str,
    /// What it is, and a block of it.
    pub example: Example,
    /// The attribute table.
    pub rows: &'a [Attr],
    /// What is worth knowing of all its attributes.
    pub remark: &'static str,
    /// What an object is imported by; nothing for what cannot be imported.
    pub import: Option<String>,
    /// The token scopes, by what is done.
    pub scopes: Vec<(&'static str, BTreeSet<&'static str>)>,
}

/// The page of a name.
#[must_use]
pub fn page(name: &str, subjects: &[Subject<'_>]) -> String {
    let parts = subjects.iter().map(section);
    format!("# {name}\n\n{}", parts.collect::<Vec<_>>().join("\n"))
}

/// A line of a list of pages: the name, and what it is.
#[must_use]
pub fn entry(name: &str, what: &str) -> String {
    wrapped(&format!("- {name}: {what}"), "  ")
}

fn section(subject: &Subject<'_>) -> String {
    let mut text = format!("## {}\n\n{}\n", subject.title, wrapped(&subject.example.what, ""));
    let _ = write!(text, "```hcl\n{}\n```\n\n", subject.example.text);
    for (heading, presence) in [("Required", Some(Presence::Required)), ("Optional", None), ("Read-only", Some(Presence::Computed))] {
        let is_here = |row: &&Attr| presence.map_or_else(|| is_optional(row), |presence| row.presence == presence);
        let rows: Vec<&Attr> = subject.rows.iter().filter(is_here).collect();
        if !rows.is_empty() {
            let _ = writeln!(text, "### {heading}\n\n{}", rows.into_iter().map(|row| item(row, false)).collect::<String>());
        }
    }
    if !subject.remark.is_empty() {
        let _ = writeln!(text, "{}", wrapped(subject.remark, ""));
    }
    nested("", subject.rows, &mut text);
    if let Some(import) = &subject.import {
        let _ = writeln!(text, "### Import\n\n```sh\ndofloat import {} {import}\n```\n", subject.example.address);
    }
    let needed: Vec<_> = subject.scopes.iter().filter(|(_, scopes)| !scopes.is_empty()).collect();
    if !needed.is_empty() {
        text.push_str("### Token scopes\n\n");
        for (what, scopes) in needed {
            let scopes: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
            text.push_str(&wrapped(&format!("- {what}: {}", scopes.join(", ")), "  "));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

const fn is_optional(row: &Attr) -> bool {
    matches!(row.presence, Presence::Optional | Presence::OptionalComputed)
}

/// The blocks and objects in these rows, each with a heading by which it is found: `inbound_rule`, `spec.service`.
fn nested(within: &str, rows: &[Attr], text: &mut String) {
    for row in rows {
        let inner = if let Ty::Object(inner) = row.ty { Some(inner) } else { row.inner() };
        let Some(inner) = inner else { continue };
        let path = if within.is_empty() { row.name.to_owned() } else { format!("{within}.{}", row.name) };
        let _ = writeln!(text, "### {path}\n\n{}", inner.iter().map(|row| item(row, true)).collect::<String>());
        nested(&path, inner, text);
    }
}

/// One attribute; where no heading says who sets it, it does.
fn item(row: &Attr, says_who: bool) -> String {
    let mut facts = vec![kind_of(row)];
    match row.presence {
        Presence::Required if says_who => facts.push("required".to_owned()),
        Presence::Computed if says_who => facts.push("read-only".to_owned()),
        _ => {}
    }
    match row.secrecy {
        Secrecy::Open => {}
        Secrecy::Hidden => facts.push("kept as a digest".to_owned()),
        Secrecy::Sensitive => facts.push("sensitive".to_owned()),
    }
    if row.sealed {
        facts.push("sensitive".to_owned());
    }
    let mut text = format!("- `{}` ({}): {}", row.name, facts.join(", "), capitalised(row.doc));
    for said in [default(row), valid(row), change(row), scopes(row)].into_iter().flatten() {
        text.push(' ');
        text.push_str(&said);
    }
    wrapped(&text, "  ")
}

/// The type, as it is written.
fn kind_of(row: &Attr) -> String {
    match row.ty {
        Ty::List(Ty::Object(_)) if row.block && row.wire.single => "block".to_owned(),
        Ty::List(Ty::Object(_)) if row.block => "blocks, in order".to_owned(),
        Ty::Set(Ty::Object(_)) if row.block => "blocks".to_owned(),
        ty => type_of(ty),
    }
}

fn type_of(ty: Ty) -> String {
    match ty {
        Ty::Bool => "bool".to_owned(),
        Ty::Number => "number".to_owned(),
        Ty::String => "string".to_owned(),
        Ty::List(item) => format!("list of {}", type_of(*item)),
        Ty::Set(item) => format!("set of {}", type_of(*item)),
        Ty::Map(item) => format!("map of {}", type_of(*item)),
        Ty::Object(_) => "object".to_owned(),
        Ty::Any => "any type".to_owned(),
    }
}

fn default(row: &Attr) -> Option<String> {
    match row.default {
        Some(Lit::Bool(value)) => Some(format!("Default: `{value}`.")),
        Some(Lit::Int(value)) => Some(format!("Default: `{value}`.")),
        Some(Lit::Str(value)) => Some(format!("Default: `\"{value}\"`.")),
        None => (row.presence == Presence::OptionalComputed).then(|| "Chosen by the API where it is not set.".to_owned()),
    }
}

fn valid(row: &Attr) -> Option<String> {
    if !row.settable() {
        return None;
    }
    match row.valid {
        Valid::Any => None,
        Valid::OneOf(words) => Some(format!("One of {}.", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))),
        Valid::OneOfNumbers(all) => Some(format!("One of {}.", all.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))),
        Valid::Between(least, most) => Some(format!("From {least} to {most}.")),
        Valid::UpTo(most) => Some(format!("Up to {most} characters.")),
        Valid::Form(_, looks) | Valid::Asked(_, looks) => Some(looks.to_owned()),
    }
}

fn change(row: &Attr) -> Option<String> {
    let said = match row.change {
        _ if !row.settable() => return None,
        Change::Replace => "**A change forces replacement.**",
        Change::Disruptive(_) => "A change interrupts the object.",
        Change::Enable(_) => "Can be turned on in place; **turning it off forces replacement.**",
        Change::Grow(_) => "Can grow in place; **any other change forces replacement.**",
        Change::InPlace(_) | Change::Local | Change::Never => return None,
    };
    Some(said.to_owned())
}

fn scopes(row: &Attr) -> Option<String> {
    let named: BTreeSet<&str> = row.scopes.iter().copied().collect();
    let named: Vec<String> = named.into_iter().map(|scope| format!("`{scope}`")).collect();
    (!named.is_empty() && row.settable()).then(|| format!("Where it is set, the token needs {}.", named.join(", ")))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// The text in lines of the width, those after the first indented, with the end of its last line. Code in backticks stays in one line.
fn wrapped(text: &str, indent: &str) -> String {
    let (mut lines, mut line, mut code) = (Vec::new(), String::new(), false);
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if code => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        code ^= word.matches('`').count() % 2 == 1;
    }
    for word in words {
        let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if is_full && !line.trim().is_empty() {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        } else if !line.trim().is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_never_in_code() {
        let text = format!("- `a` {} `b = 1`", "word ".repeat(14).trim());
        let lines: Vec<String> = wrapped(&text, "  ").lines().map(str::to_owned).collect();
        assert_eq!(lines, [format!("- `a` {}", "word ".repeat(14).trim()), "  `b = 1`".to_owned()]);
        assert_eq!(wrapped("one", ""), "one\n");
    }

    #[test]
    fn an_attribute_says_what_a_change_of_it_brings_about() {
        let row = Attr::optional("size", Ty::String, Change::Replace, "The size.").default(Lit::Str("s")).valid(Valid::OneOf(&["s", "m"]));
        let expected = "- `size` (string): The size. Default: `\"s\"`. One of `s`, `m`. **A change forces\n  replacement.**\n";
        assert_eq!(item(&row, false), expected);
        let row = Attr::required("key", Ty::String, Change::Local, "the key.").sensitive();
        assert_eq!(item(&row, true), "- `key` (string, required, sensitive): The key.\n");
    }
}
