//! Configurations with parts that are not supported: what is told of them, at once, and what goes on without them.

use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const MIXED: &str = r#"provider "helm" {}

data "vault_generic_secret" "token" {
  path = "secret/web"
}

resource "cloudflare_record" "www" {
  zone_id = "zone"
  value   = digitalocean_droplet.web.ipv4_address
}

resource "helm_release" "ingress" {
  name = "ingress"
}

locals {
  release = helm_release.ingress.name
  fine    = "web"
}

resource "digitalocean_tag" "release" {
  name = local.release
}

resource "digitalocean_droplet" "tagged" {
  image      = "ubuntu-24-04-x64"
  name       = "tagged"
  region     = "nyc3"
  size       = "s-1vcpu-1gb"
  depends_on = [digitalocean_tag.release]
}

resource "digitalocean_droplet" "web" {
  image  = "ubuntu-24-04-x64"
  name   = local.fine
  region = "nyc3"
  size   = "s-1vcpu-1gb"
}

output "release" {
  value = local.release
}

moved {
  from = helm_release.old
  to   = helm_release.ingress
}
"#;

#[test]
fn all_that_is_not_supported_is_told_in_one_round_with_the_size_of_it() {
    let stack = Stack::with_plan("web", &MIXED.replace("\"nyc3\"\n  size   = ", "\"nyc3\"\n  siez   = "));
    let told = stack.run(&["validate"]).exits(1);
    let told = told
        .mentions("3 of 6 resources and data sources are not supported: cloudflare 1, helm 1, vault 1.")
        .mentions("plans/web.tf:3:1")
        .mentions("digitalocean_domain and digitalocean_record")
        .mentions("TF_VAR_x of the environment")
        .mentions("digitalocean_droplet.tagged (needs helm_release.ingress)")
        .mentions("-skip-unsupported")
        .mentions("has no argument \"siez\"");
    assert_eq!(told.stderr.matches("error:").count(), 2, "{told}");
    let json = stack.run(&["validate", "-json"]).exits(1).json();
    assert_eq!(json["error_count"], 2);
    let first = &json["diagnostics"][0];
    assert_eq!(first["range"]["start"]["line"], 3);
    assert!(first["detail"].as_str().unwrap().contains("helm: helm_release.ingress"), "{first}");
    assert_eq!(first["related"].as_array().map(Vec::len), Some(7), "{first}");
}

#[test]
fn the_rest_is_planned_and_applied_without_it() {
    let stack = Stack::with_plan("web", MIXED);
    stack.run(&["validate"]).exits(1);
    stack.run(&["validate", "-skip-unsupported"]).ok();
    stack.run(&["plan", "--sim"]).exits(1);
    let plan = stack.run(&["plan", "--sim", "-skip-unsupported"]).ok().says("Plan: 1 to add");
    plan.mentions("3 of 6 resources and data sources are left out")
        .mentions("Left out with them: ")
        .mentions("output.release (needs helm_release.ingress)");
    let lines = stack.run(&["plan", "--sim", "-skip-unsupported", "-json"]).ok().stdout;
    let warning = lines.lines().find(|line| line.contains("left out")).expect("a line that tells it");
    let warning: Value = serde_json::from_str(warning).unwrap();
    assert_eq!((&warning["diagnostic"]["severity"], &warning["type"]), (&"warning".into(), &"diagnostic".into()));
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"]).ok().says("Apply complete! Resources: 1 added");
    stack.run(&["plan", "--sim", "-skip-unsupported", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["plan", "--sim", "-skip-unsupported", "-out=p"]).ok();
    stack.run(&["apply", "--sim", "p"]).ok();
    // What there is, is taken down without a word about what never was.
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
}

#[test]
fn what_has_an_object_is_not_destroyed_because_it_is_left_out() {
    let droplet = "resource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n";
    let stack = Stack::with_plan("web", droplet);
    stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    stack.write("plans/web.tf", &format!("{}data \"vault_x\" \"v\" {{}}\n", droplet.replace("\"t\"\n", "data.vault_x.v.name\n")));
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"]).exits(1).mentions("it would be destroyed");
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
}

#[test]
fn provisioners_are_told_of_and_nothing_is_made_without_them_unawares() {
    let text = "resource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n  connection {\n    host = helm_release.x.y\n  }\n  provisioner \"local-exec\" {\n    command = \"true\"\n  }\n}\n";
    let stack = Stack::with_plan("web", text);
    stack.run(&["validate"]).ok().mentions("Provisioners are not run: digitalocean_tag.t.");
    stack.run(&["plan", "--sim"]).ok().mentions("Provisioners are not run").says("Plan: 1 to add");
    let cloud = Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(stack);
    stack.run(&["plan"]).ok();
    stack.run(&["plan", "-out=p"]).exits(1);
    stack.run(&["apply", "-auto-approve"]).exits(1).mentions("-skip-unsupported");
    stack.run(&["apply", "-auto-approve", "-skip-unsupported"]).ok().says("Apply complete! Resources: 1 added");
    stack.run(&["destroy", "-auto-approve"]).ok();
}

#[test]
fn a_block_of_another_provider_alone_is_only_told_of() {
    let stack =
        Stack::with_plan("web", "provider \"aws\" {\n  region = var.none\n}\nresource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n");
    stack.run(&["validate"]).ok().mentions("provider \"aws\"");
    // A slip of the hand is none of another provider's.
    stack.write("plans/web.tf", "resource \"digitalocean_droplt\" \"t\" {}\nresource \"digitalocan_tag\" \"t\" {}\n");
    let told =
        stack.run(&["validate"]).exits(1).mentions("Did you mean \"digitalocean_droplet\"?").mentions("Did you mean \"digitalocean_tag\"?");
    assert!(!told.stderr.contains("-skip-unsupported"), "{told}");
}
