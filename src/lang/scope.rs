//! The names of a stack: `var`, `local`, resources, `each`, `count`, `self`, `path`, `terraform`.
//!
//! Invariant: of a reference only the part that is named is made (one instance, one attribute), so that a stack of
//! thousands of instances stays quick; local values that depend on no resource are computed once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Host;
use super::ast::{Step, StepKind, short};
use super::budget::Budget;
use super::convert;
use super::declare::{Module, Name};
use super::element::Sources;
use super::error::{EvalError, Outcome, error_at};
use super::eval::{Eval, Scope};
use super::shape::{self, Instances};
use super::statics::{Links, Node};
use super::value::{Data, Val};
use dofloat_base::address::{Address, Key};
use dofloat_base::desired::Known;
use dofloat_base::diag::Span;
use dofloat_base::types::Type;
use dofloat_base::value::{Origin, Term, Value};

/// What does not change while a stack is resolved.
pub struct Base<'a> {
    /// The declarations.
    pub module: Module,
    /// The values of the variables.
    pub variables: BTreeMap<String, Val>,
    /// The types of the attributes, by resource type.
    pub types: BTreeMap<String, BTreeMap<String, Type>>,
    /// The world while planning, and the world once things are done.
    hosts: [Host<'a>; 2],
    begun: AtomicBool,
    /// What functions gave that give something new at each call, by the place that calls.
    moments: Mutex<BTreeMap<Call, Val>>,
    /// Whether a `count` or `for_each` may stay unknown for want of a variable's value.
    pub(super) open_shape: bool,
    /// What depends on what.
    pub(super) links: Links,
    /// The local values while nothing is known of resources.
    locals: BTreeMap<String, OnceLock<Outcome>>,
    /// The instances of each resource, once asked for.
    pub(super) instances: BTreeMap<Name, OnceLock<Result<Instances, EvalError>>>,
    /// Where the elements of `for` expressions come from, by the expression's place.
    pub(super) sources: Mutex<BTreeMap<Span, Arc<Sources>>>,
}

impl<'a> Base<'a> {
    /// A base of which nothing is computed yet.
    pub(super) fn new(
        module: Module,
        variables: BTreeMap<String, Val>,
        types: BTreeMap<String, BTreeMap<String, Type>>,
        links: Links,
        host: Host<'a>,
    ) -> Self {
        let locals = module.locals.keys().map(|name| (name.clone(), OnceLock::new())).collect();
        let instances = module.resources.keys().map(|name| (name.clone(), OnceLock::new())).collect();
        let hosts = [Host { fresh: false, ..host }, Host { fresh: true, ..host }];
        let (begun, moments, sources) = (AtomicBool::default(), Mutex::default(), Mutex::default());
        Self { module, variables, types, hosts, begun, moments, open_shape: false, links, locals, instances, sources }
    }

    /// From here on things are done: functions that give something new at each call have values.
    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    fn host(&self) -> &Host<'a> {
        &self.hosts[usize::from(self.has_begun())]
    }

    /// Computes the local values and the instances while nothing is known of resources, each after those that it depends on:
    /// so none is computed within another one, and chains may be as long as anybody likes.
    pub(super) fn compute(&self) {
        for node in &self.links.order {
            match node {
                Node::Local(name) => drop(self.local(name)),
                Node::Resource(name) => drop(self.instances(name)),
                Node::Variable(_) => {}
            }
        }
    }

    /// A local value while nothing is known of resources; nothing if there is none of that name.
    pub(super) fn local(&self, name: &str) -> Option<&Outcome> {
        let (cell, local) = (self.locals.get(name)?, self.module.locals.get(name)?);
        Some(cell.get_or_init(|| Names::new(self, None, Here::Plain).eval().eval(&local.value)))
    }

    /// The instances of a resource block.
    ///
    /// # Errors
    /// If its `count` or `for_each` is wrong or cannot be known.
    pub(super) fn instances(&self, name: &Name) -> Result<&Instances, EvalError> {
        self.instances_after(name, &Budget::default())
    }

    /// The same, for an evaluation that has cost something already.
    fn instances_after(&self, name: &Name, budget: &Budget) -> Result<&Instances, EvalError> {
        static NONE: Instances = Instances::Once;
        let (Some(cell), Some(resource)) = (self.instances.get(name), self.module.resources.get(name)) else { return Ok(&NONE) };
        cell.get_or_init(|| shape::instances(self, name, resource, budget)).as_ref().map_err(Clone::clone)
    }
}

