//! `-target`: a part of the stack, with what it is built upon, or what is built upon it where it goes; `-exclude`: all but a part,
//! the other way round.
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
    let options = input.options;
    let named = [("-target", &options.targets), ("-exclude", &options.excludes), ("-replace", &options.replace)];
    for (option, address) in named.into_iter().flat_map(|(option, all)| all.iter().map(move |address| (option, address))) {
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
    if !options.excludes.is_empty() {
        return Ok(Some(remaining(input, graph, &all)));
    }
    if options.targets.is_empty() {
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

/// All but what is excluded, and what is built upon that; where all goes, what that is built upon stays with it.
fn remaining(input: &Input<'_>, graph: &graph::Graph<Address>, all: &BTreeSet<&Address>) -> BTreeSet<Address> {
    let excluded = |address: &Address| input.options.excludes.iter().any(|named| named.covers(address));
    let mut left: BTreeSet<Address> = all.iter().filter(|address| excluded(address)).map(|address| (*address).clone()).collect();
    if input.options.destroy {
        let mut queue: Vec<Address> = left.iter().cloned().collect();
        while let Some(address) = queue.pop() {
            let before = input.state.records.get(&address).into_iter().flat_map(|record| &record.after);
            queue.extend(before.filter(|before| left.insert((*before).clone())).cloned());
        }
    } else {
        let upon: Vec<Address> =
            all.iter().filter(|address| graph.needs(address).iter().any(|before| left.contains(before))).map(|a| (*a).clone()).collect();
        left.extend(upon);
    }
    all.iter().filter(|address| !left.contains(**address)).map(|address| (*address).clone()).collect()
}
