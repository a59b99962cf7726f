//! What a plan does with each cluster and each module, before its details: what, why, and in which order.
//!
//! Invariant: pure, and derived from the plan's changes and steps alone. Nothing is said of what is in neither a cluster nor a
//! module: its details say as much.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::change_text::{Mark, changed, is_null};
use super::paint::Paint;
use super::plan_details::names;
use super::plan_layout::{Layout, symbol};
use super::wrap::wrap;
use dofloat_base::address::Address;
use dofloat_base::value::{Body, Value};
use dofloat_engine::change::{Action, AttrChange, Change, Plan, Shown, Step, StepId, StepOp};
use dofloat_kinds::kind;

/// So many clusters are named one by one.
const MANY: usize = 4;
/// The arguments of a cluster that its nodes have as attributes.
const ARGUMENTS: [&str; 8] = ["backups", "image", "monitoring", "region", "size", "ssh_keys", "tags", "vpc_uuid"];

/// The summary with an empty line after it; nothing where there is neither cluster nor module.
pub(super) fn summary(plan: &Plan, shown: &[&Change], layout: Layout<'_>) -> String {
    let mut parts: BTreeMap<&Address, Vec<&Change>> = BTreeMap::new();
    for change in shown {
        if let Some(whole) = change.address.whole().or_else(|| change.address.module_instance()) {
            parts.entry(whole).or_default().push(change);
        }
    }
    let mut told: Vec<Vec<(&Address, Told<'_>)>> = Vec::new();
    for (whole, changes) in &parts {
        let one = if whole.is_module() { of_module(changes) } else { of_cluster(plan, whole, changes) };
        match told.iter_mut().find(|all| all[0].1 == one) {
            Some(all) => all.push((whole, one)),
            None => told.push(vec![(whole, one)]),
        }
    }
    if told.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", layout.paint.bold("Summary:"));
    for all in &told {
        write(&mut text, all, layout);
    }
    text.push('\n');
    text
}

/// What is told of a cluster or a module; several of which the same is told are told of at once.
struct Told<'a> {
    action: &'a Action,
    lines: Vec<Line>,
}

/// A line, and the servers that stand in it as `\0`.
#[derive(Default)]
struct Line {
    words: String,
    nodes: String,
}

impl Line {
    fn plain(words: impl Into<String>) -> Self {
        Self { words: words.into(), ..Self::default() }
    }
}

impl PartialEq for Told<'_> {
    fn eq(&self, other: &Self) -> bool {
        let words = |told: &Self| told.lines.iter().map(|line| line.words.clone()).collect::<Vec<_>>();
        symbol(self.action, Paint::PLAIN) == symbol(other.action, Paint::PLAIN) && words(self) == words(other)
    }
}

/// Writes what is told of all of these.
fn write(text: &mut String, of: &[(&Address, Told<'_>)], layout: Layout<'_>) {
    let told = &of[0].1;
    let wholes: Vec<&Address> = of.iter().map(|(whole, _)| *whole).collect();
    let is_listed = of.len() > 1 && told.lines.iter().any(|line| !line.nodes.is_empty());
    // The details name those that come or go as a whole.
    let is_listed = is_listed || of.len() > MANY && matches!(told.action, Action::Create | Action::Delete) && !wholes[0].is_module();
    let head = if is_listed { format!("{} clusters", of.len()) } else { names(&wholes) };
    for place in 0..told.lines.len() {
        let nodes = |one: &Told<'_>| one.lines.get(place).map(|line| line.nodes.clone()).unwrap_or_default();
        let nodes: Vec<String> = match of {
            [(_, one)] => vec![nodes(one)],
            all => all.iter().map(|(whole, one)| format!("{whole} ({})", nodes(one))).collect(),
        };
        let line = told.lines[place].words.replace('\0', &nodes.join(", "));
        let _ = match place {
            0 => {
                let symbol = symbol(told.action, layout.paint);
                writeln!(text, "{symbol} {}", wrap(&format!("{head}: {line}"), "      ", layout.width).trim_start())
            }
            _ => writeln!(text, "{}", wrap(&line, "        ", layout.width)),
        };
    }
}

fn of_module<'a>(changes: &[&'a Change]) -> Told<'a> {
    let mut counts: Vec<String> = Vec::new();
    for (is, verb) in KINDS {
        let of: Vec<&&Change> = changes.iter().filter(|change| is(&change.action)).collect();
        if of.is_empty() {
            continue;
        }
        let mut causes: BTreeSet<&str> = BTreeSet::new();
        for change in &of {
            if let Action::Replace { because, .. } = &change.action {
                causes.extend(because.iter().map(String::as_str));
            }
        }
        let why = if causes.is_empty() { String::new() } else { format!(" ({})", causes.into_iter().collect::<Vec<_>>().join(", ")) };
        counts.push(format!("{} to {verb}{why}", of.len()));
    }
    Told { action: strongest(changes), lines: vec![Line::plain(counts.join(", "))] }
}

