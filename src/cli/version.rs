//! `version`.

use serde_json::json;

use super::args::VersionArgs;
use super::exit::{Ended, Exit};
use crate::ui::screen::Screen;

/// Runs the command.
///
/// # Errors
/// None.
pub fn run(args: &VersionArgs, screen: &mut Screen) -> Ended {
    let version = env!("CARGO_PKG_VERSION");
    let platform = format!("{}_{}", std::env::consts::OS, std::env::consts::ARCH);
    if args.json {
        screen.line(&json!({ "dofloat_version": version, "platform": platform }).to_string());
    } else {
        screen.line(&format!("dofloat {version}\non {platform}"));
    }
    Ok(Exit::Done)
}
