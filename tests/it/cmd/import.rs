//! Objects that are there already and become ours: from a state of Terraform, one by one, and by looking for what fits.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dofloat::sim::Options;
use serde_json::{Map, Value, json};

use crate::support::cloud::Cloud;
use crate::support::golden::golden;
use crate::support::harness::{Outcome, Stack, test_data};

/// A server that holds the objects of the sample, and a folder with its configuration as the stack `tutorial`.
fn tutorial(data: &Path) -> (Cloud, Stack) {
    let fresh = Cloud::start(Options::default());
    let image = fresh.ask("t", "GET", "/images/ubuntu-14-04-x64", &Value::Null).response_body.expect("the image")["image"]["id"].clone();
    let objects: Value = serde_json::from_str(&fs::read_to_string(data.join("objects.json")).unwrap()).unwrap();
    let mut world = fresh.world();
    fill(&mut world, &objects, &image);
    let stack = Stack::empty();
    stack.write("world.json", &world.to_string());
    for file in ["main.tf", "user_data.sh.tpl"] {
        stack.write(&format!("plans/tutorial/{file}"), &fs::read_to_string(data.join(file)).unwrap());
    }
    stack.write("terraform.tfstate", &fs::read_to_string(data.join("terraform.tfstate")).unwrap());
    let cloud = Cloud::start(Options { world: Some(stack.path("world.json")), ..Options::default() });
    let stack = cloud.serve(stack);
    (cloud, stack)
}

/// Puts the objects of another server's dump into a world.
fn fill(world: &mut Value, objects: &Value, image: &Value) {
    let each = |name: &str| objects[name].as_array().cloned().unwrap_or_default();
    let rule = |rule: &Value, side: &str| {
        json!({ "protocol": rule["protocol"], "ports": rule["ports"], "addresses": rule[side]["addresses"],
                "droplets": [], "tags": [], "load_balancers": [], "clusters": [] })
    };
    for of in each("vpcs").iter().filter(|of| of["default"] == false) {
        world["vpcs"][of["id"].as_str().unwrap()] = json!({ "id": of["id"], "name": of["name"], "description": of["description"],
            "region": of["region"], "range": of["ip_range"], "default": false, "created": 1_767_603_600_000_u64, "initial": false });
    }
    for of in each("droplets") {
        let networks = of["networks"]["v4"].as_array().unwrap();
        let address = |kind: &str| networks.iter().find(|net| net["type"] == kind).unwrap()["ip_address"].clone();
        world["droplets"][of["id"].to_string()] = json!({ "id": of["id"], "name": of["name"], "size": of["size_slug"], "disk": of["disk"],
            "image": image, "region": of["region"]["slug"], "power": "active", "created": 1_767_603_600_000_u64, "tags": of["tags"],
            "vpc": of["vpc_uuid"], "public": address("public"), "private": address("private"), "ipv6": false, "backups": null,
            "monitoring": false, "agent": true, "user_data": of["user_data"], "ssh_keys": [], "deleting": null, "address_hidden": 0,
            "tags_hidden": 0, "then_busy": 0, "vanishes": false });
    }
    for of in each("reserved_ips") {
        world["reserved_ips"][of["ip"].as_str().unwrap()] = json!({ "ip": of["ip"], "region": of["region"], "droplet": of["droplet_id"] });
    }
    for of in each("domains") {
        let records: Map<String, Value> = each("records")
            .iter()
            .filter(|record| record["domain"] == of["name"])
            .map(|record| {
                let mut kept = json!({ "initial": record["type"] == "SOA" || record["type"] == "NS", "kind": record["type"] });
                for name in ["id", "name", "data", "priority", "port", "ttl", "weight", "flags", "tag"] {
                    kept[name] = record[name].clone();
                }
                (record["id"].to_string(), kept)
            })
            .collect();
        world["domains"][of["name"].as_str().unwrap()] = json!({ "name": of["name"], "records": records });
    }
    for of in each("firewalls") {
        let rules = |name: &str, side: &str| of[name].as_array().unwrap().iter().map(|of| rule(of, side)).collect::<Vec<_>>();
        world["firewalls"][of["id"].as_str().unwrap()] = json!({ "id": of["id"], "name": of["name"], "created": 1_767_603_600_000_u64,
            "inbound": rules("inbound_rules", "sources"), "outbound": rules("outbound_rules", "destinations"),
            "droplets": of["droplet_ids"], "tags": of["tags"], "waiting": null });
    }
    for tag in each("tags") {
        world["tags"][tag.as_str().unwrap()] = tag.clone();
    }
}

