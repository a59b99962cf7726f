//! Several clones that share a state by an object in a bucket: locks, races, a clone that dies, a server that fails.
//!
//! Invariant: the server is a real one (see `storage`); the account counts what was made, so a record that is lost or an object
//! that is made twice shows.

use std::process::Command;

use dofloat::sim::Options;
use serde_json::Value;

use crate::store::git::{raced, tag};
use crate::support::cloud::Cloud;
use crate::support::harness::Stack;
use crate::support::storage::{Mishap, Move, Storage};
use crate::support::terminal::{on_terminal, rest};

const APPLY: [&str; 3] = ["apply", "web", "-auto-approve"];

/// Terms in which the tests are told: an account, a bucket, and stacks that know both.
struct Team {
    cloud: Cloud,
    storage: Storage,
}

impl Team {
    fn new() -> Self {
        Self { cloud: Cloud::start(Options::default()), storage: Storage::start() }
    }

    fn clone(&self, plan: &str) -> Stack {
        let stack = self.storage.admit(self.cloud.serve(Stack::empty())).env("DOFLOAT_TIME_LIMIT", "20000");
        std::fs::remove_dir(stack.path("state")).expect("it is empty");
        stack.write("plans/web.tf", &format!("{}{plan}", self.storage.block()));
        stack
    }

    fn change(&self, stack: &Stack, plan: &str) {
        stack.write("plans/web.tf", &format!("{}{plan}", self.storage.block()));
    }

    fn records(&self) -> Vec<String> {
        self.storage.state()["resources"].as_object().map(|records| records.keys().cloned().collect()).unwrap_or_default()
    }

    fn tags(&self) -> usize {
        self.cloud.show("tags").len()
    }

    /// A clone whose apply was killed in the middle, holding the lock: one tag is made, and the other perhaps, since a step that waits
    /// for nothing but its end lets the next one begin.
    fn killed(&self) -> Stack {
        let stack = self.clone(&(tag("a") + &tag("b")));
        let outcome = stack.run_env(&[("DOFLOAT_CRASH", "journal.after-append@4")], &[&APPLY[..], &["-parallelism=1"]].concat());
        assert_eq!(outcome.code, -1, "{outcome}");
        assert!(self.storage.is_locked() && self.tags() > 0, "something was made");
        stack
    }
}

#[test]
fn one_clone_applies_and_the_other_knows() {
    let team = Team::new();
    let (one, other) = (team.clone(&tag("a")), team.clone(&tag("a")));
    one.run(&APPLY).ok().says("Apply complete! Resources: 1 added");
    assert!(!team.storage.is_locked() && !one.exists("state"));
    other.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    other.run(&["state", "list"]).ok().says("digitalocean_tag.a");
    team.change(&other, &tag("b"));
    other.run(&APPLY).ok().says("Apply complete! Resources: 1 added, 0 changed, 1 destroyed.");
    team.change(&one, &tag("b"));
    let before = team.storage.state();
    one.run(&APPLY).ok().says("No changes.");
    assert_eq!(team.storage.state(), before);
    // What is kept is what is here, and is read as JSON.
    assert_eq!(one.json(".dofloat/store/web/web.json"), team.storage.state());
    assert!(team.storage.text("state/web.json").is_some_and(|text| text.contains("\n    \"digitalocean_tag.b\": {\n")));
    one.run(&["state", "mv", "digitalocean_tag.b", "digitalocean_tag.c"]).ok();
    assert_eq!(team.records(), ["digitalocean_tag.c"]);
    let pulled = other.run(&["state", "pull"]).ok().stdout;
    assert_eq!(pulled, one.read(".dofloat/store/web/web.json"));
    other.write("pulled.json", &pulled.replace("digitalocean_tag.c", "digitalocean_tag.b"));
    other.run(&["state", "push", "-force", "pulled.json"]).ok();
    assert_eq!(team.records(), ["digitalocean_tag.b"]);
    other.run(&["destroy", "-auto-approve"]).ok();
    assert!(team.cloud.is_fresh() && team.records().is_empty() && team.storage.state()["resources"].is_object());
}

