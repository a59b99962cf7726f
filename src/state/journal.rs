//! The journal of a run: what was intended, what came of it. One JSON object a line, numbered from 1.
//!
//! Invariant: no call before its `begin` is on disk; nothing counts as done before its `done` is. Reading is a pure state
//! machine (`next`), and the writer asks the same machine before it writes, so every journal that we wrote can be replayed.
//! It must not know kinds, the engine, or files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use dofloat_base::address::Address;
use dofloat_base::clock::Moment;
use dofloat_base::diag::Diagnostic;
use dofloat_base::digest::Digest;
use dofloat_base::identity::{Id, Mark, Owner};
use dofloat_base::planted::{Bug, planted};
use dofloat_base::value::Body;

use super::format::Fingerprint;
use super::{Health, Record, State};

/// The version of the journal's format.
pub const FORMAT: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number: 1 for the header, and each line one more than that before it.
    pub n: u64,
    /// The content.
    pub entry: Entry,
}

/// The content of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Entry {
    /// The first line.
    Header(Header),
    /// A step is about to be done: its first call follows.
    Begin(Box<Begin>),
    /// What cannot be tagged is made in this project from now on, and is known by that; in none where there is none, as long as
    /// the project is about to be made too.
    #[serde(rename = "lodging")]
    Project {
        /// The stack's project.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<Id>,
    },
    /// A create was answered: the object has this identity. It is waited for from now on.
    Id {
        /// The step.
        step: u32,
        /// The object.
        id: Id,
    },
    /// A step is done.
    Done {
        /// The step.
        step: u32,
        /// What there is now.
        outcome: Outcome,
    },
    /// A step failed, and surely did nothing that the records do not say. A failure that leaves doubt is not written: the
    /// step stays open and is looked into by the next run. A create whose object is known stays open in any case.
    Failed {
        /// The step.
        step: u32,
        /// Why, for people; it holds no secret.
        why: String,
    },
    /// A provisioner of a step's object is about to be run, or has ended.
    Provisioner {
        /// The step: that which made the object, or is about to delete it.
        step: u32,
        /// Which one of those that are run at that time, from 1.
        nth: u32,
        /// Whether it has ended.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ended: bool,
    },
    /// The provisioners of an object that was made are over.
    Provisioned {
        /// The step that made the object.
        step: u32,
        /// Whether one of them failed, and those after it were not begun.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        failed: bool,
    },
    /// The run is over: the state file that is written next has this fingerprint.
    End {
        /// The fingerprint of the new state.
        state: Fingerprint,
    },
}

/// The first line: what the run started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of the journal's format.
    pub format: u32,
    /// The stack's lineage.
    pub lineage: String,
    /// Whose objects the run makes.
    pub owner: Owner,
    /// The fingerprint of the state that it starts from.
    pub start: Fingerprint,
    /// The objects that carried the stack's mark already: none of them was made by this run.
    pub marked: BTreeSet<Id>,
    /// The account's reserved addresses, where they cannot be told by a mark: none of them was made by this run.
    pub addresses: BTreeSet<String>,
}

/// An intent: enough to find out later whether it took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// When, by this machine's clock (milliseconds since 1970); never compared with another machine's.
    #[serde(with = "moment")]
    pub at: Moment,
    /// The step's number in its plan; each is begun at most once.
    pub step: u32,
    /// Which resource.
    pub address: Address,
    /// The operation.
    pub op: Op,
    /// The open attributes that are wanted.
    #[serde(default, skip_serializing_if = "Body::is_empty")]
    pub body: Body,
    /// Digests of those that are not open.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, Digest>,
    /// The arguments that hidden attributes are made from, for the record.
    #[serde(default, skip_serializing_if = "Body::is_empty")]
    pub arguments: Body,
    /// The instances that it is built upon.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub after: BTreeSet<Address>,
    /// The mark that it will carry, if it can carry one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// The rule `create_before_destroy`, for the record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_before_destroy: bool,
    /// Whether the object gets provisioners once it is made: until they were begun, its record says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisions: bool,
    /// Before a disruptive edit: whether the machine was on. What was on is powered on again by recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
}

