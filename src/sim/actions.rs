//! Actions: what takes time, and what happens when it is done.
//!
//! Invariant: an effect takes place when its action completes, never before; a droplet or an address with an action in
//! progress refuses another one. Actions are kept for ever.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::ids;
use super::objects::action::{Action, Effect, Resource, State};
use super::objects::droplet::Power;
use super::refusal::Refusal;
use super::time::{Due, Wait};
use super::wire::{Call, Reply};
use super::world::{Made, World};

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
    pub(super) fn poll_action(&mut self, id: u64) {
        let now = self.now;
        if !self.open.contains(&id) {
            return;
        }
        let Some(action) = self.actions.get_mut(&id) else { return };
        let done = action.due.poll(now);
        self.touch();
        if done {
            self.complete(id);
        }
    }

    /// Looks at all that a droplet is busy with.
    pub(super) fn poll_actions_of(&mut self, droplet: u64) {
        for id in self.open_where(|action| action.droplet == Some(droplet)) {
            self.poll_action(id);
        }
    }

    /// Looks at all that is being done to something.
    pub(super) fn poll_actions_on(&mut self, on: Resource) {
        for id in self.open_where(|action| action.on == on) {
            self.poll_action(id);
        }
    }

    /// Looks at all that is being done to an address.
    pub(super) fn poll_actions_of_ip(&mut self, ip: Ipv4Addr) {
        for id in self.open_where(|action| action.touches_ip(ip)) {
            self.poll_action(id);
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
    pub(super) fn finish_due(&mut self) {
        let now = self.now;
        for id in self.open_where(|action| action.due.passed(now)) {
            self.complete(id);
        }
        self.finish_due_droplets();
        self.finish_due_pairs();
        self.finish_due_firewalls();
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
            Effect::Hang { volume, droplet } => self.hang(&volume, droplet),
            Effect::Give { address, droplet } => self.give_v6(&address, droplet),
            Effect::Transfer { image, region } => self.transfer_image(image, &region),
            Effect::Enlarge { volume, size } => self.enlarge(&volume, size),
            Effect::Snapshot(name) => {
                let (id, droplet) = (droplet?, self.droplets.get(&droplet?)?);
                let (region, disk) = (droplet.region.clone(), droplet.disk());
                self.keep_snapshot(&name, ("droplet", &id.to_string()), &region, disk);
                Some(())
            }
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

    /// Reads an action for a caller: the poll counts, and a missing one is not found.
    pub(super) fn read_action(&mut self, id: u64) -> Result<Action, Refusal> {
        let action = self.actions.get_mut(&id).ok_or_else(Refusal::not_found)?;
        if action.missing > 0 {
            action.missing = action.missing.saturating_sub(1);
            self.touch();
            return Err(Refusal::not_found());
        }
        self.poll_action(id);
        self.actions.get(&id).cloned().ok_or_else(Refusal::not_found)
    }

    /// Lists the actions that fit, the newest first.
    pub(super) fn list_actions(&mut self, call: &Call<'_>, fits: impl Fn(&Action) -> bool) -> Result<Reply, Refusal> {
        let mut found: Vec<(u64, u64)> =
            self.actions.values().filter(|action| fits(action)).map(|action| (action.started, action.id)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        call.page("actions", &found, |(_, id)| {
            self.poll_action(*id);
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
