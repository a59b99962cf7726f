//! Several clones that share a state by a git remote: locks, races, a clone that dies.
//!
//! Invariant: a bare repository of the test's own, reached as a folder or over loopback; the account counts what was made, so a
//! record that is lost or an object that is made twice shows.

mod interrupts;

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::git::git;
use crate::support::harness::{Outcome, Stack};
use crate::support::smart_http::{PASSWORD, SmartHttp, USER};

const STORE: &str = "terraform {\n  backend \"git\" {\n    remote = \"origin\"\n    branch = \"state\"\n  }\n}\n";

pub(crate) fn tag(name: &str) -> String {
    format!("resource \"digitalocean_tag\" \"{name}\" {{\n  name = \"{name}\"\n}}\n")
}

/// A bare repository, and who serves it.
struct Host {
    folder: Stack,
    address: String,
    daemon: Option<Child>,
    http: Option<SmartHttp>,
}

impl Host {
    /// Reached as a folder.
    fn folder() -> Self {
        let folder = Stack::empty();
        git(&folder, &["init", "-q", "--bare", "hub.git"]).ok();
        let address = folder.path("hub.git").display().to_string();
        Self { folder, address, daemon: None, http: None }
    }

    /// Reached over loopback.
    fn daemon() -> Self {
        let mut host = Self::folder();
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it has one").port();
        let base = format!("--base-path={}", host.folder.path(".").display());
        let port_of = format!("--port={port}");
        let id = format!("--pid-file={}", host.folder.path("daemon.pid").display());
        let args = ["daemon", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1", &port_of, &base, &id];
        let daemon = host.folder.command("git").args(args).stderr(Stdio::null()).spawn().expect("git daemon starts");
        host.daemon = Some(daemon);
        host.address = format!("git://127.0.0.1:{port}/hub.git");
        const TRIES: usize = 3000;
        let listens = (0..TRIES).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        assert!(listens, "git daemon listens");
        host
    }

    /// Reached as the hosted services are: over HTTP, with a password that git's own credentials know.
    fn http() -> Self {
        let mut host = Self::folder();
        let http = SmartHttp::start(&host.folder.path("."));
        host.address = format!("http://{}/hub.git", http.address);
        host.http = Some(http);
        host
    }

    /// A clone with a stack.
    fn clone(&self, cloud: &Cloud, plan: &str) -> Stack {
        let stack = cloud.serve(Stack::empty());
        std::fs::remove_dir(stack.path("state")).expect("it is empty");
        git(&stack, &["init", "-q"]).ok();
        git(&stack, &["remote", "add", "origin", &self.address]).ok();
        if let Some(http) = &self.http {
            git(&stack, &["config", "credential.helper", "store"]).ok();
            stack.write("home/.git-credentials", &format!("http://{USER}:{PASSWORD}@{}\n", http.address));
        }
        stack.write("plans/web.tf", &format!("{STORE}{plan}"));
        stack.write(".gitignore", ".dofloat/\nhome/\n");
        stack
    }

    /// git in the bare repository.
    fn git(&self, args: &[&str]) -> Outcome {
        git(&self.folder, &[&["-C", "hub.git"], args].concat())
    }

    /// Lets the host run this for each reference that is pushed.
    fn hook(&self, script: &str) {
        self.folder.write("hub.git/hooks/update", script);
        assert!(self.folder.command("chmod").args(["+x", "hub.git/hooks/update"]).status().expect("chmod starts").success());
    }

    fn unhook(&self) {
        std::fs::remove_file(self.folder.path("hub.git/hooks/update")).expect("the folder is ours");
    }

    /// What is kept of the stack.
    fn state(&self) -> serde_json::Value {
        serde_json::from_str(&self.git(&["show", "state:state/web.json"]).ok().stdout).expect("it is JSON")
    }

    fn has(&self, name: &str) -> bool {
        self.git(&["rev-parse", "--verify", "--quiet", name]).code == 0
    }

    fn is_locked(&self) -> bool {
        self.has("refs/heads/state-lock/web")
    }

    /// Every commit of the branch has one parent, but for the first.
    fn is_linear(&self) -> bool {
        let log = self.git(&["log", "--format=%P", "state"]).ok().stdout;
        let parents: Vec<usize> = log.lines().map(|line| line.split_whitespace().count()).collect();
        parents.split_last().is_some_and(|(first, rest)| *first == 0 && rest.iter().all(|count| *count == 1))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            // Where `git` starts the daemon as a child, that one does not end with it; the children of one connection do.
            let _ = self.folder.command("kill").arg(self.folder.read("daemon.pid").trim()).status();
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

#[test]
fn one_clone_applies_and_the_other_knows() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let (one, other) = (host.clone(&cloud, &tag("a")), host.clone(&cloud, &tag("a")));
    one.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 1 added");
    assert!(!host.is_locked() && !one.exists("state"));
    other.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    other.run(&["state", "list"]).ok().says("digitalocean_tag.a");
    other.write("plans/web.tf", &format!("{STORE}{}", tag("b")));
    other.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 1 added, 0 changed, 1 destroyed.");
    one.write("plans/web.tf", &format!("{STORE}{}", tag("b")));
    let head = host.git(&["rev-parse", "state"]).ok().stdout;
    one.run(&["apply", "-auto-approve"]).ok().says("No changes.");
    assert_eq!(host.git(&["rev-parse", "state"]).ok().stdout, head, "where nothing changed nothing is committed");
    assert!(host.is_linear());
    // Nothing of the user's own repository was touched.
    for clone in [&one, &other] {
        assert_eq!(git(clone, &["status", "--porcelain"]).ok().stdout, "?? .gitignore\n?? plans/\n");
        assert_eq!(git(clone, &["branch"]).ok().stdout, "");
    }
    one.run(&["destroy", "-auto-approve"]).ok();
    assert!(cloud.is_fresh() && host.state()["resources"].as_object().is_some_and(serde_json::Map::is_empty));
}

#[test]
fn ten_racing_applies_over_a_folder() {
    race(&Host::folder());
}

#[test]
fn ten_racing_applies_over_loopback() {
    race(&Host::daemon());
}

#[test]
fn ten_racing_applies_over_http() {
    race(&Host::http());
}

#[test]
fn without_a_password_that_git_knows_nothing_is_made_and_nobody_is_asked() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::http());
    let stack = host.clone(&cloud, &tag("a"));
    stack.write("home/.git-credentials", "");
    let outcome = stack.run(&["apply", "web", "-auto-approve"]).exits(1).mentions("the branch state of origin");
    assert!(!outcome.to_string().contains(PASSWORD), "{outcome}");
    assert_eq!(cloud.requests().0, 0);
    stack.write("home/.git-credentials", &format!("http://{USER}:{PASSWORD}@{}\n", host.http.as_ref().expect("it is served").address));
    let outcome = stack.run(&["apply", "web", "-auto-approve"]).ok();
    assert!(!outcome.to_string().contains(PASSWORD), "{outcome}");
    assert!(host.is_linear() && !host.is_locked());
}

