//! `provider` and `terraform` blocks as they are written.
//!
//! Invariant: what has no effect here is an error or a warning, but for what only tells Terraform which releases to use.

use super::{Block, Collect, Diagnostic, Kept, Provider};
use crate::backend;

impl Collect<'_> {
    /// Reports a provider that is not the one.
    pub(super) fn sole_provider(&mut self, block: &Block) {
        if let Some(provider) = block.body.attr("provider") {
            let named = provider.value.root().map(|(root, steps)| (root, steps.is_empty()));
            if provider.value.text() == Some("digitalocean") {
                self.warning(&provider.value.span, "A reference in quotes is an old way to write it.", "Write `digitalocean`.");
            } else if named != Some(("digitalocean", true)) {
                self.error(
                    Diagnostic::error("The only provider is `digitalocean`, without alias.")
                        .at(provider.value.span.clone())
                        .hint("Remove the `provider` argument."),
                );
            }
        }
    }

    pub(super) fn provider(&mut self, mut block: Block) {
        let (name, span) = &block.labels[0];
        if name != "digitalocean" {
            self.error(
                Diagnostic::error(format!("The provider \"{name}\" is not supported; the only one is \"digitalocean\"."))
                    .at(span.clone())
                    .hint("Remove the block."),
            );
            return;
        }
        if let Some(alias) = block.body.attr("alias") {
            self.error(
                Diagnostic::error("A second provider by `alias` is not supported.")
                    .at(alias.span.clone())
                    .hint("Use a stack for each account."),
            );
        }
        if let Some(first) = self.module.providers.first() {
            self.errors.push(
                Diagnostic::error("This provider is configured twice.").at(block.header.clone()).related(first.span.clone(), "first here"),
            );
        }
        if self.text(&block, "version").is_some() {
            let span = block.body.attr("version").map_or(&block.header, |attr| &attr.span).clone();
            self.warning(
                &span,
                "`version` in a provider block has no effect: it is an old way to ask for a release of the provider.",
                "Remove it. Terraform reads it in the `required_providers` of a terraform block.",
            );
            block.body.attrs.retain(|attr| attr.name != "version");
        }
        self.module.providers.push(Provider { span: block.header, body: block.body });
    }

    pub(super) fn terraform(&mut self, block: &Block) {
        self.only(block, &["required_version", "experiments", "language"], &["required_providers", "backend", "cloud", "provider_meta"]);
        for inner in &block.body.blocks {
            match inner.kind.as_str() {
                "backend" => match backend::read(inner) {
                    Ok(found) => self.module.kept.push(Kept { span: inner.header.clone(), backend: Some(found.kind) }),
                    Err(errors) => self.errors.extend(errors),
                },
                "cloud" => self.module.kept.push(Kept { span: inner.header.clone(), backend: None }),
                "provider_meta" => self.error(Diagnostic::error("\"provider_meta\" is not supported.").at(inner.header.clone())),
                _ => {}
            }
        }
    }
}
