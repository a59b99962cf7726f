//! Spaces: keys whose secret is told once.

use dofloat::sim::Options;

use crate::support::answers;
use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const APPLY: &[&str] = &["apply", "s", "-auto-approve"];
const PLAN: &[&str] = &["plan", "s", "-detailed-exitcode"];
const KEY: &str = r#"
resource "digitalocean_spaces_key" "k" {
  name = "uploads"
  grant {
    bucket     = "a"
    permission = "read"
  }
}
output "id" {
  value = digitalocean_spaces_key.k.access_key
}
output "secret" {
  value     = digitalocean_spaces_key.k.secret_key
  sensitive = true
}
"#;

fn open(text: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("s", text)).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

fn output(stack: &Stack, name: &str) -> String {
    stack.run(&["output", "s", "-raw", name]).ok().stdout.trim().to_owned()
}

#[test]
fn a_key_is_told_once_kept_encrypted_and_stands_nowhere_else() {
    let (cloud, stack) = open(KEY);
    stack.run(&["plan", "s", "-out=p"]).ok();
    let mut said = stack.run(&["apply", "p"]).ok().to_string();
    let secret = output(&stack, "secret");
    assert_eq!(secret.len(), 43);
    for command in [PLAN, &["plan", "s", "-detailed-exitcode", "-refresh=false"], APPLY, &["refresh", "s"], &["show", "s", "-json"]] {
        let ended = stack.run(command).ok();
        said.push_str(&ended.to_string());
        assert_eq!(output(&stack, "secret"), secret);
    }
    stack.replace("plans/s.tf", "\"read\"", "\"readwrite\"");
    said.push_str(&stack.run(APPLY).ok().says("Apply complete! Resources: 0 added, 1 changed").to_string());
    assert_eq!(output(&stack, "secret"), secret, "another grant leaves the secret as it was");
    assert!(!said.contains(&secret), "{said}");
    for (place, bytes) in stack.files() {
        assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "{place}");
    }
    assert!(!cloud.world().to_string().contains(&secret));
    stack.replace("plans/s.tf", "\"a\"", "\"\"");
    stack.replace("plans/s.tf", "\"readwrite\"", "\"fullaccess\"");
    stack.run(PLAN).exits(1).mentions("A key with full access stays one").mentions("-replace='digitalocean_spaces_key.k'");
    stack.run(&["apply", "s", "-auto-approve", "-replace=digitalocean_spaces_key.k"]).ok();
    assert_ne!(output(&stack, "secret"), secret);
    stack.run(&["destroy", "s", "-auto-approve"]).ok();
    assert!(!stack.exists("state/s.secrets.age"), "what is gone has no secret");
}

#[test]
fn a_key_whose_secret_was_lost_is_made_anew() {
    for crash in [None, Some("write.answered@1")] {
        let (cloud, stack) = open(KEY);
        let first = match crash {
            None => {
                cloud.set_faults(&["POST /v2/spaces/keys reset-after"]);
                stack.run(APPLY)
            }
            Some(point) => stack.run_env(&[("DOFLOAT_CRASH", point)], APPLY),
        };
        assert_ne!(first.code, 0, "{first}");
        cloud.settle_down();
        let lost = cloud.show("spaces/keys")[0]["access_key"].clone();
        let asked = if first.code == 4 { first } else { stack.run(APPLY).exits(4) };
        answers::give(&stack, &asked);
        stack.run(PLAN).exits(2).says("Plan: 1 to add, 0 to change, 1 to destroy.");
        stack.run(APPLY).ok();
        let keys = cloud.show("spaces/keys");
        assert!(keys.len() == 1 && keys[0]["access_key"] != lost, "{keys:?}");
        assert_eq!(output(&stack, "id"), keys[0]["access_key"].as_str().expect("a text"));
        assert_eq!(output(&stack, "secret").len(), 43);
        stack.run(PLAN).ok().says("No changes.");
    }
}
