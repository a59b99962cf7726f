//! What lies in buckets of Spaces and what is set of them by resources of their own, and what can be looked up.

use serde_json::json;

use super::buckets::{open, space};
use crate::support::harness::{Stack, say};

const APPLY: &[&str] = &["apply", "s", "-auto-approve"];
const PLAN: &[&str] = &["plan", "s", "-detailed-exitcode"];
const DESTROY: &[&str] = &["destroy", "s", "-auto-approve"];
const SITE: &str = r#"
resource "digitalocean_spaces_bucket" "b" {
  name   = "my-site"
  region = "fra1"
}
resource "digitalocean_spaces_bucket_cors_configuration" "c" {
  region = digitalocean_spaces_bucket.b.region
  bucket = digitalocean_spaces_bucket.b.id
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
}
resource "digitalocean_spaces_bucket" "logs" {
  name   = "my-logs"
  region = "fra1"
}
resource "digitalocean_spaces_bucket_logging" "l" {
  region        = digitalocean_spaces_bucket.b.region
  bucket        = digitalocean_spaces_bucket.b.name
  target_bucket = digitalocean_spaces_bucket.logs.id
  target_prefix = "site/"
}
resource "digitalocean_spaces_bucket_policy" "p" {
  region = digitalocean_spaces_bucket.b.region
  bucket = digitalocean_spaces_bucket.b.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "arn:aws:s3:::my-site/*" }]
  })
}
resource "digitalocean_spaces_bucket_object" "o" {
  region       = digitalocean_spaces_bucket.b.region
  bucket       = digitalocean_spaces_bucket.b.name
  key          = "/docs//index.html"
  content      = "hello"
  content_type = "text/html"
  acl          = "public-read"
  metadata     = { made-by = "dofloat" }
}
"#;

