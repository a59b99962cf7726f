//! A part of a stack: `-exclude`, files that override others, and workspaces that there are not.

use crate::support::harness::Stack;

const CHAIN: &str = r#"
resource "terraform_data" "a" {
  input = 1
}
resource "terraform_data" "b" {
  input = terraform_data.a.id
}
resource "terraform_data" "c" {
  input = terraform_data.b.id
}
resource "terraform_data" "alone" {}
"#;

#[test]
fn what_is_excluded_takes_along_what_is_built_upon_it() {
    let stack = Stack::with_plan("web", CHAIN).env("DOFLOAT_CLOCK", "virtual");
    let planned = stack.run(&["plan", "--sim", "-exclude=terraform_data.b", "-out=p"]).ok().says("Plan: 2 to add");
    planned.mentions("Only a part of the stack is planned (`-exclude`)");
    stack.run(&["apply", "--sim", "p"]).ok();
    assert_eq!(stack.run(&["state", "list", "--sim"]).ok().stdout, "terraform_data.a\nterraform_data.alone\n");
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 2 added");
    // What is kept cannot lose what it is built upon.
    stack.run(&["destroy", "--sim", "-auto-approve", "-exclude=terraform_data.b"]).ok();
    assert_eq!(stack.run(&["state", "list", "--sim"]).ok().stdout, "terraform_data.a\nterraform_data.b\n");
    stack.run(&["plan", "--sim", "-exclude=terraform_data.x"]).exits(1).mentions("-exclude names terraform_data.x");
    stack.run(&["plan", "--sim", "-exclude=terraform_data.a", "-target=terraform_data.b"]).exits(64);
}

#[test]
fn files_that_override_others() {
    let stack = Stack::with_plan(
        "web/main",
        "resource \"terraform_data\" \"a\" {\n  input = \"base\"\n}\noutput \"o\" {\n  value = terraform_data.a.input\n}\n",
    );
    stack.write("plans/web/a_override.tf", "resource \"terraform_data\" \"a\" {\n  input = \"over\"\n}\n");
    stack.run(&["plan", "--sim"]).ok().says("+ o = \"over\"");
    stack.write("plans/web/override.tf.json", r#"{"resource": {"terraform_data": {"a": {"input": "last"}}}}"#);
    stack.run(&["plan", "--sim"]).ok().says("+ o = \"last\"");
    stack.write("plans/web/b_override.tf", "resource \"terraform_data\" \"b\" {}\n");
    stack.run(&["plan", "--sim"]).exits(1).mentions("There is no such resource block in another file to override.");
}

#[test]
fn a_workspace_is_a_stack() {
    let stack = Stack::with_file(Stack::empty(), "main.tf", "resource \"terraform_data\" \"a\" {}\n");
    stack.run_env(&[("TF_WORKSPACE", "dev")], &["plan", "--sim"]).exits(1).mentions("put the files into plans/dev/, or unset TF_WORKSPACE");
    stack.run_env(&[("TF_WORKSPACE", "default")], &["plan", "--sim"]).ok();
    let stack = Stack::with_plan("dev/main", "resource \"terraform_data\" \"a\" {}\n").with_file("plans/prod/main.tf", "");
    stack.run_env(&[("TF_WORKSPACE", "dev")], &["plan", "--sim"]).ok().says("Stack dev (simulated)");
}
