//! The client against a responder on a real socket that says what its script says. The client's clock is virtual, so pauses
//! cost nothing and can be counted exactly.

use std::net::SocketAddr;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::super::action::Order;
use super::super::looks::{Place, Seen};
use super::super::messages::{Said, said};
use super::super::wait::{Goal, Limit, Poll};
use super::*;
use crate::exchange::LONGEST_ANSWER;
use dofloat_base::clock::Moment;
use dofloat_base::secret::Secret;

const START: Moment = Moment(1_800_000_000_000);

#[derive(Debug, Deserialize, PartialEq)]
struct Thing {
    id: u64,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Envelope {
    thing: Thing,
}

/// What the responder does with one connection.
enum Say {
    /// A whole answer: status, header lines, body.
    Whole(u16, &'static str, String),
    /// Announces more than it sends, and closes.
    Cut(u16, &'static str),
    /// Closes without a word.
    Close,
    /// Keeps the line open and says nothing.
    Silence,
}

fn ok(body: &Value) -> Say {
    Say::Whole(200, "", body.to_string())
}

fn status(status: u16) -> Say {
    Say::Whole(status, "x-request-id: r-1\r\n", json!({"id": "some_id", "message": "some words"}).to_string())
}

fn thing(id: u64) -> Say {
    ok(&json!({"thing": {"id": id}}))
}

struct Responder {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    clock: Clock,
}

impl Responder {
    async fn start(script: Vec<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut kept = Vec::new();
            for say in script {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read(&mut stream).await;
                log.lock().expect("the log").push(request);
                let raw = match say {
                    Say::Whole(status, headers, body) => {
                        format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
                    }
                    Say::Cut(status, body) => format!("HTTP/1.1 {status} X\r\ncontent-length: 1000\r\n\r\n{body}"),
                    Say::Close => String::new(),
                    Say::Silence => {
                        kept.push(stream);
                        continue;
                    }
                };
                // Whoever has heard enough hangs up.
                stream.write_all(raw.as_bytes()).await.ok();
                stream.shutdown().await.ok();
            }
            // Further requests find nobody.
            drop(listener);
            std::future::pending::<()>().await;
        });
        Self { address, heard, clock: Clock::virtual_at(START) }
    }

    fn settings(&self) -> Settings {
        let base = Url::parse(&format!("http://{}", self.address)).expect("a base");
        let settings = Settings::new(base, Secret::new("hunter2".into()), self.clock.clone(), Arc::new(Rng::seeded(1)));
        Settings { retry_max: 2, timeout: Duration::from_secs(20), ..settings }
    }

    fn client(&self) -> Client {
        Client::new(self.settings()).expect("a client")
    }

    /// The first lines of the requests, without the protocol.
    fn lines(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("the log");
        heard.iter().map(|text| text.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned()).collect()
    }

    fn slept(&self) -> Duration {
        self.clock.now().since(START)
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let (mut text, mut piece) = (String::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut piece).await.expect("read");
        text.push_str(std::str::from_utf8(&piece[..count]).expect("ascii"));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().expect("a length"));
        if body.len() >= length {
            return text;
        }
    }
}

/// What an error is, in one word, with its attempts.
fn word(error: &ApiError) -> (&'static str, u32) {
    let word = match error {
        ApiError::Refused { .. } => "refused",
        ApiError::Rejected { .. } => "rejected",
        ApiError::NotFound { .. } => "not found",
        ApiError::Throttled { .. } => "throttled",
        ApiError::Ambiguous { .. } => "ambiguous",
        ApiError::Broken { .. } => "broken",
        ApiError::Untrusted { .. } => "untrusted",
        ApiError::Unseen { .. } | ApiError::CreationFailed { .. } | ApiError::Local { .. } | ApiError::Unsettled { .. } => "unsettled",
    };
    (word, error.asked().map_or(0, |asked| asked.attempts))
}

