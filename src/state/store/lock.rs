//! Who may have a stack's lock, and waiting for it.
//!
//! Invariant: it is the system's lock, so it ends with its process; the note in the file only tells who has it. Nobody waits
//! in silence.

use std::fmt;
use std::time::Duration;

use dofloat_base::clock::{Clock, Moment};
use dofloat_base::durable::{FileLock, LockKind, make_folder};

use super::error::{StoreError, failed, who};
use super::paths::{Paths, folder_of};

/// A shared lock: no apply begins while it is held.
#[derive(Debug)]
pub struct ReadGuard {
    _lock: FileLock,
}

/// How a plan may look at the state.
#[derive(Debug)]
pub enum ReadLock {
    /// Nobody applies, and nobody will while this is held.
    Held(ReadGuard),
    /// Somebody applies just now: this is their note. What is read is true but will change.
    Busy {
        /// Who, as they wrote it.
        holder: String,
    },
    /// The lock cannot be made, for example in a folder that is read-only: this is why.
    Unavailable {
        /// The system's error.
        why: String,
    },
}

/// A lock that somebody else has, and that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockWait {
    /// Who, as they wrote it; `None` if it is only read.
    pub holder: Option<String>,
    /// Until when.
    pub until: Moment,
}

impl fmt::Display for LockWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = who(self.holder.as_deref());
        write!(f, "The state is locked {who}. Waiting for that run to end, until {} at most.", self.until.to_rfc3339())
    }
}

/// The time between two attempts, at most.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn take(
    paths: &Paths,
    timeout: Duration,
    note: &str,
    clock: &Clock,
    on_wait: &mut (dyn FnMut(LockWait) + Send),
) -> Result<FileLock, StoreError> {
    let path = &paths.lock;
    if let Some(folder) = folder_of(path) {
        make_folder(folder).map_err(|error| failed("create the folder", folder, &error))?;
    }
    let (start, until) = (clock.tick(), clock.now().plus(timeout));
    let mut announced = None;
    loop {
        if let Some(lock) = FileLock::try_take(path, LockKind::Exclusive, note).map_err(|error| failed("lock", path, &error))? {
            return Ok(lock);
        }
        let waited = clock.tick().since(start);
        if waited >= timeout {
            return Err(StoreError::Held { holder: holder(paths, clock).await, waited, lasting: false });
        }
        let note = FileLock::note(path);
        if announced.as_ref() != Some(&note) {
            on_wait(LockWait { holder: holder(paths, clock).await, until });
            announced = Some(note);
        }
        clock.sleep(PAUSE.min(timeout.saturating_sub(waited))).await;
    }
}

/// The lock for a moment, if nobody has it.
pub(super) fn try_take(paths: &Paths) -> Result<Option<FileLock>, StoreError> {
    let path = &paths.lock;
    if let Some(folder) = folder_of(path) {
        make_folder(folder).map_err(|error| failed("create the folder", folder, &error))?;
    }
    FileLock::try_take(path, LockKind::Exclusive, "").map_err(|error| failed("lock", path, &error))
}

pub(super) async fn share(paths: &Paths, clock: &Clock) -> ReadLock {
    let taken = folder_of(&paths.lock).map_or(Ok(()), make_folder).and_then(|()| FileLock::try_take(&paths.lock, LockKind::Shared, ""));
    match taken {
        Ok(Some(lock)) => ReadLock::Held(ReadGuard { _lock: lock }),
        Ok(None) => ReadLock::Busy { holder: stable_note(paths, clock).await },
        Err(error) => ReadLock::Unavailable { why: error.to_string() },
    }
}

/// Who has the lock; `None` if it is only read. If it can be shared, those who have it only read.
async fn holder(paths: &Paths, clock: &Clock) -> Option<String> {
    let read_only = FileLock::try_take(&paths.lock, LockKind::Shared, "").is_ok_and(|lock| lock.is_some());
    if read_only { None } else { Some(stable_note(paths, clock).await) }
}

/// The holder's note. Whoever has just taken the lock is about to write it; until then it is empty, or that of a process
/// which was killed.
async fn stable_note(paths: &Paths, clock: &Clock) -> String {
    const READS: usize = 20;
    let mut before = FileLock::note(&paths.lock);
    for _ in 0..READS {
        clock.sleep(PAUSE / 4).await;
        let now = FileLock::note(&paths.lock);
        if !now.is_empty() && now == before {
            break;
        }
        before = now;
    }
    before
}
