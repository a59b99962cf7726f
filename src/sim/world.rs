//! The simulated account, and the one function by which it changes.
//!
//! Invariant: `handle` is pure and synchronous: what it answers follows from the world and the request alone. It must not
//! know sockets, files or the system's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::actions::Action;
use super::domains::Domain;
use super::droplets::Droplet;
use super::faults::{Fault, Trap, What};
use super::firewalls::Firewall;
use super::rate::{Gate, Pass};
use super::reserved_ips::ReservedIp;
use super::routes;
use super::scopes::Scopes;
use super::ssh_keys::SshKey;
use super::time::{ClockMode, EPOCH};
use super::vpcs::{Linger, Vpc};
use super::wire::{Call, Fields, Refusal, Reply, Request, Response, Wire};
use super::{Limits, Options, ids};
use crate::base::clock::Moment;

/// The version of the world's file.
pub(super) const FORMAT: u32 = 1;

/// Everything the account holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    format: u32,
    pub(super) seed: u64,
    /// Milliseconds by which the explicit clock was advanced.
    lead: u64,
    pub(super) droplets: BTreeMap<u64, Droplet>,
    pub(super) reserved_ips: BTreeMap<Ipv4Addr, ReservedIp>,
    pub(super) vpcs: BTreeMap<String, Vpc>,
    pub(super) lingering: Vec<Linger>,
    pub(super) firewalls: BTreeMap<String, Firewall>,
    pub(super) domains: BTreeMap<String, Domain>,
    pub(super) ssh_keys: BTreeMap<u64, SshKey>,
    /// By lower-case name; the value is the first spelling.
    pub(super) tags: BTreeMap<String, String>,
    pub(super) actions: BTreeMap<u64, Action>,
    /// The actions in progress.
    pub(super) open: BTreeSet<u64>,
    /// How many of a kind and name have ever been made.
    made: BTreeMap<String, u64>,
    /// What cannot be seen yet, by its key.
    lags: BTreeMap<String, Lag>,
    #[serde(skip)]
    pub(super) settings: Settings,
    #[serde(skip)]
    gate: Gate,
    #[serde(skip)]
    trap: Trap,
    #[serde(skip, default = "standing")]
    pub(super) now: Moment,
    #[serde(skip)]
    served: u64,
    #[serde(skip)]
    revision: u64,
    /// What the present request has made.
    #[serde(skip)]
    fresh: Vec<Made>,
}

/// How the world behaves; not part of what it holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) clock: ClockMode,
    pub(super) tokens: BTreeMap<String, Scopes>,
    pub(super) limits: Limits,
    pub(super) absent_images: BTreeSet<String>,
}

/// For how many looks an object is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lag {
    list: u32,
    get: u32,
}

/// Something that a request made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Droplet(u64),
    Action(u64),
    Other(String),
}

/// How many objects of each kind the world holds.
pub type Summary = BTreeMap<&'static str, usize>;

