//! Whatever a server may say: the real client and every operation of every kind, against a server on loopback that says what
//! the bytes say.
//!
//! The first line names a resource type and an operation. Each answer begins with a line `=== STATUS`, which a header may
//! follow, and goes on with its body:
//!
//! ```text
//! digitalocean_tag look
//! === 429 retry-after: 2
//! {"id": "too_many_requests", "message": "later"}
//! === 200
//! {"tag": {"name": "web"}}
//! ```
//!
//! Invariant: the last answer is repeated a few times, and then every request is refused, so that no wait goes on for ever;
//! time is virtual. What a kind makes of an answer has the attributes of its table only, and can be remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dofloat::api::client::{Client, Settings};
use dofloat::api::error::ApiError;
use dofloat::base::address::Address;
use dofloat::base::clock::{Clock, Moment};
use dofloat::base::digest::Salt;
use dofloat::base::identity::{Id, Mark, Ours};
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::base::value::{Body, Term, Value};
use dofloat::engine::error::from_api;
use dofloat::kinds::attr::{Attr, Change, Reads, Ty};
use dofloat::kinds::erased::{AnyKind, Found, Job};
use dofloat::kinds::{KINDS, account};
use dofloat::state::{Health, Record, State, format};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// How often the last answer is repeated.
const REPEATS: usize = 3;

const OPERATIONS: [&str; 10] = ["look", "list", "create", "settle", "edit", "delete", "find", "before_delete", "preflight", "account"];

/// Asks, and takes what is answered.
pub fn api_answer(bytes: &[u8]) {
    let mut parts = split(bytes);
    let head = String::from_utf8_lossy(parts.remove(0)).into_owned();
    let mut words = head.split_whitespace();
    let kind = words.next().unwrap_or_default();
    let kind = KINDS.iter().find(|known| known.name() == kind).unwrap_or(&KINDS[kind.len() % KINDS.len()]);
    let operation = words.next().unwrap_or_default();
    let operation = OPERATIONS.iter().find(|known| **known == operation).unwrap_or(&OPERATIONS[operation.len() % OPERATIONS.len()]);
    let answers: Vec<Answer> = parts.into_iter().map(Answer::read).collect();
    WORLD.with(|world| world.runtime.block_on(world.ask(*kind, operation, &answers)));
}

/// What stands between the lines that begin with `=== `.
fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mark = b"\n=== ";
    let mut starts = vec![0];
    starts.extend(bytes.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark).map(|(at, _)| at + mark.len()));
    let ends = starts.iter().skip(1).map(|start| start - mark.len()).chain([bytes.len()]);
    starts.iter().zip(ends).map(|(start, end)| &bytes[*start..end.max(*start)]).collect()
}

/// An answer.
#[derive(Clone)]
struct Answer {
    status: u16,
    header: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let line = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let (status, header) = line.split_once(' ').unwrap_or((&line, ""));
        let status = status.trim().parse().ok().filter(|status| (200..600).contains(status)).unwrap_or(200);
        let plain = header.bytes().all(|byte| (b' '..0x7f).contains(&byte)) && !header.to_ascii_lowercase().starts_with("content-length");
        let named = header.split_once(':').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        let body = if matches!(status, 204 | 304) { Vec::new() } else { bytes[end..].to_vec() };
        Self { status, header: (plain && named && !header.starts_with(':')).then(|| header.to_owned()), body }
    }

    fn whole(&self) -> Vec<u8> {
        let header = self.header.as_ref().map_or_else(String::new, |header| format!("{header}\r\n"));
        let length = if self.status == 204 { String::new() } else { format!("content-length: {}\r\n", self.body.len()) };
        let head = format!("HTTP/1.1 {} X\r\n{header}{length}\r\n", self.status);
        [head.as_bytes(), &self.body].concat()
    }
}

thread_local! {
    static WORLD: World = World::start();
}

/// A server, and a client that asks it.
struct World {
    runtime: Runtime,
    clock: Clock,
    client: Client,
    /// What is said next, the first last.
    script: Arc<Mutex<Vec<Answer>>>,
}

