//! What other tools read of a plan: the document of `show -json`, and the stream of an apply.
//!
//! Invariant: the form is Terraform's, and Terraform's own binary is the judge where one is installed. What differs on purpose is
//! named here.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use dofloat::ui::diff_text::unified;

use crate::differential::{ours, terraform};
use crate::support::harness::Stack;

const ROOT: &str = r#"
variable "n" {
  type        = number
  default     = 2
  description = "How many."
}

locals {
  name = "l"
}

resource "terraform_data" "a" {
  count            = var.n
  input            = { k = "lit", nested = [local.name, 1, true, null] }
  triggers_replace = ["x", 1]
}

resource "terraform_data" "b" {
  for_each   = toset(["p", "q r"])
  input      = "${terraform_data.a[0].id}-${each.key}"
  depends_on = [terraform_data.a]

  provisioner "local-exec" {
    command = "true"
  }
}

resource "terraform_data" "plain" {
}

module "m" {
  source = "./m"
  for_each = toset(["one"])
  x      = terraform_data.b["p"].id
}

output "o" {
  value       = module.m["one"].y
  description = "The o."
}

output "known" {
  value = [for k in ["b", "a"] : upper(k)]
}
"#;

const MODULE: &str = r#"
variable "x" {}

resource "terraform_data" "inner" {
  input = var.x
}

output "y" {
  value = terraform_data.inner.id
}
"#;

/// A droplet, and secrets that are written out: a hidden argument, a value that a name tells, a token, a module's variable.
const DROPLET: &str = r#"
variable "seed" {
  default   = "TOP-3"
  sensitive = true
}

resource "digitalocean_droplet" "web" {
  name      = "web"
  image     = "ubuntu-24-04-x64"
  size      = "s-1vcpu-1gb"
  region    = "nyc3"
  user_data = "TOP-1"
}

output "url" {
  value = "https://user:TOP-2@${digitalocean_droplet.web.name}/"
}

output "note" {
  value = "dop_v1_0123"
  sensitive = true
}
"#;

