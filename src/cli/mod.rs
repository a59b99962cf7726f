//! The commands: parse, call, print.
//!
//! Invariant: glue, no logic. Only here is the environment read, and a failure turned into an exit code.

pub mod adopt;
pub mod apply;
pub mod arbiter;
pub mod args;
pub mod attend;
mod bucket;
pub mod certificates;
pub mod clusters;
pub mod completions;
pub mod environment;
pub mod exit;
pub mod files;
pub mod gateway;
pub mod history;
pub mod import;
pub mod logging;
pub mod merge;
pub mod output;
pub mod plan;
pub mod recipients;
pub mod refresh;
pub mod scopes;
pub mod session;
pub mod show;
pub mod signals;
pub mod sim;
pub mod stack;
pub mod state;
pub mod state_check;
pub mod state_edit;
pub mod status;
pub mod store;
pub mod token;
pub mod unlock;
pub mod validate;
pub mod version;
pub mod workplace;

use std::process::ExitCode;

use anyhow::Context as _;
use args::{Args, Command};
use environment::Environment;
use exit::{Ended, Exit, Failure};
use session::Session;

use crate::base::clock::Clock;
use crate::ui::errors;
use crate::ui::screen::Screen;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let environment = Environment::of_process();
    Screen::guard_panics(environment.known.clone());
    let args = match args::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => return misused(&error, &environment),
    };
    if let Some(point) = &environment.crash {
        crate::base::crash::set_crash_point(point);
    }
    logging::start(&environment);
    let colour = !args.global.no_color && !environment.no_color;
    let mut screen = Screen::of_process(colour, !environment.automation, environment.known.clone());
    let ended = start(&args, &environment, &mut screen);
    let exit = match ended {
        Ok(exit) => exit,
        Err(failure) => {
            told(&args, &failure, &mut screen);
            failure.exit
        }
    };
    match screen.failure() {
        Some(error) => {
            screen.complain(&format!("The output could not be written: {error}.\n"));
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
        std::borrow::Cow::Owned(cut) => Screen::of_process(false, false, environment.known.clone()).complain(&cut),
    }
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() }
}

fn start(args: &Args, environment: &Environment, screen: &mut Screen) -> Ended {
    if let Some(folder) = &args.global.chdir {
        std::env::set_current_dir(folder).with_context(|| format!("Failed to change to the folder {}", folder.display()))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("The program cannot start its threads")?;
    runtime.block_on(run(args, environment, screen))
}

/// Tells what went wrong, in the form that was asked for.
fn told(args: &Args, failure: &Failure, screen: &mut Screen) {
    if matches!(args.command, Command::Plan(_) | Command::Apply(_) | Command::Destroy(_) | Command::Refresh(_)) && args.command.json() {
        let now = Clock::system().now().to_rfc3339();
        for diagnostic in &failure.diagnostics {
            screen.line(&errors::json_line(diagnostic, &failure.sources, &now).to_string());
        }
        return;
    }
    let text = errors::render(&failure.diagnostics, &failure.sources, screen.err_paint);
    screen.complain(&text);
}

async fn run(args: &Args, environment: &Environment, screen: &mut Screen) -> Ended {
    let session = Session::begin(&args.global, environment, screen);
    match &args.command {
        Command::Plan(args) => plan::run(args, &session, screen).await,
        Command::Apply(args) => apply::apply(args, &session, screen).await,
        Command::Destroy(args) => apply::destroy(args, &session, screen).await,
        Command::Show(args) => show::run(args, &session, screen).await,
        Command::Output(args) => output::run(args, &session, screen).await,
        Command::Validate(args) => validate::run(args, &session, screen),
        Command::Adopt(args) => adopt::run(args, &session, screen).await,
        Command::Import(args) => import::run(args, &session, screen).await,
        Command::Refresh(args) => refresh::run(args, &session, screen).await,
        Command::State(command) => state::run(command, &session, screen).await,
        Command::Unlock(args) => unlock::run(args, &session, screen).await,
        Command::Status(args) => status::run(args, &session, screen).await,
        Command::Arbiter(args) => arbiter::run(args, &session, screen).await,
        Command::Scopes(args) => scopes::run(args, &session, screen),
        Command::Sim(args) => sim::run(args, &session, screen).await,
        Command::Version(args) => version::run(args, screen),
        Command::Completions(args) => completions::run(args, screen),
    }
}
