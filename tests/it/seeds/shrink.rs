//! Cuts a failing script down to the fewest steps that fail in the same way, and tells the story of it.
//!
//! Invariant: what is left fails for the same reason; nothing is changed, only left out.

use std::collections::BTreeSet;

use super::account::Cut;
use super::config::Config;
use super::play::play;
use super::script::{Ask, Disturbed, Script, Step};
use crate::support::harness::say;

/// The sort of failure of a script.
fn fails(script: &Script) -> Option<&'static str> {
    let played = std::panic::catch_unwind(|| play(script, false));
    played.map_or(Some("it panics"), |played| played.wrong.map(|wrong| wrong.what))
}

/// Tells the story of a script; if it fails, the story of the least of it that fails in the same way.
pub(crate) fn story(script: &Script) -> Option<String> {
    let Some(what) = fails(script) else {
        play(script, true);
        return None;
    };
    let least = least(script.clone(), what);
    say(&format!("the script: {}", serde_json::to_string(&least).expect("a script is text")));
    let why = play(&least, true).wrong.map(|wrong| format!("{}: {}", wrong.what, wrong.why));
    Some(why.unwrap_or_else(|| what.to_owned()))
}

fn least(mut script: Script, what: &'static str) -> Script {
    loop {
        let Some(less) = simpler(&script).into_iter().find(|less| fails(less) == Some(what)) else { return script };
        script = less;
    }
}

/// The same with one thing less, the largest things first.
fn simpler(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Script)| {
        let mut less = script.clone();
        change(&mut less);
        all.push(less);
    };
    for at in 0..script.steps.len() {
        add(&|less| drop(less.steps.remove(at)));
    }
    let keys: BTreeSet<_> =
        script.steps.iter().flat_map(Step::configs).flat_map(|config| config.keys().map(|key| (config.stack, key))).collect();
    for (stack, key) in keys {
        add(&|less| {
            let configs = less.steps.iter_mut().flat_map(Step::configs_mut);
            configs.filter(|config| config.stack == stack).for_each(|config| config.without(key));
        });
    }
    for at in 0..script.steps.len() {
        // Those that were at once, one after the other.
        if let Step::Both(both) = &script.steps[at] {
            let one = |(config, runs): &(Config, Vec<Disturbed>)| Step::Apply { config: config.clone(), runs: runs.clone() };
            add(&|less| drop(less.steps.splice(at..=at, both.iter().map(one))));
        }
        for which in 0..runs_of(&mut script.clone(), at).len() {
            let runs = runs_of(&mut script.clone(), at)[which].clone();
            for (nth, run) in runs.iter().enumerate() {
                add(&|less| drop(runs_of(less, at)[which].remove(nth)));
                for fault in 0..run.faults.len() {
                    add(&|less| drop(runs_of(less, at)[which][nth].faults.remove(fault)));
                }
                for calmer in calmer(run) {
                    add(&|less| runs_of(less, at)[which][nth] = calmer.clone());
                }
            }
        }
    }
    if script.per_minute.is_some() {
        add(&|less| less.per_minute = None);
    }
    if script.looks.is_none() {
        add(&|less| less.looks = Some(0));
    }
    if script.remembers {
        add(&|less| less.remembers = false);
    }
    all
}

/// The disturbed runs of a step, of each stack.
fn runs_of(script: &mut Script, at: usize) -> Vec<&mut Vec<Disturbed>> {
    match &mut script.steps[at] {
        Step::Apply { runs, .. } => vec![runs],
        Step::Both(both) => both.iter_mut().map(|(_, runs)| runs).collect(),
        Step::Person(_) | Step::Stale { .. } | Step::Strays(_) => Vec::new(),
    }
}

/// The same run with one disturbance less.
fn calmer(run: &Disturbed) -> Vec<Disturbed> {
    let mut all = Vec::new();
    if run.cut != Cut::Never {
        all.push(Disturbed { cut: Cut::Never, ..run.clone() });
    }
    if run.deed.is_some() {
        all.push(Disturbed { deed: None, ..run.clone() });
    }
    if run.ask != Ask::Whole {
        all.push(Disturbed { ask: Ask::Whole, ..run.clone() });
    }
    if run.skew != 0 {
        all.push(Disturbed { skew: 0, ..run.clone() });
    }
    if run.right_for != 0 {
        all.push(Disturbed { right_for: 0, ..run.clone() });
    }
    if run.after.is_some() {
        all.push(Disturbed { after: None, ..run.clone() });
    }
    if run.again {
        all.push(Disturbed { again: false, ..run.clone() });
    }
    if run.tears {
        all.push(Disturbed { tears: false, ..run.clone() });
    }
    if run.parallelism > 1 {
        all.push(Disturbed { parallelism: 1, ..run.clone() });
    }
    all
}