/// The operation of a step on its resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Op {
    /// Makes the object. Where the address has a record of another object already, that one is deposed.
    Create,
    /// Waits for an object that an interrupted run made.
    #[serde(rename = "settle")]
    AwaitReady {
        /// The object.
        id: Id,
    },
    /// Changes it in place.
    Edit {
        /// The edits, in order.
        edits: Vec<String>,
    },
    /// Deletes it, be it the address's present object or a deposed one.
    Delete {
        /// The object.
        id: Id,
    },
    /// Takes its record out.
    Forget {
        /// The object.
        id: Id,
    },
}

/// Whether a machine was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// On.
    On,
    /// Off.
    Off,
}

/// The object after a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// This object (a create, a settle, an edit).
    Record(Box<Record>),
    /// Nothing any more (a delete, a forget).
    Gone,
}

impl Begin {
    /// The record of the object that this create made, as far as the intent tells: it is known, and nobody saw it usable.
    #[must_use]
    pub fn unfinished(&self, id: Id) -> Record {
        Record {
            id,
            mark: self.mark.clone(),
            body: self.body.clone(),
            digests: self.digests.clone(),
            arguments: self.arguments.clone(),
            after: self.after.clone(),
            health: if self.provisions { Health::Bare } else { Health::Unfinished },
            create_before_destroy: self.create_before_destroy,
        }
    }
}

/// How far a step is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not begun.
    #[default]
    Fresh,
    /// Begun; of a create, nobody knows yet whether there is an object.
    Begun(Op),
    /// A create whose object is known.
    Known(Id),
    /// Done.
    Done,
    /// Failed without effect.
    Failed,
}

/// Why a line cannot follow those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Illegal(String);

/// The status of a step after an entry about it.
///
/// # Errors
/// If the entry cannot follow.
pub fn next(status: Status, entry: &Entry) -> Result<Status, Illegal> {
    match (status, entry) {
        (Status::Fresh, Entry::Begin(begin)) => Ok(Status::Begun(begin.op.clone())),
        (Status::Begun(Op::Create), Entry::Id { id, .. }) => Ok(Status::Known(id.clone())),
        (Status::Known(known), Entry::Id { id, .. }) if known == *id => Ok(Status::Known(known)),
        (Status::Begun(op), Entry::Done { outcome, .. }) => {
            let fits = match (&op, outcome) {
                (Op::Create | Op::Edit { .. }, Outcome::Record(_)) | (Op::Delete { .. } | Op::Forget { .. }, Outcome::Gone) => true,
                (Op::AwaitReady { id }, Outcome::Record(record)) => record.id == *id,
                _ => false,
            };
            if fits { Ok(Status::Done) } else { Err(Illegal(format!("a step ({op}) ends with {outcome}"))) }
        }
        (Status::Known(id), Entry::Done { outcome: Outcome::Record(record), .. }) if record.id == id => Ok(Status::Done),
        (Status::Begun(_), Entry::Failed { .. }) => Ok(Status::Failed),
        (Status::Known(id), Entry::Failed { .. }) => Ok(Status::Known(id)),
        (Status::Done, Entry::Provisioner { .. } | Entry::Provisioned { .. }) => Ok(Status::Done),
        (status @ Status::Begun(Op::Delete { .. }), Entry::Provisioner { .. }) => Ok(status),
        (status, entry) => Err(Illegal(format!("`{}` cannot follow: the step {status}", entry.word()))),
    }
}

/// The statuses of all steps of one journal: what may be appended next.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    last_n: u64,
    ended: bool,
    steps: BTreeMap<u32, Status>,
}

impl Machine {
    /// The number of the last line, 0 before the header.
    #[must_use]
    pub fn last_n(&self) -> u64 {
        self.last_n
    }

