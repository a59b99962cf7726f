//! `module` blocks as they are written.
//!
//! Invariant: where a module comes from is constant, so that all files are known before anything is evaluated.

use super::super::ast::{Block, Expr, Kind};
use super::super::declaration::{Alias, ModuleCall, Repeat};
use super::Collect;
use super::settings::{alias, named};
use dofloat_base::diag::Diagnostic;

/// Arguments of a `module` block that are not the module's own.
const OWN: &[&str] = &["source", "version", "providers", "count", "for_each", "depends_on"];

impl Collect<'_> {
    /// `count` or `for_each`.
    pub(super) fn repeat(&mut self, block: &Block, what: &str) -> Repeat {
        match (block.body.attr("count"), block.body.attr("for_each")) {
            (Some(_), Some(for_each)) => {
                self.error(Diagnostic::error(format!("A {what} has `count` or `for_each`, not both.")).at(for_each.span.clone()));
                Repeat::Once
            }
            (Some(count), None) => Repeat::Count(count.value.clone()),
            (None, Some(for_each)) => Repeat::ForEach(for_each.value.clone()),
            (None, None) => Repeat::Once,
        }
    }

    /// `enabled` of a lifecycle block: one, or none.
    pub(super) fn switched(&mut self, lifecycle: &Block, repeat: &mut Repeat) {
        let Some(attr) = lifecycle.body.attr("enabled") else { return };
        if repeat.is_repeated() {
            let error = Diagnostic::error("`enabled` stands beside neither `count` nor `for_each`.").at(attr.span.clone());
            self.error(error.hint("Let the number follow from `count` or `for_each` alone."));
        }
        *repeat = Repeat::Enabled(attr.value.clone());
    }

    pub(super) fn module_call(&mut self, mut block: Block) {
        let mut repeat = self.repeat(&block, "module");
        for lifecycle in block.body.blocks("lifecycle").cloned().collect::<Vec<_>>() {
            self.only(&lifecycle, &["enabled"], &[]);
            self.switched(&lifecycle, &mut repeat);
        }
        block.body.blocks.retain(|inner| inner.kind != "lifecycle");
        for inner in &block.body.blocks {
            self.errors.push(
                Diagnostic::error(format!("A module block has no block \"{}\".", inner.kind))
                    .at(inner.header.clone())
                    .hint(format!("A value for a variable of the module is written `{} = …`.", inner.kind)),
            );
        }
        let depends_on = self.list(&block, "depends_on");
        let aliases = block.body.attr("providers").map(|providers| self.providers(&providers.value)).unwrap_or_default();
        let version = self.text(&block, "version");
        if block.body.attr("source").is_none() {
            self.error(Diagnostic::error("A module block needs the argument \"source\".").at(block.header.clone()));
        }
        let source_span = block.body.attr("source").map_or(&block.header, |attr| &attr.value.span).clone();
        let Some(source) = self.text(&block, "source") else { return };
        block.body.attrs.retain(|attr| !OWN.contains(&attr.name.as_str()));
        let call = ModuleCall { span: block.header, source, source_span, version, repeat, arguments: block.body, depends_on, aliases };
        let name = block.labels.swap_remove(0).0;
        self.declare(name, call, |call| &call.span, |module| &mut module.calls, "module");
    }

    /// There is one account, so all that can be handed on is what is there anyway: only the names are held against each other. What
    /// other providers are handed on is for what is left out. Gives the aliases by which the module knows them.
    fn providers(&mut self, value: &Expr) -> Vec<Alias> {
        let Kind::Object(items) = &value.kind else {
            self.error(Diagnostic::error("\"providers\" is a map: `{ digitalocean = digitalocean }`.").at(value.span.clone()));
            return Vec::new();
        };
        for expr in items.iter().flat_map(|(key, value)| [key, value]).filter(|expr| named(expr).is_none()) {
            self.error(
                Diagnostic::error("\"providers\" hands on providers by their names.")
                    .at(expr.span.clone())
                    .hint("Write `{ digitalocean = digitalocean }`, or leave it out."),
            );
        }
        self.module.chosen.extend(items.iter().filter_map(|(_, value)| alias(value)));
        items.iter().filter_map(|(key, _)| alias(key)).collect()
    }
}
