//! A stack: from its files and the values of its variables to the resources that are wanted.
//!
//! Invariant: a `Stack` exists only of files without static errors, with variables that satisfy their validations and a
//! shape that is known; what is left to go wrong are values. It must not know kinds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Host;
use super::account;
use super::ast::Name;
use super::body;
use super::convert;
use super::declaration::{self, Module};
use super::deprecated;
use super::element;
use super::error::EvalError;
use super::inputs::{self, Inputs, Question};
use super::instances::{Here, Instances};
use super::library::Library;
use super::moves;
use super::output::{self, fitted};
use super::provision;
use super::reader::Reader;
use super::scope::{Base, Early, Names, Shared};
pub use super::source::Source;
use super::statics;
use super::tree::Tree;
use super::unsupported::LeftOut;
use super::value::Val;
use super::wanted;
use dofloat_base::address::Address;
use dofloat_base::desired::{Desired, Known, Output, Resolve};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::provision::{Provisioner, Provisions, When};
use dofloat_base::types::{Schemas, Type};
use dofloat_base::value::{Origin, Term};

/// A stack.
pub struct Stack<'a> {
    base: Base<'a>,
    desired: Desired,
    warnings: Vec<Diagnostic>,
    left: LeftOut,
    provisioned: Vec<provision::Place>,
}

/// An argument of the `provider` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value; blocks are lists of maps.
    pub value: Term,
    /// Where the value stands.
    pub span: Span,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The value: a secret if the variable is sensitive.
    pub value: Term,
    /// Whether it must not be shown.
    pub sensitive: bool,
    /// Whether it needs no value, as it has a default.
    pub has_default: bool,
    /// Where it is declared.
    pub span: Span,
}

/// Loads a stack, with the modules that it calls.
///
/// # Errors
/// All that is wrong with the files, or else with the values of the variables, or else with the shape.
pub fn load<'a>(
    sources: &[Source<'_>],
    library: &Library,
    inputs: &Inputs,
    schemas: &dyn Schemas,
    host: Host<'a>,
) -> Result<Stack<'a>, Vec<Diagnostic>> {
    let mut reader = Reader::new(library, &host, schemas, inputs.skip_unsupported);
    let (module, mut left) = declared(sources, inputs, &mut reader)?;
    let kept = module
        .outputs
        .values()
        .filter(|output| output.ephemeral)
        .map(|output| Diagnostic::error("An output of a stack cannot be ephemeral: it is kept in the state.").at(output.span.clone()));
    gathered(kept.chain(deprecated::of_stack(&module)).collect())?;
    let tree = Tree::grow(module, &mut reader).map_err(sorted)?;
    for at in 1..tree.entries.len() {
        if let (Some(address), Some(Ok(written))) = (tree.address(at), reader.written(&tree.entries[at].folder)) {
            left.add(&address, &written.left);
        }
    }
    let types = statics::types(&tree, schemas);
    let (failing, told): (Vec<_>, Vec<_>) = left.told(inputs.skip_unsupported).into_iter().partition(Diagnostic::is_error);
    let (links, unrun) = match statics::check(&tree, &types, schemas, inputs.provisioners) {
        Ok(checked) if failing.is_empty() => checked,
        found => return Err(sorted(found.err().into_iter().flatten().chain(failing).collect())),
    };
    let root = &tree.entries[0].module;
    let (variables, unused) = inputs::values(root, inputs, &host)?;
    let provisioned = provision::places(&tree);
    let provisioners = provision::told(&provisioned).filter(|_| !inputs.provisioners).map(Diagnostic::into_warning);
    let warnings = told
        .into_iter()
        .chain(provisioners)
        .chain(sorted(unrun))
        .chain(root.warnings.iter().cloned())
        .chain(unused)
        .chain(sorted(account::idle(&tree)))
        .chain(sorted(deprecated::used(&tree)))
        .collect();
    let base = Base::compute(Shared::new(tree, links, types, host, Early::new(inputs)), variables);
    let plain = Names::new(&base, None, Here::Plain);
    gathered(each_module(&plain, &validate_variables))?;
    gathered(each_module(&plain, &check_bodies))?;
    gathered(account::others(&plain))?;
    let desired = wanted::desired(&base).map_err(sorted)?;
    Ok(Stack { base, desired, warnings, left, provisioned })
}

