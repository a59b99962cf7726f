//! The JSON form of configuration: `.tf.json` and `.tfvars.json`.
//!
//! Invariant: what is read gives the same syntax tree as native syntax would; texts are templates where expressions are
//! expected. Positions are those of the JSON text.

use std::sync::Arc;

use super::ast::{Attr, Block, Body, Expr, Kind};
use super::value::Val;
use super::{arithmetic, syntax};
use dofloat_base::diag::{Diagnostic, Span};

/// How a body is to be read: JSON does not tell blocks from arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Values only, and texts are texts: `.tfvars.json`.
    Values,
    /// A configuration file.
    File,
}

/// Reads a JSON file.
///
/// # Errors
/// What is wrong in it; JSON stops at the first error.
pub fn body(file: &str, text: &str, shape: Shape) -> Result<Body, Vec<Diagnostic>> {
    let text_start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader { file: file.into(), text, at: text_start, depth: 0 };
    let root = reader.value().and_then(|root| reader.end().map(|()| root)).map_err(|error| vec![*error])?;
    let mut convert = Convert { errors: Vec::new(), shape };
    let body = convert.file(root);
    if convert.errors.is_empty() { Ok(body) } else { Err(convert.errors) }
}

/// A JSON value and where it stands.
struct Node {
    span: Span,
    what: What,
}

enum What {
    Null,
    Bool(bool),
    Number(Val),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Span, Node)>),
}

struct Reader<'a> {
    file: Arc<str>,
    text: &'a str,
    at: usize,
    depth: usize,
}

const DEEPEST: usize = 64;

impl Reader<'_> {
    fn span(&self, start: usize) -> Span {
        Span { file: Arc::clone(&self.file), start, end: self.at.max(start) }
    }

    fn error(&self, message: impl Into<String>) -> Box<Diagnostic> {
        let end = self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(self.at, |c| self.at + c.len_utf8());
        Box::new(Diagnostic::error(message).at(Span { file: Arc::clone(&self.file), start: self.at.min(self.text.len()), end }))
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn end(&mut self) -> Result<(), Box<Diagnostic>> {
        if self.peek().is_some() { Err(self.error("The file goes on after its JSON value.")) } else { Ok(()) }
    }

    fn value(&mut self) -> Result<Node, Box<Diagnostic>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error("This is nested too deeply."));
        }
        let first = self.peek();
        let start = self.at;
        let what = match first {
            Some(b'{') => self.map()?,
            Some(b'[') => self.list()?,
            Some(b'"') => What::Text(self.string()?),
            _ => self.word()?,
        };
        self.depth -= 1;
        Ok(Node { span: self.span(start), what })
    }

    fn map(&mut self) -> Result<What, Box<Diagnostic>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            match self.peek() {
                Some(b'}') if items.is_empty() => break,
                Some(b'"') => {}
                _ => return Err(self.error("A key in double quotes is expected here.")),
            }
            let start = self.at;
            let key = self.string()?;
            let span = self.span(start);
            if self.peek() != Some(b':') {
                return Err(self.error("`:` is expected here."));
            }
            self.at += 1;
            items.push((key, span, self.value()?));
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.error("`,` or `}` is expected here.")),
            }
        }
        self.at += 1;
        Ok(What::Map(items))
    }

    fn list(&mut self) -> Result<What, Box<Diagnostic>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            if self.peek() == Some(b']') && items.is_empty() {
                break;
            }
            items.push(self.value()?);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.error("`,` or `]` is expected here.")),
            }
        }
        self.at += 1;
        Ok(What::List(items))
    }

    fn string(&mut self) -> Result<String, Box<Diagnostic>> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'\\' => end += 2,
                b'"' => {
                    let raw = self.text.get(self.at..=end).unwrap_or_default();
                    let text = serde_json::from_str(raw)
                        .map_err(|_| self.error("This text has an escape or a character that JSON does not allow."))?;
                    self.at = end + 1;
                    return Ok(text);
                }
                _ => end += 1,
            }
        }
        Err(self.error("This text is not closed: its `\"` is missing."))
    }

    fn word(&mut self) -> Result<What, Box<Diagnostic>> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))).unwrap_or(rest.len());
        let word = &rest[..end];
        let what = match word {
            "null" => What::Null,
            "true" => What::Bool(true),
            "false" => What::Bool(false),
            _ => match serde_json::from_str::<serde_json::Number>(word).ok().and_then(|_| arithmetic::parse(word)) {
                Some(number) => What::Number(Val::number(number)),
                None => return Err(self.error("A JSON value is expected here.")),
            },
        };
        self.at += end;
        Ok(what)
    }
}

