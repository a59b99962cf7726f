//! Every action that a story asks for, its answer lost once in every way, before it took effect and after.
//!
//! Invariant: one run suffices. The account is what an undisturbed run leaves, and as much was done to get there: nothing is
//! done twice.

use std::collections::BTreeMap;
use std::fmt;

use crate::support::lost::{AFTER, BEFORE};
use crate::support::scene::{Ended, Goal, OF_THE_ESTATE, PAIR, POWERED_OFF, STORIES, Stage, Story};
use crate::support::walk::{Stride, walk};

struct Case {
    story: &'static str,
    fault: String,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.story, self.fault)
    }
}

#[test]
fn no_action_of_the_tutorials_stack_is_lost_or_done_twice() {
    lost(&[STORIES[0], STORIES[1], STORIES[2], STORIES[3]], Stride { thin: 41, full: 2 });
}

#[test]
fn no_action_of_the_estate_is_lost_or_done_twice() {
    lost(&OF_THE_ESTATE, Stride { thin: 97, full: 4 });
}

#[test]
fn no_action_of_a_pair_is_lost_or_done_twice() {
    lost(&PAIR, Stride { thin: 31, full: 2 });
}

#[test]
fn no_action_that_switches_on_what_is_off_is_lost_or_done_twice() {
    lost(&POWERED_OFF, Stride { thin: 11, full: 1 });
}

fn lost(stories: &[Story], stride: Stride) {
    let mut sorts = BTreeMap::<String, usize>::new();
    for story in stories {
        let stage = Stage::set(*story);
        let goal = stage.undisturbed();
        let cases = cases(*story, &goal, &mut sorts);
        let (expected, what) = (done(&goal.world), format!("lost actions: {}", story.name));
        if cases.is_empty() {
            continue;
        }
        walk(&what, &cases, stride, |Case { fault, .. }| {
            let mut scene = stage.open();
            scene.cloud.set_faults(&[fault]);
            let first = scene.command(&[]);
            scene.cloud.set_faults(&[]);
            if first.code != 0 {
                let mut ended = scene.go_on(&goal.shape);
                ended.wrongs.insert(0, format!("one run does not do: {first}"));
                return Some(ended);
            }
            let mut wrongs = scene.wrongs(&goal.shape);
            if done(&scene.cloud.world()) != expected {
                wrongs.push(format!("done is {:?}, not {expected:?}: {first}", done(&scene.cloud.world())));
            }
            Some(Ended { wrongs, ..Ended::default() })
        });
    }
    crate::support::harness::say(&format!("lost actions: {sorts:?}"));
}

/// Each action with its answer lost in each way; what was asked for is counted.
fn cases(story: Story, goal: &Goal, sorts: &mut BTreeMap<String, usize>) -> Vec<Case> {
    let (mut nth, mut cases) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for asked in goal.log.iter().filter(|asked| asked.method == "POST" && asked.path.ends_with("/actions")) {
        let nth = nth.entry(&asked.path).or_default();
        *nth += 1;
        *sorts.entry(asked.request["type"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        let what = BEFORE.into_iter().chain(AFTER);
        cases.extend(what.map(|what| Case { story: story.name, fault: format!("POST {}#{nth} {what}", asked.path) }));
    }
    cases
}

/// What was ever done in the account, and how often.
fn done(world: &serde_json::Value) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for action in world["actions"].as_object().into_iter().flat_map(|actions| actions.values()) {
        *all.entry(format!("{} {}", action["kind"], action["state"])).or_default() += 1;
    }
    all
}
