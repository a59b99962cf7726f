//! What every command has in common that asks the account or changes what is remembered: signals, the way to the API, the
//! lock of the state, and the end of all three.
//!
//! Invariant: whatever is opened here is closed here, however the work ends: done, failed, or interrupted at any moment. A lock
//! on a shared state does not end with its process, so no command takes one elsewhere. It must not know what the work is.

use std::io::{self, BufRead as _};

use anyhow::Context as _;
use tokio::sync::{oneshot, watch};

use super::args::Locking;
use super::environment::Environment;
use super::exit::{Ended, Exit, Failure};
use super::gateway::Gateway;
use super::signals::{Signals, Stage};
use super::stack::Place;
use super::workplace::Site;
use super::{history, store};
use crate::state::store::{Loaded, Locked, Store, Waiting};
use crate::ui::plan_json;
use crate::ui::screen::Screen;

/// One command at work.
#[derive(Debug)]
pub struct Session<'a> {
    environment: &'a Environment,
    signals: Signals,
}

/// A state that is to be locked, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The stack.
    pub place: &'a Place,
    /// How it is to be locked.
    pub locking: &'a Locking,
    /// What for, as those are told who find it locked.
    pub command: &'a str,
    /// Whether lines of JSON are printed.
    pub json: bool,
}

impl<'a> Session<'a> {
    /// Begins: signals are heard from now on.
    #[must_use]
    pub fn begin(environment: &'a Environment, screen: &Screen) -> Self {
        Self { environment, signals: Signals::listen(Stage::Free, screen.err_paint, environment.known.clone()) }
    }

    /// Turns true at the first signal.
    #[must_use]
    pub fn stop(&self) -> watch::Receiver<bool> {
        self.signals.stop()
    }

