//! The plan as a value: what differs, what will be done, and in which order.
//!
//! Invariant: everything that apply does is a step here; everything that is shown is here too, with secrets as digests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::cost::Cost;
use dofloat_api::wait::Shortage;
use dofloat_base::address::Address;
use dofloat_base::clock::Moment;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Owner};
use dofloat_base::types::Type;
use dofloat_base::value::{Body, Term, Value};
use dofloat_state::journal::Op;

/// The planned changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The base of the plan.
    pub base: Base,
    /// The drift since the last apply.
    pub drift: Vec<Drift>,
    /// One entry for every resource that is wanted or remembered, in address order; `Action::Keep` included.
    pub changes: Vec<Change>,
    /// The steps and their order.
    pub steps: Vec<Step>,
    /// The changes of the outputs.
    pub outputs: BTreeMap<String, OutputChange>,
    /// Warnings and notes: strays, powered-off droplets, who holds an address.
    pub notes: Vec<Diagnostic>,
    /// The digests of sensitive variables, by name: the same values must be given when a saved plan is applied.
    pub secrets: BTreeMap<String, String>,
    /// The values of the variables that are not sensitive, as JSON.
    pub variables: BTreeMap<String, serde_json::Value>,
    /// Whether only records are brought up to date (`-refresh-only`).
    pub refresh_only: bool,
    /// Whether everything is to go (`destroy`): for display only.
    pub destroy: bool,
    /// Whether nothing that the configuration asks for was left out, by `-target` or `-exclude`: for display only.
    pub is_complete: bool,
    /// The configuration that it was made of, in Terraform's JSON form: for display only.
    pub configuration: Option<serde_json::Value>,
    /// When it was made: for display only.
    pub planned_at: Option<Moment>,
    /// What the stack costs, where that was worked out: for display only.
    pub cost: Option<Cost>,
}

/// The base of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// The stack's name.
    pub stack: String,
    /// The state's lineage.
    pub lineage: String,
    /// The state's serial.
    pub serial: u64,
    /// The last line number of the journal that was settled in memory, 0 if there was none.
    pub journal_end: u64,
    /// Whose account.
    pub owner: Owner,
    /// The API's base URL.
    pub endpoint: String,
    /// The digest of every configuration file and of the files that functions read.
    pub config: String,
}

/// An object that is not as it was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Which.
    pub address: Address,
    /// Its identity.
    pub id: Id,
    /// The differing attributes; empty if the object no longer exists.
    pub attrs: Vec<AttrChange>,
    /// Whether it is gone.
    pub gone: bool,
}

/// The planned change of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which.
    pub address: Address,
    /// The operation.
    pub action: Action,
    /// Why, for display only.
    pub reason: Option<Reason>,
    /// The present attributes.
    pub before: Option<Body>,
    /// The planned attributes, including those known only after apply.
    pub after: Option<Term>,
    /// The attributes that change (of a create: all that are set; of a delete: all that were).
    pub attrs: Vec<AttrChange>,
    /// The changed arguments that its hidden attributes are made from, for display only.
    pub arguments: Vec<AttrChange>,
    /// The identity, if there is one.
    pub id: Option<Id>,
    /// How its record came to this address, if it is new here.
    pub provenance: Option<Provenance>,
}

/// How a record came to its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Provenance {
    /// From another address.
    Moved {
        /// The address.
        from: Address,
    },
    /// The object was there, and is taken over.
    Imported {
        /// The object.
        id: Id,
    },
}

/// The action on a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Nothing.
    Keep,
    /// It is made.
    Create,
    /// It is changed in place, by these edits in this order.
    Edit {
        /// The edits.
        edits: Vec<String>,
        /// Whether one of them interrupts it.
        disruptive: bool,
    },
    /// It is made anew.
    Replace {
        /// The attributes that cannot change otherwise; empty if it was asked for.
        because: Vec<String>,
        /// Which comes first.
        order: Order,
    },
    /// It is deleted.
    Delete,
    /// It was made by an interrupted run, and is taken into the records.
    Adopt {
        /// The object.
        found: Id,
    },
    /// Only its record goes: the object is gone, or shall be left alone.
    Forget,
    /// A data source is read during the run.
    Read,
}

/// Which comes first in a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The old one is deleted, then the new one made.
    DeleteFirst,
    /// The new one is made, then the old one deleted.
    CreateFirst,
}

