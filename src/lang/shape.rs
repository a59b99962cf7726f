//! The shape of a stack: which instances there are of a resource or a module.
//!
//! Invariant: `count` and `for_each` are known from variables, local values and other resources' shapes alone; if not, that
//! is an error with a position. Attribute values play no part here.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::Expr;
use super::declare::Repeat;
use super::error::{EvalError, error_at, kind_of};
use super::graph;
use super::references::{self, Reference};
use super::scope::{Here, Names};
use super::types;
use super::value::{Data, Val};
use dofloat_base::address::Key;
use dofloat_base::desired::Repeats;
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

/// The instances of a resource block.
#[derive(Clone, Debug)]
pub enum Instances {
    /// One, without a key.
    Once,
    /// So many, by index.
    Count(u64),
    /// By name, with `each.value` as far as it is known.
    Each(BTreeMap<String, Val>),
    /// Nobody can say yet, for want of a variable's value: `count.index`, or `each.key` and `each.value`, are unknown.
    Open(Here),
}

/// More instances of one block than anybody wants; a slip of the pen must not fill the memory.
const MOST_INSTANCES: u64 = 10_000;

impl Instances {
    /// The key that an index means, if there is such an instance.
    #[must_use]
    pub fn key(&self, index: &Val) -> Option<Key> {
        match self {
            Self::Once | Self::Open(_) => None,
            Self::Count(count) => match types::convert(index, &Type::Number).ok()?.data {
                Data::Number(number) if !matches!(index.data, Data::Bool(_)) => number.as_u64().filter(|at| at < count).map(Key::Index),
                _ => None,
            },
            Self::Each(values) => types::text_of(&index.data).filter(|name| values.contains_key(name)).map(Key::Name),
        }
    }

    /// The keys of all instances.
    #[must_use]
    pub fn keys(&self) -> Vec<Option<Key>> {
        match self {
            Self::Once | Self::Open(_) => vec![None],
            Self::Count(count) => (0..*count).map(|at| Some(Key::Index(at))).collect(),
            Self::Each(values) => values.keys().map(|name| Some(Key::Name(name.clone()))).collect(),
        }
    }

    /// What makes them.
    #[must_use]
    pub fn repeats(&self) -> Repeats {
        match self {
            Self::Once => Repeats::Once,
            Self::Count(_) | Self::Open(Here::Count(_)) => Repeats::Count,
            Self::Each(_) | Self::Open(_) => Repeats::ForEach,
        }
    }

    /// In words, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Once => "it has one, without a key".to_owned(),
            Self::Open(_) => "nobody can say yet how many there are".to_owned(),
            Self::Count(0) => "`count` is 0".to_owned(),
            Self::Count(count) => format!("`count` is {count}, so indexes go from 0 to {}", count - 1),
            Self::Each(values) if values.is_empty() => "`for_each` is empty".to_owned(),
            Self::Each(values) => {
                let mut names: Vec<_> = values.keys().take(10).map(|name| format!("\"{name}\"")).collect();
                if values.len() > names.len() {
                    names.push("…".to_owned());
                }
                format!("`for_each` has the keys {}", names.join(", "))
            }
        }
    }

    /// What `count` and `each` are in an instance.
    #[must_use]
    pub fn here(&self, key: Option<&Key>) -> Here {
        match (self, key) {
            (Self::Count(_), Some(Key::Index(at))) => Here::Count(Val::number(*at)),
            (Self::Each(values), Some(Key::Name(name))) => {
                Here::Each(Val::string(name), values.get(name).cloned().unwrap_or_else(Val::null))
            }
            (Self::Open(here), _) => here.clone(),
            _ => Here::Plain,
        }
    }
}

/// Evaluates the `count` or `for_each` of a resource or module that is called `about`.
pub(super) fn instances(names: &Names<'_>, about: &str, repeat: &Repeat) -> Result<Instances, EvalError> {
    let Some(expr) = repeat.expr() else { return Ok(Instances::Once) };
    let value = names.outside().eval().eval(expr)?;
    let is_unknown = value.is_unknown() || matches!(&value.data, Data::Set(_, items) if items.iter().any(Val::is_unknown));
    let for_each = matches!(repeat, Repeat::ForEach(_));
    if is_unknown && names.base().shared.open_shape && !(for_each && value.sensitive) && wants_a_variable(names, expr) {
        let key = |ty| Val::unknown(ty);
        return Ok(Instances::Open(if for_each { Here::Each(key(Type::String), key(Type::Any)) } else { Here::Count(key(Type::Number)) }));
    }
    if for_each { each(&value, &expr.span, about) } else { count(&value, &expr.span, about) }
}

/// Whether an expression leads to a variable that has no value, or to a resource or module of which that decides how many
/// there are.
fn wants_a_variable<'s>(names: &Names<'s>, expr: &Expr) -> bool {
    let of = |expr: &Expr| -> Vec<(String, Option<String>, Option<String>)> {
        let named = |reference: &Reference<'_>| {
            let output = graph::output_of(reference.steps).map(str::to_owned);
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
                None if base
                    .variables
                    .get(&name)
                    .and_then(|cell| cell.get())
                    .is_some_and(|value| matches!(value, Ok(value) if value.has_unknown())) =>
                {
                    return true;
                }
                None => {}
                Some(outer) => {
                    let Some((_, call)) = &base.shared.tree.entries[base.at].caller else { continue };
                    if matches!(outer.base().calls.get(call).map(|called| &called.instances), Some(Ok(Instances::Open(_)))) {
                        return true;
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
                    return true;
                }
                for (room, value) in names.rooms(&name).iter().flat_map(|room| outputs(room, output.as_deref())) {
                    open.extend(of(value).into_iter().map(|found| (room.clone(), found)));
                }
            }
            _ => {
                if matches!(base.instances(&(root, name)), Ok(Instances::Open(_))) {
                    return true;
                }
            }
        }
    }
    false
}

/// The expressions of a module's output, or of all, each with the names that it is evaluated in.
fn outputs<'n, 's>(room: &'n Names<'s>, named: Option<&str>) -> impl Iterator<Item = (&'n Names<'s>, &'s Expr)> {
    let wanted: Vec<_> = room.base().module.outputs.iter().filter(|(name, _)| named.is_none_or(|named| named == *name)).collect();
    wanted.into_iter().map(move |(_, output)| (room, &output.value))
}

fn count(value: &Val, span: &Span, about: &str) -> Result<Instances, EvalError> {
    if value.is_null() {
        return Err(error_at(span, "`count` is null; it must be a whole number from 0 on."));
    }
    let number = match types::convert(value, &Type::Number) {
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
    let read = matches!(&value.data, Data::Unknown(_, Some(origin)) if origin.address.as_ref().is_some_and(|address| address.is_data()));
    let when = if read { "the account is read" } else { "apply" };
    let message = format!("`{what}` of {about} is not known before {when}{}.", from.unwrap_or_default());
    let hint = if what == "count" {
        "How many there are must follow from variables, local values and other resources' `count` or `for_each` alone."
    } else {
        "The keys must follow from variables, local values and other resources' `count` or `for_each` alone; the values may be unknown: use a map with fixed keys."
    };
    Box::new(Diagnostic::error(message).at(span.clone()).hint(hint))
}
