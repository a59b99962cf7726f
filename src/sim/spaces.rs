//! Spaces: buckets and what lies in them, asked for by the S3 protocol.
//!
//! Invariant: the protocol (signatures, the forms of requests and answers) is the library `s3s`, which nobody here wrote; here is
//! what the requests do. It has its own host, one for each region (`nyc3.localhost`); faults name the paths `/spaces/REGION/BUCKET/KEY`.

mod bucket_store;
mod buckets;
mod objects;
mod service;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::to_bytes;
use futures_util::FutureExt as _;
use s3s::HttpRequest;
use s3s::service::S3ServiceBuilder;

use super::faults::FaultKind;
use super::handle::after;
use super::objects::space::Space;
use super::plain::spaces_keys;
use super::wire::{Delivery, Raw, Request, Response};
use super::world::{Made, World};
use bucket_store::BucketStore;
use service::{Access, Keys, Service};

/// A key that opens every bucket of a simulated account: its id, and its secret.
pub const SPACES_KEY: [&str; 2] = ["DO00SIMULATEDACCOUNT", "simulated-secret-of-every-bucket"];
/// Where Spaces are.
pub(super) const REGIONS: [&str; 12] = ["ams3", "atl1", "blr1", "fra1", "lon1", "nyc3", "ric1", "sfo2", "sfo3", "sgp1", "syd1", "tor1"];

/// The key of an object's lag.
fn key(bucket: &str) -> String {
    format!("space:{bucket}")
}

impl World {
    /// Answers a request below `/spaces/`.
    pub(super) fn handle_space(&mut self, request: &Request) -> Response {
        let triggered = self.receive(request);
        let answered = match before(&triggered) {
            Some(refusal) => refusal,
            None => {
                let answered = self.space(request);
                self.apply_faults(&triggered);
                after(&triggered).map_or(answered, |refusal| error(refusal.status, "InternalError", &refusal.message))
            }
        };
        if !matches!(request.method.as_str(), "GET" | "HEAD") && answered.0 < 300 {
            self.touch();
        }
        let wire = triggered.iter().map(FaultKind::wire).find(|wire| *wire != Delivery::Whole).unwrap_or_default();
        Response { status: answered.0, headers: Vec::new(), body: None, raw: Some(answered.1), wire }
    }

    /// Another account has a bucket of that name.
    pub fn take_space(&mut self, name: &str, region: &str) {
        let space = Space { region: region.to_owned(), is_foreign: true, ..Space::default() };
        self.spaces.insert(name.to_owned(), space);
        self.touch();
    }

    fn space(&mut self, request: &Request) -> (u16, Raw) {
        let below = request.path.strip_prefix("/spaces/").unwrap_or_default();
        let (region, path) = below.split_once('/').unwrap_or((below, ""));
        if !REGIONS.contains(&region) {
            return error(404, "NoSuchRegion", "There are no Spaces here.");
        }
        let bucket = path.split('/').next().unwrap_or_default();
        let makes = request.method == "PUT" && request.query.is_empty() && !path.contains('/');
        if !makes && !bucket.is_empty() && self.found(&key(bucket)).is_err() {
            return error(404, "NoSuchBucket", "The specified bucket does not exist.");
        }
        let Some(asked) = http(request, path) else { return error(400, "InvalidRequest", "The request cannot be read.") };
        let store = BucketStore {
            spaces: std::mem::take(&mut self.spaces),
            region: region.to_owned(),
            seed: self.seed,
            now: self.asked_at().0,
            made: Vec::new(),
        };
        let store = Arc::new(Mutex::new(store));
        let mut builder = S3ServiceBuilder::new(Service(Arc::clone(&store)));
        // What somebody else does by hand is not signed.
        if request.signed.is_some() {
            let (keys, grants) = self.space_keys();
            builder.set_auth(Keys(keys));
            builder.set_access(Access(grants));
        }
        let answered = builder.build().call(asked).now_or_never();
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        self.spaces = std::mem::take(&mut store.spaces);
        for bucket in std::mem::take(&mut store.made) {
            self.note(Made::Other(key(&bucket)));
        }
        drop(store);
        match answered {
            Some(Ok(response)) => raw(response),
            Some(Err(why)) => error(500, "InternalError", &format!("{why:?}")),
            None => error(500, "InternalError", "The simulator did not answer at once."),
        }
    }

    /// The secrets of keys, and what those open that do not open all.
    #[expect(clippy::type_complexity, reason = "two tables by the same key")]
    fn space_keys(&self) -> (BTreeMap<String, String>, BTreeMap<String, Vec<(String, String)>>) {
        let (mut keys, mut grants) = (BTreeMap::from([(SPACES_KEY[0].to_owned(), SPACES_KEY[1].to_owned())]), BTreeMap::new());
        for (id, object) in self.plain.get("/v2/spaces/keys").into_iter().flatten() {
            keys.insert(id.clone(), spaces_keys::secret(self.seed, id));
            let all = object.fields.get("grants").and_then(serde_json::Value::as_array).into_iter().flatten();
            let text = |of: &serde_json::Value| of.as_str().unwrap_or_default().to_owned();
            grants.insert(id.clone(), all.map(|grant| (text(&grant["bucket"]), text(&grant["permission"]))).collect());
        }
        (keys, grants)
    }
}

