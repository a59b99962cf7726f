//! The simulated account, and the one function by which it changes.
//!
//! Invariant: `handle` is pure and synchronous: what it answers follows from the world and the request alone. It must not
//! know sockets, files or the system's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::faults::ArmedFaults;
use super::objects::action::Action;
use super::objects::domain::Domain;
use super::objects::droplet::Droplet;
use super::objects::firewall::Firewall;
use super::objects::project::Project;
use super::objects::reserved_ip::ReservedIp;
use super::objects::space::Space;
use super::objects::ssh_key::SshKey;
use super::objects::vpc::{Linger, Vpc, defaults};
use super::plain::family::Object;
use super::rate::Gate;
use super::refusal::Refusal;
use super::scopes::Scopes;
use super::time::{ClockMode, EPOCH};
use super::{Limits, Options};
use dofloat_base::clock::Moment;

/// The version of the world's file.
pub(super) const FORMAT: u32 = 1;

/// Everything the account holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    pub(super) format: u32,
    pub(super) seed: u64,
    /// Milliseconds by which the explicit clock was advanced.
    pub(super) lead: u64,
    pub(super) droplets: BTreeMap<u64, Droplet>,
    pub(super) reserved_ips: BTreeMap<Ipv4Addr, ReservedIp>,
    pub(super) vpcs: BTreeMap<String, Vpc>,
    pub(super) lingering: Vec<Linger>,
    pub(super) firewalls: BTreeMap<String, Firewall>,
    pub(super) domains: BTreeMap<String, Domain>,
    pub(super) ssh_keys: BTreeMap<u64, SshKey>,
    /// By lower-case name; the value is the first spelling.
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) projects: BTreeMap<String, Project>,
    /// The projects of what lies elsewhere than in the default one, by its uniform resource name; addresses aside.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) lodging: BTreeMap<String, String>,
    /// Objects of the plain families, by the path of their collection and their identifier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) plain: BTreeMap<String, BTreeMap<String, Object>>,
    /// The subscription of the account's container registries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) registry_tier: Option<String>,
    /// Buckets by their names, which are one for all accounts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) spaces: BTreeMap<String, Space>,
    pub(super) actions: BTreeMap<u64, Action>,
    /// The actions in progress.
    pub(super) open: BTreeSet<u64>,
    /// How many of a kind and name have ever been made.
    made: BTreeMap<String, u64>,
    /// Objects that are not visible yet, by their keys.
    pub(super) lags: BTreeMap<String, Lag>,
    #[serde(skip)]
    pub(super) settings: Settings,
    #[serde(skip)]
    pub(super) gate: Gate,
    #[serde(skip)]
    pub(super) trap: ArmedFaults,
    #[serde(skip)]
    pub(super) interference: Interference,
    #[serde(skip, default = "standing")]
    pub(super) now: Moment,
    /// When the present request came, by the system's clock.
    #[serde(skip, default = "standing")]
    pub(super) came: Moment,
    #[serde(skip)]
    pub(super) served: u64,
    #[serde(skip)]
    pub(super) revision: u64,
    /// The objects that the present request has created.
    #[serde(skip)]
    pub(super) fresh: Vec<Made>,
    /// Images that a configuration names and the catalogue has not, by number or slug ([`super::placeholders`]).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) images: BTreeSet<String>,
    /// The identifier that the present request wants for its object ([`super::placeholders`]).
    #[serde(skip)]
    pub(super) wanted_id: Option<String>,
}

/// How the world behaves; not part of what it holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) clock: ClockMode,
    pub(super) tokens: BTreeMap<String, Scopes>,
    pub(super) limits: Limits,
    pub(super) absent_images: BTreeSet<String>,
    /// Whether pairs are played; a driver has real ones.
    pub(super) plays: bool,
}

/// For how many polls an object is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lag {
    pub(super) list: u32,
    pub(super) get: u32,
    /// Missing from lists until then, by the system's clock.
    #[serde(default)]
    pub(super) until: u64,
}

/// Something that a request made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Droplet(u64),
    Action(u64),
    Other(String),
}

/// A change by somebody else that is about to happen, and how many changing requests come before it.
#[derive(Default)]
pub(super) struct Interference(pub(super) Option<(usize, Intervention)>);

