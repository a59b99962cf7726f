//! The whole shape of a stack: every instance of every module, and what each must come after.
//!
//! Invariant: what an expression leads to is found through local values, variables and outputs of modules too, each looked at
//! once; nothing is evaluated but indexes.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::ast::{Expr, Name, StepKind};
use super::declaration::Resource;
use super::error::EvalError;
use super::graph::Node;
use super::instances::{Here, Instances};
use super::moves;
use super::references::{self, Reference};
use super::scope::{Base, Names, visit};
use dofloat_base::address::Address;
use dofloat_base::desired::{Desired, Reading, Trigger, Wanted};
use dofloat_base::diag::Diagnostic;

/// More instances that depend on each other than any order can be found for in good time: each of 500 on each of 500 others.
const MOST_LINKS: usize = 250_000;

/// What an expression leads to.
#[derive(Clone, Debug)]
enum Target {
    /// A resource, and the index where one is written.
    Block { block: Name, index: Option<Expr> },
    /// An output of a module that is called, or all of them, and the index where one is written.
    Output { call: String, index: Option<Expr>, output: Option<String> },
    /// All that is in a module that is called.
    Whole { call: String, index: Option<Expr> },
    /// What is known to be meant.
    Instances(Rc<BTreeSet<Address>>),
}

/// What something in a module instance leads to, by the address of that and by the name.
type Found<'b, T> = BTreeMap<(Option<&'b Address>, &'b str), Rc<T>>;

/// The resources that references lead to, through what stands between.
struct Targets<'b> {
    /// What each local value leads to; one that only names another one shares that one's.
    locals: Found<'b, Vec<Target>>,
    variables: Found<'b, BTreeSet<Address>>,
    outputs: Found<'b, BTreeSet<Address>>,
    /// What all that is in a module instance waits for.
    waits: BTreeMap<&'b Address, Rc<BTreeSet<Address>>>,
}

