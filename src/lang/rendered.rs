//! `template_file`, as a data source and as the resource that it was before: its template is a text of this language, so what it renders to is an expression.
//!
//! Invariant: only the block's own expressions are in it, so that references, unknown values and marks are those of any expression.

use super::ast::{Attr, Block, Call, Expr, Kind};

/// What renders a text with values. Nobody can write a call of this name.
pub(super) const RENDER: &str = "the template of template_file";
/// The type.
const SOURCE: &str = "template_file";

/// Gives a block of that type what it renders to.
pub(super) fn complete(block: &mut Block) {
    if block.labels.first().is_none_or(|(kind, _)| kind != SOURCE) || block.body.attr("rendered").is_some() {
        return;
    }
    let Some(template) = block.body.attr("template") else { return };
    let span = template.value.span.clone();
    let none = Expr { span: span.clone(), kind: Kind::Object(Vec::new()) };
    let vars = block.body.attr("vars").map_or(none, |vars| vars.value.clone());
    let args = vec![template.value.clone(), vars];
    let call = Call { name: RENDER.to_owned(), name_span: span.clone(), args, spread: false };
    let value = Expr { span: span.clone(), kind: Kind::Call(Box::new(call)) };
    block.body.attrs.push(Attr { name: "rendered".to_owned(), span, value });
}
