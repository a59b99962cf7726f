//! Planted bugs: each is found, by seeds or by the test that is named here. What none of them found would show a test to write.
//!
//! Invariant: a bug is planted in a process of its own, which is this program again with `DOFLOAT_PLANTED`; here none is.

use dofloat::base::planted::{Bug, plant};

use crate::engine;
use crate::seeds::{fails, fails_in_calm, fails_narrowly, first_failure};
use crate::store::guards;
use crate::support::alone::alone;
use crate::support::harness::{Width, asked, say, width, words};
use crate::trust;

/// So many seeds find each bug that seeds are to find.
const MOST: u64 = 5000;

/// Who finds a bug.
#[derive(Clone, Copy)]
enum Finder {
    /// Whole lives of stacks, with all that befalls them.
    Seeds,
    /// The same in calm, where each run must do.
    Calm,
    /// Lives of one or two sorts, each run cut short.
    Narrow,
    /// A test.
    Test(&'static str, fn()),
}

fn finder(bug: Bug) -> Finder {
    match bug {
        Bug::NeverAsksAgain | Bug::FailsWhereItHolds | Bug::StartsEarly | Bug::DeletesGroundFirst => Finder::Calm,
        Bug::AdoptsUnmarkedAddress | Bug::AdoptsByName | Bug::ForgetsDeposed | Bug::DoublesOnOlderState => Finder::Narrow,
        Bug::KnowsEmptyAddresses | Bug::CountsByAnotherClock | Bug::LooksOnce => Finder::Narrow,
        Bug::BelievesTwoLooks => {
            Finder::Test("what_costs_money_is_looked_for_a_third_time", engine::what_costs_money_is_looked_for_a_third_time)
        }
        Bug::AnswersWebPages => Finder::Test("no_web_page_drives_a_simulator", trust::no_web_page_drives_a_simulator),
        Bug::SharesLock => Finder::Test("a_state_has_one_holder", guards::a_state_has_one_holder),
        Bug::LetsOlderStateFollow => Finder::Test("no_older_state_follows_a_newer_one", guards::no_older_state_follows_a_newer_one),
        Bug::ReplaysOntoAnyState => {
            Finder::Test("a_journal_belongs_to_the_state_that_it_starts_from", guards::a_journal_belongs_to_the_state_that_it_starts_from)
        }
        _ => Finder::Seeds,
    }
}

impl Finder {
    fn name(self) -> &'static str {
        match self {
            Self::Seeds => "seeds",
            Self::Calm => "seeds in calm",
            Self::Narrow => "narrow seeds",
            Self::Test(name, _) => name,
        }
    }

    /// After how many seeds it finds something, and what.
    fn find(self, most: u64) -> Option<(u64, String)> {
        match self {
            Self::Seeds => first_failure(most, fails),
            Self::Calm => first_failure(most, fails_in_calm),
            Self::Narrow => first_failure(most, fails_narrowly),
            Self::Test(_, test) => std::panic::catch_unwind(test).err().map(|_| (0, "it fails".to_owned())),
        }
    }
}

/// The part of [`each_bug_is_found`] that is played by a process of its own.
#[test]
fn in_a_process_of_its_own() {
    let Some(name) = words("DOFLOAT_PLANTED") else { return };
    let bug = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name).unwrap_or_else(|| panic!("there is no bug {name}"));
    plant(bug);
    let most = asked("DOFLOAT_SEEDS").unwrap_or(MOST);
    match finder(bug).find(most) {
        Some((seed, why)) => say(&format!("FOUND {seed} {}", why.lines().next().unwrap_or_default())),
        None => say("NOT FOUND"),
    }
}

/// What a process says in which a bug is planted.
fn planted(bug: Bug) -> String {
    let said = alone("planted::in_a_process_of_its_own", "DOFLOAT_PLANTED", &format!("{bug:?}"));
    let line = said.into_iter().find(|line| line.starts_with("FOUND") || line.starts_with("NOT FOUND"));
    line.unwrap_or_else(|| "it ends before it says anything".to_owned())
}

/// Some of them by default, more in full, all of them where the whole is asked for.
#[test]
fn each_bug_is_found() {
    let step = match width() {
        Width::Thin => 12,
        Width::Full => 4,
        Width::Whole => 1,
    };
    let mut missed = Vec::new();
    say("| bug | found by | after so many seeds | as |");
    for bug in Bug::ALL.into_iter().step_by(step) {
        let said = planted(bug);
        match said.strip_prefix("FOUND ").and_then(|found| found.split_once(' ')) {
            Some((seed, why)) => say(&format!("| {bug:?} | {} | {seed} | {why} |", finder(bug).name())),
            None => missed.push(format!("{bug:?}: {said}")),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
}
