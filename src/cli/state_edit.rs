//! `state mv`, `state rm`, `state push`: changes of what is remembered that touch no object.

use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;

use super::args::{StateMvArgs, StatePushArgs, StateRmArgs};
use super::exit::{Ended, Exit, Failure};
use super::history::{self, Version, older};
use super::session::{Claim, Session};
use super::stack::Place;
use super::state::{address, split};
use crate::base::address::Address;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::base::readable;
use crate::engine::{check, moves};
use crate::kinds::account::is_renamed;
use crate::state::store::{Loaded, Locked};
use crate::state::{State, format};
use crate::ui::view::View;

/// Runs `state mv`.
///
/// # Errors
/// If there is nothing to move, or the place is taken.
pub async fn mv(args: &StateMvArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, words) = split(&args.words, session)?;
    let [from, to] = words else { return Err(Failure::usage(Diagnostic::error("`state mv` takes two addresses, from and to."))) };
    let (from, to) = (address(from)?, address(to)?);
    if from.kind != to.kind && !is_renamed(&from.kind, &to.kind) {
        return Err(Diagnostic::error(format!(
            "A move changes the name or the key, not the type: `{}` cannot become `{}`.",
            from.kind, to.kind
        ))
        .hint("An object keeps its type. Where one type has an old and a new name, a move leads from the one to the other.")
        .into());
    }
    let work = async |store: &mut Locked, loaded, view: &mut View| renamed(&from, &to, args.dry_run, settled(loaded, &place)?, store, view);
    let claim = Claim { place: &place, locking: &args.locking, command: "state mv" };
    session.with_state(claim, view, work).await
}

fn renamed(from: &Address, to: &Address, dry_run: bool, mut state: State, store: &mut Locked, view: &mut View) -> Ended {
    let renamed = moves::rename(&mut state, from, to);
    if let Some((from, to)) = renamed.blocked.first() {
        return Err(Diagnostic::error(format!("{from} cannot be moved to {to}: the state has an object there already."))
            .hint("Move or forget that one first. Nothing was changed.")
            .into());
    }
    if renamed.done.is_empty() {
        return Err(absent(from, &state).into());
    }
    for (from, to) in &renamed.done {
        view.line(&format!("{} {from} to {to}", if dry_run { "Would move" } else { "Moved" }));
    }
    finish(dry_run, renamed.done.len(), "moved", &state, store, view)
}

/// Runs `state rm`.
///
/// # Errors
/// If an address has no record.
pub async fn rm(args: &StateRmArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, words) = split(&args.words, session)?;
    let wanted = words.iter().map(|word| address(word)).collect::<Result<Vec<_>, _>>()?;
    if wanted.is_empty() {
        return Err(Failure::usage(Diagnostic::error("`state rm` takes at least one address.")));
    }
    let work = async |store: &mut Locked, loaded, view: &mut View| forgotten(&wanted, args.dry_run, settled(loaded, &place)?, store, view);
    let claim = Claim { place: &place, locking: &args.locking, command: "state rm" };
    session.with_state(claim, view, work).await
}

fn forgotten(wanted: &[Address], dry_run: bool, mut state: State, store: &mut Locked, view: &mut View) -> Ended {
    let known = |state: &State| -> Vec<Address> {
        let deposed = state.deposed.keys().map(|(address, _)| address);
        let mut all: Vec<Address> = state.records.keys().chain(deposed).cloned().collect();
        all.sort();
        all.dedup();
        all
    };
    let all = known(&state);
    if let Some(wanted) = wanted.iter().find(|wanted| !all.iter().any(|known| wanted.covers(known))) {
        return Err(absent(wanted, &state).into());
    }
    let gone: Vec<&Address> = all.iter().filter(|known| wanted.iter().any(|wanted| wanted.covers(known))).collect();
    for address in &gone {
        let id = state.records.get(address).map(|record| format!(" [id={}]", record.id)).unwrap_or_default();
        view.line(&format!("{} {address}{id}", if dry_run { "Would forget" } else { "Forgot" }));
        moves::forget(&mut state, address);
    }
    finish(dry_run, gone.len(), "forgotten; the objects live on", &state, store, view)
}

