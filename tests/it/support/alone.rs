//! A test of this program that is run in a process of its own: what it does to the process, no other test meets.
//!
//! Invariant: without the variable that says so such a test does nothing.

use std::process::Command;

/// Runs a test, `planted::in_a_process_of_its_own`, with a variable of the environment; the lines that it has said.
pub(crate) fn alone(test: &str, variable: &str, value: &str) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(variable, value).env_remove("DOFLOAT_SEED");
    let ended = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("running 1 test"), "there is no test {test}:\n{said}");
    // Its first line stands behind its name.
    said.lines().map(|line| line.split_once(" ... ").map_or(line, |(_, said)| said).to_owned()).collect()
}
