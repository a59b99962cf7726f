//! What this thread has written and not yet brought to disk, so that tests can ask at the moment in which a request leaves.
//!
//! Invariant: in debug builds only, and the program never asks. What does not exist any more needs no flush.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

thread_local! {
    static OPEN: RefCell<BTreeSet<PathBuf>> = const { RefCell::new(BTreeSet::new()) };
}

/// The files and folders that a power cut could take back.
#[must_use]
pub fn unflushed() -> Vec<PathBuf> {
    OPEN.with_borrow(|open| open.iter().filter(|path| path.exists()).cloned().collect())
}

/// The content of a file, or the names in a folder, have changed.
pub(super) fn changed(path: &Path) {
    if cfg!(debug_assertions) {
        OPEN.with_borrow_mut(|open| open.insert(path.to_owned()));
    }
}

/// It is on disk.
pub(super) fn flushed(path: &Path) {
    if cfg!(debug_assertions) {
        OPEN.with_borrow_mut(|open| open.remove(path));
    }
}

/// A file has another name: what was not on disk of it is not yet.
pub(super) fn renamed(from: &Path, to: &Path) {
    if cfg!(debug_assertions) {
        OPEN.with_borrow_mut(|open| if open.remove(from) { open.insert(to.to_owned()) } else { open.remove(to) });
    }
}
