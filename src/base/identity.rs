//! Who an object is at the API, and the mark by which it is known to be ours.
//!
//! Invariant: plain names; only a kind knows how to use one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The identity of a remote object, unique in its kind and enough to read and delete it: a droplet's number, an address, a
/// VPC's uuid, `DOMAIN,ID` for a record (the form that the official provider imports).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub String);

/// The stack's mark: the tag that everything taggable of ours carries, `dofloat:<stack>-<lineage>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub String);

impl Mark {
    /// The mark of a stack's objects.
    #[must_use]
    pub fn of_stack(stack: &str, lineage: &str) -> Self {
        let stack: String = stack.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' }).collect();
        Self(format!("dofloat:{stack}-{lineage}"))
    }

    /// Whether a stack of that lineage made this mark, whatever it is called by now.
    #[must_use]
    pub fn is_of(&self, lineage: &str) -> bool {
        !lineage.is_empty() && self.0.strip_suffix(lineage).is_some_and(|rest| rest.ends_with('-'))
    }
}

/// By what an object is known to be a stack's own.
#[derive(Clone, Copy, Debug)]
pub struct Ours<'a> {
    /// The tag.
    pub mark: &'a Mark,
    /// The project whose name is the mark, for what cannot be tagged; `None` where there is none, or none that is known.
    pub project: Option<&'a Id>,
}

/// Whose objects a state describes: an account of DigitalOcean, or a simulated world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The account's uuid.
    pub account: String,
    /// The team's uuid, if the token belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Whether it is a simulated world.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.simulated { "simulated account" } else { "account" };
        match &self.team {
            Some(team) => write!(f, "{what} {} (team {team})", self.account),
            None => write!(f, "{what} {}", self.account),
        }
    }
}
