//! The language: from text to the resources that are wanted.
//!
//! Invariant: no IO but through the `Files` handle, no kind's meaning, no secret opened but where values become terms (`convert`).

pub mod access;
pub mod arithmetic;
pub mod ast;
pub mod backend;
pub mod body;
pub mod budget;
mod constant;
pub mod constraint;
pub mod convert;
pub mod declare;
pub mod element;
pub mod error;
pub mod eval;
pub mod files;
pub mod fmt;
pub mod functions;
mod graph;
pub mod inputs;
mod instead;
pub mod json;
pub mod library;
pub mod module;
pub mod moves;
mod quotes;
mod reach;
pub mod references;
pub mod scope;
pub mod shape;
pub mod source;
pub mod special;
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
