//! What `init` was given for a backend whose block leaves arguments out, as the commands that follow find it.
//!
//! Invariant: a place is used only as it was set up: where the block has changed since, that is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::diag::Diagnostic;
use crate::base::durable::OWN_FOLDER;
use crate::lang::backend::{Backend, Setting};

/// What `init` was given for a stack's backend.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The store's kind.
    pub(super) kind: String,
    /// What the block itself said then.
    pub(super) block: BTreeMap<String, String>,
    /// What was given beside it.
    pub(super) arguments: BTreeMap<String, String>,
}

/// Where it is kept.
pub(super) fn path(stack: &str) -> PathBuf {
    Path::new(OWN_FOLDER).join("backend").join(format!("{stack}.json"))
}

/// What was given, if anything was.
pub(super) fn kept(stack: &str) -> Option<Kept> {
    serde_json::from_slice(&std::fs::read(path(stack)).ok()?).ok()
}

/// Arguments by their names.
pub(super) fn texts(settings: &[Setting]) -> BTreeMap<String, String> {
    settings.iter().map(|setting| (setting.name.clone(), setting.text.clone())).collect()
}

/// A stack's backend with what `init` was given for it.
///
/// # Errors
/// If the block has changed since.
pub(super) fn whole(block: Backend, stack: &str) -> Result<Backend, Vec<Diagnostic>> {
    let Some(kept) = kept(stack) else { return Ok(block) };
    if kept.kind != block.kind || kept.block != texts(&block.arguments) {
        let error = Diagnostic::error("The backend block has changed since `dofloat init -backend-config` set it up.");
        let hint = "Give `dofloat init -reconfigure` with what the block leaves out. The state stays where it is: a new place is empty until \
                    `dofloat state push` puts a state there.";
        return Err(vec![error.at(block.span).hint(hint)]);
    }
    Ok(filled(block, &kept.arguments))
}

/// A block with more arguments; those count that are given beside it.
pub(super) fn filled(mut block: Backend, arguments: &BTreeMap<String, String>) -> Backend {
    block.arguments.retain(|setting| !arguments.contains_key(&setting.name));
    let span = &block.span;
    let given = arguments.iter().map(|(name, text)| Setting { name: name.clone(), text: text.clone(), span: span.clone() });
    block.arguments.extend(given.collect::<Vec<_>>());
    block
}
