//! How long plans are: what an operator reads before saying yes, for twenty pairs with variables and outputs.
//!
//! Invariant: lines of the text as it is printed, where nobody asks for more.

use std::fmt::Write as _;

use dofloat::sim::{Limits, Options};

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack, say};

const PAIRS: usize = 20;

fn scene() -> (Cloud, Stack) {
    let cloud = Cloud::start(Options { limits: Limits { droplets: 100, reserved_ips: 50 }, ..Options::default() });
    let stack = cloud.stack().env("TF_VAR_failover_token", "token-of-the-nodes").env("DOFLOAT_CLOCK", "virtual");
    stack.write("plans/many.tf", &many());
    (cloud, stack)
}

/// Twenty pairs, as somebody writes them who copies a block.
fn many() -> String {
    let mut text = String::from(
        "variable \"failover_token\" {\n  type      = string\n  sensitive = true\n}\n\
         variable \"image\" { default = \"ubuntu-22-04-x64\" }\n\
         variable \"size\" { default = \"s-1vcpu-1gb\" }\n\
         variable \"timezone\" { default = \"UTC\" }\n\
         resource \"digitalocean_domain\" \"all\" { name = \"example.com\" }\n",
    );
    for number in 1..=PAIRS {
        let _ = write!(
            text,
            "resource \"dofloat_cluster\" \"c{number}\" {{\n  region = \"nyc3\"\n  image = var.image\n  size = var.size\n  \
             timezone = var.timezone\n  nodes = [\"c{number}-a\", \"c{number}-b\"]\n  failover_token = var.failover_token\n}}\n\
             output \"c{number}\" {{ value = dofloat_cluster.c{number}.ip }}\n"
        );
    }
    let pairs: Vec<String> = (1..=PAIRS).map(|number| format!("c{number} = dofloat_cluster.c{number}")).collect();
    let _ = write!(
        text,
        "locals {{\n  pairs = {{ {} }}\n}}\n\
         resource \"digitalocean_record\" \"of\" {{\n  for_each = local.pairs\n  domain = digitalocean_domain.all.name\n  type = \"A\"\n  \
         name = each.key\n  value = each.value.ip\n}}\n\
         output \"nodes\" {{ value = {{ for name, pair in local.pairs : name => {{ for node, of in pair.nodes : node => of.ipv4_address }} }} }}\n",
        pairs.join(", ")
    );
    text
}

/// The lines of a plan on a screen of 80 columns.
fn lines(outcome: &Outcome) -> usize {
    outcome.stdout.lines().map(|line| line.chars().count().div_ceil(80).max(1)).sum()
}

#[track_caller]
fn at_most(what: &str, outcome: &Outcome, most: usize) {
    say(&format!("lines of a {what} of {PAIRS} pairs: {}", lines(outcome)));
    assert!(lines(outcome) <= most, "{} lines, and not {most}\n{outcome}", lines(outcome));
}

#[test]
fn plans_of_twenty_pairs_can_be_read() {
    let (_cloud, stack) = scene();
    let first = stack.run(&["plan", "many"]).ok().says("Plan: 181 to add, 0 to change, 0 to destroy.");
    at_most("first plan", &first, 150);
    let whole = stack.run(&["plan", "many", "-verbose"]).ok();
    assert!(lines(&whole) > 2000, "{}", lines(&whole));
    stack.run(&["apply", "many", "-auto-approve"]).ok();
    let zone = stack.run(&["plan", "many", "-var", "timezone=America/New_York"]).ok();
    zone.mentions("timezone: \"UTC\" -> \"America/New_York\"").mentions("one at a time");
    let image = stack.run(&["plan", "many", "-var", "image=ubuntu-24-04-x64"]).ok();
    let image = image.mentions("image: \"ubuntu-22-04-x64\" -> \"ubuntu-24-04-x64\"");
    let image = image.says("Plan: 40 to add, 0 to change, 40 to destroy.");
    at_most("change of the image", &image, 80);
    let destroy = stack.run(&["plan", "many", "-destroy"]).ok().says("Plan: 0 to add, 0 to change, 181 to destroy.");
    at_most("destroy", &destroy, 80);
    // Which pair got which address is nobody's to say, so the end has no golden text.
    insta::assert_snapshot!("first", below_the_heading(&first));
    insta::assert_snapshot!("image", below_the_heading(&image));
}

/// The heading names a port.
fn below_the_heading(outcome: &Outcome) -> &str {
    outcome.stdout.split_once('\n').map_or("", |(_, rest)| rest)
}
