//! What a stack's files declare: variables, locals, outputs, resources, providers, calls, and what is moved, removed or imported.
//!
//! Invariant: a declaration is whole and of the right form. Nothing is evaluated yet but what must be constant.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Body, Expr, Name, StepKind};
use super::constraint::Constraint;
use super::dynamic::body_expressions;
use super::provisioner::Provisioner;
use super::references;
use super::value::Val;
use dofloat_base::address::Address;
use dofloat_base::desired::{Lifecycle, Move, Removal};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::provision::{Provisions, When};

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
    /// The aliases that `configuration_aliases` lists: whoever calls the module hands those on.
    pub handed: BTreeSet<String>,
    /// The aliases of providers that blocks choose.
    pub chosen: Vec<Alias>,
    /// `moved` blocks.
    pub moves: Vec<Move>,
    /// Those of them that change the type, with the places of the new addresses.
    pub retyped: Vec<(Move, Span)>,
    /// `removed` blocks.
    pub removals: BTreeMap<Address, Removal>,
    /// `import` blocks.
    pub imports: Vec<Import>,
    /// `check` blocks.
    pub checks: BTreeMap<String, CheckBlock>,
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

/// A `check` block. Its data source is one of the module's.
#[derive(Debug)]
pub struct CheckBlock {
    /// The block's header.
    pub span: Span,
    /// Its `assert` blocks.
    pub asserts: Vec<Check>,
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
    /// What is said to whoever sets it: `deprecated`.
    pub deprecated: Option<String>,
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
    /// What the value must look like; anything where no type is written.
    pub constraint: Constraint,
    /// What is said to whoever uses it: `deprecated`.
    pub deprecated: Option<String>,
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
    /// One, or none: `lifecycle { enabled = … }`.
    Enabled(Expr),
}

impl Repeat {
    /// Whether its instances have keys.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        matches!(self, Self::Count(_) | Self::ForEach(_))
    }

    /// The expression that tells how many there are.
    #[must_use]
    pub fn expr(&self) -> Option<&Expr> {
        match self {
            Self::Once => None,
            Self::Count(expr) | Self::ForEach(expr) | Self::Enabled(expr) => Some(expr),
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
    /// Whether it is the data source of a check.
    pub checks: bool,
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
    /// `provisioner` blocks.
    pub(crate) provisioners: Vec<Provisioner>,
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
    /// The aliases of providers that `providers` gives the module.
    pub aliases: Vec<Alias>,
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
    /// `alias`.
    pub alias: Option<String>,
    /// Its other arguments.
    pub body: Body,
}

/// `digitalocean.ALIAS`, where it is written.
#[derive(Debug)]
pub struct Alias {
    /// The alias.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

impl Module {
    /// The aliases of providers that blocks may choose.
    pub(super) fn aliases(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().filter_map(|provider| provider.alias.as_deref()).chain(self.handed.iter().map(String::as_str))
    }
}

impl Resource {
    /// Whether its instances have keys.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.repeat.is_repeated()
    }

    /// Every expression of the block, with the names that dynamic blocks bind there, but the postconditions'.
    pub fn expressions<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr, &[&'a str])) {
        self.repeat.expr().into_iter().for_each(|expr| visit(expr, &[]));
        body_expressions(&self.body, &mut Vec::new(), visit);
        for check in &self.preconditions {
            visit(&check.condition, &[]);
            visit(&check.message, &[]);
        }
        self.provisioners.iter().for_each(|provisioner| of_provisioner(provisioner, visit));
    }

    /// How many provisioners it has.
    #[must_use]
    pub fn provisions(&self) -> Provisions {
        let count = |when: When| self.provisioners.iter().filter(|provisioner| provisioner.when == when).count();
        Provisions { create: count(When::Create), destroy: count(When::Destroy) }
    }
}

/// The expressions in a provisioner.
pub(super) fn of_provisioner<'a>(provisioner: &'a Provisioner, visit: &mut dyn FnMut(&'a Expr, &[&'a str])) {
    body_expressions(&provisioner.settings, &mut Vec::new(), visit);
    body_expressions(&provisioner.connection, &mut Vec::new(), visit);
}
