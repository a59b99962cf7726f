//! The tutorial's servers, from the first command to the last, as a newcomer meets them.
//!
//! The stack is `plans/web.tf` as it stands in the package. Where a server is named, the program reaches it as it reaches
//! DigitalOcean: by an address and a token, without `--sim`.

use std::collections::BTreeMap;

use dofloat::sim::{Options, Scopes};
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::contract::Contract;
use crate::support::harness::{Outcome, Stack, say};

const ADDED: &str = "Apply complete! Resources: 9 added, 0 changed, 0 destroyed.";
const DESTROYED: &str = "Destroy complete! Resources: 9 destroyed.";

#[test]
fn the_first_ten_minutes() {
    let stack = Stack::clone_of_the_package();
    let applied = stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok().says(ADDED).says("floating_ip").says("url").says("nodes");
    stack.run(&["plan", "web", "--sim"]).ok().says("No changes.");
    assert!(stack.exists(".dofloat/sim/web"), "the simulated world is under .dofloat");
    assert!(stack.read(".dofloat/.gitignore").ends_with("\n*\n"), "and git does not see it");
    assert!(!stack.exists("state/web.json"), "the real state is left alone");
    stack.run(&["destroy", "web", "--sim", "-auto-approve"]).ok().says(DESTROYED);
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok().says(ADDED);
    let other = Stack::clone_of_the_package();
    let again = other.run(&["apply", "web", "--sim", "-auto-approve"]).ok().says(ADDED);
    assert_eq!(outputs(&applied), outputs(&again), "fresh simulated worlds are all the same");
}

#[test]
fn the_same_file_on_a_server() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack();
    stack.run(&["apply", "web", "-auto-approve"]).ok().says(ADDED);
    let address = stack.run(&["output", "web", "-raw", "floating_ip"]).ok().stdout;
    assert_eq!(cloud.show("reserved_ips")[0]["ip"], json!(address.trim()));
    assert_eq!(cloud.show("reserved_ips")[0]["droplet"]["name"], "primary");
    assert!(!stack.exists("state/web.journal"), "the journal goes when the run ends well");
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["destroy", "web", "-auto-approve"]).ok().says(DESTROYED);
    assert!(cloud.is_fresh(), "something is left: {:?}", cloud.summary());
    stack.run(&["apply", "web", "-auto-approve"]).ok().says(ADDED);
    assert_keeps_the_contract(&cloud);
}

#[test]
fn requests_are_counted() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack();
    let check = |what: &str, arguments: &[&str], changing: usize, reading: usize| {
        cloud.forget_log();
        stack.run(arguments).ok();
        let (writes, reads) = cloud.requests();
        say(&format!("economy: {what}: {writes} changing requests, {reads} reads"));
        let log: Vec<String> = cloud.log().iter().map(|of| format!("{} {} {}", of.method, of.path, of.status)).collect();
        assert!(writes <= changing && reads <= reading, "{what}: {writes} changing, {reads} reads\n{}", log.join("\n"));
        assert_eq!(cloud.doubles(), Vec::<String>::new(), "{what}");
    };
    // One of each is for the project that marks the stack's address. Real time passes here: where the second droplet was asked
    // for a tenth of a second after the first, or later, it is looked at once more. The exact figures are those of stepped time.
    check("apply", &["apply", "web", "-auto-approve"], 10, 14);
    check("plan of no change", &["plan", "web"], 0, 7);
    // What a domain holds is looked at twice: for the plan, and before it goes.
    check("destroy", &["destroy", "web", "-auto-approve"], 11, 12);
}

