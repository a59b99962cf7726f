//! What a plan asks of the API: how many changing requests, and which creates one request can bring about together.
//!
//! Invariant: pure, and by the plan: whether objects are alike in truth whoever asks for them sees.

use std::collections::BTreeMap;

use super::change::{Plan, Step, StepId, StepOp};
use dofloat_api::together::requests;
use dofloat_base::address::Address;
use dofloat_base::value::{Term, Value};
use dofloat_kinds::erased::AnyKind;
use dofloat_kinds::kind;
use dofloat_state::journal::Op;

/// How many changing requests the steps of a plan take, more or less.
#[must_use]
pub fn changes(plan: &Plan) -> u64 {
    let of = |op: &StepOp| match op {
        StepOp::Object(Op::Delete { .. }) => 1,
        StepOp::Object(Op::Edit { edits }) => 1 + edits.len(),
        // Creates are counted together.
        StepOp::Object(Op::Create | Op::AwaitReady { .. } | Op::Forget { .. }) | StepOp::Gate | StepOp::Read => 0,
    };
    let creates: usize = crowds(plan).iter().map(|crowd| requests(crowd.len())).sum();
    u64::try_from(creates + plan.steps.iter().map(|step| of(&step.op)).sum::<usize>()).unwrap_or(u64::MAX)
}

/// The creates of a plan, those together that one request can make.
#[must_use]
pub fn crowds(plan: &Plan) -> Vec<Vec<StepId>> {
    let after: BTreeMap<&Address, &Term> =
        plan.changes.iter().filter_map(|change| Some((&change.address, change.after.as_ref()?))).collect();
    let (mut crowds, mut bodies) = (Vec::<Vec<StepId>>::new(), Vec::<(usize, &str, Term)>::new());
    for Step { id, address, .. } in plan.steps.iter().filter(|step| step.op == StepOp::Object(Op::Create)) {
        let together = kind(&address.kind).is_some_and(AnyKind::bulk_create);
        let Some(body) = after.get(address).filter(|_| together).map(|body| nameless(address, body)) else {
            crowds.push(vec![*id]);
            continue;
        };
        match bodies.iter().find(|(_, kind, other)| *kind == address.kind && *other == body) {
            Some((at, ..)) => crowds[*at].push(*id),
            None => {
                bodies.push((crowds.len(), &address.kind, body));
                crowds.push(vec![*id]);
            }
        }
    }
    crowds
}

/// What distinguishes an object beside its name: not what is known of itself only once it is made.
fn nameless(address: &Address, body: &Term) -> Term {
    let is_own = |term: &Term| matches!(term, Term::Unknown(origin) if origin.address.as_ref() == Some(address));
    match body {
        Term::Map(fields) => {
            let fields = fields.iter().filter(|(name, term)| *name != "name" && !is_own(term));
            Term::map(fields.map(|(name, term)| (name.clone(), term.clone())).collect())
        }
        Term::Value(Value::Map(fields)) => {
            let fields = fields.iter().filter(|(name, _)| *name != "name");
            Term::Value(Value::Map(fields.map(|(name, value)| (name.clone(), value.clone())).collect()))
        }
        other => other.clone(),
    }
}
