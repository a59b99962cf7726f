//! The real git, which calls the real program.

use super::harness::{Outcome, Stack};

/// Runs git in the folder, with the program beside it.
pub(crate) fn git(stack: &Stack, args: &[&str]) -> Outcome {
    let mut command = stack.command("git");
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_dofloat")).parent().expect("a file has a folder").display().to_string();
    command.env("PATH", format!("{folder}:/usr/local/bin:/usr/bin:/bin")).env("GIT_CONFIG_NOSYSTEM", "1");
    command.args(["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=main"]).args(args);
    Outcome::of(command.output().expect("git starts"))
}
