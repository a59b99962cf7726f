//! The value of an output: as its type has it, where one is written, and shown only where nothing says that it is secret.
//!
//! Invariant: no sensitive value is shown by an output that does not say so. What somebody marked is refused; what only resource types
//! call secret, as no file of an older time could know, is hidden and told.

use super::ast::Expr;
use super::declaration::Output;
use super::error::EvalError;
use super::references::{self, Found};
use super::scope::Names;
use super::value::Val;
use dofloat_base::diag::Diagnostic;

/// Fits a value to an output's type.
pub(super) fn fitted(output: &Output, value: Val) -> Result<Val, EvalError> {
    output.constraint.apply(&value).map_err(|error| {
        let message = format!("The value does not fit the output's type: {error}.");
        Box::new(Diagnostic::error(message).at(output.value.span.clone()).related(output.span.clone(), "declared here"))
    })
}

/// An output that would show a value that somebody marked as sensitive.
pub(super) fn leak(names: &Names<'_>, output: &Output, value: &Val) -> Option<Diagnostic> {
    (!output.sensitive && value.has_sensitive() && !by_types(names, &output.value)).then(|| {
        Diagnostic::error("This output would show a sensitive value.")
            .at(output.span.clone())
            .hint("Write `sensitive = true` in it, or remove the mark with `nonsensitive(…)` if the value is not a secret.")
    })
}

/// The outputs of a stack that are hidden without saying so.
pub(super) fn hidden(names: &Names<'_>) -> Vec<Diagnostic> {
    let outputs = names.base().module.outputs.values().filter(|output| !output.sensitive);
    let secret = outputs.filter(|output| names.eval().eval(&output.value).is_ok_and(|value| value.has_sensitive()));
    let told = secret.map(|output| {
        Diagnostic::warning("The value of this output is sensitive: it is hidden.")
            .at(output.span.clone())
            .hint("Write `sensitive = true` in it. Terraform refuses it without.")
    });
    told.collect()
}

/// Whether it is resource types alone that make a value sensitive: no variable, output or function on the way to it does.
fn by_types(names: &Names<'_>, expr: &Expr) -> bool {
    let base = names.base();
    let mut alone = true;
    references::walk(expr, &[], &mut |found| {
        alone &= match found {
            Found::Call(call, _) => call.name != "sensitive",
            Found::Reference(reference) => match (reference.root, reference.attr(0)) {
                ("var", Some(name)) => {
                    let value = match base.variables.get(name).and_then(|cell| cell.get()) {
                        Some(value) => value.clone(),
                        None => names.argument(name, &names.eval().budget),
                    };
                    value.is_ok_and(|value| !value.has_sensitive())
                }
                ("local", Some(name)) => base.module.locals.get(name).is_none_or(|local| by_types(names, &local.value)),
                ("module", Some(call)) => {
                    let output = references::output_of(reference.steps);
                    let rooms = names.rooms(call);
                    let of = |room: &Names<'_>| {
                        let output = output.and_then(|output| room.base().module.outputs.get(output));
                        output.is_some_and(|output| !output.sensitive && by_types(room, &output.value))
                    };
                    rooms.first().is_none_or(of)
                }
                // What is made of values here is as secret as they are.
                ("terraform_data", _) => false,
                _ => true,
            },
        };
    });
    alone
}
