//! What every command has in common that asks the account or changes what is remembered: signals, the way to the API, the
//! lock of the state, and the end of all three.
//!
//! Invariant: whatever is opened here is closed here, however the work ends: done, failed, or interrupted at any moment. A lock
//! on a shared state does not end with its process, so no command takes one elsewhere. It must not know what the work is.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{oneshot, watch};

use super::api_session::{self, ApiSession};
use super::environment::Environment;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::options::{Global, Locking};
use super::settle::settle;
use super::signals::{Signals, Stage};
use super::stack::{self, Place};
use super::workspace::Workspace;
use super::{history, signals, store};
use crate::base::address::Address;
use crate::base::diag::Diagnostic;
use crate::base::value::Body;
use crate::lang::inputs::Inputs;
use crate::lang::module::Stack;
use crate::modules::Fetching;
use crate::state::State;
use crate::state::store::{Loaded, LockInfo, LockWait, Locked, ReadLock, StateLock, Store};
use crate::ui::view::View;

/// How long the answer is waited for of whoever was asked for a lock when a signal came. A push to a host takes a second or
/// three; much longer nobody waits who has pressed Ctrl-C.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// One command at work.
#[derive(Debug)]
pub struct Session<'a> {
    /// The global options.
    pub global: &'a Global,
    /// The environment.
    pub environment: &'a Environment,
    signals: Signals,
}

/// The context of a command that calls the API.
pub struct Opened<'s> {
    /// The stack's configuration.
    pub configuration: Stack<'s>,
    /// The values of variables.
    pub inputs: Inputs,
    /// The API.
    pub api_session: ApiSession,
}

/// The recorded state, read without an exclusive lock.
#[derive(Debug)]
pub struct Memory {
    /// State and journal.
    pub loaded: Loaded,
    /// Who changes it just now.
    pub busy: Option<String>,
}

/// A state that is to be locked, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The stack.
    pub place: &'a Place,
    /// How it is to be locked.
    pub locking: &'a Locking,
    /// The purpose, for those who find it locked.
    pub command: &'a str,
}

impl<'a> Session<'a> {
    /// Begins: signals are heard from now on.
    #[must_use]
    pub fn begin(global: &'a Global, environment: &'a Environment, view: &View) -> Self {
        Self { global, environment, signals: Signals::listen(Stage::Free, view.err_paint(), environment.known.clone()) }
    }

    /// Finds the stack that is meant.
    ///
    /// # Errors
    /// If there is no such stack, or several and none is named.
    pub fn find(&self, name: Option<&str>) -> Result<Place, Failure> {
        stack::find(name, self.global, self.environment)
    }

    /// The same for what needs no configuration.
    ///
    /// # Errors
    /// As `find`.
    pub fn find_remembered(&self, name: Option<&str>) -> Result<Place, Failure> {
        stack::find_remembered(name, self.global, self.environment)
    }

    /// Opens a stack's files; modules that are not there are fetched.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn open<'s>(&self, place: Place, disk: &'s Disk) -> Result<Workspace<'s>, Failure>
    where
        'a: 's,
    {
        self.open_with(place, disk, Fetching::Missing)
    }

    /// The same where it is said which modules are fetched.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with<'s>(&self, place: Place, disk: &'s Disk, fetching: Fetching) -> Result<Workspace<'s>, Failure>
    where
        'a: 's,
    {
        Workspace::open(place, self.global, self.environment, disk, fetching)
    }

    /// Turns true at the first signal.
    #[must_use]
    pub fn stop(&self) -> watch::Receiver<bool> {
        self.signals.stop()
    }

    /// Whether there was a signal.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.signals.stopped()
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

