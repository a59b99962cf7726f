//! Data sources that decide how much there is: `count` and `for_each` by what is read before the plan.

use dofloat::sim::Options;
use serde_json::json;

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

/// Keys, networks and modules for what is in the account; a data source for each that another one gave.
const BY_ACCOUNT: &str = r#"
data "digitalocean_domain" "zone" {
  name = "example.com"
}
data "digitalocean_records" "all" {
  domain = data.digitalocean_domain.zone.name
  filter {
    key    = "type"
    values = ["A"]
  }
}
locals {
  hosts = { for record in data.digitalocean_records.all.records : record.name => record }
}
data "digitalocean_record" "each" {
  for_each = local.hosts
  domain   = "example.com"
  name     = each.key
}
resource "digitalocean_tag" "counted" {
  count = length(data.digitalocean_records.all.records)
  name  = "n${count.index}"
}
resource "digitalocean_tag" "named" {
  for_each = local.hosts
  name     = "of-${each.value.name}"
}
module "host" {
  source   = "./host"
  for_each = data.digitalocean_record.each
  address  = each.value.data
}
output "addresses" {
  value = [for host in module.host : host.address]
}
"#;

const HOST: &str = r#"
variable "address" {}
resource "digitalocean_tag" "each" {
  for_each = toset(split(".", var.address))
  name     = "part-${each.key}"
}
output "address" {
  value = var.address
}
"#;

fn account() -> (Cloud, Stack) {
    let cloud = Cloud::start(Options::default());
    cloud.outside("POST", "/v2/domains", &json!({"name": "example.com"}));
    for (name, address) in [("www", "192.0.2.1"), ("api", "10.8.9.7")] {
        let record = json!({"type": "A", "name": name, "data": address, "ttl": 600});
        cloud.outside("POST", "/v2/domains/example.com/records", &record);
    }
    cloud.forget_log();
    let stack = cloud.serve(Stack::with_plan("one", BY_ACCOUNT)).env("DOFLOAT_CLOCK", "virtual");
    stack.write("plans/host/main.tf", HOST);
    (cloud, stack)
}

fn reads(cloud: &Cloud, path: &str) -> usize {
    cloud.log().iter().filter(|of| of.path.trim_start_matches("/v2") == path).count()
}

