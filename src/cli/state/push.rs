//! `state push`: a state file is put in place.

use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;

use super::edit::no_open_run;
use crate::base::diag::Diagnostic;
use crate::base::readable;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::history::{self, Version, older};
use crate::cli::options::Locking;
use crate::cli::session::{Claim, Session};
use crate::cli::stack::Place;
use crate::engine::check;
use crate::state::store::{Loaded, Locked};
use crate::state::{State, format};
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state push [OPTIONS] [STACK] <FILE>")]
pub struct StatePushArgs {
    /// The stack, if there are several, and the file; - is standard input
    #[arg(value_name = "STACK|FILE", num_args = 1..=2, required = true)]
    pub words: Vec<String>,
    /// Replace the state even if the file is another stack's or older
    #[arg(long)]
    pub force: bool,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// Runs the command.
///
/// # Errors
/// If the file is no state, holds a secret, or does not follow the one that is there.
pub async fn run(args: &StatePushArgs, session: &Session<'_>, view: &mut View) -> Ended {
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
                view.line("The state is already the same.");
                return Ok(Exit::Done);
            }
            let shown = place.store().state.display().to_string();
            let owners = old.owner.is_some() && new.owner.is_some() && old.owner != new.owner;
            let wrong = check::follows(new, old, file, &shown)
                .or_else(|| owners.then(|| Diagnostic::error(format!("{file} belongs to a different account than {shown}."))));
            if let Some(wrong) = wrong.filter(|_| !force) {
                let hint = wrong.hint.clone().unwrap_or_default();
                return Err(wrong
                    .hint(format!("{hint} `-force` replaces the state anyway. Nothing was changed.").trim_start().to_owned())
                    .into());
            }
        }
        match newest.filter(|newest| newest.serial > new.serial) {
            Some(newer) if !force => return Err(older(file, new.serial, &newer, place, "`-force` replaces it anyway.")),
            Some(newer) => store.set_min_serial(newer.serial + 1),
            None => store.set_min_serial(new.serial),
        }
        let serial = store.commit(new)?;
        view.line(&format!("The state was replaced: serial {serial}, {} resources.", new.records.len()));
        Ok(Exit::Done)
    }
}