impl<'b> Targets<'b> {
    fn new(base: &'b Base<'b>) -> Self {
        let mut targets = Self { locals: BTreeMap::new(), variables: BTreeMap::new(), outputs: BTreeMap::new(), waits: BTreeMap::new() };
        let shared = &base.shared;
        // In this order what something names has been looked at before.
        for (at, node) in &shared.links.order {
            let moving = &shared.links.moving[*at];
            let path = shared.tree.path(*at);
            let each = |with: &mut dyn FnMut(&Names<'b>)| visit(&Names::new(base, None, Here::Plain), &path, with);
            match node {
                Node::Local(name) if moving.locals.contains_key(name) => each(&mut |names| targets.local(names, name)),
                Node::Variable(name) if moving.variables.contains(name) => each(&mut |names| targets.variable(names, name)),
                Node::Output(name) => each(&mut |names| targets.output(names, name)),
                Node::Call(name) => each(&mut |names| targets.call(names, name)),
                _ => {}
            }
        }
        targets
    }

    fn local(&mut self, names: &Names<'b>, name: &'b str) {
        let base = names.base();
        let (module, expr) = (base.address.as_ref(), &base.module.locals[name].value);
        if let [one] = references::of(expr, &[]).as_slice()
            && one.root == "local"
            && let Some(shared) = one.attr(0).and_then(|name| self.locals.get(&(module, name)))
        {
            let shared = Rc::clone(shared);
            self.locals.insert((module, name), shared);
            return;
        }
        let mut found = Vec::new();
        self.of(base, expr, &[], &mut found);
        // A value that holds another one twice leads nowhere else for that; without this, a few lines double it without end.
        let mut seen = BTreeSet::new();
        let place = |index: &Option<Expr>| index.as_ref().map(|index| index.span.clone());
        found.retain(|target| match target {
            Target::Block { block, index } => seen.insert((block.clone(), place(index), None)),
            Target::Output { call, index, output } => seen.insert((("module".to_owned(), call.clone()), place(index), output.clone())),
            Target::Whole { .. } | Target::Instances(_) => true,
        });
        self.locals.insert((module, name), Rc::new(found));
    }

    fn variable(&mut self, names: &Names<'b>, name: &'b str) {
        let base = names.base();
        let (Some(outer), Some((_, call))) = (names.outer(), &base.shared.tree.entries[base.at].caller) else { return };
        let mut found = Vec::new();
        for expr in outer.base().module.calls[call].value_of(name) {
            self.of(outer.base(), expr, &[], &mut found);
        }
        let all = found.iter().flat_map(|target| self.addresses(target, outer)).collect();
        self.variables.insert((base.address.as_ref(), name), Rc::new(all));
    }

    fn output(&mut self, names: &Names<'b>, name: &'b str) {
        let base = names.base();
        let output = &base.module.outputs[name];
        let mut found = Vec::new();
        self.of(base, &output.value, &[], &mut found);
        self.waiting(base, &output.depends_on, &mut found);
        let all: BTreeSet<Address> = found.iter().flat_map(|target| self.addresses(target, names)).collect();
        if !all.is_empty() {
            self.outputs.insert((base.address.as_ref(), name), Rc::new(all));
        }
    }

    /// What the instances of a module that is called wait for.
    fn call(&mut self, names: &Names<'b>, name: &str) {
        let base = names.base();
        let (call, outer) = (&base.module.calls[name], base.address.as_ref().and_then(|address| self.waits.get(address)).cloned());
        let all = if call.depends_on.is_empty() {
            outer
        } else {
            let mut found = Vec::new();
            self.waiting(base, &call.depends_on, &mut found);
            let own = found.iter().flat_map(|target| self.addresses(target, names));
            Some(Rc::new(outer.iter().flat_map(|outer| outer.iter().cloned()).chain(own).collect()))
        };
        let (Some(all), Some(called)) = (all, base.calls.get(name)) else { return };
        for address in called.rooms.values().filter_map(|room| room.address.as_ref()) {
            self.waits.insert(address, Rc::clone(&all));
        }
    }

    /// Adds what an expression leads to. A local value's indexes count for nothing: they are not the instance's own.
    fn of(&self, base: &'b Base<'b>, expr: &Expr, bound: &[&str], into: &mut Vec<Target>) {
        for reference in references::of(expr, bound) {
            let Some(name) = reference.attr(0) else { continue };
            match reference.root {
                "local" | "var" => into.extend(self.behind(base, &reference)),
                "module" => {
                    let output = references::output_of(reference.steps).map(str::to_owned);
                    into.push(Target::Output { call: name.to_owned(), index: index(&reference, 1), output });
                }
                _ => into.extend(block(base, &reference)),
            }
        }
    }

    /// Adds what `depends_on` names.
    fn waiting(&self, base: &'b Base<'b>, exprs: &[Expr], into: &mut Vec<Target>) {
        for reference in exprs.iter().flat_map(|expr| references::of(expr, &[])) {
            match (reference.root, reference.attr(0)) {
                ("module", Some(name)) => into.push(Target::Whole { call: name.to_owned(), index: index(&reference, 1) }),
                ("var" | "local", _) => into.extend(self.behind(base, &reference)),
                _ => into.extend(block(base, &reference)),
            }
        }
    }

    /// What a variable's or a local value's own value leads to.
    fn behind(&self, base: &'b Base<'b>, reference: &Reference<'_>) -> Vec<Target> {
        let Some(name) = reference.attr(0) else { return Vec::new() };
        let key = (base.address.as_ref(), name);
        let found = self.variables.get(&key).filter(|_| reference.root == "var").cloned().map(Target::Instances);
        let local = self.locals.get(&key).filter(|_| reference.root == "local");
        found.into_iter().chain(local.into_iter().flat_map(|found| found.iter().cloned())).collect()
    }

    /// All that the instances of a resource may lead to.
    fn resource(&self, base: &'b Base<'b>, resource: &Resource) -> Vec<Target> {
        let mut found = Vec::new();
        resource.expressions(&mut |expr, bound| self.of(base, expr, bound, &mut found));
        resource.triggers.iter().for_each(|expr| self.of(base, expr, &[], &mut found));
        self.waiting(base, &resource.depends_on, &mut found);
        for check in &resource.postconditions {
            self.of(base, &check.condition, &["self"], &mut found);
            self.of(base, &check.message, &["self"], &mut found);
        }
        found
    }

    /// The instances that a target means: one where its index is known, else all.
    fn addresses(&self, target: &Target, names: &Names<'b>) -> BTreeSet<Address> {
        let base = names.base();
        let rooms = |call: &str, index: &Option<Expr>| -> Vec<&'b Base<'b>> {
            let Some(called) = base.calls.get(call) else { return Vec::new() };
            let Ok(instances) = &called.instances else { return Vec::new() };
            let one = index.as_ref().and_then(|index| instances.key(&names.eval().eval(index).ok()?));
            called.rooms.iter().filter(|(key, _)| one.is_none() || **key == one).map(|(_, room)| room).collect()
        };
        match target {
            Target::Block { block, index } => instances(names, block, index.as_ref()).into_iter().collect(),
            Target::Instances(all) => (**all).clone(),
            Target::Whole { call, index } => rooms(call, index).into_iter().flat_map(all_in).collect(),
            Target::Output { call, index, output } => {
                let mut all = BTreeSet::new();
                for room in rooms(call, index) {
                    let wanted = room.module.outputs.keys().filter(|name| output.as_ref().is_none_or(|output| output == *name));
                    let found = wanted.filter_map(|name| self.outputs.get(&(room.address.as_ref(), name.as_str())));
                    all.extend(found.flat_map(|found| found.iter().cloned()));
                }
                all
            }
        }
    }
}

/// Every resource instance in a module instance.
fn all_in(base: &Base<'_>) -> Vec<Address> {
    let own = base.module.resources.keys().flat_map(|name| {
        let keys = base.instances(name).map(Instances::keys).unwrap_or_default();
        keys.into_iter().map(|key| base.place(name).with_key(key))
    });
    own.chain(base.calls.values().flat_map(|called| called.rooms.values()).flat_map(all_in)).collect()
}

fn index(reference: &Reference<'_>, at: usize) -> Option<Expr> {
    match reference.steps.get(at).map(|step| &step.kind) {
        Some(StepKind::Index(index)) => Some(index.clone()),
        _ => None,
    }
}

/// The resource that a reference names.
fn block(base: &Base<'_>, reference: &Reference<'_>) -> Option<Target> {
    let (block, rest) = references::block(reference.root, reference.steps)?;
    let index = index(reference, reference.steps.len() - rest.len());
    base.module.resources.contains_key(&block).then_some(Target::Block { block, index })
}

/// The instances of a resource that an index means: one where it is known, else all.
fn instances(names: &Names<'_>, block: &Name, index: Option<&Expr>) -> Vec<Address> {
    let base = names.base();
    let address = base.place(block);
    let Ok(instances) = base.instances(block) else { return Vec::new() };
    let one = index.and_then(|index| instances.key(&names.eval().eval(index).ok()?));
    match one {
        Some(key) => vec![address.with_key(Some(key))],
        None => instances.keys().into_iter().map(|key| address.with_key(key)).collect(),
    }
}

/// The whole shape.
pub(super) fn desired<'b>(base: &'b Base<'b>) -> Result<Desired, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    unshaped(base, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let targets = Targets::new(base);
    let mut desired = Desired::default();
    let mut links = 0;
    for at in 0..base.shared.tree.entries.len() {
        let path = base.shared.tree.path(at);
        let mut failed = Ok(());
        visit(&Names::new(base, None, Here::Plain), &path, &mut |names| {
            if failed.is_ok() {
                failed = put(&targets, names, &mut desired, &mut links);
            }
        });
        failed.map_err(|error| vec![*error])?;
    }
    desired.follow_data();
    errors = moves::put(base, &mut desired);
    if errors.is_empty() { Ok(desired) } else { Err(errors) }
}

