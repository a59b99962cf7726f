//! `fmt`: files of the language in their usual form.
//!
//! Invariant: a file that cannot be read as configuration is left alone and told of; no other command writes a user's files.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ArgAction;

use super::exit::{Ended, Exit, Failure};
use super::variables::read_text;
use crate::base::diag::Diagnostic;
use crate::base::durable::write_atomic;
use crate::base::readable::LARGEST;
use crate::lang::fmt;
use crate::ui::diff_text::unified;
use crate::ui::errors::Sources;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct FmtArgs {
    /// Files and folders; `-` for standard input. Without any, this folder and the stacks in plans/
    #[arg(value_name = "FILE|DIR")]
    pub targets: Vec<String>,
    /// Write nothing, and fail where a file is not formatted
    #[arg(long)]
    pub check: bool,
    /// Show what changes
    #[arg(long)]
    pub diff: bool,
    /// Format the files in folders below, too
    #[arg(long)]
    pub recursive: bool,
    /// Print the names of files that change
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub list: bool,
    /// Write the files that change
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub write: bool,
}

/// How the name of a file ends that can be formatted.
const ENDINGS: [&str; 4] = [".tf", ".tfvars", ".tftest.hcl", ".tfmock.hcl"];

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or is no configuration.
pub fn run(args: &FmtArgs, view: &mut View) -> Ended {
    if args.targets.iter().any(|target| target == "-") {
        return from_input(args, view);
    }
    let (mut changed, mut errors, mut sources) = (false, Vec::new(), Sources::new());
    for file in files(args)? {
        let shown = file.display().to_string();
        let text = read_text(&file, &shown)?;
        match fmt::format(&shown, &text) {
            Ok(new) if new == text => {}
            Ok(new) => {
                changed = true;
                told(args, &shown, (&text, &new), view);
                if args.write && !args.check {
                    write(&file, &new)?;
                }
            }
            Err(found) => {
                errors.extend(found);
                sources.insert(shown, text);
            }
        }
    }
    ended(args, changed, errors, &sources)
}

fn from_input(args: &FmtArgs, view: &mut View) -> Ended {
    const NAME: &str = "standard input";
    if args.targets.len() > 1 {
        return Err(Failure::usage(Diagnostic::error("`-` (standard input) cannot be combined with files.")));
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes).context("Failed to read standard input")?;
    let text = String::from_utf8(bytes).map_err(|_| Diagnostic::error("Standard input is not UTF-8 text."))?;
    match fmt::format(NAME, &text) {
        Ok(new) => {
            match (args.diff, args.check) {
                (true, _) => view.print(&unified(NAME, &text, &new)),
                (false, true) => {}
                (false, false) => view.reveal(&new),
            }
            ended(args, new != text, Vec::new(), &Sources::new())
        }
        Err(errors) => ended(args, false, errors, &Sources::from([(NAME.to_owned(), text)])),
    }
}

fn told(args: &FmtArgs, shown: &str, (old, new): (&str, &str), view: &mut View) {
    if args.list {
        view.line(shown);
    }
    if args.diff {
        view.print(&unified(shown, old, new));
    }
}

fn ended(args: &FmtArgs, changed: bool, errors: Vec<Diagnostic>, sources: &Sources) -> Ended {
    if !errors.is_empty() {
        return Err(Failure::from(errors).with_sources(sources));
    }
    Ok(if args.check && changed { Exit::Failed } else { Exit::Done })
}

/// Replaces a file, or what a link leads to. It keeps its mode.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = || format!("Failed to write {}", file.display());
    let target = std::fs::canonicalize(file).with_context(failed)?;
    let mode = std::fs::metadata(&target).with_context(failed)?.permissions().mode();
    Ok(write_atomic(&target, text.as_bytes(), mode & 0o777).with_context(failed)?)
}

/// The files that are meant, each once.
fn files(args: &FmtArgs) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for target in &args.targets {
        let path = Path::new(target);
        match std::fs::metadata(path).with_context(|| format!("Failed to read {target}"))? {
            data if data.is_dir() => walk(path, if args.recursive { usize::MAX } else { 0 }, &mut found)?,
            _ if can_be_formatted(target) => found.push(path.to_owned()),
            _ => {
                let error = Diagnostic::error(format!("{target} is not a file that `fmt` formats."));
                return Err(Failure::usage(error.hint(format!("The names of such files end in {}.", ENDINGS.join(", ")))));
            }
        }
    }
    if args.targets.is_empty() {
        walk(Path::new("."), if args.recursive { usize::MAX } else { 0 }, &mut found)?;
        if !args.recursive && Path::new("plans").is_dir() {
            walk(Path::new("plans"), 1, &mut found)?;
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn can_be_formatted(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

/// The files of a folder and of those so many levels below it. Hidden folders are programs' own.
fn walk(folder: &Path, levels: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let mut open = vec![(folder.to_owned(), levels)];
    while let Some((folder, levels)) = open.pop() {
        let failed = || format!("Failed to read {}", folder.display());
        for entry in std::fs::read_dir(&folder).with_context(failed)? {
            let path = entry.with_context(failed)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else { continue };
            let is_link = path.symlink_metadata().is_ok_and(|data| data.is_symlink());
            if path.is_dir() && levels > 0 && !is_link {
                open.push((path, levels - 1));
            } else if can_be_formatted(name) && path.is_file() {
                found.push(path.strip_prefix(".").map_or_else(|_| path.clone(), Path::to_owned));
            }
        }
    }
    Ok(())
}
