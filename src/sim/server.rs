//! The simulator's server: the one door to the world.
//!
//! Invariant: a request that came in is carried out even if its sender is gone, and the world is on disk before its answer
//! leaves. Here is all the waiting, and all that goes wrong on the line; what the world says is decided by `World::handle`.
//! Paths below `/_sim` are for tests and for watching, with a token of their own; they are no part of the API and are not in
//! the log. Who is answered at all is decided in `guard`.

mod guard;
mod slow;
mod space;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response as HttpResponse;
use axum::serve::IncomingStream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{RwLock, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::Options;
use super::connection::{self, Door, Line, Switch};
use super::driver::{self, DriverView};
use super::faults::Fault;
use super::log::Exchange;
use super::metadata::{DelayedView, Metadata};
use super::store::Store;
use super::wire::{Delivery, Request, Response};
use super::world::World;
use dofloat_base::clock::Clock;

/// More than any request of the API needs.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// A simulator that listens. It ends when it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    /// Scheme, host and port, `http://127.0.0.1:8080`; `{url}/v2/droplets` is the list of droplets.
    pub url: String,
    /// The token of the paths below `/_sim`, as `Authorization: Bearer TOKEN`.
    pub token: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    /// The driver and the metadata service; they end with it.
    _beside: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    /// The token of `/_sim`.
    token: String,
    world: Mutex<World>,
    log: Mutex<Vec<Exchange>>,
    /// None once it is stopped: no request changes anything any more, and the world's file is free.
    persistence: RwLock<Option<Persistence>>,
    lines: Arc<connection::Exchange>,
    /// How many requests were carried out.
    served: watch::Sender<usize>,
    /// The revision of the world that the driver has brought about.
    driven: watch::Sender<u64>,
    delayed: Mutex<DelayedView>,
    clock: Clock,
}

#[derive(Debug)]
enum Persistence {
    Memory,
    File(Store),
}

pub(super) async fn start(options: Options) -> io::Result<Running> {
    for address in [Some(options.listen), options.metadata].into_iter().flatten() {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{address} is not a loopback address")));
        }
    }
    let (persistence, world) = match &options.world {
        None => (Persistence::Memory, World::new(&options)),
        Some(path) => {
            let (store, world) = Store::open(path, &options)?;
            (Persistence::File(store), world)
        }
    };
    let lines = Arc::new(connection::Exchange::default());
    let door = Door::open(options.listen, Arc::clone(&lines))?;
    let url = format!("http://{}", door.address());
    if let Persistence::File(store) = &persistence {
        store.publish(&url)?;
    }
    let token = options.token.clone().unwrap_or_else(guard::new_token);
    let shared = Arc::new(Shared {
        delayed: Mutex::new(DelayedView::new(options.metadata_lag)),
        token: token.clone(),
        options,
        world: Mutex::new(world),
        log: Mutex::default(),
        persistence: RwLock::new(Some(persistence)),
        lines,
        served: watch::Sender::default(),
        driven: watch::Sender::default(),
        clock: Clock::system(),
    });
    let mut tasks = JoinSet::new();
    if let Some(command) = shared.options.driver.clone() {
        tasks.spawn(drive(Arc::clone(&shared), command));
    }
    if let Some(address) = shared.options.metadata {
        let listener = TcpListener::bind(address).await?;
        let service = Router::new().fallback(tell).with_state(Arc::clone(&shared)).into_make_service_with_connect_info::<SocketAddr>();
        tasks.spawn(async move {
            let _ = axum::serve(listener, service).await;
        });
    }
    let service = Router::new().fallback(answer).with_state(Arc::clone(&shared)).into_make_service_with_connect_info::<Peer>();
    let task = tokio::spawn(async move {
        // `serve` ends only with its task: accepting never fails for good.
        let _ = axum::serve(door, service).await;
    });
    Ok(Running { url, token, shared, task, _beside: tasks })
}