/// The commands of the README's section, in order.
fn commands_of_the_readme() -> Vec<Vec<&'static str>> {
    let text = include_str!("../../../README.md");
    let section = text.split("## Coming from Terraform").nth(1).expect("the section is there").split("\n## ").next().unwrap();
    let block = section.split("```sh\n").nth(1).expect("it has a block of commands").split("```").next().unwrap();
    block.lines().filter_map(|line| line.strip_prefix("dofloat ")).map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn what_terraform_made_is_taken_over_as_the_readme_says() {
    let Some(data) = test_data("conformance/tfstate/tutorial") else { return };
    let (cloud, stack) = tutorial(&data);
    let world = cloud.world();
    let commands = commands_of_the_readme();
    assert_eq!(commands, [vec!["import", "-tfstate", "terraform.tfstate"], vec!["plan"]]);
    let outcomes: Vec<Outcome> = commands.iter().map(|command| stack.run(command).ok()).collect();
    golden(&stack, "takeover", "tfstate", &outcomes[0]);
    outcomes[1].clone().says("No changes. Your infrastructure matches the configuration.");
    assert_eq!(cloud.world(), world, "nothing is changed at the other end");
    cloud.untouched();
    let state = stack.read("state/tutorial.json");
    for secret in ["dop_v1_SECRETTOKEN0123456789", "QVVUSEtFWVNFQ1JFVDEyMzQ1Njc4OTA"] {
        assert!(!state.contains(secret), "a secret is in the state");
    }
    assert!(state.contains("\"user_data\": \"sha1:81400119ade41f31526bf9bf7ea1be98d779913e\""), "{state}");
    stack.run(&["state", "check", "tutorial"]).ok();
    // Once more changes nothing; a change of the script is seen.
    stack.run(&["import", "-tfstate", "terraform.tfstate"]).ok().says("Import complete! Resources: 0 imported.");
    assert_eq!(stack.read("state/tutorial.json"), state);
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    assert_eq!(stack.read("state/tutorial.json"), state);
    stack.replace("plans/tutorial/user_data.sh.tpl", "apt-get update", "apt-get -y update");
    stack.run(&["plan"]).ok().mentions("Plan: 2 to add, 2 to change, 2 to destroy.");
}

#[test]
fn what_cannot_be_taken_over_is_named() {
    let Some(data) = test_data("conformance/tfstate/tutorial") else { return };
    let (cloud, stack) = tutorial(&data);
    let mut foreign: Value = stack.json("terraform.tfstate");
    let resources = foreign["resources"].as_array_mut().unwrap();
    let gone = json!({ "mode": "managed", "type": "digitalocean_tag", "name": "gone", "instances": [{ "attributes": { "id": "nowhere", "name": "nowhere" } }] });
    let strange = json!({ "mode": "managed", "type": "digitalocean_nfs", "name": "k", "instances": [{ "attributes": { "id": "k" } }] });
    let inside = json!({ "mode": "managed", "module": "module.m", "type": "digitalocean_tag", "name": "t", "instances": [{ "attributes": { "id": "ha", "name": "ha" } }] });
    resources.extend([gone, strange, inside]);
    foreign["outputs"]["key"] = json!({ "value": "hush-hush", "type": "string", "sensitive": true });
    stack.write("terraform.tfstate", &foreign.to_string());
    golden(&stack, "takeover", "tfstate_left", &stack.run(&["import", "-tfstate=terraform.tfstate", "tutorial"]).ok());
    cloud.untouched();
    assert!(!stack.read("state/tutorial.json").contains("hush-hush"));
    assert_eq!(stack.run(&["output", "-raw", "key"]).ok().stdout.trim(), "hush-hush", "it is in the encrypted file");
}

