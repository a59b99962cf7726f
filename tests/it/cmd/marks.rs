//! The stack's mark: what is let go of loses it, and what has lost it gets it back.

use dofloat::sim::Options;
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const WEB: &str = "resource \"digitalocean_droplet\" \"web\" {\n  name   = \"web\"\n  region = \"nyc3\"\n  image  = \"ubuntu-24-04-x64\"\n  size   = \"s-1vcpu-1gb\"\n  tags   = [\"blue\"]\n}\n";
const IP: &str = "resource \"digitalocean_reserved_ip\" \"front\" {\n  region = \"nyc3\"\n}\n";

fn removed(address: &str) -> String {
    format!("removed {{\n  from = {address}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n")
}

fn tags(cloud: &Cloud) -> Vec<String> {
    let tags = cloud.show("droplets")[0]["tags"].clone();
    tags.as_array().expect("tags").iter().map(|tag| tag.as_str().expect("a tag").to_owned()).collect()
}

/// The droplet's mark.
fn mark(cloud: &Cloud) -> String {
    tags(cloud).into_iter().find(|tag| tag.starts_with("dofloat:")).expect("a mark")
}

#[test]
fn what_is_let_go_of_carries_no_mark_and_is_no_stray() {
    let cloud = Cloud::start(Options::default());
    // Another address stays, and the stack's project with it.
    let kept = IP.replace("front", "kept");
    let stack = cloud.serve(Stack::with_plan("web", &format!("{WEB}{IP}{kept}")));
    stack.run(&["apply", "-auto-approve"]).ok();
    mark(&cloud);
    let front = stack.json("state/web.json")["resources"]["digitalocean_reserved_ip.front"]["id"].clone();
    let let_go = ["digitalocean_droplet.web", "digitalocean_reserved_ip.front"].map(removed).concat();
    stack.write("plans/web.tf", &format!("{kept}{let_go}"));
    // Cut short when the first mark is off: the next run goes on.
    stack.run_env(&[("DOFLOAT_CRASH", "write.answered@1")], &["apply", "-auto-approve"]);
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    assert_eq!(tags(&cloud), ["blue"]);
    let of_stack = cloud.show("projects").iter().find(|of| of["name"].as_str().is_some_and(|name| name.starts_with("dofloat:"))).cloned();
    let of_stack = of_stack.expect("the stack's project")["id"].clone();
    let lies_there = |ip: &Value| ip["project_id"] == of_stack;
    let addresses = cloud.show("reserved_ips");
    assert_eq!(addresses.iter().filter(|ip| lies_there(ip)).count(), 1);
    assert!(!addresses.iter().any(|ip| ip["ip"] == front && lies_there(ip)));
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["destroy", "-strays", "-auto-approve"]).ok().says("Destroy complete! Resources: 0 destroyed.");
    stack.run(&["destroy", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
    let left: Vec<Value> = cloud.show("reserved_ips").iter().map(|ip| ip["ip"].clone()).collect();
    assert_eq!((left, cloud.show("droplets").len()), (vec![front], 1));
    assert!(!cloud.show("projects").iter().any(|project| project["id"] == of_stack), "the stack's project is gone");
}

#[test]
fn a_mark_that_somebody_took_off_is_put_back() {
    let cloud = Cloud::start(Options::default());
    // Who is replaced after the droplet is not, by that.
    let after = "resource \"terraform_data\" \"after\" {\n  lifecycle {\n    replace_triggered_by = [digitalocean_droplet.web]\n  }\n}\n";
    let stack = cloud.serve(Stack::with_plan("web", &format!("{WEB}{after}")));
    stack.run(&["apply", "-auto-approve"]).ok();
    let (own, id) = (mark(&cloud), cloud.show("droplets")[0]["id"].to_string());
    let carrier = json!({ "resources": [{ "resource_id": id, "resource_type": "droplet" }] });
    cloud.outside("DELETE", &format!("/v2/tags/{own}/resources"), &carrier);
    assert_eq!(tags(&cloud), ["blue"]);
    let planned = stack.run(&["plan", "-out=saved"]).ok().says("Plan: 0 to add, 1 to change, 0 to destroy.");
    planned.mentions(&own);
    stack.run(&["apply", "saved"]).ok().says("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.");
    assert_eq!(mark(&cloud), own);
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    // Beside another change of the tags.
    cloud.outside("DELETE", &format!("/v2/tags/{own}/resources"), &carrier);
    stack.write("plans/web.tf", &format!("{}{after}", WEB.replace("blue", "green")));
    stack.run(&["plan", "-refresh=false"]).ok().says("Plan: 1 to add, 1 to change, 1 to destroy.");
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 1 added, 1 changed, 1 destroyed.");
    assert_eq!((mark(&cloud), tags(&cloud).len()), (own.clone(), 2));
    stack.run(&["destroy", "-auto-approve"]).ok();
    assert!(cloud.show("droplets").is_empty() && !cloud.show("tags").iter().any(|tag| tag["name"] == own));
}

#[test]
fn what_was_imported_needs_no_mark_after_a_change() {
    let cloud = Cloud::start(Options::default());
    let body = json!({ "name": "web", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": ["blue"] });
    let id = cloud.outside("POST", "/v2/droplets", &body)["droplet"]["id"].to_string();
    cloud.finish_all();
    let stack = cloud.serve(Stack::with_plan("web", WEB));
    stack.run(&["import", "digitalocean_droplet.web", &id]).ok();
    stack.write("plans/web.tf", &WEB.replace("blue", "green"));
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.");
    assert_eq!(tags(&cloud), ["green"]);
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
}
