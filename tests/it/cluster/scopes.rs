//! The tokens of a pair: dofloat's own for the whole life of the stack, and that of its nodes, each with the scopes that are printed
//! and with each single one less.
//!
//! Invariant: what the nodes ask for is read in their scripts.

use std::collections::{BTreeMap, BTreeSet};

use dofloat::sim::{Options, Scopes};
use regex::Regex;
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack, say};
use crate::support::scene::{Ended, NODE_TOKEN};
use crate::support::walk::{Stride, walk};

/// What is done to the pair: made, put right after somebody else has changed it, its nodes resized and rolled to another image one after the other, looked at, taken down.
const LIFE: [&[&str]; 6] = [
    &["plan", "ha-modern", DOMAIN],
    &["apply", "ha-modern", DOMAIN, "-auto-approve"],
    &["apply", "ha-modern", DOMAIN, "-auto-approve", "-var=size=s-2vcpu-4gb"],
    &["apply", "ha-modern", DOMAIN, "-auto-approve", "-var=size=s-2vcpu-4gb", "-var=image=ubuntu-22-04-x64"],
    &["refresh", "ha-modern", DOMAIN],
    &["destroy", "ha-modern", DOMAIN, "-auto-approve"],
];
const DOMAIN: &str = "-var=domain=example.org";

#[test]
fn a_token_with_the_printed_scopes_does_for_the_whole_life_of_a_pair() {
    let printed = Stack::clone_of_the_package().run(&["scopes", "ha-modern", DOMAIN, "-json"]).ok().json();
    let scopes: BTreeSet<String> = texts(&printed["all"]);
    say(&format!("scopes: {} are printed for the pair: {}", scopes.len(), scopes.iter().cloned().collect::<Vec<_>>().join(" ")));
    let life = |missing: &str| {
        let left: Vec<&str> = scopes.iter().map(String::as_str).filter(|scope| *scope != missing).collect();
        first_failure(&left)
    };
    let failed = life("");
    assert!(failed.is_none(), "the printed scopes are not enough: {}", failed.map(|outcome| outcome.to_string()).unwrap_or_default());
    // Without projects an address has no mark, and all the rest works.
    let needed: Vec<&String> = scopes.iter().filter(|scope| !scope.starts_with("project:")).collect();
    walk("scopes of the pair with one less", &needed, Stride { thin: 6, full: 1 }, |missing| {
        let wrong = match life(missing) {
            None => Some(format!("{missing} is not needed")),
            Some(outcome) if outcome.stderr.contains(&format!("lacks the scope {missing}")) => None,
            Some(outcome) => Some(format!("{missing} is not named: {outcome}")),
        };
        Some(Ended { wrongs: wrong.into_iter().collect(), ..Ended::default() })
    });
}

fn first_failure(scopes: &[&str]) -> Option<Outcome> {
    let tokens = BTreeMap::from([(Cloud::TOKEN.to_owned(), Scopes::parse(&scopes.join(",")))]);
    let cloud = Cloud::start(Options { tokens, ..Options::default() });
    let stack = cloud.stack().env("TF_VAR_failover_token", NODE_TOKEN).env("DOFLOAT_CLOCK", "virtual");
    let steps = LIFE.iter().enumerate();
    steps
        .map(|(step, arguments)| {
            if step == DRIFT {
                drift(&cloud);
            }
            stack.run(arguments)
        })
        .find(|outcome| outcome.code != 0)
}

/// The step before which somebody else has changed what can be changed back in place.
const DRIFT: usize = 2;

fn drift(cloud: &Cloud) {
    let objects = |kind: &str| cloud.outside("GET", &format!("/v2/{kind}"), &Value::Null);
    let vpcs = objects("vpcs");
    let own = vpcs["vpcs"].as_array().expect("a list").iter().find(|vpc| vpc["default"] == false).expect("the pair's own");
    cloud.outside("PATCH", &format!("/v2/vpcs/{}", own["id"].as_str().expect("an id")), &json!({ "name": "renamed" }));
    let firewall = objects("firewalls")["firewalls"][0]["id"].as_str().expect("an id").to_owned();
    let rule = json!({ "inbound_rules": [{ "protocol": "tcp", "ports": "8081", "sources": { "addresses": ["192.0.2.1/32"] } }] });
    cloud.outside("POST", &format!("/v2/firewalls/{firewall}/rules"), &rule);
    let records = objects("domains/example.org/records");
    let record = records["domain_records"].as_array().expect("a list").iter().find(|record| record["type"] == "A").expect("ours");
    cloud.outside("PATCH", &format!("/v2/domains/example.org/records/{}", record["id"]), &json!({ "type": "A", "data": "192.0.2.1" }));
}

