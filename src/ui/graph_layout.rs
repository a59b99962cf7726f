//! Where the boxes of a graph stand: in columns, what is needed to the left of what needs it.
//!
//! Invariant: pure and the same every time; a circle ends, whatever it looks like. After Sugiyama, Tagawa and Toda (1981): layers
//! by the longest path, arrows over several layers through a place in each, and fewer crossings by barycentres.

use std::collections::BTreeMap;

/// So often the columns are put in order, to and fro.
const SWEEPS: usize = 8;

/// A place in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A node, by its number.
    Node(usize),
    /// An arrow that passes, by its number, in this column.
    Arrow(usize, usize),
}

/// A graph in columns.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// The places of each column, from top to bottom.
    pub columns: Vec<Vec<Place>>,
    /// Of each arrow the places that it leads through, from the node that needs to the one that is needed.
    pub ways: Vec<Vec<Place>>,
}

/// Puts nodes `0..count` in columns; an edge leads from a node to one that it needs.
pub(super) fn columns(count: usize, edges: &[(usize, usize)]) -> Columns {
    let layers = layers(count, edges);
    let mut columns: Vec<Vec<Place>> = vec![Vec::new(); layers.iter().max().map_or(0, |last| last + 1)];
    for (node, layer) in layers.iter().enumerate() {
        columns[*layer].push(Place::Node(node));
    }
    let mut ways = Vec::new();
    for (number, (from, to)) in edges.iter().enumerate() {
        let (first, last) = (layers[*to].min(layers[*from]) + 1, layers[*to].max(layers[*from]));
        let between: Vec<Place> = (first..last).map(|layer| Place::Arrow(number, layer)).collect();
        for place in &between {
            let Place::Arrow(_, layer) = place else { continue };
            columns[*layer].push(*place);
        }
        let (start, end) = (Place::Node(*from), Place::Node(*to));
        // The places between are counted from the left, and an arrow leads to the left.
        let through: Vec<Place> = if layers[*from] < layers[*to] { between } else { between.into_iter().rev().collect() };
        ways.push([&[start], &through[..], &[end]].concat());
    }
    untangle(&mut columns, &ways);
    Columns { columns, ways }
}

/// The layer of each node: one more than the highest of what it needs. An edge that closes a circle does not count.
fn layers(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (from, to) in edges {
        needs[*from].push(*to);
    }
    let mut layers: Vec<Option<usize>> = vec![None; count];
    let mut open = vec![false; count];
    for node in 0..count {
        // Depth first, without recursion: graphs may be deep.
        let mut stack = vec![(node, false)];
        while let Some((node, done)) = stack.pop() {
            if done {
                let highest = needs[node].iter().filter_map(|need| layers[*need]).max();
                layers[node] = Some(highest.map_or(0, |layer| layer + 1));
                open[node] = false;
            } else if layers[node].is_none() && !open[node] {
                open[node] = true;
                stack.push((node, true));
                stack.extend(needs[node].iter().filter(|need| layers[**need].is_none() && !open[**need]).map(|need| (*need, false)));
            }
        }
    }
    layers.into_iter().map(Option::unwrap_or_default).collect()
}

/// Orders the places of each column by where their neighbours stand.
fn untangle(columns: &mut [Vec<Place>], ways: &[Vec<Place>]) {
    let mut neighbours = BTreeMap::<Place, Vec<Place>>::new();
    for pair in ways.iter().flat_map(|way| way.windows(2)) {
        neighbours.entry(pair[0]).or_default().push(pair[1]);
        neighbours.entry(pair[1]).or_default().push(pair[0]);
    }
    for sweep in 0..SWEEPS {
        let order: Vec<(usize, usize)> = match sweep % 2 {
            0 => (1..columns.len()).map(|column| (column, column - 1)).collect(),
            _ => (1..columns.len()).map(|column| (column - 1, column)).rev().collect(),
        };
        for (column, beside) in order {
            let at: BTreeMap<Place, usize> = columns[beside].iter().enumerate().map(|(at, place)| (*place, at)).collect();
            let mut keyed: Vec<(usize, usize, Place)> = Vec::new();
            for (now, place) in columns[column].iter().enumerate() {
                let seen: Vec<usize> = neighbours.get(place).into_iter().flatten().filter_map(|other| at.get(other).copied()).collect();
                // In thousandths of a place; what has no neighbour there stays where it is.
                let mean = if seen.is_empty() { now * 1000 } else { seen.iter().sum::<usize>() * 1000 / seen.len() };
                keyed.push((mean, now, *place));
            }
            keyed.sort_unstable();
            columns[column] = keyed.into_iter().map(|(.., place)| place).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_stands_to_the_left() {
        // 0 needs 1 and 2, 1 needs 2.
        let columns = columns(3, &[(0, 1), (1, 2), (0, 2)]);
        assert_eq!(columns.columns, vec![vec![Place::Node(2)], vec![Place::Node(1), Place::Arrow(2, 1)], vec![Place::Node(0)]]);
        assert_eq!(columns.ways[2], vec![Place::Node(0), Place::Arrow(2, 1), Place::Node(2)]);
    }

    #[test]
    fn arrows_do_not_cross_where_they_need_not() {
        // 2 needs 1, 3 needs 0: without an order of their own the arrows would cross.
        let columns = columns(4, &[(2, 1), (3, 0)]);
        let at =
            |node| columns.columns.iter().find_map(|column| column.iter().position(|place| *place == Place::Node(node))).expect("a place");
        assert_eq!((at(2) < at(3)), (at(1) < at(0)));
    }

    #[test]
    fn circles_and_depth_end() {
        assert_eq!(columns(2, &[(0, 1), (1, 0)]).columns.concat().len(), 2);
        assert_eq!(columns(0, &[]), Columns::default());
        let chain: Vec<(usize, usize)> = (1..20_000).map(|node| (node, node - 1)).collect();
        assert_eq!(columns(20_000, &chain).columns.len(), 20_000);
    }
}