/// One read, one create and one delete against the same script: the result of each (`Ok` or its word) and its attempts.
async fn check(script: impl Fn() -> Vec<Say>, read: (&str, u32), create: (&str, u32), delete: (&str, u32)) {
    for (verb, expected) in [("read", read), ("create", create), ("delete", delete)] {
        let responder = Responder::start(script()).await;
        let client = responder.client();
        let result = match verb {
            "read" => client.get::<Envelope>("/things/1", &[]).await.map(drop),
            "create" => client.create::<Envelope>("/things", &json!({"name": "a"})).await.map(drop),
            _ => client.delete("/things/1", &[]).await,
        };
        let got = result.as_ref().map_or_else(word, |()| ("ok", u32::try_from(responder.lines().len()).expect("few")));
        assert_eq!(got, expected, "{verb}: {result:?}");
    }
}

#[tokio::test]
async fn a_request_is_well_formed() {
    let responder = Responder::start(vec![thing(7), thing(8), Say::Whole(204, "", String::new())]).await;
    let client = responder.client();
    let got: Envelope = client.get("/things/7", &[("name", "a b")]).await.expect("a thing");
    assert_eq!(got, Envelope { thing: Thing { id: 7 } });
    client.put::<Envelope>("/things/8", &json!({"name": "é"})).await.expect("a thing");
    client.delete_with("/tags/a%3Ab/resources", &json!({"resources": []})).await.expect("deleted");
    assert_eq!(responder.lines(), ["GET /v2/things/7?name=a+b", "PUT /v2/things/8", "DELETE /v2/tags/a%3Ab/resources"].map(str::to_owned));
    let heard = responder.heard.lock().expect("the log").clone();
    assert!(heard.iter().all(|text| text.contains("authorization: Bearer hunter2\r\n")), "{heard:?}");
    assert!(heard[1].contains("content-type: application/json\r\n") && heard[1].ends_with("\r\n\r\n{\"name\":\"é\"}"), "{}", heard[1]);
    assert_eq!(responder.slept(), Duration::ZERO);
}

#[tokio::test]
async fn faults_are_repeated_for_what_may_be_repeated() {
    check(|| vec![status(500), thing(1)], ("ok", 2), ("ambiguous", 1), ("ok", 2)).await;
    check(|| vec![status(502), status(503), status(504)], ("broken", 3), ("ambiguous", 1), ("ambiguous", 3)).await;
}

