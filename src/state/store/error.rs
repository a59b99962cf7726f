//! Why a state cannot be used, and what the user is told when it cannot be read, written or trusted.
//!
//! Invariant: every message names the file, the cause, and a way on; none of them suggests that objects do not exist.
//! It must not read or write anything.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::time::Duration;

use dofloat_base::diag::Diagnostic;

use super::paths::Paths;

/// The exit that an error calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitClass {
    /// 1: it failed.
    Failed,
    /// 3: somebody else holds the lock.
    Locked,
    /// 4: a person must decide.
    Decision,
}

/// Why the state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The system or the file's content forbids it.
    Failed(Box<Diagnostic>),
    /// Somebody else has the lock.
    Held {
        /// Who, as they wrote it; `None` if it is only read.
        holder: Option<String>,
        /// How long it was waited for.
        waited: Duration,
        /// Whether the lock outlives its process.
        lasting: bool,
    },
    /// State and journal do not belong together.
    Mismatch(Box<Diagnostic>),
    /// There was a state, and it is gone.
    Lost(Box<Diagnostic>),
}

impl StoreError {
    /// The exit that it calls for.
    #[must_use]
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Failed(_) => ExitClass::Failed,
            Self::Held { .. } => ExitClass::Locked,
            Self::Mismatch(_) | Self::Lost(_) => ExitClass::Decision,
        }
    }

    /// The messages for the user.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Failed(diagnostic) | Self::Mismatch(diagnostic) | Self::Lost(diagnostic) => vec![Diagnostic::clone(diagnostic)],
            Self::Held { holder, waited, lasting } => {
                let who = who(holder.as_deref());
                let waited = if waited.is_zero() { String::new() } else { format!(" Waited {} s.", waited.as_secs()) };
                let wait = "Wait until that run has ended, or let dofloat wait with `-lock-timeout=5m`.";
                let end = if *lasting {
                    "If it was killed, run the same command in that clone again: it continues where it stopped. If that clone is \
                     lost, `dofloat unlock` releases the lock."
                } else {
                    "A lock ends with its process."
                };
                vec![Diagnostic::error(format!("The state is locked {who}.{waited}")).hint(format!("{wait} {end}"))]
            }
        }
    }
}

/// Who holds a lock, by their note.
pub(super) fn who(holder: Option<&str>) -> String {
    match holder.map(str::trim) {
        Some("") => "by another dofloat".to_owned(),
        Some(holder) => format!("by {holder}"),
        None => "by a plan in progress".to_owned(),
    }
}

/// The system refused something.
pub(super) fn failed(doing: &str, path: &Path, error: &Error) -> StoreError {
    let path = path.display();
    let (cause, hint) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ("the disk is full".to_owned(), "Free some space on that disk."),
        ErrorKind::PermissionDenied => ("permission is denied".to_owned(), "Change the permissions, or run as a user who may write there."),
        ErrorKind::ReadOnlyFilesystem => ("the file system is read-only".to_owned(), "Use a folder that is writable."),
        ErrorKind::NotFound => ("its folder does not exist".to_owned(), "Restore the folder: it contains the state."),
        ErrorKind::IsADirectory => ("it is a folder".to_owned(), "Move that folder away."),
        _ => (error.to_string(), "Check the disk."),
    };
    StoreError::Failed(Box::new(Diagnostic::error(format!("Failed to {doing} {path}: {cause}.")).hint(hint)))
}

/// A file was removed while we held it.
pub(super) fn vanished(path: &Path) -> StoreError {
    let message = format!("{} was removed while a run was writing it.", path.display());
    StoreError::Failed(Box::new(
        Diagnostic::error(message).hint("No further operation is started. Do not touch state and journal while dofloat is running."),
    ))
}

/// The journal would not be one that can be replayed.
pub(super) fn misuse(path: &Path, why: &str) -> StoreError {
    let message = format!("Nothing was written to {}: {why}.", path.display());
    StoreError::Failed(Box::new(
        Diagnostic::error(message).hint("This is a bug in dofloat; please report it. The files on disk are intact."),
    ))
}

