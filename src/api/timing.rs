//! How long things take, and when it is best looked whether they are done.
//!
//! Invariant: what was measured counts, in this run or an earlier one: of each sort of wait, the latest times. Where nothing was
//! measured yet, the looks come at growing distances. Pure but for what is remembered.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dofloat_base::clock::Tick;

/// How many of the latest times of a sort count.
const KEPT: usize = 32;

/// How many looks a wait takes at most that ends when earlier ones did, or sooner.
const LOOKS: u64 = 12;

/// Two of them come before the time in which an end was seen, if that is worth it, as it may be quicker than ever: where that
/// time begins late, and where it is not so wide that the first of the others comes soon.
const EARLY: u64 = 1_000;

/// The shortest distance between two looks.
pub(crate) const SHORTEST: Duration = Duration::from_millis(100);

/// From so many on that one look answers for, the looks may come twice as close: still far fewer than one a wait.
const MANY: u32 = 8;

/// Where one look answers for two or more, there may be twice as many: that is no more for each.
const TOGETHER: u32 = 2;

/// The longest distance where nothing is known.
pub(crate) const LONGEST: Duration = Duration::from_secs(3);

/// What was measured, in milliseconds, by sort of wait: the latest at the end.
#[derive(Debug, Default)]
pub(crate) struct Timings(Mutex<BTreeMap<String, Vec<u64>>>);

/// When one of a sort had its turn last, of those who would each ask for themselves.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<BTreeMap<String, Tick>>);

impl Turns {
    /// Takes the turn, if none of the sort had one a moment ago: so many may wait that all of them at once would be too much.
    pub(crate) fn take(&self, sort: &str, now: Tick) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = last.get(sort).is_none_or(|last| now.since(*last) >= LONGEST);
        if is_free {
            last.insert(sort.to_owned(), now);
        }
        is_free
    }
}

