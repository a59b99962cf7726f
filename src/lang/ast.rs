//! The syntax tree: bodies, blocks, expressions and templates, each with its place in the file.
//!
//! Invariant: a tree comes from `syntax` (or `json`) only and is complete; whitespace control and heredoc indentation are
//! already worked into the texts, so that evaluation need not know how a template was written.

use std::sync::Arc;

use super::value::Val;
use dofloat_base::diag::Span;

/// A resource block's type and name.
pub type Name = (String, String);

/// A file's content, or what stands between a block's braces.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Attributes in the order of the file.
    pub attrs: Vec<Attr>,
    /// Blocks in the order of the file.
    pub blocks: Vec<Block>,
}

impl Body {
    /// The attribute of that name.
    #[must_use]
    pub fn attr(&self, name: &str) -> Option<&Attr> {
        self.attrs.iter().find(|attr| attr.name == name)
    }

    /// The blocks of that type.
    pub fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |block| block.kind == kind)
    }
}

/// `name = value`.
#[derive(Clone, Debug)]
pub struct Attr {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The value.
    pub value: Expr,
}

/// `kind "label" { … }`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The block's type.
    pub kind: String,
    /// The labels and their places.
    pub labels: Vec<(String, Span)>,
    /// From the type to the last label.
    pub header: Span,
    /// What stands between the braces.
    pub body: Body,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A number, `true`, `false`, `null` or a text without interpolations.
    Literal(Val),
    /// A text with interpolations or directives.
    Template(Vec<Part>),
    /// `"${x}"`: the value itself, of any type.
    Wrapped(Box<Expr>),
    /// `[a, b]`.
    Tuple(Vec<Expr>),
    /// `{ a = b }`. A bare word as key stands for itself and is no reference.
    Object(Vec<(Expr, Expr)>),
    /// `(a)`.
    Paren(Box<Expr>),
    /// A bare word: the root of a reference, or a variable of a `for`.
    Name(String),
    /// `a.b[c][*].d`.
    Traversal(Box<Expr>, Vec<Step>),
    /// `f(a, b...)`.
    Call(Box<Call>),
    /// `!a`, `-a`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`.
    Binary(BinaryOp, Box<(Expr, Expr)>),
    /// `a ? b : c`.
    Conditional(Box<(Expr, Expr, Expr)>),
    /// `[for …]`, `{for …}`.
    For(Box<For>),
}

/// One step of a traversal.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands, with its dot or brackets.
    pub span: Span,
    /// What it is.
    pub kind: StepKind,
}

/// What a step is.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// `.name`.
    Attr(String),
    /// `[expr]`.
    Index(Expr),
    /// `.0`.
    LegacyIndex(u64),
    /// `[*]`: all further steps are for each element.
    Splat,
    /// `.*`: the further attribute steps are for each element.
    AttrSplat,
}

/// The function that puts the lists in a list in their place. Nobody can write a call of this name.
pub const SPLICED: &str = "the list of lists";

/// A function call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function, without the `core::` it may be written with.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// The arguments.
    pub args: Vec<Expr>,
    /// Whether the last argument is spread (`...`).
    pub spread: bool,
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// An operator between its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the operators' own")]
pub enum BinaryOp {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    And,
    Or,
}

impl BinaryOp {
    /// The operator as it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}

/// `for key, value in collection : key => value... if condition`.
#[derive(Clone, Debug)]
pub struct For {
    /// The names that the elements are bound to.
    pub names: Names,
    /// What is walked.
    pub collection: Expr,
    /// The key of the result, for an object.
    pub key: Option<Expr>,
    /// The value of the result.
    pub value: Expr,
    /// Whether values of one key are gathered (`...`).
    pub group: bool,
    /// Which elements count.
    pub condition: Option<Expr>,
}

/// The names of a `for`.
#[derive(Clone, Debug)]
pub struct Names {
    /// For the key or index.
    pub key: Option<String>,
    /// For the value.
    pub value: String,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text.
    Text(Arc<str>),
    /// `${expr}`.
    Insert(Expr),
    /// `%{ if … }…%{ else }…%{ endif }`.
    If(Box<(Expr, Vec<Part>, Vec<Part>)>),
    /// `%{ for … in … }…%{ endfor }`.
    For(Box<(Names, Expr, Vec<Part>)>),
}

impl Expr {
    /// The name and the place of each leading attribute step of a reference (`a.b.c[0]` gives a, b, c), and the steps that
    /// follow; nothing if it is no reference.
    #[must_use]
    pub fn root(&self) -> Option<(&str, &[Step])> {
        match &self.kind {
            Kind::Name(name) => Some((name, &[])),
            Kind::Traversal(of, steps) => match &of.kind {
                Kind::Name(name) => Some((name, steps)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same, with `resource.TYPE.NAME` as `TYPE.NAME`.
    #[must_use]
    pub fn target(&self) -> Option<(&str, &[Step])> {
        self.root().map(|(root, steps)| short(root, steps))
    }

    /// The literal text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Literal(Val { data: super::value::Data::String(text), .. }) => Some(text),
            _ => None,
        }
    }

    /// Calls `change` with every place in this expression.
    pub fn each_mut(&mut self, change: &mut dyn FnMut(&mut Span)) {
        change(&mut self.span);
        match &mut self.kind {
            Kind::Literal(_) | Kind::Name(_) => {}
            Kind::Template(parts) => parts_mut(parts, change),
            Kind::Wrapped(of) | Kind::Paren(of) | Kind::Unary(_, of) => of.each_mut(change),
            Kind::Tuple(items) => items.iter_mut().for_each(|item| item.each_mut(change)),
            Kind::Object(items) => items.iter_mut().for_each(|(key, value)| {
                key.each_mut(change);
                value.each_mut(change);
            }),
            Kind::Traversal(of, steps) => {
                of.each_mut(change);
                for step in steps {
                    change(&mut step.span);
                    if let StepKind::Index(index) = &mut step.kind {
                        index.each_mut(change);
                    }
                }
            }
            Kind::Call(call) => {
                change(&mut call.name_span);
                call.args.iter_mut().for_each(|arg| arg.each_mut(change));
            }
            Kind::Binary(_, of) => {
                of.0.each_mut(change);
                of.1.each_mut(change);
            }
            Kind::Conditional(of) => {
                of.0.each_mut(change);
                of.1.each_mut(change);
                of.2.each_mut(change);
            }
            Kind::For(of) => {
                of.collection.each_mut(change);
                of.value.each_mut(change);
                [of.key.as_mut(), of.condition.as_mut()].into_iter().flatten().for_each(|part| part.each_mut(change));
            }
        }
    }
}

/// `resource.TYPE.NAME` is the long way to write `TYPE.NAME`.
#[must_use]
pub fn short<'a>(root: &'a str, steps: &'a [Step]) -> (&'a str, &'a [Step]) {
    match steps {
        [Step { kind: StepKind::Attr(kind), .. }, rest @ ..]
            if root == "resource" && matches!(rest, [Step { kind: StepKind::Attr(_), .. }, ..]) =>
        {
            (kind, rest)
        }
        _ => (root, steps),
    }
}

fn parts_mut(parts: &mut [Part], change: &mut dyn FnMut(&mut Span)) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Insert(expr) => expr.each_mut(change),
            Part::If(of) => {
                of.0.each_mut(change);
                parts_mut(&mut of.1, change);
                parts_mut(&mut of.2, change);
            }
            Part::For(of) => {
                of.1.each_mut(change);
                parts_mut(&mut of.2, change);
            }
        }
    }
}
