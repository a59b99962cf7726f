//! The outputs after a run in which everything came out.
//!
//! Invariant: a sensitive output is remembered by its digest.

use super::owner::Owner;
use dofloat_base::address::Address;
use dofloat_base::digest::Digest;
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
                let salt = self.run.state.salt.clone();
                self.run.state.outputs = outputs
                    .iter()
                    .filter(|(_, output)| !output.value.is_null())
                    .filter_map(|(name, output)| {
                        let saved = if output.sensitive {
                            let digest = Digest::of(&output.value.sealed()?, &salt);
                            SavedOutput { value: None, ty: output.ty.clone(), sensitive: Some(digest) }
                        } else {
                            SavedOutput { value: Some(Value::clone(output.value.value()?)), ty: output.ty.clone(), sensitive: None }
                        };
                        Some((name.clone(), saved))
                    })
                    .collect();
                self.outcome.outputs = outputs;
            }
        }
    }
}
