//! The crash matrix: a run that is killed at any of its steps, and the same command again.
//!
//! Invariant: the account lives on while the program dies; after the rerun the world is what an undisturbed run leaves, the
//! state knows exactly that, and a further plan has no changes. Walked in full with `DOFLOAT_TESTS=full`, else in strides.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{in_full, say};
use crate::scene::{PAIR, STORIES, Scene, Story, undisturbed};

/// Every name of a crash point.
const POINTS: [&str; 11] = [
    "journal.before-append",
    "journal.after-append",
    "journal.before-remove",
    "journal.after-remove",
    "state.before-write",
    "state.after-write",
    "replace.before-rename",
    "replace.after-rename",
    "call.before",
    "request.before",
    "answer.received",
];

/// More than any story has of one name.
const MOST: usize = 400;

/// The code of a process that a signal ended.
const KILLED: i32 = -1;

#[test]
fn an_apply_that_is_killed_anywhere_goes_on() {
    walk(STORIES[0], 11);
}

#[test]
fn an_update_that_is_killed_anywhere_goes_on() {
    walk(STORIES[1], 23);
}

#[test]
fn a_replacement_that_is_killed_anywhere_goes_on() {
    walk(STORIES[2], 17);
}

#[test]
fn a_destroy_that_is_killed_anywhere_goes_on() {
    walk(STORIES[3], 11);
}

#[test]
fn an_apply_of_a_pair_that_is_killed_anywhere_goes_on_with_the_same_key() {
    walk(PAIR[0], 13);
}

#[test]
fn a_rolling_replacement_of_a_pair_that_is_killed_anywhere_goes_on() {
    walk(PAIR[1], 17);
}

#[test]
fn a_replacement_of_a_pair_at_once_that_is_killed_anywhere_goes_on() {
    walk(PAIR[2], 19);
}

#[test]
fn a_destroy_of_a_pair_that_is_killed_anywhere_goes_on() {
    walk(PAIR[3], 13);
}

fn walk(story: Story, stride: usize) {
    let expected = undisturbed(story);
    let stride = if in_full() { 1 } else { stride };
    let (mut cases, mut failures) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for (place, point) in POINTS.into_iter().enumerate() {
        // Names begin at different counts, so that a thin walk does not meet the same step under each of them.
        let first = 1 + place * 3 % stride;
        for count in (first..MOST).step_by(stride) {
            match crashed(story, &format!("{point}@{count}"), &expected) {
                None => break,
                Some(wrongs) => {
                    *cases.entry(point).or_default() += 1;
                    failures.extend(wrongs.into_iter().map(|wrong| format!("{} killed at {point}@{count}: {wrong}", story.name)));
                }
            }
        }
    }
    let all: usize = cases.values().sum();
    let table: Vec<String> = cases.iter().map(|(point, count)| format!("{point} {count}")).collect();
    say(&format!("crash matrix: {}: {all} cases, {} failures ({})", story.name, failures.len(), table.join(", ")));
    assert!(all > 0, "no crash point was met");
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n\n"));
}

/// A run that is killed, then one that is not: what is wrong afterwards. None if the point is never reached.
fn crashed(story: Story, point: &str, expected: &Value) -> Option<Vec<String>> {
    let scene = Scene::open(story);
    let killed = scene.command(&[("DOFLOAT_CRASH", point)]);
    if killed.code == 0 {
        return None;
    }
    let mut wrongs = Vec::new();
    if killed.code != KILLED {
        wrongs.push(format!("it was not killed: {killed}"));
    }
    let again = scene.command(&[]);
    if again.code == 0 {
        wrongs.extend(scene.wrongs(expected));
    } else {
        wrongs.push(format!("the rerun failed: {again}"));
    }
    Some(wrongs)
}