impl Running {
    /// Every exchange so far.
    #[must_use]
    pub fn log(&self) -> Vec<Exchange> {
        locked(&self.shared.log).clone()
    }

    /// Forgets the exchanges so far.
    pub fn clear_log(&self) {
        locked(&self.shared.log).clear();
    }

    /// How many requests were carried out since the start.
    #[must_use]
    pub fn served(&self) -> usize {
        *self.shared.served.borrow()
    }

    /// Waits until so many requests were carried out since the start. The answer to the last of them may not have left.
    pub async fn until_served(&self, count: usize) {
        // The sender lives as long as `self`, so this does not fail.
        let _ = self.shared.served.subscribe().wait_for(|served| *served >= count).await;
    }

    /// Does something to the world, for example as another user of the account would ([`World::outside`]).
    pub fn with_world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut locked(&self.shared.world))
    }

    /// Lets connections be refused from now on (those that are open are cut), or be taken again.
    pub fn set_deaf(&self, deaf: bool) {
        self.shared.lines.set_deaf(deaf);
        if deaf {
            self.shared.lines.cut_all(None);
        }
    }

    /// Waits until it ends, which it does not by itself.
    pub async fn wait(&mut self) {
        let _ = (&mut self.task).await;
    }

    /// Stops it: requests that are being carried out are finished, the world is on disk and free afterwards.
    pub async fn stop(self) {
        self.task.abort();
        let persistence = self.shared.persistence.write().await.take();
        self.shared.lines.cut_all(None);
        if let Some(Persistence::File(store)) = persistence {
            let revision = locked(&self.shared.world).revision();
            // Every answered change is on disk already; what may be lost is a change by `with_world`.
            let _ = store.save(&self.shared.world, revision).await;
            let _ = store.retract();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.lines.cut_all(None);
    }
}

impl axum::serve::Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        self.take().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address())
    }
}

/// The line that a request came in on.
#[derive(Clone, Debug)]
struct Peer(Arc<Switch>);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(Arc::clone(stream.io().switch()))
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(Peer(switch)): ConnectInfo<Peer>,
    request: HttpRequest,
) -> Result<HttpResponse, Infallible> {
    let (parts, body) = request.into_parts();
    if let Some(why) = guard::refusal(&parts, &shared.options.hosts) {
        return Ok(plain(StatusCode::FORBIDDEN, &why));
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
    };
    if parts.uri.scheme().is_some() && parts.uri.authority().is_some() {
        return Ok(proxied(&shared, &parts.uri).await);
    }
    let (space, path) = (space::signed(&parts), space::path(&parts, &decoded(parts.uri.path())));
    let query = parts.uri.query().unwrap_or_default().to_owned();
    if let Some(rest) = path.strip_prefix("/_sim/") {
        if !guard::is_let_in(bearer(&parts.headers).as_deref(), &shared.token) {
            return Ok(plain(StatusCode::UNAUTHORIZED, "what is below /_sim needs the token that the simulator was started with"));
        }
        return Ok(admin(&shared, parts.method.as_str(), rest, &query, &body).await);
    }
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path,
        query: url::form_urlencoded::parse(query.as_bytes()).map(|(key, value)| (key.into_owned(), value.into_owned())).collect(),
        token: bearer(&parts.headers),
        body: body.to_vec(),
        base: base(&parts.headers),
        at: shared.clock.now(),
        signed: space,
    };
    // In a task of its own: the effect takes place even if the sender hangs up meanwhile.
    let carried = tokio::spawn(carry_out(Arc::clone(&shared), request, query));
    match carried.await {
        Ok(response) => Ok(send(&shared, &switch, response).await),
        Err(_) => Ok(plain(StatusCode::INTERNAL_SERVER_ERROR, "the simulator failed")),
    }
}

