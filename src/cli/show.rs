//! `show`: the state, or a saved plan.

use std::path::Path;

use super::apply::{is_plan, read_plan};
use super::args::ShowArgs;
use super::exit::{Ended, Exit};
use super::session::Session;
use crate::base::digest::Salt;
use crate::state::State;
use crate::ui::errors::Sources;
use crate::ui::screen::Screen;
use crate::ui::{plan_json, plan_text, state_text};

/// Runs the command.
///
/// # Errors
/// If the file or the state cannot be read.
pub async fn run(args: &ShowArgs, session: &Session<'_>, screen: &mut Screen) -> Ended {
    let sources = Sources::new();
    let layout = plan_text::Layout { paint: screen.paint, rows: &plan_text::rows_of, sources: &sources };
    if let Some(what) = &args.what
        && is_plan(what)
    {
        let plan = read_plan(Path::new(what))?.plan();
        if args.json {
            screen.line(&plan_json::object(&plan, &sources).to_string());
        } else {
            screen.print(&plan_text::render(&plan, layout));
        }
        return Ok(Exit::Done);
    }
    let place = session.find_remembered(args.what.as_deref())?;
    let state = session.remembered(&place).await?.unwrap_or_else(|| State::new(String::new(), Salt::new([0; 32])));
    if args.json {
        screen.line(&state_text::to_json(&state).to_string());
    } else {
        screen.print(&state_text::render(&state, layout));
    }
    Ok(Exit::Done)
}
