//! `template_file` as a resource: what came before the data source of that name.
//!
//! Invariant: as `hashicorp/template` 2 has it, but that what it renders to is known while planning: the language renders it.

use super::Local;
use crate::attr::{Attr, Change, Presence, Ty};
use dofloat_base::digest::sha256_hex;
use dofloat_base::value::{Body, Value};

const fn given(name: &'static str, ty: Ty, doc: &'static str) -> Attr {
    Attr::optional(name, ty, Change::Replace, doc).write_only()
}

pub(super) static FILE: Local = Local {
    name: "template_file",
    attrs: &[
        Attr::computed("id", Ty::String, "The SHA-256 of what it comes to.").once(),
        Attr { presence: Presence::Required, ..given("template", Ty::String, "The text, with `${name}` for the values.") },
        given("vars", Ty::Map(&Ty::String), "The values."),
        given("rendered", Ty::String, "What it comes to."),
    ],
    make: |_, wanted| {
        let rendered = wanted.get("rendered").and_then(Value::as_str).unwrap_or_default();
        Ok((None, Body::from([("id".to_owned(), sha256_hex(rendered.as_bytes()).into())])))
    },
    ..Local::NOTHING
};
