//! Dependency graphs: the only file that names petgraph.
//!
//! Invariant: nodes go in in their order, so every walk is the same each time; nothing here recurses, so a chain of any length
//! is fine. It must not know what a node is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::algo::tred::{dag_to_toposorted_adjacency_list, dag_transitive_reduction_closure};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::IntoNeighbors as _;

/// A directed graph without cycles.
#[derive(Debug)]
pub struct Graph<N> {
    inner: DiGraph<N, ()>,
    index: BTreeMap<N, NodeIndex>,
}

/// A way from a node back to itself: each needs the next, the last needs the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle<N>(pub Vec<N>);

/// Builds the graph. An edge `(a, b)` says that `b` needs `a`; edges that name an absent node are left out.
///
/// # Errors
/// A shortest cycle through its smallest node, if there is one.
pub fn build<N: Ord + Clone>(nodes: impl IntoIterator<Item = N>, edges: impl IntoIterator<Item = (N, N)>) -> Result<Graph<N>, Cycle<N>> {
    let nodes: BTreeSet<N> = nodes.into_iter().collect();
    let mut inner = DiGraph::with_capacity(nodes.len(), nodes.len());
    let index: BTreeMap<N, NodeIndex> = nodes.into_iter().map(|node| (node.clone(), inner.add_node(node))).collect();
    let edges: BTreeSet<(NodeIndex, NodeIndex)> = edges.into_iter().filter_map(|(a, b)| Some((*index.get(&a)?, *index.get(&b)?))).collect();
    for (a, b) in edges {
        inner.add_edge(a, b, ());
    }
    let graph = Graph { inner, index };
    match graph.cycle() {
        Some(cycle) => Err(cycle),
        None => Ok(graph),
    }
}

impl<N: Ord + Clone> Graph<N> {
    /// All nodes, each after those that it needs; the smallest first among those that may come next.
    #[must_use]
    pub fn order(&self) -> Vec<N> {
        let mut waits: Vec<usize> =
            self.inner.node_indices().map(|n| self.inner.neighbors_directed(n, Direction::Incoming).count()).collect();
        let mut ready: BTreeSet<NodeIndex> = self.inner.node_indices().filter(|n| waits[n.index()] == 0).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some(next) = ready.pop_first() {
            order.push(self.inner[next].clone());
            for follower in self.inner.neighbors(next) {
                waits[follower.index()] -= 1;
                if waits[follower.index()] == 0 {
                    ready.insert(follower);
                }
            }
        }
        order
    }

    /// The edges that no longer way replaces: `(a, b)` says that `b` needs `a`.
    #[must_use]
    pub fn without_shortcuts(&self) -> Vec<(N, N)> {
        let order: Vec<NodeIndex> = self.order().iter().filter_map(|node| self.index.get(node).copied()).collect();
        let (list, _) = dag_to_toposorted_adjacency_list::<_, u32>(&self.inner, &order);
        let (reduced, _) = dag_transitive_reduction_closure(&list);
        let node = |at: u32| order.get(at as usize).map(|index| self.inner[*index].clone());
        let all = reduced.node_indices().flat_map(|from| (&reduced).neighbors(from).map(move |to| (from, to)));
        let mut edges: Vec<(N, N)> = all.filter_map(|(from, to)| Some((node(from)?, node(to)?))).collect();
        edges.sort();
        edges
    }

    /// The direct and indirect dependents of `node`.
    #[must_use]
    pub fn dependents(&self, node: &N) -> BTreeSet<N> {
        self.reach(node, Direction::Outgoing)
    }

    /// The direct and indirect dependencies of `node`.
    #[must_use]
    pub fn needs(&self, node: &N) -> BTreeSet<N> {
        self.reach(node, Direction::Incoming)
    }

    fn reach(&self, node: &N, direction: Direction) -> BTreeSet<N> {
        let mut seen = BTreeSet::new();
        let mut queue: VecDeque<NodeIndex> = self.index.get(node).copied().into_iter().collect();
        while let Some(at) = queue.pop_front() {
            for next in self.inner.neighbors_directed(at, direction) {
                if seen.insert(next) {
                    queue.push_back(next);
                }
            }
        }
        seen.into_iter().map(|n| self.inner[n].clone()).collect()
    }

    fn cycle(&self) -> Option<Cycle<N>> {
        let knots = kosaraju_scc(&self.inner);
        let knot = knots
            .into_iter()
            .filter(|knot| knot.len() > 1 || knot.iter().any(|n| self.inner.contains_edge(*n, *n)))
            .min_by_key(|knot| knot.iter().min().copied())?;
        let within: BTreeSet<NodeIndex> = knot.into_iter().collect();
        let start = *within.first()?;
        let mut came: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            let mut needs: Vec<NodeIndex> = self.inner.neighbors_directed(at, Direction::Incoming).filter(|n| within.contains(n)).collect();
            needs.sort_unstable();
            for next in needs {
                if next == start {
                    return Some(Cycle(self.way(&came, start, at)));
                }
                if let std::collections::btree_map::Entry::Vacant(entry) = came.entry(next) {
                    entry.insert(at);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    fn way(&self, came: &BTreeMap<NodeIndex, NodeIndex>, start: NodeIndex, end: NodeIndex) -> Vec<N> {
        let mut way = vec![self.inner[end].clone()];
        let mut at = end;
        while at != start
            && let Some(previous) = came.get(&at)
        {
            at = *previous;
            way.push(self.inner[at].clone());
        }
        way.reverse();
        way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_respects_needs_and_is_by_name_otherwise() {
        let graph = build(["c", "b", "a", "d"], [("d", "a"), ("c", "d")]).unwrap();
        assert_eq!(graph.order(), ["b", "c", "d", "a"]);
        assert_eq!(graph.dependents(&"c"), BTreeSet::from(["a", "d"]));
        assert_eq!(graph.needs(&"a"), BTreeSet::from(["c", "d"]));
    }

    #[test]
    fn a_cycle_is_named_in_the_order_of_needs() {
        let edges = [("b", "a"), ("c", "b"), ("a", "c"), ("x", "a")];
        assert_eq!(build(["a", "b", "c", "x"], edges).err(), Some(Cycle(vec!["a", "b", "c"])));
        assert_eq!(build(["a"], [("a", "a")]).err(), Some(Cycle(vec!["a"])));
    }

    #[test]
    fn a_shortcut_is_no_edge_of_its_own() {
        let graph = build(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")]).unwrap();
        assert_eq!(graph.without_shortcuts(), [("a", "b"), ("a", "d"), ("b", "c")]);
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let count = 200_000_u32;
        let graph = build(0..count, (1..count).map(|n| (n - 1, n))).unwrap();
        assert_eq!(graph.order().len(), count as usize);
        assert!(build(0..count, (0..count).map(|n| (n, (n + 1) % count))).is_err());
    }
}