/// Whether an action is of a kind.
type Is = fn(&Action) -> bool;

/// The kinds of actions, the weightiest first.
const KINDS: [(Is, &str); 6] = [
    (|action| matches!(action, Action::Replace { .. }), "replace"),
    (|action| matches!(action, Action::Delete), "destroy"),
    (|action| matches!(action, Action::Edit { .. }), "change"),
    (|action| matches!(action, Action::Create), "add"),
    (|action| matches!(action, Action::Read), "read"),
    (|action| matches!(action, Action::Keep | Action::Adopt { .. } | Action::Forget), "record"),
];

fn strongest<'a>(changes: &[&'a Change]) -> &'a Action {
    let of = |is: fn(&Action) -> bool| changes.iter().map(|change| &change.action).find(|action| is(action));
    KINDS.iter().find_map(|(is, _)| of(*is)).unwrap_or(&Action::Keep)
}

fn of_cluster<'a>(plan: &Plan, cluster: &Address, changes: &[&'a Change]) -> Told<'a> {
    let (nodes, others): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| is_node(change));
    let is_all = |is: fn(&Action) -> bool| changes.iter().all(|change| is(&change.action));
    let mut lines = Vec::new();
    if is_all(|action| *action == Action::Create) || is_all(|action| *action == Action::Delete) {
        return of_module(changes);
    }
    let causes = causes(&nodes);
    lines.extend((!causes.is_empty()).then(|| Line::plain(causes.join(", "))));
    lines.extend(of_nodes(plan, cluster, &nodes));
    let mut besides: Vec<String> = Vec::new();
    for (is, verb) in KINDS {
        let of: Vec<String> = others
            .iter()
            .filter(|change| is(&change.action))
            .map(|change| format!("{}.{}", change.address.kind, change.address.name))
            .collect();
        besides.extend((!of.is_empty()).then(|| format!("{verb} {}", of.join(", "))));
    }
    let head = if nodes.is_empty() { "" } else { "Besides: " };
    lines.extend((!besides.is_empty()).then(|| Line::plain(format!("{head}{}.", besides.join("; ")))));
    Told { action: strongest(changes), lines }
}

/// An arbiter is no node: its name cannot be one's.
fn is_node(change: &Change) -> bool {
    let is_server = kind(&change.address.kind).is_some_and(|kind| kind.powered(&Body::new()).is_some());
    is_server && !change.address.name.contains('_')
}

/// The arguments of the block that change: `timezone: "UTC" -> "America/New_York"`.
fn causes(nodes: &[&Change]) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for node in nodes.iter().filter(|node| !matches!(node.action, Action::Create | Action::Delete)) {
        let own = node.attrs.iter().filter(|attr| ARGUMENTS.contains(&attr.name.as_str()) && attr.after != Shown::Unknown);
        let own = own.filter(|attr| Mark::of(&attr.before, &attr.after) != Mark::Same);
        for cause in own.chain(&node.arguments).map(cause) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
    }
    let hidden = |node: &&Change| matches!(&node.action, Action::Replace { because, .. } if because.iter().any(|name| name == "user_data"));
    if causes.is_empty() && nodes.iter().any(hidden) {
        causes.push(
            "an argument that its nodes are configured by (an earlier dofloat created them and did not record which they were)".into(),
        );
    }
    causes
}

fn cause(attr: &AttrChange) -> String {
    let name = match attr.name.as_str() {
        "scripts" => "dofloat's own scripts",
        "ip" => "its address",
        name => name,
    };
    let is_hidden = |shown: &Shown| *shown == Shown::Sensitive;
    if is_hidden(&attr.before) || is_hidden(&attr.after) {
        return format!("{name} changes");
    }
    let none = |shown: &Shown| if is_null(shown) { Shown::Value(Value::Null) } else { shown.clone() };
    let text = changed(&none(&attr.before), &none(&attr.after), 0, Paint::PLAIN);
    let text = if is_null(&attr.before) { format!("null -> {text}") } else { text };
    if text.contains('\n') { format!("{name} changes") } else { format!("{name}: {text}") }
}

