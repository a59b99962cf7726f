//! What a command works with: the stack's files, the values of its variables, the API, and the store.
//!
//! Invariant: glue between the layers; nothing is decided here but where things come from. The order of precedence of
//! variables and settings is Terraform's and the official provider's.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::args::{Global, Locking, VariableArg, Variables};
use super::environment::Environment;
use super::exit::Failure;
use super::files::Disk;
use super::stack::Place;
use super::store;
use super::token;
use crate::api::client::{Client, Settings};
use crate::base::clock::Moment;
use crate::base::desired::Resolve;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::base::digest::{Digest, Salt, sha256_hex};
use crate::base::durable::make_folder;
use crate::base::identity::Owner;
use crate::base::rng::{Rng, entropy};
use crate::base::secret::Secret;
use crate::base::types::{Schemas, Type};
use crate::base::value::{Term, Value};
use crate::bootstrap::schema;
use crate::engine::change::Base;
use crate::engine::plan::{self, Input, Options, Planned};
use crate::engine::refresh::Observed;
use crate::engine::upkeep::Upkeep;
use crate::kinds::Tables;
use crate::lang::files::Recorded;
use crate::lang::inputs::{Given, Inputs};
use crate::lang::module::{self, Source, Stack};
use crate::lang::{Files as _, Host};
use crate::sim;
use crate::state::State;
use crate::state::secrets::Keys;
use crate::state::store::{Locked, Waiting};
use crate::ui::errors::Sources;
use crate::ui::plan_json;
use crate::ui::screen::Screen;

/// A stack's files and what its functions may ask.
pub struct Site<'a> {
    /// Where it lies.
    pub place: Place,
    /// The environment.
    pub environment: &'a Environment,
    /// What goes with every command.
    pub global: &'a Global,
    /// The texts of its files, as they are shown.
    pub sources: Sources,
    /// Files, with a memory of what was read.
    pub files: Recorded<'a>,
    rng: Rng,
    now: Moment,
}

impl<'a> Site<'a> {
    /// Opens a stack.
    ///
    /// # Errors
    /// If there is no such stack, or its files cannot be read.
    pub fn open(place: Place, global: &'a Global, environment: &'a Environment, disk: &'a Disk) -> Result<Self, Failure> {
        let mut sources = Sources::new();
        for (name, path) in &place.sources {
            sources.insert(name.clone(), read_text(path, name)?);
        }
        Ok(Self { place, environment, global, sources, files: Recorded::new(disk), rng: Rng::from_entropy(), now: environment.clock.now() })
    }

