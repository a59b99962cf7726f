//! The shape of a stack: which instances there are, and what each must come after.
//!
//! Invariant: `count` and `for_each` are known from variables, local values and other resources' shapes alone; if not, that
//! is an error with a position. Attribute values play no part here.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::ast::{Expr, StepKind};
use super::budget::Budget;
use super::declare::{Name, Repeat, Resource};
use super::error::{EvalError, error_at, kind_of};
use super::moves;
use super::references::{self, Reference};
use super::scope::{Base, Here, Names};
use super::statics::Node;
use super::types;
use super::value::{Data, Val};
use dofloat_base::address::{Address, Key};
use dofloat_base::desired::{Desired, Repeats, Trigger, Wanted};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

/// The instances of a resource block.
#[derive(Clone, Debug)]
pub enum Instances {
    /// One, without a key.
    Once,
    /// So many, by index.
    Count(u64),
    /// By name, with `each.value` as far as it is known.
    Each(BTreeMap<String, Val>),
    /// Nobody can say yet, for want of a variable's value: `count.index`, or `each.key` and `each.value`, are unknown.
    Open(Here),
}

/// More instances of one block than anybody wants; a slip of the pen must not fill the memory.
const MOST_INSTANCES: u64 = 10_000;

/// More instances that depend on each other than any order can be found for in good time: each of 500 on each of 500 others.
const MOST_LINKS: usize = 250_000;

impl Instances {
    /// The key that an index means, if there is such an instance.
    #[must_use]
    pub fn key(&self, index: &Val) -> Option<Key> {
        match self {
            Self::Once | Self::Open(_) => None,
            Self::Count(count) => match types::convert(index, &Type::Number).ok()?.data {
                Data::Number(number) if !matches!(index.data, Data::Bool(_)) => number.as_u64().filter(|at| at < count).map(Key::Index),
                _ => None,
            },
            Self::Each(values) => types::text_of(&index.data).filter(|name| values.contains_key(name)).map(Key::Name),
        }
    }

    /// The keys of all instances.
    #[must_use]
    pub fn keys(&self) -> Vec<Option<Key>> {
        match self {
            Self::Once | Self::Open(_) => vec![None],
            Self::Count(count) => (0..*count).map(|at| Some(Key::Index(at))).collect(),
            Self::Each(values) => values.keys().map(|name| Some(Key::Name(name.clone()))).collect(),
        }
    }

    /// What makes them.
    #[must_use]
    pub fn repeats(&self) -> Repeats {
        match self {
            Self::Once => Repeats::Once,
            Self::Count(_) | Self::Open(Here::Count(_)) => Repeats::Count,
            Self::Each(_) | Self::Open(_) => Repeats::ForEach,
        }
    }

    /// In words, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Once => "it has one, without a key".to_owned(),
            Self::Open(_) => "nobody can say yet how many there are".to_owned(),
            Self::Count(0) => "`count` is 0".to_owned(),
            Self::Count(count) => format!("`count` is {count}, so indexes go from 0 to {}", count - 1),
            Self::Each(values) if values.is_empty() => "`for_each` is empty".to_owned(),
            Self::Each(values) => {
                let mut names: Vec<_> = values.keys().take(10).map(|name| format!("\"{name}\"")).collect();
                if values.len() > names.len() {
                    names.push("…".to_owned());
                }
                format!("`for_each` has the keys {}", names.join(", "))
            }
        }
    }

    /// What `count` and `each` are in an instance.
    #[must_use]
    pub fn here(&self, key: Option<&Key>) -> Here {
        match (self, key) {
            (Self::Count(_), Some(Key::Index(at))) => Here::Count(Val::number(*at)),
            (Self::Each(values), Some(Key::Name(name))) => {
                Here::Each(Val::string(name), values.get(name).cloned().unwrap_or_else(Val::null))
            }
            (Self::Open(here), _) => here.clone(),
            _ => Here::Plain,
        }
    }
}

/// Evaluates `count` or `for_each`.
pub(super) fn instances(base: &Base<'_>, name: &Name, resource: &Resource, budget: &Budget) -> Result<Instances, EvalError> {
    let names = Names::new(base, None, Here::Plain);
    let eval = |expr: &Expr| names.eval().after(budget).eval(expr);
    let about = format!("{}.{}", name.0, name.1);
    let (expr, value) = match &resource.repeat {
        Repeat::Once => return Ok(Instances::Once),
        Repeat::Count(expr) | Repeat::ForEach(expr) => (expr, eval(expr)?),
    };
    let is_unknown = value.is_unknown() || matches!(&value.data, Data::Set(_, items) if items.iter().any(Val::is_unknown));
    let for_each = matches!(resource.repeat, Repeat::ForEach(_));
    if is_unknown && base.open_shape && !(for_each && value.sensitive) && wants_a_variable(base, expr) {
        let key = |ty| Val::unknown(ty);
        return Ok(Instances::Open(if for_each { Here::Each(key(Type::String), key(Type::Any)) } else { Here::Count(key(Type::Number)) }));
    }
    if for_each { each(&value, &expr.span, &about) } else { count(&value, &expr.span, &about) }
}