    /// Takes a line in, and gives what `restore` needs should it not get to the disk.
    ///
    /// # Errors
    /// If it cannot follow those before it; the machine is as it was then.
    pub fn accept(&mut self, line: &Line) -> Result<Before, Illegal> {
        let mut before = Before { last_n: self.last_n, ended: self.ended, step: None };
        if line.n != self.last_n + 1 {
            return Err(Illegal(format!("line {} follows line {}", line.n, self.last_n)));
        }
        match (&line.entry, self.last_n) {
            (Entry::Header(_), 0) => {}
            (Entry::Header(_), _) => return Err(Illegal("there is a second header".to_owned())),
            (_, 0) => return Err(Illegal("the header is missing".to_owned())),
            (Entry::End { .. }, _) => self.ended = true,
            _ if self.ended => return Err(Illegal(format!("`{}` follows the end of the run", line.entry.word()))),
            (entry, _) => {
                if let Some(step) = entry.step() {
                    let status = next(self.steps.get(&step).cloned().unwrap_or_default(), entry)
                        .map_err(|illegal| Illegal(format!("step {step}: {illegal}")))?;
                    before.step = Some((step, self.steps.insert(step, status)));
                }
            }
        }
        self.last_n = line.n;
        Ok(before)
    }

    /// Takes the last line out again.
    pub fn restore(&mut self, before: Before) {
        self.last_n = before.last_n;
        self.ended = before.ended;
        match before.step {
            Some((step, Some(status))) => {
                self.steps.insert(step, status);
            }
            Some((step, None)) => {
                self.steps.remove(&step);
            }
            None => {}
        }
    }
}

/// The state of a machine before a line.
#[derive(Clone, Debug)]
pub struct Before {
    last_n: u64,
    ended: bool,
    step: Option<(u32, Option<Status>)>,
}

/// A step that was begun and of which nobody knows how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenStep {
    /// Its intent.
    pub begin: Begin,
    /// The object, if it was a create that was answered.
    pub id: Option<Id>,
    /// Whether a provisioner was begun that is run before a deletion.
    pub provisioning: bool,
}

/// The content of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Its first line.
    pub header: Header,
    /// The project that what cannot be tagged was made in.
    pub project: Option<Id>,
    /// The steps that are done, in the order in which they ended.
    pub done: Vec<(Begin, Outcome)>,
    /// The steps that are open, in the order in which they began.
    pub open: Vec<OpenStep>,
    /// The fingerprints of the states that the run was about to write; empty if it was interrupted before its end.
    pub ends: Vec<Fingerprint>,
    /// The number of the last line.
    pub last_n: u64,
}

impl Replayed {
    /// The state after the steps that are done. Open steps are not in it: recovery looks into them.
    #[must_use]
    pub fn replay_onto(&self, state: &State) -> State {
        let mut state = state.clone();
        state.owner.get_or_insert_with(|| self.header.owner.clone());
        state.project = self.project.clone().or(state.project);
        for (begin, outcome) in &self.done {
            state.apply(&begin.address, &begin.op, outcome);
        }
        state
    }
}

impl State {
    /// Takes the outcome of a step into the records: the one rule for replay and for a running apply.
    pub fn apply(&mut self, address: &Address, op: &Op, outcome: &Outcome) {
        match (op, outcome) {
            (_, Outcome::Record(record)) => {
                let record = Record::clone(record);
                self.deposed.remove(&(address.clone(), record.id.clone()));
                if let Some(old) = self.records.insert(address.clone(), record)
                    && self.records.get(address).is_some_and(|new| new.id != old.id)
                    && !planted(Bug::ForgetsDeposed)
                {
                    self.deposed.insert((address.clone(), old.id.clone()), old);
                }
            }
            (Op::Delete { id } | Op::Forget { id }, Outcome::Gone) => {
                self.deposed.remove(&(address.clone(), id.clone()));
                if self.records.get(address).is_some_and(|record| record.id == *id) {
                    self.records.remove(address);
                }
            }
            (Op::Create | Op::AwaitReady { .. } | Op::Edit { .. }, Outcome::Gone) => {}
        }
    }
}

/// A journal as it was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What it says; `None` if not even its header is whole: the run had not begun anything then.
    pub replayed: Option<Replayed>,
    /// The machine that knows which entries may follow.
    pub machine: Machine,
    /// How many of its bytes are good: what follows them is a torn last line, to be cut off before anything is appended.
    pub good: usize,
    /// Whether the last good line lacks its line end.
    pub unended: bool,
}