    /// Does what changes nothing, unless a signal comes first.
    ///
    /// # Errors
    /// As `work`; `Interrupted` after a signal.
    pub async fn unless_stopped<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        self.signals.unless_stopped(work).await
    }

    /// Works with the API, and closes the way to it.
    ///
    /// # Errors
    /// As `work`, with the texts of the stack's files.
    pub async fn with_gateway(&self, gateway: Gateway, site: &Site<'_>, work: impl AsyncFnOnce(&Gateway) -> Ended) -> Ended {
        let before = self.signals.enter(Stage::Busy);
        let ended = work(&gateway).await;
        gateway.close().await;
        self.signals.enter(before);
        ended.map_err(|failure| site.failed(failure))
    }

    /// Works with a state that is locked and read, and not an older one; gives the lock back, and what is shared is published then.
    ///
    /// # Errors
    /// If somebody else has the lock, the state cannot be used or given back, or as `work`.
    pub async fn with_state(
        &self,
        claim: Claim<'_>,
        screen: &mut Screen,
        work: impl AsyncFnOnce(&mut Locked, Loaded, &mut Screen) -> Ended,
    ) -> Ended {
        let work = async |locked: &mut Locked, screen: &mut Screen| {
            let loaded = locked.load()?;
            if let Some(state) = &loaded.state {
                let seen = locked.highest_serial(&state.lineage);
                let newest = history::must_be_newest(claim.place, seen, state, claim.locking.accept_older_state);
                if let Some(serial) = self.unless_stopped(newest).await? {
                    locked.at_least(serial);
                }
            }
            work(locked, loaded, screen).await
        };
        self.with_lock(claim, screen, work).await
    }

    /// The same with a state that is not read.
    ///
    /// # Errors
    /// If somebody else has the lock, it cannot be given back, or as `work`.
    pub async fn with_lock(
        &self,
        claim: Claim<'_>,
        screen: &mut Screen,
        work: impl AsyncFnOnce(&mut Locked, &mut Screen) -> Ended,
    ) -> Ended {
        let store = store::of(claim.place, self.environment)?;
        let before = self.signals.enter(Stage::Locked { store: Box::new(store.clone()), stack: claim.place.name.clone() });
        let ended = match self.unless_stopped(self.taken(claim, &store, screen)).await {
            Ok(mut locked) => {
                let ended = work(&mut locked, screen).await;
                let released = self.released(locked, screen).await;
                both(ended, released)
            }
            // It may have been taken, and the answer not been waited for.
            Err(failure) if failure.exit == Exit::Interrupted => both(Err(failure), self.give_back(&store).await),
            Err(failure) => Err(failure),
        };
        self.signals.enter(before);
        ended
    }

    async fn taken(&self, claim: Claim<'_>, store: &Store, screen: &mut Screen) -> Result<Locked, Failure> {
        if !claim.locking.lock {
            return Ok(store.unguarded().await?);
        }
        let clock = &self.environment.clock;
        let note = store::holder(claim.command, self.environment);
        let mut tell = |waiting: Waiting| {
            let message = waiting.to_string();
            let json = claim.json.then(|| plan_json::line("log", &message, &clock.now().to_rfc3339()).to_string());
            screen.line(&json.unwrap_or(message));
        };
        Ok(store.lock(claim.locking.lock_timeout, &note, clock, &mut tell).await?)
    }

    /// Gives the lock back. A first signal does not stop that: it is nearly over, and somebody else would find it locked.
    async fn released(&self, locked: Locked, screen: &mut Screen) -> Result<(), Failure> {
        let mut release = std::pin::pin!(locked.release());
        if !self.signals.stopped() {
            let mut stop = self.stop();
            tokio::select! {
                biased;
                released = &mut release => return Ok(released?),
                Ok(_) = stop.wait_for(|stop| *stop) => {}
            }
            screen.complain("Interrupted: the state is given back. Interrupt again to stop at once.\n");
        }
        Ok(release.await?)
    }

    /// Gives back what a command that was interrupted may have locked.
    async fn give_back(&self, store: &Store) -> Result<(), Failure> {
        match store.holder().await? {
            Some(holding) if holding.own => {
                let note = store::holder("unlock", self.environment);
                let locked = store.lock(std::time::Duration::ZERO, &note, &self.environment.clock, &mut |_| {}).await?;
                Ok(locked.release().await?)
            }
            _ => Ok(()),
        }
    }

    /// Asks whether to do something; only `yes` is approval. A signal is no answer, and ends the command.
    ///
    /// # Errors
    /// If the answer cannot be read; `Interrupted` after a signal.
    pub async fn approved(&self, what: &str, screen: &mut Screen) -> Result<bool, Failure> {
        self.confirmed(&format!("Do you want to {what}?"), screen).await
    }

    /// The same with a question of one's own.
    ///
    /// # Errors
    /// As `approved`.
    pub async fn confirmed(&self, question: &str, screen: &mut Screen) -> Result<bool, Failure> {
        screen.print(&format!("\n{question}\n  Only \"yes\" is taken as approval.\n\n  Enter a value: "));
        let (sender, receiver) = oneshot::channel();
        // A signal leaves this thread behind.
        std::thread::spawn(move || {
            let mut answer = String::new();
            let read = io::stdin().lock().read_line(&mut answer);
            // Nobody waits for it any more after a signal.
            let _ = sender.send(read.map(|_| answer));
        });
        let answer = self.unless_stopped(async { receiver.await.context("Nobody reads the answer") }).await?;
        let answer = answer.context("Failed to read the answer")?;
        screen.line("");
        Ok(answer.trim() == "yes")
    }
}

/// How a command ended, and whether what it held was given back.
fn both(ended: Ended, released: Result<(), Failure>) -> Ended {
    match (ended, released) {
        (ended, Ok(())) => ended,
        (Ok(_), Err(released)) => Err(released),
        (Err(mut failure), Err(released)) => {
            failure.diagnostics.extend(released.diagnostics);
            Err(failure)
        }
    }
}
