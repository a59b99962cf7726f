//! Firewalls.
//!
//! Invariant: names are unique, what a firewall names exists, ports have one spelling (`0` for all), rules are kept in an
//! order of their own. A change is `waiting` in its answer and `succeeded` when it is looked at in time.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::ids;
use super::objects::firewall::{Firewall, Rule};
use super::refusal::Refusal;
use super::scopes::Scopes;
use super::time::Wait;
use super::time::timestamp;
use super::wire::{Call, Fields, Reply};
use super::world::{Made, World};

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-zA-Z0-9][a-zA-Z0-9\.-]+$").ok());

impl World {
    /// A firewall as the API shows it to a token of these scopes.
    pub(super) fn show_firewall(&self, firewall: &Firewall, scopes: &Scopes) -> Value {
        let waiting = firewall.waiting.is_some();
        let tagged = self.droplets.values().filter(|droplet| !droplet.tags.is_disjoint(&firewall.tags)).map(|droplet| droplet.id);
        let reached: BTreeSet<u64> = firewall.droplets.iter().copied().chain(tagged).filter(|_| waiting).collect();
        let pending: Vec<Value> = reached.iter().map(|id| json!({ "droplet_id": id, "removing": false, "status": "waiting" })).collect();
        let droplets: Vec<u64> = firewall.droplets.iter().copied().filter(|_| scopes.has("droplet:read")).collect();
        let tags: Vec<&String> =
            firewall.tags.iter().filter(|_| scopes.has("tag:read")).map(|tag| self.tags.get(tag).unwrap_or(tag)).collect();
        json!({
            "id": firewall.id, "name": firewall.name, "status": if waiting { "waiting" } else { "succeeded" },
            "created_at": timestamp(firewall.created), "pending_changes": pending, "droplet_ids": droplets, "tags": tags,
            "inbound_rules": firewall.inbound.iter().map(|rule| rule.show("sources")).collect::<Vec<_>>(),
            "outbound_rules": firewall.outbound.iter().map(|rule| rule.show("destinations")).collect::<Vec<_>>(),
        })
    }

    fn poll_firewall(&mut self, id: &str) {
        let now = self.now;
        let Some(firewall) = self.firewalls.get_mut(id) else { return };
        let Some(due) = firewall.waiting.as_mut() else { return };
        if due.poll(now) {
            firewall.waiting = None;
        }
        self.touch();
    }

    /// Ends what is waiting by the clock.
    pub(super) fn finish_due_firewalls(&mut self) {
        let now = self.now;
        let mut changed = false;
        for firewall in self.firewalls.values_mut().filter(|firewall| firewall.waiting.is_some_and(|due| due.passed(now))) {
            firewall.waiting = None;
            changed = true;
        }
        if changed {
            self.touch();
        }
    }

    /// Ends all that is waiting.
    pub(super) fn finish_firewalls(&mut self) {
        for firewall in self.firewalls.values_mut() {
            firewall.waiting = None;
        }
    }

    /// A droplet is gone: no firewall names it any more.
    pub(super) fn leave_firewalls(&mut self, droplet: u64) {
        for firewall in self.firewalls.values_mut() {
            firewall.droplets.remove(&droplet);
            for rules in [&mut firewall.inbound, &mut firewall.outbound] {
                *rules = std::mem::take(rules)
                    .into_iter()
                    .map(|mut rule| {
                        rule.droplets.retain(|id| *id != droplet);
                        rule
                    })
                    .collect();
            }
        }
    }

    fn firewall_waits(&mut self, id: &str) {
        let due = self.settings.clock.due(Wait::Action, self.now, &format!("firewall {id}"));
        if let Some(firewall) = self.firewalls.get_mut(id) {
            firewall.waiting = Some(due);
        }
    }
}

/// `GET /v2/firewalls`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let all: Vec<String> = world.firewalls.keys().cloned().collect();
    let shown: Vec<String> = all.into_iter().filter(|id| world.listed(&format!("firewall:{id}"))).collect();
    call.page("firewalls", &shown, |id| shown_after_poll(world, call, id))
}

