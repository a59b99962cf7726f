//! What a stack's files declare: variables, locals, outputs, resources, the provider.
//!
//! Invariant: every block and every argument in the files is either in a declaration or an error; nothing is skipped in
//! silence. Expressions are not evaluated here but for those that must be constant.

use std::collections::{BTreeMap, BTreeSet};

mod calls;
mod moves;
mod settings;

use super::Host;
pub use super::ast::Name;
use super::ast::{Attr, Block, Body, Expr, Kind, StepKind};
use super::constant::constant;
use super::constraint::Constraint;
use super::error::{EvalError, error_at, suggest};
use super::references;
use super::syntax;
use super::type_expr;
use super::types;
use super::value::{Data, Val};
use dofloat_base::address::Address;
use dofloat_base::desired::{Ignore, Lifecycle, Move, Prevent, Removal};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

/// All declarations of a stack.
#[derive(Debug, Default)]
pub struct Module {
    /// `variable` blocks.
    pub variables: BTreeMap<String, Variable>,
    /// The entries of `locals` blocks.
    pub locals: BTreeMap<String, Local>,
    /// `output` blocks.
    pub outputs: BTreeMap<String, Output>,
    /// `resource` blocks.
    pub resources: BTreeMap<Name, Resource>,
    /// `provider` blocks.
    pub providers: Vec<Provider>,
    /// `moved` blocks.
    pub moves: Vec<Move>,
    /// Those of them that change the type, with the places of the new addresses.
    pub retyped: Vec<(Move, Span)>,
    /// `removed` blocks.
    pub removals: BTreeMap<Address, Removal>,
    /// `import` blocks.
    pub imports: Vec<Import>,
    /// `module` blocks.
    pub calls: BTreeMap<String, ModuleCall>,
    /// Variables that may stay without a value.
    pub idle: BTreeSet<String>,
    /// Where the files say that the state is kept.
    pub kept: Vec<Kept>,
    /// What is written in a way that has no effect, or is an old one.
    pub warnings: Vec<Diagnostic>,
}

/// A `backend` or `cloud` block.
#[derive(Debug)]
pub struct Kept {
    /// The block's header.
    pub span: Span,
    /// The backend's kind; nothing for a `cloud` block.
    pub backend: Option<String>,
}

/// An `import` block.
#[derive(Debug)]
pub struct Import {
    /// The block's header.
    pub span: Span,
    /// The resource that takes the object over.
    pub to: Expr,
    /// The object.
    pub id: Expr,
    /// `for_each`.
    pub for_each: Option<Expr>,
}

impl Import {
    /// The expression of the key that `to` has.
    pub(super) fn index(&self) -> Option<&Expr> {
        self.to.root()?.1.iter().find_map(|step| match &step.kind {
            StepKind::Index(expr) => Some(expr),
            _ => None,
        })
    }
}

/// A `variable` block.
#[derive(Debug)]
pub struct Variable {
    /// The block's header.
    pub span: Span,
    /// What its value must look like.
    pub constraint: Constraint,
    /// Whether a type is written: without one, a text that is given is taken as it is.
    pub typed: bool,
    /// The default, fitted to the type.
    pub default: Option<Val>,
    /// `description`.
    pub description: Option<String>,
    /// `sensitive = true`, or `ephemeral = true`.
    pub sensitive: bool,
    /// `nullable`, true unless said otherwise.
    pub nullable: bool,
    /// `validation` blocks.
    pub validations: Vec<Check>,
}

/// A condition that must hold: `validation`, `precondition`, `postcondition`.
#[derive(Debug)]
pub struct Check {
    /// The block's header.
    pub span: Span,
    /// What must be true.
    pub condition: Expr,
    /// What is said if it is not.
    pub message: Expr,
}

/// An entry of a `locals` block.
#[derive(Debug)]
pub struct Local {
    /// Its name in the file.
    pub span: Span,
    /// Its value.
    pub value: Expr,
}

/// An `output` block.
#[derive(Debug)]
pub struct Output {
    /// The block's header.
    pub span: Span,
    /// Its value.
    pub value: Expr,
    /// `sensitive = true`.
    pub sensitive: bool,
    /// `ephemeral = true`.
    pub ephemeral: bool,
    /// `description`.
    pub description: Option<String>,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
    /// `precondition` blocks.
    pub preconditions: Vec<Check>,
}

