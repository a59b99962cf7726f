//! Diagnostics for people, with the piece of the file they are about, and for machines.
//!
//! Invariant: never panics, whatever span it is given: positions are brought to the edges of characters and into the file. No
//! excerpt, and no message, shows a secret that is written in the file.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value as Json, json};

use super::literals::Starred;
use super::paint::Paint;
use super::value_text::visible;
use super::wrap::wrap;
use dofloat_base::address::Address;
use dofloat_base::diag::{Diagnostic, Severity, Span};

/// The texts of the files that diagnostics may point into, by the name that spans give them.
pub type Sources = BTreeMap<String, String>;

/// How wide the names of resources stand beside each other.
const OTHERS_WIDTH: usize = 66;

static NO_SOURCES: Sources = Sources::new();

/// How much is told of warnings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Warnings {
    /// All.
    #[default]
    Whole,
    /// A line each, and where it is (`-compact-warnings`).
    Compact,
}

/// How diagnostics are written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Colour.
    pub paint: Paint,
    /// How much is told of warnings.
    pub warnings: Warnings,
    /// How long a line of words is, where somebody reads it on a screen; a sentence is one line for programs that look for it.
    pub width: Option<usize>,
}

impl Default for Style {
    fn default() -> Self {
        Self { paint: Paint::PLAIN, warnings: Warnings::Whole, width: None }
    }
}

impl Style {
    /// Text in lines that fit behind what stands before them: `warning: ` or `  = help: `.
    fn wrapped(self, text: &str) -> String {
        const BEFORE: usize = 11;
        const LEAST: usize = 30;
        let Some(width) = self.width else { return text.to_owned() };
        text.lines().map(|line| wrap(line, "", width.saturating_sub(BEFORE).max(LEAST))).collect::<Vec<_>>().join("\n")
    }
}

/// Diagnostics as text, errors last so that they are what stays on the screen; an empty line after each.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, paint: Paint) -> String {
    render_with(diagnostics, sources, Style { paint, ..Style::default() })
}

/// The same, with as much of the warnings as is wanted.
#[must_use]
pub fn render_with(diagnostics: &[Diagnostic], sources: &Sources, style: Style) -> String {
    let starred = Starred::of(if diagnostics.is_empty() { &NO_SOURCES } else { sources });
    let (errors, milder): (Vec<&Diagnostic>, Vec<&Diagnostic>) = diagnostics.iter().partition(|diagnostic| diagnostic.is_error());
    let milder = match style.warnings {
        Warnings::Compact if !milder.is_empty() => compact(&milder, &starred, style.paint),
        _ => once_each(&milder).iter().map(|(diagnostic, others)| one(diagnostic, others, &starred, style) + "\n\n").collect(),
    };
    milder + &errors.into_iter().map(|diagnostic| one(diagnostic, &[], &starred, style) + "\n\n").collect::<String>()
}

/// Each once, with the other resources that the same is told of.
fn once_each<'a>(diagnostics: &[&'a Diagnostic]) -> Vec<(&'a Diagnostic, Vec<&'a str>)> {
    let is_same = |one: &'a Diagnostic, other: &'a Diagnostic| {
        let words = |of: &'a Diagnostic| {
            let general = |text: &str| {
                let text = if name(of).is_empty() { text.to_owned() } else { text.replace(name(of), "\0") };
                text.split(' ').map(|word| if word.parse::<Ipv4Addr>().is_ok() { "\0" } else { word }).collect::<Vec<_>>().join(" ")
            };
            (general(&of.message), of.hint.as_deref().map(general))
        };
        let is_at = |of: &Diagnostic| (of.span.clone(), of.related.clone());
        one.severity == other.severity && words(one) == words(other) && (name(one) != name(other) || is_at(one) == is_at(other))
    };
    let mut all: Vec<(&Diagnostic, Vec<&str>)> = Vec::new();
    for diagnostic in diagnostics {
        match all.iter_mut().find(|(one, _)| is_same(one, diagnostic)) {
            Some((one, others)) => others.extend(Some(name(diagnostic)).filter(|other| *other != name(one))),
            None => all.push((diagnostic, Vec::new())),
        }
    }
    all
}

fn name(diagnostic: &Diagnostic) -> &str {
    diagnostic.address.as_deref().unwrap_or_default()
}

/// Warnings as Terraform lists them where they are to be short.
fn compact(warnings: &[&Diagnostic], sources: &Starred, paint: Paint) -> String {
    let line = |diagnostic: &&Diagnostic| {
        let place = diagnostic.span.as_ref().and_then(|span| {
            let before = sources.get(&span.file)?.get(..span.start)?;
            Some(format!("\n  on {} line {}", span.file, before.matches('\n').count() + 1))
        });
        format!("- {}{}\n", lines_visible(&message(diagnostic, sources)), place.unwrap_or_default())
    };
    let lines: String = warnings.iter().map(line).collect();
    format!("{}\n\n{lines}\nLeave out -compact-warnings to see all of them.\n\n", paint.bold("Warnings:"))
}

