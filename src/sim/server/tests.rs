//! The server over real sockets, asked by hand-written requests.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::test_world::wanted;
use super::super::{Options, Running, running_at, start};
use super::*;

/// A raw answer: what came before the line ended.
struct Raw {
    bytes: Vec<u8>,
    ended: io::Result<()>,
}

impl Raw {
    fn status(&self) -> u16 {
        let text = String::from_utf8_lossy(&self.bytes);
        text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap().to_owned();
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }

    fn body(&self) -> String {
        String::from_utf8_lossy(&self.bytes).split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body()).unwrap()
    }
}

fn host(running: &Running) -> String {
    running.url.strip_prefix("http://").unwrap().to_owned()
}

async fn send_request(running: &Running, asked: &str, body: &Value) -> TcpStream {
    let token = if asked.contains("/_sim/") { running.token.as_str() } else { "hush" };
    send_with(running, asked, &format!("host: {}\r\nauthorization: Bearer {token}\r\n", host(running)), body).await
}

async fn send_with(running: &Running, asked: &str, headers: &str, body: &Value) -> TcpStream {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(host(running)).await.unwrap();
    let head = format!("{asked} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    stream
}

async fn ask(running: &Running, asked: &str, body: Value) -> Raw {
    answer_on(send_request(running, asked, &body).await).await
}

async fn answer_on(mut stream: TcpStream) -> Raw {
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes).await.map(drop);
    Raw { bytes, ended }
}

async fn faulty(fault: &str) -> Running {
    start(Options { faults: vec![fault.parse().unwrap()], ..Options::default() }).await.unwrap()
}

fn droplets(running: &Running) -> usize {
    running.with_world(|world| world.summary()["droplets"])
}

#[tokio::test]
async fn requests_are_answered_and_logged_without_the_token() {
    let running = start(Options::default()).await.unwrap();
    let made = ask(&running, "POST /v2/droplets", wanted("a", json!({ "tags": ["x:y"] }))).await;
    assert_eq!(made.status(), 202);
    assert_eq!(made.header("ratelimit-limit").unwrap(), "5000");
    let link = made.json()["links"]["actions"][0]["href"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&running.url), "{link}");
    assert_eq!(ask(&running, "GET /v2/tags/x%3Ay", Value::Null).await.json()["tag"]["name"], "x:y");
    assert_eq!(ask(&running, "GET /v2/droplets?tag_name=x%3Ay&per_page=1", Value::Null).await.json()["meta"]["total"], 1);
    let log = running.log();
    assert_eq!((log.len(), log[0].status, log[0].is_write(), log[2].query.as_str()), (3, 202, true, "tag_name=x%3Ay&per_page=1"));
    assert!(!format!("{log:?}").contains("hush"));
    running.stop().await;
}

