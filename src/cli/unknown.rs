//! Commands that do not exist here: Terraform's, each with what to type instead, and slips of the hand.
//!
//! Invariant: no guess names a command that changes something, unless it is a slip of a letter or two.

use clap::error::ErrorKind;

use crate::base::diag::did_you_mean;

/// Terraform's commands that have no counterpart of the same name.
const TERRAFORM: &[(&str, &str)] = &[
    ("console", "There is no console. An `output` block shows a value: `dofloat plan` prints what it would be."),
    ("env", "A workspace is a stack of its own here: put the files into plans/NAME/, and run `dofloat plan NAME`."),
    ("force-unlock", "`dofloat unlock` releases the lock that a killed run left on a shared state."),
    (
        "login",
        "The token comes from DIGITALOCEAN_TOKEN, a file (`-t FILE`), or doctl: `doctl auth init` saves one, and `-context NAME` selects it.",
    ),
    ("logout", "dofloat saves no token: unset DIGITALOCEAN_TOKEN, or run `doctl auth remove`."),
    (
        "metadata",
        "There is no machine-readable list of functions. The language is Terraform's, and `dofloat validate` reports what is missing.",
    ),
    ("modules", "`dofloat validate` reports what is wrong with the configuration; there is no list of its modules yet."),
    ("push", "`dofloat state push` replaces a state."),
    ("stacks", "A stack is a file or a folder in plans/. `dofloat plan NAME` plans one of them."),
    ("taint", "`dofloat apply -replace=ADDRESS` recreates a resource."),
    ("test", "There are no test files. `dofloat plan --sim` and `dofloat apply --sim` try a stack on a simulated account."),
    ("untaint", "`dofloat state untaint ADDRESS` accepts a resource whose provisioner failed; `-replace=ADDRESS` is for one run."),
    ("workspace", "A workspace is a stack of its own here: put the files into plans/NAME/, and run `dofloat plan NAME`."),
];

/// What is wrong with a command that there is not.
pub(super) fn refused(word: &str, program: &clap::Command) -> Option<clap::Error> {
    let known: Vec<&str> =
        program.get_subcommands().flat_map(|command| std::iter::once(command.get_name()).chain(command.get_all_aliases())).collect();
    if known.contains(&word) {
        return None;
    }
    let told = match TERRAFORM.iter().find(|(name, _)| *name == word) {
        Some((_, instead)) => format!("`{word}` is not a command here. {instead}"),
        None => match did_you_mean(word, known) {
            Some(meant) => format!("There is no command `{word}`. Did you mean `{meant}`?"),
            None => format!("There is no command `{word}`. `dofloat -help` lists them."),
        },
    };
    Some(program.clone().error(ErrorKind::InvalidSubcommand, told))
}
