//! Templates: quoted texts, heredocs and template files.
//!
//! Invariant: white space control and indentation are worked in here, in that order, on single lines of a heredoc, as
//! Terraform does it.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Strip, Template};

use super::expression::names;
use super::source::{Source, Style};
use crate::ast::{Expr, Kind, Names, Part};
use crate::value::Val;

impl Source<'_> {
    /// A template from its tokens.
    pub(super) fn template(&mut self, template: &Template, range: Range<usize>, style: Style) -> Expr {
        let mut tokens = Vec::new();
        self.tokens(template, &range, style, &mut tokens);
        trim(&mut tokens);
        if style == (Style::Heredoc { flush: true }) {
            dedent(&mut tokens);
        }
        let span = self.span(range);
        let mut tokens = tokens.into_iter();
        let mut parts = parts(&mut tokens).0;
        let kind = match parts.as_mut_slice() {
            [] => Kind::Literal(Val::string("")),
            [Part::Insert(_)] => match parts.pop() {
                Some(Part::Insert(inner)) => Kind::Wrapped(Box::new(inner)),
                _ => Kind::Literal(Val::string("")),
            },
            parts if parts.iter().all(|part| matches!(part, Part::Text(_))) => {
                let text: String = parts.iter().map(|part| if let Part::Text(text) = part { text.as_ref() } else { "" }).collect();
                Kind::Literal(Val::string(&text))
            }
            _ => Kind::Template(parts),
        };
        Expr { span, kind }
    }

    fn tokens(&mut self, template: &Template, near: &Range<usize>, style: Style, into: &mut Vec<Token>) {
        for element in template {
            match element {
                Element::Literal(text) => {
                    let range = text.span().unwrap_or_else(|| near.clone());
                    self.literal(text.value(), range, style, into);
                }
                Element::Interpolation(insert) => {
                    let expr = self.expr(&insert.expr, element.span().unwrap_or_else(|| near.clone()));
                    into.push(Token::new(Control::Insert(expr), insert.strip));
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(of) => {
                        let condition = self.expr(&of.if_expr.cond_expr, near.clone());
                        into.push(Token::new(Control::If(condition), of.if_expr.strip));
                        self.tokens(&of.if_expr.template, near, style, into);
                        if let Some(other) = &of.else_expr {
                            into.push(Token::new(Control::Else, other.strip));
                            self.tokens(&other.template, near, style, into);
                        }
                        into.push(Token::new(Control::End, of.endif_expr.strip));
                    }
                    Directive::For(of) => {
                        let collection = self.expr(&of.for_expr.collection_expr, near.clone());
                        let names = names(of.for_expr.key_var.as_ref(), &of.for_expr.value_var);
                        into.push(Token::new(Control::For(names, collection), of.for_expr.strip));
                        self.tokens(&of.for_expr.template, near, style, into);
                        into.push(Token::new(Control::End, of.endfor_expr.strip));
                    }
                },
            }
        }
    }

    fn literal(&mut self, value: &str, range: Range<usize>, style: Style, into: &mut Vec<Token>) {
        match style {
            Style::Quoted => {
                let raw = &self.text[range.clone()];
                if let Some(at) = raw.find('\n') {
                    self.error(range.start + at..range.start + at + 1, "A quoted text ends on its line: the closing quote is missing.");
                }
                into.push(Token::Text(value.to_owned()));
            }
            // The parser's own text has lost its indentation already, so the source counts.
            Style::Heredoc { .. } => {
                let raw = self.text[range].replace("$${", "${").replace("%%{", "%{");
                into.extend(raw.split_inclusive('\n').map(|line| Token::Text(line.to_owned())));
            }
            Style::Bare => into.push(Token::Text(value.to_owned())),
        }
    }
}

enum Token {
    Text(String),
    Control { strip: Strip, what: Control },
}

enum Control {
    Insert(Expr),
    If(Expr),
    Else,
    For(Names, Expr),
    End,
}

impl Token {
    fn new(what: Control, strip: Strip) -> Self {
        Self::Control { strip, what }
    }
}

/// `~` takes the white space of the neighbouring text away.
fn trim(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let Token::Control { strip, .. } = &tokens[at] else { continue };
        let strip = *strip;
        if strip.strip_start()
            && at > 0
            && let Token::Text(before) = &mut tokens[at - 1]
        {
            before.truncate(before.trim_end().len());
        }
        if strip.strip_end()
            && let Some(Token::Text(after)) = tokens.get_mut(at + 1)
        {
            *after = after.trim_start().to_owned();
        }
    }
}

/// Takes the common indentation off the texts that start a line. Lines of white space alone do not count.
fn dedent(tokens: &mut [Token]) {
    let mut least: Option<usize> = None;
    let mut starts = Vec::new();
    let mut at_start = true;
    for (at, token) in tokens.iter().enumerate() {
        let Token::Text(text) = token else {
            at_start = false;
            continue;
        };
        let blank = text.ends_with('\n') && text.trim().is_empty();
        if at_start && !blank {
            let indent = text.chars().take_while(|c| c.is_whitespace()).count();
            least = Some(least.map_or(indent, |least| least.min(indent)));
            starts.push(at);
        }
        at_start = text.ends_with('\n');
    }
    let least = least.unwrap_or(0);
    for at in starts {
        if let Token::Text(text) = &mut tokens[at] {
            *text = text.chars().skip(least).collect();
        }
    }
}

/// Parts up to the end of the directive that they are in, and whether it ended with `else`.
fn parts(tokens: &mut impl Iterator<Item = Token>) -> (Vec<Part>, bool) {
    let mut found = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => found.push(Part::Text(text.into())),
            Token::Control { what, .. } => match what {
                Control::Insert(expr) => found.push(Part::Insert(expr)),
                Control::If(condition) => {
                    let (then, more) = parts(tokens);
                    let otherwise = if more { parts(tokens).0 } else { Vec::new() };
                    found.push(Part::If(Box::new((condition, then, otherwise))));
                }
                Control::For(names, collection) => found.push(Part::For(Box::new((names, collection, parts(tokens).0)))),
                Control::Else => return (found, true),
                Control::End => return (found, false),
            },
        }
    }
    (found, false)
}
