//! The options that several commands share.
//!
//! Invariant: no option takes a token. clap's structs stay in `cli`; the layers below get values.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgAction;

use crate::base::address::Address;
use crate::base::secret::Secret;

/// The global options.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Use a simulated DigitalOcean, kept in .dofloat/sim
    #[arg(long, global = true)]
    pub sim: bool,
    /// Read the token from this file
    #[arg(short = 't', long, global = true, value_name = "FILE")]
    pub access_token_file: Option<PathBuf>,
    /// Use the token of this doctl context
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Change to this folder first
    #[arg(long, global = true, value_name = "DIR")]
    pub chdir: Option<PathBuf>,
    /// Print without colours
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// The values of variables.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Variables {
    /// Set a variable; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    var: Vec<VariableArg>,
    /// Set variables from a file; may be repeated
    #[arg(long = "var-file", value_name = "FILE")]
    var_file: Vec<PathBuf>,
    /// Ask for the values of variables that have none
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub input: bool,
    /// Leave out what is not supported, and what refers to it
    #[arg(long)]
    pub skip_unsupported: bool,
    /// Both kinds, in the order in which they were written: what comes later wins.
    #[arg(skip)]
    pub given: Vec<VariableArg>,
}

/// One `-var` or `-var-file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableArg {
    /// `-var NAME=VALUE`
    Text {
        /// The variable.
        name: String,
        /// The value, which may be a secret.
        raw: Secret<String>,
    },
    /// A `-var` without a `=`. All of it may be a secret.
    Nameless,
    /// `-var-file FILE`
    File(PathBuf),
}

/// Reads a `-var`; the value is a secret from here on. What is wrong with it is told later, without quoting it.
fn variable(text: &str) -> Result<VariableArg, Infallible> {
    Ok(match text.split_once('=') {
        Some((name, raw)) => VariableArg::Text { name: name.trim().to_owned(), raw: Secret::new(raw.to_owned()) },
        None => VariableArg::Nameless,
    })
}

/// How a plan is made.
#[derive(Clone, Debug, clap::Args)]
pub struct Planning {
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Run the configuration's provisioners, on this machine and on the servers
    #[arg(long)]
    pub allow_provisioners: bool,
    /// Only this resource and what it depends on; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<Address>,
    /// All but this resource and what depends on it; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["target", "target_file"])]
    pub exclude: Vec<Address>,
    /// Only the resources of this file, an address a line; may be repeated
    #[arg(long, value_name = "FILE")]
    pub target_file: Vec<PathBuf>,
    /// All but the resources of this file; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "target_file"])]
    pub exclude_file: Vec<PathBuf>,
    /// Recreate this resource; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<Address>,
    /// Replace cluster nodes that an older dofloat created, one at a time
    #[arg(long, conflicts_with_all = ["refresh_only"])]
    pub upgrade_nodes: bool,
    /// Read the real resources before planning
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub refresh: bool,
    /// Only update the state to match the real resources
    #[arg(long, conflicts_with_all = ["replace"])]
    pub refresh_only: bool,
    /// Start a new stack, although a state of this name seems to be lost
    #[arg(long)]
    pub new_stack: bool,
    /// Create this resource even if an object like it carries the stack's mark and is not in the state; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["refresh_only"])]
    pub allow_duplicate: Vec<Address>,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
    /// The number of concurrent requests
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// Print JSON, one object per line
    #[arg(long)]
    pub json: bool,
    /// Print text, and write the JSON to this file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub json_into: Option<PathBuf>,
    /// Print a line for each warning, and not what to do about it
    #[arg(long)]
    pub compact_warnings: bool,
    /// Show every attribute of every resource that changes
    #[arg(long, conflicts_with = "json")]
    pub verbose: bool,
}

/// How the state is locked.
#[derive(Clone, Debug, clap::Args)]
pub struct Locking {
    /// Lock the state
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true)]
    pub lock: bool,
    /// How long to wait for the lock: 10s, 5m
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub lock_timeout: Duration,
    /// Use this state even if a newer one with this serial is known; the newer one is given up
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

/// `10s`, `1m30s`, `500ms`, `1.5h`.
///
/// # Errors
/// How a time is written, if it is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time like 10s, 5m, 1h30m or 500ms".to_owned();
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
