//! Gates: a run waits until a pair serves, or until one of its servers may be taken down.
//!
//! Invariant: a gate writes nothing and changes nothing.

use super::owner::Owner;
use crate::change::{Event, Step, StepId};
use crate::cluster::health::Goal;
use crate::work::gate;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::value::{Origin, Term, Value};

impl Owner<'_> {
    /// Waits at a gate, which writes nothing: a run that is killed here has nothing to settle.
    pub(super) fn gate(&mut self, step: &Step) {
        let of = |address: &Address| match self.run.state.records.get(address) {
            Some(record) => Term::Value(Value::Map(record.body.clone())),
            None => Term::Unknown(Origin::default()),
        };
        let pairs = &self.run.resolve.desired().pairs;
        let leaving = step.address.whole().filter(|pair| pairs.contains_key(*pair));
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

    pub(super) fn gated(&mut self, step: StepId, opened: Result<(), Diagnostic>) {
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
}
