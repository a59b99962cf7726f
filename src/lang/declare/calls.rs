//! `module` blocks as they are written.
//!
//! Invariant: where a module comes from is constant, so that all files are known before anything is evaluated.

use super::{Block, Collect, Diagnostic, Expr, Kind, ModuleCall, Repeat};

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

    pub(super) fn module_call(&mut self, mut block: Block) {
        for inner in &block.body.blocks {
            self.errors.push(
                Diagnostic::error(format!("A module block has no block \"{}\".", inner.kind))
                    .at(inner.header.clone())
                    .hint(format!("A value for a variable of the module is written `{} = …`.", inner.kind)),
            );
        }
        let repeat = self.repeat(&block, "module");
        let depends_on = self.list(&block, "depends_on");
        if let Some(providers) = block.body.attr("providers") {
            self.providers(&providers.value.clone());
        }
        let version = self.text(&block, "version");
        if block.body.attr("source").is_none() {
            self.error(Diagnostic::error("A module block needs the argument \"source\".").at(block.header.clone()));
        }
        let source_span = block.body.attr("source").map_or(&block.header, |attr| &attr.value.span).clone();
        let Some(source) = self.text(&block, "source") else { return };
        block.body.attrs.retain(|attr| !OWN.contains(&attr.name.as_str()));
        let call = ModuleCall { span: block.header, source, source_span, version, repeat, arguments: block.body, depends_on };
        let name = block.labels.swap_remove(0).0;
        self.declare(name, call, |call| &call.span, |module| &mut module.calls, "module");
    }

    /// There is one account, so all that can be handed on is what is there anyway.
    fn providers(&mut self, value: &Expr) {
        let Kind::Object(items) = &value.kind else {
            self.error(Diagnostic::error("\"providers\" is a map: `{ digitalocean = digitalocean }`.").at(value.span.clone()));
            return;
        };
        for (key, value) in items {
            for expr in [key, value] {
                let root = expr.root().map(|(root, _)| root).or_else(|| expr.text().and_then(|text| text.split('.').next()));
                if root.is_none_or(|root| root != "digitalocean") {
                    self.error(
                        Diagnostic::error("The only provider is `digitalocean`.")
                            .at(expr.span.clone())
                            .hint("Take the others out of `providers`."),
                    );
                }
            }
        }
    }
}
