//! Which package a module is, whether it is there, and how it gets there.
//!
//! Invariant: a package is used only if its files have the digest that is locked. Whoever fetches is alone in the folder: two runs at
//! once wait for each other, and the second finds what the first has fetched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::archive;
use crate::error::FetchError;
use crate::git::{self, changed, short};
use crate::lock::{FILE, Lock, Pin};
use crate::registry::{Hosts, Registry};
use crate::source::{self, ArchiveSource, RegistrySource, Source};
use crate::tree::{MOST_BYTES, Tree, sweep};
use crate::version::Constraints;
use dofloat_api::download::Downloader;
use dofloat_base::clock::Clock;
use dofloat_base::digest::sha256_hex;
use dofloat_base::durable::{self, FileLock, LockKind, OWN_FOLDER};

/// More packages than anybody uses.
const MOST_PACKAGES: usize = 500;

/// How long another run is waited for, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(100);

/// Whether packages may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetching {
    /// What is there has to do.
    Never,
    /// What is not there.
    Missing,
    /// Everything, as its source means it now.
    Upgrade,
}

/// Where a module lies, below the folder that the program runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// All that was fetched with it.
    pub package: PathBuf,
    /// The module itself.
    pub folder: PathBuf,
}

/// What looks for packages, and fetches them.
#[derive(Debug)]
pub struct Installer {
    lock: Lock,
    fetching: Fetching,
    hosts: Hosts,
    downloader: Downloader,
    clock: Clock,
    /// Held from the first package on that is fetched.
    alone: Option<FileLock>,
    /// Those that were looked at, and the module's folder in it.
    seen: BTreeMap<String, Result<(PathBuf, String), FetchError>>,
    notes: Vec<String>,
}

/// What was fetched.
struct Fetched {
    tree: Tree,
    pin: Pin,
    /// Where in it the module lies, before the folder that the source names.
    top: String,
    note: String,
}

