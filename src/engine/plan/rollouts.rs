//! The pairs of a plan, their servers in the order in which they may be taken down.
//!
//! Invariant: pure; the server that holds the pair's address is the last.

use super::walk::Walk;
use crate::change::Action;
use crate::observed::Seen;
use crate::order::Rollout;
use dofloat_base::address::Address;
use dofloat_base::desired::Pair;
use dofloat_kinds::kind;

impl Walk<'_> {
    /// The pairs, their servers in the order in which they may be taken down.
    pub(super) fn rollouts(&self, interrupted: bool) -> Vec<Rollout> {
        let rollout = |(name, pair): (&Address, &Pair)| {
            let (resource, attribute) = &pair.holder;
            let holder = match self.input.observed.seen.get(resource) {
                Some(Seen::Present { body, .. }) => body.get(attribute).map(|value| value.to_json().to_string()),
                _ => None,
            };
            let serves =
                |address: &&Address| self.input.state.records.get(*address).is_some_and(|record| Some(&record.id.0) == holder.as_ref());
            let like = pair.nodes.first().map(|node| &node.kind);
            let leaving = self
                .input
                .state
                .records
                .keys()
                .filter(|address| address.whole() == Some(name) && Some(&address.kind) == like && !pair.nodes.contains(address));
            let nodes = leaving.chain(pair.nodes.iter().filter(|node| !serves(node))).chain(pair.nodes.iter().filter(serves));
            let dark = pair.nodes.iter().any(|node| self.power(node) == Some(false))
                && !pair.nodes.iter().any(|node| self.power(node) == Some(true));
            // What its address is assigned by needs something that was there and is gone: the address.
            let is_gone = |address: &&Address| {
                let is_created = self.changes.get(*address).is_some_and(|change| change.action == Action::Create);
                is_created && self.input.state.records.contains_key(*address) && !pair.nodes.contains(address)
            };
            let addressless = self.wanted.resources.get(resource).is_some_and(|wanted| wanted.after.iter().any(|of| is_gone(&of)));
            // Nobody comes that nobody switches on.
            let comes = |node: &Address| self.changes.get(node).is_some_and(|change| change.action != Action::Keep);
            let waits = (interrupted || self.input.observed.down.contains(name)) && (!dark || pair.nodes.iter().any(comes));
            let unseen = waits && pair.nodes.iter().any(|node| self.is_chosen(node) && self.wanted.resources.contains_key(node));
            Rollout {
                pair: name.clone(),
                nodes: nodes.cloned().collect(),
                besides: vec![resource.clone()],
                gated: pair.gated,
                at_once: false,
                dark,
                addressless,
                unseen,
            }
        };
        self.wanted.pairs.iter().map(rollout).collect()
    }

    /// Whether an object that is there is switched on; none of what cannot be switched off.
    fn power(&self, address: &Address) -> Option<bool> {
        kind(&address.kind)?.powered(self.present(address)?.body)
    }
}
