//! One run of the program, or two at the same moment: as far as they get, and what is left of a crash.
//!
//! Invariant: a run has its own client, clock and lock, as a process has; nothing of it outlives it but what it wrote and sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use dofloat::api::client::Client;
use dofloat::base::address::Address;
use dofloat::base::clock::Clock;
use dofloat::base::desired::Resolve;
use dofloat::base::diag::Diagnostic;
use dofloat::base::identity::Mark;
use dofloat::base::redact::Redactor;
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::base::types::{Schemas, Type};
use dofloat::bootstrap::cluster::{ExpandContext, Expanded, Keys, MissingToken};
use dofloat::bootstrap::schema;
use dofloat::engine::apply::ApplyOptions;
use dofloat::engine::change::Event;
use dofloat::engine::error::EngineError;
use dofloat::engine::execute::{Execution, execute};
use dofloat::engine::planned::Surveyed;
use dofloat::engine::request::{Options, SurveyContext};
use dofloat::engine::strays;
use dofloat::engine::survey::survey;
use dofloat::kinds::Tables;
use dofloat::lang::Host;
use dofloat::lang::files::Memory;
use dofloat::lang::inputs::Inputs;
use dofloat::lang::library::Library;
use dofloat::lang::module::{self, Source, Stack};
use dofloat::state::store::{Loaded, Locked, Paths, Store, StoreError};
use tokio::sync::oneshot;

use super::account::{Cut, Line, locked};
use super::config::Config;
use super::play::{Bench, START};
use super::script::{Ask, Disturbed};
use super::wrong::Wrong;

/// How often everything may go on before the clock moves: fewer than the clock's own, which would take most of the time.
const TURNS: usize = 8;
/// More wake-ups than any run has.
const MOST_POLLS: usize = 2_000_000;

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Crashed,
    Stopped,
    Whole,
    Failed(Vec<Diagnostic>),
    Decision(Vec<Diagnostic>),
}

impl Ended {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::Stopped => "stopped",
            Self::Whole => "whole",
            Self::Failed(_) => "failed",
            Self::Decision(_) => "asked",
        }
    }
}

/// What is to be run, and what befalls it.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) config: &'a Config,
    pub(super) text: &'a str,
    pub(super) how: &'a Disturbed,
}

/// What a survey looks at.
pub(super) struct Look<'a> {
    pub(super) stack: &'a str,
    pub(super) resolve: &'a dyn Resolve,
    pub(super) loaded: &'a Loaded,
    pub(super) api: &'a Client,
    pub(super) clock: &'a Clock,
    pub(super) options: &'a Options,
    pub(super) refresh: bool,
}

/// The types of what a configuration may hold.
struct Types;

impl Schemas for Types {
    fn resource(&self, kind: &str) -> Option<Type> {
        if kind == schema::KIND { Some(schema::object()) } else { Tables.resource(kind) }
    }

    fn resource_names(&self) -> Vec<String> {
        Tables.resource_names()
    }
}

/// The configuration that a text says.
pub(super) fn load<'a>(text: &str, host: Host<'a>) -> Result<Stack<'a>, Wrong> {
    let sources = [Source { name: "plans/web.tf", text }];
    module::load(&sources, &Library::default(), &Inputs::default(), &Types, host)
        .map_err(|errors| Wrong::new("the configuration is refused", format!("{errors:#?}\n{text}")))
}

/// The same with its pairs as what they are made of.
pub(super) fn expanded<'a>(
    inner: &'a Stack<'_>,
    stack: &str,
    loaded: &Loaded,
    leaving: bool,
    secret: &str,
) -> Result<Expanded<'a>, Vec<Diagnostic>> {
    let remembered = match (&loaded.state, &loaded.journal) {
        (Some(state), Some(journal)) => journal.replay_onto(state),
        (Some(state), None) => state.clone(),
        (None, _) => Bench::fresh(stack),
    };
    let parts = remembered.records.iter().filter(|(address, _)| address.whole().is_some());
    let context = ExpandContext {
        stack: stack.to_owned(),
        mark: Mark::of_stack(stack, &remembered.lineage).0,
        salt: remembered.salt.clone(),
        api_url: "https://api.digitalocean.com".to_owned(),
        remembered: parts.map(|(address, record)| (address.clone(), record.body.clone())).collect(),
        kept: true,
        missing_token: MissingToken::Simulated(Secret::new(secret.to_owned())),
        leaving,
        upgrade: false,
    };
    let expanded = Expanded::new(inner, context)?;
    let keys = || Keys { authkey: Secret::new("a2V5".to_owned()), token: Secret::new(secret.to_owned()), certificates: None, pair: None };
    let all = expanded.clusters().iter().map(|cluster| (cluster.clone(), keys())).collect();
    Ok(expanded.with_keys(all))
}

