//! What depends on what, over all modules of a configuration.
//!
//! Invariant: pure; it is about blocks, not instances. A module is no node of its own: its variables, local values, resources
//! and outputs are, so that two modules may give values to each other.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Expr, Name, Step, StepKind};
use super::references::{self, output_of};
use super::tree::Tree;
use dofloat_base::diag::{Diagnostic, Span};

/// Something that depends on other things, in a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Local(String),
    Variable(String),
    Resource(Name),
    /// How many instances a module has, and what all that is in it waits for.
    Call(String),
    /// An output of a called module.
    Output(String),
    /// All that is in a called module.
    Whole(String),
}

/// A node and the entry of the tree that it stands in.
pub(super) type At = (usize, Node);

/// What depends on what in modules without errors.
pub(super) struct Links {
    /// Everything, each after what it depends on.
    pub order: Vec<At>,
    /// What depends on resources, by the entry of the tree.
    pub moving: Vec<Moving>,
}

/// What depends on resources in a module, so that it has another value once those are known.
#[derive(Default)]
pub(super) struct Moving {
    /// Local values, each with those among them that it names.
    pub locals: BTreeMap<String, Vec<String>>,
    /// Variables.
    pub variables: BTreeSet<String>,
    /// Outputs.
    pub outputs: BTreeSet<String>,
}

impl Links {
    /// What depends on what.
    ///
    /// # Errors
    /// What goes round in a circle.
    pub(super) fn of(tree: &Tree) -> Result<Self, Vec<Diagnostic>> {
        let graph = Graph::of(tree);
        let (order, circles) = graph.walk();
        if !circles.is_empty() {
            return Err(circles);
        }
        let order = order.into_iter().cloned().collect();
        Ok(Self { order, moving: graph.moving() })
    }
}

struct Graph<'t> {
    tree: &'t Tree,
    nodes: BTreeMap<At, (Span, BTreeSet<At>)>,
}

impl<'t> Graph<'t> {
    fn of(tree: &'t Tree) -> Self {
        let mut graph = Self { tree, nodes: BTreeMap::new() };
        (0..tree.entries.len()).for_each(|at| graph.module(at));
        graph
    }

    fn module(&mut self, at: usize) {
        let module = &self.tree.entries[at].module;
        for (name, local) in &module.locals {
            let mut to = BTreeSet::new();
            self.edges(at, &local.value, &[], &mut to);
            self.add(at, Node::Local(name.clone()), &local.span, to);
        }
        for (name, variable) in &module.variables {
            let mut to = BTreeSet::new();
            for check in &variable.validations {
                self.edges(at, &check.condition, &[], &mut to);
                self.edges(at, &check.message, &[], &mut to);
            }
            // A variable's own value is there before it is validated.
            to.remove(&(at, Node::Variable(name.clone())));
            if let Some((caller, call)) = &self.tree.entries[at].caller {
                let call = &self.tree.entries[*caller].module.calls[call];
                call.value_of(name).into_iter().for_each(|expr| self.edges(*caller, expr, &[], &mut to));
            }
            self.add(at, Node::Variable(name.clone()), &variable.span, to);
        }
        for (name, resource) in &module.resources {
            let mut to = BTreeSet::new();
            resource.expressions(&mut |expr, bound| self.edges(at, expr, bound, &mut to));
            for expr in &resource.triggers {
                self.edges(at, expr, &[], &mut to);
            }
            self.waits(at, &resource.depends_on, &mut to);
            // That is reported as such where it stands.
            to.remove(&(at, Node::Resource(name.clone())));
            self.add(at, Node::Resource(name.clone()), &resource.span, to);
        }
        if at > 0 {
            for (name, output) in &module.outputs {
                let mut to = BTreeSet::new();
                self.edges(at, &output.value, &[], &mut to);
                self.waits(at, &output.depends_on, &mut to);
                self.add(at, Node::Output(name.clone()), &output.span, to);
            }
        }
        self.calls(at);
    }

    fn calls(&mut self, at: usize) {
        for (name, call) in &self.tree.entries[at].module.calls {
            let mut to = BTreeSet::new();
            call.repeat.expr().into_iter().for_each(|expr| self.edges(at, expr, &[], &mut to));
            self.waits(at, &call.depends_on, &mut to);
            self.add(at, Node::Call(name.clone()), &call.span, to);
            let child = self.tree.entries[at].children[name];
            let module = &self.tree.entries[child].module;
            let mut all: BTreeSet<At> = module.resources.keys().map(|name| (child, Node::Resource(name.clone()))).collect();
            all.extend(module.outputs.keys().map(|name| (child, Node::Output(name.clone()))));
            all.extend(module.calls.keys().map(|name| (child, Node::Whole(name.clone()))));
            self.add(at, Node::Whole(name.clone()), &call.span, all);
        }
    }

    /// Adds a node; what stands in a module also depends on how many there are of that.
    fn add(&mut self, at: usize, node: Node, span: &Span, mut to: BTreeSet<At>) {
        if let Some((caller, call)) = &self.tree.entries[at].caller {
            to.insert((*caller, Node::Call(call.clone())));
        }
        self.nodes.insert((at, node), (span.clone(), to));
    }

    /// What `depends_on` names.
    fn waits(&self, at: usize, exprs: &[Expr], to: &mut BTreeSet<At>) {
        for reference in exprs.iter().flat_map(|expr| references::of(expr, &[])) {
            match (reference.root, reference.attr(0)) {
                ("module", Some(name)) if self.tree.entries[at].children.contains_key(name) => {
                    to.insert((at, Node::Whole(name.to_owned())));
                }
                _ => self.edge(at, reference.root, reference.steps, to),
            }
        }
    }

