//! The working copy of a stack whose state is kept elsewhere: the three files, and the record of what they were fetched as.
//!
//! Invariant: what was changed here since it was fetched is never overwritten. Where the files stand is told by their
//! digests alone, so it does not matter at which instant a run was killed. It must not know where the state is kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{StoreError, failed};
use super::paths::Paths;
use dofloat_base::crash::crash_point;
use dofloat_base::digest::sha256_hex;
use dofloat_base::durable::{make_folder, remove, write_atomic};

/// The endings of a stack's files, the state first.
pub(super) const ENDINGS: [&str; 3] = ["json", "journal", "secrets.age"];

/// A stack's files by their endings; those that are not there are not in it.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The digests of a stack's files by their endings.
pub(super) type Digests = BTreeMap<String, String>;

/// How the working copy stands to what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SyncStatus {
    /// They are the same.
    InSync,
    /// Nothing was changed here: what is kept replaces it.
    Behind,
    /// Only here something was changed: it is to be published.
    Ahead,
    /// Both were changed.
    Diverged,
    /// There was a state there when this copy was fetched, and it is gone.
    Lost,
}

/// The working copy as it was last fetched or published.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    files: Digests,
    /// Whether the files were all put in place: if not, they are worth nothing.
    whole: bool,
}

const MODE: u32 = 0o644;

/// The digests of files.
pub(super) fn digests(files: &Files) -> Digests {
    files.iter().map(|(ending, bytes)| (ending.clone(), sha256_hex(bytes))).collect()
}

/// The files as they are here.
pub(super) fn read(paths: &Paths) -> Result<Files, StoreError> {
    let mut files = Files::new();
    for (ending, path) in places(paths) {
        match std::fs::read(path) {
            Ok(bytes) => {
                files.insert(ending.to_owned(), bytes);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("read", path, &error)),
        }
    }
    Ok(files)
}

/// How the files here stand to those that are kept.
pub(super) fn sync_status(paths: &Paths, kept: &Files) -> Result<SyncStatus, StoreError> {
    let (here, base) = (read(paths)?, base(paths)?);
    Ok(compare(base.as_ref().map(|base| (&base.files, base.whole)), &digests(&here), &digests(kept)))
}

fn compare(base: Option<(&Digests, bool)>, here: &Digests, kept: &Digests) -> SyncStatus {
    let untouched = match base {
        Some((_, false)) => true,
        Some((base, true)) => base == here,
        None => here.is_empty(),
    };
    // The state file is never removed by a run: where it is missing, somebody cleaned up, and the rest says nothing.
    let was_kept = base.is_some_and(|(base, _)| base.contains_key(ENDINGS[0]));
    if was_kept && !kept.contains_key(ENDINGS[0]) {
        SyncStatus::Lost
    } else if here == kept && base.is_none_or(|(_, whole)| whole) {
        SyncStatus::InSync
    } else if untouched || !here.contains_key(ENDINGS[0]) {
        SyncStatus::Behind
    } else if base.map_or(kept.is_empty(), |(base, _)| base == kept) {
        SyncStatus::Ahead
    } else {
        SyncStatus::Diverged
    }
}

/// Replaces the files by those that are kept.
pub(super) fn replace_files(paths: &Paths, kept: &Files) -> Result<(), StoreError> {
    write_base(paths, &Base { files: digests(kept), whole: false })?;
    crash_point("working.before-files");
    for (ending, path) in places(paths) {
        match kept.get(ending) {
            Some(bytes) => write_atomic(path, bytes, MODE).map_err(|error| failed("write", path, &error))?,
            None => remove(path).map_err(|error| failed("remove", path, &error))?,
        }
    }
    crash_point("working.after-files");
    mark_synced(paths, kept)
}

/// Notes that the files here are those that are kept.
pub(super) fn mark_synced(paths: &Paths, kept: &Files) -> Result<(), StoreError> {
    write_base(paths, &Base { files: digests(kept), whole: true })
}

/// The mark by which this copy knows a lock as its own after it was killed.
pub(super) fn own_lock(paths: &Paths) -> Option<String> {
    std::fs::read_to_string(beside(paths, "lock-id")).ok()
}

