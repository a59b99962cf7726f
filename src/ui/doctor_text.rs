//! What `doctor` found, as text and for machines.
//!
//! Invariant: pure but for the view that prints it; one line for each check, and what to do below it.

use serde_json::{Value as Json, json};

use super::paint::Paint;
use super::view::View;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It may go wrong.
    Warning,
    /// It goes wrong.
    Failed,
}

impl Health {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One thing that was examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// In words.
    pub message: String,
    /// What to do, or nothing.
    pub hint: String,
}

impl View {
    /// What was found.
    pub fn doctor(&mut self, checks: &[Check]) {
        if self.is_text() {
            let text = text(checks, self.paint());
            self.print(&text);
        } else {
            self.line(&format!("{:#}", to_json(checks)));
        }
    }
}

fn text(checks: &[Check], paint: Paint) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Check { name, health, message, hint } in checks {
        let word = format!("{:<7}", health.word());
        let word = if matches!(health, Health::Failed) { paint.bold(&word) } else { word };
        text.push_str(&format!("{word}  {name:<width$}  {message}\n"));
        if !hint.is_empty() {
            text.push_str(&format!("{}{hint}\n", " ".repeat(7 + 2 + width + 2)));
        }
    }
    let count = |health| checks.iter().filter(|check| check.health == health).count();
    let counted = match (count(Health::Failed), count(Health::Warning)) {
        (0, 0) => "No problems found.".to_owned(),
        (failed, warnings) => format!("{failed} failed, {warnings} warning{}.", if warnings == 1 { "" } else { "s" }),
    };
    text + "\n" + &counted + "\n"
}

fn to_json(checks: &[Check]) -> Json {
    let entry = |check: &Check| {
        let hint = if check.hint.is_empty() { Json::Null } else { json!(check.hint) };
        json!({ "name": check.name, "status": check.health.word(), "message": check.message, "hint": hint })
    };
    json!({ "format_version": "1.0", "checks": checks.iter().map(entry).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_a_line_and_what_to_do_stands_below_it() {
        let check = |name, health, hint: &str| Check { name, health, message: "is so".to_owned(), hint: hint.to_owned() };
        let checks = [check("git", Health::Ok, ""), check("clock", Health::Warning, "Set it.")];
        let expected = "ok       git    is so\nwarning  clock  is so\n                Set it.\n\n0 failed, 1 warning.\n";
        assert_eq!(text(&checks, Paint::PLAIN), expected);
        assert!(text(&checks[..1], Paint::PLAIN).ends_with("\nNo problems found.\n"));
        assert_eq!(to_json(&checks)["checks"][1]["status"], "warning");
    }
}
