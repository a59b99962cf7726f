//! One stack of every kind of the table, made, changed in place, made anew and taken down: killed at its crash points, and met by
//! faults on each sort of request.
//!
//! Invariant: nothing here names a kind: they come from the table, their values from the matrix. Whatever befell a run, the same
//! command again leaves as many objects of each sort as an undisturbed run does, nothing in the journal, and an empty plan. Walked in
//! full with `DOFLOAT_TESTS=whole`, else in strides.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use dofloat::kinds::KINDS;
use dofloat::kinds::attr::Change;
use dofloat::kinds::erased::AnyKind;
use dofloat::sim::{Befalls, EVERY_FAULT};
use serde_json::Value;

use super::crash::POINTS;
use crate::kinds::matrix::samples::{BEDS, Bed, Sample};
use crate::kinds::stories::{account, slow, text};
use crate::support::answers;
use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};
use crate::support::scene::Ended;
use crate::support::walk::{Stride, walk};

/// More than a run with one object has of any crash point.
const MOST_POINTS: usize = 24;
/// More than it has of requests of one method.
const MOST_REQUESTS: usize = 6;

/// What is done with the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Chapter {
    Create,
    Update,
    Replace,
    Destroy,
}

const CHAPTERS: [Chapter; 4] = [Chapter::Create, Chapter::Update, Chapter::Replace, Chapter::Destroy];

/// What befalls the command.
enum Mishap {
    Kill(&'static str, usize),
    Fault(String),
}

struct Case {
    bed: &'static Bed,
    chapter: Chapter,
    mishap: Mishap,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}, ", self.bed.kind, self.bed.label, self.chapter)?;
        match &self.mishap {
            Mishap::Kill(point, nth) => write!(f, "{point}@{nth}"),
            Mishap::Fault(fault) => f.write_str(fault),
        }
    }
}

/// Everything up to a command, and what an undisturbed run of it leaves.
struct Stage {
    stack: Stack,
    world: Value,
    command: Vec<String>,
    goal: BTreeMap<&'static str, usize>,
}

/// Stages are set once, when the first case needs them.
type Stages = Mutex<BTreeMap<(&'static str, &'static str, Chapter), Arc<OnceLock<Option<Stage>>>>>;

#[test]
fn every_kind_survives_a_kill_anywhere() {
    let kills = |bed, chapter| {
        let at = |nth| POINTS.into_iter().map(move |point| Case { bed, chapter, mishap: Mishap::Kill(point, nth) });
        (1..=MOST_POINTS).flat_map(at).collect()
    };
    befallen("every kind: kills", Stride { thin: 793, full: 113 }, kills);
}

#[test]
fn every_kind_survives_every_fault() {
    let faults = |bed, chapter| {
        let methods = ["POST", "PUT", "PATCH", "DELETE", "GET"];
        let places = methods.into_iter().flat_map(|method| (1..=MOST_REQUESTS).map(move |nth| format!("{method} /v2/**#{nth}")));
        let what = || EVERY_FAULT.iter().filter(|(befalls, text)| *befalls == Befalls::Request && !text.contains("never"));
        let case = move |place: String| {
            what().map(move |(_, text)| Case { bed, chapter, mishap: Mishap::Fault(format!("{place} {text}")) }).collect::<Vec<_>>()
        };
        places.flat_map(case).collect()
    };
    befallen("every kind: faults", Stride { thin: 1597, full: 241 }, faults);
}

