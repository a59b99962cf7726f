//! The store in plain files: state and journal beside each other, a lock in `.dofloat/`.
//!
//! Invariant: the state file is replaced as a whole, the journal only grows; a step costs the same in a small fleet and in a
//! large one. Whatever was interrupted is told apart by fingerprints: the journal names the state that it starts from and
//! the one that it ends with. It must not know the engine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::State;
use crate::format::{self, Fingerprint};
use crate::journal::{self, Entry, Header, Line, Machine, Reading, Replayed};
use dofloat_base::crash::crash_point;
use dofloat_base::durable::{Appender, FileLock, make_folder, remove, sweep, write_atomic};
use dofloat_base::identity::{Id, Owner};
use dofloat_base::planted::{Bug, planted};

use super::error::{StoreError, failed, lost_empty, lost_missing, mismatch, misuse, other_lineage, unstable, vanished};
use super::others::others;
use super::paths::{Paths, folder_of};
use super::serials;

/// The recorded state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The state file; `None` if this stack was never applied.
    pub state: Option<State>,
    /// The journal of a run that is open or was interrupted. It starts from `state` and is not in it:
    /// `journal.replay_onto(&state)` is the state with all that is known to be done.
    pub journal: Option<Replayed>,
    /// The objects that the other stacks of this repository speak of, by kind and identity: none of them is this stack's.
    pub others: BTreeSet<(String, Id)>,
}

/// The facts that a run starts with, besides the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStart {
    /// Whose objects it makes.
    pub owner: Owner,
    /// The objects that carry the stack's mark already.
    pub marked: BTreeSet<Id>,
    /// The account's reserved addresses, where they cannot be told by a mark.
    pub addresses: BTreeSet<String>,
}

/// The right to write the files of a stack's state.
#[derive(Debug)]
pub struct Locked {
    paths: Paths,
    lock: Option<FileLock>,
    loaded: bool,
    disk: Option<StateFile>,
    journal: Option<OpenJournal>,
    /// The lowest serial that the next write may have.
    min_serial: u64,
}

/// The state file as it is.
#[derive(Debug)]
struct StateFile {
    lineage: String,
    serial: u64,
    bytes: Vec<u8>,
}

/// The journal file as it is.
#[derive(Debug)]
struct OpenJournal {
    appender: Appender,
    machine: Machine,
    length: u64,
    unended: bool,
    /// A part of a line may stand at its end, and could not be cut off.
    torn: bool,
}

const MODE: u32 = 0o644;
/// A copy may come to lie where others look in.
const RESCUE_MODE: u32 = 0o600;

impl Locked {
    pub(super) fn new(paths: Paths, lock: Option<FileLock>) -> Self {
        Self { paths, lock, loaded: false, disk: None, journal: None, min_serial: 0 }
    }

    /// Reads state and journal. A journal whose state was written is removed, a torn last line is cut off; a journal of an
    /// interrupted run stays open: it ends with the next `commit`. To be called before anything else.
    ///
    /// # Errors
    /// If they cannot be read, do not belong together, or a state was lost.
    pub fn load(&mut self) -> Result<Loaded, StoreError> {
        let seen = read_consistent(&self.paths)?;
        if self.lock.is_some() {
            // What an interrupted write left is no harm but clutter; that it cannot be removed is no harm either.
            let _ = sweep(&self.paths.state).and_then(|()| sweep(&self.paths.secrets));
        }
        self.disk = seen.state.as_ref().map(StateFile::from_state);
        self.note_serial();
        self.journal = None;
        self.loaded = true;
        match seen.journal {
            JournalStatus::Nothing => {}
            JournalStatus::Finished => self.remove_journal()?,
            JournalStatus::Running(reading) => {
                let path = &self.paths.journal;
                let mut appender = Appender::open(path, MODE).map_err(|error| failed("open", path, &error))?;
                let length = u64::try_from(reading.good).unwrap_or(u64::MAX);
                if !planted(Bug::KeepsTornLine) {
                    appender.truncate(length).map_err(|error| failed("cut the torn last line off", path, &error))?;
                }
                self.journal = Some(OpenJournal { appender, machine: reading.machine, length, unended: reading.unended, torn: false });
                return Ok(Loaded { state: seen.state, journal: reading.replayed, others: others(&self.paths) });
            }
        }
        Ok(Loaded { state: seen.state, journal: None, others: others(&self.paths) })
    }

