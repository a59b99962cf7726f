//! The simulator against the official document: every route it has, asked well and asked badly, over HTTP.
//!
//! Invariant: the client here is no part of dofloat, so that simulator and client cannot agree on a mistake. A route that
//! nobody asks is a failure.

use std::collections::{BTreeMap, BTreeSet};

use dofloat::sim::{self, ClockMode, Options, Scopes};
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::contract::{Contract, Exchange};
use crate::support::harness::say;

#[test]
fn every_answer_keeps_the_contract() {
    let contract = Contract::shared();
    let mut asked = Asked::new(contract, Options::default());
    account(&mut asked);
    catalogue(&mut asked);
    let vpc = vpcs(&mut asked);
    let droplets = droplets(&mut asked, &vpc);
    reserved_ips(&mut asked, "reserved_ip", &droplets);
    reserved_ips(&mut asked, "floating_ip", &droplets);
    ssh_keys(&mut asked);
    tags(&mut asked, droplets[0]);
    domains(&mut asked);
    firewalls(&mut asked, droplets[0]);
    projects(&mut asked);
    plain_families(&mut asked, droplets[0]);
    databases(&mut asked);
    kubernetes(&mut asked);
    apps(&mut asked);
    peerings(&mut asked);
    networks(&mut asked);
    logs(&mut asked);
    deletions(&mut asked, &vpc, &droplets);
    let mut count = asked.count;
    let operations = asked.finish();
    let routes = sim::routes().map(|route| format!("{} {}", route.method, route.pattern.trim_start_matches("/v2")));
    let unasked: Vec<String> = routes.filter(|route| !operations.contains(route)).collect();
    assert!(unasked.is_empty(), "routes that this test does not ask: {unasked:?}");

    // The same things while they are under way, and with a token that lacks everything.
    let slow = Options { clock: ClockMode::Explicit { looks: 2 }, ..Options::default() };
    let mut asked = Asked::new(contract, slow);
    let vpc = vpcs(&mut asked);
    let droplets = droplets_under_way(&mut asked, &vpc);
    asked.good("GET", &format!("/droplets/{}", droplets[0]), Value::Null, 200);
    count += asked.count;
    asked.finish();
    let tokens = BTreeMap::from([(Cloud::TOKEN.to_owned(), Scopes::parse("account:read"))]);
    let mut asked = Asked::new(contract, Options { tokens, ..Options::default() });
    for path in
        ["/droplets", "/vpcs", "/firewalls", "/domains", "/reserved_ips", "/floating_ips", "/tags", "/images", "/sizes", "/account/keys"]
    {
        asked.bad("GET", path, Value::Null, 403);
    }
    asked.bad("POST", "/droplets", json!({"name": "a", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "region": "nyc3"}), 403);
    asked.token = "";
    asked.bad("GET", "/account", Value::Null, 401);
    count += asked.count;
    asked.finish();

    say(&format!("contract: {count} exchanges of the simulator checked"));
    for unused in contract.unused_errata() {
        say(&format!("contract: an exception that nothing needed: {unused}"));
    }
}

/// A client that judges every exchange it has.
struct Asked<'c> {
    contract: &'c Contract,
    cloud: Cloud,
    token: &'static str,
    count: usize,
    /// The document's names of what was asked.
    operations: BTreeSet<String>,
    violations: Vec<String>,
}

impl<'c> Asked<'c> {
    fn new(contract: &'c Contract, options: Options) -> Self {
        let cloud = Cloud::start(options);
        Self { contract, cloud, token: Cloud::TOKEN, count: 0, operations: BTreeSet::new(), violations: Vec::new() }
    }

    /// Asks well: request and answer are checked. Gives the answer's body.
    #[track_caller]
    fn good(&mut self, method: &str, target: &str, body: Value, status: u16) -> Value {
        self.ask(method, target, body, status, Contract::check)
    }

    /// Asks badly: only the answer is checked.
    #[track_caller]
    fn bad(&mut self, method: &str, target: &str, body: Value, status: u16) {
        self.ask(method, target, body, status, Contract::check_answer);
    }

    #[track_caller]
    fn ask(
        &mut self,
        method: &str,
        target: &str,
        body: Value,
        status: u16,
        judge: fn(&Contract, &Exchange) -> Vec<crate::support::contract::Violation>,
    ) -> Value {
        let exchange = self.cloud.ask(self.token, method, target, &body);
        self.count += 1;
        self.operations.extend(self.contract.operation_name(&exchange.method, &exchange.path));
        let shown = format!("{method} {target} {body}");
        if exchange.status != status {
            let answer = exchange.response_body.clone().unwrap_or_default();
            self.violations.push(format!("{shown}: {} instead of {status}: {answer}", exchange.status));
        }
        self.violations
            .extend(judge(self.contract, &exchange).iter().map(|violation| format!("{shown} ({}): {violation}", exchange.status)));
        exchange.response_body.unwrap_or_default()
    }

    #[track_caller]
    fn finish(self) -> BTreeSet<String> {
        assert!(self.violations.is_empty(), "{} violations\n{}", self.violations.len(), self.violations.join("\n"));
        self.operations
    }
}

fn account(asked: &mut Asked<'_>) {
    asked.good("GET", "/account", Value::Null, 200);
    asked.bad("GET", "/nothing/of/the/kind", Value::Null, 404);
    asked.good("GET", "/actions?per_page=200", Value::Null, 200);
    asked.bad("GET", "/actions/1", Value::Null, 404);
}

