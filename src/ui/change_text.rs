//! One changed value as text: what was, what will be, part by part.
//!
//! Invariant: pure; the same symbols at every depth (`+` added, `-` removed, `~` changed); what does not change is counted,
//! not shown. It must not know any kind: rows of attribute tables are all it sees.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use similar::{Algorithm, ChangeTag, DiffTag, TextDiff, capture_diff_slices};

use super::paint::Paint;
use super::value_text::{key, marker, quote, visible};
use dofloat_base::value::Value;
use dofloat_engine::change::{AttrChange, Shown};
use dofloat_kinds::attr::{Attr, Ty};

/// The change of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// `+`
    Add,
    /// `-`
    Remove,
    /// `~`
    Change,
    /// Shown, but left as it is.
    Same,
}

impl Mark {
    /// The change of a value.
    #[must_use]
    pub fn of(before: &Shown, after: &Shown) -> Self {
        match (is_null(before), is_null(after)) {
            (true, true) => Self::Same,
            (true, false) => Self::Add,
            (false, true) => Self::Remove,
            (false, false) if before == after && !matches!(before, Shown::Sensitive | Shown::Unknown) => Self::Same,
            (false, false) => Self::Change,
        }
    }

    /// The symbol, coloured, one column wide.
    #[must_use]
    pub fn symbol(self, paint: Paint) -> String {
        match self {
            Self::Add => paint.green("+"),
            Self::Remove => paint.red("-"),
            Self::Change => paint.yellow("~"),
            Self::Same => " ".to_owned(),
        }
    }
}

/// What of a resource is not shown, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// Attributes that do not change.
    pub unchanged: usize,
    /// Attributes that are known after apply.
    pub unknown: usize,
    /// Attributes of an object that goes.
    pub gone: usize,
    /// Blocks that do not change.
    pub blocks: usize,
}

impl Rest {
    /// A line about the attributes, if there are any.
    fn attributes(self) -> Option<String> {
        let text = match (self.unchanged, self.unknown, self.gone) {
            (0, 0, 0) => return None,
            (0, 0, gone) => format!("# ({gone} more attribute{} hidden)", if gone == 1 { "" } else { "s" }),
            (0, unknown, _) => format!("# ({unknown} attribute{} known after apply)", if unknown == 1 { "" } else { "s" }),
            (unchanged, 0, _) => hidden(unchanged, "attribute"),
            (unchanged, unknown, _) => {
                let text = hidden(unchanged, "attribute");
                format!("{}, {unknown} known after apply)", text.trim_end_matches(')'))
            }
        };
        Some(text)
    }
}

/// The body of a resource's change: attributes first, their `=` aligned, then blocks; then how much is not shown.
#[derive(Debug)]
pub struct BodyText<'a> {
    /// The attribute table, as far as there is one.
    pub rows: &'a [Attr],
    /// The attributes that change.
    pub attrs: &'a [AttrChange],
    /// Attributes that do not change and are shown all the same, to say which object it is.
    pub kept: Vec<(&'a str, Shown)>,
    /// How much more there is.
    pub rest: Rest,
    /// Whether nothing is said to change: no symbols.
    pub still: bool,
    /// Colour.
    pub paint: Paint,
}

