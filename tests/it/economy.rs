//! What a run costs: requests, exactly, and time beside the least that is possible. The account is in this process and its time
//! is stepped, so that an hour takes no time and two runs are the same.
//!
//! Invariant: the program gets no hint of how long anything takes; what it knows it has measured.

use std::collections::BTreeSet;
use std::time::Duration;

use dofloat::api::Brought;
use dofloat::api::client::Client;
use dofloat::api::wait::Limit;
use dofloat::sim::{ClockMode, Rate};
use dofloat::ui::events::EventPrinter;
use dofloat::ui::paint::Paint;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::engine::Sketch;
use crate::support::account::{Account, Cost, START, droplet, fleet};
use crate::support::golden::golden_text;
use crate::support::harness::{in_full, say};
use crate::support::reconcile::DEFAULT_PARALLELISM;

fn within(title: &str, cost: &Cost, least: f64, factor: f64) {
    let ratio = cost.lasted.as_secs_f64() / least;
    say(&format!("{title}: {cost:?}, {ratio:.3} of {least:.2} s"));
    assert!(ratio <= factor, "{title}: {ratio:.3} is more than {factor}: {cost:?}");
}

const LIMITED: Option<Rate> = Some(Rate { per_hour: 5000, per_minute: 250, key_lists: 10, addresses: None });

#[tokio::test]
async fn waiting_takes_no_slot() {
    // 20 clusters: 40 droplets of 2 s and 20 actions of 1 s, with room for 10 requests.
    let account = Account::open(20, 2_000, 1_000, None);
    let (first, known) = account.run(&fleet(20), false, None).await;
    let least = 2.0 + 1.0 + 0.02 * (5.0 + 122.0 / 10.0);
    within("fleet 20, first apply", &first, least, 1.1);
    assert!(first.under_way <= DEFAULT_PARALLELISM + 3, "{first:?}");
    let (destroyed, known) = account.run(&fleet(20), true, Some(&known)).await;
    // An address is let go, a droplet deleted, and then the network of both; how long that takes nobody knows yet.
    let gone = 1.0 + 1.0 + 0.02 * (5.0 + 123.0 / 10.0);
    within("fleet 20, first destroy", &destroyed, gone, 1.1);
    assert!(destroyed.reads <= 60, "{destroyed:?}");
    let (apply, known) = account.run(&fleet(20), false, Some(&known)).await;
    within("fleet 20, apply", &apply, least, 1.1);
    let (destroy, _) = account.run(&fleet(20), true, Some(&known)).await;
    within("fleet 20, destroy", &destroy, gone, 1.1);
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
    assert_eq!(cost.refused, 0, "{cost:?}");
    // Twice as many are more than a minute allows.
    let account = Account::open(80, 3_000, 2_000, LIMITED);
    let (cost, _) = account.run(&fleet(100), false, None).await;
    within("fleet 100 at 250 a minute", &cost, least(&cost, times), 1.1);
    assert!(cost.refused == 0 && !cost.slowed.is_empty(), "{cost:?}");

    let times = [150, 45_000, 5_000];
    let (account, stack) = (Account::open(150, 45_000, 5_000, LIMITED), fleet(10));
    let (first, known) = account.run(&stack, false, None).await;
    // Nothing was measured before: the looks at droplets of 45 s are up to 3 s apart.
    within("fleet 10 at 250 a minute, first apply", &first, least(&first, times), 1.2);
    account.clock.drive(account.clock.sleep(Duration::from_secs(120))).await;
    let (destroy, known) = account.run(&stack, true, Some(&known)).await;
    account.clock.drive(account.clock.sleep(Duration::from_secs(120))).await;
    let (cost, _) = account.run(&stack, false, Some(&known)).await;
    within("fleet 10 at 250 a minute", &cost, least(&cost, times), 1.1);
    assert_eq!(first.refused + destroy.refused + cost.refused, 0, "{first:?} {destroy:?} {cost:?}");
}

/// What was asked, and when, from the start of an account on.
async fn history(clusters: usize) -> Vec<String> {
    let account = Account::open(80, 3_000, 2_000, LIMITED);
    let (_, known) = account.run(&fleet(clusters), false, None).await;
    let mut history: Vec<String> = account.log.lock().expect("the log").iter().map(|asked| format!("{asked:?}")).collect();
    let _ = account.run(&fleet(clusters), true, Some(&known)).await;
    history.extend(account.log.lock().expect("the log").iter().map(|asked| format!("{asked:?}")));
    history
}

