//! Buckets of Spaces, and what lies in them: their life, what is lost on the way, whose they are, and the key that opens them.
//!
//! Invariant: each request is read, and its signature checked, by the library of the simulator, which nobody here wrote.

use dofloat::sim::Options;
use serde_json::{Value, json};

use crate::support::answers;
use crate::support::cloud::Cloud;
use crate::support::harness::{Stack, say};

const APPLY: &[&str] = &["apply", "s", "-auto-approve"];
const PLAN: &[&str] = &["plan", "s", "-detailed-exitcode"];
const DESTROY: &[&str] = &["destroy", "s", "-auto-approve"];
const BUCKET: &str = r#"
resource "digitalocean_spaces_bucket" "b" {
  name   = "my-site"
  region = "nyc3"
  acl    = "public-read"
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["https://example.com"]
  }
  versioning {
    enabled = true
  }
  lifecycle_rule {
    enabled = true
    expiration {
      days = 30
    }
  }
}
resource "digitalocean_cdn" "c" {
  origin = digitalocean_spaces_bucket.b.bucket_domain_name
}
resource "digitalocean_project" "p" {
  name      = "site"
  resources = [digitalocean_spaces_bucket.b.urn]
}
output "b" {
  value = [digitalocean_spaces_bucket.b.id, digitalocean_spaces_bucket.b.endpoint, digitalocean_spaces_bucket.b.lifecycle_rule[0].id]
}
"#;
const PLAIN: &str = "resource \"digitalocean_spaces_bucket\" \"b\" {\n  name = \"my-site\"\n}\n";

/// A stack of this file, and the account that it is made in.
pub(super) fn open(text: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("s", text)).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

/// The bucket that the files here are about, as the account has it.
pub(super) fn space(cloud: &Cloud) -> Value {
    cloud.find("spaces", "name", "my-site")["space"].clone()
}

#[test]
fn a_bucket_lives_its_whole_life() {
    let (cloud, stack) = open(BUCKET);
    stack.run(&["validate", "s"]).ok();
    stack.run(PLAN).exits(2).mentions("origin = \"my-site.nyc3.digitaloceanspaces.com\"");
    stack.run(APPLY).ok().says("Apply complete! Resources: 3 added");
    stack.run(PLAN).ok().says("No changes.");
    let there = space(&cloud);
    assert_eq!((&there["acl"], &there["versioned"], &there["lifecycle"][0]["days"]), (&json!("public-read"), &json!(true), &json!(30)));
    let told = stack.run(&["output", "s", "-json", "b"]).ok().json();
    assert_eq!(told, json!(["my-site", "nyc3.digitaloceanspaces.com", "dofloat-lifecycle-1"]));
    // Somebody else makes it private, and lets objects live for ever.
    cloud.with_world(|world| {
        let nothing = json!({});
        assert_eq!(world.outside("PUT", "/spaces/nyc3/my-site?acl", None).0, 200);
        assert_eq!(world.outside("DELETE", "/spaces/nyc3/my-site?lifecycle", Some(&nothing)).0, 204);
    });
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    assert_eq!(space(&cloud), there);
    // What its file gave it is taken back with its lines; versions stay as they are.
    stack.write("plans/s.tf", PLAIN);
    stack.run(APPLY).ok().says("Apply complete! Resources: 0 added, 1 changed, 2 destroyed.");
    let there = space(&cloud);
    assert_eq!((&there["acl"], &there["versioned"]), (&json!("private"), &json!(true)));
    assert!(there.get("cors").is_none() && there.get("lifecycle").is_none(), "{there}");
    stack.run(PLAN).ok().says("No changes.");
    stack.run(&["state", "rm", "s", "digitalocean_spaces_bucket.b"]).ok();
    stack.run(PLAN).exits(1).mentions("There is a bucket `my-site` in nyc3 already").mentions("nyc3,my-site");
    stack.run(&["import", "s", "digitalocean_spaces_bucket.b", "nyc3,my-site"]).ok();
    stack.run(PLAN).ok().says("No changes.");
    stack.run(DESTROY).ok();
    assert!(cloud.is_fresh());
}

