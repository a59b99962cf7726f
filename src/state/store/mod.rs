//! Where a stack's state lies, and who may write it.
//!
//! Invariant: only a `Locked` writes, and what it returned from is on disk. A state that is lost is never taken for "nothing
//! exists". It must not know kinds, the engine, or who asks.
//!
//! The order of a run: `lock`, `load`, (recover and `commit` what a journal left), `begin`, then secrets are made durable,
//! then `append` around every call, `commit`. `begin` comes before the secrets file is written, since a secrets file
//! without a state counts as a loss. `release` comes last, however the run ended.
//!
//! The state is a file beside the stack, or it is kept elsewhere and shared by several clones (`Remote`): then the same files
//! in the working folder are its working copy, and everything above sees one `Locked` all the same.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dofloat_base::clock::{Clock, Moment};
use dofloat_base::diag::Diagnostic;
use dofloat_base::durable::FileLock;
use dofloat_base::identity::Id;

use super::State;
use super::journal::Replayed;

mod faults;
mod file;
mod git;
mod head;
mod lock;
mod others;
mod remote;
mod s3;
mod serials;
mod working;

pub use file::{Locked, Opening};
pub use git::Git;
pub use remote::{Holding, Remote};
pub use s3::{S3, Settings};

/// The files of one stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `state/<stack>.json`.
    pub state: PathBuf,
    /// `state/<stack>.journal`.
    pub journal: PathBuf,
    /// `state/<stack>.secrets.age`: looked at only to see that a state was lost.
    pub secrets: PathBuf,
    /// `.dofloat/<stack>.lock`.
    pub lock: PathBuf,
    /// `.dofloat/<stack>.serials`: the serials that this clone has seen.
    pub serials: PathBuf,
    /// A folder for a copy of the state if it can be written nowhere else: the system's folder for temporary files.
    pub rescue: PathBuf,
}

impl Paths {
    /// All beside the state file; what can be written nowhere goes to `rescue`.
    #[must_use]
    pub fn beside(state: &Path, rescue: PathBuf) -> Self {
        let file = |ending: &str| state.with_extension(ending);
        Self {
            state: state.to_owned(),
            journal: file("journal"),
            secrets: file("secrets.age"),
            lock: file("lock"),
            serials: file("serials"),
            rescue,
        }
    }
}

/// The state of one stack, unlocked.
#[derive(Clone, Debug)]
pub struct Store {
    paths: Paths,
    remote: Option<Remote>,
}

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The state file; `None` if this stack was never applied.
    pub state: Option<State>,
    /// The journal of a run that is open or was interrupted. It starts from `state` and is not in it:
    /// `journal.replay_onto(&state)` is the state with all that is known to be done.
    pub journal: Option<Replayed>,
    /// The objects that the other stacks of this repository speak of, by kind and identity: none of them is this stack's.
    pub others: BTreeSet<(String, Id)>,
}

/// A shared lock: no apply begins while it is held.
#[derive(Debug)]
pub struct Shared {
    _lock: FileLock,
}

/// How a plan may look at the state.
#[derive(Debug)]
pub enum Sharing {
    /// Nobody applies, and nobody will while this is held.
    Held(Shared),
    /// Somebody applies just now: this is their note. What is read is true but will change.
    Busy {
        /// Who, as they wrote it.
        holder: String,
    },
    /// The lock cannot be made, for example in a folder that is read-only: this is why.
    Unavailable {
        /// What the system says.
        why: String,
    },
}

/// A lock that somebody else has, and that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who, as they wrote it; `None` if it is only read.
    pub holder: Option<String>,
    /// Until when.
    pub until: Moment,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = who(self.holder.as_deref());
        write!(f, "The state is locked {who}. Waiting for that run to end, until {} at most.", self.until.to_rfc3339())
    }
}

fn who(holder: Option<&str>) -> String {
    match holder.map(str::trim) {
        Some("") => "by another dofloat".to_owned(),
        Some(holder) => format!("by {holder}"),
        None => "by a plan that is being made".to_owned(),
    }
}

/// The exit that an error calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitClass {
    /// 1: it failed.
    Failed,
    /// 3: somebody else holds the lock.
    Locked,
    /// 4: a person must decide.
    Decision,
}

