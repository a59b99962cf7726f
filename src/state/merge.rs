//! Two branches' states made one: what a merge driver of git needs.
//!
//! Invariant: only what one side alone changed is joined; where both changed the same thing differently, or where a side's
//! record rests on what the other took away, nothing is joined at all. It must not know kinds, files, or git.

use std::collections::{BTreeMap, BTreeSet};

use super::State;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Id;

/// Joins two states that grew from one. `base` is what they grew from; none if they have nothing in common.
///
/// # Errors
/// Everything that forbids it.
pub fn join(base: Option<&State>, ours: &State, theirs: &State) -> Result<State, Vec<Diagnostic>> {
    if ours.lineage != theirs.lineage || base.is_some_and(|base| base.lineage != ours.lineage) {
        return Err(vec![Diagnostic::error(format!(
            "They are two stacks: one has the lineage {}, the other {}.",
            ours.lineage, theirs.lineage
        ))]);
    }
    let nothing = State::new(ours.lineage.clone(), ours.salt.clone());
    let base = base.unwrap_or(&nothing);
    let mut clashes = Vec::new();
    if ours.salt != theirs.salt {
        clashes.push(Diagnostic::error("Their digests have different keys and cannot be compared."));
    }
    let owner = match (&ours.owner, &theirs.owner) {
        (Some(one), Some(other)) if one != other => {
            clashes.push(Diagnostic::error(format!("One belongs to {one}, the other to {other}.")));
            None
        }
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    let mut joined = State {
        lineage: ours.lineage.clone(),
        serial: ours.serial.max(theirs.serial),
        salt: ours.salt.clone(),
        owner,
        // Its name is unique in an account, so two that were made apart are one.
        project: if ours.project == base.project { theirs.project.clone() } else { ours.project.clone() },
        records: each(&base.records, &ours.records, &theirs.records, ToString::to_string, &mut clashes),
        deposed: each(&base.deposed, &ours.deposed, &theirs.deposed, |(address, id)| format!("{address} (deposed {id})"), &mut clashes),
        outputs: each(&base.outputs, &ours.outputs, &theirs.outputs, |name| format!("output \"{name}\""), &mut clashes),
    };
    clashes.extend(without_dependency(&joined, ours, theirs));
    clashes.extend(known_twice(&joined, &[ours, theirs]));
    if !clashes.is_empty() {
        return Err(clashes);
    }
    let same = |other: &State| State { serial: 0, ..joined.clone() } == State { serial: 0, ..other.clone() };
    if !same(ours) && !same(theirs) {
        joined.serial += 1;
    }
    Ok(joined)
}

fn each<K: Ord + Clone, V: Clone + PartialEq>(
    base: &BTreeMap<K, V>,
    ours: &BTreeMap<K, V>,
    theirs: &BTreeMap<K, V>,
    name: impl Fn(&K) -> String,
    clashes: &mut Vec<Diagnostic>,
) -> BTreeMap<K, V> {
    let keys: BTreeSet<&K> = ours.keys().chain(theirs.keys()).collect();
    let mut joined = BTreeMap::new();
    for key in keys {
        let (was, one, other) = (base.get(key), ours.get(key), theirs.get(key));
        let kept = if one == other || other == was {
            one
        } else if one == was {
            other
        } else {
            clashes.push(Diagnostic::error(format!("{}: {}.", name(key), how(was.is_some(), one.is_some(), other.is_some()))));
            continue;
        };
        if let Some(kept) = kept {
            joined.insert(key.clone(), kept.clone());
        }
    }
    joined
}

fn how(was: bool, one: bool, other: bool) -> &'static str {
    match (was, one, other) {
        (false, ..) => "both branches created it",
        (true, true, true) => "both branches changed it",
        (true, true, false) => "this branch changed it, and the other destroyed it",
        (true, false, _) => "this branch destroyed it, and the other changed it",
    }
}

/// Records whose ground the other side took away.
fn without_dependency(joined: &State, ours: &State, theirs: &State) -> Vec<Diagnostic> {
    let there = |address: &Address| joined.records.contains_key(address);
    let was = |address: &Address| ours.records.contains_key(address) || theirs.records.contains_key(address);
    let mut clashes = Vec::new();
    for (address, record) in &joined.records {
        for dependency in record.after.iter().filter(|dependency| !there(dependency) && was(dependency)) {
            clashes.push(Diagnostic::error(format!("{address}: one branch made it depend on {dependency}, which the other destroyed.")));
        }
    }
    clashes
}

