//! A plan, or what is remembered, as a page that stands for itself.
//!
//! Invariant: pure; nothing is asked of anywhere, and no text of the plan can become markup: there is no script, and the page says
//! so to the browser. It reads in the same order by eye, by keyboard and aloud; what a colour says, a word or a sign says too.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::change_text::Mark;
use super::graph_text::Picture;
use super::plan_layout::Layout;
use super::plan_parts::{Entry, Parts, mark};
use super::state_text;
use dofloat_engine::change::Plan;
use dofloat_state::State;

/// Nothing is loaded and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#4d5761;--ground:#fff;--panel:#f6f8fa;--line:#d0d7de;--add:#0f6a2c;--remove:#a4161f;--change:#7a4a00;--link:#0550ae}\
@media (prefers-color-scheme:dark){:root{--ink:#f0f3f6;--soft:#b6c0ca;--ground:#14181d;--panel:#1d232a;--line:#3a434d;--add:#6fdd8b;--remove:#ff9a94;--change:#f2c063;--link:#8cc2ff}}\
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\
header,main,footer{max-width:76rem;margin:0 auto;padding:1rem 1.25rem}h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}\
a{color:var(--link)}nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;margin:.5rem 0;padding:0}\
.counts{font-size:1.15rem;font-weight:600}.soft,footer{color:var(--soft)}\
pre{margin:0;padding:.75rem 1rem;background:var(--panel);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.45 ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace}\
details{margin:.4rem 0;border:1px solid var(--line);border-radius:6px}details pre{border:0;border-top:1px solid var(--line);border-radius:0 0 6px 6px}\
summary{cursor:pointer;padding:.5rem .75rem;font:14px/1.4 ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;overflow-wrap:anywhere}\
summary:focus-visible,a:focus-visible,.wide:focus-visible{outline:3px solid var(--link);outline-offset:2px}\
.add{color:var(--add)}.remove{color:var(--remove)}.change{color:var(--change)}\
.wide{overflow:auto;border:1px solid var(--line);border-radius:6px;background:var(--ground)}.wide svg{display:block;margin:.5rem}\
@media print{details::details-content{content-visibility:visible}}";

/// A plan as a page.
#[must_use]
pub fn plan(plan: &Plan, layout: Layout<'_>) -> String {
    let parts = Parts::of(plan, layout);
    let picture = Picture::of_plan(plan);
    let verb = if plan.destroy { "Plan to destroy the stack" } else { "Plan of the stack" };
    let at = plan.planned_at.map(|moment| format!("Made at {}.", moment.to_rfc3339()));
    let head = html! {
        h1 { (verb) " " (plan.base.stack) }
        p class="counts" { (parts.counts) }
        @if let Some(cost) = &parts.cost { p { (cost) "." } }
        p class="soft" { "Account: " (plan.base.owner) ". API: " (plan.base.endpoint) ". " (at.unwrap_or_default()) }
    };
    let sections = [
        ("notes", "Warnings and notes", text(&parts.notes)),
        ("drift", "What has changed outside of dofloat", text(&parts.drift)),
        ("summary", "Summary", text(&parts.summary)),
        ("graph", "What depends on what", drawn(&picture)),
        ("changes", "Changes", entries(&parts.changes)),
        ("outputs", "Changes to outputs", text(&parts.outputs)),
    ];
    page(
        &format!("{verb} {}", plan.base.stack),
        &head,
        sections.into_iter().filter_map(|(id, title, body)| Some((id, title, body?))).collect(),
    )
}

/// What is remembered of a stack as a page.
#[must_use]
pub fn state(stack: &str, state: &State, layout: Layout<'_>) -> String {
    let resources: Vec<Entry> = state
        .records
        .iter()
        .map(|(address, record)| {
            let text = state_text::one(address, record, layout);
            Entry { title: address.to_string(), text: text.split_once('\n').map_or("", |(_, rest)| rest).trim_end().to_owned() }
        })
        .collect();
    let outputs = state_text::outputs(state);
    let head = html! {
        h1 { "State of the stack " (stack) }
        p class="counts" { (resources.len()) " resources" }
        p class="soft" { "Serial " (state.serial) ", lineage " (state.lineage) "." }
    };
    let sections = [("resources", "Resources", entries(&resources)), ("outputs", "Outputs", text(outputs.trim()))];
    page(
        &format!("State of the stack {stack}"),
        &head,
        sections.into_iter().filter_map(|(id, title, body)| Some((id, title, body?))).collect(),
    )
}

fn page(title: &str, head: &Markup, sections: Vec<(&str, &str, Markup)>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    (head)
                    @if sections.len() > 1 {
                        nav aria-label="On this page" { ul { @for (id, title, _) in &sections { li { a href=(format!("#{id}")) { (title) } } } } }
                    }
                }
                main {
                    @for (id, title, body) in &sections {
                        section aria-labelledby=(id) { h2 id=(id) { (title) } (body) }
                    }
                }
                footer { "dofloat " (env!("CARGO_PKG_VERSION")) ". Secrets are not in this page." }
            }
        }
    };
    page.into_string() + "\n"
}

/// Text, its lines coloured by what they begin with; nothing where there is none.
fn text(text: &str) -> Option<Markup> {
    (!text.is_empty()).then(|| html! { pre { (lines(text)) } })
}

fn lines(text: &str) -> Markup {
    html! {
        @for line in text.lines() {
            @match class(mark(line)) {
                Some(class) => span class=(class) { (line) },
                None => (line),
            }
            "\n"
        }
    }
}

fn class(mark: Mark) -> Option<&'static str> {
    match mark {
        Mark::Add => Some("add"),
        Mark::Remove => Some("remove"),
        Mark::Change => Some("change"),
        Mark::Same => None,
    }
}

fn entries(entries: &[Entry]) -> Option<Markup> {
    let one = |entry: &Entry| {
        // What a title says is done, its body begins with as a sign.
        let sign = entry.text.lines().next().map(mark).and_then(class);
        html! {
            @if entry.text.is_empty() { p class=[sign] { (entry.title) } }
            @else { details { summary class=[sign] { (entry.title) } pre { (lines(&entry.text)) } } }
        }
    };
    (!entries.is_empty()).then(|| html! { @for entry in entries { (one(entry)) } })
}

fn drawn(picture: &Picture) -> Option<Markup> {
    (!picture.nodes.is_empty())
        .then(|| html! { div class="wide" tabindex="0" role="region" aria-label="Graph, scrollable" { (picture.drawing()) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        let hostile = "<script>alert(1)</script>\n+ \"><img src=x onerror=alert(1)>&amp;";
        let shown = text(hostile).expect("text").into_string();
        assert!(!shown.contains("<script") && !shown.contains("<img"), "{shown}");
        assert!(shown.contains("&lt;script&gt;") && shown.contains("class=\"add\""), "{shown}");
        let entry = Entry { title: "</summary><script>".into(), text: "- </pre><b>".into() };
        let shown = entries(&[entry]).expect("an entry").into_string();
        assert!(!shown.contains("<script>") && !shown.contains("<b>"), "{shown}");
    }

    #[test]
    fn a_page_asks_nothing_of_anywhere() {
        let page = page("a", &html! {}, vec![("b", "c", html! {})]);
        for word in ["http:", "https:", "src=", "@import", "url(", "<script", "<link"] {
            assert!(!page.contains(word), "{word} in {page}");
        }
    }
}