fn befallen(what: &str, stride: Stride, cases: impl Fn(&'static Bed, Chapter) -> Vec<Case>) {
    let kinds = KINDS.iter().map(|kind| BEDS.iter().find(|bed| bed.kind == kind.name()).expect("every kind has samples"));
    let all: Vec<Case> = kinds.flat_map(|bed| CHAPTERS.map(|chapter| cases(bed, chapter))).flatten().collect();
    let stages = Stages::default();
    walk(what, &all, stride, |case| {
        let place = (case.bed.kind, case.bed.label, case.chapter);
        let stage = Arc::clone(stages.lock().expect("nobody panics").entry(place).or_default());
        let stage = stage.get_or_init(|| set(case.bed, case.chapter)).as_ref()?;
        play(stage, case)
    });
}

/// Everything up to the command; nothing where there is nothing to do.
fn set(bed: &'static Bed, chapter: Chapter) -> Option<Stage> {
    let kind = KINDS.iter().copied().find(|kind| kind.name() == bed.kind).expect("a kind");
    let changed = change(kind, bed);
    let (before, plan) = match chapter {
        Chapter::Create => (None, text(kind, bed, None)),
        Chapter::Update => {
            let sample = changed?;
            (Some(text(kind, bed, Some((sample, sample.other)))), text(kind, bed, Some((sample, sample.value))))
        }
        Chapter::Replace | Chapter::Destroy => (Some(text(kind, bed, None)), text(kind, bed, None)),
    };
    let (cloud, stack) = account(slow());
    if let Some(before) = before {
        stack.write("plans/one.tf", &before);
        stack.run(&["apply", "one", "-auto-approve"]).ok();
    }
    stack.write("plans/one.tf", &plan);
    cloud.settle_down();
    let world = cloud.world();
    let verb = if chapter == Chapter::Destroy { "destroy" } else { "apply" };
    let mut command = vec![verb.to_owned(), "one".to_owned(), "-auto-approve".to_owned()];
    command.extend((chapter == Chapter::Replace).then(|| format!("-replace={}.x", bed.kind)));
    let untouched = stack.copy();
    let undisturbed = run(&stack, &command);
    assert_eq!(undisturbed.code, 0, "{} {chapter:?}: {undisturbed}", bed.kind);
    Some(Stage { stack: untouched, world, command, goal: count(&cloud) })
}

/// An attribute that is changed in place.
fn change(kind: &dyn AnyKind, bed: &'static Bed) -> Option<&'static Sample> {
    let in_place = |name: &str| {
        let row = kind.attrs().iter().find(|row| row.name == name).expect("an attribute");
        matches!(row.change, Change::InPlace(_) | Change::Disruptive(_) | Change::Enable(_))
    };
    bed.samples.iter().find(|sample| sample.value != sample.other && in_place(sample.name))
}

/// What there is, by sort. A tag that nothing carries is what an edit leaves behind.
fn count(cloud: &Cloud) -> BTreeMap<&'static str, usize> {
    cloud.summary().into_iter().filter(|(of, _)| *of != "tags").collect()
}

fn run(stack: &Stack, command: &[String]) -> Outcome {
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    answers::run(stack, &command).0
}

fn play(stage: &Stage, case: &Case) -> Option<Ended> {
    let cloud = Cloud::start(slow());
    cloud.become_like(&stage.world);
    let stack = cloud.serve(stage.stack.copy()).env("DOFLOAT_CLOCK", "virtual").env("DOFLOAT_TIME_LIMIT", "3000");
    let command: Vec<&str> = stage.command.iter().map(String::as_str).collect();
    let mut ended = Ended { runs: 1, ..Ended::default() };
    let first = match &case.mishap {
        Mishap::Kill(point, nth) => {
            let first = stack.run_env(&[("DOFLOAT_CRASH", &format!("{point}@{nth}"))], &command);
            if first.code == 0 {
                return None;
            }
            first
        }
        Mishap::Fault(fault) => {
            cloud.set_faults(&[fault]);
            let first = stack.run(&command);
            cloud.set_faults(&[]);
            if ![0, 1, 4].contains(&first.code) || first.code != 0 && !first.stderr.contains("error: ") {
                ended.wrongs.push("it does not fail honestly".to_owned());
            }
            first
        }
    };
    cloud.settle_down();
    if first.code != 0 {
        // What was asked for is not asked for again where it has gone through: the plan says what is left.
        let again = answers::run(&stack, &rerun(case, &command)).0;
        ended.runs += 1;
        if again.code != 0 {
            ended.wrongs.push(format!("it does not go on: {again}"));
        }
    }
    let found = count(&cloud);
    if found != stage.goal {
        ended.wrongs.push(format!("the account is otherwise: {:?} instead of {:?}", found, stage.goal));
    }
    if stack.exists("state/one.journal") {
        ended.wrongs.push("the journal is still there".to_owned());
    }
    let plan: &[&str] = if case.chapter == Chapter::Destroy {
        &["plan", "one", "-destroy", "-detailed-exitcode"]
    } else {
        &["plan", "one", "-detailed-exitcode"]
    };
    let plan = stack.run(plan);
    if plan.code != 0 {
        ended.wrongs.push(format!("the next plan is not empty: {plan}"));
    }
    ended.wrongs.iter_mut().for_each(|wrong| wrong.push_str(&format!("\n=== after {first}")));
    Some(ended)
}

/// The same command, but that what is made anew once is not made anew twice.
fn rerun<'a>(case: &Case, command: &[&'a str]) -> Vec<&'a str> {
    let once = case.chapter == Chapter::Replace;
    command.iter().copied().filter(|word| !(once && word.starts_with("-replace="))).collect()
}
