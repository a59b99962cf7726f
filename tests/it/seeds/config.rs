//! The configurations of a seed: drawn, changed, written as text, and told as what the account must show.
//!
//! Invariant: plain values that follow from the generator alone, so that a script can be cut down and played again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dofloat::base::rng::Rng;
use serde::{Deserialize, Serialize};

use super::families::{FAMILIES, Family};
use super::kept::{self, Word, word};
use super::sorts::{SORTS, Sort, View, sort};
use crate::support::harness::asked;

/// A resource that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The sort's word.
    #[serde(deserialize_with = "word")]
    pub(crate) sort: Word,
    pub(crate) label: char,
    /// A version of its name.
    pub(crate) name: u64,
    /// How often it was moved to another address.
    pub(crate) moved: u64,
    pub(crate) knobs: [u64; 4],
    pub(crate) create_first: bool,
}

/// What a stack wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    #[serde(deserialize_with = "word")]
    pub(crate) stack: Word,
    #[serde(with = "kept::parts")]
    parts: BTreeMap<(&'static str, char), Part>,
    /// What was taken out of the state without its object, and was not imported since.
    #[serde(with = "kept::parts")]
    pub(crate) left: BTreeMap<(&'static str, char), Part>,
    /// What is imported by this configuration.
    #[serde(with = "kept::keys")]
    pub(crate) imported: BTreeSet<(&'static str, char)>,
}

pub(crate) fn pick<T: Copy>(rng: &Rng, of: &[T]) -> T {
    of[usize::try_from(rng.below(of.len() as u64)).expect("it is small")]
}

pub(crate) fn chance(rng: &Rng, percent: u64) -> bool {
    rng.below(100) < percent
}

pub(crate) fn small(rng: &Rng, below: u64) -> usize {
    usize::try_from(rng.below(below)).expect("it is small")
}

const LABELS: [char; 2] = ['a', 'b'];

impl Part {
    fn random(rng: &Rng, sort: &'static str, label: char) -> Self {
        let mut part = Self { sort, label, name: 0, moved: 0, knobs: [0; 4], create_first: false };
        part.name = rng.below(3);
        for nth in 0..4 {
            part.turn(rng, nth);
        }
        part.create_first = part.is_replaceable_first() && chance(rng, 30);
        part
    }

    /// Whether its new object can stand beside the old one.
    fn is_replaceable_first(&self) -> bool {
        matches!(self.sort, "vm" | "fleet" | "crowd")
    }

    /// Another value of a knob; what cannot shrink grows.
    fn turn(&mut self, rng: &Rng, nth: usize) {
        self.knobs[nth] = match (self.sort, nth) {
            ("vm" | "fleet" | "crowd" | "volume" | "pair", 1) => (self.knobs[nth] + rng.below(2)).min(3),
            ("wall", 0) | ("vm" | "fleet" | "crowd", 2) => rng.below(8),
            ("fleet", 3) => rng.below(6),
            _ => rng.below(4),
        };
    }

    fn sort(&self) -> &'static Sort {
        sort(self.sort)
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.sort().kind
    }

    /// Of what family its object is.
    pub(crate) fn label_of_family(&self) -> &'static str {
        FAMILIES.iter().find(|family| family.kinds.contains(&self.kind())).map_or("", |family| family.label)
    }

    pub(crate) fn key(&self) -> (&'static str, char) {
        (self.sort, self.label)
    }

    fn address_before(&self, moved: u64) -> String {
        let times = if moved == 0 { String::new() } else { moved.to_string() };
        format!("{}.{}_{}{times}", self.sort().kind, self.sort, self.label)
    }

    pub(crate) fn address(&self) -> String {
        self.address_before(self.moved)
    }
}

impl Config {
    pub(crate) fn empty(stack: &'static str) -> Self {
        Self { stack, parts: BTreeMap::new(), left: BTreeMap::new(), imported: BTreeSet::new() }
    }

