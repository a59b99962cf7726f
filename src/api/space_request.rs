//! Requests to Spaces, the object storage, in the protocol of Amazon's S3, signed with a key of their own.
//!
//! Invariant: the key goes into the signature and nowhere else, and the account's token never goes there. What may be repeated is
//! repeated by the rules of the API's own requests. It must not know what buckets are for.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::Duration;

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequest;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Client;
use super::connect::{self, connections_at};
use super::error::{Answer, ApiError, Asked};
use super::exchange::{LONGEST_ANSWER, crash_points};
use super::request::{Repeat, segment};
use super::retry::{self, Attempt, Tried, Verdict};
use super::spaces::SpacesKey;
use super::waiting::{Cause, Waiting};

/// How many bytes a second go out at least.
const SLOWEST: u64 = 64 << 10;
/// Where an endpoint has the region.
const REGION: &str = "{{.Region}}";

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Reads all but the content.
    Head,
    /// Brings about a final value.
    Put,
    /// Makes what must not be made twice.
    Make,
    /// Takes away several.
    Post,
    /// Takes away; what is not there is taken away.
    Delete,
}

impl Verb {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put | Self::Make => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    const fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::Head)
    }
}

/// A request to the Spaces of a region.
#[derive(Clone, Debug)]
pub struct SpaceRequest<'a> {
    /// What it does.
    pub verb: Verb,
    /// The region.
    pub region: &'a str,
    /// The bucket.
    pub bucket: &'a str,
    /// The object; nothing for the bucket itself.
    pub key: Option<&'a str>,
    /// What of it, and further arguments.
    pub query: Vec<(&'a str, String)>,
    /// Headers besides those of every request.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// What is sent.
    pub body: Vec<u8>,
}

impl<'a> SpaceRequest<'a> {
    /// A request about a bucket; `part` is one of its settings, or nothing.
    #[must_use]
    pub fn new(verb: Verb, region: &'a str, bucket: &'a str, part: &'a str) -> Self {
        let query = if part.is_empty() { Vec::new() } else { vec![(part, String::new())] };
        Self { verb, region, bucket, key: None, query, headers: Vec::new(), body: Vec::new() }
    }

    /// The same of an object.
    #[must_use]
    pub fn of(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same with an argument.
    #[must_use]
    pub fn asking(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn body(self, body: Vec<u8>) -> Self {
        Self { body, ..self }
    }

    fn path(&self) -> String {
        let parts = self.key.into_iter().flat_map(|key| key.split('/'));
        let parts = [self.bucket].into_iter().filter(|bucket| !bucket.is_empty()).chain(parts);
        format!("/{}", parts.map(segment).collect::<Vec<_>>().join("/"))
    }

    fn asked(&self, attempts: u32) -> Asked {
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| if value.is_empty() { (*name).to_owned() } else { format!("{name}={}", segment(value)) })
            .collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        Asked { method: self.verb.name(), path: format!("spaces {}{}{query}", self.region, self.path()), attempts }
    }

    fn url(&self, endpoint: &str, at: Option<SocketAddr>) -> Result<Url, String> {
        let text = endpoint.replace(REGION, &self.region.to_lowercase());
        let mut url: Url = text.parse().map_err(|error| format!("the address of Spaces is not valid: {error}"))?;
        if !connect::may_be_asked(&url) && !at.is_some_and(|at| at.ip().is_loopback()) {
            return Err("the address of Spaces is plain HTTP to a public host".to_owned());
        }
        url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), self.path()));
        for (name, value) in &self.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url)
    }
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub struct SpaceAnswer {
    asked: Option<Asked>,
    headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl SpaceAnswer {
    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Every header, by its name in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// The body as XML.
    ///
    /// # Errors
    /// If it has another form.
    pub fn xml<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let text = String::from_utf8_lossy(&self.body);
        quick_xml::de::from_str(&text).map_err(|error| {
            let asked = self.asked.clone().unwrap_or(Asked { method: "GET", path: String::new(), attempts: 1 });
            ApiError::Broken { asked, why: format!("the answer does not have the expected form: {error}") }
        })
    }
}