struct Convert {
    errors: Vec<Diagnostic>,
    shape: Shape,
}

/// The number of labels of the blocks that have some.
fn labels(kind: &str) -> usize {
    match kind {
        "resource" | "data" => 2,
        "variable" | "output" | "provider" | "module" | "check" | "dynamic" | "backend" => 1,
        _ => 0,
    }
}

/// The blocks that hold blocks, and which. Everything else in a block is read as an argument; a resource's own blocks are
/// told apart from its arguments later, by its type.
fn is_block(within: &str, name: &str) -> bool {
    matches!(
        (within, name),
        ("variable", "validation")
            | ("check", "assert" | "data")
            | ("output" | "lifecycle", "precondition")
            | ("lifecycle", "postcondition")
            | ("resource" | "data", "lifecycle" | "dynamic" | "provisioner" | "connection")
            | ("content", "dynamic")
            | ("dynamic", "content")
            | ("terraform", "required_providers" | "backend" | "cloud" | "provider_meta")
    )
}

impl Convert {
    fn error(&mut self, span: &Span, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(message).at(span.clone()));
    }

    fn file(&mut self, root: Node) -> Body {
        let mut body = Body::default();
        let What::Map(items) = root.what else {
            self.error(&root.span, "The file must hold one JSON object.");
            return body;
        };
        for (name, span, node) in items {
            if self.shape == Shape::Values {
                let value = self.expr(node);
                body.attrs.push(Attr { name, span, value });
            } else if name != "//" {
                self.blocks(&name, &span, node, labels(&name), Vec::new(), &mut body.blocks);
            }
        }
        body
    }

    /// Blocks of one type: objects nested by label, a list where there are several of the same labels.
    fn blocks(&mut self, kind: &str, span: &Span, node: Node, missing: usize, labels: Vec<(String, Span)>, into: &mut Vec<Block>) {
        match node.what {
            What::List(items) => items.into_iter().for_each(|item| self.blocks(kind, span, item, missing, labels.clone(), into)),
            What::Map(items) if missing > 0 => {
                for (label, place, inner) in items {
                    let labels = labels.iter().cloned().chain([(label, place.clone())]).collect();
                    self.blocks(kind, &place, inner, missing - 1, labels, into);
                }
            }
            What::Map(items) => {
                let body = self.inside(kind, items);
                into.push(Block { kind: kind.to_owned(), labels, header: span.clone(), body });
            }
            What::Null => {}
            _ => self.error(&node.span, format!("A \"{kind}\" block is a JSON object.")),
        }
    }

    fn inside(&mut self, kind: &str, items: Vec<(String, Span, Node)>) -> Body {
        let mut body = Body::default();
        for (name, span, node) in items {
            if name == "//" {
                continue;
            }
            if is_block(kind, &name) {
                self.blocks(&name, &span, node, labels(&name), Vec::new(), &mut body.blocks);
            } else {
                let value = if is_bare(kind, &name) { self.bare(node) } else { self.expr(node) };
                body.attrs.push(Attr { name, span, value });
            }
        }
        body
    }

    fn expr(&mut self, node: Node) -> Expr {
        let Node { span, what } = node;
        let kind = match what {
            What::Null => Kind::Literal(Val::null()),
            What::Bool(bool) => Kind::Literal(Val::bool(bool)),
            What::Number(number) => Kind::Literal(number),
            What::Text(text) if self.shape == Shape::Values => Kind::Literal(Val::string(&text)),
            What::Text(text) => self.template(&text, &span),
            What::List(items) => Kind::Tuple(items.into_iter().map(|item| self.expr(item)).collect()),
            What::Map(items) => Kind::Object(
                items
                    .into_iter()
                    .map(|(name, place, value)| {
                        let kind =
                            if self.shape == Shape::Values { Kind::Literal(Val::string(&name)) } else { self.template(&name, &place) };
                        (Expr { span: place, kind }, self.expr(value))
                    })
                    .collect(),
            ),
        };
        Expr { span, kind }
    }

    fn template(&mut self, text: &str, span: &Span) -> Kind {
        self.parsed(syntax::template(&span.file, text), span)
    }

    /// A text that is an expression itself: a reference in `depends_on`, a type.
    fn bare(&mut self, node: Node) -> Expr {
        match node.what {
            What::Text(text) => {
                let parsed = syntax::expression(&node.span.file, &text, 0);
                Expr { kind: self.parsed(parsed, &node.span), span: node.span }
            }
            What::List(items) => Expr { span: node.span, kind: Kind::Tuple(items.into_iter().map(|item| self.bare(item)).collect()) },
            what => self.expr(Node { what, span: node.span }),
        }
    }

    fn parsed(&mut self, parsed: Result<Expr, Vec<Diagnostic>>, span: &Span) -> Kind {
        match parsed {
            Ok(mut expr) => {
                place(&mut expr, span);
                expr.kind
            }
            Err(errors) => {
                self.errors.extend(errors.into_iter().map(|error| error.at(span.clone())));
                Kind::Literal(Val::null())
            }
        }
    }
}