impl World {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let script: Arc<Mutex<Vec<Answer>>> = Arc::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a base");
        let said = Arc::clone(&script);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&said)));
            }
        });
        let clock = Clock::virtual_at(Moment(1_800_000_000_000));
        let settings = Settings::new(base, Secret::new("fuzz".to_owned()), clock.clone(), Arc::new(Rng::seeded(1)));
        let settings = Settings { retry_max: 1, timeout: Duration::from_secs(5), ..settings };
        let client = runtime.block_on(async { Client::new(settings) }).expect("a client");
        Self { runtime, clock, client, script }
    }

    async fn ask(&self, kind: &dyn AnyKind, operation: &str, answers: &[Answer]) {
        // What earlier answers said of limits is over by now.
        self.clock.advance(Duration::from_secs(86_400));
        let (id, mark, address) = (Id("7".to_owned()), Mark("dofloat:fuzz-1".to_owned()), Address::new(kind.name(), "fuzz"));
        let ours = Ours { mark: &mark, project: Some(&id) };
        let known: Body = filled(kind.attrs());
        let term = Term::Value(Value::Map(settable(kind.attrs(), &known)));
        let api = self.client.snapshot();
        self.script(answers);
        match operation {
            "look" => self.body(kind, kind.read(&api, &id).await.map(|found| found.into_iter().map(|found| found.body).collect())),
            "list" => self.found(kind, kind.list(&api, &[id.clone(), Id("x,1".to_owned())], ours).await),
            "create" => self.body(kind, kind.create(&api, &term, ours).await.map(|made| made.body.into_iter().collect())),
            "settle" => self.body(kind, kind.wait_ready(&api, &id, &Term::null()).await.map(|body| vec![body])),
            "edit" => {
                for edit in edits(kind.attrs()) {
                    self.script(answers);
                    told(kind.edit(&api, &id, edit, &term, &known).await);
                }
            }
            "delete" => drop(told(kind.delete(&api, &id, &known).await)),
            "find" => self.found(kind, kind.find(&api, &known, ours).await),
            "before_delete" => drop(told(kind.before_delete(&api, &id, &known, &[Id("9".to_owned())]).await)),
            "preflight" => {
                let job = Job { address, id: None, body: term, seen: None, creates: true };
                told(kind.preflight(&api, &[job.clone(), job]).await);
            }
            _ => {
                told(account::owner(&api, true).await);
                self.script(answers);
                told(account::addresses(&api).await);
            }
        }
    }

    fn script(&self, answers: &[Answer]) {
        let mut script: Vec<Answer> = answers.to_vec();
        script.extend(answers.last().map(|last| vec![last.clone(); REPEATS]).unwrap_or_default());
        script.reverse();
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    fn found(&self, kind: &dyn AnyKind, found: Result<Vec<Found>, ApiError>) {
        self.body(kind, found.map(|found| found.into_iter().map(|found| found.body).collect()));
    }

    /// Holds bodies against the table, and remembers them.
    fn body(&self, kind: &dyn AnyKind, bodies: Result<Vec<Body>, ApiError>) {
        let Some(bodies) = told(bodies) else { return };
        for body in bodies {
            for (name, value) in &body {
                let row = kind.attrs().iter().find(|row| row.name == name);
                let row = row.unwrap_or_else(|| panic!("{} has no attribute {name}", kind.name()));
                assert!(*value != Value::Null && row.reads != Reads::WriteOnly, "{}.{name} = {value:?}", kind.name());
                let normal = row.normal(value, &body);
                assert_eq!(row.normal(&normal, &body), normal, "the normal form of {}.{name} = {value:?}", kind.name());
            }
            let _ = (kind.note(&body), kind.powered(&body), kind.identity(&body));
            let _ = kind.derived(&Term::Value(Value::Map(body.clone())));
            let mut state = State::new("fuzz".to_owned(), Salt::new([0; 32]));
            let record = Record {
                id: Id("7".to_owned()),
                mark: None,
                body,
                digests: BTreeMap::new(),
                arguments: Body::new(),
                after: BTreeSet::new(),
                health: Health::Ready,
                create_before_destroy: false,
            };
            state.records.insert(Address::new(kind.name(), "fuzz"), record);
            assert_eq!(format::read(&format::write(&state), "fuzz.json").expect("what was written"), state);
        }
    }
}

/// What came of it; an error must be one that can be told.
fn told<T>(result: Result<T, ApiError>) -> Option<T> {
    result.map_err(|error| assert!(!from_api(&error, "do this").message.is_empty())).ok()
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Vec<Answer>>>) {
    let mut buffer = Vec::new();
    loop {
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
            continue;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
        while buffer.len() < end + 4 + length {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
        buffer.drain(..end + 4 + length);
        let over = || Answer { status: 400, header: None, body: b"{}".to_vec() };
        let answer = script.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(over);
        if stream.write_all(&answer.whole()).await.is_err() {
            return;
        }
    }
}

/// The edits that a table names.
fn edits(rows: &[Attr]) -> BTreeSet<&'static str> {
    let edit = |row: &Attr| match row.change {
        Change::InPlace(edit) | Change::Disruptive(edit) | Change::Enable(edit) | Change::Grow(edit) => Some(edit),
        Change::Replace | Change::Local | Change::Never => None,
    };
    rows.iter().filter_map(edit).collect()
}

/// A value for every attribute.
fn filled(rows: &[Attr]) -> Body {
    rows.iter().map(|row| (row.name.to_owned(), value(row.name, row.ty))).collect()
}

fn settable(rows: &[Attr], body: &Body) -> Body {
    let named = rows.iter().filter(|row| row.settable());
    named.filter_map(|row| Some((row.name.to_owned(), body.get(row.name)?.clone()))).collect()
}

fn value(name: &str, ty: Ty) -> Value {
    match ty {
        Ty::Bool => Value::Bool(true),
        Ty::Number => Value::from(1),
        Ty::String | Ty::Any => Value::from(match name {
            "id" => "7",
            "ip_address" => "203.0.113.7",
            "name" | "domain" => "example.com",
            "type" => "A",
            "protocol" => "tcp",
            "port_range" => "80",
            _ => "x",
        }),
        Ty::List(item) | Ty::Set(item) => Value::List(vec![value("", *item)]),
        Ty::Map(item) => Value::Map([("k".to_owned(), value("", *item))].into()),
        Ty::Object(rows) => Value::Map(settable(rows, &filled(rows))),
    }
}