/// What a node's scripts ask the API for: method and path, with what varies in it as the shell has it.
fn asked_by_nodes(scripts: &[&str]) -> BTreeSet<(String, String)> {
    let asks = Regex::new(r#"\b(?:api|request) (GET|POST) "(/v2/[^"]+)"|\bask [a-z-]+ "(/v2/[^"]+)""#).expect("a pattern");
    let shell = Regex::new(r"\$\([^)]*\)|\$\{[^}]*\}|\$[A-Za-z_]+|\$\(awk.*").expect("a pattern");
    let mut all = BTreeSet::new();
    for script in scripts {
        for found in asks.captures_iter(script) {
            let method = found.get(1).map_or("GET", |method| method.as_str());
            let path = found.get(2).or_else(|| found.get(3)).map_or("", |path| path.as_str());
            all.insert((method.to_owned(), shell.replace_all(path, "{}").into_owned()));
        }
    }
    all
}

#[test]
fn the_nodes_token_needs_what_is_printed_and_nothing_less() {
    let scripts = [
        include_str!("../../../src/bootstrap/node/agent.sh"),
        include_str!("../../../src/bootstrap/node/assign-ip.sh"),
        include_str!("../../../src/bootstrap/node/common.sh"),
        include_str!("../../../src/bootstrap/node/fence.sh"),
        include_str!("../../../src/bootstrap/node/floatip.sh"),
    ];
    let asked = asked_by_nodes(&scripts);
    assert!(asked.len() > 5, "{asked:?}");
    let printed = Stack::clone_of_the_package().run(&["scopes", "ha-modern", "-json"]).ok().json();
    let scopes = texts(&printed["nodes"]["dofloat_cluster.web"]);
    let refused = |missing: Option<&String>| -> BTreeSet<(String, String)> {
        let left: Vec<&str> = scopes.iter().filter(|scope| Some(*scope) != missing).map(String::as_str).collect();
        let tokens = BTreeMap::from([(NODE_TOKEN.to_owned(), Scopes::parse(&left.join(","))), (Cloud::TOKEN.to_owned(), Scopes::All)]);
        let cloud = Cloud::start(Options { tokens, ..Options::default() });
        let droplet = json!({ "name": "a", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64" });
        let droplet = cloud.outside("POST", "/v2/droplets", &droplet);
        let id = droplet["droplet"]["id"].to_string();
        let address = cloud.outside("POST", "/v2/reserved_ips", &json!({ "region": "nyc3" }));
        let ip = address["reserved_ip"]["ip"].as_str().expect("an address").to_owned();
        cloud.settle_down();
        let mut refused = BTreeSet::new();
        for (method, path) in &asked {
            let own = if path.starts_with("/v2/reserved_ips") { &ip } else { &id };
            let place = path.replacen("{}", if path.contains("tag_name") { "web" } else { own }, 1);
            let action = if path.starts_with("/v2/reserved_ips") {
                json!({ "type": "assign", "droplet_id": droplet["droplet"]["id"] })
            } else {
                json!({ "type": "power_cycle" })
            };
            let body = if method == "GET" { Value::Null } else { action };
            if cloud.ask(NODE_TOKEN, method, place.trim_start_matches("/v2"), &body).status == 403 {
                refused.insert((method.clone(), path.clone()));
            }
        }
        refused
    };
    assert!(refused(None).is_empty(), "the printed scopes are not enough: {:?}", refused(None));
    for scope in &scopes {
        assert!(!refused(Some(scope)).is_empty(), "{scope} is not needed for any of {asked:?}");
    }
    say(&format!("scopes: {} requests of the nodes, {} scopes", asked.len(), scopes.len()));
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
