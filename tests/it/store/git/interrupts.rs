//! Ctrl-C while a shared state is locked. Such a lock does not end with its process, so whoever is interrupted gives it back.
//!
//! Invariant: Ctrl-C comes from a terminal, so that git and what it runs are sent it as well.

use serde_json::json;

use super::{Cloud, Host, Options, STORE, tag};
use crate::support::harness::Stack;
use crate::support::running::Run;
use crate::support::terminal::{on_terminal, rest};

const QUESTION: &str = "Enter a value:";

/// Lets the host wait with the branch until `go` is there, and then accept or refuse it; `here` tells that it waits.
fn waits(host: &Host, accepts: bool) {
    let (here, go) = (host.folder.path("here"), host.folder.path("go"));
    for mark in [&here, &go] {
        let _ = std::fs::remove_file(mark);
    }
    let wait = format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.02; done", here.display(), go.display());
    host.hook(&format!("#!/bin/sh\n[ \"$1\" = refs/heads/state ] || exit 0\n{wait}\nexit {}\n", i32::from(!accepts)));
}

fn applied(host: &Host, cloud: &Cloud) -> Stack {
    let stack = host.clone(cloud, &tag("a"));
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    stack
}

/// Ctrl-C at a command's question: it says so, and the lock, which it has by then, is given back.
#[track_caller]
fn interrupt_at_the_question(host: &Host, stack: &Stack, command: &[&str]) {
    let mut session = on_terminal(stack, command);
    session.exp_string(QUESTION).expect("it asks");
    assert!(host.is_locked(), "{command:?}");
    session.send_control('c').expect("the terminal takes it");
    let (rest, code) = rest(session);
    assert!(rest.contains("Interrupted before anything was changed.") && code == 130, "{command:?}: {code} {rest}");
    assert!(!host.is_locked(), "{command:?}: {rest}");
}

#[test]
fn at_a_question_nothing_is_written_and_the_lock_is_given_back() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = applied(&host, &cloud);
    stack.write("plans/web.tf", &format!("{STORE}{}{}", tag("a"), tag("b")));
    cloud.outside("POST", "/v2/tags", &json!({ "name": "b" }));
    let before = host.state();
    for command in ASKING.iter().filter(|command| command[0] != "unlock") {
        if command[0] == "apply" {
            cloud.outside("DELETE", "/v2/tags/b", &json!(null));
        }
        interrupt_at_the_question(&host, &stack, command);
        assert!(host.state() == before, "{command:?}");
    }
    // At the question of `unlock` the lock is another's, and stays.
    super::killed(&host, &cloud);
    let mut session = on_terminal(&stack, &["unlock", "web"]);
    session.exp_string(QUESTION).expect("it asks");
    session.send_control('c').expect("the terminal takes it");
    assert_eq!(rest(session).1, 130);
    assert!(host.is_locked());
}

#[test]
fn while_it_is_given_back_that_is_brought_to_its_end() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = applied(&host, &cloud);
    let address = "digitalocean_tag.a";
    stack.write("state.json", &stack.run(&["state", "pull", "web"]).ok().stdout.replace(address, "digitalocean_tag.c"));
    for command in [
        &["state", "mv", "web", address, "digitalocean_tag.b"][..],
        &["state", "rm", "web", "digitalocean_tag.b"],
        &["import", "web", address, "a"],
        &["state", "push", "-force", "web", "state.json"],
        &["destroy", "web", "-auto-approve"],
    ] {
        waits(&host, true);
        let mut session = on_terminal(&stack, command);
        while !host.folder.exists("here") {
            assert!(session.process().status().is_none_or(|status| status == rexpect::process::WaitStatus::StillAlive), "{command:?}");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        session.send_control('c').expect("the terminal takes it");
        session.exp_string("Interrupted: releasing the state.").expect("it says so");
        host.folder.write("go", "");
        let (rest, code) = rest(session);
        assert_eq!(code, 0, "{command:?}: {rest}");
        assert!(!host.is_locked(), "{command:?}: {rest}");
        host.unhook();
        stack.run(&["state", "list", "web"]).ok();
        assert_eq!(host.state(), stack.json(".dofloat/store/web/web.json"), "{command:?}: {rest}");
    }
    assert!(cloud.is_fresh());
}

