//! The names of a module instance: `var`, `local`, resources, `module`, `each`, `count`, `self`, `path`, `terraform`.
//!
//! Invariant: of a reference only the part that is named is made (one instance, one attribute), so that a stack of
//! thousands of instances stays quick; local values that depend on no resource are computed once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

mod modules;

use super::Host;
use super::ast::{Name, Step, StepKind, short};
use super::convert;
use super::declaration::Module;
use super::error::{EvalError, Outcome, error_at};
use super::eval::{Eval, Scope};
use super::graph::{Links, Moving};
use super::inputs::Inputs;
use super::instances::{Here, Instances, Sources};
use super::references;
use super::statics::Types;
use super::tree::Tree;
use super::value::{Data, Val};
use dofloat_base::address::{Address, Key};
use dofloat_base::desired::Known;
use dofloat_base::diag::Span;
use dofloat_base::types::Type;
use dofloat_base::value::{Origin, Term, Value};

/// What is the same in all modules of a configuration.
pub(super) struct Shared<'a> {
    /// The declarations.
    pub tree: Tree,
    /// What depends on what.
    pub links: Links,
    /// The types of the attributes, by resource type.
    pub types: Types,
    /// The world while planning, and the world once things are done.
    hosts: [Host<'a>; 2],
    begun: AtomicBool,
    /// What functions gave that give something new at each call, by the place that calls.
    moments: Mutex<BTreeMap<Call, Val>>,
    /// What may stay unknown of the shape, and what data sources gave that were read before.
    pub early: Early,
}

/// What may stay unknown of the shape, and what is known of data sources while it is made.
#[derive(Default)]
pub(super) struct Early {
    /// Whether a `count` or `for_each` may stay unknown for want of a variable's value, or of a data source.
    pub open_shape: bool,
    /// Whether it may for want of a data source.
    pub open_data: bool,
    /// Whether something stayed unknown.
    pub left_open: AtomicBool,
    /// What expressions see of data sources that were read before.
    pub answers: BTreeMap<Address, Term>,
}

impl Early {
    pub(super) fn new(inputs: &Inputs) -> Self {
        let answers = inputs.answers.known.clone();
        Self { open_shape: inputs.open_shape, open_data: inputs.open_data, answers, ..Self::default() }
    }

    /// Something stays unknown for now.
    pub(super) fn leave_open(&self) {
        self.left_open.store(true, Ordering::Relaxed);
    }
}

impl<'a> Shared<'a> {
    pub(super) fn new(tree: Tree, links: Links, types: Types, host: Host<'a>, early: Early) -> Self {
        let hosts = [Host { fresh: false, ..host }, Host { fresh: true, ..host }];
        Self { tree, links, types, hosts, begun: AtomicBool::default(), moments: Mutex::default(), early }
    }
}

/// What does not change in a module instance while a stack is resolved.
pub struct Base<'a> {
    pub(super) shared: Arc<Shared<'a>>,
    /// Which entry of the tree it is an instance of.
    pub(super) at: usize,
    /// The declarations.
    pub(super) module: Arc<Module>,
    /// The module instance's address; nothing for the stack's own module.
    pub(super) address: Option<Address>,
    /// The values of the variables while nothing is known of resources.
    pub(super) variables: BTreeMap<String, OnceLock<Outcome>>,
    /// The local values while nothing is known of resources.
    pub(super) locals: BTreeMap<String, OnceLock<Outcome>>,
    /// The outputs while nothing is known of resources, if others may refer to them.
    pub(super) outputs: BTreeMap<String, OnceLock<Outcome>>,
    /// The instances of each resource.
    pub(super) instances: BTreeMap<Name, OnceLock<Result<Instances, EvalError>>>,
    /// The instances of each module that is called.
    pub(super) calls: BTreeMap<String, Called<'a>>,
    /// Where the elements of `for` expressions come from, by the expression's place.
    pub(super) sources: Mutex<BTreeMap<Span, Arc<Sources>>>,
}

/// The instances of a module that is called.
pub(super) struct Called<'a> {
    pub instances: Result<Instances, EvalError>,
    /// One for each key; one without a key where nobody can say yet how many there are.
    pub rooms: BTreeMap<Option<Key>, Base<'a>>,
}

