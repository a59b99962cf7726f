//! The command line: what may be written, and the spelling it is brought into first.
//!
//! Invariant: no option takes a token. clap's structs stay in `cli`; the layers below get values.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

mod state;

use crate::base::address::Address;
use crate::ui::view::Form;

pub use state::*;

/// Builds what a short file describes on DigitalOcean, and keeps it so.
///
/// Long options may be written with one dash or two. Exit codes: 0 done, 1 failed, 2 changes are pending
/// (-detailed-exitcode), 3 somebody else holds the lock, 4 a decision is needed, 64 wrong usage, 130 interrupted.
#[derive(Clone, Debug, Parser)]
#[command(name = "dofloat", version, max_term_width = 110, propagate_version = false)]
pub struct Args {
    /// What goes with every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What goes with every command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Work on a simulated DigitalOcean, kept below .dofloat/sim
    #[arg(long, global = true)]
    pub sim: bool,
    /// Read the token from this file
    #[arg(short = 't', long, global = true, value_name = "FILE")]
    pub access_token_file: Option<PathBuf>,
    /// Use the token of this context of doctl
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Work in this folder
    #[arg(long, global = true, value_name = "DIR")]
    pub chdir: Option<PathBuf>,
    /// Print without colour
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show what would be done
    Plan(PlanArgs),
    /// Do it: make the world as the file says
    Apply(ApplyArgs),
    /// Take everything of the stack down
    Destroy(DestroyArgs),
    /// Show the state, or a saved plan
    Show(ShowArgs),
    /// Show the outputs of the last apply
    Output(OutputArgs),
    /// Check the configuration, without any request
    Validate(ValidateArgs),
    /// Take objects over that are there already
    Import(ImportArgs),
    /// Say what an interrupted run has made, where that is not certain
    Adopt(AdoptArgs),
    /// Bring the state up to date with what is there
    Refresh(RefreshArgs),
    /// Look at what is remembered, and change it
    #[command(subcommand)]
    State(StateCommand),
    /// Show how the clusters of a stack are
    ///
    /// Beside what the nodes tell, whether their droplets lie on different physical servers, as DigitalOcean reports it. How soon
    /// it reports a new droplet, and whether droplets of different teams or a shared rack count, is not known.
    Status(StatusArgs),
    /// Print the script that makes a host of yours the arbiter of the stack's pairs
    Arbiter(ArbiterArgs),
    /// Free the lock that a killed run left on a shared state
    Unlock(UnlockArgs),
    /// Show the token scopes that the stack needs
    Scopes(ScopesArgs),
    /// Run the simulator as a server for other clients
    Sim(SimArgs),
    /// Show the version
    Version(VersionArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// The values of variables.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Variables {
    /// Set a variable; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE")]
    var: Vec<String>,
    /// Set variables from a file; may be repeated
    #[arg(long = "var-file", value_name = "FILE")]
    var_file: Vec<PathBuf>,
    /// Ask for variables that have no value
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub input: bool,
    /// Both kinds, in the order in which they were written: what comes later wins.
    #[arg(skip)]
    pub given: Vec<VariableArg>,
}

/// One `-var` or `-var-file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableArg {
    /// `-var NAME=VALUE`
    Text(String),
    /// `-var-file FILE`
    File(PathBuf),
}

/// How a plan is made.
#[derive(Clone, Debug, clap::Args)]
pub struct Planning {
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Only this resource and what it is built upon; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<Address>,
    /// Make this resource anew; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<Address>,
    /// Replace nodes of clusters that an older dofloat made, one after the other
    #[arg(long, conflicts_with_all = ["refresh_only"])]
    pub upgrade_nodes: bool,
    /// Look at what is there before planning
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub refresh: bool,
    /// Only bring the state up to date with what is there
    #[arg(long, conflicts_with_all = ["replace"])]
    pub refresh_only: bool,
    /// Begin anew, although a state of this name seems lost
    #[arg(long)]
    pub new_stack: bool,
    /// Create this resource, although an object like it carries the stack's mark and is in no record; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["refresh_only"])]
    pub allow_duplicate: Vec<Address>,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
    /// How many operations run at once
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// Print lines of JSON
    #[arg(long)]
    pub json: bool,
}

/// How the state is locked.
#[derive(Clone, Debug, clap::Args)]
pub struct Locking {
    /// Lock the state
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub lock: bool,
    /// Wait so long for the lock: 10s, 5m
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub lock_timeout: Duration,
    /// Use this state, although a newer one with this serial is known: that one is given up
    #[arg(long, value_name = "SERIAL")]
    pub accept_older_state: Option<u64>,
}