/// Why something is done, for display only: it must never steer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reason {
    /// It is not in the configuration any more.
    NotInConfiguration,
    /// It was moved to an address that is not in the configuration.
    NoMoveTarget,
    /// Its block is there, with a `count` that ends before its index.
    CountIndex,
    /// Its block is there, with a `for_each` that lacks its key.
    EachKey,
    /// Its block is there, and makes its instances in another way.
    WrongRepetition,
    /// The object is gone.
    Gone,
    /// `-replace` asked for it.
    Asked,
    /// `replace_triggered_by`.
    Triggered {
        /// The changed input.
        by: Address,
    },
    /// A provisioner of it failed.
    Tainted,
    /// An interrupted run never saw it usable.
    Unfinished,
    /// An interrupted run made it, and it never will be usable.
    CreationFailed,
    /// Everything is to go.
    Destroy,
    /// It was replaced earlier, and is left to delete.
    Deposed,
    /// It carries the stack's mark and is in no record.
    Stray,
    /// A data source whose arguments are not known yet.
    ConfigUnknown,
    /// A data source that depends on something with which something is to be done.
    DependencyPending,
}

/// One attribute of a change, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttrChange {
    /// The attribute's name.
    pub name: String,
    /// The old value.
    pub before: Shown,
    /// The new value.
    pub after: Shown,
    /// Whether it forces a replacement.
    pub replaces: bool,
    /// Whether its change interrupts the object.
    pub disrupts: bool,
}

/// The edit that puts the stack's mark back on an object that has lost it. No attribute of a table is changed by it.
pub(crate) const MARK: &str = "mark";

/// A value as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Not there.
    Absent,
    /// This.
    Value(Value),
    /// A secret.
    Sensitive,
    /// Known after apply.
    Unknown,
    /// A list of which some parts are unknown or secret.
    List(Vec<Shown>),
    /// A map of which some parts are unknown or secret.
    Map(BTreeMap<String, Shown>),
}

/// The change of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputChange {
    /// The old value.
    pub before: Shown,
    /// The new value.
    pub after: Shown,
    /// Its type, where it is known.
    #[serde(skip)]
    pub ty: Option<Type>,
    /// Whether it changes.
    pub changed: bool,
}

/// The number of a step in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// Which resource.
    pub address: Address,
    /// What.
    pub op: StepOp,
    /// The steps that must be done before.
    pub needs: BTreeSet<StepId>,
}

/// The operation of a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOp {
    /// Waits until a pair serves (the address of the pair), or until one of its servers may be taken down (that server's). The
    /// journal does not know it: a run that is killed here has nothing to settle.
    Gate,
    /// Reads a data source. The journal does not know it either.
    Read,
    /// Does this to the resource, as it stands in the journal.
    #[serde(untagged)]
    Object(#[serde(deserialize_with = "written_op")] Op),
}

impl StepOp {
    /// The operation on the resource, if there is one.
    #[must_use]
    pub fn object(&self) -> Option<&Op> {
        match self {
            Self::Object(op) => Some(op),
            Self::Gate | Self::Read => None,
        }
    }
}

impl From<Op> for StepOp {
    fn from(op: Op) -> Self {
        Self::Object(op)
    }
}

/// An earlier dofloat wrote `forget` without the object, which `saved` puts in.
fn written_op<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Op, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Written {
        Forget,
        #[serde(untagged)]
        Op(Op),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Forget => Op::Forget { id: Id(String::new()) },
        Written::Op(op) => op,
    })
}

impl Plan {
    /// Whether nothing is to be done: no step but reads, no output that changes, no drift to record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let settled =
            self.steps.iter().all(|step| step.op == StepOp::Read) && self.changes.iter().all(|change| change.provenance.is_none());
        settled && !self.outputs.values().any(|output| output.changed) && (!self.refresh_only || self.drift.is_empty())
    }

    /// How many resources are added, changed and destroyed (a replacement counts as both added and destroyed).
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            counts.import += usize::from(matches!(change.provenance, Some(Provenance::Imported { .. })));
            match change.action {
                Action::Create => counts.add += 1,
                Action::Edit { .. } => counts.change += 1,
                Action::Replace { .. } => {
                    counts.add += 1;
                    counts.destroy += 1;
                }
                Action::Delete => counts.destroy += 1,
                Action::Keep | Action::Adopt { .. } | Action::Forget | Action::Read => {}
            }
        }
        counts
    }
}

