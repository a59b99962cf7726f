//! Who can open the secrets: the program's own keys, a team's, and the tool `age` as the judge.
//!
//! Invariant: the judge is `age` itself; where it is not installed the tests say that they were skipped, and fail under `CI`.

use crate::support::cloud::Cloud;
use crate::support::git::git;
use crate::support::harness::{Stack, installed};
use dofloat::sim::Options;

const PLAN: &str = r#"
variable "password" {
  type      = string
  sensitive = true
}

resource "digitalocean_tag" "a" {
  name = "a"
}

output "password" {
  value     = var.password
  sensitive = true
}
"#;

const SECRETS: &str = "state/web.secrets.age";
const IDENTITY: &str = "home/.config/dofloat/identity.txt";

struct Team {
    cloud: Cloud,
    stack: Stack,
}

/// A repository with an applied stack that has a secret.
fn team() -> Option<Team> {
    if !installed("age") || !installed("ssh-keygen") {
        return None;
    }
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", PLAN)).env("DOFLOAT_VAR_password", "correct-horse-1");
    stack.write(".gitignore", ".dofloat/\nhome/\nkeys/\n");
    git(&stack, &["init", "-q"]).ok();
    let team = Team { cloud, stack };
    team.apply();
    Some(team)
}

impl Team {
    fn apply(&self) {
        self.stack.run(&["apply", "-auto-approve"]).ok();
        self.commit();
    }

    fn commit(&self) {
        git(&self.stack, &["add", "-A"]).ok();
        git(&self.stack, &["commit", "-qm", "applied"]).ok();
    }

    /// A new key: the private one's file, and the public one.
    fn key(&self, name: &str) -> (String, String) {
        let file = format!("keys/{name}.txt");
        self.stack.write("keys/.made", "");
        let made = self.stack.command("age-keygen").args(["-o", &file]).status().expect("age-keygen starts");
        assert!(made.success());
        let public = self.stack.read(&file).lines().find_map(|line| line.strip_prefix("# public key: ")).map(str::to_owned);
        (file, public.expect("age-keygen says it"))
    }

    fn ssh_key(&self, name: &str, kind: &str) -> String {
        let file = format!("keys/{name}");
        self.stack.write("keys/.made", "");
        let args = ["-q", "-t", kind, "-N", "", "-C", name, "-f", &file];
        assert!(self.stack.command("ssh-keygen").args(args).status().expect("ssh-keygen starts").success());
        file
    }

    /// What `age` makes of the file with this identity.
    fn opened(&self, identity: &str) -> Option<String> {
        let output = self.stack.command("age").args(["-d", "-i", identity, SECRETS]).output().expect("age starts");
        output.status.success().then(|| String::from_utf8(output.stdout).expect("it is text"))
    }

    #[track_caller]
    fn shows(&self, identity: &str, password: &str) {
        let opened = self.opened(identity).unwrap_or_else(|| panic!("{identity} opens it"));
        assert!(opened.contains(password), "{identity}: {opened}");
    }
}

#[test]
fn recipients_come_and_go() {
    let Some(team) = team() else { return };
    let stack = &team.stack;
    team.shows(IDENTITY, "correct-horse-1");
    let ((bob, bob_key), (eve, eve_key)) = (team.key("bob"), team.key("eve"));
    let (carol, dave) = (team.ssh_key("carol", "ed25519"), team.ssh_key("dave", "rsa"));
    assert!(team.opened(&bob).is_none());
    let list = stack.run(&["state", "recipients", "add", &bob_key, &eve_key, &format!("{carol}.pub"), &format!("{dave}.pub")]).ok();
    let list = list.says("The secrets of web were encrypted again.").stdout;
    assert!(list.contains("  (you)") && list.contains("  carol"), "{list}");
    for identity in [IDENTITY, &bob, &eve, &carol, &dave] {
        team.shows(identity, "correct-horse-1");
    }
    team.commit();
    // Each of them works with the program too.
    for identity in [&bob, &carol, &dave] {
        let answer = stack.run_env(&[("DOFLOAT_AGE_IDENTITY", identity)], &["output", "-raw", "password"]).ok();
        assert_eq!(answer.stdout, "correct-horse-1");
    }
    stack.run(&["state", "recipients", "remove", &eve_key, "dave"]).ok().mentions("which git keeps");
    let before = stack.read(SECRETS);
    team.commit();
    let team = Team { stack: team.stack.env("DOFLOAT_VAR_password", "correct-horse-2"), cloud: team.cloud };
    team.apply();
    assert_ne!(team.stack.read(SECRETS), before);
    for identity in [IDENTITY, &bob, &carol] {
        team.shows(identity, "correct-horse-2");
    }
    assert!(team.opened(&eve).is_none() && team.opened(&dave).is_none(), "who was removed cannot open it");
    let again = team.stack.read(SECRETS);
    team.stack.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(team.stack.read(SECRETS), again, "nothing changed");
    // Everything that was ever committed.
    let everything = git(&team.stack, &["log", "-p", "--all", "--text"]).ok().stdout;
    assert!(everything.contains("BEGIN AGE ENCRYPTED FILE"));
    for secret in ["correct-horse", "AGE-SECRET-KEY", "OPENSSH PRIVATE", Cloud::TOKEN] {
        assert!(!everything.contains(secret), "{secret} was committed");
    }
    assert_eq!(team.cloud.show("tags").len(), 1);
}

