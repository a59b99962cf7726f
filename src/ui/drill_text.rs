//! What a drill measured, and what earlier ones did, as text and as lines of the stream.
//!
//! Invariant: pure but for the view. Where the nodes are played, every line with a figure says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::plan_json::line;
use super::view::View;
use dofloat_engine::cluster::drill::{Kind, Record};

/// A time in milliseconds, as people read it.
pub(super) fn seconds(ms: u64) -> String {
    if ms < 10_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1000, ms % 1000 / 100) }
}

/// The text of a drill.
#[must_use]
pub fn to_text(record: &Record) -> String {
    let simulated = if record.simulated { " (simulated)" } else { "" };
    let mut text = String::new();
    let mut put = |line: String| {
        let _ = writeln!(text, "{line}{simulated}");
    };
    put(format!("{}: {} of {}", record.cluster, record.kind.name(), record.node));
    put(format!("  gap {}: the longest time between two good answers of {}", seconds(record.gap_ms), record.address));
    for part in &record.parts {
        put(format!("    {} {}", seconds(part.ms), part.name));
    }
    put(format!("  {} of {} requests failed", record.failed, record.requests));
    let nobody = "nobody".to_owned();
    let [before, after] = record.holders.each_ref().map(|holder| holder.as_ref().unwrap_or(&nobody));
    put(if before == after { format!("  the address stayed at {after}") } else { format!("  the address went from {before} to {after}") });
    for event in &record.events {
        put(format!("  after {}: {}", signed(event.at_ms), event.what));
    }
    if let Some(whole) = record.whole_ms {
        put(format!("  whole again after {}", seconds(whole)));
    }
    text
}

fn signed(ms: i64) -> String {
    format!("{}{}", if ms < 0 { "-" } else { "" }, seconds(ms.unsigned_abs()))
}

/// The text of several, the oldest first, and the trend of each kind.
#[must_use]
pub fn history(records: &[Record]) -> String {
    if records.is_empty() {
        return "No drill of this stack is written down in drills/. Those of a simulated account are not.\n".to_owned();
    }
    let mut text = String::new();
    let mut by_kind: BTreeMap<Kind, Vec<u64>> = BTreeMap::new();
    let _ = writeln!(text, "{:20}  {:12}  {:24}  {:>10}  {:>15}", "began", "kind", "node", "gap", "failed");
    for record in records {
        let failed = format!("{} of {}", record.failed, record.requests);
        let passed = if record.passed { "" } else { "  did not pass" };
        let (started, kind, node) = (&record.started, record.kind.name(), &record.node);
        let _ = writeln!(text, "{started:20}  {kind:12}  {node:24}  {:>10}  {failed:>15}{passed}", seconds(record.gap_ms));
        by_kind.entry(record.kind).or_default().push(record.gap_ms);
    }
    text.push('\n');
    for (kind, gaps) in by_kind {
        let last = gaps.last().copied().unwrap_or_default();
        let mut ordered = gaps.clone();
        ordered.sort_unstable();
        let (least, most, median) = (ordered[0], ordered[ordered.len() - 1], ordered[ordered.len() / 2]);
        let _ = writeln!(
            text,
            "{}: {} in all, median {}, {} to {}, the last {}",
            kind.name(),
            gaps.len(),
            seconds(median),
            seconds(least),
            seconds(most),
            seconds(last)
        );
    }
    text
}

impl View {
    /// What a drill measured.
    pub fn drilled(&mut self, record: &Record) {
        self.events_of(|now| {
            let simulated = if record.simulated { " (simulated)" } else { "" };
            let message = format!("{} of {}: gap {}{simulated}", record.kind.name(), record.node, seconds(record.gap_ms));
            let mut event = line("drill", &message, now);
            event["drill"] = json!(record);
            vec![event]
        });
        if self.is_text() {
            self.print(&to_text(record));
        }
    }

    /// What earlier drills measured.
    pub fn drills(&mut self, records: &[Record]) {
        if self.is_text() {
            return self.print(&history(records));
        }
        for record in records {
            self.drilled(record);
        }
    }
}
