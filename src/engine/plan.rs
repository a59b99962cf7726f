//! From what is wanted, remembered and seen to a plan: one walk in dependency order.
//!
//! Invariant: pure. Each body is resolved with what is known so far, compared, and its attributes are published to those that
//! come later: observed where the object is kept, unknown where it is made anew. Every mistake of the configuration is found
//! in one go.

use std::collections::{BTreeMap, BTreeSet};

use super::alarms;
use super::change::{Action, AttrChange, Base, Change, Drift, Order, OutputChange, Plan, Reason, Shown};
use super::desired::terms;
use super::diff::{self, Difference, There};
use super::graph::{self, Cycle};
use super::held;
use super::known::{effective, secret_identities};
use super::observed::{Present, Seen};
use super::order::{self, Links, Roll, Work};
use super::parting;
use super::planned::{Input, Planned};
use super::pointers::Picture;
use super::publish::{Instance, followed, is_rising, publish};
use super::request::Options;
use super::target::chosen;
use super::trouble::Stop;
use crate::base::address::{Address, Key};
use crate::base::desired::{Desired, Output, Pair, Prevent, Repeats, Wanted};
use crate::base::diag::Diagnostic;
use crate::base::digest::Salt;
use crate::base::types::Type;
use crate::base::value::{Body, Origin, Term, Terms, Value};
use crate::kinds::attr::{Attr, Change as How, Presence, Reads, SETTLE};
use crate::kinds::erased::{AnyKind, Job};
use crate::kinds::kind;
use crate::state::{Health, Record};

/// Makes the plan.
///
/// # Errors
/// All that is wrong with the configuration, with positions.
pub fn make(input: Input<'_>, base: Base) -> Result<Planned, Stop> {
    let nothing = Desired::default();
    let wanted = if input.options.destroy { &nothing } else { input.resolve.desired() };
    let after: BTreeMap<Address, BTreeSet<Address>> =
        wanted.resources.iter().map(|(address, wanted)| (address.clone(), wanted.after.clone())).collect();
    let pairs = after.iter().flat_map(|(address, after)| after.iter().map(move |before| (before.clone(), address.clone())));
    let graph = graph::build(after.keys().cloned(), pairs).map_err(|cycle| Stop::from(of_cycle(&cycle, wanted)))?;
    let chosen = chosen(&input, &graph)?;

    let mut walk = Walk {
        input,
        wanted,
        chosen,
        known: BTreeMap::new(),
        changes: BTreeMap::new(),
        jobs: BTreeMap::new(),
        terms: BTreeMap::new(),
        errors: Vec::new(),
        notes: input.upkeep.notes.clone(),
    };
    for address in graph.order() {
        walk.visit(&address);
    }
    walk.removed();
    let outputs = walk.outputs();
    walk.strays();
    walk.notes.extend(parting::notes(&walk.changes, input.resolve, input.options.destroy));
    let picture = Picture { terms: &walk.terms, known: &walk.known, jobs: &walk.jobs, resolve: input.resolve };
    let quarrels = picture.quarrels(walk.changes.values());
    walk.errors.extend(quarrels);
    let (errors, warnings): (Vec<_>, Vec<_>) = std::mem::take(&mut walk.errors).into_iter().partition(Diagnostic::is_error);
    if !errors.is_empty() {
        return Err(Stop::failed(errors));
    }
    let records = input.state.records.iter().map(|(address, record)| (address.clone(), record.after.clone())).collect();
    let steps = if input.options.refresh_only {
        Vec::new()
    } else {
        let mut rolls = walk.rolls(base.journal_end > 0);
        let work = walk.work();
        for roll in &mut rolls {
            roll.at_once = order::loses_ground(&roll.nodes, &work, &after);
        }
        walk.notes.extend(alarms::notes(&rolls, &input));
        order::steps(&work, Links { wanted: &after, records: &records }, &rolls).map_err(|cycle| Stop::from(of_cycle(&cycle, wanted)))?
    };
    let mut notes = warnings;
    if !input.options.targets.is_empty() {
        notes.push(
            Diagnostic::warning("Only a part of the stack is planned, as `-target` asks: what is left out may not fit what is changed.")
                .hint("Plan without `-target` afterwards."),
        );
    }
    notes.append(&mut walk.notes);
    let plan = Plan {
        base,
        drift: drifts(&input),
        changes: std::mem::take(&mut walk.changes).into_values().collect(),
        steps,
        outputs,
        notes,
        secrets: BTreeMap::new(),
        variables: BTreeMap::new(),
        refresh_only: input.options.refresh_only,
        destroy: input.options.destroy,
    };
    Ok(Planned { plan, known: walk.known, terms: walk.terms, jobs: walk.jobs })
}

