//! `moved`, `removed` and `import` blocks as they are written.
//!
//! Invariant: their addresses are written out, never computed, but for the key of an import.

use super::Collect;
use crate::ast::{Block, Expr};
use crate::constant::constant;
use crate::declaration::Import;
use crate::target::target;
use crate::value::Data;
use dofloat_base::address::Address;
use dofloat_base::desired::{Move, Removal};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

impl Collect<'_> {
    /// An argument that a block must have.
    fn needed(&mut self, block: &Block, name: &str) -> Option<Expr> {
        let found = block.body.attr(name).map(|attr| attr.value.clone());
        if found.is_none() {
            let article = if block.kind == "import" { "An" } else { "A" };
            self.error(
                Diagnostic::error(format!("{article} {} block needs the argument \"{name}\".", block.kind)).at(block.header.clone()),
            );
        }
        found
    }

    fn address(&mut self, block: &Block, name: &str) -> Option<(Address, Span)> {
        let expr = self.needed(block, name)?;
        match target(&expr, &|key| constant(key, self.host)) {
            Ok(address) => Some((address, expr.span)),
            Err(error) => {
                self.report(error);
                None
            }
        }
    }

    pub(super) fn moved(&mut self, block: &Block) {
        self.only(block, &["from", "to"], &[]);
        let (from, to) = (self.address(block, "from"), self.address(block, "to"));
        let (Some((from, _)), Some((to, span))) = (from, to) else { return };
        if from == to {
            self.error(Diagnostic::error(format!("This moves {from} to where it is.")).at(block.header.clone()).hint("Remove the block."));
            return;
        }
        let of = Move { from, to, span: block.header.clone() };
        if of.from.kind != of.to.kind {
            self.module.retyped.push((of.clone(), span));
        }
        self.module.moves.push(of);
    }

    pub(super) fn removed(&mut self, block: &Block) {
        self.only(block, &["from"], &["lifecycle"]);
        let mut destroy = true;
        for (place, lifecycle) in block.body.blocks("lifecycle").enumerate() {
            self.only(lifecycle, &["destroy"], &[]);
            if place > 0 {
                self.error(Diagnostic::error("A removed block has one lifecycle block only.").at(lifecycle.header.clone()));
            }
            match self.constant(lifecycle, "destroy", &Type::Bool).map(|value| value.data) {
                Some(Data::Bool(flag)) => destroy = flag,
                _ if lifecycle.body.attr("destroy").is_none() => {
                    self.error(Diagnostic::error("This lifecycle block needs the argument \"destroy\".").at(lifecycle.header.clone()));
                }
                _ => {}
            }
        }
        let Some((from, span)) = self.address(block, "from") else { return };
        if from.key.is_some() {
            self.error(
                Diagnostic::error("A removed block is about a whole resource, not about one instance of it.")
                    .at(span)
                    .hint("`dofloat state rm` forgets one instance."),
            );
            return;
        }
        let removal = Removal { destroy, span: block.header.clone() };
        self.declare(from, removal, |removal| &removal.span, |module| &mut module.removals, "removal");
    }

    pub(super) fn import(&mut self, block: Block) {
        self.only(&block, &["to", "id", "for_each", "provider"], &[]);
        self.sole_provider(&block);
        let (to, id) = (self.needed(&block, "to"), self.needed(&block, "id"));
        let for_each = block.body.attr("for_each").map(|attr| attr.value.clone());
        if let (Some(to), Some(id)) = (to, id) {
            self.module.imports.push(Import { span: block.header, to, id, for_each });
        }
    }
}