/// Runs `state push`.
///
/// # Errors
/// If the file is no state, holds a secret, or does not follow the one that is there.
pub async fn push(args: &StatePushArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (stack, file) = match args.words.as_slice() {
        [file] => (None, file),
        [stack, file] => (Some(stack.as_str()), file),
        _ => return Err(Failure::usage(Diagnostic::error("`state push` takes a file, or - for standard input."))),
    };
    let place = session.find_remembered(stack)?;
    let mut bytes = Vec::new();
    if file == "-" {
        io::stdin().lock().read_to_end(&mut bytes).context("Failed to read standard input")?;
    } else {
        bytes = readable::read_given(Path::new(file)).with_context(|| format!("Failed to read {file}"))?;
    }
    let new = format::read(&bytes, file)?;
    let mut errors = check::content(&new, file);
    errors.extend(check::text(&String::from_utf8_lossy(&bytes), file));
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let work = async |store: &mut Locked, view: &mut View| {
        // The state that is here may be an older one: the one that is put in its place must not.
        let loaded = store.load()?;
        let newest = history::newest(&place, store.highest_serial(&new.lineage), &new.lineage).await;
        let pushed = Pushed { new: &new, file, force: args.force || args.locking.accept_older_state.is_some(), newest };
        pushed.put(&place, &loaded, store, view)
    };
    let claim = Claim { place: &place, locking: &args.locking, command: "state push" };
    session.with_lock(claim, view, work).await
}

/// A state that is to be put in place.
struct Pushed<'a> {
    new: &'a State,
    file: &'a str,
    /// Whether it is put in place whatever it lacks.
    force: bool,
    /// The newest one that is known of its lineage.
    newest: Option<Version>,
}

impl Pushed<'_> {
    fn put(self, place: &Place, loaded: &Loaded, store: &mut Locked, view: &mut View) -> Ended {
        let Self { new, file, force, newest } = self;
        no_open_run(loaded, place)?;
        if let Some(old) = &loaded.state {
            if old == new {
                view.line("The state is the same already.");
                return Ok(Exit::Done);
            }
            let shown = place.store().state.display().to_string();
            let owners = old.owner.is_some() && new.owner.is_some() && old.owner != new.owner;
            let wrong = check::follows(new, old, file, &shown)
                .or_else(|| owners.then(|| Diagnostic::error(format!("{file} belongs to another account than {shown}."))));
            if let Some(wrong) = wrong.filter(|_| !force) {
                let hint = wrong.hint.clone().unwrap_or_default();
                return Err(wrong
                    .hint(format!("{hint} `-force` puts it in place all the same. Nothing was changed.").trim_start().to_owned())
                    .into());
            }
        }
        match newest.filter(|newest| newest.serial > new.serial) {
            Some(newer) if !force => return Err(older(file, new.serial, &newer, place, "`-force` puts this one in place all the same.")),
            Some(newer) => store.at_least(newer.serial + 1),
            None => store.at_least(new.serial),
        }
        let serial = store.commit(new)?;
        view.line(&format!("The state is in place: serial {serial}, {} resources.", new.records.len()));
        Ok(Exit::Done)
    }
}

fn finish(dry_run: bool, count: usize, words: &str, state: &State, store: &mut Locked, view: &mut View) -> Ended {
    if dry_run {
        view.line("\nNothing was changed, as -dry-run asks.");
        return Ok(Exit::Done);
    }
    let serial = store.commit(state)?;
    let noun = if count == 1 { "resource" } else { "resources" };
    view.line(&format!("\n{count} {noun} {words}. The state has serial {serial}."));
    Ok(Exit::Done)
}

/// The state, if no run is open: what it did is not in the state yet.
fn settled(loaded: Loaded, place: &Place) -> Result<State, Failure> {
    no_open_run(&loaded, place)?;
    match loaded.state {
        Some(state) => Ok(state),
        None => Err(Diagnostic::error(format!("The stack {} has no state yet.", place.name))
            .hint("There is nothing to change before the first apply.")
            .into()),
    }
}

fn no_open_run(loaded: &Loaded, place: &Place) -> Result<(), Failure> {
    if loaded.journal.is_none() {
        return Ok(());
    }
    Err(Diagnostic::error(format!("A run of the stack {} was interrupted, and what it did is not in the state yet.", place.name))
        .hint(format!(
            "`dofloat apply {0}` or `dofloat refresh {0}` finds out and brings the state up to date. Nothing was changed.",
            place.name
        ))
        .into())
}

fn absent(wanted: &Address, state: &State) -> Diagnostic {
    let names: Vec<String> = state.records.keys().map(ToString::to_string).collect();
    let meant = did_you_mean(&wanted.to_string(), names.iter().map(String::as_str)).map(|meant| format!("Did you mean {meant}?"));
    Diagnostic::error(format!("The state has no {wanted}."))
        .hint(meant.unwrap_or_else(|| "`dofloat state list` prints the addresses.".to_owned()))
}
