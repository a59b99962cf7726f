//! Ctrl-C and SIGTERM at every stage of a command.
//!
//! Invariant: nothing new begins after the first, what runs is waited for within a bound, and the second ends it at once.
//! State and journal are in order in either case, and the next run goes on with the very same objects.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use dofloat::sim::ClockMode;
use rexpect::process::{Signal, WaitStatus};
use rexpect::session::spawn_command;

use crate::support::fleet::{Fleet, TIMES};
use crate::support::harness::Stack;
use crate::support::running::Run;

/// Far longer than it takes; only a program that hangs meets it.
const PATIENCE: u64 = 60_000;
const APPLY: [&str; 2] = ["apply", "-auto-approve"];

/// A fleet whose droplets take so long to boot.
fn booting(clusters: usize, droplet: Duration) -> Fleet {
    let (request, action) = (Duration::from_millis(5), Duration::from_millis(50));
    let fleet = Fleet::with(clusters, ClockMode::Real { request, droplet, action });
    Fleet { stack: fleet.stack.env("DOFLOAT_CLOCK", &TIMES.to_string()), ..fleet }
}

fn droplets(fleet: &Fleet) -> BTreeSet<String> {
    fleet.cloud.show("droplets").iter().map(|droplet| droplet["id"].to_string()).collect()
}

fn journal(fleet: &Fleet) -> String {
    let path = "state/fleet.journal";
    if fleet.stack.exists(path) { fleet.stack.read(path) } else { String::new() }
}

/// The same command again: it goes on, and keeps every droplet that was begun.
fn goes_on(fleet: &Fleet, kept: &BTreeSet<String>) {
    let again = fleet.stack.run(&APPLY);
    let wrongs = fleet.wrongs(&again, &fleet.shape(), false);
    assert!(wrongs.told.is_empty(), "{}", wrongs.told.join("\n"));
    let now = droplets(fleet);
    assert!(kept.is_subset(&now), "{kept:?} {now:?}");
    let wanted = fleet.stack.run(&["state", "list"]).ok().stdout.lines().filter(|line| line.contains("digitalocean_droplet.")).count();
    assert_eq!(now.len(), wanted, "none is double");
}

#[test]
fn the_first_lets_running_calls_end_and_starts_nothing() {
    for signal in ["INT", "TERM"] {
        let fleet = Fleet::held(8);
        let mut apply = Run::start(&fleet.stack, &APPLY);
        apply.until("droplets that boot, others that are done, and more to do", |_| {
            journal(&fleet).matches("\"done\"").count() > 8 && droplets(&fleet).len() == 16
        });
        apply.signal(signal);
        apply.until("the word that it waits", |apply| apply.said().contains("Interrupted: waiting for running operations"));
        fleet.let_go();
        let ended = apply.end().exits(130).says("Interrupted: waiting for running operations").says("Apply interrupted.");
        let (_, after) = ended.stdout.split_once("Interrupted: waiting for running").expect("it says so");
        assert!(!after.contains("Creating..."), "{ended}");
        assert!(after.contains("Creation complete"), "what runs is waited for: {ended}");
        assert!(!fleet.stack.exists("state/fleet.journal"), "every step's fate is known: {ended}");
        goes_on(&fleet, &droplets(&fleet));
    }
}

#[test]
fn the_second_ends_it_at_once_and_half_made_droplets_are_waited_for() {
    let fleet = Fleet::held(4);
    let mut apply = Run::start(&fleet.stack, &APPLY);
    apply.until("droplets that boot, and their identities on disk", |_| {
        journal(&fleet).lines().filter(|line| line.contains("\"entry\":{\"id\"")).count() >= 4 && droplets(&fleet).len() >= 4
    });
    apply.signal("INT");
    apply.until("the word that it stops", |apply| apply.said().contains("Interrupted: waiting for running operations"));
    apply.signal("TERM");
    let ended = apply.end().exits(130).mentions("Interrupted again: stopping at once.").mentions("state/fleet.journal records them.");
    let begun = droplets(&fleet);
    assert!(fleet.cloud.show("droplets").iter().any(|droplet| droplet["status"] == "new"), "it did not wait: {ended}");
    assert!(journal(&fleet).contains("\"begin\""), "the journal knows what was begun: {ended}");
    fleet.let_go();
    goes_on(&fleet, &begun);
}