/// A request to another host, sent through this server as a proxy: it answers for its simulated servers, or its driver does.
async fn proxied(shared: &Shared, uri: &axum::http::Uri) -> HttpResponse {
    if let Some(command) = &shared.options.driver {
        return match driver::ask(command, &uri.to_string()).await {
            Some(text) => plain(StatusCode::OK, &text),
            None => plain(StatusCode::BAD_GATEWAY, "nobody answers there"),
        };
    }
    let found = match uri.host().and_then(|host| host.parse().ok()) {
        Some(host) => locked(&shared.world).served(host, uri.port_u16().unwrap_or(80)),
        None => None,
    };
    let revision = locked(&shared.world).revision();
    if let Some(Persistence::File(store)) = shared.persistence.read().await.as_ref()
        && let Err(error) = store.save(&shared.world, revision).await
    {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
    }
    match found {
        Some((status, text)) => plain(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), &text),
        None => plain(StatusCode::BAD_GATEWAY, "nobody answers there"),
    }
}

async fn carry_out(shared: Arc<Shared>, request: Request, query: String) -> Response {
    let response = effect(&shared, request, query).await;
    shared.served.send_modify(|served| *served += 1);
    response
}

async fn effect(shared: &Shared, mut request: Request, query: String) -> Response {
    let latency = shared.options.clock.latency();
    if !latency.is_zero() {
        shared.clock.sleep(latency).await;
        request.at = shared.clock.now();
    }
    let persistence = shared.persistence.read().await;
    let Some(persistence) = persistence.as_ref() else {
        return Response { status: 503, headers: Vec::new(), body: None, raw: None, wire: Delivery::Close };
    };
    let (response, revision) = {
        let mut world = locked(&shared.world);
        let response = world.handle(&request);
        locked(&shared.log).push(exchange(&request, query, &response));
        (response, world.revision())
    };
    if let Persistence::File(store) = persistence
        && let Err(error) = store.save(&shared.world, revision).await
    {
        let message = format!("the simulated world cannot be saved: {error}");
        let body = Some(json!({ "id": "server_error", "message": message }));
        return Response { status: 500, headers: Vec::new(), body, raw: None, wire: Delivery::Whole };
    }
    if shared.options.driver.is_some() {
        let _ = shared.driven.subscribe().wait_for(|driven| *driven >= revision).await;
    }
    response
}

/// How often the driver looks at the world: an action that nobody asks about ends in time all the same.
const LOOK: Duration = Duration::from_millis(20);

async fn drive(shared: Arc<Shared>, command: String) {
    let mut before = DriverView::default();
    loop {
        let (now, revision) = {
            let mut world = locked(&shared.world);
            (world.driver_view(shared.clock.now()), world.revision())
        };
        for event in now.since(&before) {
            event.tell(&command).await;
        }
        before = now;
        shared.driven.send_replace(revision);
        shared.clock.sleep(LOOK).await;
    }
}

fn exchange(request: &Request, query: String, response: &Response) -> Exchange {
    let body = if request.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&request.body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&request.body).into_owned()))
    };
    Exchange {
        method: request.method.clone(),
        path: request.path.clone(),
        query,
        authorization: request.token.as_ref().map(|_| "Bearer ***".to_owned()).filter(|_| request.signed.is_none()),
        request: body,
        status: response.status,
        response: response.raw.as_ref().map_or_else(|| response.body.clone().unwrap_or_default(), space::shown),
        fault: (response.wire != Delivery::Whole).then(|| format!("{:?}", response.wire).to_lowercase()),
    }
}

