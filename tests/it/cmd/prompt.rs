//! The question before an apply, asked on a terminal: only `yes` is an approval.

use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

use crate::support::harness::Stack;
use crate::support::terminal::{PATIENCE, on_terminal, rest};

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

#[test]
fn a_signal_at_the_question_for_a_value_ends_it() {
    let stack = Stack::with_plan("web", "variable \"motto\" {}\noutput \"motto\" {\n  value = var.motto\n}\n");
    for command in ["plan", "apply"] {
        let mut session = on_terminal(&stack, &[command, "web", "--sim"]);
        session.exp_string("Enter a value:").expect("it asks");
        session.send_control('c').expect("the terminal takes it");
        let (rest, code) = rest(session);
        assert!(rest.contains("Interrupted before anything was changed.") && code == 130, "{command}: {code} {rest}");
    }
    assert!(!stack.exists(".dofloat"), "nothing is written");
}
