//! The command line: the commands, and how it is read.
//!
//! Invariant: what a command takes stands beside the command, what several take in [`super::options`]. No option takes a token.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::adopt::AdoptArgs;
use super::apply::ApplyArgs;
use super::cluster::arbiter::ArbiterArgs;
use super::cluster::drill::DrillArgs;
use super::cluster::handover::{FailoverArgs, NodeArgs};
use super::cluster::status::StatusArgs;
use super::completions::CompletionsArgs;
use super::destroy::DestroyArgs;
use super::doctor::DoctorArgs;
use super::fmt::FmtArgs;
use super::graph::GraphArgs;
use super::help::HelpArgs;
use super::help::examples::completed;
use super::import::ImportArgs;
use super::init::InitArgs;
use super::options::{Global, Planning, VariableArg, Variables};
use super::output::OutputArgs;
use super::plan::PlanArgs;
use super::providers::{ProvidersArgs, ProvidersCommand};
use super::refresh::RefreshArgs;
use super::scopes::ScopesArgs;
use super::show::ShowArgs;
use super::sim::SimArgs;
use super::spelling::{command_word, normalised, with_added};
use super::state::StateCommand;
use super::unknown;
use super::unlock::UnlockArgs;
use super::validate::ValidateArgs;
use super::version::VersionArgs;
use crate::ui::errors::Warnings;
use crate::ui::plan_text::Detail;
use crate::ui::view::Form;

