//! From the blocks of a stack's files to what they declare.
//!
//! Invariant: every block and every argument in the files is either in a declaration or an error; nothing is skipped in
//! silence. Expressions are not evaluated here but for those that must be constant.

use std::collections::BTreeMap;

mod calls;
mod checks;
mod moves;
mod provisioners;
mod resources;
mod settings;
mod values;

use super::Host;
use super::ast::{Block, Body, Expr, Kind};
use super::constant::constant;
use super::conversion;
use super::declaration::Module;
use super::error::{EvalError, error_at, suggest};
use super::references;
use super::syntax;
use super::value::{Data, Val};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

/// Collects the declarations of files.
pub fn module(bodies: Vec<Body>, host: &Host<'_>) -> (Module, Vec<Diagnostic>) {
    let mut collect = Collect { module: Module::default(), errors: Vec::new(), host };
    for body in bodies {
        for attr in &body.attrs {
            collect.error(Diagnostic::error(format!("\"{}\" stands outside of any block.", attr.name)).at(attr.span.clone()));
        }
        for block in body.blocks {
            collect.block(block);
        }
    }
    (collect.module, collect.errors)
}

const BLOCKS: &[&str] =
    &["variable", "locals", "output", "resource", "data", "provider", "terraform", "moved", "removed", "import", "module", "check"];

/// Blocks that Terraform has and this program does not have yet.
const UNSUPPORTED: &[&str] = &["ephemeral"];

/// A block of a type, as a sentence begins with it.
fn a_block(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o']) { "An" } else { "A" };
    format!("{article} {kind} block")
}

struct Collect<'h> {
    module: Module,
    errors: Vec<Diagnostic>,
    host: &'h Host<'h>,
}

