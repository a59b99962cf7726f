//! Every kind against the simulator: made, settled, listed, looked at, edited, found, deleted, with requests counted, and
//! each exchange held against the official document.

mod actions;
mod apps;
mod buckets;
mod first_time;
mod kubernetes;
pub(crate) mod matrix;
mod objects;
mod projects;
mod registry;
mod requests;
mod scopes;
mod shared_tags;
mod spaces;
pub(crate) mod stories;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dofloat::api::client::{Client, Settings};
use dofloat::api::error::ApiError;
use dofloat::base::address::Address;
use dofloat::base::clock::{Clock, Moment};
use dofloat::base::identity::{Id, Mark, Ours};
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::base::value::{Body, Origin, Term, Value};
use dofloat::kinds::erased::{AnyKind, Certainty, Complaint, Created, Job};
use dofloat::kinds::kind;
use dofloat::sim;
use serde_json::{Value as Json, json};

use crate::support::contract::{Contract, Exchange};
use crate::support::harness::{KEY, say};

pub(crate) struct Bench {
    pub(crate) sim: sim::Running,
    pub(crate) api: Client,
    mark: Mark,
}

impl Bench {
    pub(crate) async fn start(options: sim::Options) -> Self {
        let sim = sim::start(options).await.expect("a simulator");
        let api = Client::new(Settings {
            probe_through: None,
            base: sim.url.parse().expect("an address"),
            token: Secret::new("dop_v1_test".into()),
            token_source: "the test".into(),
            retry_max: 2,
            retry_wait_min: Duration::from_secs(1),
            retry_wait_max: Duration::from_secs(30),
            requests_per_second: 0.0,
            timeout: Duration::from_secs(20),
            clock: Clock::virtual_at(Moment(1_700_000_000_000)),
            rng: Arc::new(Rng::seeded(1)),
            ca_file: None,
            reserve: 0,
            carrier: None,
            machine: dofloat::api::machine::Machine::default(),
            spaces: crate::support::spaces::at(&sim.url),
        })
        .expect("a client");
        Self { sim, api, mark: Mark("dofloat:test-1".into()) }
    }