    /// What functions may ask. `fresh`: whether `timestamp` and its like are computed, or unknown still.
    #[must_use]
    pub fn host(&self, fresh: bool) -> Host<'_> {
        Host { files: &self.files, base: &self.place.base, home: self.environment.home.as_deref(), now: self.now, rng: &self.rng, fresh }
    }

    /// Everything that is given for variables, the weakest first: environment, the files that are always read, the command line.
    ///
    /// # Errors
    /// If a file cannot be read, or a `-var` is not `NAME=VALUE`.
    pub fn inputs(&mut self, variables: &Variables) -> Result<Inputs, Failure> {
        let mut given: Vec<Given> = Vec::new();
        for (name, raw, from) in &self.environment.variables {
            given.push(Given::Text { name: name.clone(), raw: raw.clone(), from: from.clone(), strict: false });
        }
        for (name, path) in self.place.values.clone() {
            given.push(self.values_file(&name, &path)?);
        }
        for variable in &variables.given {
            match variable {
                VariableArg::Text(text) => {
                    let Some((name, raw)) = text.split_once('=') else {
                        // The text may hold a secret: only its beginning can be shown, and even that is not needed.
                        let diagnostic = Diagnostic::error("A `-var` has no `=`.").hint("Write `-var NAME=VALUE`.");
                        return Err(Failure::usage(diagnostic));
                    };
                    given.push(Given::Text { name: name.trim().to_owned(), raw: raw.to_owned(), from: "-var".to_owned(), strict: true });
                }
                VariableArg::File(path) => given.push(self.values_file(&path.display().to_string(), path)?),
            }
        }
        Ok(Inputs { given, lenient: false })
    }

    fn values_file(&mut self, name: &str, path: &Path) -> Result<Given, Failure> {
        let text = read_text(path, name)?;
        self.sources.insert(name.to_owned(), without_values(&text));
        Ok(Given::File { name: name.to_owned(), text })
    }

    /// The stack. Variables that lack a value are asked for, if somebody is there to answer.
    ///
    /// # Errors
    /// All that is wrong with the configuration.
    pub fn load(&self, inputs: &mut Inputs, ask: bool, screen: &mut Screen) -> Result<Stack<'_>, Failure> {
        if ask && !inputs.lenient && io::stdin().is_terminal() {
            let sources = self.language_sources();
            for question in module::questions(&sources, inputs, self.host(false)).map_err(|errors| self.failed(errors))? {
                if question.sensitive {
                    continue;
                }
                let about = question.description.as_ref().map(|text| format!("  {text}\n")).unwrap_or_default();
                screen.complain(&format!("var.{}\n{about}  Enter a value: ", question.name));
                let mut answer = String::new();
                io::stdin().lock().read_line(&mut answer).context("Failed to read the answer")?;
                let raw = answer.trim_end_matches(['\n', '\r']).to_owned();
                given_text(inputs, &question.name, raw);
            }
        }
        let sources = self.language_sources();
        module::load(&sources, inputs, &Types, self.host(false)).map_err(|errors| self.failed(errors))
    }

    fn language_sources(&self) -> Vec<Source<'_>> {
        let own = |name: &String| self.place.sources.iter().any(|(own, _)| own == name);
        self.sources.iter().filter(|(name, _)| own(name)).map(|(name, text)| Source { name, text }).collect()
    }

    /// A failure with the texts that its diagnostics point into.
    #[must_use]
    pub fn failed(&self, failure: impl Into<Failure>) -> Failure {
        failure.into().with_sources(&self.sources)
    }

    /// The digest of everything that the configuration is made of: its files, the files of values, and what functions read.
    #[must_use]
    pub fn config(&self, inputs: &Inputs) -> String {
        let mut parts: Vec<(String, String)> =
            self.sources.iter().map(|(name, text)| (name.clone(), sha256_hex(text.as_bytes()))).collect();
        for given in &inputs.given {
            if let Given::File { name, text } = given {
                parts.push((name.clone(), sha256_hex(text.as_bytes())));
            }
        }
        for path in self.files.seen() {
            let digest = self.files.read(&path).map(|bytes| sha256_hex(&bytes)).unwrap_or_default();
            let name = path.strip_prefix(&self.place.base).unwrap_or(&path).display().to_string();
            parts.push((name, digest));
        }
        parts.sort();
        parts.dedup();
        sha256_hex(format!("{parts:?}").as_bytes())
    }

    /// A state for a stack that was never applied. A simulated world gives the same one every time.
    #[must_use]
    pub fn fresh_state(&self) -> State {
        if self.global.sim {
            let lineage = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, format!("dofloat:simulated:{}", self.place.name).as_bytes());
            let mut salt = [0; 32];
            salt.iter_mut().zip(lineage.as_bytes().iter().cycle()).for_each(|(to, from)| *to = *from);
            return State::new(lineage.to_string(), Salt::new(salt));
        }
        State::new(uuid::Uuid::new_v4().to_string(), Salt::new(entropy()))
    }
}

/// The resource types that a stack may use: those of the API, and the cluster.
struct Types;

impl Schemas for Types {
    fn resource(&self, kind: &str) -> Option<Type> {
        if kind == schema::KIND { Some(schema::object()) } else { Tables.resource(kind) }
    }

    fn resource_names(&self) -> Vec<String> {
        let mut names = Tables.resource_names();
        names.push(schema::KIND.to_owned());
        names
    }
}

/// The text of a file of values as messages may quote it: a value may be a secret, so only names are left, each letter of the
/// rest a star, so that positions stay what they are.
fn without_values(text: &str) -> String {
    let star = |c: char| if c.is_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) };
    let line = |line: &str| match line.split_once('=') {
        Some((name, value)) if !name.contains(['"', '{', '[']) => format!("{name}={}", value.chars().map(star).collect::<String>()),
        _ => line.chars().map(star).collect(),
    };
    text.split_inclusive('\n').map(line).collect()
}

