//! The nodes' own scripts under random schedules of outages: the world is the search's, in seconds, and what a node does in a round is
//! what the shell script does that runs there, with stand-ins for the API, the cluster and the clock.
//!
//! Invariant: a schedule is played the same each time. A script is a function of what it sees and of its notes, so each sight is run once
//! and remembered. A bound of a schedule is one that the search has searched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use dofloat::base::rng::Rng;

use super::protocol::{Droplet, Facts, Holder, Memory, Move, Own};
use super::table::{Row, SECONDS, SILENCES, Stage};
use super::world::{
    API_OF_ALL, API_OF_ONE, Bounds, DEATH, ERROR, FREEZE, HANG, LINK, Programs, Protocol, Sort, State, UNLIST, Wrong, start,
};
use super::{ORDINARY, VOTED, agent};
use crate::cluster::bootstrap::tool;
use crate::support::harness::{Width, asked, say, width};

/// The longest that a pair may take after the last fault, with a reboot alone on the way; and for how long all must then be well.
const LONGEST: u32 = 500;
const WELL: u32 = 60;

/// The agent that there was until it was found to end with both nodes off.
const BY_POWER_OFF: &str = include_str!("../../../../fixtures/bootstrap/fence-by-power-off.sh");

/// What each sight led to, for all workers.
#[derive(Default)]
struct Known {
    fence: Mutex<BTreeMap<Row, (Move, Memory)>>,
    takes: Mutex<BTreeMap<(bool, Holder, bool), bool>>,
    switches_on: Mutex<BTreeMap<usize, bool>>,
}

fn known<K: Ord + Copy, V: Copy>(all: &Mutex<BTreeMap<K, V>>, key: K, find: impl FnOnce() -> V) -> V {
    let lock = || all.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = lock().get(&key) {
        return *found;
    }
    let found = find();
    lock().insert(key, found);
    found
}

/// The scripts of the nodes.
struct Scripts<'a> {
    known: &'a Known,
    /// The second node and the first.
    stages: &'a [Stage; 2],
    /// Which question goes without an answer where one does.
    rng: Rng,
}

impl Programs for Scripts<'_> {
    fn fence(&mut self, facts: &Facts, memory: Memory) -> (Move, Memory) {
        let mut silent = 0;
        if !facts.answered {
            silent = usize::try_from(self.rng.below(SILENCES.len() as u64)).expect("small");
            // Who sees no members does not see the peer either.
            silent = if facts.member && SILENCES[silent].0 == "members" { 0 } else { silent };
        }
        let row = Row { facts: *facts, memory, silent };
        known(&self.known.fence, row, || {
            let (found, next) = self.stages[usize::from(facts.first)].run(&row);
            let (watched, settled) = next.unwrap_or_default();
            let memory = match found {
                Move::Claim => Memory { watched: 0, claimed: true, settled: 0 },
                Move::Drop => Memory { watched: 0, settled: 0, ..memory },
                _ if !(memory.claimed && facts.holder == Holder::Me) => Memory { watched, settled: 0, ..memory },
                _ => Memory { watched, settled: settled.min(SECONDS.settle), ..memory },
            };
            (found, Memory { watched: memory.watched.min(SECONDS.long_watch), ..memory })
        })
    }

    fn switches_on(&mut self, me: usize) -> bool {
        known(&self.known.switches_on, me, || {
            let row = agent::Row { owes: true, droplet: agent::Droplet::Off, pending: false, member: false };
            agent::run(&agent::stage("primary\n"), &row) == agent::Deed::SwitchesOn
        })
    }

    fn takes(&mut self, facts: &Facts) -> bool {
        known(&self.known.takes, (facts.first, facts.holder, facts.locked), || {
            let stage = &self.stages[usize::from(facts.first)];
            stage.lay_out(&Row { facts: *facts, memory: Memory::default(), silent: 0 });
            let _ = stage.root.sh(&format!("usr/local/bin/assign-ip 203.0.113.7 {}", stage.me));
            stage.root.calls().lines().any(|line| line.contains("-X POST") && line.contains("\"type\":\"assign\""))
        })
    }
}

/// The agent that there was. Pacemaker calls it once, after its delay, and it goes on until there is proof: so it is begun anew for each
/// round, and what it asked for in an earlier one is answered as it was then.
struct ByPowerOff<'a> {
    known: &'a Known,
    stages: &'a [Stage; 2],
}

impl Programs for ByPowerOff<'_> {
    fn fence(&mut self, facts: &Facts, memory: Memory) -> (Move, Memory) {
        if facts.holder != Holder::Me && memory.watched < SECONDS.watch {
            return (Move::Wait, Memory { watched: memory.watched + 1, ..memory });
        }
        let row = Row { facts: *facts, memory: Memory::default(), silent: 0 };
        let (found, _) = known(&self.known.fence, row, || (by_power_off(&self.stages[usize::from(facts.first)], facts), memory));
        (found, memory)
    }

    fn switches_on(&mut self, _: usize) -> bool {
        true
    }

    fn takes(&mut self, _: &Facts) -> bool {
        true
    }
}

