//! Actions: asking for one, and seeing to it that what it is for comes about.
//!
//! Invariant: what is wanted is a state, so the object decides and not the action: a `completed` one is not believed, a refusal
//! of what holds already is success. After a lost answer the object and its actions are looked at; it is asked for again only
//! once the state has been missing, with nothing at work, for longer than an order that was taken could stay unseen.
//! `status` alone says how an action ended (`completed_at` may stay null), and a word that we do not know means "not yet": in
//! 2021 the API answered `done` for a while. It must not know what the action does.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::client::Client;
use super::error::ApiError;
use super::looks::{Place, Seen};
use super::messages::{Said, said};
use super::timing::LONGEST;
use super::wait::{Poll, Waiting};
use super::watching::Goal;
use dofloat_base::planted::{Bug, planted};

/// At which looks at an object its action is asked too whether it failed.
const ASKED_EVERY: u32 = 3;
/// A new action may be unknown for a moment, one on a brought address for ever.
const UNKNOWN: Duration = Duration::from_secs(10);
/// How often an action is asked for whose answers are lost.
const TRIES: u32 = 3;
/// The first pause between two looks after a lost answer; each is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How long nothing must be at work on the object before an order counts as never taken. An action stands in the list from the
/// moment that it is taken; this leaves time for a gateway that gave up waiting (504) while the order was on its way.
const QUIET: Duration = Duration::from_secs(15);
/// How long an object may show its old state after the API said that it has the wanted one.
const LAG: Duration = Duration::from_secs(60);

/// What is to be done to an object by an action.
pub struct Order<'a> {
    /// Where it is posted, and where the object's actions are listed: `/droplets/1/actions`.
    pub path: &'a str,
    /// The object, whose state is wanted.
    pub place: Place,
    /// The body; its `type` is how the action is called, or how its name begins (`assign_ip`).
    pub body: Value,
    /// What completes "waiting for …": "droplet 1 to be off".
    pub goal: String,
    /// Lists of actions of other objects that take part, and refuse while one of their own is pending.
    pub beside: &'a [String],
    /// How long all of it may take.
    pub limit: Duration,
    /// Whether a completed action is enough, as the state may be read back in another spelling.
    pub completed_is_enough: bool,
}

/// The end of an action, as far as the API tells it. Read the resource afterwards in any case: its state can lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ActionEnd {
    /// It is done.
    Completed,
    /// It failed; the API gives no reason.
    Errored,
    /// The API does not know the action, and went on not knowing it: only the resource can tell.
    Gone,
}

#[derive(Deserialize)]
struct Envelope {
    action: Action,
}

#[derive(Deserialize)]
struct Recent {
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    id: u64,
    #[serde(default, deserialize_with = "or_empty")]
    status: String,
    #[serde(default, rename = "type", deserialize_with = "or_empty")]
    kind: String,
}

/// What came of asking.
enum Asked<T> {
    /// It was taken.
    Taken(Action),
    /// It was not needed any more.
    Needless(T),
}

/// What came of an order whose answer was lost.
enum Fate<T> {
    /// The state has come about.
    Reached(T),
    /// It was not taken, or came to nothing: it may be asked for again.
    NotTaken,
}

impl Order<'_> {
    fn kind(&self) -> &str {
        self.body.get("type").and_then(Value::as_str).unwrap_or("action")
    }

    fn errored(&self, action: u64) -> ApiError {
        let kind = self.kind();
        ApiError::Unsettled {
            what: format!("DigitalOcean gave up the {kind} (action {action}) and says no reason; what was waited for: {}", self.goal),
        }
    }
}

