//! What was found altered or gone since the last apply, and the objects with the stack's mark that no record knows.
//!
//! Invariant: pure; it is told, and decides nothing.

use super::walk::Walk;
use crate::change::{AttrChange, Drift};
use crate::diff::{self, There};
use crate::observed::Seen;
use crate::planned::Input;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_kinds::kind;
use dofloat_state::Health;

pub(super) fn drifts(input: &Input<'_>) -> Vec<Drift> {
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
                Seen::Present { body, digests, .. } => {
                    let remembered = There { body: &record.body, digests: &record.digests };
                    let mut attrs = diff::drift(kind(&address.kind)?.attrs(), remembered, There { body, digests });
                    attrs.retain(|attr| !own(address, &attr.name));
                    (!attrs.is_empty() && record.health == Health::Ready).then(|| drift(attrs, false))
                }
            }
        })
        .collect()
}

impl Walk<'_> {
    pub(super) fn strays(&mut self) {
        for stray in &self.input.observed.strays {
            let name = if stray.name.is_empty() { String::new() } else { format!(" `{}`", stray.name) };
            self.notes.push(
                Diagnostic::warning(format!(
                    "The {}{name} with id {} carries this stack's mark and is not in the state.",
                    stray.kind, stray.id
                ))
                .hint(format!(
                    "It may be left over from a run whose state was lost. dofloat leaves it alone: `dofloat import \
                     ADDRESS {}` imports it (`dofloat import -discover -marked` finds matching resources), `dofloat \
                     destroy -strays` shows what it would delete and asks.",
                    stray.id
                )),
            );
        }
    }
}
