//! What becomes of a data source: it is read with the plan, or by a step of the run.
//!
//! Invariant: pure; what is to be read for the plan is asked for and unknown until the next round.

use super::walk::Walk;
use crate::change::{Action, Change};
use crate::data::{Query, reason};
use crate::diff;
use dofloat_base::address::Address;
use dofloat_base::value::{Origin, Term};

impl Walk<'_> {
    /// Resolves a data source, and publishes what is known of it.
    pub(super) fn visit_data(&mut self, address: &Address) {
        let Some(reading) = self.wanted.data.get(address) else { return };
        if self.chosen.as_ref().is_some_and(|chosen| !chosen.contains(address)) {
            return;
        }
        let known = &self.known;
        let of = |other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()));
        let query = match Query::new(self.input.resolve, address, &of) {
            Ok(query) => query,
            Err(errors) => return self.errors.extend(errors),
        };
        let is_deferred = self.input.options.defers_programs && query.source.runs_a_program();
        let is_pending = is_deferred || reading.depends_on.iter().any(|before| self.has_changed(before, None));
        let found = self.input.observed.data.get(address);
        match reason(&query, is_pending) {
            Some(why) => {
                let known = query.known(None);
                if !self.input.options.refresh_only {
                    let attrs = diff::made(query.source.rows(), &query.terms, None);
                    let (before, after, id, provenance) = (None, Some(known.clone()), None, None);
                    let change = Change {
                        address: address.clone(),
                        action: Action::Read,
                        reason: Some(why),
                        before,
                        after,
                        attrs,
                        arguments: Vec::new(),
                        id,
                        provenance,
                    };
                    self.changes.insert(address.clone(), change);
                }
                self.known.insert(address.clone(), known);
            }
            None => {
                self.known.insert(address.clone(), query.known(found));
                match self.input.observed.unread.get(address) {
                    Some(why) => self.notes.push(why.clone()),
                    None if found.is_none() => self.queries.push(query),
                    None => {}
                }
            }
        }
        self.check(address);
    }
}