impl BodyText<'_> {
    /// The lines, at the depth of a resource's body.
    #[must_use]
    pub fn render(&self) -> String {
        const INDENT: usize = 6;
        let mut plain: Vec<(&str, &Shown, &Shown, Option<Ty>, &str)> =
            self.kept.iter().map(|(name, value)| (*name, value, value, None, "")).collect();
        let mut blocks: Vec<(&AttrChange, &Attr)> = Vec::new();
        for attr in self.attrs.iter().filter(|attr| !(is_null(&attr.before) && is_null(&attr.after))) {
            let row = self.rows.iter().find(|row| row.name == attr.name);
            match row {
                Some(row) if row.block && block_items(&attr.before).is_some() && block_items(&attr.after).is_some() => {
                    blocks.push((attr, row))
                }
                _ => plain.push((&attr.name, &attr.before, &attr.after, row.map(|row| row.ty), comment(attr))),
            }
        }
        plain.sort_by_key(|(name, ..)| *name);
        let width = plain.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
        let values = Values { paint: self.paint, still: self.still };
        let mut text = String::new();
        for (name, before, after, ty, comment) in plain {
            let mark = Mark::of(before, after);
            let shown = match mark {
                Mark::Add => values.whole(after, mark, INDENT),
                _ => values.changed(before, after, ty, INDENT),
            };
            let line = format!("{:INDENT$}{} {name:width$} = {shown}", "", values.symbol(mark));
            let _ = writeln!(text, "{}", commented(&line, comment, self.paint));
        }
        if let Some(line) = self.rest.attributes() {
            let _ = writeln!(text, "{:width$}{}", "", self.paint.faint(&line), width = INDENT + 2);
        }
        blocks.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let mut same = self.rest.blocks;
        for (attr, row) in blocks {
            text.push('\n');
            same += values.blocks(&mut text, attr, row, INDENT);
        }
        if same > 0 {
            if !text.ends_with("}\n") {
                text.push('\n');
            }
            let _ = writeln!(text, "{:width$}{}", "", self.paint.faint(&hidden(same, "block")), width = INDENT + 2);
        }
        text
    }
}

/// A single value and what becomes of it, for a line that begins with a symbol at column `indent`.
#[must_use]
pub fn changed(before: &Shown, after: &Shown, indent: usize, paint: Paint) -> String {
    let values = Values { paint, still: false };
    match Mark::of(before, after) {
        Mark::Add => values.whole(after, Mark::Add, indent),
        _ => values.changed(before, after, None, indent),
    }
}

/// Whether nothing is there.
#[must_use]
pub fn is_null(shown: &Shown) -> bool {
    matches!(shown, Shown::Absent | Shown::Value(Value::Null))
}

/// How many blocks an attribute's value holds.
#[must_use]
pub fn block_items(shown: &Shown) -> Option<Vec<Shown>> {
    if is_null(shown) { Some(Vec::new()) } else { items(shown) }
}

fn comment(attr: &AttrChange) -> &'static str {
    if attr.replaces {
        "# forces replacement"
    } else if attr.disrupts {
        "# powers the droplet off"
    } else {
        ""
    }
}