/// How many resources are added, changed and destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Taken over.
    #[serde(default)]
    pub import: usize,
    /// Made.
    pub add: usize,
    /// Changed in place.
    pub change: usize,
    /// Deleted.
    pub destroy: usize,
}

/// The progress events of an apply; the ui prints them.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A step begins.
    Started {
        /// Which resource.
        address: Address,
        /// The operation.
        op: StepOp,
    },
    /// A step still waits.
    Waiting {
        /// Which resource.
        address: Address,
        /// The operation.
        op: StepOp,
        /// The awaited condition: "droplet 123 to be active".
        what: String,
        /// What was seen last: "its status is new". Empty where nothing was.
        seen: String,
        /// For how long by now.
        elapsed: Duration,
        /// How long it is silent from now on.
        pause: Duration,
        /// When it is given up, where there is a limit.
        limit: Option<Duration>,
    },
    /// The API's request limit is used up: what is to be asked waits for it.
    Slowed {
        /// Which limit, and until when.
        shortage: Shortage,
        /// For how long from now on.
        pause: Duration,
    },
    /// A provisioner is run.
    Provisioning {
        /// Whose it is.
        address: Address,
        /// `remote-exec`, `file`, `local-exec`.
        provisioner: String,
        /// What is told of it.
        what: Provisioning,
    },
    /// A step is done, and that is on disk.
    Done {
        /// Which resource.
        address: Address,
        /// The operation.
        op: StepOp,
        /// The object's `id` attribute.
        id: Option<Id>,
        /// How long it took.
        elapsed: Duration,
    },
    /// A step failed.
    Failed {
        /// Which resource.
        address: Address,
        /// The operation.
        op: StepOp,
        /// Why.
        why: Vec<Diagnostic>,
    },
    /// A step was not begun since one before it failed, or since the run was stopped.
    Skipped {
        /// Which resource.
        address: Address,
        /// The operation.
        op: StepOp,
    },
    /// The run was asked to stop: nothing new is begun.
    Stopping,
}

/// What is told of a provisioner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provisioning {
    /// It is begun, and that is on disk.
    Started,
    /// A line that it prints.
    Line(String),
    /// It has ended well.
    Ended,
    /// It failed; whether nothing follows from that.
    Failed {
        /// `on_failure = continue`
        goes_on: bool,
    },
}

/// How an apply ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The operation.
    pub counts: Counts,
    /// The errors.
    pub errors: Vec<Diagnostic>,
    /// How many steps were not begun.
    pub skipped: usize,
    /// Whether it was stopped by a signal.
    pub interrupted: bool,
    /// Whether a person must decide before it can go on.
    pub decision: bool,
    /// Further notes.
    pub notes: Vec<Diagnostic>,
    /// The outputs as they are now, open ones with their value.
    pub outputs: BTreeMap<String, dofloat_base::desired::Output>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_stands_in_a_saved_plan_as_in_the_journal() {
        let id = || Id("7".to_owned());
        for (written, op) in [
            ("\"gate\"", StepOp::Gate),
            ("\"read\"", StepOp::Read),
            ("\"create\"", Op::Create.into()),
            (r#"{"settle":{"id":"7"}}"#, Op::AwaitReady { id: id() }.into()),
            (r#"{"edit":{"edits":["rename"]}}"#, Op::Edit { edits: vec!["rename".to_owned()] }.into()),
            (r#"{"delete":{"id":"7"}}"#, Op::Delete { id: id() }.into()),
            (r#"{"forget":{"id":"7"}}"#, Op::Forget { id: id() }.into()),
        ] {
            assert_eq!(serde_json::from_str::<StepOp>(written).unwrap(), op, "{written}");
            assert_eq!(serde_json::to_string(&op).unwrap(), written);
        }
        let earlier: StepOp = serde_json::from_str("\"forget\"").unwrap();
        assert_eq!(earlier, Op::Forget { id: Id(String::new()) }.into());
        for wrong in ["\"destroy\"", r#"{"settle":{}}"#, "7"] {
            assert!(serde_json::from_str::<StepOp>(wrong).is_err(), "{wrong}");
        }
    }
}
