//! A state that several clones share: lock, fetch, run, publish, unlock.
//!
//! Invariant: a run works on the working copy, which is as crash-safe as a store of its own, and only whoever holds the lock
//! publishes. What is published replaces exactly what was fetched, in one step; a refusal leaves the working copy as it is.
//! The lock does not end with its process. It must not know the engine.
//!
//! Where a run may be killed, and what comes of it (`copy`: the working copy, `kept`: the shared state):
//!
//! | killed | lock | copy | kept | the same clone, run again | another clone |
//! | --- | --- | --- | --- | --- | --- |
//! | before the lock | free | as fetched | old | begins anew | is not concerned |
//! | lock taken, not fetched | ours | as fetched | old | knows the lock as its own and goes on | exit 3, names the holder |
//! | while fetching | ours | marked as not whole | old | fetches anew | exit 3 |
//! | between calls | ours | ahead: a journal | old | replays the journal | exit 3; after `unlock` there: replays it; after `unlock` elsewhere: by mark |
//! | run over, not published | ours | ahead | old | publishes at its end | exit 3, as above |
//! | published, not unlocked | ours or free | ahead, but the same as kept | new | sees that they are even | exit 3 or goes on |
//! | unlocked, not noted | free | the same as kept | new | sees that they are even | goes on |
//!
//! A state that was there when the copy was fetched, and is gone, is lost and not empty: nothing is begun.
//!
//! If somebody unlocks by force and applies meanwhile, copy and kept have both moved on: nothing is published, nothing is
//! overwritten, and a person decides.

use std::sync::Arc;
use std::time::Duration;

use super::backend::{Backend, LockInfo, Published, Snapshot};
use super::error::{StoreError, broken_lock, diverged, lost_shared, unpublished, unstable};
use super::lock::{self, LockWait};
use super::paths::Paths;
use super::working::{self, SyncStatus};
use dofloat_base::clock::Clock;
use dofloat_base::crash::crash_point;

/// The right to publish.
#[derive(Debug)]
pub(super) struct Lease {
    backend: Arc<dyn Backend>,
    paths: Paths,
    /// The lock's identity; none without a lock.
    id: Option<String>,
    kept: Snapshot,
}

impl Lease {
    /// Publishes what the run left, and frees the lock.
    pub(super) async fn release(self) -> Result<(), StoreError> {
        let Self { backend, paths, id, mut kept } = self;
        let paths = &paths;
        let name = backend.name();
        let (files, scratch) = (working::read(paths)?, working::beside(paths, "index"));
        let wanted = working::digests(&kept.files);
        if working::digests(&files) == wanted {
            if let Some(id) = &id {
                backend.unlock(id).await?;
            }
            return working::forget_own_lock(paths);
        }
        // Other stacks may be published beside this one, each moving the version on.
        const TRIES: usize = 30;
        for _ in 0..TRIES {
            crash_point("remote.before-publish");
            match backend.publish(&files, &kept, id.as_deref(), &scratch).await.map_err(|error| unpublished(error, paths, &name))? {
                Published::Done => {
                    crash_point("remote.after-publish");
                    working::mark_synced(paths, &files)?;
                    return working::forget_own_lock(paths);
                }
                Published::Moved => {
                    let now = backend.fetch().await.map_err(|error| unpublished(error, paths, &name))?;
                    if id.is_some() && now.lock.as_ref().map(|lock| &lock.id) != id.as_ref() {
                        return Err(broken_lock(paths, &name, now.lock.map(|lock| lock.note)));
                    }
                    if working::digests(&now.files) != wanted {
                        return Err(diverged(paths, &name));
                    }
                    kept = now;
                }
            }
        }
        Err(unpublished(unstable(&paths.state), paths, &name))
    }
}

