//! The language: from text to the resources that are wanted.
//!
//! Invariant: no IO but through the `Files` handle, no kind's meaning, no secret opened but where texts become values (`inputs`) and
//! values become terms (`convert`).

pub mod access;
mod account;
pub mod arithmetic;
pub mod ast;
pub mod backend;
pub mod body;
pub mod budget;
mod computed;
mod constant;
pub mod constraint;
pub mod conversion;
pub mod convert;
pub mod declaration;
pub mod declare;
mod deprecated;
mod dynamic;
pub mod element;
pub mod error;
pub mod eval;
pub mod files;
pub mod fmt;
pub mod functions;
mod graph;
pub mod inputs;
pub mod instances;
mod instead;
pub mod json;
pub mod library;
pub mod module;
pub mod moves;
mod older;
pub mod outline;
mod output;
mod overrides;
mod provision;
mod provisioner;
mod quotes;
mod reach;
mod reader;
pub mod references;
mod rendered;
pub mod scope;
pub mod shape;
pub mod source;
pub mod special;
pub mod stand_in;
pub mod statics;
pub mod syntax;
mod target;
pub mod tree;
pub mod type_expr;
pub mod types;
pub mod unsupported;
pub mod value;
mod wanted;

#[cfg(test)]
mod module_tests;
#[cfg(test)]
mod tests;

pub use files::{Files, Host};
