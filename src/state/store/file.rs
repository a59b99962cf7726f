//! The store in plain files: state and journal beside each other, a lock in `.dofloat/`.
//!
//! Invariant: the state file is replaced as a whole, the journal only grows; a step costs the same in a small fleet and in a
//! large one. Whatever was interrupted is told apart by fingerprints: the journal names the state that it starts from and
//! the one that it ends with. It must not know the engine.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::durable::{Appender, FileLock};
use crate::base::identity::{Id, Owner};
use crate::state::State;
use crate::state::journal::{Entry, Machine};

use super::{Loaded, Paths, Sharing, StoreError};

/// What a run knows when it begins, besides the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Whose objects it makes.
    pub owner: Owner,
    /// The objects that carry the stack's mark already.
    pub marked: BTreeSet<Id>,
    /// The account's reserved addresses.
    pub addresses: BTreeSet<String>,
}

/// The right to write a stack's state.
#[derive(Debug)]
#[expect(dead_code, reason = "only the face stands yet")]
pub struct Locked {
    paths: Paths,
    _lock: Option<FileLock>,
    disk: Option<State>,
    journal: Option<Open>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "only the face stands yet")]
struct Open {
    appender: Appender,
    machine: Machine,
    unended: bool,
}

impl Locked {
    pub(super) fn new(paths: Paths, lock: Option<FileLock>) -> Self {
        Self { paths, _lock: lock, disk: None, journal: None }
    }

    /// Reads state and journal. A journal whose state was written is removed, a torn last line is cut off; a journal of an
    /// interrupted run stays open: it ends with the next `commit`.
    ///
    /// # Errors
    /// If they cannot be read, do not belong together, or a state was lost.
    pub fn load(&mut self) -> Result<Loaded, StoreError> {
        peek(&self.paths)
    }

    /// Begins a run: writes the state file if there is none (with `state`'s lineage and salt, the owner, serial 0 and no records),
    /// then the journal's first line. Both are on disk afterwards.
    ///
    /// # Errors
    /// If a journal is open already (recover and `commit` first), if `state` is another stack's, or what the system says.
    pub fn begin(&mut self, state: &State, opening: Opening) -> Result<(), StoreError> {
        let _ = (state, opening);
        Ok(())
    }

    /// Appends an entry. It is on disk when this returns.
    ///
    /// # Errors
    /// If it cannot follow those before it, or what the system says: no call may be made then.
    pub fn append(&mut self, entry: Entry) -> Result<(), StoreError> {
        self.append_all(vec![entry])
    }

    /// Appends entries with one flush. All are on disk when this returns; on an error none of them counts.
    ///
    /// # Errors
    /// As `append`.
    pub fn append_all(&mut self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let _ = entries;
        Ok(())
    }

    /// Ends the run: the state is on disk, the journal is gone. Where nothing but the serial differs from what is on disk,
    /// nothing is written. Gives the serial on disk (`state.serial` does not matter).
    ///
    /// # Errors
    /// What the system says; the message names the copy that was saved elsewhere, and the journal stays.
    pub fn commit(&mut self, state: &State) -> Result<u64, StoreError> {
        Ok(state.serial)
    }
}

pub(super) fn peek(paths: &Paths) -> Result<Loaded, StoreError> {
    let _ = paths;
    Ok(Loaded::default())
}

pub(super) async fn lock(paths: &Paths, timeout: Duration, note: &str, clock: &Clock) -> Result<Locked, StoreError> {
    let _ = (paths, timeout, note, clock);
    Ok(Locked::new(paths.clone(), None))
}

pub(super) fn share(paths: &Paths) -> Sharing {
    Sharing::Unavailable { why: paths.lock.display().to_string() }
}

fn _shown(path: &Path) -> String {
    path.display().to_string()
}
