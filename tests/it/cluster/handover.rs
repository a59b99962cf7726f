//! Handing over on purpose: by the shell of a node, and by the API where there is none; and what is refused.

use serde_json::{Value, json};

use super::played::Played;
use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

fn both(at: &str) -> (String, String) {
    (at.to_owned(), at.to_owned())
}

/// The last line of a stream.
fn told(outcome: &Outcome) -> Value {
    let last = outcome.stdout.lines().last().unwrap_or_default();
    let line: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {outcome}"));
    assert_eq!(line["type"], "handover", "{outcome}");
    line["handover"].clone()
}

#[test]
fn the_address_goes_to_the_other_node_and_back_by_ssh() {
    let pair = Played::new();
    assert_eq!(pair.holders(), both("primary"));
    let done = pair.run("failover", &[]).ok().mentions("secondary has the address").mentions("which primary had (by ssh");
    done.mentions("Stack ha-modern");
    assert_eq!((pair.holders(), pair.has("constraint")), (both("secondary"), false), "the constraint is gone");
    pair.run("failover", &["-to=secondary"]).ok().mentions("secondary has the address").mentions("already.");
    let back = told(&pair.run("failover", &["-to", "primary", "-json"]).ok());
    assert_eq!((&back["by"], &back["holder_before"], &back["holder"]), (&json!("ssh"), &json!("secondary"), &json!("primary")));
    assert_eq!(pair.holders(), both("primary"));
    // Only words are on the command line.
    for line in pair.read("ssh.log").lines() {
        assert!(line.ends_with("sh -s -- move secondary") || line.ends_with("sh -s -- move primary"), "{line}");
        assert!(line.contains("BatchMode=yes"), "{line}");
    }
    pair.stack.run(&["plan", "ha-modern", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn standby_moves_the_address_first_and_online_undoes_it() {
    let pair = Played::new();
    let done =
        pair.run("standby", &["-by=ssh", "primary"]).ok().mentions("primary is in standby now").mentions("went from primary to secondary");
    done.mentions("`dofloat online primary` undoes it");
    assert_eq!((pair.holders(), pair.has("standby-primary"), pair.has("constraint")), (both("secondary"), true, false));
    let log = pair.read("pacemaker.log");
    let at = |words: &str| log.find(words).unwrap_or_else(|| panic!("{words}: {log}"));
    assert!(at("--move") < at("--update on"), "the address is moved before the service stops: {log}");
    // Neither takes the service down now.
    pair.run("standby", &["secondary"]).exits(1).mentions("would take the service down").mentions("may be in standby");
    pair.run("failover", &[]).exits(1).mentions("primary could not serve");
    assert_eq!((pair.holders(), pair.has("standby-secondary")), (both("secondary"), false));
    pair.run("online", &["primary"]).ok().mentions("primary is online");
    assert_eq!((pair.holders(), pair.has("standby-primary")), (both("secondary"), false), "the address stays where it is");
    // The one that has not the address leaves without a move.
    let gone = told(&pair.run("standby", &["primary", "-json"]).ok());
    assert_eq!((&gone["holder_before"], &gone["holder"], &gone["deed"]), (&json!("secondary"), &json!("secondary"), &json!("standby")));
}

#[test]
fn without_a_shell_the_address_is_moved_by_the_api_and_pacemaker_follows() {
    let pair = Played::new();
    pair.set("unreachable", true);
    let done = pair.run("failover", &[]).ok().mentions("secondary cannot be reached by ssh").mentions("Connection refused");
    done.mentions("pacemaker's resource follows").mentions("(by the API,");
    assert_eq!(pair.holders(), both("secondary"));
    for command in ["standby", "online"] {
        let refused = pair.run(command, &["secondary"]).exits(1).mentions("It needs the shell of a node");
        refused.mentions(&format!("crm node {command} secondary"));
    }
    pair.run("failover", &["-by=ssh"]).exits(1).mentions("crm_resource --resource FloatIP --move --node primary");
    assert_eq!(pair.holders(), both("secondary"));
    assert_eq!(pair.cloud.requests().0, 1, "what is refused asks nothing of the API");
}

#[test]
fn what_pacemaker_refuses_is_told_and_changes_nothing() {
    let pair = Played::new();
    pair.set("refuses", true);
    pair.run("failover", &[]).exits(1).mentions("crm_resource does not move FloatIP").mentions("No such device or address");
    assert_eq!((pair.holders(), pair.has("constraint")), (both("primary"), false));
    pair.set("refuses", false);
    pair.set("broken-secondary", true);
    pair.run("failover", &[]).exits(1).mentions("secondary could not serve").mentions("the service does not run there");
    pair.set("broken-secondary", false);
    pair.set("off-secondary", true);
    pair.run("failover", &[]).exits(1).mentions("secondary could not serve").mentions("it does not report");
    pair.run("standby", &["primary"]).exits(1).mentions("would take the service down");
    pair.set("off-secondary", false);
    assert_eq!(pair.holders(), both("primary"));
    pair.run("failover", &["-to=tertiary"]).exits(64).mentions("There is no cluster with a node `tertiary`").mentions("primary, secondary");
    pair.run("standby", &["a", "b"]).exits(64).mentions("`standby` takes a node");
    assert_eq!(pair.cloud.requests().0, 0, "nothing was asked of the API");
}

#[test]
fn a_simulated_pair_hands_over_by_the_api_and_says_that_it_is_simulated() {
    let stack = Stack::clone_of_the_package();
    stack.run(&["apply", "ha-modern", "--sim", "-auto-approve"]).ok();
    let done = stack.run(&["failover", "ha-modern", "--sim"]).ok().mentions("secondary has the address");
    done.mentions("(simulated)").mentions("secondary is simulated and has no shell");
    stack.run(&["status", "ha-modern", "--sim"]).ok().mentions("held by secondary");
    stack.run(&["standby", "ha-modern", "secondary", "--sim"]).exits(1).mentions("is simulated and has no shell");
    stack.run(&["plan", "ha-modern", "--sim", "-detailed-exitcode"]).ok().says("No changes.").mentions("is held by secondary");
}

#[test]
fn a_stack_without_a_cluster_has_nothing_to_hand_over() {
    let cloud = Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(Stack::with_plan("web", "resource \"digitalocean_tag\" \"a\" {\n  name = \"a\"\n}\n"));
    stack.run(&["failover"]).exits(1).mentions("Stack web has no cluster.");
    let pair = cloud.stack().env("TF_VAR_failover_token", "token-of-the-nodes-4712");
    pair.run(&["failover", "ha-modern"]).exits(1).mentions("dofloat_cluster.web does not exist yet");
    assert_eq!(cloud.requests().0, 0);
}

/// The blocks of commands in the guide to pairs, in their order.
#[test]
fn the_commands_of_the_guide_work() {
    let pair = Played::new();
    let guide = include_str!("../../../docs/cluster.md");
    let blocks: String = guide.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let commands: Vec<&str> = blocks.lines().filter_map(|line| line.strip_prefix("$ dofloat ")).collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        assert_eq!(words[1], "ha-modern", "{command}");
        pair.run(words[0], &words[2..]).ok();
    }
}
