//! `moved`, `removed` and `import` blocks held against the shape.
//!
//! Invariant: all of it is known before any request. Moves come out in the order in which they are to be done: what moves on
//! is moved there first.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::Expr;
use super::conversion;
use super::declaration;
use super::error::{EvalError, error_at};
use super::instances::{Here, Instances};
use super::scope::{Base, Names};
use super::shape;
use super::target::target;
use super::value::{Data, Val};
use dofloat_base::address::Address;
use dofloat_base::desired::{Desired, Import, Move, Removal};
use dofloat_base::diag::Diagnostic;
use dofloat_base::types::Type;

/// More moves than are ordered by looking at each beside each other one.
const MOST_MOVES: usize = 300;

/// Puts the blocks into the shape; gives what is wrong with them.
pub(super) fn put(base: &Base<'_>, desired: &mut Desired) -> Vec<Diagnostic> {
    let (mut moves, mut errors) = (Vec::new(), Vec::new());
    gather(base, &mut moves, &mut desired.removals);
    let all: Vec<Move> = moves.iter().flatten().cloned().collect();
    errors.extend(ambiguous(&all));
    let tree = &base.shared.tree;
    for of in &all {
        let is_there = if of.from.is_module() {
            desired.resources.keys().any(|address| of.from.covers(address))
        } else {
            let whole = of.from.key.is_none() && of.to.key.is_none();
            (whole && is_open(base, of.from.parent.as_deref()) && tree.declares(&of.from)) || desired.resources.contains_key(&of.from)
        };
        if is_there {
            errors.push(
                Diagnostic::error(format!("{} is moved away, and is still in the configuration.", of.from))
                    .at(of.span.clone())
                    .hint(format!("Rename its block to {}, or take the moved block out.", of.to)),
            );
        }
    }
    for (from, removal) in &desired.removals {
        if tree.declares(from) {
            let block = tree.find(from.parent.as_deref()).and_then(|at| {
                let module = &tree.entries[at].module;
                let call = module.calls.get(&from.name).filter(|_| from.is_module()).map(|call| &call.span);
                call.or_else(|| Some(&module.resources.get(&(from.kind.clone(), from.name.clone()))?.span)).cloned()
            });
            let error = Diagnostic::error(format!("{from} is removed, and is still in the configuration.")).at(removal.span.clone());
            let error = block.into_iter().fold(error, |error, block| error.related(block, "here"));
            errors.push(error.hint("Take out its block, or the removed block."));
        }
    }
    // What a caller says is done before what is said within: it may be what brings it there.
    let groups = if all.len() <= MOST_MOVES { vec![all] } else { moves };
    for group in &groups {
        match in_order(group) {
            Ok(moves) => desired.moves.extend(moves),
            Err(error) => errors.push(*error),
        }
    }
    for import in &base.module.imports {
        if let Err(error) = imports(base, import, desired) {
            errors.push(*error);
        }
    }
    errors
}

/// The moves of each module instance, the callers' first, and all removals.
fn gather(base: &Base<'_>, moves: &mut Vec<Vec<Move>>, removals: &mut BTreeMap<Address, Removal>) {
    let module = base.address.as_ref();
    let within = |of: &Move| Move { from: of.from.clone().inside(module), to: of.to.clone().inside(module), span: of.span.clone() };
    moves.push(base.module.moves.iter().map(within).collect());
    for (from, removal) in &base.module.removals {
        removals.insert(from.clone().inside(module).unkeyed(), removal.clone());
    }
    base.calls.values().flat_map(|called| called.rooms.values()).for_each(|room| gather(room, moves, removals));
}

/// Whether there is such a module instance.
fn is_open(base: &Base<'_>, module: Option<&Address>) -> bool {
    room(base, module).is_some()
}

/// The module instance of an address.
/// A module instance; nothing if there is none of that address.
pub(super) fn room<'b, 'a>(base: &'b Base<'a>, module: Option<&Address>) -> Option<&'b Base<'a>> {
    let Some(module) = module else { return Some(base) };
    room(base, module.parent.as_deref())?.calls.get(&module.name)?.rooms.get(&module.key)
}

/// Two moves from one address, or to one.
fn ambiguous(moves: &[Move]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let (mut from, mut to): (BTreeMap<&Address, &Move>, BTreeMap<&Address, &Move>) = Default::default();
    for of in moves {
        let twice =
            |first: &Move, message: String| Diagnostic::error(message).at(of.span.clone()).related(first.span.clone(), "first here");
        match (from.insert(&of.from, of), to.insert(&of.to, of)) {
            (Some(first), _) if first.to != of.to => {
                errors.push(twice(first, format!("{} is moved to two places: {} and {}.", of.from, first.to, of.to)));
            }
            (_, Some(first)) if first.from != of.from => {
                errors.push(twice(first, format!("Two are moved to {}: {} and {}.", of.to, first.from, of.from)));
            }
            _ => {}
        }
    }
    errors
}

