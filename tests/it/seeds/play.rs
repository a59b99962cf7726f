//! Plays a script: the program's runs, one after the other, and the judgement after each step.
//!
//! Invariant: whatever happened on the way, a few undisturbed runs bring about exactly what is wanted. In this process, in time
//! that is stepped; nothing but the script decides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dofloat::api::client::{Client, Settings};
use dofloat::base::address::Address;
use dofloat::base::clock::{Clock, Moment};
use dofloat::base::diag::Diagnostic;
use dofloat::base::digest::Salt;
use dofloat::base::identity::Id;
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::engine::adopt::{self, Answer, Question};
use dofloat::sim::{self, Limits, World};
use dofloat::state::State;
use dofloat::state::store::{Paths, Store};
use tempfile::TempDir;

use super::account::{API, Account, Cut, Line, Maker, carrier, locked};
use super::config::Config;
use super::deeds::{family, withdraw};
use super::families::{FAMILIES, text};
use super::run::{Ended, Order};
use super::script::{Ask, Disturbed, Script, Step};
use super::tally::Tally;
use super::wrong::Wrong;
use crate::support::answers;

/// How many undisturbed runs a step may take: one that asks or waits for what an interrupted one left, one that goes on, and one
/// more where what that one waited for came to nothing.
const CALM_RUNS: usize = 4;
pub(super) const START: Moment = Moment(1_790_000_000_000);
/// What came of a play.
pub(crate) struct Played {
    pub(crate) tally: Tally,
    pub(crate) digest: u64,
    pub(crate) wrong: Option<Wrong>,
}

pub(super) struct Bench<'a> {
    pub(super) script: &'a Script,
    pub(super) account: Arc<Mutex<Account>>,
    pub(super) clock: Clock,
    folder: TempDir,
    is_loud: bool,
    /// Draws what is of no consequence: jitter and latencies.
    pub(super) rng: Rng,
    pub(super) secret: String,
    /// The objects that were let go of, as they are imported.
    left: BTreeMap<(&'static str, &'static str, char), String>,
    /// What each stack wanted last.
    pub(super) wanted: BTreeMap<&'static str, Config>,
    /// The stacks of which somebody took what is there for right (`-refresh-only`).
    pub(super) refreshed: Mutex<BTreeSet<&'static str>>,
    /// The state files after each step.
    earlier: Vec<BTreeMap<&'static str, Vec<u8>>>,
    pub(super) timings: Mutex<BTreeMap<String, Vec<u64>>>,
}

/// Plays a script.
pub(crate) fn play(script: &Script, loud: bool) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let limits = Limits { droplets: 1000, reserved_ips: 1000 };
    let options = sim::Options { seed: script.seed, clock: script.clock(), rate: script.rate(), limits, ..sim::Options::default() };
    let mut bench = Bench {
        script,
        account: Arc::new(Mutex::new(Account::new(World::new(&options), loud))),
        clock: Clock::stepped(START),
        folder: folder(),
        is_loud: loud,
        rng: Rng::seeded(script.seed),
        secret: format!("hidden{}hidden", script.seed),
        left: BTreeMap::new(),
        wanted: BTreeMap::new(),
        refreshed: Mutex::default(),
        earlier: Vec::new(),
        timings: Mutex::default(),
    };
    let wrong = runtime.block_on(bench.steps()).err();
    let mut account = locked(&bench.account);
    let mut tally = std::mem::take(&mut account.tally);
    tally.seeds = 1;
    Played { tally, digest: account.digest, wrong }
}

/// In memory where the system has such a folder: what is written is asked for through the file system all the same.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

/// A state that is another has a higher serial.
fn judge_serials(before: Option<&BTreeMap<&str, Vec<u8>>>, now: &BTreeMap<&str, Vec<u8>>) -> Result<(), Wrong> {
    let serial = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).ok().and_then(|state| state["serial"].as_u64());
    for (stack, was) in before.into_iter().flatten() {
        if now.get(stack).is_some_and(|is| is != was && serial(is) <= serial(was)) {
            return Err(Wrong::new("a new state has an old serial", (*stack).to_owned()));
        }
    }
    Ok(())
}

