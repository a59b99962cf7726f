//! `completions`: a script for a shell, which asks this program for what may come next.
//!
//! Invariant: no network and no lock, whatever stands on the line. The line comes by standard input, where nobody else sees it: a
//! value that is being typed may be a secret.

use std::io::Read as _;

use anyhow::Context as _;

use super::complete::{self, Wanted};
use super::exit::{Ended, Exit, Failure};
use super::help::{kinds, topics};
use super::options::Global;
use super::session::Session;
use super::stack;
use crate::base::diag::Diagnostic;
use crate::base::readable;
use crate::state::format;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(required_unless_present = "line")]
    pub shell: Option<clap_complete::Shell>,
    /// Print what may come next on the line that standard input gives
    #[arg(long, hide = true)]
    pub line: bool,
}

const BASH: &str = r#"_dofloat() {
    local line="${COMP_LINE:0:COMP_POINT}" IFS=$'\n'
    local word="${line##*[[:space:]]}"
    # Bash takes = and : for ends of words: what stands before the last of them stays as it is.
    local typed="${word%"${word##*[=:]}"}"
    COMPREPLY=($(printf %s "$line" | dofloat completions --line 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$typed"}")
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -o default -o nosort -F _dofloat dofloat
"#;

const ZSH: &str = r#"#compdef dofloat
_dofloat() {
    local -a found open closed
    found=("${(@f)$(print -rn -- "$LBUFFER" | dofloat completions --line 2>/dev/null)}")
    open=(${(M)found:#*=})
    closed=(${found:#*=})
    (( $#open )) && compadd -U -Q -S '' -- $open
    (( $#closed )) && compadd -U -Q -- $closed
    (( $#found )) && [[ -n $found[1] ]] || _files
}
compdef _dofloat dofloat
"#;

const FISH: &str = r#"complete -c dofloat -a '(commandline -cp | dofloat completions --line 2>/dev/null)'
"#;

/// Runs the command, for this definition of all commands.
///
/// # Errors
/// If the line cannot be read.
pub fn run(args: &CompletionsArgs, mut program: clap::Command, session: &Session<'_>, view: &mut View) -> Ended {
    if args.line {
        let mut line = String::new();
        std::io::stdin().read_to_string(&mut line).context("Failed to read the line")?;
        program.build();
        let found = complete::candidates(&line, &program, &|wanted| names(wanted, session));
        found.iter().for_each(|word| view.line(word));
        return Ok(Exit::Done);
    }
    match args.shell {
        Some(clap_complete::Shell::Bash) => view.print(BASH),
        Some(clap_complete::Shell::Zsh) => view.print(ZSH),
        Some(clap_complete::Shell::Fish) => view.print(FISH),
        Some(other) => {
            let mut script = Vec::new();
            clap_complete::generate(other, &mut program, "dofloat", &mut script);
            view.print(&String::from_utf8_lossy(&script));
        }
        None => return Err(Failure::usage(Diagnostic::error("No shell is named."))),
    }
    Ok(Exit::Done)
}

/// The names of what is wanted; none where they cannot be had.
fn names(wanted: Wanted<'_>, session: &Session<'_>) -> Vec<String> {
    match wanted {
        Wanted::Stack => stack::names().unwrap_or_default(),
        Wanted::Address { stack, simulated } => addresses(stack, simulated, session).unwrap_or_default(),
        Wanted::Help => topics::NAMES.map(str::to_owned).into_iter().chain(["kind".to_owned()]).collect(),
        Wanted::Kind => kinds::spellings().collect(),
    }
}

/// The addresses in the state of a stack, as far as it lies here.
fn addresses(name: Option<&str>, simulated: bool, session: &Session<'_>) -> Result<Vec<String>, Failure> {
    let global = Global { sim: simulated || session.global.sim, ..session.global.clone() };
    let path = stack::find_remembered(name, &global, session.environment)?.store().state;
    let bytes = readable::read_given(&path).with_context(|| format!("Failed to read {}", path.display()))?;
    let state = format::read(&bytes, &path.display().to_string())?;
    Ok(state.records.keys().map(ToString::to_string).collect())
}
