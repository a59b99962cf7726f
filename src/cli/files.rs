//! Files on the disk, for the language.
//!
//! Invariant: reads only.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::readable;
use crate::lang::Files;
use crate::lang::files::Found;

/// More files and folders than anybody means by a folder, for example by `/`.
const MOST_ENTRIES: usize = 100_000;

/// The disk.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        readable::read(path)
    }

    fn look(&self, path: &Path) -> Found {
        match std::fs::metadata(path) {
            Ok(data) if data.is_file() => Found::File,
            Ok(data) if data.is_dir() => Found::Folder,
            Ok(_) => Found::Other,
            Err(_) => Found::Nothing,
        }
    }

    fn list(&self, folder: &Path, deep: usize) -> io::Result<Vec<PathBuf>> {
        let (mut found, mut seen) = (Vec::new(), 0);
        let mut open = vec![(folder.to_owned(), 1)];
        while let Some((at, parts)) = open.pop() {
            for entry in std::fs::read_dir(&at)? {
                seen += 1;
                if seen > MOST_ENTRIES {
                    return Err(io::Error::other(format!("it contains more than {MOST_ENTRIES} files and folders; name one further down")));
                }
                let path = entry?.path();
                // A link to a folder is not followed, so a circle of links ends.
                let kind = match path.symlink_metadata() {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    data => data?.file_type(),
                };
                if kind.is_dir() {
                    if parts < deep {
                        open.push((path, parts + 1));
                    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what is listed is nobody's state")]
    fn a_folder_is_listed_as_deep_as_it_is_asked_and_no_further_than_anybody_means() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir_all(folder.path().join("a/b"))?;
        for name in ["x", "a/y", "a/b/z"] {
            std::fs::write(folder.path().join(name), "")?;
        }
        let listed = |deep| Disk.list(folder.path(), deep).map(|found| found.len());
        assert_eq!((listed(1)?, listed(2)?, listed(usize::MAX)?), (1, 2, 3));
        Ok(())
    }
}