    fn ours(&self) -> Ours<'_> {
        Ours { mark: &self.mark, project: None }
    }

    pub(crate) async fn create(&self, name: &str, body: Json) -> (Id, Body) {
        let kind = the(name);
        let wanted = term(body);
        let Created { id, body } = kind.create(&self.api, &wanted, self.ours()).await.expect("a create");
        let body = match body {
            Some(body) => body,
            None => kind.wait_ready(&self.api, &id, &wanted).await.expect("it settles"),
        };
        assert!(body.contains_key("id"), "{name} {id} has no id");
        (id, body)
    }

    async fn refused(&self, name: &str, body: Json) -> ApiError {
        let made = the(name).create(&self.api, &term(body), self.ours()).await;
        made.expect_err("it is refused")
    }

    async fn list(&self, api: &Client, name: &str, ids: &[&Id]) -> BTreeMap<Id, Body> {
        let ids: Vec<Id> = ids.iter().map(|&id| id.clone()).collect();
        let found = the(name).list(api, &ids, self.ours()).await.expect("a list");
        found.into_iter().map(|found| (found.id, found.body)).collect()
    }

    pub(crate) async fn look(&self, name: &str, id: &Id) -> Option<Body> {
        the(name).read(&self.api, id).await.expect("a look").map(|found| found.body)
    }

    pub(crate) async fn edit(&self, name: &str, id: &Id, edit: &'static str, body: Json) -> Body {
        let seen = self.look(name, id).await.expect("it is there");
        the(name).edit(&self.api, id, edit, &term(body), &seen).await.expect("an edit");
        self.look(name, id).await.expect("it is still there")
    }

    async fn delete(&self, name: &str, id: &Id) {
        let seen = self.look(name, id).await.unwrap_or_default();
        the(name).delete(&self.api, id, &seen).await.expect("a delete");
        assert_eq!(self.look(name, id).await, None, "{name} {id} is still there");
        // Deleting what is not there is no error.
        the(name).delete(&self.api, id, &seen).await.expect("a second delete");
    }

    async fn find(&self, name: &str, body: Json) -> Vec<(Id, Certainty)> {
        let found = the(name).find(&self.api, &map(body), self.ours()).await.expect("a search");
        found.into_iter().map(|found| (found.id, found.certainty)).collect()
    }

    async fn preflight(&self, name: &str, bodies: &[Json]) -> Vec<String> {
        let job = |(at, body): (usize, &Json)| Job {
            address: Address::new(name, &format!("n{at}")),
            id: None,
            body: term(body.clone()),
            seen: None,
            creates: true,
        };
        let jobs: Vec<Job> = bodies.iter().enumerate().map(job).collect();
        words(the(name).preflight(&self.api.snapshot(), &jobs).await.expect("a preflight"))
    }

    /// Changing requests and reads since the last count.
    fn count(&self) -> (usize, usize) {
        let log = self.sim.log();
        let writes = log.iter().filter(|exchange| exchange.is_write()).count();
        self.judge();
        self.sim.clear_log();
        (writes, log.len() - writes)
    }

    /// Every request so far keeps to the official document. (The answers are the simulator's affair.)
    fn judge(&self) {
        let contract = Contract::shared();
        for exchange in self.sim.log().into_iter().filter(|of| !of.path.starts_with("/spaces/")) {
            let query = url::form_urlencoded::parse(exchange.query.as_bytes()).into_owned().collect();
            let heard = Exchange {
                method: exchange.method,
                path: exchange.path.trim_start_matches("/v2").to_owned(),
                query,
                request_body: Some(exchange.request).filter(|body| !body.is_null()),
                status: exchange.status,
                response_body: Some(exchange.response).filter(|body| !body.is_null()),
                response_headers: None,
            };
            let found = contract.check(&heard).into_iter().filter(|violation| !violation.place.starts_with("response"));
            let found: Vec<String> = found.map(|violation| violation.to_string()).collect();
            assert!(found.is_empty() || heard.status >= 400, "{found:#?}");
        }
    }
}

pub(crate) fn the(name: &str) -> &'static dyn AnyKind {
    kind(name).expect("a kind")
}

fn term(body: Json) -> Term {
    Term::Value(Value::from_json(&body))
}

pub(crate) fn map(body: Json) -> Body {
    Value::from_json(&body).as_map().expect("a map").clone()
}

fn words(complaints: Vec<Complaint>) -> Vec<String> {
    let line = |complaint: Complaint| {
        let whose = complaint.address.map(|address| format!("{}: ", address.name)).unwrap_or_default();
        format!("{whose}{}: {}", complaint.path.join("."), complaint.message)
    };
    complaints.into_iter().map(line).collect()
}

pub(crate) fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

pub(crate) fn droplet(name: &str, vpc: &Id) -> Json {
    json!({
        "name": name, "image": "ubuntu-24-04-x64", "region": "nyc3", "size": "s-1vcpu-1gb", "vpc_uuid": vpc.0,
        "tags": ["web"], "user_data": "#!/bin/sh\ntrue\n", "backups": false, "ipv6": false, "monitoring": false,
    })
}

fn firewall(droplets: &[&Id]) -> Json {
    let all = json!(["0.0.0.0/0", "::/0"]);
    json!({
        "name": "web-fw", "droplet_ids": droplets.iter().map(|id| number(&id.0)).collect::<Vec<_>>(),
        "inbound_rule": [
            {"protocol": "tcp", "port_range": "22", "source_addresses": all},
            {"protocol": "tcp", "port_range": "80", "source_addresses": all},
            {"protocol": "udp", "port_range": "5404-5405", "source_addresses": ["10.10.10.0/24"]},
        ],
        "outbound_rule": [
            {"protocol": "tcp", "port_range": "1-65535", "destination_addresses": all},
            {"protocol": "udp", "port_range": "all", "destination_addresses": all},
            {"protocol": "icmp", "destination_addresses": all},
        ],
    })
}

