//! Seeded simulation: random configurations, one after the other, under random faults and crashes, in virtual time.
//!
//! Invariant: whatever happened on the way, a few undisturbed runs bring about exactly what is wished for: the world has it,
//! once, and nothing else; the state says the same; the next plan is empty. `DOFLOAT_SEED=7` replays one seed and tells
//! what happens, `DOFLOAT_SEEDS=2000` walks so many.

mod wish;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dofloat::api::client::{Client, Settings};
use dofloat::base::clock::{Clock, Moment};
use dofloat::base::diag::Diagnostic;
use dofloat::base::digest::Salt;
use dofloat::base::identity::Id;
use dofloat::base::redact::Redactor;
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::engine::adopt::{self, Answer, Question};
use dofloat::engine::apply::ApplyOptions;
use dofloat::engine::change::Event;
use dofloat::engine::error::EngineError;
use dofloat::engine::execute::{Execution, execute};
use dofloat::engine::planned::Surveyed;
use dofloat::engine::request::{Options, SurveyContext};
use dofloat::engine::survey::survey;
use dofloat::kinds::Tables;
use dofloat::lang::Host;
use dofloat::lang::files::Memory;
use dofloat::lang::inputs::Inputs;
use dofloat::lang::library::Library;
use dofloat::lang::module::{self, Source, Stack};
use dofloat::sim::{self, Befalls, ClockMode, EVERY_FAULT, Fault, Limits, Running};
use dofloat::state::store::{Loaded, Paths, Store};
use dofloat::state::{Health, State};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::answers;
use crate::support::harness::{asked, in_full, say};
use wish::WantedStack;

/// How many undisturbed runs may be needed at most after a disturbed one: one that asks, one that goes on, and one more where
/// what that one waited for came to nothing.
const CALM_RUNS: usize = 4;
const LINEAGE: &str = "11111111-2222-4333-8444-555555555555";

/// What goes wrong, drawn by seed: as the simulator lists it for requests and objects, in forms of its own so that a seed gives the
/// same story as ever. An answer that trickles costs real time, and nothing here may.
const DRAWN: [&str; 28] = [
    "throttle",
    "throttle=3",
    "error-before=503",
    "error-before=500",
    "error-after=500",
    "error-after=502",
    "reset-before",
    "reset-after",
    "close-before",
    "close-after",
    "page-before",
    "page-after",
    "truncate",
    "garble",
    "never-before",
    "never-after",
    "unauthorized",
    "action-errored",
    "action-missing=2",
    "action-word=done",
    "late-address=2",
    "late-tags=2",
    "lagging-list=2",
    "late-get=2",
    "pending-event=2",
    "lingering-members=2",
    "vanish",
    "refuse=5",
];

#[test]
fn what_is_drawn_is_what_the_simulator_can_do() {
    let name = |text: &'static str| text.split('=').next().expect("a text has a beginning");
    let drawn: BTreeSet<&str> = DRAWN.into_iter().map(name).collect();
    let walked = EVERY_FAULT.iter().filter(|(befalls, _)| *befalls != Befalls::Special).map(|(_, text)| name(text));
    assert_eq!(drawn, walked.filter(|name| *name != "trickle").collect());
}

#[test]
fn every_seed_converges() {
    if let Some(seed) = asked("DOFLOAT_SEED") {
        let told = walk(seed, true);
        assert!(told.is_ok(), "seed {seed}: {}", told.unwrap_err());
        return;
    }
    let count = asked("DOFLOAT_SEEDS").unwrap_or(if in_full() { 300 } else { 40 });
    let first = asked("DOFLOAT_FIRST_SEED").unwrap_or(1);
    let next = AtomicU64::new(first);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<(u64, Result<Tally, String>)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= first + count {
                    return done;
                }
                let told = std::panic::catch_unwind(|| walk(seed, false)).unwrap_or_else(|_| Err("it panicked".to_owned()));
                if let Err(why) = &told {
                    say(&format!("seed {seed} (DOFLOAT_SEED={seed} replays it): {why}"));
                }
                done.push((seed, told));
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("panics are caught")).collect()
    });
    let failed: BTreeSet<u64> = results.iter().filter(|(_, told)| told.is_err()).map(|(seed, _)| *seed).collect();
    let mut sum = Tally::default();
    for tally in results.iter().filter_map(|(_, told)| told.as_ref().ok()) {
        sum.add(tally);
    }
    say(&format!("{} seeds, {} failed: {sum:?}", results.len(), failed.len()));
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// What happened.
#[derive(Clone, Debug, Default)]
struct Tally {
    wishes: usize,
    runs: usize,
    crashes: usize,
    stops: usize,
    faulty: usize,
    failures: usize,
    questions: usize,
    requests: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.wishes += other.wishes;
        self.runs += other.runs;
        self.crashes += other.crashes;
        self.stops += other.stops;
        self.faulty += other.faulty;
        self.failures += other.failures;
        self.questions += other.questions;
        self.requests += other.requests;
    }
}

