//! The report of a drill: Markdown, and a timeline as a picture that stands for itself.
//!
//! Invariant: pure; nothing is asked of anywhere. What a colour says, words say too; where the nodes are played, both say so.

use std::fmt::Write as _;

use maud::{PreEscaped, html};

use super::drill_text::seconds;
use dofloat_engine::cluster::drill::{Record, Span};

/// The picture's width, and what is left free at its sides, in pixels.
const WIDTH: u32 = 860;
const MARGIN: u32 = 20;
/// Where the bar of answers stands, and how high it is.
const TOP: u32 = 64;
const BAR: u32 = 34;
/// The height of a line of text.
const LINE: u32 = 20;
/// What is shown before the order and after the last thing that happened, in milliseconds.
const BEFORE: i64 = 1000;
const AFTER: i64 = 2000;

/// Colours in a light and in a dark surrounding. Text is told from its ground by more than 4.5 to 1 in each.
const STYLE: &str = "\
.drill{background:#fff}.drill text{font:13px ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:#1b1f24}\
.drill .small{font-size:12px;fill:#424a53}.drill .good{fill:#9be0a9}.drill .bad{fill:#f0837b}.drill .gap{fill:none;stroke:#1b1f24}\
.drill line{stroke:#57606a;stroke-dasharray:3 3}\
@media (prefers-color-scheme:dark){.drill{background:#14181d}.drill text{fill:#f0f3f6}.drill .small{fill:#c2cad3}\
.drill .good{fill:#1d5c33}.drill .bad{fill:#9c2f2a}.drill .gap{stroke:#f0f3f6}.drill line{stroke:#8b949e}}";

/// From when until when the picture shows, in milliseconds from the order on.
fn extent(record: &Record) -> (i64, i64) {
    let last_bad = record.answers.iter().filter(|span| !span.good).map(|span| span.to_ms).max().unwrap_or(0);
    let gap = gap(record).map_or(0, |(_, to)| to);
    let last = last_bad.max(gap).max(3000);
    (-BEFORE, last + AFTER)
}

/// The longest time between two good answers, as the answers tell it.
fn gap(record: &Record) -> Option<(i64, i64)> {
    let good: Vec<&Span> = record.answers.iter().filter(|span| span.good).collect();
    let between = good.windows(2).map(|pair| (pair[0].to_ms, pair[1].from_ms));
    between.max_by_key(|(from, to)| to - from)
}

/// The timeline as an SVG document.
#[must_use]
pub fn timeline(record: &Record) -> String {
    let (from, to) = extent(record);
    let width = WIDTH - 2 * MARGIN;
    let x = |ms: i64| {
        let share = (ms.clamp(from, to) - from) * i64::from(width) / (to - from);
        MARGIN + u32::try_from(share).unwrap_or(0)
    };
    // A step that gives at most eight marks.
    let step = [500, 1000, 2000, 5000, 10_000, 30_000, 60_000].into_iter().find(|step| (to - from) / step <= 8).unwrap_or(120_000);
    let marks = (from / step..=to / step).map(|number| number * step).filter(|at| (from..=to).contains(at));
    let shown: Vec<_> = record.events.iter().filter(|event| (from..=to).contains(&event.at_ms)).collect();
    let mut lines: Vec<String> = record.parts.iter().map(|part| format!("{} {}", seconds(part.ms), part.name)).collect();
    lines.extend(shown.iter().enumerate().map(|(number, event)| format!("{}: {}", number + 1, event.what)));
    let height = TOP + BAR + 3 * LINE + LINE * u32::try_from(lines.len()).unwrap_or(0) + MARGIN;
    let simulated = if record.simulated { " (simulated)" } else { "" };
    let title = format!("{} of {}: gap {}{simulated}", record.kind.name(), record.node, seconds(record.gap_ms));
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" class="drill" role="img" aria-label=(title) width=(WIDTH) height=(height)
            viewBox=(format!("0 0 {WIDTH} {height}")) {
            style { (PreEscaped(STYLE)) }
            text x=(MARGIN) y="24" { (title) }
            text class="small" x=(MARGIN) y="44" {
                (record.started) ", " (record.cluster) ", " (record.address) "; green: answered, red: not"
            }
            @for span in &record.answers {
                @let (left, right) = (x(span.from_ms), x(span.to_ms));
                @if span.to_ms >= from && span.from_ms <= to {
                    rect class=(if span.good { "good" } else { "bad" }) x=(left) y=(TOP) width=((right - left).max(2)) height=(BAR) {}
                }
            }
            @if let Some((begin, end)) = gap(record) {
                rect class="gap" x=(x(begin)) y=(TOP - 3) width=((x(end) - x(begin)).max(1)) height=(BAR + 6) {}
            }
            @for (number, event) in shown.iter().enumerate() {
                line x1=(x(event.at_ms)) x2=(x(event.at_ms)) y1=(TOP - 6) y2=(TOP + BAR + 6) {}
                text class="small" x=(x(event.at_ms) + 2) y=(TOP - 6) { (number + 1) }
            }
            @for at in marks {
                text class="small" x=(x(at)) y=(TOP + BAR + LINE) { (at as f64 / 1000.0) " s" }
            }
            @for (number, text) in lines.iter().enumerate() {
                text x=(MARGIN) y=(TOP + BAR + LINE * (u32::try_from(number).unwrap_or(0) + 3)) { (text) (simulated) }
            }
        }
    };
    format!("{}\n", picture.into_string())
}

/// The report as Markdown; `picture` is the name of the timeline's file.
#[must_use]
pub fn markdown(record: &Record, picture: &str) -> String {
    let simulated = if record.simulated { " (simulated)" } else { "" };
    let mut text = format!("# Failover drill of {}{simulated}\n\n", record.cluster);
    if record.simulated {
        text.push_str("The nodes were simulated: the figures below mean nothing.\n\n");
    }
    let _ = writeln!(text, "![timeline]({picture})\n");
    text.push_str("| | |\n| --- | --- |\n");
    let nobody = "nobody".to_owned();
    let [before, after] = record.holders.each_ref().map(|holder| holder.as_ref().unwrap_or(&nobody));
    let mut rows = vec![
        ("began", record.started.clone()),
        ("stack", record.stack.clone()),
        ("fault", format!("{} of {}", record.kind.name(), record.node)),
        ("gap", format!("**{}**{simulated}", seconds(record.gap_ms))),
        ("requests", format!("{} of {} failed{simulated}", record.failed, record.requests)),
        ("address", format!("{}, from {before} to {after}", record.address)),
    ];
    rows.extend(record.whole_ms.map(|ms| ("whole again after", format!("{}{simulated}", seconds(ms)))));
    rows.push(("passed", if record.passed { "yes" } else { "no" }.to_owned()));
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text.push_str("\n## What the gap was made of\n\n| part | time |\n| --- | --- |\n");
    for part in &record.parts {
        let _ = writeln!(text, "| {} | {}{simulated} |", part.name, seconds(part.ms));
    }
    if !record.events.is_empty() {
        text.push_str("\n## What was seen\n\n| after | what |\n| --- | --- |\n");
        for event in &record.events {
            let _ = writeln!(text, "| {} ms{simulated} | {} |", event.at_ms, event.what);
        }
    }
    text.push_str(
        "\nThe gap is the longest time between two good answers of a client that asks ten times a second, a connection for each request. \
         When the address was asked for and when it was there is told by the API, in whole seconds.\n",
    );
    text
}
