//! What an interrupted run has made: looked for by identity, by mark and by name, never guessed.
//!
//! Invariant: reads only, and in memory; apply makes what was found durable before anything else. Objects that were there
//! before the run, that another record or intent claims, or that another stack knows are never taken. What is not certainly ours
//! is a doubt, which stops with the choices: a person answers it (`adopt`).

use std::time::Duration;

use super::claims::{self, Claims};
use super::diff::normal;
use super::error::{EngineError, from_api};
use super::refresh::is_there;
use super::request::SurveyContext;
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::wait::Waiting;
use dofloat_base::address::Address;
use dofloat_base::clock::{Clock, Tick};
use dofloat_base::desired::Desired;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::planted::{Bug, planted};
use dofloat_base::value::{Body, Value};
use dofloat_kinds::account::family;
use dofloat_kinds::attr::Reads;
use dofloat_kinds::erased::{AnyKind, Certainty, Found};
use dofloat_kinds::kind;
use dofloat_state::journal::{Begin, Op, Power, Replayed};
use dofloat_state::store::Loaded;
use dofloat_state::{Health, Record, State};

/// When the object of a lost answer is looked for, counted from the start of the search by this process's own clock: that of
/// the machine which began may be an hour off. New droplets are missing from lists for seconds, and tags come later still; what
/// has neither is not known to lag, but one look is no proof.
const POLLS_MARKED: [Duration; 3] = [Duration::ZERO, Duration::from_secs(20), Duration::from_secs(60)];
const POLLS_PLAIN: [Duration; 3] = [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(15)];
/// When an object is polled whose deletion was begun: the API takes the request at once, and a droplet stays for
/// up to half a minute after it, as if nothing had been asked.
const POLLS_GONE: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(25),
    Duration::from_secs(60),
];

/// The facts about a candidate object, so that a person can decide.
const TOLD: [&str; 9] = ["name", "region", "size", "type", "value", "ip_range", "fingerprint", "total_resource_count", "created_at"];

/// The result of looking for a lost create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// This object.
    One(Found),
    /// It never happened.
    Nothing,
    /// It may be one of these, or none: a person must decide.
    Doubt(Vec<Found>),
}

/// The lost create: its intent.
#[derive(Clone, Copy, Debug)]
pub struct Lost<'a> {
    /// Of which resource.
    pub address: &'a Address,
    /// The desired attributes, as far as they are not secret.
    pub body: &'a Body,
    /// By what the object is known to be the stack's.
    pub ours: Ours<'a>,
    /// When it was begun, or the search for what an interrupted run has made.
    pub since: Tick,
    /// How many lost creates of the same kind want the same: their objects are interchangeable.
    pub alike: usize,
    /// Whether the run that asked for it still goes on: its plan saw a moment ago that nothing of that name was there.
    pub in_run: bool,
    /// The objects that the stack has already.
    pub own: &'a Claims,
}

impl Lost<'_> {
    fn is_certain(&self, kind: &dyn AnyKind, found: &Found) -> bool {
        match &found.certainty {
            Certainty::Ours => true,
            Certainty::Named if planted(Bug::AdoptsByName) => true,
            Certainty::Within(whole, id) if self.own.contains(&(family(whole), id.clone())) => true,
            Certainty::Within(..) | Certainty::Named => self.in_run && fits(kind, self.body, &found.body),
            Certainty::Alike => false,
        }
    }
}

/// Whether an object is as it was wanted, in all that was written and can be read.
#[must_use]
pub fn fits(kind: &dyn AnyKind, wanted: &Body, there: &Body) -> bool {
    kind.attrs().iter().filter(|row| row.settable() && row.reads != Reads::WriteOnly).all(|row| match wanted.get(row.name) {
        None | Some(Value::Null) => true,
        Some(value) => there.get(row.name).is_some_and(|seen| normal(row, value, wanted) == normal(row, seen, there)) || is_nothing(value),
    })
}

/// The value that the API omits.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Bool(on) => !on,
        _ => false,
    }
}

