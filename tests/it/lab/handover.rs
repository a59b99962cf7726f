//! Handing over on purpose, with a shell on the nodes and without one: what a client notices.

use std::time::Duration;

use super::measure::{Gaps, begun, joined, other, runs};
use super::room::{Key, Lab, LabConfig, until};
use crate::support::harness::say;

/// A second to move the address, in which the old node still answers, and what a busy machine adds.
const NOTICED: u64 = 1500;

#[test]
fn the_operator_hands_over_and_nobody_notices() {
    let reached = LabConfig { changes: &[("ssh_keys", "[digitalocean_ssh_key.lab.fingerprint]")], ..LabConfig::FENCED };
    let Some(lab) = Lab::empty("handover", reached) else { return };
    let key = Key::new(&lab);
    lab.add(&format!("resource \"digitalocean_ssh_key\" \"lab\" {{\n  name = \"lab\"\n  public_key = \"{}\"\n}}\n", key.public()));
    lab.apply(&[]);
    joined(&lab);
    let operate = |command: &str, options: &[&str]| lab.ask_as(&key.environment(), command, options).ok();
    let (mut failed, mut gaps) = ([0; 3], [Vec::new(), Vec::new(), Vec::new()]);
    for _ in 0..runs() {
        for (way, options) in [&[][..], &["-by=api"]].into_iter().enumerate() {
            let active = lab.server();
            let watch = begun(&lab, &active);
            let told = operate("failover", options).mentions(if way == 0 { "(by ssh," } else { "(by the API," });
            until("the other node serves", Duration::from_secs(60), || watch.now() == other(&active));
            failed[way] += watch.failed();
            gaps[way].push(watch.gap());
            say(&told.stdout);
            assert!(!lab.on(&active, "crm configure show").contains("cli-prefer"), "the constraint is gone\n{}", lab.story());
            joined(&lab);
        }
        let active = lab.server();
        let watch = begun(&lab, &active);
        operate("standby", &[&active]);
        lab.ask_as(&key.environment(), "failover", &[]).exits(1).mentions("shows the pair");
        operate("online", &[&active]);
        failed[2] += watch.failed();
        gaps[2].push(watch.gap());
        joined(&lab);
        assert_eq!(lab.server(), other(&active), "it stays where it went\n{}", lab.story());
    }
    for (at, what) in ["failover by ssh", "failover by the API", "standby and online"].into_iter().enumerate() {
        say(&format!("| {what} | {} failed requests in {} runs |", failed[at], runs()));
        Gaps::new(what, std::mem::take(&mut gaps[at])).within(NOTICED);
    }
    lab.ask("plan", &[]).ok().mentions("No changes.");
}