/// Reads a journal. `file` is its name for messages.
///
/// # Errors
/// If a line other than a torn last one is damaged or cannot stand where it does.
pub fn replay(bytes: &[u8], file: &str) -> Result<Reading, Box<Diagnostic>> {
    let mut reading = Reading { replayed: None, machine: Machine::default(), good: 0, unended: false };
    let mut parts = Parts::default();
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let last = reading.good + piece.len() == bytes.len();
        let torn = last && (!piece.ends_with(b"\n") || piece.contains(&0));
        let line = match serde_json::from_slice::<Line>(piece) {
            Ok(line) => line,
            Err(_) if torn => break,
            Err(error) => return Err(Box::new(damaged(piece, file, reading.machine.last_n() + 1, &error))),
        };
        if let Entry::Header(header) = &line.entry
            && header.format != FORMAT
        {
            return Err(Box::new(newer(file, header.format)));
        }
        let place = reading.machine.last_n() + 1;
        reading.machine.accept(&line).map_err(|illegal| Box::new(out_of_order(file, place, &illegal)))?;
        parts.take(line.entry);
        reading.good += piece.len();
        reading.unended = !piece.ends_with(b"\n");
    }
    reading.replayed = parts.finish(reading.machine.last_n());
    Ok(reading)
}

/// The bytes of one line, its end included.
#[must_use]
pub fn write_line(line: &Line) -> Vec<u8> {
    // Nothing in an entry can fail to serialise.
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[derive(Default)]
struct Parts {
    header: Option<Header>,
    project: Option<Id>,
    begins: usize,
    begun: BTreeMap<u32, (usize, Begin, Option<Id>)>,
    provisioning: BTreeSet<u32>,
    done: Vec<(Begin, Outcome)>,
    ends: Vec<Fingerprint>,
}

impl Parts {
    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Header(header) => self.header = Some(header),
            Entry::Project { project } => self.project = project,
            Entry::Begin(begin) => {
                self.begins += 1;
                self.begun.insert(begin.step, (self.begins, *begin, None));
            }
            Entry::Id { step, id } => {
                if let Some((_, _, known)) = self.begun.get_mut(&step) {
                    *known = Some(id);
                }
            }
            Entry::Done { step, outcome } => {
                if let Some((_, begin, _)) = self.begun.remove(&step) {
                    self.done.push((begin, outcome));
                }
            }
            Entry::Failed { step, .. } => {
                if self.begun.get(&step).is_some_and(|(_, _, id)| id.is_none()) {
                    self.begun.remove(&step);
                }
            }
            Entry::Provisioner { step, .. } => {
                self.provisioning.insert(step);
                self.heal(step, Health::Interrupted);
            }
            Entry::Provisioned { step, failed } => self.heal(step, if failed { Health::Tainted } else { Health::Ready }),
            Entry::End { state } => self.ends.push(state),
        }
    }

    /// How the object is that a step made.
    fn heal(&mut self, of: u32, health: Health) {
        if let Some((_, Outcome::Record(record))) = self.done.iter_mut().rev().find(|(begin, _)| begin.step == of) {
            record.health = health;
        }
    }

    fn finish(self, last_n: u64) -> Option<Replayed> {
        let mut open: Vec<_> = self.begun.into_values().filter(|_| !planted(Bug::ForgetsOpenSteps)).collect();
        open.sort_by_key(|(place, ..)| *place);
        let provisioning = self.provisioning;
        let open =
            open.into_iter().map(|(_, begin, id)| OpenStep { provisioning: provisioning.contains(&begin.step), begin, id }).collect();
        Some(Replayed { header: self.header?, project: self.project, done: self.done, open, ends: self.ends, last_n })
    }
}