/// A change by somebody else.
pub(super) type Intervention = Box<dyn FnOnce(&mut World) + Send>;

impl fmt::Debug for Interference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interference").field(&self.0.as_ref().map(|(left, _)| left)).finish()
    }
}

impl World {
    /// A fresh world: each region's default VPC, and nothing else.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let mut world = Self {
            format: FORMAT,
            seed: options.seed,
            lead: 0,
            droplets: BTreeMap::new(),
            reserved_ips: BTreeMap::new(),
            vpcs: defaults(options.seed),
            lingering: Vec::new(),
            firewalls: BTreeMap::new(),
            domains: BTreeMap::new(),
            ssh_keys: BTreeMap::new(),
            tags: BTreeMap::new(),
            projects: BTreeMap::new(),
            lodging: BTreeMap::new(),
            plain: BTreeMap::new(),
            registry_tier: None,
            spaces: BTreeMap::new(),
            actions: BTreeMap::new(),
            open: BTreeSet::new(),
            made: BTreeMap::new(),
            lags: BTreeMap::new(),
            settings: Settings::default(),
            gate: Gate::default(),
            trap: ArmedFaults::default(),
            interference: Interference::default(),
            now: EPOCH,
            came: EPOCH,
            served: 0,
            revision: 0,
            fresh: Vec::new(),
            images: BTreeSet::new(),
            wanted_id: None,
        };
        world.configure(options);
        world
    }

    /// A fresh world in the place of one of this revision.
    pub(super) fn anew(options: &Options, revision: u64) -> Self {
        Self { revision: revision + 1, ..Self::new(options) }
    }

    /// Takes the options that are no part of what the world holds.
    pub(super) fn configure(&mut self, options: &Options) {
        self.settings = Settings {
            clock: options.clock,
            tokens: options.tokens.clone(),
            limits: options.limits,
            absent_images: options.absent_images.clone(),
            plays: options.driver.is_none(),
        };
        self.gate = Gate::new(options.rate, matches!(options.clock, ClockMode::Explicit { .. }));
        self.trap = ArmedFaults::new(&options.faults);
    }

    /// Lets time pass until now by the system's clock, and happen what is due.
    pub(super) fn pass(&mut self, now: Moment) {
        self.now = match self.settings.clock {
            ClockMode::Explicit { .. } => Moment(EPOCH.0 + self.lead),
            ClockMode::Real { .. } | ClockMode::Drawn { .. } => Moment(now.0 + self.lead),
        };
        self.finish_due();
    }

    /// When the request came, as whoever asked sees it: also where the world's time stands still.
    pub(super) fn asked_at(&self) -> Moment {
        Moment(self.now.0.max(self.came.0 + self.lead))
    }

    /// Which of this kind and name the next one is, from 0.
    pub(super) fn nth(&mut self, kind: &str, name: &str) -> u64 {
        let count = self.made.entry(format!("{kind} {name}")).or_default();
        *count += 1;
        *count - 1
    }

    /// Remembers what the request made, so that faults can befall it.
    pub(super) fn note(&mut self, made: Made) {
        self.fresh.push(made);
    }

    /// Whether an object shows in this list; a hidden one counts the poll.
    pub(super) fn listed(&mut self, key: &str) -> bool {
        if self.lags.get(key).is_some_and(|lag| lag.until > self.came.0) {
            return false;
        }
        self.seen(key, |lag| &mut lag.list)
    }

    /// Whether an object can be read by its identifier; a hidden one counts the poll.
    pub(super) fn found(&mut self, key: &str) -> Result<(), Refusal> {
        if self.seen(key, |lag| &mut lag.get) { Ok(()) } else { Err(Refusal::not_found()) }
    }

    fn seen(&mut self, key: &str, side: impl Fn(&mut Lag) -> &mut u32) -> bool {
        let Some(lag) = self.lags.get_mut(key) else { return true };
        let left = side(lag);
        let seen = *left == 0;
        *left = left.saturating_sub(1);
        if *lag == Lag::default() {
            self.lags.remove(key);
        }
        self.touch();
        seen
    }

    /// The version of the file that it was read from.
    pub(super) fn format(&self) -> u32 {
        self.format
    }

    /// Marks the world as changed: it will be saved before the answer is sent.
    pub(super) fn touch(&mut self) {
        self.revision += 1;
    }

    /// Grows with every change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }
}