impl Locking {
    /// The lock, without waiting for it.
    #[must_use]
    pub const fn at_once() -> Self {
        Self { lock: true, lock_timeout: Duration::ZERO, accept_older_state: None }
    }
}

/// `plan`
#[derive(Clone, Debug, clap::Args)]
pub struct PlanArgs {
    /// The stack
    pub stack: Option<String>,
    /// Save the plan to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Plan the end of everything
    #[arg(long, conflicts_with_all = ["refresh_only", "replace"])]
    pub destroy: bool,
    /// Exit with 2 where changes are pending
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// How the plan is made.
    #[command(flatten)]
    pub planning: Planning,
}

/// `apply`
#[derive(Clone, Debug, clap::Args)]
pub struct ApplyArgs {
    /// The stack, or a file with a saved plan
    #[arg(value_name = "STACK|FILE")]
    pub what: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Take everything down
    #[arg(long, conflicts_with_all = ["refresh_only", "replace"])]
    pub destroy: bool,
    /// After a failure go on with what does not depend on it
    #[arg(long)]
    pub keep_going: bool,
    /// How the plan is made.
    #[command(flatten)]
    pub planning: Planning,
}

/// `destroy`
#[derive(Clone, Debug, clap::Args)]
pub struct DestroyArgs {
    /// The stack
    pub stack: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Only what carries the stack's mark and is in no record
    #[arg(long, conflicts_with_all = ["target", "replace", "refresh_only"])]
    pub strays: bool,
    /// After a failure go on with what does not depend on it
    #[arg(long)]
    pub keep_going: bool,
    /// How the plan is made.
    #[command(flatten)]
    pub planning: Planning,
}

