//! The log: to standard error, at the level that `DOFLOAT_LOG` names, with every known secret masked.
//!
//! Invariant: off unless asked for; headers and bodies are masked where they are logged, and what still holds a known secret is
//! masked here.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::environment::Environment;
use crate::base::secret::Secret;

/// Starts the log.
pub fn start(environment: &Environment) {
    let Some(level) = &environment.log else { return };
    let filter = EnvFilter::try_new(if level.contains('=') { level.clone() } else { format!("dofloat={level}") }).unwrap_or_default();
    let tokens = environment.tokens.iter().map(|(_, token)| token.clone());
    let variables = environment.variables.iter().map(|(_, value, _)| Secret::new(value.clone()));
    let masked: Vec<Secret<Vec<u8>>> = tokens.chain(variables).map(|secret| secret.map(|text| text.as_bytes().to_vec())).collect();
    let writer = Masked { secrets: masked };
    // A second start in one process would be refused; the first one counts.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).try_init();
}

#[derive(Clone)]
struct Masked {
    secrets: Vec<Secret<Vec<u8>>>,
}

struct Line<'a> {
    secrets: &'a [Secret<Vec<u8>>],
}

impl<'a> MakeWriter<'a> for Masked {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { secrets: &self.secrets }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Short values (a region, a count) would mask half of the log and are no secrets.
        let line = self.secrets.iter().fold(Secret::new(bytes.to_vec()), |line, secret| line.zip(secret, |line, secret| without(line, secret)));
        io::stderr().write_all(&crate::base::secret::masked(&line))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

const LEAST: usize = 8;

fn without(line: &[u8], secret: &[u8]) -> Vec<u8> {
    if secret.len() < LEAST {
        return line.to_vec();
    }
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"(sensitive)");
        rest = &rest[at + secret.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_wherever_it_stands() {
        assert_eq!(without(b"a password1 b password1", b"password1"), b"a (sensitive) b (sensitive)");
        assert_eq!(without(b"region nyc3", b"nyc3"), b"region nyc3");
    }
}