/// Sends an answer, or does to the line what a fault wants.
async fn send(shared: &Arc<Shared>, switch: &Arc<Switch>, response: Response) -> HttpResponse {
    let bytes = match &response.raw {
        Some(raw) => Bytes::from(raw.body.clone()),
        None => response.body.as_ref().map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
    };
    match response.wire {
        Delivery::Whole => whole(&response, bytes),
        Delivery::Reset => {
            switch.reset();
            whole(&response, bytes)
        }
        Delivery::Close => {
            switch.close();
            whole(&response, bytes)
        }
        Delivery::Truncated if bytes.is_empty() => {
            switch.close();
            whole(&response, bytes)
        }
        Delivery::Truncated => with_body(&response, bytes.len(), Body::from_stream(slow::half(bytes))),
        Delivery::Garbled => {
            let kept = bytes.len() / 2;
            let spoiled: Vec<u8> = bytes.iter().enumerate().map(|(at, byte)| if at < kept { *byte } else { b'#' }).collect();
            whole(&response, Bytes::from(spoiled))
        }
        Delivery::Page => HttpResponse::builder()
            .header(header::CONTENT_TYPE, "text/html")
            .body(Body::from("<html><body>We will be back soon.</body></html>"))
            .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be written")),
        Delivery::Never => std::future::pending().await,
        Delivery::Trickle(pause) => with_body(&response, bytes.len(), Body::from_stream(slow::trickle(shared.clock.clone(), bytes, pause))),
        Delivery::Refuse(span) => {
            shared.lines.set_deaf(true);
            shared.lines.cut_all(Some(switch));
            let (lines, clock) = (Arc::clone(&shared.lines), shared.clock.clone());
            tokio::spawn(async move {
                clock.sleep(span).await;
                lines.set_deaf(false);
            });
            let mut answer = whole(&response, bytes);
            answer.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            answer
        }
    }
}

fn whole(response: &Response, bytes: Bytes) -> HttpResponse {
    head(response, Body::from(bytes), None)
}

fn with_body(response: &Response, length: usize, body: Body) -> HttpResponse {
    head(response, body, Some(length))
}

fn head(response: &Response, body: Body, length: Option<usize>) -> HttpResponse {
    let mut answer = HttpResponse::builder().status(response.status);
    for (name, value) in &response.headers {
        answer = answer.header(*name, value);
    }
    for (name, value) in
        response.raw.iter().flat_map(|raw| raw.headers.iter().filter(|(name, _)| name != "content-length" || raw.body.is_empty()))
    {
        answer = answer.header(name, value);
    }
    if response.body.is_some() {
        answer = answer.header(header::CONTENT_TYPE, "application/json; charset=utf-8");
    }
    if let Some(length) = length {
        answer = answer.header(header::CONTENT_LENGTH, length);
    }
    answer.body(body).unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"))
}