/// A comment goes to the end of the first line.
fn commented(text: &str, comment: &str, paint: Paint) -> String {
    if comment.is_empty() {
        return text.to_owned();
    }
    let (first, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
    format!("{first} {}{rest}", paint.red(comment))
}

fn hidden(count: usize, what: &str) -> String {
    format!("# ({count} unchanged {what}{} hidden)", if count == 1 { "" } else { "s" })
}

fn items(shown: &Shown) -> Option<Vec<Shown>> {
    match shown {
        Shown::List(items) => Some(items.clone()),
        Shown::Value(Value::List(items)) => Some(items.iter().cloned().map(Shown::Value).collect()),
        _ => None,
    }
}

fn entries(shown: &Shown) -> Option<BTreeMap<String, Shown>> {
    match shown {
        Shown::Map(entries) => Some(entries.clone()),
        Shown::Value(Value::Map(entries)) => {
            Some(entries.iter().map(|(name, value)| (name.clone(), Shown::Value(value.clone()))).collect())
        }
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Values {
    paint: Paint,
    still: bool,
}

impl Values {
    fn symbol(self, mark: Mark) -> String {
        if self.still { " ".to_owned() } else { mark.symbol(self.paint) }
    }

    /// A value that is there as a whole; `mark` stands before each of its parts.
    fn whole(self, shown: &Shown, mark: Mark, indent: usize) -> String {
        let pad = indent + 4;
        match shown {
            Shown::Absent => "null".into(),
            Shown::Sensitive => "(sensitive value)".into(),
            Shown::Unknown => "(known after apply)".into(),
            Shown::Value(Value::Null) => "null".into(),
            Shown::Value(Value::Bool(bool)) => bool.to_string(),
            Shown::Value(Value::Number(number)) => number.to_string(),
            Shown::Value(Value::Str(text)) if text.contains('\n') => {
                let marker = marker(text);
                let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
                let lines: String = lines.map(|line| format!("{:width$}{}\n", "", visible(line), width = indent + 6)).collect();
                format!("<<-{marker}\n{lines}{:width$}{marker}", "", width = indent + 2)
            }
            Shown::Value(Value::Str(text)) => quote(text),
            Shown::List(_) | Shown::Value(Value::List(_)) => {
                let items = items(shown).unwrap_or_default();
                let lines = items.iter().map(|item| format!("{:pad$}{} {},", "", self.symbol(mark), self.whole(item, mark, pad)));
                bracketed('[', ']', indent, lines)
            }
            Shown::Map(_) | Shown::Value(Value::Map(_)) => {
                let entries = entries(shown).unwrap_or_default();
                let width = entries.keys().map(|name| key(name).chars().count()).max().unwrap_or(0);
                let lines = entries.iter().map(|(name, value)| {
                    format!("{:pad$}{} {:width$} = {}", "", self.symbol(mark), key(name), self.whole(value, mark, pad))
                });
                bracketed('{', '}', indent, lines)
            }
        }
    }

    /// A value that becomes another, or goes.
    fn changed(self, before: &Shown, after: &Shown, ty: Option<Ty>, indent: usize) -> String {
        if Mark::of(before, after) == Mark::Same {
            return self.whole(before, Mark::Same, indent);
        }
        if before == after {
            return self.whole(after, Mark::Same, indent);
        }
        if let (Some(before), Some(after)) = (items(before), items(after)) {
            return self.list(&before, &after, ty, indent);
        }
        if let (Some(before), Some(after)) = (entries(before), entries(after)) {
            return self.map(&before, &after, ty, indent);
        }
        if let (Shown::Value(Value::Str(before)), Shown::Value(Value::Str(after))) = (before, after)
            && (before.contains('\n') || after.contains('\n'))
        {
            return self.lines(before, after, indent);
        }
        let arrow = self.paint.yellow("->");
        let after = if is_null(after) { self.paint.faint("null") } else { self.whole(after, Mark::Add, indent) };
        format!("{} {arrow} {after}", self.whole(before, Mark::Remove, indent))
    }

    fn list(self, before: &[Shown], after: &[Shown], ty: Option<Ty>, indent: usize) -> String {
        let pad = indent + 4;
        let (set, item_ty) = match ty {
            Some(Ty::Set(item)) => (true, Some(*item)),
            Some(Ty::List(item)) => (false, Some(*item)),
            _ => (false, None),
        };
        let (pairs, same) = if set { as_sets(before, after) } else { in_order(before, after) };
        let mut lines: Vec<String> = pairs
            .into_iter()
            .map(|pair| {
                let (mark, value) = match pair {
                    (Some(was), Some(is)) => (Mark::Change, self.changed(was, is, item_ty, pad)),
                    (Some(was), None) => (Mark::Remove, self.whole(was, Mark::Remove, pad)),
                    (None, is) => (Mark::Add, self.whole(is.unwrap_or(&Shown::Absent), Mark::Add, pad)),
                };
                format!("{:pad$}{} {value},", "", self.symbol(mark))
            })
            .collect();
        if same > 0 {
            lines.push(format!("{:width$}{}", "", self.paint.faint(&hidden(same, "element")), width = pad + 2));
        }
        bracketed('[', ']', indent, lines.into_iter())
    }

    fn map(self, before: &BTreeMap<String, Shown>, after: &BTreeMap<String, Shown>, ty: Option<Ty>, indent: usize) -> String {
        let (lines, same) = self.map_lines(before, after, ty, indent);
        let what = if matches!(ty, Some(Ty::Map(_))) { "element" } else { "attribute" };
        let rest = (same > 0).then(|| format!("{:width$}{}", "", self.paint.faint(&hidden(same, what)), width = indent + 6));
        bracketed('{', '}', indent, lines.into_iter().chain(rest))
    }

    /// The lines of the entries that differ, and how many do not.
    fn map_lines(
        self,
        before: &BTreeMap<String, Shown>,
        after: &BTreeMap<String, Shown>,
        ty: Option<Ty>,
        indent: usize,
    ) -> (Vec<String>, usize) {
        let pad = indent + 4;
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let get = |map: &BTreeMap<String, Shown>, name: &String| map.get(name).cloned().unwrap_or(Shown::Absent);
        let mut lines = Vec::new();
        let mut same = 0;
        let differing: Vec<&String> =
            names.into_iter().filter(|name| Mark::of(&get(before, name), &get(after, name)) != Mark::Same).collect();
        for name in before.keys().filter(|name| !differing.contains(name)) {
            same += usize::from(!is_null(&before[name]));
        }
        let width = differing.iter().map(|name| key(name).chars().count()).max().unwrap_or(0);
        for name in differing {
            let (was, is) = (get(before, name), get(after, name));
            let mark = Mark::of(&was, &is);
            let value = match mark {
                Mark::Add => self.whole(&is, mark, pad),
                Mark::Remove => self.whole(&was, mark, pad),
                _ => self.changed(&was, &is, part(ty, name), pad),
            };
            lines.push(format!("{:pad$}{} {:width$} = {value}", "", self.symbol(mark), key(name)));
        }
        (lines, same)
    }

    /// The blocks of one name that differ; returns how many do not.
    fn blocks(self, text: &mut String, attr: &AttrChange, row: &Attr, indent: usize) -> usize {
        let before = block_items(&attr.before).unwrap_or_default();
        let after = block_items(&attr.after).unwrap_or_default();
        let (item_ty, (pairs, same)) = match row.ty {
            Ty::Set(item) => (Some(*item), as_sets(&before, &after)),
            Ty::List(item) => (Some(*item), by_place(&before, &after)),
            _ => (None, by_place(&before, &after)),
        };
        for (was, is) in pairs {
            let mark = match (was, is) {
                (None, _) => Mark::Add,
                (_, None) => Mark::Remove,
                _ => Mark::Change,
            };
            let part = |shown: Option<&Shown>| shown.and_then(entries).unwrap_or_default();
            let (lines, hidden_here) = self.map_lines(&part(was), &part(is), item_ty, indent);
            let head = format!("{:indent$}{} {} {{", "", self.symbol(mark), attr.name);
            let _ = writeln!(text, "{}", commented(&head, comment(attr), self.paint));
            for line in lines {
                // A block that goes shows where its attributes go, as an object that goes does.
                let _ = writeln!(
                    text,
                    "{line}{}",
                    if mark == Mark::Remove { format!(" -> {}", self.paint.faint("null")) } else { String::new() }
                );
            }
            if hidden_here > 0 {
                let _ = writeln!(text, "{:width$}{}", "", self.paint.faint(&hidden(hidden_here, "attribute")), width = indent + 6);
            }
            let _ = writeln!(text, "{:width$}}}", "", width = indent + 2);
        }
        same
    }

    /// A text of several lines, line by line, with three unchanged ones around each change.
    fn lines(self, before: &str, after: &str, indent: usize) -> String {
        let marker = marker(&format!("{before}\n{after}"));
        let mut text = format!("<<-{marker}\n");
        let diff = TextDiff::from_lines(before, after);
        let all: Vec<_> = diff.iter_all_changes().collect();
        let near = |at: usize| all[at.saturating_sub(3)..(at + 4).min(all.len())].iter().any(|change| change.tag() != ChangeTag::Equal);
        let mut skipped = 0;
        let pad = indent + 4;
        let skip = |text: &mut String, skipped: &mut usize| {
            if *skipped > 0 {
                let _ = writeln!(text, "{:width$}{}", "", self.paint.faint(&hidden(*skipped, "line")), width = pad + 2);
                *skipped = 0;
            }
        };
        for (at, change) in all.iter().enumerate() {
            if !near(at) {
                skipped += 1;
                continue;
            }
            skip(&mut text, &mut skipped);
            let mark = match change.tag() {
                ChangeTag::Equal => Mark::Same,
                ChangeTag::Delete => Mark::Remove,
                ChangeTag::Insert => Mark::Add,
            };
            let line = change.value();
            let _ = writeln!(text, "{:pad$}{} {}", "", self.symbol(mark), visible(line.strip_suffix('\n').unwrap_or(line)));
        }
        skip(&mut text, &mut skipped);
        let _ = write!(text, "{:width$}{marker}", "", width = indent + 2);
        text
    }
}

/// An item as it was and as it will be.
type Pair<'a> = (Option<&'a Shown>, Option<&'a Shown>);

/// The items that differ, in sets: what goes, then what comes; and how many stay.
fn as_sets<'a>(before: &'a [Shown], after: &'a [Shown]) -> (Vec<Pair<'a>>, usize) {
    let mut new: Vec<&Shown> = after.iter().collect();
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for item in before {
        match new.iter().position(|other| *other == item) {
            Some(at) => {
                new.remove(at);
            }
            None => pairs.push((Some(item), None)),
        }
    }
    let same = before.len() - pairs.len();
    pairs.extend(new.into_iter().map(|item| (None, Some(item))));
    (pairs, same)
}

/// The items that differ, in lists in which items move; and how many stay.
fn in_order<'a>(before: &'a [Shown], after: &'a [Shown]) -> (Vec<Pair<'a>>, usize) {
    let mut pairs = Vec::new();
    let mut same = 0;
    for op in capture_diff_slices(Algorithm::Myers, &ids(before, before, after), &ids(after, before, after)) {
        let (tag, old, new) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            same += old.len();
            continue;
        }
        let (old, new) = (&before[old], &after[new]);
        pairs.extend((0..old.len().max(new.len())).map(|at| (old.get(at), new.get(at))));
    }
    (pairs, same)
}

