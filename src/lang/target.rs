//! The address that an expression writes out, as in `moved`, `removed` and `import` blocks.
//!
//! Invariant: it is written out, never computed, but for its keys.

use super::ast::{Expr, Step, StepKind};
use super::error::{EvalError, error_at};
use super::value::{Data, Val};
use dofloat_base::address::{Address, Key};
use dofloat_base::diag::{Diagnostic, Span};

const FORM: &str =
    "An address is written TYPE.NAME or module.NAME.TYPE.NAME, without quotes, with a key in brackets where one instance is meant.";

/// The address that an expression writes out. `index` gives the value of a key.
pub(super) fn target(expr: &Expr, index: &dyn Fn(&Expr) -> Result<Val, EvalError>) -> Result<Address, EvalError> {
    let wrong = |span: &Span| Err(Box::new(Diagnostic::error("This is not a resource address.").at(span.clone()).hint(FORM)));
    if let Some(text) = expr.text().filter(|_| expr.span.file.ends_with(".json")) {
        return text.parse().or_else(|_| wrong(&expr.span));
    }
    let Some((root, steps)) = expr.target() else { return wrong(&expr.span) };
    let named = |step: Option<&Step>| match step.map(|step| &step.kind) {
        Some(StepKind::Attr(name)) => Some(name.clone()),
        _ => None,
    };
    if root == "data" {
        return Err(error_at(&expr.span, "A data source holds no object: there is nothing to move, remove or import."));
    }
    let (mut kind, mut rest, mut outer) = (root.to_owned(), steps, None);
    loop {
        let Some(name) = named(rest.first()) else { return wrong(&expr.span) };
        let mut address = Address::new(&kind, &name).inside(outer.as_ref());
        rest = &rest[1..];
        if let Some(Step { kind: StepKind::Index(expr), .. }) = rest.first() {
            address.key = Some(key(&index(expr)?, &expr.span)?);
            rest = &rest[1..];
        }
        match rest {
            [] => return Ok(address),
            [next, ..] if address.is_module() => {
                let Some(next) = named(Some(next)) else { return wrong(&next.span) };
                (kind, rest, outer) = (next, &rest[1..], Some(address));
            }
            [next, ..] => return wrong(&next.span),
        }
    }
}

fn key(value: &Val, span: &Span) -> Result<Key, EvalError> {
    let found = match &value.data {
        Data::String(text) if !value.sensitive => Some(Key::Name(text.to_string())),
        Data::Number(number) if !value.sensitive => number.as_u64().map(Key::Index),
        _ => None,
    };
    found.ok_or_else(|| error_at(span, "An instance key is a text or a whole number from 0 on, known before apply, and no secret."))
}
