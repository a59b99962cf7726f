//! The cluster on real software: corosync, pacemaker, crmsh, nginx and cloud-init in booted containers that the simulated
//! account drives, asked by a client every 100 ms.
//!
//! Invariant: nothing of it reaches a network outside the namespaces that it makes. Bounds are those of the settings: token
//! and consensus, a second of pacemaker's, the second in which an address moves or a droplet goes off, and three seconds
//! for a busy machine.

mod measure;
mod room;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dofloat::bootstrap::user_data::Fencing;
use measure::{begun, moves, other, runs, stays, wait_for};
use room::{AUTHKEY, Lab, NODES, Settings, TOKEN, until, wait};

use crate::harness::say;

const HEAD: &str = "| fault | runs | min s | median s | max s | bound s |";

/// Token and consensus, pacemaker's second, the address's second, and the machine's three.
const DEATH: u64 = 2200 + 1000 + 1000 + 3000;

#[test]
fn a_pair_comes_up_and_survives_its_nodes() {
    let Some(lab) = Lab::raise("pair", Settings::MODERN) else { return };
    lab.until_serving();
    assert_eq!(lab.server(), "primary");
    assert_eq!(count(&lab, "assign"), 1, "the address was moved without need\n{}", lab.story());
    holds_what_the_tutorial_has(&lab);
    keeps_its_secrets(&lab);
    fails_over(&lab);
    endures_the_api(&lab);
}

#[test]
fn a_replaced_node_joins_by_itself() {
    let Some(lab) = Lab::raise("replaced", Settings::MODERN) else { return };
    lab.until_serving();
    replaces_the_passive_node(&lab);
    serves_after_a_blackout(&lab);
    refuses_another_key(&lab);
}

#[test]
fn the_tutorials_settings_hold_too() {
    let Some(lab) = Lab::raise("tutorial", Settings::TUTORIAL) else { return };
    lab.until_serving();
    assert_eq!((lab.server().as_str(), count(&lab, "assign")), ("primary", 1), "{}", lab.story());
    say(HEAD);
    let plug = |node: &str| drop(lab.rig(&["plug", node]));
    moves(&lab, "death, the tutorial's settings", plug, |node| drop(lab.rig(&["boot", node]))).within(6600 + 5000);
}

#[test]
fn fencing_leaves_one_owner_and_one_survivor() {
    let fenced = Settings { fencing: Fencing::Api { delay: 8 }, ..Settings::MODERN };
    let Some(lab) = Lab::raise("fencing", fenced) else { return };
    lab.until_serving();
    say(HEAD);
    // The fence switches it on again.
    moves(&lab, "death, fencing", |node| drop(lab.rig(&["plug", node])), |_| ()).within(DEATH + 8000 + 1000);
    for _ in 0..runs() {
        lab.until_serving();
        let active = lab.server();
        let watch = begun(&lab, &active);
        let before = lab.events().len();
        lab.rig(&["cut", &active, "private"]);
        // Longer than the passive node needs to boot and to wait for a peer that it does not see.
        let from = watch.seen().len();
        until("75 seconds have passed", Duration::from_secs(200), || watch.seen().len() > from + 700);
        let power: Vec<String> = lab.events().split_off(before).into_iter().filter(|line| line.contains(" power_o")).collect();
        let passive = lab.droplet(other(&active)).to_string();
        let is_one_cycle = power.len() == 2 && power[0].contains(" power_off ") && power[1].contains(" power_on ");
        assert!(is_one_cycle && power.iter().all(|line| line.contains(&passive)), "{power:?}\n{}", lab.story());
        assert_eq!(watch.failed(), 0, "{}", lab.story());
        lab.rig(&["mend", &active, "private"]);
        lab.until_serving();
        assert_eq!(lab.server(), active);
    }
    say(&format!("| private link cut, fencing | {} | no failed request, the passive node is cycled once |", runs()));
}

#[test]
fn a_bootstrap_that_is_cut_short_goes_on() {
    let Some(lab) = Lab::raise("cut", Settings::MODERN) else { return };
    for phase in ["packages", "service", "corosync", "pacemaker", "configure"] {
        until(phase, Duration::from_secs(200), || {
            let now = lab.on("secondary", "cat /var/lib/dofloat/phase");
            now.trim() == phase || lab.on("secondary", &format!("ls /var/lib/dofloat/done/{phase}")).contains(phase)
        });
        lab.rig(&["plug", "secondary"]);
        lab.rig(&["boot", "secondary"]);
    }
    lab.until_serving();
}

