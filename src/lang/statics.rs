//! What can be found wrong before anything is evaluated: names that do not exist, functions that do not exist, circles.
//!
//! Invariant: every expression of the files is looked at, also those that no evaluation would reach, and all errors are
//! reported at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ast::{Body, Expr, Name, Step, StepKind};
use super::body;
use super::declaration::{Alias, Check, Module, ModuleCall, Repeat, Resource, of_provisioner};
use super::dynamic::{body_expressions, dynamic};
use super::error::suggest;
use super::functions;
use super::graph::Links;
use super::references::{self, Found, Reference};
use super::tree::Tree;
use dofloat_base::desired::Ignore;
use dofloat_base::diag::{Diagnostic, Span, did_you_mean};
use dofloat_base::provision::When;
use dofloat_base::types::{Schemas, Type};

/// The types of the attributes, by resource type.
pub(super) type Types = BTreeMap<String, BTreeMap<String, Type>>;

/// The types of the attributes of those resource types that are used.
#[must_use]
pub(super) fn types(tree: &Tree, schemas: &dyn Schemas) -> Types {
    let kinds: BTreeSet<&String> = tree.entries.iter().flat_map(|entry| entry.module.resources.keys()).map(|(kind, _)| kind).collect();
    let of = |kind: &String| match schemas.resource(kind) {
        Some(Type::Object(fields)) => Some((kind.clone(), fields)),
        _ => None,
    };
    kinds.into_iter().filter_map(of).collect()
}

/// Checks the modules of a configuration, and tells what depends on what in them, and what is wrong with provisioners that are not
/// run: only where `provisioners` are run is it an error.
///
/// # Errors
/// All that is wrong with them.
pub(super) fn check(
    tree: &Tree,
    types: &Types,
    schemas: &dyn Schemas,
    provisioners: bool,
) -> Result<(Links, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (mut errors, mut unrun) = (Vec::new(), Vec::new());
    let mut done: Vec<*const Module> = Vec::new();
    for (at, entry) in tree.entries.iter().enumerate() {
        // What is called twice is written once.
        if at > 0 && done.contains(&Arc::as_ptr(&entry.module)) {
            continue;
        }
        done.push(Arc::as_ptr(&entry.module));
        let mut checker = Checker { tree, at, module: &entry.module, types, errors: Vec::new(), destroying: Vec::new() };
        checker.module();
        errors.extend(checker.errors);
        if provisioners { &mut errors } else { &mut unrun }.extend(checker.destroying);
        unknown_kinds(&entry.module, schemas, &mut errors);
        errors.extend(retyped(&entry.module, schemas));
    }
    match Links::of(tree) {
        Ok(links) if errors.is_empty() => Ok((links, unrun.into_iter().map(Diagnostic::into_warning).collect())),
        Ok(_) => Err(errors),
        Err(circles) => Err(errors.into_iter().chain(circles).collect()),
    }
}

/// Moves to another type, but from an old name of one to the new one or back.
fn retyped(module: &Module, schemas: &dyn Schemas) -> impl Iterator<Item = Diagnostic> {
    let wrong = module.retyped.iter().filter(|(of, _)| !schemas.is_renamed(&of.from.kind, &of.to.kind));
    wrong.map(|(of, place)| {
        Diagnostic::error(format!("A move changes the name or the key, not the type: `{}` cannot become `{}`.", of.from.kind, of.to.kind))
            .at(place.clone())
            .hint(
                "Remove the block: an object keeps its type. What is no longer in the configuration is destroyed, and what is new is \
                 created.",
            )
    })
}

fn unknown_kinds(module: &Module, schemas: &dyn Schemas, errors: &mut Vec<Diagnostic>) {
    let names = schemas.resource_names();
    let sources = schemas.data_names();
    for ((kind, _), resource) in module.resources.iter().filter(|((kind, _), _)| schemas.resource(kind).is_none()) {
        let (what, known) = match kind.strip_prefix("data.") {
            Some(source) => (format!("The data source \"{source}\" is not supported."), &sources),
            None => (format!("The resource type \"{kind}\" is not supported."), &names),
        };
        errors.push(*suggest(Diagnostic::error(what).at(resource.span.clone()), kind, known.iter().map(String::as_str)));
    }
}