#[test]
fn a_second_one_says_what_is_left_and_how_to_go_on() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = applied(&host, &cloud);
    waits(&host, false);
    let mut run = Run::start(&stack, &["state", "rm", "web", "digitalocean_tag.a"]);
    run.until("the host", |_| host.folder.exists("here"));
    run.signal("INT");
    run.until("the word that it gives the state back", |run| run.complained().contains("releasing the state"));
    run.signal("INT");
    let ended = run.end().exits(130).mentions("Interrupted again: stopping at once.").mentions("stays locked for everybody else");
    ended.mentions("`dofloat unlock web`");
    host.folder.write("go", "");
    host.unhook();
    assert!(host.is_locked());
    stack.run(&["unlock", "web", "-force"]).ok().says("The state is published and unlocked.");
    assert!(!host.is_locked() && host.state()["resources"].as_object().is_some_and(serde_json::Map::is_empty));
}

/// Every command that takes the lock, without what it waits.
const LOCKING: &[&[&str]] = &[
    &["apply", "web", "-auto-approve"],
    &["destroy", "web", "-auto-approve"],
    &["destroy", "web", "-strays", "-auto-approve"],
    &["refresh", "web"],
    &["import", "web", "-discover", "-auto-approve"],
    &["import", "web", "digitalocean_tag.a", "a"],
    &["adopt", "web", "digitalocean_tag.a", "none"],
    &["state", "mv", "web", "digitalocean_tag.a", "digitalocean_tag.b"],
    &["state", "rm", "web", "digitalocean_tag.a"],
    &["state", "untaint", "web", "digitalocean_tag.a"],
    &["state", "push", "web", "state.json"],
    &["failover", "web"],
    &["standby", "web", "a"],
    &["online", "web", "a"],
    &["drill", "web", "-auto-approve"],
];

/// Every command that asks before it does something.
const ASKING: &[&[&str]] = &[&["import", "web", "-discover"], &["apply", "web"], &["destroy", "web"], &["unlock", "web"]];

/// Every command that asks before it does something to a pair.
const ASKING_OF_PAIRS: &[&[&str]] = &[&["drill", "web"]];

/// Commands that say how the state is locked and lock nobody out: they only look.
const LOOKING: &[&[&str]] = &[&["plan"]];

/// Commands that lock without waiting, and so without an option for it.
const AT_ONCE: &[&[&str]] = &[&["state", "recipients", "rotate"]];

#[test]
fn the_tables_know_every_command_that_locks_or_asks() {
    let stack = Stack::empty();
    let commands = |above: &[&str]| -> Vec<String> {
        let help = stack.run(&[above, &["-help"]].concat()).ok().stdout;
        let (_, list) = help.split_once("Commands:\n").unwrap_or_default();
        let lines = list.lines().take_while(|line| !line.is_empty());
        lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).filter(|name| name != "help").collect()
    };
    let (mut wanted, mut seen) = (Vec::new(), 0);
    for first in commands(&[]) {
        let below = if first == "state" { commands(&["state"]) } else { vec![String::new()] };
        for second in below {
            let command: Vec<&str> = [first.as_str(), &second].into_iter().filter(|word| !word.is_empty()).collect();
            seen += 1;
            let help = stack.run(&[&command, &["-help"][..]].concat()).ok().stdout;
            let is_known = LOCKING.iter().chain(LOOKING).any(|known| known.starts_with(&command));
            if help.contains("--lock-timeout") && !is_known {
                wanted.push(command.join(" "));
            }
            if help.contains("Do not ask") && !ASKING.iter().chain(ASKING_OF_PAIRS).any(|known| known.starts_with(&command)) {
                wanted.push(format!("{} (asks)", command.join(" ")));
            }
        }
    }
    assert!(seen > 20 && wanted.is_empty(), "{seen} commands; the tables lack {wanted:?}");
}

