//! The modules of a configuration: the stack's own, and those that it calls, each under the name of its call.
//!
//! Invariant: a tree is whole: every call leads to files that could be read, and no module calls itself. Each folder is read
//! once, however often it is called.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::declaration::{Module, ModuleCall};
use super::library::{Folder, Request};
use super::reader::Reader;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;

/// More calls of modules than anybody writes; two that call each other's copies twice would double without end.
const MOST_CALLS: usize = 10_000;

/// The modules of a configuration; the stack's own is the first.
#[derive(Debug)]
pub struct Tree {
    /// Each module, after the one that calls it.
    pub entries: Vec<Entry>,
}

/// A module as it is called at one place.
#[derive(Debug)]
pub struct Entry {
    /// What its files declare.
    pub module: Arc<Module>,
    /// The entry that calls it, and the name of the call.
    pub caller: Option<(usize, String)>,
    /// The entries of the modules that it calls, by the names of the calls.
    pub children: BTreeMap<String, usize>,
    /// Where its files lie.
    pub folder: Folder,
}

impl Tree {
    /// The tree below a module.
    ///
    /// # Errors
    /// Calls that lead nowhere, and what is wrong in the files that they lead to.
    pub(super) fn grow(module: Module, reader: &mut Reader<'_>) -> Result<Self, Vec<Diagnostic>> {
        let root = Entry { module: Arc::new(module), caller: None, children: BTreeMap::new(), folder: Folder::default() };
        let mut tree = Self { entries: vec![root] };
        let mut errors = Vec::new();
        let mut at = 0;
        while at < tree.entries.len() {
            let module = Arc::clone(&tree.entries[at].module);
            for (name, call) in &module.calls {
                match tree.child(at, call, reader) {
                    Ok((folder, module)) => {
                        let entry = Entry { module, caller: Some((at, name.clone())), children: BTreeMap::new(), folder };
                        let number = tree.entries.len();
                        tree.entries[at].children.insert(name.clone(), number);
                        tree.entries.push(entry);
                    }
                    Err(found) => errors.extend(found),
                }
            }
            at += 1;
        }
        if errors.is_empty() { Ok(tree) } else { Err(errors) }
    }

    /// The module that a call leads to.
    fn child(&self, at: usize, call: &ModuleCall, reader: &mut Reader<'_>) -> Result<(Folder, Arc<Module>), Vec<Diagnostic>> {
        let request = Request { source: call.source.clone(), version: call.version.clone() };
        let folder = reader.library.folder(&self.entries[at].folder, &request, &call.source_span).map_err(|error| vec![error])?;
        if let Some(error) = self.endless(at, &folder, call) {
            return Err(vec![error]);
        }
        match reader.written(&folder) {
            Some(Ok(written)) => Ok((folder, Arc::clone(&written.module))),
            Some(Err(errors)) => Err(errors.clone()),
            None => Err(vec![
                Diagnostic::error(format!("There is no module at \"{}\": it is no folder with *.tf files.", call.source))
                    .at(call.source_span.clone())
                    .hint("The path is relative to the folder of the file that calls it."),
            ]),
        }
    }

    /// What is wrong with a call that leads back to one of its callers.
    fn endless(&self, from: usize, folder: &Folder, call: &ModuleCall) -> Option<Diagnostic> {
        let mut at = Some(from);
        while let Some(entry) = at.map(|at| &self.entries[at]) {
            if entry.folder.path == folder.path {
                return Some(
                    Diagnostic::error("This module calls itself, which never ends.")
                        .at(call.source_span.clone())
                        .hint("Let it call a folder of its own."),
                );
            }
            at = entry.caller.as_ref().map(|(caller, _)| *caller);
        }
        (self.entries.len() >= MOST_CALLS)
            .then(|| Diagnostic::error(format!("There are more than {MOST_CALLS} modules.")).at(call.span.clone()))
    }

    /// The names of the calls that lead to an entry.
    #[must_use]
    pub fn path(&self, at: usize) -> Vec<&str> {
        let mut path = Vec::new();
        let mut at = at;
        while let Some((caller, name)) = &self.entries[at].caller {
            path.push(name.as_str());
            at = *caller;
        }
        path.reverse();
        path
    }

    /// The address of an entry without keys; nothing for the stack's own module.
    #[must_use]
    pub fn address(&self, at: usize) -> Option<Address> {
        self.path(at).into_iter().fold(None, |outer, name| Some(Address::module(name).inside(outer.as_ref())))
    }

    /// The entry of the module that an address names, if there is one.
    #[must_use]
    pub fn find(&self, module: Option<&Address>) -> Option<usize> {
        let Some(module) = module else { return Some(0) };
        let caller = self.find(module.parent.as_deref())?;
        self.entries[caller].children.get(&module.name).copied().filter(|_| module.is_module())
    }

    /// Whether the configuration has a block for an address, whatever its keys are.
    #[must_use]
    pub fn declares(&self, address: &Address) -> bool {
        let Some(module) = self.find(address.parent.as_deref()).map(|at| &self.entries[at].module) else { return false };
        if address.is_module() {
            module.calls.contains_key(&address.name)
        } else {
            module.resources.contains_key(&(address.kind.clone(), address.name.clone()))
        }
    }
}