/// All bounds here are of one run, and hold for any other since it is the same.
#[tokio::test]
async fn two_runs_ask_for_the_same_at_the_same_moments() {
    let first = history(20).await;
    for _ in 0..2 {
        let again = history(20).await;
        let differs = first.iter().zip(&again).position(|(one, other)| one != other);
        assert_eq!(differs.map(|nth| (nth, &first[nth], &again[nth])), None);
        assert_eq!(first.len(), again.len());
    }
}

#[tokio::test]
async fn what_another_client_spends_is_left_to_it() {
    let account = Account::open(80, 3_000, 2_000, LIMITED);
    let stack = fleet(50);
    let (cost, _) = tokio::select! {
        cost = account.run(&stack, false, None) => cost,
        () = account.company(125.0 / 60.0) => unreachable!("it goes on"),
    };
    let theirs = account.refused_others();
    say(&format!("fleet 50 beside one that spends half: {cost:?}, {theirs} of theirs refused"));
    // What they used until then is left to them; that they go on nobody knows.
    assert_eq!(cost.refused, 0, "{cost:?}");
}

#[tokio::test]
async fn the_end_of_an_hour_is_told_and_waited_for_to_the_minute() {
    let account = Account::open(80, 3_000, 2_000, LIMITED);
    // Somebody else sends four requests a second for twenty minutes: 4,800 of the hour's 5,000.
    let others = account.clock.now();
    tokio::select! {
        () = account.company(4.0) => unreachable!("it goes on"),
        () = account.clock.drive(account.clock.sleep(Duration::from_secs(1_200))) => {}
    }
    let begun = account.clock.now();
    let (cost, _) = account.run(&fleet(50), false, None).await;
    let told = cost.slowed.len();
    let hour = cost.slowed.iter().find(|shortage| shortage.limit == Limit::Hour).copied();
    let cost = Cost { slowed: Vec::new(), ..cost };
    say(&format!("fleet 50 at the end of an hour: {cost:?}, told {told} times, first {hour:?}"));
    assert_eq!(cost.refused, 0, "{cost:?}");
    // An hour after the first of theirs, four a second become free again.
    let free = others.plus(Duration::from_secs(3_600)).since(begun);
    let left = f64::from(u32::try_from(cost.changes + cost.reads).expect("it is small"));
    let (soonest, latest) = (free, free + Duration::from_secs_f64(left / 4.0 + 60.0));
    assert!((soonest..=latest).contains(&cost.lasted), "{soonest:?} to {latest:?}: {cost:?}");
    let hour = hour.expect("it is told");
    let off = hour.until.since(begun).abs_diff(free);
    assert!(off <= Duration::from_secs(60), "{off:?}: {hour:?}");
}

#[tokio::test]
async fn reads_grow_with_pages_and_not_with_objects() {
    let clusters = if in_full() { 500 } else { 100 };
    let account = Account::open(1, 0, 0, None);
    let (apply, known) = account.run(&fleet(clusters), false, None).await;
    say(&format!("fleet {clusters}, apply: {apply:?}"));
    // One for each resource and the project in which the addresses lie, were it not that one makes ten droplets.
    assert!(apply.changes <= 6 * clusters + 2 && apply.reads <= 150, "{apply:?}");
    assert_eq!(account.changes("POST", "/v2/droplets"), 2 * clusters / 10);
    let once = ["/v2/projects", "/v2/vpcs", "/v2/domains"].map(|path| account.changes("POST", path));
    assert_eq!((once, account.changes("POST", "/v2/reserved_ips")), ([1, 1, 1], clusters));
    let (destroy, _) = account.run(&fleet(clusters), true, Some(&known)).await;
    say(&format!("fleet {clusters}, destroy: {destroy:?}"));
    assert!(destroy.changes <= 6 * clusters + 5 && destroy.reads <= 150, "{destroy:?}");
}

