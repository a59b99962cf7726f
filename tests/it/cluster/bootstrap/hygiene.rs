//! What a node does besides being a member: who reads user-data, what is updated by night, what the user's own script may do, and
//! that its health is told before anything is installed.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use dofloat::base::secret::Secret;
use dofloat::bootstrap::user_data::Node;
use serde_json::{Value, json};

use super::{PEERS, Root, TAGGED, text, tool, trusty};

fn born(node: &Node) -> Root {
    let root = Root::new();
    root.born(&text(node));
    root
}

fn health(root: &Root) -> Value {
    root.sh("usr/local/lib/dofloat/health show").ok().json()
}

/// A node of today, as far as phases look at it.
fn modernised(root: &Root) {
    let env = root.stack.read("etc/dofloat/cluster.env").replace("RELEASE='trusty'", "RELEASE='modern'");
    root.stack.write("etc/dofloat/cluster.env", &env);
    root.stand_in("systemctl", "");
}

#[test]
fn health_and_firewall_come_before_any_package() {
    let root = born(&trusty());
    root.phase("prepare").ok();
    let calls = root.calls();
    for call in ["initctl start dofloat-health", "initctl start dofloat-agent", "iptables -w -A DOFLOAT-OUTPUT"] {
        assert!(calls.contains(call), "no `{call}` in\n{calls}");
    }
    assert!(!calls.contains("apt-get"), "something was installed\n{calls}");
    // Then it can be told that nothing can be installed.
    root.stand_in("apt-get", "exit 100");
    root.phase("packages").exits(1).mentions("the lists of packages cannot be fetched");
}

#[test]
fn health_is_served_where_there_is_no_server_yet() {
    let root = born(&trusty());
    root.stand_in("busybox", "exit 127");
    root.sh("usr/local/lib/dofloat/health write").ok();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let env = root.stack.read("etc/dofloat/cluster.env").replace("HEALTH_PORT='8080'", &format!("HEALTH_PORT='{port}'"));
    root.stack.write("etc/dofloat/cluster.env", &env);
    let mut server = root.command("exec usr/local/lib/dofloat/health serve").spawn().unwrap();
    let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!((0..400).any(|_| answers() || (std::thread::sleep(Duration::from_millis(50)), false).1), "it does not answer");
    let ask = |request: &str| {
        let mut guest = TcpStream::connect(("127.0.0.1", port)).unwrap();
        guest.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        guest.read_to_string(&mut answer).unwrap();
        answer
    };
    // One that says nothing holds nobody up for long, nor one that asks for something else.
    let _silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let missing = ask("GET /etc/passwd HTTP/1.1\r\n\r\n");
    let rude = ask("\r\n\r\n");
    let found = ask("GET /health HTTP/1.1\r\nHost: node\r\n\r\n");
    let _ = server.kill();
    let _ = server.wait();
    assert!(missing.starts_with("HTTP/1.0 404 ") && rude.starts_with("HTTP/1.0 404 "), "{missing}\n{rude}");
    let (head, page) = found.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{found}");
    assert_eq!(serde_json::from_str::<Value>(page).unwrap()["node"], "primary");
}

/// What `ip` does with rules: it keeps them; without REFUSED it takes all.
const IP_RULES: &str = r#"
rules=$DOFLOAT_ROOT/rules
case "$1 $2" in
    'rule add') shift 3; case "$*" in *REFUSED*) exit 255 ;; esac; pref=$1; shift; echo "$pref: from all $*" >> "$rules" ;;
    'rule del') grep -v "^$4:" "$rules" > "$rules.new"; mv "$rules.new" "$rules" ;;
    'rule show') cat "$rules" 2> /dev/null ;;
    *) echo '3: eth1    inet 10.118.0.3/20 brd 10.118.15.255 scope global eth1' ;;
esac
exit 0
"#;

