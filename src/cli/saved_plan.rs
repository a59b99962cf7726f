//! Saved plans: whether one is named, and what must be the same again when it is applied.

use std::path::Path;

use anyhow::Context as _;

use super::exit::Failure;
use super::variables::variables_of;
use crate::base::diag::Diagnostic;
use crate::base::readable;
use crate::engine::saved::{self, Saved};
use crate::lang::module::Stack;

/// Whether what was named is there as a file, and so no stack: a pipe too, which is then refused as one.
#[must_use]
pub fn is_plan(what: &str) -> bool {
    std::fs::metadata(what).is_ok_and(|data| !data.is_dir())
}

/// Reads a saved plan.
///
/// # Errors
/// If it is no whole saved plan.
pub fn read_plan(path: &Path) -> Result<Saved, Failure> {
    let bytes = readable::read_given(path).with_context(|| format!("Failed to read {}", path.display()))?;
    Ok(saved::read(&bytes, &path.display().to_string())?)
}

/// Sensitive variables are given again when a saved plan is applied, and must be those that it was made with.
///
/// # Errors
/// Those that are not.
pub fn same_secrets(saved: &Saved, configuration: &Stack<'_>) -> Result<(), Failure> {
    let (given, _) = variables_of(configuration, &saved.salt);
    let errors: Vec<Diagnostic> = saved
        .secrets
        .iter()
        .filter(|(name, digest)| given.get(*name) != Some(*digest))
        .map(|(name, _)| {
            Diagnostic::error(format!("The sensitive variable \"{name}\" is not the value that the plan was made with."))
                .hint("A saved plan contains no secrets: give the same value again, or make a new plan.")
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}
