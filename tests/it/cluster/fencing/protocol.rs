//! What a node does about a peer that it no longer sees: one round of looks, and what follows from it.
//!
//! Invariant: pure, and the whole of the protocol. The search holds it against every order of events within its bounds, and
//! `table` holds the script that runs on a node against it, row by row. It must not know how either of them works.

/// How long things take, in rounds. The node's script has the same in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// For how long a node without the address looks on before it claims it.
    pub(crate) watch: u8,
    /// How much longer the first of the nodes does so: else each could take back what the other has claimed, for ever.
    pub(crate) longer: u8,
    /// The same for a node that has booted alone.
    pub(crate) long_watch: u8,
    /// For how long a claimed address must have been here before a request to reset the peer may leave.
    pub(crate) settle: u8,
    /// For how long a node that has booted alone and has the address waits for its peer.
    pub(crate) alone: u8,
}

impl Limits {
    fn watch(&self, first: bool) -> u8 {
        self.watch + if first { self.longer } else { 0 }
    }
}

/// The peer's droplet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Droplet {
    /// The API knows none of that number.
    Gone,
    /// It is switched off.
    Off,
    /// It is switched on, whatever runs on it.
    On,
}

/// Who has the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Holder {
    Me,
    Other,
    Nobody,
}

/// What became of this node's own request to reset the peer, since it lost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Own {
    /// There was none, or it came to nothing.
    None,
    /// It has left, had no answer, and may still arrive.
    Sent,
    /// It was taken and is not done.
    Open,
    /// It is done.
    Done,
    /// It was taken and has failed.
    Failed,
}

/// What one round of looks shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Facts {
    /// Whether the API has answered every question of the round.
    pub(crate) answered: bool,
    /// Whether the peer is a member again.
    pub(crate) member: bool,
    pub(crate) peer: Droplet,
    /// Whether the API is about to do something to the peer's power that this node did not ask for.
    pub(crate) peer_busy: bool,
    pub(crate) own: Own,
    /// Whether the API is about to do something to this node's power.
    pub(crate) me_busy: bool,
    pub(crate) holder: Holder,
    /// Whether the address is being moved.
    pub(crate) locked: bool,
    /// Whether the holder's page says that it has quorum and serves.
    pub(crate) healthy: bool,
    /// Whether this node has ever read its peer's page: else silence says nothing.
    pub(crate) page_known: bool,
    /// Whether this node has booted alone: it is not quorate until it has seen its peer, or knows that it is dead.
    pub(crate) waiting: bool,
    /// Whether this node stands first in the list of nodes.
    pub(crate) first: bool,
    /// Whether an arbiter has given its vote to this node: then the peer has none, and neither fences nor serves.
    pub(crate) voted: bool,
}

/// What is kept from round to round, and lost when the peer is a member or this node boots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Memory {
    /// For how many rounds in a row the API has answered and nothing spoke against a claim, or a node alone has the address.
    pub(crate) watched: u8,
    /// Whether this node has asked for the address, and not had it for long since.
    pub(crate) claimed: bool,
    /// For how many rounds in a row the claimed address has been here.
    pub(crate) settled: u8,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Move {
    /// Nothing needs to be done any more: the peer is back.
    Drop,
    /// The peer is dead: what it had can be taken.
    Proof,
    /// Look again.
    Wait,
    /// Ask for the address.
    Claim,
    /// Have the peer's droplet reset.
    Cycle,
}

/// One round.
pub(crate) fn decide(facts: &Facts, memory: Memory, limits: &Limits) -> (Move, Memory) {
    let wait = |memory: Memory| (Move::Wait, memory);
    // Time counts only over answers that nothing has interrupted: after a gap the others may have been faster.
    let afresh = Memory { watched: 0, settled: 0, ..memory };
    if facts.member {
        return (Move::Drop, afresh);
    }
    if !facts.answered {
        return wait(afresh);
    }
    let is_idle = !facts.peer_busy && !matches!(facts.own, Own::Open | Own::Sent);
    if facts.peer == Droplet::Gone || facts.own == Own::Done || (facts.peer == Droplet::Off && is_idle) {
        return (Move::Proof, memory);
    }
    // Who is being reset has lost; and nothing is certain while the address moves.
    if facts.me_busy || facts.locked {
        return wait(afresh);
    }
    // Who has the third vote need not look on; and the address need not wait for the reset of a peer that serves nothing.
    if facts.voted {
        return match facts.holder {
            Holder::Other | Holder::Nobody if !memory.claimed => (Move::Claim, Memory { watched: 0, claimed: true, settled: 0 }),
            _ if is_idle => (Move::Cycle, afresh),
            _ => wait(afresh),
        };
    }
    match facts.holder {
        Holder::Me => {
            if memory.claimed && memory.settled < limits.settle {
                return wait(Memory { settled: memory.settled + 1, watched: 0, ..memory });
            }
            // What somebody else does to the peer is waited for: only what is ours is proof.
            if !is_idle {
                return wait(Memory { watched: 0, ..memory });
            }
            if facts.waiting && !memory.claimed && memory.watched < limits.alone {
                return wait(Memory { watched: memory.watched + 1, ..memory });
            }
            (Move::Cycle, memory)
        }
        Holder::Other if facts.healthy => wait(afresh),
        // Who has booted alone cannot tell a dead holder from a cut link by anything but its page.
        Holder::Other if facts.waiting && !facts.page_known => wait(afresh),
        Holder::Other | Holder::Nobody => {
            let long = if facts.waiting { limits.long_watch } else { limits.watch(facts.first) };
            let at_once = facts.holder == Holder::Nobody && facts.first && !facts.waiting;
            if !at_once && memory.watched < long {
                return wait(Memory { watched: memory.watched + 1, settled: 0, ..memory });
            }
            (Move::Claim, Memory { watched: 0, claimed: true, settled: 0 })
        }
    }
}