fn damaged(piece: &[u8], file: &str, place: u64, error: &serde_json::Error) -> Diagnostic {
    if super::format::is_conflict_mark(piece) {
        return Diagnostic::error(format!("{file} has merge conflict marks (line {place}).")).hint(
            "Two interrupted runs of this stack were committed on two branches. Keep the journal that belongs to the state file beside it \
             (`git checkout --ours` or `--theirs` for both files), run `dofloat apply`, and look in the next plan for the strays of the other.",
        );
    }
    Diagnostic::error(format!("{file} is damaged: line {place} cannot be read ({error}).")).hint(
        "Restore the file as the interrupted run left it, for example with `git checkout`; it says what that run has made. \
         Nothing was changed.",
    )
}

fn newer(file: &str, format: u32) -> Diagnostic {
    Diagnostic::error(format!("{file} has the format {format}; this dofloat reads format {FORMAT}."))
        .hint("A newer dofloat was interrupted here: finish its run with that version. Nothing was changed.")
}

fn out_of_order(file: &str, place: u64, illegal: &Illegal) -> Diagnostic {
    Diagnostic::error(format!("{file} is damaged: line {place} cannot stand where it does ({illegal}).")).hint(
        "Restore the file as the interrupted run left it, for example with `git checkout`; it says what that run has made. \
         Nothing was changed.",
    )
}

impl Entry {
    fn step(&self) -> Option<u32> {
        match self {
            Self::Begin(begin) => Some(begin.step),
            Self::Id { step, .. }
            | Self::Done { step, .. }
            | Self::Failed { step, .. }
            | Self::Provisioner { step, .. }
            | Self::Provisioned { step, .. } => Some(*step),
            Self::Header(_) | Self::Project { .. } | Self::End { .. } => None,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Header(_) => "header",
            Self::Begin(_) => "begin",
            Self::Project { .. } => "lodging",
            Self::Id { .. } => "id",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Provisioner { .. } => "provisioner",
            Self::Provisioned { .. } => "provisioned",
            Self::End { .. } => "end",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::AwaitReady { id } => write!(f, "settle {id}"),
            Self::Edit { edits } => write!(f, "edit {}", edits.join(", ")),
            Self::Delete { id } => write!(f, "delete {id}"),
            Self::Forget { id } => write!(f, "forget {id}"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(record) => write!(f, "the object {}", record.id),
            Self::Gone => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh => f.write_str("has not started"),
            Self::Begun(op) => write!(f, "has started ({op})"),
            Self::Known(id) => write!(f, "has made {id}"),
            Self::Done => f.write_str("is done"),
            Self::Failed => f.write_str("has failed"),
        }
    }
}

mod moment {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Moment;

