//! Fencing through an API that may be slow, away for one node or for both, or lose an answer: every order of events within
//! bounds is searched, and the script that runs on nodes is held against the protocol that was searched.
//!
//! Invariant: what is promised is promised within the bounds that are printed, and nothing beyond them.

mod agent;
mod protocol;
mod schedules;
mod search;
mod table;
mod world;

use protocol::Limits;
use search::{Found, Return, explore};
pub(crate) use table::votes;
use world::{API_OF_ALL, API_OF_ONE, Bounds, DEATH, ERROR, FREEZE, HANG, LINK, Power, Protocol, State, UNLIST, Wrong};

use crate::support::harness::{Width, say, width};

/// In rounds, in the relations in which the script has them in seconds: what a request lives < settle, the same and a round or
/// two < watch, and settle and a late round < watch of the first node. The long ones are cut short.
const LIMITS: Limits = Limits { watch: 8, longer: 2, long_watch: 20, settle: 4, alone: 10 };

const ORDINARY: u8 = LINK | API_OF_ONE | API_OF_ALL | FREEZE;
const ALL: u8 = ORDINARY | DEATH | HANG | ERROR | UNLIST;

const BASE: Bounds = Bounds {
    protocol: Protocol::Ours,
    limits: LIMITS,
    kinds: ORDINARY,
    faults: 2,
    flight: 3,
    action: 3,
    boot: 5,
    lag: false,
    pages: true,
    held: true,
    arbiter: false,
};

/// With an arbiter nobody looks on, so a boot must take longer than a request and what it asks for: one that was sent to a lost peer
/// would hit it just as it is a member again, and for ever so.
const VOTED: Bounds = Bounds { arbiter: true, boot: 8, ..BASE };

/// The script's own numbers, but for the long ones.
const SECONDS: Bounds = Bounds { limits: Limits { settle: 6, ..LIMITS }, flight: 5, action: 4, boot: 6, pages: false, ..BASE };

/// How many rounds it takes after the last fault, once the API is well again, until one node serves and goes on to.
fn service(found: &Found) -> Return {
    found.comes_back(State::is_calm, |state| state.serves() || state.is_held_up() || !state.has_life())
}

/// The same until no node is switched off.
fn power(found: &Found) -> Return {
    found.comes_back(State::is_calm, |state| !state.has_off() || state.is_hung() || !state.has_life())
}

