//! What a plan says of pairs: that none of its nodes is on, that it does not serve, that all go down at once, that its
//! configuration is not what its block says.
//!
//! Invariant: pure; a pair is named, and what is to be done about it.

use super::health::Configuration;
use crate::order::Rollout;
use crate::planned::Input;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;

fn about(pair: &Address, input: &Input<'_>, message: String, hint: impl Into<String>) -> Diagnostic {
    Diagnostic::warning(message).at(input.resolve.span(pair, &[])).about(pair).hint(hint)
}

/// All that is to be said of the pairs.
pub(crate) fn notes(rollouts: &[Rollout], input: &Input<'_>) -> Vec<Diagnostic> {
    let mut notes: Vec<Diagnostic> = rollouts.iter().filter(|rollout| rollout.at_once).map(|rollout| at_once(rollout, input)).collect();
    notes.extend(rollouts.iter().filter(|rollout| rollout.dark).map(|rollout| all_down(rollout, input)));
    notes.extend(
        rollouts
            .iter()
            .filter(|rollout| rollout.unseen && rollout.gated && !rollout.dark && !rollout.addressless)
            .map(|rollout| unserved(rollout, input)),
    );
    notes.extend(rollouts.iter().filter(|rollout| rollout.addressless).map(|rollout| addressless(rollout, input)));
    for (pair, configuration) in &input.observed.altered {
        notes.extend(altered(pair, configuration, input));
    }
    notes
}

fn at_once(rollout: &Rollout, input: &Input<'_>) -> Diagnostic {
    about(
        &rollout.pair,
        input,
        format!("All nodes of {} go down at once: something that they depend on is replaced.", rollout.pair),
        "Nothing serves until the new ones have joined. To avoid that, make a second cluster beside this one, and move the service.",
    )
    .alarm()
}

fn all_down(rollout: &Rollout, input: &Input<'_>) -> Diagnostic {
    about(
        &rollout.pair,
        input,
        format!("All nodes of {} are powered off: nothing serves.", rollout.pair),
        "An apply powers on the nodes that it neither ignores nor replaces, the holder of the address first.",
    )
    .alarm()
}

fn addressless(rollout: &Rollout, input: &Input<'_>) -> Diagnostic {
    about(
        &rollout.pair,
        input,
        format!("The address of {} is gone, which dofloat did not delete: nothing serves at it.", rollout.pair),
        "An apply reserves a new one, so whatever names the old one has to be changed; the nodes are replaced without waiting for each other.",
    )
    .alarm()
}

fn unserved(rollout: &Rollout, input: &Input<'_>) -> Diagnostic {
    let why =
        if input.observed.down.contains(&rollout.pair) { "does not serve" } else { "was not yet serving when the run was interrupted" };
    about(
        &rollout.pair,
        input,
        format!("{} {why}.", rollout.pair),
        "An apply waits until it does. `dofloat status` shows the state of its nodes.",
    )
}

fn altered(pair: &Address, Configuration { hand, behind }: &Configuration, input: &Input<'_>) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    if !hand.is_empty() {
        notes.push(about(
            pair,
            input,
            format!("In the running cluster of {pair} this was changed by hand, and is left as it is: {}.", hand.join(", ")),
            "What its block says of that has no effect. Change it back to what the block says (`crm configure edit` on a node), and \
             it follows the block again.",
        ));
    }
    if !behind.is_empty() {
        notes.push(about(
            pair,
            input,
            format!("The running cluster of {pair} does not have yet what its block says: {}.", behind.join(", ")),
            "Its nodes apply that within a minute, once both run the current configuration.",
        ));
    }
    notes
}
