//! The store in a temporary folder: what it keeps, what it refuses, and what a crash leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::format::{self, Fingerprint};
use crate::journal::{Begin, Entry, Line, Op, Outcome, replay, write_line};
use crate::{Health, Record, State};
use dofloat_base::address::Address;
use dofloat_base::clock::Moment;
use dofloat_base::digest::Salt;
use dofloat_base::durable::{FileLock, LockKind, remove};
use dofloat_base::identity::{Id, Owner};
use dofloat_base::value::{Body, Value};

struct Bench {
    folder: tempfile::TempDir,
    store: Store,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let clone = |ending: &str| folder.path().join(".dofloat").join(format!("web.{ending}"));
    let beside = Paths::beside(&folder.path().join("state/web.json"), folder.path().to_owned());
    let paths = Paths { lock: clone("lock"), serials: clone("serials"), ..beside };
    Bench { store: Store::open(paths), folder }
}

impl Bench {
    fn loaded(&self) -> (Locked, Loaded) {
        let mut locked = Locked::new(self.store.paths().clone(), None);
        let loaded = locked.load().unwrap();
        (locked, loaded)
    }

    /// A store whose state has two records and no journal.
    fn applied() -> (Self, State) {
        let bench = bench();
        let (mut locked, _) = bench.loaded();
        locked.begin(&fresh(), run_start()).unwrap();
        let mut state = State { owner: Some(owner()), ..fresh() };
        state.records.insert(address("a"), record("1"));
        state.records.insert(address("b"), record("2"));
        state.serial = locked.commit(&state).unwrap();
        (bench, state)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("state")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn told(&self, error: &StoreError) -> String {
        let folder = format!("{}/", self.folder.path().display());
        let diagnostic = &error.diagnostics()[0];
        let text = format!("{}\n  {}", diagnostic.message, diagnostic.hint.clone().unwrap_or_default());
        text.replace(&folder, "").replace(&format!("rescue-{}", std::process::id()), "rescue-PID")
    }
}

#[expect(clippy::disallowed_methods, reason = "a test plays the user who damages files")]
fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

fn get(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn fresh() -> State {
    State::new("lineage".to_owned(), Salt::new([1; 32]))
}

fn owner() -> Owner {
    Owner { account: "a".to_owned(), team: None, simulated: true }
}

fn run_start() -> RunStart {
    RunStart { owner: owner(), marked: BTreeSet::new(), addresses: BTreeSet::new() }
}

fn address(name: &str) -> Address {
    Address::new("k", name)
}

fn record(id: &str) -> Record {
    Record {
        id: Id(id.to_owned()),
        mark: None,
        body: Body::from([("name".to_owned(), Value::from(id))]),
        digests: BTreeMap::new(),
        arguments: Body::new(),
        after: BTreeSet::new(),
        health: Health::Ready,
        create_before_destroy: false,
    }
}

fn begin(step: u32, name: &str, op: Op) -> Entry {
    Entry::Begin(Box::new(Begin {
        at: Moment(1),
        step,
        address: address(name),
        op,
        body: Body::new(),
        digests: BTreeMap::new(),
        arguments: Body::new(),
        after: BTreeSet::new(),
        mark: None,
        create_before_destroy: false,
        provisions: false,
        power: None,
    }))
}

fn made(step: u32, id: &str) -> Entry {
    Entry::Done { step, outcome: Outcome::Record(Box::new(record(id))) }
}

#[test]
fn a_run_leaves_one_file_and_a_run_without_change_leaves_it_alone() {
    let (bench, state) = Bench::applied();
    assert_eq!(bench.names(), ["web.json"]);
    assert_eq!(state.serial, 1);
    let before = get(&bench.store.paths().state);
    let (mut locked, loaded) = bench.loaded();
    assert_eq!(loaded, Loaded { state: Some(state.clone()), journal: None, ..Loaded::default() });
    locked.begin(&state, run_start()).unwrap();
    assert_eq!(bench.names(), ["web.journal", "web.json"]);
    assert_eq!(locked.commit(&State { serial: 99, ..state.clone() }).unwrap(), 1);
    assert_eq!((bench.names(), get(&bench.store.paths().state)), (vec!["web.json".to_owned()], before));
    assert_eq!(locked.commit(&State { records: BTreeMap::new(), ..state }).unwrap(), 2);
}

#[test]
fn the_state_is_there_before_the_first_line_and_an_interrupted_first_run_goes_on() {
    let bench = bench();
    let (mut locked, loaded) = bench.loaded();
    assert_eq!(loaded, Loaded::default());
    locked.begin(&fresh(), run_start()).unwrap();
    locked.append(begin(1, "a", Op::Create)).unwrap();
    drop(locked);
    let loaded = bench.store.peek().unwrap();
    let state = loaded.state.unwrap();
    assert_eq!((state.serial, state.owner.as_ref(), state.records.len()), (0, Some(&owner()), 0));
    assert_eq!(loaded.journal.unwrap().open.len(), 1);
}

#[test]
fn what_was_done_before_an_interruption_is_known_after_it() {
    let (bench, state) = Bench::applied();
    let (mut locked, _) = bench.loaded();
    locked.begin(&state, run_start()).unwrap();
    locked.append_all(vec![begin(1, "c", Op::Create), begin(2, "a", Op::Delete { id: Id("1".to_owned()) })]).unwrap();
    locked.append_all(vec![made(1, "3"), Entry::Done { step: 2, outcome: Outcome::Gone }]).unwrap();
    locked.append(begin(3, "d", Op::Create)).unwrap();
    locked.append(Entry::Id { step: 3, id: Id("4".to_owned()) }).unwrap();
    drop(locked);
    let (mut locked, loaded) = bench.loaded();
    let journal = loaded.journal.unwrap();
    let mut recovered = journal.replay_onto(&state);
    assert_eq!(recovered.records.keys().map(|address| address.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!((journal.open.len(), journal.last_n), (1, 7));
    // Recovery adopts what is open, and ends that run before the next begins.
    assert!(matches!(locked.begin(&recovered, run_start()), Err(StoreError::Failed(_))));
    let open = &journal.open[0];
    recovered.records.insert(open.begin.address.clone(), open.begin.unfinished(open.id.clone().unwrap()));
    assert_eq!(locked.commit(&recovered).unwrap(), 2);
    locked.begin(&recovered, run_start()).unwrap();
    locked.append(begin(1, "e", Op::Create)).unwrap();
    assert_eq!(bench.store.peek().unwrap().journal.unwrap().last_n, 2);
}

#[test]
fn a_torn_line_is_cut_off_before_the_next() {
    let (bench, state) = Bench::applied();
    let (mut locked, _) = bench.loaded();
    locked.begin(&state, run_start()).unwrap();
    locked.append(begin(1, "c", Op::Create)).unwrap();
    let journal = bench.store.paths().journal.clone();
    let whole = get(&journal);
    for torn in [[whole.as_slice(), b"{\"n\":3,\"entry\":{\"do"].concat(), whole[..whole.len() - 1].to_vec()] {
        put(&journal, &torn);
        let (mut locked, _) = bench.loaded();
        locked.append(made(1, "3")).unwrap();
        assert_eq!(get(&journal), [whole.as_slice(), &write_line(&Line { n: 3, entry: made(1, "3") })].concat());
    }
}

#[test]
fn an_entry_that_could_not_be_replayed_is_not_written() {
    let (bench, state) = Bench::applied();
    let (mut locked, _) = bench.loaded();
    assert!(locked.append(begin(1, "c", Op::Create)).is_err());
    locked.begin(&state, run_start()).unwrap();
    let before = get(&bench.store.paths().journal);
    assert!(locked.append(made(1, "3")).is_err());
    assert!(locked.append_all(vec![begin(1, "c", Op::Create), begin(1, "c", Op::Create)]).is_err());
    assert!(locked.append(Entry::End { state: Fingerprint::of_bytes(b"") }).is_err());
    assert_eq!(get(&bench.store.paths().journal), before);
    locked.append_all(vec![begin(1, "c", Op::Create), made(1, "3")]).unwrap();
}

#[test]
fn nothing_is_written_by_one_who_has_not_read() {
    let (bench, state) = Bench::applied();
    let mut locked = Locked::new(bench.store.paths().clone(), None);
    assert!(locked.begin(&state, run_start()).is_err());
    assert!(locked.commit(&fresh()).is_err());
    assert_eq!(bench.store.peek().unwrap().state, Some(state));
}

#[test]
fn the_cost_of_a_step_does_not_grow_with_the_fleet() {
    let grown = |size: u32| {
        let bench = bench();
        let (mut locked, _) = bench.loaded();
        let mut state = fresh();
        state.records.extend((0..size).map(|n| (address(&format!("r{n}")), record("1"))));
        locked.commit(&state).unwrap();
        locked.begin(&state, run_start()).unwrap();
        let length = |path: &Path| path.metadata().unwrap().len();
        let before = length(&bench.store.paths().journal);
        locked.append_all(vec![begin(1, "c", Op::Create), made(1, "3")]).unwrap();
        length(&bench.store.paths().journal) - before
    };
    assert_eq!(grown(1), grown(1000));
}

#[test]
fn a_state_that_is_not_the_journals_is_refused_and_one_that_is_the_same_in_other_clothes_is_not() {
    let (bench, state) = Bench::applied();
    let (mut locked, _) = bench.loaded();
    locked.begin(&state, run_start()).unwrap();
    let path = &bench.store.paths().state;
    let good = String::from_utf8(get(path)).unwrap();
    put(path, good.replace('\n', "\r\n").as_bytes());
    assert!(bench.store.peek().unwrap().journal.is_some());
    for other in [good.replace("\"serial\": 1", "\"serial\": 2"), good.replace("\"lineage\": \"lineage\"", "\"lineage\": \"other\"")] {
        put(path, other.as_bytes());
        let error = bench.store.peek().unwrap_err();
        assert!(matches!(error, StoreError::Mismatch(_)) && error.class() == ExitClass::Decision);
    }
}

#[test]
fn a_lost_state_is_never_nothing() {
    let check = |damage: &dyn Fn(&Bench), class: Option<ExitClass>, words: &str| {
        let (bench, _) = Bench::applied();
        damage(&bench);
        match (bench.store.peek(), class) {
            (Ok(loaded), None) => assert_eq!(loaded.state, None),
            (Err(error), Some(class)) => {
                assert_eq!(error.class(), class);
                assert!(bench.told(&error).contains(words), "{}", bench.told(&error));
            }
            (found, class) => panic!("{found:?}, {class:?}"),
        }
    };
    let files = |bench: &Bench| bench.store.paths().clone();
    let emptied = |bench: &Bench| put(&files(bench).state, b"");
    let gone = |bench: &Bench| remove(&files(bench).state).unwrap();
    let secrets = |bench: &Bench| put(&files(bench).secrets, b"age");
    let journal = |bench: &Bench| {
        let (mut locked, loaded) = bench.loaded();
        locked.begin(&loaded.state.unwrap(), run_start()).unwrap();
    };
    let torn = |bench: &Bench| put(&files(bench).journal, b"{\"n\":1");
    let decision = Some(ExitClass::Decision);
    check(&|b| gone(b), None, "");
    check(&|b| (journal(b), gone(b)).0, decision, "state/web.json is missing, although state/web.journal shows that there was one.");
    check(&|b| (torn(b), gone(b)).0, decision, "state/web.json is missing");
    check(&|b| (secrets(b), gone(b)).0, decision, "state/web.json is missing, although state/web.secrets.age shows that there was one.");
    check(&|b| (journal(b), emptied(b)).0, decision, "state/web.json is empty, although state/web.journal shows that it was not.");
    check(&|b| (secrets(b), emptied(b)).0, decision, "state/web.json is empty");
    check(&|b| emptied(b), decision, "state/web.json is empty.");
}

#[test]
fn a_journal_that_says_nothing_is_taken_away() {
    let (bench, state) = Bench::applied();
    put(&bench.store.paths().journal, b"{\"n\":1,\"entry\":{\"hea");
    assert_eq!(bench.store.peek().unwrap(), Loaded { state: Some(state), journal: None, ..Loaded::default() });
    assert_eq!(bench.names(), ["web.journal", "web.json"]);
    bench.loaded();
    assert_eq!(bench.names(), ["web.json"]);
}

#[test]
fn a_state_that_cannot_be_written_is_saved_elsewhere_and_the_journal_holds_it() {
    let (bench, state) = Bench::applied();
    let (mut locked, _) = bench.loaded();
    locked.begin(&state, run_start()).unwrap();
    let path = &bench.store.paths().state;
    remove(path).unwrap();
    std::fs::create_dir(path).unwrap();
    let new = State { records: BTreeMap::new(), ..state };
    let error = locked.commit(&new).unwrap_err();
    let told = bench.told(&error);
    assert!(told.starts_with("Failed to write state/web.json: "), "{told}");
    assert!(told.contains("move it into place with `mv state/web.rescue-PID.json state/web.json`, and run dofloat again."), "{told}");
    // The advice holds.
    std::fs::remove_dir(path).unwrap();
    put(path, &get(&path.with_extension(format!("rescue-{}.json", std::process::id()))));
    let (_, loaded) = bench.loaded();
    assert_eq!(loaded, Loaded { state: Some(State { serial: 2, ..new }), journal: None, ..Loaded::default() });
}

#[test]
fn a_folder_that_vanishes_stops_the_next_call_and_the_state_is_saved_elsewhere() {
    let (bench, state) = Bench::applied();
    let (mut locked, _) = bench.loaded();
    locked.begin(&state, run_start()).unwrap();
    std::fs::remove_dir_all(bench.folder.path().join("state")).unwrap();
    let told = bench.told(&locked.append(begin(1, "c", Op::Create)).unwrap_err());
    assert!(told.starts_with("state/web.journal was removed while a run was writing it."), "{told}");
    let told = bench.told(&locked.commit(&State { records: BTreeMap::new(), ..state }).unwrap_err());
    assert!(told.contains("The new state is saved as dofloat-web.rescue-PID.json"), "{told}");
    let saved = bench.folder.path().join(format!("dofloat-web.rescue-{}.json", std::process::id()));
    assert_eq!(dofloat_base::durable::mode_of(&saved), Some(0o600));
    assert!(format::read(&get(&saved), "saved").is_ok());
}

#[test]
fn what_the_system_refuses_is_told_with_path_cause_and_way_on() {
    for (kind, expected) in [
        (ErrorKind::StorageFull, "Failed to write state/web.journal: the disk is full. Free some space on that disk."),
        (
            ErrorKind::PermissionDenied,
            "Failed to write state/web.journal: permission is denied. Change the permissions, or run as a user who may write there.",
        ),
        (ErrorKind::ReadOnlyFilesystem, "Failed to write state/web.journal: the file system is read-only. Use a folder that is writable."),
        (ErrorKind::NotFound, "Failed to write state/web.journal: its folder does not exist. Restore the folder: it contains the state."),
    ] {
        let error = error::failed("write", Path::new("state/web.journal"), &Error::from(kind));
        assert_eq!(error.class(), ExitClass::Failed);
        let diagnostic = &error.diagnostics()[0];
        assert_eq!(format!("{} {}", diagnostic.message, diagnostic.hint.clone().unwrap_or_default()), expected);
    }
}

#[tokio::test]
async fn a_lock_is_waited_for_and_names_its_holder() {
    let bench = bench();
    let clock = Clock::virtual_at(Moment(0));
    let mut told = Vec::new();
    let held = bench.store.lock(Duration::ZERO, "pid 7 since noon", &clock, &mut |_| {}).await.unwrap();
    let error =
        bench.store.lock(Duration::from_secs(10), "pid 8", &clock, &mut |waiting| told.push(waiting.to_string())).await.unwrap_err();
    assert_eq!(told, ["The state is locked by pid 7 since noon. Waiting for that run to end, until 1970-01-01T00:00:10Z at most."]);
    assert_eq!(error, StoreError::Held { holder: Some("pid 7 since noon".to_owned()), waited: Duration::from_secs(10), lasting: false });
    assert_eq!(error.class(), ExitClass::Locked);
    assert_eq!(error.diagnostics()[0].message, "The state is locked by pid 7 since noon. Waited 10 s.");
    assert!(matches!(bench.store.share(&clock).await, ReadLock::Busy { holder } if holder == "pid 7 since noon"));
    drop(held);
    let shared = bench.store.share(&clock).await;
    assert!(matches!(shared, ReadLock::Held(_)) && matches!(bench.store.share(&clock).await, ReadLock::Held(_)));
    let error = bench.store.lock(Duration::ZERO, "pid 9", &clock, &mut |_| {}).await.unwrap_err();
    assert_eq!(error.diagnostics()[0].message, "The state is locked by a plan in progress.");
    drop(shared);
    assert!(bench.store.lock(Duration::ZERO, "pid 9", &clock, &mut |_| {}).await.is_ok());
}

#[tokio::test]
async fn what_an_interrupted_write_left_is_swept_under_the_lock() {
    let (bench, _) = Bench::applied();
    put(&bench.folder.path().join("state/.dofloat-web.json-abc123.tmp"), b"half");
    bench.loaded();
    assert_eq!(bench.names().len(), 2);
    let clock = Clock::virtual_at(Moment(0));
    bench.store.lock(Duration::ZERO, "", &clock, &mut |_| {}).await.unwrap().files().load().unwrap();
    assert_eq!(bench.names(), ["web.json"]);
}

#[tokio::test]
async fn a_lock_that_is_freed_meanwhile_is_taken() {
    let bench = bench();
    let clock = Clock::virtual_at(Moment(0));
    dofloat_base::durable::make_folder(&bench.folder.path().join(".dofloat")).unwrap();
    let held = FileLock::try_take(&bench.store.paths().lock, LockKind::Exclusive, "other").unwrap();
    let free = async {
        tokio::task::yield_now().await;
        drop(held);
    };
    let mut told = 0;
    let mut tell = |_| told += 1;
    let (taken, ()) = tokio::join!(bench.store.lock(Duration::from_secs(60), "me", &clock, &mut tell), free);
    assert_eq!(told, 1);
    assert!(taken.is_ok());
}

#[test]
fn a_look_beside_a_running_apply_is_always_whole() {
    let (bench, mut state) = Bench::applied();
    let store = bench.store.clone();
    let writer = std::thread::spawn(move || {
        let mut locked = Locked::new(store.paths().clone(), None);
        locked.load().unwrap();
        for round in 0..60_u32 {
            locked.begin(&state, run_start()).unwrap();
            let name = format!("r{round}");
            locked.append(begin(1, &name, Op::Create)).unwrap();
            locked.append(made(1, "7")).unwrap();
            state.records.insert(address(&name), record("7"));
            locked.commit(&state).unwrap();
        }
    });
    let mut seen = 2;
    while !writer.is_finished() {
        let loaded = bench.store.peek().unwrap();
        let state = loaded.state.unwrap();
        let now = loaded.journal.map_or(state.records.len(), |journal| journal.replay_onto(&state).records.len());
        assert!(now >= seen, "{now} records after {seen}");
        seen = now;
    }
    writer.join().unwrap();
    assert_eq!(bench.store.peek().unwrap().state.unwrap().records.len(), 62);
}

/// The files that a crash may have left in the folder.
fn crashed(bench: &Bench, state: &[u8], journal: Option<&[u8]>) -> Loaded {
    put(&bench.store.paths().state, state);
    match journal {
        Some(journal) => put(&bench.store.paths().journal, journal),
        None => remove(&bench.store.paths().journal).unwrap(),
    }
    let peeked = bench.store.peek().unwrap();
    let (_, loaded) = bench.loaded();
    assert_eq!(peeked, loaded);
    loaded
}

fn records(loaded: &Loaded) -> BTreeMap<Address, Record> {
    let state = loaded.state.clone().unwrap();
    loaded.journal.as_ref().map_or(state.clone(), |journal| journal.replay_onto(&state)).records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_crash_at_any_byte_keeps_all_that_was_done(runs in prop::collection::vec(prop::collection::vec((0_u8..3, 0_u8..4, any::<u16>()), 0..5), 1..3)) {
        let bench = bench();
        let scratch = self::bench();
        std::fs::create_dir_all(scratch.folder.path().join("state")).unwrap();
        let paths = bench.store.paths().clone();
        let (mut locked, _) = bench.loaded();
        let mut state = fresh();
        for run in runs {
            locked.begin(&state, run_start()).unwrap();
            for (step, (op, name, cut)) in (0_u32..).zip(run) {
                let place = address(&format!("r{name}"));
                let before = get(&paths.journal);
                let old = state.records.clone();
                let there = state.records.get(&place).map(|record| record.id.clone());
                let (op, outcome) = match (op, there) {
                    (0, Some(id)) => (Op::Delete { id }, Outcome::Gone),
                    (_, Some(id)) => (Op::Edit { edits: vec!["e".to_owned()] }, Outcome::Record(Box::new(Record { create_before_destroy: true, ..record(&id.0) }))),
                    (_, None) => (Op::Create, Outcome::Record(Box::new(record(&cut.to_string())))),
                };
                locked.append(begin(step, &place.name, op.clone())).unwrap();
                locked.append(Entry::Done { step, outcome: outcome.clone() }).unwrap();
                state.apply(&place, &op, &outcome);
                let after = get(&paths.journal);
                let disk = get(&paths.state);
                // While the two lines are written, a crash leaves any part of them.
                let length = before.len() + usize::from(cut) % (after.len() - before.len());
                let left = records(&crashed(&scratch, &disk, Some(&after[..length])));
                prop_assert!(left == old || left == state.records);
                prop_assert_eq!(records(&crashed(&scratch, &disk, Some(&after))), state.records.clone());
            }
            let (old, journal) = (get(&paths.state), get(&paths.journal));
            let serial = locked.commit(&state).unwrap();
            state.serial = serial;
            let new = get(&paths.state);
            let n = replay(&journal, "j").unwrap().machine.last_n() + 1;
            let end = write_line(&Line { n, entry: Entry::End { state: Fingerprint::of_bytes(&new) } });
            let ended = [journal.as_slice(), &end].concat();
            for length in [journal.len(), journal.len() + end.len() / 2, ended.len()] {
                prop_assert_eq!(records(&crashed(&scratch, &old, Some(&ended[..length]))), state.records.clone());
            }
            if new != old {
                prop_assert_eq!(crashed(&scratch, &new, Some(&ended)), Loaded { state: Some(state.clone()), journal: None, ..Loaded::default() });
            }
            prop_assert_eq!(records(&crashed(&scratch, &new, None)), state.records.clone());
        }
    }
}
