//! The first minute: a stack to begin with, in an empty folder.

use crate::support::harness::Stack;
use crate::support::terminal::{on_terminal, rest};

#[test]
fn every_template_applies_as_it_is_and_nothing_is_written_over() {
    for (template, name) in [("pair", "ha-modern"), ("web", "web"), ("tutorial", "ha")] {
        let stack = Stack::empty();
        let option = format!("-template={template}");
        stack.run(&["init", &option]).ok().mentions(&format!("Written: plans/{name}.tf and .gitignore.")).mentions("--sim");
        stack.run(&["apply", name, "--sim", "-auto-approve"]).ok().mentions("Apply complete!");
        stack.write(&format!("plans/{name}.tf"), "# mine");
        stack.run(&["init", &option]).exits(1).mentions("it is left as it is");
        assert_eq!(stack.read(&format!("plans/{name}.tf")), "# mine");
    }
}

#[test]
fn an_empty_folder_is_asked_about() {
    let stack = Stack::empty();
    stack.run(&["init"]).exits(64).mentions("dofloat init -template=pair|web|tutorial");
    let mut session = on_terminal(&stack, &["init"]);
    session.exp_string("Enter a number").expect("it asks");
    session.send_line("").expect("the terminal takes it");
    assert!(rest(session).0.contains("Nothing is written."));
    let mut session = on_terminal(&stack, &["init"]);
    session.exp_string("Enter a number").expect("it asks");
    session.send_line("2").expect("the terminal takes it");
    let (text, code) = rest(session);
    assert!(text.contains("Written: plans/web.tf") && code == 0, "{text}");
    // Now there is one, and nothing has to be installed for it.
    stack.run(&["init"]).ok().mentions("Nothing has to be installed for the stack web");
}