fn record(name: &str, value: &str) -> Json {
    json!({"domain": "example.com", "type": "A", "name": name, "value": value, "ttl": 300})
}

/// The value of an attribute differs from what was wanted as little as the table says.
fn same(name: &str, wanted: &Json, body: &Body) {
    let wanted = map(wanted.clone());
    for row in the(name).attrs() {
        let Some(value) = wanted.get(row.name) else { continue };
        if !matches!(row.reads, dofloat::kinds::attr::Reads::WriteOnly) {
            let there = body.get(row.name).unwrap_or(&Value::Null);
            assert_eq!(row.normal(value, &wanted), row.normal(there, body), "{name}.{}", row.name);
        }
    }
}

#[tokio::test]
async fn the_tutorial_costs_few_requests() {
    let bench = Bench::start(sim::Options::default()).await;
    let vpc_body = json!({"name": "ha-net", "region": "nyc3", "ip_range": "10.10.10.0/24"});
    let zone_body = json!({"name": "example.com"});
    // Before the first write.
    let snapshot = bench.api.snapshot();
    let jobs = |name: &str, bodies: &[Json]| -> Vec<Job> {
        let job = |body: &Json| Job { address: Address::new(name, "x"), id: None, body: term(body.clone()), seen: None, creates: true };
        bodies.iter().map(job).collect()
    };
    let unknown = |body: Json, name: &str| {
        let mut entries = term(body).entries().expect("a map");
        entries.insert(name.into(), Term::Unknown(Origin::default()));
        Term::map(entries)
    };
    let nowhere = Id("later".into());
    let mut drops = jobs("digitalocean_droplet", &[droplet("primary", &nowhere), droplet("secondary", &nowhere)]);
    for job in &mut drops {
        job.body = unknown(droplet("primary", &nowhere), "vpc_uuid");
    }
    for (name, jobs) in [
        ("digitalocean_vpc", jobs("digitalocean_vpc", std::slice::from_ref(&vpc_body))),
        ("digitalocean_droplet", drops),
        ("digitalocean_reserved_ip", jobs("digitalocean_reserved_ip", &[json!({"region": "nyc3"})])),
        ("digitalocean_domain", jobs("digitalocean_domain", std::slice::from_ref(&zone_body))),
        ("digitalocean_record", jobs("digitalocean_record", &[record("@", "203.0.113.9"), record("www", "203.0.113.9")])),
        ("digitalocean_firewall", jobs("digitalocean_firewall", &[firewall(&[])])),
    ] {
        assert_eq!(words(the(name).preflight(&snapshot, &jobs).await.expect("a preflight")), Vec::<String>::new());
    }
    let (_, checks) = bench.count();
    // Apply.
    let (vpc, seen) = bench.create("digitalocean_vpc", vpc_body.clone()).await;
    same("digitalocean_vpc", &vpc_body, &seen);
    let (ip, _) = bench.create("digitalocean_reserved_ip", json!({"region": "nyc3"})).await;
    let (one, seen) = bench.create("digitalocean_droplet", droplet("primary", &vpc)).await;
    same("digitalocean_droplet", &droplet("primary", &vpc), &seen);
    assert_eq!(seen.get("tags"), Some(&Value::List(vec!["web".into()])), "the mark is not shown");
    let (two, _) = bench.create("digitalocean_droplet", droplet("secondary", &vpc)).await;
    let held = json!({"ip_address": ip.0, "droplet_id": number(&one.0)});
    let (assignment, seen) = bench.create("digitalocean_reserved_ip_assignment", held.clone()).await;
    same("digitalocean_reserved_ip_assignment", &held, &seen);
    let (zone, _) = bench.create("digitalocean_domain", zone_body).await;
    let (root, seen) = bench.create("digitalocean_record", record("@", &ip.0)).await;
    same("digitalocean_record", &record("@", &ip.0), &seen);
    let (www, _) = bench.create("digitalocean_record", record("www", &ip.0)).await;
    let (wall, seen) = bench.create("digitalocean_firewall", firewall(&[&one, &two])).await;
    same("digitalocean_firewall", &firewall(&[&one, &two]), &seen);
    let (writes, reads) = bench.count();
    say(&format!("tutorial: {checks} reads of preflight, {writes} changing requests, {reads} reads of apply"));
    assert_eq!(writes, 9);
    assert!(checks + reads <= 13, "{checks} + {reads}");
    // A plan that changes nothing.
    let snapshot = bench.api.snapshot();
    let objects: &[(&str, Vec<&Id>)] = &[
        ("digitalocean_vpc", vec![&vpc]),
        ("digitalocean_droplet", vec![&one, &two]),
        ("digitalocean_reserved_ip", vec![&ip]),
        ("digitalocean_reserved_ip_assignment", vec![&assignment]),
        ("digitalocean_domain", vec![&zone]),
        ("digitalocean_record", vec![&root, &www]),
        ("digitalocean_firewall", vec![&wall]),
    ];
    for (name, ids) in objects {
        let found = bench.list(&snapshot, name, ids).await;
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ids.iter().collect::<std::collections::BTreeSet<_>>().into_iter().copied().collect::<Vec<_>>(),
            "{name}"
        );
        for (id, body) in found {
            assert_eq!(Some(body), bench.look(name, &id).await, "{name}: a list and a look say the same");
        }
    }
    let looks = 9;
    assert_eq!(bench.count(), (0, 6 + looks));
    // Destroy.
    let ours: Vec<Id> = objects.iter().flat_map(|(_, ids)| ids.iter().map(|&id| id.clone())).collect();
    let stays = the("digitalocean_domain").before_delete(&bench.api, &zone, &Body::new(), &ours).await.expect("a check");
    assert_eq!(words(stays), Vec::<String>::new());
    bench.sim.clear_log();
    let order = [
        ("digitalocean_record", &root),
        ("digitalocean_record", &www),
        ("digitalocean_domain", &zone),
        ("digitalocean_firewall", &wall),
        ("digitalocean_reserved_ip_assignment", &assignment),
        ("digitalocean_reserved_ip", &ip),
        ("digitalocean_droplet", &one),
        ("digitalocean_droplet", &two),
        ("digitalocean_vpc", &vpc),
    ];
    for (name, id) in order {
        let seen: Body = if name.ends_with("assignment") { map(held.clone()) } else { Body::new() };
        the(name).delete(&bench.api, id, &seen).await.expect("a delete");
    }
    let (writes, reads) = bench.count();
    say(&format!("tutorial: {writes} changing requests, {reads} reads of destroy"));
    assert_eq!(writes, 9);
    assert!(reads <= 5, "{reads}");
    let left =
        bench.sim.with_world(|world| ["droplets", "vpcs", "reserved_ips", "domains", "firewalls"].map(|kind| world.show(kind).len()));
    say(&format!("left: {left:?}"));
}

