//! Every request of a run failing in every way: the run goes through or fails honestly, and the same command again converges.
//!
//! Invariant: never anything double, and no failure without a message. Walked in full with `DOFLOAT_TESTS=whole`, else in
//! strides. Time is virtual; only an answer that never comes costs real time, a short limit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dofloat::sim::{Befalls, EVERY_FAULT, Exchange};

use crate::support::harness::{Width, width};
use crate::support::scene::{Ended, OF_THE_ESTATE, STORIES, Stage, Story};
use crate::support::walk::{Stride, walk};

/// What does not go away while the run lasts.
const LASTING: [&str; 5] = ["throttle=2", "error-before=503", "error-after=500", "reset-after", "unauthorized"];

/// The faults that befall this, in the simulator's order.
fn faults_of(what: Befalls) -> impl Iterator<Item = &'static str> {
    EVERY_FAULT.iter().filter(move |(befalls, _)| *befalls == what).map(|(_, text)| *text)
}

#[test]
fn an_apply_survives_every_fault() {
    disturbed(STORIES[0], Stride { thin: 61, full: 11 });
}

#[test]
fn an_update_survives_every_fault() {
    disturbed(STORIES[1], Stride { thin: 211, full: 13 });
}

#[test]
fn a_replacement_survives_every_fault() {
    disturbed(STORIES[2], Stride { thin: 151, full: 13 });
}

#[test]
fn a_destroy_survives_every_fault() {
    disturbed(STORIES[3], Stride { thin: 71, full: 7 });
}

#[test]
fn an_apply_of_the_estate_survives_every_fault() {
    disturbed(OF_THE_ESTATE[0], Stride { thin: 401, full: 31 });
}

#[test]
fn an_update_of_the_estate_survives_every_fault() {
    disturbed(OF_THE_ESTATE[1], Stride { thin: 601, full: 47 });
}

#[test]
fn a_shrinking_of_the_estate_survives_every_fault() {
    disturbed(OF_THE_ESTATE[2], Stride { thin: 301, full: 31 });
}

#[test]
fn a_destroy_of_the_estate_survives_every_fault() {
    disturbed(OF_THE_ESTATE[3], Stride { thin: 401, full: 31 });
}

/// Faults of a run.
struct Case {
    story: &'static str,
    faults: Vec<String>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.story, self.faults.join(" and "))
    }
}

fn disturbed(story: Story, stride: Stride) {
    let stage = Stage::set(story);
    let goal = stage.undisturbed();
    let cases: Vec<Case> = cases(&goal.log).into_iter().map(|faults| Case { story: story.name, faults }).collect();
    walk(&format!("fault walk: {}", story.name), &cases, stride, |Case { faults, .. }| {
        let mut scene = stage.open();
        scene.cloud.set_faults(&faults.iter().map(String::as_str).collect::<Vec<_>>());
        // Only an answer that never comes is waited for in real time. All else must not fail for want of a processor.
        let limit = if faults.iter().any(|fault| fault.contains("never")) { "500" } else { "60000" };
        let first = scene.command(&[("DOFLOAT_TIME_LIMIT", limit)]);
        scene.cloud.set_faults(&[]);
        // The last request may have met the fault: nothing of it may befall what looks at the end.
        scene.cloud.settle_down();
        let mut ended = if first.code == 0 {
            Ended { wrongs: scene.wrongs(&goal.shape), ..Ended::default() }
        } else {
            let ended = scene.go_on(&goal.shape);
            Ended { runs: ended.runs + 1, ..ended }
        };
        if first.code != 0 && (![1, 4].contains(&first.code) || !first.stderr.contains("error: ")) {
            ended.wrongs.push("it does not fail honestly".to_owned());
        }
        ended.wrongs.iter_mut().for_each(|wrong| wrong.push_str(&format!("\n=== after {first}")));
        Some(ended)
    });
}

/// Faults on each changing request, and on each read; in a thin walk on the first of each sort of read.
fn cases(log: &[Exchange]) -> Vec<Vec<String>> {
    let (mut nth, mut met, mut cases) = (BTreeMap::<(&str, &str), u32>::new(), BTreeSet::new(), Vec::new());
    for exchange in log {
        let nth = nth.entry((&exchange.method, &exchange.path)).or_default();
        *nth += 1;
        let sort = exchange.path.split('/').map(|part| if part.contains(|c: char| c.is_ascii_digit()) { "*" } else { part });
        let sort = format!("{} {}", exchange.method, sort.collect::<Vec<_>>().join("/"));
        if !exchange.is_write() && !met.insert(sort) && width() < Width::Full {
            continue;
        }
        let once = format!("{} {}#{nth}", exchange.method, exchange.path);
        let lasting = format!("{} {}#{nth}x0", exchange.method, exchange.path);
        cases.extend(faults_of(Befalls::Request).map(|what| vec![format!("{once} {what}")]));
        cases.extend(LASTING.map(|what| vec![format!("{lasting} {what}")]));
        // A project has no events; what refuses its deletion is what somebody has put into it.
        if exchange.is_write() && !exchange.path.starts_with("/v2/projects") {
            cases.extend(faults_of(Befalls::Object).map(|what| vec![format!("{once} {what}")]));
        }
        if exchange.method == "POST" {
            // The answer is lost too.
            cases.extend(faults_of(Befalls::Object).map(|what| vec![format!("{once} reset-after"), format!("{once} {what}")]));
        }
    }
    cases
}
