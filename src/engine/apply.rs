//! From a plan to the world: one loop owns state, journal and the ready set; workers get a step and send messages.
//!
//! Invariant: no call before its `begin` is on disk, no wait before the identity is, no dependent before the `done` is. What is
//! resolved with real values must be what was planned, only unknowns may change. It decides nothing but "go, stop, failed".
//!
//! ```text
//!  schedule ──take──► begin (flushed) ──spawn──► worker ──Made──► id (flushed) ──ack──► worker waits
//!      ▲                                            │
//!      └────── finish ◄── done (flushed) ◄──Done────┘          Lost ──► locate ──► go on, make again, or ask
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::change::{Action, Event, Op, Outcome, Step, StepId};
use super::claims::{self, Claims};
use super::desired::{kept, terms};
use super::health::Goal;
use super::held;
use super::known::{effective, known_of};
use super::planned::Planned;
use super::record::{self, Frame};
use super::recover::{self, Located, Lost};
use super::schedule::Schedule;
use super::trouble::of_api;
use super::work::{Message, Task, gate, perform, watched};
use crate::api::client::Client;
use crate::api::error::ApiError;
use crate::base::address::Address;
use crate::base::clock::{Clock, Tick};
use crate::base::crash::crash_point;
use crate::base::desired::{Resolve, Wanted};
use crate::base::diag::Diagnostic;
use crate::base::identity::{Id, Mark};
use crate::base::value::{Body, Origin, Term, Terms, Value};
use crate::kinds::account::family;
use crate::kinds::erased::AnyKind;
use crate::kinds::kind;
use crate::state::journal::{self, Begin, Entry, Outcome as Ended, Power};
use crate::state::store::Locked;
use crate::state::{Health, SavedOutput, State};

/// Messages that may wait while the owner flushes: a few for each worker.
const INBOX: usize = 256;
/// How often a create that never happened is made again.
const CREATE_TRIES: u32 = 3;

/// How to go about it.
#[derive(Clone, Debug)]
pub struct Manner {
    /// How many steps run at once.
    pub parallelism: usize,
    /// Whether steps that need nothing of a failed one still start.
    pub keep_going: bool,
    /// How long running steps may go on after the first Ctrl-C.
    pub grace: Duration,
}

/// What a run works on.
pub struct Run<'a> {
    /// The plan.
    pub planned: &'a Planned,
    /// The configuration.
    pub resolve: &'a dyn Resolve,
    /// The state that the plan was made from, brought up to date with what was seen.
    pub state: State,
    /// The store: its journal is open.
    pub store: &'a mut Locked,
    /// The API.
    pub api: Client,
    /// The stack's mark.
    pub mark: Mark,
    /// The time.
    pub clock: Clock,
    /// Objects that are not this run's, whatever they look like.
    pub claims: Claims,
    /// How to go about it.
    pub manner: Manner,
    /// Turns true at the first Ctrl-C.
    pub stop: watch::Receiver<bool>,
    /// Is told what happens.
    pub tell: &'a mut dyn FnMut(Event),
}

/// What is left after a run.
#[derive(Debug)]
pub struct Left {
    /// How it ended.
    pub outcome: Outcome,
    /// The state as it is now.
    pub state: State,
    /// Whether every step's fate is known: the state may be written and the journal closed.
    pub settled: bool,
}

/// Walks the plan's steps.
pub async fn run(run: Run<'_>) -> Left {
    run.resolve.begin();
    let (sender, inbox) = mpsc::channel(INBOX);
    let schedule = Schedule::new(&run.planned.plan.steps);
    let steps = &run.planned.plan.steps;
    let made: BTreeSet<&Address> =
        steps.iter().filter(|step| !matches!(step.op, Op::Delete { .. } | Op::Forget | Op::Gate)).map(|step| &step.address).collect();
    let known = run.planned.known.iter().filter(|(address, _)| !made.contains(address)).map(|(a, t)| (a.clone(), t.clone())).collect();
    let changes = run.planned.plan.changes.iter();
    let disruptive =
        changes.filter(|change| matches!(change.action, Action::Edit { disruptive: true, .. })).map(|change| &change.address).collect();
    let state = &run.state;
    let own = state.records.values().chain(state.deposed.values()).map(|record| record.id.clone()).collect();
    let mut owner = Owner {
        own,
        schedule,
        disruptive,
        known,
        steps: run.planned.plan.steps.iter().map(|step| (step.id, step)).collect(),
        running: BTreeMap::new(),
        gates: BTreeMap::new(),
        lost: Vec::new(),
        locating: false,
        tasks: JoinSet::new(),
        sender,
        outcome: Outcome::default(),
        settled: true,
        stopping: false,
        broken: false,
        run,
    };
    owner.work(inbox).await;
    owner.finish()
}