#[test]
fn a_call_that_never_comes_back_is_given_up_within_the_bound() {
    let fleet = booting(1, Duration::from_millis(100));
    fleet.cloud.set_faults(&["POST /v2/droplets#2 never-after"]);
    let stack = fleet.stack.env("DOFLOAT_TIME_LIMIT", "3600000");
    let fleet = Fleet { stack, ..fleet };
    let mut apply = Run::start(&fleet.stack, &APPLY);
    apply.until("the second droplet", |_| droplets(&fleet).len() == 2);
    apply.signal("INT");
    let ended = apply.end().exits(130).mentions("was not finished when the run stopped");
    assert!(journal(&fleet).contains("\"begin\""), "{ended}");
    fleet.cloud.set_faults(&[]);
    goes_on(&fleet, &droplets(&fleet));
}

#[test]
fn a_signal_while_planning_ends_it_with_nothing_written() {
    for (signal, arguments) in [("INT", &APPLY[..]), ("TERM", &APPLY), ("INT", &["plan", "-out=saved.plan"]), ("TERM", &["plan"])] {
        let fleet = booting(1, Duration::ZERO);
        fleet.cloud.set_faults(&["GET /v2/accountx0 never-before"]);
        let mut run = Run::start(&fleet.stack, arguments);
        run.until("a read that is never answered", |_| fleet.cloud.log().iter().any(|exchange| exchange.path == "/v2/account"));
        run.signal(signal);
        run.end().exits(130).mentions("Interrupted before anything was changed.");
        assert_eq!(fleet.cloud.requests().0, 0);
        let left: Vec<String> = fleet.stack.files().into_keys().filter(|path| !path.starts_with("plans/")).collect();
        assert_eq!(left, [".dofloat/.gitignore", ".dofloat/fleet.lock"]);
    }
}

#[test]
fn a_signal_while_waiting_for_the_lock_ends_the_waiting() {
    let fleet = Fleet::held(1);
    let mut holder = Run::start(&fleet.stack, &APPLY);
    holder.until("a droplet that is being made", |_| !droplets(&fleet).is_empty());
    for signal in ["INT", "TERM"] {
        let mut waiting = Run::start(&fleet.stack, &["apply", "-auto-approve", "-lock-timeout=24h"]);
        waiting.until("the word for whom it waits", |run| run.said().contains("Waiting for that run to end"));
        waiting.signal(signal);
        waiting.end().exits(130).mentions("Interrupted before anything was changed.");
    }
    let refused = fleet.stack.run(&["unlock", "fleet", "-force"]).exits(3).mentions("The state is locked by `dofloat apply`, process ");
    refused.mentions("which is running in this folder").mentions("its lock ends with its process");
    fleet.let_go();
    holder.end().ok();
    fleet.stack.run(&["unlock", "fleet"]).ok().says("The state is not locked.");
    goes_on(&fleet, &droplets(&fleet));
}

#[test]
fn a_signal_while_it_asks_ends_it_with_nothing_written() {
    for signal in [None, Some(Signal::SIGTERM)] {
        let stack = Stack::clone_of_the_package();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dofloat"));
        command
            .args(["apply", "web", "--sim"])
            .current_dir(stack.path("."))
            .env_clear()
            .env("HOME", stack.path("home"))
            .env("NO_COLOR", "1");
        let mut session = spawn_command(command, Some(PATIENCE)).expect("a terminal");
        session.exp_string("Enter a value:").expect("it asks");
        match signal {
            None => session.send_control('c').expect("the terminal takes it"),
            Some(signal) => session.process_mut().signal(signal).expect("it runs"),
        }
        let rest = session.exp_eof().expect("it ends");
        assert!(rest.contains("Interrupted before anything was changed."), "{rest}");
        let status = session.process().wait().expect("it is our child");
        assert!(matches!(status, WaitStatus::Exited(_, 130)), "{status:?}");
        assert!(!stack.exists(".dofloat/sim/web/web.json") && !stack.exists(".dofloat/sim/web/web.journal"));
    }
}
