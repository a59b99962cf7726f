//! What drills have measured: one file for each in `drills/`, and reports.
//!
//! Invariant: a file is there whole or not at all, and is never written over.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::base::diag::Diagnostic;
use crate::base::durable::{make_folder, write_atomic, write_new};
use crate::cli::exit::Failure;
use crate::cli::stack::Place;
use crate::engine::cluster::drill::{FORMAT, Record};
use crate::ui::drill_report;
use crate::ui::view::View;

/// Where they are, beside `plans/` and `state/`.
const FOLDER: &str = "drills";

/// The drills of a stack, the oldest first.
///
/// # Errors
/// If a file cannot be read, or is none of a drill.
pub(super) fn read(place: &Place) -> Result<Vec<Record>, Failure> {
    let folder = Path::new(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = folder.read_dir().context("Failed to read drills/")?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let mut records = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).with_context(|| format!("Failed to read {}", path.display()))?;
        let record: Record = serde_json::from_str(&text).with_context(|| format!("{} is not the record of a drill", path.display()))?;
        if record.format > FORMAT {
            return Err(Diagnostic::error(format!("{} was written by a newer dofloat ({}).", path.display(), record.version))
                .hint("Use that version, or move the file elsewhere.")
                .into());
        }
        if record.stack == place.name {
            records.push(record);
        }
    }
    records.sort_by(|a, b| a.started.cmp(&b.started));
    Ok(records)
}

/// Writes down a drill.
///
/// # Errors
/// If it cannot be written.
pub(super) fn keep(place: &Place, record: &Record, view: &mut View) -> Result<(), Failure> {
    make_folder(Path::new(FOLDER)).context("Failed to create drills/")?;
    let text = serde_json::to_string_pretty(record).context("Failed to write the drill down")?;
    let text = format!("{}\n", view.without_secrets(&text));
    // Two that began in the same second are of two stacks.
    let time = record.started.replace(':', "-");
    for name in [format!("{time}.json"), format!("{time}-{}.json", place.name)] {
        let path = Path::new(FOLDER).join(name);
        if write_new(&path, text.as_bytes(), 0o644).with_context(|| format!("Failed to write {}", path.display()))? {
            view.note(&format!("It is written to {}.", path.display()));
            return Ok(());
        }
    }
    Err(Diagnostic::error(format!("drills/{time}.json is there already.")).into())
}

/// Writes a report, and its timeline beside it.
///
/// # Errors
/// If they cannot be written.
pub(super) fn report(path: &Path, record: &Record, view: &mut View) -> Result<(), Failure> {
    let picture = path.with_extension("svg");
    let name = picture.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for (path, text) in [(&picture, drill_report::timeline(record)), (&path.to_owned(), drill_report::markdown(record, &name))] {
        let text = view.without_secrets(&text);
        write_atomic(path, text.as_bytes(), 0o644).with_context(|| format!("Failed to write {}", path.display()))?;
    }
    view.note(&format!("The report is written to {} and {}.", path.display(), picture.display()));
    Ok(())
}