/// Whether an expression leads to a variable that has no value, or to a resource of which that decides how many there are.
fn wants_a_variable(base: &Base<'_>, expr: &Expr) -> bool {
    let (mut open, mut seen) = (vec![expr], BTreeSet::new());
    while let Some(expr) = open.pop() {
        for reference in references::of(expr, &[]) {
            let Some(name) = reference.attr(0) else { continue };
            let found = match reference.root {
                "var" => base.variables.get(name).is_some_and(Val::is_unknown),
                "local" => {
                    open.extend(base.module.locals.get(name).filter(|_| seen.insert(name)).map(|local| &local.value));
                    false
                }
                root => matches!(base.instances(&(root.to_owned(), name.to_owned())), Ok(Instances::Open(_))),
            };
            if found {
                return true;
            }
        }
    }
    false
}

fn count(value: &Val, span: &Span, about: &str) -> Result<Instances, EvalError> {
    if value.is_null() {
        return Err(error_at(span, "`count` is null; it must be a whole number from 0 on."));
    }
    let number = match types::convert(value, &Type::Number) {
        Ok(number) if !matches!(value.data, Data::Bool(_)) => number,
        _ => return Err(error_at(span, format!("`count` must be a whole number from 0 on, not {}.", kind_of(value)))),
    };
    let Data::Number(number) = &number.data else { return Err(unknown("count", value, span, about)) };
    match number.as_u64() {
        Some(count) if count <= MOST_INSTANCES => Ok(Instances::Count(count)),
        Some(_) => Err(error_at(span, format!("`count` is more than {MOST_INSTANCES}."))),
        None => Err(error_at(span, "`count` must be a whole number from 0 on.")),
    }
}

pub(super) fn each(value: &Val, span: &Span, about: &str) -> Result<Instances, EvalError> {
    if value.sensitive {
        return Err(Box::new(
            Diagnostic::error("`for_each` is sensitive, but its keys are shown in addresses.")
                .at(span.clone())
                .hint("If the keys are no secret, take the mark off them: `toset(nonsensitive(…))`."),
        ));
    }
    let set_of_strings = "`for_each` must be a map, an object or a set of strings";
    match &value.data {
        Data::Null(_) => Err(error_at(span, format!("{set_of_strings}, not null."))),
        Data::Map(_, fields) | Data::Object(fields) => Ok(Instances::Each((**fields).clone())),
        Data::Set(_, items) => {
            let name = |item: &Val| match &item.data {
                Data::String(text) => Ok((text.to_string(), item.clone())),
                Data::Unknown(..) => Err(unknown("for_each", item, span, about)),
                Data::Null(_) => Err(error_at(span, format!("{set_of_strings}, and this set has a null in it."))),
                _ => Err(error_at(span, format!("{set_of_strings}, and this set has {} in it.", kind_of(item)))),
            };
            Ok(Instances::Each(items.iter().map(name).collect::<Result<_, _>>()?))
        }
        Data::Unknown(Type::Map(_) | Type::Set(_) | Type::Object(_) | Type::Any, _) => Err(unknown("for_each", value, span, about)),
        Data::List(..) | Data::Tuple(_) | Data::Unknown(Type::List(_) | Type::Tuple(_), _) => {
            Err(Box::new(Diagnostic::error(format!("{set_of_strings}, not {}.", kind_of(value))).at(span.clone()).hint("Use `toset(…)`.")))
        }
        _ => Err(error_at(span, format!("{set_of_strings}, not {}.", kind_of(value)))),
    }
}

fn unknown(what: &str, value: &Val, span: &Span, about: &str) -> EvalError {
    let from = match &value.data {
        Data::Unknown(_, Some(origin)) => origin.address.as_ref().map(|address| format!(": it depends on {address}.{}", origin.path)),
        _ => None,
    };
    let message = format!("`{what}` of {about} is not known before apply{}.", from.unwrap_or_default());
    let hint = if what == "count" {
        "How many there are must follow from variables, local values and other resources' `count` or `for_each` alone."
    } else {
        "The keys must follow from variables, local values and other resources' `count` or `for_each` alone; the values may be unknown: use a map with fixed keys."
    };
    Box::new(Diagnostic::error(message).at(span.clone()).hint(hint))
}

/// A resource that an expression refers to, and the index where one is written.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub block: Name,
    pub index: Option<Expr>,
}

/// The resources that references lead to, through local values too.
pub(super) struct Targets<'b, 'a> {
    base: &'b Base<'a>,
    /// What each local value leads to; one that only names another one shares that one's.
    locals: BTreeMap<&'b str, Rc<Vec<Target>>>,
}

impl<'b, 'a> Targets<'b, 'a> {
    pub(super) fn new(base: &'b Base<'a>) -> Self {
        let mut targets = Self { base, locals: BTreeMap::new() };
        // In this order what a local value names has been looked at before.
        for node in &base.links.order {
            if let Node::Local(name) = node
                && base.links.moving.contains_key(name)
                && let Some(local) = base.module.locals.get(name)
            {
                let found = targets.all(&local.value);
                targets.locals.insert(name, found);
            }
        }
        targets
    }