/// How many instances a resource has.
#[derive(Debug)]
pub enum Repeat {
    /// One, without a key.
    Once,
    /// `count`.
    Count(Expr),
    /// `for_each`.
    ForEach(Expr),
}

impl Repeat {
    /// The expression that tells how many there are.
    #[must_use]
    pub fn expr(&self) -> Option<&Expr> {
        match self {
            Self::Once => None,
            Self::Count(expr) | Self::ForEach(expr) => Some(expr),
        }
    }
}

/// A `resource` block.
#[derive(Debug)]
pub struct Resource {
    /// The block's header.
    pub span: Span,
    /// `count` or `for_each`.
    pub repeat: Repeat,
    /// Its own arguments and blocks.
    pub body: Body,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
    /// The rules of `lifecycle` that need no evaluation.
    pub rules: Lifecycle,
    /// Where `ignore_changes` stands.
    pub ignore_span: Option<Span>,
    /// `replace_triggered_by`.
    pub triggers: Vec<Expr>,
    /// `precondition` blocks.
    pub preconditions: Vec<Check>,
    /// `postcondition` blocks.
    pub postconditions: Vec<Check>,
}

/// A `module` block.
#[derive(Debug)]
pub struct ModuleCall {
    /// The block's header.
    pub span: Span,
    /// Where the module comes from.
    pub source: String,
    /// Where that is written.
    pub source_span: Span,
    /// Which releases of a registry's module may be used.
    pub version: Option<String>,
    /// `count` or `for_each`.
    pub repeat: Repeat,
    /// The values of the module's variables.
    pub arguments: Body,
    /// `depends_on`.
    pub depends_on: Vec<Expr>,
}

impl ModuleCall {
    /// The expressions that the value of a variable comes from: what is given, and what `each` in it comes from.
    #[must_use]
    pub fn value_of(&self, variable: &str) -> Vec<&Expr> {
        let Some(attr) = self.arguments.attr(variable) else { return Vec::new() };
        let is_each = references::of(&attr.value, &[]).iter().any(|reference| reference.root == "each");
        std::iter::once(&attr.value).chain(self.repeat.expr().filter(|_| is_each)).collect()
    }
}

/// A `provider` block.
#[derive(Debug)]
pub struct Provider {
    /// The block's header.
    pub span: Span,
    /// Its arguments.
    pub body: Body,
}

impl Resource {
    /// Whether its instances have keys.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        !matches!(self.repeat, Repeat::Once)
    }

    /// Every expression of the block, with the names that dynamic blocks bind there, but the postconditions'.
    pub fn expressions<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr, &[&'a str])) {
        self.repeat.expr().into_iter().for_each(|expr| visit(expr, &[]));
        body_expressions(&self.body, &mut Vec::new(), visit);
        for check in &self.preconditions {
            visit(&check.condition, &[]);
            visit(&check.message, &[]);
        }
    }
}

/// The expressions in a body, with the names that are bound around them.
pub(super) fn body_expressions<'a>(body: &'a Body, bound: &mut Vec<&'a str>, visit: &mut dyn FnMut(&'a Expr, &[&'a str])) {
    for attr in &body.attrs {
        visit(&attr.value, bound);
    }
    for block in &body.blocks {
        match dynamic(block) {
            Some(dynamic) => {
                visit(dynamic.for_each, bound);
                bound.push(dynamic.iterator);
                body_expressions(dynamic.content, bound, visit);
                bound.pop();
            }
            None => body_expressions(&block.body, bound, visit),
        }
    }
}

/// A `dynamic` block.
pub(super) struct Dynamic<'a> {
    /// The type of the blocks that it makes.
    pub kind: &'a str,
    /// What it walks.
    pub for_each: &'a Expr,
    /// The name that the element is bound to.
    pub iterator: &'a str,
    /// The body of each block.
    pub content: &'a Body,
}

/// A block as a dynamic one, if it is one and is complete (which `declare` has checked).
pub(super) fn dynamic(block: &Block) -> Option<Dynamic<'_>> {
    if block.kind != "dynamic" {
        return None;
    }
    let (kind, _) = block.labels.first()?;
    let iterator = match block.body.attr("iterator").map(|attr| &attr.value.kind) {
        Some(Kind::Name(name)) => name,
        _ => kind,
    };
    Some(Dynamic { kind, for_each: &block.body.attr("for_each")?.value, iterator, content: &block.body.blocks("content").next()?.body })
}

