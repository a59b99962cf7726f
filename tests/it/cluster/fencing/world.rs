//! Two nodes, the API between them, and what can happen to them: a state, and the states that can follow it.
//!
//! Invariant: every order of events is among the successors; time passes only when every node that runs has had its round and
//! nothing is overdue. Reads take no time: that they are old when a request arrives is part of how long a request lives.

use super::protocol::{self, Droplet, Facts, Holder, Limits, Memory, Move, Own};

/// The protocols that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The one that nodes run.
    Ours,
    /// The one before it: the node without the address waits outside the agent, whatever the API says meanwhile; then
    /// `power_off` as soon as the API answers, and `power_on` by whoever is left.
    PowerOff,
    /// As ours, but what was seen a round ago is not looked at again before the request leaves.
    NoSecondLook,
    /// As ours, but a peer that the list of the tag does not show counts as dead.
    ListIsProof,
}

/// Kinds of faults, as bits. The link is all that corosync goes over: where there are two, both have failed. A node whose public
/// side is among them has lost the API too, and its page; these are faults of their own.
pub(crate) const LINK: u8 = 1;
pub(crate) const API_OF_ONE: u8 = 2;
pub(crate) const API_OF_ALL: u8 = 4;
pub(crate) const FREEZE: u8 = 8;
pub(crate) const DEATH: u8 = 16;
pub(crate) const HANG: u8 = 32;
pub(crate) const ERROR: u8 = 64;
pub(crate) const UNLIST: u8 = 128;

/// What is varied. Times are rounds of about a second or two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) protocol: Protocol,
    pub(crate) limits: Limits,
    pub(crate) kinds: u8,
    pub(crate) faults: u8,
    /// The longest life of a request.
    pub(crate) flight: u8,
    /// The longest time of an action on a droplet.
    pub(crate) action: u8,
    /// From a reset until a node runs again.
    pub(crate) boot: u8,
    /// Whether a node may be late by one round.
    pub(crate) lag: bool,
    /// Whether nodes can read each other's page.
    pub(crate) pages: bool,
    /// Whether an address has a holder at first.
    pub(crate) held: bool,
    /// Whether an arbiter gives one of two halves its vote: the one with the address, as long as it lives.
    pub(crate) arbiter: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Power {
    Up,
    Frozen,
    /// It has died; its droplet is `active`.
    Dead,
    Off,
    Booting(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Cycle,
    Off,
    On,
}

/// What the API is about to do to a droplet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Action {
    kind: Kind,
    by: u8,
    age: u8,
    hangs: bool,
}

/// A request on its way: it may arrive although its sender is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Request {
    Act(Kind),
    Assign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) power: Power,
    pub(crate) action: Option<Action>,
    request: Option<(Request, u8)>,
    api: bool,
    listed: bool,
    /// Whether it sees its peer, as corosync has it.
    sees: bool,
    quorate: bool,
    /// Whether it holds a proof that the peer it has lost is dead.
    fenced: bool,
    /// Whether the peer that it has lost still runs as it was when it was lost.
    lost_runs: bool,
    /// Whether it has had the peer switched off or reset, and so has to see that it comes back.
    owes: bool,
    own: Own,
    memory: Memory,
    go: bool,
    had_round: bool,
    was_late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) nodes: [Node; 2],
    link: bool,
    api: bool,
    holder: u8,
    /// The address is on its way to this node.
    moving: Option<(u8, u8)>,
    /// Which half has the arbiter's vote, while there are two.
    vote: u8,
    pub(crate) faults: u8,
    /// Whether nothing but the link has ever failed.
    pure: bool,
    /// Which kinds have befallen, of those that cannot be undone.
    hung: bool,
}

/// Something that must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// Both nodes are off, and nothing that could switch one on runs or is on its way.
    BothOff,
    /// Each has had the other reset.
    DoubleReset,
    /// With nothing broken but the link, the node without the address had the one with it reset.
    HealthyHolderReset,
    /// With nothing broken but the link, the address was taken from the node that served it.
    HealthyHolderRobbed,
    /// A peer was declared dead that runs.
    FalseProof,
    /// A request to reset a member has left.
    MemberReset,
}

