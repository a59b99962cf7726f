//! One attempt of a request: what goes out, and what comes back of it.
//!
//! Invariant: whether it may have taken effect is told apart here, by how far it came. It must not know budget nor repetition.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::carrier::{Broken, Brought, Carried, Carrier};
use super::connect;
use super::error::{Answer, ApiError};
use super::pace::{Limits, ahead};
use super::request::{Method, Request};
use super::retry::Attempt;
use super::scopes;
use dofloat_base::clock::Clock;
use dofloat_base::crash::crash_point;

/// Longer than any answer: a page of 200 objects has some hundred kilobytes.
pub(crate) const LONGEST_ANSWER: usize = 32 << 20;

/// The way to the API.
pub(crate) struct Connection {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) authorization: HeaderValue,
    pub(crate) timeout: Duration,
    pub(crate) clock: Clock,
    pub(crate) carrier: Option<Carrier>,
    /// By how many seconds our clock is ahead of the API's, as the first answer with a date told.
    pub(crate) ahead: OnceLock<i64>,
}

/// What came of one attempt.
pub(crate) enum Outcome {
    Answered {
        status: u16,
        limits: Limits,
        answer: Answer,
        body: Result<Value, String>,
        /// Whether all of the body came.
        is_whole: bool,
    },
    Unsent(String),
    Untrusted(String),
    Lost(String),
}

impl Outcome {
    pub(crate) fn attempt(&self) -> Attempt {
        match self {
            Self::Answered { status: 200..300, body: Err(_), .. } | Self::Lost(_) => Attempt::Lost,
            Self::Answered { is_whole: false, status, .. } if needs_its_reason(*status) => Attempt::Unexplained,
            Self::Answered { status, limits, .. } => Attempt::Answered { status: *status, after: limits.pause(*status) },
            Self::Unsent(_) => Attempt::Unsent,
            Self::Untrusted(_) => Attempt::Untrusted,
        }
    }
}

impl Connection {
    /// Sends it once.
    pub(crate) async fn exchange(&self, request: &Request) -> Outcome {
        if let Some(Carrier(carry)) = &self.carrier {
            let carried = Carried { method: request.method.name(), url: request.url(&self.base), body: request.body.clone() };
            return self.brought(carry(carried).await);
        }
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.http.request(method, request.url(&self.base)).header(AUTHORIZATION, self.authorization.clone());
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let writes = request.method != Method::Get;
        crash_points(["request.before", "write.before"], writes);
        let mut response = match builder.send().await {
            Ok(response) => response,
            Err(error) if error.is_builder() => return Outcome::Unsent(connect::cause(&error)),
            Err(error) if error.is_connect() && connect::is_untrusted(&error) => return Outcome::Untrusted(connect::cause(&error)),
            Err(error) if error.is_connect() => return Outcome::Unsent(format!("no connection: {}", self.reason(&error))),
            Err(error) => return Outcome::Lost(self.reason(&error)),
        };
        crash_points(["answer.received", "write.answered"], writes);
        let status = response.status().as_u16();
        let limits = Limits::read(response.headers(), self.clock.now());
        if let Some(ahead) = ahead(response.headers(), self.clock.now()) {
            let _ = self.ahead.set(ahead);
        }
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (request_id, location) = (header("x-request-id"), header("location"));
        match self.whole(&mut response).await {
            Ok(bytes) => {
                let body = json(&bytes);
                let answer = Answer::read(status, request_id, location, body.as_ref().ok(), &bytes);
                Outcome::Answered { status, limits, answer, body, is_whole: true }
            }
            Err(why) => broken_off(limits, Answer::read(status, request_id, location, None, b""), why),
        }
    }

