//! A node's shell, by the user's own `ssh`: keys, agent, jump hosts and known hosts are what their configuration says.
//!
//! Invariant: it asks for nothing, so it ends; what is run goes over by standard input, and no secret goes at all. A simulated node
//! has no shell.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::base::child;
use crate::ui::value_text::visible;

/// How long a node has for what it is asked to do.
const LIMIT: Duration = Duration::from_secs(200);
/// The exit code by which ssh tells that it was not the command that failed.
const UNREACHED: i32 = 255;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done; what was printed.
    Done(String),
    /// It was run and failed; why.
    Failed(String),
    /// Nothing was run; why.
    Unreached(String),
}

/// Runs a script of `sh` at an address, as root, with these words.
pub async fn run(address: &str, script: &str, words: &[&str]) -> Answer {
    let mut command = tokio::process::Command::from(child::command("ssh"));
    command.args(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5"]);
    command.arg(format!("root@{address}")).args(["sh", "-s", "--"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Answer::Unreached(format!("ssh cannot be started: {error}")),
    };
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // One that does not read it all says so by how it ends.
            let _ = stdin.write_all(script.as_bytes()).await;
        }
    };
    let run = async { tokio::join!(feed, child.wait_with_output()).1 };
    match tokio::time::timeout(LIMIT, run).await {
        Err(_) => Answer::Failed(format!("it did not end within {} s", LIMIT.as_secs())),
        Ok(Err(error)) => Answer::Unreached(format!("ssh cannot be run: {error}")),
        Ok(Ok(output)) => {
            let last = |bytes: &[u8]| visible(String::from_utf8_lossy(bytes).trim().lines().last().unwrap_or_default().trim());
            let said = Some(last(&output.stderr)).filter(|said| !said.is_empty());
            match output.status.code() {
                Some(0) => Answer::Done(String::from_utf8_lossy(&output.stdout).into_owned()),
                Some(UNREACHED) => Answer::Unreached(said.unwrap_or_else(|| "it cannot be reached".to_owned())),
                code => {
                    let ended = code.map_or_else(|| "ssh was ended by a signal".to_owned(), |code| format!("it ended with {code}"));
                    Answer::Failed(said.unwrap_or(ended))
                }
            }
        }
    }
}