/// Objects that stand under two addresses: one side moved what the other knows by its old name.
/// What one side itself has at both is meant so.
fn known_twice(joined: &State, sides: &[&State]) -> Vec<Diagnostic> {
    let has = |side: &State, address: &Address, id: &Id| side.records.get(address).is_some_and(|record| record.id == *id);
    let mut seen: BTreeMap<(&str, &str), &Address> = BTreeMap::new();
    let mut clashes = Vec::new();
    let deposed = joined.deposed.iter().map(|((address, _), record)| (address, record));
    for (address, record) in joined.records.iter().chain(deposed) {
        if let Some(other) = seen.insert((&address.kind, &record.id.0), address)
            && !sides.iter().any(|side| has(side, other, &record.id) && has(side, address, &record.id))
        {
            clashes.push(Diagnostic::error(format!("{other} and {address} are the same object, {}.", record.id)));
        }
    }
    clashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Health, Record, SavedOutput};
    use dofloat_base::digest::Salt;
    use dofloat_base::types::Type;
    use dofloat_base::value::Value;

    /// A state in one line: `a=1` is a record with identity `a` and an attribute, `b=1<a` one built upon `a`, `a@b=1` one
    /// with `a`'s address and `b`'s identity, `:o=1` an output.
    fn state(serial: u64, text: &str) -> State {
        let mut state = State::new("lineage".to_owned(), Salt::new([7; 32]));
        state.serial = serial;
        for word in text.split_whitespace() {
            let (word, after) = word.split_once('<').map_or((word, None), |(word, after)| (word, Some(after)));
            let (name, value) = word.split_once('=').expect("NAME=VALUE");
            if let Some(name) = name.strip_prefix(':') {
                let output = SavedOutput { value: Some(Value::from(value)), ty: Type::String, sensitive: None };
                state.outputs.insert(name.to_owned(), output);
                continue;
            }
            let (name, id) = name.split_once('@').unwrap_or((name, name));
            let record = Record {
                id: Id(id.to_owned()),
                mark: None,
                body: [("size".to_owned(), Value::from(value))].into(),
                digests: BTreeMap::new(),
                arguments: dofloat_base::value::Body::new(),
                after: after.into_iter().map(|name| Address::new("thing", name)).collect(),
                health: Health::Ready,
                create_before_destroy: false,
            };
            state.records.insert(Address::new("thing", name), record);
        }
        state
    }

    /// The serial and the state that comes of a pair, or what is said.
    type Expected = Result<(u64, &'static str), &'static str>;

    #[test]
    fn pairs_of_branches() {
        // What they grew from, one branch, the other.
        let table: &[(&str, &str, &str, Expected)] = &[
            ("a=1 b=1", "a=2 b=1", "a=1 b=2", Ok((6, "a=2 b=2"))),
            ("a=1", "a=1 b=1", "a=1 c=1", Ok((6, "a=1 b=1 c=1"))),
            ("a=1 b=1", "a=1", "b=1", Ok((6, ""))),
            ("a=1 b=1", "a=1", "a=2 b=1", Ok((6, "a=2"))),
            ("a=1", "a=2", "a=2", Ok((5, "a=2"))),
            ("a=1", "a=1", "a=2", Ok((5, "a=2"))),
            ("a=1 b=1", "a=1", "a=1", Ok((5, "a=1"))),
            ("a=1 :o=1", "a=2 :o=1", "a=1 :o=2", Ok((6, "a=2 :o=2"))),
            ("a=1", "a=2", "a=3", Err("thing.a: both branches changed it.")),
            ("", "a=1", "a@x=1", Err("thing.a: both branches created it.")),
            ("a=1", "a=2", "", Err("thing.a: this branch changed it, and the other destroyed it.")),
            ("a=1", "", "a=2", Err("thing.a: this branch destroyed it, and the other changed it.")),
            ("a=1", "a=1 b=1<a", "", Err("thing.b: one branch made it depend on thing.a, which the other destroyed.")),
            ("a=1", "b@a=1", "a=1 c@a=1", Err("thing.b and thing.c are the same object, a.")),
            (":o=1", ":o=2", ":o=3", Err("output \"o\": both branches changed it.")),
        ];
        for (base, ours, theirs, expected) in table {
            for (serial, mirrored) in [((4, 5), false), ((5, 4), true)] {
                let (one, other) = (state(serial.0, ours), state(serial.1, theirs));
                let (one, other) = if mirrored { (&other, &one) } else { (&one, &other) };
                let found = join(Some(&state(3, base)), one, other);
                match expected {
                    Ok((serial, text)) => assert_eq!(found, Ok(state(*serial, text)), "{base} | {ours} | {theirs}"),
                    Err(_) if mirrored => assert!(found.is_err(), "{base} | {theirs} | {ours}"),
                    Err(told) => assert_eq!(found.unwrap_err()[0].message, *told),
                }
            }
        }
    }

    #[test]
    fn other_stacks_accounts_and_keys_are_no_pair() {
        let ours = state(1, "a=1");
        let other = State { lineage: "other".to_owned(), ..state(1, "b=1") };
        assert!(join(None, &ours, &other).unwrap_err()[0].message.starts_with("They are two stacks"));
        let other = State { salt: Salt::new([8; 32]), ..state(1, "b=1") };
        assert!(join(None, &ours, &other).unwrap_err()[0].message.starts_with("Their digests"));
        assert_eq!(join(None, &ours, &state(1, "b=1")), Ok(state(2, "a=1 b=1")));
    }
}