fn catalogue(asked: &mut Asked<'_>) {
    asked.good("GET", "/regions", Value::Null, 200);
    asked.good("GET", "/reports/droplet_neighbors_ids", Value::Null, 200);
    let first = asked.good("GET", "/regions?per_page=1", Value::Null, 200);
    assert!(first["links"]["pages"]["next"].is_string(), "a page of one has a next one: {first}");
    asked.good("GET", "/regions?per_page=1&page=2", Value::Null, 200);
    asked.good("GET", "/sizes?per_page=200", Value::Null, 200);
    asked.good("GET", "/images?per_page=200", Value::Null, 200);
    asked.good("GET", "/images?type=distribution&page=2&per_page=3", Value::Null, 200);
    let image = asked.good("GET", "/images/ubuntu-14-04-x64", Value::Null, 200);
    asked.good("GET", &format!("/images/{}", image["image"]["id"]), Value::Null, 200);
    asked.bad("GET", "/images/ubuntu-99-04-x64", Value::Null, 404);
}

fn vpcs(asked: &mut Asked<'_>) -> String {
    let vpc = asked.good("POST", "/vpcs", json!({"name": "web", "region": "nyc3"}), 201);
    let id = vpc["vpc"]["id"].as_str().unwrap_or_default().to_owned();
    asked.good("GET", "/vpcs", Value::Null, 200);
    asked.good("GET", &format!("/vpcs/{id}"), Value::Null, 200);
    asked.good("PUT", &format!("/vpcs/{id}"), json!({"name": "web", "description": "of the pair"}), 200);
    asked.good("PATCH", &format!("/vpcs/{id}"), json!({"description": "of the two"}), 200);
    asked.good("GET", &format!("/vpcs/{id}/members"), Value::Null, 200);
    asked.bad("GET", "/vpcs/5a4981aa-9653-4bd1-bef5-d6bff52042e4", Value::Null, 404);
    asked.bad("POST", "/vpcs", json!({"name": "web", "region": "nyc3"}), 409);
    asked.bad("POST", "/vpcs", json!({"name": "a b", "region": "nyc3"}), 422);
    asked.bad("POST", "/vpcs", json!({"name": "wide", "region": "nyc3", "ip_range": "10.0.0.0/8"}), 422);
    asked.bad("POST", "/vpcs", json!({"region": "nyc3"}), 422);
    id
}

fn droplet(name: &str, vpc: &str) -> Value {
    json!({"name": name, "size": "s-1vcpu-1gb", "image": "ubuntu-14-04-x64", "region": "nyc3", "vpc_uuid": vpc, "user_data": "#!/bin/sh\n",
        "tags": ["dofloat:web"], "monitoring": true})
}

fn droplets_under_way(asked: &mut Asked<'_>, vpc: &str) -> Vec<u64> {
    let made = asked.good("POST", "/droplets", droplet("primary", vpc), 202);
    let action = &made["links"]["actions"][0]["id"];
    let first = made["droplet"]["id"].as_u64().unwrap_or_default();
    asked.good("GET", &format!("/droplets/{first}"), Value::Null, 200);
    asked.good("GET", &format!("/actions/{action}"), Value::Null, 200);
    asked.good("GET", &format!("/droplets/{first}/actions"), Value::Null, 200);
    asked.good("GET", &format!("/droplets/{first}/actions/{action}"), Value::Null, 200);
    vec![first]
}

fn droplets(asked: &mut Asked<'_>, vpc: &str) -> Vec<u64> {
    let mut ids = droplets_under_way(asked, vpc);
    let mut both = droplet("second", vpc);
    both["names"] = json!(["second", "third"]);
    both.as_object_mut().expect("it is an object").remove("name");
    let several = asked.good("POST", "/droplets", both, 202);
    ids.extend(several["droplets"].as_array().into_iter().flatten().filter_map(|of| of["id"].as_u64()));
    let id = ids[0];
    for query in ["", "?tag_name=dofloat:web", "?name=primary", "?per_page=1&page=2"] {
        asked.good("GET", &format!("/droplets{query}"), Value::Null, 200);
    }
    for action in [
        json!({"type": "rename", "name": "first"}),
        json!({"type": "power_off"}),
        json!({"type": "resize", "size": "s-2vcpu-2gb", "disk": false}),
        json!({"type": "power_on"}),
        json!({"type": "enable_ipv6"}),
        json!({"type": "enable_backups"}),
        json!({"type": "disable_backups"}),
        json!({"type": "reboot"}),
        json!({"type": "shutdown"}),
        json!({"type": "power_on"}),
    ] {
        let made = asked.good("POST", &format!("/droplets/{id}/actions"), action, 201);
        asked.good("GET", &format!("/actions/{}", made["action"]["id"]), Value::Null, 200);
        asked.good("GET", &format!("/droplets/{id}"), Value::Null, 200);
    }
    asked.good("POST", "/droplets/actions?tag_name=dofloat:web", json!({"type": "power_cycle"}), 201);
    asked.good("GET", "/droplets", Value::Null, 200);
    asked.good("GET", &format!("/droplets/{id}/backups"), Value::Null, 200);
    asked.good("GET", &format!("/droplets/{id}/snapshots"), Value::Null, 200);
    asked.good("GET", &format!("/droplets/{id}/backups/policy"), Value::Null, 200);
    asked.bad("POST", &format!("/droplets/{id}/actions"), json!({"type": "explode"}), 422);
    asked.bad("POST", &format!("/droplets/{id}/actions"), json!({}), 422);
    asked.bad("POST", "/droplets/1/actions", json!({"type": "power_off"}), 404);
    asked.bad("GET", &format!("/droplets/{id}/actions/1"), Value::Null, 404);
    asked.bad("GET", "/droplets/1", Value::Null, 404);
    for (field, value) in [
        ("name", json!("a_b")),
        ("size", json!("s-9000vcpu")),
        ("image", json!("ubuntu-99-04-x64")),
        ("region", json!("moon1")),
        ("ssh_keys", json!([1])),
        ("vpc_uuid", json!("5a4981aa-9653-4bd1-bef5-d6bff52042e4")),
        ("user_data", json!("x".repeat(65_537))),
        ("tags", json!(["a b"])),
    ] {
        let mut wrong = droplet("wrong", vpc);
        wrong[field] = value;
        asked.bad("POST", "/droplets", wrong, 422);
    }
    asked.bad("POST", "/droplets", json!({}), 422);
    ids
}

