//! The pair, from its block to its end: what the plan says, what is kept secret, who holds the address, and that the servers are
//! never taken down together.
//!
//! The nodes are played by the simulator; how real ones behave is another test's matter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dofloat::sim::Options;
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

const NODE_TOKEN: &str = "token-of-the-nodes-4712";
const ADDED: &str = "Apply complete! Resources: 11 added, 0 changed, 0 destroyed.";

/// A server with the stacks of the package; time passes as soon as somebody waits.
fn scene(faults: &[&str]) -> (Cloud, Stack) {
    let cloud =
        Cloud::start(Options { faults: faults.iter().map(|fault| fault.parse().expect("a fault")).collect(), ..Options::default() });
    let stack = cloud.stack().env("TF_VAR_failover_token", NODE_TOKEN).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

fn id(cloud: &Cloud, name: &str) -> u64 {
    cloud.find("droplets", "name", name)["id"].as_u64().expect("a number")
}

fn holder(cloud: &Cloud) -> Value {
    cloud.show("reserved_ips")[0]["droplet"]["name"].clone()
}

/// The places of these lines in what a command said, which must rise.
#[track_caller]
fn in_order(outcome: &Outcome, lines: &[&str]) {
    let mut rest = outcome.stdout.as_str();
    for line in lines {
        let at = rest.find(line).unwrap_or_else(|| panic!("{line:?} does not come next\n{outcome}"));
        rest = &rest[at + line.len()..];
    }
}

#[test]
fn no_image_is_offered_that_a_pair_cannot_be_built_on() {
    let gone = ["ubuntu-22-04-x64".to_owned(), "ubuntu-24-04-x64".to_owned(), "ubuntu-14-04-x64".to_owned()];
    let cloud = Cloud::start(Options { absent_images: gone.into(), ..Options::default() });
    let stack = cloud.stack().env("TF_VAR_failover_token", NODE_TOKEN);
    for plan in ["ha-modern", "web"] {
        let refused = stack.run(&["plan", plan]).exits(1).mentions("does not exist, or not any more");
        // A droplet by itself may have any.
        assert_eq!(refused.stderr.contains("ubuntu-20-04-x64"), plan == "web", "{refused}");
        assert!(refused.stderr.contains("Current ones of ubuntu: "), "{refused}");
    }
}

#[test]
fn the_plan_shows_droplets_and_not_magic() {
    let stack = Stack::clone_of_the_package();
    let outcome = stack.run(&["plan", "ha", "--sim"]).ok();
    // It changes with every word of the scripts.
    insta::with_settings!({ filters => [(r#"(scripts +=) "hmac-sha256:[0-9a-f]{64}""#, r#"$1 "[DIGEST]""#)] }, {
        insta::assert_snapshot!(outcome.stdout);
    });
    assert!(!stack.exists("home/.config/dofloat/identity.txt") && !stack.exists(".dofloat/sim/ha/ha.secrets.age"));
}

#[test]
fn a_pair_is_made_asked_and_taken_down_in_the_simulator() {
    let stack = Stack::clone_of_the_package();
    let applied = stack.run(&["apply", "--sim", "-auto-approve"]).ok().says(ADDED);
    in_order(
        &applied,
        &["address: Creation complete", "droplet.primary: Creation complete", "dofloat_cluster.web: Waiting for health complete"],
    );
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["status", "--sim"]).ok().says("dofloat_cluster.web: serving (simulated)").mentions("held by primary, answers");
    let status = stack.run(&["status", "--sim", "-json"]).ok().json();
    let pair = &status["clusters"]["dofloat_cluster.web"];
    assert_eq!((&pair["serving"], &pair["whole"], &pair["holder"]), (&json!(true), &json!(true), &json!("primary")));
    assert_eq!(pair["nodes"][1]["health"]["members"], json!(["primary", "secondary"]));
    stack.run(&["status", "--sim", "-verbose"]).ok().mentions("A simulated node has no shell.");
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 11 destroyed.");
    assert!(!stack.exists(".dofloat/sim/ha/ha.secrets.age"), "the secrets of what is gone are forgotten");
}

#[test]
fn the_stack_of_today_has_no_needless_parts_and_both_nodes_join() {
    let stack = Stack::clone_of_the_package();
    stack.run(&["apply", "ha-modern", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 8 added");
    stack.run(&["plan", "ha-modern", "--sim", "-detailed-exitcode"]).ok();
    let scopes = stack.run(&["scopes", "ha-modern", "-json"]).ok().json();
    let expected = json!(["droplet:read", "droplet:update", "reserved_ip:read", "reserved_ip:update", "tag:read"]);
    assert_eq!(scopes["nodes"]["dofloat_cluster.web"], expected);
}

#[test]
fn no_secret_is_anywhere_but_in_the_encrypted_file_and_in_the_nodes() {
    let (cloud, stack) = scene(&[]);
    let said = [
        stack.run(&["plan", "ha", "-out=saved"]).ok(),
        stack.run(&["apply", "saved", "-json"]).ok(),
        stack.run(&["show", "ha", "-json"]).ok(),
        stack.run(&["status", "ha", "-json"]).ok(),
    ];
    let world = cloud.world().to_string();
    let encoded = STANDARD.encode(NODE_TOKEN);
    let has = |text: &str| text.contains(NODE_TOKEN) || text.contains(&encoded);
    assert!(has(&world), "the nodes have their secrets");
    for outcome in said {
        assert!(!has(&outcome.to_string()), "{outcome}");
    }
    for (path, bytes) in stack.files() {
        assert!(!has(&String::from_utf8_lossy(&bytes)), "{path}");
    }
    // The token was given once; from then on it is remembered, encrypted.
    let without = [("TF_VAR_failover_token", "")];
    stack.run_env(&without, &["plan", "ha", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run_env(&without, &["apply", "ha", "-auto-approve", "-replace=dofloat_cluster.web.digitalocean_droplet.secondary"]).ok();
    stack.run_env(&without, &["plan", "ha", "-detailed-exitcode"]).ok().says("No changes.");
    assert_eq!(cloud.world().to_string().matches(&encoded).count(), 2, "the new node has the token, too");
}

#[test]
fn lost_secrets_are_told_of_and_made_anew() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    let before = [id(&cloud, "primary"), id(&cloud, "secondary")];
    let address = cloud.show("reserved_ips")[0]["ip"].clone();
    std::fs::remove_file(stack.path("home/.config/dofloat/identity.txt")).expect("it was made");
    // What needs no secret goes on.
    stack.run(&["plan", "ha", "-detailed-exitcode"]).ok().says("No changes.");
    let replace = "-replace=dofloat_cluster.web.digitalocean_droplet.secondary";
    let refused = stack.run(&["apply", "ha", "-auto-approve", replace]).exits(1).mentions("ha.secrets.age cannot be decrypted");
    refused.mentions("move the file away and run `dofloat apply`");
    assert_eq!([id(&cloud, "primary"), id(&cloud, "secondary")], before, "nothing was touched");
    std::fs::remove_file(stack.path("state/ha.secrets.age")).expect("the folder is ours");
    // Nodes with two keys could never be one cluster, so they do not wait for each other.
    stack.run(&["plan", "ha"]).ok().mentions("All nodes of dofloat_cluster.web go down at once");
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    assert!([id(&cloud, "primary"), id(&cloud, "secondary")].iter().all(|id| !before.contains(id)));
    assert_eq!((&cloud.show("reserved_ips")[0]["ip"], cloud.show("droplets").len()), (&address, 2));
    stack.run(&["plan", "ha", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["status", "ha"]).ok();
    stack.run(&["apply", "ha", "-auto-approve", replace]).ok().mentions("droplet.secondary: Creation complete");
    // Nor could nodes whose corosync talks otherwise.
    stack.replace("plans/ha.tf", "transport        = \"udpu\"", "transport        = \"knet\"");
    stack.run(&["plan", "ha", "-var", "image=debian-12-x64"]).ok().mentions("All nodes of dofloat_cluster.web go down at once");
}

#[test]
fn a_token_is_needed_and_should_be_one_of_its_own() {
    let (cloud, stack) = scene(&[]);
    let without = [("TF_VAR_failover_token", "")];
    let outcome = stack.run_env(&without, &["apply", "ha", "-auto-approve"]).exits(1);
    outcome.mentions("dofloat_cluster.web has no `failover_token`").mentions("plans/ha.tf:").mentions("dofloat scopes");
    assert!(cloud.is_fresh() && !stack.exists("state/ha.json"));
    let outcome = stack.run_env(&[("TF_VAR_failover_token", Cloud::TOKEN)], &["plan", "ha"]).ok();
    outcome.mentions("get the same token that dofloat uses");
    stack.run_env(&without, &["validate", "ha"]).ok();
}

#[test]
fn after_a_failover_nothing_is_changed_and_nothing_moved_back() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    let primary = id(&cloud, "primary");
    cloud.outside("POST", &format!("/v2/droplets/{primary}/actions"), &json!({ "type": "power_off" }));
    let plan = stack.run(&["plan", "ha", "-detailed-exitcode"]).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    assert!(!plan.stdout.contains("droplet_id"), "who holds the address is no drift\n{plan}");
    plan.mentions("digitalocean_droplet.primary will be powered on");
    assert_eq!(holder(&cloud), "secondary");
    stack
        .run(&["status", "ha"])
        .exits(1)
        .mentions("serving, but degraded")
        .mentions("primary: it does not report: it is powered off; `dofloat apply` powers it on")
        .mentions("held by secondary");
    cloud.outside("POST", &format!("/v2/droplets/{primary}/actions"), &json!({ "type": "power_on" }));
    let plan = stack.run(&["plan", "ha", "-detailed-exitcode"]).ok().says("No changes.");
    plan.mentions("is held by secondary").mentions("dofloat never moves the address back");
    cloud.forget_log();
    stack.run(&["apply", "ha", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    assert_eq!((cloud.requests().0, holder(&cloud)), (0, json!("secondary")));
    let secondary = id(&cloud, "secondary").to_string();
    let state = stack.read("state/ha.json");
    assert!(state.contains(&format!("\"droplet_id\": {secondary}")), "the state tells who holds it\n{state}");
}

#[test]
fn an_address_that_nobody_holds_is_the_pairs_business_while_a_node_lives() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    let ip = cloud.show("reserved_ips")[0]["ip"].as_str().expect("an address").to_owned();
    cloud.outside("POST", &format!("/v2/reserved_ips/{ip}/actions"), &json!({ "type": "unassign" }));
    let plan = stack.run(&["plan", "ha"]).ok();
    plan.clone().says("Plan: 0 to add, 0 to change, 0 to destroy.").mentions("is held by nobody at the moment");
    plan.mentions("dofloat_cluster.web does not serve.");
    // Nobody is left who could take it: now it is made again.
    for name in ["primary", "secondary"] {
        cloud.outside("POST", &format!("/v2/droplets/{}/actions", id(&cloud, name)), &json!({ "type": "power_off" }));
    }
    stack.run(&["plan", "ha"]).ok().says("Plan: 1 to add, 2 to change, 0 to destroy.");
}

#[test]
fn a_pair_whose_address_somebody_deleted_gets_another_one() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    let old = cloud.show("reserved_ips")[0]["ip"].as_str().expect("an address").to_owned();
    cloud.outside("DELETE", &format!("/v2/reserved_ips/{old}"), &json!(null));
    cloud.settle_down();
    let plan = stack.run(&["plan", "ha"]).ok().mentions("The address of dofloat_cluster.web is gone");
    // It is read before the summary and the changes.
    in_order(&plan, &["The address of dofloat_cluster.web is gone", "Summary:", "droplet.primary"]);
    // Nobody can take over what nobody serves, so nobody is waited for before the first goes.
    let outcome = stack.run(&["apply", "ha", "-auto-approve"]).ok();
    in_order(&outcome, &["Creation complete", "dofloat_cluster.web: Waiting for health complete", "Apply complete!"]);
    assert_ne!(cloud.show("reserved_ips")[0]["ip"], old.as_str());
    stack.run(&["status", "ha"]).ok();
    stack.run(&["plan", "ha", "-detailed-exitcode"]).ok();
}

#[test]
fn nodes_are_replaced_one_after_the_other_and_the_holder_last() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve", "-var", "image=ubuntu-24-04-x64"]).ok();
    let outcome = stack.run(&["apply", "ha", "-auto-approve", "-var", "image=ubuntu-22-04-x64", "-parallelism=10"]).ok();
    in_order(
        &outcome,
        &[
            "droplet.secondary: Waiting for health complete",
            "droplet.secondary: Destruction complete",
            "droplet.secondary: Creation complete",
            "droplet.primary: Waiting for health complete",
            "droplet.primary: Destroying",
            "droplet.primary: Creation complete",
            "dofloat_cluster.web: Waiting for health complete",
            "Apply complete! Resources: 2 added, 0 changed, 2 destroyed.",
        ],
    );
    assert_eq!(holder(&cloud), "secondary");
    // Now the other one holds the address, so it comes last. Who may hand over first is asked to shut down.
    cloud.forget_log();
    let outcome = stack.run(&["apply", "ha", "-auto-approve", "-var", "image=ubuntu-22-04-x64", "-replace=dofloat_cluster.web"]).ok();
    in_order(&outcome, &["droplet.primary: Destroying", "droplet.primary: Creation complete", "droplet.secondary: Destroying"]);
    let shutdowns = cloud.log().iter().filter(|of| of.request["type"] == "shutdown").count();
    assert_eq!((shutdowns, holder(&cloud)), (2, json!("primary")));
    stack.run(&["plan", "ha", "-detailed-exitcode", "-var", "image=ubuntu-22-04-x64"]).ok();
}

#[test]
fn a_node_that_does_not_join_saves_the_other_from_being_replaced() {
    let (cloud, stack) = scene(&["POST /v2/droplets#3 stuck-boot"]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    let primary = id(&cloud, "primary");
    let outcome = stack.run(&["apply", "ha", "-auto-approve", "-replace=dofloat_cluster.web"]).exits(1);
    outcome.clone().mentions("secondary: it is in phase packages").mentions("the package lists cannot be fetched");
    outcome.mentions("the end of its log is: simulated: installing corosync").mentions("Nothing more was taken down.");
    assert_eq!((id(&cloud, "primary"), holder(&cloud)), (primary, json!("primary")));
    // The broken one alone may be replaced: it serves nothing.
    stack.run(&["apply", "ha", "-auto-approve", "-replace=dofloat_cluster.web.digitalocean_droplet.secondary"]).ok();
    stack.run(&["status", "ha"]).ok();
}

#[test]
fn an_apply_waits_for_nodes_that_join_late_and_says_who_never_does() {
    let (_cloud, stack) = scene(&["POST /v2/droplets#1 late-join=5"]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok().says(ADDED);
    let (cloud, stack) = scene(&["POST /v2/droplets#1 stuck-boot", "POST /v2/droplets#2 stuck-boot"]);
    let outcome = stack.run(&["apply", "ha", "-auto-approve"]).exits(1);
    outcome.mentions("Gave up waiting for both nodes of dofloat_cluster.web").mentions("phase packages");
    assert_eq!(cloud.show("droplets").len(), 2, "what was made stays");
    // It does not serve, so the next apply waits again; who does not want that says so.
    stack.run(&["plan", "ha", "-detailed-exitcode"]).exits(2).mentions("dofloat_cluster.web does not serve.");
    stack.replace("plans/ha.tf", "  service        = \"nginx\"\n", "  service        = \"nginx\"\n  wait_for       = \"created\"\n");
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
}

#[test]
fn the_address_is_given_up_only_by_its_own_name_or_with_everything() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    let ip = cloud.show("reserved_ips")[0]["ip"].clone();
    let address = "dofloat_cluster.web.digitalocean_reserved_ip.address";
    let refused = |outcome: Outcome| outcome.exits(1).mentions(&format!("{address} would be released"));
    refused(stack.run(&["destroy", "ha", "-auto-approve", "-target=dofloat_cluster.web"]));
    refused(stack.run(&["plan", "ha", "-var", "region=fra1"]));
    let text = stack.read("plans/ha.tf");
    let (before, rest) = text.split_once("resource \"dofloat_cluster\"").expect("the cluster");
    let (_, after) = rest.split_once("\n}\n").expect("its end");
    let without = format!("{before}{}", after.split("# example.com and www").next().unwrap_or_default());
    stack.write("plans/ha.tf", &without);
    refused(stack.run(&["apply", "ha", "-auto-approve"]));
    assert_eq!(cloud.show("reserved_ips")[0]["ip"], ip);
    stack.write("plans/ha.tf", &text);
    let outcome = stack.run(&["apply", "ha", "-auto-approve", &format!("-replace={address}")]).ok();
    outcome
        .mentions("All nodes of dofloat_cluster.web go down at once")
        .says("Apply complete! Resources: 4 added, 2 changed, 4 destroyed.");
    assert_ne!(cloud.show("reserved_ips")[0]["ip"], ip);
    stack.run(&["plan", "ha", "-detailed-exitcode"]).ok();
    stack.run(&["destroy", "ha", "-auto-approve"]).ok();
    assert!(cloud.is_fresh(), "something is left: {:?}", cloud.summary());
}

#[test]
fn a_newer_dofloat_leaves_the_nodes_alone_until_it_is_asked() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    // As another version would have left it: other scripts in what the nodes are made from.
    let state = stack.json("state/ha.json");
    let now = state["resources"]["dofloat_cluster.web.terraform_data.keys"]["attributes"]["input"]["scripts"].as_str().expect("a digest");
    let other = format!("hmac-sha256:{}", "0".repeat(64));
    let text = stack.read("state/ha.json").replace(now, &other);
    stack.write("state/ha.json", &text);
    stack.run(&["apply", "ha", "-auto-approve"]).ok().says("Apply complete! Resources: 2 added, 0 changed, 2 destroyed.");
    let plan = stack.run(&["plan", "ha"]).ok();
    plan.mentions("were created by another version of dofloat").mentions("-upgrade-nodes");
    let before = [id(&cloud, "primary"), id(&cloud, "secondary")];
    let outcome = stack.run(&["apply", "ha", "-auto-approve", "-upgrade-nodes"]).ok();
    // The address is at the second node now, after the first one was replaced.
    in_order(
        &outcome,
        &["droplet.primary: Creation complete", "droplet.secondary: Waiting for health complete", "droplet.secondary: Destroying"],
    );
    let after = [id(&cloud, "primary"), id(&cloud, "secondary")];
    assert!(before.iter().all(|id| !after.contains(id)), "{before:?} {after:?}");
    let plan = stack.run(&["plan", "ha", "-detailed-exitcode"]).ok();
    assert!(!plan.stdout.contains("another version"), "{plan}");
}

#[test]
fn clusters_may_be_many_if_their_nodes_have_names_of_their_own() {
    let stack = Stack::with_plan(
        "many",
        r#"
        resource "dofloat_cluster" "site" {
          for_each = toset(["eu", "us"])
          region   = each.key == "eu" ? "fra1" : "nyc3"
          image    = "debian-12-x64"
          size     = "s-1vcpu-1gb"
          nodes    = ["${each.key}-a", "${each.key}-b"]
          service  = "none"
        }
        output "eu" {
          value = dofloat_cluster.site["eu"].nodes["eu-a"].ipv4_address
        }
        "#,
    );
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 16 added").says("eu = \"");
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok();
    let target = r#"-target=dofloat_cluster.site["eu"].digitalocean_droplet.eu-a"#;
    stack.run(&["plan", "--sim", target, "-replace=dofloat_cluster.site[\"eu\"]"]).ok().says("Plan: 1 to add, 0 to change, 1 to destroy.");
    stack.replace("plans/many.tf", r#"["${each.key}-a", "${each.key}-b"]"#, r#"["a", "b"]"#);
    stack.run(&["validate", "many"]).exits(1).mentions("both have a node named `a`");
}

#[test]
fn what_is_wrong_with_a_cluster_is_told_at_its_place() {
    let check = |line: &str, expected: &str| {
        let (cloud, stack) = scene(&[]);
        stack.replace("plans/ha.tf", "  service        = \"nginx\"\n", line);
        stack.run(&["apply", "ha", "-auto-approve"]).exits(1).mentions(expected).mentions("plans/ha.tf:");
        assert!(cloud.log().iter().all(|of| !of.is_write()), "{line}");
    };
    check("  service = \"haproxy\"\n", "`service` is \"nginx\" or \"none\", not \"haproxy\".");
    check("  servce = \"nginx\"\n", "Did you mean \"service\"?");
    check("  fencing_delay = 500\n", "`fencing_delay` is a whole number from 0 to 120 seconds.");
    check("  vpc_uuid = digitalocean_domain.web.id\n  cluster_name = \"a b\"\n", "`a b` is not a valid cluster name.");
    check("  lifecycle {\n    create_before_destroy = true\n  }\n", "`create_before_destroy` is not supported in a cluster.");
}

/// Who may log in and who may read the nodes' health is a matter of the firewall alone: no node is replaced for it.
#[test]
fn the_firewall_lets_in_whom_the_block_names() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    let before = [id(&cloud, "primary"), id(&cloud, "secondary")];
    let sources = "service = \"nginx\"\n  ssh_sources = [\"198.51.100.7\"]\n  health_sources = [\"198.51.100.0/24\", \"2001:db8::/32\"]";
    stack.replace("plans/ha.tf", "service        = \"nginx\"", sources);
    stack.run(&["apply", "ha", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.");
    assert_eq!([id(&cloud, "primary"), id(&cloud, "secondary")], before);
    let rules = cloud.show("firewalls")[0]["inbound_rules"].clone();
    let of =
        |port: &str| rules.as_array().unwrap().iter().find(|rule| rule["ports"] == port).cloned().unwrap_or_default()["sources"].clone();
    assert_eq!(of("22")["addresses"], json!(["198.51.100.7"]));
    assert_eq!(of("80")["addresses"].as_array().unwrap().len(), 2);
    let health = of("5480");
    assert_eq!(health["addresses"].as_array().unwrap().len(), 2);
    assert!(health["tags"][0].as_str().unwrap().starts_with("dofloat:ha-"), "the nodes read each other's: {health}");
    stack.run(&["plan", "ha", "-detailed-exitcode"]).ok().says("No changes.");
    stack.replace("plans/ha.tf", "ssh_sources = [\"198.51.100.7\"]", "ssh_sources = []");
    stack.run(&["apply", "ha", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.");
    let rules = cloud.show("firewalls")[0]["inbound_rules"].to_string();
    assert!(!rules.contains("\"22\""), "nobody may log in: {rules}");
    stack.replace("plans/ha.tf", "\"198.51.100.0/24\", \"2001:db8::/32\"", "\"home\"");
    stack.run(&["plan", "ha"]).exits(1).mentions("`health_sources` has \"home\", which is neither an address").mentions("plans/ha.tf:");
}

#[test]
fn what_no_node_could_do_is_refused_by_the_plan() {
    let (_cloud, stack) = scene(&[]);
    let with = |line: &str| {
        stack.write("plans/other.tf", &stack.read("plans/ha.tf").replace("  timezone = \"America/New_York\"\n", &format!("  {line}\n")));
        stack.run(&["plan", "other"])
    };
    with("timezone = \"America/New_Yrok\"").exits(1).mentions("Did you mean \"America/New_York\"?").mentions("plans/other.tf:");
    with("timezone = \"US/Eastern\"").ok().mentions("an old name of the time zone \"America/New_York\"");
    with("user_data = \"#cloud-config\\npackages: [nginx]\\n\"").exits(1).mentions("is a cloud-init document").mentions("plans/other.tf:");
    let secret = with("user_data = sensitive(\"#include\\nhttps://example.com/s3cret\\n\")").exits(1).mentions("is a cloud-init document");
    assert!(!secret.to_string().contains("s3cret"), "{secret}");
    with("user_data = \"apt-get -y upgrade\\n\"").ok().mentions("does not begin with `#!`: /bin/sh runs it");
    with("user_data = \"#!/bin/sh\\n\"\n  user_data_timeout = 30").ok();
}

/// An argument that came later, left as it was before, stands in nothing that is compared.
#[test]
fn a_later_argument_replaces_nobody_until_it_is_used() {
    let (cloud, stack) = scene(&[]);
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    let state = stack.read("state/ha.json");
    assert!(!state.contains("user_data_timeout"), "{state}");
    stack.replace("plans/ha.tf", "service        = \"nginx\"", "service = \"nginx\"\n  user_data_timeout = 600");
    stack.run(&["plan", "ha", "-detailed-exitcode"]).ok().says("No changes.");
    stack.replace("plans/ha.tf", "user_data_timeout = 600", "user_data_timeout = 60");
    stack.run(&["plan", "ha", "-detailed-exitcode"]).exits(2).mentions("forces replacement");
    assert_eq!(cloud.show("droplets").len(), 2);
}
