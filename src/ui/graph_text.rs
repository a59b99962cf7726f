//! What depends on what, as text that draws it: DOT for Graphviz, Mermaid for pages, JSON for programs.
//!
//! Invariant: pure; an arrow leads from a resource to one that it needs, as in Terraform's graph. A name cannot break out of its place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use dofloat_base::address::Address;
use dofloat_engine::change::{Action, Plan, Step, StepId};
use dofloat_engine::graph;
use dofloat_state::journal::Op;

/// The graph of a stack's resource blocks.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The blocks, by their addresses without keys.
    pub nodes: BTreeMap<Address, Node>,
    /// Which block needs which, without those that others lead to.
    pub edges: Vec<(Address, Address)>,
}

/// A resource block.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Its instances.
    pub instances: usize,
    /// What a plan does with them, each kind of action once.
    pub actions: Vec<Act>,
}

/// What a plan does with an instance, as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// It is made, or taken over.
    Create,
    /// It is changed in place.
    Update,
    /// It is replaced.
    Replace,
    /// It is deleted.
    Delete,
    /// It is read.
    Read,
}

impl Act {
    /// What is drawn of a planned action; nothing of one that changes nothing.
    #[must_use]
    pub fn of(action: &Action) -> Option<Self> {
        match action {
            Action::Keep | Action::Forget => None,
            Action::Create | Action::Adopt { .. } => Some(Self::Create),
            Action::Edit { .. } => Some(Self::Update),
            Action::Replace { .. } => Some(Self::Replace),
            Action::Delete => Some(Self::Delete),
            Action::Read => Some(Self::Read),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Read => "read",
        }
    }

    /// Colours that are told apart without seeing red and green, each with black text on it.
    fn colour(self) -> &'static str {
        match self {
            Self::Create => "#b7e3c0",
            Self::Update => "#f6e3a1",
            Self::Replace => "#f3c08b",
            Self::Delete => "#f0a8a8",
            Self::Read => "#bcd9f2",
        }
    }
}

impl Node {
    /// `create, 3 instances`.
    pub(super) fn about(&self) -> Vec<String> {
        let words: Vec<&str> = self.actions.iter().map(|act| act.word()).collect();
        let count = (self.instances > 1).then(|| format!("{} instances", self.instances));
        words.into_iter().map(str::to_owned).chain(count).collect()
    }

    /// The action that it is coloured by: the one that takes most away.
    pub(super) fn act(&self) -> Option<Act> {
        self.actions.iter().copied().filter(|act| *act != Act::Read).max().or(self.actions.first().copied())
    }
}