/// Looks for the object of a lost answer.
///
/// # Errors
/// A read that fails.
pub async fn locate(kind: &dyn AnyKind, api: &Client, lost: Lost<'_>, claims: &Claims, clock: &Clock) -> Result<Located, ApiError> {
    let schedule: &[Duration] = if kind.markable() { &POLLS_MARKED } else { &POLLS_PLAIN };
    let schedule = if planted(Bug::LooksOnce) { &schedule[..1] } else { schedule };
    let polls = Polls { schedule, since: lost.since, api, clock };
    let mut doubtful = Vec::new();
    for due in schedule {
        polls.due(*due, || shows_up(lost.address)).await;
        let found = candidates(kind, api, lost.body, lost.ours, claims).await?;
        let (mut certain, rest): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|object| lost.is_certain(kind, object));
        if certain.len() > lost.alike {
            return Ok(Located::Doubt(certain));
        }
        if !certain.is_empty() {
            return Ok(Located::One(certain.swap_remove(0)));
        }
        // A mark may show up late; a name is all that there will ever be.
        if rest.iter().any(|object| object.certainty != Certainty::Alike) {
            return Ok(Located::Doubt(rest));
        }
        doubtful = rest;
    }
    Ok(if doubtful.is_empty() { Located::Nothing } else { Located::Doubt(doubtful) })
}

/// The candidate objects of a create that belong to nobody.
///
/// # Errors
/// A read that fails.
pub async fn candidates(kind: &dyn AnyKind, api: &Client, body: &Body, ours: Ours<'_>, claims: &Claims) -> Result<Vec<Found>, ApiError> {
    let mut found = match kind.find(api, body, ours).await {
        // What it would lie in is not there.
        Err(error) if error.is_not_found() => Vec::new(),
        other => other?,
    };
    found.retain(|object| !claims.contains(&(family(kind.name()), object.id.clone())));
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// The polls of what the API shows late.
#[derive(Clone, Copy)]
struct Polls<'a> {
    /// When each is due, counted from `since`.
    schedule: &'a [Duration],
    since: Tick,
    api: &'a Client,
    clock: &'a Clock,
}

