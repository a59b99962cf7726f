//! What opens a registry to Docker: which it may do, for how long, and where it is kept. And images that are fetched.

use dofloat::sim::{ClockMode, Options};
use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const PLAN: &[&str] = &["plan", "r", "-detailed-exitcode"];
const APPLY: &[&str] = &["apply", "r", "-auto-approve"];

fn open(text: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options { clock: ClockMode::Explicit { looks: 1 }, ..Options::default() });
    let stack = cloud.serve(Stack::with_plan("r", text)).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

/// The query strings of the requests for credentials.
fn asked(cloud: &Cloud) -> Vec<String> {
    let all = cloud.log().into_iter().filter(|of| of.path.ends_with("/docker-credentials"));
    all.map(|of| of.query).collect()
}

#[test]
fn two_sorts_of_credentials_of_one_registry_are_asked_for_once_each() {
    let (cloud, stack) = open(
        r#"
resource "digitalocean_container_registry" "shop" {
  name                   = "shop"
  subscription_tier_slug = "basic"
}
resource "digitalocean_container_registry_docker_credentials" "pull" {
  registry_name = digitalocean_container_registry.shop.name
}
resource "digitalocean_container_registry_docker_credentials" "push" {
  registry_name  = digitalocean_container_registry.shop.name
  write          = true
  expiry_seconds = 3600
}
output "pull" {
  value     = digitalocean_container_registry_docker_credentials.pull.docker_credentials
  sensitive = true
}
output "push" {
  value     = digitalocean_container_registry_docker_credentials.push.docker_credentials
  sensitive = true
}
output "id" {
  value = digitalocean_container_registry_docker_credentials.push.id
}
"#,
    );
    stack.run(APPLY).ok();
    let read = |name: &str| stack.run(&["output", "r", "-raw", name]).ok().stdout.trim().to_owned();
    let (pull, push) = (read("pull"), read("push"));
    let json: Value = serde_json::from_str(&push).expect("Docker reads JSON");
    assert!(json["auths"]["registry.digitalocean.com"]["auth"].is_string() && pull != push, "{push}");
    assert_eq!(read("id"), "shop");
    let mut queries = asked(&cloud);
    queries.sort();
    assert_eq!(queries.len(), 2, "{queries:?}");
    assert!(queries.iter().any(|query| query.contains("read_write=true") && query.contains("expiry_seconds=3600")), "{queries:?}");
    assert!(queries.iter().any(|query| query.contains("read_write=false") && query.contains("expiry_seconds=1576800000")), "{queries:?}");
    // They stay as they are, and are in no file that can be read.
    stack.run(PLAN).ok().says("No changes.");
    assert_eq!((read("pull"), asked(&cloud).len()), (pull.clone(), 2));
    let secret = json["auths"]["registry.digitalocean.com"]["auth"].as_str().expect("a text");
    assert!(!stack.read("state/r.json").contains(secret));
    // Who asks for others gets others, and keeps the rest.
    stack.replace("plans/r.tf", "expiry_seconds = 3600", "expiry_seconds = 7200");
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    assert!(read("push") != push && read("pull") == pull);
    stack.run(PLAN).ok().says("No changes.");
    stack.run(&["destroy", "r", "-auto-approve"]).ok();
}

#[test]
fn an_image_is_given_to_more_regions_in_place_and_made_anew_to_leave_one() {
    let (cloud, stack) = open(
        r#"
resource "digitalocean_custom_image" "nixos" {
  name    = "nixos"
  url     = "https://example.com/nixos.qcow2"
  regions = ["nyc3"]
}
resource "digitalocean_droplet" "web" {
  name   = "web"
  region = "nyc3"
  size   = "s-1vcpu-1gb"
  image  = digitalocean_custom_image.nixos.image_id
}
"#,
    );
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
    stack.replace("plans/r.tf", "[\"nyc3\"]", "[\"fra1\", \"nyc3\"]");
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    assert_eq!(cloud.show("images")[0]["regions"].as_array().map(Vec::len), Some(2));
    stack.run(PLAN).ok().says("No changes.");
    stack.replace("plans/r.tf", "[\"fra1\", \"nyc3\"]", "[\"nyc3\"]");
    stack.run(PLAN).exits(2).mentions("forces replacement");
}
