//! Secrets that stand written out in the user's files: an excerpt shows stars in their place.
//!
//! Invariant: a starred text has the bytes and lines of the one it stands for, so every place in it stays where it is. It works on
//! files that cannot be read, since those are what excerpts are of: names and forms tell, nothing is evaluated. References stay.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use dofloat_base::redact::Redactor;
use dofloat_base::secret::Secret;
use dofloat_kinds::attr::{Attr, Secrecy, Ty};
use regex::Regex;
use serde_json::Value as Json;

use super::rows::rows_of;

/// Words by which an argument's name tells that its value is secret.
const WORDS: [&str; 12] = [
    "token",
    "tokens",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "authkey",
    "credential",
    "credentials",
    "pat",
];
/// Parts of names that tell the same.
const PARTS: [&str; 7] = ["private_key", "secret_key", "access_key", "access_id", "api_key", "auth_key", "encryption_key"];

/// Functions whose first argument is a path: where a secret lies is none itself.
const READERS: [&str; 6] = ["file", "filebase64", "filebase64sha256", "fileexists", "pathexpand", "templatefile"];

/// Last words of names of files that hold a secret.
const PLACES: [&str; 3] = ["file", "filename", "path"];

/// What is secret wherever it stands: DigitalOcean's tokens, private keys, and the password of an address.
static FORMS: LazyLock<Regex> = LazyLock::new(|| {
    let token = r"\bdo[a-z]_v1_[0-9A-Za-z]+";
    let key = r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)";
    let password = r#"://[^/\s"@:]*:(?<password>[^@/\s"]+)@"#;
    pattern(&format!("{token}|{key}|{password}"))
});
/// An argument, an entry of an object, or a call of `sensitive`, up to where its value starts.
static VALUES: LazyLock<Regex> = LazyLock::new(|| pattern(r#""?(?<name>[A-Za-z_][\w-]*)"?[ \t]*[=:]|\bsensitive\((?<call>)"#));
/// The header of a block whose type says what its arguments are.
static HEADERS: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?m)^[ \t]*(?<kind>[a-z]+)[ \t]+"?(?<label>[\w-]*)"?[^\n={]*\{"#));
/// A block, or an object of JSON, that says that its value is secret.
static MARKED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\b(?:sensitive|ephemeral)"?[ \t]*[=:][ \t]*true"#));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file")
}

/// Files without the secrets that are written in them, and those secrets, to be cut out of what is said.
pub(crate) struct Starred {
    texts: BTreeMap<String, String>,
    known: Redactor,
}

impl Starred {
    /// The files, starred.
    pub(crate) fn of(sources: &BTreeMap<String, String>) -> Self {
        let known = Redactor::default();
        let starred = |(name, text): (&String, &String)| {
            let found = literals(text);
            found.iter().filter(|part| part.alone).for_each(|part| known.learn(&Secret::new(text[part.at.clone()].to_owned())));
            (name.clone(), stars(text, &found))
        };
        let texts = sources.iter().map(starred).collect();
        Self { texts, known }
    }

    /// A file as it may be shown.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Words that may quote what is written.
    pub(crate) fn cut<'t>(&self, words: &'t str) -> Cow<'t, str> {
        self.known.cut(words)
    }
}

/// A piece of a file that is not shown.
struct Part {
    at: Range<usize>,
    /// Whether it is the secret itself, and not a part of the expression that makes it.
    alone: bool,
}

fn stars(text: &str, parts: &[Part]) -> String {
    if parts.is_empty() {
        return text.to_owned();
    }
    let mut hidden = vec![false; text.len()];
    parts.iter().for_each(|part| hidden[part.at.clone()].fill(true));
    let star = |(at, letter): (usize, char)| {
        let shown = letter.is_whitespace() || !hidden[at];
        if shown { letter.to_string() } else { "*".repeat(letter.len_utf8()) }
    };
    text.char_indices().map(star).collect()
}

