//! The cluster on real software: corosync, pacemaker, crmsh, nginx and cloud-init in booted containers that the simulated
//! account drives, asked by a client every 100 ms.
//!
//! Invariant: nothing of it reaches a network outside the namespaces that it makes. Bounds are those of the settings: token
//! and consensus, a second of pacemaker's, the second in which an address moves or a droplet goes off; with fencing, how long the
//! node without the address looks on.

mod arbiter;
mod client;
mod drill;
mod handover;
mod hygiene;
mod links;
mod measure;
mod room;
mod scenarios;
mod table;
mod upgrade;
mod upkeep;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::Watch;
use measure::{HEAD, begun, moves, other, runs, stays, wait_for};
use room::{Key, Lab, LabConfig, NODES, TOKEN, until, wait};

use crate::support::harness::say;

/// What is promised where nobody is fenced: token (1.2 s), consensus, pacemaker's second and the address's.
const DEATH: u64 = 1200 + 100 + 1000 + 1000;

/// With fencing the survivor looks on first, the first node for ten seconds, in rounds of at most two. It serves as soon as it has
/// the address; that the other is down is proven later.
const FENCED_DEATH: u64 = DEATH + 10_000 + 2 * 2000;

#[test]
fn a_pair_comes_up_and_survives_its_nodes() {
    let Some(lab) = Lab::raise("pair", LabConfig::MODERN) else { return };
    comes_up_as_it_should(&lab);
    holds_what_the_tutorial_has(&lab);
    keeps_its_secrets(&lab);
    fails_over(&lab);
    tells_the_truth_afterwards(&lab);
    endures_the_api(&lab);
}

/// The metadata service of this one learns half a minute late where the address is.
#[test]
fn a_replaced_node_joins_by_itself() {
    let late = LabConfig { simulator: &["--metadata-lag", "30s"], ..LabConfig::MODERN };
    let Some(lab) = Lab::raise("replaced", late) else { return };
    replaces_the_passive_node(&lab);
    moves_once_though_metadata_is_late(&lab);
    serves_after_a_blackout(&lab);
    measures_a_split_without_fencing(&lab);
    refuses_another_key(&lab);
}

#[test]
fn the_tutorials_settings_hold_too() {
    let Some(lab) = Lab::raise("tutorial", LabConfig::TUTORIAL) else { return };
    comes_up_as_it_should(&lab);
    say(HEAD);
    let plug = |node: &str| drop(lab.rig(&["plug", node]));
    moves(&lab, "death, the tutorial's settings", plug, |node| drop(lab.rig(&["boot", node]))).within(8500);
}

/// Nodes that are made, and whose boot is cut short again and again while nobody waits for them; their service listens at the
/// anchor address, so that it is served at the floating IP alone.
#[test]
fn a_bootstrap_that_is_cut_short_goes_on() {
    let unwatched =
        LabConfig { changes: &[("fencing", "\"none\""), ("wait_for", "\"created\""), ("listen", "\"anchor\"")], ..LabConfig::FENCED };
    let Some(lab) = Lab::raise("cut", unwatched) else { return };
    for phase in ["packages", "service", "corosync", "pacemaker", "configure"] {
        until(phase, Duration::from_secs(200), || {
            let now = lab.on("secondary", "cat /var/lib/dofloat/phase");
            now.trim() == phase || lab.on("secondary", &format!("ls /var/lib/dofloat/done/{phase}")).contains(phase)
        });
        lab.rig(&["plug", "secondary"]);
        lab.rig(&["boot", "secondary"]);
    }
    lab.until_serving();
    let own = lab.public("primary");
    assert!(!own.is_empty());
    let asked = lab.try_rig(&["client", "curl", "-s", "-m", "5", &format!("http://{own}/")]);
    assert_eq!(asked.code, 7, "the service must not be served at a node's own address: {asked}");
}