    /// Works on after a first signal, which `stop` tells of: what is begun here must not be left half done.
    ///
    /// # Errors
    /// As `work`.
    pub async fn to_the_end<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let before = self.signals.enter(Stage::Busy);
        let ended = work.await;
        self.signals.enter(before);
        ended
    }

    /// Reads the configuration, opens the way to the API, works with both, and closes it. The first line is printed in between.
    /// `ask`: whether variables without a value are asked for; `saved`: what data sources gave to a plan that was saved.
    ///
    /// # Errors
    /// If the configuration or a setting will not do; as `work`, with the texts of the stack's files.
    pub async fn with_api(
        &self,
        workspace: &Workspace<'_>,
        mut inputs: Inputs,
        saved: &BTreeMap<Address, Body>,
        ask: bool,
        view: &mut View,
        work: impl AsyncFnOnce(&Opened<'_>, &mut View) -> Ended,
    ) -> Ended {
        let (stack, api_session) = api_session::open(workspace, &mut inputs, ask, view).await?;
        let opened = self.settled(workspace, stack, inputs, saved, api_session).await?;
        self.worked(workspace, opened, view, work).await
    }

    /// The same for a command that has its own form, and so no first line.
    ///
    /// # Errors
    /// As `with_api`.
    pub async fn with_api_untold(
        &self,
        workspace: &Workspace<'_>,
        mut inputs: Inputs,
        view: &mut View,
        work: impl AsyncFnOnce(&Opened<'_>, &mut View) -> Ended,
    ) -> Ended {
        let (stack, api_session) = api_session::open_quietly(workspace, &mut inputs, view).await?;
        let opened = self.settled(workspace, stack, inputs, &BTreeMap::new(), api_session).await?;
        self.worked(workspace, opened, view, work).await
    }

    /// Opens the way to the account where there is no stack, works, and closes it.
    ///
    /// # Errors
    /// If there is no token or a setting will not do; as `work`.
    pub async fn with_account(&self, work: impl AsyncFnOnce(&ApiSession) -> Ended) -> Ended {
        let api_session = api_session::open_alone(self.global, self.environment)?;
        let ended = work(&api_session).await;
        api_session.close().await;
        ended
    }

    /// The stack with its shape as the account decides it.
    async fn settled<'s>(
        &self,
        workspace: &'s Workspace<'_>,
        stack: Stack<'s>,
        mut inputs: Inputs,
        saved: &BTreeMap<Address, Body>,
        mut api_session: ApiSession,
    ) -> Result<Opened<'s>, Failure> {
        match self.unless_stopped(settle(workspace, stack, &mut inputs, saved, &mut api_session)).await {
            Ok(configuration) => Ok(Opened { configuration, inputs, api_session }),
            Err(failure) => {
                api_session.close().await;
                Err(failure)
            }
        }
    }

    async fn worked(
        &self,
        workspace: &Workspace<'_>,
        opened: Opened<'_>,
        view: &mut View,
        work: impl AsyncFnOnce(&Opened<'_>, &mut View) -> Ended,
    ) -> Ended {
        let before = self.signals.enter(Stage::Busy);
        let ended = work(&opened, view).await;
        opened.api_session.close().await;
        self.signals.enter(before);
        ended.map_err(|failure| workspace.failed(failure))
    }

    /// State and journal as they stand, those of a shared state brought up to date first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn loaded(&self, place: &Place) -> Result<Loaded, Failure> {
        let store = store::of(place, self.environment)?;
        store.refresh().await?;
        Ok(store.peek()?)
    }

    /// The recorded state of a stack, including everything that an interrupted run is known to have done.
    ///
    /// # Errors
    /// If the state cannot be used.
    pub async fn remembered(&self, place: &Place) -> Result<Option<State>, Failure> {
        let loaded = self.loaded(place).await?;
        Ok(match (loaded.state, loaded.journal) {
            (Some(state), Some(journal)) => Some(journal.replay_onto(&state)),
            (state, _) => state,
        })
    }

    /// Works with what is remembered, and not an older state, beside others who read it. As long as nobody applies, nobody can begin
    /// to; `busy` names somebody who does.
    ///
    /// # Errors
    /// If it cannot be used, or as `work`.
    pub async fn with_memory(&self, place: &Place, locking: &Locking, work: impl AsyncFnOnce(Memory) -> Ended) -> Ended {
        let store = store::of(place, self.environment)?;
        let holding = store.refresh().await?;
        let sharing = if locking.lock { Some(store.share(&self.environment.clock).await) } else { None };
        let busy = match &sharing {
            Some(ReadLock::Busy { holder }) => Some(holder.clone()),
            // A run of this clone that left its lock is over, as our own lock shows.
            Some(_) => holding.filter(|holding| !holding.own).map(|holding| holding.note),
            None => None,
        };
        let loaded = store.peek()?;
        if let Some(state) = &loaded.state {
            let seen = store.highest_serial(&state.lineage);
            history::must_be_newest(place, seen, state, locking.accept_older_state).await?;
        }
        let ended = work(Memory { loaded, busy }).await;
        drop(sharing);
        ended
    }

    /// Works with a state that is locked and read, and not an older one; gives the lock back, and what is shared is published then.
    ///
    /// # Errors
    /// If somebody else has the lock, the state cannot be used or given back, or as `work`.
    pub async fn with_state(
        &self,
        claim: Claim<'_>,
        view: &mut View,
        work: impl AsyncFnOnce(&mut Locked, Loaded, &mut View) -> Ended,
    ) -> Ended {
        let work = async |locked: &mut Locked, view: &mut View| {
            let loaded = locked.load()?;
            if let Some(state) = &loaded.state {
                let seen = locked.highest_serial(&state.lineage);
                let newest = history::must_be_newest(claim.place, seen, state, claim.locking.accept_older_state);
                if let Some(serial) = self.unless_stopped(newest).await? {
                    locked.set_min_serial(serial);
                }
            }
            work(locked, loaded, view).await
        };
        self.with_lock(claim, view, work).await
    }

    /// The same with a state that is not read.
    ///
    /// # Errors
    /// If somebody else has the lock, it cannot be given back, or as `work`.
    pub async fn with_lock(&self, claim: Claim<'_>, view: &mut View, work: impl AsyncFnOnce(&mut Locked, &mut View) -> Ended) -> Ended {
        let store = store::of(claim.place, self.environment)?;
        let before = self.signals.enter(Stage::Locked { store: Box::new(store.clone()), stack: claim.place.name.clone() });
        let ended = match self.taken(claim, &store, view).await {
            Ok(mut locked) => {
                let ended = work(locked.files(), view).await;
                let released = self.released(locked, view).await;
                both(ended, released)
            }
            Err(failure) => Err(failure),
        };
        self.signals.enter(before);
        ended
    }

    /// Who holds the lock of a shared state.
    ///
    /// # Errors
    /// If a run is at work in this folder, or that cannot be asked.
    pub async fn holder(&self, place: &Place) -> Result<Option<LockInfo>, Failure> {
        let store = store::of(place, self.environment)?;
        // A run that is at work here holds the lock of the files, be they all there is or the working copy of a shared state.
        if let ReadLock::Busy { holder } = store.share(&self.environment.clock).await {
            return Err(Failure::new(Exit::Locked, vec![at_work(&holder)]));
        }
        Ok(store.holder().await?)
    }

    /// Frees a lock that a killed run left: another clone's as it is; this clone's own with what that run did.
    ///
    /// # Errors
    /// If it cannot be freed, or was taken anew since.
    pub async fn free(&self, place: &Place, holding: &LockInfo, view: &mut View) -> Result<(), Failure> {
        if !holding.own {
            return Ok(store::of(place, self.environment)?.unlock(holding).await?);
        }
        // Whoever takes the lock over gives it back with what is here.
        let locking = Locking::at_once();
        let claim = Claim { place, locking: &locking, command: "unlock" };
        self.with_lock(claim, view, async |_: &mut Locked, _: &mut View| Ok(Exit::Done)).await.map(drop)
    }

    /// Takes the lock. A first signal ends the waiting; where the lock was asked for already, the answer is waited for, since whoever
    /// was asked may grant it after we have gone.
    async fn taken(&self, claim: Claim<'_>, store: &Store, view: &mut View) -> Result<StateLock, Failure> {
        if self.signals.stopped() {
            return Err(signals::interrupted());
        }
        if !claim.locking.lock {
            return self.unless_stopped(store.without_lock()).await;
        }
        let (note, clock) = (store::holder(claim.command, self.environment), &self.environment.clock);
        let view = Mutex::new(view);
        let on_screen = |print: &dyn Fn(&mut View)| print(&mut view.lock().unwrap_or_else(PoisonError::into_inner));
        let mut tell = |waiting: LockWait| {
            on_screen(&|view| view.log(&waiting.to_string()));
        };
        let mut taking = Box::pin(store.lock(claim.locking.lock_timeout, &note, clock, &mut tell));
        let mut stop = self.stop();
        tokio::select! {
            biased;
            taken = &mut taking => return Ok(taken?),
            Ok(_) = stop.wait_for(|stop| *stop) => {}
        }
        let mut interrupted = signals::interrupted();
        if store.keeps_lock() {
            on_screen(&|view| view.print_err("Interrupted: releasing the lock that was requested. Interrupt again to stop at once.\n"));
            // The request ends here in either case, and with it our lock on the working copy.
            let answer = tokio::time::timeout(ANSWER_LIMIT, taking).await;
            let unknown = answer.is_err();
            let released = match answer {
                Ok(Ok(locked)) => locked.release().await.map_err(Failure::from),
                // It may have been taken all the same.
                Ok(Err(_)) | Err(_) => self.give_back(store).await,
            };
            interrupted.diagnostics.extend(released.err().into_iter().flat_map(|failure| failure.diagnostics));
            if unknown && store.keeps_lock() {
                interrupted.diagnostics.push(unanswered(&claim.place.name));
            }
        }
        Err(interrupted)
    }

    /// Gives the lock back. A first signal does not stop that: it is nearly over, and somebody else would find it locked.
    async fn released(&self, lock: StateLock, view: &mut View) -> Result<(), Failure> {
        let mut release = std::pin::pin!(lock.release());
        if !self.signals.stopped() {
            let mut stop = self.stop();
            tokio::select! {
                biased;
                released = &mut release => return Ok(released?),
                Ok(_) = stop.wait_for(|stop| *stop) => {}
            }
            view.print_err("Interrupted: releasing the state. Interrupt again to stop at once.\n");
        }
        Ok(release.await?)
    }

    /// Gives back what a command that was interrupted may have locked.
    async fn give_back(&self, store: &Store) -> Result<(), Failure> {
        match store.holder().await? {
            Some(holding) if holding.own => {
                let note = store::holder("unlock", self.environment);
                let locked = store.lock(Duration::ZERO, &note, &self.environment.clock, &mut |_| {}).await?;
                Ok(locked.release().await?)
            }
            _ => Ok(()),
        }
    }

    /// Asks whether to do something; only `yes` is approval. A signal is no answer, and ends the command.
    ///
    /// # Errors
    /// If the answer cannot be read; `Interrupted` after a signal.
    pub async fn approved(&self, what: &str, view: &mut View) -> Result<bool, Failure> {
        self.confirmed(&format!("Do you want to {what}?"), view).await
    }

    /// The same with a question of one's own.
    ///
    /// # Errors
    /// As `approved`.
    pub async fn confirmed(&self, question: &str, view: &mut View) -> Result<bool, Failure> {
        view.print(&format!("\n{question}\n  Only \"yes\" is taken as approval.\n\n  Enter a value: "));
        let (sender, receiver) = oneshot::channel();
        // A signal leaves this thread behind.
        std::thread::spawn(move || {
            let mut answer = String::new();
            let read = io::stdin().lock().read_line(&mut answer);
            // Nobody waits for it any more after a signal.
            let _ = sender.send(read.map(|_| answer));
        });
        let answer = self.unless_stopped(async { receiver.await.context("Failed to read the answer") }).await?;
        let answer = answer.context("Failed to read the answer")?;
        view.line("");
        Ok(answer.trim() == "yes")
    }
}

/// Refuses a command that asks where nobody can answer.
///
/// # Errors
/// If there is no terminal, or `-input=false` is given.
pub fn must_be_able_to_ask(command: &str, input: bool) -> Result<(), Failure> {
    if input && io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Diagnostic::error("There is no terminal for the question, and `-auto-approve` is not given.")
        .hint(format!("`dofloat {command} -auto-approve` imports everything that is found."))
        .into())
}

/// The warning if it is unknown whether the lock was taken.
fn unanswered(stack: &str) -> Diagnostic {
    Diagnostic::warning(format!("It is unknown whether the state is locked now: there was no answer within {} s.", ANSWER_LIMIT.as_secs()))
        .hint(format!("`dofloat unlock {stack}`, or any command that changes the stack, releases it. Run it in this folder."))
}

/// The error about a run in this folder.
fn at_work(holder: &str) -> Diagnostic {
    let who = if holder.is_empty() { "another dofloat" } else { holder };
    Diagnostic::error(format!("The state is locked by {who}, which is running in this folder."))
        .hint("Wait until it ends, or stop it: its lock ends with its process. There is nothing to unlock.")
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