/// How a run is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Not at all.
    Never,
    /// When the simulator has carried out so many requests, before the answer to the last of them leaves.
    Served(usize),
    /// When the run was woken so often.
    Polls(usize),
    /// When so many things were told.
    Told(usize),
    /// Ctrl-C, when so many things were told.
    Stop(usize),
}

/// How a run ended.
#[derive(Debug)]
enum Ended {
    Crashed,
    Stopped,
    Whole,
    Failed(Vec<Diagnostic>),
    Decision(Vec<Diagnostic>),
}

struct Bench {
    running: Running,
    folder: TempDir,
    clock: Clock,
    rng: Rng,
    loud: bool,
    tally: Tally,
}

fn walk(seed: u64, loud: bool) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let rng = Rng::seeded(seed);
        let looks = u32::try_from(rng.below(3)).expect("it is small");
        let limits = Limits { droplets: 1000, reserved_ips: 1000 };
        let options = sim::Options { seed, clock: ClockMode::Explicit { looks }, limits, ..sim::Options::default() };
        let running = sim::start(options).await.map_err(|error| error.to_string())?;
        let clock = Clock::virtual_at(Moment(1_790_000_000_000));
        let mut bench = Bench { running, folder: folder(), clock, rng, loud, tally: Tally::default() };
        let mut wish = WantedStack::random(&bench.rng);
        for _ in 0..=bench.rng.below(3) {
            bench.grant(&wish).await?;
            wish = wish.changed(&bench.rng);
        }
        bench.grant(&WantedStack::default()).await?;
        bench.tally.requests = bench.running.served();
        let Bench { running, tally, .. } = bench;
        running.stop().await;
        Ok(tally)
    })
}

/// In memory where the system has such a folder: what is written is asked for through the file system all the same.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

/// The configuration that a text says.
fn load<'a>(text: &str, host: Host<'a>) -> Stack<'a> {
    let sources = [Source { name: "plans/web.tf", text }];
    module::load(&sources, &Library::default(), &Inputs::default(), &Tables, host).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"))
}

impl Bench {
    fn note(&self, line: impl FnOnce() -> String) {
        if self.loud {
            say(&line());
        }
    }

    /// Applies a wish, disturbed at first, until it is there.
    async fn grant(&mut self, wish: &WantedStack) -> Result<(), String> {
        self.tally.wishes += 1;
        let text = wish.text();
        self.note(|| format!("==== wish\n{text}"));
        let destroy = *wish == WantedStack::default();
        let mut said = Vec::new();
        for _ in 0..self.rng.below(5) {
            let faults: Vec<Fault> = (0..self.rng.below(6)).map(|_| self.fault()).collect();
            let cut = self.cut();
            self.note(|| format!("-- {cut:?}, {}", faults.iter().map(Fault::to_string).collect::<Vec<_>>().join(", ")));
            self.tally.faulty += usize::from(!faults.is_empty());
            self.running.with_world(|world| world.set_faults(&faults));
            let ended = self.run(&text, cut, destroy, &faults).await?;
            said.push(format!("{ended:?}"));
            self.note(|| format!("-- {ended:#?}"));
            match ended {
                Ended::Decision(why) => self.answer(&why).await.map_err(|error| format!("a person had to decide: {why:#?}\n{error}"))?,
                Ended::Crashed => self.tally.crashes += 1,
                Ended::Stopped => self.tally.stops += 1,
                Ended::Failed(_) => self.tally.failures += 1,
                Ended::Whole => break,
            }
        }
        self.running.with_world(|world| world.set_faults(&[]));
        let mut last = Vec::new();
        for _ in 0..CALM_RUNS {
            self.note(|| "-- calm".to_owned());
            let ended = self.run(&text, Cut::Never, destroy, &[]).await?;
            self.note(|| format!("-- {ended:#?}"));
            match ended {
                Ended::Whole => {
                    return self.judge(wish, &text, destroy).await.map_err(|why| format!("{why}\nafter {said:#?} and calm\n{text}"));
                }
                Ended::Decision(why) => {
                    let answered = self.answer(&why).await;
                    answered
                        .map_err(|error| format!("a person had to decide in a calm run: {why:#?}\n{error}\nafter {said:#?}\n{text}"))?;
                }
                Ended::Failed(why) => last = why,
                Ended::Crashed | Ended::Stopped => unreachable!("nobody cut it short"),
            }
        }
        Err(format!("{CALM_RUNS} calm runs did not do: {last:#?}\nafter {said:#?}\n{text}"))
    }

