//! One `dofloat_cluster` block with its arguments as they were read, and what is wrong with one.
//!
//! Invariant: plain data; what goes with what is not known here.

use std::collections::BTreeMap;

use dofloat_base::number::Number;
use dofloat_base::value::{Term, Value};

/// The arguments of one block: every one that has a default or is written.
pub type Block = BTreeMap<String, Term>;

/// Something wrong with an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The argument; empty for the whole block.
    pub argument: &'static str,
    /// The error, in one sentence.
    pub message: String,
    /// The advice for the user.
    pub hint: String,
}

/// The text of an argument, if it is known and open.
#[must_use]
pub fn text<'a>(block: &'a Block, name: &str) -> Option<&'a str> {
    block.get(name)?.value()?.as_str()
}

/// The whole number of an argument, if it is known and open.
#[must_use]
pub fn number(block: &Block, name: &str) -> Option<u64> {
    match block.get(name)?.value()? {
        Value::Number(number) => Number::as_u64(number),
        _ => None,
    }
}

/// The names of the nodes in their order, if they are known.
#[must_use]
pub fn names(block: &Block) -> Option<Vec<String>> {
    let items = block.get("nodes")?.value()?.as_list()?;
    items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}
