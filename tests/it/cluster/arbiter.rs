//! The third vote: what a pair gets with an arbiter, what it and the arbiter know each other by, and what a node does while the
//! arbiter is away.
//!
//! How real nodes behave with it is the lab's matter.

use std::fs;

use dofloat::bootstrap::user_data::{Node, Release};
use dofloat::sim::Options;
use serde_json::{Value, json};

use crate::cluster::bootstrap::{Root, arbiter_access, modern, text, tool};
use crate::cluster::fencing::votes;
use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

const PAIR: &str = r#"
variable "failover_token" {
  sensitive = true
}

resource "dofloat_cluster" "web" {
  region         = "nyc3"
  image          = "debian-12-x64"
  size           = "s-1vcpu-1gb"
  failover_token = var.failover_token
  fencing        = "api"
"#;

fn scene(plan: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack().env("TF_VAR_failover_token", "token-of-the-nodes-4712").env("DOFLOAT_CLOCK", "virtual");
    stack.write("plans/votes.tf", plan);
    (cloud, stack)
}

/// The user-data with which a droplet was made.
fn user_data(cloud: &Cloud, name: &str) -> String {
    let made = cloud.log().into_iter().filter(|exchange| exchange.method == "POST" && exchange.path.ends_with("/droplets"));
    let bodies: Vec<Value> = made.map(|exchange| exchange.request).collect();
    let body = bodies.iter().rev().find(|body| body["name"] == name).unwrap_or_else(|| panic!("no droplet {name} was asked for"));
    body["user_data"].as_str().expect("it has user-data").to_owned()
}

#[test]
fn a_droplet_of_its_own_is_the_arbiter_and_changes_nothing_for_pairs_without() {
    let (cloud, stack) = scene(&format!("{PAIR}}}\n"));
    stack.run(&["apply", "votes", "-auto-approve"]).ok().says("Apply complete! Resources: 8 added");
    let inputs = |stack: &Stack| {
        let state = stack.json("state/votes.json");
        state.to_string()
    };
    assert!(!inputs(&stack).contains("arbiter"), "a pair without an arbiter does not know the word");
    stack.write(
        "plans/votes.tf",
        &format!(
            "{PAIR}  arbiter {{\n    region = \"sfo3\"\n  }}\n}}\n\noutput \"third\" {{\n  value = \
             dofloat_cluster.web.arbiter_address\n}}\n"
        ),
    );
    stack.run(&["apply", "votes", "-auto-approve"]).ok();
    stack.run(&["plan", "votes", "-detailed-exitcode"]).ok().says("No changes.");
    let arbiter = cloud.find("droplets", "name", "votes-web-arbiter");
    assert_eq!((&arbiter["region"]["slug"], &arbiter["size_slug"]), (&json!("sfo3"), &json!("s-1vcpu-512mb-10gb")));
    let address = stack.run(&["output", "votes", "third", "-raw"]).ok().stdout;
    assert!(arbiter["networks"].to_string().contains(&format!("\"{}\"", address.trim())), "{address}\n{arbiter:#}");
    let firewall = cloud.find("firewalls", "name", "votes-web-arbiter");
    assert_eq!(firewall["droplet_ids"], json!([arbiter["id"]]));
    let votes: Vec<&Value> = firewall["inbound_rules"].as_array().unwrap().iter().filter(|rule| rule["ports"] == "5403").collect();
    assert_eq!(votes.len(), 1);
    assert_eq!(votes[0]["sources"]["tags"].as_array().map(Vec::len), Some(1), "the pair's tag alone: {firewall:#}");
    stack.run(&["destroy", "votes", "-auto-approve"]).ok();
    assert!(!stack.exists("state/votes.secrets.age"), "what the arbiter is known by is forgotten with the pair");
}

#[test]
fn keys_are_in_the_encrypted_file_and_on_their_hosts_alone_and_fit_each_other() {
    let (cloud, stack) = scene(&format!("{PAIR}  arbiter {{}}\n}}\n"));
    let said = [
        stack.run(&["plan", "votes", "-out=saved"]).ok(),
        stack.run(&["apply", "saved", "-json"]).ok(),
        stack.run(&["show", "votes", "-json"]).ok(),
    ];
    let script = stack.run(&["arbiter", "votes"]).ok().stdout;
    let part = |text: &str, begin: &str| {
        let at = text.find(begin).unwrap_or_else(|| panic!("no {begin}"));
        let line = text[at..].lines().nth(1).expect("it goes on").trim();
        line.to_owned()
    };
    let own = part(&script, "BEGIN PRIVATE KEY");
    assert_eq!(user_data(&cloud, "votes-web-arbiter"), script, "a droplet of ours runs what a host of the user's does");
    let node = user_data(&cloud, "primary");
    let pair = part(&node, "BEGIN PRIVATE KEY");
    assert!(own != pair && !node.contains(&own) && !script.contains(&pair), "each has its own key");
    for outcome in &said {
        assert!(!outcome.to_string().contains(&own) && !outcome.to_string().contains(&pair), "{outcome}");
    }
    for (path, bytes) in stack.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&own) && !text.contains(&pair), "{path}");
    }
    verified(&stack, &script, &node);
}

