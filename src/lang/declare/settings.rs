//! `provider` and `terraform` blocks as they are written, and the names by which others choose a provider.
//!
//! Invariant: what has no effect here is an error or a warning, but for what only tells Terraform which releases to use. Whether
//! an alias is there, and whether it is of the same account, is for others to judge.

use super::Collect;
use crate::ast::{Block, Expr, Kind, StepKind};
use crate::backend;
use crate::declaration::{Alias, Kept, Provider};
use crate::references;
use dofloat_base::diag::Diagnostic;
use dofloat_base::provider::local_name;

/// The provider that has settings here.
const OFFICIAL: &str = "digitalocean";

/// The name of a provider, and its alias: `NAME` or `NAME.ALIAS`, in quotes too.
pub(super) fn named(expr: &Expr) -> Option<(&str, Option<&str>)> {
    let Some(text) = expr.text() else {
        let (root, steps) = expr.root()?;
        return match steps {
            [] => Some((root, None)),
            [step] => match &step.kind {
                StepKind::Attr(alias) => Some((root, Some(alias))),
                _ => None,
            },
            _ => None,
        };
    };
    let (root, alias) = text.split_once('.').map_or((text, None), |(root, alias)| (root, Some(alias)));
    (references::is_name(root) && alias.is_none_or(references::is_name)).then_some((root, alias))
}

/// The alias, if it is one of the official provider.
pub(super) fn alias(expr: &Expr) -> Option<Alias> {
    let (root, alias) = named(expr)?;
    let name = alias.filter(|_| root == OFFICIAL)?.to_owned();
    Some(Alias { name, span: expr.span.clone() })
}

impl Collect<'_> {
    /// Reports a provider that is neither the official one, whichever its alias, nor that of what is built in.
    pub(super) fn sole_provider(&mut self, block: &Block) {
        let Some(value) = block.body.attr("provider").map(|attr| &attr.value) else { return };
        let kind = block.labels.first().map_or("", |(kind, _)| kind.strip_prefix("data.").unwrap_or(kind));
        let known = named(value).is_some_and(|(root, _)| root == OFFICIAL || local_name(kind) == root);
        if !known {
            self.error(
                Diagnostic::error("This provider is not supported; the one that has settings here is `digitalocean`.")
                    .at(value.span.clone())
                    .hint("Remove the `provider` argument."),
            );
        } else if let Some(text) = value.text() {
            self.warning(&value.span, "A reference in quotes is an old way to write it.", format!("Write `{text}`."));
        }
        self.module.chosen.extend(alias(value));
    }

    /// The `alias` of a provider block; an error if it cannot be one.
    fn alias(&mut self, block: &Block) -> Result<Option<String>, ()> {
        let Some(attr) = block.body.attr("alias") else { return Ok(None) };
        let alias = self.text(block, "alias").ok_or(())?;
        if references::is_name(&alias) {
            return Ok(Some(alias));
        }
        self.error(
            Diagnostic::error(format!("\"{alias}\" cannot be an alias."))
                .at(attr.value.span.clone())
                .hint("It has letters, digits, `_` and `-`, and starts with no digit."),
        );
        Err(())
    }

    pub(super) fn provider(&mut self, mut block: Block) {
        let (name, span) = &block.labels[0];
        if name != OFFICIAL {
            self.error(
                Diagnostic::error(format!("The provider \"{name}\" is not supported; the only one is \"digitalocean\"."))
                    .at(span.clone())
                    .hint("Remove the block."),
            );
            return;
        }
        let Ok(alias) = self.alias(&block) else { return };
        block.body.attrs.retain(|attr| attr.name != "alias");
        if let Some(first) = self.module.providers.iter().find(|provider| provider.alias == alias) {
            let message = match &alias {
                Some(alias) => format!("The provider `{OFFICIAL}.{alias}` is configured twice."),
                None => "This provider is configured twice.".to_owned(),
            };
            let error = Diagnostic::error(message).at(block.header.clone()).related(first.span.clone(), "first here");
            self.error(error.hint("Give each further one an `alias` of its own."));
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
        self.module.providers.push(Provider { span: block.header, alias, body: block.body });
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
                "required_providers" => self.handed(inner),
                _ => {}
            }
        }
    }

    /// The aliases that a module is handed on by whoever calls it.
    fn handed(&mut self, required: &Block) {
        for attr in &required.body.attrs {
            let Kind::Object(items) = &attr.value.kind else { continue };
            let listed = items.iter().filter(|(key, _)| named(key) == Some(("configuration_aliases", None)));
            for (_, value) in listed {
                let Kind::Tuple(names) = &value.kind else {
                    self.error(Diagnostic::error("\"configuration_aliases\" is a list in brackets.").at(value.span.clone()));
                    continue;
                };
                self.module.handed.extend(names.iter().filter_map(alias).map(|alias| alias.name));
                for name in names.iter().filter(|name| named(name).is_none()) {
                    self.error(
                        Diagnostic::error("\"configuration_aliases\" holds names of providers.")
                            .at(name.span.clone())
                            .hint(format!("Write `{OFFICIAL}.ALIAS`.")),
                    );
                }
            }
        }
    }
}
