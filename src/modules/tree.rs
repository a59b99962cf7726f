//! The files of a package.
//!
//! Invariant: every path in it is one that can be written below a folder, and nowhere else; there are no links: each has become
//! what it leads to within the package. A package is written beside its place and then renamed there, so that a half one is never
//! read.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};

use dofloat_base::digest::sha256_hex;
use dofloat_base::durable;
use dofloat_base::readable;

/// More files than any module's repository holds.
pub(crate) const MOST_FILES: usize = 20_000;

/// More bytes than any module's repository holds.
pub(crate) const MOST_BYTES: usize = 100 << 20;

/// How the folders begin that a run that was killed may leave.
const UNFINISHED: &str = ".new-";

/// What lies at a path as it was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packed {
    /// A file's content.
    File(Vec<u8>),
    /// Where a link leads.
    Link(String),
}

/// The files of a package, by their paths with `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(pub(crate) BTreeMap<String, Vec<u8>>);

impl Tree {
    /// The files of what was packed. A link has the content that it leads to; one that leads to a folder, or nowhere, is left out.
    ///
    /// # Errors
    /// What must not be written, as the end of a sentence.
    pub(crate) fn unpack(packed: BTreeMap<String, Packed>) -> Result<Self, String> {
        if let Some(path) = packed.keys().find(|path| !is_plain(path)) {
            return Err(format!("a file with the name {path:?}"));
        }
        if packed.len() > MOST_FILES {
            return Err(format!("more than {MOST_FILES} files"));
        }
        let mut links = Vec::new();
        let mut files = BTreeMap::new();
        for (path, what) in packed {
            match what {
                Packed::File(content) => drop(files.insert(path, content)),
                Packed::Link(target) => {
                    let place = Path::new(&path).parent().and_then(|folder| within(folder, &target));
                    let place = place.ok_or_else(|| format!("the link {path:?}, which leads out of it"))?;
                    links.push((path, place));
                }
            }
        }
        let found: Vec<_> = links.into_iter().filter_map(|(path, place)| Some((path, files.get(&place)?.clone()))).collect();
        files.extend(found);
        // What is a file and a folder at once cannot be written.
        let folder =
            |path: &String| Path::new(path).ancestors().skip(1).any(|above| above.to_str().is_some_and(|above| files.contains_key(above)));
        match files.keys().find(|path| folder(path)) {
            Some(path) => Err(format!("the file {path:?} in what is a file itself")),
            None => Ok(Self(files)),
        }
    }

    /// The digest of all paths and contents.
    pub(crate) fn digest(&self) -> String {
        let lines: String = self.0.iter().map(|(path, content)| format!("{} {path}\n", sha256_hex(content))).collect();
        format!("sha256:{}", sha256_hex(lines.as_bytes()))
    }

    /// Reads a package back. A link there is not ours.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let (mut files, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
        while let Some(at) = open.pop() {
            for entry in std::fs::read_dir(&at)? {
                let path = entry?.path();
                let kind = path.symlink_metadata()?.file_type();
                if kind.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                    files.insert(name, if kind.is_file() { readable::read(&path)? } else { b"a link".to_vec() });
                }
            }
        }
        Ok(Self(files))
    }

    /// Writes the package. One that is there already must be the same.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let all = folder.parent().unwrap_or(Path::new("."));
        durable::make_folder(all)?;
        let fresh = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(all)?;
        for (path, content) in &self.0 {
            let place = fresh.path().join(path);
            if let Some(folder) = place.parent() {
                std::fs::create_dir_all(folder)?;
            }
            durable::write_new(&place, content, 0o644)?;
        }
        durable::move_folder(fresh.path(), folder)
    }
}

/// Removes what killed runs left. Nobody else may be fetching.
pub(crate) fn sweep(all: &Path) {
    let entries = std::fs::read_dir(all).into_iter().flatten().flatten();
    let left = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED));
    // What cannot be removed is in nobody's way.
    left.for_each(|entry| drop(std::fs::remove_dir_all(entry.path())));
}

/// Where a link leads, if it stays in the package.
fn within(folder: &Path, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.components().filter_map(|part| part.as_os_str().to_str()).collect();
    for part in Path::new(target).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// Whether a path in a package is one that can be written below a folder, and nowhere else.
fn is_plain(path: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git") && !part.contains('\\');
    path.split('/').all(part) && !path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(all: &[(&str, Packed)]) -> Result<Vec<String>, String> {
        let all = all.iter().map(|(path, what)| ((*path).to_owned(), what.clone())).collect();
        Tree::unpack(all).map(|tree| tree.0.into_keys().collect())
    }

    fn link(to: &str) -> Packed {
        Packed::Link(to.to_owned())
    }

    #[test]
    fn only_plain_paths_are_written() {
        for path in ["main.tf", "a/b/c.tf", "..a/b", ".github/x"] {
            assert_eq!(unpacked(&[(path, Packed::File(Vec::new()))]), Ok(vec![path.to_owned()]), "{path}");
        }
        for path in ["../a", "a/../b", "/etc/x", "a//b", ".git/config", "a/.GIT/hooks/x", "a\\b", "a\nb", "./a", ""] {
            assert!(unpacked(&[(path, Packed::File(Vec::new()))]).is_err(), "{path}");
        }
    }

    #[test]
    fn links_are_followed_within_the_package_only() {
        let file = ("c/x", Packed::File(Vec::new()));
        for (path, target, expected) in
            [("a/b", "../c/x", 2), ("l", "c/x", 2), ("l", "./c/../c/x", 2), ("l", "c", 1), ("l", "nowhere", 1), ("l", "l", 1)]
        {
            assert_eq!(unpacked(&[file.clone(), (path, link(target))]).map(|all| all.len()), Ok(expected), "{path} {target}");
        }
        for (path, target) in [("a", ".."), ("a", "/etc/passwd"), ("a/b", "../../c"), ("a/b", "x/../../../c")] {
            assert!(unpacked(&[file.clone(), (path, link(target))]).is_err(), "{path} {target}");
        }
        assert!(unpacked(&[file.clone(), ("c", Packed::File(Vec::new()))]).is_err(), "a file and a folder");
    }

    #[test]
    fn a_package_is_written_whole_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("modules/x");
        let tree = Tree(BTreeMap::from([("a/b.tf".to_owned(), b"1".to_vec()), ("c".to_owned(), Vec::new())]));
        tree.write(&place).expect("it is written");
        tree.write(&place).expect("it is there");
        assert_eq!(Tree::read(&place).expect("it is read"), tree);
        std::fs::create_dir_all(folder.path().join("modules/.new-x/y")).expect("ours");
        sweep(&folder.path().join("modules"));
        assert_eq!(std::fs::read_dir(folder.path().join("modules")).expect("ours").count(), 1);
    }
}
