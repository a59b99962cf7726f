//! The engine against the simulator, without language and command line: a stack made by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dofloat::api::Brought;
use dofloat::api::client::{Client, Settings};
use dofloat::base::address::Address;
use dofloat::base::clock::Clock;
use dofloat::base::desired::{Desired, Known, Lifecycle, Output, Resolve, Wanted};
use dofloat::base::diag::{Diagnostic, Span};
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::base::value::{Term, Value};
use dofloat::engine::change::Event;
use dofloat::engine::planned::Surveyed;
use dofloat::engine::request::Options;
use dofloat::sim;

use crate::support::account::Account;
use crate::support::reconcile::reconcile;

pub(crate) struct Sketch {
    desired: Desired,
    bodies: BTreeMap<Address, serde_json::Value>,
}

impl Sketch {
    /// `{"digitalocean_vpc.a": {"name": "a"}}`; a text `$ADDRESS.ATTRIBUTE` is a reference.
    pub(crate) fn new(json: serde_json::Value) -> Self {
        let bodies: BTreeMap<Address, serde_json::Value> =
            json.as_object().unwrap().iter().map(|(k, v)| (k.parse().unwrap(), v.clone())).collect();
        let mut desired = Desired::default();
        for (address, body) in &bodies {
            let mut after = BTreeSet::new();
            refs(body, &mut |target, _| {
                after.insert(target);
            });
            let span = Span { file: "web.tf".into(), start: 0, end: 0 };
            desired.resources.insert(address.clone(), Wanted { after, rules: Lifecycle::default(), span });
        }
        Self { desired, bodies }
    }
}