fn given_text(inputs: &mut Inputs, name: &str, raw: String) {
    inputs.given.push(Given::Text { name: name.to_owned(), raw, from: "the answer".to_owned(), strict: true });
}

fn read_text(path: &Path, name: &str) -> Result<String, Failure> {
    let bytes = std::fs::read(path).with_context(|| format!("Failed to read {name}"))?;
    Ok(String::from_utf8(bytes).map_err(|_| Diagnostic::error(format!("{name} is not UTF-8 text.")).hint("Save it as UTF-8."))?)
}

/// The digests of the sensitive variables, and the values of the others: what a saved plan keeps.
#[must_use]
pub fn variables_of(stack: &Stack<'_>, salt: &Salt) -> (BTreeMap<String, String>, BTreeMap<String, serde_json::Value>) {
    let (mut secrets, mut open) = (BTreeMap::new(), BTreeMap::new());
    for (name, variable) in stack.variables() {
        match variable.value.value().filter(|_| !variable.sensitive) {
            Some(value) => {
                open.insert(name, value.to_json());
            }
            None => {
                if let Some(sealed) = variable.value.sealed() {
                    secrets.insert(name, Digest::of(&sealed, salt).to_string());
                }
            }
        }
    }
    (secrets, open)
}

/// Who may read the encrypted file.
#[must_use]
pub fn keys(environment: &Environment) -> Keys {
    let list = PathBuf::from("state/recipients.txt");
    Keys { recipients: environment.recipients.iter().cloned().collect(), list, identity: environment.identity() }
}

/// What is remembered of a stack; of a run that was interrupted, all that is known to be done.
///
/// # Errors
/// If the state cannot be used.
pub async fn remembered(place: &Place, environment: &Environment) -> Result<Option<State>, Failure> {
    let store = store::of(place, environment)?;
    store.refresh().await?;
    let loaded = store.peek()?;
    Ok(match (loaded.state, loaded.journal) {
        (Some(state), Some(journal)) => Some(journal.settle_into(&state)),
        (state, _) => state,
    })
}

/// Takes the lock of a stack's state, as it was asked for; `command` is told to those who find it taken. It is to be given back
/// by `release`, however the command ends: what is shared is published then.
///
/// # Errors
/// If somebody else has it.
pub async fn lock(
    place: &Place,
    locking: &Locking,
    command: &str,
    json: bool,
    environment: &Environment,
    screen: &mut Screen,
) -> Result<Locked, Failure> {
    let (store, clock) = (store::of(place, environment)?, &environment.clock);
    if !locking.lock {
        return Ok(store.unguarded().await?);
    }
    let note = store::holder(command, environment);
    let mut tell = |waiting: Waiting| {
        let message = waiting.to_string();
        let json = json.then(|| plan_json::line("log", &message, &clock.now().to_rfc3339()).to_string());
        screen.line(&json.unwrap_or(message));
    };
    Ok(store.lock(locking.lock_timeout, &note, clock, &mut tell).await?)
}

/// The plan of making everything anew, worked out without any request: what is wrong with bodies comes out, and what they are.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn offline(site: &Site<'_>, configuration: &dyn Resolve) -> Result<Planned, Failure> {
    let state = State::new(String::new(), Salt::new([0; 32]));
    let (observed, options) = (Observed::default(), Options::default());
    let upkeep = Upkeep::default();
    let input = Input { resolve: configuration, state: &state, observed: &observed, options: &options, upkeep: &upkeep };
    let base = Base {
        stack: site.place.name.clone(),
        lineage: String::new(),
        serial: 0,
        journal_end: 0,
        owner: Owner { account: String::new(), team: None, simulated: true },
        endpoint: String::new(),
        config: String::new(),
    };
    Ok(plan::make(input, base)?)
}

/// The way to the API.
pub struct Gateway {
    /// The client.
    pub client: Client,
    /// The API's address.
    pub endpoint: String,
    /// The token, but in a simulated account.
    pub token: Option<Secret<String>>,
    /// Where the token came from.
    pub token_source: String,
    /// Warnings about the settings.
    pub warnings: Vec<Diagnostic>,
    /// The embedded simulator, which ends with this.
    simulator: Option<sim::Running>,
}