#[tokio::test]
async fn a_droplet_is_changed_in_place() {
    let bench = Bench::start(sim::Options::default()).await;
    let name = "digitalocean_droplet";
    let (vpc, _) = bench.create("digitalocean_vpc", json!({"name": "net", "region": "nyc3", "ip_range": "10.10.10.0/24"})).await;
    let (id, _) = bench.create(name, droplet("web", &vpc)).await;
    let mut wanted = droplet("web-2", &vpc);
    let seen = bench.edit(name, &id, "rename", wanted.clone()).await;
    same(name, &wanted, &seen);
    wanted["size"] = json!("s-1vcpu-2gb");
    wanted["graceful_shutdown"] = json!(true);
    let seen = bench.edit(name, &id, "resize", wanted.clone()).await;
    same(name, &wanted, &seen);
    assert_eq!(seen.get("status"), Some(&"active".into()), "what was on is on again");
    wanted["tags"] = json!(["new", "other"]);
    let seen = bench.edit(name, &id, "tags", wanted.clone()).await;
    same(name, &wanted, &seen);
    assert_eq!(bench.list(&bench.api, name, &[]).await.len(), 1, "the mark is still on it");
    wanted["backups"] = json!(true);
    wanted["backup_policy"] = json!([{"plan": "weekly", "weekday": "SUN", "hour": 20}]);
    let seen = bench.edit(name, &id, "backups", wanted.clone()).await;
    same(name, &wanted, &seen);
    wanted["backup_policy"] = json!([{"plan": "daily", "hour": 4}]);
    bench.edit(name, &id, "backups", wanted.clone()).await;
    wanted["backups"] = json!(false);
    let seen = bench.edit(name, &id, "backups", wanted.clone()).await;
    assert_eq!(seen.get("backups"), Some(&false.into()));
    wanted["ipv6"] = json!(true);
    let seen = bench.edit(name, &id, "ipv6", wanted.clone()).await;
    assert!(seen.get("ipv6_address").and_then(Value::as_str).is_some_and(|address| address.contains(':')), "{seen:?}");
    bench.judge();
    assert_eq!(bench.find(name, json!({"name": "web-2"})).await, [(id.clone(), Certainty::Ours)]);
    assert_eq!(bench.find(name, json!({"name": "web"})).await, []);
    bench.delete(name, &id).await;
    bench.delete("digitalocean_vpc", &vpc).await;
    bench.judge();
}

