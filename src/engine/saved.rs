//! A plan in a file: what it was made against, what was seen, and what it shows.
//!
//! Invariant: no secret is in it. What is applied later is planned again from what the file saw, and must come out the same:
//! so the file cannot make apply do anything that the configuration does not say. Pure; the caller reads and writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::change::{Action, AttrChange, Base, Change, Drift, OutputChange, Plan, Provenance, Reason, Shown, Step, StepOp};
use super::cost::Cost;
use super::diff::shown;
use super::observed::{Observed, Seen};
use super::planned::{Planned, Surveyed};
use super::request::Options;
use dofloat_base::address::Address;
use dofloat_base::clock::Moment;
use dofloat_base::diag::{Diagnostic, Severity};
use dofloat_base::digest::{Digest, Salt, sha256_hex};
use dofloat_base::identity::Id;
use dofloat_base::types::Type;
use dofloat_base::value::{Body, Origin, Term, Terms, Value};
use dofloat_state::journal::Op;

/// The version of the format.
const FORMAT: u32 = 3;
/// An earlier one, which shows fewer of an object's attributes.
const EARLIER: u32 = 2;
/// The first words of the file, by which it is known.
const MAGIC: &str = "dofloat-plan";

/// A plan as it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// `dofloat-plan`.
    kind: String,
    /// The version of the format.
    format: u32,
    /// The base that it was made against.
    pub base: Base,
    /// The salt of the stack's digests, which a stack that was never applied has nowhere else.
    pub salt: Salt,
    /// The request.
    targets: Vec<Address>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    excludes: Vec<Address>,
    replace: Vec<Address>,
    refresh_only: bool,
    destroy: bool,
    #[serde(default)]
    upgrade_nodes: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    provisioners: bool,
    /// The observations.
    seen: BTreeMap<Address, SavedSeen>,
    deposed: Vec<(Address, Id, SavedSeen)>,
    /// Objects that an interrupted run created and that will never be usable.
    #[serde(rename = "stillborn")]
    failed_creations: BTreeSet<Address>,
    /// The objects that were off, and those that were busy.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    busy: BTreeSet<Address>,
    /// The objects that had lost the stack's mark.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    unmarked: BTreeSet<Address>,
    /// What data sources gave, but for what is secret or of a simulated account: that is read again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<Address, Body>,
    /// The pairs that did not serve.
    #[serde(default)]
    down: BTreeSet<Address>,
    /// Not written any more: those that come between plan and apply count as well.
    addresses: Vec<String>,
    /// The values of the variables that are not sensitive.
    pub variables: BTreeMap<String, serde_json::Value>,
    /// The digests of those that are.
    pub secrets: BTreeMap<String, String>,
    /// The configuration as it was written, without its secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    configuration: Option<serde_json::Value>,
    /// The types of the outputs, where they are known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    output_types: BTreeMap<String, serde_json::Value>,
    /// When the plan was made, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    planned_at: Option<u64>,
    /// What the stack costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    shows: ShownPlan,
}

/// The displayed plan, which applying it must reproduce.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShownPlan {
    drift: Vec<Drift>,
    changes: Vec<SavedChange>,
    steps: Vec<Step>,
    outputs: BTreeMap<String, OutputChange>,
    notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum SavedSeen {
    Present { body: Body, digests: BTreeMap<String, Digest> },
    Gone,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedChange {
    address: Address,
    action: Action,
    reason: Option<Reason>,
    before: Option<Body>,
    after: Option<Shown>,
    attrs: Vec<AttrChange>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<AttrChange>,
    id: Option<Id>,
    #[serde(rename = "came", default, skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance>,
}

/// The bytes of the file.
///
/// # Errors
/// If a number is too large to write.
pub fn write(surveyed: &Surveyed, options: &Options) -> Result<Vec<u8>, serde_json::Error> {
    let plan = &surveyed.planned.plan;
    let saved = Saved {
        kind: MAGIC.to_owned(),
        format: FORMAT,
        base: plan.base.clone(),
        salt: surveyed.state.salt.clone(),
        targets: options.targets.clone(),
        excludes: options.excludes.clone(),
        replace: options.replace.clone(),
        refresh_only: options.refresh_only,
        destroy: options.destroy,
        upgrade_nodes: options.upgrade_nodes,
        provisioners: options.provisioners,
        seen: surveyed.observed.seen.iter().map(|(address, seen)| (address.clone(), seen.into())).collect(),
        deposed: surveyed.observed.deposed.iter().map(|((address, id), seen)| (address.clone(), id.clone(), seen.into())).collect(),
        failed_creations: surveyed.observed.failed_creations.clone(),
        busy: surveyed.observed.busy.clone(),
        data: data_of(surveyed),
        unmarked: surveyed.observed.unmarked.clone(),
        down: surveyed.observed.down.clone(),
        addresses: Vec::new(),
        variables: plan.variables.clone(),
        secrets: plan.secrets.clone(),
        configuration: plan.configuration.clone(),
        output_types: plan.outputs.iter().filter_map(|(name, output)| Some((name.clone(), output.ty.as_ref()?.to_json()))).collect(),
        planned_at: plan.planned_at.map(|moment| moment.0),
        cost: plan.cost.clone(),
        shows: shows(plan),
    };
    let body = serde_json::to_string_pretty(&saved)?;
    Ok(format!("{body}\n{}\n", sha256_hex(body.as_bytes())).into_bytes())
}

/// Whether bytes are those of a saved plan, whole or not.
#[must_use]
pub fn is_plan(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(200)];
    String::from_utf8_lossy(head).contains(&format!("\"kind\": \"{MAGIC}\""))
}