fn of_cycle(cycle: &Cycle<Address>, wanted: &Desired) -> Diagnostic {
    let names: Vec<String> = cycle.0.iter().map(ToString::to_string).collect();
    let round = names.iter().chain(names.first()).map(String::as_str).collect::<Vec<_>>().join(" needs ");
    let mut spans = cycle.0.iter().filter_map(|address| Some((wanted.resources.get(address)?.span.clone(), address)));
    let mut diagnostic = Diagnostic::error(format!("These resources need each other: {round}."))
        .hint("Break the circle: remove one of the references, or move the value into a variable or a local.");
    if let Some((span, _)) = spans.next() {
        diagnostic = diagnostic.at(span);
    }
    for (span, address) in spans {
        diagnostic = diagnostic.related(span, format!("{address} is part of the circle"));
    }
    diagnostic
}

fn drifts(input: &Input<'_>) -> Vec<Drift> {
    let Input { state, observed, .. } = input;
    // Who serves in a pair is the pair's own business.
    let pairs = &input.resolve.desired().pairs;
    let own = |address: &Address, name: &str| pairs.values().any(|pair| pair.holder.0 == *address && pair.holder.1 == name);
    state
        .records
        .iter()
        .filter_map(|(address, record)| {
            let drift = |attrs: Vec<AttrChange>, gone| Drift { address: address.clone(), id: record.id.clone(), attrs, gone };
            match observed.seen.get(address)? {
                Seen::Gone => Some(drift(Vec::new(), true)),
                Seen::Present { body, digests } => {
                    let remembered = There { body: &record.body, digests: &record.digests };
                    let mut attrs = diff::drift(kind(&address.kind)?.attrs(), remembered, There { body, digests });
                    attrs.retain(|attr| !own(address, &attr.name));
                    (!attrs.is_empty() && record.health == Health::Ready).then(|| drift(attrs, false))
                }
            }
        })
        .collect()
}

struct Walk<'a> {
    input: Input<'a>,
    wanted: &'a Desired,
    chosen: Option<BTreeSet<Address>>,
    known: BTreeMap<Address, Term>,
    changes: BTreeMap<Address, Change>,
    jobs: BTreeMap<&'static str, Vec<Job>>,
    terms: BTreeMap<Address, Terms>,
    errors: Vec<Diagnostic>,
    notes: Vec<Diagnostic>,
}

impl<'a> Walk<'a> {
    fn is_chosen(&self, address: &Address) -> bool {
        !self.input.options.refresh_only && self.chosen.as_ref().is_none_or(|chosen| chosen.contains(address))
    }

