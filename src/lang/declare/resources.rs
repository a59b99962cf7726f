//! `resource` and `data` blocks as they are written, with their lifecycle and their dynamic blocks.
//!
//! Invariant: what a kind's own arguments mean is not known here; they are kept as they stand.

use std::collections::BTreeSet;

use super::super::ast::{Block, Body, Expr, Kind, StepKind};
use super::super::declaration::Resource;
use super::super::rendered;
use super::Collect;
use dofloat_base::address::Address;
use dofloat_base::desired::{Ignore, Lifecycle, Prevent};
use dofloat_base::diag::Diagnostic;

impl Collect<'_> {
    /// A data source is a resource that is only read: its type's name tells.
    pub(super) fn data(&mut self, mut block: Block) {
        rendered::complete(&mut block);
        block.labels[0].0 = Address::data_kind(&block.labels[0].0);
        self.resource(block);
    }

    pub(super) fn resource(&mut self, mut block: Block) {
        rendered::complete(&mut block);
        let (kind, name) = (block.labels[0].0.clone(), block.labels[1].0.clone());
        let repeat = self.repeat(&block, "resource");
        self.sole_provider(&block);
        let depends_on = self.list(&block, "depends_on");
        let mut resource = Resource {
            span: block.header.clone(),
            repeat,
            checks: false,
            body: Body::default(),
            depends_on,
            rules: Lifecycle::default(),
            ignore_span: None,
            triggers: Vec::new(),
            preconditions: Vec::new(),
            postconditions: Vec::new(),
            provisioners: if block.kind == "data" { Vec::new() } else { self.provisioners(&mut block) },
        };
        let lifecycles: Vec<Block> = block.body.blocks("lifecycle").cloned().collect();
        for extra in lifecycles.iter().skip(1) {
            self.error(
                Diagnostic::error("A resource has one lifecycle block only.")
                    .at(extra.header.clone())
                    .related(lifecycles[0].header.clone(), "first here"),
            );
        }
        let is_data = block.kind == "data";
        if let Some(lifecycle) = lifecycles.first() {
            self.lifecycle(lifecycle, &mut resource, is_data);
        }
        let dynamic: Vec<Block> = std::mem::take(&mut block.body.blocks).into_iter().filter(|inner| inner.kind != "lifecycle").collect();
        block.body.blocks = dynamic;
        block.body.attrs.retain(|attr| !matches!(attr.name.as_str(), "count" | "for_each" | "provider" | "depends_on"));
        self.dynamics(&block.body);
        resource.body = block.body;
        let what = if is_data { "data source" } else { "resource" };
        self.declare((kind, name), resource, |resource| &resource.span, |module| &mut module.resources, what);
    }

    /// Checks the form of dynamic blocks, wherever they are.
    fn dynamics(&mut self, body: &Body) {
        for block in &body.blocks {
            if block.kind == "dynamic" {
                self.only(block, &["for_each", "iterator", "labels"], &["content"]);
                if block.labels.len() != 1 {
                    self.error(Diagnostic::error("A dynamic block is written `dynamic \"BLOCK\" { … }`.").at(block.header.clone()));
                }
                if block.body.attr("for_each").is_none() {
                    self.error(Diagnostic::error("A dynamic block needs the argument \"for_each\".").at(block.header.clone()));
                }
                if block.body.blocks("content").count() != 1 {
                    self.error(Diagnostic::error("A dynamic block needs one \"content\" block.").at(block.header.clone()));
                }
                if let Some(iterator) = block.body.attr("iterator")
                    && !matches!(iterator.value.kind, Kind::Name(_))
                {
                    self.error(Diagnostic::error("\"iterator\" is a bare name.").at(iterator.value.span.clone()));
                }
                if let Some(content) = block.body.blocks("content").next() {
                    self.dynamics(&content.body);
                }
            } else {
                self.dynamics(&block.body);
            }
        }
    }

    fn lifecycle(&mut self, block: &Block, resource: &mut Resource, is_data: bool) {
        // What is only read is neither made nor destroyed.
        let rules: &[&str] = if is_data {
            &["enabled"]
        } else {
            &["create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by", "enabled"]
        };
        self.only(block, rules, &["precondition", "postcondition"]);
        self.switched(block, &mut resource.repeat);
        resource.rules.create_before_destroy = self.flag(block, "create_before_destroy").unwrap_or(false);
        if self.flag(block, "prevent_destroy") == Some(true) {
            resource.rules.prevent_destroy = block.body.attr("prevent_destroy").map(|attr| Prevent::Written(attr.span.clone()));
        }
        resource.rules.ignore_changes = match block.body.attr("ignore_changes").map(|attr| (&attr.value, &attr.value.kind)) {
            None => Ignore::Nothing,
            Some((_, Kind::Name(name))) if name == "all" => Ignore::All,
            Some((_, Kind::Tuple(items))) => self.ignored(items),
            Some((value, _)) => {
                self.error(Diagnostic::error("\"ignore_changes\" is a list of arguments in brackets, or `all`.").at(value.span.clone()));
                Ignore::Nothing
            }
        };
        resource.ignore_span = block.body.attr("ignore_changes").map(|attr| attr.value.span.clone());
        resource.triggers = self.list(block, "replace_triggered_by");
        resource.preconditions = block.body.blocks("precondition").filter_map(|block| self.check(block)).collect();
        resource.postconditions = block.body.blocks("postcondition").filter_map(|block| self.check(block)).collect();
    }

    fn ignored(&mut self, items: &[Expr]) -> Ignore {
        let mut names = BTreeSet::new();
        for item in items {
            match (item.root(), item.text()) {
                (Some((root, steps)), _) if steps.iter().all(|step| !matches!(step.kind, StepKind::Splat | StepKind::AttrSplat)) => {
                    names.insert(root.to_owned());
                }
                (None, Some(name)) => {
                    let (all, place) = (name == "*", &item.span);
                    let hint = if all { "Write `ignore_changes = all`.".to_owned() } else { format!("Write `{name}`.") };
                    self.warning(place, "A reference in quotes is an old way to write it.", hint);
                    names.insert(name.to_owned());
                }
                _ => self.error(Diagnostic::error("\"ignore_changes\" holds names of arguments.").at(item.span.clone())),
            }
        }
        if names.contains("*") { Ignore::All } else { Ignore::Names(names) }
    }
}
