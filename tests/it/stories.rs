//! Stories beyond the tutorial's: replacement without a gap, protection, saved plans with secrets, targets, outputs.

use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const PAIR: &str = r#"
variable "password" {
  type      = string
  sensitive = true
}

variable "image" {
  type    = string
  default = "ubuntu-24-04-x64"
}

resource "digitalocean_droplet" "node" {
  count     = 2
  name      = "node-${count.index}"
  region    = "nyc3"
  image     = var.image
  size      = "s-1vcpu-1gb"
  user_data = "echo ${var.password}"

  lifecycle {
    create_before_destroy = true
  }
}

resource "digitalocean_reserved_ip" "ip" {
  region = "nyc3"
}

resource "digitalocean_reserved_ip_assignment" "ip" {
  ip_address = digitalocean_reserved_ip.ip.ip_address
  droplet_id = digitalocean_droplet.node[0].id
}

resource "terraform_data" "addresses" {
  input = digitalocean_droplet.node[*].ipv4_address
}

output "addresses" {
  value = terraform_data.addresses.output
}

output "password" {
  value     = "is ${var.password}"
  sensitive = true
}
"#;

fn pair(cloud: &Cloud) -> Stack {
    cloud.serve(Stack::with_plan("pair", PAIR)).env("DOFLOAT_VAR_password", "correct-horse-battery")
}

#[test]
fn a_replacement_that_comes_first_leaves_no_gap() {
    let cloud = Cloud::start(Options::default());
    let stack = pair(&cloud);
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 5 added, 0 changed, 0 destroyed.");
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    let old: Vec<_> = cloud.show("droplets").iter().map(|droplet| droplet["id"].clone()).collect();
    cloud.forget_log();
    let change = ["apply", "-auto-approve", "-var=image=ubuntu-22-04-x64"];
    stack.run(&change).ok().says("Apply complete! Resources: 2 added, 2 changed, 2 destroyed.");
    let droplets = cloud.show("droplets");
    assert_eq!(droplets.len(), 2);
    assert!(droplets.iter().all(|droplet| !old.contains(&droplet["id"]) && droplet["image"]["slug"] == "ubuntu-22-04-x64"), "{droplets:?}");
    assert_eq!(cloud.show("reserved_ips")[0]["droplet"]["name"], "node-0");
    // The address moves to the new droplet before the old one goes.
    let place = |method: &str, part: &str| {
        let log = cloud.log();
        log.iter().position(|of| {
            of.method == method && of.path.contains(part) && (part != "/droplets/" || of.path.ends_with(&old[0].to_string()))
        })
    };
    assert!(place("POST", "/actions") < place("DELETE", "/droplets/"), "{:?}", cloud.log().iter().map(|of| &of.path).collect::<Vec<_>>());
    stack.run(&["plan", "-detailed-exitcode", "-var=image=ubuntu-22-04-x64"]).ok().says("No changes.");
    stack.run(&["destroy", "-auto-approve"]).ok();
    assert!(cloud.is_fresh(), "something is left: {:?}", cloud.summary());
}