/// `import`
#[derive(Clone, Debug, clap::Args)]
#[command(
    override_usage = "dofloat import [OPTIONS] [STACK] <ADDRESS> <ID>\n       dofloat import [OPTIONS] -discover [STACK] [ADDRESS]...\n       dofloat import [OPTIONS] -tfstate=FILE [STACK]"
)]
pub struct ImportArgs {
    /// The stack, if there are several; then the resource, and the object as the official provider imports it
    #[arg(value_name = "STACK|ADDRESS|ID")]
    pub words: Vec<String>,
    /// Look for objects that fit resources without a record, show them, and ask
    #[arg(long)]
    pub discover: bool,
    /// With -discover: only objects with this tag
    #[arg(long, value_name = "TAG", requires = "discover")]
    pub tag: Option<String>,
    /// With -discover: only objects with this name
    #[arg(long, value_name = "NAME", requires = "discover")]
    pub name: Option<String>,
    /// With -discover: only objects that carry the stack's mark
    #[arg(long, requires = "discover")]
    pub marked: bool,
    /// Take over what a terraform.tfstate (version 4) describes
    #[arg(long, value_name = "FILE", conflicts_with = "discover")]
    pub tfstate: Option<PathBuf>,
    /// Even what carries another stack's mark, which this stack's takes the place of
    #[arg(long)]
    pub take_over: bool,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Begin anew, although a state of this name seems lost
    #[arg(long)]
    pub new_stack: bool,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// `adopt`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat adopt [OPTIONS] [STACK] <ADDRESS> <ID>\n       dofloat adopt [OPTIONS] [STACK] <ADDRESS> none")]
pub struct AdoptArgs {
    /// The stack, if there are several; then the resource, and the object that was made, or `none`
    #[arg(value_name = "STACK|ADDRESS|ID")]
    pub words: Vec<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// `refresh`
#[derive(Clone, Debug, clap::Args)]
pub struct RefreshArgs {
    /// The stack
    pub stack: Option<String>,
    /// How the plan is made.
    #[command(flatten)]
    pub planning: Planning,
}

/// `show`
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// The stack whose state is shown, or a file with a saved plan
    #[arg(value_name = "STACK|FILE")]
    pub what: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `output`
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat output [OPTIONS] [STACK] [NAME]")]
pub struct OutputArgs {
    /// The stack, the name of an output, or both in this order
    #[arg(value_name = "STACK|NAME", num_args = 0..=2)]
    pub words: Vec<String>,
    /// Print JSON, sensitive values included
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,
    /// Print one value as it is, without quotes
    #[arg(long)]
    pub raw: bool,
}

/// `validate`
#[derive(Clone, Debug, clap::Args)]
pub struct ValidateArgs {
    /// The stack
    pub stack: Option<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `unlock`
#[derive(Clone, Debug, clap::Args)]
pub struct UnlockArgs {
    /// The stack
    pub stack: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub force: bool,
}

/// `status`
#[derive(Clone, Debug, clap::Args)]
pub struct StatusArgs {
    /// The stack
    pub stack: Option<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also ask each node by ssh what pacemaker and the end of corosync's log say
    #[arg(long, conflicts_with = "json")]
    pub verbose: bool,
}

/// `scopes`
#[derive(Clone, Debug, clap::Args)]
pub struct ScopesArgs {
    /// The stack
    pub stack: Option<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `arbiter`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "It holds a key: pipe it to the host, for example `dofloat arbiter web | ssh root@HOST sh`, and keep no copy.")]
pub struct ArbiterArgs {
    /// The stack
    pub stack: Option<String>,
}

/// `sim`
#[derive(Clone, Debug, clap::Args)]
pub struct SimArgs {
    /// Listen here; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8640")]
    pub listen: SocketAddr,
    /// Answer to this name or address too, where something leads to it from outside this machine; may be repeated
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Keep the world in this file; without it, it is gone at the end
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// What identifiers and addresses of a fresh world derive from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How time passes: "explicit" (things are done after --looks reads) or "real" (after the latencies)
    #[arg(long, value_name = "MODE", default_value = "explicit")]
    pub clock: SimClock,
    /// With the explicit clock: how many reads see something unfinished
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub looks: u32,
    /// With the real clock: how long every request takes
    #[arg(long, value_name = "TIME", default_value = "80ms", value_parser = duration)]
    pub latency: Duration,
    /// With the real clock: how long a droplet takes to become active
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub droplet_latency: Duration,
    /// With the real clock: how long any other action takes
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub action_latency: Duration,
    /// Let something go wrong, for example "POST /v2/droplets#2 reset-after"; may be repeated
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,
    /// The same from a file, one a line
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Accept only the tokens in this file, one a line, each followed by its scopes; without scopes it may do everything
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// Enforce the request limits of the real API
    #[arg(long)]
    pub rate_limit: bool,
    /// An image that is not offered any more; may be repeated
    #[arg(long, value_name = "SLUG")]
    pub absent_image: Vec<String>,
    /// Run this command of the shell whenever a droplet is created, powered, rebooted or destroyed, or an address moves; its environment says which
    #[arg(long, value_name = "COMMAND")]
    pub driver: Option<String>,
    /// Serve the metadata of droplets here; a droplet is known by the address that it asks from
    #[arg(long, value_name = "ADDRESS")]
    pub metadata: Option<SocketAddr>,
    /// How late the metadata service notices that an address has moved
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub metadata_lag: Duration,
}

/// How the simulator's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SimClock {
    /// After so many reads.
    Explicit,
    /// After the latencies.
    Real,
}

/// `version`
#[derive(Clone, Debug, clap::Args)]
pub struct VersionArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `completions`
#[derive(Clone, Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Reads the command line, the program's name first.
///
/// # Errors
/// What is wrong with it, or the help or version that was asked for.
pub fn parse(argv: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let matches = Args::command().try_get_matches_from(normalised(argv))?;
    let mut args = Args::from_arg_matches(&matches)?;
    if let (Some(variables), Some((_, matches))) = (args.command.variables_mut(), matches.subcommand()) {
        variables.given = in_order(matches);
    }
    Ok(args)
}

impl Command {
    /// The form of what it says.
    #[must_use]
    pub fn form(&self) -> Form {
        let (json, form) = match self {
            Self::Plan(PlanArgs { planning, .. })
            | Self::Apply(ApplyArgs { planning, .. })
            | Self::Destroy(DestroyArgs { planning, .. })
            | Self::Refresh(RefreshArgs { planning, .. }) => (planning.json, Form::Lines),
            Self::Show(args) => (args.json, Form::Document),
            Self::Output(args) => (args.json, Form::Document),
            Self::Validate(args) => (args.json, Form::Document),
            Self::State(StateCommand::Show(args)) => (args.json, Form::Document),
            Self::Scopes(args) => (args.json, Form::Document),
            Self::Status(args) => (args.json, Form::Document),
            Self::Version(args) => (args.json, Form::Document),
            Self::State(_)
            | Self::Import(_)
            | Self::Adopt(_)
            | Self::Arbiter(_)
            | Self::Unlock(_)
            | Self::Sim(_)
            | Self::Completions(_) => (false, Form::Text),
        };
        if json { form } else { Form::Text }
    }