impl Picture {
    /// What a plan does, and what each part of it waits for. Of what goes, what depends on something goes first, and the arrow
    /// leads the same way.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        let mut nodes = BTreeMap::<Address, Node>::new();
        for change in &plan.changes {
            let Some(act) = Act::of(&change.action) else { continue };
            let node = nodes.entry(change.address.unkeyed()).or_default();
            node.instances += 1;
            if !node.actions.contains(&act) {
                node.actions.push(act);
                node.actions.sort_unstable();
            }
        }
        let steps: BTreeMap<StepId, &Step> = plan.steps.iter().map(|step| (step.id, step)).collect();
        let goes = |step: &Step| matches!(step.op.object(), Some(Op::Delete { .. }));
        let mut edges = BTreeSet::new();
        for step in &plan.steps {
            for need in step.needs.iter().filter_map(|need| steps.get(need)) {
                let (from, to) = if goes(step) && goes(need) { (*need, step) } else { (step, *need) };
                // A replacement's own steps, and the order of old and new ones, say nothing of what depends on what.
                let is_mixed = goes(step) != goes(need);
                let (from, to) = (from.address.unkeyed(), to.address.unkeyed());
                if !is_mixed && from != to && nodes.contains_key(&from) && nodes.contains_key(&to) {
                    edges.insert((from, to));
                }
            }
        }
        // What an arrow says that others say together is left out; where they go in a circle, all are drawn.
        let turned = edges.iter().map(|(from, to)| (to.clone(), from.clone()));
        let edges = match graph::build(nodes.keys().cloned(), turned) {
            Ok(graph) => graph.without_shortcuts().into_iter().map(|(to, from)| (from, to)).collect(),
            Err(_) => edges.into_iter().collect(),
        };
        Self { nodes, edges }
    }

    /// The graph in the language of Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text = "digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n".to_owned();
        for (number, (group, nodes)) in self.groups().into_iter().enumerate() {
            let indent = if group.is_some() { "    " } else { "  " };
            if let Some(group) = group {
                let _ = writeln!(
                    text,
                    "  subgraph \"cluster_{number}\" {{\n    label = {};\n    fontname = \"sans-serif\";",
                    quoted(&group.to_string())
                );
            }
            for (address, node) in nodes {
                let label = [&[within(address)], &node.about()[..]].concat().join("\n");
                let fill = node.act().map(|act| format!(", style = filled, fillcolor = \"{}\"", act.colour())).unwrap_or_default();
                let _ = writeln!(text, "{indent}{} [label = {}{fill}];", quoted(&address.to_string()), quoted(&label));
            }
            if group.is_some() {
                text.push_str("  }\n");
            }
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "  {} -> {};", quoted(&from.to_string()), quoted(&to.to_string()));
        }
        text.push_str("}\n");
        text
    }

    /// The graph in the language of Mermaid.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let numbers: BTreeMap<&Address, usize> = self.nodes.keys().enumerate().map(|(number, address)| (address, number)).collect();
        let mut text = "flowchart RL\n".to_owned();
        let mut coloured = BTreeMap::<Act, Vec<String>>::new();
        for (number, (group, nodes)) in self.groups().into_iter().enumerate() {
            if let Some(group) = group {
                let _ = writeln!(text, "  subgraph g{number}[\"{}\"]", entities(&group.to_string()));
            }
            for (address, node) in nodes {
                let id = format!("n{}", numbers[address]);
                let label: Vec<String> = [&[within(address)], &node.about()[..]].concat().iter().map(|line| entities(line)).collect();
                let _ = writeln!(text, "  {id}[\"{}\"]", label.join("<br>"));
                if let Some(act) = node.act() {
                    coloured.entry(act).or_default().push(id);
                }
            }
            if group.is_some() {
                text.push_str("  end\n");
            }
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "  n{} --> n{}", numbers[from], numbers[to]);
        }
        for (act, ids) in coloured {
            let _ = writeln!(text, "  classDef {0} fill:{1},color:#000\n  class {2} {0}", act.word(), act.colour(), ids.join(","));
        }
        text
    }

    /// The graph as JSON.
    #[must_use]
    pub fn json(&self) -> Json {
        let node = |(address, node): (&Address, &Node)| {
            let actions: Vec<&str> = node.actions.iter().map(|act| act.word()).collect();
            json!({ "address": address, "instances": node.instances, "actions": actions })
        };
        let edge = |(from, to): &(Address, Address)| json!({ "from": from, "to": to });
        json!({
            "format_version": "1.0",
            "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(),
            "edges": self.edges.iter().map(edge).collect::<Vec<_>>(),
        })
    }

    /// The blocks by the module or cluster that they stand in, the stack's own first.
    fn groups(&self) -> BTreeMap<Option<&Address>, Vec<(&Address, &Node)>> {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for (address, node) in &self.nodes {
            groups.entry(address.parent.as_deref()).or_default().push((address, node));
        }
        groups
    }
}

/// An address without what it stands in.
fn within(address: &Address) -> String {
    Address { parent: None, ..address.clone() }.to_string()
}

/// A text of DOT.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A text of Mermaid, which has no way to escape but this.
fn entities(text: &str) -> String {
    let one = |c: char| match c {
        '"' | '<' | '>' | '&' | '#' | '[' | ']' | '`' => format!("#{};", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn picture() -> Picture {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let node = |instances, actions: &[Act]| Node { instances, actions: actions.to_vec() };
        Picture {
            nodes: BTreeMap::from([
                (address("digitalocean_droplet.web"), node(3, &[Act::Create, Act::Replace])),
                (address("module.net.digitalocean_vpc.v"), node(1, &[])),
                (address("data.digitalocean_image.base"), node(1, &[Act::Read])),
            ]),
            edges: vec![
                (address("digitalocean_droplet.web"), address("module.net.digitalocean_vpc.v")),
                (address("digitalocean_droplet.web"), address("data.digitalocean_image.base")),
            ],
        }
    }

    #[test]
    fn a_graph_as_text() {
        insta::assert_snapshot!(format!("{}\n{}\n{:#}", picture().dot(), picture().mermaid(), picture().json()));
    }

    #[test]
    fn a_name_stays_in_its_place() {
        assert_eq!(quoted("a\"]; x -> y\n\\"), "\"a\\\"]; x -> y\\n\\\\\"");
        assert_eq!(entities("a\"] --> b<br>"), "a#34;#93; --#62; b#60;br#62;");
    }
}