#[tokio::test]
async fn a_droplet_that_was_left_off_is_powered_on_by_settling() {
    let bench = Bench::start(sim::Options::default()).await;
    let (vpc, _) = bench.create("digitalocean_vpc", json!({"name": "net", "region": "nyc3"})).await;
    let (id, _) = bench.create("digitalocean_droplet", droplet("web", &vpc)).await;
    bench.sim.with_world(|world| {
        world.outside("POST", &format!("/v2/droplets/{id}/actions"), Some(&json!({"type": "power_off"})));
        world.finish_all();
    });
    let seen = bench.look("digitalocean_droplet", &id).await.expect("it is there");
    assert_eq!(the("digitalocean_droplet").note(&seen).as_deref(), Some("is powered off"));
    let seen = the("digitalocean_droplet").wait_ready(&bench.api, &id, &Term::null()).await.expect("it comes up");
    assert_eq!(seen.get("status"), Some(&"active".into()));
    assert_eq!(the("digitalocean_droplet").note(&seen), None);
}

#[tokio::test]
async fn nobody_waits_for_a_public_address_that_was_declined() {
    let bench = Bench::start(sim::Options::default()).await;
    let (vpc, _) = bench.create("digitalocean_vpc", json!({"name": "net", "region": "nyc3"})).await;
    let mut wanted = droplet("web", &vpc);
    wanted["public_networking"] = json!(false);
    let start = bench.api.clock().tick();
    bench.count();
    let (id, seen) = bench.create("digitalocean_droplet", wanted.clone()).await;
    assert_eq!(bench.count(), (1, 1));
    same("digitalocean_droplet", &wanted, &seen);
    assert!(bench.api.clock().tick().since(start) < Duration::from_secs(1));
    // Nobody knows what was wanted: the address may just be late.
    the("digitalocean_droplet").wait_ready(&bench.api, &id, &Term::null()).await.expect("it is there");
    assert!(bench.api.clock().tick().since(start) > Duration::from_secs(30));
}