#[test]
fn what_was_altered_outside_is_named_and_repaired_alone() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack();
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    let record = cloud.find("records", "name", "www");
    let primary = cloud.find("droplets", "name", "primary");
    let secondary = cloud.find("droplets", "name", "secondary");
    cloud.outside("PATCH", &format!("/v2/domains/example.com/records/{}", record["id"]), &json!({"type": "A", "data": "192.0.2.1"}));
    cloud.outside("POST", &format!("/v2/droplets/{}/actions", primary["id"]), &json!({"type": "rename", "name": "first"}));
    cloud.outside("POST", &format!("/v2/droplets/{}/actions", secondary["id"]), &json!({"type": "power_off"}));

    let plan = stack.run(&["plan", "web", "-detailed-exitcode"]).exits(2).says("Plan: 0 to add, 3 to change, 0 to destroy.");
    let plan =
        plan.mentions("digitalocean_record.www").mentions("192.0.2.1").mentions("digitalocean_droplet.primary").mentions("\"first\"");
    plan.mentions("digitalocean_droplet.secondary will be powered on").mentions("\"off\" -> \"active\"");

    cloud.forget_log();
    stack.run(&["apply", "web", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 3 changed, 0 destroyed.");
    assert_eq!(cloud.requests().0, 3, "only what was altered is repaired");
    stack.run(&["plan", "web"]).ok().says("No changes.");
}

#[test]
fn what_was_deleted_outside_is_made_again() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack();
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    let record = cloud.find("records", "name", "www");
    cloud.outside("DELETE", &format!("/v2/domains/example.com/records/{}", record["id"]), &Value::Null);
    stack.run(&["plan", "web"]).ok().says("Plan: 1 to add, 0 to change, 0 to destroy.").mentions("digitalocean_record.www");
    stack.run(&["apply", "web", "-auto-approve"]).ok().says("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.");
    stack.run(&["plan", "web"]).ok().says("No changes.");
}

#[test]
fn an_address_deleted_outside_stops_nothing() {
    let deleted = || {
        let cloud = Cloud::start(Options::default());
        let stack = cloud.stack();
        stack.run(&["apply", "web", "-auto-approve"]).ok();
        let address = cloud.show("reserved_ips")[0]["ip"].as_str().expect("an address is a text").to_owned();
        cloud.outside("DELETE", &format!("/v2/reserved_ips/{address}"), &Value::Null);
        (cloud, stack)
    };
    let (_cloud, stack) = deleted();
    stack.run(&["plan", "web"]).ok().mentions("digitalocean_floating_ip.web").mentions("digitalocean_floating_ip_assignment.web");
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    stack.run(&["plan", "web"]).ok().says("No changes.");
    let (cloud, stack) = deleted();
    stack.run(&["destroy", "web", "-auto-approve"]).ok();
    assert!(cloud.is_fresh(), "something is left: {:?}", cloud.summary());
}