/// Keeps the mark, before the lock is asked for.
pub(super) fn keep_own_lock(paths: &Paths, id: &str) -> Result<(), StoreError> {
    let path = beside(paths, "lock-id");
    put(&path, id.as_bytes())
}

/// Forgets the mark, after the lock was given back.
pub(super) fn forget_own_lock(paths: &Paths) -> Result<(), StoreError> {
    let path = beside(paths, "lock-id");
    remove(&path).map_err(|error| failed("remove", &path, &error))
}

/// A path for what is needed beside the files.
pub(super) fn beside(paths: &Paths, ending: &str) -> PathBuf {
    paths.state.with_extension(ending)
}

fn places(paths: &Paths) -> [(&'static str, &Path); 3] {
    [(ENDINGS[0], &paths.state), (ENDINGS[1], &paths.journal), (ENDINGS[2], &paths.secrets)]
}

/// Where it is noted what was fetched or published last.
pub(super) fn base_file(paths: &Paths) -> PathBuf {
    beside(paths, "base")
}

fn base(paths: &Paths) -> Result<Option<Base>, StoreError> {
    let path = base_file(paths);
    match std::fs::read(&path) {
        // One that cannot be understood is none: nothing is overwritten then that was not kept.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", &path, &error)),
    }
}

fn write_base(paths: &Paths, base: &Base) -> Result<(), StoreError> {
    put(&base_file(paths), &serde_json::to_vec_pretty(base).unwrap_or_default())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(folder) = path.parent() {
        make_folder(folder).map_err(|error| failed("create the folder", folder, &error))?;
    }
    write_atomic(path, bytes, MODE).map_err(|error| failed("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_changed_here_is_overwritten() {
        let files = |text: &str| -> Digests {
            text.split_whitespace().map(|word| word.split_once('=').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
        };
        // The base (`!` where it was not whole), what is here, what is kept.
        let table = [
            (None, "", "", SyncStatus::InSync),
            (None, "", "json=1", SyncStatus::Behind),
            (None, "json=1", "json=1", SyncStatus::InSync),
            (None, "json=1", "", SyncStatus::Ahead),
            (None, "json=1", "json=2", SyncStatus::Diverged),
            (Some("json=1"), "json=1", "json=1", SyncStatus::InSync),
            (Some("json=1"), "json=1", "json=2", SyncStatus::Behind),
            (Some("json=1"), "json=1 journal=1", "json=1", SyncStatus::Ahead),
            (Some("json=1"), "json=2", "json=1", SyncStatus::Ahead),
            (Some("json=1"), "json=2", "json=2", SyncStatus::InSync),
            (Some("json=1"), "json=2", "json=3", SyncStatus::Diverged),
            (Some("json=1"), "json=1 journal=1", "json=2", SyncStatus::Diverged),
            (Some("json=1 journal=1"), "json=2", "json=1 journal=1", SyncStatus::Ahead),
            (Some("json=1"), "", "json=1", SyncStatus::Behind),
            (Some("json=1"), "journal=1", "json=2", SyncStatus::Behind),
            (Some("!json=2 journal=2"), "json=2", "json=2 journal=2", SyncStatus::Behind),
            (Some("!json=2"), "json=2", "json=2", SyncStatus::Behind),
            (Some("!json=2"), "json=1", "json=3", SyncStatus::Behind),
            (Some("json=1"), "json=1", "", SyncStatus::Lost),
            (Some("json=1"), "json=2 journal=1", "", SyncStatus::Lost),
            (Some("json=1"), "", "", SyncStatus::Lost),
            (Some("!json=1"), "", "", SyncStatus::Lost),
            (Some(""), "", "", SyncStatus::InSync),
            (Some(""), "json=1", "", SyncStatus::Ahead),
        ];
        for (base, here, kept, expected) in table {
            let base = base.map(|text| (files(text.trim_start_matches('!')), !text.starts_with('!')));
            let found = compare(base.as_ref().map(|(files, whole)| (files, *whole)), &files(here), &files(kept));
            assert_eq!(found, expected, "{base:?} {here} {kept}");
        }
    }
}
