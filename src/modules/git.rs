//! A commit of a git repository, by the system's `git` and its credentials.
//!
//! Invariant: nothing of a repository is run, neither hooks nor filters: its blobs are read one by one, and no work tree is made.
//! Git is started without what the environment says of another repository, and only over ways that run no program.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::error::{FetchError, without_secrets};
use crate::source::GitSource;
use crate::tree::{MOST_BYTES, MOST_FILES, Packed, Tree};
use dofloat_base::child;

/// Longer than a slow host takes; where git waits for somebody who does not answer, it ends here.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A commit.
#[derive(Debug)]
pub(crate) struct Commit {
    /// Its name.
    pub(crate) id: String,
    /// Its files.
    pub(crate) tree: Tree,
}

/// Fetches a commit: the one that was locked, if there is one, else what the reference means now.
///
/// # Errors
/// If it cannot be had, is not what was locked, or must not be written.
pub(crate) async fn fetch(source: &GitSource, locked: Option<&str>) -> Result<Commit, FetchError> {
    let folder = tempfile::tempdir().map_err(|error| FetchError::new(format!("Failed to make a folder for git: {error}.")))?;
    let git = Git { folder: folder.path(), url: &source.url };
    // No template: it could hold hooks.
    git.run(&["init", "--quiet", "--bare", "--template=", "."]).await?;
    let id = match (locked, source.reference.as_deref()) {
        (Some(locked), reference) => git.locked(locked, reference).await?,
        (None, None) => git.get("HEAD").await?,
        (None, Some(reference)) => match git.get(reference).await {
            // A short name of a commit is not known by hosts, but by git where it has them all.
            Err(error) if reference.len() >= 4 && reference.chars().all(|c| c.is_ascii_hexdigit()) => {
                git.find(reference).await.map_err(|_| error)?
            }
            got => got?,
        },
    };
    git.commit(id).await
}

/// The beginning of a commit's name.
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// What of git's own environment is the user's word on how a host is reached. All else tells of another repository, or lets git
/// tell what it sends.
fn is_kept(name: &str) -> bool {
    let kept = ["GIT_CONFIG", "GIT_SSH", "GIT_ASKPASS", "GIT_SSL", "GIT_PROXY", "GIT_HTTP"];
    !name.starts_with("GIT_") || (kept.iter().any(|start| name.starts_with(start)) && name != "GIT_CONFIG")
}

struct Git<'a> {
    folder: &'a Path,
    url: &'a str,
}

