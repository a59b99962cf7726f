//! What a run costs: requests, exactly, and time beside the least that is possible. The account is in this process and its time
//! is stepped, so that an hour takes no time and two runs are the same.
//!
//! Invariant: the program gets no hint of how long anything takes; what it knows it has measured.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dofloat::api::client::{Client, Settings};
use dofloat::api::{Brought, Carried, Carrier};
use dofloat::base::clock::{Clock, Moment};
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::engine::change::Event;
use dofloat::engine::request::Options;
use dofloat::sim::{self, ClockMode, Limits, Rate, World};
use serde_json::{Map, Value, json};

use crate::engine::Sketch;
use crate::support::harness::{in_full, say};
use crate::support::reconcile::{DEFAULT_PARALLELISM, reconcile};

const START: Moment = Moment(1_800_000_000_000);

/// An account whose time is stepped.
struct Account {
    clock: Clock,
    world: Arc<Mutex<World>>,
    log: Arc<Mutex<Vec<Asked>>>,
    folder: tempfile::TempDir,
    latency: Duration,
}

/// A request that was answered.
#[derive(Clone, Debug)]
struct Asked {
    at: Moment,
    method: &'static str,
    path: String,
    status: u16,
}

/// What a run took.
#[derive(Clone, Debug, Default)]
struct Cost {
    changes: usize,
    reads: usize,
    refused: usize,
    /// From the first request to the last answer.
    lasted: Duration,
    slowed: usize,
    under_way: usize,
}

impl Account {
    fn open(request: u64, droplet: u64, action: u64, rate: Option<Rate>) -> Self {
        let [request, droplet, action] = [request, droplet, action].map(Duration::from_millis);
        let clock = match (droplet.is_zero(), action.is_zero()) {
            (true, true) => ClockMode::default(),
            _ => ClockMode::Real { request, droplet, action },
        };
        Self::with(clock, request, rate)
    }

    fn with(clock: ClockMode, latency: Duration, rate: Option<Rate>) -> Self {
        let limits = Limits { droplets: 10_000, reserved_ips: 10_000 };
        let world = World::new(&sim::Options { clock, rate, limits, ..sim::Options::default() });
        Self {
            clock: Clock::stepped(START),
            world: Arc::new(Mutex::new(world)),
            log: Arc::default(),
            folder: tempfile::tempdir().expect("a folder"),
            latency,
        }
    }

    /// A client of its own for each run, as the program has it.
    fn client(&self, under_way: &Arc<Mutex<(usize, usize)>>) -> Client {
        let (clock, world, log, latency, count) =
            (self.clock.clone(), Arc::clone(&self.world), Arc::clone(&self.log), self.latency, Arc::clone(under_way));
        let carry = move |carried: Carried| -> Pin<Box<dyn Future<Output = Brought> + Send>> {
            let (clock, world, log, count) = (clock.clone(), Arc::clone(&world), Arc::clone(&log), Arc::clone(&count));
            Box::pin(async move {
                {
                    let mut count = count.lock().expect("the count");
                    count.0 += 1;
                    count.1 = count.1.max(count.0);
                }
                clock.sleep(latency).await;
                let target = carried.url.query().map_or(carried.url.path().to_owned(), |query| format!("{}?{query}", carried.url.path()));
                let request = sim::Request { at: clock.now(), ..sim::Request::new(carried.method, &target, carried.body.as_ref()) };
                let response = world.lock().expect("the world").handle(&request);
                log.lock().expect("the log").push(Asked { at: clock.now(), method: carried.method, path: target, status: response.status });
                count.lock().expect("the count").0 -= 1;
                let headers = response.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let body = response.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
                Brought { status: response.status, headers, body }
            })
        };
        let base = "http://127.0.0.1:1".parse().expect("an address");
        let settings = Settings::new(base, Secret::new("t".to_owned()), self.clock.clone(), Arc::new(Rng::seeded(1)));
        Client::new(Settings { carrier: Some(Carrier(Arc::new(carry))), ..settings }).expect("a client")
    }

    /// Somebody else asks so many times a second.
    async fn company(&self, a_second: f64) {
        loop {
            self.clock.sleep(Duration::from_secs_f64(1.0 / a_second)).await;
            let request = sim::Request { at: self.clock.now(), ..sim::Request::new("GET", "/v2/account", None) };
            let _ = self.world.lock().expect("the world").handle(&request);
        }
    }

    /// Applies or destroys, as the command does, with what earlier runs have measured.
    async fn run(&self, sketch: &Sketch, destroy: bool, known: Option<&Client>) -> (Cost, Client) {
        let under_way = Arc::default();
        let api = self.client(&under_way);
        if let Some(earlier) = known {
            api.learn(earlier.timings());
        }
        self.log.lock().expect("the log").clear();
        let start = self.clock.now();
        let slowed = self.clock.drive(go(sketch, self.folder.path(), &api, &self.clock, destroy)).await;
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
        (cost, api)
    }
}

