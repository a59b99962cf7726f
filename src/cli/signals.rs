//! Ctrl-C and SIGTERM.
//!
//! Invariant: the first starts nothing new and lets running calls end; where nothing runs yet, it ends the command. The second
//! ends the process at once: the journal is enough for the next run.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::{Exit, Failure};
use crate::base::diag::Diagnostic;

/// Listens from now on. The receiver turns true at the first signal.
#[must_use]
pub fn listen() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        // Without handlers the system's own behaviour stays, which ends the process: the journal is enough for that too.
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        // Nobody listens any more if the run is over already.
        let _ = sender.send(true);
        next().await;
        std::process::exit(i32::from(Exit::Interrupted as u8));
    });
    receiver
}

/// Does what changes nothing, unless a signal comes first.
///
/// # Errors
/// As `work`; `Interrupted` after a signal.
pub async fn unless_stopped<T, E>(stop: &watch::Receiver<bool>, work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let mut stop = stop.clone();
    tokio::select! {
        done = work => Ok(done?),
        Ok(_) = stop.wait_for(|stop| *stop) => {
            Err(Failure::new(Exit::Interrupted, vec![Diagnostic::error("Interrupted before anything was changed.")]))
        }
    }
}