/// The request as it came over the line; one that did not is made up.
fn http(request: &Request, path: &str) -> Option<HttpRequest> {
    let mut asked = HttpRequest::new(s3s::Body::from(request.body.clone()));
    *asked.method_mut() = request.method.parse().ok()?;
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
    let uri = request.signed.as_ref().map_or_else(|| format!("/{path}?{query}"), |signed| signed.uri.clone());
    *asked.uri_mut() = uri.parse().ok()?;
    for (name, value) in request.signed.iter().flat_map(|signed| &signed.headers) {
        let name: axum::http::HeaderName = name.parse().ok()?;
        asked.headers_mut().append(name, value.parse().ok()?);
    }
    Some(asked)
}

fn raw(response: s3s::HttpResponse) -> (u16, Raw) {
    let (parts, body) = response.into_parts();
    let body = to_bytes(axum::body::Body::new(body), usize::MAX).now_or_never().and_then(Result::ok).unwrap_or_default();
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    (parts.status.as_u16(), Raw { headers, body: body.to_vec() })
}

/// The fault that befalls the request before it takes effect.
fn before(triggered: &[FaultKind]) -> Option<(u16, Raw)> {
    triggered.iter().find_map(|what| match what {
        FaultKind::Unauthorized => Some(error(403, "InvalidAccessKeyId", "The key is not known.")),
        FaultKind::Throttle { .. } => Some(error(503, "SlowDown", "Please reduce your request rate.")),
        FaultKind::ErrorBefore { status } => Some(error(*status, "InternalError", "Unexpected server-side error")),
        FaultKind::ResetBefore | FaultKind::CloseBefore | FaultKind::PageBefore | FaultKind::NeverBefore => {
            Some(error(503, "InternalError", ""))
        }
        _ => None,
    })
}

fn error(status: u16, code: &str, message: &str) -> (u16, Raw) {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
    (status, Raw { headers: vec![("content-type".to_owned(), "application/xml".to_owned())], body: body.into_bytes() })
}

#[cfg(test)]
mod tests {
    use super::super::test_world::TestWorld;
    use super::super::wire::Request;

    fn ask(test: &mut TestWorld, method: &str, target: &str, body: &str) -> (u16, String) {
        let request = Request { body: body.as_bytes().to_vec(), ..Request::new(method, target, None) };
        let response = test.world.handle(&request);
        (response.status, String::from_utf8_lossy(&response.raw.unwrap().body).into_owned())
    }

    #[test]
    fn a_bucket_lives_and_goes_when_it_is_empty() {
        let mut test = TestWorld::new();
        assert_eq!(ask(&mut test, "PUT", "/spaces/nyc3/web", "").0, 200);
        let (status, text) = ask(&mut test, "GET", "/spaces/nyc3/web?location", "");
        assert!(status == 200 && text.contains("nyc3"), "{status} {text}");
        assert_eq!(ask(&mut test, "GET", "/spaces/fra1/web?location", "").0, 404);
        assert_eq!(ask(&mut test, "PUT", "/spaces/nyc3/web/a/b", "hello").0, 200);
        assert_eq!(ask(&mut test, "GET", "/spaces/nyc3/web/a/b", ""), (200, "hello".to_owned()));
        let (status, text) = ask(&mut test, "DELETE", "/spaces/nyc3/web", "");
        assert!(status == 409 && text.contains("BucketNotEmpty"), "{status} {text}");
        assert_eq!(ask(&mut test, "DELETE", "/spaces/nyc3/web/a/b", "").0, 204);
        assert_eq!(test.world.summary()["spaces"], 1);
        assert_eq!(ask(&mut test, "DELETE", "/spaces/nyc3/web", "").0, 204);
        assert!(test.world.is_fresh());
    }

    #[test]
    fn the_bucket_of_another_account_is_not_there_for_us_and_its_name_is_taken() {
        let mut test = TestWorld::new();
        test.world.take_space("web", "nyc3");
        let (status, text) = ask(&mut test, "PUT", "/spaces/nyc3/web", "");
        assert!(status == 409 && text.contains("BucketAlreadyExists"), "{text}");
        assert_eq!(ask(&mut test, "GET", "/spaces/nyc3/web?location", "").0, 403);
        assert_eq!(test.world.summary().get("spaces"), None);
    }

    #[test]
    fn what_is_not_signed_with_a_key_is_refused() {
        let mut test = TestWorld::new();
        let signed = Some(super::super::wire::Signed { uri: "/web".to_owned(), headers: Vec::new() });
        let response = test.world.handle(&Request { signed, ..Request::new("PUT", "/spaces/nyc3/web", None) });
        assert_eq!(response.status, 403);
        assert!(test.world.is_fresh());
    }
}