/// A place that calls: where it is written, for which instance, and how many times it was met before in the same evaluation.
type Call = (Span, String, usize);

/// The names at one place of a stack.
pub struct Names<'s> {
    base: &'s Base<'s>,
    /// What is known of other resources; nothing while the shape is made.
    known: Option<&'s Known<'s>>,
    /// The instance that the expression belongs to.
    here: Here,
    /// `self`.
    this: Option<Val>,
    /// The local values that depend on resources, as far as they were asked for.
    memo: Rc<RefCell<BTreeMap<&'s str, Outcome>>>,
    /// How often each place that gives something new was met.
    met: RefCell<BTreeMap<Span, usize>>,
}

/// The instance that an expression belongs to.
#[derive(Clone, Debug, Default)]
pub enum Here {
    /// None, or one without a key.
    #[default]
    Plain,
    /// `count.index`.
    Count(Val),
    /// `each.key` and `each.value`.
    Each(Val, Val),
}

impl<'s> Names<'s> {
    /// The names at a place.
    pub fn new(base: &'s Base<'s>, known: Option<&'s Known<'s>>, here: Here) -> Self {
        Self { base, known, here, this: None, memo: Rc::default(), met: RefCell::default() }
    }

    /// The same with `self`.
    #[must_use]
    pub fn with_self(mut self, this: Val) -> Self {
        self.this = Some(this);
        self
    }

    pub(super) fn base(&self) -> &'s Base<'s> {
        self.base
    }

