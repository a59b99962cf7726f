//! What workers report, taken in by batches: one flush for all their lines, then what follows from them.
//!
//! Invariant: nothing follows from a message before its line is on disk.

use tokio::sync::oneshot;

use super::owner::{Owner, Running};
use crate::change::{Event, StepId};
use crate::diff::There;
use crate::held;
use crate::known::{apart, known_of};
use crate::record::{self, Frame};
use crate::work::Message;
use dofloat_api::wait::Waiting;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Id;
use dofloat_base::value::Body;
use dofloat_state::journal::{Entry, Op, Outcome as Ended, Power};
use dofloat_state::{Health, Record};

/// What is done once the lines of a batch are on disk.
pub(super) enum Then {
    /// The worker that made an object goes on to wait for it.
    Acknowledge(oneshot::Sender<()>),
    /// A create whose object was found goes on to wait for it.
    Resume(StepId),
    /// The step is done.
    Finish(StepId, Ended, Option<Body>),
    /// The step failed.
    GiveUp(StepId, Vec<Diagnostic>),
}

/// The lines of some messages, and what follows once they are on disk.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) then: Vec<Then>,
}

impl Owner<'_> {
    /// Takes messages in: one flush for all their lines, then what follows from them.
    pub(super) fn take(&mut self, messages: Vec<Message>) {
        let mut batch = Batch::default();
        for message in messages {
            self.hear(message, &mut batch);
        }
        let Batch { entries, then } = batch;
        let identities: Vec<(StepId, Id)> = entries.iter().filter_map(identity).collect();
        if !self.write(entries) {
            self.tell_unwritten(&identities);
        }
        for then in then {
            self.follow(then);
        }
    }

    fn hear(&mut self, message: Message, batch: &mut Batch) {
        match message {
            Message::Gated { step, opened } => self.gated(step, opened),
            Message::Printed { step, line } => self.provisioner_printed(step, line),
            Message::Provisioned { step, ended } => self.provisioner_ended(step, ended),
            Message::Read { step, query, found } => self.has_read(step, &query, found),
            Message::Waiting { step, waiting } => self.tell_waiting(step, waiting),
            Message::Made { step, id, written } => {
                self.is_known(step, &id, batch);
                batch.then.push(Then::Acknowledge(written));
            }
            Message::Lost { step, error } => {
                if let Some(running) = self.running.get_mut(&step) {
                    running.handle = None;
                    self.lost.push(step);
                    tracing::debug!(%error, "the answer was lost");
                }
            }
            Message::Located { step, found } => self.located(step, found, batch),
            Message::Done { step, live } => {
                let Some(running) = self.running.get(&step) else { return };
                let (ended, live) = match live {
                    None => (Ended::Gone, None),
                    Some((id, live)) => (Ended::Record(Box::new(self.record(running, id, &live))), Some(live)),
                };
                batch.entries.push(Entry::Done { step: step.0, outcome: ended.clone() });
                batch.then.push(Then::Finish(step, ended, live));
            }
            Message::Failed { step, why, doubt } => self.failed(step, why, doubt, batch),
        }
    }

    /// The object of a create has this identity.
    pub(super) fn is_known(&mut self, step: StepId, id: &Id, batch: &mut Batch) {
        if let Some(running) = self.running.get_mut(&step) {
            running.id = Some(id.clone());
            running.task.id = Some(id.clone());
        }
        batch.entries.push(Entry::Id { step: step.0, id: id.clone() });
    }

    fn follow(&mut self, then: Then) {
        match then {
            // A worker whose channel is closed was ended: nothing waits for the answer.
            Then::Acknowledge(written) => drop(written.send(())),
            Then::Resume(step) => {
                let Some(running) = self.running.remove(&step) else { return };
                if self.phase.is_sound() {
                    self.spawn(running);
                } else {
                    // Why, was told of the journal and of the identity.
                    self.fail(step, &running.task.address, &running.task.op.clone().into(), Vec::new());
                }
            }
            Then::Finish(step, ended, live) => self.done(step, &ended, live),
            Then::GiveUp(step, why) => {
                if let Some(running) = self.running.remove(&step) {
                    self.fail(step, &running.task.address, &running.task.op.clone().into(), why);
                }
            }
        }
    }

    /// Tells of objects that exist, and whose identities are not on disk.
    fn tell_unwritten(&mut self, identities: &[(StepId, Id)]) {
        for (step, id) in identities {
            let Some(running) = self.running.get(step) else { continue };
            self.outcome.errors.push(
                Diagnostic::error(format!("{} was created with id {id}, and that could not be saved.", running.task.address)).hint(
                    "Keep this line: the next run looks for the object by its mark or name; if it finds nothing, import it by this ID.",
                ),
            );
        }
    }

    fn tell_waiting(&mut self, step: StepId, waiting: Waiting) {
        let waits = self.running.contains_key(&step) || self.gates.contains_key(&step);
        let Some(step) = self.steps.get(&step).filter(|_| waits) else { return };
        if let Some(shortage) = waiting.shortage {
            // It holds up everybody, so it is told of the whole run.
            (self.run.tell)(Event::Slowed { shortage, pause: waiting.pause });
            return;
        }
        (self.run.tell)(Event::Waiting {
            address: step.address.clone(),
            op: step.op.clone(),
            what: waiting.what,
            seen: waiting.seen,
            elapsed: waiting.elapsed,
            pause: waiting.pause,
            limit: waiting.limit,
        });
    }

    fn record(&self, running: &Running, id: Id, live: &Body) -> Record {
        let frame = Frame {
            id,
            mark: running.begin.mark.clone(),
            arguments: running.begin.arguments.clone(),
            after: running.begin.after.clone(),
            create_before_destroy: running.begin.create_before_destroy,
        };
        let table = running.task.kind.attrs();
        let mut record = record::ready(table, &running.task.terms, live, frame, &self.run.state.salt);
        held::keep(table, &running.task.address, self.run.resolve.desired(), &running.task.seen, &mut record.body);
        if running.begin.provisions {
            record.health = Health::Bare;
        }
        record
    }

    fn done(&mut self, step: StepId, ended: &Ended, live: Option<Body>) {
        let Some(running) = self.running.remove(&step) else { return };
        let task = &running.task;
        self.run.state.apply(&task.address, &running.begin.op, ended);
        if let (Ended::Record(record), Some(mut live)) = (ended, live) {
            let rows = task.kind.attrs();
            let secrets = apart(rows, &mut live);
            secrets.values().for_each(|secret| self.run.options.known.learn_term(secret));
            let there = There { body: &live, digests: &record.digests };
            let known = known_of(rows, &task.terms, there, &secrets, &self.run.state.salt);
            self.known.insert(task.address.clone(), known);
        }
        if running.begin.provisions && self.phase.is_sound() {
            return self.provision_made(step, running, ended.clone());
        }
        self.complete(step, running, ended);
    }

    /// A step is done, with all that belongs to it.
    pub(super) fn complete(&mut self, step: StepId, running: Running, ended: &Ended) {
        let Running { task, started, .. } = running;
        match task.op {
            Op::Create => self.outcome.counts.add += 1,
            Op::Edit { .. } => self.outcome.counts.change += 1,
            Op::Delete { .. } => self.outcome.counts.destroy += 1,
            Op::AwaitReady { .. } | Op::Forget { .. } => {}
        }
        let id = match ended {
            Ended::Record(record) => Some(record.shown_id()),
            Ended::Gone => None,
        };
        let elapsed = self.run.clock.tick().since(started);
        (self.run.tell)(Event::Done { address: task.address.clone(), op: task.op.clone().into(), id, elapsed });
        let checked = match task.op {
            Op::Create | Op::Edit { .. } | Op::AwaitReady { .. } => {
                self.run.resolve.check(&task.address, &|other: &Address| self.known(other))
            }
            Op::Delete { .. } | Op::Forget { .. } => Ok(()),
        };
        match checked {
            Ok(()) => self.schedule.finish(step),
            Err(why) => self.fail(step, &task.address, &task.op.into(), why),
        }
    }

    pub(super) fn failed(&mut self, step: StepId, why: Diagnostic, doubt: bool, batch: &mut Batch) {
        let Some(running) = self.running.get(&step) else { return };
        let open_create = running.begin.op == Op::Create;
        match (&running.id, open_create) {
            // It exists, but nobody saw it usable: the next run waits for it.
            (Some(id), true) => {
                let record = Box::new(running.begin.unfinished(id.clone()));
                self.run.state.apply(&running.task.address, &running.begin.op, &Ended::Record(record.clone()));
                batch.entries.push(Entry::Done { step: step.0, outcome: Ended::Record(record) });
            }
            // Nobody knows whether it exists: the journal keeps the question. So it does where an answer was lost before: what
            // is refused now, as it is there already, may be what was made then.
            (None, true) if doubt || running.tries > 1 => self.is_in_doubt = true,
            _ => {
                if running.begin.power == Some(Power::On)
                    && let Some(record) = self.run.state.records.get_mut(&running.task.address)
                {
                    record.health = Health::Unfinished;
                    batch.entries.push(Entry::Done { step: step.0, outcome: Ended::Record(Box::new(record.clone())) });
                } else {
                    batch.entries.push(Entry::Failed { step: step.0, why: why.message.clone() });
                }
            }
        }
        batch.then.push(Then::GiveUp(step, vec![why]));
    }
}

/// The identity that a line tells of.
fn identity(entry: &Entry) -> Option<(StepId, Id)> {
    match entry {
        Entry::Id { step, id } => Some((StepId(*step), id.clone())),
        _ => None,
    }
}