fn by_power_off(stage: &Stage, facts: &Facts) -> Move {
    stage.lay_out(&Row { facts: *facts, memory: Memory::default(), silent: 0 });
    if facts.answered {
        let droplet = |id: u64, name: &str| format!("{{\"id\":{id},\"name\":\"{name}\"}}");
        let own = if stage.name == "primary" { "secondary" } else { "primary" };
        let all = [droplet(stage.me, own), droplet(stage.peer, stage.name)].join(",");
        stage.answer("droplets_tag_name=dofloat%3Aha-0123456789ab%3Aweb&per_page=200", &format!("{{\"droplets\":[{all}]}}\n200"));
        let status = if facts.own == Own::Done { "completed" } else { "in-progress" };
        stage.answer("droplets_PEER_actions_88", &format!("{{\"action\":{{\"id\":88,\"status\":\"{status}\"}}}}\n200"));
        if facts.peer == Droplet::Off && facts.own != Own::Done {
            stage.answer("droplets_PEER_actions", "{\"message\":\"Droplet is already powered off.\"}\n422");
        }
        if facts.own == Own::Done {
            stage.answer("droplets_PEER", "{\"droplet\":{\"status\":\"off\"}}\n200");
        }
    }
    let done = stage.root.sh(&format!("printf 'action=off\\nplug={}\\n' | usr/sbin/fence_digitalocean", stage.name));
    let asks = stage.root.calls().lines().any(|line| line.contains("-X POST") && line.contains("power_off"));
    match (done.code, facts.own) {
        (0, _) => Move::Proof,
        (_, Own::None | Own::Failed) if asks => Move::Cycle,
        _ => Move::Wait,
    }
}

fn chance(rng: &Rng, percent: u64) -> bool {
    rng.below(100) < percent
}

/// What may happen in a schedule.
fn drawn(rng: &Rng, protocol: Protocol) -> Bounds {
    let kinds = [API_OF_ONE, API_OF_ALL, FREEZE, DEATH, HANG, ERROR, UNLIST].into_iter().filter(|_| chance(rng, 50));
    let arbiter = protocol == Protocol::Ours && chance(rng, 25);
    let slow = chance(rng, 15);
    let below = |most: u64| u8::try_from(rng.below(most)).expect("small");
    let (kinds, pages) = (kinds.fold(LINK, |all, kind| all | kind), arbiter || chance(rng, 70));
    Bounds {
        protocol,
        limits: SECONDS,
        // Who has booted alone can tell a dead holder from a cut link by its page alone, and waits for ever where it never read one.
        kinds: if pages { kinds } else { kinds & (ORDINARY | UNLIST) },
        faults: 1 + below(4),
        flight: if arbiter { VOTED.flight } else { 1 + below(5) },
        action: if slow { 12 } else { 1 + below(4) },
        boot: if slow { 14 } else { 8 + below(12) },
        lag: !arbiter && chance(rng, 50),
        pages,
        held: chance(rng, 85),
        arbiter,
    }
}

/// One schedule, as it is played.
struct Schedule<'a> {
    rng: Rng,
    bounds: Bounds,
    programs: &'a mut dyn Programs,
    state: State,
    story: Vec<String>,
}