/// Where an expression stands, which decides what it may use.
#[derive(Clone, Copy, Default)]
struct Place<'m> {
    /// The resource block.
    resource: Option<&'m Name>,
    /// The `module` block.
    call: Option<&'m ModuleCall>,
    /// Whether `self` has a value.
    has_self: bool,
    /// Whether it is a provisioner, or its connection.
    provisioner: bool,
    /// Whether `count` and `each` may be used: not in `count` and `for_each` themselves.
    instance: bool,
}

struct Checker<'m> {
    tree: &'m Tree,
    at: usize,
    module: &'m Module,
    types: &'m Types,
    errors: Vec<Diagnostic>,
    /// What is wrong with provisioners that run before a resource is destroyed.
    destroying: Vec<Diagnostic>,
}

impl<'m> Checker<'m> {
    fn module(&mut self) {
        let module = self.module;
        for local in module.locals.values() {
            self.expr(&local.value, &[], Place::default());
        }
        for variable in module.variables.values() {
            self.checks(&variable.validations, Place::default());
        }
        for output in module.outputs.values() {
            self.expr(&output.value, &[], Place::default());
            self.checks(&output.preconditions, Place::default());
            self.depends_on(&output.depends_on);
        }
        for check in module.checks.values() {
            self.checks(&check.asserts, Place::default());
        }
        for import in &module.imports {
            let bound: &[&str] = if import.for_each.is_some() { &["each"] } else { &[] };
            import.for_each.iter().for_each(|expr| self.expr(expr, &[], Place::default()));
            self.expr(&import.id, bound, Place::default());
            import.index().into_iter().for_each(|expr| self.expr(expr, bound, Place::default()));
        }
        for provider in &module.providers {
            body_expressions(&provider.body, &mut Vec::new(), &mut |expr, bound| self.expr(expr, bound, Place::default()));
        }
        for alias in &module.chosen {
            let hint = "Write a provider block with that `alias`; in a module, list it in `configuration_aliases`.";
            self.provider(module, alias, format!("There is no provider `digitalocean.{}`.", alias.name), hint);
        }
        module.resources.iter().for_each(|(name, resource)| self.resource_block(name, resource));
        module.calls.iter().for_each(|(name, call)| self.call(name, call));
    }

    fn resource_block(&mut self, name: &'m Name, resource: &'m Resource) {
        let outside = Place { resource: Some(name), ..Place::default() };
        let inside = Place { instance: true, ..outside };
        match &resource.repeat {
            Repeat::Once => {}
            Repeat::Count(expr) | Repeat::ForEach(expr) | Repeat::Enabled(expr) => self.expr(expr, &[], outside),
        }
        body_expressions(&resource.body, &mut Vec::new(), &mut |expr, bound| self.expr(expr, bound, inside));
        for provisioner in &resource.provisioners {
            let place = Place { has_self: true, provisioner: true, ..inside };
            of_provisioner(provisioner, &mut |expr, bound| self.expr(expr, bound, place));
            if provisioner.when == When::Destroy {
                of_provisioner(provisioner, &mut |expr, _| self.own_only(expr));
            }
        }
        self.checks(&resource.preconditions, inside);
        self.checks(&resource.postconditions, Place { has_self: true, ..inside });
        self.depends_on(&resource.depends_on);
        self.triggers(&resource.triggers, inside);
        if let Some(types) = self.types.get(&name.0) {
            self.body(&name.0, &resource.body, types);
            if let Ignore::Names(names) = &resource.rules.ignore_changes {
                for ignored in names.iter().filter(|ignored| !types.contains_key(*ignored)) {
                    let place = ignored_place(resource.ignore_span.as_ref(), &resource.span);
                    let error = Diagnostic::error(format!("\"{}\" has no argument \"{ignored}\" to ignore.", name.0)).at(place);
                    self.errors.push(*suggest(error, ignored, types.keys().map(String::as_str)));
                }
            }
        }
    }

