//! Who may have a stack's lock, and waiting for it.
//!
//! Invariant: it is the system's lock, so it ends with its process; the note in the file only tells who has it. Nobody waits
//! in silence.

use std::time::Duration;

use dofloat_base::clock::Clock;
use dofloat_base::durable::{FileLock, LockKind, make_folder};

use super::faults::failed;
use super::file::folder_of;
use super::{Locked, Paths, Shared, Sharing, StoreError, Waiting};

/// The time between two attempts, at most.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn take(
    paths: &Paths,
    timeout: Duration,
    note: &str,
    clock: &Clock,
    tell: &mut (dyn FnMut(Waiting) + Send),
) -> Result<Locked, StoreError> {
    let path = &paths.lock;
    if let Some(folder) = folder_of(path) {
        make_folder(folder).map_err(|error| failed("make the folder", folder, &error))?;
    }
    let (start, until) = (clock.tick(), clock.now().plus(timeout));
    let mut told = None;
    loop {
        if let Some(lock) = FileLock::try_take(path, LockKind::Exclusive, note).map_err(|error| failed("lock", path, &error))? {
            return Ok(Locked::new(paths.clone(), Some(lock)));
        }
        let waited = clock.tick().since(start);
        if waited >= timeout {
            return Err(StoreError::Held { holder: holder(paths, clock).await, waited, lasting: false });
        }
        let note = FileLock::note(path);
        if told.as_ref() != Some(&note) {
            tell(Waiting { holder: holder(paths, clock).await, until });
            told = Some(note);
        }
        clock.sleep(PAUSE.min(timeout.saturating_sub(waited))).await;
    }
}

/// The lock for a moment, if nobody has it.
pub(super) fn try_take(paths: &Paths) -> Result<Option<FileLock>, StoreError> {
    let path = &paths.lock;
    if let Some(folder) = folder_of(path) {
        make_folder(folder).map_err(|error| failed("make the folder", folder, &error))?;
    }
    FileLock::try_take(path, LockKind::Exclusive, "").map_err(|error| failed("lock", path, &error))
}

pub(super) async fn share(paths: &Paths, clock: &Clock) -> Sharing {
    let taken = folder_of(&paths.lock).map_or(Ok(()), make_folder).and_then(|()| FileLock::try_take(&paths.lock, LockKind::Shared, ""));
    match taken {
        Ok(Some(lock)) => Sharing::Held(Shared { _lock: lock }),
        Ok(None) => Sharing::Busy { holder: settled_note(paths, clock).await },
        Err(error) => Sharing::Unavailable { why: error.to_string() },
    }
}

/// Who has the lock; `None` if it is only read. If it can be shared, those who have it only read.
async fn holder(paths: &Paths, clock: &Clock) -> Option<String> {
    let read_only = FileLock::try_take(&paths.lock, LockKind::Shared, "").is_ok_and(|lock| lock.is_some());
    if read_only { None } else { Some(settled_note(paths, clock).await) }
}

/// The holder's note. Whoever has just taken the lock is about to write it; until then it is empty, or that of a process
/// which was killed.
async fn settled_note(paths: &Paths, clock: &Clock) -> String {
    const LOOKS: usize = 20;
    let mut before = FileLock::note(&paths.lock);
    for _ in 0..LOOKS {
        clock.sleep(PAUSE / 4).await;
        let now = FileLock::note(&paths.lock);
        if !now.is_empty() && now == before {
            break;
        }
        before = now;
    }
    before
}