/// The literals of a text that are secret.
fn literals(text: &str) -> Vec<Part> {
    let forms = FORMS.captures_iter(text).filter_map(|found| found.name("password").or(found.get(0)));
    let mut parts: Vec<Part> = forms.map(|found| Part { at: found.range(), alone: true }).collect();
    let blocks = Blocks::of(text);
    let mut walked = 0;
    for found in VALUES.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let is_secret = match found.name("name") {
            Some(name) => {
                !text[whole.end()..].starts_with(['=', '>'])
                    && (tells_a_secret(name.as_str()) || blocks.make_secret(name.as_str(), whole.range()))
            }
            None => true,
        };
        if is_secret {
            let value = Value { text, at: whole.end(), depth: usize::from(found.name("call").is_some()), parts: &mut parts };
            // What lies within a secret expression is hidden already; each is walked once, however deep they lie in each other.
            walked = if whole.end() < walked { value.first().max(walked) } else { value.walk() };
        }
    }
    parts
}

/// Whether a constant that is written in a file may be shown: neither its argument nor its form makes it a secret. `kind` is the
/// resource type that it is written in, empty elsewhere; `path` leads to the argument.
#[must_use]
pub fn may_show(kind: &str, path: &[&str], value: &Json) -> bool {
    let mut rows = rows_of(kind).unwrap_or_default();
    for name in path {
        let row = rows.iter().find(|row| row.name == *name);
        if tells_a_secret(name) || row.is_some_and(|row| row.secrecy != Secrecy::Open || row.sealed) {
            return false;
        }
        rows = row.map_or(&[], |row| rows_in(row.ty));
    }
    no_secret_in(value)
}

/// The rows of the objects in a value of that type.
fn rows_in(ty: Ty) -> &'static [Attr] {
    match ty {
        Ty::List(item) | Ty::Set(item) | Ty::Map(item) => rows_in(*item),
        Ty::Object(rows) => rows,
        Ty::Bool | Ty::Number | Ty::String | Ty::Any => &[],
    }
}

fn no_secret_in(value: &Json) -> bool {
    match value {
        Json::String(text) => !FORMS.is_match(text),
        Json::Array(items) => items.iter().all(no_secret_in),
        Json::Object(entries) => entries.iter().all(|(name, entry)| !tells_a_secret(name) && no_secret_in(entry)),
        Json::Null | Json::Bool(_) | Json::Number(_) => true,
    }
}

/// Whether the name of an argument tells that its value is secret.
fn tells_a_secret(name: &str) -> bool {
    let low = name.to_ascii_lowercase().replace('-', "_");
    // Where a secret lies is none itself, and what cannot be found there must be named.
    let is_place = low.rsplit('_').next().is_some_and(|last| PLACES.contains(&last));
    !is_place && (low.split('_').any(|word| WORDS.contains(&word)) || PARTS.iter().any(|part| low.contains(part)))
}

/// The headers of a text's blocks, in order: found once, since an argument asks for the one before it.
struct Blocks<'t> {
    text: &'t str,
    headers: Vec<Header<'t>>,
}

struct Header<'t> {
    at: Range<usize>,
    kind: &'t str,
    label: &'t str,
}

