//! A branch of a git repository as the place of a shared state, by the system's `git` and its credentials.
//!
//! Invariant: the user's work tree, index and branches are not touched: objects, private references below `refs/dofloat/`,
//! and pushes. The lock is a branch of its own that must not exist when it is pushed, which every host decides atomically.
//! No credential passes through here. It must not know what the files hold.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use async_trait::async_trait;

use super::backend::{Backend, LockInfo, Published, Snapshot};
use super::error::{StoreError, from_git};
use super::working::{ENDINGS, Files};
use dofloat_base::child;

/// A branch, and a stack in it.
#[derive(Clone, Debug)]
pub struct Git {
    /// The remote's name, or its address.
    pub remote: String,
    /// The branch.
    pub branch: String,
    /// The stack.
    pub stack: String,
}

/// The signal of Ctrl-C.
const SIGINT: i32 = 2;

/// Longer than a slow host takes; where git waits for somebody who does not answer, it ends here.
const TIMEOUT: Duration = Duration::from_secs(120);

#[async_trait]
impl Backend for Git {
    fn name(&self) -> String {
        format!("the branch {} of {}", self.branch, without_password(&self.remote))
    }

    async fn fetch(&self) -> Result<Snapshot, StoreError> {
        const TRIES: usize = 10;
        let folder = self.folder().await?;
        for _ in 0..TRIES {
            if let Some(snapshot) = self.fetch_once(&folder).await? {
                return Ok(snapshot);
            }
        }
        Err(from_git(&self.name(), "read", "it changes every time it is read"))
    }

    async fn new_lock_id(&self, note: &str) -> Result<String, StoreError> {
        let tree = self.git(&["mktree"], &[], &[]).await?;
        // Two locks of the same second by the same person must be two commits.
        let message = format!("{note}\n\n{}\n", uuid::Uuid::new_v4());
        self.commit(tree.trim(), None, &message).await
    }

    async fn try_lock(&self, id: &str, _: &str) -> Result<bool, StoreError> {
        const TRIES: usize = 3;
        let lock = self.lock_ref();
        let mut why = String::new();
        for _ in 0..TRIES {
            let output = self.push(&[&format!("--force-with-lease={lock}:")], &[&format!("{id}:{lock}")]).await?;
            if output.status.success() {
                return Ok(true);
            }
            // An answer that was lost may have been a yes.
            match self.fetch().await?.lock {
                Some(holding) => return Ok(holding.id == id),
                None => why = message(&output),
            }
        }
        Err(from_git(&self.name(), "lock", &why))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        let lock = self.lock_ref();
        let output = self.push(&[&format!("--force-with-lease={lock}:{id}")], &[&format!(":{lock}")]).await?;
        if output.status.success() || self.fetch().await?.lock.is_none_or(|holding| holding.id != id) {
            return Ok(());
        }
        Err(from_git(&self.name(), "unlock", &message(&output)))
    }

    /// Commits the files upon the version and pushes that, together with the end of the lock.
    async fn publish(&self, files: &Files, on: &Snapshot, id: Option<&str>, scratch: &Path) -> Result<Published, StoreError> {
        let commit = self.commit_files(files, &on.version, scratch).await?;
        let (branch, lock) = (self.branch_ref(), self.lock_ref());
        let leases = [
            Some(format!("--force-with-lease={branch}:{}", on.version)),
            id.map(|id| format!("--force-with-lease={lock}:{id}")),
            id.map(|_| "--atomic".to_owned()),
        ];
        let leases: Vec<&str> = leases.iter().flatten().map(String::as_str).collect();
        let change = format!("{commit}:{branch}");
        let end = format!(":{lock}");
        let both: Vec<&str> = std::iter::once(change.as_str()).chain(id.map(|_| end.as_str())).collect();
        let mut output = self.push(&leases, &both).await?;
        if !output.status.success() && message(&output).contains("does not support --atomic") {
            // Two steps, then: the lock is looked at before, and freed after.
            if self.fetch().await?.lock.map(|holding| holding.id).as_deref() != id {
                return Ok(Published::Moved);
            }
            output = self.push(&leases[..1], &both[..1]).await?;
            if output.status.success()
                && let Some(id) = id
            {
                self.unlock(id).await?;
            }
        }
        if output.status.success() {
            return Ok(Published::Done);
        }
        let now = self.fetch().await?;
        if now.version == commit {
            // It was done, and the answer was lost.
            if let Some(id) = id {
                self.unlock(id).await?;
            }
            return Ok(Published::Done);
        }
        let locked = now.lock.map(|holding| holding.id);
        if now.version != on.version || (id.is_some() && locked.as_deref() != id) {
            return Ok(Published::Moved);
        }
        Err(from_git(&self.name(), "push to", &message(&output)))
    }
}