    fn present(&self, address: &Address) -> Option<Present<'a>> {
        let record = self.input.state.records.get(address)?;
        match self.input.observed.seen.get(address)? {
            Seen::Present { body, digests } => Some(Present { record, body, digests }),
            Seen::Gone => None,
        }
    }

    /// Resolves, compares and publishes one wanted instance.
    fn visit(&mut self, address: &Address) {
        let Some(wanted) = self.wanted.resources.get(address) else { return };
        let Some(kind) = kind(&address.kind) else {
            self.errors.push(Diagnostic::error(format!("There is no resource type `{}`.", address.kind)).at(wanted.span.clone()));
            return;
        };
        let body = {
            let known = &self.known;
            self.input
                .resolve
                .body(address, &|other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default())))
        };
        let terms = match body.and_then(|body| terms(self.input.resolve, address, &body)) {
            Ok(terms) => terms,
            Err(errors) => {
                self.errors.extend(errors);
                return;
            }
        };
        for (name, error) in secret_identities(kind.attrs(), &terms, kind.name()) {
            self.errors.push(error.at(self.input.resolve.span(address, &[name])).about(address));
        }
        let present = self.present(address);
        let mut change = match &present {
            _ if !self.is_chosen(address) => self.keep(address, present.as_ref()),
            Some(present) => self.compare(address, wanted, kind, &terms, present),
            None => self.create(address, kind, &terms),
        };
        let of = Instance { address, wanted, kind, terms: &terms };
        let known = publish(of, &change, present.as_ref(), &self.input.state.salt);
        if let (Action::Edit { .. }, Some(present)) = (&change.action, &present) {
            followed(kind.attrs(), &known, present, &mut change.attrs);
        }
        change.after = Some(known.clone());
        change.came = self.input.upkeep.came(address);
        self.known.insert(address.clone(), known);
        if let Some(present) = &present {
            self.notes.extend(self.remark(address, wanted, kind, present, &change));
        }
        if matches!(change.action, Action::Create | Action::Edit { .. } | Action::Replace { .. }) {
            let creates = !matches!(change.action, Action::Edit { .. });
            let seen = present.as_ref().filter(|_| !creates).map(|present| present.body.clone());
            let job = Job { address: address.clone(), id: change.id.clone(), body: Term::map(terms.clone()), seen, creates };
            self.jobs.entry(kind.name()).or_default().push(job);
        }
        if let Err(errors) = {
            let known = &self.known;
            self.input
                .resolve
                .check(address, &|other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default())))
        } {
            self.errors.extend(errors);
        }
        let kept = present.filter(|_| !matches!(change.action, Action::Create | Action::Replace { .. }));
        self.changes.insert(address.clone(), change);
        self.terms.insert(address.clone(), effective(kind.attrs(), &terms, wanted, kept.map(|present| present.body)));
    }

    /// What is worth telling of an object that is there, and what becomes of it.
    fn remark(&self, address: &Address, wanted: &Wanted, kind: &dyn AnyKind, present: &Present<'_>, change: &Change) -> Option<Diagnostic> {
        let note = Diagnostic::warning(format!("{address} {}.", kind.remark(present.body)?)).at(wanted.span.clone()).about(address);
        let busy = self.input.observed.busy.contains(address);
        let left = held::left(kind.attrs(), present, &wanted.rules, change.brings_back(), busy);
        // Who only looks, takes it as it is; what is made anew is on.
        let moot = self.input.options.refresh_only || matches!(change.action, Action::Replace { .. });
        Some(match left.filter(|_| !moot) {
            Some(left) => note.hint(left.hint(wanted.rules.hold)),
            None => note,
        })
    }

    fn keep(&self, address: &Address, present: Option<&Present<'_>>) -> Change {
        let before = present.map(|present| present.body.clone());
        Change {
            address: address.clone(),
            action: Action::Keep,
            reason: None,
            after: before.clone().map(|body| Term::Value(Value::Map(body))),
            before,
            attrs: Vec::new(),
            id: present.map(|present| present.record.id.clone()),
            came: None,
        }
    }

    fn create(&self, address: &Address, kind: &dyn AnyKind, terms: &Terms) -> Change {
        let gone = self.input.state.records.contains_key(address);
        Change {
            address: address.clone(),
            action: Action::Create,
            reason: gone.then_some(Reason::Gone),
            before: None,
            after: None,
            attrs: made(kind.attrs(), terms, None),
            id: None,
            came: None,
        }
    }

    fn compare(&mut self, address: &Address, wanted: &Wanted, kind: &'static dyn AnyKind, terms: &Terms, present: &Present<'_>) -> Change {
        let there = There { body: present.body, digests: present.digests };
        // What is taken over was not set by us.
        let nothing = Body::new();
        let last = if self.input.upkeep.taken.contains_key(address) { &nothing } else { &present.record.body };
        let mut differences = diff::wanted(kind.attrs(), terms, there, last, &wanted.rules.ignore_changes, &self.input.state.salt);
        if is_rising(kind, present) {
            differences.retain(|difference| !difference.row.follows.contains(&SETTLE));
        }
        self.believe(address, terms, &mut differences);
        // What an interrupted run left half made is waited for, and so is what somebody is at work on.
        if present.record.health == Health::Ready && !self.input.observed.busy.contains(address) {
            differences.extend(held::differences(kind.attrs(), present, last, &wanted.rules));
        }
        let because: Vec<String> = differences.iter().filter(|d| d.shown.replaces).map(|d| d.row.name.to_owned()).collect();
        let asked = self.input.options.replace.iter().any(|target| target.covers(address));
        let triggered =
            wanted.rules.replace_triggered_by.iter().find(|trigger| self.has_changed(&trigger.address, trigger.attribute.as_deref()));
        let stillborn = self.input.observed.stillborn.contains(address);
        let mut change = self.keep(address, Some(present));
        if !because.is_empty() || asked || stillborn || triggered.is_some() {
            change.reason = match triggered {
                _ if stillborn => Some(Reason::Stillborn),
                _ if asked => Some(Reason::Asked),
                Some(trigger) if because.is_empty() => Some(Reason::Triggered { by: trigger.address.clone() }),
                _ => None,
            };
            // What never was usable has nothing to lose.
            if !stillborn {
                self.may_destroy(address, wanted.rules.prevent_destroy.as_ref(), &because);
            }
            let order = if wanted.rules.create_before_destroy { Order::CreateFirst } else { Order::DeleteFirst };
            change.attrs = made(kind.attrs(), terms, Some((there, &because)));
            change.action = Action::Replace { because, order };
            return change;
        }
        change.attrs = differences.iter().map(|d| d.shown.clone()).collect();
        if differences.is_empty() {
            if present.record.health == Health::Unfinished {
                change.action = Action::Adopt { found: present.record.id.clone() };
                change.reason = Some(Reason::Unfinished);
            }
            return change;
        }
        let mut edits: Vec<String> = Vec::new();
        for difference in &differences {
            let edit = match diff::change_of(difference.row, terms.get(difference.row.name)) {
                How::InPlace(edit) | How::Disruptive(edit) => Some(edit),
                _ => difference.row.held.map(|held| held.edit),
            };
            if let Some(edit) = edit.filter(|edit| !edits.iter().any(|known| known == edit)) {
                edits.push(edit.to_owned());
            }
        }
        let disruptive = differences.iter().any(|d| d.shown.disrupts);
        change.action = Action::Edit { edits, disruptive };
        change
    }

    /// What cannot be read of an object that is taken over is taken to be as it is written.
    fn believe(&mut self, address: &Address, terms: &Terms, differences: &mut Vec<Difference>) {
        if self.input.upkeep.taken.get(address).is_none_or(|taken| taken.told) {
            return;
        }
        let mut believed = Vec::new();
        differences.retain(|difference| {
            let row = difference.row;
            let unseen = row.reads == Reads::WriteOnly && terms.get(row.name).is_some_and(|term| !term.has_unknown());
            if unseen && row.change != How::Local {
                believed.push(format!("`{}`", row.name));
            }
            !unseen
        });
        if !believed.is_empty() {
            self.notes.push(
                Diagnostic::warning(format!(
                    "{} of {address} cannot be read, and {} taken to be as written.",
                    believed.join(" and "),
                    if believed.len() == 1 { "is" } else { "are" }
                ))
                .at(self.input.resolve.span(address, &[]))
                .about(address)
                .hint(format!("If that is not so, `dofloat apply -replace={address}` makes the object anew.")),
            );
        }
    }

    fn has_changed(&self, address: &Address, attribute: Option<&str>) -> bool {
        self.changes.get(address).is_some_and(|change| match (&change.action, attribute) {
            (Action::Keep | Action::Adopt { .. } | Action::Forget, _) => false,
            (Action::Edit { .. }, Some(name)) => change.attrs.iter().any(|attr| attr.name == name),
            _ => true,
        })
    }

    fn may_destroy(&mut self, address: &Address, prevent: Option<&Prevent>, because: &[String]) {
        let why = if because.is_empty() { String::new() } else { format!(" (a change of {} needs a new one)", because.join(", ")) };
        match prevent {
            Some(Prevent::Written(span)) => self.errors.push(
                Diagnostic::error(format!("{address} must not be destroyed{why}: its `prevent_destroy` says so."))
                    .at(span.clone())
                    .about(address)
                    .hint("Set `prevent_destroy = false` if it may go, or take back the change that would destroy it."),
            ),
            Some(Prevent::Default) if !self.is_given_up(address) => {
                self.errors.push(
                    Diagnostic::error(format!("{address} would be given up{why}, and a cluster uses it."))
                        .at(self.input.resolve.span(address, &[]))
                        .about(address)
                        .hint(format!(
                            "Visitors know it, and nobody gives it back. `-replace={address}`, `destroy` of the whole stack or \
                             `destroy -target={address}` gives it up on purpose."
                        )),
                );
            }
            _ => {}
        }
    }

    /// Whether the user says that what is kept by default may go: with everything, or by its own name.
    fn is_given_up(&self, address: &Address) -> bool {
        let Options { destroy, targets, replace, .. } = self.input.options;
        replace.contains(address) || *destroy && (targets.is_empty() || targets.contains(address))
    }

    /// What is remembered and not wanted any more, and replaced objects that are left to delete.
    fn removed(&mut self) {
        for (address, record) in &self.input.state.records {
            if self.wanted.resources.contains_key(address) {
                continue;
            }
            let present = self.present(address);
            let mut change = self.keep(address, present.as_ref());
            change.id = Some(record.id.clone());
            change.came = self.input.upkeep.came(address);
            let let_go = self.input.resolve.desired().removals.get(&address.block()).is_some_and(|removal| !removal.destroy);
            if self.is_chosen(address) {
                change.reason = Some(if present.is_some() { self.why_removed(address) } else { Reason::Gone });
                change.after = None;
                change.action = if present.is_some() && !let_go { Action::Delete } else { Action::Forget };
                if let (Some(kind), Some(present)) = (kind(&address.kind), present.as_ref().filter(|_| !let_go)) {
                    let there = There { body: present.body, digests: present.digests };
                    change.attrs = unmade(kind.attrs(), there);
                }
                if self.input.resolve.desired().kept.contains(address) && present.is_some() {
                    self.may_destroy(address, Some(&Prevent::Default), &[]);
                } else if self.input.options.destroy && present.is_some() && !let_go {
                    let prevent =
                        self.input.resolve.desired().resources.get(address).and_then(|wanted| wanted.rules.prevent_destroy.clone());
                    self.may_destroy(address, prevent.as_ref(), &[]);
                }
            }
            self.changes.insert(address.clone(), change);
        }
    }

    fn why_removed(&self, address: &Address) -> Reason {
        let block = self.input.resolve.desired().blocks.get(&address.block());
        match (block, &address.key) {
            _ if self.input.options.destroy => Reason::Destroy,
            (None, _) if self.input.upkeep.moved.contains_key(address) => Reason::NoMoveTarget,
            (None, _) => Reason::NotInConfiguration,
            (Some(Repeats::Count), Some(Key::Index(_))) => Reason::CountIndex,
            (Some(Repeats::ForEach), Some(Key::Name(_))) => Reason::EachKey,
            (Some(_), _) => Reason::WrongRepetition,
        }
    }

    fn outputs(&mut self) -> BTreeMap<String, OutputChange> {
        let before = &self.input.state.outputs;
        let after = if self.input.options.destroy {
            BTreeMap::new()
        } else if self.errors.iter().any(Diagnostic::is_error) {
            // Whatever outputs complained of now would only follow from what is wrong already.
            return BTreeMap::new();
        } else {
            let known = &self.known;
            match self
                .input
                .resolve
                .outputs(&|other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default())))
            {
                Ok(outputs) => outputs,
                Err(errors) => {
                    self.errors.extend(errors);
                    return BTreeMap::new();
                }
            }
        };
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let old = before.get(name).map_or(Shown::Absent, |saved| saved.value.clone().map_or(Shown::Sensitive, Shown::Value));
                let new = after
                    .get(name)
                    .map_or(Shown::Absent, |output| if output.sensitive { Shown::Sensitive } else { diff::shown(&output.value) });
                let changed = match (before.get(name), after.get(name)) {
                    (Some(saved), Some(output)) => !same_output(saved, output, &self.input.state.salt),
                    (None, Some(output)) => !output.value.is_null(),
                    (_, None) => self.chosen.is_none() || self.input.options.destroy,
                };
                if old == Shown::Absent && new == Shown::Absent {
                    return None;
                }
                Some((name.clone(), OutputChange { before: old, after: new, ty: after.get(name).map(|output| output.ty.clone()), changed }))
            })
            .collect()
    }

    fn strays(&mut self) {
        for stray in &self.input.observed.strays {
            let name = if stray.name.is_empty() { String::new() } else { format!(" `{}`", stray.name) };
            self.notes.push(
                Diagnostic::warning(format!("The {}{name} with id {} carries this stack's mark and is in no record.", stray.kind, stray.id))
                    .hint(format!("It may be left from a run whose state was lost. dofloat leaves it alone: `dofloat import ADDRESS {}` takes it over (`dofloat import -discover -marked` finds where it fits), `dofloat destroy -strays` shows what would go and asks.", stray.id)),
            );
        }
    }

    /// The pairs, their servers in the order in which they may be taken down.
    fn rolls(&self, interrupted: bool) -> Vec<Roll> {
        let roll = |(name, pair): (&Address, &Pair)| {
            let (resource, attribute) = &pair.holder;
            let holder = match self.input.observed.seen.get(resource) {
                Some(Seen::Present { body, .. }) => body.get(attribute).map(|value| value.to_json().to_string()),
                _ => None,
            };
            let serves =
                |address: &&Address| self.input.state.records.get(*address).is_some_and(|record| Some(&record.id.0) == holder.as_ref());
            let like = pair.nodes.first().map(|node| &node.kind);
            let leaving =
                self.input.state.records.keys().filter(|address| {
                    address.parent.as_deref() == Some(name) && Some(&address.kind) == like && !pair.nodes.contains(address)
                });
            let nodes = leaving.chain(pair.nodes.iter().filter(|node| !serves(node))).chain(pair.nodes.iter().filter(serves));
            let dark = pair.nodes.iter().any(|node| self.power(node) == Some(false))
                && !pair.nodes.iter().any(|node| self.power(node) == Some(true));
            // Nobody comes that nobody switches on.
            let comes = |node: &Address| self.changes.get(node).is_some_and(|change| change.action != Action::Keep);
            let waits = (interrupted || self.input.observed.down.contains(name)) && (!dark || pair.nodes.iter().any(comes));
            let unseen = waits && pair.nodes.iter().any(|node| self.is_chosen(node) && self.wanted.resources.contains_key(node));
            Roll {
                pair: name.clone(),
                nodes: nodes.cloned().collect(),
                besides: vec![resource.clone()],
                gated: pair.gated,
                at_once: false,
                dark,
                unseen,
            }
        };
        self.wanted.pairs.iter().map(roll).collect()
    }

    /// Whether an object that is there is switched on; none of what cannot be switched off.
    fn power(&self, address: &Address) -> Option<bool> {
        kind(&address.kind)?.powered(self.present(address)?.body)
    }

    /// Whether an object is deleted before another one takes its place, if any does.
    fn goes_first(&self, address: &Address) -> bool {
        let action = self.changes.get(address).map(|change| &change.action);
        matches!(action, Some(Action::Delete | Action::Replace { order: Order::DeleteFirst, .. }))
    }

    fn work(&self) -> BTreeMap<Address, Work> {
        let mut work: BTreeMap<Address, Work> = BTreeMap::new();
        for change in self.changes.values() {
            let mut entry = Work::default();
            match &change.action {
                Action::Keep => {}
                Action::Create => entry.create = true,
                Action::Edit { edits, disruptive } => {
                    entry.edits = Some(edits.clone());
                    entry.disruptive = *disruptive;
                    entry.rises = change.brings_back();
                }
                Action::Replace { order, .. } => {
                    entry.create = true;
                    entry.delete = change.id.clone();
                    entry.order = Some(*order);
                }
                Action::Delete => entry.delete = change.id.clone(),
                Action::Adopt { found } => entry.settle = Some(found.clone()),
                Action::Forget => entry.forget = true,
            }
            let unfinished = self.input.state.records.get(&change.address).filter(|record| record.health == Health::Unfinished);
            // What it was built upon goes first: it would be waited for in vain, and the edit brings it about anew.
            let waits = |record: &&Record| !record.after.iter().any(|before| self.goes_first(before));
            if let (Some(record), Some(_)) = (unfinished.filter(waits), &entry.edits) {
                entry.settle = Some(record.id.clone());
            }
            if entry != Work::default() {
                work.insert(change.address.clone(), entry);
            }
        }
        for (address, id) in self.input.state.deposed.keys() {
            if self.is_chosen(address) {
                work.entry(address.clone()).or_default().deposed.insert(id.clone());
            }
        }
        work
    }
}

