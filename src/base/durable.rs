//! Files that survive a power cut: atomic replacement, flushed appending, and a lock that dies with its process.
//!
//! Invariant: when a function here returns without error, the bytes are on disk, and so is the name they are found by.
//! Nothing else in the program writes files that matter.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::crash::crash_point;
use super::planted::{Bug, planted};
use super::unflushed::{changed, flushed, renamed};

/// Replaces the file's content in one step: readers see the old bytes or the new, never a part. The file's mode is
/// `mode` (for example `0o644`).
///
/// # Errors
/// What the system says; the old content is untouched then.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = folder_of(path);
    let mut temp = temp_beside(path, &folder)?;
    write_all(&mut temp, bytes)?;
    set_mode(temp.as_file(), mode)?;
    if !planted(Bug::RenamesUnflushed) {
        sync(temp.as_file(), temp.path())?;
    }
    crash_point("replace.before-rename");
    let from = temp.path().to_owned();
    temp.persist(path).map_err(|error| error.error)?;
    renamed(&from, path);
    changed(&folder);
    crash_point("replace.after-rename");
    sync_folder(&folder)
}

/// Replaces the file's content in one step, as `write_atomic` does; the file gets what the user's own mask leaves of `mode`, as from
/// any program that makes a file.
///
/// # Errors
/// What the system says; the old content is untouched then.
pub fn write_masked(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = folder_of(path);
    let mut temp = temp_of_mode(path, &folder, mode)?;
    temp.write_all(bytes)?;
    temp.as_file().sync_all()?;
    temp.persist(path).map_err(|error| error.error)?;
    sync_folder(&folder)
}

/// Makes a folder and those above it, with what the user's own mask leaves of `mode`.
///
/// # Errors
/// What the system says.
pub fn make_folder_masked(path: &Path, mode: u32) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
    #[cfg(not(unix))]
    let _ = mode;
    builder.recursive(true).create(path)
}

/// Makes a file with this content if there is none of that name; `false` if there is one, which is left as it is.
///
/// # Errors
/// What the system says.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<bool> {
    let folder = folder_of(path);
    let mut temp = temp_beside(path, &folder)?;
    write_all(&mut temp, bytes)?;
    set_mode(temp.as_file(), mode)?;
    sync(temp.as_file(), temp.path())?;
    match temp.persist_noclobber(path) {
        Ok(_) => sync_folder(&folder).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Opens a file that is written while things happen, for others to read: what it held is gone, it may be a pipe, and nothing of it is
/// flushed.
///
/// # Errors
/// What the system says.
pub fn open_stream(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

/// Removes a file, and flushes its folder. A file that is not there is no error.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => {
            changed(&folder_of(path));
            sync_folder(&folder_of(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The folder of what is this clone's own: locks, working copies, simulated worlds with all that is told to their servers.
pub const OWN_FOLDER: &str = ".dofloat";

/// Makes a folder and those above it, each flushed into its parent. [`OWN_FOLDER`] is hidden from git before anything is in it.
///
/// # Errors
/// What the system says.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    if path.is_dir() {
        // One that an older version made may lack the file. Where it cannot be written, nothing new can be written either, and whoever
        // tries says so.
        if let Some(own) = path.ancestors().find(|path| is_own(path)) {
            let _ = hide(own);
        }
        return Ok(());
    }
    let parent = folder_of(path);
    make_folder(&parent)?;
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
        Ok(()) => sync_folder(&parent)?,
    }
    if is_own(path) { hide(path) } else { Ok(()) }
}

fn is_own(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == OWN_FOLDER)
}

/// Lets git ignore a folder whatever the repository's own rules are.
fn hide(folder: &Path) -> io::Result<()> {
    let path = folder.join(".gitignore");
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    write_new(&path, b"# What lies here is this clone's own, and some of it is secret.\n*\n", 0o644).map(drop)
}

/// Makes a folder that only its owner can enter; one that is there is left as it is.
///
/// # Errors
/// What the system says.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    make_folder(path)?;
    set_mode(&File::open(path)?, 0o700)
}

