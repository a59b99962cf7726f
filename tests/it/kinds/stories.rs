//! One story for every plain kind, by the samples of the matrix: made, changed in place, drifted, forgotten and imported, found again
//! after a lost answer and after a kill, and deleted.
//!
//! Invariant: nothing here names a kind but those that have neither mark nor unique name; a kind without samples fails.

use std::collections::BTreeMap;

use dofloat::kinds::KINDS;
use dofloat::kinds::attr::{Attr, Change, Reads};
use dofloat::kinds::erased::AnyKind;
use dofloat::sim::{ClockMode, Options};

use super::matrix::line;
use super::matrix::samples::{BEDS, Bed, Sample};
use crate::support::answers;
use crate::support::cloud::Cloud;
use crate::support::harness::{Stack, say};

const APPLY: &[&str] = &["apply", "one", "-auto-approve"];
const PLAN: &[&str] = &["plan", "one", "-detailed-exitcode"];
const DESTROY: &[&str] = &["destroy", "one", "-auto-approve"];

/// The plain kinds, each with its first bed.
fn beds() -> Vec<(&'static dyn AnyKind, &'static Bed)> {
    let plain = KINDS.iter().copied().filter(|kind| kind.is_plain());
    let bed = |kind: &'static dyn AnyKind| BEDS.iter().find(|bed| bed.kind == kind.name());
    plain.map(|kind| (kind, bed(kind).unwrap_or_else(|| panic!("no samples for {}", kind.name())))).collect()
}

/// A stack with one object, of which one attribute may be another.
pub(crate) fn text(kind: &dyn AnyKind, bed: &Bed, other: Option<(&Sample, &str)>) -> String {
    let mut lines: BTreeMap<&str, &str> = bed.body.iter().copied().collect();
    if let Some((sample, value)) = other {
        lines.extend(sample.with.iter().copied());
        lines.insert(sample.name, value);
    }
    let row = |name: &str| -> &'static Attr { kind.attrs().iter().find(|row| row.name == name).expect("an attribute") };
    let body: String = lines.into_iter().map(|(name, value)| line(row(name), value)).collect();
    format!("{}\nresource \"{}\" \"x\" {{\n{body}}}\n", bed.around, kind.name())
}