fn names(kinds: u8) -> String {
    let all = [
        (LINK, "link"),
        (API_OF_ONE, "API of one"),
        (API_OF_ALL, "API of all"),
        (FREEZE, "freeze"),
        (DEATH, "death"),
        (HANG, "hanging action"),
        (ERROR, "failing action"),
        (UNLIST, "lost tag"),
    ];
    all.iter().filter(|(kind, _)| kinds & kind != 0).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// Searches, says what was searched, and fails if anything that is promised does not hold.
#[track_caller]
fn holds(bounds: &Bounds) {
    let found = explore(bounds);
    let (service, power) = (service(&found), power(&found));
    say(&format!(
        "{} states: {} faults of {}; D={} S={} W={}+{} T={} boot={}{}{}{}: service {service:?}, switched on {power:?}",
        found.len(),
        bounds.faults,
        names(bounds.kinds),
        bounds.flight,
        bounds.limits.settle,
        bounds.limits.watch,
        bounds.limits.longer,
        bounds.action,
        bounds.boot,
        if bounds.lag { ", late rounds" } else { "" },
        if bounds.pages { "" } else { ", no pages" },
        match (bounds.held, bounds.arbiter) {
            (true, false) => "",
            (false, _) => ", nobody has the address",
            (true, true) => ", an arbiter",
        },
    ));
    // A request that is on its way when its sender falls silent is nothing that the arbiter knows of: without a claim that settles
    // both can be reset, which ends with both on.
    let is_wrong = |wrong: &Wrong| !(bounds.arbiter && *wrong == Wrong::DoubleReset);
    if let Some((wrong, at, what)) = found.wrongs.iter().find(|(wrong, ..)| is_wrong(wrong)) {
        panic!("{wrong:?} by: {} | {what:?}", found.way(*at).join(" | "));
    }
    for (what, result) in [("service", service), ("power", power)] {
        if let Return::Never(at) = result {
            panic!("{what} does not come back from: {}\n{:?}", found.way(at).join(" | "), found.state(at));
        }
    }
}

#[test]
fn nobody_stays_off_and_one_serves_whatever_the_order_of_events() {
    holds(&BASE);
    holds(&Bounds { pages: false, ..BASE });
    holds(&Bounds { kinds: ALL, ..BASE });
    holds(&Bounds { held: false, flight: 2, ..BASE });
    holds(&VOTED);
}

#[test]
fn the_same_in_wider_bounds() {
    if width() < Width::Whole {
        say("skipped: wider bounds; DOFLOAT_TESTS=whole searches them");
        return;
    }
    holds(&SECONDS);
    holds(&Bounds { lag: true, ..SECONDS });
    holds(&Bounds { lag: true, ..BASE });
    holds(&Bounds { held: false, pages: false, ..BASE });
    holds(&Bounds { action: 12, boot: 14, ..BASE });
    holds(&Bounds { action: 12, boot: 14, pages: false, ..BASE });
    holds(&Bounds { faults: 3, ..BASE });
    holds(&Bounds { faults: 3, pages: false, kinds: ORDINARY | UNLIST, ..BASE });
    holds(&Bounds { faults: 3, kinds: ALL, ..BASE });
    holds(&Bounds { faults: 3, ..VOTED });
    holds(&Bounds { kinds: ALL, ..VOTED });
}

/// Searches a protocol that is known to be wrong: it must show.
#[track_caller]
fn finds(name: &str, bounds: &Bounds, wanted: &[Wrong]) -> Found {
    let found = explore(bounds);
    let wrongs: Vec<Wrong> = found.wrongs.iter().map(|(wrong, ..)| *wrong).collect();
    say(&format!("{name}: {} states, {wrongs:?}", found.len()));
    for wrong in wanted {
        assert!(wrongs.contains(wrong), "{name}: the search does not find {wrong:?}");
    }
    found
}

#[test]
fn broken_protocols_are_found_out() {
    let off = finds(
        "delay outside the agent, power_off and power_on",
        &Bounds { protocol: Protocol::PowerOff, ..BASE },
        &[Wrong::BothOff, Wrong::DoubleReset],
    );
    let Return::Never(at) = service(&off) else { panic!("both off, and yet it serves again?") };
    assert!(off.state(at).nodes.iter().any(|node| node.power == Power::Off));
    assert!(matches!(power(&off), Return::Never(_)));
    finds(
        "no second look before the request leaves",
        &Bounds { protocol: Protocol::NoSecondLook, ..BASE },
        &[Wrong::MemberReset, Wrong::DoubleReset],
    );
    let unlisted = Bounds { protocol: Protocol::ListIsProof, kinds: LINK | UNLIST, ..BASE };
    finds("a peer that is not listed is dead", &unlisted, &[Wrong::FalseProof]);
}

/// A claim must have stood for longer than a request lives, and the watch must be longer still.
#[test]
fn the_limits_are_as_short_as_they_can_be() {
    for (flight, settle) in [(1, 1), (2, 2), (2, 1), (3, 3)] {
        let short = Bounds { pages: false, flight, limits: Limits { settle, ..LIMITS }, ..BASE };
        finds(&format!("D={flight} S={settle}"), &short, &[Wrong::DoubleReset]);
    }
    for (flight, settle) in [(0, 1), (1, 2), (2, 3)] {
        holds(&Bounds { pages: false, flight, limits: Limits { settle, ..LIMITS }, ..BASE });
    }
    let hasty =
        Bounds { pages: false, flight: 7, limits: Limits { watch: 6, settle: 8, longer: 4, ..LIMITS }, kinds: LINK, faults: 1, ..BASE };
    finds("D=7 W=6", &hasty, &[Wrong::HealthyHolderRobbed]);
}
