//! Every state that can be reached within bounds, the shortest way to what must not happen, and the longest way back to service.
//!
//! Invariant: breadth first, so that the first way found is a shortest one; all or nothing: a search that is cut short says so.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::world::{self, Bounds, Sort, State, Wrong};

/// Fast, for keys that nobody chooses with ill intent.
#[derive(Default)]
pub(crate) struct Fast(u64);

impl Hasher for Fast {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u8(number as u8);
    }
}

type Index = HashMap<State, u32, BuildHasherDefault<Fast>>;

/// A way from one state to another.
struct Edge {
    to: u32,
    is_fault: bool,
    is_time: bool,
}

/// All that was found.
pub(crate) struct Found {
    states: Vec<State>,
    edges: Vec<Edge>,
    /// Where the edges of a state begin.
    first: Vec<u32>,
    parents: Vec<(u32, (&'static str, u8))>,
    /// The first way to each wrong: the state before it and the last step.
    pub(crate) wrongs: Vec<(Wrong, u32, (&'static str, u8))>,
}

/// How long it takes to reach for good what is wanted, without a new fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Return {
    /// At most so many rounds.
    Within(u32),
    /// From some state it can take for ever: an example of one.
    Never(u32),
}

pub(crate) fn explore(bounds: &Bounds) -> Found {
    let begin = world::start(bounds);
    let mut found =
        Found { states: vec![begin], edges: Vec::new(), first: Vec::new(), parents: vec![(0, ("start", 0))], wrongs: Vec::new() };
    let mut index = Index::default();
    index.insert(begin, 0);
    let mut at = 0;
    while at < found.states.len() {
        found.first.push(found.edges.len() as u32);
        for next in found.states[at].successors(bounds) {
            if let Some(wrong) = next.wrong
                && !found.wrongs.iter().any(|(known, ..)| *known == wrong)
            {
                found.wrongs.push((wrong, at as u32, next.what));
            }
            let new = found.states.len() as u32;
            let to = *index.entry(next.state).or_insert(new);
            if to == new {
                found.states.push(next.state);
                found.parents.push((at as u32, next.what));
            }
            found.edges.push(Edge { to, is_fault: next.sort == Sort::Fault, is_time: next.sort == Sort::Time });
        }
        at += 1;
    }
    found.first.push(found.edges.len() as u32);
    found
}

impl Found {
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    pub(crate) fn state(&self, at: u32) -> &State {
        &self.states[at as usize]
    }

    fn edges_of(&self, at: usize) -> &[Edge] {
        &self.edges[self.first[at] as usize..self.first[at + 1] as usize]
    }

    /// How a state is reached.
    pub(crate) fn way(&self, mut at: u32) -> Vec<String> {
        let mut way = Vec::new();
        while at != 0 {
            let (parent, (what, node)) = self.parents[at as usize];
            way.push(format!("{what} {node}"));
            at = parent;
        }
        way.reverse();
        way
    }

    /// How long it takes from any state that `counts` until the wanted holds for good. Faults end with the budget, so what is
    /// asked is what happens after the last one.
    pub(crate) fn comes_back(&self, counts: impl Fn(&State) -> bool, wanted: impl Fn(&State) -> bool) -> Return {
        let stays = self.stays(&counts, &wanted);
        // The longest way through what is left; a circle in it is for ever.
        let mut longest: Vec<Option<u32>> = vec![None; self.len()];
        let mut open: Vec<bool> = vec![false; self.len()];
        let mut worst = 0;
        for start in 0..self.len() {
            if stays[start] || longest[start].is_some() || !counts(&self.states[start]) {
                continue;
            }
            let mut stack = vec![(start, 0_usize)];
            open[start] = true;
            while let Some((at, step)) = stack.last_mut() {
                let (here, edges) = (*at, self.edges_of(*at));
                let Some(edge) = edges.get(*step) else {
                    let ways = edges.iter().filter(|edge| !edge.is_fault);
                    let Some(most) = ways.map(|edge| u32::from(edge.is_time) + longest[edge.to as usize].unwrap_or(0)).max() else {
                        return Return::Never(here as u32);
                    };
                    longest[here] = Some(most);
                    worst = worst.max(most);
                    open[here] = false;
                    stack.pop();
                    continue;
                };
                *step += 1;
                let to = edge.to as usize;
                if edge.is_fault || stays[to] || longest[to].is_some() || to == here {
                    if to == here && !edge.is_fault {
                        return Return::Never(here as u32);
                    }
                    continue;
                }
                if open[to] {
                    return Return::Never(to as u32);
                }
                open[to] = true;
                stack.push((to, 0));
            }
        }
        Return::Within(worst)
    }

    /// The states in which the wanted holds whatever happens, but for faults.
    fn stays(&self, counts: &impl Fn(&State) -> bool, wanted: &impl Fn(&State) -> bool) -> Vec<bool> {
        let mut stays: Vec<bool> = self.states.iter().map(|state| counts(state) && wanted(state)).collect();
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.len()];
        let mut leaves = Vec::new();
        for (at, stays) in stays.iter().enumerate() {
            for edge in self.edges_of(at).iter().filter(|edge| !edge.is_fault) {
                before[edge.to as usize].push(at as u32);
            }
            if !stays {
                leaves.push(at as u32);
            }
        }
        while let Some(at) = leaves.pop() {
            for parent in &before[at as usize] {
                if std::mem::replace(&mut stays[*parent as usize], false) {
                    leaves.push(*parent);
                }
            }
        }
        stays
    }
}