/// A successor: what happened, what it led to, and what is wrong with that.
pub(crate) struct Next {
    pub(crate) what: (&'static str, u8),
    pub(crate) state: State,
    pub(crate) wrong: Option<Wrong>,
    pub(crate) sort: Sort,
}

/// What brings a successor about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Fault,
    Mend,
    Time,
    /// The programs of this node.
    Round(usize),
    /// The API, or a node that is late.
    Other,
}

/// What runs on a node, as far as its rounds go.
pub(crate) trait Programs {
    /// What the fence does in one round, and what it remembers then.
    fn fence(&mut self, facts: &Facts, memory: Memory) -> (Move, Memory);
    /// Whether the agent has a peer that its node has fenced, and that is off, switched on.
    fn switches_on(&mut self, me: usize) -> bool;
    /// Whether the start of the floating IP asks for an address that somebody else has, or nobody.
    fn takes(&mut self, facts: &Facts) -> bool;
}

/// The programs as the protocol has them.
struct Tables<'a>(&'a Bounds);

impl Programs for Tables<'_> {
    fn fence(&mut self, facts: &Facts, memory: Memory) -> (Move, Memory) {
        match self.0.protocol {
            Protocol::PowerOff => power_off(facts, memory, &self.0.limits),
            _ => protocol::decide(facts, memory, &self.0.limits),
        }
    }

    fn switches_on(&mut self, _: usize) -> bool {
        true
    }

    fn takes(&mut self, _: &Facts) -> bool {
        true
    }
}

const NOBODY: u8 = 2;

pub(crate) fn start(bounds: &Bounds) -> State {
    let node = Node {
        power: Power::Up,
        action: None,
        request: None,
        api: true,
        listed: true,
        sees: true,
        quorate: true,
        fenced: false,
        lost_runs: false,
        owes: false,
        own: Own::None,
        memory: Memory::default(),
        go: false,
        had_round: false,
        was_late: false,
    };
    let holder = if bounds.held { 0 } else { NOBODY };
    State { nodes: [node; 2], link: true, api: true, holder, moving: None, vote: NOBODY, faults: bounds.faults, pure: true, hung: false }
}

impl Node {
    /// A round falls out; the clock goes on, and what has begun to count has counted when the next one comes.
    fn be_late(&mut self, limits: &Limits) {
        (self.had_round, self.was_late) = (true, true);
        let Memory { watched, settled, .. } = &mut self.memory;
        *watched = if *watched == 0 { 0 } else { (*watched + 1).min((limits.watch + limits.longer).max(limits.long_watch)) };
        *settled = if *settled == 0 { 0 } else { (*settled + 1).min(limits.settle) };
    }

    fn ask_for_the_address(&mut self) {
        self.request = Some((Request::Assign, 0));
        (self.memory.claimed, self.memory.settled) = (true, 0);
    }

    /// A round among members: what was asked for before is forgotten once it is through.
    fn be_member(&mut self, limits: &Limits, peer_is_idle: bool) {
        self.memory.settled = (self.memory.settled + 1).min(limits.settle);
        if self.memory.settled == limits.settle {
            self.memory = Memory::default();
        }
        if peer_is_idle && matches!(self.own, Own::None | Own::Done) {
            (self.own, self.owes) = (Own::None, false);
        }
    }
}

impl State {
    /// Whether somebody answers at the address.
    pub(crate) fn serves(&self) -> bool {
        self.nodes.get(usize::from(self.holder)).is_some_and(|node| node.power == Power::Up && node.quorate)
    }

    /// Whether all that can be mended without anybody is mended: the API answers all, and nobody is frozen.
    pub(crate) fn is_calm(&self) -> bool {
        self.api && self.nodes.iter().all(|node| node.api && node.power != Power::Frozen)
    }

    /// Whether a node is switched off.
    pub(crate) fn has_off(&self) -> bool {
        self.nodes.iter().any(|node| node.power == Power::Off)
    }