    fn variables_mut(&mut self) -> Option<&mut Variables> {
        match self {
            Self::Plan(args) => Some(&mut args.planning.variables),
            Self::Apply(args) => Some(&mut args.planning.variables),
            Self::Destroy(args) => Some(&mut args.planning.variables),
            Self::Refresh(args) => Some(&mut args.planning.variables),
            Self::Import(args) => Some(&mut args.variables),
            Self::Adopt(args) => Some(&mut args.variables),
            Self::Validate(args) => Some(&mut args.variables),
            Self::Scopes(args) => Some(&mut args.variables),
            Self::Status(args) => Some(&mut args.variables),
            _ => None,
        }
    }
}

/// `-var` and `-var-file` as they were written.
fn in_order(matches: &ArgMatches) -> Vec<VariableArg> {
    let mut given: Vec<(usize, VariableArg)> = Vec::new();
    if let (Some(indices), Some(texts)) = (matches.indices_of("var"), matches.get_many::<String>("var")) {
        given.extend(indices.zip(texts.cloned().map(VariableArg::Text)));
    }
    if let (Some(indices), Some(files)) = (matches.indices_of("var_file"), matches.get_many::<PathBuf>("var_file")) {
        given.extend(indices.zip(files.cloned().map(VariableArg::File)));
    }
    given.sort_by_key(|(index, _)| *index);
    given.into_iter().map(|(_, given)| given).collect()
}

/// What follows an option's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// A value, in the same word or the next.
    Value,
    /// A value in the same word, or none.
    Maybe,
    /// Nothing; `=true` and `=false` are understood.
    Nothing,
}

/// Terraform's spelling to clap's: long options get two dashes, a value that follows is joined to its option (so that it may
/// begin with a dash), and a switch may be set to true or false.
fn normalised(argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let options = options(&Args::command());
    let mut argv = argv.into_iter();
    let mut words: Vec<OsString> = argv.next().into_iter().collect();
    while let Some(word) = argv.next() {
        let Some(text) = word.to_str().filter(|text| text.len() > 2 && text.starts_with('-') && *text != "--") else {
            let end = word == "--";
            let takes_next = word == "-t";
            words.push(word);
            if takes_next {
                words.extend(argv.next());
            }
            if end {
                words.extend(argv.by_ref());
            }
            continue;
        };
        let single = !text.starts_with("--");
        let body = text.trim_start_matches('-');
        let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
        match (options.get(name), value) {
            // A path right after `-t`. Without a sign of a path it is an option misspelt, and must not be taken for a file's name:
            // the message would repeat what stands behind it.
            (None, _) if single && (name == "t" || name.starts_with('t') && name.contains(['/', '.'])) => words.push(word),
            (None, _) => words.push(format!("--{body}").into()),
            (Some(Takes::Nothing), Some(value)) => match boolean(value) {
                Some(true) => words.push(format!("--{name}").into()),
                Some(false) => {}
                None => words.push(format!("--{body}").into()),
            },
            (Some(Takes::Maybe), Some(value)) => {
                let value = boolean(value).map_or_else(|| value.to_owned(), |value| value.to_string());
                words.push(format!("--{name}={value}").into());
            }
            (Some(Takes::Value), None) => {
                let mut joined = OsString::from(format!("--{name}"));
                if let Some(value) = argv.next() {
                    joined.push("=");
                    joined.push(value);
                }
                words.push(joined);
            }
            (Some(_), _) => words.push(format!("--{body}").into()),
        }
    }
    words
}

/// Every long option of every command.
fn options(command: &clap::Command) -> BTreeMap<String, Takes> {
    let of = |arg: &Arg| Some((arg.get_long()?.to_owned(), takes(arg)));
    let mut all: BTreeMap<String, Takes> = command.get_arguments().filter_map(of).collect();
    for name in ["help", "version"] {
        all.insert(name.to_owned(), Takes::Nothing);
    }
    all.extend(command.get_subcommands().flat_map(options));
    all
}

