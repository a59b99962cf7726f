//! The planned changes one by one.
//!
//! Invariant: pure. In brief, what is alike is shown once, and the others are named; a cluster that is created or destroyed as a
//! whole is one entry. No change is left out, however it is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::change_text::{BodyText, Mark, Rest, block_items, is_null};
use super::plan_layout::{Detail, Layout, head, rows, symbol};
use super::plan_title::title;
use super::wrap::{hang, wrap};
use dofloat_base::address::Address;
use dofloat_base::value::{Term, Value};
use dofloat_engine::change::{Action, AttrChange, Change, Shown};
use dofloat_kinds::attr::{Attr, Change as How};
use dofloat_kinds::kind;

/// From so many on, resources that differ in little are shown by what differs.
const MANY: usize = 3;
/// What differs of such resources is in so few lines.
const LITTLE: usize = 4;
/// The attributes that say which object it is.
const TELLING: [&str; 2] = ["id", "name"];

/// One entry: a resource, or a cluster.
struct Entry<'a> {
    of: &'a Address,
    /// The address stands in it as `\0`.
    title: Vec<String>,
    symbol: String,
    /// The lines below the title; none of what only the records know.
    block: Option<Block>,
}

#[derive(PartialEq)]
enum Block {
    /// A resource's body.
    Resource(String),
    /// The parts of a cluster.
    Parts(Vec<Row>),
}

/// Parts of one type of which the same is to be told.
#[derive(PartialEq)]
struct Row {
    /// The names, with the type before each in whole text.
    names: Vec<String>,
    kind: String,
    traits: String,
}

impl Row {
    fn whole(&self) -> String {
        let dot = if self.kind.is_empty() { "" } else { "." };
        let names: Vec<String> = self.names.iter().map(|name| format!("{}{dot}{name}", self.kind)).collect();
        let names = names.join(", ");
        if self.traits.is_empty() { names } else { format!("{names} ({})", self.traits) }
    }

    /// What it has that the other has not.
    fn beside(&self, other: &Self) -> String {
        match (self.names == other.names, self.traits == other.traits) {
            (true, false) => self.traits.clone(),
            (false, true) => self.names.join(", "),
            _ => self.whole(),
        }
    }
}

/// An entry, and those that are like it.
struct Group<'a> {
    leader: Entry<'a>,
    same: Vec<&'a Address>,
    alike: Vec<(Entry<'a>, Vec<String>)>,
}

/// All changes, with an empty line after each.
pub(super) fn details(shown: &[&Change], layout: Layout<'_>) -> String {
    each(shown, layout).into_iter().map(|text| text + "\n").collect()
}

/// All changes one by one, those that are alike in one.
pub(super) fn each(shown: &[&Change], layout: Layout<'_>) -> Vec<String> {
    match layout.detail {
        Detail::Whole => shown.iter().map(|change| entry(change, layout).text(layout)).collect(),
        Detail::Brief => groups(entries(shown, layout)).iter().flat_map(|group| group.texts(layout)).collect(),
    }
}

/// The planned change of one resource.
pub(super) fn one(text: &mut String, change: &Change, layout: Layout<'_>) {
    text.push_str(&entry(change, layout).text(layout));
}

fn entries<'a>(shown: &[&'a Change], layout: Layout<'_>) -> Vec<Entry<'a>> {
    let mut clusters: BTreeMap<&Address, Vec<&'a Change>> = BTreeMap::new();
    for change in shown {
        if let Some(cluster) = change.address.whole() {
            clusters.entry(cluster).or_default().push(change);
        }
    }
    clusters.retain(|_, parts| is_one(parts));
    let mut entries = Vec::new();
    for change in shown {
        let whole = change.address.whole().and_then(|cluster| clusters.get_key_value(cluster));
        match whole {
            None => entries.push(entry(change, layout)),
            Some((cluster, parts)) if parts[0].address == change.address => entries.push(cluster_entry(cluster, parts, layout)),
            Some(_) => {}
        }
    }
    entries
}

/// Whether the parts of a cluster all come, or all go, and for one reason.
fn is_one(parts: &[&Change]) -> bool {
    let (first, rest) = (parts[0], &parts[1..]);
    let like = |part: &&Change| part.action == first.action && part.reason == first.reason && part.provenance.is_none();
    matches!(first.action, Action::Create | Action::Delete) && !rest.is_empty() && parts.iter().all(like)
}

