//! Faults, and how long a client of the floating IP notices them.
//!
//! Invariant: a run begins with both nodes joined and ends so; the gap is the longest time between two good answers, of one
//! client that asks every 100 ms.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use super::client::Watch;
use super::room::{Lab, until};
use crate::support::harness::{asked, say, words};

/// The table's head.
pub(crate) const HEAD: &str = "| fault | runs | min s | median s | max s | bound s |";

/// What was measured, in milliseconds, in order of size.
pub(crate) struct Gaps {
    what: String,
    all: Vec<u64>,
}

impl Gaps {
    pub(crate) fn new(what: &str, mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        Self { what: what.to_owned(), all }
    }

    pub(crate) fn median(&self) -> u64 {
        self.all[self.all.len() / 2]
    }

    /// Fails if one of several was longer than this.
    #[track_caller]
    pub(crate) fn at_most(&self, limit: u64) {
        let most = self.all[self.all.len() - 1];
        assert!(self.all.len() < 3 || most <= limit, "{}: one of {:?} ms is more than {limit} ms", self.what, self.all);
    }

    /// Says what was measured, and fails if the median is more than it may be. A single run is no median: it fails only where
    /// it takes twice as long, which is no longer the noise of a machine.
    #[track_caller]
    pub(crate) fn within(&self, bound: u64) -> &Self {
        let limit = if self.all.len() < 3 { 2 * bound } else { bound };
        self.told(bound);
        assert!(self.median() <= limit, "{}: {:?} ms are more than {limit} ms", self.what, self.all);
        self
    }

    /// A line of the table.
    pub(crate) fn told(&self, bound: u64) {
        let seconds = |millis: u64| format!("{}.{:02}", millis / 1000, millis % 1000 / 10);
        let (least, most) = (self.all[0], self.all[self.all.len() - 1]);
        tabled(&format!(
            "| {} | {} | {} | {} | {} | {} |",
            self.what,
            self.all.len(),
            seconds(least),
            seconds(self.median()),
            seconds(most),
            seconds(bound)
        ));
    }
}

/// A line for whoever watches, and for the file that is to hold the table: `DOFLOAT_LAB_TABLE`.
pub(crate) fn tabled(line: &str) {
    say(line);
    let Some(path) = words("DOFLOAT_LAB_TABLE") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    if file.metadata().is_ok_and(|about| about.len() == 0) {
        writeln!(file, "{HEAD}\n| --- | --- | --- | --- | --- | --- |").expect("the table can be written");
    }
    writeln!(file, "{line}").expect("the table can be written");
}

/// How often each fault is repeated; whoever wants better figures asks for more.
pub(crate) fn runs() -> u64 {
    asked("DOFLOAT_LAB_RUNS").unwrap_or(1)
}

/// Lets the active node suffer a fault so that the address moves, and then recover: the address stays where it went.
#[track_caller]
pub(crate) fn moves(lab: &Lab, what: &str, fault: impl Fn(&str), recovery: impl Fn(&str)) -> Gaps {
    let one = || {
        let active = settled(lab);
        let watch = begun(lab, &active);
        fault(&active);
        let peer = other(&active);
        if !wait_for(&watch, peer) {
            panic!("{what}: {peer} does not take the address\n{}", lab.story());
        }
        let gap = watch.gap();
        recovery(&active);
        joined(lab);
        assert_eq!(watch.now(), peer, "{what}: the address has moved back\n{}", lab.story());
        gap
    };
    gaps(what, one)
}

/// Lets something happen that moves nothing; then it is forgotten, since what fails again and again does move.
#[track_caller]
pub(crate) fn stays(lab: &Lab, what: &str, fault: impl Fn(&str), forget: impl Fn(&str)) -> Gaps {
    let one = || {
        let active = settled(lab);
        let watch = begun(lab, &active);
        fault(&active);
        let from = watch.seen().len();
        until("the client has asked on", Duration::from_secs(60), || watch.seen().len() > from + 40);
        assert_eq!(watch.now(), active, "{what}: the address has moved\n{}", lab.story());
        forget(&active);
        watch.gap()
    };
    gaps(what, one)
}

fn gaps(what: &str, one: impl Fn() -> u64) -> Gaps {
    Gaps::new(what, (0..runs()).map(|_| one()).collect())
}

/// The active node, once nothing moves any more.
#[track_caller]
fn settled(lab: &Lab) -> String {
    joined(lab);
    lab.server()
}

#[track_caller]
pub(crate) fn begun(lab: &Lab, active: &str) -> Watch {
    let watch = lab.watch();
    until("the client gets answers", Duration::from_secs(30), || watch.seen().len() > 20 && watch.now() == active);
    watch
}

#[track_caller]
pub(crate) fn joined(lab: &Lab) {
    lab.until_serving();
}

pub(crate) fn wait_for(watch: &Watch, node: &str) -> bool {
    super::room::wait(Duration::from_secs(120), || watch.now() == node)
}

/// The other node of the two.
pub(crate) fn other(node: &str) -> &'static str {
    if node == "primary" { "secondary" } else { "primary" }
}