    /// A `module` block: what it gives to the module's variables.
    fn call(&mut self, name: &str, call: &'m ModuleCall) {
        let outside = Place { call: Some(call), ..Place::default() };
        call.repeat.expr().into_iter().for_each(|expr| self.expr(expr, &[], outside));
        for attr in &call.arguments.attrs {
            self.expr(&attr.value, &[], Place { instance: true, ..outside });
        }
        self.depends_on(&call.depends_on);
        let Some(called) = self.called(name) else { return };
        for attr in call.arguments.attrs.iter().filter(|attr| !called.variables.contains_key(&attr.name)) {
            let error = Diagnostic::error(format!("The module has no variable \"{}\".", attr.name)).at(attr.span.clone());
            self.errors.push(*suggest(error, &attr.name, called.variables.keys().map(String::as_str)));
        }
        for alias in &call.aliases {
            let hint = "List it in `configuration_aliases` of the module's `required_providers`, or leave it out here.";
            self.provider(called, alias, format!("The module takes no provider `digitalocean.{}`.", alias.name), hint);
        }
        for (name, variable) in &called.variables {
            if variable.default.is_none() && call.arguments.attr(name).is_none() {
                let error = Diagnostic::error(format!("The module's variable \"{name}\" has no value.")).at(call.span.clone());
                self.errors
                    .push(error.related(variable.span.clone(), "declared here").hint(format!("Write `{name} = …` in the module block.")));
            }
        }
    }

    /// Reports an alias that a module does not have.
    fn provider(&mut self, of: &Module, alias: &Alias, message: String, hint: &str) {
        if !of.aliases().any(|known| known == alias.name) {
            let error = Diagnostic::error(message).at(alias.span.clone()).hint(hint);
            self.errors.push(*suggest(error, &alias.name, of.aliases()));
        }
    }

