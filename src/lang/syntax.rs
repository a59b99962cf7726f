//! From text to the syntax tree. The only file of the language that names hcl_edit (the formatter apart).
//!
//! Invariant: every syntax error of a file that can be told apart is reported, at most one a top-level block; all places
//! are bytes of the file as it stands on disk. It must not know what any block means.

use std::ops::Range;
use std::sync::Arc;

use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, ObjectKey, TraversalOperator, UnaryOperator};
use hcl_edit::structure::{Block as HclBlock, Body as HclBody, Structure};
use hcl_edit::template::{Directive, Element, Strip, Template};
use hcl_edit::{Decorated, Ident, Span as _};

use super::ast::{Attr, BinaryOp, Block, Body, Call, Expr, For, Kind, Names, Part, Step, StepKind, UnaryOp};
use super::value::Val;
use super::{arithmetic, quotes};
use dofloat_base::diag::{Diagnostic, Span};

/// How many syntax errors of one file are reported.
const MOST_ERRORS: usize = 20;

/// Reads a file in native syntax.
///
/// # Errors
/// The syntax errors; what could be read is lost then.
pub fn body(file: &str, text: &str) -> Result<Body, Vec<Diagnostic>> {
    let (found, errors) = body_partly(file, text);
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// Reads a file as far as it can be read: the blocks without errors, and the errors.
#[must_use]
pub fn body_partly(file: &str, text: &str) -> (Body, Vec<Diagnostic>) {
    let mut source = Source { file: file.into(), text, base: 0, errors: Vec::new() };
    let mut found = Body::default();
    let mut pos = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while pos < text.len() {
        let rest = &text[pos..];
        source.base = pos;
        let Err((at, message)) = source.parse_into(&mut found, rest) else { break };
        let open_quote = quotes::left_open(rest).filter(|open| open.at <= at && !message.contains("heredoc"));
        let (block, at, message) = match (open_quote, unclosed(rest)) {
            (Some(open), _) => (last_header(rest, open.at), open.at, unclosed_text(open)),
            (None, Some(open)) if open <= at && !message.contains("heredoc") => {
                (open, open, "This block is not closed: its `}` is missing.".to_owned())
            }
            // At the end of the text it is a brace that is missing, and nobody can say where but in the last block.
            _ if at >= rest.trim_end().len() && !message.contains("heredoc") => {
                let open = last_header(rest, at);
                (open, open, "This block is not closed: a `}` is missing in it.".to_owned())
            }
            _ => (last_header(rest, at), at, message),
        };
        // What stands before the broken block is fine and is read on its own.
        let _ = source.parse_into(&mut found, &rest[..block]);
        source.error(at..next_char(rest, at), message);
        if source.errors.len() >= MOST_ERRORS {
            break;
        }
        match headers(rest).find(|header| *header > block.max(at)) {
            Some(next) => pos += next,
            None => break,
        }
    }
    (found, source.errors)
}

/// Reads one expression; `base` is where the text stands in the file, for positions.
///
/// # Errors
/// The syntax errors.
pub fn expression(file: &str, text: &str, base: usize) -> Result<Expr, Vec<Diagnostic>> {
    let mut source = Source { file: file.into(), text, base, errors: Vec::new() };
    let trimmed = text.trim();
    let lead = text.len() - text.trim_start().len();
    source.base += lead;
    source.text = trimmed;
    match hcl_edit::parser::parse_expr(trimmed) {
        Ok(parsed) => {
            let expr = source.expr(&parsed, 0..trimmed.len());
            if source.errors.is_empty() { Ok(expr) } else { Err(source.errors) }
        }
        Err(error) => {
            let (at, message) = explained(&error, trimmed);
            source.error(at..next_char(trimmed, at), message);
            Err(source.errors)
        }
    }
}

/// Reads a text as a template, as `templatefile` does: no quotes, no escapes but `$${` and `%%{`.
///
/// # Errors
/// The syntax errors.
pub fn template(file: &str, text: &str) -> Result<Expr, Vec<Diagnostic>> {
    let mut source = Source { file: file.into(), text, base: 0, errors: Vec::new() };
    match hcl_edit::parser::parse_template(text) {
        Ok(parsed) => {
            let expr = source.template(&parsed, 0..text.len(), Style::Bare);
            if source.errors.is_empty() { Ok(expr) } else { Err(source.errors) }
        }
        Err(error) => {
            let (at, message) = explained(&error, text);
            source.error(at..next_char(text, at), message);
            Err(source.errors)
        }
    }
}

/// A text while it is read. Places from the parser are relative to the text, `base` makes them the file's.
struct Source<'a> {
    file: Arc<str>,
    text: &'a str,
    base: usize,
    errors: Vec<Diagnostic>,
}

