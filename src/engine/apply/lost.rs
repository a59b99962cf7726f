//! Creates whose answer was lost: their objects are looked for one at a time, and what is found goes on.
//!
//! Invariant: an object is taken only if it is certainly that of the lost answer; a create is repeated only if it surely never
//! happened.

use super::messages::{Batch, Then};
use super::owner::{Owner, Running};
use crate::change::StepId;
use crate::claims;
use crate::error::from_api;
use crate::recover::{self, Located, Lost};
use crate::work::{Message, watched};
use dofloat_api::error::ApiError;
use dofloat_base::diag::Diagnostic;
use dofloat_kinds::account::family;
use dofloat_state::journal::Op;

/// How often a create that never happened is made again.
const CREATE_TRIES: u32 = 3;

impl Owner<'_> {
    /// Looks for the object of a lost answer, one at a time, once no other create of its kind is without an answer.
    pub(super) fn locate_next(&mut self) {
        if self.locating.is_some() {
            return;
        }
        let unanswered = |running: &Running| running.begin.op == Op::Create && running.id.is_none() && running.handle.is_some();
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
        let api = watched(&self.run.api.in_slot(self.slots.later()), step, &self.sender);
        let (task, body, since) = (running.task.clone(), running.begin.body.clone(), running.started);
        self.locating = Some(step);
        self.tasks.spawn(async move {
            let lost = Lost { address: &task.address, body: &body, ours: task.ours(), since, alike, in_run: true, own: &own };
            let found = recover::locate(kind, &api, lost, &claims, &clock).await;
            // The owner is gone only if the whole run is.
            let _ = sender.send(Message::Located { step, found }).await;
        });
    }

    pub(super) fn located(&mut self, step: StepId, found: Result<Located, ApiError>, batch: &mut Batch) {
        self.locating = None;
        let Some(running) = self.running.get_mut(&step) else { return };
        let address = running.task.address.clone();
        let (why, doubt) = match found {
            Ok(Located::One(object)) => {
                // The identity is on disk before a worker goes on to wait.
                self.is_known(step, &object.id, batch);
                batch.then.push(Then::Resume(step));
                return;
            }
            Ok(Located::Nothing) if running.tries < CREATE_TRIES && self.phase.starts() => {
                running.tries += 1;
                if let Some(running) = self.running.remove(&step) {
                    self.spawn(running);
                }
                return;
            }
            Ok(Located::Nothing) => {
                let why = Diagnostic::error(format!("{address} could not be created: the answers were lost, and no object was found."))
                    .about(&address)
                    .hint("Run the same command again.");
                (why, false)
            }
            Ok(Located::Doubt(objects)) => {
                self.outcome.decision = true;
                (recover::doubt(&self.run.planned.plan.base.stack, running.task.kind, &address, &objects), true)
            }
            Err(error) => (from_api(&error, &format!("find out what became of {address}")).about(&address), true),
        };
        self.failed(step, why, doubt, batch);
    }
}
