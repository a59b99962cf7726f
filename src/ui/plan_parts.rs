//! What a plan is told by wherever it is read at leisure: its parts as text without colour, for pages and review comments.
//!
//! Invariant: pure; the same words as on the screen, and no part is left out.

use super::change_text::Mark;
use super::cost_text::cost;
use super::errors::{self, Sources, Warnings};
use super::paint::Paint;
use super::plan_details::each;
use super::plan_layout::Layout;
use super::plan_summary::summary;
use super::plan_text::{drift, last_line, outputs, shown};
use dofloat_engine::change::Plan;

/// The parts of a plan.
#[derive(Debug)]
pub(super) struct Parts {
    /// `Plan: 1 to add, …`, or that there are none.
    pub counts: String,
    /// What the stack costs.
    pub cost: Option<String>,
    /// Warnings and notes.
    pub notes: String,
    /// What has changed outside.
    pub drift: String,
    /// By cluster and module.
    pub summary: String,
    /// The changes.
    pub changes: Vec<Entry>,
    /// The outputs that change.
    pub outputs: String,
}

/// A change, or several that are alike.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What is done: `digitalocean_vpc.net will be created`.
    pub title: String,
    /// The rest.
    pub text: String,
}

impl Parts {
    /// The parts of a plan in a layout, whose colour does not matter.
    pub(super) fn of(plan: &Plan, layout: Layout<'_>) -> Self {
        let layout = Layout { paint: Paint::PLAIN, warnings: Warnings::Whole, ..layout };
        let shown = shown(plan);
        let mut changed = String::new();
        outputs(&mut changed, plan, layout);
        Self {
            counts: last_line(plan, Paint::PLAIN),
            cost: plan.cost.as_ref().and_then(cost),
            notes: notes(plan, layout.sources),
            drift: drift(plan, layout).trim_end().to_owned(),
            summary: body(&summary(plan, &shown, layout)),
            changes: each(&shown, layout).iter().map(|text| Entry::of(text)).collect(),
            outputs: body(&changed),
        }
    }
}

fn notes(plan: &Plan, sources: &Sources) -> String {
    errors::render(&plan.notes, sources, Paint::PLAIN).trim_end().to_owned()
}

/// What stands below a heading of the text.
fn body(text: &str) -> String {
    text.split_once('\n').map_or("", |(_, body)| body).trim_end().to_owned()
}

impl Entry {
    fn of(text: &str) -> Self {
        let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
        Self { title: title.trim_start_matches([' ', '#']).to_owned(), text: rest.trim_end().to_owned() }
    }
}

/// How a line of a change begins, if it says that something comes, goes or changes.
pub(super) fn mark(line: &str) -> Mark {
    let line = line.trim_start();
    let begins = |marks: [&str; 2]| marks.iter().any(|mark| line.starts_with(mark));
    match () {
        () if begins(["-/+ ", "+/- "]) || line.starts_with("~ ") => Mark::Change,
        () if line.starts_with("+ ") => Mark::Add,
        () if line.starts_with("- ") => Mark::Remove,
        () => Mark::Same,
    }
}