impl Installer {
    /// Reads what is locked.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn open(fetching: Fetching, hosts: Hosts, downloader: Downloader, clock: Clock) -> Result<Self, FetchError> {
        let lock = Lock::read(Path::new(FILE))?;
        Ok(Self { lock, fetching, hosts, downloader, clock, alone: None, seen: BTreeMap::new(), notes: Vec::new() })
    }

    /// What was fetched, a line each.
    #[must_use]
    pub fn notes(self) -> Vec<String> {
        self.notes
    }

    /// Where a module lies; it is fetched if it is not there and may be.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn place(&mut self, source: &str, version: Option<&str>) -> Result<Place, FetchError> {
        let parsed = source::parse(source)?;
        if version.is_some() && !matches!(parsed, Source::Registry(_)) {
            return Err(FetchError::new("`version` is for modules of a registry.")
                .hint("Which commit of a repository is meant is said by `?ref=`."));
        }
        let package = parsed.package(version.map(str::trim));
        if !self.seen.contains_key(&package) {
            if self.seen.len() >= MOST_PACKAGES {
                return Err(FetchError::new(format!("There are more than {MOST_PACKAGES} packages with modules.")));
            }
            let found = self.package(&parsed, version, &package).await;
            self.seen.insert(package.clone(), found);
        }
        let (package, top) = self.seen[&package].clone()?;
        let top = if top == "*" { only_folder(&package)? } else { top };
        let below = match parsed.folder() {
            "*" => only_folder(&package)?,
            folder => folder.to_owned(),
        };
        let folder = [top, below].into_iter().filter(|part| !part.is_empty()).fold(package.clone(), |path, part| path.join(part));
        Ok(Place { package, folder })
    }

    async fn package(&mut self, source: &Source, version: Option<&str>, name: &str) -> Result<(PathBuf, String), FetchError> {
        let constraints = version.map(Constraints::parse).transpose().map_err(FetchError::new)?.unwrap_or_default();
        if let Some(found) = self.installed(name)? {
            return Ok(found);
        }
        if self.fetching == Fetching::Never {
            return Err(FetchError::new(format!("The module {name} is not installed.")).hint("`dofloat init` fetches it."));
        }
        self.be_alone().await?;
        if let Some(found) = self.installed(name)? {
            return Ok(found);
        }
        let pin = self.pinned(name).cloned();
        let fetched = match source {
            Source::Registry(source) => self.of_registry(source, &constraints, pin.as_ref()).await?,
            source => self.of_source(source, pin.as_ref()).await?,
        };
        if let Some(pin) = pin.filter(|pin| pin.digest != fetched.pin.digest) {
            let what = pin.commit.map_or_else(|| "what is there now".to_owned(), |commit| format!("the commit {}", short(&commit)));
            return Err(changed(format!("The files of {name} are not those that were locked: {what} has others. Nothing was written.")));
        }
        let folder = folder_of(name, &fetched.pin.digest);
        fetched.tree.write(&folder).map_err(|error| FetchError::new(format!("Failed to write {}: {error}.", folder.display())))?;
        must_have(&folder, &fetched.pin.digest)?;
        self.notes.push(format!("Fetched {name}: {}.", fetched.note));
        self.pin(name, fetched.pin)?;
        Ok((folder, fetched.top))
    }

    fn pinned(&self, name: &str) -> Option<&Pin> {
        self.lock.modules.get(name).filter(|_| self.fetching != Fetching::Upgrade)
    }

    /// The package, if it is there.
    fn installed(&self, name: &str) -> Result<Option<(PathBuf, String)>, FetchError> {
        let Some(pin) = self.pinned(name) else { return Ok(None) };
        let folder = folder_of(name, &pin.digest);
        if !folder.is_dir() {
            return Ok(None);
        }
        must_have(&folder, &pin.digest)?;
        let top = pin.source.as_deref().and_then(|source| source::parse(source).ok()).map(|source| source.folder().to_owned());
        Ok(Some((folder, top.unwrap_or_default())))
    }

    /// Waits until nobody else fetches; reads again what is locked.
    async fn be_alone(&mut self) -> Result<(), FetchError> {
        if self.alone.is_some() {
            return Ok(());
        }
        let failed = |error: std::io::Error| FetchError::new(format!("Failed to prepare {}: {error}.", all().display()));
        durable::make_private_folder(Path::new(OWN_FOLDER)).map_err(failed)?;
        durable::make_folder(&all()).map_err(failed)?;
        let start = self.clock.tick();
        self.alone = loop {
            if let Some(lock) = FileLock::try_take(&all().join(".lock"), LockKind::Exclusive, "").map_err(failed)? {
                break Some(lock);
            }
            if self.clock.tick().since(start) > PATIENCE {
                return Err(FetchError::new(format!("Another dofloat has been fetching modules here for {} s.", PATIENCE.as_secs())));
            }
            self.clock.sleep_in_earnest(LOOK).await;
        };
        sweep(&all());
        self.lock = Lock::read(Path::new(FILE))?;
        Ok(())
    }

    async fn of_source(&self, source: &Source, pin: Option<&Pin>) -> Result<Fetched, FetchError> {
        match source {
            Source::Git(source) => {
                let commit = git::fetch(source, pin.and_then(|pin| pin.commit.as_deref())).await?;
                let digest = commit.tree.digest();
                let note = format!("commit {}", short(&commit.id));
                let pin = Pin { version: None, source: None, commit: Some(commit.id), digest };
                Ok(Fetched { tree: commit.tree, pin, top: String::new(), note })
            }
            Source::Archive(source) => {
                let tree = self.archive(source).await?;
                let digest = tree.digest();
                let note = format!("{} files", tree.0.len());
                Ok(Fetched { tree, pin: Pin { version: None, source: None, commit: None, digest }, top: String::new(), note })
            }
            Source::Registry(_) => Err(FetchError::new("A registry names no other one.")),
        }
    }

    async fn archive(&self, source: &ArchiveSource) -> Result<Tree, FetchError> {
        let shown = Source::Archive(source.clone()).package(None);
        let shown = shown.split('#').next().unwrap_or_default();
        let failed = |why: String| FetchError::new(format!("Failed to fetch {shown}: {why}."));
        let answer = self.downloader.get(&source.url, MOST_BYTES).await.map_err(failed)?;
        if answer.status != 200 {
            return Err(failed(format!("the answer is {}", answer.status)));
        }
        archive::unpack(source.form, &answer.body)
            .map_err(|what| FetchError::new(format!("The archive {shown} has {what}. Nothing of it was written.")))
    }

    async fn of_registry(&self, source: &RegistrySource, constraints: &Constraints, pin: Option<&Pin>) -> Result<Fetched, FetchError> {
        let known = pin.and_then(|pin| Some((pin.version.clone()?, source::parse(pin.source.as_deref()?).ok()?)));
        let (version, location) = match known {
            // Where a repository is known, and its commit, nobody else is asked.
            Some((version, location @ Source::Git(_))) => (version, location),
            known => {
                let registry = Registry::discover(source, &self.hosts, &self.downloader).await?;
                let version = match known.map(|(version, _)| version).or_else(|| pin.and_then(|pin| pin.version.clone())) {
                    Some(version) => version,
                    None => registry.newest(constraints).await?.to_string(),
                };
                let location = registry.location(&version).await?;
                (version, location)
            }
        };
        let mut fetched = self.of_source(&location, pin).await?;
        location.folder().clone_into(&mut fetched.top);
        let top = if fetched.top.is_empty() { String::new() } else { format!("//{}", fetched.top) };
        let package = location.package(None);
        let written = match package.split_once('?') {
            Some((address, query)) => format!("{address}{top}?{query}"),
            None => format!("{}{top}", package.split('#').next().unwrap_or_default()),
        };
        fetched.pin.source = Some(written);
        fetched.note = format!("version {version}, {}", fetched.note);
        fetched.pin.version = Some(version);
        Ok(fetched)
    }

    /// Writes down what is used.
    fn pin(&mut self, name: &str, pin: Pin) -> Result<(), FetchError> {
        if self.lock.modules.get(name) == Some(&pin) {
            return Ok(());
        }
        self.lock.modules.insert(name.to_owned(), pin);
        self.lock.write(Path::new(FILE))
    }
}

