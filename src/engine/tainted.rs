//! Objects with a provisioner that was begun, and of which nobody saw the end: a person decides.
//!
//! Invariant: pure; nothing is done with such an object until it was decided, but what was asked for by its own name.

use super::error::EngineError;
use super::request::Options;
use dofloat_base::address::Address;
use dofloat_base::desired::Resolve;
use dofloat_base::diag::Diagnostic;
use dofloat_state::{Health, State};

/// Refuses to go on while something is undecided.
///
/// # Errors
/// All that is to be decided, with the choices.
pub(super) fn must_be_decided(stack: &str, options: &Options, resolve: &dyn Resolve, state: &State) -> Result<(), EngineError> {
    if options.refresh_only || options.adopt.is_some() {
        return Ok(());
    }
    let undecided = state.records.iter().filter(|(address, record)| {
        let asked = options.replace.iter().any(|named| named.covers(address));
        let goes = options.destroy && !(options.provisioners && resolve.provisions(address).destroy > 0);
        record.health == Health::Interrupted && !asked && !goes && !options.leaves(address)
    });
    let told: Vec<Diagnostic> = undecided.map(|(address, _)| doubt(stack, resolve, address)).collect();
    if told.is_empty() { Ok(()) } else { Err(EngineError::decision(told)) }
}

fn doubt(stack: &str, resolve: &dyn Resolve, address: &Address) -> Diagnostic {
    Diagnostic::error(format!("A provisioner of {address} was interrupted, and nobody knows how far it came."))
        .at(resolve.span(address, &[]))
        .about(address)
        .hint(format!(
            "No provisioner is run twice. Look at the object, and decide: `dofloat apply -replace='{address}'` recreates it and runs all of \
             them; `dofloat refresh {stack}` and then `dofloat state untaint {stack} '{address}'` takes it as it is."
        ))
}
