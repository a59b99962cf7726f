//! Somebody who looks at state and journal all the time while a fleet is made and taken down.
//!
//! Invariant: the state is not there before the first write and whole ever after; the journal is whole but for a torn last
//! line; both together can be read at every instant. 500 clusters with `DOFLOAT_TESTS=full`, else 20, or as many as
//! `DOFLOAT_CLUSTERS` asks for.

use std::fs;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dofloat::sim::ClockMode;
use dofloat::state::format;
use dofloat::state::journal;
use dofloat::state::store::{Paths, Store};

use crate::support::fleet::Fleet;
use crate::support::harness::{asked, in_full, say};

/// Between two looks, so that those who are watched get to work.
const BLINK: Duration = Duration::from_micros(50);

/// What was seen of a file, or of both.
#[derive(Default)]
struct Looks {
    count: usize,
    /// How many of them saw something other than the one before.
    news: usize,
    wrongs: Vec<String>,
}

#[test]
fn state_and_journal_are_whole_at_every_look() {
    let clusters = asked("DOFLOAT_CLUSTERS").map_or(if in_full() { 500 } else { 20 }, |asked| usize::try_from(asked).expect("it is small"));
    let fleet = Fleet::with(clusters, ClockMode::default());
    for command in [&["apply", "-auto-approve", "-parallelism=50"][..], &["destroy", "-auto-approve", "-parallelism=50"]] {
        fleet.cloud.forget_log();
        let over = AtomicBool::new(false);
        let start = now();
        let (state, journal, both, outcome) = std::thread::scope(|scope| {
            let state = scope.spawn(|| watch(&over, file(&fleet, "state/fleet.json", whole_state)));
            let journal = scope.spawn(|| watch(&over, file(&fleet, "state/fleet.journal", whole_journal)));
            let both = scope.spawn(|| watch(&over, || peek(&fleet)));
            let outcome = fleet.stack.run(command);
            over.store(true, Ordering::SeqCst);
            let [state, journal, both] = [state.join(), journal.join(), both.join()].map(|looks| looks.expect("a watcher does not panic"));
            (state, journal, both, outcome)
        });
        outcome.ok();
        let (writes, reads) = fleet.cloud.requests();
        say(&format!(
            "watcher: {} of {clusters} clusters, {:.1} s, {writes} changing and {reads} reading requests; looks at the state {} \
             ({} different), at the journal {} ({} different), at both {}",
            command[0],
            start.elapsed().as_secs_f64(),
            state.count,
            state.news,
            journal.count,
            journal.news,
            both.count,
        ));
        for looks in [state, journal, both] {
            assert!(looks.count > 0);
            assert!(looks.wrongs.is_empty(), "{} of {} looks: {:#?}", looks.wrongs.len(), looks.count, looks.wrongs.first());
        }
    }
    assert!(fleet.cloud.is_fresh(), "{:?}", fleet.cloud.summary());
}

/// Looks until it is over, and once more. A look tells whether it saw something new.
fn watch(over: &AtomicBool, mut glance: impl FnMut() -> Result<bool, String>) -> Looks {
    let mut looks = Looks::default();
    loop {
        let last = over.load(Ordering::SeqCst);
        looks.count += 1;
        match glance() {
            Ok(new) => looks.news += usize::from(new),
            Err(wrong) => looks.wrongs.push(wrong),
        }
        if last {
            return looks;
        }
        std::thread::sleep(BLINK);
    }
}

/// A look at a file, which is judged if it is not what it was before.
fn file<'a>(
    fleet: &Fleet,
    below: &str,
    judge: impl Fn(bool, Option<&[u8]>) -> Result<(), String> + 'a,
) -> impl FnMut() -> Result<bool, String> + 'a {
    let (path, mut before) = (fleet.stack.path(below), None);
    move || {
        let seen = match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.to_string()),
        };
        let new = before.as_ref() != Some(&seen);
        let was_there = before.as_ref().is_some_and(Option::is_some);
        if new {
            judge(was_there, seen.as_deref())?;
            before = Some(seen);
        }
        Ok(new)
    }
}

fn whole_state(was_there: bool, bytes: Option<&[u8]>) -> Result<(), String> {
    match bytes {
        None if was_there => Err("the state is gone".to_owned()),
        None => Ok(()),
        Some(bytes) => format::read(bytes, "the state").map(|_| ()).map_err(|why| format!("{} bytes: {}", bytes.len(), why.message)),
    }
}

fn whole_journal(_: bool, bytes: Option<&[u8]>) -> Result<(), String> {
    let Some(bytes) = bytes else { return Ok(()) };
    journal::replay(bytes, "the journal").map(|_| ()).map_err(|why| format!("{} bytes: {}", bytes.len(), why.message))
}

fn peek(fleet: &Fleet) -> Result<bool, String> {
    let path = |below: &str| fleet.stack.path(below);
    let paths = Paths {
        state: path("state/fleet.json"),
        journal: path("state/fleet.journal"),
        secrets: path("state/fleet.secrets.age"),
        lock: path(".dofloat/fleet.lock"),
        serials: path(".dofloat/fleet.serials"),
        rescue: path("."),
    };
    Store::open(paths).peek().map(|_| true).map_err(|error| format!("{error:?}"))
}

#[expect(clippy::disallowed_methods, reason = "real time passes here, and is measured")]
fn now() -> Instant {
    Instant::now()
}
