//! A step made ready: what it needs is resolved with the values that are known by now.
//!
//! Invariant: what comes out is what was planned, only unknowns may change; and no step starts with an unknown.

use std::sync::Arc;

use super::owner::Owner;
use crate::arguments;
use crate::change::Step;
use crate::desired::{kept, terms};
use crate::known::effective;
use crate::placeholder::Placeholders;
use crate::record::{self, recorded};
use crate::work::Task;
use dofloat_base::address::Address;
use dofloat_base::desired::Wanted;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Mark;
use dofloat_base::value::{Body, Term, Terms};
use dofloat_kinds::erased::AnyKind;
use dofloat_kinds::kind;
use dofloat_state::journal::{Begin, Op, Power};

impl Owner<'_> {
    /// Resolves a step with what is known by now.
    pub(super) fn prepare(&self, step: &Step, op: &Op) -> Result<(Task, Begin), Vec<Diagnostic>> {
        let address = &step.address;
        let Some(kind) = kind(&address.kind) else {
            return Err(vec![Diagnostic::error(format!("There is no resource type `{}`.", address.kind))]);
        };
        let record = self.run.state.records.get(address);
        let id = match op {
            Op::Create => None,
            Op::AwaitReady { id } | Op::Delete { id } | Op::Forget { id } => Some(id.clone()),
            Op::Edit { .. } => record.map(|record| record.id.clone()),
        };
        let old = match op {
            Op::Delete { id } => {
                record.filter(|record| record.id == *id).or_else(|| self.run.state.deposed.get(&(address.clone(), id.clone())))
            }
            _ => record,
        };
        let seen = old.map(|record| record.body.clone()).unwrap_or_default();
        let wanted = self.run.resolve.desired().resources.get(address);
        let terms = match (op, wanted) {
            (Op::Create, Some(wanted)) => self.resolve(kind, wanted, address, None)?,
            (Op::Edit { .. } | Op::AwaitReady { .. }, Some(wanted)) => self.resolve(kind, wanted, address, Some(&seen))?,
            _ => Terms::new(),
        };
        let sent = match op {
            Op::Create => self.run.resolve.sent(address, terms.clone(), &|other: &Address| self.known(other))?,
            _ => Terms::new(),
        };
        let disruptive = self.disruptive.contains(address);
        let (body, digests) = record::intent(kind.attrs(), &terms, &self.run.state.salt);
        let begin = Begin {
            at: self.run.clock.now(),
            step: step.id.0,
            address: address.clone(),
            op: op.clone(),
            body,
            digests,
            arguments: arguments::kept(&self.run.resolve.made_from(address, &|other: &Address| self.known(other)), &self.run.state.salt),
            after: wanted.map(recorded).unwrap_or_default(),
            // What was taken over carries none.
            mark: if *op == Op::Create { self.mark_for(kind) } else { old.and_then(|record| record.mark.clone()) },
            create_before_destroy: wanted.is_some_and(|wanted| wanted.rules.create_before_destroy),
            provisions: self.will_provision(address, op),
            power: kind.powered(&seen).filter(|_| disruptive).map(|on| if on { Power::On } else { Power::Off }),
        };
        let task = Task {
            step: step.id,
            address: address.clone(),
            op: op.clone(),
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

    /// The mark with which an object is made, if it can carry one.
    fn mark_for(&self, kind: &dyn AnyKind) -> Option<Mark> {
        kind.markable().then(|| self.run.mark.clone())
    }

    fn resolve(&self, kind: &dyn AnyKind, wanted: &Wanted, address: &Address, seen: Option<&Body>) -> Result<Terms, Vec<Diagnostic>> {
        let body = self.run.resolve.body(address, &|other: &Address| self.known(other))?;
        let checked = terms(self.run.resolve, address, &body, &Placeholders::default())?;
        let refused: Vec<Diagnostic> = checked.remarks.into_iter().filter(Diagnostic::is_error).collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        let terms = effective(kind.attrs(), &checked.terms, wanted, seen);
        let planned = self.run.planned.terms.get(address);
        for row in kind.attrs() {
            let (before, now) = (planned.and_then(|planned| planned.get(row.name)), terms.get(row.name));
            if planned.is_some() && !kept(row, before, now, &terms) {
                return Err(vec![
                    Diagnostic::error(format!("The plan no longer holds: `{}` of {address} differs from the plan.", row.name))
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
                        .hint("It depends on something that was excluded from this run (`-target`), or that gives no value."),
                ]);
            }
        }
        Ok(terms)
    }
}