/// Diagnostics as Terraform's JSON has them: severity, summary, detail, address, range, snippet.
#[must_use]
pub fn to_json(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<Json> {
    let starred = Starred::of(if diagnostics.is_empty() { &NO_SOURCES } else { sources });
    diagnostics.iter().map(|diagnostic| object(diagnostic, sources, &starred)).collect()
}

fn object(diagnostic: &Diagnostic, sources: &Sources, starred: &Starred) -> Json {
    let (summary, mut detail) = split(&starred.cut(&diagnostic.message));
    if let Some(hint) = &diagnostic.hint {
        let hint = starred.cut(hint);
        detail = if detail.is_empty() { hint.into_owned() } else { format!("{detail}\n\n{hint}") };
    }
    // Terraform's JSON knows no more of them.
    let severity = if diagnostic.is_error() { "error" } else { "warning" };
    let mut json = json!({ "severity": severity, "summary": summary, "detail": detail });
    if let Some(address) = &diagnostic.address {
        json["address"] = json!(address);
    }
    if let Some(span) = &diagnostic.span {
        json["range"] = range(span, sources);
        if let Some(snippet) = snippet(span, starred) {
            json["snippet"] = snippet;
        }
    }
    if !diagnostic.related.is_empty() {
        let related =
            diagnostic.related.iter().map(|(span, words)| json!({ "message": starred.cut(words), "range": range(span, sources) }));
        json["related"] = related.collect();
    }
    json
}

/// Diagnostics as lines of a machine-readable stream.
#[must_use]
pub fn json_lines(diagnostics: &[Diagnostic], sources: &Sources, timestamp: &str) -> Vec<Json> {
    let starred = Starred::of(if diagnostics.is_empty() { &NO_SOURCES } else { sources });
    diagnostics.iter().map(|diagnostic| json_line(diagnostic, sources, &starred, timestamp)).collect()
}

fn json_line(diagnostic: &Diagnostic, sources: &Sources, starred: &Starred, timestamp: &str) -> Json {
    let (level, word) = match diagnostic.severity {
        Severity::Error => ("error", "Error"),
        Severity::Alarm | Severity::Warning => ("warn", "Warning"),
        Severity::Note => ("info", "Note"),
    };
    json!({
        "@level": level,
        "@message": format!("{word}: {}", split(&starred.cut(&diagnostic.message)).0),
        "@module": "dofloat.ui",
        "@timestamp": timestamp,
        "type": "diagnostic",
        "diagnostic": object(diagnostic, sources, starred),
    })
}

fn one(diagnostic: &Diagnostic, others: &[&str], sources: &Starred, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Alarm | Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(style.wrapped(&lines_visible(&message(diagnostic, sources)))));
    for (name, spans) in by_file(diagnostic, sources) {
        let Some(text) = sources.get(name) else { continue };
        let mut snippet = Snippet::source(text).path(name).fold(true);
        for (span, words, primary) in spans {
            let kind = if primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(whole_characters(text, span));
            snippet = snippet.annotation(if words.is_empty() { annotation } else { annotation.label(visible(&sources.cut(words))) });
        }
        group = group.element(snippet);
    }
    for (span, words) in diagnostic.related.iter().filter(|(span, _)| sources.get(&span.file).is_none()) {
        group = group.element(Level::NOTE.message(format!("{}: {}", span.file, sources.cut(words))));
    }
    if !others.is_empty() {
        // Of the parts of clusters, the clusters.
        let whole = |other: &&str| other.parse::<Address>().ok().and_then(|address| Some(address.whole()?.to_string()));
        let others: Vec<String> = others.iter().map(|other| whole(other).unwrap_or_else(|| (*other).to_owned())).collect();
        let others = wrap(&format!("the same is true of {}", others.join(", ")), "", OTHERS_WIDTH);
        group = group.element(Level::NOTE.message(lines_visible(&others)));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(style.wrapped(&lines_visible(&sources.cut(hint)))));
    }
    let renderer = if style.paint.is_on() { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group]).trim_end().to_owned()
}

/// The message, led by whatever says where it belongs and is not in the excerpt.
fn message(diagnostic: &Diagnostic, sources: &Starred) -> String {
    let mut message = sources.cut(&diagnostic.message).into_owned();
    if let Some(address) = diagnostic.address.as_ref().filter(|address| !message.contains(address.as_str())) {
        message = format!("{address}: {message}");
    }
    match &diagnostic.span {
        Some(span) if sources.get(&span.file).is_none() => format!("{}: {message}", span.file),
        _ => message,
    }
}

type Place<'a> = (&'a Span, &'a str, bool);