/// `GET /v2/droplets/{droplet_id}/firewalls`
pub(super) fn list_of_droplet(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let droplet = world.droplet_at(call.number(0)?)?.clone();
    let fits = |firewall: &&Firewall| firewall.droplets.contains(&droplet.id) || !firewall.tags.is_disjoint(&droplet.tags);
    let shown: Vec<String> = world.firewalls.values().filter(fits).map(|firewall| firewall.id.clone()).collect();
    call.page("firewalls", &shown, |id| shown_after_poll(world, call, id))
}

/// `GET /v2/firewalls/{firewall_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = find(world, call)?;
    world.found(&format!("firewall:{id}"))?;
    Ok(Reply::ok(json!({ "firewall": shown_after_poll(world, call, &id) })))
}

/// `POST /v2/firewalls`
pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted = Wanted::read(world, call, None)?;
    let nth = world.nth("firewall", &wanted.name);
    let id = ids::uuid(world.seed, &["firewall", &wanted.name, &nth.to_string()]);
    world.note(Made::Other(format!("firewall:{id}")));
    let created = world.now.0;
    Ok(Reply::accepted(json!({ "firewall": wanted.put(world, call, id, created) })))
}

/// `PUT /v2/firewalls/{firewall_id}`
pub(super) fn replace(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = find(world, call)?;
    let wanted = Wanted::read(world, call, Some(&id))?;
    let old = world.firewalls.get(&id).ok_or_else(Refusal::not_found)?;
    if !old.tags.is_subset(&wanted.tags) {
        call.scopes.need("tag:delete")?;
    }
    let created = old.created;
    Ok(Reply::ok(json!({ "firewall": wanted.put(world, call, id, created) })))
}

/// `DELETE /v2/firewalls/{firewall_id}`
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = find(world, call)?;
    world.firewalls.remove(&id);
    Ok(Reply::nothing())
}

/// `POST /v2/firewalls/{firewall_id}/droplets`, `/tags` and `/rules`
pub(super) fn add(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    part(world, call, true)
}

/// `DELETE /v2/firewalls/{firewall_id}/droplets`, `/tags` and `/rules`
pub(super) fn remove(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    part(world, call, false)
}

fn part(world: &mut World, call: &Call<'_>, add: bool) -> Result<Reply, Refusal> {
    let id = find(world, call)?;
    let (droplets, tags) = (droplets_of(world, call)?, tags_of(world, call)?);
    let (inbound, outbound) = (rules_of(world, &call.body, "inbound_rules")?, rules_of(world, &call.body, "outbound_rules")?);
    if droplets.is_empty() && tags.is_empty() && inbound.is_empty() && outbound.is_empty() {
        return Err(Refusal::unprocessable("nothing to change was given"));
    }
    let firewall = world.firewalls.get_mut(&id).ok_or_else(Refusal::not_found)?;
    if add {
        firewall.droplets.extend(droplets);
        firewall.tags.extend(tags);
        firewall.inbound.extend(inbound);
        firewall.outbound.extend(outbound);
    } else {
        firewall.droplets.retain(|droplet| !droplets.contains(droplet));
        firewall.tags.retain(|tag| !tags.contains(tag));
        firewall.inbound.retain(|rule| !inbound.contains(rule));
        firewall.outbound.retain(|rule| !outbound.contains(rule));
    }
    world.firewall_waits(&id);
    Ok(Reply::nothing())
}

fn find(world: &World, call: &Call<'_>) -> Result<String, Refusal> {
    world.firewalls.get(call.part(0)).map(|firewall| firewall.id.clone()).ok_or_else(Refusal::not_found)
}

fn shown_after_poll(world: &mut World, call: &Call<'_>, id: &str) -> Value {
    world.poll_firewall(id);
    world.firewalls.get(id).map(|firewall| world.show_firewall(firewall, call.scopes)).unwrap_or_default()
}

/// A body's rules, checked.
struct Wanted {
    name: String,
    inbound: BTreeSet<Rule>,
    outbound: BTreeSet<Rule>,
    droplets: BTreeSet<u64>,
    tags: BTreeSet<String>,
}