impl Timings {
    /// Something of a sort took so long.
    pub(crate) fn note(&self, sort: &str, took: Duration) {
        let mut rows = self.rows();
        let row = rows.entry(sort.to_owned()).or_default();
        row.push(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        keep_latest(row);
    }

    /// The time from a look to the next one of a wait of this sort that has lasted so long. `sharing` is for how many waits one
    /// request answers. `chance` in 0..1 keeps those who began together apart where nothing is known.
    pub(crate) fn pause(&self, sort: &str, elapsed: Duration, sharing: u32, strain: u32, chance: f64) -> Duration {
        let known = self.rows().get(sort).cloned().unwrap_or_default();
        let looks = if strain == 1 { LOOKS * u64::from(sharing.clamp(1, TOGETHER)) } else { LOOKS };
        next(&known, elapsed, shortest(sharing, strain), looks).unwrap_or_else(|| distance(elapsed, sharing, strain, chance))
    }

    /// Whether nothing of a sort is known to have taken so long.
    pub(crate) fn outlasts(&self, sort: &str, elapsed: Duration) -> bool {
        self.rows().get(sort).is_none_or(|known| known.iter().all(|took| u128::from(*took) < elapsed.as_millis()))
    }

    /// What was measured.
    pub(crate) fn all(&self) -> BTreeMap<String, Vec<u64>> {
        self.rows().clone()
    }

    /// What was measured earlier.
    pub(crate) fn learn(&self, earlier: BTreeMap<String, Vec<u64>>) {
        let mut rows = self.rows();
        for (sort, mut times) in earlier {
            keep_latest(&mut times);
            rows.entry(sort).or_insert(times);
        }
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep_latest(times: &mut Vec<u64>) {
    let excess = times.len().saturating_sub(KEPT);
    times.drain(..excess);
}

/// The shortest distance between two looks that answer for so many.
pub(crate) fn shortest(sharing: u32, strain: u32) -> Duration {
    if sharing >= MANY && strain == 1 { SHORTEST / 2 } else { SHORTEST }
}

/// The time to the next of so many looks by what was measured; nothing once it has lasted longer than ever.
fn next(known: &[u64], elapsed: Duration, shortest: Duration, looks: u64) -> Option<Duration> {
    let mut sorted = known.to_vec();
    sorted.sort_unstable();
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    let count = u64::try_from(sorted.len()).unwrap_or(u64::MAX);
    // The next one may lie outside of what was seen: the less so the more was seen.
    let margin = (last / 50).max((last - first) / count).max(50);
    let (from, to) = (first.saturating_sub(margin), last.saturating_add(margin));
    let early = if from >= EARLY && from >= to / 4 { vec![from / 4, from / 2] } else { Vec::new() };
    let rest = looks - u64::try_from(early.len()).unwrap_or(0);
    // Half evenly, half where the most ends were seen.
    let spread = (1..=rest).map(|nth| {
        let even = from + (to - from) * nth / rest;
        let place = usize::try_from(count * nth / rest).unwrap_or(usize::MAX).min(sorted.len() - 1);
        if nth == rest { to } else { u64::midpoint(even, sorted[place]) }
    });
    let now = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let soonest = now.saturating_add(u64::try_from(shortest.as_millis()).unwrap_or(0));
    let mut before = 0;
    let at = early.into_iter().chain(spread).find(|at| {
        // It was just looked, if for another: the next look but one is soon enough.
        let half = (at - std::mem::replace(&mut before, *at).min(*at)) / 2;
        *at >= soonest && *at - now >= half
    })?;
    Some(Duration::from_millis(at - now))
}

/// The time to the next look where nothing is known: a fifth of what has passed, so that the end is noticed with little delay
/// at any length (a droplet takes a minute, a rename two seconds); less where one look answers for many, longer as the budget
/// shrinks.
pub(crate) fn distance(elapsed: Duration, sharing: u32, strain: u32, chance: f64) -> Duration {
    let part = 5 * (1 + (sharing / 4).max(1).ilog2());
    let plain = (elapsed / part).clamp(shortest(sharing, strain), LONGEST);
    let pause = plain.mul_f64(0.9 + chance.clamp(0.0, 1.0) / 5.0) * strain;
    // The clock counts whole milliseconds; a fraction would be lost with each look.
    Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_grow_apart_where_nothing_is_known() {
        let check = |elapsed: u64, strain: u32, chance: f64, expected: u64| {
            let pause = distance(Duration::from_millis(elapsed), 1, strain, chance);
            assert_eq!(pause, Duration::from_millis(expected), "{elapsed} {strain} {chance}");
        };
        check(0, 1, 0.5, 100);
        check(500, 1, 0.5, 100);
        check(10_000, 1, 0.5, 2_000);
        check(10_000, 1, 0.0, 1_800);
        check(10_000, 1, 1.0, 2_200);
        check(60_000, 1, 0.5, 3_000);
        check(60_000, 4, 0.5, 12_000);
    }

    #[test]
    fn looks_that_answer_for_many_come_closer() {
        let check = |elapsed: u64, sharing: u32, strain: u32, expected: u64| {
            let pause = distance(Duration::from_millis(elapsed), sharing, strain, 0.5);
            assert_eq!(pause, Duration::from_millis(expected), "{elapsed} {sharing} {strain}");
        };
        check(2_000, 4, 1, 400);
        check(2_000, 8, 1, 200);
        check(2_000, 40, 1, 100);
        check(500, 40, 1, 50);
        // Not where the budget is short.
        check(500, 40, 2, 200);
        check(60_000, 40, 1, 3_000);
    }

    /// The looks of a wait that lasts so long.
    fn looks(timings: &Timings, lasts: u64) -> Vec<u64> {
        looks_together(timings, lasts, 1)
    }

    fn looks_together(timings: &Timings, lasts: u64, sharing: u32) -> Vec<u64> {
        let (mut at, mut looks) = (0, Vec::new());
        while at < lasts {
            let pause = timings.pause("x", Duration::from_millis(at), sharing, 1, 0.5);
            at += u64::try_from(pause.as_millis()).unwrap();
            looks.push(at);
        }
        looks
    }

    #[test]
    fn what_takes_always_the_same_is_looked_at_when_it_ends() {
        let timings = Timings::default();
        (0..3).for_each(|_| timings.note("x", Duration::from_millis(45_000)));
        let found = looks(&timings, 45_100);
        assert!(found.len() <= 12 && found.last().is_some_and(|last| last - 45_100 < 900), "{found:?}");
        // One that is far quicker is noticed too.
        assert!(looks(&timings, 3_000).last().is_some_and(|last| *last < 12_000));
        // And one that takes longer than ever is looked at as if nothing were known.
        assert!(looks(&timings, 90_000).last().is_some_and(|last| last - 90_000 < 5_000));
    }

    #[test]
    fn what_takes_any_time_is_looked_at_twelve_times_at_most() {
        let timings = Timings::default();
        // 31 times between 2 and 60 seconds, in no order.
        let lasts: Vec<u64> = (0..31).map(|nth: u64| 2_000 + nth * 17 % 31 * 1_933).collect();
        lasts.iter().for_each(|last| timings.note("x", Duration::from_millis(*last)));
        let (mut late, mut late_together) = (0, 0);
        for last in &lasts {
            let found = looks(&timings, *last);
            assert!(found.len() <= 12, "{last}: {found:?}");
            late += found.last().unwrap() - last;
            // Two that wait together: each has half of the looks.
            let found = looks_together(&timings, *last, 2);
            assert!(found.len() <= 24, "{last}: {found:?}");
            late_together += found.last().unwrap() - last;
        }
        assert!(late / 31 < 3_200 && late_together / 31 < 1_600, "{late} {late_together}");
    }

    #[test]
    fn what_was_just_looked_at_for_another_is_not_looked_at_again() {
        let timings = Timings::default();
        (0..31).for_each(|nth: u64| timings.note("x", Duration::from_millis(2_000 + nth * 1_900)));
        let next = |at: u64| at + u64::try_from(timings.pause("x", Duration::from_millis(at), 2, 1, 0.5).as_millis()).unwrap();
        let (first, second) = (next(20_000), next(next(20_000)));
        assert_eq!((next(first - 80), next(first - 2)), (second, second));
        assert_eq!(next(first + 80), second);
    }

    #[test]
    fn many_take_turns() {
        let turns = Turns::default();
        let taken: Vec<u64> = (0..100).map(|nth| nth * 100).filter(|at| turns.take("x", Tick(*at))).collect();
        assert_eq!((taken, turns.take("y", Tick(100))), (vec![0, 3_000, 6_000, 9_000], true));
    }

    #[test]
    fn the_latest_times_count() {
        let timings = Timings::default();
        timings.learn(BTreeMap::from([("x".to_owned(), (0..40).collect())]));
        timings.note("x", Duration::from_millis(40));
        assert!(!timings.outlasts("x", Duration::from_millis(40)) && timings.outlasts("x", Duration::from_millis(41)));
        assert!(timings.outlasts("y", Duration::ZERO));
        let all = timings.all();
        assert_eq!((all["x"].len(), all["x"][0], all["x"][31]), (32, 9, 40));
    }
}