impl<'a> Base<'a> {
    pub(super) fn new(shared: Arc<Shared<'a>>, at: usize, address: Option<Address>) -> Self {
        let module = Arc::clone(&shared.tree.entries[at].module);
        fn cells<K: Clone + Ord, V, T>(of: &BTreeMap<K, V>) -> BTreeMap<K, OnceLock<T>> {
            of.keys().map(|name| (name.clone(), OnceLock::new())).collect()
        }
        Self {
            variables: cells(&module.variables),
            locals: cells(&module.locals),
            outputs: cells(&module.outputs),
            instances: cells(&module.resources),
            calls: BTreeMap::new(),
            sources: Mutex::default(),
            shared,
            at,
            module,
            address,
        }
    }

    /// From here on things are done: functions that give something new at each call have values.
    pub(super) fn begin(&self) {
        self.shared.begun.store(true, Ordering::Release);
    }

    fn has_begun(&self) -> bool {
        self.shared.begun.load(Ordering::Acquire)
    }

    pub(super) fn host(&self) -> &Host<'a> {
        &self.shared.hosts[usize::from(self.has_begun())]
    }

    /// The types of a resource type's attributes.
    pub(super) fn types(&self, kind: &str) -> Option<&BTreeMap<String, Type>> {
        self.shared.types.get(kind)
    }

    /// What depends on resources here.
    pub(super) fn moving(&self) -> &Moving {
        &self.shared.links.moving[self.at]
    }

    /// The address of a block in this module instance.
    pub(super) fn place(&self, (kind, name): &Name) -> Address {
        Address::new(kind, name).inside(self.address.as_ref())
    }

    /// A local value while nothing is known of resources; nothing if there is none of that name.
    pub(super) fn local(&self, name: &str) -> Option<&Outcome> {
        self.locals.get(name)?.get()
    }

    /// The instances of a resource block.
    ///
    /// # Errors
    /// If its `count` or `for_each` is wrong or cannot be known.
    pub(super) fn instances(&self, name: &Name) -> Result<&Instances, EvalError> {
        static NONE: Instances = Instances::Once;
        self.instances.get(name).and_then(OnceLock::get).map_or(Ok(&NONE), |found| found.as_ref().map_err(Clone::clone))
    }

    /// Where the module's files lie, as `path.module` has it.
    fn folder(&self) -> String {
        let path = self.shared.tree.entries[self.at].folder.path.display().to_string();
        if path.is_empty() { ".".to_owned() } else { path }
    }
}

/// The names in every instance of the module that calls lead to, in order.
pub(super) fn visit<'s>(names: &Names<'s>, path: &[&str], with: &mut dyn FnMut(&Names<'s>)) {
    let Some((name, rest)) = path.split_first() else { return with(names) };
    for inner in names.rooms(name) {
        visit(&inner, rest, with);
    }
}

/// A place that calls: where it is written, for which instance, and how many times it was met before in the same evaluation.
type Call = (Span, String, usize);

/// What is computed on the way, by the module instance, what it is, and its name.
type Memo<'s> = BTreeMap<(Option<&'s Address>, Part, &'s str), Outcome>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Local,
    Variable,
    Output,
}

/// The names at one place of a module instance.
#[derive(Clone)]
pub struct Names<'s> {
    base: &'s Base<'s>,
    /// The names where the module is called; nothing in the stack's own module.
    outer: Option<Rc<Names<'s>>>,
    /// What is known of other resources; nothing while the shape is made.
    known: Option<&'s Known<'s>>,
    /// The instance that the expression belongs to.
    here: Here,
    /// `self`.
    this: Option<Val>,
    /// What depends on resources, as far as it was asked for.
    memo: Rc<RefCell<Memo<'s>>>,
    /// How often each place that gives something new was met.
    met: RefCell<BTreeMap<Span, usize>>,
    /// Whether only the form counts: nothing that a name stands for is known but its type.
    unvalued: bool,
}

impl<'s> Names<'s> {
    /// The names in the stack's own module.
    pub fn new(base: &'s Base<'s>, known: Option<&'s Known<'s>>, here: Here) -> Self {
        Self { base, outer: None, known, here, this: None, memo: Rc::default(), met: RefCell::default(), unvalued: false }
    }