fn reserved_ips(asked: &mut Asked<'_>, word: &str, droplets: &[u64]) {
    let all = format!("/{word}s");
    let made = asked.good("POST", &all, json!({"region": "nyc3"}), 202);
    let address = made[word]["ip"].as_str().unwrap_or_default().to_owned();
    let one = format!("{all}/{address}");
    asked.good("GET", &all, Value::Null, 200);
    asked.good("GET", &one, Value::Null, 200);
    asked.bad("POST", &format!("{one}/actions"), json!({"type": "unassign"}), 422);
    let action = asked.good("POST", &format!("{one}/actions"), json!({"type": "assign", "droplet_id": droplets[0]}), 201);
    asked.good("GET", &format!("{one}/actions"), Value::Null, 200);
    asked.good("GET", &format!("{one}/actions/{}", action["action"]["id"]), Value::Null, 200);
    asked.good("GET", &format!("/actions/{}", action["action"]["id"]), Value::Null, 200);
    asked.good("GET", &one, Value::Null, 200);
    asked.good("GET", &all, Value::Null, 200);
    asked.good("POST", &format!("{one}/actions"), json!({"type": "assign", "droplet_id": droplets[1]}), 201);
    asked.bad("POST", &format!("{one}/actions"), json!({"type": "unassign"}), 422);
    asked.good("GET", &one, Value::Null, 200);
    asked.good("POST", &format!("{one}/actions"), json!({"type": "unassign"}), 201);
    asked.bad("POST", &format!("{one}/actions"), json!({"type": "assign"}), 422);
    asked.bad("POST", &format!("{one}/actions"), json!({"type": "assign", "droplet_id": 1}), 422);
    asked.bad("POST", &format!("{one}/actions"), json!({"type": "dance"}), 422);
    asked.bad("GET", &format!("{one}/actions/1"), Value::Null, 404);
    asked.bad("GET", &format!("{all}/192.0.2.200"), Value::Null, 404);
    asked.bad("POST", &all, json!({"region": "moon1"}), 422);
    asked.bad("POST", &all, json!({"region": "nyc3", "droplet_id": droplets[0]}), 422);
    asked.bad("POST", &all, json!({}), 422);
    let held = asked.good("POST", &all, json!({"droplet_id": droplets[2]}), 202);
    let held = format!("{all}/{}", held[word]["ip"].as_str().unwrap_or_default());
    asked.good("GET", &held, Value::Null, 200);
    asked.good("DELETE", &held, Value::Null, 204);
    asked.good("GET", &one, Value::Null, 200);
    asked.good("DELETE", &one, Value::Null, 204);
    asked.bad("DELETE", &one, Value::Null, 404);
}

fn ssh_keys(asked: &mut Asked<'_>) {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops";
    let made = asked.good("POST", "/account/keys", json!({"name": "ops", "public_key": key}), 201);
    let (id, fingerprint) = (&made["ssh_key"]["id"], made["ssh_key"]["fingerprint"].as_str().unwrap_or_default());
    asked.good("GET", "/account/keys", Value::Null, 200);
    asked.good("GET", &format!("/account/keys/{id}"), Value::Null, 200);
    asked.good("GET", &format!("/account/keys/{fingerprint}"), Value::Null, 200);
    asked.good("PUT", &format!("/account/keys/{id}"), json!({"name": "operators"}), 200);
    asked.bad("POST", "/account/keys", json!({"name": "again", "public_key": key}), 422);
    asked.bad("POST", "/account/keys", json!({"name": "bad", "public_key": "hello"}), 422);
    asked.bad("GET", "/account/keys/1", Value::Null, 404);
    asked.good("DELETE", &format!("/account/keys/{id}"), Value::Null, 204);
    asked.bad("DELETE", &format!("/account/keys/{id}"), Value::Null, 404);
}

fn tags(asked: &mut Asked<'_>, droplet: u64) {
    asked.good("POST", "/tags", json!({"name": "blue"}), 201);
    asked.good("GET", "/tags", Value::Null, 200);
    asked.good("GET", "/tags/blue", Value::Null, 200);
    let resources = json!({"resources": [{"resource_id": droplet.to_string(), "resource_type": "droplet"}]});
    asked.good("POST", "/tags/blue/resources", resources.clone(), 204);
    asked.good("GET", "/tags/blue", Value::Null, 200);
    asked.good("GET", "/droplets?tag_name=blue", Value::Null, 200);
    asked.good("DELETE", "/tags/blue/resources", resources.clone(), 204);
    asked.bad("POST", "/tags", json!({"name": "a b"}), 400);
    asked.bad("POST", "/tags/green/resources", resources, 404);
    asked.bad("GET", "/tags/green", Value::Null, 404);
    asked.good("DELETE", "/tags/blue", Value::Null, 204);
}