#[test]
fn user_data_is_shut_by_routing_too_and_the_metrics_agent_gets_through() {
    let root = born(&trusty());
    let shut = |refused: &str, words: &str| {
        root.stand_in("ip", &IP_RULES.replace("REFUSED", refused));
        root.sh(&format!("usr/local/lib/dofloat/firewall {words}")).ok();
        root.stack.read("rules").lines().map(|line| line.replace("from all to 169.254.169.254 ", "")).collect::<Vec<_>>()
    };
    root.stand_in("id", "exit 1");
    root.stand_in("iptables", "[ $2 != -C ] || exit 1");
    let all = ["90: iif lo uidrange 0-0 lookup main protocol kernel", "99: prohibit protocol kernel"];
    assert_eq!(shut("-none-", ""), all);
    assert_eq!(shut("-none-", "check"), all, "it is made once");
    root.stack.write("rules", "");
    assert_eq!(shut("-none-", "check"), all, "it is made anew");
    // The agent is installed by the provider at some time.
    root.stand_in("id", "echo 997");
    let open = "91: iif lo uidrange 997-997 lookup main protocol kernel";
    assert_eq!(shut("-none-", "check"), [all[0], open, all[1]]);
    assert!(root.calls().contains("iptables -w -A DOFLOAT-OUTPUT -d 169.254.169.254 -m owner --uid-owner 997 -j ACCEPT"));
    // An older `ip` knows no protocol of a rule; that of 14.04 no users, so that it holds for containers alone.
    root.stack.write("rules", "");
    assert_eq!(shut("protocol", "")[2], "99: prohibit");
    root.stack.write("rules", "");
    let old = shut("protocol*|*uidrange", "");
    assert_eq!(old, ["90: iif lo lookup main", "99: prohibit"]);
    assert_eq!(shut("protocol*|*uidrange", "check"), old);
}

#[test]
fn what_is_updated_by_night_is_not_the_cluster_and_not_both_nodes() {
    let nodes = ["primary", "secondary"].map(|name| born(&Node { name: name.to_owned(), ..trusty() }));
    let timers = nodes.each_ref().map(|root| {
        modernised(root);
        root.phase("prepare").ok();
        root.stack.read("etc/systemd/system/apt-daily-upgrade.timer.d/dofloat.conf")
    });
    assert!(timers[0].contains("OnCalendar=\nOnCalendar=*-*-* 02:00\n") && timers[1].contains("*-*-* 04:00\n"), "{timers:?}");
    let [first, _] = &nodes;
    let apt = first.stack.read("etc/apt/apt.conf.d/60dofloat");
    assert!(apt.contains("Package-Blacklist { \"corosync\"; ") && apt.contains("Automatic-Reboot-Time \"03:00\""), "{apt}");
    assert!(first.calls().contains("systemctl daemon-reload"));
    // As needrestart reads it.
    let reads = "perl -we 'our %nrconf; my $file = shift; do \"./$file\" // die $@ || $!; my ($rule) = keys %{$nrconf{override_rc}};
        print join \" \", map { /$rule/ ? 1 : 0 } @ARGV' etc/needrestart/conf.d/dofloat.conf";
    let units =
        "corosync.service pacemaker.service pacemaker_remote.service dofloat-bootstrap.service nginx.service corosync-notifyd.service";
    assert_eq!(first.sh(&format!("{reads} {units}")).ok().stdout, "1 1 1 1 0 0");
    let bootstrap = first.stack.read("usr/local/lib/dofloat/bootstrap");
    assert!(bootstrap.contains("NEEDRESTART_SUSPEND=1"), "our own installations restart nothing either");
}

