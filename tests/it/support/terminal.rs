//! The program on a terminal, where it asks and where Ctrl-C reaches it.

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use super::harness::Stack;

/// Far longer than it takes; only a program that hangs meets it.
pub(crate) const PATIENCE: u64 = 60_000;

/// The program on a terminal of its own: Ctrl-C there reaches it and all its children.
pub(crate) fn on_terminal(stack: &Stack, arguments: &[&str]) -> PtySession {
    let mut command = stack.command(env!("CARGO_BIN_EXE_dofloat"));
    command.args(arguments);
    spawn_command(command, Some(PATIENCE)).expect("a terminal")
}

/// The same on a terminal that has so many columns.
pub(crate) fn on_wide_terminal(stack: &Stack, columns: u16, arguments: &[&str]) -> PtySession {
    let mut command = stack.command("sh");
    command.args(["-c", "stty cols \"$1\" rows 40; shift; exec \"$@\"", "sh", &columns.to_string(), env!("CARGO_BIN_EXE_dofloat")]);
    command.args(arguments);
    spawn_command(command, Some(PATIENCE)).expect("a terminal")
}

/// What it says until it ends, and its exit code; -1 if a signal ended it.
pub(crate) fn rest(mut session: PtySession) -> (String, i32) {
    let rest = session.exp_eof().expect("it ends");
    match session.process().wait().expect("it is our child") {
        WaitStatus::Exited(_, code) => (rest, code),
        _ => (rest, -1),
    }
}