/// Surveys and executes; gives how often it was told that the limit slows it down.
async fn go(sketch: &Sketch, folder: &Path, api: &Client, clock: &Clock, destroy: bool) -> usize {
    let options = Options { destroy, ..Options::default() };
    let mut slowed = 0;
    let mut tell = |event: Event| slowed += usize::from(matches!(event, Event::Slowed { .. }));
    reconcile(sketch, folder, api, clock, &options, &mut tell).await.unwrap_or_else(|(what, why)| panic!("the {what}: {why:#?}"));
    slowed
}

/// So many clusters of two droplets, an address that leads to the first, and two records, in one network and one zone.
fn fleet(clusters: usize) -> Sketch {
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

fn droplet(name: &str) -> Value {
    json!({"name": name, "region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb", "vpc_uuid": "$digitalocean_vpc.net.id"})
}

fn within(title: &str, cost: &Cost, least: f64, factor: f64) {
    let ratio = cost.lasted.as_secs_f64() / least;
    say(&format!("{title}: {cost:?}, {ratio:.3} of {least:.2} s"));
    assert!(ratio <= factor, "{title}: {ratio:.3} is more than {factor}: {cost:?}");
}

const LIMITED: Option<Rate> = Some(Rate { per_hour: 5000, per_minute: 250, key_lists: 10 });

#[tokio::test]
async fn waiting_takes_no_slot() {
    // 20 clusters: 40 droplets of 2 s and 20 actions of 1 s, with room for 10 requests.
    let account = Account::open(20, 2_000, 1_000, None);
    let (first, known) = account.run(&fleet(20), false, None).await;
    let least = 2.0 + 1.0 + 0.02 * (5.0 + 122.0 / 10.0);
    within("fleet 20, first apply", &first, least, 1.5);
    assert!(first.under_way <= DEFAULT_PARALLELISM + 3, "{first:?}");
    let (destroyed, known) = account.run(&fleet(20), true, Some(&known)).await;
    say(&format!("fleet 20, first destroy: {destroyed:?}"));
    let (apply, known) = account.run(&fleet(20), false, Some(&known)).await;
    within("fleet 20, apply", &apply, least, 1.2);
    // An address is let go, a droplet deleted, and then the network of both.
    let (destroy, _) = account.run(&fleet(20), true, Some(&known)).await;
    let least = 1.0 + 1.0 + 0.02 * (5.0 + 123.0 / 10.0);
    within("fleet 20, destroy", &destroy, least, 1.4);
}

/// The least that an apply takes: its longest path, or what a minute allows.
fn least(cost: &Cost, [request, droplet, action]: [u64; 3]) -> f64 {
    let changes = u32::try_from(cost.changes + 9).expect("it is small");
    let path = Duration::from_millis(droplet + action + 8 * request).as_secs_f64();
    path.max(f64::from(changes) / 250.0 * 60.0)
}

#[tokio::test]
async fn the_minute_is_never_overrun() {
    let times = [80, 3_000, 2_000];
    let account = Account::open(80, 3_000, 2_000, LIMITED);
    let (cost, _) = account.run(&fleet(50), false, None).await;
    within("fleet 50 at 250 a minute", &cost, least(&cost, times), 1.1);
    assert!(cost.refused == 0 && cost.slowed > 0, "{cost:?}");

    let times = [150, 45_000, 5_000];
    let (account, stack) = (Account::open(150, 45_000, 5_000, LIMITED), fleet(10));
    let (first, known) = account.run(&stack, false, None).await;
    // Nothing was measured before: the looks at droplets of 45 s are up to 3 s apart.
    within("fleet 10 at 250 a minute, first apply", &first, least(&first, times), 1.25);
    account.clock.drive(account.clock.sleep(Duration::from_secs(120))).await;
    let (destroy, known) = account.run(&stack, true, Some(&known)).await;
    account.clock.drive(account.clock.sleep(Duration::from_secs(120))).await;
    let (cost, _) = account.run(&stack, false, Some(&known)).await;
    within("fleet 10 at 250 a minute", &cost, least(&cost, times), 1.2);
    assert_eq!(first.refused + destroy.refused + cost.refused, 0, "{first:?} {destroy:?} {cost:?}");
}

#[tokio::test]
async fn what_another_client_spends_is_left_to_it() {
    let account = Account::open(80, 3_000, 2_000, LIMITED);
    let stack = fleet(50);
    let (cost, _) = tokio::select! {
        cost = account.run(&stack, false, None) => cost,
        () = account.company(125.0 / 60.0) => unreachable!("it goes on"),
    };
    say(&format!("fleet 50 beside one that spends half: {cost:?}"));
    assert_eq!(cost.refused, 0, "{cost:?}");
}

#[tokio::test]
async fn reads_grow_with_pages_and_not_with_objects() {
    let clusters = if in_full() { 500 } else { 100 };
    let account = Account::open(1, 0, 0, None);
    let (apply, known) = account.run(&fleet(clusters), false, None).await;
    say(&format!("fleet {clusters}, apply: {apply:?}"));
    // One for each resource, and the project in which the addresses lie.
    assert_eq!(apply.changes, 6 * clusters + 3);
    assert!(apply.reads <= 150, "{apply:?}");
    let (destroy, _) = account.run(&fleet(clusters), true, Some(&known)).await;
    say(&format!("fleet {clusters}, destroy: {destroy:?}"));
    assert!(destroy.changes <= 6 * clusters + 5 && destroy.reads <= 150, "{destroy:?}");
}

#[tokio::test]
async fn a_thousand_droplets_wait_together() {
    let count = if in_full() { 1_000 } else { 500 };
    let account = Account::open(80, 45_000, 5_000, LIMITED);
    let mut stack = Map::new();
    stack.insert("digitalocean_vpc.net".into(), json!({"name": "fleet", "region": "nyc3"}));
    stack.extend((0..count).map(|nth| (format!("digitalocean_droplet.d{nth}"), droplet(&format!("d{nth}")))));
    let (cost, _) = account.run(&Sketch::new(Value::Object(stack)), false, None).await;
    // All that is asked before the last create, by the minute; then its boot.
    let least = f64::from(u32::try_from((count + 9) / 250).expect("it is small")) * 60.0 + 45.0;
    within(&format!("{count} droplets at 250 a minute"), &cost, least, 1.2);
    assert_eq!(cost.refused, 0, "{cost:?}");
}

/// Two servers, an address that leads to the first, and a firewall around both.
fn web() -> Sketch {
    let rule = json!([{"protocol": "tcp", "port_range": "22", "source_addresses": ["0.0.0.0/0"]}]);
    Sketch::new(json!({
        "digitalocean_vpc.net": {"name": "net", "region": "nyc3"},
        "digitalocean_droplet.a": droplet("a"),
        "digitalocean_droplet.b": droplet("b"),
        "digitalocean_reserved_ip.ip": {"region": "nyc3"},
        "digitalocean_reserved_ip_assignment.ip": {"ip_address": "$digitalocean_reserved_ip.ip.ip_address", "droplet_id": "$digitalocean_droplet.a.id"},
        "digitalocean_firewall.f": {"name": "fw", "droplet_ids": ["$digitalocean_droplet.a.id", "$digitalocean_droplet.b.id"], "inbound_rule": rule},
    }))
}

/// When an apply of `web` could have ended at the earliest, as the account's times were.
fn earliest(account: &Account, clock: ClockMode) -> Duration {
    let log = account.log.lock().expect("the log");
    let network = log.iter().find(|asked| asked.method == "POST" && asked.path == "/v2/vpcs").expect("it is made").at.since(START);
    let world = account.world.lock().expect("the world");
    let shown = |kind: &str, key: &dyn Fn(&Value) -> (bool, String)| -> Vec<Duration> {
        let mut all = world.show(kind);
        all.sort_by_key(|of| of["name"].as_str().map(str::to_owned));
        all.iter().map(key).map(|(is_start, key)| clock.lasts(is_start, &key)).collect()
    };
    let starts = shown("droplets", &|of| (true, format!("droplet {} create", of["id"])));
    let assignment = shown("reserved_ips", &|of| (false, format!("ip {} assign_ip", of["ip"].as_str().unwrap_or_default())))[0];
    let firewall = shown("firewalls", &|of| (false, format!("firewall {}", of["id"].as_str().unwrap_or_default())))[0];
    let last = starts[0].max(starts[1]);
    network + 2 * account.latency + (starts[0] + assignment).max(last + firewall)
}

#[tokio::test]
async fn whatever_it_takes_is_noticed_soon_and_with_few_looks() {
    let (mut known, mut ratios, mut most) = (None::<Client>, Vec::new(), 0.0_f64);
    for seed in 1..=25 {
        let latency = Duration::from_millis(80);
        let (droplet, action) = ([2_000, 60_000].map(Duration::from_millis), [500, 8_000].map(Duration::from_millis));
        let clock = ClockMode::Drawn { request: latency, droplet, action, seed };
        let account = Account::with(clock, latency, None);
        let (cost, client) = account.run(&web(), false, known.as_ref()).await;
        let ratio = cost.lasted.as_secs_f64() / earliest(&account, clock).as_secs_f64();
        let first = account.log.lock().expect("the log").iter().position(|asked| asked.path == "/v2/vpcs" && asked.method == "POST");
        let reads = account.log.lock().expect("the log").iter().skip(first.unwrap_or(0)).filter(|asked| asked.method == "GET").count();
        // Two droplets, the assignment, the firewall.
        let looks = f64::from(u32::try_from(reads).expect("it is small")) / 4.0;
        say(&format!("seed {seed}: {ratio:.3} of the critical path, {looks:.2} looks a wait, {:.2} s", cost.lasted.as_secs_f64()));
        // The first five runs of a stack teach how long things take.
        if seed > 5 {
            ratios.push(ratio);
            most = most.max(looks);
        }
        known = Some(client);
    }
    let mean = ratios.iter().sum::<f64>() / f64::from(u32::try_from(ratios.len()).expect("it is small"));
    say(&format!("20 seeds: {mean:.3} of the critical path on the average, at most {most:.2} looks a wait"));
    assert!(mean <= 1.15 && most <= 12.0, "{mean:.3}, {most:.2} looks");
}