/// No service, but the address alone; and what the operator sees of it with a shell on the nodes.
#[test]
fn an_address_alone_moves_too() {
    let bare =
        LabConfig { changes: &[("service", "\"none\""), ("ssh_keys", "[digitalocean_ssh_key.lab.fingerprint]")], ..LabConfig::FENCED };
    let Some(lab) = Lab::empty("bare", bare) else { return };
    let key = Key::new(&lab);
    lab.add(&format!("resource \"digitalocean_ssh_key\" \"lab\" {{\n  name = \"lab\"\n  public_key = \"{}\"\n}}\n", key.public()));
    lab.apply(&[]);
    comes_up_as_it_should(&lab);
    assert_eq!(lab.on("primary", "command -v nginx; pgrep -c nginx"), "", "nobody asked for nginx");
    let seen = lab.ask_as(&key.environment(), "status", &["-verbose"]).ok();
    for part in [
        "primitive FloatIP ocf:digitalocean:floatip",
        "Online: [ primary secondary ]",
        "# the end of corosync.log",
        "# the end of pacemaker.log",
    ] {
        assert_eq!(seen.stdout.matches(part).count(), 2, "{part:?} must be there once for each node\n{seen}");
    }
    lab.rig(&["plug", "primary"]);
    until("the other node has the address", Duration::from_secs(120), || lab.health("secondary")["holds"] == true);
    lab.ask("plan", &[]).ok().mentions("No changes.").mentions("is held by secondary");
    lab.until_serving();
    assert_eq!(lab.health("primary")["holds"], false, "{}", lab.story());
}

/// The apply has waited until all is well, and nothing was moved on the way.
fn comes_up_as_it_should(lab: &Lab) {
    assert!(lab.has_joined(), "the apply has ended before the cluster serves\n{}", lab.story());
    lab.until_serving();
    assert_eq!(lab.holder(), "primary", "{}", lab.story());
    assert_eq!(count(lab, "assign"), 1, "the address was moved without need\n{}", lab.story());
    lab.ask("plan", &[]).ok().mentions("No changes.");
    lab.ask("status", &[]).ok();
}

