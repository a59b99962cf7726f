//! A place that keeps the state of a stack for several clones: what each kind of place can do.
//!
//! Invariant: every write is on condition that what is there is still what was fetched, so of two runs one wins, and the other is
//! told. It must not know the working copy, nor what the files hold.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;

use super::error::StoreError;
use super::working::Files;

/// A place where a shared state is kept: a branch of a git repository, an object in a bucket.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// Where it is, for messages.
    fn name(&self) -> String;

    /// Reads what is kept there now.
    async fn fetch(&self) -> Result<Snapshot, StoreError>;

    /// An identity for a lock, not yet asked for.
    async fn new_lock_id(&self, note: &str) -> Result<String, StoreError>;

    /// Takes the lock, if it is free; says whether it was.
    async fn try_lock(&self, id: &str, note: &str) -> Result<bool, StoreError>;

    /// Frees the lock, if it is still the one of that identity.
    async fn unlock(&self, id: &str) -> Result<(), StoreError>;

    /// Replaces what was fetched `on` by these files, and frees the lock of that identity in the same step. `scratch` is a file for
    /// whoever needs one.
    async fn publish(&self, files: &Files, on: &Snapshot, id: Option<&str>, scratch: &Path) -> Result<Published, StoreError>;

    /// Sees that a write whose condition does not hold fails there. Asked where a snapshot is not `proven`.
    async fn verify_conditional_writes(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The kept files and the lock at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The files.
    pub(super) files: Files,
    /// By which a change is noticed; empty if there is nothing yet.
    pub(super) version: String,
    /// Who holds the lock.
    pub(super) lock: Option<LockInfo>,
    /// Whether it was never seen that a move fails there whose condition does not hold.
    pub(super) unproven: bool,
}

/// A lock as it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockInfo {
    /// Its identity.
    pub(super) id: String,
    /// Who holds it, as they wrote it.
    pub note: String,
    /// Whether it is this clone's own, left by a run that is over.
    pub own: bool,
}

/// The result of a publication.
#[derive(Debug)]
pub enum Published {
    /// It is kept, and the lock is free.
    Done,
    /// The version was another one.
    Moved,
}
