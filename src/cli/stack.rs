//! Which stack is meant, and where its files lie.
//!
//! Invariant: a stack is a `*.tf` or `*.tf.json` file in `plans/`, or a folder there that holds some; anything else there is left alone.
//! Where `plans/` holds none, the `*.tf` files of the folder itself are one stack.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::backend_kept;
use super::environment::Environment;
use super::exit::{Exit, Failure};
use super::options::Global;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::base::durable::OWN_FOLDER;
use crate::base::readable;
use crate::lang::backend::{self, Backend};
use crate::lang::module::Source;
use crate::state::format;
use crate::state::store::Paths;

/// The places of one stack. Paths are relative to the working folder, but `base`.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its files, by the name that is shown.
    pub sources: Vec<(String, PathBuf)>,
    /// The files of values that are always read, the weakest first.
    pub values: Vec<(String, PathBuf)>,
    /// The folder that holds its files.
    pub base: PathBuf,
    /// Where its state is kept if not beside it, or what is wrong with the block that says so.
    pub backend: Result<Option<Backend>, Vec<Diagnostic>>,
    sim: bool,
}

impl Place {
    /// The files of the store.
    #[must_use]
    pub fn store(&self) -> Paths {
        let folder = match &self.backend {
            _ if self.sim => self.simulated(),
            Ok(Some(backend)) if backend.kind != "local" => Path::new(OWN_FOLDER).join("store").join(&self.name),
            _ => PathBuf::from("state"),
        };
        let file = |ending: &str| folder.join(format!("{}.{ending}", self.name));
        let lock = if self.sim { folder.join("lock") } else { Path::new(OWN_FOLDER).join(format!("{}.lock", self.name)) };
        // What this clone has seen goes with its working copy; beside a state that is in git it would be committed.
        let serials = if folder == Path::new("state") { lock.with_extension("serials") } else { file("serials") };
        Paths { state: file("json"), journal: file("journal"), secrets: file("secrets.age"), lock, serials, rescue: std::env::temp_dir() }
    }

    /// Whether it is in a simulated account.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.sim
    }

    /// The state as a repository has it: in the user's own branches, or in that of a shared state.
    #[must_use]
    pub fn file_in_git(&self) -> String {
        format!("state/{}.json", self.name)
    }

    /// A state of Terraform's that lies beside the stack's files. Nothing real belongs to a simulated account.
    #[must_use]
    pub fn terraform_state(&self) -> Option<PathBuf> {
        let folder = self.sources.first().and_then(|(_, path)| path.parent())?;
        Some(folder.join("terraform.tfstate")).filter(|path| !self.sim && path.is_file())
    }

    /// The file of the simulated world.
    #[must_use]
    pub fn world(&self) -> PathBuf {
        self.simulated().join("world.json")
    }

    /// The folder of the files that resources of this machine write while the account is simulated.
    #[must_use]
    pub fn simulated_files(&self) -> PathBuf {
        self.simulated().join("files")
    }

    fn simulated(&self) -> PathBuf {
        Path::new(OWN_FOLDER).join("sim").join(&self.name)
    }
}

/// The stacks that have files.
struct Stacks {
    names: Vec<String>,
    /// Whether the only one is made of the files of the working folder itself.
    at_top: bool,
    /// Whose states are here, where that one has none and none of these is surely its own.
    remembered: Vec<String>,
}

/// Finds the stack: the one that is named, else `DOFLOAT_STACK`, else the only one, else the one that `plans/default` names.
///
/// # Errors
/// If there is no such stack, or several and none is named.
pub fn find(name: Option<&str>, global: &Global, environment: &Environment) -> Result<Place, Failure> {
    let mut all = all()?;
    let chosen = chosen(name, environment, &all)?;
    if all.remembered.contains(&chosen) {
        // Whoever names it says that these are its files.
        all.names.push(chosen.clone());
    }
    if !all.names.contains(&chosen) {
        let remembered = Path::new("state").join(format!("{chosen}.json"));
        if !global.sim && remembered.is_file() {
            return Err(Diagnostic::error(format!("The stack `{chosen}` has a state, but no file in plans/ any more."))
                .hint(format!("Restore plans/{chosen}.tf, or destroy everything with `dofloat destroy {chosen}`."))
                .into());
        }
        let meant = did_you_mean(&chosen, all.names.iter().map(String::as_str)).map(|meant| format!("Did you mean `{meant}`?"));
        let list = if all.names.is_empty() { "plans/ holds none.".to_owned() } else { format!("There are: {}.", all.names.join(", ")) };
        return Err(Diagnostic::error(format!("There is no stack `{chosen}`.")).hint(meant.unwrap_or(list)).into());
    }
    if name.is_none() && environment.stack.is_none() && !all.remembered.is_empty() && !global.sim {
        return Err(Failure::new(Exit::Decision, vec![unsure(&chosen, &all.remembered)]));
    }
    place(chosen, &all, global)
}

