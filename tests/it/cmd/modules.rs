//! Modules by the commands: from the file to the account and back.

use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

const NODE: &str = r#"
variable "name" {
  type = string
}
variable "vpc" {
  type = string
}
resource "digitalocean_droplet" "this" {
  name     = var.name
  region   = "nyc3"
  size     = "s-1vcpu-1gb"
  image    = "ubuntu-24-04-x64"
  vpc_uuid = var.vpc
}
output "id" {
  value = digitalocean_droplet.this.id
}
"#;

const CALLS: &str = r#"
resource "digitalocean_vpc" "lan" {
  name     = "lan"
  region   = "nyc3"
  ip_range = "10.9.0.0/24"
}
module "node" {
  source   = "../modules/node"
  for_each = toset(["a", "b"])
  name     = "node-${each.key}"
  vpc      = digitalocean_vpc.lan.id
}
output "ids" {
  value = { for key, node in module.node : key => node.id }
}
"#;

fn stack(cloud: &Cloud) -> Stack {
    cloud.serve(Stack::with_plan("web", CALLS).with_file("modules/node/main.tf", NODE))
}

fn listed(stack: &Stack) -> String {
    stack.run(&["state", "list"]).ok().stdout
}

#[test]
fn a_module_is_planned_made_kept_and_destroyed() {
    let cloud = Cloud::start(Options::default());
    let stack = stack(&cloud);
    stack.run(&["plan"]).ok().says(r#"# module.node["a"].digitalocean_droplet.this will be created"#).says("Plan: 3 to add");
    stack.run(&["apply", "-auto-approve"]).ok();
    let all = listed(&stack);
    let expected = "digitalocean_vpc.lan\nmodule.node[\"a\"].digitalocean_droplet.this\nmodule.node[\"b\"].digitalocean_droplet.this\n";
    assert_eq!(all, expected);
    stack.run(&["plan"]).ok().says("No changes.");
    assert_eq!(stack.run(&["state", "list", "module.node[\"b\"]"]).ok().stdout.lines().count(), 1);
    let shown = stack.run(&["show", "-json"]).ok().json();
    let child = &shown["values"]["root_module"]["child_modules"][0];
    assert_eq!(child["address"], r#"module.node["a"]"#);
    assert_eq!(child["resources"][0]["address"], r#"module.node["a"].digitalocean_droplet.this"#);
    let again = r#"module.node["a"].digitalocean_droplet.this"#;
    stack.run(&["plan", "-replace", again, "-target", r#"module.node["a"]"#]).ok().says("Plan: 1 to add, 0 to change, 1 to destroy.");
    stack.write("plans/web.tf", &CALLS.replace(r#"["a", "b"]"#, r#"["b"]"#));
    stack.run(&["plan"]).ok().says(r#"# module.node["a"].digitalocean_droplet.this will be destroyed"#);
    stack.run(&["destroy", "-auto-approve"]).ok().says("Destroy complete! Resources: 3 destroyed.");
    assert!(cloud.is_fresh(), "{:?}", cloud.summary());
}

#[test]
fn resources_move_into_modules_and_out_of_them() {
    let cloud = Cloud::start(Options::default());
    let stack = stack(&cloud);
    stack.run(&["apply", "-auto-approve"]).ok();
    let moved = "moved {\n  from = module.node\n  to   = module.server\n}\nmoved {\n  from = digitalocean_vpc.lan\n  to   = module.net.digitalocean_vpc.this\n}\n";
    let net = "resource \"digitalocean_vpc\" \"this\" {\n  name     = \"lan\"\n  region   = \"nyc3\"\n  ip_range = \"10.9.0.0/24\"\n}\noutput \"id\" {\n  value = digitalocean_vpc.this.id\n}\n";
    stack.write("modules/net/main.tf", net);
    let (vpc, calls) = CALLS.split_once("module \"node\"").expect("a call");
    assert!(vpc.contains("digitalocean_vpc"));
    let calls = format!("module \"net\" {{\n  source = \"../modules/net\"\n}}\nmodule \"server\"{calls}{moved}");
    stack.write("plans/web.tf", &calls.replace("module.node :", "module.server :").replace("digitalocean_vpc.lan.id", "module.net.id"));
    stack.run(&["plan"]).ok().mentions("has moved to").mentions("0 to add, 0 to change, 0 to destroy");
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    assert!(listed(&stack).contains("module.net.digitalocean_vpc.this\n"));
    stack.run(&["state", "mv", "module.server[\"a\"]", "module.server[\"z\"]"]).ok();
    assert!(listed(&stack).contains("module.server[\"z\"].digitalocean_droplet.this"));
}

#[test]
fn an_error_in_a_module_shows_the_line_in_its_file() {
    let cloud = Cloud::start(Options::default());
    let stack = stack(&cloud);
    stack.write("modules/node/main.tf", &NODE.replace("var.vpc", "var.vpz"));
    let told: Outcome = stack.run(&["validate"]).exits(1).mentions("modules/node/main.tf:13").mentions("vpc_uuid = var.vpz");
    assert_eq!(told.stderr.matches("There is no variable").count(), 1, "once, however often it is called: {told}");
}

#[test]
fn what_a_module_says_of_moves_counts_for_each_of_its_instances() {
    let cloud = Cloud::start(Options::default());
    let inner = "variable \"name\" {}\nresource \"digitalocean_tag\" \"old\" {\n  name = var.name\n}\n";
    let plan = "module \"a\" {\n  source   = \"../modules/a\"\n  for_each = toset([\"x\", \"y\"])\n  name     = each.key\n}\n";
    let stack = cloud.serve(Stack::with_plan("web", plan).with_file("modules/a/main.tf", inner));
    stack.run(&["apply", "-auto-approve"]).ok();
    let moved = "moved {\n  from = digitalocean_tag.old\n  to   = module.in.digitalocean_tag.old\n}\nmodule \"in\" {\n  source = \"../b\"\n  name   = var.name\n}\nvariable \"name\" {}\n";
    stack.write("modules/a/main.tf", moved);
    stack.write("modules/b/main.tf", inner);
    stack
        .run(&["plan"])
        .ok()
        .mentions("has moved to module.a[\"y\"].module.in.digitalocean_tag.old")
        .says("Plan: 0 to add, 0 to change, 0 to destroy.");
    stack.run(&["apply", "-auto-approve"]).ok();
    // An object of the account becomes one in a module, by a block and by the command.
    cloud
        .serve(Stack::with_plan("other", "resource \"digitalocean_tag\" \"t\" {\n  name = \"z\"\n}\n"))
        .run(&["apply", "-auto-approve"])
        .ok();
    stack.replace("plans/web.tf", "[\"x\", \"y\"]", "[\"x\", \"y\", \"z\"]");
    let import =
        format!("{}import {{\n  to = module.a[\"z\"].module.in.digitalocean_tag.old\n  id = \"z\"\n}}\n", stack.read("plans/web.tf"));
    stack.write("plans/web.tf", &import);
    stack.run(&["plan"]).ok().says("Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.");
}