#[tokio::test]
async fn a_broken_line_is_repeated_for_what_may_be_repeated() {
    check(|| vec![Say::Close, thing(1)], ("ok", 2), ("ambiguous", 1), ("ok", 2)).await;
    check(|| vec![Say::Cut(200, "{\"thing\""), thing(1)], ("ok", 2), ("ambiguous", 1), ("ok", 2)).await;
    let garbled = || Say::Whole(202, "", "{\"thing\": {\"id\": 1".into());
    check(|| vec![garbled(), thing(1)], ("ok", 2), ("ambiguous", 1), ("ok", 2)).await;
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_no_answer() {
    let responder = Responder::start(vec![Say::Whole(200, "", " ".repeat(LONGEST_ANSWER + 1))]).await;
    let error = responder.client().create::<Envelope>("/things", &json!({})).await.expect_err("too long");
    assert!(error.to_string().contains("it is longer than 32 MiB"), "{error}");
    assert_eq!(word(&error), ("ambiguous", 1));
}

#[tokio::test]
async fn refusals_are_not_repeated() {
    for code in [400, 409, 412, 422] {
        check(|| vec![status(code)], ("rejected", 1), ("rejected", 1), ("rejected", 1)).await;
    }
    for code in [401, 403] {
        check(|| vec![status(code)], ("refused", 1), ("refused", 1), ("refused", 1)).await;
    }
    // One 404 is no proof that there is nothing to delete.
    check(|| vec![status(404), status(404)], ("not found", 1), ("not found", 1), ("ok", 2)).await;
    check(|| vec![status(404), thing(1)], ("not found", 1), ("not found", 1), ("ok", 2)).await;
}

/// What was refused did nothing, and whether it is worth another try stands in the reason: an event that is pending passes.
#[tokio::test]
async fn a_refusal_whose_reason_broke_off_is_asked_for_again() {
    for code in [400, 409, 422] {
        check(|| vec![Say::Cut(code, "{\"id\":\"unproc"), thing(1)], ("ok", 2), ("ok", 2), ("ok", 2)).await;
        check(|| vec![Say::Cut(code, "{"), status(code)], ("rejected", 2), ("rejected", 2), ("rejected", 2)).await;
    }
    let endless = || (0..9).map(|_| Say::Cut(422, "{")).collect();
    check(endless, ("rejected", 3), ("rejected", 3), ("rejected", 3)).await;
    // These say enough by themselves.
    check(|| vec![Say::Cut(401, "{")], ("refused", 1), ("refused", 1), ("refused", 1)).await;
    check(|| vec![Say::Cut(404, "{"), Say::Cut(404, "{")], ("not found", 1), ("not found", 1), ("ok", 2)).await;
}

#[tokio::test]
async fn an_answer_of_another_form_names_the_place() {
    let wrong = || vec![ok(&json!({"thing": {"id": "seven"}}))];
    check(wrong, ("broken", 1), ("ambiguous", 1), ("ok", 1)).await;
    let responder = Responder::start(wrong()).await;
    let error = responder.client().get::<Envelope>("/things/7", &[]).await.expect_err("no number");
    assert!(error.to_string().starts_with("GET /things/7: the answer does not have the expected form at `thing.id`: "), "{error}");
}

#[tokio::test]
async fn a_delete_that_was_done_the_first_time_is_done() {
    let responder = Responder::start(vec![Say::Close, status(404), status(404)]).await;
    responder.client().delete("/things/1", &[]).await.expect("gone");
    assert_eq!(responder.lines().len(), 3);
}

#[tokio::test]
async fn one_too_many_waits_as_long_as_the_api_asks() {
    let script = vec![Say::Whole(429, "retry-after: 29\r\nratelimit-remaining: 0\r\n", "{}".into()), thing(1)];
    let responder = Responder::start(script).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let client = responder.client().watched(Arc::new(move |waiting| seen.lock().expect("the list").push(waiting.clone())));
    client.create::<Envelope>("/things", &json!({})).await.expect("made");
    assert_eq!(responder.lines().len(), 2);
    let slept = responder.slept().as_secs_f64();
    assert!((29.0..32.0).contains(&slept), "{slept}");
    let told = told.lock().expect("the list");
    assert_eq!((told[0].what.as_str(), told[0].cause), ("POST /things", Cause::Budget));
    let shortage = told[0].shortage.expect("which limit it is, is told");
    assert_eq!((shortage.limit, shortage.most, shortage.left), (Limit::Minute, 250, 0));
}

#[tokio::test]
async fn an_endless_limit_is_given_up() {
    let responder = Responder::start(vec![Say::Whole(429, "retry-after: 30000\r\n", "{}".into())]).await;
    let error = responder.client().create::<Envelope>("/things", &json!({})).await.expect_err("throttled");
    let asked = error.asked().expect("a request").clone();
    assert_eq!(error, ApiError::Throttled { asked, wait: Duration::from_secs(30_000) });
}

#[tokio::test]
async fn a_pause_holds_up_all_clones() {
    let responder = Responder::start(vec![Say::Whole(429, "retry-after: 20\r\n", "{}".into()), thing(1)]).await;
    let mut settings = responder.settings();
    settings.retry_max = 0;
    let client = Client::new(settings).expect("a client");
    let error = client.get::<Envelope>("/things/1", &[]).await.expect_err("throttled");
    assert_eq!((word(&error), responder.slept()), (("throttled", 1), Duration::ZERO));
    client.clone().get::<Envelope>("/things/1", &[]).await.expect("a thing");
    assert_eq!(responder.slept(), Duration::from_secs(20));
}

#[tokio::test]
async fn nobody_there_is_repeated_and_surely_without_effect() {
    // Bound and not listening: connections are refused, and nobody else gets the port meanwhile.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let mut responder = Responder::start(Vec::new()).await;
    responder.address = socket.local_addr().expect("an address");
    let error = responder.client().create::<Envelope>("/things", &json!({})).await.expect_err("nobody");
    assert_eq!(word(&error), ("broken", 3));
    assert!(error.to_string().starts_with("POST /things: no connection: "), "{error}");
}

#[test]
fn an_earlier_attempt_may_have_taken_effect() {
    let check = |method, may_have_acted, expected| {
        let request = Request::new(method, Repeat::Safe, "/things/1", &[]).expect("a request");
        let error = conclude(&request, Outcome::Unsent("no connection".into()), 3, may_have_acted, &"".into()).expect_err("nobody");
        assert_eq!(word(&error), (expected, 3), "{method:?} {may_have_acted}");
    };
    check(Method::Put, true, "ambiguous");
    check(Method::Put, false, "broken");
    check(Method::Get, true, "broken");
}

#[tokio::test]
async fn silence_ends_at_the_time_limit() {
    let responder = Responder::start(vec![Say::Silence]).await;
    let mut settings = responder.settings();
    settings.timeout = Duration::from_millis(200);
    let client = Client::new(settings).expect("a client");
    let error = client.create::<Envelope>("/things", &json!({})).await.expect_err("silence");
    assert_eq!(word(&error), ("ambiguous", 1));
    assert_eq!(error.to_string(), "POST /things: no answer within 200ms; it is not known whether it took effect");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Responder::start(vec![thing(1)]).await;
    for code in [301, 302, 307, 308] {
        let headers: &'static str = Box::leak(format!("location: http://{}/v2/things/1\r\n", other.address).into_boxed_str());
        let responder = Responder::start(vec![Say::Whole(code, headers, String::new())]).await;
        let error = responder.client().get::<Envelope>("/things/1", &[]).await.expect_err("a redirect");
        assert_eq!(word(&error), ("broken", 1));
        assert!(error.to_string().contains(&format!("points to http://{}; that is not followed", other.address)), "{error}");
    }
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn pages_are_followed_on_our_own_host_only() {
    let other = Responder::start(vec![thing(1)]).await;
    let next = format!("http://{}/elsewhere?page=2&per_page=200", other.address);
    let script = vec![
        ok(&json!({"things": [{"id": 1}, {"id": 2}], "links": {"pages": {"next": next}}})),
        ok(&json!({"things": [{"id": 3}], "links": {}})),
    ];
    let responder = Responder::start(script).await;
    let things: Vec<Thing> = responder.client().list("/things", &[("tag_name", "a:b")], "things").await.expect("things");
    assert_eq!(things, [1, 2, 3].map(|id| Thing { id }));
    let lines = ["GET /v2/things?tag_name=a%3Ab&per_page=200", "GET /v2/things?tag_name=a%3Ab&page=2&per_page=200"];
    assert_eq!(responder.lines(), lines.map(str::to_owned));
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn pages_that_go_round_and_lists_without_a_list_are_errors() {
    let round = || ok(&json!({"things": [], "links": {"pages": {"next": "http://h/?page=2"}}}));
    let check = async |script, expected: &str| {
        let responder = Responder::start(script).await;
        let error = responder.client().list::<Thing>("/things", &[], "things").await.expect_err("no list");
        assert!(error.to_string().ends_with(expected), "{error}");
    };
    check(vec![round(), round()], "the links from page to page have no end: one leads back").await;
    check(vec![ok(&json!({"droplets": []}))], "the answer has no `things`").await;
    let wrong = "expected form at `things[1].id`: invalid type: string \"x\", expected u64";
    check(vec![ok(&json!({"things": [{"id": 1}, {"id": "x"}]}))], wrong).await;
}

#[tokio::test]
async fn a_snapshot_asks_once() {
    let list = || ok(&json!({"things": [{"id": 1}]}));
    let script = vec![status(404), thing(1), list(), thing(2), Say::Whole(204, "", String::new()), thing(3)];
    let responder = Responder::start(script).await;
    let client = responder.client().snapshot();
    client.get::<Envelope>("/things/1", &[]).await.expect_err("not there yet");
    for _ in 0..2 {
        let (one, two) = tokio::join!(client.get::<Envelope>("/things/1", &[]), client.get::<Envelope>("/things/1", &[]));
        assert_eq!((one.expect("a thing").thing.id, two.expect("a thing").thing.id), (1, 1));
        client.list::<Thing>("/things", &[], "things").await.expect("things");
    }
    // Another query is another question; a write ends what was known.
    client.get::<Envelope>("/things/1", &[("a", "b")]).await.expect("a thing");
    client.delete("/things/1", &[]).await.expect("deleted");
    assert_eq!(client.get::<Envelope>("/things/1", &[]).await.expect("a thing").thing.id, 3);
    assert_eq!(responder.lines().len(), 6);
}

#[tokio::test]
async fn a_refusal_tells_scope_and_request_id() {
    let responder = Responder::start(vec![status(403)]).await;
    let error = responder.client().create::<Envelope>("/droplets", &json!({})).await.expect_err("refused");
    let ApiError::Refused { answer, scopes, .. } = &error else { panic!("{error:?}") };
    assert_eq!((answer.request_id.as_deref(), scopes.as_slice()), (Some("r-1"), ["droplet:create"].as_slice()));
}

#[tokio::test]
async fn an_action_ends_by_its_status() {
    let action = |status: &str| ok(&json!({"action": {"id": 2, "status": status, "completed_at": null}}));
    let object = |name: &str| ok(&json!({"droplet": {"name": name}}));
    let check = async |script: Vec<Say>, expected: Result<(), &str>, asked: usize| {
        let responder = Responder::start(script).await;
        let reached = |seen: Option<Seen>| Ok(seen.filter(|seen| seen.0["name"] == "new").map(drop));
        let order = Order {
            path: "/droplets/1/actions",
            place: Place::alone("/droplets/1".into(), "droplet"),
            body: json!({"type": "rename"}),
            goal: "the rename".into(),
            beside: &[],
            limit: Duration::from_secs(60),
            completed_is_enough: false,
        };
        let end = responder.client().bring_about(&order, reached).await;
        match expected {
            Ok(()) => assert_eq!(end, Ok(Some(()))),
            Err(word) => assert!(end.as_ref().is_err_and(|error| error.to_string().contains(word)), "{end:?}"),
        }
        assert_eq!(responder.lines().len(), asked);
    };
    // The object decides, and its action is asked at each third look, until it has ended.
    check(vec![action("in-progress"), object("new")], Ok(()), 2).await;
    let old = || [object("old"), object("old"), object("old")];
    let all = |parts: Vec<Vec<Say>>| parts.into_iter().flatten().collect::<Vec<_>>();
    let begun = || vec![action("in-progress")];
    let ended = all(vec![begun(), old().into(), vec![action("completed")], old().into(), old().into(), vec![object("new")]]);
    check(ended, Ok(()), 12).await;
    let odd = all(vec![begun(), old().into(), vec![status(404)], old().into(), vec![action("done")], vec![object("new")]]);
    check(odd, Ok(()), 10).await;
    let failed = all(vec![begun(), old().into(), begun(), old().into(), vec![action("errored")]]);
    check(failed, Err("gave up the rename (action 2)"), 9).await;
}

#[tokio::test]
async fn waiting_looks_at_once_and_ends_at_its_limit() {
    let responder = Responder::start(Vec::new()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let client = responder.client().watched(Arc::new(move |waiting| seen.lock().expect("the list").push(waiting.clone())));
    assert_eq!(client.wait("nothing", Duration::ZERO, || async { Ok(Some(1)) }).await, Ok(1));
    assert_eq!(responder.slept(), Duration::ZERO);

    let looks = Mutex::new(0);
    let poll = || async {
        *looks.lock().expect("the count") += 1;
        Ok(Poll::<()>::Pending("its status is new".into()))
    };
    let error = client.wait_saying("droplet 1 to be active", Duration::from_secs(60), poll).await.expect_err("never");
    assert_eq!(error.to_string(), "gave up waiting for droplet 1 to be active after 60 s; at last, its status is new");
    assert_eq!(responder.slept(), Duration::from_secs(60));
    let (looks, told) = (*looks.lock().expect("the count"), told.lock().expect("the list"));
    assert!((20..60).contains(&looks), "{looks}");
    assert_eq!(told.len(), looks - 1);
    assert_eq!(
        (told[0].what.as_str(), told[0].limit, told[0].cause),
        ("droplet 1 to be active", Some(Duration::from_secs(60)), Cause::Settling)
    );
}

#[tokio::test]
async fn a_wait_that_costs_no_request_learns_when_to_look_too() {
    let responder = Responder::start(Vec::new()).await;
    let client = responder.client();
    let mut looks = Vec::new();
    for _ in 0..3 {
        let (start, count) = (client.clock().tick(), Mutex::new(0));
        let poll = || async {
            *count.lock().expect("the count") += 1;
            let is_over = client.clock().tick().since(start) >= Duration::from_secs(240);
            Ok(if is_over { Poll::Ready(()) } else { Poll::Pending("it boots".into()) })
        };
        let goal = Goal { what: "a pair to serve", sort: "pair serving", limit: Duration::from_secs(900) };
        client.wait_freely(goal, poll).await.expect("it serves");
        assert!(client.clock().tick().since(start) < Duration::from_secs(250));
        looks.push(*count.lock().expect("the count"));
    }
    assert!(looks[0] > 60 && looks[1] <= 13 && looks[2] <= 13, "{looks:?}");
}

#[tokio::test]
async fn a_wait_ends_by_time_that_passed_and_not_by_a_clock_that_was_set() {
    let responder = Responder::start(Vec::new()).await;
    let client = responder.client();
    let hour = Duration::from_secs(3600);
    for to in [START.plus(hour * 2), Moment(START.0 - 3_600_000)] {
        let looks = Mutex::new(0);
        let poll = || async {
            responder.clock.set(to);
            *looks.lock().expect("the count") += 1;
            Ok((*looks.lock().expect("the count") == 9).then_some(()))
        };
        assert_eq!(client.wait("a droplet", hour, poll).await, Ok(()));
    }
    // An answer that took until the limit is no last look.
    let looks = Mutex::new(0);
    let poll = || async {
        responder.clock.advance(hour);
        *looks.lock().expect("the count") += 1;
        Ok((*looks.lock().expect("the count") == 2).then_some(()))
    };
    assert_eq!(client.wait("a droplet", hour, poll).await, Ok(()));
}

#[tokio::test]
async fn pending_events_are_waits() {
    let pending =
        || Say::Whole(422, "", json!({"id": "unprocessable_entity", "message": "Droplet already has a pending event."}).to_string());
    let responder = Responder::start(vec![pending(), pending(), thing(1)]).await;
    let client = responder.client();
    let body = json!({"type": "assign"});
    let assign = || client.create::<Envelope>("/reserved_ips/1.2.3.4/actions", &body);
    client.pending_retry("the address to be assignable", Duration::from_secs(120), assign).await.expect("assigned");
    assert_eq!(responder.lines().len(), 3);

    let responder = Responder::start(vec![status(422)]).await;
    let client = responder.client();
    let assign = || client.create::<Envelope>("/reserved_ips/1.2.3.4/actions", &Value::Null);
    let error = client.pending_retry("the address", Duration::from_secs(120), assign).await.expect_err("rejected");
    assert_eq!((word(&error), said(&error)), (("rejected", 1), None));

    let responder = Responder::start((0..300).map(|_| pending()).collect()).await;
    let client = responder.client();
    let assign = || client.create::<Envelope>("/reserved_ips/1.2.3.4/actions", &Value::Null);
    let passing = |error: &ApiError| said(error) == Some(Said::PendingEvent);
    let error = client.retry_while("the address", Duration::from_secs(10), passing, assign).await.expect_err("never");
    assert!(error.to_string().contains("pending event"), "{error}");
}

#[tokio::test]
async fn the_rate_that_the_user_asks_for_is_kept() {
    let responder = Responder::start((0..5).map(thing).collect()).await;
    let mut settings = responder.settings();
    settings.requests_per_second = 2.0;
    let client = Client::new(settings).expect("a client");
    for _ in 0..5 {
        client.get::<Envelope>("/things/1", &[]).await.expect("a thing");
    }
    assert_eq!(responder.slept(), Duration::from_secs(2));
}

#[tokio::test]
async fn the_token_is_not_in_debug_or_errors() {
    let responder = Responder::start(vec![status(500), Say::Close, status(500)]).await;
    let client = responder.client();
    let error = client.get::<Envelope>("/things/1", &[]).await.expect_err("broken");
    let text = format!("{client:?} {:?} {error:?} {error}", responder.settings());
    assert!(!text.contains("hunter2"), "{text}");
}

/// A log that the test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_at_its_finest_has_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // Another test's thread may have met the events first, just before there was anybody to listen.
    tracing::callsite::rebuild_interest_cache();
    let answer = json!({"thing": {"id": 1, "token": "swordfish", "name": "swordfish"}});
    let responder = Responder::start(vec![Say::Whole(201, "set-cookie: swordfish\r\nx-request-id: r-9\r\n", answer.to_string())]).await;
    let body = json!({"name": "web", "user_data": "swordfish", "tags": ["swordfish"], "size_gigabytes": 31_337});
    responder.client().create::<Envelope>("/things", &body).await.expect("made");
    let text = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
    for hidden in ["swordfish", "hunter2", "31337"] {
        assert!(!text.contains(hidden), "{text}");
    }
    for shown in ["POST", "/things", "201", "r-9", r#""id":1"#, r#""user_data":"(masked)""#] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
}

/// Callers box the futures for other threads: this compiles only if they can.
#[expect(dead_code, reason = "compiling is the test")]
fn futures_are_send<'a>(client: &'a Client, body: &'a Value) -> Vec<BoxFuture<'a, Result<(), ApiError>>> {
    let limit = Duration::from_secs(1);
    let path = "/things/1".to_owned();
    vec![
        Box::pin(async { client.get::<Envelope>("/a", &[]).await.map(drop) }),
        Box::pin(async { client.list::<Thing>("/a", &[], "a").await.map(drop) }),
        Box::pin(async { client.create::<Envelope>("/a", body).await.map(drop) }),
        Box::pin(async { client.delete_with("/a", body).await }),
        Box::pin(async move {
            let order = Order {
                path: "/a",
                place: Place::alone("/a".into(), "a"),
                body: Value::Null,
                goal: "a".into(),
                beside: &[],
                limit,
                completed_is_enough: false,
            };
            client.bring_about(&order, |_| Ok(Some(()))).await.map(drop)
        }),
        Box::pin(async move {
            let poll = || async { client.get::<Option<Envelope>>(&path, &[("a", path.as_str())]).await };
            client.wait("a", limit, poll).await.map(drop)
        }),
        Box::pin(async move { client.pending_retry("a", limit, || client.create::<Envelope>("/a", body)).await.map(drop) }),
    ]
}
