//! `graph`: what depends on what, beside what Terraform draws of the same files.

use std::collections::BTreeSet;

use crate::differential::terraform;
use crate::support::harness::Stack;

const FILES: &str = r#"
resource "terraform_data" "a" {
  count = 2
}

resource "terraform_data" "b" {
  for_each = toset(["x", "y"])
  input    = terraform_data.a[0].id
}

resource "terraform_data" "c" {
  input      = [for b in terraform_data.b : b.id]
  depends_on = [terraform_data.a]
}

resource "terraform_data" "alone" {
}
"#;

/// The arrows of a text in Graphviz's language.
fn arrows(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| line.contains("->")).map(|line| line.trim().trim_end_matches(';').to_owned()).collect()
}

#[test]
fn the_arrows_are_terraforms() {
    let stack = Stack::empty().with_file("main.tf", FILES);
    let ours = arrows(&stack.run(&["graph"]).ok().stdout);
    let expected = ["\"terraform_data.b\" -> \"terraform_data.a\"", "\"terraform_data.c\" -> \"terraform_data.b\""];
    assert_eq!(ours, expected.map(str::to_owned).into());
    let Some(terraform) = terraform() else { return };
    terraform.write(&[("main.tf", FILES.to_owned())]);
    terraform.run(&["init", "-backend=false", "-input=false", "-no-color"]).expect("it begins");
    assert_eq!(ours, arrows(&terraform.run(&["graph"]).expect("it draws")));
}

#[test]
fn a_plan_gives_the_colours() {
    let stack = Stack::empty().with_file("main.tf", FILES);
    stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    stack.replace("main.tf", "count = 2", "count = 1");
    stack.replace("main.tf", "\"alone\"", "\"fresh\"");
    stack.run(&["plan", "--sim", "-out=p"]).ok();
    let graph = stack.run(&["graph", "-plan=p", "-format=json"]).ok().json();
    let actions = |address: &str| {
        let nodes = graph["nodes"].as_array().expect("nodes");
        nodes.iter().find(|node| node["address"] == address).unwrap_or_else(|| panic!("no {address}"))["actions"].to_string()
    };
    assert_eq!(actions("terraform_data.a"), "[\"delete\"]");
    assert_eq!(actions("terraform_data.b"), "[]");
    assert_eq!(actions("terraform_data.fresh"), "[\"create\"]");
    assert_eq!(actions("terraform_data.alone"), "[\"delete\"]");
    for format in ["dot", "mermaid"] {
        let text = stack.run(&["graph", "-plan=p", "-format", format]).ok().stdout;
        assert!(text.contains("fresh") && text.contains("#b7e3c0"), "{text}");
    }
}

/// Nothing is asked and nothing written: it works without a token.
#[test]
fn a_pair_is_drawn_in_a_frame() {
    let stack = Stack::clone_of_the_package();
    let text = stack.run(&["graph", "ha"]).ok().stdout;
    assert!(text.contains("label = \"dofloat_cluster.web\";"), "{text}");
    let arrow = "\"digitalocean_record.www\" -> \"dofloat_cluster.web.digitalocean_reserved_ip_assignment.address\";";
    let other = "\"digitalocean_record.www\" -> \"dofloat_cluster.web.digitalocean_reserved_ip.address\";";
    assert!(text.contains(arrow) || text.contains(other), "{text}");
}
