//! `moved`, `removed` and `import` blocks as they are written.
//!
//! Invariant: their addresses are written out, never computed, but for the key of an import.

use super::{Address, Block, Collect, Diagnostic, EvalError, Expr, Import, Move, Removal, StepKind, Type, Val, constant, error_at};
use crate::value::Data;
use dofloat_base::address::Key;
use dofloat_base::diag::Span;

const FORM: &str = "An address is written TYPE.NAME, without quotes, with a key in brackets where one instance is meant.";

/// The address that an expression writes out. `index` gives the value of a key.
pub(crate) fn target(expr: &Expr, index: &dyn Fn(&Expr) -> Result<Val, EvalError>) -> Result<Address, EvalError> {
    let wrong = |span: &Span| Err(Box::new(Diagnostic::error("This is no address of a resource.").at(span.clone()).hint(FORM)));
    if let Some(text) = expr.text().filter(|_| expr.span.file.ends_with(".json")) {
        return text.parse().or_else(|_| wrong(&expr.span));
    }
    let Some((root, steps)) = expr.target() else { return wrong(&expr.span) };
    let [first, rest @ ..] = steps else { return wrong(&expr.span) };
    let StepKind::Attr(name) = &first.kind else { return wrong(&expr.span) };
    match root {
        "module" => return Err(error_at(&expr.span, "Modules are not supported yet.")),
        "data" => return Err(error_at(&expr.span, "A data source holds no object: there is nothing to move, remove or import.")),
        _ => {}
    }
    let address = Address::new(root, name);
    match rest {
        [] => Ok(address),
        [one] => {
            let StepKind::Index(expr) = &one.kind else { return wrong(&one.span) };
            Ok(address.with_key(Some(key(&index(expr)?, &expr.span)?)))
        }
        _ => wrong(&expr.span),
    }
}

fn key(value: &Val, span: &Span) -> Result<Key, EvalError> {
    let found = match &value.data {
        Data::String(text) if !value.sensitive => Some(Key::Name(text.to_string())),
        Data::Number(number) if !value.sensitive => number.as_u64().map(Key::Index),
        _ => None,
    };
    found.ok_or_else(|| error_at(span, "An instance key is a text or a whole number from 0 on, known before apply, and no secret."))
}

impl Import {
    /// The expression of the key that `to` has.
    pub(crate) fn index(&self) -> Option<&Expr> {
        self.to.root()?.1.iter().find_map(|step| match &step.kind {
            StepKind::Index(expr) => Some(expr),
            _ => None,
        })
    }
}

impl Collect<'_> {
    /// An argument that a block must have.
    fn needed(&mut self, block: &Block, name: &str) -> Option<Expr> {
        let found = block.body.attr(name).map(|attr| attr.value.clone());
        if found.is_none() {
            let article = if block.kind == "import" { "An" } else { "A" };
            self.error(
                Diagnostic::error(format!("{article} {} block needs the argument \"{name}\".", block.kind)).at(block.header.clone()),
            );
        }
        found
    }

    fn address(&mut self, block: &Block, name: &str) -> Option<(Address, Span)> {
        let expr = self.needed(block, name)?;
        match target(&expr, &|key| constant(key, self.host)) {
            Ok(address) => Some((address, expr.span)),
            Err(error) => {
                self.report(error);
                None
            }
        }
    }

    pub(super) fn moved(&mut self, block: &Block) {
        self.only(block, &["from", "to"], &[]);
        let (from, to) = (self.address(block, "from"), self.address(block, "to"));
        let (Some((from, _)), Some((to, span))) = (from, to) else { return };
        if from == to {
            self.error(
                Diagnostic::error(format!("This moves {from} to where it is.")).at(block.header.clone()).hint("Take the block out."),
            );
            return;
        }
        let of = Move { from, to, span: block.header.clone() };
        if of.from.kind != of.to.kind {
            self.module.retyped.push((of.clone(), span));
        }
        self.module.moves.push(of);
    }

    pub(super) fn removed(&mut self, block: &Block) {
        self.only(block, &["from"], &["lifecycle"]);
        let mut destroy = true;
        for (place, lifecycle) in block.body.blocks("lifecycle").enumerate() {
            self.only(lifecycle, &["destroy"], &[]);
            if place > 0 {
                self.error(Diagnostic::error("A removed block has one lifecycle block only.").at(lifecycle.header.clone()));
            }
            match self.constant(lifecycle, "destroy", &Type::Bool).map(|value| value.data) {
                Some(Data::Bool(flag)) => destroy = flag,
                _ if lifecycle.body.attr("destroy").is_none() => {
                    self.error(Diagnostic::error("This lifecycle block needs the argument \"destroy\".").at(lifecycle.header.clone()));
                }
                _ => {}
            }
        }
        let Some((from, span)) = self.address(block, "from") else { return };
        if from.key.is_some() {
            self.error(
                Diagnostic::error("A removed block is about a whole resource, not about one instance of it.")
                    .at(span)
                    .hint("`dofloat state rm` forgets one instance."),
            );
            return;
        }
        let removal = Removal { destroy, span: block.header.clone() };
        self.declare(from, removal, |removal| &removal.span, |module| &mut module.removals, "removal");
    }

    pub(super) fn import(&mut self, block: Block) {
        self.only(&block, &["to", "id", "for_each", "provider"], &[]);
        self.sole_provider(&block);
        let (to, id) = (self.needed(&block, "to"), self.needed(&block, "id"));
        let for_each = block.body.attr("for_each").map(|attr| attr.value.clone());
        if let (Some(to), Some(id)) = (to, id) {
            self.module.imports.push(Import { span: block.header, to, id, for_each });
        }
    }
}