/// What a survey is made of.
fn context<'a>(
    of: &'a Look<'a>,
    fresh: &'a dofloat::state::State,
    read: &'a BTreeMap<dofloat::base::address::Address, dofloat::base::value::Body>,
) -> SurveyContext<'a> {
    SurveyContext {
        stack: of.stack,
        resolve: of.resolve,
        config: "x",
        loaded: of.loaded,
        fresh,
        read,
        api: of.api,
        endpoint: "x",
        simulated: true,
        clock: of.clock,
        options: of.options,
        refresh: of.refresh,
        recover: true,
        new_stack: false,
    }
}

fn options(config: &Config, ask: Ask) -> Options {
    let all: Vec<_> = config.all_written().filter_map(|part| part.address().parse().ok()).collect();
    let ordinary: Vec<_> = all.iter().filter(|address: &&Address| !address.kind.starts_with("dofloat")).cloned().collect();
    let one = |nth: usize| all.get(nth % all.len().max(1)).cloned().into_iter().collect();
    let whole = Options { destroy: config.is_empty(), ..Options::default() };
    match ask {
        Ask::Target(nth) if !all.is_empty() => Options { targets: one(nth), ..whole },
        Ask::Exclude(nth) if !all.is_empty() => Options { excludes: one(nth), ..whole },
        Ask::Replace(nth) if !ordinary.is_empty() => Options { replace: vec![ordinary[nth % ordinary.len()].clone()], ..whole },
        Ask::RefreshOnly => Options { refresh_only: true, destroy: false, ..whole },
        Ask::Destroy => Options { destroy: true, ..whole },
        _ => whole,
    }
}

