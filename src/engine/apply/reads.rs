//! Data sources that could not be read with the plan: read once what they depend on is there.
//!
//! Invariant: a read changes nothing and is in no journal; what it gives is known to the rest of the run and then forgotten.

use super::owner::Owner;
use crate::change::{Event, Step, StepId, StepOp};
use crate::data::{Query, is_of_check};
use crate::work::read;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};
use dofloat_kinds::data::Miss;

impl Owner<'_> {
    /// Begins to read.
    pub(super) fn read(&mut self, step: &Step) {
        match self.query(&step.address) {
            Ok(query) => {
                (self.run.tell)(Event::Started { address: step.address.clone(), op: step.op.clone() });
                let handle = self.tasks.spawn(read(step.id, query, self.run.api.clone(), self.sender.clone()));
                self.gates.insert(step.id, (self.run.clock.tick(), handle));
            }
            Err(why) => self.fail(step.id, &step.address, &step.op, why),
        }
    }

    fn query(&self, address: &Address) -> Result<Query, Vec<Diagnostic>> {
        let query = Query::new(self.run.resolve, address, &|other: &Address| self.known(other))?;
        let Some(name) = query.waits_for() else { return Ok(query) };
        Err(vec![
            Diagnostic::error(format!("`{name}` of {address} is still unknown."))
                .at(self.run.resolve.span(address, &[name]))
                .about(address)
                .hint("It depends on something that was left out of this run (`-target`), or that gives no value."),
        ])
    }

    /// Reads once more what checks ask for and the plan did not find: it may be there by now.
    pub(super) async fn read_for_checks(&mut self) {
        let planned = self.run.planned;
        if !self.outcome.errors.is_empty() || self.outcome.interrupted || planned.plan.destroy || planned.plan.refresh_only {
            return;
        }
        let read = |address: &Address| planned.plan.steps.iter().any(|step| step.op == StepOp::Read && step.address == *address);
        let desired = self.run.resolve.desired();
        let of_checks = desired.data.iter().filter(|(_, of)| of.checks).map(|(address, _)| address);
        let open: Vec<Address> = of_checks.filter(|address| self.known(address).has_unknown() && !read(address)).cloned().collect();
        let snapshot = self.run.api.snapshot();
        for address in open {
            let Ok(query) = self.query(&address) else { continue };
            match query.read(&snapshot).await {
                Ok(found) => drop(self.known.insert(address, query.known(Some(&found)))),
                Err(miss) => self.outcome.notes.push(query.told(self.run.resolve, miss).into_warning()),
            }
        }
    }

    /// Takes in what was read.
    pub(super) fn has_read(&mut self, step: StepId, query: &Query, found: Result<Body, Miss>) {
        let (Some((started, _)), Some(step)) = (self.gates.remove(&step), self.steps.get(&step).copied()) else { return };
        let found = match found {
            Ok(found) => found,
            Err(miss) => {
                let why = query.told(self.run.resolve, miss);
                if is_of_check(self.run.resolve, &step.address) {
                    self.outcome.notes.push(why.into_warning());
                    return self.schedule.finish(step.id);
                }
                return self.fail(step.id, &step.address, &step.op, vec![why]);
            }
        };
        self.known.insert(step.address.clone(), query.known(Some(&found)));
        let id = match found.get("id") {
            Some(Value::Str(id)) => Some(Id(id.clone())),
            Some(Value::Number(id)) => Some(Id(id.to_string())),
            _ => None,
        };
        let elapsed = self.run.clock.tick().since(started);
        (self.run.tell)(Event::Done { address: step.address.clone(), op: step.op.clone(), id, elapsed });
        match self.run.resolve.check(&step.address, &|other: &Address| self.known(other)) {
            Ok(()) => self.schedule.finish(step.id),
            Err(why) => self.fail(step.id, &step.address, &step.op, why),
        }
    }
}
