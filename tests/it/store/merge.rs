//! Two branches of a repository that both applied: what git's merge makes of their states.
//!
//! Invariant: the real git calls the real program; a state never holds conflict marks.

use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::git::git;
use crate::support::harness::Stack;

fn tag(name: &str) -> String {
    format!("resource \"digitalocean_tag\" \"{name}\" {{\n  name = \"{name}\"\n}}\n")
}

/// A repository with a stack of two tags, applied and committed.
fn repository(cloud: &Cloud) -> Stack {
    let stack = cloud.serve(Stack::empty());
    stack.write("plans/web/a.tf", &tag("a"));
    stack.write("plans/web/b.tf", &tag("b"));
    stack.write(".gitignore", ".dofloat/\nhome/\n");
    git(&stack, &["init", "-q"]).ok();
    stack.run(&["state", "merge", "-install"]).ok().mentions("Commit .gitattributes");
    let before = stack.read(".gitattributes");
    stack.run(&["state", "merge", "-install"]).ok();
    assert_eq!(stack.read(".gitattributes"), before, "once is enough");
    apply_and_commit(&stack);
    stack
}

fn apply_and_commit(stack: &Stack) {
    apply_and_commit_with(stack, &[]);
}

/// The same on a branch whose state is older than another's: it is joined with that one later.
fn apply_apart_and_commit(stack: &Stack) {
    stack.run(&["apply", "web", "-auto-approve"]).exits(4).mentions(" of other has 2 already: it is an older state.");
    apply_and_commit_with(stack, &["-accept-older-state=2"]);
}

fn apply_and_commit_with(stack: &Stack, more: &[&str]) {
    stack.run(&[&["apply", "web", "-auto-approve"], more].concat()).ok();
    git(stack, &["add", "-A"]).ok();
    git(stack, &["commit", "-qm", "applied"]).ok();
}

#[test]
fn what_two_branches_made_apart_from_each_other_is_joined() {
    let cloud = Cloud::start(Options::default());
    let stack = repository(&cloud);
    git(&stack, &["checkout", "-qb", "other"]).ok();
    stack.write("plans/web/c.tf", &tag("c"));
    apply_and_commit(&stack);
    git(&stack, &["checkout", "-q", "main"]).ok();
    // The other branch's tag is not in this branch's state; it carries no mark, so nothing tells of it.
    stack.write("plans/web/d.tf", &tag("d"));
    apply_apart_and_commit(&stack);
    git(&stack, &["merge", "-qm", "joined", "other"]).ok();
    assert_eq!(git(&stack, &["status", "--porcelain"]).ok().stdout, "");
    let listed = stack.run(&["state", "list", "web"]).ok().stdout;
    assert_eq!(listed, ["a", "b", "c", "d"].map(|name| format!("digitalocean_tag.{name}\n")).concat());
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn what_both_changed_is_refused_and_nothing_is_marked() {
    let cloud = Cloud::start(Options::default());
    let stack = repository(&cloud);
    git(&stack, &["checkout", "-qb", "other"]).ok();
    stack.write("plans/web/b.tf", &tag("b").replace("name = \"b\"", "name = \"other\""));
    apply_and_commit(&stack);
    git(&stack, &["checkout", "-q", "main"]).ok();
    stack.write("plans/web/b.tf", &tag("b").replace("name = \"b\"", "name = \"main\""));
    apply_apart_and_commit(&stack);
    let ours = stack.read("state/web.json");
    git(&stack, &["merge", "-qm", "joined", "other"])
        .exits(1)
        .mentions("digitalocean_tag.b: both branches changed it.")
        .mentions("state/web.json is not merged: this branch's version is kept.");
    assert_eq!(stack.read("state/web.json"), ours);
    git(&stack, &["checkout", "-q", "--ours", "plans/web/b.tf"]).ok();
    // Whoever merged without the driver is told what the marks mean.
    let marked = ours.replacen('{', "{\n<<<<<<< HEAD\n=======\n>>>>>>> other\n", 1);
    stack.write("state/web.json", &marked);
    stack.run(&["plan", "web"]).exits(1).mentions("merge conflict marks (line 2)").mentions("dofloat state merge -install");
}

#[test]
fn a_journal_is_settled_before_a_merge() {
    let cloud = Cloud::start(Options::default());
    let stack = repository(&cloud);
    stack.write("state/web.journal", "");
    let state = "state/web.json";
    stack.run(&["state", "merge", state, state, state, state]).exits(1).mentions("state/web.journal is of an interrupted run");
    stack.run(&["state", "merge", state]).exits(64);
}
