//! Type constraints as they are written: `object({ ports = optional(list(number), [80]) })`.
//!
//! Invariant: a constraint that is read can be applied: the defaults in it fit their types.

use std::collections::BTreeMap;

use super::Host;
use super::ast::{Call, Expr, Kind};
use super::constant::constant;
use super::constraint::{Constraint, Field};
use super::error::{EvalError, error_at};
use dofloat_base::diag::{Diagnostic, did_you_mean};

const NAMES: &[&str] = &["any", "bool", "list", "map", "number", "object", "set", "string", "tuple"];

/// Reads a type.
///
/// # Errors
/// What is wrong, and where.
pub fn constraint(expr: &Expr, host: &Host<'_>) -> Result<Constraint, EvalError> {
    match &expr.kind {
        Kind::Name(name) => match name.as_str() {
            "any" => Ok(Constraint::Any),
            "bool" => Ok(Constraint::Bool),
            "number" => Ok(Constraint::Number),
            "string" => Ok(Constraint::String),
            "list" => Ok(Constraint::List(Box::new(Constraint::Any))),
            "map" => Ok(Constraint::Map(Box::new(Constraint::Any))),
            "set" | "object" | "tuple" => {
                Err(error_at(&expr.span, format!("The type `{name}` needs to say what is in it: `{}`.", example(name))))
            }
            other => Err(unknown(other, expr)),
        },
        Kind::Call(call) => compound(call, expr, host),
        Kind::Literal(_) if expr.text().is_some() => {
            let text = expr.text().unwrap_or_default();
            Err(Box::new(Diagnostic::error("A type is written without quotes.").at(expr.span.clone()).hint(format!("Write `{text}`."))))
        }
        _ => Err(error_at(&expr.span, format!("This is not a type. Types are {}.", NAMES.join(", ")))),
    }
}

/// One of the three types that were once written in quotes.
pub(super) fn quoted(expr: &Expr) -> Option<Constraint> {
    match expr.text()? {
        "string" => Some(Constraint::String),
        "list" => Some(Constraint::List(Box::new(Constraint::Any))),
        "map" => Some(Constraint::Map(Box::new(Constraint::Any))),
        _ => None,
    }
}

fn unknown(name: &str, expr: &Expr) -> EvalError {
    let error = Diagnostic::error(format!("There is no type \"{name}\".")).at(expr.span.clone());
    let near = match name.to_ascii_lowercase().as_str() {
        "int" | "integer" | "float" => Some("number"),
        "str" | "text" => Some("string"),
        "boolean" => Some("bool"),
        "array" => Some("list"),
        lower => did_you_mean(lower, NAMES.iter().copied()),
    };
    Box::new(match near {
        Some(near) => error.hint(format!("Did you mean `{near}`?")),
        None => error.hint(format!("Types are {}.", NAMES.join(", "))),
    })
}

fn example(name: &str) -> &'static str {
    match name {
        "list" => "list(string)",
        "set" => "set(string)",
        "map" => "map(string)",
        "tuple" => "tuple([string, number])",
        _ => "object({ name = string })",
    }
}

fn compound(call: &Call, expr: &Expr, host: &Host<'_>) -> Result<Constraint, EvalError> {
    let one = || match call.args.as_slice() {
        [arg] if !call.spread => Ok(arg),
        _ => Err(error_at(&expr.span, format!("The type `{}` takes exactly one argument: `{}`.", call.name, example(&call.name)))),
    };
    match call.name.as_str() {
        "list" => Ok(Constraint::List(Box::new(constraint(one()?, host)?))),
        "set" => Ok(Constraint::Set(Box::new(constraint(one()?, host)?))),
        "map" => Ok(Constraint::Map(Box::new(constraint(one()?, host)?))),
        "tuple" => match &one()?.kind {
            Kind::Tuple(items) => Ok(Constraint::Tuple(items.iter().map(|item| constraint(item, host)).collect::<Result<_, _>>()?)),
            _ => Err(error_at(&expr.span, format!("The types of a tuple stand in brackets: `{}`.", example("tuple")))),
        },
        "object" => match &one()?.kind {
            Kind::Object(items) => {
                let fields = items.iter().map(|(name, ty)| Ok((field_name(name)?, field(ty, host)?)));
                Ok(Constraint::Object(fields.collect::<Result<BTreeMap<_, _>, EvalError>>()?))
            }
            _ => Err(error_at(&expr.span, format!("The types of an object stand in braces: `{}`.", example("object")))),
        },
        "optional" => Err(error_at(&expr.span, "`optional` stands only before the type of an object's attribute.")),
        "any" | "bool" | "number" | "string" => Err(error_at(&expr.span, format!("The type `{}` takes no argument.", call.name))),
        other => Err(unknown(other, expr)),
    }
}

fn field_name(name: &Expr) -> Result<String, EvalError> {
    match &name.kind {
        Kind::Name(name) => Ok(name.clone()),
        _ => Err(error_at(&name.span, "The name of an attribute is written without quotes here.")),
    }
}

fn field(ty: &Expr, host: &Host<'_>) -> Result<Field, EvalError> {
    let Kind::Call(call) = &ty.kind else { return Ok(Field { constraint: constraint(ty, host)?, optional: false, default: None }) };
    if call.name != "optional" {
        return Ok(Field { constraint: constraint(ty, host)?, optional: false, default: None });
    }
    match call.args.as_slice() {
        [of] => Ok(Field { constraint: constraint(of, host)?, optional: true, default: None }),
        [of, default] => {
            let constraint = constraint(of, host)?;
            let value = constant(default, host)?;
            let value = constraint
                .apply(&value)
                .map_err(|error| error_at(&default.span, format!("The default does not match its type: {error}.")))?;
            Ok(Field { constraint, optional: true, default: Some(value) })
        }
        _ => Err(error_at(&ty.span, "`optional` takes a type and perhaps a default: `optional(number, 22)`.")),
    }
}
