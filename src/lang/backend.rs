//! `terraform { backend "…" { … } }`: where the state is kept.
//!
//! Invariant: read before anything is evaluated, so its arguments are plain texts, numbers and bools. It must not know
//! which stores there are.

use super::ast::{Block, Body, Expr, Kind};
use super::source::{Source, bodies};
use super::syntax;
use super::value::Data;
use dofloat_base::diag::{Diagnostic, Span};

/// What a backend block says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The store's kind.
    pub kind: String,
    /// The block.
    pub span: Span,
    /// The arguments in the order of the file.
    pub arguments: Vec<Setting>,
}

/// An argument of a backend block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name; `endpoints.s3` for one inside an object.
    pub name: String,
    /// The value as text.
    pub text: String,
    /// Where the value stands.
    pub span: Span,
}

/// The backend block of a stack; `None` if it has none.
///
/// # Errors
/// What is wrong with it, or whatever keeps a file from being read whole.
pub fn of_stack(sources: &[Source<'_>]) -> Result<Option<Backend>, Vec<Diagnostic>> {
    let (bodies, errors) = bodies(sources);
    if errors.is_empty() { of_bodies(&bodies) } else { Err(errors) }
}

fn of_bodies(bodies: &[Body]) -> Result<Option<Backend>, Vec<Diagnostic>> {
    let outer = bodies.iter().flat_map(|body| &body.blocks).filter(|block| block.kind == "terraform");
    let mut found: Vec<Backend> = Vec::new();
    for block in outer.flat_map(|block| &block.body.blocks).filter(|block| block.kind == "backend") {
        found.push(read(block)?);
    }
    match found.as_slice() {
        [_, second, ..] => {
            Err(vec![Diagnostic::error("There are two \"backend\" blocks.").at(second.span.clone()).hint("A state is kept in one place.")])
        }
        _ => Ok(found.pop()),
    }
}

/// Reads one block.
///
/// # Errors
/// What is wrong with it.
pub fn read(block: &Block) -> Result<Backend, Vec<Diagnostic>> {
    let [(kind, _)] = block.labels.as_slice() else {
        return Err(vec![Diagnostic::error("A backend block is written `backend \"KIND\" { … }`.").at(block.header.clone())]);
    };
    let mut errors = Vec::new();
    // Whether a store has a block of that name is the store's to say, as with any argument.
    let inner = block.body.blocks.iter();
    let mut arguments: Vec<Setting> =
        inner.map(|inner| Setting { name: inner.kind.clone(), text: String::new(), span: inner.header.clone() }).collect();
    for attr in &block.body.attrs {
        if let Err(error) = settings(&attr.name, &attr.value, &mut arguments) {
            errors.push(error);
        }
    }
    if errors.is_empty() { Ok(Backend { kind: kind.clone(), span: block.header.clone(), arguments }) } else { Err(errors) }
}

/// The arguments in a file of such: `bucket = "state"`, a line each.
///
/// # Errors
/// What is wrong with it.
pub fn settings_of(name: &str, text: &str) -> Result<Vec<Setting>, Vec<Diagnostic>> {
    let body = syntax::body(name, text)?;
    let (mut arguments, mut errors) = (Vec::new(), Vec::new());
    errors.extend(
        body.blocks.iter().map(|block| Diagnostic::error("A file of a backend's arguments has no blocks.").at(block.header.clone())),
    );
    errors.extend(body.attrs.iter().filter_map(|attr| settings(&attr.name, &attr.value, &mut arguments).err()));
    if errors.is_empty() { Ok(arguments) } else { Err(errors) }
}

fn settings(name: &str, value: &Expr, into: &mut Vec<Setting>) -> Result<(), Diagnostic> {
    let text = match &value.kind {
        Kind::Literal(literal) => match &literal.data {
            Data::String(text) => text.to_string(),
            Data::Number(number) => number.to_string(),
            Data::Bool(bool) => bool.to_string(),
            _ => return Ok(()),
        },
        Kind::Object(items) => {
            for (key, value) in items {
                let key = match &key.kind {
                    Kind::Name(key) => key.clone(),
                    _ => key.text().unwrap_or_default().to_owned(),
                };
                settings(&format!("{name}.{key}"), value, into)?;
            }
            return Ok(());
        }
        _ => {
            let error =
                Diagnostic::error(format!("`{name}` of a backend is read before anything is evaluated, so it must be a plain value."));
            return Err(error.at(value.span.clone()));
        }
    };
    into.push(Setting { name: name.to_owned(), text, span: value.span.clone() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Option<Backend>, Vec<Diagnostic>> {
        of_stack(&[Source { name, text }])
    }

    #[test]
    fn both_syntaxes_say_the_same() {
        let native =
            "terraform {\n  backend \"git\" {\n    branch = \"state\"\n    depth = 1\n    a = { b = true }\n    c = null\n  }\n}\n";
        let json = r#"{"terraform": {"backend": {"git": {"branch": "state", "depth": 1, "a": {"b": true}, "c": null}}}}"#;
        for found in [read("web.tf", native), read("web.tf.json", json)] {
            let found = found.unwrap().unwrap();
            let arguments: Vec<_> = found.arguments.iter().map(|setting| (setting.name.as_str(), setting.text.as_str())).collect();
            assert_eq!((found.kind.as_str(), arguments), ("git", vec![("branch", "state"), ("depth", "1"), ("a.b", "true")]));
        }
        assert_eq!(read("web.tf", "terraform {}\n"), Ok(None));
    }

    #[test]
    fn there_is_one_place() {
        let twice = "terraform {\n  backend \"git\" {}\n  backend \"local\" {}\n}\n";
        assert_eq!(read("web.tf", twice).unwrap_err()[0].message, "There are two \"backend\" blocks.");
        assert!(read("web.tf", "terraform {\n  backend \"git\" {\n").is_err(), "what cannot be read whole may say something else");
    }
}