impl Git<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = child::command_with("git", &is_kept);
        command.args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60", "-c", "core.hooksPath=/dev/null"]);
        command.args(["-c", "core.fsmonitor=false", "-c", "submodule.recurse=false", "-c", "protocol.ext.allow=never"]).args(args);
        // Nobody is asked in the middle of a run.
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        // A git of the user's own wins over ours, also where an address leads to another one.
        command.env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file");
        command.current_dir(self.folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        command
    }

    async fn run(&self, args: &[&str]) -> Result<Vec<u8>, FetchError> {
        let output = tokio::time::timeout(TIMEOUT, self.command(args).output()).await;
        let output = output.map_err(|_| self.failed(&format!("git did not end within {} s", TIMEOUT.as_secs())))?;
        let output = output.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => FetchError::new("The program `git`, which fetches modules, is not installed."),
            _ => FetchError::new(format!("Failed to run git: {error}.")),
        })?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.failed(&said(&output))) }
    }

    fn failed(&self, why: &str) -> FetchError {
        FetchError::new(format!("Failed to fetch {}: {why}.", self.url))
    }

    fn strange(&self, what: &str) -> FetchError {
        FetchError::new(format!("The repository {} has {what}. Nothing of it was written.", self.url))
    }

    async fn get(&self, what: &str) -> Result<String, FetchError> {
        let options = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--"];
        self.run(&[&options[..], &[self.url, what]].concat()).await?;
        self.id("FETCH_HEAD^{commit}").await
    }

    async fn find(&self, short: &str) -> Result<String, FetchError> {
        let options = ["fetch", "--quiet", "--no-recurse-submodules", "--no-auto-maintenance", "--", self.url, "+refs/*:refs/fetched/*"];
        self.run(&options).await?;
        self.id(&format!("{short}^{{commit}}")).await
    }

    async fn id(&self, what: &str) -> Result<String, FetchError> {
        let id = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", what]).await?;
        Ok(String::from_utf8_lossy(&id).trim().to_owned())
    }

    /// The commit that was locked. A branch may have gone on; a tag that means another commit now was moved by somebody.
    async fn locked(&self, locked: &str, reference: Option<&str>) -> Result<String, FetchError> {
        if let Some(reference) = reference {
            let tag = format!("refs/tags/{reference}");
            let listed = self.run(&["ls-remote", "--", self.url, &tag, &format!("{tag}^{{}}")]).await?;
            let listed = String::from_utf8_lossy(&listed).into_owned();
            // The last one is the commit, where the tag is an object of its own.
            let now = listed.lines().filter_map(|line| line.split('\t').next()).next_back().filter(|now| *now != locked);
            if let Some(now) = now {
                let (was, now) = (short(locked), short(now));
                return Err(changed(format!(
                    "The tag {reference} of {} was the commit {was} when it was locked, and is {now} now.",
                    self.url
                )));
            }
        }
        match self.get(locked).await {
            Ok(id) => Ok(id),
            Err(error) => self.find(locked).await.map_err(|_| error),
        }
    }

    async fn commit(&self, id: String) -> Result<Commit, FetchError> {
        let listed = self.run(&["ls-tree", "-r", "-z", "--full-tree", &id]).await?;
        let mut blobs: BTreeMap<String, (String, bool)> = BTreeMap::new();
        for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let entry = std::str::from_utf8(entry).map_err(|_| self.strange("a file whose name is not UTF-8"))?;
            let (about, path) = entry.split_once('\t').ok_or_else(|| self.strange("an entry without a name"))?;
            let about: Vec<&str> = about.split(' ').collect();
            let &[mode, kind, object] = about.as_slice() else { return Err(self.strange("an entry that git cannot read")) };
            // The repositories within the repository are not a part of it.
            if kind == "blob" {
                blobs.insert(path.to_owned(), (object.to_owned(), mode == "120000"));
            }
        }
        if blobs.len() > MOST_FILES {
            return Err(self.strange(&format!("more than {MOST_FILES} files")));
        }
        let packed = self.contents(&blobs).await?;
        let tree = Tree::unpack(packed).map_err(|what| self.strange(&what))?;
        Ok(Commit { id, tree })
    }

    /// The contents of all blobs by one child, in their order.
    async fn contents(&self, blobs: &BTreeMap<String, (String, bool)>) -> Result<BTreeMap<String, Packed>, FetchError> {
        let failed = |error: std::io::Error| self.failed(&error.to_string());
        let mut child = self.command(&["cat-file", "--batch"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(self.strange("nothing that can be read"));
        };
        let asked: String = blobs.values().map(|(object, _)| format!("{object}\n")).collect();
        let mut all = Vec::new();
        let most = (MOST_BYTES + 100 * MOST_FILES) as u64;
        let write = async {
            // A child that ends early is noticed by what it leaves out.
            let _ = stdin.write_all(asked.as_bytes()).await;
            drop(stdin);
        };
        let mut stdout = stdout.take(most);
        let (_, read) = tokio::join!(write, stdout.read_to_end(&mut all));
        read.map_err(failed)?;
        let (mut packed, mut rest) = (BTreeMap::new(), all.as_slice());
        for (path, (_, is_link)) in blobs {
            let damaged = || self.strange(&format!("more than {} MiB, or {path:?} cannot be read", MOST_BYTES >> 20));
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
            let size = std::str::from_utf8(&rest[..end]).ok().and_then(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
            let content = size.and_then(|size| rest.get(end + 1..(end + 1).checked_add(size)?)).ok_or_else(damaged)?;
            rest = rest.get(end + content.len() + 2..).ok_or_else(damaged)?;
            let what = if *is_link {
                Packed::Link(String::from_utf8(content.to_vec()).map_err(|_| self.strange("a link whose target is not UTF-8"))?)
            } else {
                Packed::File(content.to_vec())
            };
            packed.insert(path.clone(), what);
        }
        Ok(packed)
    }
}

/// The error about something that is not what was locked.
pub(crate) fn changed(message: String) -> FetchError {
    FetchError::new(message).hint("Look at what has changed. `dofloat init -upgrade` then takes what is there now.")
}

/// What git said last, without its own word for it, and without the addresses that may hold a password.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().rev().find(|line| line.starts_with("fatal:") || line.starts_with("error:")).or(text.lines().last());
    let Some(line) = line else { return format!("git ended with {}", output.status) };
    let line = line.trim_start_matches("fatal: ").trim_start_matches("error: ").trim_end_matches('.');
    line.split(' ').map(without_secrets).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_is_told_how_hosts_are_reached_and_of_no_other_repository() {
        for kept in ["PATH", "HOME", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_SSL_CAINFO"] {
            assert!(is_kept(kept), "{kept}");
        }
        for gone in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_TRACE_CURL",
            "GIT_EXEC_PATH",
            "GIT_TEMPLATE_DIR",
            "GIT_CONFIG",
            "GIT_ALLOW_PROTOCOL",
        ] {
            assert!(!is_kept(gone), "{gone}");
        }
    }
}
