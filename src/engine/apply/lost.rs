//! Creates whose answer was lost: their objects are looked for one at a time, and what is found goes on.
//!
//! Invariant: an object is taken only if it is certainly that of the lost answer; a create is repeated only if it surely never
//! happened.

use super::messages::Then;
use super::owner::{Owner, Running};
use crate::api::error::ApiError;
use crate::base::diag::Diagnostic;
use crate::engine::change::StepId;
use crate::engine::claims;
use crate::engine::recover::{self, Located, Lost};
use crate::engine::trouble::of_api;
use crate::engine::work::{Message, watched};
use crate::kinds::account::family;
use crate::state::journal::{self, Entry};

/// How often a create that never happened is made again.
const CREATE_TRIES: u32 = 3;

impl Owner<'_> {
    /// Looks for the object of a lost answer, one at a time, once no other create of its kind is without an answer.
    pub(super) fn locate_next(&mut self) {
        if self.locating {
            return;
        }
        let unanswered = |running: &Running| running.begin.op == journal::Op::Create && running.id.is_none() && running.handle.is_some();
        let place = self.lost.iter().position(|step| {
            let Some(running) = self.running.get(step) else { return true };
            let own = family(running.task.kind.name());
            !self.running.values().any(|other| unanswered(other) && family(other.task.kind.name()) == own)
        });
        let Some(step) = place.map(|place| self.lost.remove(place)) else { return };
        let Some(running) = self.running.get(&step) else { return };
        let alike =
            1 + self.lost.iter().filter_map(|other| self.running.get(other)).filter(|other| other.begin.body == running.begin.body).count();
        let (mut claims, own) = (self.run.claims.clone(), claims::claims(&self.run.state, None));
        claims.extend(own.iter().cloned());
        claims.extend(self.running.values().filter_map(|other| Some((family(other.task.kind.name()), other.id.clone()?))));
        let (kind, clock, sender) = (running.task.kind, self.run.clock.clone(), self.sender.clone());
        let api = watched(&self.run.api, step, &self.sender);
        let (task, body, since) = (running.task.clone(), running.begin.body.clone(), running.started);
        self.locating = true;
        self.tasks.spawn(async move {
            let lost = Lost { address: &task.address, body: &body, ours: task.ours(), since, alike, in_run: true, own: &own };
            let found = recover::locate(kind, &api, lost, &claims, &clock).await;
            // The owner is gone only if the whole run is.
            let _ = sender.send(Message::Located { step, found }).await;
        });
    }

    pub(super) fn located(&mut self, step: StepId, found: Result<Located, ApiError>, entries: &mut Vec<Entry>, then: &mut Vec<Then>) {
        self.locating = false;
        let Some(mut running) = self.running.remove(&step) else { return };
        let why = match found {
            Ok(Located::One(object)) => {
                running.id = Some(object.id.clone());
                running.task.id = Some(object.id.clone());
                // The identity is on disk before the worker goes on to wait.
                if self.run.store.append(Entry::Id { step: step.0, id: object.id }).is_ok() {
                    self.spawn(running);
                    return;
                }
                self.break_off();
                Diagnostic::error(format!("{} was made, and that could not be written down.", running.task.address))
            }
            Ok(Located::Nothing) if running.tries < CREATE_TRIES && !self.stopping => {
                running.tries += 1;
                self.spawn(running);
                return;
            }
            Ok(Located::Nothing) => {
                let why = Diagnostic::error(format!(
                    "{} could not be made: the answers were lost, and no object came of it.",
                    running.task.address
                ))
                .about(&running.task.address)
                .hint("Run the same command again.");
                self.running.insert(step, running);
                self.failed(step, why, false, entries, then);
                return;
            }
            Ok(Located::Doubt(objects)) => {
                self.outcome.decision = true;
                recover::doubt(&self.run.planned.plan.base.stack, running.task.kind, &running.task.address, &objects)
            }
            Err(error) => of_api(&error, &format!("find out what became of {}", running.task.address)).about(&running.task.address),
        };
        self.running.insert(step, running);
        self.failed(step, why, true, entries, then);
    }
}
