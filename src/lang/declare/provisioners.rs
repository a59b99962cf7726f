//! `provisioner` and `connection` blocks as they are written.
//!
//! Invariant: a provisioner that is declared is one that could be run: its kind, its arguments and its connection's are checked.
//! Whether it is run is not decided here.

use super::Collect;
use crate::ast::{Block, Body};
use crate::error::suggest;
use crate::provisioner::{Provisioner, connection, settings};
use dofloat_base::diag::Diagnostic;
use dofloat_base::provision::When;

impl Collect<'_> {
    /// Takes the provisioners and their connection out of a resource's block.
    pub(super) fn provisioners(&mut self, block: &mut Block) -> Vec<Provisioner> {
        let all = std::mem::take(&mut block.body.blocks);
        let (own, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|inner| matches!(inner.kind.as_str(), "provisioner" | "connection"));
        block.body.blocks = rest;
        let shared = self.sole_connection(own.iter().filter(|inner| inner.kind == "connection"));
        own.iter().filter(|inner| inner.kind == "provisioner").filter_map(|inner| self.provisioner(inner, shared.as_ref())).collect()
    }

    fn provisioner(&mut self, block: &Block, shared: Option<&Body>) -> Option<Provisioner> {
        let [(kind, place)] = block.labels.as_slice() else {
            self.error(Diagnostic::error("A provisioner block is written `provisioner \"KIND\" { … }`.").at(block.header.clone()));
            return None;
        };
        let Some(known) = settings(kind) else {
            let error = Diagnostic::error(format!("There is no provisioner \"{kind}\"; Terraform has none of that name either."));
            let error = error.at(place.clone()).hint("There are \"remote-exec\", \"file\" and \"local-exec\".");
            self.report(suggest(error, kind, ["remote-exec", "file", "local-exec"].into_iter()));
            return None;
        };
        let attrs: Vec<&str> = known.keys().map(String::as_str).chain(["when", "on_failure"]).collect();
        self.only(block, &attrs, &["connection"]);
        self.complete(block, kind);
        let when = match self.keyword(block, "when", ["create", "destroy"]).as_deref() {
            Some("destroy") => When::Destroy,
            _ => When::Create,
        };
        let goes_on = self.keyword(block, "on_failure", ["continue", "fail"]).as_deref() == Some("continue");
        let own = self.sole_connection(block.body.blocks("connection"));
        let mut settings = Body { attrs: block.body.attrs.clone(), blocks: Vec::new() };
        settings.attrs.retain(|attr| known.contains_key(&attr.name));
        let connection = over(shared, own.as_ref());
        Some(Provisioner { span: block.header.clone(), kind: kind.clone(), when, goes_on, settings, connection })
    }

    /// What a provisioner must have, and what excludes what.
    fn complete(&mut self, block: &Block, kind: &str) {
        let given = |name: &&&str| block.body.attr(name).is_some();
        let (one_of, needed): (&[&str], &[&str]) = match kind {
            "file" => (&["source", "content"], &["destination"]),
            "remote-exec" => (&["inline", "script", "scripts"], &[]),
            _ => (&[], &["command"]),
        };
        for missing in needed.iter().filter(|name| !given(name)) {
            self.error(Diagnostic::error(format!("A {kind} provisioner needs the argument \"{missing}\".")).at(block.header.clone()));
        }
        if !one_of.is_empty() && one_of.iter().filter(given).count() != 1 {
            let names = one_of.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            self.error(Diagnostic::error(format!("A {kind} provisioner has one of the arguments {names}.")).at(block.header.clone()));
        }
    }

    /// A word that stands for itself; quotes around it are an old way to write it.
    fn keyword(&mut self, block: &Block, name: &str, words: [&str; 2]) -> Option<String> {
        let value = block.body.attr(name)?.value.clone();
        let bare = value.root().filter(|(_, steps)| steps.is_empty()).map(|(root, _)| root);
        if let Some(text) = value.text().filter(|text| words.contains(text)) {
            self.warning(&value.span, "A keyword in quotes is an old way to write it.", format!("Write `{text}`."));
            return Some(text.to_owned());
        }
        if bare.is_none_or(|bare| !words.contains(&bare)) {
            self.error(Diagnostic::error(format!("\"{name}\" is `{}` or `{}`.", words[0], words[1])).at(value.span.clone()));
            return None;
        }
        bare.map(str::to_owned)
    }

    fn sole_connection<'b>(&mut self, mut blocks: impl Iterator<Item = &'b Block>) -> Option<Body> {
        let first = blocks.next()?;
        for extra in blocks {
            let error = Diagnostic::error("There is one connection block only.").at(extra.header.clone());
            self.error(error.related(first.header.clone(), "first here"));
        }
        let known: Vec<&str> = connection().keys().map(String::as_str).collect();
        self.only(first, &known, &[]);
        Some(first.body.clone())
    }
}

/// A connection, with what a nearer block says in place of it.
fn over(shared: Option<&Body>, own: Option<&Body>) -> Body {
    let is_own = |name: &str| own.is_some_and(|own| own.attr(name).is_some());
    let rest = shared.iter().flat_map(|shared| &shared.attrs).filter(|attr| !is_own(&attr.name));
    Body { attrs: own.iter().flat_map(|own| &own.attrs).chain(rest).cloned().collect(), blocks: Vec::new() }
}