/// Takes the lock, and brings the working copy up to date under it. Whoever asks has the working copy's own lock.
pub(super) async fn acquire(
    backend: &Arc<dyn Backend>,
    paths: &Paths,
    timeout: Duration,
    note: &str,
    clock: &Clock,
    on_wait: &mut (dyn FnMut(LockWait) + Send),
) -> Result<Lease, StoreError> {
    const PAUSE: Duration = Duration::from_secs(1);
    let (start, until) = (clock.tick(), clock.now().plus(timeout));
    let (mut announced, mut fresh) = (None, false);
    let (id, kept) = loop {
        let kept = backend.fetch().await?;
        match &kept.lock {
            Some(lock) if working::own_lock(paths).as_ref() == Some(&lock.id) => break (lock.id.clone(), kept),
            Some(_) => {}
            None => {
                must_not_be_lost(&**backend, paths, &kept)?;
                let id = backend.new_lock_id(note).await?;
                working::keep_own_lock(paths, &id)?;
                crash_point("remote.before-lock");
                if backend.try_lock(&id, note).await? {
                    crash_point("remote.after-lock");
                    // It is ours when it is read back as ours.
                    fresh = true;
                    continue;
                }
            }
        }
        let waited = clock.tick().since(start);
        if waited >= timeout {
            let lock = kept.lock.or(backend.fetch().await?.lock);
            return Err(StoreError::Held { holder: Some(lock.map(|lock| lock.note).unwrap_or_default()), waited, lasting: true });
        }
        let holder = kept.lock.map(|lock| lock.note);
        if holder.is_some() && announced != holder {
            on_wait(LockWait { holder: holder.clone(), until });
            announced = holder;
        }
        clock.sleep(PAUSE.min(timeout.saturating_sub(waited))).await;
    };
    match ready(&**backend, paths, &kept).await {
        Ok(()) => Ok(Lease { backend: backend.clone(), paths: paths.clone(), id: Some(id), kept }),
        Err(error) => {
            // Nothing was begun, so nobody need wait for us; a lock of an earlier run stays.
            if fresh {
                backend.unlock(&id).await?;
                working::forget_own_lock(paths)?;
            }
            Err(error)
        }
    }
}

/// The same without a lock.
pub(super) async fn without_lock(backend: &Arc<dyn Backend>, paths: &Paths) -> Result<Lease, StoreError> {
    let kept = backend.fetch().await?;
    ready(&**backend, paths, &kept).await?;
    Ok(Lease { backend: backend.clone(), paths: paths.clone(), id: None, kept })
}

/// Brings the working copy up to date for somebody who only reads; gives whoever holds the lock.
pub(super) async fn refresh(backend: &dyn Backend, paths: &Paths) -> Result<Option<LockInfo>, StoreError> {
    let kept = backend.fetch().await?;
    // Where a run of this clone is at work, the working copy is its own.
    if let Some(_alone) = lock::try_take(paths)? {
        sync(backend, paths, &kept)?;
    }
    Ok(known(kept.lock, paths))
}

/// Whoever holds the lock.
pub(super) async fn holder(backend: &dyn Backend, paths: &Paths) -> Result<Option<LockInfo>, StoreError> {
    Ok(known(backend.fetch().await?.lock, paths))
}

fn known(lock: Option<LockInfo>, paths: &Paths) -> Option<LockInfo> {
    let own = working::own_lock(paths);
    lock.map(|lock| LockInfo { own: own.as_ref() == Some(&lock.id), ..lock })
}

/// Makes sure that a run may begin with what is kept.
async fn ready(backend: &dyn Backend, paths: &Paths, kept: &Snapshot) -> Result<(), StoreError> {
    sync(backend, paths, kept)?;
    if kept.unproven { backend.verify_conditional_writes().await } else { Ok(()) }
}

/// Refuses a state that was there and is gone.
fn must_not_be_lost(backend: &dyn Backend, paths: &Paths, kept: &Snapshot) -> Result<(), StoreError> {
    match working::sync_status(paths, &kept.files)? {
        SyncStatus::Lost => Err(lost_shared(paths, &backend.name(), &working::base_file(paths))),
        _ => Ok(()),
    }
}

fn sync(backend: &dyn Backend, paths: &Paths, kept: &Snapshot) -> Result<(), StoreError> {
    match working::sync_status(paths, &kept.files)? {
        SyncStatus::InSync => working::mark_synced(paths, &kept.files),
        SyncStatus::Behind => working::replace_files(paths, &kept.files),
        SyncStatus::Ahead => Ok(()),
        SyncStatus::Diverged => Err(diverged(paths, &backend.name())),
        SyncStatus::Lost => must_not_be_lost(backend, paths, kept),
    }
}

/// Frees a lock that somebody left.
pub(super) async fn unlock(backend: &dyn Backend, paths: &Paths, holding: &LockInfo) -> Result<(), StoreError> {
    backend.unlock(&holding.id).await?;
    if working::own_lock(paths).as_ref() == Some(&holding.id) {
        working::forget_own_lock(paths)?;
    }
    Ok(())
}
