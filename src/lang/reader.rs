//! What the files of a module declare, once what is not supported is taken out of them: each folder is read once.
//!
//! Invariant: a module is read after those that it calls, since what they leave out is left out of it too. A circle of calls ends
//! here, and is told where the tree of modules grows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Host;
use super::ast::{Block, Body};
use super::declaration::Module;
use super::declare;
use super::library::{Folder, Library, is_local, request};
use super::older;
use super::reach;
use super::source::{Source, bodies};
use super::unsupported::{self, Called, LeftOut};
use dofloat_base::diag::Diagnostic;
use dofloat_base::types::Schemas;

/// A module's files.
#[derive(Debug)]
pub(super) struct Written {
    /// What they declare.
    pub module: Arc<Module>,
    /// What is taken out of them.
    pub left: LeftOut,
    /// The variables that only feed the settings of providers.
    idle: BTreeSet<String>,
}

/// The modules of a configuration as they are read.
pub(super) struct Reader<'r> {
    /// Where they lie.
    pub library: &'r Library,
    /// What functions may ask.
    pub host: &'r Host<'r>,
    /// The types that are supported.
    pub schemas: &'r dyn Schemas,
    /// Whether modules that are not there are left out.
    pub skip: bool,
    read: BTreeMap<Folder, Option<Result<Written, Vec<Diagnostic>>>>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(library: &'r Library, host: &'r Host<'r>, schemas: &'r dyn Schemas, skip: bool) -> Self {
        Self { library, host, schemas, skip, read: BTreeMap::new() }
    }

    /// The stack's own files; which of its variables are idle; what is wrong.
    pub(super) fn stack(&mut self, sources: &[Source<'_>]) -> (Module, LeftOut, BTreeSet<String>, Vec<Diagnostic>) {
        self.files(&Folder::default(), sources)
    }

    /// The module in a folder; nothing if there are no files.
    pub(super) fn written(&mut self, folder: &Folder) -> Option<&Result<Written, Vec<Diagnostic>>> {
        if !self.read.contains_key(folder) {
            // Whoever calls this one from within finds nothing yet.
            self.read.insert(folder.clone(), None);
            let library = self.library;
            let written = library.sources(&folder.path).map(|sources| self.module(folder, &sources));
            self.read.insert(folder.clone(), written);
        }
        self.read.get(folder)?.as_ref()
    }

    fn module(&mut self, folder: &Folder, sources: &[Source<'_>]) -> Result<Written, Vec<Diagnostic>> {
        let (mut module, left, idle, mut errors) = self.files(folder, sources);
        for import in &module.imports {
            errors.push(
                Diagnostic::error("An import block stands in the stack's own files, not in a module.")
                    .at(import.span.clone())
                    .hint("Write it there, with the whole address: `to = module.NAME.TYPE.NAME`."),
            );
        }
        // What a module says of itself is told by whoever wrote it.
        module.warnings.clear();
        if errors.is_empty() { Ok(Written { module: Arc::new(module), left, idle }) } else { Err(errors) }
    }

    fn files(&mut self, folder: &Folder, sources: &[Source<'_>]) -> (Module, LeftOut, BTreeSet<String>, Vec<Diagnostic>) {
        let (mut bodies, mut errors) = bodies(sources);
        let called = self.called(folder, &bodies);
        let left = unsupported::take_out(&mut bodies, self.schemas, &called);
        let told = older::rewrite(&mut bodies, self.schemas);
        let is_idle = |call: &str, name: &str| match called.get(call) {
            Some(Called::There { idle, .. }) => idle.contains(name),
            _ => false,
        };
        let idle = reach::idle_variables(&bodies, &is_idle);
        // A file that cannot be read may hold what others refer to, so nothing more is said of names; the form of the blocks
        // that could be read is looked at all the same.
        let (mut module, found) = declare::module(bodies, self.host);
        module.warnings.extend(told);
        errors.extend(found);
        (module, left, idle, errors)
    }

    /// The modules that files call, by the names of the calls.
    fn called(&mut self, from: &Folder, bodies: &[Body]) -> BTreeMap<String, Called> {
        let calls = bodies.iter().flat_map(|body| body.blocks("module"));
        calls.filter_map(|block| Some((block.labels.first()?.0.clone(), self.call(from, block)?))).collect()
    }

    fn call(&mut self, from: &Folder, block: &Block) -> Option<Called> {
        let (request, span) = request(block)?;
        let folder = match self.library.folder(from, &request, &span) {
            Ok(folder) => folder,
            Err(error) if self.skip && !is_local(&request.source) => {
                return Some(Called::Absent(format!("{} {}", error.message, error.hint.unwrap_or_default()).trim_end().to_owned()));
            }
            Err(_) => return None,
        };
        if self.skip && self.library.sources(&folder.path).is_none() {
            return Some(Called::Absent(format!("There are no *.tf files at \"{}\".", request.source)));
        }
        let written = self.written(&folder)?.as_ref().ok()?;
        Some(Called::There { gone: written.left.outputs(), idle: written.idle.clone() })
    }
}