/// What happens to the servers, and in which order.
fn of_nodes(plan: &Plan, cluster: &Address, nodes: &[&Change]) -> Vec<Line> {
    let (down, others): (Vec<&Change>, Vec<&Change>) = nodes.iter().partition(|node| takes_down(&node.action));
    let mut lines: Vec<Line> = Vec::new();
    for node in others {
        let words = match node.action {
            Action::Create => "One is created: \0.",
            Action::Delete => "One is destroyed: \0.",
            Action::Edit { .. } if node.brings_back() => "One is powered on: \0.",
            Action::Edit { .. } => "One is updated in place: \0.",
            _ => continue,
        };
        lines.push(Line { words: words.to_owned(), nodes: node.address.name.clone() });
    }
    let Some(first) = down.first() else { return lines };
    let verb = if matches!(first.action, Action::Replace { .. }) { "replaced" } else { "powered off and changed" };
    let holder = holder(plan, cluster);
    let holds = |node: &&Change| holder.is_some() && node.id.as_ref().map(|id| id.0.as_str()) == holder.as_deref();
    let moves = "The address moves once: expect one or two seconds without service.";
    let dark = "Nothing serves until the new nodes have joined, which takes minutes.";
    let waits = plan.steps.iter().any(|step| step.op == StepOp::Gate && down.iter().any(|node| node.address == step.address));
    let named = |nodes: &[&Change], between: &str| nodes.iter().map(|node| node.address.name.as_str()).collect::<Vec<_>>().join(between);
    let (words, nodes, then) = match order(plan, &down) {
        _ if down.len() == 1 && holds(first) => ("One node, which holds the address, is DONE: \0.", named(&down, ""), moves),
        _ if down.len() == 1 && holder.is_none() => ("One node is DONE: \0.", named(&down, ""), ""),
        _ if down.len() == 1 => ("One node, which does not hold the address, is DONE: \0.", named(&down, ""), ""),
        // Nobody waits for the first to have joined before the other goes.
        Some(_) if verb == "replaced" && !waits => ("Both nodes are DONE without waiting for each other: \0.", named(&down, ", "), dark),
        Some(ordered) if ordered.last().is_some_and(holds) => {
            ("Both nodes are DONE, one at a time, the holder of the address last: \0.", named(&ordered, ", then "), moves)
        }
        Some(ordered) => ("Both nodes are DONE, one at a time: \0.", named(&ordered, ", then "), moves),
        None => ("Both nodes are DONE at once: \0.", named(&down, ", "), dark),
    };
    lines.push(Line { words: words.replace("DONE", verb), nodes });
    lines.extend((!then.is_empty()).then(|| Line::plain(then)));
    lines
}

fn takes_down(action: &Action) -> bool {
    matches!(action, Action::Replace { .. } | Action::Edit { disruptive: true, .. })
}

/// Who holds a cluster's address.
fn holder(plan: &Plan, cluster: &Address) -> Option<String> {
    let is_it = |change: &&Change| change.address.whole() == Some(cluster) && change.address.kind.ends_with("_ip_assignment");
    Some(plan.changes.iter().find(is_it)?.before.as_ref()?.get("droplet_id")?.to_json().to_string())
}

/// The servers in the order in which they are taken down, if one waits for the other.
fn order<'a>(plan: &Plan, down: &[&'a Change]) -> Option<Vec<&'a Change>> {
    let steps: BTreeMap<StepId, &Step> = plan.steps.iter().map(|step| (step.id, step)).collect();
    let own = |node: &Change| {
        plan.steps
            .iter()
            .filter(|step| step.address == node.address && step.op != StepOp::Gate)
            .map(|step| step.id)
            .collect::<BTreeSet<_>>()
    };
    let before = |node: &Change| {
        let mut open: Vec<StepId> = own(node).into_iter().collect();
        let mut seen: BTreeSet<StepId> = BTreeSet::new();
        while let Some(step) = open.pop() {
            open.extend(steps.get(&step).into_iter().flat_map(|step| &step.needs).filter(|need| seen.insert(**need)));
        }
        seen
    };
    let mut ordered: Vec<(usize, &Change)> = Vec::new();
    for node in down {
        let needs = before(node);
        // Who takes nobody's place waits for all steps of the others that come first.
        let earlier = down.iter().filter(|other| other.address != node.address && own(other).is_subset(&needs)).count();
        ordered.push((earlier, node));
    }
    ordered.sort_by_key(|(earlier, _)| *earlier);
    let is_rolling = ordered.iter().enumerate().all(|(place, (earlier, _))| place == *earlier);
    is_rolling.then(|| ordered.into_iter().map(|(_, node)| node).collect())
}
