//! The client: typed requests over one pool of connections and one budget.
//!
//! Invariant: what goes out passes the gate, has a time limit, and is repeated only as `retry` decides; what comes back is an
//! answer of the expected form or an `ApiError` that says whether the request may have taken effect.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::carrier::Carrier;
use super::connect;
pub use super::connect::{ClientError, Settings};
use super::crowds::Crowds;
use super::error::ApiError;
use super::exchange::{Connection, Outcome, conclude};
use super::looks::Looks;
use super::machine::Machine;
use super::memory::{Memory, Recalled};
use super::pace::{Bucket, Left, Limit, Pace, Shortage};
use super::page;
use super::permissions::{Permissions, has, lacking};
pub use super::request::segment;
use super::request::{Method, Repeat, Request};
use super::retry::{self, Attempt, Patience, Tried, Verdict};
use super::slots::Slot;
use super::spaces::Way;
use super::timing::{Timings, Turns};
use super::trace::masked;
use super::waiting::{Cause, Waiting, Watcher};
use dofloat_base::clock::Clock;
use dofloat_base::rng::Rng;

/// How often it is told that an answer is still waited for.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// The client of one account. Clones share connections and budget.
#[derive(Clone)]
pub struct Client {
    core: Arc<Core>,
    memory: Option<Arc<Memory>>,
    watcher: Option<Watcher>,
    slot: Option<Slot>,
    mark: Option<Arc<str>>,
}