fn refs(json: &serde_json::Value, found: &mut dyn FnMut(Address, String)) {
    match json {
        serde_json::Value::String(text) => {
            if let Some(rest) = text.strip_prefix('$') {
                let (address, name) = rest.rsplit_once('.').unwrap();
                found(address.parse().unwrap(), name.to_owned());
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
        serde_json::Value::Object(map) => map.values().for_each(|item| refs(item, found)),
        _ => {}
    }
}

fn term(json: &serde_json::Value, known: &Known<'_>) -> Term {
    match json {
        serde_json::Value::String(text) if text.starts_with('$') => {
            let (address, name) = text[1..].rsplit_once('.').unwrap();
            match known(&address.parse().unwrap()) {
                Term::Unknown(origin) => Term::Unknown(origin),
                other => other.get(name),
            }
        }
        serde_json::Value::Array(items) => Term::list(items.iter().map(|item| term(item, known)).collect()),
        serde_json::Value::Object(map) => Term::map(map.iter().map(|(k, v)| (k.clone(), term(v, known))).collect()),
        other => Term::Value(Value::from_json(other)),
    }
}

impl Resolve for Sketch {
    fn desired(&self) -> &Desired {
        &self.desired
    }
    fn body(&self, of: &Address, known: &Known<'_>) -> Result<Term, Vec<Diagnostic>> {
        Ok(term(&self.bodies[of], known))
    }
    fn check(&self, _: &Address, _: &Known<'_>) -> Result<(), Vec<Diagnostic>> {
        Ok(())
    }
    fn outputs(&self, _: &Known<'_>) -> Result<BTreeMap<String, Output>, Vec<Diagnostic>> {
        Ok(BTreeMap::new())
    }
    fn span(&self, _: &Address, _: &[&str]) -> Option<Span> {
        None
    }
}

async fn go(sketch: &Sketch, folder: &std::path::Path, api: &Client, options: &Options) -> (Surveyed, Vec<String>) {
    let mut said = Vec::new();
    let mut tell = |event: Event| {
        if let Event::Done { address, op, .. } = &event {
            said.push(format!("{address} {op:?}"));
        }
    };
    let done = reconcile(sketch, folder, api, &Clock::system(), options, &mut tell).await;
    let surveyed = done.unwrap_or_else(|(what, why)| panic!("the {what}: {why:#?}"));
    (surveyed, said)
}

#[test]
fn a_stack_is_made_kept_changed_and_destroyed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let running = sim::start(sim::Options::default()).await.unwrap();
        let settings = Settings::new(running.url.parse().unwrap(), Secret::new("t".to_owned()), Clock::system(), Arc::new(Rng::seeded(1)));
        let api = Client::new(settings).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let droplet = |name: &str| serde_json::json!({"name": name, "region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb", "vpc_uuid": "$digitalocean_vpc.net.id", "user_data": "#!/bin/sh\n"});
        let mut stack = serde_json::json!({
            "digitalocean_vpc.net": {"name": "net", "region": "nyc3"},
            "digitalocean_droplet.primary": droplet("primary"),
            "digitalocean_droplet.secondary": droplet("secondary"),
            "digitalocean_floating_ip.ip": {"region": "nyc3"},
            "digitalocean_floating_ip_assignment.ip": {"ip_address": "$digitalocean_floating_ip.ip.ip_address", "droplet_id": "$digitalocean_droplet.primary.id"},
            "digitalocean_domain.d": {"name": "example.com"},
            "digitalocean_record.a": {"domain": "$digitalocean_domain.d.name", "type": "A", "name": "@", "value": "$digitalocean_floating_ip.ip.ip_address"},
            "digitalocean_record.www": {"domain": "$digitalocean_domain.d.name", "type": "A", "name": "www", "value": "$digitalocean_floating_ip.ip.ip_address"},
            "digitalocean_firewall.f": {"name": "fw", "droplet_ids": ["$digitalocean_droplet.primary.id", "$digitalocean_droplet.secondary.id"],
                "inbound_rule": [{"protocol": "tcp", "port_range": "22", "source_addresses": ["0.0.0.0/0", "::/0"]}],
                "outbound_rule": [{"protocol": "icmp", "destination_addresses": ["0.0.0.0/0", "::/0"]}]},
        });
        let show = |what: &str, running: &sim::Running| {
            let log = running.log();
            let writes = log.iter().filter(|e| e.is_write()).count();
            println!("{what}: {writes} writes, {} reads", log.len() - writes);
            for e in &log {
                println!("   {} {} {} {}", e.method, e.path, e.query, e.status);
            }
            running.clear_log();
        };
        let none = Options::default();
        let (_, done) = go(&Sketch::new(stack.clone()), folder.path(), &api, &none).await;
        show("apply", &running);
        assert_eq!(done.len(), 9, "{done:?}");
        println!("{}", std::fs::read_to_string(folder.path().join("web.json")).unwrap());
        let (surveyed, done) = go(&Sketch::new(stack.clone()), folder.path(), &api, &none).await;
        show("again", &running);
        assert_eq!(done, Vec::<String>::new(), "{:#?}", surveyed.planned.plan.changes.iter().filter(|c| !c.attrs.is_empty()).collect::<Vec<_>>());
        assert!(surveyed.planned.plan.is_empty());
        assert!(surveyed.planned.plan.drift.is_empty(), "{:#?}", surveyed.planned.plan.drift);
        stack["digitalocean_droplet.primary"]["size"] = "s-2vcpu-2gb".into();
        stack["digitalocean_droplet.secondary"]["image"] = "ubuntu-22-04-x64".into();
        stack["digitalocean_record.www"]["ttl"] = 60.into();
        stack.as_object_mut().unwrap().remove("digitalocean_record.a");
        let (_, done) = go(&Sketch::new(stack.clone()), folder.path(), &api, &none).await;
        show("change", &running);
        println!("{done:#?}");
        let (surveyed, done) = go(&Sketch::new(stack.clone()), folder.path(), &api, &none).await;
        assert_eq!(done, Vec::<String>::new(), "{:#?}", surveyed.planned.plan.changes.iter().filter(|c| !c.attrs.is_empty()).collect::<Vec<_>>());
        running.clear_log();
        let (_, done) = go(&Sketch::new(serde_json::json!({})), folder.path(), &api, &Options { destroy: true, ..Options::default() }).await;
        show("destroy", &running);
        println!("{done:#?}");
        assert!(running.with_world(|world| world.is_fresh()), "{:?}", running.with_world(|world| world.summary()));
        running.stop().await;
    });
}

/// A list and an object's own address that both show old data are not yet a proof, where a second object would be paid for.
#[test]
pub(crate) fn what_costs_money_is_looked_for_a_third_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let account = Account::open(1, 0, 0, None);
        let droplet = serde_json::json!({"name": "a", "region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb"});
        let stack = Sketch::new(serde_json::json!({ "digitalocean_droplet.a": droplet }));
        account.run(&stack, false, None).await;
        let mut old = BTreeMap::from([("list", 1), ("own", 1)]);
        account.befall(Box::new(move |carried, answer| {
            let path = carried.url.path().trim_start_matches("/v2/droplets").to_owned();
            if carried.method != "GET" || path == carried.url.path() || path.ends_with("/actions") {
                return None;
            }
            let left = old.get_mut(if path.is_empty() { "list" } else { "own" })?;
            if *left == 0 {
                return None;
            }
            *left -= 1;
            let now = answer(carried);
            let (status, body) = match path.as_str() {
                "" => (200, serde_json::json!({"droplets": [], "links": {}, "meta": {"total": 0}})),
                _ => (404, serde_json::json!({"id": "not_found", "message": "The resource you were accessing could not be found."})),
            };
            Some(Brought { status, body: body.to_string().into_bytes(), ..now })
        }));
        let (cost, _) = account.run(&stack, false, None).await;
        assert_eq!(cost.changes, 0, "it is believed to be gone: {cost:?}");
    });
}
