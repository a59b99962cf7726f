//! A simulator in the test's own process, which the program under test reaches as it reaches DigitalOcean.
//!
//! Invariant: the program gets an address and a token and nothing else; the test sees the world and every request.

use std::collections::BTreeMap;

use dofloat::sim::{self, Options, Running};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::contract::Exchange;
use crate::support::harness::Stack;

/// A running simulator; it ends when this is dropped.
pub(crate) struct Cloud {
    running: Running,
    runtime: Runtime,
    client: reqwest::Client,
}

impl Cloud {
    /// The token that the program is given.
    pub(crate) const TOKEN: &str = "token-of-the-tests-4711";

    pub(crate) fn start(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let running = runtime.block_on(sim::start(options)).expect("the simulator starts");
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
        Self { running, runtime, client }
    }

    /// A clone of the package that uses this server.
    pub(crate) fn stack(&self) -> Stack {
        self.serve(Stack::clone_of_the_package())
    }

    /// Its address.
    pub(crate) fn address(&self) -> &str {
        &self.running.url
    }

    /// Points a stack to this server.
    pub(crate) fn serve(&self, stack: Stack) -> Stack {
        stack
            .env("DIGITALOCEAN_API_URL", &self.running.url)
            .env("DIGITALOCEAN_TOKEN", Self::TOKEN)
            .env("DOFLOAT_PROBE_THROUGH", &self.running.url)
            .env("SPACES_ENDPOINT_URL", &sim::spaces_at(&self.running.url))
            .env("SPACES_ACCESS_KEY_ID", sim::SPACES_KEY[0])
            .env("SPACES_SECRET_ACCESS_KEY", sim::SPACES_KEY[1])
    }

    /// Asks the server with the test's own client; the target is below `/v2`.
    pub(crate) fn ask(&self, token: &str, method: &str, target: &str, body: &Value) -> Exchange {
        let url = format!("{}/v2{target}", self.running.url);
        let mut request = self.client.request(method.parse().expect("a method"), &url);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let (status, headers, text) = self.runtime.block_on(async {
            let answer = request.send().await.expect("the server answers");
            (answer.status().as_u16(), answer.headers().clone(), answer.text().await.expect("the answer is whole"))
        });
        let named = headers.iter().map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Exchange {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs(query),
            request_body: (!body.is_null()).then(|| body.clone()),
            status,
            response_body: (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap_or(Value::String(text))),
            response_headers: Some(named.collect::<BTreeMap<_, _>>()),
        }
    }

    /// Replaces what goes wrong from now on.
    pub(crate) fn set_faults(&self, faults: &[&str]) {
        let faults: Vec<sim::Fault> = faults.iter().map(|text| text.parse().expect("a fault")).collect();
        self.running.with_world(|world| world.set_faults(&faults));
    }

    /// Everything that the account holds, as it would be saved.
    pub(crate) fn world(&self) -> Value {
        self.running.with_world(|world| world.to_json())
    }

    /// Requests that were under way when their sender died have been carried out after this: what is asked after them on the
    /// one thread of the server is answered after them.
    pub(crate) fn settle_down(&self) {
        for _ in 0..3 {
            let asked = || self.client.get(format!("{}/v2/account", self.running.url)).send();
            // It may refuse connections for a moment, as a fault has it.
            self.runtime.block_on(async {
                while asked().await.is_err() {
                    tokio::task::yield_now().await;
                }
            });
        }
    }

    /// Lets the account hold what another one held.
    pub(crate) fn become_like(&self, world: &Value) {
        self.running.with_world(|own| own.become_like(world.clone())).expect("a world that was saved");
    }

    /// Somebody else does something, at once before the account answers this one of the changing requests, from 1.
    pub(crate) fn meanwhile(&self, nth: usize, deed: impl FnOnce(&mut sim::World) + Send + 'static) {
        self.running.with_world(|world| world.meanwhile(nth, deed));
    }

    /// Does something to the account.
    pub(crate) fn with_world<T>(&self, change: impl FnOnce(&mut sim::World) -> T) -> T {
        self.running.with_world(change)
    }

    /// Finishes everything that is in progress.
    pub(crate) fn finish_all(&self) {
        self.running.with_world(dofloat::sim::World::finish_all);
    }

    /// Objects of a kind as the API shows them, for example `droplets`.
    pub(crate) fn show(&self, kind: &str) -> Vec<Value> {
        self.running.with_world(|world| world.show(kind))
    }

    /// The one object of a kind that has this field.
    #[track_caller]
    pub(crate) fn find(&self, kind: &str, field: &str, value: &str) -> Value {
        let mut fitting: Vec<Value> = self.show(kind).into_iter().filter(|of| of[field] == value).collect();
        assert_eq!(fitting.len(), 1, "{kind} with {field} = {value}: {fitting:?}");
        fitting.remove(0)
    }

    /// Does something as somebody else with the same account would.
    #[track_caller]
    pub(crate) fn outside(&self, method: &str, target: &str, body: &Value) -> Value {
        let body = Some(body).filter(|body| !body.is_null());
        let (status, answer) = self.running.with_world(|world| world.outside(method, target, body));
        assert!(status < 300, "{method} {target}: {status} {answer}");
        answer
    }

    /// Reads before the first changing request that were asked more than once: each is to be remembered.
    pub(crate) fn doubles(&self) -> Vec<String> {
        let mut seen = std::collections::BTreeSet::new();
        let reads = self.log().into_iter().take_while(|asked| !asked.is_write()).map(|asked| format!("{}?{}", asked.path, asked.query));
        reads.filter(|read| !seen.insert(read.clone())).collect()
    }

    /// Whether the account holds nothing but what a fresh one holds.
    pub(crate) fn is_fresh(&self) -> bool {
        self.running.with_world(|world| world.is_fresh())
    }

    /// How many objects there are, by kind.
    pub(crate) fn summary(&self) -> BTreeMap<&'static str, usize> {
        self.running.with_world(|world| world.summary())
    }

    /// The requests since the start or since they were forgotten.
    pub(crate) fn log(&self) -> Vec<sim::Exchange> {
        self.running.log()
    }

    pub(crate) fn forget_log(&self) {
        self.running.clear_log();
    }

    /// How many of them change something, and how many only read.
    pub(crate) fn requests(&self) -> (usize, usize) {
        let log = self.log();
        let writes = log.iter().filter(|exchange| exchange.is_write()).count();
        (writes, log.len() - writes)
    }

    /// Nothing but reads came in.
    #[track_caller]
    pub(crate) fn untouched(&self) {
        let writes: Vec<String> = self.log().iter().filter(|of| of.is_write()).map(|of| format!("{} {}", of.method, of.path)).collect();
        assert!(writes.is_empty(), "{writes:?}");
    }

    /// The same requests as the contract judges them.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        // The document knows nothing of Spaces: whether their requests are right, the library of the simulator says.
        self.log().into_iter().filter(|of| !of.path.starts_with("/spaces/")).map(Exchange::from).collect()
    }
}

impl From<sim::Exchange> for Exchange {
    fn from(of: sim::Exchange) -> Self {
        Self {
            path: of.path.strip_prefix("/v2").unwrap_or(&of.path).to_owned(),
            method: of.method,
            query: pairs(&of.query),
            request_body: Some(of.request).filter(|body| !body.is_null()),
            status: of.status,
            response_body: Some(of.response).filter(|body| !body.is_null()),
            response_headers: None,
        }
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
