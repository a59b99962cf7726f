//! Objects of a plan that cannot be side by side: what is made is the very one that is destroyed, or is refused while that is there.
//!
//! Mostly a resource has got another name in the files, and nothing says so. The create then finds the old object, and the delete
//! takes it away: an address is unassigned, a volume unhooked, a tag gone, after an apply that succeeded.
//!
//! Invariant: pure; what is not known yet clashes with nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change, Order, Reason};
use dofloat_base::address::Address;
use dofloat_base::desired::Resolve;
use dofloat_base::diag::Diagnostic;
use dofloat_base::value::{Term, Value};
use dofloat_kinds::kind;

/// What the changes of a plan do to each other.
#[derive(Debug, Default)]
pub(super) struct Clashes {
    /// What is wrong, and what may be.
    pub(super) told: Vec<Diagnostic>,
    /// What cannot be made. Nothing else is said of it: that the account has it already is true, and no help.
    pub(super) of: BTreeSet<Address>,
}

/// Looks through the changes of a plan.
pub(super) fn find(resolve: &dyn Resolve, changes: &[Change]) -> Clashes {
    let mut clashes = Clashes::default();
    let left: Vec<&Change> = changes.iter().filter(|change| is_left(change)).collect();
    let mut keys: BTreeMap<String, &Address> = BTreeMap::new();
    let mut names: BTreeMap<(&str, Value), Vec<&Address>> = BTreeMap::new();
    for change in &left {
        let before = before(change);
        keys.extend(sole(change, &before).into_iter().map(|key| (key, &change.address)));
        if let Some(name) = named(&before) {
            names.entry((change.address.kind.as_str(), name)).or_default().push(&change.address);
        }
    }
    let mut alike = Vec::new();
    for change in changes.iter().filter(|change| matches!(change.action, Action::Create | Action::Replace { .. } | Action::Edit { .. })) {
        let (address, after) = (&change.address, change.after.as_ref().map(|after| sole(change, after)).unwrap_or_default());
        let told = if let Some(old) = after.iter().find_map(|key| keys.get(key)) {
            Some(in_place_of(resolve, old, change))
        } else if matches!(change.action, Action::Replace { order: Order::CreateFirst, .. }) {
            let before = sole(change, &before(change));
            after.iter().any(|key| before.contains(key)).then(|| beside_itself(resolve, address))
        } else {
            None
        };
        if told.is_none() && change.action == Action::Create {
            let name = change.after.as_ref().and_then(named);
            let old = name.and_then(|name| names.get(&(address.kind.as_str(), name)));
            alike.extend(old.into_iter().flatten().map(|old| (*old, address)));
        }
        clashes.of.extend(told.is_some().then(|| address.clone()));
        clashes.told.extend(told);
    }
    clashes.told.extend(renamed(resolve, &alike));
    clashes.told.extend(changes.iter().filter_map(|change| still_used(resolve, change, changes)));
    clashes
}

/// What is said of an object that stands at two addresses, and would be replaced at one of them alone.
fn still_used(resolve: &dyn Resolve, change: &Change, changes: &[Change]) -> Option<Diagnostic> {
    let shared = matches!(change.action, Action::Replace { .. }) && kind(&change.address.kind)?.shared();
    let id = change.id.as_ref().filter(|_| shared)?;
    let is_it = |other: &&Change| {
        let stays = matches!(other.action, Action::Keep | Action::Edit { .. } | Action::Adopt { .. });
        stays && other.address.kind == change.address.kind && other.id.as_ref() == Some(id)
    };
    let (other, address) = (&changes.iter().find(is_it)?.address, &change.address);
    let error = Diagnostic::error(format!("{address} would be destroyed and made anew, and {other} is the same object, {id}."));
    Some(
        error.at(resolve.span(address, &[])).about(address).hint(format!(
            "Rename both, or let this block have another name as well: then {address} is only forgotten, and the new one made."
        )),
    )
}

