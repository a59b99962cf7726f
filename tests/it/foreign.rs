//! Another stack's mark on an object: it is not imported, changed or destroyed without a word, however a state came to name it.

use dofloat::sim::Options;
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const DROPLET: &str = "resource \"digitalocean_droplet\" \"web\" {\n  name   = \"web\"\n  region = \"nyc3\"\n  image  = \"ubuntu-24-04-x64\"\n  size   = \"s-1vcpu-1gb\"\n}\n";
const ADDRESS: &str = "resource \"digitalocean_reserved_ip\" \"ip\" {\n  region = \"nyc3\"\n}\n";

/// The stack `theirs`, applied, and `mine` with a file that only wants what `theirs` has.
fn two(plan: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("theirs", plan)).env("DOFLOAT_CLOCK", "virtual");
    stack.run(&["apply", "theirs", "-auto-approve"]).ok();
    stack.write("plans/mine.tf", plan);
    (cloud, stack)
}

/// Its address here and its identity.
fn object(stack: &Stack) -> (String, String) {
    let state = stack.json("state/theirs.json");
    let (address, record) = state["resources"].as_object().and_then(|all| all.iter().next()).expect("it was applied");
    (address.clone(), record["id"].as_str().expect("an id").to_owned())
}

/// A state that speaks of another stack's object: by hand, or from a pull request.
fn forged(stack: &Stack) {
    let mut state = stack.json("state/theirs.json");
    state["lineage"] = json!("11111111-2222-4333-8444-555555555555");
    state.as_object_mut().expect("a state").remove("project");
    stack.write("state/mine.json", &state.to_string());
}

fn marks(cloud: &Cloud) -> Vec<String> {
    let tags = cloud.show("droplets")[0]["tags"].as_array().cloned().unwrap_or_default();
    tags.iter()
        .filter_map(Value::as_str)
        .filter(|tag| tag.starts_with("dofloat:"))
        .map(|tag| tag.split('-').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn it_is_not_imported_and_a_takeover_gives_it_this_stacks_mark() {
    for plan in [DROPLET, ADDRESS] {
        let (cloud, stack) = two(plan);
        let (address, id) = object(&stack);
        let refused = stack.run(&["import", "mine", &address, &id]).exits(4).mentions("carries another stack's mark: dofloat:theirs-");
        refused.mentions(&format!("`dofloat import -take-over {address} {id}`"));
        stack.run(&["import", "mine", "-discover", "-auto-approve"]).ok().mentions("No object matches");
        stack.write("plans/mine.tf", &format!("{plan}import {{\n  to = {address}\n  id = \"{id}\"\n}}\n"));
        stack.run(&["plan", "mine"]).exits(4).mentions("another stack's mark");
        stack.run(&["apply", "mine", "-auto-approve"]).exits(4);
        stack.write("plans/mine.tf", plan);
        stack.run(&["import", "mine", "-take-over", &address, &id]).ok();
        // Later plans are calm, and it is destroyed without a question; the other stack is told.
        stack.run(&["plan", "mine", "-detailed-exitcode"]).ok();
        stack.run(&["destroy", "theirs", "-auto-approve"]).exits(4).mentions("carries another stack's mark: dofloat:mine-");
        if plan == DROPLET {
            assert_eq!(marks(&cloud), ["dofloat:mine"]);
        }
        stack.run(&["destroy", "mine", "-auto-approve"]).ok();
        assert!(cloud.show("droplets").is_empty() && cloud.show("reserved_ips").is_empty());
        stack.run(&["destroy", "theirs", "-auto-approve"]).ok();
        assert!(cloud.is_fresh(), "{:?}", cloud.summary());
    }
}

#[test]
fn a_state_that_names_it_changes_and_deletes_nothing() {
    for plan in [DROPLET, ADDRESS] {
        let (cloud, stack) = two(plan);
        let (address, id) = object(&stack);
        forged(&stack);
        // Nothing is to be done, so nothing is said.
        stack.run(&["plan", "mine", "-detailed-exitcode"]).ok();
        for more in [&[][..], &["-refresh=false"]] {
            for command in [&["plan", "mine", "-destroy"][..], &["destroy", "mine", "-auto-approve"]] {
                let refused = stack.run(&[command, more].concat()).exits(4);
                refused
                    .mentions(&format!("This plan would change {address}, and its object {id} carries another stack's mark"))
                    .mentions("state rm");
            }
        }
        if plan == DROPLET {
            stack.replace("plans/mine.tf", "name   = \"web\"", "name   = \"renamed\"");
            stack.run(&["apply", "mine", "-auto-approve"]).exits(4);
            assert_eq!(cloud.show("droplets")[0]["name"], "web");
            stack.replace("plans/mine.tf", "name   = \"renamed\"", "name   = \"web\"");
        }
        // Who insists takes over what the state names already.
        stack.run(&["import", "mine", "-take-over", &address, &id]).ok();
        stack.run(&["plan", "mine", "-detailed-exitcode"]).ok();
        stack.run(&["destroy", "mine", "-auto-approve"]).ok();
    }
}

#[test]
fn a_stack_of_another_name_by_now_knows_its_own() {
    let (cloud, stack) = two(DROPLET);
    // Renamed with its state: the lineage is the stack.
    stack.write("state/mine.json", &stack.read("state/theirs.json"));
    stack.run(&["plan", "mine", "-detailed-exitcode"]).ok();
    stack.run(&["destroy", "mine", "-auto-approve"]).ok();
    assert!(cloud.show("droplets").is_empty());
}
