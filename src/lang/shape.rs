//! The shape of a stack: how many instances of a resource or a module there are.
//!
//! Invariant: `count` and `for_each` are known from variables, local values, data sources that were read before and other
//! resources' shapes alone; if not, that is an error with a position. Attribute values of resources play no part here.

use std::collections::BTreeSet;

use super::ast::Expr;
use super::conversion;
use super::declaration::Repeat;
use super::error::{EvalError, error_at, kind_of};
use super::instances::{Here, Instances};
use super::references::{self, Reference};
use super::scope::{Base, Names};
use super::value::{Data, Val};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

/// More instances of one block than anybody wants; a slip of the pen must not fill the memory.
const MOST_INSTANCES: u64 = 10_000;

/// Evaluates the `count` or `for_each` of a resource or module that is called `about`.
pub(super) fn instances(names: &Names<'_>, about: &str, repeat: &Repeat) -> Result<Instances, EvalError> {
    let Some(expr) = repeat.expr() else { return Ok(Instances::Once) };
    let value = names.outside().eval().eval(expr)?;
    let is_unknown = value.is_unknown() || matches!(&value.data, Data::Set(_, items) if items.iter().any(Val::is_unknown));
    let for_each = matches!(repeat, Repeat::ForEach(_));
    let is_switch = matches!(repeat, Repeat::Enabled(_));
    if is_unknown && !(for_each && value.sensitive) && may_stay_open(names, expr) {
        names.base().shared.early.leave_open();
        let key = |ty| Val::unknown(ty);
        return Ok(Instances::Open(if is_switch {
            Here::Plain
        } else if for_each {
            Here::Each(key(Type::String), key(Type::Any))
        } else {
            Here::Count(key(Type::Number))
        }));
    }
    let found = if is_switch {
        switch(&value, &expr.span, about)
    } else if for_each {
        each(&value, &expr.span, about)
    } else {
        count(&value, &expr.span, about)
    };
    let data = if is_unknown { cause(names, expr, false, true) } else { None };
    match (found, data) {
        (Err(error), Some(data)) if error.message.contains(UNKNOWN) => Err(late(*error, &data)),
        (found, _) => found,
    }
}

/// What is said of a shape that is not known yet.
const UNKNOWN: &str = "is not known before apply";

/// The same error, where it is so for a data source that cannot be read before.
fn late(error: Diagnostic, data: &str) -> EvalError {
    let message = error.message.split(": it depends on").next().unwrap_or_default().trim_end_matches('.').to_owned();
    Box::new(Diagnostic { message: format!("{message}: it depends on {data}, which is read during the apply."), ..error }.hint(
        "A data source is read before the plan where its arguments are known and it follows no resource, by `depends_on` or by what it \
         refers to. Else let the number follow from what is written, or apply with `-target` first.",
    ))
}

/// Whether an expression leads to a variable that has no value, or to a data source that was not read, or to a resource or module
/// of which those decide how many there are; and may stay unknown for that.
pub(super) fn may_stay_open(names: &Names<'_>, expr: &Expr) -> bool {
    let early = &names.base().shared.early;
    let may = early.open_shape || early.open_data;
    may && cause(names, expr, early.open_shape, true).is_some()
}

/// Whether a variable of the stack has no value, or none that is known.
fn lacks_value(base: &Base<'_>, name: &str) -> bool {
    base.variables.get(name).and_then(|cell| cell.get()).is_some_and(|value| matches!(value, Ok(value) if value.has_unknown()))
}

/// What an expression leads to that is not known yet: a variable without a value, where those count, a data source, where those do,
/// or what has no known number itself.
fn cause<'s>(names: &Names<'s>, expr: &Expr, variables: bool, data: bool) -> Option<String> {
    let of = |expr: &Expr| -> Vec<(String, Option<String>, Option<String>)> {
        let named = |reference: &Reference<'_>| {
            if let Some(((kind, name), _)) = reference.block().filter(|_| reference.root == "data") {
                return (kind, Some(name), None);
            }
            let output = references::output_of(reference.steps).map(str::to_owned);
            (reference.root.to_owned(), reference.attr(0).map(str::to_owned), output)
        };
        references::of(expr, &[]).iter().map(named).collect()
    };
    let mut open: Vec<_> = of(expr).into_iter().map(|found| (names.clone(), found)).collect();
    let mut seen = BTreeSet::new();
    while let Some((names, (root, name, output))) = open.pop() {
        let (base, Some(name)) = (names.base(), name) else { continue };
        if !seen.insert((base.address.clone(), root.clone(), name.clone(), output.clone())) {
            continue;
        }
        match root.as_str() {
            "var" => match names.outer() {
                None if variables && lacks_value(base, &name) => return Some(format!("var.{name}")),
                None => {}
                Some(outer) => {
                    let Some((_, call)) = &base.shared.tree.entries[base.at].caller else { continue };
                    if matches!(outer.base().calls.get(call).map(|called| &called.instances), Some(Ok(Instances::Open(_)))) {
                        return Some(format!("module.{call}"));
                    }
                    for expr in outer.base().module.calls[call].value_of(&name) {
                        open.extend(of(expr).into_iter().map(|found| ((**outer).clone(), found)));
                    }
                }
            },
            "local" => {
                if let Some(local) = base.module.locals.get(&name) {
                    open.extend(of(&local.value).into_iter().map(|found| (names.clone(), found)));
                }
            }
            "module" => {
                let Some(called) = base.calls.get(&name) else { continue };
                if matches!(called.instances, Ok(Instances::Open(_))) {
                    return Some(format!("module.{name}"));
                }
                for (room, value) in names.rooms(&name).iter().flat_map(|room| outputs(room, output.as_deref())) {
                    open.extend(of(value).into_iter().map(|found| (room.clone(), found)));
                }
            }
            _ => {
                let block = (root, name);
                let place = base.place(&block);
                let is_data = data && base.module.resources.contains_key(&block) && place.is_data();
                if is_data || matches!(base.instances(&block), Ok(Instances::Open(_))) {
                    return Some(place.to_string());
                }
            }
        }
    }
    None
}

