//! A state that is lost is never taken for "nothing exists": git, the account, or the file itself speak of it.

use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

const PLAN: &str = r#"
resource "digitalocean_droplet" "web" {
  name   = "web"
  region = "nyc3"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
}
"#;
const APPLY: [&str; 3] = ["apply", "web", "-auto-approve"];

fn applied(cloud: &Cloud) -> Stack {
    let stack = cloud.serve(Stack::with_plan("web", PLAN));
    stack.run(&APPLY).ok();
    stack
}

fn lose(stack: &Stack) {
    std::fs::remove_file(stack.path("state/web.json")).expect("it was applied");
}

fn git(stack: &Stack, arguments: &[&str]) {
    let mut command = stack.command("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]).args(arguments);
    Outcome::of(command.output().expect("git is there")).ok();
}

#[test]
fn objects_that_carry_the_mark_speak_of_a_state() {
    let cloud = Cloud::start(Options::default());
    let stack = applied(&cloud);
    lose(&stack);
    let commands: [&[&str]; 3] = [&["plan", "web"], &APPLY, &["destroy", "web", "-auto-approve"]];
    for command in commands {
        let refused = stack.run(command).exits(4).mentions("the account holds objects that carry its mark: dofloat:web-");
        refused.mentions("(1 object)").mentions("-new-stack");
    }
    assert_eq!(cloud.show("droplets").len(), 1, "nothing was made");
    // Another stack's objects are not this one's.
    stack.write("plans/web-2.tf", PLAN);
    stack.run(&["apply", "web-2", "-auto-approve"]).ok();
    stack.run(&["apply", "web", "-auto-approve", "-new-stack"]).ok();
    assert_eq!(cloud.show("droplets").len(), 3);
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok();
}

#[test]
fn a_commit_that_knows_objects_speaks_of_a_state() {
    let cloud = Cloud::start(Options::default());
    // Nothing here can carry a mark, so only git knows.
    let stack = cloud.serve(Stack::with_plan("web", "resource \"digitalocean_domain\" \"d\" {\n  name = \"example.com\"\n}\n"));
    stack.run(&APPLY).ok();
    git(&stack, &["init", "-q"]);
    git(&stack, &["add", "plans", "state"]);
    git(&stack, &["commit", "-qm", "Applied"]);
    lose(&stack);
    let refused = stack.run(&APPLY).exits(4).mentions("state/web.json is missing, although the commit ").mentions(" knows 1 objects in it");
    refused.mentions("git checkout ");
    git(&stack, &["checkout", "-q", "HEAD", "--", "state/web.json"]);
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok();
    // Once it is destroyed and committed, a missing file hides nothing.
    stack.run(&["destroy", "web", "-auto-approve"]).ok();
    git(&stack, &["commit", "-qam", "Destroyed"]);
    lose(&stack);
    stack.run(&APPLY).ok();
}