impl World {
    /// A fresh world: each region's default VPC, and nothing else.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let mut world = Self {
            format: FORMAT,
            seed: options.seed,
            lead: 0,
            droplets: BTreeMap::new(),
            reserved_ips: BTreeMap::new(),
            vpcs: super::vpcs::defaults(options.seed),
            lingering: Vec::new(),
            firewalls: BTreeMap::new(),
            domains: BTreeMap::new(),
            ssh_keys: BTreeMap::new(),
            tags: BTreeMap::new(),
            actions: BTreeMap::new(),
            open: BTreeSet::new(),
            made: BTreeMap::new(),
            lags: BTreeMap::new(),
            settings: Settings::default(),
            gate: Gate::default(),
            trap: Trap::default(),
            now: EPOCH,
            served: 0,
            revision: 0,
            fresh: Vec::new(),
        };
        world.configure(options);
        world
    }

    /// A fresh world in the place of one of this revision.
    pub(super) fn anew(options: &Options, revision: u64) -> Self {
        Self { revision: revision + 1, ..Self::new(options) }
    }

    /// Takes the options that are no part of what the world holds.
    pub(super) fn configure(&mut self, options: &Options) {
        self.settings = Settings {
            clock: options.clock,
            tokens: options.tokens.clone(),
            limits: options.limits,
            absent_images: options.absent_images.clone(),
        };
        self.gate = Gate::new(options.rate, matches!(options.clock, ClockMode::Explicit { .. }));
        self.trap = Trap::new(&options.faults);
    }

    /// Answers one request.
    pub fn handle(&mut self, request: &Request) -> Response {
        self.served += 1;
        self.now = match self.settings.clock {
            ClockMode::Explicit { .. } => Moment(EPOCH.0 + self.lead),
            ClockMode::Real { .. } => Moment(request.at.0 + self.lead),
        };
        self.fresh.clear();
        self.settle();
        let sprung = self.trap.spring(&request.method, &request.path);
        let pass = self.gate.enter(self.now, request.method == "GET" && request.path == "/v2/account/keys");
        let outcome = match self.before(&sprung, pass) {
            Some(outcome) => outcome,
            None => {
                let outcome = self.answer(request);
                self.bend(&sprung);
                after(&sprung).map_or(outcome, Err)
            }
        };
        if request.method != "GET" && outcome.is_ok() {
            self.touch();
        }
        self.respond(outcome, pass, &sprung)
    }

    /// What goes wrong before the request takes effect.
    fn before(&self, sprung: &[What], pass: Pass) -> Option<Result<Reply, Refusal>> {
        for what in sprung {
            match what {
                What::Unauthorized => return Some(Err(Refusal::unauthorized())),
                What::Throttle { .. } => return Some(Err(too_many())),
                What::ErrorBefore { status } => return Some(Err(server_error(*status))),
                What::ResetBefore | What::NeverBefore => return Some(Err(server_error(503))),
                _ => {}
            }
        }
        (!pass.allowed).then(|| Err(too_many()))
    }

    fn answer(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let scopes = self.scopes_of(request.token.as_deref())?;
        let (route, path) = routes::find(&request.method, &request.path)?;
        scopes.need_any(route.scopes)?;
        let body = if request.method == "GET" { Fields::default() } else { Fields::read(&request.body)? };
        let call = Call { path, query: &request.query, body, scopes: &scopes, base: &request.base, asked: &request.path };
        (route.handler)(self, &call)
    }

    fn scopes_of(&self, token: Option<&str>) -> Result<Scopes, Refusal> {
        let token = token.filter(|token| !token.is_empty()).ok_or_else(Refusal::unauthorized)?;
        if self.settings.tokens.is_empty() {
            return Ok(Scopes::All);
        }
        self.settings.tokens.get(token).cloned().ok_or_else(Refusal::unauthorized)
    }

    /// Lets faults befall what the request has made.
    fn bend(&mut self, sprung: &[What]) {
        for what in sprung {
            for made in self.fresh.clone() {
                self.bend_one(what, &made);
            }
            if let What::LingeringMembers { looks } = what {
                for linger in &mut self.lingering {
                    linger.looks = linger.looks.max(if linger.looks == 0 { *looks } else { 0 });
                }
            }
        }
        self.lingering.retain(|linger| linger.looks > 0);
    }

    fn bend_one(&mut self, what: &What, made: &Made) {
        match made {
            Made::Action(id) => {
                if let Some(action) = self.actions.get_mut(id) {
                    action.bend(what);
                }
            }
            Made::Droplet(id) => {
                if let Some(droplet) = self.droplets.get_mut(id) {
                    droplet.bend(what);
                }
                self.hide(&format!("droplet:{id}"), what);
            }
            Made::Other(key) => self.hide(key, what),
        }
    }

    fn hide(&mut self, key: &str, what: &What) {
        match what {
            What::LaggingList { looks } => self.lags.entry(key.to_owned()).or_default().list = *looks,
            What::LateGet { looks } => self.lags.entry(key.to_owned()).or_default().get = *looks,
            _ => {}
        }
    }

    fn respond(&mut self, outcome: Result<Reply, Refusal>, pass: Pass, sprung: &[What]) -> Response {
        let request_id = ids::uuid(self.seed, &["request", &self.served.to_string()]);
        let mut headers = vec![
            ("ratelimit-limit", pass.limit.to_string()),
            ("ratelimit-remaining", pass.remaining.to_string()),
            ("ratelimit-reset", pass.reset.to_string()),
            ("x-request-id", request_id.clone()),
        ];
        let asked_to_wait = sprung.iter().find_map(|what| match what {
            What::Throttle { retry_after } => Some(*retry_after),
            _ => None,
        });
        if let Some(seconds) = asked_to_wait.unwrap_or(pass.retry_after) {
            headers.push(("retry-after", seconds.to_string()));
        }
        let (status, body) = match outcome {
            Ok(reply) => (reply.status, reply.body),
            Err(refusal) if refusal.id == TAG_ERROR => {
                (refusal.status, Some(json!({ "error": refusal.message, "messages": [refusal.message], "root_causes": [] })))
            }
            Err(refusal) => (refusal.status, Some(json!({ "id": refusal.id, "message": refusal.message, "request_id": request_id }))),
        };
        let wire = sprung.iter().map(What::wire).find(|wire| *wire != Wire::Whole).unwrap_or_default();
        Response { status, headers, body, wire }
    }

    /// Which of this kind and name the next one is, from 0.
    pub(super) fn nth(&mut self, kind: &str, name: &str) -> u64 {
        let count = self.made.entry(format!("{kind} {name}")).or_default();
        *count += 1;
        *count - 1
    }

    /// Remembers what the request made, so that faults can befall it.
    pub(super) fn note(&mut self, made: Made) {
        self.fresh.push(made);
    }

    /// Whether an object shows in this list; a hidden one counts the look.
    pub(super) fn listed(&mut self, key: &str) -> bool {
        self.seen(key, |lag| &mut lag.list)
    }

    /// Whether an object can be read by its identifier; a hidden one counts the look.
    pub(super) fn found(&mut self, key: &str) -> Result<(), Refusal> {
        if self.seen(key, |lag| &mut lag.get) { Ok(()) } else { Err(Refusal::not_found()) }
    }

    fn seen(&mut self, key: &str, side: impl Fn(&mut Lag) -> &mut u32) -> bool {
        let Some(lag) = self.lags.get_mut(key) else { return true };
        let left = side(lag);
        let seen = *left == 0;
        *left = left.saturating_sub(1);
        if *lag == Lag::default() {
            self.lags.remove(key);
        }
        self.touch();
        seen
    }

    /// The version of the file that it was read from.
    pub(super) fn format(&self) -> u32 {
        self.format
    }

    /// Marks the world as changed: it will be saved before the answer is sent.
    pub(super) fn touch(&mut self) {
        self.revision += 1;
    }

    /// Grows with every change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// A time as the API writes it.
    pub(super) fn timestamp(millis: u64) -> Value {
        Value::String(Moment(millis).to_rfc3339())
    }
}