    pub(crate) fn random(rng: &Rng, stack: &'static str, sorts: &[&'static str], percent: u64) -> Self {
        let mut config = Self::empty(stack);
        for sort in sorts {
            for label in LABELS {
                if chance(rng, percent) {
                    config.parts.insert((sort, label), Part::random(rng, sort, label));
                }
            }
        }
        config
    }

    /// The same with one to five changes.
    pub(crate) fn changed(&self, rng: &Rng, sorts: &[&'static str], steps: Steps) -> Self {
        let mut next = self.clone();
        next.imported.clear();
        for _ in 0..=rng.below(5) {
            next.change(rng, sorts, steps, &self.left);
        }
        next.without_two_nets_at_once(self);
        next
    }

    /// A net that is made anew cannot stand beside itself, so nothing in it may be created first.
    fn without_two_nets_at_once(&mut self, before: &Self) {
        let range = |config: &Self, label: char| config.written("net", label).map(|net| net.knobs[0]);
        for label in LABELS {
            if range(self, label) != range(before, label)
                && let Some(part) = self.parts.get_mut(&("vm", label))
            {
                part.create_first = false;
            }
        }
    }

    /// `before` is what was left before this step, and can be imported by it.
    fn change(&mut self, rng: &Rng, sorts: &[&'static str], steps: Steps, before: &BTreeMap<(&'static str, char), Part>) {
        let left = before.keys().find(|key| self.left.contains_key(*key)).copied().filter(|_| steps.forgets && chance(rng, 40));
        let key = left.unwrap_or_else(|| (pick(rng, sorts), pick(rng, &LABELS)));
        if let Some(part) = self.left.get(&key) {
            if before.contains_key(&key) && chance(rng, 70) {
                self.parts.insert(key, part.clone());
                self.left.remove(&key);
                self.imported.insert(key);
            }
            return;
        }
        // A net cannot go as long as somebody is in it.
        let is_held = key.0 == "vm" && self.written("net", key.1).is_some();
        let Some(part) = self.parts.get_mut(&key) else {
            self.parts.insert(key, Part::random(rng, key.0, key.1));
            return;
        };
        match rng.below(10) {
            0 => drop(self.parts.remove(&key)),
            1 | 2 => part.name += 1,
            3 if steps.moves && key.0 != "pair" => part.moved += 1,
            4 | 6 if steps.forgets && part.sort().is_importable && !is_held && !self.imported.contains(&key) => {
                let part = self.parts.remove(&key).expect("it is there");
                self.left.insert(key, part);
            }
            5 if part.is_replaceable_first() => part.create_first = !part.create_first,
            _ => part.turn(rng, small(rng, 4)),
        }
    }

    /// The same with larger droplets, where there are larger ones.
    pub(crate) fn grown(&self) -> Self {
        let mut next = self.clone();
        for part in next.parts.values_mut().filter(|part| part.sort == "vm") {
            part.knobs[1] = (part.knobs[1] + 1).min(3);
        }
        next
    }

    /// Without a resource, as if it had never been drawn.
    pub(crate) fn without(&mut self, key: (&'static str, char)) {
        self.parts.remove(&key);
        self.left.remove(&key);
        self.imported.remove(&key);
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'static str, char)> {
        self.parts.keys().chain(self.left.keys()).copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// A resource that is written: all that it needs is there.
    pub(crate) fn written(&self, word: &str, label: char) -> Option<&Part> {
        let part = self.parts.iter().find(|((sort, of), _)| *sort == word && *of == label)?.1;
        part.sort().needs.iter().all(|needed| self.written(needed, label).is_some()).then_some(part)
    }

    pub(crate) fn all_written(&self) -> impl Iterator<Item = &Part> {
        self.parts.values().filter(|part| self.written(part.sort, part.label).is_some())
    }

    /// The configuration's text; `ids` are the objects that are to be imported.
    pub(crate) fn text(&self, secret: &str, ids: &BTreeMap<(&'static str, char), String>) -> String {
        let mut out = String::new();
        let mut say = |line: String| writeln!(out, "{line}").expect("a text takes text");
        for part in self.all_written() {
            let (kind, name) = part.address().split_once('.').map(|(kind, name)| (kind.to_owned(), name.to_owned())).expect("an address");
            say(format!("resource \"{kind}\" \"{name}\" {{"));
            for (name, value) in (part.sort().body)(&View { config: self, part, secret }) {
                match name.strip_suffix(" {") {
                    Some(block) => say(format!("  {block} {value}")),
                    None => say(format!("  {name} = {value}")),
                }
            }
            if part.create_first {
                say("  lifecycle {\n    create_before_destroy = true\n  }".to_owned());
            }
            say("}".to_owned());
            for moved in 0..part.moved {
                let (from, to) = (part.address_before(moved), part.address_before(moved + 1));
                say(format!("moved {{\n  from = {from}\n  to   = {to}\n}}"));
            }
            if let Some(id) = ids.get(&part.key()) {
                say(format!("import {{\n  to = {}\n  id = {id:?}\n}}", part.address()));
            }
        }
        for part in self.left.values() {
            say(format!("removed {{\n  from = {}\n  lifecycle {{\n    destroy = false\n  }}\n}}", part.address()));
        }
        out
    }

    /// The names that are wanted for objects of a family.
    pub(crate) fn names(&self, family: &Family) -> impl Iterator<Item = String> {
        let of_family =
            self.all_written().filter(|part| family.kinds.contains(&part.sort().kind) && !matches!(part.sort, "fleet" | "crowd"));
        of_family.map(|part| View { config: self, part, secret: "" }.own_name())
    }

    /// What there should be, one line an object, sorted.
    pub(crate) fn faces(&self) -> Vec<String> {
        let of = |part: &Part| (part.sort().faces)(&View { config: self, part, secret: "" });
        let mut faces: Vec<String> = self.all_written().flat_map(of).collect();
        faces.sort();
        faces
    }
}

/// What may be done to the addresses of resources.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) moves: bool,
    pub(crate) forgets: bool,
}

/// Some of the sorts: droplets most often, and what is built upon what is there.
pub(crate) fn some_sorts(rng: &Rng) -> Vec<&'static str> {
    let always = ["vm", "ip", "zone", "record", "volume"];
    let drawn = |sort: &Sort| {
        let percent = if sort.needs.is_empty() { 45 } else { 60 };
        chance(rng, if always.contains(&sort.word) { 75 } else { percent })
    };
    let with_pairs = asked("DOFLOAT_PAIRS").is_some();
    let all = || SORTS.iter().filter(|sort| with_pairs || sort.word != "pair");
    let mut sorts: Vec<&'static str> = all().filter(|sort| drawn(sort)).map(|sort| sort.word).collect();
    if sorts.len() < 4 {
        sorts = all().map(|sort| sort.word).collect();
    }
    sorts
}
