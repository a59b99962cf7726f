//! One element of a `for_each` whose values were not known when the shape was made.
//!
//! Invariant: it is what the whole collection would have under that key, but as little as possible of the collection is
//! made, so that thousands of instances chained to thousands of others stay quick.

use std::sync::Arc;

use super::access;
use super::ast::{Expr, For, Kind, Name};
use super::error::EvalError;
use super::eval::elements;
use super::instances::Sources;
use super::references;
use super::scope::Names;
use super::types;
use super::value::{Data, Val};

/// The element of an expression's value under a key (a text, or a number in a list).
pub(super) fn of(names: &Names<'_>, expr: &Expr, key: &Val) -> Result<Option<Val>, EvalError> {
    match &expr.kind {
        Kind::Paren(inner) | Kind::Wrapped(inner) => of(names, inner, key),
        Kind::Object(items) => object(names, items, key),
        Kind::For(walk) if walk.key.is_some() && !walk.group => from_for(names, expr, walk, key),
        Kind::Traversal(..) => match plain_reference(expr) {
            Some((kind, name)) if kind == "local" && names.local_expr(&name).is_some() => match names.local_expr(&name) {
                Some(value) => of(&names.outside(), value, key),
                None => Ok(None),
            },
            Some(block) => match names.element_of(&block, key) {
                Some(found) => found.map(Some),
                None => whole(names, expr, key),
            },
            None => whole(names, expr, key),
        },
        _ => whole(names, expr, key),
    }
}

/// `TYPE.NAME`, `data.TYPE.NAME` or `local.NAME`, with nothing behind it.
fn plain_reference(expr: &Expr) -> Option<Name> {
    let (root, steps) = expr.target()?;
    references::block(root, steps).filter(|(_, rest)| rest.is_empty()).map(|(block, _)| block)
}

fn object(names: &Names<'_>, items: &[(Expr, Expr)], key: &Val) -> Result<Option<Val>, EvalError> {
    let wanted = types::text_of(&key.data);
    // The last one of a name counts.
    for (name, value) in items.iter().rev() {
        let text = match &name.kind {
            Kind::Name(name) => Some(name.clone()),
            _ => access::key_text(&names.eval().eval(name)?, &name.span)?,
        };
        if text == wanted {
            return names.eval().eval(value).map(Some);
        }
    }
    Ok(None)
}

fn from_for(names: &Names<'_>, expr: &Expr, walk: &For, key: &Val) -> Result<Option<Val>, EvalError> {
    let sources = match names.sources(&expr.span) {
        Some(sources) => sources,
        None => names.remember(&expr.span, sources(names, walk)?),
    };
    let Some(source) = types::text_of(&key.data).and_then(|key| sources.get(&key)) else { return whole(names, expr, key) };
    let Some(value) = of(names, &walk.collection, source)? else { return whole(names, expr, key) };
    let eval = names.eval();
    let found = match &walk.names.key {
        Some(name) => eval.with(name, source.clone(), |eval| eval.with(&walk.names.value, value, |eval| eval.eval(&walk.value))),
        None => eval.with(&walk.names.value, value, |eval| eval.eval(&walk.value)),
    };
    found.map(Some)
}

/// Which element gives which key, as far as the shape alone tells.
fn sources(names: &Names<'_>, walk: &For) -> Result<Sources, EvalError> {
    let shape = names.shape();
    let eval = shape.eval();
    let mut sources = Sources::new();
    let collection = eval.eval(&walk.collection)?;
    let (Some(items), Some(key)) = (elements(&collection, &walk.collection.span)?, &walk.key) else { return Ok(sources) };
    for (source, value) in items {
        let name = match &walk.names.key {
            Some(bound) => eval.with(bound, source.clone(), |eval| eval.with(&walk.names.value, value, |eval| eval.eval(key))),
            None => eval.with(&walk.names.value, value, |eval| eval.eval(key)),
        };
        if let Some(text) = access::key_text(&name?, &key.span)? {
            sources.insert(text, source);
        }
    }
    Ok(sources)
}

/// The element of a collection that had to be made as a whole.
fn whole(names: &Names<'_>, expr: &Expr, key: &Val) -> Result<Option<Val>, EvalError> {
    let all = names.eval().eval(expr)?;
    Ok(match &all.data {
        Data::Map(_, fields) | Data::Object(fields) => types::text_of(&key.data).and_then(|key| fields.get(&key).cloned()),
        Data::List(_, items) | Data::Tuple(items) => match &key.data {
            Data::Number(at) => at.as_u64().and_then(|at| usize::try_from(at).ok()).and_then(|at| items.get(at).cloned()),
            _ => None,
        },
        Data::Set(..) => Some(key.clone()),
        _ => None,
    }
    .map(|found| found.marked(all.sensitive)))
}

impl<'s> Names<'s> {
    fn local_expr(&self, name: &str) -> Option<&'s Expr> {
        self.base().module.locals.get(name).map(|local| &local.value)
    }

    /// One instance of a resource that has several; nothing if there is no such resource, or none under that key.
    fn element_of(&self, block: &Name, key: &Val) -> Option<Result<Val, EvalError>> {
        self.base().module.resources.get(block)?;
        let instances = match self.base().instances(block) {
            Ok(instances) => instances,
            Err(error) => return Some(Err(error)),
        };
        let key = instances.key(key)?;
        let address = self.base().place(block).with_key(Some(key));
        Some(Ok(self.instance(&address, &[]).0))
    }

    fn sources(&self, span: &dofloat_base::diag::Span) -> Option<Arc<Sources>> {
        self.base().sources.lock().ok()?.get(span).cloned()
    }

    fn remember(&self, span: &dofloat_base::diag::Span, sources: Sources) -> Arc<Sources> {
        let sources = Arc::new(sources);
        if let Ok(mut all) = self.base().sources.lock() {
            all.insert(span.clone(), Arc::clone(&sources));
        }
        sources
    }
}
