//! The pair's two links, of which one is cut; nodes that stand still for a while, as when they are moved to another host; and an
//! address that somebody moves by hand.
//!
//! Invariant: whether anything happened is read where it would stand: in corosync's own log of its members, and in what the
//! simulator was asked to do.

use std::time::Duration;

use super::client::Watch;
use super::measure::{begun, moves, other, runs, tabled};
use super::room::{Lab, LabConfig, NODES, until};
use super::{DEATH, pass};
use crate::support::harness::say;

#[test]
fn a_cut_link_and_a_short_freeze_move_nothing() {
    let Some(lab) = Lab::raise("links", LabConfig::FENCED) else { return };
    lab.until_serving();
    until("both links are up", Duration::from_secs(30), || NODES.iter().all(|node| links(&lab, node) == [true, true]));
    survives_a_cut_of_the_private_link(&lab);
    for node in [|active: &str| active.to_owned(), |active: &str| other(active).to_owned()] {
        stands_still(&lab, node, "1.0");
    }
    let before = (lost(&lab), lab.power_events(0).len());
    let cut = |node: &str| drop(lab.rig(&["cut", node, "public"]));
    moves(&lab, "public link cut, two links", cut, |node| drop(lab.rig(&["mend", node, "public"]))).within(7000);
    assert_eq!((lost(&lab), lab.power_events(0).len()), before, "{}", lab.story());
    follows_a_hand(&lab);
}

/// Freezes in which the other node rightly takes this one for lost, and deaths; only where figures are asked for.
#[test]
fn long_freezes_end_with_one_owner() {
    if runs() < 2 {
        say("skipped: long freezes and deaths in numbers take half an hour; DOFLOAT_LAB_RUNS=5 runs each five times");
        return;
    }
    let Some(lab) = Lab::raise("freezes", LabConfig::FENCED) else { return };
    for length in [1500, 2000, 3000, 10_000] {
        for is_active in [true, false] {
            for _ in 0..runs() {
                freezes(&lab, is_active, length);
            }
        }
    }
}

#[test]
fn deaths_in_numbers() {
    if runs() < 2 {
        say("skipped: deaths in numbers take a quarter of an hour; DOFLOAT_LAB_RUNS=20 runs twenty");
        return;
    }
    let Some(lab) = Lab::raise("deaths", LabConfig::MODERN) else { return };
    let plug = |node: &str| drop(lab.rig(&["plug", node]));
    moves(&lab, "death, two links", plug, |node| drop(lab.rig(&["boot", node]))).within(DEATH).at_most(DEATH + 1000);
}

/// Whether its links to the other are up: the private one, the public one.
fn links(lab: &Lab, node: &str) -> Vec<bool> {
    let health = lab.health(node);
    let up = |network: &str| {
        let all = health["links"].as_array()?;
        all.iter().find(|link| link["network"] == network)?["connected"].as_bool()
    };
    ["private", "public"].iter().filter_map(|network| up(network)).collect()
}

/// How often corosync has been alone, on both nodes together.
fn lost(lab: &Lab) -> usize {
    let of = |node: &&str| lab.on(node, "grep -c 'Members\\[1\\]' /var/log/corosync/corosync.log; true").trim().parse::<usize>();
    NODES.iter().map(|node| of(node).unwrap_or_else(|_| panic!("{node} has no log of corosync"))).sum()
}

/// Nothing has happened: the same node serves, its cluster has lost nobody, and nobody was reset.
#[track_caller]
fn nothing_has_happened(lab: &Lab, what: &str, watch: &Watch, active: &str, before: (usize, usize)) {
    let after = (lost(lab), lab.events().len());
    assert_eq!((watch.now().as_str(), after), (active, before), "{what}\n{}", lab.story());
}