    /// Answers what was asked of what carries no mark: nobody else is at work here.
    async fn answer(&mut self, asked: &[Diagnostic]) -> Result<(), String> {
        let mut locked =
            self.store().lock(Duration::from_secs(10), "test", &Clock::system(), &mut |_| {}).await.map_err(|e| format!("{e:?}"))?;
        for diagnostic in asked {
            let offered = answers::offered(diagnostic.hint.as_deref().unwrap_or_default());
            let [[_, address, id], ..] = offered.as_slice() else { return Err("it names no answer".to_owned()) };
            if !answers::is_unmarked(address) {
                return Err(format!("{address} is known by its mark"));
            }
            let (loaded, address) = (locked.files().load().map_err(|e| format!("{e:?}"))?, address.parse().map_err(|e| format!("{e:?}"))?);
            let (api, answer) = (self.api(&[]), Answer::Made(Id(id.clone())));
            let question = Question { stack: "web", address: &address, loaded: &loaded, api: &api, simulated: true };
            let entry = adopt::entry(question, &answer).await.map_err(|stop| format!("{stop:#?}"))?;
            locked.files().append(entry).map_err(|e| format!("{e:?}"))?;
            self.tally.questions += 1;
        }
        Ok(())
    }

    fn pick<'t>(&self, of: &[&'t str]) -> &'t str {
        of[usize::try_from(self.rng.below(of.len() as u64)).expect("it is small")]
    }

    fn small(&self, below: u64) -> usize {
        usize::try_from(self.rng.below(below)).expect("it is small")
    }

    fn cut(&self) -> Cut {
        match self.rng.below(6) {
            0 => Cut::Never,
            1 | 2 => Cut::Served(1 + self.small(30)),
            3 => Cut::Polls(1 + self.small(60)),
            4 => Cut::Told(1 + self.small(12)),
            _ => Cut::Stop(1 + self.small(12)),
        }
    }

    fn fault(&self) -> Fault {
        let places = [
            "POST /v2/droplets",
            "POST /v2/droplets",
            "POST /v2/**",
            "POST /v2/**",
            "GET /v2/**",
            "GET /v2/**",
            "DELETE /v2/**",
            "* /v2/**",
            "* /v2/**",
            "* /v2/**",
            "GET /v2/droplets/*",
            "POST /v2/droplets/*/actions",
            "POST /v2/reserved_ips",
            "POST /v2/reserved_ips/*/actions",
            "GET /v2/reserved_ips/*",
            "POST /v2/vpcs",
            "DELETE /v2/droplets/*",
            "DELETE /v2/vpcs/*",
            "POST /v2/domains/**",
            "PUT /v2/**",
            "POST /v2/firewalls",
        ];
        let (place, what) = (self.pick(&places), self.pick(&DRAWN));
        let count = if self.rng.below(4) == 0 { 2 } else { 1 };
        format!("{place}#{}x{count} {what}", 1 + self.rng.below(4)).parse().expect("a fault")
    }

    fn api(&self, faults: &[Fault]) -> Client {
        let token = Secret::new("t".to_owned());
        let url = self.running.url.parse().expect("an address");
        let mut settings = Settings::new(url, token, self.clock.clone(), Arc::new(Rng::seeded(self.rng.next_u64())));
        if faults.iter().any(|fault| matches!(fault.what, sim::FaultKind::NeverBefore | sim::FaultKind::NeverAfter)) {
            settings.timeout = Duration::from_millis(500);
        }
        Client::new(settings).expect("a client")
    }

    fn store(&self) -> Store {
        let folder = self.folder.path();
        Store::open(Paths {
            state: folder.join("web.json"),
            journal: folder.join("web.journal"),
            secrets: folder.join("web.secrets.age"),
            lock: folder.join("web.lock"),
            serials: folder.join("web.serials"),
            rescue: folder.to_owned(),
        })
    }

    fn fresh() -> State {
        State::new(LINEAGE.to_owned(), Salt::new([1; 32]))
    }

    async fn look(
        &self,
        stack: &Stack<'_>,
        loaded: &Loaded,
        fresh: &State,
        api: &Client,
        options: &Options,
    ) -> Result<Surveyed, EngineError> {
        survey(SurveyContext {
            stack: "web",
            resolve: stack,
            config: "x",
            loaded,
            fresh,
            read: &BTreeMap::new(),
            api,
            endpoint: "x",
            simulated: true,
            clock: &self.clock,
            options,
            refresh: true,
            recover: true,
            new_stack: false,
        })
        .await
    }

    /// One run of the program, as far as it gets.
    async fn run(&mut self, text: &str, cut: Cut, destroy: bool, faults: &[Fault]) -> Result<Ended, String> {
        self.tally.runs += 1;
        let (api, options) = (self.api(faults), Options { destroy, ..Options::default() });
        let (files, chance) = (Memory::default(), Rng::seeded(1));
        let stack = load(
            text,
            Host { files: &files, base: Path::new("/stack"), home: None, now: Moment(1_790_000_000_000), rng: &chance, fresh: false },
        );
        let served = self.running.served();
        let (sender, stop) = tokio::sync::watch::channel(false);
        let (told, told_of) = tokio::sync::watch::channel(0_usize);
        let parallelism = [1, 3, 10][self.small(3)];
        let whole = async {
            // In earnest: a program that another test is just starting holds a copy of all our files for a moment.
            let mut locked = match self.store().lock(Duration::from_secs(10), "test", &Clock::system(), &mut |_| {}).await {
                Ok(locked) => locked,
                Err(error) => return Ended::Decision(error.diagnostics()),
            };
            let loaded = match locked.files().load() {
                Ok(loaded) => loaded,
                Err(error) => return Ended::Decision(error.diagnostics()),
            };
            let fresh = Self::fresh();
            let surveyed = match self.look(&stack, &loaded, &fresh, &api, &options).await {
                Ok(surveyed) => surveyed,
                Err(stop) if stop.decision => return Ended::Decision(stop.diagnostics),
                Err(stop) => return Ended::Failed(stop.diagnostics),
            };
            let left = execute(Execution {
                surveyed: &surveyed,
                resolve: &stack,
                loaded: &loaded,
                store: locked.files(),
                api: api.clone(),
                clock: self.clock.clone(),
                options: ApplyOptions {
                    parallelism,
                    keep_going: false,
                    grace: Duration::from_secs(60),
                    provisioners: None,
                    known: Redactor::default(),
                },
                stop,
                tell: &mut |event: Event| {
                    if !matches!(event, Event::Waiting { .. }) {
                        self.note(|| format!("   {event:?}"));
                    }
                    told.send_modify(|count| *count += 1);
                    if let Cut::Stop(count) = cut
                        && *told.borrow() == count
                    {
                        sender.send_replace(true);
                    }
                },
            })
            .await;
            match left {
                Err(stop) if stop.decision => Ended::Decision(stop.diagnostics),
                Err(stop) => Ended::Failed(stop.diagnostics),
                Ok(left) if left.outcome.interrupted => Ended::Stopped,
                Ok(left) if left.outcome.errors.is_empty() => Ended::Whole,
                Ok(left) => Ended::Failed(left.outcome.errors),
            }
        };
        let ended = {
            let mut whole = pin!(whole);
            let mut polls = 0;
            let limited = std::future::poll_fn(|cx| {
                polls += 1;
                if cut == Cut::Polls(polls) { std::task::Poll::Ready(Ended::Crashed) } else { whole.as_mut().poll(cx) }
            });
            let mut told_of = told_of;
            let crash = async {
                match cut {
                    Cut::Served(count) => self.running.until_served(served + count).await,
                    Cut::Told(count) => drop(told_of.wait_for(|told| *told >= count).await),
                    Cut::Never | Cut::Polls(_) | Cut::Stop(_) => std::future::pending().await,
                }
            };
            tokio::select! { biased; () = crash => Ended::Crashed, ended = limited => ended }
        };
        drop(api);
        if matches!(ended, Ended::Crashed) {
            self.settle_down().await;
            self.tear();
        }
        Ok(ended)
    }

    /// Requests that were under way when their sender died have reached the simulator after this.
    async fn settle_down(&self) {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
        for _ in 0..3 {
            let answer = client.get(format!("{}/_sim/world", self.running.url)).bearer_auth(&self.running.token).send().await;
            if let Ok(answer) = answer {
                let _ = answer.bytes().await;
            }
        }
    }

    /// Sometimes the crash came in the middle of a line.
    #[expect(clippy::disallowed_methods, reason = "this is the damage, not the program")]
    fn tear(&self) {
        let journal = self.store().paths().journal.clone();
        if self.rng.below(4) == 0
            && let Ok(mut bytes) = std::fs::read(&journal)
        {
            bytes.extend(br#"{"n":99,"entry":{"be"#);
            std::fs::write(&journal, bytes).expect("the folder is ours");
        }
    }

    /// The world is what was wished for, the state says so, and nothing is left to do.
    async fn judge(&mut self, wish: &WantedStack, text: &str, destroy: bool) -> Result<(), String> {
        let (api, options) = (self.api(&[]), Options { destroy, ..Options::default() });
        let (files, chance) = (Memory::default(), Rng::seeded(1));
        let stack = load(
            text,
            Host { files: &files, base: Path::new("/stack"), home: None, now: Moment(1_790_000_000_000), rng: &chance, fresh: false },
        );
        let (expected, there) = (wish.world(), self.world(destroy));
        if expected != there {
            return Err(format!("wished for\n  {}\nand there is\n  {}", expected.join("\n  "), there.join("\n  ")));
        }
        let loaded = self.store().peek().map_err(|error| format!("{error:?}"))?;
        if loaded.journal.is_some() || self.store().paths().journal.exists() {
            return Err("the journal is left".to_owned());
        }
        let state = loaded.state.clone().unwrap_or_else(Self::fresh);
        self.same_ids(&state)?;
        let fresh = Self::fresh();
        let writes = self.writes();
        let surveyed =
            self.look(&stack, &loaded, &fresh, &api, &options).await.map_err(|stop| format!("the next plan fails: {stop:#?}"))?;
        let plan = &surveyed.planned.plan;
        if !plan.is_empty() || !plan.drift.is_empty() || !surveyed.adopted.is_empty() || !surveyed.observed.strays.is_empty() {
            let changes: Vec<_> = plan.changes.iter().filter(|change| change.action != dofloat::engine::change::Action::Keep).collect();
            return Err(format!(
                "the next plan is not empty: {:#?} {changes:#?} {:#?} {:#?}",
                plan.steps, plan.drift, surveyed.observed.strays
            ));
        }
        if self.writes() != writes {
            return Err("a plan writes".to_owned());
        }
        Ok(())
    }

    fn writes(&self) -> usize {
        self.running.log().iter().filter(|exchange| exchange.is_write()).count()
    }

    /// What there is, one line an object, sorted, in the words of `WantedStack::world`.
    fn world(&self, destroyed: bool) -> Vec<String> {
        let show = |kind: &str| self.running.with_world(|world| world.show(kind));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let own = |tag: &str| tag.starts_with("dofloat:");
        let nets: BTreeMap<String, String> =
            show("vpcs").iter().filter(|net| net["default"] == false).map(|net| (text(&net["id"]), text(&net["name"]))).collect();
        let mut lines: Vec<String> = nets.values().map(|name| format!("vpc {name}")).collect();
        lines.extend(show("ssh_keys").iter().map(|key| format!("key {} {}", text(&key["name"]), text(&key["public_key"]))));
        for droplet in show("droplets") {
            let all: Vec<String> = droplet["tags"].as_array().into_iter().flatten().map(text).collect();
            let mut tags: Vec<&str> = all.iter().map(String::as_str).filter(|tag| !own(tag)).collect();
            tags.sort_unstable();
            let net = nets.get(&text(&droplet["vpc_uuid"])).map_or("-", String::as_str);
            let backups = droplet["features"].as_array().is_some_and(|features| features.contains(&"backups".into()));
            let mut line = format!(
                "droplet {} {} {} net {net} tags {} backups {backups}",
                text(&droplet["name"]),
                text(&droplet["size_slug"]),
                text(&droplet["image"]["slug"]),
                tags.join(","),
            );
            if droplet["status"] != "active" {
                line.push_str(" but is not active");
            }
            if !all.iter().any(|tag| own(tag)) {
                line.push_str(" but has no mark");
            }
            lines.push(line);
        }
        for tag in show("tags") {
            let name = text(&tag["name"]);
            // Tags that came with droplets are nobody's resource; the mark goes with the last object.
            if name.starts_with("team-") || destroyed && own(&name) {
                lines.push(format!("tag {name}"));
            }
        }
        for ip in show("reserved_ips") {
            let holder = if ip["droplet"].is_null() { "nobody".to_owned() } else { text(&ip["droplet"]["name"]) };
            lines.push(format!("address held by {holder}"));
        }
        lines.extend(show("domains").iter().map(|domain| format!("domain {}", text(&domain["name"]))));
        for record in show("records") {
            let kind = text(&record["type"]);
            let value = if kind == "A" { "an address".to_owned() } else { text(&record["data"]) };
            if kind == "A" || kind == "TXT" {
                lines.push(format!("record {kind} {} {value} {}", text(&record["name"]), record["ttl"]));
            }
        }
        for wall in show("firewalls") {
            let list = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
            let mut ports: Vec<String> = wall["inbound_rules"].as_array().into_iter().flatten().map(|rule| text(&rule["ports"])).collect();
            ports.sort_by_key(|port| port.parse::<u64>().unwrap_or(0));
            let (droplets, tags) = (list(&wall["droplet_ids"]).len(), list(&wall["tags"]).join(","));
            lines.push(format!("firewall {} guards {droplets} and {tags} lets in {}", text(&wall["name"]), ports.join(",")));
        }
        lines.sort();
        lines
    }

    /// Every record's object is there, and every object has a record.
    fn same_ids(&self, state: &State) -> Result<(), String> {
        if let Some((address, _)) = state.deposed.keys().next() {
            return Err(format!("an old object of {address} is left"));
        }
        if let Some((address, _)) = state.records.iter().find(|(_, record)| record.health != Health::Ready) {
            return Err(format!("{address} is not finished"));
        }
        let show = |kind: &str, field: &str| -> Vec<String> {
            let objects = self.running.with_world(|world| world.show(kind));
            objects.iter().map(|object| object[field].as_str().map_or_else(|| object[field].to_string(), str::to_owned)).collect()
        };
        let ids = |kind: &str| -> BTreeSet<String> {
            state.records.iter().filter(|(address, _)| address.kind == kind).map(|(_, record)| record.id.0.clone()).collect()
        };
        let addresses: BTreeSet<String> = ids("digitalocean_reserved_ip").union(&ids("digitalocean_floating_ip")).cloned().collect();
        for (kind, recorded, there) in [
            ("droplet", ids("digitalocean_droplet"), show("droplets", "id")),
            ("address", addresses, show("reserved_ips", "ip")),
            ("key", ids("digitalocean_ssh_key"), show("ssh_keys", "id")),
            ("domain", ids("digitalocean_domain"), show("domains", "name")),
            ("firewall", ids("digitalocean_firewall"), show("firewalls", "id")),
        ] {
            if recorded != there.iter().cloned().collect() {
                return Err(format!("the state knows {kind} {recorded:?}, and there is {there:?}"));
            }
        }
        Ok(())
    }
}