#[test]
fn a_saved_plan_wants_the_same_secret_again() {
    let cloud = Cloud::start(Options::default());
    let stack = pair(&cloud);
    stack.run(&["plan", "-out=saved"]).ok().says("Plan: 5 to add, 0 to change, 0 to destroy.");
    let stack = stack.env("DOFLOAT_VAR_password", "another-horse");
    stack.run(&["apply", "saved"]).exits(1).mentions("password");
    assert_eq!(cloud.show("droplets").len(), 0);
    let stack = stack.env("DOFLOAT_VAR_password", "correct-horse-battery");
    stack.run(&["apply", "saved"]).ok().says("Apply complete! Resources: 5 added, 0 changed, 0 destroyed.");
    assert_eq!(stack.run(&["output", "-raw", "password"]).ok().stdout, "is correct-horse-battery");
    assert_eq!(stack.run(&["output", "-json", "addresses"]).ok().json().as_array().map(Vec::len), Some(2));
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn what_must_not_go_stays() {
    let cloud = Cloud::start(Options::default());
    let tag = |prevent: bool| {
        format!("resource \"digitalocean_tag\" \"a\" {{\n  name = \"a\"\n  lifecycle {{\n    prevent_destroy = {prevent}\n  }}\n}}\n")
    };
    let stack = cloud.serve(Stack::with_plan("tag", &tag(true)));
    stack.run(&["apply", "-auto-approve"]).ok();
    stack.run(&["destroy", "-auto-approve"]).exits(1).mentions("prevent_destroy").mentions("plans/tag.tf:4");
    stack.run(&["plan", "-replace=digitalocean_tag.a"]).exits(1).mentions("prevent_destroy");
    assert_eq!(cloud.show("tags").len(), 1);
    stack.write("plans/tag.tf", &tag(false));
    stack.run(&["destroy", "-auto-approve"]).ok();
    assert!(cloud.is_fresh());
}

#[test]
fn a_target_takes_what_it_is_built_upon() {
    let cloud = Cloud::start(Options::default());
    let stack = pair(&cloud);
    let plan = stack.run(&["plan", "-target=digitalocean_reserved_ip_assignment.ip"]).ok().mentions("-target");
    plan.says("Plan: 3 to add, 0 to change, 0 to destroy.");
    stack.run(&["plan", "-target=digitalocean_tag.none"]).exits(1).mentions("digitalocean_tag.none");
}

#[test]
fn a_stack_whose_file_is_gone_can_still_be_taken_down() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("tag", "resource \"digitalocean_tag\" \"a\" {\n  name = \"a\"\n}\n"));
    stack.run(&["apply", "-auto-approve"]).ok();
    std::fs::remove_file(stack.path("plans/tag.tf")).expect("the folder is ours");
    stack.run(&["apply", "tag", "-auto-approve"]).exits(1).mentions("dofloat destroy tag");
    stack.run(&["state", "list", "tag"]).ok().says("digitalocean_tag.a");
    stack.run(&["destroy", "tag", "-auto-approve"]).ok();
    assert!(cloud.is_fresh());
}

#[test]
fn a_file_of_values_is_not_quoted() {
    let plan = "variable \"password\" {\n  type      = number\n  sensitive = true\n}\n";
    let stack = Stack::with_plan("values", plan);
    stack.write("plans/values.auto.tfvars", "password = \"correct-horse\"\n");
    let outcome = stack.run(&["plan", "--sim"]).exits(1).mentions("plans/values.auto.tfvars:1").mentions("password");
    assert!(!outcome.stderr.contains("correct-horse"), "{outcome}");
}

#[test]
fn a_droplet_that_came_to_nothing_is_replaced() {
    let cloud = Cloud::start(Options::default());
    let stack = pair(&cloud).env("DOFLOAT_CLOCK", "virtual");
    cloud.set_faults(&["POST /v2/droplets#1 action-errored"]);
    let first = stack.run(&["apply", "pair", "-auto-approve", "-parallelism=1"]).exits(1);
    let first = first.mentions("DigitalOcean failed to create droplet");
    assert!(!first.stdout.contains("[15m"), "{first}");
    stack.run(&["plan", "pair"]).ok().mentions("was never finished and will be replaced");
    stack.run(&["apply", "pair", "-auto-approve"]).ok();
    assert_eq!(cloud.show("droplets").len(), 2);
    stack.run(&["plan", "pair", "-detailed-exitcode"]).ok();
}

#[test]
fn a_long_wait_says_for_what_and_until_when() {
    let cloud = Cloud::start(Options::default());
    let stack = pair(&cloud).env("DOFLOAT_CLOCK", "virtual");
    cloud.set_faults(&["GET /v2/account throttle=40", "POST /v2/droplets#1 throttle=30"]);
    let applied = stack.run(&["apply", "pair", "-auto-approve"]).ok();
    // Of the plan, and of the apply.
    let told =
        |text: &str| text.matches("Slowed down by DigitalOcean's limit of 250 requests a minute: it is used up; going on at ").count();
    assert_eq!(told(&applied.stdout), 2, "{applied}");
    cloud.set_faults(&["GET /v2/droplets throttle=40"]);
    let lines = stack.run(&["plan", "pair", "-json"]).ok().stdout;
    assert!(lines.lines().any(|line| told(line) == 1 && line.starts_with('{')), "{lines}");
}