/// Reads the file. `name` is shown in messages.
///
/// # Errors
/// If it is no whole plan of a format that we know.
pub fn read(bytes: &[u8], name: &str) -> Result<Saved, Box<Diagnostic>> {
    let damaged = |why: &str| {
        Box::new(
            Diagnostic::error(format!("{name} is not a complete saved plan: {why}."))
                .hint("Make a new one with `dofloat plan -out`. Nothing was changed."),
        )
    };
    if !is_plan(bytes) {
        return Err(damaged("it does not begin like one"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
    let (body, sum) = text.trim_end_matches('\n').rsplit_once('\n').ok_or_else(|| damaged("its end is missing"))?;
    if sha256_hex(body.as_bytes()) != sum {
        return Err(damaged("its checksum does not match: it was truncated or changed"));
    }
    let mut saved: Saved = serde_json::from_str(body).map_err(|error| damaged(&error.to_string()))?;
    if saved.kind != MAGIC || ![FORMAT, EARLIER].contains(&saved.format) {
        return Err(damaged(&format!("it has the format {}, and this dofloat reads format {FORMAT}", saved.format)));
    }
    saved.shows.name_forgotten();
    Ok(saved)
}

impl Saved {
    /// The request.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            targets: self.targets.clone(),
            excludes: self.excludes.clone(),
            replace: self.replace.clone(),
            refresh_only: self.refresh_only,
            destroy: self.destroy,
            upgrade_nodes: self.upgrade_nodes,
            provisioners: self.provisioners,
            // What was allowed is in what the plan shows.
            ..Options::default()
        }
    }

    /// The observations.
    #[must_use]
    pub fn observed(&self) -> Observed {
        Observed {
            seen: self.seen.iter().map(|(address, seen)| (address.clone(), seen.into())).collect(),
            deposed: self.deposed.iter().map(|(address, id, seen)| ((address.clone(), id.clone()), seen.into())).collect(),
            failed_creations: self.failed_creations.clone(),
            busy: self.busy.clone(),
            strays: Vec::new(),
            data: self.data.clone(),
            unread: BTreeMap::new(),
            down: self.down.clone(),
            altered: BTreeMap::new(),
            unmarked: self.unmarked.clone(),
            labels: BTreeMap::new(),
        }
    }

    /// The objects that are taken over.
    #[must_use]
    pub fn imported(&self) -> BTreeMap<Address, Id> {
        let one = |change: &SavedChange| match &change.provenance {
            Some(Provenance::Imported { id }) => Some((change.address.clone(), id.clone())),
            _ => None,
        };
        self.shows.changes.iter().filter_map(one).collect()
    }

    /// Whether a plan that was worked out anew from this file is the same.
    #[must_use]
    pub fn holds(&self, again: &Planned) -> bool {
        let again = shows(&again.plan);
        if self.format == EARLIER {
            let done = |change: &SavedChange| (change.address.clone(), change.action.clone(), change.id.clone(), change.provenance.clone());
            let all = |shows: &ShownPlan| shows.changes.iter().map(done).collect::<Vec<_>>();
            return again.steps == self.shows.steps && all(&again) == all(&self.shows);
        }
        again.steps == self.shows.steps && again.changes == self.shows.changes && again.outputs == self.shows.outputs
    }

    fn typed(&self, name: &str, output: &OutputChange) -> OutputChange {
        OutputChange { ty: self.output_types.get(name).and_then(Type::from_json), ..output.clone() }
    }

    /// The plan, to be shown. What was secret is unknown here.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan {
            base: self.base.clone(),
            drift: self.shows.drift.clone(),
            changes: self
                .shows
                .changes
                .iter()
                .cloned()
                .map(|change| Change {
                    address: change.address,
                    action: change.action,
                    reason: change.reason,
                    before: change.before,
                    after: change.after.as_ref().map(term),
                    attrs: change.attrs,
                    arguments: change.arguments,
                    id: change.id,
                    provenance: change.provenance,
                })
                .collect(),
            steps: self.shows.steps.clone(),
            outputs: self.shows.outputs.iter().map(|(name, output)| (name.clone(), self.typed(name, output))).collect(),
            notes: self
                .shows
                .notes
                .iter()
                .map(|note| Diagnostic { severity: Severity::Warning, ..Diagnostic::error(note.clone()) })
                .collect(),
            secrets: self.secrets.clone(),
            variables: self.variables.clone(),
            refresh_only: self.refresh_only,
            destroy: self.destroy,
            is_complete: self.targets.is_empty() && self.excludes.is_empty(),
            configuration: self.configuration.clone(),
            planned_at: self.planned_at.map(Moment),
            cost: self.cost.clone(),
        }
    }
}