#[tokio::test]
async fn slow_things_are_waited_for() {
    let options = sim::Options { clock: sim::ClockMode::Explicit { looks: 3 }, ..sim::Options::default() };
    let bench = Bench::start(options).await;
    let (vpc, _) = bench.create("digitalocean_vpc", json!({"name": "net", "region": "nyc3"})).await;
    let (one, seen) = bench.create("digitalocean_droplet", droplet("one", &vpc)).await;
    assert_eq!(seen.get("status"), Some(&"active".into()));
    let (two, _) = bench.create("digitalocean_droplet", droplet("two", &vpc)).await;
    let (ip, _) = bench.create("digitalocean_reserved_ip", json!({"region": "nyc3"})).await;
    let name = "digitalocean_reserved_ip_assignment";
    let (id, _) = bench.create(name, json!({"ip_address": ip.0, "droplet_id": number(&one.0)})).await;
    let moved = json!({"ip_address": ip.0, "droplet_id": number(&two.0)});
    same(name, &moved, &bench.edit(name, &id, "assign", moved.clone()).await);
    assert_eq!(bench.find(name, moved).await, [(id.clone(), Certainty::Ours)]);
    // It went to another droplet meanwhile: not ours to take away.
    let seen = map(json!({"ip_address": ip.0, "droplet_id": number(&one.0)}));
    the(name).delete(&bench.api, &id, &seen).await.expect("a delete");
    assert!(bench.look(name, &id).await.is_some());
    bench.delete(name, &id).await;
    let (wall, _) = bench.create("digitalocean_firewall", firewall(&[&one])).await;
    let seen = bench.edit("digitalocean_firewall", &wall, "update", firewall(&[&one, &two])).await;
    same("digitalocean_firewall", &firewall(&[&one, &two]), &seen);
    for (name, id) in [
        ("digitalocean_firewall", &wall),
        ("digitalocean_droplet", &one),
        ("digitalocean_droplet", &two),
        ("digitalocean_reserved_ip", &ip),
        ("digitalocean_vpc", &vpc),
    ] {
        bench.delete(name, id).await;
    }
    bench.judge();
}

#[tokio::test]
async fn an_address_made_for_a_droplet_is_held_by_it() {
    let bench = Bench::start(sim::Options::default()).await;
    let (vpc, _) = bench.create("digitalocean_vpc", json!({"name": "net", "region": "nyc3"})).await;
    let (id, _) = bench.create("digitalocean_droplet", droplet("one", &vpc)).await;
    for name in ["digitalocean_reserved_ip", "digitalocean_floating_ip"] {
        let wanted = json!({"droplet_id": number(&id.0), "region": "nyc3"});
        let (ip, seen) = bench.create(name, wanted.clone()).await;
        same(name, &wanted, &seen);
        let seen = bench.edit(name, &ip, "assign", json!({"region": "nyc3"})).await;
        assert_eq!(seen.get("droplet_id"), None);
        assert_eq!(bench.find(name, json!({"region": "nyc3"})).await, [(ip.clone(), Certainty::Alike)]);
        bench.delete(name, &ip).await;
    }
    bench.judge();
}

#[tokio::test]
async fn small_kinds_live_and_die() {
    let bench = Bench::start(sim::Options::default()).await;
    let key = json!({"name": "ops", "public_key": KEY});
    let (id, seen) = bench.create("digitalocean_ssh_key", key.clone()).await;
    same("digitalocean_ssh_key", &key, &seen);
    assert_eq!(seen.get("fingerprint"), Some(&"3d:52:38:ce:ff:94:f5:d7:81:a4:a4:f9:2b:4f:fe:a0".into()));
    assert_eq!(bench.find("digitalocean_ssh_key", key.clone()).await, [(id.clone(), Certainty::Named)]);
    assert!(bench.preflight("digitalocean_ssh_key", std::slice::from_ref(&key)).await[0].contains("has this key already, as `ops`"));
    let seen = bench.edit("digitalocean_ssh_key", &id, "rename", json!({"name": "admin", "public_key": KEY})).await;
    assert_eq!(seen.get("name"), Some(&"admin".into()));
    bench.delete("digitalocean_ssh_key", &id).await;

    let (id, seen) = bench.create("digitalocean_tag", json!({"name": "env:prod"})).await;
    assert_eq!(seen.get("droplets_count"), Some(&0.into()));
    assert_eq!(bench.find("digitalocean_tag", json!({"name": "env:prod"})).await, [(id.clone(), Certainty::Ours)]);
    bench.delete("digitalocean_tag", &id).await;

    let vpc = json!({"name": "net", "region": "nyc3", "ip_range": "10.1.0.0/16", "description": "old"});
    let (id, seen) = bench.create("digitalocean_vpc", vpc.clone()).await;
    same("digitalocean_vpc", &vpc, &seen);
    let seen = bench.edit("digitalocean_vpc", &id, "update", json!({"name": "net-2", "region": "nyc3"})).await;
    same("digitalocean_vpc", &json!({"name": "net-2", "description": ""}), &seen);
    assert_eq!(bench.find("digitalocean_vpc", json!({"name": "net-2"})).await, [(id.clone(), Certainty::Named)]);
    bench.delete("digitalocean_vpc", &id).await;

    let (id, seen) = bench.create("terraform_data", json!({"input": "x", "triggers_replace": ["a"]})).await;
    assert_eq!((seen.len(), seen.get("id")), (1, Some(&Value::from(id.0.as_str()))));
    // What hangs on its id is to see that it was made anew.
    let (again, _) = bench.create("terraform_data", json!({"input": "x", "triggers_replace": ["a"]})).await;
    assert_ne!(id, again);
    bench.judge();
}

