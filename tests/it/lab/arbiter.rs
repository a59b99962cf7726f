//! A pair with a third vote, on real software.
//!
//! Invariant: as of the lab. What is promised: a death is over after token and consensus, or the arbiter's own notice of it, then
//! the address and a second and a half; an arbiter that is away is never worse than none.

use std::time::Duration;

use super::measure::{HEAD, begun, moves, other, runs, wait_for};
use super::room::{Lab, LabConfig, NODES, until};
use super::{comes_up_as_it_should, pass};
use crate::support::harness::say;

const ARBITER: (&str, &str) = ("arbiter", "{ size = \"s-1vcpu-512mb-10gb\" }");

/// Until the arbiter takes a silent node for dead (1.5 s, and what it is late), the address has come (a second in the lab), and what
/// pacemaker and the scripts need. The reset of the dead one goes on meanwhile.
const VOTED_DEATH: u64 = 1500 + 1000 + 1500;

#[test]
fn a_third_vote_decides_at_once_and_its_loss_costs_nothing() {
    let Some(lab) = Lab::raise("arbiter", LabConfig { changes: &[ARBITER], ..LabConfig::FENCED }) else { return };
    comes_up_as_it_should(&lab);
    has_its_vote(&lab);
    say(HEAD);
    let plug = |node: &str| drop(lab.rig(&["plug", node]));
    // The fence switches it on again.
    moves(&lab, "death, fencing, an arbiter", plug, |_| has_its_vote(&lab)).within(VOTED_DEATH);
    keeps_the_address_in_a_split(&lab);
    loses_the_arbiter_and_then_a_node(&lab);
    replaces_a_node(&lab);
}

/// Whether both nodes have the arbiter's vote.
fn has_its_vote(lab: &Lab) {
    until("the arbiter's vote counts", Duration::from_secs(200), || NODES.iter().all(|node| lab.health(node)["arbiter"] == "votes"));
}

/// Neither sees the other, whoever has the address: it stays, and the other one is reset once, without any look-on.
fn keeps_the_address_in_a_split(lab: &Lab) {
    lab.until_serving();
    let (active, before) = (lab.server(), lab.events().len());
    let watch = begun(lab, &active);
    lab.rig(&["part", &active]);
    until("the passive node is reset", Duration::from_secs(30), || !lab.power_events(before).is_empty());
    pass(&watch, 10);
    let power = lab.power_events(before);
    let passive = lab.droplet(other(&active)).to_string();
    assert!(power.iter().all(|line| line.contains(&passive)), "{power:?}\n{}", lab.story());
    assert_eq!((watch.failed(), watch.now()), (0, active.clone()), "{}", lab.story());
    lab.rig(&["join"]);
    lab.until_serving();
    has_its_vote(lab);
    assert_eq!((lab.server(), lab.holder()), (active.clone(), active), "{}", lab.story());
    say(&format!("| the nodes do not see each other, an arbiter | no failed request, {} reset |", lab.power_events(before).len()));
}

/// The arbiter dies, and half a minute later the node that serves.
fn loses_the_arbiter_and_then_a_node(lab: &Lab) {
    let name = arbiter(lab);
    for _ in 0..runs() {
        lab.until_serving();
        let active = lab.server();
        let watch = begun(lab, &active);
        lab.rig(&["plug", &name]);
        let without = |node: &&str| lab.on(node, "corosync-quorumtool -s").contains("2Node");
        until("both nodes go on without the arbiter", Duration::from_secs(60), || NODES.iter().all(without));
        until("health tells of it", Duration::from_secs(30), || NODES.iter().all(|node| lab.health(node)["arbiter"] == "lost"));
        assert_eq!((watch.failed(), watch.now()), (0, active.clone()), "the arbiter's death moves nothing\n{}", lab.story());
        lab.ask("status", &[]).ok().mentions("without the arbiter");
        lab.rig(&["plug", &active]);
        assert!(wait_for(&watch, other(&active)), "with the arbiter dead, a node's death ends the service\n{}", lab.story());
        let gap = watch.gap();
        lab.until_serving();
        lab.rig(&["boot", &name]);
        has_its_vote(lab);
        assert_eq!(watch.now(), other(&active), "{}", lab.story());
        say(&format!("| arbiter dead, then the active node, fencing | 1 | {}.{:02} | | | |", gap / 1000, gap % 1000 / 10));
    }
}

fn replaces_a_node(lab: &Lab) {
    lab.until_serving();
    let active = lab.server();
    let watch = begun(lab, &active);
    lab.apply(&[&format!("-replace=dofloat_cluster.web.digitalocean_droplet.{}", other(&active))]);
    lab.until_serving();
    has_its_vote(lab);
    assert_eq!((watch.failed(), watch.now()), (0, active), "{}", lab.story());
    say("| passive node replaced, an arbiter | no failed request |");
}

/// The name of the arbiter's droplet.
fn arbiter(lab: &Lab) -> String {
    let all = lab.api("GET", "/v2/droplets?per_page=50", "");
    let mut names = all["droplets"].as_array().into_iter().flatten().filter_map(|droplet| droplet["name"].as_str());
    names.find(|name| name.ends_with("-arbiter")).expect("there is an arbiter").to_owned()
}