/// A body in XML, below an element of that name.
///
/// # Errors
/// If it cannot be written so.
pub fn xml(root: &str, value: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    let text = quick_xml::se::to_string_with_root(root, value);
    text.map(String::into_bytes).map_err(|error| ApiError::Local { what: format!("the request cannot be written as XML: {error}") })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refusal {
    code: String,
    message: String,
    request_id: Option<String>,
}

enum Returned {
    Answered(StatusCode, SpaceAnswer),
    Unsent(String),
    Untrusted(String),
    Lost(String),
}

impl Client {
    /// Why no Spaces can be asked, if there is no key; and what to set.
    #[must_use]
    pub fn lacks_spaces_key(&self) -> Option<&'static str> {
        self.spaces().settings.key.as_ref().err().copied()
    }

    /// Asks Spaces.
    ///
    /// # Errors
    /// `Ambiguous` if it may have taken effect; `Rejected` with the code of the refusal as its id.
    pub async fn space(&self, request: &SpaceRequest<'_>) -> Result<SpaceAnswer, ApiError> {
        let way = self.spaces();
        let key = way.settings.key.as_ref().map_err(|lacks| ApiError::Local { what: format!("there is no key for Spaces. {lacks}") })?;
        let local = |what: String| ApiError::Local { what };
        let url = request.url(&way.settings.endpoint, way.settings.at).map_err(local)?;
        let http = self.space_connections(&url).map_err(local)?;
        let repeat = if request.verb == Verb::Make { Repeat::Once } else { Repeat::Safe };
        let (mut tried, mut attempts, mut may_have_acted) = (Tried::default(), 0, false);
        let start = self.clock().tick();
        loop {
            attempts += 1;
            let returned = {
                let _in_flight = match self.slot() {
                    Some(slot) => slot.enter().await,
                    None => None,
                };
                self.space_once(request, &url, &http, key).await
            };
            let attempt = returned.attempt();
            may_have_acted |= attempt.may_have_acted();
            let pause = match retry::decide(repeat, attempt, tried, &self.patience(), self.chance()) {
                Verdict::Take => return conclude(request, returned, attempts, may_have_acted, &key.source),
                Verdict::Again(pause) => pause,
            };
            match attempt {
                Attempt::Answered { status: 429, .. } => tried.throttled += 1,
                _ => tried.failed += 1,
            }
            let asked = request.asked(attempts);
            let (what, elapsed) = (format!("{} {}", asked.method, asked.path), self.clock().tick().since(start));
            self.tell(&Waiting { what, elapsed, pause, cause: Cause::Retry, ..Waiting::default() });
            self.pause(pause).await;
        }
    }

    fn space_connections(&self, url: &Url) -> Result<reqwest::Client, String> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut known = self.spaces().connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(http) = known.get(&host) {
            return Ok(http.clone());
        }
        let http = connections_at(url, self.spaces().settings.at, self.timeout(), self.machine().ca_file.as_deref())
            .map_err(|error| error.to_string())?;
        known.insert(host, http.clone());
        Ok(http)
    }

    async fn space_once(&self, request: &SpaceRequest<'_>, url: &Url, http: &reqwest::Client, key: &SpacesKey) -> Returned {
        let signed = match signed(request, url, key, self.timeout()) {
            Ok(signed) => signed,
            Err(why) => return Returned::Unsent(why),
        };
        let asked = request.asked(1);
        crash_points(["request.before", "write.before"], request.verb.writes());
        let mut response = match http.execute(signed).await {
            Ok(response) => response,
            Err(error) if error.is_connect() && connect::is_untrusted(&error) => return Returned::Untrusted(connect::cause(&error)),
            Err(error) if error.is_builder() || error.is_connect() => return Returned::Unsent(connect::cause(&error)),
            Err(error) => return Returned::Lost(connect::cause(&error)),
        };
        crash_points(["answer.received", "write.answered"], request.verb.writes());
        let (status, headers, mut body) = (response.status(), response.headers().clone(), Vec::new());
        loop {
            match response.chunk().await {
                Ok(Some(piece)) if body.len() + piece.len() <= LONGEST_ANSWER => body.extend_from_slice(&piece),
                Ok(Some(_)) => return Returned::Lost(format!("the answer is longer than {} MiB", LONGEST_ANSWER >> 20)),
                Ok(None) => break,
                Err(error) => return Returned::Lost(format!("the answer broke off: {}", connect::cause(&error))),
            }
        }
        tracing::debug!(method = asked.method, path = asked.path, status = status.as_u16(), "answered");
        Returned::Answered(status, SpaceAnswer { asked: Some(asked), headers, body })
    }
}

