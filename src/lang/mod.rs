//! The language: from text to the resources that are wanted.
//!
//! Invariant: no IO but through the `Files` handle, no kind's meaning, no secret opened but at the border.

pub mod arithmetic;
pub mod ast;
pub mod constraint;
pub mod files;
pub mod functions;
pub mod syntax;
pub mod types;
pub mod value;

pub use files::{Files, Host};
