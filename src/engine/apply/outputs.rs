//! The outputs after a run in which everything came out.
//!
//! Invariant: a sensitive output is remembered by its digest.

use super::owner::Owner;
use dofloat_base::address::Address;
use dofloat_base::desired::Output;
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::value::Value;
use dofloat_state::SavedOutput;

impl Owner<'_> {
    pub(super) fn outputs(&mut self) {
        if self.run.planned.plan.destroy {
            let all = self.run.state.records.is_empty();
            if all {
                self.run.state.outputs.clear();
            }
            return;
        }
        match self.run.resolve.outputs(&|other: &Address| self.known(other)) {
            Err(why) => self.outcome.errors.extend(why),
            Ok(outputs) => {
                let unheld = self.run.resolve.checks(&|other: &Address| self.known(other));
                self.outcome.notes.extend(unheld);
                let (salt, before) = (self.run.state.salt.clone(), std::mem::take(&mut self.run.state.outputs));
                self.run.state.outputs = outputs
                    .iter()
                    .filter(|(_, output)| !output.value.is_null())
                    .filter_map(|(name, output)| {
                        // What hangs on something that was left out is as it was.
                        let saved = saved(output, &salt).or_else(|| before.get(name).cloned())?;
                        Some((name.clone(), saved))
                    })
                    .collect();
                self.outcome.outputs = outputs;
            }
        }
    }
}

/// What is remembered of an output; nothing while it is unknown.
fn saved(output: &Output, salt: &Salt) -> Option<SavedOutput> {
    let ty = output.ty.clone();
    Some(if output.sensitive {
        SavedOutput { value: None, ty, sensitive: Some(Digest::of(&output.value.sealed()?, salt)) }
    } else {
        SavedOutput { value: Some(Value::clone(output.value.value()?)), ty, sensitive: None }
    })
}
