//! Actions: what takes time, and what happens when it is done.
//!
//! Invariant: an effect takes place when its action completes, never before; a droplet or an address with an action in
//! progress refuses another one. Actions are kept for ever.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catalog;
use super::droplets::{Backups, Power};
use super::faults::What;
use super::ids;
use super::time::{Due, Wait};
use super::wire::{Call, Refusal, Reply};
use super::world::{Made, World};

/// Something in progress, or done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    pub(super) id: u64,
    pub(super) kind: String,
    pub(super) on: Resource,
    /// The droplet that is busy with it.
    pub(super) droplet: Option<u64>,
    region: String,
    started: u64,
    completed: Option<u64>,
    state: State,
    due: Due,
    effect: Effect,
    /// It will end as `errored`.
    fails: bool,
    /// It will leave its droplet switched off.
    #[serde(default)]
    strands: bool,
    /// The word that it shows instead of `completed`.
    word: Option<String>,
    /// Looks for which it is 404.
    missing: u32,
}

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Resource {
    Droplet(u64),
    ReservedIp(Ipv4Addr),
    FloatingIp(Ipv4Addr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    InProgress,
    Completed,
    Errored,
}

/// What happens when it completes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Effect {
    Nothing,
    Boot,
    Power(Power),
    Rename(String),
    Resize { size: String, disk: bool },
    Ipv6,
    Backups(Option<Backups>),
    Assign(u64),
    Unassign,
}

impl Resource {
    fn key(self) -> String {
        match self {
            Self::Droplet(id) => format!("droplet {id}"),
            Self::ReservedIp(ip) | Self::FloatingIp(ip) => format!("ip {ip}"),
        }
    }

    /// The address, under either spelling.
    pub(super) fn ip(self) -> Option<Ipv4Addr> {
        match self {
            Self::Droplet(_) => None,
            Self::ReservedIp(ip) | Self::FloatingIp(ip) => Some(ip),
        }
    }
}

impl Action {
    pub(super) fn show(&self) -> Value {
        let (resource_type, resource_id) = match self.on {
            Resource::Droplet(id) => ("droplet", id),
            Resource::ReservedIp(ip) => ("reserved_ip", u64::from(u32::from(ip))),
            Resource::FloatingIp(ip) => ("floating_ip", u64::from(u32::from(ip))),
        };
        let status = match self.state {
            State::InProgress => "in-progress",
            State::Completed => self.word.as_deref().unwrap_or("completed"),
            State::Errored => "errored",
        };
        json!({
            "id": self.id, "status": status, "type": self.kind, "started_at": World::timestamp(self.started),
            "completed_at": self.completed.map(World::timestamp), "resource_id": resource_id, "resource_type": resource_type,
            "region": catalog::find_region(&self.region).map(catalog::Region::show), "region_slug": self.region,
        })
    }

    /// Lets a fault befall it.
    pub(super) fn bend(&mut self, what: &What) {
        match what {
            What::ActionErrored => self.fails = true,
            What::ActionLeavesOff => (self.fails, self.strands) = (true, true),
            What::ActionSlow { millis } => self.due = Due::At(self.started + millis),
            What::ActionHangs => self.due = Due::Never,
            What::ActionMissing { looks } => self.missing = *looks,
            What::ActionWord { word } => self.word = Some(word.clone()),
            _ => {}
        }
    }

    /// Whether it has done what it was to do.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Completed
    }

    fn touches_ip(&self, ip: Ipv4Addr) -> bool {
        self.on.ip() == Some(ip)
    }
}

/// An action that is about to begin.
pub(super) struct Begin {
    pub(super) kind: &'static str,
    pub(super) on: Resource,
    pub(super) droplet: Option<u64>,
    pub(super) region: String,
    pub(super) effect: Effect,
}

impl World {
    /// Begins an action and returns its identifier.
    pub(super) fn begin(&mut self, begin: Begin) -> u64 {
        let wait = if begin.effect == Effect::Boot { Wait::Droplet } else { Wait::Action };
        let due = self.settings.clock.due(wait, self.now, &format!("{} {}", begin.on.key(), begin.kind));
        self.begin_due(begin, due)
    }

    /// Begins an action that is done at `due`.
    pub(super) fn begin_due(&mut self, begin: Begin, due: Due) -> u64 {
        let key = format!("{} {}", begin.on.key(), begin.kind);
        let nth = self.nth("action", &key);
        let id = ids::number(self.seed, &["action", &key, &nth.to_string()], |id| self.actions.contains_key(&id));
        let Begin { kind, on, droplet, region, effect } = begin;
        let action = Action {
            id,
            kind: kind.to_owned(),
            on,
            droplet,
            region,
            started: self.now.0,
            completed: None,
            state: State::InProgress,
            due,
            effect,
            fails: false,
            strands: false,
            word: None,
            missing: 0,
        };
        self.actions.insert(id, action);
        self.open.insert(id);
        self.note(Made::Action(id));
        id
    }