#[test]
fn no_secret_is_seen_anywhere() {
    const PASSWORD: &str = "correct-horse-battery";
    const ADDITION: &str = "staple-in-the-user-data";
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack().env("DOFLOAT_LOG", "trace").env("DOFLOAT_STACK", "secret").env("DOFLOAT_VAR_password", PASSWORD);
    let server = format!("variable \"password\" {{\n  type      = string\n  sensitive = true\n}}\n\n{DROPLET_WITH_SECRETS}")
        .replace("ADDITION", ADDITION);
    stack.write("plans/secret.tf", &server);
    let steps: [&[&str]; 8] = [
        &["plan", "-out=saved"],
        &["show", "saved"],
        &["show", "-json", "saved"],
        &["apply", "saved"],
        &["show", "-json"],
        &["output"],
        &["state", "show", "digitalocean_droplet.a"],
        &["destroy", "-auto-approve"],
    ];
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    for arguments in steps {
        let outcome = stack.run(arguments).ok();
        said.insert(arguments.join(" "), format!("{}{}", outcome.stdout, outcome.stderr));
        // Between the commands, as each leaves other files behind. The plan file is the user's own text.
        for (path, bytes) in stack.files().into_iter().filter(|(path, _)| path != "plans/secret.tf") {
            said.insert(format!("{path} after {}", arguments.join(" ")), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    assert!(said.values().any(|text| text.contains("TRACE")), "the log at trace level is among what is searched");
    for secret in [Cloud::TOKEN, PASSWORD, ADDITION] {
        let holders: Vec<&String> = said.iter().filter(|(_, text)| text.contains(secret)).map(|(place, _)| place).collect();
        assert!(holders.is_empty(), "{secret} is in {holders:?}");
    }
    let sent = cloud.log().iter().any(|of| of.request["user_data"].as_str().is_some_and(|text| text.contains(PASSWORD)));
    assert!(sent, "the secret did reach the droplet");
}

const DROPLET_WITH_SECRETS: &str = r##"
resource "digitalocean_droplet" "a" {
  name      = "a"
  region    = "nyc3"
  image     = "ubuntu-14-04-x64"
  size      = "s-1vcpu-1gb"
  user_data = "#!/bin/sh\necho ${var.password} ADDITION > /etc/secret\n"
}

output "password" {
  value     = var.password
  sensitive = true
}
"##;

#[test]
fn the_printed_scopes_are_enough_and_none_is_too_many() {
    let printed = Stack::clone_of_the_package().run(&["scopes", "web", "-json"]).ok().json();
    // What it needs for what is done to it here; each kind's whole life is told elsewhere.
    let phases = ["plan", "apply", "destroy"].iter().flat_map(|phase| printed[*phase].as_array().expect("a list"));
    let mut scopes: Vec<&str> = phases.filter_map(serde_json::Value::as_str).collect();
    scopes.sort_unstable();
    scopes.dedup();
    say(&format!("scopes: {} are printed: {}", scopes.len(), scopes.join(" ")));
    let failed = first_failure(&scopes);
    assert!(failed.is_none(), "the printed scopes are not enough: {}", failed.map(|(outcome, _)| outcome.to_string()).unwrap_or_default());
    let (of_use, needed): (Vec<&str>, Vec<&str>) = scopes.iter().copied().partition(|scope| scope.starts_with("project:"));
    // Without projects an address has no mark, and all the rest works.
    for missing in of_use {
        let left: Vec<&str> = scopes.iter().copied().filter(|scope| *scope != missing).collect();
        let failed = first_failure(&left);
        assert!(failed.is_none(), "{missing} is needed: {}", failed.map(|(outcome, _)| outcome.to_string()).unwrap_or_default());
    }
    for missing in &needed {
        let left: Vec<&str> = scopes.iter().copied().filter(|scope| scope != missing).collect();
        let Some((outcome, writes)) = first_failure(&left) else { panic!("{missing} is printed, yet everything works without it") };
        let outcome = outcome.mentions(missing);
        assert_eq!(outcome.code, 1, "{outcome}");
        // A missing permission to read is known before the first write.
        assert!(writes == 0 || !missing.ends_with(":read"), "without {missing}: {writes} changing requests before\n{outcome}");
    }
}

/// Plan, apply and destroy with a token of these scopes: the first that fails, and the changing requests that its command
/// made and that were granted.
fn first_failure(scopes: &[&str]) -> Option<(Outcome, usize)> {
    let tokens = BTreeMap::from([(Cloud::TOKEN.to_owned(), Scopes::parse(&scopes.join(" ")))]);
    let cloud = Cloud::start(Options { tokens, ..Options::default() });
    let stack = cloud.stack();
    let commands: [&[&str]; 3] = [&["plan", "web"], &["apply", "web", "-auto-approve"], &["destroy", "web", "-auto-approve"]];
    for arguments in commands {
        cloud.forget_log();
        let outcome = stack.run(arguments);
        if outcome.code != 0 {
            return Some((outcome, cloud.log().iter().filter(|of| of.is_write() && of.status < 300).count()));
        }
    }
    None
}

fn assert_keeps_the_contract(cloud: &Cloud) {
    let contract = Contract::shared();
    let exchanges = cloud.exchanges();
    let found: Vec<String> =
        exchanges.iter().flat_map(|exchange| contract.check(exchange)).map(|violation| violation.to_string()).collect();
    say(&format!("contract: {} exchanges of the client checked", exchanges.len()));
    assert!(found.is_empty(), "{} violations\n{}", found.len(), found.join("\n"));
}

/// The lines after `Outputs:`.
fn outputs(outcome: &Outcome) -> Vec<String> {
    outcome.stdout.lines().skip_while(|line| *line != "Outputs:").map(str::to_owned).collect()
}

#[test]
fn the_list_of_processes_shows_no_secret() {
    const PASSWORD: &str = "correct-horse-battery";
    // A droplet that takes a while: the program is looked at while it waits.
    let clock = dofloat::sim::ClockMode::Explicit { looks: 50 };
    let cloud = Cloud::start(Options { clock, ..Options::default() });
    let plan = format!("variable \"password\" {{\n  sensitive = true\n}}\n{DROPLET_WITH_SECRETS}");
    let stack = cloud.serve(Stack::with_plan("secret", &plan)).env("DOFLOAT_VAR_password", PASSWORD);
    let mut child = stack.start(&["apply", "-auto-approve"]);
    while !cloud.log().iter().any(|of| of.method == "POST") {
        assert!(child.try_wait().expect("the child is ours").is_none(), "it ended before it made anything");
        std::thread::yield_now();
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id())).expect("the process runs");
    let arguments = String::from_utf8_lossy(&arguments).into_owned();
    cloud.finish_all();
    assert!(child.wait().expect("the child is ours").success());
    assert!(arguments.contains("-auto-approve"), "{arguments}");
    assert!(!arguments.contains(Cloud::TOKEN) && !arguments.contains(PASSWORD), "{arguments}");
}