/// Moves a folder to its place in one step; where somebody was first, that one stays.
///
/// # Errors
/// What the system says.
#[expect(clippy::disallowed_methods, reason = "this is the place that flushes the folder, too")]
pub fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    crash_point("replace.before-rename");
    match std::fs::rename(from, to) {
        Err(_) if to.is_dir() => return Ok(()),
        moved => moved?,
    }
    sync_folder(&folder_of(to))
}

/// A file that grows line by line, each line on disk before the call returns.
#[derive(Debug)]
pub struct Appender {
    file: File,
    path: PathBuf,
}

impl Appender {
    /// Opens the file for appending and makes it if it is not there; its name is on disk afterwards.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path, mode: u32) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        set_mode(&file, mode)?;
        let folder = folder_of(path);
        changed(&folder);
        sync(&file, path)?;
        sync_folder(&folder)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends bytes and flushes them.
    ///
    /// # Errors
    /// What the system says; a part of the bytes may be in the file then. A file that was removed under our hands is
    /// `NotFound`: what is appended to it would be lost.
    pub fn append_flushed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        changed(&self.path);
        if !planted(Bug::LeavesJournalUnflushed) {
            self.file.sync_data()?;
            flushed(&self.path);
        }
        self.path.symlink_metadata().map(|_| ())
    }

    /// Cuts the file to its first `length` bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        sync(&self.file, &self.path)
    }
}

/// A lock on a sidecar file. It is freed when it is dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    kind: LockKind,
}

impl Drop for FileLock {
    /// Takes the note back while nobody else can have left theirs; if that fails, an old note stays, as after a crash. Then the
    /// lock is given back by a call of its own: it belongs to the open file description, which a child of this process has
    /// too between fork and exec, so that closing alone would leave it held for that long.
    fn drop(&mut self) {
        if self.kind == LockKind::Exclusive {
            let _ = self.file.set_len(0);
        }
        let _ = self.file.unlock();
    }
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// Beside other shared holders.
    Shared,
    /// Alone.
    Exclusive,
}

impl FileLock {
    /// Takes the lock if it is free; `None` if somebody else has it. An exclusive holder's `note` (who it is) is left in
    /// the file for those who find it locked.
    ///
    /// # Errors
    /// What the system says.
    pub fn try_take(path: &Path, kind: LockKind, note: &str) -> io::Result<Option<Self>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let taken = match kind {
            LockKind::Shared => file.try_lock_shared(),
            LockKind::Exclusive if planted(Bug::SharesLock) => file.try_lock_shared(),
            LockKind::Exclusive => file.try_lock(),
        };
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if kind == LockKind::Exclusive {
            file.set_len(0)?;
            file.write_all(note.as_bytes())?;
        }
        Ok(Some(Self { file, kind }))
    }

    /// The note that the exclusive holder left; empty just after the lock was taken, and an older one's after a crash.
    #[must_use]
    pub fn note(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

/// Removes what crashes in the middle of `write_atomic` or `write_new` left beside this file. Nobody else may be writing it.
///
/// # Errors
/// What the system says.
pub fn sweep(path: &Path) -> io::Result<()> {
    let folder = folder_of(path);
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let prefix = temp_prefix(path);
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let random = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(TEMP_SUFFIX));
        if random.is_some_and(|random| random.len() == TEMP_RANDOM) {
            remove(&folder.join(name))?;
        }
    }
    Ok(())
}

const TEMP_SUFFIX: &str = ".tmp";
const TEMP_RANDOM: usize = 6;

fn temp_prefix(path: &Path) -> String {
    format!(".dofloat-{}-", path.file_name().unwrap_or_default().to_string_lossy())
}

fn temp_beside(path: &Path, folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(&temp_prefix(path)).rand_bytes(TEMP_RANDOM).suffix(TEMP_SUFFIX).tempfile_in(folder)
}

