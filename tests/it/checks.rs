//! `check` blocks: they are told of at plan and at apply, and stop neither.

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const CHECKED: &str = r#"
resource "terraform_data" "a" {
  input = 3
}
check "size" {
  assert {
    condition     = terraform_data.a.input > 5
    error_message = "It is ${terraform_data.a.input}, and more than 5 are needed."
  }
  assert {
    condition     = terraform_data.a.output == 4
    error_message = "It came out as ${terraform_data.a.output}."
  }
}
module "inner" {
  source = "./inner"
}
"#;

const INNER: &str = r#"
variable "n" {
  default = 1
}
check "own" {
  assert {
    condition     = var.n > 1
    error_message = "The module counts ${var.n}."
  }
}
"#;

#[test]
fn what_does_not_hold_is_told_and_stops_nothing() {
    let stack = Stack::with_plan("web/main", CHECKED).with_file("plans/web/inner/main.tf", INNER).env("DOFLOAT_CLOCK", "virtual");
    stack.run(&["validate"]).ok();
    let planned = stack.run(&["plan", "--sim", "-detailed-exitcode"]).exits(2);
    let planned = planned.mentions("warning: It is 3, and more than 5 are needed.").mentions("warning: The module counts 1.");
    assert!(!planned.stderr.contains("It came out as"), "nothing is said of what is not known yet: {planned}");
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().mentions("warning: It came out as 3.").says("Apply complete! Resources: 1 added");
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().mentions("warning: It came out as 3.");
    stack.write("plans/web/main.tf", &CHECKED.replace("input > 5", "input > 2").replace("output == 4", "output == 3"));
    let held = stack.run(&["plan", "--sim"]).ok();
    assert!(!held.stderr.contains("needed") && !held.stderr.contains("came out"), "{held}");
}

#[test]
fn what_a_check_reads_may_not_be_there() {
    let text = r#"
resource "digitalocean_tag" "a" {
  name = "a"
}
check "key" {
  data "digitalocean_ssh_key" "ours" {
    name = "laptop"
  }
  assert {
    condition     = data.digitalocean_ssh_key.ours.fingerprint != ""
    error_message = "There is no key."
  }
}
check "late" {
  data "digitalocean_domain" "d" {
    name = "${digitalocean_tag.a.total_resource_count}.example.com"
  }
  assert {
    condition     = data.digitalocean_domain.d.ttl > 0
    error_message = "There is no domain."
  }
}
"#;
    let cloud = Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(Stack::with_plan("web", text));
    stack.run(&["plan"]).ok().mentions("warning: data.digitalocean_ssh_key.ours:").says("Plan: 1 to add");
    let done = stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 1 added");
    done.mentions("warning: data.digitalocean_domain.d:");
    stack.run(&["plan", "-out=p"]).ok();
    stack.run(&["apply", "p"]).ok();
    stack.run(&["plan", "-detailed-exitcode"]).ok();
    // The data source is one of the module's: it can be named, and its name is taken.
    stack.write("plans/web.tf", &format!("{text}data \"digitalocean_ssh_key\" \"ours\" {{\n  name = \"x\"\n}}\n"));
    stack.run(&["plan"]).exits(1).mentions("This data source is declared twice.");
}

#[test]
fn what_an_apply_tells_is_told_once_and_what_it_made_is_found() {
    let stack = Stack::with_plan("web/main", CHECKED).with_file("plans/web/inner/main.tf", INNER).env("DOFLOAT_CLOCK", "virtual");
    let done = stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    for told in ["warning: It is 3, and more", "warning: The module counts 1.", "warning: It came out as 3."] {
        assert_eq!(done.stderr.matches(told).count() + done.stdout.matches(told).count(), 1, "{told}: {done}");
    }
    // An apply of a saved plan tells it as well.
    stack.run(&["plan", "--sim", "-out=p"]).ok();
    stack.run(&["apply", "--sim", "p"]).ok().mentions("warning: It came out as 3.");
    let text = r#"
resource "digitalocean_domain" "d" {
  name = "example.com"
}
check "zone" {
  data "digitalocean_domain" "zone" {
    name = "example.com"
  }
  assert {
    condition     = data.digitalocean_domain.zone.ttl > 100000
    error_message = "The time to live is ${data.digitalocean_domain.zone.ttl}."
  }
}
"#;
    let cloud = Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(Stack::with_plan("web", text));
    // It is not there yet when the plan is made, and is when the check is looked at again.
    let done = stack.run(&["apply", "-auto-approve"]).ok().mentions("warning: The time to live is 1800.");
    let told = "warning: data.digitalocean_domain.zone:";
    assert_eq!(done.stderr.matches(told).count() + done.stdout.matches(told).count(), 1, "{done}");
}

#[test]
fn the_form_of_a_check() {
    for (text, told) in [
        ("check \"a\" {}", "A check block needs an \"assert\" block."),
        (
            "check {\n  assert {\n    condition = var.x\n    error_message = \"\"\n  }\n}",
            "A check block is written `check \"NAME\" { … }`.",
        ),
        ("check \"a\" {\n  assert {\n    condition = var.x\n  }\n}", "An assert block needs the argument \"error_message\"."),
        (
            "check \"a\" {\n  x = 1\n  assert {\n    condition = var.x\n    error_message = \"n\"\n  }\n}",
            "A check block has no argument \"x\".",
        ),
        ("check \"a\" {\n  assert {\n    condition = var.y\n    error_message = \"n\"\n  }\n}", "There is no variable \"y\"."),
        (
            "check \"a\" {\n  data \"thing_x\" \"y\" {}\n  assert {\n    condition = data.thing_x.y.z\n    error_message = \"n\"\n  }\n}",
            "not supported",
        ),
    ] {
        let stack = Stack::with_plan("web", &format!("variable \"x\" {{\n  default = true\n}}\n{text}\n"));
        stack.run(&["validate"]).exits(1).mentions(told);
    }
    // In JSON too.
    let stack = Stack::empty();
    let json = r#"{"variable": {"x": {"default": 1}}, "check": {"a": {"assert": {"condition": "${var.x > 1}", "error_message": "It is ${var.x}."}}}}"#;
    stack.write("plans/web.tf.json", json);
    stack.run(&["plan", "--sim"]).ok().mentions("warning: It is 1.");
}