/// How a template is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Quoted,
    Heredoc { flush: bool },
    Bare,
}

impl<'a> Source<'a> {
    fn span(&self, range: Range<usize>) -> Span {
        Span { file: Arc::clone(&self.file), start: range.start + self.base, end: range.end + self.base }
    }

    fn error(&mut self, range: Range<usize>, message: impl Into<String>) {
        let span = self.span(range);
        self.errors.push(Diagnostic::error(message).at(span));
    }

    /// Parses a text that starts at `base` and adds what it holds.
    fn parse_into(&mut self, into: &mut Body, text: &'a str) -> Result<(), (usize, String)> {
        let parsed = hcl_edit::parser::parse_body(text).map_err(|error| explained(&error, text))?;
        self.text = text;
        let body = self.body(&parsed);
        into.attrs.extend(body.attrs);
        into.blocks.extend(body.blocks);
        Ok(())
    }

    fn body(&mut self, body: &HclBody) -> Body {
        let mut found = Body::default();
        for structure in body {
            match structure {
                Structure::Attribute(attr) => {
                    let name = attr.key.span().unwrap_or_default();
                    let value = self.expr(&attr.value, name.clone());
                    found.attrs.push(Attr { name: attr.key.as_str().to_owned(), span: self.span(name), value });
                }
                Structure::Block(block) => {
                    let block = self.block(block);
                    found.blocks.push(block);
                }
            }
        }
        found
    }

    fn block(&mut self, block: &HclBlock) -> Block {
        let ident = block.ident.span().unwrap_or_default();
        let labels: Vec<_> = block
            .labels
            .iter()
            .map(|label| {
                let range = label.span().unwrap_or_else(|| ident.clone());
                (label.as_str().to_owned(), self.span(range))
            })
            .collect();
        let mut header = self.span(ident);
        if let Some((_, last)) = labels.last() {
            header.end = last.end;
        }
        for (_, span) in &labels {
            if self.text[span.start - self.base..span.end - self.base].contains('\n') {
                self.errors.push(Diagnostic::error("A label ends on its line: the closing quote is missing.").at(span.clone()));
            }
        }
        Block { kind: block.ident.as_str().to_owned(), labels, header, body: self.body(&block.body) }
    }

