//! Where a stack's state is kept, as its plan file says, and who we are to those who share it.
//!
//! Invariant: the arguments are those that are documented; no secret stands in a plan file.

use std::path::Path;

use super::backend_args::{arguments, text_or};
use super::bucket;
use super::environment::Environment;
use super::exit::{Exit, Failure};
use super::stack::Place;
use crate::base::child;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::base::readable;
use crate::state::store::{Git, Store};
use crate::ui::errors::Sources;

/// The kinds of stores.
const KINDS: [&str; 3] = ["local", "git", "s3"];

/// The store of a stack.
///
/// # Errors
/// If the plan file names one that there is not, or not rightly.
pub fn of(place: &Place, environment: &Environment) -> Result<Store, Failure> {
    let wrong = |errors: Vec<Diagnostic>| Failure::from(errors).with_sources(&texts(place));
    let backend = place.backend.as_ref().map_err(|errors| wrong(errors.clone()))?;
    let Some(backend) = backend else { return Ok(Store::open(place.store())) };
    match backend.kind.as_str() {
        "local" => {
            arguments(backend, []).map_err(wrong)?;
            Ok(Store::open(place.store()))
        }
        "git" => {
            let [remote, branch] = arguments(backend, ["remote", "branch"]).map_err(wrong)?;
            if remote.is_some_and(|remote| has_password(&remote.text)) {
                // The line itself would show it.
                let error = Diagnostic::error("The remote's address contains a password, and the configuration is committed.")
                    .at(backend.span.clone());
                return Err(wrong(vec![error.hint("Name a remote of this clone, and keep the password in git's credential store.")]));
            }
            beside(place).map_err(|error| Failure::new(Exit::Decision, vec![error]))?;
            let git = Git { remote: text_or(remote, "origin"), branch: text_or(branch, "state"), stack: place.name.clone() };
            Ok(Store::shared(place.store(), git))
        }
        "s3" => {
            let s3 = bucket::of(backend, &place.name, environment).map_err(wrong)?;
            beside(place).map_err(|error| Failure::new(Exit::Decision, vec![error]))?;
            Ok(Store::shared(place.store(), s3))
        }
        other => {
            let error = Diagnostic::error(format!("There is no backend \"{other}\".")).at(backend.span.clone());
            let hint = match did_you_mean(other, KINDS) {
                Some(meant) => format!("Did you mean \"{meant}\"?"),
                None => format!("There are: {}.", KINDS.join(", ")),
            };
            Err(wrong(vec![error.hint(hint)]))
        }
    }
}

/// Whether the state of a stack is kept elsewhere, and shared.
#[must_use]
pub fn is_shared(place: &Place) -> bool {
    !place.is_simulated() && place.backend.as_ref().is_ok_and(|backend| backend.as_ref().is_some_and(|backend| backend.kind != "local"))
}

fn has_password(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| url.password().is_some())
}

/// A state beside the stack does not count where the plan file names another place, and is not passed over in silence.
fn beside(place: &Place) -> Result<(), Diagnostic> {
    let file = Path::new("state").join(format!("{}.json", place.name));
    if !file.exists() {
        return Ok(());
    }
    let (file, name) = (file.display(), &place.name);
    let copy = place.store().state;
    let folder = copy.parent().unwrap_or(&copy).display();
    Err(Diagnostic::error(format!("{file} exists, but the configuration keeps the state in a backend.")).hint(format!(
        "If it is the stack's state, move it into the backend's working copy: `mkdir -p {folder} && mv state/{name}.* {folder}/`. \
         The next apply publishes it, unless the backend has another. If it is an old copy, delete it. Nothing was changed."
    )))
}

fn texts(place: &Place) -> Sources {
    place.sources.iter().filter_map(|(name, path)| Some((name.clone(), readable::read_text(path).ok()?))).collect()
}

/// Who asks for a lock: what, where, since when.
#[must_use]
pub fn holder(what: &str, environment: &Environment) -> String {
    let who = environment.user.as_deref().unwrap_or("somebody");
    let host = host().map(|host| format!(" at {host}")).unwrap_or_default();
    let folder = std::env::current_dir().map(|folder| format!(" in {}", folder.display())).unwrap_or_default();
    format!("`dofloat {what}`, process {}, since {}, of {who}{host}{folder}", std::process::id(), environment.clock.now().to_rfc3339())
}

/// This machine's name.
fn host() -> Option<String> {
    let text = match std::fs::read_to_string("/proc/sys/kernel/hostname") {
        Ok(text) => text,
        Err(_) => String::from_utf8(child::command("hostname").output().ok()?.stdout).ok()?,
    };
    Some(text.trim().to_owned()).filter(|name| !name.is_empty())
}