pub(crate) fn account(options: Options) -> (Cloud, Stack) {
    let cloud = Cloud::start(options);
    let stack = cloud.serve(Stack::in_memory()).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

pub(crate) fn slow() -> Options {
    Options { clock: ClockMode::Explicit { looks: 1 }, ..Options::default() }
}

/// The create of the kind's own object among the changing requests: its place, from 1, and its path.
fn create(cloud: &Cloud, kind: &dyn AnyKind, stack: &Stack) -> (usize, String) {
    let id = identity(stack, kind);
    let own = id.rsplit(',').next().expect("an identity");
    let writes: Vec<_> = cloud.log().into_iter().filter(dofloat::sim::Exchange::is_write).collect();
    let shows = |of: &dofloat::sim::Exchange| of.response.to_string().contains(&format!("\"{own}\""));
    // By a POST to what it is known by, as what lies in a project is; else by one that shows it.
    let is_to_it = |of: &dofloat::sim::Exchange| of.method == "POST" && of.path.contains(own);
    let place = writes.iter().position(is_to_it).or_else(|| writes.iter().position(|of| of.method == "POST" && shows(of)));
    // An action names neither: it is the last one that was asked for.
    let place = place.or_else(|| writes.iter().rposition(|of| of.method == "POST" && of.path.ends_with("/actions")));
    // What no request makes comes after what it is of.
    let place = place.or_else(|| writes.iter().rposition(|of| of.method == "POST"));
    let place = place.expect("it was made by a POST");
    (place + 1, writes[place].path.clone())
}

/// Whether nothing is there any more but tags, which stay in an account.
fn is_left(cloud: &Cloud) -> bool {
    cloud.summary().into_iter().all(|(of, count)| count == 0 || of == "tags")
}

fn identity(stack: &Stack, kind: &dyn AnyKind) -> String {
    let state = stack.json("state/one.json");
    state["resources"][format!("{}.x", kind.name())]["id"].as_str().expect("it has an identity").to_owned()
}

#[test]
fn every_plain_kind_is_changed_in_place_and_brought_back() {
    let mut edits = 0;
    for (kind, bed) in beds() {
        let (cloud, stack) = account(slow());
        // What cannot be taken back in place stands first there, and comes last here.
        for sample in bed.samples.iter().rev() {
            let row = kind.attrs().iter().find(|row| row.name == sample.name).expect("an attribute");
            if !matches!(row.change, Change::InPlace(_)) || sample.value == sample.other {
                continue;
            }
            edits += 1;
            stack.write("plans/one.tf", &text(kind, bed, Some((sample, sample.other))));
            stack.run(APPLY).ok();
            let before = cloud.world();
            stack.write("plans/one.tf", &text(kind, bed, Some((sample, sample.value))));
            stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
            stack.run(APPLY).ok();
            stack.run(PLAN).exits(0);
            // Nobody sees what the API does not give back.
            if row.reads == Reads::WriteOnly {
                continue;
            }
            // Somebody else puts it back to what it was.
            cloud.become_like(&before);
            stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
            stack.run(APPLY).ok();
            stack.run(PLAN).exits(0);
        }
        if stack.exists("state/one.json") {
            stack.run(DESTROY).ok();
        }
        assert!(is_left(&cloud), "{}: {:?}", kind.name(), cloud.summary());
    }
    say(&format!("stories: {} plain kinds, {edits} edits in place", beds().len()));
}

#[test]
fn every_plain_kind_is_forgotten_imported_and_made_anew() {
    for (kind, bed) in beds() {
        let (cloud, stack) = account(slow());
        stack.write("plans/one.tf", &text(kind, bed, None));
        stack.run(APPLY).ok();
        let (id, address) = (identity(&stack, kind), format!("{}.x", kind.name()));
        stack.run(&["state", "rm", "one", &address]).ok();
        stack.run(&["import", "one", &address, &id]).ok();
        assert_eq!(identity(&stack, kind), id);
        // What the API never gives back cannot be known after an import.
        if !kind.attrs().iter().any(|row| row.reads == Reads::WriteOnly && row.change == Change::Replace) {
            stack.run(PLAN).exits(0);
        }
        stack.run(DESTROY).ok();
        assert!(is_left(&cloud), "{}: {:?}", kind.name(), cloud.summary());
        stack.run(APPLY).ok();
        stack.run(PLAN).exits(0);
    }
}

#[test]
fn the_object_of_a_lost_answer_is_found_and_of_a_kill_too() {
    for (kind, bed) in beds() {
        let (cloud, stack) = account(slow());
        stack.write("plans/one.tf", &text(kind, bed, None));
        stack.run(APPLY).ok();
        let (place, path) = create(&cloud, kind, &stack);
        let count = cloud.summary();
        let (cloud, stack) = account(slow());
        stack.write("plans/one.tf", &text(kind, bed, None));
        cloud.set_faults(&[&format!("POST {path} reset-after")]);
        let (ended, questions) = answers::run(&stack, APPLY);
        ended.ok();
        assert_eq!(cloud.summary(), count, "{}: a lost answer", kind.name());
        stack.run(PLAN).exits(0);
        let (cloud, stack) = account(slow());
        stack.write("plans/one.tf", &text(kind, bed, None));
        let killed = stack.run_env(&[("DOFLOAT_CRASH", &format!("write.answered@{place}"))], APPLY);
        assert_ne!(killed.code, 0, "{}: it was not killed", kind.name());
        cloud.settle_down();
        let (ended, more) = answers::run(&stack, APPLY);
        ended.ok();
        assert_eq!(cloud.summary(), count, "{}: a kill", kind.name());
        stack.run(PLAN).exits(0);
        say(&format!("stories: {}: {questions} questions after a lost answer, {more} after a kill", kind.name()));
    }
}
