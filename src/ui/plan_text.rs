//! A plan as text, in the form that Terraform's users know.
//!
//! Invariant: pure; the last line is `Plan: A to add, C to change, D to destroy.` or begins with `No changes.`, since scripts
//! look for it.

use std::fmt::Write as _;

use super::change_text::{BodyText, Mark, Rest, changed, is_null};
use super::cost_text::cost;
use super::errors;
use super::paint::Paint;
use super::plan_details::{count, details};
pub use super::plan_layout::{Detail, Layout, WIDTH};
use super::plan_layout::{head, rows, symbol};
use super::plan_summary;
use super::value_text::key;
use super::wrap::wrap;
use dofloat_base::diag::Diagnostic;
use dofloat_base::value::Value;
use dofloat_engine::change::{Action, AttrChange, Change, Counts, Drift, Order, OutputChange, Plan, Shown};

/// The changes that are shown: all but what is only kept.
pub(super) fn shown(plan: &Plan) -> Vec<&Change> {
    plan.changes.iter().filter(|change| !matches!(change.action, Action::Keep) || change.provenance.is_some()).collect()
}

/// The whole plan, with a newline at the end.
#[must_use]
pub fn render(plan: &Plan, layout: Layout<'_>) -> String {
    let (alarms, notes): (Vec<Diagnostic>, Vec<Diagnostic>) = plan.notes.iter().cloned().partition(Diagnostic::is_alarm);
    let mut text = errors::render_with(&alarms, layout.sources, layout.style());
    text.push_str(&drift(plan, layout));
    let shown = shown(plan);
    if !shown.is_empty() {
        text.push_str(&plan_summary::summary(plan, &shown, layout));
        legend(&mut text, &shown, layout.paint);
        text.push_str("\ndofloat will perform the following actions:\n\n");
        text.push_str(&details(&shown, layout));
    }
    outputs(&mut text, plan, layout);
    text.push_str(&errors::render_with(&notes, layout.sources, layout.style()));
    if let Some(line) = plan.cost.as_ref().filter(|_| !plan.is_empty()).and_then(cost) {
        let _ = writeln!(text, "{}", wrap(&line, "", layout.width));
    }
    let _ = writeln!(text, "{}", last_line(plan, layout.paint));
    text
}

/// `Plan: 5 to add, 0 to change, 0 to destroy.`
#[must_use]
pub fn summary(counts: Counts) -> String {
    let import = if counts.import > 0 { format!("{} to import, ", counts.import) } else { String::new() };
    format!("Plan: {import}{} to add, {} to change, {} to destroy.", counts.add, counts.change, counts.destroy)
}

/// The message if there is nothing to do.
#[must_use]
pub fn no_changes(plan: &Plan) -> &'static str {
    if plan.destroy {
        "No changes. There is nothing to destroy."
    } else if plan.refresh_only {
        "No changes. Your infrastructure still matches the state."
    } else {
        "No changes. Your infrastructure matches the configuration."
    }
}

/// The line that scripts look for.
pub(super) fn last_line(plan: &Plan, paint: Paint) -> String {
    if plan.is_empty() {
        return paint.good("No changes.") + no_changes(plan).strip_prefix("No changes.").unwrap_or_default();
    }
    let text = summary(plan.counts());
    paint.bold("Plan:") + text.strip_prefix("Plan:").unwrap_or_default()
}

pub(super) fn drift(plan: &Plan, layout: Layout<'_>) -> String {
    let mut text = String::new();
    if plan.drift.is_empty() {
        return text;
    }
    let _ = writeln!(text, "{} Objects have changed outside of dofloat\n", layout.paint.bold("Note:"));
    text.push_str("dofloat detected these changes since the last apply:\n\n");
    for drift in &plan.drift {
        drifted(&mut text, drift, plan, layout);
        text.push('\n');
    }
    if plan.refresh_only {
        text.push_str("Only the state is updated; these changes are not undone.\n\n");
    }
    text
}

fn drifted(text: &mut String, drift: &Drift, plan: &Plan, layout: Layout<'_>) {
    let (words, mark) = if drift.gone { ("is gone", Mark::Remove) } else { ("has changed", Mark::Change) };
    let _ = writeln!(text, "  {}", layout.paint.bold(&format!("# {} {words}", drift.address)));
    head(text, mark.symbol(layout.paint).as_str(), 2, &drift.address);
    let seen = plan.changes.iter().find(|change| change.address == drift.address).and_then(|change| change.before.as_ref());
    let id = Shown::Value(Value::Str(drift.id.0.clone()));
    let named = drift.attrs.iter().any(|attr| attr.name == "id");
    let (kept, rest) = if drift.gone {
        (vec![], Rest::default())
    } else {
        let (unchanged, blocks) = seen.map_or((0, 0), |body| {
            let others = body.keys().filter(|name| *name != "id" && !drift.attrs.iter().any(|attr| attr.name == **name));
            count(others.map(|name| (name.as_str(), Shown::Value(body[name].clone()))), rows(layout, &drift.address))
        });
        (if named { vec![] } else { vec![("id", id.clone())] }, Rest { unchanged, blocks, ..Rest::default() })
    };
    let gone = [AttrChange { name: "id".into(), before: id, after: Shown::Absent, replaces: false, disrupts: false }];
    let attrs = if drift.gone && drift.attrs.is_empty() { gone.as_slice() } else { drift.attrs.as_slice() };
    text.push_str(&BodyText { rows: rows(layout, &drift.address), attrs, kept, rest, still: false, paint: layout.paint }.render());
    text.push_str("    }\n");
}