    fn edges(&self, at: usize, expr: &Expr, bound: &[&str], to: &mut BTreeSet<At>) {
        for reference in references::of(expr, bound) {
            self.edge(at, reference.root, reference.steps, to);
        }
    }

    fn edge(&self, at: usize, root: &str, steps: &[Step], to: &mut BTreeSet<At>) {
        let entry = &self.tree.entries[at];
        let Some(StepKind::Attr(name)) = steps.first().map(|step| &step.kind) else { return };
        match root {
            "local" => {
                to.insert((at, Node::Local(name.clone())));
            }
            "var" => {
                to.insert((at, Node::Variable(name.clone())));
            }
            "module" => {
                let Some(&child) = entry.children.get(name) else { return };
                to.insert((at, Node::Call(name.clone())));
                let outputs = &self.tree.entries[child].module.outputs;
                match output_of(steps) {
                    Some(output) if outputs.contains_key(output) => drop(to.insert((child, Node::Output(output.to_owned())))),
                    _ => to.extend(outputs.keys().map(|name| (child, Node::Output(name.clone())))),
                }
            }
            _ => {
                let Some((block, _)) = references::block(root, steps) else { return };
                if entry.module.resources.contains_key(&block) {
                    to.insert((at, Node::Resource(block)));
                }
            }
        }
    }

    /// Everything after what it depends on, and one error for each circle that a walk in order of names meets.
    fn walk(&self) -> (Vec<&At>, Vec<Diagnostic>) {
        // The place on the path; nothing for what is done.
        let mut places: BTreeMap<&At, Option<usize>> = BTreeMap::new();
        let (mut order, mut errors) = (Vec::new(), Vec::new());
        for start in self.nodes.keys() {
            let mut path: Vec<(&At, Vec<&At>)> = Vec::new();
            if !places.contains_key(start) {
                places.insert(start, Some(0));
                path.push((start, self.next(start)));
            }
            while let Some((node, next)) = path.last_mut() {
                let node = *node;
                match next.pop() {
                    None => {
                        places.insert(node, None);
                        order.push(node);
                        path.pop();
                    }
                    Some(to) => match places.get(to) {
                        Some(Some(at)) => {
                            let circle: Vec<&At> = path[*at..].iter().map(|(node, _)| *node).collect();
                            errors.push(self.cycle(&circle));
                        }
                        Some(None) => {}
                        None => {
                            places.insert(to, Some(path.len()));
                            path.push((to, self.next(to)));
                        }
                    },
                }
            }
        }
        (order, errors)
    }

    fn next(&self, node: &At) -> Vec<&At> {
        self.nodes.get(node).map(|(_, to)| to.iter().rev().collect()).unwrap_or_default()
    }

    fn cycle(&self, circle: &[&At]) -> Diagnostic {
        let names: Vec<_> = circle.iter().chain(circle.first()).map(|node| self.name(node)).collect();
        let mut error = Diagnostic::error(format!("These depend on each other in a circle: {}.", names.join(" → ")));
        for (place, node) in circle.iter().filter_map(|node| self.nodes.get(*node).map(|(span, _)| (span, node))) {
            if error.span.is_none() {
                error = error.at(place.clone());
            } else {
                error = error.related(place.clone(), self.name(node));
            }
        }
        error
    }

    fn name(&self, (at, node): &At) -> String {
        let own = match node {
            Node::Local(name) => format!("local.{name}"),
            Node::Variable(name) => format!("var.{name}"),
            Node::Resource((kind, name)) => format!("{kind}.{name}"),
            Node::Call(name) | Node::Whole(name) => format!("module.{name}"),
            Node::Output(name) => format!("output.{name}"),
        };
        self.tree.address(*at).map_or_else(|| own.clone(), |module| format!("{module}.{own}"))
    }

    /// What depends on resources.
    fn moving(&self) -> Vec<Moving> {
        // From the resources backwards, each edge once.
        let mut users: BTreeMap<&At, Vec<&At>> = BTreeMap::new();
        for (node, (_, to)) in &self.nodes {
            for to in to {
                users.entry(to).or_default().push(node);
            }
        }
        let mut open: Vec<&At> = self.nodes.keys().filter(|(_, node)| matches!(node, Node::Resource(_))).collect();
        let mut found = BTreeSet::new();
        while let Some(node) = open.pop() {
            for user in users.get(node).into_iter().flatten() {
                let carries = match user.1 {
                    Node::Local(_) | Node::Output(_) => true,
                    // The values of the stack's own variables are given from outside.
                    Node::Variable(_) => user.0 > 0,
                    Node::Resource(_) | Node::Call(_) | Node::Whole(_) => false,
                };
                if carries && found.insert(*user) {
                    open.push(user);
                }
            }
        }
        let mut moving: Vec<Moving> = self.tree.entries.iter().map(|_| Moving::default()).collect();
        for at in &found {
            match &at.1 {
                Node::Local(name) => {
                    let names = |to: &&At| to.0 == at.0 && found.contains(to);
                    let named = self.nodes[*at].1.iter().filter(names).filter_map(|to| match &to.1 {
                        Node::Local(name) => Some(name.clone()),
                        _ => None,
                    });
                    moving[at.0].locals.insert(name.clone(), named.collect());
                }
                Node::Variable(name) => drop(moving[at.0].variables.insert(name.clone())),
                Node::Output(name) => drop(moving[at.0].outputs.insert(name.clone())),
                _ => {}
            }
        }
        moving
    }
}
