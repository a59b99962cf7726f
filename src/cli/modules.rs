//! The modules of a stack that lie elsewhere: which its files call, and where they lie.
//!
//! Invariant: glue between the language, which knows calls, and `modules`, which fetches; a module that cannot be had is told at its
//! source, when the stack is loaded.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use super::cli_config;
use super::environment::Environment;
use super::exit::Failure;
use crate::api::download::Downloader;
use crate::base::diag::Diagnostic;
use crate::lang::Host;
use crate::lang::library::{Fetched, Library, Request};
use crate::lang::module::Source;
use crate::modules::{FetchError, Fetching, Installer, Place};

/// All modules of a stack, and what was fetched for that.
pub struct Installed {
    /// The modules.
    pub library: Library,
    /// What was fetched, a line each.
    pub notes: Vec<String>,
}

/// Finds all modules that a stack's files lead to.
///
/// # Errors
/// If what is locked cannot be read.
pub fn install(sources: &[Source<'_>], host: &Host<'_>, environment: &Environment, fetching: Fetching) -> Result<Installed, Failure> {
    let mut fetched = BTreeMap::new();
    let mut library = Library::read(sources, host, fetched.clone());
    if library.requests(sources).is_empty() {
        return Ok(Installed { library, notes: Vec::new() });
    }
    let mut installer = installer(environment, fetching)?;
    loop {
        let open: Vec<Request> = library.requests(sources).into_iter().map(|(request, _)| request).collect();
        let open: Vec<Request> = open.into_iter().filter(|request| !fetched.contains_key(request)).collect();
        if open.is_empty() {
            return Ok(Installed { library, notes: installer.notes() });
        }
        for request in open {
            // Once for each request, however often it is written.
            if let Entry::Vacant(entry) = fetched.entry(request) {
                let request = entry.key();
                let place = waited(installer.place(&request.source, request.version.as_deref()));
                entry.insert(place.map(|place| seen_from(host.base, place)).map_err(told));
            }
        }
        library = Library::read(sources, host, fetched.clone());
    }
}

fn installer(environment: &Environment, fetching: Fetching) -> Result<Installer, Failure> {
    let hosts = cli_config::module_registries(environment)?;
    let downloader = Downloader { ca_file: environment.ca_file.clone(), limit: environment.time_limit.unwrap_or(LIMIT) };
    Installer::open(fetching, hosts, downloader, environment.clock.clone()).map_err(|error| told(error).into())
}

/// Long enough for an archive over a slow line.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(300);

/// Waits where the files of a stack are read, which is no place for others to go on.
fn waited<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

fn told(error: FetchError) -> Diagnostic {
    let told = Diagnostic::error(error.message);
    error.hint.into_iter().fold(told, Diagnostic::hint)
}

/// A place below the folder that we run in, as it is seen from the stack's own.
fn seen_from(base: &Path, place: Place) -> Fetched {
    let here = std::path::absolute(".").unwrap_or_default();
    let back: PathBuf = match base.strip_prefix(&here) {
        Ok(below) => below.components().map(|_| "..").collect(),
        Err(_) if base.is_relative() => base.components().filter(|part| *part != std::path::Component::CurDir).map(|_| "..").collect(),
        Err(_) => here,
    };
    Fetched { package: back.join(place.package), folder: back.join(place.folder) }
}
