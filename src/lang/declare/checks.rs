//! `check` blocks as they are written: conditions of the whole, and a data source that is read for them.
//!
//! Invariant: the data source is one of the module's, known to be a check's.

use super::super::ast::Block;
use super::super::declaration::CheckBlock;
use super::Collect;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;

impl Collect<'_> {
    pub(super) fn check_block(&mut self, block: Block) {
        self.only(&block, &[], &["assert", "data"]);
        let name = block.labels[0].0.clone();
        let asserts: Vec<_> = block.body.blocks("assert").filter_map(|inner| self.check(inner)).collect();
        if block.body.blocks("assert").next().is_none() {
            self.error(Diagnostic::error("A check block needs an \"assert\" block.").at(block.header.clone()));
        }
        let header = block.header.clone();
        let data: Vec<Block> = block.body.blocks.into_iter().filter(|inner| inner.kind == "data").collect();
        if let [_, further, ..] = data.as_slice() {
            self.error(Diagnostic::error("A check block has one data source at most.").at(further.header.clone()));
        }
        for inner in data.into_iter().take(1) {
            if !self.labels(&inner, &["type", "name"]) {
                continue;
            }
            for attr in ["count", "for_each"].iter().filter_map(|name| inner.body.attr(name)) {
                let message = format!("The data source of a check has no \"{}\".", attr.name);
                self.error(Diagnostic::error(message).at(attr.span.clone()));
            }
            let key = (Address::data_kind(&inner.labels[0].0), inner.labels[1].0.clone());
            self.data(inner);
            if let Some(source) = self.module.resources.get_mut(&key) {
                source.checks = true;
            }
        }
        self.declare(name, CheckBlock { span: header, asserts }, |check| &check.span, |module| &mut module.checks, "check");
    }
}