impl Client {
    /// Brings a state about by an action. `reached` judges what is seen of the object, nothing if it is not there, and gives a
    /// value once it has the state.
    ///
    /// # Errors
    /// A refusal, an action that failed, `Unsettled` at the limit; `Broken` where each answer was lost and nothing came of it.
    /// Never `Ambiguous`.
    pub async fn bring_about<T, F>(&self, order: &Order<'_>, reached: F) -> Result<Option<T>, ApiError>
    where
        T: Send,
        F: Fn(Option<Seen>) -> Result<Option<T>, ApiError> + Send + Sync,
    {
        let start = self.clock().tick();
        let left = || order.limit.saturating_sub(self.clock().tick().since(start));
        let mut tries = 1;
        loop {
            let lost = match self.ask_for(order, &reached, left()).await {
                Ok(Asked::Needless(value)) => return Ok(Some(value)),
                Ok(Asked::Taken(action)) => return self.follow(order, &action, &reached, left()).await,
                Err(error @ ApiError::Rejected { .. }) => return self.holds_already(order, error, &reached).await.map(Some),
                Err(error @ ApiError::Ambiguous { .. }) => error,
                Err(error) => return Err(error),
            };
            if let Fate::Reached(value) = self.look_into(order, &reached, left()).await? {
                return Ok(Some(value));
            }
            if tries == TRIES || left().is_zero() {
                return Err(not_taken(lost));
            }
            tracing::debug!(%lost, "nothing came of it: it is asked for again");
            tries += 1;
        }
    }

    /// Posts it, again and again while another event is pending. A refused post is one changing request too many, so the
    /// lists of actions are asked first from the second time on.
    async fn ask_for<T, F>(&self, order: &Order<'_>, reached: &F, limit: Duration) -> Result<Asked<T>, ApiError>
    where
        T: Send,
        F: Fn(Option<Seen>) -> Result<Option<T>, ApiError> + Send + Sync,
    {
        let refused = Mutex::new(None::<ApiError>);
        let last = || refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let poll = || async {
            if let Some(refusal) = last() {
                for list in order.beside.iter().map(String::as_str).chain([order.path]) {
                    if self.recent(list).await?.iter().any(Action::is_pending) {
                        return Ok(Poll::Pending(refusal.to_string()));
                    }
                }
                if let Some(value) = self.has(order, reached).await? {
                    return Ok(Poll::Ready(Asked::Needless(value)));
                }
            }
            match self.create::<Envelope>(order.path, &order.body).await {
                Ok(Envelope { action }) => Ok(Poll::Ready(Asked::Taken(action))),
                Err(error) if said(&error) == Some(Said::PendingEvent) => {
                    let seen = error.to_string();
                    *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    Ok(Poll::Pending(seen))
                }
                Err(error) => Err(error),
            }
        };
        self.wait_saying(&order.goal, limit, poll).await
    }

    /// Whether the object has the state now.
    async fn has<T, F>(&self, order: &Order<'_>, reached: &F) -> Result<Option<T>, ApiError>
    where
        T: Send,
        F: Fn(Option<Seen>) -> Result<Option<T>, ApiError> + Send + Sync,
    {
        reached(self.look(&order.place).await?)
    }

    /// Waits for the state after an action was taken. The object decides, and a list tells of it together with others; the action
    /// itself is asked now and then whether it failed.
    async fn follow<T, F>(&self, order: &Order<'_>, action: &Action, reached: &F, limit: Duration) -> Result<Option<T>, ApiError>
    where
        T: Send,
        F: Fn(Option<Seen>) -> Result<Option<T>, ApiError> + Send + Sync,
    {
        let (start, sort) = (self.clock().tick(), format!("action {}", order.kind()));
        let (looks, asked, has_ended) = (AtomicU32::new(0), AtomicU64::new(0), AtomicBool::new(action.status == "completed"));
        let (looks, asked, has_ended, sort) = (&looks, &asked, &has_ended, sort.as_str());
        let judge = |seen: Option<Seen>| async move {
            if let Some(value) = reached(seen)? {
                return Ok(Poll::Ready(Some(value)));
            }
            let nth = looks.fetch_add(1, Ordering::Relaxed) + 1;
            let elapsed = self.clock().tick().since(start);
            let is_due = nth.is_multiple_of(ASKED_EVERY) && self.outlasts(sort, elapsed) && self.is_its_turn(order, elapsed, asked);
            if has_ended.load(Ordering::Relaxed) || !(is_due || order.completed_is_enough) {
                return Ok(Poll::Pending("it has not the state yet".to_owned()));
            }
            match self.end_now(order, action.id).await? {
                Some(ActionEnd::Errored) => Err(order.errored(action.id)),
                Some(ActionEnd::Completed) if order.completed_is_enough => Ok(Poll::Ready(None)),
                Some(_) => {
                    has_ended.store(true, Ordering::Relaxed);
                    Ok(Poll::Pending("the action is completed, and the state does not show it yet".to_owned()))
                }
                None => Ok(Poll::Pending("the action is in progress".to_owned())),
            }
        };
        self.watch(Goal { what: &order.goal, sort, limit: limit.max(LAG) }, &order.place, judge).await
    }

    /// Whether an action may be asked too, which is a request of its own: where many look together it is asked seldom, so that
    /// the asking does not grow with them.
    fn is_its_turn(&self, order: &Order<'_>, elapsed: Duration, asked: &AtomicU64) -> bool {
        let is_shared = order.place.list.as_ref().is_some_and(|list| self.looks().group(list).inner().sharing() > 1);
        let (now, last) = (u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), asked.load(Ordering::Relaxed));
        let may = !is_shared || Duration::from_millis(now.saturating_sub(last)) >= LONGEST;
        if may {
            asked.store(now, Ordering::Relaxed);
        }
        may
    }

    /// How an action has ended, if it has; one that is not known may be known later.
    async fn end_now(&self, order: &Order<'_>, id: u64) -> Result<Option<ActionEnd>, ApiError> {
        match self.get::<Envelope>(&format!("{}/{id}", order.path), &[]).await {
            Ok(Envelope { action }) if matches!(action.status.as_str(), "completed" | "errored") => Ok(Some(action.end())),
            Ok(_) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A refusal is none if what is wanted holds: by somebody else's doing, or by an order of an earlier run.
    async fn holds_already<T, F>(&self, order: &Order<'_>, refusal: ApiError, reached: &F) -> Result<T, ApiError>
    where
        T: Send,
        F: Fn(Option<Seen>) -> Result<Option<T>, ApiError> + Send + Sync,
    {
        if planted(Bug::FailsWhereItHolds) {
            return Err(refusal);
        }
        // The object may lag behind what the API knows of it.
        let limit = if said(&refusal) == Some(Said::HoldsAlready) { LAG.min(order.limit) } else { Duration::ZERO };
        match self.wait(&order.goal, limit, || self.has(order, reached)).await {
            Err(ApiError::Unsettled { .. }) => Err(refusal),
            other => other,
        }
    }

    /// What became of an order whose answer was lost.
    async fn look_into<T, F>(&self, order: &Order<'_>, reached: &F, limit: Duration) -> Result<Fate<T>, ApiError>
    where
        T: Send,
        F: Fn(Option<Seen>) -> Result<Option<T>, ApiError> + Send + Sync,
    {
        let start = self.clock().tick();
        let (mut quiet, mut pause) = (Duration::ZERO, FIRST_PAUSE);
        let mut before: Option<BTreeSet<u64>> = None;
        loop {
            if let Some(value) = self.has(order, reached).await? {
                return Ok(Fate::Reached(value));
            }
            let actions = self.recent(order.path).await?;
            let ours: Vec<&Action> = actions.iter().filter(|action| action.kind.starts_with(order.kind())).collect();
            // What had ended by the first look may be of long ago; what comes up later is what was asked for.
            let known = before.get_or_insert_with(|| ours.iter().filter(|action| !action.is_pending()).map(|action| action.id).collect());
            let elapsed = self.clock().tick().since(start);
            if let Some(fresh) = ours.iter().find(|action| !known.contains(&action.id)) {
                let end = if fresh.is_pending() { self.end_of(order, fresh.id, limit.saturating_sub(elapsed)).await? } else { fresh.end() };
                if end == ActionEnd::Errored {
                    return Err(order.errored(fresh.id));
                }
                known.insert(fresh.id);
                (quiet, pause) = (Duration::ZERO, FIRST_PAUSE);
                continue;
            }
            if actions.iter().any(Action::is_pending) {
                quiet = Duration::ZERO;
            } else if quiet >= QUIET && !planted(Bug::NeverAsksAgain) {
                return Ok(Fate::NotTaken);
            }
            if elapsed >= limit {
                return Ok(Fate::NotTaken);
            }
            self.tell(&Waiting { what: order.goal.clone(), elapsed, limit: Some(limit), pause, ..Waiting::default() });
            self.pause(pause).await;
            quiet += pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The latest actions of an object, the newest first; none where the API keeps no such list.
    async fn recent(&self, path: &str) -> Result<Vec<Action>, ApiError> {
        let query: &[(&str, &str)] = if super::page::sized(path) { &[("per_page", "50")] } else { &[] };
        match self.get::<Recent>(path, query).await {
            Ok(Recent { actions }) => Ok(actions),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Waits for the end of an action.
    async fn end_of(&self, order: &Order<'_>, id: u64, limit: Duration) -> Result<ActionEnd, ApiError> {
        let (path, missing) = (format!("{}/{id}", order.path), Mutex::new(None));
        let poll = || async {
            let action = match self.get::<Envelope>(&path, &[]).await {
                Ok(Envelope { action }) => action,
                Err(error) if error.is_not_found() => {
                    let now = self.clock().tick();
                    let since = *missing.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
                    let gone = now.since(since) >= UNKNOWN;
                    return Ok(if gone { Poll::Ready(ActionEnd::Gone) } else { Poll::Pending("the API does not know the action".into()) });
                }
                Err(error) => return Err(error),
            };
            Ok(match action.status.as_str() {
                "completed" | "errored" => Poll::Ready(action.end()),
                other => Poll::Pending(format!("the action is {other}")),
            })
        };
        self.wait_saying(&order.goal, limit, poll).await
    }
}

impl Action {
    /// Whether it is at work, as far as the API says: an unknown word may stay for ever, so it does not hold others up.
    fn is_pending(&self) -> bool {
        self.status == "in-progress"
    }

    fn end(&self) -> ActionEnd {
        if self.status == "errored" { ActionEnd::Errored } else { ActionEnd::Completed }
    }
}

/// The error where each answer was lost: it is known now that nothing came of it.
fn not_taken(lost: ApiError) -> ApiError {
    match lost {
        ApiError::Ambiguous { asked, why } => {
            let why = format!("{why}; it was asked for {TRIES} times, and looked for: it did not take effect");
            ApiError::Broken { asked, why }
        }
        other => other,
    }
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