fn domains(asked: &mut Asked<'_>) {
    asked.good("POST", "/domains", json!({"name": "example.com"}), 201);
    asked.bad("POST", "/domains", json!({"name": "example.com"}), 422);
    asked.good("GET", "/domains", Value::Null, 200);
    asked.good("GET", "/domains/example.com", Value::Null, 200);
    asked.bad("GET", "/domains/example.org", Value::Null, 404);
    let records = "/domains/example.com/records";
    let a = json!({"type": "A", "name": "www", "data": "192.0.2.1", "ttl": 1800});
    let mut id = Value::Null;
    for record in [
        json!({"type": "AAAA", "name": "www", "data": "2001:db8::1"}),
        json!({"type": "CNAME", "name": "shop", "data": "www.example.com."}),
        json!({"type": "TXT", "name": "@", "data": "hello"}),
        json!({"type": "MX", "name": "@", "data": "mail.example.com.", "priority": 10}),
        json!({"type": "NS", "name": "sub", "data": "ns1.example.org."}),
        json!({"type": "SRV", "name": "_sip._tcp", "data": "sip.example.com.", "priority": 1, "port": 5060, "weight": 1}),
        json!({"type": "CAA", "name": "@", "data": "letsencrypt.org.", "flags": 0, "tag": "issue"}),
        a.clone(),
    ] {
        id = asked.good("POST", records, record, 201)["domain_record"]["id"].clone();
    }
    let one = format!("{records}/{id}");
    asked.good("GET", records, Value::Null, 200);
    asked.good("GET", &format!("{records}?type=A&name=www.example.com"), Value::Null, 200);
    asked.good("GET", &one, Value::Null, 200);
    asked.good("PUT", &one, json!({"type": "A", "name": "web", "data": "192.0.2.2"}), 200);
    asked.good("PATCH", &one, json!({"type": "A", "ttl": 60}), 200);
    asked.bad("POST", records, json!({"type": "A", "name": "www", "data": "nowhere"}), 422);
    asked.bad("POST", records, json!({"type": "A", "name": "www", "data": "192.0.2.1", "ttl": 5}), 422);
    asked.bad("POST", records, json!({"type": "CNAME", "name": "c", "data": "www.example.com"}), 422);
    asked.bad("POST", records, json!({"type": "A"}), 422);
    asked.bad("POST", records, json!({}), 422);
    asked.bad("POST", "/domains/example.org/records", a, 404);
    asked.bad("GET", &format!("{records}/1"), Value::Null, 404);
    asked.good("DELETE", &one, Value::Null, 204);
    asked.bad("DELETE", &one, Value::Null, 404);
    asked.good("DELETE", "/domains/example.com", Value::Null, 204);
}

