//! The note that a drill leaves while it is under way: what it may have to give back.
//!
//! Invariant: it is on disk before the fault, and goes when the pair is as it was; so where it is found, a drill was killed.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::base::diag::Diagnostic;
use crate::base::durable::{make_folder, remove, write_atomic};
use crate::cli::exit::Failure;
use crate::cli::stack::Place;
use crate::engine::cluster::drill::Kind;

/// A drill that is under way, or was killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When it began, as RFC 3339.
    pub started: String,
    /// The pair.
    pub cluster: String,
    /// The fault.
    pub kind: Kind,
    /// The node that it befell.
    pub node: String,
    /// Its droplet.
    pub droplet: String,
}

fn path(place: &Place) -> PathBuf {
    place.store().lock.with_extension("drill")
}

/// The note of a drill that has not come to its end.
///
/// # Errors
/// If it cannot be read.
pub fn read(place: &Place) -> Result<Option<Note>, Failure> {
    let path = path(place);
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("Failed to read {}", path.display()))?;
    let note = serde_json::from_str(&text).with_context(|| format!("{} is not the note of a drill: delete it", path.display()))?;
    Ok(Some(note))
}

/// Writes it down.
///
/// # Errors
/// If it cannot be written: then nothing is begun.
pub fn write(place: &Place, note: &Note) -> Result<(), Failure> {
    let path = path(place);
    let failed = || format!("Failed to write {}", path.display());
    if let Some(folder) = path.parent() {
        make_folder(folder).with_context(failed)?;
    }
    let text = serde_json::to_string(note).with_context(failed)?;
    Ok(write_atomic(&path, format!("{text}\n").as_bytes(), 0o644).with_context(failed)?)
}

/// It has come to its end.
///
/// # Errors
/// If the note cannot be deleted.
pub fn forget(place: &Place) -> Result<(), Failure> {
    let path = path(place);
    Ok(remove(&path).with_context(|| format!("Failed to delete {}", path.display()))?)
}

/// What is told of a drill that was killed, by every command that looks at the pair.
#[must_use]
pub fn told(place: &Place) -> Option<Diagnostic> {
    // What cannot be read is told by the drill itself.
    let note = read(place).ok()??;
    let Note { started, cluster, kind, node, .. } = note;
    Some(
        Diagnostic::warning(format!("A drill of {cluster} ({}, {node}) that began at {started} has not come to its end.", kind.name())).hint(
            format!(
                "If nobody is at it, it was killed. `dofloat drill {0}` first sees to it that {node} is on and the pair whole; `dofloat apply \
                 {0}` switches {node} on too.",
                place.name
            ),
        ),
    )
}