impl Bench<'_> {
    pub(super) async fn look(&self, of: &Look<'_>) -> Result<Surveyed, EngineError> {
        survey(context(of, &Self::fresh(of.stack), &BTreeMap::new())).await
    }

    /// One run of the program, as far as it gets.
    pub(super) async fn run(&self, order: &Order<'_>) -> Result<Ended, Wrong> {
        let ended = self.run_in(self.paths(order.config.stack), order).await?;
        self.took(order, &ended)?;
        Ok(ended)
    }

    /// Two at the same moment.
    pub(super) async fn run_both(&self, orders: &[Order<'_>; 2]) -> Result<[Ended; 2], Wrong> {
        let one = |nth: usize| Box::pin(self.begun(self.paths(orders[nth].config.stack), &orders[nth]));
        let (first, second) = self.clock.drive_by(TURNS, async { tokio::join!(one(0), one(1)) }).await;
        let ended = [first?, second?];
        for (order, ended) in orders.iter().zip(&ended) {
            self.took(order, ended)?;
        }
        Ok(ended)
    }

    /// Counts what a run was and how it ended; what is wrong with that whatever came of it.
    fn took(&self, order: &Order<'_>, ended: &Ended) -> Result<(), Wrong> {
        let how = order.how;
        if let Ended::Failed(why) | Ended::Decision(why) = ended
            && format!("{why:?}").contains(&self.secret)
        {
            return Err(Wrong::new("a message holds a secret", format!("{why:#?}")));
        }
        self.count("run", ended.word());
        if how.ask == Ask::RefreshOnly {
            locked(&self.refreshed).insert(order.config.stack);
        }
        if how.ask != Ask::Whole {
            self.count("ask", &how.ask.word());
        }
        if how.skew != 0 {
            let word = if how.skew < 0 { "behind" } else { "ahead" };
            self.count("clock", if how.right_for > 0 { "jumps" } else { word });
        }
        match locked(&self.account).wrongs.first() {
            Some(wrong) => Err(Wrong::new("something of others is touched", wrong.clone())),
            None => Ok(()),
        }
    }

    pub(super) async fn run_in(&self, paths: Paths, order: &Order<'_>) -> Result<Ended, Wrong> {
        self.clock.drive_by(TURNS, Box::pin(self.begun(paths, order))).await
    }

    /// A run, while somebody drives the clock.
    async fn begun(&self, paths: Paths, order: &Order<'_>) -> Result<Ended, Wrong> {
        let Order { config, text, how } = *order;
        locked(&self.account).tally.runs += 1;
        let clock = self.clock.clone().set_by(how.skew, how.right_for);
        let (line, dropped) = Line::new(config.stack, how.cut, how.deed.clone(), self.rng.next_u64());
        let line = Arc::new(Mutex::new(line));
        let api = self.api(&line, &clock);
        let (files, chance) = (Memory::default(), Rng::seeded(1));
        let stack = load(text, host(&files, &chance))?;
        let (journal, again) = (paths.journal.clone(), how.again.then(|| paths.clone()));
        // In earnest: a program that another test is just starting holds a copy of all our files for a moment.
        let taken = Store::open(paths).lock(Duration::from_secs(10), "test", &Clock::system(), &mut |_| {}).await;
        let mut store = taken.map_err(|error| Wrong::new("the lock is not free", format!("{error:?}")))?;
        // Such a future is larger than a thread's stack likes.
        let whole = Box::pin(self.reconcile(order, &stack, store.files(), &api, &clock, &line));
        let (ended, refused) = tokio::join!(until_cut(whole, dropped, how.cut), self.refused(again));
        refused?;
        let ended = ended.ok_or_else(|| Wrong::new("a run never ends", String::new()))?;
        drop(store);
        if matches!(ended, Ended::Crashed) {
            self.after_the_crash(&line, &journal, how);
        }
        if matches!(ended, Ended::Crashed | Ended::Stopped) {
            self.count("cut", &format!("{:?}", how.cut).split('(').next().unwrap_or_default().to_lowercase());
        }
        *locked(&self.timings) = api.timings();
        Ok(ended)
    }

    /// Somebody else begins a run of the same stack: the lock is held.
    async fn refused(&self, paths: Option<Paths>) -> Result<(), Wrong> {
        let Some(paths) = paths else { return Ok(()) };
        self.count("at once", "the same stack");
        match Store::open(paths).lock(Duration::ZERO, "another", &self.clock, &mut |_| {}).await {
            Err(StoreError::Held { .. }) => Ok(()),
            other => Err(Wrong::new("two runs have the lock", format!("{other:?}"))),
        }
    }

    /// What was under way arrives, or not; the last line of the journal may be torn.
    #[expect(clippy::disallowed_methods, reason = "this is the damage, not the program")]
    fn after_the_crash(&self, line: &Arc<Mutex<Line>>, journal: &Path, how: &Disturbed) {
        let under_way = locked(line).under_way();
        let mut account = locked(&self.account);
        for carried in under_way.iter().filter(|carried| how.arrives && carried.method != "GET") {
            account.tally.count("cut", "arrives after");
            account.arrives(locked(line).stack, carried, &self.clock);
        }
        if how.tears
            && let Ok(mut bytes) = std::fs::read(journal)
        {
            account.tally.count("cut", "torn line");
            bytes.extend(br#"{"n":99,"entry":{"be"#);
            std::fs::write(journal, bytes).expect("the folder is ours");
        }
    }

    async fn reconcile(
        &self,
        order: &Order<'_>,
        stack: &Stack<'_>,
        store: &mut Locked,
        api: &Client,
        clock: &Clock,
        line: &Mutex<Line>,
    ) -> Ended {
        let Order { config, how, .. } = *order;
        let loaded = match store.load() {
            Ok(loaded) => loaded,
            Err(error) => return Ended::Decision(error.diagnostics()),
        };
        let options = options(config, how.ask);
        let refresh = how.ask != Ask::WithoutRefresh;
        let whole = match expanded(stack, config.stack, &loaded, options.destroy, &self.secret) {
            Ok(whole) => whole,
            Err(errors) => return Ended::Failed(errors),
        };
        let look = Look { stack: config.stack, resolve: &whole, loaded: &loaded, api, clock, options: &options, refresh };
        let surveyed = match Box::pin(self.look(&look)).await {
            Ok(surveyed) => surveyed,
            Err(stop) if stop.decision => return Ended::Decision(stop.diagnostics),
            Err(stop) => return Ended::Failed(stop.diagnostics),
        };
        Box::pin(self.execute(&look, &surveyed, store, how, line)).await
    }

    async fn execute(&self, of: &Look<'_>, surveyed: &Surveyed, store: &mut Locked, how: &Disturbed, line: &Mutex<Line>) -> Ended {
        let (sender, stop) = tokio::sync::watch::channel(false);
        let mut told = 0;
        let left = execute(Execution {
            surveyed,
            resolve: of.resolve,
            loaded: of.loaded,
            store,
            api: of.api.clone(),
            clock: of.clock.clone(),
            options: ApplyOptions {
                parallelism: how.parallelism,
                keep_going: how.ask == Ask::KeepGoing,
                grace: Duration::from_secs(60),
                provisioners: None,
                known: Redactor::default(),
            },
            stop,
            tell: &mut |event: Event| {
                if !matches!(event, Event::Waiting { .. }) {
                    self.tell(&event);
                }
                told += 1;
                if how.cut == Cut::Stop(told) {
                    sender.send_replace(true);
                }
                if how.cut == Cut::Told(told) {
                    locked(line).cut();
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
    }

    /// Destroys what carries a stack's mark and is in no record of it: that nothing of others is touched, `took` sees.
    pub(super) async fn strays(&self, stack: &'static str) -> Result<(), Wrong> {
        let Some(config) = self.wanted.get(stack) else { return Ok(()) };
        self.note("-- the strays are destroyed");
        let (text, how) = (config.text(&self.secret, &BTreeMap::new()), Disturbed::default());
        let (files, chance) = (Memory::default(), Rng::seeded(1));
        let resolve = load(&text, host(&files, &chance))?;
        let (line, _dropped) = Line::new(stack, Cut::Never, None, 1);
        let (line, clock) = (Arc::new(Mutex::new(line)), self.clock.clone());
        let api = self.api(&line, &clock);
        let taken = Store::open(self.paths(stack)).lock(Duration::from_secs(10), "test", &Clock::system(), &mut |_| {}).await;
        let mut store = taken.map_err(|error| Wrong::new("the lock is not free", format!("{error:?}")))?;
        let failed = |why: String| Wrong::new("strays cannot be destroyed", why);
        let loaded = store.files().load().map_err(|error| failed(format!("{error:?}")))?;
        if loaded.state.is_none() {
            return Ok(());
        }
        let options = Options::default();
        let whole = expanded(&resolve, stack, &loaded, false, &self.secret).map_err(|errors| failed(format!("{errors:#?}")))?;
        let look = Look { stack, resolve: &whole, loaded: &loaded, api: &api, clock: &clock, options: &options, refresh: true };
        let ended = self.clock.drive_by(TURNS, async {
            match Box::pin(strays::survey(context(&look, &Self::fresh(stack), &BTreeMap::new()))).await {
                Ok(surveyed) => {
                    self.count("strays", if surveyed.planned.plan.steps.is_empty() { "none" } else { "some" });
                    Box::pin(self.execute(&look, &surveyed, store.files(), &how, &line)).await
                }
                Err(stop) => Ended::Failed(stop.diagnostics),
            }
        });
        let ended = ended.await;
        self.took(&Order { config, text: &text, how: &how }, &ended)?;
        match ended {
            Ended::Whole => Ok(()),
            other => Err(failed(format!("{other:#?}"))),
        }
    }
}

/// Does the work until it ends or is dropped; `None` if it does neither.
async fn until_cut(whole: impl Future<Output = Ended>, dropped: oneshot::Receiver<()>, cut: Cut) -> Option<Ended> {
    let mut whole = std::pin::pin!(whole);
    let mut polls = 0;
    let limited = std::future::poll_fn(|cx| {
        polls += 1;
        match cut {
            Cut::Woken(nth) if nth == polls => Poll::Ready(Some(Ended::Crashed)),
            _ if polls > MOST_POLLS => Poll::Ready(None),
            _ => whole.as_mut().poll(cx).map(Some),
        }
    });
    tokio::select! { biased; Ok(()) = dropped => Some(Ended::Crashed), ended = limited => ended }
}

pub(super) fn host<'a>(files: &'a Memory, rng: &'a Rng) -> Host<'a> {
    Host { files, base: Path::new("/stack"), home: None, now: START, rng, fresh: false }
}
