//! `-target`: a part of the stack, with what it is built upon, or what is built upon it where it goes.
//!
//! Invariant: an address that names nothing is a mistake, for `-replace` too. Pure.

use std::collections::BTreeSet;

use super::error::EngineError;
use super::graph;
use super::planned::Input;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;

/// Which instances the plan is about; `None` for all.
pub(super) fn chosen(input: &Input<'_>, graph: &graph::Graph<Address>) -> Result<Option<BTreeSet<Address>>, EngineError> {
    let desired = input.resolve.desired();
    let all: BTreeSet<&Address> = desired.resources.keys().chain(desired.data.keys()).chain(input.state.records.keys()).collect();
    let mut errors = Vec::new();
    for (option, address) in
        input.options.targets.iter().map(|a| ("-target", a)).chain(input.options.replace.iter().map(|a| ("-replace", a)))
    {
        if !all.iter().any(|known| address.covers(known)) {
            errors.push(
                Diagnostic::error(format!("{option} names {address}, which is neither in the configuration nor in the state."))
                    .hint("`dofloat state list` prints the addresses."),
            );
        }
    }
    if !errors.is_empty() {
        return Err(EngineError::failed(errors));
    }
    if input.options.targets.is_empty() {
        return Ok(None);
    }
    let mut chosen: BTreeSet<Address> =
        all.iter().filter(|known| input.options.targets.iter().any(|target| target.covers(known))).map(|a| (*a).clone()).collect();
    if input.options.destroy {
        // What is built upon a target cannot outlive it.
        loop {
            let more: Vec<Address> = input
                .state
                .records
                .iter()
                .filter(|(address, record)| !chosen.contains(*address) && record.after.iter().any(|before| chosen.contains(before)))
                .map(|(address, _)| address.clone())
                .collect();
            if more.is_empty() {
                break;
            }
            chosen.extend(more);
        }
    } else {
        for address in chosen.clone() {
            chosen.extend(graph.needs(&address));
        }
    }
    Ok(Some(chosen))
}
