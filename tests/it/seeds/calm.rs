//! The same lives without what disturbs them, or with one action whose request is lost, or that somebody is faster than: nothing is left
//! to a second run.
//!
//! Invariant: a run that fails is wrong, however well the next one ends.

use dofloat::base::rng::Rng;

use super::config::Config;
use super::deeds::{Deed, Harm};
use super::play::play;
use super::script::{Disturbed, Script, Step};
use crate::support::lost::{AFTER, BEFORE};

/// Why a seed fails.
pub(super) fn fails(seed: u64) -> Option<String> {
    let played = play(&calm(seed), false);
    if let Some(wrong) = played.wrong {
        return Some(format!("{}: {}", wrong.what, wrong.why));
    }
    let [failed, asked] = ["failed", "asked"].map(|word| played.tally.of("run", word));
    (failed + asked > 0).then(|| format!("{failed} runs fail and {asked} ask, though nobody disturbs them"))
}

/// What a seed wants, and next to nothing of what befalls it.
fn calm(seed: u64) -> Script {
    let mut script = Script::drawn(seed);
    if seed.is_multiple_of(3) {
        return Script { steps: growing(seed), ..script };
    }
    script.steps.retain(|step| matches!(step, Step::Apply { .. }));
    for (nth, step) in (seed..).zip(&mut script.steps) {
        if let Step::Apply { runs, .. } = step {
            let faults = if nth.is_multiple_of(2) { Vec::new() } else { vec![lost(nth).parse().expect("a fault")] };
            *runs = vec![Disturbed { faults, ..Disturbed::default() }];
        }
    }
    script
}

fn lost(nth: u64) -> String {
    let ways: Vec<&str> = BEFORE.into_iter().chain(AFTER).collect();
    let at = usize::try_from(nth).expect("small") % ways.len();
    format!("POST /v2/*/*/actions {}", ways[at])
}

/// Droplets that become larger, and are switched off for it by somebody who is faster.
fn growing(seed: u64) -> Vec<Step> {
    let rng = &Rng::seeded(seed);
    let mut config = Config::random(rng, "web", &["vm"], 100);
    let mut steps = vec![Step::Apply { config: config.clone(), runs: Vec::new() }];
    for nth in 0..3 {
        config = config.grown();
        let deed = Deed::Does { harm: Harm::PowerOff, stack: "web", nth: nth % 2 };
        let run = Disturbed { deed: Some((1 + nth / 2, deed)), ..Disturbed::default() };
        steps.push(Step::Apply { config: config.clone(), runs: vec![run] });
    }
    steps
}