#[test]
fn a_run_costs_few_requests() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    stack.run(&APPLY).ok();
    let count = || {
        let log = team.storage.take_log();
        (log.iter().filter(|(of, _)| *of == Move::Read).count(), log.len())
    };
    assert_eq!(count(), (5, 10), "the first apply, which tries the conditions");
    stack.run(&["plan"]).ok();
    assert_eq!(count(), (1, 1), "a plan");
    stack.run(&APPLY).ok();
    assert_eq!(count(), (4, 6), "an apply without a change");
}

#[test]
fn ten_racing_applies() {
    let team = Team::new();
    raced(|plan| team.clone(plan), "100s", || team.records(), || team.tags());
    assert!(!team.storage.is_locked());
}

#[test]
fn of_many_takers_one_has_the_lock() {
    let team = Team::new();
    let clones: Vec<Stack> = (0..8).map(|_| team.clone(&tag("a"))).collect();
    // Each is killed right after it took the lock, so nobody frees it.
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let crash = [("DOFLOAT_CRASH", "remote.after-lock")];
        let runs: Vec<_> = clones.iter().map(|clone| scope.spawn(move || clone.run_env(&crash, &APPLY).code)).collect();
        runs.into_iter().map(|run| run.join().expect("it ends")).collect()
    });
    let winners: Vec<usize> = codes.iter().enumerate().filter(|(_, code)| **code == -1).map(|(n, _)| n).collect();
    assert_eq!(winners.len(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| [-1, 3].contains(code)), "{codes:?}");
    let folder = clones[winners[0]].path(".").canonicalize().expect("it is there").display().to_string();
    let holder = team.storage.head()["lock"]["holder"].as_str().unwrap_or_default().to_owned();
    assert!(holder.contains(&folder), "{holder}");
    clones[winners[0]].run(&APPLY).ok();
    assert!(!team.storage.is_locked() && team.tags() == 1);
}

#[test]
fn a_lock_that_another_takes_in_the_same_moment_is_theirs() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    let theirs =
        "{\"format\":1,\"stack\":\"web\",\"lock\":{\"id\":\"x\",\"holder\":\"somebody else\"},\"run\":null,\"proven\":null,\"files\":{}}";
    // Once where there is no object yet, and once where one is replaced.
    for _ in 0..2 {
        team.storage.arm(Move::Lock, Mishap::Overtaken(theirs.to_owned()));
        stack.run(&APPLY).exits(3).mentions("The state is locked by somebody else.");
        assert!(team.storage.is_spent() && team.tags() == 0);
        assert_eq!(team.storage.text("state/web.json").as_deref(), Some(theirs));
        team.storage.put("state/web.json", &theirs.replace("{\"id\":\"x\",\"holder\":\"somebody else\"}", "null"));
    }
    stack.run(&APPLY).ok();
    assert_eq!((team.tags(), team.records().len()), (1, 1));
}

