//! What an expression refers to: every reference with its whole path, and every call, wherever it stands.
//!
//! Invariant: names that a `for` or a dynamic block binds are no references; branches that no evaluation would reach count
//! like all others.

use std::collections::BTreeMap;

use super::ast::{Call, Expr, Kind, Name, Names, Part, Step, StepKind, short};
use super::functions;
use super::value::Val;
use dofloat_base::address::Address;
use dofloat_base::diag::{Diagnostic, Span};

/// A reference: `digitalocean_droplet.web[0].id` has the root `digitalocean_droplet` and three steps, and so has
/// `resource.digitalocean_droplet.web[0].id`.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// The first name.
    pub root: &'a str,
    /// What follows.
    pub steps: &'a [Step],
    /// Where it stands.
    pub span: &'a Span,
}

impl<'a> Reference<'a> {
    /// The name of the step at that place, if it is an attribute.
    #[must_use]
    pub fn attr(&self, at: usize) -> Option<&'a str> {
        match self.steps.get(at).map(|step| &step.kind) {
            Some(StepKind::Attr(name)) => Some(name),
            _ => None,
        }
    }

    /// The block that it names, and the steps that follow it.
    #[must_use]
    pub fn block(&self) -> Option<(Name, &'a [Step])> {
        block(self.root, self.steps)
    }
}

/// The block that a reference names, and the steps that follow it: `digitalocean_droplet.web`, `data.digitalocean_image.base`.
#[must_use]
pub fn block<'a>(root: &str, steps: &'a [Step]) -> Option<(Name, &'a [Step])> {
    let attr = |at: usize| match steps.get(at).map(|step| &step.kind) {
        Some(StepKind::Attr(name)) => Some(name.clone()),
        _ => None,
    };
    match root {
        "data" => Some(((Address::data_kind(&attr(0)?), attr(1)?), &steps[2..])),
        _ => Some(((root.to_owned(), attr(0)?), &steps[1..])),
    }
}

/// The output that a reference to a module names, behind the name of its call and a key.
#[must_use]
pub fn output_of(steps: &[Step]) -> Option<&str> {
    let behind = match steps.get(1).map(|step| &step.kind) {
        Some(StepKind::Index(_) | StepKind::LegacyIndex(_) | StepKind::Splat | StepKind::AttrSplat) => 2,
        _ => 1,
    };
    match steps.get(behind).map(|step| &step.kind) {
        Some(StepKind::Attr(name)) => Some(name),
        _ => None,
    }
}

/// What a walk finds.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// A reference.
    Reference(Reference<'a>),
    /// A call.
    Call(&'a Call, &'a Span),
}

/// Walks an expression. `bound` are names that are bound around it.
pub fn walk<'a>(expr: &'a Expr, bound: &[&'a str], visit: &mut dyn FnMut(Found<'a>)) {
    let mut walker = Walker { bound: bound.to_vec(), visit };
    walker.expr(expr);
}

/// The references of an expression.
#[must_use]
pub fn of<'a>(expr: &'a Expr, bound: &[&'a str]) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    walk(expr, bound, &mut |what| {
        if let Found::Reference(reference) = what {
            found.push(reference);
        }
    });
    found
}

/// The first name of a template that is not among its values, or function that is not there.
#[must_use]
pub fn unbound(expr: &Expr, given: &BTreeMap<String, Val>) -> Option<Diagnostic> {
    let mut error = None;
    let bound: &[&str] = if given.contains_key("resource") { &["resource"] } else { &[] };
    walk(expr, bound, &mut |what| match what {
        Found::Reference(reference) if error.is_none() && !given.contains_key(reference.root) => {
            let message = format!("The template uses \"{}\", which is not among the values it is given.", reference.root);
            error = Some(Diagnostic::error(message).at(reference.span.clone()));
        }
        Found::Call(call, _) if error.is_none() && !functions::is_known(&call.name) => error = Some(*functions::unknown(call)),
        _ => {}
    });
    error
}

/// Whether a text can be a name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

struct Walker<'a, 'v> {
    bound: Vec<&'a str>,
    visit: &'v mut dyn FnMut(Found<'a>),
}

impl<'a> Walker<'a, '_> {
    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            Kind::Literal(_) => {}
            Kind::Template(parts) => self.parts(parts),
            Kind::Wrapped(of) | Kind::Paren(of) | Kind::Unary(_, of) => self.expr(of),
            Kind::Tuple(items) => items.iter().for_each(|item| self.expr(item)),
            Kind::Object(items) => items.iter().for_each(|(key, value)| {
                if !matches!(key.kind, Kind::Name(_)) {
                    self.expr(key);
                }
                self.expr(value);
            }),
            Kind::Name(name) => self.reference(name, &[], &expr.span),
            Kind::Traversal(of, steps) => {
                match &of.kind {
                    Kind::Name(name) => self.reference(name, steps, &expr.span),
                    _ => self.expr(of),
                }
                for step in steps {
                    if let StepKind::Index(index) = &step.kind {
                        self.expr(index);
                    }
                }
            }
            Kind::Call(call) => {
                (self.visit)(Found::Call(call, &expr.span));
                call.args.iter().for_each(|arg| self.expr(arg));
            }
            Kind::Binary(_, of) => {
                self.expr(&of.0);
                self.expr(&of.1);
            }
            Kind::Conditional(of) => {
                self.expr(&of.0);
                self.expr(&of.1);
                self.expr(&of.2);
            }
            Kind::For(of) => {
                self.expr(&of.collection);
                self.inside(&of.names, |walker| {
                    [of.condition.as_ref(), of.key.as_ref(), Some(&of.value)].into_iter().flatten().for_each(|part| walker.expr(part));
                });
            }
        }
    }

    fn reference(&mut self, root: &'a str, steps: &'a [Step], span: &'a Span) {
        if !self.bound.contains(&root) {
            let (root, steps) = short(root, steps);
            (self.visit)(Found::Reference(Reference { root, steps, span }));
        }
    }

    fn parts(&mut self, parts: &'a [Part]) {
        for part in parts {
            match part {
                Part::Text(_) => {}
                Part::Insert(expr) => self.expr(expr),
                Part::If(of) => {
                    self.expr(&of.0);
                    self.parts(&of.1);
                    self.parts(&of.2);
                }
                Part::For(of) => {
                    self.expr(&of.1);
                    self.inside(&of.0, |walker| walker.parts(&of.2));
                }
            }
        }
    }

    fn inside(&mut self, names: &'a Names, walk: impl FnOnce(&mut Self)) {
        let before = self.bound.len();
        self.bound.extend(names.key.as_deref());
        self.bound.push(&names.value);
        walk(self);
        self.bound.truncate(before);
    }
}