/// Ten applies from two clones, each with a tag of its own.
fn race(host: &Host) {
    let cloud = Cloud::start(Options::default());
    let records = || host.state()["resources"].as_object().expect("records").keys().cloned().collect();
    raced(|plan| host.clone(&cloud, plan), "50s", records, || cloud.show("tags").len());
    assert!(host.is_linear() && !host.is_locked());
}

/// Ten applies from two clones, each with a tag of its own; half of them wait for the lock, so long. Given are how to clone, and
/// what is remembered and made in the end.
pub(crate) fn raced(clone: impl Fn(&str) -> Stack, patience: &str, records: impl Fn() -> Vec<String>, made: impl Fn() -> usize) {
    let all: Vec<String> = (0..10).map(|n| format!("t{n}")).collect();
    let plan: String = all.iter().map(|name| tag(name)).collect();
    let clones = [clone(&plan), clone(&plan)];
    let outcomes: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let runs = all.iter().enumerate().map(|(n, name)| {
            let clone = &clones[n % 2];
            let target = format!("-target=digitalocean_tag.{name}");
            let wait = format!("-lock-timeout={}", if n < 6 { patience } else { "0s" });
            scope.spawn(move || (n, clone.run(&["apply", "web", "-auto-approve", &wait, &target])))
        });
        runs.collect::<Vec<_>>().into_iter().map(|run| run.join().expect("it ends")).collect()
    });
    let mut expected = Vec::new();
    for (n, outcome) in outcomes {
        match outcome.code {
            0 => expected.push(format!("digitalocean_tag.t{n}")),
            3 => drop(outcome.mentions("The state is locked by ")),
            _ => panic!("apply {n}: {outcome}"),
        }
    }
    assert!(expected.len() >= 2, "those that waited went on");
    assert_eq!(records(), expected, "no record is lost");
    assert_eq!(made(), expected.len(), "nothing is made that no record knows");
    clones[0].run(&["plan", "web"]).ok().says(&format!("Plan: {} to add, 0 to change, 0 to destroy.", 10 - expected.len()));
}

