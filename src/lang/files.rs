//! What the language may ask of the world: files, the time of the run, random numbers.
//!
//! Invariant: everything else in the language is computed from texts. The implementation over the disk lives with the
//! commands; `Memory` serves tests, and `Recorded` remembers what was read, for the digest of a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use super::stand_in::{Absent, StandIn};
use dofloat_base::clock::Moment;
use dofloat_base::diag::Span;
use dofloat_base::rng::Rng;

/// The only way to files. Paths are relative to wherever the implementation stands, or absolute; the functions of the
/// language join relative ones to `Host::base` first.
pub trait Files: Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// Whatever the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What is at a path.
    fn look(&self, path: &Path) -> Found;

    /// All regular files below a folder, as paths of at most so many parts relative to it, in order of their names.
    ///
    /// # Errors
    /// If there are too many to look at, or whatever the system says.
    fn list(&self, folder: &Path, deep: usize) -> io::Result<Vec<PathBuf>>;

    /// What is taken for a text file that is not there.
    fn stand_in(&self, _absent: &Absent<'_>) -> Option<StandIn> {
        None
    }
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Something else, for example a device.
    Other,
}

/// What functions may ask.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    /// Files.
    pub files: &'a dyn Files,
    /// The folder that holds the stack's files: what relative paths in functions are relative to. Absolute.
    pub base: &'a Path,
    /// The user's home folder, for `pathexpand`.
    pub home: Option<&'a Path>,
    /// The time of the run.
    pub now: Moment,
    /// Random numbers, for `uuid` and `bcrypt`.
    pub rng: &'a Rng,
    /// Whether functions that give something new at each call (`timestamp`, `uuid`, `bcrypt`) are computed. They are
    /// unknown while planning.
    pub fresh: bool,
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    /// The same with one more file.
    #[must_use]
    pub fn with(mut self, path: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(plain(path.as_ref()), content.into());
        self
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let path = plain(path);
        match self.0.get(&path) {
            Some(content) => Ok(content.clone()),
            None if self.look(&path) == Found::Folder => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn look(&self, path: &Path) -> Found {
        let path = plain(path);
        if self.0.contains_key(&path) {
            Found::File
        } else if self.0.keys().any(|name| name.starts_with(&path)) {
            Found::Folder
        } else {
            Found::Nothing
        }
    }

    fn list(&self, folder: &Path, deep: usize) -> io::Result<Vec<PathBuf>> {
        let folder = plain(folder);
        let below = self.0.keys().filter_map(|name| name.strip_prefix(&folder).ok());
        Ok(below.filter(|path| path.components().count() <= deep).map(Path::to_owned).collect())
    }
}

/// A path without `.` and with each `..` taken back, as far as the text tells.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Files, with a memory of those that were read, and of those for which something else was taken.
pub struct Recorded<'a> {
    files: &'a dyn Files,
    read: Mutex<BTreeSet<PathBuf>>,
    stand_in: Option<fn(&Absent<'_>) -> Option<StandIn>>,
    stood_in: Mutex<BTreeMap<PathBuf, Span>>,
}

impl<'a> Recorded<'a> {
    /// Remembers what is read from `files`.
    #[must_use]
    pub fn new(files: &'a dyn Files) -> Self {
        Self { files, read: Mutex::default(), stand_in: None, stood_in: Mutex::default() }
    }

    /// The same, with what is taken for files that are not there.
    #[must_use]
    pub fn with_stand_ins(self, stand_in: fn(&Absent<'_>) -> Option<StandIn>) -> Self {
        Self { stand_in: Some(stand_in), ..self }
    }

    /// The files for which something else was taken so far, and what names each.
    #[must_use]
    pub fn stood_in(&self) -> BTreeMap<PathBuf, Span> {
        self.stood_in.lock().map(|stood_in| stood_in.clone()).unwrap_or_default()
    }

    /// The paths that were read, or asked for, so far.
    #[must_use]
    pub fn seen(&self) -> BTreeSet<PathBuf> {
        self.read.lock().map(|read| read.clone()).unwrap_or_default()
    }

    fn note(&self, path: &Path) {
        if let Ok(mut read) = self.read.lock() {
            read.insert(path.to_owned());
        }
    }
}

impl Files for Recorded<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.note(path);
        self.files.read(path)
    }

    fn look(&self, path: &Path) -> Found {
        self.note(path);
        self.files.look(path)
    }

    fn list(&self, folder: &Path, deep: usize) -> io::Result<Vec<PathBuf>> {
        self.note(folder);
        self.files.list(folder, deep)
    }

    fn stand_in(&self, absent: &Absent<'_>) -> Option<StandIn> {
        let found = self.stand_in?(absent)?;
        if let Ok(mut stood_in) = self.stood_in.lock() {
            stood_in.entry(absent.path.to_owned()).or_insert_with(|| absent.span.clone());
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_memory_have_folders() {
        let files = Memory::default().with("/s/data/a.txt", "A").with("/s/data/sub/b.txt", "B");
        assert_eq!(files.read(Path::new("/s/./data/sub/../a.txt")).ok(), Some(b"A".to_vec()));
        assert_eq!(files.look(Path::new("/s/data")), Found::Folder);
        assert_eq!(files.look(Path::new("/s/dat")), Found::Nothing);
        assert_eq!(files.read(Path::new("/s/data")).map_err(|e| e.kind()), Err(io::ErrorKind::IsADirectory));
        assert_eq!(files.list(Path::new("/s/data"), 2).ok(), Some(vec!["a.txt".into(), "sub/b.txt".into()]));
        assert_eq!(files.list(Path::new("/s/data"), 1).ok(), Some(vec!["a.txt".into()]));
    }

    #[test]
    fn what_is_read_is_remembered() {
        let files = Memory::default().with("/a", "A");
        let recorded = Recorded::new(&files);
        assert!(recorded.read(Path::new("/b")).is_err());
        assert_eq!(recorded.look(Path::new("/a")), Found::File);
        assert_eq!(recorded.seen(), BTreeSet::from(["/a".into(), "/b".into()]));
    }
}