#[test]
fn what_lies_in_a_bucket_goes_with_it_only_if_that_is_said() {
    let (cloud, stack) = open(PLAIN);
    stack.run(APPLY).ok();
    cloud.with_world(|world| {
        for key in ["a", "b/c"] {
            assert_eq!(world.outside("PUT", &format!("/spaces/nyc3/my-site/{key}"), Some(&json!("x"))).0, 200);
        }
    });
    stack.run(DESTROY).exits(1).mentions("The bucket my-site is not empty: it has `a`").mentions("force_destroy = true");
    assert_eq!(cloud.summary()["spaces/objects"], 2);
    stack.replace("plans/s.tf", "\"my-site\"\n", "\"my-site\"\n  force_destroy = true\n");
    stack.run(APPLY).ok();
    stack.run(DESTROY).ok();
    assert!(cloud.is_fresh());
}

/// Whatever is lost on the way, there is one bucket in the end, as it is wanted.
#[test]
fn nothing_is_lost_and_nothing_is_made_twice() {
    let mut runs = 0;
    let faults = ["reset-before", "reset-after", "error-before=500", "error-after=500", "close-after", "truncate", "throttle"];
    let places = ["PUT /spaces/nyc3/my-site", "PUT /spaces/nyc3/my-site#2", "PUT /spaces/nyc3/my-site#4", "GET /spaces/nyc3/my-site#3"];
    for place in places {
        for fault in faults {
            let (cloud, stack) = open(BUCKET);
            cloud.set_faults(&[&format!("{place} {fault}")]);
            let first = stack.run(APPLY);
            if first.code == 4 {
                answers::give(&stack, &first);
            }
            if first.code != 0 {
                stack.run(APPLY).ok();
            }
            stack.run(PLAN).ok().says("No changes.");
            assert_eq!(cloud.summary()["spaces"], 1, "{place} {fault}");
            assert_eq!(space(&cloud)["lifecycle"][0]["days"], 30, "{place} {fault}");
            runs += 1;
        }
    }
    for point in ["request.before", "write.before", "write.answered", "answer.received"] {
        for nth in [1, 2, 3, 5] {
            let (cloud, stack) = open(BUCKET);
            let killed = stack.run_env(&[("DOFLOAT_CRASH", &format!("{point}@{nth}"))], APPLY);
            assert_ne!(killed.code, 0);
            cloud.settle_down();
            let (ended, _) = answers::run(&stack, APPLY);
            ended.ok();
            stack.run(PLAN).ok().says("No changes.");
            assert_eq!(cloud.summary()["spaces"], 1, "{point}@{nth}");
            runs += 1;
        }
    }
    // It cannot be seen at once.
    let (cloud, stack) = open(BUCKET);
    cloud.set_faults(&["PUT /spaces/nyc3/my-site late-get=3"]);
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
    say(&format!("buckets: {runs} runs with something lost"));
}

#[test]
fn the_bucket_of_another_account_is_never_taken() {
    let (cloud, stack) = open(PLAIN);
    cloud.with_world(|world| world.take_space("my-site", "nyc3"));
    stack.run(PLAN).exits(1).mentions("it is another account's").mentions("name = \"my-site\"");
    // It is taken between the plan and the create.
    let (cloud, stack) = open(PLAIN);
    cloud.meanwhile(1, |world| world.take_space("my-site", "nyc3"));
    stack.run(APPLY).exits(1).mentions("BucketAlreadyExists");
    assert_eq!(cloud.summary().get("spaces"), None);
    // And the answer is lost besides.
    let (cloud, stack) = open(PLAIN);
    cloud.meanwhile(1, |world| world.take_space("my-site", "nyc3"));
    cloud.set_faults(&["PUT /spaces/nyc3/my-site reset-after"]);
    stack.run(APPLY).exits(1);
    stack.run(PLAN).exits(1).mentions("it is another account's");
}

