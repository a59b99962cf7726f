//! What no state may hold, whoever wrote it: a look before it is committed or put in place.
//!
//! Invariant: pure; a message names the place of a secret, never the secret.

use dofloat_base::diag::Diagnostic;
use dofloat_base::planted::{Bug, planted};
use dofloat_kinds::attr::Secrecy;
use dofloat_kinds::kind;
use dofloat_state::State;

/// How secrets begin that have a form of their own.
const FORMS: &[(&str, &str)] = &[
    ("dop_v1_", "a token of DigitalOcean"),
    ("doo_v1_", "a token of DigitalOcean"),
    ("dor_v1_", "a token of DigitalOcean"),
    ("AGE-SECRET-KEY-1", "an identity of age"),
    ("PRIVATE KEY-----", "a private key"),
];

const CLEAN: &str =
    "Do not commit it: whatever was committed counts as leaked. Create a new secret, mark its source `sensitive`, and apply.";

/// The secrets in a file's text.
#[must_use]
pub fn text(text: &str, file: &str) -> Vec<Diagnostic> {
    let lines = text.lines().enumerate();
    let found = lines.flat_map(|(at, line)| FORMS.iter().filter(|(form, _)| line.contains(form)).map(move |(_, what)| (at + 1, what)));
    found.map(|(line, what)| Diagnostic::error(format!("{file} holds {what} (line {line}).")).hint(CLEAN)).collect()
}

/// The content of a state that does not belong there.
#[must_use]
pub fn content(state: &State, file: &str) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let records = state.records.iter().chain(state.deposed.iter().map(|((address, _), record)| (address, record)));
    for (address, record) in records {
        let rows = kind(&address.kind).map(|kind| kind.attrs()).unwrap_or_default();
        for row in rows.iter().filter(|row| (row.secrecy == Secrecy::Hidden || row.holds_secret()) && record.body.contains_key(row.name)) {
            errors.push(
                Diagnostic::error(format!("{file} holds `{}` of {address}, of which only a digest may be there.", row.name)).hint(CLEAN),
            );
        }
        if let Some(mark) = record.mark.as_ref().filter(|mark| !mark.0.ends_with(&format!("-{}", state.lineage))) {
            errors.push(
                Diagnostic::error(format!("{file} has the lineage {}, and {address} carries the mark {mark} of another.", state.lineage))
                    .hint(
                        "The file was put together from the states of two stacks. Restore its last good version, for example with `git \
                         checkout`.",
                    ),
            );
        }
    }
    for (name, output) in &state.outputs {
        if output.sensitive.is_some() && output.value.is_some() {
            errors.push(Diagnostic::error(format!("{file} holds the value of the sensitive output \"{name}\".")).hint(CLEAN));
        }
    }
    errors
}

/// Whether a state may follow another: the same stack's, and not an older one.
#[must_use]
pub fn follows(state: &State, before: &State, file: &str, whose: &str) -> Option<Diagnostic> {
    if state.lineage != before.lineage {
        return Some(
            Diagnostic::error(format!(
                "{file} has the lineage {}, and {whose} has {}: it is another stack's state.",
                state.lineage, before.lineage
            ))
            .hint("It would drop everything that the other one knows."),
        );
    }
    if state.serial < before.serial && !planted(Bug::LetsOlderStateFollow) {
        return Some(
            Diagnostic::error(format!(
                "{file} has the serial {}, and {whose} has {} already: it is an older state.",
                state.serial, before.serial
            ))
            .hint("It would drop everything that was done since."),
        );
    }
    (state.serial == before.serial && state != before).then(|| {
        Diagnostic::error(format!("{file} has the serial {} as {whose} has, but other content.", state.serial)).hint(
            "It was edited by hand, or two runs started from the same state. Keep the one that was applied; `dofloat plan` \
             shows what differs.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_state::format;

    const FULL: &str = include_str!("../../fixtures/state/v1/full.json");

    fn full() -> State {
        format::read(FULL.as_bytes(), "a.json").unwrap()
    }

    fn messages(errors: Vec<Diagnostic>) -> Vec<String> {
        errors.into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn a_secret_is_found_and_not_repeated() {
        let text = format!("one\n  \"a\": \"dop_v1_{}\"\n-----BEGIN OPENSSH PRIVATE KEY-----\n", "0a".repeat(3));
        let found = messages(super::text(&text, "a.json"));
        assert_eq!(found, ["a.json holds a token of DigitalOcean (line 2).", "a.json holds a private key (line 3)."]);
        let mut state = full();
        let address = "digitalocean_droplet.web[2]".parse().unwrap();
        state.records.get_mut(&address).unwrap().body.insert("user_data".to_owned(), "hush".into());
        state.outputs.get_mut("password").unwrap().value = Some("hush".into());
        let found = messages(content(&state, "a.json")).join("\n");
        assert!(found.contains("`user_data` of digitalocean_droplet.web[2]") && found.contains("\"password\"") && !found.contains("hush"));
    }

    #[test]
    fn what_follows_is_newer_and_of_the_same_lineage() {
        let check = |change: fn(&mut State), expected: Option<&str>| {
            let (before, mut state) = (full(), full());
            change(&mut state);
            let found = follows(&state, &before, "a.json", "the commit").map(|error| error.message);
            assert_eq!(found.as_deref().map(|found| found.split(' ').skip(3).take(2).collect::<Vec<_>>().join(" ")).as_deref(), expected);
        };
        check(|_| {}, None);
        check(|state| state.serial += 1, None);
        check(|state| state.lineage.push('x'), Some(&format!("lineage {}x,", full().lineage)));
        check(|state| state.serial -= 1, Some("serial 6,"));
        check(|state| state.outputs.clear(), Some("serial 7"));
    }
}
