//! `variable`, `locals` and `output` blocks as they are written, and the conditions that blocks hold.
//!
//! Invariant: a variable's default fits its type, and a condition refers to something.

use super::super::ast::{Attr, Block};
use super::super::constant::constant;
use super::super::constraint::Constraint;
use super::super::declaration::{Check, Local, Output, Variable};
use super::super::error::error_at;
use super::super::references;
use super::super::type_expr;
use super::{Collect, a_block};
use dofloat_base::diag::Diagnostic;

const RESERVED_VARIABLES: &[&str] = &["source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"];

impl Collect<'_> {
    pub(super) fn variable(&mut self, block: Block) {
        self.only(
            &block,
            &["type", "default", "description", "sensitive", "nullable", "ephemeral", "const", "deprecated"],
            &["validation"],
        );
        let name = block.labels[0].0.clone();
        if RESERVED_VARIABLES.contains(&name.as_str()) {
            self.error(Diagnostic::error(format!("\"{name}\" is reserved and cannot be a variable's name.")).at(block.header.clone()));
        }
        let typed = block.body.attr("type");
        let quoted = typed.and_then(|attr| Some((type_expr::quoted(&attr.value)?, &attr.value.span)));
        if let Some((_, span)) = &quoted {
            self.warning(span, "A type in quotes is an old way to write it.", "`dofloat fmt` writes it as it is written today.");
        }
        let read = |attr: &Attr| quoted.map_or_else(|| type_expr::constraint(&attr.value, self.host), |(constraint, _)| Ok(constraint));
        let constraint = match typed.map(read) {
            Some(Ok(constraint)) => constraint,
            Some(Err(error)) => {
                self.report(error);
                Constraint::Any
            }
            None => Constraint::Any,
        };
        let nullable = self.flag(&block, "nullable").unwrap_or(true);
        let default = block.body.attr("default").and_then(|attr| {
            let value = constant(&attr.value, self.host).and_then(|value| {
                if value.is_null() && !nullable {
                    return Err(error_at(&attr.value.span, "The default is null, which `nullable = false` forbids."));
                }
                constraint
                    .apply(&value)
                    .map_err(|error| error_at(&attr.value.span, format!("The default does not match the variable's type: {error}.")))
            });
            value.map_err(|error| self.report(error)).ok()
        });
        let sensitive = self.flag(&block, "sensitive").unwrap_or(false);
        let ephemeral = self.flag(&block, "ephemeral").unwrap_or(false);
        let variable = Variable {
            span: block.header.clone(),
            constraint,
            typed: typed.is_some(),
            default,
            description: self.text(&block, "description"),
            sensitive: sensitive || ephemeral,
            deprecated: self.text(&block, "deprecated"),
            nullable,
            validations: block.body.blocks("validation").filter_map(|block| self.check(block)).collect(),
        };
        self.declare(name, variable, |variable| &variable.span, |module| &mut module.variables, "variable");
    }

    pub(super) fn check(&mut self, block: &Block) -> Option<Check> {
        self.only(block, &["condition", "error_message"], &[]);
        if !block.labels.is_empty() {
            self.error(Diagnostic::error(format!("{} has no label.", a_block(&block.kind))).at(block.header.clone()));
        }
        let mut need = |name: &str| {
            let found = block.body.attr(name).map(|attr| attr.value.clone());
            if found.is_none() {
                self.error(Diagnostic::error(format!("{} needs the argument \"{name}\".", a_block(&block.kind))).at(block.header.clone()));
            }
            found
        };
        let (condition, message) = (need("condition"), need("error_message"));
        let check = Check { span: block.header.clone(), condition: condition?, message: message? };
        if references::of(&check.condition, &[]).is_empty() {
            self.error(Diagnostic::error("This condition refers to nothing, so it is always the same.").at(check.condition.span.clone()));
        }
        Some(check)
    }

    pub(super) fn locals(&mut self, block: Block) {
        for inner in &block.body.blocks {
            self.error(
                Diagnostic::error("A locals block holds values only.")
                    .at(inner.header.clone())
                    .hint(format!("Write `{} = {{ … }}` for an object.", inner.kind)),
            );
        }
        for Attr { name, span, value } in block.body.attrs {
            self.declare(name, Local { span, value }, |local| &local.span, |module| &mut module.locals, "local value");
        }
    }

    pub(super) fn output(&mut self, block: Block) {
        self.only(&block, &["value", "type", "description", "sensitive", "ephemeral", "depends_on", "deprecated"], &["precondition"]);
        let Some(value) = block.body.attr("value").map(|attr| attr.value.clone()) else {
            self.error(Diagnostic::error("An output needs the argument \"value\".").at(block.header.clone()));
            return;
        };
        let typed = block.body.attr("type").map(|attr| type_expr::constraint(&attr.value, self.host));
        let constraint = typed.unwrap_or(Ok(Constraint::Any)).unwrap_or_else(|error| {
            self.report(error);
            Constraint::Any
        });
        let output = Output {
            span: block.header.clone(),
            value,
            constraint,
            deprecated: self.text(&block, "deprecated"),
            sensitive: self.flag(&block, "sensitive").unwrap_or(false),
            ephemeral: self.flag(&block, "ephemeral").unwrap_or(false),
            description: self.text(&block, "description"),
            depends_on: self.list(&block, "depends_on"),
            preconditions: block.body.blocks("precondition").filter_map(|block| self.check(block)).collect(),
        };
        self.declare(block.labels[0].0.clone(), output, |output| &output.span, |module| &mut module.outputs, "output");
    }
}