impl Bench<'_> {
    pub(super) fn note(&self, line: &str) {
        locked(&self.account).note(line);
    }

    /// What the program says, for whoever reads the story.
    pub(super) fn tell(&self, what: &dyn std::fmt::Debug) {
        if self.is_loud {
            self.note(&format!("         {what:?}"));
        }
    }

    pub(super) fn count(&self, what: &'static str, of: &str) {
        locked(&self.account).tally.count(what, of);
    }

    async fn steps(&mut self) -> Result<(), Wrong> {
        for step in &self.script.steps {
            match step {
                Step::Apply { config, runs } => Box::pin(self.apply(config, runs)).await?,
                Step::Both(both) => Box::pin(self.apply_both(both)).await?,
                Step::Strays(stack) => Box::pin(self.strays(stack)).await?,
                Step::Person(deed) => drop(deed.be_done(&mut locked(&self.account))),
                Step::Stale { stack, back } => Box::pin(self.stale(stack, *back)).await?,
            }
            let stacks = ["web", "shop"].into_iter();
            let files = stacks.filter_map(|stack| Some((stack, std::fs::read(self.paths(stack).state).ok()?))).collect();
            judge_serials(self.earlier.last(), &files)?;
            self.earlier.push(files);
        }
        Ok(())
    }

    /// Applies a configuration, disturbed at first, until it is there.
    async fn apply(&mut self, config: &Config, runs: &[Disturbed]) -> Result<(), Wrong> {
        let text = self.want(config);
        for disturbed in runs {
            self.before_run(&[disturbed]).await;
            let ended = self.run(&Order { config, text: &text, how: disturbed }).await?;
            if self.after_run(config, disturbed, &ended).await? {
                break;
            }
        }
        locked(&self.account).world.set_faults(&[]);
        self.until_there(config, &text).await
    }

    /// Applies those of two stacks at the same moment.
    async fn apply_both(&mut self, both: &[(Config, Vec<Disturbed>); 2]) -> Result<(), Wrong> {
        let texts = [0, 1].map(|nth| self.want(&both[nth].0));
        let calm = Disturbed::default();
        for nth in 0..both.iter().map(|(_, runs)| runs.len()).max().unwrap_or_default().max(1) {
            let how = [0, 1].map(|which| both[which].1.get(nth).unwrap_or(&calm));
            self.before_run(&how).await;
            let orders = [0, 1].map(|which| Order { config: &both[which].0, text: &texts[which], how: how[which] });
            let ended = self.run_both(&orders).await?;
            self.count("at once", "two stacks");
            for (which, ended) in ended.iter().enumerate() {
                self.after_run(&both[which].0, how[which], ended).await?;
            }
        }
        locked(&self.account).world.set_faults(&[]);
        for (which, (config, _)) in both.iter().enumerate() {
            self.until_there(config, &texts[which]).await?;
        }
        Ok(())
    }

    /// What a stack wants from now on, as text.
    fn want(&mut self, config: &Config) -> String {
        let ids = self.let_go_and_import(config);
        let text = config.text(&self.secret, &ids);
        self.note(&format!("==== {} wants\n{text}", config.stack));
        let mut account = locked(&self.account);
        let kinds: BTreeSet<_> = config.all_written().map(|part| part.kind()).collect();
        account.tally.resources = account.tally.resources.max(config.faces().len());
        account.tally.kinds = account.tally.kinds.max(kinds.len());
        self.wanted.insert(config.stack, config.clone());
        text
    }

    async fn before_run(&self, how: &[&Disturbed]) {
        let mut pause = Duration::ZERO;
        for disturbed in how {
            self.note(&format!("-- {disturbed:?}"));
            pause = pause.max(disturbed.pause);
        }
        self.clock.drive(self.clock.sleep(pause)).await;
        let faults: Vec<_> = how.iter().flat_map(|disturbed| disturbed.faults.clone()).collect();
        locked(&self.account).world.set_faults(&faults);
    }

    /// Takes a disturbed run's end: whether it brought all about.
    async fn after_run(&self, config: &Config, how: &Disturbed, ended: &Ended) -> Result<bool, Wrong> {
        self.note_faults();
        self.tell(ended);
        if let Some(deed) = &how.after {
            deed.be_done(&mut locked(&self.account));
        }
        if let Ended::Decision(why) = ended {
            self.answer(config.stack, why).await?;
        }
        Ok(matches!(ended, Ended::Whole) && how.ask == Ask::Whole)
    }

    fn note_faults(&self) {
        let mut account = locked(&self.account);
        for fault in account.world.faults_met() {
            account.tally.faults += 1;
            account.tally.count("fault", &fault.what.to_string());
        }
    }

    /// Undisturbed runs, until what is wanted is there.
    async fn until_there(&mut self, config: &Config, text: &str) -> Result<(), Wrong> {
        let (mut last, mut runs, mut has_room) = (Vec::new(), 0, false);
        while runs < CALM_RUNS {
            self.note("-- undisturbed");
            let ended = self.run(&Order { config, text, how: &Disturbed::default() }).await?;
            self.tell(&ended);
            runs += 1;
            match ended {
                Ended::Whole => {
                    locked(&self.account).tally.reruns += runs - 1;
                    return Box::pin(self.judge(config, text)).await;
                }
                Ended::Decision(why) => {
                    last = why;
                    if self.answer(config.stack, &last).await? == 0 && !self.make_room(&mut has_room, &mut runs) {
                        return Err(Wrong::new("a decision that nobody can take", format!("{last:#?}")));
                    }
                }
                Ended::Failed(why) => {
                    last = why;
                    self.make_room(&mut has_room, &mut runs);
                }
                Ended::Crashed | Ended::Stopped => unreachable!("nobody cut it short"),
            }
        }
        Err(Wrong::new("it does not come to an end", format!("{last:#?}")))
    }

    /// Lets a person take away what stands in the way, once.
    fn make_room(&self, has_room: &mut bool, runs: &mut usize) -> bool {
        let mut account = locked(&self.account);
        if *has_room || account.made_by_person() == 0 {
            return false;
        }
        if let Some(touched) = account.touched() {
            account.wrongs.push(touched);
        }
        withdraw(&mut account);
        account.tally.count("person", "makes room");
        (*has_room, *runs) = (true, 0);
        true
    }

    /// What a configuration takes out of the state is nobody's from now on, and what it imports is the stack's.
    fn let_go_and_import(&mut self, config: &Config) -> BTreeMap<(&'static str, char), String> {
        let state = self.store(config.stack).peek().ok().and_then(|loaded| loaded.state);
        let mut account = locked(&self.account);
        for (key, part) in &config.left {
            let place = (config.stack, key.0, key.1);
            let label = part.label_of_family();
            if self.left.contains_key(&place) {
                continue;
            }
            let Ok(address) = part.address().parse() else { continue };
            let Some(record) = state.as_ref().and_then(|state| state.records.get(&address)) else { continue };
            let of = family(label);
            if !account.world.show(label).iter().any(|object| text(&object[of.id]) == record.id.0) {
                continue;
            }
            account.makers.insert((label, record.id.0.clone()), Maker::Nobody);
            account.tally.count("step", "removed");
            self.left.insert(place, record.id.0.clone());
        }
        let mut ids = BTreeMap::new();
        for key in &config.imported {
            let (Some(id), Some(part)) = (self.left.remove(&(config.stack, key.0, key.1)), config.written(key.0, key.1)) else { continue };
            account.makers.insert((part.label_of_family(), id.clone()), Maker::Stack(config.stack));
            account.tally.count("step", "import");
            ids.insert(*key, id);
        }
        if config.all_written().any(|part| part.moved > 0) {
            account.tally.count("step", "moved");
        }
        ids
    }

    pub(super) fn api(&self, line: &Arc<Mutex<Line>>, clock: &Clock) -> Client {
        let token = Secret::new(format!("token-{}", self.secret));
        let url = API.parse().expect("an address");
        let settings = Settings::new(url, token, clock.clone(), Arc::new(Rng::seeded(self.rng.next_u64())));
        let carrier = Some(carrier(&self.account, line, &self.clock));
        let api = Client::new(Settings { carrier, ..settings }).expect("a client");
        if self.script.remembers {
            api.learn(locked(&self.timings).clone());
        }
        api
    }

    pub(super) fn paths(&self, stack: &str) -> Paths {
        let folder = if self.script.apart { self.folder.path().join(stack) } else { self.folder.path().to_owned() };
        self.paths_in(&folder, stack)
    }

    fn paths_in(&self, folder: &Path, stack: &str) -> Paths {
        std::fs::create_dir_all(folder).expect("the folder is ours");
        Paths::beside(&folder.join(format!("{stack}.json")), self.folder.path().to_owned())
    }

    pub(super) fn store(&self, stack: &str) -> Store {
        Store::open(self.paths(stack))
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(super) fn fresh(stack: &str) -> State {
        let lineage = if stack == "web" { "11111111-2222-4333-8444-555555555555" } else { "21111111-2222-4333-8444-555555555555" };
        State::new(lineage.to_owned(), Salt::new([1; 32]))
    }

    /// Answers what is asked, truthfully; how much that was.
    pub(super) async fn answer(&self, stack: &'static str, asked: &[Diagnostic]) -> Result<usize, Wrong> {
        let mut choices: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for diagnostic in asked {
            for [_, address, id] in answers::offered(diagnostic.hint.as_deref().unwrap_or_default()) {
                choices.entry(address).or_default().push(id);
            }
        }
        let (line, _dropped) = Line::new(stack, Cut::Never, None, 1);
        let clock = self.clock.clone();
        let api = self.api(&Arc::new(Mutex::new(line)), &clock);
        let taken = self.store(stack).lock(Duration::from_secs(10), "test", &Clock::system(), &mut |_| {}).await;
        let mut store = taken.map_err(|error| Wrong::new("the lock is not free", format!("{error:?}")))?;
        let mut used = BTreeSet::new();
        for (address, offered) in &choices {
            let own = offered.iter().find(|id| self.is_own(stack, address, id) && used.insert((*id).clone()));
            let answer = own.map_or(Answer::Nothing, |id| Answer::Made(Id(id.clone())));
            self.count("answer", if own.is_some() { "this one" } else { "none" });
            let bad = |why: String| Wrong::new("an answer is not taken", format!("{address} {answer:?}: {why}\n{asked:#?}"));
            let loaded = store.files().load().map_err(|error| bad(format!("{error:?}")))?;
            let of = address.parse().map_err(|error| bad(format!("{error:?}")))?;
            let question = Question { stack, address: &of, loaded: &loaded, api: &api, simulated: true };
            let entry = self.clock.drive(adopt::entry(question, &answer)).await.map_err(|stop| bad(format!("{stop:#?}")))?;
            store.files().append(entry).map_err(|error| bad(format!("{error:?}")))?;
        }
        Ok(choices.len())
    }

    /// Whether the stack itself has made that object.
    fn is_own(&self, stack: &'static str, address: &str, id: &str) -> bool {
        let Ok(address) = address.parse::<Address>() else { return false };
        let of = FAMILIES.iter().find(|family| family.kinds.contains(&address.kind.as_str()));
        let own = id.rsplit(',').next().unwrap_or(id);
        of.is_some_and(|of| {
            let all = locked(&self.account).made_by(of, Maker::Stack(stack));
            all.iter().any(|object| text(&object[of.known_by()]) == own)
        })
    }

    /// A clone with an older state is applied: it makes nothing a second time.
    #[expect(clippy::disallowed_methods, reason = "this is the damage, not the program")]
    async fn stale(&mut self, stack: &'static str, back: usize) -> Result<(), Wrong> {
        let Some(older) = self.earlier.len().checked_sub(back + 1).and_then(|at| self.earlier[at].get(stack)) else { return Ok(()) };
        let Some(config) = self.wanted.get(stack).cloned() else { return Ok(()) };
        if self.earlier.last().and_then(|now| now.get(stack)) == Some(older) {
            return Ok(());
        }
        let folder = self.folder.path().join("stale");
        let paths = self.paths_in(&folder, stack);
        std::fs::write(&paths.state, older).expect("the folder is ours");
        self.note("-- a clone with an older state");
        let text = config.text(&self.secret, &BTreeMap::new());
        let ended = self.run_in(paths, &Order { config: &config, text: &text, how: &Disturbed::default() }).await?;
        self.tell(&ended);
        self.count("stale state", ended.word());
        let wanted = config.faces();
        let account = locked(&self.account);
        for (label, start) in [("droplets", "droplet "), ("reserved_ips", "address held ")] {
            let there = account.made_by(family(label), Maker::Stack(stack)).len();
            let most = wanted.iter().filter(|face| face.starts_with(start)).count();
            if there > most {
                return Err(Wrong::new("an older state doubles", format!("{there} {label} for {most}: {ended:#?}")));
            }
        }
        Ok(())
    }
}
