//! Planted bugs: faults that this program has had, and others of their sort, each put back by one line at its place. Tests plant
//! them one at a time, and show that they would be found.
//!
//! Invariant: nothing but a test plants one, in a process of its own; the program has no way to. An optimised build holds none.

use std::sync::OnceLock;

static PLANTED: OnceLock<Bug> = OnceLock::new();

/// What is wrong once it is planted. The first ten are faults of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Recovery takes a reserved address that nobody holds for the one that a killed run had asked for, whoever reserved it.
    AdoptsUnmarkedAddress,
    /// Recovery takes what has the right name for what a killed run has made, whoever made it.
    AdoptsByName,
    /// What carries the stack's mark and is not in an older state is made a second time.
    DoublesOnOlderState,
    /// An action whose request was lost before it took effect is waited for, and never sent again.
    NeverAsksAgain,
    /// The address of a droplet that still boots counts as known, and is empty.
    KnowsEmptyAddresses,
    /// How long ago a lost object was begun is told by the clock of the machine that began it.
    CountsByAnotherClock,
    /// That a droplet is off already is a failure where it is to be switched off.
    FailsWhereItHolds,
    /// A list and a look that agree are enough for what costs money to count as gone.
    BelievesTwoLooks,
    /// A simulator answers web pages.
    AnswersWebPages,
    /// What is hidden or sensitive stands in the state as it is.
    RemembersSecrets,
    /// A line of the journal counts as written before it is on disk.
    LeavesJournalUnflushed,
    /// A new state takes the place of the old one before it is on disk.
    RenamesUnflushed,
    /// A file's name counts as written before its folder is on disk.
    LeavesFolderUnflushed,
    /// Two can have the lock of a state.
    SharesLock,
    /// A state may follow one with a higher serial.
    LetsOlderStateFollow,
    /// A state that is written keeps the serial of the one before it.
    KeepsSerial,
    /// A journal is replayed onto whatever state lies beside it.
    ReplaysOntoAnyState,
    /// A torn last line of the journal is not cut off before others follow it.
    KeepsTornLine,
    /// What was begun and has no end is taken for not begun.
    ForgetsOpenSteps,
    /// An object whose answer was lost is looked for once.
    LooksOnce,
    /// A step starts when the first of those that it needs is done.
    StartsEarly,
    /// What others are built upon is not deleted after them.
    DeletesGroundFirst,
    /// What a list lacks is gone.
    BelievesLists,
    /// Sets of values are never compared.
    ComparesNoSets,
    /// An object that was replaced and is not deleted yet is forgotten.
    ForgetsDeposed,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::AdoptsUnmarkedAddress,
        Self::AdoptsByName,
        Self::DoublesOnOlderState,
        Self::NeverAsksAgain,
        Self::KnowsEmptyAddresses,
        Self::CountsByAnotherClock,
        Self::FailsWhereItHolds,
        Self::BelievesTwoLooks,
        Self::AnswersWebPages,
        Self::RemembersSecrets,
        Self::LeavesJournalUnflushed,
        Self::RenamesUnflushed,
        Self::LeavesFolderUnflushed,
        Self::SharesLock,
        Self::LetsOlderStateFollow,
        Self::KeepsSerial,
        Self::ReplaysOntoAnyState,
        Self::KeepsTornLine,
        Self::ForgetsOpenSteps,
        Self::LooksOnce,
        Self::StartsEarly,
        Self::DeletesGroundFirst,
        Self::BelievesLists,
        Self::ComparesNoSets,
        Self::ForgetsDeposed,
    ];
}

/// Plants a bug in this process, for good. For tests, in processes of their own.
pub fn plant(bug: Bug) {
    let _ = PLANTED.set(bug);
}

/// Whether this bug is planted.
#[must_use]
pub fn planted(bug: Bug) -> bool {
    cfg!(debug_assertions) && PLANTED.get() == Some(&bug)
}
