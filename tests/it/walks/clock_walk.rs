//! Clocks that differ and clocks that are set, over whole stories.
//!
//! Invariant: a run that was killed is gone on with as well on a machine whose clock shows another time, while what it made
//! is missing from lists; a clock that is set in the middle of a run changes nothing about it.

use std::fmt;

use crate::support::scene::{Ended, OF_THE_ESTATE, PAIR, STORIES, Stage, Story};
use crate::support::walk::{Stride, walk};

/// By how many seconds the second machine's clock is ahead.
const APART: [i64; 4] = [-3600, -90, 90, 3600];
/// By how many seconds a clock is set in the middle.
const SET: [i64; 2] = [7200, -7200];
/// After so many readings. The stamps of the journal are some; what is left of the waits goes by another clock.
const READINGS: [usize; 8] = [1, 2, 3, 5, 8, 13, 21, 34];
/// So many times as fast as the system's clock runs the clock of a run that recovers: its looks come at once, after 20 s and
/// after a minute, which is half a second and one and a half.
const TIMES: &str = "40";
/// How long what was made is missing from lists, in real time: longer than a program takes to start and to look first.
const HIDDEN: u64 = 300;
/// How many looks see something unfinished, so that there is something to wait for.
const LOOKS: u32 = 4;

struct Killed {
    story: &'static str,
    point: String,
    apart: i64,
}

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {} s apart", self.story, self.point, self.apart)
    }
}

#[test]
fn an_apply_is_gone_on_with_by_another_clock() {
    apart(STORIES[0], Stride { thin: 37, full: 3 });
}

#[test]
fn a_replacement_is_gone_on_with_by_another_clock() {
    apart(STORIES[2], Stride { thin: 41, full: 3 });
}

#[test]
fn an_apply_of_the_estate_is_gone_on_with_by_another_clock() {
    apart(OF_THE_ESTATE[0], Stride { thin: 127, full: 5 });
}

#[test]
fn an_apply_of_a_pair_is_gone_on_with_by_another_clock() {
    apart(PAIR[0], Stride { thin: 31, full: 3 });
}

fn apart(story: Story, stride: Stride) {
    let stage = Stage::set(story);
    let goal = stage.undisturbed();
    let mut cases = Vec::new();
    for nth in 1..=goal.writes() {
        for point in ["write.before", "write.answered"] {
            cases.extend(APART.map(|apart| Killed { story: story.name, point: format!("{point}@{nth}"), apart }));
        }
    }
    walk(&format!("another clock: {}", story.name), &cases, stride, |case| {
        let mut scene = stage.open();
        scene.cloud.set_faults(&[&format!("POST /v2/**#1x0 hidden={HIDDEN}")]);
        if scene.command(&[("DOFLOAT_CRASH", &case.point)]).code == 0 {
            return None;
        }
        scene.cloud.set_faults(&[]);
        scene.set("DOFLOAT_CLOCK", TIMES);
        scene.set("DOFLOAT_CLOCK_SET", &case.apart.to_string());
        Some(scene.go_on(&goal.shape))
    });
}

struct Set {
    story: Story,
    by: i64,
    readings: usize,
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, set by {} s at reading {}", self.story.name, self.by, self.readings)
    }
}

#[test]
fn a_clock_that_is_set_in_the_middle_changes_nothing() {
    for (place, story) in STORIES.into_iter().chain(OF_THE_ESTATE).chain(PAIR).enumerate() {
        let stage = Stage::set(story).slow(LOOKS);
        let goal = stage.undisturbed();
        let cases: Vec<Set> = READINGS.into_iter().flat_map(|readings| SET.map(|by| Set { story, by, readings })).skip(place % 3).collect();
        walk(&format!("a clock that is set: {}", story.name), &cases, Stride { thin: 11, full: 1 }, |case| {
            let scene = stage.open();
            let set = format!("{}@{}", case.by, case.readings);
            let ended = scene.command(&[("DOFLOAT_CLOCK_SET", &set)]);
            let mut wrongs = scene.wrongs(&goal.shape);
            wrongs.extend((ended.code != 0).then(|| format!("one run does not do: {ended}")));
            Some(Ended { wrongs, ..Ended::default() })
        });
    }
}