#[test]
fn a_killed_clone_goes_on_by_itself() {
    let team = Team::new();
    let stack = team.killed();
    stack.run(&["plan", "web"]).ok();
    stack.run(&APPLY).ok();
    assert!(!team.storage.is_locked());
    assert_eq!((team.tags(), team.records().len()), (2, 2));
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn a_killed_clone_is_explained_unlocked_and_its_journal_replayed_elsewhere() {
    let team = Team::new();
    let (dead, other) = (team.killed(), team.clone(&(tag("a") + &tag("b"))));
    other
        .run(&APPLY)
        .exits(3)
        .mentions("The state is locked by `dofloat apply`, process ")
        .mentions(&dead.path(".").canonicalize().expect("it is there").display().to_string())
        .mentions(", since 20")
        .mentions("dofloat unlock");
    other.run(&["plan", "web"]).ok().mentions("The state is locked by `dofloat apply`");
    other.run(&["unlock", "web"]).exits(1).mentions("only that clone knows what it did").mentions("There is no terminal");
    assert!(team.storage.is_locked());
    dead.run(&["unlock", "web", "-force"]).ok().mentions("That was a run of this clone.").says("The state is published and unlocked.");
    assert!(!team.storage.is_locked());
    assert!(team.storage.head()["files"]["web.journal"].is_object(), "the journal is there for whoever comes next");
    other.run(&APPLY).ok();
    assert_eq!(team.tags(), 2);
    assert!(team.storage.head()["files"]["web.journal"].is_null());
    other.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    dead.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    other.run(&["unlock", "web"]).ok().says("The state is not locked.");
}

#[test]
fn a_lock_that_is_broken_from_elsewhere_leaves_a_decision() {
    let team = Team::new();
    let (dead, other) = (team.killed(), team.clone(&tag("c")));
    other.run(&["unlock", "web", "-force"]).ok().mentions("a run of another clone").says("The state is unlocked.");
    other.run(&APPLY).ok();
    let (kept, journal) = (team.storage.head(), dead.read(".dofloat/store/web/web.journal"));
    dead.run(&APPLY).exits(4).mentions("have diverged").mentions("dofloat plan");
    assert_eq!((team.storage.head(), dead.read(".dofloat/store/web/web.journal")), (kept, journal), "nothing is lost or overwritten");
}

#[test]
fn killed_at_every_point_of_the_protocol() {
    let points = [
        "remote.before-lock",
        "remote.after-lock",
        "bucket.before-proof",
        "remote.before-publish",
        "remote.after-publish",
        "state.after-write",
    ];
    for point in points {
        let team = Team::new();
        let stack = team.clone(&tag("a"));
        assert_eq!(stack.run_env(&[("DOFLOAT_CRASH", point)], &APPLY).code, -1, "{point}");
        stack.run(&APPLY).ok();
        assert_eq!((team.tags(), team.records().len(), team.storage.is_locked()), (1, 1, false), "{point}");
        let other = team.clone(&tag("a"));
        for point in ["working.before-files", "working.after-files"] {
            assert_eq!(other.run_env(&[("DOFLOAT_CRASH", point)], &["plan", "web"]).code, -1, "{point}");
        }
        other.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    }
}

#[test]
fn a_state_that_changed_behind_us_is_not_overwritten() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    stack.run(&APPLY).ok();
    team.change(&stack, &(tag("a") + &tag("b")));
    // Right before the state is written, somebody who broke the lock has written another.
    let mut theirs = team.storage.head();
    theirs["run"] = Value::from("another");
    theirs["files"]["web.json"]["json"]["serial"] = Value::from(41);
    let theirs = format!("{theirs:#}\n");
    team.storage.arm(Move::Write, Mishap::Overtaken(theirs.clone()));
    stack
        .run(&APPLY)
        .exits(4)
        .mentions("Somebody unlocked s3://states/state/web.json while this run was in progress.")
        .mentions("Everything that this run did is in .dofloat/store/web.");
    assert!(team.storage.is_spent());
    assert_eq!(team.storage.text("state/web.json"), Some(theirs), "theirs stands");
    assert_eq!(stack.json(".dofloat/store/web/web.json")["resources"].as_object().map(serde_json::Map::len), Some(2), "ours is kept");
    stack.run(&APPLY).exits(4).mentions("have diverged");
    // Without a lock it is no other.
    let other = team.clone(&(tag("a") + &tag("b") + &tag("c")));
    other.run(&["plan"]).ok();
    let mut theirs = team.storage.head();
    theirs["files"]["web.json"]["json"]["serial"] = Value::from(42);
    team.storage.arm(Move::Write, Mishap::Overtaken(format!("{theirs:#}\n")));
    other.run(&[&APPLY[..], &["-lock=false"]].concat()).exits(4).mentions("have diverged");
    assert_eq!(team.storage.state()["serial"], 42);
}

