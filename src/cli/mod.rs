//! The commands: parse, call, print.
//!
//! Invariant: glue, no logic. Only here is the environment read, and a failure turned into an exit code.

pub mod adopt;
pub mod api_session;
pub mod apply;
pub mod args;
mod backend_args;
mod backend_config;
mod backend_kept;
mod bucket;
mod cli_config;
pub mod cluster;
mod complete;
pub mod completions;
pub mod destroy;
pub mod doctor;
pub mod endpoint;
pub mod environment;
pub mod exit;
pub mod files;
pub mod fmt;
mod forecast;
pub mod graph;
pub mod help;
pub mod history;
pub mod import;
pub mod init;
pub mod keys;
pub mod logging;
pub mod made_up;
pub mod modules;
pub mod offline;
pub mod options;
pub mod output;
mod pages;
pub mod plan;
pub mod planning;
pub mod progress;
pub mod provider;
pub mod providers;
pub mod refresh;
pub mod saved_plan;
pub mod scopes;
pub mod session;
pub mod settle;
pub mod show;
pub mod signals;
pub mod sim;
pub mod simulator;
mod spaces;
pub mod spelling;
pub mod stack;
mod starter;
pub mod state;
pub mod store;
mod timings;
pub mod token;
mod unknown;
pub mod unlock;
pub mod validate;
pub mod variables;
pub mod vault;
pub mod version;
pub mod words;
pub mod workspace;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use args::{Args, Command};
use environment::Environment;
use exit::{Ended, Exit};
use session::Session;

use crate::base::durable::open_stream;
use crate::ui::screen::Screen;
use crate::ui::view::View;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let environment = Environment::of_process();
    Screen::guard_panics(environment.known.clone());
    let args = match args::parse(std::env::args_os(), &environment.arguments) {
        Ok(args) => args,
        Err(error) => return misused(&error, &environment),
    };
    if let Some(point) = &environment.crash {
        crate::base::crash::set_crash_point(point);
    }
    logging::start(&environment);
    let colour = !args.global.no_color && !environment.no_color;
    let screen = Screen::of_process(colour, !environment.automation, environment.known.clone());
    let mut view = View::new(screen, environment.clock.clone(), args.command.form()).telling(args.command.warnings());
    view = view.showing(args.command.detail());
    match args.command.events().map(events_file).transpose() {
        Ok(to) => view = view.recording(to),
        Err(error) => return told(&mut view, Err(error.into())),
    }
    let ended = start(&args, &environment, &mut view);
    told(&mut view, ended)
}

/// The file that events are written to: it may be a pipe.
fn events_file(path: &Path) -> anyhow::Result<Box<dyn Write + Send>> {
    let file = open_stream(path).with_context(|| format!("Failed to write {}", path.display()))?;
    Ok(Box::new(file))
}

/// Tells how a command ended.
fn told(view: &mut View, ended: Ended) -> ExitCode {
    let exit = match ended {
        Ok(exit) => exit,
        Err(failure) => {
            view.diagnostics(&failure.diagnostics, &failure.sources);
            failure.exit
        }
    };
    match view.failure() {
        Some(error) => {
            view.print_err(&format!("Failed to write the output: {error}.\n"));
            Exit::Failed.into()
        }
        None => exit.into(),
    }
}

/// Help, or what is wrong with the command line: it may quote an argument that is a secret.
fn misused(error: &clap::Error, environment: &Environment) -> ExitCode {
    let text = error.render().to_string();
    match environment.known.cut(&text) {
        // Where even this cannot be printed nobody is there to be told.
        std::borrow::Cow::Borrowed(_) => drop(error.print()),
        std::borrow::Cow::Owned(cut) => Screen::of_process(false, false, environment.known.clone()).print_err(&cut),
    }
    if !error.use_stderr() {
        return Exit::Done.into();
    }
    if !environment.arguments.is_empty() {
        let names = environment.arguments.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let told = format!("\nThe environment may have added to the command line: {names} is set.\n");
        Screen::of_process(false, false, environment.known.clone()).print_err(&told);
    }
    Exit::Usage.into()
}

fn start(args: &Args, environment: &Environment, view: &mut View) -> Ended {
    if let Some(folder) = &args.global.chdir {
        std::env::set_current_dir(folder).with_context(|| format!("Failed to change to the folder {}", folder.display()))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("Failed to start threads")?;
    runtime.block_on(run(args, environment, view))
}

async fn run(args: &Args, environment: &Environment, view: &mut View) -> Ended {
    let session = Session::begin(&args.global, environment, view);
    match &args.command {
        Command::Plan(args) => plan::run(args, &session, view).await,
        Command::Apply(args) => apply::run(args, &session, view).await,
        Command::Destroy(args) => destroy::run(args, &session, view).await,
        Command::Show(args) => show::run(args, &session, view).await,
        Command::Output(args) => output::run(args, &session, view).await,
        Command::Validate(args) => validate::run(args, &session, view),
        Command::Init(args) => init::run(args, &session, view),
        Command::Graph(args) => graph::run(args, &session, view),
        Command::Fmt(args) => fmt::run(args, view),
        Command::Adopt(args) => adopt::run(args, &session, view).await,
        Command::Import(args) => import::run(args, &session, view).await,
        Command::Refresh(args) => refresh::run(args, &session, view).await,
        Command::State(command) => state::run(command, &session, view).await,
        Command::Unlock(args) => unlock::run(args, &session, view).await,
        Command::Status(args) => cluster::status::run(args, &session, view).await,
        Command::Drill(args) => cluster::drill::run(args, &session, view).await,
        Command::Failover(args) => cluster::handover::failover(args, &session, view).await,
        Command::Standby(args) => cluster::handover::standby(args, &session, view).await,
        Command::Online(args) => cluster::handover::online(args, &session, view).await,
        Command::Arbiter(args) => cluster::arbiter::run(args, &session, view).await,
        Command::Scopes(args) => scopes::run(args, &session, view),
        Command::Sim(args) => sim::run(args, &session, view).await,
        Command::Version(_) => version::run(view),
        Command::Doctor(args) => doctor::run(args, &session, view).await,
        Command::Providers(args) => providers::run(args, view),
        Command::Help(args) => help::run(args, args::program(), view),
        Command::Completions(args) => completions::run(args, args::program(), &session, view),
    }
}