/// The places by file, the file of the diagnostic itself first.
fn by_file<'a>(diagnostic: &'a Diagnostic, sources: &Starred) -> Vec<(&'a str, Vec<Place<'a>>)> {
    let mut files: Vec<(&str, Vec<Place<'_>>)> = Vec::new();
    let own = diagnostic.span.iter().map(|span| (span, "", true));
    let related = diagnostic.related.iter().map(|(span, words)| (span, words.as_str(), false));
    for place in own.chain(related).filter(|(span, ..)| sources.get(&span.file).is_some()) {
        match files.iter_mut().find(|(name, _)| **name == *place.0.file) {
            Some((_, places)) => places.push(place),
            None => files.push((&place.0.file, vec![place])),
        }
    }
    files
}

/// The bytes of a span, widened to whole characters and cut to the text. A span over several lines is cut to its first: what
/// matters is where it starts.
fn whole_characters(text: &str, span: &Span) -> Range<usize> {
    let start = floor(text, span.start);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = ceil(text, span.end.max(span.start)).min(line_end.max(start));
    start..end.max(start)
}

fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// The first sentence, and the rest.
fn split(message: &str) -> (String, String) {
    match message.find('\n') {
        Some(at) => (message[..at].trim_end().to_owned(), message[at + 1..].trim().to_owned()),
        None => (message.to_owned(), String::new()),
    }
}

fn range(span: &Span, sources: &Sources) -> Json {
    let text = sources.get(&*span.file).map(String::as_str);
    json!({ "filename": &*span.file, "start": position(text, span.start, false), "end": position(text, span.end.max(span.start), true) })
}

/// Line and column (in characters) from 1, and the byte from 0.
fn position(text: Option<&str>, at: usize, up: bool) -> Json {
    let Some(text) = text else { return json!({ "line": 1, "column": 1, "byte": at }) };
    let at = if up { ceil(text, at) } else { floor(text, at) };
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    json!({ "line": before.matches('\n').count() + 1, "column": before[line_start..].chars().count() + 1, "byte": at })
}

fn snippet(span: &Span, sources: &Starred) -> Option<Json> {
    let text = sources.get(&span.file)?;
    let marked = whole_characters(text, span);
    let start = text[..marked.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[marked.start..].find('\n').map_or(text.len(), |at| marked.start + at);
    Some(json!({
        "context": null,
        "code": text[start..end].trim_end_matches('\r'),
        "start_line": text[..start].matches('\n').count() + 1,
        "highlight_start_offset": marked.start - start,
        "highlight_end_offset": marked.end - start,
        "values": [],
    }))
}

fn lines_visible(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "resource \"digitalocean_droplet\" \"primary\" {\n  naem = \"größe\"\n  name = \"x\"\n}\n";

    fn sources() -> Sources {
        Sources::from([("plans/web.tf".to_owned(), TEXT.to_owned()), ("plans/b.tf".to_owned(), "a = 1\n".to_owned())])
    }

    fn span(file: &str, start: usize, end: usize) -> Span {
        Span { file: file.into(), start, end }
    }

    #[test]
    fn an_error_shows_the_place_and_the_advice() {
        let error = Diagnostic::error("There is no attribute `naem`.").at(span("plans/web.tf", 46, 50)).hint("Did you mean `name`?");
        insta::assert_snapshot!(render(&[error], &sources(), Paint::PLAIN));
    }

    #[test]
    fn several_come_with_errors_last_and_with_their_relatives() {
        let warning = Diagnostic::warning("The droplet is powered off.").about("digitalocean_droplet.primary");
        let error = Diagnostic::error("The name is used twice.")
            .at(span("plans/web.tf", 65, 69))
            .related(span("plans/web.tf", 46, 50), "first used here")
            .related(span("plans/b.tf", 0, 1), "and here")
            .related(span("plans/gone.tf", 0, 1), "and there");
        insta::assert_snapshot!(render(&[error, warning], &sources(), Paint::PLAIN));
    }

    #[test]
    fn a_warning_about_many_is_told_once() {
        let about = |name: &str, at: usize| {
            let text = format!("{name} has no fencing.");
            Diagnostic::warning(text).at(span("plans/web.tf", at, at + 4)).about(name).hint("Give it some.")
        };
        let all = ["k.a", "k.b", "k.c"].iter().zip([46, 65, 67]).map(|(name, at)| about(name, at));
        let all: Vec<Diagnostic> = all.chain([about("k.a", 46), Diagnostic::warning("It is odd.")]).collect();
        insta::assert_snapshot!(render(&all, &sources(), Paint::PLAIN));
    }

    #[test]
    fn the_json_form_is_terraforms() {
        let error = Diagnostic::error("There is no attribute `naem`.").at(span("plans/web.tf", 46, 50)).hint("Did you mean `name`?");
        insta::assert_snapshot!(json_lines(&[error], &sources(), "2026-11-22T00:00:00Z")[0]);
    }

    #[test]
    fn no_span_makes_it_panic() {
        let sources = sources();
        for start in 0..TEXT.len() + 3 {
            for end in 0..TEXT.len() + 3 {
                let diagnostic = Diagnostic::error("x").at(span("plans/web.tf", start, end));
                assert!(one(&diagnostic, &[], &Starred::of(&sources), Style::default()).starts_with("error: x"));
                let json = to_json(std::slice::from_ref(&diagnostic), &sources).remove(0);
                assert!(json["range"]["start"]["byte"].as_u64() <= json["range"]["end"]["byte"].as_u64());
            }
        }
        let empty = Sources::from([("e".to_owned(), String::new())]);
        assert!(one(&Diagnostic::error("x").at(span("e", 0, 9)), &[], &Starred::of(&empty), Style::default()).starts_with("error: x"));
    }
}
