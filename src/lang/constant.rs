//! Expressions that must be constant: no references, no calls.
//!
//! Invariant: what is not constant is an error at its place, before anything is evaluated.

use super::Host;
use super::ast::{Expr, Step};
use super::error::{EvalError, Outcome, error_at};
use super::eval::{Eval, Scope};
use super::references::{self, Found};
use super::value::Val;
use dofloat_base::diag::Span;

/// No names at all.
pub(super) struct Nothing;

impl Scope for Nothing {
    fn resolve(&self, root: &str, _: &[Step], span: &Span, _: &Eval<'_>) -> Result<(Val, usize), EvalError> {
        Err(error_at(span, format!("\"{root}\" cannot be used here: the value must be constant.")))
    }
}

/// The value of an expression that must be constant: no references, no calls.
///
/// # Errors
/// What is wrong with it.
pub(super) fn constant(expr: &Expr, host: &Host<'_>) -> Outcome {
    let mut error = None;
    references::walk(expr, &[], &mut |found| {
        let message = match found {
            Found::Reference(reference) => {
                (reference.span, format!("\"{}\" cannot be used here: the value must be constant.", reference.root))
            }
            Found::Call(call, span) => (span, format!("The function \"{}\" cannot be called here: the value must be constant.", call.name)),
        };
        error.get_or_insert_with(|| error_at(message.0, message.1));
    });
    match error {
        Some(error) => Err(error),
        None => Eval::new(&Nothing, host).eval(expr),
    }
}