/// The request as it goes out. The signature is good for its moment, so each attempt has its own.
fn signed(request: &SpaceRequest<'_>, url: &Url, key: &SpacesKey, limit: Duration) -> Result<reqwest::Request, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let method = Method::from_bytes(request.verb.name().as_bytes()).map_err(|error| told(&error))?;
    let mut plain = HttpRequest::new(request.body.clone().into());
    *plain.method_mut() = method.clone();
    *plain.uri_mut() = url.as_str().parse().map_err(|error| told(&error))?;
    for (name, value) in &request.headers {
        let value = HeaderValue::from_str(value).map_err(|_| format!("`{name}` holds what no header can hold"))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no header"))?;
        plain.headers_mut().append(name, value);
    }
    let credential = AwsCredential { key_id: key.id.expose().clone(), secret_key: key.secret.expose().clone(), token: None };
    let region = request.region.to_lowercase();
    AwsAuthorizer::new(&credential, "s3", &region).try_authorize(&mut plain, None).map_err(|error| told(&error))?;
    let mut headers = std::mem::take(plain.headers_mut());
    headers.values_mut().for_each(|value| value.set_sensitive(true));
    let mut signed = reqwest::Request::new(method, url.clone());
    *signed.headers_mut() = headers;
    *signed.body_mut() = Some(request.body.clone().into()).filter(|_| !request.body.is_empty());
    *signed.timeout_mut() = Some(limit + Duration::from_secs(request.body.len() as u64 / SLOWEST));
    if request.body.is_empty() && matches!(request.verb, Verb::Put | Verb::Make) {
        signed.headers_mut().insert(reqwest::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(signed)
}

impl Returned {
    fn attempt(&self) -> Attempt {
        match self {
            // It was not done: there is too much to do, or another request is at work on the same.
            Self::Answered(StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT, answer)
                if ["SlowDown", "OperationAborted"].contains(&refusal(answer).code.as_str()) =>
            {
                Attempt::Answered { status: 429, after: None }
            }
            Self::Answered(status, _) => Attempt::Answered { status: status.as_u16(), after: None },
            Self::Unsent(_) => Attempt::Unsent,
            Self::Untrusted(_) => Attempt::Untrusted,
            Self::Lost(_) => Attempt::Lost,
        }
    }
}

fn refusal(answer: &SpaceAnswer) -> Refusal {
    quick_xml::de::from_str(&String::from_utf8_lossy(&answer.body)).unwrap_or_default()
}

fn conclude(
    request: &SpaceRequest<'_>,
    returned: Returned,
    attempts: u32,
    may_have_acted: bool,
    source: &str,
) -> Result<SpaceAnswer, ApiError> {
    let asked = request.asked(attempts);
    let unknown = |asked, why| {
        if request.verb.writes() && may_have_acted { ApiError::Ambiguous { asked, why } } else { ApiError::Broken { asked, why } }
    };
    let (status, answer) = match returned {
        Returned::Untrusted(why) if !may_have_acted => return Err(ApiError::Untrusted { asked, why }),
        Returned::Unsent(why) | Returned::Untrusted(why) | Returned::Lost(why) => return Err(unknown(asked, why)),
        Returned::Answered(status, answer) if status.is_success() => return Ok(answer),
        Returned::Answered(status, answer) => (status.as_u16(), answer),
    };
    let Refusal { code, message, request_id } = refusal(&answer);
    let mut words: Vec<String> = [message, code.clone()].into_iter().filter(|text| !text.is_empty()).collect();
    if status == 401 || status == 403 {
        words.push(format!("the key comes from {source}"));
    }
    if words.is_empty() {
        words.push("no reason given".to_owned());
    }
    let message = words.join("; ").chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(400).collect();
    let answer = Answer { status, id: code, message, request_id };
    Err(match status {
        404 => ApiError::NotFound { asked },
        429 => ApiError::Throttled { asked, wait: Duration::ZERO },
        503 if answer.id == "SlowDown" => ApiError::Throttled { asked, wait: Duration::ZERO },
        300..500 if status != 408 => ApiError::Rejected { asked, answer },
        _ => unknown(asked, format!("Spaces answered {status}: {}", answer.message)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::spaces::ENDPOINT;
    use super::*;
    use dofloat_base::secret::Secret;

    #[test]
    fn a_request_says_what_it_asks_and_goes_where_the_region_is() {
        let request = SpaceRequest::new(Verb::Put, "NYC3", "web", "cors").of("a b/c").asking("x", "1/2");
        let url = request.url(ENDPOINT, None).expect("an address");
        assert_eq!(url.as_str(), "https://nyc3.digitaloceanspaces.com/web/a%20b/c?cors=&x=1%2F2");
        let asked = request.asked(2);
        assert_eq!((asked.method, asked.path.as_str()), ("PUT", "spaces NYC3/web/a%20b/c?cors&x=1%2F2"));
        assert!(request.url("http://example.com", None).is_err());
        assert_eq!(request.url("http://127.0.0.1:9/s3/", None).expect("near").as_str(), "http://127.0.0.1:9/s3/web/a%20b/c?cors=&x=1%2F2");
    }

    #[test]
    fn a_key_is_in_no_message_and_each_request_is_signed() {
        let key = SpacesKey { id: Secret::new("DO00".to_owned()), secret: Secret::new("hunter2".to_owned()), source: "test".to_owned() };
        let request = SpaceRequest::new(Verb::Make, "nyc3", "web", "").header("x-amz-acl", "private");
        let url = request.url(ENDPOINT, None).expect("an address");
        let signed = signed(&request, &url, &key, Duration::from_secs(60)).expect("a signature");
        let authorization = signed.headers()["authorization"].to_str().expect("a text");
        assert!(authorization.contains("/nyc3/s3/aws4_request") && authorization.contains("x-amz-acl"), "{authorization}");
        assert!(!format!("{key:?}{signed:?}").contains("hunter2") && !format!("{signed:?}").contains("Signature"));
    }

    #[test]
    fn refusals_are_read() {
        let request = SpaceRequest::new(Verb::Make, "nyc3", "web", "");
        let of = |status: u16, body: &str| {
            let answer = SpaceAnswer { body: body.as_bytes().to_vec(), ..SpaceAnswer::default() };
            let returned = Returned::Answered(StatusCode::from_u16(status).expect("a status"), answer);
            let acted = returned.attempt().may_have_acted();
            conclude(&request, returned, 1, acted, "the environment").expect_err("a refusal")
        };
        let text =
            "<?xml version=\"1.0\"?><Error><Code>BucketAlreadyExists</Code><Message>Taken\n</Message><BucketName>web</BucketName></Error>";
        let ApiError::Rejected { answer, .. } = of(409, text) else { panic!("rejected") };
        assert_eq!((answer.id.as_str(), answer.message.as_str()), ("BucketAlreadyExists", "Taken ; BucketAlreadyExists"));
        assert!(
            of(403, "<Error><Code>AccessDenied</Code></Error>").to_string().contains("AccessDenied; the key comes from the environment")
        );
        assert!(matches!(of(404, ""), ApiError::NotFound { .. }));
        assert!(matches!(of(503, "<Error><Code>SlowDown</Code></Error>"), ApiError::Throttled { .. }));
        assert!(matches!(of(500, "<html>"), ApiError::Ambiguous { .. }));
    }
}