#[test]
fn stacks_side_by_side_share_a_branch() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let clones: Vec<Stack> = (0..4).map(|_| host.clone(&cloud, "")).collect();
    std::thread::scope(|scope| {
        for (n, clone) in clones.iter().enumerate() {
            std::fs::remove_file(clone.path("plans/web.tf")).expect("the folder is ours");
            clone.write(&format!("plans/s{n}.tf"), &format!("{STORE}{}", tag(&format!("t{n}"))));
            scope.spawn(move || clone.run(&["apply", "-auto-approve"]).ok());
        }
    });
    let listed = host.git(&["ls-tree", "--name-only", "-r", "state"]).ok().stdout;
    assert_eq!(listed, "state/s0.json\nstate/s1.json\nstate/s2.json\nstate/s3.json\n");
    assert!(host.is_linear());
}

/// A clone whose apply was killed in the middle, holding the lock, one tag made.
fn killed(host: &Host, cloud: &Cloud) -> Stack {
    let stack = host.clone(cloud, &(tag("a") + &tag("b")));
    let outcome = stack.run_env(&[("DOFLOAT_CRASH", "journal.after-append@4")], &["apply", "web", "-auto-approve", "-parallelism=1"]);
    assert_eq!(outcome.code, -1, "{outcome}");
    assert!(host.is_locked());
    assert!(!cloud.show("tags").is_empty(), "something was made");
    assert!(stack.exists(".dofloat/store/web/web.journal"));
    stack
}

#[test]
fn a_killed_clone_goes_on_by_itself() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = killed(&host, &cloud);
    let plan = stack.run(&["plan", "web"]).ok();
    assert!(!plan.stdout.contains("locked by"), "its own run is over: {plan}");
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    assert!(!host.is_locked());
    assert_eq!(cloud.show("tags").len(), 2);
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    assert_eq!(host.state()["resources"].as_object().map(serde_json::Map::len), Some(2));
}

#[test]
fn a_killed_clone_is_explained_unlocked_and_its_journal_replayed_elsewhere() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let (dead, other) = (killed(&host, &cloud), host.clone(&cloud, &(tag("a") + &tag("b"))));
    other
        .run(&["apply", "web", "-auto-approve"])
        .exits(3)
        .mentions("The state is locked by `dofloat apply`, process ")
        .mentions(&dead.path(".").canonicalize().expect("it is there").display().to_string())
        .mentions(", since 20")
        .mentions("dofloat unlock");
    other.run(&["plan", "web"]).ok().mentions("The state is locked by `dofloat apply`");
    other.run(&["unlock", "web"]).exits(1).mentions("only that clone knows what it did").mentions("There is no terminal");
    assert!(host.is_locked());
    dead.run(&["unlock", "web", "-force"]).ok().mentions("That was a run of this clone.").says("The state is published and unlocked.");
    assert!(!host.is_locked());
    assert!(host.has("state:state/web.journal"), "the journal is there for whoever comes next");
    other.run(&["apply", "web", "-auto-approve"]).ok();
    assert_eq!(cloud.show("tags").len(), 2);
    assert!(!host.has("state:state/web.journal") && host.is_linear());
    other.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    dead.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    other.run(&["unlock", "web"]).ok().says("The state is not locked.");
}

#[test]
fn a_lock_that_is_broken_from_elsewhere_leaves_a_decision() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let (dead, other) = (killed(&host, &cloud), host.clone(&cloud, &tag("c")));
    other.run(&["unlock", "web", "-force"]).ok().mentions("a run of another clone").says("The state is unlocked.");
    other.run(&["apply", "web", "-auto-approve"]).ok();
    let kept = host.state();
    let journal = dead.read(".dofloat/store/web/web.journal");
    dead.run(&["apply", "web", "-auto-approve"]).exits(4).mentions("have diverged").mentions("dofloat plan");
    assert_eq!((host.state(), dead.read(".dofloat/store/web/web.journal")), (kept, journal), "nothing is lost and nothing overwritten");
    assert!(!host.is_locked());
}

