//! A plan as text, in the form that Terraform's users know.
//!
//! Invariant: pure; the last line is `Plan: A to add, C to change, D to destroy.` or begins with `No changes.`, since scripts
//! look for it.

use std::fmt::Write as _;

use super::change_text::{BodyText, Mark, block_items, changed, is_null};
use super::errors::{self, Sources, Warnings};
use super::paint::Paint;
use super::value_text::key;
use dofloat_base::address::{Address, Key};
use dofloat_base::value::{Term, Value};
use dofloat_engine::change::{Action, AttrChange, Change, Counts, Drift, Order, Plan, Provenance, Reason, Shown};
use dofloat_kinds::attr::Attr;

/// How a plan is laid out: what it is drawn with beside itself.
#[derive(Clone, Copy)]
pub struct Layout<'a> {
    /// Colour.
    pub paint: Paint,
    /// The attribute table of a resource type.
    pub rows: &'a dyn Fn(&str) -> Option<&'static [Attr]>,
    /// The texts that notes may point into.
    pub sources: &'a Sources,
    /// How much is told of warnings.
    pub warnings: Warnings,
}

impl std::fmt::Debug for Layout<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layout").field("paint", &self.paint).finish_non_exhaustive()
    }
}

/// The whole plan, with a newline at the end.
#[must_use]
pub fn render(plan: &Plan, layout: Layout<'_>) -> String {
    let mut text = drift(plan, layout);
    let shown: Vec<&Change> =
        plan.changes.iter().filter(|change| !matches!(change.action, Action::Keep) || change.provenance.is_some()).collect();
    if !shown.is_empty() {
        legend(&mut text, &shown, layout.paint);
        text.push_str("\ndofloat will perform the following actions:\n\n");
        for change in shown {
            one(&mut text, change, layout);
            text.push('\n');
        }
    }
    outputs(&mut text, plan, layout.paint);
    if !plan.notes.is_empty() {
        text.push_str(&errors::render_with(&plan.notes, layout.sources, layout.paint, layout.warnings));
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

fn last_line(plan: &Plan, paint: Paint) -> String {
    if plan.is_empty() {
        return paint.good("No changes.") + no_changes(plan).strip_prefix("No changes.").unwrap_or_default();
    }
    let text = summary(plan.counts());
    paint.bold("Plan:") + text.strip_prefix("Plan:").unwrap_or_default()
}

fn drift(plan: &Plan, layout: Layout<'_>) -> String {
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
    let (kept, hidden) = if drift.gone {
        (vec![], (0, 0))
    } else {
        let hidden = seen.map_or((0, 0), |body| {
            let others = body.keys().filter(|name| *name != "id" && !drift.attrs.iter().any(|attr| attr.name == **name));
            count(others.map(|name| (name.as_str(), Shown::Value(body[name].clone()))), rows(layout, &drift.address))
        });
        (if named { vec![] } else { vec![("id", id.clone())] }, hidden)
    };
    let gone = [AttrChange { name: "id".into(), before: id, after: Shown::Absent, replaces: false, disrupts: false }];
    let attrs = if drift.gone && drift.attrs.is_empty() { gone.as_slice() } else { drift.attrs.as_slice() };
    text.push_str(&BodyText { rows: rows(layout, &drift.address), attrs, kept, hidden, still: false, paint: layout.paint }.render());
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

/// The symbol of an action, three columns wide.
fn symbol(action: &Action, paint: Paint) -> String {
    let (add, remove) = (Mark::Add.symbol(paint), Mark::Remove.symbol(paint));
    match action {
        Action::Create => format!("  {add}"),
        Action::Edit { .. } => format!("  {}", Mark::Change.symbol(paint)),
        Action::Delete => format!("  {remove}"),
        Action::Replace { order: Order::DeleteFirst, .. } => format!("{remove}/{add}"),
        Action::Replace { order: Order::CreateFirst, .. } => format!("{add}/{remove}"),
        Action::Read => format!(" {}", paint.faint("<=")),
        Action::Keep | Action::Adopt { .. } | Action::Forget => "   ".to_owned(),
    }
}

/// The planned change of one resource.
pub(super) fn one(text: &mut String, change: &Change, layout: Layout<'_>) {
    for (position, line) in title(change).iter().enumerate() {
        let line = format!("# {line}");
        let _ = writeln!(text, "  {}", if position == 0 { layout.paint.bold(&line) } else { line });
    }
    if matches!(change.action, Action::Adopt { .. } | Action::Forget) {
        return;
    }
    head(text, &symbol(&change.action, layout.paint), 0, &change.address);
    let keeps = matches!(change.action, Action::Edit { .. } | Action::Replace { .. } | Action::Keep);
    let (kept, hidden) = if keeps { unchanged(change, rows(layout, &change.address)) } else { (vec![], (0, 0)) };
    text.push_str(
        &BodyText { rows: rows(layout, &change.address), attrs: &change.attrs, kept, hidden, still: false, paint: layout.paint }.render(),
    );
    text.push_str("    }\n");
}

fn head(text: &mut String, symbol: &str, indent: usize, address: &Address) {
    let (block, kind) = address.source().map_or(("resource", address.kind.as_str()), |source| ("data", source));
    let _ = writeln!(text, "{:indent$}{symbol} {block} \"{kind}\" \"{}\" {{", "", address.name);
}

/// The action and its reason.
fn title(change: &Change) -> Vec<String> {
    let address = &change.address;
    let first = match (&change.action, &change.reason) {
        (Action::Create, _) => format!("{address} will be created"),
        (Action::Edit { edits, .. }, _) if change.brings_back() && edits.len() == 1 => format!("{address} will be powered on"),
        (Action::Edit { .. }, _) => format!("{address} will be updated in-place"),
        (Action::Replace { .. }, Some(Reason::Asked)) => format!("{address} will be replaced, as requested"),
        (Action::Replace { .. }, Some(Reason::Tainted)) => format!("{address} is tainted, so it must be replaced"),
        (Action::Replace { .. }, Some(Reason::Stillborn)) => format!("{address} was never finished and will be replaced"),
        (Action::Replace { .. }, Some(Reason::Triggered { by })) => format!("{address} will be replaced, because {by} changes"),
        (Action::Replace { .. }, _) => format!("{address} must be replaced"),
        (Action::Delete, _) => format!("{address} will be destroyed"),
        (Action::Read, _) => format!("{address} will be read during apply"),
        (Action::Adopt { found }, _) => format!("{address} was created by an interrupted run and will be added to the state [id={found}]"),
        (Action::Forget, Some(Reason::Gone)) => format!("{address} no longer exists and will be removed from the state"),
        (Action::Forget, _) => format!("{address} will be removed from the state, but not destroyed"),
        (Action::Keep, _) => match &change.provenance {
            Some(Provenance::Moved { from }) => format!("{from} has moved to {address}"),
            Some(Provenance::Imported { .. }) => format!("{address} will be imported"),
            None => format!("{address} is unchanged"),
        },
    };
    let why = match (&change.action, &change.reason) {
        (Action::Adopt { .. } | Action::Forget, Some(Reason::Gone)) => None,
        (_, Some(Reason::NotInConfiguration | Reason::NoMoveTarget)) => Some(format!("(because {address} is not in the configuration)")),
        (_, Some(Reason::CountIndex)) => Some(format!("(because index {} is out of range for count)", instance(address))),
        (_, Some(Reason::EachKey)) => Some(format!("(because key {} is not in for_each map)", instance(address))),
        (_, Some(Reason::WrongRepetition)) => Some(match address.key {
            None => "(because resource uses count or for_each)".to_owned(),
            Some(Key::Index(_)) => "(because resource does not use count)".to_owned(),
            Some(Key::Name(_)) => "(because resource does not use for_each)".to_owned(),
        }),
        (_, Some(Reason::ConfigUnknown)) => Some("(config refers to values not yet known)".to_owned()),
        (_, Some(Reason::DependencyPending)) => Some("(depends on a resource with changes pending)".to_owned()),
        (_, Some(Reason::Gone)) => Some("(because the object no longer exists)".to_owned()),
        (_, Some(Reason::Unfinished)) => Some("(an interrupted run did not see it ready)".to_owned()),
        (_, Some(Reason::Stray)) => Some("(it carries this stack's mark and is not in the state)".to_owned()),
        (_, Some(Reason::Deposed)) => Some("(it was replaced earlier and has yet to be destroyed)".to_owned()),
        _ => None,
    };
    let interrupts = match &change.action {
        Action::Edit { edits, .. } if change.brings_back() => (edits.len() > 1).then(|| "(it is off, and will be powered on)".to_owned()),
        Action::Edit { disruptive: true, .. } => Some("(it is down during the update)".to_owned()),
        _ => None,
    };
    let provenance = match &change.provenance {
        Some(Provenance::Moved { from }) if change.action != Action::Keep => Some(format!("(moved from {from})")),
        Some(Provenance::Imported { id }) => Some(format!("(imported from \"{id}\")")),
        _ => None,
    };
    [Some(first), provenance, why, interrupts].into_iter().flatten().collect()
}

/// The key of an instance as its address has it: `[1]`, `["a"]`.
fn instance(address: &Address) -> String {
    let (whole, block) = (address.to_string(), address.block().to_string());
    whole.strip_prefix(&block).unwrap_or(&whole).to_owned()
}

fn rows(layout: Layout<'_>, address: &Address) -> &'static [Attr] {
    (layout.rows)(&address.kind).unwrap_or_default()
}

/// The attributes that say which object it is, and how many more do not change.
fn unchanged<'a>(change: &Change, rows: &[Attr]) -> (Vec<(&'a str, Shown)>, (usize, usize)) {
    const TELLING: [&str; 2] = ["id", "name"];
    let Some(before) = &change.before else { return (vec![], (0, 0)) };
    let touched = |name: &str| change.attrs.iter().any(|attr| attr.name == name);
    let secret = |name: &str| change.after.as_ref().is_some_and(|after| matches!(after.get(name), Term::Secret(_)));
    let mut kept: Vec<(&str, Shown)> = Vec::new();
    for name in TELLING.into_iter().filter(|name| !touched(name) && !secret(name)) {
        match before.get(name) {
            Some(value) => kept.push((name, Shown::Value(value.clone()))),
            None if name == "id" => kept.extend(change.id.as_ref().map(|id| ("id", Shown::Value(Value::Str(id.0.clone()))))),
            None => {}
        }
    }
    let others = before.iter().filter(|(name, _)| !touched(name) && !kept.iter().any(|(telling, _)| telling == name));
    let hidden = count(others.map(|(name, value)| (name.as_str(), Shown::Value(value.clone()))), rows);
    (kept, hidden)
}

/// How many attributes, and how many blocks, these are.
fn count<'a>(values: impl Iterator<Item = (&'a str, Shown)>, rows: &[Attr]) -> (usize, usize) {
    values.filter(|(_, value)| !is_null(value)).fold((0, 0), |(attributes, blocks), (name, value)| {
        match rows.iter().find(|row| row.name == name) {
            Some(row) if row.block => (attributes, blocks + block_items(&value).map_or(1, |items| items.len())),
            _ => (attributes + 1, blocks),
        }
    })
}

fn outputs(text: &mut String, plan: &Plan, paint: Paint) {
    let changing: Vec<_> = plan.outputs.iter().filter(|(_, output)| output.changed).collect();
    if changing.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint.bold("Changes to Outputs:"));
    let width = changing.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, output) in changing {
        let mark = match Mark::of(&output.before, &output.after) {
            Mark::Same => Mark::Change,
            mark => mark,
        };
        let value = changed(&output.before, &output.after, 2, paint);
        let _ = writeln!(text, "  {} {:width$} = {value}", mark.symbol(paint), key(name));
    }
    text.push('\n');
}

#[cfg(test)]
#[path = "plan_text_tests.rs"]
mod tests;