/// The items that differ, in lists of blocks: each place on its own; and how many stay.
fn by_place<'a>(before: &'a [Shown], after: &'a [Shown]) -> (Vec<Pair<'a>>, usize) {
    let all = (0..before.len().max(after.len())).map(|at| (before.get(at), after.get(at)));
    let (same, pairs): (Vec<_>, Vec<_>) = all.partition(|pair| matches!(pair, (Some(was), Some(is)) if Mark::of(was, is) == Mark::Same));
    (pairs, same.len())
}

/// Items as numbers, equal for equal items: what the comparison of sequences wants.
fn ids(list: &[Shown], before: &[Shown], after: &[Shown]) -> Vec<usize> {
    let all: Vec<&Shown> = before.iter().chain(after).collect();
    list.iter().map(|item| all.iter().position(|other| *other == item).unwrap_or(usize::MAX)).collect()
}

/// The type of a part.
fn part(ty: Option<Ty>, name: &str) -> Option<Ty> {
    match ty? {
        Ty::Map(item) => Some(*item),
        Ty::Object(rows) => rows.iter().find(|row| row.name == name).map(|row| row.ty),
        _ => None,
    }
}

fn bracketed(open: char, close: char, indent: usize, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return format!("{open}{close}");
    }
    format!("{open}\n{}\n{:width$}{close}", lines.join("\n"), "", width = indent + 2)
}
