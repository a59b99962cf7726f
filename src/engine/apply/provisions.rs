//! The provisioners of a step: run one after another once its object was made, or before it is deleted.
//!
//! Invariant: none is begun before that is on disk, and none twice. Whatever ends the run in between leaves a record that says so.

use std::collections::VecDeque;

use super::owner::{Owner, Provisioning, Running};
use crate::change::{Event, Provisioning as Told, Step, StepId};
use crate::provision::{Job, run};
use dofloat_base::address::Address;
use dofloat_base::crash::crash_point;
use dofloat_base::diag::Diagnostic;
use dofloat_base::provision::{Provisioner, When};
use dofloat_base::value::{Term, Value};
use dofloat_state::Health;
use dofloat_state::journal::{Entry, Op, Outcome as Ended};

impl Owner<'_> {
    /// Whether provisioners are to be run once the object of a step is there.
    pub(super) fn will_provision(&self, address: &Address, op: &Op) -> bool {
        let is_new = match op {
            Op::Create => true,
            Op::AwaitReady { .. } => self.run.state.records.get(address).is_some_and(|record| record.health == Health::Bare),
            Op::Edit { .. } | Op::Delete { .. } | Op::Forget { .. } => false,
        };
        is_new && self.run.options.provisioners.is_some() && self.run.resolve.provisions(address).create > 0
    }

    /// Runs what is to be run before a deletion, if anything is, and gives the step back otherwise. What failed to be made
    /// whole is deleted without.
    pub(super) fn provision_before(&mut self, step: &Step, running: Running) -> Option<Running> {
        let Op::Delete { id } = &running.begin.op else { return Some(running) };
        let record = self.run.state.records.get(&step.address).filter(|record| record.id == *id && record.health != Health::Tainted);
        let (Some(_), Some(record)) = (&self.run.options.provisioners, record) else { return Some(running) };
        if self.run.resolve.provisions(&step.address).destroy == 0 {
            return Some(running);
        }
        let this = Term::Value(Value::Map(record.body.clone()));
        self.provision(step.id, running, None, When::Destroy, &this);
        None
    }

    /// Runs what is to be run once an object was made.
    pub(super) fn provision_made(&mut self, step: StepId, running: Running, made: Ended) {
        let this = self.known(&running.task.address);
        self.provision(step, running, Some(made), When::Create, &this);
    }

    fn provision(&mut self, step: StepId, running: Running, made: Option<Ended>, when: When, this: &Term) {
        let found = self.run.resolve.provisioners(&running.task.address, when, this, &|other: &Address| self.known(other));
        let mut provisioning = Provisioning { running, made, waiting: VecDeque::new(), current: None, nth: 0, handle: None };
        match found {
            Ok(all) => {
                provisioning.waiting = all.into();
                self.provisioning.insert(step, provisioning);
                self.next_provisioner(step, Vec::new());
            }
            Err(why) => {
                self.provisioning.insert(step, provisioning);
                self.provisioner_failed(step, why, Vec::new());
            }
        }
    }

    /// Begins the next provisioner of a step once the one before has ended, or goes on with the step after the last.
    fn next_provisioner(&mut self, step: StepId, mut entries: Vec<Entry>) {
        crash_point("provisioner.pending");
        let Some(mut at) = self.provisioning.remove(&step) else { return };
        let address = at.running.task.address.clone();
        let Some(provisioner) = at.waiting.pop_front() else { return self.provisioned(step, at, entries) };
        at.nth += 1;
        entries.push(Entry::Provisioner { step: step.0, nth: at.nth, ended: false });
        let Some(folder) = self.run.options.provisioners.clone().filter(|_| self.write(entries)) else {
            // Why, was told of the journal.
            return self.fail(step, &address, &at.running.task.op.clone().into(), Vec::new());
        };
        crash_point("provisioner.before");
        self.tell_provisioner(&address, &provisioner, Told::Started);
        let job = Job { step, address, provisioner: provisioner.clone(), folder, clock: self.run.clock.clone() };
        at.handle = Some(self.tasks.spawn(run(job, self.sender.clone())));
        at.current = Some(provisioner);
        self.provisioning.insert(step, at);
    }

    /// After the last one.
    fn provisioned(&mut self, step: StepId, at: Provisioning, mut entries: Vec<Entry>) {
        let address = at.running.task.address.clone();
        match at.made {
            None => {
                if self.write(entries) {
                    self.spawn(at.running);
                } else {
                    self.fail(step, &address, &at.running.task.op.clone().into(), Vec::new());
                }
            }
            Some(made) => {
                entries.push(Entry::Provisioned { step: step.0, failed: false });
                if self.write(entries) {
                    self.set_health(&address, Health::Ready);
                }
                self.complete(step, at.running, &made);
            }
        }
    }

    pub(super) fn provisioner_printed(&mut self, step: StepId, line: String) {
        let Some(at) = self.provisioning.get(&step) else { return };
        if let Some(current) = at.current.clone() {
            let address = at.running.task.address.clone();
            self.tell_provisioner(&address, &current, Told::Line(line));
        }
    }

    pub(super) fn provisioner_ended(&mut self, step: StepId, ended: Result<(), Diagnostic>) {
        let Some(at) = self.provisioning.get_mut(&step) else { return };
        let (nth, address) = (at.nth, at.running.task.address.clone());
        let Some(current) = at.current.take() else { return };
        let over = vec![Entry::Provisioner { step: step.0, nth, ended: true }];
        match ended {
            Ok(()) => {
                self.tell_provisioner(&address, &current, Told::Ended);
                self.next_provisioner(step, over);
            }
            Err(why) => {
                self.tell_provisioner(&address, &current, Told::Failed { goes_on: current.goes_on });
                if current.goes_on {
                    self.outcome.notes.push(why.into_warning());
                    self.next_provisioner(step, over);
                } else {
                    self.provisioner_failed(step, vec![why], over);
                }
            }
        }
    }

    /// One failed: those after it are not begun, and what was made is replaced by the next run.
    fn provisioner_failed(&mut self, step: StepId, why: Vec<Diagnostic>, mut entries: Vec<Entry>) {
        let Some(at) = self.provisioning.remove(&step) else { return };
        let address = at.running.task.address.clone();
        let hint = if at.made.is_some() {
            entries.push(Entry::Provisioned { step: step.0, failed: true });
            "The object exists and is marked as tainted: the next apply replaces it. `dofloat state untaint ADDRESS` takes it as it is."
        } else {
            let said = why.first().map(|first| first.message.clone()).unwrap_or_default();
            entries.push(Entry::Failed { step: step.0, why: said });
            "Nothing was destroyed. The next run begins with its provisioners again; without `-allow-provisioners` it is destroyed without them."
        };
        if self.write(entries) && at.made.is_some() {
            self.set_health(&address, Health::Tainted);
        }
        let why = why.into_iter().map(|why| if why.hint.is_none() { why.hint(hint) } else { why }).collect();
        self.fail(step, &address, &at.running.task.op.clone().into(), why);
    }

    fn set_health(&mut self, address: &Address, health: Health) {
        if let Some(record) = self.run.state.records.get_mut(address) {
            record.health = health;
        }
    }

    fn tell_provisioner(&mut self, address: &Address, provisioner: &Provisioner, what: Told) {
        (self.run.tell)(Event::Provisioning { address: address.clone(), provisioner: provisioner.kind.clone(), what });
    }

    /// Provisioners that are left as they are: the time is up.
    pub(super) fn abandon_provisioners(&mut self) {
        for at in std::mem::take(&mut self.provisioning).into_values() {
            if let Some(handle) = &at.handle {
                handle.abort();
            }
            let address = &at.running.task.address;
            self.outcome.errors.push(
                Diagnostic::error(format!("A provisioner of {address} was not finished when the run stopped."))
                    .about(address)
                    .hint("The next run asks what is to become of it."),
            );
        }
    }
}
