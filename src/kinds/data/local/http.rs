//! `data "http"`: what a server answers.
//!
//! Invariant: as `hashicorp/http` 3 has it: a status of any kind is a result. On a machine that is to ask nobody the answer is made up.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Answer, Local, Read, given};
use crate::attr::{Attr, Change, Lit, Ty};
use crate::complaints::{self, Complaints};
use crate::valid::Valid;
use dofloat_api::client::Client;
use dofloat_api::http::{HttpRequest, HttpResponse};
use dofloat_base::value::{Body, Term, Value};

const OF: &[&str] = &["url", "request_headers", "request_body", "client_key_pem"];

pub(super) static HTTP: Local = Local {
    rows: &[
        Attr::required("url", Ty::String, Change::Local, "Who is asked."),
        given("method", Ty::String, "GET, HEAD or POST.").default(Lit::Str("GET")).valid(Valid::OneOf(&["GET", "HEAD", "POST"])),
        given("request_headers", Ty::Map(&Ty::String), "Headers that are sent."),
        given("request_body", Ty::String, "What is sent."),
        given("request_timeout_ms", Ty::Number, "How long an answer may take, in milliseconds.").valid(Valid::Between(1, 86_400_000)),
        given("ca_cert_pem", Ty::String, "Certificates to trust."),
        given("client_cert_pem", Ty::String, "The own certificate."),
        given("client_key_pem", Ty::String, "Its key."),
        given("insecure", Ty::Bool, "Whether any certificate is good enough."),
        given("retry", Ty::List(&Ty::Object(RETRY)), "When it is asked again.").block(),
        Attr::computed("status_code", Ty::Number, "The status."),
        Attr::computed("response_headers", Ty::Map(&Ty::String), "The headers of the answer.").repeats(OF),
        Attr::computed("response_body", Ty::String, "The answer.").repeats(OF),
        Attr::computed("response_body_base64", Ty::String, "The answer, in base64: for what is not text.").repeats(OF),
        Attr::computed("body", Ty::String, "The old name of `response_body`.").repeats(OF),
        Attr::computed("id", Ty::String, "Who is asked.").repeats(&["url"]),
    ],
    check,
    read: Read::Fetch(read),
};

const RETRY: &[Attr] = &[
    given("attempts", Ty::Number, "How often, beside the first time.").valid(Valid::Between(0, 100)),
    given("min_delay_ms", Ty::Number, "The first pause, in milliseconds.").valid(Valid::Between(0, 3_600_000)),
    given("max_delay_ms", Ty::Number, "The longest pause, in milliseconds.").valid(Valid::Between(0, 3_600_000)),
];

fn check(body: &Term, complaints: &mut Complaints) {
    let [certificate, key] = ["client_cert_pem", "client_key_pem"];
    let alone = |one, other| complaints::is_given(body, one) && body.get(other).is_null();
    if alone(certificate, key) || alone(key, certificate) {
        complaints.error(&[], "`client_cert_pem` and `client_key_pem` are given together.", "Add the other one.");
    }
}

fn read<'a>(api: &'a Client, given: &'a Body) -> Answer<'a> {
    Box::pin(async move {
        let request = request(given);
        let answer = if api.machine().asks_nobody { Ok(made_up(&request.url)) } else { api.send_http(&request).await };
        let HttpResponse { status, headers, body } = answer.map_err(|why| format!("{} gives no answer: {why}", shown(&request.url)))?;
        let text: Value = String::from_utf8_lossy(&body).into_owned().into();
        let headers = headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        let all = [
            ("id", request.url.into()),
            ("status_code", i64::from(status).into()),
            ("response_headers", Value::Map(headers)),
            ("body", text.clone()),
            ("response_body", text),
            ("response_body_base64", STANDARD.encode(&body).into()),
        ];
        Ok(all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    })
}

/// An address without what may be secret in it.
fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().filter(|url| !url.contains('@')).unwrap_or("the server")
}

fn request(given: &Body) -> HttpRequest {
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
    let retry = given.get("retry").and_then(Value::as_list).and_then(|blocks| blocks.first()).and_then(Value::as_map);
    let number = |of: Option<&Body>, name: &str| match of.and_then(|of| of.get(name)) {
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    };
    let millis = |name: &str, default: u64| Duration::from_millis(number(retry, name).unwrap_or(default));
    let headers: BTreeMap<String, String> = match given.get("request_headers") {
        Some(Value::Map(map)) => map.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
        _ => BTreeMap::new(),
    };
    let identity = text("client_cert_pem").zip(text("client_key_pem")).map(|(certificate, key)| format!("{certificate}\n{key}"));
    HttpRequest {
        url: text("url").unwrap_or_default(),
        method: text("method").unwrap_or_else(|| "GET".to_owned()),
        headers,
        body: text("request_body"),
        timeout: number(Some(given), "request_timeout_ms").map(Duration::from_millis),
        roots: text("ca_cert_pem"),
        identity,
        insecure: given.get("insecure") == Some(&Value::Bool(true)),
        retries: number(retry, "attempts").and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        // The provider's own defaults, in milliseconds.
        pauses: (millis("min_delay_ms", 1000), millis("max_delay_ms", 30_000)),
    }
}

/// What most files ask for: the address that they are run at. It is one of the addresses for documentation (RFC 5737).
fn made_up(url: &str) -> HttpResponse {
    let body = if url.contains("json") { "{\"ip\":\"203.0.113.1\"}\n" } else { "203.0.113.1\n" };
    let headers = BTreeMap::from([("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())]);
    HttpResponse { status: 200, headers, body: body.as_bytes().to_vec() }
}