/// What is told where the files of the working folder have no state, and there are others' here.
fn unsure(folder: &str, remembered: &[String]) -> Diagnostic {
    let states = remembered.iter().map(|name| format!("state/{name}.json")).collect::<Vec<_>>().join(", ");
    let message = format!("The files of this folder are the stack `{folder}`, which has no state, while there is {states}.");
    Diagnostic::error(message).hint(format!(
        "If that is the state of these files (the folder had another name), set DOFLOAT_STACK={}. If not, set DOFLOAT_STACK={folder}.",
        remembered[0]
    ))
}

/// Finds a stack for what needs no configuration (destroy, show, output, state): its state is enough.
///
/// # Errors
/// As `find`.
pub fn find_remembered(name: Option<&str>, global: &Global, environment: &Environment) -> Result<Place, Failure> {
    let all = all()?;
    let named = chosen(name, environment, &all)?;
    let place = place(named.clone(), &all, global)?;
    if all.names.contains(&named) || place.store().state.is_file() || place.store().journal.is_file() {
        Ok(place)
    } else {
        find(name, global, environment)
    }
}

/// The names of the stacks whose files are here.
///
/// # Errors
/// If a folder cannot be read.
pub fn names() -> Result<Vec<String>, Failure> {
    Ok(all()?.names)
}

/// Every stack that remembers or could remember something.
///
/// # Errors
/// If a folder cannot be read.
pub fn with_memory(global: &Global) -> Result<Vec<Place>, Failure> {
    let all = all()?;
    let mut names = all.names.clone();
    names.extend(entries(Path::new("state"))?.iter().filter_map(|(file, _)| file.strip_suffix(".secrets.age")).map(str::to_owned));
    names.sort();
    names.dedup();
    names.into_iter().map(|name| place(name, &all, global)).collect()
}

fn chosen(name: Option<&str>, environment: &Environment, all: &Stacks) -> Result<String, Failure> {
    if let Some(workspace) = environment.workspace.as_ref().filter(|_| name.is_none() && environment.stack.is_none()) {
        if all.names.contains(workspace) && !all.at_top {
            return Ok(workspace.clone());
        }
        return Err(Diagnostic::error(format!("TF_WORKSPACE names the workspace `{workspace}`, and there is no such stack."))
            .hint(format!("A workspace is a stack of its own here: put the files into plans/{workspace}/, or unset TF_WORKSPACE."))
            .into());
    }
    Ok(match (name.map(str::to_owned).or_else(|| environment.stack.clone()), all.names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only.clone(),
        (None, several) => match std::fs::read_to_string("plans/default") {
            Ok(text) => text.trim().to_owned(),
            Err(_) if several.is_empty() => {
                return Err(Diagnostic::error("There is no stack: neither this folder nor plans/ holds a *.tf file.")
                    .hint("Write one, for example plans/web.tf, or change to the folder that holds your files (`-chdir=DIR`).")
                    .into());
            }
            Err(_) => {
                return Err(Failure::usage(
                    Diagnostic::error(format!("There are several stacks: {}.", several.join(", ")))
                        .hint("Name one, or set DOFLOAT_STACK, or write its name into plans/default."),
                ));
            }
        },
    })
}