    /// Adds what an expression leads to. A local value's indexes count for nothing: they are not the instance's own.
    pub(super) fn of(&self, expr: &'b Expr, bound: &[&'b str], into: &mut Vec<Target>) {
        for reference in references::of(expr, bound) {
            match (reference.root, reference.attr(0)) {
                ("local", Some(name)) => into.extend(self.locals.get(name).into_iter().flat_map(|found| found.iter().cloned())),
                (_, Some(_)) => into.extend(target(self.base, &reference)),
                _ => {}
            }
        }
    }

    /// What a local value leads to.
    fn all(&self, expr: &'b Expr) -> Rc<Vec<Target>> {
        if let [one] = references::of(expr, &[]).as_slice()
            && one.root == "local"
            && let Some(shared) = one.attr(0).and_then(|name| self.locals.get(name))
        {
            return Rc::clone(shared);
        }
        let mut found = Vec::new();
        self.of(expr, &[], &mut found);
        // A value that holds another one twice leads nowhere else for that; without this, a few lines double it without end.
        let mut seen = BTreeSet::new();
        found.retain(|target| seen.insert((target.block.clone(), target.index.as_ref().map(|index| index.span.clone()))));
        Rc::new(found)
    }
}

/// The resource that a reference names.
pub(super) fn target(base: &Base<'_>, reference: &Reference<'_>) -> Option<Target> {
    let block = (reference.root.to_owned(), reference.attr(0)?.to_owned());
    if !base.module.resources.contains_key(&block) {
        return None;
    }
    let index = match reference.steps.get(1).map(|step| &step.kind) {
        Some(StepKind::Index(index)) => Some(index.clone()),
        _ => None,
    };
    Some(Target { block, index })
}

/// The whole shape.
pub(super) fn desired(base: &Base<'_>) -> Result<Desired, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    for name in base.module.resources.keys() {
        if let Err(error) = base.instances(name)
            && !errors.contains(&*error)
        {
            errors.push(*error);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let targets = Targets::new(base);
    let mut desired = Desired::default();
    let mut links = 0;
    for (name, resource) in &base.module.resources {
        let mut found = Vec::new();
        resource.expressions(&mut |expr, bound| targets.of(expr, bound, &mut found));
        for expr in resource.depends_on.iter().chain(&resource.triggers) {
            targets.of(expr, &[], &mut found);
        }
        for check in &resource.postconditions {
            targets.of(&check.condition, &["self"], &mut found);
            targets.of(&check.message, &["self"], &mut found);
        }
        let Ok(instances) = base.instances(name) else { continue };
        desired.blocks.insert(Address::new(&name.0, &name.1), instances.repeats());
        for key in instances.keys() {
            let address = Address::new(&name.0, &name.1).with_key(key.clone());
            let names = Names::new(base, None, instances.here(key.as_ref()));
            let mut after = BTreeSet::new();
            for target in found.iter().filter(|target| target.block != *name) {
                after.extend(addresses(base, target, &names));
            }
            links += after.len();
            if links > MOST_LINKS {
                let error = Diagnostic::error(format!("The instances depend on each other in more than {MOST_LINKS} ways."));
                return Err(vec![
                    error
                        .at(resource.span.clone())
                        .hint("Let each instance refer to the one that it needs, for example with `[count.index]`."),
                ]);
            }
            let mut rules = resource.rules.clone();
            rules.replace_triggered_by = triggers(base, &resource.triggers, &names);
            desired.resources.insert(address, Wanted { after, rules, span: resource.span.clone() });
        }
    }
    errors = moves::put(base, &mut desired);
    if errors.is_empty() { Ok(desired) } else { Err(errors) }
}

/// The instances that a target means: one where its index is known, else all.
fn addresses(base: &Base<'_>, target: &Target, names: &Names<'_>) -> Vec<Address> {
    let address = Address::new(&target.block.0, &target.block.1);
    let Ok(instances) = base.instances(&target.block) else { return Vec::new() };
    let one = target.index.as_ref().and_then(|index| instances.key(&names.eval().eval(index).ok()?));
    match one {
        Some(key) => vec![address.with_key(Some(key))],
        None => instances.keys().into_iter().map(|key| address.with_key(key)).collect(),
    }
}

fn triggers(base: &Base<'_>, exprs: &[Expr], names: &Names<'_>) -> Vec<Trigger> {
    let mut found = Vec::new();
    for reference in exprs.iter().flat_map(|expr| references::of(expr, &[])) {
        let Some(target) = target(base, &reference) else { continue };
        let attribute = reference.steps.iter().skip(1).find_map(|step| match &step.kind {
            StepKind::Attr(name) => Some(name.clone()),
            _ => None,
        });
        found.extend(addresses(base, &target, names).into_iter().map(|address| Trigger { address, attribute: attribute.clone() }));
    }
    found
}