    pub(super) fn serialize<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(moment.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        u64::deserialize(deserializer).map(Moment)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use dofloat_base::digest::Salt;
    use dofloat_base::value::Value;

    const SAMPLE: &str = include_str!("../../fixtures/state/v1/run.journal");

    fn empty() -> State {
        State::new("lineage".to_owned(), Salt::new([1; 32]))
    }

    fn header() -> Entry {
        Entry::Header(Header {
            format: FORMAT,
            lineage: "lineage".to_owned(),
            owner: Owner { account: "a".to_owned(), team: None, simulated: true },
            start: Fingerprint::of(&empty()),
            marked: BTreeSet::from([id("7")]),
            addresses: BTreeSet::from(["203.0.113.7".to_owned()]),
        })
    }

    fn id(text: &str) -> Id {
        Id(text.to_owned())
    }

    fn at(name: &str) -> Address {
        Address::new("k", name)
    }

    fn begin(step: u32, name: &str, op: Op) -> Entry {
        Entry::Begin(Box::new(Begin {
            at: Moment(1),
            step,
            address: at(name),
            op,
            body: Body::from([("name".to_owned(), Value::from(name))]),
            digests: BTreeMap::new(),
            arguments: Body::new(),
            after: BTreeSet::new(),
            mark: Some(Mark("m".to_owned())),
            create_before_destroy: false,
            provisions: false,
            power: None,
        }))
    }

    fn known(step: u32, text: &str) -> Entry {
        Entry::Id { step, id: id(text) }
    }

    fn record(text: &str) -> Record {
        Record {
            id: id(text),
            mark: None,
            body: Body::new(),
            digests: BTreeMap::new(),
            arguments: Body::new(),
            after: BTreeSet::new(),
            health: Health::Ready,
            create_before_destroy: false,
        }
    }

    fn done(step: u32, text: &str) -> Entry {
        Entry::Done { step, outcome: Outcome::Record(Box::new(record(text))) }
    }

    fn gone(step: u32) -> Entry {
        Entry::Done { step, outcome: Outcome::Gone }
    }

    fn failed(step: u32) -> Entry {
        Entry::Failed { step, why: "no".to_owned() }
    }

    fn end() -> Entry {
        Entry::End { state: Fingerprint::of_bytes(b"x") }
    }

    fn edit() -> Op {
        Op::Edit { edits: vec!["rename".to_owned()] }
    }

    fn bytes(entries: &[Entry]) -> Vec<u8> {
        let numbered = entries.iter().zip(1..);
        numbered.flat_map(|(entry, n)| write_line(&Line { n, entry: entry.clone() })).collect()
    }

    fn replayed(entries: &[Entry]) -> Result<Replayed, String> {
        match replay(&bytes(entries), "a.journal") {
            Ok(reading) => reading.replayed.ok_or_else(|| "no header".to_owned()),
            Err(diagnostic) => Err(diagnostic.message),
        }
    }

    #[test]
    fn the_first_format_is_read_and_written_to_the_same_bytes() {
        let reading = replay(SAMPLE.as_bytes(), "run.journal").unwrap();
        let lines: Vec<Line> = SAMPLE.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(String::from_utf8(lines.iter().flat_map(write_line).collect()).unwrap(), SAMPLE);
        let found = reading.replayed.unwrap();
        assert_eq!((found.done.len(), found.open.len(), found.ends.len(), found.last_n), (2, 1, 1, 9));
        assert_eq!(found.open[0].id, Some(id("3164450")));
        assert_eq!(found.open[0].begin.power, Some(Power::On));
    }

    #[test]
    fn a_step_goes_its_way_and_no_other() {
        let await_ready = || Op::AwaitReady { id: id("1") };
        let delete = || Op::Delete { id: id("1") };
        let cases: Vec<(&str, Vec<Entry>, Option<Status>)> = vec![
            ("create", vec![begin(1, "a", Op::Create), known(1, "1"), done(1, "1")], Some(Status::Done)),
            ("create without id", vec![begin(1, "a", Op::Create), done(1, "1")], Some(Status::Done)),
            ("id twice", vec![begin(1, "a", Op::Create), known(1, "1"), known(1, "1")], Some(Status::Known(id("1")))),
            ("edit", vec![begin(1, "a", edit()), done(1, "1")], Some(Status::Done)),
            ("settle", vec![begin(1, "a", await_ready()), done(1, "1")], Some(Status::Done)),
            ("delete", vec![begin(1, "a", delete()), gone(1)], Some(Status::Done)),
            ("failed", vec![begin(1, "a", delete()), failed(1)], Some(Status::Failed)),
            ("a known object that failed", vec![begin(1, "a", Op::Create), known(1, "1"), failed(1)], Some(Status::Known(id("1")))),
            ("begun twice", vec![begin(1, "a", edit()), begin(1, "a", edit())], None),
            ("id before begin", vec![known(1, "1")], None),
            ("id of an edit", vec![begin(1, "a", edit()), known(1, "1")], None),
            ("another id", vec![begin(1, "a", Op::Create), known(1, "1"), known(1, "2")], None),
            ("id after done", vec![begin(1, "a", Op::Create), done(1, "1"), known(1, "1")], None),
            ("done before begin", vec![done(1, "1")], None),
            ("done twice", vec![begin(1, "a", edit()), done(1, "1"), done(1, "1")], None),
            ("done with another id", vec![begin(1, "a", Op::Create), known(1, "1"), done(1, "2")], None),
            ("settled as another", vec![begin(1, "a", await_ready()), done(1, "2")], None),
            ("a delete that leaves something", vec![begin(1, "a", delete()), done(1, "1")], None),
            ("a create that leaves nothing", vec![begin(1, "a", Op::Create), gone(1)], None),
            ("failed before begin", vec![failed(1)], None),
            ("failed after done", vec![begin(1, "a", delete()), gone(1), failed(1)], None),
        ];
        for (name, entries, expected) in cases {
            let status = entries.iter().try_fold(Status::Fresh, next);
            assert_eq!(status.ok(), expected, "{name}");
            assert_eq!(replayed(&[vec![header()], entries].concat()).is_ok(), expected.is_some(), "{name}");
        }
    }

    #[test]
    fn the_lines_stand_in_their_order() {
        for (name, entries, legal) in [
            ("an end", vec![header(), end()], true),
            ("a second end", vec![header(), end(), end()], true),
            ("no header", vec![begin(1, "a", edit())], false),
            ("two headers", vec![header(), header()], false),
            ("a step after the end", vec![header(), end(), begin(1, "a", edit())], false),
        ] {
            assert_eq!(replayed(&entries).is_ok(), legal, "{name}");
        }
        let lines = |numbers: [u64; 2]| {
            let entries = [header(), begin(1, "a", edit())];
            entries.iter().zip(numbers).flat_map(|(entry, n)| write_line(&Line { n, entry: entry.clone() })).collect::<Vec<_>>()
        };
        assert!(replay(&lines([1, 2]), "j").is_ok());
        for numbers in [[1, 1], [1, 3], [0, 1], [2, 3]] {
            assert!(replay(&lines(numbers), "j").is_err(), "{numbers:?}");
        }
    }

    #[test]
    fn what_is_done_comes_into_the_state_and_what_is_open_does_not() {
        let mut state = empty();
        for (name, text) in [("kept", "1"), ("edited", "2"), ("deleted", "3"), ("replaced", "4"), ("forgotten", "5")] {
            state.records.insert(at(name), record(text));
        }
        state.deposed.insert((at("edited"), id("9")), record("9"));
        let found = replayed(&[
            header(),
            begin(1, "edited", edit()),
            begin(2, "replaced", Op::Create),
            known(2, "40"),
            begin(3, "new", Op::Create),
            begin(4, "half", Op::Create),
            done(2, "40"),
            begin(5, "deleted", Op::Delete { id: id("3") }),
            known(4, "60"),
            gone(5),
            done(1, "2"),
            begin(6, "edited", Op::Delete { id: id("9") }),
            gone(6),
            begin(7, "refused", Op::Create),
            failed(7),
            begin(8, "forgotten", Op::Forget { id: id("5") }),
            gone(8),
            begin(9, "kept", Op::Delete { id: id("another") }),
            gone(9),
        ])
        .unwrap();
        let replayed_state = found.replay_onto(&state);
        let ids: Vec<_> = replayed_state.records.iter().map(|(address, record)| (address.name.as_str(), record.id.0.as_str())).collect();
        assert_eq!(ids, [("edited", "2"), ("kept", "1"), ("replaced", "40")]);
        assert_eq!(replayed_state.deposed.keys().collect::<Vec<_>>(), [&(at("replaced"), id("4"))]);
        assert!(replayed_state.owner.is_some());
        let open: Vec<_> = found.open.iter().map(|open| (open.begin.address.name.as_str(), open.id.clone())).collect();
        assert_eq!(open, [("new", None), ("half", Some(id("60")))]);
        let unfinished = found.open[1].begin.unfinished(id("60"));
        assert_eq!((unfinished.health, unfinished.body["name"].as_str()), (Health::Unfinished, Some("half")));
    }

    #[test]
    fn a_create_whose_object_failed_stays_open() {
        let found = replayed(&[header(), begin(1, "a", Op::Create), known(1, "1"), failed(1)]).unwrap();
        assert_eq!(found.open.len(), 1);
    }

    #[test]
    fn damage_is_told_with_its_line() {
        let good = String::from_utf8(bytes(&[header(), begin(1, "a", Op::Create), known(1, "1")])).unwrap();
        let line = |n: usize| good.lines().nth(n).unwrap_or_default();
        for (text, expected) in [
            (good.replace("\"begin\"", "\"began\""), "j is damaged: line 2 cannot be read"),
            (good.replace("{\"n\":2", "<<<<<<< HEAD\n{\"n\":2"), "j has merge conflict marks (line 2)."),
            (good.replace("\"format\":1", "\"format\":2"), "j has the format 2; this dofloat reads format 1."),
            (format!("{}\n{}\n", line(0), line(2)), "j is damaged: line 2 cannot stand where it does (line 3 follows line 1)."),
            (format!("{good}nonsense\n"), "j is damaged: line 4 cannot be read"),
            (
                good.replace("\"step\":1,\"id\"", "\"step\":2,\"id\""),
                "j is damaged: line 3 cannot stand where it does (step 2: `id` cannot follow: the step has not started).",
            ),
        ] {
            let error = replay(text.as_bytes(), "j").unwrap_err();
            assert!(error.message.starts_with(expected), "{}", error.message);
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn a_torn_end_is_cut_and_a_missing_line_end_is_not() {
        let good = bytes(&[header(), begin(1, "a", Op::Create)]);
        let check = |bytes: &[u8], kept: usize, unended: bool| {
            let reading = replay(bytes, "j").unwrap();
            assert_eq!((reading.good, reading.unended), (kept, unended));
        };
        check(&good, good.len(), false);
        check(&good[..good.len() - 1], good.len() - 1, true);
        check(&[good.as_slice(), b"{\"n\":3,"].concat(), good.len(), false);
        check(&[good.as_slice(), &[0; 40], b"\n"].concat(), good.len(), false);
        check(b"", 0, false);
    }

    /// A legal journal of some steps that are interleaved as `picks` says.
    fn legal(steps: &[(u8, u8)], picks: &[u8]) -> Vec<Entry> {
        let mut queues: Vec<Vec<Entry>> = steps
            .iter()
            .zip(1_u32..)
            .map(|((kind, length), step)| {
                let name = format!("r{}", step % 3);
                let text = step.to_string();
                let mut queue = match kind % 5 {
                    0 => vec![begin(step, &name, Op::Create), known(step, &text), done(step, &text)],
                    1 => vec![begin(step, &name, edit()), done(step, &text)],
                    2 => vec![begin(step, &name, Op::Delete { id: id(&text) }), gone(step)],
                    3 => vec![begin(step, &name, Op::Create), failed(step)],
                    _ => vec![begin(step, &name, Op::AwaitReady { id: id(&text) }), done(step, &text)],
                };
                queue.truncate(usize::from(*length) % 4);
                queue.reverse();
                queue
            })
            .collect();
        let mut entries = vec![header()];
        for pick in picks.iter().cycle().take(200) {
            queues.retain(|queue| !queue.is_empty());
            if queues.is_empty() {
                break;
            }
            let place = usize::from(*pick) % queues.len();
            entries.extend(queues[place].pop());
        }
        entries
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn every_cut_of_a_journal_replays(
            steps in prop::collection::vec(any::<(u8, u8)>(), 0..6),
            picks in prop::collection::vec(any::<u8>(), 1..40),
            ended in any::<bool>(),
        ) {
            let mut entries = legal(&steps, &picks);
            if ended {
                entries.push(end());
            }
            let all = bytes(&entries);
            let mut whole = 0;
            for length in 0..=all.len() {
                let reading = replay(&all[..length], "j").map_err(|error| TestCaseError::fail(error.message))?;
                let lines = all[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
                // All lines that are whole count, and one more at most: that which lacks nothing but its line end.
                prop_assert!(reading.machine.last_n() == lines || (reading.unended && reading.machine.last_n() == lines + 1));
                prop_assert!(reading.good <= length && reading.good >= whole);
                whole = reading.good;
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(noise in prop::collection::vec(any::<u8>(), 0..200), place in 0_usize..2000) {
            let mut all = bytes(&[header(), begin(1, "a", Op::Create), known(1, "1"), done(1, "1")]);
            let place = place.min(all.len());
            all.splice(place..place, noise);
            let _ = replay(&all, "j");
        }
    }
}
