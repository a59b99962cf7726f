//! Lives of one or two sorts of things, each run cut short, and somebody faster than what it asks for next: cheap, and often where a run
//! that goes on can take the wrong thing. Some end with a clone whose state is an older one.
//!
//! Invariant: as with all scripts, chance is in here alone.

use std::time::Duration;

use dofloat::base::rng::Rng;

use super::account::Cut;
use super::config::{Config, Steps, chance, pick, small};
use super::deeds::Deed;
use super::families::FAMILIES;
use super::script::{Disturbed, Script, Step};

const SORTS: [&[&str]; 8] = [&["vm"], &["ip"], &["net"], &["wall"], &["key"], &["zone"], &["volume"], &["zone", "record", "vm"]];

/// What is hidden of an object that was made, for a while. Not that it cannot be asked for by itself for so many looks: where a list tells of
/// it those are left, and spent when it goes, which it then seems to have done at once.
const HIDES: [&str; 3] = ["hidden=8000", "lagging-list=2", "late-tags=2"];

pub(super) fn script(seed: u64) -> Script {
    let rng = &Rng::seeded(seed.wrapping_mul(0x9E37_79B9).wrapping_add(3));
    let sorts = SORTS[usize::try_from(seed).expect("small") % SORTS.len()];
    let mut config = Config::random(rng, "web", sorts, 70);
    let mut steps = Vec::new();
    for turn in 0..3 {
        let mut runs: Vec<Disturbed> = (0..1 + small(rng, 2)).map(|_| disturbed(rng, &config)).collect();
        if turn == 0 {
            // There must be a past for a clock that is behind.
            runs[0].pause = Duration::from_secs(3 * 3600);
        }
        steps.push(Step::Apply { config: config.clone(), runs });
        config = config.changed(rng, sorts, Steps { moves: false, forgets: false });
    }
    if chance(rng, 30) {
        // What is hidden nobody can know: it shows before the clone is used.
        let later = Disturbed { pause: Duration::from_secs(60), ..Disturbed::default() };
        if let Some(Step::Apply { config, .. }) = steps.last().cloned() {
            steps.push(Step::Apply { config, runs: vec![later] });
        }
        steps.push(Step::Stale { stack: "web", back: 2 + small(rng, 2) });
    }
    Script { steps, ..Script::drawn(seed) }
}

fn disturbed(rng: &Rng, config: &Config) -> Disturbed {
    let nth = small(rng, 4);
    let hour = 3_600_000;
    let hides = if chance(rng, 60) { vec![format!("POST /v2/*#1x9 {}", pick(rng, &HIDES))] } else { Vec::new() };
    Disturbed {
        faults: hides.iter().map(|fault| fault.parse().expect("a fault")).collect(),
        cut: pick(rng, &[Cut::Under(nth + 1), Cut::Under(nth + 1), Cut::After(nth + 1)]),
        deed: if chance(rng, 50) { same(rng, config).map(|deed| (nth, deed)) } else { None },
        skew: pick(rng, &[0, 0, -hour, 2 * hour]),
        parallelism: pick(rng, &[1, 10]),
        arrives: chance(rng, 50),
        pause: Duration::from_secs(pick(rng, &[0, 1, 20])),
        ..Disturbed::default()
    }
}

/// Somebody makes the same as something that is wanted.
fn same(rng: &Rng, config: &Config) -> Option<Deed> {
    let made = FAMILIES.iter().filter(|family| family.made_by_hand.is_some());
    let all: Vec<_> = made.flat_map(|family| config.names(family).map(move |name| (family.label, name))).collect();
    let (family, name) = all.get(small(rng, all.len().max(1) as u64))?.clone();
    Some(Deed::Makes { family, name })
}
