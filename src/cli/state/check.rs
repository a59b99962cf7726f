//! `state check`: whether the files of a state are fit to be committed. Reads only; nothing is locked.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::base::child;
use crate::base::diag::Diagnostic;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::session::Session;
use crate::engine::check;
use crate::state::format;
use crate::state::store::{Paths, Store};
use crate::ui::errors;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state check [OPTIONS] [STACK|FILE]...")]
pub struct StateCheckArgs {
    /// Stacks or files, as a pre-commit hook gives them; all in state/ if there is none
    #[arg(value_name = "STACK|FILE")]
    pub words: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Everything that is wrong with any of the states.
pub fn run(args: &StateCheckArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let all = if args.words.is_empty() && !session.global.sim {
        every().map_err(|error| Diagnostic::error(format!("Failed to read state/: {error}.")))?
    } else if args.words.is_empty() {
        vec![session.find_remembered(None)?.store()]
    } else {
        args.words.iter().map(|word| one(word, session)).collect::<Result<_, _>>()?
    };
    let (mut wrong, sources) = (Vec::new(), errors::Sources::new());
    for paths in all {
        let (found, line) = check_state(&paths);
        if found.iter().any(Diagnostic::is_error) {
            wrong.extend(found);
        } else {
            view.print_err(&errors::render(&found, &sources, view.err_paint()));
            view.line(&line);
        }
    }
    if wrong.is_empty() { Ok(Exit::Done) } else { Err(wrong.into()) }
}

/// Every state in `state/`, and every journal that has lost its state.
fn every() -> std::io::Result<Vec<Paths>> {
    let mut found: Vec<PathBuf> = Vec::new();
    match std::fs::read_dir("state") {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(entries) => {
            for entry in entries {
                let path = entry?.path();
                if path.is_file() && path.extension().is_some_and(|ending| ending == "json" || ending == "journal") {
                    found.push(path.with_extension("json"));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found.iter().map(|path| Paths::beside(path, std::env::temp_dir())).collect())
}

/// A word is a file of a state, as a pre-commit hook gives it, or the name of a stack.
fn one(word: &str, session: &Session<'_>) -> Result<Paths, Failure> {
    let path = Path::new(word);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json" | "journal") => Ok(Paths::beside(&path.with_extension("json"), std::env::temp_dir())),
        _ => Ok(session.find_remembered(Some(word))?.store()),
    }
}

/// The errors in one state, and the line for one that is safe to commit.
fn check_state(paths: &Paths) -> (Vec<Diagnostic>, String) {
    let shown = paths.state.display().to_string();
    let loaded = match Store::open(paths.clone()).peek() {
        Ok(loaded) => loaded,
        Err(error) => return (error.diagnostics(), String::new()),
    };
    let Some(state) = loaded.state else { return (Vec::new(), format!("{shown}: there is no state yet.")) };
    let mut found = check::content(&state, &shown);
    for path in [&paths.state, &paths.journal] {
        if let Ok(bytes) = std::fs::read(path) {
            found.extend(check::text(&String::from_utf8_lossy(&bytes), &path.display().to_string()));
        }
    }
    if paths.journal.exists() {
        let journal = paths.journal.display();
        found.push(match loaded.journal {
            Some(_) => Diagnostic::error(format!(
                "{journal} exists: a run is in progress or was interrupted, and what it did is not in the state yet."
            ))
            .hint(
                "Wait for it to end, or run `dofloat apply` or `dofloat refresh`, before you commit. To hand it to somebody \
                 else as it is, commit both files with `--no-verify`.",
            ),
            None => Diagnostic::error(format!("{journal} is left over from a run that ended; its state is in place."))
                .hint("Any command that writes the state removes it, for example `dofloat refresh`."),
        });
    }
    if let Some(committed) = committed(&paths.state).and_then(|bytes| format::read(&bytes, "HEAD").ok()) {
        found.extend(check::follows(&state, &committed, &shown, "the last commit"));
    }
    if std::fs::read(&paths.state).is_ok_and(|bytes| !bytes.contains(&b'\r') && bytes != format::write(&state)) {
        found.push(
            Diagnostic::warning(format!("{shown} is not as dofloat writes it: it was edited by hand or by another tool."))
                .hint("Its content is used as it is. The next command that writes the state formats it."),
        );
    }
    let count = state.records.len();
    (found, format!("{shown}: safe to commit (serial {}, {count} resource{}).", state.serial, if count == 1 { "" } else { "s" }))
}

/// The file in the last commit; nothing without git, outside of a repository, or where it is new.
fn committed(path: &Path) -> Option<Vec<u8>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name()?.to_str()?;
    let output = child::command("git")
        .current_dir(folder)
        .args(["show", &format!("HEAD:./{name}")])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}
