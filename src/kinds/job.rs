//! The input of a kind's checks, and their findings.
//!
//! Invariant: plain values; no kind and no request is known here.

use dofloat_base::address::Address;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term};

/// A planned operation on one resource, for checks before the first write.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which resource.
    pub address: Address,
    /// The object that it has already, if it has one.
    pub id: Option<Id>,
    /// The desired attributes, as far as they are known.
    pub body: Term,
    /// The present attributes, of an object that is changed in place.
    pub seen: Option<Body>,
    /// Whether a new object is made (at first, or in place of an old one).
    pub creates: bool,
}

/// Something wrong with a resource's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Which resource, where one call checks several.
    pub address: Option<Address>,
    /// Which attribute: `["inbound_rule", "0", "port_range"]`; empty for the whole.
    pub path: Vec<String>,
    /// The error, one sentence.
    pub message: String,
    /// The next thing to do.
    pub hint: Option<String>,
    /// Values that may be written instead, which end the hint, as far as whoever makes the attribute can take them.
    pub choices: Vec<String>,
    /// Who minds it, and how much.
    pub severity: Severity,
}

impl Complaint {
    /// An error at an attribute; an empty hint is none.
    #[must_use]
    pub fn error(path: Vec<String>, message: String, hint: impl Into<Option<String>>) -> Self {
        let hint = hint.into().filter(|hint| !hint.is_empty());
        Self { address: None, path, message, hint, choices: Vec::new(), severity: Severity::Error }
    }
}

/// How much is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The plan may go on.
    Warning,
    /// DigitalOcean refuses it once it is sent. Terraform's provider lets it pass, so that a file can be read, and be tried against
    /// a simulated account; a plan for an account fails by it.
    Refusal,
    /// Nothing can be made of it.
    Error,
}
