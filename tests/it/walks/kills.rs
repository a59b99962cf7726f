//! SIGKILL at random instants: while a fleet is made, changed and taken down, and while that is gone on with.
//!
//! Invariant: the account lives on. However often a command was killed, the same command once more brings about exactly what
//! it would have without: nothing lost, nothing twice. `DOFLOAT_KILLS=300` asks for so many; `DOFLOAT_SEED=7` tells one story
//! again, its instants the same as far as time allows.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dofloat::base::rng::Rng;
use serde_json::Value;

use crate::support::answers;
use crate::support::fleet::{Fleet, Wrongs};
use crate::support::harness::{asked, in_full, say};

const CLUSTERS: usize = 20;
/// How many of them an update leaves.
const FEWER: usize = 18;
/// At most so many kills of one command, and at least two.
const MOST: u64 = 4;
/// Stories at once: each waits for the account most of the time.
const WORKERS: usize = 3;
/// Between two looks at a run that is about to be killed.
const GLANCE: Duration = Duration::from_micros(300);

/// What is done to the fleet, one after the other.
const CHAPTERS: [Chapter; 3] = [
    Chapter { name: "apply", command: &["apply", "-auto-approve"] },
    Chapter { name: "update", command: &["apply", "-auto-approve"] },
    Chapter { name: "destroy", command: &["destroy", "-auto-approve"] },
];

#[derive(Clone, Copy)]
struct Chapter {
    name: &'static str,
    command: &'static [&'static str],
}

/// What an undisturbed command leaves, and how long it takes.
struct Course {
    shape: Value,
    span: Duration,
}

/// When a run is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after the journal was ended, just before the state is written.
    Ending(Duration),
}

/// What a run had got to when it was killed, as the files tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    BeforeTheFirstWrite,
    InApply,
    InRecovery,
    AtCommit,
}

/// What came of all stories.
#[derive(Default)]
struct Tally {
    stories: usize,
    reached: BTreeMap<Reached, usize>,
    wrongs: Wrongs,
    asked: usize,
    longest: Duration,
}

