//! An account in this process whose time is stepped: what a run asks for is counted exactly, and an hour takes no time.
//!
//! Invariant: the program gets no hint of how long anything takes; what it knows it has measured. Two runs are the same.

use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dofloat::api::client::{Client, Settings};
use dofloat::api::wait::Shortage;
use dofloat::api::{Broken, Brought, Carried, Carrier};
use dofloat::base::clock::{Clock, Moment};
use dofloat::base::diag::Diagnostic;
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::engine::change::Event;
use dofloat::engine::planned::Surveyed;
use dofloat::engine::request::Options;
use dofloat::sim::{self, ClockMode, Limits, Rate, World};
use serde_json::{Map, Value, json};

use super::reconcile::reconcile;
use crate::engine::Sketch;

pub(crate) const START: Moment = Moment(1_800_000_000_000);

/// An account whose time is stepped.
pub(crate) struct Account {
    pub(crate) clock: Clock,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) log: Arc<Mutex<Vec<Asked>>>,
    folder: tempfile::TempDir,
    pub(crate) latency: Duration,
    tamper: Arc<Mutex<Option<Tamper>>>,
    /// What the last run has told.
    pub(crate) told: Mutex<Vec<Event>>,
    refused_others: AtomicUsize,
}

/// What befalls a request before the account sees it: another answer, or nothing.
pub(crate) type Tamper = Box<dyn FnMut(&Carried, &mut dyn FnMut(&Carried) -> Brought) -> Option<Brought> + Send>;

/// A request that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Moment,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) status: u16,
}

/// What a run took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) changes: usize,
    pub(crate) reads: usize,
    pub(crate) refused: usize,
    /// From the first request to the last answer.
    pub(crate) lasted: Duration,
    /// What it was told of the limits that slowed it down.
    pub(crate) slowed: Vec<Shortage>,
    pub(crate) under_way: usize,
}

impl Account {
    pub(crate) fn open(request: u64, droplet: u64, action: u64, rate: Option<Rate>) -> Self {
        let [request, droplet, action] = [request, droplet, action].map(Duration::from_millis);
        let clock = match (droplet.is_zero(), action.is_zero()) {
            (true, true) => ClockMode::default(),
            _ => ClockMode::Real { request, droplet, action },
        };
        Self::with(clock, request, rate)
    }

    pub(crate) fn with(clock: ClockMode, latency: Duration, rate: Option<Rate>) -> Self {
        let limits = Limits { droplets: 10_000, reserved_ips: 10_000 };
        let world = World::new(&sim::Options { clock, rate, limits, ..sim::Options::default() });
        Self {
            clock: Clock::stepped(START),
            world: Arc::new(Mutex::new(world)),
            log: Arc::default(),
            folder: tempfile::tempdir().expect("a folder"),
            latency,
            tamper: Arc::default(),
            told: Mutex::default(),
            refused_others: AtomicUsize::new(0),
        }
    }

    /// Lets something befall requests from now on.
    pub(crate) fn befall(&self, tamper: Tamper) {
        *self.tamper.lock().expect("what befalls") = Some(tamper);
    }

    /// A client of its own for each run, as the program has it.
    fn client(&self, under_way: &Arc<Mutex<(usize, usize)>>) -> Client {
        let (clock, world, log, latency, count, tamper) = (
            self.clock.clone(),
            Arc::clone(&self.world),
            Arc::clone(&self.log),
            self.latency,
            Arc::clone(under_way),
            Arc::clone(&self.tamper),
        );
        let carry = move |carried: Carried| -> Pin<Box<dyn Future<Output = Result<Brought, Broken>> + Send>> {
            let (clock, world, log, count, tamper) =
                (clock.clone(), Arc::clone(&world), Arc::clone(&log), Arc::clone(&count), Arc::clone(&tamper));
            Box::pin(async move {
                {
                    let mut count = count.lock().expect("the count");
                    count.0 += 1;
                    count.1 = count.1.max(count.0);
                }
                clock.sleep(latency).await;
                let mut answer = |carried: &Carried| answer(&mut world.lock().expect("the world"), carried, clock.now());
                let befallen = tamper.lock().expect("what befalls").as_mut().and_then(|tamper| tamper(&carried, &mut answer));
                let brought = befallen.unwrap_or_else(|| answer(&carried));
                let asked = Asked { at: clock.now(), method: carried.method, path: target(&carried), status: brought.status };
                log.lock().expect("the log").push(asked);
                count.lock().expect("the count").0 -= 1;
                Ok(brought)
            })
        };
        let base = "http://127.0.0.1:1".parse().expect("an address");
        let settings = Settings::new(base, Secret::new("t".to_owned()), self.clock.clone(), Arc::new(Rng::seeded(1)));
        Client::new(Settings { carrier: Some(Carrier(Arc::new(carry))), ..settings }).expect("a client")
    }