#[tokio::test]
async fn records_of_every_type_come_back_as_they_were_written() {
    let bench = Bench::start(sim::Options::default()).await;
    let name = "digitalocean_record";
    let (zone, _) = bench.create("digitalocean_domain", json!({"name": "example.com"})).await;
    let of = |kind: &str, name: &str, value: &str, more: Json| {
        let mut body = json!({"domain": "example.com", "type": kind, "name": name, "value": value});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    };
    let records = [
        of("A", "@", "203.0.113.2", json!({"ttl": 60})),
        of("AAAA", "six", "2001:db8::1", json!({})),
        of("CNAME", "www.example.com.", "@", json!({})),
        of("CNAME", "cdn", "edge.example.net.", json!({})),
        of("MX", "@", "mail.example.net.", json!({"priority": 10})),
        of("TXT", "@", "v=spf1 -all", json!({})),
        of("SRV", "_sip._tcp", "sip.example.net.", json!({"priority": 1, "weight": 2, "port": 5060})),
        of("CAA", "@", "letsencrypt.org.", json!({"flags": 0, "tag": "issue"})),
        of("NS", "sub", "ns1.example.net.", json!({})),
    ];
    let mut ids = Vec::new();
    for record in &records {
        assert_eq!(words(the(name).check(&term(record.clone()))), Vec::<String>::new());
        let (id, seen) = bench.create(name, record.clone()).await;
        same(name, record, &seen);
        assert_eq!(
            bench.find(name, record.clone()).await,
            [(id.clone(), Certainty::Within("digitalocean_domain", Id("example.com".to_owned())))]
        );
        ids.push(id);
    }
    let listed = bench.list(&bench.api, name, &ids.iter().collect::<Vec<_>>()).await;
    assert_eq!(listed.len(), records.len());
    let mut moved = records[3].clone();
    moved["value"] = json!("other.example.net.");
    moved["ttl"] = json!(120);
    same(name, &moved, &bench.edit(name, &ids[3], "update", moved.clone()).await);
    let twice = bench.preflight(name, &[records[0].clone(), of("A", "cdn", "203.0.113.2", json!({}))]).await;
    assert!(twice[0].starts_with("n0: name: The domain `example.com` has this record already"), "{twice:?}");
    assert!(twice[1].starts_with("n1: name: The domain `example.com` has CNAME cdn"), "{twice:?}");
    let complaints = the("digitalocean_domain").before_delete(&bench.api, &zone, &Body::new(), &ids[1..]).await.expect("a check");
    let found = words(complaints);
    assert_eq!(found, [": The domain example.com holds 1 record that is not this stack's, and would go with it: A @ 203.0.113.2."]);
    bench.delete(name, &ids[0]).await;
    bench.delete("digitalocean_domain", &zone).await;
    assert_eq!(bench.look(name, &ids[1]).await, None);
    bench.judge();
}

