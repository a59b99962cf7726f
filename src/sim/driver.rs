//! Events of droplets and addresses, told to a command: with it, droplets can be more than words, for example
//! containers on this machine.
//!
//! Invariant: events are the difference of two pictures of the world, so none is lost and a restart tells what stands. An
//! answer leaves after the command has done what the answer shows.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::process::Command;

use super::metadata::{self, Holders};
use super::objects::droplet::Power;
use super::world::World;
use dofloat_base::child;

/// A command that takes longer is stopped.
const PATIENCE: Duration = Duration::from_secs(120);

/// A driver's view of the world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DriverView {
    droplets: BTreeMap<u64, Facts>,
    running: BTreeSet<u64>,
    holders: Holders,
    /// The orders to running droplets that do not show in them: the action, its droplet, and the event.
    orders: BTreeMap<u64, (u64, &'static str)>,
}

/// The properties of a droplet that never change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts(Vec<(&'static str, String)>);

/// Something that a driver is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    name: &'static str,
    /// The environment of the command.
    facts: Vec<(&'static str, String)>,
}

impl World {
    /// Lets happen what is due now, and shows what a driver knows.
    pub(super) fn driver_view(&mut self, now: dofloat_base::clock::Moment) -> DriverView {
        self.pass(now);
        let booted: Vec<_> = self.droplets.values().filter(|droplet| droplet.power != Power::New).collect();
        let orders = self.actions.values().filter_map(|action| {
            let event = match action.kind.as_str() {
                "reboot" => "reboot",
                "shutdown" => "shutdown",
                "power_cycle" if action.is_done() => "power_cycle",
                _ => return None,
            };
            Some((action.id, (action.droplet?, event)))
        });
        DriverView {
            droplets: booted.iter().map(|droplet| (droplet.id, Facts(metadata::facts(self, droplet)))).collect(),
            running: booted.iter().filter(|droplet| droplet.power == Power::Active).map(|droplet| droplet.id).collect(),
            holders: self.holders(),
            orders: orders.collect(),
        }
    }
}

impl DriverView {
    /// The events between `before` and this view, in an order in which it can be done.
    pub(super) fn since(&self, before: &Self) -> Vec<Event> {
        let mut events = Vec::new();
        for (ip, id) in before.holders.iter().filter(|(ip, _)| !self.holders.contains_key(ip)) {
            events.push(before.event("unassign", *id, Some(*ip)));
        }
        for id in before.droplets.keys().filter(|id| !self.droplets.contains_key(id)) {
            events.push(before.event("destroy", *id, None));
        }
        for id in before.running.iter().filter(|id| self.droplets.contains_key(id) && !self.running.contains(id)) {
            events.push(self.event("power_off", *id, None));
        }
        for id in self.running.iter().filter(|id| !before.running.contains(id)) {
            let name = if before.droplets.contains_key(id) { "power_on" } else { "create" };
            events.push(self.event(name, *id, None));
        }
        for (action, (id, name)) in &self.orders {
            if !before.orders.contains_key(action) && before.running.contains(id) && self.droplets.contains_key(id) {
                events.push(self.event(name, *id, None));
            }
        }
        for (ip, id) in self.holders.iter().filter(|(ip, id)| before.holders.get(ip) != Some(id)) {
            events.push(self.event("assign", *id, Some(*ip)));
        }
        events
    }

    fn event(&self, name: &'static str, droplet: u64, ip: Option<Ipv4Addr>) -> Event {
        let mut facts = vec![("DOFLOAT_EVENT", name.to_owned()), ("DROPLET_ID", droplet.to_string())];
        facts.extend(ip.map(|ip| ("FLOATING_IP", ip.to_string())));
        facts.extend(self.droplets.get(&droplet).into_iter().flat_map(|known| known.0.clone()));
        Event { name, facts }
    }
}

impl Event {
    /// Runs the command and waits for its end.
    pub(super) async fn tell(&self, command: &str) {
        if let Err(error) = self.run(command).await {
            tracing::error!(event = self.name, %error, "the driver failed");
        }
    }

