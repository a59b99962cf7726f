//! The body of one resource instance: its arguments and blocks as a term.
//!
//! Invariant: every value has the type that the resource's attribute has; what is null is absent; all errors of a body
//! are reported, not only the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Attr, Block, Body, Expr, Kind};
use super::convert;
use super::declaration::Check;
use super::dynamic::{Dynamic, dynamic};
use super::error::{EvalError, error_at, kind_of};
use super::eval::{Eval, elements};
use super::types;
use super::value::{Data, Val};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;
use dofloat_base::value::{Origin, Term};

/// Evaluates a body against the types of its attributes.
///
/// # Errors
/// What is wrong in it.
pub(super) fn term(eval: &Eval<'_>, body: &Body, types: &BTreeMap<String, Type>) -> Result<Term, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let fields = fields(eval, body, types, &mut errors);
    if errors.is_empty() { Ok(Term::map(fields)) } else { Err(errors) }
}

fn fields(eval: &Eval<'_>, body: &Body, types: &BTreeMap<String, Type>, errors: &mut Vec<Diagnostic>) -> BTreeMap<String, Term> {
    let mut fields = BTreeMap::new();
    for attr in &body.attrs {
        let ty = types.get(&attr.name).unwrap_or(&Type::Any);
        match argument(eval, attr, ty) {
            Ok(value) if value.is_null() => {}
            Ok(value) => {
                fields.insert(attr.name.clone(), convert::sparse(&value, ty));
            }
            Err(error) => errors.push(*error),
        }
    }
    let mut blocks: BTreeMap<&str, Blocks> = BTreeMap::new();
    for block in &body.blocks {
        let dynamic = dynamic(block);
        let kind = dynamic.as_ref().map_or(block.kind.as_str(), |dynamic| dynamic.kind);
        let inner = types.get(kind).map_or_else(|| inside(&Type::Any), inside);
        let gathered = blocks.entry(kind).or_default();
        match dynamic {
            None => gathered.items.push(Term::map(self::fields(eval, &block.body, inner, errors))),
            Some(dynamic) => {
                if let Err(error) = repeated(eval, &dynamic, inner, gathered, errors) {
                    errors.push(*error);
                }
            }
        }
    }
    for (kind, blocks) in blocks {
        let term = match blocks.unknown {
            Some(origin) => Term::Unknown(origin),
            // A dynamic block of nothing is as one that is not written.
            None if blocks.items.is_empty() => continue,
            None => Term::list(blocks.items),
        };
        fields.insert(kind.to_owned(), term);
    }
    fields
}

/// The blocks of one type.
#[derive(Default)]
struct Blocks {
    items: Vec<Term>,
    unknown: Option<Origin>,
}

/// The attributes of a block type.
pub(super) fn inside(ty: &Type) -> &BTreeMap<String, Type> {
    static NONE: BTreeMap<String, Type> = BTreeMap::new();
    match ty {
        Type::List(item) | Type::Set(item) | Type::Map(item) => inside(item),
        Type::Object(fields) => fields,
        _ => &NONE,
    }
}

/// Whether an attribute may be written as a block.
pub(super) fn is_block(ty: &Type) -> bool {
    match ty {
        Type::List(item) | Type::Set(item) => matches!(**item, Type::Object(_)),
        Type::Object(_) => true,
        _ => false,
    }
}

fn argument(eval: &Eval<'_>, attr: &Attr, ty: &Type) -> Result<Val, EvalError> {
    let value = eval.eval(&attr.value)?;
    convert::lenient(ty).apply(&value).map_err(|error| {
        let message = if error.path.is_empty() {
            format!("\"{}\" must be {}, not {}.", attr.name, spelled(ty), kind_of(&value))
        } else {
            format!("\"{}\" does not fit: {error}.", attr.name)
        };
        error_at(&attr.value.span, message)
    })
}

fn spelled(ty: &Type) -> String {
    match ty {
        Type::Object(_) => "an object".to_owned(),
        Type::List(item) | Type::Set(item) if matches!(**item, Type::Object(_)) => "a list of objects".to_owned(),
        other => format!("a {other}"),
    }
}

fn repeated(
    eval: &Eval<'_>,
    dynamic: &Dynamic<'_>,
    types: &BTreeMap<String, Type>,
    into: &mut Blocks,
    errors: &mut Vec<Diagnostic>,
) -> Result<(), EvalError> {
    let collection = eval.eval(dynamic.for_each)?;
    if collection.is_null() {
        return Err(error_at(&dynamic.for_each.span, "`for_each` of a dynamic block is null; use an empty list for no block."));
    }
    let Some(items) = elements(&collection, &dynamic.for_each.span)? else {
        into.unknown = Some(Origin { sensitive: collection.sensitive, ..Origin::default() });
        return Ok(());
    };
    for (key, value) in items {
        let element = BTreeMap::from([
            ("key".to_owned(), key.marked(collection.sensitive)),
            ("value".to_owned(), value.marked(collection.sensitive)),
        ]);
        let made = eval.with(dynamic.iterator, Data::Object(Arc::new(element)).into(), |eval| fields(eval, dynamic.content, types, errors));
        into.items.push(Term::map(made));
    }
    Ok(())
}

/// Checks a condition; nothing is said while it is unknown.
///
/// # Errors
/// If it does not hold, or cannot be evaluated.
pub(super) fn check(eval: &Eval<'_>, check: &Check, at: &Span, what: &str) -> Result<(), EvalError> {
    let holds = eval.condition(&check.condition)?;
    if !matches!(holds.data, Data::Bool(false)) {
        return Ok(());
    }
    let message = eval.eval(&check.message).ok().and_then(|message| {
        if message.has_sensitive() {
            return Some("(the message would show a sensitive value)".to_owned());
        }
        types::text_of(&message.data)
    });
    let message = message.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("The {what} does not hold."));
    let error = Diagnostic::error(message).at(at.clone());
    Err(Box::new(if *at == check.condition.span { error } else { error.related(check.condition.span.clone(), format!("the {what}")) }))
}

/// The place of a path in a body: the longest part of it that is written.
pub(super) fn place(body: &Body, path: &[&str]) -> Option<Span> {
    let (first, rest) = path.split_first()?;
    if let Some(attr) = body.attr(first) {
        return Some(rest.first().and_then(|text| item(&attr.value, text)).unwrap_or(&attr.value.span).clone());
    }
    let of_kind = |block: &&Block| block.kind == *first || dynamic(block).is_some_and(|dynamic| dynamic.kind == *first);
    let blocks: Vec<&Block> = body.blocks.iter().filter(of_kind).collect();
    let (index, deeper) = match rest.split_first() {
        Some((index, deeper)) if index.parse::<usize>().is_ok() => (index.parse().unwrap_or(0), deeper),
        _ => (0, rest),
    };
    // Which element of a dynamic block it is cannot be told from the text, so the block itself is the place.
    let first_dynamic = blocks.iter().position(|block| block.kind == "dynamic");
    let block = *blocks.get(first_dynamic.map_or(index, |dynamic| index.min(dynamic))).or(blocks.first())?;
    let inner = dynamic(block).map_or(&block.body, |dynamic| dynamic.content);
    place(inner, deeper).or_else(|| Some(block.header.clone()))
}

/// The place of an item of a list that is written out.
fn item<'e>(list: &'e Expr, text: &str) -> Option<&'e Span> {
    let Kind::Tuple(items) = &list.kind else { return None };
    let is_it = |item: &&Expr| matches!(&item.kind, Kind::Literal(value) if types::text_of(&value.data).as_deref() == Some(text));
    items.iter().find(is_it).map(|item| &item.span)
}
