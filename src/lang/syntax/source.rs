//! A text while it is read: its blocks and arguments, and what is wrong with it.
//!
//! Invariant: places from the parser are relative to the text; `base` makes them the file's.

use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure::{Block as HclBlock, Body as HclBody, Structure};

use super::explain::explained;
use super::lenient;
use crate::ast::{Attr, Block, Body};
use dofloat_base::diag::{Diagnostic, Span};

/// A text while it is read.
pub(super) struct Source<'a> {
    file: Arc<str>,
    pub(super) text: &'a str,
    /// Where the text starts in the file.
    pub(super) base: usize,
    pub(super) errors: Vec<Diagnostic>,
}

/// How a template is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Quoted,
    Heredoc { flush: bool },
    Bare,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &str, text: &'a str, base: usize) -> Self {
        Self { file: file.into(), text, base, errors: Vec::new() }
    }

    pub(super) fn span(&self, range: Range<usize>) -> Span {
        Span { file: Arc::clone(&self.file), start: range.start + self.base, end: range.end + self.base }
    }

    pub(super) fn error(&mut self, range: Range<usize>, message: impl Into<String>) {
        let span = self.span(range);
        self.errors.push(Diagnostic::error(message).at(span));
    }

    /// Parses a text that starts at `base` and adds what it holds.
    pub(super) fn parse_into(&mut self, into: &mut Body, text: &'a str) -> Result<(), (usize, String)> {
        let parsed = lenient::parsed(text, hcl_edit::parser::parse_body).map_err(|error| explained(&error, text))?;
        self.text = text;
        let body = self.body(&parsed);
        into.attrs.extend(body.attrs);
        into.blocks.extend(body.blocks);
        Ok(())
    }

    fn body(&mut self, body: &HclBody) -> Body {
        let mut found = Body::default();
        for structure in body {
            match structure {
                Structure::Attribute(attr) => {
                    let name = attr.key.span().unwrap_or_default();
                    let value = self.expr(&attr.value, name.clone());
                    found.attrs.push(Attr { name: attr.key.as_str().to_owned(), span: self.span(name), value });
                }
                Structure::Block(block) => {
                    let block = self.block(block);
                    found.blocks.push(block);
                }
            }
        }
        found
    }

    fn block(&mut self, block: &HclBlock) -> Block {
        let ident = block.ident.span().unwrap_or_default();
        let labels: Vec<_> = block
            .labels
            .iter()
            .map(|label| {
                let range = label.span().unwrap_or_else(|| ident.clone());
                (label.as_str().to_owned(), self.span(range))
            })
            .collect();
        let mut header = self.span(ident);
        if let Some((_, last)) = labels.last() {
            header.end = last.end;
        }
        for (_, span) in &labels {
            if self.text[span.start - self.base..span.end - self.base].contains('\n') {
                self.errors.push(Diagnostic::error("A label ends on its line: the closing quote is missing.").at(span.clone()));
            }
        }
        Block { kind: block.ident.as_str().to_owned(), labels, header, body: self.body(&block.body) }
    }
}
