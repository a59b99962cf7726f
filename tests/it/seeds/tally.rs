//! How often each thing took effect.

use std::collections::BTreeMap;

/// Counts, by what they count and of what sort.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) seeds: usize,
    pub(crate) runs: usize,
    pub(crate) faults: usize,
    pub(crate) requests: usize,
    pub(crate) resources: usize,
    pub(crate) kinds: usize,
    /// Undisturbed runs beyond the first that a step took.
    pub(crate) reruns: usize,
    counts: BTreeMap<(&'static str, String), usize>,
}

impl Tally {
    pub(crate) fn count(&mut self, what: &'static str, of: &str) {
        *self.counts.entry((what, of.to_owned())).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.runs += other.runs;
        self.faults += other.faults;
        self.requests += other.requests;
        self.resources += other.resources;
        self.kinds += other.kinds;
        self.reruns += other.reruns;
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
    }

    pub(crate) fn of(&self, what: &'static str, of: &str) -> usize {
        self.counts.get(&(what, of.to_owned())).copied().unwrap_or_default()
    }

    /// Each sort of thing with its counts, one line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((what, of), count) in &self.counts {
            lines.entry(what).or_default().push(format!("{of} {count}"));
        }
        let head = format!(
            "{} seeds: {} runs, {} faults, {} resources, {} kinds, {} requests, {} reruns",
            self.seeds, self.runs, self.faults, self.resources, self.kinds, self.requests, self.reruns
        );
        std::iter::once(head).chain(lines.into_iter().map(|(what, all)| format!("  {what}: {}", all.join(", ")))).collect()
    }
}
