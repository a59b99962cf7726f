//! Files on the disk, for the language.
//!
//! Invariant: reads only.

use std::io;
use std::path::{Path, PathBuf};

use crate::lang::Files;
use crate::lang::files::Found;

/// The disk.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn look(&self, path: &Path) -> Found {
        match std::fs::metadata(path) {
            Ok(data) if data.is_file() => Found::File,
            Ok(data) if data.is_dir() => Found::Folder,
            Ok(_) => Found::Other,
            Err(_) => Found::Nothing,
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut open = vec![folder.to_owned()];
        while let Some(at) = open.pop() {
            for entry in std::fs::read_dir(&at)? {
                let path = entry?.path();
                // A link to a folder is not followed, so a circle of links ends.
                let kind = path.symlink_metadata()?.file_type();
                if kind.is_dir() {
                    open.push(path);
                } else if path.is_file()
                    && let Ok(below) = path.strip_prefix(folder)
                {
                    found.push(below.to_owned());
                }
            }
        }
        found.sort();
        Ok(found)
    }
}
