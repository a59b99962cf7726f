//! What depends on what, as a picture that stands for itself.
//!
//! Invariant: pure; nothing is asked of anywhere: no script, no font, no image. Every box says in words what its colour says.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::graph_layout::{Columns, Place, columns};
use super::graph_text::{Act, Node, Picture};
use dofloat_base::address::Address;

/// The width of a character, the height of a line, and what is left free around text, in pixels.
const CHARACTER: usize = 8;
const LINE: usize = 17;
const PADDING: usize = 9;
/// What is left free between boxes: beside and below each other.
const BESIDE: usize = 56;
const BELOW: usize = 14;
/// Longer names are cut; the whole one is in the box's title.
const LONGEST: usize = 44;

/// Colours in a light and in a dark surrounding. Text is told from its ground by more than 4.5 to 1 in each.
const STYLE: &str = "\
.graph{background:#fff}\
.graph text{font:13px ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:#1b1f24}\
.graph .kind,.graph .what{font-size:12px;fill:#424a53}\
.graph rect{fill:#f6f8fa;stroke:#57606a}.graph path{fill:none;stroke:#6e7781}.graph .tip{fill:#6e7781;stroke:none}\
.graph .create{fill:#d4f5dc}.graph .update{fill:#fbefc4}.graph .replace{fill:#fadcbc}.graph .delete{fill:#fbd5d3}.graph .read{fill:#d8ebfb}\
@media (prefers-color-scheme:dark){.graph{background:#14181d}.graph text{fill:#f0f3f6}.graph .kind,.graph .what{fill:#c2cad3}\
.graph rect{fill:#22272e;stroke:#8b949e}.graph path{stroke:#8b949e}.graph .tip{fill:#8b949e;stroke:none}\
.graph .create{fill:#123d22}.graph .update{fill:#473a0c}.graph .replace{fill:#522f0b}.graph .delete{fill:#5a1d1d}.graph .read{fill:#10395c}}";

/// A box.
struct Area {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Picture {
    /// The graph as an SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        format!("{}\n", self.drawing().into_string())
    }

    /// The graph as an element of a page.
    pub(super) fn drawing(&self) -> Markup {
        let nodes: Vec<(&Address, &Node)> = self.nodes.iter().collect();
        let numbers: BTreeMap<&Address, usize> = nodes.iter().enumerate().map(|(number, (address, _))| (*address, number)).collect();
        let edges: Vec<(usize, usize)> =
            self.edges.iter().filter_map(|(from, to)| Some((*numbers.get(from)?, *numbers.get(to)?))).collect();
        let texts: Vec<Vec<(&str, String)>> = nodes.iter().map(|(address, node)| lines(address, node)).collect();
        let columns = columns(nodes.len(), &edges);
        let (areas, width, height) = areas(&columns, &texts);
        let about = format!("{} resources; an arrow leads from each to what it needs.", nodes.len());
        html! {
            svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" aria-label=(about)
                width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) {
                title { (about) }
                style { (PreEscaped(STYLE)) }
                @for way in &columns.ways { (arrow(way, &areas)) }
                @for (number, (address, node)) in nodes.iter().enumerate() {
                    @if let Some(area) = areas.get(&Place::Node(number)) { (boxed(area, address, node, &texts[number])) }
                }
            }
        }
    }
}

/// The lines of a box, each with its class.
fn lines(address: &Address, node: &Node) -> Vec<(&'static str, String)> {
    let within = Address { parent: None, ..address.clone() };
    let (kind, name) = (within.kind.clone(), within.to_string());
    let name = name.strip_prefix(&format!("{kind}.")).unwrap_or(&name).to_owned();
    let about = node.about().join(", ");
    let parent = address.parent.as_ref().map(|parent| ("kind", format!("in {parent}")));
    let lines = [Some(("name", name)), Some(("kind", kind)), parent, Some(("what", about)).filter(|(_, text)| !text.is_empty())];
    lines.into_iter().flatten().map(|(class, text)| (class, cut(&text))).collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// Where everything stands, and how large the picture is.
fn areas(columns: &Columns, texts: &[Vec<(&str, String)>]) -> (BTreeMap<Place, Area>, usize, usize) {
    let size = |place: &Place| match place {
        Place::Node(number) => {
            let longest = texts[*number].iter().map(|(_, text)| text.chars().count()).max().unwrap_or_default();
            (longest * CHARACTER + 2 * PADDING, texts[*number].len() * LINE + 2 * PADDING)
        }
        Place::Arrow(..) => (0, LINE),
    };
    let tall = |column: &Vec<Place>| column.iter().map(|place| size(place).1 + BELOW).sum::<usize>();
    let tallest = columns.columns.iter().map(tall).max().unwrap_or_default();
    let mut areas = BTreeMap::new();
    let mut x = PADDING;
    for column in &columns.columns {
        let widest = column.iter().map(|place| size(place).0).max().unwrap_or_default();
        let mut y = PADDING + (tallest - tall(column)) / 2;
        for place in column {
            let (own, height) = size(place);
            let width = if matches!(place, Place::Node(_)) { widest.min(own.max(widest * 2 / 3)) } else { widest };
            areas.insert(*place, Area { x, y, width, height });
            y += height + BELOW;
        }
        x += widest + BESIDE;
    }
    (areas, x.saturating_sub(BESIDE) + PADDING, tallest + 2 * PADDING)
}

/// An arrow from a resource to what it needs, through its places.
fn arrow(way: &[Place], areas: &BTreeMap<Place, Area>) -> Markup {
    let through: Vec<&Area> = way.iter().filter_map(|place| areas.get(place)).collect();
    let (Some(first), Some(last)) = (through.first(), through.last()) else { return html! {} };
    let mut line = format!("M{} {}", first.x, first.y + first.height / 2);
    let mut at = (first.x, first.y + first.height / 2);
    for area in &through[1..] {
        let enters = (area.x + area.width, area.y + area.height / 2);
        let middle = usize::midpoint(at.0, enters.0);
        line.push_str(&format!("C{middle} {} {middle} {} {} {}", at.1, enters.1, enters.0, enters.1));
        if area.x != last.x || area.y != last.y {
            line.push_str(&format!("H{}", area.x));
        }
        at = (area.x, enters.1);
    }
    let (x, y) = (last.x + last.width, last.y + last.height / 2);
    html! {
        path d=(line) {}
        path class="tip" d=(format!("M{x} {y}l8 -4v8z")) {}
    }
}

fn boxed(area: &Area, address: &Address, node: &Node, lines: &[(&str, String)]) -> Markup {
    let about = node.about().join(", ");
    let title = if about.is_empty() { address.to_string() } else { format!("{address}: {about}") };
    html! {
        g {
            title { (title) }
            rect class=(node.act().map(Act::word).unwrap_or_default()) x=(area.x) y=(area.y) width=(area.width) height=(area.height) rx="6" {}
            @for (nth, (class, text)) in lines.iter().enumerate() {
                text class=(class) x=(area.x + PADDING) y=(area.y + PADDING + 13 + nth * LINE) { (text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph_text::tests::picture;

    #[test]
    fn a_graph_as_a_picture() {
        insta::assert_snapshot!(picture().svg().replace("><", ">\n<"));
    }
}
