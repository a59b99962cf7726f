//! What becomes of records without a call that changes anything: `moved`, `removed` and `import` blocks, and the commands
//! `state mv`, `rm`, `pull`, `push` and `check`.

use dofloat::base::durable::{FileLock, LockKind};
use dofloat::sim::Options;
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::golden::golden;
use crate::support::harness::{Outcome, Stack};

/// A network, a droplet in it, a firewall on that: each is built upon the one before.
const NET: &str =
    "resource \"digitalocean_vpc\" \"net\" {\n  name     = \"net\"\n  region   = \"nyc3\"\n  ip_range = \"10.20.0.0/24\"\n}\n";
const WEB: &str = "resource \"digitalocean_droplet\" \"web\" {\n  name      = \"web\"\n  region    = \"nyc3\"\n  image     = \"ubuntu-24-04-x64\"\n  size      = \"s-1vcpu-1gb\"\n  vpc_uuid  = digitalocean_vpc.net.id\n  user_data = \"#!/bin/sh\\n\"\n}\n";
const WALL: &str = "resource \"digitalocean_firewall\" \"wall\" {\n  name        = \"wall\"\n  droplet_ids = [digitalocean_droplet.web.id]\n  inbound_rule {\n    protocol         = \"tcp\"\n    port_range       = \"22\"\n    source_addresses = [\"0.0.0.0/0\"]\n  }\n}\n";

fn made(cloud: &Cloud) -> Stack {
    let stack = cloud.serve(Stack::with_plan("web", &format!("{NET}{WEB}{WALL}")));
    stack.run(&["apply", "-auto-approve"]).ok();
    cloud.forget_log();
    stack
}

fn id(stack: &Stack, address: &str) -> String {
    stack.json("state/web.json")["resources"][address]["id"].as_str().expect("a record").to_owned()
}

