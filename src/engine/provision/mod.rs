//! A provisioner at work: a program of the configuration, here or on the server that was made.
//!
//! Invariant: it is run only if a person allowed it, and at most once: the owner of the run has its beginning on disk by now. What
//! is sensitive among its arguments is on no command line, and hides what it prints.

mod link;
mod local;
mod remote;
mod settings;

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use self::settings::Settings;
use crate::change::StepId;
use crate::work::Message;
use dofloat_base::address::Address;
use dofloat_base::clock::Clock;
use dofloat_base::diag::Diagnostic;
use dofloat_base::provision::Provisioner;

/// What is said in place of what a provisioner prints.
const HUSHED: &str = "(output suppressed due to sensitive value in config)";

/// A provisioner that is to be run.
pub(crate) struct Job {
    /// The step that made its object, or is about to destroy it.
    pub(crate) step: StepId,
    /// Whose it is.
    pub(crate) address: Address,
    /// The provisioner.
    pub(crate) provisioner: Provisioner,
    /// The stack's folder: what programs are run in, and where relative paths start.
    pub(crate) folder: PathBuf,
    /// The time.
    pub(crate) clock: Clock,
}

/// Where what is printed goes.
#[derive(Clone)]
struct Voice {
    step: StepId,
    tell: mpsc::Sender<Message>,
    hushed: bool,
}

impl Voice {
    /// Tells a line of ours.
    async fn say(&self, line: String) {
        // The owner is gone only if the whole run is.
        let _ = self.tell.send(Message::Printed { step: self.step, line }).await;
    }

    /// Tells what a program prints, line by line.
    async fn repeat(&self, from: Option<impl AsyncRead + Unpin>) {
        let Some(from) = from else { return };
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(lines.read_until(b'\n', &mut line).await, Ok(read) if read > 0) {
            if !self.hushed {
                self.say(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()).await;
            }
            line.clear();
        }
    }
}

/// Runs a provisioner, and reports how it ended.
pub(crate) async fn run(job: Job, tell: mpsc::Sender<Message>) {
    let step = job.step;
    let hushed = job.provisioner.settings.values().any(dofloat_base::value::Term::has_secret);
    let voice = Voice { step, tell: tell.clone(), hushed };
    if hushed {
        voice.say(HUSHED.to_owned()).await;
    }
    let ended = done(&job, &voice).await.map_err(|why| {
        Diagnostic::error(format!("The provisioner {} of {} failed: {why}.", job.provisioner.kind, job.address))
            .at(job.provisioner.span.clone())
            .about(&job.address)
    });
    // The owner is gone only if the whole run is.
    let _ = tell.send(Message::Provisioned { step, ended }).await;
}

async fn done(job: &Job, voice: &Voice) -> Result<(), String> {
    let settings = Settings::of(&job.provisioner.settings)?;
    if job.provisioner.kind == "local-exec" {
        return local::exec(&settings, &job.folder, voice).await;
    }
    let connection = Settings::of(&job.provisioner.connection)?;
    let link = link::Link::new(&connection)?;
    link.reach(&job.clock, voice).await?;
    match job.provisioner.kind.as_str() {
        "file" => remote::file(&settings, &link, &job.folder, voice).await,
        _ => remote::exec(&settings, &connection, &link, &job.folder, voice).await,
    }
}

/// Runs a program to its end with a text on its standard input; what it prints is told as it comes.
async fn finish(mut command: Command, input: &[u8], voice: &Voice) -> Result<(), String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("`{program}` could not be started ({error})"))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read it all says so by how it ends.
            let _ = stdin.write_all(input).await;
        }
    };
    let ((), (), (), status) = tokio::join!(feed, voice.repeat(stdout), voice.repeat(stderr), child.wait());
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(match status.code() {
            Some(code) => format!("it ended with exit status {code}"),
            None => format!("`{program}` was ended by a signal"),
        }),
        Err(error) => Err(format!("`{program}` could not be waited for ({error})")),
    }
}
