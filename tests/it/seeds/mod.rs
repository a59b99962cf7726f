//! Seeds: whole lives of stacks in one account, drawn at random, disturbed by faults, crashes, wrong clocks and other people, in this
//! process and in time that is stepped.
//!
//! Invariant: a seed is played the same each time. `DOFLOAT_SEED=7` tells the story of one seed, and of one that fails the script to
//! be kept; `DOFLOAT_SEEDS=20000` plays so many.

mod account;
mod calm;
mod config;
mod deeds;
mod families;
mod judge;
mod kept;
mod narrow;
mod play;
mod run;
mod script;
mod shrink;
mod sorts;
mod tally;
mod wrong;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use account::locked;
use script::Script;
use tally::Tally;

use crate::support::harness::{asked, in_full, say};

/// So many seeds meet everything that a seed may hold.
const ENOUGH: u64 = 1000;

/// A seed that failed, and why.
type Failure = (u64, String);

#[test]
fn whatever_happens_the_account_comes_to_what_is_wanted() {
    if let Some(seed) = asked("DOFLOAT_SEED") {
        let story = shrink::story(&Script::drawn(seed));
        assert!(story.is_none(), "seed {seed}: {}", story.unwrap_or_default());
        return;
    }
    let count = asked("DOFLOAT_SEEDS").unwrap_or(if in_full() { 200 } else { 25 });
    let (tally, failures) = walk(asked("DOFLOAT_FIRST_SEED").unwrap_or(1), count);
    for line in tally.lines() {
        say(&line);
    }
    if count >= ENOUGH {
        let never = script::all().filter(|(what, of)| tally.of(what, of) == 0).collect::<Vec<_>>();
        assert!(never.is_empty(), "these never took effect: {never:?}");
        let each = |sum: usize| sum / tally.seeds;
        assert!(each(tally.resources) >= 4 && each(tally.kinds) >= 3 && each(tally.runs) >= 5, "{:?}", tally.lines());
    }
    let failed: BTreeSet<u64> = failures.iter().map(|(seed, _)| *seed).collect();
    assert!(failed.is_empty(), "{} of {count} seeds fail (DOFLOAT_SEED=N tells the story of one): {failed:?}", failed.len());
}

#[test]
fn a_seed_is_played_the_same_each_time() {
    for seed in 1..=if in_full() { 30 } else { 6 } {
        let digests = [(); 2].map(|()| play::play(&Script::drawn(seed), false).digest);
        assert_eq!(digests[0], digests[1], "seed {seed}");
    }
}

/// What nobody disturbs is done in one run, and so is what one lost request disturbs that is looked into.
#[test]
fn what_nobody_disturbs_is_done_in_one_run() {
    let count = if in_full() { 150 } else { 20 };
    assert_eq!(first_failure(count, calm::fails), None);
}

#[test]
fn what_others_are_faster_with_stays_theirs() {
    let count = if in_full() { 120 } else { 24 };
    assert_eq!(first_failure(count, fails_narrowly), None);
}

/// Why a seed fails, if it does.
pub(crate) fn fails(seed: u64) -> Option<String> {
    play::play(&Script::drawn(seed), false).wrong.map(|wrong| format!("{}: {}", wrong.what, wrong.why))
}

/// Why a seed fails of which each run is cut short.
pub(crate) fn fails_narrowly(seed: u64) -> Option<String> {
    play::play(&narrow::script(seed), false).wrong.map(|wrong| format!("{}: {}", wrong.what, wrong.why))
}

/// Why a seed fails of which nothing is left but what it wants.
pub(crate) fn fails_in_calm(seed: u64) -> Option<String> {
    calm::fails(seed)
}

/// The first of so many seeds that fails, and why; they are played on all processors.
pub(crate) fn first_failure(count: u64, fails: impl Fn(u64) -> Option<String> + Sync) -> Option<Failure> {
    let (next, found) = (AtomicU64::new(1), Mutex::new(BTreeMap::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed > count || !locked(&found).is_empty() {
                        return;
                    }
                    let why = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fails(seed)));
                    if let Some(why) = why.unwrap_or_else(|_| Some("it panics".to_owned())) {
                        locked(&found).insert(seed, why);
                    }
                }
            });
        }
    });
    let found = std::mem::take(&mut *locked(&found));
    found.into_iter().next()
}

/// Plays so many seeds on all processors.
fn walk(first: u64, count: u64) -> (Tally, Vec<Failure>) {
    let next = AtomicU64::new(first);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<(Tally, Vec<Failure>)> = std::thread::scope(|scope| {
        let work = || {
            let (mut sum, mut failures) = (Tally::default(), Vec::new());
            loop {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= first + count {
                    return (sum, failures);
                }
                let played = std::panic::catch_unwind(|| play::play(&Script::drawn(seed), false));
                let why = match played {
                    Ok(played) => {
                        sum.add(played.tally);
                        played.wrong.map(|wrong| format!("{}: {}", wrong.what, wrong.why))
                    }
                    Err(_) => Some("it panics".to_owned()),
                };
                if let Some(why) = why {
                    say(&format!("seed {seed}: {why}"));
                    failures.push((seed, why));
                }
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("panics are caught")).collect()
    });
    let (mut sum, mut failures) = (Tally::default(), Vec::new());
    for (tally, failed) in results {
        sum.add(tally);
        failures.extend(failed);
    }
    (sum, failures)
}