fn holds_what_the_tutorial_has(lab: &Lab) {
    let configuration = lab.on("primary", "crm configure show");
    for part in [
        "primitive FloatIP ocf:digitalocean:floatip",
        "primitive Nginx",
        "httpd=\"/usr/sbin/nginx\"",
        "op start interval=0s timeout=40s",
        "op stop interval=0s timeout=60s",
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
    let tester = tester.replace("ADDRESS", lab.ip());
    let tested = lab.on("primary", &format!("crm_resource -r FloatIP -m -p is-managed -v false && {tester} 2>&1"));
    assert!(tested.contains("passed all tests"), "{tested}");
    lab.rig(&["in", "primary", "crm_resource", "-r", "FloatIP", "-m", "-d", "is-managed"]);
    lab.rig(&["in", "primary", "crm", "resource", "cleanup", "FloatIP"]);
    lab.until_serving();
}

/// Token and key are in files that only root reads, and nowhere else.
fn keeps_its_secrets(lab: &Lab) {
    // In a simulated account the key is a text.
    let key = lab.on("primary", "cat /etc/corosync/authkey");
    assert_eq!(key.len(), 128, "no key is no secret");
    let words = [TOKEN.to_owned(), STANDARD.encode(TOKEN), key.clone(), STANDARD.encode(&key)];
    let patterns = words.each_ref().map(|word| format!("-e '{}'", &word[..28])).join(" ");
    let places = ["/etc/dofloat/token", "/etc/dofloat/authkey", "/etc/corosync/authkey", "/var/lib/cloud/instances/", "/run/cloud-init/"];
    for node in NODES {
        let look = format!("grep -rlF {patterns} / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev --exclude-dir=srv; true");
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
    // The world is the account: it must know what it gives to its droplets.
    let files = lab.stack.files();
    assert!(files.keys().any(|path| path.ends_with(".secrets.age")), "{:?}", files.keys());
    for (path, bytes) in files.iter().filter(|(path, _)| !path.ends_with("/world.json")) {
        let text = String::from_utf8_lossy(bytes);
        assert!(words.iter().all(|word| !text.contains(&word[..28])), "{path} holds a secret");
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
    .within(1000 + 1000);
    let cleanup = |node: &str| drop(lab.on(node, "crm resource cleanup Nginx"));
    stays(lab, "nginx killed", |node| drop(lab.on(node, "pkill -9 nginx")), cleanup).within(2000 + 3000);
    let break_it = "cp /etc/nginx/nginx.conf /etc/nginx/kept && echo broken >> /etc/nginx/nginx.conf && pkill -9 nginx";
    let repair = "mv /etc/nginx/kept /etc/nginx/nginx.conf && crm resource cleanup Nginx";
    moves(lab, "nginx killed and broken", |node| drop(lab.on(node, break_it)), |node| drop(lab.on(node, repair)))
        .within(2000 + 1000 + 4000);
    // A second between looks, two for one that is in vain, and the address's second.
    moves(lab, "public link cut", |node| rig(&["cut", node, "public"]), |node| rig(&["mend", node, "public"])).within(7000);
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
            until("the refusal shows", Duration::from_secs(90), || {
                let health = lab.health(peer);
                health["api_error"].as_str().is_some_and(|why| why.contains("refuses"))
                    && health["failures"].to_string().contains("FloatIP_start")
            });
        }
        until("the client sees it", Duration::from_secs(20), || watch.now().is_empty());
        lab.set_faults(&[]);
        assert!(wait_for(&watch, peer), "{trouble}: the address is not served again\n{}", lab.story());
        say(&format!("| API: {trouble} | served again |"));
        lab.rig(&["boot", &active]);
    }
    // No failover: trouble with the API, and with it alone, moves nothing.
    lab.until_serving();
    let active = lab.server();
    let watch = begun(lab, &active);
    lab.set_faults(&["* /v2/**x0 error-before=503"]);
    pass(&watch, 25);
    assert_eq!((watch.failed(), watch.now()), (0, active), "{}", lab.story());
    lab.set_faults(&[]);
}

fn replaces_the_passive_node(lab: &Lab) {
    assert_eq!(lab.server(), "primary");
    let private = || lab.on("secondary", "ip -o -4 addr show eth1 | awk '{ print $4 }'");
    let before = private();
    let watch = begun(lab, "primary");
    lab.apply(&["-replace=dofloat_cluster.web.digitalocean_droplet.secondary"]);
    assert!(lab.has_joined(), "the apply has ended before the cluster serves\n{}", lab.story());
    lab.until_serving();
    assert_ne!(private(), before);
    assert_eq!((watch.failed(), watch.now()), (0, "primary".to_owned()), "{}", lab.story());
    say("| passive node replaced | no failed request |");
    lab.ask("plan", &[]).ok().mentions("No changes.");
}

/// An agent that believed the metadata service would take the address for lost, again and again.
fn moves_once_though_metadata_is_late(lab: &Lab) {
    let before = count(lab, "assign");
    say(HEAD);
    moves(lab, "death, metadata 30 s late", |node| drop(lab.rig(&["plug", node])), |node| drop(lab.rig(&["boot", node]))).within(DEATH);
    let active = lab.server();
    let watch = begun(lab, &active);
    pass(&watch, 40);
    assert_eq!(watch.failed(), 0, "{}", lab.story());
    assert_eq!(count(lab, "assign") as u64, before as u64 + runs(), "{}", lab.story());
    let failed = lab.on(&active, "crm_mon -1f --output-as=xml");
    assert!(failed.contains("<resource_history id=\"FloatIP\"") && !failed.contains("fail-count"), "{failed}");
}

/// Both nodes take themselves for the owner. What comes of it is told, not promised; in the end there is one again.
fn measures_a_split_without_fencing(lab: &Lab) {
    lab.until_serving();
    let active = lab.server();
    let watch = begun(lab, &active);
    let before = count(lab, "assign");
    lab.rig(&["cut", &active, "private"]);
    pass(&watch, 45);
    let owners = NODES.iter().filter(|node| lab.health(node)["holder"] == **node).count();
    let (failed, assigned) = (watch.failed(), count(lab, "assign") - before);
    lab.rig(&["mend", &active, "private"]);
    lab.until_serving();
    say(&format!(
        "| private link cut, no fencing, 45 s | {owners} nodes take themselves for the owner, {assigned} moves, {failed} failed requests, then one owner |"
    ));
    assert_eq!(lab.health("primary")["holder"], lab.health("secondary")["holder"], "{}", lab.story());
}

/// State, plan and status after all that has happened.
fn tells_the_truth_afterwards(lab: &Lab) {
    lab.until_serving();
    let active = lab.server();
    let plan = lab.ask("plan", &[]).ok().mentions("No changes.");
    assert_eq!(
        plan.stderr.contains("is held by secondary") || plan.stdout.contains("is held by secondary"),
        active == "secondary",
        "{plan}"
    );
    let status = lab.ask("status", &["-json"]).ok().json();
    let cluster = &status["clusters"]["dofloat_cluster.web"];
    assert_eq!((&cluster["holder"], &cluster["whole"]), (&active.as_str().into(), &true.into()), "{status:#}");
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

/// Waits until the client has asked for so many seconds.
#[track_caller]
fn pass(watch: &Watch, seconds: u32) {
    let from = watch.seen().first().expect("it has asked before").at;
    let begun = watch.seen().last().map_or(from, |seen| seen.at);
    let until_then = begun + u64::from(seconds) * 1000;
    until("time has passed", Duration::from_secs(u64::from(3 * seconds)), || watch.seen().last().is_some_and(|seen| seen.at > until_then));
}

/// How often the simulator told of such an event.
fn count(lab: &Lab, event: &str) -> usize {
    lab.events().iter().filter(|line| line.contains(&format!(" {event} "))).count()
}
