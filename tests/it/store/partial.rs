//! A backend whose block leaves arguments out: `init -backend-config`, and what is told where nothing was given.

use crate::store::git::tag;
use crate::support::cloud::Cloud;
use crate::support::harness::Stack;
use crate::support::storage::Storage;
use dofloat::sim::Options;

const APPLY: [&str; 3] = ["apply", "web", "-auto-approve"];

/// A clone of a stack whose block says the kind alone, and the server's address.
fn clone(cloud: &Cloud, storage: &Storage) -> (Stack, String) {
    let stack = storage.admit(cloud.serve(Stack::empty())).env("DOFLOAT_TIME_LIMIT", "20000");
    std::fs::remove_dir(stack.path("state")).expect("it is empty");
    stack.write("plans/web.tf", &format!("terraform {{\n  backend \"s3\" {{}}\n}}\n{}", tag("a")));
    let server = storage.block().split('"').find(|word| word.starts_with("http://")).expect("it is there").to_owned();
    (stack, server)
}

#[test]
fn what_a_block_leaves_out_is_given_once_and_kept_for_what_follows() {
    let (cloud, storage) = (Cloud::start(Options::default()), Storage::start());
    let (stack, server) = clone(&cloud, &storage);
    let said = stack.run(&APPLY).exits(1).mentions("The backend \"s3\" needs the argument \"bucket\".");
    said.mentions("dofloat init -backend-config=bucket=").mentions("plans/web.tf:2");
    stack.write("backend.hcl", &format!("bucket   = \"states\"\nendpoint = \"{server}\"\n"));
    // What is wrong is told before anything is kept.
    stack.run(&["init", "web", "-backend-config=buckett=a"]).exits(1).mentions("no argument \"buckett\"");
    stack.run(&["init", "web", "-backend-config=none.hcl"]).exits(1).mentions("The file none.hcl of -backend-config cannot be read");
    let secret = stack.run(&["init", "web", "-backend-config=backend.hcl", "-backend-config=secret_key=hunter2hunter2"]).exits(1);
    secret.mentions("so it takes no secret: `secret_key`").mentions("SPACES_SECRET_ACCESS_KEY");
    assert!(!stack.exists(".dofloat/backend/web.json"));
    stack.run(&["init", "web", "-backend-config=backend.hcl", "-backend-config=key=some/place.json"]).ok();
    stack.run(&APPLY).ok().says("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.");
    assert!(!stack.exists("state/web.json"));
    assert!(storage.everything().iter().any(|(key, _)| key.contains("some/place.json")), "it is where it was said");
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok();
    stack.run(&["init", "web", "-backend-config=backend.hcl", "-backend-config=key=some/place.json"]).ok();
    // Another place is no slip of the hand.
    let other = ["init", "web", "-backend-config=backend.hcl", "-backend-config=key=other.json"];
    let said = stack.run(&other).exits(4).mentions("key was \"some/place.json\", is \"other.json\"");
    said.mentions("`-reconfigure` uses the new place").mentions("dofloat state push old.json");
    stack.run(&[&other[..], &["-migrate-state"]].concat()).exits(1).mentions("`init` moves no state.").mentions("dofloat state pull web");
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok();
    stack.replace("plans/web.tf", "backend \"s3\" {}", "backend \"s3\" {\n    bucket = \"states\"\n  }");
    stack.run(&["plan", "web"]).exits(1).mentions("The backend block has changed since `dofloat init -backend-config`");
    stack.run(&["init", "web", "-reconfigure"]).ok().mentions("are forgotten");
    stack.run(&["plan", "web"]).exits(1).mentions("needs the argument \"region\"").mentions("-backend-config=region=");
}

#[test]
fn a_simulated_account_needs_no_place_for_its_state() {
    for kind in ["s3", "azurerm", "gcs", "http", "remote", "consul", "pg"] {
        let stack = Stack::with_plan("web", &format!("terraform {{\n  backend \"{kind}\" {{}}\n}}\n{}", tag("a")));
        let told = stack.run(&["init", "web", "--sim", "-backend-config=bucket=b"]).ok();
        told.says("`-backend-config` has no effect with --sim");
        let said = stack.run(&["plan", "web", "--sim"]).ok().mentions(&format!("The backend \"{kind}\" is not used with --sim."));
        said.says("Plan: 1 to add, 0 to change, 0 to destroy.");
        let said = stack.run(&["show", "web"]);
        assert!(kind == "s3" || said.stderr.contains(&format!("There is no backend \"{kind}\".")), "{said}");
    }
    let stack = Stack::with_plan("web", &tag("a"));
    stack.run(&["init", "web", "-backend-config=bucket=b"]).exits(1).mentions("the files have no backend block");
}
