//! Walks over many cases: which of them, by how many workers, and what is told of them.
//!
//! Invariant: each case has a name, by which it can be walked alone: `DOFLOAT_CASE='apply of the estate, write.before@7'`
//! walks those whose names hold the text. A failure says it.

use std::fmt::Display;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::harness::{Width, asked_case, say, width};
use crate::support::scene::Ended;

/// Workers: each case waits for processes most of the time.
const WORKERS: usize = 2;

/// Every how many of the cases are walked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stride {
    pub(crate) thin: usize,
    pub(crate) full: usize,
}

impl Stride {
    /// The stride of this run.
    pub(crate) fn of_this_run(self) -> usize {
        match width() {
            _ if asked_case().is_some() => 1,
            Width::Thin => self.thin,
            Width::Full => self.full,
            Width::Whole => 1,
        }
    }
}

/// What came of a walk.
#[derive(Default)]
struct Sum {
    cases: usize,
    skipped: usize,
    decisions: usize,
    refusals: usize,
    reruns: usize,
    failures: Vec<String>,
}

/// Plays some of the cases of a story; `None` of a case for which there was nothing to do.
pub(crate) fn walk<C: Display + Sync>(what: &str, all: &[C], stride: Stride, play: impl Fn(&C) -> Option<Ended> + Sync) {
    let (start, wanted) = (now(), asked_case());
    let named: Vec<(String, &C)> = all.iter().map(|case| (case.to_string(), case)).collect();
    let wanted = |name: &String| wanted.as_ref().is_none_or(|text| name.contains(text.as_str()));
    let chosen: Vec<&(String, &C)> = named.iter().filter(|(name, _)| wanted(name)).step_by(stride.of_this_run()).collect();
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((name, case)) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(case)));
                    let ended = ended.unwrap_or_else(|why| {
                        let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
                        Some(Ended { wrongs: vec![format!("it panicked: {why}")], ..Ended::default() })
                    });
                    sum.lock().expect("no worker panics").add(name, ended);
                }
            });
        }
    });
    let sum = sum.into_inner().expect("no worker panics");
    let Sum { cases, skipped, decisions, refusals, reruns, failures } = &sum;
    say(&format!(
        "{what}: {cases} of {} cases ({skipped} more had nothing to do), {} failures; {reruns} further reruns, {decisions} decisions, \
         {refusals} times others were in the way; {:.0} s",
        all.len(),
        failures.len(),
        start.elapsed().as_secs_f64()
    ));
    assert!(failures.is_empty(), "{what}: {} failures\n{}", failures.len(), failures.join("\n\n"));
}

impl Sum {
    fn add(&mut self, name: &str, ended: Option<Ended>) {
        let Some(ended) = ended else {
            self.skipped += 1;
            return;
        };
        self.cases += 1;
        self.decisions += ended.decisions;
        self.refusals += ended.refusals;
        self.reruns += ended.runs.saturating_sub(1);
        if !ended.wrongs.is_empty() {
            let told = format!("DOFLOAT_CASE='{name}':\n{}", ended.wrongs.join("\n"));
            say(&told);
            self.failures.push(told);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "it is measured how long a walk takes")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
