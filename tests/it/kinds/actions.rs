//! Every action that a kind asks for, with its answer lost in every way, before and after it took effect: the state comes
//! about, nothing is done twice, and nobody waits for what was never taken. And every one asked for while it is at work
//! already, or done: what is wanted holds, which is success.

use std::time::Duration;

use dofloat::api::error::ApiError;
use dofloat::base::identity::{Id, Ours};
use dofloat::base::value::{Body, Term, Value};
use dofloat::sim::{ClockMode, Exchange, Options};
use serde_json::{Value as Json, json};

use crate::kinds::{Bench, droplet, map, number, the};
use crate::support::harness::{in_full, say};
use crate::support::lost::{AFTER, BEFORE};

const DROPLET: &str = "digitalocean_droplet";
const ADDRESS: &str = "digitalocean_reserved_ip";
const HELD: &str = "digitalocean_reserved_ip_assignment";

/// Longer than it takes to see that an order was lost, for each of three orders; far below the limit of any wait.
const SOON: Duration = Duration::from_secs(60);

/// What is done, and to what.
#[derive(Clone, Copy, Debug)]
enum Call {
    Rename,
    Resize {
        graceful: bool,
    },
    EnableIpv6,
    EnableBackups,
    ChangeBackups,
    DisableBackups,
    /// Switches on what somebody has switched off.
    PowerOn,
    /// Waits for a droplet that an interrupted run left off.
    WaitReady,
    /// Shuts down before it deletes.
    Delete,
    /// The assignment as a resource: made, moved, deleted.
    Assign,
    Move,
    Unassign,
    /// `droplet_id` of the address itself.
    AssignOwn,
    UnassignOwn,
}

const CALLS: [Call; 15] = [
    Call::Rename,
    Call::Resize { graceful: false },
    Call::Resize { graceful: true },
    Call::EnableIpv6,
    Call::EnableBackups,
    Call::ChangeBackups,
    Call::DisableBackups,
    Call::PowerOn,
    Call::WaitReady,
    Call::Delete,
    Call::Assign,
    Call::Move,
    Call::Unassign,
    Call::AssignOwn,
    Call::UnassignOwn,
];

/// An account in which the call can be made.
struct Stage {
    bench: Bench,
    call: Call,
    one: Id,
    two: Id,
    ip: Id,
    /// The body of the first droplet as it is wanted before the call.
    body: Json,
    /// What the plan saw of it.
    seen: Body,
}

impl Stage {
    async fn set(call: Call, clock: ClockMode) -> Self {
        let bench = Bench::start(Options { clock, ..Options::default() }).await;
        let (vpc, _) = bench.create("digitalocean_vpc", json!({"name": "net", "region": "nyc3"})).await;
        let mut body = droplet("one", &vpc);
        body["backups"] = json!(matches!(call, Call::ChangeBackups | Call::DisableBackups));
        let (one, _) = bench.create(DROPLET, body.clone()).await;
        let (two, _) = bench.create(DROPLET, droplet("two", &vpc)).await;
        let (ip, _) = bench.create(ADDRESS, json!({"region": "nyc3"})).await;
        let seen = bench.look(DROPLET, &one).await.expect("it is there");
        let stage = Self { bench, call, one, two, ip, body, seen };
        match call {
            Call::WaitReady | Call::PowerOn => stage.outside(&format!("/droplets/{}/actions", stage.one), &json!({"type": "power_off"})),
            Call::Move | Call::Unassign | Call::UnassignOwn => {
                let body = json!({"type": "assign", "droplet_id": number(&stage.one.0)});
                stage.outside(&format!("/reserved_ips/{}/actions", stage.ip), &body);
            }
            _ => {}
        }
        stage.bench.sim.with_world(dofloat::sim::World::finish_all);
        stage.bench.sim.clear_log();
        stage
    }

    /// Somebody else does it, and it is done at once.
    fn outside(&self, path: &str, body: &Json) {
        let (status, answer) = self.bench.sim.with_world(|world| world.outside("POST", &format!("/v2{path}"), Some(body)));
        assert_eq!(status, 201, "{answer}");
    }