fn groups(entries: Vec<Entry<'_>>) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for entry in entries {
        let is_same = |group: &&mut Group<'_>| group.leader.is_same(&entry);
        if let Some(group) = groups.iter_mut().find(is_same) {
            group.same.push(entry.of);
            continue;
        }
        match groups.iter_mut().find_map(|group| group.leader.differing(&entry).map(|lines| (group, lines))) {
            Some((group, lines)) => group.alike.push((entry, lines)),
            None => groups.push(Group { leader: entry, same: Vec::new(), alike: Vec::new() }),
        }
    }
    groups
}

impl Entry<'_> {
    fn is_same(&self, other: &Entry<'_>) -> bool {
        let kin = self.of.kind == other.of.kind && self.title == other.title && self.symbol == other.symbol;
        kin && self.block.is_some() && self.block == other.block
    }

    /// What an entry of the same block has otherwise, where that is little.
    fn differing(&self, other: &Entry<'_>) -> Option<Vec<String>> {
        let kin = self.of.kind == other.of.kind && self.title == other.title && self.symbol == other.symbol;
        if !kin {
            return None;
        }
        let lines: Vec<String> = match (self.block.as_ref()?, other.block.as_ref()?) {
            (Block::Parts(one), Block::Parts(other)) if one.len() == other.len() => {
                let pairs = one.iter().zip(other).filter(|(one, other)| one != other);
                pairs.map(|(one, other)| other.beside(one)).collect()
            }
            (Block::Resource(one), Block::Resource(two)) if self.of.unkeyed() == other.of.unkeyed() => differing_lines(one, two)?,
            _ => return None,
        };
        (lines.len() <= LITTLE).then_some(lines)
    }

    fn text(&self, layout: Layout<'_>) -> String {
        let mut text = String::new();
        for (position, line) in self.title.iter().enumerate() {
            let line = format!("# {}", line.replace('\0', &self.of.to_string()));
            let _ = writeln!(text, "  {}", if position == 0 { layout.paint.bold(&line) } else { line });
        }
        match &self.block {
            None => {}
            Some(Block::Resource(body)) => {
                head(&mut text, &self.symbol, 0, self.of);
                text.push_str(body);
                text.push_str("    }\n");
            }
            Some(Block::Parts(parts)) => {
                for part in parts {
                    let _ = writeln!(text, "{} {}", self.symbol, wrap(&part.whole(), "    ", layout.width).trim_start());
                }
            }
        }
        text
    }
}

/// What the second body has otherwise, where the lines are the same in number and each says what it is about. Of an object that
/// goes the address is enough.
fn differing_lines(one: &str, other: &str) -> Option<Vec<String>> {
    if one.lines().count() != other.lines().count() {
        return None;
    }
    let differing = one.lines().zip(other.lines()).filter(|(one, other)| one != other);
    // How much is hidden says nothing of the object.
    let lines = differing.map(|(_, line)| line.trim_matches([' ', '+', '-', '~'])).filter(|line| !line.starts_with('#'));
    let lines: Vec<&str> = lines.collect();
    if lines.iter().all(|line| line.ends_with(" -> null")) {
        return Some(Vec::new());
    }
    let tells = |line: &&str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    lines.iter().all(|line| line.contains(' ')).then(|| lines.iter().map(tells).collect())
}

impl Group<'_> {
    /// The leader with the names of those that are like it; where those are few, each by itself.
    fn texts(&self, layout: Layout<'_>) -> Vec<String> {
        let mut text = self.leader.text(layout);
        if !self.same.is_empty() {
            let _ = writeln!(text, "{}", hang(&format!("Likewise: {}", names(&self.same)), "  # ", "  #   ", layout.width));
        }
        if self.alike.len() + 1 < MANY {
            return std::iter::once(text).chain(self.alike.iter().map(|(entry, _)| entry.text(layout))).collect();
        }
        let alike = self.alike.iter().map(|(entry, lines)| match lines.as_slice() {
            [] => entry.of.to_string(),
            lines => format!("{} ({})", entry.of, lines.join(", ")),
        });
        let alike: Vec<String> = alike.collect();
        let _ = writeln!(text, "{}", hang(&format!("Likewise: {}", alike.join(", ")), "  # ", "  #   ", layout.width));
        vec![text]
    }
}

