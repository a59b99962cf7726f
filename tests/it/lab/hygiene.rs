//! A pair on Debian 13, and what its nodes do besides being members: who reads user-data, what is told before anything is
//! installed, what a script of the user's may do.

use std::time::Duration;

use super::measure::{moves, other};
use super::room::{Lab, LabConfig, NODES, until};
use super::{DEATH, HEAD, comes_up_as_it_should};
use crate::support::harness::say;

/// It fails once; the zone is in a package of its own there, or a link of today's.
const WISH: LabConfig = LabConfig {
    suite: Some("trixie"),
    changes: &[
        ("fencing", "\"none\""),
        ("timezone", "\"US/Eastern\""),
        ("user_data", "\"#!/bin/sh\\n[ -e /var/once ] && exit 0\\n: > /var/once\\nexit 3\\n\""),
    ],
    ..LabConfig::FENCED
};

const USER_DATA: &str = "http://169.254.169.254/metadata/v1/user-data";

#[test]
fn nodes_of_debian_13_keep_themselves_in_order() {
    let Some(lab) = Lab::raise("hygiene", WISH) else { return };
    comes_up_as_it_should(&lab);
    for (node, hour) in NODES.into_iter().zip(["02", "04"]) {
        let log = lab.on(node, "cat /var/log/dofloat.log");
        assert!(log.contains("the script in user_data ended with 3, try 1 of 5") && !log.contains("try 2 of 5"), "{log}");
        assert_eq!(lab.on(node, "readlink /etc/localtime"), "/usr/share/zoneinfo/America/New_York\n");
        let timer = lab.on(node, "systemctl show apt-daily-upgrade.timer -p TimersCalendar");
        assert!(timer.contains(&format!("OnCalendar=*-*-* {hour}:00:00")) && timer.matches("OnCalendar=").count() == 1, "{timer}");
        assert_eq!(lab.health(node)["notes"], serde_json::json!([]));
    }
    keeps_user_data_shut(&lab);
    tells_that_nothing_can_be_installed(&lab);
    say(HEAD);
    moves(&lab, "death, Debian 13", |node| drop(lab.rig(&["plug", node])), |node| drop(lab.rig(&["boot", node]))).within(DEATH);
}

/// Whether a user of a node, or a container on it, reads user-data.
fn reads(lab: &Lab, node: &str, who: &str) -> bool {
    let asks = format!("curl -sf -m 3 {USER_DATA}");
    let line = if who == "container" { format!("ip netns exec box {asks}") } else { format!("su -s /bin/sh {who} -c '{asks}'") };
    lab.on(node, &line).contains("#cloud-config")
}

/// Also from others than root by whom a firewall is flushed, until it is made anew.
fn keeps_user_data_shut(lab: &Lab) {
    let node = other(&lab.server());
    lab.rig(&["net", node, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    let box_it = "useradd --system do-agent && ip netns add box && ip link add bridge type veth peer name eth0 netns box
        ip addr add 172.18.0.1/24 dev bridge && ip link set bridge up
        ip -n box addr add 172.18.0.2/24 dev eth0 && ip -n box link set eth0 up && ip -n box route add default via 172.18.0.1
        own=$(ip -o route get 169.254.169.254 | sed 's/.* src \\([^ ]*\\) .*/\\1/')
        iptables -t nat -A POSTROUTING -s 172.18.0.0/24 -d 169.254.169.254 -j SNAT --to-source $own
        iptables -t nat -A POSTROUTING -s 172.18.0.0/24 -j MASQUERADE && echo made";
    assert!(lab.on(node, box_it).ends_with("made\n"), "there is a container with a network");
    until("the metrics agent gets through", Duration::from_secs(90), || reads(lab, node, "do-agent"));
    let shut = |when: &str| {
        for (who, may) in [("root", true), ("do-agent", true), ("nobody", false), ("container", false)] {
            assert_eq!(reads(lab, node, who), may, "{when}: {who}");
        }
        let elsewhere = "ip netns exec box curl -s -m 3 -o /dev/null http://198.51.100.10/v2/account && echo reached";
        assert_eq!(lab.on(node, elsewhere), "reached\n", "{when}: a container reaches what it may");
    };
    shut("as made");
    // The agent must not make it anew while it is looked at.
    lab.on(node, "systemctl stop dofloat-agent && iptables -F && iptables -P FORWARD ACCEPT");
    shut("after iptables -F");
    // What is shut is shut by routing now: without that it would be open.
    lab.on(node, "ip rule del pref 99");
    assert!(reads(lab, node, "nobody") && reads(lab, node, "container"), "the test sees what is open");
    lab.on(node, "systemctl start dofloat-agent");
    until("the rules are made anew", Duration::from_secs(60), || {
        lab.on(node, "iptables -C OUTPUT -j DOFLOAT-OUTPUT && ip rule show").contains("169.254.169.254 prohibit")
    });
    shut("made anew");
    lab.on(node, "ip netns del box");
}

/// A node that is to install everything and finds no archive: its health page tells, without the server that it would install.
fn tells_that_nothing_can_be_installed(lab: &Lab) {
    let node = other(&lab.server());
    let forget =
        "mv /srv/repo /srv/away && rm -r /var/lib/dofloat/done && dpkg --force-all --purge busybox && systemctl start dofloat-bootstrap";
    lab.rig(&["in", node, "sh", "-c", forget]);
    until("its health tells", Duration::from_secs(60), || {
        let health = lab.health(node);
        health["phase"] == "packages" && health["error"].as_str().is_some_and(|why| why.contains("the lists of packages cannot be fetched"))
    });
    lab.ask("status", &[]).exits(1).mentions("the lists of packages cannot be fetched");
    lab.rig(&["in", node, "mv", "/srv/away", "/srv/repo"]);
    lab.until_serving();
    assert!(lab.on(node, "systemctl show -p ExecMainPID --value dofloat-health | xargs -I % readlink /proc/%/exe").contains("busybox"));
}
