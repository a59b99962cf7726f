//! What is told when the state cannot be read, written or trusted.
//!
//! Invariant: every message names the file, the cause, and a way on; none of them suggests that objects do not exist.
//! It must not read or write anything.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::base::diag::Diagnostic;

use super::{Paths, StoreError};

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

/// A shared state and its working copy have both moved on.
pub(super) fn parted(paths: &Paths, place: &str) -> StoreError {
    let folder = folder(paths);
    let hint = format!(
        "A run of this clone was never published, and meanwhile somebody unlocked the state and applied. What is published counts. Move \
         {folder} away, keep it, and run `dofloat plan`: it names what that run made, since it carries this stack's mark and is in no \
         record, to be imported or deleted. Nothing was changed."
    );
    StoreError::Mismatch(Box::new(
        Diagnostic::error(format!("{folder} and {place} have both changed since they were the same.")).hint(hint),
    ))
}

/// Somebody freed the lock while we held it.
pub(super) fn broken_lock(paths: &Paths, place: &str, now: Option<String>) -> StoreError {
    let folder = folder(paths);
    let now = now.map_or_else(String::new, |note| format!(" It is held by {note} now."));
    let hint = format!(
        "So nothing was published. What this run did is in {folder}, whole. When nobody holds the lock, run `dofloat apply` again: it \
         publishes that, or says what stands against it."
    );
    StoreError::Mismatch(Box::new(Diagnostic::error(format!("Somebody unlocked {place} while this run was at work.{now}")).hint(hint)))
}

/// What a run left could not be published.
pub(super) fn unpublished(error: StoreError, paths: &Paths, place: &str) -> StoreError {
    let StoreError::Failed(mut diagnostic) = error else { return error };
    let why = diagnostic.hint.take().unwrap_or_default();
    let hint = format!(
        "{why} Nothing is lost: what this run did is in {}, and the lock stays with it. When that is mended, run `dofloat apply` here \
         again: it publishes that first.",
        folder(paths)
    );
    diagnostic.message = format!("The state is not published to {place}. {}", diagnostic.message);
    diagnostic.hint = Some(hint.trim().to_owned());
    StoreError::Failed(diagnostic)
}

/// Git, or the host behind it, refused something.
pub(super) fn of_git(place: &str, doing: &str, why: &str) -> StoreError {
    let message = format!("Failed to {doing} {place}: {}.", why.trim_end_matches('.'));
    let hint = if why.contains("not a git repository") {
        "The store `git` works in a clone: run dofloat there, or take the \"backend\" block out."
    } else if why.contains("protected branch") || why.contains("hook declined") || why.contains("pre-receive") {
        "The host refuses pushes to that branch: allow them, force-pushes aside, and allow the branch of the lock to be made and deleted."
    } else if why.contains("could not read Username") || why.contains("Authentication failed") || why.contains("Permission denied") {
        "dofloat uses git's own credentials and asks nobody: see that `git push` works here without a question."
    } else {
        "See whether `git fetch` and `git push` work here."
    };
    StoreError::Failed(Box::new(Diagnostic::error(message).hint(hint)))
}

fn folder(paths: &Paths) -> String {
    paths.state.parent().map_or_else(|| "the working copy".to_owned(), |folder| folder.display().to_string())
}