fn standing() -> Moment {
    EPOCH
}

/// The `id` by which a refusal is known to need the tags' own form of an error.
pub(super) const TAG_ERROR: &str = "tag_error";

fn after(sprung: &[What]) -> Option<Refusal> {
    sprung.iter().find_map(|what| match what {
        What::ErrorAfter { status } => Some(server_error(*status)),
        _ => None,
    })
}

fn too_many() -> Refusal {
    Refusal::new(429, "too_many_requests", "API Rate limit exceeded.")
}

fn server_error(status: u16) -> Refusal {
    Refusal::new(status, "server_error", "Unexpected server-side error")
}

/// What tests and the admin paths may do beside the API.
impl World {
    /// How many objects of each kind there are. Default VPCs are not counted.
    #[must_use]
    pub fn summary(&self) -> Summary {
        BTreeMap::from([
            ("droplets", self.droplets.len()),
            ("reserved_ips", self.reserved_ips.len()),
            ("vpcs", self.vpcs.values().filter(|vpc| !vpc.initial).count()),
            ("firewalls", self.firewalls.len()),
            ("domains", self.domains.len()),
            ("records", self.domains.values().map(|domain| domain.own_records().count()).sum()),
            ("ssh_keys", self.ssh_keys.len()),
            ("tags", self.tags.len()),
        ])
    }

    /// Whether it holds only what a fresh world holds (actions are kept for ever and do not count).
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.summary().values().all(|count| *count == 0)
    }

    /// All it holds, as it is saved.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Objects of a kind (`droplets`, `reserved_ips`, `vpcs`, `firewalls`, `domains`, `records`, `ssh_keys`, `tags`,
    /// `actions`) as the API shows them to a token of full access. Nothing counts as a look.
    #[must_use]
    pub fn show(&self, kind: &str) -> Vec<Value> {
        let all = &Scopes::All;
        match kind {
            "droplets" => self.droplets.values().map(|droplet| self.show_droplet(droplet, all)).collect(),
            "reserved_ips" => self.reserved_ips.values().map(|ip| self.show_reserved_ip(ip, all)).collect(),
            "vpcs" => self.vpcs.values().map(Vpc::show).collect(),
            "firewalls" => self.firewalls.values().map(|firewall| self.show_firewall(firewall, all)).collect(),
            "domains" => self.domains.values().map(Domain::show).collect(),
            "records" => self.domains.values().flat_map(|domain| domain.records.values().map(super::records::Record::show)).collect(),
            "ssh_keys" => self.ssh_keys.values().map(SshKey::show).collect(),
            "tags" => self.tags.values().map(|tag| self.show_tag(tag, "")).collect(),
            "actions" => self.actions.values().map(Action::show).collect(),
            _ => Vec::new(),
        }
    }

    /// Does something as another user of the account would, by the API but without limits, faults, log or waiting: returns
    /// the status and the body. `("DELETE", "/v2/droplets/1", None)` for example.
    pub fn outside(&mut self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        let unbound = Settings { limits: Limits { droplets: usize::MAX, reserved_ips: usize::MAX }, ..Settings::default() };
        let settings = std::mem::replace(&mut self.settings, unbound);
        let trap = std::mem::take(&mut self.trap);
        let gate = std::mem::take(&mut self.gate);
        let response = self.handle(&Request { at: self.now, ..Request::new(method, target, body) });
        self.finish_all();
        (self.settings, self.trap, self.gate) = (settings, trap, gate);
        (response.status, response.body.unwrap_or_default())
    }

    /// Finishes everything that is in progress.
    pub fn finish_all(&mut self) {
        for id in self.open.clone() {
            self.complete(id);
        }
        self.finish_waiting();
        self.touch();
    }

    /// Replaces the faults.
    pub fn set_faults(&mut self, faults: &[Fault]) {
        self.trap = Trap::new(faults);
    }

    /// The faults that are set.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.trap.faults().cloned().collect()
    }

    /// Moves the world's time on.
    pub fn advance(&mut self, seconds: u64) {
        self.lead += seconds * 1000;
        self.now = Moment(self.now.0 + seconds * 1000);
        self.settle();
        self.touch();
    }
}
