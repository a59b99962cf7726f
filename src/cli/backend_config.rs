//! The arguments of a backend that stand in no file of the stack: `init -backend-config`, kept for the commands that follow.
//!
//! Invariant: what is wrong with it is told before any of it is kept; no secret is.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use super::backend_kept::{Kept, filled, kept, path, texts};
use super::bucket::is_secret;
use super::environment::Environment;
use super::exit::{Exit, Failure};
use super::stack::{self, Place};
use super::store;
use crate::base::diag::Diagnostic;
use crate::base::durable::{OWN_FOLDER, make_private_folder, remove, write_atomic};
use crate::base::readable;
use crate::lang::backend;
use crate::ui::view::View;

/// How `init` treats the backend.
#[derive(Clone, Debug, clap::Args)]
pub struct BackendArgs {
    /// An argument of the backend that its block leaves out, or a file with such
    #[arg(long, value_name = "FILE|NAME=VALUE")]
    pub backend_config: Vec<String>,
    /// Forget which backend was set up before; the state there stays
    #[arg(long)]
    pub reconfigure: bool,
    /// Move the state; told how that is done
    #[arg(long, hide = true, conflicts_with = "reconfigure")]
    pub migrate_state: bool,
    /// Answer yes where it would be asked; nothing is
    #[arg(long, hide = true)]
    pub force_copy: bool,
}

/// Sets the backend up as `init` is told.
///
/// # Errors
/// If an argument will not do, or another place was set up before.
pub(super) fn set_up(args: &BackendArgs, place: &Place, environment: &Environment, view: &mut View) -> Result<(), Failure> {
    let given = arguments(&args.backend_config)?;
    let block = stack::block(place).map_err(Failure::from)?;
    if args.migrate_state {
        return Err(migration(place));
    }
    let before = kept(&place.name);
    if given.is_empty() {
        if args.reconfigure && before.is_some() {
            remove(&path(&place.name)).context("Failed to forget the backend's arguments")?;
            view.line("The arguments that were given for the backend before are forgotten.");
        }
        return Ok(());
    }
    if place.is_simulated() {
        view.line("`-backend-config` has no effect with --sim: the state of the simulated account is kept below `.dofloat/sim`.");
        return Ok(());
    }
    let Some(block) = block else {
        let error = Diagnostic::error("`-backend-config` has no effect: the files have no backend block.");
        return Err(error
            .hint("Write one, for example `terraform { backend \"s3\" {} }`. Without one the state is kept in `state/`.")
            .into());
    };
    let new = Kept { kind: block.kind.clone(), block: texts(&block.arguments), arguments: given };
    if let Some(before) = before.filter(|before| *before != new && !args.reconfigure) {
        return Err(another(&before, &new));
    }
    // What is wrong with the arguments is told before any of them is kept.
    let mut whole = place.clone();
    whole.backend = Ok(Some(filled(block, &new.arguments)));
    store::of(&whole, environment)?;
    let (path, bytes) = (path(&place.name), serde_json::to_vec_pretty(&new).context("Failed to write the backend's arguments")?);
    let folder = path.parent().unwrap_or(&path);
    make_private_folder(folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    write_atomic(&path, &bytes, 0o600).with_context(|| format!("Failed to write {}", path.display()))?;
    view.line(&format!("The backend's arguments are kept in {}: every clone gives its own.", path.display()));
    Ok(())
}

/// What is told of a place that was set up otherwise before.
fn another(before: &Kept, new: &Kept) -> Failure {
    let names = before.arguments.keys().chain(new.arguments.keys()).chain(before.block.keys()).chain(new.block.keys());
    let of = |kept: &Kept, name: &String| kept.arguments.get(name).or_else(|| kept.block.get(name)).cloned();
    let mut changes: Vec<String> = names
        .filter_map(|name| {
            let (old, new) = (of(before, name), of(new, name));
            let shown = |text: Option<String>| text.map_or_else(|| "nothing".to_owned(), |text| format!("\"{text}\""));
            (old != new).then(|| format!("{name} was {}, is {}", shown(old), shown(new)))
        })
        .collect();
    changes.sort();
    changes.dedup();
    let changes = if changes.is_empty() { "it is another kind".to_owned() } else { changes.join("; ") };
    let error = Diagnostic::error(format!("Another backend was set up before: {changes}."));
    let hint = "`-reconfigure` uses the new place; the state in the old one stays there. To take it along, save it first with `dofloat state \
                pull > old.json`, and put it there afterwards with `dofloat state push old.json`. Nothing was changed.";
    Failure::new(Exit::Decision, vec![error.hint(hint)])
}

fn migration(place: &Place) -> Failure {
    let (name, folder) = (&place.name, Path::new(OWN_FOLDER).join("store"));
    let hint = format!(
        "Save it as long as the old place is configured: `dofloat state pull {name} > old.json`. Then write the new block, give `dofloat \
         init -reconfigure` where arguments are left out of it, and put it there: `dofloat state push {name} old.json`. From `state/` into a \
         backend it is `mkdir -p {folder} && mv state/{name}.* {folder}/`; the next apply publishes it.",
        folder = folder.display()
    );
    Diagnostic::error("`init` moves no state.").hint(hint).into()
}

/// What is given, by name; what comes later counts.
fn arguments(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = BTreeMap::new();
    for one in given {
        match one.split_once('=') {
            Some((name, text)) => drop(all.insert(name.trim().to_owned(), text.to_owned())),
            None => {
                let text = readable::read_text(Path::new(one)).map_err(|error| unreadable(one, &error.to_string()))?;
                let settings = backend::settings_of(one, &text).map_err(|errors| {
                    let texts = BTreeMap::from([(one.clone(), text.clone())]);
                    Failure::from(errors).with_sources(&texts)
                })?;
                all.extend(texts(&settings));
            }
        }
    }
    let secret = all.keys().find(|name| is_secret(name));
    let Some(secret) = secret else { return Ok(all) };
    let hint = "Set the key in the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or for Spaces SPACES_ACCESS_KEY_ID and \
                SPACES_SECRET_ACCESS_KEY. It is read from there by every command.";
    Err(Diagnostic::error(format!("`-backend-config` is kept in a file, so it takes no secret: `{secret}`.")).hint(hint).into())
}

fn unreadable(file: &str, why: &str) -> Failure {
    Diagnostic::error(format!("The file {file} of -backend-config cannot be read: {why}."))
        .hint("Name a file of lines like `bucket = \"state\"`, or give `-backend-config=bucket=state`.")
        .into()
}