    /// An evaluator over these names.
    #[must_use]
    pub fn eval(&self) -> Eval<'_> {
        Eval::new(self, self.base.host())
    }

    /// The same names for a place that belongs to no instance.
    pub(super) fn outside(&self) -> Self {
        Self { memo: Rc::clone(&self.memo), ..Self::new(self.base, self.known, Here::Plain) }
    }

    fn local(&self, name: &str, span: &Span, eval: &Eval<'_>) -> Outcome {
        let base = self.base;
        let Some(shaped) = base.local(name) else {
            return Err(error_at(span, format!("There is no local value \"{name}\".")));
        };
        let Some((name, _)) = base.links.moving.get_key_value(name).filter(|_| self.known.is_some()) else {
            // Unknown without any resource: by a template with a function that had no value in the plan.
            let unknown = base.has_begun() && self.known.is_some() && shaped.as_ref().is_ok_and(Val::has_unknown);
            let local = base.module.locals.get(name).filter(|_| unknown);
            return local.map_or_else(|| shaped.clone(), |local| self.outside().eval().after(&eval.budget).eval(&local.value));
        };
        // First those that it depends on, so that a long chain is walked and not dived into.
        let (outside, mut open) = (self.outside(), vec![name.as_str()]);
        while let Some(&at) = open.last() {
            let missing = |name: &&str| !self.memo.borrow().contains_key(name);
            let below = base.links.moving.get(at).into_iter().flatten().map(String::as_str).filter(missing);
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
                self.memo.borrow_mut().insert(at, value);
            }
        }
        self.memo.borrow().get(name.as_str()).unwrap_or(shaped).clone()
    }

    fn resource(&self, kind: &str, steps: &[Step], span: &Span, eval: &Eval<'_>) -> Result<(Val, usize), EvalError> {
        let Some(StepKind::Attr(name)) = steps.first().map(|step| &step.kind) else {
            return Err(error_at(span, format!("There is nothing named \"{kind}\".")));
        };
        let block = (kind.to_owned(), name.clone());
        if !self.base.module.resources.contains_key(&block) {
            return Err(error_at(span, format!("There is no resource \"{kind}\" \"{name}\".")));
        }
        let address = Address::new(kind, name);
        let instances = self.base.instances_after(&block, &eval.budget)?;
        if let Instances::Once = instances {
            let (value, used) = self.instance(&address, &steps[1..]);
            return Ok((value, used + 1));
        }
        if let Instances::Open(_) = instances {
            // Whichever instance is meant, it has the attributes of all.
            let Some(StepKind::Index(_) | StepKind::LegacyIndex(_)) = steps.get(1).map(|step| &step.kind) else {
                return Ok((Val::unknown(Type::Any), 1));
            };
            let (value, used) = self.instance(&address, &steps[2..]);
            return Ok((value, used + 2));
        }
        let (place, index) = match steps.get(1) {
            Some(Step { kind: StepKind::Index(index), span }) => (span, eval.eval(index)?),
            Some(Step { kind: StepKind::LegacyIndex(index), span }) => (span, Val::number(*index)),
            _ => return Ok((self.all(&address, instances, span, eval)?, 1)),
        };
        if index.is_unknown() || index.is_null() || index.sensitive {
            return Ok((self.all(&address, instances, span, eval)?, 1));
        }
        let key =
            instances.key(&index).ok_or_else(|| error_at(place, format!("{address} has no such instance: {}.", instances.describe())))?;
        let (value, used) = self.instance(&address.with_key(Some(key)), &steps[2..]);
        Ok((value, used + 2))
    }

    /// An instance, or the one attribute of it that the steps name.
    pub(super) fn instance(&self, address: &Address, steps: &[Step]) -> (Val, usize) {
        let Some(types) = self.base.types.get(&address.kind) else { return (Val::unknown(Type::Any), 0) };
        let term = self.known.map(|known| known(address));
        if let Some(StepKind::Attr(name)) = steps.first().map(|step| &step.kind)
            && let Some(ty) = types.get(name)
        {
            return (attribute(term.as_ref(), address, name, ty), 1);
        }
        (object(term.as_ref(), address, types), 0)
    }

    fn all(&self, address: &Address, instances: &Instances, span: &Span, eval: &Eval<'_>) -> Result<Val, EvalError> {
        let parts = self.base.types.get(&address.kind).map_or(1, BTreeMap::len);
        eval.budget.parts(instances.keys().len().saturating_mul(parts), span)?;
        let one = |key| self.instance(&address.with_key(Some(key)), &[]).0;
        Ok(match instances {
            Instances::Once | Instances::Open(_) => self.instance(address, &[]).0,
            Instances::Count(count) => Val::tuple((0..*count).map(|at| one(Key::Index(at))).collect()),
            Instances::Each(values) => Val::object(values.keys().map(|name| (name.clone(), one(Key::Name(name.clone())))).collect()),
        })
    }

    /// All attributes of an instance: what `self` is.
    #[must_use]
    pub fn whole(base: &Base<'_>, address: &Address, term: &Term) -> Val {
        base.types.get(&address.kind).map_or_else(|| Val::unknown(Type::Any), |types| object(Some(term), address, types))
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
        let key = (place.clone(), format!("{:?}", self.here), nth);
        let mut moments = self.base.moments.lock().unwrap_or_else(PoisonError::into_inner);
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
        let known = match (root, name) {
            ("var", name) => match self.base.variables.get(name) {
                Some(value) => value.clone(),
                None => return Err(error_at(span, format!("There is no variable \"{name}\"."))),
            },
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
                None => return Err(error_at(span, "`self` has a value only in a postcondition.")),
            },
            ("path", "module" | "root") => Val::string("."),
            ("path", "cwd") => Val::string(&self.base.host().base.to_string_lossy()),
            ("terraform", "workspace") => Val::string("default"),
            ("each" | "count" | "path" | "terraform", _) => return Err(error_at(span, format!("\"{root}\" has no attribute \"{name}\"."))),
            _ => {
                let (value, used) = self.resource(root, steps, span, eval)?;
                return Ok((value, used + written - steps.len()));
            }
        };
        Ok((known, 1))
    }
}
