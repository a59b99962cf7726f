//! The commands: parse, call, print.
//!
//! Invariant: glue, no logic. Only here is the environment read, and a failure turned into an exit code.

pub mod apply;
pub mod args;
pub mod environment;
pub mod exit;
pub mod files;
pub mod plan;
pub mod signals;
pub mod stack;
pub mod token;
pub mod workplace;

use std::process::ExitCode;

use args::{Args, Command};
use environment::Environment;
use exit::{Ended, Exit};

use crate::ui::screen::Screen;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let args = match args::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return exit.into();
        }
    };
    let environment = Environment::of_process();
    if let Some(point) = &environment.crash {
        crate::base::crash::set_crash_point(point);
    }
    let mut screen = Screen::of_process(!args.global.no_color && !environment.no_color, !environment.automation);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return Exit::Failed.into(),
    };
    let ended = runtime.block_on(run(&args, &environment, &mut screen));
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let text = crate::ui::errors::render(&failure.diagnostics, &failure.sources, screen.err_paint);
            screen.complain(&text);
            failure.exit.into()
        }
    }
}

async fn run(args: &Args, environment: &Environment, screen: &mut Screen) -> Ended {
    let global = &args.global;
    match &args.command {
        Command::Plan(args) => plan::run(args, global, environment, screen).await,
        Command::Apply(args) => apply::apply(args, global, environment, screen).await,
        Command::Destroy(args) => apply::destroy(args, global, environment, screen).await,
        _ => Ok(Exit::Failed),
    }
}
