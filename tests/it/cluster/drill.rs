//! Drills: what is measured and written down, what is refused, and that nothing stays off, however a drill ends.

use serde_json::Value;

use super::played::Played;
use crate::support::harness::{Outcome, Stack};

/// The record in a stream.
fn drilled(outcome: &Outcome) -> Value {
    let lines = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {outcome}")));
    lines.rev().find(|line| line["type"] == "drill").unwrap_or_else(|| panic!("no drill: {outcome}"))["drill"].clone()
}

fn is_on(pair: &Played, name: &str) -> bool {
    pair.cloud.find("droplets", "name", name)["status"] == "active"
}

#[test]
fn a_drill_is_measured_written_down_and_leaves_the_pair_whole() {
    let pair = Played::new();
    let report = ["-report=drill.md", "-auto-approve"];
    let done = pair.run("drill", &report).ok().mentions("power-off of primary").mentions("the address went from primary to secondary");
    let done = done.mentions("whole again after").mentions("The report is written to drill.md and drill.svg.");
    assert!(!done.stdout.contains("(simulated)") && is_on(&pair, "primary"), "{done}");
    let (text, picture) = (pair.stack.read("drill.md"), pair.stack.read("drill.svg"));
    assert!(text.contains("![timeline](drill.svg)") && text.contains("| passed | yes |"), "{text}");
    assert!(picture.starts_with("<svg xmlns=") && picture.contains("class=\"gap\"") && !picture.contains("(simulated)"), "{picture}");
    let told = drilled(&pair.run("drill", &["-kind=shutdown", "-auto-approve", "-json"]).ok());
    assert_eq!((&told["kind"], &told["node"], &told["passed"]), (&"shutdown".into(), &"secondary".into(), &true.into()), "{told}");
    let history = pair.run("drill", &["-history"]).ok().mentions("power-off     primary").mentions("shutdown      secondary");
    history.mentions("power-off: 1 in all, median");
    let files: Vec<String> = pair.stack.files().into_keys().filter(|path| path.contains("drills/")).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let record = pair.stack.json(&files[0]);
    let sum: u64 = record["parts"].as_array().expect("a list").iter().filter_map(|part| part["ms"].as_u64()).sum();
    assert_eq!(record["gap_ms"].as_u64(), Some(sum), "the parts add up: {record}");
    pair.run("plan", &["-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn a_gap_that_is_too_long_fails() {
    let pair = Played::new();
    pair.run("drill", &["-auto-approve", "-max-gap=1ms"]).exits(1).mentions("which is longer than -max-gap (1 ms)");
    assert!(is_on(&pair, "primary"));
    pair.run("drill", &["-auto-approve", "-max-gap=10m"]).ok();
}

#[test]
fn a_drill_that_is_killed_is_seen_and_what_it_took_is_given_back() {
    let pair = Played::new();
    let killed = pair.run_env(&[("DOFLOAT_CRASH", "write.answered@1")], "drill", &["-auto-approve"]);
    assert_ne!(killed.code, 0, "{killed}");
    pair.cloud.finish_all();
    pair.cloud.settle_down();
    assert!(!is_on(&pair, "primary"));
    for command in ["status", "plan"] {
        pair.run(command, &[]).mentions("A drill of dofloat_cluster.web (power-off, primary)").mentions("has not come to its end");
    }
    // The next one first gives back what that one took.
    let next = pair.run("drill", &["-auto-approve"]).ok().mentions("was cut short: seeing to it that primary is on again");
    next.mentions("power-off of secondary").mentions("the address went from secondary to primary");
    assert!(is_on(&pair, "primary") && is_on(&pair, "secondary"));
    let status = pair.run("status", &[]).ok();
    assert!(!status.to_string().contains("has not come to its end"), "{status}");
}

#[test]
fn a_pair_that_is_not_whole_is_left_alone() {
    let pair = Played::new();
    for (what, why) in [("broken-secondary", "the service does not run there"), ("off-secondary", "it does not report")] {
        pair.set(what, true);
        let refused = pair.run("drill", &["-auto-approve"]).exits(1).mentions("A drill is made only in a pair that is whole");
        refused.mentions(why).mentions("Nothing was done.");
        pair.set(what, false);
    }
    pair.run("drill", &["-auto-approve", "-kind=private-link"]).exits(1).mentions("a cut would part them");
    pair.set("unreachable", true);
    pair.run("drill", &["-auto-approve", "-kind=service"]).exits(1).mentions("-kind=service needs the shell of primary");
    pair.run("drill", &[]).exits(1).mentions("There is no terminal for the question");
    pair.run("drill", &["-json"]).exits(1).mentions("-json cannot ask for confirmation");
    pair.run("drill", &["-kind=flood"]).exits(64).mentions("power-off, reboot, shutdown, standby");
    assert_eq!(pair.cloud.requests().0, 0, "nothing was asked of the API");
    pair.run("drill", &["-history"]).ok().mentions("No drill of this stack is written down");
}

#[test]
fn in_a_simulated_account_every_figure_says_so_and_none_is_kept() {
    let stack = Stack::clone_of_the_package();
    stack.run(&["apply", "ha-modern", "--sim", "-auto-approve"]).ok();
    let done = stack.run(&["drill", "ha-modern", "--sim", "-auto-approve", "-report=drill.md"]).ok();
    for line in done.stdout.lines().filter(|line| line.contains(" ms") || line.contains("requests") || line.contains("gap")) {
        assert!(line.ends_with("(simulated)") || line.ends_with("(simulated)..."), "{line:?} does not say that it is simulated");
    }
    assert!(stack.read("drill.md").contains("(simulated)") && stack.read("drill.svg").contains("(simulated)"));
    assert!(!stack.files().keys().any(|path| path.contains("drills/")), "{done}");
    stack.run(&["drill", "ha-modern", "--sim", "-auto-approve", "-kind=freeze"]).exits(1).mentions("a simulated node has none");
    stack.run(&["status", "ha-modern", "--sim"]).ok();
}