    /// The names in a module instance; nothing if there is none of that address.
    ///
    /// # Errors
    /// If an element of a `for_each` on the way cannot be computed.
    pub(super) fn at(base: &'s Base<'s>, known: Option<&'s Known<'s>>, module: Option<&Address>) -> Result<Option<Self>, EvalError> {
        let Some(module) = module else { return Ok(Some(Self::new(base, known, Here::Plain))) };
        let Some(outer) = Self::at(base, known, module.parent.as_deref())? else { return Ok(None) };
        outer.inside(&module.name, &module.key).transpose()
    }

    /// The same with `self`.
    #[must_use]
    pub fn with_self(mut self, this: Val) -> Self {
        self.this = Some(this);
        self
    }

    /// The same for another instance.
    #[must_use]
    pub fn with_here(mut self, here: Here) -> Self {
        self.here = here;
        self
    }

    /// The same for a block of which there is no instance: its values may make no sense, so none is looked at.
    #[must_use]
    pub(super) fn unvalued(mut self) -> Self {
        self.unvalued = true;
        self
    }

    pub(super) fn base(&self) -> &'s Base<'s> {
        self.base
    }

    /// The names where the module is called.
    pub(super) fn outer(&self) -> Option<&Rc<Self>> {
        self.outer.as_ref()
    }