impl Git {
    fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    fn lock_ref(&self) -> String {
        format!("refs/heads/{}-lock/{}", self.branch, escaped(&self.stack))
    }

    fn private_ref(&self, what: &str) -> String {
        format!("refs/dofloat/{}/{what}", escaped(&self.stack))
    }

    /// The folder of the files in the branch: as they would lie in the work tree.
    async fn folder(&self) -> Result<String, StoreError> {
        let prefix = self.git(&["rev-parse", "--show-prefix"], &[], &[]).await?;
        Ok(format!("{}state/{}.", prefix.trim_end(), self.stack))
    }

    /// None if what was listed was gone when it was fetched: others take and free locks.
    async fn fetch_once(&self, folder: &str) -> Result<Option<Snapshot>, StoreError> {
        let (branch, lock) = (self.branch_ref(), self.lock_ref());
        let listed = self.git(&["ls-remote", "--refs", "--", &self.remote, &branch, &lock], &[], &[]).await?;
        let find = |name: &str| listed.lines().filter_map(|line| line.split_once('\t')).find(|(_, found)| *found == name).map(|(id, _)| id);
        let mut wanted = Vec::new();
        let (has_branch, has_lock) = (find(&branch).is_some(), find(&lock).is_some());
        if has_branch {
            wanted.push(format!("+{branch}:{}", self.private_ref("state")));
        }
        if has_lock {
            wanted.push(format!("+{lock}:{}", self.private_ref("lock")));
        }
        if wanted.is_empty() {
            return Ok(Some(Snapshot::default()));
        }
        let mut args = vec!["-c", "fetch.prune=false", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap="];
        args.extend(["--no-recurse-submodules", "--no-auto-maintenance", "--", &self.remote]);
        args.extend(wanted.iter().map(String::as_str));
        let output = self.run(&args, &[], &[]).await?;
        if !output.status.success() {
            let why = message(&output);
            let passing = ["couldn't find remote ref", "not our ref", "cannot lock ref"].iter().any(|words| why.contains(words));
            return if passing { Ok(None) } else { Err(from_git(&self.name(), "read", &why)) };
        }
        let mut snapshot = Snapshot::default();
        if has_branch {
            self.git(&["rev-parse", "--verify", &self.private_ref("state")], &[], &[]).await?.trim().clone_into(&mut snapshot.version);
            snapshot.files = self.files(&snapshot.version, folder).await?;
        }
        if has_lock {
            let id = self.git(&["rev-parse", "--verify", &self.private_ref("lock")], &[], &[]).await?.trim().to_owned();
            let note = self.git(&["log", "-1", "--format=%s", &id], &[], &[]).await?.trim().to_owned();
            snapshot.lock = Some(LockInfo { id, note, own: false });
        }
        Ok(Some(snapshot))
    }

    async fn files(&self, commit: &str, folder: &str) -> Result<Files, StoreError> {
        let paths = ENDINGS.map(|ending| format!("{folder}{ending}"));
        let mut args = vec!["ls-tree", "-z", "--full-tree", commit, "--"];
        args.extend(paths.iter().map(String::as_str));
        let listed = self.git(&args, &[], &[]).await?;
        let mut files = Files::new();
        for line in listed.split('\0') {
            let Some((object, path)) = line.split_once('\t') else { continue };
            let (Some(ending), Some(id)) = (path.strip_prefix(folder), object.split(' ').nth(2)) else { continue };
            let output = self.run(&["cat-file", "blob", id], &[], &[]).await?;
            if !output.status.success() {
                return Err(from_git(&self.name(), &format!("read {path} in"), &message(&output)));
            }
            files.insert(ending.to_owned(), output.stdout);
        }
        Ok(files)
    }

    async fn commit(&self, tree: &str, parent: Option<&str>, message: &str) -> Result<String, StoreError> {
        let mut args = Vec::new();
        // Whoever has told git no name still can lock.
        if !self.run(&["var", "GIT_COMMITTER_IDENT"], &[], &[]).await?.status.success() {
            args.extend(["-c", "user.name=dofloat", "-c", "user.email=dofloat@localhost"]);
        }
        args.extend(["commit-tree", tree]);
        args.extend(parent.iter().flat_map(|parent| ["-p", parent]));
        Ok(self.git(&args, message.as_bytes(), &[]).await?.trim().to_owned())
    }

    async fn commit_files(&self, files: &Files, on: &str, index: &Path) -> Result<String, StoreError> {
        let folder = self.folder().await?;
        let index = std::path::absolute(index).unwrap_or_else(|_| index.to_owned());
        let with = [("GIT_INDEX_FILE", index)];
        self.git(&["read-tree", if on.is_empty() { "--empty" } else { on }], &[], &with).await?;
        let mut lines = String::new();
        for ending in ENDINGS {
            match files.get(ending) {
                Some(bytes) => {
                    let id = self.git(&["hash-object", "-w", "--stdin"], bytes, &[]).await?;
                    lines.push_str(&format!("100644 {}\t{folder}{ending}\0", id.trim()));
                }
                None if on.is_empty() => {}
                None => lines.push_str(&format!("0 {}\t{folder}{ending}\0", "0".repeat(on.len()))),
            }
        }
        self.git(&["update-index", "-z", "--index-info"], lines.as_bytes(), &with).await?;
        let tree = self.git(&["write-tree"], &[], &with).await?;
        let what = if files.contains_key("journal") { "an interrupted run" } else { "applied" };
        let parent = Some(on).filter(|on| !on.is_empty());
        let commit = self.commit(tree.trim(), parent, &format!("{}: {what}\n", self.stack)).await?;
        self.git(&["update-ref", &self.private_ref("local"), &commit], &[], &[]).await?;
        Ok(commit)
    }

    async fn push(&self, options: &[&str], refs: &[&str]) -> Result<Output, StoreError> {
        let mut args = vec!["-c", "push.followTags=false", "-c", "push.gpgSign=false", "push", "--porcelain", "--no-verify"];
        args.extend(["--recurse-submodules=no"]);
        args.extend(options);
        args.extend(["--", &self.remote]);
        args.extend(refs);
        self.run(&args, &[], &[]).await
    }

    /// The output of git.
    async fn git(&self, args: &[&str], input: &[u8], with: &[(&str, PathBuf)]) -> Result<String, StoreError> {
        let output = self.run(args, input, with).await?;
        if !output.status.success() {
            let what = args.iter().find(|word| !word.starts_with('-') && !word.contains('=')).copied().unwrap_or_default();
            return Err(from_git(&self.name(), &format!("use (git {what})"), &message(&output)));
        }
        String::from_utf8(output.stdout).map_err(|_| from_git(&self.name(), "read", "what git printed is not UTF-8"))
    }

    /// Runs git; anew where Ctrl-C ended it, which a terminal sends to children too. Whoever heeds it does not wait for this.
    async fn run(&self, args: &[&str], input: &[u8], with: &[(&str, PathBuf)]) -> Result<Output, StoreError> {
        const TRIES: usize = 3;
        let mut output = self.run_once(args, input, with).await?;
        for _ in 1..TRIES {
            if output.status.signal() != Some(SIGINT) {
                break;
            }
            output = self.run_once(args, input, with).await?;
        }
        Ok(output)
    }

    async fn run_once(&self, args: &[&str], input: &[u8], with: &[(&str, PathBuf)]) -> Result<Output, StoreError> {
        let mut command = Command::from(child::command("git"));
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // Nobody is asked in the middle of a run; what a hook set for its own git is not meant for ours.
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").env_remove("GIT_INDEX_FILE").env_remove("GIT_PREFIX");
        command.envs(with.iter().map(|(name, value)| (name, value)));
        let fail = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => from_git(&self.name(), "use", "`git` is not installed"),
            _ => from_git(&self.name(), "use", &error.to_string()),
        };
        let mut child = command.spawn().map_err(fail)?;
        let mut stdin = child.stdin.take();
        let work = async {
            if let Some(mut stdin) = stdin.take() {
                // One that ends before it has read everything says why itself.
                let _ = stdin.write_all(input).await;
            }
            child.wait_with_output().await
        };
        match tokio::time::timeout(TIMEOUT, work).await {
            Ok(output) => output.map_err(fail),
            Err(_) => Err(from_git(&self.name(), "reach", &format!("git did not end within {} s", TIMEOUT.as_secs()))),
        }
    }
}

/// An address without the password that somebody may have written into it.
fn without_password(remote: &str) -> String {
    match (remote.find("://"), remote.find('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}{}", &remote[..scheme + 3], &remote[at + 1..]),
        _ => remote.to_owned(),
    }
}

/// A stack's name as a part of a reference.
fn escaped(stack: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    stack.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What git answered, in one line, without the addresses that may hold a password.
fn message(output: &Output) -> String {
    let text = [&output.stderr[..], &output.stdout[..]].map(String::from_utf8_lossy).concat();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:") && *line != "Done");
    let line = lines.map(|line| line.split(' ').map(without_password).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("; ");
    if line.is_empty() { format!("git ended with {}", output.status) } else { line }
}
