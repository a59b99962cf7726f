//! What keeps two runs, or two states, from being taken for one: the lock, the serial, and the journal's first line.
//!
//! Invariant: in this process, by the store's own calls.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use dofloat::base::clock::{Clock, Moment};
use dofloat::base::digest::Salt;
use dofloat::base::durable::write_atomic;
use dofloat::base::identity::Owner;
use dofloat::engine::check;
use dofloat::state::State;
use dofloat::state::store::{Paths, RunStart, Store, StoreError};
use tempfile::TempDir;

fn state(serial: u64) -> State {
    State { serial, ..State::new("11111111-2222-4333-8444-555555555555".to_owned(), Salt::new([1; 32])) }
}

fn store(folder: &TempDir) -> Store {
    Store::open(Paths::beside(&folder.path().join("web.json"), folder.path().to_owned()))
}

fn start() -> RunStart {
    let owner = Owner { account: "account".to_owned(), team: None, simulated: true };
    RunStart { owner, marked: BTreeSet::new(), addresses: BTreeSet::new() }
}

/// Takes the lock, reads, and begins a run.
#[tokio::main(flavor = "current_thread")]
async fn begun(store: Store) {
    let clock = Clock::system();
    let mut locked = store.lock(Duration::ZERO, "one", &clock, &mut |_| {}).await.expect("nobody has it");
    locked.files().load().expect("there is nothing yet");
    locked.files().begin(&state(0), start()).expect("a run begins");
}

#[test]
pub(crate) fn a_state_has_one_holder() {
    let folder = tempfile::tempdir().expect("a folder");
    let both = async {
        let clock = Clock::virtual_at(Moment(1_790_000_000_000));
        let first = store(&folder).lock(Duration::ZERO, "one", &clock, &mut |_| {}).await.expect("nobody has it");
        let second = store(&folder).lock(Duration::from_secs(1), "two", &clock, &mut |_| {}).await;
        assert!(matches!(second, Err(StoreError::Held { .. })), "two have the lock");
        drop(first);
        store(&folder).lock(Duration::ZERO, "two", &clock, &mut |_| {}).await.expect("it is free again");
    };
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(both);
}

#[test]
pub(crate) fn a_journal_belongs_to_the_state_that_it_starts_from() {
    let folder = tempfile::tempdir().expect("a folder");
    begun(store(&folder));
    assert!(store(&folder).peek().is_ok_and(|loaded| loaded.journal.is_some()), "an interrupted run is gone on with");
    let path = folder.path().join("web.json");
    let other = fs::read_to_string(&path).expect("a state").replace("\"serial\": 0", "\"serial\": 7");
    write_atomic(&path, other.as_bytes(), 0o644).expect("the folder is ours");
    assert!(store(&folder).peek().is_err(), "a journal is taken for that of another state");
}

#[test]
pub(crate) fn no_older_state_follows_a_newer_one() {
    let follows = |serial: u64, before: u64| check::follows(&state(serial), &state(before), "web.json", "the last commit").is_none();
    assert!(follows(3, 2) && follows(2, 2));
    assert!(!follows(1, 2), "an older state follows a newer one");
}