/// Addresses, the parts of one cluster together.
pub(super) fn names(all: &[&Address]) -> String {
    let mut wholes: Vec<(Option<&Address>, Vec<String>)> = Vec::new();
    for address in all {
        let whole = address.whole();
        match wholes.last_mut().filter(|(last, _)| whole.is_some() && *last == whole) {
            Some((_, parts)) => parts.push(address.name.clone()),
            None if whole.is_some() => wholes.push((whole, vec![address.name.clone()])),
            None => wholes.push((None, vec![address.to_string()])),
        }
    }
    let one = |(whole, parts): &(Option<&Address>, Vec<String>)| match whole {
        Some(whole) => format!("{whole} ({})", parts.join(", ")),
        None => parts.join(", "),
    };
    wholes.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn entry<'a>(change: &'a Change, layout: Layout<'_>) -> Entry<'a> {
    let address = change.address.to_string();
    let title = title(change).iter().map(|line| line.replace(&address, "\0")).collect();
    let shows = !matches!(change.action, Action::Adopt { .. } | Action::Forget);
    let block = shows.then(|| Block::Resource(body(change, layout)));
    Entry { of: &change.address, title, symbol: symbol(&change.action, layout.paint), block }
}

/// A cluster all of whose parts come or go.
fn cluster_entry<'a>(cluster: &'a Address, parts: &[&'a Change], layout: Layout<'_>) -> Entry<'a> {
    let action = &parts[0].action;
    let verb = if *action == Action::Create { "created" } else { "destroyed" };
    let reasons = title(parts[0]).into_iter().skip(1).map(|line| line.replace(&parts[0].address.to_string(), "\0"));
    let title = std::iter::once(format!("\0 will be {verb}: {} resources", parts.len())).chain(reasons).collect();
    let mut rows: Vec<Row> = Vec::new();
    let mut others = Row { names: Vec::new(), kind: String::new(), traits: String::new() };
    for part in parts {
        let (kind, name) = (&part.address.kind, part.address.name.clone());
        match traits(part) {
            None => others.names.push(format!("{kind}.{name}")),
            Some(traits) => match rows.iter_mut().find(|row| row.kind == *kind && row.traits == traits) {
                Some(row) => row.names.push(name),
                None => rows.push(Row { names: vec![name], kind: kind.clone(), traits }),
            },
        }
    }
    rows.extend((!others.names.is_empty()).then_some(others));
    Entry { of: cluster, title, symbol: symbol(action, layout.paint), block: Some(Block::Parts(rows)) }
}

/// What a person wants to know of a part of a cluster that costs something.
fn traits(part: &Change) -> Option<String> {
    let text = |name: &str| {
        let attr = part.attrs.iter().find(|attr| attr.name == name)?;
        match if part.action == Action::Create { &attr.after } else { &attr.before } {
            Shown::Value(Value::Str(text)) => Some(text.clone()),
            _ => None,
        }
    };
    if !kind(&part.address.kind).is_some_and(|kind| kind.billed()) {
        return None;
    }
    let names = ["size", "image", "region"];
    // Who gives up an address knows where it is.
    if let Some(address) = text("ip_address") {
        return Some(address);
    }
    let traits: Vec<String> = names.iter().filter_map(|name| text(name)).collect();
    (!traits.is_empty()).then(|| traits.join(", "))
}

fn body(change: &Change, layout: Layout<'_>) -> String {
    let rows = rows(layout, &change.address);
    let keeps = matches!(change.action, Action::Edit { .. } | Action::Replace { .. } | Action::Keep);
    let (mut attrs, mut rest) = match layout.detail {
        Detail::Whole => (change.attrs.clone(), Rest::default()),
        Detail::Brief => brief(change, rows),
    };
    // The address of a part says which one it is.
    let is_named = layout.detail == Detail::Brief && change.address.whole().is_some();
    let kept = if keeps && !is_named { kept(change, &attrs) } else { Vec::new() };
    if keeps {
        let shown_all_the_same = kept.iter().filter(|(name, _)| change.attrs.iter().any(|attr| attr.name == *name)).count();
        let (attributes, blocks) = unchanged(change, rows, &kept);
        (rest.unchanged, rest.blocks) = ((rest.unchanged + attributes).saturating_sub(shown_all_the_same), rest.blocks + blocks);
    }
    for attr in attrs.iter_mut().filter(|attr| attr.replaces && attr.name == "user_data" && !change.arguments.is_empty()) {
        let side = |of: fn(&AttrChange) -> &Shown| {
            let all = change.arguments.iter().filter(|argument| !is_null(of(argument)));
            Shown::Map(all.map(|argument| (argument.name.clone(), of(argument).clone())).collect())
        };
        (attr.before, attr.after) = (side(|argument| &argument.before), side(|argument| &argument.after));
    }
    BodyText { rows, attrs: &attrs, kept, rest, still: false, paint: layout.paint }.render()
}

