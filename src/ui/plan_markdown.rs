//! A plan as Markdown, for the comments of a review.
//!
//! Invariant: pure, and no longer than a comment may be: what does not fit is named and counted. No text of the plan can become
//! markup, close its fence, mention somebody or refer to something: all of it stands in code blocks, and titles in code spans.

use std::fmt::Write as _;

use super::plan_layout::Layout;
use super::plan_parts::{Entry, Parts};
use dofloat_engine::change::Plan;

/// How long a comment may be, in bytes. GitHub takes 65,536 characters.
pub const LONGEST: usize = 60_000;

/// The plan.
#[must_use]
pub fn markdown(plan: &Plan, layout: Layout<'_>) -> String {
    let parts = Parts::of(plan, layout);
    let mut text = format!("### Plan of the stack {}\n\n**{}**\n", span(&plan.base.stack), parts.counts);
    if let Some(cost) = &parts.cost {
        let _ = writeln!(text, "\n{cost}.");
    }
    for (title, body, is_open) in [
        ("Warnings and notes", &parts.notes, true),
        ("Summary", &parts.summary, true),
        ("What has changed outside of dofloat", &parts.drift, false),
        ("Changes to outputs", &parts.outputs, false),
    ] {
        section(&mut text, title, body, is_open);
    }
    changes(&mut text, &parts.changes);
    text
}

/// A part that is shown, or folded; what does not fit ends with a line that says so.
fn section(text: &mut String, title: &str, body: &str, is_open: bool) {
    const MOST: usize = 12_000;
    if body.is_empty() {
        return;
    }
    let body = cut(body, MOST);
    let open = if is_open { " open" } else { "" };
    let _ = write!(text, "\n<details{open}><summary>{title}</summary>\n\n{}\n</details>\n", fenced(&body, "text"));
}

fn changes(text: &mut String, entries: &[Entry]) {
    // What is said of those that have no room.
    const ROOM: usize = 200;
    for (nth, entry) in entries.iter().enumerate() {
        let body = if entry.text.is_empty() { String::new() } else { fenced(&as_diff(&entry.text), "diff") };
        let one = format!("\n<details><summary>{}</summary>\n\n{body}\n</details>\n", code(&entry.title));
        if text.len() + one.len() + ROOM > LONGEST {
            let left = entries.len() - nth;
            let _ = write!(text, "\n{left} more of {} changes have no room here: `dofloat show` has all of the plan.\n", entries.len());
            return;
        }
        text.push_str(&one);
    }
}

/// Lines as a diff has them: what comes and goes is marked in the first column. `!` stands for what changes.
fn as_diff(text: &str) -> String {
    let line = |line: &str| {
        let rest = line.trim_start();
        let indent = &line[..line.len() - rest.len()];
        let marked = [("-/+ ", '!'), ("+/- ", '!'), ("~ ", '!'), ("+ ", '+'), ("- ", '-')];
        match marked.iter().find_map(|(mark, sign)| rest.strip_prefix(mark).map(|rest| (sign, rest))) {
            Some((sign, rest)) => format!("{sign} {indent}{rest}"),
            None => format!("  {line}"),
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A code block whose fence is longer than any in it.
fn fenced(text: &str, language: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// A code span in Markdown.
fn span(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

/// Code in HTML, which the summary of a fold is.
fn code(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        // What Markdown, mentions and references begin with means nothing as an entity.
        c if c.is_ascii_punctuation() && !matches!(c, '.' | '_' | '-' | ',' | '(' | ')') => format!("&#{};", u32::from(c)),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    });
    format!("<code>{}</code>", escaped.collect::<String>())
}

/// As many whole lines as fit.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for (nth, line) in text.lines().enumerate() {
        if kept.len() + line.len() > most {
            let _ = write!(kept, "({} more lines)", text.lines().count() - nth);
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_leave_its_block() {
        assert_eq!(fenced("a\n```\n</details>@all", "text"), "````text\na\n```\n</details>@all\n````\n");
        assert_eq!(code("a[\"</code>\"] @x"), "<code>a&#91;&#34;&lt;&#47;code&gt;&#34;&#93; &#64;x</code>");
        assert_eq!(span("a`b"), "`a'b`");
    }

    #[test]
    fn a_change_as_a_diff() {
        let text = "-/+ resource \"a\" \"b\" {\n      ~ size = 1 -> 2\n      + tag = \"x\"\n        id = 1\n    }";
        let expected = "! resource \"a\" \"b\" {\n!       size = 1 -> 2\n+       tag = \"x\"\n          id = 1\n      }";
        assert_eq!(as_diff(text), expected);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let entry = |nth: usize| Entry { title: format!("a.b[{nth}]"), text: "x".repeat(1000) };
        let entries: Vec<Entry> = (0..100).map(entry).collect();
        let mut text = String::new();
        changes(&mut text, &entries);
        assert!(text.len() <= LONGEST && text.matches("<details>").count() > 50, "{}", text.len());
        assert!(text.contains("more of 100 changes have no room here"));
        let long = "one\n".repeat(10_000);
        let kept = cut(&long, 100);
        assert!(kept.len() < 150 && kept.ends_with("more lines)"), "{kept}");
    }
}
