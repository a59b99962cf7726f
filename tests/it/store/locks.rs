//! Several at once: who has the lock, who waits, and what those who only read are told.
//!
//! Invariant: of those who begin together one works at a time; nothing is made twice; whoever gives up or waits says for
//! whom. A process that was killed leaves no lock.

use std::time::Duration;

use dofloat::sim::ClockMode;

use crate::support::fleet::Fleet;
use crate::support::harness::{Outcome, say};
use crate::support::running::Run;

/// An account whose droplets take so long that whoever makes one is at it for a while.
fn slow() -> Fleet {
    let (request, action) = (Duration::from_millis(5), Duration::from_millis(50));
    Fleet::with(1, ClockMode::Real { request, droplet: Duration::from_secs(3), action })
}

/// Runs the command so many times at once.
fn together(fleet: &Fleet, count: usize, arguments: &[&str]) -> Vec<(u32, Outcome)> {
    let runs: Vec<Run> = (0..count).map(|_| Run::start(&fleet.stack, arguments)).collect();
    runs.into_iter().map(|run| (run.pid(), run.end())).collect()
}

/// The process that the text names as the holder of the lock.
fn holder(text: &str) -> Option<u32> {
    let said = regex::Regex::new(r"The state is locked by `dofloat apply`, process (\d+), since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        .expect("a pattern");
    said.captures(text)?[1].parse().ok()
}

fn nothing_is_double(fleet: &Fleet, clusters: usize) {
    // Several may be asked for by one request.
    let names = |body: &serde_json::Value| body["names"].as_array().map_or(1, Vec::len);
    let log = fleet.cloud.log();
    let creates = log.iter().filter(|exchange| exchange.method == "POST" && exchange.path == "/v2/droplets");
    let made: usize = creates.map(|exchange| names(&exchange.request)).sum();
    assert_eq!(made, 2 * clusters, "each droplet is asked for once");
    let last = fleet.stack.run(&["apply", "-auto-approve"]);
    let wrongs = fleet.wrongs(&last, &fleet.shape(), false);
    assert!(wrongs.told.is_empty(), "{}", wrongs.told.join("\n"));
}

#[test]
fn of_several_at_once_one_works_and_the_others_name_it() {
    for count in [2, 10] {
        let fleet = Fleet::new(2);
        let ended = together(&fleet, count, &["apply", "-auto-approve"]);
        let pids: Vec<u32> = ended.iter().map(|(pid, _)| *pid).collect();
        let locked: Vec<&(u32, Outcome)> = ended.iter().filter(|(_, outcome)| outcome.code == 3).collect();
        let done = ended.iter().filter(|(_, outcome)| outcome.code == 0).count();
        assert!(done >= 1 && done + locked.len() == count, "{ended:#?}");
        for (pid, outcome) in &locked {
            let named = holder(&outcome.stderr).unwrap_or_else(|| panic!("it names nobody: {outcome}"));
            assert!(pids.contains(&named) && named != *pid, "it names {named} of {pids:?}: {outcome}");
            assert!(outcome.stderr.contains("-lock-timeout"), "{outcome}");
        }
        say(&format!("races: of {count} at once {done} went through, {} gave up", locked.len()));
        nothing_is_double(&fleet, 2);
    }
}

#[test]
fn those_who_wait_say_for_whom_and_until_when() {
    for (count, arguments) in
        [(1, &["apply", "-auto-approve", "-lock-timeout=60m"][..]), (9, &["apply", "-auto-approve", "-lock-timeout=60m", "-json"])]
    {
        let fleet = Fleet::held(2);
        let mut holder = Run::start(&fleet.stack, arguments);
        holder.until("a droplet that boots", |_| !fleet.cloud.show("droplets").is_empty());
        let mut waiting: Vec<Run> = (0..count).map(|_| Run::start(&fleet.stack, arguments)).collect();
        for run in &mut waiting {
            run.until("the word for whom it waits", |run| run.said().contains("Waiting for that run to end, until "));
        }
        fleet.let_go();
        let pid = holder.pid();
        holder.end().ok();
        for run in waiting {
            let outcome = run.end().ok();
            let line = outcome.stdout.lines().find(|line| line.contains("Waiting for that run to end")).expect("it was seen");
            assert_eq!(self::holder(line), Some(pid), "it names another one: {line}");
            if arguments.contains(&"-json") {
                let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
                assert_eq!(line["type"], "log", "{line}");
            }
        }
        nothing_is_double(&fleet, 2);
    }
}

#[test]
fn a_plan_beside_an_apply_reads_and_says_who_applies() {
    let fleet = slow();
    // The apply holds the lock for as long as the others take: it waits for an answer that does not come.
    fleet.cloud.set_faults(&["POST /v2/droplets#2 never-after"]);
    let stack = fleet.stack.env("DOFLOAT_TIME_LIMIT", "3600000");
    let fleet = Fleet { stack, ..fleet };
    let mut apply = Run::start(&fleet.stack, &["apply", "-auto-approve"]);
    apply.until("the second droplet", |_| fleet.cloud.show("droplets").len() == 2);
    let plan = fleet.stack.run(&["plan"]).ok();
    assert_eq!(holder(&format!("{}{}", plan.stdout, plan.stderr)), Some(apply.pid()), "{plan}");
    let saved = fleet.stack.run(&["plan", "-out=saved.plan"]).exits(3);
    assert!(saved.stderr.contains("The plan is not saved"), "{saved}");
    assert!(!fleet.stack.exists("saved.plan"));
    let refused = fleet.stack.run(&["apply", "-auto-approve"]).exits(3);
    assert_eq!(holder(&refused.stderr), Some(apply.pid()), "{refused}");
    assert!(fleet.stack.exists("state/fleet.journal"), "the apply went on meanwhile");
    // Who is killed holds nothing: the next one does not wait.
    let _ = apply.kill();
    fleet.cloud.set_faults(&[]);
    fleet.stack.run(&["apply", "-auto-approve"]).ok();
    nothing_is_double(&fleet, 1);
}
