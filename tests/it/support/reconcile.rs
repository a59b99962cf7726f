//! A whole run in this process: what a command does between taking the lock and giving it back.
//!
//! Invariant: no command line and no file of a user's; the caller brings configuration, client and time. The state is the
//! folder's.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use dofloat::api::client::Client;
use dofloat::base::clock::Clock;
use dofloat::base::desired::Resolve;
use dofloat::base::diag::Diagnostic;
use dofloat::base::digest::Salt;
use dofloat::base::redact::Redactor;
use dofloat::engine::apply::ApplyOptions;
use dofloat::engine::change::Event;
use dofloat::engine::execute::{Execution, execute};
use dofloat::engine::planned::Surveyed;
use dofloat::engine::request::{Options, SurveyContext};
use dofloat::engine::survey::survey;
use dofloat::state::State;
use dofloat::state::store::{Paths, Store};

/// How many requests are under way at most where nobody says.
pub(crate) const DEFAULT_PARALLELISM: usize = 10;

/// Surveys and executes.
///
/// # Errors
/// What failed, the plan or the apply, and why.
pub(crate) async fn reconcile(
    resolve: &dyn Resolve,
    folder: &Path,
    api: &Client,
    clock: &Clock,
    options: &Options,
    tell: &mut dyn FnMut(Event),
) -> Result<Surveyed, (&'static str, Vec<Diagnostic>)> {
    let paths = Paths::beside(&folder.join("web.json"), folder.to_owned());
    // A program that another test is just starting holds a copy of all our files for a moment.
    let mut lock = Store::open(paths).lock(Duration::from_secs(10), "test", clock, &mut |_| {}).await.expect("the lock is free");
    let store = lock.files();
    let loaded = store.load().expect("the state is whole");
    let fresh = State::new("11111111-2222-4333-8444-555555555555".to_owned(), Salt::new([1; 32]));
    let context = SurveyContext {
        stack: "web",
        resolve,
        config: "x",
        loaded: &loaded,
        fresh: &fresh,
        read: &BTreeMap::new(),
        api,
        endpoint: "x",
        simulated: true,
        clock,
        options,
        refresh: true,
        recover: true,
        new_stack: false,
    };
    let surveyed = survey(context).await.map_err(|stop| ("plan", stop.diagnostics))?;
    let (_sender, stop) = tokio::sync::watch::channel(false);
    let done = execute(Execution {
        surveyed: &surveyed,
        resolve,
        loaded: &loaded,
        store,
        api: api.clone(),
        clock: clock.clone(),
        options: ApplyOptions {
            parallelism: DEFAULT_PARALLELISM,
            keep_going: false,
            grace: Duration::from_secs(5),
            provisioners: None,
            known: Redactor::default(),
        },
        stop,
        tell,
    })
    .await
    .map_err(|stop| ("apply", stop.diagnostics))?;
    if done.outcome.errors.is_empty() { Ok(surveyed) } else { Err(("apply", done.outcome.errors)) }
}