/// The attributes of a change that matter, and how many are left out.
fn brief(change: &Change, rows: &[Attr]) -> (Vec<AttrChange>, Rest) {
    let mut rest = Rest::default();
    let is_new = |attr: &AttrChange| attr.after == Shown::Unknown;
    let row = |attr: &AttrChange| rows.iter().find(|row| row.name == attr.name);
    let attrs = change.attrs.iter().filter(|attr| match change.action {
        Action::Create => {
            rest.unknown += usize::from(is_new(attr));
            !is_new(attr)
        }
        Action::Delete => {
            let tells = TELLING.contains(&attr.name.as_str());
            rest.gone += usize::from(!tells && !is_null(&attr.before));
            tells
        }
        Action::Replace { .. } if !attr.replaces => {
            // What cannot be shown and would force a replacement if it changed does not change.
            let is_kept =
                attr.before == Shown::Sensitive && attr.after == Shown::Sensitive && row(attr).is_none_or(|row| row.change == How::Replace);
            if is_new(attr) {
                rest.unknown += 1;
            } else if is_kept || Mark::of(&attr.before, &attr.after) == Mark::Same {
                match row(attr).filter(|row| row.block).and_then(|_| block_items(&attr.before)) {
                    Some(items) => rest.blocks += items.len(),
                    None => rest.unchanged += usize::from(!is_null(&attr.before)),
                }
            } else {
                return true;
            }
            false
        }
        Action::Edit { .. } if is_new(attr) && row(attr).is_some_and(|row| !row.settable()) => {
            rest.unknown += 1;
            false
        }
        _ => true,
    });
    let attrs = attrs.cloned().collect();
    (attrs, rest)
}

/// The attributes that say which object it is.
fn kept<'a>(change: &'a Change, attrs: &[AttrChange]) -> Vec<(&'a str, Shown)> {
    let Some(before) = &change.before else { return Vec::new() };
    let touched = |name: &str| attrs.iter().any(|attr| attr.name == name);
    let secret = |name: &str| change.after.as_ref().is_some_and(|after| matches!(after.get(name), Term::Secret(_)));
    let is_new = matches!(change.action, Action::Replace { .. });
    let mut kept: Vec<(&str, Shown)> = Vec::new();
    for name in TELLING.into_iter().filter(|name| !(touched(name) || secret(name) || is_new && *name == "id")) {
        match before.get(name) {
            Some(value) => kept.push((name, Shown::Value(value.clone()))),
            None if name == "id" => kept.extend(change.id.as_ref().map(|id| ("id", Shown::Value(Value::Str(id.0.clone()))))),
            None => {}
        }
    }
    kept
}

/// How many attributes and blocks do not change.
fn unchanged(change: &Change, rows: &[Attr], kept: &[(&str, Shown)]) -> (usize, usize) {
    let touched = |name: &str| change.attrs.iter().any(|attr| attr.name == name);
    let others = change.before.iter().flatten().filter(|(name, _)| !touched(name) && !kept.iter().any(|(telling, _)| telling == name));
    count(others.map(|(name, value)| (name.as_str(), Shown::Value(value.clone()))), rows)
}

/// How many attributes, and how many blocks, these are.
pub(super) fn count<'a>(values: impl Iterator<Item = (&'a str, Shown)>, rows: &[Attr]) -> (usize, usize) {
    values.filter(|(_, value)| !is_null(value)).fold((0, 0), |(attributes, blocks), (name, value)| {
        match rows.iter().find(|row| row.name == name) {
            Some(row) if row.block => (attributes, blocks + block_items(&value).map_or(1, |items| items.len())),
            _ => (attributes + 1, blocks),
        }
    })
}