/// Both certificates are of the authority that both know, for the names and the use by which corosync takes them.
fn verified(stack: &Stack, script: &str, node: &str) {
    if tool("openssl").is_none() {
        return;
    }
    let certificates = |text: &str| -> Vec<String> {
        let of = |rest: &str| format!("-----BEGIN CERTIFICATE-----{}-----END CERTIFICATE-----\n", rest.split("-----END").next().unwrap());
        text.split("-----BEGIN CERTIFICATE-----").skip(1).map(of).map(|text| text.replace("\n    ", "\n")).collect()
    };
    let (host, node) = (certificates(script), certificates(node));
    assert_eq!((host.len(), node.len(), &host[0]), (2, 2, &node[0]), "an authority and an own one each");
    for (name, text) in [("authority", &host[0]), ("arbiter", &host[1]), ("pair", &node[1])] {
        stack.write(name, text);
    }
    let ask = |words: &[&str]| {
        let mut command = stack.command("openssl");
        Outcome::of(command.args(words).output().expect("openssl runs")).ok().stdout
    };
    for (name, purpose, subject) in [("arbiter", "sslserver", "Qnetd Server"), ("pair", "sslclient", "lbcluster")] {
        ask(&["verify", "-CAfile", "authority", "-purpose", purpose, name]);
        let told = ask(&["x509", "-in", name, "-noout", "-subject", "-nameopt", "multiline"]);
        assert!(told.lines().any(|line| line.trim_end().ends_with(&format!("= {subject}"))), "{told}");
    }
}

#[test]
fn one_arbiter_serves_many_pairs_of_a_stack() {
    let other = PAIR.split_once("resource").map(|(_, rest)| format!("resource{rest}")).unwrap().replace("\"web\"", "\"db\"");
    let more = "  nodes = [\"one\", \"two\"]\n  arbiter = dofloat_cluster.web.arbiter_address\n";
    let plan = |name: &str| format!("{PAIR}  arbiter {{}}\n}}\n{other}{more}{name}}}\n");
    let (cloud, stack) = scene(&plan(""));
    stack.run(&["plan", "votes"]).exits(1).mentions("both have the `cluster_name` \"lbcluster\"");
    stack.write("plans/votes.tf", &plan("  cluster_name = \"db\"\n"));
    stack.run(&["apply", "votes", "-auto-approve"]).ok();
    stack.run(&["plan", "votes", "-detailed-exitcode"]).ok().says("No changes.");
    let firewall = cloud.find("firewalls", "name", "votes-web-arbiter");
    let rule = firewall["inbound_rules"].as_array().unwrap().iter().find(|rule| rule["ports"] == "5403").expect("it lets pairs in").clone();
    assert_eq!(rule["sources"]["tags"].as_array().map(Vec::len), Some(2), "{rule}");
    let arbiter = cloud.find("droplets", "name", "votes-web-arbiter");
    let address = arbiter["networks"]["v4"].as_array().unwrap().iter().find(|net| net["type"] == "public").unwrap()["ip_address"].clone();
    assert!(user_data(&cloud, "one").contains(&format!("ARBITER='{}'", address.as_str().unwrap())));
    stack.run(&["destroy", "votes", "-auto-approve"]).ok();
    assert!(cloud.is_fresh() || cloud.show("droplets").is_empty());
}

#[test]
fn what_does_not_go_with_an_arbiter_is_refused_at_plan() {
    let refused = |more: &str, told: &str| {
        let (_cloud, stack) = scene(&format!("{PAIR}{more}}}\n"));
        stack.run(&["plan", "votes"]).exits(1).mentions(told);
    };
    refused("  arbiter = \"no address\"\n", "`arbiter` is not a valid host address.");
    refused("  arbiter = 3\n", "`arbiter` is not a valid host address.");
    refused("  arbiter {}\n  arbiter {}\n", "A cluster has one arbiter, not 2.");
    refused("  arbiter {\n    sise = \"x\"\n  }\n", "There is no argument `sise` in `arbiter`.");
    refused("  arbiter {\n    image = \"ubuntu-14-04-x64\"\n  }\n", "An arbiter cannot be built on `ubuntu-14-04-x64`.");
    refused("  arbiter_address = \"203.0.113.9\"\n", "`arbiter_address` cannot be set");
    let (_cloud, stack) =
        scene(&PAIR.replace("debian-12-x64", "ubuntu-14-04-x64").replace("fencing        = \"api\"", "arbiter = \"203.0.113.9\"\n}\n"));
    stack.run(&["plan", "votes"]).exits(1).mentions("The corosync of ubuntu-14-04-x64 has no support for an arbiter.");
    let alone = PAIR.replace("fencing        = \"api\"", "no_quorum_policy = \"ignore\"\n  arbiter = \"203.0.113.9\"\n}\n");
    let (_cloud, stack) = scene(&alone);
    stack.run(&["plan", "votes"]).exits(1).mentions("An arbiter is of no use where `no_quorum_policy` is \"ignore\"");
    stack.run(&["arbiter", "votes"]).exits(1);
}

