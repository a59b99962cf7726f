//! What a node's agent does about a peer beside fencing it: nobody stays off, and an outage of the API leaves nothing behind.
//!
//! Invariant: each row is one turn of the real agent, which ends at its first pause.

use std::fs;
use std::time::Duration;

use super::table::Stage;
use crate::cluster::bootstrap::tool;
use crate::support::harness::say;

const PEER: &str = "droplets_PEER";
const ACTIONS: &str = "droplets_PEER_actions_per_page=50";
const OWES: &str = "var/lib/dofloat/owes-secondary";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Droplet {
    Off,
    Active,
    Gone,
    Silent,
}

/// What this node owes its peer, and what it finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) owes: bool,
    pub(super) droplet: Droplet,
    pub(super) pending: bool,
    pub(super) member: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Nothing,
    SwitchesOn,
    Forgets,
}

/// Whoever has had a peer reset sees that it comes back; what others have switched off stays off.
fn table(row: &Row) -> Deed {
    match (row.owes, row.droplet) {
        (false, _) | (true, Droplet::Silent) => Deed::Nothing,
        (true, Droplet::Gone) => Deed::Forgets,
        (true, _) if row.pending => Deed::Nothing,
        (true, Droplet::Off) => Deed::SwitchesOn,
        (true, Droplet::Active) if row.member => Deed::Forgets,
        (true, Droplet::Active) => Deed::Nothing,
    }
}

fn rows() -> Vec<Row> {
    let both = [false, true];
    let mut rows = Vec::new();
    for droplet in [Droplet::Off, Droplet::Active, Droplet::Gone, Droplet::Silent] {
        for (owes, pending) in both.into_iter().flat_map(|owes| both.map(|pending| (owes, pending))) {
            rows.extend(both.map(|member| Row { owes, droplet, pending, member }));
        }
    }
    rows
}

/// A node that has joined, with its peer or without.
pub(super) fn stage(members: &str) -> Stage {
    let stage = Stage::new(true);
    stage.root.stack.write("var/lib/dofloat/done/corosync", "");
    stage.root.stack.write("members", members);
    stage
}

fn turn(stage: &Stage) -> String {
    stage.root.stack.write("calls", "");
    let _ = stage.root.sh("usr/local/lib/dofloat/agent");
    stage.root.calls()
}

pub(super) fn run(stage: &Stage, row: &Row) -> Deed {
    let stack = &stage.root.stack;
    let _ = fs::remove_file(stack.path(OWES));
    if row.owes {
        stack.write(OWES, "12\n");
    }
    stack.write("members", if row.member { "primary secondary\n" } else { "primary\n" });
    let (droplet, actions) = match row.droplet {
        Droplet::Gone => ("{}\n404".to_owned(), "{}\n404".to_owned()),
        Droplet::Silent => ("\n000".to_owned(), "\n000".to_owned()),
        shown => {
            let status = if shown == Droplet::Off { "off" } else { "active" };
            let pending = if row.pending { "in-progress" } else { "completed" };
            let action = format!("{{\"id\":1,\"type\":\"power_cycle\",\"status\":\"{pending}\"}}");
            (format!("{{\"droplet\":{{\"status\":\"{status}\"}}}}\n200"), format!("{{\"actions\":[{action}]}}\n200"))
        }
    };
    stage.answer(PEER, &droplet);
    stage.answer(ACTIONS, &actions);
    stage.answer("droplets_PEER_actions", "{\"action\":{\"id\":2,\"status\":\"in-progress\"}}\n201");
    let calls = turn(stage);
    let asks = calls.lines().filter(|line| line.contains("-X POST")).collect::<Vec<_>>();
    match (asks.as_slice(), stack.exists(OWES)) {
        ([], still) if still == row.owes => Deed::Nothing,
        ([], false) => Deed::Forgets,
        ([one], true) if one.contains("{\"type\":\"power_on\"}") && one.contains("/v2/droplets/12/actions") => Deed::SwitchesOn,
        _ => panic!("{row:?}: {asks:?}"),
    }
}

