//! Expressions: from the parser's tree to ours.
//!
//! Invariant: what the parser lets through and Terraform does not is an error here, at its place.

use std::ops::Range;

use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, FuncCall, ObjectKey, ObjectValue, TraversalOperator, UnaryOperator};
use hcl_edit::template::Template;
use hcl_edit::{Decorated, Ident, Span as _};

use super::lenient;
use super::source::{Source, Style};
use crate::arithmetic;
use crate::ast::{BinaryOp, Call, Expr, For, Kind, Names, Step, StepKind, UnaryOp};
use crate::value::Val;
use dofloat_base::diag::{Diagnostic, Span};

impl Source<'_> {
    pub(super) fn expr(&mut self, expr: &Expression, near: Range<usize>) -> Expr {
        let mut range = expr.span().unwrap_or_else(|| near.clone());
        let kind = match expr {
            Expression::Null(_) => Kind::Literal(Val::null()),
            Expression::Bool(value) => Kind::Literal(Val::bool(*value.value())),
            Expression::Number(_) => Kind::Literal(self.number(range.clone())),
            Expression::String(text) => {
                self.refuse_newline(range.clone());
                Kind::Literal(Val::string(text.value()))
            }
            Expression::Array(items) => Kind::Tuple(items.iter().map(|item| self.expr(item, range.clone())).collect()),
            Expression::Object(items) => Kind::Object(items.iter().map(|(key, value)| self.item(key, value, &range)).collect()),
            Expression::StringTemplate(string) => {
                let parts: Vec<_> = string.iter().cloned().collect();
                return self.template(&Template::from(parts), range, Style::Quoted);
            }
            Expression::HeredocTemplate(heredoc) => {
                let text = &self.text[range.clone()];
                let flush = text.starts_with("<<-");
                self.refuse_text_after_end(range.clone());
                return self.template(&heredoc.template, range, Style::Heredoc { flush });
            }
            Expression::Parenthesis(inner) => Kind::Paren(Box::new(self.expr(inner.inner(), range.clone()))),
            Expression::Variable(name) => Kind::Name(name.as_str().to_owned()),
            Expression::Conditional(of) => Kind::Conditional(Box::new((
                self.expr(&of.cond_expr, range.clone()),
                self.expr(&of.true_expr, range.clone()),
                self.expr(&of.false_expr, range.clone()),
            ))),
            Expression::FuncCall(call) => Kind::Call(Box::new(self.call(call, &range))),
            Expression::Traversal(of) => {
                let root = self.expr(&of.expr, range.clone());
                let steps = self.steps(&of.operators, &range);
                if let (Some(first), Some(last)) = (of.expr.span(), of.operators.last().and_then(|op| op.span())) {
                    range = first.start..last.end.max(range.end);
                }
                Kind::Traversal(Box::new(root), steps)
            }
            Expression::UnaryOp(of) => {
                let op = match of.operator.value() {
                    UnaryOperator::Neg => UnaryOp::Negate,
                    UnaryOperator::Not => UnaryOp::Not,
                };
                Kind::Unary(op, Box::new(self.expr(&of.expr, range.clone())))
            }
            Expression::BinaryOp(of) => {
                let left = self.expr(&of.lhs_expr, range.clone());
                let right = self.expr(&of.rhs_expr, range.clone());
                range = left.span.start - self.base..right.span.end - self.base;
                Kind::Binary(binary(*of.operator.value()), Box::new((left, right)))
            }
            Expression::ForExpr(of) => Kind::For(Box::new(self.for_expr(of, &range))),
        };
        Expr { span: self.span(range), kind }
    }

    /// An entry of an object; its key is read last, as its place may be the value's.
    fn item(&mut self, key: &ObjectKey, value: &ObjectValue, near: &Range<usize>) -> (Expr, Expr) {
        let value = self.expr(value.expr(), near.clone());
        (self.key(key, &value.span), value)
    }

    fn call(&mut self, call: &FuncCall, near: &Range<usize>) -> Call {
        let name_range = call.name.name.span().unwrap_or_else(|| near.clone());
        let namespace: Vec<_> = call.name.namespace.iter().map(|part| part.as_str()).collect();
        let mut name = call.name.name.as_str().to_owned();
        if !namespace.is_empty() && namespace != ["core"] {
            name = format!("{}::{name}", namespace.join("::"));
        }
        let args = call.args.iter().map(|arg| self.expr(arg, near.clone())).collect();
        Call { name, name_span: self.span(name_range), args, spread: call.args.expand_final() }
    }

    fn number(&mut self, range: Range<usize>) -> Val {
        let text: String = self.text[range.clone()].chars().filter(|c| !c.is_whitespace()).collect();
        if let Ok(number) = arithmetic::parse(&text).ok_or(()) {
            return Val::number(number);
        }
        self.error(range, "This is not a number.");
        Val::null()
    }

    fn key(&mut self, key: &ObjectKey, value: &Span) -> Expr {
        let near = value.start - self.base..value.end - self.base;
        match key {
            ObjectKey::Ident(name) => {
                let word = name.span().and_then(|range| lenient::written(self.text, range)).unwrap_or(name.as_str()).to_owned();
                Expr { span: self.span(name.span().unwrap_or(near)), kind: Kind::Name(word) }
            }
            ObjectKey::Expression(expr) => {
                let found = self.expr(expr, near);
                // A key word is a name where a key is expected.
                match expr {
                    Expression::Null(_) => Expr { kind: Kind::Name("null".to_owned()), ..found },
                    Expression::Bool(value) => Expr { kind: Kind::Name(value.value().to_string()), ..found },
                    Expression::String(text) => match text.span().and_then(|range| lenient::written(self.text, range)) {
                        Some(word) => Expr { kind: Kind::Literal(Val::string(word)), ..found },
                        None => found,
                    },
                    _ => found,
                }
            }
        }
    }

    fn steps(&mut self, operators: &[Decorated<TraversalOperator>], near: &Range<usize>) -> Vec<Step> {
        let mut steps = Vec::with_capacity(operators.len());
        let mut legacy = false;
        for operator in operators {
            let range = operator.span().unwrap_or_else(|| near.clone());
            let kind = match operator.value() {
                TraversalOperator::AttrSplat(_) => StepKind::AttrSplat,
                TraversalOperator::FullSplat(_) => StepKind::Splat,
                TraversalOperator::GetAttr(name) => StepKind::Attr(name.as_str().to_owned()),
                TraversalOperator::Index(index) => StepKind::Index(self.expr(index, range.clone())),
                TraversalOperator::LegacyIndex(index) => {
                    if legacy {
                        self.error(range.clone(), "Two indexes of the form `.0.1` read as one number; write `[0][1]`.");
                    }
                    StepKind::LegacyIndex(*index.value())
                }
            };
            legacy = matches!(kind, StepKind::LegacyIndex(_));
            steps.push(Step { span: self.span(range), kind });
        }
        steps
    }

    fn for_expr(&mut self, of: &ForExpr, range: &Range<usize>) -> For {
        For {
            names: names(of.intro.key_var.as_ref(), &of.intro.value_var),
            collection: self.expr(&of.intro.collection_expr, range.clone()),
            key: of.key_expr.as_ref().map(|key| self.expr(key, range.clone())),
            value: self.expr(&of.value_expr, range.clone()),
            group: of.grouping,
            condition: of.cond.as_ref().map(|cond| self.expr(&cond.expr, range.clone())),
        }
    }

    fn refuse_newline(&mut self, range: Range<usize>) {
        let text = &self.text[range.clone()];
        if text.starts_with('"')
            && let Some(at) = text.find('\n')
        {
            let start = range.start;
            self.errors.push(
                Diagnostic::error("A quoted text ends on its line.")
                    .at(self.span(start..start + at))
                    .hint("Close the quote, write `\\n` for a line break, or use a heredoc (`<<-EOT`) for several lines."),
            );
        }
    }

    /// The end marker of a heredoc stands alone on its line.
    fn refuse_text_after_end(&mut self, range: Range<usize>) {
        let rest = &self.text[range.end..];
        let line = rest.split('\n').next().unwrap_or_default();
        if !line.trim().is_empty() {
            self.error(range.end..range.end + line.len(), "The end marker of a heredoc stands alone on its line.");
        }
    }
}

pub(super) fn names(key: Option<&Decorated<Ident>>, value: &Decorated<Ident>) -> Names {
    Names { key: key.map(|key| key.as_str().to_owned()), value: value.as_str().to_owned() }
}

fn binary(operator: BinaryOperator) -> BinaryOp {
    match operator {
        BinaryOperator::Eq => BinaryOp::Equal,
        BinaryOperator::NotEq => BinaryOp::NotEqual,
        BinaryOperator::LessEq => BinaryOp::LessEqual,
        BinaryOperator::GreaterEq => BinaryOp::GreaterEqual,
        BinaryOperator::Less => BinaryOp::Less,
        BinaryOperator::Greater => BinaryOp::Greater,
        BinaryOperator::Plus => BinaryOp::Add,
        BinaryOperator::Minus => BinaryOp::Subtract,
        BinaryOperator::Mul => BinaryOp::Multiply,
        BinaryOperator::Div => BinaryOp::Divide,
        BinaryOperator::Mod => BinaryOp::Modulo,
        BinaryOperator::And => BinaryOp::And,
        BinaryOperator::Or => BinaryOp::Or,
    }
}
