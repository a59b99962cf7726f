//! Every request of a run failing in every way: the run goes through or fails honestly, and the same command again converges.
//!
//! Invariant: never anything double, and no failure without a message. Walked in full with `DOFLOAT_TESTS=full`, else in
//! strides. Time is virtual; only an answer that never comes costs real time, a short limit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use dofloat::sim::Exchange;
use serde_json::Value;

use crate::harness::{in_full, say};
use crate::scene::{STORIES, Scene, Story, undisturbed};

/// What befalls any request.
const OF_LINES: [&str; 18] = [
    "refuse=20",
    "throttle",
    "throttle=2",
    "error-before=503",
    "error-before=404",
    "error-after=500",
    "reset-before",
    "reset-after",
    "close-before",
    "close-after",
    "page-before",
    "page-after",
    "truncate",
    "garble",
    "never-before",
    "never-after",
    "trickle=1",
    "unauthorized",
];

/// What does not go away while the run lasts.
const LASTING: [&str; 5] = ["throttle=2", "error-before=503", "error-after=500", "reset-after", "unauthorized"];

/// What befalls the thing that a request makes, alone and when the answer is lost too.
const OF_THINGS: [&str; 10] = [
    "action-errored",
    "action-missing=2",
    "action-word=finished",
    "late-address=2",
    "late-tags=2",
    "lagging-list=2",
    "late-get=2",
    "pending-event=2",
    "lingering-members=2",
    "vanish",
];

/// Workers: each case waits for processes, so a few more than processors.
const WORKERS: usize = 3;

#[test]
fn an_apply_survives_every_fault() {
    walk(STORIES[0], 61);
}

#[test]
fn an_update_survives_every_fault() {
    walk(STORIES[1], 211);
}

#[test]
fn a_replacement_survives_every_fault() {
    walk(STORIES[2], 151);
}

#[test]
fn a_destroy_survives_every_fault() {
    walk(STORIES[3], 71);
}

/// What happened in a case.
struct Seen {
    failed_first: bool,
    wrongs: Vec<String>,
}

fn walk(story: Story, stride: usize) {
    let expected = undisturbed(story);
    let scene = Scene::open(story);
    scene.command(&[]).ok();
    let all = cases(&scene.cloud.log());
    let stride = if in_full() { 1 } else { stride };
    let chosen: Vec<&Vec<String>> = all.iter().step_by(stride).collect();
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<usize, Seen>::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((place, faults)) = Some(next.fetch_add(1, Ordering::SeqCst)).and_then(|at| Some((at, chosen.get(at)?))) {
                    let case = play(story, faults, &expected);
                    seen.lock().expect("no worker panics").insert(place, case);
                }
            });
        }
    });
    let seen = seen.into_inner().expect("no worker panics");
    let failures: Vec<String> = seen
        .iter()
        .flat_map(|(place, case)| case.wrongs.iter().map(|wrong| format!("{} with {}: {wrong}", story.name, chosen[*place].join(" and "))))
        .collect();
    let first = seen.values().filter(|case| case.failed_first).count();
    say(&format!(
        "fault walk: {}: {} of {} cases, {} went through at once, {first} by the rerun, {} failures",
        story.name,
        chosen.len(),
        all.len(),
        chosen.len() - first,
        failures.len()
    ));
    assert!(!chosen.is_empty(), "there is no case");
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n\n"));
}

/// Faults on each changing request, and on each read; in a thin walk on the first of each sort of read.
fn cases(log: &[Exchange]) -> Vec<Vec<String>> {
    let (mut nth, mut met, mut cases) = (BTreeMap::<(&str, &str), u32>::new(), BTreeSet::new(), Vec::new());
    for exchange in log {
        let nth = nth.entry((&exchange.method, &exchange.path)).or_default();
        *nth += 1;
        let sort = exchange.path.split('/').map(|part| if part.contains(|c: char| c.is_ascii_digit()) { "*" } else { part });
        let sort = format!("{} {}", exchange.method, sort.collect::<Vec<_>>().join("/"));
        if !exchange.is_write() && !met.insert(sort) && !in_full() {
            continue;
        }
        let once = format!("{} {}#{nth}", exchange.method, exchange.path);
        let lasting = format!("{} {}#{nth}x0", exchange.method, exchange.path);
        cases.extend(OF_LINES.map(|what| vec![format!("{once} {what}")]));
        cases.extend(LASTING.map(|what| vec![format!("{lasting} {what}")]));
        if exchange.is_write() {
            cases.extend(OF_THINGS.map(|what| vec![format!("{once} {what}")]));
        }
        if exchange.method == "POST" {
            cases.extend(OF_THINGS.map(|what| vec![format!("{once} reset-after"), format!("{once} {what}")]));
        }
    }
    cases
}

fn play(story: Story, faults: &[String], expected: &Value) -> Seen {
    let scene = Scene::open(story);
    scene.cloud.set_faults(&faults.iter().map(String::as_str).collect::<Vec<_>>());
    // Only an answer that never comes is waited for in real time.
    let limit = if faults.iter().any(|fault| fault.contains("never")) { "500" } else { "3000" };
    let first = scene.command(&[("DOFLOAT_TIME_LIMIT", limit)]);
    let mut wrongs = Vec::new();
    if first.code != 0 {
        if ![1, 4].contains(&first.code) || !first.stderr.contains("error: ") {
            wrongs.push(format!("it does not fail honestly: {first}"));
        }
        scene.cloud.set_faults(&[]);
        let again = scene.command(&[]);
        if again.code != 0 {
            wrongs.push(format!("the rerun failed: {again}\n=== after {first}"));
            return Seen { failed_first: true, wrongs };
        }
    }
    scene.cloud.set_faults(&[]);
    let after = scene.wrongs(expected);
    wrongs.extend(after.into_iter().map(|wrong| format!("{wrong}\n=== after {first}")));
    Seen { failed_first: first.code != 0, wrongs }
}