impl Wanted {
    fn read(world: &World, call: &Call<'_>, own: Option<&str>) -> Result<Self, Refusal> {
        let name = call.body.required("name")?;
        if !NAME.as_ref().is_some_and(|pattern| pattern.is_match(&name)) || name.len() > 255 {
            return Err(Refusal::unprocessable("name is not valid: letters, digits, dots and dashes, at least two"));
        }
        if world.firewalls.values().any(|other| other.name == name && Some(other.id.as_str()) != own) {
            return Err(Refusal::conflict("duplicate name"));
        }
        let (inbound, outbound) = (rules_of(world, &call.body, "inbound_rules")?, rules_of(world, &call.body, "outbound_rules")?);
        if inbound.is_empty() && outbound.is_empty() {
            return Err(Refusal::unprocessable("at least one inbound or outbound rule is needed"));
        }
        Ok(Self { name, inbound, outbound, droplets: droplets_of(world, call)?, tags: tags_of(world, call)? })
    }

    fn put(self, world: &mut World, call: &Call<'_>, id: String, created: u64) -> Value {
        let Self { name, inbound, outbound, droplets, tags } = self;
        let firewall = Firewall { id: id.clone(), name, created, inbound, outbound, droplets, tags, waiting: None };
        world.firewalls.insert(id.clone(), firewall);
        world.firewall_waits(&id);
        world.firewalls.get(&id).map(|firewall| world.show_firewall(firewall, call.scopes)).unwrap_or_default()
    }
}

fn droplets_of(world: &World, call: &Call<'_>) -> Result<BTreeSet<u64>, Refusal> {
    let ids = call.body.numbers("droplet_ids")?.unwrap_or_default();
    if !ids.is_empty() {
        call.scopes.need("droplet:read")?;
    }
    if let Some(id) = ids.iter().find(|id| !world.droplets.contains_key(id)) {
        return Err(Refusal::unprocessable(format!("droplet {id} could not be found")));
    }
    Ok(ids.into_iter().collect())
}

fn tags_of(world: &World, call: &Call<'_>) -> Result<BTreeSet<String>, Refusal> {
    let tags = call.body.texts("tags")?.unwrap_or_default();
    if !tags.is_empty() {
        call.scopes.need("tag:create")?;
        call.scopes.need("tag:read")?;
    }
    known_tags(world, &tags)?;
    Ok(tags.iter().map(|tag| tag.to_lowercase()).collect())
}

fn known_tags(world: &World, tags: &[String]) -> Result<(), Refusal> {
    match tags.iter().find(|tag| !world.tags.contains_key(&tag.to_lowercase())) {
        Some(tag) => Err(Refusal::unprocessable(format!("tag {tag} does not exist"))),
        None => Ok(()),
    }
}

fn rules_of(world: &World, body: &Fields, name: &str) -> Result<BTreeSet<Rule>, Refusal> {
    let side = if name == "inbound_rules" { "sources" } else { "destinations" };
    // The body of a removal may write the rules without a list of their own; an absent list is an empty one.
    body.items(name)?.unwrap_or_default().iter().map(|rule| read_rule(world, rule, side)).collect()
}

fn read_rule(world: &World, rule: &Value, side: &str) -> Result<Rule, Refusal> {
    let Value::Object(fields) = rule else { return Err(Refusal::unprocessable("a rule must be an object")) };
    let fields = Fields(fields.clone());
    let protocol = fields.required("protocol")?;
    if !["tcp", "udp", "icmp"].contains(&protocol.as_str()) {
        return Err(Refusal::unprocessable("protocol must be tcp, udp or icmp"));
    }
    let ports = match fields.text("ports")? {
        _ if protocol == "icmp" => "0".to_owned(),
        Some(ports) => read_ports(&ports)?,
        None => return Err(Refusal::unprocessable("ports can't be blank")),
    };
    let peers = fields.object(side)?.ok_or_else(|| Refusal::unprocessable(format!("{side} can't be blank")))?;
    let mut rule = Rule {
        protocol,
        ports,
        addresses: peers.texts("addresses")?.unwrap_or_default(),
        droplets: peers.numbers("droplet_ids")?.unwrap_or_default(),
        tags: peers.texts("tags")?.unwrap_or_default(),
        load_balancers: peers.texts("load_balancer_uids")?.unwrap_or_default(),
        clusters: peers.texts("kubernetes_ids")?.unwrap_or_default(),
    };
    if let Some(bad) = rule.addresses.iter().find(|address| !is_address(address)) {
        return Err(Refusal::unprocessable(format!("{bad} is not an address or a CIDR block")));
    }
    if let Some(id) = rule.droplets.iter().find(|id| !world.droplets.contains_key(id)) {
        return Err(Refusal::unprocessable(format!("droplet {id} could not be found")));
    }
    known_tags(world, &rule.tags)?;
    for (family, ids) in [("/v2/load_balancers", &rule.load_balancers), ("/v2/kubernetes/clusters", &rule.clusters)] {
        let known = |id: &&String| world.plain.get(family).is_some_and(|all| all.contains_key(*id));
        if let Some(id) = ids.iter().find(|id| !known(id)) {
            return Err(Refusal::unprocessable(format!("{id} could not be found")));
        }
    }
    let ids = rule.load_balancers.len() + rule.clusters.len() + rule.droplets.len();
    if rule.addresses.is_empty() && rule.tags.is_empty() && ids == 0 {
        return Err(Refusal::unprocessable(format!("{side} can't be empty")));
    }
    rule.addresses.sort();
    rule.droplets.sort_unstable();
    rule.tags.sort();
    Ok(rule)
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || text.parse::<ipnet::IpNet>().is_ok()
}

