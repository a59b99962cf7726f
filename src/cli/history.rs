//! Whether git remembers a state that is not here.
//!
//! Invariant: reads the repository that the folder lies in, if it does and there is a git; touches nothing, asks nobody, and
//! takes no longer than a few seconds.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::exit::{Exit, Failure};
use crate::base::child;
use crate::base::diag::Diagnostic;
use crate::state::format;

/// How long git may take for each question.
const LIMIT: Duration = Duration::from_secs(10);

/// Refuses to take a missing state for a new stack where its last committed version knows objects.
///
/// # Errors
/// If there is such a version.
pub async fn must_not_know(state: &Path) -> Result<(), Failure> {
    let shown = state.display().to_string();
    // The last commit of this branch in which it was there.
    let Some(commit) = git(&["log", "-1", "--diff-filter=ACMRT", "--format=%h", "--", &shown]).await else { return Ok(()) };
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    if commit.is_empty() {
        return Ok(());
    }
    let Some(bytes) = git(&["show", &format!("{commit}:./{shown}")]).await else { return Ok(()) };
    let objects = format::read(&bytes, &shown).map(|state| state.records.len() + state.deposed.len());
    if objects == Ok(0) {
        return Ok(());
    }
    let knows = objects.map_or_else(|_| "holds it".to_owned(), |objects| format!("knows {objects} objects in it"));
    let message = format!("{shown} is missing, although the commit {commit} {knows}.");
    let hint = format!(
        "A lost state does not mean that nothing exists. Put it back: `git checkout {commit} -- {shown}`. If those objects are gone, or are \
         to be left alone, begin anew with `-new-stack`. Nothing was changed."
    );
    Err(Failure::new(Exit::Decision, vec![Diagnostic::error(message).hint(hint)]))
}

/// What git answers; nothing where it cannot.
async fn git(arguments: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::from(child::command("git"));
    command.args(arguments).env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.ok()?.ok()?;
    output.status.success().then_some(output.stdout)
}