struct Core {
    connection: Connection,
    prober: reqwest::Client,
    token_source: Arc<str>,
    pace: Pace,
    looks: Looks,
    crowds: Crowds,
    timings: Timings,
    turns: Turns,
    patience: Patience,
    clock: Clock,
    rng: Arc<Rng>,
    timeout: Duration,
    machine: Machine,
    permissions: Permissions,
    spaces: Way,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.core.connection.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client. Nothing is sent yet.
    ///
    /// # Errors
    /// If the address, the token or the root certificates will not do.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        let connection = Connection {
            base: connect::base(&settings)?,
            authorization: connect::authorization(&settings.token)?,
            http: connect::connections(&settings)?,
            timeout: settings.timeout,
            clock: settings.clock.clone(),
            carrier: settings.carrier,
            ahead: OnceLock::new(),
        };
        let core = Core {
            connection,
            token_source: settings.token_source.as_str().into(),
            prober: connect::prober(settings.probe_through.as_ref())?,
            pace: Pace::new(settings.clock.clone(), settings.requests_per_second, settings.reserve),
            looks: Looks::default(),
            crowds: Crowds::default(),
            timings: Timings::default(),
            turns: Turns::default(),
            patience: Patience { retry_max: settings.retry_max, wait_min: settings.retry_wait_min, wait_max: settings.retry_wait_max },
            clock: settings.clock,
            rng: settings.rng,
            timeout: settings.timeout,
            machine: settings.machine,
            permissions: Permissions::default(),
            spaces: Way::new(settings.spaces),
        };
        Ok(Self { core: Arc::new(core), memory: None, watcher: None, slot: None, mark: None })
    }

    pub(super) fn carrier(&self) -> Option<&Carrier> {
        self.core.connection.carrier.as_ref()
    }

    pub(super) fn prober(&self) -> &reqwest::Client {
        &self.core.prober
    }

    /// A client that asks each distinct read once (a list as a whole): concurrent askers share the one answer, later ones get
    /// it from memory. Errors are not remembered, and a write forgets everything. For one refresh or plan.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self { memory: Some(Arc::default()), ..self.clone() }
    }

    /// A client that tells `f` whenever something waits.
    #[must_use]
    pub fn watched(&self, f: Watcher) -> Self {
        Self { watcher: Some(f), ..self.clone() }
    }

    /// A client whose requests take slots: as many are under way at a time as there are.
    #[must_use]
    pub fn in_slot(&self, slot: Slot) -> Self {
        Self { slot: Some(slot), ..self.clone() }
    }

    /// A client of one stack: the tag by which lists can be narrowed to what is the stack's.
    #[must_use]
    pub fn of_stack(&self, mark: &str) -> Self {
        Self { mark: Some(mark.into()), ..self.clone() }
    }

    /// The tag of the stack.
    #[must_use]
    pub fn mark(&self) -> Option<&str> {
        self.mark.as_deref()
    }

    /// How long waits took, by their sort, in milliseconds: to be kept for later runs.
    #[must_use]
    pub fn timings(&self) -> BTreeMap<String, Vec<u64>> {
        self.core.timings.all()
    }

    /// How long waits took in earlier runs.
    pub fn learn(&self, earlier: BTreeMap<String, Vec<u64>>) {
        self.core.timings.learn(earlier);
    }

    /// Whether the token has a scope; nothing where that cannot be found out.
    pub async fn may(&self, scope: &'static str) -> Option<bool> {
        has(&self.core.permissions, scope, &|request: Request| async move { self.status_of(&request).await }).await
    }

    pub(crate) fn looks(&self) -> &Looks {
        &self.core.looks
    }

    pub(crate) fn crowds(&self) -> &Crowds {
        &self.core.crowds
    }

    /// The time to the next look of a wait of this sort, which answers for so many.
    pub(crate) fn next_look(&self, sort: &str, elapsed: Duration, sharing: u32) -> Duration {
        self.core.timings.pause(sort, elapsed, sharing, self.strain(), self.chance())
    }

    /// The same of a wait whose looks cost no request.
    pub(crate) fn next_free_look(&self, sort: &str, elapsed: Duration) -> Duration {
        self.core.timings.pause(sort, elapsed, 1, 1, self.chance())
    }

    /// Whether one that waits may ask for itself what a look at many does not tell, as why it takes so long: once it has lasted
    /// longer than others did, and in turn.
    #[must_use]
    pub fn may_doubt(&self, sort: &str, elapsed: Duration) -> bool {
        self.outlasts(sort, elapsed) && self.core.turns.take(sort, self.core.clock.tick())
    }

    /// Whether a wait has lasted longer than all of its sort that ended; so it has where none has.
    pub(crate) fn outlasts(&self, sort: &str, elapsed: Duration) -> bool {
        self.core.timings.outlasts(sort, elapsed)
    }

    /// A wait of this sort took so long.
    pub(crate) fn took(&self, sort: &str, elapsed: Duration) {
        self.core.timings.note(sort, elapsed);
    }

    /// The same without memory, and with no slot in hand: for what is asked for several.
    pub(crate) fn plain(&self) -> Self {
        Self { memory: None, slot: self.slot.as_ref().map(Slot::later), ..self.clone() }
    }

    /// Tells how many requests are to change something from now on: what only reads leaves them room.
    pub fn expect(&self, changes: u64) {
        self.core.pace.expect(changes);
    }

    /// By how many seconds our clock is ahead of the API's; nothing where no answer has told.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        self.core.connection.ahead.get().copied()
    }

    /// What is left of the request budget; nothing where the API counts no requests, or has not said so yet.
    #[must_use]
    pub fn left(&self) -> Option<Left> {
        self.core.pace.left()
    }

    /// Reads one object.
    ///
    /// # Errors
    /// Never `Ambiguous`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ApiError> {
        let request = Request::new(Method::Get, Repeat::Safe, path, query)?;
        let answer = match &self.memory {
            None => Arc::new(self.send(&request).await?),
            Some(memory) => {
                let (plain, key, asked) = (self.forgetful(), request.shown(), request.clone());
                let ask = || -> futures_util::future::BoxFuture<'static, Recalled> {
                    Box::pin(async move { plain.send(&asked).await.map(Arc::new) })
                };
                memory.recall(&key, ask).await?
            }
        };
        decode(&request, &answer, "")
    }

    /// Reads a whole list, page by page; `key` is the field that holds it (`droplets`).
    ///
    /// # Errors
    /// Never `Ambiguous`.
    pub async fn list<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)], key: &str) -> Result<Vec<T>, ApiError> {
        let request = list_request(path, query)?;
        let answer = match &self.memory {
            None => Arc::new(self.pages(&request, key).await?),
            Some(memory) => {
                let (plain, asked, field) = (self.forgetful(), request.clone(), key.to_owned());
                let whole = list_name(&request, key);
                let ask = || -> futures_util::future::BoxFuture<'static, Recalled> {
                    Box::pin(async move { plain.pages(&asked, &field).await.map(Arc::new) })
                };
                memory.recall(&whole, ask).await?
            }
        };
        decode(&request, &answer, key)
    }

    /// Whether this snapshot has asked for this whole list, or is about to: asking once more costs nothing.
    #[must_use]
    pub fn has_asked(&self, path: &str, key: &str) -> bool {
        let name = list_request(path, &[]).map(|request| list_name(&request, key));
        self.memory.as_ref().zip(name.ok()).is_some_and(|(memory, name)| memory.has(&name))
    }

    /// POST that makes something or starts an action: repeated only if it surely was not seen.
    ///
    /// # Errors
    /// `Ambiguous` if it may have taken effect.
    pub async fn create<T: DeserializeOwned>(&self, path: &str, body: &(impl Serialize + Sync + ?Sized)) -> Result<T, ApiError> {
        self.write(Method::Post, Repeat::Once, path, body).await
    }

    /// PUT to a final value.
    ///
    /// # Errors
    /// `Ambiguous` if it may have taken effect, after all repetitions.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &(impl Serialize + Sync + ?Sized)) -> Result<T, ApiError> {
        self.write(Method::Put, Repeat::Safe, path, body).await
    }

    /// PUT to a final value, of whose answer nothing is needed.
    ///
    /// # Errors
    /// `Ambiguous` if it may have taken effect, after all repetitions.
    pub async fn replace(&self, path: &str, body: &(impl Serialize + Sync + ?Sized)) -> Result<(), ApiError> {
        let request = Request::new(Method::Put, Repeat::Safe, path, &[])?.with(body)?;
        self.change(&request).await.map(drop)
    }

    /// PATCH to a final value.
    ///
    /// # Errors
    /// `Ambiguous` if it may have taken effect, after all repetitions.
    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &(impl Serialize + Sync + ?Sized)) -> Result<T, ApiError> {
        self.write(Method::Patch, Repeat::Safe, path, body).await
    }

    /// POST whose repetition does no harm: tagging, members of a firewall.
    ///
    /// # Errors
    /// `Ambiguous` if it may have taken effect, after all repetitions.
    pub async fn repeatable_post(&self, path: &str, body: &(impl Serialize + Sync + ?Sized)) -> Result<(), ApiError> {
        let request = Request::new(Method::Post, Repeat::Safe, path, &[])?.with(body)?;
        self.change(&request).await.map(drop)
    }

    /// Deletes; what is not there is deleted.
    ///
    /// # Errors
    /// `Ambiguous` if it may have taken effect, after all repetitions.
    pub async fn delete(&self, path: &str, query: &[(&str, &str)]) -> Result<(), ApiError> {
        self.gone(&Request::new(Method::Delete, Repeat::Safe, path, query)?).await
    }

    /// Deletes what a body names (untagging, members of a firewall); what is not there is deleted.
    ///
    /// # Errors
    /// `Ambiguous` if it may have taken effect, after all repetitions.
    pub async fn delete_with(&self, path: &str, body: &(impl Serialize + Sync + ?Sized)) -> Result<(), ApiError> {
        self.gone(&Request::new(Method::Delete, Repeat::Safe, path, &[])?.with(body)?).await
    }

    pub(super) fn timeout(&self) -> Duration {
        self.core.timeout
    }

    /// This machine, for what asks no API.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.core.machine
    }

    /// The client's time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    pub(crate) fn spaces(&self) -> &Way {
        &self.core.spaces
    }

    pub(crate) fn slot(&self) -> Option<&Slot> {
        self.slot.as_ref()
    }

    pub(crate) fn patience(&self) -> Patience {
        self.core.patience
    }

    /// A number from 0 to 1, another one each time.
    #[must_use]
    pub fn chance(&self) -> f64 {
        self.core.rng.fraction()
    }

    pub(crate) fn strain(&self) -> u32 {
        self.core.pace.strain()
    }

    /// Gives back the slot that was taken at the start.
    pub(crate) fn let_go(&self) {
        if let Some(slot) = &self.slot {
            slot.let_go();
        }
    }

    /// Pauses; whoever waits holds no slot.
    pub(crate) async fn pause(&self, span: Duration) {
        self.let_go();
        self.core.clock.sleep(span).await;
    }

    /// Tells whoever watches what is waited for.
    pub fn tell(&self, waiting: &Waiting) {
        if let Some(watcher) = &self.watcher {
            watcher(waiting);
        }
    }

    fn forgetful(&self) -> Self {
        Self { memory: None, ..self.clone() }
    }

    async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        repeat: Repeat,
        path: &str,
        body: &(impl Serialize + Sync + ?Sized),
    ) -> Result<T, ApiError> {
        let request = Request::new(method, repeat, path, &[])?.with(body)?;
        let answer = self.change(&request).await?;
        decode(&request, &answer, "")
    }

    /// One 404 is no proof that it is not there: it is asked once more.
    async fn gone(&self, request: &Request) -> Result<(), ApiError> {
        for _ in 0..2 {
            match self.change(request).await {
                Err(ApiError::NotFound { .. }) => {}
                other => return other.map(drop),
            }
        }
        Ok(())
    }

    async fn change(&self, request: &Request) -> Result<Value, ApiError> {
        let answer = self.send(request).await;
        if let Some(memory) = &self.memory {
            memory.forget();
        }
        answer
    }

    /// All pages of a list, as one array.
    async fn pages(&self, first: &Request, key: &str) -> Result<Value, ApiError> {
        let (mut request, mut all, mut extent) = (first.clone(), Vec::new(), page::Extent::default());
        let mut seen = std::collections::BTreeSet::new();
        loop {
            let broken = |why| ApiError::Broken { asked: request.asked(1), why };
            if !seen.insert(request.query.clone()) {
                return Err(broken("the links from page to page have no end: one leads back".into()));
            }
            let mut answer = self.send(&request).await?;
            let mut items = page::items(&mut answer, key).map_err(broken)?;
            match page::next(&answer, &request.query).map_err(broken)? {
                Some(query) => {
                    extent.goes_on(&items, answer.pointer("/meta/total").and_then(Value::as_u64)).map_err(broken)?;
                    all.append(&mut items);
                    request.query = query;
                }
                None => {
                    all.append(&mut items);
                    self.core.looks.note(&first.path, &first.query, &all);
                    return Ok(Value::Array(all));
                }
            }
        }
    }

    /// Sends until there is an answer to take.
    async fn send(&self, request: &Request) -> Result<Value, ApiError> {
        let core = &*self.core;
        let (bucket, start) = (Bucket::of(request), core.clock.tick());
        let (mut tried, mut attempts, mut may_have_acted) = (Tried::default(), 0, false);
        let tell = |pause, cause, shortage| {
            let what = format!("{} {}", request.method.name(), request.shown());
            let elapsed = core.clock.tick().since(start);
            self.tell(&Waiting { what, elapsed, pause, cause, shortage, ..Waiting::default() });
        };
        let changes = request.method != Method::Get;
        loop {
            let held_up = |pause, shortage: Shortage| {
                // Others need not wait for a limit that this sort of request has of its own.
                if matches!(shortage.limit, Limit::Address | Limit::KeyList) {
                    self.let_go();
                }
                tell(pause, Cause::Budget, Some(shortage));
            };
            let entry = core.pace.enter(bucket, changes, held_up).await;
            attempts += 1;
            let outcome = self.answered(request, bucket).await;
            drop(entry);
            let attempt = outcome.attempt();
            may_have_acted |= attempt.may_have_acted();
            match retry::decide(request.repeat, attempt, tried, &core.patience, core.rng.fraction()) {
                Verdict::Take => {
                    let answer = conclude(request, outcome, attempts, may_have_acted, &core.token_source);
                    return match answer {
                        Ok(answer) => {
                            core.permissions.granted(request);
                            Ok(answer)
                        }
                        Err(error) => Err(self.explained(request, error).await),
                    };
                }
                Verdict::Again(pause) if matches!(attempt, Attempt::Answered { status: 429, .. }) => {
                    tried.throttled += 1;
                    tell(pause, Cause::Budget, core.pace.refused(bucket, pause));
                    self.pause(pause).await;
                }
                Verdict::Again(pause) => {
                    tried.failed += 1;
                    tell(pause, Cause::Retry, None);
                    self.pause(pause).await;
                }
            }
        }
    }
}

