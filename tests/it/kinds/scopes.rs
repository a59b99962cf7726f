//! Whole lives with no more scopes than are printed: planned, applied, changed in place, made anew, forgotten and imported,
//! refreshed, destroyed; and with each single scope less, which is then named.
//!
//! Invariant: nothing here names a kind: they come from the table, their values from the matrix.

use std::collections::{BTreeMap, BTreeSet};

use dofloat::kinds::KINDS;
use dofloat::kinds::attr::{Attr, Change};
use dofloat::kinds::erased::AnyKind;
use dofloat::sim::{Options, Scopes};
use serde_json::Value;

use super::matrix::samples::{BEDS, Bed, Sample};
use super::stories::{account, slow, text};
use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack, asked_case, in_full, say};
use crate::support::walk::{Stride, walk};

/// A life of a kind in one shape, all scopes or without one.
struct Case {
    kind: &'static dyn AnyKind,
    bed: &'static Bed,
    without: Option<String>,
    /// Those that are printed.
    scopes: BTreeSet<String>,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} without {}", self.kind.name(), self.bed.label, self.without.as_deref().unwrap_or("nothing"))
    }
}

/// Scopes without which everything goes on as well as it can: a stack without a project has no mark on its addresses.
fn is_of_use(kind: &dyn AnyKind, scope: &str) -> bool {
    kind.marked_by_project() && scope.starts_with("project:")
}

#[test]
fn a_token_with_the_printed_scopes_does_for_a_whole_life_and_with_one_less_it_is_named() {
    let mut cases = Vec::new();
    for bed in BEDS {
        let kind = KINDS.iter().copied().find(|kind| kind.name() == bed.kind).expect("a kind");
        let wanted = asked_case().is_none_or(|case| case.contains(kind.name()) || kind.name().contains(&case));
        if !wanted || kind.requests(dofloat::kinds::scopes::Operation::Read).is_empty() && kind.scopes().read.is_empty() {
            continue;
        }
        let (scopes, own) = printed(kind, bed);
        cases.push(Case { kind, bed, without: None, scopes: scopes.clone() });
        // What stands beside it is neither changed nor made anew: that is its own story's.
        cases.extend(own.into_iter().map(|scope| Case { kind, bed, without: Some(scope), scopes: scopes.clone() }));
    }
    let count: usize = cases.iter().filter(|case| case.without.is_none()).count();
    // All of each whole, and some of those with one less where not all are walked.
    let (mut chosen, less): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| case.without.is_none());
    chosen.extend(less.into_iter().step_by(Stride { thin: 7, full: 1 }.of_this_run()));
    walk("scopes: whole lives", &chosen, Stride { thin: 1, full: 1 }, |case| Some(live(case)));
    say(&format!("scopes: {count} shapes of kinds; in full: {}", in_full()));
}

/// The scopes that are printed for all versions of a life, and those of the kind itself.
fn printed(kind: &dyn AnyKind, bed: &Bed) -> (BTreeSet<String>, BTreeSet<String>) {
    let stack = Stack::in_memory();
    let (mut all, mut own) = (BTreeSet::new(), BTreeSet::new());
    let texts = |of: &Value| of.as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    for (_, plan) in versions(kind, bed) {
        stack.write("plans/one.tf", &plan);
        let printed: Value = stack.run(&["scopes", "one", "-json"]).ok().json();
        all.extend(texts(&printed["all"]));
        own.extend(texts(&printed["kinds"][kind.name()]));
    }
    (all, own)
}

/// The plans of a life: as it is made, and each attribute that can be changed in place another and back again.
fn versions(kind: &dyn AnyKind, bed: &Bed) -> Vec<(String, String)> {
    let mut all = vec![("made".to_owned(), text(kind, bed, None))];
    let row = |sample: &Sample| kind.attrs().iter().find(|row| row.name == sample.name).expect("an attribute");
    // What cannot be taken back in place stands first there or switches it off, and comes last here.
    let mut samples: Vec<&Sample> =
        bed.samples.iter().rev().filter(|sample| sample.value != sample.other && is_changed(row(sample))).collect();
    samples.sort_by_key(|sample| matches!(row(sample).change, Change::Disruptive(_)));
    let last = samples.last().map(|sample| (sample.name, sample.value));
    for sample in samples {
        let with = |value| text(kind, bed, Some((sample, value)));
        all.push((format!("{} another", sample.name), with(sample.other)));
        all.push((sample.name.to_owned(), with(sample.value)));
    }
    // What counts when it ends; else it is as it was last.
    for row in kind.attrs().iter().filter(|row| !row.leave_scopes.is_empty()) {
        let with = Box::leak(last.into_iter().collect::<Vec<_>>().into_boxed_slice());
        let sample = Sample { name: row.name, value: "true", other: "true", respelt: &[], with, needed: false };
        all.push((row.name.to_owned(), text(kind, bed, Some((&sample, "true")))));
    }
    all
}