/// The expressions of a module's output, or of all, each with the names that it is evaluated in.
fn outputs<'n, 's>(room: &'n Names<'s>, named: Option<&str>) -> impl Iterator<Item = (&'n Names<'s>, &'s Expr)> {
    let wanted: Vec<_> = room.base().module.outputs.iter().filter(|(name, _)| named.is_none_or(|named| named == *name)).collect();
    wanted.into_iter().map(move |(_, output)| (room, &output.value))
}

/// `enabled`: one, or none.
fn switch(value: &Val, span: &Span, about: &str) -> Result<Instances, EvalError> {
    if value.sensitive {
        return Err(error_at(span, "`enabled` is sensitive, but whether there is something is shown."));
    }
    match conversion::convert(value, &Type::Bool).map(|value| value.data) {
        Ok(Data::Bool(true)) => Ok(Instances::Once),
        Ok(Data::Bool(false)) => Ok(Instances::Off),
        Ok(Data::Unknown(..)) => Err(unknown("enabled", value, span, about)),
        _ => Err(error_at(span, format!("`enabled` must be true or false, not {}.", kind_of(value)))),
    }
}

fn count(value: &Val, span: &Span, about: &str) -> Result<Instances, EvalError> {
    if value.is_null() {
        return Err(error_at(span, "`count` is null; it must be a whole number from 0 on."));
    }
    let number = match conversion::convert(value, &Type::Number) {
        Ok(number) if !matches!(value.data, Data::Bool(_)) => number,
        _ => return Err(error_at(span, format!("`count` must be a whole number from 0 on, not {}.", kind_of(value)))),
    };
    let Data::Number(number) = &number.data else { return Err(unknown("count", value, span, about)) };
    match number.as_u64() {
        Some(count) if count <= MOST_INSTANCES => Ok(Instances::Count(count)),
        Some(_) => Err(error_at(span, format!("`count` is more than {MOST_INSTANCES}."))),
        None => Err(error_at(span, "`count` must be a whole number from 0 on.")),
    }
}

pub(super) fn each(value: &Val, span: &Span, about: &str) -> Result<Instances, EvalError> {
    if value.sensitive {
        return Err(Box::new(
            Diagnostic::error("`for_each` is sensitive, but its keys are shown in addresses.")
                .at(span.clone())
                .hint("If the keys are no secret, take the mark off them: `toset(nonsensitive(…))`."),
        ));
    }
    let set_of_strings = "`for_each` must be a map, an object or a set of strings";
    match &value.data {
        Data::Null(_) => Err(error_at(span, format!("{set_of_strings}, not null."))),
        Data::Map(_, fields) | Data::Object(fields) => Ok(Instances::Each((**fields).clone())),
        Data::Set(_, items) => {
            let name = |item: &Val| match &item.data {
                Data::String(text) => Ok((text.to_string(), item.clone())),
                Data::Unknown(..) => Err(unknown("for_each", item, span, about)),
                Data::Null(_) => Err(error_at(span, format!("{set_of_strings}, and this set has a null in it."))),
                _ => Err(error_at(span, format!("{set_of_strings}, and this set has {} in it.", kind_of(item)))),
            };
            Ok(Instances::Each(items.iter().map(name).collect::<Result<_, _>>()?))
        }
        Data::Unknown(Type::Map(_) | Type::Set(_) | Type::Object(_) | Type::Any, _) => Err(unknown("for_each", value, span, about)),
        Data::List(..) | Data::Tuple(_) | Data::Unknown(Type::List(_) | Type::Tuple(_), _) => {
            Err(Box::new(Diagnostic::error(format!("{set_of_strings}, not {}.", kind_of(value))).at(span.clone()).hint("Use `toset(…)`.")))
        }
        _ => Err(error_at(span, format!("{set_of_strings}, not {}.", kind_of(value)))),
    }
}

fn unknown(what: &str, value: &Val, span: &Span, about: &str) -> EvalError {
    let from = match &value.data {
        Data::Unknown(_, Some(origin)) => origin.address.as_ref().map(|address| format!(": it depends on {address}.{}", origin.path)),
        _ => None,
    };
    let message = format!("`{what}` of {about} {UNKNOWN}{}.", from.unwrap_or_default());
    let hint = if what != "for_each" {
        "How many there are must follow from variables, local values, data sources and other resources' `count` or `for_each` alone."
    } else {
        "The keys must follow from variables, local values, data sources and other resources' `count` or `for_each` alone; the values may be unknown: use a map with fixed keys."
    };
    Box::new(Diagnostic::error(message).at(span.clone()).hint(hint))
}