#[test]
fn nobody_locks_himself_out() {
    let Some(team) = team() else { return };
    let stack = &team.stack;
    let own = stack.run(&["state", "recipients"]).ok().stdout;
    let own = own.lines().find(|line| line.ends_with("(you)")).and_then(|line| line.split(' ').next()).expect("the own key").to_owned();
    let (_, bob_key) = team.key("bob");
    stack.run(&["state", "recipients", "remove", &own]).exits(1).mentions("You could no longer decrypt the secrets");
    stack.run(&["state", "recipients", "remove", &bob_key]).exits(1).mentions("is not a recipient");
    stack.run(&["state", "recipients", "add", "AGE-SECRET-KEY-1"]).exits(1).mentions("Recipient number 1 is a secret key.");
    stack
        .run_env(&[("DOFLOAT_AGE_RECIPIENTS", &bob_key)], &["state", "recipients", "add", &bob_key])
        .exits(1)
        .mentions("DOFLOAT_AGE_RECIPIENTS");
    assert!(!stack.exists("state/recipients.txt"));
    stack.run(&["state", "recipients", "add", &bob_key]).ok();
    stack.run(&["state", "recipients", "remove", &own]).exits(1).mentions("You could no longer decrypt");
    stack.run(&["state", "recipients", "list"]).ok().mentions(&own).mentions(&bob_key).mentions("state/recipients.txt");
}

#[test]
fn a_new_key_replaces_the_old_one() {
    let Some(team) = team() else { return };
    let (stack, (bob, bob_key)) = (&team.stack, team.key("bob"));
    stack.run(&["state", "recipients", "add", &bob_key]).ok();
    stack.write("keys/old.txt", &stack.read(IDENTITY));
    stack.run(&["state", "recipients", "rotate"]).ok().mentions("has a new key").says("The secrets of web were encrypted again.");
    assert!(team.opened("keys/old.txt").is_none(), "the old key opens it no more");
    team.shows(IDENTITY, "correct-horse-1");
    team.shows(&bob, "correct-horse-1");
    assert_eq!(stack.run(&["output", "-raw", "password"]).ok().stdout, "correct-horse-1");
    assert_eq!(stack.read(IDENTITY).matches("AGE-SECRET-KEY-1").count(), 2, "the old key still opens what is in git");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(stack.path(IDENTITY)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_lost_identity_is_told_before_anything_is_made_and_there_is_a_way_on() {
    let Some(team) = team() else { return };
    let stack = &team.stack;
    std::fs::remove_file(stack.path(IDENTITY)).expect("the folder is ours");
    stack.replace("plans/web.tf", "name = \"a\"", "name = \"b\"");
    team.cloud.forget_log();
    stack
        .run(&["apply", "-auto-approve"])
        .exits(1)
        .mentions("there is no identity at")
        .mentions("move the file away and run `dofloat apply`");
    assert_eq!(team.cloud.requests().0, 0, "nothing was made");
    stack.run(&["output", "password"]).exits(1).mentions("there is no identity at");
    let moved = stack.command("mv").args([SECRETS, "keys-lost.age"]).status().expect("mv starts");
    assert!(moved.success());
    stack.run(&["apply", "-auto-approve"]).ok();
    team.shows(IDENTITY, "correct-horse-1");
    // Taking everything down needs no key.
    std::fs::remove_file(stack.path(IDENTITY)).expect("the folder is ours");
    stack.run(&["destroy", "-auto-approve"]).ok();
    assert!(team.cloud.is_fresh());
}

#[test]
fn a_key_behind_a_passphrase_is_explained() {
    let Some(team) = team() else { return };
    team.stack.write("keys/.made", "");
    let args = ["-q", "-t", "ed25519", "-N", "hush", "-f", "keys/locked"];
    assert!(team.stack.command("ssh-keygen").args(args).status().expect("ssh-keygen starts").success());
    let outcome = team.stack.run_env(&[("DOFLOAT_AGE_IDENTITY", "keys/locked")], &["output", "password"]);
    outcome.exits(1).mentions("an ssh key with a passphrase");
}