#[test]
fn a_server_that_ignores_conditions_is_refused_before_anything_is_made() {
    let team = Team::new();
    team.storage.be_careless(true);
    let stack = team.clone(&tag("a"));
    for arguments in [&APPLY[..], &["apply", "web", "-auto-approve", "-lock=false"]] {
        team.cloud.forget_log();
        stack.run(arguments).exits(1).mentions("ignores the conditions under which s3://states/state/web.json is written");
        assert_eq!(team.cloud.requests().0, 0, "nothing was made");
        assert!(!team.storage.is_locked(), "nobody need wait for us");
    }
    // One that says that it cannot is no better.
    team.storage.be_careless(false);
    team.storage.arm(Move::Lock, Mishap::Refused(501, "NotImplemented"));
    stack.run(&APPLY).exits(1).mentions("does not know conditional writes");
    stack.run(&APPLY).ok();
    // It is tried once for a place: not again here, but again where the object was brought to.
    let kept = team.storage.text("state/web.json").expect("it is there");
    team.storage.be_careless(true);
    team.change(&stack, &tag("b"));
    let moved = Storage::start();
    moved.be_careless(true);
    moved.put("state/web.json", &kept);
    stack.write("plans/web.tf", &format!("{}{}", moved.block(), tag("b")));
    team.cloud.forget_log();
    stack.run(&APPLY).exits(1).mentions("ignores the conditions");
    assert_eq!(team.cloud.requests().0, 0);
    assert_eq!(moved.head()["files"], serde_json::from_str::<Value>(&kept).expect("it is JSON")["files"], "the files stand");
}

#[test]
fn a_lost_answer_or_a_cut_line_loses_nothing() {
    let line = "some text of an upload that takes more than one segment; ".repeat(10);
    let big = format!("resource \"terraform_data\" \"big\" {{\n  input = join(\"\", [for n in range(1000) : \"{line}\"])\n}}\n");
    for of in [Move::Lock, Move::Write] {
        for mishap in [Mishap::Cut, Mishap::Unanswered, Mishap::Refused(503, "SlowDown")] {
            let team = Team::new();
            let stack = team.clone(&format!("{}{big}", tag("a")));
            stack.run(&APPLY).ok();
            assert!(team.storage.text("state/web.json").is_some_and(|text| text.len() > 400_000), "it takes a while to send");
            team.change(&stack, &format!("{}{big}", tag("a") + &tag("b")));
            team.storage.arm(of, mishap.clone());
            stack.run(&APPLY).ok();
            assert!(team.storage.is_spent(), "{of:?} {mishap:?}");
            assert_eq!((team.tags(), team.records().len(), team.storage.is_locked()), (2, 3, false), "{of:?} {mishap:?}");
            stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
        }
    }
}

#[test]
fn a_server_that_stays_away_loses_nothing() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    stack.run(&APPLY).ok();
    team.change(&stack, &(tag("a") + &tag("b")));
    for _ in 0..4 {
        team.storage.arm(Move::Write, Mishap::Cut);
    }
    stack
        .run(&APPLY)
        .exits(1)
        .mentions("Failed to publish the state to s3://states/state/web.json.")
        .mentions("broke off")
        .mentions("Still waiting for s3://states/state/web.json... [5s elapsed, up to 125s]")
        .mentions("Nothing is lost: what this run did is in .dofloat/store/web, and the lock stays with it.");
    assert!(team.storage.is_spent() && team.storage.is_locked() && team.tags() == 2);
    stack.run(&APPLY).ok();
    assert!(!team.storage.is_locked() && team.records().len() == 2);
    // Where it cannot be read, nothing is begun.
    team.cloud.forget_log();
    team.change(&stack, &tag("c"));
    for _ in 0..4 {
        team.storage.arm(Move::Read, Mishap::Silence);
    }
    stack.run_env(&[("DOFLOAT_TIME_LIMIT", "500")], &APPLY).exits(1).mentions("does not answer in time");
    assert!(team.storage.is_spent());
    team.storage.arm(Move::Read, Mishap::Refused(403, "AccessDenied"));
    stack.run(&APPLY).exits(1).mentions("access is denied").mentions("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    assert_eq!(team.cloud.requests().0, 0);
}