impl Client {
    /// The same error, with the scopes that are missing instead of all that the request needs.
    async fn explained(&self, request: &Request, error: ApiError) -> ApiError {
        match error {
            ApiError::Refused { asked, answer, scopes, token } if answer.status == 403 => {
                let ask = |request: Request| async move { self.status_of(&request).await };
                let scopes = lacking(&self.core.permissions, request, &scopes, ask).await;
                ApiError::Refused { asked, answer, scopes, token }
            }
            error => error,
        }
    }

    /// The status that a request is answered with, sent once; nothing where there is no answer.
    async fn status_of(&self, request: &Request) -> Option<u16> {
        let bucket = Bucket::of(request);
        let _entry = self.core.pace.enter(bucket, false, |_, _| {}).await;
        match self.answered(request, bucket).await {
            Outcome::Answered { status, .. } => Some(status),
            _ => None,
        }
    }

    /// One attempt; that there is no answer yet is told from time to time.
    async fn answered(&self, request: &Request, bucket: Bucket) -> Outcome {
        let core = &*self.core;
        let _in_flight = match &self.slot {
            Some(slot) => slot.enter().await,
            None => None,
        };
        let start = core.clock.tick();
        let mut attempt = std::pin::pin!(core.attempt(request, bucket));
        loop {
            tokio::select! {
                biased;
                outcome = &mut attempt => return outcome,
                () = core.clock.sleep_in_earnest(SIGN_OF_LIFE) => {
                    let what = format!("an answer to {} {}", request.method.name(), request.shown());
                    let elapsed = core.clock.tick().since(start);
                    self.tell(&Waiting { what, elapsed, limit: Some(core.timeout), cause: Cause::Answer, ..Waiting::default() });
                }
            }
        }
    }
}

