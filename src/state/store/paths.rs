//! Where the files of a stack are.
//!
//! Invariant: pure. It must not know what the files hold.

use std::path::{Path, PathBuf};

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

/// The folder of a file; none if its path names no folder.
pub(super) fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}