#[tokio::test]
async fn preflight_finds_what_the_account_will_not_give() {
    let limits = sim::Limits { droplets: 1, reserved_ips: 1 };
    let bench = Bench::start(sim::Options { limits, ..sim::Options::default() }).await;
    let with = |name: &str, value: &str| {
        let mut body = droplet("web", &Id("v".into()));
        body[name] = json!(value);
        body
    };
    let check = async |kind: &str, bodies: &[Json], expected: &[&str]| {
        let found = bench.preflight(kind, bodies).await;
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} / {expected}");
        }
    };
    let name = "digitalocean_droplet";
    check(name, &[with("region", "nyc33")], &["n0: region: There is no region `nyc33`."]).await;
    check(name, &[with("size", "s-1vcpu-1gbb")], &["n0: size: There is no size `s-1vcpu-1gbb`."]).await;
    check(name, &[with("image", "ubuntu-10-04-x64")], &["n0: image: The image `ubuntu-10-04-x64` does not exist"]).await;
    check(name, &[with("name", "a"), with("name", "b")], &["n1: : The account may have 1 droplets, has 0, and this plan makes 2."]).await;
    let net = |name: &str, range: &str| json!({"name": name, "region": "nyc3", "ip_range": range});
    bench.create("digitalocean_vpc", net("net", "10.1.0.0/16")).await;
    let name = "digitalocean_vpc";
    check(name, &[net("net", "10.2.0.0/16")], &["n0: name: The account has a VPC `net` already"]).await;
    check(name, &[net("b", "10.1.2.0/24")], &["overlaps with 10.1.0.0/16 of the VPC `net`"]).await;
    check(
        name,
        &[net("b", "10.2.0.0/16"), net("b", "10.2.0.0/24")],
        &["n1: name: digitalocean_vpc.n0 wants the VPC name `b` too", "overlaps with that of digitalocean_vpc.n0"],
    )
    .await;
    let ip = json!({"region": "nyc3"});
    check("digitalocean_reserved_ip", &[ip.clone(), ip], &["may have 1 reserved addresses, has 0, and this plan makes 2"]).await;
    bench.create("digitalocean_domain", json!({"name": "example.com"})).await;
    check("digitalocean_domain", &[json!({"name": "Example.com"})], &["has the domain `example.com` already"]).await;
    bench.create("digitalocean_firewall", firewall(&[])).await;
    check("digitalocean_firewall", &[firewall(&[])], &["has a firewall `web-fw` already"]).await;
    bench.judge();
}

#[tokio::test]
async fn what_a_token_may_not_see_is_not_taken_for_empty() {
    let bench = Bench::start(sim::Options::default()).await;
    let (vpc, _) = bench.create("digitalocean_vpc", json!({"name": "net", "region": "nyc3"})).await;
    let (id, _) = bench.create("digitalocean_droplet", droplet("one", &vpc)).await;
    let (ip, _) = bench.create("digitalocean_reserved_ip", json!({"region": "nyc3"})).await;
    // The same world by the eyes of a narrower token.
    let world = bench.sim.with_world(|world| world.to_json());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("world.json");
    dofloat::base::durable::write_atomic(&file, world.to_string().as_bytes(), 0o600).expect("a world");
    let scopes = sim::Scopes::parse("droplet:read,reserved_ip:read");
    let narrow =
        Bench::start(sim::Options { world: Some(file), tokens: [("dop_v1_test".to_owned(), scopes)].into(), ..sim::Options::default() })
            .await;
    let error = the("digitalocean_droplet").read(&narrow.api, &id).await.expect_err("tags are not seen");
    assert!(error.to_string().contains("lacks the scope `"), "{error}");
    assert!(narrow.look("digitalocean_reserved_ip", &ip).await.is_some());
    let error = narrow.refused("digitalocean_vpc", json!({"name": "other", "region": "nyc3"})).await;
    assert!(matches!(error, ApiError::Refused { .. }), "{error}");
}