#[test]
fn a_run_whose_lock_was_broken_publishes_nothing() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, &tag("a"));
    // It is killed right before it publishes; then the lock is another's.
    assert_eq!(stack.run_env(&[("DOFLOAT_CRASH", "remote.before-publish")], &["apply", "web", "-auto-approve"]).code, -1);
    let other = host.clone(&cloud, &tag("b"));
    other.run(&["unlock", "web", "-force"]).ok();
    other.run(&["apply", "web", "-auto-approve"]).ok();
    stack.run(&["apply", "web", "-auto-approve"]).exits(4).mentions("have diverged");
    assert_eq!(
        host.state()["resources"].as_object().map(|records| records.keys().cloned().collect()),
        Some(vec!["digitalocean_tag.b".to_owned()])
    );
}

#[test]
fn killed_at_every_point_of_the_protocol() {
    let points = ["remote.before-lock", "remote.after-lock", "remote.before-publish", "remote.after-publish", "state.after-write"];
    for point in points {
        let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
        let stack = host.clone(&cloud, &tag("a"));
        assert_eq!(stack.run_env(&[("DOFLOAT_CRASH", point)], &["apply", "web", "-auto-approve"]).code, -1, "{point}");
        stack.run(&["apply", "web", "-auto-approve"]).ok();
        assert_eq!((cloud.show("tags").len(), host.is_locked()), (1, false), "{point}");
        assert_eq!(host.state()["resources"].as_object().map(serde_json::Map::len), Some(1), "{point}");
        let other = host.clone(&cloud, &tag("a"));
        for point in ["working.before-files", "working.after-files"] {
            assert_eq!(other.run_env(&[("DOFLOAT_CRASH", point)], &["plan", "web"]).code, -1, "{point}");
        }
        other.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    }
}

#[test]
fn a_lock_that_is_broken_while_the_run_is_at_work_keeps_it_from_publishing() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, &tag("a"));
    // While the state is pushed somebody else frees the lock.
    let hook = "#!/bin/sh\ncase $1 in refs/heads/state) env -u GIT_QUARANTINE_PATH git update-ref -d refs/heads/state-lock/web;; esac\n";
    host.hook(hook);
    stack
        .run(&["apply", "web", "-auto-approve"])
        .exits(4)
        .mentions("Somebody unlocked the branch state of origin while this run was in progress.");
    assert!(!host.has("refs/heads/state"), "nothing is published");
    host.unhook();
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    assert_eq!((cloud.show("tags").len(), host.is_locked()), (1, false));
    assert_eq!(host.state()["resources"].as_object().map(serde_json::Map::len), Some(1));
}

#[test]
fn unlocking_asks() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let _dead = killed(&host, &cloud);
    let other = host.clone(&cloud, &tag("a"));
    for (answer, locked) in [("no", true), ("yes", false)] {
        let mut command = other.command(env!("CARGO_BIN_EXE_dofloat"));
        command.args(["unlock", "web"]);
        let mut session = rexpect::session::spawn_command(command, Some(60_000)).expect("a terminal");
        session.exp_string("The state is locked by `dofloat apply`, process ").expect("the holder is shown");
        session.exp_string("Enter a value:").expect("it asks");
        session.send_line(answer).expect("the terminal takes it");
        session.exp_eof().expect("it ends");
        assert_eq!(host.is_locked(), locked, "{answer}");
    }
}

#[test]
fn a_refused_push_loses_nothing() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, &tag("a"));
    // The host takes the lock, and nothing for the branch.
    let hook = "#!/bin/sh\ncase $1 in refs/heads/state) echo 'protected branch' >&2; exit 1;; esac\n";
    host.hook(hook);
    let outcome = stack.run(&["apply", "web", "-auto-approve"]).exits(1);
    outcome.mentions("Failed to publish the state to the branch state of origin.").mentions("Nothing is lost").mentions("allow them");
    assert!(host.is_locked(), "the lock stays with what is not published");
    assert_eq!(cloud.show("tags").len(), 1);
    host.unhook();
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    assert!(!host.is_locked());
    let state = host.state();
    assert_eq!(state["resources"].as_object().map(serde_json::Map::len), Some(1));
    // A remote that is gone is told of before anything is made.
    git(&stack, &["remote", "set-url", "origin", "nowhere.git"]).ok();
    cloud.forget_log();
    stack.run(&["apply", "web", "-auto-approve"]).exits(1).mentions("Failed to use (git ls-remote) the branch state of origin");
    assert_eq!(cloud.requests().0, 0);
}