/// The folder of all packages.
fn all() -> PathBuf {
    Path::new(OWN_FOLDER).join("modules")
}

/// The folder of a package. Its name tells people which one it is, and is none that a source could choose.
fn folder_of(name: &str, digest: &str) -> PathBuf {
    let address = name.split(['?', ' ', '#']).next().unwrap_or_default().trim_end_matches(".git");
    let last = address.rsplit(['/', ':']).next().unwrap_or_default();
    let last: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').take(40).collect();
    all().join(format!("{last}-{}", &sha256_hex(format!("{name} {digest}").as_bytes())[..16]))
}

/// The one folder at the top of a package.
fn only_folder(package: &Path) -> Result<String, FetchError> {
    let entries = std::fs::read_dir(package).into_iter().flatten().flatten();
    let folders: Vec<String> =
        entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    match folders.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(FetchError::new("The package has not exactly one folder, as its source says.")),
    }
}

/// Refuses files that are not those that were locked.
fn must_have(folder: &Path, digest: &str) -> Result<(), FetchError> {
    let tree = Tree::read(folder).map_err(|error| FetchError::new(format!("Failed to read {}: {error}.", folder.display())))?;
    if tree.digest() == digest {
        return Ok(());
    }
    let folder = folder.display();
    Err(FetchError::new(format!("The files in {folder} are not those that were locked: somebody has changed them."))
        .hint(format!("Remove {folder} to have them fetched again. A module of your own belongs into a folder beside the configuration.")))
}
