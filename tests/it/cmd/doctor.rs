//! `doctor`: what it examines, what it says of each fault, and that it never shows a token.

use std::collections::BTreeMap;

use dofloat::sim::{Options, Scopes};
use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

const DROPLET: &str = "resource \"digitalocean_droplet\" \"web\" {\n  name = \"web\"\n  region = \"nyc3\"\n  image = \"ubuntu-24-04-x64\"\n  size = \"s-1vcpu-1gb\"\n}\n";

/// How each check ended, by its name.
fn checks(outcome: &Outcome) -> BTreeMap<String, (String, String)> {
    let document = outcome.json();
    let all = document["checks"].as_array().expect("a list").iter();
    let text = |check: &Value, name: &str| check[name].as_str().expect("a text").to_owned();
    all.map(|check| (text(check, "name"), (text(check, "status"), text(check, "message")))).collect()
}

fn open(options: Options) -> (Cloud, Stack) {
    let cloud = Cloud::start(options);
    let stack = cloud.serve(Stack::with_plan("one", DROPLET));
    (cloud, stack)
}

#[test]
fn all_is_well_where_a_token_may_do_what_the_stack_needs() {
    let (cloud, stack) = open(Options::default());
    let outcome = stack.run(&["doctor", "one", "-json"]).ok();
    let found = checks(&outcome);
    for name in ["stack", "token", "API", "account", "clock", "scopes"] {
        assert_eq!(found[name].0, "ok", "{name}: {found:?}");
    }
    assert_eq!(found["token"].1, "from DIGITALOCEAN_TOKEN");
    assert_eq!(found["state"].0, "note", "{found:?}");
    assert!(cloud.show("droplets").is_empty() && !stack.exists("state/one.json"), "it changes nothing");
    stack.run(&["apply", "one", "-auto-approve"]).ok();
    stack.run(&["doctor"]).ok().mentions("serial 1, 1 resource").mentions("No problems found.");
    assert!(!outcome.stdout.contains(Cloud::TOKEN));
}

#[test]
fn a_scope_that_the_token_lacks_is_named() {
    let tokens = BTreeMap::from([(Cloud::TOKEN.to_owned(), Scopes::parse("account:read,droplet:read,tag:read,vpc:read,regions:read"))]);
    let (_cloud, stack) = open(Options { tokens, ..Options::default() });
    let found = checks(&stack.run(&["doctor", "-json"]).exits(1));
    let (status, message) = &found["scopes"];
    assert_eq!(status, "failed", "{found:?}");
    assert!(message.starts_with("the token lacks image:read, tag:create; "), "{message}");
    // Whether a droplet may be created is told by creating one alone.
    assert!(message.ends_with("; droplet:create cannot be checked without creating something"), "{message}");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let (_cloud, stack) = open(Options::default());
    stack.run_env(&[("DIGITALOCEAN_TOKEN", "not-a-token-of-anybody\u{7f}")], &["doctor"]).exits(1).mentions("failed");
    let set = stack.run_env(&[("DOFLOAT_CLOCK_SET", "7200@0")], &["doctor", "-json"]).ok();
    let (status, message) = &checks(&set)["clock"];
    assert_eq!(status, "warning", "{message}");
    assert!(message.ends_with("s ahead of the API's"), "{message}");
    // Neither token nor stack: both are said, and what can be examined is.
    let found = checks(&Stack::empty().run(&["doctor", "-json"]).exits(1));
    assert_eq!((found["token and API"].0.as_str(), found["stack"].0.as_str()), ("failed", "note"));
    assert!(found["token and API"].1.contains("There is no token"), "{found:?}");
    let named = Stack::empty().env("DOFLOAT_AGE_IDENTITY", "nowhere.txt");
    assert_eq!(checks(&named.run(&["doctor", "-json"]).exits(1))["age identity"].0, "failed");
    stack.run(&["doctor", "nothing"]).exits(1).mentions("nothing");
}

#[test]
fn a_simulated_account_is_examined_too() {
    let stack = Stack::with_plan("one", DROPLET);
    stack.run(&["doctor", "--sim"]).ok().mentions("from the simulator").mentions("No problems found.");
    stack.write("plans/one.tf", &DROPLET.replace("region", "regionn"));
    stack.run(&["doctor", "--sim"]).exits(1).mentions("configuration");
}