#[tokio::test]
async fn a_thousand_droplets_wait_together() {
    let count = if in_full() { 1_000 } else { 250 };
    let account = Account::open(80, 45_000, 5_000, LIMITED);
    let mut stack = Map::new();
    stack.insert("digitalocean_vpc.net".into(), json!({"name": "fleet", "region": "nyc3"}));
    stack.extend((0..count).map(|nth| (format!("digitalocean_droplet.d{nth}"), droplet(&format!("d{nth}")))));
    let (cost, _) = account.run(&Sketch::new(Value::Object(stack)), false, None).await;
    // All that is asked before the last create, by the minute; then its boot.
    let least = f64::from(u32::try_from((count / 10 + 9) / 250).expect("it is small")) * 60.0 + 45.0;
    within(&format!("{count} droplets at 250 a minute"), &cost, least, 1.15);
    assert_eq!(cost.refused, 0, "{cost:?}");
}

/// Two servers in a network, an address that leads to the first, names that lead to it, and a firewall around both: what the
/// tutorial builds. Of a pair the droplets carry a tag, by which the firewall knows them; its gates ask the nodes, and not the API.
fn web(is_pair: bool) -> Sketch {
    let rule = json!([{"protocol": "tcp", "port_range": "22", "source_addresses": ["0.0.0.0/0"]}]);
    let mut all = json!({
        "digitalocean_vpc.net": {"name": "net", "region": "nyc3"},
        "digitalocean_reserved_ip.ip": {"region": "nyc3"},
        "digitalocean_reserved_ip_assignment.ip": {"ip_address": "$digitalocean_reserved_ip.ip.ip_address", "droplet_id": "$digitalocean_droplet.a.id"},
        "digitalocean_domain.d": {"name": "example.com"},
        "digitalocean_record.apex": {"domain": "$digitalocean_domain.d.name", "type": "A", "name": "@", "value": "$digitalocean_reserved_ip.ip.ip_address"},
        "digitalocean_record.www": {"domain": "$digitalocean_domain.d.name", "type": "A", "name": "www", "value": "$digitalocean_reserved_ip.ip.ip_address"},
    });
    for name in ["a", "b"] {
        let mut body = droplet(name);
        body["vpc_uuid"] = json!("$digitalocean_vpc.net.id");
        if is_pair {
            body["tags"] = json!(["$digitalocean_tag.nodes.name"]);
        }
        all[format!("digitalocean_droplet.{name}")] = body;
    }
    let mut firewall = json!({"name": "fw", "inbound_rule": rule});
    if is_pair {
        all["digitalocean_tag.nodes"] = json!({"name": "nodes"});
        firewall["tags"] = json!(["$digitalocean_tag.nodes.name"]);
    } else {
        firewall["droplet_ids"] = json!(["$digitalocean_droplet.a.id", "$digitalocean_droplet.b.id"]);
    }
    all["digitalocean_firewall.f"] = firewall;
    Sketch::new(all)
}

/// When an apply of `web` could have ended at the earliest, as the account's times were.
fn earliest(account: &Account, clock: ClockMode, is_pair: bool) -> Duration {
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
    // The firewall of a pair is there before the droplets are.
    let rest = if is_pair { last.max(firewall) } else { last + firewall };
    network + 2 * account.latency + (starts[0] + assignment).max(rest)
}

#[tokio::test]
async fn whatever_it_takes_is_noticed_soon_and_with_few_looks() {
    for is_pair in [false, true] {
        noticed_soon(is_pair).await;
    }
}

/// A run's time beside its critical path, and how often it looked for each wait: two droplets, the assignment, the firewall.
async fn beside(account: &Account, clock: ClockMode, is_pair: bool, known: Option<&Client>) -> (f64, f64, Client, Cost) {
    let (cost, client) = account.run(&web(is_pair), false, known).await;
    let ratio = cost.lasted.as_secs_f64() / earliest(account, clock, is_pair).as_secs_f64();
    let log = account.log.lock().expect("the log");
    let first = log.iter().position(|asked| asked.path == "/v2/vpcs" && asked.method == "POST");
    let reads = log.iter().skip(first.unwrap_or(0)).filter(|asked| asked.method == "GET").count();
    (ratio, f64::from(u32::try_from(reads).expect("it is small")) / 4.0, client, cost)
}