#[cfg(unix)]
fn temp_of_mode(path: &Path, folder: &Path, mode: u32) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut builder = tempfile::Builder::new();
    let prefix = temp_prefix(path);
    builder.prefix(&prefix).rand_bytes(TEMP_RANDOM).suffix(TEMP_SUFFIX);
    builder.permissions(std::fs::Permissions::from_mode(mode)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn temp_of_mode(path: &Path, folder: &Path, _mode: u32) -> io::Result<tempfile::NamedTempFile> {
    temp_beside(path, folder)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn write_all(temp: &mut tempfile::NamedTempFile, bytes: &[u8]) -> io::Result<()> {
    changed(temp.path());
    temp.write_all(bytes)
}

fn sync(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    flushed(path);
    Ok(())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    if planted(Bug::LeavesFolderUnflushed) {
        return Ok(());
    }
    sync(&File::open(folder)?, folder)
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Who may do what with a file, where there is one and the system has such modes.
#[must_use]
pub fn mode_of(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_leaves_one_file_with_the_new_bytes() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.json");
        write_atomic(&path, b"one", 0o644)?;
        write_atomic(&path, b"two", 0o644)?;
        assert_eq!(std::fs::read(&path)?, b"two");
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn what_a_crash_left_of_this_file_is_swept_and_nothing_else() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.json");
        sweep(&folder.path().join("none/a.json"))?;
        temp_beside(&path, folder.path())?.keep()?;
        for other in ["a.json", ".dofloat-a.json-x-123456.tmp", ".dofloat-b.json-123456.tmp", ".dofloat-a.json-123456"] {
            write_new(&folder.path().join(other), b"", 0o600)?;
        }
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 5);
        sweep(&path)?;
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 4);
        Ok(())
    }

    #[test]
    fn a_new_file_never_replaces_another() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a");
        assert!(write_new(&path, b"one", 0o600)?);
        assert!(!write_new(&path, b"two", 0o600)?);
        assert_eq!(std::fs::read(&path)?, b"one");
        Ok(())
    }

    #[test]
    fn our_own_folder_is_hidden_from_git_by_whatever_makes_it() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (own, below) = (folder.path().join(OWN_FOLDER), folder.path().join(OWN_FOLDER).join("sim/web"));
        make_folder(&below)?;
        assert!(std::fs::read_to_string(own.join(".gitignore"))?.ends_with("\n*\n"));
        assert_eq!(std::fs::read_dir(&below)?.count(), 0);
        // A folder of an older version gets it too; a file of the user's is left alone.
        remove(&own.join(".gitignore"))?;
        make_private_folder(&below)?;
        make_folder(&below)?;
        assert!(own.join(".gitignore").is_file());
        write_atomic(&own.join(".gitignore"), b"mine", 0o644)?;
        make_folder(&below)?;
        assert_eq!(std::fs::read(own.join(".gitignore"))?, b"mine");
        Ok(())
    }

    #[test]
    fn appending_to_a_removed_file_is_an_error() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.journal");
        let mut appender = Appender::open(&path, 0o644)?;
        appender.append_flushed(b"1\n")?;
        remove(&path)?;
        assert!(appender.append_flushed(b"2\n").is_err());
        Ok(())
    }

    #[test]
    fn a_lock_is_held_once_and_names_its_holder() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.lock");
        let held = FileLock::try_take(&path, LockKind::Exclusive, "pid 1")?;
        assert!(held.is_some());
        assert!(FileLock::try_take(&path, LockKind::Shared, "")?.is_none());
        assert_eq!(FileLock::note(&path), "pid 1");
        drop(held);
        assert!(FileLock::try_take(&path, LockKind::Shared, "")?.is_some());
        Ok(())
    }

    #[test]
    fn a_lock_is_free_though_a_forked_child_has_its_file() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("web.lock");
        for kind in [LockKind::Exclusive, LockKind::Shared] {
            let held = FileLock::try_take(&path, kind, "pid 1")?.expect("nobody has it");
            // The same open file description, as a child has it that has not come to its exec.
            let inherited = held.file.try_clone()?;
            drop(held);
            assert!(FileLock::try_take(&path, LockKind::Exclusive, "")?.is_some(), "{kind:?}");
            drop(inherited);
        }
        Ok(())
    }
}