impl Schedule<'_> {
    /// One thing happens, if `may` lets it. Whether it was time that passed.
    fn go_on(&mut self, fault: u64, mend: u64, may: &dyn Fn(&str) -> bool) -> Result<bool, Wrong> {
        let all = self.state.successors(&self.bounds);
        let of = |sort: Sort| all.iter().filter(|next| next.sort == sort && may(next.what.0)).collect::<Vec<_>>();
        let (faults, mends) = (of(Sort::Fault), of(Sort::Mend));
        let others: Vec<_> = all.iter().filter(|next| !matches!(next.sort, Sort::Fault | Sort::Mend)).collect();
        let from = if !faults.is_empty() && chance(&self.rng, fault) {
            faults
        } else if !mends.is_empty() && chance(&self.rng, mend) {
            mends
        } else {
            others
        };
        let Some(next) = usize::try_from(self.rng.below(from.len().max(1) as u64)).ok().and_then(|at| from.get(at).copied()) else {
            return Ok(true);
        };
        let by_script;
        let next = if let Sort::Round(node) = next.sort {
            by_script = self.state.after_round(node, &self.bounds, self.programs);
            &by_script
        } else {
            next
        };
        if !matches!(next.what.0, "tick" | "late" | "looks" | "waits" | "waits for its peer" | "serves on") {
            self.story.push(format!("{} {}", next.what.0, next.what.1));
        }
        self.state = next.state;
        // A request that is on its way when its sender falls silent is nothing that an arbiter knows of; both boot again.
        match next.wrong.filter(|wrong| !(self.bounds.arbiter && *wrong == Wrong::DoubleReset)) {
            Some(wrong) => Err(wrong),
            None => Ok(next.sort == Sort::Time),
        }
    }

    /// Plays it to its end.
    fn play(&mut self) -> Result<(), String> {
        let mut passed = 0;
        let long = 20 + u32::try_from(self.rng.below(60)).expect("small");
        while passed < long {
            passed += u32::from(self.go_on(6, 4, &|_| true).map_err(|wrong| format!("{wrong:?}"))?);
        }
        // What can be mended without anybody is mended, but for the link, which may stay cut for good.
        let heals = chance(&self.rng, 50);
        self.story.push(if heals { "no more faults".to_owned() } else { "no more faults, and the link stays as it is".to_owned() });
        self.state.faults = 0;
        let (mut passed, mut well) = (0, 0);
        while well < WELL {
            let may = |what: &str| heals || what != "the link is mended";
            let haste = if self.state.is_calm() { 4 } else { 60 };
            let tick = self.go_on(0, haste, &may).map_err(|wrong| format!("{wrong:?}"))?;
            let serves = self.state.serves() || self.state.is_held_up() || !self.state.has_life();
            let is_on = !self.state.has_off() || self.state.is_hung() || !self.state.has_life();
            if tick {
                passed += 1;
                well = if serves && is_on { well + 1 } else { 0 };
            }
            if passed > LONGEST {
                return Err(format!("after {LONGEST} s without a fault it is not well: serves {serves}, none is off {is_on}"));
            }
        }
        Ok(())
    }
}

/// What is wrong with a schedule, and how it came to that.
fn wrong(seed: u64, protocol: Protocol, programs: &mut dyn Programs) -> Option<String> {
    let rng = Rng::seeded(seed.wrapping_mul(0x9E37_79B9).wrapping_add(5));
    let bounds = drawn(&rng, protocol);
    let mut schedule = Schedule { rng, bounds, programs, state: start(&bounds), story: Vec::new() };
    let why = schedule.play().err()?;
    Some(format!("schedule {seed}: {why} by: {} | {bounds:?}", schedule.story.join(" | ")))
}

/// Plays so many, on the machine's processors; all that is wrong.
fn play(count: u64, first: u64, protocol: Protocol, alter: &(dyn Fn(&Stage) + Sync)) -> (BTreeMap<u64, String>, usize) {
    let (next, known) = (AtomicU64::new(first), Known::default());
    let work = || {
        let stages = [Stage::new(false), Stage::new(true)];
        stages.iter().for_each(alter);
        let mut found = BTreeMap::new();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= first + count {
                return found;
            }
            let rng = Rng::seeded(seed);
            let why = match protocol {
                Protocol::PowerOff => wrong(seed, protocol, &mut ByPowerOff { known: &known, stages: &stages }),
                _ => wrong(seed, protocol, &mut Scripts { known: &known, stages: &stages, rng }),
            };
            found.extend(why.map(|why| (seed, why)));
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let found = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker ends")).collect()
    });
    let sights = known.fence.lock().unwrap_or_else(PoisonError::into_inner).len();
    (found, sights)
}

#[test]
fn whatever_fails_the_scripts_leave_one_owner_and_nobody_off() {
    if tool("jq").is_none() {
        return;
    }
    let most = match width() {
        Width::Thin => 8,
        Width::Full => 200,
        Width::Whole => 4000,
    };
    let count = asked("DOFLOAT_SCHEDULES").unwrap_or(most);
    let (found, sights) = play(count, 1, Protocol::Ours, &|_| ());
    say(&format!("{count} schedules of outages, {sights} sights of the script, {} violations", found.len()));
    assert!(found.is_empty(), "{}", found.into_values().collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_agent_that_switched_off_is_found_out() {
    if tool("jq").is_none() {
        return;
    }
    let (found, _) = play(50, 1, Protocol::PowerOff, &|stage: &Stage| {
        let path = "usr/sbin/fence_digitalocean";
        stage.root.stack.write(path, BY_POWER_OFF);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(stage.root.stack.path(path), mode).expect("it is ours");
    });
    let (first, why) = found.iter().next().expect("50 schedules are enough");
    let sorts: Vec<&str> = found.values().filter_map(|why| why.split(" by: ").next()).collect();
    say(&format!("of 50 schedules {} find it out ({sorts:?}), the first is number {first}: {why}", found.len()));
}