impl Gateway {
    /// Ends the embedded simulator, its world on disk.
    pub async fn close(self) {
        if let Some(simulator) = self.simulator {
            simulator.stop().await;
        }
    }
}

/// Where DigitalOcean answers.
pub const ENDPOINT: &str = "https://api.digitalocean.com";

/// Opens the way to the API: the account that the token names, another server that the settings name, or the simulator.
///
/// # Errors
/// If there is no token, or a setting will not do.
pub async fn gateway(site: &Site<'_>, stack: Option<&Stack<'_>>) -> Result<Gateway, Failure> {
    if site.global.sim {
        return simulated(site).await;
    }
    let wishes = match stack {
        Some(stack) => Wishes::of(stack).map_err(|errors| site.failed(errors))?,
        None => Wishes::default(),
    };
    let environment = site.environment;
    let ask = token::Ask {
        file: site.global.access_token_file.as_deref(),
        context: site.global.context.as_deref(),
        provider: wishes.token.as_ref(),
    };
    let token = token::find(ask, environment)?;
    let setting = |name: &str| environment.provider.get(name).cloned();
    let endpoint = wishes.endpoint.clone().or_else(|| setting("DIGITALOCEAN_API_URL")).unwrap_or_else(|| ENDPOINT.to_owned());
    let base = endpoint.parse().map_err(|error| {
        Diagnostic::error(format!("The API's address `{endpoint}` cannot be understood: {error}."))
            .hint("Write it as in https://api.digitalocean.com.")
    })?;
    let number = |name: &str, wish: Option<f64>| match (wish, setting(name)) {
        (Some(wish), _) => Ok(Some(wish)),
        (None, Some(text)) => text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0).map(Some).ok_or_else(|| {
            Diagnostic::error(format!("{name} is set to something that is no number.")).hint("Set it to a number, or unset it.")
        }),
        (None, None) => Ok(None),
    };
    let mut settings = Settings::new(base, token.value.clone(), environment.clock.clone(), Arc::new(Rng::from_entropy()));
    if let Some(retries) = number("DIGITALOCEAN_HTTP_RETRY_MAX", wishes.retry_max)? {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not negative, and more than 100 makes no sense")]
        let retries = retries.min(100.0) as u32;
        settings.retry_max = retries;
    }
    if let Some(wait) = number("DIGITALOCEAN_HTTP_RETRY_WAIT_MIN", wishes.wait_min)? {
        settings.retry_wait_min = Duration::from_secs_f64(wait.min(3600.0));
    }
    if let Some(wait) = number("DIGITALOCEAN_HTTP_RETRY_WAIT_MAX", wishes.wait_max)? {
        settings.retry_wait_max = Duration::from_secs_f64(wait.min(3600.0));
    }
    if let Some(rate) = number("DIGITALOCEAN_REQUESTS_PER_SECOND", wishes.rate)? {
        settings.requests_per_second = rate;
    }
    settings.timeout = environment.time_limit.unwrap_or(settings.timeout);
    settings.ca_file.clone_from(&environment.ca_file);
    settings.probe_through = environment.probe_through.as_deref().and_then(|address| address.parse().ok());
    let client = Client::new(settings).map_err(|error| {
        let diagnostic = Diagnostic::error(format!("{error}."));
        match error.hint() {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    })?;
    let warnings = token.warning.map(|warning| *warning).into_iter().collect();
    Ok(Gateway { client, endpoint, token: Some(token.value), token_source: token.source, warnings, simulator: None })
}

/// What the configuration's `provider` block asks for.
#[derive(Default)]
struct Wishes {
    token: Option<Secret<String>>,
    endpoint: Option<String>,
    retry_max: Option<f64>,
    wait_min: Option<f64>,
    wait_max: Option<f64>,
    rate: Option<f64>,
}

const PROVIDER_ARGUMENTS: [&str; 9] = [
    "token",
    "api_endpoint",
    "http_retry_max",
    "http_retry_wait_min",
    "http_retry_wait_max",
    "requests_per_second",
    "spaces_access_id",
    "spaces_secret_key",
    "spaces_endpoint",
];

