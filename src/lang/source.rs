//! The files of a module, and what can be read of them.
//!
//! Invariant: one file that cannot be read hides no other one.

use super::ast::Body;
use super::{json, overrides, syntax};
use dofloat_base::diag::Diagnostic;

/// A file of a stack: its name as it is shown, and its text. Names that end in `.json` hold the JSON form.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// For example `plans/web.tf`.
    pub name: &'a str,
    /// The content.
    pub text: &'a str,
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
    overrides::merge(&mut bodies, &mut errors);
    (bodies, errors)
}