fn takes(arg: &Arg) -> Takes {
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append if arg.is_require_equals_set() => Takes::Maybe,
        ArgAction::Set | ArgAction::Append => Takes::Value,
        _ => Takes::Nothing,
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// `10s`, `1m30s`, `500ms`, `1.5h`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is written like 10s, 5m, 1h30m or 500ms".to_owned();
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        sum = sum.saturating_add(Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?);
        rest = tail;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        let argv = std::iter::once("dofloat").chain(line.iter().copied()).map(OsString::from);
        normalised(argv).into_iter().skip(1).map(|word| word.into_string().expect("text")).collect()
    }

    fn parsed(line: &[&str]) -> Result<Args, clap::Error> {
        parse(std::iter::once("dofloat").chain(line.iter().copied()).map(OsString::from))
    }

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn one_dash_or_two() {
        let table: &[(&[&str], &[&str])] = &[
            (&["apply", "-auto-approve"], &["apply", "--auto-approve"]),
            (&["apply", "--auto-approve"], &["apply", "--auto-approve"]),
            (&["apply", "-auto-approve=true"], &["apply", "--auto-approve"]),
            (&["apply", "-auto-approve=false"], &["apply"]),
            (&["plan", "-out=x"], &["plan", "--out=x"]),
            (&["plan", "-out", "x"], &["plan", "--out=x"]),
            (&["plan", "--out", "-x"], &["plan", "--out=-x"]),
            (&["plan", "-var", "k=v=w"], &["plan", "--var=k=v=w"]),
            (&["plan", "-var", "-json"], &["plan", "--var=-json"]),
            (&["plan", "-var=k=-v"], &["plan", "--var=k=-v"]),
            (&["plan", "-refresh=false"], &["plan", "--refresh=false"]),
            (&["plan", "-refresh=0"], &["plan", "--refresh=false"]),
            (&["plan", "-refresh", "web"], &["plan", "--refresh", "web"]),
            (&["-chdir=a", "plan"], &["--chdir=a", "plan"]),
            (&["--chdir", "a", "plan"], &["--chdir=a", "plan"]),
            (&["-t", "-json", "plan"], &["-t", "-json", "plan"]),
            (&["-t/a/file", "plan"], &["-t/a/file", "plan"]),
            (&["-t=file", "plan"], &["-t=file", "plan"]),
            (&["-token=x", "plan"], &["--token=x", "plan"]),
            (&["plan", "-target=a.b"], &["plan", "--target=a.b"]),
            (&["-version"], &["--version"]),
            (&["plan", "-help"], &["plan", "--help"]),
            (&["plan", "-h"], &["plan", "-h"]),
            (&["plan", "-nonsense=1"], &["plan", "--nonsense=1"]),
            (&["plan", "--", "-out"], &["plan", "--", "-out"]),
            (&["plan", "-"], &["plan", "-"]),
            (&["plan", "-var"], &["plan", "--var"]),
        ];
        for (given, expected) in table {
            assert_eq!(words(given), *expected, "{given:?}");
        }
    }

    #[test]
    fn variables_keep_their_order() {
        let args = parsed(&["plan", "-var", "a=1", "-var-file=f", "-var=b=2"]).expect("it parses");
        let Command::Plan(plan) = args.command else { panic!("not a plan") };
        let expected = [VariableArg::Text("a=1".into()), VariableArg::File("f".into()), VariableArg::Text("b=2".into())];
        assert_eq!(plan.planning.variables.given, expected);
    }

    #[test]
    fn switches_with_values_and_positions_of_global_options() {
        let args = parsed(&["plan", "web", "-input=false", "-lock=false", "-lock-timeout=1m30s", "--sim", "-t", "f"]).expect("it parses");
        assert!(args.global.sim);
        assert_eq!(args.global.access_token_file, Some("f".into()));
        let Command::Plan(plan) = args.command else { panic!("not a plan") };
        assert!(!plan.planning.variables.input && !plan.planning.locking.lock && plan.planning.refresh);
        assert_eq!(plan.planning.locking.lock_timeout, Duration::from_secs(90));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for line in [
            &["plan", "-nonsense"][..],
            &["plan", "a", "b"],
            &["plan", "-refresh=maybe"],
            &["plan", "-lock-timeout=10"],
            &["plan", "-parallelism=0"],
            &["plan", "-target=nothing"],
            &["plan", "-out"],
            &["output", "-json", "-raw"],
            &["state", "show"],
            &["frobnicate"],
            &["plan", "-token=x"],
        ] {
            assert!(parsed(line).is_err_and(|error| error.use_stderr()), "{line:?}");
        }
    }

    #[test]
    fn no_option_takes_a_token() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments() {
                let name = arg.get_long().unwrap_or_default();
                let is_file = arg.get_value_names().is_some_and(|names| names.iter().any(|name| *name == "FILE"));
                assert!(!name.contains("token") || is_file, "--{name}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Args::command());
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("1.5h", Some(5_400_000)),
            ("0", Some(0)),
            ("10", None),
            ("", None),
            ("s", None),
            ("1d", None),
            ("1..s", None),
        ] {
            assert_eq!(duration(text).ok().map(|span| span.as_millis()), expected, "{text}");
        }
    }
}
