//! What a block says comes into force in a cluster that runs, and what its operator has changed there by hand stays.
//!
//! Invariant: whether it does is read where it counts, in pacemaker's own configuration.

use std::time::Duration;

use super::room::{Lab, LabConfig, NODES, until};
use crate::support::harness::say;

/// Longer than a node takes to see that both want the same, and to bring it about.
const IN_STEP: Duration = Duration::from_secs(180);

#[test]
fn fencing_is_switched_on_in_a_pair_that_runs_and_the_operators_own_stays() {
    let Some(lab) = Lab::raise("upkeep", LabConfig::MODERN) else { return };
    lab.until_serving();
    let shown = || lab.on("primary", "crm configure show");
    assert!(shown().contains("stonith-enabled=false"), "{}", shown());
    // A resource of the operator's, one of our options otherwise, and one of our constraints taken out.
    lab.on("primary", "crm configure primitive Own ocf:pacemaker:Dummy && crm configure rsc_defaults migration-threshold=5");
    lab.on("primary", "crm configure delete FloatIP-public");
    let before = shown();
    assert!(before.contains("primitive Own") && before.contains("migration-threshold=5"), "{before}");
    lab.stack.replace("plans/ha-modern.tf", "fencing = \"none\"", "fencing = \"api\"");
    lab.apply(&[]);
    until("the cluster fences", IN_STEP, || shown().contains("stonith-enabled=true"));
    let after = shown();
    for node in NODES {
        assert!(after.contains(&format!("primitive Fence-{node} stonith:fence_digitalocean")), "{after}");
        assert!(after.contains(&format!("location Fence-{node}-elsewhere")), "{after}");
    }
    assert!(after.contains("primitive Own") && after.contains("migration-threshold=5"), "{after}");
    assert!(!after.contains("FloatIP-public "), "{after}");
    until("both nodes tell what was changed by hand", IN_STEP, || {
        NODES.iter().all(|node| lab.health(node)["configuration"]["hand"] == serde_json::json!(["FloatIP-public", "migration-threshold"]))
    });
    let status = lab.ask("status", &[]);
    assert!(status.stdout.contains("configuration changed by hand, and left as it is: FloatIP-public, migration-threshold"), "{status}");
    lab.ask("plan", &[]).ok().mentions("this was changed by hand, and is left as it is: FloatIP-public, migration-threshold");
    let errors = lab.on("primary", "crm_verify --live-check 2>&1 | grep -i error");
    assert_eq!(errors, "", "{after}");
    lab.until_serving();
    say("| fencing switched on in a running pair | 1 | its devices and stonith-enabled=true are there, the operator's own changes too |");
}