/// What arrives at an address is moved before what leaves it.
fn in_order(moves: &[Move]) -> Result<Vec<Move>, EvalError> {
    let mut left: Vec<&Move> = moves.iter().collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let arrives = |at: &Move, other: &Move| at != other && (other.to.covers(&at.from) || at.from.covers(&other.to));
        let free = left.iter().position(|at| !left.iter().any(|other| arrives(at, other)));
        let Some(free) = free else {
            let names: BTreeSet<String> = left.iter().map(|of| of.from.to_string()).collect();
            let names: Vec<String> = names.into_iter().collect();
            let error = Diagnostic::error(format!("These moves go round in a circle: {}.", names.join(", "))).at(left[0].span.clone());
            let error = left.iter().skip(1).fold(error, |error, of| error.related(of.span.clone(), "part of the circle"));
            return Err(Box::new(error.hint("`dofloat state mv` by way of a third name swaps two resources.")));
        };
        let next = left.remove(free);
        if !ordered.contains(next) {
            ordered.push(next.clone());
        }
    }
    Ok(ordered)
}

fn imports(base: &Base<'_>, import: &declaration::Import, desired: &mut Desired) -> Result<(), EvalError> {
    let Some(expr) = &import.for_each else { return one(base, import, Here::Plain, desired) };
    let value = Names::new(base, None, Here::Plain).eval().eval(expr)?;
    if value.is_unknown() && waits(base, expr) {
        return Ok(());
    }
    let Instances::Each(each) = shape::each(&value, &expr.span, "the import")? else { return Ok(()) };
    each.into_iter().try_for_each(|(key, value)| one(base, import, Here::Each(Val::string(&key), value), desired))
}

/// Whether what is unknown is so only as long as data sources are not read.
fn waits(base: &Base<'_>, expr: &Expr) -> bool {
    let waits = base.shared.early.open_data && shape::may_stay_open(&Names::new(base, None, Here::Plain), expr);
    if waits {
        base.shared.early.leave_open();
    }
    waits
}

fn one(base: &Base<'_>, import: &declaration::Import, here: Here, desired: &mut Desired) -> Result<(), EvalError> {
    let names = Names::new(base, None, here);
    let to = target(&import.to, &|key| names.eval().eval(key))?;
    let block = (to.kind.clone(), to.name.clone());
    let room = room(base, to.parent.as_deref());
    let instances = room.filter(|room| room.module.resources.contains_key(&block)).and_then(|room| room.instances(&block).ok());
    if matches!(instances, Some(Instances::Open(_))) {
        return Ok(());
    }
    if !desired.resources.contains_key(&to) {
        let error =
            Diagnostic::error(format!("The import has nowhere to go: {to} is not in the configuration.")).at(import.to.span.clone());
        let hint = match instances {
            Some(instances) => format!("Of this resource, {}.", instances.describe()),
            None if room.is_none() => {
                "There is no such module; its address is that of its block, with the key where it has several.".to_owned()
            }
            None => {
                format!("Write the block `resource \"{}\" \"{}\"` as the object should be; the plan shows what differs.", to.kind, to.name)
            }
        };
        return Err(Box::new(error.hint(hint)));
    }
    let value = names.eval().eval(&import.id)?;
    let span = &import.id.span;
    if value.sensitive {
        return Err(error_at(span, "The id of an import is shown, so it cannot be sensitive."));
    }
    if value.has_unknown() && waits(base, &import.id) {
        return Ok(());
    }
    if value.has_unknown() {
        return Err(error_at(span, "The id of an import must be known before apply: from variables, local values and data sources alone."));
    }
    let text = conversion::convert(&value, &Type::String).ok().and_then(|text| match &text.data {
        Data::String(text) if !text.trim().is_empty() => Some(text.to_string()),
        _ => None,
    });
    let Some(id) = text else { return Err(error_at(span, "The id of an import is a text, and not empty.")) };
    if let Some(first) = desired.imports.get(&to) {
        let error = Diagnostic::error(format!("Two imports go to {to}.")).at(span.clone());
        return Err(Box::new(error.related(first.span.clone(), "first here")));
    }
    if let Some((other, first)) = desired.imports.iter().find(|(other, first)| other.kind == to.kind && first.id == id) {
        let error = Diagnostic::error(format!("The object {id} is imported twice: as {other} and as {to}.")).at(span.clone());
        return Err(Box::new(error.related(first.span.clone(), "first here")));
    }
    desired.imports.insert(to, Import { id, span: span.clone() });
    Ok(())
}