fn survives_a_cut_of_the_private_link(lab: &Lab) {
    let mut failed = 0;
    for _ in 0..runs() {
        lab.until_serving();
        let active = lab.server();
        let watch = begun(lab, &active);
        let before = (lost(lab), lab.events().len());
        lab.rig(&["cut", &active, "private"]);
        until("the cut is told", Duration::from_secs(30), || links(lab, &active) == [false, true]);
        lab.ask("status", &[]).ok().mentions(&format!("its private link to {} is down", other(&active)));
        pass(&watch, 15);
        nothing_has_happened(lab, "private link cut", &watch, &active, before);
        lab.rig(&["mend", &active, "private"]);
        until("the link is up again", Duration::from_secs(30), || links(lab, &active) == [true, true]);
        pass(&watch, 5);
        nothing_has_happened(lab, "private link mended", &watch, &active, before);
        failed += watch.failed();
    }
    // The client's own path is not touched: what it misses is the machine's, which says how far to trust the rest.
    let runs = runs();
    tabled(&format!("| private link cut, two links | {runs} | {failed} failed requests, nothing moves, nobody is reset |"));
}

/// Where figures are asked for, five times as often as anything else: what happens once in fifty times is a move that nobody asked for.
fn stands_still(lab: &Lab, node: fn(&str) -> String, seconds: &str) {
    let times = if runs() < 2 { 1 } else { 5 * runs() };
    for _ in 0..times {
        lab.until_serving();
        let active = lab.server();
        let watch = begun(lab, &active);
        let before = (lost(lab), lab.events().len());
        lab.rig(&["freeze", &node(&active), seconds]);
        pass(&watch, 10);
        nothing_has_happened(lab, &format!("{} stands still for {seconds} s", node(&active)), &watch, &active, before);
    }
    let whose = if node("primary") == "primary" { "active" } else { "passive" };
    tabled(&format!("| the {whose} node stands still for {seconds} s | {times} | nobody is lost, nothing moves |"));
}

/// In the end there is one owner; and who is a member again is not reset any more, but for a request that is on its way.
fn freezes(lab: &Lab, is_active: bool, millis: u64) {
    lab.until_serving();
    let active = lab.server();
    let node = if is_active { active.as_str() } else { other(&active) };
    let before = lab.events().len();
    let watch = begun(lab, &active);
    lab.rig(&["freeze", node, &format!("{}.{:03}", millis / 1000, millis % 1000)]);
    let thawed = lab.rig(&["provider", "date", "+%s"]).trim().parse::<u64>().expect("a time");
    pass(&watch, 30);
    let since = |line: &str| line.split('.').next().and_then(|seconds| seconds.parse::<u64>().ok()).map(|at| at.saturating_sub(thawed));
    let late: Vec<String> = lab.power_events(before).into_iter().filter(|line| since(line).is_some_and(|after| after > 4)).collect();
    assert!(late.is_empty(), "{node} was back: {late:?}\n{}", lab.story());
    let whose = if is_active { "active" } else { "passive" };
    lab.until_serving();
    let (server, holder) = (lab.server(), lab.holder());
    assert_eq!(server, holder, "{}", lab.story());
    let power = lab.power_events(before);
    assert!(power.iter().all(|line| line.contains(" power_cycle ")), "{power:?}\n{}", lab.story());
    say(&format!("  the {whose} node stands still for {millis} ms: {active} -> {server}, resets {}", power.len()));
}

/// The tutorial's `assign-ip`, by hand: the cluster follows, and takes it for no failure.
fn follows_a_hand(lab: &Lab) {
    lab.until_serving();
    let active = lab.server();
    let watch = begun(lab, &active);
    let peer = other(&active);
    let line = format!("DO_TOKEN=$(cat /etc/dofloat/token) assign-ip {} {}", lab.ip(), lab.droplet(peer));
    lab.rig(&["in", &active, "sh", "-c", &line]);
    until("the resource has followed", Duration::from_secs(60), || {
        let health = lab.health(peer);
        health["holder"] == peer && !lab.on(peer, "crm_mon -1").contains("Failed")
    });
    let constraints = || lab.on(peer, "crm configure show");
    until("no constraint is left", Duration::from_secs(30), || constraints().contains("FloatIP") && !constraints().contains("cli-"));
    pass(&watch, 20);
    assert_eq!((watch.now().as_str(), watch.failed()), (peer, 0), "{}", lab.story());
    assert!(!lab.on(peer, "crm_mon -1f --output-as=xml").contains("fail-count"), "{}", lab.story());
    tabled("| assign-ip by hand | no failed request, the resource follows, no failure |");
}