    /// Begins a run: writes the state file if there is none (with `state`'s lineage and salt, the owner, serial 0 and no records),
    /// then the journal's first line. Both are on disk afterwards.
    ///
    /// # Errors
    /// If a journal is open already (recover and `commit` first), if `state` is another stack's, or what the system says.
    pub fn begin(&mut self, state: &State, start: RunStart) -> Result<(), StoreError> {
        self.must_be_loaded()?;
        if self.journal.is_some() || self.paths.journal.symlink_metadata().is_ok() {
            return Err(misuse(&self.paths.journal, "it is already open; what it holds must be reconciled first"));
        }
        match &self.disk {
            Some(disk) if disk.lineage != state.lineage => return Err(other_lineage(&self.paths.state, &disk.lineage, &state.lineage)),
            Some(_) => self.raise_serial()?,
            None => self.write_first(state, &start.owner)?,
        }
        let base = self.disk.as_ref().map_or_else(|| Fingerprint::of_bytes(b""), |disk| Fingerprint::of_bytes(&disk.bytes));
        let header = Header {
            format: journal::FORMAT,
            lineage: state.lineage.clone(),
            owner: start.owner,
            start: base,
            marked: start.marked,
            addresses: start.addresses,
        };
        let path = &self.paths.journal;
        let appender = Appender::open(path, MODE).map_err(|error| failed("create", path, &error))?;
        self.journal = Some(OpenJournal { appender, machine: Machine::default(), length: 0, unended: false, torn: false });
        let written = self.write_entries(vec![Entry::Header(header)]);
        if written.is_err() {
            self.journal = None;
            // A journal without a whole header says nothing, so it does no harm if it cannot be removed either.
            let _ = remove(&self.paths.journal);
        }
        written
    }

    /// Writes the state file if there is none, as `begin` does: what is encrypted beside a state must not come before it.
    ///
    /// # Errors
    /// The system's error.
    pub fn ensure_state_file(&mut self, state: &State, owner: &Owner) -> Result<(), StoreError> {
        self.must_be_loaded()?;
        if self.disk.is_some() { Ok(()) } else { self.write_first(state, owner) }
    }