fn all() -> Result<Stacks, Failure> {
    let mut names = Vec::new();
    for (name, path) in entries(Path::new("plans"))? {
        if let Some(stack) = stack_of(&name).filter(|_| path.is_file()) {
            names.push(stack.to_owned());
        } else if path.is_dir() && holds_files(&path)? {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    let at_top = names.is_empty() && holds_files(Path::new("."))?;
    let mut remembered = Vec::new();
    if at_top {
        let (name, others) = name_at_top()?;
        names.push(name);
        remembered = others;
    }
    Ok(Stacks { names, at_top, remembered })
}

/// The name of the stack that is made of the working folder's own files: the folder's, or that of the only state here where
/// it remembers what these files declare, as it does in a clone under another name. Where that is not certain, the names of the
/// states that may be meant.
fn name_at_top() -> Result<(String, Vec<String>), Failure> {
    let folder = std::env::current_dir().context("Failed to find the working folder")?;
    let folder = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // A stack's name has no dot, as addresses have one.
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let folder: String = folder.trim_start_matches('.').chars().map(plain).collect();
    let folder = if folder.is_empty() { "stack".to_owned() } else { folder };
    let states: Vec<(String, PathBuf)> =
        entries(Path::new("state"))?.into_iter().filter_map(|(file, path)| Some((file.strip_suffix(".json")?.to_owned(), path))).collect();
    match states.as_slice() {
        all if all.iter().any(|(name, _)| *name == folder) => Ok((folder, Vec::new())),
        [(only, path)] if is_of_these_files(path)? => Ok((only.clone(), Vec::new())),
        _ => Ok((folder, states.into_iter().map(|(name, _)| name).collect())),
    }
}

/// Whether a state remembers something that the files of the working folder declare.
fn is_of_these_files(state: &Path) -> Result<bool, Failure> {
    let Some(state) = std::fs::read(state).ok().and_then(|bytes| format::read(&bytes, "the state").ok()) else { return Ok(false) };
    let files = entries(Path::new("."))?;
    let texts: String =
        files.iter().filter(|(name, _)| stack_of(name).is_some()).filter_map(|(_, path)| readable::read_text(path).ok()).collect();
    Ok(state
        .records
        .keys()
        .any(|address| texts.contains(&format!("\"{}\"", address.kind)) && texts.contains(&format!("\"{}\"", address.name))))
}

fn holds_files(folder: &Path) -> Result<bool, Failure> {
    Ok(entries(folder)?.iter().any(|(name, path)| stack_of(name).is_some() && path.is_file()))
}

fn stack_of(file: &str) -> Option<&str> {
    file.strip_suffix(".tf.json").or_else(|| file.strip_suffix(".tf")).filter(|name| !name.is_empty() && !name.starts_with('.'))
}

/// What a folder holds, by name. A path in the working folder is its name alone, as a person writes it.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let failed = |error: std::io::Error| Failure::from(Diagnostic::error(format!("Failed to read {}: {error}.", folder.display())));
    let read = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in read {
        let path = entry.map_err(failed)?.path();
        let path = path.strip_prefix(".").map_or_else(|_| path.clone(), Path::to_owned);
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            found.push((name.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

fn place(name: String, all: &Stacks, global: &Global) -> Result<Place, Failure> {
    let folder = Path::new("plans").join(&name);
    let (base, only) = match () {
        () if all.at_top && all.names.contains(&name) => (PathBuf::from("."), None),
        () if folder.is_dir() => (folder, None),
        () => (PathBuf::from("plans"), Some(name.as_str())),
    };
    // Beside one of several stacks of one file, only files of values that bear its name are its own.
    let alone = all.names.len() < 2;
    let (mut sources, mut values) = (Vec::new(), Vec::new());
    for (file, path) in entries(&base)? {
        let own = |only: &str| alone || file.starts_with(&format!("{only}."));
        let shown = path.display().to_string();
        match stack_of(&file) {
            Some(stack) if only.is_none_or(|only| only == stack) && path.is_file() => sources.push((shown, path)),
            None if strength(&file).is_some() && only.is_none_or(own) => values.push((strength(&file), shown, path)),
            _ => {}
        }
    }
    values.sort();
    let values = values.into_iter().map(|(_, shown, path)| (shown, path)).collect();
    let base = std::path::absolute(&base).with_context(|| format!("Failed to find {}", base.display()))?;
    let whole = |block: Backend| backend_kept::whole(block, &name);
    let backend = if global.sim { Ok(None) } else { backend(&sources).and_then(|block| block.map(whole).transpose()) };
    Ok(Place { name, sources, values, base, backend, sim: global.sim })
}

/// How much a file of values counts that is read without being named, in Terraform's order; those of the last sort count by their names.
fn strength(file: &str) -> Option<u8> {
    match file {
        "terraform.tfvars" => Some(0),
        "terraform.tfvars.json" => Some(1),
        _ if file.ends_with(".auto.tfvars") || file.ends_with(".auto.tfvars.json") => Some(2),
        _ => None,
    }
}

/// The backend block of a stack as it is written.
///
/// # Errors
/// As it cannot be read.
pub(super) fn block(place: &Place) -> Result<Option<Backend>, Vec<Diagnostic>> {
    backend(&place.sources)
}

/// What the stack's files say of where its state is kept. A file that cannot be read is told of where it is loaded.
fn backend(sources: &[(String, PathBuf)]) -> Result<Option<Backend>, Vec<Diagnostic>> {
    let texts: Vec<(&str, String)> =
        sources.iter().filter_map(|(name, path)| Some((name.as_str(), readable::read_text(path).ok()?))).collect();
    // Where no file has the word, none need be whole: what is remembered can be looked at all the same.
    if !texts.iter().any(|(_, text)| text.contains("backend")) {
        return Ok(None);
    }
    let sources: Vec<Source<'_>> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    backend::of_stack(&sources)
}