fn holds_what_the_tutorial_has(lab: &Lab) {
    let configuration = lab.on("primary", "crm configure show");
    for part in [
        "primitive FloatIP ocf:digitalocean:floatip",
        "primitive Nginx",
        "httpd=\"/usr/sbin/nginx\"",
        "op start timeout=40s",
        "op stop timeout=60s",
        "on-fail=restart",
        "clone Nginx-clone Nginx",
        "colocation FloatIP-Nginx inf: FloatIP Nginx-clone",
        "order Nginx-FloatIP",
    ] {
        assert!(configuration.contains(part), "{part} is not in\n{configuration}");
    }
    assert!(!configuration.contains(TOKEN), "{configuration}");
    let schema = lab.on("primary", "cloud-init schema --system 2>&1");
    assert!(schema.contains("Valid cloud-config") || schema.contains("Valid schema"), "{schema}");
    let health = lab.health("secondary");
    assert_eq!((&health["holder"], &health["holds"], &health["error"]), (&"primary".into(), &false.into(), &().into()), "{health}");
    assert_eq!(lab.health("primary")["holds"], true);
    let tester =
        "ocf-tester -n FloatIP -o floating_ip=ADDRESS -o token_file=/etc/dofloat/token /usr/lib/ocf/resource.d/digitalocean/floatip";
    let tested =
        lab.on("primary", &format!("crm_resource -r FloatIP -m -p is-managed -v false && {} 2>&1", tester.replace("ADDRESS", &lab.ip)));
    assert!(tested.contains("passed all tests"), "{tested}");
    lab.rig(&["in", "primary", "crm_resource", "-r", "FloatIP", "-m", "-d", "is-managed"]);
    lab.rig(&["in", "primary", "crm", "resource", "cleanup", "FloatIP"]);
    lab.until_serving();
}

/// Token and key are in files that only root reads, and nowhere else.
fn keeps_its_secrets(lab: &Lab) {
    let key = String::from_utf8(STANDARD.decode(AUTHKEY).unwrap()).unwrap();
    let words = [TOKEN.to_owned(), STANDARD.encode(TOKEN), key, AUTHKEY.to_owned()].map(|word| format!("-e '{}'", &word[..28])).join(" ");
    let places = ["/etc/dofloat/token", "/etc/dofloat/authkey", "/etc/corosync/authkey", "/var/lib/cloud/instances/", "/run/cloud-init/"];
    for node in NODES {
        let look = format!("grep -rlF {words} / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev --exclude-dir=srv; true");
        let found = lab.on(node, &look);
        assert!(found.contains("/etc/dofloat/token"), "the search finds nothing: {found}");
        for file in found.lines() {
            assert!(places.iter().any(|place| file.starts_with(place)), "{node}: {file} holds a secret");
            let mode = u32::from_str_radix(lab.on(node, &format!("stat -c %a '{file}'")).trim(), 8).unwrap();
            assert_eq!(mode & 0o077, 0, "{node}: others can read {file}");
        }
        let asks = "curl -sf -m 5 http://169.254.169.254/metadata/v1/user-data";
        assert!(lab.on(node, asks).contains("#cloud-config"), "root must be able to read user-data");
        assert_eq!(lab.on(node, &format!("su -s /bin/sh nobody -c '{asks}' || echo refused")), "refused\n");
    }
    let all = lab.on("primary", "for i in $(seq 300); do ps axww -o args; sleep 0.05; done");
    assert!(all.contains("floatip") && all.contains("curl"), "no call of the agent was seen");
    assert!(!all.contains(TOKEN), "the token stands in an argument list");
    for (path, bytes) in lab.stack.files().iter().filter(|(path, _)| !path.starts_with("plans/")) {
        assert!(!String::from_utf8_lossy(bytes).contains(TOKEN), "{path} holds the token");
    }
}

fn fails_over(lab: &Lab) {
    say(HEAD);
    let rig = |words: &[&str]| drop(lab.rig(words));
    moves(lab, "death", |node| rig(&["plug", node]), |node| rig(&["boot", node])).within(DEATH);
    let power = |node: &str, what: &str| {
        let path = format!("/v2/droplets/{}/actions", lab.droplet(node));
        let begun = lab.api("POST", &path, &format!("{{\"type\":\"{what}\"}}"));
        assert!(begun["action"]["id"].is_u64(), "{what}: {begun}");
    };
    moves(lab, "power_off through the API", |node| power(node, "power_off"), |node| power(node, "power_on")).within(DEATH);
    moves(lab, "reboot", |node| drop(lab.on(node, "systemctl --no-block reboot")), |_| ()).within(DEATH);
    moves(
        lab,
        "standby",
        |node| rig(&["in", node, "crm", "node", "standby", node]),
        |node| {
            rig(&["in", node, "crm", "node", "online", node]);
        },
    )
    .within(1000 + 3000);
    stays(lab, "nginx killed", |node| drop(lab.on(node, "pkill -9 nginx"))).within(2000 + 3000);
    let break_it = "cp /etc/nginx/nginx.conf /etc/nginx/kept && echo broken >> /etc/nginx/nginx.conf && pkill -9 nginx";
    let repair = "mv /etc/nginx/kept /etc/nginx/nginx.conf && crm resource cleanup Nginx";
    moves(lab, "nginx killed and broken", |node| drop(lab.on(node, break_it)), |node| drop(lab.on(node, repair)))
        .within(2000 + 1000 + 4000);
    // Two looks of up to four seconds each at the gateway and the API, five between looks, and the address's second.
    moves(lab, "public link cut", |node| rig(&["cut", node, "public"]), |node| rig(&["mend", node, "public"])).within(20_000);
}

