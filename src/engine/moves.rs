//! What became of addresses since the records were written: moves, objects that are taken over, objects that are let go.
//!
//! Invariant: pure; an object is known by one address before and after. Identity, deposed objects and what is built upon what
//! go along with a move; a place that is taken already is never overwritten.

use std::collections::BTreeMap;

use super::change::Provenance;
use dofloat_base::address::{Address, Key};
use dofloat_base::desired::Desired;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Mark};
use dofloat_kinds::kind;
use dofloat_state::{Record, State};

/// How records came to be where they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// The old address, by the new one.
    pub moved: BTreeMap<Address, Address>,
    /// Objects that are taken over.
    pub taken: BTreeMap<Address, Taken>,
    /// Objects that were to be taken over and are not there.
    pub missing: BTreeMap<Address, Id>,
    /// The notes about it.
    pub notes: Vec<Diagnostic>,
}

/// An object that is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The object.
    pub id: Id,
    /// Whether another tool's memory told what cannot be read of it.
    pub told: bool,
    /// The marks of other stacks that it carries, where it is taken from them.
    pub from: Vec<Mark>,
}

impl Moves {
    /// How the record of an address came to be there, if it is new.
    #[must_use]
    pub fn provenance(&self, address: &Address) -> Option<Provenance> {
        let taken = self.taken.get(address).map(|taken| Provenance::Imported { id: taken.id.clone() });
        taken.or_else(|| self.moved.get(address).map(|from| Provenance::Moved { from: from.clone() }))
    }
}

/// The result of a move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renamed {
    /// From and to.
    pub done: Vec<(Address, Address)>,
    /// From and to where that place is taken.
    pub blocked: Vec<(Address, Address)>,
}

/// Does the `moved` blocks, the moves that a new or lost `count` means, and forgets replaced objects of resources that are
/// removed and not to be destroyed.
#[must_use]
pub fn apply(state: &mut State, desired: &Desired) -> Moves {
    let mut moves = Moves::default();
    for of in &desired.moves {
        let renamed = rename(state, &of.from, &of.to);
        moves.remember(renamed.done);
        for (from, to) in renamed.blocked {
            moves.notes.push(
                Diagnostic::warning(format!("{from} is not moved to {to}: the state has another object there.")).at(of.span.clone()).hint(
                    format!(
                        "Because {from} is not in the configuration, it would be destroyed. Use `dofloat state mv` or \
                         `state rm` to resolve this."
                    ),
                ),
            );
        }
    }
    for (from, to) in implied(state, desired) {
        moves.remember(rename(state, &from, &to).done);
    }
    let let_go = |address: &Address| desired.removal(address).is_some_and(|removal| !removal.destroy);
    state.deposed.retain(|(address, _), _| !let_go(address));
    moves
}

impl Moves {
    fn remember(&mut self, done: Vec<(Address, Address)>) {
        for (from, to) in done {
            let origin = self.moved.remove(&from).unwrap_or(from);
            self.moved.insert(to, origin);
        }
    }
}

/// A resource that gets a `count` becomes its first instance; one that loses it is what its first instance was.
fn implied(state: &State, desired: &Desired) -> Vec<(Address, Address)> {
    let first = |address: &Address| address.with_key(Some(Key::Index(0)));
    let moves = desired.resources.keys().filter_map(|wanted| {
        let (from, to) = match wanted.key {
            None => (first(wanted), wanted.clone()),
            Some(Key::Index(0)) => (wanted.block(), wanted.clone()),
            _ => return None,
        };
        let free = state.records.contains_key(&from) && !state.records.contains_key(&to) && !desired.resources.contains_key(&from);
        free.then_some((from, to))
    });
    moves.collect()
}

/// Moves records from an address to another: an instance, or a block with all its instances.
///
/// A move to the other name of a type takes what was read along under that name.
pub fn rename(state: &mut State, from: &Address, to: &Address) -> Renamed {
    let mut renamed = Renamed::default();
    let known = state.records.keys().chain(state.deposed.keys().map(|(address, _)| address));
    let mut moves: BTreeMap<Address, Address> = known.filter_map(|address| Some((address.clone(), address.moved(from, to)?))).collect();
    moves.retain(|from, to| {
        let taken = state.records.contains_key(to) || state.deposed.keys().any(|(address, _)| address == to);
        if taken {
            renamed.blocked.push((from.clone(), to.clone()));
        }
        !taken
    });
    let moved = |address: Address| moves.get(&address).cloned().unwrap_or(address);
    let placed = |from: Address, mut record: Record| {
        let to = moved(from.clone());
        if to.kind != from.kind
            && let Some(kind) = kind(&to.kind)
        {
            record.body = kind.renamed(record.body);
        }
        (to, record)
    };
    state.records = std::mem::take(&mut state.records).into_iter().map(|(address, record)| placed(address, record)).collect();
    let deposed = std::mem::take(&mut state.deposed).into_iter().map(|((address, id), record)| {
        let (address, record) = placed(address, record);
        ((address, id), record)
    });
    state.deposed = deposed.collect();
    for record in state.records.values_mut().chain(state.deposed.values_mut()) {
        record.after = std::mem::take(&mut record.after).into_iter().map(moved).collect();
    }
    renamed.done = moves.into_iter().collect();
    renamed
}