/// Collects the declarations of files.
pub fn module(bodies: Vec<Body>, host: &Host<'_>) -> (Module, Vec<Diagnostic>) {
    let mut collect = Collect { module: Module::default(), errors: Vec::new(), host };
    for body in bodies {
        for attr in &body.attrs {
            collect.error(Diagnostic::error(format!("\"{}\" stands outside of any block.", attr.name)).at(attr.span.clone()));
        }
        for block in body.blocks {
            collect.block(block);
        }
    }
    (collect.module, collect.errors)
}

const BLOCKS: &[&str] =
    &["variable", "locals", "output", "resource", "data", "provider", "terraform", "moved", "removed", "import", "module"];

/// Blocks that Terraform has and this program does not have yet.
const UNSUPPORTED: &[&str] = &["check", "ephemeral"];

const RESERVED_VARIABLES: &[&str] = &["source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"];

struct Collect<'h> {
    module: Module,
    errors: Vec<Diagnostic>,
    host: &'h Host<'h>,
}

impl Collect<'_> {
    fn error(&mut self, error: Diagnostic) {
        self.errors.push(error);
    }

    #[expect(clippy::boxed_local, reason = "errors come in boxes")]
    fn report(&mut self, error: EvalError) {
        self.errors.push(*error);
    }

    fn block(&mut self, block: Block) {
        match block.kind.as_str() {
            "variable" if self.labels(&block, &["name"]) => self.variable(block),
            "locals" if self.labels(&block, &[]) => self.locals(block),
            "output" if self.labels(&block, &["name"]) => self.output(block),
            "resource" if self.labels(&block, &["type", "name"]) => self.resource(block),
            "data" if self.labels(&block, &["type", "name"]) => self.data(block),
            "provider" if self.labels(&block, &["name"]) => self.provider(block),
            "terraform" if self.labels(&block, &[]) => self.terraform(&block),
            "moved" if self.labels(&block, &[]) => self.moved(&block),
            "removed" if self.labels(&block, &[]) => self.removed(&block),
            "import" if self.labels(&block, &[]) => self.import(block),
            "module" if self.labels(&block, &["name"]) => self.module_call(block),
            kind if BLOCKS.contains(&kind) => {}
            kind if UNSUPPORTED.contains(&kind) => {
                self.error(
                    Diagnostic::error(format!("Blocks of type \"{kind}\" are not supported yet."))
                        .at(block.header.clone())
                        .hint("Remove the block."),
                );
            }
            kind => {
                let error = Diagnostic::error(format!("There is no block type \"{kind}\".")).at(block.header.clone());
                self.report(suggest(error, kind, BLOCKS.iter().copied()));
            }
        }
    }

    /// Whether a block has the labels that it must have.
    fn labels(&mut self, block: &Block, wanted: &[&str]) -> bool {
        if block.labels.len() != wanted.len() {
            let form: Vec<_> =
                std::iter::once(block.kind.clone()).chain(wanted.iter().map(|label| format!("\"{}\"", label.to_uppercase()))).collect();
            let message = format!("A {} block is written `{} {{ … }}`.", block.kind, form.join(" "));
            self.error(Diagnostic::error(message).at(block.header.clone()));
            return false;
        }
        for (label, span) in &block.labels {
            if !references::is_name(label) {
                self.error(
                    Diagnostic::error(format!("\"{label}\" cannot be a name."))
                        .at(span.clone())
                        .hint("A name has letters, digits, `_` and `-`, and starts with no digit."),
                );
                return false;
            }
        }
        true
    }

    /// Reports arguments and blocks that a block does not have.
    fn only(&mut self, block: &Block, attrs: &[&str], blocks: &[&str]) {
        let what = format!("A {} block", block.kind);
        for attr in block.body.attrs.iter().filter(|attr| !attrs.contains(&attr.name.as_str())) {
            let error = if blocks.contains(&attr.name.as_str()) {
                Box::new(Diagnostic::error(format!("\"{0}\" is a block: write `{0} {{ … }}`.", attr.name)).at(attr.span.clone()))
            } else {
                let error = Diagnostic::error(format!("{what} has no argument \"{}\".", attr.name)).at(attr.span.clone());
                suggest(error, &attr.name, attrs.iter().copied())
            };
            self.report(error);
        }
        for inner in block.body.blocks.iter().filter(|inner| !blocks.contains(&inner.kind.as_str())) {
            let error = if attrs.contains(&inner.kind.as_str()) {
                Box::new(Diagnostic::error(format!("\"{0}\" is an argument: write `{0} = …`.", inner.kind)).at(inner.header.clone()))
            } else {
                let error = Diagnostic::error(format!("{what} has no block \"{}\".", inner.kind)).at(inner.header.clone());
                suggest(error, &inner.kind, blocks.iter().copied())
            };
            self.report(error);
        }
    }

    /// A constant argument of a type; null is an error.
    fn constant(&mut self, block: &Block, name: &str, ty: &Type) -> Option<Val> {
        let attr = block.body.attr(name)?;
        let value = constant(&attr.value, self.host).and_then(|value| {
            if value.is_null() {
                return Err(error_at(&attr.value.span, format!("\"{name}\" must not be null.")));
            }
            types::convert(&value, ty).map_err(|_| error_at(&attr.value.span, format!("\"{name}\" must be a {ty}.")))
        });
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(error);
                None
            }
        }
    }

    fn flag(&mut self, block: &Block, name: &str) -> Option<bool> {
        match self.constant(block, name, &Type::Bool)?.data {
            Data::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    fn text(&mut self, block: &Block, name: &str) -> Option<String> {
        match self.constant(block, name, &Type::String)?.data {
            Data::String(text) => Some(text.to_string()),
            _ => None,
        }
    }

    fn variable(&mut self, block: Block) {
        self.only(&block, &["type", "default", "description", "sensitive", "nullable", "ephemeral"], &["validation"]);
        let name = block.labels[0].0.clone();
        if RESERVED_VARIABLES.contains(&name.as_str()) {
            self.error(Diagnostic::error(format!("\"{name}\" is reserved and cannot be a variable's name.")).at(block.header.clone()));
        }
        let typed = block.body.attr("type");
        let quoted = typed.and_then(|attr| Some((type_expr::quoted(&attr.value)?, &attr.value.span)));
        if let Some((_, span)) = &quoted {
            self.warning(span, "A type in quotes is an old way to write it.", "`dofloat fmt` writes it as it is written today.");
        }
        let read = |attr: &Attr| quoted.map_or_else(|| type_expr::constraint(&attr.value, self.host), |(constraint, _)| Ok(constraint));
        let constraint = match typed.map(read) {
            Some(Ok(constraint)) => constraint,
            Some(Err(error)) => {
                self.report(error);
                Constraint::Any
            }
            None => Constraint::Any,
        };
        let nullable = self.flag(&block, "nullable").unwrap_or(true);
        let default = block.body.attr("default").and_then(|attr| {
            let value = constant(&attr.value, self.host).and_then(|value| {
                if value.is_null() && !nullable {
                    return Err(error_at(&attr.value.span, "The default is null, which `nullable = false` forbids."));
                }
                constraint
                    .apply(&value)
                    .map_err(|error| error_at(&attr.value.span, format!("The default does not match the variable's type: {error}.")))
            });
            value.map_err(|error| self.report(error)).ok()
        });
        let sensitive = self.flag(&block, "sensitive").unwrap_or(false);
        let ephemeral = self.flag(&block, "ephemeral").unwrap_or(false);
        let variable = Variable {
            span: block.header.clone(),
            constraint,
            typed: typed.is_some(),
            default,
            description: self.text(&block, "description"),
            sensitive: sensitive || ephemeral,
            nullable,
            validations: block.body.blocks("validation").filter_map(|block| self.check(block)).collect(),
        };
        self.declare(name, variable, |variable| &variable.span, |module| &mut module.variables, "variable");
    }

    fn declare<K: Ord + std::fmt::Debug, T>(
        &mut self,
        name: K,
        what: T,
        span: fn(&T) -> &Span,
        table: fn(&mut Module) -> &mut BTreeMap<K, T>,
        kind: &str,
    ) {
        let table = table(&mut self.module);
        if let Some(first) = table.get(&name) {
            let error = Diagnostic::error(format!("This {kind} is declared twice."))
                .at(span(&what).clone())
                .related(span(first).clone(), "first here");
            self.errors.push(error);
            return;
        }
        table.insert(name, what);
    }

    fn check(&mut self, block: &Block) -> Option<Check> {
        self.only(block, &["condition", "error_message"], &[]);
        if !block.labels.is_empty() {
            self.error(Diagnostic::error(format!("A {} block has no label.", block.kind)).at(block.header.clone()));
        }
        let mut need = |name: &str| {
            let found = block.body.attr(name).map(|attr| attr.value.clone());
            if found.is_none() {
                self.error(Diagnostic::error(format!("A {} block needs the argument \"{name}\".", block.kind)).at(block.header.clone()));
            }
            found
        };
        let (condition, message) = (need("condition"), need("error_message"));
        let check = Check { span: block.header.clone(), condition: condition?, message: message? };
        if references::of(&check.condition, &[]).is_empty() {
            self.error(Diagnostic::error("This condition refers to nothing, so it is always the same.").at(check.condition.span.clone()));
        }
        Some(check)
    }

    fn locals(&mut self, block: Block) {
        for inner in &block.body.blocks {
            self.error(
                Diagnostic::error("A locals block holds values only.")
                    .at(inner.header.clone())
                    .hint(format!("Write `{} = {{ … }}` for an object.", inner.kind)),
            );
        }
        for Attr { name, span, value } in block.body.attrs {
            self.declare(name, Local { span, value }, |local| &local.span, |module| &mut module.locals, "local value");
        }
    }

    fn output(&mut self, block: Block) {
        self.only(&block, &["value", "description", "sensitive", "ephemeral", "depends_on"], &["precondition"]);
        let Some(value) = block.body.attr("value").map(|attr| attr.value.clone()) else {
            self.error(Diagnostic::error("An output needs the argument \"value\".").at(block.header.clone()));
            return;
        };
        let output = Output {
            span: block.header.clone(),
            value,
            sensitive: self.flag(&block, "sensitive").unwrap_or(false),
            ephemeral: self.flag(&block, "ephemeral").unwrap_or(false),
            description: self.text(&block, "description"),
            depends_on: self.list(&block, "depends_on"),
            preconditions: block.body.blocks("precondition").filter_map(|block| self.check(block)).collect(),
        };
        self.declare(block.labels[0].0.clone(), output, |output| &output.span, |module| &mut module.outputs, "output");
    }

    fn warning(&mut self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        self.module.warnings.push(Diagnostic::warning(message).at(span.clone()).hint(hint));
    }

    /// The references in an argument that is a list in brackets; quotes around one are an old way to write it.
    fn list(&mut self, block: &Block, name: &str) -> Vec<Expr> {
        let Some(attr) = block.body.attr(name) else { return Vec::new() };
        let Kind::Tuple(items) = &attr.value.kind else {
            self.error(Diagnostic::error(format!("\"{name}\" is a list in brackets.")).at(attr.value.span.clone()));
            return Vec::new();
        };
        items.iter().map(|item| self.unquoted(item)).collect()
    }

    fn unquoted(&mut self, item: &Expr) -> Expr {
        let Some(text) = item.text() else { return item.clone() };
        match syntax::expression(&item.span.file, text, item.span.start) {
            Ok(mut found) if found.root().is_some_and(|(_, steps)| !steps.is_empty()) => {
                self.warning(&item.span, "A reference in quotes is an old way to write it.", format!("Write `{text}`."));
                // Its escapes make finer places unreliable.
                found.each_mut(&mut |part| *part = item.span.clone());
                found
            }
            _ => item.clone(),
        }
    }

    /// A data source is a resource that is only read: its type's name tells.
    fn data(&mut self, mut block: Block) {
        block.labels[0].0 = Address::data_kind(&block.labels[0].0);
        self.resource(block);
    }

    fn resource(&mut self, mut block: Block) {
        let (kind, name) = (block.labels[0].0.clone(), block.labels[1].0.clone());
        let repeat = self.repeat(&block, "resource");
        self.sole_provider(&block);
        let depends_on = self.list(&block, "depends_on");
        let mut resource = Resource {
            span: block.header.clone(),
            repeat,
            body: Body::default(),
            depends_on,
            rules: Lifecycle::default(),
            ignore_span: None,
            triggers: Vec::new(),
            preconditions: Vec::new(),
            postconditions: Vec::new(),
        };
        let lifecycles: Vec<Block> = block.body.blocks("lifecycle").cloned().collect();
        for extra in lifecycles.iter().skip(1) {
            self.error(
                Diagnostic::error("A resource has one lifecycle block only.")
                    .at(extra.header.clone())
                    .related(lifecycles[0].header.clone(), "first here"),
            );
        }
        let is_data = block.kind == "data";
        if let Some(lifecycle) = lifecycles.first() {
            self.lifecycle(lifecycle, &mut resource, is_data);
        }
        let dynamic: Vec<Block> = std::mem::take(&mut block.body.blocks).into_iter().filter(|inner| inner.kind != "lifecycle").collect();
        block.body.blocks = dynamic;
        block.body.attrs.retain(|attr| !matches!(attr.name.as_str(), "count" | "for_each" | "provider" | "depends_on"));
        self.dynamics(&block.body);
        resource.body = block.body;
        let what = if is_data { "data source" } else { "resource" };
        self.declare((kind, name), resource, |resource| &resource.span, |module| &mut module.resources, what);
    }

    /// Checks the form of dynamic blocks, wherever they are.
    fn dynamics(&mut self, body: &Body) {
        for block in &body.blocks {
            if block.kind == "dynamic" {
                self.only(block, &["for_each", "iterator", "labels"], &["content"]);
                if block.labels.len() != 1 {
                    self.error(Diagnostic::error("A dynamic block is written `dynamic \"BLOCK\" { … }`.").at(block.header.clone()));
                }
                if block.body.attr("for_each").is_none() {
                    self.error(Diagnostic::error("A dynamic block needs the argument \"for_each\".").at(block.header.clone()));
                }
                if block.body.blocks("content").count() != 1 {
                    self.error(Diagnostic::error("A dynamic block needs one \"content\" block.").at(block.header.clone()));
                }
                if let Some(iterator) = block.body.attr("iterator")
                    && !matches!(iterator.value.kind, Kind::Name(_))
                {
                    self.error(Diagnostic::error("\"iterator\" is a bare name.").at(iterator.value.span.clone()));
                }
                if let Some(content) = block.body.blocks("content").next() {
                    self.dynamics(&content.body);
                }
            } else {
                self.dynamics(&block.body);
            }
        }
    }

    fn lifecycle(&mut self, block: &Block, resource: &mut Resource, is_data: bool) {
        // What is only read is neither made nor destroyed.
        let rules: &[&str] =
            if is_data { &[] } else { &["create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by"] };
        self.only(block, rules, &["precondition", "postcondition"]);
        resource.rules.create_before_destroy = self.flag(block, "create_before_destroy").unwrap_or(false);
        if self.flag(block, "prevent_destroy") == Some(true) {
            resource.rules.prevent_destroy = block.body.attr("prevent_destroy").map(|attr| Prevent::Written(attr.span.clone()));
        }
        resource.rules.ignore_changes = match block.body.attr("ignore_changes").map(|attr| (&attr.value, &attr.value.kind)) {
            None => Ignore::Nothing,
            Some((_, Kind::Name(name))) if name == "all" => Ignore::All,
            Some((_, Kind::Tuple(items))) => self.ignored(items),
            Some((value, _)) => {
                self.error(Diagnostic::error("\"ignore_changes\" is a list of arguments in brackets, or `all`.").at(value.span.clone()));
                Ignore::Nothing
            }
        };
        resource.ignore_span = block.body.attr("ignore_changes").map(|attr| attr.value.span.clone());
        resource.triggers = self.list(block, "replace_triggered_by");
        resource.preconditions = block.body.blocks("precondition").filter_map(|block| self.check(block)).collect();
        resource.postconditions = block.body.blocks("postcondition").filter_map(|block| self.check(block)).collect();
    }

    fn ignored(&mut self, items: &[Expr]) -> Ignore {
        let mut names = BTreeSet::new();
        for item in items {
            match (item.root(), item.text()) {
                (Some((root, steps)), _) if steps.iter().all(|step| !matches!(step.kind, StepKind::Splat | StepKind::AttrSplat)) => {
                    names.insert(root.to_owned());
                }
                (None, Some(name)) => {
                    let (all, place) = (name == "*", &item.span);
                    let hint = if all { "Write `ignore_changes = all`.".to_owned() } else { format!("Write `{name}`.") };
                    self.warning(place, "A reference in quotes is an old way to write it.", hint);
                    names.insert(name.to_owned());
                }
                _ => self.error(Diagnostic::error("\"ignore_changes\" holds names of arguments.").at(item.span.clone())),
            }
        }
        if names.contains("*") { Ignore::All } else { Ignore::Names(names) }
    }
}