/// What both say, in one form: ids are not the same, and here the output of a `terraform_data` is known before it is made.
fn comparable(json: &mut Json) {
    match json {
        Json::Object(entries) => {
            entries.remove("output");
            entries.values_mut().for_each(comparable);
        }
        Json::Array(items) => items.iter_mut().for_each(comparable),
        Json::String(text) => {
            let is_id = |part: &str| part.len() == 36 && part.chars().filter(|c| *c == '-').count() == 4;
            if text.get(..36).is_some_and(is_id) {
                *text = format!("ID{}", &text[36..]);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// The document without what is only there or only here, or of the moment.
fn compared(mut document: Json) -> Json {
    let entries = entries_of(&mut document);
    for name in ["dofloat_version", "lineage", "serial", "stack", "diagnostics", "timestamp", "checks"] {
        entries.remove(name);
    }
    // Outputs that are known without any resource are part of what was there.
    if document.pointer("/prior_state/values/root_module/resources").is_none() {
        entries_of(&mut document).remove("prior_state");
    } else {
        // There it is only what led to what changes; here all that is referred to.
        entries_of(&mut document).remove("relevant_attributes");
    }
    // Instances are named here, and blocks there.
    if let Some(modules) = document.pointer_mut("/prior_state/values/root_module") {
        without_depends_on(modules);
    }
    // Of an output that was there before, the type is not told here.
    if let Some(outputs) = document.pointer_mut("/prior_state/values/outputs").and_then(Json::as_object_mut) {
        outputs.values_mut().filter_map(Json::as_object_mut).for_each(|output| drop(output.remove("type")));
    }
    comparable(&mut document);
    document
}

fn entries_of(document: &mut Json) -> &mut serde_json::Map<String, Json> {
    document.as_object_mut().expect("an object")
}

fn without_depends_on(module: &mut Json) {
    let all = |name: &str, module: &Json| module[name].as_array().cloned().unwrap_or_default();
    let mut resources = all("resources", module);
    resources.iter_mut().filter_map(Json::as_object_mut).for_each(|resource| drop(resource.remove("depends_on")));
    module["resources"] = resources.into();
    let mut children = all("child_modules", module);
    children.iter_mut().for_each(without_depends_on);
    module["child_modules"] = children.into();
}

#[test]
fn the_document_of_a_plan_is_terraforms() {
    let Some(terraform) = terraform() else { return };
    let stack = Stack::empty().env("DOFLOAT_CLOCK", "virtual");
    let put = |root: &str| {
        let files = [("main.tf", root.to_owned()), ("m/main.tf", MODULE.to_owned())];
        terraform.write(&files);
        files.iter().for_each(|(name, text)| stack.write(name, text));
    };
    put(ROOT);
    terraform.run(&["init", "-backend=false", "-input=false", "-no-color"]).expect("it begins");
    let check = |what: &str, more: &[&str]| {
        let theirs = compared(terraform.planned(more).expect("Terraform plans"));
        let ours = compared(ours(&stack, more).expect("a plan"));
        let diff = unified(what, &format!("{theirs:#}\n"), &format!("{ours:#}\n"));
        assert!(diff.is_empty(), "{diff}");
    };
    check("the first plan", &[]);
    terraform.run(&["apply", "-auto-approve", "-input=false", "-no-color"]).expect("Terraform applies");
    stack.run(&["apply", "--sim", "-auto-approve", "-allow-provisioners"]).ok();
    check("nothing to do", &[]);
    put(&ROOT.replace("\"x\", 1", "\"y\", 1"));
    check("replacements", &[]);
    put(&ROOT.replace("default     = 2", "default     = 1"));
    check("one less", &[]);
    check("all is to go", &["-destroy"]);
}

/// Tools that check policies find no rule that applies where a key is missing, and pass.
#[test]
fn the_document_has_every_key_that_readers_look_for() {
    let stack = Stack::with_plan("web", DROPLET);
    stack.run(&["plan", "web", "--sim", "-out=p"]).ok();
    let document = stack.run(&["show", "-json", "p"]).ok().json();
    let keys: BTreeSet<&str> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    for key in [
        "format_version",
        "terraform_version",
        "planned_values",
        "resource_changes",
        "configuration",
        "relevant_attributes",
        "variables",
        "timestamp",
        "applyable",
        "complete",
        "errored",
    ] {
        assert!(keys.contains(key), "{key} is missing");
    }
    let droplets = document["planned_values"]["root_module"]["resources"].as_array().expect("resources");
    let droplet = droplets.iter().find(|resource| resource["type"] == "digitalocean_droplet").expect("a droplet");
    assert_eq!(droplet["schema_version"], 0);
    assert_eq!(droplet["provider_name"], "registry.terraform.io/digitalocean/digitalocean");
    let values = droplet["values"].as_object().expect("values");
    assert_eq!(values.get("ssh_keys"), Some(&Json::Null), "what is not set is null");
    assert!(!values.contains_key("id"), "what is not known is left out");
}

#[test]
fn what_is_secret_in_the_files_is_in_no_document() {
    let stack = Stack::with_plan("web", DROPLET);
    stack.run(&["plan", "web", "--sim", "-out=p"]).ok();
    let document = stack.run(&["show", "-json", "p"]).ok().stdout;
    let saved = stack.read("p");
    for word in ["TOP-1", "TOP-3", "dop_v1_0123"] {
        assert!(!document.contains(word), "{word} is in the document");
        assert!(!saved.contains(word), "{word} is in the saved plan");
    }
    let document: Json = serde_json::from_str(&document).expect("JSON");
    let resources = document["configuration"]["root_module"]["resources"].as_array().expect("resources").clone();
    let droplet = resources.iter().find(|resource| resource["type"] == "digitalocean_droplet").expect("a droplet");
    assert_eq!(droplet["expressions"]["region"]["constant_value"], "nyc3", "what is no secret is shown: {droplet:#}");
    assert_eq!(droplet["expressions"]["user_data"], serde_json::json!({}));
}

/// A reader takes the first summary of an apply for what was done.
#[test]
fn an_apply_of_a_saved_plan_sums_up_once() {
    let stack = Stack::with_plan("web", DROPLET);
    stack.run(&["plan", "web", "--sim", "-out=p"]).ok();
    let lines = |outcome: &str| -> Vec<Json> { outcome.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect() };
    let applied = lines(&stack.run(&["apply", "--sim", "-json", "p"]).ok().stdout);
    let of = |kind: &str| applied.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    let summaries = of("change_summary");
    assert_eq!(summaries.len(), 1, "{applied:#?}");
    assert_eq!(summaries[0]["changes"]["operation"], "apply");
    assert_eq!(of("outputs").len(), 1);
    assert!(of("planned_change").is_empty());

    let again = lines(&stack.run(&["plan", "web", "--sim", "-json"]).ok().stdout);
    let of = |kind: &str| again.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of("refresh_start"), of("refresh_complete")), (1, 1), "{again:#?}");
    let version = &again[0];
    assert_eq!((version["type"].as_str(), version["ui"].as_str()), (Some("version"), Some("1.2")));
    assert!(version["terraform"].is_string());
    let stamp = version["@timestamp"].as_str().expect("a time");
    assert_eq!(stamp.len(), "2026-11-30T13:34:44.004327Z".len(), "{stamp}");
}