impl ShownPlan {
    /// Puts the objects into steps of an earlier dofloat that only said `forget`.
    fn name_forgotten(&mut self) {
        for step in &mut self.steps {
            let forgotten = self.changes.iter().find(|change| change.address == step.address && change.action == Action::Forget);
            if let (StepOp::Object(Op::Forget { id }), Some(known)) = (&mut step.op, forgotten.and_then(|change| change.id.as_ref()))
                && id.0.is_empty()
            {
                *id = known.clone();
            }
        }
    }
}

fn shows(plan: &Plan) -> ShownPlan {
    ShownPlan {
        drift: plan.drift.clone(),
        changes: plan
            .changes
            .iter()
            .map(|change| SavedChange {
                address: change.address.clone(),
                action: change.action.clone(),
                reason: change.reason.clone(),
                before: change.before.clone(),
                after: change.after.as_ref().map(shown),
                attrs: change.attrs.clone(),
                arguments: change.arguments.clone(),
                id: change.id.clone(),
                provenance: change.provenance.clone(),
            })
            .collect(),
        steps: plan.steps.clone(),
        outputs: plan.outputs.iter().map(|(name, output)| (name.clone(), OutputChange { ty: None, ..output.clone() })).collect(),
        notes: plan.notes.iter().map(|note| note.message.clone()).collect(),
    }
}

/// What data sources gave, but for what is secret, and what is of a simulated account and may have been made up for this plan.
fn data_of(surveyed: &Surveyed) -> BTreeMap<Address, Body> {
    let Surveyed { planned, observed, .. } = surveyed;
    let open =
        |address: &Address| !planned.plan.base.owner.simulated && planned.known.get(address).is_some_and(|known| !known.has_secret());
    observed.data.iter().filter(|(address, _)| open(address)).map(|(address, body)| (address.clone(), body.clone())).collect()
}

fn term(shown: &Shown) -> Term {
    match shown {
        Shown::Absent => Term::null(),
        Shown::Value(value) => Term::Value(Value::clone(value)),
        Shown::Sensitive => Term::Unknown(Origin { sensitive: true, ..Origin::default() }),
        Shown::Unknown => Term::Unknown(Origin::default()),
        Shown::List(items) => Term::list(items.iter().map(term).collect()),
        Shown::Map(map) => Term::map(map.iter().map(|(name, part)| (name.clone(), term(part))).collect()),
    }
}

impl From<&Seen> for SavedSeen {
    fn from(seen: &Seen) -> Self {
        match seen {
            Seen::Present { body, digests, .. } => Self::Present { body: body.clone(), digests: digests.clone() },
            Seen::Gone => Self::Gone,
        }
    }
}

impl From<&SavedSeen> for Seen {
    fn from(seen: &SavedSeen) -> Self {
        match seen {
            SavedSeen::Present { body, digests } => Self::Present { body: body.clone(), digests: digests.clone(), secrets: Terms::new() },
            SavedSeen::Gone => Self::Gone,
        }
    }
}