fn is_changed(row: &Attr) -> bool {
    matches!(row.change, Change::InPlace(_) | Change::Disruptive(_) | Change::Enable(_))
}

fn live(case: &Case) -> crate::support::scene::Ended {
    let mut ended = crate::support::scene::Ended::default();
    let token: Vec<&str> = case.scopes.iter().map(String::as_str).filter(|scope| Some(*scope) != case.without.as_deref()).collect();
    let failed = first_failure(case, &token);
    match (&case.without, failed) {
        (None, Some((step, outcome))) => ended.wrongs.push(format!("{step}: the printed scopes are not enough: {token:?}\n{outcome}")),
        (Some(missing), None) if !is_of_use(case.kind, missing) => ended.wrongs.push(format!("{missing} is not needed")),
        (Some(missing), Some((step, outcome))) if outcome.code != 1 || !is_named(&outcome.stderr, missing) => {
            ended.wrongs.push(format!("{step}: {missing} is not named:\n{outcome}"));
        }
        _ => {}
    }
    ended
}

/// Whether the scope is named, and no other but one that cannot be told from it: what needs both, and nothing else needs one.
fn is_named(told: &str, scope: &str) -> bool {
    let alone = [format!("lacks the scope {scope}"), format!("lacks the scope `{scope}`")];
    let pair = regex::Regex::new(r"lacks one of these scopes[^:]*: (\S+), (\S+)\. ").expect("a pattern");
    let mut pairs = pair.captures_iter(told);
    alone.iter().any(|alone| told.contains(alone)) || pairs.any(|pair| pair[1] == *scope || pair[2] == *scope)
}

/// A life with a token of these scopes, in which the answer to the first action that changes something is lost: the first step that fails.
fn first_failure(case: &Case, scopes: &[&str]) -> Option<(String, Outcome)> {
    let tokens = BTreeMap::from([(Cloud::TOKEN.to_owned(), Scopes::parse(&scopes.join(",")))]);
    // Only after a lost answer is it looked for what came of a request.
    let lost = ["POST /v2/volumes/*/actions reset-after"];
    let faults = lost.iter().map(|fault| fault.parse().expect("a fault")).collect();
    let (_cloud, stack) = account(Options { tokens, faults, ..slow() });
    let address = format!("{}.x", case.kind.name());
    let run = |step: &str, arguments: &[&str]| {
        let outcome = stack.run(arguments);
        (outcome.code != 0).then(|| (step.to_owned(), outcome))
    };
    for (step, plan) in versions(case.kind, case.bed) {
        stack.write("plans/one.tf", &plan);
        if step == "made" {
            let planned = run("plan", &["plan", "one"]);
            if planned.is_some() {
                return planned;
            }
        }
        if let Some(failed) = run(&step, &["apply", "one", "-auto-approve"]) {
            return Some(failed);
        }
    }
    let replaced = format!("-replace={address}");
    let steps: [(&str, &[&str]); 3] =
        [("refresh", &["refresh", "one"]), ("replace", &["apply", "one", "-auto-approve", &replaced]), ("plan", &["plan", "one"])];
    let failed = steps.into_iter().find_map(|(step, arguments)| run(step, arguments));
    if failed.is_some() {
        return failed;
    }
    let id = stack.json("state/one.json")["resources"][&address]["id"].as_str().expect("it has an identity").to_owned();
    stack.run(&["state", "rm", "one", &address]).ok();
    run("import", &["import", "one", &address, &id]).or_else(|| run("destroy", &["destroy", "one", "-auto-approve"]))
}
