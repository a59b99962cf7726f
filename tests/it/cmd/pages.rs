//! Plans and states as pages, Markdown and pictures, and the stream beside the text.

use crate::support::harness::Stack;
use crate::support::terminal;

const FILES: &str = r#"
variable "password" {
  default   = "hush-hush"
  sensitive = true
}

resource "digitalocean_vpc" "net" {
  name        = "net"
  region      = "nyc3"
  description = "<script>alert(1)</script> @all ``` </details>"
}

resource "digitalocean_droplet" "web" {
  name      = "web"
  region    = "nyc3"
  image     = "ubuntu-24-04-x64"
  size      = "s-1vcpu-1gb"
  vpc_uuid  = digitalocean_vpc.net.id
  user_data = var.password
}
"#;

fn stack() -> Stack {
    Stack::empty().with_file("main.tf", FILES)
}

/// What holds of every page: it asks nothing of anywhere, runs nothing, and tells no secret.
fn is_a_page(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{}", &page[..80]);
    for word in ["<script", "<link", "<img", " src=", "@import", "url(", "javascript:", "hush-hush"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
}

#[test]
fn a_plan_as_a_page() {
    let stack = stack();
    stack.run(&["plan", "--sim", "-html=plan.html", "-out=p"]).ok().mentions("The page is written to plan.html.");
    let page = stack.read("plan.html");
    is_a_page(&page);
    for part in [
        "Plan: 2 to add, 0 to change, 0 to destroy.",
        "Monthly cost: $0.00 -&gt; $6.00 (+$6.00)",
        "digitalocean_droplet.web will be created",
        "&lt;script&gt;alert(1)",
        "<svg",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    stack.run(&["show", "p", "-html=again.html"]).ok();
    let again = stack.read("again.html");
    is_a_page(&again);
    assert!(again.contains("Monthly cost") && again.contains("digitalocean_droplet.web will be created"));
    stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    stack.run(&["show", "--sim", "-html=state.html"]).ok();
    let state = stack.read("state.html");
    is_a_page(&state);
    assert!(state.contains("2 resources") && state.contains("digitalocean_vpc.net"));
}

#[test]
fn a_plan_as_markdown() {
    let stack = stack();
    let text = stack.run(&["plan", "--sim", "-markdown", "-out=p"]).ok().stdout;
    assert!(text.starts_with("### Plan of the stack `"), "{text}");
    assert!(text.contains("**Plan: 2 to add, 0 to change, 0 to destroy.**") && !text.contains("hush-hush"), "{text}");
    // What the description holds stands in a block whose fence is longer than its own.
    let hostile = text.find("<script>").expect("the description");
    let fence = text[..hostile].rfind("\n````diff\n").expect("a fence");
    let end = hostile + text[hostile..].find("\n````\n").expect("its end");
    assert!(text[fence..end].contains("</details>") && !text[end..].contains("<script>"), "{text}");
    assert_eq!(stack.run(&["show", "p", "-markdown"]).ok().stdout, text);
    stack.run(&["show", "-markdown"]).exits(64);
}

#[test]
fn many_changes_stay_within_a_comment() {
    let many = "resource \"digitalocean_domain\" \"d\" {\n  count = 400\n  name  = \"d${count.index}-${join(\"\", [for i in range(12) : \"longlabel\"])}.example.org\"\n}\n";
    let stack = Stack::empty().with_file("main.tf", &format!("{many}{FILES}"));
    let text = stack.run(&["plan", "--sim", "-markdown"]).ok().stdout;
    assert!(text.len() <= 60_000, "{}", text.len());
}

#[test]
fn a_graph_as_a_picture() {
    let stack = stack();
    let svg = stack.run(&["graph", "-format=svg"]).ok().stdout;
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(svg.contains("<title>digitalocean_droplet.web</title>") && svg.matches("class=\"tip\"").count() == 1, "{svg}");
}

#[test]
fn the_stream_goes_beside_the_text() {
    let stack = stack();
    let outcome = stack.run(&["apply", "--sim", "-auto-approve", "-json-into=events"]).ok();
    outcome.mentions("Apply complete! Resources: 2 added, 0 changed, 0 destroyed.");
    let events = stack.read("events");
    let types: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["type"].as_str().expect("a type").to_owned())
        .collect();
    assert_eq!(types.first().map(String::as_str), Some("version"));
    for event in ["planned_change", "change_summary", "apply_start", "apply_complete"] {
        assert!(types.iter().any(|name| name == event), "no {event}: {types:?}");
    }
    assert!(!events.contains("hush-hush"));
    // An error is told both ways.
    stack.write("main.tf", "resource \"digitalocean_vpc\" \"net\" {\n}\n");
    let failed = stack.run(&["plan", "--sim", "-json-into=events"]).exits(1);
    assert!(!failed.stderr.is_empty() && stack.read("events").contains("\"@level\":\"error\""));
    stack.run(&["plan", "--sim", "-json-into=events", "-json"]).exits(64);
    stack.run(&["plan", "--sim", "-json-into=no/such/folder"]).exits(1);
}

#[test]
fn sentences_are_wrapped_on_a_terminal() {
    let long = "resource \"digitalocean_vpc\" \"net\" {\n  name   = \"a name that is certainly not one which the API would take, since it has blanks\"\n  region = \"nyc3\"\n}\n";
    let stack = Stack::empty().with_file("main.tf", long);
    let piped = stack.run(&["plan", "--sim"]).ok().stdout;
    let sentence = piped.lines().find(|line| line.ends_with("is not a valid VPC name.")).expect("a sentence is a line in a pipe");
    assert!(sentence.chars().count() > 80, "{sentence}");
    let (shown, _) = terminal::rest(terminal::on_wide_terminal(&stack, 80, &["plan", "--sim"]));
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(sentence) && !shown.contains(sentence), "{shown}");
}