    async fn play(&self) -> Result<(), ApiError> {
        let (api, on, to) = (&self.bench.api, number(&self.one.0), number(&self.two.0));
        let edit = async |edit: &'static str, change: &[(&str, Json)]| {
            let mut wanted = self.body.clone();
            change.iter().for_each(|(name, value)| wanted[*name] = value.clone());
            the(DROPLET).edit(api, &self.one, edit, &term(wanted), &self.seen).await
        };
        let held = |droplet: u64| json!({"ip_address": self.ip.0, "droplet_id": droplet});
        match self.call {
            Call::Rename => edit("rename", &[("name", json!("other"))]).await,
            Call::Resize { graceful } => edit("resize", &[("size", json!("s-1vcpu-2gb")), ("graceful_shutdown", json!(graceful))]).await,
            Call::EnableIpv6 => edit("ipv6", &[("ipv6", json!(true))]).await,
            Call::EnableBackups => edit("backups", &[("backups", json!(true))]).await,
            Call::ChangeBackups => {
                let policy = json!([{"plan": "weekly", "weekday": "SUN", "hour": 20}]);
                edit("backups", &[("backups", json!(true)), ("backup_policy", policy)]).await
            }
            Call::DisableBackups => edit("backups", &[("backups", json!(false))]).await,
            Call::PowerOn => edit("power_on", &[]).await,
            Call::WaitReady => the(DROPLET).wait_ready(api, &self.one, &Term::null()).await.map(drop),
            Call::Delete => {
                let mut seen = self.seen.clone();
                seen.insert("graceful_shutdown".to_owned(), Value::Bool(true));
                the(DROPLET).delete(api, &self.one, &seen).await
            }
            Call::Assign => {
                let mark = dofloat::base::identity::Mark("dofloat:test-1".into());
                the(HELD).create(api, &term(held(on)), Ours { mark: &mark, project: None }).await.map(drop)
            }
            Call::Move => the(HELD).edit(api, &self.ip, "assign", &term(held(to)), &map(held(on))).await,
            Call::Unassign => the(HELD).delete(api, &self.ip, &map(held(on))).await,
            Call::AssignOwn => {
                let wanted = json!({"region": "nyc3", "droplet_id": on});
                the(ADDRESS).edit(api, &self.ip, "assign", &term(wanted), &map(json!({"region": "nyc3"}))).await
            }
            Call::UnassignOwn => {
                let seen = json!({"region": "nyc3", "droplet_id": on});
                the(ADDRESS).edit(api, &self.ip, "assign", &term(json!({"region": "nyc3"})), &map(seen)).await
            }
        }
    }

    /// The orders of the call, in order.
    fn orders(&self) -> Vec<Exchange> {
        self.bench.sim.log().into_iter().filter(|asked| asked.method == "POST" && asked.path.ends_with("/actions")).collect()
    }

    /// What there is, and what was done to get there.
    fn shape(&self) -> Json {
        self.bench.sim.with_world(|world| {
            let mut done: Vec<String> =
                world.show("actions").iter().map(|action| format!("{} {}", action["type"], action["status"])).collect();
            done.sort();
            let droplets: Vec<Json> = world
                .show("droplets")
                .iter()
                .map(|of| json!([of["name"], of["status"], of["size_slug"], of["features"], of["networks"]["v6"].as_array().map(Vec::len)]))
                .collect();
            let holders: Vec<Json> = world.show("reserved_ips").iter().map(|ip| ip["droplet"]["name"].clone()).collect();
            json!({"droplets": droplets, "holders": holders, "done": done})
        })
    }
}

fn term(body: Json) -> Term {
    Term::Value(Value::from_json(&body))
}

/// The undisturbed run: its orders, and what it leaves.
async fn undisturbed(call: Call) -> (Vec<Exchange>, Json) {
    let stage = Stage::set(call, ClockMode::default()).await;
    stage.play().await.unwrap_or_else(|error| panic!("{call:?}: {error}"));
    (stage.orders(), stage.shape())
}

/// The same with a fault at one of its orders: what is wrong, if anything.
async fn disturbed(call: Call, at: usize, orders: &[Exchange], what: &str, expected: &Json) -> Option<String> {
    let stage = Stage::set(call, ClockMode::default()).await;
    let order = &orders[at];
    let nth = 1 + orders[..at].iter().filter(|other| other.path == order.path).count();
    let fault = format!("POST {}#{nth} {what}", order.path);
    stage.bench.sim.with_world(|world| world.set_faults(&[fault.parse().expect("a fault")]));
    let start = stage.bench.api.clock().tick();
    let ended = stage.play().await;
    let lasted = stage.bench.api.clock().tick().since(start);
    let shape = stage.shape();
    let kind = &order.request["type"];
    match ended {
        Err(error) => Some(format!("{call:?}, {kind} with {what}: {error}")),
        Ok(()) if shape != *expected => Some(format!("{call:?}, {kind} with {what}:\n{shape}\ninstead of\n{expected}")),
        Ok(()) if lasted > SOON => Some(format!("{call:?}, {kind} with {what}: it lasted {lasted:?}")),
        Ok(()) => None,
    }
}