/// The admin paths of tests and observers.
async fn admin(shared: &Arc<Shared>, method: &str, path: &str, query: &str, body: &[u8]) -> HttpResponse {
    if let Some(rest) = path.strip_prefix("metadata/") {
        return metadata(shared, rest);
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let done = match (method, path) {
        ("GET", "log") => Ok(json!({ "exchanges": *locked(&shared.log) })),
        ("DELETE", "log") => {
            locked(&shared.log).clear();
            Ok(Value::Null)
        }
        ("GET", "world") if query.contains("full") => Ok(locked(&shared.world).to_json()),
        ("GET", "world") => {
            let world = locked(&shared.world);
            Ok(json!({ "summary": world.summary(), "fresh": world.is_fresh() }))
        }
        ("GET", "faults") => {
            let faults: Vec<String> = locked(&shared.world).faults().iter().map(Fault::to_string).collect();
            Ok(json!({ "faults": faults }))
        }
        ("POST", "faults") => set_faults(shared, &body),
        ("POST", "advance") => {
            let mut world = locked(&shared.world);
            world.advance(body["seconds"].as_u64().unwrap_or(0));
            if body["finish"].as_bool().unwrap_or(false) {
                world.finish_all();
            }
            Ok(Value::Null)
        }
        ("POST", "reset") => {
            let mut world = locked(&shared.world);
            *world = World::anew(&shared.options, world.revision());
            Ok(Value::Null)
        }
        ("POST", "outside") => outside(shared, &body),
        _ => return plain(StatusCode::NOT_FOUND, "no such path"),
    };
    let revision = locked(&shared.world).revision();
    if let Some(Persistence::File(store)) = shared.persistence.read().await.as_ref()
        && let Err(error) = store.save(&shared.world, revision).await
    {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
    }
    match done {
        Ok(value) => whole(
            &Response { status: 200, headers: Vec::new(), body: Some(Value::Null), raw: None, wire: Delivery::Whole },
            value.to_string().into(),
        ),
        Err(why) => plain(StatusCode::BAD_REQUEST, &why),
    }
}

/// `{"faults": ["POST /v2/droplets reset-after"]}` replaces the faults.
fn set_faults(shared: &Shared, body: &Value) -> Result<Value, String> {
    let texts = body["faults"].as_array().ok_or("`faults` must be a list of texts")?;
    let faults: Result<Vec<Fault>, String> =
        texts.iter().map(|text| text.as_str().unwrap_or_default().parse::<Fault>().map_err(|error| error.to_string())).collect();
    locked(&shared.world).set_faults(&faults?);
    Ok(Value::Null)
}

/// `{"method": "DELETE", "path": "/v2/droplets/1", "body": …}` as another user of the account.
fn outside(shared: &Shared, body: &Value) -> Result<Value, String> {
    let (method, path) = (body["method"].as_str().ok_or("`method` is missing")?, body["path"].as_str().ok_or("`path` is missing")?);
    let wanted = body.get("body").filter(|body| !body.is_null());
    let (status, answer) = locked(&shared.world).outside(method, path, wanted);
    Ok(json!({ "status": status, "body": answer }))
}

fn metadata(shared: &Shared, rest: &str) -> HttpResponse {
    let (droplet, path) = rest.split_once('/').unwrap_or((rest, ""));
    told(droplet.parse().map_or(Metadata::NotFound, |id| of_droplet(shared, id, path)))
}

/// The metadata service as droplets see it.
async fn tell(State(shared): State<Arc<Shared>>, ConnectInfo(from): ConnectInfo<SocketAddr>, request: HttpRequest) -> HttpResponse {
    if let Some(why) = guard::metadata_refusal(request.headers(), &shared.options.hosts) {
        return plain(StatusCode::FORBIDDEN, &why);
    }
    let path = decoded(request.uri().path());
    let droplet = match from.ip() {
        IpAddr::V4(address) => locked(&shared.world).droplet_from(address),
        IpAddr::V6(_) => None,
    };
    told(droplet.map_or(Metadata::NotFound, |id| of_droplet(&shared, id, path.trim_start_matches('/'))))
}

fn of_droplet(shared: &Shared, droplet: u64, path: &str) -> Metadata {
    let world = locked(&shared.world);
    let holders = locked(&shared.delayed).show(shared.clock.now(), world.holders());
    world.metadata(droplet, path, &holders)
}

fn told(found: Metadata) -> HttpResponse {
    match found {
        Metadata::Text(text) => plain(StatusCode::OK, &text),
        Metadata::Json(text) => {
            let mut answer = plain(StatusCode::OK, &text);
            answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            answer
        }
        Metadata::Moved(to) => {
            let mut answer = plain(StatusCode::MOVED_PERMANENTLY, "");
            if let Ok(value) = header::HeaderValue::from_str(&to) {
                answer.headers_mut().insert(header::LOCATION, value);
            }
            answer
        }
        Metadata::NotFound => plain(StatusCode::NOT_FOUND, "not found"),
    }
}

fn plain(status: StatusCode, text: &str) -> HttpResponse {
    let mut answer = HttpResponse::new(Body::from(text.to_owned()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn base(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}")
}

/// A path with its percent signs resolved; what is no escape stays, and so does a slash that was escaped: it parts nothing.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = path.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let escaped = escaped.filter(|byte| *byte != b'/');
        plain.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