async fn noticed_soon(is_pair: bool) {
    let what = if is_pair { "the pair" } else { "the tutorial's stack" };
    let (mut known, mut ratios, mut most) = (None::<Client>, Vec::new(), 0.0_f64);
    for seed in 1..=25 {
        let latency = Duration::from_millis(80);
        let (droplet, action) = ([2_000, 60_000].map(Duration::from_millis), [500, 8_000].map(Duration::from_millis));
        let clock = ClockMode::Drawn { request: latency, droplet, action, seed };
        let account = Account::with(clock, latency, None);
        let (ratio, looks, client, cost) = beside(&account, clock, is_pair, known.as_ref()).await;
        say(&format!("{what}, seed {seed}: {ratio:.3} of the critical path, {looks:.2} looks a wait, {:.2} s", cost.lasted.as_secs_f64()));
        // The first five runs of a stack teach how long things take.
        if seed > 5 {
            ratios.push(ratio);
            most = most.max(looks);
        }
        known = Some(client);
    }
    let mean = ratios.iter().sum::<f64>() / f64::from(u32::try_from(ratios.len()).expect("it is small"));
    say(&format!("{what}, 20 seeds: {mean:.3} of the critical path on the average, at most {most:.2} looks a wait"));
    assert!(mean <= 1.08 && most <= 12.0, "{what}: {mean:.3}, {most:.2} looks");
    let [request, droplet, action] = [80, 3_000, 2_000].map(Duration::from_millis);
    let (clock, mut known) = (ClockMode::Real { request, droplet, action }, None);
    for run in ["first", "second", "third"] {
        let account = Account::with(clock, request, None);
        let (ratio, looks, client, cost) = beside(&account, clock, is_pair, known.as_ref()).await;
        let (reads, lasted) = (cost.reads, cost.lasted.as_secs_f64());
        say(&format!(
            "{what} at 80 ms, 3 s, 2 s, {run} apply: {ratio:.3} of the critical path, {looks:.2} looks a wait, {reads} reads, {lasted:.2} s"
        ));
        known = Some(client);
    }
}

/// How often something was asked for by GET, as lists and one by one.
fn reads_of(account: &Account, list: &str) -> (usize, usize) {
    let log = account.log.lock().expect("the log");
    let gets = || log.iter().filter(|asked| asked.method == "GET").map(|asked| asked.path.split('?').next().unwrap_or_default());
    (gets().filter(|path| *path == list).count(), gets().filter(|path| path.starts_with(&format!("{list}/"))).count())
}

#[tokio::test]
async fn one_list_answers_for_plain_kinds_too() {
    let rule = json!([{"entry_port": 80, "entry_protocol": "http", "target_port": 80, "target_protocol": "http"}]);
    let balancer = |nth: usize| json!({"name": format!("lb{nth}"), "region": "nyc3", "size_unit": 1, "forwarding_rule": rule});
    let cluster = |nth: usize| json!({"name": format!("db{nth}"), "engine": "pg", "version": "16", "size": "db-s-1vcpu-1gb", "region": "nyc3", "node_count": 1});
    let mut stack = Map::new();
    stack.extend((0..20).map(|nth| (format!("digitalocean_loadbalancer.l{nth}"), balancer(nth))));
    stack.extend((0..20).map(|nth| (format!("digitalocean_database_cluster.d{nth}"), cluster(nth))));
    let stack = Sketch::new(Value::Object(stack));
    let account = Account::open(80, 0, 30_000, None);
    let (first, known) = account.run(&stack, false, None).await;
    let (balancers, clusters) = (reads_of(&account, "/v2/load_balancers"), reads_of(&account, "/v2/databases"));
    say(&format!("20 load balancers and 20 clusters: {first:?}, balancers {balancers:?}, clusters {clusters:?}"));
    assert_eq!((balancers.1, clusters.1), (0, 0), "none is asked for by itself");
    within("20 load balancers and 20 clusters", &first, 30.0, 1.15);
    // Once it is known how long they take, twelve looks answer for all.
    account.run(&stack, true, Some(&known)).await;
    let (again, _) = account.run(&stack, false, Some(&known)).await;
    let (balancers, clusters) = (reads_of(&account, "/v2/load_balancers"), reads_of(&account, "/v2/databases"));
    say(&format!("the same, learned: {again:?}, balancers {balancers:?}, clusters {clusters:?}"));
    assert!(balancers.0 <= 26 && clusters.0 <= 26, "{again:?}");
}

