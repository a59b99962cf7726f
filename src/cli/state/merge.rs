//! `state merge`: git's merge driver for states.
//!
//! Invariant: git gets a whole state or its own side untouched; never conflict marks in a file that machines read.

use std::path::Path;

use anyhow::Context as _;

use crate::base::child;
use crate::base::diag::Diagnostic;
use crate::base::durable::write_atomic;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::state::{State, format, merge};
use crate::ui::view::View;
use std::path::PathBuf;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state merge <ANCESTOR> <OURS> <THEIRS> [PATH]\n       dofloat state merge -install")]
pub struct StateMergeArgs {
    /// git's %O %A %B %P: the result replaces OURS
    #[arg(value_name = "FILE", num_args = 3..=4, required_unless_present = "install")]
    pub files: Vec<PathBuf>,
    /// Install the merge driver in this clone
    #[arg(long, conflicts_with = "files")]
    pub install: bool,
}

/// Runs the command.
///
/// # Errors
/// If the states cannot be joined; git then keeps this branch's.
pub fn run(args: &StateMergeArgs, view: &mut View) -> Ended {
    if args.install {
        return install(view);
    }
    let [base, ours, theirs, rest @ ..] = args.files.as_slice() else {
        return Err(Failure::usage(Diagnostic::error("`state merge` takes three files: the common ancestor, ours, and theirs.")));
    };
    let name = rest.first().map_or_else(|| ours.display().to_string(), |path| path.display().to_string());
    if let Some(journal) = rest.first().map(|path| path.with_extension("journal")).filter(|journal| journal.is_file()) {
        return Err(Diagnostic::error(format!("{name} is not merged: {} is of an interrupted run.", journal.display()))
            .hint("Run `dofloat apply` on this branch and commit before you merge.")
            .into());
    }
    let before =
        if std::fs::metadata(base).is_ok_and(|file| file.len() == 0) { None } else { Some(read(base, &name, "the common ancestor's")?) };
    let (one, other) = (read(ours, &name, "this branch's")?, read(theirs, &name, "the other branch's")?);
    let joined = merge::join(before.as_ref(), &one, &other).map_err(|mut clashes| {
        let last = Diagnostic::error(format!("{name} is not merged: this branch's version is kept.")).hint(
            "Decide which side's objects are to stay. The state that was applied last, whole, is the one to keep (`git checkout --ours` or \
             `--theirs`); `dofloat plan` then names what the other side made: it carries the stack's mark and is not in the state.",
        );
        clashes.push(last);
        Failure::new(Exit::Decision, clashes)
    })?;
    write_atomic(ours, &format::write(&joined), 0o644).with_context(|| format!("Failed to write {}", ours.display()))?;
    Ok(Exit::Done)
}

fn read(path: &Path, name: &str, whose: &str) -> Result<State, Failure> {
    let bytes = std::fs::read(path).with_context(|| format!("Failed to read {whose} {name}"))?;
    Ok(format::read(&bytes, &format!("{name} ({whose})"))?)
}

/// The lines that `.gitattributes` needs.
const ATTRIBUTES: [&str; 3] = ["state/*.json merge=dofloat", "state/*.journal -merge", "state/*.secrets.age -merge"];

fn install(view: &mut View) -> Ended {
    let settings = [("merge.dofloat.name", "merges two states of dofloat"), ("merge.dofloat.driver", "dofloat state merge %O %A %B %P")];
    for (name, value) in settings {
        let output = child::command("git").args(["config", name, value]).output().context("Failed to run git")?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Diagnostic::error(format!("git refused the setting {name}: {why}.")).hint("Run this in a clone.").into());
        }
    }
    let path = Path::new(".gitattributes");
    let mut text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(anyhow::Error::new(error).context("Failed to read .gitattributes").into()),
    };
    let missing: Vec<&str> = ATTRIBUTES.into_iter().filter(|wanted| !text.lines().any(|line| line.trim() == *wanted)).collect();
    if !missing.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        missing.iter().for_each(|line| text.extend([line, "\n"]));
        write_atomic(path, text.as_bytes(), 0o644).context("Failed to write .gitattributes")?;
    }
    view.line("git merges states with dofloat in this clone. Commit .gitattributes, and have everybody run this once in their clone.");
    Ok(Exit::Done)
}