#[test]
fn what_is_wrong_with_the_bucket_is_told_with_a_way_on() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    let table = [
        (403, "InvalidAccessKeyId", "does not accept the key (InvalidAccessKeyId)"),
        (403, "SignatureDoesNotMatch", "both must belong to the same key, be complete"),
        (400, "ExpiredToken", "the key has expired"),
        (400, "AuthorizationHeaderMalformed", "Set `region` in the \"backend\" block"),
        (301, "PermanentRedirect", "the bucket is in another region"),
        (403, "RequestTimeTooSkewed", "Set the clock."),
        (404, "NoSuchBucket", "there is no such bucket at http://127.0.0.1:"),
        (404, "", "it answers 404, and not like S3"),
        (418, "Teapot", "it answers 418, Teapot"),
    ];
    for (status, code, message) in table {
        team.storage.arm(Move::Read, Mishap::Refused(status, code));
        let outcome = stack.run(&APPLY).exits(1).mentions(message).mentions("s3://states/state/web.json");
        assert!(team.storage.is_spent() && !outcome.stderr.contains(Storage::SECRET), "{outcome}");
    }
    // A wrong key is found by its signature; no network and a server without TLS are what they are.
    stack.run_env(&[("AWS_SECRET_ACCESS_KEY", "another")], &APPLY).exits(1).mentions("(SignatureDoesNotMatch)");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it has one").port();
    let at =
        |server: &str| format!("terraform {{\n  backend \"s3\" {{\n    bucket   = \"states\"\n    endpoint = \"{server}\"\n  }}\n}}\n");
    stack.write("plans/web.tf", &at(&format!("http://127.0.0.1:{port}")));
    stack.run(&APPLY).exits(1).mentions("cannot be reached").mentions("Check the network");
    let address = team.storage.block().split('"').find(|word| word.starts_with("http://")).expect("it is there").replace("http", "https");
    stack.write("plans/web.tf", &at(&address));
    stack.run(&APPLY).exits(1).mentions("is not trusted").mentions("DOFLOAT_CA_FILE");
    assert_eq!(team.cloud.requests().0, 0);
}

#[test]
fn what_lies_there_and_is_not_ours_is_left_alone() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    let other = "{\"format\":1,\"stack\":\"ha\",\"lock\":null,\"run\":null,\"proven\":null,\"files\":{}}";
    for (text, message) in [
        ("{\"version\": 4, \"terraform_version\": \"1.11.4\", \"serial\": 3, \"resources\": []}", "is a Terraform state."),
        ("{\"format\": 2}", "was written by a newer dofloat."),
        (other, "is the state of the stack `ha`, not of `web`."),
        ("<html></html>", "is not what dofloat wrote"),
    ] {
        team.storage.put("state/web.json", text);
        stack.run(&APPLY).exits(4).mentions(message).mentions("Nothing was changed.");
        assert_eq!(team.storage.text("state/web.json").as_deref(), Some(text));
    }
    assert_eq!(team.cloud.requests().0, 0);
}

#[test]
fn a_state_that_is_gone_is_not_taken_for_nothing() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    stack.run(&APPLY).ok();
    let kept = team.storage.text("state/web.json").expect("it is there");
    team.storage.remove("state/web.json");
    for command in [&["plan"][..], &APPLY] {
        stack.run(command).exits(4).mentions("The state no longer exists in s3://states/state/web.json.").mentions("versioning");
    }
    assert!(team.storage.text("state/web.json").is_none() && team.tags() == 1);
    // Put back, it goes on; so it does from this clone's copy, on purpose.
    team.storage.put("state/web.json", &kept);
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    team.storage.remove("state/web.json");
    std::fs::remove_file(stack.path(".dofloat/store/web/web.base")).expect("it is there");
    stack.run(&APPLY).ok().says("No changes.");
    assert_eq!(team.records(), ["digitalocean_tag.a"]);
}