    /// Whether a journal is open: begun by this run, or left by an interrupted one.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.journal.is_some()
    }

    /// Appends an entry. It is on disk when this returns.
    ///
    /// # Errors
    /// If it cannot follow those before it, or what the system says: no call may be made then.
    pub fn append(&mut self, entry: Entry) -> Result<(), StoreError> {
        self.append_all(vec![entry])
    }

    /// Appends entries with one flush. All are on disk when this returns; on an error none of them counts.
    ///
    /// # Errors
    /// As `append`.
    pub fn append_all(&mut self, entries: Vec<Entry>) -> Result<(), StoreError> {
        if entries.iter().any(|entry| matches!(entry, Entry::Header(_) | Entry::End { .. })) {
            return Err(misuse(&self.paths.journal, "its first and last lines are written by the store itself"));
        }
        self.write_entries(entries)
    }

    /// Ends the run: the state is on disk, the journal is gone. Where nothing but the serial differs from what is on disk,
    /// nothing is written. Gives the serial on disk (`state.serial` does not matter).
    ///
    /// # Errors
    /// What the system says; the message names the copy that was saved elsewhere, and the journal stays.
    pub fn commit(&mut self, state: &State) -> Result<u64, StoreError> {
        self.must_be_loaded()?;
        let serial = self.disk.as_ref().map_or(0, |disk| disk.serial);
        if serial >= self.min_serial && self.is_same(&State { serial, ..state.clone() }) {
            self.remove_journal()?;
            return Ok(serial);
        }
        let new =
            StateFile::from_state(&State { serial: self.min_serial.max(serial + u64::from(!planted(Bug::KeepsSerial))), ..state.clone() });
        let mut ended = self.journal.is_none();
        let written =
            if self.journal.is_some() { self.write_entries(vec![Entry::End { state: Fingerprint::of_bytes(&new.bytes) }]) } else { Ok(()) };
        let written = written.and_then(|()| {
            ended = true;
            self.write_state(&new.bytes)
        });
        if let Err(error) = written {
            return Err(self.with_rescue_copy(error, &new.bytes, ended));
        }
        let serial = new.serial;
        self.disk = Some(new);
        self.note_serial();
        self.remove_journal()?;
        Ok(serial)
    }

    /// The highest serial of a lineage that this clone has seen.
    #[must_use]
    pub fn highest_serial(&self, lineage: &str) -> Option<u64> {
        serials::highest(&self.paths.serials, lineage)
    }

    /// Lets what is written next have this serial or a higher one: a newer state was given up.
    pub fn set_min_serial(&mut self, serial: u64) {
        self.min_serial = self.min_serial.max(serial);
    }

    fn note_serial(&self) {
        if let Some(disk) = &self.disk {
            serials::note(&self.paths.serials, &disk.lineage, disk.serial);
        }
    }

    /// Writes the state with the serial that it must have, before a journal starts from it: a run that is killed then leaves the
    /// newest one.
    fn raise_serial(&mut self) -> Result<(), StoreError> {
        let Some(disk) = self.disk.as_ref().filter(|disk| disk.serial < self.min_serial) else { return Ok(()) };
        let state = format::read(&disk.bytes, &shown(&self.paths.state)).map_err(StoreError::Failed)?;
        let raised = StateFile::from_state(&State { serial: self.min_serial, ..state });
        self.write_state(&raised.bytes)?;
        self.disk = Some(raised);
        self.note_serial();
        Ok(())
    }

    fn must_be_loaded(&self) -> Result<(), StoreError> {
        if self.loaded { Ok(()) } else { Err(misuse(&self.paths.state, "it was not read before")) }
    }

    fn is_same(&self, state: &State) -> bool {
        match &self.disk {
            Some(disk) => format::write(state) == disk.bytes,
            None => state.records.is_empty() && state.deposed.is_empty() && state.outputs.is_empty(),
        }
    }

    fn write_first(&mut self, state: &State, owner: &Owner) -> Result<(), StoreError> {
        let first = StateFile::from_state(&State { owner: Some(owner.clone()), ..State::new(state.lineage.clone(), state.salt.clone()) });
        self.write_state(&first.bytes)?;
        serials::begin(&self.paths.serials, &first.lineage);
        self.disk = Some(first);
        Ok(())
    }

    fn write_state(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let path = &self.paths.state;
        // A folder that was there and is gone is not made again: what else was in it is missed.
        if let (None, Some(folder)) = (&self.disk, folder_of(path)) {
            make_folder(folder).map_err(|error| failed("create the folder", folder, &error))?;
        }
        crash_point("state.before-write");
        write_atomic(path, bytes, MODE).map_err(|error| failed("write", path, &error))?;
        crash_point("state.after-write");
        Ok(())
    }

    fn write_entries(&mut self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let path = &self.paths.journal;
        let Some(open) = &mut self.journal else { return Err(misuse(path, "no run has begun")) };
        if open.unended {
            open.append(b"\n").map_err(|error| failed("write", path, &error))?;
            open.unended = false;
        }
        let mut before = Vec::with_capacity(entries.len());
        let mut bytes = Vec::new();
        let mut result = Ok(());
        for entry in entries {
            let line = Line { n: open.machine.last_n() + 1, entry };
            match open.machine.accept(&line) {
                Ok(was) => before.push(was),
                Err(illegal) => {
                    result = Err(misuse(path, &illegal.to_string()));
                    break;
                }
            }
            bytes.extend(journal::write_line(&line));
        }
        if result.is_ok() {
            crash_point("journal.before-append");
            result = open
                .append(&bytes)
                .map_err(|error| if error.kind() == std::io::ErrorKind::NotFound { vanished(path) } else { failed("write", path, &error) });
        }
        if result.is_err() {
            for was in before.into_iter().rev() {
                open.machine.restore(was);
            }
            return result;
        }
        crash_point("journal.after-append");
        Ok(())
    }

    fn remove_journal(&mut self) -> Result<(), StoreError> {
        let path = &self.paths.journal;
        crash_point("journal.before-remove");
        remove(path).map_err(|error| failed("remove", path, &error))?;
        crash_point("journal.after-remove");
        self.journal = None;
        Ok(())
    }

    /// Saves a copy where it can be saved, and adds to the error where that is and how to go on.
    fn with_rescue_copy(&self, error: StoreError, bytes: &[u8], ended: bool) -> StoreError {
        let StoreError::Failed(mut diagnostic) = error else { return error };
        let copy = self.rescue_places().into_iter().find(|place| write_atomic(place, bytes, RESCUE_MODE).is_ok());
        let state = self.paths.state.display();
        let why = diagnostic.hint.take().unwrap_or_default();
        let journal = self.journal.is_some().then(|| self.paths.journal.display());
        let on = match (&copy, journal) {
            (Some(copy), Some(_)) if ended => {
                format!(
                    "The new state is saved as {copy}: move it into place with `mv {copy} {state}`, and run dofloat again.",
                    copy = copy.display()
                )
            }
            (Some(copy), Some(journal)) => {
                format!(
                    "The new state is saved as {}. {journal} holds the same: when that is fixed, run dofloat again; it continues \
                     from there.",
                    copy.display()
                )
            }
            (Some(copy), None) => {
                format!("The new state is saved as {copy}: move it into place with `mv {copy} {state}`.", copy = copy.display())
            }
            (None, Some(journal)) => {
                format!(
                    "No copy could be saved anywhere, but {journal} holds every step: when that is fixed, run dofloat again; it \
                     continues from there."
                )
            }
            (None, None) => "No copy could be saved anywhere; no object was changed by this run.".to_owned(),
        };
        diagnostic.hint = Some(format!("{why} {on}").trim().to_owned());
        StoreError::Failed(diagnostic)
    }

    fn rescue_places(&self) -> [PathBuf; 2] {
        let name = format!("rescue-{}.json", std::process::id());
        let beside = self.paths.state.with_extension(&name);
        let stem = self.paths.state.file_stem().unwrap_or_default().to_string_lossy();
        let elsewhere = self.paths.rescue.join(format!("dofloat-{stem}.{name}"));
        [beside, elsewhere]
    }
}