    /// Looks at an action: completes it if it is due.
    pub(super) fn look_action(&mut self, id: u64) {
        let now = self.now;
        if !self.open.contains(&id) {
            return;
        }
        let Some(action) = self.actions.get_mut(&id) else { return };
        let done = action.due.look(now);
        self.touch();
        if done {
            self.complete(id);
        }
    }

    /// Looks at all that a droplet is busy with.
    pub(super) fn look_actions_of(&mut self, droplet: u64) {
        for id in self.open_where(|action| action.droplet == Some(droplet)) {
            self.look_action(id);
        }
    }

    /// Looks at all that is being done to an address.
    pub(super) fn look_actions_of_ip(&mut self, ip: Ipv4Addr) {
        for id in self.open_where(|action| action.touches_ip(ip)) {
            self.look_action(id);
        }
    }

    /// Whether a droplet has an event pending.
    pub(super) fn is_busy(&self, droplet: u64) -> bool {
        !self.open_where(|action| action.droplet == Some(droplet)).is_empty()
    }

    /// Whether something is being done to an address.
    pub(super) fn is_locked(&self, ip: Ipv4Addr) -> bool {
        !self.open_where(|action| action.touches_ip(ip)).is_empty()
    }

    fn open_where(&self, fits: impl Fn(&Action) -> bool) -> Vec<u64> {
        self.open.iter().filter_map(|id| self.actions.get(id)).filter(|action| fits(action)).map(|action| action.id).collect()
    }

    /// Completes what is due by the clock.
    pub(super) fn settle(&mut self) {
        let now = self.now;
        for id in self.open_where(|action| action.due.passed(now)) {
            self.complete(id);
        }
        self.settle_droplets();
        self.settle_pairs();
        self.settle_firewalls();
    }

    /// Completes an action and lets its effect take place.
    pub(super) fn complete(&mut self, id: u64) {
        let now = self.now.0;
        self.open.remove(&id);
        let Some(action) = self.actions.get_mut(&id) else { return };
        let (effect, on, droplet) = (action.effect.clone(), action.on, action.droplet);
        let (mut fails, strands) = (action.fails, action.strands);
        self.touch();
        if strands && let Some(droplet) = droplet.and_then(|id| self.droplets.get_mut(&id)) {
            droplet.change(Effect::Power(Power::Off));
        }
        if !fails {
            fails = self.take_effect(effect, on, droplet).is_none();
        }
        if let Some(action) = self.actions.get_mut(&id) {
            action.state = if fails { State::Errored } else { State::Completed };
            action.completed = Some(now);
        }
    }

    /// None if what it is done to is gone.
    fn take_effect(&mut self, effect: Effect, on: Resource, droplet: Option<u64>) -> Option<()> {
        match effect {
            Effect::Nothing => Some(()),
            Effect::Assign(holder) => {
                let pair = self.droplets.get(&holder)?.pair().cloned();
                let ip = self.reserved_ips.get_mut(&on.ip()?)?;
                (ip.droplet, ip.pair) = (Some(holder), pair);
                Some(())
            }
            Effect::Unassign => {
                let ip = self.reserved_ips.get_mut(&on.ip()?)?;
                (ip.droplet, ip.pair) = (None, None);
                Some(())
            }
            Effect::Boot => self.boot(droplet?),
            other => self.droplets.get_mut(&droplet?).map(|droplet| droplet.change(other)),
        }
    }

    /// Ends what is in progress on a droplet that goes away.
    pub(super) fn abandon(&mut self, droplet: u64) {
        for id in self.open_where(|action| action.droplet == Some(droplet)) {
            self.open.remove(&id);
            if let Some(action) = self.actions.get_mut(&id) {
                action.state = State::Errored;
                action.completed = Some(self.now.0);
            }
        }
    }

    /// Reads an action for a caller: the look counts, and a missing one is not found.
    pub(super) fn read_action(&mut self, id: u64) -> Result<Action, Refusal> {
        let action = self.actions.get_mut(&id).ok_or_else(Refusal::not_found)?;
        if action.missing > 0 {
            action.missing = action.missing.saturating_sub(1);
            self.touch();
            return Err(Refusal::not_found());
        }
        self.look_action(id);
        self.actions.get(&id).cloned().ok_or_else(Refusal::not_found)
    }

    /// Lists the actions that fit, the newest first.
    pub(super) fn list_actions(&mut self, call: &Call<'_>, fits: impl Fn(&Action) -> bool) -> Result<Reply, Refusal> {
        let mut found: Vec<(u64, u64)> =
            self.actions.values().filter(|action| fits(action)).map(|action| (action.started, action.id)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        call.page("actions", &found, |(_, id)| {
            self.look_action(*id);
            self.actions.get(id).map(Action::show).unwrap_or_default()
        })
    }
}

/// `GET /v2/actions`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    world.list_actions(call, |_| true)
}

/// `GET /v2/actions/{action_id}`
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let action = world.read_action(call.number(0)?)?;
    Ok(Reply::ok(json!({ "action": action.show() })))
}

/// A link to an action, as it stands in answers.
pub(super) fn link(call: &Call<'_>, rel: &str, id: u64) -> Value {
    json!({ "id": id, "rel": rel, "href": format!("{}/v2/actions/{id}", call.base) })
}
