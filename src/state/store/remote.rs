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

use std::time::Duration;

use super::faults::{broken_lock, lost_shared, parted, unpublished, unstable};
use super::git::Git;
use super::s3::S3;
use super::working::{self, Files, Standing};
use super::{Locked, Paths, StoreError, Waiting, lock};
use dofloat_base::clock::Clock;
use dofloat_base::crash::crash_point;

/// Where a shared state is kept.
#[derive(Clone, Debug)]
pub enum Remote {
    /// A branch of a git repository.
    Git(Git),
    /// An object in a bucket.
    S3(S3),
}

/// What is kept, at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// The files.
    pub(super) files: Files,
    /// By which a change is noticed; empty if there is nothing yet.
    pub(super) version: String,
    /// Who holds the lock.
    pub(super) lock: Option<Holding>,
    /// Whether it was never seen that a move fails there whose condition does not hold.
    pub(super) unproven: bool,
}

/// A lock as it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Its identity.
    pub(super) id: String,
    /// Who holds it, as they wrote it.
    pub note: String,
    /// Whether it is this clone's own, left by a run that is over.
    pub own: bool,
}

/// What became of a publication.
#[derive(Debug)]
pub(super) enum Published {
    /// It is kept, and the lock is free.
    Done,
    /// The version was another one.
    Moved,
}

/// The right to publish.
#[derive(Debug)]
pub(super) struct Lease {
    remote: Remote,
    /// The lock's identity; none without a lock.
    id: Option<String>,
    kept: Snapshot,
}

impl Remote {
    /// Where it is, for messages.
    fn name(&self) -> String {
        match self {
            Self::Git(git) => git.name(),
            Self::S3(s3) => s3.name(),
        }
    }

    async fn fetch(&self) -> Result<Snapshot, StoreError> {
        match self {
            Self::Git(git) => git.fetch().await,
            Self::S3(s3) => s3.fetch().await,
        }
    }

    /// An identity for a lock, not yet asked for.
    async fn prepare(&self, note: &str) -> Result<String, StoreError> {
        match self {
            Self::Git(git) => git.prepare(note).await,
            Self::S3(_) => Ok(uuid::Uuid::new_v4().to_string()),
        }
    }

    /// Takes the lock, if it is free; says whether it was.
    async fn take(&self, id: &str, note: &str) -> Result<bool, StoreError> {
        match self {
            Self::Git(git) => git.take(id).await,
            Self::S3(s3) => s3.take(id, note).await,
        }
    }

    /// Sees that a move whose condition does not hold fails there.
    async fn prove(&self) -> Result<(), StoreError> {
        match self {
            Self::Git(_) => Ok(()),
            Self::S3(s3) => s3.prove().await,
        }
    }

    async fn publish(&self, files: &Files, on: &Snapshot, id: Option<&str>, index: &Paths) -> Result<Published, StoreError> {
        match self {
            Self::Git(git) => git.publish(files, on, id, &working::beside(index, "index")).await,
            Self::S3(s3) => s3.publish(files, on, id).await,
        }
    }

    /// Frees the lock, if it is still the one of that identity.
    async fn free(&self, id: &str) -> Result<(), StoreError> {
        match self {
            Self::Git(git) => git.free(id).await,
            Self::S3(s3) => s3.free(id).await,
        }
    }
}

/// Takes the lock, and brings the working copy up to date under it. `locked` is the working copy's own lock.
pub(super) async fn acquire(
    remote: &Remote,
    mut locked: Locked,
    timeout: Duration,
    note: &str,
    clock: &Clock,
    tell: &mut (dyn FnMut(Waiting) + Send),
) -> Result<Locked, StoreError> {
    const PAUSE: Duration = Duration::from_secs(1);
    let paths = locked.paths().clone();
    let (start, until) = (clock.tick(), clock.now().plus(timeout));
    let (mut told, mut fresh) = (None, false);
    let (id, kept) = loop {
        let kept = remote.fetch().await?;
        match &kept.lock {
            Some(lock) if working::own_lock(&paths).as_ref() == Some(&lock.id) => break (lock.id.clone(), kept),
            Some(_) => {}
            None => {
                still_there(remote, &paths, &kept)?;
                let id = remote.prepare(note).await?;
                working::keep_own_lock(&paths, &id)?;
                crash_point("remote.before-lock");
                if remote.take(&id, note).await? {
                    crash_point("remote.after-lock");
                    // It is ours when it is read back as ours.
                    fresh = true;
                    continue;
                }
            }
        }
        let waited = clock.tick().since(start);
        if waited >= timeout {
            let lock = kept.lock.or(remote.fetch().await?.lock);
            return Err(StoreError::Held { holder: Some(lock.map(|lock| lock.note).unwrap_or_default()), waited, lasting: true });
        }
        let holder = kept.lock.map(|lock| lock.note);
        if holder.is_some() && told != holder {
            tell(Waiting { holder: holder.clone(), until });
            told = holder;
        }
        clock.sleep(PAUSE.min(timeout.saturating_sub(waited))).await;
    };
    match ready(remote, &paths, &kept).await {
        Ok(()) => {
            locked.lend(Lease { remote: remote.clone(), id: Some(id), kept });
            Ok(locked)
        }
        Err(error) => {
            // Nothing was begun, so nobody need wait for us; a lock of an earlier run stays.
            if fresh {
                remote.free(&id).await?;
                working::forget_own_lock(&paths)?;
            }
            Err(error)
        }
    }
}