/// Arguments whose texts are expressions, not templates.
fn is_bare(within: &str, name: &str) -> bool {
    matches!(
        (within, name),
        ("variable", "type")
            | ("resource" | "data" | "output" | "module", "depends_on")
            | ("resource" | "data", "provider")
            | ("lifecycle", "ignore_changes" | "replace_triggered_by")
            | ("dynamic", "iterator")
    )
}

/// All of what a JSON text holds stands where that text stands: its escapes make finer places unreliable.
fn place(expr: &mut Expr, span: &Span) {
    expr.each_mut(&mut |part| *part = span.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_arguments_are_told_apart() -> Result<(), Vec<Diagnostic>> {
        let text = r#"{"//": "a comment", "variable": {"x": {"type": "list(string)", "default": ["a"]}},
            "resource": {"k": {"a": {"name": "${var.x[0]}", "lifecycle": {"ignore_changes": ["name"]}}, "b": [{"name": "n"}]}}}"#;
        let body = body("t.tf.json", text, Shape::File)?;
        let heads: Vec<_> =
            body.blocks.iter().map(|b| (b.kind.as_str(), b.labels.iter().map(|l| l.0.as_str()).collect::<Vec<_>>())).collect();
        assert_eq!(heads, [("variable", vec!["x"]), ("resource", vec!["k", "a"]), ("resource", vec!["k", "b"])]);
        let name = body.blocks[1].body.attr("name").expect("there is a name");
        assert_eq!(&text[name.value.span.start..name.value.span.end], "\"${var.x[0]}\"");
        assert!(matches!(name.value.kind, Kind::Wrapped(_)));
        assert_eq!(body.blocks[1].body.blocks.len(), 1);
        Ok(())
    }

    #[test]
    fn errors_have_a_place() {
        for (text, at) in [("{", 1), ("{\"a\" 1}", 5), ("[1]", 0), ("{\"a\": tru}", 6), ("{} x", 3), ("{\"a\": \"b}", 6)] {
            let error = body("t.json", text, Shape::Values).map(|_| ()).expect_err(text);
            assert_eq!(error[0].span.as_ref().map(|span| span.start), Some(at), "{text}");
        }
    }
}
