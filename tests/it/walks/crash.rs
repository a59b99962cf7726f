//! The crash matrix: a run that is killed at any of its steps, and the same command again.
//!
//! Invariant: the account lives on while the program dies; after the rerun the world is what an undisturbed run leaves, the
//! state knows exactly that, and a further plan has no changes. Walked in full with `DOFLOAT_TESTS=whole`, else in
//! strides.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use dofloat::sim::{ClockMode, Options};

use crate::support::cloud::Cloud;
use crate::support::harness::{Stack, say};
use crate::support::scene::{OF_THE_ESTATE, PAIR, POWERED_OFF, STORIES, Stage, Story};
use crate::support::walk::{Stride, walk};

/// Every name of a crash point.
pub(super) const POINTS: [&str; 11] = [
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
    killed_anywhere(STORIES[0], Stride { thin: 11, full: 2 });
}

#[test]
fn an_update_that_is_killed_anywhere_goes_on() {
    killed_anywhere(STORIES[1], Stride { thin: 23, full: 2 });
}

#[test]
fn a_replacement_that_is_killed_anywhere_goes_on() {
    killed_anywhere(STORIES[2], Stride { thin: 17, full: 2 });
}

#[test]
fn a_destroy_that_is_killed_anywhere_goes_on() {
    killed_anywhere(STORIES[3], Stride { thin: 11, full: 2 });
}

#[test]
fn an_apply_of_a_pair_that_is_killed_anywhere_goes_on_with_the_same_key() {
    killed_anywhere(PAIR[0], Stride { thin: 13, full: 2 });
}

#[test]
fn a_rolling_replacement_of_a_pair_that_is_killed_anywhere_goes_on() {
    killed_anywhere(PAIR[1], Stride { thin: 17, full: 2 });
}

#[test]
fn a_replacement_of_a_pair_at_once_that_is_killed_anywhere_goes_on() {
    killed_anywhere(PAIR[2], Stride { thin: 19, full: 2 });
}

#[test]
fn a_destroy_of_a_pair_that_is_killed_anywhere_goes_on() {
    killed_anywhere(PAIR[3], Stride { thin: 13, full: 2 });
}

#[test]
fn switching_on_what_is_off_survives_a_kill_anywhere() {
    killed_anywhere(POWERED_OFF[0], Stride { thin: 7, full: 1 });
}

#[test]
fn switching_on_a_pair_survives_a_kill_anywhere() {
    killed_anywhere(POWERED_OFF[1], Stride { thin: 7, full: 1 });
}

#[test]
fn an_apply_of_the_estate_that_is_killed_anywhere_goes_on() {
    killed_anywhere(OF_THE_ESTATE[0], Stride { thin: 41, full: 3 });
}

#[test]
fn an_update_of_the_estate_that_is_killed_anywhere_goes_on() {
    killed_anywhere(OF_THE_ESTATE[1], Stride { thin: 67, full: 3 });
}

#[test]
fn a_shrinking_of_the_estate_that_is_killed_anywhere_goes_on() {
    killed_anywhere(OF_THE_ESTATE[2], Stride { thin: 31, full: 3 });
}

#[test]
fn a_destroy_of_the_estate_that_is_killed_anywhere_goes_on() {
    killed_anywhere(OF_THE_ESTATE[3], Stride { thin: 29, full: 3 });
}

/// A run that is killed at the nth time that it comes to a point.
struct Case {
    story: &'static str,
    point: &'static str,
    nth: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}@{}", self.story, self.point, self.nth)
    }
}

fn killed_anywhere(story: Story, stride: Stride) {
    let (stage, step) = (Stage::set(story), stride.of_this_run());
    let goal = stage.undisturbed();
    let mut cases = Vec::new();
    for (place, point) in POINTS.into_iter().enumerate() {
        // Names begin at different counts, so that a thin walk does not meet the same step under each of them.
        let first = 1 + place * 3 % step;
        cases.extend((first..MOST).step_by(step).map(|nth| Case { story: story.name, point, nth }));
    }
    cases.sort_by_key(|case| case.nth);
    // How often each point is come to, as far as that is known.
    let (ends, met) = (Mutex::new(BTreeMap::<&str, usize>::new()), Mutex::new(BTreeMap::<&str, usize>::new()));
    walk(&format!("crash matrix: {}", story.name), &cases, Stride { thin: 1, full: 1 }, |case| {
        if ends.lock().expect("nobody panics").get(case.point).is_some_and(|end| *end <= case.nth) {
            return None;
        }
        let mut scene = stage.open();
        let killed = scene.command(&[("DOFLOAT_CRASH", &format!("{}@{}", case.point, case.nth))]);
        if killed.code == 0 {
            ends.lock().expect("nobody panics").insert(case.point, case.nth);
            return None;
        }
        *met.lock().expect("nobody panics").entry(case.point).or_default() += 1;
        let mut ended = scene.go_on(&goal.shape);
        if killed.code != KILLED {
            ended.wrongs.push(format!("it was not killed: {killed}"));
        }
        Some(ended)
    });
    let met = met.into_inner().expect("nobody panics");
    let table: Vec<String> = met.iter().map(|(point, count)| format!("{point} {count}")).collect();
    say(&format!("crash matrix: {}: {}", story.name, table.join(", ")));
    assert!(!met.is_empty() || crate::support::harness::asked_case().is_some(), "no crash point was met");
}

const ONE: &str = "resource \"digitalocean_droplet\" \"a\" {\n  name = \"a\"\n  region = \"nyc3\"\n  image = \"ubuntu-24-04-x64\"\n  \
                   size = \"s-1vcpu-1gb\"\n}\n";

/// The API takes a deletion at once, and the droplet is seen for some time after it. Who then wants it again gets another one, and
/// who was killed before asking keeps it.
#[test]
fn a_droplet_on_its_way_out_is_not_taken_for_kept() {
    for (interrupted, point, made) in [
        (&["destroy", "-auto-approve"][..], "write.answered@1", 1),
        (&["apply", "-auto-approve", "-replace=digitalocean_droplet.a"], "write.answered@1", 1),
        (&["destroy", "-auto-approve"], "write.before@1", 0),
    ] {
        let cloud = Cloud::start(Options { clock: ClockMode::Explicit { looks: 4 }, ..Options::default() });
        let stack = cloud.serve(Stack::with_plan("web", ONE)).env("DOFLOAT_CLOCK", "virtual");
        stack.run(&["apply", "-auto-approve"]).ok();
        assert_eq!(stack.run_env(&[("DOFLOAT_CRASH", point)], interrupted).code, KILLED, "{interrupted:?}");
        assert_eq!(cloud.show("droplets").len(), 1, "it is seen still");
        let again =
            stack.run(&["apply", "-auto-approve"]).ok().says(&format!("Apply complete! Resources: {made} added, 0 changed, 0 destroyed."));
        let again = again.mentions("digitalocean_droplet.a to be gone, because its deletion was begun");
        cloud.finish_all();
        assert_eq!(cloud.show("droplets").len(), 1, "{again}");
        stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    }
}