#[test]
fn a_moved_block_renames_and_nothing_else() {
    let cloud = Cloud::start(Options::default());
    let stack = made(&cloud);
    let before = stack.read("state/web.json");
    let renamed = format!("{NET}{WEB}{WALL}")
        .replace("\"digitalocean_vpc\" \"net\"", "\"digitalocean_vpc\" \"lan\"")
        .replace("digitalocean_vpc.net", "digitalocean_vpc.lan");
    let chain = "moved {\n  from = digitalocean_vpc.net\n  to   = digitalocean_vpc.old\n}\nmoved {\n  from = digitalocean_vpc.old\n  to   = digitalocean_vpc.lan\n}\n";
    stack.write("plans/web.tf", &format!("{chain}{renamed}"));
    let planned = stack.run(&["plan", "-out=saved"]).ok();
    golden(&stack, "upkeep", "moved", &planned);
    assert_eq!(stack.read("state/web.json"), before, "a plan writes nothing");
    stack.run(&["plan", "-detailed-exitcode"]).exits(2);
    stack.run(&["apply", "saved"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    let after = stack.read("state/web.json");
    assert_eq!(after, before.replace("digitalocean_vpc.net", "digitalocean_vpc.lan").replace("\"serial\": 1", "\"serial\": 2"));
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    cloud.untouched();
    // A move that comes with a change: the edit is of the new name.
    stack.write("plans/web.tf", &format!("{chain}{}", renamed.replace("name     = \"net\"", "name     = \"lan\"")));
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.");
    stack.run(&["destroy", "-auto-approve"]).ok().says("Destroy complete! Resources: 3 destroyed.");
    assert!(cloud.is_fresh(), "{:?}", cloud.summary());
}

#[test]
fn an_address_goes_from_its_old_name_to_the_new_one_and_back() {
    const OLD: &str = "resource \"digitalocean_floating_ip\" \"front\" {\n  region = \"nyc3\"\n}\nresource \"digitalocean_floating_ip_assignment\" \"front\" {\n  ip_address = digitalocean_floating_ip.front.ip_address\n  droplet_id = digitalocean_droplet.web.id\n}\n";
    let new = OLD.replace("floating_ip", "reserved_ip");
    let moved = |from: &str, to: &str| {
        ["", "_assignment"]
            .map(|end| format!("moved {{\n  from = digitalocean_{from}{end}.front\n  to   = digitalocean_{to}{end}.front\n}}\n"))
            .concat()
    };
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", &format!("{NET}{WEB}{OLD}")));
    stack.run(&["apply", "-auto-approve"]).ok();
    cloud.forget_log();
    let before = stack.read("state/web.json");
    // Without a word the address would be lost.
    stack.write("plans/web.tf", &format!("{NET}{WEB}{new}"));
    golden(&stack, "upkeep", "address_renamed", &masked(&stack, stack.run(&["plan"]).ok()));
    stack.write("plans/web.tf", &format!("{NET}{WEB}{new}{}", moved("floating_ip", "reserved_ip")));
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    let renamed = before.replace("digitalocean_floating_ip", "digitalocean_reserved_ip").replace("do:floatingip", "do:reservedip");
    assert_eq!(stack.json("state/web.json")["resources"], serde_json::from_str::<Value>(&renamed).unwrap()["resources"]);
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    // And back, by hand and by blocks.
    stack.run(&["state", "mv", "digitalocean_reserved_ip.front", "digitalocean_floating_ip.front"]).ok();
    stack.write("plans/web.tf", &format!("{NET}{WEB}{OLD}{}", moved("reserved_ip", "floating_ip")));
    stack.run(&["plan"]).ok().says("Plan: 0 to add, 0 to change, 0 to destroy.");
    stack.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(stack.json("state/web.json")["resources"], serde_json::from_str::<Value>(&before).unwrap()["resources"]);
    stack.write("plans/web.tf", &format!("{NET}{WEB}{OLD}"));
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    cloud.untouched();
    let ip = id(&stack, "digitalocean_floating_ip.front");
    // Taking the block out, another region, and a destroy say what is lost.
    let says = [format!("The address {ip} is returned to DigitalOcean and cannot be reserved again")];
    stack.run(&["destroy", "-auto-approve", "-target=digitalocean_floating_ip_assignment.front"]).ok();
    for text in ["".to_owned(), OLD.split_inclusive("}\n").next().unwrap_or_default().replace("nyc3", "ams3")] {
        stack.write("plans/web.tf", &format!("{NET}{WEB}{text}"));
        stack.run(&["plan"]).ok().mentions(&says[0]);
    }
    stack.run(&["destroy", "-auto-approve"]).ok().mentions(&says[0]).mentions("dofloat state rm 'digitalocean_floating_ip.front'");
    let refused = ["state", "mv", "digitalocean_droplet.web", "digitalocean_vpc.web"];
    stack.run(&refused).exits(1).mentions("An object keeps its type.");
}

#[test]
fn a_count_comes_and_goes_without_a_new_droplet() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", &format!("{NET}{WEB}")));
    stack.run(&["apply", "-auto-approve"]).ok();
    cloud.forget_log();
    let one = id(&stack, "digitalocean_droplet.web");
    stack.write("plans/web.tf", &format!("{NET}{}", WEB.replace("{\n  name ", "{\n  count     = 1\n  name ")));
    stack.run(&["apply", "-auto-approve"]).ok().mentions("digitalocean_droplet.web has moved to digitalocean_droplet.web[0]");
    assert_eq!(id(&stack, "digitalocean_droplet.web[0]"), one);
    stack.write("plans/web.tf", &format!("{NET}{WEB}"));
    stack.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(id(&stack, "digitalocean_droplet.web"), one);
    cloud.untouched();
}

#[test]
fn a_removed_block_lets_the_object_live_and_an_import_block_takes_it_back() {
    let cloud = Cloud::start(Options::default());
    let stack = made(&cloud);
    let (before, wall) = (stack.read("state/web.json"), id(&stack, "digitalocean_firewall.wall"));
    let removed = "removed {\n  from = digitalocean_firewall.wall\n  lifecycle {\n    destroy = false\n  }\n}\n";
    stack.write("plans/web.tf", &format!("{NET}{WEB}{removed}"));
    golden(&stack, "upkeep", "removed", &stack.run(&["plan"]).ok());
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    cloud.untouched();
    assert_eq!(stack.run(&["state", "list"]).ok().stdout, "digitalocean_droplet.web\ndigitalocean_vpc.net\n");
    assert_eq!(cloud.show("firewalls").len(), 1);
    let import = format!("import {{\n  to = digitalocean_firewall.wall\n  id = \"{wall}\"\n}}\n");
    stack.write("plans/web.tf", &format!("{NET}{WEB}{WALL}{import}"));
    let planned = stack.run(&["plan", "-out=saved"]).ok().says("Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.");
    golden(&stack, "upkeep", "import", &planned);
    stack.run(&["apply", "saved"]).ok().says("Apply complete! Resources: 1 imported, 0 added, 0 changed, 0 destroyed.");
    cloud.untouched();
    assert_eq!(stack.read("state/web.json").replace("\"serial\": 3", "\"serial\": 1"), before, "all is as it was");
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    // The block may stay; and the other answer of a removed block destroys.
    stack.write("plans/web.tf", &format!("{NET}{WEB}removed {{\n  from = digitalocean_firewall.wall\n}}\n"));
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 1 destroyed.");
    assert!(cloud.show("firewalls").is_empty());
}

#[test]
fn an_import_block_that_cannot_be_is_refused_with_nothing_written() {
    let cloud = Cloud::start(Options::default());
    let stack = made(&cloud);
    let (before, web) = (stack.read("state/web.json"), id(&stack, "digitalocean_droplet.web"));
    let second = "resource \"digitalocean_droplet\" \"two\" {\n  name   = \"two\"\n  region = \"nyc3\"\n  image  = \"ubuntu-24-04-x64\"\n  size   = \"s-1vcpu-1gb\"\n}\n";
    for (name, id) in [("import_of_nothing", "4711"), ("import_of_what_another_has", web.as_str())] {
        let import = format!("import {{\n  to = digitalocean_droplet.two\n  id = \"{id}\"\n}}\n");
        stack.write("plans/web.tf", &format!("{NET}{WEB}{WALL}{second}{import}"));
        let mut outcome = stack.run(&["apply", "-auto-approve"]).exits(1);
        outcome.stderr = outcome.stderr.replace(&web, "[ID]").replace(&"^".repeat(web.len() + 2), "^^^^");
        golden(&stack, "upkeep", name, &outcome);
        assert_eq!(stack.read("state/web.json"), before);
    }
    cloud.untouched();
}

#[test]
fn state_mv_keeps_what_belongs_together() {
    let cloud = Cloud::start(Options::default());
    let stack = made(&cloud);
    let before = stack.read("state/web.json");
    stack.run(&["state", "mv", "-dry-run", "digitalocean_vpc.net", "digitalocean_vpc.lan"]).ok().says("Would move digitalocean_vpc.net");
    assert_eq!(stack.read("state/web.json"), before);
    stack.run(&["state", "mv", "web", "digitalocean_vpc.net", "digitalocean_vpc.lan[\"a\"]"]).ok().says("Moved digitalocean_vpc.net");
    let moved = before.replace("digitalocean_vpc.net", "digitalocean_vpc.lan[\\\"a\\\"]").replace("\"serial\": 1", "\"serial\": 2");
    assert_eq!(stack.read("state/web.json"), moved);
    golden(&stack, "upkeep", "mv_absent", &stack.run(&["state", "mv", "digitalocean_vpc.nett", "digitalocean_vpc.x"]).exits(1));
    golden(&stack, "upkeep", "mv_type", &stack.run(&["state", "mv", "digitalocean_vpc.lan", "digitalocean_firewall.wall"]).exits(1));
    golden(&stack, "upkeep", "mv_taken", &stack.run(&["state", "mv", "digitalocean_droplet.web", "digitalocean_droplet.web"]).exits(1));
    stack.run(&["state", "mv", "digitalocean_vpc.lan[\"a\"]", "digitalocean_vpc.net"]).ok();
    let path = stack.path(".dofloat/web.lock");
    let held = FileLock::try_take(&path, LockKind::Exclusive, "somebody else").expect("a lock").expect("it is free");
    for command in
        [&["state", "mv", "digitalocean_vpc.net", "digitalocean_vpc.x"][..], &["state", "rm", "digitalocean_vpc.net"], &["refresh"]]
    {
        stack.run(&[command, &["-lock-timeout=1ms"]].concat()).exits(3).mentions("somebody else");
    }
    drop(held);
    assert_eq!(stack.run(&["state", "rm", "digitalocean_vpc.gone"]).exits(1).stdout, "");
    cloud.untouched();
}

#[test]
fn a_state_goes_out_and_comes_in() {
    let cloud = Cloud::start(Options::default());
    let stack = made(&cloud);
    let pulled = stack.run(&["state", "pull"]).ok().stdout;
    assert_eq!(pulled, stack.read("state/web.json"));
    stack.write("pulled.json", &pulled);
    stack.run(&["state", "push", "pulled.json"]).ok().says("The state is already the same.");
    stack.run(&["state", "rm", "digitalocean_firewall.wall"]).ok().says("Removed digitalocean_firewall.wall");
    golden(&stack, "upkeep", "push_older", &stack.run(&["state", "push", "pulled.json"]).exits(1));
    stack.write("other.json", &pulled.replace("\"lineage\": \"", "\"lineage\": \"0"));
    golden(&stack, "upkeep", "push_other", &masked(&stack, stack.run(&["state", "push", "other.json"]).exits(1)));
    stack.write("secret.json", &pulled.replace("\"name\": \"wall\"", &format!("\"name\": \"dop_v1_{}\"", "0a".repeat(4))));
    golden(&stack, "upkeep", "push_secret", &stack.run(&["state", "push", "-force", "secret.json"]).exits(1));
    stack.run(&["state", "push", "-force", "pulled.json"]).ok().says("The state was replaced: serial 3, 3 resources.");
    stack.run(&["plan"]).ok().says("No changes.");
    let newer = pulled.replace("\"serial\": 1", "\"serial\": 9").replace("\"name\": \"wall\"", "\"name\": \"hole\"");
    let read = stack.run_with(&["state", "push", "-"], &newer).ok();
    assert!(read.stdout.contains("serial 9"), "what somebody else may know as 9 is not less here: {read}");
}

fn masked(stack: &Stack, mut outcome: Outcome) -> Outcome {
    let lineage = stack.json("state/web.json")["lineage"].as_str().expect("a lineage").to_owned();
    outcome.stderr = outcome.stderr.replace(&lineage, "[LINEAGE]");
    outcome
}

#[test]
fn a_state_is_checked_before_it_is_committed() {
    let cloud = Cloud::start(Options::default());
    let stack = made(&cloud);
    let good = stack.read("state/web.json");
    let git = |arguments: &[&str]| {
        let output =
            stack.command("git").args(["-c", "user.name=t", "-c", "user.email=t@localhost"]).args(arguments).output().expect("git runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "state"]);
    git(&["commit", "-qm", "one"]);
    stack.run(&["state", "check"]).ok().says("state/web.json: safe to commit (serial 1, 3 resources).");
    stack.run(&["state", "check", "state/web.json"]).ok();
    stack.run(&["state", "check", "web"]).ok();
    let check = |name: &str, text: &str| {
        stack.write("state/web.json", text);
        let outcome = stack.run(&["state", "check"]).exits(1);
        stack.write("state/web.json", &good);
        golden(&stack, "upkeep", name, &masked(&stack, outcome));
    };
    let conflict = good.replace("  \"serial\": 1,\n", "<<<<<<< HEAD\n  \"serial\": 1,\n=======\n  \"serial\": 2,\n>>>>>>> other\n");
    check("check_conflict", &conflict);
    check("check_cut", &good[..good.len() / 2]);
    check("check_older", &good.replace("\"serial\": 1", "\"serial\": 0"));
    check("check_altered", &good.replace("\"name\": \"wall\"", "\"name\": \"hole\""));
    check("check_secret", &good.replace("\"name\": \"wall\"", &format!("\"name\": \"dop_v1_{}\"", "0a".repeat(4))));
    check("check_hidden", &good.replace("\"name\": \"web\"", "\"name\": \"web\",\n        \"user_data\": \"hush\""));
    stack.run(&["state", "check"]).ok();
    // A run that was cut short.
    stack.run_env(&[("DOFLOAT_CRASH", "journal.after-append@2")], &["destroy", "-auto-approve"]);
    assert!(stack.exists("state/web.journal"), "the run was cut short");
    golden(&stack, "upkeep", "check_open_run", &stack.run(&["state", "check"]).exits(1));
    golden(&stack, "upkeep", "mv_open_run", &stack.run(&["state", "mv", "digitalocean_vpc.net", "digitalocean_vpc.x"]).exits(1));
    stack.run(&["refresh"]).ok();
    stack.run(&["state", "check"]).ok();
}

#[test]
fn refresh_brings_records_up_to_date_and_does_nothing_else() {
    let cloud = Cloud::start(Options::default());
    let stack = made(&cloud);
    let vpc = id(&stack, "digitalocean_vpc.net");
    cloud.outside("PUT", &format!("/v2/vpcs/{vpc}"), &json!({ "name": "renamed" }));
    cloud.forget_log();
    stack.run(&["refresh"]).ok().mentions("digitalocean_vpc.net has changed");
    cloud.untouched();
    assert_eq!(stack.json("state/web.json")["resources"]["digitalocean_vpc.net"]["attributes"]["name"], Value::from("renamed"));
    let lines = stack.run(&["refresh", "-json"]).ok().stdout;
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{lines}");
    stack.run(&["refresh", "-replace=digitalocean_vpc.net"]).exits(64);
}