struct Running {
    task: Task,
    begin: Begin,
    started: Tick,
    id: Option<Id>,
    tries: u32,
    handle: Option<AbortHandle>,
}

struct Owner<'a> {
    /// The objects that the state knew at the start.
    own: Arc<[Id]>,
    run: Run<'a>,
    schedule: Schedule,
    steps: BTreeMap<StepId, &'a Step>,
    disruptive: BTreeSet<&'a Address>,
    known: BTreeMap<Address, Term>,
    running: BTreeMap<StepId, Running>,
    gates: BTreeMap<StepId, (Tick, AbortHandle)>,
    lost: Vec<StepId>,
    locating: bool,
    tasks: JoinSet<()>,
    sender: mpsc::Sender<Message>,
    outcome: Outcome,
    settled: bool,
    stopping: bool,
    broken: bool,
}

/// What is done once the lines of a batch are on disk.
enum Then {
    Acknowledge(oneshot::Sender<()>),
    Finish(StepId, Ended, Option<Body>),
    GiveUp(StepId, Vec<Diagnostic>),
}

impl<'a> Owner<'a> {
    async fn work(&mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut deadline: Option<Tick> = None;
        loop {
            if *self.run.stop.borrow() {
                self.interrupt();
                deadline.get_or_insert_with(|| self.run.clock.tick().plus(self.run.manner.grace));
            }
            self.start_ready();
            if self.running.is_empty() && self.gates.is_empty() && (self.stopping || self.schedule.is_over()) {
                return;
            }
            self.locate_next();
            let grace = deadline.map(|end| end.since(self.run.clock.tick()));
            let clock = self.run.clock.clone();
            let first = tokio::select! {
                biased;
                () = stopped(&mut self.run.stop), if !self.outcome.interrupted => continue,
                message = inbox.recv() => message,
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

    fn start_ready(&mut self) {
        let mut begun = Vec::new();
        while !self.stopping && self.running.len() + self.gates.len() + begun.len() < self.run.manner.parallelism.max(1) {
            let Some(id) = self.schedule.take() else { break };
            let Some(step) = self.steps.get(&id).copied() else { continue };
            if step.op == Op::Gate {
                self.gate(step);
                continue;
            }
            match self.prepare(step) {
                Ok((task, begin)) => begun.push((task, begin)),
                Err(why) => self.fail(id, &step.address, &step.op, why),
            }
        }
        if begun.is_empty() {
            return;
        }
        let entries: Vec<Entry> = begun.iter().map(|(_, begin)| Entry::Begin(Box::new(begin.clone()))).collect();
        if let Err(error) = self.run.store.append_all(entries) {
            self.outcome.errors.extend(error.diagnostics());
            self.break_off();
            for (task, _) in begun {
                (self.run.tell)(Event::Skipped { address: task.address.clone(), op: task.op.clone() });
                self.schedule.fail(task.step);
                self.outcome.skipped += 1;
            }
            return;
        }
        for (task, begin) in begun {
            (self.run.tell)(Event::Started { address: task.address.clone(), op: task.op.clone() });
            let running = Running { task, begin, started: self.run.clock.tick(), id: None, tries: 1, handle: None };
            self.spawn(running);
        }
    }

    /// Waits at a gate, which writes nothing: a run that is killed here has nothing to settle.
    fn gate(&mut self, step: &Step) {
        let of = |address: &Address| match self.run.state.records.get(address) {
            Some(record) => Term::Value(Value::Map(record.body.clone())),
            None => Term::Unknown(Origin::default()),
        };
        let pairs = &self.run.resolve.desired().pairs;
        let leaving = step.address.parent.as_deref().filter(|pair| pairs.contains_key(*pair));
        let goal = leaving.map_or(Goal::Serving, |_| Goal::MayLeave(step.address.name.clone()));
        let Some(watch) = self.run.resolve.watch(leaving.unwrap_or(&step.address), &of) else {
            self.schedule.finish(step.id);
            return;
        };
        (self.run.tell)(Event::Started { address: step.address.clone(), op: step.op.clone() });
        let task = gate(step.id, step.address.clone(), watch, goal, self.run.api.clone(), self.sender.clone());
        let handle = self.tasks.spawn(task);
        self.gates.insert(step.id, (self.run.clock.tick(), handle));
    }

    fn gated(&mut self, step: StepId, opened: Result<(), Diagnostic>) {
        let (Some((started, _)), Some(step)) = (self.gates.remove(&step), self.steps.get(&step).copied()) else { return };
        match opened {
            Ok(()) => {
                let elapsed = self.run.clock.tick().since(started);
                (self.run.tell)(Event::Done { address: step.address.clone(), op: step.op.clone(), id: None, elapsed });
                self.schedule.finish(step.id);
            }
            Err(why) => self.fail(step.id, &step.address, &step.op, vec![why]),
        }
    }

    fn spawn(&mut self, mut running: Running) {
        crash_point("call.before");
        let (task, api, sender) = (running.task.clone(), self.run.api.clone(), self.sender.clone());
        running.handle = Some(self.tasks.spawn(perform(task, api, sender)));
        self.running.insert(running.task.step, running);
    }

    /// Resolves a step with what is known by now.
    fn prepare(&self, step: &Step) -> Result<(Task, Begin), Vec<Diagnostic>> {
        let address = &step.address;
        let Some(kind) = kind(&address.kind) else {
            return Err(vec![Diagnostic::error(format!("There is no resource type `{}`.", address.kind))]);
        };
        let record = self.run.state.records.get(address);
        let id = match &step.op {
            Op::Create | Op::Gate => None,
            Op::Settle { id } | Op::Delete { id } => Some(id.clone()),
            Op::Edit { .. } | Op::Forget => record.map(|record| record.id.clone()),
        };
        let old = match &step.op {
            Op::Delete { id } => {
                record.filter(|record| record.id == *id).or_else(|| self.run.state.deposed.get(&(address.clone(), id.clone())))
            }
            _ => record,
        };
        let seen = old.map(|record| record.body.clone()).unwrap_or_default();
        let wanted = self.run.resolve.desired().resources.get(address);
        let terms = match (&step.op, wanted) {
            (Op::Create, Some(wanted)) => self.resolve(kind, wanted, address, None)?,
            (Op::Edit { .. } | Op::Settle { .. }, Some(wanted)) => self.resolve(kind, wanted, address, Some(&seen))?,
            _ => Terms::new(),
        };
        let sent = match &step.op {
            Op::Create => self.run.resolve.sent(address, terms.clone(), &|other: &Address| self.known(other))?,
            _ => Terms::new(),
        };
        let disruptive = self.disruptive.contains(address);
        let (body, digests) = record::intent(kind.attrs(), &terms, &self.run.state.salt);
        let begin = Begin {
            at: self.run.clock.now(),
            step: step.id.0,
            address: address.clone(),
            op: op_of(&step.op, id.as_ref()),
            body,
            digests,
            after: wanted.map(|wanted| wanted.after.clone()).unwrap_or_default(),
            mark: kind.markable().then(|| self.run.mark.clone()),
            create_before_destroy: wanted.is_some_and(|wanted| wanted.rules.create_before_destroy),
            power: kind.powered(&seen).filter(|_| disruptive).map(|on| if on { Power::On } else { Power::Off }),
        };
        let task = Task {
            step: step.id,
            address: address.clone(),
            op: step.op.clone(),
            kind,
            terms,
            sent,
            seen,
            id,
            mark: self.run.mark.clone(),
            project: self.run.state.project.clone(),
            own: Arc::clone(&self.own),
        };
        Ok((task, begin))
    }

    fn resolve(&self, kind: &dyn AnyKind, wanted: &Wanted, address: &Address, seen: Option<&Body>) -> Result<Terms, Vec<Diagnostic>> {
        let body = self.run.resolve.body(address, &|other: &Address| self.known(other))?;
        let terms = effective(kind.attrs(), &terms(self.run.resolve, address, &body)?, wanted, seen);
        let planned = self.run.planned.terms.get(address);
        for row in kind.attrs() {
            let (before, now) = (planned.and_then(|planned| planned.get(row.name)), terms.get(row.name));
            if planned.is_some() && !kept(row, before, now, &terms) {
                return Err(vec![
                    Diagnostic::error(format!("The plan no longer holds: `{}` of {address} came out otherwise than planned.", row.name))
                        .at(self.run.resolve.span(address, &[row.name]))
                        .about(address)
                        .hint("Plan again."),
                ]);
            }
            if now.is_some_and(Term::has_unknown) {
                return Err(vec![
                    Diagnostic::error(format!("`{}` of {address} is still unknown.", row.name))
                        .at(self.run.resolve.span(address, &[row.name]))
                        .about(address)
                        .hint("It depends on something that was left out of this run (`-target`), or that gives no value."),
                ]);
            }
        }
        Ok(terms)
    }

    fn known(&self, address: &Address) -> Term {
        self.known.get(address).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()))
    }

    /// Takes a batch of messages in: one flush for all their lines, then what follows from them.
    fn take(&mut self, batch: Vec<Message>) {
        let (mut entries, mut then) = (Vec::new(), Vec::new());
        for message in batch {
            match message {
                Message::Gated { step, opened } => self.gated(step, opened),
                Message::Waiting { step, waiting } => {
                    let waits = self.running.contains_key(&step) || self.gates.contains_key(&step);
                    if let Some(step) = self.steps.get(&step).filter(|_| waits) {
                        (self.run.tell)(Event::Waiting {
                            address: step.address.clone(),
                            op: step.op.clone(),
                            what: waiting.what,
                            elapsed: waiting.elapsed,
                            pause: waiting.pause,
                            limit: waiting.limit,
                        });
                    }
                }
                Message::Made { step, id, written } => {
                    if let Some(running) = self.running.get_mut(&step) {
                        running.id = Some(id.clone());
                        running.task.id = Some(id.clone());
                    }
                    entries.push(Entry::Id { step: step.0, id });
                    then.push(Then::Acknowledge(written));
                }
                Message::Lost { step, error } => {
                    if let Some(running) = self.running.get_mut(&step) {
                        running.handle = None;
                        self.lost.push(step);
                        tracing::debug!(%error, "the answer was lost");
                    }
                }
                Message::Located { step, found } => self.located(step, found, &mut entries, &mut then),
                Message::Done { step, live } => {
                    let Some(running) = self.running.get(&step) else { continue };
                    let (ended, live) = match live {
                        None => (Ended::Gone, None),
                        Some((id, live)) => (Ended::Record(Box::new(self.record(running, id, &live))), Some(live)),
                    };
                    entries.push(Entry::Done { step: step.0, outcome: ended.clone() });
                    then.push(Then::Finish(step, ended, live));
                }
                Message::Failed { step, why, doubt } => self.failed(step, why, doubt, &mut entries, &mut then),
            }
        }
        if let Err(error) = if entries.is_empty() { Ok(()) } else { self.run.store.append_all(entries.clone()) } {
            if !self.broken {
                self.outcome.errors.extend(error.diagnostics());
            }
            for entry in &entries {
                if let Entry::Id { step, id } = entry
                    && let Some(running) = self.running.get(&StepId(*step))
                {
                    self.outcome.errors.push(
                        Diagnostic::error(format!("{} was made with id {id}, and that could not be written down.", running.task.address))
                            .hint("Keep this line: the next run looks for the object by its mark or name; if it finds nothing, import it by this id."),
                    );
                }
            }
            self.break_off();
        }
        for then in then {
            match then {
                // A worker whose channel is closed was ended: nothing waits for the answer.
                Then::Acknowledge(written) => drop(written.send(())),
                Then::Finish(step, ended, live) => self.done(step, &ended, live),
                Then::GiveUp(step, why) => {
                    if let Some(running) = self.running.remove(&step) {
                        self.fail(step, &running.task.address, &running.task.op, why);
                    }
                }
            }
        }
    }

    fn record(&self, running: &Running, id: Id, live: &Body) -> crate::state::Record {
        let frame = Frame {
            id,
            mark: running.begin.mark.clone(),
            after: running.begin.after.clone(),
            create_before_destroy: running.begin.create_before_destroy,
        };
        let table = running.task.kind.attrs();
        let mut record = record::ready(table, &running.task.terms, live, frame, &self.run.state.salt);
        held::keep(table, &running.task.address, self.run.resolve.desired(), &running.task.seen, &mut record.body);
        record
    }

    fn done(&mut self, step: StepId, ended: &Ended, live: Option<Body>) {
        let Some(running) = self.running.remove(&step) else { return };
        let Running { task, begin, started, .. } = running;
        self.run.state.apply(&task.address, &begin.op, ended);
        if let (Ended::Record(record), Some(live)) = (ended, live) {
            let known = known_of(task.kind.attrs(), &task.terms, &live, &record.digests, &self.run.state.salt);
            self.known.insert(task.address.clone(), known);
        }
        match task.op {
            Op::Create => self.outcome.counts.add += 1,
            Op::Edit { .. } => self.outcome.counts.change += 1,
            Op::Delete { .. } => self.outcome.counts.destroy += 1,
            Op::Settle { .. } | Op::Forget | Op::Gate => {}
        }
        let id = match ended {
            Ended::Record(record) => Some(record.id.clone()),
            Ended::Gone => None,
        };
        let elapsed = self.run.clock.tick().since(started);
        (self.run.tell)(Event::Done { address: task.address.clone(), op: task.op.clone(), id, elapsed });
        let checked = match task.op {
            Op::Create | Op::Edit { .. } | Op::Settle { .. } => self.run.resolve.check(&task.address, &|other: &Address| self.known(other)),
            Op::Delete { .. } | Op::Forget | Op::Gate => Ok(()),
        };
        match checked {
            Ok(()) => self.schedule.finish(step),
            Err(why) => self.fail(step, &task.address, &task.op, why),
        }
    }

    fn failed(&mut self, step: StepId, why: Diagnostic, doubt: bool, entries: &mut Vec<Entry>, then: &mut Vec<Then>) {
        let Some(running) = self.running.get(&step) else { return };
        let open_create = running.begin.op == journal::Op::Create;
        match (&running.id, open_create) {
            // It exists, but nobody saw it usable: the next run waits for it.
            (Some(id), true) => {
                let record = Box::new(running.begin.unfinished(id.clone()));
                self.run.state.apply(&running.task.address, &running.begin.op, &Ended::Record(record.clone()));
                entries.push(Entry::Done { step: step.0, outcome: Ended::Record(record) });
            }
            // Nobody knows whether it exists: the journal keeps the question. So it does where an answer was lost before: what
            // is refused now, as it is there already, may be what was made then.
            (None, true) if doubt || running.tries > 1 => self.settled = false,
            _ => {
                if running.begin.power == Some(Power::On)
                    && let Some(record) = self.run.state.records.get_mut(&running.task.address)
                {
                    record.health = Health::Unfinished;
                    entries.push(Entry::Done { step: step.0, outcome: Ended::Record(Box::new(record.clone())) });
                } else {
                    entries.push(Entry::Failed { step: step.0, why: why.message.clone() });
                }
            }
        }
        then.push(Then::GiveUp(step, vec![why]));
    }

    /// A step failed: what needs it is skipped, and nothing new starts unless that is wanted.
    fn fail(&mut self, step: StepId, address: &Address, op: &Op, why: Vec<Diagnostic>) {
        (self.run.tell)(Event::Failed { address: address.clone(), op: op.clone(), why: why.clone() });
        self.outcome.errors.extend(why);
        let mut skipped = self.schedule.fail(step);
        if !self.run.manner.keep_going {
            self.stopping = true;
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
        if !self.outcome.interrupted {
            self.outcome.interrupted = true;
            self.stopping = true;
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
    }

    /// The journal cannot be written: no call may follow.
    fn break_off(&mut self) {
        self.broken = true;
        self.settled = false;
        self.stopping = true;
        let skipped = self.schedule.stop();
        self.skip(&skipped);
    }

    /// Running steps are left as they are: the journal is enough for the next run.
    fn abandon(&mut self) {
        self.settled = false;
        self.tasks.abort_all();
        for running in std::mem::take(&mut self.running).into_values() {
            let id = running.id.map(|id| format!(" (id {id})")).unwrap_or_default();
            self.outcome.errors.push(
                Diagnostic::error(format!("{}{id} was not finished when the run was stopped.", running.task.address))
                    .about(&running.task.address)
                    .hint("The next run goes on with it."),
            );
        }
    }

    /// Looks for the object of a lost answer, one at a time, once no other create of its kind is without an answer.
    fn locate_next(&mut self) {
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

    fn located(&mut self, step: StepId, found: Result<Located, ApiError>, entries: &mut Vec<Entry>, then: &mut Vec<Then>) {
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

    fn finish(mut self) -> Left {
        if self.outcome.errors.is_empty() && !self.outcome.interrupted {
            self.outputs();
        }
        Left { outcome: self.outcome, state: self.run.state, settled: self.settled }
    }

    fn outputs(&mut self) {
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
                            let digest = crate::base::digest::Digest::of(&output.value.sealed()?, &salt);
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

/// Returns at the first Ctrl-C; never, if none can come.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn op_of(op: &Op, id: Option<&Id>) -> journal::Op {
    let id = || id.cloned().unwrap_or_else(|| Id(String::new()));
    match op {
        Op::Create => journal::Op::Create,
        Op::Settle { id } => journal::Op::Settle { id: id.clone() },
        Op::Edit { edits } => journal::Op::Edit { edits: edits.clone() },
        Op::Delete { id } => journal::Op::Delete { id: id.clone() },
        Op::Forget | Op::Gate => journal::Op::Forget { id: id() },
    }
}