#[test]
fn a_shallow_clone_and_a_host_without_atomic_pushes_do() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    host.git(&["config", "receive.advertiseAtomic", "false"]).ok();
    let stack = host.clone(&cloud, &tag("a"));
    git(&stack, &["add", "-A"]).ok();
    git(&stack, &["commit", "-qm", "one"]).ok();
    git(&stack, &["commit", "-qm", "two", "--allow-empty"]).ok();
    git(&stack, &["push", "-q", "origin", "HEAD:refs/heads/main"]).ok();
    for _ in 0..2 {
        stack.run(&["apply", "web", "-auto-approve"]).ok();
        stack.write("plans/web.tf", &format!("{STORE}{}", tag("b")));
    }
    let shallow = cloud.serve(Stack::empty());
    let address = format!("file://{}", host.address);
    git(&shallow, &["clone", "-q", "--depth=1", "--branch=main", &address, "work"]).ok();
    shallow.write("work/plans/web.tf", &format!("{STORE}{}", tag("c")));
    shallow.run(&["-chdir=work", "apply", "web", "-auto-approve"]).ok().says("Apply complete! Resources: 1 added, 0 changed, 1 destroyed.");
    assert!(host.is_linear() && !host.is_locked());
    assert_eq!(host.git(&["rev-list", "--count", "state"]).ok().stdout.trim(), "3");
}

#[test]
fn a_forced_push_of_the_branch_is_no_harm_where_the_state_is_the_same() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, &tag("a"));
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    // Somebody squashes the history of the branch.
    let tree = host.git(&["rev-parse", "state^{tree}"]).ok().stdout;
    let squashed = host.git(&["commit-tree", tree.trim(), "-m", "squashed"]).ok().stdout;
    host.git(&["update-ref", "refs/heads/state", squashed.trim()]).ok();
    stack.write("plans/web.tf", &format!("{STORE}{}", tag("b")));
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    assert_eq!(host.git(&["rev-list", "--count", "state"]).ok().stdout.trim(), "2");
}

#[test]
fn a_branch_that_is_gone_is_not_taken_for_nothing() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, &tag("a"));
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    let head = host.git(&["rev-parse", "state"]).ok().stdout;
    host.git(&["update-ref", "-d", "refs/heads/state"]).ok();
    for command in [&["plan", "web"][..], &["apply", "web", "-auto-approve"]] {
        stack.run(command).exits(4).mentions("The state no longer exists in the branch state of origin.").mentions("reflog");
    }
    assert!(!host.is_locked() && stack.exists(".dofloat/store/web/web.json"));
    host.git(&["update-ref", "refs/heads/state", head.trim()]).ok();
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn a_branch_that_was_set_back_is_not_taken_for_the_newest() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, &tag("a"));
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    let older = host.git(&["rev-parse", "state"]).ok().stdout;
    stack.write("plans/web.tf", &format!("{STORE}{}{}", tag("a"), tag("b")));
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    let newer = host.git(&["rev-parse", "state"]).ok().stdout;
    // This clone has been beyond it; another finds the newer one in the history of a branch that was set back by a commit.
    host.git(&["update-ref", "refs/heads/state", older.trim()]).ok();
    for command in [&["plan", "web"][..], &["apply", "web", "-auto-approve"], &["destroy", "web", "-auto-approve"]] {
        let refused = stack.run(command).exits(4).mentions("The shared state of the stack web has the serial 1, and ");
        refused.mentions(" 2 already: it is an older state.").mentions("-accept-older-state=2");
    }
    assert!(!host.is_locked() && cloud.show("tags").len() == 2);
    let tree = format!("{}^{{tree}}", older.trim());
    let ident = ["-c", "user.name=a", "-c", "user.email=a@localhost"];
    let back = host.git(&[&ident[..], &["commit-tree", "-p", newer.trim(), "-m", "back", &tree]].concat()).ok().stdout;
    host.git(&["update-ref", "refs/heads/state", back.trim()]).ok();
    let other = host.clone(&cloud, &(tag("a") + &tag("b")));
    other.run(&["plan", "web"]).exits(4).mentions(&format!("and the commit {} has 2 already", &newer[..10]));
    host.git(&["update-ref", "refs/heads/state", newer.trim()]).ok();
    for clone in [&stack, &other] {
        clone.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    }
}

