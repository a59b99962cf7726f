//! The files of the modules that a configuration calls, and where they lie.
//!
//! Invariant: files are only read; a module that was fetched names no folder beyond what was fetched. It must not know how
//! modules are fetched: the caller says which lie where, and why one cannot be had.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::Host;
use super::ast::{Block, Body};
use super::source::{Source, bodies};
use dofloat_base::diag::{Diagnostic, Span};

/// More files than anybody writes for one module.
const MOST_FILES: usize = 1_000;

/// More folders of modules than anybody calls.
const MOST_FOLDERS: usize = 1_000;

/// The files of all modules that are called, by the folder in which they lie.
#[derive(Debug, Default)]
pub struct Library {
    folders: BTreeMap<PathBuf, Vec<(String, String)>>,
    fetched: BTreeMap<Request, Result<Fetched, Diagnostic>>,
}

/// A module that is not a folder beside what calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// The `source`.
    pub source: String,
    /// The `version`.
    pub version: Option<String>,
}

/// Where a fetched module lies, relative to the stack's folder or absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// All that was fetched with it.
    pub package: PathBuf,
    /// The module itself.
    pub folder: PathBuf,
}

/// A module's folder, and the package beyond which it names nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folder {
    /// Relative to the stack's folder, which is the empty path.
    pub path: PathBuf,
    /// What was fetched with it; nothing for what lies in the repository.
    pub package: Option<PathBuf>,
}

impl Library {
    /// Reads the files of all modules that the stack's own files lead to, as far as they are there and can be read; what
    /// cannot is told of when the stack is loaded.
    #[must_use]
    pub fn read(sources: &[Source<'_>], host: &Host<'_>, fetched: BTreeMap<Request, Result<Fetched, Diagnostic>>) -> Self {
        let mut library = Self { folders: BTreeMap::new(), fetched };
        let shown = shown_folder(sources);
        let mut open = library.called(&Folder::default(), sources);
        let mut seen = BTreeSet::new();
        while let Some(folder) = open.pop() {
            if !seen.insert(folder.clone()) || seen.len() > MOST_FOLDERS {
                continue;
            }
            let Some(files) = files(&folder.path, &shown, host) else { continue };
            let own: Vec<Source<'_>> = files.iter().map(|(name, text)| Source { name, text }).collect();
            open.extend(library.called(&folder, &own));
            library.folders.insert(folder.path, files);
        }
        library
    }

    /// The texts of all files, by the names that are shown.
    pub fn texts(&self) -> impl Iterator<Item = &(String, String)> {
        self.folders.values().flatten()
    }

    /// The files in a folder.
    pub(super) fn sources(&self, folder: &Path) -> Option<Vec<Source<'_>>> {
        Some(self.folders.get(folder)?.iter().map(|(name, text)| Source { name, text }).collect())
    }

