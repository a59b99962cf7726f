//! What git, and this clone, remember of a state: that it is missing here, or that it was newer once.
//!
//! Invariant: reads the repository that the folder lies in, if it does and there is a git; touches nothing, asks nobody, and
//! takes no longer than a few seconds. Where git cannot tell, it counts as knowing nothing.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::exit::{Exit, Failure};
use super::stack::Place;
use super::store;
use crate::base::child;
use crate::base::diag::Diagnostic;
use crate::base::readable;
use crate::state::State;
use crate::state::format;

/// How long git may take for each question.
const LIMIT: Duration = Duration::from_secs(10);

/// How much of a commit's identity is shown.
const SHORT: usize = 10;

/// How many commits are looked at, the newest first.
const COMMITS: &str = "--max-count=64";

/// Refuses to take a missing state for a new stack where its last committed version knows objects.
///
/// # Errors
/// If there is such a version.
pub async fn must_not_know(state: &Path) -> Result<(), Failure> {
    let shown = state.display().to_string();
    // The last commit of this branch in which it was there.
    let Some(commit) = git(&["log", "-1", "--diff-filter=ACMRT", "--format=%h", "--", &shown], "").await else { return Ok(()) };
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    if commit.is_empty() {
        return Ok(());
    }
    let Some(bytes) = git(&["show", &format!("{commit}:./{shown}")], "").await else { return Ok(()) };
    let objects = format::read(&bytes, &shown).map(|state| state.records.len() + state.deposed.len());
    if objects == Ok(0) {
        return Ok(());
    }
    let knows = objects.map_or_else(|_| "holds it".to_owned(), |objects| format!("knows {objects} objects in it"));
    let message = format!("{shown} is missing, although the commit {commit} {knows}.");
    let hint = format!(
        "A lost state does not mean that nothing exists. Restore it: `git checkout {commit} -- {shown}`. If those objects no longer \
         exist, or should be left alone, start a new stack with `-new-stack`. Nothing was changed."
    );
    Err(Failure::new(Exit::Decision, vec![Diagnostic::error(message).hint(hint)]))
}

/// What is told of a stack that has no state, where one of Terraform's with objects lies beside its files: to make all of them
/// anew is hardly what is wanted.
#[must_use]
pub fn terraform_state(place: &Place) -> Option<Diagnostic> {
    let path = place.terraform_state()?;
    let json: serde_json::Value = serde_json::from_slice(&readable::read_given(&path).ok()?).ok()?;
    let managed = json["resources"].as_array()?.iter().filter(|resource| resource["mode"] == "managed");
    let objects: usize = managed.map(|resource| resource["instances"].as_array().map_or(0, Vec::len)).sum();
    let (shown, name) = (path.display(), &place.name);
    (objects > 0).then(|| {
        Diagnostic::error(format!("The stack `{name}` has no state, and {shown} beside it is a state of Terraform with {objects} objects."))
            .hint(format!(
                "`dofloat import -tfstate={shown} {name}` takes them over. Without that all would be made a second time, which \
                 `-new-stack` says is wanted."
            ))
    })
}

/// A version of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its serial.
    pub serial: u64,
    /// Who has it, and how to get it.
    known: SerialSource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum SerialSource {
    /// A commit, and by which reference it is reached.
    Commit { id: String, reference: String },
    /// This clone has seen it.
    Seen,
}

/// The newest version of a lineage that is known: to any commit that a reference leads to, the branch of a shared state
/// included, or to this clone, which has seen this serial.
pub async fn newest(place: &Place, seen: Option<u64>, lineage: &str) -> Option<Version> {
    let seen = seen.map(|serial| Version { serial, known: SerialSource::Seen });
    let committed = if place.is_simulated() { None } else { committed(&place.file_in_git(), lineage).await };
    // Of two that are alike, the one that can be put back.
    seen.into_iter().chain(committed).max_by_key(|version| version.serial)
}

/// Refuses a state that a newer one of the same lineage follows, of which this clone has seen this serial. Given is the serial of
/// the newer one where that is given up;
/// then the serial that what comes next must have at least, so that it is the newest again.
///
/// # Errors
/// If there is a newer one, and it is not given up.
pub async fn must_be_newest(place: &Place, seen: Option<u64>, state: &State, given_up: Option<u64>) -> Result<Option<u64>, Failure> {
    let Some(newer) = newest(place, seen, &state.lineage).await.filter(|newest| newest.serial > state.serial) else { return Ok(None) };
    match given_up {
        Some(given_up) if given_up >= newer.serial => Ok(Some(given_up + 1)),
        _ => {
            let whose = if store::is_shared(place) { format!("The shared state of the stack {}", place.name) } else { shown(place) };
            let way_out = format!("To give up the newer one and everything in it, use `-accept-older-state={}`.", newer.serial);
            Err(older(&whose, state.serial, &newer, place, &way_out))
        }
    }
}

