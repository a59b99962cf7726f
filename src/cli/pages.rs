//! Pages that are written to files.
//!
//! Invariant: what is known to be secret is cut out of them as of all output, and a page is there whole or not at all.

use std::path::Path;

use anyhow::Context as _;

use super::exit::Failure;
use crate::base::durable::write_atomic;
use crate::ui::view::View;

/// Writes a page, and says where it is.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write(path: &Path, page: &str, view: &mut View) -> Result<(), Failure> {
    let page = view.without_secrets(page);
    write_atomic(path, page.as_bytes(), 0o644).with_context(|| format!("Failed to write {}", path.display()))?;
    view.note(&format!("\nThe page is written to {}.", path.display()));
    Ok(())
}
