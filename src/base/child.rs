//! Programs that dofloat runs: git, ssh, a simulator's driver.
//!
//! Invariant: every one is started from here, and none of them inherits a secret of ours. A hook, a credential helper or a
//! remote helper is somebody else's program, and needs neither the account's token nor a variable's value. It must not know
//! which programs there are.

use std::process::Command;

/// The variables that hold a token of DigitalOcean, in the order in which they are looked at.
pub const TOKENS: [&str; 3] = ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_TOKEN"];

/// The variables that hold the key of a bucket, Amazon's and DigitalOcean's.
pub const BUCKET_KEYS: [&str; 5] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "SPACES_ACCESS_KEY_ID", "SPACES_SECRET_ACCESS_KEY"];

/// How the variables begin that hold a value for a stack's variable. The weaker come first.
pub const VALUES: [&str; 2] = ["TF_VAR_", "DOFLOAT_VAR_"];

/// A command whose environment is ours without its secrets.
#[must_use]
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_secret)) {
        command.env_remove(name);
    }
    command
}

/// The same with those of the other variables that `keep` says.
#[must_use]
pub fn command_with(program: &str, keep: &dyn Fn(&str) -> bool) -> Command {
    let mut command = command(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| !name.to_str().is_some_and(keep)) {
        command.env_remove(name);
    }
    command
}

/// Whether a variable of the environment holds what only dofloat itself needs.
fn is_secret(name: &str) -> bool {
    TOKENS.contains(&name)
        || BUCKET_KEYS.contains(&name)
        || name.starts_with("SPACES_")
        || VALUES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_child_needs_is_left() {
        for secret in TOKENS.into_iter().chain(BUCKET_KEYS).chain(["TF_VAR_password", "DOFLOAT_VAR_password", "SPACES_KEY"]) {
            assert!(is_secret(secret), "{secret}");
        }
        for needed in ["PATH", "HOME", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GITHUB_TOKEN", "AWS_PROFILE", "DIGITALOCEAN_API_URL"] {
            assert!(!is_secret(needed), "{needed}");
        }
    }
}