impl Polls<'_> {
    /// Sleeps until a poll is due.
    async fn due(&self, due: Duration, what: impl FnOnce() -> String) {
        let pause = self.since.plus(due).since(self.clock.tick());
        if !pause.is_zero() {
            let (elapsed, limit) = (self.clock.tick().since(self.since), self.schedule.last().copied());
            self.api.tell(&Waiting { what: what(), elapsed, limit, pause, ..Waiting::default() });
            self.clock.sleep(pause).await;
        }
    }

    /// Whether an object is there, or is not, at one of the polls.
    async fn until<F>(&self, there: bool, what: impl Fn() -> String, is_there: impl Fn() -> F) -> Result<bool, ApiError>
    where
        F: Future<Output = Result<bool, ApiError>>,
    {
        for due in self.schedule {
            self.due(*due, &what).await;
            if is_there().await? == there {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn shows_up(address: &Address) -> String {
    format!("{address} to show up, because it may have been created")
}

/// A state after an interrupted run: what is done is in it, and what was found of open steps.
#[derive(Clone, Debug)]
pub struct Reconciled {
    /// The state.
    pub state: State,
    /// The result: instances that an interrupted run had begun to create.
    pub adopted: Vec<(Address, Id)>,
}

/// The context of a recovery.
#[derive(Clone, Copy)]
pub struct RecoveryContext<'a> {
    /// The stack's name, for what is to be typed.
    pub stack: &'a str,
    /// The recorded state.
    pub loaded: &'a Loaded,
    /// The state that the run started from.
    pub state: &'a State,
    /// The run.
    pub journal: &'a Replayed,
    /// What is wanted now; nothing where all is to be destroyed.
    pub desired: Option<&'a Desired>,
    /// The API.
    pub api: &'a Client,
    /// The time.
    pub clock: &'a Clock,
}

/// Brings a state and the journal of an interrupted run together.
///
/// # Errors
/// A read that fails, or all the doubts that a person must decide.
pub async fn reconcile(context: RecoveryContext<'_>) -> Result<Reconciled, EngineError> {
    let RecoveryContext { stack, loaded, state, journal, api, clock, .. } = context;
    let mut reconciled = Reconciled { state: journal.replay_onto(state), adopted: Vec::new() };
    let mut claims = claims::claims(&reconciled.state, Some(journal));
    claims.extend(claims::of_others(loaded));
    let nobody = Mark(String::new());
    // One start for all, so that many lost answers take no longer than one.
    let since = if planted(Bug::CountsByAnotherClock) { begun(journal, clock) } else { clock.tick() };
    let mut doubts = Vec::new();
    for (place, step) in journal.open.iter().enumerate() {
        let Begin { address, op, .. } = &step.begin;
        let Some(kind) = kind(&address.kind) else { continue };
        let stop = |error: &ApiError| EngineError::from(from_api(error, &format!("find out what became of {address}")).about(address));
        match (op, &step.id) {
            (Op::Create, Some(id)) => {
                let reading = || async move { Ok(kind.read(api, id).await?.is_some()) };
                let polls = Polls { schedule: &POLLS_MARKED, since, api, clock };
                if polls.until(true, || shows_up(address), reading).await.map_err(|error| stop(&error))? {
                    reconciled.adopt(address, step.begin.unfinished(id.clone()));
                }
            }
            (Op::Create, None) => {
                let alike =
                    journal.open.iter().skip(place).filter(|other| same_wish(&other.begin, &step.begin) && other.id.is_none()).count();
                let ours = Ours { mark: step.begin.mark.as_ref().unwrap_or(&nobody), project: journal.project.as_ref() };
                let own = claims::claims(&reconciled.state, None);
                let lost = Lost { address, body: &step.begin.body, ours, since, alike, in_run: false, own: &own };
                match locate(kind, api, lost, &claims, clock).await.map_err(|error| stop(&error))? {
                    Located::One(found) => {
                        claims.insert((family(&address.kind), found.id.clone()));
                        reconciled.adopt(address, step.begin.unfinished(found.id));
                    }
                    Located::Nothing => {}
                    Located::Doubt(found) => doubts.push(doubt(stack, kind, address, &found)),
                }
            }
            (Op::Edit { .. }, _) => {
                if step.begin.power == Some(Power::On)
                    && let Some(record) = reconciled.state.records.get_mut(address)
                {
                    record.health = Health::Unfinished;
                }
            }
            (Op::Delete { id }, _) => {
                if is_gone(context, kind, &reconciled.state, address, id, since).await.map_err(|error| stop(&error))? {
                    reconciled.state.apply(address, op, &dofloat_state::journal::Outcome::Gone);
                } else if step.provisioning
                    && let Some(record) = reconciled.state.records.get_mut(address).filter(|record| record.id == *id)
                {
                    record.health = Health::Interrupted;
                }
            }
            (Op::AwaitReady { .. } | Op::Forget { .. }, _) => {}
        }
    }
    if doubts.is_empty() { Ok(reconciled) } else { Err(EngineError::decision(doubts)) }
}

/// The recorded state with an interrupted run reconciled, and the objects that were found.
///
/// # Errors
/// A read that fails, or a doubt that a person must decide.
pub async fn reconciled(context: SurveyContext<'_>, remembered: &State) -> Result<(State, Vec<(Address, Id)>), EngineError> {
    Ok(match &context.loaded.journal {
        Some(journal) if context.recover => {
            let reconciled = reconcile(recovery_context(context, remembered, journal)).await?;
            (reconciled.state, reconciled.adopted)
        }
        Some(journal) => (journal.replay_onto(remembered), Vec::new()),
        None => (remembered.clone(), Vec::new()),
    })
}

/// The context for reconciling an interrupted run.
fn recovery_context<'a>(context: SurveyContext<'a>, state: &'a State, journal: &'a Replayed) -> RecoveryContext<'a> {
    let SurveyContext { stack, loaded, resolve, options, api, clock, .. } = context;
    let desired = (!options.destroy).then(|| resolve.desired());
    RecoveryContext { stack, loaded, state, journal, desired, api, clock }
}

/// Whether an object is gone whose deletion was begun. It is polled for a while only where its address is wanted again.
async fn is_gone(
    context: RecoveryContext<'_>,
    kind: &dyn AnyKind,
    state: &State,
    address: &Address,
    id: &Id,
    since: Tick,
) -> Result<bool, ApiError> {
    let RecoveryContext { desired, api, clock, .. } = context;
    let nobody = Mark(String::new());
    let ours = Ours { mark: mark_of(state, address, id).unwrap_or(&nobody), project: None };
    let is_kept = desired.is_some_and(|desired| desired.may_keep(address));
    let schedule = if is_kept { &POLLS_GONE[..] } else { &POLLS_GONE[..1] };
    let what = || format!("{address} to be gone, because its deletion was begun");
    Polls { schedule, since, api, clock }.until(false, what, || is_there(api, kind, id, ours)).await
}

