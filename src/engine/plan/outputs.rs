//! What becomes of the outputs.
//!
//! Invariant: pure; a sensitive output is compared by its digest and never shown.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::Walk;
use crate::change::{OutputChange, Shown};
use crate::diff;
use dofloat_base::address::Address;
use dofloat_base::desired::Output;
use dofloat_base::diag::Diagnostic;
use dofloat_base::digest::Salt;
use dofloat_base::types::Type;
use dofloat_base::value::{Origin, Term};
use dofloat_state::SavedOutput;

impl Walk<'_> {
    pub(super) fn outputs(&mut self) -> BTreeMap<String, OutputChange> {
        let before = &self.input.state.outputs;
        let after = if self.input.options.destroy {
            BTreeMap::new()
        } else if self.errors.iter().any(Diagnostic::is_error) {
            // Whatever outputs complained of now would only follow from what is wrong already.
            return BTreeMap::new();
        } else {
            let known = &self.known;
            let of = |other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()));
            match self.input.resolve.outputs(&of) {
                Ok(outputs) => {
                    let unheld = self.input.resolve.checks(&of);
                    self.notes.extend(unheld);
                    outputs
                }
                Err(errors) => {
                    self.errors.extend(errors);
                    return BTreeMap::new();
                }
            }
        };
        // What hangs on something that is left out stays as it was.
        let left_out = |output: &Output| {
            let origin = match &output.value {
                Term::Unknown(origin) => origin.address.as_ref(),
                _ => None,
            };
            self.chosen.as_ref().zip(origin).is_some_and(|(chosen, of)| !chosen.contains(of))
        };
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let old = before.get(name).map_or(Shown::Absent, |saved| saved.value.clone().map_or(Shown::Sensitive, Shown::Value));
                if old != Shown::Absent && after.get(name).is_some_and(left_out) {
                    let ty = after.get(name).map(|output| output.ty.clone());
                    return Some((name.clone(), OutputChange { before: old.clone(), after: old, ty, changed: false }));
                }
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
}

/// Whether an output is as it was remembered.
#[must_use]
pub(super) fn same_output(saved: &SavedOutput, output: &Output, salt: &Salt) -> bool {
    match (&saved.sensitive, output.sensitive) {
        (Some(digest), true) => output.value.sealed().is_some_and(|sealed| digest.matches(&sealed, salt)),
        (None, false) => output.value.value() == saved.value.as_ref() && (output.ty == saved.ty || saved.ty == Type::Any),
        _ => false,
    }
}
