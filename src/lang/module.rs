//! A stack: from its files and the values of its variables to the resources that are wanted.
//!
//! Invariant: a `Stack` exists only of files without static errors, with variables that satisfy their validations and a
//! shape that is known; what is left to go wrong are values. It must not know kinds.

use std::collections::BTreeMap;

use super::Host;
use super::ast::Body;
use super::body;
use super::convert;
use super::declare::{self, Module, Resource};
use super::element;
use super::error::EvalError;
use super::inputs::{self, Inputs, Question};
use super::json;
use super::scope::{Base, Here, Names};
use super::shape;
use super::statics;
use super::syntax;
use super::value::Val;
use dofloat_base::address::Address;
use dofloat_base::desired::{Desired, Known, Output, Resolve};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::{Schemas, Type};
use dofloat_base::value::{Origin, Term};

/// A file of a stack: its name as it is shown, and its text. Names that end in `.json` hold the JSON form.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// For example `plans/web.tf`.
    pub name: &'a str,
    /// The content.
    pub text: &'a str,
}

/// A stack.
pub struct Stack<'a> {
    base: Base<'a>,
    desired: Desired,
    warnings: Vec<Diagnostic>,
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
    /// Where it is declared.
    pub span: Span,
}

/// Loads a stack.
///
/// # Errors
/// All that is wrong with the files, or else with the values of the variables, or else with the shape.
pub fn load<'a>(sources: &[Source<'_>], inputs: &Inputs, schemas: &dyn Schemas, host: Host<'a>) -> Result<Stack<'a>, Vec<Diagnostic>> {
    let module = declared(sources, &host)?;
    let types = statics::types(&module, schemas);
    let links = statics::check(&module, &types, schemas).map_err(sorted)?;
    let (variables, unused) = inputs::values(&module, inputs, &host)?;
    let warnings = module.warnings.iter().cloned().chain(unused).collect();
    let mut base = Base::new(module, variables, types, links, host);
    base.open_shape = inputs.open_shape;
    base.compute();
    validate_variables(&base)?;
    check_bodies(&base)?;
    let desired = shape::desired(&base).map_err(sorted)?;
    Ok(Stack { base, desired, warnings })
}