    /// What is declared in a module that is called here.
    fn called(&self, name: &str) -> Option<&'m Module> {
        let tree = self.tree;
        Some(&tree.entries[*tree.entries[self.at].children.get(name)?].module)
    }

    /// `module.NAME.OUTPUT`.
    fn module_output(&mut self, reference: &Reference<'m>) {
        let span = reference.span;
        let Some(name) = reference.attr(0) else {
            return self.error(span, "A reference to a module names its call and an output: module.NAME.OUTPUT.".to_owned());
        };
        let (Some(call), Some(called)) = (self.module.calls.get(name), self.called(name)) else {
            return self.declared("module", Some(name), &self.module.calls, span);
        };
        let rest = &reference.steps[1..];
        let Some(first) = rest.first() else { return };
        let repeated = call.repeat.is_repeated();
        let indexed = !matches!(first.kind, StepKind::Attr(_));
        let is_splat = matches!(first.kind, StepKind::Splat | StepKind::AttrSplat);
        if repeated && !indexed {
            let error = Diagnostic::error(format!("module.{name} has several instances; say which one is meant.")).at(span.clone());
            self.errors.push(error.hint(match call.repeat {
                Repeat::ForEach(_) => format!("Write module.{name}[\"KEY\"] for one, or a `for` expression for all."),
                _ => format!("Write module.{name}[0] for one, module.{name}[*] for all."),
            }));
            return;
        }
        if !repeated && indexed && !is_splat {
            let error =
                Diagnostic::error(format!("module.{name} has neither `count` nor `for_each`, so it has no instances to pick from."));
            self.errors.push(error.at(first.span.clone()).hint("Take the index out."));
            return;
        }
        if let Some(StepKind::Attr(output)) = rest.get(usize::from(indexed)).map(|step| &step.kind)
            && !called.outputs.contains_key(output)
        {
            let error = Diagnostic::error(format!("The module \"{name}\" has no output \"{output}\".")).at(span.clone());
            self.errors.push(*suggest(error, output, called.outputs.keys().map(String::as_str)));
        }
    }

    fn checks(&mut self, checks: &'m [Check], place: Place<'m>) {
        for check in checks {
            self.expr(&check.condition, &[], place);
            self.expr(&check.message, &[], place);
        }
    }

    /// Arguments and blocks that the resource type does not have.
    fn body(&mut self, kind: &str, body: &Body, types: &BTreeMap<String, Type>) {
        for attr in body.attrs.iter().filter(|attr| !types.contains_key(&attr.name)) {
            let error = Diagnostic::error(format!("\"{kind}\" has no argument \"{}\".", attr.name)).at(attr.span.clone());
            self.errors.push(*suggest(error, &attr.name, types.keys().map(String::as_str)));
        }
        for block in &body.blocks {
            let dynamic = dynamic(block);
            let (name, inner) = match &dynamic {
                Some(dynamic) => (dynamic.kind, dynamic.content),
                None => (block.kind.as_str(), &block.body),
            };
            match types.get(name) {
                Some(ty) if body::is_block(ty) => self.body(kind, inner, body::inside(ty)),
                // What is either is held to its form by the type itself.
                Some(Type::Any) => {}
                Some(_) => {
                    let error = Diagnostic::error(format!("\"{name}\" is an argument of \"{kind}\": write `{name} = …`."));
                    self.errors.push(error.at(block.header.clone()));
                }
                None => {
                    let error = Diagnostic::error(format!("\"{kind}\" has no block \"{name}\".")).at(block.header.clone());
                    let blocks = types.iter().filter(|(_, ty)| body::is_block(ty)).map(|(name, _)| name.as_str());
                    self.errors.push(*suggest(error, name, blocks));
                }
            }
        }
    }

    fn depends_on(&mut self, exprs: &'m [Expr]) {
        for expr in exprs {
            let name = expr.target().and_then(|(root, steps)| references::block(root, steps));
            match name.map(|(name, _)| name) {
                Some(name) if self.module.resources.contains_key(&name) => {}
                Some((root, name)) if root == "module" => self.declared("module", Some(&name), &self.module.calls, &expr.span),
                // What such a value comes from is waited for, as far as it comes from anything.
                Some((root, name)) if root == "var" => self.declared("variable", Some(&name), &self.module.variables, &expr.span),
                Some((root, name)) if root == "local" => self.declared("local value", Some(&name), &self.module.locals, &expr.span),
                Some((kind, name)) => self.no_resource(&kind, &name, &expr.span),
                None => {
                    let error = Diagnostic::error("`depends_on` holds references to resources, without quotes.");
                    self.errors.push(error.at(expr.span.clone()).hint("Write TYPE.NAME."));
                }
            }
        }
    }

    /// While something is destroyed, only what is its own is sure to be there.
    fn own_only(&mut self, expr: &'m Expr) {
        for reference in references::of(expr, &[]) {
            let own = matches!(
                (reference.root, reference.attr(0)),
                ("self" | "path" | "terraform", _) | ("count", Some("index")) | ("each", Some("key"))
            );
            if !own {
                self.destroying.push(
                    Diagnostic::error(
                        "A provisioner that is run before a resource is destroyed uses `self`, `count.index` and `each.key` only.",
                    )
                    .at(reference.span.clone())
                    .hint("Keep what it needs in the resource, for example in `triggers_replace`, and read it from `self`."),
                );
            }
        }
    }

    fn triggers(&mut self, exprs: &'m [Expr], place: Place<'m>) {
        for expr in exprs {
            let resource = expr.target().is_some_and(|(root, steps)| {
                let name = match steps.first().map(|step| &step.kind) {
                    Some(StepKind::Attr(name)) => name.clone(),
                    _ => String::new(),
                };
                !matches!(root, "var" | "local" | "each" | "count" | "self" | "path" | "module" | "data") && !name.is_empty()
            });
            if resource {
                self.expr(expr, &[], place);
            } else {
                let error = Diagnostic::error("`replace_triggered_by` holds references to resources or their attributes.");
                self.errors.push(error.at(expr.span.clone()));
            }
        }
    }

    fn expr(&mut self, expr: &'m Expr, bound: &[&'m str], place: Place<'m>) {
        let mut found = Vec::new();
        references::walk(expr, bound, &mut |what| found.push(what));
        for what in found {
            match what {
                Found::Call(call, _) if !functions::is_known(&call.name) => self.errors.push(*functions::unknown(call)),
                Found::Call(..) => {}
                Found::Reference(reference) => self.reference(&reference, place),
            }
        }
    }

    fn error(&mut self, span: &Span, message: String) {
        self.errors.push(Diagnostic::error(message).at(span.clone()));
    }

    fn reference(&mut self, reference: &Reference<'m>, place: Place<'m>) {
        let span = reference.span;
        let name = reference.attr(0);
        match reference.root {
            "var" => self.declared("variable", name, &self.module.variables, span),
            "local" => self.declared("local value", name, &self.module.locals, span),
            "path" => self.one_of("path", name, &["module", "root", "cwd"], span),
            "terraform" => self.one_of("terraform", name, &["workspace"], span),
            "count" | "each" => self.repeated(reference, place),
            "self" => {
                if !place.has_self {
                    let error =
                        Diagnostic::error("`self` has a value only in a postcondition, a provisioner or a connection.").at(span.clone());
                    self.errors.push(error.hint("Name the resource itself elsewhere: TYPE.NAME."));
                } else if let Some(types) = place.resource.and_then(|name| self.types.get(&name.0)) {
                    let ty = Type::Object(types.clone());
                    self.steps(&ty, reference.steps);
                }
            }
            "module" => self.module_output(reference),
            "resource" => self.error(span, "A reference to a resource names its type and its name: TYPE.NAME.".to_owned()),
            root => match reference.block() {
                Some((block, rest)) => self.resource(&block, rest, reference, place),
                None if root == "data" => {
                    self.error(span, "A reference to a data source names its type and its name: data.TYPE.NAME.".to_owned());
                }
                None => {
                    let error = Diagnostic::error(format!("There is nothing named \"{root}\".")).at(span.clone());
                    let text = match () {
                        () if self.module.variables.contains_key(root) => Some(format!("var.{root}")),
                        () if self.module.locals.contains_key(root) => Some(format!("local.{root}")),
                        () => did_you_mean(root, ["var", "local", "each", "count", "self", "path"]).map(ToOwned::to_owned),
                    };
                    self.errors.push(match text {
                        Some(text) => error.hint(format!("Did you mean `{text}`?")),
                        None => error.hint("A text stands in double quotes; a variable is var.NAME, a resource TYPE.NAME."),
                    });
                }
            },
        }
    }

    fn declared<T>(&mut self, what: &str, name: Option<&str>, known: &BTreeMap<String, T>, span: &Span) {
        match name {
            None => self.error(span, format!("A reference to a {what} needs its name.")),
            Some(name) if known.contains_key(name) => {}
            Some(name) => {
                let error = Diagnostic::error(format!("There is no {what} \"{name}\".")).at(span.clone());
                self.errors.push(*suggest(error, name, known.keys().map(String::as_str)));
            }
        }
    }

    fn one_of(&mut self, root: &str, name: Option<&str>, known: &[&str], span: &Span) {
        if !name.is_some_and(|name| known.contains(&name)) {
            let error = Diagnostic::error(format!("\"{root}\" has no attribute \"{}\".", name.unwrap_or_default())).at(span.clone());
            self.errors.push(*suggest(error, name.unwrap_or_default(), known.iter().copied()));
        }
    }

    fn repeated(&mut self, reference: &Reference<'m>, place: Place<'m>) {
        let (root, span) = (reference.root, reference.span);
        let own = place.resource.and_then(|name| self.module.resources.get(name)).map(|resource| &resource.repeat);
        let repeat = own.or(place.call.map(|call| &call.repeat)).filter(|_| place.instance);
        match (root, repeat) {
            ("count", Some(Repeat::Count(_))) => self.one_of(root, reference.attr(0), &["index"], span),
            ("each", Some(Repeat::ForEach(_))) => self.one_of(root, reference.attr(0), &["key", "value"], span),
            ("count", _) => self.error(span, "`count.index` has a value only in a resource with `count`.".to_owned()),
            _ => self.error(span, "`each` has a value only in a resource with `for_each`.".to_owned()),
        }
    }

    fn no_resource(&mut self, kind: &str, name: &str, span: &Span) {
        let (what, kind_name) = kind.strip_prefix("data.").map_or(("resource", kind), |source| ("data source", source));
        let error = Diagnostic::error(format!("There is no {what} \"{kind_name}\" \"{name}\".")).at(span.clone());
        let written = format!("{kind}.{name}");
        let known: Vec<_> = self.module.resources.keys().map(|(kind, name)| format!("{kind}.{name}")).collect();
        self.errors.push(match did_you_mean(&written, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("Did you mean `{near}`?")),
            None => error,
        });
    }

    fn resource(&mut self, block: &Name, rest: &'m [Step], reference: &Reference<'m>, place: Place<'m>) {
        let (kind, name) = (&block.0, &block.1);
        let Some(resource) = self.module.resources.get(block) else {
            self.no_resource(kind, name, reference.span);
            return;
        };
        // A provisioner may name its own resource, or one instance of it: it is run once the object is there.
        let one =
            !resource.is_repeated() || rest.first().is_some_and(|step| matches!(step.kind, StepKind::Index(_) | StepKind::LegacyIndex(_)));
        if place.resource == Some(block) && !(place.provisioner && one) {
            self.error(reference.span, format!("{kind}.{name} refers to itself."));
            return;
        }
        let Some(types) = self.types.get(kind) else { return };
        let object = Type::Object(types.clone());
        let Some(first) = rest.first() else { return };
        let indexed = !matches!(first.kind, StepKind::Attr(_));
        match (resource.is_repeated(), indexed) {
            (false, false) => self.steps(&object, rest),
            (true, true) => self.steps(&Type::List(Box::new(object)), rest),
            (false, true) if matches!(first.kind, StepKind::Splat | StepKind::AttrSplat) => self.steps(&object, &rest[1..]),
            (false, true) => {
                let error =
                    Diagnostic::error(format!("{kind}.{name} has neither `count` nor `for_each`, so it has no instances to pick from."));
                self.errors.push(error.at(first.span.clone()).hint("Remove the index."));
            }
            (true, false) => {
                let error =
                    Diagnostic::error(format!("{kind}.{name} has several instances; say which one is meant.")).at(reference.span.clone());
                let hint = match resource.repeat {
                    Repeat::ForEach(_) => format!("Write {kind}.{name}[\"KEY\"] for one, or a `for` expression for all."),
                    _ => format!("Write {kind}.{name}[0] for one, {kind}.{name}[*] for all."),
                };
                self.errors.push(error.hint(hint));
            }
        }
    }

    /// Follows a path through a type as far as types tell.
    fn steps(&mut self, ty: &Type, steps: &[Step]) {
        let Some((step, rest)) = steps.split_first() else { return };
        match (&step.kind, ty) {
            (StepKind::Attr(name), Type::Object(fields)) => match fields.get(name) {
                Some(ty) => self.steps(ty, rest),
                None => {
                    let error = Diagnostic::error(format!("There is no attribute \"{name}\" here.")).at(step.span.clone());
                    self.errors.push(*suggest(error, name, fields.keys().map(String::as_str)));
                }
            },
            (StepKind::Attr(_), Type::Map(item)) => self.steps(item, rest),
            (StepKind::Index(_) | StepKind::LegacyIndex(_), Type::List(item) | Type::Map(item)) => self.steps(item, rest),
            (StepKind::Splat | StepKind::AttrSplat, Type::List(item) | Type::Set(item)) => self.steps(item, rest),
            _ => {}
        }
    }
}

fn ignored_place(span: Option<&Span>, block: &Span) -> Span {
    span.unwrap_or(block).clone()
}