/// A node with an arbiter, its peer a member, at a time of its own.
struct Watcher {
    root: Root,
    now: u64,
}

impl Watcher {
    fn new() -> Self {
        let root = Root::new();
        root.born(&text(&Node { release: Release::Trusty, arbiter: Some(arbiter_access()), ..modern() }));
        root.stand_in("corosync-quorumtool", "cat \"$DOFLOAT_ROOT/votes\"");
        root.stand_in("attrd_updater", "case $* in *-Q*) cat \"$DOFLOAT_ROOT/sights\" ;; esac");
        root.stand_in("crm_node", "cat \"$DOFLOAT_ROOT/members\"");
        root.stand_in("systemctl", "");
        root.stand_in("curl", "cat \"$DOFLOAT_ROOT/passed\"");
        root.stack.write("etc/dofloat/peers", "1 primary 10.118.0.3 11\n2 secondary 10.118.0.4 12\n");
        root.stack.write("etc/corosync/corosync.conf", "");
        root.stack.write("members", "primary secondary\n");
        root.stack.write("passed", "0.000000");
        fs::remove_file(root.stack.path("proc")).unwrap();
        Self { root, now: 1000 }
    }

    /// What this node and the other say of the arbiter.
    fn seen(&self, own: bool, sights: &str) {
        self.root.stack.write("votes", &votes(own));
        let line = |(name, sight): (&str, char)| format!("name=\"arbiter\" host=\"{name}\" value=\"{sight}\"\n");
        let lines: String = ["primary", "secondary"].into_iter().zip(sights.chars()).map(line).collect();
        self.root.stack.write("sights", &lines);
    }

    /// Looks each second; what was called meanwhile.
    fn watch(&mut self, seconds: u64) -> String {
        self.root.stack.write("calls", "");
        for _ in 0..seconds {
            self.now += 1;
            self.root.stack.write("proc/uptime", &format!("{}.00 1.00\n", self.now));
            self.root.sh("usr/local/lib/dofloat/arbiter watch").ok();
        }
        self.root.calls()
    }

    fn says(&self, word: &str) -> String {
        self.root.sh(&format!("usr/local/lib/dofloat/arbiter {word}")).ok().stdout
    }
}

#[test]
fn an_arbiter_that_is_away_leaves_a_pair_as_it_would_be_without() {
    let mut node = Watcher::new();
    node.seen(true, "11");
    let calls = node.watch(30);
    assert!(!calls.contains("corosync-cfgtool") && calls.contains("attrd_updater -n arbiter -U 1"), "{calls}");
    assert_eq!(node.says("told"), "votes\n");
    assert!(node.says("quorum").contains("host: 203.0.113.99") && !node.says("quorum").contains("two_node"));
    // One node alone without it is enough: were the other to die it would have one vote of three.
    node.seen(true, "10");
    assert!(!node.watch(8).contains("corosync-cfgtool"), "a moment is nothing");
    let calls = node.watch(8);
    assert!(calls.contains("corosync-cfgtool -R") && calls.contains("systemctl disable --now corosync-qdevice.service"), "{calls}");
    assert_eq!(node.says("told"), "lost\n");
    let quorum = node.says("quorum");
    assert!(quorum.contains("two_node: 1") && !quorum.contains("device"), "{quorum}");
    assert!(node.root.stack.read("etc/corosync/corosync.conf").contains("two_node: 1"));
    // Back once both reach it, and not before.
    node.seen(false, "01");
    node.root.stack.write("passed", "0.000252");
    assert!(node.watch(40).contains("attrd_updater -n arbiter -U 1"));
    assert!(!node.root.calls().contains("corosync-cfgtool"), "the other does not reach it");
    node.seen(false, "11");
    let calls = node.watch(14);
    assert!(calls.contains("corosync-cfgtool -R") && calls.contains("systemctl restart corosync-qdevice.service"), "{calls}");
    assert!(node.root.stack.read("etc/corosync/corosync.conf").contains("algorithm: ffsplit"));
}

#[test]
fn a_node_alone_changes_no_rules_and_an_arbiter_that_gives_no_vote_changes_them_ever_more_rarely() {
    let mut node = Watcher::new();
    node.root.stack.write("members", "primary\n");
    node.seen(false, "0");
    assert!(!node.watch(20).contains("corosync-cfgtool"), "its peer may have other rules");
    node.root.stack.write("members", "primary secondary\n");
    node.root.stack.write("passed", "0.000252");
    let mut changes = Vec::new();
    for _ in 0..90 {
        let without = node.root.stack.exists("var/lib/dofloat/without-arbiter");
        node.seen(false, if without && node.root.stack.read("run/dofloat/arbiter-sight").trim() == "1" { "11" } else { "00" });
        if node.watch(1).contains("corosync-cfgtool") {
            changes.push(node.now);
        }
    }
    assert!(changes.len() >= 4, "{changes:?}");
    let pauses: Vec<u64> = changes.windows(2).step_by(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.windows(2).all(|pair| pair[0] < pair[1]), "{pauses:?}");
}