fn legend(text: &mut String, shown: &[&Change], paint: Paint) {
    type Is = fn(&Action) -> bool;
    let rows: [(Is, &str); 6] = [
        (|action| matches!(action, Action::Create), "create"),
        (|action| matches!(action, Action::Edit { .. }), "update in place"),
        (|action| matches!(action, Action::Delete), "destroy"),
        (|action| matches!(action, Action::Replace { order: Order::DeleteFirst, .. }), "destroy, then create the replacement"),
        (|action| matches!(action, Action::Replace { order: Order::CreateFirst, .. }), "create the replacement, then destroy"),
        (|action| matches!(action, Action::Read), "read (data sources)"),
    ];
    let mut lines = String::new();
    for (is, words) in rows {
        if let Some(change) = shown.iter().find(|change| is(&change.action)) {
            let _ = writeln!(lines, "{} {words}", symbol(&change.action, paint));
        }
    }
    if !lines.is_empty() {
        text.push_str("Resource actions are indicated with the following symbols:\n");
        text.push_str(&lines);
    }
}

pub(super) fn outputs(text: &mut String, plan: &Plan, layout: Layout<'_>) {
    let paint = layout.paint;
    let changing: Vec<_> = plan.outputs.iter().filter(|(_, output)| output.changed).collect();
    if changing.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint.bold("Changes to Outputs:"));
    let width = changing.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut changing = changing;
    if layout.detail == Detail::Brief {
        plain_outputs(text, &mut changing, layout);
    }
    for (name, output) in changing {
        let mark = match Mark::of(&output.before, &output.after) {
            Mark::Same => Mark::Change,
            mark => mark,
        };
        let value = match layout.detail {
            Detail::Brief if is_all_unknown(&output.after) => "(known after apply)".to_owned(),
            Detail::Brief => shortened(&changed(&output.before, &output.after, 2, paint), paint),
            Detail::Whole => changed(&output.before, &output.after, 2, paint),
        };
        let _ = writeln!(text, "  {} {:width$} = {value}", mark.symbol(paint), key(name));
    }
    text.push('\n');
}

/// Takes out the outputs of which no more is to be said than that they come or go, where they are many.
fn plain_outputs(text: &mut String, changing: &mut Vec<(&String, &OutputChange)>, layout: Layout<'_>) {
    const MANY: usize = 5;
    type Is = fn(&OutputChange) -> bool;
    let plain: [(Is, Mark, &str); 2] = [
        (|output| is_null(&output.before) && is_all_unknown(&output.after), Mark::Add, "= (known after apply)"),
        (|output| is_null(&output.after), Mark::Remove, "-> null"),
    ];
    for (is, mark, then) in plain {
        let names: Vec<String> = changing.iter().filter(|(_, output)| is(output)).map(|(name, _)| key(name)).collect();
        if names.len() > MANY {
            let names = wrap(&format!("{} {then}", names.join(", ")), "    ", layout.width);
            let _ = writeln!(text, "  {} {}", mark.symbol(layout.paint), names.trim_start());
            changing.retain(|(_, output)| !is(output));
        }
    }
}

/// Whether nothing of a value is known.
fn is_all_unknown(shown: &Shown) -> bool {
    match shown {
        Shown::Unknown => true,
        Shown::List(items) => !items.is_empty() && items.iter().all(is_all_unknown),
        Shown::Map(entries) => !entries.is_empty() && entries.values().all(is_all_unknown),
        Shown::Absent | Shown::Value(_) | Shown::Sensitive => false,
    }
}

/// The first lines of a long value, and its end.
fn shortened(value: &str, paint: Paint) -> String {
    const MOST: usize = 10;
    let lines: Vec<&str> = value.lines().collect();
    if lines.len() <= MOST + 2 {
        return value.to_owned();
    }
    let more = lines.len() - MOST - 1;
    let more = paint.faint(&format!("# ({more} more lines; -verbose shows them)"));
    format!("{}\n        {more}\n{}", lines[..MOST].join("\n"), lines[lines.len() - 1])
}

#[cfg(test)]
#[path = "plan_text_tests.rs"]
mod tests;