/// The same without a lock.
pub(super) async fn unguarded(remote: &Remote, mut locked: Locked) -> Result<Locked, StoreError> {
    let kept = remote.fetch().await?;
    ready(remote, locked.paths(), &kept).await?;
    locked.lend(Lease { remote: remote.clone(), id: None, kept });
    Ok(locked)
}

/// Brings the working copy up to date for somebody who only reads; gives whoever holds the lock.
pub(super) async fn refresh(remote: &Remote, paths: &Paths) -> Result<Option<Holding>, StoreError> {
    let kept = remote.fetch().await?;
    // Where a run of this clone is at work, the working copy is its own.
    if let Some(_alone) = lock::try_take(paths)? {
        settle(remote, paths, &kept)?;
    }
    Ok(known(kept.lock, paths))
}

/// Whoever holds the lock.
pub(super) async fn holder(remote: &Remote, paths: &Paths) -> Result<Option<Holding>, StoreError> {
    Ok(known(remote.fetch().await?.lock, paths))
}

fn known(lock: Option<Holding>, paths: &Paths) -> Option<Holding> {
    let own = working::own_lock(paths);
    lock.map(|lock| Holding { own: own.as_ref() == Some(&lock.id), ..lock })
}

/// Makes sure that a run may begin with what is kept.
async fn ready(remote: &Remote, paths: &Paths, kept: &Snapshot) -> Result<(), StoreError> {
    settle(remote, paths, kept)?;
    if kept.unproven { remote.prove().await } else { Ok(()) }
}

/// Refuses a state that was there and is gone.
fn still_there(remote: &Remote, paths: &Paths, kept: &Snapshot) -> Result<(), StoreError> {
    match working::standing(paths, &kept.files)? {
        Standing::Lost => Err(lost_shared(paths, &remote.name(), &working::base_file(paths))),
        _ => Ok(()),
    }
}

fn settle(remote: &Remote, paths: &Paths, kept: &Snapshot) -> Result<(), StoreError> {
    match working::standing(paths, &kept.files)? {
        Standing::Even => working::settle(paths, &kept.files),
        Standing::Behind => working::bring(paths, &kept.files),
        Standing::Ahead => Ok(()),
        Standing::Parted => Err(parted(paths, &remote.name())),
        Standing::Lost => still_there(remote, paths, kept),
    }
}

/// Publishes what the run left, and frees the lock.
pub(super) async fn release(lease: Lease, paths: &Paths) -> Result<(), StoreError> {
    let Lease { remote, id, mut kept } = lease;
    let name = remote.name();
    let files = working::read(paths)?;
    let wanted = working::digests(&kept.files);
    if working::digests(&files) == wanted {
        if let Some(id) = &id {
            remote.free(id).await?;
        }
        return working::forget_own_lock(paths);
    }
    // Other stacks may be published beside this one, each moving the version on.
    const TRIES: usize = 30;
    for _ in 0..TRIES {
        crash_point("remote.before-publish");
        match remote.publish(&files, &kept, id.as_deref(), paths).await.map_err(|error| unpublished(error, paths, &name))? {
            Published::Done => {
                crash_point("remote.after-publish");
                working::settle(paths, &files)?;
                return working::forget_own_lock(paths);
            }
            Published::Moved => {
                let now = remote.fetch().await.map_err(|error| unpublished(error, paths, &name))?;
                if id.is_some() && now.lock.as_ref().map(|lock| &lock.id) != id.as_ref() {
                    return Err(broken_lock(paths, &name, now.lock.map(|lock| lock.note)));
                }
                if working::digests(&now.files) != wanted {
                    return Err(parted(paths, &name));
                }
                kept = now;
            }
        }
    }
    Err(unpublished(unstable(&paths.state), paths, &name))
}

/// Frees a lock that somebody left.
pub(super) async fn unlock(remote: &Remote, paths: &Paths, holding: &Holding) -> Result<(), StoreError> {
    remote.free(&holding.id).await?;
    if working::own_lock(paths).as_ref() == Some(&holding.id) {
        working::forget_own_lock(paths)?;
    }
    Ok(())
}