#[test]
fn a_site_is_made_changed_brought_back_and_taken_down() {
    let (cloud, stack) = open(SITE);
    stack.run(APPLY).ok().says("Apply complete! Resources: 6 added");
    stack.run(PLAN).ok().says("No changes.");
    let there = space(&cloud);
    let version = &there["objects"]["docs/index.html"][0];
    assert_eq!((&version["content"], &version["acl"]), (&json!("aGVsbG8="), &json!("public-read")));
    assert_eq!((&version["metadata"], &version["headers"]["content-type"]), (&json!({"made-by": "dofloat"}), &json!("text/html")));
    assert_eq!(there["cors"][0]["methods"], json!(["GET"]));
    // Somebody else takes all of it away but the bucket.
    cloud.with_world(|world| {
        for target in ["my-site?policy", "my-site?cors", "my-site/docs/index.html"] {
            assert_eq!(world.outside("DELETE", &format!("/spaces/fra1/{target}"), None).0, 204, "{target}");
        }
        assert_eq!(world.outside("PUT", "/spaces/fra1/my-site?logging", Some(&json!("<BucketLoggingStatus/>"))).0, 200);
    });
    assert_eq!(space(&cloud).get("log"), None);
    stack.run(PLAN).exits(2).says("Plan: 4 to add, 0 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    assert_eq!((&space(&cloud)["policy"], &space(&cloud)["log"]), (&there["policy"], &json!(["my-logs", "site/"])));
    stack.replace("plans/s.tf", "\"hello\"", "\"bye\"");
    stack.replace("plans/s.tf", "[\"GET\"]", "[\"GET\", \"HEAD\"]");
    stack.replace("plans/s.tf", "\"Allow\"", "\"Deny\"");
    stack.replace("plans/s.tf", "\"site/\"", "\"web/\"");
    stack.run(APPLY).ok().says("Apply complete! Resources: 0 added, 4 changed, 0 destroyed.");
    stack.run(PLAN).ok().says("No changes.");
    assert_eq!(space(&cloud)["objects"]["docs/index.html"][0]["content"], "Ynll");
    for address in ["spaces_bucket_policy.p", "spaces_bucket_cors_configuration.c", "spaces_bucket_logging.l"] {
        let address = format!("digitalocean_{address}");
        stack.run(&["state", "rm", "s", &address]).ok();
        stack.run(&["import", "s", &address, "fra1,my-site"]).ok();
    }
    stack.run(PLAN).ok().says("No changes.");
    stack.run(DESTROY).ok();
    assert!(cloud.is_fresh());
}

#[test]
fn what_is_there_and_says_something_else_is_not_overwritten() {
    let (cloud, stack) = open(SITE);
    cloud.with_world(|world| {
        for (target, body) in [("my-site", None), ("my-site/docs/index.html", Some(json!("theirs")))] {
            assert_eq!(world.outside("PUT", &format!("/spaces/fra1/{target}"), body.as_ref()).0, 200);
        }
        assert_eq!(world.outside("PUT", "/spaces/fra1/my-site?policy", Some(&json!({ "Statement": [] }))).0 / 100, 2);
    });
    stack.run(&["import", "s", "digitalocean_spaces_bucket.b", "fra1,my-site"]).ok();
    stack
        .run(PLAN)
        .exits(1)
        .mentions("There is an object `/docs//index.html` in the bucket my-site already, which holds something else.")
        .mentions("The bucket `my-site` has another policy already.")
        .mentions("dofloat import 'digitalocean_spaces_bucket_policy.p' fra1,my-site");
}

#[test]
fn accesses_are_logged_in_a_bucket_of_the_region_only() {
    let (cloud, stack) = open(SITE);
    stack.replace("plans/s.tf", "  name   = \"my-logs\"\n  region = \"fra1\"", "  name   = \"my-logs\"\n  region = \"nyc3\"");
    stack.run(APPLY).exits(1).mentions("The target bucket for logging does not exist");
    assert_eq!(space(&cloud).get("log"), None);
    // Another log is not overwritten.
    let (cloud, stack) = open(SITE);
    stack.run(APPLY).ok();
    stack.run(&["state", "rm", "s", "digitalocean_spaces_bucket_logging.l"]).ok();
    stack.replace("plans/s.tf", "\"site/\"", "\"web/\"");
    stack.run(PLAN).exits(1).mentions("The bucket `my-site` has another logging already.");
    assert_eq!(space(&cloud)["log"], json!(["my-logs", "site/"]));
}

#[test]
fn a_file_is_sent_again_where_its_digest_says_so_and_all_its_versions_go() {
    let text = r#"
resource "digitalocean_spaces_bucket" "b" {
  name = "my-site"
  versioning {
    enabled = true
  }
}
resource "digitalocean_spaces_bucket_object" "o" {
  region = "nyc3"
  bucket = digitalocean_spaces_bucket.b.name
  key    = "a.bin"
  source = "a.bin"
  etag   = filemd5("a.bin")
}
output "version" {
  value = digitalocean_spaces_bucket_object.o.version_id
}
"#;
    let (cloud, stack) = open(text);
    stack.run(PLAN).exits(1);
    stack.write("plans/a.bin", "one");
    stack.write("a.bin", "one");
    stack.run(APPLY).ok();
    let version = |stack: &Stack| stack.run(&["output", "s", "-raw", "version"]).ok().stdout.trim().to_owned();
    let first = version(&stack);
    stack.run(PLAN).ok().says("No changes.");
    stack.write("plans/a.bin", "two");
    stack.write("a.bin", "two");
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    assert_ne!(version(&stack), first);
    stack.run(PLAN).ok().says("No changes.");
    assert_eq!(space(&cloud)["objects"]["a.bin"].as_array().map(Vec::len), Some(2));
    stack.run(DESTROY).ok();
    assert!(cloud.is_fresh());
}

#[test]
fn nothing_is_lost_on_the_way() {
    let mut runs = 0;
    for part in ["my-site/docs/index.html", "my-site"] {
        for fault in ["reset-before", "reset-after", "error-before=500", "error-after=500", "truncate"] {
            for nth in [1, 2, 3] {
                let (cloud, stack) = open(SITE);
                cloud.set_faults(&[&format!("PUT /spaces/fra1/{part}#{nth} {fault}")]);
                let first = stack.run(APPLY);
                if first.code == 4 {
                    crate::support::answers::give(&stack, &first);
                }
                if first.code != 0 {
                    stack.run(APPLY).ok();
                }
                stack.run(PLAN).ok().says("No changes.");
                assert_eq!(cloud.summary()["spaces/objects"], 1, "{part} {fault} {nth}");
                runs += 1;
            }
        }
    }
    for nth in 1..=7 {
        let (cloud, stack) = open(SITE);
        stack.run_env(&[("DOFLOAT_CRASH", &format!("write.answered@{nth}"))], APPLY);
        cloud.settle_down();
        crate::support::answers::run(&stack, APPLY).0.ok();
        stack.run(PLAN).ok().says("No changes.");
        runs += 1;
    }
    say(&format!("objects: {runs} runs with something lost"));
}

#[test]
fn buckets_and_objects_are_looked_up() {
    let text = r#"
data "digitalocean_spaces_bucket" "b" {
  name   = "my-site"
  region = "fra1"
}
data "digitalocean_spaces_buckets" "all" {
  sort {
    key       = "name"
    direction = "desc"
  }
}
data "digitalocean_spaces_bucket_object" "o" {
  bucket = data.digitalocean_spaces_bucket.b.name
  region = data.digitalocean_spaces_bucket.b.region
  key    = "docs/index.html"
}
data "digitalocean_spaces_bucket_objects" "docs" {
  bucket = "my-site"
  region = "fra1"
  prefix = "docs/"
}
output "all" {
  value = [
    data.digitalocean_spaces_bucket.b.bucket_domain_name,
    data.digitalocean_spaces_buckets.all.buckets[*].name,
    data.digitalocean_spaces_bucket_object.o.body,
    data.digitalocean_spaces_bucket_object.o.content_length,
    data.digitalocean_spaces_bucket_objects.docs.keys,
  ]
}
"#;
    let (cloud, stack) = open(SITE);
    stack.run(APPLY).ok();
    cloud.with_world(|world| assert_eq!(world.outside("PUT", "/spaces/nyc3/another", None).0, 200));
    stack.write("plans/d.tf", text);
    stack.run(&["apply", "d", "-auto-approve"]).ok();
    let expected = json!(["my-site.fra1.digitaloceanspaces.com", ["my-site", "my-logs", "another"], "hello", 5, ["docs/index.html"]]);
    assert_eq!(stack.run(&["output", "d", "-json", "all"]).ok().json(), expected);
    stack.replace("plans/d.tf", "name   = \"my-site\"", "name   = \"no-site\"");
    stack.run(&["plan", "d"]).exits(1).mentions("There is no bucket `no-site`.");
    let alone = "data \"digitalocean_spaces_bucket\" \"b\" {\n  name   = \"assets\"\n  region = \"nyc3\"\n}\noutput \"o\" {\n  value = data.digitalocean_spaces_bucket.b.endpoint\n}\n";
    let stack = Stack::with_plan("s", alone);
    stack
        .run(&["plan", "s", "--sim"])
        .ok()
        .mentions("The simulated account had no bucket `assets`")
        .mentions("nyc3.digitaloceanspaces.com");
}