#[test]
fn a_damaged_state_of_terraform_is_refused_with_nothing_written() {
    let Some(data) = test_data("conformance/tfstate/tutorial") else { return };
    let (cloud, stack) = tutorial(&data);
    let whole = stack.read("terraform.tfstate");
    let files = || -> BTreeMap<String, Vec<u8>> {
        stack.files().into_iter().filter(|(name, _)| name != "terraform.tfstate" && name != "world.json").collect()
    };
    let before = files();
    for length in [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 3] {
        stack.write("terraform.tfstate", &whole[..length]);
        stack.run(&["import", "-tfstate", "terraform.tfstate"]).exits(1).mentions("Nothing was changed.");
        assert_eq!(files(), before, "cut after {length} bytes");
    }
    stack.write("terraform.tfstate", &whole.replace("\"id\": \"500000140\"", "\"id\": null"));
    golden(&stack, "takeover", "tfstate_damaged", &stack.run(&["import", "-tfstate", "terraform.tfstate"]).exits(1));
    assert_eq!(files(), before);
    cloud.untouched();
}

fn state_of(stack: &Stack) -> Value {
    let mut state = stack.json("state/web.json");
    state["serial"] = json!(0);
    state
}

#[test]
fn every_object_can_be_imported_by_the_official_providers_id() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack();
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    let before = state_of(&stack);
    let records: BTreeMap<String, Value> = serde_json::from_value(before["resources"].clone()).unwrap();
    assert_eq!(records.len(), 9);
    let all: Vec<&str> = records.keys().map(String::as_str).collect();
    stack
        .run(&[&["state", "rm", "web"], all.as_slice()].concat())
        .ok()
        .says("9 resources removed from the state; the objects still exist.");
    cloud.forget_log();
    for (address, record) in &records {
        let id = match (address.split('.').next(), &record["attributes"]) {
            (Some("digitalocean_floating_ip_assignment"), attributes) => {
                format!("{},{}", attributes["ip_address"].as_str().unwrap(), attributes["droplet_id"])
            }
            _ => record["id"].as_str().unwrap().to_owned(),
        };
        stack.run(&["import", "web", address, &id]).ok().says("Import complete! Resources: 1 imported.");
    }
    cloud.untouched();
    assert_eq!(state_of(&stack), before, "all is as if we had made it");
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn what_fits_is_found_shown_and_taken_over_at_once() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack();
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    let before = state_of(&stack);
    let all = stack.run(&["state", "list", "web"]).ok().stdout;
    let all: Vec<&str> = all.lines().filter(|address| !address.contains("floating_ip.")).collect();
    stack.run(&[&["state", "rm", "web"], all.as_slice()].concat()).ok();
    cloud.forget_log();
    // Strays are named with a way on, and by their mark alone two are found.
    let planned = stack.run(&["plan", "web", "-target=digitalocean_floating_ip.web"]).ok();
    assert!(planned.stdout.contains("dofloat import -discover -marked") && planned.stdout.contains("dofloat destroy -strays"), "{planned}");
    stack.run(&["import", "web", "-discover"]).exits(1).mentions("no terminal");
    let named = stack.run(&["import", "web", "-discover", "-name=nobody", "-auto-approve"]).ok();
    assert!(named.stdout.contains("No object matches"), "{named}");
    stack.run(&["import", "web", "-discover", "-marked", "-auto-approve"]).ok().says("Import complete! Resources: 2 imported.");
    let found = stack.run(&["import", "web", "-discover", "-auto-approve"]).ok();
    found.clone().says("Import complete! Resources: 6 imported.").mentions("digitalocean_vpc.web will be imported");
    cloud.untouched();
    assert_eq!(state_of(&stack), before, "all is as if it had never been forgotten");
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
}

const DROPLET: &str = "resource \"digitalocean_droplet\" \"web\" {\n  name   = \"web\"\n  region = \"nyc3\"\n  image  = \"ubuntu-24-04-x64\"\n  size   = \"s-1vcpu-1gb\"\n  tags   = [\"blue\"]\n}\n";