/// The mark that an object carries, by its record.
fn mark_of<'a>(state: &'a State, address: &Address, id: &Id) -> Option<&'a Mark> {
    let present = state.records.get(address).filter(|record| record.id == *id);
    present.or_else(|| state.deposed.get(&(address.clone(), id.clone())))?.mark.as_ref()
}

/// When the first open step was begun, as the clock of the machine that began it has it.
fn begun(journal: &Replayed, clock: &Clock) -> Tick {
    let passed = journal.open.first().map_or(Duration::ZERO, |step| clock.now().since(step.begin.at));
    Tick(clock.tick().0.saturating_sub(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)))
}

fn same_wish(a: &Begin, b: &Begin) -> bool {
    a.op == Op::Create && family(&a.address.kind) == family(&b.address.kind) && a.body == b.body
}

/// The message where what was found may be the object of a lost answer or not, and what to answer.
#[must_use]
pub fn doubt(stack: &str, kind: &dyn AnyKind, address: &Address, found: &[Found]) -> Diagnostic {
    let choices: Vec<String> = found.iter().map(|object| described(kind, object)).collect();
    let (is, one) = if let [only] = choices.as_slice() { (only.clone(), "it") } else { (choices.join("; "), "one of them") };
    let first = found.first().map_or("ID", |object| object.id.0.as_str());
    Diagnostic::error(format!("The answer to the creation of {address} was lost, and it is uncertain whether it created this: {is}."))
        .about(address)
        .hint(format!(
            "Nothing on {} shows whose it is, and somebody else may have created it since. If that run created {one}: `dofloat adopt \
             {stack} {} {}`. \
             If it did not: `dofloat adopt {stack} {} none`, and it is left alone. Then run the same command again.",
            if found.len() == 1 { "it" } else { "them" },
            quoted(&address.to_string()),
            quoted(first),
            quoted(&address.to_string()),
        ))
}

/// An object, by what the API tells of it.
fn described(kind: &dyn AnyKind, object: &Found) -> String {
    let has = |name: &str| kind.attrs().iter().any(|row| row.name == name);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_json().to_string(), str::to_owned);
    let told = |name: &&str| {
        object.body.get(*name).map(text).filter(|text| !text.is_empty()).map(|text| format!("{} {text}", name.replace('_', " ")))
    };
    let mut facts: Vec<String> = TOLD.iter().filter(|name| has(name)).filter_map(told).collect();
    if has("droplet_id") {
        facts.push(
            object.body.get("droplet_id").map_or_else(|| "not assigned".to_owned(), |id| format!("assigned to droplet {}", text(id))),
        );
    }
    if facts.is_empty() { object.id.to_string() } else { format!("{} ({})", object.id, facts.join(", ")) }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-,:@/".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

impl Reconciled {
    fn adopt(&mut self, address: &Address, record: Record) {
        self.adopted.push((address.clone(), record.id.clone()));
        self.state.apply(address, &Op::Create, &dofloat_state::journal::Outcome::Record(Box::new(record)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        for (word, expected) in [
            ("digitalocean_vpc.web", "digitalocean_vpc.web"),
            ("example.com,7", "example.com,7"),
            ("digitalocean_vpc.web[\"a\"]", "'digitalocean_vpc.web[\"a\"]'"),
            ("it's", "'it'\\''s'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn what_is_written_must_fit_and_what_is_not_does_not_matter() {
        let body = |json: serde_json::Value| match Value::from_json(&json) {
            Value::Map(map) => map,
            _ => Body::new(),
        };
        let kind = kind("digitalocean_vpc").unwrap();
        let there = body(serde_json::json!({"id": "1", "name": "web", "region": "nyc3", "ip_range": "10.0.0.0/20"}));
        for (wanted, expected) in [
            (serde_json::json!({"name": "web", "region": "NYC3"}), true),
            (serde_json::json!({"name": "web", "region": "nyc3", "description": ""}), true),
            (serde_json::json!({"name": "web", "region": "ams3"}), false),
            (serde_json::json!({"name": "web", "region": "nyc3", "ip_range": "10.1.0.0/20"}), false),
        ] {
            assert_eq!(fits(kind, &body(wanted.clone()), &there), expected, "{wanted}");
        }
    }
}
