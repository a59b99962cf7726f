//! The value of an output: as its type has it, where one is written.

use super::declaration::Output;
use super::error::EvalError;
use super::value::Val;
use dofloat_base::diag::Diagnostic;

/// Fits a value to an output's type.
pub(super) fn fitted(output: &Output, value: Val) -> Result<Val, EvalError> {
    output.constraint.apply(&value).map_err(|error| {
        let message = format!("The value does not fit the output's type: {error}.");
        Box::new(Diagnostic::error(message).at(output.value.span.clone()).related(output.span.clone(), "declared here"))
    })
}
