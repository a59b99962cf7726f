//! `dynamic` blocks: blocks that are made from the elements of a collection.
//!
//! Invariant: a body is walked with the names that are bound around each of its expressions.

use super::ast::{Block, Body, Expr, Kind};

/// The expressions in a body, with the names that are bound around them.
pub(super) fn body_expressions<'a>(body: &'a Body, bound: &mut Vec<&'a str>, visit: &mut dyn FnMut(&'a Expr, &[&'a str])) {
    for attr in &body.attrs {
        visit(&attr.value, bound);
    }
    for block in &body.blocks {
        match dynamic(block) {
            Some(dynamic) => {
                visit(dynamic.for_each, bound);
                bound.push(dynamic.iterator);
                body_expressions(dynamic.content, bound, visit);
                bound.pop();
            }
            None => body_expressions(&block.body, bound, visit),
        }
    }
}

/// A `dynamic` block.
pub(super) struct Dynamic<'a> {
    /// The type of the blocks that it makes.
    pub kind: &'a str,
    /// What it walks.
    pub for_each: &'a Expr,
    /// The name that the element is bound to.
    pub iterator: &'a str,
    /// The body of each block.
    pub content: &'a Body,
}

/// A block as a dynamic one, if it is one and is complete (which `declare` has checked).
pub(super) fn dynamic(block: &Block) -> Option<Dynamic<'_>> {
    if block.kind != "dynamic" {
        return None;
    }
    let (kind, _) = block.labels.first()?;
    let iterator = match block.body.attr("iterator").map(|attr| &attr.value.kind) {
        Some(Kind::Name(name)) => name,
        _ => kind,
    };
    Some(Dynamic { kind, for_each: &block.body.attr("for_each")?.value, iterator, content: &block.body.blocks("content").next()?.body })
}