fn firewalls(asked: &mut Asked<'_>, droplet: u64) {
    let rule = json!({"protocol": "tcp", "ports": "80", "sources": {"addresses": ["0.0.0.0/0", "::/0"]}});
    let out = json!({"protocol": "icmp", "ports": "0", "destinations": {"addresses": ["0.0.0.0/0"]}});
    let between = json!({"protocol": "udp", "ports": "5404-5406", "sources": {"droplet_ids": [droplet]}});
    let body = json!({"name": "web", "droplet_ids": [droplet], "inbound_rules": [rule, between], "outbound_rules": [out]});
    let made = asked.good("POST", "/firewalls", body.clone(), 202);
    let one = format!("/firewalls/{}", made["firewall"]["id"].as_str().unwrap_or_default());
    asked.good("GET", "/firewalls", Value::Null, 200);
    asked.good("GET", &one, Value::Null, 200);
    asked.good("PUT", &one, body.clone(), 200);
    asked.good("DELETE", &format!("{one}/droplets"), json!({"droplet_ids": [droplet]}), 204);
    asked.good("POST", &format!("{one}/droplets"), json!({"droplet_ids": [droplet]}), 204);
    asked.good("POST", &format!("{one}/tags"), json!({"tags": ["dofloat:web"]}), 204);
    asked.good("DELETE", &format!("{one}/tags"), json!({"tags": ["dofloat:web"]}), 204);
    let more = json!({"inbound_rules": [{"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}]});
    asked.good("POST", &format!("{one}/rules"), more.clone(), 204);
    asked.good("DELETE", &format!("{one}/rules"), more, 204);
    asked.good("GET", &format!("/droplets/{droplet}/firewalls"), Value::Null, 200);
    asked.bad("POST", "/firewalls", body, 409);
    asked.bad("POST", "/firewalls", json!({"name": "none"}), 422);
    asked.bad("POST", "/firewalls", json!({"name": "_", "outbound_rules": [out]}), 422);
    asked.bad("POST", "/firewalls", json!({"name": "gone", "droplet_ids": [1], "outbound_rules": [out]}), 422);
    asked.bad("GET", "/firewalls/5a4981aa-9653-4bd1-bef5-d6bff52042e4", Value::Null, 404);
    asked.good("DELETE", &one, Value::Null, 204);
    asked.bad("DELETE", &one, Value::Null, 404);
}

fn projects(asked: &mut Asked<'_>) {
    let all = asked.good("GET", "/projects", Value::Null, 200);
    asked.good("GET", "/projects/default", Value::Null, 200);
    let id = all["projects"][0]["id"].as_str().unwrap_or_default();
    asked.good("GET", &format!("/projects/{id}"), Value::Null, 200);
    asked.good("GET", &format!("/projects/{id}/resources"), Value::Null, 200);
    asked.good("GET", "/projects/default/resources", Value::Null, 200);
    let made = asked.good("POST", "/projects", json!({ "name": "shop", "purpose": "Web Application" }), 201);
    let made = made["project"]["id"].as_str().unwrap_or_default();
    asked.good("POST", &format!("/projects/{made}/resources"), json!({ "resources": [] }), 200);
    asked.good("POST", "/projects/default/resources", json!({ "resources": [] }), 200);
    asked.good("PATCH", &format!("/projects/{made}"), json!({ "description": "all of it" }), 200);
    let whole = json!({ "name": "shop", "description": "x", "purpose": "IoT", "environment": "Staging", "is_default": false });
    asked.good("PUT", &format!("/projects/{made}"), whole, 200);
    asked.good("DELETE", &format!("/projects/{made}"), Value::Null, 204);
    asked.bad("GET", "/projects/5a4981aa-9653-4bd1-bef5-d6bff52042e4", Value::Null, 404);
}

/// Databases, and what lies in them.
fn databases(asked: &mut Asked<'_>) {
    let wanted = json!({"name": "main", "engine": "mysql", "version": "8", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1, "tags": ["web"]});
    let made = asked.good("POST", "/databases", wanted, 201);
    let at = format!("/databases/{}", made["database"]["id"].as_str().expect("an identity"));
    asked.bad("POST", "/databases", json!({"name": "main"}), 422);
    asked.good("GET", "/databases", Value::Null, 200);
    asked.good("GET", &at, Value::Null, 200);
    asked.good("GET", &format!("{at}/ca"), Value::Null, 200);
    asked.good("PUT", &format!("{at}/resize"), json!({"size": "db-s-2vcpu-4gb", "num_nodes": 2}), 202);
    asked.good("PUT", &format!("{at}/migrate"), json!({"region": "fra1"}), 202);
    asked.good("PUT", &format!("{at}/upgrade"), json!({"version": "8"}), 204);
    asked.good("PUT", &format!("{at}/maintenance"), json!({"day": "friday", "hour": "13:00"}), 204);
    for (policy, value) in [("eviction_policy", "allkeys_lru"), ("sql_mode", "ANSI")] {
        asked.good("PUT", &format!("{at}/{policy}"), json!({ policy: value }), 204);
        asked.good("GET", &format!("{at}/{policy}"), Value::Null, 200);
    }
    asked.good("PUT", &format!("{at}/firewall"), json!({"rules": [{"type": "ip_addr", "value": "192.0.2.1"}]}), 204);
    asked.good("GET", &format!("{at}/firewall"), Value::Null, 200);
    asked.good("POST", "/tags", json!({"name": "data"}), 201);
    let tagged = json!({"resources": [{"resource_id": made["database"]["id"], "resource_type": "database"}]});
    asked.good("POST", "/tags/data/resources", tagged.clone(), 204);
    asked.good("DELETE", "/tags/data/resources", tagged, 204);
    let acl = json!({"acl": [{"topic": "events", "permission": "consume"}]});
    for (path, body) in [
        ("dbs", json!({"name": "app"})),
        ("users", json!({"name": "app", "settings": acl})),
        ("pools", json!({"name": "app", "mode": "session", "size": 5, "db": "defaultdb", "user": "doadmin"})),
        ("replicas", json!({"name": "app", "size": "db-s-1vcpu-1gb", "region": "nyc3"})),
    ] {
        asked.good("POST", &format!("{at}/{path}"), body.clone(), 201);
        asked.bad("POST", &format!("{at}/{path}"), body, 422);
        asked.good("GET", &format!("{at}/{path}"), Value::Null, 200);
        asked.good("GET", &format!("{at}/{path}/app"), Value::Null, 200);
    }
    asked.good("PUT", &format!("{at}/users/app"), json!({"settings": acl}), 201);
    asked.good("POST", &format!("{at}/users/app/reset_auth"), json!({"mysql_settings": {"auth_plugin": "caching_sha2_password"}}), 200);
    asked.good("PUT", &format!("{at}/pools/app"), json!({"mode": "transaction", "size": 6, "db": "defaultdb"}), 204);
    for path in ["dbs", "users", "pools", "replicas"] {
        asked.good("DELETE", &format!("{at}/{path}/app"), Value::Null, 204);
    }
    asked.good("DELETE", &at, Value::Null, 204);
    asked.bad("GET", &at, Value::Null, 404);
}

/// Clusters of Kubernetes, and pools of nodes in them.
fn kubernetes(asked: &mut Asked<'_>) {
    asked.good("GET", "/kubernetes/options", Value::Null, 200);
    let taint = json!({"key": "only", "value": "batch", "effect": "NoSchedule"});
    let pool = json!({
        "name": "main", "size": "s-2vcpu-4gb", "count": 2, "tags": ["web"], "labels": {"for": "web"}, "taints": [taint], "auto_scale": true,
        "min_nodes": 1, "max_nodes": 3,
    });
    let wanted = json!({
        "name": "main", "region": "nyc3", "version": "1.31.9-do.2", "node_pools": [pool], "tags": ["web"], "auto_upgrade": true, "ha": true,
        "maintenance_policy": {"day": "sunday", "start_time": "04:00"},
        "control_plane_firewall": {"enabled": true, "allowed_addresses": ["192.0.2.0/24"]},
    });
    let made = asked.good("POST", "/kubernetes/clusters", wanted.clone(), 201);
    let id = made["kubernetes_cluster"]["id"].as_str().expect("an identity").to_owned();
    let at = format!("/kubernetes/clusters/{id}");
    for (field, value) in [("region", json!("moon1")), ("version", json!("0.9")), ("node_pools", json!([]))] {
        let mut wrong = wanted.clone();
        wrong[field] = value;
        asked.bad("POST", "/kubernetes/clusters", wrong, 422);
    }
    asked.good("GET", "/kubernetes/clusters", Value::Null, 200);
    asked.good("GET", &at, Value::Null, 200);
    asked.good("PUT", &at, json!({"name": "first", "cluster_autoscaler_configuration": {"expanders": ["priority"]}}), 202);
    asked.good("PUT", &at, json!({"name": "first", "cluster_autoscaler_configuration": null, "routing_agent": {"enabled": true}}), 202);
    asked.good("GET", &format!("{at}/credentials?expiry_seconds=60"), Value::Null, 200);
    asked.good("GET", &format!("{at}/upgrades"), Value::Null, 200);
    asked.good("POST", &format!("{at}/upgrade"), json!({"version": "1.32.5-do.2"}), 202);
    asked.bad("POST", &format!("{at}/upgrade"), json!({"version": "1.31.9-do.2"}), 422);
    for method in ["POST", "DELETE"] {
        asked.good(method, "/kubernetes/registry", json!({"cluster_uuids": [id]}), 204);
    }
    let pools = format!("{at}/node_pools");
    let other = json!({"name": "other", "size": "s-2vcpu-4gb", "count": 1});
    let made = asked.good("POST", &pools, other.clone(), 201);
    asked.bad("POST", &pools, other, 422);
    asked.bad("POST", &pools, json!({"name": "none", "size": "s-2vcpu-4gb", "count": 0}), 422);
    let pool = format!("{pools}/{}", made["node_pool"]["id"].as_str().expect("an identity"));
    asked.good("GET", &pools, Value::Null, 200);
    asked.good("GET", &pool, Value::Null, 200);
    asked.good("PUT", &pool, json!({"name": "other", "count": 2, "tags": [], "labels": {}, "taints": [], "auto_scale": false}), 202);
    asked.good("DELETE", &pool, Value::Null, 204);
    asked.good("DELETE", &at, Value::Null, 204);
    asked.bad("GET", &at, Value::Null, 404);
    let made = asked.good("POST", "/kubernetes/clusters", wanted, 201);
    let at = format!("/kubernetes/clusters/{}", made["kubernetes_cluster"]["id"].as_str().expect("an identity"));
    asked.good("DELETE", &format!("{at}/destroy_with_associated_resources/dangerous"), Value::Null, 204);
    asked.bad("GET", &pools, Value::Null, 404);
}

/// Peerings of VPCs.
fn peerings(asked: &mut Asked<'_>) {
    let mut vpc = |name: &str| asked.good("POST", "/vpcs", json!({"name": name, "region": "nyc3"}), 201)["vpc"]["id"].clone();
    let wanted = json!({"name": "peers", "vpc_ids": [vpc("left"), vpc("right")]});
    let made = asked.good("POST", "/vpc_peerings", wanted.clone(), 202);
    asked.bad("POST", "/vpc_peerings", wanted.clone(), 422);
    asked.bad("POST", "/vpc_peerings", json!({"name": "alone", "vpc_ids": []}), 422);
    asked.bad("DELETE", &format!("/vpcs/{}", wanted["vpc_ids"][0].as_str().expect("a text")), Value::Null, 403);
    let at = format!("/vpc_peerings/{}", made["vpc_peering"]["id"].as_str().expect("an identity"));
    asked.good("GET", "/vpc_peerings", Value::Null, 200);
    asked.good("GET", &at, Value::Null, 200);
    asked.good("PATCH", &at, json!({"name": "others"}), 200);
    asked.good("DELETE", &at, Value::Null, 202);
    asked.bad("GET", &at, Value::Null, 404);
    for vpc in wanted["vpc_ids"].as_array().expect("a list") {
        asked.good("DELETE", &format!("/vpcs/{}", vpc.as_str().expect("a text")), Value::Null, 204);
    }
}

/// NAT gateways of VPCs, and attachments to the networks of partners.
fn networks(asked: &mut Asked<'_>) {
    let vpc = asked.good("POST", "/vpcs", json!({"name": "bed", "region": "nyc3"}), 201)["vpc"]["id"].clone();
    let wanted =
        json!({"name": "out", "type": "PUBLIC", "region": "nyc3", "size": 1, "vpcs": [{"vpc_uuid": vpc, "default_gateway": true}]});
    let made = asked.good("POST", "/vpc_nat_gateways", wanted.clone(), 202);
    for (field, value) in [("size", json!(0)), ("vpcs", json!([])), ("vpcs", json!([{"vpc_uuid": "none"}])), ("type", json!("PRIVATE"))] {
        let mut wrong = wanted.clone();
        wrong[field] = value;
        asked.bad("POST", "/vpc_nat_gateways", wrong, 422);
    }
    let at = format!("/vpc_nat_gateways/{}", made["vpc_nat_gateway"]["id"].as_str().expect("an identity"));
    asked.good("GET", "/vpc_nat_gateways", Value::Null, 200);
    asked.good("GET", &at, Value::Null, 200);
    asked.good("PUT", &at, json!({"name": "outside", "size": 2, "tcp_timeout_seconds": 60}), 200);
    asked.bad("PUT", &at, json!({"size": 2}), 422);
    asked.good("DELETE", &at, Value::Null, 202);
    asked.bad("GET", &at, Value::Null, 404);
    let all = "/partner_network_connect/attachments";
    let session = json!({
        "local_router_ip": "169.254.0.1/29", "peer_router_ip": "169.254.0.6/29", "peer_router_asn": 133937, "auth_key": "hidden81",
    });
    let wanted = json!({
        "name": "partner", "connection_bandwidth_in_mbps": 1000, "region": "nyc", "naas_provider": "MEGAPORT", "vpc_ids": [vpc],
        "redundancy_zone": "MEGAPORT_RED", "bgp": session,
    });
    let made = asked.good("POST", all, wanted.clone(), 202);
    for (field, value) in [("name", json!("a b")), ("vpc_ids", json!(["none"])), ("parent_uuid", json!("none")), ("region", json!("moon"))]
    {
        let mut wrong = wanted.clone();
        wrong[field] = value;
        asked.bad("POST", all, wrong, 422);
    }
    let at = format!("{all}/{}", made["partner_attachment"]["id"].as_str().expect("an identity"));
    asked.good("GET", all, Value::Null, 200);
    asked.good("GET", &at, Value::Null, 200);
    asked.good("GET", &format!("{at}/service_key"), Value::Null, 200);
    asked.good("PATCH", &at, json!({"name": "other"}), 202);
    asked.good("PATCH", &at, json!({"bgp": session}), 202);
    asked.good("DELETE", &at, Value::Null, 202);
    asked.bad("GET", &at, Value::Null, 404);
}

/// Where the logs of a database cluster go.
fn logs(asked: &mut Asked<'_>) {
    let cluster = json!({"name": "logged", "engine": "pg", "version": "16", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1});
    let cluster = asked.good("POST", "/databases", cluster, 201)["database"]["id"].as_str().expect("an identity").to_owned();
    let all = format!("/databases/{cluster}/logsink");
    let server = json!({"server": "192.0.2.1", "port": 514, "tls": false, "format": "rfc5424"});
    let made = asked.good("POST", &all, json!({"sink_name": "logs", "sink_type": "rsyslog", "config": server}), 201);
    let search = json!({"url": "https://logs.example.com", "index_prefix": "db"});
    asked.good("POST", &all, json!({"sink_name": "search", "sink_type": "opensearch", "config": search}), 201);
    asked.bad("POST", &all, json!({"sink_name": "none", "sink_type": "pigeon", "config": search}), 422);
    let at = format!("{all}/{}", made["sink"]["sink_id"].as_str().expect("an identity"));
    asked.good("GET", &all, Value::Null, 200);
    asked.good("GET", &at, Value::Null, 200);
    asked.good("PUT", &at, json!({"config": {"server": "192.0.2.2", "port": 6514, "tls": true, "format": "rfc3164"}}), 200);
    asked.good("DELETE", &at, Value::Null, 200);
    asked.bad("GET", &at, Value::Null, 404);
    asked.good("DELETE", &format!("/databases/{cluster}"), Value::Null, 204);
}

/// Apps, and their deployments.
fn apps(asked: &mut Asked<'_>) {
    let git = json!({"repo_clone_url": "https://github.com/digitalocean/sample-golang.git", "branch": "main"});
    let envs = json!([{"key": "A", "value": "1", "scope": "RUN_TIME"}, {"key": "B", "value": "hidden77", "type": "SECRET"}]);
    let service = json!({"name": "web", "git": git, "envs": envs, "instance_count": 1, "http_port": 8080, "routes": [{"path": "/"}]});
    let spec =
        json!({"name": "shop", "region": "fra", "services": [service], "domains": [{"domain": "shop.example.com", "type": "PRIMARY"}]});
    let made = asked.good("POST", "/apps", json!({"spec": spec}), 200);
    asked.bad("POST", "/apps", json!({"spec": spec}), 409);
    asked.bad("POST", "/apps", json!({"spec": {"name": "empty"}}), 400);
    let at = format!("/apps/{}", made["app"]["id"].as_str().expect("an identity"));
    asked.good("GET", "/apps", Value::Null, 200);
    asked.good("GET", &at, Value::Null, 200);
    let rule = json!({"match": {"path": {"prefix": "/"}}, "component": {"name": "queue"}});
    let image = json!({"registry_type": "DOCKER_HUB", "registry": "library", "repository": "redis", "registry_credentials": "u:hidden78"});
    let worker = json!({"name": "queue", "image": image, "instance_count": 1});
    let spec =
        json!({"name": "shop", "region": "fra", "workers": [worker], "ingress": {"rules": [rule]}, "alerts": [{"rule": "DOMAIN_LIVE"}]});
    asked.good("PUT", &at, json!({"spec": spec}), 200);
    let all = asked.good("GET", &format!("{at}/deployments"), Value::Null, 200);
    let newest = all["deployments"][0]["id"].as_str().expect("an identity").to_owned();
    asked.good("GET", &format!("{at}/deployments/{newest}"), Value::Null, 200);
    asked.good("DELETE", &at, Value::Null, 200);
    asked.bad("GET", &at, Value::Null, 404);
}

/// Collections and nothing more.
fn plain_families(asked: &mut Asked<'_>, droplet: u64) {
    let told = json!({"email": ["ops@example.com"], "slack": [{"channel": "ops", "url": "https://hooks.slack.com/services/T1/A/Z"}]});
    let check = json!({"name": "a", "type": "https", "target": "https://example.com", "regions": ["eu_west"], "enabled": true});
    let alert =
        json!({"name": "a", "type": "latency", "threshold": 300, "comparison": "greater_than", "period": "2m", "notifications": told});
    let policy = json!({
        "type": "v1/insights/droplet/cpu", "description": "a", "compare": "GreaterThan", "value": 95, "window": "5m", "entities": [],
        "tags": ["web"], "alerts": told, "enabled": true,
    });
    let custom = json!({"name": "a", "type": "custom", "private_key": "P", "leaf_certificate": "L"});
    let issued = json!({"name": "b", "type": "lets_encrypt", "dns_names": ["example.com"]});
    let mut life = |path: &str, body: &Value, status: u16, one: &str, id: &str, update: bool| {
        let made = asked.good("POST", path, body.clone(), status);
        let at = format!("{path}/{}", made[one][id].to_string().trim_matches('"'));
        asked.good("GET", path, Value::Null, 200);
        asked.good("GET", &at, Value::Null, 200);
        if update {
            asked.good("PUT", &at, body.clone(), 200);
        }
        at
    };
    let check = life("/uptime/checks", &check, 201, "check", "id", true);
    let alert = life(&format!("{check}/alerts"), &alert, 201, "alert", "id", true);
    let policy = life("/monitoring/alerts", &policy, 200, "policy", "uuid", true);
    let custom = life("/certificates", &custom, 201, "certificate", "id", false);
    let issued = life("/certificates", &issued, 201, "certificate", "id", false);
    let cdn = json!({"origin": "a.nyc3.digitaloceanspaces.com", "ttl": 600});
    let cdn = life("/cdn/endpoints", &cdn, 201, "endpoint", "id", false);
    let rule = json!({"entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80, "tls_passthrough": false});
    let balancer = json!({"name": "lb", "region": "nyc3", "forwarding_rules": [rule]});
    let balancer = life("/load_balancers", &balancer, 202, "load_balancer", "id", true);
    let volume = json!({"name": "data", "region": "nyc3", "size_gigabytes": 10, "tags": ["web"]});
    let volume = life("/volumes", &volume, 201, "volume", "id", false);
    let registry = json!({"name": "shop", "subscription_tier_slug": "basic", "region": "fra1"});
    let registry = life("/registries", &registry, 201, "registry", "name", false);
    let grant = json!({"bucket": "a", "permission": "read"});
    let key = life("/spaces/keys", &json!({"name": "a", "grants": [grant]}), 201, "key", "access_key", true);
    let image = json!({"name": "nixos", "url": "https://example.com/a.qcow2", "region": "nyc3", "distribution": "Unknown", "tags": ["os"]});
    let image = life("/images", &image, 202, "image", "id", false);
    let address = life("/reserved_ipv6", &json!({"region_slug": "nyc3"}), 201, "reserved_ipv6", "ip", false);
    asked.good("PUT", &cdn, json!({"ttl": 60}), 200);
    let action = asked.good("POST", &format!("{volume}/actions"), json!({"type": "resize", "size_gigabytes": 20}), 202);
    asked.good("GET", &format!("{volume}/actions"), Value::Null, 200);
    asked.good("GET", &format!("{volume}/actions/{}", action["action"]["id"]), Value::Null, 200);
    asked.good("POST", &format!("{volume}/actions"), json!({"type": "attach", "droplet_id": droplet}), 202);
    asked.good("GET", &volume, Value::Null, 200);
    asked.bad("DELETE", &volume, Value::Null, 409);
    asked.good("POST", &format!("{volume}/actions"), json!({"type": "detach", "droplet_id": droplet}), 202);
    asked.good("GET", &volume, Value::Null, 200);
    let assign = json!({"type": "assign", "droplet_id": droplet});
    asked.good("POST", &format!("{address}/actions"), assign.clone(), 201);
    asked.good("GET", &address, Value::Null, 200);
    asked.bad("POST", &format!("{address}/actions"), assign, 422);
    asked.good("POST", &format!("{address}/actions"), json!({"type": "unassign"}), 201);
    asked.bad("PUT", &key, json!({"name": "a", "grants": [{"bucket": "", "permission": "fullaccess"}]}), 400);
    asked.good("GET", "/reserved_ipv6", Value::Null, 200);
    let transfer = asked.good("POST", &format!("{image}/actions"), json!({"type": "transfer", "region": "fra1"}), 201);
    asked.good("GET", &format!("{image}/actions"), Value::Null, 200);
    asked.good("GET", &format!("{image}/actions/{}", transfer["action"]["id"]), Value::Null, 200);
    asked.good("PUT", &image, json!({"name": "other", "description": "mine"}), 200);
    asked.good("GET", "/images?private=true", Value::Null, 200);
    let kept = asked.good("POST", &format!("{volume}/snapshots"), json!({"name": "monday", "tags": []}), 201);
    let kept = format!("/snapshots/{}", kept["snapshot"]["id"].as_str().expect("an identity"));
    asked.good("GET", "/snapshots?resource_type=volume", Value::Null, 200);
    asked.good("GET", &kept, Value::Null, 200);
    asked.good("GET", "/registries/subscription", Value::Null, 200);
    asked.good("GET", &format!("{registry}/docker-credentials?read_write=true&expiry_seconds=60"), Value::Null, 200);
    asked.good("POST", "/registries/subscription", json!({"tier_slug": "professional"}), 200);
    asked.bad("POST", "/registries/subscription", json!({"tier_slug": "free"}), 422);
    for at in [key, registry, image, address, cdn, balancer, volume, kept, alert, check, policy, custom, issued] {
        asked.good("DELETE", &at, Value::Null, 204);
        asked.bad("GET", &at, Value::Null, 404);
    }
}

fn deletions(asked: &mut Asked<'_>, vpc: &str, droplets: &[u64]) {
    asked.bad("DELETE", &format!("/vpcs/{vpc}"), Value::Null, 403);
    asked.bad("DELETE", "/droplets/1", Value::Null, 404);
    for droplet in droplets {
        asked.good("DELETE", &format!("/droplets/{droplet}"), Value::Null, 204);
    }
    asked.good("DELETE", "/droplets?tag_name=dofloat:web", Value::Null, 204);
    asked.bad("GET", &format!("/droplets/{}", droplets[0]), Value::Null, 404);
    asked.good("DELETE", &format!("/vpcs/{vpc}"), Value::Null, 204);
}
