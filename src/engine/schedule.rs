//! Which step may start next: ready, running, done, failed.
//!
//! Invariant: a step is given out once, after all that it needs is done; what needs a failed step is skipped. Pure: it knows
//! neither steps' meaning nor time.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Step, StepId};
use dofloat_base::planted::{Bug, planted};

/// The state of a walk over steps.
#[derive(Debug)]
pub struct Schedule {
    waits: BTreeMap<StepId, BTreeSet<StepId>>,
    followers: BTreeMap<StepId, Vec<StepId>>,
    weight: BTreeMap<StepId, usize>,
    ready: BTreeSet<(std::cmp::Reverse<usize>, StepId)>,
    running: BTreeSet<StepId>,
}

impl Schedule {
    /// A walk that has not begun. Steps must have no cycle (`order` sees to that) and needs that are not among them are
    /// taken as done.
    #[must_use]
    pub fn new(steps: &[Step]) -> Self {
        let known: BTreeSet<StepId> = steps.iter().map(|step| step.id).collect();
        let mut waits = BTreeMap::new();
        let mut followers: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
        for step in steps {
            let needs: BTreeSet<StepId> = step.needs.intersection(&known).copied().collect();
            for need in &needs {
                followers.entry(*need).or_default().push(step.id);
            }
            waits.insert(step.id, needs);
        }
        let weight = weights(&waits, &followers);
        let ready = waits.iter().filter(|(_, needs)| needs.is_empty()).map(|(id, _)| (std::cmp::Reverse(weight[id]), *id)).collect();
        Self { waits, followers, weight, ready, running: BTreeSet::new() }
    }

    /// Takes the next step that may start: the one with the longest chain behind it, the smallest number among equals. One that
    /// `may_start` holds back stays ready.
    pub fn take(&mut self, may_start: impl Fn(StepId) -> bool) -> Option<StepId> {
        let next @ (_, id) = *self.ready.iter().find(|(_, id)| may_start(*id))?;
        self.ready.remove(&next);
        self.waits.remove(&id);
        self.running.insert(id);
        Some(id)
    }

    /// Whether a step could be taken.
    #[must_use]
    pub fn has_ready(&self, may_start: impl Fn(StepId) -> bool) -> bool {
        self.ready.iter().any(|(_, id)| may_start(*id))
    }

    /// A step is done: what needed it may become ready.
    pub fn finish(&mut self, id: StepId) {
        self.running.remove(&id);
        for follower in self.followers.get(&id).into_iter().flatten() {
            if let Some(needs) = self.waits.get_mut(follower) {
                needs.remove(&id);
                if needs.is_empty() || planted(Bug::StartsEarly) {
                    self.ready.insert((std::cmp::Reverse(self.weight.get(follower).copied().unwrap_or(0)), *follower));
                }
            }
        }
    }

    /// A step failed: all that needs it, directly or not, will not run. Returns those, in order.
    pub fn fail(&mut self, id: StepId) -> Vec<StepId> {
        self.running.remove(&id);
        let mut skipped = BTreeSet::new();
        let mut queue = vec![id];
        while let Some(at) = queue.pop() {
            for follower in self.followers.get(&at).into_iter().flatten() {
                if self.waits.remove(follower).is_some() {
                    skipped.insert(*follower);
                    queue.push(*follower);
                }
            }
        }
        skipped.into_iter().collect()
    }

    /// Gives up all that has not started. Returns those, in order.
    pub fn stop(&mut self) -> Vec<StepId> {
        self.ready.clear();
        std::mem::take(&mut self.waits).into_keys().collect()
    }

    /// How many steps run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether nothing runs and nothing can start.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.running.is_empty() && self.ready.is_empty()
    }
}

/// The length of the longest chain behind each step.
fn weights(waits: &BTreeMap<StepId, BTreeSet<StepId>>, followers: &BTreeMap<StepId, Vec<StepId>>) -> BTreeMap<StepId, usize> {
    let mut open: BTreeMap<StepId, usize> = waits.keys().map(|id| (*id, followers.get(id).map_or(0, Vec::len))).collect();
    let mut weight: BTreeMap<StepId, usize> = waits.keys().map(|id| (*id, 0)).collect();
    let mut queue: Vec<StepId> = open.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    while let Some(id) = queue.pop() {
        let next = weight[&id] + 1;
        for need in &waits[&id] {
            if let Some(entry) = weight.get_mut(need) {
                *entry = (*entry).max(next);
            }
            if let Some(count) = open.get_mut(need) {
                *count -= 1;
                if *count == 0 {
                    queue.push(*need);
                }
            }
        }
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_base::address::Address;
    use dofloat_state::journal::Op;

    fn step(id: u32, needs: &[u32]) -> Step {
        let needs = needs.iter().copied().map(StepId).collect();
        Step { id: StepId(id), address: Address::new("k", &format!("n{id}")), op: Op::Create.into(), needs }
    }

    fn any(_: StepId) -> bool {
        true
    }

    #[test]
    fn what_is_held_back_stays_ready() {
        let mut schedule = Schedule::new(&[step(0, &[]), step(1, &[])]);
        assert_eq!(schedule.take(|id| id != StepId(0)), Some(StepId(1)));
        assert!(schedule.has_ready(any) && !schedule.has_ready(|id| id != StepId(0)));
        assert_eq!(schedule.take(|id| id != StepId(0)), None);
        assert_eq!(schedule.take(any), Some(StepId(0)));
    }

    #[test]
    fn the_longest_chain_goes_first() {
        let mut schedule = Schedule::new(&[step(0, &[]), step(1, &[]), step(2, &[1]), step(3, &[2])]);
        assert_eq!(schedule.take(any), Some(StepId(1)));
        assert_eq!(schedule.take(any), Some(StepId(0)));
        assert_eq!(schedule.take(any), None);
        schedule.finish(StepId(1));
        assert_eq!(schedule.take(any), Some(StepId(2)));
    }

    #[test]
    fn what_needs_a_failed_step_is_skipped_and_the_rest_goes_on() {
        let mut schedule = Schedule::new(&[step(0, &[]), step(1, &[0]), step(2, &[1]), step(3, &[])]);
        assert_eq!(schedule.take(any), Some(StepId(0)));
        assert_eq!(schedule.fail(StepId(0)), [StepId(1), StepId(2)]);
        assert_eq!(schedule.take(any), Some(StepId(3)));
        assert!(!schedule.is_over());
        schedule.finish(StepId(3));
        assert!(schedule.is_over());
    }

    #[test]
    fn stopping_gives_up_what_has_not_started() {
        let mut schedule = Schedule::new(&[step(0, &[]), step(1, &[0]), step(2, &[])]);
        assert_eq!(schedule.take(any), Some(StepId(0)));
        assert_eq!(schedule.stop(), [StepId(1), StepId(2)]);
        schedule.finish(StepId(0));
        assert!(schedule.is_over());
    }
}