#[test]
fn no_secret_is_in_the_bucket_nor_in_what_is_said() {
    let team = Team::new();
    let password = "password-of-the-variable-4714";
    let stack = team.clone(&format!(
        "variable \"password\" {{\n  sensitive = true\n}}\n\nresource \"terraform_data\" \"a\" {{\n  input = var.password\n}}\n\noutput \"o\" {{\n  value     = var.password\n  sensitive = true\n}}\n{}",
        tag("a")
    ));
    let stack = stack.env("TF_VAR_password", password).env("DOFLOAT_LOG", "trace,hyper=trace,object_store=trace,reqwest=trace");
    let mut said = Vec::new();
    for point in ["journal.after-append@4", "none"] {
        said.push(stack.run_env(&[("DOFLOAT_CRASH", point)], &APPLY));
        said.push(stack.run(&["unlock", "-force"]));
    }
    said.push(stack.run(&APPLY).ok());
    team.storage.arm(Move::Read, Mishap::Refused(403, "AccessDenied"));
    said.push(stack.run(&["plan"]).exits(1));
    said.push(stack.run_env(&[("AWS_SECRET_ACCESS_KEY", "another-secret-4715")], &["plan"]).exits(1));
    let secrets = [Storage::SECRET, password, Cloud::TOKEN, "another-secret-4715"];
    for secret in secrets {
        for outcome in &said {
            assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{secret}: {outcome}");
        }
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        for (name, bytes) in team.storage.everything() {
            assert!(!holds(&bytes), "{secret} is in {name}");
        }
        for (name, bytes) in stack.files() {
            assert!(!holds(&bytes), "{secret} is in {name}");
        }
    }
    assert!(team.storage.head()["files"]["web.secrets.age"]["lines"][0] == "-----BEGIN AGE ENCRYPTED FILE-----", "there was one to keep");
}

/// Whatever is in it is opened by another who may.
#[test]
fn the_encrypted_file_travels_with_the_state() {
    let team = Team::new();
    let stack = team
        .clone("resource \"terraform_data\" \"a\" {\n  input = \"x\"\n}\noutput \"o\" {\n  value     = \"given\"\n  sensitive = true\n}\n");
    stack.run(&APPLY).ok();
    let other = team.clone(&stack.read("plans/web.tf").replace(&team.storage.block(), ""));
    let identity = "home/.config/dofloat/identity.txt";
    other.write(identity, &stack.read(identity));
    assert!(Command::new("chmod").arg("600").arg(other.path(identity)).status().is_ok_and(|status| status.success()));
    assert_eq!(other.run(&["output", "-raw", "o"]).ok().stdout, "given");
}

#[test]
fn a_signal_at_the_question_of_an_import_gives_the_lock_back() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    team.cloud.outside("POST", "/v2/tags", &serde_json::json!({ "name": "a" }));
    let mut session = on_terminal(&stack, &["import", "web", "-discover"]);
    session.exp_string("Enter a value:").expect("it asks");
    assert!(team.storage.is_locked());
    session.send_control('c').expect("the terminal takes it");
    let (rest, code) = rest(session);
    assert!(rest.contains("Interrupted before anything was changed.") && code == 130, "{code} {rest}");
    assert!(!team.storage.is_locked());
}

#[test]
fn an_older_object_is_not_taken_for_the_newest() {
    let team = Team::new();
    let stack = team.clone(&tag("a"));
    stack.run(&APPLY).ok();
    let older = team.storage.text("state/web.json").expect("it is kept");
    team.change(&stack, &(tag("a") + &tag("b")));
    stack.run(&APPLY).ok();
    let newer = team.storage.text("state/web.json").expect("it is kept");
    team.storage.put("state/web.json", &older);
    for command in [&["plan", "web"][..], &APPLY, &["state", "rm", "web", "digitalocean_tag.a"]] {
        stack.run(command).exits(4).mentions("and this clone has seen 2 already: it is an older state.");
    }
    assert!(!team.storage.is_locked() && team.tags() == 2);
    team.storage.put("state/web.json", &newer);
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
}