/// Create, change and delete DigitalOcean resources as a configuration in Terraform's language says.
///
/// Long options may be written with one dash or two. Exit codes: 0 success, 1 failure, 2 changes are pending (-detailed-exitcode),
/// 3 the state is locked, 4 you have to decide, 64 usage error, 130 interrupted.
#[derive(Clone, Debug, Parser)]
#[command(name = "dofloat", version, max_term_width = 110, propagate_version = false, disable_help_subcommand = true)]
pub struct Args {
    /// The global options.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show what an apply would change
    Plan(PlanArgs),
    /// Create, change and delete resources as the configuration says
    Apply(ApplyArgs),
    /// Destroy all resources of the stack
    Destroy(DestroyArgs),
    /// Show the state or a saved plan
    Show(ShowArgs),
    /// Show the outputs of the last apply
    Output(OutputArgs),
    /// Check the configuration without calling the API
    Validate(ValidateArgs),
    /// Draw the dependency graph
    Graph(GraphArgs),
    /// Rewrite configuration files in the canonical format
    Fmt(FmtArgs),
    /// Get what a stack needs before it can be planned, or write one to begin with
    #[command(alias = "get")]
    Init(InitArgs),
    /// Import existing objects into the state
    Import(ImportArgs),
    /// Decide which object an interrupted run created, where that is uncertain
    Adopt(AdoptArgs),
    /// Update the state to match the real resources
    Refresh(RefreshArgs),
    /// Inspect and change the state
    #[command(subcommand)]
    State(StateCommand),
    /// Show the health of the stack's clusters
    ///
    /// This includes whether their droplets are on different physical servers, as DigitalOcean reports it. It is not documented
    /// how soon a new droplet is reported, nor whether droplets of other teams or in the same rack count.
    Status(StatusArgs),
    /// Hand a pair's address over to its other node
    ///
    /// It is refused unless the other node could serve. Pacemaker is told by the shell of a node (your own `ssh`, as root); where no
    /// node can be reached, the address is moved by the API and pacemaker follows. No request need fail.
    Failover(FailoverArgs),
    /// Let a node run nothing until `online` undoes it, for maintenance
    ///
    /// The address goes to the other node first, if it is there. It is refused unless the other node could serve. It needs `ssh`.
    #[command(override_usage = "dofloat standby [OPTIONS] [STACK] <NODE>")]
    Standby(NodeArgs),
    /// Let a node run again what `standby` took from it
    #[command(override_usage = "dofloat online [OPTIONS] [STACK] <NODE>")]
    Online(NodeArgs),
    /// Make a fault in a pair on purpose, and measure for how long nobody answers
    ///
    /// The fault befalls the node that has the address. It is made only in a pair that is whole, and after asking. A client asks the
    /// address ten times a second. In the end the node is on again and the pair whole. What was measured is written to drills/.
    Drill(DrillArgs),
    /// Print the script that turns a host of yours into the arbiter of the stack's pairs
    Arbiter(ArbiterArgs),
    /// Release the lock that a killed run left on a shared state
    Unlock(UnlockArgs),
    /// List the token scopes that the stack needs
    Scopes(ScopesArgs),
    /// Examine token, account, state, keys and programs, and say what is wrong
    Doctor(DoctorArgs),
    /// Run the simulator as a server for other clients
    Sim(SimArgs),
    /// Show the version
    Version(VersionArgs),
    /// Show what resource types and data sources there are
    Providers(ProvidersArgs),
    /// Show the help of a command, a topic, or a resource type
    Help(HelpArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// The definition of all commands.
#[must_use]
pub fn program() -> clap::Command {
    completed(Args::command())
}

/// Reads the command line, the program's name first, and what the environment adds to it.
///
/// # Errors
/// The usage error, or the requested help or version.
pub fn parse(argv: impl IntoIterator<Item = OsString>, added: &BTreeMap<String, String>) -> Result<Args, clap::Error> {
    let program = program();
    let words = with_added(normalised(argv, &program), added, &program);
    if let Some(refused) = command_word(&words).and_then(|word| unknown::refused(word, &program)) {
        return Err(refused);
    }
    let matches = program.try_get_matches_from(words)?;
    let mut args = Args::from_arg_matches(&matches)?;
    if let (Some(variables), Some((_, matches))) = (args.command.variables_mut(), matches.subcommand()) {
        variables.given = in_order(matches);
    }
    Ok(args)
}

impl Command {
    /// How much it tells of warnings.
    #[must_use]
    pub fn warnings(&self) -> Warnings {
        let is_compact = self.planning().is_some_and(|planning| planning.compact_warnings);
        if is_compact { Warnings::Compact } else { Warnings::Whole }
    }

    /// How much it shows of plans.
    #[must_use]
    pub fn detail(&self) -> Detail {
        let is_whole = match self {
            Self::Show(args) => args.verbose,
            _ => self.planning().is_some_and(|planning| planning.verbose),
        };
        if is_whole { Detail::Whole } else { Detail::Brief }
    }

    /// How it plans, if it does.
    fn planning(&self) -> Option<&Planning> {
        match self {
            Self::Plan(PlanArgs { planning, .. })
            | Self::Apply(ApplyArgs { planning, .. })
            | Self::Destroy(DestroyArgs { planning, .. })
            | Self::Refresh(RefreshArgs { planning, .. }) => Some(planning),
            _ => None,
        }
    }

    /// The form of what it says.
    #[must_use]
    pub fn form(&self) -> Form {
        let (json, form) = match self {
            Self::Plan(_) | Self::Apply(_) | Self::Destroy(_) | Self::Refresh(_) => {
                (self.planning().is_some_and(|planning| planning.json), Form::Lines)
            }
            Self::Drill(args) => (args.json, Form::Lines),
            Self::Failover(args) => (args.options.json, Form::Lines),
            Self::Standby(args) | Self::Online(args) => (args.options.json, Form::Lines),
            Self::Show(args) => (args.json, Form::Document),
            Self::Output(args) => (args.json, Form::Document),
            Self::Validate(args) => (args.json, Form::Document),
            Self::State(StateCommand::Show(args)) => (args.json, Form::Document),
            Self::Scopes(args) => (args.json, Form::Document),
            Self::Status(args) => (args.json, Form::Document),
            Self::Doctor(args) => (args.json, Form::Document),
            Self::Providers(ProvidersArgs { command: Some(ProvidersCommand::Schema(args)) }) => (args.json, Form::Document),
            Self::Providers(ProvidersArgs { command: None }) => (false, Form::Text),
            Self::Version(args) => (args.json, Form::Document),
            Self::State(StateCommand::List(args)) => (args.json, Form::Document),
            Self::State(_)
            | Self::Import(_)
            | Self::Adopt(_)
            | Self::Arbiter(_)
            | Self::Unlock(_)
            | Self::Fmt(_)
            | Self::Graph(_)
            | Self::Init(_)
            | Self::Sim(_)
            | Self::Help(_)
            | Self::Completions(_) => (false, Form::Text),
        };
        match self {
            _ if json => form,
            Self::Plan(PlanArgs { markdown: true, .. }) | Self::Show(ShowArgs { markdown: true, .. }) => Form::Markdown,
            _ => Form::Text,
        }
    }

    /// The file that the stream for machines is written to beside the text.
    #[must_use]
    pub fn events(&self) -> Option<&Path> {
        self.planning()?.json_into.as_deref()
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
            Self::Graph(args) => Some(&mut args.variables),
            Self::Scopes(args) => Some(&mut args.variables),
            Self::Status(args) => Some(&mut args.variables),
            Self::Drill(args) => Some(&mut args.variables),
            Self::Failover(args) => Some(&mut args.options.variables),
            Self::Standby(args) | Self::Online(args) => Some(&mut args.options.variables),
            Self::Doctor(args) => Some(&mut args.variables),
            _ => None,
        }
    }
}

/// `-var` and `-var-file` as they were written.
fn in_order(matches: &ArgMatches) -> Vec<VariableArg> {
    let mut given: Vec<(usize, VariableArg)> = Vec::new();
    if let (Some(indices), Some(texts)) = (matches.indices_of("var"), matches.get_many::<VariableArg>("var")) {
        given.extend(indices.zip(texts.cloned()));
    }
    if let (Some(indices), Some(files)) = (matches.indices_of("var_file"), matches.get_many::<PathBuf>("var_file")) {
        given.extend(indices.zip(files.cloned().map(VariableArg::File)));
    }
    given.sort_by_key(|(index, _)| *index);
    given.into_iter().map(|(_, given)| given).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::secret::Secret;

    fn words(line: &[&str]) -> Vec<String> {
        let argv = std::iter::once("dofloat").chain(line.iter().copied()).map(OsString::from);
        normalised(argv, &Args::command()).into_iter().skip(1).map(|word| word.into_string().expect("text")).collect()
    }

    fn parsed(line: &[&str]) -> Result<Args, clap::Error> {
        parse(std::iter::once("dofloat").chain(line.iter().copied()).map(OsString::from), &BTreeMap::new())
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
    fn the_environment_adds_arguments_right_after_the_command() {
        let added = BTreeMap::from([
            ("TF_CLI_ARGS".to_owned(), "-no-color".to_owned()),
            ("TF_CLI_ARGS_plan".to_owned(), r#"-var 'a=b c' -target="x.y" -refresh=false"#.to_owned()),
            ("TF_CLI_ARGS_state_list".to_owned(), "web".to_owned()),
            ("TF_CLI_ARGS_apply".to_owned(), "-nonsense".to_owned()),
        ]);
        let table: &[(&[&str], &[&str])] = &[
            (&["plan", "-out=x"], &["plan", "--no-color", "--var=a=b c", "--target=x.y", "--refresh=false", "--out=x"]),
            (
                &["-chdir", "plan", "-t", "plan", "plan"],
                &["--chdir=plan", "-t", "plan", "plan", "--no-color", "--var=a=b c", "--target=x.y", "--refresh=false"],
            ),
            (&["state", "list"], &["state", "list", "--no-color", "web"]),
            (&["version"], &["version", "--no-color"]),
            (&["-version"], &["--version"]),
            (&[], &[]),
        ];
        for (given, expected) in table {
            let argv: Vec<_> = std::iter::once("dofloat").chain(given.iter().copied()).map(OsString::from).collect();
            let words = with_added(normalised(argv, &Args::command()), &added, &Args::command());
            assert_eq!(words[1..], expected.iter().map(OsString::from).collect::<Vec<_>>(), "{given:?}");
        }
    }

    #[test]
    fn variables_keep_their_order() {
        let args = parsed(&["plan", "-var", "a=1", "-var-file=f", "-var=b=2"]).expect("it parses");
        let Command::Plan(plan) = args.command else { panic!("not a plan") };
        let text = |name: &str, raw: &str| VariableArg::Text { name: name.to_owned(), raw: Secret::new(raw.to_owned()) };
        let expected = [text("a", "1"), VariableArg::File("f".into()), text("b", "2")];
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
    fn a_command_of_terraform_gets_a_sentence_and_no_guess() {
        let of = |line: &[&str]| parsed(line).expect_err("there is no such command").to_string();
        for (word, named) in [
            ("workspace", "plans/NAME"),
            ("taint", "-replace=ADDRESS"),
            ("untaint", "-replace=ADDRESS"),
            ("force-unlock", "dofloat unlock"),
            ("login", "DIGITALOCEAN_TOKEN"),
            ("logout", "DIGITALOCEAN_TOKEN"),
            ("console", "output"),
            ("test", "--sim"),
            ("metadata", "validate"),
        ] {
            for line in [&[word][..], &[word, "list"], &["--sim", word, "-json"]] {
                let told = of(line);
                assert!(told.contains(named) && !told.contains("destroy"), "{told}");
            }
        }
        assert!(of(&["plna"]).contains("Did you mean `plan`?"));
        for word in ["up", "man", "tst", "frobnicate"] {
            assert!(of(&[word]).contains("dofloat -help"), "{word}");
        }
        assert!(parsed(&["get", "-update"]).is_ok() && parsed(&["init", "-input=false", "-backend=false", "-upgrade"]).is_ok());
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
}