#[test]
fn a_time_zone_that_has_moved_or_is_missing_holds_nobody_up() {
    let Some(_) = tool("jq") else { return };
    let zone = |name: &str| born(&Node { timezone: name.to_owned(), ..trusty() });
    let root = zone("US/Eastern");
    root.stack.write("usr/share/zoneinfo/tzdata.zi", "# version 2025b\nR A 1 2\nL America/New_York US/Eastern\n");
    root.phase("packages").ok();
    assert_eq!(root.stack.read("etc/timezone"), "America/New_York\n");
    assert!(!root.calls().contains("install --no-install-recommends tzdata"));
    assert_eq!(health(&root)["notes"], json!([]));
    // In a package of its own.
    let root = zone("Old/Name");
    root.stand_in("apt-cache", "echo 'Version: 1'");
    root.stand_in("apt-get", "case $* in *' tzdata-legacy') mkdir -p usr/share/zoneinfo/Old; : > usr/share/zoneinfo/Old/Name ;; esac");
    root.phase("packages").ok();
    assert_eq!(root.stack.read("etc/timezone"), "Old/Name\n");
    // Nowhere.
    let root = zone("Never/Heard");
    root.stack.write("usr/share/zoneinfo/UTC", "");
    root.phase("packages").ok();
    assert_eq!(root.stack.read("etc/timezone"), "UTC\n");
    assert_eq!(health(&root)["notes"], json!(["there is no time zone Never/Heard on this system: the clock shows UTC"]));
}

fn with_script(script: &str, timeout: u32) -> Root {
    let root = born(&Node { user_script: Some(Secret::new(script.to_owned())), user_script_timeout: timeout, ..trusty() });
    root.stand_in("sleep", "");
    root.stack.write(TAGGED, PEERS);
    root
}

#[test]
fn a_script_that_fails_is_tried_a_few_times_and_then_the_node_stops() {
    let Some(_) = tool("jq") else { return };
    let root = with_script("#!/bin/sh\necho once >> \"$DOFLOAT_ROOT/ran\"\n[ -e \"$DOFLOAT_ROOT/mended\" ] || exit 3\n", 600);
    root.sh("usr/local/lib/dofloat/bootstrap").ok();
    assert_eq!(root.stack.read("ran").lines().count(), 5);
    let calls = root.calls();
    let pauses: Vec<&str> = calls.lines().filter(|line| line.starts_with("sleep ") && line.ends_with('0')).collect();
    assert_eq!(pauses, ["sleep 10", "sleep 20", "sleep 40", "sleep 80"]);
    let told = health(&root);
    let why = told["error"].as_str().unwrap();
    assert!(why.contains("ended with 3, try 5 of 5") && why.contains("bootstrap start"), "{why}");
    assert_eq!((&told["phase"], &told["stopped"]), (&json!("service"), &json!(true)));
    // Whoever starts it again has mended something, or a reboot has.
    root.stack.write("mended", "");
    root.sh("usr/local/lib/dofloat/bootstrap").ok();
    let told = health(&root);
    assert_eq!((&told["phase"], &told["error"], &told["stopped"]), (&json!("done"), &Value::Null, &json!(false)));
    assert_eq!(root.stack.read("ran").lines().count(), 6);
}

#[test]
fn a_script_that_hangs_is_ended_and_one_that_waits_for_words_gets_none() {
    let root = with_script("#!/bin/sh\nread -r word && exit 9\nexec /bin/sleep 600\n", 1);
    root.phase("service").exits(1).mentions("the script in user_data was ended after 1 s (user_data_timeout), try 1 of 5");
}

/// Where the other node is waited for it is looked for often; where an archive is, seldom.
#[test]
fn a_node_that_waits_for_the_other_is_done_soon_after_it() {
    let Some(_) = tool("jq") else { return };
    let root = with_script("", 600);
    root.stand_in("crm_resource", "echo x >> located; [ $(wc -l < located) -lt 30 ] || echo 'resource FloatIP is running on: primary '");
    root.stand_in("apt-get", "echo x >> fetched; [ $(wc -l < fetched) -gt 8 ]");
    root.sh("usr/local/lib/dofloat/bootstrap").ok();
    let calls = root.calls();
    let longest = |text: &str| text.lines().filter_map(|line| line.strip_prefix("sleep ")?.parse::<u32>().ok()).max();
    let (before, after) = calls.split_once("crm_attribute").unwrap();
    assert_eq!((longest(before), longest(after)), (Some(10), Some(2)), "{calls}");
}