/// Whatever the API does during a failover, the address is served once it is well again.
fn endures_the_api(lab: &Lab) {
    for trouble in ["error-before=503", "throttle", "pending-event=1", "never-before", "unauthorized"] {
        lab.until_serving();
        let active = lab.server();
        let watch = begun(lab, &active);
        let told = lab.on(other(&active), "wc -l < /var/log/dofloat.log").trim().parse::<usize>().unwrap();
        lab.set_faults(&[&format!("* /v2/**x0 {trouble}")]);
        lab.rig(&["plug", &active]);
        let peer = other(&active);
        let tries = || {
            let log = lab.on(peer, &format!("tail -n +{} /var/log/dofloat.log", told + 1));
            log.contains("the API answers") || !lab.health(peer)["api_error"].is_null()
        };
        until("the peer has asked in vain", Duration::from_secs(60), tries);
        if trouble == "unauthorized" {
            until("the refusal shows", Duration::from_secs(60), || {
                let health = lab.health(peer);
                health["api_error"].as_str().is_some_and(|why| why.contains("refuses"))
                    && health["failures"].to_string().contains("FloatIP_start")
            });
        }
        until("the client sees it", Duration::from_secs(20), || watch.now().is_empty());
        lab.set_faults(&[]);
        if trouble == "unauthorized" {
            lab.rig(&["in", peer, "crm", "resource", "cleanup", "FloatIP"]);
        }
        assert!(wait_for(&watch, peer), "{trouble}: the address is not served again\n{}", lab.story());
        say(&format!("| API: {trouble} | served again |"));
        lab.rig(&["boot", &active]);
    }
    // No failover: trouble with the API, and with it alone, moves nothing.
    lab.until_serving();
    let active = lab.server();
    let watch = begun(lab, &active);
    lab.set_faults(&["* /v2/**x0 error-before=503"]);
    let from = watch.seen().len();
    until("25 seconds have passed", Duration::from_secs(90), || watch.seen().len() > from + 230);
    assert_eq!((watch.failed(), watch.now()), (0, active), "{}", lab.story());
    lab.set_faults(&[]);
}

fn replaces_the_passive_node(lab: &Lab) {
    assert_eq!(lab.server(), "primary");
    let private = || lab.on("secondary", "ip -o -4 addr show eth1 | awk '{ print $4 }'");
    let before = private();
    let watch = begun(lab, "primary");
    lab.dofloat(&["apply", "lab", "-auto-approve", "-replace=digitalocean_droplet.secondary"]).ok().says("Apply complete!");
    lab.until_serving();
    assert_ne!(private(), before);
    assert_eq!((watch.failed(), watch.now()), (0, "primary".to_owned()), "{}", lab.story());
    say("| passive node replaced | no failed request |");
    lab.dofloat(&["plan", "lab"]).ok().mentions("No changes.");
}

fn serves_after_a_blackout(lab: &Lab) {
    lab.until_serving();
    for node in NODES {
        lab.rig(&["plug", node]);
    }
    for node in NODES {
        lab.rig(&["boot", node]);
    }
    lab.until_serving();
}

fn refuses_another_key(lab: &Lab) {
    let restart = "systemctl restart corosync && systemctl start pacemaker";
    lab.rig(&["in", "secondary", "sh", "-c", &format!("head -c 128 /dev/urandom > /etc/corosync/authkey && {restart}")]);
    let alone = || lab.on("primary", "crm_node -p").trim() == "primary";
    until("the member with another key is gone", Duration::from_secs(60), alone);
    assert!(!wait(Duration::from_secs(15), || !alone()), "a node with another key has joined");
    lab.rig(&["in", "secondary", "sh", "-c", &format!("cat /etc/dofloat/authkey > /etc/corosync/authkey && {restart}")]);
    lab.until_serving();
}

/// How often the simulator told of such an event.
fn count(lab: &Lab, event: &str) -> usize {
    lab.events().iter().filter(|line| line.contains(&format!(" {event} "))).count()
}