impl StateFile {
    fn from_state(state: &State) -> Self {
        Self { lineage: state.lineage.clone(), serial: state.serial, bytes: format::write(state) }
    }
}

impl OpenJournal {
    /// Appends and flushes; on an error the file is cut to what it was, so that a part of a line never stands in its middle.
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.torn {
            return Err(std::io::Error::other("an earlier line is torn and could not be cut off"));
        }
        match self.appender.append_flushed(bytes) {
            Ok(()) => {
                self.length += u64::try_from(bytes.len()).unwrap_or(0);
                Ok(())
            }
            Err(error) => {
                self.torn = self.appender.truncate(self.length).is_err();
                Err(error)
            }
        }
    }
}

pub(super) fn peek(paths: &Paths) -> Result<Loaded, StoreError> {
    let seen = read_consistent(paths)?;
    let journal = match seen.journal {
        JournalStatus::Running(reading) => reading.replayed,
        JournalStatus::Nothing | JournalStatus::Finished => None,
    };
    Ok(Loaded { state: seen.state, journal, others: others(paths) })
}

struct Contents {
    state: Option<State>,
    journal: JournalStatus,
}

enum JournalStatus {
    /// No journal.
    Nothing,
    /// One whose run is over, or that says nothing at all.
    Finished,
    /// One that starts from the state.
    Running(Box<Reading>),
}

/// Reads all until the state stands still: the journal that was read in between belongs to it then.
fn read_consistent(paths: &Paths) -> Result<Contents, StoreError> {
    const TRIES: usize = 100;
    let mut first = read(&paths.state)?;
    for _ in 0..TRIES {
        let journal = read(&paths.journal)?;
        // Asked before the state is read again: a run that begins meanwhile writes its state before its secrets.
        let secrets = paths.secrets.exists();
        let second = read(&paths.state)?;
        if first == second {
            return combine(paths, second, journal, secrets);
        }
        first = second;
    }
    Err(unstable(&paths.state))
}

fn combine(paths: &Paths, state: Option<Vec<u8>>, journal: Option<Vec<u8>>, secrets: bool) -> Result<Contents, StoreError> {
    let witness = if journal.is_some() { Some(&paths.journal) } else { secrets.then_some(&paths.secrets) };
    let Some(bytes) = state else {
        return match witness {
            Some(witness) => Err(lost_missing(&paths.state, witness)),
            None => Ok(Contents { state: None, journal: JournalStatus::Nothing }),
        };
    };
    let state = match format::read(&bytes, &shown(&paths.state)) {
        Ok(state) => state,
        Err(_) if format::is_blank(&bytes) && witness.is_some() => {
            return Err(lost_empty(&paths.state, witness.unwrap_or(&paths.journal)));
        }
        // We never write an empty one: there was a state.
        Err(diagnostic) if format::is_blank(&bytes) => return Err(StoreError::Lost(diagnostic)),
        Err(diagnostic) => return Err(StoreError::Failed(diagnostic)),
    };
    let journal = match journal {
        None => JournalStatus::Nothing,
        Some(lines) => match_journal(paths, &state, &bytes, &lines)?,
    };
    Ok(Contents { state: Some(state), journal })
}

fn match_journal(paths: &Paths, state: &State, bytes: &[u8], lines: &[u8]) -> Result<JournalStatus, StoreError> {
    let reading = journal::replay(lines, &shown(&paths.journal)).map_err(StoreError::Failed)?;
    let Some(replayed) = &reading.replayed else { return Ok(JournalStatus::Finished) };
    // The same content counts, whatever git or an editor did to line ends and spaces.
    let prints = [Fingerprint::of_bytes(bytes), Fingerprint::of(state)];
    if replayed.ends.iter().any(|end| prints.contains(end)) {
        Ok(JournalStatus::Finished)
    } else if (replayed.header.lineage != state.lineage || !prints.contains(&replayed.header.start)) && !planted(Bug::ReplaysOntoAnyState) {
        Err(mismatch(&paths.state, &paths.journal))
    } else {
        Ok(JournalStatus::Running(Box::new(reading)))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