impl<'t> Blocks<'t> {
    fn of(text: &'t str) -> Self {
        let header = |found: regex::Captures<'t>| {
            let part = |name: &str| found.name(name).map_or("", |part| part.as_str());
            Some(Header { at: found.get(0)?.range(), kind: part("kind"), label: part("label") })
        };
        Self { text, headers: HEADERS.captures_iter(text).filter_map(header).collect() }
    }

    /// Whether the block that an argument stands in makes its value secret.
    fn make_secret(&self, name: &str, at: Range<usize>) -> bool {
        let after_it = self.headers.partition_point(|header| header.at.end <= at.start);
        let header = after_it.checked_sub(1).and_then(|own| self.headers.get(own));
        let (before, after) = (&self.text[..at.start], &self.text[at.end..]);
        match header.map(|header| (header.kind, header.label, header.at.start)) {
            Some(("resource", kind, _)) => dofloat_kinds::kind(kind).is_some_and(|kind| has_secret(kind.attrs(), name)),
            Some(("data", kind, _)) => dofloat_kinds::data::source(kind).is_some_and(|source| has_secret(source.rows(), name)),
            _ if name != "default" && name != "value" => false,
            Some(("variable" | "output", label, start)) => {
                let end = self.headers.get(after_it).map_or(self.text.len(), |next| next.at.start.max(at.end));
                tells_a_secret(label) || MARKED.is_match(&before[start..]) || MARKED.is_match(&self.text[at.end..end])
            }
            _ => in_object(before, after),
        }
    }
}

/// Whether an object of JSON, whose text before and after a value this is, makes the value secret.
fn in_object(before: &str, after: &str) -> bool {
    let (open, close) = (before.rfind('{').unwrap_or(0), after.find('}').unwrap_or(after.len()));
    let label = before[..open].trim_end().trim_end_matches(':').trim_end().trim_end_matches('"');
    let label = label.rsplit('"').next().unwrap_or_default();
    !label.is_empty() && label.len() < 100 && tells_a_secret(label) || MARKED.is_match(&before[open..]) || MARKED.is_match(&after[..close])
}

fn has_secret(rows: &[Attr], name: &str) -> bool {
    rows.iter().any(|row| {
        row.name == name && (row.secrecy == Secrecy::Sensitive || row.sealed) || row.inner().is_some_and(|inner| has_secret(inner, name))
    })
}

/// An expression whose literals are secret, while it is walked.
struct Value<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    parts: &'a mut Vec<Part>,
}

impl Value<'_> {
    /// Hides all literals of the expression; gives its end.
    fn walk(mut self) -> usize {
        let (mut is_first, called) = (true, self.depth > 0);
        while let Some(letter) = self.text[self.at..].chars().next() {
            let alone = is_first;
            is_first &= letter.is_whitespace();
            self.at += letter.len_utf8();
            match letter {
                '"' => {
                    let hides = !is_path(&self.text[..self.at - 1]);
                    self.quoted(alone, hides);
                }
                '<' if self.text[self.at..].starts_with('<') => self.heredoc(alone),
                '(' | '[' | '{' => self.depth += 1,
                ')' | ']' | '}' if self.depth == 0 => break,
                ')' | ']' | '}' => {
                    self.depth -= 1;
                    if called && self.depth == 0 {
                        break;
                    }
                }
                '\n' | ',' if self.depth == 0 => break,
                '#' => self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at),
                _ => {}
            }
        }
        self.at
    }

    /// Hides the literal that the expression begins with, if it is one in quotes; gives its end.
    fn first(mut self) -> usize {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t']);
        if rest.starts_with('"') {
            self.at = self.text.len() - rest.len() + 1;
            self.quoted(true, true);
        }
        self.at
    }

    /// A text in quotes, up to the quote that closes it or the end of its line.
    fn quoted(&mut self, alone: bool, hides: bool) {
        let rest = &self.text[self.at..];
        let (mut end, mut letters, mut depth) = (rest.len(), rest.char_indices(), 0_usize);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => drop(letters.next()),
                '{' if opens_insertion(&rest[..at]) => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                '"' if depth == 0 => {
                    end = at;
                    break;
                }
                '\n' => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        if hides {
            self.hide(self.at..self.at + end, alone);
        }
        // A line that ends in a text ends the expression.
        self.at += end + usize::from(rest[end..].starts_with('"'));
    }

    /// The lines of a heredoc, up to its mark.
    fn heredoc(&mut self, alone: bool) {
        let rest = &self.text[self.at..];
        let Some((first, body)) = rest.split_once('\n') else { return };
        let mark = first.trim_start_matches(['<', '-']).trim();
        let start = self.at + first.len() + 1;
        let lines = body.split_inclusive('\n').take_while(|line| line.trim() != mark);
        let end = start + lines.map(str::len).sum::<usize>();
        self.hide(start..end, alone);
        self.at = end;
        self.depth = 0;
        // The line of the mark ends the expression, or a bracket after it does.
        self.at += self.text[end..].find('\n').unwrap_or(self.text.len() - end);
    }

    /// Hides a piece but for what is inserted into it.
    fn hide(&mut self, piece: Range<usize>, alone: bool) {
        let mut at = piece.start;
        while let Some(open) = insertion(&self.text[at..piece.end]) {
            self.parts.push(Part { at: at..at + open, alone: false });
            at += open + self.text[at + open..piece.end].find('}').map_or(piece.end - at - open, |close| close + 1);
        }
        let alone = alone && at == piece.start;
        self.parts.push(Part { at: at..piece.end, alone });
    }
}

