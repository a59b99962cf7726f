//! The owner of a run: the one loop that starts steps, and the only writer of state and journal.
//!
//! Invariant: no call before its `begin` is on disk. Once the journal cannot be written, no call follows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::phase::Phase;
use super::run::{ApplyResult, Run};
use crate::change::{Action, Event, Outcome, Plan, Step, StepId, StepOp};
use crate::needs::crowds;
use crate::schedule::Schedule;
use crate::work::{Message, Task, perform};
use dofloat_api::slots::{Slot, Slots};
use dofloat_api::together::MOST;
use dofloat_base::address::Address;
use dofloat_base::clock::Tick;
use dofloat_base::crash::crash_point;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Id;
use dofloat_base::provision::Provisioner;
use dofloat_base::value::{Origin, Term};
use dofloat_kinds::account::family;
use dofloat_state::journal::{Begin, Entry, Op, Outcome as Ended};

/// Messages that may wait while the owner flushes: a few for each worker.
const INBOX: usize = 256;

pub(super) struct Running {
    pub(super) task: Task,
    /// Where its requests find room.
    pub(super) slot: Slot,
    pub(super) begin: Begin,
    pub(super) started: Tick,
    pub(super) id: Option<Id>,
    pub(super) tries: u32,
    pub(super) handle: Option<AbortHandle>,
}

/// The provisioners of one step at work.
pub(super) struct Provisioning {
    pub(super) running: Running,
    /// What was made; nothing before a deletion.
    pub(super) made: Option<Ended>,
    pub(super) waiting: VecDeque<Provisioner>,
    pub(super) current: Option<Provisioner>,
    pub(super) nth: u32,
    pub(super) handle: Option<AbortHandle>,
}

pub(super) struct Owner<'a> {
    /// The objects that the state knew at the start.
    pub(super) own: Arc<[Id]>,
    pub(super) run: Run<'a>,
    pub(super) schedule: Schedule,
    pub(super) steps: BTreeMap<StepId, &'a Step>,
    /// Creates that one request can bring about, by the number of their crowd.
    pub(super) crowds: BTreeMap<StepId, usize>,
    pub(super) disruptive: BTreeSet<&'a Address>,
    pub(super) known: BTreeMap<Address, Term>,
    pub(super) running: BTreeMap<StepId, Running>,
    /// What is only looked at: gates, and data sources.
    pub(super) gates: BTreeMap<StepId, (Tick, AbortHandle)>,
    /// The steps whose provisioners are run.
    pub(super) provisioning: BTreeMap<StepId, Provisioning>,
    /// Creates whose answer was lost, and that are not yet looked for.
    pub(super) lost: Vec<StepId>,
    /// The one whose object is looked for.
    pub(super) locating: Option<StepId>,
    /// Whether a create failed of which nobody knows whether it happened: the journal keeps the question.
    pub(super) is_in_doubt: bool,
    pub(super) phase: Phase,
    /// Room for requests.
    pub(super) slots: Slots,
    pub(super) tasks: JoinSet<()>,
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) outcome: Outcome,
}

impl<'a> Owner<'a> {
    /// The owner of a run that has not begun, and what its workers write to.
    pub(super) fn new(run: Run<'a>) -> (Self, mpsc::Receiver<Message>) {
        let (sender, inbox) = mpsc::channel(INBOX);
        let schedule = Schedule::new(&run.planned.plan.steps);
        let steps = &run.planned.plan.steps;
        let made: BTreeSet<&Address> = steps.iter().filter(|step| step.op.object().is_some_and(makes)).map(|step| &step.address).collect();
        let known = run.planned.known.iter().filter(|(address, _)| !made.contains(address)).map(|(a, t)| (a.clone(), t.clone())).collect();
        let changes = run.planned.plan.changes.iter();
        let disruptive =
            changes.filter(|change| matches!(change.action, Action::Edit { disruptive: true, .. })).map(|change| &change.address).collect();
        let state = &run.state;
        let own = state.records.values().chain(state.deposed.values()).map(|record| record.id.clone()).collect();
        let owner = Self {
            own,
            schedule,
            disruptive,
            known,
            crowds: numbered(&run.planned.plan),
            steps: run.planned.plan.steps.iter().map(|step| (step.id, step)).collect(),
            running: BTreeMap::new(),
            gates: BTreeMap::new(),
            provisioning: BTreeMap::new(),
            lost: Vec::new(),
            locating: None,
            is_in_doubt: false,
            phase: Phase::Running,
            slots: Slots::new(run.options.parallelism),
            tasks: JoinSet::new(),
            sender,
            outcome: Outcome::default(),
            run,
        };
        (owner, inbox)
    }

