//! What modules give to each other: values of variables on the way in, outputs on the way out.
//!
//! Invariant: nothing is computed that was not asked for: one output of one instance where the reference says so.

use std::rc::Rc;

use super::{Base, Called, Names, Part};
use crate::ast::{Step, StepKind};
use crate::budget::Budget;
use crate::declaration::Repeat;
use crate::element;
use crate::error::{EvalError, Outcome, error_at};
use crate::eval::Eval;
use crate::instances::{Here, Instances};
use crate::output::fitted;
use crate::value::Val;
use dofloat_base::address::Key;
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

impl<'s> Names<'s> {
    /// The names in an instance of a module that is called here.
    pub(super) fn inside(&self, call: &str, key: &Option<Key>) -> Option<Result<Self, EvalError>> {
        let called = self.base.calls.get(call)?;
        let (Some(room), Ok(instances)) = (called.rooms.get(key), &called.instances) else { return None };
        let mut here = instances.here(key.as_ref());
        if let (true, Here::Each(name, value), Repeat::ForEach(expr)) = (self.known.is_some(), &here, &self.base.module.calls[call].repeat)
            && value.has_unknown()
        {
            match element::of(&self.outside(), expr, name) {
                Ok(fresh) => here = Here::Each(name.clone(), fresh.unwrap_or_else(|| value.clone())),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(self.within(room, here)))
    }

    fn within(&self, room: &'s Base<'s>, here: Here) -> Self {
        let outer = Some(Rc::new(self.outside().with_here(here)));
        Self { outer, memo: Rc::clone(&self.memo), ..Self::new(room, self.known, Here::Plain) }
    }

    /// The names in all instances of a module that is called here, as far as the shape tells.
    pub(crate) fn rooms(&self, call: &str) -> Vec<Self> {
        let Some(Called { instances: Ok(instances), rooms }) = self.base.calls.get(call) else { return Vec::new() };
        rooms.iter().map(|(key, room)| self.within(room, instances.here(key.as_ref()))).collect()
    }

    /// The value that the caller gives to a variable, or else the default.
    pub(crate) fn argument(&self, name: &str, budget: &Budget) -> Outcome {
        let variable = &self.base.module.variables[name];
        let (Some(outer), Some((_, call))) = (&self.outer, &self.base.shared.tree.entries[self.base.at].caller) else {
            return Err(error_at(&variable.span, format!("The variable \"{name}\" has no value.")));
        };
        let call = &outer.base.module.calls[call];
        let value = match (call.arguments.attr(name), &variable.default) {
            (Some(attr), default) => {
                let value = outer.eval().after(budget).eval(&attr.value)?;
                match default {
                    Some(default) if value.is_null() && !variable.nullable => default.clone(),
                    None if value.is_null() && !variable.nullable => {
                        return Err(error_at(&attr.value.span, format!("The module's variable \"{name}\" must not be null.")));
                    }
                    _ => variable.constraint.apply(&value).map_err(|error| {
                        let message = format!("The value does not fit the module's variable \"{name}\": {error}.");
                        Box::new(Diagnostic::error(message).at(attr.value.span.clone()).related(variable.span.clone(), "declared here"))
                    })?,
                }
            }
            (None, Some(default)) => default.clone(),
            (None, None) => return Err(error_at(&call.span, format!("The module's variable \"{name}\" has no value."))),
        };
        Ok(value.marked(variable.sensitive))
    }

    pub(crate) fn output(&self, name: &str, budget: &Budget) -> Outcome {
        let output = &self.base.module.outputs[name];
        let value = self.outside().eval().after(budget).eval(&output.value)?;
        Ok(fitted(output, value)?.marked(output.sensitive))
    }

    pub(super) fn variable(&self, name: &str, span: &Span, eval: &Eval<'_>) -> Outcome {
        let base = self.base;
        let Some((name, shaped)) = base.variables.get_key_value(name).and_then(|(name, cell)| Some((name, cell.get()?))) else {
            return Err(error_at(span, format!("There is no variable \"{name}\".")));
        };
        let moves = self.outer.is_some() && self.known.is_some() && (base.moving().variables.contains(name) || self.is_late(shaped));
        if moves { self.memoized(Part::Variable, name, || self.argument(name, &eval.budget)) } else { shaped.clone() }
    }

    /// An output of a module instance that these are the names of.
    fn result(&self, name: &str, span: &Span, eval: &Eval<'_>) -> Outcome {
        let base = self.base;
        let Some((name, shaped)) = base.outputs.get_key_value(name).and_then(|(name, cell)| Some((name, cell.get()?))) else {
            return Err(error_at(span, format!("The module has no output \"{name}\".")));
        };
        let moves = self.known.is_some() && (base.moving().outputs.contains(name) || self.is_late(shaped));
        if moves { self.memoized(Part::Output, name, || self.output(name, &eval.budget)) } else { shaped.clone() }
    }

    /// All outputs of a module instance that these are the names of.
    fn results(&self, span: &Span, eval: &Eval<'_>) -> Outcome {
        let one = |name: &String| Ok((name.clone(), self.result(name, span, eval)?));
        Ok(Val::object(self.base.module.outputs.keys().map(one).collect::<Result<_, EvalError>>()?))
    }

    /// A module's output, or all of them where none is named, and how many steps were used.
    pub(super) fn module(&self, steps: &[Step], span: &Span, eval: &Eval<'_>) -> Result<(Val, usize), EvalError> {
        let Some(StepKind::Attr(name)) = steps.first().map(|step| &step.kind) else {
            return Err(error_at(span, "A reference to a module names its call and an output: module.NAME.OUTPUT."));
        };
        let Some(called) = self.base.calls.get(name) else {
            return Err(error_at(span, format!("There is no module \"{name}\".")));
        };
        let instances = called.instances.as_ref().map_err(Clone::clone)?;
        let gone = || error_at(span, format!("There is no module \"{name}\"."));
        let room = |key: Option<Key>| self.inside(name, &key).unwrap_or_else(|| Err(gone()));
        let (key, used) = match (instances, steps.get(1).map(|step| (&step.kind, &step.span))) {
            (Instances::Off, _) => return Ok((Val::null(), 1)),
            (Instances::Once, _) => (None, 1),
            (Instances::Open(_), Some((StepKind::Index(_) | StepKind::LegacyIndex(_), _))) => (None, 2),
            (Instances::Open(_), _) => return Ok((Val::unknown(Type::Any), 1)),
            (_, Some((kind @ (StepKind::Index(_) | StepKind::LegacyIndex(_)), place))) => {
                let index = match kind {
                    StepKind::Index(index) => eval.eval(index)?,
                    StepKind::LegacyIndex(index) => Val::number(*index),
                    _ => Val::null(),
                };
                if index.is_unknown() || index.is_null() || index.sensitive {
                    return Ok((self.all_rooms(name, instances, span, eval)?, 1));
                }
                let missing = || error_at(place, format!("module.{name} has no such instance: {}.", instances.describe()));
                (Some(instances.key(&index).ok_or_else(missing)?), 2)
            }
            _ => return Ok((self.all_rooms(name, instances, span, eval)?, 1)),
        };
        let names = room(key)?;
        match steps.get(used).map(|step| (&step.kind, &step.span)) {
            Some((StepKind::Attr(output), place)) => Ok((names.result(output, place, eval)?, used + 1)),
            _ => Ok((names.results(span, eval)?, used)),
        }
    }

    fn all_rooms(&self, name: &str, instances: &Instances, span: &Span, eval: &Eval<'_>) -> Outcome {
        eval.budget.parts(instances.keys().len(), span)?;
        let one = |key: Option<Key>| match self.inside(name, &key) {
            Some(names) => names?.results(span, eval),
            None => Ok(Val::unknown(Type::Any)),
        };
        Ok(match instances {
            Instances::Off => Val::null(),
            Instances::Once | Instances::Open(_) => one(None)?,
            Instances::Count(count) => Val::tuple((0..*count).map(|at| one(Some(Key::Index(at)))).collect::<Result<_, _>>()?),
            Instances::Each(values) => {
                let named = values.keys().map(|name| Ok((name.clone(), one(Some(Key::Name(name.clone())))?)));
                Val::object(named.collect::<Result<_, EvalError>>()?)
            }
        })
    }
}