#[test]
fn a_key_is_missed_where_a_bucket_needs_one_and_nowhere_else() {
    let (cloud, stack) = open("resource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n");
    let stack = stack.without("SPACES_ACCESS_KEY_ID").without("SPACES_SECRET_ACCESS_KEY");
    stack.run(APPLY).ok();
    stack.write("plans/s.tf", PLAIN);
    stack.run(&["validate", "s"]).ok();
    stack
        .run(PLAN)
        .exits(1)
        .mentions("Spaces are opened by a key of their own, and there is none.")
        .mentions("plans/s.tf:1")
        .mentions("Set SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY.");
    let stack = stack.env("SPACES_ACCESS_KEY_ID", "DO00WRONG");
    stack.run(PLAN).exits(1).mentions("set SPACES_SECRET_ACCESS_KEY too");
    let stack = stack.env("SPACES_SECRET_ACCESS_KEY", "hunter2-hunter2");
    let refused = stack.run(PLAN).exits(1).mentions("InvalidAccessKeyId");
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
    // The provider's arguments go before the environment.
    let [id, secret] = dofloat::sim::SPACES_KEY;
    let provider = format!("provider \"digitalocean\" {{\n  spaces_access_id  = \"{id}\"\n  spaces_secret_key = \"{secret}\"\n}}\n");
    stack.write("plans/s.tf", &format!("{provider}{PLAIN}"));
    let mut said = stack.run_env(&[("DOFLOAT_LOG", "trace")], APPLY).ok().to_string();
    said.push_str(&stack.run(DESTROY).ok().to_string());
    assert!(!said.contains(secret), "{said}");
    for (place, bytes) in stack.files() {
        assert!(place == "plans/s.tf" || !String::from_utf8_lossy(&bytes).contains(secret), "{place}");
    }
    assert_eq!(cloud.summary().get("spaces"), None);
}

#[test]
fn a_simulated_account_needs_no_key() {
    let stack = Stack::with_plan("s", BUCKET);
    stack.run(&["apply", "s", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 3 added");
    stack.run(&["plan", "s", "--sim", "-detailed-exitcode"]).ok();
    stack.run(&["destroy", "s", "--sim", "-auto-approve"]).ok();
}

#[test]
fn a_key_of_the_stack_opens_what_it_grants() {
    let text = format!(
        "{PLAIN}resource \"digitalocean_spaces_key\" \"k\" {{\n  name = \"k\"\n  grant {{\n    bucket     = digitalocean_spaces_bucket.b.name\n    permission = \"read\"\n  }}\n}}\noutput \"id\" {{\n  value = digitalocean_spaces_key.k.access_key\n}}\noutput \"secret\" {{\n  value     = digitalocean_spaces_key.k.secret_key\n  sensitive = true\n}}\n"
    );
    let (_cloud, stack) = open(&text);
    stack.run(APPLY).ok();
    let output = |name: &str| stack.run(&["output", "s", "-raw", name]).ok().stdout.trim().to_owned();
    let own = [("SPACES_ACCESS_KEY_ID", output("id")), ("SPACES_SECRET_ACCESS_KEY", output("secret"))];
    let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    stack.run_env(&own, PLAN).ok().says("No changes.");
    stack.replace("plans/s.tf", "\"my-site\"\n", "\"my-site\"\n  acl = \"public-read\"\n");
    stack.run_env(&own, APPLY).exits(1).mentions("AccessDenied").mentions("SPACES_ACCESS_KEY_ID");
    stack.run(APPLY).ok();
}

#[test]
fn bad_names_and_regions_are_told_before_anything_is_asked() {
    let (cloud, stack) = open("resource \"digitalocean_spaces_bucket\" \"b\" {\n  name   = \"My_Site\"\n  region = \"nyc9\"\n}\n");
    stack.run(&["validate", "s"]).exits(1).mentions("`nyc9` is not valid").mentions("It is one of ams3");
    stack.replace("plans/s.tf", "nyc9", "nyc3");
    stack.run(PLAN).exits(1).mentions("`My_Site` is not valid").mentions("lowercase letters");
    assert!(cloud.log().iter().all(|of| !of.path.starts_with("/spaces/")));
}