/// Why the state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The system or the file's content forbids it.
    Failed(Box<Diagnostic>),
    /// Somebody else has the lock.
    Held {
        /// Who, as they wrote it; `None` if it is only read.
        holder: Option<String>,
        /// How long it was waited for.
        waited: Duration,
        /// Whether the lock outlives its process.
        lasting: bool,
    },
    /// State and journal do not belong together.
    Mismatch(Box<Diagnostic>),
    /// There was a state, and it is gone.
    Lost(Box<Diagnostic>),
}

impl StoreError {
    /// The exit that it calls for.
    #[must_use]
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Failed(_) => ExitClass::Failed,
            Self::Held { .. } => ExitClass::Locked,
            Self::Mismatch(_) | Self::Lost(_) => ExitClass::Decision,
        }
    }

    /// What to tell the user.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Failed(diagnostic) | Self::Mismatch(diagnostic) | Self::Lost(diagnostic) => vec![Diagnostic::clone(diagnostic)],
            Self::Held { holder, waited, lasting } => {
                let who = who(holder.as_deref());
                let waited = if waited.is_zero() { String::new() } else { format!(" It was waited for {} s.", waited.as_secs()) };
                let wait = "Wait until that run has ended, or let dofloat wait with `-lock-timeout=5m`.";
                let end = if *lasting {
                    "If it was killed, run the same command in that clone again: it goes on where it was. If that clone is lost, \
                     `dofloat unlock` frees the lock."
                } else {
                    "A lock ends with its process."
                };
                vec![Diagnostic::error(format!("The state is locked {who}.{waited}")).hint(format!("{wait} {end}"))]
            }
        }
    }
}

impl Store {
    /// The store at these places. Nothing is read yet.
    #[must_use]
    pub fn open(paths: Paths) -> Self {
        Self { paths, remote: None }
    }

    /// A store whose state is kept elsewhere; these places are its working copy's.
    #[must_use]
    pub fn shared(paths: Paths, remote: Remote) -> Self {
        Self { paths, remote: Some(remote) }
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
    pub async fn refresh(&self) -> Result<Option<Holding>, StoreError> {
        match &self.remote {
            Some(remote) => remote::refresh(remote, &self.paths).await,
            None => Ok(None),
        }
    }

    /// Whoever holds the lock of a shared state, without touching the working copy.
    ///
    /// # Errors
    /// If what is kept cannot be read.
    pub async fn holder(&self) -> Result<Option<Holding>, StoreError> {
        match &self.remote {
            Some(remote) => remote::holder(remote, &self.paths).await,
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
        self.remote.is_some() && working::own_lock(&self.paths).is_some()
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
        tell: &mut (dyn FnMut(Waiting) + Send),
    ) -> Result<Locked, StoreError> {
        let start = clock.tick();
        let locked = lock::take(&self.paths, timeout, note, clock, tell).await?;
        let left = timeout.saturating_sub(clock.tick().since(start));
        match &self.remote {
            Some(remote) => remote::acquire(remote, locked, left, note, clock, tell).await,
            None => Ok(locked),
        }
    }

    /// The right to write without a lock (`-lock=false`). Nobody else may be at work: their journal would be cut or ended.
    ///
    /// # Errors
    /// If the state is kept elsewhere and cannot be read.
    pub async fn unguarded(&self) -> Result<Locked, StoreError> {
        let locked = Locked::new(self.paths.clone(), None);
        match &self.remote {
            Some(remote) => remote::unguarded(remote, locked).await,
            None => Ok(locked),
        }
    }

    /// Takes the lock beside other readers, if no apply has it.
    pub async fn share(&self, clock: &Clock) -> Sharing {
        lock::share(&self.paths, clock).await
    }

    /// Frees a lock on a shared state that `refresh` told of; one of a file ends by itself.
    ///
    /// # Errors
    /// If it cannot be freed.
    pub async fn unlock(&self, holding: &Holding) -> Result<(), StoreError> {
        match &self.remote {
            Some(remote) => remote::unlock(remote, &self.paths, holding).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
