//! The arguments of `state` and what is below it.

use std::path::PathBuf;

use clap::Subcommand;

use super::Locking;

/// `state`
#[derive(Clone, Debug, Subcommand)]
pub enum StateCommand {
    /// List the resources that are remembered
    List(StateListArgs),
    /// Show one resource
    Show(StateShowArgs),
    /// Know an object by another address
    Mv(StateMvArgs),
    /// Forget objects; they live on
    Rm(StateRmArgs),
    /// Print the state file
    Pull(StatePullArgs),
    /// Put a state file in place
    Push(StatePushArgs),
    /// Check that states are fit to be committed
    Check(StateCheckArgs),
    /// Say who may open the secrets of the stacks
    Recipients(RecipientsArgs),
    /// Join the states of two branches: a merge driver for git
    Merge(StateMergeArgs),
}

/// `state mv`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state mv [OPTIONS] [STACK] <FROM> <TO>")]
pub struct StateMvArgs {
    /// The stack, if there are several; then two addresses: a resource with all its instances, or one instance
    #[arg(value_name = "STACK|FROM|TO", required = true)]
    pub words: Vec<String>,
    /// Only tell what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// `state rm`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state rm [OPTIONS] [STACK] <ADDRESS>...")]
pub struct StateRmArgs {
    /// The stack, if there are several, and the resources
    #[arg(value_name = "STACK|ADDRESS", required = true)]
    pub words: Vec<String>,
    /// Only tell what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// `state pull`
#[derive(Clone, Debug, clap::Args)]
pub struct StatePullArgs {
    /// The stack
    pub stack: Option<String>,
}

/// `state push`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state push [OPTIONS] [STACK] <FILE>")]
pub struct StatePushArgs {
    /// The stack, if there are several, and the file; - is standard input
    #[arg(value_name = "STACK|FILE", num_args = 1..=2, required = true)]
    pub words: Vec<String>,
    /// Put it in place although it is another stack's or an older one
    #[arg(long)]
    pub force: bool,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// `state check`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state check [OPTIONS] [STACK|FILE]...")]
pub struct StateCheckArgs {
    /// Stacks or files, as a pre-commit hook gives them; all in state/ if there is none
    #[arg(value_name = "STACK|FILE")]
    pub words: Vec<String>,
}

/// `state recipients`
#[derive(Clone, Debug, clap::Args)]
pub struct RecipientsArgs {
    /// What to do; without it they are listed.
    #[command(subcommand)]
    pub command: Option<RecipientsCommand>,
}

/// What is done with recipients.
#[derive(Clone, Debug, Subcommand)]
pub enum RecipientsCommand {
    /// List them
    List,
    /// Let somebody open what is written from now on, and what there is
    Add(RecipientKeys),
    /// Keep somebody from opening what is written from now on
    Remove(RecipientKeys),
    /// Give yourself a new key
    Rotate,
}

/// Public keys.
#[derive(Clone, Debug, clap::Args)]
pub struct RecipientKeys {
    /// Public keys of age or ssh, or files that hold some; `remove` takes names too
    #[arg(value_name = "KEY|FILE", required = true)]
    pub keys: Vec<String>,
}

/// `state merge`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state merge <ANCESTOR> <OURS> <THEIRS> [PATH]\n       dofloat state merge -install")]
pub struct StateMergeArgs {
    /// git's %O %A %B %P: the result replaces OURS
    #[arg(value_name = "FILE", num_args = 3..=4, required_unless_present = "install")]
    pub files: Vec<PathBuf>,
    /// Make it the merge driver of this clone
    #[arg(long, conflicts_with = "files")]
    pub install: bool,
}

/// `state list`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state list [OPTIONS] [STACK] [ADDRESS]...")]
pub struct StateListArgs {
    /// The stack, then addresses that restrict the list
    #[arg(value_name = "STACK|ADDRESS")]
    pub words: Vec<String>,
    /// Only the object with this identity
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
}

/// `state show`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat state show [OPTIONS] [STACK] <ADDRESS>")]
pub struct StateShowArgs {
    /// The stack, if there are several, and the resource
    #[arg(value_name = "STACK|ADDRESS", num_args = 1..=2, required = true)]
    pub words: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