#[tokio::test]
async fn lines_end_as_the_fault_says() {
    for (fault, check) in [
        ("reset-after", (|raw| assert!(raw.ended.is_err() && raw.bytes.is_empty())) as fn(&Raw)),
        ("close-after", |raw| assert!(raw.ended.is_ok() && raw.bytes.is_empty())),
        ("truncate", |raw| {
            let length: usize = raw.header("content-length").unwrap().parse().unwrap();
            assert_eq!((raw.status(), raw.body().len()), (202, length / 2));
        }),
        ("garble", |raw| {
            let length: usize = raw.header("content-length").unwrap().parse().unwrap();
            assert_eq!(raw.body().len(), length);
            assert!(serde_json::from_str::<Value>(&raw.body()).is_err());
        }),
        ("trickle=0", |raw| assert_eq!((raw.status(), raw.json()["droplet"]["name"].clone()), (202, json!("a")))),
    ] {
        let running = faulty(&format!("POST /v2/droplets {fault}")).await;
        let raw = ask(&running, "POST /v2/droplets", wanted("a", json!({}))).await;
        check(&raw);
        assert_eq!(droplets(&running), 1, "{fault}");
        assert_eq!(ask(&running, "GET /v2/account", Value::Null).await.status(), 200, "{fault}");
        running.stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_holds_up_nobody_else() {
    let running = faulty("POST /v2/droplets never-after").await;
    let mut waiting = send_request(&running, "POST /v2/droplets", &wanted("a", json!({}))).await;
    while droplets(&running) == 0 {
        assert_eq!(ask(&running, "GET /v2/account", Value::Null).await.status(), 200);
    }
    running.stop().await;
    let mut bytes = Vec::new();
    let _ = waiting.read_to_end(&mut bytes).await;
    assert!(bytes.is_empty());
}

#[tokio::test]
async fn a_deaf_server_refuses_connections_until_it_hears_again() {
    let running = start(Options::default()).await.unwrap();
    running.set_deaf(true);
    while TcpStream::connect(host(&running)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    running.set_deaf(false);
    while TcpStream::connect(host(&running)).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&running, "GET /v2/account", Value::Null).await.status(), 200);
    running.stop().await;
}

#[tokio::test]
async fn a_world_is_kept_held_and_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/world.json");
    let options = Options { world: Some(path.clone()), seed: 9, ..Options::default() };
    let running = start(options.clone()).await.unwrap();
    assert_eq!(running_at(&path).unwrap().as_deref(), Some(running.url.as_str()));
    let taken = start(options.clone()).await.map(drop).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::WouldBlock);
    let made = ask(&running, "POST /v2/droplets", wanted("a", json!({}))).await.json();
    let saved: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(saved["droplets"].as_object().unwrap().len(), 1);
    running.stop().await;
    assert_eq!(running_at(&path).unwrap(), None);
    let again = start(Options { seed: 1, ..options }).await.unwrap();
    let read = ask(&again, &format!("GET /v2/droplets/{}", made["droplet"]["id"]), Value::Null).await;
    assert_eq!((read.status(), read.json()["droplet"]["status"].clone()), (200, json!("active")));
    again.stop().await;
}

#[tokio::test]
async fn a_broken_world_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    dofloat_base::durable::write_atomic(&path, b"{", 0o600).unwrap();
    let error = start(Options { world: Some(path), ..Options::default() }).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn requests_that_come_together_share_their_saves_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let running = start(Options { world: Some(path.clone()), ..Options::default() }).await.unwrap();
    let asked = (0..20).map(|n| ask(&running, "POST /v2/droplets", wanted(&format!("n{n}"), json!({}))));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(|raw| raw.status() == 202));
    let saved: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(saved["droplets"].as_object().unwrap().len(), 20);
    running.stop().await;
}

#[tokio::test]
async fn onlookers_have_paths_of_their_own() {
    let running = start(Options::default()).await.unwrap();
    let made = ask(&running, "POST /v2/droplets", wanted("web", json!({ "user_data": "#!/bin/sh" }))).await.json();
    let id = &made["droplet"]["id"];
    assert_eq!(ask(&running, "POST /_sim/advance", json!({ "finish": true })).await.status(), 200);
    let text = ask(&running, &format!("GET /_sim/metadata/{id}/metadata/v1/user-data"), Value::Null).await;
    assert_eq!(text.body(), "#!/bin/sh");
    let moved = ask(&running, &format!("GET /_sim/metadata/{id}/metadata/v1/interfaces"), Value::Null).await;
    assert_eq!((moved.status(), moved.header("location")), (301, Some("interfaces/".to_owned())));
    assert_eq!(ask(&running, "GET /_sim/world", Value::Null).await.json()["summary"]["droplets"], 1);
    let faults = json!({ "faults": ["GET /v2/account error-before=502"] });
    assert_eq!(ask(&running, "POST /_sim/faults", faults).await.status(), 200);
    assert_eq!(ask(&running, "POST /_sim/faults", json!({ "faults": ["nonsense"] })).await.status(), 400);
    assert_eq!(ask(&running, "GET /v2/account", Value::Null).await.status(), 502);
    assert_eq!(ask(&running, "GET /_sim/log", Value::Null).await.json()["exchanges"].as_array().unwrap().len(), 2);
    let delete = json!({ "method": "DELETE", "path": format!("/v2/droplets/{id}") });
    assert_eq!(ask(&running, "POST /_sim/outside", delete).await.json()["status"], 204);
    assert_eq!(ask(&running, "GET /_sim/world", Value::Null).await.json()["fresh"], true);
    assert_eq!(ask(&running, "POST /_sim/reset", Value::Null).await.status(), 200);
    assert_eq!(ask(&running, "GET /_sim/nothing", Value::Null).await.status(), 404);
    running.stop().await;
}