    pub(super) async fn work(&mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut free = None;
        loop {
            if *self.run.stop.borrow() {
                self.interrupt();
            }
            self.start_ready(free.take());
            let is_idle = self.running.is_empty() && self.gates.is_empty() && self.provisioning.is_empty();
            if is_idle && (!self.phase.starts() || self.schedule.is_over()) {
                return;
            }
            self.locate_next();
            let deadline = self.phase.deadline();
            let grace = deadline.map(|end| end.since(self.run.clock.tick()));
            let (clock, slots, is_ready) = (self.run.clock.clone(), self.slots.clone(), self.phase.starts() && self.has_ready());
            let first = tokio::select! {
                biased;
                () = stopped(&mut self.run.stop), if deadline.is_none() => continue,
                message = inbox.recv() => message,
                slot = slots.take(), if is_ready => {
                    free = Some(slot);
                    continue;
                }
                () = clock.sleep(grace.unwrap_or_default()), if grace.is_some() => None,
            };
            let Some(first) = first else {
                if deadline.is_some_and(|end| self.run.clock.tick() >= end) {
                    self.abandon();
                    return;
                }
                continue;
            };
            let mut batch = vec![first];
            while let Ok(message) = inbox.try_recv() {
                batch.push(message);
            }
            self.take(batch);
        }
    }

    /// Starts what is ready, as long as there is room for its first request.
    fn start_ready(&mut self, mut free: Option<Slot>) {
        let mut begun = Vec::new();
        while self.phase.starts() && self.has_ready() {
            let Some(slot) = free.take().or_else(|| self.slots.try_take()) else { break };
            let Some(id) = self.next_ready() else { break };
            let along = self.along_with(id);
            for (id, slot) in std::iter::once((id, slot)).chain(along) {
                let Some(step) = self.steps.get(&id).copied() else { continue };
                match &step.op {
                    StepOp::Gate => self.gate(step),
                    StepOp::Read => self.read(step),
                    StepOp::Object(op) => match self.prepare(step, op) {
                        Ok((task, begin)) => begun.push((task, begin, slot)),
                        Err(why) => self.fail(id, &step.address, &step.op, why),
                    },
                }
            }
        }
        if begun.is_empty() {
            return;
        }
        let entries: Vec<Entry> = begun.iter().map(|(_, begin, _)| Entry::Begin(Box::new(begin.clone()))).collect();
        if !self.write(entries) {
            for (task, ..) in begun {
                (self.run.tell)(Event::Skipped { address: task.address.clone(), op: task.op.clone().into() });
                self.schedule.fail(task.step);
                self.outcome.skipped += 1;
            }
            return;
        }
        for (task, begin, slot) in begun {
            (self.run.tell)(Event::Started { address: task.address.clone(), op: task.op.clone().into() });
            let running = Running { task, slot, begin, started: self.run.clock.tick(), id: None, tries: 1, handle: None };
            let ready = match self.steps.get(&running.task.step).copied() {
                Some(step) => self.provision_before(step, running),
                None => Some(running),
            };
            ready.into_iter().for_each(|running| self.spawn(running));
        }
    }

    /// Further steps that the request of this one can bring about too: they need no room of their own.
    fn along_with(&mut self, first: StepId) -> Vec<(StepId, Slot)> {
        let mut along = Vec::new();
        let Some(own) = self.crowds.get(&first).copied() else { return along };
        while along.len() + 1 < MOST {
            let Some(next) = self.schedule.take(|id| self.crowds.get(&id) == Some(&own)) else { break };
            along.push((next, self.slots.later()));
        }
        along
    }

    /// The next step that may start. A create waits while an object of its kind is looked for, or is about to be: what it makes
    /// would be found, and taken for the lost one.
    fn next_ready(&mut self) -> Option<StepId> {
        let sought = self.sought();
        self.schedule.take(|id| !is_held(self.steps.get(&id).copied(), &sought))
    }

    fn has_ready(&self) -> bool {
        let sought = self.sought();
        self.schedule.has_ready(|id| !is_held(self.steps.get(&id).copied(), &sought))
    }

