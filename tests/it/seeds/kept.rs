//! Scripts that have failed once, cut down to the least that did: each is played again each time.
//!
//! Invariant: the script is kept and not its number, so that it stays what it is whatever is drawn otherwise.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::config::Part;
use super::script::Script;

/// A script, and what it found.
struct Kept {
    name: &'static str,
    script: &'static str,
}

macro_rules! kept {
    ($($name:literal)*) => { &[$(Kept { name: $name, script: include_str!(concat!("kept/", $name, ".json")) }),*] };
}

/// Named after what holds since.
const KEPT: &[Kept] = kept! {
    "a_tag_that_somebody_made_since_is_shared"
};

#[test]
fn what_has_failed_once_does_not_fail_again() {
    for Kept { name, script } in KEPT {
        let script: Script = serde_json::from_str(script).unwrap_or_else(|error| panic!("{name}: {error}"));
        let wrong = super::play::play(&script, false).wrong;
        assert!(wrong.is_none(), "{name}: {wrong:?}");
    }
}

#[test]
fn a_script_survives_its_text() {
    for seed in 1..50 {
        let text = serde_json::to_string(&Script::drawn(seed)).expect("a script is text");
        let again: Script = serde_json::from_str(&text).expect("a text is a script");
        assert_eq!(serde_json::to_string(&again).expect("a script is text"), text, "seed {seed}");
    }
}

/// A word of ours. That it is a reference must not be seen where it is read, or the text would have to live as long.
pub(super) type Word = &'static str;

/// A word that lives as long as the test.
pub(super) fn word<'de, D: Deserializer<'de>>(from: D) -> Result<&'static str, D::Error> {
    Ok(String::deserialize(from)?.leak())
}

/// Faults as texts.
pub(super) mod faults {
    use dofloat::sim::Fault;
    use serde::de::Error as _;

    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(all: &[Fault], to: S) -> Result<S::Ok, S::Error> {
        all.iter().map(ToString::to_string).collect::<Vec<_>>().serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Fault>, D::Error> {
        Vec::<String>::deserialize(from)?.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}

/// Resources, which know their own keys.
pub(super) mod parts {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(all: &BTreeMap<(&'static str, char), Part>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(all.values())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<(&'static str, char), Part>, D::Error> {
        Ok(Vec::<Part>::deserialize(from)?.into_iter().map(|part| (part.key(), part)).collect())
    }
}

/// Keys of resources.
pub(super) mod keys {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(all: &BTreeSet<(&'static str, char)>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(all)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<(&'static str, char)>, D::Error> {
        let all = Vec::<(String, char)>::deserialize(from)?;
        Ok(all.into_iter().map(|(sort, label)| (&*sort.leak(), label)).collect())
    }
}