    fn expr(&mut self, expr: &Expression, near: Range<usize>) -> Expr {
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
            Expression::Object(items) => Kind::Object(
                items
                    .iter()
                    .map(|(key, value)| {
                        let value = self.expr(value.expr(), range.clone());
                        (self.key(key, &value.span), value)
                    })
                    .collect(),
            ),
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
            Expression::FuncCall(call) => {
                let name_range = call.name.name.span().unwrap_or_else(|| range.clone());
                let namespace: Vec<_> = call.name.namespace.iter().map(|part| part.as_str()).collect();
                let mut name = call.name.name.as_str().to_owned();
                if !namespace.is_empty() && namespace != ["core"] {
                    name = format!("{}::{name}", namespace.join("::"));
                }
                let args = call.args.iter().map(|arg| self.expr(arg, range.clone())).collect();
                Kind::Call(Box::new(Call { name, name_span: self.span(name_range), args, spread: call.args.expand_final() }))
            }
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
                let span = self.span(name.span().unwrap_or(near));
                Expr { span, kind: Kind::Name(name.as_str().to_owned()) }
            }
            ObjectKey::Expression(expr) => {
                let found = self.expr(expr, near);
                // A key word is a name where a key is expected.
                match expr {
                    Expression::Null(_) => Expr { kind: Kind::Name("null".to_owned()), ..found },
                    Expression::Bool(value) => Expr { kind: Kind::Name(value.value().to_string()), ..found },
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

    /// A template from its tokens: whitespace control and indentation are worked in here, in that order, on single lines of
    /// a heredoc, as Terraform does it.
    fn template(&mut self, template: &Template, range: Range<usize>, style: Style) -> Expr {
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

fn names(key: Option<&Decorated<Ident>>, value: &Decorated<Ident>) -> Names {
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

/// The places where a line starts with a name and opens a block.
fn headers(text: &str) -> impl Iterator<Item = usize> {
    lines(text).filter(|(_, line)| is_header(line)).map(|(at, _)| at)
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

fn is_header(line: &str) -> bool {
    line.starts_with(|c: char| c.is_alphabetic() || c == '_') && line.contains('{') && !line.contains('=')
        || line.starts_with(|c: char| c.is_alphabetic() || c == '_') && line.find('{') < line.find('=') && line.contains('{')
}

fn last_header(text: &str, before: usize) -> usize {
    headers(text).take_while(|at| *at <= before).last().unwrap_or(0)
}

/// The first block at the start of a line that another one, or the end of the text, follows without a `}` at the start of
/// a line in between.
fn unclosed(text: &str) -> Option<usize> {
    let mut open = None;
    let mut heredoc: Option<String> = None;
    for (at, line) in lines(text) {
        if let Some(end) = &heredoc {
            if line.trim() == end {
                heredoc = None;
            }
            continue;
        }
        if is_header(line) {
            if let Some(start) = open
                && text[start..at].matches('{').count() > text[start..at].matches('}').count()
            {
                return open;
            }
            let body = line.split_once('{').map_or("", |(_, body)| body);
            let depth = body.matches('{').count() + 1;
            open = (body.matches('}').count() < depth).then_some(at);
        } else if line.starts_with('}') {
            open = None;
        }
        if let Some((_, mark)) = line.split_once("<<") {
            let mark = mark.trim_start_matches('-').trim_end();
            if !mark.is_empty() && mark.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
                heredoc = Some(mark.to_owned());
            }
        }
    }
    if heredoc.is_some() { None } else { open }
}

fn unclosed_text(open: quotes::Open) -> String {
    let missing = if open.inserting { "the `}` of one of its insertions, or its closing quote," } else { "the closing quote" };
    format!("A quoted text ends on its line: {missing} is missing.")
}

/// The mark of a heredoc that starts on the line before the end of a text.
fn open_heredoc(before: &str) -> Option<&str> {
    let line = before.strip_suffix('\n')?.lines().last()?;
    let mark = line.rsplit_once("<<")?.1.trim_start_matches('-').trim_end();
    (!mark.is_empty() && mark.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')).then_some(mark)
}

fn next_char(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8())
}

/// Where the parser's error is best shown, and what it says in plain words.
fn explained(error: &hcl_edit::parser::Error, text: &str) -> (usize, String) {
    let mut at = error.location().offset().min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    if let Some(mark) = open_heredoc(before) {
        let end = lines(&text[at..]).find(|(_, line)| line.trim() == mark);
        return match end {
            Some((end, _)) => (at + end, "The heredoc ends here, but one of its `${` or `%{` is not closed, or closed wrongly.".to_owned()),
            None => (text.len(), format!("A heredoc is not closed: a line with `{mark}` alone is missing.")),
        };
    }
    if error.message().contains("escape sequence") {
        return (before.rfind('\\').unwrap_or(at), plain_message(error, text));
    }
    if error.message().contains("traversal operator") {
        // The parser has skipped white space after a dot; the dot is what is wrong.
        return (before.trim_end().len().saturating_sub(1), "A name or an index is expected after the dot.".to_owned());
    }
    (at, plain_message(error, text))
}

/// The parser's message in plain words.
fn plain_message(error: &hcl_edit::parser::Error, text: &str) -> String {
    let at = error.location().offset().min(text.len());
    let found = text.get(at..).and_then(|rest| rest.chars().next());
    let message = error.message();
    let (what, expected) = message.split_once("; expected ").unwrap_or((message, ""));
    let found = match found {
        None => "the end of the file".to_owned(),
        Some('\n' | '\r') => "the end of the line".to_owned(),
        Some(c @ ('“' | '”' | '‘' | '’' | '\'' | '`')) => {
            return format!("`{c}` is no quote here: a text stands between straight double quotes (\").");
        }
        Some(c) => format!("`{c}`"),
    };
    if what.contains("nesting depth") || what.contains("binary operation") && expected.contains("at most") {
        return format!("This is too complex: {expected}.");
    }
    if expected.contains("redefined object key") {
        return "This key is written twice in one object.".to_owned();
    }
    if expected.contains("redefined attribute") {
        return "This argument is written twice.".to_owned();
    }
    if what.contains("escape sequence") {
        return "This escape is unknown: a text knows \\n, \\r, \\t, \\\\, \\\", \\uXXXX and \\UXXXXXXXX.".to_owned();
    }
    if what.contains("expression") {
        return format!("An expression is expected here, not {found}.");
    }
    match expected.trim_start_matches("expected ") {
        "" => format!("This is not understood: {found}."),
        expected => format!("Expected {expected} here, found {found}."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::Data;
    use super::*;

    fn text_of(source: &str) -> Result<String, Vec<Diagnostic>> {
        let expr = expression("t.tf", source, 0)?;
        Ok(match expr.kind {
            Kind::Literal(Val { data: Data::String(text), .. }) => text.to_string(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn heredocs_lose_their_common_indentation() {
        for (source, expected) in [
            ("<<EOT\n  a\nEOT", "  a\n"),
            ("<<-EOT\n    four\n  two\n      six\n  EOT", "  four\ntwo\n    six\n"),
            ("<<-EOT\n    a\n  \n    b\n    EOT", "a\n  \nb\n"),
            ("<<-EOT\r\n    a\r\n      b\r\n    EOT", "a\r\n  b\r\n"),
            ("<<EOT\n$${x} %%{y} $$$\nEOT", "${x} %{y} $$$\n"),
        ] {
            assert_eq!(text_of(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn several_errors_of_one_file_are_found() {
        let text = "variable \"a\" {\n  default = \n}\nlocals {\n  fine = 1\n}\noutput \"b\" {\n  value = [1, 2\n}\noutput \"c\" {\n  value = 1\n}\n";
        let (body, errors) = body_partly("t.tf", text);
        assert_eq!(errors.len(), 2, "{errors:?}");
        let lines: Vec<_> = errors.iter().filter_map(|e| e.span.as_ref()).map(|s| text[..s.start].matches('\n').count() + 1).collect();
        assert_eq!(lines, [2, 9]);
        assert_eq!(body.blocks.iter().map(|b| b.kind.as_str()).collect::<Vec<_>>(), ["locals", "output"]);
    }

    #[test]
    fn a_block_that_is_not_closed_is_named_at_its_head() {
        let (_, errors) = body_partly("t.tf", "locals {\n  a = 1\noutput \"c\" {\n  value = 1\n}\n");
        assert_eq!(errors.iter().map(|e| e.span.as_ref().map(|s| s.start)).collect::<Vec<_>>(), [Some(0)]);
    }

    #[test]
    fn places_are_bytes_of_the_file() -> Result<(), Vec<Diagnostic>> {
        let text = "\u{feff}locals {\r\n  é = \"ü${ var.x }\"\r\n}\r\n";
        let body = body("t.tf", text)?;
        let value = &body.blocks[0].body.attrs[0].value;
        assert_eq!(&text[value.span.start..value.span.end], "\"ü${ var.x }\"");
        let Kind::Template(parts) = &value.kind else { panic!("{value:?}") };
        let Part::Insert(insert) = &parts[1] else { panic!("{parts:?}") };
        assert_eq!(&text[insert.span.start..insert.span.end], "var.x");
        Ok(())
    }
}
