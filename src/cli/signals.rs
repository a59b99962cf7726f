//! Ctrl-C and SIGTERM.
//!
//! Invariant: as long as nothing has to be given back, the first ends the process. From then on the first starts nothing new and
//! lets running calls end; where nothing runs yet, it ends the command. The second ends the process at once, and says what is
//! left: the journal is enough for the next run.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::{Exit, Failure};
use crate::base::diag::Diagnostic;
use crate::base::redact::Redactor;
use crate::state::store::Store;
use crate::ui::errors::{self, Sources};
use crate::ui::paint::Paint;
use crate::ui::screen::Screen;

/// The stage of a command when a signal arrives.
#[derive(Clone, Debug)]
pub enum Stage {
    /// Nothing is to be given back.
    Free,
    /// Something is to be closed, or is waited for.
    Busy,
    /// The state of this stack is locked, or about to be.
    Locked {
        /// Where the state is.
        store: Box<Store>,
        /// The stack's name.
        stack: String,
    },
}

/// The signals that a command is sent, heard from the moment on that this is made.
#[derive(Debug)]
pub struct Signals {
    stop: watch::Receiver<bool>,
    stage: Arc<Mutex<Stage>>,
}

impl Signals {
    /// Listens from now on.
    #[must_use]
    pub fn listen(stage: Stage, paint: Paint, known: Redactor) -> Self {
        let (sender, stop) = watch::channel(false);
        let stage = Arc::new(Mutex::new(stage));
        tokio::spawn(watch_signals(sender, Arc::clone(&stage), paint, known));
        Self { stop, stage }
    }

    /// Says what the next signal finds; gives what it would have found.
    pub fn enter(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut *self.stage.lock().unwrap_or_else(PoisonError::into_inner), stage)
    }

    /// Turns true at the first signal.
    #[must_use]
    pub fn stop(&self) -> watch::Receiver<bool> {
        self.stop.clone()
    }

    /// Whether there was a signal.
    #[must_use]
    pub fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Does what changes nothing, unless a signal comes first.
    ///
    /// # Errors
    /// As `work`; `Interrupted` after a signal.
    pub async fn unless_stopped<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        let mut stop = self.stop();
        tokio::select! {
            done = work => Ok(done?),
            Ok(_) = stop.wait_for(|stop| *stop) => Err(interrupted()),
        }
    }
}

async fn watch_signals(sender: watch::Sender<bool>, stage: Arc<Mutex<Stage>>, paint: Paint, known: Redactor) {
    // Without handlers the system's own behaviour stays, which ends the process: the journal is enough for that too.
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    };
    if matches!(next().await, Stage::Free) {
        leave(before_anything(), paint, known);
    }
    // Nobody listens any more if the run is over already.
    let _ = sender.send(true);
    leave(left_behind(&next().await), paint, known);
}

fn leave(words: Diagnostic, paint: Paint, known: Redactor) -> ! {
    Screen::of_process(paint.is_on(), false, known).print_err(&errors::render(&[words], &Sources::new(), paint));
    std::process::exit(i32::from(Exit::Interrupted as u8))
}

/// How a command ends that was interrupted before it changed anything.
#[must_use]
pub fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, vec![before_anything()])
}

fn before_anything() -> Diagnostic {
    Diagnostic::error("Interrupted before anything was changed.")
}

/// The message for a run that ends at once: what it leaves, and how to continue.
fn left_behind(stage: &Stage) -> Diagnostic {
    let ended = Diagnostic::error("Interrupted again: stopping at once.");
    let Stage::Locked { store, stack } = stage else { return ended };
    let journal = &store.paths().journal;
    let mut left = Vec::new();
    if journal.exists() {
        left.push(format!(
            "Requests under way may still take effect; {} records them. Run the same command again: it continues from there, and \
             creates nothing twice.",
            journal.display()
        ));
    }
    if store.keeps_lock() {
        left.push(format!(
            "The state stays locked for everybody else, and what was done is not published yet. Run the same command, or `dofloat \
             unlock {stack}`, in this folder to publish and unlock it."
        ));
    }
    if left.is_empty() {
        left.push("Nothing is in progress any more.".to_owned());
    }
    ended.hint(left.join(" "))
}