/// Takes records out; the objects live on. What was built upon them is built upon what they were built upon, so that the
/// order of a later destroy holds.
pub fn forget(state: &mut State, address: &Address) {
    state.deposed.retain(|(other, _), _| other != address);
    let Some(gone) = state.records.remove(address) else { return };
    for record in state.records.values_mut().chain(state.deposed.values_mut()) {
        if record.after.remove(address) {
            record.after.extend(gone.after.iter().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use dofloat_base::desired::{Lifecycle, Move, Removal, Wanted};
    use dofloat_base::diag::Span;
    use dofloat_base::digest::Salt;
    use dofloat_base::value::Body;
    use dofloat_state::Health;

    fn at(text: &str) -> Address {
        text.parse().expect("an address")
    }

    /// Records are written `k.a`, `k.b>k.a` (built upon it); the identity is the address. `-k.a` is a deposed one.
    fn state(text: &str) -> State {
        let mut state = State::new("lineage".to_owned(), Salt::new([0; 32]));
        for word in text.split_whitespace() {
            let (name, upon) = word.split_once('>').unwrap_or((word, ""));
            let after = upon.split(',').filter(|name| !name.is_empty()).map(at).collect();
            let record = |id: &str| Record {
                id: Id(id.to_owned()),
                mark: None,
                body: Body::new(),
                digests: BTreeMap::new(),
                arguments: Body::new(),
                after,
                health: Health::Ready,
                create_before_destroy: false,
            };
            match name.strip_prefix('-') {
                Some(old) => drop(state.deposed.insert((at(old), Id("old".to_owned())), record("old"))),
                None => drop(state.records.insert(at(name), record(name))),
            }
        }
        state
    }

    fn told(state: &State) -> String {
        let one = |address: &Address, record: &Record| {
            let after: Vec<String> = record.after.iter().map(ToString::to_string).collect();
            let was = if record.id.0 == address.to_string() { String::new() } else { format!("={}", record.id) };
            format!("{address}{was}{}{}", if after.is_empty() { "" } else { ">" }, after.join(","))
        };
        let records = state.records.iter().map(|(address, record)| one(address, record));
        let deposed = state.deposed.iter().map(|((address, _), record)| format!("-{}", one(address, record)));
        records.chain(deposed).collect::<Vec<_>>().join(" ")
    }

    fn span() -> Span {
        Span { file: "t.tf".into(), start: 0, end: 0 }
    }

    fn desired(wanted: &str, moves: &[(&str, &str)]) -> Desired {
        let one = |name: &str| (at(name), Wanted { after: BTreeSet::new(), rules: Lifecycle::default(), span: span() });
        Desired {
            resources: wanted.split_whitespace().map(one).collect(),
            moves: moves.iter().map(|(from, to)| Move { from: at(from), to: at(to), span: span() }).collect(),
            ..Desired::default()
        }
    }

    #[track_caller]
    fn check(before: &str, wanted: &str, moves: &[(&str, &str)], after: &str) -> Moves {
        let mut state = state(before);
        let moves = apply(&mut state, &desired(wanted, moves));
        assert_eq!(told(&state), after, "{before} {moves:?}");
        moves
    }

    #[test]
    fn what_moves_keeps_its_identity_and_its_place_in_the_order() {
        check("k.a k.c>k.a -k.a>k.z", "k.b", &[("k.a", "k.b")], "k.b=k.a k.c>k.b -k.b=old>k.z");
        check("k.a[0] k.a[1] k.c>k.a[1]", "k.b[0] k.b[1]", &[("k.a", "k.b")], "k.b[0]=k.a[0] k.b[1]=k.a[1] k.c>k.b[1]");
        check("k.a", "k.b[\"x\"]", &[("k.a", "k.b[\"x\"]")], "k.b[\"x\"]=k.a");
        check("c.a.k.x c.a.k.y>c.a.k.x", "", &[("c.a", "c.b")], "c.b.k.x=c.a.k.x c.b.k.y=c.a.k.y>c.b.k.x");
    }

    #[test]
    fn a_chain_ends_at_its_end_and_tells_its_beginning() {
        let moves = check("k.a", "k.c", &[("k.a", "k.b"), ("k.b", "k.c")], "k.c=k.a");
        assert_eq!(moves.provenance(&at("k.c")), Some(Provenance::Moved { from: at("k.a") }));
        assert_eq!(moves.moved.len(), 1);
        check("k.b", "k.c", &[("k.a", "k.b"), ("k.b", "k.c")], "k.c=k.b");
        assert_eq!(check("k.c", "k.c", &[("k.a", "k.b"), ("k.b", "k.c")], "k.c"), Moves::default());
    }

    #[test]
    fn a_place_that_is_taken_is_left_alone() {
        let moves = check("k.a k.b", "k.b", &[("k.a", "k.b")], "k.a k.b");
        assert!(moves.moved.is_empty() && moves.notes[0].message.contains("k.a is not moved to k.b"));
    }

    #[test]
    fn a_new_or_lost_count_keeps_the_first() {
        check("k.a", "k.a[0] k.a[1]", &[], "k.a[0]=k.a");
        check("k.a[0] k.a[1]", "k.a", &[], "k.a=k.a[0] k.a[1]");
        check("k.a", "k.a[\"x\"]", &[], "k.a");
        check("k.a", "k.a[0] k.b", &[("k.a", "k.b")], "k.b=k.a");
    }

    #[test]
    fn what_is_forgotten_leaves_the_order_of_the_others() {
        let mut state = state("k.a k.b>k.a k.c>k.b -k.b>k.a");
        forget(&mut state, &at("k.b"));
        assert_eq!(told(&state), "k.a k.c>k.a");
    }

    #[test]
    fn a_removed_resource_lets_its_replaced_objects_go() {
        let mut state = state("k.a -k.a -k.b");
        let removal = Removal { destroy: false, span: span() };
        let desired = Desired { removals: BTreeMap::from([(at("k.a"), removal)]), ..Desired::default() };
        let _ = apply(&mut state, &desired);
        assert_eq!(told(&state), "k.a -k.b=old");
    }
}