    /// An evaluator over these names.
    #[must_use]
    pub fn eval(&self) -> Eval<'_> {
        Eval::new(self, self.base.host())
    }

    /// The same names for a place that belongs to no instance.
    pub(super) fn outside(&self) -> Self {
        Self { memo: Rc::clone(&self.memo), outer: self.outer.clone(), ..Self::new(self.base, self.known, Here::Plain) }
    }

    /// The same names while nothing is known of resources.
    pub(super) fn shape(&self) -> Self {
        let outer = self.outer.as_ref().map(|outer| Rc::new(outer.shape().with_here(outer.here.clone())));
        Self { outer, ..Self::new(self.base, None, Here::Plain) }
    }

    /// Whether something that no resource decides has a value now that it had not in the plan: by a function that gives
    /// something new at each call.
    fn is_late(&self, shaped: &Outcome) -> bool {
        self.base.has_begun() && self.known.is_some() && shaped.as_ref().is_ok_and(Val::has_unknown)
    }

    /// What was computed once, or is now.
    fn memoized(&self, part: Part, name: &'s str, compute: impl FnOnce() -> Outcome) -> Outcome {
        let key = (self.base.address.as_ref(), part, name);
        if let Some(found) = self.memo.borrow().get(&key) {
            return found.clone();
        }
        let value = compute();
        self.memo.borrow_mut().insert(key, value.clone());
        value
    }

    fn local(&self, name: &str, span: &Span, eval: &Eval<'_>) -> Outcome {
        let base = self.base;
        let Some(shaped) = base.local(name) else {
            return Err(error_at(span, format!("There is no local value \"{name}\".")));
        };
        let moving = &base.moving().locals;
        let Some((name, _)) = moving.get_key_value(name).filter(|_| self.known.is_some()) else {
            // Unknown without any resource: by a template with a function that had no value in the plan.
            let local = base.module.locals.get(name).filter(|_| self.is_late(shaped));
            return local.map_or_else(|| shaped.clone(), |local| self.outside().eval().after(&eval.budget).eval(&local.value));
        };
        // First those that it depends on, so that a long chain is walked and not dived into.
        let key = |name| (base.address.as_ref(), Part::Local, name);
        let (outside, mut open) = (self.outside(), vec![name.as_str()]);
        while let Some(&at) = open.last() {
            let missing = |name: &&'s str| !self.memo.borrow().contains_key(&key(*name));
            let below = moving.get(at).into_iter().flatten().map(String::as_str).filter(missing);
            let waiting = open.len();
            if missing(&at) {
                open.extend(below);
            }
            if open.len() > waiting {
                continue;
            }
            open.pop();
            if let Some(local) = base.module.locals.get(at).filter(|_| missing(&at)) {
                let value = outside.eval().after(&eval.budget).eval(&local.value);
                self.memo.borrow_mut().insert(key(at), value);
            }
        }
        self.memo.borrow().get(&key(name.as_str())).unwrap_or(shaped).clone()
    }

    /// A block's value, or that part of it which the steps behind its name mean, and how many of them were used.
    fn resource(&self, block: &Name, steps: &[Step], span: &Span, eval: &Eval<'_>) -> Result<(Val, usize), EvalError> {
        let (kind, name) = block;
        if !self.base.module.resources.contains_key(block) {
            return Err(error_at(span, format!("There is no resource \"{kind}\" \"{name}\".")));
        }
        let address = self.base.place(block);
        let instances = self.base.instances(block)?;
        if let Instances::Once = instances {
            return Ok(self.instance(&address, steps));
        }
        if let Instances::Off = instances {
            return Ok((Val::null(), 0));
        }
        if let Instances::Open(_) = instances {
            // Whichever instance is meant, it has the attributes of all.
            let Some(StepKind::Index(_) | StepKind::LegacyIndex(_)) = steps.first().map(|step| &step.kind) else {
                return Ok((Val::unknown(Type::Any), 0));
            };
            let (value, used) = self.instance(&address, &steps[1..]);
            return Ok((value, used + 1));
        }
        let (place, index) = match steps.first() {
            Some(Step { kind: StepKind::Index(index), span }) => (span, eval.eval(index)?),
            Some(Step { kind: StepKind::LegacyIndex(index), span }) => (span, Val::number(*index)),
            _ => return Ok((self.all(&address, instances, span, eval)?, 0)),
        };
        if index.is_unknown() || index.is_null() || index.sensitive {
            return Ok((self.all(&address, instances, span, eval)?, 0));
        }
        let key =
            instances.key(&index).ok_or_else(|| error_at(place, format!("{address} has no such instance: {}.", instances.describe())))?;
        let (value, used) = self.instance(&address.with_key(Some(key)), &steps[1..]);
        Ok((value, used + 1))
    }

    /// An instance, or the one attribute of it that the steps name.
    pub(super) fn instance(&self, address: &Address, steps: &[Step]) -> (Val, usize) {
        let Some(types) = self.base.types(&address.kind) else { return (Val::unknown(Type::Any), 0) };
        let early = || self.base.shared.early.answers.get(address).cloned();
        let term = self.known.map_or_else(early, |known| Some(known(address)));
        if let Some(StepKind::Attr(name)) = steps.first().map(|step| &step.kind)
            && let Some(ty) = types.get(name)
        {
            return (attribute(term.as_ref(), address, name, ty), 1);
        }
        (object(term.as_ref(), address, types), 0)
    }

    fn all(&self, address: &Address, instances: &Instances, span: &Span, eval: &Eval<'_>) -> Result<Val, EvalError> {
        let parts = self.base.types(&address.kind).map_or(1, BTreeMap::len);
        eval.budget.parts(instances.keys().len().saturating_mul(parts), span)?;
        let one = |key| self.instance(&address.with_key(Some(key)), &[]).0;
        Ok(match instances {
            Instances::Once | Instances::Open(_) => self.instance(address, &[]).0,
            Instances::Off => Val::null(),
            Instances::Count(count) => Val::tuple((0..*count).map(|at| one(Key::Index(at))).collect()),
            Instances::Each(values) => Val::object(values.keys().map(|name| (name.clone(), one(Key::Name(name.clone())))).collect()),
        })
    }

    /// All attributes of an instance: what `self` is.
    #[must_use]
    pub fn whole(base: &Base<'_>, address: &Address, term: &Term) -> Val {
        base.types(&address.kind).map_or_else(|| Val::unknown(Type::Any), |types| object(Some(term), address, types))
    }
}

fn object(term: Option<&Term>, address: &Address, types: &BTreeMap<String, Type>) -> Val {
    if let Some(Term::Secret(_)) = term {
        // Nobody gives a whole resource as a secret; its parts are marked then.
        let fields = types.iter().map(|(name, ty)| (name.clone(), Val::unknown(ty.clone()).marked(true)));
        return Val::object(fields.collect());
    }
    Val::object(types.iter().map(|(name, ty)| (name.clone(), attribute(term, address, name, ty))).collect())
}