/// The state is another stack's.
pub(super) fn other_lineage(path: &Path, there: &str, wanted: &str) -> StoreError {
    let message = format!("{} is the state of another stack: its lineage is {there}, not {wanted}.", path.display());
    StoreError::Mismatch(Box::new(
        Diagnostic::error(message).hint("Restore this stack's own state, or make a new plan. Nothing was changed."),
    ))
}

/// The state file changed at each look.
pub(super) fn unstable(path: &Path) -> StoreError {
    let message = format!("{} changes every time it is read.", path.display());
    StoreError::Failed(Box::new(Diagnostic::error(message).hint("Another program keeps writing it. Stop that program, and try again.")))
}

/// The journal starts from another state.
pub(super) fn mismatch(state: &Path, journal: &Path) -> StoreError {
    let (state, journal) = (state.display(), journal.display());
    let hint = format!(
        "The journal is of an interrupted run, and knows objects that this state may lack. Restore the {state} that the run started \
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
        "A lost state does not mean that nothing exists. Restore its last version, for example with `git checkout -- {state}`. If it is \
         lost for good, or everything was deleted on purpose, move {witness} away as well; `dofloat plan` then lists what still carries this stack's mark. Nothing was changed."
    );
    StoreError::Lost(Box::new(Diagnostic::error(message).hint(hint)))
}

/// A shared state and its working copy have both moved on.
pub(super) fn diverged(paths: &Paths, place: &str) -> StoreError {
    let folder = folder(paths);
    let hint = format!(
        "A run of this clone was never published, and meanwhile somebody unlocked the state and applied. The published state counts. Move \
         {folder} away, keep it, and run `dofloat plan`: it lists what that run created (it carries this stack's mark and is not in the state), to be imported or deleted. Nothing was changed."
    );
    StoreError::Mismatch(Box::new(
        Diagnostic::error(format!("{folder} and {place} have diverged: both have changed since they were the same.")).hint(hint),
    ))
}

/// Somebody freed the lock while we held it.
pub(super) fn broken_lock(paths: &Paths, place: &str, now: Option<String>) -> StoreError {
    let folder = folder(paths);
    let now = now.map_or_else(String::new, |note| format!(" It is held by {note} now."));
    let hint = format!(
        "So nothing was published. Everything that this run did is in {folder}. When nobody holds the lock, run `dofloat apply` \
         again: it publishes that, or says why it cannot."
    );
    StoreError::Mismatch(Box::new(Diagnostic::error(format!("Somebody unlocked {place} while this run was in progress.{now}")).hint(hint)))
}

/// The error if the result of a run could not be published.
pub(super) fn unpublished(error: StoreError, paths: &Paths, place: &str) -> StoreError {
    let StoreError::Failed(mut diagnostic) = error else { return error };
    let why = diagnostic.hint.take().unwrap_or_default();
    let hint = format!(
        "{why} Nothing is lost: what this run did is in {}, and the lock stays with it. When that is fixed, run `dofloat apply` here \
         again: it publishes that first.",
        folder(paths)
    );
    diagnostic.message = format!("Failed to publish the state to {place}. {}", diagnostic.message);
    diagnostic.hint = Some(hint.trim().to_owned());
    StoreError::Failed(diagnostic)
}

/// Git, or the host behind it, refused something.
pub(super) fn from_git(place: &str, doing: &str, why: &str) -> StoreError {
    let message = format!("Failed to {doing} {place}: {}.", why.trim_end_matches('.'));
    let hint = if why.contains("not a git repository") {
        "The backend \"git\" works in a clone: run dofloat there, or remove the \"backend\" block."
    } else if why.contains("protected branch") || why.contains("hook declined") || why.contains("pre-receive") {
        "The host refuses pushes to that branch: allow them (but no force-pushes), and allow the lock's branch to be created and deleted."
    } else if why.contains("could not read Username") || why.contains("Authentication failed") || why.contains("Permission denied") {
        "dofloat uses git's own credentials and never asks: make sure that `git push` works here without a prompt."
    } else {
        "Check that `git fetch` and `git push` work here."
    };
    StoreError::Failed(Box::new(Diagnostic::error(message).hint(hint)))
}