    /// Whether some node runs, or will.
    pub(crate) fn has_life(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.power, Power::Up | Power::Frozen | Power::Booting(_)))
    }

    /// Whether an action never ends: then there may be no proof, and no way to switch anything on.
    pub(crate) fn is_hung(&self) -> bool {
        self.hung
    }

    /// Whether nothing that runs can act while the API is never done with something: a node that is to be reset takes itself for
    /// lost, and one that has booted alone has no other proof.
    pub(crate) fn is_held_up(&self) -> bool {
        let hangs = |node: &Node| node.action.is_some_and(|action| action.hangs);
        let is_lost = |node: &Node| node.power == Power::Up && hangs(node);
        let can_serve = |node: &Node| node.power == Power::Up && node.quorate;
        self.hung && (self.nodes.iter().any(is_lost) || !self.nodes.iter().any(can_serve))
    }

    fn reaches(&self, node: usize) -> bool {
        self.api && self.nodes[node].api
    }

    fn are_members(&self) -> bool {
        self.link && self.nodes.iter().all(|node| node.power == Power::Up)
    }

    fn facts(&self, me: usize, bounds: &Bounds) -> Facts {
        let (own, peer) = (&self.nodes[me], &self.nodes[1 - me]);
        let droplet = match peer.power {
            _ if bounds.protocol == Protocol::ListIsProof && !peer.listed => Droplet::Gone,
            Power::Off => Droplet::Off,
            _ => Droplet::On,
        };
        let holder = match self.holder {
            holder if usize::from(holder) == me => Holder::Me,
            NOBODY => Holder::Nobody,
            _ => Holder::Other,
        };
        Facts {
            answered: self.reaches(me),
            member: own.sees,
            peer: droplet,
            peer_busy: peer.action.is_some_and(|action| usize::from(action.by) != me || action.kind == Kind::On),
            own: own.own,
            me_busy: own.action.is_some(),
            holder,
            locked: self.moving.is_some(),
            healthy: bounds.pages && peer.power == Power::Up && peer.quorate && holder == Holder::Other,
            page_known: bounds.pages,
            waiting: !own.quorate && !bounds.arbiter,
            first: me == 0,
            voted: usize::from(self.vote) == me,
        }
    }

    /// Every state that can follow.
    pub(crate) fn successors(&self, bounds: &Bounds) -> Vec<Next> {
        let mut all = Vec::with_capacity(16);
        self.mend(&mut all);
        if self.faults > 0 {
            self.break_things(bounds, &mut all);
        }
        for node in 0..2 {
            self.arrive(node, bounds, &mut all);
            self.complete(node, bounds, &mut all);
            if self.nodes[node].power == Power::Up && !self.nodes[node].had_round {
                all.push(self.after_round(node, bounds, &mut Tables(bounds)));
                if bounds.lag && !self.nodes[node].was_late {
                    let mut next = *self;
                    next.nodes[node].be_late(&bounds.limits);
                    all.push(step("late", node, next));
                }
            }
        }
        if let Some((to, _)) = self.moving {
            let next = State { holder: to, moving: None, ..*self };
            all.push(step("the address is at", usize::from(to), next));
        }
        if let Some(next) = self.tick(bounds) {
            all.push(Next { sort: Sort::Time, ..step("tick", 0, next) });
        }
        all
    }

    fn mend(&self, all: &mut Vec<Next>) {
        if !self.link {
            all.push(mend("the link is mended", 0, State { link: true, ..*self }));
        }
        if !self.api {
            all.push(mend("the API is back for all", 0, State { api: true, ..*self }));
        }
        for node in 0..2 {
            let mut next = *self;
            if !self.nodes[node].api {
                next.nodes[node].api = true;
                all.push(mend("the API is back for", node, next));
            }
            let mut next = *self;
            if self.nodes[node].power == Power::Frozen {
                next.nodes[node].power = Power::Up;
                // What it last looked at is long ago.
                (next.nodes[node].memory.watched, next.nodes[node].memory.settled) = (0, 0);
                all.push(mend("thaws", node, next));
            }
        }
    }

    fn break_things(&self, bounds: &Bounds, all: &mut Vec<Next>) {
        let mut push = |kind: u8, what, node, next: State, pure: bool| {
            if bounds.kinds & kind != 0 {
                let state = State { faults: self.faults - 1, pure: self.pure && pure, ..next };
                all.push(Next { sort: Sort::Fault, ..step(what, node, state) });
            }
        };
        // A link that fails again while a request is on its way would be a link that fails faster than a request lives.
        if self.link && self.nodes.iter().all(|node| node.request.is_none()) {
            push(LINK, "the link fails", 0, State { link: false, ..*self }, true);
        }
        if self.api {
            push(API_OF_ALL, "the API fails for all", 0, State { api: false, ..*self }, false);
        }
        for node in 0..2 {
            let mut next = *self;
            if self.nodes[node].api {
                next.nodes[node].api = false;
                push(API_OF_ONE, "the API fails for", node, next, false);
            }
            let mut next = *self;
            if self.nodes[node].listed {
                next.nodes[node].listed = false;
                push(UNLIST, "loses its tag", node, next, true);
            }
            if self.nodes[node].power == Power::Up {
                let mut next = *self;
                next.nodes[node].power = Power::Frozen;
                push(FREEZE, "freezes", node, next, false);
                if self.nodes[1 - node].power != Power::Dead {
                    let mut next = *self;
                    next.die(node, Power::Dead);
                    push(DEATH, "dies", node, next, false);
                }
            }
            if self.nodes[node].action.is_some_and(|action| !action.hangs) {
                let mut next = *self;
                next.hung = true;
                if let Some(action) = &mut next.nodes[node].action {
                    action.hangs = true;
                }
                push(HANG, "has an action that hangs", node, next, false);
                let mut next = *self;
                next.fail(node);
                push(ERROR, "has an action that fails", node, next, false);
            }
        }
    }

    /// An action that fails may have done half of its work: the droplet is left off.
    fn fail(&mut self, node: usize) {
        let Some(action) = self.nodes[node].action.take() else { return };
        self.die(node, Power::Off);
        if action.kind != Kind::On {
            self.nodes[usize::from(action.by)].own = Own::Failed;
        }
    }

    /// A node stops: what it knew is gone, what it has sent is not.
    fn die(&mut self, node: usize, power: Power) {
        let gone = &mut self.nodes[node];
        gone.power = power;
        (gone.sees, gone.quorate, gone.fenced, gone.lost_runs, gone.go) = (false, false, false, false, false);
        (gone.own, gone.memory, gone.had_round, gone.was_late) = (Own::None, Memory::default(), false, false);
        self.nodes[1 - node].lost_runs = false;
    }

    /// Whether a node serves, and nothing but the link has ever failed.
    fn is_healthy_holder(&self, node: usize) -> bool {
        self.pure && usize::from(self.holder) == node && self.nodes[node].power == Power::Up && self.nodes[node].quorate
    }

    /// What a node has sent arrives at the API, now or never.
    fn arrive(&self, from: usize, bounds: &Bounds, all: &mut Vec<Next>) {
        let Some((request, _)) = self.nodes[from].request else { return };
        let mut next = *self;
        next.nodes[from].request = None;
        let to = 1 - from;
        let Request::Act(kind) = request else {
            let mut wrong = None;
            if self.reaches(from) && self.moving.is_none() {
                next.moving = Some((from as u8, 0));
                wrong = (self.is_healthy_holder(to) && bounds.held).then_some(Wrong::HealthyHolderRobbed);
            }
            all.push(Next { wrong, ..step("asks for the address", from, next) });
            return;
        };
        let refused = |next: State| {
            let mut next = next;
            if kind != Kind::On {
                next.nodes[from].own = Own::None;
            }
            next
        };
        let is_useless = match self.nodes[to].power {
            Power::Off => kind == Kind::Off,
            _ => kind == Kind::On,
        };
        if !self.reaches(from) || self.nodes[to].action.is_some() || is_useless {
            all.push(step("is refused", from, refused(next)));
            return;
        }
        if self.nodes[to].power == Power::Off && kind == Kind::Cycle {
            // It is not known whether a droplet that is off can be reset.
            all.push(step("is refused", from, refused(next)));
        }
        next.nodes[to].action = Some(Action { kind, by: from as u8, age: 0, hangs: false });
        // Whoever has forgotten it since does not take it for its own.
        if kind != Kind::On && next.nodes[from].own == Own::Sent {
            next.nodes[from].own = Own::Open;
        }
        let of_peer = |action: &Action| usize::from(action.by) == to && action.kind != Kind::On;
        let was_hit =
            self.nodes[from].action.as_ref().is_some_and(of_peer) || matches!(self.nodes[from].power, Power::Off | Power::Booting(_));
        let wrong = match kind {
            Kind::On => None,
            _ if was_hit => Some(Wrong::DoubleReset),
            _ if self.is_healthy_holder(to) && bounds.held => Some(Wrong::HealthyHolderReset),
            _ => None,
        };
        all.push(Next { wrong, ..step("has an action begun", from, next) });
    }

    /// What the API does to a node is done.
    fn complete(&self, node: usize, bounds: &Bounds, all: &mut Vec<Next>) {
        let Some(action) = self.nodes[node].action.filter(|action| !action.hangs) else { return };
        let mut next = *self;
        next.nodes[node].action = None;
        match action.kind {
            Kind::Cycle => next.die(node, Power::Booting(bounds.boot)),
            Kind::Off => next.die(node, Power::Off),
            Kind::On => next.nodes[node].power = Power::Booting(bounds.boot),
        }
        if action.kind != Kind::On {
            let by = usize::from(action.by);
            if next.nodes[by].own == Own::Open {
                next.nodes[by].own = Own::Done;
            }
        }
        let wrong = next.both_off().then_some(Wrong::BothOff);
        let what = match action.kind {
            Kind::Cycle => "is reset",
            Kind::Off => "is off",
            Kind::On => "is on",
        };
        all.push(Next { wrong, ..step(what, node, next) });
    }

    fn both_off(&self) -> bool {
        let will_be_on = |node: &Node| node.action.is_some() || matches!(node.request, Some((Request::Act(Kind::On | Kind::Cycle), _)));
        self.nodes.iter().all(|node| node.power == Power::Off && !will_be_on(node))
    }

    /// What the programs of a node do in one round: the fence, the floating IP's agent, and the one that switches on.
    pub(crate) fn after_round(&self, me: usize, bounds: &Bounds, programs: &mut dyn Programs) -> Next {
        let (next, what, wrong) = self.round(me, bounds, programs);
        Next { wrong, sort: Sort::Round(me), ..step(what, me, next) }
    }

    fn round(&self, me: usize, bounds: &Bounds, programs: &mut dyn Programs) -> (Self, &'static str, Option<Wrong>) {
        let mut next = *self;
        let facts = self.facts(me, bounds);
        (next.nodes[me].had_round, next.nodes[me].was_late) = (true, false);
        let node = &mut next.nodes[me];
        let may_send = node.request.is_none() && self.reaches(me);
        let peer = &self.nodes[1 - me];
        if node.sees && !node.go {
            node.be_member(&bounds.limits, peer.action.is_none() && peer.power != Power::Off);
            // Members agree on who asks for an address that nobody has.
            if self.holder == NOBODY && self.moving.is_none() && me == 0 && may_send {
                node.ask_for_the_address();
            }
            return (next, "looks", None);
        }
        let retries = bounds.protocol != Protocol::PowerOff;
        let peer_is_off = peer.power == Power::Off && peer.action.is_none();
        if node.fenced && node.owes && peer_is_off && may_send && programs.switches_on(me) {
            node.request = Some((Request::Act(Kind::On), 0));
            node.owes = retries;
            return (next, "switches on", None);
        }
        if node.fenced {
            if usize::from(self.holder) != me && self.moving.is_none() && may_send && programs.takes(&facts) {
                node.ask_for_the_address();
            }
            return (next, "serves on", None);
        }
        let may_act = node.quorate || (bounds.protocol != Protocol::PowerOff && !bounds.arbiter);
        if !may_act {
            return (next, "waits for its peer", None);
        }
        let is_bound = bounds.protocol == Protocol::NoSecondLook && node.go;
        let (todo, memory) = if is_bound { (Move::Cycle, node.memory) } else { programs.fence(&facts, node.memory) };
        let was_ready = std::mem::replace(&mut node.go, false);
        node.memory = memory;
        let mut wrong = None;
        let what = match todo {
            Move::Drop => "drops it",
            Move::Wait => "waits",
            Move::Claim => {
                if may_send {
                    node.request = Some((Request::Assign, 0));
                }
                "claims"
            }
            Move::Cycle if bounds.protocol == Protocol::NoSecondLook && !was_ready => {
                node.go = true;
                "is about to reset"
            }
            Move::Cycle => {
                wrong = node.sees.then_some(Wrong::MemberReset);
                if node.request.is_none() {
                    let kind = if bounds.protocol == Protocol::PowerOff { Kind::Off } else { Kind::Cycle };
                    node.request = Some((Request::Act(kind), 0));
                    (node.own, node.owes) = (Own::Sent, true);
                }
                "asks for a reset"
            }
            Move::Proof => {
                wrong = node.lost_runs.then_some(Wrong::FalseProof);
                node.fenced = true;
                node.quorate = true;
                "has its proof"
            }
        };
        (next, what, wrong)
    }

    /// Time passes, if nobody has still to be heard and nothing is overdue.
    fn tick(&self, bounds: &Bounds) -> Option<State> {
        let mut next = *self;
        for node in &mut next.nodes {
            if node.power == Power::Up && !node.had_round {
                return None;
            }
            if let Some((_, age)) = &mut node.request {
                if *age >= bounds.flight {
                    return None;
                }
                *age += 1;
            }
            if let Some(action) = &mut node.action
                && !action.hangs
            {
                if action.age >= bounds.action {
                    return None;
                }
                action.age += 1;
            }
            if let Power::Booting(left) = node.power {
                node.power = if left == 0 { Power::Up } else { Power::Booting(left - 1) };
            }
        }
        if let Some((_, age)) = &mut next.moving {
            if *age >= 1 {
                return None;
            }
            *age += 1;
        }
        next.see();
        if bounds.arbiter {
            next.give_vote();
        }
        for node in &mut next.nodes {
            node.had_round = false;
        }
        Some(next)
    }

    /// The arbiter hears of who lives and who sees whom. It takes its vote back from who is silent, and gives it to one half.
    fn give_vote(&mut self) {
        let lives = |node: usize| self.nodes[node].power == Power::Up;
        self.vote = match [lives(0), lives(1)] {
            [true, true] if self.are_members() => NOBODY,
            [true, true] if self.vote != NOBODY => self.vote,
            [true, true] if self.holder != NOBODY => self.holder,
            [true, _] => 0,
            [false, true] => 1,
            [false, false] => NOBODY,
        };
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if node.power == Power::Up && !node.sees {
                node.quorate = usize::from(self.vote) == index;
                // What it had a proof of counts as long as it has quorum.
                node.fenced &= node.quorate;
            }
        }
    }

    /// What the nodes see of each other.
    fn see(&mut self) {
        let members = self.are_members();
        let runs = |power: Power| matches!(power, Power::Up | Power::Frozen);
        let running = [runs(self.nodes[1].power), runs(self.nodes[0].power)];
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if node.power != Power::Up || node.sees == members {
                continue;
            }
            node.sees = members;
            node.fenced = false;
            node.lost_runs = !members && running[index];
            // When the address was last asked for is not forgotten.
            (node.memory.watched, node.memory.settled) = (0, 0);
            if members {
                node.quorate = true;
            } else if node.own != Own::Sent {
                // What was done to the peer before it was lost is no proof.
                node.own = Own::None;
            }
        }
    }
}

fn mend(what: &'static str, node: usize, state: State) -> Next {
    Next { sort: Sort::Mend, ..step(what, node, state) }
}

fn step(what: &'static str, node: usize, state: State) -> Next {
    Next { what: (what, node as u8), state, wrong: None, sort: Sort::Other }
}

/// The agent that there was: its delay runs outside it.
fn power_off(facts: &Facts, memory: Memory, limits: &Limits) -> (Move, Memory) {
    if facts.holder != Holder::Me && memory.watched < limits.watch {
        return (Move::Wait, Memory { watched: memory.watched + 1, ..memory });
    }
    match facts.own {
        _ if !facts.answered => (Move::Wait, memory),
        Own::Done => (Move::Proof, memory),
        Own::Open | Own::Sent => (Move::Wait, memory),
        Own::None | Own::Failed if facts.peer != Droplet::On => (Move::Proof, memory),
        Own::None | Own::Failed => (Move::Cycle, memory),
    }
}