#[tokio::test]
async fn no_web_page_is_answered() {
    let running = start(Options { hosts: vec!["198.51.100.10".to_owned()], ..Options::default() }).await.unwrap();
    let outside = json!({ "method": "POST", "path": "/v2/droplets", "body": wanted("evil", json!({})) });
    let (own, token) = (host(&running), running.token.clone());
    for (host, more, status) in [
        (own.as_str(), "", 200),
        ("localhost:1", "", 200),
        ("198.51.100.10", "sec-fetch-site: none\r\n", 200),
        ("evil.example", "", 403),
        ("evil.example:8640", "", 403),
        (&own, "origin: http://evil.example\r\n", 403),
        (&own, "origin: null\r\n", 403),
        (&own, &format!("origin: {}\r\n", running.url), 403),
        (&own, "sec-fetch-site: cross-site\r\n", 403),
        (&own, "sec-fetch-site: same-origin\r\n", 403),
        ("evil.example\r\nhost: localhost", "", 403),
    ] {
        let headers = format!("host: {host}\r\n{more}content-type: text/plain\r\n");
        for (asked, token) in [("GET /_sim/world?full", token.as_str()), ("GET /v2/account", "any")] {
            let headers = format!("{headers}authorization: Bearer {token}\r\n");
            let raw = answer_on(send_with(&running, asked, &headers, &Value::Null).await).await;
            // Two Host headers are not HTTP at all.
            let expected = if host.contains("\r\n") && raw.status() == 400 { 400 } else { status };
            assert_eq!(raw.status(), expected, "{asked}\n{headers}{}", raw.body());
        }
        let preflight = answer_on(send_with(&running, "OPTIONS /_sim/outside", &headers, &Value::Null).await).await;
        assert!(preflight.status() >= 400 && preflight.header("access-control-allow-origin").is_none());
        // What a page can send without asking: no token.
        assert_ne!(answer_on(send_with(&running, "POST /_sim/outside", &headers, &outside).await).await.status(), 200);
    }
    assert_eq!(droplets(&running), 0);
    running.stop().await;
}

#[tokio::test]
async fn onlookers_have_a_token_of_their_own() {
    let running = start(Options { token: Some("chosen".to_owned()), ..Options::default() }).await.unwrap();
    for path in ["world", "log", "faults", "metadata/1/metadata/v1/user-data", "nothing"] {
        for token in ["", "authorization: Bearer hush\r\n", "authorization: Basic chosen\r\n"] {
            let headers = format!("host: {}\r\n{token}", host(&running));
            let raw = answer_on(send_with(&running, &format!("GET /_sim/{path}"), &headers, &Value::Null).await).await;
            assert_eq!((raw.status(), raw.body().contains("chosen")), (401, false), "{path} {token}");
        }
    }
    assert_eq!(ask(&running, "GET /_sim/world", Value::Null).await.status(), 200);
    running.stop().await;
}

#[tokio::test]
async fn the_real_clock_makes_things_take_their_time() {
    let clock =
        crate::ClockMode::Real { request: Duration::from_millis(1), droplet: Duration::from_secs(3600), action: Duration::from_secs(3600) };
    let running = start(Options { clock, ..Options::default() }).await.unwrap();
    let made = ask(&running, "POST /v2/droplets", wanted("a", json!({}))).await.json();
    let path = format!("GET /v2/droplets/{}", made["droplet"]["id"]);
    assert_eq!(ask(&running, &path, Value::Null).await.json()["droplet"]["status"], "new");
    assert_eq!(ask(&running, "POST /_sim/advance", json!({ "seconds": 3600 })).await.status(), 200);
    assert_eq!(ask(&running, &path, Value::Null).await.json()["droplet"]["status"], "active");
    running.stop().await;
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let options = Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::default() };
    assert_eq!(start(options).await.map(drop).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}
