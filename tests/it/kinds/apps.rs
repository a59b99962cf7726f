//! Apps: each change is a deployment that is waited for, what is secret of one is nowhere, and what the API makes of it is no drift.

use dofloat::sim::{ClockMode, Options};

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const PLAN: &[&str] = &["plan", "a", "-detailed-exitcode"];
const APPLY: &[&str] = &["apply", "a", "-auto-approve"];

fn open(text: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options { clock: ClockMode::Explicit { looks: 1 }, ..Options::default() });
    let stack = cloud.serve(Stack::with_plan("a", text)).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

const SHOP: &str = r#"
resource "digitalocean_app" "shop" {
  spec {
    name   = "shop"
    region = "fra"
    service {
      name           = "web"
      build_command  = "make"
      instance_count = 1
      github {
        repo   = "example/shop"
        branch = "main"
      }
      env {
        key   = "KEY"
        value = "hidden77"
        type  = "SECRET"
      }
      env {
        key   = "MODE"
        value = "production"
      }
    }
  }
}
output "url" { value = digitalocean_app.shop.live_url }
output "domain" { value = digitalocean_app.shop.live_domain }
"#;

#[test]
fn an_app_is_deployed_changed_in_place_imported_and_deleted() {
    let (cloud, stack) = open(SHOP);
    stack.run(PLAN).exits(2).says("Plan: 1 to add, 0 to change, 0 to destroy.").mentions("(sensitive value)");
    stack.run(APPLY).ok();
    let url = stack.run(&["output", "a", "-raw", "url"]).ok().stdout.trim().to_owned();
    assert!(url.starts_with("https://shop-") && url.ends_with(".ondigitalocean.app"), "{url}");
    stack.run(PLAN).ok().says("No changes.");
    stack.replace("plans/a.tf", "instance_count = 1", "instance_count = 2");
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.").mentions("instance_count");
    stack.run(APPLY).ok();
    assert_eq!(cloud.show("apps")[0]["spec"]["services"][0]["instance_count"], 2);
    stack.run(PLAN).ok().says("No changes.");
    // Two of one name cannot be.
    stack.write("plans/a.tf", &format!("{SHOP}{}", SHOP.split("output").next().unwrap_or_default().replace("\"shop\" {", "\"other\" {")));
    stack.run(PLAN).exits(1).mentions("wants the name `shop` too");
    stack.write("plans/a.tf", &SHOP.replace("instance_count = 1", "instance_count = 2"));
    let id = stack.json("state/a.json")["resources"]["digitalocean_app.shop"]["id"].as_str().expect("an id").to_owned();
    stack.run(&["state", "rm", "a", "digitalocean_app.shop"]).ok();
    stack.run(&["import", "a", "digitalocean_app.shop", &id]).ok();
    // Nobody can tell whether the secret is the same: it is sent once more.
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
    stack.run(&["destroy", "a", "-auto-approve"]).ok();
    assert!(cloud.show("apps").is_empty());
}

#[test]
fn what_is_secret_of_an_app_is_nowhere_and_its_change_is_seen() {
    let (cloud, stack) = open(SHOP);
    let looked_through = |stack: &Stack, said: &str| {
        for file in ["state/a.json", "p"] {
            assert!(!stack.exists(file) || !stack.read(file).contains("hidden7"), "{file}");
        }
        assert!(!said.contains("hidden7"), "{said}");
    };
    let planned = stack.run(&["plan", "a", "-out=p"]).ok();
    looked_through(&stack, &planned.to_string());
    let applied = stack.run(&["apply", "p"]).ok();
    looked_through(&stack, &applied.to_string());
    looked_through(&stack, &stack.run(&["show", "a"]).ok().to_string());
    // The API shows it sealed, which is no drift, and what is beside it is as open as it was.
    assert!(cloud.show("apps")[0]["spec"]["services"][0]["envs"].to_string().contains("EV[1:"));
    assert!(stack.read("state/a.json").contains("example/shop") && !stack.read("state/a.json").contains("production"));
    stack.run(PLAN).ok().says("No changes.");
    let sealed = cloud.show("apps")[0]["spec"]["services"][0]["envs"].clone();
    stack.replace("plans/a.tf", "hidden77", "hidden78");
    let planned = stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    looked_through(&stack, &planned.to_string());
    let applied = stack.run(APPLY).ok();
    looked_through(&stack, &applied.to_string());
    assert_ne!(cloud.show("apps")[0]["spec"]["services"][0]["envs"], sealed);
    stack.run(PLAN).ok().says("No changes.");
    // From a variable that is sensitive it is one as well, and so is what is not typed as one.
    stack.write(
        "plans/a.tf",
        &format!("variable \"s\" {{\n  sensitive = true\n  default   = \"hidden79\"\n}}\n{}", SHOP.replace("\"production\"", "var.s")),
    );
    let applied = stack.run(APPLY).ok();
    looked_through(&stack, &applied.to_string());
    stack.run(PLAN).ok().says("No changes.");
}

#[test]
fn a_deployment_that_fails_is_told_with_its_reason() {
    let (_cloud, stack) = open(&SHOP.replace("\"make\"", "\"false\""));
    stack
        .run(APPLY)
        .exits(1)
        .mentions("failed: the step `build` failed: the build command exited with 1")
        .mentions("https://cloud.digitalocean.com/apps/");
    // What was never deployed is made anew once it can be.
    stack.replace("plans/a.tf", "\"false\"", "\"make\"");
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
    stack.replace("plans/a.tf", "\"make\"", "\"false\"");
    stack.run(APPLY).exits(1).mentions("the build command exited with 1");
}