/// Whether it is destroyed because the configuration has nothing at its address any more.
fn is_left(change: &Change) -> bool {
    use Reason::{CountIndex, EachKey, NoMoveTarget, NotInConfiguration, WrongRepetition};
    let left = matches!(change.reason, Some(NotInConfiguration | NoMoveTarget | CountIndex | EachKey | WrongRepetition));
    change.action == Action::Delete && left
}

/// What was there.
fn before(change: &Change) -> Term {
    change.before.clone().map_or_else(Term::null, |body| Term::Value(Value::Map(body)))
}

/// The keys that no two objects share, of one with these attributes.
fn sole(change: &Change, attributes: &Term) -> Vec<String> {
    kind(&change.address.kind).map(|kind| kind.unique_keys(attributes)).unwrap_or_default()
}

/// The name, of which there may be several.
fn named(attributes: &Term) -> Option<Value> {
    attributes.get("name").value().filter(|name| name.as_str().is_some_and(|name| !name.is_empty())).cloned()
}

fn in_place_of(resolve: &dyn Resolve, old: &Address, change: &Change) -> Diagnostic {
    let new = &change.address;
    let hint = match change.action {
        Action::Create => format!(
            "If it only has another name now, say so: write a `moved` block with `from = {old}` and `to = {new}`, or run \
             dofloat state mv '{old}' '{new}'. To destroy it and make it anew, apply without {new} first."
        ),
        _ => format!("Destroy {old} first, by an apply in which {new} is as it was."),
    };
    Diagnostic::error(format!("{new} takes the place of {old}, which this plan destroys: both cannot be there."))
        .at(resolve.span(new, &[]))
        .about(new)
        .hint(hint)
}

fn beside_itself(resolve: &dyn Resolve, address: &Address) -> Diagnostic {
    let error = Diagnostic::error(format!("{address} cannot be created before the old one is destroyed: both cannot be there."))
        .at(resolve.span(address, &["lifecycle"]))
        .about(address);
    let Some(dependent) = first_to_be_created(resolve, address) else {
        return error
            .hint("Take `create_before_destroy` out of its lifecycle, and out of that of what depends on it; or give it another name.");
    };
    let error = error.hint(format!(
        "{dependent} depends on it and has `create_before_destroy`: what it needs comes first as well. Take that out of its lifecycle; or \
         give {address} another name."
    ));
    match resolve.span(&dependent, &["lifecycle"]) {
        Some(span) => error.related(span, format!("{dependent} is created before the old one is destroyed")),
        None => error,
    }
}

/// What depends on a resource that is not said to be created first, and is said to be so itself.
fn first_to_be_created(resolve: &dyn Resolve, address: &Address) -> Option<Address> {
    let wanted = &resolve.desired().resources;
    if wanted.get(address).is_some_and(|wanted| wanted.rules.create_before_destroy) {
        return None;
    }
    let (mut found, mut queue) = (BTreeSet::from([address]), vec![address]);
    while let Some(needed) = queue.pop() {
        for (dependent, other) in wanted.iter().filter(|(_, other)| other.after.contains(needed)) {
            if other.rules.create_before_destroy {
                return Some(dependent.clone());
            }
            queue.extend(found.insert(dependent).then_some(dependent));
        }
    }
    None
}

/// One line for all that is made anew under its own name.
fn renamed(resolve: &dyn Resolve, alike: &[(&Address, &Address)]) -> Option<Diagnostic> {
    let ((old, new), more) = alike.split_first()?;
    let more = match more.len() {
        0 => String::new(),
        1 => " So it is with another resource.".to_owned(),
        many => format!(" So it is with {many} other resources."),
    };
    let warning = Diagnostic::warning(format!("{old} is destroyed, and {new} is created with the same name.{more}"));
    let hint = format!("If it only has another name in the files, keep it: write a `moved` block with `from = {old}` and `to = {new}`.");
    Some(warning.at(resolve.span(new, &[])).about(new).hint(hint))
}