    /// The kinds of which an object is looked for, or is about to be.
    fn sought(&self) -> BTreeSet<String> {
        let lost = self.lost.iter().chain(&self.locating).filter_map(|step| self.running.get(step));
        lost.map(|running| family(running.task.kind.name())).collect()
    }

    pub(super) fn spawn(&mut self, mut running: Running) {
        crash_point("call.before");
        let (task, api, sender) = (running.task.clone(), self.run.api.in_slot(running.slot.clone()), self.sender.clone());
        running.handle = Some(self.tasks.spawn(perform(task, api, sender)));
        self.running.insert(running.task.step, running);
    }

    /// A step failed: what needs it is skipped, and nothing new starts unless that is wanted.
    pub(super) fn fail(&mut self, step: StepId, address: &Address, op: &StepOp, why: Vec<Diagnostic>) {
        (self.run.tell)(Event::Failed { address: address.clone(), op: op.clone(), why: why.clone() });
        self.outcome.errors.extend(why);
        let mut skipped = self.schedule.fail(step);
        if !self.run.options.keep_going {
            self.phase = self.phase.drained();
            skipped.extend(self.schedule.stop());
        }
        self.skip(&skipped);
    }

    fn skip(&mut self, steps: &[StepId]) {
        self.outcome.skipped += steps.len();
        for step in steps.iter().filter_map(|id| self.steps.get(id)) {
            (self.run.tell)(Event::Skipped { address: step.address.clone(), op: step.op.clone() });
        }
    }

    fn interrupt(&mut self) {
        if self.phase.deadline().is_some() {
            return;
        }
        self.phase = self.phase.interrupted(self.run.clock.tick().plus(self.run.options.grace));
        self.outcome.interrupted = true;
        (self.run.tell)(Event::Stopping);
        let mut skipped = self.schedule.stop();
        // What is looked at only is left at once.
        for (step, (_, handle)) in std::mem::take(&mut self.gates) {
            handle.abort();
            self.schedule.finish(step);
            skipped.push(step);
        }
        self.skip(&skipped);
    }

    /// Puts lines into the journal, with one flush: the only way there. If that fails, no call may follow.
    pub(super) fn write(&mut self, entries: Vec<Entry>) -> bool {
        if entries.is_empty() {
            return true;
        }
        let Err(error) = self.run.store.append_all(entries) else { return true };
        if self.phase.is_sound() {
            self.outcome.errors.extend(error.diagnostics());
        }
        self.phase = self.phase.broken();
        let skipped = self.schedule.stop();
        self.skip(&skipped);
        false
    }

    /// Running steps are left as they are: the journal is enough for the next run.
    fn abandon(&mut self) {
        self.phase = Phase::Abandoned;
        self.tasks.abort_all();
        self.abandon_provisioners();
        for running in std::mem::take(&mut self.running).into_values() {
            let id = running.id.map(|id| format!(" (id {id})")).unwrap_or_default();
            self.outcome.errors.push(
                Diagnostic::error(format!("{}{id} was not finished when the run stopped.", running.task.address))
                    .about(&running.task.address)
                    .hint("The next run continues with it."),
            );
        }
    }

    pub(super) fn known(&self, address: &Address) -> Term {
        self.known.get(address).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()))
    }

    pub(super) fn finish(mut self) -> ApplyResult {
        if self.outcome.errors.is_empty() && !self.outcome.interrupted {
            self.outputs();
        }
        ApplyResult { outcome: self.outcome, state: self.run.state, settled: self.phase.is_sound() && !self.is_in_doubt }
    }
}

/// The steps of crowds of two or more, with the number of theirs.
fn numbered(plan: &Plan) -> BTreeMap<StepId, usize> {
    let crowds = crowds(plan).into_iter().filter(|crowd| crowd.len() > 1).enumerate();
    crowds.flat_map(|(number, crowd)| crowd.into_iter().map(move |id| (id, number))).collect()
}

fn is_held(step: Option<&Step>, sought: &BTreeSet<String>) -> bool {
    step.is_some_and(|step| step.op.object() == Some(&Op::Create) && sought.contains(&family(&step.address.kind)))
}

/// Returns at the first Ctrl-C; never, if none can come.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether there is an object afterwards of which others may want to know.
fn makes(op: &Op) -> bool {
    match op {
        Op::Create | Op::AwaitReady { .. } | Op::Edit { .. } => true,
        Op::Delete { .. } | Op::Forget { .. } => false,
    }
}

#[cfg(test)]
mod tests;