fn standing() -> Moment {
    EPOCH
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Rate;
    use super::super::test_world::{KEY, TestWorld, wanted};
    use super::super::wire::{Delivery, Request};
    use super::*;

    #[test]
    fn a_fresh_world_is_fresh_and_so_is_one_that_was_emptied() {
        let mut test = TestWorld::new();
        assert!(test.world.is_fresh());
        let id = test.droplet("a");
        assert!(!test.world.is_fresh());
        test.ok(&format!("DELETE /droplets/{id}"), Value::Null);
        assert!(test.world.is_fresh());
    }

    #[test]
    fn the_order_of_requests_leaves_no_trace() {
        let requests = [
            ("POST /droplets", wanted("a", json!({ "tags": ["t"] }))),
            ("POST /droplets", wanted("b", json!({ "tags": ["t"] }))),
            ("POST /reserved_ips", json!({ "region": "nyc3" })),
            ("POST /domains", json!({ "name": "example.com" })),
            ("POST /account/keys", json!({ "name": "k", "public_key": KEY })),
            ("POST /vpcs", json!({ "name": "n", "region": "nyc3" })),
        ];
        let build = |order: &[usize]| {
            let mut test = TestWorld::new();
            for at in order {
                let (asked, body) = &requests[*at];
                test.ok(asked, body.clone());
            }
            test.world.finish_all();
            test.world.to_json()
        };
        let forwards = build(&[0, 1, 2, 3, 4, 5]);
        assert_eq!(forwards, build(&[5, 4, 3, 2, 1, 0]));
        assert_eq!(forwards, build(&[2, 1, 5, 0, 3, 4]));
    }

    #[test]
    fn a_world_survives_its_text() {
        let mut test = TestWorld::slow(2);
        test.ok("POST /droplets", wanted("a", json!({ "tags": ["t"], "ipv6": true, "backups": true })));
        test.ok("POST /domains", json!({ "name": "example.com", "ip_address": "192.0.2.1" }));
        let text = test.world.to_json().to_string();
        let back: World = serde_json::from_str(&text).unwrap();
        assert_eq!(back.to_json(), test.world.to_json());
    }

    #[test]
    fn a_world_takes_over_what_another_held() {
        let mut test = TestWorld::new();
        test.droplet("a");
        let mut other = TestWorld::faulty(&["POST /v2/domains error-before=503"]);
        other.world.become_like(test.world.to_json()).unwrap();
        assert_eq!(other.world.to_json(), test.world.to_json());
        other.refused("POST /domains", json!({ "name": "example.com" }), 503, "");
        assert!(other.world.become_like(json!({ "format": "?" })).is_err());
    }

    #[test]
    fn somebody_else_comes_before_the_request_that_is_meant() {
        let mut test = TestWorld::new();
        test.world.meanwhile(2, |world| {
            world.outside("POST", "/v2/domains", Some(&json!({ "name": "example.com" })));
        });
        test.ok("POST /tags", json!({ "name": "a" }));
        test.get("/domains");
        assert!(test.world.domains.is_empty());
        assert_eq!(test.ask("POST /domains", json!({ "name": "example.com" })).status, 422);
        assert_eq!(test.world.domains.len(), 1);
    }

    #[test]
    fn tokens_are_asked_for() {
        let mut world = World::new(&Options { tokens: BTreeMap::from([("good".to_owned(), Scopes::All)]), ..Options::default() });
        for (token, status) in [(None, 401), (Some(""), 401), (Some("bad"), 401), (Some("good"), 200)] {
            let request = Request { token: token.map(str::to_owned), ..Request::new("GET", "/v2/account", None) };
            assert_eq!(world.handle(&request).status, status, "{token:?}");
        }
    }

    #[test]
    fn every_answer_has_the_headers_and_an_error_its_three_fields() {
        let mut test = TestWorld::new();
        let response = test.ask("GET /nothing", Value::Null);
        assert_eq!(response.status, 404);
        let names: Vec<&str> = response.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "x-request-id"]);
        let body = response.body.unwrap();
        assert_eq!(body["id"], "not_found");
        assert_eq!(body["request_id"], response.headers[3].1);
        assert_eq!(test.ask("PUT /droplets", Value::Null).status, 405);
    }

    #[test]
    fn a_body_that_is_no_json_is_a_bad_request() {
        let mut test = TestWorld::new();
        let request = Request { body: b"{".to_vec(), ..Request::new("POST", "/v2/droplets", None) };
        assert_eq!(test.world.handle(&request).status, 400);
    }

    #[test]
    fn the_rate_limit_answers_429_and_lets_the_patient_in() {
        let rate = Rate { per_minute: 1, ..Rate::default() };
        let mut test = TestWorld::with(Options { rate: Some(rate), ..Options::default() });
        test.get("/account");
        let refused = test.ask("GET /account", Value::Null);
        assert_eq!(refused.status, 429);
        assert!(refused.headers.contains(&("retry-after", "60".to_owned())));
        assert!(refused.headers.contains(&("ratelimit-remaining", "0".to_owned())));
        test.get("/account");
    }

    #[test]
    fn faults_come_before_or_after_the_effect() {
        let cases = [
            ("error-before=503", 503, 0, Delivery::Whole),
            ("error-after=500", 500, 1, Delivery::Whole),
            ("reset-before", 503, 0, Delivery::Reset),
            ("reset-after", 202, 1, Delivery::Reset),
            ("close-before", 503, 0, Delivery::Close),
            ("close-after", 202, 1, Delivery::Close),
            ("page-before", 503, 0, Delivery::Page),
            ("page-after", 202, 1, Delivery::Page),
            ("never-before", 503, 0, Delivery::Never),
            ("never-after", 202, 1, Delivery::Never),
            ("truncate", 202, 1, Delivery::Truncated),
            ("garble", 202, 1, Delivery::Garbled),
            ("unauthorized", 401, 0, Delivery::Whole),
            ("throttle=2", 429, 0, Delivery::Whole),
        ];
        for (fault, status, count, wire) in cases {
            let mut test = TestWorld::faulty(&[&format!("POST /v2/droplets {fault}")]);
            let response = test.ask("POST /droplets", wanted("a", json!({})));
            assert_eq!((response.status, response.wire), (status, wire), "{fault}");
            assert_eq!(test.world.droplets.len(), count, "{fault}");
            let asked_to_wait = response.headers.contains(&("retry-after", "2".to_owned()));
            assert_eq!(asked_to_wait, fault == "throttle=2");
        }
    }

    #[test]
    fn what_is_new_can_be_missing_from_lists_and_reads() {
        let mut test = TestWorld::faulty(&["POST /v2/domains lagging-list=2", "POST /v2/domains late-get=1"]);
        test.ok("POST /domains", json!({ "name": "example.com" }));
        let totals: Vec<Value> = (0..3).map(|_| test.get("/domains")["meta"]["total"].clone()).collect();
        assert_eq!(totals, [0, 0, 1]);
        test.refused("GET /domains/example.com", Value::Null, 404, "could not be found");
        test.get("/domains/example.com");
    }

    #[test]
    fn what_is_new_can_be_missing_for_a_while() {
        let mut test = TestWorld::faulty(&["POST /v2/domains hidden=300"]);
        let mut total = |method: &str, millis: u64| {
            let body = json!({ "name": "example.com" });
            let asked = Request { at: Moment(millis), ..Request::new(method, "/v2/domains", (method == "POST").then_some(&body)) };
            test.world.handle(&asked).body.unwrap()["meta"]["total"].clone()
        };
        assert_eq!([total("POST", 1_000), total("GET", 1_299), total("GET", 1_300)], [Value::Null, json!(0), json!(1)]);
    }

    #[test]
    fn outside_changes_pass_limits_and_faults() {
        let mut test = TestWorld::faulty(&["* /v2/**x0 error-before=500"]);
        let (status, made) = test.world.outside("POST", "/v2/droplets", Some(&wanted("a", json!({}))));
        assert_eq!(status, 202);
        assert_eq!(test.world.show("droplets")[0]["status"], "active");
        let (status, _) = test.world.outside("DELETE", &format!("/v2/droplets/{}", made["droplet"]["id"]), None);
        assert_eq!((status, test.world.is_fresh()), (204, true));
        assert_eq!(test.ask("GET /account", Value::Null).status, 500);
    }
}