/// What is wrong in a module and in those that it calls.
fn each_module(names: &Names<'_>, check: &dyn Fn(&Names<'_>) -> Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut errors = check(names);
    for call in names.base().calls.keys() {
        errors.extend(names.rooms(call).iter().flat_map(|room| each_module(room, check)));
    }
    errors
}

/// The variables of a stack that have no default and are given no value.
///
/// # Errors
/// What is wrong with the files.
pub fn questions(
    sources: &[Source<'_>],
    library: &Library,
    inputs: &Inputs,
    schemas: &dyn Schemas,
    host: Host<'_>,
) -> Result<Vec<Question>, Vec<Diagnostic>> {
    let (module, _) = declared(sources, inputs, &mut Reader::new(library, &host, schemas, inputs.skip_unsupported))?;
    Ok(inputs::questions(&module, inputs, &host))
}

/// What the files declare, but for what is not supported, which is told by the caller.
fn declared(sources: &[Source<'_>], inputs: &Inputs, reader: &mut Reader<'_>) -> Result<(Module, LeftOut), Vec<Diagnostic>> {
    let (mut module, left, idle, mut errors) = reader.stack(sources);
    if inputs.simulated {
        module.idle = idle;
    }
    let (failing, told): (Vec<_>, Vec<_>) = module.kept.iter().filter_map(|kept| unkept(kept, inputs)).partition(Diagnostic::is_error);
    errors.extend(failing);
    module.warnings.extend(told);
    if errors.is_empty() {
        return Ok((module, left));
    }
    errors.extend(left.told(inputs.skip_unsupported).filter(Diagnostic::is_error));
    Err(sorted(errors))
}

/// What is said of a place that the files name for the state and that is not used. A state of a simulated account is kept apart;
/// a real one that is kept elsewhere must not be begun a second time here.
fn unkept(kept: &declaration::Kept, inputs: &Inputs) -> Option<Diagnostic> {
    let what = kept.backend.as_ref().map_or_else(|| "The \"cloud\" block".to_owned(), |kind| format!("The backend \"{kind}\""));
    let told = match kept.backend.as_deref() {
        Some("local") => return None,
        _ if inputs.simulated => Diagnostic::warning(format!("{what} is not used with --sim."))
            .hint("The state of the simulated account is kept below `.dofloat/sim`."),
        Some(_) => return None,
        None => Diagnostic::error(format!("{what} has no effect here: dofloat does not use that service.")).hint(
            "Take the block out. The state is kept in `state/`, or where a \"backend\" block says; `dofloat import -tfstate=FILE` \
                   takes over what `terraform state pull` gives.",
        ),
    };
    let told = told.at(kept.span.clone());
    // Whoever validates does not ask for the state.
    Some(if inputs.open_shape { told.into_warning() } else { told })
}

fn sorted(mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    errors.sort_by(|a, b| a.span.cmp(&b.span));
    errors.dedup();
    errors
}

fn gathered(errors: Vec<Diagnostic>) -> Result<(), Vec<Diagnostic>> {
    if errors.is_empty() { Ok(()) } else { Err(sorted(errors)) }
}

/// The conditions that the values of variables must meet.
fn validate_variables(names: &Names<'_>) -> Vec<Diagnostic> {
    let base = names.base();
    let mut errors = Vec::new();
    for (name, variable) in &base.module.variables {
        if let Some(Err(error)) = base.variables.get(name).and_then(|cell| cell.get()) {
            errors.push((**error).clone());
            continue;
        }
        for check in &variable.validations {
            errors.extend(failed(names, check, &variable.span, "validation"));
        }
    }
    errors
}

fn failed(names: &Names<'_>, check: &declaration::Check, at: &Span, what: &str) -> Option<Diagnostic> {
    body::check(&names.eval(), check, at, what).map_err(|error| *error).err()
}

/// Evaluates everything once with resources that are unknown: local values, bodies, outputs. So a wrong operand or
/// argument is found before any request, also where no instance would reach it: there by its form alone.
fn check_bodies(plain: &Names<'_>) -> Vec<Diagnostic> {
    let base = plain.base();
    let mut errors = Vec::new();
    for local in base.module.locals.keys() {
        errors.extend(base.local(local).and_then(|value| value.as_ref().err()).map(|error| (**error).clone()));
    }
    errors.extend(base.calls.values().filter_map(|called| Some((**called.instances.as_ref().err()?).clone())));
    for (name, resource) in &base.module.resources {
        let none = match base.instances(name) {
            Ok(instances) => instances.are_none(),
            Err(error) => {
                errors.push(*error);
                continue;
            }
        };
        let here = match &resource.repeat {
            declaration::Repeat::Once | declaration::Repeat::Enabled(_) => Here::Plain,
            declaration::Repeat::Count(_) => Here::Count(Val::unknown(Type::Number)),
            declaration::Repeat::ForEach(_) => Here::Each(Val::unknown(Type::String), Val::unknown(Type::Any)),
        };
        let names = plain.outside().with_here(here);
        let names = if none { names.unvalued() } else { names };
        if let Some(types) = base.types(&name.0) {
            errors.extend(body::term(&names.eval(), &resource.body, types).err().into_iter().flatten());
            let this = Names::whole(base, &base.place(name), &Term::Unknown(Origin::default()));
            errors.extend(provision::check(&names, resource, &this, name));
        }
    }
    for output in base.module.outputs.values() {
        match plain.eval().eval(&output.value).and_then(|value| fitted(output, value)) {
            Ok(value) if base.address.is_none() => errors.extend(output::leak(plain, output, &value)),
            Ok(_) => {}
            Err(error) => errors.push(*error),
        }
        errors.extend(output.preconditions.iter().filter_map(|check| failed(plain, check, &check.condition.span, "precondition")));
    }
    errors
}

/// What is checked in a called module once its values are known: what variables and outputs must be.
fn conditions(names: &Names<'_>) -> Vec<Diagnostic> {
    let module = &names.base().module;
    let variables =
        module.variables.values().flat_map(|variable| variable.validations.iter().map(|check| (check, &variable.span, "validation")));
    let outputs =
        module.outputs.values().flat_map(|output| output.preconditions.iter().map(|check| (check, &check.condition.span, "precondition")));
    variables.chain(outputs).filter_map(|(check, at, what)| failed(names, check, at, what)).collect()
}

impl Stack<'_> {
    /// Warnings: what is written in an old way, and values for variables that do not exist.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Whether something of the shape is unknown still: what its data sources give decides it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.base.shared.early.left_open.load(Ordering::Relaxed)
    }

    /// Whether an address is known to be one of the shape: how many there are of its block, and of the modules around it.
    #[must_use]
    pub fn is_settled(&self, of: &Address) -> bool {
        let settled = |instances: &Result<Instances, EvalError>| !matches!(instances, Ok(Instances::Open(_)));
        let mut place = of.parent.as_deref();
        while let Some(module) = place {
            let called = moves::room(&self.base, module.parent.as_deref()).and_then(|room| room.calls.get(&module.name));
            if !called.is_some_and(|called| settled(&called.instances)) {
                return false;
            }
            place = module.parent.as_deref();
        }
        let block = (of.kind.clone(), of.name.clone());
        moves::room(&self.base, of.parent.as_deref()).is_some_and(|room| settled(&room.instances(&block).cloned()))
    }

    /// What of the files is not supported, and left out.
    #[must_use]
    pub fn left_out(&self) -> &LeftOut {
        &self.left
    }

    /// What is told where provisioners are not run, if there are any.
    #[must_use]
    pub fn unprovisioned(&self) -> Option<Diagnostic> {
        provision::told(&self.provisioned)
    }

    /// The modules, and the machine that the files lie on.
    pub(super) fn tree(&self) -> (&Tree, &Host<'_>) {
        (&self.base.shared.tree, self.base.host())
    }

    /// The values of the variables.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<String, Variable> {
        let one = |(name, variable): (&String, &declaration::Variable)| {
            let value = self.value(name);
            let (sensitive, has_default) = (variable.sensitive, variable.default.is_some());
            (name.clone(), Variable { value, sensitive, has_default, span: variable.span.clone() })
        };
        self.base.module.variables.iter().map(one).collect()
    }

    fn value(&self, name: &str) -> Term {
        match self.base.variables.get(name).and_then(|cell| cell.get()) {
            Some(Ok(value)) => convert::term(value),
            _ => Term::null(),
        }
    }

    /// The arguments of the `provider` blocks, the main one's last: what it says counts. They may use variables and local values,
    /// but no resources.
    ///
    /// # Errors
    /// What is wrong in its expressions.
    pub fn provider(&self) -> Result<Vec<Argument>, Vec<Diagnostic>> {
        let names = Names::new(&self.base, None, Here::Plain);
        let (mut arguments, mut errors) = (Vec::new(), Vec::new());
        for provider in account::providers(&self.base.module) {
            for attr in &provider.body.attrs {
                match names.eval().eval(&attr.value) {
                    Ok(value) if value.is_null() => {}
                    Ok(value) => {
                        arguments.push(Argument { name: attr.name.clone(), value: convert::term(&value), span: attr.value.span.clone() })
                    }
                    Err(error) => errors.push(*error),
                }
            }
            for block in &provider.body.blocks {
                match body::term(&names.eval(), &block.body, &BTreeMap::new()) {
                    Ok(value) => {
                        arguments.push(Argument { name: block.kind.clone(), value: Term::list(vec![value]), span: block.header.clone() })
                    }
                    Err(found) => errors.extend(found),
                }
            }
        }
        gathered(errors).map(|()| arguments)
    }

    /// The block of an instance and the names in it.
    fn instance<'s>(&'s self, of: &Address, known: &'s Known<'s>) -> Result<Option<(Arc<Module>, Name, Names<'s>)>, EvalError> {
        let Some(names) = Names::at(&self.base, Some(known), of.parent.as_deref())? else { return Ok(None) };
        let (base, block) = (names.base(), (of.kind.clone(), of.name.clone()));
        let Some(resource) = base.module.resources.get(&block) else { return Ok(None) };
        let mut here = base.instances(&block)?.here(of.key.as_ref());
        // A value of `for_each` that was not known with the shape is computed again.
        if let (Here::Each(key, value), declaration::Repeat::ForEach(expr)) = (&here, &resource.repeat)
            && value.has_unknown()
        {
            let fresh = element::of(&names, expr, key)?;
            here = Here::Each(key.clone(), fresh.unwrap_or_else(|| value.clone()));
        }
        Ok(Some((Arc::clone(&base.module), block, names.with_here(here))))
    }

    /// The block of an address.
    fn resource(&self, of: &Address) -> Option<&declaration::Resource> {
        let tree = &self.base.shared.tree;
        let module = &tree.entries[tree.find(of.parent.as_deref())?].module;
        module.resources.get(&(of.kind.clone(), of.name.clone()))
    }

    fn about(of: &Address, errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let of = of.to_string();
        errors.into_iter().map(|error| Diagnostic { address: error.address.or_else(|| Some(of.clone())), ..error }).collect()
    }
}

