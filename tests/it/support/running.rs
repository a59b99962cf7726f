//! A run of the program that is looked at, signalled or killed while it goes on.
//!
//! Invariant: whoever looks waits for something that is seen, never for a time; a program that hangs is killed.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::support::harness::{Outcome, Stack};

/// Longer than anything takes on a slow machine; only a program that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(600);
const GLANCE: Duration = Duration::from_millis(2);

/// A run of the program.
pub(crate) struct Run {
    child: Child,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
}

impl Run {
    /// Starts the program in a folder.
    pub(crate) fn start(stack: &Stack, arguments: &[&str]) -> Self {
        let mut command = stack.command(env!("CARGO_BIN_EXE_dofloat"));
        command.args(arguments);
        Self::of(command)
    }

    /// Starts a command.
    pub(crate) fn of(mut command: Command) -> Self {
        let [stdout, stderr] = [(); 2].map(|()| NamedTempFile::new().expect("a temporary file"));
        let shared = |file: &NamedTempFile| Stdio::from(file.reopen().expect("the file is there"));
        command.stdin(Stdio::null()).stdout(shared(&stdout)).stderr(shared(&stderr));
        Self { child: command.spawn().expect("the program starts"), stdout, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        text(&self.stdout)
    }

    /// What it has complained of so far.
    pub(crate) fn complained(&self) -> String {
        text(&self.stderr)
    }

    /// Waits until something is so while it runs.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let start = now();
        while !is_so(self) {
            if self.ended().is_some() || start.elapsed() > PATIENCE {
                panic!("it was waited for in vain: {what}\n{}\n{}", text(&self.stdout), text(&self.stderr));
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Sends a signal, for example `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid())]).status().expect("a shell");
        assert!(sent.success(), "the signal {name} cannot be sent");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Outcome {
        let start = now();
        let status = loop {
            match self.ended() {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => {
                    let _ = self.child.kill();
                    panic!("it does not end\n{}\n{}", text(&self.stdout), text(&self.stderr));
                }
                None => std::thread::sleep(GLANCE),
            }
        };
        let code = status.code().unwrap_or(-1);
        Outcome { code, stdout: text(&self.stdout), stderr: text(&self.stderr) }
    }

    /// Kills it as the system does when memory is short.
    pub(crate) fn kill(mut self) -> Outcome {
        self.child.kill().expect("it is our child");
        self.end()
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }
}

impl Drop for Run {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(file: &NamedTempFile) -> String {
    fs::read_to_string(file.path()).expect("what the program says is text")
}

#[expect(clippy::disallowed_methods, reason = "real time passes here")]
fn now() -> Instant {
    Instant::now()
}