#[test]
fn what_is_read_decides_how_much_there_is() {
    let (cloud, stack) = account();
    let shown = stack.run(&["plan", "one", "-verbose"]).ok();
    for address in [
        "digitalocean_tag.counted[1]",
        "digitalocean_tag.named[\"www\"]",
        "module.host[\"api\"].digitalocean_tag.each[\"10\"]",
        "module.host[\"www\"].digitalocean_tag.each[\"192\"]",
    ] {
        assert!(shown.stdout.contains(&format!("# {address} will be created")), "{address}: {}", shown.stdout);
    }
    shown.says("Plan: 12 to add, 0 to change, 0 to destroy.");
    // What was read for the shape is not read again for the plan.
    assert_eq!(reads(&cloud, "/domains/example.com"), 1);
    stack.run(&["apply", "one", "-auto-approve"]).ok().says("Apply complete! Resources: 12 added, 0 changed, 0 destroyed.");
    stack.run(&["plan", "one", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["validate", "one"]).ok();
    stack.run(&["scopes", "one"]).ok().mentions("domain:read");
    // One host more in the account is one of each more.
    let record = json!({"type": "A", "name": "db", "data": "172.16.9.7", "ttl": 600});
    cloud.outside("POST", "/v2/domains/example.com/records", &record);
    stack.run(&["plan", "one"]).ok().says("Plan: 6 to add, 0 to change, 0 to destroy.");
    stack.run(&["destroy", "one", "-auto-approve"]).ok().says("Destroy complete! Resources: 12 destroyed.");
}

#[test]
fn a_saved_plan_keeps_the_shape_that_was_read_for_it() {
    let (cloud, stack) = account();
    stack.run(&["plan", "one", "-out=saved"]).ok();
    let record = json!({"type": "A", "name": "db", "data": "172.16.9.7", "ttl": 600});
    cloud.outside("POST", "/v2/domains/example.com/records", &record);
    cloud.forget_log();
    stack.run(&["apply", "saved"]).ok().says("Apply complete! Resources: 12 added, 0 changed, 0 destroyed.");
    assert_eq!(reads(&cloud, "/domains/example.com/records"), 0);
    stack.run(&["plan", "one"]).ok().says("Plan: 6 to add, 0 to change, 0 to destroy.");
}

#[test]
fn what_is_read_during_the_apply_decides_nothing() {
    let text = r#"
resource "digitalocean_vpc" "net" {
  name   = "net"
  region = "fra1"
}
data "digitalocean_vpc" "net" {
  id = digitalocean_vpc.net.id
}
data "digitalocean_regions" "late" {
  depends_on = [digitalocean_vpc.net]
}
locals {
  late = toset([for region in data.digitalocean_regions.late.regions : region.slug])
}
resource "digitalocean_tag" "one" {
  count = length(data.digitalocean_vpc.net.name)
  name  = "t${count.index}"
}
resource "digitalocean_tag" "two" {
  for_each = local.late
  name     = each.key
}
"#;
    let stack = Stack::with_plan("one", text);
    let said = stack.run(&["plan", "one", "--sim"]).exits(1);
    said.mentions("`count` of digitalocean_tag.one is not known before apply: it depends on data.digitalocean_vpc.net, which is read")
        .mentions("`for_each` of digitalocean_tag.two is not known before apply: it depends on data.digitalocean_regions.late,")
        .mentions("A data source is read before the plan where its arguments are known");
    stack.run(&["validate", "one"]).ok();
}

#[test]
fn what_is_made_up_decides_too_and_is_told_once() {
    let text = r#"
variable "keys" {
  default = ["laptop", "desktop"]
}
data "digitalocean_ssh_key" "each" {
  for_each = toset(var.keys)
  name     = each.key
}
resource "digitalocean_tag" "each" {
  for_each = { for key in data.digitalocean_ssh_key.each : key.name => key.fingerprint }
  name     = each.key
}
import {
  for_each = toset([for name in keys(data.digitalocean_ssh_key.each) : name if false])
  to       = digitalocean_tag.each[each.key]
  id       = each.key
}
"#;
    let stack = Stack::with_plan("one", text);
    let said = stack.run(&["plan", "one", "--sim"]).ok();
    let told = format!("{}{}", said.stdout, said.stderr).matches("is made up (simulated)").count();
    said.says("Plan: 2 to add, 0 to change, 0 to destroy.");
    assert_eq!(told, 2);
    stack.run(&["apply", "one", "--sim", "-auto-approve"]).ok();
    stack.run(&["plan", "one", "--sim"]).ok().says("No changes.");
    stack.run(&["destroy", "one", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 2 destroyed.");
}

#[test]
fn a_snapshot_that_is_looked_for_is_made_up_by_its_name_or_its_pattern() {
    let text = r#"
data "digitalocean_droplet_snapshot" "pattern" {
  name_regex  = "^packer-docker-.*\\d+$"
  region      = "fra1"
  most_recent = true
}
data "digitalocean_image" "name" {
  name = "packer-2026"
}
data "digitalocean_volume_snapshot" "name" {
  name = "data"
}
resource "digitalocean_droplet" "a" {
  name   = data.digitalocean_droplet_snapshot.pattern.name
  region = "fra1"
  size   = "s-1vcpu-1gb"
  image  = data.digitalocean_droplet_snapshot.pattern.id
}
"#;
    let stack = Stack::with_plan("one", text);
    let said = stack.run(&["plan", "--sim"]).ok().mentions("\"packer-docker-1\"");
    let told = format!("{}{}", said.stdout, said.stderr).matches("is made up (simulated)").count();
    assert_eq!(told, 3, "{said}");
    // What no name can be made of by the look of it is left as it is.
    stack.replace("plans/one.tf", "^packer-docker-.*\\\\d+$", "^(a|b){3}$");
    stack.run(&["plan", "--sim"]).exits(1).mentions("There is no snapshot of a droplet whose name_regex is");
}
