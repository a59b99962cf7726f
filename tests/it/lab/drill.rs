//! Drills on real software: what they measure is what another client sees, and the pair is whole afterwards.

use super::measure::{begun, joined, other, runs};
use super::room::{Key, Lab, LabConfig};
use crate::support::harness::{asked, say};
use serde_json::Value;

/// Two clients that ask every 100 ms differ by an interval each, and by what a busy machine adds.
const ALIKE: u64 = 400;

#[test]
fn a_drill_measures_what_another_client_sees() {
    let reached =
        LabConfig { changes: &[("fencing", "\"none\""), ("ssh_keys", "[digitalocean_ssh_key.lab.fingerprint]")], ..LabConfig::FENCED };
    let Some(lab) = Lab::empty("drill", reached) else { return };
    let key = Key::new(&lab);
    lab.add(&format!("resource \"digitalocean_ssh_key\" \"lab\" {{\n  name = \"lab\"\n  public_key = \"{}\"\n}}\n", key.public()));
    lab.apply(&[]);
    say("| drill | node | gap ms | another client's ms | parts | whole again after ms |");
    let mut made = 0;
    // An order to the API, and a fault that ends by itself on the node.
    let mut kinds = vec!["power-off", "freeze"];
    if asked("DOFLOAT_LAB_RUNS").is_some() {
        kinds.extend(["service", "reboot", "standby", "private-link", "shutdown"]);
    } else {
        say("skipped: service, reboot, standby, private-link and shutdown take minutes; DOFLOAT_LAB_RUNS=1 makes each drill");
    }
    for kind in kinds {
        for _ in 0..runs() {
            joined(&lab);
            let active = lab.server();
            let watch = begun(&lab, &active);
            let options = [&format!("-kind={kind}"), "-auto-approve", "-json"];
            let done = lab.ask_as(&key.environment(), "drill", &options).ok();
            let lines: Vec<Value> = done.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let told = lines.iter().find(|line| line["type"] == "drill").unwrap_or_else(|| panic!("{done}"))["drill"].clone();
            let (gap, seen) = (told["gap_ms"].as_u64().expect("a number"), watch.gap());
            let parts: u64 = told["parts"].as_array().expect("a list").iter().filter_map(|part| part["ms"].as_u64()).sum();
            say(&format!("| {kind} | {active} | {gap} | {seen} | {} | {} |", told["parts"], told["whole_ms"]));
            assert_eq!((parts, &told["passed"], &told["simulated"]), (gap, &true.into(), &false.into()), "{told}");
            assert!(gap.abs_diff(seen) <= ALIKE, "{kind}: {gap} and {seen}\n{}", lab.story());
            let moves = !["service", "private-link"].contains(&kind);
            assert_eq!(lab.server(), if moves { other(&active) } else { &active }, "{kind}\n{}", lab.story());
            assert!(lab.has_joined(), "{kind} ends before the pair is whole\n{}", lab.story());
            made += 1;
        }
    }
    let history = lab.ask("drill", &["-history", "-json"]).ok();
    assert_eq!(history.stdout.lines().count(), made, "{history}");
    lab.ask("plan", &[]).ok().mentions("No changes.");
}