fn attribute(term: Option<&Term>, address: &Address, name: &str, ty: &Type) -> Val {
    match term {
        Some(Term::Value(Value::Map(fields))) => match fields.get(name) {
            Some(value) => convert::value(&Term::Value(value.clone()), ty),
            None => Data::Null(ty.clone()).into(),
        },
        Some(Term::Map(fields)) => match fields.get(name) {
            Some(term) => convert::value(term, ty),
            None => Data::Null(ty.clone()).into(),
        },
        _ => {
            let sensitive = matches!(term, Some(Term::Unknown(Origin { sensitive: true, .. })));
            let origin = Origin { address: Some(address.clone()), path: name.to_owned(), sensitive };
            Val::from(Data::Unknown(ty.clone(), Some(Arc::new(origin)))).marked(sensitive)
        }
    }
}

impl Scope for Names<'_> {
    fn once(&self, place: &Span, call: &dyn Fn() -> Result<Val, EvalError>) -> Result<Val, EvalError> {
        if !self.base.has_begun() {
            return call();
        }
        let nth = {
            let mut met = self.met.borrow_mut();
            let nth = met.entry(place.clone()).or_default();
            *nth += 1;
            *nth
        };
        let calls = std::iter::successors(self.outer.as_deref(), |outer| outer.outer.as_deref()).map(|outer| format!("{:?}", outer.here));
        let at = std::iter::once(format!("{:?}{:?}", self.base.address, self.here)).chain(calls).collect();
        let key = (place.clone(), at, nth);
        let mut moments = self.base.shared.moments.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = moments.get(&key) {
            return Ok(value.clone());
        }
        let value = call()?;
        moments.insert(key, value.clone());
        Ok(value)
    }

    fn resolve(&self, root: &str, steps: &[Step], span: &Span, eval: &Eval<'_>) -> Result<(Val, usize), EvalError> {
        let (written, (root, steps)) = (steps.len(), short(root, steps));
        let name = match steps.first().map(|step| &step.kind) {
            Some(StepKind::Attr(name)) => name.as_str(),
            _ => "",
        };
        if self.unvalued && !matches!(root, "count" | "each" | "self" | "path" | "terraform") {
            let variable = self.base.module.variables.get(name).filter(|_| root == "var");
            return Ok(variable.map_or((Val::unknown(Type::Any), 0), |variable| (Val::unknown(variable.constraint.ty()), 1)));
        }
        let known = match (root, name) {
            ("var", name) => self.variable(name, span, eval)?,
            ("local", name) => self.local(name, span, eval)?,
            ("count", "index") => match &self.here {
                Here::Count(index) => index.clone(),
                _ => return Err(error_at(span, "`count.index` has a value only in a resource with `count`.")),
            },
            ("each", "key" | "value") => match &self.here {
                Here::Each(key, value) => if name == "key" { key } else { value }.clone(),
                _ => return Err(error_at(span, "`each` has a value only in a resource with `for_each`.")),
            },
            ("self", _) => match &self.this {
                Some(this) => return Ok((this.clone(), 0)),
                None => return Err(error_at(span, "`self` has a value only in a postcondition, a provisioner or a connection.")),
            },
            ("path", "module") => Val::string(&self.base.folder()),
            ("path", "root") => Val::string("."),
            ("path", "cwd") => Val::string(&self.base.host().base.to_string_lossy()),
            ("terraform", "workspace") => Val::string("default"),
            ("each" | "count" | "path" | "terraform", _) => return Err(error_at(span, format!("\"{root}\" has no attribute \"{name}\"."))),
            ("module", _) => {
                let (value, used) = self.module(steps, span, eval)?;
                return Ok((value, used + written - steps.len()));
            }
            _ => {
                let Some((block, rest)) = references::block(root, steps) else {
                    return Err(error_at(span, format!("There is nothing named \"{root}\".")));
                };
                let (value, used) = self.resource(&block, rest, span, eval)?;
                return Ok((value, used + written - rest.len()));
            }
        };
        Ok((known, 1))
    }
}