    fn brought(&self, brought: Result<Brought, Broken>) -> Outcome {
        let brought = match brought {
            Ok(brought) => brought,
            Err(Broken::Unsent(why)) => return Outcome::Unsent(why),
            Err(Broken::Lost(why)) => return Outcome::Lost(why),
            Err(Broken::Off(status)) => {
                return broken_off(Limits::default(), Answer::read(status, None, None, None, b""), "the line was cut".to_owned());
            }
        };
        let header = |(name, value): &(String, String)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?));
        let headers: HeaderMap = brought.headers.iter().filter_map(header).collect();
        let body = json(&brought.body);
        let answer = Answer::read(brought.status, None, None, body.as_ref().ok(), &brought.body);
        let limits = Limits::read(&headers, self.clock.now());
        Outcome::Answered { status: brought.status, limits, answer, body, is_whole: true }
    }

    /// The body of an answer. One that does not end must not fill the memory.
    async fn whole(&self, response: &mut reqwest::Response) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.reason(&error))? {
            if bytes.len() + piece.len() > LONGEST_ANSWER {
                return Err(format!("it is longer than {} MiB", LONGEST_ANSWER >> 20));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    fn reason(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() && !error.is_connect() {
            return format!("no answer within {:?}", self.timeout);
        }
        connect::cause(error)
    }
}

/// An answer of which the body is missing. A refusal did nothing, whatever its reason was.
fn broken_off(limits: Limits, answer: Answer, why: String) -> Outcome {
    match answer.status {
        200..300 => Outcome::Lost(format!("the answer broke off: {why}")),
        status => Outcome::Answered { status, limits, answer, body: Err(why), is_whole: false },
    }
}

/// Whether a refusal is told apart by its reason (an event is pending, it holds already), and not by its status alone.
fn needs_its_reason(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 401 | 403 | 404 | 408 | 429)
}

/// A body; nothing is null.
fn json(bytes: &[u8]) -> Result<Value, String> {
    if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(bytes).map_err(|error| error.to_string()) }
}

/// Crash points of every request, and of those that change something.
pub(crate) fn crash_points([all, writes]: [&str; 2], is_write: bool) {
    crash_point(all);
    if is_write {
        crash_point(writes);
    }
}

/// What the last attempt means, where this or an earlier one may have taken effect.
pub(crate) fn conclude(
    request: &Request,
    outcome: Outcome,
    attempts: u32,
    may_have_acted: bool,
    token: &Arc<str>,
) -> Result<Value, ApiError> {
    let asked = request.asked(attempts);
    let unknown = |asked, why| {
        let write = request.method != Method::Get;
        if write && may_have_acted { ApiError::Ambiguous { asked, why } } else { ApiError::Broken { asked, why } }
    };
    match outcome {
        Outcome::Untrusted(why) if !may_have_acted => Err(ApiError::Untrusted { asked, why }),
        Outcome::Unsent(why) | Outcome::Untrusted(why) | Outcome::Lost(why) => Err(unknown(asked, why)),
        Outcome::Answered { status: 200..300, body, .. } => {
            body.map_err(|error| unknown(asked, format!("the answer is not JSON: {error}")))
        }
        Outcome::Answered { status, limits, answer, .. } => Err(match status {
            401 => ApiError::Refused { asked, answer, scopes: Vec::new(), token: Arc::clone(token) },
            403 => {
                let (method, body) = (request.method.name(), request.body.as_ref());
                let mut scopes = scopes::of_request(method, &request.path, &request.query, body);
                let implied = scopes::implied(method, &request.path, body);
                scopes.extend(implied);
                scopes.sort_unstable();
                scopes.dedup();
                ApiError::Refused { asked, answer, scopes, token: Arc::clone(token) }
            }
            404 => ApiError::NotFound { asked },
            429 => ApiError::Throttled { asked, wait: limits.pause(status).unwrap_or_default() },
            400..500 if status != 408 => ApiError::Rejected { asked, answer },
            300..400 => ApiError::Broken { asked, why: answer.message },
            _ => unknown(asked, format!("the API answered {status}: {}", answer.message)),
        }),
    }
}
