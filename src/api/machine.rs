//! This machine, as far as what asks no API needs it.
//!
//! Invariant: nothing is read or written here; who keeps secrets, and where, is the caller's business.

use std::fmt::Debug;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use dofloat_base::secret::Secret;
use dofloat_base::value::Value;

/// Where things of this machine lie.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The folder that relative paths start at: the one that holds the stack's files.
    pub folder: PathBuf,
    /// A file of root certificates (PEM) to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether no server is to be asked: what one would answer is made up.
    pub asks_nobody: bool,
    /// Whether programs of the configuration are run.
    pub runs_programs: bool,
    /// The folder that takes what is written, in place of where it would lie: what is known of a simulated account must not lie
    /// where programs look for what is true.
    pub written_below: Option<PathBuf>,
    /// What is taken for a file that is not on this machine, if anything is.
    pub stand_in: Option<fn(&Path) -> Option<String>>,
    /// Where secrets are kept.
    pub vault: Option<Arc<dyn Vault>>,
}

/// Where secrets are kept that were made on this machine, and that nobody could give again.
pub trait Vault: Debug + Send + Sync {
    /// What is kept by that name.
    ///
    /// # Errors
    /// If what is kept cannot be opened.
    fn get(&self, name: &str) -> Result<Option<Secret<Value>>, String>;
    /// Keeps something, or forgets it; durable when it returns.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn put(&self, name: &str, value: Option<Secret<Value>>) -> Result<(), String>;
    /// From here on the run has locked the state: what is kept may be renewed.
    fn lock(&self);
    /// Whether it has: what a run that only looks was given anew is not kept.
    fn is_locked(&self) -> bool;
}

/// Does what takes the machine's time, beside what is asked meanwhile; nothing if it did not come to an end.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

impl Machine {
    /// Where a path of the configuration leads.
    #[must_use]
    pub fn place(&self, path: &str) -> PathBuf {
        self.folder.join(Path::new(path)).components().collect()
    }

    /// Where a file is written that the configuration names.
    #[must_use]
    pub fn written(&self, path: &str) -> PathBuf {
        let Some(below) = &self.written_below else { return self.place(path) };
        let named = |part: &Component<'_>| matches!(part, Component::Normal(_));
        below.join(Path::new(path).components().filter(named).collect::<PathBuf>())
    }

    /// Where a file is read that the configuration names: what was written in place of it goes before it.
    #[must_use]
    pub fn readable(&self, path: &str) -> PathBuf {
        Some(self.written(path)).filter(|written| written.exists()).unwrap_or_else(|| self.place(path))
    }

    /// The text that is taken for a file that is not there.
    #[must_use]
    pub fn stood_in(&self, path: &str) -> Option<String> {
        let place = self.readable(path);
        self.stand_in.filter(|_| !place.exists()).and_then(|stand_in| stand_in(&place))
    }
}