#[test]
fn what_differs_is_shown_before_and_doubt_is_left_to_a_person() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", DROPLET));
    let make = |tags: &Value| {
        let body = json!({ "name": "web", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": tags });
        cloud.outside("POST", "/v2/droplets", &body)["droplet"]["id"].to_string()
    };
    let (one, two) = (make(&json!(["green"])), make(&json!(["red"])));
    cloud.finish_all();
    cloud.forget_log();
    let doubt = stack.run(&["import", "-discover", "-auto-approve"]).ok();
    assert!(doubt.stdout.contains(&format!("dofloat import digitalocean_droplet.web {one}")) && doubt.stdout.contains(&two), "{doubt}");
    assert!(!stack.exists("state/web.json"), "nothing is written");
    let mut outcome = stack.run(&["import", "-discover", "-tag=green", "-auto-approve"]).ok();
    outcome.stdout = outcome.stdout.replace(&one, "[ID]");
    golden(&stack, "takeover", "discover", &outcome);
    cloud.untouched();
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.");
    stack.run(&["plan"]).ok().says("No changes.");
}

#[test]
fn strays_go_on_demand_and_nothing_else_does() {
    let cloud = Cloud::start(Options::default());
    let second = DROPLET.replace("\"web\"", "\"two\"");
    let stack = cloud.serve(Stack::with_plan("web", &format!("{DROPLET}{second}")));
    stack.run(&["apply", "-auto-approve"]).ok();
    let other = json!({ "name": "web", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": ["dofloat:web", "dofloat:other-0"] });
    cloud.outside("POST", "/v2/droplets", &other);
    cloud.finish_all();
    let kept = stack.json("state/web.json")["resources"]["digitalocean_droplet.two"]["id"].as_str().unwrap().to_owned();
    let stray = stack.json("state/web.json")["resources"]["digitalocean_droplet.web"]["id"].as_str().unwrap().to_owned();
    stack.run(&["state", "rm", "digitalocean_droplet.web"]).ok();
    let before = stack.read("state/web.json");
    stack.run(&["destroy", "-strays"]).exits(1).mentions("-auto-approve");
    assert_eq!(cloud.show("droplets").len(), 3);
    // Cut short after the intent: the journal tells, and the next run goes on.
    stack.run_env(&[("DOFLOAT_CRASH", "call.before")], &["destroy", "-strays", "-auto-approve"]);
    assert!(stack.read("state/web.journal").contains(&format!("digitalocean_droplet.stray[\\\"{stray}\\\"]")), "it is journaled");
    stack.run(&["destroy", "-strays", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
    let left: Vec<String> = cloud.show("droplets").iter().map(|of| of["id"].to_string()).collect();
    assert!(left.len() == 2 && left.contains(&kept) && !left.contains(&stray), "{left:?}");
    assert_eq!(stack.read("state/web.json"), before, "no record is touched");
    stack.run(&["destroy", "-strays", "-auto-approve"]).ok().says("Destroy complete! Resources: 0 destroyed.");
    stack.run(&["plan"]).ok().says("Plan: 1 to add, 0 to change, 0 to destroy.");
}

#[test]
fn an_import_that_is_cut_short_is_neither_lost_nor_made_twice() {
    for point in ["state.before-write", "state.after-write", "journal.after-append@1"] {
        let cloud = Cloud::start(Options::default());
        let body = json!({ "name": "web", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": ["blue"] });
        let id = cloud.outside("POST", "/v2/droplets", &body)["droplet"]["id"].to_string();
        cloud.finish_all();
        let import = format!("import {{\n  to = digitalocean_droplet.web\n  id = \"{id}\"\n}}\n");
        let second = DROPLET.replace("\"web\"", "\"two\"");
        let stack = cloud.serve(Stack::with_plan("web", &format!("{DROPLET}{second}{import}")));
        let cut = stack.run_env(&[("DOFLOAT_CRASH", point)], &["apply", "-auto-approve"]);
        assert_ne!(cut.code, 0, "{point}: {cut}");
        stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete!");
        assert_eq!(stack.json("state/web.json")["resources"]["digitalocean_droplet.web"]["id"], Value::from(id), "{point}");
        assert_eq!(cloud.show("droplets").len(), 2, "{point}");
        stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    }
}