impl Resolve for Stack<'_> {
    fn desired(&self) -> &Desired {
        &self.desired
    }

    fn begin(&self) {
        self.base.begin();
    }

    fn body(&self, of: &Address, known: &Known<'_>) -> Result<Term, Vec<Diagnostic>> {
        let found = self.instance(of, known).map_err(|error| Self::about(of, vec![*error]))?;
        let Some((module, block, names)) = found else { return Ok(Term::Unknown(Origin::default())) };
        let (resource, Some(types)) = (&module.resources[&block], self.base.types(&of.kind)) else {
            return Ok(Term::Unknown(Origin::default()));
        };
        let failed: Vec<_> =
            resource.preconditions.iter().filter_map(|check| failed(&names, check, &check.condition.span, "precondition")).collect();
        if !failed.is_empty() {
            return Err(Self::about(of, failed));
        }
        body::term(&names.eval(), &resource.body, types).map_err(|errors| Self::about(of, errors))
    }

    fn check(&self, of: &Address, known: &Known<'_>) -> Result<(), Vec<Diagnostic>> {
        let found = self.instance(of, known).map_err(|error| Self::about(of, vec![*error]))?;
        let Some((module, block, names)) = found else { return Ok(()) };
        let checks = &module.resources[&block].postconditions;
        if checks.is_empty() {
            return Ok(());
        }
        let names = names.with_self(Names::whole(&self.base, of, &known(of)));
        let failed = checks.iter().filter_map(|check| failed(&names, check, &check.condition.span, "postcondition"));
        gathered(failed.collect()).map_err(|errors| Self::about(of, errors))
    }

    fn provisions(&self, of: &Address) -> Provisions {
        self.resource(of).map(declaration::Resource::provisions).unwrap_or_default()
    }

    fn provisioners(&self, of: &Address, when: When, this: &Term, known: &Known<'_>) -> Result<Vec<Provisioner>, Vec<Diagnostic>> {
        let Some(resource) = self.resource(of).filter(|resource| resource.provisions().at(when) > 0) else { return Ok(Vec::new()) };
        let found = Names::at(&self.base, Some(known), of.parent.as_deref()).map_err(|error| Self::about(of, vec![*error]))?;
        let names = match (when, found) {
            (When::Create, _) => self.instance(of, known).map_err(|error| Self::about(of, vec![*error]))?.map(|(_, _, names)| names),
            // The module may not make the instance any more: nothing of its names is needed.
            (When::Destroy, found) => {
                let names = found.unwrap_or_else(|| Names::new(&self.base, Some(known), Here::Plain));
                Some(names.with_here(provision::here(resource, of.key.as_ref())))
            }
        };
        let Some(names) = names.map(|names| names.with_self(Names::whole(&self.base, of, this))) else { return Ok(Vec::new()) };
        let blocks = resource.provisioners.iter().filter(|block| block.when == when);
        let (mut valued, mut errors) = (Vec::new(), Vec::new());
        for block in blocks {
            match provision::valued(&names, block) {
                Ok(found) => valued.push(found),
                Err(found) => errors.extend(found),
            }
        }
        if errors.is_empty() { Ok(valued) } else { Err(Self::about(of, errors)) }
    }

    fn outputs(&self, known: &Known<'_>) -> Result<BTreeMap<String, Output>, Vec<Diagnostic>> {
        let names = Names::new(&self.base, Some(known), Here::Plain);
        let eval = names.eval();
        let (mut outputs, mut errors) = (BTreeMap::new(), Vec::new());
        for call in self.base.calls.keys() {
            errors.extend(names.rooms(call).iter().flat_map(|room| each_module(room, &conditions)));
        }
        for (name, output) in &self.base.module.outputs {
            errors.extend(output.preconditions.iter().filter_map(|check| failed(&names, check, &check.condition.span, "precondition")));
            match eval.eval(&output.value).and_then(|value| fitted(output, value)) {
                Ok(value) if value.is_null() => {}
                Ok(value) => {
                    errors.extend(output::leak(&names, output, &value));
                    let sensitive = output.sensitive || value.has_sensitive();
                    let (ty, value) = (value.ty(), convert::term(&value.marked(sensitive)));
                    outputs.insert(name.clone(), Output { value, ty, sensitive, span: Some(output.span.clone()) });
                }
                Err(error) => errors.push(*error),
            }
        }
        gathered(errors).map(|()| outputs)
    }

    fn checks(&self, known: &Known<'_>) -> Vec<Diagnostic> {
        let of = |names: &Names<'_>| {
            let all = names.base().module.checks.values().flat_map(|check| &check.asserts);
            all.filter_map(|check| failed(names, check, &check.condition.span, "check")).map(Diagnostic::into_warning).collect()
        };
        let names = Names::new(&self.base, Some(known), Here::Plain);
        let mut told = each_module(&names, &of);
        told.extend(output::hidden(&names));
        told
    }

    fn span(&self, of: &Address, path: &[&str]) -> Option<Span> {
        let resource = self.resource(of)?;
        body::place(&resource.body, path).or_else(|| Some(resource.span.clone()))
    }
}