/// What keeps the shape from being known.
fn unshaped(base: &Base<'_>, errors: &mut Vec<Diagnostic>) {
    let own = base.module.resources.keys().filter_map(|name| base.instances(name).err());
    let called = base.calls.values().filter_map(|called| called.instances.as_ref().err().cloned());
    for error in own.chain(called) {
        if !errors.contains(&*error) {
            errors.push(*error);
        }
    }
    base.calls.values().flat_map(|called| called.rooms.values()).for_each(|room| unshaped(room, errors));
}

/// Puts the resources of a module instance into the shape.
fn put<'b>(targets: &Targets<'b>, names: &Names<'b>, desired: &mut Desired, links: &mut usize) -> Result<(), EvalError> {
    let base = names.base();
    let waits = base.address.as_ref().and_then(|address| targets.waits.get(address));
    for (name, resource) in &base.module.resources {
        let found = targets.resource(base, resource);
        let Ok(instances) = base.instances(name) else { continue };
        if !base.place(name).is_data() && !matches!(instances, Instances::Off) {
            desired.blocks.insert(base.place(name), instances.repeats());
        }
        let mut alone = Vec::new();
        targets.waiting(base, &resource.depends_on, &mut alone);
        for key in instances.keys() {
            let address = base.place(name).with_key(key.clone());
            let names = names.outside().with_here(instances.here(key.as_ref()));
            let mut after: BTreeSet<Address> = waits.into_iter().flat_map(|waits| waits.iter().cloned()).collect();
            for target in &found {
                let mut all = targets.addresses(target, &names);
                // A provisioner may name its own resource, or one other instance of it.
                if matches!(target, Target::Block { block, .. } if block == name) && (all.len() > 1 || all.contains(&address)) {
                    all.clear();
                }
                after.extend(all);
            }
            *links += after.len();
            if *links > MOST_LINKS {
                let error = Diagnostic::error(format!("The instances depend on each other in more than {MOST_LINKS} ways."));
                return Err(Box::new(
                    error
                        .at(resource.span.clone())
                        .hint("Let each instance refer to the one that it needs, for example with `[count.index]`."),
                ));
            }
            if address.is_data() {
                let named = alone.iter().flat_map(|target| targets.addresses(target, &names));
                let depends_on = waits.into_iter().flat_map(|waits| waits.iter().cloned()).chain(named).collect();
                desired.data.insert(address, Reading { after, depends_on, checks: resource.checks, span: resource.span.clone() });
                continue;
            }
            let mut rules = resource.rules.clone();
            rules.replace_triggered_by = triggers(&names, &resource.triggers);
            desired.resources.insert(address, Wanted { after, rules, span: resource.span.clone() });
        }
    }
    Ok(())
}

fn triggers(names: &Names<'_>, exprs: &[Expr]) -> Vec<Trigger> {
    let mut found = Vec::new();
    for reference in exprs.iter().flat_map(|expr| references::of(expr, &[])) {
        let Some(Target::Block { block, index }) = block(names.base(), &reference) else { continue };
        let attribute = reference.steps.iter().skip(1).find_map(|step| match &step.kind {
            StepKind::Attr(name) => Some(name.clone()),
            _ => None,
        });
        let all = instances(names, &block, index.as_ref()).into_iter();
        found.extend(all.map(|address| Trigger { address, attribute: attribute.clone() }));
    }
    found
}
