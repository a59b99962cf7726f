//! A pair that an earlier dofloat made, booted from the user-data of then, and brought to this one's while a client asks.
//!
//! Invariant: at most one hand-over, whatever the run is killed at; then the nodes are those of a pair that is made today.

use std::time::Duration;

use super::count;
use super::measure::{Gaps, begun};
use super::room::{Lab, NODES, until};
use crate::support::harness::{Width, say, width, words};

/// What a planned move may cost.
const HAND_OVER: u64 = 2000;

/// When the run is killed: after so many events of a name since the first run began.
const KILLS: [(&str, &str, usize); 5] = [
    ("the node that does not serve is being replaced", "destroy", 1),
    ("its successor boots", "create", 1),
    ("the address moves", "assign", 1),
    ("the node that served is being replaced", "destroy", 2),
    ("its successor boots", "create", 2),
];

#[test]
fn a_pair_of_an_earlier_program_is_brought_here() {
    if width() < Width::Whole && !words("DOFLOAT_LAB_CASE").is_some_and(|case| "upgrade".contains(&case)) {
        say("skipped: it takes ten minutes; DOFLOAT_TESTS=whole upgrades a pair");
        return;
    }
    let Some(lab) = Lab::of_earlier("upgrade") else { return };
    lab.until_serving();
    let old = NODES.map(|node| lab.droplet(node));
    let active = lab.server();
    let watch = begun(&lab, &active);
    let before = KILLS.map(|(_, event, _)| count(&lab, event));
    let assigned = count(&lab, "assign");
    for ((what, event, nth), before) in KILLS.into_iter().zip(before) {
        let mut run = lab.begin(&["apply", "-auto-approve", "-upgrade-nodes"]);
        let reached = || count(&lab, event) >= before + nth;
        until(what, Duration::from_secs(400), || reached() || run.has_ended());
        assert!(reached(), "the apply has ended before {what}\n{}\n{}", run.said(), lab.story());
        drop(run);
        say(&format!("  killed while {what}: {} serves", watch.now()));
    }
    lab.apply(&["-upgrade-nodes"]);
    lab.until_serving();
    let moves = count(&lab, "assign") - assigned;
    assert!(moves <= 1, "{moves} moves\n{}", lab.story());
    for (node, old) in NODES.into_iter().zip(old) {
        assert_ne!(lab.droplet(node), old, "{node} was not replaced");
    }
    lab.ask("plan", &["-detailed-exitcode"]).ok().mentions("No changes.");
    Gaps::new("a pair of an earlier dofloat is upgraded, and the run killed five times", vec![watch.gap()]).within(HAND_OVER);
}
