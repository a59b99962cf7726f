//! What the other stacks of this repository speak of: whatever a run looks for, theirs is never taken.
//!
//! Invariant: reads only, and whatever cannot be read says nothing here: its own stack will tell. Nothing of it is believed to be
//! there, only that it is not ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::paths::Paths;
use crate::journal::{self, Outcome};
use crate::{State, format};
use dofloat_base::identity::Id;

/// The objects in the states and journals beside this stack's, by kind and identity.
pub(super) fn others(paths: &Paths) -> BTreeSet<(String, Id)> {
    let mut all = BTreeSet::new();
    for path in beside(paths) {
        let Ok(bytes) = fs::read(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => all.extend(format::read(&bytes, "").iter().flat_map(from_state)),
            _ => from_journal(&bytes, &mut all),
        }
    }
    all
}

/// The states and journals of other stacks: in the same folder, and where each has a folder of its own, in those.
fn beside(paths: &Paths) -> Vec<PathBuf> {
    let Some(folder) = paths.state.parent() else { return Vec::new() };
    let mut folders = vec![folder.to_owned()];
    if folder.file_name() == paths.state.file_stem()
        && let Some(above) = folder.parent()
    {
        folders.extend(entries(above).filter(|path| path.is_dir()));
    }
    let is_memory = |path: &PathBuf| {
        let known = path.extension().is_some_and(|extension| extension == "json" || extension == "journal");
        known && *path != paths.state && *path != paths.journal
    };
    let mut found: Vec<PathBuf> = folders.iter().flat_map(|folder| entries(folder)).filter(is_memory).collect();
    found.sort();
    found.dedup();
    found
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn from_state(state: &State) -> Vec<(String, Id)> {
    let present = state.records.iter().map(|(address, record)| (address.kind.clone(), record.id.clone()));
    present.chain(state.deposed.keys().map(|(address, id)| (address.kind.clone(), id.clone()))).collect()
}

fn from_journal(bytes: &[u8], all: &mut BTreeSet<(String, Id)>) {
    let Some(replayed) = journal::replay(bytes, "").ok().and_then(|reading| reading.replayed) else { return };
    for (begin, outcome) in replayed.done {
        if let Outcome::Record(record) = outcome {
            all.insert((begin.address.kind, record.id));
        }
    }
    for step in replayed.open {
        all.extend(step.id.map(|id| (step.begin.address.kind, id)));
    }
}