    /// Where the state lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Somebody else asks so many times a second.
    pub(crate) async fn company(&self, a_second: f64) {
        loop {
            self.clock.sleep(Duration::from_secs_f64(1.0 / a_second)).await;
            let request = sim::Request { at: self.clock.now(), ..sim::Request::new("GET", "/v2/account", None) };
            let status = self.world.lock().expect("the world").handle(&request).status;
            self.refused_others.fetch_add(usize::from(status == 429), Ordering::SeqCst);
        }
    }

    /// How often somebody else was refused.
    pub(crate) fn refused_others(&self) -> usize {
        self.refused_others.load(Ordering::SeqCst)
    }

    /// Applies or destroys, as the command does, with what earlier runs have measured.
    pub(crate) async fn run(&self, sketch: &Sketch, destroy: bool, known: Option<&Client>) -> (Cost, Client) {
        let (ended, cost, client) = self.attempt(sketch, destroy, known).await;
        ended.unwrap_or_else(|(what, why)| panic!("the {what}: {why:#?}"));
        (cost, client)
    }

    /// The same; it may fail.
    pub(crate) async fn attempt(&self, sketch: &Sketch, destroy: bool, known: Option<&Client>) -> (Ended, Cost, Client) {
        let under_way = Arc::default();
        let api = self.client(&under_way);
        if let Some(earlier) = known {
            api.learn(earlier.timings());
        }
        self.log.lock().expect("the log").clear();
        let (start, mut told) = (self.clock.now(), Vec::new());
        let ended = self.clock.drive(go(sketch, self.folder.path(), &api, destroy, &mut told)).await;
        let slowed = told.iter().filter_map(|event| if let Event::Slowed { shortage, .. } = event { Some(*shortage) } else { None });
        let slowed = slowed.collect();
        *self.told.lock().expect("what was told") = told;
        let log = self.log.lock().expect("the log");
        let changes = log.iter().filter(|asked| asked.method != "GET").count();
        let cost = Cost {
            changes,
            reads: log.len() - changes,
            refused: log.iter().filter(|asked| asked.status == 429).count(),
            lasted: log.last().expect("something was asked").at.since(start),
            slowed,
            under_way: under_way.lock().expect("the count").1,
        };
        (ended, cost, api)
    }

    /// The paths of the changing requests of the last run.
    pub(crate) fn changes(&self, method: &str, path: &str) -> usize {
        self.log.lock().expect("the log").iter().filter(|asked| asked.method == method && asked.path == path).count()
    }
}

/// How a run ended.
pub(crate) type Ended = Result<Surveyed, (&'static str, Vec<Diagnostic>)>;

/// The path and query of a request.
fn target(carried: &Carried) -> String {
    carried.url.query().map_or(carried.url.path().to_owned(), |query| format!("{}?{query}", carried.url.path()))
}

/// What the account answers.
fn answer(world: &mut World, carried: &Carried, at: Moment) -> Brought {
    let request = sim::Request { at, ..sim::Request::new(carried.method, &target(carried), carried.body.as_ref()) };
    let response = world.handle(&request);
    let headers = response.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let body = response.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    Brought { status: response.status, headers, body }
}

/// Surveys and executes, and takes down what it is told.
async fn go(sketch: &Sketch, folder: &Path, api: &Client, destroy: bool, told: &mut Vec<Event>) -> Ended {
    let options = Options { destroy, ..Options::default() };
    let mut tell = |event: Event| told.push(event);
    reconcile(sketch, folder, api, api.clock(), &options, &mut tell).await
}

/// So many clusters of two droplets, an address that leads to the first, and two records, in one network and one zone.
pub(crate) fn fleet(clusters: usize) -> Sketch {
    let mut stack = Map::new();
    stack.insert("digitalocean_vpc.net".into(), json!({"name": "fleet", "region": "nyc3"}));
    stack.insert("digitalocean_domain.d".into(), json!({"name": "example.com"}));
    for nth in 0..clusters {
        for role in ["a", "b"] {
            stack.insert(format!("digitalocean_droplet.c{nth}{role}"), droplet(&format!("c{nth}-{role}")));
            let name = if role == "a" { format!("c{nth}") } else { format!("www.c{nth}") };
            let value = format!("$digitalocean_reserved_ip.c{nth}.ip_address");
            let record = json!({"domain": "$digitalocean_domain.d.name", "type": "A", "name": name, "value": value});
            stack.insert(format!("digitalocean_record.c{nth}{role}"), record);
        }
        stack.insert(format!("digitalocean_reserved_ip.c{nth}"), json!({"region": "nyc3"}));
        let (ip, holder) = (format!("$digitalocean_reserved_ip.c{nth}.ip_address"), format!("$digitalocean_droplet.c{nth}a.id"));
        stack.insert(format!("digitalocean_reserved_ip_assignment.c{nth}"), json!({"ip_address": ip, "droplet_id": holder}));
    }
    Sketch::new(Value::Object(stack))
}

pub(crate) fn droplet(name: &str) -> Value {
    json!({"name": name, "region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb", "vpc_uuid": "$digitalocean_vpc.net.id"})
}
