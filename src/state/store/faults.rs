//! What is told when the state cannot be read, written or trusted.
//!
//! Invariant: every message names the file, the cause, and a way on; none of them suggests that objects do not exist.
//! It must not read or write anything.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::base::diag::Diagnostic;

use super::StoreError;

/// The system refused something.
pub(super) fn failed(doing: &str, path: &Path, error: &Error) -> StoreError {
    let path = path.display();
    let (cause, hint) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ("the disk is full".to_owned(), "Make room on that disk."),
        ErrorKind::PermissionDenied => ("permission is denied".to_owned(), "Give yourself the right to write there."),
        ErrorKind::ReadOnlyFilesystem => ("the file system is read-only".to_owned(), "Work in a folder that can be written."),
        ErrorKind::NotFound => ("its folder is not there".to_owned(), "Put the folder back: it holds what dofloat remembers."),
        ErrorKind::IsADirectory => ("it is a folder".to_owned(), "Move that folder away."),
        _ => (error.to_string(), "See whether the disk is in order."),
    };
    StoreError::Failed(Box::new(Diagnostic::error(format!("Failed to {doing} {path}: {cause}.")).hint(hint)))
}

/// A file was removed while we held it.
pub(super) fn vanished(path: &Path) -> StoreError {
    let message = format!("{} was removed while a run writes it.", path.display());
    StoreError::Failed(Box::new(
        Diagnostic::error(message).hint("Nothing more is begun. Leave state and journal alone while dofloat works."),
    ))
}

/// The journal would not be one that can be replayed.
pub(super) fn misuse(path: &Path, why: &str) -> StoreError {
    let message = format!("Nothing was written to {}: {why}.", path.display());
    StoreError::Failed(Box::new(
        Diagnostic::error(message).hint("This is a fault of dofloat; please report it. What is on disk is in order."),
    ))
}

/// The state is another stack's.
pub(super) fn other_lineage(path: &Path, there: &str, wanted: &str) -> StoreError {
    let message = format!("{} is the state of another stack: its lineage is {there}, not {wanted}.", path.display());
    StoreError::Mismatch(Box::new(
        Diagnostic::error(message).hint("Put this stack's own state back, or make a new plan. Nothing was changed."),
    ))
}

/// The state file changed at each look.
pub(super) fn unstable(path: &Path) -> StoreError {
    let message = format!("{} changes at each look.", path.display());
    StoreError::Failed(Box::new(
        Diagnostic::error(message).hint("Something other than dofloat writes it over and over. Stop that, and try again."),
    ))
}

/// The journal starts from another state.
pub(super) fn mismatch(state: &Path, journal: &Path) -> StoreError {
    let (state, journal) = (state.display(), journal.display());
    let hint = format!(
        "The journal is of an interrupted run, and knows objects that this state may lack. Put back the {state} that the run started \
         from, as it was committed with the journal or before it (`git log -- {state}`). If that run was finished elsewhere and this state \
         is the newer one, remove {journal}. Nothing was changed."
    );
    StoreError::Mismatch(Box::new(Diagnostic::error(format!("{state} is not the state that {journal} belongs to.")).hint(hint)))
}

/// There is no state file, but something that is only made after it.
pub(super) fn lost_missing(state: &Path, witness: &Path) -> StoreError {
    lost(format!("{} is missing, although {} shows that there was one.", state.display(), witness.display()), state, witness)
}

/// The state file is empty, and something shows that it was not.
pub(super) fn lost_empty(state: &Path, witness: &Path) -> StoreError {
    lost(format!("{} is empty, although {} shows that it was not.", state.display(), witness.display()), state, witness)
}

fn lost(message: String, state: &Path, witness: &Path) -> StoreError {
    let (state, witness) = (state.display(), witness.display());
    let hint = format!(
        "A lost state does not mean that nothing exists. Put its last version back, for example with `git checkout -- {state}`. If it is \
         lost for good, or everything was deleted on purpose, move {witness} away as well; `dofloat plan` then names what still carries \
         this stack's mark. Nothing was changed."
    );
    StoreError::Lost(Box::new(Diagnostic::error(message).hint(hint)))
}