/// Whether a text after this one is the path that a function reads.
fn is_path(before: &str) -> bool {
    let called = before.trim_end().strip_suffix('(').map(str::trim_end);
    let name = called.map(|called| called.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default());
    name.is_some_and(|name| READERS.contains(&name))
}

/// Whether a brace after this text opens an insertion: `$${` is a dollar sign and a brace.
fn opens_insertion(before: &str) -> bool {
    ['$', '%'].iter().any(|sign| before.strip_suffix(*sign).is_some_and(|rest| !rest.ends_with(*sign)))
}

/// Where something is inserted first.
fn insertion(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(['$', '%'])?;
        let rest = &text[at..];
        if rest.starts_with("${") || rest.starts_with("%{") {
            return Some(at);
        }
        from = at + if rest.starts_with("$${") || rest.starts_with("%%{") { 3 } else { 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_a_secret_is_starred_and_the_rest_stays() {
        for (text, shown) in [
            (
                "provider \"digitalocean\" {\n  token = \"hush\"\n  api = \"x\"\n}\n",
                "provider \"digitalocean\" {\n  token = \"****\"\n  api = \"x\"\n}\n",
            ),
            ("  do_token=\"a\\\"b ${var.x} c$${d\" # why\n  size = \"s\"", "  do_token=\"**** ${var.x} *****\" # why\n  size = \"s\""),
            ("token = \"hush\nregion = \"nyc3\"", "token = \"****\nregion = \"nyc3\""),
            ("password = var.x != \"\" ? var.x : \"hush\"\n", "password = var.x != \"\" ? var.x : \"****\"\n"),
            ("secrets = {\n  a = \"hush\"\n}\nb = \"c\"", "secrets = {\n  a = \"****\"\n}\nb = \"c\""),
            (
                "private_key = <<-EOT\n  hush hush\n  ${var.x}é\n  EOT\nname = \"a\"",
                "private_key = <<-EOT\n  **** ****\n  ${var.x}**\n  EOT\nname = \"a\"",
            ),
            ("token == \"x\" || a", "token == \"x\" || a"),
            ("{\"provider\": {\"token\": \"hush\", \"a\": \"b\"}}", "{\"provider\": {\"token\": \"****\", \"a\": \"b\"}}"),
            ("a = \"dop_v1_0aF9\" # dop_v1_77", "a = \"***********\" # *********"),
            ("x = sensitive(join(\"-\", [\"hush\"])) == \"y\"", "x = sensitive(join(\"*\", [\"****\"])) == \"y\""),
            ("x = nonsensitive(\"open\")", "x = nonsensitive(\"open\")"),
            ("url = \"https://me:hush@example.com/x\"", "url = \"https://me:****@example.com/x\""),
            ("-----BEGIN RSA PRIVATE KEY-----\nAA==\n", "*************************\nAA==\n"),
        ] {
            let found = stars(text, &literals(text));
            if text.starts_with("-----") {
                assert!(!found.contains("AA=="), "{found}");
            } else {
                assert_eq!(found, shown);
            }
            assert_eq!(found.len(), text.len());
        }
    }

    #[test]
    fn a_block_tells_what_its_arguments_are() {
        for (text, hides) in [
            ("variable \"x\" {\n  default = \"hush\"\n  sensitive = true\n}", true),
            ("variable \"x\" {\n  sensitive = true\n  default = \"hush\"\n}", true),
            ("variable \"x\" {\n  default = \"hush\"\n}\nvariable \"y\" {\n  sensitive = true\n}", false),
            ("variable \"db_password\" {\n  default = \"hush\"\n}", true),
            ("variable \"ssh_private_key_file\" {\n  default = \"hush\"\n}", false),
            ("private_key = file(\"hush\")", false),
            ("private_key = trimspace(templatefile( \"hush\", {}))", false),
            ("private_key = profile(\"hush\")", true),
            ("private_key = templatefile(\"a\", { a = \"hush\" })", true),
            ("variable \"token-path\" {\n  default = \"hush\"\n}", false),
            ("variable \"token_path\" {\n  default = \"hush\"\n  sensitive = true\n}", true),
            ("variable \"x\" {\n  sensitive = true\n}\nvariable \"y\" {\n  default = \"hush\"\n}", false),
            ("output \"x\" {\n  value = \"hush\"\n  sensitive = true\n}", true),
            ("{\"variable\": {\"x\": {\"default\": \"hush\", \"sensitive\": true}}}", true),
            ("{\"variable\": {\"do_token\": {\"default\": \"hush\"}}}", true),
            ("{\"variable\": {\"x\": {\"default\": \"hush\"}, \"y\": {\"sensitive\": true}}}", false),
            ("resource \"local_sensitive_file\" \"x\" {\n  content = \"hush\"\n}", true),
            ("resource \"local_file\" \"x\" {\n  content = \"hush\"\n}", false),
        ] {
            assert_eq!(!stars(text, &literals(text)).contains("hush"), hides, "{text}");
        }
    }

    #[test]
    fn what_lies_deep_in_a_secret_expression_is_cut_out_of_messages_too() {
        let text = "secrets = { a = 1, token = \"hush-hush\", b = [\n".repeat(50);
        assert!(!stars(&text, &literals(&text)).contains("hush"));
        let starred = Starred::of(&BTreeMap::from([("a.tf".to_owned(), text)]));
        assert_eq!(starred.cut("\"hush-hush\" is wrong."), "\"(sensitive)\" is wrong.");
    }

    #[test]
    fn the_work_grows_with_the_text_and_not_with_its_square() {
        // The pieces that are hidden are counted, not the time: an expression that is not closed is walked once.
        let pieces = |count: usize| literals(&"tokens = [\"a\", {\nvalue = [\"b\",\n".repeat(count)).len();
        assert!(pieces(400) <= 2 * pieces(200) + 2, "{} {}", pieces(200), pieces(400));
    }

    #[test]
    fn messages_lose_what_is_written_too() {
        let text = "token = \"hush-hush\"\npassword = lookup(local.all, \"the region\")\n".to_owned();
        let starred = Starred::of(&BTreeMap::from([("a.tf".to_owned(), text)]));
        assert_eq!(starred.cut("\"hush-hush\" is not the region."), "\"(sensitive)\" is not the region.");
    }

    #[test]
    fn no_text_makes_it_panic() {
        let text = "variable \"tökén\" {\n default = \"é${a[\"}\"]}\\\n token = <<-X\n é$${\n X\n} sensitive(\"%{ \"%%{\"";
        for start in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            for end in (start..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let text = &text[start..end];
                assert_eq!(stars(text, &literals(text)).len(), text.len());
            }
        }
    }
}
