//! How one request is answered: faults before and after, the limits, the token, the route. Those of Spaces go their own way.
//!
//! Invariant: what a request does is its route's affair; nothing here knows a product.

use serde_json::json;

use super::faults::FaultKind;
use super::ids;
use super::placeholders;
use super::rate::{Pass, Sort};
use super::refusal::{Refusal, TAG_ERROR};
use super::routes;
use super::scopes::Scopes;
use super::wire::{Call, Delivery, Fields, Reply, Request, Response};
use super::world::{Made, World};

impl World {
    /// Answers one request.
    pub fn handle(&mut self, request: &Request) -> Response {
        if request.path.starts_with("/spaces/") {
            return self.handle_space(request);
        }
        let triggered = self.receive(request);
        let pass = self.gate.enter(self.now, Sort::of(&request.method, &request.path));
        let outcome = match before(request, &triggered, pass) {
            Some(outcome) => outcome,
            None => {
                let outcome = self.answer(request);
                self.apply_faults(&triggered);
                let emptied = triggered.contains(&FaultKind::EmptyList);
                let outcome = if emptied { outcome.map(Reply::emptied) } else { outcome };
                after(&triggered).map_or(outcome, Err)
            }
        };
        if request.method != "GET" && outcome.is_ok() {
            self.touch();
        }
        self.respond(outcome, pass, &triggered)
    }

    /// Lets time pass up to a request; what goes wrong with it.
    pub(super) fn receive(&mut self, request: &Request) -> Vec<FaultKind> {
        self.spring(request);
        self.served += 1;
        self.fresh.clear();
        self.came = request.at;
        self.pass(request.at);
        self.trap.spring(&request.method, &request.path)
    }

    /// Lets somebody else come before a changing request, if it is the one that was waited for.
    fn spring(&mut self, request: &Request) {
        let Some((left, change)) = self.interference.0.take_if(|_| request.method != "GET") else { return };
        if left > 0 {
            self.interference.0 = Some((left - 1, change));
        } else {
            change(self);
        }
    }

    fn answer(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let scopes = self.scopes_of(request.token.as_deref())?;
        if let Some(reply) = self.placeholder(request) {
            return Ok(reply);
        }
        let (target, path) = routes::find(&request.method, &request.path)?;
        target.allows(&scopes)?;
        let body = if request.method == "GET" { Fields::default() } else { Fields::read(&request.body)? };
        let call = Call { path, query: &request.query, body, scopes: &scopes, base: &request.base, asked: &request.path };
        self.wanted_id = placeholders::named(&call.body);
        target.answer(self, &call)
    }

    fn scopes_of(&self, token: Option<&str>) -> Result<Scopes, Refusal> {
        let token = token.filter(|token| !token.is_empty()).ok_or_else(Refusal::unauthorized)?;
        if self.settings.tokens.is_empty() {
            return Ok(Scopes::All);
        }
        self.settings.tokens.get(token).cloned().ok_or_else(Refusal::unauthorized)
    }

    /// Lets faults befall what the request has made.
    pub(super) fn apply_faults(&mut self, triggered: &[FaultKind]) {
        for what in triggered {
            for made in self.fresh.clone() {
                self.apply_fault(what, &made);
            }
            if let FaultKind::LingeringMembers { looks } = what {
                for linger in &mut self.lingering {
                    linger.looks = linger.looks.max(if linger.looks == 0 { *looks } else { 0 });
                }
            }
        }
        self.lingering.retain(|linger| linger.looks > 0);
    }

    fn apply_fault(&mut self, what: &FaultKind, made: &Made) {
        match made {
            Made::Action(id) => {
                if let Some(action) = self.actions.get_mut(id) {
                    action.apply_fault(what);
                }
            }
            Made::Droplet(id) => {
                if let Some(droplet) = self.droplets.get_mut(id) {
                    droplet.apply_fault(what);
                }
                self.hide(&format!("droplet:{id}"), what);
            }
            Made::Other(key) => self.hide(key, what),
        }
    }

    fn hide(&mut self, key: &str, what: &FaultKind) {
        match what {
            FaultKind::LaggingList { looks } => self.lags.entry(key.to_owned()).or_default().list = *looks,
            FaultKind::Hidden { millis } => self.lags.entry(key.to_owned()).or_default().until = self.came.0 + millis,
            FaultKind::LateGet { looks } => self.lags.entry(key.to_owned()).or_default().get = *looks,
            _ => {}
        }
    }

    fn respond(&mut self, outcome: Result<Reply, Refusal>, pass: Pass, triggered: &[FaultKind]) -> Response {
        let request_id = ids::uuid(self.seed, &["request", &self.served.to_string()]);
        let mut headers = vec![
            ("ratelimit-limit", pass.limit.to_string()),
            ("ratelimit-remaining", pass.remaining.to_string()),
            ("ratelimit-reset", pass.reset.to_string()),
            ("x-request-id", request_id.clone()),
        ];
        let asked_to_wait = triggered.iter().find_map(|what| match what {
            FaultKind::Throttle { retry_after } => Some(*retry_after),
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
        let wire = triggered.iter().map(FaultKind::wire).find(|wire| *wire != Delivery::Whole).unwrap_or_default();
        Response { status, headers, body, raw: None, wire }
    }
}

/// The fault that befalls the request before it takes effect.
fn before(request: &Request, triggered: &[FaultKind], pass: Pass) -> Option<Result<Reply, Refusal>> {
    let makes_droplets = request.method == "POST" && request.path == "/v2/droplets";
    for what in triggered {
        match what {
            FaultKind::Unauthorized => return Some(Err(Refusal::unauthorized())),
            FaultKind::Throttle { .. } => return Some(Err(too_many())),
            FaultKind::ErrorBefore { status } => return Some(Err(server_error(*status))),
            FaultKind::ResetBefore | FaultKind::CloseBefore | FaultKind::PageBefore | FaultKind::NeverBefore => {
                return Some(Err(server_error(503)));
            }
            FaultKind::PendingEvent { .. } if !makes_droplets => return Some(Err(Refusal::pending_event())),
            _ => {}
        }
    }
    (!pass.allowed).then(|| Err(too_many()))
}

pub(super) fn after(triggered: &[FaultKind]) -> Option<Refusal> {
    triggered.iter().find_map(|what| match what {
        FaultKind::ErrorAfter { status } => Some(server_error(*status)),
        _ => None,
    })
}

fn too_many() -> Refusal {
    Refusal::new(429, "too_many_requests", "API Rate limit exceeded.")
}

fn server_error(status: u16) -> Refusal {
    Refusal::new(status, "server_error", "Unexpected server-side error")
}
