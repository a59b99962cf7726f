//! Everything in a configuration that needs no resource, computed once: the shape, and the values that follow from it.
//!
//! Invariant: each part after those that it depends on, so that none is computed within another one, and chains may be as
//! long as anybody likes.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::budget::Budget;
use super::error::{EvalError, error_at};
use super::graph::Node;
use super::instances::{Here, Instances};
use super::scope::{Base, Called, Names, Shared, visit};
use super::shape;
use super::value::Val;
use dofloat_base::address::{Address, Key};
use dofloat_base::diag::Span;

impl<'a> Base<'a> {
    /// The stack's own module, and all that it calls, with everything computed that needs no resource.
    pub(super) fn compute(shared: Shared<'a>, variables: BTreeMap<String, Val>) -> Self {
        let shared = Arc::new(shared);
        let mut base = Self::new(Arc::clone(&shared), 0, None);
        for (name, value) in variables {
            base.variables.insert(name, OnceLock::from(Ok(value)));
        }
        let mut rooms = 1;
        // Each after those that it depends on: so none is computed within another one, and chains may be as long as anybody likes.
        for (at, node) in &shared.links.order {
            let path = shared.tree.path(*at);
            match node {
                Node::Call(name) => {
                    let mut found = Vec::new();
                    visit(&Names::new(&base, None, Here::Plain), &path, &mut |names| found.push(names.called(name)));
                    let span = &shared.tree.entries[*at].module.calls[name].span;
                    let mut found =
                        found.into_iter().map(|instances| within_bounds(instances, &mut rooms, span)).collect::<Vec<_>>().into_iter();
                    base.enter(&path, &mut |room| {
                        if let Some(instances) = found.next() {
                            room.open(name, instances);
                        }
                    });
                }
                node => visit(&Names::new(&base, None, Here::Plain), &path, &mut |names| names.fill(node)),
            }
        }
        base
    }

    /// Makes the instances of a module that is called here.
    fn open(&mut self, name: &str, instances: Result<Instances, EvalError>) {
        let child = self.shared.tree.entries[self.at].children[name];
        let keys = instances.as_ref().map(Instances::keys).unwrap_or_default();
        let room = |key: Option<Key>| {
            let address = Address::module(name).with_key(key.clone()).inside(self.address.as_ref());
            (key, Self::new(Arc::clone(&self.shared), child, Some(address)))
        };
        let rooms = keys.into_iter().map(room).collect();
        self.calls.insert(name.to_owned(), Called { instances, rooms });
    }

    /// Every instance of the module that calls lead to, in order.
    fn enter(&mut self, path: &[&str], with: &mut dyn FnMut(&mut Self)) {
        match path.split_first() {
            None => with(self),
            Some((name, rest)) => {
                self.calls.get_mut(*name).into_iter().flat_map(|called| called.rooms.values_mut()).for_each(|room| room.enter(rest, with));
            }
        }
    }
}

/// More module instances than anybody wants in one stack.
const MOST_ROOMS: usize = 10_000;

fn within_bounds(instances: Result<Instances, EvalError>, rooms: &mut usize, span: &Span) -> Result<Instances, EvalError> {
    *rooms += instances.as_ref().map_or(0, |instances| instances.keys().len());
    if *rooms > MOST_ROOMS {
        return Err(error_at(span, format!("There are more than {MOST_ROOMS} instances of modules.")));
    }
    instances
}

impl Names<'_> {
    /// Computes what needs no resource.
    fn fill(&self, node: &Node) {
        let base = self.base();
        let eval = |expr| self.outside().eval().eval(expr);
        match node {
            Node::Local(name) => {
                base.locals.get(name).map(|cell| cell.get_or_init(|| eval(&base.module.locals[name].value)));
            }
            Node::Variable(name) => {
                base.variables.get(name).map(|cell| cell.get_or_init(|| self.argument(name, &Budget::default())));
            }
            Node::Output(name) => {
                base.outputs.get(name).map(|cell| cell.get_or_init(|| self.output(name, &Budget::default())));
            }
            Node::Resource(name) => {
                let of = |cell: &OnceLock<_>| {
                    let about = base.place(name).to_string();
                    cell.get_or_init(|| shape::instances(self, &about, &base.module.resources[name].repeat)).is_ok()
                };
                base.instances.get(name).map(of);
            }
            Node::Call(_) | Node::Whole(_) => {}
        }
    }

    /// How many instances of a module that is called here there are.
    fn called(&self, name: &str) -> Result<Instances, EvalError> {
        let about = Address::module(name).inside(self.base().address.as_ref()).to_string();
        shape::instances(self, &about, &self.base().module.calls[name].repeat)
    }
}
