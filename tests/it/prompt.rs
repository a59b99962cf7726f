//! The question before an apply, asked on a terminal: only `yes` is an approval.

use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

use crate::harness::Stack;

/// Far longer than it takes; only a program that hangs meets it.
const PATIENCE: u64 = 60_000;

fn asked(stack: &Stack, answer: &str) -> (PtySession, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dofloat"));
    command.args(["apply", "web", "--sim"]).current_dir(stack.path(".")).env_clear().env("HOME", stack.path("home")).env("NO_COLOR", "1");
    let mut session = spawn_command(command, Some(PATIENCE)).expect("a terminal");
    session.exp_string("Plan: 9 to add, 0 to change, 0 to destroy.").expect("the plan is shown");
    session.exp_string("Enter a value:").expect("it asks");
    session.send_line(answer).expect("the terminal takes it");
    let rest = session.exp_eof().expect("it ends");
    (session, rest)
}

#[test]
fn only_yes_is_an_approval() {
    let stack = Stack::clone_of_the_package();
    for answer in ["no", "", "YES", "y"] {
        let (_session, rest) = asked(&stack, answer);
        assert!(rest.contains("Apply cancelled."), "{answer}: {rest}");
        assert!(!stack.exists(".dofloat/sim/web/web.json"), "{answer}: nothing is written");
    }
    let (_session, rest) = asked(&stack, "yes");
    assert!(rest.contains("Apply complete! Resources: 9 added, 0 changed, 0 destroyed."), "{rest}");
}
