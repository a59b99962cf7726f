//! How a command ends: one exit code, one error type.
//!
//! Invariant: these numbers are an interface; scripts depend on them.

use std::process::ExitCode;

use crate::base::diag::Diagnostic;
use crate::engine::error::EngineError;
use crate::state::store::{ExitClass, StoreError};
use crate::ui::errors::Sources;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// Changes are pending (`plan -detailed-exitcode` only).
    Pending = 2,
    /// Somebody else holds the lock.
    Locked = 3,
    /// A person must decide.
    Decision = 4,
    /// Wrong usage.
    Usage = 64,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The errors. Empty if everything was printed already.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the diagnostics point into.
    pub sources: Sources,
}

/// The result of a command.
pub type Ended = Result<Exit, Failure>;

impl Failure {
    /// A failure of some kind.
    #[must_use]
    pub fn new(exit: Exit, diagnostics: Vec<Diagnostic>) -> Self {
        Self { exit, diagnostics, sources: Sources::new() }
    }

    /// Wrong usage.
    #[must_use]
    pub fn usage(diagnostic: Diagnostic) -> Self {
        Self::new(Exit::Usage, vec![diagnostic])
    }

    /// The same, with the texts that it points into.
    #[must_use]
    pub fn with_sources(mut self, sources: &Sources) -> Self {
        self.sources.extend(sources.iter().map(|(name, text)| (name.clone(), text.clone())));
        self
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::new(Exit::Failed, vec![diagnostic])
    }
}

impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        (*diagnostic).into()
    }
}

/// The system's error with its context, outermost first.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Diagnostic::error(format!("{error:#}.")).into()
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::new(Exit::Failed, diagnostics)
    }
}

impl From<EngineError> for Failure {
    fn from(stop: EngineError) -> Self {
        Self::new(if stop.decision { Exit::Decision } else { Exit::Failed }, stop.diagnostics)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error.class() {
            ExitClass::Failed => Exit::Failed,
            ExitClass::Locked => Exit::Locked,
            ExitClass::Decision => Exit::Decision,
        };
        Self::new(exit, error.diagnostics())
    }
}