impl Core {
    async fn attempt(&self, request: &Request, bucket: Bucket) -> Outcome {
        let (method, path, start) = (request.method.name(), request.shown(), self.clock.tick());
        if let Some(body) = &request.body {
            tracing::trace!(method, path, body = %masked(body), "asking");
        }
        let outcome = self.connection.exchange(request).await;
        let millis = u64::try_from(self.clock.tick().since(start).as_millis()).unwrap_or(u64::MAX);
        match &outcome {
            Outcome::Answered { status, limits, answer, body, .. } => {
                self.pace.note(bucket, *status, limits);
                let request_id = answer.request_id.as_deref();
                tracing::debug!(method, path, status, request_id, remaining = limits.remaining, millis, "answered");
                if let Ok(body) = body {
                    tracing::trace!(method, path, body = %masked(body), "answer");
                }
            }
            Outcome::Unsent(why) | Outcome::Untrusted(why) | Outcome::Lost(why) => tracing::debug!(method, path, why, millis, "no answer"),
        }
        outcome
    }
}

/// The request of a list's first page.
fn list_request(path: &str, query: &[(&str, &str)]) -> Result<Request, ApiError> {
    let mut request = Request::new(Method::Get, Repeat::Safe, path, query)?;
    if page::sized(path) && !request.query.iter().any(|(name, _)| name == "per_page") {
        request.query.push(("per_page".into(), page::PER_PAGE.into()));
    }
    Ok(request)
}

/// What a snapshot knows a list by.
fn list_name(request: &Request, key: &str) -> String {
    format!("{key} of {}", request.shown())
}

/// The answer in the form that is expected; `within` is where it was found.
fn decode<T: DeserializeOwned>(request: &Request, answer: &Value, within: &str) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(answer).map_err(|error| {
        let path = error.path().to_string();
        let place = match (within, path.as_str()) {
            ("", "." | "") => "the top".to_owned(),
            ("", path) => format!("`{path}`"),
            (within, "." | "") => format!("`{within}`"),
            (within, path) => format!("`{within}{path}`"),
        };
        let why = format!("the answer does not have the expected form at {place}: {}", error.inner());
        let asked = request.asked(1);
        match request.method {
            Method::Get => ApiError::Broken { asked, why },
            _ => ApiError::Ambiguous { asked, why },
        }
    })
}

#[cfg(test)]
mod tests;