    /// The modules that files call and that have to be fetched, with the places of their sources.
    #[must_use]
    pub fn requests(&self, sources: &[Source<'_>]) -> Vec<(Request, Span)> {
        let own = std::iter::once(sources.to_vec());
        let all = own.chain(self.folders.keys().filter_map(|folder| self.sources(folder)));
        let calls = all.flat_map(|sources| calls(&sources));
        calls.filter(|(request, _)| !is_local(&request.source)).collect()
    }

    /// Whether anything has to be fetched, or was.
    #[must_use]
    pub fn has_fetched(&self) -> bool {
        !self.fetched.is_empty()
    }

    /// What is wrong with the modules that cannot be had, each at the sources that name it.
    #[must_use]
    pub fn missing(&self, sources: &[Source<'_>]) -> Vec<Diagnostic> {
        let errors = self.requests(sources).into_iter().filter_map(|(request, span)| match self.fetched.get(&request) {
            Some(Err(error)) => Some(error.clone().at(span)),
            Some(Ok(_)) | None => None,
        });
        errors.collect()
    }

    fn called(&self, from: &Folder, sources: &[Source<'_>]) -> Vec<Folder> {
        calls(sources).into_iter().filter_map(|(request, span)| self.folder(from, &request, &span).ok()).collect()
    }

    /// The folder that a module call means.
    ///
    /// # Errors
    /// If it is not there yet, or lies where it must not.
    pub(super) fn folder(&self, from: &Folder, request: &Request, span: &Span) -> Result<Folder, Diagnostic> {
        let source = request.source.as_str();
        if is_local(source) {
            if request.version.is_some() {
                return Err(Diagnostic::error("`version` is for modules of a registry.")
                    .at(span.clone())
                    .hint("A module in a folder has the version of its files: take `version` out."));
            }
            let path = plain(&from.path.join(source));
            if from.package.as_ref().is_some_and(|package| !path.starts_with(package) || Path::new(source).is_absolute()) {
                return Err(Diagnostic::error(format!("The module \"{source}\" lies outside of what was fetched with this one."))
                    .at(span.clone())
                    .hint("A module that is fetched may call what is fetched with it, or a source of its own."));
            }
            return Ok(Folder { path, package: from.package.clone() });
        }
        match self.fetched.get(request) {
            Some(Ok(Fetched { package, folder })) => Ok(Folder { path: folder.clone(), package: Some(package.clone()) }),
            Some(Err(error)) => Err(error.clone().at(span.clone())),
            None => Err(Diagnostic::error(format!("The module \"{source}\" is not installed."))
                .at(span.clone())
                .hint("A module that lies beside this file is written `./FOLDER`; put the module's files there.")),
        }
    }
}

/// Whether a source is a folder, and not something to fetch.
#[must_use]
pub fn is_local(source: &str) -> bool {
    source == "." || source == ".." || source.starts_with("./") || source.starts_with("../") || Path::new(source).is_absolute()
}

/// The `module` blocks of files, as far as they can be read.
fn calls(sources: &[Source<'_>]) -> Vec<(Request, Span)> {
    let named: Vec<Source<'_>> = sources.iter().filter(|source| source.text.contains("module")).copied().collect();
    let blocks = |body: Body| body.blocks.into_iter().filter(|block| block.kind == "module");
    bodies(&named).0.into_iter().flat_map(blocks).filter_map(|block| request(&block)).collect()
}

/// What a `module` block calls, and the place of its source.
pub(super) fn request(block: &Block) -> Option<(Request, Span)> {
    let text = |name: &str| block.body.attr(name).and_then(|attr| attr.value.text()).map(str::to_owned);
    let span = block.body.attr("source")?.value.span.clone();
    Some((Request { source: text("source")?, version: text("version") }, span))
}

/// The folder of the stack's files, as it is shown.
fn shown_folder(sources: &[Source<'_>]) -> PathBuf {
    sources.first().and_then(|source| Path::new(source.name).parent()).map(Path::to_owned).unwrap_or_default()
}

fn files(folder: &Path, shown: &Path, host: &Host<'_>) -> Option<Vec<(String, String)>> {
    let place = host.base.join(folder);
    let names = host.files.list(&place, 1).ok()?;
    let is_source =
        |name: &&PathBuf| name.to_str().is_some_and(|name| !name.starts_with('.') && (name.ends_with(".tf") || name.ends_with(".tf.json")));
    let mut found = Vec::new();
    for name in names.iter().filter(is_source).take(MOST_FILES) {
        let text = String::from_utf8_lossy(&host.files.read(&place.join(name)).ok()?).into_owned();
        found.push((plain(&shown.join(folder)).join(name).display().to_string(), text));
    }
    (!found.is_empty()).then_some(found)
}

/// A path without `.`, and with each `..` taken back as far as there is something to take.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::RootDir)) => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_back_as_far_as_there_is_something_to_take() {
        for (path, expected) in [("./a/./b", "a/b"), ("a/../../b", "../b"), ("/../a", "/a"), ("../../x/..", "../.."), (".", "")] {
            assert_eq!(plain(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn what_was_fetched_names_nothing_beyond_it() {
        let span = Span { file: "a.tf".into(), start: 0, end: 0 };
        let library = Library::default();
        let package = Some(PathBuf::from(".dofloat/modules/x"));
        let from = Folder { path: ".dofloat/modules/x/sub".into(), package };
        let folder =
            |source: &str| library.folder(&from, &Request { source: source.to_owned(), version: None }, &span).map(|folder| folder.path);
        assert_eq!(folder("../other"), Ok(PathBuf::from(".dofloat/modules/x/other")));
        for source in ["../..", "../../y", "./../../../../etc", "/etc", "../../xy"] {
            assert!(folder(source).is_err(), "{source}");
        }
    }
}