    async fn run(&self, command: &str) -> io::Result<()> {
        let mut child = Command::from(child::command("sh"))
            .args(["-c", command])
            .envs(self.facts.iter().map(|(name, value)| (*name, value)))
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("it ended with {status}"))) }
    }
}

/// The answer of a driver's servers at an address: the command is told the event `ask` and `DOFLOAT_URL`, and prints the answer.
pub(super) async fn ask(command: &str, url: &str) -> Option<String> {
    let run = Command::from(child::command("sh"))
        .args(["-c", command])
        .envs([("DOFLOAT_EVENT", "ask"), ("DOFLOAT_URL", url)])
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, run).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::test_world::TestWorld;
    use super::super::time::EPOCH;
    use super::*;

    fn names(test: &mut TestWorld, before: &mut DriverView) -> Vec<&'static str> {
        let now = test.world.driver_view(EPOCH);
        let names = now.since(before).iter().map(|event| event.name).collect();
        *before = now;
        names
    }

    fn rig_faults(test: &mut TestWorld, fault: &str) {
        test.world.set_faults(&[fault.parse().unwrap()]);
    }

    #[test]
    fn every_change_is_an_event() {
        let mut test = TestWorld::new();
        let mut before = DriverView::default();
        let (a, b) = (test.droplet("a"), test.droplet("b"));
        assert_eq!(names(&mut test, &mut before), ["create", "create"]);
        let ip = test.ok("POST /reserved_ips", json!({ "droplet_id": a }))["reserved_ip"]["ip"].as_str().unwrap().to_owned();
        test.world.finish_all();
        assert_eq!(names(&mut test, &mut before), ["assign"]);
        let mut act = |test: &mut TestWorld, body: Value| {
            test.ok(&format!("POST /droplets/{a}/actions"), body);
            test.world.finish_all();
            names(test, &mut before)
        };
        assert_eq!(act(&mut test, json!({ "type": "reboot" })), ["reboot"]);
        assert_eq!(act(&mut test, json!({ "type": "power_cycle" })), ["power_cycle"]);
        rig_faults(&mut test, "POST /v2/droplets/*/actions action-errored");
        assert!(act(&mut test, json!({ "type": "power_cycle" })).is_empty());
        rig_faults(&mut test, "POST /v2/droplets/*/actions action-leaves-off");
        assert_eq!(act(&mut test, json!({ "type": "power_cycle" })), ["power_off"]);
        assert_eq!(act(&mut test, json!({ "type": "power_on" })), ["power_on"]);
        assert_eq!(act(&mut test, json!({ "type": "power_off" })), ["power_off"]);
        assert_eq!(act(&mut test, json!({ "type": "power_on" })), ["power_on"]);
        assert_eq!(act(&mut test, json!({ "type": "shutdown" })), ["power_off", "shutdown"]);
        test.ok(&format!("POST /reserved_ips/{ip}/actions"), json!({ "type": "assign", "droplet_id": b }));
        test.world.finish_all();
        assert_eq!(names(&mut test, &mut before), ["assign"]);
        test.ok(&format!("DELETE /droplets/{b}"), Value::Null);
        test.world.finish_all();
        assert_eq!(names(&mut test, &mut before), ["unassign", "destroy"]);
        assert!(names(&mut test, &mut before).is_empty());
    }

    #[test]
    fn an_event_says_where_the_droplet_is() {
        let mut test = TestWorld::new();
        let id = test.droplet("a");
        let events = test.world.driver_view(EPOCH).since(&DriverView::default());
        let fact = |name: &str| events[0].facts.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(fact("DROPLET_ID"), Some(id.to_string().as_str()));
        assert_eq!(fact("DROPLET_NAME"), Some("a"));
        assert!(fact("PUBLIC_MAC").is_some_and(|mac| mac.starts_with("02:01:")));
    }
}
