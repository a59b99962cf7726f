//! Where a stack's state lies, and who may write it.
//!
//! Invariant: only a `Locked` writes, and what it returned from is on disk. A state that is lost is never taken for "nothing
//! exists". It must not know kinds, the engine, or who asks.
//!
//! The order of a run: `lock`, `load`, (recover and `commit` what a journal left), `begin`, then secrets are made durable,
//! then `append` around every call, `commit`. `begin` comes before the secrets file is written, since a secrets file
//! without a state counts as a loss. `release` comes last, however the run ended.
//!
//! The state is a file beside the stack, or it is kept elsewhere and shared by several clones (`Backend`): then the same files
//! in the working folder are its working copy, and everything above sees one `Locked` all the same. `StateLock` is both locks:
//! that of the files, and the lease of what is kept elsewhere.

use std::sync::Arc;
use std::time::Duration;

use dofloat_base::clock::Clock;

mod backend;
mod error;
mod file;
mod git;
mod lock;
mod object;
mod others;
mod paths;
mod remote;
mod s3;
mod serials;
mod working;

pub use backend::{Backend, LockInfo};
pub use error::{ExitClass, StoreError};
pub use file::{Loaded, Locked, RunStart};
pub use git::Git;
pub use lock::{LockWait, ReadGuard, ReadLock};
pub use paths::Paths;
pub use s3::{BucketSettings, S3};

use remote::Lease;

/// The state of one stack, unlocked.
#[derive(Clone, Debug)]
pub struct Store {
    paths: Paths,
    backend: Option<Arc<dyn Backend>>,
}

/// The lock of a stack's state, wherever that is kept. It is given back by `release`: what is kept elsewhere stays locked when the
/// process ends.
#[derive(Debug)]
pub struct StateLock {
    files: Locked,
    lease: Option<Lease>,
}

impl StateLock {
    /// The right to write that goes with it.
    pub fn files(&mut self) -> &mut Locked {
        &mut self.files
    }

    /// Gives the lock back. Where the state is kept elsewhere, what was written here is published with it, the journal of a
    /// run that broke included. To be called however the run ended: such a lock does not end with its process.
    ///
    /// # Errors
    /// If it cannot be published: it stays here whole, and the lock stays with it.
    pub async fn release(self) -> Result<(), StoreError> {
        match self.lease {
            Some(lease) => lease.release().await,
            None => Ok(()),
        }
    }
}

impl Store {
    /// The store at these places. Nothing is read yet.
    #[must_use]
    pub fn open(paths: Paths) -> Self {
        Self { paths, backend: None }
    }

    /// A store whose state is kept elsewhere; these places are its working copy's.
    #[must_use]
    pub fn shared(paths: Paths, backend: impl Backend + 'static) -> Self {
        Self { paths, backend: Some(Arc::new(backend)) }
    }

    /// The places.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Brings the working copy of a shared state up to date, for those who only read; gives whoever holds the lock there.
    ///
    /// # Errors
    /// If what is kept cannot be read, or both it and the working copy were changed.
    pub async fn refresh(&self) -> Result<Option<LockInfo>, StoreError> {
        match &self.backend {
            Some(backend) => remote::refresh(&**backend, &self.paths).await,
            None => Ok(None),
        }
    }

    /// Whoever holds the lock of a shared state, without touching the working copy.
    ///
    /// # Errors
    /// If what is kept cannot be read.
    pub async fn holder(&self) -> Result<Option<LockInfo>, StoreError> {
        match &self.backend {
            Some(backend) => remote::holder(&**backend, &self.paths).await,
            None => Ok(None),
        }
    }

    /// The highest serial of a lineage that this clone has seen.
    #[must_use]
    pub fn highest_serial(&self, lineage: &str) -> Option<u64> {
        serials::highest(&self.paths.serials, lineage)
    }

    /// Whether this clone took the lock of a shared state, or was about to, and has not given it back.
    #[must_use]
    pub fn keeps_lock(&self) -> bool {
        self.backend.is_some() && working::own_lock(&self.paths).is_some()
    }

    /// Reads state and journal as they stand here, without lock and without touching anything; consistent even while another
    /// process applies.
    ///
    /// # Errors
    /// If they cannot be read, or do not belong together.
    pub fn peek(&self) -> Result<Loaded, StoreError> {
        file::peek(&self.paths)
    }

    /// Takes the lock alone, waiting for it until the timeout. `note` says who asks (pid, start, command), for those who find it
    /// locked; `tell` is told for whom it is waited.
    ///
    /// # Errors
    /// `Held` if somebody else still has it; `Failed` if the lock cannot be made.
    pub async fn lock(
        &self,
        timeout: Duration,
        note: &str,
        clock: &Clock,
        on_wait: &mut (dyn FnMut(LockWait) + Send),
    ) -> Result<StateLock, StoreError> {
        let start = clock.tick();
        let lock = lock::take(&self.paths, timeout, note, clock, on_wait).await?;
        let left = timeout.saturating_sub(clock.tick().since(start));
        let lease = match &self.backend {
            Some(backend) => Some(remote::acquire(backend, &self.paths, left, note, clock, on_wait).await?),
            None => None,
        };
        Ok(StateLock { files: Locked::new(self.paths.clone(), Some(lock)), lease })
    }

    /// The right to write without a lock (`-lock=false`). Nobody else may be at work: their journal would be cut or ended.
    ///
    /// # Errors
    /// If the state is kept elsewhere and cannot be read.
    pub async fn without_lock(&self) -> Result<StateLock, StoreError> {
        let lease = match &self.backend {
            Some(backend) => Some(remote::without_lock(backend, &self.paths).await?),
            None => None,
        };
        Ok(StateLock { files: Locked::new(self.paths.clone(), None), lease })
    }

    /// Takes the lock beside other readers, if no apply has it.
    pub async fn share(&self, clock: &Clock) -> ReadLock {
        lock::share(&self.paths, clock).await
    }

    /// Frees a lock on a shared state that `refresh` told of; one of a file ends by itself.
    ///
    /// # Errors
    /// If it cannot be freed.
    pub async fn unlock(&self, holding: &LockInfo) -> Result<(), StoreError> {
        match &self.backend {
            Some(backend) => remote::unlock(&**backend, &self.paths, holding).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
