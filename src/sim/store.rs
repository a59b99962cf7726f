//! The world's file: read, locked, and saved before an answer leaves.
//!
//! Invariant: one process at a time holds a world; what was answered is on disk. Saves of requests that come together are
//! one save.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::Options;
use super::world::{FORMAT, World};
use dofloat_base::durable::{self, FileLock, LockKind};

/// A world's file that is held by this process.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    _lock: FileLock,
    /// The revision that is on disk.
    saved: tokio::sync::Mutex<u64>,
}

impl Store {
    /// Takes the world for this process and reads it; a fresh one if there is none.
    pub(super) fn open(path: &Path, options: &Options) -> io::Result<(Self, World)> {
        durable::make_folder(path.parent().unwrap_or(Path::new("")))?;
        let note = format!("pid {}", std::process::id());
        let lock = FileLock::try_take(&beside(path, "lock"), LockKind::Exclusive, &note)?.ok_or_else(|| {
            let holder = FileLock::note(&beside(path, "lock"));
            io::Error::new(io::ErrorKind::WouldBlock, format!("the simulated world {} is in use by {holder}", path.display()))
        })?;
        let world = match std::fs::read(path) {
            Ok(bytes) => read(path, &bytes, options)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => World::new(options),
            Err(error) => return Err(error),
        };
        let store = Self { path: path.to_owned(), _lock: lock, saved: tokio::sync::Mutex::new(world.revision()) };
        Ok((store, world))
    }

    /// Leaves the server's address for others.
    pub(super) fn publish(&self, url: &str) -> io::Result<()> {
        durable::write_atomic(&beside(&self.path, "addr"), url.as_bytes(), 0o600)
    }

    /// Takes the address back.
    pub(super) fn retract(&self) -> io::Result<()> {
        durable::remove(&beside(&self.path, "addr"))
    }

    /// Saves the world if `revision` is not on disk yet.
    pub(super) async fn save(&self, world: &Mutex<World>, revision: u64) -> io::Result<()> {
        let mut saved = self.saved.lock().await;
        if *saved >= revision {
            return Ok(());
        }
        let (bytes, now) = {
            let world = world.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (serde_json::to_vec(&*world)?, world.revision())
        };
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || durable::write_atomic(&path, &bytes, 0o600)).await.map_err(io::Error::other)??;
        *saved = now;
        Ok(())
    }
}

/// The address of the server that holds this world now, if there is one.
///
/// # Errors
/// The system's error.
pub fn running_at(world: &Path) -> io::Result<Option<String>> {
    let lock = beside(world, "lock");
    if !lock.exists() || FileLock::try_take(&lock, LockKind::Shared, "")?.is_some() {
        return Ok(None);
    }
    match std::fs::read_to_string(beside(world, "addr")) {
        Ok(url) => Ok(Some(url)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    path.with_file_name(name)
}

fn read(path: &Path, bytes: &[u8], options: &Options) -> io::Result<World> {
    let bad =
        |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("the simulated world {} cannot be read: {why}", path.display()));
    let mut world: World = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
    if world.format() != FORMAT {
        return Err(bad(format!("its format is {}, this program knows {FORMAT}", world.format())));
    }
    world.configure(options);
    Ok(world)
}
