//! Words of a command line that name a stack or a resource.
//!
//! Invariant: a first word without a dot is a stack; addresses have one.

use super::exit::Failure;
use super::session::Session;
use super::stack::Place;
use crate::base::address::Address;
use crate::base::diag::Diagnostic;

/// The stack, if the first word names one, and the others.
#[must_use]
pub fn split_stack(words: &[String]) -> (Option<&str>, &[String]) {
    match words {
        [first, rest @ ..] if !first.contains('.') => (Some(first), rest),
        all => (None, all),
    }
}

/// The stack that is meant, for what needs no configuration, and the other words.
///
/// # Errors
/// If there is no such stack.
pub fn split<'a>(words: &'a [String], session: &Session<'_>) -> Result<(Place, &'a [String]), Failure> {
    let (stack, rest) = split_stack(words);
    Ok((session.find_remembered(stack)?, rest))
}

/// An address as it was typed.
///
/// # Errors
/// If it is none.
pub fn address(word: &str) -> Result<Address, Failure> {
    word.parse().map_err(|error| Failure::usage(Diagnostic::error(format!("{error}."))))
}