impl Wishes {
    fn of(stack: &Stack<'_>) -> Result<Self, Vec<Diagnostic>> {
        let (mut wishes, mut errors) = (Self::default(), Vec::new());
        for argument in stack.provider()? {
            let mut wrong =
                |what: &str| errors.push(Diagnostic::error(format!("`{}` takes {what}.", argument.name)).at(argument.span.clone()));
            let text = argument.value.value().and_then(Value::as_str).map(str::to_owned);
            let number = match argument.value.value() {
                Some(Value::Number(number)) => number.as_f64().filter(|number| *number >= 0.0),
                Some(Value::Str(text)) => text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0),
                _ => None,
            };
            match argument.name.as_str() {
                "token" => match token_of(&argument.value) {
                    Some(token) => wishes.token = Some(token),
                    None => wrong("a text that is known before anything is made"),
                },
                "api_endpoint" => match text {
                    Some(text) => wishes.endpoint = Some(text),
                    None => wrong("a text"),
                },
                "http_retry_max" => {
                    wishes.retry_max = number.or_else(|| {
                        wrong("a number");
                        None
                    })
                }
                "http_retry_wait_min" => {
                    wishes.wait_min = number.or_else(|| {
                        wrong("a number of seconds");
                        None
                    })
                }
                "http_retry_wait_max" => {
                    wishes.wait_max = number.or_else(|| {
                        wrong("a number of seconds");
                        None
                    })
                }
                "requests_per_second" => {
                    wishes.rate = number.or_else(|| {
                        wrong("a number");
                        None
                    })
                }
                "spaces_access_id" | "spaces_secret_key" | "spaces_endpoint" => {}
                other => {
                    let diagnostic = Diagnostic::error(format!("The provider has no argument `{other}`.")).at(argument.span.clone());
                    errors.push(match did_you_mean(other, PROVIDER_ARGUMENTS) {
                        Some(meant) => diagnostic.hint(format!("Did you mean `{meant}`?")),
                        None => diagnostic.hint(format!("It has: {}.", PROVIDER_ARGUMENTS.join(", "))),
                    });
                }
            }
        }
        if errors.is_empty() { Ok(wishes) } else { Err(errors) }
    }
}

fn token_of(term: &Term) -> Option<Secret<String>> {
    let text = term.sealed()?.map(|value| value.as_str().map(str::to_owned).ok_or(())).transpose().ok()?;
    Some(text)
}

async fn simulated(site: &Site<'_>) -> Result<Gateway, Failure> {
    let world: PathBuf = site.place.world();
    let failed = |error: io::Error| Failure::from(Diagnostic::error(format!("The simulator cannot start: {error}.")));
    if let Some(folder) = world.parent() {
        make_folder(folder).map_err(failed)?;
    }
    // Another command may hold the world: then its server serves this one too. It may also end just now.
    let mut tries = 0;
    let (url, simulator) = loop {
        if let Some(url) = sim::running_at(&world).map_err(failed)? {
            break (url, None);
        }
        match sim::start(sim::Options { world: Some(world.clone()), ..sim::Options::default() }).await {
            Ok(running) => break (running.url.clone(), Some(running)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries < 50 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(failed(error)),
        }
    };
    let base: url::Url = url.parse().with_context(|| format!("The simulator's address `{url}` cannot be understood"))?;
    // No simulated address is ever dialled: the simulator answers for its servers.
    let through = Some(base.clone());
    let settings = Settings::new(base, Secret::new("simulated".to_owned()), site.environment.clock.clone(), Arc::new(Rng::from_entropy()));
    let settings = Settings { probe_through: through, ..settings };
    let client = Client::new(settings).map_err(|error| Diagnostic::error(format!("{error}.")))?;
    Ok(Gateway {
        client,
        endpoint: "simulator".to_owned(),
        token: None,
        token_source: "the simulator".to_owned(),
        warnings: Vec::new(),
        simulator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_values_are_quoted() {
        let text = "token = \"häh\"\nlist = [\n  \"a=b\",\n]\n";
        let masked = without_values(text);
        assert_eq!(masked, "token = ******\nlist = *\n  ******\n*\n");
        assert_eq!(masked.len(), text.len());
    }
}