impl Collect<'_> {
    fn error(&mut self, error: Diagnostic) {
        self.errors.push(error);
    }

    #[expect(clippy::boxed_local, reason = "errors come in boxes")]
    fn report(&mut self, error: EvalError) {
        self.errors.push(*error);
    }

    fn block(&mut self, block: Block) {
        match block.kind.as_str() {
            "variable" if self.labels(&block, &["name"]) => self.variable(block),
            "locals" if self.labels(&block, &[]) => self.locals(block),
            "output" if self.labels(&block, &["name"]) => self.output(block),
            "resource" if self.labels(&block, &["type", "name"]) => self.resource(block),
            "data" if self.labels(&block, &["type", "name"]) => self.data(block),
            "provider" if self.labels(&block, &["name"]) => self.provider(block),
            "terraform" if self.labels(&block, &[]) => self.terraform(&block),
            "moved" if self.labels(&block, &[]) => self.moved(&block),
            "removed" if self.labels(&block, &[]) => self.removed(&block),
            "import" if self.labels(&block, &[]) => self.import(block),
            "check" if self.labels(&block, &["name"]) => self.check_block(block),
            "module" if self.labels(&block, &["name"]) => self.module_call(block),
            kind if BLOCKS.contains(&kind) => {}
            kind if UNSUPPORTED.contains(&kind) => {
                self.error(
                    Diagnostic::error(format!("Blocks of type \"{kind}\" are not supported yet."))
                        .at(block.header.clone())
                        .hint("Remove the block."),
                );
            }
            kind => {
                let error = Diagnostic::error(format!("There is no block type \"{kind}\".")).at(block.header.clone());
                self.report(suggest(error, kind, BLOCKS.iter().copied()));
            }
        }
    }

    /// Whether a block has the labels that it must have.
    fn labels(&mut self, block: &Block, wanted: &[&str]) -> bool {
        if block.labels.len() != wanted.len() {
            let form: Vec<_> =
                std::iter::once(block.kind.clone()).chain(wanted.iter().map(|label| format!("\"{}\"", label.to_uppercase()))).collect();
            let message = format!("{} is written `{} {{ … }}`.", a_block(&block.kind), form.join(" "));
            self.error(Diagnostic::error(message).at(block.header.clone()));
            return false;
        }
        for (label, span) in &block.labels {
            if !references::is_name(label) {
                self.error(
                    Diagnostic::error(format!("\"{label}\" cannot be a name."))
                        .at(span.clone())
                        .hint("A name has letters, digits, `_` and `-`, and starts with no digit."),
                );
                return false;
            }
        }
        true
    }

    /// Reports arguments and blocks that a block does not have.
    fn only(&mut self, block: &Block, attrs: &[&str], blocks: &[&str]) {
        let what = a_block(&block.kind);
        for attr in block.body.attrs.iter().filter(|attr| !attrs.contains(&attr.name.as_str())) {
            let error = if blocks.contains(&attr.name.as_str()) {
                Box::new(Diagnostic::error(format!("\"{0}\" is a block: write `{0} {{ … }}`.", attr.name)).at(attr.span.clone()))
            } else {
                let error = Diagnostic::error(format!("{what} has no argument \"{}\".", attr.name)).at(attr.span.clone());
                suggest(error, &attr.name, attrs.iter().copied())
            };
            self.report(error);
        }
        for inner in block.body.blocks.iter().filter(|inner| !blocks.contains(&inner.kind.as_str())) {
            let error = if attrs.contains(&inner.kind.as_str()) {
                Box::new(Diagnostic::error(format!("\"{0}\" is an argument: write `{0} = …`.", inner.kind)).at(inner.header.clone()))
            } else {
                let error = Diagnostic::error(format!("{what} has no block \"{}\".", inner.kind)).at(inner.header.clone());
                suggest(error, &inner.kind, blocks.iter().copied())
            };
            self.report(error);
        }
    }

    /// A constant argument of a type; null is an error.
    fn constant(&mut self, block: &Block, name: &str, ty: &Type) -> Option<Val> {
        let attr = block.body.attr(name)?;
        let value = constant(&attr.value, self.host).and_then(|value| {
            if value.is_null() {
                return Err(error_at(&attr.value.span, format!("\"{name}\" must not be null.")));
            }
            conversion::convert(&value, ty).map_err(|_| error_at(&attr.value.span, format!("\"{name}\" must be a {ty}.")))
        });
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(error);
                None
            }
        }
    }

    fn flag(&mut self, block: &Block, name: &str) -> Option<bool> {
        match self.constant(block, name, &Type::Bool)?.data {
            Data::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    fn text(&mut self, block: &Block, name: &str) -> Option<String> {
        match self.constant(block, name, &Type::String)?.data {
            Data::String(text) => Some(text.to_string()),
            _ => None,
        }
    }

    fn declare<K: Ord + std::fmt::Debug, T>(
        &mut self,
        name: K,
        what: T,
        span: fn(&T) -> &Span,
        table: fn(&mut Module) -> &mut BTreeMap<K, T>,
        kind: &str,
    ) {
        let table = table(&mut self.module);
        if let Some(first) = table.get(&name) {
            let error = Diagnostic::error(format!("This {kind} is declared twice."))
                .at(span(&what).clone())
                .related(span(first).clone(), "first here");
            self.errors.push(error);
            return;
        }
        table.insert(name, what);
    }

    fn warning(&mut self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        self.module.warnings.push(Diagnostic::warning(message).at(span.clone()).hint(hint));
    }

    /// The references in an argument that is a list in brackets; quotes around one are an old way to write it.
    fn list(&mut self, block: &Block, name: &str) -> Vec<Expr> {
        let Some(attr) = block.body.attr(name) else { return Vec::new() };
        let Kind::Tuple(items) = &attr.value.kind else {
            self.error(Diagnostic::error(format!("\"{name}\" is a list in brackets.")).at(attr.value.span.clone()));
            return Vec::new();
        };
        items.iter().map(|item| self.unquoted(item)).collect()
    }

    fn unquoted(&mut self, item: &Expr) -> Expr {
        let Some(text) = item.text() else { return item.clone() };
        match syntax::expression(&item.span.file, text, item.span.start) {
            Ok(mut found) if found.root().is_some_and(|(_, steps)| !steps.is_empty()) => {
                self.warning(&item.span, "A reference in quotes is an old way to write it.", format!("Write `{text}`."));
                // Its escapes make finer places unreliable.
                found.each_mut(&mut |part| *part = item.span.clone());
                found
            }
            _ => item.clone(),
        }
    }
}
