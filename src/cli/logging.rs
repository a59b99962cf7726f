//! The log: to standard error, at the level that `DOFLOAT_LOG` names, with every known secret cut out.
//!
//! Invariant: off unless asked for; headers and bodies are masked where they are logged, and what still holds a known secret is
//! cut here. Of the values of variables it is not known at the start which are secret, so none is logged.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::environment::Environment;
use crate::base::redact::Redactor;

/// Starts the log.
pub fn start(environment: &Environment) {
    let Some(level) = &environment.log else { return };
    let filter = EnvFilter::try_new(if level.contains('=') { level.clone() } else { format!("dofloat={level}") }).unwrap_or_default();
    let values = Redactor::default();
    environment.variables.iter().for_each(|(_, value, _)| values.learn(value));
    let writer = Masked { known: environment.known.clone(), values };
    // A second start in one process would be refused; the first one counts.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).try_init();
}

#[derive(Clone)]
struct Masked {
    known: Redactor,
    values: Redactor,
}

struct Line<'a>(&'a Masked);

impl<'a> MakeWriter<'a> for Masked {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let line = self.0.known.cut(&line);
        io::stderr().write_all(self.0.values.cut(&line).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