/// Whether an output is as it was remembered.
#[must_use]
pub fn same_output(saved: &crate::state::SavedOutput, output: &Output, salt: &Salt) -> bool {
    match (&saved.sensitive, output.sensitive) {
        (Some(digest), true) => output.value.sealed().is_some_and(|sealed| digest.matches(&sealed, salt)),
        (None, false) => output.value.value() == saved.value.as_ref() && (output.ty == saved.ty || saved.ty == Type::Any),
        _ => false,
    }
}

/// The attributes of an object that goes.
#[must_use]
pub fn unmade(rows: &[Attr], there: There<'_>) -> Vec<AttrChange> {
    let shown = rows.iter().map(|row| (row, diff::shown_there(row, there))).filter(|(_, shown)| *shown != Shown::Absent);
    shown
        .map(|(row, before)| AttrChange { name: row.name.to_owned(), before, after: Shown::Absent, replaces: false, disrupts: false })
        .collect()
}

/// The attributes of an object that is made, and what it takes the place of.
fn made(rows: &[Attr], terms: &Terms, old: Option<(There<'_>, &[String])>) -> Vec<AttrChange> {
    rows.iter()
        .filter_map(|row| {
            let after = match terms.get(row.name) {
                Some(term) => diff::shown_term(row, term),
                None if matches!(row.presence, Presence::Computed | Presence::OptionalComputed) => Shown::Unknown,
                None => Shown::Absent,
            };
            let before = old.map_or(Shown::Absent, |(there, _)| diff::shown_there(row, there));
            let replaces = old.is_some_and(|(_, because)| because.iter().any(|name| name == row.name));
            (before != Shown::Absent || after != Shown::Absent).then(|| AttrChange {
                name: row.name.to_owned(),
                before,
                after,
                replaces,
                disrupts: false,
            })
        })
        .collect()
}