/// One spelling for each set of ports.
fn read_ports(text: &str) -> Result<String, Refusal> {
    let bad = || Refusal::unprocessable(format!("{text} is not a port, a range of ports, or 0 for all"));
    if matches!(text, "0" | "all" | "1-65535") {
        return Ok("0".to_owned());
    }
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(bad);
    match text.split_once('-') {
        None => Ok(port(text)?.to_string()),
        Some((from, to)) => {
            let (from, to) = (port(from)?, port(to)?);
            if from > to { Err(bad()) } else { Ok(format!("{from}-{to}")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_world::{TestWorld, wanted};
    use super::*;

    #[test]
    fn a_rule_names_load_balancers_and_clusters_that_are_there() {
        let mut test = TestWorld::new();
        let rule = json!({ "entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80 });
        let made = test.ok("POST /load_balancers", json!({ "name": "lb", "region": "nyc3", "forwarding_rules": [rule] }));
        let of = |field: &str, id: &str| json!({ "name": "web", "inbound_rules": [{ "protocol": "tcp", "ports": "80", "sources": { field: [id] } }] });
        let id = made["load_balancer"]["id"].as_str().unwrap().to_owned();
        test.refused("POST /firewalls", of("load_balancer_uids", "nobody"), 422, "could not be found");
        test.refused("POST /firewalls", of("kubernetes_ids", &id), 422, "could not be found");
        let made = test.ok("POST /firewalls", of("load_balancer_uids", &id));
        assert_eq!(made["firewall"]["inbound_rules"][0]["sources"]["load_balancer_uids"], json!([id]));
    }

    fn open(ports: &str) -> Value {
        json!({ "protocol": "tcp", "ports": ports, "sources": { "addresses": ["0.0.0.0/0", "::/0"] } })
    }

    fn body(name: &str, more: &Value) -> Value {
        let mut body = json!({ "name": name, "inbound_rules": [open("22")] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    #[test]
    fn a_change_waits_and_then_succeeds() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let made = test.ok("POST /firewalls", body("fw", &json!({ "droplet_ids": [id] })))["firewall"].clone();
        assert_eq!((&made["status"], &made["pending_changes"][0]["droplet_id"]), (&json!("waiting"), &json!(id)));
        let path = format!("/firewalls/{}", made["id"].as_str().unwrap());
        let read = test.get(&path)["firewall"].clone();
        assert_eq!((&read["status"], &read["pending_changes"]), (&json!("succeeded"), &json!([])));
        let put = test.ok(&format!("PUT {path}"), body("fw", &json!({ "inbound_rules": [open("80")] })));
        assert_eq!((&put["firewall"]["status"], &put["firewall"]["droplet_ids"]), (&json!("waiting"), &json!([])));
    }

    #[test]
    fn ports_have_one_spelling() {
        let mut test = TestWorld::new();
        let rules = json!([open("all"), { "protocol": "icmp", "sources": { "addresses": ["10.0.0.0/8"] } }, open("8000-9000")]);
        let made = test.ok("POST /firewalls", body("fw", &json!({ "inbound_rules": rules })));
        let ports: Vec<&str> =
            made["firewall"]["inbound_rules"].as_array().unwrap().iter().map(|rule| rule["ports"].as_str().unwrap()).collect();
        assert_eq!(ports, ["0", "0", "8000-9000"]);
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        let mut test = TestWorld::new();
        test.ok("POST /firewalls", body("fw", &json!({})));
        let rule = |fields: Value| json!({ "inbound_rules": [fields] });
        let cases = [
            (json!({ "name": "f" }), 422, "name"),
            (json!({ "name": "-f" }), 422, "name"),
            (json!({ "name": "fw" }), 409, "duplicate name"),
            (json!({ "inbound_rules": [] }), 422, "at least one"),
            (json!({ "droplet_ids": [7] }), 422, "droplet 7"),
            (json!({ "tags": ["none"] }), 422, "tag none"),
            (rule(open("0-0")), 422, "port"),
            (rule(open("9-8")), 422, "port"),
            (rule(open("70000")), 422, "port"),
            (rule(json!({ "protocol": "gre", "ports": "0", "sources": { "addresses": ["::/0"] } })), 422, "protocol"),
            (rule(json!({ "protocol": "tcp", "sources": { "addresses": ["::/0"] } })), 422, "ports"),
            (rule(json!({ "protocol": "tcp", "ports": "1", "sources": {} })), 422, "empty"),
            (rule(json!({ "protocol": "tcp", "ports": "1", "sources": { "addresses": ["300.0.0.0/8"] } })), 422, "300.0.0.0/8"),
            (rule(json!({ "protocol": "tcp", "ports": "1", "sources": { "tags": ["none"] } })), 422, "tag none"),
        ];
        for (fields, status, words) in cases {
            test.refused("POST /firewalls", body("other", &fields), status, words);
        }
    }

    #[test]
    fn parts_come_and_go() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        test.ok("POST /tags", json!({ "name": "T" }));
        let made = test.ok("POST /firewalls", body("fw", &json!({})));
        let path = format!("/firewalls/{}", made["firewall"]["id"].as_str().unwrap());
        test.ok(&format!("POST {path}/droplets"), json!({ "droplet_ids": [id] }));
        test.ok(&format!("POST {path}/tags"), json!({ "tags": ["t"] }));
        test.ok(&format!("POST {path}/rules"), json!({ "inbound_rules": [open("80")] }));
        test.ok(&format!("DELETE {path}/rules"), json!({ "inbound_rules": [open("22")] }));
        let read = test.get(&path)["firewall"].clone();
        assert_eq!((&read["droplet_ids"], &read["tags"], &read["inbound_rules"][0]["ports"]), (&json!([id]), &json!(["T"]), &json!("80")));
        assert_eq!(test.get(&format!("/droplets/{id}/firewalls"))["meta"]["total"], 1);
        test.ok(&format!("DELETE /droplets/{id}"), Value::Null);
        assert_eq!(test.get(&path)["firewall"]["droplet_ids"], json!([]));
        test.refused(&format!("POST {path}/tags"), json!({}), 422, "nothing");
        test.ok("DELETE /tags/T", Value::Null);
        assert_eq!(test.get(&path)["firewall"]["tags"], json!([]));
    }

    #[test]
    fn a_tag_reaches_the_droplets_that_carry_it() {
        let mut test = TestWorld::new();
        let id = test.ok("POST /droplets", wanted("a", json!({ "tags": ["t"] })))["droplet"]["id"].clone();
        let made = test.ok("POST /firewalls", body("fw", &json!({ "tags": ["t"] })));
        assert_eq!(made["firewall"]["pending_changes"][0]["droplet_id"], id);
        assert_eq!(test.get(&format!("/droplets/{id}/firewalls"))["meta"]["total"], 1);
    }

    #[test]
    fn scopes_by_field() {
        let mut test = TestWorld::scoped("firewall:create,firewall:read");
        let (_, made) = test.world.outside("POST", "/v2/droplets", Some(&wanted("a", json!({ "tags": ["t"] }))));
        test.refused("POST /firewalls", body("fw", &json!({ "droplet_ids": [made["droplet"]["id"]] })), 403, "not authorized");
        test.refused("POST /firewalls", body("fw", &json!({ "tags": ["t"] })), 403, "not authorized");
    }
}