#[test]
fn git_and_its_children_inherit_no_secret() {
    const HUSH: &str = "hush-4713";
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, &format!("variable \"motto\" {{}}\n{}", tag("a")));
    let (script, seen) = (stack.path("home/bin/git"), stack.path("home/seen"));
    let path = "/usr/local/bin:/usr/bin:/bin";
    stack.write("home/bin/git", &format!("#!/bin/sh\nenv >> '{}'\nPATH={path} exec git \"$@\"\n", seen.display()));
    assert!(stack.command("chmod").arg("+x").arg(&script).status().expect("chmod starts").success());
    let secrets = [
        "DIGITALOCEAN_ACCESS_TOKEN",
        "DO_TOKEN",
        "TF_VAR_motto",
        "DOFLOAT_VAR_motto",
        "SPACES_ACCESS_KEY_ID",
        "SPACES_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ];
    let path = format!("{}:{path}", script.parent().expect("it is in a folder").display());
    let environment: Vec<(&str, &str)> = secrets.iter().map(|name| (*name, HUSH)).chain([("PATH", path.as_str())]).collect();
    for command in [
        &["plan", "web"][..],
        &["apply", "web", "-auto-approve"],
        &["state", "check"],
        &["state", "merge", "-install"],
        &["unlock", "web", "-force"],
        &["destroy", "web", "-auto-approve"],
    ] {
        stack.run_env(&environment, command).ok();
    }
    // A state beside the stack is looked for in the repository's history.
    stack.write("plans/web.tf", &tag("a"));
    stack.run_env(&environment, &["plan", "web"]).ok();
    let seen = stack.read("home/seen");
    assert!(seen.matches("\nGIT_TERMINAL_PROMPT=0").count() > 20 && seen.contains("\nHOME="), "git was run: {seen}");
    let found: Vec<&str> = seen.lines().filter(|line| line.contains(HUSH) || line.contains(Cloud::TOKEN)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_state_beside_the_stack_moves_into_the_store_on_purpose() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, &tag("a"));
    stack.write("plans/web.tf", &tag("a"));
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    stack.write("plans/web.tf", &format!("{STORE}{}", tag("a")));
    stack.run(&["plan", "web"]).exits(4).mentions("mkdir -p .dofloat/store/web && mv state/web.* .dofloat/store/web/");
    let moved = stack.command("sh").args(["-c", "mkdir -p .dofloat/store/web && mv state/web.* .dofloat/store/web/"]).status();
    assert!(moved.expect("sh starts").success());
    stack.run(&["apply", "web", "-auto-approve"]).ok().says("No changes.");
    assert_eq!(host.state()["resources"].as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(cloud.show("tags").len(), 1);
}

#[test]
fn what_is_wrong_with_the_block_is_told_where_it_stands() {
    let stack = Stack::empty();
    for (block, message) in [
        ("backend \"gitt\" {}", "There is no backend \"gitt\"."),
        ("backend \"git\" {\n    brunch = \"x\"\n  }", "The backend \"git\" has no argument \"brunch\"."),
        ("backend \"git\" {\n    remote = \"https://a:hush@example.org/x\"\n  }", "The remote's address contains a password"),
        ("backend \"local\" {\n    path = \"x\"\n  }", "The backend \"local\" has no argument \"path\"."),
    ] {
        stack.write("plans/web.tf", &format!("terraform {{\n  {block}\n}}\n"));
        let outcome = stack.run(&["state", "list", "web"]).exits(1).mentions(message).mentions("plans/web.tf:");
        assert!(!outcome.stderr.contains("hush"), "{outcome}");
    }
    stack.write("plans/web.tf", STORE);
    stack.run(&["state", "list", "web"]).exits(1).mentions("The backend \"git\" works in a clone");
}
