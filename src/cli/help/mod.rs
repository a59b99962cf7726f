//! `help`: of a command, of a topic, of a resource type.
//!
//! Invariant: a name that is a command's and a topic's too (`state`) gets both. Nothing is asked but the tables that are built in.

pub mod examples;
pub mod kinds;
pub mod topics;

use std::path::PathBuf;

use anyhow::Context as _;

use super::exit::{Ended, Exit, Failure};
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat help [COMMAND]...\n       dofloat help TOPIC\n       dofloat help kind [NAME]")]
pub struct HelpArgs {
    /// A command, a topic, or `kind` and the name of a resource type or data source
    #[arg(value_name = "COMMAND|TOPIC|kind NAME")]
    pub words: Vec<String>,
    /// Write the manual pages of all commands to this folder
    #[arg(long, value_name = "DIR", conflicts_with = "words")]
    pub man: Option<PathBuf>,
}

/// Runs the command, for this definition of all commands.
///
/// # Errors
/// If there is nothing of that name.
pub fn run(args: &HelpArgs, program: clap::Command, view: &mut View) -> Ended {
    if let Some(folder) = &args.man {
        std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(program, folder))
            .with_context(|| format!("Failed to write the manual pages to {}", folder.display()))?;
        view.line(&format!(
            "The manual pages are written to {0}: `man -M` needs them in a folder man1, `man {0}/dofloat.1` shows one.",
            folder.display()
        ));
        return Ok(Exit::Done);
    }
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let text = match words.as_slice() {
        ["kind"] => kinds::index(),
        ["kind", name] => kinds::page(name).ok_or_else(|| unknown(name, kinds::spellings()))?,
        words => found(words, program)?,
    };
    view.print(&text);
    Ok(Exit::Done)
}

/// The topic, the command, or else the resource type that these words name.
fn found(words: &[&str], mut program: clap::Command) -> Result<String, Failure> {
    program.build();
    let topic = if let [name] = words { topics::topic(name) } else { None };
    let command = words.iter().try_fold(&mut program, |command, word| command.find_subcommand_mut(word));
    let command = command.map(|command| command.render_long_help().to_string());
    let parts: Vec<String> = topic.map(str::to_owned).into_iter().chain(command).collect();
    match words {
        [name] if parts.is_empty() => kinds::page(name).ok_or_else(|| {
            let commands = program.get_subcommands().map(|command| command.get_name().to_owned());
            unknown(name, commands.chain(topics::NAMES.map(str::to_owned)).chain(kinds::spellings()))
        }),
        words if parts.is_empty() => {
            Err(usage(Diagnostic::error(format!("There is no command `{}`.", words.join(" "))).hint("`dofloat help` lists the commands.")))
        }
        _ => Ok(parts.join("\n")),
    }
}

fn unknown(name: &str, names: impl IntoIterator<Item = String>) -> Failure {
    let names: Vec<String> = names.into_iter().collect();
    let meant = did_you_mean(name, names.iter().map(String::as_str)).map(|meant| format!("Did you mean `{meant}`?"));
    let lists = "`dofloat help` lists commands and topics, `dofloat help kind` resource types and data sources.";
    usage(Diagnostic::error(format!("There is no help on `{name}`.")).hint(meant.unwrap_or_else(|| lists.to_owned())))
}

fn usage(diagnostic: Diagnostic) -> Failure {
    Failure::usage(diagnostic)
}