#[tokio::test]
async fn an_action_whose_answer_is_lost_comes_about_once() {
    let (mut wrongs, mut count, mut met) = (Vec::new(), 0, 0);
    for call in CALLS {
        let (orders, expected) = undisturbed(call).await;
        assert!(!orders.is_empty(), "{call:?} asks for no action");
        for at in 0..orders.len() {
            for (form, what) in BEFORE.into_iter().chain(AFTER).enumerate() {
                // A thin walk takes a third of the forms for each order, and all of them for three orders.
                if in_full() || (form + met) % 3 == 0 {
                    wrongs.extend(disturbed(call, at, &orders, what, &expected).await);
                    count += 1;
                }
            }
            met += 1;
        }
    }
    say(&format!("lost actions: {count} cases, {} wrong", wrongs.len()));
    assert!(wrongs.is_empty(), "{} of {count}\n{}", wrongs.len(), wrongs.join("\n"));
}

#[tokio::test]
async fn an_action_that_failed_is_told_or_made_good() {
    for call in CALLS {
        let (orders, expected) = undisturbed(call).await;
        for (at, order) in orders.iter().enumerate() {
            let nth = 1 + orders[..at].iter().filter(|other| other.path == order.path).count();
            let (failed, lost) = (format!("POST {}#{nth} action-errored", order.path), format!("POST {}#{nth} reset-after", order.path));
            // Known to have failed: that is told, but where the next order makes it good (the power is cut after a shutdown).
            let stage = Stage::set(call, ClockMode::default()).await;
            stage.bench.sim.with_world(|world| world.set_faults(&[failed.parse().expect("a fault")]));
            match stage.play().await {
                Err(error) => assert!(error.to_string().contains("gave up the"), "{call:?}: {error}"),
                Ok(()) => assert_eq!(order.request["type"], "shutdown", "{call:?}"),
            }
            // Failed, and the answer was lost too: the object has not changed and nothing is at work, so it is asked for again.
            let stage = Stage::set(call, ClockMode::default()).await;
            stage.bench.sim.with_world(|world| world.set_faults(&[failed, lost].map(|fault| fault.parse().expect("a fault"))));
            stage.play().await.unwrap_or_else(|error| panic!("{call:?}: {error}"));
            assert_eq!(stage.shape()["droplets"], expected["droplets"], "{call:?}");
        }
    }
}

#[tokio::test]
async fn an_action_that_is_never_taken_ends_soon_and_says_so() {
    for call in CALLS {
        let stage = Stage::set(call, ClockMode::default()).await;
        let faults = ["droplets", "reserved_ips"].map(|of| format!("POST /v2/{of}/*/actions#1x0 error-before=503"));
        stage.bench.sim.with_world(|world| world.set_faults(&faults.map(|fault| fault.parse().expect("a fault"))));
        let start = stage.bench.api.clock().tick();
        let error = stage.play().await.expect_err("it cannot be done");
        let lasted = stage.bench.api.clock().tick().since(start);
        let ApiError::Broken { why, .. } = &error else { panic!("{call:?}: {error:?}") };
        assert!(why.contains("503") && why.contains("did not take effect"), "{call:?}: {error}");
        assert!(lasted < Duration::from_secs(100), "{call:?}: it lasted {lasted:?}");
    }
}

#[tokio::test]
async fn what_is_asked_for_may_be_at_work_or_done_already() {
    for call in CALLS {
        let (orders, expected) = undisturbed(call).await;
        let first = &orders[0];
        let path = first.path.trim_start_matches("/v2");
        let same = |shape: &Json| (shape["droplets"].clone(), shape["holders"].clone());
        for looks in [0, 1, 4] {
            // An earlier run has asked for it, and was killed.
            let stage = Stage::set(call, ClockMode::Explicit { looks }).await;
            stage.bench.api.create::<Json>(path, &first.request).await.expect("it is taken");
            stage.play().await.unwrap_or_else(|error| panic!("{call:?}, at work for {looks} looks: {error}"));
            assert_eq!(same(&stage.shape()), same(&expected), "{call:?}, at work for {looks} looks");
        }
        // It was done between the plan and the step.
        let stage = Stage::set(call, ClockMode::default()).await;
        stage.outside(path, &first.request);
        stage.play().await.unwrap_or_else(|error| panic!("{call:?}, done already: {error}"));
        assert_eq!(same(&stage.shape()), same(&expected), "{call:?}, done already");
    }
}