/// Why a server did not do what a bucket's object was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such object.
    Absent,
    /// There is no such bucket.
    Bucket,
    /// The key may not do that.
    Denied,
    /// The key is none, or does not fit its identity.
    Keys(String),
    /// The key has ended.
    Expired,
    /// The bucket is in another region: in this one, if that was said.
    Region(Option<String>),
    /// The clocks differ too much.
    Skewed,
    /// It does not know conditions, or says so.
    Unable,
    /// It has too much to do, or broke.
    Busy(String),
    /// It did not answer in time.
    Silent,
    /// It could not be reached.
    Unreachable(String),
    /// It was reached, and is not trusted.
    Untrusted(String),
    /// The connection ended in the middle.
    Cut(String),
    /// The object changed at each look.
    Restless,
    /// Anything else.
    Other(String),
}

impl Refusal {
    /// Classifies an answer by its status and the code in its body.
    pub(super) fn from_answer(status: Option<u16>, code: &str, region: Option<String>) -> Self {
        let said = || match (status, code) {
            (Some(status), "") => format!("it answers {status}, and not like S3"),
            (Some(status), code) => format!("it answers {status}, {code}"),
            (None, _) => "its answer cannot be parsed".to_owned(),
        };
        match (code, status.unwrap_or_default()) {
            ("NoSuchKey", _) => Self::Absent,
            ("NoSuchBucket", _) => Self::Bucket,
            ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidSecurity" | "AuthFailure", _) => Self::Keys(code.to_owned()),
            ("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired", _) => Self::Expired,
            ("AuthorizationHeaderMalformed" | "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException", _)
            | (_, 301 | 307) => Self::Region(region),
            ("RequestTimeTooSkewed", _) => Self::Skewed,
            ("NotImplemented", _) | (_, 501) => Self::Unable,
            ("SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout", _) | (_, 429 | 500 | 502..=504) => Self::Busy(said()),
            (_, 401 | 403) => Self::Denied,
            _ => Self::Other(said()),
        }
    }

    /// Whether it may be otherwise a little later.
    pub(super) fn passes(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Silent | Self::Unreachable(_) | Self::Cut(_))
    }
}

/// A bucket's server refused something, or could not be asked.
pub(super) fn from_bucket(place: &str, server: &str, variables: &str, doing: &str, refusal: &Refusal) -> StoreError {
    let (why, hint) = match refusal {
        Refusal::Absent => ("it is not there".to_owned(), "Run the command again.".to_owned()),
        Refusal::Bucket => (
            format!("there is no such bucket at {server}"),
            "Check `bucket` and `region` in the \"backend\" block. dofloat does not create buckets: create it yourself, private and \
             with versioning."
                .to_owned(),
        ),
        Refusal::Denied => (
            "access is denied".to_owned(),
            format!(
                "The key in {variables} must be allowed to get and to put this object, and to list the bucket: otherwise a missing \
                 object looks like a forbidden one."
            ),
        ),
        Refusal::Keys(code) => (
            format!("{server} does not accept the key ({code})"),
            format!("Check {variables}: both must belong to the same key, be complete, and be created for that service."),
        ),
        Refusal::Expired => ("the key has expired".to_owned(), format!("Set a new one in {variables}.")),
        Refusal::Region(region) => (
            match region {
                Some(region) => format!("the bucket is in the region {region}"),
                None => format!("the bucket is in another region than {server} serves"),
            },
            "Set `region` in the \"backend\" block to the bucket's own.".to_owned(),
        ),
        Refusal::Skewed => ("this machine's clock and the server's differ too much".to_owned(), "Set the clock.".to_owned()),
        Refusal::Unable => ("the server does not know conditional writes".to_owned(), UNCONDITIONAL.to_owned()),
        Refusal::Busy(why) => (why.clone(), "The service has a problem. Try again later.".to_owned()),
        Refusal::Silent => (format!("{server} does not answer in time"), "Check the network, and try again.".to_owned()),
        Refusal::Unreachable(why) => (
            format!("{server} cannot be reached ({why})"),
            "Check the network, and `region` or `endpoint` in the \"backend\" block.".to_owned(),
        ),
        Refusal::Untrusted(why) => (
            format!("the connection to {server} is not trusted ({why})"),
            "If there is a proxy of yours in between, name its root certificates in DOFLOAT_CA_FILE. If not, it is not that service \
             that answers."
                .to_owned(),
        ),
        Refusal::Cut(why) => (format!("the connection to {server} broke off ({why})"), "Try again.".to_owned()),
        Refusal::Restless => ("it changes every time it is read".to_owned(), "Others are using it. Try again.".to_owned()),
        Refusal::Other(why) => {
            (format!("{server} refused: {why}"), "Check that `endpoint` in the \"backend\" block is that of an S3 service.".to_owned())
        }
    };
    StoreError::Failed(Box::new(Diagnostic::error(format!("Failed to {doing} {place}: {why}.")).hint(hint)))
}