#[test]
fn the_agent_switches_on_whom_its_node_has_fenced_and_nobody_else() {
    if tool("jq").is_none() {
        return;
    }
    let stage = stage("primary\n");
    let rows = rows();
    for row in &rows {
        assert_eq!(run(&stage, row), table(row), "{row:?}");
    }
    say(&format!("{} rows of what an agent owes, 0 differences", rows.len()));
}

#[test]
fn of_a_peer_that_others_have_switched_off_health_tells() {
    if tool("jq").is_none() {
        return;
    }
    let stage = stage("primary\n");
    let list = |status: &str| {
        let place = "droplets_tag_name=dofloat%3Aha-0123456789ab%3Aweb&per_page=200";
        let droplet = |id: u64, name: &str, status: &str| {
            format!("{{\"id\":{id},\"name\":\"{name}\",\"status\":\"{status}\",\"created_at\":\"2026\",\"networks\":{{\"v4\":[]}}}}")
        };
        let all = [droplet(11, "primary", "active"), droplet(12, "secondary", status)].join(",");
        stage.answer(place, &format!("{{\"droplets\":[{all}]}}\n200"));
    };
    let told = || stage.root.stack.json("run/dofloat/www/health")["fencing"].clone();
    list("off");
    let _ = turn(&stage);
    assert_eq!(told(), "secondary is switched off, and not by this node: it stays off until you switch it on");
    stage.root.stack.write(OWES, "12\n");
    let _ = turn(&stage);
    assert_eq!(told(), serde_json::Value::Null, "this node sees to it");
    let _ = fs::remove_file(stage.root.stack.path(OWES));
    list("active");
    let _ = turn(&stage);
    assert_eq!(told(), serde_json::Value::Null);
}

/// As long as the API is away a start that has failed stays failed; when it is back pacemaker forgets it at once.
#[test]
fn a_start_that_the_api_has_failed_is_forgotten_when_it_is_back() {
    if tool("jq").is_none() {
        return;
    }
    let stage = stage("primary secondary\n");
    stage.root.stack.write("run/dofloat/start-failed", "");
    for trouble in ["\n000", "{}\n503", "{}\n401"] {
        stage.answer("reserved_ips_203.0.113.7", trouble);
        assert!(!turn(&stage).contains("crm_resource --cleanup"), "{trouble:?}");
    }
    stage.answer("reserved_ips_203.0.113.7", "{\"reserved_ip\":{}}\n200");
    assert!(turn(&stage).contains("crm_resource --cleanup --resource FloatIP"));
    assert!(!turn(&stage).contains("crm_resource --cleanup"), "once is enough");
}

/// A node that has booted alone may go on without its peer on proof alone.
#[test]
fn who_has_booted_alone_needs_proof_to_go_on() {
    if tool("jq").is_none() {
        return;
    }
    let goes_on = |proof: u8, quorate: u8, has_served: bool| {
        let stage = stage("primary\n");
        stage.root.stand_in("crm_node", &format!("case $1 in -q) echo {quorate} ;; *) echo primary ;; esac"));
        if has_served {
            stage.root.stack.write("var/lib/dofloat/done/serving", "");
        }
        let told = "cat > \"$DOFLOAT_ROOT/proof-asked\"";
        stage.root.stack.write("usr/sbin/fence_digitalocean", &format!("#!/bin/sh\n{told}\nexit {proof}\n"));
        let _ = turn(&stage);
        let (asked, calls) = (|| stage.root.stack.exists("proof-asked"), || stage.root.calls());
        let wanted = || calls().contains("corosync-cmapctl -s quorum.cancel_wait_for_all u8 1");
        // What proves is in the background.
        for _ in 0..100 {
            if wanted() || (proof != 0 && asked()) {
                break;
            }
            if quorate == 1 || !has_served {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        (asked(), wanted())
    };
    assert_eq!(goes_on(0, 0, true), (true, true));
    assert_eq!(goes_on(1, 0, true), (true, false), "without proof it waits");
    assert_eq!(goes_on(0, 1, true), (false, false), "who has quorum is fenced for by pacemaker");
    assert_eq!(goes_on(0, 0, false), (false, false), "a pair that has never served is still being made");
}