/// The error about an older state.
pub fn older(whose: &str, serial: u64, newer: &Version, place: &Place, way_out: &str) -> Failure {
    let file = place.file_in_git();
    let (who, back) = match &newer.known {
        SerialSource::Seen => {
            ("this clone has seen".to_owned(), "Restore the newer one: from a branch, a backup, or whoever applied last.".to_owned())
        }
        SerialSource::Commit { id, .. } if store::is_shared(place) => (
            format!("the commit {id} has"),
            format!("Restore the newer one: push that commit to the branch again, or `git show {id}:./{file}` and `dofloat state push`."),
        ),
        SerialSource::Commit { id, reference } => {
            let branch = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/remotes/"));
            let of = branch.map(|branch| format!(" of {branch}")).unwrap_or_default();
            let merge = branch.map(|branch| format!(", or merge {branch} if you are on another branch")).unwrap_or_default();
            (format!("the commit {id}{of} has"), format!("Restore the newer one: `git checkout {id} -- {file}`{merge}."))
        }
    };
    let message = format!("{whose} has the serial {serial}, and {who} {} already: it is an older state.", newer.serial);
    let hint = format!(
        "What was created since is not in it, and would be created a second time or left behind. {back} {way_out} Nothing was changed."
    );
    Failure::new(Exit::Decision, vec![Diagnostic::error(message).hint(hint)])
}

fn shown(place: &Place) -> String {
    place.store().state.display().to_string()
}

/// The newest version of a lineage in the commits that any reference leads to.
async fn committed(file: &str, lineage: &str) -> Option<Version> {
    let log = ["log", "--all", "--full-history", COMMITS, "--raw", "--no-abbrev", "--no-renames", "--format=%H %S", "--", file];
    let log = String::from_utf8(git(&log, "").await?).ok()?;
    let objects = objects(&log);
    let asked = objects.iter().fold(String::new(), |mut text, (object, ..)| {
        // Writing into a text does not fail.
        let _ = writeln!(text, "{object}");
        text
    });
    if asked.is_empty() {
        return None;
    }
    let answer = git(&["cat-file", "--batch"], &asked).await?;
    let (mut rest, mut newest) = (answer.as_slice(), None::<Version>);
    for (_, id, reference) in objects {
        let Some((content, after)) = next_object(rest) else { break };
        rest = after;
        let Some((_, serial)) = content.and_then(format::version).filter(|(found, _)| found == lineage) else { continue };
        if newest.as_ref().is_none_or(|newest| newest.serial < serial) {
            let known = SerialSource::Commit { id: id.get(..SHORT).unwrap_or(id).to_owned(), reference: reference.to_owned() };
            newest = Some(Version { serial, known });
        }
    }
    newest
}

/// The objects that a log names, each with the newest commit that has it and the reference that leads there.
fn objects(log: &str) -> Vec<(&str, &str, &str)> {
    let (mut found, mut commit) = (Vec::<(&str, &str, &str)>::new(), ("", ""));
    for line in log.lines() {
        match line.strip_prefix(':') {
            None => commit = line.split_once(' ').unwrap_or(commit),
            Some(raw) => {
                let object = raw.split(' ').nth(3).filter(|object| object.bytes().any(|byte| byte != b'0'));
                found.extend(
                    object.filter(|object| !found.iter().any(|(known, ..)| known == object)).map(|object| (object, commit.0, commit.1)),
                );
            }
        }
    }
    found
}

/// The next object of `git cat-file --batch`, and what comes after it; an object that is not there has no content.
fn next_object(answer: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = (std::str::from_utf8(&answer[..end]).ok()?, &answer[end + 1..]);
    let Some(size) = line.split(' ').nth(2).and_then(|size| size.parse::<usize>().ok()) else { return Some((None, rest)) };
    Some((Some(rest.get(..size)?), rest.get(size + 1..)?))
}

/// The output of git; none if it fails.
async fn git(arguments: &[&str], input: &str) -> Option<Vec<u8>> {
    let mut command = Command::from(child::command("git"));
    command.args(arguments).env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let work = async {
        let mut child = command.spawn().ok()?;
        let mut stdin = child.stdin.take()?;
        let write = async {
            // One that ends before it has read everything says nothing worth hearing.
            let _ = stdin.write_all(input.as_bytes()).await;
            drop(stdin);
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        output.ok()
    };
    let output = tokio::time::timeout(LIMIT, work).await.ok()??;
    output.status.success().then_some(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_names_each_object_once() {
        let log = "c3 refs/heads/main\n\n:100644 100644 aa bb M\tstate/web.json\nc2 HEAD\n\n:100644 000000 aa 00 D\tstate/web.json\n\
                   c1 refs/heads/x\n\n:000000 100644 00 bb A\tstate/web.json\n:000000 100644 00 aa A\tstate/web.json\n";
        assert_eq!(objects(log), [("bb", "c3", "refs/heads/main"), ("aa", "c1", "refs/heads/x")]);
    }

    #[test]
    fn a_batch_is_read_object_by_object() {
        let (content, rest) = next_object(b"aa blob 3\nx\ny\nbb missing\ncc blob 9\nx").unwrap();
        assert_eq!(content, Some(&b"x\ny"[..]));
        let (content, rest) = next_object(rest).unwrap();
        assert_eq!(content, None);
        assert_eq!(next_object(rest), None, "it was cut short");
    }
}