const UNCONDITIONAL: &str = "Without conditional writes two runs could both believe that they hold the lock, so nothing was started. \
                             Keep the state at a service that has them, such as Amazon S3, or use the backend \"git\".";

/// A server ignores the conditions of a write.
pub(super) fn unconditional(place: &str, server: &str) -> StoreError {
    let message = format!("{server} ignores the conditions under which {place} is written.");
    StoreError::Failed(Box::new(Diagnostic::error(message).hint(UNCONDITIONAL)))
}

/// Why an object is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It is Terraform's.
    Terraform,
    /// A newer dofloat wrote it.
    Newer,
    /// It is another stack's.
    Stack(String),
    /// It is nothing that dofloat wrote.
    Unknown(String),
}

/// The error if the object is not this stack's.
pub(super) fn foreign(place: &str, stack: &str, why: Foreign) -> StoreError {
    let (message, hint) = match why {
        Foreign::Terraform => (
            format!("{place} is a Terraform state."),
            format!(
                "Give dofloat a `key` of its own in the \"backend\" block. Import what Terraform's state knows with `terraform state \
                 pull > terraform.tfstate` and `dofloat import -tfstate terraform.tfstate {stack}`."
            ),
        ),
        Foreign::Newer => (format!("{place} was written by a newer dofloat."), "Use that one.".to_owned()),
        Foreign::Stack(other) => (
            format!("{place} is the state of the stack `{other}`, not of `{stack}`."),
            "Give each stack a `key` of its own in its \"backend\" block.".to_owned(),
        ),
        Foreign::Unknown(why) => (
            format!("{place} is not what dofloat wrote: {why}."),
            "If it is something else, choose another `key`. If it was damaged, restore its last version: with versioning, the bucket \
             still has it."
                .to_owned(),
        ),
    };
    StoreError::Mismatch(Box::new(Diagnostic::error(message).hint(format!("{hint} Nothing was changed."))))
}

/// There was a shared state when this clone looked last, and now there is none.
pub(super) fn lost_shared(paths: &Paths, place: &str, base: &Path) -> StoreError {
    let (folder, base) = (folder(paths), base.display());
    let hint = format!(
        "A lost state does not mean that nothing exists. Restore its last version there (a bucket with versioning and a git repository's \
         reflog have it). If they do not: this clone's copy, in {folder}, is as it was last read; delete {base}, and the next apply publishes it. If it was deleted on purpose, move {folder} away. Nothing was changed."
    );
    StoreError::Lost(Box::new(Diagnostic::error(format!("The state no longer exists in {place}.")).hint(hint)))
}

fn folder(paths: &Paths) -> String {
    paths.state.parent().map_or_else(|| "the working copy".to_owned(), |folder| folder.display().to_string())
}