/// The variables of a stack that have no default and are given no value.
///
/// # Errors
/// What is wrong with the files.
pub fn questions(sources: &[Source<'_>], inputs: &Inputs, host: Host<'_>) -> Result<Vec<Question>, Vec<Diagnostic>> {
    let module = declared(sources, &host)?;
    Ok(inputs::questions(&module, inputs, &host))
}

/// The files as far as they can be read, and what is wrong with the rest.
pub(super) fn bodies(sources: &[Source<'_>]) -> (Vec<Body>, Vec<Diagnostic>) {
    let mut bodies: Vec<Body> = Vec::new();
    let mut errors = Vec::new();
    for source in sources {
        if source.name.ends_with(".json") {
            match json::body(source.name, source.text, json::Shape::File) {
                Ok(body) => bodies.push(body),
                Err(found) => errors.extend(found),
            }
        } else {
            let (body, found) = syntax::body_partly(source.name, source.text);
            errors.extend(found);
            bodies.push(body);
        }
    }
    (bodies, errors)
}

fn declared(sources: &[Source<'_>], host: &Host<'_>) -> Result<Module, Vec<Diagnostic>> {
    let (bodies, mut errors) = bodies(sources);
    // A file that cannot be read may hold what others refer to, so nothing more is said of names; the form of the blocks
    // that could be read is looked at all the same.
    let (module, found) = declare::module(bodies, host);
    errors.extend(found);
    if errors.is_empty() { Ok(module) } else { Err(sorted(errors)) }
}

fn sorted(mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    errors.sort_by(|a, b| a.span.cmp(&b.span));
    errors.dedup();
    errors
}

fn gathered(errors: Vec<Diagnostic>) -> Result<(), Vec<Diagnostic>> {
    if errors.is_empty() { Ok(()) } else { Err(sorted(errors)) }
}

fn validate_variables(base: &Base<'_>) -> Result<(), Vec<Diagnostic>> {
    let names = Names::new(base, None, Here::Plain);
    let mut errors = Vec::new();
    for variable in base.module.variables.values() {
        for check in &variable.validations {
            errors.extend(body::check(&names.eval(), check, &variable.span, "validation").map_err(|error| *error).err());
        }
    }
    gathered(errors)
}

/// Evaluates everything once with resources that are unknown: local values, bodies, outputs. So a wrong operand or
/// argument is found before any request, also where no instance would reach it.
fn check_bodies(base: &Base<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let plain = Names::new(base, None, Here::Plain);
    for local in base.module.locals.keys() {
        errors.extend(base.local(local).and_then(|value| value.as_ref().err()).map(|error| (**error).clone()));
    }
    for (name, resource) in &base.module.resources {
        if let Err(error) = base.instances(name) {
            errors.push(*error);
            continue;
        }
        let here = match &resource.repeat {
            declare::Repeat::Once => Here::Plain,
            declare::Repeat::Count(_) => Here::Count(Val::unknown(Type::Number)),
            declare::Repeat::ForEach(_) => Here::Each(Val::unknown(Type::String), Val::unknown(Type::Any)),
        };
        let names = Names::new(base, None, here);
        if let Some(types) = base.types.get(&name.0) {
            errors.extend(body::term(&names.eval(), &resource.body, types).err().into_iter().flatten());
        }
    }
    for output in base.module.outputs.values() {
        match plain.eval().eval(&output.value) {
            Ok(value) => errors.extend(leak(output, &value)),
            Err(error) => errors.push(*error),
        }
        for check in &output.preconditions {
            errors.extend(body::check(&plain.eval(), check, &check.condition.span, "precondition").map_err(|error| *error).err());
        }
    }
    gathered(errors)
}

/// An output that would show a sensitive value.
fn leak(output: &declare::Output, value: &Val) -> Option<Diagnostic> {
    (!output.sensitive && value.has_sensitive()).then(|| {
        Diagnostic::error("This output would show a sensitive value.")
            .at(output.span.clone())
            .hint("Write `sensitive = true` in it, or remove the mark with `nonsensitive(…)` if the value is not a secret.")
    })
}

impl Stack<'_> {
    /// Warnings: what is written in an old way, and values for variables that do not exist.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The values of the variables.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<String, Variable> {
        let one = |(name, variable): (&String, &declare::Variable)| {
            let value = self.base.variables.get(name).map_or_else(Term::null, convert::term);
            (name.clone(), Variable { value, sensitive: variable.sensitive, span: variable.span.clone() })
        };
        self.base.module.variables.iter().map(one).collect()
    }

    /// The header of the `provider` block, if there is one.
    #[must_use]
    pub fn provider_span(&self) -> Option<&Span> {
        self.base.module.providers.first().map(|provider| &provider.span)
    }

    /// The arguments of the `provider` block. They may use variables and local values, but no resources.
    ///
    /// # Errors
    /// What is wrong in its expressions.
    pub fn provider(&self) -> Result<Vec<Argument>, Vec<Diagnostic>> {
        let names = Names::new(&self.base, None, Here::Plain);
        let (mut arguments, mut errors) = (Vec::new(), Vec::new());
        for provider in &self.base.module.providers {
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

    fn instance(&self, of: &Address) -> Option<(&Resource, &BTreeMap<String, Type>)> {
        let resource = self.base.module.resources.get(&(of.kind.clone(), of.name.clone()))?;
        Some((resource, self.base.types.get(&of.kind)?))
    }

    /// The names in an instance. A value of `for_each` that was not known with the shape is computed again.
    fn names<'s>(&'s self, of: &Address, resource: &Resource, known: &'s Known<'s>) -> Result<Names<'s>, EvalError> {
        let instances = self.base.instances(&(of.kind.clone(), of.name.clone()))?;
        let mut here = instances.here(of.key.as_ref());
        if let (Here::Each(key, value), declare::Repeat::ForEach(expr)) = (&here, &resource.repeat)
            && value.has_unknown()
        {
            let fresh = element::of(&Names::new(&self.base, Some(known), Here::Plain), expr, key)?;
            here = Here::Each(key.clone(), fresh.unwrap_or_else(|| value.clone()));
        }
        Ok(Names::new(&self.base, Some(known), here))
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
        let Some((resource, types)) = self.instance(of) else { return Ok(Term::Unknown(Origin::default())) };
        let names = self.names(of, resource, known).map_err(|error| Self::about(of, vec![*error]))?;
        let eval = names.eval();
        let failed: Vec<_> = resource
            .preconditions
            .iter()
            .filter_map(|check| body::check(&eval, check, &check.condition.span, "precondition").err().map(|error| *error))
            .collect();
        if !failed.is_empty() {
            return Err(Self::about(of, failed));
        }
        body::term(&eval, &resource.body, types).map_err(|errors| Self::about(of, errors))
    }

    fn check(&self, of: &Address, known: &Known<'_>) -> Result<(), Vec<Diagnostic>> {
        let Some((resource, _)) = self.instance(of) else { return Ok(()) };
        if resource.postconditions.is_empty() {
            return Ok(());
        }
        let names = self.names(of, resource, known).map_err(|error| Self::about(of, vec![*error]))?;
        let names = names.with_self(Names::whole(&self.base, of, &known(of)));
        let eval = names.eval();
        let failed = resource
            .postconditions
            .iter()
            .filter_map(|check| body::check(&eval, check, &check.condition.span, "postcondition").err().map(|error| *error));
        gathered(failed.collect()).map_err(|errors| Self::about(of, errors))
    }

    fn outputs(&self, known: &Known<'_>) -> Result<BTreeMap<String, Output>, Vec<Diagnostic>> {
        let names = Names::new(&self.base, Some(known), Here::Plain);
        let eval = names.eval();
        let (mut outputs, mut errors) = (BTreeMap::new(), Vec::new());
        for (name, output) in &self.base.module.outputs {
            for check in &output.preconditions {
                errors.extend(body::check(&eval, check, &check.condition.span, "precondition").map_err(|error| *error).err());
            }
            match eval.eval(&output.value) {
                Ok(value) if value.is_null() => {}
                Ok(value) => {
                    errors.extend(leak(output, &value));
                    let (ty, value) = (value.ty(), convert::term(&value.marked(output.sensitive)));
                    outputs.insert(name.clone(), Output { value, ty, sensitive: output.sensitive, span: Some(output.span.clone()) });
                }
                Err(error) => errors.push(*error),
            }
        }
        gathered(errors).map(|()| outputs)
    }

    fn span(&self, of: &Address, path: &[&str]) -> Option<Span> {
        let resource = self.base.module.resources.get(&(of.kind.clone(), of.name.clone()))?;
        body::place(&resource.body, path).or_else(|| Some(resource.span.clone()))
    }
}
