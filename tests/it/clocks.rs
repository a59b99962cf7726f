//! Clocks that lie: a machine that is ahead or behind, and one whose clock is set while it works.
//!
//! Invariant: what is waited for is counted by the monotonic clock of the process that waits; no stamp of another machine
//! decides anything.

use std::fs;

use dofloat::sim::{ClockMode, Options};
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;
use crate::support::running::Run;

const PLAN: &str = r#"
resource "digitalocean_droplet" "web" {
  name   = "web"
  region = "nyc3"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
}
"#;
const APPLY: [&str; 3] = ["apply", "web", "-auto-approve"];

/// So many times as fast as the system's clock: the second look comes after two seconds, the third after six, which is a second
/// later for us.
const TIMES: u32 = 4;

/// Moves the stamps of the interrupted run, and gives the mark of what it was about to make.
fn stamped(stack: &Stack, millis: i64) -> String {
    let (path, mut mark) = (stack.path("state/web.journal"), String::new());
    let text = fs::read_to_string(&path).expect("a run was interrupted");
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("each line is JSON");
        if let Some(begin) = line["entry"].get_mut("begin") {
            begin["at"] = json!(begin["at"].as_i64().expect("a stamp") + millis);
            mark = begin["mark"].as_str().expect("a droplet is marked").to_owned();
        }
        format!("{line}\n")
    });
    let text: String = lines.collect();
    stack.write("state/web.journal", &text);
    mark
}

#[test]
fn a_lost_droplet_is_looked_for_as_long_whatever_the_clocks_say() {
    // The first machine 90 s and an hour behind this one, and an hour ahead.
    for seconds in [-90, -3600, 3600] {
        let cloud = Cloud::start(Options::default());
        let stack = cloud.serve(Stack::with_plan("web", PLAN)).env("DOFLOAT_CLOCK", &TIMES.to_string());
        stack.run_env(&[("DOFLOAT_CRASH", "call.before@1")], &APPLY);
        let mark = stamped(&stack, seconds * 1000);
        let mut again = Run::start(&stack, &APPLY);
        // Lists lack it for more than two seconds.
        again.until("a second look", |_| cloud.log().iter().filter(|exchange| exchange.query.contains("name=web")).count() >= 2);
        let body = json!({ "name": "web", "region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb", "tags": [mark] });
        cloud.outside("POST", "/v2/droplets", &body);
        again.end().ok().mentions("was created by an interrupted run");
        assert_eq!(cloud.show("droplets").len(), 1, "{seconds} s");
        assert!(!stack.run(&["plan", "web", "-detailed-exitcode"]).ok().stdout.contains("carries this stack's mark"));
    }
}

#[test]
fn a_clock_that_is_set_all_the_time_ends_no_wait() {
    let cloud = Cloud::start(Options { clock: ClockMode::Explicit { looks: 4 }, ..Options::default() });
    let stack = cloud.stack().env("TF_VAR_failover_token", "token-of-the-nodes").env("DOFLOAT_CLOCK", "leaping");
    stack.run(&["apply", "ha", "-auto-approve"]).ok();
    stack.run(&["destroy", "ha", "-auto-approve"]).ok();
    assert!(cloud.is_fresh(), "{:?}", cloud.summary());
}
