//! Errors of evaluation: a diagnostic at a place, and the words that it is put in.
//!
//! Invariant: a value is named by its kind, never by its content.

use super::value::Val;
use dofloat_base::diag::{Diagnostic, Span, did_you_mean};
use dofloat_base::types::Type;

/// Why an expression has no value.
pub type EvalError = Box<Diagnostic>;

/// What an expression gives.
pub type Outcome = Result<Val, EvalError>;

/// An error at a place.
pub fn error_at(span: &Span, message: impl Into<String>) -> EvalError {
    Box::new(Diagnostic::error(message).at(span.clone()))
}

/// Adds "did you mean" if some known name is near.
pub(super) fn suggest<'a>(error: Diagnostic, name: &str, known: impl Iterator<Item = &'a str>) -> EvalError {
    Box::new(match did_you_mean(name, known) {
        Some(near) => error.hint(format!("Did you mean \"{near}\"?")),
        None => error,
    })
}

/// A type with its article, for messages.
pub(super) fn article(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "a bool",
        Type::Number => "a number",
        Type::String => "a string",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Tuple(_) => "a tuple",
        Type::Object(_) => "an object",
        Type::Any => "a value of unknown type",
    }
}

/// What a value is, for messages: its kind, never its content.
pub(super) fn kind_of(value: &Val) -> &'static str {
    if value.is_null() { "null" } else { article(&value.ty()) }
}
