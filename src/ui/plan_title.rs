//! What is done with a resource, and why, in a line or two.
//!
//! Invariant: pure; Terraform's words where it has some.

use dofloat_base::address::{Address, Key};
use dofloat_engine::change::{Action, Change, Provenance, Reason};

/// The action and its reason.
pub(super) fn title(change: &Change) -> Vec<String> {
    let address = &change.address;
    let first = match (&change.action, &change.reason) {
        (Action::Create, _) => format!("{address} will be created"),
        (Action::Edit { edits, .. }, _) if change.brings_back() && edits.len() == 1 => format!("{address} will be powered on"),
        (Action::Edit { .. }, _) => format!("{address} will be updated in-place"),
        (Action::Replace { .. }, Some(Reason::Asked)) => format!("{address} will be replaced, as requested"),
        (Action::Replace { .. }, Some(Reason::Tainted)) => format!("{address} is tainted, so it must be replaced"),
        (Action::Replace { .. }, Some(Reason::CreationFailed)) => format!("{address} was never finished and will be replaced"),
        (Action::Replace { .. }, Some(Reason::Triggered { by })) => format!("{address} will be replaced, because {by} changes"),
        (Action::Replace { .. }, _) => format!("{address} must be replaced{}", cause(change)),
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

/// What makes a replacement necessary: `: image and timezone change`.
fn cause(change: &Change) -> String {
    let Action::Replace { because, .. } = &change.action else { return String::new() };
    // Attributes that are made from arguments change with those.
    let is_told = |name: &&String| change.arguments.is_empty() || *name != "user_data";
    let names: Vec<&str> =
        because.iter().filter(is_told).map(String::as_str).chain(change.arguments.iter().map(|argument| argument.name.as_str())).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(": {one} changes"),
        [all @ .., last] => format!(": {} and {last} change", all.join(", ")),
    }
}

/// The key of an instance as its address has it: `[1]`, `["a"]`.
fn instance(address: &Address) -> String {
    let (whole, block) = (address.to_string(), address.block().to_string());
    whole.strip_prefix(&block).unwrap_or(&whole).to_owned()
}