#[test]
fn while_it_waits_for_another_nothing_is_taken() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = applied(&host, &cloud);
    stack.write("state.json", &stack.run(&["state", "pull", "web"]).ok().stdout);
    super::killed(&host, &cloud);
    let holder = host.git(&["rev-parse", "state-lock/web"]).ok().stdout;
    for (command, signal) in LOCKING.iter().zip(["INT", "TERM"].into_iter().cycle()) {
        let mut run = Run::start(&stack, &[command, &["-lock-timeout=24h"][..]].concat());
        run.until("the word for whom it waits", |run| run.said().contains("Waiting for that run to end"));
        run.signal(signal);
        run.end().exits(130).mentions("Interrupted before anything was changed.");
        assert_eq!(host.git(&["rev-parse", "state-lock/web"]).ok().stdout, holder, "{command:?}");
    }
}

/// Who is asked for a lock may grant it after the one who asked has gone: then nobody would know of it.
#[test]
fn while_it_asks_for_the_lock_the_answer_is_waited_for_and_nothing_is_left() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = applied(&host, &cloud);
    stack.write("state.json", &stack.run(&["state", "pull", "web"]).ok().stdout);
    let (here, go) = (host.folder.path("here"), host.folder.path("go"));
    let before = host.state();
    for (command, signal) in LOCKING.iter().chain(AT_ONCE).zip(["INT", "TERM"].into_iter().cycle()) {
        for mark in [&here, &go] {
            let _ = std::fs::remove_file(mark);
        }
        let wait = format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.02; done", here.display(), go.display());
        host.hook(&format!("#!/bin/sh\n[ \"$1\" = refs/heads/state-lock/web ] || exit 0\n[ -e '{}' ] || {{ {wait}; }}\n", go.display()));
        let mut run = Run::start(&stack, command);
        run.until("the host", |_| here.exists());
        run.signal(signal);
        run.until("the word that it gives the lock back", |run| run.complained().contains("releasing the lock that was requested"));
        host.folder.write("go", "");
        let ended = run.end().exits(130);
        host.unhook();
        assert!(!host.is_locked() && host.state() == before, "{command:?}: {ended}");
    }
}

/// Nobody waits for ever at a keyboard: then it is said that nobody knows, and what frees the lock if it is there.
#[test]
fn a_host_that_does_not_answer_is_given_up() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = applied(&host, &cloud);
    let (here, go) = (host.folder.path("here"), host.folder.path("go"));
    let wait = format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.02; done", here.display(), go.display());
    host.hook(&format!("#!/bin/sh\n[ \"$1\" = refs/heads/state-lock/web ] || exit 0\n{wait}\nexit 1\n"));
    let mut run = Run::start(&stack, &["state", "rm", "web", "digitalocean_tag.a"]);
    run.until("the host", |_| here.exists());
    run.signal("INT");
    let ended = run.end().exits(130).mentions("Interrupted before anything was changed.");
    ended.mentions("It is unknown whether the state is locked now").mentions("`dofloat unlock web`");
    host.folder.write("go", "");
    host.unhook();
    stack.run(&["state", "list", "web"]).ok().says("digitalocean_tag.a");
}

#[test]
fn at_a_question_of_a_pair_nothing_is_done_and_the_lock_is_given_back() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let stack = host.clone(&cloud, include_str!("../../../../plans/ha.tf"));
    let stack = stack.env("DOFLOAT_CLOCK", "virtual").env("TF_VAR_failover_token", "token-of-the-nodes-4712");
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    cloud.forget_log();
    for command in ASKING_OF_PAIRS {
        interrupt_at_the_question(&host, &stack, command);
        assert!(cloud.requests().0 == 0, "{command:?}");
    }
}

#[test]
fn whoever_only_looks_sees_what_another_clone_has_made() {
    let (cloud, host) = (Cloud::start(Options::default()), Host::folder());
    let plan = include_str!("../../../../plans/ha.tf");
    let clone = || host.clone(&cloud, plan).env("DOFLOAT_CLOCK", "virtual").env("TF_VAR_failover_token", "token-of-the-nodes-4712");
    let stack = clone();
    stack.run(&["apply", "web", "-auto-approve"]).ok();
    clone().run(&["status", "web"]).ok().says("dofloat_cluster.web: serving (simulated)");
}