#[tokio::test]
async fn the_members_of_a_network_are_looked_at_when_they_go() {
    let stack = Sketch::new(json!({
        "digitalocean_vpc.a": {"name": "a", "region": "nyc3"},
        "digitalocean_vpc.b": {"name": "b", "region": "ams3"},
    }));
    let account = Account::open(80, 0, 0, None);
    let mut known = None;
    for round in 0..2 {
        account.run(&stack, false, known.as_ref()).await;
        // What was in them is seen for a minute.
        let (clock, until) = (account.clock.clone(), account.clock.now().plus(Duration::from_secs(60)));
        account.befall(Box::new(move |carried, _| {
            let status = match (carried.method, carried.url.path()) {
                _ if clock.now() >= until => return None,
                ("DELETE", path) if path.starts_with("/v2/vpcs/") => 403,
                ("GET", path) if path.ends_with("/members") => 200,
                _ => return None,
            };
            let body = json!({"id": "forbidden", "message": "Can not delete VPC with members", "members": [{"urn": "do:droplet:1"}]});
            Some(Brought { status, headers: Vec::new(), body: body.to_string().into_bytes() })
        }));
        let (cost, client) = account.run(&stack, true, known.as_ref()).await;
        let (_, reads) = reads_of(&account, "/v2/vpcs");
        say(&format!("two networks whose members linger for a minute, run {round}: {cost:?}, {reads} looks"));
        assert!(round == 0 || reads <= 24, "{reads}");
        within("two networks", &cost, 60.0, 1.08);
        known = Some(client);
    }
}

#[tokio::test]
async fn a_limit_of_new_addresses_is_kept_once_the_account_shows_it() {
    let limited = Some(Rate { addresses: Some(12), ..LIMITED.expect("there is one") });
    let account = Account::open(80, 3_000, 2_000, limited);
    let (cost, _) = account.run(&fleet(30), false, None).await;
    let told = cost.slowed.iter().find(|shortage| shortage.limit == Limit::Address).copied();
    let cost = Cost { slowed: Vec::new(), ..cost };
    say(&format!("fleet 30 where 12 addresses a minute are allowed: {cost:?}, told {told:?}"));
    // The first that are refused show it, as many as are under way at a time; none is refused after that.
    assert!((1..=DEFAULT_PARALLELISM).contains(&cost.refused), "{cost:?}");
    let told = told.expect("it is told");
    assert_eq!((told.most, told.left), (12, 0), "{told:?}");
    // 12 at once, 12 after a minute, 6 after two: nothing else waits for them.
    within("fleet 30 where 12 addresses a minute are allowed", &cost, 120.0, 1.1);
    let log = account.log.lock().expect("the log");
    let late = log.iter().filter(|asked| asked.method == "POST" && asked.path == "/v2/droplets").map(|asked| asked.at.since(START));
    assert!(late.max().expect("droplets are made") < Duration::from_secs(10));
}

/// A screen as somebody sees it who does not know why it takes so long; of lines that are of one sort, the first.
#[tokio::test]
async fn a_run_that_is_slowed_down_says_why() {
    let account = Account::open(80, 3_000, 2_000, LIMITED);
    let (ended, ..) = account.attempt(&fleet(60), false, None).await;
    let surveyed = ended.expect("it goes through");
    let mut printer = EventPrinter::new(&surveyed.planned.plan);
    let told = std::mem::take(&mut *account.told.lock().expect("what was told"));
    let lines = told.iter().filter_map(|event| printer.text(event, Paint::PLAIN));
    let numbers = Regex::new(r"\d+").expect("a pattern");
    let (mut met, mut screen) = (BTreeSet::new(), String::new());
    for line in lines {
        let sort = line.split_once(": ").map_or(line.as_str(), |(address, what)| if address.contains('.') { what } else { &line });
        let sort = numbers.replace_all(sort, "N").split(" [").next().unwrap_or_default().to_owned();
        let skipped = !met.insert(sort);
        if !skipped {
            screen.push_str(&line);
            screen.push('\n');
        } else if !screen.ends_with("…\n") {
            screen.push_str("…\n");
        }
    }
    let mut settings = insta::Settings::clone_current();
    let filters = [
        (r"\[id=[^\]]+\]", "[id=…]"),
        (r"(\d+m)?\d+s( elapsed|,|\.| \[)", "…s$2"),
        (r"\d+ operations?", "… operations"),
        (r"\d+ still", "… still"),
        (r"08:01:\d\d", "08:01:…"),
        (r"\.c\d+[ab]?", ".c…"),
        (r"\d+\.\d+\.\d+\.\d+", "…"),
        (r"droplet \d+", "droplet …"),
    ];
    for (pattern, form) in filters {
        settings.add_filter(pattern, form);
    }
    settings.bind(|| golden_text("screen", "slowed-down", &screen));
}
