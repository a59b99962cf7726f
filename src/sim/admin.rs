//! The account from beside the API: how much it holds, how it looks, and what somebody else does to it.
//!
//! Invariant: what it shows is what the API would show to a token of full access, and counts as no poll.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::faults::{ArmedFaults, Fault};
use super::objects::action::Action;
use super::objects::domain::Domain;
use super::objects::record::Record;
use super::objects::ssh_key::SshKey;
use super::objects::vpc::Vpc;
use super::plain::family::{FAMILIES, Object};
use super::scopes::Scopes;
use super::time::ClockMode;
use super::wire::Request;
use super::world::{Interference, Settings, World};
use super::{Limits, projects};
use dofloat_base::clock::Moment;

/// How many objects of each kind the world holds.
pub type Summary = BTreeMap<&'static str, usize>;

/// The operations of tests and admin paths beside the API.
impl World {
    /// How many objects of each kind there are. Default VPCs are not counted.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let plainly =
            |summary: &mut Summary, counts: [(&'static str, usize); 2]| summary.extend(counts.into_iter().filter(|(_, count)| *count > 0));
        let plain = FAMILIES.iter().filter_map(|family| Some((family.label(), self.plain.get(&family.path)?.len())));
        let mut summary = BTreeMap::from([
            ("droplets", self.droplets.len()),
            ("reserved_ips", self.reserved_ips.len()),
            ("vpcs", self.vpcs.values().filter(|vpc| !vpc.initial).count()),
            ("firewalls", self.firewalls.len()),
            ("domains", self.domains.len()),
            ("records", self.domains.values().map(|domain| domain.own_records().count()).sum()),
            ("ssh_keys", self.ssh_keys.len()),
            ("tags", self.tags.len()),
            ("projects", self.projects.len()),
        ]);
        let ours = self.spaces.values().filter(|space| !space.is_foreign);
        let files = ours.clone().map(|space| space.objects.len()).sum();
        plainly(&mut summary, [("spaces", ours.count()), ("spaces/objects", files)]);
        summary.extend(plain.filter(|(_, count)| *count > 0));
        summary
    }

    /// Whether it holds only what a fresh world holds (actions are kept for ever and do not count).
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.summary().values().all(|count| *count == 0)
    }

    /// All it holds, as it is saved.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Objects of a kind (`droplets`, `reserved_ips`, `vpcs`, `firewalls`, `domains`, `records`, `ssh_keys`, `tags`,
    /// `projects`, `actions`, and plain families by their paths, `uptime/checks`) as the API shows them to a token of full access. Nothing counts as a poll.
    #[must_use]
    pub fn show(&self, kind: &str) -> Vec<Value> {
        let all = &Scopes::All;
        match kind {
            "droplets" => self.droplets.values().map(|droplet| self.show_droplet(droplet, all)).collect(),
            "reserved_ips" => self.reserved_ips.values().map(|ip| self.show_reserved_ip(ip, all)).collect(),
            "vpcs" => self.vpcs.values().map(Vpc::show).collect(),
            "firewalls" => self.firewalls.values().map(|firewall| self.show_firewall(firewall, all)).collect(),
            "domains" => self.domains.values().map(Domain::show).collect(),
            "records" => self.domains.values().flat_map(|domain| domain.records.values().map(Record::show)).collect(),
            "ssh_keys" => self.ssh_keys.values().map(SshKey::show).collect(),
            "tags" => self.tags.values().map(|tag| self.show_tag(tag, "")).collect(),
            "projects" => self.projects.values().map(|project| projects::show(self, project)).collect(),
            "spaces" => self.spaces.iter().map(|(name, space)| json!({ "name": name, "space": space })).collect(),
            "actions" => self.actions.values().map(Action::show).collect(),
            label => {
                let families = FAMILIES.iter().filter(|family| family.label() == label);
                families
                    .flat_map(|family| {
                        self.plain.get(&family.path).into_iter().flat_map(|all| all.values().map(|object| family.show(object)))
                    })
                    .collect()
            }
        }
    }

    /// Does something as another user of the account would, by the API but without limits, faults, log or waiting: returns
    /// the status and the body. `("DELETE", "/v2/droplets/1", None)` for example.
    pub fn outside(&mut self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        let unbound = Settings { limits: Limits { droplets: usize::MAX, reserved_ips: usize::MAX }, ..Settings::default() };
        let settings = std::mem::replace(&mut self.settings, unbound);
        let trap = std::mem::take(&mut self.trap);
        let gate = std::mem::take(&mut self.gate);
        let response = self.handle(&Request { at: self.now, ..Request::new(method, target, body) });
        self.finish_all();
        (self.settings, self.trap, self.gate) = (settings, trap, gate);
        (response.status, response.body.unwrap_or_default())
    }

    /// Somebody else does something ([`World::outside`]), at once before this one of the changing requests is answered, from 1.
    pub fn meanwhile(&mut self, nth: usize, change: impl FnOnce(&mut Self) + Send + 'static) {
        self.interference = Interference(Some((nth.saturating_sub(1), Box::new(change))));
    }

    /// Holds what another world held when it was saved; how this one behaves stays.
    ///
    /// # Errors
    /// If it is no world.
    pub fn become_like(&mut self, saved: Value) -> serde_json::Result<()> {
        let mut world: Self = serde_json::from_value(saved)?;
        world.settings = std::mem::take(&mut self.settings);
        world.gate = std::mem::take(&mut self.gate);
        world.trap = std::mem::take(&mut self.trap);
        world.revision = self.revision + 1;
        *self = world;
        Ok(())
    }

    /// Finishes everything that is in progress.
    pub fn finish_all(&mut self) {
        for id in self.open.clone() {
            self.complete(id);
        }
        self.finish_waiting();
        self.plain.values_mut().flat_map(BTreeMap::values_mut).for_each(Object::finish);
        self.touch();
    }

    /// Lets time pass in another way from now on; what is under way keeps the end that it was given.
    pub fn set_clock(&mut self, clock: ClockMode) {
        self.settings.clock = clock;
    }

    /// Replaces the faults.
    pub fn set_faults(&mut self, faults: &[Fault]) {
        self.trap = ArmedFaults::new(faults);
    }

    /// The faults that are set.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.trap.faults().cloned().collect()
    }

    /// Those of them that have befallen a request.
    #[must_use]
    pub fn faults_met(&self) -> Vec<Fault> {
        self.trap.met().cloned().collect()
    }

    /// Moves the world's time on.
    pub fn advance(&mut self, seconds: u64) {
        self.lead += seconds * 1000;
        self.now = Moment(self.now.0 + seconds * 1000);
        self.finish_due();
        self.touch();
    }
}
