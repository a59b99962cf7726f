//! The cluster on real software: corosync, pacemaker, crmsh, nginx and cloud-init in booted containers that the simulated
//! account drives, asked by a client every 100 ms.
//!
//! Invariant: nothing of it reaches a network outside the namespaces that it makes.

mod room;

use room::{Lab, Settings};

#[test]
fn a_pair_comes_up_by_itself() {
    let Some(lab) = Lab::raise("up", Settings::MODERN) else { return };
    lab.until_serving();
    assert_eq!(lab.server(), "primary");
}
