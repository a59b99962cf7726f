//! Which stack is meant, and where its files lie.
//!
//! Invariant: a stack is a `*.tf` or `*.tf.json` file in `plans/`, or a folder there that holds some; anything else there is left alone.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::environment::Environment;
use super::exit::Failure;
use super::options::Global;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::base::durable::OWN_FOLDER;
use crate::base::readable;
use crate::lang::backend::{self, Backend};
use crate::lang::module::Source;
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

    /// The file of the simulated world.
    #[must_use]
    pub fn world(&self) -> PathBuf {
        self.simulated().join("world.json")
    }

    fn simulated(&self) -> PathBuf {
        Path::new(OWN_FOLDER).join("sim").join(&self.name)
    }
}

/// Finds the stack: the one that is named, else `DOFLOAT_STACK`, else the only one, else the one that `plans/default` names.
///
/// # Errors
/// If there is no such stack, or several and none is named.
pub fn find(name: Option<&str>, global: &Global, environment: &Environment) -> Result<Place, Failure> {
    let all = all()?;
    let chosen = chosen(name, environment, &all)?;
    if !all.contains(&chosen) {
        let remembered = Path::new("state").join(format!("{chosen}.json"));
        if !global.sim && remembered.is_file() {
            return Err(Diagnostic::error(format!("The stack `{chosen}` has a state, but no file in plans/ any more."))
                .hint(format!("Restore plans/{chosen}.tf, or destroy everything with `dofloat destroy {chosen}`."))
                .into());
        }
        let meant = did_you_mean(&chosen, all.iter().map(String::as_str)).map(|meant| format!("Did you mean `{meant}`?"));
        let list = if all.is_empty() { "plans/ holds none.".to_owned() } else { format!("There are: {}.", all.join(", ")) };
        return Err(Diagnostic::error(format!("There is no stack `{chosen}`.")).hint(meant.unwrap_or(list)).into());
    }
    place(chosen, global)
}

/// Finds a stack for what needs no configuration (destroy, show, output, state): its state is enough.
///
/// # Errors
/// As `find`.
pub fn find_remembered(name: Option<&str>, global: &Global, environment: &Environment) -> Result<Place, Failure> {
    let all = all()?;
    let named = chosen(name, environment, &all)?;
    let place = place(named.clone(), global)?;
    if all.contains(&named) || place.store().state.is_file() || place.store().journal.is_file() {
        Ok(place)
    } else {
        find(name, global, environment)
    }
}

/// Every stack that remembers or could remember something.
///
/// # Errors
/// If a folder cannot be read.
pub fn with_memory(global: &Global) -> Result<Vec<Place>, Failure> {
    let mut names = all()?;
    names.extend(entries(Path::new("state"))?.iter().filter_map(|(file, _)| file.strip_suffix(".secrets.age")).map(str::to_owned));
    names.sort();
    names.dedup();
    names.into_iter().map(|name| place(name, global)).collect()
}

fn chosen(name: Option<&str>, environment: &Environment, all: &[String]) -> Result<String, Failure> {
    Ok(match name.map(str::to_owned).or_else(|| environment.stack.clone()) {
        Some(name) => name,
        None if all.len() == 1 => all[0].clone(),
        None => match std::fs::read_to_string("plans/default") {
            Ok(text) => text.trim().to_owned(),
            Err(_) if all.is_empty() => {
                return Err(Diagnostic::error("There is no stack: plans/ holds no *.tf file.")
                    .hint("Write one, for example plans/web.tf, or change to the folder that holds plans/ (`--chdir`).")
                    .into());
            }
            Err(_) => {
                return Err(Failure::usage(
                    Diagnostic::error(format!("There are several stacks: {}.", all.join(", ")))
                        .hint("Name one, or set DOFLOAT_STACK, or write its name into plans/default."),
                ));
            }
        },
    })
}

fn all() -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for (name, path) in entries(Path::new("plans"))? {
        if let Some(stack) = stack_of(&name).filter(|_| path.is_file()) {
            names.push(stack.to_owned());
        } else if path.is_dir() && entries(&path)?.iter().any(|(name, path)| stack_of(name).is_some() && path.is_file()) {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn stack_of(file: &str) -> Option<&str> {
    file.strip_suffix(".tf.json").or_else(|| file.strip_suffix(".tf")).filter(|name| !name.is_empty() && !name.starts_with('.'))
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let failed = |error: std::io::Error| Failure::from(Diagnostic::error(format!("Failed to read {}: {error}.", folder.display())));
    let read = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in read {
        let path = entry.map_err(failed)?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            found.push((name.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

fn place(name: String, global: &Global) -> Result<Place, Failure> {
    let folder = Path::new("plans").join(&name);
    let (base, only) = if folder.is_dir() { (folder, None) } else { (PathBuf::from("plans"), Some(name.clone())) };
    let (mut sources, mut values) = (Vec::new(), Vec::new());
    for (file, path) in entries(&base)? {
        let shown = path.display().to_string();
        let is_values = file == "terraform.tfvars"
            || file == "terraform.tfvars.json"
            || file.ends_with(".auto.tfvars")
            || file.ends_with(".auto.tfvars.json");
        match stack_of(&file) {
            Some(stack) if only.as_ref().is_none_or(|only| only == stack) => sources.push((shown, path)),
            // Beside a stack of one file, only files of values that bear its name are its own.
            None if is_values && only.as_ref().is_none_or(|only| file.starts_with(&format!("{only}."))) => values.push((shown, path)),
            _ => {}
        }
    }
    values.sort_by_key(|(name, _)| (!name.contains("terraform.tfvars"), name.clone()));
    let base = std::path::absolute(&base).with_context(|| format!("Failed to find {}", base.display()))?;
    let backend = if global.sim { Ok(None) } else { backend(&sources) };
    Ok(Place { name, sources, values, base, backend, sim: global.sim })
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
