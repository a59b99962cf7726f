//! The log: to standard error, at the level that `DOFLOAT_LOG` names, with every known secret masked.
//!
//! Invariant: off unless asked for; headers and bodies are masked where they are logged, and what still holds a known secret is
//! masked here.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::environment::Environment;
use crate::base::secret::Secret;

/// The least length of a value that is masked.
const LEAST: usize = 8;

/// Starts the log.
pub fn start(environment: &Environment) {
    let Some(level) = &environment.log else { return };
    let filter = EnvFilter::try_new(if level.contains('=') { level.clone() } else { format!("dofloat={level}") }).unwrap_or_default();
    let tokens = environment.tokens.iter().map(|(_, token)| token.clone());
    let keys = environment.bucket_keys.values().cloned();
    let variables = environment.variables.iter().map(|(_, value, _)| Secret::new(value.clone()));
    // Short values (a region, a count) would mask half of the log and are no secrets.
    let secrets = tokens.chain(keys).chain(variables).filter(|secret| secret.length() >= LEAST).collect();
    let writer = Masked { secrets };
    // A second start in one process would be refused; the first one counts.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).try_init();
}

#[derive(Clone)]
struct Masked {
    secrets: Vec<Secret<String>>,
}

struct Line<'a> {
    secrets: &'a [Secret<String>],
}

impl<'a> MakeWriter<'a> for Masked {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { secrets: &self.secrets }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = self.secrets.iter().fold(String::from_utf8_lossy(bytes).into_owned(), |line, secret| secret.masked_in(&line));
        io::stderr().write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
