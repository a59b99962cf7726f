//! Ways to write that Terraform 0.11 knew and files of that time are full of: each is read as what it meant then, and told.
//!
//! Invariant: what Terraform accepts today is left as it is written; what is read in an old way would be an error otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Attr, Block, Body, Call, Expr, Kind, SPLICED, StepKind};
use super::body::{inside, is_block};
use super::value::{Data, Val};
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

/// What is known of a module's variables.
struct Variables {
    /// Those that are lists.
    lists: BTreeSet<String>,
    /// Those that may be anything.
    open: BTreeSet<String>,
}

impl Variables {
    fn of(bodies: &[Body]) -> Self {
        let named = |holds: fn(&Block) -> bool| {
            let blocks = bodies.iter().flat_map(|body| body.blocks("variable")).filter(move |block| holds(block));
            blocks.filter_map(|block| Some(block.labels.first()?.0.clone())).collect()
        };
        Self { lists: named(is_list_variable), open: named(|block| block.body.attr("type").is_none()) }
    }
}

/// Rewrites what is written in an old way in a module's files; gives what is to be told.
pub(super) fn rewrite(bodies: &mut [Body], schemas: &dyn Schemas) -> Vec<Diagnostic> {
    let variables = Variables::of(bodies);
    let mut told = Vec::new();
    for block in bodies.iter_mut().flat_map(|body| &mut body.blocks) {
        let kind = match (block.kind.as_str(), block.labels.first()) {
            ("resource", Some((kind, _))) => kind.clone(),
            ("data", Some((kind, _))) => Address::data_kind(kind),
            _ => continue,
        };
        if let Some(Type::Object(types)) = schemas.resource(&kind) {
            body(&mut block.body, &types, &variables, &mut told);
        }
    }
    // What Terraform refuses today for its maps was written when a list in a list was one list everywhere.
    if told.iter().any(|note| note.message.ends_with(OLD_MAP)) {
        let others = bodies.iter_mut().flat_map(|body| &mut body.blocks);
        let others = others.filter(|block| matches!(block.kind.as_str(), "locals" | "module" | "output"));
        for attr in others.flat_map(|block| &mut block.body.attrs) {
            if matches!(&attr.value.kind, Kind::Tuple(items) if items.iter().any(|item| matches!(item.kind, Kind::Wrapped(_)))) {
                splice(&mut attr.value);
            }
        }
    }
    told
}

/// How the note of a map that is written as a block ends.
const OLD_MAP: &str = "{ … }`.";

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

fn body(of: &mut Body, types: &BTreeMap<String, Type>, variables: &Variables, told: &mut Vec<Diagnostic>) {
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
        if let Some(ty) = types.get(&attr.name) {
            value(&attr.name, &mut attr.value, ty, variables, told);
        }
    }
    for block in &mut of.blocks {
        if let Some(ty) = types.get(&block.kind).filter(|ty| is_block(ty)) {
            body(&mut block.body, inside(ty), variables, told);
        }
    }
}

/// The value of an argument, and what is in it: blocks may be written as lists of objects.
fn value(name: &str, of: &mut Expr, ty: &Type, variables: &Variables, told: &mut Vec<Diagnostic>) {
    match (ty, &mut of.kind) {
        (Type::List(item) | Type::Set(item), Kind::Tuple(items)) if matches!(**item, Type::String | Type::Number) => {
            let wrapped = |item: &Expr, holds: &dyn Fn(&Expr) -> bool| matches!(&item.kind, Kind::Wrapped(inner) if holds(inner));
            if items.iter().any(|item| wrapped(item, &|inner| is_list(inner, &variables.lists))) {
                let warning = Diagnostic::warning(format!("`{name}` holds a list within a list: it is read as one list."));
                told.push(warning.at(of.span.clone()).hint("Take the outer brackets out: Terraform refuses them since 0.12."));
                splice(of);
            } else if items.iter().any(|item| wrapped(item, &|inner| may_be_list(inner, variables))) {
                splice(of);
            }
        }
        (Type::List(item) | Type::Set(item), Kind::Tuple(items)) => {
            items.iter_mut().for_each(|inner| value(name, inner, item, variables, told));
        }
        (Type::Object(types), Kind::Object(entries)) => {
            for (key, entry) in entries {
                let name = match &key.kind {
                    Kind::Literal(Val { data: Data::String(name), .. }) => name.to_string(),
                    Kind::Name(name) => name.clone(),
                    _ => continue,
                };
                if let Some(ty) = types.get(&name) {
                    value(&name, entry, ty, variables, told);
                }
            }
        }
        _ => {}
    }
}

/// A block as the argument that it means.
fn map(block: Block) -> Attr {
    let literal = |text: &str, span: &Span| Expr { span: span.clone(), kind: Kind::Literal(Val::string(text)) };
    let entries = block.body.attrs.into_iter().map(|attr| (literal(&attr.name, &attr.span), attr.value)).collect();
    Attr { name: block.kind, span: block.header.clone(), value: Expr { span: block.header, kind: Kind::Object(entries) } }
}

/// Lets the lists in a list be told from texts once they are known.
fn splice(value: &mut Expr) {
    let span = value.span.clone();
    let whole = std::mem::replace(&mut value.kind, Kind::Tuple(Vec::new()));
    let args = vec![Expr { span: span.clone(), kind: whole }];
    value.kind = Kind::Call(Box::new(Call { name: SPLICED.to_owned(), name_span: span, args, spread: false }));
}

/// Whether an expression is a value that may be of any type.
fn may_be_list(expr: &Expr, variables: &Variables) -> bool {
    let Kind::Traversal(root, steps) = &expr.kind else { return false };
    match (&root.kind, steps.first().map(|step| &step.kind)) {
        (Kind::Name(root), Some(StepKind::Attr(name))) if root == "var" => steps.len() == 1 && variables.open.contains(name),
        (Kind::Name(root), _) => root == "module" || root == "local",
        _ => false,
    }
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
