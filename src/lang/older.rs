//! Ways to write that Terraform 0.11 knew and files of that time are full of: each is read as what it meant then, and told.
//!
//! Invariant: what Terraform accepts today is left as it is written; what is read in an old way would be an error otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Attr, Block, Body, Call, Expr, Kind, StepKind};
use super::body::{inside, is_block};
use super::value::Val;
use dofloat_base::address::Address;
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::{Schemas, Type};

/// Functions that give lists.
const LISTS: [&str; 14] = [
    "chunklist",
    "coalescelist",
    "compact",
    "concat",
    "distinct",
    "flatten",
    "formatlist",
    "keys",
    "slice",
    "sort",
    "split",
    "tolist",
    "toset",
    "values",
];

/// Rewrites what is written in an old way in a module's files; gives what is to be told.
pub(super) fn rewrite(bodies: &mut [Body], schemas: &dyn Schemas) -> Vec<Diagnostic> {
    let lists = bodies.iter().flat_map(|body| body.blocks("variable")).filter(|block| is_list_variable(block));
    let lists: BTreeSet<String> = lists.filter_map(|block| Some(block.labels.first()?.0.clone())).collect();
    let mut told = Vec::new();
    for block in bodies.iter_mut().flat_map(|body| &mut body.blocks) {
        let kind = match (block.kind.as_str(), block.labels.first()) {
            ("resource", Some((kind, _))) => kind.clone(),
            ("data", Some((kind, _))) => Address::data_kind(kind),
            _ => continue,
        };
        if let Some(Type::Object(types)) = schemas.resource(&kind) {
            body(&mut block.body, &types, &lists, &mut told);
        }
    }
    told
}

fn is_list_variable(block: &Block) -> bool {
    let is = |name: &str| ["list", "set", "tuple"].contains(&name);
    let of_type = block.body.attr("type").is_some_and(|ty| match &ty.value.kind {
        Kind::Name(name) => is(name),
        Kind::Call(call) => is(&call.name),
        Kind::Literal(text) => *text == Val::string("list"),
        _ => false,
    });
    of_type || block.body.attr("default").is_some_and(|default| matches!(default.value.kind, Kind::Tuple(_)))
}

fn body(of: &mut Body, types: &BTreeMap<String, Type>, lists: &BTreeSet<String>, told: &mut Vec<Diagnostic>) {
    let once = |name: &str, of: &Body| of.attr(name).is_none() && of.blocks(name).count() == 1;
    let is_map =
        |block: &Block| matches!(types.get(&block.kind), Some(Type::Map(_))) && block.labels.is_empty() && block.body.blocks.is_empty();
    let maps: BTreeSet<String> =
        of.blocks.iter().filter(|block| is_map(block) && once(&block.kind, of)).map(|block| block.kind.clone()).collect();
    let (found, kept): (Vec<Block>, Vec<Block>) = std::mem::take(&mut of.blocks).into_iter().partition(|block| maps.contains(&block.kind));
    of.blocks = kept;
    for block in found {
        let warning = Diagnostic::warning(format!("`{0}` is an argument: the block is read as `{0} = {{ … }}`.", block.kind));
        told.push(warning.at(block.header.clone()).hint("Write the equals sign: Terraform asks for it since 0.12."));
        of.attrs.push(map(block));
    }
    for attr in &mut of.attrs {
        let plain =
            matches!(types.get(&attr.name), Some(Type::List(item) | Type::Set(item)) if matches!(**item, Type::String | Type::Number));
        let nested = |item: &Expr| matches!(&item.kind, Kind::Wrapped(inner) if is_list(inner, lists));
        if plain && matches!(&attr.value.kind, Kind::Tuple(items) if items.iter().any(nested)) {
            let warning = Diagnostic::warning(format!("`{}` holds a list within a list: it is read as one list.", attr.name));
            told.push(warning.at(attr.value.span.clone()).hint("Take the outer brackets out: Terraform refuses them since 0.12."));
            flatten(&mut attr.value);
        }
    }
    for block in &mut of.blocks {
        if let Some(ty) = types.get(&block.kind).filter(|ty| is_block(ty)) {
            body(&mut block.body, inside(ty), lists, told);
        }
    }
}

/// A block as the argument that it means.
fn map(block: Block) -> Attr {
    let literal = |text: &str, span: &Span| Expr { span: span.clone(), kind: Kind::Literal(Val::string(text)) };
    let entries = block.body.attrs.into_iter().map(|attr| (literal(&attr.name, &attr.span), attr.value)).collect();
    Attr { name: block.kind, span: block.header.clone(), value: Expr { span: block.header, kind: Kind::Object(entries) } }
}

fn flatten(value: &mut Expr) {
    let span = value.span.clone();
    let whole = std::mem::replace(&mut value.kind, Kind::Tuple(Vec::new()));
    let args = vec![Expr { span: span.clone(), kind: whole }];
    value.kind = Kind::Call(Box::new(Call { name: "flatten".to_owned(), name_span: span, args, spread: false }));
}

/// Whether an expression surely gives a list.
fn is_list(expr: &Expr, lists: &BTreeSet<String>) -> bool {
    match &expr.kind {
        Kind::Paren(inner) | Kind::Wrapped(inner) => is_list(inner, lists),
        Kind::Tuple(_) => true,
        Kind::Call(call) => LISTS.contains(&call.name.as_str()),
        Kind::Traversal(root, steps) => match (&root.kind, steps.as_slice()) {
            (Kind::Name(root), [step]) if root == "var" => matches!(&step.kind, StepKind::Attr(name) if lists.contains(name)),
            (_, steps) => {
                let splat = steps.iter().position(|step| matches!(step.kind, StepKind::Splat | StepKind::AttrSplat));
                let picks = |at: usize| steps[at..].iter().any(|step| matches!(step.kind, StepKind::Index(_) | StepKind::LegacyIndex(_)));
                splat.is_some_and(|at| matches!(steps[at].kind, StepKind::Splat) || !picks(at))
            }
        },
        _ => false,
    }
}
