//! `doctor`: whether everything is there that a run needs: token, API, clock, request budget, state, keys, programs, scopes.
//!
//! Invariant: it changes nothing, and asks the account only by reads and by requests that do nothing; a token is named by its
//! source. What cannot be examined because of something else is not told as a fault of its own.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::api_session::ApiSession;
use super::environment::Environment;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::keys::keys;
use super::options::Variables;
use super::scopes::of_apply;
use super::session::{Opened, Session};
use super::stack::Place;
use crate::api::client::Client;
use crate::base::child;
use crate::base::diag::Diagnostic;
use crate::engine::error::from_api;
use crate::modules::Fetching;
use crate::ui::doctor_text::{Check, Health};
use crate::ui::view::View;

/// By how many seconds the clocks may differ before anything goes wrong: certificates, keys of buckets, locks.
const CLOCK_LIMIT: i64 = 60;

/// How many requests a plan of some size takes.
const FEW_REQUESTS: u64 = 100;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArgs {
    /// The stack whose state, backend and token scopes are examined too
    pub stack: Option<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command. It fails where something is wrong.
///
/// # Errors
/// If a stack is named that there is not; with everything printed, if something is wrong.
pub async fn run(args: &DoctorArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let place = match &args.stack {
        Some(_) => Some(session.find(args.stack.as_deref())?),
        None => session.find(None).ok(),
    };
    let mut found = Found::default();
    match &place {
        Some(place) => found.ok("stack", place.name.clone()),
        None => found.note("stack", "none is named, so neither state nor scopes are examined", "`dofloat doctor NAME` examines one."),
    }
    found.programs();
    found.identity(session.environment);
    if let Some(place) = &place {
        found.state(session, place).await;
    }
    match examined(args, session, place, view, &mut found).await {
        Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
        Err(failure) => found.failures("token and API", &failure.diagnostics),
        Ok(_) => {}
    }
    let is_well = found.checks.iter().all(|check| check.health != Health::Failed);
    view.doctor(&found.checks);
    if is_well { Ok(Exit::Done) } else { Err(Failure::new(Exit::Failed, Vec::new())) }
}

/// Examines the account, by the stack's way to it if there is a stack.
async fn examined(args: &DoctorArgs, session: &Session<'_>, place: Option<Place>, view: &mut View, found: &mut Found) -> Ended {
    let Some(place) = place else {
        if session.global.sim {
            found.note("API", "there is no simulated account without a stack", "`dofloat doctor NAME --sim` examines that of one.");
            return Ok(Exit::Done);
        }
        let work = async |api: &ApiSession| session.unless_stopped(found.account(api, &BTreeSet::new())).await;
        return session.with_account(work).await;
    };
    let disk = Disk;
    let mut workspace = session.open_with(place, &disk, Fetching::Never)?;
    let mut inputs = workspace.inputs(&args.variables)?;
    inputs.lenient = true;
    inputs.skip_unsupported = true;
    let wanted = match of_apply(&workspace, &mut inputs, view) {
        Ok(wanted) => wanted,
        Err(failure) => {
            found.failures("configuration", &failure.diagnostics);
            return Ok(Exit::Failed);
        }
    };
    let work = async |opened: &Opened<'_>, _: &mut View| session.unless_stopped(found.account(&opened.api_session, &wanted)).await;
    session.with_api_untold(&workspace, inputs, view, work).await
}

/// What was found so far.
#[derive(Default)]
struct Found {
    checks: Vec<Check>,
}

impl Found {
    fn add(&mut self, name: &'static str, health: Health, message: impl Into<String>, hint: impl Into<String>) {
        self.checks.push(Check { name, health, message: message.into(), hint: hint.into() });
    }

    fn ok(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, Health::Ok, message, "");
    }

    fn note(&mut self, name: &'static str, message: impl Into<String>, hint: &str) {
        self.add(name, Health::Note, message, hint);
    }

    fn failures(&mut self, name: &'static str, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            self.add(name, Health::Failed, diagnostic.message.clone(), diagnostic.hint.clone().unwrap_or_default());
        }
    }

    /// The programs that are run: for a state in git, for modules, for provisioners and for a look at nodes.
    fn programs(&mut self) {
        for (program, flag, purpose) in [
            ("git", "--version", "modules from git, and a state in a branch or in the history"),
            ("ssh", "-V", "`dofloat status -verbose` and provisioners"),
        ] {
            let said = child::command(program).arg(flag).output();
            match said.ok().filter(|output| output.status.success()) {
                Some(output) => {
                    // ssh tells its version on standard error.
                    let text = [output.stdout, output.stderr].concat();
                    let line = String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned();
                    self.ok(program, line);
                }
                None => self.add(program, Health::Warning, "is not installed", format!("It is needed for {purpose}.")),
            }
        }
    }

    fn identity(&mut self, environment: &Environment) {
        let keys = keys(environment);
        let name = keys.identity.display().to_string();
        match (keys.exposure(), keys.identity.exists()) {
            (Some(exposed), _) => self.add("age identity", Health::Warning, exposed.message, exposed.hint.unwrap_or_default()),
            (None, true) => self.ok("age identity", format!("{name}; keep a copy, it decrypts the secrets of your stacks")),
            (None, false) if environment.identity_file.is_some() => {
                self.add("age identity", Health::Failed, format!("{name} is not there"), "DOFLOAT_AGE_IDENTITY names it.");
            }
            (None, false) => self.note("age identity", format!("{name} is created when the first secret is saved"), ""),
        }
    }

    /// Where the state is, whether it can be read, and whether a run is open.
    async fn state(&mut self, session: &Session<'_>, place: &Place) {
        let backend = match &place.backend {
            Ok(Some(backend)) if !place.is_simulated() => format!("in the backend {}", backend.kind),
            _ => place.store().state.display().to_string(),
        };
        match session.loaded(place).await {
            Err(failure) => self.failures("state", &failure.diagnostics),
            Ok(loaded) => match (&loaded.state, &loaded.journal) {
                (_, Some(_)) => self.add(
                    "state",
                    Health::Warning,
                    format!("{backend}: a run is under way or was interrupted"),
                    "If it was interrupted, run the same command again.",
                ),
                (Some(state), None) => {
                    let count = state.records.len();
                    let resources = if count == 1 { "resource" } else { "resources" };
                    self.ok("state", format!("{backend}: serial {}, {count} {resources}", state.serial));
                }
                (None, None) => self.note("state", format!("{backend}: nothing was applied yet"), ""),
            },
        }
    }

    /// Whom the token opens, what is left there, and what it may.
    async fn account(&mut self, api: &ApiSession, wanted: &BTreeSet<&'static str>) -> Ended {
        let client = &api.client;
        let account: Json = match client.get("/account", &[]).await {
            Ok(answer) => answer,
            Err(error) => {
                self.failures("account", &[from_api(&error, "read the account")]);
                return Ok(Exit::Failed);
            }
        };
        self.ok("token", format!("from {}", api.token_source));
        self.ok("API", format!("{} answers", api.endpoint));
        let account = &account["account"];
        let limit = |name: &str| account[name].as_u64().map_or_else(|| "?".to_owned(), |limit| limit.to_string());
        let team = account["team"]["name"].as_str().map(|team| format!("team {team}, ")).unwrap_or_default();
        let limits = format!("{team}up to {} droplets, {} reserved IPs", limit("droplet_limit"), limit("floating_ip_limit"));
        match account["status"].as_str().unwrap_or("active") {
            "active" => self.ok("account", limits),
            status => self.add("account", Health::Failed, format!("its status is `{status}`; {limits}"), "The control panel says why."),
        }
        self.clock(client);
        self.budget(client);
        self.scopes(client, wanted).await;
        Ok(Exit::Done)
    }

    fn clock(&mut self, client: &Client) {
        match client.clock_ahead() {
            Some(ahead) if ahead.abs() <= CLOCK_LIMIT => self.ok("clock", "agrees with the API's"),
            Some(ahead) => {
                let side = if ahead > 0 { "ahead of" } else { "behind" };
                let message = format!("is {} s {side} the API's", ahead.abs());
                self.add(
                    "clock",
                    Health::Warning,
                    message,
                    "Set it by NTP: keys of buckets, certificates and times in the state go by it.",
                );
            }
            None => self.note("clock", "the API does not say what time it is", ""),
        }
    }

    fn budget(&mut self, client: &Client) {
        match client.left() {
            Some(left) if left.of_hour < FEW_REQUESTS => self.add(
                "requests",
                Health::Warning,
                format!("{} of {} an hour are left", left.of_hour, left.an_hour),
                "Other programs use the same token; dofloat waits where it has to.",
            ),
            Some(left) => self.ok("requests", format!("{} of {} an hour are left", left.of_hour, left.an_hour)),
            None => self.note("requests", "the API counts none", ""),
        }
    }

    async fn scopes(&mut self, client: &Client, wanted: &BTreeSet<&'static str>) {
        let (mut lacking, mut unknown) = (Vec::new(), Vec::new());
        for scope in wanted {
            match client.may(scope).await {
                Some(true) => {}
                Some(false) => lacking.push(*scope),
                None => unknown.push(*scope),
            }
        }
        let untold = if unknown.is_empty() {
            String::new()
        } else {
            format!("; {} cannot be checked without creating something", unknown.join(", "))
        };
        let hint = "`dofloat scopes` prints all that the stack needs; create a token with exactly these.";
        match lacking.as_slice() {
            _ if wanted.is_empty() => {}
            [] => {
                let known = wanted.len() - unknown.len();
                self.ok("scopes", format!("the token has the {known} of {} that an apply needs{untold}", wanted.len()));
            }
            lacking => self.add("scopes", Health::Failed, format!("the token lacks {}{untold}", lacking.join(", ")), hint),
        }
    }
}