#[test]
fn a_fleet_survives_kills_at_random_instants() {
    let courses = undisturbed();
    let (seed, wanted) = match asked("DOFLOAT_SEED") {
        Some(seed) => (seed, 1),
        None => (1, asked("DOFLOAT_KILLS").unwrap_or(if in_full() { 50 } else { 6 })),
    };
    let (next, kills, tally) = (AtomicU64::new(seed), AtomicUsize::new(0), Mutex::new(Tally::default()));
    let workers = if wanted < 10 { 1 } else { WORKERS };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while (kills.load(Ordering::SeqCst) as u64) < wanted {
                    story(next.fetch_add(1, Ordering::SeqCst), &courses, &kills, &tally);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("no worker panics");
    let fell: Vec<String> = tally.reached.iter().map(|(reached, count)| format!("{reached:?} {count}")).collect();
    let Wrongs { orphans, doubles, told, .. } = &tally.wrongs;
    let stuck = told.len();
    say(&format!(
        "random kills: {} in {} stories from seed {seed} on ({}); orphans {orphans}, doubles {doubles}, failures {stuck}, questions {}; \
         the longest run that went on took {:.1} s",
        kills.load(Ordering::SeqCst),
        tally.stories,
        fell.join(", "),
        tally.asked,
        tally.longest.as_secs_f64(),
    ));
    assert!(told.is_empty(), "{stuck} failures\n{}", told.join("\n\n"));
}

/// Each chapter once without any kill.
fn undisturbed() -> Vec<Course> {
    let fleet = Fleet::new(CLUSTERS);
    let mut courses = Vec::new();
    for chapter in CHAPTERS {
        begin(&fleet, chapter);
        let start = now();
        let ended = fleet.stack.run(chapter.command);
        let course = Course { span: start.elapsed(), shape: fleet.shape() };
        let wrongs = fleet.wrongs(&ended, &course.shape, chapter.name == "destroy");
        assert!(wrongs.told.is_empty(), "{}: {}", chapter.name, wrongs.told.join("\n"));
        courses.push(course);
    }
    assert!(fleet.cloud.is_fresh(), "{:?}", fleet.cloud.summary());
    let spans: Vec<String> =
        CHAPTERS.iter().zip(&courses).map(|(chapter, course)| format!("{} {:.1} s", chapter.name, course.span.as_secs_f64())).collect();
    say(&format!("random kills: undisturbed, a fleet of {CLUSTERS} clusters takes: {}", spans.join(", ")));
    courses
}

fn begin(fleet: &Fleet, chapter: Chapter) {
    if chapter.name == "update" {
        fleet.alter(FEWER);
    }
}

fn story(seed: u64, courses: &[Course], kills: &AtomicUsize, tally: &Mutex<Tally>) {
    let (rng, fleet) = (Rng::seeded(seed), Fleet::new(CLUSTERS));
    let mut past = Vec::new();
    for (chapter, course) in CHAPTERS.into_iter().zip(courses) {
        begin(&fleet, chapter);
        let mut left = course.span;
        for _ in 0..2 + rng.below(MOST - 1) {
            let moment = moment(&rng, left);
            let start = now();
            let Some(reached) = killed(&fleet, chapter, moment) else { break };
            kills.fetch_add(1, Ordering::SeqCst);
            past.push(format!("{} {moment:?} {reached:?}", chapter.name));
            *tally.lock().expect("no worker panics").reached.entry(reached).or_default() += 1;
            left = left.saturating_sub(start.elapsed()).max(course.span / 8);
        }
        let start = now();
        let (ended, asked) = answers::run(&fleet.stack, chapter.command);
        let took = start.elapsed();
        let wrongs = fleet.wrongs(&ended, &course.shape, chapter.name == "destroy");
        let mut tally = tally.lock().expect("no worker panics");
        tally.longest = tally.longest.max(took);
        tally.asked += asked;
        tally.wrongs.orphans += wrongs.orphans;
        tally.wrongs.doubles += wrongs.doubles;
        if !wrongs.told.is_empty() {
            let told = wrongs.told.join("\n");
            tally.wrongs.told.push(format!("seed {seed} (DOFLOAT_SEED={seed} tells it again), {past:#?}:\n{told}"));
            break;
        }
    }
    tally.lock().expect("no worker panics").stories += 1;
}

/// Over the whole of what is left to do, a little beyond it, and now and then at the very end.
fn moment(rng: &Rng, left: Duration) -> Moment {
    if rng.below(6) == 0 {
        return Moment::Ending(Duration::from_micros(rng.below(4000)));
    }
    Moment::After(left.mul_f64(1.05 * rng.fraction()))
}

/// Runs a command until the moment and kills it; `None` if it ended before.
fn killed(fleet: &Fleet, chapter: Chapter, moment: Moment) -> Option<Reached> {
    let before = Files::of(fleet);
    fleet.cloud.forget_log();
    let mut child = fleet.stack.start(chapter.command);
    let start = now();
    let mut ending = None;
    loop {
        if child.try_wait().expect("it is our child").is_some() {
            return None;
        }
        let due = match moment {
            Moment::After(span) => start.elapsed() >= span,
            Moment::Ending(span) => {
                if ending.is_none() && Files::of(fleet).ended() {
                    ending = Some(now());
                }
                ending.is_some_and(|ending| ending.elapsed() >= span)
            }
        };
        if due {
            break;
        }
        std::thread::sleep(GLANCE);
    }
    child.kill().expect("it is our child");
    let _ = child.wait().expect("it is our child");
    Some(Files::of(fleet).reached(&before, fleet.cloud.requests().0))
}

/// What a run leaves on disk.
struct Files {
    state: Vec<u8>,
    journal: Vec<u8>,
}

impl Files {
    fn of(fleet: &Fleet) -> Self {
        let read = |below: &str| std::fs::read(fleet.stack.path(below)).unwrap_or_default();
        Self { state: read("state/fleet.json"), journal: read("state/fleet.journal") }
    }

    fn ended(&self) -> bool {
        let tail = self.journal.len().saturating_sub(200);
        String::from_utf8_lossy(&self.journal[tail..]).contains("\"end\"")
    }

    /// How far a run got that began with `before` and made so many changes.
    fn reached(&self, before: &Self, changes: usize) -> Reached {
        let recovers = !before.journal.is_empty();
        match (self.journal.is_empty(), changes) {
            (true, 0) | (false, 0) if recovers => Reached::InRecovery,
            (true, 0) if self.state == before.state => Reached::BeforeTheFirstWrite,
            (true, _) => Reached::AtCommit,
            (false, _) if self.ended() => Reached::AtCommit,
            (false, _) => Reached::InApply,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "real time passes here, and is measured")]
fn now() -> Instant {
    Instant::now()
}
